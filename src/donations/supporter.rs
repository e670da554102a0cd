//! A supporter's own page: what they gave, what goes on, and what they may change, by a link to their mailbox and no password.
//!
//! The rules that must hold: a link that has run out shows nothing and changes nothing, and has a fresh one mailed to the address that is
//! known; whoever types an address learns nothing of it (TRUST A22); every letter that a page sends goes to the supporter alone, and so
//! many a day.

use std::time::Duration;

use super::{
    brakes::giver_token,
    changes::{self, By, ChangeError, Wish, may_write},
    letters,
    lines::{Total, figures},
    manage_link::supporter_of,
    monthly,
    regular_letters::{self, Stated, card_words},
    states::RecurringState,
    store::{
        self,
        months::Recurring,
        supporter::{self as rows, Given, Giver, Regular},
    },
};
use crate::{
    attempts::{self, Attempt, Refusal, Shared},
    audit_log,
    clock::{Moment, Zone},
    db::{self, Db},
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    mail::{EmailTemplate as _, GiftsLink, StatedGift},
    money::{self, Money},
    network::Network,
    payments::{GiftRhythm, PaymentProvider},
    settings::Settings,
    site::Site,
};

const DAY: Duration = Duration::from_secs(86_400);
/// So many gifts stand on the page; a statement has the older ones.
pub const NEWEST_GIFTS: usize = 100;
/// So many stand in a statement.
const MOST_STATED: usize = 500;
const LONGEST_NAME: usize = 100;

/// How often one network asks for a link, and how many ask in all.
pub const GIFTS_LINKS: Shared = Shared::new("gifts link", 10, 1_000);

/// Whose page a link opens.
#[derive(Clone, Debug)]
pub struct Supporter {
    giver: Giver,
    /// Whether the link still works; one that has run out only has a fresh one mailed.
    pub is_fresh: bool,
    /// Whether it is the one that is mailed to whoever asks for it: by no other is more money taken, or taken sooner.
    pub was_asked_for: bool,
}

impl Supporter {
    /// Their name as they gave it; may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.giver.name
    }

    /// Whether they may be named where supporters are thanked in public.
    #[must_use]
    pub const fn may_be_named(&self) -> bool {
        self.giver.named_since.is_some()
    }

    /// Their name in links.
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.giver.public_id
    }

    /// Their address, so that who knows it recognises it and nobody else learns it.
    #[must_use]
    pub fn masked_email(&self) -> String {
        EmailAddress::parse(&self.giver.email).map(|email| email.masked()).unwrap_or_default()
    }

    /// Their address.
    #[must_use]
    pub fn email(&self) -> Option<EmailAddress> {
        EmailAddress::parse(&self.giver.email).ok()
    }
}

/// What stands on the page.
#[derive(Clone, Debug)]
pub struct SupporterGifts {
    /// By kind and currency.
    pub totals: Vec<Total>,
    pub regular: Vec<RegularGift>,
    /// The newest first.
    pub gifts: Vec<GivenGift>,
    /// Whether there are older ones.
    pub more: bool,
}

/// A regular gift as its supporter sees it.
#[derive(Clone, Debug)]
pub struct RegularGift {
    pub public_id: String,
    /// For people.
    pub amount: String,
    /// The bare figures, as a form takes them.
    pub figures: String,
    pub currency: String,
    pub state: RecurringState,
    pub rhythm: GiftRhythm,
    pub next_at: Option<Moment>,
    pub ends_at: Option<Moment>,
    pub rests_until: Option<Moment>,
    /// Such as "Visa card ending in 4242"; empty if that is not known.
    pub card: String,
    /// The last month it is good, as `2027-04`; empty if it is no card.
    pub card_expires: String,
    pub began_at: Option<Moment>,
    pub ended_at: Option<Moment>,
    /// Since when a change waits for the provider's word.
    pub changing_since: Option<Moment>,
    /// The same of an end.
    pub ending_since: Option<Moment>,
}

