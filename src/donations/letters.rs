//! What donations tell others: receipts and news to the supporter, the donor state to the readers' room.
//!
//! Every mail is enqueued in the transaction of the fact that causes it, under that fact's key, so none goes twice
//! (TRUST T5, D9). No name stands in the To header of what goes to supporters: whoever typed the address may have typed anything for
//! a name. What a restored backup hears of a second time was told before it was lost, and is not told again (T10).

use super::{
    brakes::giver_token,
    lines::{Unended, figures},
    manage_link::{manage_token, supporter_token},
    states::RecurringState,
    store::{
        self,
        back::{self, Gift},
        months::{self, Recurring},
    },
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    delivery::tell,
    email_address::EmailAddress,
    mail::{GiftReturned, MonthlyNotEnded, PaymentFailed, Receipt, RecurringCancelled},
    money::Money,
    origin,
    payments::{Every, GiftRhythm, Refund},
    settings::Settings,
    site::Site,
    staff::{self, Member, Role},
    subscribers::{self, DonorState},
    token,
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
    /// The row of the supporter.
    pub donor_id: Option<i64>,
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
    write_receipt(tx, site, to, gift, &format!("receipt:{}", gift.donation)).await
}

/// The same once more, since its supporter asked for it: each asking is a fact of its own.
pub(super) async fn send_receipt_again(
    tx: &mut Tx,
    site: &Site,
    to: &EmailAddress,
    gift: &Received<'_>,
) -> db::Result<()> {
    let fact = format!("receipt-again:{}:{}", gift.donation, token::public_id());
    write_receipt(tx, site, to, gift, &fact).await
}

async fn write_receipt(
    tx: &mut Tx,
    site: &Site,
    to: &EmailAddress,
    gift: &Received<'_>,
    fact: &str,
) -> db::Result<()> {
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let supporter = store::supporter::at(tx, &to.key()).await?;
    let every = match gift.recurring {
        Some(recurring) => Some(store::supporter::rhythm_of(tx, recurring).await?.words()),
        None => None,
    };
    let receipt = Receipt {
        gifts_url: supporter
            .map(|known| site.url(&format!("/supporter/{}", supporter_token(site, &known.public_id)))),
        sender: letterhead.sender.clone(),
        donor_name: greeting(gift.name),
        amount: gift.amount.to_string(),
        every,
        date: gift.paid_at.date(&settings.time_zone),
        receipt_number: gift.receipt_number.to_owned(),
        manage_url: gift.recurring.map(|id| manage_url(site, id)),
        give_url: give_url(tx, site, gift.donor_id).await?,
    };
    tell(tx, site, &letterhead, ("", to), fact, &receipt).await.map(drop)
}

/// That a gift, or some of it, was sent back, once for each time; it corrects the receipt, whose number stays.
pub(super) async fn send_given_back(
    tx: &mut Tx,
    site: &Site,
    gift: &Gift,
    refund: &Refund,
) -> db::Result<()> {
    let at = refund.moved.as_ref().map_or(refund.created, |moved| moved.at);
    if was_told(tx, at).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&gift.email) else { return Ok(()) };
    let left = gift.amount_minor - back::back_of(tx, gift.id).await?;
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let returned = GiftReturned {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&gift.name),
        amount: refund.amount.to_string(),
        date: at.date(&settings.time_zone),
        gift_amount: figures(gift.amount_minor, &gift.currency),
        gift_date: gift.paid_at.unwrap_or(at).date(&settings.time_zone),
        left: (left > 0).then(|| figures(left, &gift.currency)),
        receipt_number: gift.receipt.clone().unwrap_or_default(),
    };
    tell(tx, site, &letterhead, ("", &to), &format!("refund:{}", refund.id), &returned).await.map(drop)
}

/// That a payment of a regular gift failed, once for each invoice; `at` is when.
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
    let letterhead = settings.letterhead(site);
    let failed = PaymentFailed {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        every: recurring.rhythm().words(),
        next_try: next_try.map(|at| at.date(&settings.time_zone)),
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    tell(tx, site, &letterhead, ("", &to), &format!("payment-failed:{invoice_id}"), &failed).await.map(drop)
}

/// That a monthly donation is over, once.
pub(super) async fn send_monthly_ended(tx: &mut Tx, site: &Site, recurring: &Recurring) -> db::Result<()> {
    if was_told(tx, recurring.cancelled_at.unwrap_or_else(|| site.now())).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let beside = match recurring.donor_id {
        Some(donor) => months::beside(tx, donor, recurring.id).await?,
        None => Vec::new(),
    };
    let going_on = |(amount, currency, rhythm): &(i64, String, GiftRhythm)| {
        format!("{} {}", figures(*amount, currency), rhythm.words())
    };
    let ended = RecurringCancelled {
        going_on: beside.iter().map(going_on).collect(),
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        every: recurring.rhythm().words(),
        give_url: give_url(tx, site, recurring.donor_id).await?,
    };
    let fact = format!("monthly-ended:{}", recurring.public_id);
    tell(tx, site, &letterhead, ("", &to), &fact, &ended).await.map(drop)
}

