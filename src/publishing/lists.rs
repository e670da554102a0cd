//! What staff do with lists and topics: a list and the series of editions for it are made, named and retired together.
//!
//! Each act names the version that its page showed, is one transaction, and stands in the audit log.

pub use super::rows::TouchedByList;
use super::{Error, Result, store};
use crate::{
    audit_log,
    db::{self, Db, Tx},
    delivery,
    editions::{self, Rhythm},
    segments,
    site::Site,
    subscribers::{
        lists::{self, List, Visibility, Written},
        topics::{self, Topic},
    },
};

/// What hangs on a list.
pub async fn touched(db: &Db, list: &List) -> db::Result<TouchedByList> {
    store::touched(db, list.id).await
}

/// Makes a list, and a series of editions for it. Its public id; none if the short name is taken.
pub async fn make(
    site: &Site,
    (slug, name, seen_by): (&str, &str, Visibility),
    staff_id: Option<i64>,
) -> Result<Option<String>> {
    let mut tx = site.db.begin().await?;
    if !lists::add_seen_by(&mut tx, site, (slug, name, ""), seen_by).await? {
        return Ok(None);
    }
    let all = lists::all_in(&mut tx).await?;
    let list = all.into_iter().find(|list| list.slug == slug).ok_or(Error::NotFound)?;
    if !store::add_digest(&mut tx, slug, name, list.id, site.now()).await? {
        return Ok(None);
    }
    record(&mut tx, site, staff_id, "made a list", slug, name).await?;
    tx.commit().await?;
    Ok(Some(list.public_id))
}

/// Changes a list that somebody saw, which topics it offers, and the segments that new editions of it begin with: to which they go alone, and
/// to which they do not.
///
/// # Errors
/// [`Error::Changed`] when somebody saved it since; [`Error::Segment`] when one of these was deleted; [`Error::RhythmWaits`] when it would offer other rhythms while an edition for one of
/// them waits for its moment: that would go to others than whoever pressed Send was told.
pub async fn change(
    site: &Site,
    seen: &List,
    written: &Written,
    (offers, usual): (&[i64], (Option<i64>, Option<i64>)),
    staff_id: Option<i64>,
) -> Result<()> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        if !lists::change(&mut tx, site, (seen.id, seen.version), written).await? {
            return Err(Error::Changed);
        }
        if Rhythm::read(&seen.rhythms) != Rhythm::read(&Rhythm::write(&written.rhythms))
            && store::waiting_for_a_rhythm(&mut tx, seen.id).await? > 0
        {
            return Err(Error::RhythmWaits);
        }
        topics::offer(&mut tx, seen.id, offers).await?;
        store::rename_digests(&mut tx, seen.id, &seen.name, &written.name).await?;
        let Some(goes_to) = segments::set_usual(&mut tx, seen.id, usual).await? else {
            return Err(Error::Segment("a segment that was chosen has been deleted".to_owned()));
        };
        let detail = format!("{}{goes_to}", decided(written));
        record(&mut tx, site, staff_id, "changed a list", &seen.slug, &detail).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// What was decided, for the log: the words of the letter stand on its page.
