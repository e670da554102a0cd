//! Whose network somebody comes from, as far as limits go: what one household, office or server can call its own.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// An address of the older kind, or the 2^72 addresses of the newer kind that one customer is given (RFC 6177: a /56), so
/// that nobody is counted anew for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 72 << 72)),
        })
    }

    /// Whether it is a private one. Behind a proxy that the settings do not name, everybody seems to come from there.
    #[must_use]
    pub const fn is_private(self) -> bool {
        match self.0 {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_unique_local() || address.to_bits() == 0,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().expect("an address"))
    }

    #[test]
    fn one_customer_is_one_network_however_many_addresses_they_have() {
        assert_eq!(network("2001:db8:0:1200::1"), network("2001:db8:0:12ff:ffff::2"));
        assert_ne!(network("2001:db8:0:1200::1"), network("2001:db8:0:1300::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn a_private_network_is_told_from_the_world() {
        for private in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1"] {
            assert!(network(private).is_private(), "{private}");
        }
        for public in ["192.0.2.1", "2001:db8::1"] {
            assert!(!network(public).is_private(), "{public}");
        }
    }
}
