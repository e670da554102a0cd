//! `/desk/donations`: the sums, every donation with its state, and one page each with its lines in the book.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    clock::{Moment, Zone},
    donations::{self, Copied, EventLine, LedgerLine, ListedDonation, Total, Unended},
    jobs,
    staff::Role,
    web::{
        Desk, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::donations as words,
    },
};

const PAGE: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    before: Place,
}

#[derive(Serialize)]
struct Page {
    /// Whether a payment provider is set up.
    open: bool,
    sums: Vec<Sum>,
    donations: Vec<Line>,
    pages: Links,
    stuck: Vec<EventView>,
    waiting: i64,
    unended: Vec<UnendedView>,
    copies: Vec<CopyView>,
    checkouts: Option<CheckoutsView>,
}

/// A monthly donation that its supporter asked to end and that is still charged.
#[derive(Serialize)]
struct UnendedView {
    id: String,
    who: String,
    amount: String,
    asked: String,
    attempts: i64,
    error: Option<String>,
    subscription: Option<String>,
}

/// A monthly donation that somebody copied at the payment service.
#[derive(Serialize)]
struct CopyView {
    who: String,
    amount: String,
    since: String,
    subscription: Option<String>,
}

/// Supporters who could not get to the payment page.
#[derive(Serialize)]
struct CheckoutsView {
    number: usize,
    /// What stands before the number.
    at_least: &'static str,
    last: Option<String>,
    /// The last one shown: "Put away" is about those until then.
    until: i64,
    error: Option<String>,
}

#[derive(Serialize)]
struct Sum {
    figure: String,
    label: String,
}

#[derive(Serialize)]
struct Line {
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
struct EventView {
    id: String,
    kind: String,
    source: &'static str,
    state: &'static str,
    attempts: i64,
    error: Option<String>,
    at: String,
    /// What cannot be read once cannot be read twice.
    can_be_tried: bool,
}

#[derive(Serialize)]
struct OnePage {
    line: Line,
    /// Where whoever gave is forgotten, for who may do that.
    forget: Option<String>,
    created: String,
    paid: Option<String>,
    monthly_state: Option<&'static str>,
    session: Option<String>,
    payment: Option<String>,
    invoice: Option<String>,
    entries: Vec<EntryView>,
    events: Vec<EventView>,
}

#[derive(Serialize)]
struct EntryView {
    account: String,
    amount: String,
    reference: String,
    at: String,
}

/// `GET /desk/donations`
pub(crate) async fn show(desk: Desk, Query(asked): Query<Asked>) -> Outcome {
    let (db, zone) = (&desk.site().db, desk.zone());
    let list = List { path: "/desk/donations", place: "before", kept: &[] };
    let read = |most| donations::donations_page(db, asked.before.id(), most);
    let (donations, pages) = list.page(asked.before, PAGE, read, |last| [last.id]).await?;
    let mut sums: Vec<Sum> =
        donations::totals(db).await?.iter().map(|total| sum(total, words::given(total))).collect();
    sums.extend(donations::running_totals(db).await?.iter().map(|total| sum(total, words::coming(total))));
    let needs = donations::attention(db, desk.site().now()).await?;
    let page = Page {
        open: desk.app.payments.is_some(),
        sums,
        pages,
        donations: donations.into_iter().map(|donation| line(donation, zone)).collect(),
        stuck: needs.events.into_iter().map(|one| event(one, zone)).collect(),
        waiting: donations::unfinished(db).await?.waiting,
        checkouts: needs.checkouts.first().map(|last| CheckoutsView {
            number: needs.checkouts.len(),
            at_least: donations::at_least(needs.checkouts.len()),
            until: last.at.map_or(0, |at| at.0),
            last: last.at.map(|at| at.date_time(zone)),
            error: last.why.clone(),
        }),
        unended: needs.unended.into_iter().map(|one| unended(one, zone)).collect(),
        copies: needs.copies.into_iter().map(|one| copied(one, zone)).collect(),
    };
    desk.page("desk/donations/list", "Donations", &page).await
}

/// `GET /desk/donations/{id}`
pub(crate) async fn show_one(desk: Desk, Path(id): Path<String>) -> Outcome {
    let whole = donations::whole_donation(&desk.site().db, &id).await?.ok_or(WebError::NotFound)?;
    let (donation, zone) = (whole.donation, desk.zone());
    let may_forget = desk.may(Role::OWNING) && !donation.email.is_empty();
    let page = OnePage {
        forget: may_forget.then(|| format!("/desk/donations/{id}/forget")),
        created: donation.created_at.date_time(zone),
        paid: donation.paid_at.map(|at| at.date_time(zone)),
        monthly_state: donation.recurring_state.map(words::monthly),
        session: donation.provider_session_id.clone(),
        payment: donation.provider_payment_id.clone(),
        invoice: donation.provider_invoice_id.clone(),
        entries: whole.entries.into_iter().map(|one| entry(one, zone)).collect(),
        events: whole.events.into_iter().map(|one| event(one, zone)).collect(),
        line: line(donation, zone),
    };
    desk.page("desk/donations/one", "Donation", &page).await
}

/// `POST /desk/donations/events/{id}`
pub(crate) async fn try_again(desk: Desk, Path(id): Path<String>) -> Outcome {
    let queue = donations::EVENTS.rules.name;
    if jobs::try_again(desk.site(), queue, &id, Some(desk.who.staff.id)).await? {
        Ok(see_other("/desk/donations?done=event"))
    } else {
        Err(WebError::NotFound)
    }
}

/// `POST /desk/donations/events/{id}/away`
pub(crate) async fn put_away(desk: Desk, Path(id): Path<String>) -> Outcome {
    if donations::put_event_away(desk.site(), &id).await? {
        Ok(see_other("/desk/donations?done=event-away"))
    } else {
        Err(WebError::NotFound)
    }
}

/// `POST /desk/donations/checkouts/away`
pub(crate) async fn seen(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["until"])?;
    let Ok(until) = form.text("until").parse() else {
        return Err(WebError::BadRequest(
            "Which of them did you see? Go back, reload the page and try again.",
        ));
    };
    donations::put_checkouts_away(desk.site(), Moment(until)).await?;
    Ok(see_other("/desk/donations?done=seen"))
}

