//! How many readers a segment has, and which.
//!
//! The rule: no statement looks at more readers than it was given the keys of, so none runs for longer than a page may take, whatever is asked. Up
//! to some tens of thousands of readers all are looked at, and the count is exact. Of more a part is looked at, spread evenly over all keys, for as
//! long as there is time; the count is made of that part, and says so.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::{
    compile::{self, SegmentMoment},
    store::{self, conditions as sql},
    tree::SegmentTree,
    within::Newest,
};
use crate::{
    clock,
    db::{self, Db, Result, Tx},
    settings::Settings,
    site::Site,
};

/// How many readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentCount {
    /// Not all were looked at: it is an estimate.
    pub about: bool,
    pub n: i64,
}

/// Some readers of a segment, in the order of their keys.
#[derive(Clone, Debug, Default)]
pub struct SegmentPage {
    pub readers: Vec<i64>,
    /// The last reader who was looked at, whether they are in it or not: the next page begins behind them. None at the end.
    pub last: Option<i64>,
}

/// For so long one counts for a page.
const TIME: Duration = Duration::from_millis(150);
/// And so many times as long where nobody was found yet: "a few" and "nobody" are not the same.
const LONGER: u32 = 4;
/// Where there are no more keys, all are looked at however long it takes.
const EXACT: i64 = 5_000;
/// So many keys that follow one another are looked at together.
const BLOCK: i64 = 32;
/// So many blocks at a time, at first and at most.
const FEWEST: i64 = 2;
const MOST: i64 = 64;
/// So many readers are looked at in one step of a page.
const STEP: i64 = 2_000;
/// And so many for one page, before it is given back with fewer than it could hold.
const LOOKED_THROUGH: i64 = 40_000;

/// What a tree asks, ready to be asked of some readers.
#[derive(Clone, Debug)]
pub struct Sifter {
    only: Vec<(bool, SegmentTree)>,
    at: SegmentMoment,
}

impl Sifter {
    /// For trees that are written out, and whether each is to be true or not.
    pub(super) const fn new(only: Vec<(bool, SegmentTree)>, at: SegmentMoment) -> Self {
        Self { only, at }
    }

    async fn of(site: &Site, tree: &SegmentTree) -> Result<Self> {
        let zone = Settings::load(&site.db).await?.time_zone;
        let newest = Newest::of(store::newest(&site.db).await?);
        let at = SegmentMoment { now: site.now(), zone };
        Ok(Self { only: vec![(true, newest.as_far_as_there(tree))], at })
    }

    fn built(&self, engine: db::Engine, head: db::Sql, readers: &[i64]) -> Result<db::Built> {
        let trees: Vec<(bool, &SegmentTree)> = self.only.iter().map(|(is, tree)| (*is, tree)).collect();
        compile::among(engine, head, &db::array(readers)?, &trees, &self.at)
    }

    /// Of these readers those who are meant, in no order.
    pub async fn among(&self, db: &Db, readers: &[i64]) -> Result<Vec<i64>> {
        if readers.is_empty() {
            return Ok(Vec::new());
        }
        ids(db.all_built(self.built(db.engine(), sql::AMONG, readers)).await?)
    }

    /// As [`Sifter::among`], as a transaction sees them.
    pub async fn among_in(&self, tx: &mut Tx, readers: &[i64]) -> Result<Vec<i64>> {
        if readers.is_empty() {
            return Ok(Vec::new());
        }
        ids(tx.all_built(self.built(tx.engine(), sql::AMONG, readers)).await?)
    }

    async fn how_many(&self, db: &Db, readers: &[i64]) -> Result<i64> {
        let counted: Vec<(i64,)> =
            db.all_built(self.built(db.engine(), sql::HOW_MANY_AMONG, readers)).await?;
        Ok(counted.first().map_or(0, |(count,)| *count))
    }
}

fn ids(rows: Vec<(i64,)>) -> Result<Vec<i64>> {
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What a tree asks, for whoever asks it of some readers at a time.
///
/// # Errors
/// When the database fails.
pub async fn sift(site: &Site, tree: &SegmentTree) -> Result<Sifter> {
    Sifter::of(site, tree).await
}

/// How many readers a tree means: for a page, within a fraction of a second.
///
/// # Errors
/// When the database fails.
pub async fn count(site: &Site, tree: &SegmentTree) -> Result<SegmentCount> {
    let sifter = Sifter::of(site, tree).await?;
    counted(site, &sifter, Some(TIME)).await
}

/// The same of whatever can be counted among some keys of readers, of which some may be nobody's.
///
/// # Errors
/// What `among` says.
pub async fn count_each<'a>(
    db: &Db,
    among: impl Fn(Vec<i64>) -> BoxFuture<'a, Result<i64>> + Send + Sync,
) -> Result<SegmentCount> {
    within(db, Some(TIME), among).await
}

/// How many exactly, however long it takes: for commands.
///
/// # Errors
/// When the database fails.
pub async fn count_all(site: &Site, tree: &SegmentTree) -> Result<i64> {
    let sifter = Sifter::of(site, tree).await?;
    Ok(counted(site, &sifter, None).await?.n)
}

async fn counted(site: &Site, sifter: &Sifter, time: Option<Duration>) -> Result<SegmentCount> {
    let among = move |readers: Vec<i64>| -> BoxFuture<'_, Result<i64>> {
        Box::pin(async move { sifter.how_many(&site.db, &readers).await })
    };
    within(&site.db, time, among).await
}

