//! The SQL of authors, and of who wrote what.

use super::super::{
    byline,
    rows::{ArticleId, Author},
    slug,
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements, token,
};

statements! {
    /// The byline of an article, and the one that its authors were read from.
    BYLINE = sqlite "select byline, authors_of, updated_at from article where id = $1",
        postgres "select byline, authors_of, updated_at from article where id = $1 for update";
    /// Articles whose byline nobody read as it is now, by key.
    UNREAD_BYLINES = "select id from article where (authors_of is null or authors_of <> byline) and id > $1 order by id limit $2";
    /// Who is meant by the spellings of a JSON array; they are not merged before the commit.
    MEANT = sqlite "select spelling, coalesce(merged_into, id) from author where spelling in (select value from json_each($1)) order by id",
        postgres "select spelling, coalesce(merged_into, id) from author where spelling in (select json_array_elements_text(cast($1 as json))) order by id for share";
    ADD_AUTHOR = "insert into author (slug, spelling, name, changed_at) values ($1, $2, $3, $4) on conflict do nothing returning id";
    CLEAR_AUTHORS = "delete from article_author where article_id = $1";
    ADD_AUTHORS = rows(2) "insert into article_author (article_id, author_id) values {rows}";
    /// Unless it has another byline by now.
    BYLINE_READ = "update article set authors_of = $2 where id = $1 and byline = $2";

    /// The slugs of those whom the spellings of a JSON array mean.
    PAGES_OF = sqlite "select a.spelling, t.slug from author a join author t on t.id = coalesce(a.merged_into, a.id)
            where a.spelling in (select value from json_each($1))",
        postgres "select a.spelling, t.slug from author a join author t on t.id = coalesce(a.merged_into, a.id)
            where a.spelling in (select json_array_elements_text(cast($1 as json)))";
    AUTHOR = "select a.id, a.slug, a.name, a.bio, a.picture_url, a.links, a.changed_at, t.slug as merged_into
        from author a left join author t on t.id = a.merged_into where a.slug = $1";
    AUTHOR_BY_SPELLING = "select a.id, a.slug, a.name, a.bio, a.picture_url, a.links, a.changed_at, t.slug as merged_into
        from author a left join author t on t.id = a.merged_into where a.spelling = $1";
    AUTHOR_BY_ID = "select a.id, a.slug, a.name, a.bio, a.picture_url, a.links, a.changed_at, t.slug as merged_into
        from author a left join author t on t.id = a.merged_into where a.id = $1";
    /// In the order in which they came, the newest first; with a word in their name, or all.
    AUTHORS = sqlite "select a.id, a.slug, a.name, a.bio, a.picture_url, a.links, a.changed_at, t.slug as merged_into
            from author a left join author t on t.id = a.merged_into
            where a.id < $1 and ($2 = '' or instr(a.spelling, $2) > 0) order by a.id desc limit $3",
        postgres "select a.id, a.slug, a.name, a.bio, a.picture_url, a.links, a.changed_at, t.slug as merged_into
            from author a left join author t on t.id = a.merged_into
            where a.id < $1 and ($2 = '' or strpos(a.spelling, $2) > 0) order by a.id desc limit $3";
    /// How many articles those of a JSON array wrote.
    WROTE = sqlite "select author_id, count(*) from article_author where author_id in (select value from json_each($1)) group by author_id",
        postgres "select author_id, count(*) from article_author where author_id in (select value::bigint from json_array_elements_text(cast($1 as json))) group by author_id";
    /// Other spellings of somebody.
    SPELLINGS = "select name from author where merged_into = $1 order by id limit 100";
    DESCRIBE = "update author set name = $2, bio = $3, picture_url = $4, links = $5, changed_at = $6 where id = $1 and changed_at = $7";
    /// Two of them, held until the commit, if both stand for themselves.
    TAKE_BOTH = "update author set changed_at = $3 where id in ($1, $2) and merged_into is null";
    MERGE = "update author set merged_into = $2 where id = $1 or merged_into = $1";
    GIVE_ARTICLES = "insert into article_author (article_id, author_id)
        select article_id, cast($2 as bigint) from article_author where author_id = $1
            and article_id not in (select article_id from article_author where author_id = $2)";
    TAKE_ARTICLES = "delete from article_author where author_id = $1";
    /// All that were merged into somebody stand for themselves again, and the bylines are read anew.
    PART = "update author set merged_into = null, changed_at = $2 where merged_into = $1";
    READ_ANEW = "update article set authors_of = null where id in (select article_id from article_author where author_id = $1)";
}

#[derive(sqlx_macros::FromRow)]
struct Read {
    byline: String,
    authors_of: Option<String>,
    updated_at: Moment,
}

