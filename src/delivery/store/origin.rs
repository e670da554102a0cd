//! SQL of the address at which the database is at home.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Where it is at home; no row before the first start.
    HOME = "select base_url from origin where id = 1";
    /// The first start, or a move that somebody confirmed.
    SETTLE = "insert into origin (id, base_url, since) values (1, $1, $2)
        on conflict (id) do update set base_url = excluded.base_url, since = excluded.since";
    /// The first start alone: of two programs that start at once, one settles.
    SETTLE_FIRST = "insert into origin (id, base_url, since) values (1, $1, $2) on conflict (id) do nothing";
    /// Whether a worker sends under another address than the database's own.
    IS_STRANGER = "select count(*) from worker w, origin o where w.id = $1 and w.base_url <> o.base_url";
}

pub async fn home(db: &Db) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(HOME, ()).await?.map(|(home,)| home))
}

pub async fn settle(tx: &mut Tx, base_url: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLE, (base_url, now)).await?;
    Ok(())
}

pub async fn settle_first(tx: &mut Tx, base_url: &str, now: Moment) -> Result<()> {
    tx.exec(SETTLE_FIRST, (base_url, now)).await?;
    Ok(())
}

pub async fn is_stranger(tx: &mut Tx, worker: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_STRANGER, (worker,)).await?.0 > 0)
}
