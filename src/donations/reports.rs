//! What the desk shows of the donations. Sums are of paid donations alone (TRUST T5).

pub use super::lines::{EventLine, LedgerLine, ListedDonation, RunningTotal, Total};
use super::store::{self, figures::Unfinished};
use crate::{
    clock::Moment,
    db::{Db, Result},
};

/// One donation with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeDonation {
    pub donation: ListedDonation,
    /// Its lines in the book.
    pub entries: Vec<LedgerLine>,
    /// What the provider told about it.
    pub events: Vec<EventLine>,
}

/// Paid donations by kind and currency.
pub async fn totals(db: &Db) -> Result<Vec<Total>> {
    store::figures::totals(db).await
}

/// What one supporter gave, by kind and currency.
pub async fn totals_of(db: &Db, email_key: &str) -> Result<Vec<Total>> {
    store::figures::totals_of(db, email_key).await
}

/// Regular donations that run, rest or are not paid any more, by currency and rhythm: how many, and what they bring each time, or would.
pub async fn running(db: &Db) -> Result<Vec<RunningTotal>> {
    store::figures::running(db).await
}

/// A page of donations, newest first, older than that id; the first page without one.
pub async fn page(db: &Db, before_id: Option<i64>, limit: i64) -> Result<Vec<ListedDonation>> {
    store::figures::list(db, before_id.unwrap_or(i64::MAX), limit).await
}

/// One donation.
pub async fn find(db: &Db, public_id: &str) -> Result<Option<ListedDonation>> {
    store::figures::find(db, public_id).await
}

/// One donation with its lines in the book and its events.
pub async fn whole(db: &Db, public_id: &str) -> Result<Option<WholeDonation>> {
    let Some(donation) = store::figures::find(db, public_id).await? else { return Ok(None) };
    let entries = store::book::entries_of(db, donation.id).await?;
    let events = store::events::events_of(db, donation.id).await?;
    Ok(Some(WholeDonation { donation, entries, events }))
}

/// Events that were given up, newest first.
pub async fn stuck_events(db: &Db) -> Result<Vec<EventLine>> {
    store::events::stuck_events(db).await
}

/// What is not finished: waiting and given-up events, calls without an answer.
pub async fn unfinished(db: &Db) -> Result<Unfinished> {
    store::figures::unfinished(db).await
}

/// When the last gift was paid, up to a moment.
pub async fn newest_gift(db: &Db, before: Moment) -> Result<Option<Moment>> {
    store::figures::newest_gift(db, before).await
}
