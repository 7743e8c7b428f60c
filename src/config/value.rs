//! How the text of a setting becomes its type, and back.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// A type a setting can have.
pub trait Value: Sized {
    /// Reads trimmed text; the error says what was expected.
    fn parse(text: &str) -> Result<Self, String>;

    /// The value as a person may read it.
    fn show(&self) -> String;

    /// What is shown of a secret: whether it is there.
    fn redacted(&self) -> String {
        "(set)".to_owned()
    }
}

macro_rules! from_str_values {
    ($($type:ty => $expected:literal),* $(,)?) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("expected {}", $expected))
            }
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

from_str_values! {
    SocketAddr => "an address and port such as 127.0.0.1:8080",
    usize => "a whole number",
    u32 => "a whole number",
    u64 => "a whole number",
    bool => "true or false",
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(Self::from(text)) }
    }
    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Value for Url {
    fn parse(text: &str) -> Result<Self, String> {
        let url: Self = text.parse().map_err(|_| expected_url())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(url) } else { Err(expected_url()) }
    }
    fn show(&self) -> String {
        let mut shown = self.clone();
        if shown.password().is_some() {
            // Cannot fail: an http address with a host may have a password.
            let _ = shown.set_password(Some("redacted"));
        }
        shown.to_string()
    }
}

fn expected_url() -> String {
    "expected an http(s) address such as https://usher.example.com, without query".to_owned()
}

impl Value for SecretString {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
    fn show(&self) -> String {
        self.redacted()
    }
}

impl<T: Value> Value for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "(unset)".to_owned(), T::show)
    }
    fn redacted(&self) -> String {
        self.as_ref().map_or_else(|| "(unset)".to_owned(), T::redacted)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For eyes.
    Human,
    /// For machines: one object per line.
    Json,
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("expected auto, human or json".to_owned()),
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
        }
        .to_owned()
    }
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect()
}

fn joined<T: Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "(none)".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A set of addresses: a prefix and its length in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address or a network such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.parse().map_err(|_| wrong())? };
        if bits <= most { Ok(Self { address, bits }) } else { Err(wrong()) }
    }

    /// Whether `address` lies in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, address, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (u128::from(u32::from(network)), u128::from(u32::from(address)), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => (u128::from(network), u128::from(address), 128),
            _ => return false,
        };
        let host_bits = u32::from(width - self.bits);
        network.checked_shr(host_bits).unwrap_or(0) == address.checked_shr(host_bits).unwrap_or(0)
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The proxies whose forwarding headers are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Value for TrustedProxies {
    fn parse(text: &str) -> Result<Self, String> {
        list(text, Network::parse).map(Self)
    }
    fn show(&self) -> String {
        joined(&self.0)
    }
}

/// Origins (`scheme://host[:port]`) in the form browsers send them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether the browser's `Origin` header is one of them.
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

impl IntoIterator for Origins {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Value for Origins {
    fn parse(text: &str) -> Result<Self, String> {
        list(text, |item| {
            let url = <Url as Value>::parse(item)
                .map_err(|_| format!("`{item}` is not an origin such as https://example.com"))?;
            Ok(url.origin().ascii_serialization())
        })
        .map(Self)
    }
    fn show(&self) -> String {
        joined(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let network = Network::parse("10.1.0.0/16").expect("valid");
        assert!(network.contains("10.1.255.3".parse().expect("valid")));
        assert!(!network.contains("10.2.0.1".parse().expect("valid")));
        assert!(!network.contains("::1".parse().expect("valid")));
        assert!(network.contains("::ffff:10.1.2.3".parse().expect("valid")));
        let everything = Network::parse("0.0.0.0/0").expect("valid");
        assert!(everything.contains("8.8.8.8".parse().expect("valid")));
        assert!(Network::parse("10.0.0.0/33").is_err());
    }

    #[test]
    fn origins_are_compared_in_the_form_browsers_send_them() {
        let origins = Origins::parse("https://Example.com/, http://localhost:3000").expect("valid");
        assert!(origins.contains("https://example.com"));
        assert!(origins.contains("http://localhost:3000"));
        assert!(!origins.contains("https://example.com.evil.test"));
        assert!(Origins::parse("example.com").is_err());
    }
}
