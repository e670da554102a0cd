//! The limit of a second, kept by all workers together: each message has a moment of its own, given away by the database.
//!
//! The moments of a relay lie a gap apart (GCRA). A worker with something to send takes those of a quarter of a second in one
//! transaction, behind those of all others, and uses each only while it lasts: what it comes too late for is lost. So no number of
//! workers passes the limit, and a restart does not begin anew. Timers are late by some thousandths of a second, so a moment lasts
//! longer than the shortest gaps; the gaps are longer by what that could add to a second.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::store::relays as store;
use crate::{
    clock::{self, Moment},
    db::Result,
    site::Site,
};

/// So long the moments last that are taken at a time.
const AT_ONCE: u32 = 4;
/// What was given away further ahead was so by a clock that has been set back since.
const FAR_AHEAD: Duration = Duration::from_secs(60);
/// What is known of the database's time after a longer wait for its answer is not exact enough.
const LONGEST_ANSWER: Duration = Duration::from_millis(250);
/// How late a timer wakes us at most, nearly always.
const LATENESS: Duration = Duration::from_millis(5);
/// The database is not believed to be slower than that: moments far ahead keep everybody waiting.
const SLOWEST_COMMIT: Duration = Duration::from_secs(5);
/// So many times in a row all moments were over before they were ours: that is told.
const LOST: u32 = 3;
/// No moment has to last longer.
const LONG_ENOUGH: Duration = Duration::from_millis(50);

/// A moment of a relay, in which one message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    until: Instant,
}

impl Slot {
    /// Whether it is over. Another is to be taken then: what is used later may fall into a second that is full.
    pub(crate) fn is_over(self) -> bool {
        self.until <= clock::instant()
    }
}

/// The moments of one relay that this worker has taken.
#[derive(Debug)]
pub(crate) struct Slots {
    relay: String,
    gap: Duration,
    lasts: Duration,
    at_once: u32,
    taken: VecDeque<Instant>,
    /// How many of those that were taken together were over before anybody came.
    missed: u32,
    /// So far ahead moments are asked for: what is nearer would be over once the database has noted it.
    ahead: Duration,
    /// How many times in a row all of them were over all the same.
    lost: u32,
}

impl Slots {
    pub(crate) fn new(relay: String, per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let second = Duration::from_secs(1);
        let lasts = (second / per_second).clamp(LATENESS, LONG_ENOUGH);
        // Rounded up: a whole second, and the moment before it that is used late, hold no more than may go.
        let gap = (second + lasts) / per_second + Duration::from_micros(1);
        let at_once = (per_second / AT_ONCE).max(1);
        Self { relay, gap, lasts, at_once, taken: VecDeque::new(), missed: 0, ahead: Duration::ZERO, lost: 0 }
    }

    /// Waits for the next moment of the relay. Each time that some were taken, `told` hears whether the limit binds: nearly all of
    /// the last were used, and these lie right behind what was given away.
    ///
    /// # Errors
    /// When the database cannot be asked for one.
    pub(crate) async fn next(&mut self, site: &Site, told: impl Fn(bool)) -> Result<Slot> {
        loop {
            // Whoever overslept may be in the next one's moment.
            if let Some(slot) = self.now() {
                return Ok(slot);
            }
            match self.taken.front() {
                // Whoever ends meanwhile leaves it to the next.
                Some(&begins) => tokio::time::sleep_until(begins.into()).await,
                None => {
                    let were_used = self.missed * 10 <= self.at_once;
                    let are_behind = self.take(site).await?;
                    told(were_used && are_behind);
                }
            }
        }
    }

    /// The moment that is now, if it was taken; then it is used.
    pub(crate) fn now(&mut self) -> Option<Slot> {
        let now = clock::instant();
        while self.taken.pop_front_if(|begins| *begins + self.lasts <= now).is_some() {
            self.missed += 1;
        }
        let begins = self.taken.pop_front_if(|begins| *begins <= now)?;
        Some(Slot { until: begins + self.lasts })
    }

