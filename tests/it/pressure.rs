//! Many strangers who hold on to their sockets, against the real program with few descriptors.

use std::{net::SocketAddr, time::Duration};

use broadside::{
    clock::Stopwatch,
    db::Engine,
    door::{self, Limits},
    editions::EditionState,
    publishing, web,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::support::{
    Fixture as _, TestApp, TestDb, both_engines,
    program::{self, Program},
    wait,
};

/// What somebody sends who then keeps us waiting, and what it is called.
const SLOW: [(&str, &str); 3] = [
    ("nothing at all", ""),
    ("half a head", "GET / HTTP/1.1\r\nHost: a\r\nX-Half: "),
    (
        "half a body",
        "POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nemail=",
    ),
];

/// One in so many asks for more than fits into its socket and takes none of it. Each of them makes work, too: few are enough.
const READS_NOTHING: usize = 20;
const TAKES_NOTHING: &str = "takes no answer";

/// A page is answered in a few milliseconds; a busy machine may take much longer, a held door takes for ever.
const PATIENCE: Duration = Duration::from_secs(9);
/// So long half of the pages may take, and nearly all of them …
const HALF: Duration = Duration::from_millis(500);
const NEARLY_ALL: Duration = Duration::from_secs(4);
/// … but where the machine does so much else that a page takes long of which nobody holds the door, so many times as long.
const TIMES: u32 = 5;

both_engines! {
    /// TRUST A32: every page is answered and an edition goes out while 2,000 sockets do nothing or too little, in a process
    /// that may hold half as many.
    async fn two_thousand_slow_sockets_hold_up_no_page_and_no_copy(app: TestApp) {
        app.import_readers(300).await;
        let edition = app.seal_edition("Under pressure").await;
        let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        publishing::pause(&app.site, &public_id, None).await.expect("it was going out");
        let (program, address) = serve(&app, 1_024).await;
        let mut free = pages(address, 50).await;
        let held = slow_sockets(address, 2_000).await;
        app.resume(&public_id).await;
        let mut spans = Vec::new();
        let finished = wait::while_it_moves(Duration::from_secs(60), async || {
            spans.push(page(address).await);
            let edition = publishing::load(&app.site.db, edition).await.expect("the edition is there");
            if edition.state == EditionState::Finished { Ok(()) } else { Err(app.sandbox.mailbox().count()) }
        });
        assert!(finished.await.is_some(), "the edition did not end: {}", program.log());
        spans.extend(pages(address, 200).await);
        assert!(!program.log().contains("no more connections"), "{}", program.log());
        drop(held);
        free.extend(pages(address, 50).await);
        at_once(spans, free);
    }

    /// TRUST A32: the same with 256 descriptors and 300 connections, of which most have asked for a page and may ask again.
    /// The log says once of what there is too little, and what to do.
    async fn more_connections_than_descriptors_hold_up_no_page(app: TestApp) {
        let (program, address) = serve(&app, 256).await;
        let words = ["raise LimitNOFILE", "one network has as many connections as one may have"];
        let mut free = pages(address, 50).await;
        let mut held = slow_sockets(address, 100).await;
        for _ in 0..200 {
            let mut stream = connect(address).await;
            stream.write_all(b"GET /subscribe HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it takes requests");
            let mut answer = Vec::new();
            timeout(PATIENCE, stream.read_buf(&mut answer)).await.expect("in time").expect("an answer");
            assert!(answer.starts_with(b"HTTP/1.1 200"));
            held.push(("idle", stream));
        }
        let spans = pages(address, 100).await;
        assert!(!program.log().contains("no more connections"), "{}", program.log());
        for words in words {
            assert_eq!(program.log().matches(words).count(), 1, "{words}: {}", program.log());
        }
        drop(held);
        free.extend(pages(address, 50).await);
        at_once(spans, free);
    }
}

/// TRUST A32: every slow socket is closed at its time while pages are answered, in a tenth of the time that strangers have.
#[tokio::test(flavor = "multi_thread")]
async fn every_slow_socket_is_closed_at_its_time() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let _ = door::raise_descriptors();
    let usual = Limits::USUAL;
    assert!([usual.header, usual.body, usual.write].iter().all(|span| *span < Duration::from_secs(35)));
    let limits =
        Limits { header: usual.header / 10, body: usual.body / 10, write: usual.write / 10, ..usual };
    let listener = door::listen(program::address_of_its_own()).expect("it is ours");
    let address = listener.local_addr().expect("a bound port");
    let server = tokio::spawn(web::serve(listener, app.bare_pages(), limits, std::future::pending()));
    let mut free = pages(address, 50).await;
    let mut waiting = JoinSet::new();
    for (name, mut stream) in slow_sockets(address, 300).await {
        waiting.spawn(async move {
            if name == TAKES_NOTHING {
                // Its end is behind what it does not take: it looks when the time is over, and finds some of it.
                let _ = timeout(2 * limits.write, std::future::pending::<()>()).await;
            }
            let mut rest = Vec::new();
            let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
            assert!(ended.is_ok(), "it is open that sent {name}");
            let answers = String::from_utf8_lossy(&rest).matches("HTTP/1.1 200").count();
            assert!(answers < 10, "all of it was sent to one that {name}");
        });
    }
    let mut spans = Vec::new();
    while !waiting.is_empty() {
        tokio::select! {
            Some(ended) = waiting.join_next() => ended.expect("no panic"),
            span = page(address) => spans.push(span),
        }
    }
    free.extend(pages(address, 50).await);
    at_once(spans, free);
    server.abort();
    app.finish().await;
}

