//! What the provider says of an object now, fetched outside any transaction.

use std::time::Duration;

use super::{
    super::{
        back::{Aftermath, Back},
        new_address,
        store::{self, events::Told},
    },
    ProviderPollError,
};
use crate::{
    payments::{
        CheckoutSession, EventKind, Invoice, Payment, PaymentProvider, PaymentState, ProviderError,
        ProviderSubscription, RecurringState, SessionState,
    },
    site::Site,
};

/// The objects of an event as they are now.
pub enum Seen {
    Session {
        session: Box<CheckoutSession>,
        payment: Option<Box<Paying>>,
        month: Option<Box<Month>>,
    },
    /// With its session, where our row does not know any more who gave.
    Payment(Box<Paying>, Option<Box<CheckoutSession>>),
    /// A payment that a gift of ours is paid by, which it names no more.
    After(Box<Paying>),
    /// It was refused, whatever it came to since.
    Refused(Box<Payment>),
    Month(Box<Month>),
    /// Several that are paid by the same card or account.
    Months(Vec<Month>),
    Nothing,
}

/// A payment, with what came back of it.
pub struct Paying {
    pub payment: Payment,
    /// None where nothing is said to have come back.
    pub back: Option<Back>,
    /// How often a row of ours had followed the payment before it was looked at; 0 while no row knew it.
    pub version: i64,
}

impl Paying {
    /// What became of the money.
    pub fn aftermath(&self) -> Aftermath<'_> {
        Aftermath {
            paid: self.payment.amount,
            charge: self.payment.charge.as_ref(),
            back: self.back.as_ref(),
            version: self.version,
        }
    }
}

/// A subscription, with one of its invoices.
pub struct Month {
    pub subscription: ProviderSubscription,
    pub invoice: Option<Invoice>,
    /// What paid the invoice.
    pub paying: Option<Paying>,
    /// How often a row of ours had followed the subscription before it was looked at; 0 while no row knew it.
    pub version: i64,
    /// Whether it was made in another way than by our checkout, though it carries our ids.
    pub is_copy: bool,
    /// What the bank has revoked that pays it, by the provider's name.
    pub revoked: Option<String>,
    /// Whether the invoice waits for its supporter to confirm it at their bank.
    pub asks_owner: bool,
    /// The address that the provider has of whoever pays it, where that was asked.
    pub address: Option<String>,
}

/// Fetches what the event is about, outside any transaction.
pub async fn fetch(
    site: &Site,
    provider: &dyn PaymentProvider,
    told: &Told,
) -> Result<Seen, ProviderPollError> {
    let object_id = &told.object_id;
    match told.news() {
        Some(EventKind::Checkout | EventKind::CheckoutFailed) => of_session(site, provider, object_id).await,
        Some(
            news @ (EventKind::Payment
            | EventKind::Refund
            | EventKind::Dispute
            | EventKind::FraudWarning
            | EventKind::Review),
        ) => of_payment(site, provider, object_id, news).await,
        Some(EventKind::PaymentFailed) => Ok(Seen::Refused(Box::new(provider.payment(object_id).await?))),
        Some(EventKind::Subscription | EventKind::Upcoming) => {
            Ok(month(look(site, provider, object_id, None, None).await?))
        }
        Some(EventKind::Method) => paid_by(site, provider, object_id, None).await,
        Some(EventKind::Mandate) => match provider.revoked_method(object_id).await {
            Ok(Some(method)) => paid_by(site, provider, &method, Some(object_id)).await,
            Ok(None) => Ok(Seen::Nothing),
            Err(error) if error.is_missing() => Ok(Seen::Nothing),
            Err(error) => Err(error.into()),
        },
        Some(EventKind::Customer) => of_customer(site, provider, object_id).await,
        Some(
            news @ (EventKind::Invoice
            | EventKind::InvoiceFailed
            | EventKind::InvoiceAsks
            | EventKind::InvoiceStuck),
        ) => {
            let invoice = provider.invoice(object_id).await?;
            let waits_for = invoice.waits_for.clone().filter(|_| invoice.open);
            let mut seen = of_invoice(site, provider, invoice, None).await?;
            // What its bank wants confirmed is said to have failed, too, in whichever order: its supporter hears the one of it.
            if let (Seen::Month(month), EventKind::InvoiceFailed, Some(payment)) =
                (&mut seen, news, waits_for)
            {
                month.asks_owner = provider.payment(&payment).await?.asks_owner;
            }
            Ok(seen)
        }
        // What is paid out is of no gift: the inbox sees to it.
        Some(EventKind::Payout) | None => Ok(Seen::Nothing),
    }
}

