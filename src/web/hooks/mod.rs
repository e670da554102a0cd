//! Addresses that programs call: the payment provider, mail services. Their answers have no page.

mod bounces;
pub(super) mod here;
pub(super) mod payments;

pub use bounces::BounceHooks;
pub(super) use bounces::receive as receive_bounce;
