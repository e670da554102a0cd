//! The SQL of topics, and of what readers chose of them.

use std::collections::HashMap;

use super::{super::rows::Topic, places};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// A topic behind all others, unless one has that name.
    ADD = "insert into reader_topic (public_id, name, name_key, description, created_at, position)
        select $1, $2, $3, $4, cast($5 as bigint), coalesce(max(position), 0) + 1 from reader_topic where true
        on conflict do nothing returning id";
    /// Every topic but those that another one took the place of.
    ALL = "select id, public_id, name, description, retired_at, version from reader_topic
        where merged_into is null order by position, id";
    BY_PUBLIC_ID = "select id, public_id, name, description, retired_at, version from reader_topic
        where public_id = $1 and merged_into is null";
    /// What each list offers.
    OFFERED = "select o.list_id, t.id, t.public_id, t.name, t.description, t.retired_at, t.version
        from list_topic o join reader_topic t on t.id = o.topic_id
        where t.retired_at is null order by o.list_id, t.position, t.id";
    /// What a list offers.
    OFFERED_BY = "select t.id, t.public_id, t.name, t.description, t.retired_at, t.version
        from list_topic o join reader_topic t on t.id = o.topic_id
        where o.list_id = $1 and t.retired_at is null order by t.position, t.id";
    /// What a reader chose, of every list; also what is not offered any more.
    CHOSEN = "select c.list_id, t.id, t.public_id, t.name, t.description, t.retired_at, t.version
        from subscription s
        join subscription_topic c on c.list_id = s.list_id and c.subscriber_id = s.subscriber_id
        join reader_topic t on t.id = c.topic_id
        where s.subscriber_id = $1 order by c.list_id, t.position, t.id";
    /// By which name each is called that outlives a restored backup, also those that another one took the place of.
    NAMES = "select id, public_id from reader_topic";
    /// Every topic, with the one that has its place.
    WITH_PLACES = "select id, coalesce(merged_into, id) from reader_topic";
    /// Every topic, held against merging until the commit, with the one that has its place. (The rows are few.)
    HOLD = sqlite "select id, coalesce(merged_into, id) from reader_topic order by id",
        postgres "select id, coalesce(merged_into, id) from reader_topic order by id for share";
    /// Whoever writes down an audience at this moment comes before or after.
    HOLD_SUBSCRIPTION = "update subscription set state = state where subscriber_id = $1 and list_id = $2";
    CHOSEN_IDS = "select topic_id from subscription_topic where list_id = $2 and subscriber_id = $1 order by topic_id";
    FORGET_CHOICE = "delete from subscription_topic where list_id = $2 and subscriber_id = $1";
    CHOOSE = rows(3) "insert into subscription_topic (list_id, subscriber_id, topic_id) values {rows} on conflict do nothing";
    /// What staff decided, if nobody else saved it since.
    CHANGE = "update reader_topic set name = $3, name_key = $4, description = $5, version = version + 1
        where id = $1 and version = $2 and not exists
            (select 1 from reader_topic o where o.name_key = $4 and o.id <> $1 and o.retired_at is null)";
    /// Every topic with its place, held until the commit, in the order of their numbers as by everybody.
    HOLD_PLACES = sqlite "select id, position from reader_topic where merged_into is null order by position, id",
        postgres "select id, position from reader_topic where merged_into is null order by id for update";
    PLACE = "update reader_topic set position = $2 where id = $1";
    RETIRE = "update reader_topic set retired_at = $2, version = version + 1 where id = $1 and retired_at is null";
    BRING_BACK = "update reader_topic set retired_at = null, version = version + 1
        where id = $1 and retired_at is not null and merged_into is null and not exists
            (select 1 from reader_topic o where o.name_key = reader_topic.name_key and o.id <> $1 and o.retired_at is null)";
    /// The version of a topic, held until the commit; who chooses waits.
    HOLD_ONE = sqlite "select version from reader_topic where id = $1 and merged_into is null",
        postgres "select version from reader_topic where id = $1 and merged_into is null for update";
    /// Whether a topic may take the place of another: it is not retired, and no edition about either waits for its moment, for that
    /// would go to more readers than whoever pressed Send was told.
    MAY_MERGE = "select count(*) from reader_topic where id = $2 and retired_at is null and not exists
        (select 1 from edition_topic e join reader_topic t on t.id = e.topic_id join edition d on d.id = e.edition_id
            where (t.id in ($1, $2) or t.merged_into in ($1, $2)) and d.sealed_at is null and d.state in ('scheduled', 'held'))";
    /// Whoever chose the one has chosen the other, and so has each list.
    MOVE_CHOICES = "insert into subscription_topic (list_id, subscriber_id, topic_id)
        select list_id, subscriber_id, $2 from subscription_topic where topic_id = $1 on conflict do nothing";
    FORGET_CHOICES = "delete from subscription_topic where topic_id = $1";
    MOVE_OFFERS = "insert into list_topic (list_id, topic_id)
        select list_id, $2 from list_topic where topic_id = $1 on conflict do nothing";
    FORGET_OFFERS = "delete from list_topic where topic_id = $1";
    /// What an act on many readers gave them of either is one with what they chose by themselves: it is not taken back any more.
    MERGED_STAYS_CHOSEN = "delete from bulk_change where was = 'topic' and bulk_act_id in (select b.id from bulk_act b where b.deed = 'choose'
            and b.topic_id in (select t.id from reader_topic t where t.id in ($1, $2) or t.merged_into in ($1, $2)))";
    /// Editions that are about the one are about the other: `audience` and pages read it so. What was merged into it before goes with it.
    MERGE = "update reader_topic set merged_into = $2, retired_at = coalesce(retired_at, $3), version = version + 1
        where id = $1 or merged_into = $1";
    /// Nobody chose it and no edition is about it, or was about what it took the place of.
    DELETE_UNUSED = "delete from reader_topic where id = $1 and merged_into is null
        and not exists (select 1 from subscription_topic c where c.topic_id = reader_topic.id)
        and not exists (select 1 from edition_topic e where e.topic_id = reader_topic.id)
        and not exists (select 1 from reader_topic o where o.merged_into = reader_topic.id)";
    /// What it offers, with what is retired.
    OFFERS = "select topic_id from list_topic where list_id = $1 order by topic_id";
    CLEAR_OFFERS = "delete from list_topic where list_id = $1
        and topic_id in (select id from reader_topic where retired_at is null)";
    OFFER = rows(2) "insert into list_topic (list_id, topic_id) values {rows} on conflict do nothing";
    /// Which lists offer a topic.
    OFFERING = "select list_id from list_topic where topic_id = $1 order by list_id";
    CLEAR_OFFERING = "delete from list_topic where topic_id = $1
        and list_id in (select id from list where retired_at is null)";
    /// Whoever looked at the other side is told.
    LIST_IS_SAVED = "update list set version = version + 1 where id = $1";
    TOPIC_IS_SAVED = "update reader_topic set version = version + 1 where id = $1";
    /// How many editions are about a topic, or about what it took the place of, and how many of them wait for their moment.
    EDITIONS = "select (select count(distinct e.edition_id) from edition_topic e join reader_topic t on t.id = e.topic_id
                where t.id = $1 or t.merged_into = $1) as editions,
            (select count(distinct e.edition_id) from edition_topic e join reader_topic t on t.id = e.topic_id
                join edition d on d.id = e.edition_id
                where (t.id = $1 or t.merged_into = $1) and d.sealed_at is null and d.state in ('scheduled', 'held')) as waiting";
}

