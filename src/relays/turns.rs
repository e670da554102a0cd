//! Relays: which mail service takes the next message, and how much each may be given.
//!
//! Several share the work by weight. One that cannot be used is left alone for a growing while, and the others take over.
//! Limits of an hour or a day are kept by reserving in the database before anything is sent, so all workers together never
//! pass them, not even after a crash; so is that of a second (`slots.rs`). One that refuses our sign-in is left alone by all
//! workers together (`sign_in.rs`).

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

pub use super::store::relays::Trouble;
use super::{
    sign_in::SignIn,
    slots::{Slot, Slots},
    store::{relays as store, sign_ins},
    wakes::Wakes,
};
use crate::{
    clock::{self, Moment},
    db::{Db, Result, Tx},
    site::Site,
    smtp::Relay,
    smtp_url::RelayLimits,
    token::Keys,
};

/// A relay, and how much it may be given.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// Where it is.
    pub relay: Relay,
    /// How many conversations at once.
    pub connections: usize,
    pub limits: RelayLimits,
}

impl RelayOptions {
    /// A relay without limits.
    #[must_use]
    pub fn unlimited(relay: Relay, connections: usize) -> Self {
        Self { relay, connections, limits: RelayLimits::default() }
    }

    /// The name in logs, at the desk and in the database.
    #[must_use]
    pub fn name(&self) -> String {
        self.relay.url.name()
    }

    fn weight(&self) -> u32 {
        self.limits.weight.unwrap_or(1)
    }

    /// The most messages on a day, so long after it was first used; `None` if nothing holds it back.
    #[must_use]
    pub fn daily_limit(&self, first_used: Moment, now: Moment) -> Option<i64> {
        let days = now.since(first_used).as_secs() / 86_400;
        let ceiling = self.limits.warm_up.map(|first| warm_up_ceiling(first, days));
        [self.limits.per_day.map(i64::from), ceiling].into_iter().flatten().min()
    }

    /// The most messages in what is left of a day, by every limit; `None` if nothing holds it back.
    fn most_in(&self, left: Duration, first_used: Moment, now: Moment) -> Option<i64> {
        let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        let hourly = self.limits.per_hour.map(|limit| i64::from(limit) * ((seconds + 3_599) / 3_600));
        let by_the_second = self.limits.per_second.map(|limit| i64::from(limit) * seconds);
        [self.daily_limit(first_used, now), hourly, by_the_second].into_iter().flatten().min()
    }
}

/// A warm-up begins with so many messages a day, and half as many more each day after.
#[must_use]
pub fn warm_up_ceiling(first: u32, days: u64) -> i64 {
    (0..days.min(60)).fold(i64::from(first), |ceiling, _| ceiling.saturating_mul(3) / 2 + 1)
}

/// One span of time in which a relay's messages are counted, and the most it may be given in it.
struct Span {
    name: String,
    limit: i64,
}

/// What this worker reserved and has not used.
#[derive(Debug, Default)]
struct Allowance {
    left: i64,
    spans: Vec<String>,
}

/// How long a relay that cannot be used is left alone.
#[derive(Clone, Copy, Debug)]
struct Rest {
    gap: Duration,
    until: Instant,
    /// The rest is over, and one connection tries it for all. They wait for what becomes of that, or for a long rest.
    is_tried: bool,
}

#[derive(Debug)]
struct State {
    options: RelayOptions,
    /// One connection waits here for the relay's turn; the others wait behind it.
    door: tokio::sync::Mutex<()>,
    /// Here those wait first that have to sign in.
    sign_in_line: tokio::sync::Mutex<()>,
    /// How many messages it was given, for the weights.
    given: AtomicU64,
    /// Where there is a limit by the second.
    by_the_second: Option<BySecond>,
    /// Where it asks for one.
    sign_in: Option<SignIn>,
    rest: Mutex<Option<Rest>>,
    /// Its limits leave none now: the others do not wait for it to take its share.
    is_spent: AtomicBool,
    /// How many conversations are open.
    open: AtomicUsize,
    /// It was said once that it takes no more.
    crowded: AtomicBool,
    allowance: tokio::sync::Mutex<Allowance>,
    /// What was spent of it for nothing, and is spent again before more is reserved.
    unused: Mutex<Unused>,
    /// It was said that its limits cannot be asked for.
    is_unknown: AtomicBool,
}

