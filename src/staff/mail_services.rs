//! A mail service that refuses our sign-in is told the owners by one letter, which another one carries, or this one once it takes
//! the password again.

use super::{accounts::Member, letters};
use crate::{
    db::{Result, Tx},
    mail::{EmailTemplate as _, SignInRefused},
    relays::{self, Trouble},
    settings::Settings,
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
    let owners = letters::owners(&site.db).await?;
    for trouble in &untold {
        let mut tx = site.db.begin().await?;
        if relays::tell(&mut tx, trouble, now).await? && write_to(&mut tx, site, &owners, trouble).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn write_to(tx: &mut Tx, site: &Site, owners: &[Member], trouble: &Trouble) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let context = SignInRefused {
        sender: letterhead.sender.clone(),
        relay: trouble.relay.clone(),
        since: trouble.since.date_time(&settings.time_zone),
        words: trouble.words.clone(),
        desk_url: site.url("/desk"),
    };
    let fact = format!("{}:{}:{}", SignInRefused::NAME, trouble.relay, trouble.since.0);
    letters::tell(tx, (site, &letterhead), owners, &fact, &context).await
}
