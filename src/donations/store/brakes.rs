//! The statements of the brakes on card testing: who begins gifts, and which payments were refused.

use std::time::Duration;

use sqlx_macros::FromRow;

use super::super::states::PaymentOutcome;
use crate::{
    clock::Moment,
    db::{Db, Result, Sql, Tx},
    money::Money,
    statements,
};

statements! {
    ADD_TRY = "insert into gift_try (donation_id, network, mailbox, form, supporter, at) values ($1, $2, $3, $4, $5, $6)";
    /// Gifts that were begun since then and are not paid: how many, and when the oldest of them was. Whoever pays counts for nothing,
    /// nor does whoever waits for their bank, which takes days.
    OF_NETWORK = "select count(*) as number, min(gift_try.at) as oldest from gift_try
        join donation on donation.id = gift_try.donation_id
        where gift_try.network = $1 and gift_try.at > $2 and donation.state not in ('paid', 'pending')";
    OF_MAILBOX = "select count(*) as number, min(gift_try.at) as oldest from gift_try
        join donation on donation.id = gift_try.donation_id
        where gift_try.mailbox = $1 and gift_try.at > $2 and donation.state not in ('paid', 'pending')";
    OF_FORM = "select count(*) as number, min(gift_try.at) as oldest from gift_try
        join donation on donation.id = gift_try.donation_id
        where gift_try.form = $1 and gift_try.at > $2 and donation.state not in ('paid', 'pending')";
    OF_SUPPORTER = "select count(*) as number, min(gift_try.at) as oldest from gift_try
        join donation on donation.id = gift_try.donation_id
        where gift_try.supporter = $1 and gift_try.at > $2 and donation.state not in ('paid', 'pending')";
    ADD_ATTEMPT = "insert into payment_attempt (provider_ref, donation_id, outcome, decline_code, at)
        values ($1, $2, $3, $4, $5) on conflict (provider_ref) do nothing";
    /// Cards that were declined since then, but for the first five within the day of each supporter's own link: the sixth of a link is as
    /// good as a stranger's. Nobody counts more of them than that.
    DECLINED = "select count(*) from (select payment_attempt.id from payment_attempt
        left join gift_try on gift_try.donation_id = payment_attempt.donation_id
        where payment_attempt.at > $1 and payment_attempt.outcome = 'declined' and (gift_try.supporter is null
            or (select count(*) from (select earlier.id from gift_try as tries
                join payment_attempt as earlier on earlier.donation_id = tries.donation_id
                where tries.supporter = gift_try.supporter and tries.at > $2 and earlier.outcome = 'declined'
                and earlier.id < payment_attempt.id limit 5) as first_five) = 5)
        limit 10000) as declined";
    /// Gifts that were begun since then and are paid: months that are only charged are none of them.
    PAID = "select count(*) from (select gift_try.donation_id from gift_try
        join donation on donation.id = gift_try.donation_id
        where gift_try.at > $1 and donation.state = 'paid' limit 10000) as paid";
    /// Cards that were declined of gifts begun by one supporter's own link.
    DECLINED_OF = "select count(*) from gift_try join payment_attempt on payment_attempt.donation_id = gift_try.donation_id
        where gift_try.supporter = $1 and gift_try.at > $2 and payment_attempt.outcome = 'declined'";
    /// A first month that is about to be paid, of that amount: its payment does not name it.
    FIRST_MONTH = "select donation.id from gift_try join donation on donation.id = gift_try.donation_id
        where gift_try.at > $1 and donation.kind = 'instalment' and donation.state in ('created', 'checkout_open')
        and +donation.amount_minor = $2 and donation.currency = $3 order by gift_try.at desc limit 1";
    /// What the bank said last of a card for a gift.
    LAST_DECLINE = "select decline_code from payment_attempt
        where donation_id = (select id from donation where public_id = $1) and outcome = 'declined'
        order by id desc limit 1";
    /// Payment pages by which cards are tried out: open, and so many declined since then.
    TRIED_OUT = "select donation.provider_session_id from payment_attempt join donation on donation.id = payment_attempt.donation_id
        where payment_attempt.at > $1 and payment_attempt.outcome = 'declined'
        and donation.state in ('created', 'checkout_open') and donation.provider_session_id is not null
        group by donation.provider_session_id having count(*) >= $2 order by donation.provider_session_id limit 100";
    KNOWN = "select id, public_id, email, name from donor where public_id = $1 and email <> ''";
    NAME_OF = "select public_id from donor where id = $1 and email <> ''";
    pub(crate) FORGET_TRIES = "delete from gift_try where donation_id in
        (select donation_id from gift_try where at < $1 order by at limit $2)";
    pub(crate) FORGET_ATTEMPTS = "delete from payment_attempt where id in
        (select id from payment_attempt where at < $1 order by at limit $2)";
}

