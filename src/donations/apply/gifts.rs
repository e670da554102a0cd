//! Our rows of gifts follow the checkout session or the payment as it is now.

use super::{
    super::{
        back, book, regular_letters,
        states::{DonationKind, DonationState},
        store::{
            self,
            events::DueEvent,
            gifts::{Donation, Move, NewDonation},
            months::Recurring,
        },
    },
    Applied,
    fetch::{Month, Paying},
    months,
};
use crate::{
    db::{self, Tx},
    payments::{CheckoutSession, EventKind, PaymentState, SessionState},
    site::Site,
};

/// The checkout session of a gift given once.
pub async fn once(
    tx: &mut Tx,
    site: &Site,
    event: &DueEvent,
    session: &CheckoutSession,
    payment: Option<&Paying>,
) -> db::Result<Applied> {
    let Some(donation) = donation_of(tx, session, None).await? else { return Ok(Applied::NotOurs) };
    store::gifts::link_session(tx, donation.id, &session.id).await?;
    match (session.state, payment) {
        (SessionState::Paid | SessionState::Unpaid, Some(paying))
            if paying.payment.state == PaymentState::Succeeded =>
        {
            let from = (session.email.as_deref(), session.name.as_deref());
            return pay_once(tx, site, donation, paying, from).await;
        }
        (SessionState::Unpaid, Some(paying)) if paying.payment.state == PaymentState::NotPaid => {
            fail(tx, site, event, session, &donation).await?;
        }
        (SessionState::Unpaid, _) => {
            if event.what.news() == Some(EventKind::CheckoutFailed) {
                fail(tx, site, event, session, &donation).await?;
            } else {
                store::gifts::advance(tx, donation.id, Move::Pending).await?;
            }
        }
        (SessionState::Expired, _) => {
            store::gifts::advance(tx, donation.id, Move::Expired).await?;
        }
        (SessionState::Paid | SessionState::Open, _) => {}
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// The bank had days for it and did not pay. Whoever gave was told that there is nothing more to do: they hear that there is, once, and
/// then they are forgotten, as whoever did not pay is.
async fn fail(
    tx: &mut Tx,
    site: &Site,
    event: &DueEvent,
    session: &CheckoutSession,
    donation: &Donation,
) -> db::Result<()> {
    if store::gifts::advance(tx, donation.id, Move::Failed).await? == 0 {
        return Ok(());
    }
    let known = |ours: &str, theirs: &Option<String>| match ours {
        "" => theirs.clone().unwrap_or_default(),
        ours => ours.to_owned(),
    };
    let missed = regular_letters::Missed {
        donation: &donation.public_id,
        email: &known(&donation.email, &session.email),
        amount: session.total.map(|total| total.to_string()).unwrap_or_default(),
        every: session.every,
        at: event.since,
    };
    regular_letters::send_gift_failed(tx, site, &missed).await
}

/// The payment of a gift given once, told on its own. It brings good news only: as long as its session is open another try
/// may follow a failed one, so the session tells of failures.
pub async fn payment_alone(
    tx: &mut Tx,
    site: &Site,
    paying: &Paying,
    session: Option<&CheckoutSession>,
) -> db::Result<Applied> {
    let payment = &paying.payment;
    let Some(public_id) = &payment.ours.donation else { return Ok(Applied::NotOurs) };
    // Payments of invoices are told by their invoice, and a payment whose row is unknown by its session.
    let Some(donation) =
        store::gifts::donation(tx, public_id).await?.filter(|row| row.kind == DonationKind::Once)
    else {
        return Ok(Applied::NotOurs);
    };
    match payment.state {
        PaymentState::Succeeded => {
            let from = session.map_or((None, None), |known| (known.email.as_deref(), known.name.as_deref()));
            return pay_once(tx, site, donation, paying, from).await;
        }
        PaymentState::Processing => {
            store::gifts::advance(tx, donation.id, Move::Pending).await?;
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
    paying: &Paying,
    (email, name): (Option<&str>, Option<&str>),
) -> db::Result<Applied> {
    let payment = &paying.payment;
    if payment.in_review && donation.state != DonationState::Paid {
        store::gifts::advance(tx, donation.id, Move::Pending).await?;
        return Ok(Applied::Ours(Some(donation.id)));
    }
    let (Some(amount), Some(at)) = (payment.amount, payment.paid_at) else {
        return Ok(Applied::Ours(Some(donation.id)));
    };
    let is_another = donation.provider_payment_id.as_ref().is_some_and(|known| *known != payment.id);
    let donation = if donation.state == DonationState::Paid && is_another {
        store::gifts::add_another_payment(tx, &donation, &payment.id, amount, at).await?
    } else {
        donation
    };
    let paid = book::Paid {
        amount,
        elsewhere_minor: 0,
        payment_id: Some(&payment.id),
        invoice_id: None,
        email,
        name,
        at,
    };
    book::pay(tx, site, &donation, None, &paid).await?;
    if !back::follow(tx, site, donation.id, &paying.aftermath()).await? {
        return Ok(Applied::Stale);
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// What became of a payment that a gift of ours is paid by.
pub async fn after(tx: &mut Tx, site: &Site, paying: &Paying) -> db::Result<Applied> {
    let Some(donation) = store::gifts::of_payment(tx, &paying.payment.id).await? else {
        return Ok(Applied::NotOurs);
    };
    if !back::follow(tx, site, donation.id, &paying.aftermath()).await? {
        return Ok(Applied::Stale);
    }
    Ok(Applied::Ours(Some(donation.id)))
}

/// The checkout session that begins a monthly donation.
pub async fn monthly(
    tx: &mut Tx,
    site: &Site,
    event: &DueEvent,
    session: &CheckoutSession,
    month: Option<&Month>,
) -> db::Result<Applied> {
    let Some(public_id) = &session.ours.recurring else { return Ok(Applied::NotOurs) };
    let recurring = match store::months::recurring(tx, public_id).await? {
        Some(known) => known,
        None => match session.total {
            Some(amount) => {
                months::add_unknown_recurring(
                    tx,
                    public_id,
                    amount,
                    session.email.as_deref(),
                    session.created,
                )
                .await?
            }
            None => return Ok(Applied::NotOurs),
        },
    };
    let Some(donation) = donation_of(tx, session, Some(&recurring)).await? else {
        return Ok(Applied::NotOurs);
    };
    store::gifts::link_session(tx, donation.id, &session.id).await?;
    match session.state {
        SessionState::Paid | SessionState::Open => {}
        SessionState::Unpaid => {
            if event.what.news() == Some(EventKind::CheckoutFailed) {
                fail(tx, site, event, session, &donation).await?;
            } else {
                store::gifts::advance(tx, donation.id, Move::Pending).await?;
            }
        }
        SessionState::Expired => {
            store::gifts::advance(tx, donation.id, Move::Expired).await?;
            store::months::abandon_recurring(tx, recurring.id, event.since).await?;
        }
    }
    match month {
        Some(month) => match months::follow(tx, site, event, month).await? {
            Applied::Stale => Ok(Applied::Stale),
            _ => Ok(Applied::Ours(Some(donation.id))),
        },
        None => Ok(Applied::Ours(Some(donation.id))),
    }
}

/// The donation a session names; made if the provider knows of it and we (after a restored backup) do not (TRUST D7).
async fn donation_of(
    tx: &mut Tx,
    session: &CheckoutSession,
    recurring: Option<&Recurring>,
) -> db::Result<Option<Donation>> {
    let Some(public_id) = &session.ours.donation else { return Ok(None) };
    if let Some(known) = store::gifts::donation(tx, public_id).await? {
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
    Ok(Some(store::gifts::add_donation(tx, &new).await?))
}
