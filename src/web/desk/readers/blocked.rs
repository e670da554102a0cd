//! `/desk/blocked`: addresses that are never mailed, of readers and of anybody else; and letting mail go again that was stopped.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::reader::{self, find};
use crate::{
    delivery::{Blocked, StopReason, Suppressions},
    email_address::EmailAddress,
    subscribers,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
    },
};

const FIELDS: &[&str] = &["email", "why"];
const TITLE: &str = "Never mailed";
const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    blocked: Vec<Line>,
    pages: Links,
    form: Form,
    /// Why somebody may be mailed again; filled in on one of the lines.
    again: Form,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    who: String,
    why: String,
    since: String,
}

/// Why, in a field that may not be empty.
pub(super) fn why(form: &mut Form) -> String {
    form.required("why", 300, "Say why: the team may ask later.")
}

/// `GET /desk/blocked`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, look.before, Form::new(FIELDS), Form::new(reader::WHY)).await?;
    desk.page("desk/readers/blocked", TITLE, &page).await
}

/// `POST /desk/blocked`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let email = form.parse("email", EmailAddress::parse);
    let why = why(&mut form);
    let Some(email) = email.filter(|_| form.is_valid()) else {
        let page = page(&desk, Place::default(), form, Form::new(reader::WHY)).await?;
        return desk.page_again("desk/readers/blocked", TITLE, &page).await;
    };
    subscribers::block(desk.site(), &email, &why, Some(desk.who.staff.id)).await?;
    Ok(see_other("/desk/blocked?done=blocked"))
}

/// `POST /desk/blocked/{id}/lift`
pub(crate) async fn lift(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    let mut again = posted.form(reader::WHY)?;
    let why = why(&mut again);
    if !again.is_valid() {
        let page = page(&desk, Place::default(), Form::new(FIELDS), again).await?;
        return desk.page_again("desk/readers/blocked", TITLE, &page).await;
    }
    if !subscribers::unblock(desk.site(), id, &why, Some(desk.who.staff.id)).await? {
        return Err(WebError::NotFound);
    }
    Ok(see_other("/desk/blocked?done=unblocked"))
}

/// `POST /desk/readers/{id}/block`
pub(crate) async fn block(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(reader::WHY)?;
    let why = why(&mut form);
    if !form.is_valid() {
        return reader::again(&desk, reader, reader::Forms { why: form, ..Default::default() }).await;
    }
    subscribers::block(desk.site(), &reader.email, &why, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/readers/{id}?done=blocked")))
}

/// `POST /desk/readers/{id}/mail-again`: lifts what the page showed, and nothing that came after it.
pub(crate) async fn mail_again(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(&["seen", "why"])?;
    let seen = form.text("seen").parse().map_err(|_| WebError::BadRequest("Look at the reader first."))?;
    let in_force = Suppressions::new(desk.site()).find(&reader.email).await?;
    let blocked = in_force.is_some_and(|found| found.id == seen && found.reason == StopReason::Staff);
    let why = if blocked { why(&mut form) } else { form.optional("why", 300) };
    if !form.is_valid() {
        return reader::again(&desk, reader, reader::Forms { why: form, ..Default::default() }).await;
    }
    subscribers::mail_again(desk.site(), &reader, seen, &why, desk.who.staff.id).await?;
    Ok(see_other(&format!("/desk/readers/{id}?done=mail-again")))
}

async fn page(desk: &Desk, before: Place, form: Form, again: Form) -> Result<Page, WebError> {
    let list = List { path: "/desk/blocked", place: "before", kept: &[] };
    let suppressions = Suppressions::new(desk.site());
    let read = |most| suppressions.blocked(before.id().unwrap_or(i64::MAX), most);
    let (blocked, pages) = list.page(before, PAGE, read, |last| [last.id]).await?;
    let line = |Blocked { id, masked, detail, created_at, .. }| Line {
        id,
        who: if masked.is_empty() { "An address".to_owned() } else { masked },
        why: detail,
        since: created_at.date(desk.zone()),
    };
    Ok(Page { blocked: blocked.into_iter().map(line).collect(), pages, form, again })
}
