//! Disputes: a supporter's bank takes the money back, the case is argued, and it is won or lost.
//!
//! What Stripe's documents leave open is a rule of the account: whether a won dispute gives its fee back. Everything that moved
//! stands in the dispute's own `balance_transactions`.

use serde_json::{Value, json};

use super::{
    balance::{Fee, Movement},
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    state::{State, public, text},
};

/// How a dispute begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeKind {
    /// The bank has taken the money.
    Chargeback,
    /// The bank only asks; no money has moved.
    Inquiry,
    /// It was settled before it became one: the money went back, and there is nothing to answer.
    Prevented,
}

const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];
/// What a dispute can come to, and from which statuses.
const COURSES: &[(&str, &[&str])] = &[
    ("under_review", &["needs_response"]),
    ("won", &["needs_response", "under_review", "appeal_under_review"]),
    ("lost", &["needs_response", "under_review", "appeal_under_review"]),
    ("warning_under_review", &["warning_needs_response"]),
    ("warning_closed", &["warning_needs_response", "warning_under_review"]),
    // The bank that asked goes on and takes the money.
    ("needs_response", &["warning_needs_response", "warning_under_review"]),
    ("appeal_needs_response", &["lost"]),
    ("appeal_under_review", &["appeal_needs_response", "lost"]),
];
const ENDED: &[&str] = &["won", "lost", "warning_closed"];
const A_WEEK: i64 = 7 * 86_400;

impl State {
    /// Somebody disputes a charge, wholly or a part of it. Gives the dispute's id.
    pub(super) fn open_dispute(
        &mut self,
        charge_id: &str,
        kind: DisputeKind,
        amount: Option<i64>,
        reason: &str,
    ) -> ApiResult<String> {
        let charge = self.find("charge", charge_id, "charge")?.clone();
        if charge["status"] != "succeeded" || charge["_sandbox"]["withdrawn"] == true {
            return Err(ApiError::invalid("This charge cannot be disputed."));
        }
        let left = charge["amount_captured"].as_i64().unwrap_or_default()
            - charge["amount_refunded"].as_i64().unwrap_or_default();
        let amount = amount.unwrap_or(left);
        if !(1..=left).contains(&amount) {
            return Err(ApiError::invalid("No more can be disputed than was taken and not given back."));
        }
        let id = self.new_id("du", 24);
        let (status, case) = match kind {
            DisputeKind::Chargeback => ("needs_response", "chargeback"),
            DisputeKind::Inquiry => ("warning_needs_response", "inquiry"),
            DisputeKind::Prevented => ("prevented", "resolution"),
        };
        let dispute = object(&id, &charge, amount, reason, (status, case), self.now());
        self.put(dispute);
        self.change(charge_id, |charge| charge["disputed"] = json!(true));
        if kind == DisputeKind::Inquiry {
            self.emit("charge.dispute.created", &id);
        } else {
            self.withdraw(&id);
            self.emit("charge.dispute.created", &id);
            self.emit("charge.dispute.funds_withdrawn", &id);
        }
        self.warnings_are_settled(charge_id, "disputed");
        Ok(id)
    }

    fn withdraw(&mut self, id: &str) {
        let fee = self.rules.dispute_fee;
        self.move_disputed(id, -1, "dispute", fee);
        self.set_withdrawn(id, true);
    }

    fn set_withdrawn(&mut self, id: &str, withdrawn: bool) {
        let charge = self.get(id).map(|dispute| text(dispute, "charge").to_owned()).unwrap_or_default();
        self.change(&charge, |charge| charge["_sandbox"]["withdrawn"] = json!(withdrawn));
    }

    fn move_disputed(&mut self, id: &str, sign: i64, category: &str, fee: i64) {
        let Some(dispute) = self.get(id).cloned() else { return };
        let transaction = self.book(&Movement {
            source: id,
            kind: "adjustment",
            category,
            amount: sign * dispute["amount"].as_i64().unwrap_or_default(),
            currency: text(&dispute, "currency"),
            fee: if fee == 0 { Fee::None } else { Fee::OfDispute(fee) },
        });
        let moved = self.get(&transaction).map(public).unwrap_or_default();
        self.change(id, |dispute| {
            if let Some(transactions) = dispute["balance_transactions"].as_array_mut() {
                transactions.push(moved);
            }
        });
    }

