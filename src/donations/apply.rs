//! From what the provider's object says now to what our rows say: one direction, whatever the order of the news.
//!
//! The event only names the object. What is applied is the object as it is now, so that two events of one payment, in any
//! order and number, end in the same rows. Objects that carry none of our ids belong to other software and are left alone.

use super::{
    book, letters, monthly,
    store::{self, Donation, DueEvent, Move, NewDonation, NewRecurring, Recurring},
};
use crate::{
    db::{self, Tx},
    money::Money,
    payments::{
        CheckoutSession, Every, Invoice, Payment, PaymentProvider, PaymentState, ProviderError, SessionState,
        Subscription, SubscriptionState,
    },
    site::Site,
};

/// The kinds of event that move something here; all others are kept and left alone.
const KINDS: [&str; 16] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    ASYNC_FAILED,
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.processing",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_succeeded",
    PAYMENT_FAILED,
    "invoice.voided",
    "invoice.marked_uncollectible",
];
const PAYMENT_FAILED: &str = "invoice.payment_failed";
const ASYNC_FAILED: &str = "checkout.session.async_payment_failed";

/// Whether an event of that kind can move anything here.
pub(super) fn concerns_us(kind: &str) -> bool {
    KINDS.contains(&kind)
}

/// The objects of an event as they are now.
pub(super) enum Seen {
    Session { session: Box<CheckoutSession>, payment: Option<Payment>, month: Option<Month> },
    Payment(Payment),
    Month(Month),
    Nothing,
}

/// A subscription, with one of its invoices.
pub(super) struct Month {
    subscription: Subscription,
    invoice: Option<Invoice>,
}

/// What applying came to.
pub(super) enum Applied {
    /// The object is not ours.
    NotOurs,
    /// It is, and belongs to that donation if it belongs to one.
    Ours(Option<i64>),
}

/// Fetches what the event is about, outside any transaction.
pub(super) async fn fetch(
    provider: &dyn PaymentProvider,
    kind: &str,
    object_id: &str,
) -> Result<Seen, ProviderError> {
    if kind.starts_with("checkout.session.") {
        let session = provider.checkout_session(object_id).await?;
        let payment = match &session.payment {
            // "Unpaid" may mean "not yet" or "never": the payment knows.
            Some(id) if session.state == SessionState::Unpaid => Some(provider.payment(id).await?),
            _ => None,
        };
        let month = match &session.subscription {
            None => None,
            Some(id) => {
                let invoice = match &session.invoice {
                    Some(invoice) => Some(provider.invoice(invoice).await?),
                    None => None,
                };
                Some(Month { subscription: provider.subscription(id).await?, invoice })
            }
        };
        Ok(Seen::Session { session: Box::new(session), payment, month })
    } else if kind.starts_with("payment_intent.") {
        Ok(Seen::Payment(provider.payment(object_id).await?))
    } else if kind.starts_with("customer.subscription.") {
        let subscription = provider.subscription(object_id).await?;
        Ok(Seen::Month(Month { subscription, invoice: None }))
    } else if kind.starts_with("invoice.") {
        let invoice = provider.invoice(object_id).await?;
        match &invoice.subscription {
            None => Ok(Seen::Nothing),
            Some(id) => {
                let subscription = provider.subscription(id).await?;
                Ok(Seen::Month(Month { subscription, invoice: Some(invoice) }))
            }
        }
    } else {
        Ok(Seen::Nothing)
    }
}

