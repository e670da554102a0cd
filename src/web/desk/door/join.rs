//! `/desk/join/{token}`: taking up an invitation by choosing a password.

use axum::extract::{Path, State};
use serde::Serialize;

use super::door;
use crate::{
    staff::{self, AccountError, Incoming, Staff},
    web::{
        App, Form, Outcome, Posted,
        answers::{busy, invalid},
        session::{see_other, with_cookie},
    },
};

const FIELDS: &[&str] = &["password"];
const TITLE: &str = "Join the team";

#[derive(Serialize)]
struct Page {
    name: String,
    email: String,
    meaning: &'static str,
    form: Form,
}

impl Page {
    fn new(staff: Staff, form: Form) -> Self {
        Self { name: staff.name, email: staff.email.to_string(), meaning: staff.role.meaning(), form }
    }
}

/// `GET /desk/join/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let staff = staff::invited(&app.site, &token).await?;
    door(&app, "desk/join", TITLE, &Page::new(staff, Form::new(FIELDS))).await
}

/// `POST /desk/join/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    incoming: Incoming,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let error = match staff::join(&app.site, &incoming, &token, form.raw("password")).await {
        Ok(session) => return Ok(with_cookie(&app.site, &session, see_other("/desk"))),
        Err(error @ (AccountError::Password(_) | AccountError::Busy(_))) => error,
        Err(error) => return Err(error.into()),
    };
    form.blank("password");
    form.mistake("password", &error);
    let page = Page::new(staff::invited(&app.site, &token).await?, form);
    if matches!(error, AccountError::Busy(_)) {
        return door(&app, "desk/join", TITLE, &page).await.map(busy);
    }
    door(&app, "desk/join", TITLE, &page).await.map(invalid)
}
