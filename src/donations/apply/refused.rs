//! A payment that was refused: it changes no gift, and is counted (TRUST A26).
//!
//! As long as its checkout is open another try may follow, so what becomes of the gift is told by its session. What names none of our
//! gifts is another program's, or a month that is charged: neither says anything of who is on our page to give.

use std::time::Duration;

use super::{
    super::{
        brakes,
        states::PaymentOutcome,
        store::{self, brakes::NewAttempt, events::DueEvent},
    },
    Applied,
};
use crate::{
    db::{self, Tx},
    payments::Payment,
    site::Site,
};

/// As long as a checkout may be open, and more.
const LATELY: Duration = Duration::from_secs(86_400);

/// Counts it once, whichever way it was told.
pub async fn count(tx: &mut Tx, site: &Site, event: &DueEvent, payment: &Payment) -> db::Result<Applied> {
    let donation_id = match (&payment.ours.donation, payment.amount) {
        (Some(named), _) => store::gifts::donation(tx, named).await?.map(|donation| donation.id),
        (None, Some(amount)) if payment.begins_months => {
            store::brakes::first_month(tx, event.since.minus(LATELY), amount).await?
        }
        _ => None,
    };
    let Some(donation_id) = donation_id else { return Ok(Applied::NotOurs) };
    let of_a_card = payment.refused.as_ref().is_none_or(|refused| refused.of_a_card);
    let attempt = NewAttempt {
        provider_ref: &event.name,
        donation_id: Some(donation_id),
        outcome: if of_a_card { PaymentOutcome::Declined } else { PaymentOutcome::Failed },
        decline_code: payment.refused.as_ref().map_or("", |refused| refused.code.as_str()),
        at: event.since.min(site.now()),
    };
    if store::brakes::add_attempt(tx, &attempt).await? && of_a_card {
        brakes::look_at_declined(tx, site).await?;
    }
    Ok(Applied::Ours(Some(donation_id)))
}
