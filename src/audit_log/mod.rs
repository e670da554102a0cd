//! What staff did that others may ask about later, and at which readers they looked (TRUST L10). Append-only; names things by id or
//! public id, never by secret.
//!
//! It stands low, so that whatever room does the deed writes the line.

mod store;

pub(crate) use store::FORGET_LOOKS;
pub use store::{LogLine, STATEMENTS, WantedLines};

use crate::{
    clock::{Moment, Zone},
    db::{Db, Result, Tx},
    site::Site,
};

/// More rows than so many leave the house only with a reason.
pub const MANY: u64 = 1_000;

/// Before every line that there can be.
const NEWEST: (Moment, i64) = (Moment(i64::MAX), i64::MAX);

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

/// Writes down what changes nothing else: that somebody takes something away.
pub async fn note(
    site: &Site,
    staff_id: Option<i64>,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    let mut tx = site.db.begin().await?;
    record(&mut tx, site, staff_id, action, subject, detail).await?;
    tx.commit().await
}

/// Writes down that somebody took the log away as a file, and which lines of it.
pub async fn exported(site: &Site, staff_id: i64, which: &str) -> Result<()> {
    note(site, Some(staff_id), "exported the log", "", which).await
}

/// Writes down that somebody of the team looks at a reader, by public id, or, with none, through the list of readers, narrowed down by
/// `detail`: once for each person, reader and day. Whoever looks again waits for no write.
pub async fn looked(site: &Site, zone: &Zone, staff_id: i64, subject: &str, detail: &str) -> Result<()> {
    let day = site.now().day(zone);
    let look = (staff_id, subject, detail, day.as_str());
    if store::has_looked(&site.db, look).await? {
        return Ok(());
    }
    let mut tx = site.db.begin().await?;
    store::add_look(&mut tx, look, site.now()).await?;
    tx.commit().await
}

/// The newest lines.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<LogLine>> {
    store::latest(db, limit).await
}

/// The lines that are looked for, newest first, before one with that moment and key.
pub async fn page(
    db: &Db,
    wanted: WantedLines<'_>,
    before: Option<(Moment, i64)>,
    limit: i64,
) -> Result<Vec<LogLine>> {
    store::page(db, store::DEEDS, wanted, before.unwrap_or(NEWEST), limit).await
}

/// The same of looks at readers.
pub async fn looks(
    db: &Db,
    wanted: WantedLines<'_>,
    before: Option<(Moment, i64)>,
    limit: i64,
) -> Result<Vec<LogLine>> {
    store::page(db, store::OF_LOOKS, wanted, before.unwrap_or(NEWEST), limit).await
}
