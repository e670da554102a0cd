//! Editions as the house sees them: their states, and the only functions that move one from a state to the next.
//!
//! The rule that must hold: a move is one conditional statement, so of two people who act at once one is told that the other was
//! faster; and who moved an edition stands in the audit log, by the move itself. This room owns the table; it knows nothing of what an edition says (`publishing`), nor of its copies (`delivery`).
//!
//! Nothing goes to a list that was retired: whoever lets an edition go holds the list first, then the edition, and so does whoever
//! retires the list. Start reading at `deeds.rs`.

mod deeds;
mod rhythm;
mod store;

pub use self::{
    deeds::{Deed, MovedBy, record},
    rhythm::Rhythm,
    store::{DueEdition, STATEMENTS, Stand},
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    queue::{self, News},
    site::Site,
    words,
};

words! {
    /// Where an edition stands: draft → scheduled → sealed → sending → finished, with ways aside.
    pub enum EditionState {
        /// Being written; nothing goes out.
        Draft = "draft",
        /// Send was pressed; it can be undone until sealing begins.
        Scheduled = "scheduled",
        /// Audience, content and settings are frozen.
        Sealed = "sealed",
        /// Deliveries are being attempted.
        Sending = "sending",
        /// Staff held it back; it can go on.
        Paused = "paused",
        /// The house held it back and asks staff.
        Held = "held",
        /// Staff ended it before everyone had it.
        Cancelled = "cancelled",
        /// Every delivery has come to an end.
        Finished = "finished",
    }
}

words! {
    /// Why the house holds an edition back. A word that only a newer program knows is the careful one: nobody can say what has gone
    /// out.
    pub enum HeldBecause else Restored {
        /// It does not.
        NotHeld = "",
        /// Its moment passed by while nothing was running.
        Late = "late",
        /// No mail can be made of it.
        Broken = "broken",
        /// Its list was retired.
        Retired = "retired",
        /// The database is a backup that was restored: more of it may have gone out than stands here.
        Restored = "restored",
    }
}

/// Why an edition did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no such edition.
    #[error("there is no such edition")]
    NotFound,
    /// It stands where this move is not possible, perhaps because somebody else was faster.
    #[error("the edition is {0} now, so this is no longer possible")]
    WrongState(EditionState),
    /// Nothing goes to its list any more.
    #[error("the list of the edition was retired")]
    Retired,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Presses Send: the edition is sealed at `send_at`. Of two people pressing at once, one is told that it is scheduled.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is a draft, [`MoveError::Retired`] when its list is.
pub async fn schedule(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    send_at: Moment,
    by: MovedBy<'_>,
) -> Result<(), MoveError> {
    hold_list(tx, id).await?;
    let moved = store::schedule(tx, id, send_at, by.staff_id, site.now()).await?;
    write_down(tx, site, id, moved, Deed::PressedSend, by).await
}

/// Takes Send back, as long as sealing has not begun.
///
/// # Errors
/// [`MoveError::WrongState`] once it has.
pub async fn unschedule(tx: &mut Tx, site: &Site, id: i64, by: MovedBy<'_>) -> Result<(), MoveError> {
    let moved = store::unschedule(tx, id, site.now()).await?;
    write_down(tx, site, id, moved, Deed::UndidSend, by).await
}

/// Holds back everything that no connection has begun.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is sending.
pub async fn pause(tx: &mut Tx, site: &Site, id: i64, by: MovedBy<'_>) -> Result<(), MoveError> {
    let moved = store::pause(tx, id, site.now()).await?;
    write_down(tx, site, id, moved, Deed::Paused, by).await
}

words! {
    /// For what the engine stops an edition by itself. The failed copies that belong to the pause are found by its word.
    pub enum Cause {
        /// No copy that failed: too many readers complain, or what was frozen cannot be read.
        NoCopies = "",
        /// What mail providers refuse is about us.
        RefusalsOfUs = "us",
        /// They refuse more copies than can be true, whatever their words.
        Refusals = "refusals",
    }
}

/// The engine stops an edition by itself, because going on would do harm; the desk says why, and people are told. Whether it was
/// still sending.
pub async fn pause_because(tx: &mut Tx, site: &Site, id: i64, why: &str, cause: Cause) -> db::Result<bool> {
    let paused = store::pause_because(tx, id, (why, cause), site.now()).await?;
    if paused {
        queue::add_news(tx, site.now(), News::EditionPaused, &id.to_string()).await?;
    }
    Ok(paused)
}

/// Why an edition paused by itself, if it stands still for that; it stays so until the end of the transaction.
pub async fn paused_because(tx: &mut Tx, id: i64) -> db::Result<Option<String>> {
    store::paused_because(tx, id).await
}

/// One provider alone stopped it: from now on somebody has seen that, and it stops it no more by itself.
pub async fn see_refusals(tx: &mut Tx, id: i64) -> db::Result<()> {
    store::see_refusals(tx, id).await
}

