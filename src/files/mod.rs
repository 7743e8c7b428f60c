//! Files that clients upload or text.

mod store;

use bytes::Bytes;

pub(crate) use store::STATEMENTS;

/// A file that was received and whose kind was checked.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// The name it was given, cleaned.
    pub name: String,
    /// What its content is, as found by looking at it.
    pub media_type: String,
    /// Its content.
    pub bytes: Bytes,
}
