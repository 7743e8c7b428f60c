//! Where settings come from, and in which order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::settings::{Settings, Spec};

/// The file read from the working directory when none is named.
pub(super) const DEFAULT_FILE: &str = "usher.toml";

/// The place a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag(String),
    /// An environment variable.
    Env(String),
    /// A file named by an environment variable.
    EnvFile(String),
    /// The settings file.
    File(PathBuf),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Env(name) | Self::EnvFile(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One setting that cannot be used as given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} ({place}): {why}")]
pub struct SettingError {
    /// Its key.
    pub setting: String,
    /// Where the wrong value stands.
    pub place: String,
    /// What is wrong and what was expected.
    pub why: String,
}

impl SettingError {
    pub(super) fn invalid(spec: &Spec, source: &Source, why: String) -> Self {
        Self { setting: spec.key.to_owned(), place: source.to_string(), why }
    }
}

/// Settings that cannot be used; every mistake at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<SettingError>);

fn in_file(place: &Path, setting: &str, why: String) -> SettingError {
    SettingError { setting: setting.to_owned(), place: place.display().to_string(), why }
}

/// A value on its way to its type.
pub(super) struct Resolved {
    pub(super) source: Source,
    pub(super) text: String,
}

/// The places settings are looked for, strongest first: flags, environment, file.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    flags: BTreeMap<&'static str, String>,
    env: BTreeMap<String, String>,
    file: Option<(PathBuf, toml::Table)>,
    defaults: BTreeMap<&'static str, &'static str>,
}

impl Layers {
    /// No flags, no environment, no file: every setting has its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds flags by key.
    #[must_use]
    pub fn with_flags(mut self, flags: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.flags.extend(flags);
        self
    }

    /// Replaces defaults: the weakest place of all.
    #[must_use]
    pub fn with_defaults(mut self, defaults: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        self.defaults.extend(defaults);
        self
    }

    /// Adds environment variables; empty ones count as unset.
    #[must_use]
    pub fn with_env(mut self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env
            .extend(env.into_iter().filter(|(name, value)| name.starts_with("USHER_") && !value.is_empty()));
        self
    }

    /// Adds the settings file at `path`, or `usher.toml` of the working directory when there is one.
    ///
    /// # Errors
    /// A named file that cannot be read, a file that is not TOML, or keys that are no settings.
    pub fn with_file(self, path: Option<&Path>) -> Result<Self, ConfigError> {
        let place = path.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(place) {
            Ok(text) => self.with_file_text(place, &text),
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(self),
            Err(error) => Err(ConfigError(vec![in_file(place, "settings file", error.to_string())])),
        }
    }

    /// Adds what the settings file at `place` says.
    ///
    /// # Errors
    /// Text that is not TOML, or keys that are no settings.
    pub fn with_file_text(mut self, place: &Path, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ConfigError(vec![in_file(place, "settings file", error.to_string())])
        })?;
        let unknown: Vec<_> = table
            .keys()
            .filter(|key| Settings::SPECS.iter().all(|spec| spec.key != key.as_str()))
            .map(|key| in_file(place, key, "there is no such setting; `usher config` lists them".to_owned()))
            .collect();
        if !unknown.is_empty() {
            return Err(ConfigError(unknown));
        }
        self.file = Some((place.to_owned(), table));
        Ok(self)
    }

    /// Resolves every setting.
    ///
    /// # Errors
    /// Every setting whose value cannot be used.
    pub fn resolve(&self) -> Result<Settings, ConfigError> {
        Settings::resolve(self).map_err(ConfigError)
    }

    /// `USHER_*` variables that name no setting: most likely spelling mistakes.
    pub fn unknown_env(&self) -> Vec<&str> {
        let known = |name: &str| {
            Settings::SPECS
                .iter()
                .any(|spec| spec.env == name || name.strip_suffix("_FILE") == Some(spec.env))
        };
        self.env.keys().map(String::as_str).filter(|name| !known(name)).collect()
    }

    pub(super) fn find(&self, spec: &Spec) -> Result<Resolved, SettingError> {
        if let Some(text) = self.flags.get(spec.key) {
            let flag = format!("--{}", spec.key.replace('_', "-"));
            return Ok(Resolved { source: Source::Flag(flag), text: text.clone() });
        }
        if let Some(resolved) = self.find_env(spec)? {
            return Ok(resolved);
        }
        if let Some((path, table)) = &self.file
            && let Some(value) = table.get(spec.key)
        {
            let source = Source::File(path.clone());
            let text = plain(value).map_err(|why| SettingError::invalid(spec, &source, why))?;
            return Ok(Resolved { source, text });
        }
        Ok(Resolved {
            source: Source::Default,
            text: self.defaults.get(spec.key).unwrap_or(&spec.default).to_string(),
        })
    }

    fn find_env(&self, spec: &Spec) -> Result<Option<Resolved>, SettingError> {
        let file_name = format!("{}_FILE", spec.env);
        match (self.env.get(spec.env), self.env.get(&file_name)) {
            (Some(_), Some(_)) => Err(SettingError::invalid(
                spec,
                &Source::Env(spec.env.to_owned()),
                format!("{} and {file_name} are both set; keep one", spec.env),
            )),
            (Some(text), None) => {
                Ok(Some(Resolved { source: Source::Env(spec.env.to_owned()), text: text.clone() }))
            }
            (None, Some(path)) => {
                let source = Source::EnvFile(file_name);
                let text = std::fs::read_to_string(path).map_err(|error| {
                    SettingError::invalid(spec, &source, format!("cannot read {path}: {error}"))
                })?;
                Ok(Some(Resolved { source, text }))
            }
            (None, None) => Ok(None),
        }
    }
}

