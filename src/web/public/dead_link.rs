//! The page of a link from a mail that leads nowhere. It says the same of every link we cannot read, whatever is wrong
//! with it, and offers what helps.

use axum::{http::StatusCode, response::IntoResponse};
use serde::Serialize;

use super::super::{App, Outcome};
use crate::settings::Settings;

/// What is wrong, as far as it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    /// Not one of ours, or not whole.
    Unknown,
    /// Ours, and too old.
    TooOld,
    /// Ours, and more than a day old: what it was for is asked for on the page of one's choices.
    OfYesterday,
    /// Ours, and mailed to an address that its reader has no more.
    OfAnotherAddress,
    /// Ours, and its reader has left since.
    Left,
    /// Ours, and what it is about does not come any more.
    Retired,
}

#[derive(Serialize)]
struct Page {
    unknown: bool,
    too_old: bool,
    of_yesterday: bool,
    of_another_address: bool,
    left: bool,
    retired: bool,
    contact: String,
}

pub(super) async fn page(app: &App, was: Was) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let page = Page {
        unknown: was == Was::Unknown,
        too_old: was == Was::TooOld,
        of_yesterday: was == Was::OfYesterday,
        of_another_address: was == Was::OfAnotherAddress,
        left: was == Was::Left,
        retired: was == Was::Retired,
        contact: settings.contact_email,
    };
    let title = match was {
        Was::Left => "You have left",
        Was::Retired => "There is no more of it",
        Was::Unknown | Was::TooOld | Was::OfYesterday | Was::OfAnotherAddress => "This link does not work",
    };
    let page = app.public_page("public/dead_link", title, &page).await?;
    Ok((StatusCode::GONE, page).into_response())
}
