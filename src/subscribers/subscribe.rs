//! Asking for mail. Nobody is mailed for it but by the one mail that asks to confirm, and the brake stands before that one:
//! an address gets one in 24 hours and three in seven days at most, whoever types it (TRUST A24).
//!
//! What the brake holds back is not lost. A mail that was not answered yet is good for what is asked after it. After one that
//! was answered, the next goes out by itself as soon as it may, once.

use std::time::Duration;

use super::{
    Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    lists::List,
    read::{Subscriber, SubscriptionState},
    store,
};
use crate::{
    attempts::{Attempt, Refusal, Shared},
    clock::Moment,
    db::Tx,
    delivery::{notices, suppression::Suppressions},
    email_address::EmailAddress,
    heavy::Each,
    links::{Confirm, Name},
    mail::{ConfirmSubscription, clean_name},
    network::Network,
    settings::Settings,
    site::Site,
    token,
};

/// How long a confirmation link works.
const LINK_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// An address gets at most one confirmation mail in this time, however often somebody types it into the form.
const BETWEEN_CONFIRMATIONS: Duration = Duration::from_secs(86_400);
/// And at most three in this time; what is older is forgotten.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 86_400);
const MOST_IN_A_WEEK: usize = 3;
/// How long an asking waits to be confirmed: for as long as the brake may hold the mail back, and the link in it works.
const ASKING_LASTS: Duration = Duration::from_secs(14 * 86_400);

/// The brake on the form: how many sign-ups it lets through from one network and from everywhere.
pub const SIGN_UPS: Shared = Shared::new("subscribe", 20, 2_000);

/// What somebody typed into the subscribe form.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription<'a> {
    /// The address; perhaps somebody else's.
    pub email: &'a EmailAddress,
    /// The name; may be empty.
    pub name: &'a str,
    /// The lists they ticked.
    pub lists: &'a [i64],
    /// The exact words beside the box.
    pub wording: &'a str,
    pub form: &'a str,
    /// Where the request came from.
    pub trace: Trace<'a>,
}

/// Takes a request to be mailed: nothing is sent but one mail that asks to confirm it. The answer tells nothing about the
/// address, for the form may be filled in by anybody.
///
/// # Errors
/// [`SubscriberError::NotFound`] when none of the lists can be joined; [`SubscriberError::TooMany`]; when the database fails.
pub async fn subscribe(site: &Site, settings: &Settings, new: NewSubscription<'_>) -> Result<()> {
    brake(site, new.trace.ip).await?;
    let mut tx = site.db.begin().await?;
    let offered = |list: &List| list.is_public() && new.lists.contains(&list.id);
    let lists: Vec<i64> =
        store::lists_in(&mut tx).await?.iter().filter(|l| offered(l)).map(|l| l.id).collect();
    let asking = Asking {
        email: new.email,
        name: new.name,
        lists: &lists,
        method: ConsentMethod::Form,
        wording: Some(new.wording),
        source: new.form,
        trace: new.trace,
    };
    let asked = ask(&mut tx, site, settings, asking).await?;
    tx.commit().await?;
    if asked != Asked::Mailed {
        notices::rehearse::<ConfirmSubscription>(site, &settings.letterhead(site));
    }
    Ok(())
}

/// What staff may know of an asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The mail that asks to confirm is on its way.
    Mailed,
    /// Some mail went to the address too lately; this one goes out by itself at that moment.
    Later(Moment),
    /// They have not answered the mail from before, whose link is good for this list too.
    Before,
    /// They are on the list already.
    OnTheList,
    /// Mail to the address is stopped, so they are not asked.
    Stopped,
}

/// Staff ask somebody whether they want a list, by the mail that asks to confirm.
///
/// # Errors
/// [`SubscriberError::NotFound`]; when the database fails.
pub async fn ask_by_staff(
    site: &Site,
    settings: &Settings,
    (email, name): (&EmailAddress, &str),
    list: i64,
    source: &str,
) -> Result<Asked> {
    let mut tx = site.db.begin().await?;
    if Suppressions::new(site).stops_letter(&mut tx, email, true).await? {
        return Ok(Asked::Stopped);
    }
    let known = store::lists_in(&mut tx).await?.into_iter().any(|one| one.id == list);
    let lists: &[i64] = if known { &[list] } else { &[] };
    // Nobody saw a box, so there are no words to keep.
    let asking = Asking {
        email,
        name,
        lists,
        method: ConsentMethod::Staff,
        wording: None,
        source,
        trace: Trace::default(),
    };
    let asked = ask(&mut tx, site, settings, asking).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Somebody asks, or staff in their place.
struct Asking<'a> {
    email: &'a EmailAddress,
    name: &'a str,
    lists: &'a [i64],
    method: ConsentMethod,
    wording: Option<&'a str>,
    source: &'a str,
    trace: Trace<'a>,
}

