//! An SMTP server (RFC 5321) that keeps what it gets, and misbehaves when a test asks for it.
//!
//! The rule: it reads the stream as strictly as a careful server, unless it was told to be lenient, and it answers "250"
//! at the final dot only after the message is in the journal.

mod auth;
mod body;
mod command;
mod script;
mod session;
mod wire;

use std::sync::Arc;

use tokio::{net::TcpListener, sync::watch};

pub use body::LineEnds;
pub use script::{Hold, Rule, SmtpScript, Stage};

use super::mailbox::Mailbox;
use crate::door::{self, Headcount, Limits};
use session::Session;

/// What the server offers and demands.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// User name and password that a client must give before it may send; `None` asks for nothing.
    pub credentials: Option<(String, String)>,
    /// The largest message taken, in bytes.
    pub size_limit: usize,
    /// The most recipients of one message.
    pub recipient_limit: usize,
    /// Whether EHLO offers PIPELINING (RFC 2920); commands that come in one piece are read either way.
    pub pipelining: bool,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self { credentials: None, size_limit: 20 * 1024 * 1024, recipient_limit: 100, pipelining: true }
    }
}

/// What every connection shares.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) options: SmtpOptions,
    pub(super) script: SmtpScript,
    pub(super) mailbox: Mailbox,
}

/// Takes connections until told to stop, then ends those that are open.
pub(super) async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let mut connection = 0;
    let taking = door::accept(
        listener,
        limits,
        Headcount::default(),
        |_| None,
        std::future::pending(),
        |guest, _| {
            connection += 1;
            let session = Session::new(guest, Arc::clone(&server), connection);
            async move {
                session.run().await.ok();
            }
        },
    );
    tokio::select! {
        () = taking => {}
        _ = stop.changed() => {}
    }
}
