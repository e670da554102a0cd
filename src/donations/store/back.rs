//! The statements of what becomes of a gift after it was paid.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::{Charge, Dispute, DisputeState, FraudWarning, Movement, Refund, RefundState},
    statements,
};

statements! {
    /// What it was paid with, of whoever is not forgotten.
    KEEP_CARD = "update donation set card_brand = $2, card_last4 = $3 where id = $1 and card_last4 = '' and email <> ''";
    GIFT = "select id, donor_id, email, name, amount_minor, currency, paid_at,
        (select number from receipt where donation_id = donation.id) as receipt from donation where id = $1";
    /// Asked before the provider is: what the provider says then is no older than this.
    VERSION = "select version from donation where provider_payment_id = $1";
    FOLLOW = "update donation set version = version + 1 where id = $1 and version = $2";
    REFUND_STATE = "select state from refund where provider_refund_id = $1";
    KEEP_REFUND = "insert into refund (provider_refund_id, donation_id, amount_minor, currency, state, reason, failure, moved_by,
        returned_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (provider_refund_id) do update set state = excluded.state, reason = excluded.reason, failure = excluded.failure,
        amount_minor = excluded.amount_minor, moved_by = coalesce(excluded.moved_by, refund.moved_by),
        returned_by = coalesce(excluded.returned_by, refund.returned_by)";
    DISPUTE_STATE = "select state from dispute where provider_dispute_id = $1";
    KEEP_DISPUTE = "insert into dispute (provider_dispute_id, donation_id, amount_minor, currency, state, reason, due_at, is_answered,
        created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (provider_dispute_id) do update set state = excluded.state, reason = excluded.reason,
        amount_minor = excluded.amount_minor, due_at = excluded.due_at, is_answered = excluded.is_answered";
    ADD_WARNING = "insert into fraud_warning (provider_warning_id, donation_id, reason, is_actionable, created_at)
        values ($1, $2, $3, $4, $5) on conflict (provider_warning_id) do nothing";
    SET_WARNING = "update fraud_warning set is_actionable = $2 where provider_warning_id = $1";
    /// What a payout said of it first is filled in by whoever knows more.
    KEEP_MOVEMENT = "insert into movement (provider_movement_id, type, source, amount_minor, fee_minor, currency, exchange_rate,
        donation_id, payout_id, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (provider_movement_id) do update set donation_id = coalesce(movement.donation_id, excluded.donation_id),
        payout_id = coalesce(movement.payout_id, excluded.payout_id)";
    BACK_OF = "select cast(coalesce(sum(minor), 0) as bigint) from gift_back where donation_id = $1";
    ABOUT_REFUND = "select d.public_id as donation, r.state, r.amount_minor, r.currency, r.failure as reason,
        cast(null as bigint) as due_at from refund r join donation d on d.id = r.donation_id where r.provider_refund_id = $1";
    ABOUT_DISPUTE = "select d.public_id as donation, x.state, x.amount_minor, x.currency, x.reason, x.due_at
        from dispute x join donation d on d.id = x.donation_id where x.provider_dispute_id = $1";
    ABOUT_WARNING = "select d.public_id as donation, case when w.is_actionable then 'actionable' else 'over' end as state,
        d.amount_minor, d.currency, w.reason, cast(null as bigint) as due_at
        from fraud_warning w join donation d on d.id = w.donation_id where w.provider_warning_id = $1";
    /// A regular gift, with the newest that was given by it.
    ABOUT_REGULAR = "select (select d.public_id from donation d where d.recurring_donation_id = r.id order by d.id desc limit 1) as donation,
        r.state, r.amount_minor, r.currency, '' as reason, cast(null as bigint) as due_at from recurring_donation r where r.public_id = $1";
    ABOUT_PAYOUT = "select cast(null as text) as donation, state, amount_minor, currency, failure as reason,
        cast(null as bigint) as due_at from payout where provider_payout_id = $1";
}

/// A gift that is paid.
#[derive(Clone, Debug, FromRow)]
pub struct Gift {
    pub id: i64,
    pub donor_id: Option<i64>,
    pub email: String,
    pub name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub paid_at: Option<Moment>,
    pub receipt: Option<String>,
}

pub async fn gift(tx: &mut Tx, id: i64) -> Result<Gift> {
    tx.one(GIFT, (id,)).await
}

