//! Who an edition is for, and who of them it is still for.
//!
//! The rule that must hold: whoever is not on the list any more is in no audience, and no copy of theirs is tried again. This is
//! the one place that joins editions and their copies with the readers of a list; on PostgreSQL the subscriptions that a
//! transaction read are held until its commit, so that nobody leaves in between. Addresses that are not mailed are another
//! matter (`delivery::suppression`).

mod store;

pub use self::store::STATEMENTS;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::states::Class,
    editions::DueEdition,
    email_address::EmailAddress,
};

/// One member of an audience.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Recipient {
    pub subscriber_id: i64,
    /// Where.
    pub email: EmailAddress,
    /// The name; may be empty.
    pub name: String,
}

/// A failed copy of a reader who is still on the list.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct StillFailed {
    pub subscriber_id: i64,
    /// Where it was to go.
    pub address: EmailAddress,
    /// Why it failed.
    pub class: Class,
    /// Not 0 where the edition paused for it.
    pub for_pause: i64,
}

/// Who an edition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who is on a list.
    List(i64),
    /// Those of a list who got, or may have got, one revision of an edition: a correction goes to nobody else.
    Corrected { edition: i64, revision: i64, list: i64 },
}

impl Audience {
    /// Of an edition for a list that perhaps corrects a revision of another one.
    #[must_use]
    pub const fn of(list: i64, corrects: Option<(i64, i64)>) -> Self {
        match corrects {
            Some((edition, revision)) => Self::Corrected { edition, revision, list },
            None => Self::List(list),
        }
    }

    /// Of an edition whose time has come.
    #[must_use]
    pub fn of_due(due: &DueEdition) -> Self {
        Self::of(due.list_id, due.corrects_edition_id.zip(due.corrects_revision))
    }

    /// The next members in the order of their keys, after the reader `after`.
    pub async fn next(self, tx: &mut Tx, after: i64, limit: i64) -> Result<Vec<Recipient>> {
        match self {
            Self::List(list) => store::audience(tx, list, after, limit).await,
            Self::Corrected { edition, revision, list } => {
                store::corrected(tx, (edition, revision), list, after, limit).await
            }
        }
    }

    /// How many would be mailed now: those whose address is stopped are not among them.
    pub async fn size(self, db: &Db) -> Result<i64> {
        match self {
            Self::List(list) => store::audience_size(db, list).await,
            Self::Corrected { edition, revision, list } => {
                store::corrected_size(db, (edition, revision), list).await
            }
        }
    }
}

/// Which copies of an edition are sent once more.
#[derive(Clone, Copy, Debug)]
pub enum Again<'a> {
    /// Those that failed for one reason.
    FailedFor(&'a str),
    /// Those that failed for what the edition paused by itself for.
    FailedForThePause,
    /// Those that may have arrived, in doubt since this moment at the latest.
    InDoubt(Moment),
}

/// The next of those copies whose readers are still on the list, in the order of their keys, after the reader `after`.
pub async fn still_wanted(
    tx: &mut Tx,
    (edition, list): (i64, i64),
    which: Again<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress)>> {
    match which {
        Again::FailedFor(class) => store::retryable(tx, (edition, list), class, after, limit).await,
        Again::FailedForThePause => store::failed_for_pause(tx, edition, after, limit).await,
        Again::InDoubt(since) => store::doubted(tx, (edition, list), since, after, limit).await,
    }
}

/// Failed copies whose readers are still on the list, to be looked at.
pub async fn still_failed(db: &Db, edition: i64, after: i64, limit: i64) -> Result<Vec<StillFailed>> {
    store::still_failed(db, edition, after, limit).await
}

/// Copies that may have arrived whose readers are still on the list, and since when each is in doubt, to be looked at.
pub async fn still_doubted(
    db: &Db,
    edition: (i64, i64),
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress, Moment)>> {
    store::still_doubted(db, edition, after, limit).await
}
