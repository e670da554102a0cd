//! Who asks, as far as the proof of consent keeps it: network address and browser.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::super::{App, ClientAddress};
use crate::subscribers::Trace;

/// Where a request came from.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    ip: String,
    user_agent: String,
}

impl Caller {
    /// As the readers' room wants it.
    pub(super) fn trace(&self) -> Trace<'_> {
        Trace { ip: &self.ip, user_agent: &self.user_agent }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ClientAddress(ip) = ClientAddress::from_request_parts(parts, app).await?;
        let browser =
            parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Ok(Self {
            ip: ip.map(|ip| ip.to_string()).unwrap_or_default(),
            user_agent: browser.map(String::from).unwrap_or_default(),
        })
    }
}
