//! The sandbox's own pages: rendered here, styled by one sheet, without scripts.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use handlebars::{Handlebars, RenderError};
use serde_json::Value;

const TEMPLATES: &[(&str, &str)] = &[
    ("page", include_str!("pages/page.hbs")),
    ("mailbox", include_str!("pages/mailbox.hbs")),
    ("message", include_str!("pages/message.hbs")),
    ("payments", include_str!("pages/payments.hbs")),
    ("checkout", include_str!("pages/checkout.hbs")),
    ("invoice", include_str!("pages/invoice.hbs")),
    ("ended", include_str!("pages/ended.hbs")),
    ("portal", include_str!("pages/portal.hbs")),
];
const STYLE: &str = include_str!("pages/sandbox.css");
/// No `form-action` here: a browser would hold it against the redirect from the checkout back to the magazine.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'";

/// A page from its template.
pub(super) fn page(name: &str, context: &Value) -> Response {
    match render(name, context) {
        Ok(text) => protect(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, page = name, "a page of the sandbox cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The sandbox cannot show this page.").into_response()
        }
    }
}

/// A page that says why there is nothing else to see.
pub(super) fn not_found(what: &str) -> Response {
    let context = serde_json::json!({ "title": "Not here", "heading": "Not here", "text": what, "checkout": false, "link": "/", "link_text": "To the mailbox" });
    (StatusCode::NOT_FOUND, page("ended", &context)).into_response()
}

/// The style sheet of all pages.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

fn render(name: &str, context: &Value) -> Result<String, RenderError> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    for (name, text) in TEMPLATES {
        templates
            .register_template_string(name, text)
            .map_err(|error| RenderError::from(*Box::new(error)))?;
    }
    templates.render(name, context)
}

fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
