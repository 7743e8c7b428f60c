//! Settings: what they are ([`settings`]), where they come from ([`layers`]) and how they are shown ([`show`]).
//!
//! Precedence: flags, then the environment (`USHER_*`, or `USHER_*_FILE` naming a file), then `usher.toml`, then the
//! defaults. One table declares every setting; the flags, the environment, the file's keys, `.env.example` and
//! `usher config` are all read from it.

mod layers;
mod settings;
mod show;
mod value;

pub use layers::{ConfigError, Layers, SettingError, Source};
pub use settings::{Settings, Spec};
pub use show::{Shown, env_example, shown};
pub use value::{LogFormat, Network, Origins, TrustedProxies, Value};
