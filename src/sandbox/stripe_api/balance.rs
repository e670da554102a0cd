//! The balance: every movement of money is one transaction, in the currency it settles in, and none is ever changed but that a
//! payout takes it along.

use serde_json::{Value, json};

use super::state::{State, text};

/// Money is there to be paid out so long after it came.
const TWO_DAYS: i64 = 2 * 86_400;

/// Money that moves: what came in, went out again, or was kept.
pub(super) struct Movement<'a> {
    /// The object that it comes from.
    pub(super) source: &'a str,
    /// Its type, and how reports call it.
    pub(super) kind: &'a str,
    pub(super) category: &'a str,
    /// In the currency of the object it comes from.
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    pub(super) fee: Fee,
}

/// What the provider keeps of a movement.
#[derive(Clone, Copy)]
pub(super) enum Fee {
    None,
    /// The usual share of a charge.
    OfCharge,
    /// A dispute's, or with a minus what is given back of it.
    OfDispute(i64),
}

impl State {
    /// Books a movement; gives the transaction's id.
    pub(super) fn book(&mut self, movement: &Movement<'_>) -> String {
        let id = self.new_id("txn", 24);
        let (amount, currency, rate) = self.rules.settled(movement.amount, movement.currency);
        let (fee, name) = match movement.fee {
            Fee::None => (0, ""),
            Fee::OfCharge => (self.rules.fee_of(amount), "Stripe processing fees"),
            Fee::OfDispute(fee) => (fee, "Dispute fee"),
        };
        let fees = if fee == 0 {
            json!([])
        } else {
            json!([{ "amount": fee, "application": null, "currency": currency, "description": name, "type": "stripe_fee" }])
        };
        let now = self.now();
        let transaction = json!({
            "id": id, "object": "balance_transaction", "amount": amount, "available_on": now + TWO_DAYS,
            "balance_type": "payments", "created": now, "currency": currency, "description": null, "exchange_rate": rate,
            "fee": fee, "fee_details": fees, "net": amount - fee, "reporting_category": movement.category,
            "source": movement.source, "status": "pending", "type": movement.kind,
        });
        self.put(transaction);
        id
    }

    /// An object as it is today: a transaction is available from its day on, and of a deleted customer only the id is left.
    pub(super) fn aged(&self, mut object: Value) -> Value {
        if object["object"] == "balance_transaction" && self.is_available(&object) {
            object["status"] = json!("available");
        }
        if object["object"] == "customer" && object["deleted"] == true {
            return json!({ "id": object["id"], "object": "customer", "deleted": true });
        }
        object
    }

    pub(super) fn is_available(&self, transaction: &Value) -> bool {
        transaction["available_on"].as_i64().is_some_and(|at| at <= self.now())
    }

    /// What is there and what is on its way, by currency.
    pub(super) fn balance(&self) -> Value {
        let mut sums = std::collections::BTreeMap::new();
        for moved in self.newest("balance_transaction") {
            let (available, pending) = sums.entry(text(moved, "currency").to_owned()).or_insert((0, 0));
            let sum = if self.is_available(moved) { available } else { pending };
            *sum += moved["net"].as_i64().unwrap_or_default();
        }
        if sums.is_empty() {
            sums.insert("eur".to_owned(), (0, 0));
        }
        let amounts = |of: fn(&(i64, i64)) -> i64| -> Vec<Value> {
            let one = |(currency, both): (&String, &(i64, i64))| json!({ "amount": of(both), "currency": currency, "source_types": { "card": of(both) } });
            sums.iter().map(one).collect()
        };
        json!({
            "object": "balance", "available": amounts(|both| both.0), "livemode": false, "pending": amounts(|both| both.1),
        })
    }
}
