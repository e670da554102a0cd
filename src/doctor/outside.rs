//! What is outside: visitors, mail services, the payment provider.

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Doctor, Finding, PATIENCE};
use crate::{
    delivery::smtp::{Connection, Failure, Relay},
    payments::{PaymentProvider as _, Stripe},
};

impl Doctor {
    /// Whether one visitor can be told from another.
    pub(super) fn visitors(&self) -> Option<Finding> {
        let is_hidden = self.base_url.scheme() == "https" && self.trusted_proxies.is_empty();
        is_hidden.then(|| {
            Finding::note(
                "visitors",
                "BASE_URL is https, so a proxy is in front of us, and TRUSTED_PROXIES does not name it: limits count all visitors as one",
            )
        })
    }

    pub(super) async fn mail_services(&self) -> Vec<Finding> {
        if self.relays.is_empty() {
            return vec![Finding::problem("mail service", "SMTP_URL is not set, so serve will not start")];
        }
        join_all(self.relays.iter().map(mail_service)).await
    }

    pub(super) async fn payment_provider(&self) -> Finding {
        const CHECK: &str = "payments";
        let Some(settings) = &self.payments else {
            return Finding::note(CHECK, "STRIPE_SECRET_KEY is not set, so donations are switched off");
        };
        let asked = async { Stripe::new(settings)?.probe().await };
        match timeout(PATIENCE, asked).await {
            Ok(Ok(())) => Finding::ok(CHECK, format!("{} knows our key", settings.api_base)),
            Ok(Err(error)) => Finding::problem(CHECK, error.to_string()),
            Err(_) => Finding::problem(
                CHECK,
                format!("{} does not answer in {} seconds", settings.api_base, PATIENCE.as_secs()),
            ),
        }
    }
}

async fn mail_service(relay: &Relay) -> Finding {
    const CHECK: &str = "mail service";
    let url = &relay.url;
    let why = match timeout(PATIENCE, Connection::open(relay)).await {
        Ok(Ok(connection)) => {
            connection.quit().await;
            return Finding::ok(CHECK, format!("{url} greets us"));
        }
        Ok(Err(Failure::Broken { why, .. })) => why,
        Ok(Err(Failure::Refused { reply, .. })) => format!("{url} refuses us: {reply}"),
        Ok(Err(other)) => format!("{other:?}"),
        Err(_) => format!("{url} does not answer in {} seconds", PATIENCE.as_secs()),
    };
    Finding::problem(CHECK, why)
}
