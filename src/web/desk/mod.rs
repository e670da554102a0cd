//! The team's pages: one file for a page, named as in the address, with `show` and `submit`.

pub(super) mod account;
pub(super) mod address;
pub(super) mod article;
pub(super) mod articles;
pub(super) mod blocked;
pub(super) mod bounces;
pub(super) mod deliverability;
pub(super) mod deliverability_keys;
pub(super) mod doctor;
pub(super) mod donations;
pub(super) mod edition;
pub(super) mod edition_act;
pub(super) mod edition_cancel;
pub(super) mod edition_copy;
pub(super) mod edition_correct;
pub(super) mod edition_delete;
pub(super) mod edition_doubt;
mod edition_live;
mod edition_parts;
pub(super) mod edition_preview;
pub(super) mod edition_progress;
pub(super) mod edition_release;
pub(super) mod edition_repair;
pub(super) mod edition_send;
pub(super) mod edition_test;
mod edition_words;
pub(super) mod editions;
pub(super) mod feed_remove;
pub(super) mod jobs;
pub(super) mod join;
pub(super) mod overview;
pub(super) mod reader;
pub(super) mod reader_leave;
mod reader_words;
pub(super) mod readers;
pub(super) mod set_up;
pub(super) mod settings;
pub(super) mod sign_in;
pub(super) mod sign_in_link;
pub(super) mod team;
mod theirs;

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{App, Outcome, not_now::not_now};
use crate::settings::Settings;

/// A page at the door, before anybody is signed in, for a form with mistakes.
async fn door_again<T: serde::Serialize + Sync>(
    app: &App,
    template: &str,
    title: &str,
    data: &T,
) -> Result<Response, super::WebError> {
    let page = door(app, template, title, data).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// The same for a form that cannot be taken now: 429 or 503, and when to come back.
async fn door_not_now<T: serde::Serialize + Sync>(
    app: &App,
    (status, wait): (StatusCode, Duration),
    (template, title): (&str, &str),
    data: &T,
) -> Outcome {
    Ok(not_now(status, wait, door(app, template, title, data).await?))
}

/// A page at the door, before anybody is signed in.
async fn door<T: serde::Serialize + Sync>(app: &App, template: &str, title: &str, data: &T) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    app.desk_page(None, None, &settings, template, title, data).await
}
