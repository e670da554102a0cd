//! A gift is given back from the desk: who may, how much is left, why; stored with its key before the provider hears of it, so that
//! pressed twice, or killed in between, it is one refund (TRUST D6).

use super::{
    apply::{self, ProviderPollError},
    lines::figures,
    states::DonationState,
    store::{
        self, back,
        give_back::{self as rows, NewRequest, REFUNDS, RefundCall, Wanted},
    },
};
use crate::{
    audit_log,
    db::{self, Gate, Tx},
    payments::{NewRefund, PaymentProvider, ProviderError, Refund},
    queue::{self, Came, Due, Queue, Work},
    site::Site,
    staff::Role,
};

/// What somebody of the team asks for.
#[derive(Clone, Copy, Debug)]
pub struct RefundAsk<'a> {
    /// The form's own name of it ([`token::public_id`](crate::token::public_id)): sent twice, it is one refund.
    pub key: &'a str,
    /// The public id of the gift.
    pub donation: &'a str,
    /// How much, in minor units of the gift's currency.
    pub amount_minor: i64,
    /// Why, for the team.
    pub why: &'a str,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundMade {
    /// The provider has done it, or has it on its way.
    Done,
    /// The provider has not answered. It is asked again until it does.
    Waits,
}

/// Why nothing is given back. Each says so to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// The role does not allow it.
    #[error("Only an owner or a treasurer can send a gift back.")]
    NotAllowed,
    /// There is no such gift.
    #[error("There is no such gift.")]
    NotFound,
    /// It is not paid, or not over the provider.
    #[error("This gift was not paid over the payment service, so it cannot be sent back from here.")]
    NotPaidHere,
    /// A bank has it already.
    #[error(
        "The supporter’s bank has taken this gift back, or is deciding about it. Answer at the payment service instead."
    )]
    Disputed,
    /// More than is left.
    #[error("At most {0} is left of this gift.")]
    TooMuch(String),
    /// Nothing at all.
    #[error("Type an amount of more than zero.")]
    Nothing,
    /// Nobody can say what went back already: nothing was asked for.
    #[error(
        "The payment service cannot be reached, so nobody can say what of this gift went back already. Nothing was sent back: try again in some minutes."
    )]
    Unreachable,
    /// The provider said no to this very form before.
    #[error("The payment service refused this. Nothing was sent back.")]
    Refused,
    /// Nobody could say later why.
    #[error("Say why, in at most 500 characters: whoever keeps the books will ask.")]
    Why,
    /// The provider said no.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed; what was stored is found again.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

const LONGEST_WHY: usize = 500;
const LONGEST_KEY: usize = 64;

/// Gives a gift back, or some of it.
///
/// # Errors
/// [`RefundError`], which says what to change. What the provider did not answer is no error: it is asked again by
/// [`resume_refunds`].
pub async fn refund(
    site: &Site,
    provider: &dyn PaymentProvider,
    (staff_id, role): (i64, Role),
    ask: &RefundAsk<'_>,
) -> Result<RefundMade, RefundError> {
    if !Role::MONEY.contains(&role) {
        return Err(RefundError::NotAllowed);
    }
    let why = ask.why.trim();
    if why.is_empty() || why.chars().count() > LONGEST_WHY || ask.key.len() > LONGEST_KEY {
        return Err(RefundError::Why);
    }
    if ask.amount_minor <= 0 {
        return Err(RefundError::Nothing);
    }
    // A restored backup does not know what was sent back after it, and would send it once more: without the provider's word nothing is
    // written down. What was, is asked for as it stands.
    if !rows::was_asked(&site.db, ask.key).await?
        && let Some(payment) = rows::payment_of(&site.db, ask.donation).await?
    {
        match apply::look_after(site, provider, &payment).await {
            Ok(_) => {}
            Err(ProviderPollError::Database(error)) => return Err(error.into()),
            Err(ProviderPollError::Provider(error)) if error.may_work_later() => {
                tracing::warn!(error = error.for_the_record(), "what went back of a gift could not be asked");
                return Err(RefundError::Unreachable);
            }
            Err(ProviderPollError::Provider(error)) => return Err(error.into()),
        }
    }
    let call = match store_request(site, staff_id, why, ask).await? {
        Stored::New(call) => call,
        Stored::Known { is_done: true } => return Ok(RefundMade::Done),
        // Whoever pressed first makes the call, or its turn comes.
        Stored::Known { is_done: false } => return Ok(RefundMade::Waits),
    };
    let answer = make(site, provider, &call).await?;
    let came = match &answer {
        Err(error) if !error.may_work_later() => {
            Came::GivenUp { why: error.for_the_record(), is_known: true }
        }
        answer => came_of(answer),
    };
    queue::note(site, &Refunds(provider), &call, came).await?;
    match answer {
        Ok(()) => Ok(RefundMade::Done),
        Err(error) if error.may_work_later() => Ok(RefundMade::Waits),
        Err(error) => Err(error.into()),
    }
}

/// Asks again for every refund that the provider has not answered. Returns how many ended.
///
/// # Errors
/// When the database fails; the rest is found again.
pub async fn resume_refunds(site: &Site, provider: &dyn PaymentProvider) -> db::Result<u64> {
    let worked = queue::work(site, &Refunds(provider)).await?;
    Ok(worked.done + worked.given_up)
}

