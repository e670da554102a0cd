//! The SQL of the donations room, by what it is about.

pub(super) mod account;
pub(super) mod adopt;
pub(super) mod attention;
pub(super) mod back;
pub(super) mod book;
pub(super) mod brakes;
pub(super) mod by_staff;
pub(super) mod calls;
pub(super) mod changes;
pub(super) mod closing;
pub(super) mod donors;
pub(super) mod doubles;
pub(super) mod events;
pub(super) mod figures;
pub(super) mod from_articles;
pub(super) mod gifts;
pub(super) mod give_back;
pub(super) mod months;
pub(super) mod payouts;
pub(super) mod reconcile;
pub(super) mod renewals;
pub(super) mod returns;
pub(super) mod search;
pub(super) mod supporter;

use crate::db::Sql;

/// Every statement of this room, for the check that prepares them on both engines.
pub const STATEMENTS: &[&[Sql]] = &[
    account::STATEMENTS,
    adopt::STATEMENTS,
    attention::STATEMENTS,
    back::STATEMENTS,
    book::STATEMENTS,
    brakes::STATEMENTS,
    calls::STATEMENTS,
    changes::STATEMENTS,
    closing::STATEMENTS,
    donors::STATEMENTS,
    doubles::STATEMENTS,
    events::STATEMENTS,
    figures::STATEMENTS,
    from_articles::STATEMENTS,
    gifts::STATEMENTS,
    give_back::STATEMENTS,
    months::STATEMENTS,
    payouts::STATEMENTS,
    reconcile::STATEMENTS,
    returns::STATEMENTS,
    renewals::STATEMENTS,
    supporter::STATEMENTS,
    search::STATEMENTS,
    by_staff::STATEMENTS,
];

/// Every statement of this room's queues, for the same check.
pub const QUEUES: &[&[&[Sql]]] = &[
    adopt::QUEUES,
    calls::QUEUES,
    changes::QUEUES,
    events::QUEUES,
    give_back::QUEUES,
    reconcile::QUEUES,
    renewals::QUEUES,
];
