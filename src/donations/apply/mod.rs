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

pub(super) use self::fetch::{Seen, fetch};
use super::store::events::DueEvent;
use crate::{
    db::{self, Tx},
    payments::{Every, ProviderError},
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
    /// Somebody else followed the subscription since it was looked at. Nothing may be kept of this: look again.
    Stale,
}

/// Lets our rows follow, in the caller's transaction.
pub(super) async fn apply(tx: &mut Tx, site: &Site, event: &DueEvent, seen: &Seen) -> db::Result<Applied> {
    match seen {
        Seen::Session { session, payment, month } => match session.every {
            Every::Once => gifts::once(tx, site, event, session, payment.as_ref()).await,
            Every::Month => gifts::monthly(tx, site, event, session, month.as_ref()).await,
        },
        Seen::Payment(payment, session) => gifts::payment_alone(tx, site, payment, session.as_deref()).await,
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
