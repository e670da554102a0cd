//! The ledger: one row a delivery, and the tallies that move with the rows.
//!
//! Everybody takes locks in one order, so that nobody waits in a circle on PostgreSQL: the gate of suppressions, readers, their subscriptions,
//! the edition's row, the gate of copies, copies (one reader's by edition), tallies (by edition and state, worker 0 for who
//! is no worker). Who changes many copies of an edition that may be claimed closes the gate of copies first; feeders need no gate,
//! for they wait for no copy.

use std::collections::{BTreeMap, HashMap};

pub use super::store::ledger::{Claim, CopyLine, LoggedAttempt, WaitingCopy};
use super::{
    states::{AttemptOutcome, Class, CopyState},
    store::{
        domains,
        ledger::{self as store, Key, Record},
        moves::{self, Moves, Row},
        pace::Slowed,
    },
    suppression::{StopReason, Suppressions},
};
use crate::{
    clock::Moment,
    db::{Db, Gate, Result, Tx},
    editions::Cancelled,
    email_address::EmailAddress,
    origin,
    site::Site,
};

/// One member of the audience, to be frozen into the ledger.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub subscriber_id: i64,
    /// The address as it stands now.
    pub address: EmailAddress,
    /// The name as it stands now; may be empty.
    pub name: String,
    /// The frozen body they get.
    pub variant_id: i64,
    /// Which of its parts they see that are not for everybody, as bits.
    pub parts: i64,
}

/// Writes the rows of a chunk of the audience; whoever is suppressed is written as suppressed, with the reason.
///
/// A subscriber who has a row already gets no second one.
pub async fn write_rows(
    tx: &mut Tx,
    site: &Site,
    edition_id: i64,
    deliveries: &[NewDelivery],
) -> Result<u64> {
    let addresses = deliveries.iter().map(|delivery| &delivery.address);
    let suppressed = Suppressions::new(site).among(tx, addresses).await?;
    let rows: Vec<_> =
        deliveries.iter().zip(suppressed).map(|(delivery, reason)| row(delivery, reason)).collect();
    let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        *domains.entry(row.3).or_default() += 1;
    }
    domains::note(tx, &domains.keys().copied().collect::<Vec<_>>()).await?;
    domains::write(tx, edition_id, domains).await?;
    let mut moves = Moves::of_nobody();
    let written = moves::insert(tx, &mut moves, edition_id, &rows, site.now()).await?;
    moves.write(tx).await?;
    Ok(written)
}

fn row(delivery: &NewDelivery, reason: Option<StopReason>) -> Row<'_> {
    let class = reason.map(Class::from);
    let state = if class.is_some() { CopyState::Suppressed } else { CopyState::Queued };
    let NewDelivery { subscriber_id, address, name, variant_id, parts } = delivery;
    (*subscriber_id, address.as_str(), name, address.domain(), *variant_id, state, class, *parts)
}

/// A reader left one list, or all: nothing more is begun for them, from this commit on (TRUST T3).
pub async fn withdraw(tx: &mut Tx, site: &Site, subscriber_id: i64, list_id: Option<i64>) -> Result<u64> {
    withdraw_because(tx, site, subscriber_id, list_id, Class::Left).await
}

/// The same for another reason than leaving, which the rows keep.
pub async fn withdraw_because(
    tx: &mut Tx,
    site: &Site,
    subscriber_id: i64,
    list_id: Option<i64>,
    class: Class,
) -> Result<u64> {
    if moves::open_editions(tx, subscriber_id, list_id).await? > 1 {
        // A worker may write several of them down in its own order.
        tx.close(Gate::Copies).await?;
    }
    let mut moves = Moves::of_nobody();
    let withdrawn = moves::withdraw(tx, &mut moves, (subscriber_id, list_id), class, site.now()).await?;
    moves.write(tx).await?;
    Ok(withdrawn)
}

