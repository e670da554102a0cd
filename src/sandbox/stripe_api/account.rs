//! The account itself: what it may do, and what the provider wants to know of its owner.

use serde_json::{Value, json};

use super::{
    error::ApiResult,
    form::Form,
    state::{State, public},
};

const ID: &str = "acct_sandbox";

impl State {
    /// The account as it is.
    pub(super) fn account(&self, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        Ok(self.get(ID).map_or_else(usual, public))
    }

    /// What the account may do from now on; what is due is what the provider still wants to know.
    pub(super) fn restrict_account(&mut self, charges: bool, payouts: bool, due: &[&str]) {
        let mut account = self.get(ID).cloned().unwrap_or_else(usual);
        let before = json!({
            "charges_enabled": account["charges_enabled"], "payouts_enabled": account["payouts_enabled"],
            "requirements": account["requirements"],
        });
        account["charges_enabled"] = json!(charges);
        account["payouts_enabled"] = json!(payouts);
        account["requirements"]["currently_due"] = json!(due);
        account["requirements"]["past_due"] = json!(due);
        account["requirements"]["disabled_reason"] =
            if charges && payouts { Value::Null } else { json!("requirements.past_due") };
        self.put(account);
        self.emit_change("account.updated", ID, Some(before));
    }
}

fn usual() -> Value {
    json!({
        "id": ID, "object": "account", "business_profile": { "name": "Sandbox" }, "capabilities": { "card_payments": "active", "transfers": "active" },
        "charges_enabled": true, "country": "NL", "created": 1_600_000_000, "default_currency": "eur", "details_submitted": true,
        "email": "sandbox@example.org", "metadata": {}, "payouts_enabled": true,
        "requirements": {
            "alternatives": [], "current_deadline": null, "currently_due": [], "disabled_reason": null, "errors": [],
            "eventually_due": [], "past_due": [], "pending_verification": [],
        },
        "type": "standard",
    })
}
