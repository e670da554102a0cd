//! What donations tell others: receipts and news to the supporter, the donor state to the readers' room.
//!
//! Every mail is enqueued in the transaction of the fact that causes it, under that fact's key, so none goes twice
//! (TRUST T5, D9). What a restored backup hears of a second time was told before it was lost, and is not told again (T10).

use super::{
    lines::{Unended, figures},
    manage_link::manage_token,
    store::{self, Recurring},
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    delivery::{
        notices::{self, NewNotice},
        origin,
    },
    email_address::EmailAddress,
    mail::{EmailTemplate, MonthlyNotEnded, PaymentFailed, Receipt, RecurringCancelled, Sender},
    money::Money,
    settings::Settings,
    site::Site,
    staff::{Role, accounts::Member},
    subscribers::{self, DonorState},
};

/// What a receipt is about.
pub(super) struct Received<'a> {
    /// The donation's public id.
    pub donation: &'a str,
    pub receipt_number: &'a str,
    pub amount: Money,
    pub name: &'a str,
    pub paid_at: Moment,
    /// The public id of the monthly donation it is a month of.
    pub recurring: Option<&'a str>,
}

/// The receipt of a donation.
pub(super) async fn send_receipt(
    tx: &mut Tx,
    site: &Site,
    to: &EmailAddress,
    gift: &Received<'_>,
) -> db::Result<()> {
    if was_told(tx, gift.paid_at).await? {
        return Ok(());
    }
    let settings = Settings::load_in(tx).await?;
    let receipt = Receipt {
        sender: sender(site, &settings),
        donor_name: greeting(gift.name),
        amount: gift.amount.to_string(),
        monthly: gift.recurring.is_some(),
        date: gift.paid_at.date(&settings.time_zone),
        receipt_number: gift.receipt_number.to_owned(),
        manage_url: gift.recurring.map(|id| manage_url(site, id)),
    };
    enqueue(tx, site, &settings, &format!("receipt:{}", gift.donation), to, &receipt).await
}

/// That a month's payment failed, once for each invoice; `at` is when.
pub(super) async fn send_payment_failed(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (invoice_id, at): (&str, Moment),
    next_try: Option<Moment>,
) -> db::Result<()> {
    if was_told(tx, at).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let settings = Settings::load_in(tx).await?;
    let failed = PaymentFailed {
        sender: sender(site, &settings),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        next_try: next_try.map(|at| at.date(&settings.time_zone)),
        manage_url: manage_url(site, &recurring.public_id),
    };
    enqueue(tx, site, &settings, &format!("payment-failed:{invoice_id}"), &to, &failed).await
}

/// That a monthly donation is over, once.
pub(super) async fn send_monthly_ended(tx: &mut Tx, site: &Site, recurring: &Recurring) -> db::Result<()> {
    if was_told(tx, recurring.cancelled_at.unwrap_or_else(|| site.now())).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let settings = Settings::load_in(tx).await?;
    let ended = RecurringCancelled {
        sender: sender(site, &settings),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        give_url: site.url("/donate"),
    };
    enqueue(tx, site, &settings, &format!("monthly-ended:{}", recurring.public_id), &to, &ended).await
}

/// That a monthly donation should have ended and is still charged: to each owner and treasurer. False if nobody could be
/// written to.
pub(super) async fn send_not_ended(
    tx: &mut Tx,
    site: &Site,
    team: &[Member],
    one: &Unended,
) -> db::Result<bool> {
    let settings = Settings::load_in(tx).await?;
    if from(site, &settings).is_none() {
        return Ok(false);
    }
    let context = MonthlyNotEnded {
        sender: sender(site, &settings),
        amount: one.amount(),
        asked: one.asked_at.date_time(&settings.time_zone),
        why: one.last_error.as_deref().unwrap_or("it has not answered").trim_end_matches('.').to_owned(),
        subscription: one.provider_subscription_id.clone().unwrap_or_default(),
        donations_url: site.url("/desk/donations"),
    };
    let mut written = false;
    for member in team.iter().filter(|one| Role::MONEY.contains(&one.role) && one.disabled_at.is_none()) {
        let key = format!("not-ended:{}:{}", one.public_id, member.public_id);
        enqueue(tx, site, &settings, &key, &member.email, &context).await?;
        written = true;
    }
    Ok(written)
}

/// Whether something happened before a backup was restored: then it was told at the time, or nobody can say.
async fn was_told(tx: &mut Tx, at: Moment) -> db::Result<bool> {
    Ok(origin::restored_at(tx).await?.is_some_and(|restored| at <= restored))
}

async fn enqueue<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    key: &str,
    to: &EmailAddress,
    context: &T,
) -> db::Result<()> {
    let Some(from) = from(site, settings) else {
        tracing::error!(key, "no mail was written: the settings name no address that it could come from");
        return Ok(());
    };
    // No name in the To header: whoever typed the address may have typed anything for a name.
    let notice = NewNotice { key, from: (settings.sender_name(), &from), to, name: "", context };
    notices::enqueue(tx, site, notice).await?;
    Ok(())
}

/// A magazine that has not said where its mail comes from writes from its own host rather than not at all.
fn from(site: &Site, settings: &Settings) -> Option<EmailAddress> {
    let own = EmailAddress::parse(settings.sender_email());
    own.or_else(|_| EmailAddress::parse(&format!("donations@{}", site.host()))).ok()
}

fn sender(site: &Site, settings: &Settings) -> Sender {
    Sender {
        magazine: settings.magazine_name.clone(),
        legal_name: settings.legal_name.clone(),
        postal_address: settings.postal_address.clone(),
        contact_email: settings.contact_email.clone(),
        site_url: site.url("/"),
    }
}

fn manage_url(site: &Site, public_id: &str) -> String {
    site.url(&format!("/giving/{}", manage_token(site, public_id)))
}

fn greeting(name: &str) -> String {
    if name.is_empty() { "supporter".to_owned() } else { name.to_owned() }
}

/// Brings the donor state of a reader with the donor's address up to date, if there is one.
pub(super) async fn tell_donor_state(tx: &mut Tx, site: &Site, donor_id: i64) -> db::Result<()> {
    let standing = store::standing(tx, donor_id).await?;
    let state = match &standing {
        standing if standing.failing > 0 => DonorState::Failing,
        standing if standing.active > 0 => DonorState::Monthly,
        standing if standing.ended > 0 => DonorState::Lapsed,
        standing if standing.last_gift_at.is_some() => DonorState::Once,
        _ => DonorState::Never,
    };
    // Addresses were checked when they came in; one that an older program took and this one would not has no reader.
    if let Ok(email) = EmailAddress::parse(&standing.email) {
        subscribers::set_donor_state(tx, site, &email, state, standing.last_gift_at).await?;
    }
    Ok(())
}

/// After any change: tells the supporter, once, that a monthly donation that had begun is over, and brings the donor state up to date.
pub(super) async fn follow_up(tx: &mut Tx, site: &Site, recurring_id: i64) -> db::Result<()> {
    let recurring = store::recurring_by_id(tx, recurring_id).await?;
    if recurring.state == "cancelled" && recurring.activated_at.is_some() {
        send_monthly_ended(tx, site, &recurring).await?;
    }
    if let Some(donor_id) = recurring.donor_id {
        tell_donor_state(tx, site, donor_id).await?;
    }
    Ok(())
}