/// Blocks are looked at in an order that spreads whatever was looked at so far evenly over all of them.
async fn within<'a>(
    db: &Db,
    time: Option<Duration>,
    among: impl Fn(Vec<i64>) -> BoxFuture<'a, Result<i64>> + Send + Sync,
) -> Result<SegmentCount> {
    let Some((first, last)) = store::span(db).await? else {
        return Ok(SegmentCount { about: false, n: 0 });
    };
    let began = clock::instant();
    let of = last.saturating_sub(first).saturating_add(1);
    let blocks = (of - 1) / BLOCK + 1;
    let stride = stride(blocks);
    let time = time.filter(|_| of > EXACT);
    let (mut looked_at, mut seen, mut found, mut at_once) = (0, 0, 0, FEWEST);
    while looked_at < blocks {
        let some = at_once.min(blocks - looked_at);
        let mut keys = Vec::with_capacity(usize::try_from(some * BLOCK).unwrap_or_default());
        for number in looked_at..looked_at + some {
            let block = first + mod_mul(number, stride, blocks) * BLOCK;
            keys.extend(block..(block + BLOCK).min(last + 1));
        }
        let asked = clock::instant();
        seen += i64::try_from(keys.len()).unwrap_or_default();
        found += among(keys).await?;
        looked_at += some;
        let time = if found == 0 { time.map(|time| time * LONGER) } else { time };
        if is_late(began, time) {
            break;
        }
        let goes_on = time.is_none() || asked.elapsed() < TIME / 10;
        at_once = if goes_on { MOST.min(at_once * 2) } else { FEWEST.max(at_once / 2) };
    }
    Ok(of_part(found, (seen, of)))
}

/// What some keys that were looked at say of all: exactly, where they are all.
fn of_part(found: i64, (seen, of): (i64, i64)) -> SegmentCount {
    if seen >= of {
        return SegmentCount { about: false, n: found };
    }
    let estimate = i128::from(found) * i128::from(of) / i128::from(seen.max(1));
    SegmentCount { about: true, n: i64::try_from(estimate).unwrap_or(i64::MAX) }
}

fn is_late(began: Instant, time: Option<Duration>) -> bool {
    time.is_some_and(|time| began.elapsed() >= time)
}

/// Near the golden section of a number, and without a factor of it: multiples of it come to each block once, far from those before.
fn stride(blocks: i64) -> i64 {
    let golden = i64::try_from(i128::from(blocks) * 618_034 / 1_000_000).unwrap_or(1).max(1);
    (golden..).find(|stride| gcd(*stride, blocks) == 1).unwrap_or(1)
}

const fn gcd(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn mod_mul(number: i64, stride: i64, blocks: i64) -> i64 {
    i64::try_from(i128::from(number) * i128::from(stride) % i128::from(blocks)).unwrap_or_default()
}

/// The next readers of whom a tree is true, by key, after one. It may give back fewer than fit though more follow: the next page begins
/// behind the last who was looked at.
///
/// # Errors
/// When the database fails.
pub async fn page(site: &Site, tree: &SegmentTree, after: i64, limit: i64) -> Result<SegmentPage> {
    let sifter = Sifter::of(site, tree).await?;
    leaf(site, &sifter, (after, limit), true).await
}

/// The same from the newest reader on, before one.
///
/// # Errors
/// When the database fails.
pub async fn newest(site: &Site, tree: &SegmentTree, before: i64, limit: i64) -> Result<SegmentPage> {
    let sifter = Sifter::of(site, tree).await?;
    leaf(site, &sifter, (before, limit), false).await
}

async fn leaf(
    site: &Site,
    sifter: &Sifter,
    (from, limit): (i64, i64),
    is_upwards: bool,
) -> Result<SegmentPage> {
    let began = clock::instant();
    let (mut at, mut looked_at) = (from, 0);
    let mut readers = Vec::new();
    let most = usize::try_from(limit).unwrap_or_default();
    // Where many are in it the first step finds enough.
    let mut step = (limit * 2).clamp(1, STEP);
    while looked_at < LOOKED_THROUGH {
        let keys = match is_upwards {
            true => store::next(&site.db, at, step).await?,
            false => store::before(&site.db, at, step).await?,
        };
        let Some(last) = keys.last().copied() else {
            return Ok(SegmentPage { readers, last: None });
        };
        let mut found = sifter.among(&site.db, &keys).await?;
        found.sort_unstable();
        if !is_upwards {
            found.reverse();
        }
        readers.append(&mut found);
        if readers.len() >= most {
            readers.truncate(most);
            let last = readers.last().copied();
            return Ok(SegmentPage { readers, last });
        }
        (at, looked_at, step) = (last, looked_at + step, STEP);
        if is_late(began, Some(TIME)) {
            break;
        }
    }
    Ok(SegmentPage { readers, last: Some(at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was looked at is made so much of as there are keys; of all of them it is what was found.
    #[test]
    fn a_part_says_how_many_there_are_about() {
        for (found, part, about, n) in [
            (7, (199, 199), false, 7),
            (50, (6_000, 6_010), true, 50),
            (30, (6_000, 600_000), true, 3_000),
            (0, (6_000, 600_000), true, 0),
        ] {
            assert_eq!(of_part(found, part), SegmentCount { about, n }, "{found} of {part:?}");
        }
    }
}
