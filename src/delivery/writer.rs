//! The one task of a worker that writes what became of messages: group commit without a timer.
//!
//! It commits whatever waits, or is just coming, as soon as the previous commit has returned. Operations are applied in the order they came, so
//! a connection that waits for the marker of its next message knows that the result of the last one is safe as well. An
//! outcome is retried until the database takes it: every operation compares with the claim, so doing it twice is harmless.
//!
//! When it breaks off, what it had in hand and had not committed ends as if the worker had been killed there, and it goes on. If
//! it breaks off again and again and commits no result in between, it ends, and the worker with it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{
    breaker::{Breaker, RefusalRules},
    claims::{self, Back, ItemKey, Why},
    ledger,
    queue::InFlight,
    shared::Shared,
    states::{AttemptOutcome, Class, StopReason},
    store::{
        ledger::{self as rows, Key, Record},
        notices::{self, Ending},
        progress,
    },
};
use crate::{
    clock::Moment,
    db::{Gate, Result},
    heavy::{Broke, caught},
    meters::Meters,
    site::Site,
    tasks::{Gap, Task},
};

/// What became of a notice.
#[derive(Debug)]
pub(super) struct NoticeRecord {
    pub(super) id: i64,
    pub(super) attempt: i64,
    pub(super) ending: Ending,
    pub(super) reply: String,
    pub(super) at: Moment,
}

enum Operation {
    Mark { key: Key, address_hash: String, passed: oneshot::Sender<bool> },
    Record(Record),
    MarkNotice { key: (i64, i64), address_hash: String, passed: oneshot::Sender<bool> },
    RecordNotice(NoticeRecord),
    BreakOff(Back),
}

/// A connection's way to the writer. Cheap to clone; the writer ends when the last one is dropped.
#[derive(Clone)]
pub(super) struct Writer(mpsc::UnboundedSender<Operation>);

/// A connection has at most one result and one marker waiting, so this also bounds the queue.
const MOST_OPERATIONS_A_COMMIT: usize = 400;
/// Measured: with 20 connections fewer make smaller commits, and more make no larger ones.
const QUIET_TURNS: usize = 32;

impl Writer {
    pub(super) fn start(
        shared: Arc<Shared>,
        in_flight: Arc<InFlight>,
        rules: RefusalRules,
    ) -> (Self, tokio::task::JoinHandle<std::result::Result<(), Broke>>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let breaker = Breaker::new(rules);
        let hand = Hand {
            shared,
            in_flight,
            breaker,
            receiver,
            waiting: Vec::new(),
            batch: Batch::default(),
            broken: Vec::new(),
            breaks: 0,
        };
        (Self(sender), tokio::spawn(hand.run()))
    }

    /// Waits for the commit of the marker; `false` if the row is no longer ours to send.
    pub(super) async fn mark(&self, key: Key, address_hash: String) -> bool {
        let (passed, answer) = oneshot::channel();
        let sent = self.0.send(Operation::Mark { key, address_hash, passed });
        sent.is_ok() && answer.await.unwrap_or(false)
    }

    /// As [`Writer::mark`], for a notice, by its id and attempt.
    pub(super) async fn mark_notice(&self, key: (i64, i64), address_hash: String) -> bool {
        let (passed, answer) = oneshot::channel();
        let sent = self.0.send(Operation::MarkNotice { key, address_hash, passed });
        sent.is_ok() && answer.await.unwrap_or(false)
    }

    /// Hands over a result; it is committed before any later marker of the same caller.
    pub(super) fn record(&self, record: Record) {
        if self.0.send(Operation::Record(record)).is_err() {
            tracing::error!("the writer is gone; the result is taken back as unknown when this worker is");
        }
    }

    /// As [`Writer::record`], for a notice.
    pub(super) fn record_notice(&self, record: NoticeRecord) {
        if self.0.send(Operation::RecordNotice(record)).is_err() {
            tracing::error!("the writer is gone; the notice is sent again when this worker is taken back");
        }
    }

    /// Hands over what a connection had in hand when it broke off, after everything that it handed over before.
    pub(super) fn break_off(&self, keys: Vec<ItemKey>, broke: &Broke) {
        for back in broken(keys, broke) {
            // Without a writer the worker ends, and takes back what it held.
            let _ = self.0.send(Operation::BreakOff(back));
        }
    }
}

/// What was in hand when a task broke off goes back by what is known of it.
fn broken(keys: impl IntoIterator<Item = ItemKey>, broke: &Broke) -> impl Iterator<Item = Back> {
    let words: Arc<str> = format!("the program broke off: {broke}").into();
    let back =
        move |key| Back { why: Why::BrokeOff(words.clone()), wait: BROKEN_PAUSE, ..Back::not_begun(key) };
    keys.into_iter().map(back)
}

