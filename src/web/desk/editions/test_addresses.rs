//! `/desk/test-copies`: mailboxes beside their own that the team sends test copies to.

use serde::Serialize;

use crate::{
    email_address::EmailAddress,
    publishing::{self, MOST_TEST_ADDRESSES, TestAddress},
    web::{Desk, Form, Outcome, Posted, WebError, session::see_other, words::readers::stopped_because},
};

const FIELDS: &[&str] = &["email", "away"];
const TITLE: &str = "Addresses for test copies";
const TEMPLATE: &str = "desk/editions/test_addresses";

#[derive(Serialize)]
struct Page {
    addresses: Vec<Line>,
    /// No more are kept.
    is_full: bool,
    form: Form,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    address: String,
    by: String,
    stopped: Option<&'static str>,
}

/// `GET /desk/test-copies`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = page(&desk, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/test-copies`: keeps an address, or takes one away.
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let (site, who) = (desk.site(), desk.who.staff.id);
    if let Ok(away) = form.text("away").parse() {
        publishing::drop_test_address(site, away, who).await?;
        return Ok(see_other("/desk/test-copies?done=test-address-away"));
    }
    if let Some(email) = form.parse("email", EmailAddress::parse) {
        publishing::keep_test_address(site, &email, who).await?;
        return Ok(see_other("/desk/test-copies?done=test-address-kept"));
    }
    let page = page(&desk, form).await?;
    desk.page_again(TEMPLATE, TITLE, &page).await
}

async fn page(desk: &Desk, form: Form) -> Result<Page, WebError> {
    let kept = publishing::test_addresses(desk.site()).await?;
    let line = |one: TestAddress| Line {
        id: one.id,
        address: one.email.readable(),
        by: match one.added_by {
            Some(name) => format!("{name}, {}", one.added_at.date(desk.zone())),
            None => one.added_at.date(desk.zone()),
        },
        stopped: one.stopped.map(stopped_because),
    };
    let is_full = kept.len() as i64 >= MOST_TEST_ADDRESSES;
    Ok(Page { addresses: kept.into_iter().map(line).collect(), is_full, form })
}
