//! The pure conversation engine of Usher.
//!
//! Nothing here knows a clock, a source of randomness, a socket or a database. Time, ids and every answer
//! of the outside world come in as parameters; what must happen outside goes out as [`session::Effect`]s.
//!
//! | module | what lives there |
//! |---|---|
//! | [`id`], [`time`], [`channel`] | the vocabulary: typed ids, milliseconds UTC, channels |
//! | [`flow`] | the versioned definition of the questions and its save-time validation |
//! | [`answer`] | typed answers: one parser and normaliser per field type |
//! | [`session`] | the state machine: `decide` / `apply` / `effects_of` |
//! | [`catalogue`] | every sentence the bot says, in English and Spanish |
//! | [`consent`] | opt-out, opt-in and help words; quiet hours |
//! | [`journal`] | how a turn's events become bytes, and back |
//! | [`ports`] | what the runtime needs from a store and from the vendors |
//! | [`voice`] | what a call is made of, whatever network carries it and whatever model speaks |
//! | [`view`] | what a person at a screen sees of a session |
//! | [`chat`] | a whole conversation in memory |
//! | [`problem`] | the closed catalogue of errors a caller can see |

pub mod answer;
pub mod catalogue;
pub mod channel;
pub mod chat;
pub mod consent;
pub mod flow;
pub mod id;
pub mod journal;
pub mod ports;
pub mod problem;
pub mod session;
pub mod time;
pub mod view;
pub mod voice;