    /// Takes the next ones. Whether they lie right behind what was given away before.
    async fn take(&mut self, site: &Site) -> Result<bool> {
        let mut tx = site.db.begin().await?;
        store::began(&mut tx, &self.relay, site.now()).await?;
        let given_until = store::slot_at(&mut tx, &self.relay).await?;
        // Asked once it is our turn, so that the wait for others is no error of ours.
        let asked = clock::instant();
        let now = tx.lease_time(&site.clock).await?;
        let told = clock::instant();
        let first = first(given_until, now.plus(self.ahead));
        let is_behind = given_until.is_some_and(|until| until >= now && until <= now.plus(FAR_AHEAD));
        store::set_slot_at(&mut tx, &self.relay, first.plus(self.gap * self.at_once)).await?;
        tx.commit().await?;
        self.missed = 0;
        if told - asked < LONGEST_ANSWER {
            let first = told + first.since(now);
            self.taken.extend((0..self.at_once).map(|number| first + self.gap * number));
        }
        let lasted = told.elapsed();
        if self.took(lasted) {
            tracing::warn!(
                relay = self.relay,
                seconds = lasted.as_secs_f64(),
                "the database is so slow that a mail service is given less than its per_second allows"
            );
        }
        Ok(is_behind)
    }

    /// The database noted what was taken, so long after it had told its time. Whether it is to be told that it takes too long.
    fn took(&mut self, lasted: Duration) -> bool {
        self.ahead = if lasted > self.lasts / 2 { lasted.min(SLOWEST_COMMIT) } else { Duration::ZERO };
        let now = clock::instant();
        let is_lost = self.taken.back().is_none_or(|begins| *begins + self.lasts <= now);
        self.lost = if is_lost { self.lost.saturating_add(1) } else { 0 };
        self.lost == LOST
    }
}

/// The first moment that is not given away.
fn first(given_until: Option<Moment>, now: Moment) -> Moment {
    given_until.filter(|until| *until <= now.plus(FAR_AHEAD)).map_or(now, |until| until.max(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_one_another_and_a_clock_that_was_set_back_counts_as_now() {
        let now = Moment::from_unix_seconds(1_000);
        let ahead = |span| Some(now.plus(span));
        assert_eq!(first(None, now), now);
        assert_eq!(first(Some(now.minus(FAR_AHEAD)), now), now, "nothing is made up for");
        assert_eq!(first(ahead(Duration::from_millis(250)), now), now.plus(Duration::from_millis(250)));
        assert_eq!(first(ahead(FAR_AHEAD + Duration::from_micros(1)), now), now);
    }

    /// Where the database takes longer to note a moment than that lasts, moments are asked for that are not over by then.
    #[test]
    fn a_slow_database_is_asked_for_later_moments_and_told_of_once() {
        let mut slots = Slots::new("mail.example.org:587".to_owned(), 60);
        assert!(!slots.took(Duration::from_millis(2)) && slots.ahead.is_zero());
        let told = [(); 4].map(|()| slots.took(Duration::from_millis(400)));
        assert_eq!(told, [false, true, false, false], "the third in a row");
        assert_eq!(slots.ahead, Duration::from_millis(400));
        slots.taken.push_back(clock::instant() + slots.ahead);
        assert!(!slots.took(Duration::from_secs(3_600)) && slots.lost == 0);
        assert_eq!(slots.ahead, SLOWEST_COMMIT);
    }

    /// However late in its moment each message leaves, no second holds more of them than the limit, and little of it is lost.
    #[test]
    fn a_quarter_of_a_second_is_taken_at_a_time_and_no_second_holds_too_many() {
        for (per_second, at_once) in [(1, 1), (3, 1), (60, 15), (200, 50), (1_000, 250), (10_000, 2_500)] {
            let slots = Slots::new("mail.example.org:587".to_owned(), per_second);
            assert_eq!(slots.at_once, at_once);
            // The first as late as can be, all others in time.
            let first = slots.lasts;
            let within =
                (0..=per_second).filter(|number| slots.gap * *number < first + Duration::from_secs(1));
            assert!(within.count() <= per_second as usize, "{per_second}: {slots:?}");
            assert!(slots.gap * per_second < Duration::from_millis(1_061), "{per_second}: {slots:?}");
            assert!(slots.lasts >= LATENESS, "timers are late");
        }
    }
}