/// A relay's limit by the second.
#[derive(Debug)]
struct BySecond {
    /// One waits here for the next message and its moment, and the others behind it.
    line: tokio::sync::Mutex<()>,
    slots: tokio::sync::Mutex<Slots>,
    /// The limit holds the relay back: it uses whatever moments there are.
    binds: AtomicBool,
}

impl BySecond {
    fn new(slots: Slots) -> Self {
        Self {
            line: tokio::sync::Mutex::default(),
            slots: tokio::sync::Mutex::new(slots),
            binds: AtomicBool::new(false),
        }
    }
}

/// What of an allowance was spent for nothing.
#[derive(Debug, Default)]
struct Unused {
    count: i64,
    of: Turn,
}

/// What a message was given its turn from: the allowance of an hour and a day. What comes back of another one is none of this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn(u64);

/// What a failure to begin a conversation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The relay has as many conversations as it takes; said aloud the first time.
    Crowded { first: bool },
    /// It cannot be used any more.
    First,
    /// It still cannot be used.
    Again,
}

/// How a relay stands with a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayLook {
    /// Host and port.
    pub relay: String,
    /// How many conversations are open.
    pub open: usize,
    /// It could not be used when it was last tried.
    pub rests: bool,
    /// Its limits leave none now.
    pub is_spent: bool,
}

/// How much a limit of a relay leaves of its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOfLimits {
    /// Host and port.
    pub relay: String,
    /// `day` or `hour`, both of UTC.
    pub span: &'static str,
    /// How many more messages may be reserved in it, by all workers together.
    pub left: i64,
}

/// The relays of one worker.
#[derive(Debug)]
pub(crate) struct Relays {
    all: Vec<State>,
    /// Somebody sent something, failed, or recovered: whose turn it is may have changed.
    changed: Notify,
    wakes: Wakes,
}

