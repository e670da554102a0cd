//! `/desk/readers/{id}/forget`: what forgetting a reader does, before an owner does it. Who did and why stands in the log, without the address.

use axum::extract::Path;
use serde::Serialize;

use super::reader::find;
use crate::{
    dossier::{self, ForgottenBy},
    subscribers::Subscriber,
    web::{Desk, Form, Outcome, Posted, WebError, public::forget_me::Going, session::see_other},
};

const TITLE: &str = "Forget a reader";
const FIELDS: &[&str] = &["why"];

#[derive(Serialize)]
struct Page {
    form: Form,
    public_id: String,
    email: String,
    monthly: Vec<Going>,
}

/// `GET /desk/readers/{id}/forget`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let reader = find(&desk, &id).await?;
    let page = page(&desk, reader, Form::new(FIELDS)).await?;
    desk.page("desk/readers/forget", TITLE, &page).await
}

/// `POST /desk/readers/{id}/forget`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(FIELDS)?;
    let why = form.required("why", 300, "Say why: the team may ask later.");
    if !form.is_valid() {
        let page = page(&desk, reader, form).await?;
        return desk.page_again("desk/readers/forget", TITLE, &page).await;
    }
    let by = ForgottenBy { staff_id: Some(desk.who.staff.id), why: &why };
    dossier::forget_reader(desk.site(), &reader, Some(by)).await?;
    Ok(see_other("/desk/readers?done=forgotten"))
}

async fn page(desk: &Desk, reader: Subscriber, form: Form) -> Result<Page, WebError> {
    desk.looks(&reader.public_id, "").await?;
    let monthly = dossier::goes_on_of(desk.site(), &reader).await?;
    Ok(Page {
        form,
        public_id: reader.public_id,
        email: reader.email.to_string(),
        monthly: monthly.iter().map(|one| Going::new(desk.site(), one)).collect(),
    })
}
