//! What was asked and answered, kept for a test that holds it against the provider's published types.

use serde_json::Value;

use super::StripeServer;

/// A request to the API and its answer.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Its method.
    pub method: String,
    /// Its path, from `/v1/` on.
    pub path: String,
    /// Its parameters, of the address and of the body, form-encoded.
    pub form: String,
    /// The answer's status.
    pub status: u16,
    /// The answer.
    pub answer: Value,
}

impl StripeServer {
    /// Keeps all requests and their answers from now on.
    pub fn record_calls(&self) {
        self.lock().script.recorded.get_or_insert_default();
    }

    /// What was kept, in the order it was asked.
    #[must_use]
    pub fn recorded_calls(&self) -> Vec<RecordedCall> {
        self.lock().script.recorded.clone().unwrap_or_default()
    }

    pub(super) fn record(&self, call: impl FnOnce() -> RecordedCall) {
        if let Some(recorded) = &mut self.lock().script.recorded {
            recorded.push(call());
        }
    }
}
