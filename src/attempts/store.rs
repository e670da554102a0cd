//! The SQL of what is limited.

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
        returning began_at";
    /// When there is room again, where there is none now.
    HELD_UNTIL = "select ends_at from attempt where key = $1 and began_at <= $4 and ends_at > $2 and counted >= $3";
    /// One less, in the stretch of time in which it was counted.
    GIVE_BACK = "update attempt set counted = counted - 1 where key = $1 and began_at = $2 and counted > 0";
    DELETE = "delete from attempt where key = $1";
    NOTE = "insert into attempt (key, counted, began_at, ends_at) values ($1, 0, $2, $3)
        on conflict (key) do update set began_at = excluded.began_at, ends_at = excluded.ends_at";
    NOTED = "select count(*) from attempt where key = $1 and began_at <= $3 and ends_at > $2";
    /// Passes over what somebody counts in now: it waits for nobody who waits for it.
    pub(crate) FORGET_ENDED = sqlite "delete from attempt where key in (select key from attempt
            where ends_at <= $1 order by ends_at limit $2)",
        postgres "delete from attempt where key in (select key from attempt
            where ends_at <= $1 order by ends_at limit $2 for update skip locked)";
}

/// When the stretch of time began in which it was counted; none if it was one too many.
pub async fn count(
    tx: &mut Tx,
    key: &str,
    now: Moment,
    ends_at: Moment,
    most: i64,
) -> Result<Option<Moment>> {
    Ok(tx
        .opt::<(Moment,)>(COUNT, (key, now, ends_at, most, now.plus(CLOCKS_DIFFER)))
        .await?
        .map(|(began_at,)| began_at))
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
