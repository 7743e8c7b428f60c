//! Sealing: what people say is stored encrypted, bound to its place, under a key that can be destroyed.
//!
//! The master key wraps one key per organisation, which wraps one key per contact. A contact's key seals the events,
//! snapshots, waiting messages and files of that person; an organisation's key seals its vendor credentials. The
//! associated data names organisation, place and key, so that ciphertext moved to another row, column or tenant
//! does not open.

mod master;

use std::fmt;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::ports::Entropy;
use zeroize::Zeroizing;

pub(crate) use master::write_new;
pub use master::{MasterKey, MasterKeyError};

/// Bytes of the nonce in front of every sealed body. Random: a key seals far fewer than 2^32 bodies.
const NONCE_BYTES: usize = 12;
/// Bytes of the authentication tag behind it.
const TAG_BYTES: usize = 16;
/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;

/// A body that does not open: another key, another place, or changed bytes. Which one is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed body does not open")]
pub struct SealError;

/// The place a sealed body belongs to.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The events of a turn.
    Turn {
        /// Its session.
        session: &'a SessionId,
        /// Its number.
        seq: u64,
    },
    /// The state after a turn.
    Snapshot {
        /// Its session.
        session: &'a SessionId,
        /// The turn's number.
        seq: u64,
    },
    /// The words of a waiting message.
    Delivery {
        /// Its id.
        id: &'a str,
    },
    /// A delivery's name in an address that a vendor is given: it must not tell the session, whose id opens a page.
    Callback,
    /// The content of a stored file.
    File {
        /// Its id.
        id: &'a str,
    },
    /// What a provider reported of a call.
    CallReport {
        /// Its id.
        call: &'a str,
    },
    /// A vendor's credential.
    Credential {
        /// The account it opens.
        account: &'a str,
    },
    /// A data key under the key above it.
    Key {
        /// Whose key it is.
        subject: &'a str,
    },
}

/// A key and its id. Unprintable; wiped from memory when dropped.
pub struct DataKey {
    id: Box<str>,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl DataKey {
    pub(crate) fn new(id: impl Into<Box<str>>, bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { id: id.into(), bytes }
    }

    /// A fresh key under a fresh id.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        bytes[..16].copy_from_slice(&entropy.bits());
        bytes[16..].copy_from_slice(&entropy.bits());
        Self::new(format!("key_{}", hex::encode(entropy.bits())), bytes)
    }

    /// The id stored beside everything this key seals.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    /// Seals `plain` for its place: nonce, ciphertext, tag.
    ///
    /// # Panics
    /// Never: no body comes near the cipher's limit of 64 GiB.
    pub fn seal(&self, entropy: &dyn Entropy, org: &OrgId, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&entropy.bits()[..NONCE_BYTES]);
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = Aes256Gcm::new(&(*self.bytes).into())
            .encrypt_inout_detached(
                &nonce.into(),
                &self.associated_data(org, place),
                (&mut sealed[NONCE_BYTES..]).into(),
            )
            .expect("bodies are far below the cipher's limit of 64 GiB");
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, org: &OrgId, place: Place<'_>, mut sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        if sealed.len() < NONCE_BYTES + TAG_BYTES {
            return Err(SealError);
        }
        let tag = sealed.split_off(sealed.len() - TAG_BYTES);
        let (nonce, body) = sealed.split_at_mut(NONCE_BYTES);
        let nonce: [u8; NONCE_BYTES] = (&*nonce).try_into().map_err(|_| SealError)?;
        let tag: [u8; TAG_BYTES] = tag.try_into().map_err(|_| SealError)?;
        Aes256Gcm::new(&(*self.bytes).into())
            .decrypt_inout_detached(
                &nonce.into(),
                &self.associated_data(org, place),
                body.into(),
                &tag.into(),
            )
            .map_err(|_| SealError)?;
        sealed.drain(..NONCE_BYTES);
        Ok(sealed)
    }

    /// Ids hold no `|`, so the parts cannot run into each other.
    fn associated_data(&self, org: &OrgId, place: Place<'_>) -> Vec<u8> {
        use std::io::Write as _;
        let mut out = Vec::with_capacity(192);
        let key = &*self.id;
        // Writing to memory cannot fail.
        let _ = match place {
            Place::Turn { session, seq } => write!(out, "usher1|turn|{org}|{key}|{session}|{seq}"),
            Place::Snapshot { session, seq } => write!(out, "usher1|snapshot|{org}|{key}|{session}|{seq}"),
            Place::Delivery { id } => write!(out, "usher1|delivery|{org}|{key}|{id}"),
            Place::Callback => write!(out, "usher1|callback|{org}|{key}"),
            Place::File { id } => write!(out, "usher1|file|{org}|{key}|{id}"),
            Place::CallReport { call } => write!(out, "usher1|call-report|{org}|{key}|{call}"),
            Place::Credential { account } => write!(out, "usher1|credential|{org}|{key}|{account}"),
            Place::Key { subject } => write!(out, "usher1|key|{org}|{key}|{subject}"),
        };
        out
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use usher_conversation::time::Timestamp;

    use super::*;

    struct Counter(AtomicU64);

    impl Entropy for Counter {
        fn bits(&self) -> [u8; 16] {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let mut bits = [0; 16];
            bits[..8].copy_from_slice(&count.to_le_bytes());
            bits
        }
    }

    fn org(n: u8) -> OrgId {
        OrgId::new(Timestamp::from_millis(0), [n; 16])
    }

    fn session(n: u8) -> SessionId {
        SessionId::new(Timestamp::from_millis(0), [n; 16])
    }

    #[test]
    fn a_body_opens_only_in_its_own_place_under_its_own_key() {
        let entropy = Counter(AtomicU64::new(0));
        let key = DataKey::generate(&entropy);
        let other = DataKey::generate(&entropy);
        let (home, away) = (session(1), session(2));
        let place = Place::Turn { session: &home, seq: 4 };
        let sealed = key.seal(&entropy, &org(1), place, b"my number is 555");
        assert_eq!(key.open(&org(1), place, sealed.clone()).as_deref(), Ok(&b"my number is 555"[..]));
        assert_eq!(key.open(&org(2), place, sealed.clone()), Err(SealError));
        assert_eq!(other.open(&org(1), place, sealed.clone()), Err(SealError));
        for elsewhere in [
            Place::Turn { session: &away, seq: 4 },
            Place::Turn { session: &home, seq: 5 },
            Place::Snapshot { session: &home, seq: 4 },
        ] {
            assert_eq!(key.open(&org(1), elsewhere, sealed.clone()), Err(SealError), "{elsewhere:?}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let entropy = Counter(AtomicU64::new(0));
        let key = DataKey::generate(&entropy);
        let place = Place::Delivery { id: "dlv_1" };
        let sealed = key.seal(&entropy, &org(1), place, b"hello");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&org(1), place, flipped), Err(SealError), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(
                key.open(&org(1), place, sealed[..length].to_vec()),
                Err(SealError),
                "length {length}"
            );
        }
    }

    #[test]
    fn a_key_does_not_print_its_bytes() {
        let key = DataKey::new("key_1", Zeroizing::new([0xab; KEY_BYTES]));
        let printed = format!("{key:?}");
        assert!(
            printed.contains("key_1") && !printed.contains("ab") && !printed.contains("171"),
            "{printed}"
        );
    }
}
