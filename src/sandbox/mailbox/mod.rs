//! What the SMTP server was given, kept as it came.
//!
//! The rule: a message counts once it is in the journal, whatever the sender was told afterwards. Memory holds envelopes
//! and a few headers; the bytes stay in a file.

mod message;
pub(super) mod pages;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    MAIL, MAIL_BYTES,
    journal::{Journal, RawFile},
    smtp::Stage,
};
use crate::clock::{Clock, Moment};
use message::Headers;

/// One message, as its envelope and headers tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Received {
    /// Its number, from 1, in the order of arrival.
    pub seq: u64,
    /// The envelope's sender; empty for a bounce.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The Message-ID without its brackets; empty if there was none.
    pub message_id: String,
    /// The subject as a reader sees it.
    pub subject: String,
    /// The From header as a reader sees it.
    pub header_from: String,
    /// The To header as a reader sees it.
    pub header_to: String,
    /// The Date header as it was written.
    pub date: String,
    /// The List-Unsubscribe header; empty if there was none.
    pub list_unsubscribe: String,
    /// When the final dot came.
    pub received_at: Moment,
    /// In bytes, with the dots unstuffed.
    pub size: u64,
    /// Which connection it came by.
    pub connection: u64,
    /// The answer to the final dot; empty if none was given.
    pub reply: String,
    offset: u64,
}

/// An answer of the server that decided about one recipient of one message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// The Message-ID without its brackets; `None` before the message was seen.
    pub message_id: Option<String>,
    /// The envelope's recipient.
    pub recipient: String,
    /// `Rcpt`, `Data` or `Dot`.
    pub stage: String,
    /// The answer; empty if none was given.
    pub reply: String,
    /// Whether the message was kept.
    pub kept: bool,
    pub at: Moment,
    /// On which connection.
    pub connection: u64,
}

impl Exchange {
    /// An answer that came before the message itself. Its time is set when it is noted.
    pub(super) fn before_the_message(
        stage: Stage,
        recipient: String,
        reply: String,
        connection: u64,
    ) -> Self {
        let at = Moment::default();
        Self { message_id: None, recipient, stage: format!("{stage:?}"), reply, kept: false, at, connection }
    }
}

/// A whole message with its envelope, on its way into the mailbox.
pub(super) struct Arrival {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) connection: u64,
    pub(super) reply: String,
    pub(super) raw: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    Kept(Received),
    Noted(Exchange),
}

/// All mail that arrived. A clone is a handle on the same mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
    arrivals: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    raw: RawFile,
    messages: Vec<Received>,
    exchanges: Vec<Exchange>,
    by_address: HashMap<String, Vec<usize>>,
}

impl State {
    fn numbered(&self, seq: u64) -> Option<&Received> {
        let place = self.messages.binary_search_by_key(&seq, |message| message.seq).ok()?;
        self.messages.get(place)
    }
}

impl Mailbox {
    pub(super) fn open(folder: &Path, clock: Clock) -> io::Result<Self> {
        let (mut messages, mut exchanges, mut by_address) = (Vec::new(), Vec::new(), HashMap::new());
        let journal = Journal::open(&folder.join(MAIL), |entry| match entry {
            Entry::Kept(received) => index(&mut by_address, &received, messages.len(), &mut messages),
            Entry::Noted(exchange) => exchanges.push(exchange),
        })?;
        let raw = RawFile::open(&folder.join(MAIL_BYTES))?;
        let (arrivals, _) = watch::channel(messages.len() as u64);
        let state = Mutex::new(State { journal, raw, messages, exchanges, by_address });
        Ok(Self(Arc::new(Inner { clock, state, arrivals })))
    }

    /// All messages in the order of arrival.
    #[must_use]
    pub fn messages(&self) -> Vec<Received> {
        self.lock().messages.clone()
    }

