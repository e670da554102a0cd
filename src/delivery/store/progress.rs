//! SQL of how far an edition has come: what is left of it, and how many of its copies stand where.

use super::super::states::CopyState;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    editions::UnknownPolicy,
    statements, words,
};

statements! {
    /// Editions whose deliveries may be claimed, and what is left of them. (`+` keeps SQLite off the primary key, which would read
    /// the whole audience.)
    SENDING = "select e.id, e.unknown_policy,
            (select min(d.next_at) from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane = '') as next_at,
            exists (select 1 from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane > '') as any_in_lanes,
            exists (select 1 from delivery d where + d.edition_id = e.id and d.state = 'claimed' and d.claimed_by > 0) as any_claimed
        from edition e where e.state = 'sending' order by e.id";
    /// The same, by their ids alone.
    SENDING_NOW = "select id from edition where state = 'sending'";
    /// Whether it seems to be over.
    SEEMS_OVER = "select id from edition where id = $1 and state = 'sending'
              and not exists (select 1 from delivery where edition_id = $1 and state = 'queued')
              and not exists (select 1 from delivery where edition_id = $1 and state = 'claimed')";
    /// The parts of each state, added up over the workers.
    TALLIES = "select state, cast(sum(count) as bigint) as count from delivery_tally where edition_id = $1 group by state";
    /// The rows themselves, counted, and beside them the tallies: one statement sees one moment, whatever is sending.
    AUDIT = "select 'rows' as of, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state,
            count(*) as count from delivery where edition_id = $1 group by 2
        union all select 'tallies', state, cast(sum(count) as bigint) from delivery_tally where edition_id = $1 group by state
        union all select 'sealed', cast(null as text), sealed_count from edition where id = $1 and sealed_count is not null";
    /// What was sealed.
    SEALED_COUNT = "select sealed_count from edition where id = $1";
    /// Every edition that was ever sealed.
    SEALED_EDITIONS = "select id from edition where sealed_at is not null order by id";
}

/// An edition that is being sent.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Sending {
    pub id: i64,
    /// What happens to a copy that may have arrived.
    pub unknown_policy: UnknownPolicy,
    /// When the next copy that waits is due; none if none waits.
    pub next_at: Option<Moment>,
    /// Whether copies wait for domains that asked for patience.
    pub any_in_lanes: bool,
    /// Whether some worker holds copies of it.
    pub any_claimed: bool,
}

impl Sending {
    /// Whether a copy can be claimed.
    pub fn is_due(&self, now: Moment) -> bool {
        self.next_at.is_some_and(|at| at <= now)
    }

    /// Whether nothing of it is open any more.
    pub const fn seems_over(&self) -> bool {
        self.next_at.is_none() && !self.any_in_lanes && !self.any_claimed
    }
}

pub async fn seems_over(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(SEEMS_OVER, (id,)).await?.is_some())
}

pub async fn sending(db: &Db) -> Result<Vec<Sending>> {
    db.all(SENDING, ()).await
}

/// The ids of what is being sent, inside a transaction.
pub async fn sending_now(tx: &mut Tx) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(SENDING_NOW, ()).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn tallies(db: &Db, id: i64) -> Result<Vec<(CopyState, i64)>> {
    db.all(TALLIES, (id,)).await
}

words! {
    /// What an audit counts.
    pub enum Counted {
        Rows = "rows",
        Tallies = "tallies",
        /// What was written down when the edition was sealed.
        Sealed = "sealed",
    }
}

/// Of what, which state, how many.
pub async fn audit(db: &Db, id: i64) -> Result<Vec<(Counted, Option<CopyState>, i64)>> {
    db.all(AUDIT, (id,)).await
}

pub async fn sealed_count(db: &Db, id: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(Option<i64>,)>(SEALED_COUNT, (id,)).await?.and_then(|(count,)| count))
}

/// How many copies were sealed, inside a transaction.
pub async fn sealed(tx: &mut Tx, id: i64) -> Result<i64> {
    Ok(tx.opt::<(Option<i64>,)>(SEALED_COUNT, (id,)).await?.and_then(|(count,)| count).unwrap_or_default())
}

pub async fn sealed_editions(db: &Db) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(SEALED_EDITIONS, ()).await?.into_iter().map(|(id,)| id).collect())
}
