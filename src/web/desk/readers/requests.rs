//! `/desk/requests`: what readers ask by law, by when, and what came of it.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    email_address::EmailAddress,
    subscribers::requests::{self, Request, RequestKind},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::readers::{asks, asks_for},
    },
};

const FIELDS: &[&str] = &["kind", "email", "detail"];
const OUTCOME: &[&str] = &["outcome"];
const TITLE: &str = "Requests";
const PAGE: usize = 50;

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
}

#[derive(Serialize)]
struct Kind {
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
}

/// `GET /desk/requests`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let form = Form::new(FIELDS).with("email", look.email.clone());
    let page = page(&desk, &look, form, Form::new(OUTCOME)).await?;
    desk.page("desk/readers/requests", TITLE, &page).await
}

/// `POST /desk/requests`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let kind = form.parse("kind", |kind| RequestKind::parse(kind).ok_or("Say what they ask."));
    let email = form.parse("email", EmailAddress::parse);
    let detail = form.optional("detail", 1_000);
    let (Some(kind), Some(email), true) = (kind, email, form.is_valid()) else {
        let page = page(&desk, &Look::default(), form, Form::new(OUTCOME)).await?;
        return desk.page_again("desk/readers/requests", TITLE, &page).await;
    };
    requests::add(desk.site(), (kind, &email, &detail), desk.zone(), desk.who.staff.id).await?;
    Ok(see_other("/desk/requests?done=saved"))
}

/// `POST /desk/requests/{id}/close`
pub(crate) async fn close(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    let mut done = posted.form(OUTCOME)?;
    let outcome = done.required("outcome", 1_000, "Say what was done: somebody may ask later.");
    if !done.is_valid() {
        let page = page(&desk, &Look::default(), Form::new(FIELDS), done).await?;
        return desk.page_again("desk/readers/requests", TITLE, &page).await;
    }
    if !requests::close(desk.site(), id, &outcome, desk.who.staff.id).await? {
        return Err(WebError::NotFound);
    }
    Ok(see_other("/desk/requests?done=saved"))
}

async fn page(desk: &Desk, look: &Look, form: Form, done: Form) -> Result<Page, WebError> {
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
        what: asks(one.kind),
        who: one.address,
        detail: one.detail,
        received: one.received_at.date(zone),
        due: one.due_at.date(zone),
        is_late: one.due_at < now,
        outcome: one.outcome,
        closed: one.closed_at.map(|at| at.date(zone)).unwrap_or_default(),
    };
    let kind = |kind: RequestKind| Kind {
        value: kind.as_str(),
        label: asks_for(kind),
        chosen: form.text("kind") == kind.as_str(),
    };
    Ok(Page {
        open: open.into_iter().map(view).collect(),
        open_pages,
        closed: closed.into_iter().map(view).collect(),
        closed_pages,
        kinds: RequestKind::ALL.into_iter().map(kind).collect(),
        form,
        done,
    })
}
