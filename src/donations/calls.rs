//! Calls that change something at the provider: stored first, made outside any transaction, repeated with the same key.
//!
//! A crash between the call and the commit of its answer leaves the stored call behind; whoever finds it makes it again with
//! the same key, and the provider answers as it did the first time (TRUST D6).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    monthly,
    store::{self, Call, Move},
};
use crate::{
    db::{self, Tx},
    payments::{NewCheckout, PaymentProvider, ProviderError},
    site::Site,
};

/// What a call that went through came to.
pub(super) enum CallOutcome {
    /// The address of the checkout page.
    Checkout(String),
    /// The subscription is over.
    Cancelled,
}

/// The request of a cancellation.
#[derive(Serialize, Deserialize)]
struct Cancellation {
    recurring: String,
    subscription: String,
}

/// How long a call may take before someone else may make it again: longer than all attempts of the client.
const LEASE: Duration = Duration::from_secs(60);
/// The provider keeps keys for a day; a repeat after that would act a second time.
const KEY_LIFE: Duration = Duration::from_secs(23 * 3600);

pub(super) async fn store_checkout(tx: &mut Tx, site: &Site, checkout: &NewCheckout) -> db::Result<Call> {
    let request = serde_json::to_string(checkout).map_err(|error| sqlx::Error::Encode(error.into()))?;
    keep(tx, site, &checkout.idempotency_key, "checkout", request).await
}

pub(super) async fn store_cancellation(
    tx: &mut Tx,
    site: &Site,
    recurring: &str,
    subscription: &str,
) -> db::Result<Call> {
    let request = Cancellation { recurring: recurring.to_owned(), subscription: subscription.to_owned() };
    let request = serde_json::to_string(&request).map_err(|error| sqlx::Error::Encode(error.into()))?;
    keep(tx, site, &format!("cancel:{recurring}"), "cancel", request).await
}

async fn keep(tx: &mut Tx, site: &Site, key: &str, operation: &str, request: String) -> db::Result<Call> {
    let now = site.now();
    let next_at = now.plus(LEASE);
    store::add_call(tx, key, operation, &request, now, next_at).await?;
    Ok(Call {
        idempotency_key: key.to_owned(),
        operation: operation.to_owned(),
        request,
        attempts: 0,
        created_at: now,
        next_at,
    })
}

/// Makes every stored call whose outcome is not known, again, with the same key. Returns how many ended.
///
/// # Errors
/// When the database fails; the calls stay and are found again.
pub async fn resume_calls(site: &Site, provider: &dyn PaymentProvider) -> db::Result<u64> {
    let mut ended = 0;
    for call in store::due_calls(&site.db, site.now()).await? {
        let mut tx = site.db.begin().await?;
        let ours = store::claim_call(&mut tx, &call, site.now().plus(LEASE)).await?;
        tx.commit().await?;
        if !ours {
            continue;
        }
        if site.now().since(call.created_at) > KEY_LIFE {
            give_up(site, &call, "not answered within a day: look for it at the provider").await?;
            ended += 1;
        } else if make(site, provider, &call).await?.is_ok_and(|_| true) {
            ended += 1;
        }
    }
    Ok(ended)
}

/// Makes a stored call and writes down what came of it.
pub(super) async fn make(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<CallOutcome, ProviderError>> {
    let answer = match call.operation.as_str() {
        "cancel" => cancel(site, provider, call).await?,
        _ => open_checkout(site, provider, call).await?,
    };
    if let Err(error) = &answer {
        tracing::warn!(key = call.idempotency_key, %error, "a call to the payment provider did not go through");
        if error.may_work_later() {
            let wait = LEASE * 2_u32.pow(u32::try_from(call.attempts.clamp(0, 6)).unwrap_or(6));
            let mut tx = site.db.begin().await?;
            let until = site.now().plus(wait);
            store::postpone_call(&mut tx, &call.idempotency_key, until, &error.to_string()).await?;
            tx.commit().await?;
        } else {
            give_up(site, call, &error.to_string()).await?;
        }
    }
    Ok(answer)
}

async fn open_checkout(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<CallOutcome, ProviderError>> {
    let new: NewCheckout =
        serde_json::from_str(&call.request).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let checkout = match provider.create_checkout(&new).await {
        Ok(checkout) => checkout,
        Err(error) => return Ok(Err(error)),
    };
    let mut tx = site.db.begin().await?;
    if let Some(donation) = store::donation(&mut tx, &new.donation).await? {
        store::link_session(&mut tx, donation.id, &checkout.id).await?;
    }
    store::call_done(&mut tx, &call.idempotency_key, &checkout.id, site.now()).await?;
    tx.commit().await?;
    Ok(Ok(CallOutcome::Checkout(checkout.url)))
}

async fn cancel(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<CallOutcome, ProviderError>> {
    let request: Cancellation =
        serde_json::from_str(&call.request).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let asked = provider.cancel_subscription(&request.subscription, &call.idempotency_key).await;
    if let Err(error) = asked {
        return Ok(Err(error));
    }
    // Only now, when the provider has said so, is it over here.
    let mut tx = site.db.begin().await?;
    if let Some(recurring) = store::recurring(&mut tx, &request.recurring).await? {
        store::cancel_recurring(&mut tx, recurring.id, site.now()).await?;
        monthly::follow_up(&mut tx, site, recurring.id).await?;
    }
    store::call_done(&mut tx, &call.idempotency_key, &request.subscription, site.now()).await?;
    tx.commit().await?;
    Ok(Ok(CallOutcome::Cancelled))
}

async fn give_up(site: &Site, call: &Call, reason: &str) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    store::call_failed(&mut tx, &call.idempotency_key, reason, site.now()).await?;
    if call.operation == "checkout"
        && let Ok(new) = serde_json::from_str::<NewCheckout>(&call.request)
        && let Some(donation) = store::donation(&mut tx, &new.donation).await?
    {
        store::advance(&mut tx, donation.id, Move::Expired).await?;
        if let Some(recurring_id) = donation.recurring_donation_id {
            store::abandon_recurring(&mut tx, recurring_id, site.now()).await?;
        }
    }
    tx.commit().await
}
