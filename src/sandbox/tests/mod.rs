//! The sandbox over real sockets.

mod account;
mod mail;
mod money;
mod plans;
mod returns;
mod webhooks;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Sandbox, SandboxConfig};
use crate::clock::{Clock, Moment};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

fn clock() -> Clock {
    Clock::manual(Moment::from_unix_seconds(1_800_000_000))
}

async fn start(scratch: &Scratch) -> Sandbox {
    Sandbox::start(SandboxConfig::new(scratch.path(), clock())).await.unwrap()
}

/// A client that writes exactly the bytes it is told to.
struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    async fn connect(sandbox: &Sandbox) -> Self {
        let mut wire =
            Self { stream: TcpStream::connect(sandbox.smtp_addr()).await.unwrap(), buffer: Vec::new() };
        assert!(wire.reply().await.starts_with("220"));
        wire
    }

    /// Connected, with EHLO said.
    async fn greeted(sandbox: &Sandbox) -> Self {
        let mut wire = Self::connect(sandbox).await;
        assert!(wire.ask("EHLO test.example.org").await.contains("250-PIPELINING"));
        wire
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// One whole reply, its lines joined; empty once the server has closed the connection.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).into_owned();
                let last = line.as_bytes().get(3) != Some(&b'-');
                reply.push_str(&line);
                if last {
                    return reply;
                }
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned();
            }
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Everything up to the body; gives the reply to DATA.
    async fn begin(&mut self, to: &str) -> String {
        self.ask("MAIL FROM:<paper@example.org>").await;
        self.ask(&format!("RCPT TO:<{to}>")).await;
        self.ask("DATA").await
    }

    /// A whole small message; gives the reply to the final dot.
    async fn send(&mut self, to: &str, id: &str) -> String {
        assert!(self.begin(to).await.starts_with("354"));
        self.write(message(to, id).as_bytes()).await;
        self.reply().await
    }
}

/// A small message with its final dot.
fn message(to: &str, id: &str) -> String {
    format!(
        "From: Paper <paper@example.org>\r\nTo: {to}\r\nMessage-ID: <{id}>\r\nSubject: Hello\r\n\r\nHello\r\n.\r\n"
    )
}

/// A folder that is gone when the test ends.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sandbox-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tmp").join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