/// `POST /desk/donations/monthly/{id}/end`
pub(crate) async fn ask_again(desk: Desk, Path(id): Path<String>) -> Outcome {
    if donations::ask_again_to_end(desk.site(), &id).await? {
        Ok(see_other("/desk/donations?done=ask-again"))
    } else {
        Err(WebError::NotFound)
    }
}

fn unended(one: Unended, zone: &Zone) -> UnendedView {
    UnendedView {
        amount: one.amount(),
        who: who(&one.name, &one.email),
        asked: one.asked_at.date_time(zone),
        attempts: one.attempts,
        error: one.last_error,
        subscription: one.provider_subscription_id,
        id: one.public_id,
    }
}

fn copied(one: Copied, zone: &Zone) -> CopyView {
    CopyView {
        amount: one.amount(),
        who: who(&one.name, &one.email),
        since: one.created_at.date(zone),
        subscription: one.subscription,
    }
}

fn who(name: &str, email: &str) -> String {
    [name, email, "Somebody"].into_iter().find(|one| !one.is_empty()).unwrap_or_default().to_owned()
}

fn sum(total: &Total, label: String) -> Sum {
    Sum { figure: total.amount(), label }
}

fn line(donation: ListedDonation, zone: &Zone) -> Line {
    let (state, pill) = words::state(donation.state);
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

fn event(event: EventLine, zone: &Zone) -> EventView {
    EventView {
        can_be_tried: event.can_be_tried(),
        id: event.event_id,
        kind: event.kind,
        source: words::heard(event.source),
        state: words::event(event.state),
        attempts: event.attempts,
        error: event.last_error,
        at: event.created_at.date_time(zone),
    }
}

fn entry(entry: LedgerLine, zone: &Zone) -> EntryView {
    EntryView {
        account: words::account(&entry.account).to_owned(),
        amount: entry.amount(),
        at: entry.at.date_time(zone),
        reference: entry.reference,
    }
}
