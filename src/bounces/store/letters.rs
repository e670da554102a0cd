//! SQL of what people write to the address for bounces.

use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    /// The same letter again changes nothing.
    ADD = "insert into bounce_letter (key, from_address, subject, words, subscriber_id, edition_id, received_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (key) do nothing";
    COUNT = "select count(*) from bounce_letter";
    /// What waits of letters under that address which answer no copy.
    COUNT_FROM = "select count(*) from bounce_letter where lower(from_address) = $1 and edition_id is null";
    /// What waits of letters that answer copies of a reader.
    COUNT_OF_COPIES = "select count(*) from bounce_letter where subscriber_id = $1 and edition_id is not null";
    /// The newest: what came before is not pushed out by what anybody can write in any number. Of those under a reader's address only
    /// where there is no other, and of those that answer a copy last, for the address that a letter bears is anybody's to write.
    FORGET_NEWEST = "delete from bounce_letter where id in
        (select id from bounce_letter order by (edition_id is null) desc, (subscriber_id is null) desc, id desc limit $1)";
    /// All of them: they are few.
    WAITING = "select l.id, l.from_address, l.subject, l.words, l.edition_id, l.received_at, s.public_id as reader, s.email as reader_address
        from bounce_letter l left join subscriber s on s.id = l.subscriber_id order by l.id desc";
    /// Says whose it was, as far as that is known, and when it came.
    FORGET = "delete from bounce_letter where id = $1
        returning coalesce((select s.public_id from subscriber s where s.id = bounce_letter.subscriber_id), ''), received_at";
    /// All of them: they are few.
    FROM_WHOM = "select id, from_address, subscriber_id from bounce_letter order by id";
    /// Whoever wrote them is forgotten.
    FORGET_ALL = sqlite "delete from bounce_letter where id in (select value from json_each($1))",
        postgres "delete from bounce_letter where id in (select cast(value as bigint) from json_array_elements_text(cast($1 as json)))";
}

/// A letter to keep.
pub struct NewLetter<'a> {
    pub key: &'a str,
    pub from_address: &'a str,
    pub subject: &'a str,
    pub words: &'a str,
    pub subscriber_id: Option<i64>,
    pub edition_id: Option<i64>,
}

/// A letter that waits to be read.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct PersonsLetter {
    /// Its number; newer ones are higher.
    pub id: i64,
    /// Who wrote it, as they say.
    pub from_address: String,
    pub subject: String,
    /// What they wrote, as text, shortened.
    pub words: String,
    /// The edition whose copy it answers, where that is proven.
    pub edition_id: Option<i64>,
    /// When it came.
    pub received_at: Moment,
    /// The reader's public id: of the copy that it answers, or of the address that it bears.
    pub reader: Option<String>,
    pub reader_address: Option<String>,
}

pub async fn add(tx: &mut Tx, new: NewLetter<'_>, now: Moment) -> Result<bool> {
    let values = (new.key, new.from_address, new.subject, new.words, new.subscriber_id, new.edition_id, now);
    Ok(tx.exec(ADD, values).await? == 1)
}

/// How many wait that bear that address, in small letters, and answer no copy.
pub async fn count_from(tx: &mut Tx, key: &str) -> Result<i64> {
    Ok(tx.one::<(i64,)>(COUNT_FROM, (key,)).await?.0)
}

/// How many wait that answer copies of a reader.
pub async fn count_of_copies(tx: &mut Tx, reader: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(COUNT_OF_COPIES, (reader,)).await?.0)
}

/// Keeps no more than so many. Returns how many went.
pub async fn forget_beyond(tx: &mut Tx, most: i64) -> Result<u64> {
    let (count,) = tx.one::<(i64,)>(COUNT, ()).await?;
    if count > most { tx.exec(FORGET_NEWEST, (count - most,)).await } else { Ok(0) }
}

pub async fn waiting(db: &Db) -> Result<Vec<PersonsLetter>> {
    db.all(WAITING, ()).await
}

/// The public id of the reader whose it was, or nothing, and when it came; none if it is not there any more.
pub async fn forget(tx: &mut Tx, id: i64) -> Result<Option<(String, Moment)>> {
    tx.opt(FORGET, (id,)).await
}

/// From whom a letter is.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct FromWhom {
    pub id: i64,
    pub from_address: String,
    pub subscriber_id: Option<i64>,
}

pub async fn from_whom(db: &Db) -> Result<Vec<FromWhom>> {
    db.all(FROM_WHOM, ()).await
}

pub async fn from_whom_in(tx: &mut Tx) -> Result<Vec<FromWhom>> {
    tx.all(FROM_WHOM, ()).await
}

pub async fn forget_all(tx: &mut Tx, ids: &[i64]) -> Result<u64> {
    tx.exec(FORGET_ALL, (db::array(ids)?,)).await
}
