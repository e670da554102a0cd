//! The statements of a supporter's own page.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::{GiftRhythm, GiftRhythmUnit, RecurringState},
    statements,
};

statements! {
    SUPPORTER = "select id, public_id, email, name, named_since from donor where public_id = $1 and email <> ''";
    /// Held until the end of the transaction; whoever waited finds nobody by a name that they have no more.
    TAKE_SUPPORTER = "update donor set name = name where public_id = $1 and email <> ''
        returning id, public_id, email, name, named_since";
    SUPPORTER_AT = "select id, public_id, email, name, named_since from donor where email_key = $1";
    WHO_GAVE = "select donor.id, donor.public_id, donor.email, donor.name, donor.named_since from donation join donor on donor.id = donation.donor_id
        where donation.public_id = $1 and donor.email <> ''";
    /// Those that go on first.
    REGULAR_OF = "select r.public_id, r.amount_minor, r.currency, r.state, r.every_count, r.every_unit, r.next_at, r.ends_at,
        r.rests_until, r.card_brand, r.card_last4, r.card_expires, r.activated_at, r.cancelled_at,
        (select c.created_at from subscription_change c where c.recurring_donation_id = r.id and c.state = 'started') as changing_since,
        (select c.created_at from provider_call c where c.idempotency_key = 'cancel:' || r.public_id and c.state = 'started') as ending_since
        from recurring_donation r where r.donor_id = $1 and r.state <> 'pending'
        order by case when r.state = 'cancelled' then 1 else 0 end, r.id desc limit 50";
    REGULAR = "select r.public_id, r.amount_minor, r.currency, r.state, r.every_count, r.every_unit, r.next_at, r.ends_at,
        r.rests_until, r.card_brand, r.card_last4, r.card_expires, r.activated_at, r.cancelled_at,
        (select c.created_at from subscription_change c where c.recurring_donation_id = r.id and c.state = 'started') as changing_since,
        (select c.created_at from provider_call c where c.idempotency_key = 'cancel:' || r.public_id and c.state = 'started') as ending_since
        from recurring_donation r where r.public_id = $1";
    /// With what came back of each. What was taken over from another program has no receipt of ours.
    GIFTS_OF = "select d.public_id, d.amount_minor, s.back_minor, d.currency, d.paid_at, receipt.number as receipt_number,
        cast(case when d.kind = 'instalment' then 1 else 0 end as bigint) as is_regular
        from donation d join gift_standing s on s.donation_id = d.id left join receipt on receipt.donation_id = d.id
        where d.donor_id = $1 and d.state = 'paid' order by d.paid_at desc, d.id desc limit $2";
    /// Without those of which nothing is left.
    GIFTS_BETWEEN = "select d.public_id, d.amount_minor, s.back_minor, d.currency, d.paid_at, receipt.number as receipt_number,
        cast(case when d.kind = 'instalment' then 1 else 0 end as bigint) as is_regular
        from donation d join gift_standing s on s.donation_id = d.id left join receipt on receipt.donation_id = d.id
        where d.donor_id = $1 and d.state = 'paid' and d.paid_at >= $2 and d.paid_at < $3 and s.back_minor < d.amount_minor
        order by d.paid_at, d.id limit $4";
    RECEIPT_OF = "select d.public_id, d.name, d.amount_minor, s.back_minor, d.currency, d.paid_at, receipt.number as receipt_number,
        r.public_id as recurring from donation d join receipt on receipt.donation_id = d.id join gift_standing s on s.donation_id = d.id
        left join recurring_donation r on r.id = d.recurring_donation_id
        where d.public_id = $1 and d.donor_id = $2 and d.state = 'paid' and s.back_minor < d.amount_minor";
    RHYTHM_OF = "select every_count, every_unit from recurring_donation where public_id = $1";
    /// Whose regular gift it is.
    OWNED = "select count(*) from recurring_donation where public_id = $1 and donor_id = $2";
    /// The provider's names of those who pay what is not over.
    CUSTOMERS = "select distinct provider_customer_id from recurring_donation
        where donor_id = $1 and state <> 'cancelled' and provider_customer_id is not null order by provider_customer_id";
    /// By which address a customer of the provider gives here.
    ADDRESS_OF = "select email from recurring_donation where provider_customer_id = $1 and state <> 'cancelled' and email <> ''
        order by id desc limit 1";
    /// Whose links were made before is nobody any more.
    READDRESS_DONOR = "update donor set public_id = $4, email = $2, email_key = $3 where id = $1";
    READDRESS_GIFTS = "update donation set email = $2 where donor_id = $1";
    READDRESS_REGULAR = "update recurring_donation set email = $2 where donor_id = $1";
    RENAME = "update donor set name = $2 where id = $1 and email <> ''";
    MAY_BE_NAMED = "update donor set named_since = coalesce(named_since, $2) where id = $1 and email <> ''";
    NOBODY_IS_NAMED = "update donor set named_since = null where named_since is not null";
    MAY_NOT_BE_NAMED = "update donor set named_since = null where id = $1";
    RENAME_REGULAR = "update recurring_donation set name = $2 where donor_id = $1 and state <> 'cancelled'";
}

/// Whoever gave.
#[derive(Clone, Debug, FromRow)]
pub struct Giver {
    pub id: i64,
    pub public_id: String,
    pub email: String,
    pub name: String,
    pub named_since: Option<Moment>,
}

