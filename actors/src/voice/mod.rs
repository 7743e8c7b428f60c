//! Calls: one actor per call between the contact's line and a speaking agent.
//!
//! | module | what lives there |
//! |---|---|
//! | [`ports`] | what a call needs from the outside |

pub mod ports;
