//! SQL of the public ids of readers, lists and editions.

use crate::{
    clock::Moment,
    db::{Db, Result},
    links::Name,
    statements,
};

statements! {
    /// The rows whose public ids begin so; ids are compared by range, so that their index finds them.
    COPY = "select e.id, s.id from edition e, subscriber s
        where e.public_id >= $1 and e.public_id < $2 and s.public_id >= $3 and s.public_id < $4";
    /// Numbers were mailed up to some; those given later are somebody else's.
    NUMBERED_COPY = "select e.id, s.id from edition e, subscriber s where e.id = $1 and s.id = $2
        and e.id <= (select last_id from numbered_link where kind = 'edition')
        and s.id <= (select last_id from numbered_link where kind = 'subscriber')";
    READER = "select email from subscriber where public_id >= $1 and public_id < $2";
    NUMBERED_READER = "select email from subscriber where id = $1
        and id <= (select last_id from numbered_link where kind = 'subscriber')";
    /// From the index of addresses: few letters go to one.
    LETTER_SENT = "select coalesce(finished_at, created_at) from notice where address_key = $1 and message_id = $2 order by id desc limit 1";
    EDITION = "select id from edition where public_id = $1";
    NUMBERED_EDITION = "select id from edition where id = $1
        and id <= (select last_id from numbered_link where kind = 'edition')";
    /// What the links of a copy are made of, and how its body was frozen.
    NAMES = "select e.public_id as edition, s.public_id as subscriber, l.public_id as list, e.list_id, b.headers from edition e
        join subscriber s on s.id = $2
        join list l on l.id = e.list_id
        left join variant b on b.id = (select d.variant_id from delivery d where d.edition_id = $1 and d.subscriber_id = $2)
        where e.id = $1";
}

/// The public ids of a copy.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Names {
    pub edition: String,
    pub subscriber: String,
    pub list: String,
    pub list_id: i64,
    pub headers: Option<String>,
}

/// Edition and subscriber whose public ids begin so.
pub async fn copy(db: &Db, edition: &str, subscriber: &str) -> Result<Option<(i64, i64)>> {
    // Public ids are letters and figures, which stand before it.
    let end = |start: &str| format!("{start}~");
    db.opt(COPY, (edition, end(edition).as_str(), subscriber, end(subscriber).as_str())).await
}

pub async fn numbered_copy(db: &Db, edition: i64, subscriber: i64) -> Result<Option<(i64, i64)>> {
    db.opt(NUMBERED_COPY, (edition, subscriber)).await
}

/// The address that a reader has now whose public id begins so.
/// When a letter to an address was sent, or was to be.
pub async fn letter_sent(db: &Db, address_key: &str, message_id: &str) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(LETTER_SENT, (address_key, message_id)).await?.map(|(at,)| at))
}

pub async fn reader(db: &Db, start: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(READER, (start, format!("{start}~").as_str())).await?;
    Ok(found.map(|(email,)| email))
}

pub async fn numbered_reader(db: &Db, id: i64) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(NUMBERED_READER, (id,)).await?.map(|(email,)| email))
}

pub async fn edition(db: &Db, name: &Name<'_>) -> Result<Option<i64>> {
    let found: Option<(i64,)> = match name {
        Name::Id(id) => db.opt(EDITION, (id.as_ref(),)).await?,
        Name::Number(number) => db.opt(NUMBERED_EDITION, (*number,)).await?,
    };
    Ok(found.map(|(id,)| id))
}

pub async fn names(db: &Db, edition: i64, subscriber: i64) -> Result<Option<Names>> {
    db.opt(NAMES, (edition, subscriber)).await
}
