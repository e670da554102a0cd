//! `/desk/donations`: the sums, every donation with its state, and one page each with its lines in the book.

use axum::extract::{Path, Query};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{Moment, Zone},
    donations::{
        self, Copied, DonationKind, DonationState, EventLine, GiftSearch, LedgerLine, ListedDonation,
        NeverAsk, Total, Unended,
    },
    jobs,
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::donations as words,
    },
};

const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    pub(super) q: String,
    pub(super) kind: String,
    pub(super) state: String,
    /// A month, `2026-11`, or a year; anything else is all the time.
    pub(super) when: String,
    before: Place<2>,
}

impl Look {
    /// What a form says of it.
    pub(super) fn of(form: &Form) -> Self {
        let [q, kind, state, when] = ["q", "kind", "state", "when"].map(|field| form.text(field).to_owned());
        Self { q, kind, state, when, before: Place::default() }
    }

    /// Which gifts it means.
    pub(super) fn search(&self, desk: &Desk) -> GiftSearch {
        let mut search = GiftSearch::typed(
            &self.q,
            desk.zone(),
            desk.settings.gift_limits().map(|limits| limits.least.currency),
        );
        search.kind = DonationKind::parse(&self.kind);
        search.state = DonationState::parse(&self.state);
        search.between = span(&self.when, desk.zone());
        search
    }

    /// The rest of an address that means the same gifts.
    fn kept(&self) -> [(&str, &str); 4] {
        [("q", &self.q), ("kind", &self.kind), ("state", &self.state), ("when", &self.when)]
    }

    /// An address that means the same gifts.
    pub(super) fn address(&self, path: &str) -> String {
        List { path, place: "before", kept: &self.kept() }.address::<2>(None)
    }

