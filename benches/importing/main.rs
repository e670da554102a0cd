//! How fast a list of very many readers comes in by the product's own import, beside what the engine does with the same file alone.
//!
//! `cargo bench --bench importing -- [--readers N | --posts N] [--database postgres://… (empty)]`
//!
//! Each row has an address, a name, three answers and one of three lists; everything that an import checks and writes is checked and
//! written, kept so that it can be taken back. The file comes in twice. Beside it the same file goes into a bare table: by `sqlite3 .import`,
//! or by `\copy` of psql. A probe beside it wants to write every few milliseconds, and tells how long it had to wait (SQLite, whose writers
//! wait for one another).
//!
//! With `--posts`: how fast an export of WordPress with so many posts comes in, twice, and what it takes of memory. Every third of its pictures
//! stands behind the posts that show it.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use broadside::{
    articles::{self, ArchiveChoices},
    clock::{Clock, Moment},
    db::{Db, DbOptions, Engine, Migrations},
    moving_in::{ImportChoices, TableSource},
    publishing,
    site::Site,
    subscribers::{self, Basis, Plan, lists},
    token::{Keys, RootSecret},
};

const NOW: Moment = Moment::from_unix_seconds(1_790_000_000);

fn main() -> anyhow::Result<()> {
    let (mut readers, mut posts, mut database) = (1_000_000_u32, None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--readers" => readers = value()?.parse()?,
            "--posts" => posts = Some(value()?.parse::<u32>()?),
            "--database" => database = Some(value()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    let scratch = std::env::temp_dir().join(format!("broadside-importing-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    if let Some(posts) = posts {
        let file = scratch.join("export.xml");
        export(&file, posts)?;
        println!("{posts} posts, {:.1} MB", std::fs::metadata(&file)?.len() as f64 / 1e6);
        let url = database.unwrap_or_else(|| format!("sqlite:{}", scratch.join("importing.db").display()));
        let done = tokio::runtime::Runtime::new()?.block_on(measure_posts(&url, &file, posts));
        std::fs::remove_dir_all(&scratch)?;
        return done;
    }
    let file = scratch.join("readers.csv");
    write(&file, readers)?;
    println!("{readers} rows, {:.1} MB", std::fs::metadata(&file)?.len() as f64 / 1e6);
    let bare = match &database {
        None => bare_sqlite(&scratch, &file, readers)?,
        Some(url) => bare_postgres(url, &file)?,
    };
    println!(
        "a bare table: {:.2} s, {:.0} rows/s",
        bare.as_secs_f64(),
        f64::from(readers) / bare.as_secs_f64()
    );
    let url = database.unwrap_or_else(|| format!("sqlite:{}", scratch.join("importing.db").display()));
    let done = tokio::runtime::Runtime::new()?.block_on(measure(&url, &file, readers, bare));
    std::fs::remove_dir_all(&scratch)?;
    done
}

/// In no order, as lists are.
fn write(file: &Path, readers: u32) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "email,name,list,Town,Work,Shoe size")?;
    for at in 0..u64::from(readers) {
        let number = at.wrapping_mul(2_654_435_761) % 4_294_967_296;
        let list = ["digest", "letters", "essays"][(number % 3) as usize];
        writeln!(
            out,
            "reader.{number:x}@mail{}.example.com,Reader {number} Surname,{list},Town {},Work {},{}",
            number % 97,
            number % 1_000,
            number % 50,
            30 + number % 17
        )?;
    }
    Ok(out.flush()?)
}

/// An export of WordPress, some 6 KB a post.
fn export(file: &Path, posts: u32) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><rss version=\"2.0\"><channel><title>A magazine</title><link>https://magazine.example</link>\
         <wp:wxr_version>1.2</wp:wxr_version><wp:author><wp:author_login>ann</wp:author_login><wp:author_display_name>Ann Lee</wp:author_display_name></wp:author>"
    )?;
    let field = |name: &str, value: &str| format!("<{name}><![CDATA[{value}]]></{name}>");
    for at in 0..posts {
        let words = format!(
            "Nobody on the quay of number {at} had seen the water so high before, and <em>nobody</em> slept. "
        );
        let paragraph = words.repeat(5 + (at % 7) as usize);
        let text = format!(
            "[caption id=\"a{at}\"]<img src=\"/files/{at}.jpg\" alt=\"The quay\" /> At high tide[/caption]\n\n{}",
            format!("{paragraph}\n\n").repeat(6)
        );
        let of = |number: u32, title: &str, kind: &str, status: &str, text: &str, more: &str| {
            format!(
                "<item>{}<link>https://magazine.example/{number}/</link>{}<guid isPermaLink=\"false\">https://magazine.example/?p={number}</guid>{}\
                 <wp:post_id>{number}</wp:post_id><wp:post_date_gmt>2024-03-05 14:05:05</wp:post_date_gmt>{}{}{}{more}</item>\n",
                field("title", title),
                field("dc:creator", "ann"),
                field("content:encoded", text),
                field("wp:post_name", &format!("post-{number}")),
                field("wp:status", status),
                field("wp:post_type", kind),
            )
        };
        let terms = format!(
            "<category domain=\"category\" nicename=\"c\"><![CDATA[Section {}]]></category><category domain=\"post_tag\" nicename=\"t\"><![CDATA[Word {}]]></category>\
             <wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>{}</wp:meta_value></wp:postmeta>",
            at % 9,
            at % 200,
            posts + at
        );
        out.write_all(of(at, &format!("Post number {at}"), "post", "publish", &text, &terms).as_bytes())?;
        if at % 3 == 0 {
            let address =
                format!("<wp:attachment_url>https://magazine.example/files/{at}.jpg</wp:attachment_url>");
            out.write_all(of(posts + at, "picture", "attachment", "inherit", "", &address).as_bytes())?;
        }
    }
    write!(out, "</channel></rss>")?;
    Ok(out.flush()?)
}

