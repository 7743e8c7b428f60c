//! Files that clients upload or text.

pub mod routes;
mod store;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use usher_conversation::id::FileId;
use usher_conversation::time::Timestamp;

pub(crate) use store::STATEMENTS;

/// So many files may be kept of one person.
const MAX_FILES: u64 = 200;
/// So many bytes may be kept of one person.
const MAX_STORED_BYTES: u64 = 200 * 1024 * 1024;

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

/// The id of the file that arrives under this name in a session. Sent again it has the same id, so that it is kept once.
pub fn file_id(session: &str, name: &str) -> FileId {
    let digest = Sha256::new().chain_update(session).chain_update([0]).chain_update(name).finalize();
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest[..16]);
    FileId::new(Timestamp::from_millis(0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_sent_again_has_the_same_id_and_another_has_not() {
        assert_eq!(file_id("ses_a", "ME1"), file_id("ses_a", "ME1"));
        for (session, name) in [("ses_a", "ME2"), ("ses_b", "ME1"), ("ses_aM", "E1")] {
            assert_ne!(file_id("ses_a", "ME1"), file_id(session, name));
        }
    }
}
