//! Pressing Send, the minute in which it can be undone, and the buttons of an edition on its way.
//!
//! Nothing goes out until someone presses Send, and the ledger of deliveries is not begun before the minute is over.
//! Of two people who press, one wins and the other is told so: the state moves in one conditional statement. Each press
//! stands in the audit log with who did it.

use std::time::Duration;

use super::{Edition, Error, Problem, Result, correct, find, load, preflight, store};
use crate::{
    clock::Moment,
    db::{self, Tx},
    delivery::editions::{self, EditionState, MoveError, UnknownPolicy},
    mail::Templates,
    site::Site,
    staff::{Settings, audit},
};

/// How long Send can be undone.
pub const UNDO: Duration = Duration::from_secs(60);

/// What a sender decides.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    /// The edition.
    pub edition_id: i64,
    /// The revision that the sender saw.
    pub revision: i64,
    /// A later moment; none for as soon as the minute to undo is over.
    pub later: Option<Moment>,
    /// What happens to a copy that may have arrived.
    pub policy: UnknownPolicy,
    /// Who presses.
    pub staff_id: Option<i64>,
}

/// As [`press`], with copies that may have arrived sent again.
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
    press(site, templates, Press { edition_id, revision, later, policy, staff_id }).await
}

/// Schedules the revision that the sender saw: after the minute to undo, or at a later moment. Returns when it goes out.
///
/// # Errors
/// [`Error::NotReady`] with everything that is in the way, [`Error::Changed`] when someone saved another revision since,
/// [`Error::AlreadyPressed`] when someone else was first.
pub async fn press(site: &Site, templates: &Templates, press: Press) -> Result<Moment> {
    let Press { edition_id, revision, later, policy, staff_id } = press;
    let edition = load(&site.db, edition_id).await?;
    if edition.state != EditionState::Draft {
        return Err(Error::AlreadyPressed);
    }
    let settings = Settings::load(&site.db).await?;
    let problems = preflight(site, templates, &settings, &edition).await?;
    if problems.iter().any(Problem::is_in_the_way) {
        return Err(Error::NotReady(problems));
    }
    let send_at = later.unwrap_or_default().max(site.now().plus(UNDO));
    let mut tx = site.db.begin().await?;
    match editions::schedule(&mut tx, site, edition_id, send_at, staff_id).await {
        Ok(()) => {}
        Err(MoveError::WrongState(_)) => return Err(Error::AlreadyPressed),
        Err(error) => return Err(error.into()),
    }
    // Read after the move, which holds the row: a revision saved between the two would be another text than was checked.
    let stand = store::stand(&mut tx, edition_id).await?.ok_or(Error::NotFound)?;
    if stand.revision != revision || revision != edition.revision {
        return Err(Error::Changed);
    }
    editions::set_unknown_policy(&mut tx, edition_id, policy).await?;
    let detail = format!("revision {revision}, goes out {send_at}, unknown outcomes: {}", policy.as_str());
    record(&mut tx, site, staff_id, "pressed Send", &edition, &detail).await?;
    tx.commit().await?;
    Ok(send_at)
}

/// Takes a press of Send back while the edition waits for its moment; it is a draft again.
///
/// # Errors
/// [`Error::TooLate`] once it is being locked.
pub async fn undo(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    match editions::unschedule(&mut tx, site, edition.id).await {
        Ok(()) => {}
        Err(MoveError::WrongState(_)) => return Err(Error::TooLate),
        Err(error) => return Err(error.into()),
    }
    record(&mut tx, site, staff_id, "undid Send", &edition, "").await?;
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
    editions::pause(&mut tx, site, edition.id).await?;
    record(&mut tx, site, staff_id, "paused", &edition, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Goes on after a pause, or after it was held back; if it was corrected meanwhile, with the corrected version for everyone
/// whose copy has not left.
///
/// # Errors
/// [`Error::Move`] unless it is paused or held back, [`Error::StillLeaving`] while copies of the old version are leaving,
/// [`Error::NotReady`] when the corrected version is not.
pub async fn resume(
    site: &Site,
    templates: &Templates,
    public_id: &str,
    staff_id: Option<i64>,
) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let stopped = matches!(edition.state, EditionState::Paused | EditionState::Held);
    let given = if stopped { correct::give_to_the_rest(site, templates, &edition).await? } else { None };
    let mut tx = site.db.begin().await?;
    editions::resume(&mut tx, site, edition.id).await?;
    if let Some(variant) = given {
        correct::check_the_rest(&mut tx, &edition, variant).await?;
    }
    record(&mut tx, site, staff_id, "resumed", &edition, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Ends it: who has no copy yet gets none, and the ledger says why.
///
/// # Errors
/// [`Error::Move`] for drafts and for what has ended already.
pub async fn cancel(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<()> {
    db::again(|| cancel_once(site, public_id, staff_id)).await
}

async fn cancel_once(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    editions::cancel(&mut tx, site, edition.id).await?;
    record(&mut tx, site, staff_id, "cancelled", &edition, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Holds back everything that would go out by itself, for the database is a restored backup. Returns how many editions.
///
/// # Errors
/// When the database fails.
pub async fn hold_all(site: &Site) -> Result<usize> {
    let mut tx = site.db.begin().await?;
    let held = editions::hold_all(&mut tx, site).await?;
    for id in &held {
        audit::record(&mut tx, site, None, "held back", &format!("edition number {id}"), "restored").await?;
    }
    tx.commit().await?;
    Ok(held.len())
}

pub(super) async fn record(
    tx: &mut Tx,
    site: &Site,
    staff_id: Option<i64>,
    action: &str,
    edition: &Edition,
    detail: &str,
) -> Result<()> {
    let subject = format!("edition {}", edition.public_id);
    Ok(audit::record(tx, site, staff_id, action, &subject, detail).await?)
}
