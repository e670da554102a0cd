//! The connection itself: commands, replies, and where exactly it broke.

use std::{future::Future, io, time::Duration};

use data_encoding::BASE64;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{
    Relay, Timeouts,
    reply::{Assembler, Reply},
    tls,
};
use crate::smtp_url::Tls;

/// Where in the conversation something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, the greeting, EHLO and TLS.
    Connect,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, and the body before its final dot.
    Data,
    /// From the final dot on: here a break leaves the outcome unknown.
    Dot,
}

impl Stage {
    /// The word in the log of attempts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Dot => "dot",
        }
    }
}

/// What went wrong, and whether the connection can be used again.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The server said no; the connection is in order.
    Refused {
        /// At which command.
        stage: Stage,
        /// Its words.
        reply: Reply,
    },
    /// The conversation broke; the connection is of no more use.
    Broken {
        /// At which command.
        stage: Stage,
        /// What happened.
        why: String,
    },
    /// The address needs SMTPUTF8 (RFC 6531), which the server does not offer.
    Smtputf8Unsupported,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open, greeted and authenticated connection.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    timeouts: Timeouts,
    smtputf8: bool,
    messages_left: u32,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("messages_left", &self.messages_left).finish_non_exhaustive()
    }
}

const LONGEST_LINE: usize = 16 * 1024;

