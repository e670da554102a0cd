//! How fast an edition goes out, as a ratio to Postfix's smtp-source in the same run against the same sink.
//!
//! `cargo bench --bench sending -- --json [--messages N] [--connections N] [--rounds N] [--delay MS] [--sink fast|postfix]
//! [--tls] [--notices] [--readers N] [--dkim ed25519|rsa] [--parts N] [--database postgres://… (empty)] [--workers N]`
//!
//! The whole path counts: deliveries are claimed from the ledger (SQLite, synchronous=FULL), each copy is composed with its
//! personal links, sent, and its result recorded. The sending process is this program again, as a child, so that its memory
//! and processor time are its own; the sink is a third process. The two senders take turns. With more readers than messages
//! the edition is stopped after so many, which shows how the ledger's size counts. With `--notices` somebody subscribes all the
//! while, and the slowest confirmation mail is told. With `--parts` the edition has so many blocks that are each for some readers alone.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

mod process;
mod product;
mod sink;

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::{Context, bail, ensure};
use process::{Child, Usage};

struct Options {
    json: bool,
    messages: u32,
    readers: u32,
    connections: usize,
    workers: usize,
    rounds: u32,
    delay: Duration,
    sinks: Vec<String>,
    dkim: String,
    parts: usize,
    tls: bool,
    notices: bool,
    database: Option<String>,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        json: false,
        messages: 10_000,
        readers: 0,
        connections: 20,
        workers: 1,
        rounds: 3,
        delay: Duration::ZERO,
        sinks: vec!["postfix".to_owned(), "fast".to_owned()],
        dkim: "none".to_owned(),
        parts: 0,
        tls: false,
        notices: false,
        database: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--json" => options.json = true,
            "--messages" => options.messages = value()?.parse()?,
            "--readers" => options.readers = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--workers" => options.workers = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--delay" => options.delay = Duration::from_millis(value()?.parse()?),
            "--sink" => options.sinks = vec![value()?],
            "--dkim" => options.dkim = value()?,
            "--parts" => options.parts = value()?.parse()?,
            "--tls" => options.tls = true,
            "--notices" => options.notices = true,
            "--database" => options.database = Some(value()?),
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    options.readers = options.readers.max(options.messages);
    if options.database.is_some() {
        // A database is filled once.
        options.rounds = 1;
        ensure!(options.sinks.len() == 1, "with --database, choose one sink: --sink fast or --sink postfix");
    }
    ensure!(
        options.workers == 1 || options.database.is_some(),
        "several workers need PostgreSQL: --database"
    );
    ensure!(!options.notices || options.workers == 1, "--notices needs a single worker");
    ensure!(!options.tls || options.sinks == ["fast"], "only our own sink speaks TLS: --sink fast --tls");
    Ok(options)
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match words.first().map(String::as_str) {
        Some("--be-sink") => {
            let authority = words.get(2).map(Path::new);
            runtime.block_on(sink::serve(Duration::from_millis(words[1].parse()?), authority))
        }
        Some("--be-preparer") => {
            runtime.block_on(product::prepare(&words[1], words[2].parse()?, &words[3], words[4].parse()?))
        }
        Some("--be-sender") => {
            let authority = words.get(6).map(Path::new);
            let notices = words[5] == "notices";
            runtime.block_on(product::send(
                &words[1],
                &words[2],
                words[3].parse()?,
                words[4].parse()?,
                authority,
                notices,
            ))
        }
        _ => compare(&runtime, &options()?),
    }
}

