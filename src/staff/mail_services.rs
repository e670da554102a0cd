//! A mail service that refuses our sign-in is told the owners by one letter, which another one carries, or this one once it takes
//! the password again.

use super::{Role, Settings, accounts};
use crate::{
    db::{Result, Tx},
    delivery::{
        notices::{self, NewNotice},
        relays::{self, Trouble},
    },
    email_address::EmailAddress,
    mail::{EmailTemplate as _, SignInRefused},
    site::Site,
};

/// Writes to the owners about what they have not been told of. Whoever could not be written to has not been told.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn tell(site: &Site) -> Result<()> {
    let now = site.now();
    let untold = relays::untold_refusals(&site.db, now).await?;
    if untold.is_empty() {
        return Ok(());
    }
    let mut owners = accounts::members(&site.db).await?;
    owners.retain(|one| one.role == Role::Owner && one.disabled_at.is_none());
    for trouble in &untold {
        let mut tx = site.db.begin().await?;
        if relays::tell(&mut tx, trouble, now).await? && write_to(&mut tx, site, &owners, trouble).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn write_to(tx: &mut Tx, site: &Site, owners: &[accounts::Member], trouble: &Trouble) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    // A magazine that has not said where its mail comes from writes from its own host rather than not at all.
    let own = settings.from_address();
    let Some(from) = own.or_else(|| EmailAddress::parse(&format!("desk@{}", site.host())).ok()) else {
        return Ok(false);
    };
    let context = SignInRefused {
        sender: settings.sender(site),
        relay: trouble.relay.clone(),
        since: trouble.since.date_time(&settings.time_zone),
        words: trouble.words.clone(),
        desk_url: site.url("/desk"),
    };
    for owner in owners {
        let since = trouble.since.0;
        let key = format!("{}:{}:{since}:{}", SignInRefused::NAME, trouble.relay, owner.public_id);
        let to = NewNotice {
            key: &key,
            from: (settings.sender_name(), &from),
            to: &owner.email,
            name: &owner.name,
            context: &context,
        };
        notices::enqueue(tx, site, to).await?;
    }
    Ok(!owners.is_empty())
}
