//! The limit of a second, kept by all workers together: each message has a moment of its own, given away by the database.
//!
//! The moments of a relay lie a gap apart (GCRA). A worker with something to send takes those of a quarter of a second in one
//! transaction, behind those of all others, and uses each only while it lasts: what it comes too late for is lost. So no number of
//! workers passes the limit, and a restart does not begin anew.

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

/// The moments of one relay that this worker has taken.
#[derive(Debug)]
pub(super) struct Slots {
    relay: String,
    gap: Duration,
    at_once: u32,
    taken: VecDeque<Instant>,
}

impl Slots {
    pub(super) fn new(relay: String, per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let gap = Duration::from_micros(1_000_000_u64.div_ceil(u64::from(per_second)));
        Self { relay, gap, at_once: (per_second / AT_ONCE).max(1), taken: VecDeque::new() }
    }

    /// Waits for the next moment of the relay.
    ///
    /// # Errors
    /// When the database cannot be asked for one.
    pub(super) async fn next(&mut self, site: &Site) -> Result<()> {
        loop {
            while let Some(&slot) = self.taken.front() {
                if slot + self.gap > clock::instant() {
                    // Whoever goes home meanwhile leaves it to the next.
                    tokio::time::sleep_until(slot.into()).await;
                }
                self.taken.pop_front();
                // Whoever overslept may be in the next one's moment.
                if slot + self.gap > clock::instant() {
                    return Ok(());
                }
            }
            self.take(site).await?;
        }
    }

    /// Whether a moment that was taken is now; then it is used.
    pub(super) fn is_now(&mut self) -> bool {
        let now = clock::instant();
        while self.taken.pop_front_if(|slot| *slot + self.gap <= now).is_some() {}
        self.taken.pop_front_if(|slot| *slot <= now).is_some()
    }

    async fn take(&mut self, site: &Site) -> Result<()> {
        let mut tx = site.db.begin().await?;
        store::began(&mut tx, &self.relay, site.now()).await?;
        let given_until = store::slot_at(&mut tx, &self.relay).await?;
        // Asked once it is our turn, so that the wait for others is no error of ours.
        let asked = clock::instant();
        let now = tx.lease_time(&site.clock).await?;
        let told = clock::instant();
        let first = first(given_until, now);
        store::set_slot_at(&mut tx, &self.relay, first.plus(self.gap * self.at_once)).await?;
        tx.commit().await?;
        if told - asked < LONGEST_ANSWER {
            let first = told + first.since(now);
            self.taken.extend((0..self.at_once).map(|number| first + self.gap * number));
        }
        Ok(())
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

    #[test]
    fn a_quarter_of_a_second_is_taken_at_a_time_and_no_gap_is_rounded_down() {
        for (per_second, at_once) in [(1, 1), (3, 1), (60, 15), (1_000, 250)] {
            let slots = Slots::new("mail.example.org:587".to_owned(), per_second);
            assert_eq!(slots.at_once, at_once);
            assert!(slots.gap * per_second >= Duration::from_secs(1));
        }
    }
}
