//! `/view/{token}`: a reader's own copy of an edition, for mail programs that show it badly.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse},
};

use super::super::{App, Outcome, WebError};
use crate::{digests, token::Purpose};

/// `GET /view/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let site = &app.site;
    let scope = site.keys.verify(Purpose::View, &token, site.now()).map_err(|_| WebError::NotFound)?;
    let ids = scope
        .split_once('.')
        .and_then(|(edition, reader)| Some((edition.parse().ok()?, reader.parse().ok()?)));
    let (edition_id, subscriber_id): (i64, i64) = ids.ok_or(WebError::NotFound)?;
    Ok(Html(digests::copy_of(site, edition_id, subscriber_id).await?).into_response())
}
