//! The conversation engine from outside, as the runtime uses it.

mod calls;
mod calls_resumed;
mod dialogues;
mod facts;
mod golden;
mod model;
mod outside;
mod properties;
mod slips;
mod strangers;
mod support;