    /// How many messages arrived, copies counted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().messages.len()
    }

    /// The message with this number.
    #[must_use]
    pub fn message(&self, seq: u64) -> Option<Received> {
        self.lock().numbered(seq).cloned()
    }

    /// The bytes of a message, its dots unstuffed.
    ///
    /// # Errors
    /// When there is no such message, or its file cannot be read.
    pub fn raw(&self, seq: u64) -> io::Result<Vec<u8>> {
        let mut state = self.lock();
        let Some((offset, size)) = state.numbered(seq).map(|message| (message.offset, message.size)) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        state.raw.read(offset, size)
    }

    /// The messages to an address, whatever its case, in the order of arrival.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Received> {
        let state = self.lock();
        let places = state.by_address.get(&address.to_lowercase());
        places.into_iter().flatten().filter_map(|place| state.messages.get(*place)).cloned().collect()
    }

    /// How often each Message-ID arrived: once for each message and recipient.
    #[must_use]
    pub fn by_message_id(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for message in &self.lock().messages {
            *counts.entry(message.message_id.clone()).or_default() += message.to.len();
        }
        counts
    }

    /// Every answer that decided about a recipient: those at the final dot, and the refusals before it.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        let state = self.lock();
        let kept = state.messages.iter().flat_map(|message| {
            message.to.iter().map(|recipient| Exchange {
                message_id: Some(message.message_id.clone()),
                recipient: recipient.clone(),
                stage: "Dot".to_owned(),
                reply: message.reply.clone(),
                kept: true,
                at: message.received_at,
                connection: message.connection,
            })
        });
        let mut all: Vec<Exchange> = kept.chain(state.exchanges.iter().cloned()).collect();
        all.sort_by_key(|exchange| exchange.at);
        all
    }

    /// Waits until so many messages have arrived, at most for `patience`; tells whether they have.
    pub async fn wait_for_count(&self, count: usize, patience: Duration) -> bool {
        self.wait_for(patience, |mailbox| mailbox.count() >= count).await
    }

    /// Waits until `what` holds, looking at each arrival, at most for `patience`; tells whether it does.
    pub async fn wait_for(&self, patience: Duration, what: impl Fn(&Self) -> bool) -> bool {
        let mut arrivals = self.0.arrivals.subscribe();
        let come = async {
            while !what(self) {
                if arrivals.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(patience, come).await.ok();
        what(self)
    }

    /// A bug on demand: forgets the last message, so that a test can prove that the comparison with this mailbox fails.
    pub fn forget_one(&self) {
        let mut state = self.lock();
        state.messages.pop();
        let left = state.messages.len();
        for places in state.by_address.values_mut() {
            places.retain(|place| *place < left);
        }
    }

    /// Puts a message into the journal, then into the mailbox.
    pub(super) fn keep(&self, arrival: Arrival) -> io::Result<()> {
        let headers = Headers::read(&arrival.raw);
        let mut state = self.lock();
        let offset = state.raw.append(&arrival.raw)?;
        let received = Received {
            seq: state.messages.last().map_or(0, |last| last.seq) + 1,
            from: arrival.from,
            to: arrival.to,
            message_id: message_id(&headers),
            subject: headers.text("subject"),
            header_from: headers.text("from"),
            header_to: headers.text("to"),
            date: headers.text("date"),
            list_unsubscribe: headers.text("list-unsubscribe"),
            received_at: self.0.clock.now(),
            size: arrival.raw.len() as u64,
            connection: arrival.connection,
            reply: arrival.reply,
            offset,
        };
        let entry = Entry::Kept(received);
        state.journal.append(&entry)?;
        if let Entry::Kept(received) = entry {
            let State { by_address, messages, .. } = &mut *state;
            index(by_address, &received, messages.len(), messages);
        }
        let count = state.messages.len() as u64;
        drop(state);
        self.0.arrivals.send_replace(count);
        Ok(())
    }

    /// Notes that a whole message was refused at its final dot.
    pub(super) fn refuse(&self, arrival: Arrival) -> io::Result<()> {
        let id = message_id(&Headers::read(&arrival.raw));
        for recipient in arrival.to {
            self.note(Exchange {
                message_id: Some(id.clone()),
                recipient,
                stage: "Dot".to_owned(),
                reply: arrival.reply.clone(),
                kept: false,
                at: Moment::default(),
                connection: arrival.connection,
            })?;
        }
        Ok(())
    }

    /// Puts an answer into the journal.
    pub(super) fn note(&self, mut exchange: Exchange) -> io::Result<()> {
        exchange.at = self.0.clock.now();
        let mut state = self.lock();
        let entry = Entry::Noted(exchange);
        state.journal.append(&entry)?;
        if let Entry::Noted(exchange) = entry {
            state.exchanges.push(exchange);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message_id(headers: &Headers) -> String {
    headers.text("message-id").trim_matches(['<', '>']).to_owned()
}

fn index(
    by_address: &mut HashMap<String, Vec<usize>>,
    received: &Received,
    place: usize,
    messages: &mut Vec<Received>,
) {
    for address in &received.to {
        by_address.entry(address.to_lowercase()).or_default().push(place);
    }
    messages.push(received.clone());
}

/// Reads a message as the mailbox's pages do.
#[cfg(test)]
pub(crate) fn read_mail(text: &str) {
    let message = message::Message::read(text.as_bytes());
    message.headers.text("subject");
}
