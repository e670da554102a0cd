//! What can go wrong at the boundary, and the page that says so. The one place that maps errors to statuses; `answers` has those
//! of pages that say beside a form what was not done.
//!
//! A page says what the person can do next and never shows a cause; the cause is logged once, here, with the route as the
//! table writes it, so that no token, address or query of a request reaches a log (TRUST A31).

mod domains;

use std::{error::Error, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::{
    App, HeaderSet,
    answers::{busy, not_now, too_many},
    session::SignedIn,
};
use crate::{door::TooSlow, email_address::for_the_log, heavy, settings::Settings};

/// Why a request has no page of its own.
#[derive(Debug)]
pub enum WebError {
    /// Nothing lives there, or not for this person: the same answer (TRUST A11).
    NotFound,
    /// Signed in, but the role does not open it.
    Forbidden,
    /// Not signed in; where to go afterwards.
    SignInFirst(Option<String>),
    /// A link that is too old, used, replaced or never was.
    ExpiredLink,
    /// A request no page of ours sends.
    BadRequest(&'static str),
    /// Another site made the browser send it.
    CrossSite,
    /// The form's hidden token does not belong to the session: signed out and in again since, most likely.
    StaleForm,
    /// Somebody changed the same thing meanwhile, or it went on; says what to do.
    Conflict(String),
    /// More tries than a person makes; how long until the next may come.
    TooMany(Duration),
    /// More at once than the machine can do in a moment.
    Busy,
    /// A body above the route's limit.
    TooLarge,
    /// A body, or an answer, that took longer than anybody waits.
    TooSlow,
    /// The route knows no such method.
    MethodNotAllowed,
    /// Switched off or not reachable now; says what.
    Unavailable(&'static str),
    /// The database is away; whatever was asked can be asked again.
    Away,
    /// Our fault.
    Internal(Box<dyn Error + Send + Sync>),
}

impl WebError {
    /// Our fault, whatever it was.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::FORBIDDEN => Self::Forbidden,
            status if status.is_client_error() => Self::BadRequest("The request was not understood."),
            status => Self::internal(format!("a handler answered {status} without a page")),
        }
    }

    /// Why a body could not be read to its end.
    pub(super) fn of_body(error: axum::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<TooSlow>() {
                return Self::TooSlow;
            }
            cause = error.source();
        }
        Self::BadRequest("It broke off before its end. Send it again.")
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::CrossSite | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::SignInFirst(_) => StatusCode::SEE_OTHER,
            Self::ExpiredLink => StatusCode::GONE,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable(_) | Self::Busy | Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A heading and a sentence that says what to do.
    fn words(&self) -> (&'static str, String) {
        let (title, help) = match self {
            Self::NotFound | Self::MethodNotAllowed => {
                ("Page not found", "Check the address, or go back to the start.")
            }
            Self::Forbidden => ("Not for your role", "Ask an owner of the magazine if you need to do this."),
            Self::SignInFirst(_) => ("Sign in first", "This page is for the team."),
            Self::ExpiredLink => (
                "This link no longer works",
                "It is too old, was used before, or a newer one took its place. Ask for a new one.",
            ),
            Self::BadRequest(help) => ("That did not work", *help),
            Self::CrossSite => {
                ("That did not come from our pages", "Open the page on this site and try again.")
            }
            Self::StaleForm => (
                "This form is out of date",
                "You were signed out, or signed in again, since the page was opened. Go back, reload it and try again.",
            ),
            Self::Conflict(help) => return ("That did not work", help.clone()),
            Self::TooMany(_) => ("Too many tries", "Wait a quarter of an hour and try again."),
            Self::Busy => ("Too many people at once", "Try again in a few seconds."),
            Self::TooLarge => ("That is too large", "Send something smaller."),
            Self::TooSlow => (
                "That took too long",
                "It was given up, so that others are not kept waiting. Try again, over a better connection if you can.",
            ),
            Self::Away => (
                "Back in a moment",
                "We are being looked after. Nothing you typed was wrong; if you sent something, send it again in a minute.",
            ),
            Self::Unavailable(help) => ("Not available now", *help),
            Self::Internal(_) => {
                ("Something went wrong on our side", "Nothing you typed was wrong. Try again in a minute.")
            }
        };
        (title, help.to_owned())
    }
}

/// A handler that breaks off is our fault like any other, and not the end of the connection.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    let broke_off = |broke| WebError::internal(format!("it broke off: {broke}")).into_response();
    heavy::caught(next.run(request)).await.unwrap_or_else(broke_off)
}

