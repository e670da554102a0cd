//! The button that sends a test copy of an edition to whoever presses it.

use axum::extract::Path;

use super::super::{Desk, Outcome, session::see_other};
use crate::{digests, staff::Settings};

/// `POST /desk/editions/{id}/test`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>) -> Outcome {
    send(&desk, &id, "/send").await
}

/// Sends the copy, and goes back to the edition's page of that name.
pub(super) async fn send(desk: &Desk, id: &str, page: &str) -> Outcome {
    let site = desk.site();
    let edition = digests::find(&site.db, id).await?;
    let settings = Settings::load(&site.db).await?;
    digests::send_test_copy(site, &desk.app.templates, &settings, &edition, &desk.who.staff).await?;
    Ok(see_other(&format!("/desk/editions/{id}{page}?done=tested")))
}