    /// It in words, for the log: never what was typed, which may be an address.
    pub(super) fn words(&self) -> String {
        let typed = if self.q.trim().is_empty() { "" } else { "by a search" };
        let parts = [self.kind.as_str(), self.state.as_str(), self.when.as_str(), typed];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The time that a choice means.
fn span(when: &str, zone: &Zone) -> Option<(Moment, Moment)> {
    let (year, month) = when.split_once('-').map_or((when, None), |(year, month)| (year, Some(month)));
    let year = year.parse().ok().filter(|year| (1970..=9998).contains(year))?;
    match month {
        Some(month) => {
            let (from, _) = zone.day(Date::new(year, month.parse().ok()?, 1).ok()?)?;
            Some((from, zone.month_after(from)))
        }
        None => {
            let (from, _) = zone.day(Date::new(year, 1, 1).ok()?)?;
            let (until, _) = zone.day(Date::new(year + 1, 1, 1).ok()?)?;
            Some((from, until))
        }
    }
}

/// The last twelve months, and each year since the first gift.
fn whens(desk: &Desk, first: Option<Moment>, chosen: &str) -> Vec<Choice> {
    let (now, zone) = (desk.site().now(), desk.zone());
    let first = first.unwrap_or(now).min(now);
    let month = |at: Moment| at.day(zone)[..7].to_owned();
    let mut values = vec![String::new()];
    for back in 0..12 {
        let at = zone.months_after(now, -back);
        values.extend((at >= first || month(at) == month(first)).then(|| month(at)));
    }
    let year = |at: Moment| at.day(zone)[..4].parse::<i32>().unwrap_or_default();
    values.extend((year(first)..=year(now)).rev().map(|year| year.to_string()));
    if span(chosen, zone).is_some() && !values.iter().any(|value| value == chosen) {
        values.push(chosen.to_owned());
    }
    let label = |value: &str| match value.split_once('-') {
        _ if value.is_empty() => "All the time".to_owned(),
        None => value.to_owned(),
        Some(_) => month_in_words(value),
    };
    values.into_iter().map(|value| Choice { label: label(&value), chosen: value == chosen, value }).collect()
}

fn choices<T: Copy>(
    all: &[T],
    chosen: &str,
    none: &str,
    say: impl Fn(T) -> (&'static str, &'static str),
) -> Vec<Choice> {
    let mut choices = vec![Choice { value: String::new(), label: none.to_owned(), chosen: false }];
    choices.extend(all.iter().map(|one| {
        let (value, label) = say(*one);
        Choice { value: value.to_owned(), label: capital(label), chosen: value == chosen }
    }));
    choices
}

fn month_in_words(month: &str) -> String {
    format!("{month}-01")
        .parse::<Date>()
        .map_or_else(|_| month.to_owned(), |day| day.strftime("%B %Y").to_string())
}

fn capital(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Something that the list can be narrowed down by.
#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Page {
    /// Whether a payment provider is set up.
    open: bool,
    q: String,
    kinds: Vec<Choice>,
    states: Vec<Choice>,
    whens: Vec<Choice>,
    /// It is narrowed down, so that an empty list does not mean that there is nothing.
    is_narrowed: bool,
    /// More supporters are called so than are gone through.
    are_many: bool,
    /// Where they are taken away as a file.
    to_file: String,
    /// What the sums are of, where they are of a part.
    sums_of: &'static str,
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
    form: Form,
    notes: Vec<NoteView>,
    /// Whether somebody is known who may be asked for gifts, and since when they are not.
    knows_who: bool,
    never_asked_since: Option<String>,
}

#[derive(Serialize)]
struct NoteView {
    text: String,
    who: String,
    at: String,
}

#[derive(Serialize)]
struct EntryView {
    account: String,
    amount: String,
    reference: String,
    at: String,
}

/// `GET /desk/donations`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let (db, zone) = (&desk.site().db, desk.zone());
    let search = look.search(&desk);
    let list = List { path: "/desk/donations", place: "before", kept: &look.kept() };
    let behind = look.before.0.map(|[at, id]| (Moment(at), id));
    let mut are_many = false;
    let read = async |most| {
        let found = search.page(db, behind, most).await?;
        are_many = found.are_many;
        Ok::<_, sqlx::Error>(found.gifts)
    };
    let key = |last: &ListedDonation| [last.paid_at.unwrap_or(last.created_at).0, last.id];
    let (donations, pages) = list.page(look.before, PAGE, read, key).await?;
    let is_narrowed = search.narrows();
    let totals = if is_narrowed { search.sums(db).await? } else { donations::totals(db).await? };
    let mut sums: Vec<Sum> = totals.iter().map(|total| sum(total, words::given(total))).collect();
    if !is_narrowed {
        let running = donations::running_totals(db).await?;
        sums.extend(running.iter().map(|total| sum(total, words::coming(total))));
    }
    let needs = donations::attention(db, desk.site().now()).await?;
    let first = donations::first_gift(db).await?;
    let page = Page {
        open: desk.app.payments.is_some(),
        kinds: choices(&DonationKind::ALL, &look.kind, "Once and monthly", |kind| {
            (kind.as_str(), words::kind(kind))
        }),
        states: choices(&LISTED, &look.state, "Whatever became of it", |state| {
            (state.as_str(), words::state(state).0)
        }),
        whens: whens(&desk, first, &look.when),
        is_narrowed,
        are_many,
        to_file: look.address("/desk/donations/file"),
        sums_of: if is_narrowed { "Of these, paid" } else { "" },
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
        q: look.q,
    };
    desk.page("desk/donations/list", "Donations", &page).await
}

/// What somebody looks for; a gift at the checkout is not one yet.
const LISTED: [DonationState; 4] =
    [DonationState::Paid, DonationState::Pending, DonationState::Failed, DonationState::Expired];

/// `GET /desk/donations/{id}`
pub(crate) async fn show_one(desk: Desk, Path(id): Path<String>) -> Outcome {
    let page = one(&desk, &id, Form::new(&["text"])).await?;
    desk.page("desk/donations/one", "Donation", &page).await
}

/// The same page, with what was typed on it.
pub(super) async fn one_again(desk: Desk, id: &str, form: Form) -> Outcome {
    let page = one(&desk, id, form).await?;
    desk.page_again("desk/donations/one", "Donation", &page).await
}

async fn one(desk: &Desk, id: &str, form: Form) -> Result<OnePage, WebError> {
    let db = &desk.site().db;
    let whole = donations::whole_donation(db, id).await?.ok_or(WebError::NotFound)?;
    let (donation, zone) = (whole.donation, desk.zone());
    let may_forget = desk.may(Role::OWNING) && !donation.email.is_empty();
    let asking = NeverAsk::of(db, id).await?;
    let notes = donations::notes_on_gift(db, donation.id).await?;
    Ok(OnePage {
        forget: may_forget.then(|| format!("/desk/donations/{id}/forget")),
        created: donation.created_at.date_time(zone),
        paid: donation.paid_at.map(|at| at.date_time(zone)),
        monthly_state: donation.recurring_state.map(words::monthly),
        session: donation.provider_session_id.clone(),
        payment: donation.provider_payment_id.clone(),
        invoice: donation.provider_invoice_id.clone(),
        entries: whole.entries.into_iter().map(|one| entry(one, zone)).collect(),
        events: whole.events.into_iter().map(|one| event(one, zone)).collect(),
        knows_who: asking != NeverAsk::Nobody && !donation.email.is_empty(),
        never_asked_since: match asking {
            NeverAsk::Since(at) => Some(at.date(zone)),
            NeverAsk::MayBeAsked | NeverAsk::Nobody => None,
        },
        notes: notes
            .into_iter()
            .map(|note| NoteView {
                who: who(&note.staff, &note.staff_email),
                at: note.at.date_time(zone),
                text: note.text,
            })
            .collect(),
        form,
        line: line(donation, zone),
    })
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