/// The writer's task, and what it has in hand.
struct Hand {
    shared: Arc<Shared>,
    in_flight: Arc<InFlight>,
    breaker: Breaker,
    receiver: mpsc::UnboundedReceiver<Operation>,
    waiting: Vec<Operation>,
    batch: Batch,
    /// What goes back by what is known of it.
    broken: Vec<Back>,
    /// How often it broke off since a batch with a result was through.
    breaks: usize,
}

/// It breaks off so often, and commits no result in between: then it cannot go on, and whatever is sent would end in doubt.
const MOST_BREAKS: usize = 5;
/// What was in hand when a task broke off is not tried again at once.
const BROKEN_PAUSE: Duration = Duration::from_secs(60);

impl Hand {
    /// Writes until the last connection is gone.
    async fn run(mut self) -> std::result::Result<(), Broke> {
        let mut gap = Gap::default();
        loop {
            let Err(broke) = caught(self.write()).await else { return Ok(()) };
            self.shared.breaks.note(Task::Record, &broke);
            self.breaks += 1;
            if self.breaks == MOST_BREAKS {
                return Err(broke);
            }
            if self.breaks == 1 {
                gap = Gap::default();
            }
            self.drop_batch(&broke);
            tokio::time::sleep(gap.grow()).await;
        }
    }

    /// Nobody knows any more what became of its results. Whoever waits for a marker hears that it was not set, and lets go.
    fn drop_batch(&mut self, broke: &Broke) {
        let batch = std::mem::take(&mut self.batch);
        let copies = batch.records.iter().map(Record::item_key);
        let notices = batch.notice_records.iter().map(|record| ItemKey::Notice(record.id, record.attempt));
        self.broken.extend(broken(copies.chain(notices), broke));
    }

    async fn write(&mut self) {
        loop {
            self.give_back().await;
            if self.waiting.is_empty()
                && self.receiver.recv_many(&mut self.waiting, MOST_OPERATIONS_A_COMMIT).await == 0
            {
                return;
            }
            gather(&mut self.receiver, &mut self.waiting).await;
            self.batch = Batch::sort(std::mem::take(&mut self.waiting), &mut self.broken);
            if self.batch.is_empty() {
                continue;
            }
            self.breaker.let_pass(&self.shared.site, &mut self.batch.records).await;
            let mut care = Care::Count;
            let passed = loop {
                let apply = || self.batch.apply(&self.shared.site, self.shared.worker, care);
                match until_taken(apply).await {
                    Some(passed) => break passed,
                    None => care = Care::Ask,
                }
            };
            let mut batch = std::mem::take(&mut self.batch);
            batch.count(&self.shared.meters);
            let results = batch.records.len() + batch.notice_records.len();
            if batch.has_results() {
                self.breaks = 0;
            }
            // However this ends, they are written down.
            let recorded = self.in_flight.recorded(results);
            // One marker that was not set says it of all other copies: they need no conversation to find it out.
            if !passed.stopped.is_empty() {
                self.shared.queue.stop_editions(passed.stopped.iter().copied());
            }
            // What is marked goes out whatever the results before it say; nobody is kept waiting while they are judged.
            batch.answer(&passed);
            let paused = self.breaker.saw(&self.shared.site, &batch.records).await;
            if !paused.is_empty() {
                self.shared.queue.stop_editions(paused);
            }
            drop(recorded);
        }
    }

    async fn give_back(&mut self) {
        if !self.broken.is_empty() {
            let Shared { site, worker, .. } = &*self.shared;
            until_taken(|| claims::give_back(site, *worker, &self.broken)).await;
            self.in_flight.done(std::mem::take(&mut self.broken).len());
        }
    }
}

/// Writes what the database does not take again and again until it does.
async fn until_taken<T, F: Future<Output = Result<T>>>(write: impl Fn() -> F) -> T {
    let mut gap = Duration::from_millis(50);
    loop {
        match write().await {
            Ok(taken) => return taken,
            Err(error) => {
                tracing::error!(%error, "the database did not take results; trying again, nothing more is sent meanwhile");
                tokio::time::sleep(gap).await;
                gap = (gap * 2).min(Duration::from_secs(5));
            }
        }
    }
}

/// Lets the connections that have just been answered come along: one commit for all of them costs as much as one for the
/// first. No time is waited for; it ends as soon as nobody has anything to say for some turns.
async fn gather(receiver: &mut mpsc::UnboundedReceiver<Operation>, waiting: &mut Vec<Operation>) {
    let mut quiet = 0;
    while quiet < QUIET_TURNS && waiting.len() < MOST_OPERATIONS_A_COMMIT {
        tokio::task::yield_now().await;
        quiet += 1;
        while let Ok(operation) = receiver.try_recv() {
            waiting.push(operation);
            quiet = 0;
        }
    }
}

/// What one commit holds.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    marks: Vec<Mark<Key>>,
    notice_records: Vec<NoticeRecord>,
    notice_marks: Vec<Mark<(i64, i64)>>,
}

/// A marker to be set.
struct Mark<K> {
    key: K,
    address_hash: String,
    passed: oneshot::Sender<bool>,
}

