//! Nobody tries cards out here (TRUST A26): how often gifts may be begun, and what happens when many cards are declined.
//!
//! The rules:
//! - whoever pays counts for nothing. What is limited is gifts that were begun and not paid, an hour back: a room full of people
//!   who give from one network is never in anybody's way;
//! - the brake is never the attack. A stranger who types somebody's address into the form keeps that person out of nothing: what
//!   one mailbox or one form used up asks for some work, and refuses nobody;
//! - when many cards of strangers are declined, each stranger's browser is asked for some work (or two minutes' patience, where it
//!   runs no scripts); when it does not end, giving is closed to strangers for half an hour, the treasurers hear of it, and it opens
//!   again by itself. It closes anew only for what was declined since;
//! - whoever comes by a link of their own, out of a letter of ours, is served throughout, unless cards are tried out by that very
//!   link.
//!
//! What counts as declined is what the provider says of the payments that our own pages began: a month that is charged, and what
//! another program sells on the same account, close nothing here.

use std::time::Duration;

use super::store::brakes::{self as store, KnownSupporter, NewTry, Unpaid, Whose};
use crate::{
    attempts::{self, Attempt, Limit, Refusal, Shared},
    clock::Moment,
    db::{self, Db, Tx},
    email_address::EmailAddress,
    network::Network,
    payments::PaymentProvider,
    site::Site,
    subscribers::machines,
    token::{self, Purpose},
};

/// Each gift that is begun asks the provider for a page. So many from one network as a room begins in a quarter of an hour, paid
/// or not, and so many in all as a magazine is given at its best.
pub const GIFTS: Shared = Shared::new("donate", 100, 2_000);

/// What it is called that is closed, where it is told.
const CARDS: &str = "cards";
const HOUR: Duration = Duration::from_secs(3_600);
/// So many gifts may be begun from one network in an hour and not paid.
const UNPAID_OF_A_NETWORK: i64 = 10;
/// So many for one mailbox, or by one form, before some work is asked for each more.
const UNPAID_WITHOUT_WORK: i64 = 10;
/// So many by one supporter's own link.
const UNPAID_OF_A_SUPPORTER: i64 = 5;
/// So many declined cards in a day, and a supporter's own link is worth no more than any.
const DECLINED_OF_A_SUPPORTER: i64 = 5;
const DAY: Duration = Duration::from_secs(86_400);

/// So many declined cards in an hour, and one for six gifts that are paid: then strangers' browsers do some work.
const DECLINED_FOR_WORK: i64 = 10;
const PAID_TO_A_DECLINED: i64 = 6;
/// So many, and one for three: then strangers wait.
const DECLINED_TO_CLOSE: i64 = 30;
const PAID_TO_A_DECLINED_AT_MOST: i64 = 3;
/// For so long.
const CLOSED: Duration = Duration::from_secs(1_800);

/// So many cards that are declined by one payment page close that page.
const DECLINED_BY_A_PAGE: i64 = 10;
/// The same while giving is closed to strangers.
const DECLINED_BY_A_PAGE_WHILE_CLOSED: i64 = 3;

/// Whoever runs no scripts waits for so long, in the place of some work.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// So many of them in a quarter of an hour, whoever they are: what no script has to be run for, programs can do as well.
const PATIENT: Limit = Limit::in_a_quarter_of_an_hour("begin a gift by waiting", 10);

/// What a browser did that was asked for some work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof<'a> {
    /// It was not asked yet.
    #[default]
    None,
    /// It did it: the challenge, and its answer.
    Worked(&'a str, &'a str),
    /// It runs no scripts, and waited since that mark of ours was made.
    Waited(&'a str),
}

/// Who sets out to give.
#[derive(Clone, Copy, Debug, Default)]
pub struct Giver<'a> {
    /// The network they come from, if that is known and not private.
    pub from: Option<Network>,
    /// The mark of the form; empty if it bore none.
    pub form: &'a str,
    /// The supporter whose own link they came by.
    pub known: Option<&'a KnownSupporter>,
    /// What their browser did.
    pub proof: Proof<'a>,
}

