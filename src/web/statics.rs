//! Our own style sheet and small scripts, embedded in the program. The path holds a hash of the content, so a browser may
//! keep a file for ever.

use axum::{extract::Path, http::header, response::IntoResponse};
use rust_embed::RustEmbed;

use super::{Outcome, WebError};

#[derive(RustEmbed)]
#[folder = "src/web/static"]
struct Files;

fn version(file: &rust_embed::EmbeddedFile) -> String {
    data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8])
}

/// The address of a file, if there is one of that name.
pub(super) fn path(name: &str) -> Option<String> {
    Files::get(name).map(|file| format!("/static/{}/{name}", version(&file)))
}

/// `GET /static/{hash}/{name}`
pub(super) async fn show(Path((hash, name)): Path<(String, String)>) -> Outcome {
    let file = Files::get(&name).filter(|file| version(file) == hash).ok_or(WebError::NotFound)?;
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml; charset=utf-8",
        _ => return Err(WebError::NotFound),
    };
    Ok(([(header::CONTENT_TYPE, kind)], file.data).into_response())
}

/// `GET /favicon.ico`: for whoever looks there, whatever the pages say.
pub(super) async fn favicon() -> Outcome {
    let file = Files::get("favicon.ico").ok_or(WebError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "image/x-icon")], file.data).into_response())
}