fn decided(written: &Written) -> String {
    let Written { name, visibility, opt_in, offered, closed, welcomes, rhythms, .. } = written;
    let rhythms = Rhythm::write(rhythms);
    let yes = |is: bool, word: &'static str| if is { word } else { "" };
    let words = [
        name,
        visibility.as_str(),
        opt_in.as_str(),
        yes(*closed, "closed"),
        yes(*offered, "offered"),
        yes(*welcomes, "welcomes"),
        &rhythms,
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Set-up names the list that there was from the beginning, as long as it is the only one.
pub async fn name_first(site: &Site, name: &str) -> Result<()> {
    let mut tx = site.db.begin().await?;
    if let [only] = lists::all_in(&mut tx).await?.as_slice() {
        lists::rename(&mut tx, only.id, name).await?;
        store::rename_digests(&mut tx, only.id, &only.name, name).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Moves a list one place up (-1) or down (1).
pub async fn shift(site: &Site, list: &List, by: isize, staff_id: Option<i64>) -> Result<()> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        lists::shift(&mut tx, list.id, by).await?;
        record(&mut tx, site, staff_id, "moved a list", &list.slug, "").await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Retires a list that somebody saw: nobody joins it, no edition is begun for it, and nothing goes to it. What waits for its
/// moment is held, what goes out is paused, and its readers stay. Returns how many editions were stopped.
///
/// # Errors
/// [`Error::Changed`] when somebody saved it since.
pub async fn retire(site: &Site, seen: &List, staff_id: Option<i64>) -> Result<usize> {
    db::again(|| retire_once(site, seen, staff_id)).await
}

async fn retire_once(site: &Site, seen: &List, staff_id: Option<i64>) -> Result<usize> {
    let mut tx = site.db.begin().await?;
    // First the list: whoever lets an edition of it go holds it, and is before this or finds it retired.
    if !lists::retire(&mut tx, site, (seen.id, seen.version)).await? {
        return Err(Error::Changed);
    }
    delivery::withdraw_welcomes(&mut tx, &seen.public_id, site.now()).await?;
    let stopped = editions::stop_of_list(&mut tx, site, seen.id, staff_id).await?;
    record(&mut tx, site, staff_id, "retired a list", &seen.slug, &seen.name).await?;
    tx.commit().await?;
    Ok(stopped)
}

/// Deletes a list that somebody saw and that nobody was ever on, with its series of editions: its short name is free then.
///
/// # Errors
/// [`Error::Changed`] when something hangs on it, or somebody saved it since; nothing was deleted then.
pub async fn delete(site: &Site, seen: &List, staff_id: Option<i64>) -> Result<()> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        lists::hold(&mut tx).await?;
        store::delete_digests(&mut tx, seen.id).await?;
        if !lists::delete(&mut tx, (seen.id, seen.version)).await? {
            return Err(Error::Changed);
        }
        record(&mut tx, site, staff_id, "deleted a list", &seen.slug, &seen.name).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Brings a list back with the readers that it had. What was stopped stays so, until somebody lets it go on.
///
/// # Errors
/// [`Error::Changed`] when somebody did so before.
pub async fn bring_back(site: &Site, seen: &List, staff_id: Option<i64>) -> Result<()> {
    let mut tx = site.db.begin().await?;
    if !lists::bring_back(&mut tx, (seen.id, seen.version)).await? {
        return Err(Error::Changed);
    }
    record(&mut tx, site, staff_id, "brought a list back", &seen.slug, &seen.name).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes a topic that these lists offer; `false` if there is one of that name.
pub async fn make_topic(
    site: &Site,
    (name, description): (&str, &str),
    on: &[i64],
    staff_id: Option<i64>,
) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(id) = topics::add(&mut tx, site, name, description).await? else { return Ok(false) };
    topics::offer_on(&mut tx, id, on).await?;
    of_topic(&mut tx, site, staff_id, "made a topic", name, "").await?;
    tx.commit().await?;
    Ok(true)
}

/// Changes a topic that somebody saw, and which lists offer it; `false` if it was saved since, or another one has that name.
pub async fn change_topic(
    site: &Site,
    seen: &Topic,
    (name, description): (&str, &str),
    on: &[i64],
    staff_id: Option<i64>,
) -> Result<bool> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        if !topics::change(&mut tx, (seen.id, seen.version), name, description).await? {
            return Ok(false);
        }
        topics::offer_on(&mut tx, seen.id, on).await?;
        of_topic(&mut tx, site, staff_id, "changed a topic", &seen.name, name).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Moves a topic one place up (-1) or down (1).
pub async fn shift_topic(site: &Site, topic: &Topic, by: isize, staff_id: Option<i64>) -> Result<()> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        topics::shift(&mut tx, topic.id, by).await?;
        of_topic(&mut tx, site, staff_id, "moved a topic", &topic.name, "").await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// One topic takes the place of another for good; see [`topics::merge`]. `false` if it was not done.
pub async fn merge_topics(site: &Site, from: &Topic, into: &Topic, staff_id: Option<i64>) -> Result<bool> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        if !topics::merge(&mut tx, site, (from.id, from.version), into.id).await? {
            return Ok(false);
        }
        of_topic(&mut tx, site, staff_id, "merged a topic", &from.name, &format!("into {}", into.name))
            .await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Retires a topic; see [`topics::retire`].
pub async fn retire_topic(site: &Site, topic: &Topic, staff_id: Option<i64>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let retired = topics::retire(&mut tx, site, topic.id).await?;
    if retired {
        of_topic(&mut tx, site, staff_id, "retired a topic", &topic.name, "").await?;
        tx.commit().await?;
    }
    Ok(retired)
}

/// Brings a topic back; `false` if another one has its name.
pub async fn bring_topic_back(site: &Site, topic: &Topic, staff_id: Option<i64>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let back = topics::bring_back(&mut tx, topic.id).await?;
    if back {
        of_topic(&mut tx, site, staff_id, "brought a topic back", &topic.name, "").await?;
        tx.commit().await?;
    }
    Ok(back)
}

/// Deletes a topic that nobody chose and no edition is about; `false` if somebody did.
pub async fn delete_topic(site: &Site, topic: &Topic, staff_id: Option<i64>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let deleted = topics::delete(&mut tx, topic.id).await?;
    if deleted {
        of_topic(&mut tx, site, staff_id, "deleted a topic", &topic.name, "").await?;
        tx.commit().await?;
    }
    Ok(deleted)
}

async fn record(
    tx: &mut Tx,
    site: &Site,
    staff_id: Option<i64>,
    action: &str,
    slug: &str,
    detail: &str,
) -> Result<()> {
    Ok(audit_log::record(tx, site, staff_id, action, &format!("list {slug}"), detail).await?)
}

async fn of_topic(
    tx: &mut Tx,
    site: &Site,
    staff_id: Option<i64>,
    action: &str,
    name: &str,
    detail: &str,
) -> Result<()> {
    Ok(audit_log::record(tx, site, staff_id, action, &format!("topic {name}"), detail).await?)
}
