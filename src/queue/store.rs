//! The SQL of news and cursors.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    /// Something happened. Whoever is just telling of what happened before looks again, for its turn is another; and what people were
    /// told of lately waits until $4 has passed; where that is more than a day, what happens meanwhile is not told: it happens again.
    ADD = "insert into news (key, kind, subject, at, attempts, next_at) values ($1, $2, $3, $5, 0, $5)
        on conflict (key) do update set at = excluded.at, attempts = 0, last_error = null, told_at = null,
            next_at = case when news.told_at is null and news.next_at > excluded.at then news.next_at + 1
                when news.told_at <= excluded.at and news.told_at + cast($4 as bigint) > excluded.at then news.told_at + cast($4 as bigint)
                else excluded.at end
            where cast($4 as bigint) <= 86400000000 or news.told_at is null or news.told_at > excluded.at
                or news.told_at + cast($4 as bigint) <= excluded.at";
    /// How far something has come.
    CURSOR = "select value from sync_cursor where name = $1";
    SET_CURSOR = "insert into sync_cursor (name, value, updated_at) values ($1, $2, $3)
        on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at";
    DROP_CURSOR = "delete from sync_cursor where name = $1";
    /// What people were told of long ago.
    pub(crate) FORGET = "delete from news where key in (select key from news where told_at < $1 order by told_at limit $2)";
}

queue! {
    /// What people of the team are to be told of. What only a newer version knows waits for it, and nobody looks at it meanwhile.
    pub NEWS = NEWS {
        table: "news", key: "key", since: "at", also: ", kind, subject",
        open: "told_at is null and kind in ('edition-paused', 'given-up', 'failing', 'money', 'account')",
        done: "told_at = $3",
    }
}

pub(super) async fn add(
    tx: &mut Tx,
    key: &str,
    (kind, subject): (&str, &str),
    quiet_us: i64,
    now: Moment,
) -> Result<()> {
    tx.exec(ADD, (key, kind, subject, quiet_us, now)).await?;
    Ok(())
}

pub(super) async fn cursor(db: &Db, name: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(CURSOR, (name,)).await?.map(|(value,)| value))
}

pub(super) async fn cursor_in(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(CURSOR, (name,)).await?.map(|(value,)| value))
}

pub(super) async fn set_cursor(tx: &mut Tx, name: &str, value: &str, now: Moment) -> Result<()> {
    tx.exec(SET_CURSOR, (name, value, now)).await?;
    Ok(())
}

pub(super) async fn drop_cursor(tx: &mut Tx, name: &str) -> Result<()> {
    tx.exec(DROP_CURSOR, (name,)).await?;
    Ok(())
}
