//! Answers that are no plain page: what comes back because something was not done, with the status that says why; a table as a file.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, future, stream};

/// What a file of the desk begins with that is opened in a spreadsheet: without it, Excel takes its letters for those of another alphabet.
/// (What the command line writes is read by programs, and begins with its headings.)
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A table as a file to keep, called so, piece by piece.
pub(super) fn table<E>(
    name: &'static str,
    pieces: impl Stream<Item = Result<Vec<u8>, E>> + Send + 'static,
) -> Response
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let mark = stream::once(future::ready(Ok(BYTE_ORDER_MARK.to_vec())));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(mark.chain(pieces))).into_response()
}

/// When whoever found no room may try again: those who are inside are gone by then.
const A_MOMENT: Duration = Duration::from_secs(3);

/// A form again, with what is wrong in it.
pub(super) fn invalid(page: Response) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

/// The page as it is now, for somebody who acted on one that was out of date: nothing was done.
pub(super) fn conflict(page: Response) -> Response {
    (StatusCode::CONFLICT, page).into_response()
}

/// A form again that was sent more often than people do; how long until the next may come.
pub(super) fn too_many(wait: Duration, page: Response) -> Response {
    not_now(StatusCode::TOO_MANY_REQUESTS, wait, page)
}

/// A form again that cannot be taken in this moment.
pub(super) fn busy(page: Response) -> Response {
    not_now(StatusCode::SERVICE_UNAVAILABLE, A_MOMENT, page)
}

/// Says when to come back (RFC 9110 section 10.2.3).
pub(super) fn not_now(status: StatusCode, wait: Duration, page: Response) -> Response {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    let mut response = (status, page).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
    response
}