/// Goes on after a pause; what was held before its audience was written down is due from now on.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is paused or held, [`MoveError::Retired`] when its list is.
pub async fn resume(tx: &mut Tx, site: &Site, id: i64, by: MovedBy<'_>) -> Result<(), MoveError> {
    hold_list(tx, id).await?;
    let mut moved = store::resume(tx, id, site.now()).await?;
    if moved.is_none() {
        moved = store::release(tx, id, site.now()).await?;
    }
    tx.leaves_work();
    write_down(tx, site, id, moved, Deed::Resumed, by).await
}

/// Holds back an edition at its moment, and says why; `false` if it moved on since it was looked at.
pub async fn hold(tx: &mut Tx, site: &Site, due: &DueEdition, because: HeldBecause) -> db::Result<bool> {
    let Some(public_id) = store::hold(tx, due.id, due.send_at, because, site.now()).await? else {
        return Ok(false);
    };
    let detail = format!("{because}: it was to go out at {}", due.send_at);
    record(tx, site, &public_id, Deed::HeldBack, MovedBy { staff_id: None, detail: &detail }).await?;
    Ok(true)
}

/// Holds back every edition that would go out by itself: the database is a backup that does not know what was sent since.
/// Returns how many those are.
pub async fn hold_all(tx: &mut Tx, site: &Site, staff_id: Option<i64>) -> db::Result<usize> {
    let held = store::hold_all(tx, site.now()).await?;
    for public_id in &held {
        let by = MovedBy { staff_id, detail: HeldBecause::Restored.as_str() };
        record(tx, site, public_id, Deed::HeldBack, by).await?;
    }
    Ok(held.len())
}

/// Nobody retires the edition's list before the end of the transaction; before the edition itself is held.
///
/// # Errors
/// [`MoveError::Retired`] when somebody did, [`MoveError::NotFound`].
pub async fn hold_list(tx: &mut Tx, id: i64) -> Result<(), MoveError> {
    match store::hold_list(tx, id).await?.ok_or(MoveError::NotFound)? {
        None => Ok(()),
        Some(_) => Err(MoveError::Retired),
    }
}

/// A list is being retired, in this transaction: what waits for its moment is held, and what goes out is paused. Returns how many
/// those are.
pub async fn stop_of_list(tx: &mut Tx, site: &Site, list: i64, staff_id: Option<i64>) -> db::Result<usize> {
    let stopped = store::stop_of_list(tx, list, site.now()).await?;
    for public_id in &stopped {
        let by = MovedBy { staff_id, detail: "its list was retired" };
        record(tx, site, public_id, Deed::Stopped, by).await?;
    }
    Ok(stopped.len())
}

/// Makes it another version of itself: what was said of its copies changed.
pub async fn touch(tx: &mut Tx, site: &Site, id: i64) -> db::Result<()> {
    store::touch(tx, id, site.now()).await
}

/// Lets the audience of what a restored backup holds be written down; it is held again after that.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is held for that reason, and not locked.
pub async fn lock_held(tx: &mut Tx, site: &Site, id: i64, by: MovedBy<'_>) -> Result<(), MoveError> {
    let moved = store::lock_held(tx, id, site.now()).await?;
    write_down(tx, site, id, moved, Deed::HadAudienceWritten, by).await
}

/// Where it stands; nobody moves it before the end of the transaction.
///
/// # Errors
/// [`MoveError::NotFound`].
pub async fn state_for_update(tx: &mut Tx, id: i64) -> Result<EditionState, MoveError> {
    store::state_for_update(tx, id).await?.ok_or(MoveError::NotFound)
}

words! {
    /// What happens to a copy that may have arrived: its server took it all and its answer was lost. A word that only a newer
    /// program knows is the careful one: nobody gets anything twice that nobody meant.
    #[derive(Default)]
    pub enum UnknownPolicy else Hold {
        /// It is sent again, with the same Message-ID: nobody goes without, somebody may get it twice.
        #[default]
        Resend = "resend",
        /// It is left alone and shown to staff: nobody gets it twice, somebody may go without.
        Hold = "hold",
    }
}

/// Decides the policy of an edition that is not sealed yet.
///
/// # Errors
/// [`MoveError::WrongState`] once it is.
pub async fn set_unknown_policy(tx: &mut Tx, id: i64, policy: UnknownPolicy) -> Result<(), MoveError> {
    let moved = store::set_policy(tx, id, policy).await?;
    check(tx, id, moved).await
}

/// An edition that was finished is sending again, for some of its failed copies are tried once more. Its row is held until the
/// commit, so that no feeder finds it over meanwhile.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is finished, sending or paused, [`MoveError::Retired`] when its list is.
pub async fn reopen(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    hold_list(tx, id).await?;
    let held = store::reopen(tx, id, site.now()).await?;
    tx.leaves_work();
    check(tx, id, held).await
}