/// The real program with so many descriptors, once it answers.
async fn serve(app: &TestApp, descriptors: usize) -> (Program, SocketAddr) {
    let _ = door::raise_descriptors();
    let address = program::address_of_its_own();
    let line = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    let program = Program::serve_by(app, &line, &[("LISTEN", &address.to_string())]);
    wait::until("a page", async || {
        let mut stream = TcpStream::connect(address).await.ok()?;
        answer(&mut stream, &asks_for("/")).await;
        Some(())
    })
    .await;
    (program, address)
}

async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    // So that an answer is soon more than fits into it.
    socket.set_recv_buffer_size(4_096).expect("our own socket");
    timeout(PATIENCE, socket.connect(address)).await.expect("in time").expect("it listens")
}

/// So many sockets, of every kind.
async fn slow_sockets(address: SocketAddr, count: usize) -> Vec<(&'static str, TcpStream)> {
    let page = answer(&mut connect(address).await, &asks_for("/")).await;
    let styles = page.split('"').find(|word| word.ends_with("/broadside.css")).expect("pages have a style");
    let styles = format!("GET {styles} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(10);
    let mut held = Vec::new();
    for number in 0..count {
        let (name, text) = match number % READS_NOTHING {
            0 => (TAKES_NOTHING, styles.as_str()),
            _ => SLOW[number % SLOW.len()],
        };
        let mut stream = connect(address).await;
        // Whoever came first may have been shown out meanwhile.
        stream.write_all(text.as_bytes()).await.ok();
        held.push((name, stream));
    }
    // An unoptimised program takes a while to look at them all once; what counts is that it goes on after that.
    let watch = Stopwatch::start();
    answer(&mut connect(address).await, &asks_for("/subscribe")).await;
    println!("the first page after {count} sockets: {:?}", watch.elapsed());
    held
}

/// How long so many pages took, one after the other.
async fn pages(address: SocketAddr, count: usize) -> Vec<Duration> {
    let mut spans = Vec::new();
    for _ in 0..count {
        spans.push(page(address).await);
    }
    spans
}

/// Asks for a page over a connection of its own, and says how long it took.
async fn page(address: SocketAddr) -> Duration {
    let watch = Stopwatch::start();
    let asked = async { answer(&mut connect(address).await, &asks_for("/subscribe")).await };
    timeout(PATIENCE, asked).await.expect("a page in time");
    watch.elapsed()
}

fn asks_for(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// The whole answer, which must be a page.
async fn answer(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("it takes requests");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("a whole answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// Pages come at once, whoever holds on to the door: as fast as they should, or about as fast as they do when nobody holds it,
/// before and afterwards.
fn at_once(held: Vec<Duration>, free: Vec<Duration>) {
    let [held, free] = [held, free].map(|mut spans| {
        spans.sort_unstable();
        [50, 99, 100].map(|share| spans[(spans.len() - 1) * share / 100])
    });
    println!("p50, p99 and the slowest page: {held:?}; while nobody holds the door: {free:?}");
    assert!(held[0] <= HALF.max(free[0] * TIMES), "{held:?}, free {free:?}");
    assert!(held[1] <= NEARLY_ALL.max(free[2] * TIMES), "{held:?}, free {free:?}");
}
