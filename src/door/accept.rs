//! Taking connections: no more than there is room for, and without a stir when the system has none to give.

use std::{collections::HashMap, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    task::{AbortHandle, Id, JoinSet},
    time::sleep,
};

use super::{
    Limits, Network,
    progress::{Guest, Progress},
};
use crate::clock::Stopwatch;

/// How long the door stays shut when there is no room, or the system gives no descriptor.
const PAUSE: Duration = Duration::from_millis(100);
/// When nothing went wrong for so long, the system has descriptors again.
const CALM: Duration = Duration::from_secs(60);

/// How many may stand before the door: with the 128 that a listener gets by itself, whoever comes behind a crowd is asked to
/// come again in a second.
const QUEUE: u32 = 4_096;
/// What the system keeps of an answer that nobody takes. By itself it would be up to 4 MB for each connection.
const KEPT_UNREAD: u32 = 128 * 1_024;

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
/// that are left. `network` says whose connections are counted together. Dropped, it closes all of them.
pub async fn accept<T>(
    listener: TcpListener,
    limits: Limits,
    network: impl Fn(SocketAddr) -> Option<Network>,
    stop: impl Future<Output = ()>,
    mut talk: impl FnMut(Guest, SocketAddr) -> T,
) where
    T: Future<Output = ()> + Send + 'static,
{
    let mut talks = JoinSet::new();
    let mut guests = Guests { limits, within: HashMap::new() };
    let mut trouble = Trouble::default();
    let mut stop = pin!(stop);
    loop {
        let shut = trouble.is_fresh || !guests.have_room();
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = talks.join_next_with_id() => {
                guests.left(ended.map_or_else(|error| error.id(), |(id, ())| id));
            }
            () = sleep(PAUSE), if shut => trouble.is_fresh = false,
            accepted = listener.accept(), if !shut => match accepted {
                Ok((stream, peer)) => {
                    trouble.is_over();
                    let network = network(peer);
                    if !guests.make_room(network) {
                        continue;
                    }
                    // Without it the end of an answer waits for the client's delayed acknowledgement, 40 ms.
                    stream.set_nodelay(true).ok();
                    let progress = Arc::new(Progress::new(limits));
                    let talk = watched(talk(Guest::new(stream, progress.clone()), peer), progress.clone());
                    let task = talks.spawn(talk);
                    guests.came(Inside { network, progress, task });
                }
                Err(error) if is_theirs(&error) => {}
                Err(error) => {
                    trouble.came(&error);
                    guests.show_out(|_| true);
                }
            },
        }
    }
    drop(listener);
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

struct Inside {
    network: Option<Network>,
    progress: Arc<Progress>,
    task: AbortHandle,
}

/// Who is inside.
struct Guests {
    limits: Limits,
    within: HashMap<Id, Inside>,
}

impl Guests {
    fn came(&mut self, guest: Inside) {
        self.within.insert(guest.task.id(), guest);
    }

    fn left(&mut self, guest: Id) {
        self.within.remove(&guest);
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
            return self.show_out(theirs);
        }
        self.within.len() < self.limits.connections || self.show_out(|_| true)
    }

    /// Closes the connection of whoever has made us wait longest.
    fn show_out(&mut self, who: impl Fn(&Inside) -> bool) -> bool {
        let those = self.within.iter().filter(|(_, guest)| who(guest));
        let waiting = those.filter_map(|(id, guest)| Some((guest.progress.waiting_since()?, *id)));
        let Some((_, longest)) = waiting.min_by_key(|(since, _)| *since) else { return false };
        if let Some(guest) = self.within.remove(&longest) {
            guest.task.abort();
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
