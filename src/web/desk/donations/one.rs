//! `/desk/donations/{id}`: one gift with its lines in the book, what came back of it, notes, and what the team does with it.

use axum::extract::Path;
use serde::Serialize;

use super::view::{EventView, Line, events, line, who};
use crate::{
    audit_log,
    clock::{Moment, Zone},
    donations::{
        self, Account, CancelError, DeskLetter, DisputeLine, GiftReturns, LedgerLine, LetterAsked, NeverAsk,
        RecurringState, RefundAsk, RefundError, RefundLine, RefundMade, RegularGift,
    },
    money::{self, Money},
    staff::Role,
    token,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        session::see_other,
        words::{count, donations as words},
    },
};

const TEMPLATE: &str = "desk/donations/one";
const FIELDS: &[&str] = &["text", "amount", "why", "key", "why_end"];

#[derive(Serialize)]
struct Page {
    line: Line,
    /// Where whoever gave is forgotten, for who may do that.
    forget: Option<String>,
    created: String,
    paid: Option<String>,
    card: Option<String>,
    /// The article under which they were asked.
    article: Option<ArticleView>,
    /// The regular donation that it is one payment of.
    regular: Option<RegularView>,
    session: Option<String>,
    payment: Option<String>,
    invoice: Option<String>,
    entries: Vec<EntryView>,
    events: Vec<EventView>,
    /// What is left of it, where some of it came back.
    left: Option<String>,
    /// Whether it can be sent back from here.
    can_go_back: bool,
    refunds: Vec<RefundView>,
    disputes: Vec<DisputeView>,
    /// A bank warns of it, and sending it back now spares the dispute.
    warned: bool,
    form: Form,
    notes: Vec<NoteView>,
    /// Whether somebody is known who may be asked for gifts, and since when they are not.
    knows_who: bool,
    /// Whether its receipt can be sent once more.
    has_receipt: bool,
    never_asked_since: Option<String>,
    /// Whether they may be named in public.
    may_be_named: bool,
}

/// How a regular donation is now, which may be otherwise than when this payment of it was made.
#[derive(Serialize)]
struct RegularView {
    state: &'static str,
    amount: String,
    every: String,
    began: Option<String>,
    /// When it is taken next, if it is.
    next: Option<String>,
    rests: bool,
    rests_until: Option<String>,
    ends: Option<String>,
    ended: Option<String>,
    /// Whether it can be ended from here.
    runs: bool,
}

impl RegularView {
    fn new(desk: &Desk, gift: RegularGift) -> Self {
        let day = |at: Moment| at.date(desk.zone());
        let is_taken = matches!(gift.state, RecurringState::Active | RecurringState::PastDue);
        let next = gift.next_at.filter(|at| is_taken && *at > desk.site().now());
        Self {
            state: words::regular(gift.state),
            every: gift.rhythm.words(),
            amount: gift.amount,
            began: gift.began_at.map(day),
            next: next.filter(|at| gift.ends_at.is_none_or(|ends| *at < ends)).map(day),
            rests: gift.state == RecurringState::Paused,
            rests_until: gift.rests_until.map(day),
            ends: gift.ends_at.map(day),
            ended: gift.ended_at.map(day),
            runs: gift.state.runs() && desk.app.payments.is_some(),
        }
    }
}

#[derive(Serialize)]
struct ArticleView {
    title: String,
    /// Its page at the desk, while it is there.
    href: Option<String>,
    /// What came from it so far.
    sums: Vec<String>,
}

#[derive(Serialize)]
struct RefundView {
    amount: String,
    state: &'static str,
    pill: &'static str,
    at: String,
    why: Option<String>,
    by: Option<String>,
    failure: String,
}

#[derive(Serialize)]
struct DisputeView {
    amount: String,
    state: &'static str,
    pill: &'static str,
    at: String,
    why: String,
    /// Until when an answer counts, where one is waited for.
    due: Option<String>,
    is_answered: bool,
    evidence: Vec<&'static str>,
    id: String,
}

#[derive(Serialize)]
struct NoteView {
    text: String,
    who: String,
    at: String,
}

#[derive(Serialize)]
struct EntryView {
    kind: &'static str,
    account: String,
    amount: String,
    reference: String,
    at: String,
    /// The day on which it happened, where its month was closed by the time we heard.
    happened: Option<String>,
}

/// `GET /desk/donations/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let page = page(&desk, &id, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, "Donation", &page).await
}

