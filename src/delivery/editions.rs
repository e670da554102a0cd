//! The states of an edition, and the only functions that move it from one to the next.

use std::{fmt, str::FromStr};

use serde::Serialize;

pub use super::store::editions::DueEdition;
use super::{ledger, store};
use crate::{
    clock::Moment,
    db::{Db, Tx},
    queue::{News, news},
    site::Site,
};

/// Where an edition stands: draft → scheduled → sealed → sending → finished, with ways aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EditionState {
    /// Being written; nothing goes out.
    Draft,
    /// Send was pressed; it can be undone until sealing begins.
    Scheduled,
    /// Audience, content and settings are frozen.
    Sealed,
    /// Deliveries are being attempted.
    Sending,
    /// Staff held it back; it can go on.
    Paused,
    /// The house held it back and asks staff.
    Held,
    /// Staff ended it before everyone had it.
    Cancelled,
    /// Every delivery has come to an end.
    Finished,
}

impl EditionState {
    const ALL: [Self; 8] = [
        Self::Draft,
        Self::Scheduled,
        Self::Sealed,
        Self::Sending,
        Self::Paused,
        Self::Held,
        Self::Cancelled,
        Self::Finished,
    ];

    /// The word that the database holds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Sealed => "sealed",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }
}

impl fmt::Display for EditionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EditionState {
    type Err = sqlx::Error;

    fn from_str(word: &str) -> Result<Self, sqlx::Error> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == word);
        known.ok_or_else(|| sqlx::Error::Decode(format!("no edition state is called {word:?}").into()))
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
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Presses Send: the edition is sealed at `send_at`. Of two people pressing at once, one is told that it is scheduled.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is a draft.
pub async fn schedule(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    send_at: Moment,
    staff_id: Option<i64>,
) -> Result<(), MoveError> {
    let moved = store::editions::schedule(tx, id, send_at, staff_id, site.now()).await?;
    check(tx, id, moved).await
}

/// Takes Send back, as long as sealing has not begun.
///
/// # Errors
/// [`MoveError::WrongState`] once it has.
pub async fn unschedule(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let moved = store::editions::unschedule(tx, id, site.now()).await?;
    check(tx, id, moved).await
}

/// Holds back everything that no connection has begun.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is sending.
pub async fn pause(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let moved = store::editions::pause(tx, id, site.now()).await?;
    check(tx, id, moved).await
}

/// For what the engine stops an edition by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many readers complain.
    Complaints,
    /// What mail providers refuse is about us.
    RefusalsOfUs,
    /// They refuse more copies than can be true, whatever their words.
    Refusals,
}

impl Cause {
    /// The word that the database holds: what belongs to the pause is found by it. Nothing that failed belongs to complaints.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complaints => "",
            Self::RefusalsOfUs => "us",
            Self::Refusals => "refusals",
        }
    }
}

/// The engine stops an edition by itself, because going on would do harm; the desk says why, and people are told. Whether it was
/// still sending.
///
/// # Errors
/// When the database fails.
pub async fn pause_because(
    tx: &mut Tx,
    site: &Site,
    id: i64,
    why: &str,
    cause: Cause,
) -> crate::db::Result<bool> {
    let paused = store::editions::pause_because(tx, id, (why, cause.as_str()), site.now()).await?;
    if paused {
        news::add(tx, site.now(), News::EditionPaused, &id.to_string()).await?;
    }
    Ok(paused)
}

/// Why an edition paused by itself, if it stands still for that; it stays so until the end of the transaction.
///
/// # Errors
/// When the database fails.
pub async fn paused_because(tx: &mut Tx, id: i64) -> crate::db::Result<Option<String>> {
    store::editions::paused_because(tx, id).await
}

/// Goes on after a pause; what was held before its audience was written down is due from now on.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is paused or held.
pub async fn resume(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let moved = store::editions::resume(tx, id, site.now()).await?
        || store::editions::release(tx, id, site.now()).await?;
    tx.leaves_work();
    check(tx, id, moved).await
}

/// Holds back an edition at its moment, and says why in a word; `false` if it moved on since it was looked at.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, site: &Site, due: &DueEdition, because: &str) -> crate::db::Result<bool> {
    store::editions::hold(tx, due.id, due.send_at, because, site.now()).await
}

