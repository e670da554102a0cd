//! `/desk/donations/{id}/forget`: what forgetting a supporter does who is no reader, before an owner does it. Readers are forgotten on their
//! own page, with their gifts.

use axum::{extract::Path, response::Response};
use serde::Serialize;

use crate::{
    donations,
    dossier::{self, AtAddress, ForgottenBy},
    email_address::EmailAddress,
    subscribers::{self, Subscriber},
    web::{Desk, Form, Outcome, Posted, WebError, public::forget_me::Going, session::see_other},
};

const TITLE: &str = "Forget a supporter";
const TEMPLATE: &str = "desk/donations/forget";
const FIELDS: &[&str] = &["why"];

#[derive(Serialize)]
struct Page {
    form: Form,
    /// The donation.
    id: String,
    email: String,
    monthly: Vec<Going>,
}

/// `GET /desk/donations/{id}/forget`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let email = match supporter(&desk, &id).await? {
        Ok(email) => email,
        Err(reader) => return Ok(to_reader(&reader)),
    };
    let page = page(&desk, id, email, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/donations/{id}/forget`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let email = match supporter(&desk, &id).await? {
        Ok(email) => email,
        Err(reader) => return Ok(to_reader(&reader)),
    };
    let why = form.required("why", 300, "Say why: the team may ask later.");
    if !form.is_valid() {
        let page = page(&desk, id, email, form).await?;
        return desk.page_again(TEMPLATE, TITLE, &page).await;
    }
    let by = ForgottenBy { staff_id: Some(desk.who.staff.id), why: &why };
    match dossier::forget_address(desk.site(), &email, Some(by)).await? {
        AtAddress::Moved(reader) => Ok(to_reader(&reader)),
        AtAddress::Forgotten | AtAddress::Nothing => Ok(see_other("/desk/donations?done=forgotten")),
    }
}

/// The address of whoever gave; or the reader whose it is, or was.
async fn supporter(desk: &Desk, id: &str) -> Result<Result<EmailAddress, Subscriber>, WebError> {
    let whole = donations::whole_donation(&desk.site().db, id).await?.ok_or(WebError::NotFound)?;
    // Nothing says any more whose it was that was forgotten.
    let email = EmailAddress::parse(&whole.donation.email).map_err(|_| WebError::NotFound)?;
    if let Some(reader) = subscribers::by_email(&desk.site().db, &email).await? {
        return Ok(Err(reader));
    }
    Ok(subscribers::who_had(desk.site(), &email).await?.map_or(Ok(email), Err))
}

fn to_reader(reader: &Subscriber) -> Response {
    see_other(&format!("/desk/readers/{}/forget", reader.public_id))
}

async fn page(desk: &Desk, id: String, email: EmailAddress, form: Form) -> Result<Page, WebError> {
    let monthly = dossier::goes_on(desk.site(), &email).await?;
    let monthly = monthly.iter().map(|one| Going::new(desk.site(), one)).collect();
    Ok(Page { form, id, email: email.to_string(), monthly })
}
