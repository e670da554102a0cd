//! Reader by reader: what became of each copy, with the words of the server that took or refused it.

use super::{
    Error,
    rows::{CopyHistory, CopyOutcome, WantedCopies},
    store,
};
use crate::{
    db::{self, Db},
    delivery,
    subscribers::sought,
};

/// Copies of an edition in the order of their readers' keys, after the reader `after`.
pub async fn results(
    db: &Db,
    edition_id: i64,
    wanted: WantedCopies<'_>,
    after: i64,
    limit: i64,
) -> db::Result<Vec<CopyOutcome>> {
    store::results(db, edition_id, &sought(wanted.search.trim()), wanted, after, limit).await
}

/// What we sent to one reader, the newest first, before the edition `before`.
pub async fn copies_of(
    db: &Db,
    subscriber_id: i64,
    before: Option<i64>,
    limit: i64,
) -> db::Result<Vec<CopyHistory>> {
    store::copies_of(db, subscriber_id, before.unwrap_or(i64::MAX), limit).await
}

/// Everything that happened to one reader's copy: the copy with its revision, and its attempts, oldest first.
///
/// # Errors
/// [`Error::NotFound`] when the reader is not in the audience.
pub async fn log_of(
    db: &Db,
    edition_id: i64,
    subscriber_id: i64,
) -> super::Result<(delivery::CopyLine, Vec<delivery::LoggedAttempt>)> {
    let copy = delivery::copy_of(db, edition_id, subscriber_id).await?.ok_or(Error::NotFound)?;
    Ok((copy, delivery::attempts_of_copy(db, edition_id, subscriber_id).await?))
}
