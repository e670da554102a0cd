//! The lane of a domain that asked for patience: when its next message may go.
//!
//! A lane is in one of two moods. While the domain *refuses*, nothing goes but a message now and then that tries, and between
//! two of them lies a tenth of the time that it has been refusing: so it is asked less and less, and its freedom is found out
//! within a tenth of what it made us wait. Once it *takes* messages, their rate doubles quickly up to where it was right before
//! the last refusal, and grows slowly beyond that. A refusal on the way up halves the rate; one after slow growth costs a seventh.

use std::time::{Duration, Instant};

/// How strictly domains are slowed.
#[derive(Clone, Copy, Debug)]
pub struct PaceRules {
    /// The wait after a refusal, and the unit of all other times of the law.
    pub first: Duration,
    /// The longest wait between two messages that try.
    pub longest: Duration,
    /// Below this gap a domain is as good as free.
    pub free: Duration,
}

impl Default for PaceRules {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            free: Duration::from_millis(2),
        }
    }
}

impl PaceRules {
    /// The gap with which a domain begins to take messages again of which nothing else is known.
    fn start(&self) -> Duration {
        self.first / 10
    }

    /// The rate grows once in so long.
    fn step(&self) -> Duration {
        self.first / 4
    }

    /// What was learned of a domain's rate is not believed any more when it has refused everything for so long.
    fn stale(&self) -> Duration {
        self.first * 3
    }

    /// The widest gap between messages of a domain that takes some.
    fn slowest(&self) -> Duration {
        self.first.saturating_mul(60)
    }

    /// A domain that was as good as free for so long is free.
    fn memory(&self) -> Duration {
        self.first.saturating_mul(60)
    }

    /// How long a copy waits that was refused now, and whose servers have asked for patience with it for so long. So one copy
    /// alone is tried less and less, too, whatever its domain does with others.
    pub(super) fn copy_waits(&self, asked_for: Duration) -> Duration {
        (asked_for / 8).clamp(self.first.saturating_mul(4).min(LONGEST_WAIT), LONGEST_WAIT)
    }
}

/// No copy waits longer for its next try, or its domain would be taken for one that nobody asked (`patience::UNASKED`).
const LONGEST_WAIT: Duration = Duration::from_secs(50 * 60);
/// A domain that refuses waits for a tenth of the time that it has been refusing.
const SHARE: u32 = 10;
/// After slow growth a refusal costs so much of the rate.
const EASE: f64 = 0.85;
/// How the slow growth grows, with the square of the time since the last refusal.
const GROWTH: f64 = 0.0005;

/// What a worker knows of one domain that asked for patience.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Between two messages, while it takes them.
    gap: Duration,
    /// The gap down to which it may be halved: what was right the last time.
    knee: Option<Duration>,
    refusing: Option<Refusing>,
    /// When the next message may go.
    next: Instant,
    /// When it began to take messages, and when the rate last grew.
    since: Instant,
    stepped_at: Instant,
    /// Whether the rate last grew by doubling.
    doubled: bool,
}

#[derive(Clone, Copy, Debug)]
struct Refusing {
    since: Instant,
    /// Between two messages that try.
    gap: Duration,
    /// Whatever is heard before was under way, and tells nothing new.
    deaf_until: Instant,
}

/// What a lane says of itself to other workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slowness {
    /// Nothing gets through just now; the messages try.
    pub(super) refusing: bool,
    /// Between two messages.
    pub(super) gap: Duration,
}

impl Lane {
    /// A domain asked for patience that was free.
    pub(super) fn of_a_refusal(rules: &PaceRules, now: Instant) -> Self {
        let mut lane = Self::taking(rules.start(), now);
        lane.refuse(rules.first, now);
        lane
    }

    /// A domain that another worker told of.
    pub(super) fn told(rules: &PaceRules, slowness: Slowness, now: Instant) -> Self {
        let mut lane = Self::taking(if slowness.refusing { rules.start() } else { slowness.gap }, now);
        lane.hear(rules, slowness, 1, now);
        // Nothing is under way.
        lane.next = now;
        lane.refusing.iter_mut().for_each(|refusing| refusing.deaf_until = now);
        lane
    }

