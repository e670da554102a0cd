//! The SQL of what the doctor finds.

use crate::{
    clock::Moment,
    db::{Db, Result, Sql, Tx},
    statements,
};

statements! {
    KEEP = "insert into doctor_look (place, findings, looked_at, again) values ($1, $2, $3, $4)
        on conflict (place) do update set findings = excluded.findings, looked_at = excluded.looked_at, again = excluded.again";
    LOOKS = "select place, findings, looked_at, again from doctor_look order by place";
    FORGET_LOOKS = "delete from doctor_look where place in (select l.place from doctor_look l where l.looked_at < $1 limit $2)";
    TOLD = "select thing from doctor_told";
    TELL = "insert into doctor_told (thing, told_at) values ($1, $2) on conflict (thing) do nothing";
    WELL = "delete from doctor_told where thing = $1";
    /// The newest moment that each kind of row bears, of those that are yet to come: of the rows that were written last, for these
    /// tables grow with the readers.
    AHEAD = "select max(at) as at from (
        select at from (select at from audit_log order by id desc limit 1000) as deeds
        union all select at from (select at from consent_event order by id desc limit 1000) as consents
        union all select created_at from (select created_at from notice order by id desc limit 1000) as notices
        union all select heartbeat_at from worker where stopped_at is null) as newest where at > $1";
}

/// Of places that are no more, too.
pub(super) const FORGET: Sql = FORGET_LOOKS;

#[derive(sqlx_macros::FromRow)]
pub(super) struct LookRow {
    pub(super) place: String,
    pub(super) findings: String,
    pub(super) looked_at: Moment,
    pub(super) again: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Thing {
    thing: String,
}

#[derive(sqlx_macros::FromRow)]
struct Ahead {
    at: Option<Moment>,
}

pub(super) async fn keep(tx: &mut Tx, look: &LookRow) -> Result<u64> {
    tx.exec(KEEP, (&*look.place, &*look.findings, look.looked_at, look.again)).await
}

pub(super) async fn looks(db: &Db) -> Result<Vec<LookRow>> {
    db.all(LOOKS, ()).await
}

pub(super) async fn told(db: &Db) -> Result<Vec<String>> {
    let told: Vec<Thing> = db.all(TOLD, ()).await?;
    Ok(told.into_iter().map(|row| row.thing).collect())
}

/// Whether nobody else told it meanwhile.
pub(super) async fn tell(tx: &mut Tx, thing: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(TELL, (thing, now)).await? == 1)
}

pub(super) async fn well(tx: &mut Tx, thing: &str) -> Result<u64> {
    tx.exec(WELL, (thing,)).await
}

/// The latest moment in the rows that is later than this one.
pub(super) async fn ahead(db: &Db, than: Moment) -> Result<Option<Moment>> {
    let found: Ahead = db.one(AHEAD, (than,)).await?;
    Ok(found.at)
}
