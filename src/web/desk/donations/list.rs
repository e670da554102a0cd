//! `/desk/donations`: the sums, every donation with its state, and one page each with its lines in the book.

use std::time::Duration;

use axum::extract::{Path, Query};
use serde::Serialize;

use super::{
    look::{Choice, Look, choices, whens},
    view::{EventView, Line, event, line, who},
};
use crate::{
    clock::{Moment, Zone},
    donations::{
        self, Became, Copied, DonationKind, Double, LastCompared, ListedDonation, ProviderPollError,
        ReturnsToSee, Total, Unended,
    },
    jobs,
    web::{
        Desk, Outcome, Posted, WebError,
        paging::{Links, List},
        session::see_other,
        words::donations as words,
    },
};

const PAGE: usize = 50;

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
    /// What is wrong with our account at the payment service, or with how its news come.
    account: Vec<String>,
    stuck: Vec<EventView>,
    waiting: i64,
    unended: Vec<UnendedView>,
    /// What banks take back, warn of, or did not take.
    returns: Vec<ReturnView>,
    /// Who gave twice, perhaps by mistake.
    doubles: Vec<DoubleView>,
    /// When the payment service's lists and the book were last the same, and whether they are.
    compared: Option<String>,
    differs: bool,
    copies: Vec<CopyView>,
    checkouts: Option<CheckoutsView>,
}

/// Something about money that came back, or may.
#[derive(Serialize)]
struct ReturnView {
    /// What it is, and what to do about it.
    words: String,
    /// The gift that it is about.
    gift: Option<String>,
    /// Whether it is pressing.
    is_bad: bool,
}

/// Two gifts of one supporter, of which one may be a mistake.
#[derive(Serialize)]
struct DoubleView {
    words: String,
    /// Where both are.
    page: String,
}

