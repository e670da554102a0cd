//! What was taken over is followed at the provider, a few at a time: what it cost, what went back, how often it is given.

use super::{
    super::{
        apply::{self, ProviderPollError},
        store::adopt::{self as rows, Adoption, AdoptionState, AdoptionStep},
    },
    moved,
};
use crate::{clock::Moment, payments::PaymentProvider, site::Site};

/// So many between two words of how far it is.
const AT_ONCE: i64 = 20;
/// What stands before the row of a gift in the place; a standing gift has nothing.
const GIFT: &str = "gift ";

/// Follows some, standing gifts first; `end` is where it stands when none is left. Done twice it changes nothing.
pub async fn some(
    site: &Site,
    provider: &dyn PaymentProvider,
    one: &Adoption,
    end: (AdoptionState, AdoptionStep),
) -> Result<Option<Moment>, ProviderPollError> {
    let place = match one.after.strip_prefix(GIFT) {
        None => {
            let after = one.after.parse().unwrap_or(0);
            let standing = rows::standing_to_follow(&site.db, one.created_at, after, AT_ONCE).await?;
            for (_, subscription) in &standing {
                there(apply::look_after_subscription(site, provider, subscription).await)?;
            }
            standing.last().map_or_else(|| Some(format!("{GIFT}0")), |(row, _)| Some(row.to_string()))
        }
        Some(after) => {
            let after = after.parse().unwrap_or(0);
            let gifts = rows::gifts_to_follow(&site.db, one.created_at, after, AT_ONCE).await?;
            for (_, payment) in &gifts {
                there(apply::look_after(site, provider, payment).await)?;
            }
            gifts.last().map(|(row, _)| format!("{GIFT}{row}"))
        }
    };
    let mut tx = site.db.begin().await?;
    let to = match &place {
        Some(place) => (one.state, one.step, place.as_str()),
        None => (end.0, end.1, ""),
    };
    let claim = moved(&mut tx, site, one, to).await?;
    if claim.is_some() {
        tx.commit().await?;
    }
    Ok(claim)
}

/// What the provider has not got any more cannot be followed.
fn there(looked: Result<bool, ProviderPollError>) -> Result<(), ProviderPollError> {
    match looked {
        Err(ProviderPollError::Provider(error)) if error.is_missing() => Ok(()),
        looked => looked.map(drop),
    }
}
