//! Who is calling: the peer's address, or what a trusted proxy says about it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::http::header::HeaderMap;

use crate::config::TrustedProxies;

/// The caller's address. `X-Forwarded-For` is read from the right, and only as far as each hop is trusted: what stands
/// further left was written by the caller.
pub fn caller(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut address = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
    if !trusted.contains(address) {
        return address;
    }
    let hops = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect::<Vec<_>>();
    for hop in hops.iter().rev() {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
        if !trusted.contains(address) {
            break;
        }
    }
    address
}

/// The address as rate limits see it: one IPv6 customer holds a whole /64.
pub fn limit_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Value;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn seen(peer: &str, forwarded: &'static str, trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(forwarded));
        let trusted = TrustedProxies::parse(trusted).expect("valid");
        caller(peer.parse().ok(), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarding_headers_are_believed_only_from_trusted_proxies() {
        assert_eq!(seen("203.0.113.9", "198.51.100.1", ""), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "198.51.100.1", "10.0.0.0/8"), "198.51.100.1");
    }

    #[test]
    fn what_the_caller_wrote_before_the_first_proxy_is_ignored() {
        assert_eq!(seen("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "10.0.0.0/8"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.0/8"), "10.0.0.1");
    }
}
