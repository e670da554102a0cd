//! Where the program breaks off because a test wants it to: at a copy that goes over a connection, or in a task that asks the
//! database.

use std::{
    backtrace::Backtrace,
    future::ready,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use broadside::{
    db::{Db, Together},
    smtp::{Relay, Stream, Wire},
};
use sqlx::{Database, Pool};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many more times.
#[derive(Clone, Debug)]
pub struct Times(Arc<AtomicUsize>);

impl Times {
    pub fn new(times: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(times)))
    }

    /// Breaks off, unless it has done so often enough.
    fn spring(&self, words: &str) {
        let less = |left: usize| left.checked_sub(1);
        if self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            panic!("{words}");
        }
    }
}

/// At which point of the conversation about a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Its envelope is about to be written.
    Envelope,
    /// The server has taken it, and says so.
    Answer,
}

/// The relay, over which the program breaks off at the copies to one address.
pub fn relay(relay: &Relay, at: At, address: &str, times: &Times) -> Relay {
    let (address, times) = (address.to_owned(), times.clone());
    let lay = move |inner| -> Box<dyn Stream> {
        Box::new(Tap { inner, at, address: address.clone(), times: times.clone(), is_due: false })
    };
    Relay { wire: Wire::through(lay), ..relay.clone() }
}

struct Tap {
    inner: Box<dyn Stream>,
    at: At,
    address: String,
    times: Times,
    /// Its body was written.
    is_due: bool,
}

impl Tap {
    fn spring(&self) {
        self.times.spring(&format!("a conversation that nobody foresaw, with {}", self.address));
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        if std::mem::take(&mut self.is_due) {
            self.spring();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let text = String::from_utf8_lossy(buf);
        if self.at == At::Envelope && text.contains(&format!("RCPT TO:<{}>", self.address)) {
            self.spring();
        }
        let its_body = text.lines().any(|line| line.starts_with("To: ") && line.contains(&self.address));
        self.is_due |= self.at == At::Answer && its_body;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Another handle on the database, with which a task breaks off that asks it for a connection, once `is_armed` says so. The task
/// is told by the names of its functions, which are all on the stack then.
pub fn database(
    db: &Db,
    task: &'static [&'static str],
    times: &Times,
    is_armed: impl Fn() -> bool + Send + Sync + 'static,
) -> Db {
    let times = times.clone();
    let look: Arc<Look> = Arc::new(move || {
        if is_armed() {
            let stack = Backtrace::force_capture().to_string();
            if task.iter().all(|name| stack.contains(name)) {
                times.spring("a database that nobody foresaw");
            }
        }
    });
    match db {
        Db::Sqlite { read, write, pulse, .. } => Db::Sqlite {
            read: behind(read, &look),
            write: behind(write, &look),
            together: Together::default(),
            pulse: pulse.clone(),
        },
        Db::Postgres { pool, pulse, reach } => {
            Db::Postgres { pool: behind(pool, &look), pulse: pulse.clone(), reach: reach.clone() }
        }
    }
}

type Look = dyn Fn() + Send + Sync;

fn behind<D: Database>(pool: &Pool<D>, look: &Arc<Look>) -> Pool<D> {
    let (looks_at_new, looks) = (look.clone(), look.clone());
    let options = pool.options().clone().after_connect(move |_, _| {
        looks_at_new();
        Box::pin(ready(Ok(())))
    });
    let options = options.before_acquire(move |_, _| {
        looks();
        Box::pin(ready(Ok(true)))
    });
    options.connect_lazy_with((*pool.connect_options()).clone())
}
