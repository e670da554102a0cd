//! `/desk/account`: one's own password.

use serde::Serialize;

use super::super::{
    Desk, Form, Outcome, Posted,
    answers::{busy, invalid, too_many},
    session::{see_other, with_cookie},
};
use crate::staff::{self, AccountError, Incoming};

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
pub(crate) async fn submit(desk: Desk, incoming: Incoming, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let (site, staff) = (desk.site(), &desk.who.staff);
    let (present, new) = (form.raw("present"), form.raw("password"));
    let (field, error) = match staff::change_password(site, &incoming, staff, present, new).await {
        Ok(session) => return Ok(with_cookie(site, &session, see_other("/desk/account?done=password"))),
        Err(error @ AccountError::Password(_)) => ("password", error),
        Err(error @ (AccountError::WrongPassword | AccountError::TooMany(_) | AccountError::Busy(_))) => {
            ("present", error)
        }
        Err(error) => return Err(error.into()),
    };
    form.mistake(field, &error);
    form.blank("present");
    form.blank("password");
    let page = Page::new(&desk, form);
    let page = desk.page("desk/account", TITLE, &page).await?;
    Ok(match error {
        AccountError::TooMany(wait) => too_many(wait, page),
        AccountError::Busy(_) => busy(page),
        _ => invalid(page),
    })
}
