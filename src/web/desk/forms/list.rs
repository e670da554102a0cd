//! `/desk/forms`: every form, with how many came by it lately.

use serde::Serialize;

use crate::{
    subscribers::forms::{self, CameBy, FormError, SignUpForm},
    web::{Desk, Form, Outcome, Posted, WebError, session::see_other, words::grouped},
};

const FIELDS: &[&str] = &["name"];
const TITLE: &str = "Forms";
const TEMPLATE: &str = "desk/forms/list";

#[derive(Serialize)]
struct Page {
    forms: Vec<Line>,
    form: Form,
}

#[derive(Serialize)]
struct Line {
    slug: String,
    name: String,
    path: String,
    is_open: bool,
    /// Whether it is, and there is nothing to subscribe to by it.
    is_empty: bool,
    is_away: bool,
    asked: String,
    confirmed: String,
    campaign: String,
}

impl Line {
    fn new((form, came): (SignUpForm, CameBy), empty: &[(i64, String)]) -> Self {
        Self {
            is_empty: empty.iter().any(|(id, _)| *id == form.id),
            path: form.path(),
            is_open: form.is_open(),
            is_away: form.retired_at.is_some(),
            asked: grouped(came.asked),
            confirmed: grouped(came.confirmed),
            slug: form.slug,
            name: form.name,
            campaign: form.campaign,
        }
    }
}

/// `GET /desk/forms`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = page(&desk, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/forms`: makes one, closed as yet.
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let name = form.required("name", 100, "Give it a name, for the team.");
    if name.chars().any(char::is_control) {
        form.mistake("name", "Write it in one line.");
    }
    if form.is_valid() {
        match forms::add(desk.site(), desk.who.staff.id, &name).await {
            Ok(slug) => return Ok(see_other(&format!("/desk/forms/{slug}?done=form-made"))),
            Err(FormError::Database(error)) => return Err(error.into()),
            Err(error) => form.mistake("name", error),
        }
    }
    let page = page(&desk, form).await?;
    desk.page_again(TEMPLATE, TITLE, &page).await
}

async fn page(desk: &Desk, form: Form) -> Result<Page, WebError> {
    let empty = forms::empty(&desk.site().db).await?;
    let forms = forms::all(desk.site()).await?.into_iter().map(|one| Line::new(one, &empty)).collect();
    Ok(Page { forms, form })
}