    const fn taking(gap: Duration, now: Instant) -> Self {
        Self { gap, knee: None, refusing: None, next: now, since: now, stepped_at: now, doubled: true }
    }

    fn refuse(&mut self, gap: Duration, now: Instant) {
        self.next = now + gap;
        let since = self.refusing.map_or(now, |refusing| refusing.since);
        self.refusing = Some(Refusing { since, gap, deaf_until: self.next });
    }

    /// Takes the next turn, if it has come; else says when it comes. The gaps are those of so many workers.
    pub(super) fn take(&mut self, rules: &PaceRules, workers: u32, now: Instant) -> Result<(), Instant> {
        if self.is_free(rules) {
            return Ok(());
        }
        if self.next > now {
            return Err(self.next);
        }
        // Timers are late by a little, which is not to slow everything down.
        let late = now.duration_since(self.next).min(rules.first / 100);
        let from = if self.refusing.is_some() { now } else { now.checked_sub(late).unwrap_or(now) };
        self.next = from + self.slowness().gap.saturating_mul(workers);
        Ok(())
    }

    /// The domain's server asked for patience. Whether that is news.
    pub(super) fn refused(&mut self, rules: &PaceRules, now: Instant) -> bool {
        if let Some(Refusing { since, deaf_until, .. }) = self.refusing {
            if now < deaf_until {
                return false;
            }
            let so_long = now.duration_since(since);
            if so_long > rules.stale() {
                self.gap = self.gap.max(rules.start());
            }
            self.refuse((so_long / SHARE).max(rules.first).min(rules.longest), now);
            return true;
        }
        self.gap = if self.doubled { self.gap * 2 } else { self.gap.div_f64(EASE) };
        self.gap = self.gap.min(rules.slowest());
        self.knee = Some(self.gap);
        self.refuse(rules.first, now);
        true
    }

    /// The domain's server took a message. Whether that is news.
    pub(super) fn taken(&mut self, rules: &PaceRules, now: Instant) -> bool {
        if let Some(Refusing { deaf_until, .. }) = self.refusing {
            if now < deaf_until {
                return false;
            }
            *self = Self { knee: self.knee, ..Self::taking(self.gap, now) };
            self.next = now + self.gap;
            self.doubled = self.is_above_knee();
            return true;
        }
        if self.is_free(rules) || now.duration_since(self.stepped_at) < rules.step().max(self.gap) {
            return false;
        }
        self.stepped_at = now;
        self.doubled = self.is_above_knee();
        let gap = match self.knee {
            Some(knee) if !self.doubled => {
                let time = now.duration_since(self.since).as_secs_f64() / rules.first.as_secs_f64();
                knee.div_f64(GROWTH.mul_add(time * time, 1.0))
            }
            knee => (self.gap / 2).max(knee.unwrap_or_default()),
        };
        self.gap = gap.max(rules.free);
        true
    }

    fn is_above_knee(&self) -> bool {
        self.knee.is_none_or(|knee| self.gap > knee)
    }

    /// Another worker knows better; so many share the pace. Whether the next turn comes sooner for it.
    pub(super) fn hear(&mut self, rules: &PaceRules, slowness: Slowness, workers: u32, now: Instant) -> bool {
        let before = self.next;
        if !slowness.refusing {
            self.gap = slowness.gap;
            self.refusing = None;
            // The turn was given while nothing was taken.
            self.next = self.next.min(now + slowness.gap * workers);
        } else if self.refusing.is_none_or(|refusing| refusing.gap != slowness.gap) {
            let since = now.checked_sub(slowness.gap.saturating_mul(SHARE)).unwrap_or(now);
            // Answers to what is under way tell nothing of the refusals that were heard elsewhere.
            let deaf_until = if self.refusing.is_none() { now + rules.first } else { now };
            self.next = self.next.max(deaf_until);
            self.refusing = Some(Refusing { since, gap: slowness.gap, deaf_until });
        }
        self.next < before
    }

    /// It takes messages as fast as anybody sends them.
    pub(super) fn is_free(&self, rules: &PaceRules) -> bool {
        self.refusing.is_none() && self.gap <= rules.free
    }

