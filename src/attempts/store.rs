//! The SQL of what is limited.

use super::UsedUp;
use crate::{
    clock::{CLOCKS_DIFFER, Moment},
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Counts one more, unless there were as many as there may be. The row itself is what those who come at once wait for,
    /// and whoever waited decides by what it says then. What has ended, or begins after
    /// every clock, begins anew.
    COUNT = "insert into attempt (key, counted, began_at, ends_at) values ($1, 1, $2, $3)
        on conflict (key) do update set
            counted = case when attempt.ends_at <= $2 or attempt.began_at > $5 then 1 else attempt.counted + 1 end,
            began_at = case when attempt.ends_at <= $2 or attempt.began_at > $5 then $2 else attempt.began_at end,
            ends_at = case when attempt.ends_at <= $2 or attempt.began_at > $5 then $3 else attempt.ends_at end
        where attempt.counted < $4 or attempt.ends_at <= $2 or attempt.began_at > $5
        returning began_at, counted";
    /// When there is room again, where there is none now.
    HELD_UNTIL = "select ends_at from attempt where key = $1 and began_at <= $4 and ends_at > $2 and counted >= $3";
    /// One less, in the stretch of time in which it was counted.
    GIVE_BACK = "update attempt set counted = counted - 1 where key = $1 and began_at = $2 and counted > 0";
    DELETE = "delete from attempt where key = $1";
    NOTE = "insert into attempt (key, counted, began_at, ends_at) values ($1, 0, $2, $3)
        on conflict (key) do update set began_at = excluded.began_at, ends_at = excluded.ends_at";
    NOTED = "select count(*) from attempt where key = $1 and began_at <= $3 and ends_at > $2";
    /// What goes on from one stretch of time into the next is one thing.
    USED_UP = "insert into limit_used_up (what, since, until) values ($1, $2, $3)
        on conflict (what) do update set
            since = case when limit_used_up.since <= $2 and limit_used_up.until >= $2 then limit_used_up.since else $2 end,
            until = $3";
    ALL_USED_UP = "select what, since, until, told_at from limit_used_up order by since, what";
    LAST_USED_UP = "select what, since, until, told_at from limit_used_up where what = $1";
    TELL = "update limit_used_up set told_at = $2 where what = $1 and coalesce(told_at, 0) = $3";
    /// Passes over what somebody counts in now: it waits for nobody who waits for it.
    pub(crate) FORGET_ENDED = sqlite "delete from attempt where key in (select key from attempt
            where ends_at <= $1 order by ends_at limit $2)",
        postgres "delete from attempt where key in (select key from attempt
            where ends_at <= $1 order by ends_at limit $2 for update skip locked)";
}

/// When the stretch of time began in which it was counted, and the how many-th it is; none if it was one too many.
pub async fn count(
    tx: &mut Tx,
    key: &str,
    now: Moment,
    ends_at: Moment,
    most: i64,
) -> Result<Option<(Moment, i64)>> {
    tx.opt(COUNT, (key, now, ends_at, most, now.plus(CLOCKS_DIFFER))).await
}

pub async fn held_until(db: &Db, key: &str, now: Moment, most: i64) -> Result<Option<Moment>> {
    Ok(db
        .opt::<(Moment,)>(HELD_UNTIL, (key, now, most, now.plus(CLOCKS_DIFFER)))
        .await?
        .map(|(ends_at,)| ends_at))
}

pub async fn give_back(tx: &mut Tx, key: &str, began_at: Moment) -> Result<u64> {
    tx.exec(GIVE_BACK, (key, began_at)).await
}

pub async fn delete(tx: &mut Tx, key: &str) -> Result<u64> {
    tx.exec(DELETE, (key,)).await
}

pub async fn note(tx: &mut Tx, key: &str, now: Moment, ends_at: Moment) -> Result<u64> {
    tx.exec(NOTE, (key, now, ends_at)).await
}

pub async fn is_noted(db: &Db, key: &str, now: Moment) -> Result<bool> {
    Ok(db.one::<(i64,)>(NOTED, (key, now, now.plus(CLOCKS_DIFFER))).await?.0 > 0)
}

pub async fn is_noted_in(tx: &mut Tx, key: &str, now: Moment) -> Result<bool> {
    Ok(tx.one::<(i64,)>(NOTED, (key, now, now.plus(CLOCKS_DIFFER))).await?.0 > 0)
}

pub async fn used_up(tx: &mut Tx, what: &str, since: Moment, until: Moment) -> Result<u64> {
    tx.exec(USED_UP, (what, since, until)).await
}

pub async fn all_used_up(db: &Db) -> Result<Vec<UsedUp>> {
    db.all(ALL_USED_UP, ()).await
}

pub async fn last_used_up(tx: &mut Tx, what: &str) -> Result<Option<UsedUp>> {
    tx.opt(LAST_USED_UP, (what,)).await
}

pub async fn tell(tx: &mut Tx, what: &str, now: Moment, told_before: Moment) -> Result<bool> {
    Ok(tx.exec(TELL, (what, now, told_before)).await? == 1)
}