/// That a monthly donation should have ended and is still charged: to each owner and treasurer. False if there is nobody to
/// write to.
pub(super) async fn send_not_ended(
    tx: &mut Tx,
    site: &Site,
    team: &[Member],
    one: &Unended,
) -> db::Result<bool> {
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let context = MonthlyNotEnded {
        sender: letterhead.sender.clone(),
        amount: one.amount(),
        every: one.rhythm().words(),
        asked: one.asked_at.date_time(&settings.time_zone),
        why: one.last_error.as_deref().unwrap_or("it has not answered").trim_end_matches('.').to_owned(),
        subscription: one.provider_subscription_id.clone().unwrap_or_default(),
        donations_url: site.url("/desk/donations"),
    };
    let about_money = |one: &Member| Role::MONEY.contains(&one.role) && one.disabled_at.is_none();
    let people: Vec<Member> = team.iter().filter(|one| about_money(one)).cloned().collect();
    let fact = format!("not-ended:{}", one.public_id);
    staff::tell(tx, (site, &letterhead), &people, &fact, &context).await
}

/// Where a supporter changes a regular gift: their own page, or the one of that gift as long as they are not known as one.
pub(super) async fn page_url(tx: &mut Tx, site: &Site, (email, gift): (&str, &str)) -> db::Result<String> {
    let key = EmailAddress::parse(email).map(|email| email.key()).unwrap_or_default();
    Ok(match store::supporter::at(tx, &key).await? {
        Some(known) => site.url(&format!("/supporter/{}", supporter_token(site, &known.public_id))),
        None => manage_url(site, gift),
    })
}

/// Whether something happened before a backup was restored: then it was told at the time, or nobody can say.
pub(super) async fn was_told(tx: &mut Tx, at: Moment) -> db::Result<bool> {
    Ok(origin::restored_at(tx).await?.is_some_and(|restored| at <= restored))
}

pub(super) fn manage_url(site: &Site, public_id: &str) -> String {
    site.url(&format!("/giving/{}", manage_token(site, public_id)))
}

/// The page to give, which knows whoever comes by this address.
async fn give_url(tx: &mut Tx, site: &Site, donor_id: Option<i64>) -> db::Result<String> {
    let name = match donor_id {
        Some(donor_id) => store::brakes::name_of(tx, donor_id).await?,
        None => None,
    };
    Ok(match name {
        Some(name) => site.url(&format!("/donate?s={}", giver_token(site, &name))),
        None => site.url("/donate"),
    })
}

/// The same for whoever has an address: one that nobody is known by yet has nothing to be known by.
pub(super) async fn give_url_of(
    tx: &mut Tx,
    site: &Site,
    email: &EmailAddress,
    every: Every,
) -> db::Result<String> {
    let every = if every == Every::Month { "every=month" } else { "every=once" };
    Ok(match store::supporter::at(tx, &email.key()).await? {
        Some(known) => site.url(&format!("/donate?{every}&s={}", giver_token(site, &known.public_id))),
        None => site.url(&format!("/donate?{every}")),
    })
}

const NOBODYS_NAME: &str = "supporter";

/// By what a supporter is greeted. Whoever typed somebody else's address may have typed a message to them for a name: what is long, or
/// has what addresses of pages and offers are made of, is no name.
pub(super) fn greeting(name: &str) -> String {
    let is_odd = |c: char| c.is_numeric() || c.is_control() || "/:@<>{}[]|\\#$%*=~^_!?\"€£".contains(c);
    // "J.R.R." is a name's; "evil.example" is not.
    let is_domain =
        |word: &str| word.trim_matches('.').split('.').filter(|part| part.chars().count() > 1).count() > 1;
    let has_domain = || name.split_whitespace().any(is_domain);
    let is_name = !name.is_empty() && name.chars().count() <= 60 && !name.contains(is_odd) && !has_domain();
    if is_name { name.to_owned() } else { NOBODYS_NAME.to_owned() }
}

/// Brings the donor state of a reader with the donor's address up to date, if there is one.
pub(super) async fn tell_donor_state(tx: &mut Tx, site: &Site, donor_id: i64) -> db::Result<()> {
    let standing = store::donors::standing(tx, donor_id).await?;
    let state = match &standing {
        standing if standing.failing > 0 => DonorState::Failing,
        standing if standing.active > 0 => DonorState::Monthly,
        standing if standing.ended > 0 => DonorState::Lapsed,
        standing if standing.last_gift_at.is_some() => DonorState::Once,
        _ => DonorState::Never,
    };
    // Addresses were checked when they came in; one that an older program took and this one would not has no reader.
    if let Ok(email) = EmailAddress::parse(&standing.email) {
        let since = standing.created_at;
        subscribers::set_donor_state(tx, site, (&email, since), state, standing.last_gift_at).await?;
    }
    Ok(())
}

/// After any change: tells the supporter, once, that a monthly donation that had begun is over, and brings the donor state up to date.
pub(super) async fn follow_up(tx: &mut Tx, site: &Site, recurring_id: i64) -> db::Result<()> {
    let recurring = store::months::recurring_by_id(tx, recurring_id).await?;
    if recurring.state == RecurringState::Cancelled && recurring.activated_at.is_some() {
        send_monthly_ended(tx, site, &recurring).await?;
    }
    if let Some(donor_id) = recurring.donor_id {
        tell_donor_state(tx, site, donor_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A22: nothing that a stranger typed to somebody stands in a letter to them, and people are called what they are called.
    #[test]
    fn names_are_greeted_and_messages_are_not() {
        for name in
            ["Zoë Özdemir", "J.R.R. Marlowe", "Ann & Bob O’Neill-Lee", "अनुष्का", "Martin Luther King, Jr."]
        {
            assert_eq!(greeting(name), name);
        }
        for message in [
            "",
            "WIN 1000 EUR",
            "see evil.example",
            "evil.ru",
            "//evil",
            "call me @evil",
            "you owe us $",
            &"x".repeat(61),
        ] {
            assert_eq!(greeting(message), "supporter", "{message}");
        }
    }
}
