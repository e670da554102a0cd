//! Asking for mail, and confirming it.

use std::{net::IpAddr, time::Duration};

use super::{
    Result, SubscriberError, Trace,
    consent::{self, Happened},
    lists::List,
    read::Subscriber,
    store,
};
use crate::{
    clock::Moment,
    db::Tx,
    delivery::notices::{self, NewNotice},
    email_address::EmailAddress,
    links::{Confirm, Name},
    mail::{ConfirmSubscription, clean_name},
    site::Site,
    staff::Settings,
    token,
};

/// How long a confirmation link works.
const LINK_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// An address gets at most one confirmation mail in this time, however often somebody types it into the form.
const BETWEEN_CONFIRMATIONS: Duration = Duration::from_secs(86_400);

/// The brake on the form: how far back it looks, and how many sign-ups it lets through from one place and from everywhere.
const BRAKE_LOOKS_BACK: Duration = Duration::from_secs(15 * 60);
const MOST_FROM_ONE_PLACE: i64 = 20;
const MOST_FROM_EVERYWHERE: i64 = 2_000;

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
    /// Which form it was.
    pub form: &'a str,
    /// Where the request came from.
    pub trace: Trace<'a>,
}

/// Takes a request to be mailed: nothing is sent but one mail that asks to confirm it. The answer tells nothing about the
/// address, for the form may be filled in by anybody.
///
/// # Errors
/// [`SubscriberError::NotFound`] when none of the lists can be joined; [`SubscriberError::NoSender`],
/// [`SubscriberError::TooMany`]; when the database fails.
pub async fn subscribe(site: &Site, settings: &Settings, new: NewSubscription<'_>) -> Result<()> {
    // Before anything is looked up, so that it says nothing about the address.
    settings.from_address().ok_or(SubscriberError::NoSender)?;
    brake(site, new.trace.ip).await?;
    let mut tx = site.db.begin().await?;
    let lists: Vec<List> = store::lists_in(&mut tx)
        .await?
        .into_iter()
        .filter(|l| l.is_public() && new.lists.contains(&l.id))
        .collect();
    if lists.is_empty() {
        return Err(SubscriberError::NotFound);
    }
    let reader = reader_for(&mut tx, site, new.email, new.name).await?;
    let before = store::confirmations(&mut tx, reader.id).await?;
    let mut to_confirm = Vec::new();
    for list in &lists {
        // Who is on the list has asked once more: that is written down too, so that it takes the same time (TRUST A22).
        if store::ask(&mut tx, reader.id, list.id, site.now()).await? {
            to_confirm.push(list);
        }
        let happened = Happened {
            subscriber: reader.id,
            list: list.id,
            action: "asked",
            method: "form",
            wording: Some(new.wording),
            source: new.form,
            trace: new.trace,
        };
        consent::record(&mut tx, site, happened).await?;
    }
    if !to_confirm.is_empty() && may_mail(site.now(), before.last_sent, before.first_asked) {
        for list in &to_confirm {
            store::confirmation_sent(&mut tx, reader.id, list.id, site.now()).await?;
        }
        ask_to_confirm(&mut tx, site, settings, &reader, &to_confirm).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// One confirmation in 24 hours, and the next only after twice the time that passed between the first asking and the last
/// mail: three a week at most, however often the form is filled in (TRUST A24).
fn may_mail(now: Moment, last_sent: Option<Moment>, first_asked: Option<Moment>) -> bool {
    let Some(last) = last_sent else { return true };
    let tried = first_asked.map_or(Duration::ZERO, |asked| last.since(asked));
    now.since(last) >= BETWEEN_CONFIRMATIONS.max(tried * 2)
}

/// Behind a proxy that the settings do not name, everybody comes from one private address: there only the sum counts.
async fn brake(site: &Site, ip: &str) -> Result<()> {
    let place = if ip.parse().is_ok_and(is_our_own) { "" } else { ip };
    let recent = store::recent_asks(&site.db, place, site.now().minus(BRAKE_LOOKS_BACK)).await?;
    if recent.everywhere >= MOST_FROM_EVERYWHERE || recent.here >= MOST_FROM_ONE_PLACE {
        return Err(SubscriberError::TooMany);
    }
    Ok(())
}

fn is_our_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

async fn reader_for(tx: &mut Tx, site: &Site, email: &EmailAddress, name: &str) -> Result<Subscriber> {
    let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
    let row = (token::public_id(), email.key());
    let (reader, _) = store::subscriber_for(tx, (&row.0, email.as_str(), &row.1, &name), site.now()).await?;
    Ok(reader)
}

async fn ask_to_confirm(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    reader: &Subscriber,
    lists: &[&List],
) -> Result<()> {
    let link = Confirm {
        subscriber: Name::id(&reader.public_id),
        lists: lists.iter().map(|list| Name::id(&list.public_id)).collect(),
    };
    let link = link.sign(&site.keys, site.now().plus(LINK_LASTS));
    let context = ConfirmSubscription {
        sender: settings.sender(site),
        lists: lists.iter().map(|list| list.name.clone()).collect(),
        confirm_url: site.url(&format!("/confirm/{link}")),
        valid_for: "7 days".to_owned(),
    };
    let from = settings.from_address().ok_or(SubscriberError::NoSender)?;
    let notice = NewNotice {
        // The fact is the link; its hash names it without giving it away.
        key: &format!("confirm:{}", token::hash(&link)),
        from: (settings.sender_name(), &from),
        to: &reader.email,
        // Whoever typed the name may not be the addressee: their words go into no mail (TRUST A24).
        name: "",
        context: &context,
    };
    notices::enqueue(tx, site, notice).await?;
    Ok(())
}

/// Who confirmed, and what.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The reader.
    pub reader: Subscriber,
    /// The names of the lists: those the link is about before, those the reader is on after.
    pub lists: Vec<String>,
}

/// What a confirmation link would confirm; changes nothing, for programs open links too (TRUST A25).
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`].
pub async fn look_at_confirmation(site: &Site, link: &str) -> Result<Confirmed> {
    let (reader, ids) = read_link(site, link).await?;
    let lists = store::lists(&site.db).await?;
    let lists = lists.into_iter().filter(|list| ids.contains(&list.id)).map(|list| list.name).collect();
    Ok(Confirmed { reader, lists })
}

/// Confirms; doing it again changes nothing, and who left since then stays away.
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`].
pub async fn confirm(site: &Site, link: &str, trace: Trace<'_>) -> Result<Confirmed> {
    let confirmed = look_at_confirmation(site, link).await?;
    let (reader, ids) = read_link(site, link).await?;
    let reader = reader.id;
    let mut tx = site.db.begin().await?;
    for list in ids {
        if store::confirm(&mut tx, reader, list, site.now()).await? {
            let happened = Happened {
                subscriber: reader,
                list,
                action: "confirmed",
                method: "confirmation",
                wording: None,
                source: "confirmation mail",
                trace,
            };
            consent::record(&mut tx, site, happened).await?;
        }
    }
    tx.commit().await?;
    let (reader, ids) = read_link(site, link).await?;
    let now = store::subscriptions(&site.db, reader.id).await?;
    let on = now.into_iter().filter(|one| one.state == "confirmed" && ids.contains(&one.list_id));
    Ok(Confirmed { lists: on.map(|one| one.name).collect(), ..confirmed })
}