async fn ask(tx: &mut Tx, site: &Site, settings: &Settings, asking: Asking<'_>) -> Result<Asked> {
    if asking.lists.is_empty() {
        return Err(SubscriberError::NotFound);
    }
    let reader = reader_for(tx, site, asking.email, asking.name).await?;
    store::hold(tx, reader.id).await?;
    let mut any_waits = false;
    for list in asking.lists {
        // Who is on the list has asked once more: that is written down too, so that it takes the same time (TRUST A22).
        any_waits |= store::ask(tx, reader.id, *list, site.now()).await?;
        let happened = Happened {
            subscriber: reader.id,
            list: *list,
            action: ConsentAction::Asked,
            method: asking.method,
            wording: asking.wording,
            source: asking.source,
            trace: asking.trace,
        };
        consent::record(tx, site, happened).await?;
    }
    if !any_waits {
        return Ok(Asked::OnTheList);
    }
    if Suppressions::new(site).stops_letter(tx, &reader.email, true).await? {
        return Ok(Asked::Stopped);
    }
    let now = site.now();
    let sent = store::confirmation_mails(tx, reader.id, now.minus(WEEK), now).await?;
    let next = next_mail(now, &sent);
    if next <= now {
        ask_to_confirm(tx, site, settings, &reader).await?;
        return Ok(Asked::Mailed);
    }
    match sent.first() {
        Some(last) if store::answered(tx, reader.id, *last).await? => {
            store::hold_back(tx, reader.id, next).await?;
            Ok(Asked::Later(next))
        }
        // Nobody who did not answer is mailed again without being asked for again.
        _ => Ok(Asked::Before),
    }
}

/// When the next mail may go to an address that got these in the last week, newest first: `now` if nothing is in the way.
fn next_mail(now: Moment, sent: &[Moment]) -> Moment {
    let day = sent.first().map(|last| last.plus(BETWEEN_CONFIRMATIONS));
    let week = sent.get(MOST_IN_A_WEEK - 1).map(|third| third.plus(WEEK));
    day.into_iter().chain(week).fold(now, Moment::max)
}

/// Sends what the brake held back and may go out now; how many mails. Whoever confirmed meanwhile, left, or must not be
/// mailed any more is not asked.
///
/// # Errors
/// When the database fails; what was sent before stays sent.
pub async fn ask_held_back(site: &Site) -> Result<u64> {
    let settings = Settings::load(&site.db).await?;
    let mut mailed = 0;
    let mut each = Each::default();
    loop {
        let due = store::due(&site.db, site.now()).await?;
        for reader in &due {
            if let Some(asked) = each.one(ask_one_held_back(site, &settings, reader)).await {
                mailed += u64::from(asked?);
            }
        }
        // Who is still due would be looked at for ever.
        if due.is_empty() || each.has_broken() {
            each.end();
            return Ok(mailed);
        }
    }
}

async fn ask_one_held_back(site: &Site, settings: &Settings, reader: &Subscriber) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let ours = store::no_longer_due(&mut tx, reader.id, site.now()).await?;
    let asked = ours
        && !Suppressions::new(site).stops_letter(&mut tx, &reader.email, true).await?
        && ask_to_confirm(&mut tx, site, settings, reader).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Forgets what the brake held back and would have sent before a moment: a restored backup does not know that it was. How many
/// mails.
pub async fn forget_held_back(tx: &mut Tx, before: Moment) -> crate::db::Result<u64> {
    store::forget_due(tx, before).await
}

/// What was asked after this can be confirmed.
pub(super) fn asked_lately(site: &Site) -> Moment {
    site.now().minus(ASKING_LASTS)
}

