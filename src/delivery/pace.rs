//! The pace of each recipient domain: none until its servers ask for one, then as slow as they make it, and back again.
//!
//! A domain is slowed by 421 and 4.7.x replies (TRUST M22): the gap between two of its messages doubles with each, and
//! shrinks again while messages are taken. Every worker knows the gaps of all, and keeps one as long as there are workers.
//! Domains whose mail one provider takes share a gap, under the provider's name.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::store::pace as store;
pub use super::store::pace::{Slowed, Waiting};
use crate::{
    db::{self, Db},
    site::Site,
};

/// A domain that nothing was learned of for so long is tried as if it had never asked.
pub(super) const FORGET: Duration = Duration::from_secs(6 * 3600);

/// The domains that are slowed now, the slowest first.
///
/// # Errors
/// When the database fails.
pub async fn slowed(site: &Site) -> db::Result<Vec<Slowed>> {
    store::slowed(&site.db, site.now().minus(FORGET)).await
}

/// Copies of an edition that wait for another try, by recipient domain: those with the most first.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &Db, edition_id: i64, limit: i64) -> db::Result<Vec<Waiting>> {
    store::waiting(db, edition_id, limit).await
}

/// How strictly domains are slowed.
#[derive(Clone, Copy, Debug)]
pub struct PaceRules {
    /// The gap after the first request to slow down.
    pub first: Duration,
    /// The longest gap.
    pub longest: Duration,
    /// Below this gap a domain is free again.
    pub free: Duration,
    /// So many messages in a row must be taken before the gap shrinks by a quarter.
    pub streak: u32,
}

impl Default for PaceRules {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            free: Duration::from_millis(20),
            streak: 10,
        }
    }
}

/// What a worker knows of one slowed domain.
#[derive(Clone, Copy, Debug)]
struct Lane {
    gap: Duration,
    next: Instant,
    streak: u32,
    slowed_at: Instant,
}

/// The paces of one worker.
#[derive(Debug)]
pub(super) struct Pace {
    rules: PaceRules,
    lanes: Mutex<Lanes>,
    /// Whether any domain is slowed: nearly always none is, and nothing is locked.
    any: AtomicBool,
}

#[derive(Debug)]
struct Lanes {
    by_domain: HashMap<String, Lane>,
    /// Gaps that changed here since the others were told; `None` for a domain that is free again.
    news: BTreeMap<String, Option<Duration>>,
    workers: u32,
    /// The provider of each domain that goes by its provider's pace.
    providers: HashMap<String, String>,
    /// The slowed domains whose own members are known.
    asked: HashSet<String>,
}

impl Lanes {
    fn key<'a>(&'a self, domain: &'a str) -> &'a str {
        self.providers.get(domain).map_or(domain, String::as_str)
    }
}

impl Pace {
    pub(super) fn new(rules: PaceRules) -> Self {
        let lanes = Lanes {
            by_domain: HashMap::new(),
            news: BTreeMap::new(),
            workers: 1,
            providers: HashMap::new(),
            asked: HashSet::new(),
        };
        Self { rules, lanes: Mutex::new(lanes), any: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        // Nothing panics while it holds the lock.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the domain's next turn, or says when it comes.
    pub(super) fn take(&self, domain: &str, now: Instant) -> Result<(), Instant> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut lanes = self.lock();
        let Lanes { by_domain, workers, providers, .. } = &mut *lanes;
        let key = providers.get(domain).map_or(domain, String::as_str);
        let Some(lane) = by_domain.get_mut(key) else { return Ok(()) };
        if lane.next > now {
            return Err(lane.next);
        }
        lane.next = now + lane.gap * *workers;
        Ok(())
    }

    /// Whose pace a domain goes by: its own, or its provider's.
    pub(super) fn key(&self, domain: &str) -> String {
        self.lock().key(domain).to_owned()
    }

    /// Of these slowed domains, those whose members are not known yet.
    pub(super) fn not_asked<'a>(&self, slowed: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let lanes = self.lock();
        slowed.into_iter().filter(|name| !lanes.asked.contains(*name)).collect()
    }

    /// The members of these are known now. Whoever joins them later is found when its own servers ask for patience.
    pub(super) fn asked(&self, names: &[&str]) {
        self.lock().asked.extend(names.iter().map(|name| (*name).to_owned()));
    }

    /// Lets domains go by the pace of their providers from now on.
    pub(super) fn group(&self, domains: Vec<(String, String)>) {
        let mut lanes = self.lock();
        for (domain, provider) in domains {
            if domain == provider {
                continue;
            }
            // The slower of both counts.
            if let Some(own) = lanes.by_domain.remove(&domain) {
                let lane = lanes.by_domain.entry(provider.clone()).or_insert(own);
                if lane.gap < own.gap {
                    *lane = own;
                }
            }
            if let Some(own) = lanes.news.remove(&domain) {
                let news = lanes.news.entry(provider.clone()).or_insert(own);
                *news = (*news).max(own);
            }
            lanes.providers.insert(domain, provider);
        }
    }

    /// How long that many more messages of a domain will take from now on.
    pub(super) fn backlog(&self, domain: &str, messages: usize) -> Duration {
        let lanes = self.lock();
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        let gap =
            lanes.by_domain.get(lanes.key(domain)).map_or(Duration::ZERO, |lane| lane.gap * lanes.workers);
        gap.saturating_mul(messages)
    }