/// A TOML value as the text a flag or a variable would hold.
fn plain(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        toml::Value::Array(items) => Ok(items.iter().map(plain).collect::<Result<Vec<_>, _>>()?.join(",")),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => {
            Err("expected text, a whole number, true/false or a list of them".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("usher.toml");
        std::fs::write(&path, text).expect("written");
        (dir, path)
    }

    fn env(name: &str, value: &str) -> [(String, String); 1] {
        [(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file_which_beats_the_default() {
        let (_dir, path) = file("log = \"from-file\"\nnode_queue = 7\nhttp_workers = 3");
        let settings = Layers::new()
            .with_flags([("log", "from-flag".to_owned())])
            .with_env(env("USHER_LOG", "from-env"))
            .with_env(env("USHER_NODE_QUEUE", "9"))
            .with_file(Some(&path))
            .expect("a good file")
            .resolve()
            .expect("good settings");
        assert_eq!(settings.log, "from-flag");
        assert_eq!(settings.node_queue, 9);
        assert_eq!(settings.http_workers, 3);
        assert_eq!(settings.session_queue, 64);
        let sources: Vec<_> =
            settings.provenance().map(|(spec, source, _)| (spec.key, source.to_string())).collect();
        assert!(sources.contains(&("log", "--log".to_owned())));
        assert!(sources.contains(&("node_queue", "USHER_NODE_QUEUE".to_owned())));
        assert!(sources.contains(&("http_workers", path.display().to_string())));
        assert!(sources.contains(&("session_queue", "default".to_owned())));
    }

    #[test]
    fn a_secret_can_come_from_a_file_but_not_from_two_places() {
        let (_dir, path) = file("key material\n");
        let layers = Layers::new().with_env(env("USHER_MASTER_KEY_FILE", &path.display().to_string()));
        assert!(layers.resolve().expect("good settings").master_key.is_some());
        let error = layers.with_env(env("USHER_MASTER_KEY", "x")).resolve().expect_err("both are set");
        assert!(
            error.to_string().contains("USHER_MASTER_KEY and USHER_MASTER_KEY_FILE are both set"),
            "{error}"
        );
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let error = Layers::new()
            .with_env(env("USHER_BIND", "nowhere"))
            .with_env(env("USHER_NODE_QUEUE", "-1"))
            .resolve()
            .expect_err("two mistakes");
        let named: Vec<_> = error.0.iter().map(|error| error.setting.as_str()).collect();
        assert_eq!(named, ["bind", "node_queue"]);
    }

    #[test]
    fn unknown_keys_and_variables_are_found() {
        let (_dir, path) = file("bidn = \"127.0.0.1:1\"");
        assert!(
            Layers::new().with_file(Some(&path)).expect_err("a misspelt key").to_string().contains("bidn")
        );
        assert_eq!(Layers::new().with_env(env("USHER_BIDN", "x")).unknown_env(), ["USHER_BIDN"]);
    }
}