/// Behind a proxy that the settings do not name, everybody comes from one private address: there only the sum counts.
async fn brake(site: &Site, ip: &str) -> Result<()> {
    let network: Option<Network> = ip.parse().ok().and_then(Network::of);
    match Attempt::begin(site, &SIGN_UPS.on(network)).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

async fn reader_for(tx: &mut Tx, site: &Site, email: &EmailAddress, name: &str) -> Result<Subscriber> {
    let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
    let row = (token::public_id(), email.key());
    let (reader, _) = store::subscriber_for(tx, (&row.0, email.as_str(), &row.1, &name), site.now()).await?;
    Ok(reader)
}

/// Mails the reader, and asks to confirm whatever they asked for lately; `false` if that is nothing any more.
async fn ask_to_confirm(tx: &mut Tx, site: &Site, settings: &Settings, reader: &Subscriber) -> Result<bool> {
    let since = asked_lately(site);
    let known = store::subscriptions_in(tx, reader.id).await?;
    let waits = |list: &List| {
        known.iter().any(|one| {
            one.list_id == list.id && one.state == SubscriptionState::Pending && one.asked_at > since
        })
    };
    let waiting: Vec<List> = store::lists_in(tx).await?.into_iter().filter(waits).collect();
    if waiting.is_empty() {
        return Ok(false);
    }
    let link = Confirm {
        subscriber: Name::id(&reader.public_id),
        lists: waiting.iter().map(|list| Name::id(&list.public_id)).collect(),
    };
    let link = link.sign(&site.keys, site.now().plus(LINK_LASTS));
    let letterhead = settings.letterhead(site);
    let context = ConfirmSubscription {
        sender: letterhead.sender.clone(),
        lists: waiting.iter().map(|list| list.name.clone()).collect(),
        confirm_url: site.url(&format!("/confirm/{link}")),
        valid_for: "7 days".to_owned(),
    };
    // The fact is the link; its hash names it without giving it away.
    let fact = format!("confirm:{}", token::hash(&link));
    // Whoever typed the name may not be the addressee: their words go into no mail (TRUST A24).
    notices::tell(tx, site, &letterhead, ("", &reader.email), &fact, &context).await?;
    store::confirmation_sent(tx, reader.id, since, site.now()).await?;
    Ok(true)
}

/// Whom a link is about, and the lists that it names.
pub(super) async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, Vec<i64>)> {
    let link = Confirm::read(&site.keys, link, site.now())?;
    let reader = store::named(&site.db, &link.subscriber).await?.ok_or(SubscriberError::Link)?;
    let mut lists = Vec::new();
    for name in &link.lists {
        lists.extend(store::named_list(&site.db, name).await?);
    }
    Ok((reader, lists))
}

/// Staff add somebody who asked them in person or on paper; `source` says how. They are not asked to confirm.
///
/// # Errors
/// [`SubscriberError::Blocked`] when staff said that the address is never mailed; when the database fails.
pub async fn add_by_staff(
    site: &Site,
    email: &EmailAddress,
    name: &str,
    list: i64,
    source: &str,
) -> Result<Subscriber> {
    let mut tx = site.db.begin().await?;
    if Suppressions::new(site).is_blocked(&mut tx, email).await? {
        return Err(SubscriberError::Blocked);
    }
    let reader = reader_for(&mut tx, site, email, name).await?;
    if store::join(&mut tx, reader.id, list, site.now()).await? {
        let happened = Happened {
            subscriber: reader.id,
            list,
            action: ConsentAction::Confirmed,
            method: ConsentMethod::Staff,
            wording: None,
            source,
            trace: Trace::default(),
        };
        consent::record(&mut tx, site, happened).await?;
    }
    tx.commit().await?;
    Ok(reader)
}

#[cfg(test)]
mod gaps {
    use super::*;

    const HOUR: u64 = 3_600;

    /// The hours at which mails go out, of a form that is filled in at `hours`.
    fn mails(hours: impl Iterator<Item = u64>) -> Vec<Moment> {
        let start = Moment::from_unix_seconds(1_000_000);
        let mut sent: Vec<Moment> = Vec::new();
        for hour in hours {
            let now = start.plus(Duration::from_secs(hour * HOUR));
            let lately: Vec<Moment> =
                sent.iter().rev().copied().filter(|one| now.since(*one) < WEEK).take(3).collect();
            if next_mail(now, &lately) <= now {
                sent.push(now);
            }
        }
        sent
    }

    /// TRUST A24: at most one confirmation in 24 hours and three in seven days, tried every hour for four weeks.
    #[test]
    fn who_fills_in_the_form_every_hour_causes_three_mails_a_week_at_most() {
        let sent = mails(0..24 * 28);
        for (at, one) in sent.iter().enumerate() {
            let within = |span| sent[at..].iter().filter(|later| later.since(*one) < span).count();
            assert_eq!(within(BETWEEN_CONFIRMATIONS), 1);
            assert!(within(WEEK) <= MOST_IN_A_WEEK);
        }
        assert_eq!(sent.len(), 12, "and who lost the mails gets others");
    }

    /// However often and since when somebody asked, the next mail is never more than a week away.
    #[test]
    fn no_wait_is_longer_than_a_week() {
        let year = 24 * 365;
        assert_eq!(mails([0, 30, 60, year, year + 24].into_iter()).len(), 5);
        let sent = mails(0..24 * 365);
        assert!(sent.windows(2).all(|pair| pair[1].since(pair[0]) <= WEEK));
    }
}
