//! `/desk/editions/{id}/preview`: the edition as readers get it, for the frame in the composer. Sandboxed by its headers.

use axum::{
    extract::{Path, Query},
    http::header,
    response::{Html, IntoResponse},
};
use serde::Deserialize;

use super::blocks;
use crate::{
    publishing,
    web::{Desk, Outcome, WebError},
};

/// Which part to look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    part: String,
    /// An earlier version; none for the newest.
    revision: Option<i64>,
    /// As whom: `stranger`, or readers as the rows of blocks name them. With every block, if nobody is named.
    #[serde(default)]
    seen_as: String,
}

/// `GET /desk/editions/{id}/preview`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let site = desk.site();
    let mut edition = publishing::find(&site.db, &id).await?;
    if let Some(revision) = look.revision {
        edition = publishing::load_revision(&site.db, edition.id, revision).await?;
    }
    let seen = blocks::seen_as(&look.seen_as).ok_or(WebError::NotFound)?;
    let preview = publishing::preview(site, &desk.app.templates, &desk.settings, &edition, seen).await?;
    Ok(if look.part == "text" {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], preview.text).into_response()
    } else {
        Html(preview.html).into_response()
    })
}