/// Why a gift may not be begun now.
#[derive(Debug)]
pub(super) enum Braked {
    /// Too many were; how long until the next may be.
    TooMany(Duration),
    /// Some work comes first.
    Work,
    /// It is closed to strangers, for so long.
    Closed(Duration),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Braked {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// A gift that is about to be begun, as the brakes count it.
pub(super) struct Try<'a> {
    giver: &'a Giver<'a>,
    network: Option<String>,
    mailbox: String,
    form: Option<String>,
    supporter: Option<String>,
    /// Whether some work is asked for, whatever was begun for that mailbox.
    is_stormy: bool,
}

impl<'a> Try<'a> {
    /// Looks whether it may be begun, and counts it with what everybody shares. Whoever is refused here wrote nothing.
    ///
    /// # Errors
    /// [`Braked`].
    pub(super) async fn begin(
        site: &Site,
        giver: &'a Giver<'a>,
        email: &EmailAddress,
    ) -> Result<Self, Braked> {
        let name = |what: &str, whom: &str| site.keys.name(Purpose::Attempt, &format!("{what}:{whom}"));
        let mut this = Self {
            giver,
            network: giver.from.map(|network| name("giving network", &network.to_string())),
            mailbox: name("giving mailbox", &email.mailbox()),
            form: (!giver.form.is_empty()).then(|| name("giving form", giver.form)),
            supporter: giver.known.map(|known| name("giving supporter", &known.public_id)),
            is_stormy: false,
        };
        let now = site.now();
        if let Some(supporter) = &this.supporter {
            if store::declined_of(&site.db, supporter, now.minus(DAY)).await? < DECLINED_OF_A_SUPPORTER {
                let unpaid = store::unpaid(&site.db, Whose::Supporter(supporter), now.minus(HOUR)).await?;
                return fits(unpaid, UNPAID_OF_A_SUPPORTER, now).map(|()| this);
            }
            this.supporter = None;
        }
        let weather = Weather::now(&site.db, now).await?;
        if let Some(until) = weather.closed_until {
            return Err(Braked::Closed(until.since(now)));
        }
        this.is_stormy = weather.is_stormy();
        if this.is_stormy && giver.proof == Proof::None {
            return Err(Braked::Work);
        }
        if let Some(network) = &this.network {
            let unpaid = store::unpaid(&site.db, Whose::Network(network), now.minus(HOUR)).await?;
            fits(unpaid, UNPAID_OF_A_NETWORK, now)?;
        }
        match Attempt::begin(site, &GIFTS.on(giver.from)).await {
            Ok(_stays_counted) => Ok(this),
            Err(Refusal::TooMany(wait)) => Err(Braked::TooMany(wait)),
            Err(Refusal::Database(error)) => Err(error.into()),
        }
    }

    /// Looks once more, in the transaction that writes the gift down: of many at once no more are begun than of many in turn.
    ///
    /// # Errors
    /// [`Braked`].
    pub(super) async fn judge(&self, tx: &mut Tx, site: &Site) -> Result<(), Braked> {
        let (now, since) = (site.now(), site.now().minus(HOUR));
        if let Some(supporter) = &self.supporter {
            attempts::note(tx, site, ("gives", supporter), HOUR).await?;
            let unpaid = store::unpaid_now(tx, Whose::Supporter(supporter), since).await?;
            return fits(unpaid, UNPAID_OF_A_SUPPORTER, now);
        }
        // In one order, whoever gives: two who meet at two of these wait for one another at the first.
        if let Some(network) = &self.network {
            attempts::note(tx, site, ("gives from", network), HOUR).await?;
            let unpaid = store::unpaid_now(tx, Whose::Network(network), since).await?;
            fits(unpaid, UNPAID_OF_A_NETWORK, now)?;
        }
        attempts::note(tx, site, ("gives for", &self.mailbox), HOUR).await?;
        let mut needs_work = self.is_stormy;
        let form = self.form.as_deref().map(Whose::Form);
        for whose in [Whose::Mailbox(&self.mailbox)].into_iter().chain(form) {
            let unpaid = store::unpaid_now(tx, whose, since).await?;
            needs_work = needs_work || unpaid.number >= UNPAID_WITHOUT_WORK;
        }
        if needs_work { self.accept(tx, site).await } else { Ok(()) }
    }

    /// Takes the proof that was brought, once.
    async fn accept(&self, tx: &mut Tx, site: &Site) -> Result<(), Braked> {
        let is_good = match self.giver.proof {
            Proof::None => false,
            Proof::Worked(challenge, answer) => {
                machines::accept(tx, site, (challenge, answer), site.now()).await?
            }
            Proof::Waited(mark) => {
                let age = machines::age(site, mark).filter(|age| (PATIENCE..=HOUR).contains(age));
                let is_new = age.is_some() && attempts::once(tx, site, ("waited", mark), HOUR).await?;
                if is_new && !attempts::counts(tx, site, &PATIENT.on("everybody")).await? {
                    return Err(Braked::TooMany(Duration::from_secs(15 * 60)));
                }
                is_new
            }
        };
        if is_good { Ok(()) } else { Err(Braked::Work) }
    }

    /// Writes it down with its gift.
    pub(super) async fn write(&self, tx: &mut Tx, site: &Site, donation_id: i64) -> db::Result<()> {
        let row = NewTry {
            network: self.network.as_deref(),
            mailbox: &self.mailbox,
            form: self.form.as_deref(),
            supporter: self.supporter.as_deref(),
            at: site.now(),
        };
        store::add_try(tx, donation_id, &row).await.map(drop)
    }
}

fn fits(unpaid: Unpaid, most: i64, now: Moment) -> Result<(), Braked> {
    if unpaid.number < most {
        return Ok(());
    }
    let free_at = unpaid.oldest.unwrap_or(now).plus(HOUR);
    Err(Braked::TooMany(free_at.since(now).min(HOUR)))
}

/// How it goes with the cards of strangers.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Until when it is closed to them.
    closed_until: Option<Moment>,
    declined: i64,
    paid: i64,
}

