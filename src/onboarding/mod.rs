//! What a client does on a page: the widget's API, its socket, uploads and the hosted page.

pub(crate) mod store;

pub use store::{NewSession, Opened};
