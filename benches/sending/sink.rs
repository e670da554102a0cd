//! A sink fast enough not to be the limit: it reads SMTP, keeps nothing, and counts the messages it took.
//!
//! It knows just enough of the protocol for a client that behaves, and searches for the final dot by whole blocks. A delay
//! is a longer way to the server, as a network makes it: every reply leaves that much later, in order, and later commands
//! are read meanwhile.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use memchr::memmem;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    time::Instant,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

const END: &[u8] = b"\r\n.\r\n";

/// What was taken so far.
#[derive(Debug, Default)]
struct Taken {
    messages: AtomicU64,
    /// The messages' own bytes, without the final dot.
    bytes: AtomicU64,
}

/// Serves until the process ends. Prints its address first, then what it took whenever a line comes in on standard input.
///
/// With an authority it speaks TLS with a certificate of its own, and writes it there first.
pub async fn serve(delay: Duration, authority: Option<&Path>) -> anyhow::Result<()> {
    let tls = authority.map(certificate).transpose()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let taken = Arc::new(Taken::default());
    let count = taken.clone();
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            if line.is_err() {
                break;
            }
            println!("{} {}", count.messages.load(Ordering::SeqCst), count.bytes.load(Ordering::SeqCst));
        }
        // The bench has gone; so does its sink.
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (taken, tls) = (taken.clone(), tls.clone());
        tokio::spawn(async move {
            // A client that hangs up in the middle is not this program's business.
            let _ = if let Some(tls) = tls {
                match tls.accept(stream).await {
                    Ok(stream) => converse(stream, &taken).await,
                    Err(error) => Err(error),
                }
            } else if delay.is_zero() {
                converse(stream, &taken).await
            } else {
                converse_later(stream, &taken, delay).await
            };
        });
    }
}

fn certificate(authority: &Path) -> anyhow::Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    std::fs::write(authority, made.cert.pem())?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, taken: &Taken) -> io::Result<()> {
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut session = Session { buffer: Vec::with_capacity(128 * 1024), ..Session::default() };
    let mut replies = Vec::new();
    while stream.read_buf(&mut session.buffer).await? > 0 {
        let more = session.answer(taken, &mut replies);
        if !replies.is_empty() {
            stream.write_all(&replies).await?;
            replies.clear();
        }
        if !more {
            break;
        }
    }
    Ok(())
}

async fn converse_later(stream: TcpStream, taken: &Taken, delay: Duration) -> io::Result<()> {
    let (mut read, mut write): (OwnedReadHalf, _) = stream.into_split();
    let mut session = Session { buffer: Vec::with_capacity(128 * 1024), ..Session::default() };
    let mut waiting = VecDeque::from([(Instant::now() + delay, b"220 sink ESMTP\r\n".to_vec())]);
    let mut open = true;
    while open || !waiting.is_empty() {
        let due = waiting.front().map(|(due, _)| *due);
        tokio::select! {
            size = read.read_buf(&mut session.buffer), if open => {
                let mut replies = Vec::new();
                open = size? > 0 && session.answer(taken, &mut replies);
                if !replies.is_empty() {
                    waiting.push_back((Instant::now() + delay, replies));
                }
            }
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((_, replies)) = waiting.pop_front() {
                    write.write_all(&replies).await?;
                }
            }
        }
    }
    Ok(())
}

/// One conversation: what was read and not yet done with, and whether it is inside a message.
#[derive(Default)]
struct Session {
    buffer: Vec<u8>,
    in_body: bool,
    /// Bytes of the message that were looked at and let go.
    body_bytes: usize,
}

impl Session {
    /// Answers every whole command and message in the buffer; `false` after QUIT.
    fn answer(&mut self, taken: &Taken, replies: &mut Vec<u8>) -> bool {
        let mut start = 0;
        loop {
            let rest = &self.buffer[start..];
            if self.in_body {
                let Some(at) = memmem::find(rest, END) else { break };
                start += at + END.len();
                self.in_body = false;
                taken.messages.fetch_add(1, Ordering::Relaxed);
                taken.bytes.fetch_add((self.body_bytes + at) as u64, Ordering::Relaxed);
                self.body_bytes = 0;
                replies.extend_from_slice(b"250 2.0.0 taken\r\n");
                continue;
            }
            let Some(at) = memmem::find(rest, b"\r\n") else { break };
            let command = rest[..at].get(..4).unwrap_or_default().to_ascii_uppercase();
            start += at + 2;
            match command.as_slice() {
                b"EHLO" => replies
                    .extend_from_slice(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"),
                b"DATA" => {
                    self.in_body = true;
                    // A body may begin with its own end: keep the CRLF of the command for the search.
                    start -= 2;
                    replies.extend_from_slice(b"354 go on\r\n");
                }
                b"QUIT" => {
                    replies.extend_from_slice(b"221 bye\r\n");
                    return false;
                }
                _ => replies.extend_from_slice(b"250 2.0.0 ok\r\n"),
            }
        }
        // Of a message, only what may be the beginning of its end has to stay.
        let kept = if self.in_body {
            (self.buffer.len() - start).min(END.len() - 1)
        } else {
            self.buffer.len() - start
        };
        let end = self.buffer.len() - kept;
        if self.in_body {
            self.body_bytes += end - start;
        }
        self.buffer.drain(..end);
        true
    }
}
