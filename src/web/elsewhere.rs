//! Other sites whose pages hold a form of ours: what they sent, and what they may show.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::subscribers::forms::SignUpForm;

/// What every page says of frames on other sites.
const NO_FRAMES: &str = "frame-ancestors 'none'";

/// Marks a request that a page of another site made a browser send; the owner named that site, whose origin it is.
#[derive(Clone, Debug)]
pub(super) struct FromElsewhere(pub(super) HeaderValue);

/// Lets a page of that origin read the answer (Fetch, "CORS protocol").
pub(super) fn let_read(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
}

/// On a page that other sites may show in a frame: their origins, and nothing else is loosened by it.
#[derive(Clone, Debug)]
pub(super) struct HeldBy(String);

impl HeldBy {
    pub(super) fn sites(form: &SignUpForm) -> Self {
        Self(form.sites().collect::<Vec<_>>().join(" "))
    }

    pub(super) fn apply(self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
        let policy = policy.map(|policy| policy.replace(NO_FRAMES, &format!("frame-ancestors {}", self.0)));
        if let Some(Ok(policy)) = policy.map(|policy| HeaderValue::from_str(&policy)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}