async fn measure_posts(url: &str, file: &Path, posts: u32) -> anyhow::Result<()> {
    let site = site(url).await?;
    let choices = ArchiveChoices { publishes: true, ..ArchiveChoices::default() };
    for (time, new) in [("first", posts), ("second", 0)] {
        let started = Instant::now();
        let archive = articles::bring_in_archive(&site, file, &choices).await?;
        let took = started.elapsed();
        let report = archive.report()?;
        ensure!(
            report.new == u64::from(new) && report.new + report.unchanged == u64::from(posts),
            "{report:?}"
        );
        println!(
            "the {time} time: {:.1} s, {:.0} posts/s",
            took.as_secs_f64(),
            f64::from(posts) / took.as_secs_f64()
        );
    }
    println!("memory at its most: {} MB", peak()? / 1024);
    Ok(())
}

fn bare_sqlite(scratch: &Path, file: &Path, readers: u32) -> anyhow::Result<Duration> {
    let db = scratch.join("bare.db");
    let started = Instant::now();
    let done = Command::new("sqlite3")
        .arg(&db)
        .args([".mode csv", &format!(".import {} bare", file.display())])
        .status()?;
    ensure!(done.success(), "sqlite3 .import: {done}");
    let took = started.elapsed();
    let count = Command::new("sqlite3").arg(&db).arg("select count(*) from bare").output()?;
    ensure!(
        String::from_utf8_lossy(&count.stdout).trim() == readers.to_string(),
        "it imported something else"
    );
    Ok(took)
}

fn bare_postgres(url: &str, file: &Path) -> anyhow::Result<Duration> {
    let psql = |sql: &str| {
        let done = Command::new("psql").args([url, "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]).status()?;
        ensure!(done.success(), "psql: {done}");
        Ok(())
    };
    psql("create table bare (email text, name text, list text, town text, work text, size text)")?;
    let started = Instant::now();
    psql(&format!("\\copy bare from '{}' csv header", file.display()))?;
    let took = started.elapsed();
    psql("drop table bare")?;
    Ok(took)
}

struct OnDisk(PathBuf);

impl TableSource for OnDisk {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(&self.0)?))
    }
}

async fn site(url: &str) -> anyhow::Result<Site> {
    let db = Db::open(&DbOptions::new(url)).await?;
    Migrations::apply(&db).await?;
    let root = RootSecret { id: 1, secret: vec![7; 32] };
    let keys = Arc::new(Keys::new(&root, &[], &[9; 32]));
    let base_url = "https://magazine.example.org".parse()?;
    let site = Site {
        db,
        clock: Clock::manual(NOW),
        keys,
        base_url,
        bounce_address: None,
        journal: Default::default(),
    };
    Ok(site)
}

async fn measure(url: &str, file: &Path, readers: u32, bare: Duration) -> anyhow::Result<()> {
    let site = site(url).await?;
    publishing::ensure_first(&site).await?;
    let list = lists::all(&site.db).await?.first().context("a list")?.id;
    let basis = Basis { basis: "consent".to_owned(), source: "a bench".to_owned() };
    let mut choices = ImportChoices::default();
    for typed in ["Town=field:town", "Work=field:work", "Shoe size=field:size"] {
        choices.add_column(typed).map_err(anyhow::Error::msg)?;
    }
    let plan = Plan { list, basis: &basis, choices: &choices, makes_lists: true, is_dry: false };
    for (time, added) in [("first", readers), ("second", 0)] {
        let probe = Probe::begin(&site);
        let started = Instant::now();
        let report =
            subscribers::import_kept(&site, &OnDisk(file.to_owned()), &plan, &mut |_| Ok(())).await?;
        let took = started.elapsed();
        ensure!(report.added == u64::from(added) && report.rows == u64::from(readers), "{report:?}");
        let per_second = f64::from(readers) / took.as_secs_f64();
        let ratio = bare.as_secs_f64() / took.as_secs_f64();
        print!(
            "the {time} time: {:.1} s, {per_second:.0} rows/s, {ratio:.3} × the bare table",
            took.as_secs_f64()
        );
        match probe {
            None => println!(),
            Some(probe) => {
                let (waits, longest) = probe.end().await?;
                println!(
                    "; of {waits} who wanted to write beside it the longest waited {} ms",
                    longest.as_millis()
                );
            }
        }
    }
    println!("memory at its most: {} MB", peak()? / 1024);
    Ok(())
}

/// Somebody who writes beside it.
struct Probe {
    is_over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<anyhow::Result<(u64, Duration)>>,
}

impl Probe {
    fn begin(site: &Site) -> Option<Self> {
        if site.db.engine() != Engine::Sqlite {
            return None;
        }
        let (site, is_over) = (site.clone(), Arc::new(AtomicBool::new(false)));
        let over = is_over.clone();
        let task = tokio::spawn(async move {
            let (mut waits, mut longest) = (0, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let started = Instant::now();
                drop(site.db.begin().await?);
                (waits, longest) = (waits + 1, longest.max(started.elapsed()));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok((waits, longest))
        });
        Some(Self { is_over, task })
    }

    async fn end(self) -> anyhow::Result<(u64, Duration)> {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// In KB.
fn peak() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
