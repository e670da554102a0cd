//! The page of a failure.
//!
//! It says what the person can do next and never shows a cause; the cause is logged once, here, with the route as the
//! table writes it, so that no token, address or query of a request reaches a log (TRUST A31).

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

use super::{Was, WebError};
use crate::{
    email_address::for_the_log,
    heavy,
    settings::Settings,
    web::{
        App,
        answers::not_now,
        header_set::HeaderSet,
        public::lost::{self, Lost},
        session::SignedIn,
    },
};

/// When to look whether the database is back.
const A_WHILE: Duration = Duration::from_secs(10);

/// A handler that breaks off is our fault like any other, and not the end of the connection.
pub(in crate::web) async fn catch(request: Request, next: Next) -> Response {
    let broke_off = |broke| WebError::internal(format!("it broke off: {broke}")).into_response();
    heavy::caught(next.run(request)).await.unwrap_or_else(broke_off)
}

/// The failure, or that it came of the database, which was told already and is nobody's mistake.
pub(in crate::web) async fn or_away(app: &App, failure: Arc<WebError>) -> Arc<WebError> {
    match *failure {
        WebError::Internal(_) if app.site.db.is_away().await => Arc::new(WebError::Away),
        _ => failure,
    }
}

pub(in crate::web) fn log(failure: &WebError, method: &Method, path: &'static str) {
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
    /// What was typed is not lost by it.
    lost: bool,
    home: &'static str,
    home_label: &'static str,
}

/// Where it happened.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Place<'a> {
    pub(in crate::web) set: HeaderSet,
    /// The path as the table writes it.
    pub(in crate::web) route: &'static str,
    /// As it was asked for.
    pub(in crate::web) path: &'a str,
}

#[derive(Serialize)]
struct LostPage {
    help: String,
    home: &'static str,
    home_label: &'static str,
    lost: Lost,
}

/// The page of a failure, in the frame of the place where it happened; headers that the bare response carried stay.
pub(in crate::web) async fn answer(
    app: &App,
    failure: &WebError,
    Place { set, route, path }: Place<'_>,
    signed_in: Option<&SignedIn>,
    bare: Response,
) -> Response {
    if let WebError::SignInFirst(back, was) = failure {
        return sign_in_first(back.as_deref(), *was);
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
        let page = ErrorPage {
            help,
            lost: matches!(failure, WebError::StaleForm),
            home: "/desk",
            home_label: "Go to the desk",
        };
        match Settings::load(&app.site.db).await {
            Ok(settings) => app.desk_page(signed_in, None, &settings, "desk/error", title, &page).await.ok(),
            Err(_) => None,
        }
    } else if matches!(failure, WebError::NotFound | WebError::Withdrawn) && lost::is_of_articles(route) {
        let lost = lost::help(app, path).await.unwrap_or_default();
        let page = LostPage { help, home: "/", home_label: "Go to the front page", lost };
        app.public_page("public/lost", title, &page).await.ok()
    } else {
        let page = ErrorPage { help, lost: false, home: "/", home_label: "Go to the front page" };
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

fn sign_in_first(back: Option<&str>, was: Was) -> Response {
    let next = back.filter(|path| *path != "/desk").map(|path| ("next", path));
    let was = match was {
        Was::Nobody => None,
        Was::SignedOut => Some(("was", "out")),
        Was::Sending => Some(("was", "sending")),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(next.into_iter().chain(was)).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let to = format!("/desk/sign-in{mark}{query}");
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
