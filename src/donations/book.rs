//! The book of the money: the one place where a donation becomes paid, and the sums that must agree.
//!
//! What is written into it says `ledger.rs`; what becomes of a gift later, `back.rs`. Totals stand by the day, as
//! each gift stands with its refunds and disputes, and the audit computes them all again (decision 22).

use super::{
    ledger::{self, Posting},
    letters,
    lines::{Total, figures},
    search,
    states::{Account, DonationState, PostingKind},
    store::{self, gifts::Donation, months::Recurring},
};
use crate::{
    clock::Moment,
    db::{self, Db, Tx},
    email_address::EmailAddress,
    money::Money,
    site::Site,
    subscribers, token,
};

/// What the provider says of a payment that went through.
pub(super) struct Paid<'a> {
    pub amount: Money,
    /// What of it did not pass through the provider, in minor units.
    pub elsewhere_minor: i64,
    pub payment_id: Option<&'a str>,
    pub invoice_id: Option<&'a str>,
    /// The supporter's address and name as the provider has them, for rows that have none.
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    /// When the money came, by the provider's own time of it: never the time of the event that told us.
    pub at: Moment,
}

/// Makes a donation paid, once: its entries, its receipt and the mail with it, the donor. A second call changes nothing.
pub(super) async fn pay(
    tx: &mut Tx,
    site: &Site,
    donation: &Donation,
    recurring: Option<&Recurring>,
    paid: &Paid<'_>,
) -> db::Result<()> {
    pay_as(tx, site, donation, recurring, paid, false).await
}

/// The same of a gift that another program took at the time: it is booked, and nobody is thanked or given a paper for it.
pub(super) async fn pay_adopted(
    tx: &mut Tx,
    site: &Site,
    donation: &Donation,
    recurring: Option<&Recurring>,
    paid: &Paid<'_>,
) -> db::Result<()> {
    pay_as(tx, site, donation, recurring, paid, true).await
}

async fn pay_as(
    tx: &mut Tx,
    site: &Site,
    donation: &Donation,
    recurring: Option<&Recurring>,
    paid: &Paid<'_>,
    is_adopted: bool,
) -> db::Result<()> {
    let amount = paid.amount;
    if amount.minor <= 0 || donation.state == DonationState::Paid {
        return Ok(());
    }
    let email = known(&donation.email, paid.email);
    let name = known(&donation.name, paid.name);
    let address = EmailAddress::parse(email).ok();
    // A monthly donor stays the one who began it, whatever address the provider has by now.
    let donor_id = match (recurring.and_then(|row| row.donor_id), &address) {
        (Some(donor_id), _) => Some(donor_id),
        (None, Some(address)) => {
            let donor_id =
                store::donors::keep_donor(tx, address.as_str(), &address.key(), name, site.now()).await?;
            search::word(tx, donor_id, address.as_str(), name).await?;
            Some(donor_id)
        }
        (None, None) => None,
    };
    let currency = amount.currency.code();
    let written = store::gifts::Payment {
        donation_id: donation.id,
        at: paid.at,
        amount_minor: amount.minor,
        currency,
        donor_id,
        email,
        name,
        payment_id: paid.payment_id,
        invoice_id: paid.invoice_id,
    };
    if !store::gifts::pay(tx, &written).await? {
        return Ok(());
    }
    if let (Some(donor), Some(address)) = (donor_id, &address) {
        subscribers::gave_before(tx, site, address, (donor, paid.at)).await?;
    }
    let elsewhere = paid.elsewhere_minor.clamp(0, amount.minor);
    let posting = Posting {
        kind: if elsewhere == amount.minor { PostingKind::Offline } else { PostingKind::Payment },
        of: &donation.public_id,
        reference: paid.payment_id.or(paid.invoice_id).unwrap_or_default(),
        currency,
        lines: &[
            (Account::Provider, amount.minor - elsewhere),
            (Account::Bank, elsewhere),
            (Account::income(donation.kind), -amount.minor),
        ],
        donation_id: Some(donation.id),
        at: paid.at,
    };
    ledger::post(tx, &posting).await?;
    if is_adopted {
        return match donor_id {
            Some(donor_id) => letters::tell_donor_state(tx, site, donor_id).await,
            None => Ok(()),
        };
    }
    let number = receipt_number(paid);
    store::book::add_receipt(tx, donation.id, &number, site.now()).await?;
    if let Some(recurring) = recurring {
        store::months::begin_recurring(tx, recurring.id, donor_id, paid.at, email, name).await?;
    }
    match &address {
        Some(address) => {
            let gift = letters::Received {
                donation: &donation.public_id,
                receipt_number: &number,
                amount,
                name,
                paid_at: paid.at,
                recurring: recurring.map(|row| row.public_id.as_str()),
                donor_id,
            };
            letters::send_receipt(tx, site, address, &gift).await?;
        }
        None => {
            tracing::error!(donation = donation.public_id, "paid, and there is no address for the receipt");
        }
    }
    if let Some(donor_id) = donor_id {
        letters::tell_donor_state(tx, site, donor_id).await?;
    }
    Ok(())
}

