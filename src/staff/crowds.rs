//! What everybody shares and is used up, so that nobody is let through, or only after some work: shown at the desk for a day, and told the owners by
//! one letter, at most one a day for each such thing (TRUST A21, A24).

use std::time::Duration;

use super::{accounts::Member, incoming::THE_DOOR, letters};
use crate::{
    attempts::{self, UsedUp},
    clock::Moment,
    db::{Db, Result, Tx},
    mail::{EmailTemplate as _, FormClosed},
    settings::Settings,
    site::Site,
};

/// Cards that strangers tried out: `donations` closes the page to give under this name.
const CARDS: &str = "cards";
const DAY: Duration = Duration::from_secs(86_400);

/// Something that was closed to everybody for a while.
#[derive(Clone, Debug)]
pub struct ClosedDoor(UsedUp);

impl ClosedDoor {
    /// What it is, and what became of it, as the beginning of a sentence.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self.0.what.as_str() {
            "subscribe" => "The form to subscribe asked each browser for some work",
            "choices" => {
                "The page that mails readers the link to their choices asked each browser for some work"
            }
            "donate" => "The page to give was closed to everybody",
            CARDS => "The page to give was closed to everybody it does not know",
            "letters" => "Letters of people to the address for bounces were not kept",
            THE_DOOR => "The door to the desk was closed to everybody",
            _ => "A form was closed to everybody",
        }
    }

    /// What that was for whoever came, in a sentence.
    #[must_use]
    pub fn told(&self) -> &'static str {
        match self.0.what.as_str() {
            "subscribe" => {
                "Whoever came is signed up as soon as there is room, the last of them within a day; whoever found no room was told to come again."
            }
            "letters" => {
                "Two hundred waited to be read: those that came first stay, and those that answer an edition."
            }
            CARDS => {
                "Whoever came was told when to come back. Whoever came by a link of their own could give."
            }
            "choices" => "Whoever came got their link all the same, unless their browser runs no scripts.",
            _ => "Whoever came was told when to come back.",
        }
    }

    /// What it means if a program is at it.
    #[must_use]
    pub fn means(&self) -> &'static str {
        match self.0.what.as_str() {
            "subscribe" => "Nobody whom it signs up is on a list: they would have to confirm.",
            "choices" => "It writes to nobody but readers, and to each of them once a day at most.",
            "donate" => {
                "It may try out stolen cards. No gift counts before it is paid, and your payment service can ask for more proof of each card."
            }
            CARDS => {
                "Many cards were declined within an hour, so somebody is trying out stolen ones. Nothing of it counts as a gift. It opens again by itself; look in your payment service for payments that went through all the same, and pay those back that you do not trust."
            }
            "letters" => {
                "Look under Readers, Bounces, and put away what is read: then there is room for what people write."
            }
            THE_DOOR => "It guesses passwords. A link by email still signs you in.",
            _ => "",
        }
    }

    /// Since when nobody was let through.
    #[must_use]
    pub const fn since(&self) -> Moment {
        self.0.since
    }

    /// Until when.
    #[must_use]
    pub const fn until(&self) -> Moment {
        self.0.until
    }

    fn was_lately(&self, now: Moment) -> bool {
        self.0.since <= now && now.since(self.0.until) < DAY
    }

    /// A moment that is yet to come was written by a clock that was wrong.
    fn is_untold(&self, now: Moment) -> bool {
        let told = |told| told > now || told < self.0.since && now.since(told) >= DAY;
        self.0.told_at.is_none_or(told)
    }
}

/// What was closed within the last day.
pub async fn lately(db: &Db, now: Moment) -> Result<Vec<ClosedDoor>> {
    let mut closed: Vec<ClosedDoor> = attempts::used_up(db).await?.into_iter().map(ClosedDoor).collect();
    closed.retain(|one| one.was_lately(now));
    Ok(closed)
}

/// Writes to the owners, of cards to the treasurers, about what they have not been told of. Whoever could not be written to has not been told.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn tell(site: &Site) -> Result<()> {
    let now = site.now();
    let mut untold = lately(&site.db, now).await?;
    untold.retain(|one| one.is_untold(now));
    if untold.is_empty() {
        return Ok(());
    }
    let owners = letters::owners(&site.db).await?;
    let treasurers = letters::treasurers(&site.db).await?;
    for one in &untold {
        let people = if one.0.what == CARDS { &treasurers } else { &owners };
        let mut tx = site.db.begin().await?;
        if attempts::tell(&mut tx, &one.0, now).await? && write_to(&mut tx, site, people, one).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn write_to(tx: &mut Tx, site: &Site, owners: &[Member], one: &ClosedDoor) -> Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let context = FormClosed {
        sender: letterhead.sender.clone(),
        what: one.what().to_owned(),
        since: one.since().date_time(&settings.time_zone),
        until: one.until().date_time(&settings.time_zone),
        told: one.told().to_owned(),
        means: one.means().to_owned(),
        desk_url: site.url("/desk"),
    };
    let fact = format!("{}:{}:{}", FormClosed::NAME, one.0.what, one.since().0);
    letters::tell(tx, (site, &letterhead), owners, &fact, &context).await
}
