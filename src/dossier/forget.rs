//! Forgetting a reader, or whoever gave or wrote without being one (TRUST L7). In one transaction, which holds all that hangs from them
//! before it asks anything: what waits for them is
//! withdrawn, they go with their lists, answers and notes, and what the ledgers need stays without a word of whose it was. A keyed hash stays, so
//! that no file brings them back, beside whatever else stops mail to the address. The journal beside the database has it before, so a restored
//! backup forgets them again; doing it twice changes nothing.

use super::{
    ask::{Person, whom},
    held::{self, NOBODY},
    rows::HeldMonthly,
    store,
};
use crate::{
    audit_log, bounces,
    clock::Moment,
    db::{self, Result, Tx},
    delivery::{self, Suppressions},
    donations,
    email_address::EmailAddress,
    links::Forget,
    mail, publishing,
    site::Site,
    subscribers::{self, Subscriber, SubscriberError, letters_asked, requests},
    withdrawals::{self, Withdrawal},
};

/// What a page says before somebody is forgotten, reader or supporter.
#[derive(Clone, Debug)]
pub struct Farewell {
    pub email: EmailAddress,
    /// What goes on all the same until they end it.
    pub monthly: Vec<HeldMonthly>,
}

/// Who of the team does it, and why.
#[derive(Clone, Copy, Debug)]
pub struct ForgottenBy<'a> {
    /// None on the command line, and of who does it by themselves.
    pub staff_id: Option<i64>,
    pub why: &'a str,
}

