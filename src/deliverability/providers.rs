//! How the mail providers of our readers took the last editions.

use std::collections::BTreeMap;

use super::store::{self as store, ProviderRow};
use crate::db::{Db, Result};

/// What became of a provider's copies, in one edition or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many there were.
    pub copies: i64,
    /// Taken.
    pub accepted: i64,
    /// Refused for good.
    pub failed: i64,
    /// Put off at least once, whatever became of them then.
    pub delayed: i64,
}

impl Share {
    fn add(&mut self, row: &ProviderRow) {
        self.copies += row.copies;
        self.accepted += row.accepted;
        self.failed += row.failed;
        self.delayed += row.delayed;
    }
}

/// One provider over the last editions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its domain; empty for all the smaller ones together.
    pub domain: String,
    /// All of the editions.
    pub total: Share,
    /// Edition by edition, oldest first; empty where it had no copy.
    pub editions: Vec<Share>,
}

/// The providers with the most copies in the newest editions, the largest first, then all others as one.
pub async fn providers(db: &Db, editions: i64, most: usize) -> Result<Vec<Provider>> {
    Ok(arrange(&store::providers(db, editions).await?, most))
}

fn arrange(rows: &[ProviderRow], most: usize) -> Vec<Provider> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.edition_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut copies: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows {
        *copies.entry(&row.domain_key).or_default() += row.copies;
    }
    let mut domains: Vec<(&str, i64)> = copies.into_iter().collect();
    domains.sort_by_key(|(domain, copies)| (std::cmp::Reverse(*copies), *domain));
    let (named, others) = domains.split_at(domains.len().min(most));
    let provider = |name: &str, is_of: &dyn Fn(&str) -> bool| {
        let mut provider = Provider {
            domain: name.to_owned(),
            total: Share::default(),
            editions: vec![Share::default(); ids.len()],
        };
        for row in rows.iter().filter(|row| is_of(&row.domain_key)) {
            provider.total.add(row);
            if let Ok(at) = ids.binary_search(&row.edition_id) {
                provider.editions[at].add(row);
            }
        }
        provider
    };
    let mut all: Vec<Provider> =
        named.iter().map(|(name, _)| provider(name, &|domain| domain == *name)).collect();
    if !others.is_empty() {
        all.push(provider("", &|domain| others.iter().any(|(other, _)| *other == domain)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_is_one() {
        let row = |edition_id, domain_key: &str, copies, failed| ProviderRow {
            edition_id,
            domain_key: domain_key.into(),
            copies,
            accepted: copies - failed,
            failed,
            delayed: 0,
        };
        let rows = [
            row(2, "a.org", 5, 1),
            row(1, "a.org", 4, 0),
            row(2, "b.org", 20, 0),
            row(2, "c.org", 1, 0),
            row(1, "d.org", 2, 2),
        ];
        let all = arrange(&rows, 2);
        let names: Vec<&str> = all.iter().map(|one| one.domain.as_str()).collect();
        assert_eq!(names, ["b.org", "a.org", ""]);
        assert_eq!(all[1].total, Share { copies: 9, accepted: 8, failed: 1, delayed: 0 });
        assert_eq!(all[1].editions.iter().map(|share| share.copies).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(all[2].total, Share { copies: 3, accepted: 1, failed: 2, delayed: 0 });
        assert_eq!(all[0].editions[0], Share::default());
        assert!(arrange(&[], 2).is_empty());
    }
}
