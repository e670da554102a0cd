//! The door: the first run, signing in, and joining the team. Nobody is signed in yet.

pub(in crate::web) mod join;
pub(in crate::web) mod set_up;
pub(in crate::web) mod sign_in;
pub(in crate::web) mod sign_in_link;

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    staff::Settings,
    web::{App, Outcome, WebError, not_now::not_now},
};

/// A page at the door, before anybody is signed in, for a form with mistakes.
async fn door_again<T: serde::Serialize + Sync>(
    app: &App,
    template: &str,
    title: &str,
    data: &T,
) -> Result<Response, WebError> {
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