/// An edition that was cancelled, and whose copies that are open are to go with it in the same transaction: that is for
/// `delivery::cancel_open_copies`, which takes nothing else.
#[derive(Debug)]
#[must_use = "its open copies go with it"]
pub struct Cancelled(i64);

impl Cancelled {
    /// Which edition.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.0
    }
}

/// Ends it. Whoever does not have it yet is not mailed.
///
/// # Errors
/// [`MoveError::WrongState`] for drafts and for what has ended already.
pub async fn cancel(tx: &mut Tx, site: &Site, id: i64, by: MovedBy<'_>) -> Result<Cancelled, MoveError> {
    let moved = store::cancel(tx, id, site.now()).await?;
    write_down(tx, site, id, moved, Deed::Cancelled, by).await?;
    Ok(Cancelled(id))
}

/// The line of a move that returned the public id of what it moved; or why it moved nothing.
async fn write_down(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    moved: Option<String>,
    deed: Deed,
    by: MovedBy<'_>,
) -> Result<(), MoveError> {
    match moved {
        Some(public_id) => Ok(record(tx, site, &public_id, deed, by).await?),
        None => check(tx, id, false).await,
    }
}

async fn check(tx: &mut Tx, id: i64, moved: bool) -> Result<(), MoveError> {
    if moved {
        return Ok(());
    }
    let state = store::state(tx, id).await?.ok_or(MoveError::NotFound)?;
    Err(MoveError::WrongState(state))
}

/// Scheduled editions whose time has come, and those whose sealing was broken off.
pub async fn due(site: &Site) -> db::Result<Vec<DueEdition>> {
    store::due(&site.db, site.now()).await
}

/// Takes the step from one subscriber to another in sealing; `false` if somebody else took it.
pub async fn advance_seal(tx: &mut Tx, site: &Site, id: i64, from: i64, to: i64) -> db::Result<bool> {
    store::advance_seal(tx, id, from, to, site.now()).await
}

/// Ends sealing and lets the deliveries go, in one transaction; `false` if somebody else did.
pub async fn seal_and_start(tx: &mut Tx, site: &Site, id: i64) -> db::Result<bool> {
    tx.leaves_work();
    Ok(store::finish_seal(tx, id, site.now()).await? && store::start(tx, id, site.now()).await?)
}

/// Writes a draft of a digest. Its id; none if there is no such digest.
pub async fn create(
    tx: &mut Tx,
    site: &Site,
    public_id: &str,
    digest_id: i64,
    staff_id: Option<i64>,
) -> db::Result<Option<i64>> {
    store::insert_edition(tx, public_id, digest_id, staff_id, site.now()).await
}

/// Writes the draft of a correction of one revision of an edition. Its id; none if there is no such edition.
pub async fn create_correction(
    tx: &mut Tx,
    site: &Site,
    public_id: &str,
    wrong: (i64, i64),
    by: MovedBy<'_>,
) -> db::Result<Option<i64>> {
    let created = store::insert_correction(tx, public_id, wrong, by.staff_id, site.now()).await?;
    if created.is_some() {
        record(tx, site, public_id, Deed::BeganCorrection, by).await?;
    }
    Ok(created)
}

/// Takes the number of the next revision, if the edition stands in this state and `based_on` is still its newest.
pub async fn next_revision(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    based_on: (i64, EditionState),
) -> db::Result<Option<i64>> {
    store::next_revision(tx, id, based_on, site.now()).await
}

/// Whom a draft is for beside those of its list who get everything; none for everybody. For whoever holds it.
pub async fn set_rhythm(tx: &mut Tx, id: i64, rhythm: Option<Rhythm>) -> db::Result<()> {
    store::set_rhythm(tx, id, rhythm).await
}

/// Whether a draft asks its readers to confirm again. For whoever holds it.
pub async fn set_asking_again(tx: &mut Tx, id: i64, asks_again: bool) -> db::Result<()> {
    store::set_asking_again(tx, id, asks_again).await
}

/// Deletes a draft with its revisions and whatever was frozen of it; `false` if it is no longer the draft that somebody saw.
pub async fn delete_draft(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    seen: (i64, Moment),
    by: MovedBy<'_>,
) -> db::Result<bool> {
    let Some(public_id) = store::delete_draft(tx, id, seen).await? else { return Ok(false) };
    record(tx, site, &public_id, Deed::DeletedDraft, by).await?;
    Ok(true)
}

/// Where it stands, held until the commit: what is read of it stays true while it is acted on.
pub async fn stand(tx: &mut Tx, id: i64) -> db::Result<Option<Stand>> {
    store::stand(tx, id).await
}

/// Ends it, if none of its copies is open any more; for what seems to be over.
pub async fn finish(tx: &mut Tx, site: &Site, id: i64) -> db::Result<bool> {
    store::finish(tx, id, site.now()).await
}