fn compare(runtime: &tokio::runtime::Runtime, options: &Options) -> anyhow::Result<()> {
    let size = message_size()?;
    let scratch = std::env::temp_dir().join(format!("broadside-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    if !options.json {
        println!("messages of {size} bytes");
        println!(
            "{:<12} {:<8} {:>5} {:>8} {:>10} {:>8} {:>9} {:>7}",
            "sender", "sink", "conns", "messages", "msg/s", "cpu µs", "peak MB", "ratio"
        );
    }
    for sink in &options.sinks {
        for round in 0..options.rounds {
            let Some(yardstick) = smtp_source(sink, options, size)? else { continue };
            let database = scratch.join(format!("{sink}-{round}.db"));
            let ours = broadside(runtime, sink, options, &database)?;
            report(options, size, "smtp-source", sink, &yardstick, &yardstick);
            report(options, size, "broadside", sink, &ours, &yardstick);
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// What one run took.
struct Run {
    messages: u32,
    seconds: f64,
    usage: Usage,
    prepared: Option<Prepared>,
    notices: Option<Notices>,
}

/// Confirmation mails while the edition went out.
struct Notices {
    sent: f64,
    slowest_ms: f64,
}

/// How long the readers took to import and the edition to seal, and the longest that anybody waited to write meanwhile.
struct Prepared {
    import: f64,
    seal: f64,
    wait_ms: f64,
}

impl Run {
    fn rate(&self) -> f64 {
        f64::from(self.messages) / self.seconds
    }
}

fn report(options: &Options, size: u64, sender: &str, sink: &str, run: &Run, yardstick: &Run) {
    let (messages, rate) = (run.messages, run.rate());
    let cpu = run.usage.cpu_seconds * 1e6 / f64::from(messages);
    let (memory, ratio) = (run.usage.peak_rss_mb, rate / yardstick.rate());
    let Options { connections, workers, readers, dkim, tls, .. } = options;
    if options.json {
        let mut more = run.prepared.as_ref().map_or_else(String::new, |Prepared { import, seal, wait_ms }| {
            format!(
                ",\"readers\":{readers},\"workers\":{workers},\"dkim\":\"{dkim}\",\"tls\":{tls},\"import_seconds\":{import:.2},\"seal_seconds\":{seal:.2},\"seal_longest_wait_ms\":{wait_ms:.1}"
            )
        });
        if let Some(Notices { sent, slowest_ms }) = run.notices {
            let _ = write!(more, ",\"notices\":{sent},\"slowest_notice_ms\":{slowest_ms:.1}");
        }
        println!(
            "{{\"sender\":\"{sender}\",\"sink\":\"{sink}\",\"connections\":{connections},\"messages\":{messages},\"messages_per_second\":{rate:.0},\"cpu_us_per_message\":{cpu:.1},\"peak_rss_mb\":{memory:.1},\"ratio_to_smtp_source\":{ratio:.3},\"message_bytes\":{size},\"delay_ms\":{}{more}}}",
            options.delay.as_millis()
        );
    } else {
        println!(
            "{sender:<12} {sink:<8} {connections:>5} {messages:>8} {rate:>10.0} {cpu:>8.1} {memory:>9.1} {ratio:>7.3}"
        );
    }
}

/// How large our messages are, counted by the sink.
fn message_size() -> anyhow::Result<u64> {
    let database = std::env::temp_dir().join(format!("broadside-bench-size-{}.db", std::process::id()));
    let url = format!("sqlite:{}", database.display());
    let me = std::env::current_exe()?;
    Child::start(&me, &["--be-preparer", &url, "20", "none", "0"])?.finish()?;
    let mut sink = Child::start(&me, &["--be-sink", "0"])?;
    let address = sink.line()?;
    Child::start(&me, &["--be-sender", &url, &address, "1", "20", "alone"])?.finish()?;
    let answer = sink.ask()?;
    for end in ["", "-wal", "-shm"] {
        // The last two are gone once the database was closed in order.
        let _ = std::fs::remove_file(format!("{}{end}", database.display()));
    }
    let (messages, bytes) = answer.split_once(' ').context("the sink's count")?;
    ensure!(messages == "20", "the sink took {messages} of 20 messages");
    Ok(bytes.parse::<u64>()? / 20)
}

/// A sink in a process of its own, and where it listens.
///
/// With an authority it speaks TLS, and writes into that file by what it is believed.
fn start_sink(
    kind: &str,
    options: &Options,
    authority: Option<&str>,
) -> anyhow::Result<Option<(Child, String)>> {
    if kind == "fast" {
        let me = std::env::current_exe()?;
        let delay = options.delay.as_millis().to_string();
        let words = ["--be-sink", &delay, authority.unwrap_or_default()];
        let words = if authority.is_some() { &words[..] } else { &words[..2] };
        let mut child = Child::start(&me, words)?;
        let address = child.line()?;
        return Ok(Some((child, address)));
    }
    let Some(program) = process::find("smtp-sink") else {
        eprintln!("skipped: smtp-sink is not installed (package postfix)");
        return Ok(None);
    };
    let port = process::free_port()?;
    let address = format!("127.0.0.1:{port}");
    let child = Child::start(&program, &["-u", "root", &address, "200"]);
    let child = child.context("starting smtp-sink")?;
    process::wait_until_open(&address)?;
    Ok(Some((child, address)))
}

/// Postfix's own client, with messages of the size of ours over connections that stay open.
fn smtp_source(sink: &str, options: &Options, size: u64) -> anyhow::Result<Option<Run>> {
    let Some(program) = process::find("smtp-source") else {
        eprintln!("skipped: smtp-source is not installed (package postfix)");
        return Ok(None);
    };
    // It knows no TLS: even against ours, it stays the yardstick that it is.
    let Some((_sink, address)) = start_sink(sink, options, None)? else { return Ok(None) };
    // Enough to be measured, however many we send.
    let messages = options.messages.min(if options.delay.is_zero() { 50_000 } else { 2_000 });
    let (count, size) = (messages.to_string(), size.to_string());
    let connections = options.connections.to_string();
    let started = std::time::Instant::now();
    let words = [
        "-d",
        "-s",
        &connections,
        "-m",
        &count,
        "-l",
        &size,
        "-f",
        "news@example.org",
        "-t",
        "reader@example.org",
        &address,
    ];
    let usage = Child::start(&program, &words)?.finish()?;
    Ok(Some(Run { messages, seconds: started.elapsed().as_secs_f64(), usage, prepared: None, notices: None }))
}

/// Our own path, over a ledger that was sealed before the clock starts.
fn broadside(
    runtime: &tokio::runtime::Runtime,
    sink: &str,
    options: &Options,
    file: &Path,
) -> anyhow::Result<Run> {
    let database = options.database.clone().unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let me = std::env::current_exe()?;
    let mut preparer = Child::start(
        &me,
        &[
            "--be-preparer",
            &database,
            &options.readers.to_string(),
            &options.dkim,
            &options.parts.to_string(),
        ],
    )?;
    let [import, seal, wait_ms] = numbers(&preparer.line()?)?;
    preparer.finish()?;
    let authority = file.with_extension("pem").display().to_string();
    let authority = options.tls.then_some(authority.as_str());
    let (_sink, address) =
        start_sink(sink, options, authority)?.context("the sink was there a moment ago")?;
    let each = options.connections.div_ceil(options.workers).to_string();
    let limit = options.messages.to_string();
    let company = if options.notices { "notices" } else { "alone" };
    let words = ["--be-sender", &database, &address, &each, &limit, company, authority.unwrap_or_default()];
    let words = if authority.is_some() { &words[..] } else { &words[..6] };
    let mut senders =
        (0..options.workers).map(|_| Child::start(&me, words)).collect::<Result<Vec<_>, _>>()?;
    let (mut seconds, mut usage, mut notices) = (0.0_f64, Usage::default(), None);
    for sender in &mut senders {
        let [took, sent, slowest_ms] = numbers(&sender.line()?)?;
        seconds = seconds.max(took);
        notices = options.notices.then_some(Notices { sent, slowest_ms });
    }
    for sender in senders {
        let one = sender.finish()?;
        usage.cpu_seconds += one.cpu_seconds;
        usage.peak_rss_mb = usage.peak_rss_mb.max(one.peak_rss_mb);
    }
    let messages = runtime.block_on(product::check(&database, options.messages))?;
    Ok(Run { messages, seconds, usage, prepared: Some(Prepared { import, seal, wait_ms }), notices })
}

fn numbers<const N: usize>(line: &str) -> anyhow::Result<[f64; N]> {
    let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    numbers.try_into().map_err(|_| anyhow::anyhow!("a child said {line:?}"))
}
