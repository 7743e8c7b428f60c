//! Secrets a command reads: never from its own line, which every user of the machine can see.

use std::io::Read as _;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use secrecy::SecretString;

/// No key is longer.
const MAX_BYTES: u64 = 4 * 1024;

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretSource {
    /// Standard input, to its end.
    Input,
    /// A variable of the environment.
    Env(String),
    /// A file.
    File(PathBuf),
}

impl FromStr for SecretSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match (text, text.strip_prefix("env:")) {
            ("-", _) => Self::Input,
            (_, Some(name)) => Self::Env(name.to_owned()),
            (path, None) => Self::File(path.into()),
        })
    }
}

impl SecretSource {
    /// The secret, without the white space around it.
    pub(super) fn read(&self) -> anyhow::Result<SecretString> {
        let text = match self {
            Self::Input => bounded(std::io::stdin().lock()).context("standard input")?,
            Self::Env(name) => std::env::var(name).with_context(|| format!("${name}"))?,
            Self::File(path) => {
                let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
                bounded(file).with_context(|| path.display().to_string())?
            }
        };
        let secret = text.trim();
        ensure!(!secret.is_empty(), "there is no secret in {self:?}");
        Ok(secret.to_owned().into())
    }
}

fn bounded(source: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_source_is_a_file_a_variable_or_standard_input() {
        let source = |text: &str| text.parse::<SecretSource>().expect("any text names a source");
        assert_eq!(source("-"), SecretSource::Input);
        assert_eq!(source("env:KEY"), SecretSource::Env("KEY".to_owned()));
        assert_eq!(source("./key"), SecretSource::File("./key".into()));
    }

    #[test]
    fn a_secret_in_a_file_is_read_without_its_line_end_and_an_empty_file_holds_none() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        std::fs::write(&path, "sk_123\n").expect("written");
        let source = SecretSource::File(path.clone());
        assert_eq!(source.read().expect("a secret").expose_secret(), "sk_123");
        std::fs::write(&path, " \n").expect("written");
        assert!(source.read().is_err());
    }
}
