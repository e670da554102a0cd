//! The sandbox's own book: what every movement on the balance comes to, for whoever holds another book against it.
//!
//! The rule: it is written from the provider's objects alone and shares nothing with what it checks.

use std::collections::BTreeMap;

use axum::{Router, extract::State as Shared, routing::get};
use serde::Serialize;
use serde_json::Value;

use super::{
    Rhythm, StripeServer,
    state::{State, text},
};

/// Everything that moved, by the currency of the balance, and everything that was given, by the currency it was given in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderBook {
    /// The balance, by its currencies.
    pub balances: BTreeMap<String, BookedCurrency>,
    /// What supporters gave, by the currencies they gave in.
    pub given: BTreeMap<String, GivenInAll>,
}

/// One currency of the balance, in its smallest unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BookedCurrency {
    /// What came in and went out before fees, by the provider's reporting category: `charge`, `refund`, `refund_failure`,
    /// `dispute`, `dispute_reversal`, `payout`, `payout_reversal` … Money that went out is below zero.
    pub moved: BTreeMap<String, i64>,
    /// What the provider kept, by the same categories; what it gave back of a fee is below zero.
    pub fees: BTreeMap<String, i64>,
    /// What is there: everything that moved less all fees.
    pub balance: i64,
    /// How many transactions there were.
    pub transactions: u64,
}

/// What was given in one currency, in its smallest unit, before anything was given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GivenInAll {
    /// Single gifts.
    pub once: i64,
    /// Instalments.
    pub recurring: i64,
    /// Instalments that were marked as paid outside: no charge was made.
    pub outside: i64,
    /// What was given back of it, refunds that failed left out.
    pub refunded: i64,
    /// What is disputed and not won.
    pub disputed: i64,
}

impl State {
    pub(super) fn summed(&self) -> ProviderBook {
        let mut book = ProviderBook::default();
        let kept = |moved: &&Value| !self.script.lost_movements.contains(text(moved, "id"));
        for moved in self.newest("balance_transaction").filter(kept) {
            let number = |field: &str| moved[field].as_i64().unwrap_or_default();
            let own = book.balances.entry(text(moved, "currency").to_owned()).or_default();
            let category = text(moved, "reporting_category").to_owned();
            *own.moved.entry(category.clone()).or_default() += number("amount");
            if number("fee") != 0 {
                *own.fees.entry(category).or_default() += number("fee");
            }
            own.balance += number("net");
            own.transactions += 1;
        }
        for charged in &self.charged {
            let own = book.given.entry(charged.currency.clone()).or_default();
            match charged.rhythm {
                Rhythm::Once => own.once += charged.amount,
                Rhythm::Recurring => own.recurring += charged.amount,
            }
        }
        self.sum(&mut book, "invoice", "amount_paid_off_stripe", |_| true, |own| &mut own.outside);
        let stands = |refund: &str| matches!(refund, "succeeded" | "pending" | "requires_action");
        self.sum(&mut book, "refund", "amount", stands, |own| &mut own.refunded);
        let taken = |dispute: &str| dispute != "won" && !dispute.starts_with("warning");
        self.sum(&mut book, "dispute", "amount", taken, |own| &mut own.disputed);
        book
    }

    fn sum(
        &self,
        book: &mut ProviderBook,
        kind: &str,
        field: &str,
        wanted: impl Fn(&str) -> bool,
        place: fn(&mut GivenInAll) -> &mut i64,
    ) {
        for object in self.newest(kind).filter(|object| wanted(text(object, "status"))) {
            let amount = object[field].as_i64().unwrap_or_default();
            if amount != 0 {
                *place(book.given.entry(text(object, "currency").to_owned()).or_default()) += amount;
            }
        }
    }
}

impl StripeServer {
    /// What everything comes to, as the provider sees it.
    #[must_use]
    pub fn book(&self) -> ProviderBook {
        self.lock().summed()
    }

    /// A bug on demand: the book forgets the last movement, so that a test can prove that the comparison with it fails.
    pub fn lose_movement(&self) {
        let mut state = self.lock();
        let last = state.newest("balance_transaction").next().map(|moved| text(moved, "id").to_owned());
        state.script.lost_movements.extend(last);
    }
}

pub(super) fn router() -> Router<StripeServer> {
    Router::new().route("/_sandbox/book", get(book))
}

async fn book(Shared(server): Shared<StripeServer>) -> axum::Json<ProviderBook> {
    axum::Json(server.book())
}
