//! `/desk/editions/{id}/cancel`: what cancelling does, in numbers, before it is done for ever.

use axum::extract::Path;
use serde::Serialize;

use super::{act::answer, parts::EditionView};
use crate::{
    delivery,
    editions::EditionState,
    publishing,
    web::{
        Desk, Outcome, Posted,
        session::see_other,
        words::{count, editions::title, grouped},
    },
};

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    /// Who has not got it: "38 of 200 readers".
    waiting: String,
    /// "38 readers".
    readers: String,
    has_it: String,
    may_have_it: String,
    failed: String,
    is_sending: bool,
}

/// `GET /desk/editions/{id}/cancel`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let db = &desk.site().db;
    let edition = publishing::find(db, &id).await?;
    let on_its_way =
        matches!(edition.state, EditionState::Sending | EditionState::Paused | EditionState::Held);
    if !on_its_way || edition.sealed_at.is_none() {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let progress = delivery::progress_of(db, edition.id).await?;
    let some = |number: i64| if number == 0 { String::new() } else { count(number, "reader") };
    let page = Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(&edition, desk.zone()),
        waiting: format!("{} of {}", grouped(progress.open), count(progress.sealed, "reader")),
        readers: count(progress.open, "reader"),
        has_it: some(progress.accepted),
        may_have_it: some(progress.unknown),
        failed: some(progress.failed),
        is_sending: edition.state == EditionState::Sending,
    };
    desk.page("desk/editions/cancel", "Cancel the edition", &page).await
}

/// `POST /desk/editions/{id}/cancel`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version"])?;
    let cancelled = publishing::cancel(desk.site(), &id, form.text("version"), Some(desk.who.staff.id)).await;
    answer(&desk, &id, cancelled, "cancelled").await
}