async fn of_session(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
) -> Result<Seen, ProviderPollError> {
    let session = provider.checkout_session(id).await?;
    let payment = match &session.payment {
        // The payment knows when the money came, and whether "unpaid" means "not yet" or "never".
        Some(id) if matches!(session.state, SessionState::Paid | SessionState::Unpaid) => {
            Some(Box::new(paying(site, provider, id, None).await?))
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
            look(site, provider, id, invoice, None).await?.map(Box::new)
        }
    };
    Ok(Seen::Session { session: Box::new(session), payment, month })
}

async fn of_invoice(
    site: &Site,
    provider: &dyn PaymentProvider,
    invoice: Invoice,
    news: Option<EventKind>,
) -> Result<Seen, ProviderPollError> {
    match invoice.subscription.clone() {
        None => Ok(Seen::Nothing),
        Some(id) => Ok(month(look(site, provider, &id, Some(invoice), news).await?)),
    }
}

/// What is told of a payment, or of what becomes of it.
pub async fn of_payment(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
    news: EventKind,
) -> Result<Seen, ProviderPollError> {
    let paying = paying(site, provider, id, Some(news)).await?;
    let Some(donation) = &paying.payment.ours.donation else {
        // What an invoice makes carries none of our ids: the row knows it, or the invoice names the row.
        if store::back::version_of(&site.db, id).await?.is_some() {
            return Ok(Seen::After(Box::new(paying)));
        }
        let invoice = match news {
            // Its invoice tells of it, too.
            EventKind::Payment => None,
            _ => provider.after().invoice_of(id).await?,
        };
        return match invoice {
            Some(invoice) => of_invoice(site, provider, provider.invoice(&invoice).await?, Some(news)).await,
            None => Ok(Seen::Nothing),
        };
    };
    // A restored backup may know nothing of it: its session, which would tell of it, may be older than what is read of it.
    if news != EventKind::Payment
        && store::gifts::session_of(&site.db, donation).await?.is_none()
        && let Some(session) = provider.after().session_of_payment(id).await?
    {
        return of_session(site, provider, &session).await;
    }
    // Who gave was forgotten when it failed; its session still knows.
    let forgotten = match paying.payment.state {
        PaymentState::Succeeded => store::gifts::forgotten_session(&site.db, donation).await?,
        _ => None,
    };
    let session = match forgotten {
        Some(session) => Some(Box::new(provider.checkout_session(&session).await?)),
        None => None,
    };
    Ok(Seen::Payment(Box::new(paying), session))
}

/// A payment as it is now, and, where something is said to have come back of it, what. The row is asked for its version first: what
/// is fetched then is no older than that.
async fn paying(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
    news: Option<EventKind>,
) -> Result<Paying, ProviderPollError> {
    let version = store::back::version_of(&site.db, id).await?.unwrap_or(0);
    let payment = dated(provider.payment(id).await?)?;
    let came_back =
        payment.charge.as_ref().is_some_and(|charge| charge.refunded_minor > 0 || charge.disputed);
    let is_told = matches!(news, Some(EventKind::Refund | EventKind::Dispute | EventKind::FraudWarning));
    let back = if came_back || is_told {
        Some(Back {
            refunds: provider.after().refunds_of(id).await?,
            disputes: provider.after().disputes_of(id).await?,
            warnings: match news {
                Some(EventKind::FraudWarning) => provider.after().warnings_of(id).await?,
                _ => Vec::new(),
            },
        })
    } else {
        None
    };
    Ok(Paying { payment, back, version })
}

/// What is paid by that, as it is now; `revoked` is the mandate that is good no more.
async fn paid_by(
    site: &Site,
    provider: &dyn PaymentProvider,
    method: &str,
    revoked: Option<&str>,
) -> Result<Seen, ProviderPollError> {
    let mut months = Vec::new();
    for subscription in store::months::paid_by(&site.db, method).await? {
        let Some(month) = look(site, provider, &subscription, None, None).await? else { continue };
        months.push(Month { revoked: revoked.map(str::to_owned), ..month });
    }
    Ok(if months.is_empty() { Seen::Nothing } else { Seen::Months(months) })
}

