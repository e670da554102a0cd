//! SQL of the paces of recipient domains.

use super::super::lane::Slowness;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// What a worker learned of a domain; the last to learn is right.
    SLOW = "insert into domain_pace (domain_key, gap_us, refusing, slowed_at) values ($1, $2, $3, $4)
        on conflict (domain_key) do update set gap_us = excluded.gap_us, refusing = excluded.refusing, slowed_at = excluded.slowed_at";
    /// The domain is free again.
    FREE = "delete from domain_pace where domain_key = $1";
    /// Every domain that is slowed, since a moment.
    ALL = "select domain_key, gap_us, refusing, slowed_at from domain_pace where slowed_at > $1 order by gap_us desc, domain_key";
    /// A domain that nobody wrote to for long is tried as if nothing had been.
    pub(crate) FORGET = "delete from domain_pace where domain_key in (select domain_key from domain_pace where slowed_at < $1 limit $2)";
    /// What waits for another try.
    WAITING = "select domain_key, count(*) as copies, min(next_at) as next_at from delivery
        where edition_id = $1 and state = 'queued' and attempt > 0 group by domain_key order by copies desc, domain_key limit $2";
    /// How many share the paces.
    WORKERS = "select count(*) from worker where stopped_at is null";
}

/// So many at a time; the rest at the next.
const MOST_FORGOTTEN: i64 = 500;

/// A domain that is slowed.
#[derive(Clone, Debug, serde::Serialize, sqlx::FromRow)]
pub struct Slowed {
    /// The domain.
    pub domain_key: String,
    /// Microseconds between two messages, all workers together.
    pub gap_us: i64,
    /// Nothing gets through just now: those messages try.
    pub refusing: bool,
    /// When it was last learned.
    pub slowed_at: Moment,
}

/// Copies to one domain that were put off.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Waiting {
    /// The domain.
    pub domain_key: String,
    /// How many.
    pub copies: i64,
    /// When the first of them is tried again.
    pub next_at: Moment,
}

pub async fn waiting(db: &Db, edition: i64, limit: i64) -> Result<Vec<Waiting>> {
    db.all(WAITING, (edition, limit)).await
}

pub async fn tell(tx: &mut Tx, news: &[(String, Option<Slowness>)], now: Moment) -> Result<()> {
    for (domain, slowness) in news {
        match slowness {
            Some(Slowness { gap, refusing }) => {
                let micros = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX);
                tx.exec(SLOW, (domain.as_str(), micros, *refusing, now)).await?;
            }
            None => {
                tx.exec(FREE, (domain.as_str(),)).await?;
            }
        }
    }
    Ok(())
}

pub async fn forget(tx: &mut Tx, before: Moment) -> Result<u64> {
    tx.exec(FORGET, (before, MOST_FORGOTTEN)).await
}

pub async fn slowed(db: &Db, since: Moment) -> Result<Vec<Slowed>> {
    db.all(ALL, (since,)).await
}

pub async fn workers(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(WORKERS, ()).await?.0)
}
