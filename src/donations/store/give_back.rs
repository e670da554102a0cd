//! The statements of refunds that the team asks for.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue,
    queue::Due,
    statements,
};

statements! {
    ADD = "insert into refund_request (public_id, donation_id, staff_id, amount_minor, currency, why, request, state, attempts,
        created_at, next_at) values ($1, $2, $3, $4, $5, $6, $7, 'asked', 0, $8, $9)";
    KNOWN = "select state from refund_request where public_id = $1";
    IS_DISPUTED = "select count(*) from dispute where donation_id = $1 and state in ('needs_response', 'under_review',
        'appeal_needs_response', 'appeal_under_review')";
    PAYMENT_OF = "select provider_payment_id from donation where public_id = $1 and provider_payment_id is not null";
    /// Whoever asked saw that it failed, or staff know.
    IS_KNOWN = "update refund_request set told_at = finished_at where public_id = $1 and state = 'failed'";
    /// Asked for, and not yet known as a refund.
    ASKED_OF = "select cast(coalesce(sum(amount_minor), 0) as bigint) from refund_request q where donation_id = $1
        and (state = 'asked' or (state = 'done' and not exists (select 1 from refund r where r.provider_refund_id = q.provider_refund_id)))";
}

queue! {
    /// Gifts that are to be given back. What was given up, staff saw at the gift.
    pub REFUNDS = REFUNDS {
        table: "refund_request", key: "public_id", since: "created_at", also: ", request",
        open: "state = 'asked'",
        done: "state = 'done', provider_refund_id = $3, finished_at = $4",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "state = 'failed' and told_at is null", give_up: "state = 'failed', finished_at = $3",
    }
}

/// By what a gift was paid at the provider.
pub async fn payment_of(db: &Db, donation: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(PAYMENT_OF, (donation,)).await?.map(|(payment,)| payment))
}

/// What there is to say of a refund that was asked for.
#[derive(Clone, Debug, FromRow)]
pub struct Wanted {
    pub request: String,
}

/// A refund whose turn has come.
pub type RefundCall = Due<Wanted>;

/// A new row of `refund_request`.
pub struct NewRequest<'a> {
    pub key: &'a str,
    pub donation_id: i64,
    pub staff_id: i64,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub why: &'a str,
    pub request: &'a str,
}

pub async fn add(tx: &mut Tx, new: &NewRequest<'_>, now: Moment, next_at: Moment) -> Result<u64> {
    let row = (
        new.key,
        new.donation_id,
        new.staff_id,
        new.amount_minor,
        new.currency,
        new.why,
        new.request,
        now,
        next_at,
    );
    tx.exec(ADD, row).await
}

/// Whether one that was asked for is done; none if nobody asked for it.
pub async fn known(tx: &mut Tx, key: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(KNOWN, (key,)).await?.map(|(state,)| state))
}

/// Whether anybody asked for it by that form.
pub async fn was_asked(db: &Db, key: &str) -> Result<bool> {
    Ok(db.opt::<(String,)>(KNOWN, (key,)).await?.is_some())
}

/// Whether a bank has it, or decides about it.
pub async fn is_disputed(tx: &mut Tx, donation_id: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_DISPUTED, (donation_id,)).await?.0 > 0)
}

pub async fn asked_of(tx: &mut Tx, donation_id: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ASKED_OF, (donation_id,)).await?.0)
}

/// Nobody needs to be told that it failed.
pub async fn is_known(tx: &mut Tx, key: &str) -> Result<u64> {
    tx.exec(IS_KNOWN, (key,)).await
}
