//! Our rows of monthly donations follow the subscription as it is now, and each month's gift its invoice.

use std::time::Duration;

use super::{
    super::{
        back, book, calls, letters, new_address, regular_letters, renewals,
        store::{
            self,
            events::DueEvent,
            gifts::{Donation, NewDonation},
            months::{NewRecurring, Recurring},
        },
    },
    Applied,
    fetch::Month,
};
use crate::{
    attempts,
    clock::Moment,
    db::{self, Tx},
    money::Money,
    payments::{EventKind, Invoice, ProviderSubscription, RecurringState},
    queue::{self, News},
    site::Site,
};

/// A bill that cannot be made out for one reason is told once in so long.
const STUCK: Duration = Duration::from_secs(30 * 86_400);

/// A subscription as it is now, and the gift of one month if its invoice is paid.
pub async fn follow(tx: &mut Tx, site: &Site, event: &DueEvent, month: &Month) -> db::Result<Applied> {
    let subscription = &month.subscription;
    let invoice = month.invoice.as_ref();
    let Some(recurring) = recurring_of(tx, month).await? else { return Ok(Applied::NotOurs) };
    let runs_on = subscription.state.runs()
        && recurring.state == RecurringState::Cancelled
        && calls::taken_back(tx, site, &recurring.public_id).await?;
    if runs_on {
        store::months::revive_recurring(tx, recurring.id).await?;
    }
    if !mirror(tx, event, &recurring, month).await? {
        return Ok(Applied::Stale);
    }
    if runs_on {
        let id = &recurring.public_id;
        tracing::error!(id, "a monthly donation that was said to be over runs; it is ended again");
    }
    let mut donation_id = None;
    let paying = month.paying.as_ref();
    if let Some(invoice) = invoice.filter(|invoice| invoice.paid)
        // What somebody has to look at first has no receipt until they have.
        && !paying.is_some_and(|paying| paying.payment.in_review)
        && let Some(amount) = invoice.amount.filter(|amount| amount.minor > 0)
    {
        let donation = instalment_row(tx, &recurring, subscription, invoice, amount).await?;
        let paid = book::Paid {
            amount,
            elsewhere_minor: invoice.elsewhere_minor,
            payment_id: invoice.payment.as_deref(),
            invoice_id: Some(&invoice.id),
            email: invoice.email.as_deref(),
            name: invoice.name.as_deref(),
            at: invoice.paid_at.unwrap_or(invoice.created),
        };
        book::pay(tx, site, &donation, Some(&recurring), &paid).await?;
        if let Some(paying) = paying
            && !back::follow(tx, site, donation.id, &paying.aftermath()).await?
        {
            return Ok(Applied::Stale);
        }
        donation_id = Some(donation.id);
    }
    renewals::follow(tx, &recurring, subscription.state, invoice).await?;
    // News that come late: nobody asks for another card for what is over, or rests.
    let runs = recurring.activated_at.is_some()
        && !matches!(subscription.state, RecurringState::Cancelled | RecurringState::Paused);
    if runs {
        match (event.what.news(), invoice.filter(|invoice| invoice.open)) {
            (Some(EventKind::InvoiceFailed), Some(invoice))
                if !(month.asks_owner && invoice.page.is_some()) =>
            {
                renewals::failed(tx, site, &recurring, invoice, event.since).await?;
            }
            (Some(EventKind::InvoiceAsks | EventKind::InvoiceFailed), Some(invoice)) => {
                renewals::asks(tx, site, &recurring, invoice, event.since).await?;
            }
            (Some(EventKind::Upcoming), _) => {
                renewals::upcoming(tx, site, &recurring, &subscription.terms, event.since).await?;
            }
            _ => {}
        }
    }
    if let (Some(EventKind::InvoiceStuck), Some(why)) =
        (event.what.news(), invoice.and_then(|invoice| invoice.stuck.as_deref()))
    {
        let why: String = why.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        // The provider tries to make a bill out again and again, and says each time that it could not.
        let which = format!("{} {why}", invoice.map_or("", |invoice| invoice.id.as_str()));
        if attempts::once(tx, site, ("bill that cannot be made out", &which), STUCK).await? {
            let subject = format!("bill {} {why}", recurring.public_id);
            queue::add_news(tx, site.now(), News::Money, &subject).await?;
        }
    }
    // What rests goes on some day.
    let is_over = subscription.state == RecurringState::Cancelled || recurring.activated_at.is_none();
    if let Some(address) = month.address.as_deref().filter(|_| !is_over) {
        new_address::ask(tx, site, &recurring, (address, event.since)).await?;
    }
    if let Some(mandate) = month.revoked.as_deref().filter(|_| runs) {
        regular_letters::send_debit_revoked(tx, site, &recurring, (mandate, event.since)).await?;
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
    if let Some(known) = store::gifts::instalment(tx, &invoice.id).await? {
        return Ok(known);
    }
    let code = amount.currency.code();
    let first = subscription.ours.donation.as_deref();
    match first.filter(|_| invoice.first && recurring.copy_of.is_none()) {
        Some(public_id) => match store::gifts::donation(tx, public_id).await? {
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
                store::gifts::add_donation(tx, &new).await
            }
        },
        None => {
            store::gifts::add_instalment(tx, recurring, &invoice.id, amount.minor, code, invoice.created)
                .await
        }
    }
}

/// The row that follows the subscription: the one that knows it, else the one that its metadata name, if nothing else made it
/// than that row's checkout.
async fn recurring_of(tx: &mut Tx, month: &Month) -> db::Result<Option<Recurring>> {
    let subscription = &month.subscription;
    if let Some(known) = store::months::recurring_of(tx, &subscription.id).await? {
        return Ok(Some(known));
    }
    let Some(named) = &subscription.ours.recurring else { return Ok(None) };
    let known = store::months::recurring(tx, named).await?;
    let amount = subscription.amount.or_else(|| month.invoice.as_ref().and_then(|invoice| invoice.amount));
    let amount = amount.filter(|amount| amount.minor > 0);
    let is_taken = known.as_ref().is_some_and(|row| row.provider_subscription_id.is_some());
    if month.is_copy || is_taken {
        let Some(amount) = amount else { return Ok(None) };
        return Ok(Some(store::months::add_copy(tx, named, known.as_ref(), subscription, amount).await?));
    }
    match (known, amount) {
        (Some(known), _) => Ok(Some(known)),
        (None, Some(amount)) => {
            Ok(Some(add_unknown_recurring(tx, named, amount, None, subscription.created).await?))
        }
        (None, None) => Ok(None),
    }
}

/// The row of a monthly donation that the provider knows and we, after a restored backup, do not.
pub async fn add_unknown_recurring(
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
    store::months::add_recurring(tx, &new).await
}

/// False when another worker let the row follow since this subscription was looked at: theirs may be the newer news.
async fn mirror(tx: &mut Tx, event: &DueEvent, recurring: &Recurring, month: &Month) -> db::Result<bool> {
    let seen = store::months::Mirror::of(recurring, &month.subscription, month.version, event.since);
    let followed = store::months::mirror_subscription(tx, &seen).await?;
    if followed {
        store::renewals::mirror_terms(tx, recurring.id, &month.subscription.terms).await?;
    }
    Ok(followed)
}
