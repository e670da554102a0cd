//! The layer before every handler: who may come, whether the request is forged, how large it may be. The table decides.

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, Method, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use url::Url;

use super::{
    App, WebError,
    elsewhere::{FromElsewhere, let_read},
    error::Was,
    header_set::HeaderSet,
    headers::Seen,
    routes::{Csrf, Rule, Who, has_page},
    session::{self, SignedIn},
    upload,
};
use crate::{door::Deadline, subscribers::forms};

/// Lets a request through to its handler, or answers in its place.
pub(super) async fn check(
    State((app, rule)): State<(App, Rule)>,
    mut request: Request,
    next: Next,
) -> Response {
    let seen = |signed_in| Seen {
        headers: rule.headers,
        path: rule.path,
        token_page: rule.is_token_page(),
        signed_in,
    };
    let admitted = admit(&app, rule, &mut request).await;
    // What went wrong is for the page that sent it to read, too.
    let reads = request.extensions().get::<FromElsewhere>().filter(|_| rule.headers == HeaderSet::Api);
    let reads = reads.map(|FromElsewhere(origin)| origin.clone());
    let signed_in = match admitted {
        Ok(signed_in) => signed_in,
        Err((error, signed_in)) => {
            let mut response = error.into_response();
            let_read_by(&mut response, reads);
            response.extensions_mut().insert(seen(signed_in));
            return response;
        }
    };
    if let Some(signed_in) = &signed_in {
        request.extensions_mut().insert(signed_in.clone());
    }
    let former = rule.caller().zip(former_name(&app, &request));
    // A file comes while its handler reads it: the door says how slow it may be.
    let mut response = match rule.takes_file {
        true => next.run(request).await,
        false => in_time(request, next).await,
    };
    let_read_by(&mut response, reads);
    if let Some((caller, name)) = former
        && (response.status().is_success() || response.status().is_redirection())
    {
        app.former.count(&name, caller, app.site.now());
    }
    response.extensions_mut().insert(seen(signed_in));
    response
}

fn let_read_by(response: &mut Response, origin: Option<header::HeaderValue>) {
    if let Some(origin) = origin {
        let_read(response.headers_mut(), origin);
    }
}

/// The name by which a request calls us, if that was ours once.
fn former_name(app: &App, request: &Request) -> Option<String> {
    let in_header = || request.headers().get(header::HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let called = request.uri().authority().cloned().or_else(in_header)?;
    let name = called.host().trim_end_matches('.').to_ascii_lowercase();
    app.former.knows(&name).then_some(name)
}

/// The answer, or that there was none when it was due. The body is here, however long that took.
async fn in_time(request: Request, next: Next) -> Response {
    let Some(Deadline(span)) = request.extensions().get().copied() else { return next.run(request).await };
    let late = WebError::Unavailable(
        "It took longer than anybody waits. Look whether it was done before you try again.",
    );
    let answered = tokio::time::timeout(span, next.run(request)).await;
    answered.unwrap_or_else(|_| late.into_response())
}

type Refusal = (WebError, Option<SignedIn>);

async fn admit(app: &App, rule: Rule, request: &mut Request) -> Result<Option<SignedIn>, Refusal> {
    // No page of ours has a NUL in its address, and PostgreSQL fails at one.
    if request.uri().path_and_query().is_some_and(|address| address.as_str().contains("%00")) {
        return Err((WebError::NotFound, None));
    }
    // Public pages never look at the cookie: they are the same for everybody.
    let signed_in = if rule.headers.is_desk() || rule.who != Who::Public {
        session::signed_in(app, request.headers()).await.map_err(|error| (error, None))?
    } else {
        None
    };
    // A browser asks by OPTIONS whether a page may send something, and nothing else is done by it.
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && matches!(rule.csrf, Csrf::Token | Csrf::PublicForm) {
        comes_from_us(app, rule, request.headers()).map_err(|error| (error, signed_in.clone()))?;
    }
    if changes && rule.csrf == Csrf::NamedSites && comes_from_us(app, rule, request.headers()).is_err() {
        let slug = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let origin = request.headers().get(header::ORIGIN).cloned();
        let from = comes_from_a_named_site(app, &slug, origin).await.map_err(|error| (error, None))?;
        request.extensions_mut().insert(from);
    }
    if let Who::Staff(roles) = rule.who {
        match &signed_in {
            None => {
                let was = match changes {
                    true => Was::Sending,
                    false if session::had_session(app, request.headers()) => Was::SignedOut,
                    false => Was::Nobody,
                };
                return Err((WebError::SignInFirst(way_back(app, request), was), None));
            }
            Some(one) if !roles.contains(&one.staff.role) => return Err((WebError::Forbidden, signed_in)),
            Some(_) => {}
        }
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        // So that no handler reads what nobody measured.
        *request.body_mut() = Body::empty();
    } else if let Some(boundary) = upload::boundary(request.headers()).filter(|_| rule.takes_file) {
        let body = std::mem::take(request.body_mut());
        let in_form = upload::token(body, &boundary, rule.body_limit).await;
        let (in_form, body) = in_form.map_err(|error| (error, signed_in.clone()))?;
        let given = token_in_header(request).unwrap_or(in_form);
        if !signed_in.as_ref().is_some_and(|one| one.owns_csrf(&given)) {
            return Err((WebError::StaleForm, signed_in));
        }
        *request.body_mut() = body;
    } else {
        let bytes = whole(std::mem::take(request.body_mut()), rule.body_limit.min(WHOLE)).await;
        let bytes = bytes.map_err(|error| (error, signed_in.clone()))?;
        if changes && rule.csrf == Csrf::Token {
            owns_token(request, &bytes, signed_in.as_ref()).map_err(|error| (error, signed_in.clone()))?;
        }
        *request.body_mut() = Body::from(bytes);
    }
    Ok(signed_in)
}

/// What the browser says about where the request was made. Every browser of the last years sends `Sec-Fetch-Site`, which a
/// page cannot forge; older ones send `Origin`. Where both are missing there is no browser, so no cookie to borrow.
fn comes_from_us(app: &App, rule: Rule, headers: &HeaderMap) -> Result<(), WebError> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    if headers.contains_key("sec-fetch-site") {
        return match text("sec-fetch-site") {
            Some("same-origin" | "none") => Ok(()),
            _ => Err(WebError::CrossSite),
        };
    }
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    match text("origin") {
        // A page that sends no referrer has no origin either (Fetch, "append a request Origin header"); there the link is the authority.
        Some("null") if rule.is_token_page() => Ok(()),
        Some(origin) if Url::parse(origin).is_ok_and(|url| url.origin() == app.site.base_url.origin()) => {
            Ok(())
        }
        _ => Err(WebError::CrossSite),
    }
}

