//! The SQL of how many readers lists and topics have: counted for a page while they are few, and now and then where they are many.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Each list: how many are on it, of no more than `$1`; of those, whose address is not stopped, as everywhere at the desk; and how many
    /// of these there were when they were last counted.
    ON_LISTS = "select l.id as of_id,
            (select count(*) from (select s.subscriber_id from subscription s
                where s.list_id = l.id and s.state = 'confirmed' limit $1) a) as found,
            (select count(*) from (select s.subscriber_id from subscription s
                where s.list_id = l.id and s.state = 'confirmed' limit $1) b
                where not exists (select 1 from suppression p where p.subscriber_id = b.subscriber_id and p.lifted_at is null)) as readers,
            c.number, c.counted_at
        from list l left join counted c on c.what = 'list' and c.of_id = l.id";
    /// Each topic: the same of those who chose it; who chose it of two lists is one of them.
    WITH_TOPICS = "select t.id as of_id,
            (select count(*) from (select s.subscriber_id from subscription_topic s where s.topic_id = t.id limit $1) a) as found,
            (select count(distinct b.subscriber_id) from (select s.subscriber_id from subscription_topic s where s.topic_id = t.id limit $1) b) as readers,
            c.number, c.counted_at
        from reader_topic t left join counted c on c.what = 'topic' and c.of_id = t.id where t.merged_into is null";
    /// One topic: how many chose it and nothing else of a list that there still is, of no more than `$2`; where they are more, how many of these
    /// there were when that was last counted, and nobody is looked at.
    ALONE = "select w.of_id, w.found,
            case when w.found < $2 or w.number is null then
                (select count(distinct b.subscriber_id) from (select s.list_id, s.subscriber_id from subscription_topic s where s.topic_id = w.of_id limit $2) b
                    where not exists (select 1 from subscription_topic o join reader_topic r on r.id = o.topic_id
                        where o.list_id = b.list_id and o.subscriber_id = b.subscriber_id and o.topic_id <> w.of_id and r.retired_at is null))
                else 0 end as readers,
            w.number, w.counted_at
        from (select t.id as of_id,
                (select count(*) from (select s.subscriber_id from subscription_topic s where s.topic_id = t.id limit $2) a) as found,
                c.number, c.counted_at
            from reader_topic t left join counted c on c.what = 'alone' and c.of_id = t.id where t.id = $1) w";
    ALL_ALONE = "select count(distinct c.subscriber_id) from subscription_topic c where c.topic_id = $1
        and not exists (select 1 from subscription_topic o join reader_topic r on r.id = o.topic_id
            where o.list_id = c.list_id and o.subscriber_id = c.subscriber_id and o.topic_id <> $1 and r.retired_at is null)";
    ALL_ON_LIST = "select count(*) from subscription s where s.list_id = $1 and s.state = 'confirmed'
        and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)";
    ALL_WITH_TOPIC = "select count(distinct subscriber_id) from subscription_topic where topic_id = $1";
    KEEP = "insert into counted (what, of_id, number, counted_at) values ($1, $2, $3, $4)
        on conflict (what, of_id) do update set number = excluded.number, counted_at = excluded.counted_at";
}

/// What readers are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    List,
    Topic,
    /// Who chose a topic and nothing else.
    TopicAlone,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Topic => "topic",
            Self::TopicAlone => "alone",
        }
    }
}

#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct Found {
    pub of_id: i64,
    /// As many rows as were looked at.
    pub found: i64,
    /// So many readers are in them.
    pub readers: i64,
    /// When they were last counted, if ever.
    pub number: Option<i64>,
    pub counted_at: Option<Moment>,
}

/// Of each no more than `most` rows are looked at.
pub async fn found(db: &Db, what: What, most: i64) -> Result<Vec<Found>> {
    db.all(if what == What::List { ON_LISTS } else { WITH_TOPICS }, (most,)).await
}

/// Those who chose a topic and nothing else; no more than `most` rows are looked at.
pub async fn alone(db: &Db, topic: i64, most: i64) -> Result<Option<Found>> {
    db.opt(ALONE, (topic, most)).await
}

pub async fn count(db: &Db, what: What, of_id: i64) -> Result<i64> {
    let statement = match what {
        What::List => ALL_ON_LIST,
        What::Topic => ALL_WITH_TOPIC,
        What::TopicAlone => ALL_ALONE,
    };
    Ok(db.one::<(i64,)>(statement, (of_id,)).await?.0)
}

pub async fn keep(tx: &mut Tx, what: What, (of_id, number): (i64, i64), now: Moment) -> Result<u64> {
    tx.exec(KEEP, (what.as_str(), of_id, number, now)).await
}
