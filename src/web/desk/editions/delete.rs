//! `/desk/editions/{id}/delete`: what deleting a draft does, before it is done for ever.

use axum::extract::Path;
use serde::Serialize;

use super::parts::EditionView;
use crate::{
    editions::EditionState,
    publishing::{self, Edition},
    web::{Desk, Outcome, Posted, WebError, answers::conflict, session::see_other, words::editions::title},
};

const TITLE: &str = "Delete a draft";

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    /// It is not as it was on the page on which it was confirmed.
    stale: bool,
}

/// `GET /desk/editions/{id}/delete`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    if edition.state != EditionState::Draft {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    page(&desk, &edition, false).await
}

/// `POST /desk/editions/{id}/delete`: if it is still the draft that the page showed.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version"])?;
    let deleted =
        publishing::delete_draft(desk.site(), &id, form.text("version"), Some(desk.who.staff.id)).await;
    let gone = || see_other("/desk/editions?done=draft-deleted");
    match deleted {
        // Pressed twice, or by somebody else as well.
        Ok(()) | Err(publishing::Error::NotFound) => Ok(gone()),
        Err(publishing::Error::NotAsSeen) => {
            let edition = match publishing::find(&desk.site().db, &id).await {
                Err(publishing::Error::NotFound) => return Ok(gone()),
                edition => edition?,
            };
            if edition.state != EditionState::Draft {
                return Err(WebError::from(publishing::Error::Locked));
            }
            page(&desk, &edition, true).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(desk: &Desk, edition: &Edition, stale: bool) -> Outcome {
    let page = Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, desk.zone()),
        stale,
    };
    desk.page("desk/editions/delete", TITLE, &page).await
}
