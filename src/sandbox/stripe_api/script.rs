//! What a test tells the payment provider to do instead of behaving.

use std::{collections::HashSet, time::Duration};

use super::{record::RecordedCall, shape::EventShape};

/// What becomes of an event on its way to the endpoint. It can always be fetched by the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Delivered at once.
    Delivered,
    /// Never delivered.
    Dropped,
    /// Delivered that many times.
    Repeated(u32),
    /// Delivered after a while.
    Late(Duration),
    /// Kept back until a test delivers it.
    Held,
}

/// What becomes of a request to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// Answered with this status, and nothing is done.
    Refuse(u16),
    /// Answered as if nothing with the id in its path were there, as to the key of another account.
    NoSuchObject,
    /// Answered late.
    Delay(Duration),
    /// Done, and then the connection breaks before the answer.
    LoseReply,
    /// Refused with 429, and told to come again after so many seconds; nothing is done.
    TooMany(u32),
    /// Done, and then answered with this status; the same key finds what was done.
    FailAfter(u16),
}

/// A way to spoil a delivery that a receiver must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// No signature at all.
    NoSignature,
    /// Signed with another secret.
    WrongSecret,
    /// Signed with an empty secret.
    EmptySecret,
    /// A good signature over another body.
    AlteredBody,
    /// A good signature from ten minutes ago.
    OldTimestamp,
    /// A good signature from ten minutes ahead.
    FutureTimestamp,
    /// A good signature over an event that claims to be of the live mode.
    LiveMode,
    /// A good signature over a body of two mebibytes.
    Huge,
    /// A good signature over something that is no JSON.
    NotJson,
}

#[derive(Debug)]
struct Planned<T> {
    subject: Option<String>,
    what: T,
    left: Option<u32>,
}

/// The plans in force.
#[derive(Debug, Default)]
pub(super) struct Script {
    events: Vec<Planned<Fate>>,
    requests: Vec<Planned<ApiFault>>,
    pub(super) holding: bool,
    /// Whether the balance hears of money only when a test says so.
    pub(super) slow_balance: bool,
    /// Whether every payment is held for review.
    pub(super) reviewing: bool,
    /// How events are spoken.
    pub(super) shape: EventShape,
    /// What a card says that is declined on the checkout page.
    pub(super) decline_code: String,
    /// Requests and answers, if they are to be kept.
    pub(super) recorded: Option<Vec<RecordedCall>>,
    /// The transactions that the book leaves out.
    pub(super) lost_movements: HashSet<String>,
}

impl Script {
    pub(super) fn plan_event(&mut self, kind: Option<&str>, fate: Fate, times: Option<u32>) {
        self.events.push(Planned { subject: kind.map(str::to_owned), what: fate, left: times });
    }

    pub(super) fn plan_request(&mut self, path: Option<&str>, fault: ApiFault, times: Option<u32>) {
        self.requests.push(Planned { subject: path.map(str::to_owned), what: fault, left: times });
    }

    /// What becomes of an event of this kind.
    pub(super) fn fate_of(&mut self, kind: &str) -> Fate {
        let planned = take(&mut self.events, |subject| subject == kind);
        planned.unwrap_or(if self.holding { Fate::Held } else { Fate::Delivered })
    }

    /// What becomes of a request to this path.
    pub(super) fn fault_of(&mut self, path: &str) -> Option<ApiFault> {
        take(&mut self.requests, |subject| path.starts_with(subject))
    }
}

/// The first plan that fits, one use of it taken away.
fn take<T: Copy>(plans: &mut Vec<Planned<T>>, fits: impl Fn(&str) -> bool) -> Option<T> {
    let plan = plans.iter_mut().find(|plan| plan.subject.as_deref().is_none_or(&fits))?;
    let what = plan.what;
    if let Some(left) = &mut plan.left {
        *left = left.saturating_sub(1);
    }
    plans.retain(|plan| plan.left != Some(0));
    Some(what)
}
