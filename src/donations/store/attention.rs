//! The statements of what needs a person.

use super::super::lines::{AttentionNews, Copied, FailedCheckout, Unended};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::GiftRhythmUnit,
    statements,
};

statements! {
    ASKED_TO_END = "select created_at from provider_call
        where idempotency_key = 'cancel:' || cast($1 as text) and state = 'started'";
    /// Asked for before that moment, and not over yet; or said to be over, and not.
    UNENDED = "select r.public_id, r.email, r.name, r.amount_minor, r.currency, r.every_count, r.every_unit, r.provider_subscription_id,
        c.created_at as asked_at, c.attempts, c.last_error, c.told_at
        from provider_call c join recurring_donation r on r.public_id = substr(c.idempotency_key, 8)
        where c.operation = 'cancel' and c.state = 'started'
        and (c.created_at <= $1 or c.response_id is not null) order by c.created_at, r.public_id limit 100";
    TELL = "update provider_call set told_at = $2 where idempotency_key = 'cancel:' || cast($1 as text) and told_at is null";
    /// Nothing else is ever given up.
    FAILED_CHECKOUTS = "select finished_at as at, last_error as why, attempts from provider_call
        where state = 'failed' and told_at is null order by finished_at desc limit 100";
    /// Staff have seen those that were given up until that moment.
    PUT_CHECKOUTS_AWAY = "update provider_call set told_at = $1 where state = 'failed' and told_at is null and finished_at <= $2";
    /// Staff know of it and there is nothing more to do; what could not be read is not needed any longer.
    PUT_EVENT_AWAY = "update provider_event set state = 'ignored', payload = '' where event_id = $1 and state = 'dead'";
    /// Copies that are charged while another of the same donation is: the first one, or another copy.
    COPIES = "select r.email, r.name, r.amount_minor, r.currency, r.every_count, r.every_unit, r.provider_subscription_id as subscription, r.created_at
        from recurring_donation r where r.copy_of is not null and r.state in ('active', 'past_due')
        and (exists (select 1 from recurring_donation f where f.public_id = r.copy_of and f.state in ('active', 'past_due'))
        or exists (select 1 from recurring_donation f where f.copy_of = r.copy_of and f.id <> r.id and f.state in ('active', 'past_due')))
        order by r.created_at, r.id limit 100";
    /// How the provider's news go: what waits, what was given up, and when it last told us of something by itself.
    NEWS = "select (select count(*) from provider_event where state = 'new') as waiting,
        (select count(*) from provider_event where state = 'dead') as given_up,
        (select max(received_at) from provider_event where source = 'webhook') as newest_webhook";
    /// The others of the same donation that are not over: the first one and its copies, but for the one that is asked about.
    ALSO_RUNNING = "select public_id, amount_minor, currency, every_count, every_unit from recurring_donation
        where (public_id = $2 or copy_of = $2) and public_id <> $1 and state not in ('pending', 'cancelled')
        and provider_subscription_id is not null order by id";
}

pub async fn news(db: &Db) -> Result<AttentionNews> {
    db.one(NEWS, ()).await
}

pub async fn asked_to_end(db: &Db, recurring: &str) -> Result<Option<Moment>> {
    let found: Option<(Moment,)> = db.opt(ASKED_TO_END, (recurring,)).await?;
    Ok(found.map(|(at,)| at))
}

pub async fn unended(db: &Db, asked_before: Moment) -> Result<Vec<Unended>> {
    db.all(UNENDED, (asked_before,)).await
}

/// Whether nobody had told before.
pub async fn tell(tx: &mut Tx, recurring: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(TELL, (recurring, now)).await? == 1)
}

pub async fn failed_checkouts(db: &Db) -> Result<Vec<FailedCheckout>> {
    db.all(FAILED_CHECKOUTS, ()).await
}

pub async fn put_checkouts_away(tx: &mut Tx, now: Moment, seen: Moment) -> Result<u64> {
    tx.exec(PUT_CHECKOUTS_AWAY, (now, seen)).await
}

/// Another of the same regular donation.
#[derive(sqlx_macros::FromRow)]
pub struct Other {
    pub public_id: String,
    pub amount_minor: i64,
    pub currency: String,
    pub every_count: i64,
    pub every_unit: GiftRhythmUnit,
}

/// `first` is the one that copies name.
pub async fn also_running(db: &Db, recurring: &str, first: &str) -> Result<Vec<Other>> {
    db.all(ALSO_RUNNING, (recurring, first)).await
}

pub async fn put_event_away(tx: &mut Tx, event_id: &str) -> Result<u64> {
    tx.exec(PUT_EVENT_AWAY, (event_id,)).await
}

pub async fn copies(db: &Db) -> Result<Vec<Copied>> {
    db.all(COPIES, ()).await
}
