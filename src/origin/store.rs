//! SQL of the address and place at which the database is at home.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements, words,
};

statements! {
    /// Where it is at home; no row before the first start.
    HOME = "select base_url, place, nullif(doubt, '') as doubt, doubt_at, epoch, restored_at, report, secret_proof from origin where id = 1";
    /// By which secret the magazine is run.
    PROVE_SECRET = "update origin set secret_proof = $1 where id = 1";
    /// A name that is not ours from now on.
    LEAVE = "insert into former_host (host, left_at) values ($1, $2) on conflict (host) do update set left_at = excluded.left_at";
    /// A name that is ours again.
    COME_BACK = "delete from former_host where host = $1";
    FORMER_HOSTS = "select host, left_at from former_host order by left_at desc, host";
    FORMER_CALLS = "select caller, calls, last_at from former_host_call where host = $1";
    /// Of a name that became ours again meanwhile nothing is kept.
    ADD_CALLS = "insert into former_host_call (host, caller, calls, last_at)
        select host, $2, cast($3 as bigint), cast($4 as bigint) from former_host where host = $1
        on conflict (host, caller) do update set calls = former_host_call.calls + excluded.calls,
            last_at = case when excluded.last_at > former_host_call.last_at then excluded.last_at else former_host_call.last_at end";
    /// The first start, or a move that somebody confirmed.
    SETTLE = "insert into origin (id, base_url, place, epoch, since) values (1, $1, $2, $3, $4)
        on conflict (id) do update set base_url = excluded.base_url, place = excluded.place, epoch = excluded.epoch,
            doubt = '', doubt_at = null, since = excluded.since";
    /// What the files beside it said until now is void.
    SETTLED = "insert into settled_epoch (epoch) select epoch from origin where id = 1 and epoch <> '' on conflict (epoch) do nothing";
    SETTLE_EPOCH = "insert into settled_epoch (epoch) values ($1) on conflict (epoch) do nothing";
    FORGET_CLAIMS = "delete from worker_position";
    /// The first start alone: of two programs that start at once, one settles.
    SETTLE_FIRST = "insert into origin (id, base_url, place, epoch, since) values (1, $1, $2, $3, $4) on conflict (id) do nothing";
    /// Another port of this machine, or a database that an earlier version settled, which knew no place and no epoch.
    RENAME = "update origin set base_url = $1, place = $2, epoch = case when epoch = '' then $3 else epoch end where id = 1";
    /// Being behind is the weightier doubt.
    DOUBT = "update origin set doubt = $1, doubt_at = coalesce(doubt_at, $2) where id = 1 and (doubt = '' or $1 = 'behind')";
    /// Somebody said that it is a restored backup. What came before there was a doubt may have been told already.
    RESTORED = "update origin set restored_at = $1, report = $2 where id = 1";
    /// Whether a worker sends under another address than the database's own, or nobody may send.
    IS_STRANGER = "select count(*) from worker w, origin o where w.id = $1 and (w.base_url <> o.base_url or o.doubt <> '')";
    IS_SETTLED = "select count(*) from settled_epoch where epoch = $1";
    /// How often a worker was given something to send; no row if this database never met it.
    CLAIMS = "select claims from worker_position where public_id = $1";
    ALL_CLAIMS = "select cast(coalesce(sum(claims), 0) as bigint) from worker_position";
    /// One more. Nobody else touches the row, so the feeder waits for nobody. No epoch where only sign-in links are sent.
    COUNT_CLAIM = "insert into worker_position (public_id, worker_id, claims) values ($1, $2, 1)
        on conflict (public_id) do update set claims = worker_position.claims + 1
        returning claims, coalesce((select o.epoch from origin o join worker w on w.id = $2
            where o.id = 1 and o.doubt = '' and o.base_url = w.base_url), '') as epoch";
    /// Whether a worker ended in good order, or was declared dead: one that did so long ago is not known any more.
    HAS_STOPPED = "select count(*) from worker_position p where p.public_id = $1
        and not exists (select 1 from worker w where w.id = p.worker_id and w.stopped_at is null)";
    /// Grows with every consent, deed at the desk and suppression.
    FACTS = "select (select coalesce(max(id), 0) from consent_event) + (select coalesce(max(id), 0) from audit_log)
        + (select coalesce(max(id), 0) from suppression) as facts";
}

words! {
    /// Why a database may be a copy.
    pub enum Doubt else Behind {
        /// It last ran on another machine, or from another folder.
        Elsewhere = "elsewhere",
        /// A file beside it tells of things that it does not know: it is older than what ran here last.
        Behind = "behind",
        /// It is a restored backup, and who left since it was made is not known.
        Forgetful = "forgetful",
    }
}

