//! What is there, read page by page: each page is one transaction with how far the list was read.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::{
        apply::ProviderPollError,
        store::adopt::{self as rows, Adoption, AdoptionState, AdoptionStep, Found, OldKind},
    },
    moved,
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    email_address::EmailAddress,
    money,
    payments::{
        OldCustomer, OldInterval, OldInvoice, OldPayment, OldSubscription, PaymentProvider, RecurringState,
    },
    site::Site,
    token,
};

/// So long before it was begun what came in is looked for once more: a bank debit is on its way for two weeks, and is listed by when it set out.
pub const LATE: Duration = Duration::from_secs(31 * 86_400);
/// An invoice is made out before it is paid: so much earlier they are asked for.
const MADE_OUT_BEFORE: Duration = Duration::from_secs(60 * 86_400);
/// Longer names are cut.
const LONGEST_NAME: usize = 200;

/// Where it stands after the last page of a list.
type Next = (AdoptionState, AdoptionStep);

/// Whose something is, as we write it.
struct Whose {
    email: String,
    email_key: String,
    name: String,
}

impl Whose {
    /// An address that is none is none; one in another spelling is that of the same person.
    fn of(customer: &OldCustomer) -> Self {
        let email = customer.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
        let name = customer.name.as_deref().unwrap_or_default();
        Self {
            email_key: email.as_ref().map(EmailAddress::key).unwrap_or_default(),
            email: email.map(|email| email.to_string()).unwrap_or_default(),
            name: name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
        }
    }
}

/// What is alike and chosen together.
struct Bundle<'a> {
    kind: OldKind,
    what: &'a str,
    marks: String,
    currency: &'a str,
    rhythm: String,
}

impl Bundle<'_> {
    fn name(&self) -> String {
        let parts = [self.kind.as_str(), self.what, &self.marks, self.currency, &self.rhythm];
        token::short_name(&parts.join("\u{1f}"))
    }

    async fn keep(&self, tx: &mut Tx) -> db::Result<String> {
        let name = self.name();
        let of = (self.kind, self.what, self.marks.as_str());
        rows::keep_bundle(tx, &name, of, (self.currency, self.rhythm.as_str())).await?;
        Ok(name)
    }
}

fn rhythm(interval: OldInterval, every: i64) -> String {
    let (one, many) = match interval {
        OldInterval::Day => ("day", "days"),
        OldInterval::Week => ("week", "weeks"),
        OldInterval::Month => ("month", "months"),
        OldInterval::Year => ("year", "years"),
    };
    if every == 1 { one.to_owned() } else { format!("{every} {many}") }
}

fn after(one: &Adoption) -> Option<&str> {
    Some(one.after.as_str()).filter(|after| !after.is_empty())
}

/// Where it stands after a page.
fn then<'a>(one: &Adoption, next: Option<&'a str>, end: Next) -> (AdoptionState, AdoptionStep, &'a str) {
    match next {
        Some(after) => (one.state, one.step, after),
        None => (end.0, end.1, ""),
    }
}

/// Reads a page of standing gifts, and keeps what is not ours; the claim from then on.
pub async fn subscriptions(
    site: &Site,
    provider: &dyn PaymentProvider,
    one: &Adoption,
    end: Next,
) -> Result<Option<Moment>, ProviderPollError> {
    let mut page = provider.account().old_subscriptions(after(one)).await?;
    page.items.retain(|item| item.ours == Default::default() && !item.is_of_a_clock);
    // A product is asked for once a page: there are few.
    let mut names = BTreeMap::new();
    for item in page.items.iter().filter(|item| item.what.starts_with("prod_")) {
        if !names.contains_key(&item.what) {
            names.insert(item.what.clone(), provider.account().product_name(&item.what).await?);
        }
    }
    let mut tx = site.db.begin().await?;
    for item in &page.items {
        let what = names.get(&item.what).and_then(Option::as_deref).unwrap_or(&item.what);
        keep_subscription(&mut tx, site, item, what).await?;
    }
    let claim = moved(&mut tx, site, one, then(one, page.next.as_deref(), end)).await?;
    if claim.is_some() {
        tx.commit().await?;
    }
    Ok(claim)
}

async fn keep_subscription(tx: &mut Tx, site: &Site, item: &OldSubscription, what: &str) -> db::Result<()> {
    // What never began is nobody's gift.
    if item.state == RecurringState::Pending || rows::is_ours(tx, OldKind::Monthly, &item.id).await? {
        return Ok(());
    }
    let bundle = Bundle {
        kind: OldKind::Monthly,
        what,
        marks: item.marks.join(", "),
        currency: &item.currency,
        rhythm: rhythm(item.interval, item.every),
    };
    let (bundle, whose) = (bundle.keep(tx).await?, Whose::of(&item.customer));
    let found = Found {
        provider_id: &item.id,
        kind: OldKind::Monthly,
        bundle: &bundle,
        email: &whose.email,
        email_key: &whose.email_key,
        name: &whose.name,
        customer_id: item.customer.id.as_deref(),
        subscription_id: Some(&item.id),
        payment_id: None,
        standing: item.state.as_str(),
        amount_minor: item.amount.map_or(0, |amount| amount.minor),
        currency: &item.currency,
        refunded_minor: 0,
        elsewhere_minor: 0,
        made_at: item.created,
        at: item.ended_at,
        seen_at: site.now(),
    };
    rows::keep(tx, &found).await.map(drop)
}

