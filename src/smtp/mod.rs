//! One conversation with an SMTP server (RFC 5321), kept open for many messages.
//!
//! The client is ours because the outcome of every message hangs on it: it never sends a body it was not told to, it tells
//! exactly at which stage a conversation broke, and it never goes on in plain text where TLS was asked for.
//!
//! It calls the small types; the engine (`delivery`) and the doctor drive it. Start reading at `connection.rs`.

mod connection;
mod reply;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

pub use self::{
    connection::{Connection, Envelope, Extensions, Failure, Stage, Stream},
    reply::Reply,
};
use crate::{authorities::Trust, smtp_url::SmtpUrl};

/// How long each stage may take (RFC 5321 section 4.5.3.2). The final dot is the longest: giving up there too early is how
/// messages arrive twice (RFC 1047).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect, and for TLS to be agreed.
    pub connect: Duration,
    /// Greeting, EHLO, AUTH, MAIL, RCPT.
    pub command: Duration,
    pub data: Duration,
    /// One block of the body.
    pub block: Duration,
    /// The reply to the final dot.
    pub dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::scaled(1.0)
    }
}

impl Timeouts {
    /// The RFC's own times, multiplied.
    #[must_use]
    pub fn scaled(factor: f64) -> Self {
        let seconds = |s: f64| Duration::from_secs_f64(s * factor);
        Self {
            connect: seconds(60.0),
            command: seconds(300.0),
            data: seconds(120.0),
            block: seconds(180.0),
            dot: seconds(600.0),
        }
    }
}

/// What lies between us and a server: the network alone, or something that whoever made the relay puts before it, to listen in
/// or to get in the way. Cheap to clone.
#[derive(Clone, Default)]
pub struct Wire(Option<Arc<Lay>>);

type Lay = dyn Fn(Box<dyn Stream>) -> Box<dyn Stream> + Send + Sync;

impl Wire {
    /// Something before the network: `lay` is given each connection, once it is encrypted if it is to be, and gives back what is
    /// spoken over.
    pub fn through(lay: impl Fn(Box<dyn Stream>) -> Box<dyn Stream> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(lay)))
    }

    fn lay(&self, stream: Box<dyn Stream>) -> Box<dyn Stream> {
        match &self.0 {
            Some(lay) => lay(stream),
            None => stream,
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// A relay: a server that takes our mail, and how we behave towards it.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Where it is and how to speak to it.
    pub url: SmtpUrl,
    /// Whose certificates it may show.
    pub trust: Trust,
    /// What we call ourselves in EHLO.
    pub hello: String,
    /// How long each stage may take.
    pub timeouts: Timeouts,
    /// A connection is closed after this many messages and opened anew.
    pub messages_per_connection: u32,
    /// What we speak over.
    pub wire: Wire,
}