/// So many messages are reserved at a time.
const RESERVE: i64 = 100;
/// How often a relay whose limit is used up is looked at again.
const LOOK: Duration = Duration::from_secs(1);
const SHORTEST_REST: Duration = Duration::from_millis(200);
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(60);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relays {
    pub(crate) fn new(all: &[RelayOptions], keys: &Keys, wakes: Wakes) -> Self {
        let by_the_second = |options: &RelayOptions| {
            let per_second = options.limits.per_second?;
            Some(BySecond::new(Slots::new(options.name(), per_second)))
        };
        let state = |options: &RelayOptions| State {
            options: options.clone(),
            door: tokio::sync::Mutex::default(),
            sign_in_line: tokio::sync::Mutex::default(),
            given: AtomicU64::new(0),
            by_the_second: by_the_second(options),
            sign_in: SignIn::at(&options.relay, keys),
            rest: Mutex::new(None),
            is_spent: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            crowded: AtomicBool::new(false),
            allowance: tokio::sync::Mutex::default(),
            unused: Mutex::default(),
            is_unknown: AtomicBool::new(false),
        };
        Self { all: all.iter().map(state).collect(), changed: Notify::new(), wakes }
    }

    pub(crate) fn relay(&self, index: usize) -> &Relay {
        &self.all[index].options.relay
    }

    /// The way in to the relay, where it asks for a sign-in.
    pub(crate) fn sign_in(&self, index: usize) -> Option<&SignIn> {
        self.all[index].sign_in.as_ref()
    }

    /// Where there is a limit by the second: first in line for the next message and its moment, once nobody else is.
    pub(crate) async fn first_in_line(&self, index: usize) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match &self.all[index].by_the_second {
            Some(by_the_second) => Some(by_the_second.line.lock().await),
            None => None,
        }
    }

    /// Waits for the next moment of a relay; none where there is no limit by the second.
    ///
    /// # Errors
    /// When the database cannot be asked for one.
    pub(crate) async fn next_slot(&self, index: usize, site: &Site) -> Result<Option<Slot>> {
        let Some(by_the_second) = &self.all[index].by_the_second else { return Ok(None) };
        if let Some(slot) = self.slot_now(index) {
            return Ok(slot);
        }
        // The others do not wait for a relay that may be given no more than it is.
        let told = |binds| {
            if by_the_second.binds.swap(binds, Ordering::Relaxed) != binds {
                self.shares_changed();
            }
        };
        let slot = by_the_second.slots.lock().await.next(site, told).await?;
        if by_the_second.binds.load(Ordering::Relaxed) {
            self.forgets_what_it_missed(index);
        }
        Ok(Some(slot))
    }

    /// The moment that is now, if nobody waits for it; nothing in it where there is no limit by the second.
    pub(crate) fn slot_now(&self, index: usize) -> Option<Option<Slot>> {
        let Some(by_the_second) = &self.all[index].by_the_second else { return Some(None) };
        let mut slots = by_the_second.slots.try_lock().ok()?;
        Some(Some(slots.now()?))
    }

    /// What went by others because its limit held it back, a relay does not make up for.
    fn forgets_what_it_missed(&self, index: usize) {
        let state = &self.all[index];
        let others = self.others(index).map(|other| other.share(0));
        let level = others.max().unwrap_or(0) * u64::from(state.options.weight()) / 1_000;
        if state.given.fetch_max(level, Ordering::Relaxed) < level {
            self.shares_changed();
        }
    }

    /// Waits until the relay may be given a message, and counts it as given. Whoever has a conversation with it is signed in, and
    /// waits for nobody's sign-in.
    ///
    /// # Errors
    /// When the database cannot be asked for the allowance.
    pub(crate) async fn turn(&self, index: usize, site: &Site, is_signed_in: bool) -> Result<Turn> {
        let state = &self.all[index];
        let signs_in = if is_signed_in { None } else { Some(self.turn_to_sign_in(state, site).await?) };
        let _first = state.door.lock().await;
        loop {
            // From here on no change is missed.
            let changed = self.changed.notified();
            if let Some(until) = state.resting() {
                let _ = tokio::time::timeout_at(until.into(), changed).await;
            } else if !self.is_next(index) {
                changed.await;
            } else if let Some(turn) = self.spend(state, site).await? {
                state.try_after_rest(signs_in.is_some());
                state.given.fetch_add(1, Ordering::Relaxed);
                self.shares_changed();
                return Ok(turn);
            } else {
                tokio::time::sleep(LOOK).await;
            }
            self.wakes.count();
        }
    }

    /// The turn of whoever has a message in hand already, if it is there at once: nobody is waited for, and the database is not
    /// asked. A turn that began and is not waited for would lose what it had taken in hand to give it back.
    pub(crate) fn turn_at_once(&self, index: usize, site: &Site) -> Option<Turn> {
        let state = &self.all[index];
        let _first = state.door.try_lock().ok()?;
        if state.is_spent.load(Ordering::Relaxed) || state.resting().is_some() || !self.is_next(index) {
            return None;
        }
        let turn = state.spend_in_hand(site)?;
        state.try_after_rest(false);
        state.given.fetch_add(1, Ordering::Relaxed);
        self.shares_changed();
        Some(turn)
    }

    /// Waits until one may sign in, in a line of its own: those that are signed in do not stand in it.
    async fn turn_to_sign_in<'a>(
        &self,
        state: &'a State,
        site: &Site,
    ) -> Result<tokio::sync::MutexGuard<'a, ()>> {
        let first = state.sign_in_line.lock().await;
        loop {
            let changed = self.changed.notified();
            let Some(wait) = state.sign_in_wait(site).await? else { return Ok(first) };
            let _ = tokio::time::timeout(wait, changed).await;
            self.wakes.count();
        }
    }

    /// Spends one message of what the limits of a relay leave; `None` if that is none.
    async fn spend(&self, state: &State, site: &Site) -> Result<Option<Turn>> {
        let spent = state.spend(site).await?;
        let has_spent = spent.is_some();
        if state.is_spent.swap(!has_spent, Ordering::Relaxed) == has_spent {
            if has_spent {
                self.begin_level();
            }
            self.shares_changed();
        }
        Ok(spent)
    }

    /// Whether it is news that the limits of a relay cannot be asked for, or (`is_unknown` is false) can again.
    pub(crate) fn is_news(&self, index: usize, is_unknown: bool) -> bool {
        let known = &self.all[index].is_unknown;
        known.load(Ordering::Relaxed) != is_unknown && known.swap(is_unknown, Ordering::Relaxed) != is_unknown
    }

    /// Whoever was away does not make up for it.
    fn begin_level(&self) {
        for state in &self.all {
            state.given.store(0, Ordering::Relaxed);
        }
    }

    fn shares_changed(&self) {
        if self.all.len() > 1 {
            self.changed.notify_waiters();
        }
    }

    /// A turn that found no message to send.
    pub(crate) fn unused(&self, index: usize, turn: Turn) {
        let state = &self.all[index];
        // They all begin anew when one recovers: none may have been given yet.
        let _ = state.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |given| given.checked_sub(1));
        if state.is_limited() {
            let mut unused = lock(&state.unused);
            unused.count += i64::from(unused.of == turn);
        }
        if state.leave_untried() {
            self.changed.notify_waiters();
        } else {
            self.shares_changed();
        }
    }

    /// Whether the relay is not ahead of its share. Connections work side by side, so each may be a message ahead.
    fn is_next(&self, index: usize) -> bool {
        if self.all.len() == 1 {
            return true;
        }
        let state = &self.all[index];
        if state.options.weight() == 0 {
            return !self.all.iter().any(State::is_usable);
        }
        let mine = state.share(state.options.connections as u64);
        // One whose limit binds works, so that no spare one takes over; but nobody waits until it may be given the next.
        let others = self.others(index).filter(|other| !other.is_held_back());
        others.map(|other| other.share(0)).min().is_none_or(|least| mine <= least)
    }

    /// The other relays that take their share now.
    fn others(&self, index: usize) -> impl Iterator<Item = &State> {
        let others = self.all.iter().enumerate().filter(move |(other, _)| *other != index);
        others.map(|(_, state)| state).filter(|state| state.is_usable())
    }

    /// A conversation could not be begun. If the relay has others, it takes no more than these, and whoever asked waits;
    /// otherwise it cannot be used and rests, longer each time.
    pub(crate) fn failed(&self, index: usize) -> Failed {
        if self.all[index].open.load(Ordering::SeqCst) > 0 {
            let first = !self.all[index].crowded.swap(true, Ordering::SeqCst);
            return Failed::Crowded { first };
        }
        let mut rest = lock(&self.all[index].rest);
        let now = clock::instant();
        let first = rest.is_none();
        // Connections that fail side by side are one failure.
        if rest.is_none_or(|rest| rest.is_tried || rest.until <= now) {
            let gap = rest.map_or(SHORTEST_REST, |rest| (rest.gap * 2).min(LONGEST_REST));
            *rest = Some(Rest { gap, until: now + gap, is_tried: false });
        }
        drop(rest);
        self.changed.notify_waiters();
        if first { Failed::First } else { Failed::Again }
    }

    /// Nobody signs in now: whoever waits for another relay may have its turn.
    pub(crate) fn closed(&self) {
        self.changed.notify_waiters();
    }

    /// Our sign-in is refused: that is the trouble from now on, whatever it was before.
    pub(crate) fn refused(&self, index: usize) {
        *lock(&self.all[index].rest) = None;
        self.changed.notify_waiters();
    }

    /// A conversation ended.
    pub(crate) fn hung_up(&self, index: usize) {
        self.all[index].open.fetch_sub(1, Ordering::SeqCst);
    }

    /// The relay greeted us. Whether it could not be used before; then it starts level with the others, not behind.
    pub(crate) fn works(&self, index: usize) -> bool {
        self.all[index].open.fetch_add(1, Ordering::SeqCst);
        let state = &self.all[index];
        let recovered = lock(&state.rest).take().is_some();
        let (was_closed, was_refused) = state.sign_in.as_ref().map(SignIn::open).unwrap_or_default();
        if recovered || was_closed {
            self.begin_level();
            self.changed.notify_waiters();
        }
        recovered || was_refused
    }

    /// How each of them stands with this worker now.
    pub(crate) fn look(&self) -> Vec<RelayLook> {
        let look = |state: &State| RelayLook {
            relay: state.options.name(),
            open: state.open.load(Ordering::SeqCst),
            rests: lock(&state.rest).is_some(),
            is_spent: state.is_spent.load(Ordering::Relaxed),
        };
        self.all.iter().map(look).collect()
    }

    /// Gives back what was reserved and not sent.
    ///
    /// # Errors
    /// When the database fails; then the limits stay on the safe side.
    pub(crate) async fn give_back(&self, site: &Site) -> Result<()> {
        for state in &self.all {
            let mut allowance = std::mem::take(&mut *state.allowance.lock().await);
            allowance.left += std::mem::take(&mut lock(&state.unused).count);
            state.give_back(site, &allowance, |_| true).await?;
        }
        Ok(())
    }
}

