//! The statements of what needs a person.

use super::super::attention::{Copied, FailedCheckout, Unended};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ASKED_TO_END = "select created_at as at from provider_call
        where idempotency_key = 'cancel:' || cast($1 as text) and state = 'started'";
    /// Asked for before that moment, and not over yet; or said to be over, and not.
    UNENDED = "select r.public_id, r.email, r.name, r.amount_minor, r.currency, r.provider_subscription_id,
        c.created_at as asked_at, c.attempts, c.last_error, c.told_at
        from provider_call c join recurring_donation r on c.idempotency_key = 'cancel:' || r.public_id
        where c.operation = 'cancel' and c.state = 'started'
        and (c.created_at <= $1 or c.response_id is not null) order by c.created_at, r.public_id";
    TELL = "update provider_call set told_at = $2 where idempotency_key = 'cancel:' || cast($1 as text) and told_at is null";
    ASK_AGAIN = "update provider_call set next_at = $2
        where idempotency_key = 'cancel:' || cast($1 as text) and state = 'started'";
    FAILED_CHECKOUTS = "select finished_at as at, last_error as why, attempts from provider_call
        where operation = 'checkout' and state = 'failed' and told_at is null order by finished_at desc";
    /// Staff have seen them.
    PUT_CHECKOUTS_AWAY = "update provider_call set told_at = $1 where state = 'failed' and told_at is null";
    /// Staff know of it and there is nothing more to do; what could not be read is not needed any longer.
    PUT_EVENT_AWAY = "update provider_event set state = 'ignored', payload = '' where event_id = $1 and state = 'dead'";
    COPIES = "select r.email, r.name, r.amount_minor, r.currency, r.provider_subscription_id as subscription, r.created_at
        from recurring_donation r where r.copy_of is not null and r.state <> 'cancelled' order by r.created_at, r.id";
}

#[derive(sqlx::FromRow)]
struct At {
    at: Moment,
}

pub async fn asked_to_end(db: &Db, recurring: &str) -> Result<Option<Moment>> {
    let found: Option<At> = db.opt(ASKED_TO_END, (recurring,)).await?;
    Ok(found.map(|row| row.at))
}

pub async fn unended(db: &Db, asked_before: Moment) -> Result<Vec<Unended>> {
    db.all(UNENDED, (asked_before,)).await
}

/// Whether nobody had told before.
pub async fn tell(tx: &mut Tx, recurring: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(TELL, (recurring, now)).await? == 1)
}

pub async fn ask_again(tx: &mut Tx, recurring: &str, now: Moment) -> Result<u64> {
    tx.exec(ASK_AGAIN, (recurring, now)).await
}

pub async fn failed_checkouts(db: &Db) -> Result<Vec<FailedCheckout>> {
    db.all(FAILED_CHECKOUTS, ()).await
}

pub async fn put_checkouts_away(tx: &mut Tx, now: Moment) -> Result<u64> {
    tx.exec(PUT_CHECKOUTS_AWAY, (now,)).await
}

pub async fn put_event_away(tx: &mut Tx, event_id: &str) -> Result<u64> {
    tx.exec(PUT_EVENT_AWAY, (event_id,)).await
}

pub async fn copies(db: &Db) -> Result<Vec<Copied>> {
    db.all(COPIES, ()).await
}