/// A gift that arrived.
#[derive(Clone, Debug)]
pub struct GivenGift {
    pub public_id: String,
    /// What is left of it, for people; what it was if all of it is back.
    pub amount: String,
    /// Whether all of it was sent back: then it is no gift any more.
    pub is_back: bool,
    /// What it was, for people, if some of it was sent back.
    pub was: Option<String>,
    pub paid_at: Moment,
    /// None of a gift that was taken over from another program.
    pub receipt_number: Option<String>,
    pub is_regular: bool,
}

/// What was given between two days.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The first day and the last, for people.
    pub from: String,
    pub to: String,
    pub gifts: Vec<GivenGift>,
    /// The sum of each currency, for people.
    pub sums: Vec<String>,
    /// Whether there are more gifts than stand there.
    pub more: bool,
}

/// What became of a letter that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterAsked {
    /// It is on its way.
    Sent,
    /// There were as many within a day as there may be.
    Enough,
    /// There is no such thing.
    NotFound,
}

/// Whose page a token opens; none when it is not genuine, or they are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn supporter_by_link(site: &Site, token: &str) -> db::Result<Option<Supporter>> {
    let Some(page) = supporter_of(site, token) else { return Ok(None) };
    let giver = rows::named(&site.db, &page.public_id).await?;
    Ok(giver.map(|giver| Supporter { giver, is_fresh: page.works, was_asked_for: page.was_asked_for }))
}

/// What stands on the page of a supporter.
///
/// # Errors
/// When the database fails.
pub async fn gifts_of(site: &Site, supporter: &Supporter) -> db::Result<SupporterGifts> {
    let giver = &supporter.giver;
    let key = supporter.email().map(|email| email.key()).unwrap_or_default();
    let limit = i64::try_from(NEWEST_GIFTS).unwrap_or(i64::MAX) + 1;
    let mut gifts = rows::gifts(&site.db, giver.id, limit).await?;
    let more = gifts.len() > NEWEST_GIFTS;
    gifts.truncate(NEWEST_GIFTS);
    Ok(SupporterGifts {
        totals: store::figures::totals_of(&site.db, &key).await?,
        regular: regular_gifts_of(site, supporter).await?,
        gifts: gifts.into_iter().map(GivenGift::from).collect(),
        more,
    })
}

/// The regular gifts of a supporter.
///
/// # Errors
/// When the database fails.
pub async fn regular_gifts_of(site: &Site, supporter: &Supporter) -> db::Result<Vec<RegularGift>> {
    Ok(rows::regular(&site.db, supporter.giver.id).await?.into_iter().map(RegularGift::from).collect())
}

/// A regular gift as the desk shows it.
///
/// # Errors
/// When the database fails.
pub async fn regular_gift(db: &Db, public_id: &str) -> db::Result<Option<RegularGift>> {
    Ok(rows::regular_named(db, public_id).await?.map(RegularGift::from))
}

impl From<Regular> for RegularGift {
    fn from(row: Regular) -> Self {
        let bare = money::currency(&row.currency).map(|one| Money::new(row.amount_minor, one).figures());
        let known = !row.card_last4.is_empty();
        Self {
            amount: figures(row.amount_minor, &row.currency),
            figures: bare.unwrap_or_default(),
            rhythm: GiftRhythm { count: row.every_count, unit: row.every_unit },
            card: if known { card_words(&row.card_brand, &row.card_last4) } else { String::new() },
            public_id: row.public_id,
            currency: row.currency,
            state: row.state,
            next_at: row.next_at,
            ends_at: row.ends_at,
            rests_until: row.rests_until,
            card_expires: row.card_expires,
            began_at: row.activated_at,
            ended_at: row.cancelled_at,
            changing_since: row.changing_since,
            ending_since: row.ending_since,
        }
    }
}

impl From<Given> for GivenGift {
    fn from(row: Given) -> Self {
        let (left, was) = (row.left(), figures(row.amount_minor, &row.currency));
        let is_back = left <= 0;
        Self {
            amount: if is_back { was.clone() } else { figures(left, &row.currency) },
            was: (!is_back && left != row.amount_minor).then_some(was),
            is_back,
            public_id: row.public_id,
            paid_at: row.paid_at,
            receipt_number: row.receipt_number,
            is_regular: row.is_regular != 0,
        }
    }
}

