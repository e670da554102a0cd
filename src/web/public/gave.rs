//! The gift that this browser began, for an hour: so that whoever gives again is asked whether they mean to (decision 21).
//!
//! The cookie names one gift, signed, and goes to the page to give alone. It is set only for whoever sets out to give, and is read only
//! when a form is sent: the page itself is the same for everybody.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};

use super::super::App;
use crate::{site::Site, token::Purpose};

const LASTS: Duration = Duration::from_secs(3_600);
const NAME: &str = "gave";
const SCOPE: &str = "gave.";

/// The public id of the gift that the browser began within the last hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gave(pub(super) Option<String>);

impl FromRequestParts<App> for Gave {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let named = cookies
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
        let scope = named.and_then(|token| app.site.keys.verify(Purpose::Thanks, token, app.site.now()).ok());
        Ok(Self(scope.and_then(|scope| scope.strip_prefix(SCOPE).map(str::to_owned))))
    }
}

/// Lets the browser remember a gift.
pub(super) fn remembers(site: &Site, gift: &str, mut response: Response) -> Response {
    let until = site.now().plus(LASTS);
    let token = site.keys.sign(Purpose::Thanks, &format!("{SCOPE}{gift}"), Some(until));
    let secure = if site.base_url.scheme() == "https" { " Secure;" } else { "" };
    let cookie =
        format!("{NAME}={token}; Path=/donate;{secure} HttpOnly; SameSite=Lax; Max-Age={}", LASTS.as_secs());
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
