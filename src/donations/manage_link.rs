//! The links by which supporters find their gifts and the way out: made and read here.
//!
//! The one to a monthly donation works for good: who gives each month must always find the way out, from the oldest receipt. The one to
//! everything that a supporter gave runs out, for mail is handed on and mailboxes change hands: then it only says whose page it was, so
//! that a fresh one can be mailed to them.

use std::time::Duration;

use crate::{clock::Moment, site::Site, token::Purpose};

/// How long the link to a supporter's page works.
pub(super) const LINK_DAYS: u64 = 30;

/// The token of the page on which a supporter ends a monthly donation: `/giving/{token}`.
#[must_use]
pub fn manage_token(site: &Site, public_id: &str) -> String {
    site.keys.sign(Purpose::Thanks, &format!("monthly.{public_id}"), None)
}

/// Which monthly donation a token opens; none when it is not genuine.
pub(super) fn managed(site: &Site, token: &str) -> Option<String> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now()).ok()?;
    scope.strip_prefix("monthly.").map(str::to_owned)
}

/// The token of a supporter's own page, `/supporter/{token}`, by their public id.
#[must_use]
pub fn supporter_token(site: &Site, public_id: &str) -> String {
    let until = site.now().plus(Duration::from_secs(LINK_DAYS * 86_400)).unix_seconds();
    site.keys.sign(Purpose::Thanks, &format!("supporter.{public_id}.{until}"), None)
}

/// Whose page a token opens, and whether it still does; none when it is not genuine.
pub(super) fn supporter_of(site: &Site, token: &str) -> Option<(String, bool)> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now()).ok()?;
    let (public_id, until) = scope.strip_prefix("supporter.")?.rsplit_once('.')?;
    let until = Moment::from_unix_seconds(until.parse().ok()?);
    Some((public_id.to_owned(), site.now() < until))
}
