//! The SQL of the room of relays, by table.

pub(super) mod relays;
pub(super) mod sign_ins;
