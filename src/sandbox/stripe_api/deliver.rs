//! Bringing events to the endpoint: signed, retried with growing gaps, kept over a restart.

use std::{io, time::Duration};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, watch},
};

use super::{
    StripeServer, Webhook,
    delivery::{Delivery, DeliveryState},
    script::{Fate, Forgery},
    state::{State, public, text},
};
use crate::clock::Moment;

/// After so many refusals the provider gives up; the event can still be fetched by the API.
const ATTEMPTS: u32 = 12;
const FIRST_GAP: Duration = Duration::from_millis(250);
const LONGEST_GAP: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(10);
const TEN_MINUTES: i64 = 600;

impl State {
    pub(super) fn add_delivery(&mut self, event: &str, endpoint: Option<&str>, fate: &Fate) {
        let state = if *fate == Fate::Held { DeliveryState::Held } else { DeliveryState::Waiting };
        let number = self.next_number();
        self.set_delivery(Delivery {
            number,
            event: event.to_owned(),
            endpoint: endpoint.map(str::to_owned),
            state,
            attempts: 0,
            last_status: 0,
        });
        if state == DeliveryState::Waiting {
            let wait = if let Fate::Late(wait) = fate { *wait } else { Duration::ZERO };
            self.to_send.push((number, wait));
        }
    }

    /// An event as it is said to an endpoint.
    fn spoken(&self, event: &str, endpoint: Option<&str>) -> Option<Value> {
        let event = self.get(event).map(public)?;
        Some(self.script.shape.spoken(event, &self.version_of(endpoint)))
    }

    /// Which endpoint of the API stands in where none was set.
    fn first_hearer(&self, event: &str) -> Option<String> {
        if self.webhook.is_some() {
            return None;
        }
        let kind = self.get(event).map(|event| text(event, "type").to_owned()).unwrap_or_default();
        self.endpoints_for(&kind).into_iter().next()
    }

    /// The deliveries that a restart must take up again.
    pub(super) fn requeue(&mut self) {
        let waiting = self.deliveries.values().filter(|delivery| delivery.state == DeliveryState::Waiting);
        self.to_send = waiting.map(|delivery| (delivery.number, Duration::ZERO)).collect();
    }

    fn finish_attempt(&mut self, number: u64, status: u16) -> Option<Duration> {
        let mut delivery = self.deliveries.get(&number)?.clone();
        delivery.attempts += 1;
        delivery.last_status = status;
        let gap = FIRST_GAP.saturating_mul(1 << delivery.attempts.min(16).saturating_sub(1)).min(LONGEST_GAP);
        delivery.state = match status {
            200..=299 => DeliveryState::Delivered,
            _ if delivery.attempts >= ATTEMPTS => DeliveryState::GivenUp,
            _ => DeliveryState::Waiting,
        };
        let (state, event) = (delivery.state, delivery.event.clone());
        self.set_delivery(delivery);
        if state == DeliveryState::Delivered {
            self.change(&event, |event| {
                let left = event["pending_webhooks"].as_i64().unwrap_or_default() - 1;
                event["pending_webhooks"] = Value::from(left.max(0));
            });
        }
        (state == DeliveryState::Waiting).then_some(gap)
    }
}

