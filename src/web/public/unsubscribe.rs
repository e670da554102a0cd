//! `/unsubscribe/{token}`: one press, no questions. The same address takes the mail program's own one-click request
//! (RFC 8058), which has no cookie, no origin and no page before it.
//!
//! Whatever the link is, the answer is 200 and never a redirect; a link that is not ours changes nothing and is told so in
//! the same words, whichever of its bits is wrong (TRUST M2-M4).

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, header},
};
use serde::Serialize;

use super::{
    super::{App, Outcome},
    caller::Caller,
};
use crate::{
    settings::Settings,
    subscribers::{self, ConsentMethod, Left, SubscriberError},
};

#[derive(Serialize)]
struct Page {
    /// `on`, `off`, `back`, or `unknown` for a link that is not ours.
    state: &'static str,
    list: String,
    can_undo: bool,
    preferences: String,
    contact: String,
}

/// `GET /unsubscribe/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let found = known(subscribers::look_at_unsubscribe(&app.site, &token).await)?;
    page(&app, found, false).await
}

/// `POST /unsubscribe/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let (site, trace) = (&app.site, caller.trace());
    let pressed = Pressed::read(&headers, &body);
    let found = match pressed {
        Pressed::Undo => subscribers::rejoin(site, &token, trace).await,
        Pressed::Leave => subscribers::leave(site, &token, ConsentMethod::UnsubscribePage, trace).await,
        Pressed::OneClick => subscribers::leave(site, &token, ConsentMethod::OneClick, trace).await,
    };
    page(&app, known(found)?, pressed == Pressed::Undo).await
}

/// None for a link that is not ours.
fn known(found: Result<Left, SubscriberError>) -> Result<Option<Left>, SubscriberError> {
    match found {
        Ok(left) => Ok(Some(left)),
        Err(SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which button it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pressed {
    Undo,
    Leave,
    OneClick,
}

impl Pressed {
    /// Only our own page's buttons name themselves. Everything else wants to leave, in whatever form it comes: RFC 8058
    /// lets mail providers choose between two encodings, and some send none.
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
        if !kind.starts_with(b"application/x-www-form-urlencoded") {
            return Self::OneClick;
        }
        let pressed = url::form_urlencoded::parse(body).find(|(name, _)| name == "press");
        match pressed.as_ref().map(|(_, value)| value.as_ref()) {
            Some("undo") => Self::Undo,
            Some("leave") => Self::Leave,
            _ => Self::OneClick,
        }
    }
}

async fn page(app: &App, found: Option<Left>, undone: bool) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let contact = settings.contact_email;
    let (title, page) = match found {
        None => (
            "Leaving",
            Page {
                state: "unknown",
                list: String::new(),
                can_undo: false,
                preferences: String::new(),
                contact,
            },
        ),
        Some(left) => {
            let (title, state) = match (left.subscribed, undone) {
                (true, true) => ("You are back", "back"),
                (true, false) => ("Leave the list?", "on"),
                (false, _) => ("You are off the list", "off"),
            };
            let preferences = subscribers::preferences_path(&app.site, &left.public_id);
            (title, Page { state, list: left.list, can_undo: left.can_undo, preferences, contact })
        }
    };
    app.public_page("public/unsubscribe", title, &page).await
}
