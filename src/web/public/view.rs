//! `/view/{token}`: a reader's copy of an edition, for mail programs that show it badly. Readers hand the link on, so the page
//! carries no name and no link that acts for them.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse},
};

use super::super::{App, Outcome, WebError};
use crate::{links::View, publishing};

/// `GET /view/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let site = &app.site;
    let View { edition, subscriber } =
        View::read(&site.keys, &token, site.now()).map_err(|_| WebError::NotFound)?;
    let copy = publishing::linked_copy(site, &edition, &subscriber).await?;
    let here = site.url(&format!("/view/{token}"));
    Ok(Html(publishing::copy_of(site, copy.edition, copy.subscriber, &here).await?).into_response())
}
