//! What happened in a room that writes no letters, and the team is to be told of: a row, written in the transaction of the fact.
//!
//! The rule: of one thing there is one row, so whatever happens to it before anybody was told is told once; and whoever writes
//! the letter looks first whether it is still so. Letters are written above (`jobs::news`).

use std::time::Duration;

pub(crate) use super::store::FORGET;
pub use super::store::NEWS;
use super::{Due, store};
use crate::{
    clock::Moment,
    db::{Result, Tx},
    words,
};

words! {
    /// What happened.
    pub enum News {
        /// An edition paused by itself; the subject is its number.
        EditionPaused = "edition-paused",
        /// Work was given up; the subject is the queue's name.
        GivenUp = "given-up",
        /// Work fails for too long, and goes on being tried; the subject is the queue's name.
        Failing = "failing",
        /// Something happened to money that a treasurer has to know of; the subject is what, and its name at the provider.
        Money = "money",
        /// Our account at the payment service is restricted, or its news do not reach us; the subject is which, and since when.
        Account = "account",
    }
}

impl News {
    /// How long after a letter the next one about the same thing waits: what fails by the hundred is one letter a day, what goes on
    /// failing one a week.
    const fn between_letters(self) -> Duration {
        match self {
            Self::EditionPaused | Self::Money => Duration::ZERO,
            Self::GivenUp => Duration::from_secs(86_400),
            Self::Failing | Self::Account => Duration::from_secs(7 * 86_400),
        }
    }
}

/// A row of it, for whoever writes the letter.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Happened {
    /// What happened.
    pub kind: News,
    pub subject: String,
}

/// Has the team told, once.
pub async fn add(tx: &mut Tx, now: Moment, kind: News, subject: &str) -> Result<()> {
    let quiet = i64::try_from(kind.between_letters().as_micros()).unwrap_or(i64::MAX);
    store::add(tx, &format!("{kind}:{subject}"), (kind.as_str(), subject), quiet, now).await
}

/// Whether it falls to the caller to write the letter, in this transaction; false if somebody else has, or it happened anew.
pub async fn told(tx: &mut Tx, news: &Due<Happened>, now: Moment) -> Result<bool> {
    NEWS.done(tx, (news.name.as_str(), news.next_at, now)).await
}

/// What came of writing a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It is on its way.
    Written,
    /// There is nothing to tell any more.
    NotSo,
    /// Nobody could be written to, so nobody has been told.
    NobodyThere,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        heavy,
        queue::{self, Came, Queue, Work},
        site::Site,
        support::database::{TestDb, both_engines},
    };

    /// The statements know the kinds that this version can tell of, and no other.
    #[test]
    fn every_kind_has_its_turn() {
        let kinds = News::ALL.map(|kind| format!("'{kind}'")).join(", ");
        assert!(NEWS.due.sqlite.contains(&format!("kind in ({kinds})")), "{}", NEWS.due.sqlite);
    }

    struct Breaks;

    impl Work for Breaks {
        type What = Happened;

        fn queue(&self) -> &'static Queue {
            &NEWS
        }

        async fn work(&self, _: &Site, _: &Due<Happened>) -> Result<Came> {
            panic!("there is no such letter");
        }
    }

    both_engines! {
        /// News are never given up, so nobody would be told of a letter that breaks off: it keeps no other waiting, and the job tells.
        async fn a_letter_that_breaks_off_is_heard_of(db: TestDb) {
            let site = db.site("http://localhost", Moment::from_unix_seconds(1_772_528_400));
            let mut tx = site.db.begin().await.expect("a transaction");
            for edition in ["1", "2"] {
                add(&mut tx, site.now(), News::EditionPaused, edition).await.expect("a row");
            }
            tx.commit().await.expect("a commit");
            assert!(heavy::caught(queue::work(&site, &Breaks)).await.is_err());
            assert_eq!(NEWS.figures(&site.db, site.now()).await.expect("figures").failing, 2);
        }
    }
}
