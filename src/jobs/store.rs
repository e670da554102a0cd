//! The SQL of jobs that do not work.

use super::trouble::Trouble;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// It failed. What begins after it had worked again is another trouble; when somebody was last told stays.
    FAILED = "insert into job_trouble (job, since, last_at, broke_off, words) values ($1, $2, $2, $3, $4)
        on conflict (job) do update set since = case when job_trouble.well_at is null then job_trouble.since else excluded.since end,
            broke_off = (excluded.broke_off or (job_trouble.broke_off and job_trouble.well_at is null)),
            last_at = excluded.last_at, words = excluded.words, well_at = null
        returning job, since, last_at, broke_off, words, told_at";
    TOLD = "update job_trouble set told_at = $2 where job = $1";
    WELL = "update job_trouble set well_at = $2 where job = $1 and well_at is null";
    FAILING = "select job, since, last_at, broke_off, words, told_at from job_trouble where well_at is null order by since, job";
}

pub(super) async fn failed(
    tx: &mut Tx,
    job: &str,
    now: Moment,
    broke_off: bool,
    words: &str,
) -> Result<Trouble> {
    tx.one(FAILED, (job, now, broke_off, words)).await
}

pub(super) async fn told(tx: &mut Tx, job: &str, now: Moment) -> Result<u64> {
    tx.exec(TOLD, (job, now)).await
}

pub(super) async fn well(tx: &mut Tx, job: &str, now: Moment) -> Result<u64> {
    tx.exec(WELL, (job, now)).await
}

pub(super) async fn failing(db: &Db) -> Result<Vec<Trouble>> {
    db.all(FAILING, ()).await
}