async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, Vec<i64>)> {
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
/// When the database fails.
pub async fn add_by_staff(
    site: &Site,
    email: &EmailAddress,
    name: &str,
    list: i64,
    source: &str,
) -> Result<Subscriber> {
    let mut tx = site.db.begin().await?;
    let reader = reader_for(&mut tx, site, email, name).await?;
    if store::join(&mut tx, reader.id, list, site.now()).await? {
        let happened = Happened {
            subscriber: reader.id,
            list,
            action: "confirmed",
            method: "staff",
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

    /// TRUST A24: at most one confirmation in 24 hours and three in seven days, tried every hour for four weeks.
    #[test]
    fn who_fills_in_the_form_every_hour_causes_three_mails_a_week_at_most() {
        let start = Moment::from_unix_seconds(1_000_000);
        let mut sent: Vec<Moment> = Vec::new();
        for hour in 0..24 * 28 {
            let now = start.plus(Duration::from_secs(hour * 3_600));
            if may_mail(now, sent.last().copied(), Some(start)) {
                sent.push(now);
            }
        }
        for (at, one) in sent.iter().enumerate() {
            let within = |span| sent[at..].iter().filter(|later| later.since(*one) < span).count();
            assert_eq!(within(BETWEEN_CONFIRMATIONS), 1);
            assert!(within(BETWEEN_CONFIRMATIONS * 7) <= 3);
        }
        assert!(sent.len() >= 3, "who lost the mail gets another");
    }
}
