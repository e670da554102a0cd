//! Endpoints for events, as the API makes, changes and deletes them; each has its own secret, kinds and version.

use serde_json::{Value, json};

use super::{
    Webhook,
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    objects::API_VERSION,
    state::{State, public, text},
};

const CREATE: &[&str] =
    &["api_version", "connect", "description", "enabled_events[]", "expand[]", "metadata[*]", "url"];
const UPDATE: &[&str] = &["description", "disabled", "enabled_events[]", "expand[]", "metadata[*]", "url"];
/// The provider takes no more of them.
const MOST: usize = 16;

impl State {
    /// Makes an endpoint; its secret is told this once.
    pub(super) fn create_endpoint(&mut self, form: &Form) -> ApiResult {
        form.allow(CREATE)?;
        let url = form.require("url")?.to_owned();
        check_url(&url)?;
        let events = kinds(form)?.ok_or_else(|| ApiError::missing("enabled_events"))?;
        let metadata = form.metadata("metadata")?;
        if self.newest("webhook_endpoint").count() >= MOST {
            return Err(ApiError::invalid(format!(
                "You have reached the maximum of {MOST} test webhook endpoints."
            )));
        }
        let (id, secret) = (self.new_id("we", 24), self.new_id("whsec", 32));
        let endpoint = json!({
            "id": id, "object": "webhook_endpoint", "api_version": form.optional("api_version")?, "application": null,
            "created": self.now(), "description": form.get("description"), "enabled_events": events, "livemode": false,
            "metadata": metadata, "status": "enabled", "url": url, "_sandbox": { "secret": secret },
        });
        self.put(endpoint.clone());
        let mut shown = public(&endpoint);
        shown["secret"] = json!(secret);
        Ok(shown)
    }

    pub(super) fn update_endpoint(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(UPDATE)?;
        self.find("webhook_endpoint", id, "webhook_endpoint")?;
        let events = kinds(form)?;
        let disabled = form.boolean("disabled")?;
        let url = form.optional("url")?.map(str::to_owned);
        url.as_deref().map_or(Ok(()), check_url)?;
        let metadata = form.metadata("metadata")?;
        self.change(id, |endpoint| {
            if let Some(events) = events {
                endpoint["enabled_events"] = json!(events);
            }
            if let Some(disabled) = disabled {
                endpoint["status"] = json!(if disabled { "disabled" } else { "enabled" });
            }
            if let Some(url) = url {
                endpoint["url"] = json!(url);
            }
            if let Some(description) = form.get("description") {
                endpoint["description"] = json!(description);
            }
            merge_metadata(endpoint, metadata);
        });
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    pub(super) fn delete_endpoint(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&[])?;
        self.find("webhook_endpoint", id, "webhook_endpoint")?;
        self.change(id, |endpoint| endpoint["object"] = json!("deleted"));
        Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
    }

    /// The endpoints that hear of events of this kind.
    pub(super) fn endpoints_for(&self, kind: &str) -> Vec<String> {
        let hears = |endpoint: &&Value| {
            let kinds = endpoint["enabled_events"].as_array();
            endpoint["status"] == "enabled"
                && kinds.is_some_and(|kinds| kinds.iter().any(|own| own == "*" || own == kind))
        };
        let mut found: Vec<String> =
            self.newest("webhook_endpoint").filter(hears).map(|own| text(own, "id").to_owned()).collect();
        found.reverse();
        found
    }

    /// Where a delivery goes: to an endpoint of the API, or to the one that was set.
    pub(super) fn webhook_of(&self, endpoint: Option<&str>) -> Option<Webhook> {
        let Some(id) = endpoint else { return self.webhook.clone() };
        let endpoint = self.find("webhook_endpoint", id, "id").ok()?;
        Some(Webhook {
            url: text(endpoint, "url").to_owned(),
            secret: text(&endpoint["_sandbox"], "secret").to_owned(),
        })
    }

    /// The version of the API that an endpoint is spoken to in.
    pub(super) fn version_of(&self, endpoint: Option<&str>) -> String {
        let endpoint = endpoint.and_then(|id| self.get(id));
        endpoint.and_then(|own| own["api_version"].as_str()).unwrap_or(API_VERSION).to_owned()
    }
}

fn check_url(url: &str) -> ApiResult<()> {
    if ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err(ApiError::param(
        "url_invalid",
        "url",
        "Invalid URL: An explicit scheme (such as https) must be provided.",
    ))
}

fn kinds(form: &Form) -> ApiResult<Option<Vec<String>>> {
    let given: Vec<String> = form.values("enabled_events").into_iter().map(str::to_owned).collect();
    let odd = given.iter().find(|kind| **kind != "*" && !kind.contains('.'));
    if let Some(odd) = odd {
        return Err(ApiError::param(
            "",
            "enabled_events",
            format!("Invalid enabled_events: {odd} is not an event type."),
        ));
    }
    Ok(Some(given).filter(|given| !given.is_empty()))
}
