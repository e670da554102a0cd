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
    /// Without what came back; a gift of which nothing is left is none. No gift is read for it.
    TOTALS = "select kind, currency, cast(sum(number) as bigint) as number, cast(sum(minor) as bigint) as minor
        from gift_day group by kind, currency order by currency, kind desc";
    /// The same of a span of time, from `$1` until `$2`: of its whole days from `$3` until `$4`, and of the gifts of what is
    /// left at both ends, until `$5` and from `$6`.
    TOTALS_BETWEEN = "select kind, currency, cast(sum(number) as bigint) as number, cast(sum(minor) as bigint) as minor from (
            select kind, currency, number, minor from gift_day where day >= $3 and day < $4
            union all
            select kind, currency, case when back_minor < amount_minor then 1 else 0 end, amount_minor - back_minor from (
                select d.kind, d.currency, d.amount_minor,
                    case when d.version = 0 then 0 else (select s.back_minor from gift_standing s where s.donation_id = d.id) end as back_minor
                from donation d where d.state = 'paid' and d.paid_at >= $1 and d.paid_at < $5
                union all
                select d.kind, d.currency, d.amount_minor,
                    case when d.version = 0 then 0 else (select s.back_minor from gift_standing s where s.donation_id = d.id) end as back_minor
                from donation d where d.state = 'paid' and d.paid_at >= $6 and d.paid_at < $2) ends) counted
        group by kind, currency order by currency, kind desc";
    /// The same of one supporter.
    TOTALS_OF = "select kind, currency, cast(sum(case when back_minor < amount_minor then 1 else 0 end) as bigint) as number,
            cast(sum(amount_minor - back_minor) as bigint) as minor
        from donor join donation on donation.donor_id = donor.id join gift_standing s on s.donation_id = donation.id
        where donor.email_key = $1 and donation.state = 'paid' group by kind, currency order by currency, kind desc";
    /// Those that run first; what rests, and what is not paid any more, brings nothing, and is not over.
    RUNNING = "select cast(case when state = 'past_due' then 'active' else state end as text) as state, currency, every_count, every_unit,
        count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from recurring_donation where state in ('active', 'past_due', 'paused', 'unpaid') and activated_at is not null
        group by 1, currency, every_count, every_unit order by 1, currency, every_unit, every_count";
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

/// Of what was paid from then until before then.
pub async fn totals_between(db: &Db, (from, until): (Moment, Moment)) -> Result<Vec<Total>> {
    let Whole { days: (first, behind), ends: (until_days, from_days) } = Whole::of(from, until);
    db.all(TOTALS_BETWEEN, (from, until, first, behind, until_days, from_days)).await
}

/// What of a span of time are whole days of UTC.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    /// The first of them, and the one behind the last; where there is none, both are the day in which the span ends.
    days: (i64, i64),
    /// Until when the span's beginning is no whole day, and from when its end is none.
    ends: (Moment, Moment),
}

impl Whole {
    fn of(from: Moment, until: Moment) -> Self {
        const DAY: i64 = 86_400_000_000;
        let behind = until.0.div_euclid(DAY);
        let begun = i64::from(from.0.rem_euclid(DAY) > 0);
        let first = (from.0.div_euclid(DAY) + begun).min(behind);
        Self { days: (first, behind), ends: (Moment(first * DAY), Moment(behind * DAY).max(from)) }
    }
}

/// What one supporter gave.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_and_both_ends_are_the_span() {
        const DAY: i64 = 86_400_000_000;
        let parts = |from, until| {
            let Whole { days: (first, behind), ends: (begins, ends) } =
                Whole::of(Moment(from), Moment(until));
            [(from, begins.0), (first * DAY, behind * DAY), (ends.0, until)]
                .into_iter()
                .filter(|(from, until)| from < until)
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(0, DAY), [(0, DAY)]);
        assert_eq!(parts(1, 3 * DAY), [(1, DAY), (DAY, 3 * DAY)]);
        assert_eq!(parts(DAY / 2, 3 * DAY + 5), [(DAY / 2, DAY), (DAY, 3 * DAY), (3 * DAY, 3 * DAY + 5)]);
        assert_eq!(parts(5, 9), [(5, 9)]);
        assert_eq!(parts(DAY - 5, DAY + 5), [(DAY - 5, DAY), (DAY, DAY + 5)]);
    }
}
