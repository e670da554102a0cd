//! From what the provider's object says now to what our rows say: one direction, whatever the order of the news.
//!
//! The event only names the object. What is applied is the object as it is now, with the provider's own times, so that two
//! events of one payment, in any order and number, end in the same rows, dates included. Objects that carry none of our ids
//! belong to other software and are left alone.
//!
//! A monthly donation follows the one subscription that its own checkout made. Another that carries the same ids is a copy that
//! somebody made at the provider, and has a row of its own: its money is booked, and neither says anything of the other.

mod fetch;
mod gifts;
mod months;
mod refused;

pub(super) use self::fetch::{Seen, fetch};
use super::store::events::{DueEvent, Told};
use crate::{
    db::{self, Gate, Tx},
    payments::{Every, PaymentProvider, ProviderError},
    queue::Due,
    site::Site,
};

/// Why what the provider tells could not be read, or followed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderPollError {
    /// The provider did not give it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What applying came to.
pub(super) enum Applied {
    /// The object is not ours.
    NotOurs,
    /// It is, and belongs to that donation if it belongs to one.
    Ours(Option<i64>),
    /// Somebody else followed the subscription, or the payment, since it was looked at. Nothing may be kept of this: look again.
    Stale,
}

/// Lets our rows follow, in the caller's transaction.
pub(super) async fn apply(tx: &mut Tx, site: &Site, event: &DueEvent, seen: &Seen) -> db::Result<Applied> {
    match seen {
        Seen::Session { session, payment, month } => match session.every {
            Every::Once => gifts::once(tx, site, event, session, payment.as_deref()).await,
            Every::Month => gifts::monthly(tx, site, event, session, month.as_deref()).await,
        },
        Seen::Payment(paying, session) => gifts::payment_alone(tx, site, paying, session.as_deref()).await,
        Seen::After(paying) => gifts::after(tx, site, paying).await,
        Seen::Refused(payment) => refused::count(tx, site, event, payment).await,
        Seen::Month(month) => months::follow(tx, site, event, month).await,
        Seen::Months(all) => {
            for month in all {
                if matches!(months::follow(tx, site, event, month).await?, Applied::Stale) {
                    return Ok(Applied::Stale);
                }
            }
            Ok(Applied::Ours(None))
        }
        Seen::Nothing => Ok(Applied::NotOurs),
    }
}

/// Lets rows and book follow a payment as it is now, without any news of it. False when it is not ours.
pub(super) async fn look_after(
    site: &Site,
    provider: &dyn PaymentProvider,
    payment: &str,
) -> Result<bool, ProviderPollError> {
    look_after_told(site, provider, &Told::of("refund.updated", payment)).await
}

/// The same of an invoice.
pub(super) async fn look_after_invoice(
    site: &Site,
    provider: &dyn PaymentProvider,
    invoice: &str,
) -> Result<bool, ProviderPollError> {
    look_after_told(site, provider, &Told::of("invoice.paid", invoice)).await
}

/// The same of a subscription.
pub(super) async fn look_after_subscription(
    site: &Site,
    provider: &dyn PaymentProvider,
    subscription: &str,
) -> Result<bool, ProviderPollError> {
    look_after_told(site, provider, &Told::of("customer.subscription.updated", subscription)).await
}

async fn look_after_told(
    site: &Site,
    provider: &dyn PaymentProvider,
    told: &Told,
) -> Result<bool, ProviderPollError> {
    for _ in 0..MOST_LOOKS {
        let seen = fetch(site, provider, told).await?;
        let now = site.now();
        // As if it had just been told.
        let event = Due { name: String::new(), attempts: 0, next_at: now, since: now, what: told.clone() };
        let mut tx = site.db.begin_inside(Gate::Book).await?;
        match apply(&mut tx, site, &event, &seen).await? {
            Applied::Stale => {}
            Applied::NotOurs => return Ok(false),
            Applied::Ours(_) => {
                tx.commit().await?;
                return Ok(true);
            }
        }
    }
    Err(ProviderError::NotYet("how the payment is: others follow it too").into())
}

/// How often something is looked at again because somebody else followed it meanwhile.
pub(super) const MOST_LOOKS: u32 = 5;
