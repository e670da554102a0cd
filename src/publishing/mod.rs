//! Digests, and their editions as content: composing, previewing, pressing Send, sealing, the archive.
//!
//! The rules: a revision is never edited, so what was sealed is what readers got; nothing goes out until someone presses
//! Send, and not before the minute to undo is over; what that person looked at is frozen then, and is what goes out; whoever
//! acts on an edition names the version of it that they saw; sealing writes a delivery for every reader of the list exactly once,
//! however often it is begun again. What happens to a delivery afterwards is the `delivery` room's.
//!
//! It may call `audience`, `editions`, `delivery`, readers, articles and the team; the web, the jobs and the commands call it. Start reading at `compose.rs`, then
//! `send.rs` and `seal.rs`.

mod approve;
mod archive;
mod ask_again;
mod blocks;
mod compose;
mod correct;
mod fields;
mod four_eyes;
mod home;
mod issue;
mod late;
mod links;
mod lists;
mod owners;
mod preflight;
mod readership;
mod refusals;
mod release;
mod results;
mod retry;
mod returned;
mod rows;
mod seal;
mod selections;
mod send;
mod sent_log;
mod store;
mod test_addresses;
mod test_copy;
#[cfg(test)]
pub(crate) mod tests;
mod whom;

pub use self::{
    approve::{
        Changed, change_article, changed_since_send, delete_article, mailed_with, remove_feed,
        take_source_version, waiting_with, waiting_with_feed,
    },
    archive::{archive, copy_of, in_archive, linked_copy},
    ask_again::{begin_asking_again, confirmed_again},
    blocks::{Block, BlockKind, Look, MOST_BLOCKS, Placed, ShownArticle},
    compose::{create_draft, create_draft_like_last, delete_draft, save_correction, save_revision, take_out},
    correct::{begin_correction, current_revision, is_corrected, reached},
    fields::{Place, mistakes as field_mistakes},
    four_eyes::{Approval, AskedFor, approval_of, ask_for_approval, waiting_for_approval},
    issue::{Eyes, Preview, fingerprint, preview, preview_as},
    links::{Link, follow_links},
    lists::{
        TouchedByList, bring_back as bring_list_back, bring_topic_back, change as change_list, change_topic,
        delete as delete_list, delete_topic, make as make_list, make_topic, merge_topics,
        name_first as name_first_list, retire as retire_list, retire_topic, shift as shift_list, shift_topic,
        touched as touched_by_list,
    },
    owners::tell_of_pause,
    preflight::{Problem, preflight},
    readership::{Readership, Readerships},
    refusals::{TakesNothing, taking_nothing, tell_of_refusals},
    release::{HaveIt, have_it, lock_held, nobody_has_it, said_to_have_it},
    results::{copies_of, log_of, results},
    retry::{Doubted, Retryable, doubted, failed_classes, retry_doubted, retry_failed, retryable},
    returned::{Returned, decide_returned, is_told_by_its_pause, returned, tell_of_returned},
    rows::{CopyHistory, CopyOutcome, FailedClass, Reached, WantedCopies},
    seal::{CHUNK, seal_due},
    selections::{Part, Selections},
    send::{
        Press, Refused, SeenEdition, UNDO, cancel, go_on, hold_all, pause, press, press_send, resume, undo,
    },
    sent_log::SentLog,
    store::STATEMENTS,
    test_addresses::{
        MOST_TEST_ADDRESSES, TestAddress, drop_test_address, forget_test_address, keep_test_address,
        test_addresses,
    },
    test_copy::send_test_copies,
    whom::{Readers, Whom, WhomKind},
};
use std::time::Duration;

use crate::{
    articles::ArticleId,
    audience::Audience,
    clock::Moment,
    db::{self, Db, MaybeDatabase, Tx},
    editions::{EditionState, HeldBecause, MoveError, Rhythm, UnknownPolicy},
    mail,
    segments::SegmentCount,
    site::Site,
    subscribers,
};

