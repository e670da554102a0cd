//! Where programs knock. Their answers have no page.

pub(super) mod payments;
