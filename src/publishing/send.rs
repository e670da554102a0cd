//! Pressing Send, the minute in which it can be undone, and the buttons of an edition on its way.
//!
//! Nothing goes out until someone presses Send, and the ledger of deliveries is not begun before the minute is over. What
//! was looked at is frozen by the press, in its transaction, and that goes out whatever changes meanwhile. Of two people
//! who press, one wins and the other is told so: the state moves in one conditional statement. Each act names the version
//! that its page showed, but for a pause, which does no harm and must not be refused. Each stands in the audit log with who
//! did it.

use std::time::Duration;

use super::{
    Edition, Error, Problem, Result, approve, correct, find, four_eyes, home::check_at_home, issue::Issue,
    load, preflight, retry, version,
};
use crate::{
    audience,
    clock::Moment,
    db::{self, Tx},
    delivery,
    editions::{self, EditionState, MoveError, MovedBy, UnknownPolicy},
    mail::Templates,
    segments,
    settings::Settings,
    site::Site,
};

/// How long Send can be undone.
pub const UNDO: Duration = Duration::from_secs(60);
/// Nobody plans further ahead: a year beyond it is a slip.
const FURTHEST: Duration = Duration::from_secs(366 * 86_400);

/// What a sender decides.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    pub edition_id: i64,
    /// The revision that the sender saw.
    pub revision: i64,
    /// The [`fingerprint`](super::fingerprint) of what they saw; none approves the revision as it is at this moment.
    pub fingerprint: Option<&'a str>,
    /// A later moment; none for as soon as the minute to undo is over.
    pub later: Option<Moment>,
    /// What happens to a copy that may have arrived.
    pub policy: UnknownPolicy,
    /// Who presses.
    pub staff_id: Option<i64>,
}

/// What somebody saw of an edition that they let go on.
#[derive(Clone, Copy, Debug)]
pub struct SeenEdition<'a> {
    /// Its [`version`](Edition::version).
    pub version: &'a str,
    /// The [`fingerprint`](super::fingerprint) of its newest revision.
    pub fingerprint: &'a str,
}

/// As [`press`], of the revision as it is at this moment, with copies that may have arrived sent again.
///
/// # Errors
/// As [`press`].
pub async fn press_send(
    site: &Site,
    templates: &Templates,
    edition_id: i64,
    revision: i64,
    later: Option<Moment>,
    staff_id: Option<i64>,
) -> Result<Moment> {
    let policy = UnknownPolicy::default();
    let fingerprint = None;
    press(site, templates, Press { edition_id, revision, fingerprint, later, policy, staff_id }).await
}

/// Freezes what the sender saw and schedules it: after the minute to undo, or at a later moment. Returns when it goes out.
///
/// # Errors
/// [`Error::NotReady`] with everything that is in the way, [`Error::Changed`] when someone saved another revision since,
/// [`Error::NotAsSeen`] when an article or a setting that it shows changed, [`Error::NotApproved`] where two people are wanted and nobody
/// else asked for it as it is, [`Error::Past`] when the later moment is over,
/// [`Error::AlreadyPressed`] when someone else was first.
pub async fn press(site: &Site, templates: &Templates, press: Press<'_>) -> Result<Moment> {
    let Press { edition_id, revision, fingerprint, later, policy, staff_id } = press;
    let now = site.now();
    if later.is_some_and(|later| later <= now) {
        return Err(Error::Past);
    }
    if later.is_some_and(|later| later.since(now) > FURTHEST) {
        return Err(Error::TooFar);
    }
    let send_at = later.unwrap_or_default().max(now.plus(UNDO));
    let edition = Edition { send_at: Some(send_at), ..load(&site.db, edition_id).await? };
    if edition.state != EditionState::Draft {
        return Err(Error::AlreadyPressed);
    }
    if edition.revision != revision {
        return Err(Error::Changed);
    }
    let settings = Settings::load(&site.db).await?;
    let issue = Issue::load(site, &settings, &edition).await?;
    if let Some(seen) = fingerprint {
        issue.check_seen(seen)?;
    }
    let readers = super::audience_size(site, &edition).await?;
    let (problems, body) = preflight::check(site, templates, &settings, (&edition, readers), &issue).await?;
    let Some(body) = body.filter(|_| !problems.iter().any(Problem::is_in_the_way)) else {
        return Err(Error::NotReady(problems));
    };
    let mut tx = site.db.begin().await?;
    let to = issue.segments.in_words();
    let detail = format!("revision {revision}{to}, goes out {send_at}, unknown outcomes: {policy}");
    match editions::schedule(&mut tx, site, edition_id, send_at, MovedBy { staff_id, detail: &detail }).await
    {
        Ok(()) => {}
        Err(MoveError::WrongState(_)) => return Err(Error::AlreadyPressed),
        Err(error) => return Err(error.into()),
    }
    // Read after the move, which holds the row: a revision saved between the two would be another text than was checked.
    let stand = editions::stand(&mut tx, edition_id).await?.ok_or(Error::NotFound)?;
    if stand.revision != revision {
        return Err(Error::Changed);
    }
    if Settings::load_in(&mut tx).await?.four_eyes {
        four_eyes::approve(&mut tx, site, &edition, &issue.fingerprint(), staff_id).await?;
    }
    approve::approve_articles(&mut tx, &edition, &issue).await?;
    approve::hold_topics(&mut tx, &edition).await?;
    approve::hold_rhythm(&mut tx, &edition).await?;
    approve::approve_segments(&mut tx, &edition, &issue).await?;
    delivery::thaw_variants(&mut tx, edition_id).await?;
    body.freeze(&mut tx, site, (edition_id, revision)).await?;
    editions::set_unknown_policy(&mut tx, edition_id, policy).await?;
    tx.commit().await?;
    Ok(send_at)
}