/// What a call of this room returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an edition could not be changed or sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such edition or digest.
    #[error("there is no such edition")]
    NotFound,
    /// The edition is no longer a draft.
    #[error("the edition is no longer a draft, so its content is locked")]
    Locked,
    /// Someone saved another revision meanwhile.
    #[error("somebody else saved this edition meanwhile")]
    Changed,
    /// An article or a setting that its mail shows changed since somebody looked at it.
    #[error("what it shows changed since you looked at it")]
    NotAsSeen,
    /// A list would offer other rhythms while an edition for one of them waits for its moment.
    #[error("an edition for some of its readers waits to go out: let it go out, or take Send back, first")]
    RhythmWaits,
    /// It was to go out at a moment that is over.
    #[error("that moment is over")]
    Past,
    /// The later moment is more than a year away: a slip in the year.
    #[error("that moment is more than a year away")]
    TooFar,
    /// Someone pressed Send before.
    #[error("somebody else already pressed Send")]
    AlreadyPressed,
    /// The minute is over.
    #[error("it is too late to undo: the edition is locked")]
    TooLate,
    /// Copies of the version that was stopped are leaving at this moment.
    #[error("a few copies are just leaving; try again in a moment")]
    StillLeaving,
    /// The database may be a copy or a backup, and nobody has said what it is: nothing of it may be let go out.
    #[error("nothing goes out before an owner has said at the desk (Address) what this database is")]
    Doubtful,
    /// The house wants two people for it, and nobody else has asked for it as it is.
    #[error("somebody else has to have asked for it as it is")]
    NotApproved,
    /// More test copies were asked for than there may be; so long it takes until there may be one.
    #[error("too many test copies")]
    TooManyTests(Duration),
    /// As many addresses for test copies are kept as there may be.
    #[error("there are as many addresses for test copies as there may be")]
    EnoughAddresses,
    /// A segment by which it goes asks for something that is gone.
    #[error("{0}")]
    Segment(String),
    /// Something is in the way of sending it.
    #[error("the edition is not ready to be sent")]
    NotReady(Vec<Problem>),
    /// The mail could not be made of it.
    #[error(transparent)]
    Mail(#[from] mail::CompileError),
    /// Something in it stopped whoever makes the mail, in a way that nobody foresaw.
    #[error("something in its words or articles cannot be made into an email")]
    Strange,
    /// It stands where the move is not possible.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for Error {
    fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) | Self::Move(MoveError::Database(error)) => Some(error),
            _ => None,
        }
    }
}

/// A standing series of editions.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Digest {
    pub id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// What readers call it.
    pub name: String,
    /// The list whose readers get it.
    pub list_id: i64,
    pub list_name: String,
    /// Whether an edition of it went out, so that the next one can be made like it.
    pub has_last: bool,
}

/// What a writer decides of an edition.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Content {
    pub subject: String,
    /// The line that mail programs show beside the subject.
    pub preview_text: String,
    /// Words before the articles, as Markdown; may be empty.
    pub intro_markdown: String,
    /// What it is made of behind those, in order.
    #[sqlx(skip)]
    pub blocks: Vec<Placed>,
    /// What it is about, of the topics that readers choose among; nothing for everybody. Of the edition, not of a revision: who
    /// gets it is decided while it is a draft.
    #[sqlx(skip)]
    pub topic_ids: Vec<i64>,
    /// The rhythm that it is for, of those that readers of its list choose among; none for everybody. Of the edition, as topics are.
    pub rhythm: Option<Rhythm>,
    /// The segment of its list that it goes to alone; none for the whole list. Of the edition, as topics are.
    #[sqlx(skip)]
    pub only_segment: Option<i64>,
    /// The segment that it does not go to.
    #[sqlx(skip)]
    pub except_segment: Option<i64>,
}

impl Content {
    /// Its articles, in their order.
    #[must_use]
    pub fn article_ids(&self) -> Vec<ArticleId> {
        self.blocks.iter().filter_map(|placed| placed.block.article_id()).collect()
    }

    /// Those that are shown large: who is chosen for it, and the first article unless it is chosen for less.
    #[must_use]
    pub fn leading(&self) -> Vec<ArticleId> {
        let articles = self.blocks.iter().filter_map(|placed| match &placed.block {
            Block::Article(shown) => Some(shown),
            _ => None,
        });
        let leads = |(at, shown): &(usize, &ShownArticle)| match shown.look {
            Look::Lead => true,
            Look::Usual => *at == 0,
            Look::Short => false,
        };
        articles.enumerate().filter(leads).map(|(_, shown)| shown.id).collect()
    }
}

