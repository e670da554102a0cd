//! The numbers.

use std::time::Duration;

/// How long a connection may keep us waiting, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a request, or from the beginning of the connection, to the end of the head.
    pub header: Duration,
    /// For a body to come, with what [`Limits::least_rate`] adds.
    pub body: Duration,
    /// Bytes a second. So many bytes of a body give it a second more; so many of an answer too.
    pub least_rate: u64,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// From the first byte of a request, or from the end of its body, to the last byte of its answer, unless the answer has no
    /// known end.
    pub request: Duration,
    /// For an answer that is not taken to make any progress.
    pub write: Duration,
    /// The most bytes of a head.
    pub head_size: usize,
    /// The most connections at once.
    pub connections: usize,
    /// The most of them from one [`Network`](crate::network::Network); behind a trusted proxy, its requests at once.
    pub per_network: usize,
}

impl Limits {
    /// What strangers get: enough for a page on a bad telephone line.
    pub const USUAL: Self = Self {
        header: Duration::from_secs(10),
        body: Duration::from_secs(30),
        least_rate: 1_024,
        idle: Duration::from_secs(60),
        request: Duration::from_secs(60),
        write: Duration::from_secs(30),
        head_size: 32 * 1_024,
        connections: 4_096,
        per_network: 1_024,
    };

    /// What a mail server gives its clients between two commands (RFC 5321 section 4.5.3.2.7), and no head or body.
    pub const SMTP: Self = Self {
        header: Duration::from_secs(300),
        idle: Duration::from_secs(300),
        write: Duration::from_secs(300),
        per_network: usize::MAX,
        ..Self::USUAL
    };

    /// The same with no more connections than a process with so many descriptors can hold, when it needs some of them for
    /// everything else. One network gets a quarter, so that there is room for others.
    #[must_use]
    pub fn within(self, descriptors: usize, for_everything_else: usize) -> Self {
        let connections = descriptors.saturating_sub(for_everything_else).clamp(FEWEST, self.connections);
        Self { connections, per_network: self.per_network.min(connections / 4), ..self }
    }

    /// How much longer something may take that has so many bytes.
    pub(super) fn for_bytes(&self, bytes: u64) -> Duration {
        Duration::from_millis(bytes.saturating_mul(1_000) / self.least_rate.max(1))
    }
}

/// A process with hardly any descriptors answers a few people all the same.
const FEWEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_holds_no_more_than_its_descriptors() {
        let of = |descriptors| Limits::USUAL.within(descriptors, 150);
        assert_eq!((of(1_024).connections, of(1_024).per_network), (874, 218));
        assert_eq!(of(1_000_000).connections, Limits::USUAL.connections);
        assert_eq!(of(64).connections, FEWEST);
    }
}
