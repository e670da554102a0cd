//! Payouts: what is available on the balance goes to the bank, and arrives or comes back.

use serde_json::{Value, json};

use super::{
    balance::{Fee, Movement},
    currency,
    error::{ApiError, ApiResult},
    form::Form,
    state::{State, public, text},
};

const CREATE: &[&str] =
    &["amount", "currency", "description", "expand[]", "metadata[*]", "method", "statement_descriptor"];
const A_DAY: i64 = 86_400;

impl State {
    /// Pays out by hand or by request: an amount, whatever it is made of.
    pub(super) fn create_payout(&mut self, form: &Form) -> ApiResult {
        form.allow(CREATE)?;
        let code = currency::check(form.require("currency")?, "currency")?;
        form.require("amount")?;
        let amount = form.integer("amount")?.unwrap_or_default();
        let metadata = form.metadata("metadata")?;
        if amount < 1 || amount > self.available(&code) {
            return Err(ApiError::param(
                "balance_insufficient",
                "amount",
                "You have insufficient funds in your Stripe account for this payout.",
            ));
        }
        let id = self.new_payout(amount, &code, false);
        self.change(&id, |payout| payout["metadata"] = Value::Object(metadata));
        Ok(self.get(&id).map(public).unwrap_or_default())
    }

    fn available(&self, code: &str) -> i64 {
        let own = self
            .newest("balance_transaction")
            .filter(|moved| moved["currency"] == code && self.is_available(moved));
        own.filter_map(|moved| moved["net"].as_i64()).sum()
    }

    /// Pays out everything of a currency that is available and was not paid out yet, as the provider does each day. Gives the
    /// payout's id; none if there is nothing.
    pub(super) fn pay_out(&mut self, code: &str) -> Option<String> {
        let free = |moved: &&Value| {
            moved["currency"] == code && moved["_sandbox"]["payout"].is_null() && self.is_available(moved)
        };
        let found: Vec<(String, i64)> = self
            .newest("balance_transaction")
            .filter(free)
            .map(|moved| (text(moved, "id").to_owned(), moved["net"].as_i64().unwrap_or_default()))
            .collect();
        let amount: i64 = found.iter().map(|(_, net)| net).sum();
        if amount < 1 {
            return None;
        }
        let payout = self.new_payout(amount, code, true);
        for (moved, _) in found {
            self.change(&moved, |moved| moved["_sandbox"]["payout"] = json!(payout));
        }
        Some(payout)
    }

    fn new_payout(&mut self, amount: i64, code: &str, automatic: bool) -> String {
        let (id, now) = (self.new_id("po", 24), self.now());
        self.put(json!({
            "id": id, "object": "payout", "amount": amount, "application_fee": null, "application_fee_amount": null,
            "arrival_date": (now / A_DAY + 1) * A_DAY, "automatic": automatic, "balance_transaction": null, "created": now,
            "currency": code, "description": if automatic { "STRIPE PAYOUT" } else { "Payout" }, "destination": "ba_sandbox",
            "failure_balance_transaction": null, "failure_code": null, "failure_message": null, "livemode": false,
            "metadata": {}, "method": "standard", "original_payout": null, "payout_method": null,
            "reconciliation_status": if automatic { "in_progress" } else { "not_applicable" }, "reversed_by": null,
            "source_type": "card", "statement_descriptor": null, "status": "in_transit", "trace_id": null,
            "type": "bank_account",
        }));
        let moved = self.move_payout(&id, -amount, code, "payout", "payout");
        self.change(&id, |payout| payout["balance_transaction"] = json!(moved));
        if automatic {
            self.change(&moved, |moved| moved["_sandbox"]["payout"] = json!(id));
        }
        self.emit("payout.created", &id);
        id
    }

    fn move_payout(&mut self, id: &str, amount: i64, code: &str, kind: &str, category: &str) -> String {
        let moved =
            self.book(&Movement { source: id, kind, category, amount, currency: code, fee: Fee::None });
        let now = self.now();
        self.change(&moved, |moved| moved["available_on"] = json!(now));
        moved
    }

    /// It has arrived at the bank, and the provider knows what it was made of.
    pub(super) fn payout_arrives(&mut self, id: &str) -> ApiResult<()> {
        let payout = self.payout_in(id, &["pending", "in_transit"])?;
        self.change(id, |payout| payout["status"] = json!("paid"));
        self.emit_change("payout.paid", id, Some(json!({ "status": payout["status"] })));
        if payout["automatic"] == true {
            self.change(id, |payout| payout["reconciliation_status"] = json!("completed"));
            self.emit("payout.reconciliation_completed", id);
        }
        Ok(())
    }

    /// The bank sends it back, at once or days after it had said that it arrived.
    pub(super) fn payout_fails(&mut self, id: &str, code: &str) -> ApiResult<()> {
        self.payout_comes_back(id, &["pending", "in_transit", "paid"], "payout_failure")?;
        self.change(id, |payout| {
            payout["failure_code"] = json!(code);
            payout["failure_message"] = json!("The bank could not process this payout.");
            payout["status"] = json!("failed");
        });
        self.emit("payout.failed", id);
        Ok(())
    }

    pub(super) fn cancel_payout(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        self.payout_comes_back(id, &["pending"], "payout_cancel")?;
        self.change(id, |payout| payout["status"] = json!("canceled"));
        self.emit("payout.canceled", id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    fn payout_comes_back(&mut self, id: &str, from: &[&str], kind: &str) -> ApiResult<()> {
        let payout = self.payout_in(id, from)?;
        let amount = payout["amount"].as_i64().unwrap_or_default();
        let moved = self.move_payout(id, amount, text(&payout, "currency"), kind, "payout_reversal");
        self.change(id, |payout| payout["failure_balance_transaction"] = json!(moved));
        Ok(())
    }

    fn payout_in(&self, id: &str, statuses: &[&str]) -> ApiResult<Value> {
        let payout = self.find("payout", id, "payout")?;
        let status = text(payout, "status");
        if statuses.contains(&status) {
            return Ok(payout.clone());
        }
        Err(ApiError::invalid(format!("The payout {id} has the status {status}.")))
    }
}
