//! SQL of what the database knows of the journals beside it.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Up to where each is known that is waited for.
    KNOWN = "select journal, place, number, hash, at from withdrawal_journal where lost_at is null order by journal";
    /// Those that were found to be gone since a moment.
    LOST = "select journal, place, number, hash, at from withdrawal_journal where lost_at > $1 order by journal";
    /// It is known so far; what somebody found out before stays where it is further.
    NOTE = "insert into withdrawal_journal (journal, place, number, hash, at) values ($1, $2, $3, $4, $5)
        on conflict (journal) do update set place = excluded.place, number = excluded.number, hash = excluded.hash, at = excluded.at, lost_at = null
        where withdrawal_journal.number < excluded.number or withdrawal_journal.lost_at is not null
            or withdrawal_journal.number = excluded.number and withdrawal_journal.place <> excluded.place";
    /// Nobody waits for it any more, and it is told for some time.
    LOSE = "update withdrawal_journal set lost_at = $2 where journal = $1";
    /// Nobody waits for it any more, for somebody said so.
    FORGET = "delete from withdrawal_journal where journal = $1";
}

/// Up to where the database knows a journal.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Known {
    pub journal: String,
    pub place: String,
    pub number: i64,
    pub hash: String,
    pub at: Moment,
}

pub async fn known(db: &Db) -> Result<Vec<Known>> {
    db.all(KNOWN, ()).await
}

pub async fn note(tx: &mut Tx, known: &Known) -> Result<u64> {
    let Known { journal, place, number, hash, at } = known;
    tx.exec(NOTE, (journal.as_str(), place.as_str(), *number, hash.as_str(), *at)).await
}

pub async fn lost(db: &Db, since: Moment) -> Result<Vec<Known>> {
    db.all(LOST, (since,)).await
}

pub async fn lose(tx: &mut Tx, journal: &str, now: Moment) -> Result<u64> {
    tx.exec(LOSE, (journal, now)).await
}

pub async fn forget(tx: &mut Tx, journal: &str) -> Result<u64> {
    tx.exec(FORGET, (journal,)).await
}
