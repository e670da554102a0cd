//! `/desk/forms/{form}/away`: putting a form away, bringing it back, and deleting one by which nobody came.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    subscribers::forms::{self, FormError, SignUpForm},
    web::{Desk, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

const TEMPLATE: &str = "desk/forms/away";
const TITLE: &str = "Put a form away";
const CHANGED: &str =
    "Nothing was done: the form is not as it was when you opened the page. Below it is as it is now.";

#[derive(Serialize)]
struct Page {
    slug: String,
    name: String,
    path: String,
    sites: Vec<String>,
    seen: i64,
    is_away: bool,
    was_used: bool,
    trouble: Option<&'static str>,
}

/// The first form stays: its address stands everywhere.
async fn find(desk: &Desk, slug: &str) -> Result<SignUpForm, WebError> {
    let form = forms::named(&desk.site().db, slug).await?.filter(|form| form.slug != forms::MAIN);
    form.ok_or(WebError::NotFound)
}

async fn page(desk: &Desk, slug: &str, trouble: Option<&'static str>) -> Outcome {
    let form = find(desk, slug).await?;
    let page = Page {
        path: form.path(),
        sites: form.sites().map(str::to_owned).collect(),
        seen: form.changes,
        is_away: form.retired_at.is_some(),
        was_used: forms::was_used(&desk.site().db, form.id).await?,
        trouble,
        slug: form.slug,
        name: form.name,
    };
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `GET /desk/forms/{form}/away`
pub(crate) async fn show(desk: Desk, Path(slug): Path<String>) -> Outcome {
    page(&desk, &slug, None).await
}

/// `POST /desk/forms/{form}/away`
pub(crate) async fn submit(desk: Desk, Path(slug): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["seen", "act"])?;
    find(&desk, &slug).await?;
    let (site, staff) = (desk.site(), desk.who.staff.id);
    let seen = (slug.as_str(), form.text("seen").parse().unwrap_or(-1));
    let (result, done) = match form.text("act") {
        "away" => (forms::put_away(site, staff, seen, true).await, "/desk/forms?done=form-away".to_owned()),
        "back" => {
            (forms::put_away(site, staff, seen, false).await, format!("/desk/forms/{slug}?done=form-back"))
        }
        "delete" => (forms::delete(site, staff, seen).await, "/desk/forms?done=form-deleted".to_owned()),
        _ => return Err(WebError::BadRequest("Say what is to become of the form.")),
    };
    match result {
        Ok(()) => Ok(see_other(&done)),
        Err(FormError::Database(error)) => Err(error.into()),
        Err(_) => page(&desk, &slug, Some(CHANGED)).await.map(conflict),
    }
}
