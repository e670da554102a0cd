//! Trying failed copies again, by the reason they failed for.
//!
//! The rule: a copy is tried again only for a reader who is still on the list and whose address is still mailed; the rows
//! and the tallies move in one transaction, so that the equation holds throughout. It carries what readers get now: whoever
//! missed an edition that was corrected since gets the corrected one.

use std::collections::BTreeSet;

use super::{Edition, Error, Result, find, home, rows::FailedClass, store};
use crate::{
    audience::{self, Again},
    bounces::without_addresses,
    clock::Moment,
    db::{self, Db, Gate},
    delivery::{self, Class, Suppressions},
    editions::{self, Deed, EditionState, MovedBy},
    segments,
    site::Site,
};

/// How many copies one transaction moves.
const CHUNK: i64 = 500;
/// How many are looked at in one reading.
const LOOK: i64 = 5_000;

/// The failed copies of an edition by reason, the most frequent first.
pub async fn failed_classes(db: &Db, edition_id: i64) -> db::Result<Vec<FailedClass>> {
    let mut classes = store::failed_classes(db, edition_id).await?;
    for class in &mut classes {
        // The whole team sees this, and not the whole team sees readers.
        class.example = without_addresses(&class.example);
    }
    Ok(classes)
}

/// Puts the failed copies of one reason, or of every reason where `class` is empty, back in line, with the newest revision that
/// was let go out; an edition that was finished is sending again. Returns how many: fewer than failed where readers left since,
/// or their address bounced or complained.
///
/// # Errors
/// [`Error::Move`] unless the edition is finished, sending or paused, [`Error::NotAsSeen`] when readers get another revision
/// now than the one that was seen, [`Error::Doubtful`] before somebody said what the database is.
pub async fn retry_failed(
    site: &Site,
    public_id: &str,
    (class, revision): (&str, i64),
    staff_id: Option<i64>,
) -> Result<u64> {
    let edition = find(&site.db, public_id).await?;
    if !class.is_empty() {
        return again(site, &edition, Failed::For { class, revision }, staff_id).await;
    }
    let mut retried = 0;
    for failed in store::failed_classes(&site.db, edition.id).await? {
        let class = failed.class.as_str();
        retried += again(site, &edition, Failed::For { class, revision }, staff_id).await?;
    }
    Ok(retried)
}

/// Copies that may have arrived and would really be sent again, as far as can be seen now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubted {
    /// How many.
    pub copies: i64,
    /// Since when the newest of them is in doubt.
    pub newest: Moment,
}

/// Which copies of an edition may have arrived, and can be sent again: not those of which somebody said that they did, of readers
/// who left, to addresses that are not mailed any more, or of which a correction was written.
pub async fn doubted(site: &Site, edition: &Edition) -> db::Result<Doubted> {
    let (mut after, mut found) = (0, Doubted::default());
    loop {
        let copies =
            audience::still_doubted(&site.db, (edition.id, edition.list_id), (after, LOOK), site.now())
                .await?;
        let Some((last, ..)) = copies.last() else { return Ok(found) };
        after = *last;
        let stopped = Suppressions::new(site).among_now(copies.iter().map(|(_, address, _)| address)).await?;
        for ((_, _, since), _) in copies.iter().zip(stopped).filter(|(_, why)| why.is_none()) {
            found.copies += 1;
            found.newest = found.newest.max(*since);
        }
    }
}

/// Puts the copies that may have arrived, and of which the newest that was seen is in doubt since `newest`, back in line; who got
/// theirs may get it once more. Returns how many.
///
/// # Errors
/// As [`retry_failed`]; [`Error::NotAsSeen`] also when others came in doubt since.
pub async fn retry_doubted(
    site: &Site,
    public_id: &str,
    (revision, newest): (i64, Moment),
    staff_id: Option<i64>,
) -> Result<u64> {
    let edition = find(&site.db, public_id).await?;
    if doubted(site, &edition).await?.newest > newest {
        return Err(Error::NotAsSeen);
    }
    again(site, &edition, Failed::InDoubt { revision, newest }, staff_id).await
}

/// Failed copies that would really be tried again, as far as can be seen now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retryable {
    /// The reasons of which there are any.
    pub classes: BTreeSet<Class>,
    /// How many failed for what the edition paused by itself for; letting it go on puts them back.
    pub for_pause: i64,
}

