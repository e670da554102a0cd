//! The pace of each recipient domain: none until its servers ask for one, then as slow as they make it, and back again.
//!
//! A domain is slowed by 421 and 4.7.x replies (TRUST M22), by the law in `lane.rs`. Every worker knows the gaps of all,
//! and keeps one as long as there are workers. Domains whose mail one provider takes share a lane, under the provider's name.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    ops::Deref,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub use super::{
    lane::PaceRules,
    store::pace::{Refusing, Slowed, WaitingLane},
};
use super::{
    lane::{Lane, News, Slowness},
    patience,
    store::pace as store,
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    replies::scan::without_addresses,
    site::Site,
};

/// A domain that nothing was learned of for so long is tried as if it had never asked.
pub(super) const FORGET: Duration = Duration::from_secs(6 * 3600);

/// The domains that are slowed now, the slowest first.
pub async fn slowed(site: &Site) -> db::Result<Vec<Slowed>> {
    store::slowed(&site.db, site.now().minus(FORGET)).await
}

/// Copies of an edition that wait for a domain to take them, or for another try of their own: those with the most first.
pub async fn waiting(site: &Site, edition_id: i64, limit: i64) -> db::Result<Vec<WaitingLane>> {
    store::waiting(&site.db, edition_id, site.now(), limit).await
}

/// Editions that have waited for a quarter of our patience for a domain which has taken nothing for as long.
pub async fn refusing(site: &Site) -> db::Result<Vec<Refusing>> {
    let now = site.now();
    store::refusing(&site.db, now.minus(patience::LONG), now.minus(FORGET)).await
}

/// How many copies of an edition wait for such a domain.
pub async fn readers_waiting(site: &Site, refusing: &Refusing) -> db::Result<i64> {
    store::in_lane(&site.db, refusing.edition_id, &refusing.domain_key).await
}

/// Takes it upon the caller to tell people of it, in this transaction; `false` if somebody else did.
pub async fn tell_of(tx: &mut Tx, site: &Site, refusing: &Refusing) -> db::Result<bool> {
    store::told(tx, refusing.edition_id, &refusing.domain_key, site.now()).await
}

impl Refusing {
    /// When our patience ends.
    #[must_use]
    pub fn given_up_at(&self) -> Moment {
        self.patient_since.max(self.going_since).plus(patience::LONGEST)
    }
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
    /// What changed here since the others were told.
    news: BTreeMap<String, News>,
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

/// How many copies of a lane wait in memory at most.
const LANE: usize = 250;

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

    pub(super) const fn rules(&self) -> &PaceRules {
        &self.rules
    }

