//! The statements of our account at the provider.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::AccountStanding,
    statements,
};

statements! {
    /// Since when it is restricted stays while it is.
    KEEP_STANDING = "insert into provider_account (account_id, may_charge, may_pay_out, wants, why, restricted_since, looked_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (account_id) do update set may_charge = excluded.may_charge,
        may_pay_out = excluded.may_pay_out, wants = excluded.wants, why = excluded.why, looked_at = excluded.looked_at,
        restricted_since = case when excluded.restricted_since is null then null
            else coalesce(provider_account.restricted_since, excluded.restricted_since) end";
    /// The account that our key belongs to now.
    STANDING = "select account_id, may_charge, may_pay_out, wants, why, restricted_since, looked_at from provider_account
        order by looked_at desc limit 1";
    /// When news came by themselves last, and when first and last something was heard by asking alone.
    HEARD = "select (select max(received_at) from provider_event where source = 'webhook') as told,
        (select min(received_at) from provider_event where source = 'poll') as asked_first,
        (select max(received_at) from provider_event where source = 'poll') as asked_last";
}

/// What the account said of itself last.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct KnownAccount {
    /// The provider's id of it.
    pub account_id: String,
    /// Whether it may take money.
    pub may_charge: bool,
    /// Whether it pays out to the bank.
    pub may_pay_out: bool,
    /// What the provider waits for, in its own words, separated by commas.
    pub wants: String,
    /// Why it is restricted, in the provider's word for it; empty where it does not say.
    pub why: String,
    /// Since when we know that it is restricted.
    pub restricted_since: Option<Moment>,
    /// When it was asked last.
    pub looked_at: Moment,
}

/// How news came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Heard {
    pub told: Option<Moment>,
    pub asked_first: Option<Moment>,
    pub asked_last: Option<Moment>,
}

pub async fn keep_standing(tx: &mut Tx, standing: &AccountStanding, now: Moment) -> Result<u64> {
    let wants = standing.wants.join(", ");
    let row = (
        standing.id.as_str(),
        standing.may_charge,
        standing.may_pay_out,
        wants.as_str(),
        standing.why.as_deref().unwrap_or_default(),
        standing.is_restricted().then_some(now),
        now,
    );
    tx.exec(KEEP_STANDING, row).await
}

pub async fn standing(db: &Db) -> Result<Option<KnownAccount>> {
    db.opt(STANDING, ()).await
}

pub async fn heard(db: &Db) -> Result<Heard> {
    db.one(HEARD, ()).await
}
