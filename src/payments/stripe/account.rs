//! The account, its webhook endpoints and its customer portal (<https://docs.stripe.com/api/webhook_endpoints>,
//! <https://docs.stripe.com/api/customer_portal/configurations>).

use reqwest::Method;
use serde::Deserialize;

use super::{API_VERSION, Call, Fields, Metadata, Stripe};
use crate::{
    clock::Moment,
    payments::{
        ProviderError,
        account::{AccountStanding, Endpoint, Portal},
    },
};

/// Where the short name of an endpoint's secret stands in its metadata.
const SECRET_NAME: &str = "broadside_secret";
/// What stands beside an endpoint of ours in the dashboard.
const DESCRIPTION: &str = "Broadside";
/// What marks a way of the portal as ours.
const OURS: &str = "broadside";
/// An account may have 16 endpoints; nobody has a hundred ways of the portal.
const ALL: &str = "100";

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct WireEndpoint {
    id: String,
    url: String,
    enabled_events: Vec<String>,
    api_version: Option<String>,
    status: String,
    description: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    created: i64,
    secret: Option<String>,
}

impl From<WireEndpoint> for Endpoint {
    fn from(wire: WireEndpoint) -> Self {
        let secret_name = wire.metadata.and_then(|mut all| all.remove(SECRET_NAME));
        Self {
            is_enabled: wire.status == "enabled",
            is_unfinished: secret_name.is_none() && wire.description.as_deref() == Some(DESCRIPTION),
            secret_name,
            created: Moment::from_unix_seconds(wire.created),
            id: wire.id,
            url: wire.url,
            kinds: wire.enabled_events,
            version: wire.api_version,
        }
    }
}

#[derive(Deserialize)]
struct WireAccount {
    id: String,
    charges_enabled: Option<bool>,
    payouts_enabled: Option<bool>,
    requirements: Option<WireRequirements>,
}

#[derive(Deserialize)]
struct WireRequirements {
    currently_due: Option<Vec<String>>,
    past_due: Option<Vec<String>>,
    disabled_reason: Option<String>,
}

#[derive(Deserialize)]
struct WirePortal {
    id: String,
    default_return_url: Option<String>,
    metadata: Metadata,
    features: WireFeatures,
}

#[derive(Deserialize)]
struct WireFeatures {
    customer_update: Option<WireFeature>,
    invoice_history: Option<WireFeature>,
    payment_method_update: Option<WireFeature>,
    subscription_cancel: Option<WireFeature>,
    subscription_pause: Option<WireFeature>,
    subscription_update: Option<WireFeature>,
}

#[derive(Deserialize)]
struct WireFeature {
    enabled: bool,
}

impl From<WirePortal> for Portal {
    fn from(wire: WirePortal) -> Self {
        let on = |feature: Option<WireFeature>| feature.is_some_and(|feature| feature.enabled);
        Self {
            is_ours: wire.metadata.is_some_and(|all| all.contains_key(OURS)),
            changes_method: on(wire.features.payment_method_update),
            ends: on(wire.features.subscription_cancel),
            shows_history: on(wire.features.invoice_history),
            changes_address: on(wire.features.customer_update),
            changes_gift: on(wire.features.subscription_update) || on(wire.features.subscription_pause),
            return_url: wire.default_return_url,
            id: wire.id,
        }
    }
}

