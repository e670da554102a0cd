//! The connection itself: commands, replies, and where exactly it broke.

use std::{future::Future, io, time::Duration};

use data_encoding::BASE64;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::{
    Relay, Timeouts,
    reply::{Assembler, Reply},
};
use crate::{
    authorities,
    clock::Moment,
    smtp_url::{Auth, Tls},
};

/// Where in the conversation something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, the greeting, EHLO and TLS.
    Connect,
    Auth,
    /// MAIL FROM.
    Mail,
    Rcpt,
    /// DATA, and the body before its final dot.
    Data,
    /// From the final dot on: here a break leaves the outcome unknown.
    Dot,
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
    /// The server said 421: not now, and the connection is of no more use.
    Closing {
        /// At which command.
        stage: Stage,
        /// Its words.
        reply: Reply,
    },
    /// The address needs SMTPUTF8 (RFC 6531), which the server does not offer.
    Smtputf8Unsupported,
    /// The message is larger than the server takes (RFC 1870).
    TooLarge {
        /// The server's limit, in bytes.
        limit: u64,
    },
    /// The address holds characters that no command may hold.
    Unspeakable,
}

impl Failure {
    /// Whether nothing more can be sent over the connection on which this happened.
    #[must_use]
    pub const fn ends_connection(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Closing { .. })
    }

    /// Whether the server will not have user and password, and would not the next time: every 5xx to AUTH, such as 535, 534, 530
    /// and 538 (RFC 4954 section 6); not 454, which is for a while.
    #[must_use]
    pub const fn refuses_sign_in(&self) -> bool {
        matches!(self, Self::Refused { stage: Stage::Auth, reply } if reply.is_permanent())
    }

    /// Whether a sign-in was begun and its answer never came.
    #[must_use]
    pub const fn breaks_sign_in_off(&self) -> bool {
        matches!(self, Self::Broken { stage: Stage::Auth, .. })
    }
}

/// What bytes go over, both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// An open, greeted and authenticated connection.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    timeouts: Timeouts,
    extensions: Extensions,
    messages_left: u32,
    certificate_until: Option<Moment>,
    /// The last transaction was left open by a refusal; RSET goes before the next one.
    unclean: bool,
    /// How many replies to the last envelope have not been read.
    envelope: Option<Awaited>,
    /// What is written next, kept for its memory.
    out: Vec<u8>,
}

/// What the server said that it can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions {
    /// Commands may be sent without waiting for each reply (RFC 2920).
    pipelining: bool,
    /// Addresses beyond ASCII (RFC 6531).
    smtputf8: bool,
    /// The largest message it takes, in bytes; 0 if it did not say (RFC 1870).
    size: u64,
}

