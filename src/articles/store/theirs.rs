//! The SQL of what a source says of an article that was written otherwise here.

use super::{
    super::{rows::ArticleId, text::ArticleText},
    text_of,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// What its source says by now, or else what that had brought when somebody first wrote here.
    THEIRS = "select theirs, theirs_at from article where id = $1 and theirs is not null and edited_at is not null";
    /// What its source says; whichever it is, a feed or an archive, has said this from now on.
    KEEP = "update article set theirs = $2, theirs_hash = $3, content_hash = coalesce($4, content_hash), archive_hash = coalesce($5, archive_hash), theirs_at = $6, dated_there = $7
        where id = $1 and edited_at is not null and deleted_at is null";
    /// It follows its source again, as long as both are as they were seen. What it says now is what it said; of an archive nobody knows whether
    /// it was that or a feed, so it is read anew.
    TAKE = "update article set title = $3, standfirst = $4, byline = $5, body_html = $6, body_markdown = $7, word_count = $8, canonical_url = $9, image_url = $10, image_alt = $11,
        origin_note = $12, correction = coalesce($16, correction), corrected_at = case when cast($16 as text) is null then corrected_at else $14 end, search = $13, updated_at = $14, edited_at = null,
        content_hash = case when archive_hash is null then coalesce(theirs_hash, content_hash) else content_hash end,
        archive_hash = case when archive_hash is null then null else '' end, theirs = null, theirs_hash = null, theirs_at = null,
        pictures_at = (select case when feed.keeps_pictures then cast($14 as bigint) end from feed where feed.id = article.feed_id), version = version + 1
        where id = $1 and version = $2 and edited_at is not null and deleted_at is null and theirs_at is not distinct from $15";
}

pub(in super::super) async fn theirs(db: &Db, id: ArticleId) -> Result<Option<(String, Option<Moment>)>> {
    db.opt(THEIRS, (id,)).await
}

pub(in super::super) async fn keep(
    tx: &mut Tx,
    id: ArticleId,
    text: &str,
    (hash, fed, archived): (&str, Option<&str>, Option<&str>),
    (at, dated_there): (Option<Moment>, Option<Moment>),
) -> Result<()> {
    tx.exec(KEEP, (id, text, hash, fed, archived, at, dated_there)).await?;
    Ok(())
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// `false` if either is another by now.
pub(in super::super) async fn take(
    tx: &mut Tx,
    (id, version): (ArticleId, i64),
    (text, (html, words), at): (&ArticleText, (&str, i64), Option<Moment>),
    correction: Option<&str>,
    now: Moment,
) -> Result<bool> {
    let taken = tx
        .exec(
            TAKE,
            (
                id,
                version,
                text.title.as_str(),
                text.standfirst.as_str(),
                text.byline.as_str(),
                html,
                text.body_markdown.as_deref(),
                words,
                given(&text.canonical_url),
                given(&text.image_url),
                text.image_alt.as_str(),
                given(&text.origin_note),
                text_of(&text.title, &text.byline),
                now,
                at,
                correction,
            ),
        )
        .await?;
    Ok(taken > 0)
}