    /// Takes the domain's next turn, or says when it comes.
    pub(super) fn take(&self, domain: &str, now: Instant) -> Result<(), Instant> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut lanes = self.lock();
        let Lanes { by_domain, workers, providers, .. } = &mut *lanes;
        let key = providers.get(domain).map_or(domain, String::as_str);
        by_domain.get_mut(key).map_or(Ok(()), |lane| lane.take(&self.rules, *workers, now))
    }

    /// Whose pace a domain goes by: its own, or its provider's.
    pub(super) fn key(&self, domain: &str) -> String {
        self.lock().key(domain).to_owned()
    }

    /// The lane in which a domain's copies wait, if it is slowed.
    pub(super) fn lane_of(&self, domain: &str) -> Option<String> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let lanes = self.lock();
        let key = lanes.key(domain);
        let slowed = lanes.by_domain.get(key).is_some_and(|lane| !lane.is_free(&self.rules));
        slowed.then(|| key.to_owned())
    }

    /// How many copies of a domain are to wait in memory; `None` when it is not slowed.
    pub(super) fn supply(&self, domain: &str) -> Option<usize> {
        let lanes = self.lock();
        let lane = lanes.by_domain.get(lanes.key(domain)).filter(|lane| !lane.is_free(&self.rules))?;
        let gap = lane.slowness().gap.saturating_mul(lanes.workers).as_micros().max(1);
        // Enough for the next two seconds, so that they hardly ever run out.
        Some(usize::try_from((self.rules.first * 2).as_micros() / gap).unwrap_or(LANE).clamp(2, LANE))
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
                if lane.slowness() < own.slowness() {
                    *lane = own;
                }
            }
            if let Some(own) = lanes.news.remove(&domain) {
                let news = lanes.news.entry(provider.clone()).or_default();
                news.slowness = news.slowness.max(own.slowness);
                news.took |= own.took;
                if !own.words.is_empty() {
                    news.words = own.words;
                }
            }
            lanes.providers.insert(domain, provider);
        }
    }

    /// The domain's server asked for patience, in these words.
    pub(super) fn slow_down(&self, domain: &str, words: &str, now: Instant) {
        let mut lanes = self.lock();
        let domain = lanes.key(domain).to_owned();
        if let Some(lane) = lanes.by_domain.get_mut(&domain) {
            if !lane.refused(&self.rules, now) {
                return;
            }
        } else {
            lanes.by_domain.insert(domain.clone(), Lane::of_a_refusal(&self.rules, now));
        }
        lanes.tell(domain, &self.rules).words = without_addresses(words);
        self.any.store(true, Ordering::Release);
    }

    /// The domain's server took a message. Whether more may wait in memory now.
    pub(super) fn taken(&self, domain: &str, now: Instant) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut lanes = self.lock();
        let domain = lanes.key(domain).to_owned();
        let Some(lane) = lanes.by_domain.get_mut(&domain) else { return false };
        if lane.is_over(&self.rules, now) {
            lanes.by_domain.remove(&domain);
            self.any.store(!lanes.by_domain.is_empty(), Ordering::Release);
            return false;
        }
        let changed = lane.taken(&self.rules, now);
        // What was under way when it began to refuse changes nothing of the pace, and is a success all the same.
        if changed || lane.slowness().refusing {
            lanes.tell(domain, &self.rules).took = true;
        }
        changed
    }

    /// Of which domains the other workers should hear.
    pub(super) fn untold(&self) -> Vec<String> {
        self.lock().news.keys().cloned().collect()
    }

    /// What the other workers should hear of: told later, if it is not told now.
    pub(super) fn news(&self) -> Untold<'_> {
        // In order: workers that tell of the same domains meet at them in the same one.
        Untold { pace: self, news: std::mem::take(&mut self.lock().news).into_iter().collect() }
    }

    /// Takes over what all workers know together: the gaps, and how many workers share them. Whether some domain's turn comes
    /// sooner than it was said before.
    pub(super) fn learn(&self, slowed: &[(String, Slowness)], workers: u32, now: Instant) -> bool {
        let mut guard = self.lock();
        let lanes = &mut *guard;
        lanes.workers = workers.max(1);
        let (workers, before) = (lanes.workers, lanes.by_domain.len());
        lanes.by_domain.retain(|domain, lane| {
            let known = lanes.news.contains_key(domain) || slowed.iter().any(|(known, _)| known == domain);
            known || lane.is_free(&self.rules) && !lane.is_over(&self.rules, now)
        });
        let mut is_sooner = lanes.by_domain.len() < before;
        for (domain, slowness) in slowed.iter().filter(|(domain, _)| !lanes.news.contains_key(domain)) {
            let fresh = || Lane::told(&self.rules, *slowness, now);
            lanes
                .by_domain
                .entry(domain.clone())
                .and_modify(|lane| is_sooner |= lane.hear(&self.rules, *slowness, workers, now))
                .or_insert_with(fresh);
        }
        if lanes.by_domain.is_empty() {
            lanes.providers.clear();
            lanes.asked.clear();
        }
        self.any.store(!lanes.by_domain.is_empty(), Ordering::Release);
        is_sooner
    }
}

