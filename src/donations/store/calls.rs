//! The statements of calls to the provider that are stored before they are made.

use sqlx_macros::FromRow;

use super::super::states::Operation;
use crate::{
    clock::Moment,
    db::{Result, Tx},
    queue,
    queue::Due,
    statements,
};

statements! {
    ADD_CALL = "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at)
        values ($1, $2, $3, 'started', 0, $4, $5) on conflict (idempotency_key) do nothing";
    /// The supporter was told when it was given up, or staff have seen it.
    CHECKOUT_IS_KNOWN = "update provider_call set told_at = finished_at where idempotency_key = $1 and state = 'failed'";
    /// It was not over after all. What it was done with stays, and tells it from one that was never answered.
    REOPEN_CALL = "update provider_call set state = 'started', next_at = $2, last_error = $3, finished_at = null,
        told_at = null where idempotency_key = $1 and operation = 'cancel' and state = 'done'";
    /// The provider keeps a key for a day, and no key is used for another gift. What is asked to end stays, and so does what staff
    /// have not seen.
    pub(crate) FORGET_CALLS = "delete from provider_call where idempotency_key in (select idempotency_key from provider_call
        where operation = 'checkout' and finished_at < $1 and (state = 'done' or told_at is not null) order by finished_at limit $2)";
}

queue! {
    /// Checkouts that are to be opened. The page says no more of one that staff have seen.
    pub CHECKOUTS = CHECKOUTS {
        table: "provider_call", key: "idempotency_key", since: "created_at", also: ", request",
        open: "state = 'started' and operation = 'checkout'",
        done: "state = 'done', request = '', response_id = $3, finished_at = $4",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "state = 'failed' and told_at is null", give_up: "state = 'failed', request = '', finished_at = $3",
    }
    /// Monthly donations that are to end. Each try has a key of its own, so the count of them goes on.
    pub CANCELLATIONS = CANCELLATIONS {
        table: "provider_call", key: "idempotency_key", since: "created_at", also: ", request",
        open: "state = 'started' and operation = 'cancel'",
        done: "state = 'done', request = '', response_id = $3, finished_at = $4",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        again: "next_at = $2", from: "state = 'started' and operation = 'cancel'",
    }
}

/// What there is to say of a call that was stored and has not ended.
#[derive(Clone, Debug, FromRow)]
pub struct Asked {
    pub request: String,
}

/// A call whose turn has come.
pub type Call = Due<Asked>;

pub async fn add_call(
    tx: &mut Tx,
    key: &str,
    operation: Operation,
    request: &str,
    at: Moment,
    next_at: Moment,
) -> Result<u64> {
    tx.exec(ADD_CALL, (key, operation, request, at, next_at)).await
}

pub async fn reopen_call(tx: &mut Tx, key: &str, why: &str, next_at: Moment) -> Result<u64> {
    tx.exec(REOPEN_CALL, (key, next_at, why)).await
}

pub async fn checkout_is_known(tx: &mut Tx, key: &str) -> Result<u64> {
    tx.exec(CHECKOUT_IS_KNOWN, (key,)).await
}
