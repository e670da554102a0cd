//! Calls that change something at the provider: stored first, made outside any transaction, repeated with the same key.
//!
//! A crash between the call and the commit of its answer leaves the stored call behind; whoever finds it makes it again with
//! the same key, and the provider answers as it did the first time (TRUST D6).
//!
//! A checkout that cannot be opened is given up, for its supporter has been told and is gone. Ending a monthly donation is not:
//! the provider is asked until it says that it is over, or that it has no such thing. Should it say later that it has, it is
//! asked again.

use super::{
    letters,
    states::Operation,
    store::{
        self,
        calls::{Asked, CANCELLATIONS, CHECKOUTS, Call},
        gifts::Move,
    },
};
use crate::{
    db::{self, Tx},
    payments::{NewCheckout, PaymentProvider, ProviderError, RecurringState},
    queue::{self, Came, Due, Queue, Work},
    site::Site,
};

/// The key of asking to end a monthly donation is this and its public id.
const CANCEL: &str = "cancel:";

pub(super) async fn store_checkout(tx: &mut Tx, site: &Site, checkout: &NewCheckout) -> db::Result<Call> {
    let request = serde_json::to_string(checkout).map_err(|error| sqlx::Error::Encode(error.into()))?;
    keep(tx, site, &CHECKOUTS, &checkout.idempotency_key, Operation::Checkout, request).await
}

/// The call that asks to end a monthly donation: one for each, however often it is pressed.
pub(super) async fn store_cancellation(tx: &mut Tx, site: &Site, recurring: &str) -> db::Result<Call> {
    keep(tx, site, &CANCELLATIONS, &cancellation_of(recurring), Operation::Cancel, String::new()).await
}

/// The key of the call that ends a monthly donation.
pub(super) fn cancellation_of(recurring: &str) -> String {
    format!("{CANCEL}{recurring}")
}

/// Whoever stores it makes it; if they do not come to it, its turn comes after the lease.
async fn keep(
    tx: &mut Tx,
    site: &Site,
    queue: &Queue,
    key: &str,
    operation: Operation,
    request: String,
) -> db::Result<Call> {
    let now = site.now();
    let next_at = now.plus(queue.rules.lease);
    store::calls::add_call(tx, key, operation, &request, now, next_at).await?;
    Ok(Due { name: key.to_owned(), attempts: 0, next_at, since: now, what: Asked { request } })
}

/// Makes every stored call whose outcome is not known, again, with the same key. Returns how many ended.
///
/// # Errors
/// When the database fails; the calls stay and are found again.
pub(super) async fn resume(site: &Site, provider: &dyn PaymentProvider) -> db::Result<u64> {
    // Who asked to end it is charged until it ends; nobody waits for a checkout any more.
    let cancellations = queue::work(site, &Cancellations(provider)).await;
    let checkouts = queue::work(site, &Checkouts(provider)).await?;
    let cancellations = cancellations?;
    Ok(checkouts.done + checkouts.given_up + cancellations.done)
}

/// Makes a stored call, and writes down what came of it: the address of the checkout page.
pub(super) async fn open_checkout(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<String, ProviderError>> {
    let answer = ask_for_checkout(site, provider, call).await?;
    queue::note(site, &Checkouts(provider), call, came_of_checkout(&answer, call)).await?;
    Ok(answer)
}

/// Makes a stored call, and writes down what came of it: whether the monthly donation is over.
pub(super) async fn cancel(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<(), ProviderError>> {
    let answer = ask_to_end(site, provider, call).await?;
    queue::note(site, &Cancellations(provider), call, came_of_cancelling(&answer)).await?;
    Ok(answer)
}

/// Checkouts that are to be opened at the provider.
struct Checkouts<'a>(&'a dyn PaymentProvider);

impl Work for Checkouts<'_> {
    type What = Asked;

    fn queue(&self) -> &'static Queue {
        &CHECKOUTS
    }

    async fn work(&self, site: &Site, call: &Call) -> db::Result<Came> {
        Ok(came_of_checkout(&ask_for_checkout(site, self.0, call).await?, call))
    }

    async fn gave_up(&self, tx: &mut Tx, site: &Site, call: &Call, is_known: bool) -> db::Result<()> {
        if is_known {
            store::calls::checkout_is_known(tx, &call.name).await?;
        }
        if let Ok(new) = serde_json::from_str::<NewCheckout>(&call.what.request)
            && let Some(donation) = store::gifts::donation(tx, &new.donation).await?
        {
            store::gifts::advance(tx, donation.id, Move::Expired).await?;
            if let Some(recurring_id) = donation.recurring_donation_id {
                store::months::abandon_recurring(tx, recurring_id, site.now()).await?;
            }
        }
        Ok(())
    }
}