/// The failure, or that it came of the database, which was told already and is nobody's mistake.
pub(super) async fn or_away(app: &App, failure: Arc<WebError>) -> Arc<WebError> {
    match *failure {
        WebError::Internal(_) if app.site.db.is_away().await => Arc::new(WebError::Away),
        _ => failure,
    }
}

/// The failure on its way to [`page`], which has the templates that `into_response` cannot reach.
#[derive(Clone)]
pub(super) struct Failure(pub(super) Arc<WebError>);

/// When to look whether the database is back.
const A_WHILE: Duration = Duration::from_secs(10);

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let bare = self.status().into_response();
        let mut response = match &self {
            Self::TooMany(wait) => too_many(*wait, bare),
            Self::Busy => busy(bare),
            _ => bare,
        };
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

pub(super) fn log(failure: &WebError, method: &Method, path: &'static str) {
    match failure {
        WebError::Internal(cause) => {
            tracing::error!(%method, path, cause = %one_line(cause.as_ref()), "a request failed");
        }
        other => tracing::debug!(%method, path, status = other.status().as_u16(), "a request was refused"),
    }
}

/// A cause with the causes of it, without addresses; line ends and control characters that it may carry are escaped, so that
/// it forges no line.
fn one_line(cause: &(dyn Error + 'static)) -> String {
    let mut chain = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        chain = format!("{chain}: {cause}");
        next = cause.source();
    }
    format!("{:?}", for_the_log(&chain))
}

#[derive(Serialize)]
struct AwayPage {
    title: &'static str,
    help: String,
}

#[derive(Serialize)]
struct ErrorPage {
    help: String,
    home: &'static str,
    home_label: &'static str,
}

/// The page of a failure, in the frame of the place where it happened; headers that the bare response carried stay.
pub(super) async fn page(
    app: &App,
    failure: &WebError,
    set: HeaderSet,
    signed_in: Option<&SignedIn>,
    bare: Response,
) -> Response {
    if let WebError::SignInFirst(back) = failure {
        return sign_in_first(back.as_deref());
    }
    let (title, help) = failure.words();
    let rendered = if set == HeaderSet::Hook {
        None
    } else if set == HeaderSet::Api {
        let error = if help.is_empty() { title.to_owned() } else { format!("{title}. {help}") };
        Some(Json(serde_json::json!({ "error": error })).into_response())
    } else if matches!(failure, WebError::Away) {
        // Every other page has the magazine's name from the database.
        app.pages.render("public/away", &AwayPage { title, help }).ok().map(|page| Html(page).into_response())
    } else if set.is_desk() {
        let page = ErrorPage { help, home: "/desk", home_label: "Go to the desk" };
        match Settings::load(&app.site.db).await {
            Ok(settings) => app.desk_page(signed_in, None, &settings, "desk/error", title, &page).await.ok(),
            Err(_) => None,
        }
    } else {
        let page = ErrorPage { help, home: "/", home_label: "Go to the front page" };
        app.public_page("public/error", title, &page).await.ok()
    };
    // When even the frame cannot be made, say so in plain words.
    let mut response = rendered.unwrap_or_else(|| title.into_response());
    *response.status_mut() = failure.status();
    for (name, value) in bare.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            response.headers_mut().append(name, value.clone());
        }
    }
    match failure {
        WebError::Away => not_now(failure.status(), A_WHILE, response),
        _ => response,
    }
}

fn sign_in_first(back: Option<&str>) -> Response {
    let query = back.filter(|path| *path != "/desk").map(|path| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", path);
        format!("?{}", query.finish())
    });
    let to = format!("/desk/sign-in{}", query.unwrap_or_default());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/desk/sign-in"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A31: nor does it name a reader, or fill the log.
    #[test]
    fn a_cause_cannot_forge_a_line_of_the_log() {
        let cause = std::io::Error::other("broken\r\nINFO a line of their own\u{1b}[31m");
        let line = one_line(&cause);
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        assert!(line.contains("broken"));
        let long = format!("broken for ann@example.org {}", "x".repeat(100_000));
        let line = one_line(&std::io::Error::other(long));
        assert!(line.contains("broken") && !line.contains("ann@") && line.chars().count() < 600, "{line:?}");
    }
}
