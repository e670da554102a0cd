//! The link by which whoever gives every month finds the way out: made and read here.

use crate::{site::Site, token::Purpose};

/// The token of the page on which a supporter ends a monthly donation: `/giving/{token}`.
#[must_use]
pub fn manage_token(site: &Site, public_id: &str) -> String {
    // No expiry: who gives each month must always find the way out, from the oldest receipt.
    site.keys.sign(Purpose::Thanks, &format!("monthly.{public_id}"), None)
}

/// Which monthly donation a token opens; none when it is not genuine.
pub(super) fn managed(site: &Site, token: &str) -> Option<String> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now()).ok()?;
    scope.strip_prefix("monthly.").map(str::to_owned)
}