/// Makes the deliveries that are put into the queue: first attempts in the order of the events, later ones when their gap
/// has passed.
pub(super) async fn run(
    server: StripeServer,
    mut queue: mpsc::UnboundedReceiver<(u64, Duration)>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let (number, wait) = tokio::select! {
            next = queue.recv() => match next {
                Some(next) => next,
                None => return,
            },
            _ = stop.changed() => return,
        };
        if !wait.is_zero() {
            let server = server.clone();
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                server.send_later(number);
            });
            continue;
        }
        tokio::select! {
            () = attempt(&server, number) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn attempt(server: &StripeServer, number: u64) {
    let Some((webhook, event)) = server.waiting(number) else { return };
    let status = send(server, &webhook, &event, None).await;
    server.note_attempt(number, |state| state.finish_attempt(number, status));
}

/// Posts an event, as it should be or forged, and tells the answer's status; 0 if there was none.
pub(super) async fn send(
    server: &StripeServer,
    webhook: &Webhook,
    event: &Value,
    forgery: Option<Forgery>,
) -> u16 {
    let mut event = public(event);
    if forgery == Some(Forgery::LiveMode) {
        event["livemode"] = Value::Bool(true);
    }
    let mut body = event.to_string();
    match forgery {
        Some(Forgery::Huge) => body.push_str(&" ".repeat(2 * 1024 * 1024)),
        Some(Forgery::NotJson) => body = "{ this is no JSON".to_owned(),
        _ => {}
    }
    let now = server.now().unix_seconds();
    let at = match forgery {
        Some(Forgery::OldTimestamp) => now - TEN_MINUTES,
        Some(Forgery::FutureTimestamp) => now + TEN_MINUTES,
        _ => now,
    };
    let signature = match forgery {
        Some(Forgery::NoSignature) => None,
        Some(Forgery::WrongSecret) => Some(signature("whsec_another", at, &body)),
        Some(Forgery::EmptySecret) => Some(signature("", at, &body)),
        _ => Some(signature(&webhook.secret, at, &body)),
    };
    if forgery == Some(Forgery::AlteredBody) {
        body = body.replacen("\"livemode\":false", "\"livemode\": false", 1);
    }
    let sent = tokio::time::timeout(PATIENCE, post(&webhook.url, &body, signature.as_deref())).await;
    match sent {
        Ok(Ok(status)) => status,
        Ok(Err(_)) | Err(_) => 0,
    }
}

/// The `Stripe-Signature` header: a time, and the HMAC-SHA256 of the time, a dot and the raw body.
#[must_use]
pub fn signature(secret: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", HEXLOWER.encode(tag.as_ref()))
}

/// One POST over plain HTTP, on a connection of its own: the endpoint is on this machine.
async fn post(url: &str, body: &str, signature: Option<&str>) -> io::Result<u16> {
    let rest = url.strip_prefix("http://").ok_or(io::ErrorKind::Unsupported)?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(address).await?;
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    if let Some(signature) = signature {
        head.push_str(&format!("Stripe-Signature: {signature}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    // An endpoint may answer, and close, before it has read a body that is too large.
    stream.write_all(body.as_bytes()).await.ok();
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < 1_024 && stream.read_buf(&mut answer).await? > 0 {}
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

impl StripeServer {
    fn now(&self) -> Moment {
        self.0.clock.now()
    }

    fn send_later(&self, number: u64) {
        self.0.queue.send((number, Duration::ZERO)).ok();
    }

    /// The endpoint and the event of a delivery that still waits.
    fn waiting(&self, number: u64) -> Option<(Webhook, Value)> {
        let state = self.lock();
        let delivery =
            state.deliveries.get(&number).filter(|delivery| delivery.state == DeliveryState::Waiting)?;
        let endpoint = delivery.endpoint.as_deref();
        Some((state.webhook_of(endpoint)?, state.spoken(&delivery.event, endpoint)?))
    }

    fn note_attempt(&self, number: u64, finish: impl FnOnce(&mut State) -> Option<Duration>) {
        // A failure to write the journal is seen at the next operation; a delivery may then come once more.
        if let Ok(Some(gap)) = self.act(None, None, |state| Ok(finish(state))) {
            self.0.queue.send((number, gap)).ok();
        }
    }

    /// The deliveries made and to be made, in the order of the events.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().deliveries.values().cloned().collect()
    }

    /// Waits until no delivery waits, at most for `patience`; tells whether none does. What is held does not count.
    pub async fn wait_until_delivered(&self, patience: Duration) -> bool {
        let waits = || self.deliveries().iter().any(|delivery| delivery.state == DeliveryState::Waiting);
        let mut changes = self.0.changes.subscribe();
        let done = async {
            while waits() {
                if changes.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(patience, done).await.ok();
        !waits()
    }

    /// Keeps every event back from now on, until a test delivers it.
    pub fn hold_events(&self) {
        self.lock().script.holding = true;
    }

    /// Ends the holding, and delivers what was held in the order it happened. Gives the endpoint's answers.
    pub async fn release_events(&self) -> Vec<u16> {
        self.lock().script.holding = false;
        let held = self.held_events();
        self.deliver_in_order(&held).await
    }

    /// The ids of the events that are held, in the order they happened.
    #[must_use]
    pub fn held_events(&self) -> Vec<String> {
        let state = self.lock();
        let held = state.deliveries.values().filter(|delivery| delivery.state == DeliveryState::Held);
        held.map(|delivery| delivery.event.clone()).collect()
    }

    /// Delivers these events now, one after the other, held or not, delivered before or not. Gives the endpoint's answers.
    pub async fn deliver_in_order(&self, events: &[String]) -> Vec<u16> {
        let mut answers = Vec::new();
        for event in events {
            answers.push(self.deliver(event).await);
        }
        answers
    }

    /// Delivers one event now and gives the endpoint's answer; 0 if there is none. Doing it again is a replay.
    pub async fn deliver(&self, event: &str) -> u16 {
        let found = {
            let state = self.lock();
            let endpoint = state.first_hearer(event);
            state.webhook_of(endpoint.as_deref()).zip(state.spoken(event, endpoint.as_deref()))
        };
        let Some((webhook, object)) = found else { return 0 };
        let status = send(self, &webhook, &object, None).await;
        let held = self
            .lock()
            .deliveries
            .values()
            .find(|d| d.event == event && d.state == DeliveryState::Held)
            .map(|d| d.number);
        if let Some(number) = held {
            self.note_attempt(number, |state| state.finish_attempt(number, status));
        }
        status
    }

    /// Delivers an event in a way that the endpoint must refuse, and gives its answer; 0 if there is none.
    pub async fn forge(&self, event: &str, forgery: Forgery) -> u16 {
        let found = {
            let state = self.lock();
            let endpoint = state.first_hearer(event);
            state.webhook_of(endpoint.as_deref()).zip(state.spoken(event, endpoint.as_deref()))
        };
        match found {
            Some((webhook, object)) => send(self, &webhook, &object, Some(forgery)).await,
            None => 0,
        }
    }
}
