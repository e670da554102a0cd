//! The statements of digests and editions.

use sqlx::FromRow;

use super::{Content, Digest, Edition, EditionArticle, EditionSummary, Error, Result};
use crate::{
    clock::Moment,
    db::{self, Db, Tx},
    delivery::EditionState,
};

crate::statements! {
    /// Every digest, the oldest first.
    DIGESTS = "select d.id, d.slug, d.name, d.list_id, l.name as list_name
        from digest d join list l on l.id = d.list_id order by d.id";
    ADD_DIGEST = "insert into digest (slug, name, list_id, created_at) values ($1, $2, $3, $4)
        on conflict (slug) do nothing";
    INSERT_EDITION = "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_by, created_at, updated_at)
        select $1, d.id, d.list_id, 'draft', 1, 'resend', $2, $3, $3 from digest d where d.id = $4
        returning id, public_id";
    /// The number of the next revision, taken only while the edition is a draft and nobody saved since.
    NEXT_REVISION = "update edition set revision = revision + 1, updated_at = $1
        where id = $2 and revision = $3 and state = 'draft' returning revision";
    INSERT_REVISION = "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, staff_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_ARTICLES = rows(4) "insert into edition_article (edition_id, revision, position, article_id) values {rows}";
    STAND = "select state, revision from edition where id = $1";
    EDITION = "select e.id, e.public_id, e.digest_id, d.name as digest_name, e.list_id, l.name as list_name, e.state,
            e.revision, e.send_at, e.seal_cursor, e.sealed_count, e.sealed_at, e.finished_at, e.created_at, e.updated_at,
            sent.name as sent_by_name, r.subject, r.preview_text, r.intro_markdown, coalesce(saver.name, '') as saved_by_name
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        left join staff sent on sent.id = e.sent_by
        left join staff saver on saver.id = r.staff_id
        where e.id = $1";
    EDITION_ID = "select id from edition where public_id = $1";
    ARTICLE_IDS = "select article_id from edition_article where edition_id = $1 and revision = $2 order by position";
    SUMMARIES = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.finished_at, e.updated_at,
            r.subject, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        order by e.id desc limit $1";
    /// What readers may find in the archive: sent on a public list, and not stopped on its way.
    ARCHIVE = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.finished_at, e.updated_at,
            r.subject, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state in ('sending', 'paused', 'finished') and l.visibility = 'public'
        order by e.sealed_at desc, e.id desc limit $1";
    /// Due to be sealed, or left half sealed by a process that ended.
    DUE = "select id from edition where (state = 'scheduled' and send_at <= $1) or state = 'sealed' order by send_at, id";
    KEEP_VARIANT = "insert into variant (edition_id, revision, key, headers, body, created_at)
        values ($1, $2, $3, $4, $5, $6) on conflict (edition_id, revision, key) do nothing";
    VARIANT_ID = "select id from variant where edition_id = $1 and revision = $2 and key = $3";
    /// From here on the content is locked: undoing finds the edition no longer scheduled.
    BEGIN_SEAL = "update edition set state = 'sealed', seal_cursor = 0, sealed_at = $1, updated_at = $1
        where id = $2 and revision = $3 and state = 'scheduled' and send_at <= $1 returning id";
    /// The fence: of two workers that hold the same chunk, one moves the cursor.
    MOVE_CURSOR = "update edition set seal_cursor = $1 where id = $2 and seal_cursor = $3 and state = 'sealed' returning id";
    FINISH_SEAL = "update edition set state = 'sending', updated_at = $1,
            sealed_count = (select count(*) from delivery v where v.edition_id = edition.id)
        where id = $2 and seal_cursor = $3 and state = 'sealed' returning id";
    RESULTS = "select v.subscriber_id, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1), '') as reply
        from delivery v
        where v.edition_id = $1 and v.subscriber_id > $2 and lower(v.address) like $3 escape '\\'
            and ($4 = '' or v.state = $4 or ($4 = 'open' and v.state in ('queued', 'claimed')))
        order by v.subscriber_id limit $5";
    COPIES = "select e.public_id as edition_public_id, r.subject, v.subscriber_id, v.address, v.state, v.class, v.attempt,
            v.maybe_duplicate, v.updated_at,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1), '') as reply
        from delivery v
        join edition e on e.id = v.edition_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where v.subscriber_id = $1
        order by v.edition_id desc limit $2";
    /// How many readers would get a copy now; suppressed addresses among them are named in the ledger.
    AUDIENCE_SIZE = "select count(*) as count from subscription where list_id = $1 and state = 'confirmed'";
}

#[derive(FromRow)]
struct Id {
    id: i64,
}

#[derive(FromRow)]
struct Number {
    revision: i64,
}

#[derive(FromRow)]
struct Created {
    id: i64,
    public_id: String,
}

#[derive(FromRow)]
struct ArticleId {
    article_id: i64,
}

/// Where an edition stands: what a refused write is explained by.
#[derive(FromRow)]
pub(super) struct Stand {
    pub(super) state: EditionState,
    pub(super) revision: i64,
}

pub(super) async fn digests(db: &Db) -> db::Result<Vec<Digest>> {
    db.all(DIGESTS, ()).await
}

pub(super) async fn add_digest(tx: &mut Tx, slug: &str, name: &str, list_id: i64, now: Moment) -> db::Result<()> {
    tx.exec(ADD_DIGEST, (slug, name, list_id, now)).await?;
    Ok(())
}

pub(super) async fn insert_edition(
    tx: &mut Tx,
    public_id: &str,
    digest_id: i64,
    staff_id: Option<i64>,
    now: Moment,
) -> db::Result<Option<(i64, String)>> {
    let created: Option<Created> = tx.opt(INSERT_EDITION, (public_id, staff_id, now, digest_id)).await?;
    Ok(created.map(|edition| (edition.id, edition.public_id)))
}

pub(super) async fn next_revision(
    tx: &mut Tx,
    edition_id: i64,
    based_on: i64,
    now: Moment,
) -> db::Result<Option<i64>> {
    let next: Option<Number> = tx.opt(NEXT_REVISION, (now, edition_id, based_on)).await?;
    Ok(next.map(|number| number.revision))
}

pub(super) async fn insert_revision(
    tx: &mut Tx,
    edition_id: i64,
    revision: i64,
    content: &Content,
    staff_id: Option<i64>,
    now: Moment,
) -> db::Result<()> {
    let Content { subject, preview_text, intro_markdown, article_ids } = content;
    let row = (edition_id, revision, &**subject, &**preview_text, &**intro_markdown, staff_id, now);
    tx.exec(INSERT_REVISION, row).await?;
    let articles = (1_i64..).zip(article_ids).map(|(position, id)| (edition_id, revision, position, *id));
    tx.many(INSERT_ARTICLES, articles).await?;
    Ok(())
}

pub(super) async fn stand(tx: &mut Tx, edition_id: i64) -> db::Result<Option<Stand>> {
    tx.opt(STAND, (edition_id,)).await
}
