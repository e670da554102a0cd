//! The SQL of the delivery room, by table.

pub(super) mod bounces;
pub(super) mod editions;
pub(super) mod ledger;
pub(super) mod notices;
pub(super) mod suppressions;
pub(super) mod workers;
