//! Relays, the mail services that take our messages: whose turn it is, how much each may be given, and whether it lets us in.
//!
//! The rules that must hold: no limit of an hour, a day or a second is passed by all processes together, whatever crashes; and
//! a relay that refuses our sign-in is tried by nobody until its time has come. This room knows no editions and no copies:
//! start reading at `turns.rs`.

mod sign_in;
mod slots;
mod store;
mod turns;
mod wakes;

pub use self::turns::{
    LeftOfLimits, RelayOptions, RelayUsedUp, Trouble, forecast, left, tell, troubles, untold_refusals,
    used_up,
};
pub(crate) use self::{
    sign_in::{Answer, Pass, SignIn},
    slots::Slot,
    turns::{Failed, LONGEST_REST, RelayLook, Relays, Turn, Why, note},
    wakes::Wakes,
};
use crate::db::Sql;

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::store::{
        relays::{FORGET_TROUBLES as TROUBLES, FORGET_WINDOWS as WINDOWS},
        sign_ins::FORGET as SIGN_INS,
    };
}

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[store::relays::STATEMENTS, store::sign_ins::STATEMENTS];
