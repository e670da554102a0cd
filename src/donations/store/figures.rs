//! The statements of lists and sums.

use sqlx_macros::FromRow;

use super::super::lines::{ListedDonation, RunningTotal, Total};
use crate::{
    clock::Moment,
    db::{Db, Result},
    statements,
};

statements! {
    NEWEST_GIFT = "select max(paid_at) from donation where state = 'paid' and paid_at <= $1";
    /// Without what came back; a gift of which nothing is left is none. What came back is little beside what was given, so it is taken
    /// off at the end.
    TOTALS = "select kind, currency, cast(sum(number) as bigint) as number, cast(sum(minor) as bigint) as minor from (
            select kind, currency, count(*) as number, sum(amount_minor) as minor from donation where state = 'paid' group by kind, currency
            union all
            select d.kind, d.currency, -sum(case when b.minor >= d.amount_minor then 1 else 0 end), -sum(b.minor)
                from (select donation_id, sum(minor) as minor from gift_back group by donation_id) b
                join donation d on d.id = b.donation_id where d.state = 'paid' group by d.kind, d.currency) counted
        group by kind, currency order by currency, kind desc";
    /// The same of one supporter.
    TOTALS_OF = "select kind, currency, cast(sum(case when back_minor < amount_minor then 1 else 0 end) as bigint) as number,
            cast(sum(amount_minor - back_minor) as bigint) as minor
        from donor join donation on donation.donor_id = donor.id join gift_standing s on s.donation_id = donation.id
        where donor.email_key = $1 and donation.state = 'paid' group by kind, currency order by currency, kind desc";
    RUNNING = "select currency, every_count, every_unit, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from recurring_donation where state in ('active', 'past_due') and activated_at is not null
        group by currency, every_count, every_unit order by currency, every_unit, every_count";
    UNFINISHED = "select (select count(*) from provider_event where state = 'new') as waiting,
        (select count(*) from provider_event where state = 'dead') as dead,
        (select count(*) from provider_call where state = 'started') as calls";
    LIST_DONATIONS = "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, s.standing, s.refunded_minor, s.back_minor,
        donation.created_at, donation.paid_at, donation.card_brand, donation.card_last4,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation join gift_standing s on s.donation_id = donation.id
        left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.id < $1 order by donation.id desc limit $2";
    ONE_DONATION = "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, s.standing, s.refunded_minor, s.back_minor,
        donation.created_at, donation.paid_at, donation.card_brand, donation.card_last4,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation join gift_standing s on s.donation_id = donation.id
        left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.public_id = $1";
}

/// What is not finished yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Unfinished {
    /// Events that wait for their turn.
    pub waiting: i64,
    /// Events that were given up: someone must look.
    pub dead: i64,
    /// Calls to the provider whose outcome is not known yet.
    pub calls: i64,
}

pub async fn totals(db: &Db) -> Result<Vec<Total>> {
    db.all(TOTALS, ()).await
}

pub async fn totals_of(db: &Db, email_key: &str) -> Result<Vec<Total>> {
    db.all(TOTALS_OF, (email_key,)).await
}

pub async fn running(db: &Db) -> Result<Vec<RunningTotal>> {
    db.all(RUNNING, ()).await
}

pub async fn unfinished(db: &Db) -> Result<Unfinished> {
    db.one(UNFINISHED, ()).await
}

pub async fn list(db: &Db, before_id: i64, limit: i64) -> Result<Vec<ListedDonation>> {
    db.all(LIST_DONATIONS, (before_id, limit)).await
}

pub async fn find(db: &Db, public_id: &str) -> Result<Option<ListedDonation>> {
    db.opt(ONE_DONATION, (public_id,)).await
}

pub async fn newest_gift(db: &Db, before: Moment) -> Result<Option<Moment>> {
    Ok(db.one::<(Option<Moment>,)>(NEWEST_GIFT, (before,)).await?.0)
}