impl State {
    /// It takes its share of the work now.
    fn is_usable(&self) -> bool {
        self.options.weight() > 0
            && self.resting().is_none()
            && !self.is_closed()
            && !self.is_spent.load(Ordering::Relaxed)
    }

    /// Its limit by the second leaves it no more than it uses.
    fn is_held_back(&self) -> bool {
        self.by_the_second.as_ref().is_some_and(|limit| limit.binds.load(Ordering::Relaxed))
    }

    /// How much it was given, by its weight, were it so much less. It has a weight.
    fn share(&self, less: u64) -> u64 {
        let given = self.given.load(Ordering::Relaxed).saturating_sub(less);
        given * 1_000 / u64::from(self.options.weight())
    }

    fn resting(&self) -> Option<Instant> {
        let rest = *lock(&self.rest);
        rest.map(|rest| rest.until).filter(|until| *until > clock::instant())
    }

    /// How long whoever is at the door waits before it asks for the sign-in again.
    async fn sign_in_wait(&self, site: &Site) -> Result<Option<Duration>> {
        match &self.sign_in {
            Some(sign_in) => sign_in.wait(site).await,
            None => Ok(None),
        }
    }

    /// Nobody of this worker is signed in, and nobody may try it now.
    fn is_closed(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0 && self.sign_in.as_ref().is_some_and(SignIn::is_closed)
    }

