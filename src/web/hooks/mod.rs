//! Where programs knock. Their answers have no page.

mod bounces;
pub(super) mod payments;

pub use bounces::BounceHooks;
pub(super) use bounces::receive as receive_bounce;
