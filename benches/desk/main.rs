//! How long pages of the desk take with very many readers, in this process and without a socket.
//!
//! `cargo bench --bench desk -- [--readers N] [--rounds N] [--segments COPIES] [--gifts N] [--database postgres://… (empty, or left by an earlier run)]`
//!
//! Readers come in by the product's own import; then a tenth of them has left, some wait, some are stopped, and a third chose topics.
//! Each page is asked so many times; told are the median and the slowest. With `--segments`, segments are asked in place of pages, of readers
//! who got so many editions each. With `--gifts`, the pages of money are asked in place of the others, with so many gifts that were paid.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

mod gifts;
mod segments;

use std::{
    io::{self, Read},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use broadside::{
    articles::Fetcher,
    clock::{Clock, Moment},
    db::{Db, DbOptions, Migrations},
    email_address::EmailAddress,
    mail::Templates,
    publishing::{self, Content},
    site::Site,
    staff::{self, FirstOwner, PasswordCost},
    subscribers::{self, Basis, lists},
    token::{Keys, RootSecret},
    web::{App, router},
};
use sqlx::AssertSqlSafe;
use tower::ServiceExt as _;

const BASE: &str = "https://magazine.example.org";
const PASSWORD: &str = "a tide waits for nobody";
const NOW: Moment = Moment::from_unix_seconds(1_790_000_000);

const FIRST: [&str; 16] = [
    "Anna",
    "Bruno",
    "Chloé",
    "David",
    "Émile",
    "Farah",
    "Georg",
    "Hana",
    "Inès",
    "Jürgen",
    "Kateřina",
    "Łukasz",
    "Maria",
    "Noor",
    "Olena",
    "Søren",
];
const LAST: [&str; 16] = [
    "Achterberg",
    "Brandström",
    "Castro",
    "Dubois",
    "Eriksen",
    "Fernández",
    "Gruber",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kowalczyk",
    "Lindqvist",
    "Marchetti",
    "Nakamura",
    "Oliveira",
    "Papadopoulos",
];

/// What becomes of them.
const LIVES: [&str; 9] = [
    "update subscription set state = 'left', left_at = confirmed_at where subscriber_id / 16 % 10 = 3",
    "update subscription set state = 'pending', confirmed_at = null where subscriber_id / 16 % 50 = 7",
    "insert into suppression (address_hash, reason, detail, created_at, subscriber_id)
        select 'hash' || id, 'bounced', '', 1, id from subscriber where id / 16 % 100 = 11",
    "insert into reader_topic (public_id, name, name_key, description, created_at, position)
        values ('topic1', 'Housing', 'housing', '', 1, 1), ('topic2', 'Rivers', 'rivers', '', 1, 2), ('topic3', 'Trains', 'trains', '', 1, 3)",
    "insert into list_topic (list_id, topic_id) select l.id, t.id from list l, reader_topic t",
    "insert into subscription_topic (list_id, subscriber_id, topic_id)
        select s.list_id, s.subscriber_id, t.id from subscription s join reader_topic t on t.id = 1 + s.subscriber_id / 3 % 3 where s.subscriber_id % 3 = 0",
    "insert into subscription_topic (list_id, subscriber_id, topic_id)
        select s.list_id, s.subscriber_id, t.id from subscription s join reader_topic t on t.id = 1 + (s.subscriber_id / 3 + 1) % 3 where s.subscriber_id % 30 = 0",
    "update subscription set paused_until = 1790000000000000 + 20 * 86400000000 where subscriber_id / 16 % 25 = 1 and state = 'confirmed'",
    "analyze",
];

/// The pages that are asked.
const PAGES: [(&str, &str); 38] = [
    ("overview", "/desk"),
    ("readers", "/desk/readers"),
    ("a later page", "/desk/readers?before=500000"),
    ("one list, who get it", "/desk/readers?list=1&state=confirmed"),
    ("nobody stands so", "/desk/readers?state=left"),
    ("search, a common name", "/desk/readers?q=hoffmann"),
    ("search, one reader", "/desk/readers?q=OZDEMIR"),
    ("search, a whole address", "/desk/readers?q=unique.person%40example.net"),
    ("search, nobody", "/desk/readers?q=zzqqxx"),
    ("search, who left", "/desk/readers?q=hoffmann&state=left"),
    ("search, two letters, many", "/desk/readers?q=an"),
    ("search, two letters, nobody", "/desk/readers?q=qz"),
    ("search, two signs, many", "/desk/readers?q=%E5%B0%8F%E6%98%8E"),
    ("search, two signs, nobody", "/desk/readers?q=%E9%BE%98%E9%BE%98"),
    ("search, one sign, nobody", "/desk/readers?q=%E9%BE%98"),
    ("by name", "/desk/readers?order=name"),
    ("by name, a later page", "/desk/readers?order=name&before=500000"),
    ("by name, who left", "/desk/readers?order=name&list=1&state=left"),
    ("by name, who is stopped", "/desk/readers?order=name&state=stopped"),
    ("by name, a common name", "/desk/readers?order=name&q=hoffmann"),
    ("by address", "/desk/readers?order=address"),
    ("by address, a later page", "/desk/readers?order=address&before=500000"),
    ("get it, everywhere", "/desk/readers?state=confirmed"),
    ("waiting", "/desk/readers?state=pending"),
    ("who paused", "/desk/readers?state=paused"),
    ("who paused, by name", "/desk/readers?state=paused&order=name"),
    ("who chose a topic", "/desk/readers?topic=topic1"),
    ("who chose it, by name", "/desk/readers?topic=topic1&order=name"),
    ("who chose it and left", "/desk/readers?topic=topic1&state=left"),
    ("who chose it, a name", "/desk/readers?topic=topic1&q=hoffmann"),
    ("requests", "/desk/requests"),
    ("lists", "/desk/lists"),
    ("topics", "/desk/topics"),
    ("a topic", "/desk/topics/topic1"),
    ("retiring a topic", "/desk/topics/topic1/retire"),
    ("merging it", "/desk/topics/topic1/merge?into=topic2"),
    ("an edition", "/desk/editions/{edition}"),
    ("sending it", "/desk/editions/{edition}/send"),
];

fn main() -> anyhow::Result<()> {
    let (mut readers, mut rounds, mut database, mut copies, mut gifts) =
        (1_000_000_u32, 11_usize, None, None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--readers" => readers = value()?.parse()?,
            "--rounds" => rounds = value()?.parse()?,
            "--segments" => copies = Some(value()?.parse()?),
            "--gifts" => gifts = Some(value()?.parse()?),
            "--database" => database = Some(value()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    let scratch = std::env::temp_dir().join(format!("broadside-desk-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let url = database.unwrap_or_else(|| format!("sqlite:{}", scratch.join("desk.db").display()));
    let done =
        tokio::runtime::Runtime::new()?.block_on(measure(&url, readers, rounds.max(1), (copies, gifts)));
    std::fs::remove_dir_all(&scratch)?;
    done
}

async fn measure(
    url: &str,
    readers: u32,
    rounds: usize,
    (copies, many_gifts): (Option<i64>, Option<i64>),
) -> anyhow::Result<()> {
    let db = Db::open(&DbOptions::new(url)).await?;
    Migrations::apply(&db).await?;
    let root = RootSecret { id: 1, secret: vec![7; 32] };
    let keys = Arc::new(Keys::new(&root, &[], &[9; 32]));
    let base_url = BASE.parse()?;
    let mut site = Site {
        db,
        clock: Clock::manual(NOW),
        keys,
        base_url,
        bounce_address: None,
        journal: Default::default(),
    };
    let filled = !lists::all(&site.db).await?.is_empty();
    if !filled {
        fill(&site, readers).await?;
    }
    if let Some(copies) = copies {
        return segments::measure(&site, copies, rounds).await;
    }
    if let Some(many) = many_gifts {
        gifts::fill(&site, many).await?;
    }
    // A connection of SQLite goes by what it knew of the tables when it was opened.
    site.db.close().await;
    site.db = Db::open(&DbOptions::new(url)).await?;
    subscribers::count_many(&site).await?;
    subscribers::count_large(&site).await?;

    if publishing::latest_drafts(&site.db, 1).await?.is_empty() {
        draft(&site).await?;
    }
    let edition = publishing::latest_drafts(&site.db, 1).await?.first().context("a draft")?.public_id.clone();
    let mut app = App::new(site.clone(), Templates::load()?, Fetcher::new(true)?)?;
    app.password_cost = PasswordCost::CHEAP;
    let router = router(app);
    let cookie = sign_in(&router).await?;
    if many_gifts.is_some() {
        return gifts::measure(&site, &router, &cookie, rounds).await;
    }
    let (mut all, mut quick) = (0, 0);
    for (what, path) in PAGES {
        let path = path.replace("{edition}", &edition);
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..=rounds {
            let started = Instant::now();
            let status = get(&router, &path, &cookie).await?;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
            ensure!(status == StatusCode::OK, "{path}: {status}");
        }
        // The first finds nothing prepared.
        times.remove(0);
        (all, quick) = (all + times.len(), quick + times.iter().filter(|ms| **ms <= 100.0).count());
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[rounds / 2], times[rounds - 1]);
        println!("{what:28} {median:7.1} ms   {slowest:7.1} ms at most");
    }
    println!("within 100 ms: {:.1} %", 100.0 * quick as f64 / all as f64);
    Ok(())
}

async fn fill(site: &Site, readers: u32) -> anyhow::Result<()> {
    let email = EmailAddress::parse("owner@example.org")?;
    let owner = FirstOwner { name: "Olive Owner", email: &email, password: PASSWORD };
    staff::make_first_owner(site, PasswordCost::CHEAP, owner, |settings| {
        settings.magazine_name = "The Lamplighter".to_owned();
        settings.contact_email = "hello@example.org".to_owned();
    })
    .await?;
    publishing::ensure_first(site).await?;
    let list = lists::all(&site.db).await?.first().context("a list")?.id;
    let basis = Basis { basis: "consent".to_owned(), source: "a bench".to_owned() };
    let started = Instant::now();
    let report = subscribers::import(site, People::new(readers), list, &basis).await?;
    ensure!(report.added == u64::from(readers), "{} came in: {:?}", report.added, report.errors.first());
    println!("{readers} readers imported in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    for life in LIVES {
        run(site, life).await?;
    }
    println!("their lives in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// An edition about a topic.
async fn draft(site: &Site) -> anyhow::Result<()> {
    let digest = publishing::digests(&site.db).await?.remove(0);
    let (edition, _) = publishing::create_draft(site, digest.id, None).await?;
    let content = Content { subject: "The tide".to_owned(), ..Content::default() };
    publishing::save_revision(site, edition, 1, content, None).await?;
    run(site, "insert into edition_topic (edition_id, topic_id) select max(e.id), 1 from edition e").await
}

async fn run(site: &Site, sql: impl Into<String>) -> anyhow::Result<()> {
    let sql = sql.into();
    match &site.db {
        Db::Sqlite { write, .. } => sqlx::query(AssertSqlSafe(sql)).execute(write).await.map(drop)?,
        Db::Postgres { pool, .. } => sqlx::query(AssertSqlSafe(sql)).execute(pool).await.map(drop)?,
    }
    Ok(())
}

async fn count(site: &Site, sql: &'static str) -> anyhow::Result<i64> {
    Ok(match &site.db {
        Db::Sqlite { read, .. } => sqlx::query_scalar(sql).fetch_one(read).await?,
        Db::Postgres { pool, .. } => sqlx::query_scalar(sql).fetch_one(pool).await?,
    })
}

async fn sign_in(router: &Router) -> anyhow::Result<String> {
    let form = [("email", "owner@example.org"), ("password", PASSWORD), ("next", "")];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post("/desk/sign-in")
        .header(header::ORIGIN, BASE)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))?;
    let answer = router.clone().oneshot(request).await?;
    let cookie = answer.headers().get(header::SET_COOKIE).context("a session")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

async fn get(router: &Router, path: &str, cookie: &str) -> anyhow::Result<StatusCode> {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty())?;
    let answer = router.clone().oneshot(request).await?;
    let status = answer.status();
    to_bytes(answer.into_body(), usize::MAX).await?;
    Ok(status)
}

/// A file of readers that is made as it is read.
struct People {
    number: u32,
    next: u32,
    left: io::Cursor<Vec<u8>>,
}

impl People {
    fn new(number: u32) -> Self {
        Self { number, next: 0, left: io::Cursor::new(b"email,name\n".to_vec()) }
    }
}

impl broadside::moving_in::TableSource for People {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Self::new(self.number)))
    }
}

impl Read for People {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.left.read(into)?;
        if read > 0 || self.next == self.number {
            return Ok(read);
        }
        let number = self.next as usize;
        let (first, last) = (FIRST[number % 16], LAST[number / 16 % 16]);
        // One of them far from both ends.
        let line = match self.next {
            at if at == self.number / 3 => "unique.person@example.net,Deniz Özdemir\n".to_owned(),
            _ if number.is_multiple_of(50) => {
                format!("reader.{number}@mail{}.example.com,王小明\n", number % 97)
            }
            _ => format!("reader.{number}@mail{}.example.com,{first} {last}\n", number % 97),
        };
        self.next += 1;
        self.left = io::Cursor::new(line.into_bytes());
        self.left.read(into)
    }
}
