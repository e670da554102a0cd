//! The statements of monthly donations: each row follows one subscription at the provider.

use sqlx_macros::FromRow;

use super::super::states::RecurringState;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    money::Money,
    payments::{GiftRhythm, GiftRhythmUnit, ProviderSubscription},
    statements, token,
};

statements! {
    ADD_RECURRING = "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, edition_id,
        created_at) values ($1, $2, $3, $4, $5, 'pending', $6, $7) on conflict (public_id) do nothing";
    TAKE_RECURRING = "update recurring_donation set state = state where public_id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of,
        every_count, every_unit, provider_customer_id";
    TAKE_RECURRING_BY_SUBSCRIPTION = "update recurring_donation set state = state where provider_subscription_id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of,
        every_count, every_unit, provider_customer_id";
    TAKE_RECURRING_BY_ID = "update recurring_donation set state = state where id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of,
        every_count, every_unit, provider_customer_id";
    /// What a supporter gives regularly beside one of their gifts.
    BESIDE = "select amount_minor, currency, every_count, every_unit from recurring_donation
        where donor_id = $1 and id <> $2 and state not in ('pending', 'cancelled') order by id limit 5";
    READ_RECURRING = "select id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of,
        every_count, every_unit, provider_customer_id
        from recurring_donation where public_id = $1";
    /// Asked before the provider is: what the provider says then is no older than this.
    VERSION_OF = "select version from recurring_donation where provider_subscription_id = $1";
    /// A subscription that somebody copied at the provider.
    ADD_COPY = "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, edition_id, created_at,
        provider_subscription_id, copy_of) values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9)
        on conflict (provider_subscription_id) do nothing";
    /// A row follows the subscription it knows and no other, and only by whoever looked after it last followed: otherwise
    /// nothing is changed, and the provider is asked again. One that the provider has ended stays so (one that was only
    /// given up before it had a subscription does not), and one that ever was more than pending does not become pending again.
    MIRROR_SUBSCRIPTION = "update recurring_donation set provider_subscription_id = $2,
        provider_customer_id = coalesce($3, provider_customer_id), amount_minor = $4, currency = $5, version = version + 1,
        state = case when state = 'cancelled' and provider_subscription_id is not null then state
        when cast($6 as text) = 'pending' and state <> 'pending' then state else $6 end,
        cancelled_at = case when state = 'cancelled' and provider_subscription_id is not null then cancelled_at
        when cast($6 as text) = 'cancelled' then cast($7 as bigint) end
        where id = $1 and version = $8 and (provider_subscription_id is null or provider_subscription_id = $2)";
    /// It began with its earliest month, whichever was told first.
    BEGIN_RECURRING = "update recurring_donation set donor_id = coalesce(donor_id, $2),
        activated_at = case when activated_at < $3 then activated_at else $3 end,
        email = case when email = '' then $4 else email end, name = case when name = '' then $5 else name end
        where id = $1";
    CANCEL_RECURRING = "update recurring_donation set state = 'cancelled', cancelled_at = $2, version = version + 1
        where id = $1 and state <> 'cancelled'";
    ABANDON_RECURRING = "update recurring_donation set state = 'cancelled', cancelled_at = $2, email = '', name = ''
        where id = $1 and state = 'pending' and activated_at is null";
    SUBSCRIPTION_OF = "select provider_subscription_id from recurring_donation where id = $1 and provider_subscription_id is not null";
    /// Those that go on and are paid by something, by the provider's name of it.
    PAID_BY = "select provider_subscription_id from recurring_donation where provider_method_id = $1
        and state not in ('pending', 'cancelled') and provider_subscription_id is not null order by id limit 50";
    /// Those that go on and are paid by a customer of the provider.
    OF_CUSTOMER = "select provider_subscription_id from recurring_donation where provider_customer_id = $1
        and state not in ('pending', 'cancelled') and provider_subscription_id is not null order by id limit 50";
    TAKE_OF_CUSTOMER = "update recurring_donation set state = state where provider_customer_id = $1 and state <> 'cancelled'";
    READDRESS = "update recurring_donation set email = $2, donor_id = $3 where provider_customer_id = $1 and state <> 'cancelled'";
    REVIVE_RECURRING = "update recurring_donation set state = 'pending', cancelled_at = null where id = $1 and state = 'cancelled'";
}

/// A recurring donation.
#[derive(Clone, Debug, FromRow)]
pub struct Recurring {
    pub id: i64,
    pub public_id: String,
    pub donor_id: Option<i64>,
    pub email: String,
    pub name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub state: RecurringState,
    pub provider_subscription_id: Option<String>,
    pub edition_id: Option<i64>,
    pub activated_at: Option<Moment>,
    pub cancelled_at: Option<Moment>,
    /// The public id of the one that it is a copy of.
    pub copy_of: Option<String>,
    pub every_count: i64,
    pub every_unit: GiftRhythmUnit,
    pub provider_customer_id: Option<String>,
}

impl Recurring {
    /// How often it is taken.
    pub const fn rhythm(&self) -> GiftRhythm {
        GiftRhythm { count: self.every_count, unit: self.every_unit }
    }
}

/// A new row of `recurring_donation`.
pub struct NewRecurring<'a> {
    pub public_id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub edition_id: Option<i64>,
    pub at: Moment,
}

pub async fn add_recurring(tx: &mut Tx, new: &NewRecurring<'_>) -> Result<Recurring> {
    let row = (new.public_id, new.email, new.name, new.amount_minor, new.currency, new.edition_id, new.at);
    tx.exec(ADD_RECURRING, row).await?;
    tx.one(TAKE_RECURRING, (new.public_id,)).await
}