/// Lets our rows follow, in the caller's transaction.
pub(super) async fn apply(tx: &mut Tx, site: &Site, event: &DueEvent, seen: &Seen) -> db::Result<Applied> {
    match seen {
        Seen::Session { session, payment, month } => match session.every {
            Every::Once => gift_once(tx, site, event, session, payment.as_ref()).await,
            Every::Month => gift_monthly(tx, site, event, session, month.as_ref()).await,
        },
        Seen::Payment(payment) => payment_alone(tx, site, event, payment).await,
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
    let Some(donation) = donation_of(tx, event, session, None).await? else { return Ok(Applied::NotOurs) };
    store::link_session(tx, donation.id, &session.id).await?;
    let progress = payment.map(|payment| payment.state);
    match (session.state, progress) {
        (SessionState::Paid, _) | (SessionState::Unpaid, Some(PaymentState::Succeeded)) => {
            let paid = book::Paid {
                amount: session.total,
                payment_id: session.payment.as_deref(),
                invoice_id: None,
                email: session.email.as_deref(),
                name: session.name.as_deref(),
                at: event.created_at,
            };
            book::pay(tx, site, &donation, None, &paid).await?;
        }
        (SessionState::Unpaid, Some(PaymentState::NotPaid)) => {
            store::advance(tx, donation.id, Move::Failed).await?;
        }
        (SessionState::Unpaid, _) => {
            let to = if event.kind == ASYNC_FAILED { Move::Failed } else { Move::Pending };
            store::advance(tx, donation.id, to).await?;
        }
        (SessionState::Expired, _) => {
            store::advance(tx, donation.id, Move::Expired).await?;
        }
        (SessionState::Open, _) => {}
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// The payment of a gift given once, told on its own. It brings good news only: as long as its session is open another try
/// may follow a failed one, so the session tells of failures.
async fn payment_alone(tx: &mut Tx, site: &Site, event: &DueEvent, payment: &Payment) -> db::Result<Applied> {
    let Some(public_id) = &payment.ours.donation else { return Ok(Applied::NotOurs) };
    // Payments of invoices are told by their invoice, and a payment whose row is unknown by its session.
    let Some(donation) = store::donation(tx, public_id).await?.filter(|row| row.kind == "once") else {
        return Ok(Applied::NotOurs);
    };
    match payment.state {
        PaymentState::Succeeded => {
            let paid = book::Paid {
                amount: payment.amount,
                payment_id: Some(&payment.id),
                invoice_id: None,
                email: None,
                name: None,
                at: event.created_at,
            };
            book::pay(tx, site, &donation, None, &paid).await?;
        }
        PaymentState::Processing => {
            store::advance(tx, donation.id, Move::Pending).await?;
        }
        PaymentState::NotPaid => {}
    }
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
                add_unknown_recurring(tx, event, public_id, amount, session.email.as_deref()).await?
            }
            None => return Ok(Applied::NotOurs),
        },
    };
    let Some(donation) = donation_of(tx, event, session, Some(&recurring)).await? else {
        return Ok(Applied::NotOurs);
    };
    store::link_session(tx, donation.id, &session.id).await?;
    match session.state {
        SessionState::Paid | SessionState::Open => {}
        SessionState::Unpaid => {
            let to = if event.kind == ASYNC_FAILED { Move::Failed } else { Move::Pending };
            store::advance(tx, donation.id, to).await?;
        }
        SessionState::Expired => {
            store::advance(tx, donation.id, Move::Expired).await?;
            store::abandon_recurring(tx, recurring.id, event.created_at).await?;
        }
    }
    if let Some(month) = month {
        instalment(tx, site, event, month).await?;
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// A subscription as it is now, and the gift of one month if its invoice is paid.
async fn instalment(tx: &mut Tx, site: &Site, event: &DueEvent, month: &Month) -> db::Result<Applied> {
    let subscription = &month.subscription;
    let invoice = month.invoice.as_ref();
    let Some(recurring) = recurring_of(tx, event, subscription, invoice).await? else {
        return Ok(Applied::NotOurs);
    };
    mirror(tx, event, &recurring, subscription).await?;
    let mut donation_id = None;
    if let Some(invoice) = invoice.filter(|invoice| invoice.paid)
        && let Some(amount) = invoice.amount.filter(|amount| amount.minor > 0)
    {
        let donation = instalment_row(tx, event, &recurring, subscription, invoice, amount).await?;
        let paid = book::Paid {
            amount: Some(amount),
            payment_id: invoice.payment.as_deref(),
            invoice_id: Some(&invoice.id),
            email: invoice.email.as_deref(),
            name: invoice.name.as_deref(),
            at: event.created_at,
        };
        book::pay(tx, site, &donation, Some(&recurring), &paid).await?;
        donation_id = Some(donation.id);
    }
    if let Some(invoice) = invoice.filter(|invoice| !invoice.paid && event.kind == PAYMENT_FAILED)
        && recurring.activated_at.is_some()
    {
        letters::send_payment_failed(tx, site, &recurring, &invoice.id, invoice.next_try).await?;
    }
    monthly::follow_up(tx, site, recurring.id).await?;
    Ok(Applied::Ours(donation_id))
}

/// The first invoice and the checkout session describe ONE gift: the row that was written when the supporter set out.
async fn instalment_row(
    tx: &mut Tx,
    event: &DueEvent,
    recurring: &Recurring,
    subscription: &Subscription,
    invoice: &Invoice,
    amount: Money,
) -> db::Result<Donation> {
    if let Some(known) = store::instalment(tx, &invoice.id).await? {
        return Ok(known);
    }
    let code = amount.currency.code();
    match subscription.ours.donation.as_deref().filter(|_| invoice.first) {
        Some(public_id) => match store::donation(tx, public_id).await? {
            Some(known) => Ok(known),
            None => {
                let new = NewDonation {
                    public_id,
                    email: &recurring.email,
                    name: &recurring.name,
                    recurring_donation_id: Some(recurring.id),
                    kind: "instalment",
                    amount_minor: amount.minor,
                    currency: code,
                    edition_id: recurring.edition_id,
                    at: event.created_at,
                };
                store::add_donation(tx, &new).await
            }
        },
        None => store::add_instalment(tx, recurring, &invoice.id, amount.minor, code, event.created_at).await,
    }
}

/// The donation a session names; made if the provider knows of it and we (after a restored backup) do not (TRUST D7).
async fn donation_of(
    tx: &mut Tx,
    event: &DueEvent,
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
        kind: if recurring.is_some() { "instalment" } else { "once" },
        amount_minor: amount.minor,
        currency: amount.currency.code(),
        edition_id: recurring.and_then(|row| row.edition_id),
        at: event.created_at,
    };
    Ok(Some(store::add_donation(tx, &new).await?))
}

async fn recurring_of(
    tx: &mut Tx,
    event: &DueEvent,
    subscription: &Subscription,
    invoice: Option<&Invoice>,
) -> db::Result<Option<Recurring>> {
    if let Some(known) = store::recurring_of(tx, &subscription.id).await? {
        return Ok(Some(known));
    }
    let Some(public_id) = &subscription.ours.recurring else { return Ok(None) };
    if let Some(known) = store::recurring(tx, public_id).await? {
        return Ok(Some(known));
    }
    let amount = subscription.amount.or_else(|| invoice.and_then(|invoice| invoice.amount));
    match amount.filter(|amount| amount.minor > 0) {
        Some(amount) => Ok(Some(add_unknown_recurring(tx, event, public_id, amount, None).await?)),
        None => Ok(None),
    }
}

async fn add_unknown_recurring(
    tx: &mut Tx,
    event: &DueEvent,
    public_id: &str,
    amount: Money,
    email: Option<&str>,
) -> db::Result<Recurring> {
    let new = NewRecurring {
        public_id,
        email: email.unwrap_or_default(),
        name: "",
        amount_minor: amount.minor,
        currency: amount.currency.code(),
        edition_id: None,
        at: event.created_at,
    };
    store::add_recurring(tx, &new).await
}

async fn mirror(
    tx: &mut Tx,
    event: &DueEvent,
    recurring: &Recurring,
    subscription: &Subscription,
) -> db::Result<()> {
    let amount = subscription.amount.filter(|amount| amount.minor > 0);
    let seen = store::Mirror {
        id: recurring.id,
        subscription_id: &subscription.id,
        customer_id: subscription.customer.as_deref(),
        amount_minor: amount.map_or(recurring.amount_minor, |amount| amount.minor),
        currency: amount.map_or(recurring.currency.as_str(), |amount| amount.currency.code()),
        state: match subscription.state {
            SubscriptionState::Pending => "pending",
            SubscriptionState::Active => "active",
            SubscriptionState::PastDue => "past_due",
            SubscriptionState::Paused => "paused",
            SubscriptionState::Unpaid => "unpaid",
            SubscriptionState::Cancelled => "cancelled",
        },
        at: event.created_at,
    };
    store::mirror_subscription(tx, &seen).await?;
    Ok(())
}
