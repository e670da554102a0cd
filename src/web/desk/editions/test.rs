//! The button that sends a test copy of an edition to whoever presses it, and to the addresses that they tick.

use axum::extract::Path;

use super::send;
use crate::{
    publishing::{self, Edition},
    settings::Settings,
    web::{Desk, Form, Outcome, Posted, session::see_other},
};

/// `POST /desk/editions/{id}/test`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision", "also"])?;
    let edition = publishing::find(&desk.site().db, &id).await?;
    if form.text("revision") != edition.revision.to_string() {
        return send::stale_test(&desk, &edition).await;
    }
    send(&desk, &edition, ticked(&form), "/send").await
}

/// The kept addresses that were ticked.
pub(super) fn ticked(form: &Form) -> Vec<i64> {
    form.all("also").iter().filter_map(|id| id.parse().ok()).collect()
}

/// Sends the copies, and goes back to the edition's page of that name.
pub(super) async fn send(desk: &Desk, edition: &Edition, also: Vec<i64>, page: &str) -> Outcome {
    let (site, who) = (desk.site(), &desk.who.staff);
    let settings = Settings::load(&site.db).await?;
    let left_out =
        publishing::send_test_copies(site, &desk.app.templates, &settings, edition, who, &also).await?;
    let done = match (also.is_empty(), left_out) {
        (true, _) => "tested",
        (_, 0) => "tested-all",
        _ => "tested-some",
    };
    Ok(see_other(&format!("/desk/editions/{}{page}?done={done}", edition.public_id)))
}