/// The token by which a supporter is known on the page to give.
#[must_use]
pub fn giver_token_of(site: &Site, supporter: &Supporter) -> String {
    giver_token(site, &supporter.giver.public_id)
}

/// Changes a regular gift of theirs.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::NotFound`] too where it is somebody else's.
pub async fn change_regular(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    supporter: &Supporter,
    (gift, wish): (&str, Wish<'_>),
) -> Result<(), ChangeError> {
    if !rows::owns(&site.db, supporter.giver.id, gift).await? {
        return Err(ChangeError::NotFound);
    }
    let recurring = store::months::read_recurring(&site.db, gift).await?.ok_or(ChangeError::NotFound)?;
    let by = By { whose: &supporter.giver.public_id, was_asked_for: supporter.was_asked_for };
    changes::change(site, provider, &recurring, (wish, by)).await
}

/// The same by the link to that one gift, which never runs out: a rest, going on, an end that is to come.
///
/// # Errors
/// [`ChangeError`].
pub async fn change_managed(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    token: &str,
    wish: Wish<'_>,
) -> Result<(), ChangeError> {
    let recurring = monthly::find(site, token).await?.ok_or(ChangeError::NotFound)?;
    let giver = giver_of(site, &recurring).await?;
    let whose = giver.as_ref().map_or(&recurring.public_id, |giver| &giver.public_id);
    changes::change(site, provider, &recurring, (wish, By { whose, was_asked_for: false })).await
}

/// The supporter who gives a regular gift, as far as they are known.
async fn giver_of(site: &Site, recurring: &Recurring) -> db::Result<Option<Giver>> {
    let Ok(email) = EmailAddress::parse(&recurring.email) else { return Ok(None) };
    let mut tx = site.db.begin().await?;
    rows::at(&mut tx, &email.key()).await
}

/// The provider's page on which the card of a regular gift is changed; it leads back to `back`. Who pays is as weighty as how much is paid: it
/// takes the link that was asked for.
///
/// # Errors
/// [`ChangeError`].
pub async fn card_page(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    supporter: &Supporter,
    (gift, back): (&str, &str),
) -> Result<String, ChangeError> {
    let provider = provider.ok_or_else(changes::switched_off)?;
    if !rows::owns(&site.db, supporter.giver.id, gift).await? {
        return Err(ChangeError::NotFound);
    }
    let recurring = store::months::read_recurring(&site.db, gift).await?.filter(|row| row.state.runs());
    let customer = recurring.and_then(|row| row.provider_customer_id).ok_or(ChangeError::NotFound)?;
    if !supporter.was_asked_for {
        return Err(ChangeError::NeedsLink);
    }
    provider.card_page(&customer, back).await.map_err(ChangeError::Unreachable)
}

/// Sends a receipt of theirs once more, for what is left of the gift; none for what was sent back.
///
/// # Errors
/// When the database fails.
pub async fn send_receipt_again(
    site: &Site,
    supporter: &Supporter,
    donation: &str,
) -> db::Result<LetterAsked> {
    let Some(paper) = rows::paper(&site.db, donation, supporter.giver.id).await? else {
        return Ok(LetterAsked::NotFound);
    };
    let (Some(currency), Some(to)) = (money::currency(&paper.currency), supporter.email()) else {
        return Ok(LetterAsked::NotFound);
    };
    if !may_write(site, &supporter.giver.public_id).await? {
        return Ok(LetterAsked::Enough);
    }
    let mut tx = site.db.begin().await?;
    let gift = letters::Received {
        donation: &paper.public_id,
        receipt_number: &paper.receipt_number,
        amount: Money::new(paper.amount_minor - paper.back_minor, currency),
        name: &paper.name,
        paid_at: paper.paid_at,
        recurring: paper.recurring.as_deref(),
        donor_id: Some(supporter.giver.id),
    };
    letters::send_receipt_again(&mut tx, site, &to, &gift).await?;
    tx.commit().await?;
    Ok(LetterAsked::Sent)
}

/// Somebody of the team, who speaks with whoever gave, has their receipt or the link to their page mailed to them once more: to the
/// address that is known, and to no other.
///
/// # Errors
/// When the database fails.
pub async fn write_from_desk(
    site: &Site,
    staff_id: i64,
    donation: &str,
    what: DeskLetter,
) -> db::Result<LetterAsked> {
    let Some(giver) = rows::who_gave(&site.db, donation).await? else { return Ok(LetterAsked::NotFound) };
    let supporter = Supporter { giver, is_fresh: false, was_asked_for: false };
    let (asked, did) = match what {
        DeskLetter::Receipt => {
            (send_receipt_again(site, &supporter, donation).await?, "sent a receipt again")
        }
        DeskLetter::Link => {
            (mail_fresh_link(site, &supporter, "").await?, "sent a supporter the link to their page")
        }
    };
    if asked == LetterAsked::Sent {
        audit_log::note(site, Some(staff_id), did, &format!("gift {donation}"), "").await?;
    }
    Ok(asked)
}

/// What somebody of the team has mailed to whoever gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskLetter {
    /// The receipt of that gift.
    Receipt,
    /// The link to their own page, where they change what they give.
    Link,
}

