//! What supporters are told of their regular gifts beside receipts: each letter once for its fact, in the transaction of the fact.

use std::time::Duration;

use super::{
    letters::{give_url_of, greeting, manage_url, page_url, was_told},
    lines::figures,
    manage_link::{ASKED_LASTS, asked_supporter_token},
    store::{months::Recurring, renewals::Expiring},
};
use crate::{
    attempts::{self, Limit},
    clock::Moment,
    db::{self, Tx},
    delivery::tell,
    email_address::EmailAddress,
    mail::{
        CardExpiring, DebitRevoked, GiftFailed, GiftsLink, GiftsStatement, MonthlyChanged, NewGiftAddress,
        PaymentAction, PaymentFailedAgain, StatedGift, YearlyNotice,
    },
    payments::{Every, GiftRhythm},
    settings::Settings,
    site::Site,
    subscribers, token,
};

/// It costs nothing to have payments fail in somebody's name: so many letters a day say so to one mailbox.
const FAILED: Limit = Limit::within("gift failed", 3, DAY);

const DAY: Duration = Duration::from_secs(86_400);
/// Whoever changes an address at the provider writes to anybody: whether it is theirs is asked so often of one mailbox, and of all. What is not
/// asked today is asked when the provider next tells of that customer; whoever asked on their own page reads that no letter went.
const ASKED_OF_ONE: Limit = Limit::within("new address of a gift", 1, DAY);
const ASKED_A_DAY: Limit = Limit::within("new addresses of gifts", 3, DAY);
const ASKED_A_MONTH: Limit =
    Limit::within("new addresses of gifts in a month", 10, Duration::from_secs(30 * 86_400));
const ASKED_IN_ALL: Limit = Limit::within("new addresses of gifts in all", 500, DAY);

/// That a payment still has not gone through: the letter of that number, due at `due`.
pub(super) async fn send_failed_again(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (invoice, number, last): (&str, i64, bool),
    (failed_at, due, next_try): (Moment, Moment, Option<Moment>),
) -> db::Result<()> {
    if was_told(tx, due).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let again = PaymentFailedAgain {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        since: failed_at.date(&settings.time_zone),
        next_try: next_try.filter(|at| *at > site.now()).map(|at| at.date(&settings.time_zone)),
        last,
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    let fact = format!("payment-failed:{invoice}:{number}");
    tell(tx, site, &letterhead, ("", &to), &fact, &again).await.map(drop)
}

/// That the bank wants a payment confirmed, once for each invoice. The provider says beside that the payment failed: of that nobody
/// hears who hears this, and it is told all the same where that was told first, for it has the page on which the payment is confirmed.
pub(super) async fn send_payment_action(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (invoice, at): (&str, Moment),
    pay_url: &str,
) -> db::Result<()> {
    if was_told(tx, at).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let action = PaymentAction {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        pay_url: pay_url.to_owned(),
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    let fact = format!("payment-action:{invoice}");
    tell(tx, site, &letterhead, ("", &to), &fact, &action).await.map(drop)
}

/// A gift that did not arrive after all: whose it was, before they are forgotten.
pub(super) struct Missed<'a> {
    pub donation: &'a str,
    pub email: &'a str,
    pub amount: String,
    pub every: Every,
    pub at: Moment,
}

/// That a payment failed which the bank had days for.
pub(super) async fn send_gift_failed(tx: &mut Tx, site: &Site, gift: &Missed<'_>) -> db::Result<()> {
    if was_told(tx, gift.at).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(gift.email) else { return Ok(()) };
    if !attempts::counts(tx, site, &FAILED.on(&to.mailbox())).await? {
        return Ok(());
    }
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let failed = GiftFailed {
        sender: letterhead.sender.clone(),
        // Nothing was paid: it is anybody who typed this address, and a name.
        donor_name: greeting(""),
        amount: gift.amount.clone(),
        give_url: give_url_of(tx, site, &to, gift.every).await?,
    };
    let fact = format!("gift-failed:{}", gift.donation);
    tell(tx, site, &letterhead, ("", &to), &fact, &failed).await.map(drop)
}

/// That the card of a regular gift runs out, in the month `expires`, for people.
pub(super) async fn send_card_expiring(
    tx: &mut Tx,
    site: &Site,
    card: &Expiring,
    (month, expires): (&str, String),
) -> db::Result<()> {
    let Ok(to) = EmailAddress::parse(&card.email) else { return Ok(()) };
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let rhythm = GiftRhythm { count: card.every_count, unit: card.every_unit };
    let expiring = CardExpiring {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&card.name),
        amount: figures(card.amount_minor, &card.currency),
        every: rhythm.words(),
        card: card_words(&card.card_brand, &card.card_last4),
        expires,
        manage_url: page_url(tx, site, (&card.email, &card.public_id)).await?,
    };
    let fact = format!("card-expiring:{}:{month}", card.public_id);
    tell(tx, site, &letterhead, ("", &to), &fact, &expiring).await.map(drop)
}

