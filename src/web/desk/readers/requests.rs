//! `/desk/requests`: what readers ask by law, by when, and what came of it.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    email_address::EmailAddress,
    subscribers::requests::{self, Request, RequestKind},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        paging::{Links, List, Place},
        session::see_other,
        words::readers::{asks, asks_for},
    },
};

pub(super) const FIELDS: &[&str] = &["kind", "email", "came", "detail", "seen"];
const OUTCOME: &[&str] = &["outcome"];
const TITLE: &str = "Requests";
const PAGE: usize = 50;
/// What the log calls a look at these pages.
pub(super) const UNDER: &str = "under Requests";

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    /// Whose request is written down.
    email: String,
    open: Place<2>,
    closed: Place,
}

#[derive(Serialize)]
struct Page {
    open: Vec<View>,
    open_pages: Links,
    closed: Vec<View>,
    closed_pages: Links,
    kinds: Vec<Kind>,
    form: Form,
    /// What was done; filled in on one of the lines.
    done: Form,
    /// Today, as browsers write a day.
    today: String,
}

#[derive(Serialize)]
pub(super) struct Kind {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct View {
    id: i64,
    what: &'static str,
    who: String,
    detail: String,
    received: String,
    due: String,
    is_late: bool,
    outcome: String,
    closed: String,
    /// Their page, or whoever is found by what they wrote.
    path: String,
    /// What was typed here, where it comes back.
    typed: String,
    may_be_corrected: bool,
}

/// `GET /desk/requests`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let form = new(&desk).with("email", look.email.clone());
    let page = page(&desk, &look, form, Done::default()).await?;
    desk.page("desk/readers/requests", TITLE, &page).await
}

/// `POST /desk/requests`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let Some(Typed { kind, email, detail, came }) = read(&desk, &mut form) else {
        let page = page(&desk, &Look::default(), form, Done::default()).await?;
        return desk.page_again("desk/readers/requests", TITLE, &page).await;
    };
    requests::add(desk.site(), (kind, &email, &detail), came, desk.zone(), desk.who.staff.id).await?;
    Ok(see_other("/desk/requests?done=saved"))
}

/// A request as it was typed.
pub(super) struct Typed {
    pub(super) kind: RequestKind,
    pub(super) email: EmailAddress,
    pub(super) detail: String,
    /// The day on which it came.
    pub(super) came: (Moment, Moment),
}

/// What was typed, or the mistakes noted in the form.
pub(super) fn read(desk: &Desk, form: &mut Form) -> Option<Typed> {
    let kind = form.parse("kind", |kind| RequestKind::parse(kind).ok_or("Say what they ask."));
    let email = form.parse("email", EmailAddress::parse);
    let detail = form.optional("detail", 1_000);
    let now = desk.site().now();
    let came = form.parse("came", |day| {
        let day = day.parse().ok().and_then(|day| desk.zone().day(day));
        day.filter(|(begins, _)| *begins <= now).ok_or("Enter the day on which it came: today, or before.")
    });
    let typed = Typed { kind: kind?, email: email?, detail, came: came? };
    form.is_valid().then_some(typed)
}

/// What can be asked, to choose.
pub(super) fn kinds(form: &Form) -> Vec<Kind> {
    let kind = |kind: RequestKind| Kind {
        value: kind.as_str(),
        label: asks_for(kind),
        chosen: form.text("kind") == kind.as_str(),
    };
    RequestKind::ALL.into_iter().map(kind).collect()
}

/// `POST /desk/requests/{id}/close`
pub(crate) async fn close(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id: i64 = id.parse().map_err(|_| WebError::NotFound)?;
    let request = requests::one(&desk.site().db, id).await?.ok_or(WebError::NotFound)?;
    let mut done = posted.form(OUTCOME)?;
    let outcome = done.required("outcome", 1_000, "Say what was done: somebody may ask later.");
    // The page that it stands on, the first of them.
    let look = Look { open: Place(Some([request.due_at.0, id - 1])), ..Look::default() };
    if request.closed_at.is_none() && !done.is_valid() {
        let page = page(&desk, &look, new(&desk), Done { id, form: done }).await?;
        return desk.page_again("desk/readers/requests", TITLE, &page).await;
    }
    if !requests::close(desk.site(), id, &outcome, desk.who.staff.id).await? {
        done.mistake("outcome", "Somebody closed it meanwhile: see under Answered what they wrote.");
        let page = page(&desk, &Look::default(), new(&desk), Done { id, form: done }).await?;
        return desk.page("desk/readers/requests", TITLE, &page).await.map(conflict);
    }
    Ok(see_other("/desk/requests?done=saved"))
}

/// What was typed to close one.
struct Done {
    id: i64,
    form: Form,
}

impl Default for Done {
    fn default() -> Self {
        Self { id: 0, form: Form::new(OUTCOME) }
    }
}

fn new(desk: &Desk) -> Form {
    Form::new(FIELDS).with("came", today(desk))
}

pub(super) fn today(desk: &Desk) -> String {
    desk.site().now().day(desk.zone())
}

async fn page(desk: &Desk, look: &Look, form: Form, done: Done) -> Result<Page, WebError> {
    desk.looks("", UNDER).await?;
    let (db, zone, now) = (&desk.site().db, desk.zone(), desk.site().now());
    let list = List { path: "/desk/requests", place: "open", kept: &[] };
    let from = look.open.0.map(|[due, id]| (Moment(due), id));
    let read = |most| requests::open(db, from, most);
    let (open, open_pages) = list.page(look.open, PAGE, read, |last| [last.due_at.0, last.id]).await?;
    let list = List { path: "/desk/requests#closed", place: "closed", kept: &[] };
    let read = |most| requests::closed(db, look.closed.id(), most);
    let (closed, closed_pages) = list.page(look.closed, PAGE, read, |last| [last.id]).await?;
    let view = |one: Request| View {
        id: one.id,
        path: List { path: "/desk/readers", place: "", kept: &[("q", one.address.as_str())] }
            .address::<1>(None),
        typed: if one.id == done.id { done.form.raw("outcome").to_owned() } else { String::new() },
        may_be_corrected: one.may_be_corrected(),
        what: asks(one.kind),
        who: one.address,
        detail: one.detail,
        received: one.received_at.date(zone),
        due: one.due_at.date(zone),
        is_late: one.due_at < now,
        outcome: one.outcome,
        closed: one.closed_at.map(|at| at.date(zone)).unwrap_or_default(),
    };
    Ok(Page {
        open: open.into_iter().map(view).collect(),
        open_pages,
        closed: closed.into_iter().map(view).collect(),
        closed_pages,
        kinds: kinds(&form),
        form,
        today: today(desk),
        done: done.form,
    })
}