/// Which markers were set, and the editions that turned out to be stopped.
struct Passed {
    deliveries: Vec<Key>,
    notices: Vec<i64>,
    stopped: Vec<i64>,
}

/// How a batch is written. In doubt nothing is committed, and it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// By counting the rows that changed: nearly always every row is still ours, and then a number says it all.
    Count,
    /// By asking first which rows are ours: some were withdrawn, paused or taken back meanwhile.
    Ask,
}

impl Batch {
    /// Results go before markers: a row's own result never waits behind its own marker, since a connection waits for that.
    /// What goes back waits until they are written.
    fn sort(operations: Vec<Operation>, broken: &mut Vec<Back>) -> Self {
        let mut batch = Self::default();
        for operation in operations {
            match operation {
                Operation::Record(record) => batch.records.push(record),
                Operation::Mark { key, address_hash, passed } => {
                    batch.marks.push(Mark { key, address_hash, passed });
                }
                Operation::RecordNotice(record) => batch.notice_records.push(record),
                Operation::MarkNotice { key, address_hash, passed } => {
                    batch.notice_marks.push(Mark { key, address_hash, passed });
                }
                Operation::BreakOff(back) => broken.push(back),
            }
        }
        batch
    }

    /// Whether anything in it says what became of a message: what was let go before its body says nothing.
    fn has_results(&self) -> bool {
        self.records.iter().any(|record| record.outcome != AttemptOutcome::HeldBack)
            || self
                .notice_records
                .iter()
                .any(|record| !matches!(record.ending, Ending::Retry { class: Class::Stopped, .. }))
    }

    const fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.marks.is_empty()
            && self.notice_records.is_empty()
            && self.notice_marks.is_empty()
    }

    fn count(&self, meters: &Meters) {
        self.records.iter().for_each(|record| meters.message("copy", record.outcome.as_str()));
        self.notice_records.iter().for_each(|record| meters.message("notice", record.ending.name()));
    }

    /// Writes everything in one transaction; `None`, and nothing is written, if some rows were not ours after all.
    async fn apply(&self, site: &Site, worker: i64, care: Care) -> Result<Option<Passed>> {
        let mut tx = site.db.begin_inside(Gate::Copies).await?;
        let mut records: Vec<&Record> = self.records.iter().collect();
        let mut marks: Vec<(Key, &str)> =
            self.marks.iter().map(|mark| (mark.key, mark.address_hash.as_str())).collect();
        let mut stopped_editions = Vec::new();
        if care == Care::Ask {
            let recorded = records.iter().map(|record| (record.key(), ""));
            let asked: Vec<(Key, &str)> = recorded.chain(marks.iter().copied()).collect();
            let ours = rows::ours(&mut tx, worker, &asked).await?;
            let find =
                |key: &Key| ours.iter().find(|row| (row.edition_id, row.subscriber_id) == (key.0, key.1));
            records.retain(|record| find(&record.key()).is_some());
            let why = |key: &Key| find(key).and_then(|row| row.stopped).map(StopReason::as_str);
            let stopped: Vec<(Key, &str)> =
                marks.iter().filter_map(|(key, _)| Some((*key, why(key)?))).collect();
            marks.retain(|(key, _)| find(key).is_some_and(|row| row.sending && row.stopped.is_none()));
            ledger::stop(&mut tx, worker, &stopped).await?;
            if marks.len() < self.marks.len() {
                let sending = progress::sending_now(&mut tx).await?;
                stopped_editions.extend(self.marks.iter().map(|mark| mark.key.0));
                stopped_editions.retain(|edition| !sending.contains(edition));
            }
        }
        if !ledger::record(&mut tx, worker, &records).await? || !ledger::mark(&mut tx, worker, &marks).await?
        {
            return Ok(None);
        }
        let deliveries = marks.into_iter().map(|(key, _)| key).collect();
        let mut passed = Passed { deliveries, notices: Vec::new(), stopped: stopped_editions };
        for NoticeRecord { id, attempt, ending, reply, at } in &self.notice_records {
            notices::record(&mut tx, worker, (*id, *attempt), ending, reply, *at).await?;
        }
        for Mark { key, address_hash, .. } in &self.notice_marks {
            if notices::mark(&mut tx, worker, *key, address_hash).await? {
                passed.notices.push(key.0);
            }
        }
        tx.commit().await?;
        Ok(Some(passed))
    }

    fn answer(&mut self, passed: &Passed) {
        // Nearly always all of them passed.
        let all = passed.deliveries.len() == self.marks.len();
        for mark in std::mem::take(&mut self.marks) {
            // A connection that no longer listens was aborted; its row is taken back with the worker's.
            let _ = mark.passed.send(all || passed.deliveries.contains(&mark.key));
        }
        for mark in std::mem::take(&mut self.notice_marks) {
            let _ = mark.passed.send(passed.notices.contains(&mark.key.0));
        }
    }
}
