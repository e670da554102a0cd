//! When each job last had its turn, as each process notes it now and then, so that a command or another process can say so.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result},
    site::Site,
};

/// Whoever looks sees what is no older than this, and at rest next to nothing is written.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// A process that has not noted anything for so long is gone.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// The last turns of one process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    last: BTreeMap<String, Turn>,
    /// When they were written down, and how many.
    written: Option<(Moment, usize)>,
}

/// A turn that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When it ended, in microseconds since 1970.
    at: i64,
    /// Whether it did what was due.
    pub worked: bool,
}

impl Turn {
    /// When it ended.
    #[must_use]
    pub const fn at(&self) -> Moment {
        Moment(self.at)
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ended(&self, job: &str, worked: bool, now: Moment) {
        self.lock().last.insert(job.to_owned(), Turn { at: now.0, worked });
    }

    /// Writes them down: soon after a start, and then every five minutes.
    pub(super) async fn keep(&self, site: &Site, place: &str) -> Result<()> {
        let (now, last) = (site.now(), {
            let noted = self.lock();
            let is_new =
                |(at, many)| many < noted.last.len() || at > site.now() || site.now().since(at) >= EVERY;
            if !noted.written.is_none_or(is_new) {
                return Ok(());
            }
            noted.last.clone()
        });
        let text = serde_json::to_string(&last).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut tx = site.db.begin().await?;
        store::keep_turns(&mut tx, place, &text, now).await?;
        tx.commit().await?;
        self.lock().written = Some((now, last.len()));
        Ok(())
    }
}

/// The last turn of each job, wherever it was, as far as processes that are there have said.
pub(super) async fn last(db: &Db, now: Moment) -> Result<BTreeMap<String, Turn>> {
    let mut last: BTreeMap<String, Turn> = BTreeMap::new();
    for (turns, noted_at) in store::turns(db).await? {
        // One that is yet to come was noted by a clock that was wrong.
        if noted_at > now.plus(FRESH) || now.since(noted_at) > FRESH {
            continue;
        }
        // Turns in the words of another version are as good as none.
        let turns: BTreeMap<String, Turn> = serde_json::from_str(&turns).unwrap_or_default();
        for (job, turn) in turns {
            let newest = last.entry(job).or_insert(turn);
            if turn.at > newest.at {
                *newest = turn;
            }
        }
    }
    Ok(last)
}
