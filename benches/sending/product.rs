//! The product's own path: a magazine with readers, an edition sealed for them, and the engine that sends it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use broadside::{
    articles,
    authorities::Trust,
    clock::{Clock, Moment},
    db::{Db, DbOptions, Migrations},
    delivery::{self, Engine, EngineOptions},
    dkim,
    email_address::EmailAddress,
    mail::{Algorithm, ConfirmSubscription, EmailTemplate as _, Templates},
    publishing::{self, Block, Content, Placed, Whom},
    relays::RelayOptions,
    segments::{self, Condition, SegmentTree},
    settings::Settings,
    site::Site,
    smtp::{Relay, Timeouts, Wire},
    staff::{self, FirstOwner, PasswordCost},
    subscribers::{self, Basis, lists},
    token::{Keys, RootSecret},
};

/// Tuesday, 3 March 2026, 09:00 UTC: when the edition is sealed.
const THEN: Moment = Moment::from_unix_seconds(1_772_528_400);

/// The letter that opens the edition, as often as it takes for a mail of the size that a magazine's digest has.
const LETTER: &str = "This morning the harbour was so still that the gulls stood on their own pictures. We have \
    gathered what our writers found this week between the breakwater and the hills, and we hope you find an hour for it. ";

async fn open(database: &str, clock: Clock) -> anyhow::Result<Site> {
    let db = Db::open(&DbOptions::new(database)).await?;
    let root = RootSecret { id: 1, secret: vec![7; 32] };
    let keys = Arc::new(Keys::new(&root, &[], &[9; 32]));
    Ok(Site {
        db,
        clock,
        keys,
        base_url: "https://magazine.example.org".parse()?,
        bounce_address: None,
        journal: Default::default(),
    })
}

/// A new database with one sealed edition to so many readers, of which so many blocks are each for some of them alone; prints the seconds
/// of import and seal.
pub async fn prepare(database: &str, readers: u32, key: &str, parts: usize) -> anyhow::Result<()> {
    let site = open(database, Clock::manual(THEN)).await?;
    Migrations::apply(&site.db).await?;
    let email = EmailAddress::parse("owner@example.org")?;
    let owner = FirstOwner { name: "Olive Owner", email: &email, password: "a tide waits for nobody" };
    staff::make_first_owner(&site, PasswordCost::CHEAP, owner, |settings| {
        settings.magazine_name = "The Lamplighter".to_owned();
        settings.legal_name = "Lamplighter Press, registered association".to_owned();
        settings.postal_address = "1 Lamp Street\n1000 Harbour".to_owned();
        settings.contact_email = "hello@example.org".to_owned();
        settings.from_name = "The Lamplighter".to_owned();
        settings.from_email = "post@example.org".to_owned();
    })
    .await?;
    publishing::ensure_first(&site).await?;
    articles::import_bytes(&site, articles::SAMPLE_FEED.to_vec()).await?;
    let list = lists::all(&site.db).await?.first().context("a list")?.id;
    let basis = Basis { basis: "consent".to_owned(), source: "a bench".to_owned() };
    let started = Instant::now();
    let report = subscribers::import(&site, Readers::new(readers), list, &basis).await?;
    let import = started.elapsed().as_secs_f64();
    ensure!(
        report.added == u64::from(readers),
        "{} readers came in: {:?}",
        report.added,
        report.errors.first()
    );

    let digest = publishing::digests(&site.db).await?.remove(0);
    let (edition, _) = publishing::create_draft(&site, digest.id, None).await?;
    let mut blocks = Block::row(articles::latest(&site, 1).await?.iter().map(|article| article.id));
    for number in 0..parts {
        blocks.push(for_some(&site, number).await?);
    }
    let content = Content {
        subject: "The week between the breakwater and the hills".to_owned(),
        preview_text: "What our writers found".to_owned(),
        intro_markdown: LETTER.repeat(6),
        blocks,
        topic_ids: Vec::new(),
        rhythm: None,
        only_segment: None,
        except_segment: None,
    };
    publishing::save_revision(&site, edition, 1, content, None).await?;
    let templates = Templates::load()?;
    let draft = publishing::load(&site.db, edition).await?;
    let started = Instant::now();
    publishing::press_send(&site, &templates, edition, draft.revision, None, None).await?;
    if parts > 0 {
        let (took, versions) = (started.elapsed(), 1_u64 << parts);
        eprintln!("{parts} parts, so up to {versions} versions: Send took {took:.1?}");
    }
    site.clock.advance(publishing::UNDO + Duration::from_secs(1));
    if key != "none" {
        let algorithm = if key == "rsa" { Algorithm::Rsa } else { Algorithm::Ed25519 };
        let key = dkim::create(&site, "example.org", algorithm, Some("bench")).await?;
        dkim::activate(&site, &key).await?;
    }
    let patience = tokio::spawn(longest_wait(site.clone()));
    let started = Instant::now();
    ensure!(publishing::seal_due(&site, &templates).await? == 1, "the edition was not sealed");
    let seal = started.elapsed().as_secs_f64();
    patience.abort();
    println!("{import} {seal} {}", LONGEST_WAIT.load(Ordering::SeqCst) as f64 / 1000.0);
    site.db.close().await;
    Ok(())
}

