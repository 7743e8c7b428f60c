//! The ports of a demo. Texts hold links, so a demo started again takes the ports it had before, as long as they are
//! free.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where a data directory remembers the ports of its demo.
const FILE: &str = "demo-ports.json";

/// The ports a demo had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenPorts {
    /// Of the server.
    pub server: u16,
    /// Of the simulator; none when it ran in a process of its own.
    pub simulator: Option<u16>,
}

impl TakenPorts {
    /// The simulator's address, when the demo had one of its own.
    pub fn simulator_url(self) -> Option<String> {
        Some(format!("http://{}:{}", std::net::Ipv4Addr::LOCALHOST, self.simulator?))
    }

    /// The server's address.
    ///
    /// # Panics
    /// Never: an address and a port make a valid URL.
    pub fn server_url(self) -> url::Url {
        let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, self.server));
        url::Url::parse(&format!("http://{address}")).expect("a socket address makes a valid http address")
    }

    /// Those of the last demo on this data directory. A file that cannot be read only costs the old ports.
    pub fn remembered(data_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(data_dir.join(FILE)).ok()?).ok()
    }

    pub(super) fn remember(self, data_dir: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(data_dir.join(FILE), serde_json::to_vec(&self)?)?)
    }
}

/// Opens something on the port that was asked for. 0 stands for the port it had before, or any free one; no wish at
/// all for the one it had before, or `usual`, or any free one.
pub(super) fn open<T>(
    asked: Option<u16>,
    before: Option<u16>,
    usual: u16,
    open: impl Fn(u16) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let friendly = match asked {
        Some(0) => [before, None],
        Some(port) => return open(port),
        None => [before, Some(usual)],
    };
    for port in friendly.into_iter().flatten() {
        match open(port) {
            Ok(opened) => return Ok(opened),
            Err(error) => tracing::warn!(port, "{error:#}; trying another port"),
        }
    }
    open(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    fn opened(asked: Option<u16>, before: Option<u16>, taken: &[u16]) -> Option<u16> {
        open(asked, before, 8080, |port| if taken.contains(&port) { bail!("taken") } else { Ok(port) }).ok()
    }

    #[test]
    fn a_demo_started_again_keeps_its_ports_while_they_are_free() {
        assert_eq!(opened(Some(0), Some(4711), &[]), Some(4711));
        assert_eq!(opened(None, Some(4711), &[]), Some(4711));
        assert_eq!(opened(Some(0), Some(4711), &[4711]), Some(0));
        assert_eq!(opened(None, Some(4711), &[4711]), Some(8080));
    }

    #[test]
    fn without_a_wish_the_usual_port_is_taken_or_a_free_one() {
        assert_eq!(opened(None, None, &[]), Some(8080));
        assert_eq!(opened(None, None, &[8080]), Some(0));
        assert_eq!(opened(Some(0), None, &[]), Some(0));
    }

    #[test]
    fn a_port_somebody_asked_for_is_never_replaced() {
        assert_eq!(opened(Some(9000), Some(4711), &[]), Some(9000));
        assert_eq!(opened(Some(9000), Some(4711), &[9000]), None);
    }

    #[test]
    fn the_ports_are_remembered_in_the_data_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(TakenPorts::remembered(dir.path()), None);
        let ports = TakenPorts { server: 1, simulator: Some(2) };
        ports.remember(dir.path()).expect("writable");
        assert_eq!(TakenPorts::remembered(dir.path()), Some(ports));
    }
}
