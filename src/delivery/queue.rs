//! What was claimed and waits for a connection, in memory: notices before deliveries, and never more than a batch or two.
//!
//! A domain that is slowed waits in a lane of its own, so it blocks nobody else. As many of its copies wait here as it will take
//! in the next moments; the others wait for it in the ledger, and are claimed when it takes more.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    claims::{Back, ItemKey},
    pace::{Pace, PaceRules},
    store::{ledger::Claim, notices::ClaimedNotice},
};
use crate::{clock, relays::Wakes};

/// One message to send.
#[derive(Debug)]
pub(super) enum Item {
    Notice(Box<ClaimedNotice>),
    Delivery(Claim),
}

impl Item {
    pub(super) const fn key(&self) -> ItemKey {
        match self {
            Self::Delivery(claim) => claim.item_key(),
            Self::Notice(notice) => notice.item_key(),
        }
    }

    /// Whether a task may have broken off at it: then nothing else is in hand with it, for which it would end badly, too.
    pub(super) const fn goes_alone(&self) -> bool {
        match self {
            Self::Delivery(claim) => claim.broke_off,
            Self::Notice(notice) => notice.attempt > 1,
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whatever a connection could not begin: it goes first.
    returned: VecDeque<Item>,
    notices: VecDeque<ClaimedNotice>,
    deliveries: VecDeque<Claim>,
    slowed: HashMap<String, Lane>,
    /// Editions of which nothing more may be begun: they were paused or cancelled.
    stopped: HashSet<i64>,
    /// What goes back to the ledger unsent.
    for_later: Vec<Back>,
    /// The feeder heard that there are enough of them; it is told when there are not any more.
    enough_notices: bool,
    enough_deliveries: bool,
    /// A connection waits for this turn of a slowed domain, and the others need not.
    watched: Option<Instant>,
    closed: bool,
}

/// The copies of one slowed domain.
#[derive(Debug, Default)]
struct Lane {
    claims: VecDeque<Claim>,
    /// Whether the ledger holds more of them that may go at once.
    more: bool,
}

/// For more items than these, all connections that wait are woken.
const FEW: usize = 32;

/// The queue between the feeder and the connections.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    pub(super) pace: Pace,
    /// Wakes connections that wait, as many as there are items for.
    more: Notify,
    /// Wakes the feeder when items run low, or some have to be handed back.
    low: Notify,
    /// Wakes whoever waits for something else, so that it ends.
    over: Notify,
    low_mark: usize,
    wakes: Wakes,
}

/// What taking came to.
enum Taken {
    Item(Item),
    /// Nothing now; some slowed domain's turn may come at that moment.
    Nothing(Option<Instant>),
    Closed,
}

impl Waiting {
    /// The editions of everything that waits here.
    fn editions(&self) -> impl Iterator<Item = i64> {
        let returned = self.returned.iter().filter_map(|item| match item {
            Item::Delivery(claim) => Some(claim),
            Item::Notice(_) => None,
        });
        let slowed = self.slowed.values().flat_map(|lane| &lane.claims);
        returned.chain(&self.deliveries).chain(slowed).map(|claim| claim.edition_id)
    }

    fn drop_stopped(&mut self) {
        let Self { returned, deliveries, slowed, stopped, for_later, .. } = self;
        let mut back = |claim: Claim| for_later.push(Back::not_begun(claim.item_key()));
        for item in std::mem::take(returned) {
            match item {
                Item::Delivery(claim) if stopped.contains(&claim.edition_id) => back(claim),
                item => returned.push_back(item),
            }
        }
        for claims in std::iter::once(deliveries).chain(slowed.values_mut().map(|lane| &mut lane.claims)) {
            for claim in std::mem::take(claims) {
                if stopped.contains(&claim.edition_id) { back(claim) } else { claims.push_back(claim) }
            }
        }
    }
}

impl Queue {
    pub(super) fn new(low_mark: usize, rules: PaceRules, wakes: Wakes) -> Self {
        let (more, low, over) = (Notify::new(), Notify::new(), Notify::new());
        Self { waiting: Mutex::default(), pace: Pace::new(rules), more, low, over, low_mark, wakes }
    }