/// A new row of `gift_try`.
#[derive(Clone, Debug)]
pub struct NewTry<'a> {
    pub network: Option<&'a str>,
    pub mailbox: &'a str,
    pub form: Option<&'a str>,
    pub supporter: Option<&'a str>,
    pub at: Moment,
}

pub async fn add_try(tx: &mut Tx, donation_id: i64, new: &NewTry<'_>) -> Result<u64> {
    let row = (donation_id, new.network, new.mailbox, new.form, new.supporter, new.at);
    tx.exec(ADD_TRY, row).await
}

/// Gifts that were begun and are not paid.
#[derive(Clone, Copy, Debug, Default, FromRow)]
pub struct Unpaid {
    pub number: i64,
    /// When the oldest of them was begun.
    pub oldest: Option<Moment>,
}

/// Whose unpaid gifts are counted, as the database calls them.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    Network(&'a str),
    Mailbox(&'a str),
    Form(&'a str),
    Supporter(&'a str),
}

impl<'a> Whose<'a> {
    const fn asked(self) -> (Sql, &'a str) {
        match self {
            Self::Network(name) => (OF_NETWORK, name),
            Self::Mailbox(name) => (OF_MAILBOX, name),
            Self::Form(name) => (OF_FORM, name),
            Self::Supporter(name) => (OF_SUPPORTER, name),
        }
    }
}

pub async fn unpaid(db: &Db, whose: Whose<'_>, since: Moment) -> Result<Unpaid> {
    let (statement, name) = whose.asked();
    db.one(statement, (name, since)).await
}

/// The same for whoever is about to begin one more.
pub async fn unpaid_now(tx: &mut Tx, whose: Whose<'_>, since: Moment) -> Result<Unpaid> {
    let (statement, name) = whose.asked();
    tx.one(statement, (name, since)).await
}

/// A new row of `payment_attempt`.
#[derive(Clone, Copy, Debug)]
pub struct NewAttempt<'a> {
    pub provider_ref: &'a str,
    pub donation_id: Option<i64>,
    pub outcome: PaymentOutcome,
    pub decline_code: &'a str,
    pub at: Moment,
}

/// Whether it was not known yet.
pub async fn add_attempt(tx: &mut Tx, new: &NewAttempt<'_>) -> Result<bool> {
    let row = (new.provider_ref, new.donation_id, new.outcome, new.decline_code, new.at);
    Ok(tx.exec(ADD_ATTEMPT, row).await? == 1)
}

const DAY: Duration = Duration::from_secs(86_400);

/// How many cards of strangers were declined since then, and how many gifts were begun and paid.
pub async fn lately(db: &Db, since: Moment) -> Result<(i64, i64)> {
    let (declined,): (i64,) = db.one(DECLINED, (since, since.minus(DAY))).await?;
    let (paid,): (i64,) = db.one(PAID, (since,)).await?;
    Ok((declined, paid))
}

/// The same, as a transaction sees it.
pub async fn lately_now(tx: &mut Tx, since: Moment) -> Result<(i64, i64)> {
    let (declined,): (i64,) = tx.one(DECLINED, (since, since.minus(DAY))).await?;
    let (paid,): (i64,) = tx.one(PAID, (since,)).await?;
    Ok((declined, paid))
}

pub async fn declined_of(db: &Db, supporter: &str, since: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(DECLINED_OF, (supporter, since)).await?.0)
}

/// Payment pages that are open and by which so many cards were declined since then.
pub async fn tried_out(db: &Db, since: Moment, declined: i64) -> Result<Vec<String>> {
    let found: Vec<(String,)> = db.all(TRIED_OUT, (since, declined)).await?;
    Ok(found.into_iter().map(|(session,)| session).collect())
}

pub async fn first_month(tx: &mut Tx, since: Moment, amount: Money) -> Result<Option<i64>> {
    let found: Option<(i64,)> = tx.opt(FIRST_MONTH, (since, amount.minor, amount.currency.code())).await?;
    Ok(found.map(|(id,)| id))
}

pub async fn last_decline(db: &Db, donation: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(LAST_DECLINE, (donation,)).await?;
    Ok(found.map(|(code,)| code))
}

/// A supporter as their own link names them.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct KnownSupporter {
    pub(crate) id: i64,
    pub(crate) public_id: String,
    /// Where their receipts go.
    pub email: String,
    /// May be empty.
    pub name: String,
}

pub async fn known(db: &Db, public_id: &str) -> Result<Option<KnownSupporter>> {
    db.opt(KNOWN, (public_id,)).await
}

pub async fn name_of(tx: &mut Tx, donor_id: i64) -> Result<Option<String>> {
    let found: Option<(String,)> = tx.opt(NAME_OF, (donor_id,)).await?;
    Ok(found.map(|(name,)| name))
}