/// What is being told to the other workers. However that ends, by an error or as nobody waits for it any more, what was not told
/// is kept, with what was learned meanwhile.
pub(super) struct Untold<'a> {
    pace: &'a Pace,
    news: Vec<(String, News)>,
}

impl Untold<'_> {
    pub(super) fn were_told(mut self) {
        self.news.clear();
    }
}

impl Deref for Untold<'_> {
    type Target = [(String, News)];

    fn deref(&self) -> &Self::Target {
        &self.news
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if self.news.is_empty() {
            return;
        }
        let mut lanes = self.pace.lock();
        for (domain, old) in std::mem::take(&mut self.news) {
            let domain = lanes.key(&domain).to_owned();
            match lanes.news.entry(domain) {
                Entry::Vacant(none) => drop(none.insert(old)),
                Entry::Occupied(newer) => {
                    let newer = newer.into_mut();
                    newer.took |= old.took;
                    if newer.words.is_empty() {
                        newer.words = old.words;
                    }
                }
            }
        }
    }
}

impl Lanes {
    fn tell(&mut self, domain: String, rules: &PaceRules) -> &mut News {
        let slowness =
            self.by_domain.get(&domain).filter(|lane| !lane.is_free(rules)).map(|lane| lane.slowness());
        let news = self.news.entry(domain).or_default();
        news.slowness = slowness;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const RULES: PaceRules = PaceRules {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        free: Duration::from_millis(2),
    };

    const WORDS: &str = "4.7.1 later";

    /// Lets a domain take messages until it is as good as free; when that was.
    fn let_recover(pace: &Pace, domain: &str, from: Instant) -> Instant {
        let mut now = from;
        for _ in 0..100 {
            now += RULES.first;
            pace.taken(domain, now);
            if pace.supply(domain).is_none() {
                return now;
            }
        }
        panic!("{domain} never recovered");
    }

    /// TRUST M22: one domain's request to slow down is that domain's alone, and grows until it is heard.
    #[test]
    fn a_domain_that_asks_is_slowed_and_no_other_is() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        assert_eq!(pace.take("slow.example", start), Ok(()));
        pace.slow_down("slow.example", WORDS, start);
        assert_eq!(pace.take("slow.example", start), Err(start + RULES.first));
        assert_eq!((pace.take("other.example", start), pace.lane_of("other.example")), (Ok(()), None));
        pace.slow_down("slow.example", WORDS, start + Duration::from_millis(10));
        assert_eq!(
            pace.take("slow.example", start),
            Err(start + RULES.first),
            "what was under way tells nothing new"
        );
        let later = start + RULES.first * 30;
        assert_eq!(pace.take("slow.example", later), Ok(()));
        pace.slow_down("slow.example", WORDS, later);
        assert_eq!(pace.take("slow.example", later), Err(later + RULES.first * 3), "a tenth of the time");
    }

