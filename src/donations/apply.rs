//! From what the provider's object says now to what our rows say: one direction, whatever the order of the news.
//!
//! The event only names the object. What is applied is the object as it is now, with the provider's own times, so that two
//! events of one payment, in any order and number, end in the same rows, dates included. Objects that carry none of our ids
//! belong to other software and are left alone.
//!
//! A monthly donation follows the one subscription that its own checkout made. Another that carries the same ids is a copy that
//! somebody made at the provider, and has a row of its own: its money is booked, and neither says anything of the other.

use std::time::Duration;

use super::{
    book, calls, letters,
    states::{DonationKind, DonationState},
    store::{self, Donation, DueEvent, Move, NewDonation, NewRecurring, Recurring, Told},
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    money::Money,
    payments::{
        CheckoutSession, EventKind, Every, Invoice, Payment, PaymentProvider, PaymentState, ProviderError,
        ProviderSubscription, RecurringState, SessionState,
    },
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

/// The objects of an event as they are now.
pub(super) enum Seen {
    Session {
        session: Box<CheckoutSession>,
        payment: Option<Payment>,
        month: Option<Month>,
    },
    /// With its session, where our row does not know any more who gave.
    Payment(Payment, Option<Box<CheckoutSession>>),
    Month(Month),
    Nothing,
}

/// A subscription, with one of its invoices.
pub(super) struct Month {
    subscription: ProviderSubscription,
    invoice: Option<Invoice>,
    /// How often a row of ours had followed the subscription before it was looked at; 0 while no row knew it.
    version: i64,
    /// Whether it was made in another way than by our checkout, though it carries our ids.
    is_copy: bool,
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

/// Fetches what the event is about, outside any transaction.
pub(super) async fn fetch(
    site: &Site,
    provider: &dyn PaymentProvider,
    told: &Told,
) -> Result<Seen, ProviderPollError> {
    let object_id = &told.object_id;
    match told.news() {
        Some(EventKind::Checkout | EventKind::CheckoutFailed) => {
            let session = provider.checkout_session(object_id).await?;
            let payment = match &session.payment {
                // The payment knows when the money came, and whether "unpaid" means "not yet" or "never".
                Some(id) if matches!(session.state, SessionState::Paid | SessionState::Unpaid) => {
                    Some(dated(provider.payment(id).await?)?)
                }
                _ => None,
            };
            let month = match &session.subscription {
                None => None,
                Some(id) => {
                    let invoice = match &session.invoice {
                        Some(invoice) => Some(provider.invoice(invoice).await?),
                        None => None,
                    };
                    Some(look(site, provider, id, invoice).await?)
                }
            };
            Ok(Seen::Session { session: Box::new(session), payment, month })
        }
        Some(EventKind::Payment) => {
            let payment = dated(provider.payment(object_id).await?)?;
            // Who gave was forgotten when it failed; its session still knows.
            let forgotten = match &payment.ours.donation {
                Some(donation) if payment.state == PaymentState::Succeeded => {
                    store::forgotten_session(&site.db, donation).await?
                }
                _ => None,
            };
            let session = match forgotten {
                Some(session) => Some(Box::new(provider.checkout_session(&session).await?)),
                None => None,
            };
            Ok(Seen::Payment(payment, session))
        }
        Some(EventKind::Subscription) => Ok(Seen::Month(look(site, provider, object_id, None).await?)),
        Some(EventKind::Invoice | EventKind::InvoiceFailed) => {
            let invoice = provider.invoice(object_id).await?;
            match invoice.subscription.clone() {
                None => Ok(Seen::Nothing),
                Some(id) => Ok(Seen::Month(look(site, provider, &id, Some(invoice)).await?)),
            }
        }
        None => Ok(Seen::Nothing),
    }
}

/// The provider says that money came a moment before it says when; it is not booked under another time.
fn dated(payment: Payment) -> Result<Payment, ProviderError> {
    let undated = payment.state == PaymentState::Succeeded && payment.paid_at.is_none();
    if undated && payment.ours.donation.is_some() {
        return Err(ProviderError::NotYet("when the money arrived"));
    }
    Ok(payment)
}

/// A subscription as it is now. The row is asked for its version first: what is fetched then is no older than that.
async fn look(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
    invoice: Option<Invoice>,
) -> Result<Month, ProviderPollError> {
    let followed = store::version_of(&site.db, id).await?;
    let subscription = provider.subscription(id).await?;
    let is_copy = followed.is_none() && is_copy(site, provider, &subscription).await?;
    Ok(Month { subscription, invoice, version: followed.unwrap_or(0), is_copy })
}

/// Whether a subscription that no row follows is a copy of another. That another is the real one is known when a row follows
/// it, or when its own checkout has ended in it. Until then nobody can tell: a checkout names its subscription a moment after
/// it has made it.
async fn is_copy(
    site: &Site,
    provider: &dyn PaymentProvider,
    subscription: &ProviderSubscription,
) -> Result<bool, ProviderPollError> {
    let Some(named) = &subscription.ours.recurring else { return Ok(false) };
    let known = store::read_recurring(&site.db, named).await?;
    if known.as_ref().is_some_and(|row| row.provider_subscription_id.is_some()) {
        return Ok(true);
    }
    let made_by = provider.session_of(&subscription.id).await?;
    if made_by.and_then(|session| session.ours.recurring).as_ref() == Some(named) {
        return Ok(false);
    }
    let own = match &subscription.ours.donation {
        Some(donation) => store::session_of(&site.db, donation).await?,
        None => None,
    };
    let made = match own {
        Some(session) => provider.checkout_session(&session).await?.subscription,
        None => None,
    };
    match made {
        Some(made) => Ok(made != subscription.id),
        // Nothing is known of it here, as after a restored back-up: an hour is more than any checkout takes to name it.
        None if known.is_none() && site.now().since(subscription.created) > NAMED_BY => Ok(true),
        None => Err(ProviderError::NotYet("which checkout made the subscription").into()),
    }
}

const NAMED_BY: Duration = Duration::from_secs(3_600);

/// Lets our rows follow, in the caller's transaction.
pub(super) async fn apply(tx: &mut Tx, site: &Site, event: &DueEvent, seen: &Seen) -> db::Result<Applied> {
    match seen {
        Seen::Session { session, payment, month } => match session.every {
            Every::Once => gift_once(tx, site, event, session, payment.as_ref()).await,
            Every::Month => gift_monthly(tx, site, event, session, month.as_ref()).await,
        },
        Seen::Payment(payment, session) => payment_alone(tx, site, payment, session.as_deref()).await,
        Seen::Month(month) => instalment(tx, site, event, month).await,
        Seen::Nothing => Ok(Applied::NotOurs),
    }
}

async fn gift_once(
    tx: &mut Tx,
    site: &Site,
    event: &DueEvent,
    session: &CheckoutSession,
    payment: Option<&Payment>,
) -> db::Result<Applied> {
    let Some(donation) = donation_of(tx, session, None).await? else { return Ok(Applied::NotOurs) };
    store::link_session(tx, donation.id, &session.id).await?;
    match (session.state, payment) {
        (SessionState::Paid | SessionState::Unpaid, Some(payment))
            if payment.state == PaymentState::Succeeded =>
        {
            let from = (session.email.as_deref(), session.name.as_deref());
            return pay_once(tx, site, donation, payment, from).await;
        }
        (SessionState::Unpaid, Some(payment)) if payment.state == PaymentState::NotPaid => {
            store::advance(tx, donation.id, Move::Failed).await?;
        }
        (SessionState::Unpaid, _) => {
            let to = if event.what.news() == Some(EventKind::CheckoutFailed) {
                Move::Failed
            } else {
                Move::Pending
            };
            store::advance(tx, donation.id, to).await?;
        }
        (SessionState::Expired, _) => {
            store::advance(tx, donation.id, Move::Expired).await?;
        }
        (SessionState::Paid | SessionState::Open, _) => {}
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// The payment of a gift given once, told on its own. It brings good news only: as long as its session is open another try
/// may follow a failed one, so the session tells of failures.
async fn payment_alone(
    tx: &mut Tx,
    site: &Site,
    payment: &Payment,
    session: Option<&CheckoutSession>,
) -> db::Result<Applied> {
    let Some(public_id) = &payment.ours.donation else { return Ok(Applied::NotOurs) };
    // Payments of invoices are told by their invoice, and a payment whose row is unknown by its session.
    let Some(donation) = store::donation(tx, public_id).await?.filter(|row| row.kind == DonationKind::Once)
    else {
        return Ok(Applied::NotOurs);
    };
    match payment.state {
        PaymentState::Succeeded => {
            let from = session.map_or((None, None), |known| (known.email.as_deref(), known.name.as_deref()));
            return pay_once(tx, site, donation, payment, from).await;
        }
        PaymentState::Processing => {
            store::advance(tx, donation.id, Move::Pending).await?;
        }
        PaymentState::NotPaid => {}
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// Books a payment that has come. A second one that names the same gift is money too: it gets a row of its own.
async fn pay_once(
    tx: &mut Tx,
    site: &Site,
    donation: Donation,
    payment: &Payment,
    (email, name): (Option<&str>, Option<&str>),
) -> db::Result<Applied> {
    let (Some(amount), Some(at)) = (payment.amount, payment.paid_at) else {
        return Ok(Applied::Ours(Some(donation.id)));
    };
    let is_another = donation.provider_payment_id.as_ref().is_some_and(|known| *known != payment.id);
    let donation = if donation.state == DonationState::Paid && is_another {
        store::add_another_payment(tx, &donation, &payment.id, amount, at).await?
    } else {
        donation
    };
    let paid = book::Paid { amount, payment_id: Some(&payment.id), invoice_id: None, email, name, at };
    book::pay(tx, site, &donation, None, &paid).await?;
    Ok(Applied::Ours(Some(donation.id)))
}

async fn gift_monthly(
    tx: &mut Tx,
    site: &Site,
    event: &DueEvent,
    session: &CheckoutSession,
    month: Option<&Month>,
) -> db::Result<Applied> {
    let Some(public_id) = &session.ours.recurring else { return Ok(Applied::NotOurs) };
    let recurring = match store::recurring(tx, public_id).await? {
        Some(known) => known,
        None => match session.total {
            Some(amount) => {
                add_unknown_recurring(tx, public_id, amount, session.email.as_deref(), session.created)
                    .await?
            }
            None => return Ok(Applied::NotOurs),
        },
    };
    let Some(donation) = donation_of(tx, session, Some(&recurring)).await? else {
        return Ok(Applied::NotOurs);
    };
    store::link_session(tx, donation.id, &session.id).await?;
    match session.state {
        SessionState::Paid | SessionState::Open => {}
        SessionState::Unpaid => {
            let to = if event.what.news() == Some(EventKind::CheckoutFailed) {
                Move::Failed
            } else {
                Move::Pending
            };
            store::advance(tx, donation.id, to).await?;
        }
        SessionState::Expired => {
            store::advance(tx, donation.id, Move::Expired).await?;
            store::abandon_recurring(tx, recurring.id, event.since).await?;
        }
    }
    match month {
        Some(month) => match instalment(tx, site, event, month).await? {
            Applied::Stale => Ok(Applied::Stale),
            _ => Ok(Applied::Ours(Some(donation.id))),
        },
        None => Ok(Applied::Ours(Some(donation.id))),
    }
}

/// A subscription as it is now, and the gift of one month if its invoice is paid.
async fn instalment(tx: &mut Tx, site: &Site, event: &DueEvent, month: &Month) -> db::Result<Applied> {
    let subscription = &month.subscription;
    let invoice = month.invoice.as_ref();
    let Some(recurring) = recurring_of(tx, month).await? else { return Ok(Applied::NotOurs) };
    let runs_on = subscription.state.runs()
        && recurring.state == RecurringState::Cancelled
        && calls::taken_back(tx, site, &recurring.public_id).await?;
    if runs_on {
        store::revive_recurring(tx, recurring.id).await?;
    }
    if !mirror(tx, event, &recurring, month).await? {
        return Ok(Applied::Stale);
    }
    if runs_on {
        let id = &recurring.public_id;
        tracing::error!(id, "a monthly donation that was said to be over runs; it is ended again");
    }
    let mut donation_id = None;
    if let Some(invoice) = invoice.filter(|invoice| invoice.paid)
        && let Some(amount) = invoice.amount.filter(|amount| amount.minor > 0)
    {
        let donation = instalment_row(tx, &recurring, subscription, invoice, amount).await?;
        let paid = book::Paid {
            amount,
            payment_id: invoice.payment.as_deref(),
            invoice_id: Some(&invoice.id),
            email: invoice.email.as_deref(),
            name: invoice.name.as_deref(),
            at: invoice.paid_at.unwrap_or(invoice.created),
        };
        book::pay(tx, site, &donation, Some(&recurring), &paid).await?;
        donation_id = Some(donation.id);
    }
    if let Some(invoice) = invoice.filter(|invoice| invoice.open && event.what.news() == Some(EventKind::InvoiceFailed))
        && recurring.activated_at.is_some()
        // News that come late: nobody asks for another card for what is over.
        && subscription.state != RecurringState::Cancelled
    {
        let failed = (invoice.id.as_str(), event.since);
        letters::send_payment_failed(tx, site, &recurring, failed, invoice.next_try).await?;
    }
    letters::follow_up(tx, site, recurring.id).await?;
    Ok(Applied::Ours(donation_id))
}

/// The first invoice and the checkout session describe ONE gift: the row that was written when the supporter set out. A copy
/// names that row too, and its own first month is another gift.
async fn instalment_row(
    tx: &mut Tx,
    recurring: &Recurring,
    subscription: &ProviderSubscription,
    invoice: &Invoice,
    amount: Money,
) -> db::Result<Donation> {
    if let Some(known) = store::instalment(tx, &invoice.id).await? {
        return Ok(known);
    }
    let code = amount.currency.code();
    let first = subscription.ours.donation.as_deref();
    match first.filter(|_| invoice.first && recurring.copy_of.is_none()) {
        Some(public_id) => match store::donation(tx, public_id).await? {
            Some(known) => Ok(known),
            None => {
                let new = NewDonation {
                    public_id,
                    email: &recurring.email,
                    name: &recurring.name,
                    recurring_donation_id: Some(recurring.id),
                    amount_minor: amount.minor,
                    currency: code,
                    edition_id: recurring.edition_id,
                    at: invoice.created,
                };
                store::add_donation(tx, &new).await
            }
        },
        None => store::add_instalment(tx, recurring, &invoice.id, amount.minor, code, invoice.created).await,
    }
}

/// The donation a session names; made if the provider knows of it and we (after a restored backup) do not (TRUST D7).
async fn donation_of(
    tx: &mut Tx,
    session: &CheckoutSession,
    recurring: Option<&Recurring>,
) -> db::Result<Option<Donation>> {
    let Some(public_id) = &session.ours.donation else { return Ok(None) };
    if let Some(known) = store::donation(tx, public_id).await? {
        return Ok(Some(known));
    }
    let Some(amount) = session.total.filter(|amount| amount.minor > 0) else { return Ok(None) };
    let new = NewDonation {
        public_id,
        email: session.email.as_deref().unwrap_or_default(),
        name: session.name.as_deref().unwrap_or_default(),
        recurring_donation_id: recurring.map(|row| row.id),
        amount_minor: amount.minor,
        currency: amount.currency.code(),
        edition_id: recurring.and_then(|row| row.edition_id),
        at: session.created,
    };
    Ok(Some(store::add_donation(tx, &new).await?))
}

/// The row that follows the subscription: the one that knows it, else the one that its metadata name, if nothing else made it
/// than that row's checkout.
async fn recurring_of(tx: &mut Tx, month: &Month) -> db::Result<Option<Recurring>> {
    let subscription = &month.subscription;
    if let Some(known) = store::recurring_of(tx, &subscription.id).await? {
        return Ok(Some(known));
    }
    let Some(named) = &subscription.ours.recurring else { return Ok(None) };
    let known = store::recurring(tx, named).await?;
    let amount = subscription.amount.or_else(|| month.invoice.as_ref().and_then(|invoice| invoice.amount));
    let amount = amount.filter(|amount| amount.minor > 0);
    let is_taken = known.as_ref().is_some_and(|row| row.provider_subscription_id.is_some());
    if month.is_copy || is_taken {
        let Some(amount) = amount else { return Ok(None) };
        return Ok(Some(store::add_copy(tx, named, known.as_ref(), subscription, amount).await?));
    }
    match (known, amount) {
        (Some(known), _) => Ok(Some(known)),
        (None, Some(amount)) => {
            Ok(Some(add_unknown_recurring(tx, named, amount, None, subscription.created).await?))
        }
        (None, None) => Ok(None),
    }
}

async fn add_unknown_recurring(
    tx: &mut Tx,
    public_id: &str,
    amount: Money,
    email: Option<&str>,
    at: Moment,
) -> db::Result<Recurring> {
    let new = NewRecurring {
        public_id,
        email: email.unwrap_or_default(),
        name: "",
        amount_minor: amount.minor,
        currency: amount.currency.code(),
        edition_id: None,
        at,
    };
    store::add_recurring(tx, &new).await
}

/// False when another worker let the row follow since this subscription was looked at: theirs may be the newer news.
async fn mirror(tx: &mut Tx, event: &DueEvent, recurring: &Recurring, month: &Month) -> db::Result<bool> {
    let subscription = &month.subscription;
    let amount = subscription.amount.filter(|amount| amount.minor > 0);
    let seen = store::Mirror {
        id: recurring.id,
        subscription_id: &subscription.id,
        customer_id: subscription.customer.as_deref(),
        amount_minor: amount.map_or(recurring.amount_minor, |amount| amount.minor),
        currency: amount.map_or(recurring.currency.as_str(), |amount| amount.currency.code()),
        state: subscription.state,
        ended_at: subscription.ended_at.unwrap_or(event.since),
        version: month.version,
    };
    store::mirror_subscription(tx, &seen).await
}
