//! `/again/{token}`: the page that the button of an edition leads to that asks its readers to confirm again. Programs that look at links
//! before people do open it too, so only the button on it says anything (TRUST A25).

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, Posted, WebError, session::see_other},
    caller::Caller,
    dead_link,
};
use crate::{
    clock::Moment,
    settings::Settings,
    subscribers::{self, AgainStanding, ConfirmingAgain, SubscriberError, consent},
};

#[derive(Serialize)]
struct Page {
    /// `asked`, `said`, `waits`, `left` or `stopped`.
    state: &'static str,
    list: String,
    question: String,
    button: &'static str,
    preferences: String,
    contact: String,
    /// When they left; may be empty.
    left_on: String,
    /// Until when nothing of it comes, for they rest; may be empty.
    rests_until: String,
}

/// `GET /again/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match subscribers::look_at_confirming_again(&app.site, &token).await {
        Ok(again) => page(&app, again).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// `POST /again/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    posted.form(&[])?;
    match subscribers::confirm_again(&app.site, &token, caller.trace()).await {
        // Back does not press twice; the page says what came of it.
        Ok(()) => Ok(see_other(&format!("/again/{token}"))),
        Err(error) => dead_end(&app, error).await,
    }
}

async fn page(app: &App, again: ConfirmingAgain) -> Outcome {
    let ConfirmingAgain { reader, list, stands, rests_until } = again;
    let settings = Settings::load(&app.site.db).await?;
    let (state, title) = match stands {
        AgainStanding::Retired => return dead_link::page(app, dead_link::Was::Retired).await,
        AgainStanding::Asked => ("asked", "Shall it go on?"),
        AgainStanding::Said => ("said", "It goes on"),
        AgainStanding::Waits => ("waits", "One press is missing"),
        AgainStanding::Left(_) => ("left", "You have left"),
        AgainStanding::Stopped => ("stopped", "No mail goes to you"),
    };
    let left_at = match stands {
        AgainStanding::Left(at) => at,
        _ => None,
    };
    let day = |at: Option<Moment>| at.map(|at| at.date(&settings.time_zone)).unwrap_or_default();
    let page = Page {
        state,
        question: consent::again_question(&list),
        button: consent::AGAIN_BUTTON,
        preferences: subscribers::choices_path(&app.site, &reader.public_id),
        left_on: day(left_at),
        rests_until: day(rests_until),
        list,
        contact: settings.contact_email.clone(),
    };
    app.public_page("public/again", title, &page).await
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}
