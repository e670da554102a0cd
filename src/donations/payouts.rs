//! What the provider pays out to our bank, and everything else that moves on its balance.
//!
//! One payout is one group in the book, equal to the line of the bank's statement; which movements it paid out is kept beside them.

use super::{
    apply::{self, ProviderPollError},
    ledger::{self, Posting},
    states::{Account, PostingKind},
    store::{
        back::keep_movement,
        payouts::{self as rows, PaidOut, PayoutLine},
    },
};
use crate::{
    db::{Db, Gate, Result, Tx},
    payments::{Movement, PaymentProvider, Payout, PayoutState, Span},
    queue::{self, News},
    site::Site,
};

/// Lets rows and book follow a payout as it is now; what it paid out is read page by page, each stored before the next is asked for.
pub(super) async fn follow(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
) -> std::result::Result<(), ProviderPollError> {
    let payout = provider.after().payout(id).await?;
    let row = {
        let mut tx = site.db.begin_inside(Gate::Book).await?;
        let row = follow_one(&mut tx, site, &payout).await?;
        tx.commit().await?;
        row
    };
    if !payout.automatic || payout.state != PayoutState::Paid {
        return Ok(());
    }
    let mut after = None;
    loop {
        let span = Span { after: after.as_deref(), ..Span::default() };
        let page = provider.after().movements(span, Some(id)).await?;
        for movement in &page.items {
            settle(site, provider, movement, Some(row)).await?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn follow_one(tx: &mut Tx, site: &Site, payout: &Payout) -> Result<i64> {
    let (row, before) = rows::keep_payout(tx, payout).await?;
    let (minor, currency) = (payout.amount.minor, payout.amount.currency.code());
    let mut moves = vec![(PostingKind::Payout, payout.moved.as_ref(), minor)];
    if matches!(payout.state, PayoutState::Failed | PayoutState::Canceled) {
        moves.push((PostingKind::PayoutFailed, payout.returned.as_ref(), -minor));
    }
    for (kind, movement, minor) in moves {
        let Some(movement) = movement else { continue };
        keep_movement(tx, movement, None, Some(row)).await?;
        let posting = Posting {
            kind,
            of: &payout.id,
            reference: &payout.id,
            currency,
            lines: &[(Account::Bank, minor), (Account::Provider, -minor)],
            donation_id: None,
            at: movement.at,
        };
        ledger::post(tx, &posting).await?;
        ledger::post_costs(tx, movement, (-minor, currency), PostingKind::Fee, None).await?;
    }
    if payout.state == PayoutState::Failed && before != Some(PayoutState::Failed) {
        queue::add_news(tx, site.now(), News::Money, &format!("payout {}", payout.id)).await?;
    }
    Ok(row)
}

/// Makes a movement known: one of ours by its payment, whatever else as what it is. `payout` is the row that it was paid out with.
pub(super) async fn settle(
    site: &Site,
    provider: &dyn PaymentProvider,
    movement: &Movement,
    payout: Option<i64>,
) -> std::result::Result<(), ProviderPollError> {
    if !rows::knows_movement(&site.db, &movement.id).await?
        && let Some(payment) = &movement.payment
    {
        apply::look_after(site, provider, payment).await?;
    }
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    if !rows::takes_movement(&mut tx, &movement.id, payout).await? && !is_of_payout(movement) {
        keep_movement(&mut tx, movement, None, payout).await?;
        post_other(&mut tx, movement).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The movement of a payout itself is booked with the payout.
pub(super) fn is_of_payout(movement: &Movement) -> bool {
    movement.kind.starts_with("payout")
}

/// What is no gift of ours: a fee of the provider's own, or money of other software.
async fn post_other(tx: &mut Tx, movement: &Movement) -> Result<()> {
    let to = match movement.kind.as_str() {
        "stripe_fee" | "stripe_fx_fee" | "tax_fee" | "network_cost" => Account::Fees,
        _ => Account::Others,
    };
    let net = movement.net_minor();
    let posting = Posting {
        kind: PostingKind::Adjustment,
        of: &movement.id,
        reference: &movement.id,
        currency: movement.amount.currency.code(),
        lines: &[(Account::Provider, net), (to, -net)],
        donation_id: None,
        at: movement.at,
    };
    ledger::post(tx, &posting).await.map(drop)
}

/// Payouts, the newest first, older than that row; the first page without one.
pub async fn payouts_page(db: &Db, before_id: Option<i64>, limit: i64) -> Result<Vec<PayoutLine>> {
    rows::page(db, before_id.unwrap_or(i64::MAX), limit).await
}

/// What a payout paid out, the newest first, older than that row; the first page without one.
pub async fn paid_out(db: &Db, payout: &str, before_id: Option<i64>, limit: i64) -> Result<Vec<PaidOut>> {
    rows::paid_out(db, payout, before_id.unwrap_or(i64::MAX), limit).await
}
