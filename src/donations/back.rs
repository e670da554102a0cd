//! What becomes of a gift after it was paid: fees, what is given back, what a bank takes back, and what it warns of.
//!
//! The rule: rows and book are a function of what the provider says now of one payment, of its refunds and of its disputes, and of
//! nothing else. So the order of the news does not matter, nor how often they come.

use super::{
    ledger::{self, Posting},
    letters, payouts,
    states::{Account, PostingKind},
    store::{back as rows, gifts},
};
use crate::{
    db::{Result, Tx},
    money::Money,
    payments::{Charge, Dispute, FraudWarning, Movement, Refund},
    queue::{self, News},
    site::Site,
};

/// What came back, or may, of one payment.
#[derive(Clone, Debug, Default)]
pub(super) struct Back {
    pub refunds: Vec<Refund>,
    pub disputes: Vec<Dispute>,
    pub warnings: Vec<FraudWarning>,
}

/// What the provider says of the money of a gift that is paid.
pub(super) struct Aftermath<'a> {
    /// What came in over the provider.
    pub paid: Option<Money>,
    pub charge: Option<&'a Charge>,
    /// None where nothing is said to have come back.
    pub back: Option<&'a Back>,
    /// How often the gift's row had followed it before it was looked at.
    pub version: i64,
}

/// Lets rows and book follow. False, and then nothing may be kept of it, when somebody else followed since it was looked at.
pub(super) async fn follow(tx: &mut Tx, site: &Site, donation_id: i64, seen: &Aftermath<'_>) -> Result<bool> {
    let gift = rows::gift(tx, donation_id).await?;
    if let Some(movement) = seen.charge.and_then(|charge| charge.movement.as_ref()) {
        rows::keep_movement(tx, movement, Some(gift.id), None).await?;
        payouts::was_no_other(tx, movement, gift.id).await?;
        let paid = seen
            .paid
            .map_or((gift.amount_minor, gift.currency.as_str()), |paid| (paid.minor, paid.currency.code()));
        ledger::post_costs(tx, movement, paid, PostingKind::Fee, Some(gift.id)).await?;
    }
    if let Some(charge) = seen.charge.filter(|charge| !charge.last4.is_empty()) {
        rows::keep_card(tx, gift.id, charge).await?;
    }
    let Some(back) = seen.back else { return Ok(true) };
    if !rows::follow(tx, gift.id, seen.version).await? {
        return Ok(false);
    }
    gifts::take_off_day(tx, gift.id).await?;
    for refund in &back.refunds {
        given_back(tx, site, &gift, refund).await?;
    }
    for dispute in &back.disputes {
        disputed(tx, site, &gift, dispute).await?;
    }
    gifts::add_to_day(tx, gift.id).await?;
    for warning in &back.warnings {
        if rows::keep_warning(tx, gift.id, warning).await? && warning.actionable {
            queue::add_news(tx, site.now(), News::Money, &format!("warning {}", warning.id)).await?;
        }
    }
    if let Some(donor_id) = gift.donor_id {
        letters::tell_donor_state(tx, site, donor_id).await?;
    }
    Ok(true)
}

async fn given_back(tx: &mut Tx, site: &Site, gift: &rows::Gift, refund: &Refund) -> Result<()> {
    use crate::payments::RefundState::{Canceled, Failed, Succeeded};
    let before = rows::keep_refund(tx, gift.id, refund).await?;
    let minor = refund.amount.minor;
    if let Some(moved) = &refund.moved {
        let lines = [(Account::Refunds, minor), (Account::Provider, -minor)];
        moved_for(tx, gift, refund_posting(PostingKind::Refund, refund, &lines), moved).await?;
    }
    if let (Failed | Canceled, Some(returned)) = (refund.state, &refund.returned) {
        let lines = [(Account::Provider, minor), (Account::Refunds, -minor)];
        moved_for(tx, gift, refund_posting(PostingKind::RefundFailed, refund, &lines), returned).await?;
    }
    if before == Some(refund.state) {
        return Ok(());
    }
    match refund.state {
        // Who was given no receipt, as for what another program took, has none that is to be corrected.
        Succeeded if gift.receipt.is_some() => letters::send_given_back(tx, site, gift, refund).await,
        Failed => queue::add_news(tx, site.now(), News::Money, &format!("refund {}", refund.id)).await,
        _ => Ok(()),
    }
}

/// A group, its kind and lines, what it comes from.
type Group<'a> = (PostingKind, &'a str, &'a str, &'a [(Account, i64)]);

fn refund_posting<'a>(kind: PostingKind, refund: &'a Refund, lines: &'a [(Account, i64)]) -> Group<'a> {
    (kind, &refund.id, refund.amount.currency.code(), lines)
}

async fn moved_for(
    tx: &mut Tx,
    gift: &rows::Gift,
    (kind, of, currency, lines): Group<'_>,
    movement: &Movement,
) -> Result<()> {
    rows::keep_movement(tx, movement, Some(gift.id), None).await?;
    payouts::was_no_other(tx, movement, gift.id).await?;
    let at = movement.at;
    let posting = Posting { kind, of, reference: of, currency, lines, donation_id: Some(gift.id), at };
    ledger::post(tx, &posting).await?;
    let of_provider = lines.iter().find(|(account, _)| *account == Account::Provider);
    let gross = of_provider.map_or(0, |(_, minor)| *minor);
    let fee = if matches!(kind, PostingKind::Dispute | PostingKind::DisputeWon) {
        PostingKind::DisputeFee
    } else {
        PostingKind::Fee
    };
    ledger::post_costs(tx, movement, (gross, currency), fee, Some(gift.id)).await
}

async fn disputed(tx: &mut Tx, site: &Site, gift: &rows::Gift, dispute: &Dispute) -> Result<()> {
    let before = rows::keep_dispute(tx, gift.id, dispute).await?;
    for movement in &dispute.movements {
        // What a bank takes is taken in the account's currency; in the book it stands in the gift's.
        let taken = movement.amount.minor <= 0;
        let kind = if taken { PostingKind::Dispute } else { PostingKind::DisputeWon };
        let is_exchanged = movement.amount.currency != dispute.amount.currency;
        let minor = if is_exchanged { dispute.amount.minor } else { movement.amount.minor.abs() };
        let (minor, currency) = (if taken { minor } else { -minor }, dispute.amount.currency.code());
        let lines = [(Account::Disputed, minor), (Account::Provider, -minor)];
        let lines = if movement.amount.minor == 0 { &[][..] } else { &lines[..] };
        moved_for(tx, gift, (kind, &movement.id, currency, lines), movement).await?;
    }
    // What another program took, and answered for, is told only where an answer of ours is waited for.
    let is_news = dispute.state.waits_for_us() || !dispute.state.is_open() && gift.receipt.is_some();
    if before != Some(dispute.state) && is_news {
        let subject = format!("dispute {} {}", dispute.id, dispute.state);
        queue::add_news(tx, site.now(), News::Money, &subject).await?;
    }
    Ok(())
}
