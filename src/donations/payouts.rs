//! What the provider pays out to our bank, and everything else that moves on its balance.
//!
//! One payout is one group in the book, equal to the line of the bank's statement; which movements it paid out is kept beside them.

use super::{
    apply::{self, ProviderPollError},
    ledger::{self, Posting},
    states::{Account, PostingKind},
    store::{
        back::keep_movement,
        book::other_of,
        payouts::{self as rows, PaidOut, PayoutLine},
    },
};
use crate::{
    db::{Db, Gate, Result, Tx},
    payments::{Movement, PaymentProvider, Payout, PayoutState, Span},
    queue::{self, News},
    site::Site,
};

/// Lets rows and book follow a payout as it is now. What it paid out is looked at in its own time ([`settle_waiting`]): nobody's
/// receipt waits for it.
pub(super) async fn follow(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
) -> std::result::Result<(), ProviderPollError> {
    let payout = provider.after().payout(id).await?;
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    follow_one(&mut tx, site, &payout).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes known what was paid out, of every payout of which that is not said yet.
///
/// # Errors
/// When the provider does not answer, or the database fails; the payout is found again.
pub async fn settle_waiting(
    site: &Site,
    provider: &dyn PaymentProvider,
) -> std::result::Result<(), ProviderPollError> {
    for (row, id) in rows::to_settle(&site.db).await? {
        settle_one(site, provider, row, &id).await?;
        let mut tx = site.db.begin().await?;
        rows::is_settled(&mut tx, row).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Page by page, each stored before the next is asked for.
async fn settle_one(
    site: &Site,
    provider: &dyn PaymentProvider,
    row: i64,
    id: &str,
) -> std::result::Result<(), ProviderPollError> {
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

async fn follow_one(tx: &mut Tx, site: &Site, payout: &Payout) -> Result<()> {
    let (row, before) = rows::keep_payout(tx, payout).await?;
    if payout.automatic && payout.state == PayoutState::Paid && before != Some(PayoutState::Paid) {
        rows::is_to_be_settled(tx, row).await?;
    }
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
    Ok(())
}

/// Makes a movement known: one of ours by its payment, whatever else as what it is. `payout` is the row that it was paid out with.
pub(super) async fn settle(
    site: &Site,
    provider: &dyn PaymentProvider,
    movement: &Movement,
    payout: Option<i64>,
) -> std::result::Result<(), ProviderPollError> {
    match rows::known_movement(&site.db, &movement.id).await? {
        // It was looked at before.
        Some(known) if known == payout => return Ok(()),
        Some(_) => {}
        None => {
            if let Some(payment) = &movement.payment {
                apply::look_after(site, provider, payment).await?;
            }
        }
    }
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    if !rows::takes_movement(&mut tx, &movement.id, payout).await? && !is_of_payout(movement) {
        keep_movement(&mut tx, movement, None, payout).await?;
        // Somebody else may have found out meanwhile whose it is.
        if rows::is_nobodys(&mut tx, &movement.id).await? {
            post_other(&mut tx, movement).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The movement of a payout itself is booked with the payout.
pub(super) fn is_of_payout(movement: &Movement) -> bool {
    movement.kind.starts_with("payout")
}

/// What was booked as no gift of ours, and is one, as of a supporter who was taken over since: that is reversed.
pub(super) async fn was_no_other(tx: &mut Tx, movement: &Movement, donation_id: i64) -> Result<()> {
    let net = other_of(tx, &movement.id).await?;
    let of = format!("{}:ours", movement.id);
    let posting = Posting {
        kind: PostingKind::Adjustment,
        of: &of,
        reference: &movement.id,
        currency: movement.amount.currency.code(),
        lines: &[(Account::Provider, -net), (Account::Others, net)],
        donation_id: Some(donation_id),
        at: movement.at,
    };
    ledger::post(tx, &posting).await.map(drop)
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