/// What a correction corrects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrects {
    pub edition_id: i64,
    /// The revision whose readers get the correction.
    pub revision: i64,
    /// The edition's name in addresses.
    pub public_id: String,
}

/// An edition with its newest revision.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Edition {
    pub id: i64,
    /// Its name in addresses.
    pub public_id: String,
    /// The digest it belongs to.
    pub digest_id: i64,
    pub digest_name: String,
    /// The list whose readers get it.
    pub list_id: i64,
    /// What links call that list.
    pub list_public_id: String,
    /// That list's name in addresses and headers.
    pub list_slug: String,
    pub list_name: String,
    /// The rhythms that it offers, as [`Rhythm::read`] reads them.
    pub list_rhythms: String,
    /// Whether it asks its readers to confirm again: it was begun for that, and has a button for it.
    pub asks_again: bool,
    /// Where it stands.
    pub state: EditionState,
    /// The number of its newest revision.
    pub revision: i64,
    /// When it goes out, once Send was pressed.
    pub send_at: Option<Moment>,
    /// What happens to a copy whose outcome is not known.
    pub unknown_policy: UnknownPolicy,
    /// Why the house holds it back.
    pub held_because: HeldBecause,
    /// Why it paused by itself, in words for the team; empty when a person paused it.
    pub paused_because: String,
    /// What it corrects, if it is a correction: then it goes to those who got that.
    #[sqlx(skip)]
    pub corrects: Option<Corrects>,
    /// How many readers it was sealed for.
    pub sealed_count: Option<i64>,
    /// Whether somebody of its audience was written down: then it is no draft any more.
    pub is_begun: bool,
    pub sealed_at: Option<Moment>,
    /// When the last delivery ended.
    pub finished_at: Option<Moment>,
    /// When the newest revision was saved, or the state last changed.
    pub updated_at: Moment,
    /// Who pressed Send.
    pub sent_by: Option<String>,
    /// Who saved the newest revision.
    pub saved_by: Option<String>,
    /// The newest revision.
    #[sqlx(flatten)]
    pub content: Content,
}

impl Edition {
    /// The version of it that somebody looks at: it changes with each revision and each move, and pages carry it.
    #[must_use]
    pub fn version(&self) -> String {
        version(self.revision, self.updated_at)
    }
}

fn version(revision: i64, updated_at: Moment) -> String {
    format!("{revision}.{}", updated_at.0)
}

/// What an edition is called, for pages that name it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Subject {
    pub id: i64,
    /// Its name in addresses.
    pub public_id: String,
    /// The newest subject.
    pub subject: String,
}

/// A line of the list of editions.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct EditionSummary {
    pub id: i64,
    /// Its name in addresses.
    pub public_id: String,
    /// Where it stands.
    pub state: EditionState,
    /// The newest subject; empty while nobody wrote one.
    pub subject: String,
    /// The line beside it in mail programs; may be empty.
    pub preview_text: String,
    /// The digest it belongs to.
    pub digest_name: String,
    /// How many articles are in it.
    pub article_count: i64,
    /// When it goes out, once Send was pressed.
    pub send_at: Option<Moment>,
    /// How many readers it was sealed for.
    pub sealed_count: Option<i64>,
    pub sealed_at: Option<Moment>,
    /// When it was last changed.
    pub updated_at: Moment,
}

/// Every digest whose list is not retired, in the order of the lists.
pub async fn digests(db: &Db) -> db::Result<Vec<Digest>> {
    store::digests(db).await
}

/// Makes the default digest on a list, unless one of that slug is there.
pub async fn ensure_digest(tx: &mut Tx, site: &Site, slug: &str, name: &str, list_id: i64) -> db::Result<()> {
    store::add_digest(tx, slug, name, list_id, site.now()).await?;
    Ok(())
}

