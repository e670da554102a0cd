//! How long pages of the desk take with very many readers, in this process and without a socket.
//!
//! `cargo bench --bench desk -- [--readers N] [--rounds N] [--database postgres://… (empty)]`
//!
//! Readers come in by the product's own import. Each page is asked so many times; told are the median and the slowest.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

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
    publishing,
    site::Site,
    staff::{self, FirstOwner, PasswordCost},
    subscribers::{self, Basis, lists},
    token::{Keys, RootSecret},
    web::{App, router},
};
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

/// The pages that are asked.
const PAGES: [(&str, &str); 11] = [
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
    ("audit", "/desk/audit"),
];

fn main() -> anyhow::Result<()> {
    let (mut readers, mut rounds, mut database) = (1_000_000_u32, 11_usize, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--readers" => readers = value()?.parse()?,
            "--rounds" => rounds = value()?.parse()?,
            "--database" => database = Some(value()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    let scratch = std::env::temp_dir().join(format!("broadside-desk-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let url = database.unwrap_or_else(|| format!("sqlite:{}", scratch.join("desk.db").display()));
    let done = tokio::runtime::Runtime::new()?.block_on(measure(&url, readers, rounds.max(1)));
    std::fs::remove_dir_all(&scratch)?;
    done
}

async fn measure(url: &str, readers: u32, rounds: usize) -> anyhow::Result<()> {
    let db = Db::open(&DbOptions::new(url)).await?;
    Migrations::apply(&db).await?;
    let root = RootSecret { id: 1, secret: vec![7; 32] };
    let keys = Arc::new(Keys::new(&root, &[], &[9; 32]));
    let base_url = BASE.parse()?;
    let site = Site {
        db,
        clock: Clock::manual(NOW),
        keys,
        base_url,
        bounce_address: None,
        journal: Default::default(),
    };
    let email = EmailAddress::parse("owner@example.org")?;
    let owner = FirstOwner { name: "Olive Owner", email: &email, password: PASSWORD };
    staff::make_first_owner(&site, PasswordCost::CHEAP, owner, |settings| {
        settings.magazine_name = "The Lamplighter".to_owned();
        settings.contact_email = "hello@example.org".to_owned();
    })
    .await?;
    publishing::ensure_first(&site).await?;
    let list = lists::all(&site.db).await?.first().context("a list")?.id;
    let basis = Basis { basis: "consent".to_owned(), source: "a bench".to_owned() };
    let started = Instant::now();
    let report = subscribers::import(&site, People::new(readers), list, &basis).await?;
    ensure!(report.added == u64::from(readers), "{} came in: {:?}", report.added, report.errors.first());
    println!("{readers} readers imported in {:.1} s", started.elapsed().as_secs_f64());
    subscribers::count_many(&site).await?;

    let mut app = App::new(site, Templates::load()?, Fetcher::new(true)?)?;
    app.password_cost = PasswordCost::CHEAP;
    let router = router(app);
    let cookie = sign_in(&router).await?;
    for (what, path) in PAGES {
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..=rounds {
            let started = Instant::now();
            let status = get(&router, path, &cookie).await?;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
            ensure!(status == StatusCode::OK, "{path}: {status}");
        }
        // The first finds nothing prepared.
        times.remove(0);
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[rounds / 2], times[rounds - 1]);
        println!("{what:28} {median:7.1} ms   {slowest:7.1} ms at most");
    }
    Ok(())
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
            _ => format!("reader.{number}@mail{}.example.com,{first} {last}\n", number % 97),
        };
        self.next += 1;
        self.left = io::Cursor::new(line.into_bytes());
        self.left.read(into)
    }
}
