//! What the settings name outside, for whoever runs and for whoever looks.

use crate::{
    bounces::ImapMailbox,
    config::Config,
    deliverability::Lookout,
    dns::Dns,
    smtp_url::{Relays, SmtpUrl},
};

/// The mailbox that bounces come to.
pub(super) fn bounce_mailbox(config: &Config) -> Option<ImapMailbox> {
    config.bounce_imap_url.as_ref().and_then(|url| ImapMailbox::from_url(url, config.mail_trust.clone()))
}

/// None towards a sandbox, which believes everybody. A machine without a DNS server sends all the same.
pub(super) fn lookout(config: &Config, relays: &Relays) -> Option<Lookout> {
    let is_sandbox = |relay: &SmtpUrl| {
        relay.host.parse() == Ok(config.sandbox_smtp.ip()) && relay.port == config.sandbox_smtp.port()
    };
    let relays: Vec<SmtpUrl> = relays.0.iter().map(|relay| relay.url.clone()).collect();
    if relays.iter().all(is_sandbox) {
        return None;
    }
    let return_domain = config.bounce_address.as_ref().map(|address| address.domain().to_owned());
    match Dns::new(config.dns_resolver) {
        Ok(dns) => Some(Lookout { dns, relays, return_domain }),
        Err(error) => {
            tracing::warn!(%error, "the DNS cannot be asked whether mail from here is believed; set DNS_RESOLVER");
            None
        }
    }
}