/// A reader is forgotten: what waits for them is withdrawn, what is on its way is not tried again, and the rows, which audits recount,
/// say no more whose they were. Whoever calls has closed the gate of suppressions and holds the reader.
pub async fn forget_reader(tx: &mut Tx, site: &Site, subscriber_id: i64) -> Result<()> {
    // A worker may write several of them down in its own order.
    tx.close(Gate::Copies).await?;
    let mut moves = Moves::of_nobody();
    moves::withdraw(tx, &mut moves, (subscriber_id, None), Class::Erased, site.now()).await?;
    moves::forget_reader(tx, subscriber_id).await?;
    moves.write(tx).await
}

/// The copies of an edition that are open when it is cancelled are not mailed, and their rows say why.
pub async fn cancel_open(tx: &mut Tx, site: &Site, edition: Cancelled) -> Result<()> {
    tx.close(Gate::Copies).await?;
    let mut moves = Moves::of_nobody();
    moves::cancel(tx, &mut moves, edition.id(), site.now()).await?;
    moves.write(tx).await
}

/// Puts failed copies back in line for a whole run of tries; how many there were. Whether their readers still want them is
/// for the caller to know, who is inside the gate of suppressions and has reopened the edition; and which parts of the body each sees.
pub async fn retry(
    tx: &mut Tx,
    site: &Site,
    edition: (i64, i64),
    subscribers: &[i64],
    parts: &HashMap<i64, i64>,
) -> Result<u64> {
    let mut moves = Moves::of_nobody();
    let retried = moves::retry(tx, &mut moves, edition, (subscribers, parts), site.now()).await?;
    moves.write(tx).await?;
    Ok(retried)
}

/// The same for copies that may have arrived, as they are: their readers may get two, under one Message-ID.
pub async fn retry_doubted(tx: &mut Tx, site: &Site, edition_id: i64, subscribers: &[i64]) -> Result<u64> {
    let mut moves = Moves::of_nobody();
    let retried = moves::retry_doubted(tx, &mut moves, edition_id, subscribers, site.now()).await?;
    moves.write(tx).await?;
    Ok(retried)
}

/// Who of an edition's audience has that address.
pub async fn subscriber_at(db: &Db, edition_id: i64, address: &EmailAddress) -> Result<Option<i64>> {
    store::subscriber_at(db, edition_id, address).await
}

