//! `/desk/account`: one's own password.

use serde::Serialize;

use super::super::{
    Desk, Form, Outcome, Posted,
    session::{see_other, with_cookie},
};
use crate::staff::{AccountError, accounts};

const FIELDS: &[&str] = &["present", "password"];
const TITLE: &str = "Your account";

#[derive(Serialize)]
struct Page {
    name: String,
    email: String,
    role: &'static str,
    meaning: &'static str,
    form: Form,
}

impl Page {
    fn new(desk: &Desk, form: Form) -> Self {
        let staff = &desk.who.staff;
        Self {
            name: staff.name.clone(),
            email: staff.email.to_string(),
            role: staff.role.as_str(),
            meaning: staff.role.meaning(),
            form,
        }
    }
}

/// `GET /desk/account`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = Page::new(&desk, Form::new(FIELDS));
    desk.page("desk/account", TITLE, &page).await
}

/// `POST /desk/account`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let (site, cost, staff) = (desk.site(), desk.app.password_cost, &desk.who.staff);
    match accounts::change_password(site, cost, staff, form.raw("present"), form.raw("password")).await {
        Ok(session) => return Ok(with_cookie(site, &session, see_other("/desk/account?done=password"))),
        Err(AccountError::WrongPassword) => form.mistake("present", AccountError::WrongPassword),
        Err(AccountError::Password(error)) => form.mistake("password", error),
        Err(error) => return Err(error.into()),
    }
    form.blank("present");
    form.blank("password");
    desk.page_again("desk/account", TITLE, &Page::new(&desk, form)).await
}
