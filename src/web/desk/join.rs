//! `/desk/join/{token}`: taking up an invitation by choosing a password.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{
        App, Form, Outcome, Posted, WebError,
        session::{see_other, with_cookie},
    },
    door, door_again,
};
use crate::staff::{AccountError, Staff, accounts};

const FIELDS: &[&str] = &["password"];

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

impl From<AccountError> for WebError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Database(error) => error.into(),
            AccountError::NotFound => Self::NotFound,
            AccountError::Link => Self::ExpiredLink,
            other => Self::Conflict(other.to_string()),
        }
    }
}

/// `GET /desk/join/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let staff = accounts::invited(&app.site, &token).await?;
    door(&app, "desk/join", "Join the team", &Page::new(staff, Form::new(FIELDS))).await
}

/// `POST /desk/join/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    match accounts::join(&app.site, app.password_cost, &token, form.raw("password")).await {
        Ok(session) => Ok(with_cookie(&app.site, &session, see_other("/desk"))),
        Err(AccountError::Password(error)) => {
            form.blank("password");
            form.mistake("password", error);
            let staff = accounts::invited(&app.site, &token).await?;
            door_again(&app, "desk/join", "Join the team", &Page::new(staff, form)).await
        }
        Err(error) => Err(error.into()),
    }
}
