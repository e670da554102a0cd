//! Whatever is limited is counted here, and before it is judged.
//!
//! The rules: a try is written down, in a commit of its own and by one statement that looks and counts in one, before anybody
//! finds out whether it is right; so of two hundred at once no more are judged than of two hundred one after another, in however
//! many processes. A try that is not let through writes nothing, and each thing that is limited has one row at most, so that
//! who tries ten thousand times a minute makes nothing grow. What a row says of the future, after the clock was set back, does
//! not count; but a clock that lags a little, or a moment that was read before waiting in line, begins nothing anew.

mod store;

use std::time::Duration;

pub(crate) use store::FORGET_ENDED;
pub use store::STATEMENTS;

use crate::{
    clock::Moment,
    db::{Result, Tx},
    site::Site,
    token::Purpose,
};

/// How often something may be tried: so many times in a stretch of time that begins with the first try.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    what: &'static str,
    most: i64,
    within: Duration,
}

impl Limit {
    /// `most` tries of `what` in a quarter of an hour; nobody has to wait for longer (TRUST A21).
    #[must_use]
    pub const fn in_a_quarter_of_an_hour(what: &'static str, most: i64) -> Self {
        Self::within(what, most, Duration::from_secs(15 * 60))
    }

    /// `most` tries of `what` in that time.
    #[must_use]
    pub const fn within(what: &'static str, most: i64, within: Duration) -> Self {
        Self { what, most, within }
    }

    /// The limit as it holds somebody: an account, a network, everybody.
    #[must_use]
    pub fn on(self, whom: &str) -> Limited {
        Limited { limit: self, whom: whom.to_owned() }
    }
}

/// A limit and whom it holds.
#[derive(Clone, Debug)]
pub struct Limited {
    limit: Limit,
    whom: String,
}

impl Limited {
    fn key(&self, site: &Site) -> String {
        key(site, self.limit.what, &self.whom)
    }
}

/// Neither the limit nor whom it holds can be read off a row.
fn key(site: &Site, what: &str, whom: &str) -> String {
    site.keys.name(Purpose::Attempt, &format!("{what}:{whom}"))
}

/// Why a try was not let through.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There were as many as there may be; how long it takes until the next may come.
    #[error("too many tries")]
    TooMany(Duration),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A try that may be judged. It stays counted until somebody gives it back.
#[derive(Debug)]
#[must_use = "a try that is let through is judged"]
pub struct Attempt(Vec<Counted>);

/// One count that it stands in: the key, and when that stretch of time began.
#[derive(Debug)]
struct Counted {
    key: String,
    began_at: Moment,
}

impl Attempt {
    /// Counts a try under each of the limits, or under none of them.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when it is one too many for one of them.
    pub async fn begin(site: &Site, limits: &[Limited]) -> std::result::Result<Self, Refusal> {
        // Who is held already is told so by a read alone.
        look(site, limits).await?;
        let now = site.now();
        let mut keys: Vec<(String, Limit)> = limits.iter().map(|one| (one.key(site), one.limit)).collect();
        // In one order, whoever counts: two who meet at two rows wait for one another at the first.
        keys.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut tx = site.db.begin().await?;
        let mut counted = Vec::with_capacity(keys.len());
        for (key, limit) in keys {
            let ends_at = now.plus(limit.within);
            let Some(began_at) = store::count(&mut tx, &key, now, ends_at, limit.most).await? else {
                drop(tx);
                look(site, limits).await?;
                return Err(Refusal::TooMany(limit.within));
            };
            counted.push(Counted { key, began_at });
        }
        tx.commit().await?;
        Ok(Self(counted))
    }

    /// It was right, or was not judged after all: it does not count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(self, tx: &mut Tx) -> Result<()> {
        for Counted { key, began_at } in self.0 {
            store::give_back(tx, &key, began_at).await?;
        }
        Ok(())
    }
}

/// Whether a try would be let through now. Counts nothing and writes nothing.
///
/// # Errors
/// As [`Attempt::begin`].
pub async fn look(site: &Site, limits: &[Limited]) -> std::result::Result<(), Refusal> {
    let (now, mut wait) = (site.now(), None);
    for one in limits {
        if let Some(ends_at) = store::held_until(&site.db, &one.key(site), now, one.limit.most).await? {
            // By a clock that lags, it ends later; nobody has to wait for longer all the same.
            wait = wait.max(Some(ends_at.since(now).min(one.limit.within)));
        }
    }
    wait.map_or(Ok(()), |wait| Err(Refusal::TooMany(wait)))
}

/// Forgets what was tried before, once somebody has proved who they are. In the transaction that gives the last try back, after it.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, site: &Site, limited: &Limited) -> Result<()> {
    store::delete(tx, &limited.key(site)).await.map(drop)
}

/// Notes something that is known of somebody for a while, in the same room, since limits are chosen by it.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, site: &Site, (what, whom): (&str, &str), lasts: Duration) -> Result<()> {
    let now = site.now();
    store::note(tx, &key(site, what, whom), now, now.plus(lasts)).await.map(drop)
}

/// Whether that was noted, and is not over.
///
/// # Errors
/// When the database fails.
pub async fn is_noted(site: &Site, (what, whom): (&str, &str)) -> Result<bool> {
    store::is_noted(&site.db, &key(site, what, whom), site.now()).await
}