    /// Whoever comes first after a rest, or after a refused sign-in, tries the relay; the others go on waiting.
    fn try_after_rest(&self, signs_in: bool) {
        if let Some(sign_in) = self.sign_in.as_ref().filter(|_| signs_in) {
            sign_in.send_one();
        }
        if let Some(rest) = &mut *lock(&self.rest) {
            *rest = Rest { until: clock::instant() + LONGEST_REST, is_tried: true, ..*rest };
        }
    }

    /// Who was to try it had nothing to try it with. Whether that was so.
    fn leave_untried(&self) -> bool {
        let at_the_door = self.sign_in.as_ref().is_some_and(SignIn::leave_untried);
        let mut rest = lock(&self.rest);
        let tried = rest.as_mut().filter(|rest| rest.is_tried);
        let after_rest = tried.is_some_and(|rest| {
            *rest = Rest { until: clock::instant(), is_tried: false, ..*rest };
            true
        });
        at_the_door || after_rest
    }

    fn is_limited(&self) -> bool {
        let limits = &self.options.limits;
        limits.per_hour.is_some() || limits.per_day.is_some() || limits.warm_up.is_some()
    }

    /// Spends one message of the allowance; `None` if the limits leave none now.
    async fn spend(&self, site: &Site) -> Result<Option<Turn>> {
        if !self.is_limited() {
            return Ok(Some(Turn::default()));
        }
        let mut allowance = self.allowance.lock().await;
        allowance.left += std::mem::take(&mut lock(&self.unused).count);
        let now = site.now();
        let current = span_names(now);
        if !allowance.spans.iter().all(|span| current.contains(span)) {
            let over = std::mem::take(&mut *allowance);
            {
                // What comes back of it from now on is none of the next hour's.
                let mut unused = lock(&self.unused);
                *unused = Unused { count: 0, of: Turn(unused.of.0 + 1) };
            }
            // The day goes on when an hour is over.
            self.give_back(site, &over, |span| current.iter().any(|name| name == span)).await?;
        }
        if allowance.left == 0 {
            let fresh = self.reserve(site, now).await?;
            // With nothing left, what comes back still belongs to the spans that it was reserved in.
            if fresh.left > 0 {
                *allowance = fresh;
            }
        }
        if allowance.left == 0 {
            return Ok(None);
        }
        allowance.left -= 1;
        Ok(Some(lock(&self.unused).of))
    }

