//! SPF (RFC 7208): whether a domain's record lets a mail service send for it.

use std::net::IpAddr;

use crate::dns::{Dns, NoAnswer};

/// A record may cause this many questions, or receivers call it broken (RFC 7208 section 4.6.4).
const MOST_LOOKUPS: usize = 10;

/// What a domain's record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spf {
    /// There is none.
    Missing,
    /// Receivers take it for an error, for this reason.
    Broken(String),
    /// It lets the sender pass.
    Passes(String),
    /// It does not.
    DoesNotPass(String),
}

/// Who is to pass.
pub(super) enum SentFrom<'a> {
    /// A mail service that wants its own record included.
    Includes(&'a str),
    /// A server with these addresses.
    Addresses(&'a [IpAddr]),
}

struct Walk<'a> {
    dns: &'a Dns,
    sender: SentFrom<'a>,
    lookups: usize,
}

enum Step {
    Pass,
    NoMatch,
    Broken(String),
}

/// Reads the record and everything it includes.
pub(super) async fn read(dns: &Dns, domain: &str, sender: SentFrom<'_>) -> Result<Spf, NoAnswer> {
    let records = records(dns, domain).await?;
    let record = match records.as_slice() {
        [] => return Ok(Spf::Missing),
        [record] => record.clone(),
        _ => {
            return Ok(Spf::Broken(format!(
                "{domain} has {} SPF records, and only one may stand there",
                records.len()
            )));
        }
    };
    let mut walk = Walk { dns, sender, lookups: 0 };
    Ok(match walk.record(domain, &record).await? {
        Step::Pass => Spf::Passes(record),
        Step::NoMatch => Spf::DoesNotPass(record),
        Step::Broken(why) => Spf::Broken(why),
    })
}

async fn records(dns: &Dns, domain: &str) -> Result<Vec<String>, NoAnswer> {
    let mut texts = dns.txt(domain).await?;
    texts.retain(|text| text == "v=spf1" || text.starts_with("v=spf1 "));
    Ok(texts)
}

impl Walk<'_> {
    async fn record(&mut self, domain: &str, record: &str) -> Result<Step, NoAnswer> {
        let mut redirect = None;
        for term in record.split_whitespace().skip(1) {
            if let Some(target) = term.strip_prefix("redirect=") {
                redirect = Some(target);
                continue;
            }
            match self.term(domain, term).await? {
                Step::NoMatch => {}
                ended => return Ok(ended),
            }
        }
        match redirect {
            Some(target) => self.other(target).await,
            None => Ok(Step::NoMatch),
        }
    }

    async fn term(&mut self, domain: &str, term: &str) -> Result<Step, NoAnswer> {
        // Only `+`, said or not, lets pass; what `-`, `~` and `?` name is not let pass, whoever it is.
        let (passes, term) = match term.as_bytes().first() {
            Some(b'+') => (true, &term[1..]),
            Some(b'-' | b'~' | b'?') => (false, &term[1..]),
            _ => (true, term),
        };
        let (name, value) = match term.find([':', '/']) {
            Some(at) => (&term[..at], term[at..].trim_start_matches(':')),
            None => (term, ""),
        };
        let (target, length) = match value.split_once('/') {
            Some((target, length)) => {
                (target, length.split('/').next().and_then(|length| length.parse().ok()))
            }
            None => (value, None),
        };
        let target = if target.is_empty() { domain } else { target };
        let matched = match name.to_ascii_lowercase().as_str() {
            // A name that depends on each message is not looked into.
            _ if target.contains('%') => false,
            "include" => return if passes { self.other(target).await } else { Ok(Step::NoMatch) },
            "ip4" | "ip6" => target.parse().is_ok_and(|network| self.is_in(&[network], length)),
            "a" => {
                if !self.count() {
                    return Ok(too_many());
                }
                let addresses = self.dns.addresses(target).await?;
                self.is_in(&addresses, length)
            }
            "mx" => {
                if !self.count() {
                    return Ok(too_many());
                }
                let mut addresses = Vec::new();
                for (_, host) in self.dns.mx(target).await? {
                    addresses.extend(self.dns.addresses(&host).await?);
                }
                self.is_in(&addresses, length)
            }
            // Lets the whole world pass: what it proves is nothing.
            "all" if passes => {
                return Ok(Step::Broken("it ends with +all, so anybody may send in your name".to_owned()));
            }
            "all" | "exists" | "ptr" | "exp" => false,
            unknown if unknown.contains('=') => false,
            unknown => return Ok(Step::Broken(format!("it has a word that SPF does not know: {unknown}"))),
        };
        Ok(if matched && passes { Step::Pass } else { Step::NoMatch })
    }

    /// Another domain's record: included, or redirected to.
    async fn other(&mut self, domain: &str) -> Result<Step, NoAnswer> {
        if !self.count() {
            return Ok(too_many());
        }
        if let SentFrom::Includes(wanted) = self.sender
            && wanted.eq_ignore_ascii_case(domain.trim_end_matches('.'))
        {
            return Ok(Step::Pass);
        }
        match records(self.dns, domain).await?.as_slice() {
            // A boxed future: this function calls itself by way of `record`.
            [record] => Box::pin(self.record(domain, record)).await,
            [] => Ok(Step::Broken(format!("it includes {domain}, which has no SPF record"))),
            _ => Ok(Step::Broken(format!("it includes {domain}, which has several SPF records"))),
        }
    }

    /// Counts a question; `false` once there are too many.
    fn count(&mut self) -> bool {
        self.lookups += 1;
        self.lookups <= MOST_LOOKUPS
    }

    fn is_in(&self, networks: &[IpAddr], length: Option<u8>) -> bool {
        let SentFrom::Addresses(addresses) = self.sender else { return false };
        addresses.iter().any(|address| networks.iter().any(|network| is_within(*address, *network, length)))
    }
}

fn too_many() -> Step {
    Step::Broken(format!("it asks the DNS more than {MOST_LOOKUPS} times, and receivers stop there"))
}

/// Whether the first bits are the same: all of them without a length.
fn is_within(address: IpAddr, network: IpAddr, length: Option<u8>) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((one, size), (other, other_size)) = (bits(address), bits(network));
    let length = length.unwrap_or(size).min(size);
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - u32::from(length)) };
    size == other_size && one & mask == other & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(is_within(ip("192.0.2.7"), ip("192.0.2.0"), Some(24)));
        assert!(!is_within(ip("192.0.3.7"), ip("192.0.2.0"), Some(24)));
        assert!(is_within(ip("192.0.2.7"), ip("192.0.2.7"), None));
        assert!(!is_within(ip("192.0.2.7"), ip("192.0.2.8"), None));
        assert!(is_within(ip("2001:db8::9"), ip("2001:db8::"), Some(32)));
        assert!(!is_within(ip("2001:db9::9"), ip("2001:db8::"), Some(32)));
        assert!(!is_within(ip("192.0.2.7"), ip("2001:db8::"), Some(0)));
        assert!(is_within(ip("198.51.100.1"), ip("0.0.0.0"), Some(0)));
    }
}
