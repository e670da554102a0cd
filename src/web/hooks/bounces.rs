//! `/hooks/bounces/{provider}`: what mail services report of bounces and complaints.

use std::fmt;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};

use super::super::App;
use crate::{
    bounces::{
        HookRefused, SENDGRID_SIGNATURE, SENDGRID_TIMESTAMP, Signed, SnsSaid, SnsTopic, Source, read_mailgun,
        read_postmark, read_sendgrid, receive as take_in,
    },
    heavy,
};

/// The secrets by which mail services are known; a service without one is shut.
#[derive(Clone, Default)]
pub struct BounceHooks {
    /// Mailgun's signing key.
    pub mailgun: Option<String>,
    /// The password in the address that Postmark uses.
    pub postmark: Option<String>,
    /// SendGrid's public key.
    pub sendgrid: Option<String>,
    /// The topic of Amazon SES.
    pub ses: Option<SnsTopic>,
}

/// Shows which are set up, so that no log holds a secret.
impl fmt::Debug for BounceHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mailgun, postmark, sendgrid, ses } = self;
        let set = [mailgun.is_some(), postmark.is_some(), sendgrid.is_some(), ses.is_some()];
        write!(f, "BounceHooks({set:?})")
    }
}

impl BounceHooks {
    async fn read(
        &self,
        app: &App,
        provider: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(Source, Vec<Signed>), HookRefused> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let now = app.site.now();
        match provider {
            "mailgun" => {
                let key = self.mailgun.as_deref().ok_or(HookRefused::NotSetUp)?;
                let (key, body) = (key.to_owned(), body.clone());
                Ok((Source::Mailgun, vec![aside(move || read_mailgun(&key, &body, now)).await?]))
            }
            "postmark" => {
                let secret = self.postmark.as_deref().ok_or(HookRefused::NotSetUp)?;
                let (secret, body) = (secret.to_owned(), body.clone());
                let authorization = header(header::AUTHORIZATION.as_str()).map(str::to_owned);
                let read = aside(move || read_postmark(&secret, authorization.as_deref(), &body));
                Ok((Source::Postmark, vec![read.await?]))
            }
            "sendgrid" => {
                let key = self.sendgrid.as_deref().ok_or(HookRefused::NotSetUp)?;
                let (key, body) = (key.to_owned(), body.clone());
                let signature = header(SENDGRID_SIGNATURE).map(str::to_owned);
                let timestamp = header(SENDGRID_TIMESTAMP).map(str::to_owned);
                let read = aside(move || {
                    read_sendgrid(&key, (signature.as_deref(), timestamp.as_deref()), &body, now)
                });
                Ok((Source::SendGrid, read.await?))
            }
            "ses" => {
                let topic = self.ses.as_ref().ok_or(HookRefused::NotSetUp)?;
                let reports = match topic.read(body).await? {
                    SnsSaid::Report(signed) => vec![*signed],
                    SnsSaid::Confirmed | SnsSaid::Nothing => Vec::new(),
                };
                Ok((Source::Ses, reports))
            }
            _ => Err(HookRefused::NotSetUp),
        }
    }
}

/// Reads what somebody sent, who may be anybody, away from the threads that serve.
async fn aside<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, HookRefused> + Send + 'static,
) -> Result<T, HookRefused> {
    heavy::aside(read).await.unwrap_or_else(|cause| Err(HookRefused::Malformed(cause.to_string())))
}

/// Whoever sends us reports may be anybody, and sends as many as they like.
fn say_refused(app: &App, provider: &str, reason: &HookRefused) {
    if let Some(since) = app.meters.refused("reports", app.site.now()) {
        tracing::warn!(provider, %reason, refused = since, "reports were refused");
    }
}

/// `POST /hooks/bounces/{provider}`: 200 for every genuine message, whatever it says; 403 for what is not the service's;
/// 5xx when it could not be checked or kept, so that the service sends it again.
pub(crate) async fn receive(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let (source, reports) = match app.bounce_hooks.read(&app, &provider, &headers, &body).await {
        Ok(read) => read,
        Err(HookRefused::NotSetUp) => return (StatusCode::NOT_FOUND, "not set up\n"),
        Err(reason @ HookRefused::NotNow(_)) => {
            tracing::warn!(provider, %reason, "a report could not be checked");
            return (StatusCode::SERVICE_UNAVAILABLE, "not now, send it again\n");
        }
        Err(reason @ HookRefused::Malformed(_)) => {
            say_refused(&app, &provider, &reason);
            return (StatusCode::BAD_REQUEST, "not understood\n");
        }
        Err(reason @ (HookRefused::Forged | HookRefused::WrongTime)) => {
            say_refused(&app, &provider, &reason);
            return (StatusCode::FORBIDDEN, "refused\n");
        }
    };
    for Signed { key, report } in reports {
        if let Err(error) = take_in(&app.site, source, &key, &report).await {
            tracing::error!(provider, %error, "a report could not be kept");
            return (StatusCode::INTERNAL_SERVER_ERROR, "not kept, send it again\n");
        }
    }
    (StatusCode::OK, "taken\n")
}
