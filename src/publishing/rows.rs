//! What the statements of this room find besides editions: copies, versions, what hangs on a list.

use super::{
    blocks::{BlockKind, Look},
    whom::{Whom, WhomKind},
};
use crate::{
    articles::ArticleId,
    clock::Moment,
    delivery::{Class, CopyState},
    email_address::EmailAddress,
};

/// That somebody asked for an edition to be approved.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct AskedFor {
    pub edition_id: i64,
    /// The edition's name in addresses.
    pub public_id: String,
    pub subject: String,
    /// Who gets it is decided with a revision, and does not stand in the mail.
    pub revision: i64,
    /// What its mail was, in one word.
    pub fingerprint: String,
    pub asked_by: i64,
    pub asker: String,
    pub asked_at: Moment,
}

/// A mailbox for test copies, as it is kept.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct KeptAddress {
    pub(super) id: i64,
    pub(super) email: EmailAddress,
    pub(super) added_by: Option<String>,
    pub(super) added_at: Moment,
}

/// What became of one copy.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct CopyOutcome {
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
pub struct CopyHistory {
    pub edition_id: i64,
    /// The edition's name in addresses.
    pub edition_public_id: String,
    /// The subject it was sealed with.
    pub subject: String,
    /// What became of it.
    #[sqlx(flatten)]
    pub outcome: CopyOutcome,
}

/// Which copies are looked for; what is empty is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantedCopies<'a> {
    /// Part of the address, or of the reader's name, in any script and case.
    pub search: &'a str,
    /// The state of the delivery; `open` stands for every copy still to go, `cancelled` for those of a cancelled edition.
    pub state: &'a str,
    /// Why, in the ledger's word.
    pub class: &'a str,
}

/// Why copies failed, and how many.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct FailedClass {
    /// The reason.
    pub class: Class,
    /// How many.
    pub copies: i64,
    /// What a server said of one of them, without addresses; empty where none was asked.
    pub example: String,
}

/// How many readers got, or may have got, a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Reached {
    pub revision: i64,
    /// How many.
    pub readers: i64,
}

/// What hangs on a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct TouchedByList {
    /// How many asked and have not confirmed.
    pub pending: i64,
    pub drafts: i64,
    /// Editions that wait for their moment.
    pub waiting: i64,
    /// Editions that go out at this moment.
    pub going: i64,
    /// Editions that stand still, and could go on.
    pub stopped: i64,
    /// Editions whose readers were written down, however they ended.
    pub sent: i64,
}

/// For whom a block is, as it is kept.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct WhomRow {
    whom: WhomKind,
    readers: String,
    segment_id: Option<i64>,
}

impl WhomRow {
    /// None where it is kept in a way that this program does not know.
    pub(super) fn read(&self) -> Option<Whom> {
        Whom::read(self.whom, &self.readers, self.segment_id)
    }
}

/// An article of an edition.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct ArticleRow {
    pub position: i64,
    pub article_id: ArticleId,
    pub look: Look,
    pub title: String,
    pub standfirst: String,
    pub hidden: bool,
    #[sqlx(flatten)]
    pub whom: WhomRow,
}

/// Another block of it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct BlockRow {
    pub position: i64,
    pub kind: BlockKind,
    pub words: String,
    pub link: String,
    pub hidden: bool,
    #[sqlx(flatten)]
    pub whom: WhomRow,
}
