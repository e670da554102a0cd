//! Questions to the DNS: what stands at a name, and whether it could be asked at all.
//!
//! "There is nothing" and "nobody answered" are different answers: nobody is told to publish a record because a resolver
//! was down.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, RecordType},
};

/// A resolver. Cheap to clone; answers are kept as long as they say they may be.
#[derive(Clone)]
pub struct Dns(Arc<TokioResolver>);

/// The DNS could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the DNS gave no answer for {name}: {why}")]
pub struct NoAnswer {
    /// What was asked for.
    pub name: String,
    /// The resolver's words.
    pub why: String,
}

impl Dns {
    /// Asks the given server, or the system's own.
    ///
    /// # Errors
    /// When the system's settings cannot be read.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NoAnswer> {
        let failed = |error: NetError| NoAnswer { name: "this machine".to_owned(), why: error.to_string() };
        let mut builder = match server {
            None => TokioResolver::builder_tokio().map_err(failed)?,
            Some(address) => {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                server.connections.iter_mut().for_each(|connection| connection.port = address.port());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = Duration::from_secs(3);
        options.attempts = 2;
        // What counts is what the world sees.
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(Arc::new(builder.build().map_err(failed)?)))
    }

    /// Drops kept answers: somebody has just changed a record and wants to know.
    pub fn forget(&self) {
        self.0.clear_cache();
    }

    /// The texts at a name, the strings of each joined; none if there is nothing.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    /// The mail servers of a domain with their preferences, best first.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn mx(&self, domain: &str) -> Result<Vec<(u16, String)>, NoAnswer> {
        let mut servers = self
            .ask(domain, RecordType::MX, |data| match data {
                RData::MX(mx) => Some((mx.preference, without_dot(mx.exchange.to_ascii()))),
                _ => None,
            })
            .await?;
        servers.sort();
        Ok(servers)
    }

    /// The addresses of a host, IPv4 and IPv6.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let address = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        };
        let mut found = self.ask(host, RecordType::A, address).await?;
        found.extend(self.ask(host, RecordType::AAAA, address).await?);
        Ok(found)
    }

    /// The names that an address gives itself.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn names(&self, address: IpAddr) -> Result<Vec<String>, NoAnswer> {
        self.ask(&reverse_name(address), RecordType::PTR, |data| match data {
            RData::PTR(name) => Some(without_dot(name.0.to_ascii())),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        take: impl Fn(&RData) -> Option<T> + Send,
    ) -> Result<Vec<T>, NoAnswer> {
        // The dot at the end keeps the machine's own search domains out.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        match self.0.lookup(absolute, kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| take(&record.data)).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(NoAnswer { name: name.to_owned(), why: error.to_string() }),
        }
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

fn without_dot(name: String) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// RFC 1035 section 3.5, RFC 3596 section 2.5.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles =
                address.octets().into_iter().rev().map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4));
            nibbles.collect::<String>() + "ip6.arpa"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_backwards() {
        assert_eq!(reverse_name(IpAddr::from([192, 0, 2, 1])), "1.2.0.192.in-addr.arpa");
        let six: IpAddr = "2001:db8::1".parse().expect("an address");
        assert!(
            reverse_name(six).starts_with("1.0.0.0.")
                && reverse_name(six).ends_with(".8.b.d.0.1.0.0.2.ip6.arpa")
        );
    }
}
