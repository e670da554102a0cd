//! Letters of the house to people of its team: something happened that they are to hear of, whether or not they look at the desk.

use super::{Role, accounts, accounts::Member};
use crate::{
    db::{Db, Result, Tx},
    delivery::notices::{self, NewNotice},
    email_address::EmailAddress,
    mail::EmailTemplate,
    settings::Settings,
    site::Site,
};

/// The owners who can sign in.
///
/// # Errors
/// When the database fails.
pub async fn owners(db: &Db) -> Result<Vec<Member>> {
    let mut members = accounts::members(db).await?;
    members.retain(|one| one.role == Role::Owner && one.disabled_at.is_none());
    Ok(members)
}

/// Where such a letter comes from. A magazine that has not said where its mail comes from writes from its own host rather than
/// not at all.
#[must_use]
pub fn from(site: &Site, settings: &Settings) -> Option<EmailAddress> {
    settings.from_address().or_else(|| EmailAddress::parse(&format!("desk@{}", site.host())).ok())
}

/// One letter to each about a fact, which is never told twice. False if nobody could be written to: then nobody has been told,
/// and the caller's transaction must not say so.
///
/// # Errors
/// When the database fails.
pub async fn tell<T: EmailTemplate>(
    tx: &mut Tx,
    (site, settings): (&Site, &Settings),
    people: &[Member],
    fact: &str,
    context: &T,
) -> Result<bool> {
    let Some(from) = from(site, settings) else { return Ok(false) };
    for one in people {
        let notice = NewNotice {
            key: &format!("{fact}:{}", one.public_id),
            from: (settings.sender_name(), &from),
            to: &one.email,
            name: &one.name,
            context,
        };
        notices::enqueue(tx, site, notice).await?;
    }
    Ok(!people.is_empty())
}