    /// Spends one message of what is in hand of this hour and this day; `None`, and nothing changes, if that is none.
    fn spend_in_hand(&self, site: &Site) -> Option<Turn> {
        if !self.is_limited() {
            return Some(Turn::default());
        }
        let mut allowance = self.allowance.try_lock().ok()?;
        let current = span_names(site.now());
        let mut unused = lock(&self.unused);
        if allowance.left + unused.count == 0 || !allowance.spans.iter().all(|span| current.contains(span)) {
            return None;
        }
        allowance.left += std::mem::take(&mut unused.count) - 1;
        Some(unused.of)
    }

    async fn give_back(&self, site: &Site, allowance: &Allowance, may: impl Fn(&str) -> bool) -> Result<()> {
        let spans: Vec<&String> = allowance.spans.iter().filter(|span| may(span)).collect();
        if allowance.left > 0 && !spans.is_empty() {
            let mut tx = site.db.begin().await?;
            for span in spans {
                store::give_back(&mut tx, &self.options.name(), span, allowance.left).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// As much as every span allows.
    async fn reserve(&self, site: &Site, now: Moment) -> Result<Allowance> {
        let name = self.options.name();
        // Looked at first: a limit that is used up is asked about for hours.
        if let Some(first_used) = store::first_used(&site.db, &name).await? {
            for span in self.spans(first_used, now) {
                if store::reserved(&site.db, &name, &span.name).await? >= span.limit {
                    return Ok(Allowance::default());
                }
            }
        }
        let mut tx = site.db.begin().await?;
        let first_used = store::began(&mut tx, &name, now).await?;
        let mut granted: Vec<(String, i64)> = Vec::new();
        let mut left = RESERVE;
        for span in self.spans(first_used, now) {
            let part = store::reserve(&mut tx, &name, &span.name, span.limit, left).await?;
            left = left.min(part);
            granted.push((span.name, part));
        }
        for (span, part) in granted.iter().filter(|(_, part)| *part > left) {
            store::give_back(&mut tx, &name, span, part - left).await?;
        }
        tx.commit().await?;
        Ok(Allowance { left, spans: granted.into_iter().map(|(span, _)| span).collect() })
    }

    fn spans(&self, first_used: Moment, now: Moment) -> Vec<Span> {
        let [day, hour] = span_names(now);
        let daily = self.options.daily_limit(first_used, now).map(|limit| Span { name: day, limit });
        let hourly = self.options.limits.per_hour.map(|limit| Span { name: hour, limit: i64::from(limit) });
        daily.into_iter().chain(hourly).collect()
    }
}

/// The day and the hour that a moment belongs to.
fn span_names(now: Moment) -> [String; 2] {
    let time = now.timestamp();
    [time.strftime("day %Y-%m-%d").to_string(), time.strftime("hour %Y-%m-%dT%H").to_string()]
}

/// When the last of so many messages will have been sent, if limits hold any back until another day; else `None`.
pub async fn forecast(site: &Site, relays: &[RelayOptions], messages: i64) -> Result<Option<Moment>> {
    let now = site.now();
    let mut known = Vec::new();
    for relay in relays.iter().filter(|relay| relay.weight() > 0) {
        let first_used = store::first_used(&site.db, &relay.name()).await?.unwrap_or(now);
        let [today, _] = span_names(now);
        known.push((relay, first_used, store::reserved(&site.db, &relay.name(), &today).await?));
    }
    if known.is_empty() {
        return Ok(None);
    }
    let day_long = Duration::from_secs(86_400);
    let until_midnight = Duration::from_secs(86_400 - now.unix_seconds().rem_euclid(86_400).unsigned_abs());
    let mut left = messages;
    for day in 0..3_650_u64 {
        let then = now.plus(day_long * u32::try_from(day).unwrap_or(u32::MAX));
        let left_of_day = if day == 0 { until_midnight } else { day_long };
        for (relay, first_used, reserved) in &known {
            let Some(most) = relay.most_in(left_of_day, *first_used, then) else { return Ok(None) };
            let daily = relay.daily_limit(*first_used, then).filter(|_| day == 0);
            left -= most.min(daily.map_or(most, |limit| limit - reserved)).max(0);
        }
        if left <= 0 {
            return Ok((day > 0).then_some(then));
        }
    }
    Ok(Some(now.plus(Duration::from_secs(3_650 * 86_400))))
}

/// What the limits of the relays leave now; nothing of those that have none.
pub async fn left(site: &Site, relays: &[RelayOptions]) -> Result<Vec<LeftOfLimits>> {
    let now = site.now();
    let [day, hour] = span_names(now);
    let mut all = Vec::new();
    for relay in relays {
        let name = relay.name();
        let first_used = store::first_used(&site.db, &name).await?.unwrap_or(now);
        let daily = relay.daily_limit(first_used, now);
        let hourly = relay.limits.per_hour.map(i64::from);
        for (span, row, limit) in [("day", &day, daily), ("hour", &hour, hourly)] {
            if let Some(limit) = limit {
                let left = (limit - store::reserved(&site.db, &name, row).await?).max(0);
                all.push(LeftOfLimits { relay: name.clone(), span, left });
            }
        }
    }
    Ok(all)
}

/// A relay that has been given all that its limits leave for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUsedUp {
    /// Host and port.
    pub relay: String,
    /// When it may be given more.
    pub until: Moment,
    /// How much that was, and in what.
    pub limit: i64,
    /// Whether it is the limit of a day, and not that of an hour.
    pub of_day: bool,
}

/// Those of the relays whose limit of an hour or a day is used up, each with the limit that holds longest.
pub async fn used_up(site: &Site, relays: &[RelayOptions]) -> Result<Vec<RelayUsedUp>> {
    let now = site.now();
    let left_of = |seconds: i64| seconds - now.unix_seconds().rem_euclid(seconds);
    let [day, hour] = span_names(now);
    let mut found = Vec::new();
    for options in relays {
        let relay = options.name();
        let Some(first_used) = store::first_used(&site.db, &relay).await? else { continue };
        let daily = options.daily_limit(first_used, now).map(|limit| (&day, limit, 86_400));
        let hourly = options.limits.per_hour.map(|limit| (&hour, i64::from(limit), 3_600));
        for (span, limit, seconds) in daily.into_iter().chain(hourly) {
            if store::reserved(&site.db, &relay, span).await? >= limit {
                let until = Moment::from_unix_seconds(now.unix_seconds() + left_of(seconds));
                found.push(RelayUsedUp { relay, until, limit, of_day: seconds == 86_400 });
                break;
            }
        }
    }
    Ok(found)
}

/// What cannot be used now, as the workers see it: each relay once, since it was first so.
pub async fn troubles(db: &Db) -> Result<Vec<Trouble>> {
    let mut troubles = store::troubles(db).await?;
    let mut seen = HashSet::new();
    troubles.retain(|one| seen.insert(one.relay.clone()));
    Ok(troubles)
}

/// The sign-ins that are refused and that owners have not been written to about.
pub async fn untold_refusals(db: &Db, now: Moment) -> Result<Vec<Trouble>> {
    let mut troubles = store::troubles(db).await?;
    let mut seen = HashSet::new();
    troubles.retain(|one| one.is_untold(now) && seen.insert(one.relay.clone()));
    Ok(troubles)
}

/// Owners are written to about it now, in this transaction; false if somebody else has.
pub async fn tell(tx: &mut Tx, trouble: &Trouble, now: Moment) -> Result<bool> {
    let Some(credentials) = &trouble.credentials else { return Ok(false) };
    sign_ins::tell(tx, (&trouble.relay, credentials), now, trouble.told_at).await
}

/// What comes and goes is one letter a day.
const BETWEEN_LETTERS: Duration = Duration::from_secs(86_400);

impl Trouble {
    /// A moment that is yet to come was written by a clock that was wrong.
    fn is_untold(&self, now: Moment) -> bool {
        let told = |told: Moment| told > now || told < self.since && now.since(told) >= BETWEEN_LETTERS;
        self.credentials.is_some() && self.relay_told_at.is_none_or(told)
    }
}

/// Why a worker cannot use a relay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Why<'a> {
    /// What was tried, or the server's own words.
    pub(crate) words: &'a str,
    /// Which sign-in it refuses, if that is the reason.
    pub(crate) credentials: Option<&'a str>,
}

/// Notes that a worker cannot use a relay, or (`why` is `None`) that it can again.
pub(crate) async fn note(site: &Site, relay: &str, worker: i64, why: Option<Why<'_>>) -> Result<()> {
    let mut tx = site.db.begin().await?;
    match why {
        Some(Why { words, credentials }) => {
            store::trouble(&mut tx, (relay, worker), words, credentials, site.now()).await?
        }
        None => store::well(&mut tx, relay, worker).await?,
    };
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        authorities::Trust,
        smtp::{Timeouts, Wire},
        token::RootSecret,
    };

