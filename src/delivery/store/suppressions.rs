//! SQL of suppressions.

use serde::Serialize;

use super::super::states::StopReason;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    statements,
};

statements! {
    /// One in force at a time; the first reason stays.
    /// What is said here stands over what a file told, so that it stays where the file is taken back; no reason gives way to a lighter one.
    ADD = "insert into suppression (address_hash, reason, detail, created_at) values ($1, $2, $3, $4)
        on conflict (address_hash) where lifted_at is null do update set detail = excluded.detail,
            reason = case when suppression.reason = 'bounced' or excluded.reason = 'staff' then excluded.reason else suppression.reason end
        where suppression.detail like 'as told by a file: %'";
    /// Those that another program told, each with its moment there and its reader; what is in force stays.
    ADD_TOLD = rows(5) "insert into suppression (address_hash, reason, detail, created_at, subscriber_id) values {rows}
        on conflict (address_hash) where lifted_at is null do nothing returning address_hash";
    /// What a file said, as if it had not.
    TAKE_BACK = "delete from suppression where subscriber_id = $1 and reason = $2 and detail = $3 and lifted_at is null returning address_hash";
    /// When mail to addresses was last let go again.
    LIFTED_AMONG = sqlite "select address_hash, max(lifted_at) from suppression where lifted_at is not null and address_hash in (select value from json_each($1)) group by address_hash",
        postgres "select address_hash, max(lifted_at) from suppression where lifted_at is not null and address_hash in (select json_array_elements_text(cast($1 as json))) group by address_hash";
    /// Those in force among many, with since when.
    SINCE_AMONG = sqlite "select address_hash, reason, created_at from suppression where lifted_at is null and address_hash in (select value from json_each($1))",
        postgres "select address_hash, reason, created_at from suppression where lifted_at is null and address_hash in (select json_array_elements_text(cast($1 as json)))";
    /// The reader who has that address.
    READER = "select id from subscriber where email_key = $1";
    /// Whose they are, each an address and its reader; what somebody found out before stays.
    LINK = rows(2) "update suppression set subscriber_id = cast(v.column2 as bigint) from (values {rows}) as v
        where suppression.address_hash = v.column1 and suppression.lifted_at is null and suppression.subscriber_id is null";
    /// Up to which reader it was looked whose they are.
    LOOKED_UP_TO = "select looked_up_to from suppression_key where single = 1";
    LOOK_ON = "update suppression_key set looked_up_to = $2 where single = 1 and looked_up_to = $1";
    /// The next readers, and since when each is.
    NEXT_READERS = "select id, email, created_at from subscriber where id > $1 order by id limit $2";
    /// They have another address: what stops the old one is nobody's.
    UNLINK_READER = "update suppression set subscriber_id = null where subscriber_id = $1";
    /// By another secret nobody is known any more.
    UNLINK = "update suppression set subscriber_id = null where subscriber_id is not null";
    /// In force?
    REASON = "select reason from suppression where address_hash = $1 and lifted_at is null";
    /// Those in force among many, for `Tx::array`.
    AMONG = sqlite "select json_group_array(json_array(address_hash, reason)) from suppression
            where lifted_at is null and address_hash in (select value from json_each($1))",
        postgres "select cast(coalesce(json_agg(json_build_array(address_hash, reason)), '[]') as text) from suppression
            where lifted_at is null and address_hash in (select value from json_array_elements_text(cast($1 as json)))";
    /// In force, with the words for staff.
    FIND = "select id, reason, detail, created_at from suppression where address_hash = $1 and lifted_at is null";
    /// What tells the secret that the hashes were made with.
    PROOF = "select proof from suppression_key where single = 1";
    PROVE_FIRST = "insert into suppression_key (single, proof) values (1, $1) on conflict (single) do nothing";
    PROVE = "update suppression_key set proof = $1, looked_up_to = 0 where single = 1";
    /// Whether any hash was made at all, also of one that was lifted.
    EVERYBODY = "select count(*) from suppression";
    /// How many are in force, and the newest.
    COUNT = "select count(*) as count, max(created_at) as newest from suppression where lifted_at is null and created_at <= $1";
    /// Lifting keeps the row.
    LIFT = "update suppression set lifted_at = $2 where address_hash = $1 and lifted_at is null";
    /// Staff lift the one that they saw.
    LIFT_ONE = "update suppression set lifted_at = $2 where id = $1 and lifted_at is null";
    /// Whether it was in force at a moment, or later, and no longer is.
    LIFTED_SINCE = "select count(*) from suppression where address_hash = $1 and lifted_at >= $2";
    /// Everybody is looked at anew.
    LOOK_AT_ALL = "update suppression_key set looked_up_to = 0 where single = 1";
    /// Its owner is forgotten: that mail to it is stopped stays, and no word of whose it was.
    FORGET = "update suppression set detail = '', masked = '' where address_hash = $1";
    /// How staff recognise an address that they blocked.
    RECOGNISE = "update suppression set masked = $2 where address_hash = $1 and lifted_at is null";
    /// What staff blocked, the newest first.
    BLOCKED = "select id, subscriber_id, address_hash, masked, detail, created_at from suppression
        where reason = 'staff' and lifted_at is null and id < $1 order by id desc limit $2";
    /// One of them.
    BLOCK = "select id, subscriber_id, address_hash, masked, detail, created_at from suppression where id = $1 and reason = 'staff' and lifted_at is null";
}

pub async fn proof(db: &Db) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(PROOF, ()).await?.map(|(proof,)| proof))
}

pub async fn prove_first(tx: &mut Tx, proof: &str) -> Result<()> {
    tx.exec(PROVE_FIRST, (proof,)).await?;
    Ok(())
}

