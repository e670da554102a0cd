//! Addresses that the form does not take, with the reason. Each is a matter of the domain: about the address itself nothing is
//! said to whoever types it (TRUST A22).

use crate::{
    deliverability::Lookout,
    email_address::{EmailAddress, is_disposable, is_reserved, is_within},
    settings::Settings,
};

/// Why an address is not taken, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwanted {
    /// The team does not write to the domain.
    #[error("We do not write to addresses there. Use another address of yours.")]
    Blocked,
    /// Its addresses are made to be thrown away.
    #[error("That address is made to be thrown away, and our mail would be, too. Use one that you keep.")]
    Disposable,
    /// A name that leads nowhere by agreement.
    #[error(
        "Nobody can get mail there: such names are for trying things out. Use the address that you read."
    )]
    Reserved,
    /// The domain has no mail server, or is not there at all.
    #[error("There is no mail server for that domain. Check how it is spelled.")]
    NoMailServer,
}

/// Why the form does not take an address; `None` if it does. Where mail goes out to the `world`, names that lead nowhere are not
/// taken; the DNS is asked where there is one to ask, and one that does not answer speaks against nobody.
pub async fn unwanted(
    settings: &Settings,
    world: bool,
    lookout: Option<&Lookout>,
    email: &EmailAddress,
) -> Option<Unwanted> {
    let domain = email.domain();
    if settings.blocked_domains.lines().any(|blocked| is_within(domain, blocked)) {
        return Some(Unwanted::Blocked);
    }
    if settings.refuse_disposable && is_disposable(domain) {
        return Some(Unwanted::Disposable);
    }
    if world && is_reserved(domain) {
        return Some(Unwanted::Reserved);
    }
    let lookout = lookout?;
    (!lookout.takes_mail(domain).await).then_some(Unwanted::NoMailServer)
}
