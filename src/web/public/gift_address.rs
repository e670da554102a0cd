//! `/gift-address/{token}`: whoever reads the address that the payment service has for a regular gift, or that a supporter typed on their
//! page, says that it is theirs.
//!
//! Opening the page changes nothing, for programs open links too.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Serialize;

use super::{
    super::{App, Outcome, answers::invalid, session::see_other},
    dead_link,
};
use crate::{
    donations::{self, NewAddressError},
    settings::Settings,
};

#[derive(Serialize)]
struct Page {
    here: String,
    /// What is given regularly; none of somebody who asked for themselves.
    gift: Option<String>,
    taken: bool,
    /// Whether gifts of this address are known already.
    known: bool,
    /// Whether the payment service has to take it, too.
    goes_on: bool,
    contact: String,
    /// Whether the payment service did not answer.
    unreachable: bool,
    /// Whether it did not take it.
    refused: bool,
}

/// What became of a press.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    NotPressed,
    Unreachable,
    Refused,
}

/// `GET /gift-address/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    page(&app, &token, Came::NotPressed).await
}

/// `POST /gift-address/{token}`: goes on to the page of everything that they give.
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    match donations::take_new_address(&app.site, provider, &token).await {
        Ok(whose) => Ok(see_other(&format!("/supporter/{whose}"))),
        Err(NewAddressError::NotFound) => match donations::new_gift_address(&app.site, &token).await? {
            // Pressed twice, or long ago; the page says so.
            Some(gift) if gift.is_taken || gift.is_known => Ok(see_other(&format!("/gift-address/{token}"))),
            // Something else was begun meanwhile that is given regularly.
            Some(gift) if gift.gift.is_none() => {
                Ok((StatusCode::SERVICE_UNAVAILABLE, page(&app, &token, Came::Unreachable).await?)
                    .into_response())
            }
            _ => dead_link::page(&app, dead_link::Was::Unknown).await,
        },
        Err(NewAddressError::Unreachable(error)) => {
            tracing::warn!(error = error.for_the_record(), "a new address of a gift was not taken now");
            Ok((StatusCode::SERVICE_UNAVAILABLE, page(&app, &token, Came::Unreachable).await?)
                .into_response())
        }
        Err(NewAddressError::Refused(error)) => {
            tracing::warn!(error = error.for_the_record(), "the payment service did not take a new address");
            Ok(invalid(page(&app, &token, Came::Refused).await?))
        }
        Err(NewAddressError::Database(error)) => Err(error.into()),
    }
}

async fn page(app: &App, token: &str, came: Came) -> Outcome {
    let Some(gift) = donations::new_gift_address(&app.site, token).await? else {
        return dead_link::page(app, dead_link::Was::Unknown).await;
    };
    let page = Page {
        here: format!("/gift-address/{token}"),
        gift: gift.gift,
        taken: gift.is_taken,
        known: gift.is_known,
        contact: Settings::load(&app.site.db).await?.contact_email,
        goes_on: gift.goes_on,
        unreachable: came == Came::Unreachable,
        refused: came == Came::Refused,
    };
    app.public_page("public/gift_address", "Your gifts, at this address", &page).await
}