    /// A dispute goes on: evidence was sent, the bank decided, an inquiry became a real one.
    pub(super) fn dispute_becomes(&mut self, id: &str, status: &str) -> ApiResult<()> {
        let dispute = self.find("dispute", id, "id")?.clone();
        let before = text(&dispute, "status").to_owned();
        let may = COURSES.iter().any(|(to, from)| *to == status && from.contains(&before.as_str()));
        if !may {
            return Err(ApiError::invalid(format!("A dispute that is {before} does not become {status}.")));
        }
        self.change(id, |dispute| {
            dispute["status"] = json!(status);
            dispute["is_charge_refundable"] = json!(status.starts_with("warning"));
            if status == "needs_response" {
                dispute["payment_method_details"]["card"]["case_type"] = json!("chargeback");
            }
            if status.ends_with("under_review") {
                dispute["evidence_details"]["has_evidence"] = json!(true);
                let count = dispute["evidence_details"]["submission_count"].as_i64().unwrap_or_default();
                dispute["evidence_details"]["submission_count"] = json!(count + 1);
            }
        });
        let previous = Some(json!({ "status": before }));
        match status {
            "needs_response" => {
                self.withdraw(id);
                self.emit_change("charge.dispute.updated", id, previous);
                self.emit("charge.dispute.funds_withdrawn", id);
            }
            "won" => {
                let fee = if self.rules.won_gives_fee_back { -self.fee_taken_of(id) } else { 0 };
                self.move_disputed(id, 1, "dispute_reversal", fee);
                self.set_withdrawn(id, false);
                self.emit("charge.dispute.funds_reinstated", id);
                self.emit_change("charge.dispute.closed", id, previous);
            }
            ended if ENDED.contains(&ended) => self.emit_change("charge.dispute.closed", id, previous),
            _ => self.emit_change("charge.dispute.updated", id, previous),
        }
        Ok(())
    }

    fn fee_taken_of(&self, id: &str) -> i64 {
        let moved = self.get(id).and_then(|dispute| dispute["balance_transactions"].as_array());
        moved.into_iter().flatten().filter_map(|moved| moved["fee"].as_i64()).sum()
    }

    /// Evidence is given, and sent to the bank unless it is said that it is not.
    pub(super) fn update_dispute(&mut self, id: &str, form: &Form) -> ApiResult {
        let mut known = vec!["metadata[*]".to_owned(), "submit".to_owned(), "expand[]".to_owned()];
        known.extend(EVIDENCE.iter().map(|name| format!("evidence[{name}]")));
        form.allow(&known.iter().map(String::as_str).collect::<Vec<_>>())?;
        let metadata = form.metadata("metadata")?;
        let submit = form.boolean("submit")?.unwrap_or(true);
        let status = text(self.find("dispute", id, "id")?, "status").to_owned();
        let given = form.children("evidence");
        if !given.is_empty() && !status.ends_with("needs_response") {
            return Err(ApiError::invalid(format!("This dispute is already {status}.")));
        }
        self.change(id, |dispute| {
            for name in &given {
                dispute["evidence"][name] = json!(form.get(&format!("evidence[{name}]")));
                dispute["evidence_details"]["has_evidence"] = json!(true);
            }
            merge_metadata(dispute, metadata);
        });
        match (given.is_empty(), submit, status.as_str()) {
            (false, true, "needs_response") => self.dispute_becomes(id, "under_review")?,
            (false, true, "warning_needs_response") => self.dispute_becomes(id, "warning_under_review")?,
            _ => self.emit("charge.dispute.updated", id),
        }
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    /// The dispute is accepted: it is lost.
    pub(super) fn close_dispute(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        self.dispute_becomes(id, "lost")?;
        Ok(self.get(id).map(public).unwrap_or_default())
    }
}

fn object(
    id: &str,
    charge: &Value,
    amount: i64,
    reason: &str,
    (status, case): (&str, &str),
    now: i64,
) -> Value {
    let mut evidence = json!({ "enhanced_evidence": {} });
    for name in EVIDENCE {
        evidence[*name] = Value::Null;
    }
    let due = if status == "prevented" { Value::Null } else { json!(now + A_WEEK) };
    let mut dispute = json!({
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge["id"], "created": now,
        "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {
            "due_by": due, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false, "submission_count": 0,
            "submission_method": "manual",
        },
        "intended_submission_method": null, "is_charge_refundable": case == "inquiry", "livemode": false, "metadata": {},
        "payment_intent": charge["payment_intent"], "reason": reason, "status": status,
    });
    if charge["payment_method_details"]["type"] == "card" {
        dispute["payment_method_details"] = json!({
            "card": { "brand": charge["payment_method_details"]["card"]["brand"], "case_type": case, "network": "visa", "network_reason_code": "10.4" },
            "type": "card",
        });
    }
    dispute
}
