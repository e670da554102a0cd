//! Real sockets against a small site, with limits of fractions of a second.

use std::{
    convert::Infallible,
    io::Write,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::{get, post},
};
use futures_util::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
    time::{interval, sleep_until, timeout},
};

use super::{Headcount, Limits, listen, serve};
use crate::clock::Stopwatch;

const BRIEF: Limits = Limits {
    header: Duration::from_millis(300),
    body: Duration::from_millis(400),
    idle: Duration::from_millis(500),
    request: Duration::from_millis(900),
    write: Duration::from_millis(400),
    ..Limits::USUAL
};
/// Far more than any of them, and far less than the real ones.
const SOON: Duration = Duration::from_secs(30);

/// A site with a page, a page that is large, one that has no end, one that waits for a word, and a form.
struct Site {
    address: SocketAddr,
    /// Tells when a large or endless answer was let go of.
    dropped: mpsc::UnboundedReceiver<()>,
    /// A request that waits is answered for each permit.
    word: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

/// Fifty million bytes, whose end is told of.
struct Large(Vec<u8>, #[expect(dead_code, reason = "told of when it is dropped")] Told);

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

async fn site(limits: Limits, trusted: &[IpAddr]) -> Site {
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, dropped) = mpsc::unbounded_channel();
    let word = Arc::new(Semaphore::new(0));
    let (stop, mut stopped) = watch::channel(false);
    let tell_of_large = tell.clone();
    let large = async move || {
        let large = Large(vec![b'x'; 50_000_000], Told(tell_of_large.clone()));
        Body::from(Bytes::from_owner(large))
    };
    let endless = move || {
        let told = Told(tell.clone());
        // 64 kB at once and no end.
        let pieces = stream::repeat(Bytes::from(vec![b'x'; 65_536])).map(move |piece| {
            let _ = &told;
            Ok::<_, Infallible>(piece)
        });
        async { Body::from_stream(pieces) }
    };
    let waits = word.clone();
    let router = Router::new()
        .route("/", get(async || "a page"))
        .route("/from", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/large", get(large))
        .route("/endless", get(endless))
        .route(
            "/waits",
            get(async move || {
                waits.acquire().await.unwrap().forget();
                "at last"
            }),
        )
        .route("/form", post(async |body: Bytes| body.len().to_string()));
    let served =
        tokio::spawn(serve(listener, router, limits, Headcount::default(), trusted.into(), async move {
            stopped.wait_for(|stopped| *stopped).await.ok();
        }));
    Site { address, dropped, word, stop, served }
}

impl Site {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn say(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn page(&self) -> String {
        answer(&mut self.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await).await
    }
}

/// What comes until "page" or the end of a short answer does.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4_096];
    let read = async {
        loop {
            let length = stream.read(&mut piece).await.unwrap_or(0);
            text.extend_from_slice(&piece[..length]);
            let whole = String::from_utf8_lossy(&text).into_owned();
            let end = whole.split_once("\r\n\r\n").is_some_and(|(_, body)| !body.is_empty());
            if length == 0 || end {
                return whole;
            }
        }
    };
    timeout(SOON, read).await.expect("an answer")
}

/// Reads to the end; how long that took, and what came.
async fn closed(stream: &mut TcpStream) -> (Duration, String) {
    let watch = Stopwatch::start();
    let mut text = Vec::new();
    // A reset is an end, too.
    timeout(SOON, stream.read_to_end(&mut text)).await.expect("it is closed").ok();
    (watch.elapsed(), String::from_utf8_lossy(&text).into_owned())
}

/// The moments at which somebody does something, and how late they were.
struct Pace {
    every: Duration,
    watch: Stopwatch,
    ticks: u32,
    late: Duration,
}

impl Pace {
    async fn tick(&mut self) {
        sleep_until(self.watch.after(self.every * self.ticks).into()).await;
        self.late = self.how_late();
        self.ticks += 1;
    }

    fn how_late(&self) -> Duration {
        self.late.max(self.watch.elapsed().saturating_sub(self.every * self.ticks))
    }
}

/// Tries what keeps a pace, and again where this machine did not let it keep the pace to within `slack`.
async fn paced(every: Duration, slack: Duration, attempt: impl AsyncFn(&mut Pace) -> Result<(), String>) {
    for _ in 0..20 {
        let mut pace = Pace { every, watch: Stopwatch::start(), ticks: 0, late: Duration::ZERO };
        let Err(why) = attempt(&mut pace).await else { return };
        let late = pace.how_late();
        assert!(late > slack, "{why}, and nothing was later than by {late:?}");
    }
    panic!("this machine is never in time");
}

/// TRUST A32: half a head is closed at its time, however its bytes come.
#[tokio::test]
async fn a_slow_head_has_an_end() {
    let site = site(BRIEF, &[]).await;
    let mut silent = site.connect().await;
    assert!(closed(&mut silent).await.0 >= BRIEF.header * 9 / 10);
    let mut half = site.say("GET / HTTP/1.1\r\nHost: a\r\nX-").await;
    let (span, _) = closed(&mut half).await;
    assert!(span >= BRIEF.header * 9 / 10, "{span:?}");

    let (mut read, mut write) = site.say("GET / HTTP/1.1\r\n").await.into_split();
    let trickle = tokio::spawn(async move {
        let mut beat = interval(BRIEF.header / 10);
        loop {
            beat.tick().await;
            if write.write_all(b"x").await.is_err() {
                return;
            }
        }
    });
    let mut none = Vec::new();
    timeout(SOON, read.read_to_end(&mut none)).await.expect("it is closed").ok();
    trickle.abort();
    assert!(site.page().await.ends_with("a page"));
}

/// TRUST A32: the same for a body; who keeps up the least rate is let finish.
#[tokio::test]
async fn a_slow_body_has_an_end() {
    let site = site(BRIEF, &[]).await;
    let mut slow = site.say("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf").await;
    let (span, said) = closed(&mut slow).await;
    assert!(span >= BRIEF.body * 9 / 10, "{span:?}");
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");

    // Longer than a whole request may take but for its body.
    let head = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 8192\r\n\r\n";
    paced((BRIEF.request + BRIEF.write) / 4, BRIEF.body / 4, async |pace| {
        let mut steady = site.say(head).await;
        for number in 0..8 {
            pace.tick().await;
            steady.write_all(&[b'x'; 1_024]).await.map_err(|error| format!("closed at {number}: {error}"))?;
        }
        let said = answer(&mut steady).await;
        if said.ends_with("8192") { Ok(()) } else { Err(said) }
    })
    .await;
}

/// TRUST A32: who never takes the answer is not waited for, whether it has an end or none; who takes it may go on.
#[tokio::test]
async fn who_does_not_read_is_let_go() {
    let mut site = site(BRIEF, &[]).await;
    let _unread = site.say("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    timeout(SOON, site.dropped.recv()).await.expect("the answer is let go of");

    let mut large = site.say("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    timeout(SOON, site.dropped.recv()).await.expect("the answer is let go of");
    let (_, said) = closed(&mut large).await;
    assert!(said.len() < 50_000_000, "it was sent to the end");

    // However slow this machine is: the end of a request is not the end of an answer.
    let site = self::site(Limits { write: SOON, ..BRIEF }, &[]).await;
    let mut reads = site.say("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let watch = Stopwatch::start();
    let mut piece = vec![0; 1_000_000];
    while watch.elapsed() < 2 * BRIEF.request {
        assert!(timeout(SOON, reads.read(&mut piece)).await.expect("it flows").expect("it is open") > 0);
    }
}

/// TRUST A32: an answer that is taken at the least rate is taken, however rarely the system says that it has room for more.
#[tokio::test]
async fn who_reads_at_the_least_rate_is_let_finish() {
    let site = site(BRIEF, &[]).await;
    let in_a_span = usize::try_from(Limits::USUAL.least_rate * Limits::USUAL.write.as_secs()).unwrap();
    paced(BRIEF.write / 10, BRIEF.write / 10, async |pace| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8_192).unwrap();
        let mut slow = socket.connect(site.address).await.unwrap();
        slow.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut piece = vec![0; in_a_span / 10];
        for number in 0..60 {
            pace.tick().await;
            let read = timeout(SOON, slow.read_exact(&mut piece)).await.expect("it flows");
            read.map_err(|error| format!("closed after {number} pieces: {error}"))?;
        }
        Ok(())
    })
    .await;
}

/// TRUST A32: a connection that asks nothing more is closed, after it could have asked several times.
#[tokio::test]
async fn an_idle_connection_has_an_end_and_a_busy_one_is_kept() {
    let site = site(BRIEF, &[]).await;
    paced(BRIEF.idle / 2, BRIEF.idle / 10, async |pace| {
        let mut stream = site.connect().await;
        let address = stream.local_addr().unwrap().to_string();
        for number in 0..5 {
            pace.tick().await;
            let asked = stream.write_all(b"GET /from HTTP/1.1\r\nHost: a\r\n\r\n").await;
            asked.map_err(|error| format!("closed at {number}: {error}"))?;
            let said = answer(&mut stream).await;
            if !said.ends_with(&address) {
                return Err(format!("closed at {number}: {said}"));
            }
        }
        let (span, _) = closed(&mut stream).await;
        if span >= BRIEF.idle * 9 / 10 { Ok(()) } else { Err(format!("closed after {span:?}")) }
    })
    .await;
}

#[tokio::test]
async fn several_requests_in_one_piece_and_bodies_that_are_asked_for_work() {
    let site = site(BRIEF, &[]).await;
    let one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (_, said) = closed(&mut site.say(&format!("{one}{one}{last}")).await).await;
    assert_eq!(said.matches("a page").count(), 3, "{said}");

    let head = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    let mut stream = site.say(head).await;
    let mut go_on = [0; 25];
    timeout(SOON, stream.read_exact(&mut go_on)).await.expect("in time").expect("an interim answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    assert!(closed(&mut stream).await.1.ends_with('4'));
}

/// TRUST A32: a full house shows out whoever has waited longest, and never who is being served.
#[tokio::test]
async fn there_is_always_room_for_one_more_page() {
    let limits = Limits { connections: 4, per_network: 4, ..Limits::USUAL };
    let site = site(limits, &[]).await;
    let mut served = site.say("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut first = site.say("GET / HT").await;
    let mut kept = Vec::new();
    for _ in 0..20 {
        kept.push(site.connect().await);
        assert!(site.page().await.ends_with("a page"));
    }
    closed(&mut first).await;
    for _ in 0..20 {
        kept.push(site.say("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").await);
        assert!(site.page().await.ends_with("a page"));
    }
    site.word.add_permits(1);
    assert!(answer(&mut served).await.ends_with("at last"));
}

/// TRUST A32: one network does not take the places of another; behind a proxy its requests are what is counted.
#[tokio::test]
async fn one_network_leaves_room_for_others() {
    let from = async |site: &Site, address: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        let mut stream = socket.connect(site.address).await.unwrap();
        stream.write_all(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        stream
    };
    let limits = Limits { connections: 8, per_network: 2, ..Limits::USUAL };
    let site = site(limits, &[]).await;
    let mut theirs = Vec::new();
    for _ in 0..2 {
        theirs.push(from(&site, "127.0.0.8").await);
    }
    // All of theirs are being served: one more is not taken.
    let mut refused = from(&site, "127.0.0.8").await;
    assert_eq!(closed(&mut refused).await.1, "");
    let mut other = from(&site, "127.0.0.9").await;
    site.word.add_permits(3);
    assert!(answer(&mut other).await.ends_with("at last"));

    let proxy = "127.0.0.1".parse().unwrap();
    let site = self::site(limits, &[proxy]).await;
    let asks = async |client: &str| {
        site.say(&format!("GET /waits HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n")).await
    };
    let mut first = asks("2001:db8::1").await;
    let mut second = asks("2001:db8::2").await;
    let mut third = asks("2001:db8::3").await;
    // Which of the three came last is not ours to say; one of them is told to try again.
    let one = tokio::select! {
        said = answer(&mut first) => said,
        said = answer(&mut second) => said,
        said = answer(&mut third) => said,
    };
    assert!(one.starts_with("HTTP/1.1 503") && one.contains("retry-after"), "{one}");
    let mut other = asks("2001:db8:1::1").await;
    site.word.add_permits(3);
    assert!(answer(&mut other).await.ends_with("at last"));
}

/// What is said while it listens.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        tracing::subscriber::set_default(
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish(),
        )
    }

    /// Waits for a line.
    async fn hears(&self, words: &str) {
        let heard = async {
            while !String::from_utf8_lossy(&self.0.lock().unwrap()).contains(words) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, heard).await.expect("a line of the log");
    }

    /// Each line once.
    fn says_once(&self, words: &[&str]) {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("WARN").count(), words.len(), "{text}");
        for words in words {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}

/// TRUST A32: whoever looks after the server hears why a site hangs, once, with the number and what to do.
#[tokio::test]
async fn the_log_says_once_of_what_there_is_too_little() {
    const WAITS: &str = "GET /waits HTTP/1.1\r\nHost: a\r\n\r\n";
    // All places are taken, and all are being served: nobody can be shown out.
    let log = Log::default();
    let listening = log.listen();
    let all = self::site(Limits { connections: 4, per_network: 8, ..BRIEF }, &[]).await;
    let mut served = Vec::new();
    for _ in 0..4 {
        served.push(all.say(WAITS).await);
    }
    let _more = [all.connect().await, all.connect().await, all.connect().await];
    log.hears("all connections").await;
    log.says_once(&["all connections that may be open at once are"]);
    drop(listening);

    // One network has all that it may have; its own idle ones go, or whoever comes is turned away.
    let log = Log::default();
    let listening = log.listen();
    let one = self::site(Limits { connections: 8, per_network: 2, ..BRIEF }, &[]).await;
    let _served = [one.say(WAITS).await, one.say(WAITS).await];
    for _ in 0..5 {
        closed(&mut one.connect().await).await;
    }
    log.says_once(&["one network has as many connections as one may have"]);
    drop(listening);

    // The same behind a proxy.
    let log = Log::default();
    let listening = log.listen();
    let proxied =
        self::site(Limits { per_network: 1, ..Limits::USUAL }, &["127.0.0.1".parse().unwrap()]).await;
    let asks = "GET /waits HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(proxied.say(asks).await);
    }
    let mut refused = 0;
    for stream in &mut all {
        let said = timeout(Duration::from_secs(1), answer(stream)).await.unwrap_or_default();
        refused += usize::from(said.starts_with("HTTP/1.1 503"));
    }
    assert_eq!(refused, 4);
    log.says_once(&["one network asks for as many pages at once as one may ask for"]);
    drop(listening);
}

/// Told to stop, it answers what has begun and waits for nobody who has not.
#[tokio::test]
async fn stopping_answers_what_has_begun() {
    let site = site(Limits::USUAL, &[]).await;
    let mut begun = site.say("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut idle = site.connect().await;
    assert!(site.page().await.ends_with("a page"));
    site.stop.send_replace(true);
    closed(&mut idle).await;
    assert!(TcpStream::connect(site.address).await.is_err() || !site.served.is_finished());
    site.word.add_permits(1);
    assert!(answer(&mut begun).await.ends_with("at last"));
    timeout(SOON, site.served).await.expect("it ends").expect("no panic");
}
