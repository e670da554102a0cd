//! How many signed events of the payment service are taken durably in a second, how long each waits for its answer, and how that compares
//! to a bare axum route that keeps nothing, in the same run.
//!
//! `cargo bench --bench payments -- [--events N] [--connections N] [--rounds N] [--database postgres://… (empty)] [--json]`
//!
//! `cargo bench --bench payments -- --reconcile N` instead takes N old gifts over from the sandbox's payment service and compares both books
//! (`reconcile.rs`).
//!
//! The whole path counts: an event is posted over a socket, its signature is checked, and it is committed (SQLite, synchronous=FULL)
//! before the answer; at the end they are counted in the database. Nobody works on them meanwhile. Both servers run in this process and are
//! asked by the same client, one after the other, over connections that stay open; the client signs, too, and takes its share of the
//! processors.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

mod reconcile;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use axum::{Router, body::Bytes, routing::post};
use broadside::{
    articles::Fetcher,
    clock::Clock,
    db::{Db, DbOptions, Migrations},
    donations,
    door::Limits,
    mail::Templates,
    payments::{Payments, Stripe, StripeSettings, WebhookSecrets},
    publishing, sandbox,
    site::Site,
    token::{Keys, RootSecret},
    web::{self, App},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const SECRET: &str = "whsec_bench";

#[derive(Clone)]
struct Options {
    json: bool,
    events: u32,
    connections: u32,
    rounds: u32,
    database: Option<String>,
    /// So many gifts are compared, and no events are posted.
    reconcile: Option<u32>,
}

fn options() -> anyhow::Result<Options> {
    let mut options =
        Options { json: false, events: 20_000, connections: 64, rounds: 3, database: None, reconcile: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--json" => options.json = true,
            "--events" => options.events = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--database" => options.database = Some(value()?),
            "--reconcile" => options.reconcile = Some(value()?.parse()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let scratch = std::env::temp_dir().join(format!("broadside-bench-payments-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let file = scratch.join("magazine.db");
    let database = options.database.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()));
    // Gifts that are taken over wait for the disk one by one, and comparing only reads: filling need not wait.
    let durable = options.reconcile.is_none();
    let site = magazine(DbOptions { durable, ..DbOptions::new(&database) }).await?;
    if let Some(gifts) = options.reconcile {
        reconcile::compare(&site, &scratch, gifts, options.json).await?;
        site.db.close().await;
        return Ok(std::fs::remove_dir_all(&scratch)?);
    }
    let (bare, ours) = (serve_bare().await?, serve_ours(&site).await?);
    if !options.json {
        println!(
            "{:<8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>7}",
            "server", "events", "events/s", "a core", "p50 ms", "p99 ms", "CPU µs", "ratio"
        );
    }
    for round in 0..options.rounds {
        let yardstick = ask(bare, &options, round).await?;
        report(&options, "bare", &yardstick, &yardstick);
        let taken = ask(ours, &options, round).await?;
        report(&options, "events", &taken, &yardstick);
    }
    let (kept, told) =
        (donations::unfinished(&site.db).await?.waiting, i64::from(options.events * options.rounds));
    ensure!(kept == told, "{told} events were taken, and {kept} are there");
    site.db.close().await;
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// What came of asking a server once.
struct Asked {
    took: Duration,
    /// How long each event waited for its answer, the shortest first.
    waits: Vec<Duration>,
    /// Of the whole process, client and server.
    cpu: Duration,
}

impl Asked {
    fn waited_ms(&self, part: f64) -> f64 {
        let place = (self.waits.len() as f64 * part) as usize;
        self.waits.get(place).or(self.waits.last()).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    }
}

async fn ask(server: SocketAddr, options: &Options, round: u32) -> anyhow::Result<Asked> {
    let (began, cpu) = (Instant::now(), cpu_time()?);
    let mut waits = post_all(server, options, round).await?;
    let asked = Asked { took: began.elapsed(), cpu: cpu_time()?.saturating_sub(cpu), waits: Vec::new() };
    waits.sort_unstable();
    Ok(Asked { waits, ..asked })
}

/// What the kernel says that this process used, in hundredths of a second.
fn cpu_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(')').next().context("fields")?;
    let ticks: Vec<u64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_millis(10) * u32::try_from(ticks.iter().sum::<u64>())?)
}

fn report(options: &Options, server: &str, asked: &Asked, yardstick: &Asked) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let events = f64::from(options.events);
    let speed = events / asked.took.as_secs_f64();
    let a_core = speed / cores as f64;
    let cpu = asked.cpu.as_secs_f64() * 1e6 / events;
    let ratio = yardstick.took.as_secs_f64() / asked.took.as_secs_f64();
    let (p50, p99) = (asked.waited_ms(0.5), asked.waited_ms(0.99));
    if options.json {
        let line = serde_json::json!({
            "server": server, "events": options.events, "connections": options.connections, "cores": cores, "events_per_second": speed,
            "events_per_second_and_core": a_core, "p50_ms": p50, "p99_ms": p99, "cpu_us_per_event": cpu, "ratio": ratio,
        });
        println!("{line}");
    } else {
        println!(
            "{server:<8} {:>8} {speed:>10.0} {a_core:>8.0} {p50:>8.1} {p99:>8.1} {cpu:>8.0} {ratio:>7.3}",
            options.events
        );
    }
}

async fn magazine(database: DbOptions) -> anyhow::Result<Site> {
    let db = Db::open(&database).await?;
    Migrations::apply(&db).await?;
    let root = RootSecret { id: 1, secret: vec![7; 32] };
    let site = Site {
        db,
        clock: Clock::System,
        keys: Arc::new(Keys::new(&root, &[], &[9; 32])),
        base_url: "https://magazine.example.org".parse()?,
        bounce_address: None,
        journal: Default::default(),
    };
    publishing::ensure_first(&site).await?;
    Ok(site)
}

/// Takes what is posted and says the same, and keeps nothing.
async fn serve_bare() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/hooks/stripe", post(async |_: Bytes| "stored\n"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn serve_ours(site: &Site) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut app = App::new(site.clone(), Templates::load()?, Fetcher::new(true)?)?;
    // Nothing is asked of it: an event is taken by its signature alone.
    let settings =
        StripeSettings { secret_key: "sk_test_bench".to_owned(), api_base: "http://127.0.0.1:9".parse()? };
    app.payments = Some(Payments {
        provider: Arc::new(Stripe::new(&settings)?),
        webhook_secrets: WebhookSecrets::new([SECRET.to_owned()]),
    });
    app.trusted_proxies = Arc::new([address.ip()]);
    tokio::spawn(web::serve(listener, app, Limits::USUAL, std::future::pending()));
    Ok(address)
}

