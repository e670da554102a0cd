//! The button that sends a test copy of an edition to whoever presses it.

use axum::extract::Path;

use super::send;
use crate::{
    publishing::{self, Edition},
    settings::Settings,
    web::{Desk, Outcome, Posted, session::see_other},
};

/// `POST /desk/editions/{id}/test`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision"])?;
    let edition = publishing::find(&desk.site().db, &id).await?;
    if form.text("revision") != edition.revision.to_string() {
        return send::stale_test(&desk, &edition).await;
    }
    send(&desk, &edition, "/send").await
}

/// Sends the copy, and goes back to the edition's page of that name.
pub(super) async fn send(desk: &Desk, edition: &Edition, page: &str) -> Outcome {
    let site = desk.site();
    let settings = Settings::load(&site.db).await?;
    publishing::send_test_copy(site, &desk.app.templates, &settings, edition, &desk.who.staff).await?;
    Ok(see_other(&format!("/desk/editions/{}{page}?done=tested", edition.public_id)))
}
