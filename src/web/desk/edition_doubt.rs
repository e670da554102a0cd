//! `/desk/editions/{id}/doubt`: what sending copies again does that may have arrived, before it is done.

use axum::extract::Path;
use serde::Serialize;

use super::{
    super::{Desk, Outcome, Posted, session::see_other},
    edition_act::answer,
    edition_parts::EditionView,
    editions::{count, title},
};
use crate::digests;

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    /// "12 readers".
    readers: String,
    /// What they get.
    revision: i64,
    is_newer: bool,
}

/// `GET /desk/editions/{id}/doubt`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let db = &desk.site().db;
    let edition = digests::find(db, &id).await?;
    let doubted = digests::doubted(db, edition.id).await?;
    if doubted == 0 {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let (revision, is_newer) = digests::current_revision(db, edition.id).await?;
    let page = Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(&edition, desk.zone()),
        readers: count(doubted, "reader"),
        revision,
        is_newer,
    };
    desk.page("desk/editions/doubt", "Send copies again", &page).await
}

/// `POST /desk/editions/{id}/doubt`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision"])?;
    let seen = form.text("revision").parse().unwrap_or_default();
    let retried = digests::retry_doubted(desk.site(), &id, seen, Some(desk.who.staff.id)).await;
    let done = if matches!(retried, Ok(0)) { "none-to-retry" } else { "retried" };
    answer(&desk, &id, retried.map(drop), done).await
}
