//! Monthly donations: what their supporter sees of them, and how they end.
//!
//! The rule that must hold: here a monthly donation is over only when the provider has said so; a supporter who was told
//! "cancelled" is never charged again.

use super::{
    calls, letters,
    store::{self, Recurring},
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    money::{self, Money},
    payments::{PaymentProvider, ProviderError},
    site::Site,
    token::Purpose,
};

/// A monthly donation, for the page its supporter reaches from a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monthly {
    /// Its name.
    pub public_id: String,
    /// The amount each month, for people.
    pub amount: String,
    /// `pending`, `active`, `past_due`, `paused`, `unpaid` or `cancelled`.
    pub state: String,
    /// When the first month was paid.
    pub began_at: Option<Moment>,
    /// When it ended.
    pub cancelled_at: Option<Moment>,
    /// When the supporter asked to end it, while the provider has not said yet that it is over.
    pub asked_at: Option<Moment>,
}

/// Why a monthly donation was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The link is not genuine, or the donation is not there.
    #[error("there is no such monthly donation")]
    NotFound,
    /// The provider has not confirmed it yet. It is asked again until it does.
    #[error(transparent)]
    NotYet(#[from] ProviderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The token of the page on which a supporter ends a monthly donation: `/giving/{token}`.
#[must_use]
pub fn manage_token(site: &Site, public_id: &str) -> String {
    // No expiry: who gives each month must always find the way out, from the oldest receipt.
    site.keys.sign(Purpose::Thanks, &format!("monthly.{public_id}"), None)
}

/// The monthly donation a token opens; none when the token is not genuine.
///
/// # Errors
/// When the database fails.
pub async fn monthly_of(site: &Site, token: &str) -> db::Result<Option<Monthly>> {
    let Some(row) = find(site, token).await? else { return Ok(None) };
    Ok(Some(Monthly {
        amount: amount(&row),
        asked_at: store::attention::asked_to_end(&site.db, &row.public_id).await?,
        public_id: row.public_id,
        state: row.state,
        began_at: row.activated_at,
        cancelled_at: row.cancelled_at,
    }))
}

/// Ends a monthly donation. Asking twice is no error. What was asked is kept before the provider hears of it, and without one
/// until there is one: then this is fine, and [`Monthly::asked_at`] says that it is not over.
///
/// # Errors
/// [`CancelError`]; after [`CancelError::NotYet`] the provider is asked again by [`resume_calls`](super::resume_calls).
pub async fn cancel_monthly(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    token: &str,
) -> Result<(), CancelError> {
    let recurring = find(site, token).await?.ok_or(CancelError::NotFound)?;
    if recurring.state == "cancelled" {
        return Ok(());
    }
    if recurring.provider_subscription_id.is_none() {
        return Err(CancelError::NotFound);
    }
    let mut tx = site.db.begin().await?;
    let call = calls::store_cancellation(&mut tx, site, &recurring.public_id).await?;
    tx.commit().await?;
    if let Some(provider) = provider {
        calls::make(site, provider, &call).await??;
    }
    Ok(())
}

async fn find(site: &Site, token: &str) -> db::Result<Option<Recurring>> {
    let Ok(scope) = site.keys.verify(Purpose::Thanks, token, site.now()) else { return Ok(None) };
    match scope.strip_prefix("monthly.") {
        Some(public_id) => store::read_recurring(&site.db, public_id).await,
        None => Ok(None),
    }
}

/// After any change: tells the supporter, once, that a monthly donation that had begun is over, and brings the donor state up to date.
pub(super) async fn follow_up(tx: &mut Tx, site: &Site, recurring_id: i64) -> db::Result<()> {
    let recurring = store::recurring_by_id(tx, recurring_id).await?;
    if recurring.state == "cancelled" && recurring.activated_at.is_some() {
        letters::send_monthly_ended(tx, site, &recurring).await?;
    }
    if let Some(donor_id) = recurring.donor_id {
        letters::tell_donor_state(tx, site, donor_id).await?;
    }
    Ok(())
}

pub(super) fn amount(recurring: &Recurring) -> String {
    match money::currency(&recurring.currency) {
        Some(currency) => Money::new(recurring.amount_minor, currency).to_string(),
        None => format!("{} minor units of {}", recurring.amount_minor, recurring.currency),
    }
}
