//! Sealing: from a scheduled edition to one delivery for every reader of its list.
//!
//! The readers are written down in chunks, in the order of their keys; each chunk is a transaction that first moves the
//! edition's cursor from where this worker saw it. So a crash between two chunks loses and repeats nothing, and of two
//! workers at one chunk the slower finds the cursor moved and writes nothing. Nobody gets a copy before the last chunk is
//! written: the edition is `sending` only then.

use super::{Edition, Error, Result, issue, late, load, store};
use crate::{
    clock::Moment,
    db::{Gate, Tx},
    delivery::{
        editions::{self, DueEdition, EditionState},
        ledger::{self, NewDelivery},
        origin::{self, Standing},
        variant::{self, Headers},
    },
    mail::{Compiled, Templates},
    site::Site,
    staff::Settings,
    subscribers::{self, Recipient},
};

/// How many readers one transaction writes down.
pub const CHUNK: i64 = 1_000;

/// The one version every reader of an edition gets.
const EVERYONE: &str = "everyone";

/// Seals every edition whose moment has come, and those that a process left half sealed; holds those that missed it by too
/// much. Does nothing where the database is not at home. Returns how many it finished.
///
/// # Errors
/// When the database fails. An edition that cannot be made into a mail is logged and does not stop the others.
pub async fn seal_due(site: &Site, templates: &Templates) -> Result<usize> {
    let mut sealed = 0;
    if origin::look(site).await? != Standing::AtHome {
        return Ok(0);
    }
    let settings = Settings::load(&site.db).await?;
    for due in editions::due(site).await? {
        if late::is_too_late(site, &settings, &due) {
            late::hold(site, &settings, &due).await?;
            continue;
        }
        match seal(site, templates, due).await {
            Ok(true) => sealed += 1,
            Ok(false) => {}
            Err(Error::Database(error)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(edition = due.id, %error, "an edition cannot be made into a mail");
            }
        }
    }
    Ok(sealed)
}

/// Whether it was this call that finished the sealing.
async fn seal(site: &Site, templates: &Templates, due: DueEdition) -> Result<bool> {
    let body = Body::compile(site, templates, due).await?;
    let mut cursor = due.cursor;
    loop {
        match write_chunk(site, due, &body, cursor).await? {
            Step::Written(to) => cursor = to,
            Step::Finished => {
                tracing::info!(edition = due.id, "edition sealed");
                return Ok(true);
            }
            Step::SomebodyElse => return Ok(false),
        }
    }
}

/// What every copy shares. Compiling the same revision again, after a crash, finds the body that was frozen first.
pub(super) struct Body {
    headers: Headers,
    compiled: Compiled,
}

impl Body {
    pub(super) async fn compile(site: &Site, templates: &Templates, due: DueEdition) -> Result<Self> {
        Self::of_revision(site, templates, &load(&site.db, due.id).await?).await
    }

    /// Of the revision that the edition was loaded with.
    pub(super) async fn of_revision(site: &Site, templates: &Templates, edition: &Edition) -> Result<Self> {
        let settings = Settings::load(&site.db).await?;
        let compiled = issue::compiled(site, templates, &settings, edition).await?;
        let headers = Headers {
            from_name: settings.sender_name().to_owned(),
            from_email: settings.sender_email().to_owned(),
            reply_to: settings.contact_email.clone(),
            edition: edition.public_id.clone(),
            date: site.now(),
            list_id: edition.list_id,
            list: edition.list_public_id.clone(),
            list_slug: edition.list_slug.clone(),
            list_name: edition.list_name.clone(),
        };
        Ok(Self { headers, compiled })
    }

    /// Freezes it as that revision, and returns its id; what was frozen before stays.
    pub(super) async fn freeze_as(
        &self,
        tx: &mut Tx,
        site: &Site,
        edition_id: i64,
        revision: i64,
    ) -> Result<i64> {
        Ok(variant::freeze(tx, site, (edition_id, revision, EVERYONE), &self.headers, &self.compiled).await?)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The chunk up to this reader is written.
    Written(i64),
    /// There was nobody left, and the edition is on its way.
    Finished,
    /// Another worker, or somebody at the desk, moved it meanwhile.
    SomebodyElse,
}

pub(super) async fn write_chunk(site: &Site, due: DueEdition, body: &Body, cursor: i64) -> Result<Step> {
    let mut tx = site.db.begin_inside(Gate::Suppressions).await?;
    let readers = audience(&mut tx, due, cursor).await?;
    let Some(last) = readers.last().map(|reader| reader.subscriber_id) else {
        let finished = editions::seal_and_start(&mut tx, site, due.id).await?;
        if !finished || !is_still_ours(&mut tx, due, site.now(), EditionState::Sending).await? {
            return Ok(Step::SomebodyElse);
        }
        tx.commit().await?;
        return Ok(Step::Finished);
    };
    // The move of the cursor holds the edition's row until the commit, so what is read of it next stays true.
    let moved = editions::advance_seal(&mut tx, site, due.id, cursor, last).await?;
    if !moved || !is_still_ours(&mut tx, due, site.now(), EditionState::Scheduled).await? {
        return Ok(Step::SomebodyElse);
    }
    let variant_id = body.freeze_as(&mut tx, site, due.id, due.revision).await?;
    let deliveries = readers.into_iter().map(|reader| NewDelivery {
        subscriber_id: reader.subscriber_id,
        address: reader.email,
        name: reader.name,
        variant_id,
    });
    ledger::write_rows(&mut tx, site, due.id, &deliveries.collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(Step::Written(last))
}

/// The next readers: of the list, or of the version that is corrected.
async fn audience(tx: &mut Tx, due: DueEdition, after: i64) -> Result<Vec<Recipient>> {
    Ok(match due.corrects_edition_id.zip(due.corrects_revision) {
        Some(wrong) => store::corrected(tx, wrong, due.list_id, after, CHUNK).await?,
        None => subscribers::audience(tx, due.list_id, after, CHUNK).await?,
    })
}

/// An edition that was undone, rewritten and pressed again since we looked carries another revision, and waits for another
/// minute: then what we compiled is not what should go out.
async fn is_still_ours(tx: &mut Tx, due: DueEdition, now: Moment, state: EditionState) -> Result<bool> {
    let stand = store::stand(tx, due.id).await?;
    Ok(stand.is_some_and(|stand| {
        stand.state == state && stand.revision == due.revision && stand.send_at.is_some_and(|at| at <= now)
    }))
}