/// Monthly donations that are to end at the provider.
struct Cancellations<'a>(&'a dyn PaymentProvider);

impl Work for Cancellations<'_> {
    type What = Asked;

    fn queue(&self) -> &'static Queue {
        &CANCELLATIONS
    }

    async fn work(&self, site: &Site, call: &Call) -> db::Result<Came> {
        Ok(came_of_cancelling(&ask_to_end(site, self.0, call).await?))
    }
}

fn came_of_checkout(answer: &Result<String, ProviderError>, call: &Call) -> Came {
    match answer {
        Ok(_) => Came::Done,
        Err(error) if error.may_work_later() => Came::Later(error.for_the_record()),
        // What was wrong with the form, the supporter was told; what is wrong with us, nobody.
        // Nor that it is too late for a page of whose supporter the first try has told that it could not be opened.
        Err(error) => {
            let is_known = error.is_about_the_gift() || call.attempts > 0 && error.is_too_late();
            Came::GivenUp { why: error.for_the_record(), is_known }
        }
    }
}

fn came_of_cancelling(answer: &Result<(), ProviderError>) -> Came {
    answer.as_ref().map_or_else(|error| Came::Later(error.for_the_record()), |()| Came::Done)
}

async fn ask_for_checkout(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<String, ProviderError>> {
    let new: NewCheckout =
        serde_json::from_str(&call.what.request).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let checkout = match provider.create_checkout(&new).await {
        Ok(checkout) => checkout,
        Err(error) => return Ok(Err(error)),
    };
    let mut tx = site.db.begin().await?;
    if let Some(donation) = store::gifts::donation(&mut tx, &new.donation).await? {
        store::gifts::link_session(&mut tx, donation.id, &checkout.id).await?;
    }
    CHECKOUTS.done(&mut tx, (call.name.as_str(), call.next_at, checkout.id.as_str(), site.now())).await?;
    tx.commit().await?;
    Ok(Ok(checkout.url))
}

async fn ask_to_end(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &Call,
) -> db::Result<Result<(), ProviderError>> {
    let named = call.name.strip_prefix(CANCEL).unwrap_or_default();
    let recurring = store::months::read_recurring(&site.db, named).await?;
    let Some(subscription) = recurring.and_then(|row| row.provider_subscription_id) else {
        // Asked for in a state of the magazine that was lost: the provider's events bring it back.
        return Ok(Err(ProviderError::NotYet("which monthly donation it is")));
    };
    // Ending twice is ending once, so every try may carry a key of its own. It must: the provider keeps the answer it gave to a
    // key for a day, a failure too, and forgets the key after that.
    let key = format!("{}:{}", call.name, call.attempts);
    let ended_at = match provider.cancel_subscription(&subscription, &key).await {
        Ok(seen) if seen.state == RecurringState::Cancelled => seen.ended_at.unwrap_or(site.now()),
        Ok(_) => return Ok(Err(ProviderError::NotYet("that the monthly donation is over"))),
        // What the provider has not got it cannot charge. A test key does not hear of what is live, nor the key of another
        // account of anything: whoever hears otherwise later asks again ([`taken_back`]). What only a test key sees moves no
        // money.
        Err(error) if error.is_missing() && (provider.is_live() || !error.is_of_other_mode()) => {
            let why = error.for_the_record();
            tracing::warn!(key = call.name, why, "the payment provider knows no such subscription");
            site.now()
        }
        Err(error) => return Ok(Err(error)),
    };
    // Only now, when the provider has said so, is it over here.
    let mut tx = site.db.begin().await?;
    if let Some(recurring) = store::months::recurring(&mut tx, named).await? {
        store::months::cancel_recurring(&mut tx, recurring.id, ended_at).await?;
        letters::follow_up(&mut tx, site, recurring.id).await?;
    }
    CANCELLATIONS
        .done(&mut tx, (call.name.as_str(), call.next_at, subscription.as_str(), site.now()))
        .await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// The provider shows that a monthly donation runs which was said to be over: ending it is asked for again, and whoever was
/// told of it before is told again. False when nobody had asked to end it.
pub(super) async fn taken_back(tx: &mut Tx, site: &Site, recurring: &str) -> db::Result<bool> {
    Ok(store::calls::reopen_call(
        tx,
        &cancellation_of(recurring),
        "it was said to be over, and runs",
        site.now(),
    )
    .await?
        == 1)
}
