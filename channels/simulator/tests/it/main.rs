//! The simulator over real sockets, and the Twilio client against it.

mod agents;
mod calls;
mod client;
mod inbound;
mod numbers;
mod phone;
mod rest;
mod retell;
mod state;
mod streams;
mod support;
mod vapi;
