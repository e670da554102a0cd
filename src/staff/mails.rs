//! The team's automatic emails: the invitation and the sign-in link. Each is enqueued with the fact that causes it.

use std::time::Duration;

use super::Role;
use crate::{
    clock,
    db::{Result, Tx},
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    mail::{EmailTemplate, SignInLink, TeamInvite},
    settings::{Letterhead, Settings},
    site::Site,
    token,
};

/// To whom a mail of this module goes.
pub(super) struct To<'a> {
    pub(super) name: &'a str,
    pub(super) email: &'a EmailAddress,
}

/// Enqueues the invitation at `path`, which lasts for a time; false if mail to them is stopped.
pub(super) async fn enqueue_invite(
    tx: &mut Tx,
    site: &Site,
    to: To<'_>,
    role: Role,
    invited_by: Option<&str>,
    (path, lasts): (&str, Duration),
) -> Result<bool> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let context = TeamInvite {
        invited_by: invited_by.unwrap_or(&letterhead.sender.magazine).to_owned(),
        role: role.with_article().to_owned(),
        accept_url: site.url(path),
        valid_for: clock::lasting(lasts),
        sender: letterhead.sender.clone(),
    };
    enqueue(tx, site, &letterhead, to, ("invite", path), &context).await
}

/// As [`enqueue_invite`], for the sign-in link at `path`.
pub(super) async fn enqueue_sign_in_link(
    tx: &mut Tx,
    site: &Site,
    to: To<'_>,
    (path, lasts): (&str, Duration),
) -> Result<bool> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let context = SignInLink {
        sign_in_url: site.url(path),
        valid_for: clock::lasting(lasts),
        sender: letterhead.sender.clone(),
    };
    enqueue(tx, site, &letterhead, to, ("sign-in", path), &context).await
}

async fn enqueue<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    letterhead: &Letterhead,
    to: To<'_>,
    (kind, path): (&str, &str),
    context: &T,
) -> Result<bool> {
    if Suppressions::new(site).stops_letter(tx, to.email, false).await? {
        return Ok(false);
    }
    // The fact is the link; its hash names it without giving it away.
    let fact = format!("{kind}:{}", token::hash(path));
    delivery::tell(tx, site, letterhead, (to.name, to.email), &fact, context).await
}
