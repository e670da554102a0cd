//! The statements of payouts, and of movements on the provider's balance.

use sqlx_macros::FromRow;

use super::super::lines::figures;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::{Payout, PayoutState},
    statements,
};

statements! {
    PAYOUT_STATE = "select state from payout where provider_payout_id = $1";
    ADD_PAYOUT = "insert into payout (provider_payout_id, amount_minor, currency, state, failure, arrives_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (provider_payout_id) do nothing";
    /// None goes back: what was looked at may be older than what the row knows.
    MOVE_PAYOUT = "update payout set state = $2, failure = $3, arrives_at = $4 where provider_payout_id = $1
        and state not in ('failed', 'canceled') and (state <> 'paid' or cast($2 as text) in ('paid', 'failed'))
        and (state <> 'in_transit' or cast($2 as text) <> 'pending')";
    PAYOUT_ID = "select id from payout where provider_payout_id = $1";
    TO_BE_SETTLED = "update payout set to_settle = 1 where id = $1";
    SETTLED = "update payout set to_settle = 0 where id = $1";
    TO_SETTLE = "select id, provider_payout_id from payout where to_settle = 1 order by id limit 20";
    KNOWN_MOVEMENT = "select payout_id from movement where provider_movement_id = $1";
    IS_NOBODYS = "select count(*) from movement where provider_movement_id = $1 and donation_id is null";
    TAKE_MOVEMENT = "update movement set payout_id = coalesce(payout_id, $2) where provider_movement_id = $1";
    PAYOUTS = "select id, provider_payout_id, amount_minor, currency, state, failure, arrives_at, created_at,
            (select count(*) from movement m where m.payout_id = payout.id and m.donation_id is not null) as gifts
        from payout where id < $1 order by id desc limit $2";
    PAID_OUT = "select m.id, m.type, m.amount_minor, m.fee_minor, m.currency, m.exchange_rate, m.at, d.public_id as donation
        from movement m join payout p on p.id = m.payout_id left join donation d on d.id = m.donation_id
        where p.provider_payout_id = $1 and m.id < $2 order by m.id desc limit $3";
}

/// A payout, for the desk.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct PayoutLine {
    /// The row's id, to ask for the next page with.
    pub id: i64,
    pub provider_payout_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    pub state: PayoutState,
    /// Why it failed; empty if it did not.
    pub failure: String,
    /// When the bank has it.
    pub arrives_at: Moment,
    pub created_at: Moment,
    /// How many movements of gifts it paid out.
    pub gifts: i64,
}

impl PayoutLine {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

/// A movement that a payout paid out.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct PaidOut {
    /// The row's id, to ask for the next page with.
    pub id: i64,
    /// The provider's word for what it is.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// Minor units.
    pub amount_minor: i64,
    /// What the provider kept.
    pub fee_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// By how much it was multiplied where it was paid in another currency.
    pub exchange_rate: Option<String>,
    pub at: Moment,
    /// The public id of the gift; none of what is no gift.
    pub donation: Option<String>,
}

/// The row of a payout, and how it stood before; none if it was not known.
pub async fn keep_payout(tx: &mut Tx, payout: &Payout) -> Result<(i64, Option<PayoutState>)> {
    let id = payout.id.as_str();
    let before: Option<(PayoutState,)> = tx.opt(PAYOUT_STATE, (id,)).await?;
    let row = (
        id,
        payout.amount.minor,
        payout.amount.currency.code(),
        payout.state,
        payout.failure.as_str(),
        payout.arrives,
        payout.created,
    );
    tx.exec(ADD_PAYOUT, row).await?;
    tx.exec(MOVE_PAYOUT, (id, payout.state, payout.failure.as_str(), payout.arrives)).await?;
    let row: (i64,) = tx.one(PAYOUT_ID, (id,)).await?;
    Ok((row.0, before.map(|(state,)| state)))
}

/// A payout of which it is not said yet what it paid out.
pub async fn is_to_be_settled(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(TO_BE_SETTLED, (id,)).await
}

pub async fn is_settled(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(SETTLED, (id,)).await
}

pub async fn to_settle(db: &Db) -> Result<Vec<(i64, String)>> {
    db.all(TO_SETTLE, ()).await
}

/// The payout of a movement that is known, if it has one; none of one that is not known.
pub async fn known_movement(db: &Db, id: &str) -> Result<Option<Option<i64>>> {
    Ok(db.opt::<(Option<i64>,)>(KNOWN_MOVEMENT, (id,)).await?.map(|(payout,)| payout))
}

/// Whether a movement is of no gift of ours.
pub async fn is_nobodys(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_NOBODYS, (id,)).await?.0 > 0)
}

/// Whether a movement is known; then it is of that payout, too.
pub async fn takes_movement(tx: &mut Tx, id: &str, payout: Option<i64>) -> Result<bool> {
    Ok(tx.exec(TAKE_MOVEMENT, (id, payout)).await? == 1)
}

pub async fn page(db: &Db, before_id: i64, limit: i64) -> Result<Vec<PayoutLine>> {
    db.all(PAYOUTS, (before_id, limit)).await
}

pub async fn paid_out(db: &Db, payout: &str, before_id: i64, limit: i64) -> Result<Vec<PaidOut>> {
    db.all(PAID_OUT, (payout, before_id, limit)).await
}