/// How long each event waited for its answer.
async fn post_all(server: SocketAddr, options: &Options, round: u32) -> anyhow::Result<Vec<Duration>> {
    let next = Arc::new(AtomicU32::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..options.connections {
        let (next, events) = (next.clone(), options.events);
        senders.spawn(async move {
            let mut stream = TcpStream::connect(server).await?;
            stream.set_nodelay(true)?;
            let mut waits = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= events {
                    return anyhow::Ok(waits);
                }
                let request = request((round, number), sender);
                let began = Instant::now();
                stream.write_all(&request).await?;
                read_answer(&mut stream).await?;
                waits.push(began.elapsed());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(waits) = senders.join_next().await {
        all.extend(waits??);
    }
    Ok(all)
}

fn request((round, number): (u32, u32), sender: u32) -> Vec<u8> {
    let now = Clock::System.now().unix_seconds();
    let body = format!(
        r#"{{"id":"evt_{round}_{number}","object":"event","api_version":"2026-09-30.endive","created":{now},"livemode":false,"pending_webhooks":1,
        "type":"invoice.paid","data":{{"object":{{"id":"in_{number}","object":"invoice","customer":"cus_{number}","amount_paid":1500,
        "currency":"eur","status":"paid","metadata":{{}},"lines":{{"object":"list","data":[{}]}}}}}}}}"#,
        [r#"{"id":"il_1","object":"line_item","amount":1500,"currency":"eur","description":"Gift"}"#; 10]
            .join(",")
    );
    let signature = sandbox::signature(SECRET, now, &body);
    format!(
        "POST /hooks/stripe HTTP/1.1\r\nHost: magazine.example.org\r\nX-Forwarded-For: 10.1.{}.7\r\nStripe-Signature: {signature}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        sender % 256,
        body.len()
    )
    .into_bytes()
}

/// The answer says that it is stored, or something went wrong.
async fn read_answer(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let read = stream.read(&mut piece).await?;
        ensure!(read > 0, "the server hung up");
        answer.extend_from_slice(&piece[..read]);
        if answer.ends_with(b"stored\n") {
            break;
        }
        ensure!(answer.len() < 16_384, "a long answer");
        ensure!(
            !answer.ends_with(b"refused\n") && !answer.ends_with(b"again\n"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Ok(())
}
