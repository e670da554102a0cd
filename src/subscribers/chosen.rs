//! What readers choose of a list, topics and rhythm, as it is written down beside the database (TRUST T10): a restored backup would
//! mail them about what they do not want any more.
//!
//! The rules: the line is there before the transaction begins, and says what is otherwise from then on. What the rows know from later
//! stands. A choice is read when an audience is written down, so nothing that waits is withdrawn for it.

use super::{
    store::{self, imports_undone, rhythms, topics as topic_rows},
    topics,
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    editions::Rhythm,
    site::Site,
    withdrawals::{self, EVERYTHING, ListChoice, Withdrawal},
};

/// What is chosen otherwise of one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Otherwise {
    pub list: i64,
    /// Topics that are chosen from now on.
    pub on: Vec<i64>,
    /// Topics that are not any more.
    pub off: Vec<i64>,
    /// How often they get it, if that changes: none in it for everything.
    pub rhythm: Option<Option<Rhythm>>,
}

impl Otherwise {
    /// What is said of topics and of rhythms, by list.
    pub(super) fn of(
        topics: impl Iterator<Item = (i64, Vec<i64>, Vec<i64>)>,
        rhythms: &[(i64, Option<Rhythm>)],
    ) -> Vec<Self> {
        let mut all: Vec<Self> = topics.map(|(list, on, off)| Self { list, on, off, rhythm: None }).collect();
        for (list, rhythm) in rhythms {
            match all.iter_mut().find(|one| one.list == *list) {
                Some(one) => one.rhythm = Some(*rhythm),
                None => all.push(Self { list: *list, rhythm: Some(*rhythm), ..Self::default() }),
            }
        }
        all.retain(|one| one.rhythm.is_some() || !one.on.is_empty() || !one.off.is_empty());
        all
    }
}

/// A reader chooses otherwise: before it is done.
pub(super) async fn write(site: &Site, reader: &str, all: &[Otherwise]) -> db::Result<()> {
    if all.is_empty() || site.journal.path().is_none() {
        return Ok(());
    }
    let lists = store::lists(&site.db).await?;
    let known = topic_rows::names(&site.db).await?;
    let named = |ids: &[i64]| -> Vec<String> {
        let found = |id: &i64| known.iter().find(|(topic, _)| topic == id).map(|(_, name)| name.clone());
        ids.iter().filter_map(found).collect()
    };
    let line = |one: &Otherwise| {
        let list = lists.iter().find(|list| list.id == one.list)?.public_id.clone();
        let rhythm = one.rhythm.map(|rhythm| rhythm.map_or(EVERYTHING, Rhythm::as_str).to_owned());
        let (on, off) = (named(&one.on), named(&one.off));
        let choice = ListChoice { reader: reader.to_owned(), list, rhythm, on, off };
        (!choice.is_nothing()).then_some(Withdrawal::Chose(choice))
    };
    let lines: Vec<Withdrawal> = all.iter().filter_map(line).collect();
    withdrawals::write(site, &lines).await;
    Ok(())
}

/// They said so just now, of these lists: what the journal has from before counts no more, and whatever put them on a list is not taken
/// back over it.
pub(super) async fn said(
    tx: &mut Tx,
    site: &Site,
    subscriber: i64,
    lists: impl Iterator<Item = i64>,
) -> db::Result<()> {
    for list in lists {
        rhythms::said(tx, (subscriber, list), site.now()).await?;
        imports_undone::stays_on(tx, subscriber, Some(list)).await?;
    }
    Ok(())
}

/// A choice that stands in the journal beside the database, and that the database may not know. Whatever they said later stands; a topic
/// that is not there is left out. Whether anything is otherwise by it.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn chosen_as_written(site: &Site, choice: &ListChoice, at: Moment) -> db::Result<bool> {
    let Some(reader) = store::by_public_id(&site.db, &choice.reader).await? else { return Ok(false) };
    db::again(|| as_written_once(site, reader.id, choice, at)).await
}

async fn as_written_once(site: &Site, reader: i64, choice: &ListChoice, at: Moment) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, reader).await?;
    topics::hold(&mut tx).await?;
    let lists = store::lists_in(&mut tx).await?;
    let Some(list) = lists.into_iter().find(|list| list.public_id == choice.list).map(|list| list.id) else {
        return Ok(false);
    };
    if !rhythms::said(&mut tx, (reader, list), at).await? {
        return Ok(false);
    }
    imports_undone::stays_on(&mut tx, reader, Some(list)).await?;
    let known = topic_rows::names_in(&mut tx).await?;
    let keys = |names: &[String]| -> Vec<i64> {
        known.iter().filter(|(_, name)| names.contains(name)).map(|(id, _)| *id).collect()
    };
    let topics = (&*keys(&choice.on), &*keys(&choice.off));
    let mut is_otherwise = topics::choose_otherwise(&mut tx, reader, list, topics).await?;
    let rhythm = match choice.rhythm.as_deref() {
        None => None,
        Some(EVERYTHING) => Some(None),
        // A word that only a newer version knows says nothing.
        Some(word) => Rhythm::parse(word).map(Some),
    };
    if let Some(rhythm) = rhythm {
        is_otherwise |= rhythms::choose_as_written(&mut tx, (reader, list), rhythm).await?;
    }
    tx.commit().await?;
    Ok(is_otherwise)
}