    /// TRUST M22: and it recovers.
    #[test]
    fn a_domain_that_takes_messages_is_free_again_in_the_end() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("slow.example", WORDS, start);
        assert_eq!(pace.lane_of("slow.example").as_deref(), Some("slow.example"));
        let free = let_recover(&pace, "slow.example", start);
        assert!(free - start < RULES.first * 10, "after {:?}", free - start);
        assert_eq!((pace.take("slow.example", free), pace.lane_of("slow.example")), (Ok(()), None));
        let free_again = News { took: true, words: WORDS.to_owned(), ..News::default() };
        assert_eq!(told(&pace), [("slow.example".to_owned(), free_again)]);
    }

    fn told(pace: &Pace) -> Vec<(String, News)> {
        let news = pace.news();
        let told = news.to_vec();
        news.were_told();
        told
    }

    /// TRUST M22: who is broken off while they tell the others has told them nothing, and what was learned meanwhile joins it.
    #[test]
    fn what_was_not_told_is_told_later() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("slow.example", WORDS, start);
        let broken_off = pace.news();
        assert!(pace.untold().is_empty(), "it is being told");
        pace.taken("slow.example", start);
        drop(broken_off);
        let all = told(&pace);
        assert!(matches!(&all[..], [(_, news)] if news.took && news.words == WORDS), "{all:?}");
        drop(pace.news());
        assert_eq!(told(&pace), [], "what was told is not told again");
    }

    /// TRUST M22: who serves many domains is slowed in all of them, by what was learned of any.
    #[test]
    fn domains_of_one_provider_share_its_pace() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("one.example", WORDS, start);
        assert_eq!(pace.take("two.example", start), Ok(()));
        let grouped = |name: &str| (name.to_owned(), "provider.example".to_owned());
        pace.group(vec![grouped("one.example"), grouped("two.example"), grouped("provider.example")]);
        assert_eq!(pace.take("two.example", start), Err(start + RULES.first));
        assert_eq!(pace.take("three.example", start), Ok(()));
        let refusing = Slowness { gap: RULES.first, refusing: true };
        let news = News { slowness: Some(refusing), took: false, words: WORDS.to_owned() };
        assert_eq!(told(&pace), [("provider.example".to_owned(), news)]);
        let free = let_recover(&pace, "two.example", start);
        assert_eq!(pace.take("one.example", free), Ok(()), "free again");
    }

    /// What is taken between two refusals is not lost because both came before the others were told, or because it was under way
    /// when the domain began to refuse: such a domain takes some.
    #[test]
    fn a_success_is_told_though_a_refusal_follows_it() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        pace.slow_down("slow.example", WORDS, start);
        let told = |pace: &Pace| {
            let news = told(pace).pop().expect("news").1;
            (news.slowness.is_some_and(|slowness| slowness.refusing), news.took)
        };
        assert_eq!(told(&pace), (true, false));
        pace.taken("slow.example", start + Duration::from_millis(10));
        assert_eq!(told(&pace), (true, true), "it was under way");
        let later = start + RULES.first;
        pace.taken("slow.example", later);
        pace.slow_down("slow.example", WORDS, later + RULES.first / 10);
        assert_eq!(told(&pace), (true, true), "it refuses again");
        pace.slow_down("slow.example", WORDS, later + RULES.first * 2);
        assert_eq!(told(&pace), (true, false), "since then it has taken nothing");
    }

    /// Two workers keep the gap that one would.
    #[test]
    fn workers_share_the_pace_of_a_domain() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        for refusing in [false, true] {
            pace.learn(&[("slow.example".to_owned(), Slowness { gap: RULES.first, refusing })], 2, start);
            assert_eq!(pace.take("slow.example", start), Ok(()));
            assert_eq!(pace.take("slow.example", start), Err(start + RULES.first * 2));
            pace.learn(&[], 2, start);
            assert_eq!(pace.take("slow.example", start), Ok(()));
        }
    }

    /// TRUST M22: a worker that hears from another that a domain takes mail again does not wait for the turn that it was given
    /// while the domain took none.
    #[test]
    fn who_hears_that_a_domain_takes_mail_again_does_not_wait_for_its_old_turn() {
        let (pace, start) = (Pace::new(RULES), clock::instant());
        let told = |gap, refusing| [("slow.example".to_owned(), Slowness { gap, refusing })];
        pace.learn(&told(RULES.longest, true), 2, start);
        let later = start + RULES.longest * 2;
        assert_eq!(pace.take("slow.example", later), Ok(()), "its try");
        let turn = pace.take("slow.example", later).expect_err("one at a time");
        assert!(!pace.learn(&told(RULES.longest, true), 2, later), "nothing new");
        assert!(pace.learn(&told(Duration::from_millis(100), false), 2, later));
        assert_eq!(pace.take("slow.example", later), Err(later + Duration::from_millis(200)));
        assert!(later + Duration::from_millis(200) < turn);
        assert!(!pace.learn(&told(Duration::from_millis(100), false), 2, later), "it is told once");
    }
}
