//! What was claimed and waits for a connection, in memory: notices before deliveries, and never more than a batch or two.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, Semaphore};

use super::store::{ledger::Claim, notices::ClaimedNotice};

/// One message to send.
#[derive(Debug)]
pub(super) enum Item {
    Notice(ClaimedNotice),
    Delivery(Claim),
}

#[derive(Debug, Default)]
struct Waiting {
    notices: VecDeque<ClaimedNotice>,
    deliveries: VecDeque<Claim>,
}

/// The queue between the feeder and the connections.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// One permit for every item.
    ready: Semaphore,
    /// Wakes the feeder when items run low.
    low: Notify,
    low_mark: usize,
}

impl Queue {
    pub(super) fn new(low_mark: usize) -> Self {
        Self { waiting: Mutex::default(), ready: Semaphore::new(0), low: Notify::new(), low_mark }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock; if it did, the queue would still be whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push_notices(&self, notices: Vec<ClaimedNotice>) {
        let count = notices.len();
        self.lock().notices.extend(notices);
        self.ready.add_permits(count);
    }

    pub(super) fn push_deliveries(&self, deliveries: Vec<Claim>) {
        let count = deliveries.len();
        self.lock().deliveries.extend(deliveries);
        self.ready.add_permits(count);
    }

    /// The next item, notices first; `None` once the queue is closed.
    pub(super) async fn pop(&self) -> Option<Item> {
        self.ready.acquire().await.ok()?.forget();
        self.take()
    }

    /// The next item if one is waiting.
    pub(super) fn try_pop(&self) -> Option<Item> {
        self.ready.try_acquire().ok()?.forget();
        self.take()
    }

    fn take(&self) -> Option<Item> {
        let mut waiting = self.lock();
        let item = match waiting.notices.pop_front() {
            Some(notice) => Some(Item::Notice(notice)),
            None => waiting.deliveries.pop_front().map(Item::Delivery),
        };
        if waiting.deliveries.len() <= self.low_mark {
            self.low.notify_one();
        }
        item
    }

    pub(super) fn wants_notices(&self) -> bool {
        self.lock().notices.is_empty()
    }

    pub(super) fn wants_deliveries(&self) -> bool {
        self.lock().deliveries.len() <= self.low_mark
    }

    pub(super) async fn low(&self) {
        self.low.notified().await;
    }

    /// Lets the connections go home; what still waits stays claimed until the worker releases it.
    pub(super) fn close(&self) {
        self.ready.close();
    }
}

/// How many claimed items have no recorded result yet.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    count: AtomicUsize,
    changed: Notify,
}

impl InFlight {
    pub(super) fn add(&self, count: usize) {
        self.count.fetch_add(count, Ordering::SeqCst);
    }

    pub(super) fn done(&self, count: usize) {
        self.count.fetch_sub(count, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub(super) fn is_zero(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}
