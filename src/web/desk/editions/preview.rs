//! `/desk/editions/{id}/preview`: the edition as readers get it, for the frame in the composer: as one who does not exist, one who told
//! nothing, or one who is there; with pictures, without, or as text. Sandboxed by its headers.

use axum::{
    extract::{Path, Query},
    http::{StatusCode, header},
    response::{Html, IntoResponse},
};
use serde::Deserialize;

use super::blocks;
use crate::{
    email_address::EmailAddress,
    publishing::{self, Eyes},
    staff::Role,
    subscribers::{self, Subscriber},
    web::{Desk, Outcome, WebError},
};

/// What to look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    part: String,
    /// An earlier version; none for the newest.
    revision: Option<i64>,
    /// As whom: `nameless`, `stranger`, or readers as the rows of blocks name them; none for whoever sees every block.
    #[serde(default, rename = "as")]
    eyes: String,
    /// The address of a reader; empty for none.
    #[serde(default)]
    reader: String,
}

/// Nobody has that address. It stands in the frame, where no page of the desk does.
const NOBODY: &str = "<!doctype html><html lang=\"en\"><title>No such reader</title><p>No reader of yours has that address.</p></html>";

/// `GET /desk/editions/{id}/preview`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let site = desk.site();
    let mut edition = publishing::find(&site.db, &id).await?;
    if let Some(revision) = look.revision {
        edition = publishing::load_revision(&site.db, edition.id, revision).await?;
    }
    let address = look.reader.trim();
    let reader = if address.is_empty() { None } else { Some(looked_for(&desk, address).await?) };
    let eyes = match &reader {
        Some(Some(reader)) => Eyes::Reader(reader),
        Some(None) => return Ok((StatusCode::NOT_FOUND, Html(NOBODY)).into_response()),
        None => blocks::eyes(&look.eyes).ok_or(WebError::NotFound)?,
    };
    let preview = publishing::preview_as(site, &desk.app.templates, &desk.settings, &edition, eyes).await?;
    Ok(match look.part.as_str() {
        "text" => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], preview.text).into_response(),
        "bare" => Html(without_pictures(&preview.html)).into_response(),
        _ => Html(preview.html).into_response(),
    })
}

/// The reader with an address, for those who may see readers; that they were looked at is written down (TRUST L10).
async fn looked_for(desk: &Desk, address: &str) -> Result<Option<Subscriber>, WebError> {
    if !desk.may(Role::READERS) {
        return Err(WebError::Forbidden);
    }
    let Ok(email) = EmailAddress::parse(address) else { return Ok(None) };
    let reader = subscribers::by_email(&desk.site().db, &email).await?;
    if let Some(reader) = &reader {
        desk.looks(&reader.public_id, "").await?;
    }
    Ok(reader)
}

/// As mail programs show it that ask for no picture: what describes each stands in its place. Nobody is asked for one here, either.
fn without_pictures(html: &str) -> String {
    const SOURCE: &str = " src=\"";
    let mut bare = String::with_capacity(html.len());
    let mut rest = html;
    // Words have no such mark in them: theirs are written as entities.
    while let Some((before, source)) = rest.split_once(SOURCE) {
        let (_, after) = source.split_once('"').unwrap_or(("", ""));
        bare.push_str(before);
        bare.push_str(" src=\"data:,\"");
        rest = after;
    }
    bare.push_str(rest);
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_give_way_to_what_describes_them() {
        let html = r#"<p>src="x"</p><img alt="A boat" src="https://example.org/a.jpg" width="1"><p>&quot; src=&quot;y</p>"#;
        let bare = r#"<p>src="x"</p><img alt="A boat" src="data:," width="1"><p>&quot; src=&quot;y</p>"#;
        assert_eq!(without_pictures(html), bare);
    }
}
