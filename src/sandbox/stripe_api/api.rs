//! The API over HTTP: keys, versions, idempotency, and which request does what.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::any,
};
use data_encoding::BASE64;
use serde_json::Value;

use super::{
    StripeServer,
    error::{ApiError, ApiResult},
    form::Form,
    objects::API_VERSION,
    record::RecordedCall,
    routes::route,
    script::ApiFault,
    state::StoredReply,
};
use crate::clock::Moment;

const A_DAY: Duration = Duration::from_secs(86_400);
const LONGEST_KEY: usize = 255;

pub(in crate::sandbox) fn router(server: StripeServer) -> Router {
    Router::new()
        .route("/v1/{*path}", any(serve))
        .layer(DefaultBodyLimit::max(1024 * 1024))
        .with_state(server)
}

/// A request, once it is known who asks and what for.
struct Request<'a> {
    method: &'a Method,
    path: &'a str,
    form: Form,
    key: Option<&'a str>,
}

async fn serve(
    Shared(server): Shared<StripeServer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = server.lock().script.fault_of(uri.path());
    match fault {
        Some(ApiFault::Refuse(status)) => {
            let error = ApiError::server(status, "The sandbox was told to refuse this request.");
            return reply(error.status, &error.body(), "req_refused", false);
        }
        Some(ApiFault::NoSuchObject) => {
            let id = uri.path().rsplit('/').next().unwrap_or_default();
            let error = ApiError::unknown_object("object", id, "id");
            return reply(error.status, &error.body(), "req_refused", false);
        }
        Some(ApiFault::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(ApiFault::TooMany(seconds)) => {
            let error = ApiError::server(429, "Too many requests hit the API too quickly.");
            let mut refused = reply(error.status, &error.body(), "req_refused", false);
            refused.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            return refused;
        }
        Some(ApiFault::LoseReply | ApiFault::FailAfter(_)) | None => {}
    }
    let request_id = server.lock().new_id("req", 14);
    let answered = read(&server, &method, &uri, &headers, &body)
        .and_then(|request| answer(&server, &request, &request_id));
    server.record(|| recorded(&method, &uri, &body, &answered));
    if fault == Some(ApiFault::LoseReply) {
        return broken_off();
    }
    if let Some(ApiFault::FailAfter(status)) = fault {
        let error = ApiError::server(status, "The sandbox was told to fail after it had acted.");
        return reply(error.status, &error.body(), &request_id, false);
    }
    match answered {
        Ok(Answer { status, body, replayed }) => reply(status, &body, &request_id, replayed),
        Err(error) => reply(error.status, &error.body(), &request_id, false),
    }
}

fn recorded(method: &Method, uri: &Uri, body: &Bytes, answered: &ApiResult<Answer>) -> RecordedCall {
    let body = String::from_utf8_lossy(body);
    let (status, answer) = match answered {
        Ok(answer) => (answer.status, answer.body.clone()),
        Err(error) => (error.status, error.body()),
    };
    RecordedCall {
        method: method.to_string(),
        path: uri.path().to_owned(),
        form: [uri.query().unwrap_or_default(), &body].join("&"),
        status,
        answer,
    }
}

fn read<'a>(
    server: &StripeServer,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &Bytes,
) -> ApiResult<Request<'a>> {
    check_key(server, headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(version) = text("stripe-version").filter(|version| *version != API_VERSION) {
        return Err(ApiError::invalid(format!(
            "The sandbox speaks only version {API_VERSION} of the API; the request asks for {version}."
        )));
    }
    let mut form = Form::parse(uri.query().unwrap_or_default())?;
    if !body.is_empty() {
        let kind = text("content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(ApiError::invalid(format!(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded), not {kind}."
            )));
        }
        let body = std::str::from_utf8(body)
            .map_err(|_| ApiError::invalid("Invalid request: the body is not UTF-8."))?;
        form = form.and(Form::parse(body)?);
    }
    let key = text("idempotency-key").filter(|_| method == Method::POST);
    if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
        return Err(ApiError::invalid(format!(
            "The idempotency key must have 1 to {LONGEST_KEY} characters."
        )));
    }
    let path = uri.path().trim_start_matches("/v1/");
    Ok(Request { method, path, form, key })
}

/// A test key by Bearer or, as curl does it, as the user of Basic.
fn check_key(server: &StripeServer, headers: &HeaderMap) -> ApiResult<()> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given.and_then(|given| match given.split_once(' ')? {
        (scheme, key) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim().to_owned()),
        (scheme, pair) if scheme.eq_ignore_ascii_case("basic") => {
            let pair = String::from_utf8(BASE64.decode(pair.trim().as_bytes()).ok()?).ok()?;
            Some(pair.split(':').next().unwrap_or_default().to_owned())
        }
        _ => None,
    });
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    let wanted = &server.0.api_key;
    let good = if wanted.is_empty() { key.starts_with("sk_test_") } else { key == *wanted };
    if good { Ok(()) } else { Err(ApiError::unauthorized("Invalid API Key provided.")) }
}

struct Answer {
    status: u16,
    body: Value,
    replayed: bool,
}

/// Does what is asked, once for each idempotency key.
fn answer(server: &StripeServer, request: &Request<'_>, request_id: &str) -> ApiResult<Answer> {
    server.act(Some(request_id), request.key, |state| {
        let now = state.cause.now;
        let fingerprint = format!("{} {} {}", request.method, request.path, request.form.fingerprint());
        if let Some(stored) =
            request.key.and_then(|key| state.reply_to(key)).filter(|stored| is_fresh(stored, now))
        {
            if stored.fingerprint != fingerprint {
                return Err(ApiError::key_reused(&stored.key));
            }
            return Ok(Answer { status: stored.status, body: stored.body.clone(), replayed: true });
        }
        // A refusal changes nothing and is not stored: the corrected request may use the same key.
        let mut body = route(state, request.method.as_str(), request.path, &request.form)?;
        if request.method != Method::GET {
            state.expand(&mut body, &request.form)?;
        }
        if let Some(key) = request.key {
            let key = key.to_owned();
            state.remember_reply(StoredReply { key, at: now, fingerprint, status: 200, body: body.clone() });
        }
        Ok(Answer { status: 200, body, replayed: false })
    })
}

fn is_fresh(stored: &StoredReply, now: Moment) -> bool {
    now.since(stored.at) < A_DAY
}

fn reply(status: u16, body: &Value, request_id: &str, replayed: bool) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("request-id"), id);
    }
    if replayed {
        headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    }
    response
}

/// An answer that never comes whole: its body breaks off before the length it promised.
fn broken_off() -> Response {
    let lost =
        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the reply is lost")) });
    ([(header::CONTENT_LENGTH, "1000")], Body::from_stream(lost)).into_response()
}
