//! The simulator over real sockets, and the Twilio client against it.

mod client;
mod inbound;
mod rest;
mod state;
mod support;