/// Holds back every edition that would go out by itself: the database is a backup that does not know what was sent since.
/// Returns their public ids.
///
/// # Errors
/// When the database fails.
pub async fn hold_all(tx: &mut Tx, site: &Site) -> crate::db::Result<Vec<String>> {
    store::editions::hold_all(tx, site.now()).await
}

/// Makes it another version of itself: what was said of its copies changed.
///
/// # Errors
/// When the database fails.
pub async fn touch(tx: &mut Tx, site: &Site, id: i64) -> crate::db::Result<()> {
    store::editions::touch(tx, id, site.now()).await
}

/// Lets the audience of what a restored backup holds be written down; it is held again after that.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is held for that reason, and not locked.
pub async fn lock_held(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let moved = store::editions::lock_held(tx, id, site.now()).await?;
    check(tx, id, moved).await
}

/// Where it stands; nobody moves it before the end of the transaction.
///
/// # Errors
/// [`MoveError::NotFound`].
pub async fn state_for_update(tx: &mut Tx, id: i64) -> Result<EditionState, MoveError> {
    Ok(store::editions::state_for_update(tx, id).await?.ok_or(MoveError::NotFound)?.parse()?)
}

/// What happens to a copy that may have arrived: its server took it all and its answer was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// It is sent again, with the same Message-ID: nobody goes without, somebody may get it twice.
    #[default]
    Resend,
    /// It is left alone and shown to staff: nobody gets it twice, somebody may go without.
    Hold,
}

impl UnknownPolicy {
    /// The word in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Hold => "hold",
        }
    }

    /// The policy of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Resend, Self::Hold].into_iter().find(|policy| policy.as_str() == word)
    }

    /// The policy of a word that the database holds. One that only a newer program knows is the careful one: nobody gets
    /// anything twice that nobody meant.
    #[must_use]
    pub fn stored(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::Hold)
    }
}

/// Decides the policy of an edition that is not sealed yet.
///
/// # Errors
/// [`MoveError::WrongState`] once it is.
pub async fn set_unknown_policy(tx: &mut Tx, id: i64, policy: UnknownPolicy) -> Result<(), MoveError> {
    let moved = store::editions::set_policy(tx, id, policy.as_str()).await?;
    check(tx, id, moved).await
}

/// An edition that was finished is sending again, for some of its failed copies are tried once more. Its row is held until the
/// commit, so that no feeder finds it over meanwhile.
///
/// # Errors
/// [`MoveError::WrongState`] unless it is finished, sending or paused.
pub async fn reopen(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let held = store::editions::reopen(tx, id, site.now()).await?;
    tx.leaves_work();
    check(tx, id, held).await
}

/// Ends it: whoever does not have it yet is not mailed, and their rows say why.
///
/// # Errors
/// [`MoveError::WrongState`] for drafts and for what has ended already.
pub async fn cancel(tx: &mut Tx, site: &Site, id: i64) -> Result<(), MoveError> {
    let moved = store::editions::cancel(tx, id, site.now()).await?;
    check(tx, id, moved).await?;
    ledger::cancel_open(tx, site, id).await?;
    Ok(())
}

async fn check(tx: &mut Tx, id: i64, moved: bool) -> Result<(), MoveError> {
    if moved {
        return Ok(());
    }
    let state = store::editions::state(tx, id).await?.ok_or(MoveError::NotFound)?;
    Err(MoveError::WrongState(state.parse()?))
}

/// Scheduled editions whose time has come, and those whose sealing was broken off.
///
/// # Errors
/// When the database fails.
pub async fn due(site: &Site) -> crate::db::Result<Vec<DueEdition>> {
    store::editions::due(&site.db, site.now()).await
}

/// Takes the step from one subscriber to another in sealing; `false` if somebody else took it.
///
/// # Errors
/// When the database fails.
pub async fn advance_seal(tx: &mut Tx, site: &Site, id: i64, from: i64, to: i64) -> crate::db::Result<bool> {
    store::editions::advance_seal(tx, id, from, to, site.now()).await
}