    /// One connection an item.
    fn wake(&self, items: usize) {
        if items > FEW {
            self.more.notify_waiters();
        } else {
            (0..items).for_each(|_| self.more.notify_one());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock; if it did, the queue would still be whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push_notices(&self, notices: Vec<ClaimedNotice>) {
        let count = notices.len();
        self.lock().notices.extend(notices);
        self.wake(count);
    }

    pub(super) fn push_deliveries(&self, deliveries: Vec<Claim>) {
        let count = deliveries.len();
        self.lock().deliveries.extend(deliveries);
        self.wake(count);
    }

    /// Somebody looks when the next turn of a slowed domain comes, and watches for that instead.
    pub(super) fn turns_come_sooner(&self) {
        self.wake(1);
    }

    /// Puts back what could not be begun, for the next connection that can.
    pub(super) fn put_back(&self, item: Item) {
        let mut waiting = self.lock();
        match item {
            Item::Delivery(claim) if waiting.stopped.contains(&claim.edition_id) => {
                waiting.for_later.push(Back::not_begun(claim.item_key()));
                self.low.notify_one();
            }
            item => waiting.returned.push_back(item),
        }
        drop(waiting);
        self.wake(1);
    }

    /// Nothing more of these editions is begun: what waits here of them goes back.
    pub(super) fn stop_editions(&self, editions: impl IntoIterator<Item = i64>) {
        let mut waiting = self.lock();
        waiting.stopped.extend(editions);
        waiting.drop_stopped();
        if !waiting.for_later.is_empty() {
            self.low.notify_one();
        }
    }

    /// These editions are sending, and no other is.
    pub(super) fn sending(&self, editions: &[i64]) {
        let mut waiting = self.lock();
        waiting.stopped.retain(|edition| !editions.contains(edition));
        let others: Vec<i64> = waiting.editions().filter(|edition| !editions.contains(edition)).collect();
        if !others.is_empty() {
            drop(waiting);
            self.stop_editions(others);
        }
    }

    /// Whether nothing more of an edition is to be begun.
    pub(super) fn is_stopped(&self, edition: i64) -> bool {
        self.lock().stopped.contains(&edition)
    }

    /// How many more copies of a lane of the ledger are wanted here; `None` when its domain is not slowed any more.
    pub(super) fn room(&self, lane: &str) -> Option<usize> {
        let supply = self.pace.supply(lane)?;
        let waiting = self.lock();
        let here = waiting.slowed.get(&self.pace.key(lane)).map_or(0, |lane| lane.claims.len());
        Some(supply.saturating_sub(here))
    }

    /// Puts copies of a slowed domain into its lane, and says whether the ledger holds more of them.
    pub(super) fn push_into_lane(&self, lane: &str, claims: Vec<Claim>, more: bool) {
        let key = self.pace.key(lane);
        let mut waiting = self.lock();
        // Of a slowed domain one message goes at a time.
        let wakes = if self.pace.supply(&key).is_some() { claims.len().min(1) } else { claims.len() };
        let lane = waiting.slowed.entry(key).or_default();
        lane.claims.extend(claims);
        lane.more = more;
        drop(waiting);
        self.wake(wakes);
    }

    /// A domain's server took a copy: perhaps its lane has room for more now.
    pub(super) fn taken(&self, domain: &str) {
        if self.pace.taken(domain, clock::instant()) {
            self.low.notify_one();
        }
    }

    /// The next item, notices first; `None` once the queue is closed.
    pub(super) async fn pop(&self) -> Option<Item> {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            // Listening begins before looking, so that nothing is pushed in between unheard.
            more.as_mut().enable();
            let turn = match self.take() {
                Taken::Item(item) => return Some(item),
                Taken::Closed => return None,
                Taken::Nothing(turn) => turn,
            };
            match turn.filter(|turn| self.watch(*turn)) {
                Some(turn) => {
                    // Whichever comes first, the queue is looked at again.
                    let _ = tokio::time::timeout_at(turn.into(), more).await;
                    self.lock().watched.take_if(|watched| *watched == turn);
                }
                None => more.await,
            }
            self.wakes.count();
        }
    }

    /// One connection waits for the next turn of a slowed domain, for all; `false` if another does already.
    fn watch(&self, turn: Instant) -> bool {
        let watched = &mut self.lock().watched;
        let is_first = watched.is_none_or(|watched| turn < watched);
        if is_first {
            *watched = Some(turn);
        }
        is_first
    }

    /// The next item if one is waiting whose turn it is.
    pub(super) fn try_pop(&self) -> Option<Item> {
        match self.take() {
            Taken::Item(item) => Some(item),
            Taken::Nothing(_) | Taken::Closed => None,
        }
    }

    fn take(&self) -> Taken {
        let now = clock::instant();
        let mut waiting = self.lock();
        if waiting.closed {
            return Taken::Closed;
        }
        let for_later = waiting.for_later.len();
        let taken = self.take_from(&mut waiting, now);
        let wants_notices = waiting.notices.is_empty() && std::mem::take(&mut waiting.enough_notices);
        let wants_deliveries =
            waiting.deliveries.len() <= self.low_mark && std::mem::take(&mut waiting.enough_deliveries);
        if wants_notices || wants_deliveries || waiting.for_later.len() > for_later {
            self.low.notify_one();
        }
        // Whoever watched has something to send now: another one takes over.
        let any_wait = waiting.slowed.values().any(|lane| !lane.claims.is_empty());
        if matches!(taken, Taken::Item(_)) && any_wait && waiting.watched.is_none() {
            self.more.notify_one();
        }
        taken
    }

    fn take_from(&self, waiting: &mut Waiting, now: Instant) -> Taken {
        if let Some(item) = waiting.returned.pop_front() {
            return Taken::Item(item);
        }
        if let Some(notice) = waiting.notices.pop_front() {
            return Taken::Item(Item::Notice(Box::new(notice)));
        }
        let mut turn: Option<Instant> = None;
        for (domain, lane) in waiting.slowed.iter_mut().filter(|(_, lane)| !lane.claims.is_empty()) {
            match self.pace.take(domain, now) {
                Ok(()) => {
                    let claim = lane.claims.pop_front();
                    let runs_low =
                        lane.claims.len() < self.pace.supply(domain).unwrap_or(self.low_mark).div_ceil(2);
                    if lane.more && runs_low {
                        lane.more = false;
                        self.low.notify_one();
                    }
                    if let Some(claim) = claim {
                        return Taken::Item(Item::Delivery(claim));
                    }
                }
                Err(at) => turn = Some(turn.map_or(at, |earlier| earlier.min(at))),
            }
        }
        waiting.slowed.retain(|_, lane| !lane.claims.is_empty() || lane.more);
        while let Some(claim) = waiting.deliveries.pop_front() {
            match self.pace.take(&claim.domain_key, now) {
                Ok(()) => return Taken::Item(Item::Delivery(claim)),
                Err(at) => {
                    turn = Some(turn.map_or(at, |earlier| earlier.min(at)));
                    self.put_into_lane(waiting, claim);
                }
            }
        }
        Taken::Nothing(turn)
    }

    fn put_into_lane(&self, waiting: &mut Waiting, claim: Claim) {
        let key = self.pace.key(&claim.domain_key);
        let lane = waiting.slowed.entry(key.clone()).or_default();
        if lane.claims.len() < self.pace.supply(&key).unwrap_or(self.low_mark) {
            lane.claims.push_back(claim);
        } else {
            waiting.for_later.push(Back { lane: key, ..Back::not_begun(claim.item_key()) });
        }
    }

    /// Has messages go back to the ledger.
    pub(super) fn give_back(&self, these: impl IntoIterator<Item = Back>) {
        self.lock().for_later.extend(these);
        self.low.notify_one();
    }

    /// What has to go back to the ledger.
    pub(super) fn for_later(&self) -> Vec<Back> {
        std::mem::take(&mut self.lock().for_later)
    }

    /// How many messages wait here.
    pub(super) fn len(&self) -> usize {
        let waiting = self.lock();
        let slowed: usize = waiting.slowed.values().map(|lane| lane.claims.len()).sum();
        waiting.returned.len() + waiting.notices.len() + waiting.deliveries.len() + slowed
    }

    pub(super) fn wants_notices(&self) -> bool {
        let mut waiting = self.lock();
        waiting.enough_notices = !waiting.notices.is_empty();
        !waiting.enough_notices
    }

    pub(super) fn wants_deliveries(&self) -> bool {
        let mut waiting = self.lock();
        waiting.enough_deliveries = waiting.deliveries.len() > self.low_mark;
        !waiting.enough_deliveries
    }

    pub(super) async fn low(&self) {
        self.low.notified().await;
    }

    /// Waits until the connections may end.
    pub(super) async fn closed(&self) {
        loop {
            let over = self.over.notified();
            if self.lock().closed {
                return;
            }
            over.await;
        }
    }

    /// Lets the connections end; what still waits stays claimed until the worker releases it.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_waiters();
        self.over.notify_waiters();
    }
}

/// How many claimed items have no recorded result yet.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    count: AtomicUsize,
    /// None are left.
    ended: Notify,
}

/// Results that are written down.
pub(super) struct Recorded<'a> {
    in_flight: &'a InFlight,
    count: usize,
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        self.in_flight.done(self.count);
    }
}

impl InFlight {
    pub(super) fn add(&self, count: usize) {
        self.count.fetch_add(count, Ordering::SeqCst);
    }

    pub(super) fn done(&self, count: usize) {
        if self.count.fetch_sub(count, Ordering::SeqCst) == count {
            self.ended.notify_one();
        }
    }

    /// So many are done once what this gives is dropped.
    pub(super) const fn recorded(&self, count: usize) -> Recorded<'_> {
        Recorded { in_flight: self, count }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until there was a moment at which every result was recorded.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }
}