/// A card as its holder knows it: "Visa card ending in 4242".
pub(super) fn card_words(brand: &str, last4: &str) -> String {
    let brand = if brand.is_empty() { "card".to_owned() } else { format!("{brand} card") };
    if last4.is_empty() { brand } else { format!("{brand} ending in {last4}") }
}

/// That the bank lets no more be taken; `mandate` is the provider's name of what was revoked.
pub(super) async fn send_debit_revoked(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (mandate, at): (&str, Moment),
) -> db::Result<()> {
    if was_told(tx, at).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let revoked = DebitRevoked {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        every: recurring.rhythm().words(),
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    let fact = format!("debit-revoked:{}:{mandate}", recurring.public_id);
    tell(tx, site, &letterhead, ("", &to), &fact, &revoked).await.map(drop)
}

/// That a gift which is taken once a year is taken on that day.
pub(super) async fn send_yearly_notice(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (next, heard): (Moment, Moment),
) -> db::Result<()> {
    if was_told(tx, heard).await? {
        return Ok(());
    }
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let settings = Settings::load_in(tx).await?;
    let letterhead = settings.letterhead(site);
    let notice = YearlyNotice {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        amount: figures(recurring.amount_minor, &recurring.currency),
        every: recurring.rhythm().words(),
        date: next.date(&settings.time_zone),
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    let fact = format!("yearly:{}:{}", recurring.public_id, next.day(&settings.time_zone));
    tell(tx, site, &letterhead, ("", &to), &fact, &notice).await.map(drop)
}

/// What a supporter changed, once the provider has said that it is so.
pub(super) async fn send_changed(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (change, what): (&str, String),
) -> db::Result<()> {
    let Ok(to) = EmailAddress::parse(&recurring.email) else { return Ok(()) };
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let changed = MonthlyChanged {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&recurring.name),
        what,
        unasked: false,
        manage_url: page_url(tx, site, (&recurring.email, &recurring.public_id)).await?,
    };
    let fact = format!("monthly-changed:{change}");
    tell(tx, site, &letterhead, ("", &to), &fact, &changed).await.map(drop)
}

/// Asks whoever reads the address that the provider has of a supporter by now whether it is theirs, once for each.
pub(super) async fn send_new_address(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (to, at): (&EmailAddress, Moment),
    (fact, token): (&str, &str),
) -> db::Result<()> {
    if was_told(tx, at).await? {
        return Ok(());
    }
    if !may_ask(tx, site, to, fact).await? {
        return Ok(());
    }
    let amount = figures(recurring.amount_minor, &recurring.currency);
    let gift = format!("{amount} {}", recurring.rhythm().words());
    ask_address(tx, site, to, (fact, token, Some(gift))).await
}

/// The same of whoever asked for it on their own page; `false` where as many were asked as may be.
pub(super) async fn send_own_address(
    tx: &mut Tx,
    site: &Site,
    to: &EmailAddress,
    token: &str,
) -> db::Result<bool> {
    let fact = format!("own-address:{}", token::public_id());
    if !may_ask(tx, site, to, &fact).await? {
        return Ok(false);
    }
    // Whoever asked to be forgotten is brought back by nobody but themselves: it counts all the same, so nobody who asks learns of it.
    if !subscribers::is_forgotten(tx, site, to).await? {
        ask_address(tx, site, to, (&fact, token, None)).await?;
    }
    Ok(true)
}

/// Whether somebody may be asked once more whether an address is theirs; then it counts.
async fn may_ask(tx: &mut Tx, site: &Site, to: &EmailAddress, fact: &str) -> db::Result<bool> {
    // What is told again and again counts once a day.
    for limit in [ASKED_OF_ONE.on(fact), ASKED_A_DAY.on(&to.mailbox()), ASKED_A_MONTH.on(&to.mailbox())] {
        if !attempts::counts(tx, site, &limit).await? {
            return Ok(false);
        }
    }
    let may = attempts::counts(tx, site, &ASKED_IN_ALL.on("everybody")).await?;
    if !may {
        tracing::warn!("more new addresses of supporters came than are asked about in a day");
    }
    Ok(may)
}

async fn ask_address(
    tx: &mut Tx,
    site: &Site,
    to: &EmailAddress,
    (fact, token, gift): (&str, &str, Option<String>),
) -> db::Result<()> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let confirm_url = site.url(&format!("/gift-address/{token}"));
    let asked = NewGiftAddress { sender: letterhead.sender.clone(), gift, confirm_url };
    tell(tx, site, &letterhead, ("", to), fact, &asked).await.map(drop)
}

