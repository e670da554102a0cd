//! SQL of the address and place at which the database is at home.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Where it is at home; no row before the first start.
    HOME = "select base_url, place, doubt, since, restored_at from origin where id = 1";
    /// The first start, or a move that somebody confirmed.
    SETTLE = "insert into origin (id, base_url, place, since) values (1, $1, $2, $3)
        on conflict (id) do update set base_url = excluded.base_url, place = excluded.place, doubt = '', since = excluded.since";
    /// The first start alone: of two programs that start at once, one settles.
    SETTLE_FIRST = "insert into origin (id, base_url, place, since) values (1, $1, $2, $3) on conflict (id) do nothing";
    /// Another port of this machine, or a database that an earlier version settled, which knew no place.
    RENAME = "update origin set base_url = $1, place = $2 where id = 1";
    /// The first doubt stays.
    DOUBT = "update origin set doubt = $1 where id = 1 and doubt = ''";
    /// Somebody said that it is a restored backup.
    RESTORED = "update origin set restored_at = $1 where id = 1";
    /// Whether a worker sends under another address than the database's own, or nobody may send.
    IS_STRANGER = "select count(*) from worker w, origin o where w.id = $1 and (w.base_url <> o.base_url or o.doubt <> '')";
    /// How often a worker was given something to send; no row if this database never met it.
    CLAIMS = "select claims from worker where public_id = $1";
    /// One more.
    COUNT_CLAIM = "update worker set claims = claims + 1 where id = $1 returning public_id, claims";
    /// Grows with every consent, deed at the desk and suppression.
    FACTS = "select (select coalesce(max(id), 0) from consent_event) + (select coalesce(max(id), 0) from audit_log)
        + (select coalesce(max(id), 0) from suppression) as facts";
}

/// The row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Home {
    pub base_url: String,
    pub place: String,
    pub doubt: String,
    pub since: Moment,
    pub restored_at: Option<Moment>,
}

pub async fn home(db: &Db) -> Result<Option<Home>> {
    db.opt(HOME, ()).await
}

pub async fn home_in(tx: &mut Tx) -> Result<Option<Home>> {
    tx.opt(HOME, ()).await
}

pub async fn settle(tx: &mut Tx, base_url: &str, place: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLE, (base_url, place, now)).await?;
    Ok(())
}

pub async fn settle_first(tx: &mut Tx, base_url: &str, place: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLE_FIRST, (base_url, place, now)).await?;
    Ok(())
}

pub async fn rename(tx: &mut Tx, base_url: &str, place: &str) -> Result<()> {
    tx.exec(RENAME, (base_url, place)).await?;
    Ok(())
}

pub async fn doubt(tx: &mut Tx, why: &str) -> Result<bool> {
    Ok(tx.exec(DOUBT, (why,)).await? == 1)
}

pub async fn restored(tx: &mut Tx, now: Moment) -> Result<()> {
    tx.exec(RESTORED, (now,)).await?;
    Ok(())
}

pub async fn is_stranger(tx: &mut Tx, worker: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_STRANGER, (worker,)).await?.0 > 0)
}

pub async fn claims(db: &Db, worker: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(CLAIMS, (worker,)).await?.map(|(claims,)| claims))
}

/// Counts a claim; the worker's public id, and how many it has made.
pub async fn count_claim(tx: &mut Tx, worker: i64) -> Result<(String, i64)> {
    tx.one(COUNT_CLAIM, (worker,)).await
}

pub async fn facts(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(FACTS, ()).await?.0)
}
