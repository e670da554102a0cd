//! The statements of the comparison with the provider's lists.

use sqlx_macros::FromRow;

use super::super::states::{Compared, DonationState};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements, words,
};

statements! {
    /// By a JSON array of names.
    PAYMENTS = sqlite "select provider_payment_id as id, state, currency, coalesce((select cast(sum(e.amount_minor) as bigint)
            from ledger_entry e where e.donation_id = donation.id and e.kind = 'payment' and e.account = 'provider:stripe'), 0) as booked_minor
            from donation where provider_payment_id in (select value from json_each($1))",
        postgres "select provider_payment_id as id, state, currency, coalesce((select cast(sum(e.amount_minor) as bigint)
            from ledger_entry e where e.donation_id = donation.id and e.kind = 'payment' and e.account = 'provider:stripe'), 0) as booked_minor
            from donation where provider_payment_id in (select json_array_elements_text(cast($1 as json)))";
    REFUNDS = sqlite "select provider_refund_id as id, cast(state as text) as state, amount_minor as minor from refund
            where provider_refund_id in (select value from json_each($1))",
        postgres "select provider_refund_id as id, cast(state as text) as state, amount_minor as minor from refund
            where provider_refund_id in (select json_array_elements_text(cast($1 as json)))";
    DISPUTES = sqlite "select provider_dispute_id as id, cast(state as text) as state, amount_minor as minor from dispute
            where provider_dispute_id in (select value from json_each($1))",
        postgres "select provider_dispute_id as id, cast(state as text) as state, amount_minor as minor from dispute
            where provider_dispute_id in (select json_array_elements_text(cast($1 as json)))";
    PAYOUTS = sqlite "select provider_payout_id as id, cast(state as text) as state, amount_minor as minor from payout
            where provider_payout_id in (select value from json_each($1))",
        postgres "select provider_payout_id as id, cast(state as text) as state, amount_minor as minor from payout
            where provider_payout_id in (select json_array_elements_text(cast($1 as json)))";
    MOVEMENTS = sqlite "select provider_movement_id as id, case when donation_id is null then '' else type end as state,
            amount_minor - fee_minor as minor from movement where provider_movement_id in (select value from json_each($1))",
        postgres "select provider_movement_id as id, case when donation_id is null then '' else type end as state,
            amount_minor - fee_minor as minor from movement where provider_movement_id in (select json_array_elements_text(cast($1 as json)))";
    SUBSCRIPTIONS = sqlite "select provider_subscription_id as id, cast(state as text) as state, amount_minor as minor from recurring_donation
            where provider_subscription_id in (select value from json_each($1))",
        postgres "select provider_subscription_id as id, cast(state as text) as state, amount_minor as minor from recurring_donation
            where provider_subscription_id in (select json_array_elements_text(cast($1 as json)))";
    INVOICES = sqlite "select provider_invoice_id from donation where state = 'paid'
            and provider_invoice_id in (select value from json_each($1))",
        postgres "select provider_invoice_id from donation where state = 'paid'
            and provider_invoice_id in (select json_array_elements_text(cast($1 as json)))";
    /// Rows of ours from a moment until before another, and at the first of them behind a row, in the order of time: that has an index where
    /// there are very many. `id` alone would be the provider's name, which is selected as that.
    OUR_PAYMENTS = "select donation.id as \"row\", provider_payment_id as id, amount_minor as minor, currency, paid_at as at from donation
        where state = 'paid' and provider_payment_id is not null and paid_at >= $1 and paid_at < $2 and (paid_at > $1 or donation.id > $3) order by paid_at, donation.id limit 500";
    OUR_REFUNDS = "select refund.id as \"row\", provider_refund_id as id, amount_minor as minor, currency, created_at as at from refund
        where created_at >= $1 and created_at < $2 and (created_at > $1 or refund.id > $3) order by created_at, refund.id limit 500";
    OUR_DISPUTES = "select dispute.id as \"row\", provider_dispute_id as id, amount_minor as minor, currency, created_at as at from dispute
        where created_at >= $1 and created_at < $2 and (created_at > $1 or dispute.id > $3) order by created_at, dispute.id limit 500";
    OUR_PAYOUTS = "select payout.id as \"row\", provider_payout_id as id, amount_minor as minor, currency, created_at as at from payout
        where created_at >= $1 and created_at < $2 and (created_at > $1 or payout.id > $3) order by created_at, payout.id limit 500";
    OUR_MOVEMENTS = "select movement.id as \"row\", provider_movement_id as id, amount_minor - fee_minor as minor, currency, at as at from movement
        where at >= $1 and at < $2 and (at > $1 or movement.id > $3) order by at, movement.id limit 500";
    KEEP = "insert into reconciliation (id, from_at, until_at, at, equal_at, compared, differences, found)
        values (1, $1, $2, $3, case when cast($5 as bigint) = 0 then cast($3 as bigint) end, $4, $5, $6)
        on conflict (id) do update set from_at = excluded.from_at, until_at = excluded.until_at, at = excluded.at,
        equal_at = coalesce(excluded.equal_at, reconciliation.equal_at), compared = excluded.compared,
        differences = excluded.differences, found = excluded.found";
    LAST = "select at, equal_at, found from reconciliation where id = 1";
    LAST_AT = "select at from reconciliation where id = 1";
    ASK = "insert into comparison (name, asked_at, mends, attempts, next_at) values ('books', $1, $2, 0, $1)
        on conflict (name) do update set mends = excluded.mends where excluded.mends = 'yes'";
    /// One that did not work and waits for its next try is begun at once. If that try is under way already, whoever is at it sees that
    /// the claim is not theirs any more, and lets go.
    HURRY = "update comparison set asked_at = $1, next_at = $1, attempts = 0, last_error = null
        where name = 'books' and last_error is not null";
    UNDERWAY = "select asked_at, next_at, last_error from comparison where name = 'books'";
    RENEW = "update comparison set next_at = $2 where name = 'books' and next_at = $1";
    /// It is over, unless somebody wants more of it by now than was done.
    END = "delete from comparison where name = 'books' and next_at = $1 and (mends = 'no' or $2 = 'yes')";
}