/// A regular gift as its supporter sees it.
#[derive(Clone, Debug, FromRow)]
pub struct Regular {
    pub public_id: String,
    pub amount_minor: i64,
    pub currency: String,
    pub state: RecurringState,
    pub every_count: i64,
    pub every_unit: GiftRhythmUnit,
    pub next_at: Option<Moment>,
    pub ends_at: Option<Moment>,
    pub rests_until: Option<Moment>,
    pub card_brand: String,
    pub card_last4: String,
    pub card_expires: String,
    pub activated_at: Option<Moment>,
    pub cancelled_at: Option<Moment>,
    pub changing_since: Option<Moment>,
    pub ending_since: Option<Moment>,
}

/// A gift that arrived.
#[derive(Clone, Debug, FromRow)]
pub struct Given {
    pub public_id: String,
    pub amount_minor: i64,
    /// What is not ours any more of it.
    pub back_minor: i64,
    pub currency: String,
    pub paid_at: Moment,
    pub receipt_number: Option<String>,
    pub is_regular: i64,
}

impl Given {
    /// What is left of it.
    pub const fn left(&self) -> i64 {
        self.amount_minor - self.back_minor
    }
}

/// What a receipt says.
#[derive(Clone, Debug, FromRow)]
pub struct Paper {
    pub public_id: String,
    pub name: String,
    pub amount_minor: i64,
    pub back_minor: i64,
    pub currency: String,
    pub paid_at: Moment,
    pub receipt_number: String,
    pub recurring: Option<String>,
}

pub async fn named(db: &Db, public_id: &str) -> Result<Option<Giver>> {
    db.opt(SUPPORTER, (public_id,)).await
}

pub async fn take(tx: &mut Tx, public_id: &str) -> Result<Option<Giver>> {
    tx.opt(TAKE_SUPPORTER, (public_id,)).await
}

pub async fn named_in(tx: &mut Tx, public_id: &str) -> Result<Option<Giver>> {
    tx.opt(SUPPORTER, (public_id,)).await
}

/// The provider's names of whoever pays what they give regularly and is not over.
pub async fn customers(tx: &mut Tx, donor: i64) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(CUSTOMERS, (donor,)).await?.into_iter().map(|(name,)| name).collect())
}

/// By which address a customer of the provider gives here.
pub async fn address_of(db: &Db, customer: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(ADDRESS_OF, (customer,)).await?.map(|(email,)| email))
}

/// Everything that they gave is known by another address, and they by another public id.
pub async fn readdress(
    tx: &mut Tx,
    donor: i64,
    (email, email_key): (&str, &str),
    public_id: &str,
) -> Result<()> {
    tx.exec(READDRESS_DONOR, (donor, email, email_key, public_id)).await?;
    tx.exec(READDRESS_GIFTS, (donor, email)).await?;
    tx.exec(READDRESS_REGULAR, (donor, email)).await.map(drop)
}

pub async fn at(tx: &mut Tx, email_key: &str) -> Result<Option<Giver>> {
    tx.opt(SUPPORTER_AT, (email_key,)).await
}

/// Who gave a gift, where that is known.
pub async fn who_gave(db: &Db, donation: &str) -> Result<Option<Giver>> {
    db.opt(WHO_GAVE, (donation,)).await
}

pub async fn regular(db: &Db, donor: i64) -> Result<Vec<Regular>> {
    db.all(REGULAR_OF, (donor,)).await
}

pub async fn regular_named(db: &Db, public_id: &str) -> Result<Option<Regular>> {
    db.opt(REGULAR, (public_id,)).await
}

pub async fn gifts(db: &Db, donor: i64, limit: i64) -> Result<Vec<Given>> {
    db.all(GIFTS_OF, (donor, limit)).await
}

pub async fn gifts_between(
    db: &Db,
    donor: i64,
    (from, to): (Moment, Moment),
    limit: i64,
) -> Result<Vec<Given>> {
    db.all(GIFTS_BETWEEN, (donor, from, to, limit)).await
}

pub async fn paper(db: &Db, donation: &str, donor: i64) -> Result<Option<Paper>> {
    db.opt(RECEIPT_OF, (donation, donor)).await
}

/// How often a regular gift is taken.
pub async fn rhythm_of(tx: &mut Tx, recurring: &str) -> Result<GiftRhythm> {
    let found: Option<(i64, GiftRhythmUnit)> = tx.opt(RHYTHM_OF, (recurring,)).await?;
    Ok(found.map_or(GiftRhythm::MONTHLY, |(count, unit)| GiftRhythm { count, unit }))
}

pub async fn owns(db: &Db, donor: i64, recurring: &str) -> Result<bool> {
    Ok(db.one::<(i64,)>(OWNED, (recurring, donor)).await?.0 > 0)
}

pub async fn rename(tx: &mut Tx, donor: i64, name: &str) -> Result<()> {
    tx.exec(RENAME_REGULAR, (donor, name)).await?;
    tx.exec(RENAME, (donor, name)).await.map(drop)
}

/// Takes back of everybody that they may be named.
pub async fn name_nobody(tx: &mut Tx) -> Result<u64> {
    tx.exec(NOBODY_IS_NAMED, ()).await
}

/// Whether a supporter may be named in public from now on.
pub async fn let_be_named(tx: &mut Tx, id: i64, since: Option<Moment>) -> Result<u64> {
    match since {
        Some(since) => tx.exec(MAY_BE_NAMED, (id, since)).await,
        None => tx.exec(MAY_NOT_BE_NAMED, (id,)).await,
    }
}
