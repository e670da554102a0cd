//! Asking for mail, and confirming it.

use std::time::Duration;

use super::{
    Result, SubscriberError, Trace,
    consent::{self, Happened},
    lists::List,
    read::Subscriber,
    store,
};
use crate::{
    db::Tx,
    delivery::notices::{self, NewNotice},
    email_address::EmailAddress,
    mail::{ConfirmSubscription, clean_name},
    site::Site,
    staff::Settings,
    token::{self, Purpose},
};

/// How long a confirmation link works.
const LINK_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// An address gets at most one confirmation mail for a list in this time, however often somebody types it into the form.
const BETWEEN_CONFIRMATIONS: Duration = Duration::from_secs(86_400);

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
/// [`SubscriberError::NotFound`] when none of the lists can be joined; when the database fails.
pub async fn subscribe(site: &Site, settings: &Settings, new: NewSubscription<'_>) -> Result<()> {
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
    let mut to_confirm = Vec::new();
    for list in &lists {
        if !store::ask(&mut tx, reader.id, list.id, site.now()).await? {
            continue;
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
        let last =
            store::subscription(&mut tx, reader.id, list.id).await?.and_then(|s| s.confirmation_sent_at);
        if last.is_none_or(|last| site.now().since(last) >= BETWEEN_CONFIRMATIONS) {
            store::confirmation_sent(&mut tx, reader.id, list.id, site.now()).await?;
            to_confirm.push(list);
        }
    }
    if !to_confirm.is_empty() {
        ask_to_confirm(&mut tx, site, settings, &reader, &to_confirm).await?;
    }
    tx.commit().await?;
    Ok(())
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
    let ids: Vec<String> = lists.iter().map(|list| list.id.to_string()).collect();
    let scope = format!("{}.{}", reader.id, ids.join("."));
    let link = site.keys.sign(Purpose::Confirm, &scope, Some(site.now().plus(LINK_LASTS)));
    let context = ConfirmSubscription {
        sender: settings.sender(site),
        lists: lists.iter().map(|list| list.name.clone()).collect(),
        confirm_url: site.url(&format!("/confirm/{link}")),
        valid_for: "7 days".to_owned(),
    };
    let from = settings.from_address().ok_or(SubscriberError::NoSender)?;
    let notice = NewNotice {
        key: &format!("confirm:{scope}:{}", site.now().0),
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
    /// The names of the lists.
    pub lists: Vec<String>,
}

/// What a confirmation link would confirm; changes nothing, for programs open links too (TRUST A25).
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`].
pub async fn look_at_confirmation(site: &Site, link: &str) -> Result<Confirmed> {
    let (reader, ids) = read_link(site, link)?;
    let reader = store::by_id(&site.db, reader).await?.ok_or(SubscriberError::Link)?;
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
    let (reader, ids) = read_link(site, link)?;
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
    Ok(confirmed)
}

fn read_link(site: &Site, link: &str) -> Result<(i64, Vec<i64>)> {
    let scope = site.keys.verify(Purpose::Confirm, link, site.now())?;
    let ids: Option<Vec<i64>> = scope.split('.').map(|id| id.parse().ok()).collect();
    match ids.as_deref() {
        Some([reader, lists @ ..]) if !lists.is_empty() => Ok((*reader, lists.to_vec())),
        _ => Err(SubscriberError::Link),
    }
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
