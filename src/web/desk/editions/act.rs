//! The buttons of an edition on its way: undo, pause, resume. Each says which version of it the page showed.

use axum::extract::Path;

use super::progress::{self, Look};
use crate::{
    publishing::{self, Refused, SeenEdition},
    web::{Desk, Outcome, Posted, answers::conflict, session::see_other},
};

/// `POST /desk/editions/{id}/undo`
pub(crate) async fn undo(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version"])?;
    let undone = publishing::undo(desk.site(), &id, form.text("version"), Some(desk.who.staff.id)).await;
    answer(&desk, &id, undone, "undone").await
}

/// `POST /desk/editions/{id}/pause`
pub(crate) async fn pause(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let paused = publishing::pause(desk.site(), &id, Some(desk.who.staff.id)).await;
    answer(&desk, &id, paused, "paused").await
}

/// `POST /desk/editions/{id}/resume`
pub(crate) async fn resume(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version", "fingerprint", "refused"])?;
    let seen = SeenEdition { version: form.text("version"), fingerprint: form.text("fingerprint") };
    let who = Some(desk.who.staff.id);
    let refused = if form.text("refused") == "again" { Refused::TriedAgain } else { Refused::LeftOut };
    let resumed = publishing::go_on(desk.site(), &desk.app.templates, &id, seen, refused, who).await;
    answer(&desk, &id, resumed, "resumed").await
}

/// Back to the edition's page: with what was done, or as it is now if that is not what was looked at.
pub(super) async fn answer(desk: &Desk, id: &str, result: publishing::Result<()>, done: &str) -> Outcome {
    match result {
        Ok(()) => Ok(see_other(&format!("/desk/editions/{id}?done={done}"))),
        Err(publishing::Error::NotAsSeen) => {
            let edition = publishing::find(&desk.site().db, id).await?;
            progress::page(desk, &edition, &Look::default(), true).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /desk/editions/{id}/retry`: the failed copies of one reason, or of every reason, go out once more.
pub(crate) async fn retry(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["class", "revision"])?;
    let seen = (form.text("class"), form.text("revision").parse().unwrap_or_default());
    let retried = publishing::retry_failed(desk.site(), &id, seen, Some(desk.who.staff.id)).await;
    let done = if matches!(retried, Ok(0)) { "none-to-retry" } else { "retried" };
    answer(&desk, &id, retried.map(drop), done).await
}
