//! `/giving/{token}`: a monthly donation, and the one button that ends it. The link stands in every receipt.

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde::Serialize;

use super::super::{App, Outcome, WebError};
use crate::{
    donations::{self, CancelError, Monthly, RecurringState},
    settings::Settings,
};

#[derive(Serialize)]
struct Page {
    amount: String,
    state: RecurringState,
    began: Option<String>,
    ended: Option<String>,
    /// When the supporter asked to end it, while the provider has not confirmed that it is over.
    asked: Option<String>,
    /// Whether the payment service can be asked at all; without its key we cannot.
    reachable: bool,
    /// Whether it can be ended here.
    running: bool,
    /// The amounts of copies of it that run besides; empty for almost everybody.
    others: String,
}

/// `GET /giving/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    page(&app, &token).await
}

/// `POST /giving/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, body: Bytes) -> Outcome {
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    // Whatever else a form says, whoever presses wants to end it.
    let all = url::form_urlencoded::parse(&body).any(|(name, _)| name == "all");
    let asked = if all {
        donations::cancel_all(&app.site, provider, &token).await
    } else {
        donations::cancel_monthly(&app.site, provider, &token).await
    };
    match asked {
        // Not confirmed yet: the page says that we keep asking, today and until it is over.
        Ok(()) | Err(CancelError::NotYet(_)) => page(&app, &token).await,
        Err(CancelError::NotFound) => Err(WebError::NotFound),
        Err(CancelError::Database(error)) => Err(error.into()),
    }
}

async fn page(app: &App, token: &str) -> Outcome {
    let Monthly { amount, state, began_at, cancelled_at, asked_at, others, .. } =
        donations::monthly_of(&app.site, token).await?.ok_or(WebError::NotFound)?;
    let zone = &Settings::load(&app.site.db).await?.time_zone;
    let page = Page {
        amount,
        reachable: app.payments.is_some(),
        running: state.runs(),
        began: began_at.map(|at| at.date(zone)),
        ended: cancelled_at.map(|at| at.date(zone)),
        state,
        asked: asked_at.map(|at| at.date_time(zone)),
        others: others.join(", "),
    };
    app.public_page("public/giving", "Your monthly donation", &page).await
}
