//! Everything the payment provider knows: objects by id, stored replies, deliveries to make.
//!
//! The rule: one operation is one line of the journal, written before its answer is given; so an operation is there
//! wholly or not at all, and a killed process forgets nothing that it answered.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    time::Duration,
};

use aws_lc_rs::hmac;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Charged, Webhook,
    delivery::Delivery,
    error::{ApiError, ApiResult},
    rules::StripeRules,
    script::Script,
};
use crate::{
    clock::Moment,
    sandbox::{PAYMENTS, journal::Journal},
};

/// The reply to a request that carried an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredReply {
    pub(super) key: String,
    pub(super) at: Moment,
    pub(super) fingerprint: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

#[derive(Debug, Serialize, Deserialize)]
enum Record {
    Put(Value),
    Reply(StoredReply),
    Charged(Charged),
    Delivery(Delivery),
}

/// One line of the journal.
#[derive(Serialize, Deserialize)]
struct Line {
    seed: String,
    counter: u64,
    records: Vec<Record>,
}

/// What an operation was caused by.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause {
    pub(super) now: Moment,
    pub(super) request: Option<String>,
    pub(super) key: Option<String>,
    /// Whether nobody is told: it happened before there was an endpoint.
    pub(super) quiet: bool,
}

/// How the objects of a kind came.
#[derive(Debug, Default)]
struct Order {
    ids: Vec<String>,
    /// When the newest so far was made.
    newest: Option<i64>,
    /// One came that was made before another that had come.
    is_mixed: bool,
}

impl Order {
    fn add(&mut self, object: &Value, id: String) {
        let created = object["created"].as_i64();
        self.is_mixed |= created < self.newest;
        self.newest = self.newest.max(created);
        self.ids.push(id);
    }
}

#[derive(Debug)]
pub(super) struct State {
    journal: Journal,
    seed: String,
    counter: u64,
    objects: HashMap<String, Value>,
    /// The ids of each kind of object, as they came.
    order: HashMap<String, Order>,
    replies: HashMap<String, StoredReply>,
    pub(super) charged: Vec<Charged>,
    pub(super) deliveries: BTreeMap<u64, Delivery>,
    pub(super) webhook: Option<Webhook>,
    pub(super) cause: Cause,
    /// Where this server is reached by a browser, without a slash at the end.
    pub(super) base_url: String,
    changed: Vec<Record>,
    /// What to do instead of behaving; forgotten with the process.
    pub(super) script: Script,
    /// What the account is like; forgotten with the process as well.
    pub(super) rules: StripeRules,
    /// Deliveries for the queue, with how long to wait first.
    pub(super) to_send: Vec<(u64, Duration)>,
}

impl State {
    /// Opens the journal and reads it back. A new one gets its seed from the time, so that its ids differ from those of a
    /// sandbox that was thrown away.
    pub(super) fn open(folder: &Path, now: Moment) -> io::Result<Self> {
        let mut lines: Vec<Line> = Vec::new();
        let journal = Journal::open(&folder.join(PAYMENTS), |line| lines.push(line))?;
        let mut state = Self {
            journal,
            seed: lines.first().map_or_else(|| now.0.to_string(), |line| line.seed.clone()),
            counter: lines.last().map_or(0, |line| line.counter),
            objects: HashMap::new(),
            order: HashMap::new(),
            replies: HashMap::new(),
            charged: Vec::new(),
            deliveries: BTreeMap::new(),
            webhook: None,
            cause: Cause::default(),
            base_url: String::new(),
            changed: Vec::new(),
            script: Script::default(),
            rules: StripeRules::default(),
            to_send: Vec::new(),
        };
        for record in lines.into_iter().flat_map(|line| line.records) {
            state.apply(&record);
        }
        Ok(state)
    }

    /// Writes what the operation changed. After an error nothing may be acknowledged.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.changed);
        self.journal.append(&Line { seed: self.seed.clone(), counter: self.counter, records })
    }

    /// The present moment in whole seconds, as the API tells time.
    pub(super) fn now(&self) -> i64 {
        self.cause.now.unix_seconds()
    }

    /// A new id: long and not to be guessed from the one before, yet the same in every run with the same seed.
    pub(super) fn new_id(&mut self, prefix: &str, length: usize) -> String {
        self.counter += 1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.seed.as_bytes());
        let tag = hmac::sign(&key, &self.counter.to_be_bytes());
        let text = BASE32_NOPAD.encode(tag.as_ref()).to_lowercase() + &HEXLOWER.encode(tag.as_ref());
        format!("{prefix}_{}", &text[..length.min(text.len())])
    }

    /// A number that was not given before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Keeps an object in its new form.
    pub(super) fn put(&mut self, object: Value) {
        self.record(Record::Put(object));
    }

    /// The object with this id as the sandbox keeps it, private facts included.
    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    /// The object of this kind with this id.
    pub(super) fn find(&self, kind: &str, id: &str, param: &str) -> ApiResult<&Value> {
        let found = self.get(id).filter(|object| object["object"] == kind);
        found.ok_or_else(|| ApiError::unknown_object(kind, id, param))
    }

    /// Changes an object that is known to exist; one that is not is left alone.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        if let Some(mut object) = self.objects.get(id).cloned() {
            change(&mut object);
            self.put(object);
        }
    }

    /// All objects of a kind, the newest first.
    pub(super) fn newest<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        self.newest_behind(kind, None)
    }

    /// Those behind the one with this id; without an id, all.
    pub(super) fn newest_behind<'a>(
        &'a self,
        kind: &'a str,
        id: Option<&str>,
    ) -> impl Iterator<Item = &'a Value> + use<'a> {
        let ids = self.order.get(kind).map(|order| order.ids.as_slice()).unwrap_or_default();
        let end = id.and_then(|id| ids.iter().rposition(|one| one == id)).unwrap_or(ids.len());
        ids[..end]
            .iter()
            .rev()
            .filter_map(|id| self.objects.get(id))
            .filter(move |object| object["object"] == kind)
    }

    /// Whether what came later was made later.
    pub(super) fn is_in_order(&self, kind: &str) -> bool {
        self.order.get(kind).is_none_or(|order| !order.is_mixed)
    }

    pub(super) fn reply_to(&self, key: &str) -> Option<&StoredReply> {
        self.replies.get(key)
    }

    pub(super) fn remember_reply(&mut self, reply: StoredReply) {
        self.record(Record::Reply(reply));
    }

    pub(super) fn charge(&mut self, charged: Charged) {
        self.record(Record::Charged(charged));
    }

    pub(super) fn set_delivery(&mut self, delivery: Delivery) {
        self.record(Record::Delivery(delivery));
    }

    fn record(&mut self, record: Record) {
        self.apply(&record);
        self.changed.push(record);
    }

    fn apply(&mut self, record: &Record) {
        match record {
            Record::Put(object) => {
                let id = object["id"].as_str().unwrap_or_default().to_owned();
                if self.objects.insert(id.clone(), object.clone()).is_none() {
                    self.order.entry(text(object, "object").to_owned()).or_default().add(object, id);
                }
            }
            Record::Reply(reply) => {
                self.replies.insert(reply.key.clone(), reply.clone());
            }
            Record::Charged(charged) => self.charged.push(charged.clone()),
            Record::Delivery(delivery) => {
                self.deliveries.insert(delivery.number, delivery.clone());
            }
        }
    }
}

/// The object as the API shows it, without the sandbox's private facts.
pub(super) fn public(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("_sandbox");
    }
    object
}

/// A list as the API shows it.
pub(super) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// The text of a field; empty if it is missing or no text.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