async fn page(desk: &Desk, id: &str, mut form: Form) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let whole = donations::whole_donation(db, id).await?.ok_or(WebError::NotFound)?;
    let (donation, zone) = (whole.donation, desk.zone());
    let may_forget = desk.may(Role::OWNING) && !donation.email.is_empty();
    let asking = NeverAsk::of(db, id).await?;
    let may_be_named = donations::may_be_named(desk.site(), id).await?;
    let notes = donations::notes_on_gift(db, donation.id).await?;
    let GiftReturns { refunds, disputes, warnings } = donations::returns_of(db, id).await?;
    let article = article(desk, donation.id).await?;
    let left = donation.amount_minor - donation.back_minor;
    let is_disputed = disputes.iter().any(|one| one.state.is_open() && !one.state.is_inquiry());
    let can_go_back = donation.is_paid()
        && donation.provider_payment_id.is_some()
        && left > 0
        && !is_disputed
        && desk.app.payments.is_some();
    if can_go_back && form.text("key").is_empty() {
        form = form.with("key", token::public_id());
        if let Some(currency) = money::currency(&donation.currency) {
            form = form.with("amount", Money::new(left, currency).figures());
        }
    }
    Ok(Page {
        forget: may_forget.then(|| format!("/desk/donations/{id}/forget")),
        created: donation.created_at.date_time(zone),
        paid: donation.paid_at.map(|at| at.date_time(zone)),
        card: donation.card(),
        article,
        regular: match &donation.recurring_public_id {
            Some(id) => donations::regular_gift(db, id).await?.map(|gift| RegularView::new(desk, gift)),
            None => None,
        },
        session: donation.provider_session_id.clone(),
        payment: donation.provider_payment_id.clone(),
        invoice: donation.provider_invoice_id.clone(),
        entries: whole.entries.into_iter().map(|one| entry(one, zone)).collect(),
        events: events(whole.events, zone),
        left: (donation.back_minor > 0).then(|| donation.left()),
        can_go_back,
        refunds: refunds.into_iter().map(|one| refunded(one, zone)).collect(),
        disputes: disputes.into_iter().map(|one| disputed(one, zone)).collect(),
        warned: can_go_back && warnings.iter().any(|one| one.is_actionable),
        has_receipt: left > 0 && donation.receipt_number.is_some(),
        may_be_named,
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

async fn article(desk: &Desk, donation_id: i64) -> Result<Option<ArticleView>, WebError> {
    let db = &desk.site().db;
    let Some(from) = donations::article_of_gift(db, donation_id).await? else { return Ok(None) };
    let sums = match from.id {
        Some(id) => donations::gifts_from_article(db, id).await?,
        None => Vec::new(),
    };
    Ok(Some(ArticleView {
        title: from.title,
        href: from.id.map(|id| format!("/desk/articles/{}", id.0)),
        sums: sums
            .iter()
            .map(|total| format!("{} in {}", total.amount(), count(total.number, "gift")))
            .collect(),
    }))
}

/// `POST /desk/donations/{id}/refund`: pressed twice, it is sent back once.
pub(crate) async fn refund(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let gift = donations::find_donation(&desk.site().db, &id).await?.ok_or(WebError::NotFound)?;
    let Some(payments) = desk.app.payments.clone() else { return Err(WebError::NotFound) };
    let currency = money::currency(&gift.currency).ok_or(WebError::NotFound)?;
    let amount = form.parse("amount", |typed| Money::parse(typed, currency));
    let why = form.required("why", 500, "Say why: whoever keeps the books will ask.");
    let key = form.text("key").to_owned();
    if key.len() < 20 {
        return Err(WebError::BadRequest("Go back, reload the page and press the button again."));
    }
    let (Some(amount), true) = (amount, form.is_valid()) else { return again(&desk, &id, form).await };
    let ask = RefundAsk { key: &key, donation: &id, amount_minor: amount.minor, why: &why };
    let by = (desk.who.staff.id, desk.who.staff.role);
    let mistake = match donations::refund(desk.site(), payments.provider.as_ref(), by, &ask).await {
        Ok(RefundMade::Done) => {
            return Ok(see_other(&format!("/desk/donations/{id}?done=sent-back#back-title")));
        }
        Ok(RefundMade::Waits) => {
            return Ok(see_other(&format!("/desk/donations/{id}?done=being-sent-back#back-title")));
        }
        Err(RefundError::Database(error)) => return Err(error.into()),
        Err(RefundError::NotFound) => return Err(WebError::NotFound),
        Err(RefundError::Provider(error)) => {
            tracing::warn!(gift = id, error = error.for_the_record(), "a gift could not be sent back");
            "The payment service refused. Nothing was sent back. Look at the payment there; it says why."
                .to_owned()
        }
        Err(error) => error.to_string(),
    };
    form.mistake("amount", &mistake);
    // What failed is over: the next press asks for something new.
    again(&desk, &id, form.holding("key", token::public_id())).await
}

/// `POST /desk/donations/{id}/end`: the regular donation that it is one gift of ends at once. The supporter gets the letter about it.
pub(crate) async fn end(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let gift = donations::find_donation(&desk.site().db, &id).await?.ok_or(WebError::NotFound)?;
    let recurring = gift.recurring_public_id.ok_or(WebError::NotFound)?;
    let why = form.required("why_end", 300, "Say why: the log keeps it.");
    if !form.is_valid() {
        return again(&desk, &id, form).await;
    }
    let site = desk.site();
    audit_log::note(site, Some(desk.who.staff.id), "ended a regular donation", &format!("gift {id}"), &why)
        .await?;
    let provider = desk.app.payments.as_ref().map(|payments| payments.provider.as_ref());
    let token = donations::manage_token(site, &recurring);
    match donations::cancel_monthly(site, provider, &token).await {
        Ok(()) => Ok(see_other(&format!("/desk/donations/{id}?done=ended"))),
        Err(CancelError::NotYet(_)) => Ok(see_other(&format!("/desk/donations/{id}?done=ending"))),
        Err(CancelError::NotFound) => Err(WebError::NotFound),
        Err(CancelError::Database(error)) => Err(error.into()),
    }
}

/// `POST /desk/donations/{id}/letter`: the receipt, or the link to their own page, to whoever gave.
pub(crate) async fn letter(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let what = match posted.form(&["what"])?.text("what") {
        "receipt" => DeskLetter::Receipt,
        "link" => DeskLetter::Link,
        _ => return Err(WebError::BadRequest("Go back, reload the page and press the button again.")),
    };
    match donations::write_from_desk(desk.site(), desk.who.staff.id, &id, what).await? {
        LetterAsked::Sent => Ok(see_other(&format!("/desk/donations/{id}?done=letter-sent"))),
        LetterAsked::Enough => Ok(see_other(&format!("/desk/donations/{id}?done=letters-enough"))),
        LetterAsked::NotFound => Err(WebError::NotFound),
    }
}

/// `POST /desk/donations/{id}/note`
pub(crate) async fn note(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let text = form.required("text", 1_000, "Write the note first.");
    if !form.is_valid() {
        return again(&desk, &id, form).await;
    }
    if donations::note_on_gift(desk.site(), desk.who.staff.id, &id, &text).await? {
        Ok(see_other(&format!("/desk/donations/{id}?done=noted#notes-title")))
    } else {
        Err(WebError::NotFound)
    }
}

/// `POST /desk/donations/{id}/asking`: whoever gave is not asked for gifts any more, or may be again.
pub(crate) async fn asking(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["never"])?;
    let never = match form.text("never") {
        "yes" => true,
        "no" => false,
        _ => return Err(WebError::BadRequest("Go back, reload the page and press the button again.")),
    };
    donations::never_ask(desk.site(), desk.who.staff.id, &id, never).await?;
    Ok(see_other(&format!("/desk/donations/{id}?done=saved")))
}

/// The same page, with what was typed on it.
async fn again(desk: &Desk, id: &str, form: Form) -> Outcome {
    let page = page(desk, id, form).await?;
    desk.page_again(TEMPLATE, "Donation", &page).await
}

fn refunded(one: RefundLine, zone: &Zone) -> RefundView {
    let (state, pill) = words::refund(one.state);
    RefundView {
        amount: one.amount(),
        state,
        pill,
        at: one.created_at.date_time(zone),
        why: one.why,
        by: one.asked_by,
        failure: one.failure.replace('_', " "),
    }
}

fn disputed(one: DisputeLine, zone: &Zone) -> DisputeView {
    let (state, pill) = words::dispute(one.state);
    let waits = one.state.waits_for_us();
    DisputeView {
        amount: one.amount(),
        state,
        pill,
        at: one.created_at.date_time(zone),
        why: donations::why_disputed(&one.reason),
        due: one.due_at.filter(|_| waits).map(|at| at.date_time(zone)),
        is_answered: one.is_answered,
        evidence: if waits { words::evidence(&one.reason) } else { Vec::new() },
        id: one.provider_dispute_id,
    }
}

fn entry(entry: LedgerLine, zone: &Zone) -> EntryView {
    EntryView {
        kind: words::posting(entry.kind),
        account: Account::parse(&entry.account)
            .map_or(entry.account.clone(), |account| words::account(account).to_owned()),
        amount: entry.amount(),
        at: entry.at.date_time(zone),
        happened: entry.happened_at.map(|at| at.date(zone)),
        reference: entry.reference,
    }
}