/// Tells the old mailbox of a supporter that letters about their gifts go to another one.
pub(super) async fn send_own_address_changed(
    tx: &mut Tx,
    site: &Site,
    (was, name): (&EmailAddress, &str),
) -> db::Result<()> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let what = "Receipts and everything else about your gifts go to another address from now on: somebody asked for that by the link to your gifts, and confirmed it there.";
    let changed = MonthlyChanged {
        sender: letterhead.sender.clone(),
        donor_name: greeting(name),
        what: what.to_owned(),
        unasked: true,
        manage_url: site.url("/supporter"),
    };
    let fact = format!("monthly-changed:address-{}", token::public_id());
    tell(tx, site, &letterhead, ("", was), &fact, &changed).await.map(drop)
}

/// Tells the old mailbox that letters about a gift go to another one, with the page of that gift: it is no longer on their own.
pub(super) async fn send_address_changed(tx: &mut Tx, site: &Site, was: &Recurring) -> db::Result<()> {
    let Ok(to) = EmailAddress::parse(&was.email) else { return Ok(()) };
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let what = "Letters about it go to another address from now on: the one that our payment service has for you by now.";
    let changed = MonthlyChanged {
        sender: letterhead.sender.clone(),
        donor_name: greeting(&was.name),
        what: what.to_owned(),
        unasked: true,
        manage_url: manage_url(site, &was.public_id),
    };
    let fact = format!("monthly-changed:address-{}", token::public_id());
    tell(tx, site, &letterhead, ("", &to), &fact, &changed).await.map(drop)
}

/// The link to a supporter's page; `typed` is what is filled in there, as the query of an address. Each asking that is let through is a fact
/// of its own.
pub(super) async fn send_link(
    tx: &mut Tx,
    site: &Site,
    (whose, to): (&str, &EmailAddress),
    typed: &str,
) -> db::Result<()> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let query = if typed.is_empty() { String::new() } else { format!("?{typed}") };
    let link = GiftsLink {
        sender: letterhead.sender.clone(),
        gifts_url: site.url(&format!("/supporter/{}{query}", asked_supporter_token(site, whose))),
        valid_for: ASKED_LASTS.to_owned(),
    };
    let fact = format!("gifts-link:{whose}:{}", token::public_id());
    tell(tx, site, &letterhead, ("", to), &fact, &link).await.map(drop)
}

/// What was given between two days.
pub(super) struct Stated {
    pub from: String,
    pub to: String,
    pub gifts: Vec<StatedGift>,
    pub sums: Vec<String>,
    pub more: bool,
}

/// A statement, by letter. Each asking that is let through is a fact of its own.
pub(super) async fn send_statement(
    tx: &mut Tx,
    site: &Site,
    (whose, name, to): (&str, &str, &EmailAddress),
    stated: Stated,
) -> db::Result<()> {
    let letterhead = Settings::load_in(tx).await?.letterhead(site);
    let Stated { from, to: until, gifts, sums, more } = stated;
    let statement = GiftsStatement {
        sender: letterhead.sender.clone(),
        donor_name: greeting(name),
        from,
        to: until,
        gifts,
        sums,
        more,
    };
    let fact = format!("gifts-statement:{whose}:{}", token::public_id());
    tell(tx, site, &letterhead, ("", to), &fact, &statement).await.map(drop)
}
