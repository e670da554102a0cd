//! Taking connections: no more than there is room for, and without a stir when the system has none to give.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{AbortHandle, Id, JoinSet},
    time::sleep,
};

use super::{
    Headcount, Limits,
    headcount::{CALM, Want},
    progress::{Guest, Progress},
};
use crate::{clock::Stopwatch, network::Network};

/// How long the door stays shut when there is no room, or the system gives no descriptor.
const PAUSE: Duration = Duration::from_millis(100);
/// How many may stand before the door: with the 128 that a listener gets by itself, whoever comes behind a crowd is asked to
/// come again in a second.
const QUEUE: u32 = 4_096;
/// What the system keeps of an answer that nobody takes. By itself it would be up to 4 MB for each connection. It takes more
/// only once a third of that is free: with much more than this, a reader at the least rate would seem to take nothing.
const KEPT_UNREAD: u32 = 32 * 1_024;

/// Listens, with room for a crowd.
///
/// # Errors
/// When the address is taken, or is not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that it can be started again at once. Elsewhere than on Unix it means that two may listen on one address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(KEPT_UNREAD)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Takes connections until `stop` is done, and lets each `talk` until it ends or has used its time up; then waits for those
/// that are left. `network` says whose connections are counted together, and `headcount` hears how many there are. Dropped, it
/// closes all of them.
pub async fn accept<T>(
    listener: TcpListener,
    limits: Limits,
    headcount: Headcount,
    network: impl Fn(SocketAddr) -> Option<Network>,
    stop: impl Future<Output = ()>,
    talk: impl FnMut(Guest, SocketAddr) -> T,
) where
    T: Future<Output = ()> + Send + 'static,
{
    let guests = Guests::new(limits, headcount);
    take_in(move |cx| listener.poll_accept(cx), guests, network, stop, talk).await;
}

/// The same, however the system gives us connections.
async fn take_in<T>(
    mut next: impl FnMut(&mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>,
    mut guests: Guests,
    network: impl Fn(SocketAddr) -> Option<Network>,
    stop: impl Future<Output = ()>,
    mut talk: impl FnMut(Guest, SocketAddr) -> T,
) where
    T: Future<Output = ()> + Send + 'static,
{
    let mut talks = JoinSet::new();
    let mut trouble = Trouble::default();
    let mut stop = pin!(stop);
    loop {
        let has_room = guests.have_room();
        if !has_room {
            guests.say_full();
        }
        let shut = trouble.is_fresh || !has_room;
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = talks.join_next_with_id() => {
                guests.left(ended.map_or_else(|error| error.id(), |(id, ())| id));
                // It gave its descriptor back.
                trouble.is_fresh = false;
            }
            () = sleep(PAUSE), if shut => trouble.is_fresh = false,
            accepted = poll_fn(&mut next), if !shut => match accepted {
                Ok((stream, peer)) => {
                    trouble.is_over();
                    let network = network(peer);
                    if !guests.make_room(network) {
                        continue;
                    }
                    // Without it the end of an answer waits for the client's delayed acknowledgement, 40 ms.
                    stream.set_nodelay(true).ok();
                    let progress = Arc::new(Progress::new(guests.limits));
                    let talk = watched(talk(Guest::new(stream, progress.clone()), peer), progress.clone());
                    let task = talks.spawn(talk);
                    guests.came(Inside { network, progress, task });
                }
                Err(error) if is_theirs(&error) => {}
                Err(error) if is_shortage(&error) => {
                    trouble.came(&error);
                    guests.show_out(|_| true);
                }
                // What went wrong on somebody's way here is told by this call, too (accept(2)).
                Err(_) => trouble.is_fresh = true,
            },
        }
    }
    drop(next);
    while talks.join_next().await.is_some() {}
}

/// The conversation, until its time is up.
async fn watched(talk: impl Future<Output = ()>, progress: Arc<Progress>) {
    tokio::select! {
        biased;
        () = talk => {}
        () = progress.over() => {}
    }
}

/// They hung up before we took them in; the next one may be waiting.
fn is_theirs(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The system has no descriptor to give, or no memory for one.
#[cfg(unix)]
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}

/// The same in the numbers of Windows (`WSAEMFILE`, `WSAENOBUFS`).
#[cfg(not(unix))]
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(10_024 | 10_055))
}

struct Inside {
    network: Option<Network>,
    progress: Arc<Progress>,
    task: AbortHandle,
}

/// Who is inside.
struct Guests {
    limits: Limits,
    within: HashMap<Id, Inside>,
    headcount: Headcount,
    /// All places are taken.
    full: Want,
    /// One network has all that it may have.
    full_for_one: Want,
}

impl Guests {
    fn new(limits: Limits, headcount: Headcount) -> Self {
        headcount.most(limits.connections);
        let (full, full_for_one) = (Want::default(), Want::default());
        Self { limits, within: HashMap::new(), headcount, full, full_for_one }
    }

    fn came(&mut self, guest: Inside) {
        self.within.insert(guest.task.id(), guest);
        self.headcount.inside(self.within.len());
    }

    fn left(&mut self, guest: Id) {
        self.within.remove(&guest);
        self.headcount.inside(self.within.len());
    }

    /// Whether one more could come in, somebody else being shown out for it if need be.
    fn have_room(&self) -> bool {
        let waits = |guest: &Inside| guest.progress.waiting_since().is_some();
        self.within.len() < self.limits.connections || self.within.values().any(waits)
    }