impl Connection {
    /// Connects, agrees on TLS as the relay's URL demands, and signs in.
    ///
    /// # Errors
    /// [`Failure`] with the stage `Connect` or `Auth`. Where TLS is required it never goes on without.
    pub async fn open(relay: &Relay) -> Result<Self, Failure> {
        let url = &relay.url;
        let limit = relay.timeouts.connect;
        let tcp = within(limit, TcpStream::connect((url.host.as_str(), url.port))).await;
        let tcp = tcp.map_err(|why| broken(Stage::Connect, format!("cannot connect to {url}: {why}")))?;
        // Without this each message waits for a delayed acknowledgement of the one before: 40 ms on Linux.
        tcp.set_nodelay(true).map_err(|why| broken(Stage::Connect, why.to_string()))?;
        if url.tls == Tls::Implicit {
            let stream = within(limit, tls::agree(tcp, &url.host)).await;
            let stream = stream.map_err(|why| broken(Stage::Connect, format!("TLS failed: {why}")))?;
            let mut connection = Self::new(Box::new(stream), relay);
            connection.greeting().await?;
            return connection.introduce(relay, true).await;
        }
        let mut plain = PlainConnection { stream: BufReader::new(tcp), timeouts: relay.timeouts };
        plain.greeting().await?;
        if url.tls == Tls::None {
            let stream = plain.stream;
            return Self::new(Box::new(stream), relay).introduce(relay, false).await;
        }
        let extensions = plain.ehlo(&relay.hello).await?;
        if !extensions.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
            if url.tls == Tls::Required {
                let why = "the server offers no STARTTLS, and plain text is not allowed".to_owned();
                return Err(broken(Stage::Connect, why));
            }
            let stream = plain.stream;
            return Self::new(Box::new(stream), relay).introduce(relay, false).await;
        }
        let stream = plain.start_tls(&url.host).await?;
        Self::new(Box::new(stream), relay).introduce(relay, true).await
    }

    fn new(stream: Box<dyn Stream>, relay: &Relay) -> Self {
        Self {
            stream: BufReader::new(stream),
            timeouts: relay.timeouts,
            smtputf8: false,
            messages_left: relay.messages_per_connection,
        }
    }

    async fn greeting(&mut self) -> Result<(), Failure> {
        let reply = read_reply(&mut self.stream, self.timeouts.command, Stage::Connect).await?;
        if reply.is_positive() { Ok(()) } else { Err(Failure::Refused { stage: Stage::Connect, reply }) }
    }

    async fn introduce(mut self, relay: &Relay, encrypted: bool) -> Result<Self, Failure> {
        let extensions = ehlo(&mut self.stream, self.timeouts.command, &relay.hello).await?;
        self.smtputf8 = extensions.iter().any(|line| line.eq_ignore_ascii_case("SMTPUTF8"));
        if let Some((user, password)) = &relay.url.credentials {
            if !encrypted && relay.url.tls != Tls::None {
                return Err(broken(
                    Stage::Auth,
                    "the password was not sent over a plain connection".to_owned(),
                ));
            }
            self.authenticate(&extensions, user, password).await?;
        }
        Ok(self)
    }

    /// AUTH PLAIN (RFC 4616) where offered, AUTH LOGIN otherwise.
    async fn authenticate(
        &mut self,
        extensions: &[String],
        user: &str,
        password: &str,
    ) -> Result<(), Failure> {
        let offered = extensions
            .iter()
            .filter_map(|line| line.to_ascii_uppercase().strip_prefix("AUTH ").map(str::to_owned));
        let mechanisms: Vec<String> =
            offered.flat_map(|list| list.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
        let offers = |mechanism: &str| mechanisms.iter().any(|one| one == mechanism);
        let reply = if offers("PLAIN") {
            let initial = BASE64.encode(format!("\0{user}\0{password}").as_bytes());
            self.command(Stage::Auth, &format!("AUTH PLAIN {initial}")).await?
        } else if offers("LOGIN") {
            let mut reply = self.command(Stage::Auth, "AUTH LOGIN").await?;
            for answer in [user, password] {
                if reply.code == 334 {
                    reply = self.command(Stage::Auth, &BASE64.encode(answer.as_bytes())).await?;
                }
            }
            reply
        } else {
            return Err(broken(
                Stage::Auth,
                "the server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned(),
            ));
        };
        if reply.is_positive() { Ok(()) } else { Err(Failure::Refused { stage: Stage::Auth, reply }) }
    }

    /// Whether another message may go over this connection before it is opened anew.
    #[must_use]
    pub const fn has_messages_left(&self) -> bool {
        self.messages_left > 0
    }

    /// MAIL, RCPT and DATA: after `Ok` the server waits for the body.
    ///
    /// # Errors
    /// [`Failure`]; after `Refused` the transaction was reset and the connection can be used again.
    pub async fn begin(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        if [from, to].iter().any(|address| address.contains(['\r', '\n', '\0', '<', '>', ' '])) {
            return Err(broken(
                Stage::Mail,
                "the address holds characters that no command may hold".to_owned(),
            ));
        }
        let utf8 = !from.is_ascii() || !to.is_ascii();
        if utf8 && !self.smtputf8 {
            return Err(Failure::Smtputf8Unsupported);
        }
        let parameter = if utf8 { " SMTPUTF8" } else { "" };
        self.expect(Stage::Mail, &format!("MAIL FROM:<{from}>{parameter}"), 250).await?;
        self.expect(Stage::Rcpt, &format!("RCPT TO:<{to}>"), 250).await?;
        self.expect(Stage::Data, "DATA", 354).await
    }

    /// Writes the body, which is dot-stuffed and ends with CRLF, and the final dot; the reply to the dot.
    ///
    /// # Errors
    /// [`Failure::Broken`] at `Data`: not delivered. At `Dot`: not known. [`Failure::Refused`]: not delivered.
    pub async fn finish(&mut self, body: &[u8]) -> Result<Reply, Failure> {
        self.messages_left = self.messages_left.saturating_sub(1);
        let timeouts = self.timeouts;
        let stream = self.stream.get_mut();
        for block in body.chunks(64 * 1024) {
            let written = within(timeouts.block, stream.write_all(block)).await;
            written.map_err(|why| broken(Stage::Data, why.to_string()))?;
        }
        within(timeouts.block, stream.flush()).await.map_err(|why| broken(Stage::Data, why.to_string()))?;
        // From here on the server may have the whole message, whatever we hear.
        let written = within(timeouts.block, async {
            stream.write_all(b".\r\n").await?;
            stream.flush().await
        });
        written.await.map_err(|why| broken(Stage::Dot, why.to_string()))?;
        let reply = read_reply(&mut self.stream, timeouts.dot, Stage::Dot).await?;
        match reply.code / 100 {
            2 => Ok(reply),
            4 | 5 => Err(Failure::Refused { stage: Stage::Dot, reply }),
            _ => Err(broken(Stage::Dot, format!("the server answered the final dot with {reply}"))),
        }
    }

    /// Ends the conversation politely, without waiting long for the answer.
    pub async fn quit(mut self) {
        let goodbye = self.stream.get_mut().write_all(b"QUIT\r\n");
        if within(Duration::from_secs(1), goodbye).await.is_ok() {
            // Either way the connection is closed next.
            let _ = read_reply(&mut self.stream, Duration::from_secs(1), Stage::Connect).await;
        }
    }

    async fn expect(&mut self, stage: Stage, command: &str, code: u16) -> Result<(), Failure> {
        let reply = self.command(stage, command).await?;
        if reply.code == code || (code == 250 && reply.is_positive()) {
            return Ok(());
        }
        if reply.code == 421 {
            return Err(broken(stage, reply.to_string()));
        }
        if stage != Stage::Mail {
            let reset = self.command(stage, "RSET").await?;
            if !reset.is_positive() {
                return Err(broken(stage, format!("{reply}; then RSET: {reset}")));
            }
        }
        Err(Failure::Refused { stage, reply })
    }

    async fn command(&mut self, stage: Stage, command: &str) -> Result<Reply, Failure> {
        let limit = if stage == Stage::Data { self.timeouts.data } else { self.timeouts.command };
        exchange(&mut self.stream, limit, stage, command).await
    }
}