    fn options(url: &str) -> RelayOptions {
        let settings: crate::smtp_url::RelaySettings = url.parse().expect("a relay");
        RelayOptions {
            relay: Relay {
                url: settings.url,
                hello: "news.example.org".to_owned(),
                trust: Trust::public(),
                timeouts: Timeouts::scaled(0.01),
                messages_per_connection: 10,
                wire: Wire::default(),
            },
            connections: 1,
            limits: settings.limits,
        }
    }

    #[test]
    fn a_warm_up_grows_by_half_each_day_and_the_smaller_limit_counts() {
        let relay = options("smtp://a.example.org?warm_up=100&per_day=300");
        let start = Moment::from_unix_seconds(1_772_528_400);
        let limits =
            (0..5).map(|day| relay.daily_limit(start, start.plus(Duration::from_secs(day * 86_400))));
        assert_eq!(limits.collect::<Vec<_>>(), [Some(100), Some(151), Some(227), Some(300), Some(300)]);
        assert_eq!(options("smtp://a.example.org").daily_limit(start, start), None);
    }

    #[test]
    fn relays_share_by_weight_and_take_over_from_one_that_fails() {
        let secret = RootSecret { id: 1, secret: b"the root secret of an instance in a test".to_vec() };
        let keys = Keys::new(&secret, &[], b"the suppression secret of an instance in a test");
        let urls = ["smtp://a.example.org?weight=2", "smtp://b.example.org", "smtp://c.example.org?weight=0"];
        let relays = Relays::new(&urls.map(options), &keys, Wakes::default());
        let give = |index: usize| relays.all[index].given.fetch_add(1, Ordering::Relaxed);
        let mut given = [0; 3];
        for _ in 0..90 {
            let next = (0..3).find(|&index| relays.is_next(index)).expect("one of them may");
            give(next);
            given[next] += 1;
        }
        assert!((55..=65).contains(&given[0]) && given[0] + given[1] == 90, "{given:?}");
        assert_eq!([relays.failed(0), relays.failed(0)], [Failed::First, Failed::Again], "one is news");
        assert!(relays.is_next(1) && !relays.is_next(2));
        relays.failed(1);
        assert!(relays.is_next(2), "the one of weight 0 is for when nothing else works");
        assert!(relays.works(0) && !relays.works(0));
        assert!(!relays.is_next(2));
        let urls =
            ["smtp://a.example.org?per_second=1", "smtp://b.example.org", "smtp://c.example.org?weight=0"];
        let slow = Relays::new(&urls.map(options), &keys, Wakes::default());
        slow.all[1].given.fetch_add(5, Ordering::Relaxed);
        assert!(!slow.is_next(1), "it is ahead of its share");
        let by_the_second = slow.all[0].by_the_second.as_ref().expect("it has such a limit");
        by_the_second.binds.store(true, Ordering::Relaxed);
        assert!(slow.is_next(1), "nobody waits for one whose limit binds");
        assert!(!slow.is_next(2), "and no spare one takes over for it");
        slow.forgets_what_it_missed(0);
        by_the_second.binds.store(false, Ordering::Relaxed);
        assert!(slow.is_next(1), "what its limit kept from it, it does not make up for");

        let news = [true, true, false, false].map(|is_unknown| relays.is_news(0, is_unknown));
        assert_eq!(news, [true, false, true, false], "connections say once what they all meet");
    }
}