/// Copies that wait, of subscribers after one and up to another, in the order in which they leave.
pub async fn waiting(
    tx: &mut Tx,
    edition_id: i64,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<WaitingCopy>> {
    store::waiting(tx, edition_id, (after, to), limit).await
}

/// Copies that wait, and left before the backup was restored in which they wait: they may have arrived. How many there were.
pub async fn had_before(tx: &mut Tx, site: &Site, edition_id: i64, subscribers: &[i64]) -> Result<u64> {
    let mut moves = Moves::of_nobody();
    let had = moves::had_before(tx, &mut moves, edition_id, subscribers, site.now()).await?;
    moves.write(tx).await?;
    Ok(had)
}

/// How many copies of an edition were said to have left before.
pub async fn had_before_count(db: &Db, edition_id: i64) -> Result<i64> {
    store::had_before_count(db, edition_id).await
}

/// Some of them, at most so many, wait again. How many there were.
pub async fn had_not_before(tx: &mut Tx, site: &Site, edition_id: i64, limit: i64) -> Result<u64> {
    let mut moves = Moves::of_nobody();
    let had_not = moves::had_not_before(tx, &mut moves, edition_id, limit, site.now()).await?;
    moves.write(tx).await?;
    Ok(had_not)
}

/// The end of the next chunk of open copies, after a subscriber, that have another body than this one.
pub async fn behind(
    db: &Db,
    edition_id: i64,
    variant_id: i64,
    after: i64,
    limit: i64,
) -> Result<Option<i64>> {
    store::behind(db, edition_id, variant_id, after, limit).await
}

/// Gives the open copies of a chunk of an edition that is not sending another body. What a worker had claimed and not
/// begun is taken from it: in its memory it still holds the old one. Returns whose copies have it now: which parts of it they see is for
/// the caller to say ([`set_parts`](super::set_parts)).
pub async fn repoint(
    tx: &mut Tx,
    site: &Site,
    (edition_id, variant_id): (i64, i64),
    chunk: (i64, i64),
) -> Result<Vec<i64>> {
    tx.close(Gate::Copies).await?;
    let mut moves = Moves::of_nobody();
    let given = moves::repoint(tx, &mut moves, (edition_id, variant_id), chunk, site.now()).await?;
    moves.write(tx).await?;
    Ok(given)
}

/// How many open copies have another body than this one, or are leaving at this moment.
pub async fn not_yet(tx: &mut Tx, edition_id: i64, variant_id: i64) -> Result<i64> {
    store::not_yet(tx, edition_id, variant_id).await
}

/// Everything that happened to one copy, oldest first, with the server's own words.
pub async fn attempts(db: &Db, edition_id: i64, subscriber_id: i64) -> Result<Vec<LoggedAttempt>> {
    store::attempts(db, edition_id, subscriber_id).await
}

/// What a worker claims of an edition.
pub(super) struct Wish<'a> {
    /// How many copies that wait for nobody.
    pub(super) limit: i64,
    /// How many of each lane.
    pub(super) lanes: &'a [(String, i64)],
    /// The lane in which a domain's copies are to wait, if it is slowed.
    pub(super) lane_of: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// What it was given.
#[derive(Default)]
pub(super) struct Claimed {
    pub(super) claims: Vec<Claim>,
    /// What came from each of the lanes.
    pub(super) in_lanes: Vec<Vec<Claim>>,
    /// How many copies were found to be those of slowed domains, and wait in their lanes from now on.
    pub(super) waiting: usize,
}

impl Claimed {
    pub(super) fn len(&self) -> usize {
        self.claims.len() + self.in_lanes.iter().map(Vec::len).sum::<usize>()
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Claim> {
        self.claims.iter_mut().chain(self.in_lanes.iter_mut().flatten())
    }
}

pub(super) async fn claim(
    tx: &mut Tx,
    (worker, edition): (i64, i64),
    wish: Wish<'_>,
    now: Moment,
) -> Result<Claimed> {
    let mut claimed = Claimed::default();
    // Away from home nothing is given out (TRUST T10).
    if origin::is_stranger(tx, worker).await? {
        return Ok(claimed);
    }
    let mut moves = Moves::of(worker);
    for (lane, limit) in wish.lanes {
        claimed.in_lanes.push(moves::claim_in_lane(tx, &mut moves, edition, (lane, *limit), now).await?);
    }
    if wish.limit > 0 {
        (claimed.claims, claimed.waiting) =
            moves::claim(tx, &mut moves, edition, wish.limit, now, wish.lane_of).await?;
    }
    moves.write(tx).await?;
    Ok(claimed)
}

/// Copies that wait in a domain's lane go into its provider's: some hundreds of each, the others the next time.
pub(super) async fn join_lanes(tx: &mut Tx, edition: i64, joined: &[(String, String)]) -> Result<()> {
    for (lane, provider) in joined {
        store::join_lane(tx, edition, (lane, provider)).await?;
    }
    Ok(())
}

/// The lanes in which copies of an edition wait for domains that asked for patience, and when the first of each is due.
pub(super) async fn lanes(db: &Db, edition: i64) -> Result<Vec<(String, Moment)>> {
    store::lanes(db, edition).await
}

/// Records outcomes; `false` if some were not the worker's own any more: then the transaction must not be committed.
pub(super) async fn record(tx: &mut Tx, worker: i64, records: &[&Record]) -> Result<bool> {
    if records.is_empty() {
        return Ok(true);
    }
    let held = hold_after_doubts(tx, records).await?;
    let judged = |record: &&'_ Record| held.iter().position(|held| held.key() == record.key());
    let records: Vec<&Record> =
        records.iter().map(|record| judged(record).map_or(*record, |at| &held[at])).collect();
    let mut moves = Moves::of(worker);
    if !moves::record(tx, &mut moves, &records).await? {
        return Ok(false);
    }
    let unsaid = of_the_forgotten(tx, &records).await?;
    let said = records.iter().map(|record| {
        let instead = unsaid.iter().find(|unsaid| unsaid.key() == record.key());
        instead.unwrap_or(record)
    });
    store::log(tx, worker, said).await?;
    moves.write(tx).await?;
    Ok(true)
}

/// What a server says of a copy whose reader was forgotten while it was on its way, without its words: they may name them. The copies
/// are held.
async fn of_the_forgotten(tx: &mut Tx, records: &[&Record]) -> Result<Vec<Record>> {
    let may_name =
        |record: &&&Record| record.outcome != AttemptOutcome::Accepted || record.reply.contains('@');
    let keys: Vec<Key> = records.iter().filter(may_name).map(|record| record.key()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let forgotten = store::of_forgotten(tx, &keys).await?;
    let theirs =
        records.iter().filter(|record| forgotten.contains(&(record.edition_id, record.subscriber_id)));
    Ok(theirs.map(|record| Record { reply: String::new(), ..(*record).clone() }).collect())
}

/// A copy that was in doubt for the third time is not sent again, whatever the policy: some servers take every message and never
/// say so, and its reader would get one more each time. Staff decide.
async fn hold_after_doubts(tx: &mut Tx, records: &[&Record]) -> Result<Vec<Record>> {
    let again =
        |record: &&&Record| record.outcome == AttemptOutcome::Unknown && record.state == CopyState::Queued;
    let keys: Vec<Key> = records.iter().filter(again).map(|record| record.key()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let often = store::often_in_doubt(tx, &keys).await?;
    let held = records.iter().filter(again).filter(|record| {
        let Record { edition_id, subscriber_id, .. } = record;
        often.contains(&(*edition_id, *subscriber_id))
    });
    Ok(held
        .map(|record| Record { state: CopyState::Unknown, class: Some(Class::NoAnswer), ..(*record).clone() })
        .collect())
}

/// Ends some copies that wait in the lane of a domain with which our patience is at its end, by what the domain says. How many; 0
/// also if it has taken something meanwhile, or the edition was stopped or let go on since `before`.
pub(super) async fn exhaust(
    tx: &mut Tx,
    site: &Site,
    (worker, edition): (i64, i64),
    lane: &Slowed,
    (before, limit): (Moment, i64),
) -> Result<usize> {
    let mut moves = Moves::of(worker);
    let ended = moves::exhaust(tx, &mut moves, edition, lane, (before, site.now()), limit).await?;
    if ended.is_empty() {
        return Ok(0);
    }
    store::log_given_up(tx, (worker, edition), &ended, &lane.words, site.now()).await?;
    moves.write(tx).await?;
    Ok(ended.len())
}

/// Sets the markers of claims, each given with the hash of its address; `false` if some may not be begun: then the
/// transaction must not be committed.
pub(super) async fn mark(tx: &mut Tx, worker: i64, marks: &[(Key, &str)]) -> Result<bool> {
    Ok(marks.is_empty() || store::mark(tx, worker, marks).await? == marks.len() as u64)
}

/// Ends claims of the worker that were not begun, each with the word for why its address is stopped.
pub(super) async fn stop(tx: &mut Tx, worker: i64, stopped: &[(Key, &str)]) -> Result<()> {
    if stopped.is_empty() {
        return Ok(());
    }
    let mut moves = Moves::of(worker);
    moves::stop(tx, &mut moves, stopped).await?;
    moves.write(tx).await
}

/// Copies of an edition, in order of subscriber id, after `after`.
pub async fn copies(db: &Db, edition_id: i64, after: i64, limit: i64) -> Result<Vec<CopyLine>> {
    store::copies(db, edition_id, after, limit).await
}

/// One reader's copy of an edition, if they are in its audience.
pub async fn copy(db: &Db, edition_id: i64, subscriber_id: i64) -> Result<Option<CopyLine>> {
    store::copy(db, edition_id, subscriber_id).await
}
