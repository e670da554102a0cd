//! `/pictures/{file}`: a picture in one of its sizes, for pages and mails. What stands at an address never changes.

use axum::{
    extract::{Path, State},
    http::header,
    response::IntoResponse as _,
};

use super::super::{App, Outcome, WebError};
use crate::pictures;

/// `GET /pictures/{file}`
pub(crate) async fn show(State(app): State<App>, Path(file): Path<String>) -> Outcome {
    let (kind, bytes) = pictures::served(&app.site.db, &file).await?.ok_or(WebError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}