/// Reads a page of what was paid for them, and keeps what is not ours; the claim from then on.
pub async fn invoices(
    site: &Site,
    provider: &dyn PaymentProvider,
    one: &Adoption,
    since: Moment,
    end: Next,
) -> Result<Option<Moment>, ProviderPollError> {
    let mut page = provider.account().old_invoices(since.minus(MADE_OUT_BEFORE), after(one)).await?;
    page.items.retain(|item| item.ours == Default::default());
    let mut tx = site.db.begin().await?;
    for item in &page.items {
        keep_invoice(&mut tx, site, item, since).await?;
    }
    let claim = moved(&mut tx, site, one, then(one, page.next.as_deref(), end)).await?;
    if claim.is_some() {
        tx.commit().await?;
    }
    Ok(claim)
}

async fn keep_invoice(tx: &mut Tx, site: &Site, item: &OldInvoice, since: Moment) -> db::Result<()> {
    // Nothing was paid with it: a month on trial, or with a coupon for all of it.
    if item.amount.is_none() && money::currency(&item.currency).is_some() {
        return Ok(());
    }
    if rows::is_ours(tx, OldKind::Instalment, &item.id).await? {
        return Ok(());
    }
    let of_monthly = match &item.subscription {
        Some(subscription) => rows::bundle_of(tx, subscription).await?,
        None => None,
    };
    let (kind, bundle) = match of_monthly {
        Some(bundle) => (OldKind::Instalment, bundle),
        // Of a subscription of ours its news are told.
        None if item.subscription.is_some() => return Ok(()),
        None => {
            let bundle = Bundle {
                kind: OldKind::Once,
                what: "Invoices",
                marks: String::new(),
                currency: &item.currency,
                rhythm: String::new(),
            };
            (OldKind::Instalment, bundle.keep(tx).await?)
        }
    };
    if item.paid_at < since {
        return Ok(());
    }
    let whose = Whose::of(&item.customer);
    let found = Found {
        provider_id: &item.id,
        kind,
        bundle: &bundle,
        email: &whose.email,
        email_key: &whose.email_key,
        name: &whose.name,
        customer_id: item.customer.id.as_deref(),
        subscription_id: item.subscription.as_deref(),
        payment_id: item.payment.as_deref(),
        standing: "paid",
        amount_minor: item.amount.map_or(0, |amount| amount.minor),
        currency: &item.currency,
        refunded_minor: 0,
        elsewhere_minor: item.elsewhere,
        made_at: item.created,
        at: Some(item.paid_at),
        seen_at: site.now(),
    };
    rows::keep(tx, &found).await?;
    if let Some(payment) = &item.payment {
        rows::no_gift_of_its_own(tx, payment).await?;
    }
    Ok(())
}

/// Reads a page of single payments, and keeps what is not ours; the claim from then on.
pub async fn payments(
    site: &Site,
    provider: &dyn PaymentProvider,
    one: &Adoption,
    since: Moment,
    end: Next,
) -> Result<Option<Moment>, ProviderPollError> {
    let mut page = provider.account().old_payments(since, after(one)).await?;
    page.items.retain(|item| item.ours == Default::default());
    let mut tx = site.db.begin().await?;
    for item in &page.items {
        keep_payment(&mut tx, site, item).await?;
    }
    let claim = moved(&mut tx, site, one, then(one, page.next.as_deref(), end)).await?;
    if claim.is_some() {
        tx.commit().await?;
    }
    Ok(claim)
}

async fn keep_payment(tx: &mut Tx, site: &Site, item: &OldPayment) -> db::Result<()> {
    let whose = Whose::of(&item.customer);
    let named = (whose.email.as_str(), whose.email_key.as_str(), whose.name.as_str());
    if rows::is_of_invoice(tx, &item.id, item.refunded, named).await?
        || rows::is_ours(tx, OldKind::Once, &item.id).await?
    {
        return Ok(());
    }
    let bundle = Bundle {
        kind: OldKind::Once,
        what: "Single payments",
        marks: item.marks.join(", "),
        currency: &item.currency,
        rhythm: String::new(),
    };
    let bundle = bundle.keep(tx).await?;
    let found = Found {
        provider_id: &item.id,
        kind: OldKind::Once,
        bundle: &bundle,
        email: &whose.email,
        email_key: &whose.email_key,
        name: &whose.name,
        customer_id: item.customer.id.as_deref(),
        subscription_id: None,
        payment_id: Some(&item.id),
        standing: if item.is_disputed { "disputed" } else { "paid" },
        amount_minor: item.amount.map_or(0, |amount| amount.minor),
        currency: &item.currency,
        refunded_minor: item.refunded,
        elsewhere_minor: 0,
        made_at: item.paid_at,
        at: Some(item.paid_at),
        seen_at: site.now(),
    };
    rows::keep(tx, &found).await.map(drop)
}
