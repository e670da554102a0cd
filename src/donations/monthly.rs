//! Monthly donations: what their supporter sees of them, and how they end.
//!
//! The rule that must hold: here a monthly donation is over only when the provider has said so; a supporter who was told
//! "cancelled" is never charged again.

use super::{
    calls,
    lines::figures,
    manage_link,
    store::{self, attention::Other, months::Recurring},
};
use crate::{
    clock::Moment,
    db,
    payments::{GiftRhythm, PaymentProvider, ProviderError, RecurringState},
    site::Site,
    withdrawals::{self, Withdrawal},
};

/// A monthly donation, for the page its supporter reaches from a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monthly {
    /// Its name.
    pub public_id: String,
    /// The amount each month, for people.
    pub amount: String,
    /// How it stands.
    pub state: RecurringState,
    /// When the first month was paid.
    pub began_at: Option<Moment>,
    /// When it ended.
    pub cancelled_at: Option<Moment>,
    /// When the supporter asked to end it, while the provider has not said yet that it is over.
    pub asked_at: Option<Moment>,
    /// How often it is taken.
    pub rhythm: GiftRhythm,
    /// When it is taken next, when it ends by itself, until when it rests.
    pub next_at: Option<Moment>,
    pub ends_at: Option<Moment>,
    pub rests_until: Option<Moment>,
    /// Since when a change waits for the provider's word.
    pub changing_since: Option<Moment>,
    /// Amount and rhythm, for people, of others of the same donation that are not over: somebody copied it at the provider.
    pub others: Vec<String>,
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

/// The monthly donation a token opens; none when the token is not genuine.
pub async fn monthly_of(site: &Site, token: &str) -> db::Result<Option<Monthly>> {
    let Some(row) = find(site, token).await? else { return Ok(None) };
    let days = store::renewals::days_of(&site.db, row.id).await?;
    Ok(Some(Monthly {
        rhythm: row.rhythm(),
        next_at: days.next_at,
        ends_at: days.ends_at,
        rests_until: days.rests_until,
        changing_since: store::changes::waits_since(&site.db, row.id).await?,
        amount: figures(row.amount_minor, &row.currency),
        asked_at: store::attention::asked_to_end(&site.db, &row.public_id).await?,
        others: others(site, &row)
            .await?
            .iter()
            .map(|other| {
                let rhythm = GiftRhythm { count: other.every_count, unit: other.every_unit };
                format!("{} {}", figures(other.amount_minor, &other.currency), rhythm.words())
            })
            .collect(),
        public_id: row.public_id,
        state: row.state,
        began_at: row.activated_at,
        cancelled_at: row.cancelled_at,
    }))
}

/// Whatever else of the same monthly donation runs.
async fn others(site: &Site, row: &Recurring) -> db::Result<Vec<Other>> {
    let first = row.copy_of.as_deref().unwrap_or(&row.public_id);
    store::attention::also_running(&site.db, &row.public_id, first).await
}

/// Ends a monthly donation and every other that is a copy of it or that it is a copy of.
///
/// # Errors
/// As [`cancel_monthly`]; the others are asked for all the same.
pub async fn cancel_all(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    token: &str,
) -> Result<(), CancelError> {
    let recurring = find(site, token).await?.ok_or(CancelError::NotFound)?;
    let others = others(site, &recurring).await?;
    let mut named: Vec<&str> = others.iter().map(|other| other.public_id.as_str()).collect();
    if recurring.state.runs() && recurring.provider_subscription_id.is_some() {
        named.push(&recurring.public_id);
    }
    // All of it is written down before the provider hears of any.
    withdrawals::write(site, &named.iter().map(|gift| ended(gift)).collect::<Vec<_>>()).await;
    let mut tx = site.db.begin().await?;
    let mut stored = Vec::new();
    store::changes::drop_all(&mut tx, recurring.id, site.now()).await?;
    for one in named {
        stored.push(calls::store_cancellation(&mut tx, site, one).await?);
    }
    tx.commit().await?;
    let mut ended = Ok(());
    if let Some(provider) = provider {
        for call in &stored {
            if let Err(error) = calls::cancel(site, provider, call).await? {
                ended = Err(CancelError::NotYet(error));
            }
        }
    }
    ended
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
    if recurring.state == RecurringState::Cancelled {
        return Ok(());
    }
    if recurring.provider_subscription_id.is_none() {
        return Err(CancelError::NotFound);
    }
    withdrawals::write(site, &[ended(&recurring.public_id)]).await;
    let mut tx = site.db.begin().await?;
    store::changes::drop_all(&mut tx, recurring.id, site.now()).await?;
    let call = calls::store_cancellation(&mut tx, site, &recurring.public_id).await?;
    tx.commit().await?;
    if let Some(provider) = provider {
        calls::cancel(site, provider, &call).await??;
    }
    Ok(())
}

fn ended(gift: &str) -> Withdrawal {
    Withdrawal::Ended { gift: gift.to_owned() }
}

/// A supporter asked to end it, says the journal beside the database, which may not know: the provider is asked at the next
/// turn. One that this database never knew is ended as soon as the provider's events have brought it back. `false` if it was asked already.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn cancel_as_written(site: &Site, public_id: &str) -> db::Result<bool> {
    let known = store::months::read_recurring(&site.db, public_id).await?;
    let is_over = known.as_ref().is_some_and(|row| row.state == RecurringState::Cancelled);
    if is_over || store::attention::asked_to_end(&site.db, public_id).await?.is_some() {
        return Ok(false);
    }
    let mut tx = site.db.begin().await?;
    calls::store_cancellation(&mut tx, site, public_id).await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn find(site: &Site, token: &str) -> db::Result<Option<Recurring>> {
    match manage_link::managed(site, token) {
        Some(public_id) => store::months::read_recurring(&site.db, &public_id).await,
        None => Ok(None),
    }
}