/// A block for one segment alone, or for all but it.
async fn for_some(site: &Site, number: usize) -> anyhow::Result<Placed> {
    let tree = SegmentTree::Is(Condition::Source { text: format!("{number}") });
    let id = segments::create(site, None, &format!("Segment {number}"), tree).await?;
    let readers = publishing::Readers::Segment(segments::find(&site.db, &id).await?.context("a segment")?.id);
    let whom = if number.is_multiple_of(2) { Whom::Only(readers) } else { Whom::But(readers) };
    Ok(Placed { block: Block::Words(LETTER.to_owned()), whom })
}

/// In microseconds.
static LONGEST_WAIT: AtomicU64 = AtomicU64::new(0);

/// Asks for a write transaction again and again, and notes how long it had to wait for one: so long is somebody at the desk
/// kept waiting.
async fn longest_wait(site: Site) {
    loop {
        let asked = Instant::now();
        if let Ok(tx) = site.db.begin().await {
            let waited = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            LONGEST_WAIT.fetch_max(waited, Ordering::SeqCst);
            drop(tx);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Somebody subscribes a few times a second while the edition goes out: how long until the mail that answers has left. Prints
/// the longest time in milliseconds, and how many it were.
async fn time_notices(site: Site, longest: Arc<AtomicU64>, sent: Arc<AtomicU64>) -> anyhow::Result<()> {
    let to = EmailAddress::parse("new-reader@example.org")?;
    let settings = Settings { contact_email: "post@example.org".into(), ..Settings::default() };
    let letterhead = settings.letterhead(&site);
    let context = ConfirmSubscription::sample();
    loop {
        let number = sent.load(Ordering::SeqCst) + 1;
        let mut tx = site.db.begin().await?;
        let key = format!("bench:{number}");
        delivery::tell(&mut tx, &site, &letterhead, ("", &to), &key, &context).await?;
        tx.commit().await?;
        let started = Instant::now();
        while delivery::accepted_letters(&site.db).await?.len() < usize::try_from(number)? {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        longest.fetch_max(u64::try_from(started.elapsed().as_micros())?, Ordering::SeqCst);
        sent.store(number, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Sends until `limit` messages were taken, or all; prints the seconds from the engine's start to the last recorded result,
/// and of the notices on the way how many there were and how many milliseconds the slowest took.
pub async fn send(
    database: &str,
    sink: &str,
    connections: usize,
    limit: i64,
    authority: Option<&Path>,
    notices: bool,
) -> anyhow::Result<()> {
    let site = open(database, Clock::System).await?;
    let address: SocketAddr = sink.parse()?;
    let relay = Relay {
        url: match authority {
            None => format!("smtp://{address}?tls=none").parse()?,
            Some(_) => format!("smtps://{address}").parse()?,
        },
        hello: "magazine.example.org".to_owned(),
        trust: match authority {
            None => Trust::public(),
            Some(file) => Trust::and_those_of(file).map_err(anyhow::Error::msg)?,
        },
        timeouts: Timeouts::default(),
        messages_per_connection: u32::MAX,
        wire: Wire::default(),
    };
    let options = EngineOptions::new(vec![RelayOptions::unlimited(relay, connections)]);
    let templates = Templates::load()?;
    let sealed = delivery::progress_of(&site.db, 1).await?.sealed;
    let (longest, sent) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let notices = notices.then(|| tokio::spawn(time_notices(site.clone(), longest.clone(), sent.clone())));
    let started = Instant::now();
    if limit >= sealed {
        Engine::run_until_idle(site.clone(), templates, options).await?;
    } else {
        let engine = Engine::start(site.clone(), templates, options).await?;
        while delivery::progress_of(&site.db, 1).await?.accepted < limit {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        engine.stop().await;
    }
    let seconds = started.elapsed().as_secs_f64();
    if let Some(notices) = notices {
        notices.abort();
    }
    println!("{seconds} {} {}", sent.load(Ordering::SeqCst), longest.load(Ordering::SeqCst) as f64 / 1000.0);
    site.db.close().await;
    Ok(())
}

/// How many copies the ledger says were taken, once it is known that it balances.
pub async fn check(database: &str, limit: u32) -> anyhow::Result<u32> {
    let site = open(database, Clock::System).await?;
    let progress = delivery::progress_of(&site.db, 1).await?;
    let audit = delivery::audit_copies(&site.db, 1).await?;
    ensure!(audit.holds(), "the ledger does not balance: {audit:?}");
    ensure!(progress.accepted >= i64::from(limit), "{progress:?}");
    ensure!(progress.failed + progress.unknown == 0, "{progress:?}");
    site.db.close().await;
    Ok(u32::try_from(progress.accepted)?)
}

/// A CSV file of readers that is never whole in memory.
struct Readers {
    count: u32,
    next: u32,
    line: Vec<u8>,
    read: usize,
}

impl broadside::moving_in::TableSource for Readers {
    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(Self::new(self.count)))
    }
}

impl Readers {
    fn new(count: u32) -> Self {
        Self { count, next: 1, line: b"email,name\n".to_vec(), read: 0 }
    }
}

impl std::io::Read for Readers {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.line.len() {
            if self.next > self.count {
                return Ok(0);
            }
            let n = self.next;
            self.line = format!("reader{n}@domain{}.example.org,Reader {n}\n", n % 97).into_bytes();
            self.read = 0;
            self.next += 1;
        }
        let taken = (self.line.len() - self.read).min(buffer.len());
        buffer[..taken].copy_from_slice(&self.line[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}
