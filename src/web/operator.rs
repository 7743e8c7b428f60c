//! The operator's key: opens what is not for the public, before there are accounts of people.

use std::fs;
use std::io;
use std::path::Path;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use usher_conversation::id::OrgId;
use usher_conversation::ports::Entropy;
use usher_conversation::problem::Problem;
use zeroize::Zeroizing;

use super::Fault;
use crate::app::App;
use crate::crypto::write_new;
use crate::tenancy::Organisation;

/// The file in the data directory that holds a generated key.
const FILE: &str = "operator.key";

/// The fewest characters of a key.
pub const MIN_KEY_CHARS: usize = 16;

/// A key that is long enough.
///
/// # Errors
/// A shorter one.
pub fn strong(key: SecretString) -> io::Result<SecretString> {
    if key.expose_secret().chars().count() >= MIN_KEY_CHARS {
        return Ok(key);
    }
    Err(io::Error::other(format!("must have at least {MIN_KEY_CHARS} characters")))
}

/// The key of a data directory, made when there is none.
///
/// # Errors
/// When the file cannot be read or made, or holds less than a key.
pub fn key_of_data_dir(dir: &Path, entropy: &dyn Entropy) -> io::Result<SecretString> {
    let path = dir.join(FILE);
    if !path.try_exists()? {
        let text = Zeroizing::new(hex::encode([entropy.bits(), entropy.bits()].concat()));
        write_new(&path, &hex::encode(entropy.bits()), &text)?;
    }
    // Whoever was first, everyone uses the key that is in the file now.
    let text = Zeroizing::new(fs::read_to_string(&path)?);
    strong(text.trim().to_owned().into()).map_err(|error| {
        io::Error::other(format!("{}: {error}; remove the file to get a new one", path.display()))
    })
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

/// The organisation that an operator's request names.
///
/// # Errors
/// [`Problem::Unauthorized`], [`Problem::RateLimited`], [`Problem::NotFound`] or a failed store.
pub async fn tenant(app: &App, request: &HttpRequest, org: &str) -> Result<Organisation, Fault> {
    app.edge.check_operator(request, &app.operator)?;
    let unknown = || Fault::new(Problem::NotFound, "There is no such organisation.");
    let org: OrgId = org.parse().map_err(|_| unknown())?;
    app.store.organisation(&org).await?.ok_or_else(unknown)
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
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_file_that_was_cut_short_opens_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for short in ["", "0123456789abcde"] {
            fs::write(dir.path().join(FILE), short).expect("written");
            assert!(key_of_data_dir(dir.path(), &SystemEntropy).is_err(), "{short:?}");
        }
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
