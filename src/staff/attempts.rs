//! Tries that are slowed down: each is counted before it is judged, in a commit of its own. Of two hundred at once no more
//! are judged than of two hundred one after another, since whoever looks at the count has been counted.

use std::time::Duration;

use super::store;
use crate::{
    clock::Moment,
    db::{Result, Tx},
    site::Site,
};

/// How far back tries are counted.
const WINDOW: Duration = Duration::from_secs(900);

/// What is counted: a name, and how many of it are judged in a quarter of an hour.
pub(super) type Limit<'a> = (&'a str, i64);

/// A try that may be judged. It counts as failed until [`Attempt::succeeded`].
pub(super) struct Attempt(Vec<i64>);

impl Attempt {
    /// Counts a try; none if there were too many. What is not judged is not counted in the end, so that nobody is kept out
    /// for longer than a quarter of an hour (TRUST A21).
    pub(super) async fn begin(site: &Site, limits: &[Limit<'_>]) -> Result<Option<Self>> {
        let now = site.now();
        let mut tx = site.db.begin().await?;
        let mut rows = Vec::with_capacity(limits.len());
        for (key, _) in limits {
            rows.push(store::insert_failure(&mut tx, key, now).await?);
        }
        tx.commit().await?;
        let attempt = Self(rows);
        if attempt.is_one_too_many(site, limits, now.minus(WINDOW)).await? {
            attempt.forget(site).await?;
            return Ok(None);
        }
        Ok(Some(attempt))
    }

    async fn is_one_too_many(&self, site: &Site, limits: &[Limit<'_>], since: Moment) -> Result<bool> {
        for (key, most) in limits {
            if store::count_failures(&site.db, key, since).await? > *most {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// It was right: it does not count, and nor do the failures of `key` before it.
    pub(super) async fn succeeded(self, tx: &mut Tx, key: &str) -> Result<()> {
        for row in self.0 {
            store::delete_failure(tx, row).await?;
        }
        store::delete_failures(tx, key).await.map(drop)
    }

    async fn forget(self, site: &Site) -> Result<()> {
        let mut tx = site.db.begin().await?;
        for row in self.0 {
            store::delete_failure(&mut tx, row).await?;
        }
        tx.commit().await
    }
}
