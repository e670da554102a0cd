//! Reader by reader: what became of each copy, with the words of the server that took or refused it.

use super::{Error, store};
use crate::{
    clock::Moment,
    db::{self, Db},
    delivery::{
        ledger,
        states::{Class, CopyState},
    },
    email_address::folded,
};

/// What became of one copy.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Outcome {
    /// Whose copy it is.
    pub subscriber_id: i64,
    /// The reader's name in addresses; none for a reader who is no longer on record.
    pub reader: Option<String>,
    /// The address as it was when the edition was sealed.
    pub address: String,
    /// Where it stands.
    pub state: CopyState,
    /// Why, in a word, for copies that did not arrive.
    pub class: Option<Class>,
    /// How often it was tried.
    pub attempt: i64,
    /// Whether an earlier try may have arrived too.
    pub maybe_duplicate: bool,
    /// The server's last words; empty while nobody asked it.
    pub reply: String,
    /// When the row last changed.
    pub updated_at: Moment,
}

/// One edition as a reader got it, or did not.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Copy {
    pub edition_id: i64,
    /// The edition's name in addresses.
    pub edition_public_id: String,
    /// The subject it was sealed with.
    pub subject: String,
    /// What became of it.
    #[sqlx(flatten)]
    pub outcome: Outcome,
}

/// Which copies are looked for; what is empty is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Part of the address, or of the reader's name, in any script and case.
    pub search: &'a str,
    /// The state of the delivery; `open` stands for every copy still to go, `cancelled` for those of a cancelled edition.
    pub state: &'a str,
    /// Why, in the ledger's word.
    pub class: &'a str,
}

/// Copies of an edition in the order of their readers' keys, after the reader `after`.
pub async fn results(
    db: &Db,
    edition_id: i64,
    wanted: Wanted<'_>,
    after: i64,
    limit: i64,
) -> db::Result<Vec<Outcome>> {
    store::results(db, edition_id, &folded(wanted.search.trim()), wanted, after, limit).await
}

/// What we sent to one reader, the newest first, before the edition `before`.
pub async fn copies_of(
    db: &Db,
    subscriber_id: i64,
    before: Option<i64>,
    limit: i64,
) -> db::Result<Vec<Copy>> {
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
) -> super::Result<(ledger::Copy, Vec<ledger::Attempt>)> {
    let copy = ledger::copy(db, edition_id, subscriber_id).await?.ok_or(Error::NotFound)?;
    Ok((copy, ledger::attempts(db, edition_id, subscriber_id).await?))
}
