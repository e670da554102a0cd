//! SQL of workers and their heartbeats.

use crate::{
    clock::Moment,
    db::{Result, Tx},
    statements,
};

statements! {
    /// A worker begins.
    ADD = "insert into worker (host, pid, base_url, started_at, heartbeat_at) values ($1, $2, $3, $4, $4) returning id";
    /// Still here; touches nothing once the worker was declared dead.
    BEAT = "update worker set heartbeat_at = $2 where id = $1 and stopped_at is null";
    /// Those silent since a moment, other than oneself. Whoever is claiming at this very moment is asked again later.
    SILENT = sqlite "select id from worker where stopped_at is null and heartbeat_at < $1 and id <> $2",
        postgres "select id from worker where stopped_at is null and heartbeat_at < $1 and id <> $2 for update skip locked";
    /// Not declared dead, and not until the transaction is over.
    HOLD = sqlite "select id from worker where id = $1 and stopped_at is null",
        postgres "select id from worker where id = $1 and stopped_at is null for share";
    /// Declared dead, or stopped in good order; by one only.
    STOP = "update worker set stopped_at = $2 where id = $1 and stopped_at is null";
}

pub async fn add(tx: &mut Tx, host: &str, pid: i64, base_url: &str, now: Moment) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ADD, (host, pid, base_url, now)).await?.0)
}

pub async fn beat(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(BEAT, (id, now)).await? == 1)
}

pub async fn hold(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(HOLD, (id,)).await?.is_some())
}

pub async fn silent(tx: &mut Tx, since: Moment, me: i64) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(SILENT, (since, me)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn stop(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(STOP, (id, now)).await? == 1)
}
