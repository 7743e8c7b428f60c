//! One HTTP client for the tests: no proxy, no redirects, a time-out.

use std::time::Duration;

use anyhow::Result;

/// A client that shows what the server says and nothing else.
///
/// # Errors
/// When the TLS stack cannot be set up.
pub fn client() -> Result<reqwest::Client> {
    // Another test of this process may have installed it already; either way it is there afterwards.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(15))
        // Before a server ends it, which could happen while a request is on its way.
        .pool_idle_timeout(Duration::from_secs(30))
        .build()?)
}
