//! Editions on their way: the ledger of deliveries, notices, suppression, workers, SMTP.
//!
//! The rule that must hold: **never guess**. A row of the ledger says what is known, at every moment and after every crash:
//! `sealed = accepted + failed + suppressed + unknown + open`. A body is written to a connection only after the commit that
//! marks its row, so a worker that dies leaves at most one message a connection whose outcome is not known, and its row
//! says so. Every move of a row moves the tallies in the same transaction.
//!
//! It knows subscribers and lists as ids, and addresses as values; of editions it knows the state.

pub mod breaker;
mod claims;
mod copy_names;
pub mod domains;
pub mod engine;
pub mod figures;
mod lane;
pub mod ledger;
pub mod names;
pub mod notices;
pub mod outcome;
pub mod pace;
mod patience;
pub mod progress;
mod queue;
pub mod returned;
mod sender;
mod shared;
pub mod states;
mod stopping;
mod store;
pub mod suppression;
pub mod variant;
pub mod verp;
pub mod vitals;
pub mod workers;
mod writer;

use crate::db::Sql;

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::store::{
        ledger::FORGET_LOG as ATTEMPTS, notices::FORGET as NOTICES, notices::FORGET_ASKING as ASKING,
        pace::FORGET as PACES, workers::FORGET as WORKERS,
    };
}

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[
    store::breaker::STATEMENTS,
    store::figures::STATEMENTS,
    store::domains::STATEMENTS,
    store::ledger::STATEMENTS,
    store::moves::STATEMENTS,
    store::names::STATEMENTS,
    store::notices::STATEMENTS,
    store::pace::STATEMENTS,
    store::progress::STATEMENTS,
    store::returned::STATEMENTS,
    store::suppressions::STATEMENTS,
    store::workers::STATEMENTS,
];
