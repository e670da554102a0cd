//! Topics: what readers of a list choose among.
//!
//! The rules: a choice belongs to a reader and a list. Who chose nothing gets everything; who chose some gets the editions that
//! carry one of them, and those that carry none. What somebody chose stays chosen until they change it, also of a topic that
//! is retired or not offered any more. A topic that was merged into another is read as that one, wherever it stands.
//!
//! The words that articles are filed under (`articles`) are another thing: feeds bring them by the dozen, and they come and go.
//! These here decide who is mailed, so people make them and put them on an edition.
//!
//! Locks: topics, then the subscription. Whoever writes down an audience holds the subscription (`audience`), so a choice is
//! before or after that.

use std::collections::HashMap;

pub use super::rows::Topic;
use super::store::{in_bulk, topics as store};
use crate::{
    db::{Db, Result, Tx},
    site::Site,
    token,
};

/// Every topic in its order, retired ones too.
pub async fn all(db: &Db) -> Result<Vec<Topic>> {
    store::all(db).await
}

/// The topic that pages call so.
pub async fn by_public_id(db: &Db, public_id: &str) -> Result<Option<Topic>> {
    store::by_public_id(db, public_id).await
}

/// What a list offers its readers, in order.
pub async fn offered_by(db: &Db, list: i64) -> Result<Vec<Topic>> {
    store::offered_by(db, list).await
}

/// What each list offers; a list that offers nothing is not among them.
pub async fn offered(db: &Db) -> Result<HashMap<i64, Vec<Topic>>> {
    store::offered(db).await
}

/// What a reader chose of a list; nothing means everything. Also what is retired or not offered any more.
pub async fn chosen(db: &Db, subscriber: i64, list: i64) -> Result<Vec<Topic>> {
    Ok(chosen_of(db, subscriber).await?.remove(&list).unwrap_or_default())
}

/// The same of every list; one of which they chose nothing is not among them.
pub async fn chosen_of(db: &Db, subscriber: i64) -> Result<HashMap<i64, Vec<Topic>>> {
    store::chosen(db, subscriber).await
}

/// A reader chooses these topics of a list and no others; none for everything. Whether that changed anything. It does nothing
/// where they have no subscription, whatever its state; and a topic that is not there any more is left out.
///
/// For whoever holds the reader's own link, or staff in their place: a form that anybody can fill in may do this only for a
/// subscription that nobody has confirmed.
pub async fn choose(tx: &mut Tx, subscriber: i64, list: i64, topics: &[i64]) -> Result<bool> {
    let place = places(tx).await?;
    let wanted = there(&place, topics);
    choose_these(tx, (subscriber, list), |_| wanted).await
}

/// The same of some alone: these are chosen from now on, those are not, and whatever else they chose stays.
pub async fn choose_otherwise(
    tx: &mut Tx,
    subscriber: i64,
    list: i64,
    (on, off): (&[i64], &[i64]),
) -> Result<bool> {
    let place = places(tx).await?;
    let (on, off) = (there(&place, on), there(&place, off));
    let changed = |known: &[i64]| known.iter().filter(|id| !off.contains(id)).chain(&on).copied().collect();
    choose_these(tx, (subscriber, list), changed).await
}

async fn choose_these(
    tx: &mut Tx,
    (subscriber, list): (i64, i64),
    wanted: impl FnOnce(&[i64]) -> Vec<i64>,
) -> Result<bool> {
    if !store::hold_subscription(tx, subscriber, list).await? {
        return Ok(false);
    }
    let known = store::chosen_ids(tx, subscriber, list).await?;
    let mut wanted = wanted(&known);
    wanted.sort_unstable();
    wanted.dedup();
    if known == wanted {
        return Ok(false);
    }
    store::choose(tx, subscriber, list, &wanted).await?;
    in_bulk::stays_chosen(tx, subscriber, list).await?;
    Ok(true)
}

/// Topics before subscriptions, as for everybody: for whoever is going to choose some later in the transaction.
pub(super) async fn hold(tx: &mut Tx) -> Result<()> {
    store::hold(tx).await.map(drop)
}

