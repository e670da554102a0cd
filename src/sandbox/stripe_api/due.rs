//! What happens by itself when time passes: renewals, further tries, trials and pauses that end, subscriptions that were never
//! begun, and payouts.

use serde_json::{Value, json};

use super::{
    SandboxError, StripeServer,
    state::{State, text},
    subscription::period_of,
};
use crate::clock::Moment;

/// A subscription whose first payment did not come is given up after so long.
const TWENTY_THREE_HOURS: i64 = 23 * 3_600;
/// Nothing does more than this in one leap of time.
const MOST: usize = 100_000;

enum Due {
    Renewal(String),
    Try(String, String),
    NeverBegun(String),
    PauseEnds(String),
    End(String),
}

impl State {
    /// The first thing that is due until then, and when.
    fn next_due(&self, until: i64) -> Option<(i64, Due)> {
        let mut first: Option<(i64, Due)> = None;
        let mut note = |at: Option<i64>, due: Due| {
            let Some(at) = at.filter(|at| *at <= until) else { return };
            if first.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
                first = Some((at, due));
            }
        };
        for own in self.newest("subscription") {
            let id = text(own, "id").to_owned();
            match text(own, "status") {
                "active" | "trialing" | "past_due" | "unpaid" => {
                    note(own["pause_collection"]["resumes_at"].as_i64(), Due::PauseEnds(id.clone()));
                    note(own["cancel_at"].as_i64(), Due::End(id.clone()));
                    note(Some(period_of(&own["items"]["data"][0]).end), Due::Renewal(id));
                }
                "incomplete" => {
                    note(own["created"].as_i64().map(|at| at + TWENTY_THREE_HOURS), Due::NeverBegun(id));
                }
                _ => {}
            }
        }
        for invoice in self.newest("invoice").filter(|invoice| invoice["status"] == "open") {
            let subscription = text(&invoice["parent"]["subscription_details"], "subscription").to_owned();
            let due = Due::Try(subscription, text(invoice, "id").to_owned());
            note(invoice["next_payment_attempt"].as_i64(), due);
        }
        first
    }

    fn do_due(&mut self, due: Due) {
        match due {
            Due::Renewal(id) => {
                let card = self.answer_of_card(&id);
                self.renew(&id, &card).ok();
            }
            Due::Try(subscription, invoice) => {
                let card = self.answer_of_card(&subscription);
                self.attempt(&subscription, &invoice, &card);
            }
            Due::NeverBegun(id) => {
                self.void_invoices_of(&id);
                self.set_status(&id, "incomplete_expired");
            }
            Due::PauseEnds(id) => {
                let before = self.get(&id).map(|own| own["pause_collection"].clone()).unwrap_or_default();
                self.change(&id, |own| own["pause_collection"] = Value::Null);
                self.emit_change(
                    "customer.subscription.updated",
                    &id,
                    Some(json!({ "pause_collection": before })),
                );
            }
            Due::End(id) => self.end_subscription(&id, "cancellation_requested"),
        }
    }
}

impl StripeServer {
    /// Lets everything happen that is due by the clock, in its order and each with its own time; tells how much there was.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn let_time_pass(&self) -> Result<usize, SandboxError> {
        let until = self.0.clock.now().unix_seconds();
        for done in 0..MOST {
            let more = self.visit(|state| {
                let Some((at, due)) = state.next_due(until) else { return Ok(false) };
                state.cause.now = Moment::from_unix_seconds(at);
                state.do_due(due);
                Ok(true)
            })?;
            if !more {
                return Ok(done);
            }
        }
        Ok(MOST)
    }
}
