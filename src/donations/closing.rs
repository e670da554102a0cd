//! Months of the book are closed: what comes later stands in the month that is open.

use super::store::closing::{self as rows, ClosedMonth, MonthSum};
use crate::{
    audit_log,
    clock::{Moment, Zone},
    db::{Db, Gate, Result},
    settings::Settings,
    site::Site,
    staff::Role,
};

/// Why a month was not closed. Each says so to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The role does not allow it.
    #[error("Only an owner or a treasurer can close a month.")]
    NotAllowed,
    /// Not a month, or one that is not over.
    #[error("Name a month that is over, such as 2026-10.")]
    NotOver,
    /// The book is closed until then, or further.
    #[error("That month is closed.")]
    Closed,
    /// The database failed, and nothing was closed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Closes a month, such as `2026-10`, and whatever is before it. What is being written into the book now is waited for.
///
/// # Errors
/// [`CloseError`], which says what is wrong.
pub async fn close_month(
    site: &Site,
    (staff_id, role): (i64, Role),
    month: &str,
) -> std::result::Result<(), CloseError> {
    if !Role::MONEY.contains(&role) {
        return Err(CloseError::NotAllowed);
    }
    let now = site.now();
    let mut tx = site.db.begin().await?;
    tx.close(Gate::Book).await?;
    let zone = Settings::load_in(&mut tx).await?.time_zone;
    let (_, until) = bounds(month, &zone).filter(|(_, until)| *until <= now).ok_or(CloseError::NotOver)?;
    if super::store::book::closed_until(&mut tx).await?.is_some_and(|closed| closed >= until) {
        return Err(CloseError::Closed);
    }
    rows::close(&mut tx, month, until, staff_id, now).await?;
    audit_log::record(&mut tx, site, Some(staff_id), "closed a month of the book", month, "").await?;
    tx.commit().await?;
    Ok(())
}

/// From when to when a month such as `2026-10` is.
#[must_use]
pub fn bounds(month: &str, zone: &Zone) -> Option<(Moment, Moment)> {
    let first: jiff::civil::Date = format!("{month}-01").parse().ok().filter(|_| month.len() == 7)?;
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    Some((zone.day(first)?.0, zone.day(next)?.0))
}

/// The closed months, the newest first.
pub async fn closed_months(db: &Db) -> Result<Vec<ClosedMonth>> {
    rows::closed(db).await
}

/// What the book says of a span of time: by kind, account and currency.
pub async fn book_sums(db: &Db, from: Moment, until: Moment) -> Result<Vec<MonthSum>> {
    rows::sums(db, from, until).await
}
