//! What readers ask by law: to know what is held about them, to be forgotten, or that they never signed up. Each is due within a
//! month (GDPR article 12(3)).

use std::time::Duration;

pub use super::rows::{Request, RequestKind};
use super::store::requests as store;
use crate::{
    audit_log,
    clock::{Moment, Zone},
    db::{Db, Result},
    email_address::EmailAddress,
    site::Site,
};

/// The desk speaks of those that are due within so long.
const SOON: Duration = Duration::from_secs(7 * 86_400);

/// Writes down what somebody asks; it is due a month later, by the clocks of `zone`.
///
/// # Errors
/// When the database fails.
pub async fn add(
    site: &Site,
    (kind, email, detail): (RequestKind, &EmailAddress, &str),
    zone: &Zone,
    staff_id: i64,
) -> Result<()> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    let due = (now, zone.month_after(now));
    store::add(&mut tx, (kind, email.as_str(), detail), due, staff_id).await?;
    audit_log::record(&mut tx, site, Some(staff_id), "wrote a request down", &email.masked(), kind.as_str())
        .await?;
    tx.commit().await
}

/// Closes one with what was done; from then on its address is masked. `false` if it is closed already.
///
/// # Errors
/// When the database fails.
pub async fn close(site: &Site, id: i64, outcome: &str, staff_id: i64) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(request) = store::take(&mut tx, id).await? else { return Ok(false) };
    let masked = EmailAddress::parse(&request.address).map_or_else(|_| String::new(), |one| one.masked());
    let closed = store::close(&mut tx, id, (outcome, &masked), staff_id, site.now()).await?;
    let detail = format!("{}: {outcome}", request.kind);
    audit_log::record(&mut tx, site, Some(staff_id), "closed a request", &masked, &detail).await?;
    tx.commit().await?;
    Ok(closed)
}

/// Those that are open, by when they are due, after the one that is due then and has that key.
pub async fn open(db: &Db, after: Option<(Moment, i64)>, limit: i64) -> Result<Vec<Request>> {
    store::open(db, after.unwrap_or((Moment(i64::MIN), 0)), limit).await
}

/// Those that are closed, the newest first, before the one with that key.
pub async fn closed(db: &Db, before: Option<i64>, limit: i64) -> Result<Vec<Request>> {
    store::closed(db, before.unwrap_or(i64::MAX), limit).await
}

/// How many are due within a week, and how many of these were due before now.
pub async fn due(db: &Db, now: Moment) -> Result<(i64, i64)> {
    store::due(db, now.plus(SOON), now).await
}
