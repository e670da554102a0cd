//! A gift and an event of the payment service, as a line of a page.

use serde::Serialize;

use crate::{
    clock::Zone,
    donations::{EventLine, ListedDonation},
    web::words::donations as words,
};

#[derive(Serialize)]
pub(super) struct Line {
    id: String,
    who: String,
    email: String,
    /// The address, where `who` is a name.
    other_email: Option<String>,
    amount: String,
    how_often: &'static str,
    /// For the colour of the pill.
    pill: &'static str,
    state: &'static str,
    date: String,
    receipt: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EventView {
    id: String,
    what: &'static str,
    source: &'static str,
    state: &'static str,
    attempts: i64,
    error: Option<String>,
    at: String,
    /// What cannot be read once cannot be read twice.
    can_be_tried: bool,
}

pub(super) fn line(donation: ListedDonation, zone: &Zone) -> Line {
    let (state, pill) = words::standing(donation.standing);
    let named = !donation.name.is_empty() && !donation.email.is_empty();
    Line {
        amount: donation.amount(),
        other_email: named.then(|| donation.email.clone()),
        how_often: if donation.is_monthly() { "monthly" } else { "once" },
        who: who(&donation.name, &donation.email),
        email: donation.email,
        pill,
        state,
        date: donation.paid_at.unwrap_or(donation.created_at).date(zone),
        receipt: donation.receipt_number,
        id: donation.public_id,
    }
}

pub(super) fn event(event: EventLine, zone: &Zone) -> EventView {
    EventView {
        can_be_tried: event.can_be_tried(),
        id: event.event_id,
        what: words::happened(&event.kind),
        source: words::heard(event.source),
        state: words::event(event.state),
        attempts: event.attempts,
        error: event.last_error,
        at: event.created_at.date_time(zone),
    }
}

/// Who gave: by name, else by address.
pub(super) fn who(name: &str, email: &str) -> String {
    [name, email, "Somebody"].into_iter().find(|one| !one.is_empty()).unwrap_or_default().to_owned()
}
