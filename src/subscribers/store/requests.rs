//! The SQL of what readers ask by law.

use super::super::rows::{Request, RequestKind};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ADD = "insert into reader_request (kind, address, detail, received_at, due_at, staff_id, address_hash) values ($1, $2, $3, $4, $5, $6, $7)";
    /// By when they are due.
    OPEN = "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request
        where closed_at is null and (due_at, id) > ($1, $2) order by due_at, id limit $3";
    /// The newest first.
    CLOSED = "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request
        where closed_at is not null and id < $1 order by id desc limit $2";
    /// Held until the commit, so that of two who close it one does.
    TAKE = sqlite "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request where id = $1 and closed_at is null",
        postgres "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request where id = $1 and closed_at is null for update";
    CLOSE = "update reader_request set outcome = $2, closed_by = $3, closed_at = $4, address = $5, detail = '' where id = $1 and closed_at is null";
    CORRECT = "update reader_request set kind = $2, address = $3, detail = $4, received_at = $5, due_at = $6, address_hash = $7
        where id = $1 and closed_at is null";
    ONE = "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request where id = $1";
    /// All of somebody's.
    ABOUT = "select id, kind, address, detail, received_at, due_at, outcome, closed_at from reader_request where address_hash = $1 order by id";
    /// Whether one of a kind waits.
    IS_OPEN = "select id from reader_request where address_hash = $1 and kind = $2 and closed_at is null limit 1";
    /// What is left of one whose reader is forgotten; it is to be answered all the same.
    FORGET = "update reader_request set address = $2, detail = '' where id = $1 and closed_at is null";
    /// How many are due before a moment, and how many of them before another.
    DUE = "select count(*) as soon, count(case when due_at < $2 then 1 end) as late from reader_request where closed_at is null and due_at < $1";
}

pub async fn add(
    tx: &mut Tx,
    (kind, address, hash, detail): (RequestKind, &str, &str, &str),
    (received, due): (Moment, Moment),
    staff: Option<i64>,
) -> Result<u64> {
    tx.exec(ADD, (kind, address, detail, received, due, staff, hash)).await
}

pub async fn open(db: &Db, (due, id): (Moment, i64), limit: i64) -> Result<Vec<Request>> {
    db.all(OPEN, (due, id, limit)).await
}

pub async fn closed(db: &Db, before: i64, limit: i64) -> Result<Vec<Request>> {
    db.all(CLOSED, (before, limit)).await
}

pub async fn take(tx: &mut Tx, id: i64) -> Result<Option<Request>> {
    tx.opt(TAKE, (id,)).await
}

pub async fn close(
    tx: &mut Tx,
    id: i64,
    (outcome, masked): (&str, &str),
    staff: i64,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(CLOSE, (id, outcome, staff, now, masked)).await? == 1)
}

pub async fn correct(
    tx: &mut Tx,
    id: i64,
    (kind, address, hash, detail): (RequestKind, &str, &str, &str),
    (received, due): (Moment, Moment),
) -> Result<u64> {
    tx.exec(CORRECT, (id, kind, address, detail, received, due, hash)).await
}

pub async fn one(db: &Db, id: i64) -> Result<Option<Request>> {
    db.opt(ONE, (id,)).await
}

pub async fn about(db: &Db, hash: &str) -> Result<Vec<Request>> {
    db.all(ABOUT, (hash,)).await
}

pub async fn about_in(tx: &mut Tx, hash: &str) -> Result<Vec<Request>> {
    tx.all(ABOUT, (hash,)).await
}

pub async fn is_open(tx: &mut Tx, hash: &str, kind: RequestKind) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(IS_OPEN, (hash, kind)).await?.is_some())
}

pub async fn forget(tx: &mut Tx, id: i64, masked: &str) -> Result<u64> {
    tx.exec(FORGET, (id, masked)).await
}

pub async fn due(db: &Db, soon: Moment, now: Moment) -> Result<(i64, i64)> {
    db.one(DUE, (soon, now)).await
}
