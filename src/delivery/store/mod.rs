//! The SQL of the delivery room, by table.

pub(super) mod breaker;
pub(super) mod domains;
pub(super) mod figures;
pub(super) mod ledger;
pub(super) mod moves;
pub(super) mod names;
pub(super) mod notices;
pub(super) mod pace;
pub(super) mod progress;
pub(super) mod returned;
pub(super) mod suppressions;
pub(super) mod workers;
