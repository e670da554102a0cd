//! What an article's form asks for while somebody writes: the text as readers will see it, and what was pasted as Markdown.

use axum::{
    Json,
    body::Bytes,
    http::{HeaderMap, header},
    response::IntoResponse as _,
};

use serde::Serialize;

use super::{
    article::others_at,
    article_form::{FIELDS, typed},
};
use crate::{
    articles::{self, Body, LARGEST_PASTE, Piece},
    web::{Desk, Outcome, Posted, WebError, session::see_other},
};

/// What the page is told while somebody writes.
#[derive(Serialize)]
struct Kept {
    /// When it was kept, for people.
    at: String,
    /// Others who are at it.
    others: Vec<String>,
    /// Whether somebody saved another version since.
    is_old: bool,
}

/// `POST /desk/articles/preview`: the text as it will be read, for a page that shows it.
pub(crate) async fn preview(_: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["body_markdown"])?;
    let read = Body::read(form.raw("body_markdown")).await;
    let Body { html, .. } = read.map_err(|error| WebError::BadRequest(error.message))?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// `POST /desk/articles/paste`: HTML as it was copied somewhere, as Markdown.
pub(crate) async fn paste(_: Desk, headers: HeaderMap, html: Bytes) -> Outcome {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_owned());
    if !kind.is_some_and(|kind| kind.starts_with(b"text/html")) {
        return Err(WebError::BadRequest("What is pasted is sent as text/html."));
    }
    if html.len() > LARGEST_PASTE {
        return Err(WebError::TooLarge);
    }
    let read = articles::read_pasted(String::from_utf8_lossy(&html).replace('\0', "")).await;
    let markdown = read.map_err(|cause| {
        tracing::warn!(%cause, "what was pasted cannot be read");
        WebError::BadRequest("What was pasted cannot be read.")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], markdown).into_response())
}

/// `POST /desk/articles/keep`: that somebody is at an article; with `typed`, also what they typed and did not save yet.
pub(crate) async fn keep(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(FIELDS)?;
    let piece = Piece::named(form.text("piece")).ok_or(WebError::NotFound)?;
    let version = form.text("version").parse().unwrap_or_default();
    let site = desk.site();
    let article = match piece.article() {
        Some(id) => Some(articles::by_id(&site.db, id).await?.ok_or(WebError::NotFound)?),
        None => None,
    };
    let writes_body = super::article_form::writes_body(article.as_ref(), &form);
    let text = form.is_ticked("typed").then(|| typed(&form, writes_body));
    articles::sit(site, desk.who.staff.id, &piece, (version, text.as_ref())).await?;
    let others = match &article {
        Some(article) => others_at(&desk, article.id).await?,
        None => Vec::new(),
    };
    let is_old = article.is_some_and(|article| article.version != version);
    Ok(Json(Kept { at: site.now().time(desk.zone()), others, is_old }).into_response())
}

/// `POST /desk/articles/throw-away`: what somebody typed and did not save is not wanted.
pub(crate) async fn throw_away(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["piece"])?;
    let piece = Piece::named(form.text("piece")).ok_or(WebError::NotFound)?;
    articles::throw_away(desk.site(), desk.who.staff.id, &piece).await?;
    Ok(see_other(&match piece.article() {
        Some(id) => format!("/desk/articles/{}?done=thrown-away", id.0),
        None => "/desk/articles/new?done=thrown-away".to_owned(),
    }))
}