/// Which failed copies of an edition would be tried again: not those of readers who left, nor to addresses that are not mailed
/// any more, such as those that somebody said are gone.
pub async fn retryable(site: &Site, edition_id: i64) -> db::Result<Retryable> {
    let (mut after, mut found) = (0, Retryable::default());
    loop {
        let failed = audience::still_failed(&site.db, edition_id, (after, LOOK), site.now()).await?;
        let Some(last) = failed.last() else { return Ok(found) };
        after = last.subscriber_id;
        let stopped = Suppressions::new(site).among_now(failed.iter().map(|copy| &copy.address)).await?;
        for (copy, _) in failed.into_iter().zip(stopped).filter(|(_, why)| why.is_none()) {
            found.for_pause += copy.for_pause;
            found.classes.insert(copy.class);
        }
    }
}

/// Puts them back. The edition stays paused; broken off in between, the next press puts back the rest.
pub(super) async fn put_back(site: &Site, edition: &Edition, staff_id: Option<i64>) -> Result<u64> {
    again(site, edition, Failed::ForThePause, staff_id).await
}

/// Which copies are tried again.
#[derive(Clone, Copy)]
enum Failed<'a> {
    /// Those of one reason, with the revision that was seen.
    For { class: &'a str, revision: i64 },
    /// Those that may have arrived, with the revision and the newest of them that were seen.
    InDoubt { revision: i64, newest: Moment },
    /// Those that stopped the edition.
    ForThePause,
}

async fn again(site: &Site, edition: &Edition, which: Failed<'_>, staff_id: Option<i64>) -> Result<u64> {
    let suppressions = Suppressions::new(site);
    let (mut after, mut retried) = (0, 0);
    loop {
        let mut tx = site.db.begin_inside(Gate::Suppressions).await?;
        let wanted = match which {
            Failed::For { class, .. } => Again::FailedFor(class),
            Failed::InDoubt { newest, .. } => Again::InDoubt(newest),
            Failed::ForThePause => Again::FailedForThePause,
        };
        let failed = audience::still_wanted(
            &mut tx,
            (edition.id, edition.list_id),
            wanted,
            (after, CHUNK),
            site.now(),
        )
        .await?;
        let Some(last) = failed.last else { break };
        after = last;
        let failed = failed.members;
        let stopped = suppressions.among(&mut tx, failed.iter().map(|(_, address)| address)).await?;
        let wanted: Vec<i64> =
            failed.iter().zip(stopped).filter_map(|((id, _), why)| why.is_none().then_some(*id)).collect();
        if wanted.is_empty() {
            continue;
        }
        home::check_at_home(&mut tx, site).await?;
        match which {
            Failed::For { .. } | Failed::InDoubt { .. } => {
                editions::reopen(&mut tx, site, edition.id).await?;
            }
            Failed::ForThePause => {
                if editions::state_for_update(&mut tx, edition.id).await? != EditionState::Paused {
                    return Err(Error::NotAsSeen);
                }
            }
        }
        // Read after the move, which holds the edition: nobody lets a correction go on between the two.
        let (variant, newest) = store::newest_body(&mut tx, edition.id).await?.ok_or(Error::NotFound)?;
        let why = match which {
            Failed::For { revision, .. } | Failed::InDoubt { revision, .. } if newest != revision => {
                return Err(Error::NotAsSeen);
            }
            Failed::For { class, .. } => class,
            Failed::InDoubt { .. } => "they may have arrived",
            Failed::ForThePause => "what it paused for",
        };
        let moved = match which {
            Failed::InDoubt { .. } => {
                delivery::retry_doubted_copies(&mut tx, site, edition.id, &wanted).await?
            }
            _ => {
                let seen = segments::parts_seen(&mut tx, variant, &wanted, site.now()).await?;
                delivery::retry_copies(&mut tx, site, (edition.id, variant), &wanted, &seen).await?
            }
        };
        delivery::returned_tried_again(&mut tx, edition.id, &wanted).await?;
        let kind = if matches!(which, Failed::InDoubt { .. }) { "in doubt" } else { "that failed" };
        let detail = format!("{moved} copies {kind}: {why}, revision {newest}");
        let by = MovedBy { staff_id, detail: &detail };
        editions::record(&mut tx, site, &edition.public_id, Deed::TriedAgain, by).await?;
        tx.commit().await?;
        retried += moved;
    }
    Ok(retried)
}
