//! The SQL of the donations room, by what it is about.

pub(super) mod attention;
pub(super) mod book;
pub(super) mod brakes;
pub(super) mod by_staff;
pub(super) mod calls;
pub(super) mod donors;
pub(super) mod doubles;
pub(super) mod events;
pub(super) mod figures;
pub(super) mod gifts;
pub(super) mod months;
pub(super) mod search;

use crate::db::Sql;

/// Every statement of this room, for the check that prepares them on both engines.
pub const STATEMENTS: &[&[Sql]] = &[
    attention::STATEMENTS,
    book::STATEMENTS,
    brakes::STATEMENTS,
    calls::STATEMENTS,
    donors::STATEMENTS,
    doubles::STATEMENTS,
    events::STATEMENTS,
    figures::STATEMENTS,
    gifts::STATEMENTS,
    months::STATEMENTS,
    search::STATEMENTS,
    by_staff::STATEMENTS,
];

/// Every statement of this room's queues, for the same check.
pub const QUEUES: &[&[&[Sql]]] = &[calls::QUEUES, events::QUEUES];
