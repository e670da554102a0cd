//! Where two people approve each edition: asking for it.

use axum::extract::Path;

use super::act;
use crate::{
    publishing::{self, Edition},
    settings::Settings,
    web::{Desk, Outcome, Posted},
};

/// `POST /desk/editions/{id}/ask`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision", "fingerprint"])?;
    let site = desk.site();
    let edition = publishing::find(&site.db, &id).await?;
    let asked = if form.text("revision") == edition.revision.to_string() {
        ask(&desk, &edition, form.text("fingerprint")).await
    } else {
        Err(publishing::Error::NotAsSeen)
    };
    act::answer(&desk, &id, asked, "asked-for-approval").await
}

/// Asks for an edition as it was seen.
pub(super) async fn ask(desk: &Desk, edition: &Edition, fingerprint: &str) -> publishing::Result<()> {
    let site = desk.site();
    let settings = Settings::load(&site.db).await?;
    publishing::ask_for_approval(site, &settings, edition, fingerprint, desk.who.staff.id).await
}