queue! {
    /// The comparison that somebody or the night asked for.
    pub COMPARISONS = COMPARISONS {
        table: "comparison", key: "name", since: "asked_at", also: ", mends",
        open: "name = 'books'",
    }
}

words! {
    /// Whether a comparison also fetches what is missing here.
    pub enum Mends else No {
        Yes = "yes",
        No = "no",
    }
}

/// What is wanted of a comparison.
#[derive(Clone, Debug, FromRow)]
pub struct Wanted {
    pub mends: Mends,
}

/// A comparison that waits for its turn or is under way.
#[derive(Clone, Debug, FromRow)]
pub struct Underway {
    pub asked_at: Moment,
    /// Of one that did not work, when it is tried again.
    pub next_at: Moment,
    /// Why it did not work the last time.
    pub last_error: Option<String>,
}

/// What we know of a payment.
#[derive(Clone, Debug, FromRow)]
pub struct KnownPayment {
    pub id: String,
    pub state: DonationState,
    pub currency: String,
    /// What the book says came in by it, in minor units.
    pub booked_minor: i64,
}

/// What we know of something else.
#[derive(Clone, Debug, FromRow)]
pub struct Known {
    pub id: String,
    pub state: String,
    pub minor: i64,
}

/// A row of ours.
#[derive(Clone, Debug, FromRow)]
pub struct Ours {
    pub row: i64,
    pub id: String,
    pub minor: i64,
    pub currency: String,
    /// When it was, as the span means it.
    pub at: Moment,
}

pub async fn payments(db: &Db, names: &str) -> Result<Vec<KnownPayment>> {
    db.all(PAYMENTS, (names,)).await
}

pub async fn refunds(db: &Db, names: &str) -> Result<Vec<Known>> {
    db.all(REFUNDS, (names,)).await
}

pub async fn disputes(db: &Db, names: &str) -> Result<Vec<Known>> {
    db.all(DISPUTES, (names,)).await
}

pub async fn payouts(db: &Db, names: &str) -> Result<Vec<Known>> {
    db.all(PAYOUTS, (names,)).await
}

pub async fn movements(db: &Db, names: &str) -> Result<Vec<Known>> {
    db.all(MOVEMENTS, (names,)).await
}

pub async fn subscriptions(db: &Db, names: &str) -> Result<Vec<Known>> {
    db.all(SUBSCRIPTIONS, (names,)).await
}

/// Which of them are booked.
pub async fn invoices(db: &Db, names: &str) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(INVOICES, (names,)).await?.into_iter().map(|(id,)| id).collect())
}

/// Rows from a moment on, of the same moment those behind a row, until before another moment.
pub async fn ours(
    db: &Db,
    what: Compared,
    (from, behind): (Moment, i64),
    until: Moment,
) -> Result<Vec<Ours>> {
    let statement = match what {
        Compared::Refund => OUR_REFUNDS,
        Compared::Dispute => OUR_DISPUTES,
        Compared::Payout => OUR_PAYOUTS,
        Compared::Movement => OUR_MOVEMENTS,
        Compared::Payment | Compared::Invoice | Compared::Subscription => OUR_PAYMENTS,
    };
    db.all(statement, (from, until, behind)).await
}

/// `at` is when it was compared; of the numbers the first is how many were, the second how many differ.
pub async fn keep(
    tx: &mut Tx,
    (from, until, at): (Moment, Moment, Moment),
    (compared, different): (u64, u64),
    text: &str,
) -> Result<u64> {
    tx.exec(KEEP, (from, until, at, compared.cast_signed(), different.cast_signed(), text)).await
}

pub async fn last(db: &Db) -> Result<Option<(Moment, Option<Moment>, String)>> {
    db.opt(LAST, ()).await
}

pub async fn last_at(db: &Db) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(LAST_AT, ()).await?.map(|(at,)| at))
}

pub async fn ask(tx: &mut Tx, mends: Mends, now: Moment) -> Result<u64> {
    tx.exec(ASK, (now, mends)).await
}

/// Begins one at once that did not work.
pub async fn hurry(tx: &mut Tx, now: Moment) -> Result<u64> {
    tx.exec(HURRY, (now,)).await
}

pub async fn underway(db: &Db) -> Result<Option<Underway>> {
    db.opt(UNDERWAY, ()).await
}

/// Whether the claim was ours, and is until then.
pub async fn renew(tx: &mut Tx, claim: Moment, until: Moment) -> Result<bool> {
    Ok(tx.exec(RENEW, (claim, until)).await? == 1)
}

/// Whether the claim was ours, and nobody wants more: then it is over.
pub async fn end(tx: &mut Tx, claim: Moment, done: Mends) -> Result<bool> {
    Ok(tx.exec(END, (claim, done)).await? == 1)
}
