//! Notices: one automatic email each, enqueued in the transaction of the fact that causes it.
//!
//! The fact is the key: the same fact never sends twice, however often it is found again. What is stored is the message as it
//! will be sent, but for its signature: a program that was upgraded meanwhile sends what was meant when it happened. It may hold
//! links that open a door, so it is blanked at every end: when it was taken, failed for good, or may not be sent.
//!
//! Older programs stored the template's name and context, and so is stored what cannot be written when it is enqueued: it is
//! written when it is sent, and where that fails too, it ends where staff see it.

pub use super::store::notices::{FailedNotice, Sent};
use super::{states::CopyState, store::notices as store, verp};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::EmailAddress,
    heavy,
    mail::{self, EmailTemplate, Mailbox, NoticeHeaders, TemplateError, Templates, notice_message},
    settings::Letterhead,
    site::Site,
    token::Purpose,
};

/// A letter that was written, to be enqueued.
#[derive(Debug)]
pub struct Letter(store::NewRow);

/// Tells somebody something by mail, under the magazine's letterhead; `false` if this fact was told already.
///
/// `fact`, such as `receipt:12`, is unique for ever. The name stands in the To header; it is empty where it was typed by somebody
/// who may not be the addressee. The letter is written here, in a millisecond or two: its texts are lines. What may be longer is
/// written before, aside, and only enqueued in the transaction.
///
/// It is written before its key says whether the fact was told. Whoever calls has changed the row of the fact, in a statement that only
/// one can win, so next to every letter that is written is enqueued; to look first would cost each of them a statement, and
/// spare two processes that meet at the same moment the writing of one.
///
/// # Errors
/// When the database fails, or the context cannot be written as JSON.
pub async fn tell<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    letterhead: &Letterhead,
    to: (&str, &EmailAddress),
    fact: &str,
    context: &T,
) -> Result<bool> {
    enqueue(tx, &write(site, letterhead, to, fact, context)?).await
}

/// As [`tell`], a letter that is mail of one list: `leave` is the way out of it, as an edition has it.
///
/// # Errors
/// As [`tell`].
pub async fn tell_of_list<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    letterhead: &Letterhead,
    to: &EmailAddress,
    (fact, leave): (&str, &WayOut),
    context: &T,
) -> Result<bool> {
    enqueue(tx, &write_with(site, letterhead, ("", to), (fact, Some(leave)), context)?).await
}

/// How a reader leaves a list.
#[derive(Clone, Debug)]
pub struct WayOut {
    /// The address of the web.
    pub url: String,
    /// The one of mail, where there is a mailbox for it.
    pub mailto: Option<String>,
}

impl WayOut {
    /// Out of a list, by public id as its reader is; `url` is the way of the web.
    #[must_use]
    pub fn of(site: &Site, (reader, list): (&str, &str), url: String) -> Self {
        let base = site.bounce_address.as_ref();
        Self { url, mailto: base.and_then(|base| verp::leaving_mailto(&site.keys, base, reader, list)) }
    }
}

/// As [`tell`], before a transaction: the letter alone.
///
/// # Errors
/// When the context cannot be written as JSON.
pub fn write<T: EmailTemplate>(
    site: &Site,
    letterhead: &Letterhead,
    to: (&str, &EmailAddress),
    fact: &str,
    context: &T,
) -> Result<Letter> {
    write_with(site, letterhead, to, (fact, None), context)
}

fn write_with<T: EmailTemplate>(
    site: &Site,
    letterhead: &Letterhead,
    (name, to): (&str, &EmailAddress),
    (fact, leave): (&str, Option<&WayOut>),
    context: &T,
) -> Result<Letter> {
    let message_id = format!("{}@{}", site.keys.name(Purpose::MessageId, fact), site.host());
    let created_at = site.now();
    let headers = NoticeHeaders {
        from: Mailbox { name: &letterhead.from_name, address: letterhead.from.as_str() },
        to: Mailbox { name, address: to.as_str() },
        // Whoever answers an automatic email reaches people.
        reply_to: letterhead.reply_to.as_ref().map(|people| Mailbox { name: "", address: people.as_str() }),
        message_id: &message_id,
        date: created_at,
        leaves: leave.map(|leave| (leave.url.as_str(), leave.mailto.as_deref())),
    };
    let message = written(&headers, context)
        .inspect_err(|why| {
            tracing::error!(template = T::NAME, why, "an automatic email cannot be written yet");
        })
        .ok();
    let context = match message {
        Some(_) => String::new(),
        None => serde_json::to_string(context).map_err(|error| sqlx::Error::Encode(Box::new(error)))?,
    };
    Ok(Letter(store::NewRow {
        key: fact.to_owned(),
        template: T::NAME,
        context,
        message,
        from_name: letterhead.from_name.clone(),
        from_email: letterhead.from.as_str().to_owned(),
        address: to.as_str().to_owned(),
        address_key: to.key(),
        name: name.to_owned(),
        message_id,
        created_at,
    }))
}

