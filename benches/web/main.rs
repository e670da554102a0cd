//! How many people can subscribe in a second, as a ratio to a bare axum route that keeps nothing, in the same run.
//!
//! `cargo bench --bench web -- [--requests N] [--connections N] [--rounds N] [--database postgres://… (empty)] [--json]`
//!
//! The form is posted over a socket, as people do, and what was typed is committed (SQLite, synchronous=FULL) before the answer. With more
//! than 32 connections that is a rush: the row of each is looked at afterwards, by the brakes, with the proof and the mail that asks to
//! confirm, and the line `looked at` is that. With fewer, all of it is committed before the answer. Nobody sends the mails meanwhile.
//! Both servers run in this process and are asked by the same client, one after the other, over connections that stay open.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use axum::{Router, response::Redirect, routing::post};
use broadside::{
    articles::Fetcher,
    clock::Clock,
    db::{Db, DbOptions, Migrations},
    door::Limits,
    email_address::EmailAddress,
    mail::Templates,
    publishing,
    site::Site,
    staff::{self, FirstOwner, PasswordCost},
    subscribers::{consent, machines},
    token::{Keys, RootSecret},
    web::{self, App, SandboxInfo},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const MAGAZINE: &str = "The Lamplighter";

#[derive(Clone)]
struct Options {
    json: bool,
    requests: u32,
    connections: u32,
    rounds: u32,
    database: Option<String>,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options { json: false, requests: 5_000, connections: 64, rounds: 3, database: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--json" => options.json = true,
            "--requests" => options.requests = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--database" => options.database = Some(value()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    ensure!(options.requests <= 1_000_000 / options.rounds.max(1), "at most a million people in all");
    Ok(options)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let scratch = std::env::temp_dir().join(format!("broadside-bench-web-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let file = scratch.join("magazine.db");
    let database = options.database.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let site = magazine(&database).await?;
    let made = machines::stamp(&site);
    let (bare, ours) = (serve_bare().await?, serve_ours(&site).await?);
    if !options.json {
        println!("{:<10} {:>9} {:>11} {:>7}", "server", "requests", "requests/s", "ratio");
    }
    for round in 0..options.rounds {
        let yardstick = ask(bare, &options, (round, &made)).await?;
        report(&options, "bare", yardstick, yardstick);
        let taken = ask(ours, &options, (round, &made)).await?;
        report(&options, "subscribe", taken, yardstick);
        let began = Instant::now();
        let written_down = look_at_all(&site).await?;
        if written_down > 0 {
            report(
                &Options { requests: written_down, ..options.clone() },
                "looked at",
                began.elapsed(),
                yardstick,
            );
        }
    }
    let asked = broadside::subscribers::counts(&site.db).await?.pending;
    let wanted = i64::from(options.requests * options.rounds);
    ensure!(asked == wanted, "{wanted} people were told that a mail is on its way, and {asked} are there");
    site.db.close().await;
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// As the job does it, turn after turn; how many were written down.
async fn look_at_all(site: &Site) -> anyhow::Result<u32> {
    let mut looked_at = 0;
    loop {
        let before = broadside::subscribers::counts(&site.db).await?.pending;
        broadside::subscribers::look_at_sign_ups(site).await?;
        let asked = broadside::subscribers::counts(&site.db).await?.pending - before;
        if asked == 0 {
            return Ok(looked_at);
        }
        looked_at += u32::try_from(asked)?;
    }
}

fn report(options: &Options, server: &str, took: Duration, yardstick: Duration) {
    let speed = f64::from(options.requests) / took.as_secs_f64();
    let ratio = yardstick.as_secs_f64() / took.as_secs_f64();
    if options.json {
        let line = serde_json::json!({
            "server": server, "requests": options.requests, "connections": options.connections, "requests_per_second": speed, "ratio": ratio,
        });
        println!("{line}");
    } else {
        println!("{server:<10} {:>9} {speed:>11.0} {ratio:>7.3}", options.requests);
    }
}

async fn magazine(database: &str) -> anyhow::Result<Site> {
    let db = Db::open(&DbOptions::new(database)).await?;
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
    let email = EmailAddress::parse("owner@example.org")?;
    let owner = FirstOwner { name: "Olive Owner", email: &email, password: "a tide waits for nobody" };
    staff::make_first_owner(&site, PasswordCost::CHEAP, owner, |settings| {
        settings.magazine_name = MAGAZINE.to_owned();
        settings.contact_email = "hello@example.org".to_owned();
        settings.from_email = "post@example.org".to_owned();
    })
    .await?;
    publishing::ensure_first(&site).await?;
    Ok(site)
}

/// What the web costs by itself: the body is read, and answered as a form is.
async fn serve_bare() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let route = post(async |body: axum::body::Bytes| {
        std::hint::black_box(body);
        Redirect::to("/subscribe/sent")
    });
    let router = Router::new().route("/subscribe", route);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn serve_ours(site: &Site) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut app = App::new(site.clone(), Templates::load()?, Fetcher::new(true)?)?;
    // More come than come to a magazine: nobody is asked for work, as in the sandbox, and each comes from a network of their own.
    app.sandbox = Some(Arc::new(SandboxInfo { mailbox_url: String::new(), payments_url: String::new() }));
    app.trusted_proxies = Arc::new([address.ip()]);
    app.quickest_form = Duration::ZERO;
    tokio::spawn(web::serve(listener, app, Limits::USUAL, std::future::pending()));
    Ok(address)
}

/// How long it takes until everybody is answered, once all have come in: what a connection costs is the same for both.
async fn ask(server: SocketAddr, options: &Options, (round, made): (u32, &str)) -> anyhow::Result<Duration> {
    let next = Arc::new(AtomicU32::new(0));
    let mut streams = Vec::new();
    for _ in 0..options.connections {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let began = Instant::now();
    let mut visitors = tokio::task::JoinSet::new();
    for mut stream in streams {
        let (next, made, requests) = (next.clone(), made.to_owned(), options.requests);
        visitors.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return anyhow::Ok(());
                }
                let person = round * requests + number;
                stream.write_all(&request(person, &made)).await?;
                read_answer(&mut stream).await?;
            }
        });
    }
    while let Some(visitor) = visitors.join_next().await {
        visitor??;
    }
    Ok(began.elapsed())
}

fn request(person: u32, made: &str) -> Vec<u8> {
    let body = format!(
        "from=subscribe&made={made}&words={}&list=1&email=reader{person}%40town{}.example&name=&consent=yes&website=",
        consent::known_by(&consent::wording(MAGAZINE)),
        person % 5_000
    );
    let ip = format!("{}.{}.{}.7", 11 + person / 65_536, person / 256 % 256, person % 256);
    format!(
        "POST /subscribe HTTP/1.1\r\nHost: magazine.example.org\r\nOrigin: https://magazine.example.org\r\nSec-Fetch-Site: same-origin\r\n\
         X-Forwarded-For: {ip}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The answer is a redirect without a body, or something went wrong.
async fn read_answer(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    let mut piece = [0; 4_096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        ensure!(read > 0, "the server hung up");
        answer.extend_from_slice(&piece[..read]);
    }
    let text = String::from_utf8_lossy(&answer);
    ensure!(text.starts_with("HTTP/1.1 303") && text.contains("/subscribe/sent"), "not taken: {text}");
    Ok(())
}
