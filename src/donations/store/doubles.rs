//! The statements of who gives twice.

use sqlx_macros::FromRow;

use super::super::states::DonationKind;
use crate::{
    clock::Moment,
    db::{Db, Result},
    payments::GiftRhythmUnit,
    statements,
};

statements! {
    /// Whose gift it is, if it is paid and they are known by that address.
    GIVER_OF = "select donor.id from donation join donor on donor.id = donation.donor_id
        where donation.public_id = $1 and donation.state = 'paid' and donor.email_key = $2";
    LAST_GIFT = "select amount_minor, currency, paid_at as at from donation
        where donor_id = $1 and state = 'paid' and kind = 'once' and paid_at > $2 order by paid_at desc limit 1";
    RUNNING_MONTHS = "select public_id, amount_minor, currency, every_count, every_unit from recurring_donation
        where donor_id = $1 and state in ('active', 'past_due', 'paused', 'unpaid') and activated_at > $2
        order by id desc limit 1";
    /// A gift within an hour of the one before it of the same supporter, since then. Whose gift follows whose is read from an index alone,
    /// that of gifts that are no instalments: asked for by what they are, they would all be read.
    GIVEN_TWICE = "select second.id, donor.email, donor.name, 'once' as kind,
        first.public_id as first, first.amount_minor as first_minor, first.currency as first_currency,
        second.public_id as second, second.amount_minor as second_minor, second.currency as second_currency, second.paid_at as at
        from (select id, paid_at as at, lag(id) over giver as before, lag(paid_at) over giver as before_at from donation
            where state = 'paid' and kind <> 'instalment' and paid_at > $1 - 3600000000
            window giver as (partition by donor_id order by paid_at, id)) gift
        join donation as second on second.id = gift.id join donation as first on first.id = gift.before
        join donor on donor.id = second.donor_id
        where gift.id < $2 and gift.at > $1 and gift.before_at > gift.at - 3600000000
        order by gift.id desc limit $3";
    /// Two monthly donations of one supporter that run, the newer one begun since then. What was copied at the provider is shown apart.
    MONTHLY_TWICE = "select second.id, donor.email, donor.name, 'instalment' as kind,
        first.public_id as first, first.amount_minor as first_minor, first.currency as first_currency,
        second.public_id as second, second.amount_minor as second_minor, second.currency as second_currency, second.activated_at as at
        from recurring_donation as second join recurring_donation as first
        on first.donor_id = second.donor_id and first.id < second.id
        join donor on donor.id = second.donor_id
        where second.state in ('active', 'past_due', 'paused', 'unpaid') and second.activated_at > $1 and second.copy_of is null
        and second.id < $2 and first.state in ('active', 'past_due', 'paused', 'unpaid') and first.activated_at is not null
        order by second.id desc, first.id desc limit $3";
}

/// Two that stand beside one another.
#[derive(Clone, Debug, FromRow)]
pub struct Pair {
    /// The newer row's id.
    pub id: i64,
    pub email: String,
    pub name: String,
    pub kind: DonationKind,
    /// The older one, by its public id.
    pub first: String,
    pub first_minor: i64,
    pub first_currency: String,
    /// The newer one.
    pub second: String,
    pub second_minor: i64,
    pub second_currency: String,
    /// When the newer one was paid, or begun.
    pub at: Moment,
}

/// A gift as its giver is asked about it.
#[derive(Clone, Debug, FromRow)]
pub struct Before {
    pub amount_minor: i64,
    pub currency: String,
    pub at: Moment,
}

/// A regular donation as its giver is asked about it.
#[derive(Clone, Debug, FromRow)]
pub struct Running {
    pub public_id: String,
    pub amount_minor: i64,
    pub currency: String,
    pub every_count: i64,
    pub every_unit: GiftRhythmUnit,
}

pub async fn giver_of(db: &Db, gift: &str, email_key: &str) -> Result<Option<i64>> {
    let found: Option<(i64,)> = db.opt(GIVER_OF, (gift, email_key)).await?;
    Ok(found.map(|(id,)| id))
}

pub async fn last_gift(db: &Db, donor_id: i64, since: Moment) -> Result<Option<Before>> {
    db.opt(LAST_GIFT, (donor_id, since)).await
}

pub async fn running_months(db: &Db, donor_id: i64, since: Moment) -> Result<Option<Running>> {
    db.opt(RUNNING_MONTHS, (donor_id, since)).await
}

pub async fn given_twice(db: &Db, since: Moment, before: i64, limit: i64) -> Result<Vec<Pair>> {
    db.all(GIVEN_TWICE, (since, before, limit)).await
}

pub async fn monthly_twice(db: &Db, since: Moment, before: i64, limit: i64) -> Result<Vec<Pair>> {
    db.all(MONTHLY_TWICE, (since, before, limit)).await
}
