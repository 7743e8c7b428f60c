//! The operator's key: opens what is not for the public, before there are accounts of people.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use actix_web::http::header::{self, HeaderMap};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use usher_conversation::ports::Entropy;
use usher_conversation::problem::Problem;

use super::Fault;

/// The file in the data directory that holds a generated key.
const FILE: &str = "operator.key";

/// The key of a data directory, made when there is none.
///
/// # Errors
/// When the file cannot be read or made.
pub fn key_of_data_dir(dir: &Path, entropy: &dyn Entropy) -> io::Result<SecretString> {
    let path = dir.join(FILE);
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(mut file) => {
            let bits = [entropy.bits(), entropy.bits()].concat();
            file.write_all(hex::encode(bits).as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(fs::read_to_string(path)?.trim().to_owned().into())
}

/// Whether a request carries the key as `Authorization: Bearer …`.
///
/// # Errors
/// [`Problem::Unauthorized`].
pub fn check(key: &SecretString, headers: &HeaderMap) -> Result<(), Fault> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // Digests of equal length are compared: how long that takes says nothing about the key.
    let same = Sha256::digest(sent) == Sha256::digest(key.expose_secret());
    if same && !sent.is_empty() {
        return Ok(());
    }
    Err(Fault::new(Problem::Unauthorized, "This needs the operator's key: `Authorization: Bearer KEY`."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_data_directory_keeps_its_key() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = key_of_data_dir(dir.path(), &SystemEntropy).expect("made");
        let second = key_of_data_dir(dir.path(), &SystemEntropy).expect("read");
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
    }

    #[test]
    fn only_the_key_opens() {
        let key = SecretString::from("k".repeat(64));
        let sent = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
            check(&key, &headers).is_ok()
        };
        assert!(sent(&format!("Bearer {}", "k".repeat(64))));
        assert!(!sent("Bearer "));
        assert!(!sent(&format!("Basic {}", "k".repeat(64))));
        assert!(!sent(&format!("Bearer {}", "k".repeat(63))));
        assert!(check(&SecretString::from(""), &HeaderMap::new()).is_err());
    }
}