/// Reads who wrote an article from its byline, if that is another than the last time.
pub(in crate::articles) async fn read_byline(tx: &mut Tx, id: ArticleId) -> Result<()> {
    let Some(Read { byline, authors_of, updated_at }) = tx.opt(BYLINE, (id,)).await? else { return Ok(()) };
    if authors_of.as_deref() == Some(byline.as_str()) {
        return Ok(());
    }
    let mut names = byline::names(&byline);
    // Two articles with the same authors meet at them in the same order.
    names.sort();
    let mut found = meant(tx, &names).await?;
    let missing: Vec<_> =
        names.iter().filter(|(spelling, _)| !found.iter().any(|(known, _)| known == spelling)).collect();
    for (spelling, name) in &missing {
        add(tx, spelling, name, updated_at).await?;
    }
    if !missing.is_empty() {
        found = meant(tx, &names).await?;
    }
    let mut rows: Vec<(ArticleId, i64)> = found.into_iter().map(|(_, author)| (id, author)).collect();
    rows.sort_unstable();
    rows.dedup();
    tx.exec(CLEAR_AUTHORS, (id,)).await?;
    tx.many(ADD_AUTHORS, rows).await?;
    tx.exec(BYLINE_READ, (id, byline.as_str())).await?;
    Ok(())
}

async fn meant(tx: &mut Tx, names: &[(String, &str)]) -> Result<Vec<(String, i64)>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let spellings: Vec<&str> = names.iter().map(|(spelling, _)| spelling.as_str()).collect();
    tx.all(MEANT, (db::array(&spellings)?,)).await
}

async fn add(tx: &mut Tx, spelling: &str, name: &str, now: Moment) -> Result<()> {
    let base = match slug::slug(name) {
        base if base.is_empty() => format!("author-{}", &token::hash(spelling)[..8]),
        base => base,
    };
    for slug in slug::candidates(&base) {
        let added: Option<(i64,)> = tx.opt(ADD_AUTHOR, (slug.as_str(), spelling, name, now)).await?;
        let there = match added {
            Some(_) => true,
            None => !meant(tx, &[(spelling.to_owned(), name)]).await?.is_empty(),
        };
        if there {
            return Ok(());
        }
    }
    Ok(())
}

pub(in crate::articles) async fn unread_bylines(db: &Db, after: i64, limit: i64) -> Result<Vec<ArticleId>> {
    let ids: Vec<(ArticleId,)> = db.all(UNREAD_BYLINES, (after, limit)).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Spelling and slug.
pub(in crate::articles) async fn pages_of(db: &Db, spellings: &[String]) -> Result<Vec<(String, String)>> {
    db.all(PAGES_OF, (db::array(spellings)?,)).await
}

pub(in crate::articles) async fn by_slug(db: &Db, slug: &str) -> Result<Option<Author>> {
    db.opt(AUTHOR, (slug,)).await
}

pub(in crate::articles) async fn by_spelling(db: &Db, spelling: &str) -> Result<Option<Author>> {
    db.opt(AUTHOR_BY_SPELLING, (spelling,)).await
}

pub(in crate::articles) async fn by_id(db: &Db, id: i64) -> Result<Option<Author>> {
    db.opt(AUTHOR_BY_ID, (id,)).await
}

pub(in crate::articles) async fn is_there(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.opt::<Author>(AUTHOR_BY_ID, (id,)).await?.is_some())
}

pub(in crate::articles) async fn page(
    db: &Db,
    before: i64,
    spelling: &str,
    limit: i64,
) -> Result<Vec<Author>> {
    db.all(AUTHORS, (before, spelling, limit)).await
}

/// Author and number.
pub(in crate::articles) async fn wrote(db: &Db, ids: &[i64]) -> Result<Vec<(i64, i64)>> {
    db.all(WROTE, (db::array(ids)?,)).await
}

pub(in crate::articles) async fn spellings(db: &Db, id: i64) -> Result<Vec<String>> {
    let names: Vec<(String,)> = db.all(SPELLINGS, (id,)).await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// `false` if somebody else described them since `seen`.
pub(in crate::articles) async fn describe(
    tx: &mut Tx,
    id: i64,
    (name, bio, picture_url, links): (&str, &str, &str, &str),
    (now, seen): (Moment, Moment),
) -> Result<bool> {
    Ok(tx.exec(DESCRIBE, (id, name, bio, picture_url, links, now, seen)).await? > 0)
}

/// `false` if either is not there, or stands for somebody else.
pub(in crate::articles) async fn merge(tx: &mut Tx, (from, into): (i64, i64), now: Moment) -> Result<bool> {
    if tx.exec(TAKE_BOTH, (from, into, now)).await? != 2 {
        return Ok(false);
    }
    tx.exec(MERGE, (from, into)).await?;
    tx.exec(GIVE_ARTICLES, (from, into)).await?;
    tx.exec(TAKE_ARTICLES, (from,)).await?;
    Ok(true)
}

/// `false` if nobody is merged into them.
pub(in crate::articles) async fn part(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    let parted = tx.exec(PART, (id, now)).await? > 0;
    tx.exec(READ_ANEW, (id,)).await?;
    Ok(parted)
}