/// Before TLS: a type of its own, so that nothing read in plain text can be left in a buffer afterwards.
struct PlainConnection {
    stream: BufReader<TcpStream>,
    timeouts: Timeouts,
}

impl PlainConnection {
    async fn greeting(&mut self) -> Result<(), Failure> {
        let reply = read_reply(&mut self.stream, self.timeouts.command, Stage::Connect).await?;
        if reply.is_positive() { Ok(()) } else { Err(Failure::Refused { stage: Stage::Connect, reply }) }
    }

    async fn ehlo(&mut self, hello: &str) -> Result<Vec<String>, Failure> {
        ehlo(&mut self.stream, self.timeouts.command, hello).await
    }

    async fn start_tls(mut self, host: &str) -> Result<impl Stream + use<>, Failure> {
        let reply = exchange(&mut self.stream, self.timeouts.command, Stage::Connect, "STARTTLS").await?;
        if reply.code != 220 {
            return Err(Failure::Refused { stage: Stage::Connect, reply });
        }
        if !self.stream.buffer().is_empty() {
            // Words sent before TLS that would be taken for words sent under it (CVE-2011-0411 and its kin).
            return Err(broken(Stage::Connect, "the server spoke before TLS was agreed".to_owned()));
        }
        let agreed = within(self.timeouts.connect, tls::agree(self.stream.into_inner(), host)).await;
        agreed.map_err(|why| broken(Stage::Connect, format!("TLS failed: {why}")))
    }
}

async fn ehlo<S: Stream>(
    stream: &mut BufReader<S>,
    limit: Duration,
    hello: &str,
) -> Result<Vec<String>, Failure> {
    let reply = exchange(stream, limit, Stage::Connect, &format!("EHLO {hello}")).await?;
    if reply.is_positive() {
        return Ok(reply.lines);
    }
    let reply = exchange(stream, limit, Stage::Connect, &format!("HELO {hello}")).await?;
    if reply.is_positive() { Ok(Vec::new()) } else { Err(Failure::Refused { stage: Stage::Connect, reply }) }
}

async fn exchange<S: Stream>(
    stream: &mut BufReader<S>,
    limit: Duration,
    stage: Stage,
    command: &str,
) -> Result<Reply, Failure> {
    let line = format!("{command}\r\n");
    let written = within(limit, async {
        stream.get_mut().write_all(line.as_bytes()).await?;
        stream.get_mut().flush().await
    });
    written.await.map_err(|why| broken(stage, why.to_string()))?;
    read_reply(stream, limit, stage).await
}

async fn read_reply<S: Stream>(
    stream: &mut BufReader<S>,
    limit: Duration,
    stage: Stage,
) -> Result<Reply, Failure> {
    let read = within(limit, async {
        let mut assembler = Assembler::default();
        loop {
            let line = read_line(stream).await?;
            if let Some(reply) = assembler.take(&line).map_err(io::Error::other)? {
                return Ok(reply);
            }
        }
    });
    read.await.map_err(|why| broken(stage, why.to_string()))
}

async fn read_line<S: Stream>(stream: &mut BufReader<S>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let available = stream.fill_buf().await?;
        if available.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(available.len(), |at| at + 1);
        line.extend_from_slice(&available[..taken]);
        stream.consume(taken);
        if line.len() > LONGEST_LINE {
            return Err(io::Error::other("the server's line is too long"));
        }
        if end.is_some() {
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            return Ok(line);
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the server took too long");
    timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

const fn broken(stage: Stage, why: String) -> Failure {
    Failure::Broken { stage, why }
}