/// The row.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Home {
    pub base_url: String,
    pub place: String,
    pub doubt: Option<Doubt>,
    pub doubt_at: Option<Moment>,
    pub epoch: String,
    pub restored_at: Option<Moment>,
    pub report: String,
    pub secret_proof: String,
}

/// A name that the public address had.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct FormerHost {
    /// The name.
    pub host: String,
    /// Until when.
    pub left_at: Moment,
}

/// A claim that was counted: how many the worker has made, in which epoch.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Claim {
    pub claims: i64,
    pub epoch: String,
}

pub async fn home(db: &Db) -> Result<Option<Home>> {
    db.opt(HOME, ()).await
}

pub async fn home_in(tx: &mut Tx) -> Result<Option<Home>> {
    tx.opt(HOME, ()).await
}

pub async fn settle(tx: &mut Tx, base_url: &str, place: &str, epoch: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLED, ()).await?;
    tx.exec(FORGET_CLAIMS, ()).await?;
    tx.exec(SETTLE, (base_url, place, epoch, now)).await?;
    Ok(())
}

pub async fn prove_secret(tx: &mut Tx, proof: &str) -> Result<()> {
    tx.exec(PROVE_SECRET, (proof,)).await?;
    Ok(())
}

pub async fn leave(tx: &mut Tx, host: &str, now: Moment) -> Result<()> {
    tx.exec(LEAVE, (host, now)).await?;
    Ok(())
}

pub async fn come_back(tx: &mut Tx, host: &str) -> Result<()> {
    tx.exec(COME_BACK, (host,)).await?;
    Ok(())
}

pub async fn former_hosts(db: &Db) -> Result<Vec<FormerHost>> {
    db.all(FORMER_HOSTS, ()).await
}

pub async fn former_calls(db: &Db, host: &str) -> Result<Vec<(String, i64, Moment)>> {
    db.all(FORMER_CALLS, (host,)).await
}

pub async fn add_calls(tx: &mut Tx, (host, caller): (&str, &str), calls: i64, last: Moment) -> Result<()> {
    tx.exec(ADD_CALLS, (host, caller, calls, last)).await?;
    Ok(())
}

pub async fn settle_epoch(tx: &mut Tx, epoch: &str) -> Result<()> {
    tx.exec(SETTLE_EPOCH, (epoch,)).await?;
    Ok(())
}

pub async fn settle_first(tx: &mut Tx, base_url: &str, place: &str, epoch: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLE_FIRST, (base_url, place, epoch, now)).await?;
    Ok(())
}

pub async fn rename(tx: &mut Tx, base_url: &str, place: &str, epoch: &str) -> Result<()> {
    tx.exec(RENAME, (base_url, place, epoch)).await?;
    Ok(())
}

pub async fn doubt(tx: &mut Tx, why: Doubt, now: Moment) -> Result<bool> {
    Ok(tx.exec(DOUBT, (why, now)).await? == 1)
}

pub async fn restored(tx: &mut Tx, at: Moment, report: &str) -> Result<()> {
    tx.exec(RESTORED, (at, report)).await?;
    Ok(())
}

pub async fn is_stranger(tx: &mut Tx, worker: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_STRANGER, (worker,)).await?.0 > 0)
}

/// As [`is_stranger`], before a transaction is opened.
pub async fn is_elsewhere(db: &Db, worker: i64) -> Result<bool> {
    Ok(db.one::<(i64,)>(IS_STRANGER, (worker,)).await?.0 > 0)
}

pub async fn is_settled(db: &Db, epoch: &str) -> Result<bool> {
    Ok(db.one::<(i64,)>(IS_SETTLED, (epoch,)).await?.0 > 0)
}

pub async fn claims(db: &Db, worker: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(CLAIMS, (worker,)).await?.map(|(claims,)| claims))
}

pub async fn all_claims(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(ALL_CLAIMS, ()).await?.0)
}

pub async fn count_claim(tx: &mut Tx, public_id: &str, worker: i64) -> Result<Claim> {
    tx.one(COUNT_CLAIM, (public_id, worker)).await
}

pub async fn has_stopped(db: &Db, worker: &str) -> Result<bool> {
    Ok(db.one::<(i64,)>(HAS_STOPPED, (worker,)).await?.0 > 0)
}

pub async fn facts(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(FACTS, ()).await?.0)
}
