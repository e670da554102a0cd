//! Tasks that go on for as long as the process does: one that breaks off is caught, begun again, and told.
//!
//! The rule: whoever begins a task waits for it, keeps it with [`keep`], or ends the process when it ends. A panic is a mistake
//! of ours; it costs what the task had in hand, and never the task itself. That it happened is remembered here until the job
//! that tells of it has told the desk and the owners (`jobs::trouble`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::{Moment, Stopwatch},
    heavy::{Broke, caught},
};

/// What goes on all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Connections to mail services.
    Send,
    /// The one that writes down what became of messages.
    Record,
    /// The one that claims what is to be sent.
    Feed,
    /// What workers tell one another of domains that ask for patience.
    SharePaces,
    /// The sign of life of a worker.
    Beat,
    /// A worker as a whole, which keeps all these.
    Work,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Send, Self::Record, Self::Feed, Self::SharePaces, Self::Beat, Self::Work];

    /// What the database calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Record => "record",
            Self::Feed => "feed",
            Self::SharePaces => "share paces",
            Self::Beat => "beat",
            Self::Work => "work",
        }
    }

    /// What an editor misses when it breaks off, in a sentence without its full stop.
    #[must_use]
    pub const fn what_stands_still(self) -> &'static str {
        match self {
            Self::Send => {
                "Sending broke off where nobody foresaw it: the copies it had in hand are late, and one that breaks it off three times is set aside"
            }
            Self::Record => {
                "Writing down what became of copies broke off where nobody foresaw it: those it had in hand may arrive twice, and their edition says which"
            }
            Self::Feed => "Taking up what is to be sent broke off where nobody foresaw it: mail may be late",
            Self::Work => {
                "Sending broke off altogether where nobody foresaw it, and began anew: mail is late"
            }
            Self::SharePaces => {
                "Sending does not learn which mail providers ask for patience; mail goes out all the same"
            }
            Self::Beat => "Sending does not say that it is alive: other processes may take over its copies",
        }
    }
}

/// Which tasks broke off: noted by whoever keeps them, and told by a job. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Breaks(Arc<Mutex<BTreeMap<Task, Break>>>);

#[derive(Debug, Default)]
struct Break {
    /// What it said, until people were told.
    untold: Option<String>,
    last: Option<Moment>,
}

/// A task that has not broken off for so long works again.
pub const CALM: Duration = Duration::from_secs(3_600);

impl Default for Breaks {
    /// Of an earlier process nothing is known: what it told is over, unless it happens again.
    fn default() -> Self {
        let all = Task::ALL.into_iter().map(|task| (task, Break::default()));
        Self(Arc::new(Mutex::new(all.collect())))
    }
}

impl Breaks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Task, Break>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says in the log that a task broke off, and remembers it.
    pub fn note(&self, task: Task, broke: &Broke) {
        let words = broke.to_string();
        tracing::error!(?task, panic = words, "a task broke off; it is begun again");
        self.lock().entry(task).or_default().untold = Some(words);
    }

    /// Those that nobody was told of, with what they said.
    #[must_use]
    pub fn untold(&self) -> Vec<(Task, String)> {
        self.lock().iter().filter_map(|(task, one)| Some((*task, one.untold.clone()?))).collect()
    }

    /// People were told of this one.
    pub fn told(&self, task: Task, now: Moment) {
        self.lock().insert(task, Break { untold: None, last: Some(now) });
    }

    /// Those that have not broken off for a while, or not since the process began.
    #[must_use]
    pub fn calm(&self, now: Moment) -> Vec<Task> {
        let is_calm = |one: &Break| one.untold.is_none() && one.last.is_none_or(|at| now.since(at) >= CALM);
        self.lock().iter().filter(|(_, one)| is_calm(one)).map(|(task, _)| *task).collect()
    }

    /// Whether there is nothing to say of any of them.
    #[must_use]
    pub fn is_quiet(&self, now: Moment) -> bool {
        self.untold().is_empty() && self.calm(now).is_empty()
    }

    /// It was said that this one works again.
    pub fn forget(&self, task: Task) {
        let mut known = self.lock();
        if known.get(&task).is_some_and(|one| one.untold.is_none()) {
            known.remove(&task);
        }
    }
}

/// How long it is until what broke off begins again: longer each time, until it has gone well.
#[derive(Clone, Copy, Debug)]
pub struct Gap(Duration);

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);

impl Default for Gap {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Gap {
    /// The next one.
    pub fn grow(&mut self) -> Duration {
        let gap = self.0;
        self.0 = (gap * 2).min(LONGEST);
        gap
    }
}

/// Does what goes on for ever, or until it has an end: whenever it breaks off it is noted, and begun again after a gap.
pub async fn keep<T, F: Future<Output = T>>(breaks: &Breaks, task: Task, begin: impl Fn() -> F) -> T {
    let mut gap = Gap::default();
    loop {
        let began = Stopwatch::start();
        match caught(begin()).await {
            Ok(end) => return end,
            Err(broke) => breaks.note(task, &broke),
        }
        if began.elapsed() > LONGEST {
            gap = Gap::default();
        }
        tokio::time::sleep(gap.grow()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test]
    async fn what_breaks_off_is_begun_again_and_told_once() {
        let (breaks, tries) = (Breaks::default(), AtomicUsize::new(0));
        let now = Moment::from_unix_seconds(1_000);
        assert_eq!(breaks.calm(now), Task::ALL, "an earlier process may have told of them");
        Task::ALL.into_iter().for_each(|task| breaks.forget(task));
        let end = keep(&breaks, Task::Feed, || async {
            assert!(tries.fetch_add(1, SeqCst) >= 2, "of ann@example.org");
            "an end"
        });
        assert_eq!((end.await, tries.load(SeqCst)), ("an end", 3));
        let [(Task::Feed, words)] = &breaks.untold()[..] else { panic!("one is told") };
        assert!(!words.contains("ann@"), "{words}");
        breaks.told(Task::Feed, now);
        assert!(breaks.untold().is_empty() && breaks.calm(now).is_empty());
        assert_eq!(breaks.calm(now.plus(CALM)), [Task::Feed]);
        breaks.forget(Task::Feed);
        assert!(breaks.calm(now.plus(CALM)).is_empty());
    }

    #[test]
    fn gaps_grow_to_a_minute() {
        let mut gap = Gap::default();
        let gaps: Vec<Duration> = (0..12).map(|_| gap.grow()).collect();
        assert!(gaps.is_sorted() && gaps[0] == SHORTEST && gaps[11] == LONGEST, "{gaps:?}");
    }
}
