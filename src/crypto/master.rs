//! The key above all keys.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use usher_conversation::ports::Entropy;
use zeroize::Zeroizing;

use super::{DataKey, KEY_BYTES};

/// The file in the data directory that holds a generated master key.
const FILE: &str = "master.key";

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not 32 bytes in base 64 or hexadecimal.
    #[error(
        "master_key: must be 32 bytes in base64 or hexadecimal, for instance from `openssl rand -hex 32`"
    )]
    Malformed,
    /// There is no key file, and this is not the moment to make one.
    #[error(
        "there is no master key: {} is missing and none is configured. `usher serve` makes it when the database is \
         new; what an existing database holds can only be read with the key it was written with",
        .0.display()
    )]
    Missing(PathBuf),
    /// The key file cannot be read or made.
    #[error("master key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// The key that wraps every organisation's key.
#[derive(Debug)]
pub struct MasterKey(DataKey);

impl MasterKey {
    /// Reads a configured key.
    pub fn parse(text: &SecretString) -> Result<Self, MasterKeyError> {
        let text = text.expose_secret().trim();
        let bytes = Zeroizing::new(
            hex::decode(text).or_else(|_| STANDARD.decode(text)).map_err(|_| MasterKeyError::Malformed)?,
        );
        let bytes: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| MasterKeyError::Malformed)?;
        Ok(Self(DataKey::new("master", Zeroizing::new(bytes))))
    }

    /// The key of this data directory.
    pub fn of_data_dir(dir: &Path) -> Result<Self, MasterKeyError> {
        let path = dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MasterKeyError::Missing(path)),
            Err(source) => Err(MasterKeyError::Io { path, source }),
        }
    }

    /// The key of this data directory, made when there is none. Losing the file loses the data.
    pub fn of_data_dir_or_new(dir: &Path, entropy: &dyn Entropy) -> Result<Self, MasterKeyError> {
        match Self::of_data_dir(dir) {
            Err(MasterKeyError::Missing(path)) => {
                let key = DataKey::generate(entropy);
                let text = Zeroizing::new(hex::encode(key.bytes()));
                let made = write_new(&path, key.id(), &text);
                made.map_err(|source| MasterKeyError::Io { path: path.clone(), source })?;
                // Whoever was first, everyone uses the key that is in the file now.
                Self::of_data_dir(dir)
            }
            found => found,
        }
    }

    pub(crate) fn key(&self) -> &DataKey {
        &self.0
    }
}

/// Writes a secret whole or not at all: a private sibling, named after `draft`, is filled, synced and linked under the
/// final name. When another process was first, its file stays.
///
/// # Errors
/// When the file cannot be made.
pub(crate) fn write_new(path: &Path, draft: &str, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{draft}.draft"));
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_directory(path),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn bits(&self) -> [u8; 16] {
            [self.0; 16]
        }
    }

    #[test]
    fn the_data_directory_keeps_one_key_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let missing = MasterKey::of_data_dir(dir.path()).unwrap_err();
        assert!(matches!(missing, MasterKeyError::Missing(_)), "looking makes no key: {missing}");
        let first = MasterKey::of_data_dir_or_new(dir.path(), &Fixed(1)).unwrap();
        let again = MasterKey::of_data_dir_or_new(dir.path(), &Fixed(2)).unwrap();
        assert_eq!(first.key().bytes(), again.key().bytes());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(dir.path().join(FILE)).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_configured_key_has_exactly_32_bytes() {
        assert!(MasterKey::parse(&"00".repeat(32).into()).is_ok());
        assert!(MasterKey::parse(&STANDARD.encode([7; 32]).into()).is_ok());
        for wrong in ["", "secret", &"00".repeat(31)] {
            assert!(MasterKey::parse(&wrong.to_owned().into()).is_err(), "{wrong}");
        }
    }
}
