//! Events: what happened, with the object as it was at that moment, and a delivery for the configured endpoint.

use serde_json::Value;

use super::{
    objects,
    script::Fate,
    state::{State, public},
};

impl State {
    /// Notes that something happened to the object with this id.
    pub(super) fn emit(&mut self, kind: &str, id: &str) {
        self.emit_change(kind, id, None);
    }

    /// The same, with the values that some fields had before.
    pub(super) fn emit_change(&mut self, kind: &str, id: &str, previous: Option<Value>) {
        let Some(object) = self.get(id).map(public) else { return };
        let event_id = self.new_id("evt", 24);
        let cause = (self.cause.request.as_deref(), self.cause.key.as_deref());
        let mut event = objects::event(&event_id, kind, object, previous, cause, self.now());
        let mut hearers: Vec<Option<String>> = self.endpoints_for(kind).into_iter().map(Some).collect();
        if self.webhook.is_some() {
            hearers.insert(0, None);
        }
        if self.cause.quiet {
            hearers.clear();
        }
        event["pending_webhooks"] = Value::from(hearers.len());
        self.put(event);
        if hearers.is_empty() {
            return;
        }
        let fate = self.script.fate_of(kind);
        for hearer in hearers {
            self.schedule(&event_id, hearer.as_deref(), fate);
        }
    }

    fn schedule(&mut self, event: &str, endpoint: Option<&str>, fate: Fate) {
        let copies = match fate {
            Fate::Dropped => 0,
            Fate::Repeated(copies) => copies,
            _ => 1,
        };
        for _ in 0..copies {
            self.add_delivery(event, endpoint, &fate);
        }
    }
}