/// Whom a link would forget; none if that was done. Changes nothing, for programs open links, too.
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`]; [`SubscriberError::Changed`] where it was mailed to an address that they
/// have no more; [`SubscriberError::NotBefore`] where the team put that right lately; when the database fails.
pub async fn look_at_forgetting(
    site: &Site,
    link: &str,
) -> std::result::Result<Option<Farewell>, SubscriberError> {
    let Some(person) = meant(site, link).await? else { return Ok(None) };
    let monthly = match &person {
        Person::Reader(reader) => goes_on_of(site, reader).await?,
        Person::Supporter { email, .. } => goes_on(site, email).await?,
    };
    Ok(Some(Farewell { email: person.email().clone(), monthly }))
}

async fn meant(site: &Site, link: &str) -> std::result::Result<Option<Person>, SubscriberError> {
    let Forget { reader, address } = Forget::read(&site.keys, link, site.now())?;
    let person = whom(site, &reader, &address).await?;
    if let Some(person) = &person
        && let Some(until) = person.not_before(site).await?
    {
        return Err(SubscriberError::NotBefore(until));
    }
    Ok(person)
}

/// What goes on of a reader who is forgotten.
///
/// # Errors
/// When the database fails.
pub async fn goes_on_of(site: &Site, reader: &Subscriber) -> Result<Vec<HeldMonthly>> {
    let gives_as = subscribers::gives_as(&site.db, reader.id).await?;
    going_on(site, gives_as.as_deref().unwrap_or(NOBODY)).await
}

/// What goes on of a supporter who is forgotten, reader or not, by their address.
///
/// # Errors
/// When the database fails.
pub async fn goes_on(site: &Site, email: &EmailAddress) -> Result<Vec<HeldMonthly>> {
    going_on(site, &email.key()).await
}

async fn going_on(site: &Site, key: &str) -> Result<Vec<HeldMonthly>> {
    let mut monthly = store::monthly(&site.db, &[key.to_owned()], i64::MAX, 20).await?;
    monthly.retain(|one| one.state.runs());
    Ok(monthly)
}

/// Forgets the reader or supporter of a link that was mailed to them for that. Doing it again changes nothing.
///
/// # Errors
/// As [`look_at_forgetting`]; then nothing was changed.
pub async fn forget(site: &Site, link: &str) -> std::result::Result<(), SubscriberError> {
    let deed = Some(ForgottenBy { staff_id: None, why: "by a link that was mailed to them" });
    match meant(site, link).await? {
        Some(Person::Reader(reader)) => {
            forget_reader(site, &reader, deed).await?;
        }
        Some(Person::Supporter { email, .. }) => {
            // A reader had it who has another one by now: the link was not mailed to them.
            if let AtAddress::Moved(_) = forget_address(site, &email, deed).await? {
                return Err(SubscriberError::Changed);
            }
        }
        None => {}
    }
    Ok(())
}

/// Forgets a reader, at every address that they had; `false` if they were gone.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn forget_reader(site: &Site, reader: &Subscriber, by: Option<ForgottenBy<'_>>) -> Result<bool> {
    let mut known = vec![Suppressions::new(site).hash(&reader.email)];
    known.extend(subscribers::former_addresses(&site.db, reader.id).await?.into_iter().map(|(hash, _)| hash));
    write_down(site, &reader.public_id, &known).await;
    let whom = Whom::Named(&reader.public_id);
    let gone = db::again(|| once(site, whom, Line::New(&known), site.now(), by)).await?;
    Ok(gone.is_somebody())
}

async fn write_down(site: &Site, who: &str, hashes: &[String]) {
    let erased = |hash: &String| Withdrawal::Erased { reader: who.to_owned(), hash: hash.clone() };
    let erased: Vec<_> = hashes.iter().map(erased).collect();
    withdrawals::write(site, &erased).await;
}

/// What became of whoever asks to be forgotten by an address.
#[derive(Clone, Debug)]
pub enum AtAddress {
    /// Nothing is held about it; nothing was changed.
    Nothing,
    /// It was a reader's who has another one now: it is they who can be forgotten. Nothing was changed.
    Moved(Subscriber),
    /// They are forgotten, reader or not.
    Forgotten,
}

/// Forgets whoever has an address, reader or not: with gifts, letters, requests, and whatever came back.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn forget_address(
    site: &Site,
    email: &EmailAddress,
    by: Option<ForgottenBy<'_>>,
) -> Result<AtAddress> {
    if let Some(reader) = subscribers::by_email(&site.db, email).await? {
        forget_reader(site, &reader, by).await?;
        return Ok(AtAddress::Forgotten);
    }
    if let Some(reader) = subscribers::who_had(site, email).await? {
        return Ok(AtAddress::Moved(reader));
    }
    if !held::of_address(site, email.clone()).await?.is_anything_held(site).await? {
        return Ok(AtAddress::Nothing);
    }
    let donor = donations::supporter(&site.db, &email.key()).await?;
    let hash = Suppressions::new(site).hash(email);
    let known = [hash];
    write_down(site, donor.as_deref().unwrap_or(NOBODY), &known).await;
    db::again(|| once(site, Whom::At(email), Line::New(&known), site.now(), by)).await?;
    Ok(AtAddress::Forgotten)
}

/// Somebody was forgotten, says the journal beside the database, which may not know: whoever it still has by that name, reader or supporter,
/// is forgotten, and the hash is kept, unless its owner came back since. `false` if nobody was there.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn forget_as_written(site: &Site, public_id: &str, hash: &str, at: Moment) -> Result<bool> {
    let gone = db::again(|| once(site, Whom::Named(public_id), Line::Replayed(hash), at, None)).await?;
    Ok(gone.is_somebody())
}

#[derive(Clone, Copy)]
enum Whom<'a> {
    /// A reader or a supporter, by public id: those of the one are never the other's.
    Named(&'a str),
    /// Whoever has an address.
    At(&'a EmailAddress),
}

/// What the journal has of it.
#[derive(Clone, Copy)]
enum Line<'a> {
    /// These hashes were written before the transaction, so of the addresses that were known then.
    New(&'a [String]),
    /// It is done again, as it is written.
    Replayed(&'a str),
}

/// At which addresses somebody was forgotten, as hashes.
#[derive(Default)]
struct Gone {
    hashes: Vec<String>,
}

impl Gone {
    fn is_somebody(&self) -> bool {
        !self.hashes.is_empty()
    }
}

async fn once(
    site: &Site,
    whom: Whom<'_>,
    line: Line<'_>,
    at: Moment,
    by: Option<ForgottenBy<'_>>,
) -> Result<Gone> {
    let mut tx = site.db.begin().await?;
    Suppressions::new(site).close(&mut tx).await?;
    let mut gone = Gone::default();
    let (reader, email) = match whom {
        Whom::Named(public_id) => (
            subscribers::hold_to_forget(&mut tx, public_id).await?,
            donations::supporter_named(&mut tx, public_id).await?.map(EmailAddress::from_store),
        ),
        Whom::At(email) => (subscribers::hold_address_to_forget(&mut tx, email).await?, Some(email.clone())),
    };
    let mut subject = "";
    if let Some(reader) = &reader {
        gone.hashes = forget_held(&mut tx, site, reader, at).await?;
        subject = &reader.public_id;
    } else if let Some(email) = &email {
        gone.hashes.push(forget_supporter(&mut tx, site, email, at).await?);
    }
    if let (true, Some(ForgottenBy { staff_id, why })) = (gone.is_somebody(), by) {
        let action = if reader.is_some() { "forgot a reader" } else { "forgot a supporter" };
        audit_log::record(&mut tx, site, staff_id, action, subject, why).await?;
    }
    // Who moved meanwhile has an address that was not written down before.
    let mut unwritten = Vec::new();
    match line {
        Line::Replayed(hash) => {
            subscribers::note_forgotten(&mut tx, hash, at).await?;
        }
        Line::New(known) => unwritten.extend(
            gone.hashes
                .iter()
                .filter(|hash| !known.contains(hash))
                .map(|hash| Withdrawal::Erased { reader: subject.to_owned(), hash: hash.clone() }),
        ),
    }
    withdrawals::commit(tx, site, unwritten, at).await?;
    Ok(gone)
}

/// A reader who is held is forgotten, with all that hangs from the address that they have and from those that they had.
async fn forget_held(tx: &mut Tx, site: &Site, reader: &Subscriber, at: Moment) -> Result<Vec<String>> {
    let suppressions = Suppressions::new(site);
    let mut hashes = vec![suppressions.hash(&reader.email)];
    hashes.extend(subscribers::former_addresses_in(tx, reader.id).await?);
    let gives_as = subscribers::gives_as_in(tx, reader.id).await?;
    delivery::forget_copies_of(tx, site, reader.id).await?;
    if let Some(key) = &gives_as {
        // Receipts may have gone there since they moved.
        delivery::letters_are_of(tx, key, reader.id, mail::OF_MONEY).await?;
    }
    delivery::forget_letters_of(tx, &reader.email, reader.id, site.now()).await?;
    subscribers::forget_sign_ups(tx, &reader.email).await?;
    publishing::forget_test_address(tx, &reader.email).await?;
    let asked = letters_asked(tx, reader.id).await?;
    delivery::forget_letters_asked(tx, &asked, site.now()).await?;
    bounces::forget(tx, site, &hashes, reader.id).await?;
    for hash in &hashes {
        suppressions.forget(tx, hash).await?;
        requests::forget(tx, hash).await?;
    }
    let mut goes_on = Vec::new();
    for key in gives_as.into_iter().chain(subscribers::gave_as_in(tx, reader.id).await?) {
        let donor = donations::forget(tx, &key).await?;
        goes_on.extend(donor.map(|donor| (suppressions.hash(&EmailAddress::from_store(key)), donor)));
    }
    let donor_of = |hash: &str| goes_on.iter().find(|(of, _)| of == hash).map(|(_, donor)| *donor);
    subscribers::forget(tx, reader, &hashes[0], at, donor_of(&hashes[0])).await?;
    for hash in &hashes[1..] {
        subscribers::forget_at_address(tx, hash, at, donor_of(hash)).await?;
    }
    Ok(hashes)
}

/// Whoever has an address and is no reader; returns what it is kept as.
async fn forget_supporter(tx: &mut Tx, site: &Site, email: &EmailAddress, at: Moment) -> Result<String> {
    let suppressions = Suppressions::new(site);
    let hash = suppressions.hash(email);
    delivery::forget_letters(tx, email, site.now()).await?;
    subscribers::forget_sign_ups(tx, email).await?;
    publishing::forget_test_address(tx, email).await?;
    bounces::forget(tx, site, std::slice::from_ref(&hash), 0).await?;
    suppressions.forget(tx, &hash).await?;
    requests::forget(tx, &hash).await?;
    let donor = donations::forget(tx, &email.key()).await?;
    subscribers::forget_at_address(tx, &hash, at, donor).await?;
    Ok(hash)
}

/// Supporters who were kept when they were forgotten as readers, since they gave every month: they are forgotten once that is over. Returns how
/// many were.
///
/// # Errors
/// When the database fails; whoever was forgotten until then is.
pub async fn forget_supporters(site: &Site) -> Result<u64> {
    let (mut after, mut gone) = (0, 0);
    loop {
        let waiting = subscribers::forgotten_supporters(&site.db, after).await?;
        for (hash, donor) in &waiting {
            after = *donor;
            let mut tx = site.db.begin().await?;
            if donations::forget_donor(&mut tx, *donor).await? {
                subscribers::forgotten_supporter_is_gone(&mut tx, hash).await?;
                gone += 1;
            }
            tx.commit().await?;
        }
        if waiting.is_empty() {
            return Ok(gone);
        }
    }
}
