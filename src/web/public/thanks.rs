//! `/thanks/{token}`: where the checkout leads back to. It thanks only for money that is there (TRUST T5).
//!
//! Only a signed token opens it. Checkouts that were opened by an older program come back with the gift's bare name, which stands
//! in logs and at the provider: they see a page that says nothing of anybody's gift.

use axum::{
    extract::{Path, State},
    http::{HeaderName, HeaderValue},
};
use serde::Serialize;

use super::super::{App, Outcome, WebError};
use crate::{
    donations::{self, DonationState, manage_token},
    settings::Settings,
    token::{self, TokenError},
};

#[derive(Serialize)]
struct Page {
    /// `paid`, `waiting`, `bank`, `failed`, `expired`, or `closed` for whoever may not see more.
    state: &'static str,
    amount: String,
    monthly: bool,
    receipt_number: Option<String>,
    /// Where a monthly donation can be ended.
    manage: Option<String>,
    recipient: String,
}

/// `GET /thanks/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let public_id = match donations::gift_of(&app.site, &token) {
        Ok(public_id) => public_id,
        Err(TokenError::Invalid) if !token::is_public_id(&token) => return Err(WebError::NotFound),
        Err(_) => return closed(&app, settings).await,
    };
    let donation = donations::find_donation(&app.site.db, &public_id).await?.ok_or(WebError::NotFound)?;
    let (state, title) = match donation.state {
        DonationState::Paid => ("paid", "Thank you"),
        DonationState::Pending => ("bank", "Waiting for your bank"),
        DonationState::Failed => ("failed", "The payment did not go through"),
        DonationState::Expired => ("expired", "This donation was not finished"),
        DonationState::Created | DonationState::CheckoutOpen => {
            ("waiting", "Waiting for the payment service")
        }
    };
    let manage = donation.recurring_public_id.as_deref().filter(|_| donation.is_paid());
    let page = Page {
        state,
        amount: donation.amount(),
        monthly: donation.is_monthly(),
        receipt_number: donation.receipt_number,
        manage: manage.map(|id| format!("/giving/{}", manage_token(&app.site, id))),
        recipient: settings.magazine_name,
    };
    let mut response = app.public_page("public/thanks", title, &page).await?;
    if state == "waiting" {
        // The provider's word usually comes within seconds; the page looks again by itself, without JavaScript.
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static("3"));
    }
    Ok(response)
}

/// What whoever comes without a good token sees: the same for every gift, and for none.
async fn closed(app: &App, settings: Settings) -> Outcome {
    let page = Page {
        state: "closed",
        amount: String::new(),
        monthly: false,
        receipt_number: None,
        manage: None,
        recipient: settings.magazine_name,
    };
    app.public_page("public/thanks", "Your donation", &page).await
}
