//! The mailbox in a browser, and as JSON for tests.
//!
//! The rule: the HTML of a mail is a stranger's. It is shown in a frame of its own origin, without scripts, forms or cookies.

use std::fmt::Write as _;

use axum::{
    Json, Router,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Mailbox, Received, message::Message};
use crate::{
    clock::Zone,
    sandbox::pages::{not_found, page, style},
};

const ON_A_PAGE: usize = 100;
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
    img-src data: http: https:; style-src 'unsafe-inline'";

pub(in crate::sandbox) fn router(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/mailbox.json", get(list_json))
        .route("/mailbox/{seq}", get(show))
        .route("/mailbox/{seq}/html", get(html))
        .route("/mailbox/{seq}/raw", get(raw))
        .route("/mailbox/{seq}/json", get(show_json))
        .route("/sandbox.css", get(style))
        .with_state(mailbox)
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    to: String,
    before: Option<u64>,
}

#[derive(Deserialize)]
struct View {
    #[serde(default)]
    view: String,
}

impl Mailbox {
    /// The newest messages first, to one address or to all.
    fn newest(&self, to: &str) -> Vec<Received> {
        let to = to.trim();
        let mut messages = if to.is_empty() { self.messages() } else { self.to(to) };
        messages.reverse();
        messages
    }
}

async fn list(Shared(mailbox): Shared<Mailbox>, Query(filter): Query<Filter>) -> Response {
    let to = filter.to.trim();
    let all = mailbox.newest(to);
    let before = filter.before.unwrap_or(u64::MAX);
    let shown: Vec<&Received> =
        all.iter().filter(|message| message.seq < before).take(ON_A_PAGE + 1).collect();
    let older = (shown.len() > ON_A_PAGE).then(|| {
        let last = shown.get(ON_A_PAGE - 1).map_or(0, |message| message.seq);
        format!("/?to={}&before={last}", encode(to))
    });
    let messages: Vec<Value> = shown.iter().take(ON_A_PAGE).map(|message| summary(message)).collect();
    let count = if all.len() == 1 { "1 message".to_owned() } else { format!("{} messages", all.len()) };
    let summary = if to.is_empty() { count } else { format!("{count} to {to}") };
    let context = json!({ "title": "Mailbox", "checkout": false, "to": to, "summary": summary, "messages": messages, "older": older });
    page("mailbox", &context)
}

fn summary(message: &Received) -> Value {
    json!({
        "seq": message.seq,
        "subject": subject(message),
        "to": message.to.join(", "),
        "from": if message.header_from.is_empty() { &message.from } else { &message.header_from },
        "at": message.received_at.date_time(&Zone::UTC),
    })
}

fn subject(message: &Received) -> &str {
    if message.subject.is_empty() { "(no subject)" } else { &message.subject }
}

async fn list_json(Shared(mailbox): Shared<Mailbox>, Query(filter): Query<Filter>) -> Json<Vec<Received>> {
    Json(mailbox.newest(&filter.to))
}

async fn show(Shared(mailbox): Shared<Mailbox>, Path(seq): Path<u64>, Query(view): Query<View>) -> Response {
    let Some((received, raw)) = find(&mailbox, seq) else { return not_found("There is no such message.") };
    let message = Message::read(&raw);
    let offered = [("HTML", "html", message.html.is_some()), ("Text", "text", message.text.is_some())];
    let always = [("Headers", "headers", true), ("Source", "source", true)];
    let tabs: Vec<(&str, &str)> = offered
        .into_iter()
        .chain(always)
        .filter(|(_, _, there)| *there)
        .map(|(name, view, _)| (name, view))
        .collect();
    let current =
        tabs.iter().find(|(_, own)| *own == view.view).or(tabs.first()).map_or("source", |(_, view)| view);
    let headers: Vec<Value> = if current == "headers" {
        message.headers.all().iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    } else {
        Vec::new()
    };
    let text = match current {
        "text" => message.text.unwrap_or_default(),
        "source" => String::from_utf8_lossy(&raw).into_owned(),
        _ => String::new(),
    };
    let to = received.to.join(", ");
    let first = received.to.first().map_or("", String::as_str);
    page(
        "message",
        &json!({
            "title": subject(&received),
            "checkout": false,
            "subject": subject(&received),
            "to": to,
            "to_link": format!("/?to={}", encode(first)),
            "header_from": received.header_from,
            "header_to": received.header_to,
            "at": received.received_at.date_time(&Zone::UTC),
            "size": received.size,
            "envelope": format!("from <{}> to <{to}>", received.from),
            "list_unsubscribe": received.list_unsubscribe,
            "tabs": tabs.iter().map(|(name, view)| json!({
                "name": name, "link": format!("/mailbox/{seq}?view={view}"), "current": *view == current,
            })).collect::<Vec<_>>(),
            "frame": (current == "html").then(|| format!("/mailbox/{seq}/html")),
            "headers": headers,
            "text": text,
        }),
    )
}

async fn show_json(Shared(mailbox): Shared<Mailbox>, Path(seq): Path<u64>) -> Response {
    let Some((received, raw)) = find(&mailbox, seq) else { return not_found("There is no such message.") };
    let message = Message::read(&raw);
    Json(json!({
        "message": received,
        "headers": message.headers.all(),
        "html": message.html,
        "text": message.text,
    }))
    .into_response()
}

async fn html(Shared(mailbox): Shared<Mailbox>, Path(seq): Path<u64>) -> Response {
    let found = find(&mailbox, seq).and_then(|(_, raw)| Message::read(&raw).html);
    let Some(html) = found else { return not_found("This message has no HTML.") };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    (headers, with_links_in_new_tabs(&html)).into_response()
}

/// Puts a `base` element behind the opening `head` tag, where it changes neither the doctype nor the look.
fn with_links_in_new_tabs(html: &str) -> String {
    let base = "<base target=\"_blank\">";
    let lower = html.to_ascii_lowercase();
    let head = lower.match_indices("<head").find(|(at, _)| {
        lower.as_bytes().get(at + 5).is_some_and(|next| *next == b'>' || next.is_ascii_whitespace())
    });
    let place = head.and_then(|(at, _)| lower[at..].find('>').map(|end| at + end + 1)).unwrap_or(0);
    let (before, after) = html.split_at(place);
    format!("{before}{base}{after}")
}

async fn raw(Shared(mailbox): Shared<Mailbox>, Path(seq): Path<u64>) -> Response {
    let Some((_, raw)) = find(&mailbox, seq) else { return not_found("There is no such message.") };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=message.eml"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    (headers, raw).into_response()
}

fn find(mailbox: &Mailbox, seq: u64) -> Option<(Received, Vec<u8>)> {
    Some((mailbox.message(seq)?, mailbox.raw(seq).ok()?))
}

/// As a value in a query.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").ok();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_mail_open_in_a_new_tab_and_its_doctype_stays_first() {
        let html = "<!doctype html><html><HEAD lang=en><title>x</title></HEAD><body><header>y</header></body></html>";
        let shown = with_links_in_new_tabs(html);
        assert!(shown.starts_with("<!doctype html><html><HEAD lang=en><base target=\"_blank\"><title>"));
        assert!(with_links_in_new_tabs("<header>x</header>").starts_with("<base target=\"_blank\"><header>"));
    }
}