/// Takes a press of Send back while the edition waits for its moment; it is a draft again, and nothing of it is approved.
///
/// # Errors
/// [`Error::TooLate`] once it is being locked, [`Error::NotAsSeen`] when it is another press than the one at `version`.
pub async fn undo(site: &Site, public_id: &str, version: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    let stood = Stood::hold(&mut tx, edition.id).await?;
    match editions::unschedule(&mut tx, site, edition.id, MovedBy::staff(staff_id)).await {
        Ok(()) => {}
        Err(MoveError::WrongState(_)) => return Err(Error::TooLate),
        Err(error) => return Err(error.into()),
    }
    stood.check(version)?;
    segments::disapprove(&mut tx, edition.id).await?;
    four_eyes::disapprove(&mut tx, edition.id).await?;
    delivery::thaw_variants(&mut tx, edition.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Holds back what has not left yet.
///
/// # Errors
/// [`Error::Move`] unless it is going out.
pub async fn pause(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    editions::pause(&mut tx, site, edition.id, MovedBy::staff(staff_id)).await?;
    tx.commit().await?;
    Ok(())
}

/// What becomes of the copies that failed for what the edition paused by itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They are in line again with the rest.
    TriedAgain,
    /// They stay as they are.
    LeftOut,
}

/// As [`resume`], and says what becomes of the copies for which it paused by itself.
///
/// # Errors
/// As [`resume`].
pub async fn go_on(
    site: &Site,
    templates: &Templates,
    public_id: &str,
    seen: SeenEdition<'_>,
    refused: Refused,
    staff_id: Option<i64>,
) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    if edition.state == EditionState::Paused && refused == Refused::TriedAgain {
        if edition.version() != seen.version {
            return Err(Error::NotAsSeen);
        }
        retry::put_back(site, &edition, staff_id).await?;
    }
    resume(site, templates, public_id, seen, staff_id).await
}

/// Goes on after a pause, or after it was held back; if it was corrected meanwhile, with the corrected version that was seen
/// for everyone whose copy has not left.
///
/// # Errors
/// [`Error::Move`] unless it is paused or held back, [`Error::NotAsSeen`] when it stands otherwise than was seen, or its
/// corrected version reads otherwise, [`Error::StillLeaving`] while copies of the old version are leaving,
/// [`Error::NotReady`] when the corrected version is not, [`Error::NotApproved`] as for [`press`], [`Error::Doubtful`] before somebody said what the database is.
pub async fn resume(
    site: &Site,
    templates: &Templates,
    public_id: &str,
    seen: SeenEdition<'_>,
    staff_id: Option<i64>,
) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let stopped = matches!(edition.state, EditionState::Paused | EditionState::Held);
    if stopped && edition.version() != seen.version {
        return Err(Error::NotAsSeen);
    }
    let is_corrected = stopped && correct::is_corrected(&site.db, &edition).await?;
    if is_corrected {
        let settings = Settings::load(&site.db).await?;
        four_eyes::check(&site.db, &settings, &edition, seen.fingerprint, staff_id).await?;
    }
    let given = if stopped {
        correct::give_to_the_rest(site, templates, &edition, seen.fingerprint).await?
    } else {
        None
    };
    audience::withdraw_run_out(site).await?;
    let mut tx = site.db.begin().await?;
    editions::hold_list(&mut tx, edition.id).await?;
    let stood = Stood::hold(&mut tx, edition.id).await?;
    editions::resume(&mut tx, site, edition.id, MovedBy::staff(staff_id)).await?;
    stood.check(seen.version)?;
    check_at_home(&mut tx, site).await?;
    if is_corrected && given.is_some() && Settings::load_in(&mut tx).await?.four_eyes {
        four_eyes::approve(&mut tx, site, &edition, seen.fingerprint, staff_id).await?;
    }
    if let Some(variant) = given {
        correct::check_the_rest(&mut tx, &edition, variant).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends it: who has no copy yet gets none, and the ledger says why.
///
/// # Errors
/// [`Error::Move`] for drafts and for what has ended already, [`Error::NotAsSeen`] when it stands otherwise than at `version`.
pub async fn cancel(site: &Site, public_id: &str, version: &str, staff_id: Option<i64>) -> Result<()> {
    db::again(|| cancel_once(site, public_id, version, staff_id)).await
}

async fn cancel_once(site: &Site, public_id: &str, version: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    let stood = Stood::hold(&mut tx, edition.id).await?;
    let cancelled = editions::cancel(&mut tx, site, edition.id, MovedBy::staff(staff_id)).await?;
    stood.check(version)?;
    delivery::cancel_open_copies(&mut tx, site, cancelled).await?;
    tx.commit().await?;
    Ok(())
}

/// Holds back everything that would go out by itself, for the database is a restored backup. Returns how many editions.
pub async fn hold_all(tx: &mut Tx, site: &Site, staff_id: Option<i64>) -> Result<usize> {
    Ok(editions::hold_all(tx, site, staff_id).await?)
}

/// How an edition stood before a move, held until the commit: what is not possible any more is said rather than that
/// something changed.
struct Stood(String);

impl Stood {
    async fn hold(tx: &mut Tx, edition_id: i64) -> Result<Self> {
        let stand = editions::stand(tx, edition_id).await?.ok_or(Error::NotFound)?;
        Ok(Self(version(stand.revision, stand.updated_at)))
    }

    fn check(&self, seen: &str) -> Result<()> {
        if self.0 == seen { Ok(()) } else { Err(Error::NotAsSeen) }
    }
}
