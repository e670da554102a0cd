//! What staff did that others may ask about later (TRUST L10). Append-only; names things by id or public id, never by secret.
//!
//! It stands low, so that whatever room does the deed writes the line.

mod store;

pub use store::{Line, STATEMENTS, Wanted};

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    site::Site,
};

/// Writes a line in the caller's transaction, so that the deed and its record stand or fall together.
pub async fn record(
    tx: &mut Tx,
    site: &Site,
    staff_id: Option<i64>,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    store::add(tx, staff_id, (action, subject, detail), site.now()).await
}

/// Writes down that somebody took the log away as a file, and which lines of it.
pub async fn exported(site: &Site, staff_id: i64, which: &str) -> Result<()> {
    let mut tx = site.db.begin().await?;
    record(&mut tx, site, Some(staff_id), "exported the log", "", which).await?;
    tx.commit().await
}

/// The newest lines.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<Line>> {
    store::latest(db, limit).await
}

/// The lines that are looked for, newest first, before one with that moment and key.
pub async fn page(
    db: &Db,
    wanted: Wanted<'_>,
    before: Option<(Moment, i64)>,
    limit: i64,
) -> Result<Vec<Line>> {
    store::page(db, wanted, before.unwrap_or((Moment(i64::MAX), i64::MAX)), limit).await
}
