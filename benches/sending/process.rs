//! Child processes, and what they used of the machine as the operating system tells it (Linux's /proc).

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

/// What a process used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time.
    pub cpu_seconds: f64,
    /// The most memory it held.
    pub peak_rss_mb: f64,
}

/// A child that is ended with this value.
pub struct Child {
    process: std::process::Child,
    output: BufReader<ChildStdout>,
    peak_rss_mb: f64,
}

impl Child {
    pub fn start(program: &Path, words: &[&str]) -> anyhow::Result<Self> {
        let mut process =
            Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(process.stdout.take().context("a pipe")?);
        Ok(Self { process, output, peak_rss_mb: 0.0 })
    }

    /// The next line it prints.
    pub fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the child ended without a word");
        self.note_peak();
        Ok(line.trim().to_owned())
    }

    /// Sends it a line, and waits for the line it answers with.
    pub fn ask(&mut self) -> anyhow::Result<String> {
        self.process.stdin.as_mut().context("a pipe")?.write_all(b"\n")?;
        self.line()
    }

    /// The kernel keeps the peak as long as the process is there.
    fn note_peak(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        if let Some(peak) = status.ok().as_deref().and_then(peak_mb) {
            self.peak_rss_mb = peak;
        }
    }

    /// Waits for its end, which must be a good one.
    pub fn finish(mut self) -> anyhow::Result<Usage> {
        // Children are counted when they are waited for, so what is added meanwhile is this one's.
        let before = children_cpu()?;
        let ended = loop {
            self.note_peak();
            match self.process.try_wait()? {
                Some(ended) => break ended,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        ensure!(ended.success(), "the child ended with {ended}");
        Ok(Usage { cpu_seconds: children_cpu()? - before, peak_rss_mb: self.peak_rss_mb })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn peak_mb(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// The processor time of all children that have ended and were waited for, in ticks of 10 ms.
fn children_cpu() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // Fields 16 and 17 of proc(5); the name in brackets and the two before it are gone.
    let ticks: f64 = fields[13].parse::<f64>()? + fields[14].parse::<f64>()?;
    Ok(ticks / 100.0)
}

pub fn find(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.exists())
}

pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub fn wait_until_open(address: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        if started.elapsed() > Duration::from_secs(10) {
            bail!("nothing listens on {address}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
