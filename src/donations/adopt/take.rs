//! What was chosen becomes ours: some at a time, each with its fate in the same transaction, so that nothing is taken twice.

use super::{
    super::{
        book, letters,
        store::{
            self,
            adopt::{self as rows, Adoption, AdoptionState, AdoptionStep, OldFate, OldKind, OldObject},
            donors, gifts,
            gifts::NewDonation,
            months,
        },
    },
    moved,
};
use crate::{
    clock::Moment,
    db::{self, Gate, Tx},
    email_address::EmailAddress,
    money::{self, Money},
    payments::RecurringState,
    site::Site,
    token,
};

/// So many are taken in one transaction.
const AT_ONCE: i64 = 20;
/// So many are left at once.
const LEFT_AT_ONCE: i64 = 2_000;

/// Takes some; `end` is where it stands when nothing chosen is left. Standing gifts come first, for what was paid for them follows them.
pub async fn some(
    site: &Site,
    one: &Adoption,
    end: (AdoptionState, AdoptionStep),
) -> db::Result<Option<Moment>> {
    let took: Option<Option<Moment>> = db::again(async || {
        // Gifts are booked: whoever closes a month waits for it.
        let mut tx = site.db.begin_inside(Gate::Book).await?;
        let Some(claim) = moved(&mut tx, site, one, (one.state, one.step, "")).await? else {
            return Ok(Some(None));
        };
        for kind in [OldKind::Monthly, OldKind::Instalment, OldKind::Once] {
            let chosen = rows::to_take(&mut tx, kind, AT_ONCE, one.created_at).await?;
            for old in &chosen {
                take(&mut tx, site, old).await?;
            }
            if !chosen.is_empty() {
                tx.commit().await?;
                return Ok(Some(Some(claim)));
            }
        }
        Ok::<_, sqlx::Error>(None)
    })
    .await?;
    if let Some(claim) = took {
        return Ok(claim);
    }
    let mut tx = site.db.begin().await?;
    if end.1 == AdoptionStep::Following {
        // The rest stays the other program's. When there is more than goes into one transaction, there is another.
        let left = rows::leave(&mut tx, LEFT_AT_ONCE).await?;
        if left == LEFT_AT_ONCE as u64 {
            let claim = moved(&mut tx, site, one, (one.state, one.step, "")).await?;
            tx.commit().await?;
            return Ok(claim);
        }
    }
    let claim = moved(&mut tx, site, one, (end.0, end.1, "")).await?;
    if claim.is_some() {
        tx.commit().await?;
    }
    Ok(claim)
}

async fn take(tx: &mut Tx, site: &Site, old: &OldObject) -> db::Result<()> {
    if let Some(why) = why_not(old) {
        return rows::decide(tx, &old.provider_id, OldFate::Refused, &why).await.map(drop);
    }
    let taken = match old.kind {
        OldKind::Monthly => monthly(tx, site, old).await?,
        OldKind::Instalment if old.subscription_id.is_some() => instalment(tx, site, old).await?,
        OldKind::Instalment | OldKind::Once => gift(tx, site, old).await?,
    };
    let (fate, why) = match taken {
        Ok(()) => (OldFate::Taken, ""),
        Err(why) => (OldFate::Refused, why),
    };
    rows::decide(tx, &old.provider_id, fate, why).await.map(drop)
}

/// Why it cannot be ours, whatever else it is.
fn why_not(old: &OldObject) -> Option<String> {
    if money::currency(&old.currency).is_none() {
        return Some(format!("amounts in {} are not understood here", old.currency));
    }
    let is_bare_charge = |id: &str| id.starts_with("ch_") || id.starts_with("py_");
    if is_bare_charge(&old.provider_id) || old.payment_id.as_deref().is_some_and(is_bare_charge) {
        return Some(
            "it was taken in a way of years ago, of which the payment service tells no more".to_owned(),
        );
    }
    (old.amount_minor <= 0).then(|| "it has no fixed amount".to_owned())
}

/// Whether it is ours now, or why not.
type Taken = Result<(), &'static str>;

async fn monthly(tx: &mut Tx, site: &Site, old: &OldObject) -> db::Result<Taken> {
    let state = RecurringState::parse(&old.standing).unwrap_or(RecurringState::Paused);
    let donor = match EmailAddress::parse(&old.email) {
        Ok(address) => {
            Some(donors::keep_donor(tx, address.as_str(), &address.key(), &old.name, site.now()).await?)
        }
        // Somebody gives who left no address: the gift is counted, and nobody can be written to.
        Err(_) => None,
    };
    // One that has become ours in another way meanwhile is ours.
    if rows::adopt_recurring(tx, old, donor, state, site.now()).await?.is_some()
        && let Some(donor) = donor
    {
        letters::tell_donor_state(tx, site, donor).await?;
    }
    Ok(Ok(()))
}

async fn instalment(tx: &mut Tx, site: &Site, old: &OldObject) -> db::Result<Taken> {
    let Some(recurring) =
        months::recurring_of(tx, old.subscription_id.as_deref().unwrap_or_default()).await?
    else {
        return Ok(Err("the monthly donation that it was paid for is not ours"));
    };
    let donation = match gifts::instalment(tx, &old.provider_id).await? {
        Some(known) => known,
        None => {
            let (minor, currency) = (old.amount_minor, old.currency.as_str());
            gifts::add_instalment(tx, &recurring, &old.provider_id, minor, currency, old.made_at).await?
        }
    };
    rows::began(tx, recurring.id, old.at.unwrap_or(old.made_at)).await?;
    booked(tx, site, old, &donation, Some(&recurring), (old.payment_id.as_deref(), Some(&old.provider_id)))
        .await
}

async fn gift(tx: &mut Tx, site: &Site, old: &OldObject) -> db::Result<Taken> {
    let is_invoice = old.kind == OldKind::Instalment;
    if rows::is_ours(tx, old.kind, &old.provider_id).await? {
        return Ok(Ok(()));
    }
    let public_id = token::public_id();
    let new = NewDonation {
        public_id: &public_id,
        email: &old.email,
        name: &old.name,
        recurring_donation_id: None,
        amount_minor: old.amount_minor,
        currency: &old.currency,
        edition_id: None,
        at: old.made_at,
    };
    let donation = gifts::add_donation(tx, &new).await?;
    let invoice = is_invoice.then_some(old.provider_id.as_str());
    booked(tx, site, old, &donation, None, (old.payment_id.as_deref(), invoice)).await
}

/// Books it as it was paid then. Nobody is written to.
async fn booked(
    tx: &mut Tx,
    site: &Site,
    old: &OldObject,
    donation: &store::gifts::Donation,
    recurring: Option<&store::months::Recurring>,
    (payment_id, invoice_id): (Option<&str>, Option<&str>),
) -> db::Result<Taken> {
    let Some(currency) = money::currency(&old.currency) else {
        return Ok(Err("its currency is not understood here"));
    };
    rows::adopted(tx, donation.id, site.now()).await?;
    let paid = book::Paid {
        amount: Money::new(old.amount_minor, currency),
        payment_id,
        invoice_id,
        email: Some(old.email.as_str()).filter(|email| !email.is_empty()),
        name: Some(old.name.as_str()).filter(|name| !name.is_empty()),
        at: old.at.unwrap_or(old.made_at),
        elsewhere_minor: old.elsewhere_minor,
    };
    book::pay_adopted(tx, site, donation, recurring, &paid).await?;
    Ok(Ok(()))
}
