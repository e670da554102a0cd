//! The customer portal: what it offers, and a visit to it.

use serde_json::{Value, json};

use super::{
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    objects,
    state::{State, public, text},
};

const CONFIGURATION: &[&str] = &[
    "active",
    "business_profile[headline]",
    "business_profile[privacy_policy_url]",
    "business_profile[terms_of_service_url]",
    "default_return_url",
    "expand[]",
    "features[customer_update][allowed_updates][]",
    "features[customer_update][enabled]",
    "features[invoice_history][enabled]",
    "features[payment_method_update][enabled]",
    "features[subscription_cancel][cancellation_reason][enabled]",
    "features[subscription_cancel][cancellation_reason][options][]",
    "features[subscription_cancel][enabled]",
    "features[subscription_cancel][mode]",
    "features[subscription_cancel][proration_behavior]",
    "features[subscription_pause][enabled]",
    "features[subscription_update][default_allowed_updates][]",
    "features[subscription_update][enabled]",
    "features[subscription_update][products][][prices][]",
    "features[subscription_update][products][][product]",
    "features[subscription_update][proration_behavior]",
    "login_page[enabled]",
    "metadata[*]",
    "name",
];
const SESSION: &[&str] = &[
    "configuration",
    "customer",
    "expand[]",
    "flow_data[after_completion][redirect][return_url]",
    "flow_data[after_completion][type]",
    "flow_data[subscription_cancel][subscription]",
    "flow_data[subscription_pause][subscription]",
    "flow_data[subscription_update][subscription]",
    "flow_data[type]",
    "locale",
    "return_url",
];
const FLOWS: &[&str] =
    &["payment_method_update", "subscription_cancel", "subscription_pause", "subscription_update"];

impl State {
    pub(super) fn create_portal_configuration(&mut self, form: &Form) -> ApiResult {
        form.allow(CONFIGURATION)?;
        if form.children("features").is_empty() {
            return Err(ApiError::missing("features"));
        }
        let id = self.new_id("bpc", 24);
        let first = self.newest("billing_portal.configuration").next().is_none();
        let now = self.now();
        let mut configuration = json!({
            "id": id, "object": "billing_portal.configuration", "active": true, "application": null,
            "business_profile": { "headline": null, "privacy_policy_url": null, "terms_of_service_url": null },
            "created": now, "default_return_url": null,
            "features": {
                "customer_update": { "allowed_updates": [], "enabled": false }, "invoice_history": { "enabled": false },
                "payment_method_update": { "enabled": false, "payment_method_configuration": null },
                "subscription_cancel": {
                    "cancellation_reason": { "enabled": false, "options": [] }, "enabled": false, "mode": "at_period_end",
                    "proration_behavior": "none",
                },
                "subscription_pause": { "duration": { "interval_options": [], "type": "indefinite" }, "enabled": false },
                "subscription_update": {
                    "billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": null,
                    "proration_behavior": "none", "schedule_at_period_end": { "conditions": [] }, "trial_update_behavior": "end_trial",
                },
            },
            "is_default": first, "livemode": false, "login_page": { "enabled": false, "url": null }, "metadata": {}, "name": null,
            "updated": now,
        });
        set_configuration(&mut configuration, form)?;
        self.put(configuration);
        self.emit("billing_portal.configuration.created", &id);
        Ok(self.get(&id).map(public).unwrap_or_default())
    }

    pub(super) fn update_portal_configuration(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(CONFIGURATION)?;
        let mut configuration = self.find("billing_portal.configuration", id, "configuration")?.clone();
        set_configuration(&mut configuration, form)?;
        if let Some(active) = form.boolean("active")? {
            configuration["active"] = json!(active);
        }
        configuration["updated"] = json!(self.now());
        self.put(configuration);
        self.emit("billing_portal.configuration.updated", id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    /// A visit to the portal, to all of it or to one thing.
    pub(super) fn create_portal_session(&mut self, form: &Form) -> ApiResult {
        form.allow(SESSION)?;
        let customer = form.require("customer")?.to_owned();
        self.living_customer(&customer)?;
        if let Some(configuration) = form.optional("configuration")? {
            self.find("billing_portal.configuration", configuration, "configuration")?;
        }
        let flow = form.choice("flow_data[type]", FLOWS)?.map(str::to_owned);
        let subject = flow.as_ref().and_then(|flow| form.get(&format!("flow_data[{flow}][subscription]")));
        if let Some(flow) = flow.as_deref().filter(|flow| flow.starts_with("subscription_")) {
            let name = format!("flow_data[{flow}][subscription]");
            let wanted = self.living(form.require(&name)?)?;
            if wanted["customer"] != customer {
                return Err(ApiError::unknown_object("subscription", text(wanted, "id"), &name));
            }
        }
        let id = self.new_id("bps", 24);
        let url = format!("{}/p/session/{id}", self.base_url);
        let now = self.now();
        let mut session = objects::portal_session(&id, &customer, form.optional("return_url")?, &url, now);
        if let Some(configuration) = form.get("configuration") {
            session["configuration"] = json!(configuration);
        }
        if let Some(flow) = flow {
            let back = form.get("flow_data[after_completion][redirect][return_url]");
            let mut data = json!({
                "after_completion": {
                    "hosted_confirmation": null, "redirect": back.map(|url| json!({ "return_url": url })),
                    "type": if back.is_some() { "redirect" } else { "portal_homepage" },
                },
                "subscription_cancel": null, "subscription_pause": null, "subscription_update": null,
                "subscription_update_confirm": null, "type": flow,
            });
            if let Some(subject) = subject {
                data[flow.as_str()] = json!({ "subscription": subject });
            }
            session["flow"] = data;
        }
        self.put(session.clone());
        Ok(session)
    }
}

fn set_configuration(configuration: &mut Value, form: &Form) -> ApiResult<()> {
    for field in ["features", "business_profile", "login_page"] {
        if let Some(given) = form.tree(field) {
            overlay(&mut configuration[field], given);
        }
    }
    for field in ["default_return_url", "name"] {
        if let Some(value) = form.get(field) {
            configuration[field] = if value.is_empty() { Value::Null } else { json!(value) };
        }
    }
    merge_metadata(configuration, form.metadata("metadata")?);
    Ok(())
}

fn overlay(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                overlay(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}
