//! The answer to whoever comes at a bad moment.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// A page that says not now: 429 for too many tries, 503 while too much is going on; and when to come back (RFC 9110 section 10.2.3).
pub(super) fn not_now(status: StatusCode, wait: Duration, page: Response) -> Response {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    let mut response = (status, page).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
    response
}
