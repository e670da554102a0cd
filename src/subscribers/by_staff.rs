//! What the team does with a reader: it says why, and the log keeps who did it, in the transaction of the deed.
//!
//! The log outlives the reader, so it names them by their public id, and holds no name or address.

use super::{
    Result, SubscriberError,
    chosen::{self, Otherwise},
    consent::{self, ConsentAction, ConsentMethod, Happened},
    fields,
    leave::{Deed, leave_once},
    pause::{self, Weeks},
    rhythms,
    rows::{Note, Subscriber},
    store::{self, knowing},
    subscribe::{Adding, add},
    topics, withdrawn,
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db},
    editions::Rhythm,
    mail::clean_name,
    site::Site,
};

/// Who of the team does something, and why.
#[derive(Clone, Copy, Debug)]
pub struct ByStaff<'a> {
    pub staff_id: i64,
    /// In their words.
    pub why: &'a str,
}

/// Puts a reader's name right; `seen` is the one that was looked at. `false` if it was so already.
///
/// # Errors
/// [`SubscriberError::Changed`] when it is another by now; [`SubscriberError::NotFound`]; when the database fails.
pub async fn correct_name(site: &Site, reader: i64, seen: &str, name: &str, by: ByStaff<'_>) -> Result<bool> {
    let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, reader).await?;
    let known = store::by_id_in(&mut tx, reader).await?.ok_or(SubscriberError::NotFound)?;
    if known.name == name {
        return Ok(false);
    }
    if known.name != seen {
        return Err(SubscriberError::Changed);
    }
    store::rename(&mut tx, reader, &name).await?;
    let (who, id) = (Some(by.staff_id), &known.public_id);
    audit_log::record(&mut tx, site, who, "corrected a reader’s name", id, by.why).await?;
    tx.commit().await?;
    Ok(true)
}

/// What the team puts right of what a reader chose and answered: what is otherwise than the page showed, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Corrected {
    /// Of a list, the topics that are chosen from now on, and those that are not.
    pub topics: Vec<(i64, Vec<i64>, Vec<i64>)>,
    /// Of a list, how often they get it; none for everything.
    pub rhythms: Vec<(i64, Option<Rhythm>)>,
    /// Answers by the keys of their fields; an empty one is none.
    pub answers: Vec<(i64, String)>,
}

/// Puts right what a reader chose and answered, because they asked; `false` if it was so already. A page that is out of date puts
/// nothing back: what it does not change stays as it is by now.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn correct_choices(
    site: &Site,
    reader: &Subscriber,
    corrected: &Corrected,
    by: ByStaff<'_>,
) -> Result<bool> {
    let otherwise = Otherwise::of(corrected.topics.iter().cloned(), &corrected.rhythms);
    chosen::write(site, &reader.public_id, &otherwise).await?;
    Ok(db::again(|| correct_once(site, reader, corrected, by)).await?)
}

async fn correct_once(
    site: &Site,
    reader: &Subscriber,
    corrected: &Corrected,
    by: ByStaff<'_>,
) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    // Topics first, as for everybody.
    let mut lists = Vec::new();
    for (list, on, off) in &corrected.topics {
        if topics::choose_otherwise(&mut tx, reader.id, *list, (on, off)).await? {
            lists.push(*list);
        }
    }
    for (list, rhythm) in &corrected.rhythms {
        if rhythms::choose(&mut tx, reader.id, *list, *rhythm).await? {
            lists.push(*list);
        }
    }
    let mut changed = !lists.is_empty();
    let detail = store::about_lists(&mut tx, &lists, by.why).await?;
    chosen::said(&mut tx, site, reader.id, lists.into_iter()).await?;
    for (field, typed) in &corrected.answers {
        changed |= fields::answer(&mut tx, reader.id, *field, typed).await?;
    }
    if changed {
        let (who, id) = (Some(by.staff_id), &reader.public_id);
        audit_log::record(&mut tx, site, who, "corrected what a reader chose or answered", id, &detail)
            .await?;
        tx.commit().await?;
    }
    Ok(changed)
}

/// Adds a reader, new or known, to a list because they asked, or on implied consent: `by.why` says how, and is kept as the proof. Readers
/// get that when they ask what is held: who added them is for the log.
///
/// # Errors
/// As [`add_by_staff`](super::add_by_staff); [`SubscriberError::Changed`] when they left or asked since they were looked at.
pub async fn add_to_list(site: &Site, new: Adding<'_>, by: ByStaff<'_>) -> Result<Subscriber> {
    let implied = if new.implied.is_some() { "implied consent: " } else { "" };
    let source = format!("{implied}{}", by.why);
    add(site, Adding { source: &source, ..new }, Some((by.staff_id, by.why))).await
}

/// Takes a reader off a list because they asked. Doing it again changes nothing.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn take_off(site: &Site, reader: &Subscriber, list: i64, by: ByStaff<'_>) -> Result<()> {
    withdrawn::leaves(site, &reader.public_id, &[list], ConsentMethod::Staff).await?;
    let event = Happened {
        subscriber: reader.id,
        list,
        action: ConsentAction::Left,
        method: ConsentMethod::Staff,
        wording: None,
        // Readers get this line when they ask what is held: who and why is for the log.
        by: consent::By::source("taken off by staff"),
        trace: Default::default(),
    };
    let deed = Deed { staff_id: by.staff_id, reader: &reader.public_id, why: by.why };
    db::again(|| leave_once(site, event, site.now(), Some(deed))).await?;
    Ok(())
}

/// A reader rests from their lists because they asked. Until when; none if they are on no list.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn pause_reader(
    site: &Site,
    reader: &Subscriber,
    weeks: Weeks,
    by: ByStaff<'_>,
) -> Result<Option<Moment>> {
    let deed = Deed { staff_id: by.staff_id, reader: &reader.public_id, why: by.why };
    pause::begin(site, reader, weeks, Some(deed)).await
}

/// A reader goes on before the pause is over that was `seen`; `false` if they do not rest any more, or by another one.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn let_go_on(site: &Site, reader: &Subscriber, seen: Moment, by: ByStaff<'_>) -> Result<bool> {
    let deed = Deed { staff_id: by.staff_id, reader: &reader.public_id, why: by.why };
    pause::end(site, reader, Some(seen), Some(deed)).await
}

/// Notes something about a reader, for the team alone.
///
/// # Errors
/// When the database fails.
pub async fn note(site: &Site, reader: &Subscriber, text: &str, staff_id: i64) -> Result<()> {
    let mut tx = site.db.begin().await?;
    knowing::add_note(&mut tx, reader.id, staff_id, text, site.now()).await?;
    audit_log::record(&mut tx, site, Some(staff_id), "noted something", &reader.public_id, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a note away; `false` if it is not there any more.
///
/// # Errors
/// When the database fails.
pub async fn remove_note(site: &Site, reader: &Subscriber, note: i64, staff_id: i64) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let written = knowing::remove_note(&mut tx, reader.id, note).await?;
    if let Some(at) = written {
        // The note is gone: what is left is which it was.
        let which = format!("written on {at}");
        audit_log::record(&mut tx, site, Some(staff_id), "removed a note", &reader.public_id, &which).await?;
    }
    tx.commit().await?;
    Ok(written.is_some())
}

/// What the team noted about a reader, newest first, before the note with that key.
pub async fn notes(db: &Db, reader: i64, before: Option<i64>, limit: i64) -> db::Result<Vec<Note>> {
    knowing::notes(db, reader, before.unwrap_or(i64::MAX), limit).await
}