pub async fn prove(tx: &mut Tx, proof: &str) -> Result<()> {
    tx.exec(PROVE, (proof,)).await?;
    tx.exec(UNLINK, ()).await?;
    Ok(())
}

pub async fn everybody(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(EVERYBODY, ()).await?.0)
}

/// A suppression in force.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct InForce {
    /// Which one it is, for lifting it and no other.
    pub id: i64,
    /// Why.
    pub reason: StopReason,
    /// What staff read.
    pub detail: String,
    pub created_at: Moment,
}

/// An address that staff blocked.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Blocked {
    /// Which one it is, for lifting it.
    pub id: i64,
    /// Whose address it is, where that is known.
    pub subscriber_id: Option<i64>,
    /// What the address is kept as.
    pub address_hash: String,
    /// What staff typed, masked; empty if nobody kept it.
    pub masked: String,
    /// Why.
    pub detail: String,
    pub created_at: Moment,
}

pub async fn count(db: &Db, before: Moment) -> Result<(i64, Option<Moment>)> {
    db.one(COUNT, (before,)).await
}

pub async fn find(db: &Db, hash: &str) -> Result<Option<InForce>> {
    db.opt(FIND, (hash,)).await
}

pub async fn add(tx: &mut Tx, hash: &str, reason: StopReason, detail: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(ADD, (hash, reason, detail, now)).await? == 1)
}

pub async fn link(tx: &mut Tx, readers: &[(String, i64)]) -> Result<u64> {
    tx.many(LINK, readers.iter().map(|(hash, reader)| (hash.as_str(), *reader))).await
}

pub async fn unlink_reader(tx: &mut Tx, reader: i64) -> Result<u64> {
    tx.exec(UNLINK_READER, (reader,)).await
}

pub async fn looked_up_to(db: &Db) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(LOOKED_UP_TO, ()).await?.map(|(reader,)| reader))
}

pub async fn look_on(tx: &mut Tx, from: i64, to: i64) -> Result<bool> {
    Ok(tx.exec(LOOK_ON, (from, to)).await? == 1)
}

pub async fn next_readers(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, EmailAddress, Moment)>> {
    db.all(NEXT_READERS, (after, limit)).await
}

pub async fn lifted_since(tx: &mut Tx, hash: &str, at: Moment) -> Result<bool> {
    Ok(tx.one::<(i64,)>(LIFTED_SINCE, (hash, at)).await?.0 > 0)
}

pub async fn look_at_all(tx: &mut Tx) -> Result<()> {
    tx.exec(LOOK_AT_ALL, ()).await?;
    Ok(())
}

/// Each is a hash, the reason, the words for staff, since when, and the reader; which of them are new.
pub async fn add_told(
    tx: &mut Tx,
    told: &[(String, StopReason, &str, Moment, Option<i64>)],
) -> Result<Vec<String>> {
    let rows =
        told.iter().map(|(hash, reason, detail, at, reader)| (hash.as_str(), *reason, *detail, *at, *reader));
    let added: Vec<(String,)> = tx.many_returning(ADD_TOLD, rows).await?;
    Ok(added.into_iter().map(|(hash,)| hash).collect())
}

pub async fn take_back(tx: &mut Tx, reader: i64, reason: &str, detail: &str) -> Result<Vec<String>> {
    Ok(tx
        .all::<(String,)>(TAKE_BACK, (reader, reason, detail))
        .await?
        .into_iter()
        .map(|(hash,)| hash)
        .collect())
}

pub async fn lifted_among(tx: &mut Tx, hashes: &[String]) -> Result<Vec<(String, Moment)>> {
    tx.all(LIFTED_AMONG, (db::array(hashes)?,)).await
}

pub async fn since_among(db: &Db, hashes: &[String]) -> Result<Vec<(String, StopReason, Moment)>> {
    db.all(SINCE_AMONG, (db::array(hashes)?,)).await
}

/// The reader of an address, by its key.
pub async fn reader(tx: &mut Tx, key: &str) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(READER, (key,)).await?.map(|(id,)| id))
}

pub async fn reason(db: &Db, hash: &str) -> Result<Option<StopReason>> {
    Ok(db.opt::<(StopReason,)>(REASON, (hash,)).await?.map(|(reason,)| reason))
}

pub async fn reason_in(tx: &mut Tx, hash: &str) -> Result<Option<StopReason>> {
    Ok(tx.opt::<(StopReason,)>(REASON, (hash,)).await?.map(|(reason,)| reason))
}

pub async fn among<T: Serialize>(tx: &mut Tx, hashes: &[T]) -> Result<Vec<(String, StopReason)>> {
    tx.array(AMONG, (db::array(hashes)?.as_str(),)).await
}

pub async fn among_now(db: &Db, hashes: &[String]) -> Result<Vec<(String, StopReason)>> {
    let (found,) = db.one::<(String,)>(AMONG, (db::array(hashes)?.as_str(),)).await?;
    serde_json::from_str(&found).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub async fn lift(tx: &mut Tx, hash: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(LIFT, (hash, now)).await? == 1)
}

pub async fn lift_one(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(LIFT_ONE, (id, now)).await? == 1)
}

pub async fn recognise(tx: &mut Tx, hash: &str, masked: &str) -> Result<u64> {
    tx.exec(RECOGNISE, (hash, masked)).await
}

pub async fn forget(tx: &mut Tx, hash: &str) -> Result<u64> {
    tx.exec(FORGET, (hash,)).await
}

pub async fn blocked(db: &Db, before: i64, limit: i64) -> Result<Vec<Blocked>> {
    db.all(BLOCKED, (before, limit)).await
}

pub async fn block(tx: &mut Tx, id: i64) -> Result<Option<Blocked>> {
    tx.opt(BLOCK, (id,)).await
}
