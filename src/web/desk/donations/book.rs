//! `/desk/donations/book`: what the book says of a month, closing it, what was paid out to our bank, and whether the payment service says
//! the same.

use std::collections::BTreeSet;

use axum::{
    extract::{Path, Query},
    http::{HeaderValue, header},
};
use serde::{Deserialize, Serialize};

use super::look::month_in_words;
use crate::{
    clock::Moment,
    donations::{
        self, Account, CloseError, Difference, Mends, MonthSum, PaidOut, PayoutLine, Underway, figures,
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::donations as words,
    },
};

const TEMPLATE: &str = "desk/donations/book";
const TITLE: &str = "The book";
const PAGE: usize = 50;
/// The page looks again after so long, while it is being compared.
const AGAIN: HeaderValue = HeaderValue::from_static("3");
const FIELDS: &[&str] = &["month"];

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    month: String,
    before: Place,
}

#[derive(Serialize)]
struct Page {
    month: String,
    month_in_words: String,
    earlier: Option<String>,
    later: Option<String>,
    /// What came and went, for each currency.
    totals: Vec<TotalView>,
    sums: Vec<SumView>,
    /// How many entries happened in months that were closed by then.
    late: i64,
    /// Who closed it, and when.
    closed: Option<String>,
    can_be_closed: bool,
    /// From which day on it can be.
    closes_from: Option<String>,
    compared: Option<ComparedView>,
    /// Since when it is being compared.
    comparing: Option<String>,
    /// That it did not work, and when it is tried again.
    not_compared: Option<String>,
    /// Whether a payment provider is set up.
    open: bool,
    payouts: Vec<PayoutView>,
    pages: Links,
    form: Form,
}

/// A month in a currency, as a treasurer counts it.
#[derive(Serialize)]
struct TotalView {
    given: String,
    sent_back: Option<String>,
    taken_back: Option<String>,
    fees: Option<String>,
    exchanged: Option<String>,
    left: String,
}

#[derive(Serialize)]
struct SumView {
    account: &'static str,
    kind: &'static str,
    number: i64,
    amount: String,
}