/// What was chosen on a form, for a list that was just confirmed: unless the reader chose something of it before.
pub(super) async fn choose_first(tx: &mut Tx, subscriber: i64, list: i64, topics: &[i64]) -> Result<()> {
    if !topics.is_empty() && store::chosen_ids(tx, subscriber, list).await?.is_empty() {
        choose(tx, subscriber, list, topics).await?;
    }
    Ok(())
}

/// Each topic, held, and the one that has its place.
async fn places(tx: &mut Tx) -> Result<HashMap<i64, i64>> {
    Ok(store::hold(tx).await?.into_iter().collect())
}

fn there(place: &HashMap<i64, i64>, topics: &[i64]) -> Vec<i64> {
    topics.iter().filter_map(|id| place.get(id).copied()).collect()
}

/// Adds a topic behind all others; none if one that is not retired has that name.
pub async fn add(tx: &mut Tx, site: &Site, name: &str, description: &str) -> Result<Option<i64>> {
    store::add(tx, &token::public_id(), (name, &name.to_lowercase(), description), site.now()).await
}

/// Changes a topic whose `version` somebody saw; `false` if it was saved since, or another one has that name.
pub async fn change(tx: &mut Tx, seen: (i64, i64), name: &str, description: &str) -> Result<bool> {
    store::change(tx, seen, (name, &name.to_lowercase(), description)).await
}

/// Moves a topic one place up (-1) or down (1) among the others; at the ends nothing moves.
pub async fn shift(tx: &mut Tx, id: i64, by: isize) -> Result<()> {
    store::shift(tx, id, by).await
}

/// The list offers these topics and no others.
pub async fn offer(tx: &mut Tx, list: i64, topics: &[i64]) -> Result<()> {
    store::offer(tx, list, topics).await
}

/// These lists offer the topic and no others.
pub async fn offer_on(tx: &mut Tx, topic: i64, lists: &[i64]) -> Result<()> {
    store::offer_on(tx, topic, lists).await
}

/// The lists that offer a topic.
pub async fn offering(db: &Db, topic: i64) -> Result<Vec<i64>> {
    store::offering(db, topic).await
}

/// How many editions are about a topic, and how many of them wait for their moment.
pub async fn editions(db: &Db, topic: i64) -> Result<(i64, i64)> {
    store::editions(db, topic).await
}

/// Nobody is offered it any more, and no edition is given it. Whoever chose it keeps that. `false` if it was retired before.
pub async fn retire(tx: &mut Tx, site: &Site, id: i64) -> Result<bool> {
    store::retire(tx, id, site.now()).await
}

/// It is there again; `false` if another one has its name, or it was not retired.
pub async fn bring_back(tx: &mut Tx, id: i64) -> Result<bool> {
    store::bring_back(tx, id).await
}

/// One topic takes the place of another, whose `version` somebody saw: whoever chose that has chosen this, the lists that offered
/// it offer this, and its editions are about this. `false` if either is not there any more, or was saved since, or an edition
/// about either waits for its moment. It cannot be taken back.
pub async fn merge(tx: &mut Tx, site: &Site, from: (i64, i64), into: i64) -> Result<bool> {
    let (from, seen) = from;
    // Everybody takes topics in the order of their numbers.
    let (first, second) = (from.min(into), from.max(into));
    let held = (store::hold_one(tx, first).await?, store::hold_one(tx, second).await?);
    let (version, target) = if first == from { held } else { (held.1, held.0) };
    if from == into || version != Some(seen) || target.is_none() || !store::may_merge(tx, from, into).await? {
        return Ok(false);
    }
    store::merge(tx, from, into, site.now()).await?;
    Ok(true)
}

/// Deletes a topic that nobody chose and no edition is about; `false` if somebody did.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<bool> {
    // Whoever chooses it at this moment holds it: what is looked at next is true until the commit.
    store::hold_one(tx, id).await?;
    store::delete_unused(tx, id).await
}
