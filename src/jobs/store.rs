//! The SQL of jobs that do not work, and of how far forgetting has come.

use super::runs::JobTrouble;
use crate::{
    clock::Moment,
    db::{Db, Result, Sql, Tx},
    statements,
};

statements! {
    /// It failed. What begins after it had worked again is another trouble; when somebody was last told stays.
    FAILED = "insert into job_trouble (job, place, since, last_at, broke_off, words) values ($1, $2, $3, $3, $4, $5)
        on conflict (job, place) do update set since = case when job_trouble.well_at is null then job_trouble.since else excluded.since end,
            broke_off = (excluded.broke_off or (job_trouble.broke_off and job_trouble.well_at is null)),
            last_at = excluded.last_at, words = excluded.words, well_at = null
        returning job, place, since, last_at, broke_off, words,
            (select max(t.told_at) from job_trouble t where t.job = $1) as told_at";
    TOLD = "update job_trouble set told_at = $3 where job = $1 and place = $2";
    WELL = "update job_trouble set well_at = $3 where job = $1 and place = $2 and well_at is null";
    FAILING = "select job, place, since, last_at, broke_off, words, told_at from job_trouble where well_at is null order by since, job, place";
    FORGET_TROUBLES = "delete from job_trouble where (job, place) in
        (select t.job, t.place from job_trouble t where t.last_at < $1 limit $2)";
    KEEP_TURNS = "insert into job_turns (place, turns, noted_at) values ($1, $2, $3)
        on conflict (place) do update set turns = excluded.turns, noted_at = excluded.noted_at";
    TURNS = "select turns, noted_at from job_turns";
    pub(crate) FORGET_TURNS = "delete from job_turns where place in (select place from job_turns where noted_at < $1 limit $2)";
}

/// Of places that are no more, too: a container has another name each time.
pub(super) const FORGET: Sql = FORGET_TROUBLES;

/// Which job, and where.
pub(super) type Where<'a> = (&'a str, &'a str);

pub(super) async fn failed(
    tx: &mut Tx,
    (job, place): Where<'_>,
    now: Moment,
    broke_off: bool,
    words: &str,
) -> Result<JobTrouble> {
    tx.one(FAILED, (job, place, now, broke_off, words)).await
}

pub(super) async fn told(tx: &mut Tx, (job, place): Where<'_>, now: Moment) -> Result<u64> {
    tx.exec(TOLD, (job, place, now)).await
}

pub(super) async fn well(tx: &mut Tx, (job, place): Where<'_>, now: Moment) -> Result<u64> {
    tx.exec(WELL, (job, place, now)).await
}

pub(super) async fn failing(db: &Db) -> Result<Vec<JobTrouble>> {
    db.all(FAILING, ()).await
}

pub(super) async fn keep_turns(tx: &mut Tx, place: &str, turns: &str, now: Moment) -> Result<u64> {
    tx.exec(KEEP_TURNS, (place, turns, now)).await
}

/// Of each process, and when it noted them.
pub(super) async fn turns(db: &Db) -> Result<Vec<(String, Moment)>> {
    db.all(TURNS, ()).await
}