/// What they gave from one day to another, both counted, less what was sent back.
///
/// # Errors
/// When the database fails.
pub async fn statement(
    site: &Site,
    supporter: &Supporter,
    zone: &Zone,
    (from, to): (Moment, Moment),
) -> db::Result<Statement> {
    let limit = i64::try_from(MOST_STATED).unwrap_or(i64::MAX) + 1;
    let mut given = rows::gifts_between(&site.db, supporter.giver.id, (from, to), limit).await?;
    let more = given.len() > MOST_STATED;
    given.truncate(MOST_STATED);
    let mut sums: Vec<(String, i64)> = Vec::new();
    for gift in &given {
        match sums.iter_mut().find(|(code, _)| *code == gift.currency) {
            Some((_, sum)) => *sum += gift.left(),
            None => sums.push((gift.currency.clone(), gift.left())),
        }
    }
    Ok(Statement {
        from: from.date(zone),
        to: to.minus(Duration::from_secs(1)).date(zone),
        gifts: given.into_iter().map(GivenGift::from).collect(),
        sums: sums.iter().map(|(code, sum)| figures(*sum, code)).collect(),
        more,
    })
}

/// The same by letter.
///
/// # Errors
/// When the database fails.
pub async fn send_statement(
    site: &Site,
    supporter: &Supporter,
    zone: &Zone,
    days: (Moment, Moment),
) -> db::Result<LetterAsked> {
    let Some(to) = supporter.email() else { return Ok(LetterAsked::NotFound) };
    if !may_write(site, &supporter.giver.public_id).await? {
        return Ok(LetterAsked::Enough);
    }
    let stated = statement(site, supporter, zone, days).await?;
    let line = |gift: GivenGift| StatedGift {
        date: gift.paid_at.date(zone),
        amount: gift.amount,
        receipt_number: gift.receipt_number.unwrap_or_default(),
    };
    let stated = Stated {
        from: stated.from,
        to: stated.to,
        gifts: stated.gifts.into_iter().map(line).collect(),
        sums: stated.sums,
        more: stated.more,
    };
    let whose = (supporter.giver.public_id.as_str(), supporter.name(), &to);
    let mut tx = site.db.begin().await?;
    regular_letters::send_statement(&mut tx, site, whose, stated).await?;
    tx.commit().await?;
    Ok(LetterAsked::Sent)
}

/// Takes another name of theirs, for letters from now on; receipts that were sent keep theirs. Says what is wrong with it.
///
/// # Errors
/// When the database fails.
pub async fn rename_supporter(
    site: &Site,
    supporter: &Supporter,
    name: &str,
) -> db::Result<Result<(), &'static str>> {
    let name: String = name.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.trim().is_empty() {
        return Ok(Err("Nothing was changed: please type the name that we greet you by."));
    }
    if name.chars().count() > LONGEST_NAME {
        return Ok(Err("Use at most 100 characters."));
    }
    let mut tx = site.db.begin().await?;
    rows::rename(&mut tx, supporter.giver.id, &name).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Nobody is named any more: a restored backup does not know who took that back. How many were.