    /// Sees to it that one more of this network may come in; `false` when all of it are being served.
    fn make_room(&mut self, network: Option<Network>) -> bool {
        let theirs = |guest: &Inside| guest.network == network;
        let is_full = network.is_some()
            && self.within.values().filter(|guest| theirs(guest)).count() >= self.limits.per_network;
        if is_full {
            let most = self.limits.per_network;
            if self.full_for_one.is_news() {
                tracing::warn!(
                    most,
                    "one network has as many connections as one may have: whoever else comes from there takes the place of whichever waits longest, or is turned away. If that is your proxy, name it in TRUSTED_PROXIES; if not, its log says who that is"
                );
            }
            let has_made_room = self.show_out(theirs);
            if !has_made_room {
                self.headcount.one_was_refused();
            }
            return has_made_room;
        }
        self.within.len() < self.limits.connections || {
            self.say_full();
            self.show_out(|_| true)
        }
    }

    /// Says once that there is no place left: who is shown out, or waits, does not hear why.
    fn say_full(&mut self) {
        if !self.full.is_news() {
            return;
        }
        let most = self.limits.connections;
        let next = if most < Limits::USUAL.connections {
            "Give the process more open files (LimitNOFILE, ulimit -n)"
        } else {
            "The log of the proxy says who holds them"
        };
        tracing::warn!(
            most,
            "all connections that may be open at once are: whoever comes takes the place of whichever waits longest, and waits for one while all are being served. {next}"
        );
    }

    /// Closes the connection of whoever has made us wait longest.
    fn show_out(&mut self, who: impl Fn(&Inside) -> bool) -> bool {
        let those = self.within.iter().filter(|(_, guest)| who(guest));
        let waiting = those.filter_map(|(id, guest)| Some((guest.progress.waiting_since()?, *id)));
        let Some((_, longest)) = waiting.min_by_key(|(since, _)| *since) else { return false };
        if let Some(guest) = self.within.remove(&longest) {
            guest.task.abort();
            self.headcount.one_was_shown_out();
        }
        true
    }
}

/// The system gives no more descriptors: said once, until it is over.
#[derive(Default)]
struct Trouble {
    last: Option<Stopwatch>,
    /// The door stays shut for a moment.
    is_fresh: bool,
}

impl Trouble {
    fn came(&mut self, error: &io::Error) {
        if self.last.is_none() {
            tracing::warn!(%error, "no more connections can be taken for now: those that wait longest are closed. Give the process more open files (LimitNOFILE, ulimit -n)");
        }
        self.last = Some(Stopwatch::start());
        self.is_fresh = true;
    }

    fn is_over(&mut self) {
        if self.last.is_some_and(|last| last.elapsed() > CALM) {
            tracing::info!("connections are taken as ever");
            self.last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rustix::io::Errno;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::Semaphore,
        time::{interval, timeout},
    };

    use super::*;

    /// How the system fails at the next one who comes.
    type Failure = Arc<Mutex<Option<Errno>>>;

    /// Whoever comes in is greeted by a byte, and gets each of its own back; for each permit one of them leaves.
    async fn door() -> (SocketAddr, Failure, Arc<Semaphore>) {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let failure = Failure::default();
        let fails = failure.clone();
        let next = move |cx: &mut Context<'_>| match fails.lock().unwrap().take() {
            Some(how) => Poll::Ready(Err(how.into())),
            None => listener.poll_accept(cx),
        };
        let leave = Arc::new(Semaphore::new(0));
        let told = leave.clone();
        let talk = move |mut guest: Guest, _| {
            let told = told.clone();
            async move {
                guest.write_all(b"!").await.unwrap();
                let echo = async {
                    while let Ok(byte) = guest.read_u8().await {
                        guest.write_u8(byte).await.ok();
                    }
                };
                tokio::select! {
                    permit = told.acquire() => permit.unwrap().forget(),
                    () = echo => {}
                }
            }
        };
        let limits = Limits { connections: 100, ..Limits::USUAL };
        let guests = Guests::new(limits, Headcount::default());
        tokio::spawn(take_in(next, guests, |_| None, std::future::pending(), talk));
        (address, failure, leave)
    }

    async fn greeted(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'!');
        stream
    }

    /// TRUST A32: whoever leaves makes room, so a door that the system shut does not stay shut while they leave.
    #[tokio::test]
    async fn who_leaves_opens_a_door_that_had_no_descriptors() {
        let (address, failure, leave) = door().await;
        let mut inside = Vec::new();
        for _ in 0..40 {
            inside.push(greeted(address).await);
        }
        *failure.lock().unwrap() = Some(Errno::MFILE);
        let mut beat = interval(PAUSE / 2);
        let mut left = 0;
        let leaving = async {
            loop {
                beat.tick().await;
                leave.add_permits(1);
                left += 1;
            }
        };
        tokio::select! {
            _ = greeted(address) => {}
            () = leaving => {}
        }
        assert!(left < 20, "{left} left before one came in");
    }

    /// TRUST A32: for want of descriptors whoever waits longest goes; for a network that is down, nobody does.
    #[tokio::test]
    async fn only_for_want_of_descriptors_is_anybody_shown_out() {
        for (how, is_shown_out) in
            [(Errno::MFILE, true), (Errno::NFILE, true), (Errno::NETDOWN, false), (Errno::PERM, false)]
        {
            let (address, failure, _leave) = door().await;
            let mut first = greeted(address).await;
            *failure.lock().unwrap() = Some(how);
            let _second = greeted(address).await;
            first.write_u8(b'x').await.ok();
            let back = timeout(Duration::from_secs(8), first.read_u8()).await.expect("an echo or the end");
            assert_eq!(back.is_err(), is_shown_out, "{how}");
        }
    }
}
