//! A gift and an event of the payment service, as a line of a page.

use std::time::Duration;

use serde::Serialize;

use crate::{
    clock::Zone,
    donations::{EventLine, EventSource, ListedDonation},
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
        how_often: donation.kind.in_words(),
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

/// What the payment service told of one gift, the oldest first. It tells of one happening several times, of each of the things that
/// it has for it: that is one line.
pub(super) fn events(all: Vec<EventLine>, zone: &Zone) -> Vec<EventView> {
    const TOGETHER: Duration = Duration::from_secs(300);
    let mut told: Vec<EventLine> = Vec::new();
    for one in all {
        let is_same = |known: &&mut EventLine| {
            words::happened(&known.kind) == words::happened(&one.kind)
                && known.state == one.state
                && known.last_error.is_none()
                && one.last_error.is_none()
                && one.created_at.since(known.created_at) < TOGETHER
        };
        match told.iter_mut().rev().find(is_same) {
            // That it was told by itself is worth more than that it was found.
            Some(known) if one.source == EventSource::Webhook => known.source = one.source,
            Some(_) => {}
            None => told.push(one),
        }
    }
    told.into_iter().map(|one| event(one, zone)).collect()
}

/// Who gave: by name, else by address.
pub(super) fn who(name: &str, email: &str) -> String {
    [name, email, "Somebody"].into_iter().find(|one| !one.is_empty()).unwrap_or_default().to_owned()
}
