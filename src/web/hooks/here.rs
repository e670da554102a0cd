//! `/here/{nonce}`: which instance this is, for the doctor who looks whether the public address leads to it.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::HeaderMap,
    response::IntoResponse as _,
};

use super::super::{App, Outcome, WebError};
use crate::{
    doctor::{BroughtBy, HereAnswer},
    token,
};

/// `GET /here/{nonce}`
pub(crate) async fn show(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(nonce): Path<String>,
) -> Outcome {
    if !token::is_public_id(&nonce) {
        return Err(WebError::NotFound);
    }
    let name = app.here.here(&app.site).await?.name(&nonce);
    let by = BroughtBy::of(
        peer.ip().to_canonical(),
        headers.contains_key("x-forwarded-for"),
        &app.trusted_proxies,
    );
    Ok(Json(HereAnswer { name, by }).into_response())
}
