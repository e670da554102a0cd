//! `/desk/editions/{id}/doubt`: what sending copies again does that may have arrived, before it is done.

use axum::extract::Path;
use serde::Serialize;

use super::{act::answer, parts::EditionView};
use crate::{
    clock::Moment,
    publishing::{self, Doubted, Edition},
    web::{
        Desk, Outcome, Posted,
        answers::conflict,
        session::see_other,
        words::{count, editions::title},
    },
};

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    /// "12 readers".
    readers: String,
    /// What they get.
    revision: i64,
    /// Since when the newest copy is in doubt that the page counts.
    newest: i64,
    /// It is not as it was on the page on which it was confirmed.
    stale: bool,
}

/// `GET /desk/editions/{id}/doubt`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    let doubted = publishing::doubted(desk.site(), &edition).await?;
    if doubted.copies == 0 {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    page(&desk, &edition, doubted, false).await
}

/// `POST /desk/editions/{id}/doubt`: of the copies that the page counted, if there are no others.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision", "newest"])?;
    let newest = Moment(form.text("newest").parse().unwrap_or_default());
    let seen = (form.text("revision").parse().unwrap_or_default(), newest);
    let retried = publishing::retry_doubted(desk.site(), &id, seen, Some(desk.who.staff.id)).await;
    if matches!(retried, Err(publishing::Error::NotAsSeen)) {
        let edition = publishing::find(&desk.site().db, &id).await?;
        let doubted = publishing::doubted(desk.site(), &edition).await?;
        if doubted.copies > 0 {
            return page(&desk, &edition, doubted, true).await.map(conflict);
        }
    }
    let done = if matches!(retried, Ok(0)) { "none-to-retry" } else { "retried" };
    answer(&desk, &id, retried.map(drop), done).await
}

async fn page(desk: &Desk, edition: &Edition, doubted: Doubted, stale: bool) -> Outcome {
    let (revision, _) = publishing::current_revision(&desk.site().db, edition.id).await?;
    let page = Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, desk.zone()),
        readers: count(doubted.copies, "reader"),
        revision,
        newest: doubted.newest.0,
        stale,
    };
    desk.page("desk/editions/doubt", "Send copies again", &page).await
}
