//! What vendors post to us.

pub(crate) mod store;

pub use store::OurNumber;