/// A new instance has one public list and one digest for it, so that there is something to join and to send.
pub async fn ensure_first(site: &Site) -> db::Result<()> {
    const NAME: &str = "The digest";
    if store::any_digest(&site.db).await? {
        return Ok(());
    }
    let mut tx = site.db.begin().await?;
    subscribers::lists::add(&mut tx, site, "digest", NAME, "Our new articles, in one email.").await?;
    if let Some(list) = subscribers::lists::all_in(&mut tx).await?.first() {
        ensure_digest(&mut tx, site, "digest", NAME, list.id).await?;
    }
    tx.commit().await
}

/// An edition by its public id.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find(db: &Db, public_id: &str) -> Result<Edition> {
    let id = store::edition_id(db, public_id).await?.ok_or(Error::NotFound)?;
    load(db, id).await
}

/// An edition by its key.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn load(db: &Db, edition_id: i64) -> Result<Edition> {
    store::edition(db, edition_id, None).await?.ok_or(Error::NotFound)
}

/// An edition with one of its revisions, such as the one that a reader got.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn load_revision(db: &Db, edition_id: i64, revision: i64) -> Result<Edition> {
    store::edition(db, edition_id, Some(revision)).await?.ok_or(Error::NotFound)
}

/// The newest editions before one, drafts included, the newest first.
pub async fn latest(db: &Db, before: Option<i64>, limit: i64) -> db::Result<Vec<EditionSummary>> {
    store::summaries(db, before.unwrap_or(i64::MAX), limit).await
}

/// The edition that was sealed last, however many were begun since.
pub async fn last_sealed(db: &Db) -> db::Result<Option<EditionSummary>> {
    store::last_sealed(db).await
}

/// For how many readers the edition before it on the same list was.
pub async fn last_audience(db: &Db, edition: &Edition) -> db::Result<Option<i64>> {
    store::last_audience(db, edition.list_id, edition.id).await
}

/// What goes out by itself at its moment, the next one first.
pub async fn scheduled(db: &Db, limit: i64) -> db::Result<Vec<EditionSummary>> {
    store::scheduled(db, limit).await
}

/// The drafts that were touched last, the newest first.
pub async fn latest_drafts(db: &Db, limit: i64) -> db::Result<Vec<EditionSummary>> {
    store::latest_drafts(db, limit).await
}

/// What these editions are called. The ledger outlives editions: those that are gone are left out.
pub async fn subjects(db: &Db, ids: &[i64]) -> db::Result<Vec<Subject>> {
    store::subjects(db, ids).await
}

/// The same by their public ids; asks nothing where there are none.
pub async fn named_subjects(db: &Db, public_ids: &[&str]) -> db::Result<Vec<Subject>> {
    if public_ids.is_empty() { Ok(Vec::new()) } else { store::named_subjects(db, public_ids).await }
}

/// The editions that were held back, or paused by themselves, and wait for a decision.
pub async fn held(db: &Db) -> db::Result<Vec<EditionSummary>> {
    store::held(db).await
}

/// As [`held`], as the transaction sees it.
pub async fn held_in(tx: &mut Tx) -> db::Result<Vec<EditionSummary>> {
    store::held_in(tx).await
}

/// Drafts that somebody may still send, the newest first.
pub async fn drafts_in(tx: &mut Tx) -> db::Result<Vec<EditionSummary>> {
    store::drafts_in(tx).await
}

/// How many readers would get the edition if it went out now; where segments decide and readers are many, about how many.
pub async fn audience_size(site: &Site, edition: &Edition) -> db::Result<i64> {
    Ok(mailed(audience(edition).size(&site.db, site.now()).await?))
}

/// Where only some were looked at, that none of them is mailed says nothing of the others.
fn mailed(size: SegmentCount) -> i64 {
    if size.about { size.n.max(1) } else { size.n }
}

fn audience(edition: &Edition) -> Audience {
    let corrects = edition.corrects.as_ref().map(|corrects| (corrects.edition_id, corrects.revision));
    let Content { topic_ids, rhythm, only_segment, except_segment, .. } = &edition.content;
    let by_choice = !topic_ids.is_empty() || rhythm.is_some() || only_segment.or(*except_segment).is_some();
    Audience::of((edition.id, edition.list_id), by_choice, corrects)
}