#[derive(sqlx_macros::FromRow)]
struct OfList {
    list_id: i64,
    #[sqlx(flatten)]
    topic: Topic,
}

fn by_list(rows: Vec<OfList>) -> HashMap<i64, Vec<Topic>> {
    let mut found: HashMap<i64, Vec<Topic>> = HashMap::new();
    for row in rows {
        found.entry(row.list_id).or_default().push(row.topic);
    }
    found
}

pub async fn add(
    tx: &mut Tx,
    public_id: &str,
    (name, key, description): (&str, &str, &str),
    now: Moment,
) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(ADD, (public_id, name, key, description, now)).await?.map(|(id,)| id))
}

pub async fn all(db: &Db) -> Result<Vec<Topic>> {
    db.all(ALL, ()).await
}

pub async fn by_public_id(db: &Db, public_id: &str) -> Result<Option<Topic>> {
    db.opt(BY_PUBLIC_ID, (public_id,)).await
}

pub async fn offered(db: &Db) -> Result<HashMap<i64, Vec<Topic>>> {
    Ok(by_list(db.all(OFFERED, ()).await?))
}

pub async fn offered_by(db: &Db, list: i64) -> Result<Vec<Topic>> {
    db.all(OFFERED_BY, (list,)).await
}

pub async fn chosen(db: &Db, subscriber: i64) -> Result<HashMap<i64, Vec<Topic>>> {
    Ok(by_list(db.all(CHOSEN, (subscriber,)).await?))
}

pub async fn names(db: &Db) -> Result<Vec<(i64, String)>> {
    db.all(NAMES, ()).await
}

pub async fn names_in(tx: &mut Tx) -> Result<Vec<(i64, String)>> {
    tx.all(NAMES, ()).await
}

