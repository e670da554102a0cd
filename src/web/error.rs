//! What can go wrong at the boundary: statuses of pages that have nothing else to say, and their words. `page` makes the page of
//! it, `domains` says what the domains refuse, and `answers` has the statuses of pages that say beside a form what was not done.

mod domains;
pub(super) mod page;

use std::{error::Error, sync::Arc, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::answers::{busy, too_many};
use crate::door::TooSlow;

/// How it comes that somebody is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// They were not, as far as is known.
    Nobody,
    /// Their session ended.
    SignedOut,
    /// It ended before what they sent came here: nothing was done with that.
    Sending,
}

/// Why a request has no page of its own.
#[derive(Debug)]
pub enum WebError {
    /// Nothing lives there, or not for this person: the same answer (TRUST A11).
    NotFound,
    /// It was there, and the magazine took it back.
    Withdrawn,
    /// Signed in, but the role does not open it.
    Forbidden,
    /// Not signed in; where to go afterwards, and how it comes that they are not.
    SignInFirst(Option<String>, Was),
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
            Self::SignInFirst(..) => StatusCode::SEE_OTHER,
            Self::ExpiredLink | Self::Withdrawn => StatusCode::GONE,
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
            Self::Withdrawn => {
                ("This article was withdrawn", "The magazine took it back, so it is not shown any more.")
            }
            Self::Forbidden => ("Not for your role", "Ask an owner of the magazine if you need to do this."),
            Self::SignInFirst(..) => ("Sign in first", "This page is for the team."),
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
                "You were signed out, or signed in again, since the page was opened. Nothing was saved.",
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

/// The failure on its way to its page, which has the templates that `into_response` cannot reach.
#[derive(Clone)]
pub(super) struct Failure(pub(super) Arc<WebError>);

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