/// What a customer of the provider pays that is ours, as it is now, with the address that the provider has of them.
async fn of_customer(
    site: &Site,
    provider: &dyn PaymentProvider,
    customer: &str,
) -> Result<Seen, ProviderPollError> {
    let subscriptions = store::months::of_customer(&site.db, customer).await?;
    if subscriptions.is_empty() {
        return Ok(Seen::Nothing);
    }
    let address = match provider.customer_email(customer).await {
        Ok(address) => address,
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error.into()),
    };
    if new_address::is_under_way(site, customer).await? {
        return Err(ProviderError::NotYet("whose address that is").into());
    }
    let mut months = Vec::new();
    for subscription in subscriptions {
        let Some(month) = look(site, provider, &subscription, None, None).await? else { continue };
        months.push(Month { address: address.clone(), ..month });
    }
    Ok(Seen::Months(months))
}

/// The provider says that money came a moment before it says when; it is not booked under another time.
fn dated(payment: Payment) -> Result<Payment, ProviderError> {
    let undated = payment.state == PaymentState::Succeeded && payment.paid_at.is_none();
    if undated && payment.ours.donation.is_some() {
        return Err(ProviderError::NotYet("when the money arrived"));
    }
    Ok(payment)
}

fn month(seen: Option<Month>) -> Seen {
    seen.map_or(Seen::Nothing, |month| Seen::Month(Box::new(month)))
}

/// A subscription as it is now; none if it is nobody's. The row is asked for its version first: what is fetched then is no older than that.
async fn look(
    site: &Site,
    provider: &dyn PaymentProvider,
    id: &str,
    invoice: Option<Invoice>,
    news: Option<EventKind>,
) -> Result<Option<Month>, ProviderPollError> {
    let paid_by =
        invoice.as_ref().filter(|invoice| invoice.paid).and_then(|invoice| invoice.payment.as_deref());
    let paying = match paid_by {
        Some(payment) => Some(paying(site, provider, payment, news).await?),
        None => None,
    };
    let followed = store::months::version_of(&site.db, id).await?;
    let subscription = provider.subscription(id).await?;
    let made = match followed {
        Some(_) => Made::Ours,
        None => made(site, provider, &subscription).await?,
    };
    let (is_copy, version) = (made == Made::Copy, followed.unwrap_or(0));
    let (revoked, asks_owner, address) = (None, false, None);
    let month = Month { subscription, invoice, paying, version, is_copy, revoked, asks_owner, address };
    Ok((made != Made::InVain).then_some(month))
}

/// What a subscription is that no row follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// A checkout of ours made it, or what is not ours at all.
    Ours,
    /// It was made from one of ours, in another way.
    Copy,
    /// Nobody ever paid by it, and the checkout that it was begun in is over.
    InVain,
}

/// Whether a subscription that no row follows is a copy of another. That another is the real one is known when a row follows
/// it, or when its own checkout has ended in it. Until then nobody can tell: a checkout names its subscription a moment after
/// it has made it.
async fn made(
    site: &Site,
    provider: &dyn PaymentProvider,
    subscription: &ProviderSubscription,
) -> Result<Made, ProviderPollError> {
    let Some(named) = &subscription.ours.recurring else { return Ok(Made::Ours) };
    let known = store::months::read_recurring(&site.db, named).await?;
    if known.as_ref().is_some_and(|row| row.provider_subscription_id.is_some()) {
        return Ok(Made::Copy);
    }
    let made_by = provider.session_of(&subscription.id).await?;
    if made_by.and_then(|session| session.ours.recurring).as_ref() == Some(named) {
        return Ok(Made::Ours);
    }
    let own = match &subscription.ours.donation {
        Some(donation) => store::gifts::session_of(&site.db, donation).await?,
        None => None,
    };
    let own = match own {
        Some(session) => Some(provider.checkout_session(&session).await?),
        None => None,
    };
    let has_begun = !matches!(subscription.state, RecurringState::Pending | RecurringState::Cancelled);
    let is_over = own.as_ref().is_some_and(|session| session.state == SessionState::Expired);
    match own.and_then(|session| session.subscription) {
        Some(made) if made == subscription.id => Ok(Made::Ours),
        Some(_) => Ok(Made::Copy),
        // Nothing else can have come of that checkout.
        None if is_over => Ok(if has_begun { Made::Ours } else { Made::InVain }),
        // Nothing is known of it here, as after a restored back-up: an hour is more than any checkout takes to name it.
        None if known.is_none() && site.now().since(subscription.created) > NAMED_BY => Ok(Made::Copy),
        None => Err(ProviderError::NotYet("which checkout made the subscription").into()),
    }
}

const NAMED_BY: Duration = Duration::from_secs(3_600);
