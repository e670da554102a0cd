//! A wire with a will of its own: a proxy between us and a server, which a test cuts, silences or narrows.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::AbortHandle,
};

/// Where a proxy leads.
#[derive(Clone, Debug)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// What becomes of a piece of what the server says: it passes, perhaps changed, or the connection is cut before it does.
pub type Filter = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// The proxy. It ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    silent: watch::Sender<bool>,
    task: AbortHandle,
}

struct Shared {
    target: Target,
    filter: Filter,
    silent: watch::Receiver<bool>,
    /// How many conversations the server takes at once.
    most: usize,
    open: AtomicUsize,
}

impl Proxy {
    /// Starts one that lets everything pass until it is told otherwise.
    pub async fn start(target: Target) -> Self {
        Self::filtered(target, Box::new(|piece| Some(piece.to_vec()))).await
    }

    /// Starts one that looks at all that the server says.
    pub async fn filtered(target: Target, filter: Filter) -> Self {
        Self::with(target, filter, usize::MAX).await
    }

    /// Starts one before an SMTP server that takes so many conversations at once and no more.
    pub async fn narrow(target: Target, most: usize) -> Self {
        Self::with(target, Box::new(|piece| Some(piece.to_vec())), most).await
    }

    async fn with(target: Target, filter: Filter, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound port");
        let (silent, heard) = watch::channel(false);
        let shared = Arc::new(Shared { target, filter, silent: heard, most, open: AtomicUsize::new(0) });
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                let shared = shared.clone();
                tokio::spawn(async move {
                    // An error is an end like any other.
                    let _ = shared.lead(client).await;
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        })
        .abort_handle();
        Self { address, silent, task }
    }

    /// From now on nothing passes, and nobody is told: what is said is lost, and connections stay open.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// New conversations pass again; those that met the silence never do.
    pub fn speak_again(&self) {
        self.silent.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Shared {
    async fn lead(&self, mut client: TcpStream) -> io::Result<()> {
        if self.open.fetch_add(1, Ordering::SeqCst) >= self.most {
            return client.write_all(b"421 4.3.2 Too many connections\r\n").await;
        }
        client.set_nodelay(true)?;
        let server: Box<dyn Wire> = match &self.target {
            Target::Tcp(address) => {
                let server = TcpStream::connect(address).await?;
                server.set_nodelay(true)?;
                Box::new(server)
            }
            Target::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let as_it_is: &(dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync) = &|piece| Some(piece.to_vec());
        // Whichever side has had enough, both are closed.
        tokio::select! {
            ended = self.pass(from_client, to_server, as_it_is) => ended,
            ended = self.pass(from_server, to_client, &*self.filter) => ended,
        }
    }

    async fn pass(
        &self,
        mut from: ReadHalf<impl Wire>,
        mut to: WriteHalf<impl Wire>,
        filter: &(dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync),
    ) -> io::Result<()> {
        let mut piece = vec![0; 64 * 1024];
        let mut met_silence = false;
        loop {
            let read = from.read(&mut piece).await?;
            if read == 0 {
                return Ok(());
            }
            met_silence |= *self.silent.borrow();
            if met_silence {
                continue;
            }
            let Some(passes) = filter(&piece[..read]) else { return Ok(()) };
            to.write_all(&passes).await?;
        }
    }
}
