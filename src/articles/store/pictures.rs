//! The SQL of pictures of other sites that wait to be copied.

use super::super::rows::{ArticleId, FeedId};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// A feed whose articles are still to be told whether somebody wants its pictures, and behind which of them.
    NEXT_FEED = "select id, pictures_after from feed where pictures_after is not null order by id limit 1";
    /// The last of the next ones.
    LAST = "select max(id) from (select id from article where feed_id = $1 and id > $2 order by id limit $3) as those";
    /// Those up to there are told; none is left where there is no last.
    TOLD = "update feed set pictures_after = $3 where id = $1 and pictures_after = $2";
    /// Those of its articles that follow it wait, if somebody wants the pictures of this feed; else none does.
    WAIT = "update article set pictures_at = (select case when keeps_pictures then cast($4 as bigint) end from feed where id = $1)
        where feed_id = $1 and id > $2 and id <= $3 and edited_at is null and deleted_at is null
            and (pictures_at is not null or exists (select 1 from feed where id = $1 and keeps_pictures))";
    /// The next article whose pictures are looked at.
    NEXT = "select id, body_html, image_url, image_alt, updated_at, pictures_at from article where pictures_at <= $1 order by pictures_at, id limit 1";
    /// Whoever has it, has it for a while.
    CLAIM = "update article set pictures_at = $3 where id = $1 and pictures_at = $2";
    /// Its pictures are elsewhere, unless it changed since it was looked at.
    READDRESS = "update article set body_html = $2, image_url = $3, updated_at = $6
        where id = $1 and body_html = $4 and image_url is not distinct from $5 and edited_at is null and deleted_at is null";
    /// When they are looked at again.
    AGAIN = "update article set pictures_at = $3 where id = $1 and pictures_at = $2";
}

/// An article whose pictures wait.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::articles) struct Waiting {
    pub id: ArticleId,
    pub body_html: String,
    pub image_url: Option<String>,
    pub image_alt: String,
    pub updated_at: Moment,
    pub pictures_at: Moment,
}

pub(in crate::articles) async fn next_feed(db: &Db) -> Result<Option<(FeedId, i64)>> {
    db.opt(NEXT_FEED, ()).await
}

/// The next articles of a feed behind one of them wait from now on, or do not any more, unless somebody decided otherwise meanwhile.
pub(in crate::articles) async fn wait(
    tx: &mut Tx,
    (feed, after): (FeedId, i64),
    most: i64,
    now: Moment,
) -> Result<()> {
    let (last,): (Option<i64>,) = tx.one(LAST, (feed, after, most)).await?;
    let is_as_it_was = tx.exec(TOLD, (feed, after, last)).await? > 0;
    if let Some(last) = last.filter(|_| is_as_it_was) {
        tx.exec(WAIT, (feed, after, last, now)).await?;
    }
    Ok(())
}

pub(in crate::articles) async fn next(db: &Db, now: Moment) -> Result<Option<Waiting>> {
    db.opt(NEXT, (now,)).await
}

/// Whether it is ours until then.
pub(in crate::articles) async fn claim(tx: &mut Tx, one: &Waiting, until: Moment) -> Result<bool> {
    Ok(tx.exec(CLAIM, (one.id, one.pictures_at, until)).await? > 0)
}

pub(in crate::articles) async fn readdress(
    tx: &mut Tx,
    one: &Waiting,
    (html, image): (&str, Option<&str>),
    now: Moment,
) -> Result<bool> {
    let row = (one.id, html, image, one.body_html.as_str(), one.image_url.as_deref(), now);
    Ok(tx.exec(READDRESS, row).await? > 0)
}

pub(in crate::articles) async fn again(
    tx: &mut Tx,
    id: ArticleId,
    claimed: Moment,
    next: Option<Moment>,
) -> Result<()> {
    tx.exec(AGAIN, (id, claimed, next)).await.map(drop)
}