impl Extensions {
    fn of(lines: &[String]) -> Self {
        let mut known = Self::default();
        for line in lines {
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            match word.to_ascii_uppercase().as_str() {
                "PIPELINING" => known.pipelining = true,
                "SMTPUTF8" => known.smtputf8 = true,
                "SIZE" => known.size = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        known
    }

    /// Whether an envelope can be sent to this server at all; asked before anything of it is written.
    ///
    /// # Errors
    /// [`Failure`] that ends this message, and says nothing about the connection.
    pub fn check(&self, envelope: &Envelope<'_>) -> Result<(), Failure> {
        let Envelope { from, to, size } = *envelope;
        // Whatever got past every parser before: no command can be smuggled into a command (CWE-93).
        if [from, to].iter().any(|address| address.contains(['\r', '\n', '\0', '<', '>', ' '])) {
            return Err(Failure::Unspeakable);
        }
        let plain = from.is_ascii() && to.is_ascii();
        if !plain && !self.smtputf8 {
            return Err(Failure::Smtputf8Unsupported);
        }
        if self.size > 0 && size as u64 > self.size {
            return Err(Failure::TooLarge { limit: self.size });
        }
        Ok(())
    }
}

/// An envelope whose commands were written, some of whose replies are still to come.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    /// RSET went before it.
    reset: bool,
}

/// Who a message is from and for, as MAIL and RCPT say it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The return path.
    pub from: &'a str,
    /// The one recipient.
    pub to: &'a str,
    /// The bytes of the message.
    pub size: usize,
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
            let stream = within(limit, relay.trust.agree(tcp, &url.host)).await;
            let stream = stream.map_err(|why| broken(Stage::Connect, format!("TLS failed: {why}")))?;
            let until = authorities::shown_until(&stream);
            let mut connection = Self::new(Box::new(stream), relay);
            connection.certificate_until = until;
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
        let stream = plain.start_tls(relay).await?;
        let until = authorities::shown_until(&stream);
        let mut connection = Self::new(Box::new(stream), relay);
        connection.certificate_until = until;
        connection.introduce(relay, true).await
    }

    fn new(stream: Box<dyn Stream>, relay: &Relay) -> Self {
        Self {
            stream: BufReader::new(relay.wire.lay(stream)),
            timeouts: relay.timeouts,
            extensions: Extensions::default(),
            messages_left: relay.messages_per_connection,
            certificate_until: None,
            unclean: false,
            envelope: None,
            out: Vec::new(),
        }
    }

    async fn greeting(&mut self) -> Result<(), Failure> {
        let reply = read_reply(&mut self.stream, self.timeouts.command, Stage::Connect).await?;
        if reply.is_positive() { Ok(()) } else { Err(Failure::Refused { stage: Stage::Connect, reply }) }
    }

    async fn introduce(mut self, relay: &Relay, encrypted: bool) -> Result<Self, Failure> {
        let extensions = ehlo(&mut self.stream, self.timeouts.command, &relay.hello).await?;
        self.extensions = Extensions::of(&extensions);
        if let Some(credentials) = &relay.url.credentials {
            if !encrypted && relay.url.tls != Tls::None {
                return Err(broken(
                    Stage::Auth,
                    "the password was not sent over a plain connection".to_owned(),
                ));
            }
            self.authenticate(&extensions, credentials, relay.url.auth).await?;
        }
        Ok(self)
    }

    /// AUTH PLAIN (RFC 4616) where offered, AUTH LOGIN otherwise; XOAUTH2 if the settings say so.
    async fn authenticate(
        &mut self,
        extensions: &[String],
        (user, password): &(String, String),
        auth: Auth,
    ) -> Result<(), Failure> {
        let offered = extensions
            .iter()
            .filter_map(|line| line.to_ascii_uppercase().strip_prefix("AUTH ").map(str::to_owned));
        let mechanisms: Vec<String> =
            offered.flat_map(|list| list.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
        let offers = |mechanism: &str| mechanisms.iter().any(|one| one == mechanism);
        let reply = if auth == Auth::XOAuth2 {
            // RFC 7628's older brother, as mail providers speak it. A refusal is told in a challenge (334), which an empty
            // line ends.
            let initial = BASE64.encode(format!("user={user}\x01auth=Bearer {password}\x01\x01").as_bytes());
            let mut reply = self.command(Stage::Auth, &format!("AUTH XOAUTH2 {initial}")).await?;
            if reply.code == 334 {
                reply = self.command(Stage::Auth, "").await?;
            }
            reply
        } else if offers("PLAIN") {
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

    /// Until when the server's certificate is good; none where it showed none.
    #[must_use]
    pub const fn certificate_until(&self) -> Option<Moment> {
        self.certificate_until
    }

    /// Whether another message may go over this connection before it is opened anew.
    #[must_use]
    pub const fn has_messages_left(&self) -> bool {
        self.messages_left > 0
    }

    /// What the server offers.
    #[must_use]
    pub const fn extensions(&self) -> Extensions {
        self.extensions
    }

    /// MAIL, RCPT and DATA, in one write where the server allows it: after `Ok` it waits for the body.
    ///
    /// # Errors
    /// [`Failure`]; after `Refused` the connection can be used again.
    pub async fn begin(&mut self, envelope: &Envelope<'_>) -> Result<(), Failure> {
        self.extensions.check(envelope)?;
        if !self.extensions.pipelining {
            return self.begin_step_by_step(envelope).await;
        }
        self.out.clear();
        self.push_envelope(envelope);
        let (_, result) = self.write_out(self.timeouts.command).await;
        result.map_err(|why| broken(Stage::Mail, why.to_string()))?;
        self.begun().await
    }

    /// Appends RSET where needed, MAIL, RCPT and DATA to what is written next.
    fn push_envelope(&mut self, envelope: &Envelope<'_>) {
        let reset = std::mem::take(&mut self.unclean);
        self.envelope = Some(Awaited { reset });
        if reset {
            self.out.extend_from_slice(b"RSET\r\n");
        }
        let utf8 = !(envelope.from.is_ascii() && envelope.to.is_ascii());
        for part in ["MAIL FROM:<", envelope.from, if utf8 { "> SMTPUTF8" } else { ">" }] {
            self.out.extend_from_slice(part.as_bytes());
        }
        if self.extensions.size > 0 {
            self.out.extend_from_slice(format!(" SIZE={}", envelope.size).as_bytes());
        }
        for part in ["\r\nRCPT TO:<", envelope.to, ">\r\nDATA\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Reads what the server says to the envelope that was written last; after `Ok` it waits for the body.
    ///
    /// # Errors
    /// As [`Connection::begin`].
    pub async fn begun(&mut self) -> Result<(), Failure> {
        let Some(awaited) = self.envelope.take() else {
            return Err(broken(Stage::Mail, "no envelope was sent".to_owned()));
        };
        let timeouts = self.timeouts;
        if awaited.reset {
            let reply = read_reply(&mut self.stream, timeouts.command, Stage::Mail).await?;
            if !reply.is_positive() {
                return Err(broken(Stage::Mail, format!("RSET: {reply}")));
            }
        }
        // All three replies come, whatever the first says (RFC 2920 section 3.1).
        let mail = read_reply(&mut self.stream, timeouts.command, Stage::Mail).await?;
        hang_up_on_421(Stage::Mail, &mail)?;
        let rcpt = read_reply(&mut self.stream, timeouts.command, Stage::Rcpt).await?;
        hang_up_on_421(Stage::Rcpt, if mail.is_positive() { &rcpt } else { &mail })?;
        let data = read_reply(&mut self.stream, timeouts.data, Stage::Data).await?;
        let refused =
            [(Stage::Mail, mail), (Stage::Rcpt, rcpt)].into_iter().find(|(_, reply)| !reply.is_positive());
        let Some((stage, reply)) = refused else {
            hang_up_on_421(Stage::Data, &data)?;
            self.unclean = data.code != 354;
            return if data.code == 354 {
                Ok(())
            } else {
                Err(Failure::Refused { stage: Stage::Data, reply: data })
            };
        };
        if data.code == 354 {
            // It waits for a message to nobody, and gets an empty one (RFC 2920 section 3.1), which it has to refuse.
            self.out.clear();
            self.out.extend_from_slice(b".\r\n");
            self.write_out(timeouts.block).await.1.map_err(|why| broken(stage, why.to_string()))?;
            read_reply(&mut self.stream, timeouts.dot, stage).await?;
        }
        self.unclean = true;
        Err(Failure::Refused { stage, reply })
    }

    /// For servers without PIPELINING: one command, one reply.
    async fn begin_step_by_step(&mut self, envelope: &Envelope<'_>) -> Result<(), Failure> {
        self.out.clear();
        self.push_envelope(envelope);
        let commands = String::from_utf8_lossy(&self.out).into_owned();
        self.envelope = None;
        for command in commands.lines() {
            let (stage, wanted) = match command.get(..4) {
                Some("RCPT") => (Stage::Rcpt, 2),
                Some("DATA") => (Stage::Data, 3),
                _ => (Stage::Mail, 2),
            };
            let reply = self.command(stage, command).await?;
            hang_up_on_421(stage, &reply)?;
            if reply.code / 100 != wanted {
                self.unclean = true;
                return Err(Failure::Refused { stage, reply });
            }
        }
        Ok(())
    }

    /// Memory for the next message: that of the last one.
    pub fn spare(&mut self) -> Vec<u8> {
        let mut spare = std::mem::take(&mut self.out);
        spare.clear();
        spare
    }

    /// Whether the next envelope may be given to [`Connection::finish`].
    #[must_use]
    pub const fn takes_next(&self) -> bool {
        self.extensions.pipelining && self.messages_left > 1
    }

    /// Writes the message, whose lines begin with no dot and which ends with CRLF, and the final dot; returns the reply to
    /// the dot. The message's memory is kept for what is written next.
    ///
    /// With `next`, which was [checked](Extensions::check), its envelope goes out in the same write: call
    /// [`Connection::begun`] afterwards, unless this one broke; then nothing is known of `next` but that it has no body.
    ///
    /// # Errors
    /// [`Failure::Broken`] at `Data`: not delivered. At `Dot`: not known. [`Failure::Refused`]: not delivered.
    pub async fn finish(&mut self, message: Vec<u8>, next: Option<&Envelope<'_>>) -> Result<Reply, Failure> {
        self.messages_left = self.messages_left.saturating_sub(1);
        self.out = message;
        self.out.extend_from_slice(b".\r\n");
        let whole = self.out.len();
        if let Some(next) = next {
            self.push_envelope(next);
        }
        let (written, result) = self.write_out(self.timeouts.block).await;
        if let Err(why) = result {
            self.envelope = None;
            // Once the final dot may be on its way, the server may have the whole message, whatever we hear.
            let stage = if written < whole { Stage::Data } else { Stage::Dot };
            return Err(broken(stage, why.to_string()));
        }
        let reply = read_reply(&mut self.stream, self.timeouts.dot, Stage::Dot).await;
        let judged = reply.and_then(|reply| match reply.code / 100 {
            2 => Ok(reply),
            _ if reply.code == 421 => Err(Failure::Closing { stage: Stage::Dot, reply }),
            4 | 5 => Err(Failure::Refused { stage: Stage::Dot, reply }),
            _ => Err(broken(Stage::Dot, format!("the server answered the final dot with {reply}"))),
        });
        if matches!(judged, Err(Failure::Broken { .. } | Failure::Closing { .. })) {
            self.envelope = None;
        }
        judged
    }

    /// Writes what was collected; how much of it was handed to the network, and whether all of it was.
    async fn write_out(&mut self, limit: Duration) -> (usize, io::Result<()>) {
        let stream = self.stream.get_mut();
        let mut written = 0;
        while written < self.out.len() {
            match within(limit, stream.write(&self.out[written..])).await {
                Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(why) => return (written, Err(why)),
            }
        }
        (written, within(limit, stream.flush()).await)
    }

    /// Ends the conversation politely, without waiting long for the answer.
    pub async fn quit(mut self) {
        let goodbye = self.stream.get_mut().write_all(b"QUIT\r\n");
        if within(Duration::from_secs(1), goodbye).await.is_ok() {
            // Either way the connection is closed next.
            let _ = read_reply(&mut self.stream, Duration::from_secs(1), Stage::Connect).await;
        }
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

    async fn start_tls(mut self, relay: &Relay) -> Result<TlsStream<TcpStream>, Failure> {
        let reply = exchange(&mut self.stream, self.timeouts.command, Stage::Connect, "STARTTLS").await?;
        if reply.code != 220 {
            return Err(Failure::Refused { stage: Stage::Connect, reply });
        }
        if !self.stream.buffer().is_empty() {
            // Words sent before TLS that would be taken for words sent under it (CVE-2011-0411 and its kin).
            return Err(broken(Stage::Connect, "the server spoke before TLS was agreed".to_owned()));
        }
        let agreed = relay.trust.agree(self.stream.into_inner(), &relay.url.host);
        let agreed = within(self.timeouts.connect, agreed).await;
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

/// A server that says 421 closes the connection, at whatever command (RFC 5321 section 4.2.1).
fn hang_up_on_421(stage: Stage, reply: &Reply) -> Result<(), Failure> {
    if reply.code == 421 { Err(Failure::Closing { stage, reply: reply.clone() }) } else { Ok(()) }
}

const fn broken(stage: Stage, why: String) -> Failure {
    Failure::Broken { stage, why }
}