    /// The domain's server asked for patience.
    pub(super) fn slow_down(&self, domain: &str, now: Instant) {
        let mut lanes = self.lock();
        let rules = self.rules;
        let fresh = Lane { gap: rules.first, next: now, streak: 0, slowed_at: now };
        let domain = lanes.key(domain).to_owned();
        let known = lanes.by_domain.get(&domain).copied();
        let lane = match known {
            // Messages that were under way when the first of them was refused tell nothing new.
            Some(lane) if now.duration_since(lane.slowed_at) < lane.gap => Lane { streak: 0, ..lane },
            Some(lane) => {
                let gap = (lane.gap * 2).min(rules.longest);
                Lane { gap, next: lane.next.max(now + gap), ..fresh }
            }
            None => Lane { next: now + rules.first, ..fresh },
        };
        lanes.news.insert(domain.clone(), Some(lane.gap));
        lanes.by_domain.insert(domain, lane);
        self.any.store(true, Ordering::Release);
    }

    /// The domain's server took a message.
    pub(super) fn taken(&self, domain: &str) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut lanes = self.lock();
        let domain = lanes.key(domain).to_owned();
        let Some(lane) = lanes.by_domain.get_mut(&domain) else { return };
        lane.streak += 1;
        if lane.streak < self.rules.streak {
            return;
        }
        lane.streak = 0;
        lane.gap = lane.gap * 3 / 4;
        let gap = (lane.gap >= self.rules.free).then_some(lane.gap);
        if gap.is_none() {
            lanes.by_domain.remove(&domain);
        }
        lanes.news.insert(domain, gap);
        self.any.store(!lanes.by_domain.is_empty(), Ordering::Release);
    }

    /// Of which domains the other workers should hear.
    pub(super) fn untold(&self) -> Vec<String> {
        self.lock().news.keys().cloned().collect()
    }

    /// What the other workers should hear of.
    pub(super) fn news(&self) -> Vec<(String, Option<Duration>)> {
        let mut news: Vec<_> = std::mem::take(&mut self.lock().news).into_iter().collect();
        // Workers that tell of the same domains meet at them in the same order.
        news.sort();
        news
    }

    /// Takes over what all workers know together: the gaps, and how many workers share them.
    pub(super) fn learn(&self, gaps: &[(String, Duration)], workers: u32, now: Instant) {
        let mut lanes = self.lock();
        lanes.workers = workers.max(1);
        let untold: Vec<String> = lanes.news.keys().cloned().collect();
        lanes
            .by_domain
            .retain(|domain, _| untold.contains(domain) || gaps.iter().any(|(known, _)| known == domain));
        for (domain, gap) in gaps {
            if !untold.contains(domain) {
                let fresh = Lane { gap: *gap, next: now, streak: 0, slowed_at: now };
                lanes.by_domain.entry(domain.clone()).or_insert(fresh).gap = *gap;
            }
        }
        if lanes.by_domain.is_empty() {
            lanes.providers.clear();
            lanes.asked.clear();
        }
        self.any.store(!lanes.by_domain.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const RULES: PaceRules = PaceRules {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        free: Duration::from_millis(600),
        streak: 2,
    };

    /// TRUST M22: one domain's request to slow down is that domain's alone, and grows until it is heard.
    #[test]
    fn a_domain_that_asks_is_slowed_and_no_other_is() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        assert_eq!(pace.take("slow.example", start), Ok(()));
        pace.slow_down("slow.example", start);
        assert_eq!(pace.take("slow.example", start), Err(start + RULES.first));
        assert_eq!(pace.take("other.example", start), Ok(()));
        pace.slow_down("slow.example", start + Duration::from_millis(10));
        assert_eq!(
            pace.take("slow.example", start),
            Err(start + RULES.first),
            "what was under way tells nothing new"
        );
        let later = start + RULES.first;
        assert_eq!(pace.take("slow.example", later), Ok(()));
        pace.slow_down("slow.example", later);
        assert_eq!(pace.take("slow.example", later), Err(later + RULES.first * 2));
    }

    /// TRUST M22: and it recovers.
    #[test]
    fn a_domain_that_takes_messages_is_free_again_in_the_end() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("slow.example", start);
        for _ in 0..4 {
            pace.taken("slow.example");
        }
        assert_eq!(pace.take("slow.example", start), Ok(()), "a second, three quarters of it, then free");
        assert_eq!(pace.news(), [("slow.example".to_owned(), None)]);
    }

    /// TRUST M22: who serves many domains is slowed in all of them, by what was learned of any.
    #[test]
    fn domains_of_one_provider_share_its_pace() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("one.example", start);
        assert_eq!(pace.take("two.example", start), Ok(()));
        let grouped = |name: &str| (name.to_owned(), "provider.example".to_owned());
        pace.group(vec![grouped("one.example"), grouped("two.example"), grouped("provider.example")]);
        assert_eq!(pace.take("two.example", start), Err(start + RULES.first));
        assert_eq!(pace.take("three.example", start), Ok(()));
        assert_eq!(pace.news(), [("provider.example".to_owned(), Some(RULES.first))]);
        for _ in 0..4 {
            pace.taken("two.example");
        }
        assert_eq!(pace.take("one.example", start), Ok(()), "free again");
    }

    /// Two workers keep the gap that one would.
    #[test]
    fn workers_share_the_pace_of_a_domain() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.learn(&[("slow.example".to_owned(), RULES.first)], 2, start);
        assert_eq!(pace.take("slow.example", start), Ok(()));
        assert_eq!(pace.take("slow.example", start), Err(start + RULES.first * 2));
        assert_eq!(pace.backlog("slow.example", 10), RULES.first * 20);
        pace.learn(&[], 2, start);
        assert_eq!(pace.take("slow.example", start), Ok(()));
    }
}
