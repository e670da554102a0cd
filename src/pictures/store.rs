//! The SQL of pictures.

use sqlx_macros::FromRow;

use super::read::Size;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    /// Unless it is there.
    ADD = "insert into picture (public_id, file, alt, is_decorative, caption, credit, source_url, staff_id, created_at)
        values ($1, $2, '', 0, '', '', $3, $4, $5) on conflict (public_id) do nothing returning id";
    ADD_SIZE = "insert into picture_size (picture_id, width, height, media_type, size, bytes) values ($1, $2, $3, $4, $5, $6)";
    /// Somebody brings it again.
    OFFER = "update picture set put_away_at = null where public_id = $1";
    PUT_AWAY = "update picture set put_away_at = $2 where public_id = $1 and put_away_at is null";
    DESCRIBE = "update picture set alt = $2, is_decorative = $3, caption = $4, credit = $5 where public_id = $1";
    NAMED = "select id, public_id, file, alt, is_decorative, caption, credit, created_at, put_away_at from picture where public_id = $1";
    COPIED = "select public_id from picture where source_url = $1 order by id limit 1";
    /// The newest first, from a place on, of those that are offered.
    LATEST = "select id, public_id, file, alt, is_decorative, caption, credit, created_at, put_away_at from picture
        where put_away_at is null and id < $1 order by id desc limit $2";
    /// Of a JSON array of pictures.
    SIZES_OF = sqlite "select picture_id, width, height, media_type, size from picture_size
            where picture_id in (select value from json_each($1)) order by picture_id, width",
        postgres "select picture_id, width, height, media_type, size from picture_size
            where picture_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) order by picture_id, width";
    SERVED = "select s.media_type, s.bytes from picture p join picture_size s on s.picture_id = p.id where p.public_id = $1 and s.width = $2";
}

/// A picture as it is kept.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: i64,
    pub public_id: String,
    pub file: String,
    pub alt: String,
    pub is_decorative: i64,
    pub caption: String,
    pub credit: String,
    pub created_at: Moment,
    pub put_away_at: Option<Moment>,
}

/// One of its sizes.
#[derive(Clone, Debug, FromRow)]
pub struct SizeRow {
    pub picture_id: i64,
    pub width: i64,
    pub height: i64,
    pub media_type: String,
    pub size: i64,
}

pub async fn add(
    tx: &mut Tx,
    (public_id, file, source_url): (&str, &str, Option<&str>),
    (staff_id, now): (Option<i64>, Moment),
) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(ADD, (public_id, file, source_url, staff_id, now)).await?.map(|(id,)| id))
}

pub async fn add_size(tx: &mut Tx, picture: i64, size: &Size) -> Result<()> {
    let bytes = size.bytes.as_slice();
    let long = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let row = (picture, i64::from(size.width), i64::from(size.height), size.media_type, long, bytes);
    tx.exec(ADD_SIZE, row).await.map(drop)
}

pub async fn offer(tx: &mut Tx, public_id: &str) -> Result<u64> {
    tx.exec(OFFER, (public_id,)).await
}

pub async fn put_away(tx: &mut Tx, public_id: &str, now: Moment) -> Result<u64> {
    tx.exec(PUT_AWAY, (public_id, now)).await
}

pub async fn describe(
    tx: &mut Tx,
    public_id: &str,
    (alt, is_decorative, caption, credit): (&str, bool, &str, &str),
) -> Result<u64> {
    tx.exec(DESCRIBE, (public_id, alt, i64::from(is_decorative), caption, credit)).await
}

pub async fn named(db: &Db, public_id: &str) -> Result<Option<Row>> {
    db.opt(NAMED, (public_id,)).await
}

pub async fn copied(db: &Db, source_url: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(COPIED, (source_url,)).await?.map(|(name,)| name))
}

pub async fn latest(db: &Db, before: i64, limit: i64) -> Result<Vec<Row>> {
    db.all(LATEST, (before, limit)).await
}

pub async fn sizes_of(db: &Db, pictures: &[i64]) -> Result<Vec<SizeRow>> {
    db.all(SIZES_OF, (db::array(pictures)?,)).await
}

pub async fn served(db: &Db, public_id: &str, width: i64) -> Result<Option<(String, Vec<u8>)>> {
    db.opt(SERVED, (public_id, width)).await
}
