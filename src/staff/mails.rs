//! The team's automatic emails: the invitation and the sign-in link. Each is enqueued with the fact that causes it.

use super::Role;
use crate::{
    db::{Result, Tx},
    delivery::{
        notices::{self, NewNotice},
        suppression::Suppressions,
    },
    email_address::EmailAddress,
    mail::{EmailTemplate, SignInLink, TeamInvite},
    settings::Settings,
    site::Site,
    token,
};

/// To whom a mail of this module goes.
pub(super) struct To<'a> {
    pub(super) name: &'a str,
    pub(super) email: &'a EmailAddress,
}

/// Enqueues the invitation at `path`; false if the settings hold no address to send from, or mail to theirs is stopped.
pub(super) async fn enqueue_invite(
    tx: &mut Tx,
    site: &Site,
    to: To<'_>,
    role: Role,
    invited_by: Option<&str>,
    path: &str,
) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let context = TeamInvite {
        invited_by: invited_by.unwrap_or(&settings.magazine_name).to_owned(),
        role: role.with_article().to_owned(),
        accept_url: site.url(path),
        valid_for: "7 days".to_owned(),
        sender: settings.sender(site),
    };
    enqueue(tx, site, &settings, to, "invite", path, &context).await
}

/// As [`enqueue_invite`], for the sign-in link at `path`.
pub(super) async fn enqueue_sign_in_link(tx: &mut Tx, site: &Site, to: To<'_>, path: &str) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let context = SignInLink {
        sign_in_url: site.url(path),
        valid_for: "10 minutes".to_owned(),
        sender: settings.sender(site),
    };
    enqueue(tx, site, &settings, to, "sign-in", path, &context).await
}

async fn enqueue<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    to: To<'_>,
    kind: &str,
    path: &str,
    context: &T,
) -> Result<bool> {
    let Some(from) = settings.from_address() else {
        tracing::warn!(kind, "no mail was sent: the settings hold no address to send from");
        return Ok(false);
    };
    if Suppressions::new(site).stops_letter(tx, to.email, false).await? {
        return Ok(false);
    }
    // The fact is the link; its hash names it without giving it away.
    let key = format!("{kind}:{}", token::hash(path));
    let from = (settings.sender_name(), &from);
    notices::enqueue(tx, site, NewNotice { key: &key, from, to: to.email, name: to.name, context }).await
}