/// How often the row of a payment has followed it; none while no row knows it.
pub async fn version_of(db: &Db, payment: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(VERSION, (payment,)).await?.map(|(version,)| version))
}

/// Whether nobody else followed since.
pub async fn follow(tx: &mut Tx, donation_id: i64, version: i64) -> Result<bool> {
    Ok(tx.exec(FOLLOW, (donation_id, version)).await? == 1)
}

/// How it stood before; none if it was not known.
pub async fn keep_refund(tx: &mut Tx, donation_id: i64, refund: &Refund) -> Result<Option<RefundState>> {
    let id = refund.id.as_str();
    let before: Option<(RefundState,)> = tx.opt(REFUND_STATE, (id,)).await?;
    let row = (
        id,
        donation_id,
        refund.amount.minor,
        refund.amount.currency.code(),
        refund.state,
        refund.reason.as_str(),
        refund.failure.as_str(),
        refund.moved.as_ref().map(|moved| moved.id.as_str()),
        refund.returned.as_ref().map(|moved| moved.id.as_str()),
        refund.created,
    );
    tx.exec(KEEP_REFUND, row).await?;
    Ok(before.map(|(state,)| state))
}

/// How it stood before; none if it was not known.
pub async fn keep_dispute(tx: &mut Tx, donation_id: i64, dispute: &Dispute) -> Result<Option<DisputeState>> {
    let id = dispute.id.as_str();
    let before: Option<(DisputeState,)> = tx.opt(DISPUTE_STATE, (id,)).await?;
    let row = (
        id,
        donation_id,
        dispute.amount.minor,
        dispute.amount.currency.code(),
        dispute.state,
        dispute.reason.as_str(),
        dispute.due,
        dispute.answered,
        dispute.created,
    );
    tx.exec(KEEP_DISPUTE, row).await?;
    Ok(before.map(|(state,)| state))
}

/// Whether it was not known.
pub async fn keep_warning(tx: &mut Tx, donation_id: i64, warning: &FraudWarning) -> Result<bool> {
    let id = warning.id.as_str();
    let row = (id, donation_id, warning.reason.as_str(), warning.actionable, warning.created);
    let is_new = tx.exec(ADD_WARNING, row).await? == 1;
    tx.exec(SET_WARNING, (id, warning.actionable)).await?;
    Ok(is_new)
}

pub async fn keep_movement(
    tx: &mut Tx,
    movement: &Movement,
    donation_id: Option<i64>,
    payout_id: Option<i64>,
) -> Result<()> {
    let row = (
        movement.id.as_str(),
        movement.kind.as_str(),
        movement.source.as_deref(),
        movement.amount.minor,
        movement.fee_minor,
        movement.amount.currency.code(),
        movement.exchange_rate.as_deref(),
        donation_id,
        payout_id,
        movement.at,
    );
    tx.exec(KEEP_MOVEMENT, row).await.map(drop)
}

/// What is not ours any more of a gift, in minor units.
pub async fn back_of(tx: &mut Tx, donation_id: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(BACK_OF, (donation_id,)).await?.0)
}

/// What a letter to the team is about.
#[derive(Clone, Debug, FromRow)]
pub struct About {
    /// The public id of the gift; none of a payout.
    pub donation: Option<String>,
    pub state: String,
    pub amount_minor: i64,
    pub currency: String,
    pub reason: String,
    pub due_at: Option<Moment>,
}

pub async fn about_refund(tx: &mut Tx, id: &str) -> Result<Option<About>> {
    tx.opt(ABOUT_REFUND, (id,)).await
}

pub async fn about_dispute(tx: &mut Tx, id: &str) -> Result<Option<About>> {
    tx.opt(ABOUT_DISPUTE, (id,)).await
}

pub async fn about_warning(tx: &mut Tx, id: &str) -> Result<Option<About>> {
    tx.opt(ABOUT_WARNING, (id,)).await
}

pub async fn about_regular(tx: &mut Tx, id: &str) -> Result<Option<About>> {
    tx.opt(ABOUT_REGULAR, (id,)).await
}

pub async fn about_payout(tx: &mut Tx, id: &str) -> Result<Option<About>> {
    tx.opt(ABOUT_PAYOUT, (id,)).await
}

pub async fn keep_card(tx: &mut Tx, gift: i64, charge: &Charge) -> Result<u64> {
    tx.exec(KEEP_CARD, (gift, charge.brand.as_str(), charge.last4.as_str())).await
}
