//! Sealing: from a scheduled edition to one delivery for every reader of its list.
//!
//! The readers are written down in chunks, in the order of their keys; each chunk is a transaction that first moves the
//! edition's cursor from where this worker saw it. What they get was frozen when Send was pressed, and is never made anew
//! here: sealing names it and dates it. So a crash between two chunks loses and repeats nothing, and of two
//! workers at one chunk the slower finds the cursor moved and writes nothing. Nobody gets a copy before the last chunk is
//! written: the edition is `sending` only then.

use super::{Error, Result, issue::Issue, late, load};
use crate::{
    audience::Audience,
    clock::Moment,
    db::{Gate, Tx},
    delivery::{self, NewDelivery},
    editions::{self, DueEdition, EditionState, HeldBecause},
    heavy::Each,
    mail::Templates,
    origin::{self, Standing},
    segments,
    settings::Settings,
    site::Site,
};

/// How many readers one transaction writes down.
pub const CHUNK: i64 = 1_000;

/// Seals every edition whose moment has come, and those that a process left half sealed; holds those that missed it by too
/// much, or cannot be made into a mail, and tells the owners. Does nothing where the database is not at home. Returns how
/// many it finished.
///
/// # Errors
/// When the database fails; one edition's failure does not keep the others from their readers.
pub async fn seal_due(site: &Site, templates: &Templates) -> Result<usize> {
    let mut sealed = 0;
    // Looked at every second: nearly always nothing is due.
    let due = editions::due(site).await?;
    if due.is_empty() || origin::look(site).await? != Standing::AtHome {
        return Ok(0);
    }
    let settings = Settings::load(&site.db).await?;
    let (mut failed, mut each) = (None, Each::default());
    for due in due {
        match each.one(seal_or_hold(site, templates, &settings, due)).await {
            Some(Ok(done)) => sealed += usize::from(done),
            Some(Err(error)) => failed = Some(error),
            None => {}
        }
    }
    each.end();
    failed.map_or(Ok(sealed), Err)
}

async fn seal_or_hold(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    due: DueEdition,
) -> Result<bool> {
    if late::is_too_late(site, settings, &due) {
        late::hold(site, settings, &due, HeldBecause::Late).await?;
        return Ok(false);
    }
    match seal(site, templates, settings, due).await {
        Err(error @ (Error::Mail(_) | Error::Strange | Error::Segment(_))) => {
            tracing::error!(edition = due.id, %error, "an edition cannot be made into a mail and is held back");
            late::hold(site, settings, &due, HeldBecause::Broken).await?;
            Ok(false)
        }
        done => done,
    }
}

/// Whether it was this call that finished the sealing.
async fn seal(site: &Site, templates: &Templates, settings: &Settings, due: DueEdition) -> Result<bool> {
    if delivery::fingerprint_of(&site.db, due.id, due.revision).await?.is_none() {
        freeze_late(site, templates, settings, due).await?;
    }
    // Whoever is to be left out by what is gone would be mailed.
    if due.cursor == 0
        && let Some(why) = segments::what_is_gone(&site.db, due.id).await?
    {
        return Err(Error::Segment(why));
    }
    // What nobody can read, nobody would get.
    if !delivery::variant_is_whole(site, due.id, due.revision).await? {
        return Err(Error::Strange);
    }
    let mut cursor = due.cursor;
    loop {
        match write_chunk(site, due, cursor).await? {
            Step::Written(to) => cursor = to,
            Step::Finished => {
                tracing::info!(edition = due.id, "edition sealed");
                return Ok(true);
            }
            Step::SomebodyElse => return Ok(false),
        }
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

/// An older program froze nothing when Send was pressed: what it scheduled is frozen when its moment comes.
async fn freeze_late(site: &Site, templates: &Templates, settings: &Settings, due: DueEdition) -> Result<()> {
    let edition = load(&site.db, due.id).await?;
    let body = Issue::load(site, settings, &edition).await?.compile(templates).await?;
    let mut tx = site.db.begin().await?;
    if is_still_ours(&mut tx, due, site.now(), EditionState::Scheduled).await? {
        body.freeze(&mut tx, site, (due.id, due.revision)).await?;
        tx.commit().await?;
    }
    Ok(())
}

pub(super) async fn write_chunk(site: &Site, due: DueEdition, cursor: i64) -> Result<Step> {
    let mut tx = site.db.begin_inside(Gate::Suppressions).await?;
    let readers = Audience::of_due(&due).next(&mut tx, cursor, CHUNK, site.now()).await?;
    let Some(last) = readers.last else {
        let finished = editions::seal_and_start(&mut tx, site, due.id).await?;
        // What a restored backup holds is held again.
        let ours = is_still_ours(&mut tx, due, site.now(), EditionState::Sending).await?
            || is_still_ours(&mut tx, due, site.now(), EditionState::Held).await?;
        if !finished || !ours {
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
    let Some(variant_id) = delivery::frozen_variant(&mut tx, due.id, due.revision).await? else {
        return Ok(Step::SomebodyElse);
    };
    if cursor == 0 {
        delivery::date_variant(&mut tx, site, variant_id).await?;
    }
    let ids: Vec<i64> = readers.members.iter().map(|reader| reader.subscriber_id).collect();
    let seen = segments::parts_seen(&mut tx, variant_id, &ids, site.now()).await?;
    let deliveries = readers.members.into_iter().map(|reader| NewDelivery {
        parts: seen.get(&reader.subscriber_id).copied().unwrap_or_default(),
        subscriber_id: reader.subscriber_id,
        address: reader.email,
        name: reader.name,
        variant_id,
    });
    delivery::write_copies(&mut tx, site, due.id, &deliveries.collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(Step::Written(last))
}

/// An edition that was undone, rewritten and pressed again since we looked carries another revision, and waits for another
/// minute: then what we compiled is not what should go out.
async fn is_still_ours(tx: &mut Tx, due: DueEdition, now: Moment, state: EditionState) -> Result<bool> {
    let stand = editions::stand(tx, due.id).await?;
    Ok(stand.is_some_and(|stand| {
        stand.state == state && stand.revision == due.revision && stand.send_at.is_some_and(|at| at <= now)
    }))
}
