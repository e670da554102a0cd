//! The links by which supporters find their gifts and the way out: made and read here.
//!
//! The one to a monthly donation works for good: who gives each month must always find the way out, from the oldest receipt. The one to
//! everything that a supporter gave runs out, for mail is handed on and mailboxes change hands: then it only says whose page it was, so
//! that a fresh one can be mailed to them. The one in receipts and other letters works for weeks, and nothing that takes more money, or
//! takes it sooner, is done by it: that takes the link which is mailed to whoever asks for it, and is good for a day.

use std::time::Duration;

use crate::{clock::Moment, site::Site, token::Purpose};

/// How long the link to a supporter's page works that stands in their letters.
const LINK_DAYS: u64 = 30;
/// And the one that was asked for.
const ASKED_DAYS: u64 = 1;
/// How long that is, for people.
pub(super) const ASKED_LASTS: &str = "a day";

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

/// The token of a supporter's own page, `/supporter/{token}`, by their public id, as it stands in their letters.
#[must_use]
pub fn supporter_token(site: &Site, public_id: &str) -> String {
    let until = site.now().plus(Duration::from_secs(LINK_DAYS * 86_400)).unix_seconds();
    site.keys.sign(Purpose::Thanks, &format!("{LETTER}{public_id}.{until}"), None)
}

/// The same as it is mailed to whoever asks for it.
#[must_use]
pub fn asked_supporter_token(site: &Site, public_id: &str) -> String {
    let until = site.now().plus(Duration::from_secs(ASKED_DAYS * 86_400)).unix_seconds();
    site.keys.sign(Purpose::Thanks, &format!("{ASKED}{public_id}.{until}"), None)
}

const LETTER: &str = "supporter.";
const ASKED: &str = "supporter-asked.";

/// Whose page a token opens.
pub(super) struct PageOf {
    pub public_id: String,
    /// Whether it still does.
    pub works: bool,
    /// Whether it is the one that is mailed to whoever asks for it.
    pub was_asked_for: bool,
}

/// What a token says; none when it is not genuine.
pub(super) fn supporter_of(site: &Site, token: &str) -> Option<PageOf> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now()).ok()?;
    let (named, was_asked_for) = match scope.strip_prefix(ASKED) {
        Some(named) => (named, true),
        None => (scope.strip_prefix(LETTER)?, false),
    };
    let (public_id, until) = named.rsplit_once('.')?;
    let until = Moment::from_unix_seconds(until.parse().ok()?);
    Some(PageOf { public_id: public_id.to_owned(), works: site.now() < until, was_asked_for })
}
