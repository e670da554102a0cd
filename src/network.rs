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
    pub fn around(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => first_bits(address, 56),
        })
    }

    /// The same for limits on what people do. None for a private address: behind a proxy that the settings do not name,
    /// everybody seems to come from there, and would be held for what anybody did.
    #[must_use]
    pub fn of(address: IpAddr) -> Option<Self> {
        (!is_private(address.to_canonical())).then(|| Self::around(address))
    }

    /// It and its nearest neighbours, for what is caused from there: of the older kind the 256 addresses that whoever rents
    /// servers is given together (/24).
    #[must_use]
    pub fn neighbourhood(self) -> Self {
        match self.0 {
            IpAddr::V4(address) => {
                let [first, second, third, _] = address.octets();
                Self(IpAddr::from([first, second, third, 0]))
            }
            IpAddr::V6(_) => self,
        }
    }

    /// What is kept of it with a proof, as people write a range: the /24 of an address of the older kind, the /56 of the newer.
    #[must_use]
    pub fn range(self) -> String {
        let bits = if self.0.is_ipv4() { 24 } else { 56 };
        format!("{}/{bits}", self.neighbourhood().0)
    }

    /// The block that it belongs to, for forms that everybody shares: of the newer kind the /48, which whoever asks a provider
    /// for it is given, so that its 256 networks do not count as 256 strangers. None of the older kind: there is nothing between
    /// an address and its provider.
    #[must_use]
    pub fn block(self) -> Option<Self> {
        match self.0 {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(Self(first_bits(address, 48))),
        }
    }

    /// What one provider has, more or less, for what everybody shares: of the newer kind the /29, which a provider is given
    /// without being asked why, and in which there are half a million blocks to rent; of the older kind a /16.
    #[must_use]
    pub fn provider(self) -> Self {
        Self(match self.0 {
            IpAddr::V4(address) => {
                let [first, second, ..] = address.octets();
                IpAddr::from([first, second, 0, 0])
            }
            IpAddr::V6(address) => first_bits(address, 29),
        })
    }
}

fn first_bits(address: Ipv6Addr, count: u32) -> IpAddr {
    let rest = 128 - count;
    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> rest << rest))
}

/// Whether anybody in the world may reach the address, as far as it tells; `0.0.0.0` and `::` are every address of the machine.
#[must_use]
pub const fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    !is_private(address) && !address.is_unspecified()
}

/// Whether the address is of this machine or of its own network.
#[must_use]
pub const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
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
        of(address).expect("a public address")
    }

    fn of(address: &str) -> Option<Network> {
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
        for private in
            ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::ffff:10.0.0.1", "::1", "fd00::1", "fe80::1"]
        {
            assert_eq!(of(private), None, "{private}");
        }
        for public in ["192.0.2.1", "2001:db8::1"] {
            assert!(of(public).is_some(), "{public}");
        }
    }

    #[test]
    fn networks_of_one_block_are_counted_together_where_everybody_shares_a_form() {
        assert_eq!(network("2001:db8:0:1200::1").block(), network("2001:db8:0:ff00::1").block());
        assert_ne!(network("2001:db8:0:1200::1").block(), network("2001:db8:1:1200::1").block());
        assert_eq!(network("192.0.2.1").block(), None);
    }

    #[test]
    fn neighbours_cause_what_they_cause_together() {
        assert_eq!(network("192.0.2.1").neighbourhood(), network("192.0.2.250").neighbourhood());
        assert_ne!(network("192.0.2.1").neighbourhood(), network("192.0.3.1").neighbourhood());
        assert_eq!(network("2001:db8::1").neighbourhood(), network("2001:db8::1"));
    }

    #[test]
    fn a_provider_is_one_whatever_they_rent_out() {
        assert_eq!(network("2001:db8::1").provider(), network("2001:dbf:ffff:ff00::1").provider());
        assert_ne!(network("2001:db8::1").provider(), network("2001:dc0::1").provider());
        assert_eq!(network("192.0.2.1").provider(), network("192.0.255.1").provider());
        assert_ne!(network("192.0.2.1").provider(), network("192.1.2.1").provider());
    }
}