/// A monthly donation that its supporter asked to end and that is still charged.
#[derive(Serialize)]
struct UnendedView {
    id: String,
    who: String,
    amount: String,
    every: String,
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
    every: String,
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
    let totals = match is_narrowed {
        // What is not all shown has no sum.
        true if are_many => Vec::new(),
        true => search.sums(db).await?,
        false => donations::totals(db).await?,
    };
    let mut sums: Vec<Sum> = totals.iter().map(|total| sum(total, words::given(total))).collect();
    if !is_narrowed {
        let running = donations::running_totals(db).await?;
        sums.extend(running.iter().map(|total| Sum { figure: total.amount(), label: words::coming(total) }));
    }
    let needs = donations::attention(db, desk.site().now()).await?;
    let compared = donations::last_reconciled(db).await?;
    let first = donations::first_gift(db).await?;
    let page = Page {
        open: desk.app.payments.is_some(),
        kinds: choices(&DonationKind::ALL, &look.kind, "Once and regular", |kind| {
            (kind.as_str(), words::kind(kind))
        }),
        states: choices(&Became::ALL, &look.state, "Whatever became of it", |became| {
            (became.as_str(), words::became(became))
        }),
        whens: whens(&desk, first, &look.when),
        is_narrowed,
        are_many,
        to_file: look.address("/desk/donations/file"),
        sums_of: if is_narrowed { "Of these, paid" } else { "" },
        sums,
        pages,
        donations: donations.into_iter().map(|donation| line(donation, zone)).collect(),
        account: needs.account.sentences(),
        stuck: needs.events.into_iter().map(|one| event(one, zone)).collect(),
        waiting: donations::unfinished(db).await?.waiting,
        checkouts: needs.checkouts.first().map(|last| CheckoutsView {
            number: needs.checkouts.len(),
            at_least: donations::at_least(needs.checkouts.len()),
            until: last.at.map_or(0, |at| at.0),
            last: last.at.map(|at| at.date_time(zone)),
            error: last.why.clone(),
        }),
        returns: returns(donations::returns_to_see(db).await?, zone),
        doubles: doubles(&desk).await?,
        compared: compared.as_ref().map(|last| in_words(last, desk.site().now(), zone)),
        differs: compared.is_some_and(|last| !last.found.is_equal()),
        unended: needs.unended.into_iter().map(|one| unended(one, zone)).collect(),
        copies: needs.copies.into_iter().map(|one| copied(one, zone)).collect(),
        q: look.q,
    };
    desk.page("desk/donations/list", "Donations", &page).await
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

/// `POST /desk/donations/account`: the payment service is asked how our account stands, before its time.
pub(crate) async fn ask_account(desk: Desk) -> Outcome {
    let Some(payments) = desk.app.payments.clone() else { return Err(WebError::NotFound) };
    let done = match donations::look_at_account(desk.site(), payments.provider.as_ref()).await {
        Ok(_) => "account-asked",
        Err(ProviderPollError::Database(error)) => return Err(error.into()),
        Err(ProviderPollError::Provider(_)) => "account-silent",
    };
    Ok(see_other(&format!("/desk/donations?done={done}")))
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

/// `POST /desk/donations/refunds/{id}/away`
pub(crate) async fn refund_seen(desk: Desk, Path(id): Path<String>) -> Outcome {
    if donations::put_refund_away(desk.site(), &id).await? {
        Ok(see_other("/desk/donations?done=seen"))
    } else {
        Err(WebError::NotFound)
    }
}

/// `POST /desk/donations/monthly/{id}/end`
pub(crate) async fn ask_again(desk: Desk, Path(id): Path<String>) -> Outcome {
    if donations::ask_again_to_end(desk.site(), &id).await? {
        Ok(see_other("/desk/donations?done=ask-again"))
    } else {
        Err(WebError::NotFound)
    }
}

fn returns(all: ReturnsToSee, zone: &Zone) -> Vec<ReturnView> {
    let disputes = all.disputes.into_iter().map(|one| ReturnView {
        words: {
            let until = one.due_at.map_or_else(String::new, |due| format!(" until {}", due.date_time(zone)));
            if one.state.is_inquiry() {
                let amount = one.amount();
                format!("A bank asks about {amount}, and has taken nothing. Answer at the payment service{until}, or send it back.")
            } else {
                format!("A bank takes {} back. Answer at the payment service{until}.", one.amount())
            }
        },
        gift: Some(one.donation),
        is_bad: true,
    });
    let warnings = all.warnings.into_iter().map(|one| ReturnView {
        words: format!(
            "A bank warns that {} may be a fraud. Sending it back now spares you a dispute and its fee.",
            one.amount()
        ),
        gift: Some(one.donation),
        is_bad: false,
    });
    let refunds = all.refunds.into_iter().map(|one| ReturnView {
        words: format!(
            "{} that was sent back on {} did not arrive. Ask the supporter how to pay it.",
            one.amount(),
            one.created_at.date(zone)
        ),
        gift: Some(one.donation),
        is_bad: false,
    });
    let payouts = all.payouts.into_iter().map(|one| ReturnView {
        words: format!("Your bank did not take {} of {}: {}. Look at the bank account in the payment service’s settings.", one.amount(), one.created_at.date(zone), one.failure.replace('_', " ")),
        gift: None,
        is_bad: true,
    });
    disputes.chain(warnings).chain(refunds).chain(payouts).collect()
}

/// So long who gave twice is shown.
const TWICE_SHOWN: Duration = Duration::from_secs(30 * 86_400);
/// So many of them.
const MOST_TWICE: i64 = 20;

async fn doubles(desk: &Desk) -> Result<Vec<DoubleView>, WebError> {
    let (db, since) = (&desk.site().db, desk.site().now().minus(TWICE_SHOWN));
    let mut all = donations::monthly_twice(db, since, None, MOST_TWICE).await?;
    all.extend(donations::given_twice(db, since, None, MOST_TWICE).await?);
    let found = |one: Double| {
        let who = who(&one.name, &one.email);
        let amounts: Vec<&str> = one.gifts.iter().map(|gift| gift.amount.as_str()).collect();
        let (last, before) = amounts.split_last().unwrap_or((&"", &[]));
        let before = before.join(", ");
        let words = match one.kind {
            DonationKind::Once => {
                let within = if amounts.len() > 2 {
                    ", each within an hour of the one before"
                } else {
                    " within an hour"
                };
                format!("{who} gave {before}, and {last}{within}. If one was a mistake, send it back.")
            }
            DonationKind::Instalment => format!(
                "{who} gives {before}, and {last} beside it. If one was a mistake, end it at one of its gifts."
            ),
        };
        let query: String = url::form_urlencoded::byte_serialize(one.email.as_bytes()).collect();
        DoubleView { words, page: format!("/desk/donations?q={query}") }
    };
    Ok(all.into_iter().map(found).collect())
}

/// "Last equal: today 03:10".
fn in_words(last: &LastCompared, now: Moment, zone: &Zone) -> String {
    if last.found.is_of_nothing() {
        return "there was nothing to compare yet".to_owned();
    }
    match last.equal_at {
        Some(at) if at.day(zone) == now.day(zone) => format!("Last equal: today {}", at.time(zone)),
        Some(at) => format!("Last equal: {}", at.date_time(zone)),
        None => "They were never equal yet".to_owned(),
    }
}

fn unended(one: Unended, zone: &Zone) -> UnendedView {
    UnendedView {
        amount: one.amount(),
        every: one.rhythm().words(),
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
        every: one.rhythm().words(),
        who: who(&one.name, &one.email),
        since: one.created_at.date(zone),
        subscription: one.subscription,
    }
}

fn sum(total: &Total, label: String) -> Sum {
    Sum { figure: total.amount(), label }
}
