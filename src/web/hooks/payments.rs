//! `/hooks/stripe`: the provider's events go into the inbox, and nothing else happens here.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};

use super::super::App;
use crate::donations::{self, ReceiveError};

/// `POST /hooks/stripe`: 200 for every genuine event, whatever its kind; 400 for what is not the provider's; 5xx when it could
/// not be stored, so that the provider sends it again.
pub(crate) async fn receive(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let Some(payments) = &app.payments else { return (StatusCode::NOT_FOUND, "donations are off\n") };
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let received = donations::receive(
        &app.site,
        payments.provider.as_ref(),
        &payments.webhook_secrets,
        signature,
        &body,
    );
    match received.await {
        Ok(()) => (StatusCode::OK, "stored\n"),
        Err(ReceiveError::Refused(reason)) => {
            if let Some(since) = app.meters.refused("events", app.site.now()) {
                tracing::warn!(%reason, refused = since, "events were refused");
            }
            (StatusCode::BAD_REQUEST, "refused\n")
        }
        Err(ReceiveError::Database(error)) => {
            tracing::error!(%error, "an event could not be stored");
            (StatusCode::INTERNAL_SERVER_ERROR, "not stored, send it again\n")
        }
    }
}