/// Whether the owner named the site whose page made the browser send it, for that form.
async fn comes_from_a_named_site(
    app: &App,
    slug: &str,
    origin: Option<header::HeaderValue>,
) -> Result<FromElsewhere, WebError> {
    let origin = origin.ok_or(WebError::CrossSite)?;
    let form = forms::named(&app.site.db, slug).await?;
    let is_named = form.zip(origin.to_str().ok()).is_some_and(|(form, origin)| form.is_on(origin));
    if is_named { Ok(FromElsewhere(origin)) } else { Err(WebError::CrossSite) }
}

fn token_in_header(request: &Request) -> Option<String> {
    request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Whether the form in the body holds the token of the session.
fn owns_token(request: &Request, body: &[u8], signed_in: Option<&SignedIn>) -> Result<(), WebError> {
    let given = match token_in_header(request) {
        Some(token) => token,
        None => url::form_urlencoded::parse(body)
            .find(|(name, _)| name == "csrf")
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default(),
    };
    if signed_in.is_some_and(|one| one.owns_csrf(&given)) { Ok(()) } else { Err(WebError::StaleForm) }
}

/// No body is held whole that is larger: files are not.
const WHOLE: usize = 1024 * 1024;

/// The whole body; one that ends before its end, or that its sender broke off, is no body at all (RFC 9112 section 8).
async fn whole(body: Body, limit: usize) -> Result<Bytes, WebError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(WebError::TooLarge);
    }
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(WebError::of_body)?;
        if bytes.len() + piece.len() > limit {
            return Err(WebError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// What is sent at the desk stands at most so far below the page that sends it.
const DEEPEST: usize = 4;

/// Where to go after signing in: the page that was asked for, if asking again changes nothing; else the one that something was sent from.
fn way_back(app: &App, request: &Request) -> Option<String> {
    if request.method() == Method::GET {
        let asked = request.uri().path_and_query();
        return Some(asked.map_or_else(|| "/desk".to_owned(), ToString::to_string));
    }
    let mut from = Url::parse(request.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
    // A page that came back with a mistake stands at the address to which it was sent, where nothing can be asked for.
    for _ in 0..DEEPEST {
        if has_page(from.path()) {
            break;
        }
        from.set_query(None);
        from.path_segments_mut().ok()?.pop();
    }
    (from.origin() == app.site.base_url.origin() && has_page(from.path()))
        .then(|| from[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}