///
/// # Errors
/// When the database fails.
pub async fn name_nobody(tx: &mut db::Tx) -> db::Result<u64> {
    rows::name_nobody(tx).await
}

/// Lets a supporter be named in public from now on, or no more.
///
/// # Errors
/// When the database fails.
pub async fn let_be_named(site: &Site, supporter: &Supporter, may: bool) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    rows::let_be_named(&mut tx, supporter.giver.id, may.then(|| site.now())).await?;
    tx.commit().await
}

/// Whether whoever gave something may be named in public.
///
/// # Errors
/// When the database fails.
pub async fn may_be_named(site: &Site, donation: &str) -> db::Result<bool> {
    Ok(rows::who_gave(&site.db, donation).await?.is_some_and(|giver| giver.named_since.is_some()))
}

/// Mails whoever a link named a fresh one, to the address that is known; `typed` is what its page fills in, as the query of an address.
///
/// # Errors
/// When the database fails.
pub async fn mail_fresh_link(site: &Site, supporter: &Supporter, typed: &str) -> db::Result<LetterAsked> {
    let Some(to) = supporter.email() else { return Ok(LetterAsked::NotFound) };
    if !may_write(site, &supporter.giver.public_id).await? {
        return Ok(LetterAsked::Enough);
    }
    let mut tx = site.db.begin().await?;
    regular_letters::send_link(&mut tx, site, (&supporter.giver.public_id, &to), typed).await?;
    tx.commit().await?;
    Ok(LetterAsked::Sent)
}

/// The same for whoever a link to one monthly donation named.
///
/// # Errors
/// When the database fails.
pub async fn mail_link_of_gift(site: &Site, token: &str) -> db::Result<LetterAsked> {
    let Some(recurring) = monthly::find(site, token).await? else { return Ok(LetterAsked::NotFound) };
    match giver_of(site, &recurring).await? {
        Some(giver) => {
            mail_fresh_link(site, &Supporter { giver, is_fresh: false, was_asked_for: false }, "").await
        }
        None => Ok(LetterAsked::NotFound),
    }
}

/// Why no link was sent.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// More ask than may; how long until the next.
    #[error("too many ask for links")]
    TooMany(Duration),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Somebody asks for the link to the page of whoever has an address. If they gave, and may be written to, a letter is on its way to
/// them, once a day; nothing that can be seen from outside tells whether.
///
/// # Errors
/// [`LinkError`]; then nothing is sent.
pub async fn ask_for_gifts_link(
    site: &Site,
    settings: &Settings,
    email: &EmailAddress,
    from: Option<Network>,
) -> Result<(), LinkError> {
    match Attempt::begin(site, &GIFTS_LINKS.on(from)).await {
        Ok(_stays_counted) => {}
        Err(Refusal::TooMany(wait)) => return Err(LinkError::TooMany(wait)),
        Err(Refusal::Database(error)) => return Err(error.into()),
    }
    let told = db::again(|| tell_if_supporter(site, email)).await?;
    if !told {
        delivery::rehearse(site, &settings.letterhead(site), &GiftsLink::sample());
    }
    Ok(())
}

/// The same questions are asked of every address, and something is written of each.
async fn tell_if_supporter(site: &Site, email: &EmailAddress) -> db::Result<bool> {
    let mailbox = email.mailbox();
    let mut tx = site.db.begin().await?;
    let giver = rows::at(&mut tx, &email.key()).await?;
    let stopped = Suppressions::new(site).stops_letter(&mut tx, email, false).await?;
    let goes_to = giver.filter(|_| !stopped);
    // Whoever types spellings of a mailbox that are nobody's uses up nothing of its supporter's.
    let whose = if goes_to.is_some() { "link to gifts" } else { "link to nobody’s gifts" };
    let first = attempts::once(&mut tx, site, (whose, &mailbox), DAY).await?;
    let goes_to = goes_to.filter(|_| first);
    if let Some(giver) = &goes_to {
        // To the address as it is known: that is the one which gave.
        if let Ok(known) = EmailAddress::parse(&giver.email) {
            regular_letters::send_link(&mut tx, site, (&giver.public_id, &known), "").await?;
        }
    }
    tx.commit().await?;
    Ok(goes_to.is_some())
}
