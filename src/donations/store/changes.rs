//! The statements of what supporters change of their regular gifts.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    /// Nothing is added while another of the same gift is not over.
    ADD_CHANGE = "insert into subscription_change (public_id, recurring_donation_id, request, state, attempts, next_at, created_at)
        values ($1, $2, $3, 'started', 0, $4, $5)
        on conflict (recurring_donation_id) where state = 'started' do nothing";
    /// The change of a gift that is not over yet: since when.
    OPEN_CHANGE = "select created_at from subscription_change where recurring_donation_id = $1 and state = 'started'";
    /// Whoever ends a gift has no use for what they changed of it before.
    DROP_CHANGES = "update subscription_change set state = 'refused', request = '', finished_at = $2, last_error = 'the gift was ended'
        where recurring_donation_id = $1 and state = 'started'";
    pub(crate) FORGET_CHANGES = "delete from subscription_change where public_id in (select public_id from subscription_change
        where state <> 'started' and finished_at < $1 order by finished_at limit $2)";
}

queue! {
    /// Changes of regular gifts that are to be made at the provider.
    pub CHANGES = CHANGES {
        table: "subscription_change", key: "public_id", since: "created_at", also: ", recurring_donation_id, request",
        open: "state = 'started'",
        done: "state = 'done', request = '', finished_at = $3",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "false", give_up: "state = 'refused', request = '', finished_at = $3",
    }
}

/// What there is to say of a change that is not over.
#[derive(Clone, Debug, FromRow)]
pub struct Wanted {
    pub recurring_donation_id: i64,
    pub request: String,
}

/// Whether there is no other of the same gift that is not over.
pub async fn add(
    tx: &mut Tx,
    (public_id, recurring): (&str, i64),
    request: &str,
    now: Moment,
    next_at: Moment,
) -> Result<bool> {
    Ok(tx.exec(ADD_CHANGE, (public_id, recurring, request, next_at, now)).await? == 1)
}

pub async fn waits_since(db: &Db, recurring: i64) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(OPEN_CHANGE, (recurring,)).await?.map(|(at,)| at))
}

pub async fn drop_all(tx: &mut Tx, recurring: i64, now: Moment) -> Result<()> {
    tx.exec(DROP_CHANGES, (recurring, now)).await.map(drop)
}