fn written<T: EmailTemplate>(
    headers: &NoticeHeaders<'_>,
    context: &T,
) -> std::result::Result<Vec<u8>, String> {
    tracing::debug!(template = T::NAME, "an automatic email is written");
    let written = heavy::quietly(|| {
        let rendered = Templates::load()?.render(context)?;
        Ok(notice_message(headers, &rendered))
    });
    let written = written.map_err(|gave_up| gave_up.to_string())?;
    let written = written.map_err(|error: TemplateError| error.to_string())?;
    written.map_err(|error| error.to_string())
}

/// Enqueues a letter; `false` if its fact was told already.
pub async fn enqueue(tx: &mut Tx, letter: &Letter) -> Result<bool> {
    let is_new = store::add(tx, &letter.0).await?;
    if is_new {
        tx.leaves_work();
    }
    Ok(is_new)
}

/// Writes a letter that nobody gets, as it would have been: the time of an answer does not tell whether one was written (TRUST A22).
pub fn rehearse<T: EmailTemplate>(site: &Site, letterhead: &Letterhead, context: &T) {
    drop(write(site, letterhead, ("", &letterhead.from), "rehearsed", context));
}

/// Ends everything that waits since before a moment, unsent: a restored backup holds letters that went out after it was made.
/// How many of each template.
pub async fn end_waiting(tx: &mut Tx, before: Moment, now: Moment) -> Result<Vec<(String, i64)>> {
    let mut counts = std::collections::BTreeMap::new();
    for template in store::end_waiting(tx, before, now).await? {
        *counts.entry(template).or_default() += 1;
    }
    Ok(counts.into_iter().collect())
}

/// Somebody left a list: what waits to greet them there, or anywhere once they are on no list, is not sent.
pub async fn withdraw_welcome(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<u64> {
    store::withdraw_welcome(tx, subscriber, list, now).await
}

/// Somebody who left came back: the letter of good-bye that waits is not sent. How many there were.
pub async fn withdraw_good_bye(tx: &mut Tx, subscriber: i64, now: Moment) -> Result<u64> {
    store::withdraw_good_bye(tx, subscriber, now).await
}

/// A list, by its public id, was retired: what waits to greet its new readers is not sent.
pub async fn withdraw_welcomes(tx: &mut Tx, list: &str, now: Moment) -> Result<u64> {
    store::withdraw_welcomes(tx, list, now).await
}

/// The owner of an address is forgotten: what waits for it ends unsent, and what went says no more to whom. Letters to the team are left
/// alone, and so are those about money that wait.
pub async fn forget(tx: &mut Tx, address: &EmailAddress, now: Moment) -> Result<u64> {
    forget_of(tx, address, 0, now).await
}

/// Whoever typed an address is forgotten: the letters of these facts that asked its owner say no more to whom they went. All else that is
/// on record of it is its owner's.
pub async fn forget_asked(tx: &mut Tx, facts: &[String], now: Moment) -> Result<u64> {
    store::forget_keys(tx, facts, mail::AddressChangeNew::NAME, now).await
}

/// The same of a reader, with the letters to addresses that they had.
pub async fn forget_of(tx: &mut Tx, address: &EmailAddress, reader: i64, now: Moment) -> Result<u64> {
    store::forget_address(tx, (&address.key(), reader), (mail::OF_THE_TEAM, mail::OF_MONEY), now).await
}

/// A reader has another address: the letters to the one that they had are theirs, whoever has that later. Those to the team are left
/// alone.
pub async fn stay_theirs(tx: &mut Tx, address: &EmailAddress, reader: i64) -> Result<u64> {
    store::are_of_but(tx, &address.key(), reader, mail::OF_THE_TEAM).await
}

/// The letters of these templates to an address, in small letters, are a reader's who has another.
pub async fn are_of(tx: &mut Tx, key: &str, reader: i64, templates: &[&str]) -> Result<u64> {
    store::are_of(tx, key, reader, templates).await
}

/// A reader has another address: what waits for the old one, of these templates, is not sent.
pub async fn withdraw_from(
    tx: &mut Tx,
    address: &EmailAddress,
    templates: &[&str],
    now: Moment,
) -> Result<u64> {
    store::withdraw_from(tx, address, templates, now).await
}

/// How many notices stand in each state.
pub async fn counts(db: &Db) -> Result<Vec<(CopyState, i64)>> {
    store::counts(db).await
}

/// Automatic emails that were given up since then, the newest first: somebody waits for them.
pub async fn failed(db: &Db, since: Moment, limit: i64) -> Result<Vec<FailedNotice>> {
    store::failed(db, since, limit).await
}

/// The automatic emails to an address, however it was spelled, the newest first, before the one with that key; those of
/// the templates `untold` are left out.
pub async fn to(
    db: &Db,
    whose: (i64, &EmailAddress),
    untold: &[&str],
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Sent>> {
    store::to(db, whose, untold, before.unwrap_or(i64::MAX), limit).await
}

/// The Message-IDs of all notices that were accepted, without brackets, each with whether an earlier attempt may have arrived.
pub async fn accepted(db: &Db) -> Result<Vec<(String, bool)>> {
    store::accepted(db).await
}
