//! Whether the database can be reached: everybody who needs it is told at once that it is away, instead of waiting for it one
//! after the other.
//!
//! While it answers nobody asks. A call that has waited for [`PATIENCE`], or that failed on its way, has somebody knock, one for
//! all of them; if nobody opens, every call ends with [`Unreachable`], and so does every later one, until a knock is answered.

use std::{
    error::Error,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{DbOptions, Result};

/// A call that takes longer may be waiting for a server that is gone.
const PATIENCE: Duration = Duration::from_millis(500);
/// A knock that takes longer is not answered. Two of them and the patience before are less than the two seconds that a reader
/// waits for a page.
const KNOCK: Duration = Duration::from_millis(700);
/// Nobody reads the pages of a throwaway database, whose server may share its machine with a compiler.
const UNHURRIED: Duration = Duration::from_secs(20);
/// Whoever has nothing to lose by waiting gives a server so long: one that is slow to let us in is none that is away.
const SLOW_KNOCK: Duration = Duration::from_secs(5);
/// Between two knocks while it is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Why a call did not reach the database: the server is away, and everybody has been told so.
#[derive(Clone, Debug)]
pub struct Unreachable(Arc<str>);

impl Unreachable {
    /// How it begins to say so, wherever that stands.
    pub const WORDS: &str = "cannot reach PostgreSQL";
    /// The target of the lines of the log that tell it.
    pub const TARGET: &str = module_path!();
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unreachable {}

/// Whether an error says no more than that the database is away, which was told already.
#[must_use]
pub fn unreachable(error: &sqlx::Error) -> Option<&Unreachable> {
    match error {
        sqlx::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// Shared by all clones of one handle.
#[derive(Clone, Debug)]
pub struct Reach(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: PgConnectOptions,
    knock: Duration,
    state: watch::Sender<State>,
    /// How many calls were answered: a server that answers is there, however long it lets new ones wait.
    answered: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    away: Option<Unreachable>,
    somebody_knocks: bool,
}

impl Reach {
    pub(super) fn new(server: PgConnectOptions, options: &DbOptions) -> Self {
        let (answered, state) = (AtomicU64::new(0), watch::Sender::new(State::default()));
        let knock = match options {
            DbOptions { durable: false, .. } => UNHURRIED,
            DbOptions { hurried: true, .. } => KNOCK,
            _ => SLOW_KNOCK,
        };
        Self(Arc::new(Inner { server, knock, state, answered }))
    }

    /// Whether a connection that lay idle is one still: the server, or what stands between, may have dropped it without a word.
    pub(super) async fn answers(&self, connection: &mut PgConnection) -> bool {
        matches!(timeout(self.0.knock * 2, connection.ping()).await, Ok(Ok(())))
    }

    /// Why it cannot be reached, while it cannot.
    pub(super) fn away(&self) -> Option<Unreachable> {
        self.0.state.borrow().away.clone()
    }

    /// The same, asked anew: for whoever met an error that may come of it.
    pub(super) async fn look(&self) -> Option<Unreachable> {
        self.knock();
        let mut state = self.0.state.subscribe();
        let answered = state.wait_for(|state| state.away.is_some() || !state.somebody_knocks).await;
        answered.ok().and_then(|state| state.away.clone())
    }

    /// Does what asks the server, or gives it up once the server is known to be away.
    pub(super) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut state = self.0.state.subscribe();
        let away = async {
            match state.wait_for(|state| state.away.is_some()).await.map(|state| state.away.clone()) {
                Ok(Some(away)) => Err(sqlx::Error::Io(io::Error::other(away))),
                // The sender lives as long as we do.
                _ => std::future::pending().await,
            }
        };
        let watched = async {
            tokio::pin!(work);
            match timeout(PATIENCE, &mut work).await {
                Ok(done) => done,
                Err(_) => {
                    self.knock();
                    work.await
                }
            }
        };
        tokio::select! {
            biased;
            away = away => away,
            done = watched => {
                if done.is_ok() {
                    self.0.answered.fetch_add(1, Ordering::Relaxed);
                }
                // Of a server that goes away everybody hears in other words; these are the same for all, and told once.
                if done.as_ref().is_err_and(is_of_the_way) && let Some(away) = self.look().await {
                    return Err(sqlx::Error::Io(io::Error::other(away)));
                }
                done
            }
        }
    }

    /// Asks whether the server is there, unless somebody does already.
    fn knock(&self) {
        let begins =
            self.0.state.send_if_modified(|state| !std::mem::replace(&mut state.somebody_knocks, true));
        if begins {
            let reach = self.clone();
            tokio::spawn(async move { reach.until_it_opens().await });
        }
    }

    async fn until_it_opens(&self) {
        // However this ends, the next who waits in vain has somebody knock again.
        let _knocking = Knocking(&self.0.state);
        let before = self.0.answered.load(Ordering::Relaxed);
        while let Some(why) = self.nobody_opens().await {
            if self.away().is_none() && self.0.answered.load(Ordering::Relaxed) > before {
                return;
            }
            let is_news = self
                .0
                .state
                .send_if_modified(|state| state.away.replace(Unreachable(why.as_str().into())).is_none());
            if is_news {
                tracing::error!("{why}; everything that needs it waits until it is back");
            }
            sleep(AGAIN).await;
        }
        if self.away().is_some() {
            tracing::info!("the database is back");
        }
    }

    /// Knocks twice before it is said to be away; while it is, there is time to wait for a server that is slow to let us in.
    async fn nobody_opens(&self) -> Option<String> {
        if self.away().is_some() {
            return nobody_opens(&self.0.server, SLOW_KNOCK).await;
        }
        nobody_opens(&self.0.server, self.0.knock).await?;
        nobody_opens(&self.0.server, self.0.knock).await
    }
}

/// Somebody knocks, as long as this is there.
struct Knocking<'a>(&'a watch::Sender<State>);

impl Drop for Knocking<'_> {
    fn drop(&mut self) {
        self.0.send_replace(State::default());
    }
}

/// Whether the server is there at all.
pub(super) async fn ask(server: &PgConnectOptions) -> Result<()> {
    match nobody_opens(server, SLOW_KNOCK).await {
        None => Ok(()),
        Some(why) => Err(sqlx::Error::Io(io::Error::other(Unreachable(why.as_str().into())))),
    }
}

/// Why the server does not take us in; none if it does, or would if we were somebody else.
async fn nobody_opens(server: &PgConnectOptions, patience: Duration) -> Option<String> {
    let opened = timeout(patience, async {
        let mut connection = server.connect().await?;
        connection.ping().await?;
        connection.close().await
    });
    let why = match opened.await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) if is_of_the_way(&error) => words(&error),
        // It is there and says no: whoever asks next is told what it says.
        Ok(Err(_)) => return None,
        Err(_) => format!("no answer within {} s", patience.as_secs_f32()),
    };
    Some(format!("{} at {}: {why}", Unreachable::WORDS, place(server)))
}

/// Where the server is, as the settings name it.
fn place(server: &PgConnectOptions) -> String {
    match server.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", server.get_host(), server.get_port()),
    }
}

/// Whether an error is of the way to the server, or of one that is just starting or stopping, and not of what was asked.
fn is_of_the_way(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        // Class 57P: an administrator stopped it, it crashed, it cannot take anybody yet.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P0")),
        _ => false,
    }
}

/// The cause alone, once.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => {
            error.to_string().to_lowercase().split(" (os error").next().unwrap_or_default().to_owned()
        }
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
