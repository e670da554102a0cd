//! SQL of the paces of recipient domains.

use std::time::Duration;

use super::super::lane::{News, Slowness};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// What a worker learned of a domain; the last to learn is right. If it has taken nothing since it was told of before ($7), its
    /// time goes on, unless that was long ago ($8); a span so long that nobody can have asked it ($9) is left out of our patience.
    SLOW = "insert into domain_pace (domain_key, gap_us, refusing, slowed_at, refused_since, patient_since, words) values ($1, $2, $3, $4, $5, $5, $6)
        on conflict (domain_key) do update set gap_us = excluded.gap_us, refusing = excluded.refusing, slowed_at = excluded.slowed_at,
            words = case when excluded.words = '' then domain_pace.words else excluded.words end,
            refused_since = case when $7 and domain_pace.slowed_at > $8 then coalesce(domain_pace.refused_since, excluded.refused_since)
                else excluded.refused_since end,
            patient_since = case when $7 and domain_pace.slowed_at > $8 and domain_pace.patient_since is not null
                then domain_pace.patient_since + case when excluded.slowed_at - domain_pace.slowed_at > $9
                    then excluded.slowed_at - domain_pace.slowed_at else 0 end
                else excluded.patient_since end";
    /// The domain is free again.
    FREE = "delete from domain_pace where domain_key = $1";
    /// Every domain that is slowed, since a moment.
    ALL = "select domain_key, gap_us, refusing, slowed_at, refused_since, patient_since, words from domain_pace
        where slowed_at > $1 order by gap_us desc, domain_key";
    /// A domain that nobody wrote to for long is tried as if nothing had been.
    pub(crate) FORGET = "delete from domain_pace where domain_key in (select domain_key from domain_pace where slowed_at < $1 limit $2)";
    /// What waits for its domain, tried or not, and what waits for a moment of its own; and how many wait in all.
    WAITING = "select name as domain_key, in_lane, copies, next_at, cast(sum(copies) over () as bigint) as of_all from (
            select lane as name, true as in_lane, count(*) as copies, min(next_at) as next_at from delivery
                where edition_id = $1 and state = 'queued' and lane > '' group by lane
            union all select domain_key, false, count(*), min(next_at) from delivery
                where edition_id = $1 and state = 'queued' and lane = '' and next_at > $2 group by domain_key) as waiting
        order by copies desc, domain_key, in_lane limit $3";
    /// Domains that have taken nothing since a moment, and the editions that go out all that time and wait for them. (With
    /// `next_at` SQLite takes the index of lanes, and does not read the whole audience.)
    REFUSING = "select e.id as edition_id, e.public_id, p.domain_key, p.refused_since, p.patient_since, e.going_since, p.words,
            (select t.told_at from refusal_told t where t.edition_id = e.id and t.domain_key = p.domain_key) as told_at
        from domain_pace p join edition e on e.state = 'sending' and e.going_since <= $1
        where p.refused_since <= $1 and p.slowed_at > $2
        and exists (select 1 from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane = p.domain_key and d.next_at >= 0)
        order by e.id, p.refused_since, p.domain_key";
    /// Editions that have gone out since a moment, and have copies in a lane.
    OVER = "select e.id from edition e where e.state = 'sending' and e.going_since < $2
        and exists (select 1 from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane = $1 and d.next_at >= 0) order by e.id";
    /// How many copies of an edition wait in a lane.
    IN_LANE = "select count(*) from delivery where edition_id = $1 and state = 'queued' and lane = $2 and next_at >= 0";
    /// People are told of it.
    TELL = "insert into refusal_told (edition_id, domain_key, told_at) values ($1, $2, $3) on conflict (edition_id, domain_key) do nothing";
    /// How many share the paces.
    WORKERS = "select count(*) from worker where stopped_at is null";
}

/// So many at a time; the rest at the next.
const MOST_FORGOTTEN: i64 = 500;

/// A domain that is slowed.
#[derive(Clone, Debug, serde::Serialize, sqlx_macros::FromRow)]
pub struct Slowed {
    pub domain_key: String,
    /// Microseconds between two messages, all workers together.
    pub gap_us: i64,
    /// Nothing gets through just now: those messages try.
    pub refusing: bool,
    /// When it was last learned.
    pub slowed_at: Moment,
    /// Since when it has taken nothing; none if it takes some.
    pub refused_since: Option<Moment>,
    /// The same without the time for which nobody asked it.
    pub patient_since: Option<Moment>,
    /// What its servers say, without addresses.
    pub words: String,
}

/// Copies that wait, and for whom.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct WaitingLane {
    /// The domain, or its provider where they wait in its lane.
    pub domain_key: String,
    /// They wait until the domain takes them; otherwise each for a moment of its own.
    pub in_lane: bool,
    /// How many.
    pub copies: i64,
    /// When the first of them is tried again.
    pub next_at: Moment,
    /// How many copies of the edition wait in all, for whomever.
    pub of_all: i64,
}

/// An edition that waits for a domain which has taken nothing for long.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Refusing {
    pub edition_id: i64,
    pub public_id: String,
    /// The domain, or its provider.
    pub domain_key: String,
    /// Since when it has taken nothing.
    pub refused_since: Moment,
    pub(in super::super) patient_since: Moment,
    pub(in super::super) going_since: Moment,
    /// What its servers say, without addresses.
    pub words: String,
    /// When people were told of it.
    pub told_at: Option<Moment>,
}

pub async fn waiting(db: &Db, edition: i64, now: Moment, limit: i64) -> Result<Vec<WaitingLane>> {
    db.all(WAITING, (edition, now, limit)).await
}

pub async fn refusing(db: &Db, before: Moment, forgotten: Moment) -> Result<Vec<Refusing>> {
    db.all(REFUSING, (before, forgotten)).await
}

pub async fn over(db: &Db, lane: &str, before: Moment) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(OVER, (lane, before)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn in_lane(db: &Db, edition: i64, lane: &str) -> Result<i64> {
    Ok(db.one::<(i64,)>(IN_LANE, (edition, lane)).await?.0)
}

pub async fn told(tx: &mut Tx, edition: i64, domain: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(TELL, (edition, domain, now)).await? == 1)
}

/// Tells what was learned now. What is older than `forgotten` is not gone on with.
pub async fn tell(
    tx: &mut Tx,
    news: &[(String, News)],
    now: Moment,
    (forgotten, unasked): (Moment, Duration),
) -> Result<()> {
    let unasked = i64::try_from(unasked.as_micros()).unwrap_or(i64::MAX);
    for (domain, News { slowness, took, words }) in news {
        match slowness {
            Some(Slowness { gap, refusing }) => {
                let micros = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX);
                let (since, goes_on) = (refusing.then_some(now), *refusing && !took);
                let (domain, words) = (domain.as_str(), words.as_str());
                tx.exec(SLOW, (domain, micros, *refusing, now, since, words, goes_on, forgotten, unasked))
                    .await?;
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