#[derive(Serialize)]
struct ComparedView {
    at: String,
    /// From this day until this moment.
    from: String,
    until: String,
    equal_at: Option<String>,
    is_equal: bool,
    /// Whether there was nothing to compare.
    of_nothing: bool,
    compared: u64,
    different: u64,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct PayoutView {
    id: String,
    amount: String,
    state: &'static str,
    pill: &'static str,
    arrives: String,
    gifts: i64,
    failure: String,
}

#[derive(Serialize)]
struct PaidOutPage {
    id: String,
    lines: Vec<PaidOutView>,
    pages: Links,
}

#[derive(Serialize)]
struct PaidOutView {
    kind: &'static str,
    amount: String,
    fee: String,
    net: String,
    at: String,
    donation: Option<String>,
}

/// `GET /desk/donations/book`
pub(crate) async fn show(desk: Desk, Query(asked): Query<Asked>) -> Outcome {
    let page = page(&desk, &asked, Form::new(FIELDS)).await?;
    let mut response = desk.page(TEMPLATE, TITLE, &page).await?;
    if page.comparing.is_some() {
        response.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(response)
}

/// `POST /desk/donations/book/compare`: the book is compared with the payment service now, in the background.
pub(crate) async fn compare(desk: Desk, posted: Posted) -> Outcome {
    if desk.app.payments.is_none() {
        return Err(WebError::NotFound);
    }
    let mends = if posted.form(&["mend"])?.is_ticked("mend") { Mends::Yes } else { Mends::No };
    donations::ask_to_compare(desk.site(), mends).await?;
    Ok(see_other("/desk/donations/book#compared-title"))
}

/// `POST /desk/donations/book`: a month is closed, and whatever is before it.
pub(crate) async fn close(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let month = form.text("month").to_owned();
    match donations::close_month(desk.site(), (desk.who.staff.id, desk.who.staff.role), &month).await {
        Ok(()) => Ok(see_other(&format!("/desk/donations/book?month={month}&done=month-closed"))),
        Err(CloseError::Database(error)) => Err(error.into()),
        Err(error) => {
            form.mistake("month", error.to_string());
            let page = page(&desk, &Asked::default(), form).await?;
            desk.page_again(TEMPLATE, TITLE, &page).await
        }
    }
}

async fn page(desk: &Desk, asked: &Asked, form: Form) -> Result<Page, WebError> {
    let (db, zone, now) = (&desk.site().db, desk.zone(), desk.site().now());
    let this = now.day(zone)[..7].to_owned();
    let month = if donations::month_bounds(&asked.month, zone).is_some() {
        asked.month.clone()
    } else {
        this.clone()
    };
    let (from, until) = donations::month_bounds(&month, zone).unwrap_or((now, now));
    let sums = donations::book_sums(db, from, until).await?;
    let closed = donations::closed_months(db).await?;
    let closed_by = closed.iter().find(|one| one.month == month).map(|one| {
        let by = one.closed_by.as_deref().unwrap_or("somebody who is not on the team any more");
        format!("Closed on {} by {by}.", one.closed_at.date(zone))
    });
    let closed_until = closed.iter().map(|one| one.until).max();
    let is_within = closed_until.is_some_and(|closed| closed >= until);
    let closed = closed_by.or_else(|| is_within.then(|| "Closed, with a later month.".to_owned()));
    let list =
        List { path: "/desk/donations/book#payouts-title", place: "before", kept: &[("month", &month)] };
    let read = |most| donations::payouts_page(db, asked.before.id(), most);
    let (payouts, pages) = list.page(asked.before, PAGE, read, |last| [last.id]).await?;
    let (comparing, not_compared) = match donations::comparison_underway(db).await? {
        Some(Underway { last_error: Some(why), next_at, .. }) => {
            let again = next_at.max(now).time(zone);
            (
                None,
                Some(format!(
                    "It did not work the last time ({why}), and is tried again by itself about {again}."
                )),
            )
        }
        Some(underway) => (Some(underway.asked_at.time(zone)), None),
        None => (None, None),
    };
    let neighbour = |months: i64| zone.months_after(from, months).day(zone)[..7].to_owned();
    let later = neighbour(1);
    Ok(Page {
        month_in_words: month_in_words(&month),
        earlier: Some(neighbour(-1)),
        later: (later <= this).then_some(later),
        late: sums.iter().map(|sum| sum.late).sum(),
        can_be_closed: closed.is_none() && until <= now,
        closes_from: (closed.is_none() && until > now).then(|| until.date(zone)),
        closed,
        totals: totals(&sums),
        sums: sums.iter().map(sum).collect(),
        compared: donations::last_reconciled(db).await?.map(|last| ComparedView {
            at: last.at.date_time(zone),
            equal_at: last.equal_at.map(|at| at.date_time(zone)),
            is_equal: last.found.is_equal(),
            of_nothing: last.found.is_of_nothing(),
            from: last.found.from.date(zone),
            until: last.found.until.date_time(zone),
            compared: last.found.compared,
            different: last.found.different,
            differences: last.found.differences.into_iter().take(20).collect(),
        }),
        comparing,
        not_compared,
        open: desk.app.payments.is_some(),
        payouts: payouts.into_iter().map(|one| payout(one, |at| at.date(zone))).collect(),
        pages,
        form: if form.text("month").is_empty() { form.with("month", &month) } else { form },
        month,
    })
}

/// `GET /desk/donations/payouts/{id}`
pub(crate) async fn show_payout(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Outcome {
    let (db, zone) = (&desk.site().db, desk.zone());
    let path = format!("/desk/donations/payouts/{id}");
    let list = List { path: &path, place: "before", kept: &[] };
    let read = |most| donations::paid_out(db, &id, asked.before.id(), most);
    let (lines, pages) = list.page(asked.before, PAGE, read, |last| [last.id]).await?;
    if lines.is_empty() && asked.before.id().is_none() {
        return Err(WebError::NotFound);
    }
    let view = |one: PaidOut| PaidOutView {
        kind: words::moved(&one.kind, one.donation.is_some()),
        amount: figures(one.amount_minor, &one.currency),
        fee: figures(one.fee_minor, &one.currency),
        net: figures(one.amount_minor - one.fee_minor, &one.currency),
        at: one.at.date(zone),
        donation: one.donation,
    };
    let page = PaidOutPage { lines: lines.into_iter().map(view).collect(), pages, id };
    desk.page("desk/donations/payout", "Paid out", &page).await
}

fn totals(sums: &[MonthSum]) -> Vec<TotalView> {
    let currencies: BTreeSet<&str> = sums.iter().map(|one| one.currency.as_str()).collect();
    let of = |currency: &str, accounts: &[Account]| {
        let ours = sums.iter().filter(|one| one.currency == currency && accounts.contains(&one.account));
        ours.map(|one| one.minor).sum::<i64>()
    };
    let view = |currency: &str| {
        let given = -of(currency, &[Account::IncomeOnce, Account::IncomeMonthly, Account::IncomeOffline]);
        let went = [Account::Refunds, Account::Disputed, Account::Fees, Account::Exchange]
            .map(|account| of(currency, &[account]));
        let shown = |minor: i64| (minor != 0).then(|| figures(minor, currency));
        TotalView {
            given: figures(given, currency),
            sent_back: shown(went[0]),
            taken_back: shown(went[1]),
            fees: shown(went[2]),
            exchanged: shown(went[3]),
            left: figures(given - went.iter().sum::<i64>(), currency),
        }
    };
    currencies.into_iter().map(view).collect()
}

fn sum(sum: &MonthSum) -> SumView {
    SumView {
        account: words::account(sum.account),
        kind: words::posting(sum.kind),
        number: sum.number,
        amount: sum.amount(),
    }
}

fn payout(one: PayoutLine, day: impl Fn(Moment) -> String) -> PayoutView {
    let (state, pill) = words::payout(one.state);
    PayoutView {
        amount: one.amount(),
        state,
        pill,
        arrives: day(one.arrives_at),
        gifts: one.gifts,
        failure: one.failure,
        id: one.provider_payout_id,
    }
}
