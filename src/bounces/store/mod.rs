//! The SQL of what comes back, by table.

pub(super) mod bounces;
pub(super) mod letters;