/// What the paper carries: the year in UTC, whatever zone the date beside it is shown in, for a magazine may change its zone; and
/// letters that are made of the provider's own name of the payment. So the same gift has the
/// same number whenever it is booked, after a restored backup too, and no other gift ever has it.
fn receipt_number(paid: &Paid<'_>) -> String {
    let fact = paid.invoice_id.or(paid.payment_id).unwrap_or_default();
    format!("{}-{}", paid.at.year(), token::short_name(fact).to_ascii_uppercase())
}

fn known<'a>(ours: &'a str, theirs: Option<&'a str>) -> &'a str {
    if ours.is_empty() { theirs.unwrap_or_default() } else { ours }
}

/// What the book says, and everything in it that should not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyAudit {
    /// Paid donations by kind and currency, without what came back of them.
    pub totals: Vec<Total>,
    /// What the book says the provider took for us, by currency: to be held against the provider's own charges.
    pub booked: Vec<Total>,
    /// Receipts written.
    pub receipts: i64,
    /// A sentence for each thing that is wrong.
    pub problems: Vec<String>,
}

impl MoneyAudit {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Recounts the book from its rows: every group adds up to zero, every paid donation is booked once and has one receipt, no
/// unpaid one is booked, what came back is booked as it moved, the book's sums are the donations' sums, and what the provider holds
/// by the book is what its movements come to (TRUST T4).
pub async fn audit_money(db: &Db) -> db::Result<MoneyAudit> {
    let totals = store::figures::totals(db).await?;
    let booked = store::book::booked(db).await?;
    let receipts = store::book::receipt_count(db).await?;
    let mut problems = store::book::wrong_rows(db).await?;
    let (income, gross) = (store::book::income(db).await?, store::book::gross(db).await?);
    for line in &income {
        let of_gifts = gross.iter().find(|total| total.currency == line.currency);
        let (number, minor) = of_gifts.map_or((0, 0), |total| (total.number, total.minor));
        if (number, minor) != (line.number, line.minor) {
            problems.push(format!(
                "the book has {} gifts of {} in all, the donations come to {number} of {minor} (in minor units of {})",
                line.number, line.minor, line.currency
            ));
        }
    }
    for total in &gross {
        if !income.iter().any(|line| line.currency == total.currency) {
            problems.push(format!("donations in {} are not in the book at all", total.currency));
        }
    }
    for off in store::book::held_wrongly(db).await? {
        problems.push(format!(
            "the book and the movements at the payment service differ by {}",
            figures(off.minor, &off.currency)
        ));
    }
    let paid: i64 = gross.iter().map(|total| total.number).sum();
    let adopted = store::adopt::adopted_number(db).await?;
    if paid - adopted != receipts {
        problems
            .push(format!("{paid} paid donations, {adopted} of them taken over, and {receipts} receipts"));
    }
    Ok(MoneyAudit { totals, booked, receipts, problems })
}