enum Stored {
    New(RefundCall),
    Known { is_done: bool },
}

/// Everything is checked while the gift is held, so that two who ask at once do not give back more than there is.
async fn store_request(
    site: &Site,
    staff_id: i64,
    why: &str,
    ask: &RefundAsk<'_>,
) -> Result<Stored, RefundError> {
    let mut tx = site.db.begin().await?;
    let gift = store::gifts::donation(&mut tx, ask.donation).await?.ok_or(RefundError::NotFound)?;
    if let Some(state) = rows::known(&mut tx, ask.key).await? {
        return match state.as_str() {
            "failed" => Err(RefundError::Refused),
            state => Ok(Stored::Known { is_done: state == "done" }),
        };
    }
    let payment = match &gift.provider_payment_id {
        Some(payment) if gift.state == DonationState::Paid => payment.clone(),
        _ => return Err(RefundError::NotPaidHere),
    };
    if rows::is_disputed(&mut tx, gift.id).await? {
        return Err(RefundError::Disputed);
    }
    let paid = back::gift(&mut tx, gift.id).await?;
    let gone = back::back_of(&mut tx, gift.id).await? + rows::asked_of(&mut tx, gift.id).await?;
    let left = paid.amount_minor - gone;
    if ask.amount_minor > left {
        return Err(RefundError::TooMuch(figures(left.max(0), &paid.currency)));
    }
    let new = NewRefund {
        idempotency_key: format!("refund:{}", ask.key),
        payment,
        amount_minor: ask.amount_minor,
        ours: ask.key.to_owned(),
    };
    let request = serde_json::to_string(&new).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let now = site.now();
    let next_at = now.plus(REFUNDS.rules.lease);
    let row = NewRequest {
        key: ask.key,
        donation_id: gift.id,
        staff_id,
        amount_minor: ask.amount_minor,
        currency: &paid.currency,
        why,
        request: &request,
    };
    rows::add(&mut tx, &row, now, next_at).await?;
    let amount = figures(ask.amount_minor, &paid.currency);
    audit_log::record(
        &mut tx,
        site,
        Some(staff_id),
        "sent a gift back",
        &format!("gift {}", ask.donation),
        &format!("{amount}: {why}"),
    )
    .await?;
    tx.commit().await?;
    Ok(Stored::New(Due {
        name: ask.key.to_owned(),
        attempts: 0,
        next_at,
        since: now,
        what: Wanted { request },
    }))
}

/// Refunds that the team asked for.
struct Refunds<'a>(&'a dyn PaymentProvider);

impl Work for Refunds<'_> {
    type What = Wanted;

    fn queue(&self) -> &'static Queue {
        &REFUNDS
    }

    async fn work(&self, site: &Site, call: &RefundCall) -> db::Result<Came> {
        Ok(came_of(&make(site, self.0, call).await?))
    }

    async fn gave_up(&self, tx: &mut Tx, _: &Site, call: &RefundCall, is_known: bool) -> db::Result<()> {
        if is_known {
            rows::is_known(tx, &call.name).await?;
        }
        Ok(())
    }
}

/// Staff have seen a refund that could not be made.
pub async fn put_refund_away(site: &Site, key: &str) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let put = rows::is_known(&mut tx, key).await?;
    tx.commit().await?;
    Ok(put == 1)
}

fn came_of(answer: &Result<(), ProviderError>) -> Came {
    match answer {
        Ok(()) => Came::Done,
        Err(error) if error.may_work_later() => Came::Later(error.for_the_record()),
        Err(error) => Came::GivenUp { why: error.for_the_record(), is_known: false },
    }
}

/// Asks the provider. Whoever asks again looks first whether it was done: the provider keeps a key for a day only.
async fn make(
    site: &Site,
    provider: &dyn PaymentProvider,
    call: &RefundCall,
) -> db::Result<Result<(), ProviderError>> {
    let new: NewRefund =
        serde_json::from_str(&call.what.request).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let refund = match made(provider, call, &new).await {
        Ok(refund) => refund,
        Err(error) => return Ok(Err(error)),
    };
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    REFUNDS.done(&mut tx, (call.name.as_str(), call.next_at, refund.id.as_str(), site.now())).await?;
    tx.commit().await?;
    // The provider tells of it by itself, too; whoever pressed the button sees it at once.
    match apply::look_after(site, provider, &new.payment).await {
        Err(ProviderPollError::Database(error)) => Err(error),
        Err(ProviderPollError::Provider(error)) => {
            tracing::warn!(%error, "a refund is made; what became of it is told later");
            Ok(Ok(()))
        }
        Ok(_) => Ok(Ok(())),
    }
}

async fn made(
    provider: &dyn PaymentProvider,
    call: &RefundCall,
    new: &NewRefund,
) -> Result<Refund, ProviderError> {
    if call.attempts > 0 {
        let known = provider.after().refunds_of(&new.payment).await?;
        if let Some(refund) = known.into_iter().find(|one| one.ours.as_deref() == Some(&new.ours)) {
            return Ok(refund);
        }
    }
    provider.after().refund(new).await
}
