//! How events look on their way: thin, of another account, of a test clock, or in the words of an older version of the API.

use serde_json::{Value, json};

/// How events are spoken from now on; each part is left as it is unless it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventShape {
    /// The object in it has only its id and kind.
    pub thin: bool,
    /// The version of the API that the event says it speaks; before 2025-03-31 invoices and subscriptions look otherwise.
    pub version: Option<String>,
    /// The connected account it is about.
    pub account: Option<String>,
    /// The test clock its object lives by.
    pub test_clock: Option<String>,
    /// Fields that its object does not have.
    pub without: Vec<String>,
}

/// Subscriptions left the top of an invoice, and their periods the top of a subscription, with this version.
const MOVED: &str = "2025-03-31";

impl EventShape {
    /// The event as it goes out.
    pub(super) fn spoken(&self, mut event: Value, version: &str) -> Value {
        let version = self.version.as_deref().unwrap_or(version);
        event["api_version"] = json!(version);
        let object = &mut event["data"]["object"];
        if version < MOVED {
            speak_old(object);
        }
        if let Some(fields) = object.as_object_mut() {
            for field in &self.without {
                fields.remove(field);
            }
            if self.thin {
                fields.retain(|name, _| name == "id" || name == "object");
            }
        }
        if let Some(clock) = &self.test_clock {
            event["data"]["object"]["test_clock"] = json!(clock);
        }
        if let Some(account) = &self.account {
            event["account"] = json!(account);
        }
        event
    }
}

fn speak_old(object: &mut Value) {
    match object["object"].as_str() {
        Some("invoice") => {
            object["subscription"] = object["parent"]["subscription_details"]["subscription"].clone();
            object["subscription_details"] =
                json!({ "metadata": object["parent"]["subscription_details"]["metadata"] });
            object["paid"] = json!(object["status"] == "paid");
            if let Some(fields) = object.as_object_mut() {
                fields.remove("parent");
            }
        }
        Some("subscription") => {
            for field in ["current_period_start", "current_period_end"] {
                object[field] = object["items"]["data"][0][field].clone();
                for item in object["items"]["data"].as_array_mut().into_iter().flatten() {
                    item.as_object_mut().map(|item| item.remove(field));
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_spoken_as_it_was_asked_for() {
        let invoice = json!({ "id": "in_1", "object": "invoice", "status": "paid", "currency": "eur",
            "parent": { "subscription_details": { "subscription": "sub_1", "metadata": {} } } });
        let event = json!({ "id": "evt_1", "data": { "object": invoice } });
        let old = EventShape::default().spoken(event.clone(), "2024-06-20");
        assert_eq!(old["data"]["object"]["subscription"], "sub_1");
        assert!(old["data"]["object"].get("parent").is_none());
        let shape = EventShape { thin: true, account: Some("acct_2".to_owned()), ..EventShape::default() };
        let thin = shape.spoken(event.clone(), "2026-09-30.endive");
        assert_eq!(
            (&thin["data"]["object"], &thin["account"]),
            (&json!({ "id": "in_1", "object": "invoice" }), &json!("acct_2"))
        );
        let shape = EventShape {
            without: vec!["currency".to_owned()],
            test_clock: Some("clock_1".to_owned()),
            ..EventShape::default()
        };
        let odd = shape.spoken(event, "2026-09-30.endive");
        assert!(odd["data"]["object"].get("currency").is_none());
        assert_eq!(odd["data"]["object"]["test_clock"], "clock_1");
    }
}
