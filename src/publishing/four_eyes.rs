//! Four eyes, where the house has switched them on: an edition goes out when two people have approved the very same mail.
//!
//! The rule: whoever prepared it asks, for its mail as it is at that moment, by its fingerprint; somebody else who may send presses Send.
//! Whatever changes what readers get, in the edition, an article or the settings, makes another fingerprint, and has to be asked for
//! again: so nobody who changed it last sends it alone.

pub use super::rows::AskedFor;
use super::{Edition, Error, Result, issue, store};
use crate::{
    clock::Moment,
    db::{self, Db, Tx},
    editions::{self, Deed, EditionState, MovedBy},
    settings::Settings,
    site::Site,
};

/// Whether an edition, whose mail has that fingerprint now, may be sent by somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// One person is enough in this house.
    NotWanted,
    /// Nobody has asked for it as it is now; `before` says who asked for it as it was.
    Missing { before: Option<String> },
    /// They asked themselves: somebody else approves.
    Own,
    /// Somebody else asked, then: pressing Send approves.
    Asked { by: String, at: Moment },
}

/// How an edition stands, for somebody who looks at its mail with that fingerprint.
///
/// # Errors
/// When the database fails.
pub async fn approval_of(
    db: &Db,
    settings: &Settings,
    edition: &Edition,
    fingerprint: &str,
    staff_id: i64,
) -> db::Result<Approval> {
    if !settings.four_eyes {
        return Ok(Approval::NotWanted);
    }
    Ok(match store::asked_for(db, edition.id).await? {
        Some(asked) if (asked.revision, &*asked.fingerprint) != (edition.revision, fingerprint) => {
            Approval::Missing { before: Some(asked.asker) }
        }
        Some(asked) if asked.asked_by == staff_id => Approval::Own,
        Some(asked) => Approval::Asked { by: asked.asker, at: asked.asked_at },
        None => Approval::Missing { before: None },
    })
}

/// The drafts that wait for somebody's approval as they were asked for, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn waiting_for_approval(db: &Db, limit: i64) -> db::Result<Vec<AskedFor>> {
    store::waiting_for_approval(db, limit).await
}

/// Asks that somebody else approves an edition as it was seen, in the place of whoever asked before.
///
/// # Errors
/// [`Error::NotAsSeen`] when its mail is another one by now, or it is neither a draft nor stopped.
pub async fn ask_for_approval(
    site: &Site,
    settings: &Settings,
    edition: &Edition,
    fingerprint: &str,
    staff_id: i64,
) -> Result<()> {
    if !matches!(edition.state, EditionState::Draft | EditionState::Paused | EditionState::Held) {
        return Err(Error::NotAsSeen);
    }
    if issue::fingerprint(site, settings, edition).await? != fingerprint {
        return Err(Error::NotAsSeen);
    }
    let now = site.now();
    let mut tx = site.db.begin().await?;
    let stand = editions::stand(&mut tx, edition.id).await?.ok_or(Error::NotFound)?;
    if (stand.state, stand.revision) != (edition.state, edition.revision) {
        return Err(Error::NotAsSeen);
    }
    store::ask_for_approval(&mut tx, (edition.id, edition.revision), fingerprint, staff_id, now).await?;
    let detail = format!("revision {}", edition.revision);
    let by = MovedBy { staff_id: Some(staff_id), detail: &detail };
    editions::record(&mut tx, site, &edition.public_id, Deed::AskedForApproval, by).await?;
    tx.commit().await?;
    Ok(())
}

/// A press was taken back: nobody asks for anything any more.
pub(super) async fn disapprove(tx: &mut Tx, edition: i64) -> Result<()> {
    Ok(store::disapprove(tx, edition).await?)
}

/// Before a corrected edition is given to the rest: refuses what [`approve`] would refuse then.
pub(super) async fn check(
    db: &Db,
    settings: &Settings,
    edition: &Edition,
    fingerprint: &str,
    staff_id: Option<i64>,
) -> Result<()> {
    match approval_of(db, settings, edition, fingerprint, staff_id.unwrap_or_default()).await? {
        Approval::NotWanted | Approval::Asked { .. } => Ok(()),
        Approval::Own | Approval::Missing { .. } => Err(Error::NotApproved),
    }
}

/// In the transaction that lets an edition go: whoever does approves what somebody else asked for, or it does not go.
pub(super) async fn approve(
    tx: &mut Tx,
    site: &Site,
    edition: &Edition,
    fingerprint: &str,
    staff_id: Option<i64>,
) -> Result<()> {
    let as_seen = (edition.id, edition.revision, fingerprint);
    let approved = store::approve(tx, as_seen, staff_id, site.now()).await?;
    let asker = approved.ok_or(Error::NotApproved)?;
    let detail = format!("asked for by {asker}");
    let by = MovedBy { staff_id, detail: &detail };
    Ok(editions::record(tx, site, &edition.public_id, Deed::Approved, by).await?)
}
