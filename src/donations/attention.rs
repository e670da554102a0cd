//! What needs a person: what was asked of the provider and is not done, what it told us and could not be applied, and what
//! somebody did there that we cannot judge. Shown at the desk, named by `audit` and `doctor`, and the worst of it by letter.

pub use super::lines::{AttentionNews, Copied, FailedCheckout, Unended};
use super::{
    account::{self, AccountTrouble},
    calls::cancellation_of,
    letters,
    reports::{self, EventLine},
    store::{attention as rows, calls::CANCELLATIONS},
};
use crate::{
    clock::Moment,
    db::{Db, Result},
    site::Site,
    staff,
};

/// How long the provider may take to end a regular donation before staff hear of it.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3_600);

/// How long what went wrong with an automatic email is worth a look.
pub const LATELY: std::time::Duration = std::time::Duration::from_secs(14 * 86_400);

/// Everything that needs a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Asked to end more than an hour ago, and still charged.
    pub unended: Vec<Unended>,
    /// Checkouts that could not be opened and that staff have not seen, the newest first.
    pub checkouts: Vec<FailedCheckout>,
    /// Events that were given up.
    pub events: Vec<EventLine>,
    /// Copies that are charged while another of the same donation is.
    pub copies: Vec<Copied>,
    /// What is wrong with our account at the provider, or with how its news come.
    pub account: AccountTrouble,
}

impl Attention {
    /// A sentence for each kind of thing, the most pressing first; none when all is well.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let count = |number: usize, one: &str, many: &str| match number {
            0 => None,
            1 => Some(format!("1 {one}")),
            number => Some(format!("{}{number} {many}", at_least(number))),
        };
        let sentences = [
            count(
                self.unended.len(),
                "supporter asked to end a regular donation, and the payment service still charges it",
                "supporters asked to end regular donations, and the payment service still charges them",
            ),
            count(
                self.events.len(),
                "message of the payment service could not be applied",
                "messages of the payment service could not be applied",
            ),
            count(
                self.checkouts.len(),
                "supporter could not get to the payment page",
                "supporters could not get to the payment page",
            ),
            count(
                self.copies.len(),
                "regular donation was copied at the payment service and is charged beside another",
                "regular donations were copied at the payment service and are charged beside others",
            ),
        ];
        self.account.sentences().into_iter().chain(sentences.into_iter().flatten()).collect()
    }
}

/// How many of a kind are read at most.
pub const MOST: usize = 100;

/// What stands before a number of which there may be more.
#[must_use]
pub const fn at_least(number: usize) -> &'static str {
    if number >= MOST { "at least " } else { "" }
}

/// How the provider's news go now.
pub async fn news(db: &Db) -> Result<AttentionNews> {
    rows::news(db).await
}

/// What needs a person now.
pub async fn look(db: &Db, now: Moment) -> Result<Attention> {
    Ok(Attention {
        unended: rows::unended(db, now.minus(PATIENCE)).await?,
        checkouts: rows::failed_checkouts(db).await?,
        events: reports::stuck_events(db).await?,
        copies: rows::copies(db).await?,
        account: account::trouble(db, now).await?,
    })
}

/// Writes to owners and treasurers about each regular donation that should have ended an hour ago, once. Returns how many
/// those were.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn tell_of_unended(site: &Site) -> Result<usize> {
    let mut untold = rows::unended(&site.db, site.now().minus(PATIENCE)).await?;
    untold.retain(|one| one.told_at.is_none());
    if untold.is_empty() {
        return Ok(0);
    }
    let team = staff::members(&site.db).await?;
    let mut told = 0;
    for one in untold {
        let mut tx = site.db.begin().await?;
        if rows::tell(&mut tx, &one.public_id, site.now()).await?
            && letters::send_not_ended(&mut tx, site, &team, &one).await?
        {
            tx.commit().await?;
            told += 1;
        }
    }
    Ok(told)
}

/// Has the provider asked again at once. False when it is over, or nobody asked for it.
pub async fn ask_again(site: &Site, recurring: &str) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let asked = CANCELLATIONS.again(&mut tx, &cancellation_of(recurring), site.now()).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Staff have seen the checkouts that could not be opened until that moment; what came since they have not.
pub async fn put_checkouts_away(site: &Site, seen: Moment) -> Result<()> {
    let mut tx = site.db.begin().await?;
    rows::put_checkouts_away(&mut tx, site.now(), seen).await?;
    tx.commit().await
}

/// Puts an event away that was given up and that nothing can be done about. False when it is not one of those.
pub async fn put_event_away(site: &Site, event_id: &str) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let put = rows::put_event_away(&mut tx, event_id).await?;
    tx.commit().await?;
    Ok(put == 1)
}
