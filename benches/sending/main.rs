//! How fast an edition goes out, as a ratio to Postfix's smtp-source in the same run against the same sink.
//!
//! `cargo bench --bench sending -- --json [--messages N] [--connections N] [--rounds N] [--delay MS] [--sink fast|postfix]`
//!
//! The whole path counts: deliveries are claimed from the ledger (SQLite, synchronous=FULL), each copy is composed with its
//! personal links, sent, and its result recorded. The sending process is this program again, as a child, so that its memory
//! and processor time are its own; the sink is a third process. The two senders take turns.

mod process;
mod product;
mod sink;

use std::time::Duration;

use anyhow::{Context, bail};
use process::{Child, Usage};

struct Options {
    json: bool,
    messages: u32,
    connections: usize,
    rounds: u32,
    delay: Duration,
    sinks: Vec<String>,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        json: false,
        messages: 10_000,
        connections: 20,
        rounds: 3,
        delay: Duration::ZERO,
        sinks: vec!["postfix".to_owned(), "fast".to_owned()],
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--json" => options.json = true,
            "--messages" => options.messages = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--delay" => options.delay = Duration::from_millis(value()?.parse()?),
            "--sink" => options.sinks = vec![value()?],
            // cargo bench adds this one.
            "--bench" => {}
            other => bail!("there is no option {other}"),
        }
    }
    Ok(options)
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime =
        if std::env::var("BENCH_CURRENT").is_ok() && words.first().is_some_and(|w| w == "--be-sender") {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?
        } else {
            tokio::runtime::Runtime::new()?
        };
    match words.first().map(String::as_str) {
        Some("--be-sink") => Ok(runtime.block_on(sink::serve(Duration::from_millis(words[1].parse()?)))?),
        Some("--be-preparer") => runtime.block_on(product::prepare(&words[1], words[2].parse()?)),
        Some("--be-sender") => runtime.block_on(product::send(&words[1], &words[2], words[3].parse()?)),
        _ => compare(&runtime, &options()?),
    }
}

fn compare(runtime: &tokio::runtime::Runtime, options: &Options) -> anyhow::Result<()> {
    let size = message_size(runtime)?;
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
            let ours = broadside(runtime, sink, options, &scratch.join(format!("{sink}-{round}.db")))?;
            report(options, "smtp-source", sink, &yardstick, &yardstick);
            report(options, "broadside", sink, &ours, &yardstick);
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    Ok(())
}

/// What one run took.
struct Run {
    seconds: f64,
    usage: Usage,
}

fn report(options: &Options, sender: &str, sink: &str, run: &Run, yardstick: &Run) {
    let messages = options.messages;
    let rate = f64::from(messages) / run.seconds;
    let cpu = run.usage.cpu_seconds * 1e6 / f64::from(messages);
    let (memory, ratio) = (run.usage.peak_rss_mb, yardstick.seconds / run.seconds);
    let connections = options.connections;
    if options.json {
        println!(
            "{{\"sender\":\"{sender}\",\"sink\":\"{sink}\",\"connections\":{connections},\"messages\":{messages},\"messages_per_second\":{rate:.0},\"cpu_us_per_message\":{cpu:.1},\"peak_rss_mb\":{memory:.1},\"ratio_to_smtp_source\":{ratio:.3},\"delay_ms\":{}}}",
            options.delay.as_millis()
        );
    } else {
        println!(
            "{sender:<12} {sink:<8} {connections:>5} {messages:>8} {rate:>10.0} {cpu:>8.1} {memory:>9.1} {ratio:>7.3}"
        );
    }
}

/// How large our messages are, counted by the sink.
fn message_size(runtime: &tokio::runtime::Runtime) -> anyhow::Result<u64> {
    let database = std::env::temp_dir().join(format!("broadside-bench-size-{}.db", std::process::id()));
    let url = format!("sqlite:{}", database.display());
    runtime.block_on(product::prepare(&url, 20))?;
    let mut sink = Child::start(&std::env::current_exe()?, &["--be-sink", "0"])?;
    let address = sink.line()?;
    Child::start(&std::env::current_exe()?, &["--be-sender", &url, &address, "1"])?.finish()?;
    let answer = sink.ask()?;
    for end in ["", "-wal", "-shm"] {
        // The last two are gone once the database was closed in order.
        let _ = std::fs::remove_file(format!("{}{end}", database.display()));
    }
    let (messages, bytes) = answer.split_once(' ').context("the sink's count")?;
    anyhow::ensure!(messages == "20", "the sink took {messages} of 20 messages");
    Ok(bytes.parse::<u64>()? / 20)
}

/// A sink in a process of its own, and where it listens.
fn start_sink(kind: &str, options: &Options) -> anyhow::Result<Option<(Child, String)>> {
    if kind == "fast" {
        let me = std::env::current_exe()?;
        let mut child = Child::start(&me, &["--be-sink", &options.delay.as_millis().to_string()])?;
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
    let Some((_sink, address)) = start_sink(sink, options)? else { return Ok(None) };
    let size = size.to_string();
    let (connections, messages) = (options.connections.to_string(), options.messages.to_string());
    let started = std::time::Instant::now();
    let words = [
        "-d",
        "-s",
        &connections,
        "-m",
        &messages,
        "-l",
        &size,
        "-f",
        "news@example.org",
        "-t",
        "reader@example.org",
        &address,
    ];
    let usage = Child::start(&program, &words)?.finish()?;
    Ok(Some(Run { seconds: started.elapsed().as_secs_f64(), usage }))
}

/// Our own path, over a ledger that was sealed before the clock starts.
fn broadside(
    runtime: &tokio::runtime::Runtime,
    sink: &str,
    options: &Options,
    database: &std::path::Path,
) -> anyhow::Result<Run> {
    let database = format!("sqlite:{}", database.display());
    Child::start(&std::env::current_exe()?, &["--be-preparer", &database, &options.messages.to_string()])?
        .finish()?;
    let (_sink, address) = start_sink(sink, options)?.context("the sink was there a moment ago")?;
    let me = std::env::current_exe()?;
    let mut child =
        Child::start(&me, &["--be-sender", &database, &address, &options.connections.to_string()])?;
    let seconds: f64 = child.line()?.parse().context("the sender's time")?;
    let usage = child.finish()?;
    runtime.block_on(product::check(&database, options.messages))?;
    Ok(Run { seconds, usage })
}
