//! `/thanks/{public id}`: where the checkout leads back to. It thanks only for money that is there (TRUST T5).

use axum::{
    extract::{Path, State},
    http::{HeaderName, HeaderValue},
};
use serde::Serialize;

use super::super::{App, Outcome, WebError};
use crate::{
    donations::{manage_token, reports},
    staff::Settings,
};

#[derive(Serialize)]
struct Page {
    /// `paid`, `waiting`, `bank`, `failed` or `expired`.
    state: &'static str,
    amount: String,
    monthly: bool,
    receipt_number: Option<i64>,
    /// Where a monthly donation can be ended.
    manage: Option<String>,
    recipient: String,
}

/// `GET /thanks/{public id}`
pub(crate) async fn show(State(app): State<App>, Path(public_id): Path<String>) -> Outcome {
    let donation = reports::find(&app.site.db, &public_id).await?.ok_or(WebError::NotFound)?;
    let settings = Settings::load(&app.site.db).await?;
    let (state, title) = match donation.state.as_str() {
        "paid" => ("paid", "Thank you"),
        "pending" => ("bank", "Waiting for your bank"),
        "failed" => ("failed", "The payment did not go through"),
        "expired" => ("expired", "This donation was not finished"),
        _ => ("waiting", "Waiting for the payment service"),
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