impl Weather {
    async fn now(db: &Db, now: Moment) -> db::Result<Self> {
        let last = attempts::used_up(db).await?.into_iter().find(|one| one.what == CARDS);
        let (declined, paid) = store::lately(db, now.minus(HOUR)).await?;
        let closed_until =
            last.filter(|one| one.since <= now && now < one.until).map(|one| one.until.min(now.plus(CLOSED)));
        Ok(Self { closed_until, declined, paid })
    }

    const fn is_stormy(self) -> bool {
        self.declined >= DECLINED_FOR_WORK && self.declined * PAID_TO_A_DECLINED > self.paid
    }
}

/// Closes giving to strangers if too many of their cards were declined by now, in the transaction that wrote down one more.
pub(super) async fn look_at_declined(tx: &mut Tx, site: &Site) -> db::Result<()> {
    let now = site.now();
    // Whoever writes one down waits here for whoever is about to: of thirty at once, the last one closes.
    attempts::note(tx, site, ("cards", "everybody"), HOUR).await?;
    let last = attempts::last_used_up(tx, CARDS).await?;
    if last.as_ref().is_some_and(|one| one.since <= now && now < one.until) {
        return Ok(());
    }
    let opened = last.map_or(Moment::default(), |one| one.until.min(now));
    let (declined, paid) = store::lately_now(tx, now.minus(HOUR).max(opened)).await?;
    if declined >= DECLINED_TO_CLOSE && declined * PAID_TO_A_DECLINED_AT_MOST > paid {
        tracing::warn!(declined, paid, "many cards were declined: giving is closed to strangers for a while");
        attempts::close(tx, CARDS, now, now.plus(CLOSED)).await?;
    }
    Ok(())
}

/// Closes payment pages by which cards are tried out: a page stays open after a card is declined, so that whoever mistyped something can
/// go on, and would let a program go on for half an hour. Nothing is lost: whoever is left can begin anew. What cannot be closed now is
/// looked at again when the next card is declined, and ends by itself.
///
/// # Errors
/// When the database fails.
pub async fn close_what_is_tried_out(site: &Site, provider: &dyn PaymentProvider) -> db::Result<()> {
    let now = site.now();
    let most = match Weather::now(&site.db, now).await?.closed_until {
        Some(_) => DECLINED_BY_A_PAGE_WHILE_CLOSED,
        None => DECLINED_BY_A_PAGE,
    };
    for session in store::tried_out(&site.db, now.minus(HOUR), most).await? {
        if let Err(error) = provider.close_checkout(&session, &format!("close:{session}")).await {
            let why = error.for_the_record();
            tracing::warn!(session, why, "a payment page by which cards are tried out could not be closed");
        }
    }
    Ok(())
}

/// Whether giving is closed to strangers now, and until when.
///
/// # Errors
/// When the database fails.
pub async fn closed_until(site: &Site) -> db::Result<Option<Moment>> {
    Ok(Weather::now(&site.db, site.now()).await?.closed_until)
}

/// The token by which a supporter is known on the page to give: it stands in their own letters.
#[must_use]
pub fn giver_token(site: &Site, donor: &str) -> String {
    let (made, until) = (site.now().unix_seconds(), site.now().plus(KNOWN_FOR));
    site.keys.sign(Purpose::Thanks, &format!("{GIVER}{donor}.{made}"), Some(until))
}

const GIVER: &str = "giver.";
/// A letter of last year's is as good.
const KNOWN_FOR: Duration = Duration::from_secs(400 * 86_400);
/// For so long it leads to their regular gift as well.
const NEW_FOR: Duration = Duration::from_secs(30 * 86_400);

/// Whose token it is, and when it was made; those that older programs made do not say.
fn read(site: &Site, token: &str) -> Option<(String, Option<Moment>)> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now()).ok()?;
    let named = scope.strip_prefix(GIVER)?;
    let (donor, made) = named.split_once('.').unwrap_or((named, ""));
    token::is_public_id(donor).then(|| (donor.to_owned(), made.parse().ok().map(Moment::from_unix_seconds)))
}

/// Whether a supporter's token was mailed to them within the last weeks.
#[must_use]
pub fn is_new_giver_token(site: &Site, token: &str) -> bool {
    let made = read(site, token).and_then(|(_, made)| made);
    made.is_some_and(|made| site.now() < made.plus(NEW_FOR))
}

/// The supporter whose token it is; none for a token that is not genuine, or of somebody who was forgotten.
///
/// # Errors
/// When the database fails.
pub async fn known_supporter(site: &Site, token: &str) -> db::Result<Option<KnownSupporter>> {
    match read(site, token) {
        Some((donor, _)) => store::known(&site.db, &donor).await,
        None => Ok(None),
    }
}

/// What the bank said last of a card for that gift, in the provider's word; none if no card was declined.
///
/// # Errors
/// When the database fails.
pub async fn last_decline(db: &Db, gift: &str) -> db::Result<Option<String>> {
    store::last_decline(db, gift).await
}