pub async fn recurring(tx: &mut Tx, public_id: &str) -> Result<Option<Recurring>> {
    tx.opt(TAKE_RECURRING, (public_id,)).await
}

pub async fn recurring_of(tx: &mut Tx, subscription_id: &str) -> Result<Option<Recurring>> {
    tx.opt(TAKE_RECURRING_BY_SUBSCRIPTION, (subscription_id,)).await
}

pub async fn recurring_by_id(tx: &mut Tx, id: i64) -> Result<Recurring> {
    tx.one(TAKE_RECURRING_BY_ID, (id,)).await
}

/// What a supporter gives regularly beside one of their gifts: amount, currency, and how often.
pub async fn beside(tx: &mut Tx, donor_id: i64, id: i64) -> Result<Vec<(i64, String, GiftRhythm)>> {
    let rows: Vec<(i64, String, i64, GiftRhythmUnit)> = tx.all(BESIDE, (donor_id, id)).await?;
    let rhythm = |(amount, currency, count, unit)| (amount, currency, GiftRhythm { count, unit });
    Ok(rows.into_iter().map(rhythm).collect())
}

pub async fn read_recurring(db: &Db, public_id: &str) -> Result<Option<Recurring>> {
    db.opt(READ_RECURRING, (public_id,)).await
}

/// How often the row of a subscription has followed it; none while no row knows it.
pub async fn version_of(db: &Db, subscription_id: &str) -> Result<Option<i64>> {
    let found: Option<(i64,)> = db.opt(VERSION_OF, (subscription_id,)).await?;
    Ok(found.map(|(version,)| version))
}

/// The row of a copied subscription, made if it is not there; `model` is the one that its metadata name.
pub async fn add_copy(
    tx: &mut Tx,
    named: &str,
    model: Option<&Recurring>,
    subscription: &ProviderSubscription,
    amount: Money,
) -> Result<Recurring> {
    let public_id = token::public_id();
    let row = (
        public_id.as_str(),
        model.map_or("", |row| row.email.as_str()),
        model.map_or("", |row| row.name.as_str()),
        amount.minor,
        amount.currency.code(),
        model.and_then(|row| row.edition_id),
        subscription.created,
        subscription.id.as_str(),
        named,
    );
    tx.exec(ADD_COPY, row).await?;
    tx.one(TAKE_RECURRING_BY_SUBSCRIPTION, (subscription.id.as_str(),)).await
}

/// What a subscription says of its recurring donation.
pub struct Mirror<'a> {
    pub id: i64,
    pub subscription_id: &'a str,
    pub customer_id: Option<&'a str>,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub state: RecurringState,
    /// When it ended, if its state says that it has.
    pub ended_at: Moment,
    /// The row's version before the subscription was looked at.
    pub version: i64,
}

impl<'a> Mirror<'a> {
    /// Of a subscription as it is; `now` is when it ended, if it has and does not say when.
    pub fn of(recurring: &'a Recurring, is: &'a ProviderSubscription, version: i64, now: Moment) -> Self {
        let amount = is.amount.filter(|amount| amount.minor > 0);
        Self {
            id: recurring.id,
            subscription_id: &is.id,
            customer_id: is.customer.as_deref(),
            amount_minor: amount.map_or(recurring.amount_minor, |amount| amount.minor),
            currency: amount.map_or(recurring.currency.as_str(), |amount| amount.currency.code()),
            state: is.state,
            ended_at: is.ended_at.unwrap_or(now),
            version,
        }
    }
}

/// The provider's name of what a row follows.
pub async fn subscription_of(db: &Db, id: i64) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(SUBSCRIPTION_OF, (id,)).await?.map(|(name,)| name))
}

/// The subscriptions that go on and are paid by that.
pub async fn paid_by(db: &Db, method: &str) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(PAID_BY, (method,)).await?.into_iter().map(|(name,)| name).collect())
}

/// The subscriptions that go on and are paid by a customer.
pub async fn of_customer(db: &Db, customer: &str) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(OF_CUSTOMER, (customer,)).await?.into_iter().map(|(name,)| name).collect())
}

/// Lets what a customer pays be another address's from now on; what was given until then stays with the old one.
pub async fn readdress(tx: &mut Tx, customer: &str, (email, donor_id): (&str, i64)) -> Result<u64> {
    tx.exec(READDRESS, (customer, email, donor_id)).await
}

/// Holds what a customer pays.
pub async fn take_of_customer(tx: &mut Tx, customer: &str) -> Result<u64> {
    tx.exec(TAKE_OF_CUSTOMER, (customer,)).await
}

/// Whether the row followed; false when somebody else made it follow since.
pub async fn mirror_subscription(tx: &mut Tx, seen: &Mirror<'_>) -> Result<bool> {
    let row = (
        seen.id,
        seen.subscription_id,
        seen.customer_id,
        seen.amount_minor,
        seen.currency,
        seen.state,
        seen.ended_at,
        seen.version,
    );
    Ok(tx.exec(MIRROR_SUBSCRIPTION, row).await? == 1)
}

pub async fn begin_recurring(
    tx: &mut Tx,
    id: i64,
    donor_id: Option<i64>,
    at: Moment,
    email: &str,
    name: &str,
) -> Result<u64> {
    tx.exec(BEGIN_RECURRING, (id, donor_id, at, email, name)).await
}

pub async fn cancel_recurring(tx: &mut Tx, id: i64, at: Moment) -> Result<u64> {
    tx.exec(CANCEL_RECURRING, (id, at)).await
}

pub async fn abandon_recurring(tx: &mut Tx, id: i64, at: Moment) -> Result<u64> {
    tx.exec(ABANDON_RECURRING, (id, at)).await
}

/// The row may follow its subscription again.
pub async fn revive_recurring(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(REVIVE_RECURRING, (id,)).await
}