/// What is set up at Stripe is for the command that does it, and for the doctor who looks.
impl Stripe {
    /// The version that the endpoint must be written in.
    #[must_use]
    pub const fn version() -> &'static str {
        API_VERSION
    }

    pub(super) async fn account_standing(&self) -> Result<AccountStanding, ProviderError> {
        let wire: WireAccount = self.send(Call::get(&["account"])).await?;
        let (mut wants, mut why) = (Vec::new(), None);
        if let Some(named) = wire.requirements {
            wants = named.past_due.unwrap_or_default();
            for one in named.currently_due.unwrap_or_default() {
                if !wants.contains(&one) {
                    wants.push(one);
                }
            }
            why = named.disabled_reason;
        }
        // What is not said is not forbidden: an old account leaves fields out.
        Ok(AccountStanding {
            id: wire.id,
            may_charge: wire.charges_enabled.unwrap_or(true),
            may_pay_out: wire.payouts_enabled.unwrap_or(true),
            wants,
            why,
        })
    }

    /// Every place that events are sent to.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, ProviderError> {
        let page: Page<WireEndpoint> =
            self.send(Call::get(&["webhook_endpoints"]).with("limit", ALL)).await?;
        Ok(page.data.into_iter().map(Endpoint::from).collect())
    }

    /// Makes a place for events; with it its secret, which Stripe says only now. The same key makes it once.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn make_endpoint(
        &self,
        url: &str,
        kinds: &[&str],
        key: &str,
    ) -> Result<(Endpoint, String), ProviderError> {
        let mut fields = kinds_in(kinds);
        add(&mut fields, "url", url);
        add(&mut fields, "api_version", API_VERSION);
        add(&mut fields, "description", DESCRIPTION);
        let path = ["webhook_endpoints"];
        let mut wire: WireEndpoint = self.send(Call { key: Some(key), ..Call::post(&path, fields) }).await?;
        let secret = wire.secret.take().ok_or_else(|| {
            ProviderError::Unknown("an endpoint was made, and its signing secret was not told".to_owned())
        })?;
        Ok((wire.into(), secret))
    }

    /// Writes our short name of its secret beside an endpoint.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn name_secret(&self, endpoint: &str, name: &str) -> Result<Endpoint, ProviderError> {
        let mut fields = Fields::new();
        add(&mut fields, &format!("metadata[{SECRET_NAME}]"), name);
        let wire: WireEndpoint = self.send(Call::post(&["webhook_endpoints", endpoint], fields)).await?;
        Ok(wire.into())
    }

    /// Has these kinds sent to an endpoint, and switches it on.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn mend_endpoint(&self, endpoint: &str, kinds: &[&str]) -> Result<Endpoint, ProviderError> {
        let mut fields = kinds_in(kinds);
        add(&mut fields, "disabled", "false");
        let wire: WireEndpoint = self.send(Call::post(&["webhook_endpoints", endpoint], fields)).await?;
        Ok(wire.into())
    }

    /// Sends nothing there any more. One that is gone already is no error.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn remove_endpoint(&self, endpoint: &str) -> Result<(), ProviderError> {
        let path = ["webhook_endpoints", endpoint];
        let removed: Result<serde_json::Value, _> =
            self.send(Call { method: Method::DELETE, ..Call::get(&path) }).await;
        match removed {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// The ways of Stripe's page for supporters that are in use.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn portals(&self) -> Result<Vec<Portal>, ProviderError> {
        let call = Call::get(&["billing_portal", "configurations"]);
        let page: Page<WirePortal> = self.send(call.with("active", "true").with("limit", ALL)).await?;
        Ok(page.data.into_iter().map(Portal::from).collect())
    }

    /// Makes our way of that page, or mends the one of that id.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn set_portal(&self, known: Option<&str>, return_url: &str) -> Result<Portal, ProviderError> {
        let mut fields = Fields::new();
        for (name, value) in [
            ("default_return_url", return_url),
            ("features[customer_update][enabled]", "false"),
            ("features[invoice_history][enabled]", "true"),
            ("features[payment_method_update][enabled]", "true"),
            ("features[subscription_cancel][enabled]", "true"),
            ("features[subscription_cancel][mode]", "at_period_end"),
            ("features[subscription_pause][enabled]", "false"),
            ("features[subscription_update][enabled]", "false"),
        ] {
            add(&mut fields, name, value);
        }
        add(&mut fields, &format!("metadata[{OURS}]"), "yes");
        let all = ["billing_portal", "configurations"];
        let one = ["billing_portal", "configurations", known.unwrap_or_default()];
        let path = if known.is_some() { &one[..] } else { &all[..] };
        let wire: WirePortal = self.send(Call::post(path, fields)).await?;
        Ok(wire.into())
    }
}

fn add(fields: &mut Fields, name: &str, value: &str) {
    fields.push((name.to_owned(), value.to_owned()));
}

fn kinds_in(kinds: &[&str]) -> Fields {
    kinds.iter().map(|kind| ("enabled_events[]".to_owned(), (*kind).to_owned())).collect()
}
