//! A sink fast enough not to be the limit: it reads SMTP, keeps nothing, and counts the messages it took.
//!
//! It knows just enough of the protocol for a client that behaves, and searches for the final dot by whole blocks.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const END: &[u8] = b"\r\n.\r\n";

/// Serves until the process ends. Prints its address first, then the count whenever a line comes in on standard input.
pub async fn serve(delay: Duration) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let taken = Arc::new(AtomicU64::new(0));
    let count = taken.clone();
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            match line {
                Ok(_) => println!("{}", count.load(Ordering::SeqCst)),
                Err(_) => break,
            }
        }
        // The bench has gone; so does its sink.
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let taken = taken.clone();
        tokio::spawn(async move {
            // A client that hangs up in the middle is not this program's business.
            let _ = converse(stream, &taken, delay).await;
        });
    }
}

async fn converse(mut stream: TcpStream, taken: &AtomicU64, delay: Duration) -> io::Result<()> {
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut buffer = Vec::with_capacity(128 * 1024);
    let mut replies = Vec::new();
    let mut in_body = false;
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let mut start = 0;
        loop {
            let rest = &buffer[start..];
            if in_body {
                let Some(at) = find(rest, END) else { break };
                start += at + END.len();
                in_body = false;
                taken.fetch_add(1, Ordering::SeqCst);
                replies.extend_from_slice(b"250 2.0.0 taken\r\n");
                continue;
            }
            let Some(at) = find(rest, b"\r\n") else { break };
            let command = rest[..at].get(..4).unwrap_or_default().to_ascii_uppercase();
            start += at + 2;
            match command.as_slice() {
                b"EHLO" => replies.extend_from_slice(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"),
                b"DATA" => {
                    in_body = true;
                    // The body may begin with its own end: keep the CRLF of the command for the search.
                    start -= 2;
                    replies.extend_from_slice(b"354 go on\r\n");
                }
                b"QUIT" => {
                    replies.extend_from_slice(b"221 bye\r\n");
                    return stream.write_all(&replies).await;
                }
                _ => replies.extend_from_slice(b"250 2.0.0 ok\r\n"),
            }
        }
        // All but what may be the beginning of an end has been looked at.
        let keep = if in_body { (buffer.len() - start).min(END.len() - 1) } else { buffer.len() - start };
        let from = buffer.len() - keep;
        buffer.drain(..from);
        if !replies.is_empty() {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(&replies).await?;
            replies.clear();
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    // CR is rare in a body, so looking for it first skips most of the text.
    while let Some(at) = haystack[from..].iter().position(|&byte| byte == b'\r') {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}
