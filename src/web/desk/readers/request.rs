//! `/desk/requests/{id}`: putting right what was written down of a request that is open.

use axum::extract::Path;
use serde::Serialize;

use super::requests::{FIELDS, Kind, Typed, UNDER, kinds, read, today};
use crate::{
    subscribers::requests::{self, Request},
    web::{Desk, Form, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

const TEMPLATE: &str = "desk/readers/request";
const TITLE: &str = "Correct a request";
const CHANGED: &str =
    "Somebody else changed it since you opened the page. What you typed is below, not saved yet.";

#[derive(Serialize)]
struct Page {
    id: i64,
    form: Form,
    kinds: Vec<Kind>,
    today: String,
    trouble: Option<&'static str>,
}

impl Page {
    async fn new(desk: &Desk, id: i64, form: Form) -> Result<Self, WebError> {
        desk.looks("", UNDER).await?;
        Ok(Self { id, kinds: kinds(&form), today: today(desk), trouble: None, form })
    }
}

async fn find(desk: &Desk, id: &str) -> Result<Request, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    let request = requests::one(&desk.site().db, id).await?;
    request.filter(Request::may_be_corrected).ok_or(WebError::NotFound)
}

/// `GET /desk/requests/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let request = find(&desk, &id).await?;
    let form = Form::new(FIELDS)
        .with("kind", request.kind.as_str())
        .with("email", &request.address)
        .with("came", request.received_at.day(desk.zone()))
        .with("detail", &request.detail)
        .with("seen", request.version());
    desk.page(TEMPLATE, TITLE, &Page::new(&desk, request.id, form).await?).await
}

/// `POST /desk/requests/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let request = find(&desk, &id).await?;
    let Some(Typed { kind, email, detail, came }) = read(&desk, &mut form) else {
        return desk.page_again(TEMPLATE, TITLE, &Page::new(&desk, request.id, form).await?).await;
    };
    let (seen, who) = (form.text("seen").to_owned(), desk.who.staff.id);
    let new = (kind, &email, detail.as_str());
    if requests::correct(desk.site(), (request.id, &seen), new, came, desk.zone(), who).await? {
        return Ok(see_other("/desk/requests?done=saved"));
    }
    let version = find(&desk, &id).await?.version();
    let page =
        Page { trouble: Some(CHANGED), ..Page::new(&desk, request.id, form.holding("seen", version)).await? };
    desk.page(TEMPLATE, TITLE, &page).await.map(conflict)
}
