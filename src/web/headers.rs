//! The layer behind every handler: error pages, then exactly the headers of TRUST 4.3, whatever the handler did.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    App,
    elsewhere::HeldBy,
    error::{Failure, WebError, page},
    header_set::HeaderSet,
    session::SignedIn,
};
use crate::clock::Stopwatch;

/// What the guard leaves on a response for this layer: where it came from, and who asked.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) headers: HeaderSet,
    /// The path as the table writes it: logs hold no token.
    pub(super) path: &'static str,
    pub(super) token_page: bool,
    pub(super) signed_in: Option<SignedIn>,
}

/// Turns a failure into its page, and sets the headers.
pub(super) async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let (began, method) = (Stopwatch::start(), request.method().clone());
    let path = request.uri().path().to_owned();
    let path_set = HeaderSet::of_path(&path);
    let mut response = if method == Method::TRACE {
        // TRACE would echo cookies back (ASVS 13.4.4).
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    } else {
        next.run(request).await
    };
    let seen = response.extensions_mut().remove::<Seen>().unwrap_or(Seen {
        headers: path_set,
        path: "(no route)",
        token_page: false,
        signed_in: None,
    });
    let held_by = response.extensions_mut().remove::<HeldBy>();
    let mut set = seen.headers;
    if let Some(failure) = failure_of(&mut response, set) {
        let failure = page::or_away(&app, failure).await;
        page::log(&failure, &method, seen.path);
        // The page of a failed asset or edition is one of ours, not one of theirs.
        if !matches!(set, HeaderSet::Desk | HeaderSet::Hook | HeaderSet::Api) {
            set = path_set;
        }
        let place = page::Place { set, route: seen.path, path: &path };
        response = page::answer(&app, &failure, place, seen.signed_in.as_ref(), response).await;
    }
    apply(set, response.headers_mut(), &app, seen.token_page);
    if let Some(held_by) = held_by {
        held_by.apply(response.headers_mut());
    }
    app.meters.page(method.as_str(), seen.path, response.status().as_u16(), began.elapsed());
    response
}

fn apply(set: HeaderSet, headers: &mut HeaderMap, app: &App, token_page: bool) {
    for (name, value) in set.all(app.checkout_origin.as_deref(), token_page) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if app.hsts_subdomains {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
}

/// The failure a handler reported, or the one that a bare refusal of the framework stands for.
fn failure_of(response: &mut Response, set: HeaderSet) -> Option<std::sync::Arc<WebError>> {
    if let Some(Failure(failure)) = response.extensions_mut().remove::<Failure>() {
        return Some(failure);
    }
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"text/html") || kind.starts_with(b"application/json")
    });
    (refused && !ours && set != HeaderSet::Hook).then(|| WebError::from_status(status).into())
}