    /// It has been free for so long that nothing need be remembered.
    pub(super) fn is_over(&self, rules: &PaceRules, now: Instant) -> bool {
        self.is_free(rules) && now.duration_since(self.since) > rules.memory()
    }

    pub(super) fn slowness(&self) -> Slowness {
        match self.refusing {
            Some(refusing) => Slowness { gap: refusing.gap, refusing: true },
            None => Slowness { gap: self.gap, refusing: false },
        }
    }
}

/// What one worker has to tell of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// None for a domain that is free again.
    pub(super) slowness: Option<Slowness>,
    /// It took a message since the others were told, whatever it did after that.
    pub(super) took: bool,
    /// What it says while it takes none, without addresses.
    pub(super) words: String,
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use super::*;
    use crate::clock;

    const RULES: PaceRules = PaceRules {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(300),
        free: Duration::from_millis(2),
    };
    const CONNECTIONS: usize = 20;
    const ROUND_TRIP: f64 = 0.05;
    /// What everybody has to wait.
    const BAR: f64 = 1.2;

    /// A server, asked at a second whether it takes a message then.
    type Server = Box<dyn FnMut(f64) -> bool>;

    /// It takes nothing in these spans of time.
    fn shut(spans: &'static [(f64, f64)]) -> Server {
        Box::new(move |at| !spans.iter().any(|(from, to)| (*from..*to).contains(&at)))
    }

    /// It takes so many in each window of so many seconds.
    fn window(most: u32, seconds: f64) -> Server {
        let (mut window, mut taken) = (-1.0, 0);
        Box::new(move |at| {
            if (at / seconds).floor() > window {
                (window, taken) = ((at / seconds).floor(), 0);
            }
            taken += 1;
            taken <= most
        })
    }

    /// It takes so many a second, and so many at once after a rest.
    fn bucket(rate: f64, most: f64) -> Server {
        let (mut tokens, mut last) = (most, 0.0);
        Box::new(move |at| {
            tokens = (tokens + (at - last) * rate).min(most);
            last = at;
            let takes = tokens >= 1.0;
            tokens -= f64::from(u8::from(takes));
            takes
        })
    }

    /// What came of sending.
    struct Sent {
        /// When the last copy was taken, in seconds.
        last: f64,
        refused: u32,
    }

    /// Sends as fast as the connections can, whatever the server says: no sender can be done sooner.
    fn at_best(mut server: Server, copies: u32) -> f64 {
        let (mut taken, mut turn) = (0, 0_u32);
        while taken < copies {
            turn += 1;
            taken += u32::from(server(f64::from(turn) * ROUND_TRIP / CONNECTIONS as f64));
        }
        f64::from(turn) * ROUND_TRIP / CONNECTIONS as f64
    }

    /// Sends by the law, each refused copy waiting by itself as well: a worker on a virtual clock.
    fn by_the_law(mut server: Server, copies: u32) -> Sent {
        let start = clock::instant();
        let seconds = |at: Instant| at.duration_since(start).as_secs_f64();
        let round_trip = Duration::from_secs_f64(ROUND_TRIP);
        let (mut lane, mut now) = (None::<Lane>, start);
        // Copies that were asked for patience: when each may be tried again, and when it was first asked.
        let (mut fresh, mut asked, mut on_its_way) = (copies, BinaryHeap::new(), BinaryHeap::new());
        let mut sent = Sent { last: 0.0, refused: 0 };
        while fresh + asked.len() as u32 > 0 || !on_its_way.is_empty() {
            let mut turn = None;
            while on_its_way.len() < CONNECTIONS {
                let due = asked.peek().map(|Reverse((due, _))| *due);
                let is_due = due.is_some_and(|due| due <= now);
                if !is_due && fresh == 0 {
                    turn = due;
                    break;
                }
                if let Some(Err(at)) = lane.as_mut().map(|lane| lane.take(&RULES, 1, now)) {
                    turn = Some(at);
                    break;
                }
                let asked_at = if is_due { asked.pop().map(|Reverse((_, asked_at))| asked_at) } else { None };
                fresh -= u32::from(!is_due);
                on_its_way.push(Reverse((
                    now + round_trip,
                    asked_at,
                    server(seconds(now) + ROUND_TRIP / 2.0),
                )));
            }
            let answer = on_its_way.peek().map(|Reverse((at, ..))| *at);
            now = [turn, answer].into_iter().flatten().min().expect("something will happen").max(now);
            while let Some(Reverse((at, asked_at, taken))) = on_its_way.peek().copied()
                && at <= now
            {
                on_its_way.pop();
                if taken {
                    sent.last = seconds(now);
                    lane.as_mut().map(|lane| lane.taken(&RULES, now));
                } else {
                    sent.refused += 1;
                    let asked_at = asked_at.unwrap_or(now);
                    asked.push(Reverse((now + RULES.copy_waits(now - asked_at), asked_at)));
                    match &mut lane {
                        Some(lane) => _ = lane.refused(&RULES, now),
                        None => lane = Some(Lane::of_a_refusal(&RULES, now)),
                    }
                }
                lane = lane.filter(|lane| !lane.is_over(&RULES, now));
            }
        }
        sent
    }

    /// TRUST M22: whatever a server's reason, the last copy has left soon after the server would have taken it, and the server
    /// had to say no to few. (A message in ten, for a server that takes more than a handful in all of a minute.)
    #[test]
    fn the_last_copy_leaves_soon_after_it_could_and_few_are_refused() {
        type Case = (&'static str, fn() -> Server, u32, u32);
        let cases: &[Case] = &[
            ("shut for 40 s", || shut(&[(0.0, 40.0)]), 2_000, 50),
            ("shut for 10 min", || shut(&[(0.0, 600.0)]), 2_000, 80),
            ("shut for 4 h", || shut(&[(0.0, 14_400.0)]), 2_000, 150),
            ("shut twice", || shut(&[(0.0, 40.0), (45.0, 85.0)]), 10_000, 100),
            ("shut twice, free at first", || shut(&[(5.0, 45.0), (55.0, 95.0)]), 10_000, 120),
            ("one a second", || window(1, 1.0), 300, 60),
            ("10 a second", || window(10, 1.0), 3_000, 60),
            ("100 a second", || window(100, 1.0), 30_000, 120),
            ("100 in 10 s", || window(100, 10.0), 3_000, 300),
            ("1,000 a minute", || window(1_000, 60.0), 5_000, 250),
            ("100 in 10 min", || window(100, 600.0), 500, 300),
            ("2,000 an hour", || window(2_000, 3_600.0), 10_000, 450),
            ("5 a second, 5 at once", || bucket(5.0, 5.0), 600, 60),
            ("20 a second, one at once", || bucket(20.0, 1.0), 2_400, 60),
            ("100 a second, 100 at once", || bucket(100.0, 100.0), 12_000, 100),
            ("300 a second, 3,000 at once", || bucket(300.0, 3_000.0), 36_000, 100),
        ];
        for (what, server, copies, refused) in cases {
            let (best, sent) = (at_best(server(), *copies), by_the_law(server(), *copies));
            println!("{what}: {best:.0} s at best, {:.0} s by the law, {} refused", sent.last, sent.refused);
            assert!(sent.last < best * BAR, "{what}: {:.1} s, and {best:.1} s at best", sent.last);
            assert!(sent.refused <= *refused, "{what}: {} were refused", sent.refused);
        }
    }

    /// RFC 5321 section 4.5.4.1: a copy whose servers never take it is tried less and less.
    #[test]
    fn one_copy_alone_is_tried_less_and_less() {
        let mut asked_for = Duration::ZERO;
        let mut tries = 0;
        while asked_for < Duration::from_secs(4 * 86_400) {
            asked_for += RULES.copy_waits(asked_for);
            tries += 1;
        }
        assert!((120..=180).contains(&tries), "{tries} tries in four days");
        // Half an hour at least (the same section), and never so long that its domain would seem to be one that nobody asks.
        let last = RULES.copy_waits(asked_for);
        assert!(last > Duration::from_secs(30 * 60) && last < crate::delivery::patience::UNASKED, "{last:?}");
    }
}
