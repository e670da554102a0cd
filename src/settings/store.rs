//! The statements of the settings.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    NEWEST = "select s.name, s.value from setting s
        where s.id = (select max(newer.id) from setting newer where newer.name = s.name)";
    /// Decided on a page of its own: not what the form of the others showed.
    VERSION = "select coalesce(max(id), 0) from setting where name <> 'send_unproven'";
    ADD = "insert into setting (name, value, staff_id, changed_at) values ($1, $2, $3, $4)";
}

pub(super) async fn rows(db: &Db) -> Result<Vec<(String, String)>> {
    db.all(NEWEST, ()).await
}

pub(super) async fn rows_in(tx: &mut Tx) -> Result<Vec<(String, String)>> {
    tx.all(NEWEST, ()).await
}

pub(super) async fn version(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(VERSION, ()).await?.0)
}

pub(super) async fn version_in(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(VERSION, ()).await?.0)
}

pub(super) async fn add(
    tx: &mut Tx,
    name: &str,
    value: &str,
    staff_id: Option<i64>,
    now: Moment,
) -> Result<()> {
    tx.exec(ADD, (name, value, staff_id, now)).await.map(drop)
}
