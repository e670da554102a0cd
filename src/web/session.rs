//! The session in the browser's cookie, and what handlers of the desk get from it.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, Outcome, WebError, answers::invalid, words};
use crate::{
    audit_log,
    clock::Zone,
    door::real_client,
    network::Network,
    settings::Settings,
    site::Site,
    staff::{self, Incoming, Role, Session, SessionToken, Staff},
    token::{self, Purpose},
};

/// Who is at the desk. Only behind routes for staff.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account as it is now.
    pub staff: Staff,
    /// For the hidden field `csrf` of every form of this session.
    pub csrf: String,
    pub session: Session,
}

impl SignedIn {
    fn new(site: &Site, session: Session) -> Self {
        // Derived from the session, so it needs no row and ends with it.
        let csrf = site.keys.sign(Purpose::Csrf, &session.hash, None);
        Self { staff: session.staff.clone(), csrf, session }
    }

    pub(super) fn owns_csrf(&self, given: &str) -> bool {
        token::equal(&self.csrf, given)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        parts.extensions.get::<Self>().cloned().ok_or(WebError::SignInFirst(None))
    }
}

/// What a handler of the desk starts from: the app, and who asks.
#[derive(Clone, Debug)]
pub struct Desk {
    pub app: App,
    /// Who asks.
    pub who: SignedIn,
    /// The settings in force.
    pub settings: Settings,
    notice: Option<&'static str>,
}

impl Desk {
    /// A page of the desk. The template's folder says which item of the menu is lit: `desk/articles/list` lights Articles.
    ///
    /// # Errors
    /// When the template and the data do not fit, or the settings cannot be read.
    pub async fn page<T: Serialize + Sync>(&self, template: &str, title: &str, data: &T) -> Outcome {
        self.app.desk_page(Some(&self.who), self.notice, &self.settings, template, title, data).await
    }

    /// The same page again for a form with mistakes: status 422.
    ///
    /// # Errors
    /// As [`Desk::page`].
    pub async fn page_again<T: Serialize + Sync>(&self, template: &str, title: &str, data: &T) -> Outcome {
        let page = self.app.desk_page(Some(&self.who), None, &self.settings, template, title, data);
        page.await.map(invalid)
    }

    /// Writes down that whoever asks looks at a reader, by public id, or through many of them (TRUST L10).
    ///
    /// # Errors
    /// When the database fails: what cannot be written down is not shown.
    pub async fn looks(&self, reader: &str, narrowed_by: &str) -> Result<(), WebError> {
        Ok(audit_log::looked(self.site(), self.zone(), self.who.staff.id, reader, narrowed_by).await?)
    }

    /// Whether whoever asks has one of these roles; for showing a control only to those whose route it is.
    #[must_use]
    pub fn may(&self, roles: &[Role]) -> bool {
        roles.contains(&self.who.staff.role)
    }

    /// The instance.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.app.site
    }

    /// Where the magazine's clocks are.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.settings.time_zone
    }
}

impl FromRequestParts<App> for Desk {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        let query = parts.uri.query().unwrap_or_default();
        let done = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done");
        let notice = done.and_then(|(_, code)| words::done(&code));
        let settings = Settings::load(&app.site.db).await?;
        Ok(Self { app: app.clone(), who, settings, notice })
    }
}

/// Goes on to another page after a form did its work (303, so that reloading does not send it again).
#[must_use]
pub fn see_other(path: &str) -> Response {
    let Ok(to) = HeaderValue::from_str(path) else { return WebError::NotFound.into_response() };
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// Where the request came from: the network address, or what a trusted proxy says it was.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub Option<IpAddr>);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        Ok(Self(peer.map(|peer| real_client(peer, &parts.headers, &app.trusted_proxies))))
    }
}

impl ClientAddress {
    /// The network of it, as far as limits go; none for a private one.
    #[must_use]
    pub fn network(self) -> Option<Network> {
        self.0.and_then(Network::of)
    }
}

impl FromRequestParts<App> for Incoming {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let client = ClientAddress::from_request_parts(parts, app).await?;
        Ok(Self {
            from: client.network(),
            session: parts.extensions.get::<SignedIn>().map(|who| who.session.clone()),
            hasher: app.hasher.clone(),
            cost: app.password_cost,
        })
    }
}

/// The cookie's name. `__Host-` makes the browser insist on https, this host and the whole path; on plain http of a
/// developer's machine browsers refuse it.
fn cookie_name(site: &Site) -> &'static str {
    if site.base_url.scheme() == "https" { "__Host-sid" } else { "sid" }
}

/// Sets the session's cookie on a response.
#[must_use]
pub fn with_cookie(site: &Site, token: &SessionToken, mut response: Response) -> Response {
    let secure = if site.base_url.scheme() == "https" { " Secure;" } else { "" };
    let cookie = format!("{}={}; Path=/;{secure} HttpOnly; SameSite=Lax", cookie_name(site), token.0);
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Takes the session's cookie away.
#[must_use]
pub fn without_cookie(site: &Site, mut response: Response) -> Response {
    let secure = if site.base_url.scheme() == "https" { " Secure;" } else { "" };
    let cookie = format!("{}=; Path=/;{secure} HttpOnly; SameSite=Lax; Max-Age=0", cookie_name(site));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub(super) async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, WebError> {
    let name = cookie_name(&app.site);
    let token = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
    let Some(token) = token else { return Ok(None) };
    let session = staff::find_session(&app.site, token).await?;
    Ok(session.map(|session| SignedIn::new(&app.site, session)))
}
