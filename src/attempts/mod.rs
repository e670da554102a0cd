//! Whatever is limited is counted here, and before it is judged.
//!
//! The rules: a try is written down, in a commit of its own and by one statement that looks and counts in one, before anybody
//! finds out whether it is right; so of two hundred at once no more are judged than of two hundred one after another, in however
//! many processes. A try that is not let through writes nothing, and each thing that is limited has one row at most, so that
//! who tries ten thousand times a minute makes nothing grow. What a row says of the future, after the clock was set back, does
//! not count; but a clock that lags a little, or a moment that was read before waiting in line, begins nothing anew.
//!
//! What everybody shares nobody may use up alone ([`Shared`]), and when it is used up that is noted with the last try that
//! was let through, so that people hear of it.

mod store;

use std::time::Duration;

pub(crate) use store::FORGET_ENDED;
pub use store::STATEMENTS;

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    network::Network,
    site::Site,
    token::Purpose,
};

const QUARTER: Duration = Duration::from_secs(15 * 60);

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
        Self::within(what, most, QUARTER)
    }

    /// `most` tries of `what` in that time.
    #[must_use]
    pub const fn within(what: &'static str, most: i64, within: Duration) -> Self {
        Self { what, most, within }
    }

    /// The limit as it holds somebody: an account, a network, everybody.
    #[must_use]
    pub fn on(self, whom: &str) -> Limited {
        Limited { limit: self, whom: whom.to_owned(), holds_everybody: false }
    }
}

/// What everybody shares: so many tries in a quarter of an hour, whoever they are. Of those, one network has a few, the block
/// that a company or a campus is given a few times as many, and what one provider has to rent out a quarter, so that no single
/// one uses up the whole.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    what: &'static str,
    network: i64,
    whole: i64,
}

impl Shared {
    const PROVIDERS: i64 = 4;
    /// So many networks of one block may use up what is theirs. Who owns a block has 256 of them, who only lives in it one.
    const NETWORKS_OF_A_BLOCK: i64 = 4;

    /// `whole` tries of `what`, and `network` of them from one network.
    #[must_use]
    pub const fn new(what: &'static str, network: i64, whole: i64) -> Self {
        Self { what, network, whole }
    }

    /// What it is.
    #[must_use]
    pub const fn what(self) -> &'static str {
        self.what
    }

    /// How often one network may, in a quarter of an hour.
    #[must_use]
    pub const fn of_a_network(self) -> i64 {
        self.network
    }

    /// How often a block of networks may.
    #[must_use]
    pub fn of_a_block(self) -> i64 {
        (self.network * Self::NETWORKS_OF_A_BLOCK).min(self.whole / Self::PROVIDERS)
    }

    /// What one network may do, and the block that it belongs to: nothing that one could use up for others.
    #[must_use]
    pub fn apart(self, from: Option<Network>) -> Vec<Limited> {
        let Some(network) = from else { return Vec::new() };
        let mut limits = vec![self.limit(self.network).on(&format!("network {network}"))];
        if let Some(block) = network.block() {
            limits.push(self.limit(self.of_a_block()).on(&format!("block {block}")));
        }
        limits
    }

    /// As it holds whoever comes from there. Where the network is not known, or private, only the whole counts.
    #[must_use]
    pub fn on(self, from: Option<Network>) -> Vec<Limited> {
        let mut limits = self.apart(from);
        limits.push(Limited { holds_everybody: true, ..self.limit(self.whole).on("everybody") });
        if let Some(network) = from {
            let provider = format!("provider {}", network.provider());
            limits.push(self.limit(self.whole / Self::PROVIDERS).on(&provider));
        }
        limits
    }

    const fn limit(self, most: i64) -> Limit {
        Limit::in_a_quarter_of_an_hour(self.what, most)
    }
}

