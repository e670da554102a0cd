//! The SQL of the donations room, by what it is about.

pub(super) mod attention;
pub(super) mod book;
pub(super) mod by_staff;
pub(super) mod calls;
pub(super) mod changes;
pub(super) mod donors;
pub(super) mod events;
pub(super) mod figures;
pub(super) mod gifts;
pub(super) mod months;
pub(super) mod renewals;
pub(super) mod search;
pub(super) mod supporter;

use crate::db::Sql;

/// Every statement of this room, for the check that prepares them on both engines.
pub const STATEMENTS: &[&[Sql]] = &[
    attention::STATEMENTS,
    book::STATEMENTS,
    calls::STATEMENTS,
    changes::STATEMENTS,
    donors::STATEMENTS,
    events::STATEMENTS,
    figures::STATEMENTS,
    gifts::STATEMENTS,
    months::STATEMENTS,
    renewals::STATEMENTS,
    supporter::STATEMENTS,
    search::STATEMENTS,
    by_staff::STATEMENTS,
];

/// Every statement of this room's queues, for the same check.
pub const QUEUES: &[&[&[Sql]]] = &[calls::QUEUES, changes::QUEUES, events::QUEUES, renewals::QUEUES];
