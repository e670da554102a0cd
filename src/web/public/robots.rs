//! `/robots.txt`: what search engines are asked to leave alone (RFC 9309).

use std::collections::BTreeSet;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::super::{
    HeaderSet,
    routes::{Route, routes},
};

/// `GET /robots.txt`: the table says what is for everybody. What the archive, articles and forms are is worth finding.
pub(crate) async fn show() -> Response {
    let closed: BTreeSet<String> = routes().iter().filter(|route| is_closed(route)).map(first_part).collect();
    let mut text = String::from("User-agent: *\n");
    closed.iter().for_each(|path| text.push_str(&format!("Disallow: {path}\n")));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// For the team, for a program, or for whoever has the link.
fn is_closed(route: &Route) -> bool {
    matches!(route.headers, HeaderSet::Desk | HeaderSet::Preview | HeaderSet::Hook)
        || route.rule().is_token_page()
}

/// Everything that begins so is meant: `/desk` for `/desk/readers`.
fn first_part(route: &Route) -> String {
    format!("/{}", route.path.split('/').nth(1).unwrap_or_default())
}