/// A limit and whom it holds.
#[derive(Clone, Debug)]
pub struct Limited {
    limit: Limit,
    whom: String,
    holds_everybody: bool,
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
        Self::count(site, limits, (site.db.begin().await?, now)).await
    }

    /// As [`Attempt::begin`], for what comes by the hundred at once: several wait for the disk together.
    ///
    /// # Errors
    /// As [`Attempt::begin`].
    pub async fn begin_together(site: &Site, limits: &[Limited]) -> std::result::Result<Self, Refusal> {
        look(site, limits).await?;
        let now = site.now();
        Self::count(site, limits, (site.db.begin_together().await?, now)).await
    }

    async fn count(
        site: &Site,
        limits: &[Limited],
        (mut tx, now): (Tx, Moment),
    ) -> std::result::Result<Self, Refusal> {
        let mut keys: Vec<(String, &Limited)> = limits.iter().map(|one| (one.key(site), one)).collect();
        // In one order, whoever counts: two who meet at two rows wait for one another at the first.
        keys.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut counted = Vec::with_capacity(keys.len());
        let mut used_up = None;
        for (key, Limited { limit, holds_everybody, .. }) in keys {
            let ends_at = now.plus(limit.within);
            let Some((began_at, tries)) = store::count(&mut tx, &key, now, ends_at, limit.most).await? else {
                drop(tx);
                look(site, limits).await?;
                return Err(Refusal::TooMany(limit.within));
            };
            if *holds_everybody && tries >= limit.most {
                used_up = Some((limit.what, began_at.plus(limit.within)));
            }
            counted.push(Counted { key, began_at });
        }
        if let Some((what, until)) = used_up {
            tracing::warn!(
                what,
                "as many came as everybody together may; nobody else is let through for a while"
            );
            store::used_up(&mut tx, what, now, until).await?;
        }
        tx.commit().await?;
        Ok(Self(counted))
    }

    /// It was right, or was not judged after all: it does not count.
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
pub async fn forget(tx: &mut Tx, site: &Site, limited: &Limited) -> Result<()> {
    store::delete(tx, &limited.key(site)).await.map(drop)
}

/// Notes something that is known of somebody for a while, in the same room, since limits are chosen by it.
pub async fn note(tx: &mut Tx, site: &Site, (what, whom): (&str, &str), lasts: Duration) -> Result<()> {
    let now = site.now();
    store::note(tx, &key(site, what, whom), now, now.plus(lasts)).await.map(drop)
}

/// Whether something happens for the first time in that long: of all who say so, one is told yes. In their transaction.
pub async fn once(tx: &mut Tx, site: &Site, (what, whom): (&str, &str), lasts: Duration) -> Result<bool> {
    let now = site.now();
    Ok(store::count(tx, &key(site, what, whom), now, now.plus(lasts), 1).await?.is_some())
}

/// Counts a try in the transaction of whoever judges it; `false` if it is one too many.
pub async fn counts(tx: &mut Tx, site: &Site, limited: &Limited) -> Result<bool> {
    let (now, limit) = (site.now(), limited.limit);
    Ok(store::count(tx, &limited.key(site), now, now.plus(limit.within), limit.most).await?.is_some())
}

/// Whether that was noted, and is not over.
pub async fn is_noted(site: &Site, (what, whom): (&str, &str)) -> Result<bool> {
    store::is_noted(&site.db, &key(site, what, whom), site.now()).await
}

/// As [`is_noted`], in a transaction.
pub async fn is_noted_in(tx: &mut Tx, site: &Site, (what, whom): (&str, &str)) -> Result<bool> {
    store::is_noted_in(tx, &key(site, what, whom), site.now()).await
}

/// Something that everybody shares and that was used up.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct UsedUp {
    pub what: String,
    /// Since when nobody was let through.
    pub since: Moment,
    /// Until when.
    pub until: Moment,
    /// When people were last told of it.
    pub told_at: Option<Moment>,
}

/// What everybody shares and was used up, each time it last was.
pub async fn used_up(db: &Db) -> Result<Vec<UsedUp>> {
    store::all_used_up(db).await
}

/// Notes that something else which everybody shares is used up at this moment. What was noted in the last quarter of an hour
/// is only read.
pub async fn note_used_up(site: &Site, what: &'static str) -> Result<()> {
    let now = site.now();
    let is_noted = |one: &UsedUp| one.what == what && one.since <= now && now < one.until;
    if used_up(&site.db).await?.iter().any(is_noted) {
        return Ok(());
    }
    let mut tx = site.db.begin().await?;
    store::used_up(&mut tx, what, now, now.plus(QUARTER)).await?;
    tx.commit().await
}

/// When something that everybody shares was used up last, as the caller's transaction sees it.
pub async fn last_used_up(tx: &mut Tx, what: &str) -> Result<Option<UsedUp>> {
    store::last_used_up(tx, what).await
}

/// Closes something that everybody shares until a moment, in the caller's transaction: people hear of it as of what is used up.
pub async fn close(tx: &mut Tx, what: &str, now: Moment, until: Moment) -> Result<()> {
    store::used_up(tx, what, now, until).await.map(drop)
}

/// Takes it upon the caller to tell people, in this transaction; `false` if somebody else did.
pub async fn tell(tx: &mut Tx, one: &UsedUp, now: Moment) -> Result<bool> {
    store::tell(tx, &one.what, now, one.told_at.unwrap_or_default()).await
}
