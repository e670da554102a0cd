//! Going on with an act by itself: what would become of everybody, doing it, taking it back.

use std::time::Duration;

use super::{
    filter::ReaderFilter,
    store::{self, BulkAct, BulkState},
};
use crate::{
    audit_log,
    clock::{Moment, Stopwatch},
    db,
    queue::{self, Came, Due, Queue, Work, Worked},
    segments::SegmentPage,
    site::Site,
    subscribers::{self, BulkOutcome, BulkSums, InBulk},
    withdrawals,
};

/// So many readers are looked at at once.
const LOOKED_AT: i64 = 500;
/// So many are changed in a step, at least and at most, and in the first one.
const STEPS: (usize, usize) = (5, 400);
const FIRST: usize = 50;
/// How far the counting is, is written down so often.
const NOTED_EVERY: Duration = Duration::from_secs(1);
const LEASE: Duration = queue::BULK.lease;

/// Goes on with every act that waits for it.
///
/// # Errors
/// When the database fails; each goes on where it was at its next turn.
pub async fn go_on(site: &Site) -> db::Result<Worked> {
    queue::work(site, &InTurn).await
}

struct InTurn;

/// Which one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct Which {
    id: i64,
}

impl Work for InTurn {
    type What = Which;

    fn queue(&self) -> &'static Queue {
        &store::BULK_IN_TURN
    }

    async fn work(&self, site: &Site, due: &Due<Which>) -> db::Result<Came> {
        let claim = due.next_at;
        if let Some(act) = store::by_id(&site.db, due.what.id).await? {
            match act.state {
                BulkState::Counting => count(site, &act, claim).await?,
                BulkState::Running => run(site, &act, claim).await?,
                BulkState::Undoing => take_back(site, &act, claim).await?,
                _ => {}
            }
        }
        Ok(Came::Done)
    }
}

impl BulkAct {
    fn what(&self) -> InBulk<'_> {
        InBulk {
            act: self.id,
            deed: self.deed,
            list: self.list_id.unwrap_or(0),
            topic: self.topic_id.unwrap_or(0),
            until: self.until,
            source: &self.why,
        }
    }
}

/// Finds out what would become of everybody, and writes nothing but that.
async fn count(site: &Site, act: &BulkAct, mut claim: Moment) -> db::Result<()> {
    let filter = ReaderFilter::read(&act.filter)?;
    let (mut before, mut sums) = (act.reached, act.sums()?);
    let mut watch = Stopwatch::start();
    loop {
        let SegmentPage { readers, last } = filter.page(site, before, LOOKED_AT).await?;
        sums.and(&subscribers::expect_in_bulk(site, &act.what(), &readers).await?);
        let Some(last) = last else { break };
        before = last;
        if watch.elapsed() >= NOTED_EVERY {
            let until = queue::renewed(claim, site.now(), LEASE);
            let mut tx = site.db.begin().await?;
            if !store::counted(&mut tx, (act.id, claim, until), (before, &sums)).await? {
                return Ok(());
            }
            tx.commit().await?;
            (claim, watch) = (until, Stopwatch::start());
        }
    }
    let mut tx = site.db.begin().await?;
    store::is_counted(&mut tx, (act.id, claim), &sums, site.now()).await?;
    tx.commit().await
}

/// Does it to everybody to whom it was not done yet.
async fn run(site: &Site, act: &BulkAct, mut claim: Moment) -> db::Result<()> {
    let filter = ReaderFilter::read(&act.filter)?;
    let (mut before, mut sums, mut at_once) = (act.reached, act.sums()?, FIRST);
    loop {
        let SegmentPage { readers, last } = filter.page(site, before, at_once as i64).await?;
        // Behind the last there is nobody.
        let reached = last.unwrap_or(0);
        if readers.is_empty() && last.is_none() {
            break;
        }
        let sifter = filter.sifter(site).await?;
        let until = queue::renewed(claim, site.now(), LEASE);
        // Whoever leaves or rests by it is on the disk before the transaction begins.
        let meant = subscribers::write_down_in_bulk(site, &act.what(), &readers).await?;
        let done = db::again(async || {
            let mut tx = site.db.begin().await?;
            let watch = Stopwatch::start();
            subscribers::hold_in_bulk(&mut tx, &act.what(), &readers).await?;
            let still = filter.still(&mut tx, site, (&readers, sifter.as_ref())).await?;
            let (done, back) = subscribers::do_in_bulk(&mut tx, site, &act.what(), (&still, &meant)).await?;
            let mut all = sums.clone();
            all.and(&done);
            if !store::reached(&mut tx, (act.id, claim, until), (reached, &all), site.now()).await? {
                return Ok::<_, sqlx::Error>(None);
            }
            withdrawals::commit_each(tx, site, back).await?;
            Ok(Some((all, watch.elapsed())))
        })
        .await?;
        // Somebody stopped it, or has it.
        let Some((all, took)) = done else { return Ok(()) };
        (claim, before, sums, at_once) = (until, reached, all, queue::next_step(at_once, took, STEPS));
        if last.is_none() {
            break;
        }
    }
    let mut tx = site.db.begin().await?;
    if store::done(&mut tx, (act.id, claim), &sums, site.now()).await? {
        let detail = format!("{}. {}", in_figures(&sums), act.in_the_log());
        audit_log::record(&mut tx, site, act.staff_id, "acted on many readers", "", &detail).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What came of it, for the log.
fn in_figures(sums: &BulkSums) -> String {
    let changed = sums.of(BulkOutcome::Changed);
    format!("{changed} changed, {} left as they were", sums.all() - changed)
}

/// Takes it back from everybody of whom it was not taken back yet.
async fn take_back(site: &Site, act: &BulkAct, mut claim: Moment) -> db::Result<()> {
    let (mut after, mut at_once) = (act.reached, FIRST);
    let mut sums = act.taken_back()?.unwrap_or_default();
    loop {
        let readers = subscribers::changed_in_bulk(&site.db, act.id, after, at_once as i64).await?;
        let Some(last) = readers.last().copied() else { break };
        let until = queue::renewed(claim, site.now(), LEASE);
        subscribers::write_down_taking_back(site, &act.what(), &readers).await?;
        let took = db::again(async || {
            let before = site.now();
            let mut tx = site.db.begin().await?;
            let watch = Stopwatch::start();
            let (done, back) = subscribers::take_back_in_bulk(&mut tx, site, &act.what(), &readers).await?;
            let all = sums.and(done);
            if !store::taken_back(&mut tx, (act.id, claim, until), last, &all).await? {
                return Ok::<_, sqlx::Error>(None);
            }
            withdrawals::commit(tx, site, back, before).await?;
            Ok(Some((all, watch.elapsed())))
        })
        .await?;
        let Some((all, took)) = took else { return Ok(()) };
        (claim, after, sums, at_once) = (until, last, all, queue::next_step(at_once, took, STEPS));
    }
    let mut tx = site.db.begin().await?;
    if !store::is_undone(&mut tx, (act.id, claim), site.now()).await? {
        return Ok(());
    }
    tx.commit().await?;
    loop {
        let mut tx = site.db.begin().await?;
        let gone = subscribers::forget_changed_in_bulk(&mut tx, act.id).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}
