//! SQL of workers and their heartbeats.

use crate::{
    clock::{Ahead, Moment},
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// A worker begins.
    ADD = "insert into worker (host, pid, base_url, started_at, heartbeat_at) values ($1, $2, $3, $4, $4) returning id";
    /// Still here; touches nothing once the worker was declared dead.
    BEAT = "update worker set heartbeat_at = $2, clock_ahead_us = $3 where id = $1 and stopped_at is null";
    /// Those heard of since a moment whose machines' clocks differ from the database's by so much.
    CLOCKS_APART = "select host, clock_ahead_us from worker where stopped_at is null and heartbeat_at > $1 and abs(clock_ahead_us) >= $2
        order by host, id desc";
    /// Those last heard of before one moment or after another, other than oneself. Nobody waits for a row that somebody else holds.
    SILENT = sqlite "select id from worker where stopped_at is null and (heartbeat_at < $1 or heartbeat_at > $2) and id <> $3",
        postgres "select id from worker where stopped_at is null and (heartbeat_at < $1 or heartbeat_at > $2) and id <> $3 for update skip locked";
    /// Not declared dead.
    ALIVE = "select id from worker where id = $1 and stopped_at is null";
    /// Heard of since a moment.
    LIVING = "select count(*) from worker where stopped_at is null and heartbeat_at > $1";
    /// The same, under another address.
    LIVING_ELSEWHERE = "select base_url from worker where stopped_at is null and heartbeat_at > $1 and base_url <> $2 limit 1";
    /// Those stopped since a moment that hold claims: just declared dead, or asleep when they were, with a commit that was long
    /// on its way. One of those who look has them.
    STRAYS = sqlite "select w.id from worker w where w.stopped_at > $1
            and (exists (select 1 from delivery d where d.state = 'claimed' and d.claimed_by = w.id)
                or exists (select 1 from notice n where n.state = 'claimed' and n.claimed_by = w.id))",
        postgres "select w.id from worker w where w.stopped_at > $1
            and (exists (select 1 from delivery d where d.state = 'claimed' and d.claimed_by = w.id)
                or exists (select 1 from notice n where n.state = 'claimed' and n.claimed_by = w.id)) for update of w skip locked";
    /// Whether `SILENT` or `STRAYS` would find somebody.
    MISSING = "select w.id from worker w where (w.stopped_at is null and (w.heartbeat_at < $1 or w.heartbeat_at > $2) and w.id <> $3)
            or (w.stopped_at > $4 and (exists (select 1 from delivery d where d.state = 'claimed' and d.claimed_by = w.id)
                or exists (select 1 from notice n where n.state = 'claimed' and n.claimed_by = w.id))) limit 1";
    /// Declared dead, or stopped in good order; by one only.
    STOP = "update worker set stopped_at = $2 where id = $1 and stopped_at is null";
    /// Ended long ago, and holds nothing: every claim is found by its worker's row.
    pub(crate) FORGET = "delete from worker where id in (select w.id from worker w where w.stopped_at < $1
        and not exists (select 1 from delivery d where d.state = 'claimed' and d.claimed_by = w.id)
        and not exists (select 1 from notice n where n.state = 'claimed' and n.claimed_by = w.id)
        order by w.stopped_at limit $2)";
}

/// A worker whose machine's clock differs from the database's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockApart {
    /// What the machine is called; empty where it has no name.
    pub host: String,
    /// By how much, when it last gave a sign of life.
    pub ahead: Ahead,
}

pub async fn add(tx: &mut Tx, (host, pid): (&str, i64), base_url: &str, now: Moment) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ADD, (host, pid, base_url, now)).await?.0)
}

pub async fn is_anybody_alive(db: &Db, since: Moment) -> Result<bool> {
    Ok(db.one::<(i64,)>(LIVING, (since,)).await?.0 > 0)
}

pub async fn living_elsewhere(db: &Db, since: Moment, here: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(LIVING_ELSEWHERE, (since, here)).await?.map(|(there,)| there))
}

/// `ahead` is by how much the machine's own clock is, where it is not the one that counts.
pub async fn beat(tx: &mut Tx, id: i64, now: Moment, ahead: Option<Ahead>) -> Result<bool> {
    Ok(tx.exec(BEAT, (id, now, ahead.map_or(0, |ahead| ahead.0))).await? == 1)
}

pub async fn clocks_apart(db: &Db, since: Moment, least: i64) -> Result<Vec<ClockApart>> {
    let all: Vec<(String, i64)> = db.all(CLOCKS_APART, (since, least)).await?;
    Ok(all.into_iter().map(|(host, ahead)| ClockApart { host, ahead: Ahead(ahead) }).collect())
}

pub async fn is_alive(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(ALIVE, (id,)).await?.is_some())
}

/// Whether anybody is silent, or gone with claims in hand: looked at before a transaction is opened.
pub async fn is_anybody_missing(
    db: &Db,
    (since, until): (Moment, Moment),
    gone_since: Moment,
    me: i64,
) -> Result<bool> {
    Ok(db.opt::<(i64,)>(MISSING, (since, until, me, gone_since)).await?.is_some())
}

pub async fn strays(tx: &mut Tx, since: Moment) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(STRAYS, (since,)).await?.into_iter().map(|(id,)| id).collect())
}

/// Those not heard of from one moment to the other.
pub async fn silent(tx: &mut Tx, (since, until): (Moment, Moment), me: i64) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(SILENT, (since, until, me)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn stop(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(STOP, (id, now)).await? == 1)
}