/// Each topic, and the one that has its place, for who only looks.
pub async fn with_places(db: &Db) -> Result<Vec<(i64, i64)>> {
    db.all(WITH_PLACES, ()).await
}

/// Each topic, and the one that has its place.
pub async fn hold(tx: &mut Tx) -> Result<Vec<(i64, i64)>> {
    tx.all(HOLD, ()).await
}

/// `false` where there is no such subscription.
pub async fn hold_subscription(tx: &mut Tx, subscriber: i64, list: i64) -> Result<bool> {
    Ok(tx.exec(HOLD_SUBSCRIPTION, (subscriber, list)).await? == 1)
}

pub async fn chosen_ids(tx: &mut Tx, subscriber: i64, list: i64) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(CHOSEN_IDS, (subscriber, list)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn choose(tx: &mut Tx, subscriber: i64, list: i64, topics: &[i64]) -> Result<()> {
    tx.exec(FORGET_CHOICE, (subscriber, list)).await?;
    tx.many(CHOOSE, topics.iter().map(|topic| (list, subscriber, *topic))).await?;
    Ok(())
}

pub async fn change(
    tx: &mut Tx,
    (id, version): (i64, i64),
    (name, key, description): (&str, &str, &str),
) -> Result<bool> {
    Ok(tx.exec(CHANGE, (id, version, name, key, description)).await? == 1)
}

pub async fn shift(tx: &mut Tx, id: i64, by: isize) -> Result<()> {
    places::shift(tx, (HOLD_PLACES, PLACE), id, by).await
}

pub async fn retire(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(RETIRE, (id, now)).await? == 1)
}

pub async fn bring_back(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.exec(BRING_BACK, (id,)).await? == 1)
}

pub async fn hold_one(tx: &mut Tx, id: i64) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(HOLD_ONE, (id,)).await?.map(|(version,)| version))
}

pub async fn may_merge(tx: &mut Tx, from: i64, into: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(MAY_MERGE, (from, into)).await?.0 == 1)
}

/// The one is the other from now on.
pub async fn merge(tx: &mut Tx, from: i64, into: i64, now: Moment) -> Result<()> {
    tx.exec(MOVE_CHOICES, (from, into)).await?;
    tx.exec(FORGET_CHOICES, (from,)).await?;
    tx.exec(MOVE_OFFERS, (from, into)).await?;
    tx.exec(FORGET_OFFERS, (from,)).await?;
    tx.exec(MERGED_STAYS_CHOSEN, (from, into)).await?;
    tx.exec(MERGE, (from, into, now)).await?;
    Ok(())
}

pub async fn delete_unused(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.exec(DELETE_UNUSED, (id,)).await? == 1)
}

fn numbers(rows: Vec<(i64,)>) -> Vec<i64> {
    rows.into_iter().map(|(id,)| id).collect()
}

/// What is in one and not in the other.
fn changed(before: &[i64], after: &[i64]) -> Vec<i64> {
    let gone = before.iter().filter(|id| !after.contains(id));
    gone.chain(after.iter().filter(|id| !before.contains(id))).copied().collect()
}

/// The list offers these and no others, but for topics that are retired: no page shows those.
pub async fn offer(tx: &mut Tx, list: i64, topics: &[i64]) -> Result<()> {
    let before = numbers(tx.all(OFFERS, (list,)).await?);
    tx.exec(CLEAR_OFFERS, (list,)).await?;
    tx.many(OFFER, topics.iter().map(|topic| (list, *topic))).await?;
    for topic in changed(&before, &numbers(tx.all(OFFERS, (list,)).await?)) {
        tx.exec(TOPIC_IS_SAVED, (topic,)).await?;
    }
    Ok(())
}

pub async fn offering(db: &Db, topic: i64) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(OFFERING, (topic,)).await?.into_iter().map(|(id,)| id).collect())
}

/// These lists offer it and no others, but for lists that are retired.
pub async fn offer_on(tx: &mut Tx, topic: i64, lists: &[i64]) -> Result<()> {
    let before = numbers(tx.all(OFFERING, (topic,)).await?);
    tx.exec(CLEAR_OFFERING, (topic,)).await?;
    tx.many(OFFER, lists.iter().map(|list| (*list, topic))).await?;
    for list in changed(&before, &numbers(tx.all(OFFERING, (topic,)).await?)) {
        tx.exec(LIST_IS_SAVED, (list,)).await?;
    }
    Ok(())
}

pub async fn editions(db: &Db, topic: i64) -> Result<(i64, i64)> {
    db.one(EDITIONS, (topic,)).await
}
