//! Calls that change something at the provider: stored first, made outside any transaction, repeated with the same key.
//!
//! A crash between the call and the commit of its answer leaves the stored call behind; whoever finds it makes it again with
//! the same key, and the provider answers as it did the first time (TRUST D6).
//!
//! A checkout that cannot be opened is given up, for its supporter has been told and is gone. Ending a monthly donation is not:
//! the provider is asked until it says that it is over, or that it has no such thing. Should it say later that it has, it is
//! asked again.

use std::time::Duration;

use super::{
    letters,
    store::{self, Call, Move},
};
use crate::{
    db::{self, Tx},
    heavy::Each,
    payments::{NewCheckout, PaymentProvider, ProviderError, SubscriptionState},
    site::Site,
};

/// What a call that went through came to.
pub(super) enum CallOutcome {
    /// The address of the checkout page.
    Checkout(String),
    /// The subscription is over.
    Cancelled,
}

/// How long a call may take before someone else may make it again: longer than all attempts of the client.
const LEASE: Duration = Duration::from_secs(60);
/// The provider keeps keys for a day; opening a checkout again after that would open a second one.
const KEY_LIFE: Duration = Duration::from_secs(23 * 3600);
/// The key of asking to end a monthly donation is this and its public id.
const CANCEL: &str = "cancel:";

pub(super) async fn store_checkout(tx: &mut Tx, site: &Site, checkout: &NewCheckout) -> db::Result<Call> {
    let request = serde_json::to_string(checkout).map_err(|error| sqlx::Error::Encode(error.into()))?;
    keep(tx, site, &checkout.idempotency_key, "checkout", request).await
}

/// The call that asks to end a monthly donation: one for each, however often it is pressed.
pub(super) async fn store_cancellation(tx: &mut Tx, site: &Site, recurring: &str) -> db::Result<Call> {
    keep(tx, site, &format!("{CANCEL}{recurring}"), "cancel", String::new()).await
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
    let (mut ended, mut each) = (0, Each::default());
    for call in store::due_calls(&site.db, site.now()).await? {
        let mut tx = site.db.begin().await?;
        let ours = store::claim_call(&mut tx, &call, site.now().plus(LEASE)).await?;
        tx.commit().await?;
        if !ours {
            continue;
        }
        if call.operation != "cancel" && site.now().since(call.created_at) > KEY_LIFE {
            give_up(site, &call, "not answered within a day: look for it at the provider", false).await?;
            ended += 1;
        } else if let Some(made) = each.one(make(site, provider, &call)).await
            && made?.is_ok()
        {
            ended += 1;
        }
    }
    each.end();
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
        let why = error.for_the_record();
        tracing::warn!(key = call.idempotency_key, why, "a call to the payment provider did not go through");
        let slowest = if call.operation == "cancel" { CANCEL_SLOWEST } else { CHECKOUT_SLOWEST };
        if call.operation == "cancel" || error.may_work_later() {
            let attempts = u32::try_from(call.attempts).unwrap_or(0).min(slowest);
            let until = site.now().plus(LEASE * 2_u32.pow(attempts));
            let mut tx = site.db.begin().await?;
            store::postpone_call(&mut tx, &call.idempotency_key, until, &why).await?;
            tx.commit().await?;
        } else {
            // What was wrong with the form, the supporter was told; what is wrong with us, nobody.
            give_up(site, call, &why, error.is_about_the_gift()).await?;
        }
    }
    Ok(answer)
}

/// The waits double up to 2^this minutes: a quarter of an hour, an hour.
const CANCEL_SLOWEST: u32 = 4;
const CHECKOUT_SLOWEST: u32 = 6;

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
    let named = call.idempotency_key.strip_prefix(CANCEL).unwrap_or_default();
    let recurring = store::read_recurring(&site.db, named).await?;
    let subscription = recurring.and_then(|row| row.provider_subscription_id).unwrap_or_default();
    // Ending twice is ending once, so every try may carry a key of its own. It must: the provider keeps the answer it gave to a
    // key for a day, a failure too, and forgets the key after that.
    let key = format!("{}:{}", call.idempotency_key, call.attempts);
    let ended_at = match provider.cancel_subscription(&subscription, &key).await {
        Ok(seen) if seen.state == SubscriptionState::Cancelled => seen.ended_at.unwrap_or(site.now()),
        Ok(_) => return Ok(Err(ProviderError::NotYet("that the monthly donation is over"))),
        // What the provider has not got it cannot charge. A test key does not hear of what is live, nor the key of another
        // account of anything: whoever hears otherwise later asks again ([`taken_back`]). What only a test key sees moves no
        // money.
        Err(error) if error.is_missing() && (provider.is_live() || !error.is_of_other_mode()) => {
            let why = error.for_the_record();
            tracing::warn!(
                key = call.idempotency_key,
                why,
                "the payment provider knows no such subscription"
            );
            site.now()
        }
        Err(error) => return Ok(Err(error)),
    };
    // Only now, when the provider has said so, is it over here.
    let mut tx = site.db.begin().await?;
    if let Some(recurring) = store::recurring(&mut tx, named).await? {
        store::cancel_recurring(&mut tx, recurring.id, ended_at).await?;
        letters::follow_up(&mut tx, site, recurring.id).await?;
    }
    store::call_done(&mut tx, &call.idempotency_key, &subscription, site.now()).await?;
    tx.commit().await?;
    Ok(Ok(CallOutcome::Cancelled))
}

/// The provider shows that a monthly donation runs which was said to be over: ending it is asked for again, and whoever was
/// told of it before is told again. False when nobody had asked to end it.
pub(super) async fn taken_back(tx: &mut Tx, site: &Site, recurring: &str) -> db::Result<bool> {
    let key = format!("{CANCEL}{recurring}");
    Ok(store::reopen_call(tx, &key, "it was said to be over, and runs", site.now()).await? == 1)
}

/// Ends a call to open a checkout that will not be made again. `told` says whether staff need not be.
async fn give_up(site: &Site, call: &Call, reason: &str, told: bool) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    store::call_failed(&mut tx, &call.idempotency_key, reason, site.now(), told).await?;
    if let Ok(new) = serde_json::from_str::<NewCheckout>(&call.request)
        && let Some(donation) = store::donation(&mut tx, &new.donation).await?
    {
        store::advance(&mut tx, donation.id, Move::Expired).await?;
        if let Some(recurring_id) = donation.recurring_donation_id {
            store::abandon_recurring(&mut tx, recurring_id, site.now()).await?;
        }
    }
    tx.commit().await
}