/// Ends sealing and lets the deliveries go, in one transaction; `false` if somebody else did.
///
/// # Errors
/// When the database fails.
pub async fn seal_and_start(tx: &mut Tx, site: &Site, id: i64) -> crate::db::Result<bool> {
    tx.leaves_work();
    Ok(store::editions::finish_seal(tx, id, site.now()).await?
        && store::editions::start(tx, id, site.now()).await?)
}

/// How many deliveries of an edition stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Everyone in the frozen audience.
    pub sealed: i64,
    /// Taken by their mail provider.
    pub accepted: i64,
    /// Refused, or given up.
    pub failed: i64,
    /// Not mailed: they left, or their address is stopped.
    pub suppressed: i64,
    /// Not mailed, for the edition was cancelled.
    pub cancelled: i64,
    /// May have arrived.
    pub unknown: i64,
    /// Still to be attempted, or being attempted.
    pub open: i64,
}

impl Progress {
    fn from_counts(sealed: i64, counts: &[(String, i64)]) -> Self {
        let count =
            |word: &str| counts.iter().find(|(state, _)| state == word).map_or(0, |(_, count)| *count);
        Self {
            sealed,
            accepted: count("accepted"),
            failed: count("failed"),
            suppressed: count("suppressed"),
            cancelled: count("cancelled"),
            unknown: count("unknown"),
            open: count("queued") + count("claimed"),
        }
    }

    /// The equation that holds at every moment (TRUST T1).
    #[must_use]
    pub const fn balances(&self) -> bool {
        let Self { sealed, accepted, failed, suppressed, cancelled, unknown, open } = *self;
        sealed == accepted + failed + suppressed + cancelled + unknown + open
    }

    /// How much of it has come to an end, 0 to 100.
    #[must_use]
    pub const fn percent(&self) -> i64 {
        if self.sealed == 0 { 100 } else { (self.sealed - self.open) * 100 / self.sealed }
    }
}

/// `200 sealed = 198 accepted + 1 failed + 1 suppressed + 0 unknown + 0 open`, and the cancelled copies where there are any.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sealed = {} accepted + {} failed + {} suppressed + {} unknown + {} open",
            self.sealed, self.accepted, self.failed, self.suppressed, self.unknown, self.open
        )?;
        if self.cancelled == 0 { Ok(()) } else { write!(f, " + {} cancelled", self.cancelled) }
    }
}

/// Progress by the tallies: cheap at any size.
///
/// # Errors
/// When the database fails.
pub async fn progress(db: &Db, id: i64) -> crate::db::Result<Progress> {
    let counts = store::editions::tallies(db, id).await?;
    let total = counts.iter().map(|(_, count)| count).sum();
    let sealed = store::editions::sealed_count(db, id).await?.unwrap_or(total);
    Ok(Progress::from_counts(sealed, &counts))
}

/// What the rows say and what the tallies say.
#[derive(Clone, Copy, Debug)]
pub struct Audit {
    /// Recounted from the rows.
    pub rows: Progress,
    /// Added up from the tallies, as screens show it.
    pub tallies: Progress,
}

impl Audit {
    /// Whether the equation holds and both agree (TRUST T1, T11).
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.balances() && self.rows == self.tallies
    }
}

/// Recounts an edition from its rows.
///
/// # Errors
/// When the database fails.
pub async fn audit(db: &Db, id: i64) -> crate::db::Result<Audit> {
    let all = store::editions::audit(db, id).await?;
    let counts = |wanted: &str| -> Vec<(String, i64)> {
        let of = all.iter().filter(|(of, ..)| of == wanted);
        of.map(|(_, state, count)| (state.clone(), *count)).collect()
    };
    let sealed = counts("sealed").first().map(|(_, count)| *count);
    let progress = |counts: Vec<(String, i64)>| {
        let total = counts.iter().map(|(_, count)| count).sum();
        Progress::from_counts(sealed.unwrap_or(total), &counts)
    };
    Ok(Audit { rows: progress(counts("rows")), tallies: progress(counts("tallies")) })
}

/// Every edition that was ever sealed, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn ever_sealed(db: &Db) -> crate::db::Result<Vec<i64>> {
    store::editions::sealed_editions(db).await
}
