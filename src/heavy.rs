//! Heavy work, aside: whatever reads what strangers wrote, and whatever makes a whole email, away from the threads that serve.
//!
//! The rule: HTML, Markdown, feeds, mail and digests are read and made through [`aside`]. A few at once go on; who comes later
//! waits for a place without holding a thread, and who goes away while waiting leaves nothing behind to be done. None of it may
//! be begun within a transaction, which would hold the database while it waits. Automatic emails of a few lines are written at
//! once, with [`quietly`], in the transaction of what they tell (`delivery::notices`).
//!
//! How long a piece of work can take is bounded where it is done: `worst_tests` holds that each is in proportion to its text.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Once,
    thread,
};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Semaphore, mpsc},
    task,
};

use crate::email_address::for_the_log;

/// So many at once; each may hold some ten times its text in memory.
const AT_ONCE: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// The work met something that nobody foresaw, and was given up. Its words are for the log, and are one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GaveUp(String);

/// Does work on a thread of its own, when there is a place.
///
/// # Errors
/// [`GaveUp`] when it panics, which costs this piece of work and nothing else.
pub async fn aside<T, F>(work: F) -> Result<T, GaveUp>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let closed = |_| GaveUp("the program is ending".to_owned());
    let place = PLACES.acquire().await.map_err(closed)?;
    let working = task::spawn_blocking(move || {
        let done = quietly(work);
        // Held by the work, not by who waits for it: hanging up makes no place for more.
        drop(place);
        done
    });
    working.await.unwrap_or_else(|_| Err(GaveUp("the program is ending".to_owned())))
}

/// Reads something long on a thread of its own, piece by piece, as fast as `to` is emptied: it waits most of the time, and takes none of the
/// places. It ends when whoever empties it goes away; `last` says how it ended.
pub fn beside<T: Send + 'static>(
    to: mpsc::Sender<T>,
    read: impl FnOnce(&mpsc::Sender<T>) + Send + 'static,
    last: impl FnOnce(Result<(), GaveUp>) -> T + Send + 'static,
) {
    drop(task::spawn_blocking(move || {
        let ended = quietly(|| read(&to));
        // Whoever does not listen any more needs to hear of no end.
        drop(to.blocking_send(last(ended)));
    }));
}

/// Reads something on a thread of its own for whoever waits for it on theirs, by a channel; a panic ends it, and with it the channel.
pub fn on_its_own(read: impl FnOnce() + Send + 'static) {
    drop(thread::spawn(move || drop(quietly(read))));
}

/// Does work that may panic on what a stranger wrote, without a trace on the console: whoever calls says in one line of the
/// log what it was.
///
/// # Errors
/// [`GaveUp`] when it panics.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, GaveUp> {
    static HOOK: Once = Once::new();
    thread_local! {
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    done.map_err(|cause| GaveUp(words(cause.as_ref())))
}

/// Does work that waits, and may panic.
///
/// # Errors
/// [`Broke`] when it panics.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Broke> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(Broke)
}

/// What broke off. In words it is one line for the log, without addresses.
pub struct Broke(Box<dyn Any + Send>);

impl Broke {
    /// Lets the panic go on, to whoever catches it next.
    ///
    /// # Panics
    /// Always.
    pub fn go_on(self) -> ! {
        panic::resume_unwind(self.0)
    }
}

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words(self.0.as_ref()))
    }
}

impl fmt::Debug for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing after another, of which one that panics keeps none of the others from being done.
#[derive(Debug, Default)]
pub struct Each(Option<Broke>);

impl Each {
    /// Does one of them; none when it broke off.
    pub async fn one<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        self.tried(work).await.ok()
    }

    /// Does one of them.
    ///
    /// # Errors
    /// What it said when it broke off: one line, without addresses.
    pub async fn tried<T>(&mut self, work: impl Future<Output = T>) -> Result<T, String> {
        let broke = match caught(work).await {
            Ok(done) => return Ok(done),
            Err(broke) => broke,
        };
        let words = broke.to_string();
        tracing::error!(panic = words, "one of several broke off; the others are done");
        self.0.get_or_insert(broke);
        Err(words)
    }

    /// Whether one of them has.
    #[must_use]
    pub const fn has_broken(&self) -> bool {
        self.0.is_some()
    }

    /// After the last one: the first panic goes on, so that whoever is told of panics is told of this one.
    ///
    /// # Panics
    /// When one of them has.
    pub fn end(self) {
        if let Some(broke) = self.0 {
            broke.go_on();
        }
    }
}

/// What a panic says; it may quote what a stranger wrote, so line ends are escaped, and addresses and most of it are left out.
fn words(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no word on why");
    for_the_log(text).chars().flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;

    #[tokio::test]
    async fn what_panics_costs_itself_alone_and_says_why_in_one_line() {
        let gave_up = aside(|| panic!("cut at\na line")).await;
        assert_eq!(gave_up, Err::<(), _>(GaveUp("cut at\\na line".to_owned())));
        assert_eq!(aside(|| 7).await, Ok(7));
    }

    /// Those behind it are done; whoever called hears of it at the end.
    #[tokio::test]
    async fn one_that_panics_keeps_none_of_the_others_from_being_done() {
        let mut done = Vec::new();
        let all = async {
            let mut each = Each::default();
            for number in 1..=4 {
                done.extend(
                    each.one(async move {
                        assert_ne!(number, 2, "a two, of ann@example.org");
                        number
                    })
                    .await,
                );
            }
            each.end();
        };
        let broke = caught(all).await.expect_err("it is heard of").to_string();
        assert_eq!(done, [1, 3, 4]);
        assert!(broke.contains("a two") && !broke.contains("ann@example.org"), "{broke}");
    }

    /// Ten who hang up while others work leave nothing to be done.
    #[tokio::test]
    async fn who_goes_away_while_waiting_leaves_nothing_behind() {
        let begun = Arc::new(AtomicUsize::new(0));
        let (started, end) = (Arc::new(Barrier::new(AT_ONCE + 1)), Arc::new(Barrier::new(AT_ONCE + 1)));
        let working: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (started, end) = (started.clone(), end.clone());
                tokio::spawn(aside(move || {
                    started.wait();
                    end.wait();
                }))
            })
            .collect();
        task::spawn_blocking(move || started.wait()).await.expect("they work");
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let begun = begun.clone();
                tokio::spawn(aside(move || begun.fetch_add(1, SeqCst)))
            })
            .collect();
        task::yield_now().await;
        for one in waiting {
            one.abort();
            assert!(one.await.is_err());
        }
        task::spawn_blocking(move || end.wait()).await.expect("they may end");
        for one in working {
            one.await.expect("it ends").expect("it worked");
        }
        aside(|| ()).await.expect("a place");
        assert_eq!(begun.load(SeqCst), 0);
    }
}
