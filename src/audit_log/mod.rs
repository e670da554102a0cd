//! What staff did that others may ask about later (TRUST L10). Append-only; names things by id or public id, never by secret.
//!
//! It stands low, so that whatever room does the deed writes the line.

mod store;

pub use store::{Line, STATEMENTS};

use crate::{
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

/// The newest lines.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<Line>> {
    store::latest(db, limit).await
}
