//! `/desk/editions/{id}/release`: a restored backup holds an edition that some of its readers have already.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    delivery,
    editions::{EditionState, HeldBecause},
    email_address::EmailAddress,
    publishing::{self, Edition, HaveIt},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        session::see_other,
        words::{
            count,
            editions::{have_and_have_not, title},
        },
    },
};

const FIELDS: &[&str] = &["press", "up_to", "named"];
const TITLE: &str = "Who has it already?";

#[derive(Serialize)]
struct Page {
    public_id: String,
    title: String,
    /// Whether it is written down who is to get it.
    locked: bool,
    standing: String,
    /// How many were said to have it, in words; empty for none.
    said: String,
    form: Form,
}

/// `GET /desk/editions/{id}/release`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    if !is_held_by_a_backup(&edition) {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let page = page(&desk, &edition, Form::new(FIELDS)).await?;
    desk.page("desk/editions/release", TITLE, &page).await
}

/// `POST /desk/editions/{id}/release`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let site = desk.site();
    let who = Some(desk.who.staff.id);
    if form.text("press") == "lock" {
        publishing::lock_held(site, &id, who).await?;
        publishing::seal_due(site, &desk.app.templates).await?;
        return Ok(see_other(&format!("/desk/editions/{id}/release")));
    }
    if form.text("press") == "nobody" {
        publishing::nobody_has_it(site, &id, who).await?;
        return Ok(see_other(&format!("/desk/editions/{id}/release?done=nobody-has-it")));
    }
    let have = match form.text("press") {
        "up-to" => form.parse("up_to", |text| EmailAddress::parse(text).map(HaveIt::UpTo)),
        _ if form.text("named").is_empty() => {
            form.mistake("named", "Paste the addresses, or the lines of the log that name them.");
            None
        }
        _ => Some(HaveIt::named_in(form.raw("named"))),
    };
    if let Some(have) = &have {
        match publishing::have_it(site, &id, have, who).await {
            Ok(0) if matches!(have, HaveIt::UpTo(_)) => {
                form.mistake("up_to", "Nobody up to that address is waiting for a copy.");
            }
            Ok(0) => form.mistake("named", "None of the readers who wait for a copy is named there."),
            Ok(_) => return Ok(see_other(&format!("/desk/editions/{id}/release?done=have-it"))),
            Err(publishing::Error::NotFound) => {
                form.mistake("up_to", "Nobody in this edition has that address.");
            }
            Err(error) => return Err(error.into()),
        }
    }
    let edition = publishing::find(&site.db, &id).await?;
    let page = page(&desk, &edition, form).await?;
    desk.page_again("desk/editions/release", TITLE, &page).await
}

/// Whether the page has something to do.
pub(super) fn is_held_by_a_backup(edition: &Edition) -> bool {
    edition.state == EditionState::Held && edition.held_because == HeldBecause::Restored
}

async fn page(desk: &Desk, edition: &Edition, form: Form) -> Result<Page, WebError> {
    let locked = edition.sealed_at.is_some();
    let standing = match locked {
        true => have_and_have_not(delivery::progress_of(&desk.site().db, edition.id).await?),
        false => String::new(),
    };
    let said = match publishing::said_to_have_it(&desk.site().db, edition).await? {
        0 => String::new(),
        readers => count(readers, "reader"),
    };
    let public_id = edition.public_id.clone();
    Ok(Page { public_id, title: title(&edition.content.subject), locked, standing, said, form })
}
