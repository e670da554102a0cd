//! The statements of digests and editions as content. The moves of an edition's state are the delivery room's.

use sqlx::FromRow;

use super::{
    Content, Copy, Corrects, Digest, Edition, EditionSummary, FailedClass, Outcome, Subject, Version, Wanted,
};
use crate::{
    articles::ArticleId,
    clock::Moment,
    db::{self, Db, Result, Tx},
    delivery::editions::{EditionState, UnknownPolicy},
    email_address::EmailAddress,
    statements,
    subscribers::Recipient,
};

statements! {
    /// Every digest, the oldest first.
    DIGESTS = "select d.id, d.slug, d.name, d.list_id, l.name as list_name
        from digest d join list l on l.id = d.list_id order by d.id";
    /// A draft, as somebody saw it. Its revisions and whatever was frozen of it go with it.
    DELETE_DRAFT = "delete from edition where id = $1 and state = 'draft' and revision = $2 and updated_at = $3";
    ADD_DIGEST = "insert into digest (slug, name, list_id, created_at) values ($1, $2, $3, $4)
        on conflict (slug) do nothing";
    INSERT_EDITION = "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_by, created_at, updated_at)
        select $1, d.id, d.list_id, 'draft', 1, 'resend', $2, $3, $3 from digest d where d.id = $4
        returning id";
    /// The number of the next revision, taken only while the edition stands in the right state and nobody saved since.
    NEXT_REVISION = "update edition set revision = revision + 1, updated_at = $1
        where id = $2 and revision = $3 and state = $4 returning revision";
    INSERT_CORRECTION = "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_by, created_at, updated_at,
            corrects_edition_id, corrects_revision)
        select $1, digest_id, list_id, 'draft', 1, unknown_policy, $2, $3, $3, id, $5 from edition where id = $4
        returning id";
    INSERT_REVISION = "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, staff_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_ARTICLES = rows(4) "insert into edition_article (edition_id, revision, position, article_id) values {rows}";
    /// Where it stands, held until the commit: what is read of it stays true while it is acted on.
    STAND = sqlite "select state, revision, send_at, updated_at from edition where id = $1",
        postgres "select state, revision, send_at, updated_at from edition where id = $1 for update";
    /// The versions of a revision's articles, held until the commit. One that somebody is changing at this moment is not
    /// waited for, and not among them.
    HOLD_ARTICLES = sqlite "select a.id, a.version from edition_article e join article a on a.id = e.article_id
            where e.edition_id = $1 and e.revision = $2",
        postgres "select a.id, a.version from edition_article e join article a on a.id = e.article_id
            where e.edition_id = $1 and e.revision = $2 for share of a skip locked";
    APPROVE_ARTICLES = "update edition_article
        set approved_version = (select version from article where article.id = edition_article.article_id)
        where edition_id = $1 and revision = $2";
    /// Articles of a revision that changed since it was approved.
    CHANGED_ARTICLES = "select a.id, a.title from edition_article e join article a on a.id = e.article_id
        where e.edition_id = $1 and e.revision = $2 and e.approved_version <> a.version order by e.position";
    /// Approved editions that wait for their moment with an article in them.
    WAITING_WITH = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition_article a
        join edition e on e.id = a.edition_id and e.revision = a.revision
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where a.article_id = $1 and e.state in ('scheduled', 'held') and e.sealed_at is null order by e.send_at, e.id";
    EDITION = "select e.id, e.public_id, e.digest_id, d.name as digest_name, e.list_id, l.public_id as list_public_id, l.slug as list_slug, l.name as list_name,
            e.state, r.revision, e.send_at, e.unknown_policy,
            case when e.paused_because <> '' then e.paused_because else e.held_because end as held_because,
            e.corrects_revision, e.corrects_edition_id, wrong.public_id as corrects_public_id, e.sealed_count, e.sealed_at, e.finished_at, e.updated_at,
            sent.name as sent_by, saver.name as saved_by, r.subject, r.preview_text, r.intro_markdown
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = coalesce(cast($2 as bigint), e.revision)
        left join edition wrong on wrong.id = e.corrects_edition_id
        left join staff sent on sent.id = e.sent_by
        left join staff saver on saver.id = r.staff_id
        where e.id = $1";
    EDITION_ID = "select id from edition where public_id = $1";
    ARTICLE_IDS = "select article_id from edition_article where edition_id = $1 and revision = $2 order by position";
    SUMMARIES = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.id < $1 order by e.id desc limit $2";
    /// The one that was sealed last, whatever was begun since.
    LAST_SEALED = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.sealed_at is not null order by e.sealed_at desc, e.id desc limit 1";
    /// The drafts that were touched last.
    LATEST_DRAFTS = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state = 'draft' order by e.updated_at desc, e.id desc limit $1";
    /// The names and subjects of a JSON array of ids, in no order.
    SUBJECTS = sqlite "select e.id, e.public_id, r.subject from edition e
            join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.id in (select value from json_each($1))",
        postgres "select e.id, e.public_id, r.subject from edition e
            join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.id in (select value::bigint from json_array_elements_text(cast($1 as json)))";
    HELD = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state = 'held' or (e.state = 'paused' and e.paused_because <> '') order by e.id";
    DRAFTS = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state = 'draft' order by e.id desc limit 50";
    /// What readers may find in the archive: sent on a public list, and not cancelled on its way.
    ARCHIVE = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state in ('sending', 'paused', 'finished') and l.visibility = 'public' and (e.sealed_at, e.id) < ($1, $2)
        order by e.sealed_at desc, e.id desc limit $3";
    IN_ARCHIVE = "select e.id from edition e join list l on l.id = e.list_id
        where e.public_id = $1 and e.state in ('sending', 'paused', 'finished') and l.visibility = 'public'";
    /// The newest revision that was sealed, and how many were.
    FROZEN = "select coalesce(max(revision), 0) as newest, count(distinct revision) as number from variant where edition_id = $1";
    /// The body that is sent now, and its revision.
    NEWEST = "select id, revision from variant where edition_id = $1 order by revision desc, id desc limit 1";
    /// Whether a revision reached anybody: a copy that waits was given it, whatever came before.
    REACHED = "select v.subscriber_id from delivery v join variant b on b.id = v.variant_id
        where v.edition_id = $1 and b.revision = $2 and v.state in ('accepted', 'unknown') limit 1";
    /// Who got, or may have got, each revision: also a copy that is tried again, or failed then, may have arrived before.
    BY_REVISION = "select b.revision, count(*) as readers from delivery v join variant b on b.id = v.variant_id
        where v.edition_id = $1 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate) group by b.revision order by b.revision";
    /// Those of them who are still on the list: a correction goes to nobody who left.
    CORRECTED = sqlite "select r.id as subscriber_id, r.email, r.name from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $5 and s.state = 'confirmed'
            join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate) and v.subscriber_id > $3
        order by v.subscriber_id limit $4",
        postgres "select r.id as subscriber_id, r.email, r.name from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $5 and s.state = 'confirmed'
            join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate) and v.subscriber_id > $3
        order by v.subscriber_id limit $4 for share of s";
    CORRECTED_SIZE = "select count(*) from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $3 and s.state = 'confirmed'
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate)
            and not exists (select 1 from suppression p where p.subscriber_id = v.subscriber_id and p.lifted_at is null)";
    /// Who pressed Send.
    PRESSED_BY = "select sent_by from edition where id = $1";
    /// Why copies failed, the most frequent first. (The bound on the class keeps SQLite on the index of failed copies.)
    FAILED_CLASSES = "select f.class, f.copies,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = $1 and t.subscriber_id = f.example order by t.id desc limit 1), '') as example
        from (select class, count(*) as copies, min(subscriber_id) as example from delivery
            where edition_id = $1 and state = 'failed' and class >= '' group by class) f
        order by f.copies desc, f.class";
    /// Failed copies of a class whose readers are still on the list.
    RETRYABLE = sqlite "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
        where v.edition_id = $1 and v.state = 'failed' and v.class = $3 and v.subscriber_id > $4
        order by v.subscriber_id limit $5",
        postgres "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
        where v.edition_id = $1 and v.state = 'failed' and v.class = $3 and v.subscriber_id > $4
        order by v.subscriber_id limit $5 for share of s";
    /// Copies in doubt since a moment at the latest, but those of which staff said that they arrived, whose readers are still on
    /// the list. They carry what is sent now, and nobody got a correction of it: who may have an older version, or has one put
    /// right, is written to and not sent it again.
    DOUBTED = sqlite "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3 and v.updated_at <= $5
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
        order by v.subscriber_id limit $4",
        postgres "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3 and v.updated_at <= $5
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
        order by v.subscriber_id limit $4 for share of s";
    /// The same, and since when each is, to be looked at.
    STILL_DOUBTED = "select v.subscriber_id, v.address, v.updated_at from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
        order by v.subscriber_id limit $4";
    /// Refusals stopped it, and nobody has let it go on yet.
    PAUSED_BY_REFUSALS = "select count(*) from edition where id = $1 and state = 'paused' and paused_for = 'refusals'";
    /// Failed copies for which the edition paused by itself, since it was last let go on, of readers who are still on the list.
    FAILED_FOR_PAUSE = sqlite "select v.subscriber_id, v.address from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed'
        where e.id = $1 and e.paused_for <> '' and exists (select 1 from delivery_attempt t
            where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
            and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big')))
        order by v.subscriber_id limit $3",
        postgres "select v.subscriber_id, v.address from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed'
        where e.id = $1 and e.paused_for <> '' and exists (select 1 from delivery_attempt t
            where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
            and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big')))
        order by v.subscriber_id limit $3 for share of s";
    /// Failed copies of readers who are still on the list, and whether the edition paused for them: to be looked at.
    STILL_FAILED = "select v.subscriber_id, v.address, v.class,
            cast(case when e.paused_for <> '' and exists (select 1 from delivery_attempt t
                where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
                and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big'))) then 1 else 0 end as bigint) as for_pause
        from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed'
        where e.id = $1 order by v.subscriber_id limit $3";
    RESULTS = "select v.subscriber_id, r.public_id as reader, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            (select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1) as reply
        from delivery v left join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and v.subscriber_id > $2 and lower(v.address) like $3 escape '!'
            and ($4 = '' or ($4 = 'open' and v.state in ('queued', 'claimed'))
                or case when v.state = 'suppressed' and v.class = 'cancelled' then 'cancelled' else v.state end = $4)
            and ($5 = '' or v.class = $5)
        order by v.subscriber_id limit $6";
    COPIES = "select v.edition_id, e.public_id, r.subject, v.subscriber_id, cast(null as text) as reader, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            (select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1) as reply
        from delivery v
        join edition e on e.id = v.edition_id
        join variant b on b.id = v.variant_id
        join edition_revision r on r.edition_id = e.id and r.revision = b.revision
        where v.subscriber_id = $1 and v.edition_id < $2
        order by v.edition_id desc limit $3";
}

#[derive(FromRow)]
struct EditionRow {
    id: i64,
    public_id: String,
    digest_id: i64,
    digest_name: String,
    list_id: i64,
    list_public_id: String,
    list_slug: String,
    list_name: String,
    state: String,
    revision: i64,
    send_at: Option<Moment>,
    unknown_policy: String,
    held_because: String,
    corrects_edition_id: Option<i64>,
    corrects_revision: Option<i64>,
    corrects_public_id: Option<String>,
    sealed_count: Option<i64>,
    sealed_at: Option<Moment>,
    finished_at: Option<Moment>,
    updated_at: Moment,
    sent_by: Option<String>,
    saved_by: Option<String>,
    subject: String,
    preview_text: String,
    intro_markdown: String,
}

impl EditionRow {
    fn with_articles(self, article_ids: Vec<ArticleId>) -> Result<Edition> {
        Ok(Edition {
            id: self.id,
            public_id: self.public_id,
            digest_id: self.digest_id,
            digest_name: self.digest_name,
            list_id: self.list_id,
            list_public_id: self.list_public_id,
            list_slug: self.list_slug,
            list_name: self.list_name,
            state: self.state.parse()?,
            revision: self.revision,
            send_at: self.send_at,
            unknown_policy: UnknownPolicy::stored(&self.unknown_policy),
            held_because: self.held_because,
            corrects: self.corrects_edition_id.zip(self.corrects_revision).map(|(edition_id, revision)| {
                Corrects { edition_id, revision, public_id: self.corrects_public_id.unwrap_or_default() }
            }),
            sealed_count: self.sealed_count,
            sealed_at: self.sealed_at,
            finished_at: self.finished_at,
            updated_at: self.updated_at,
            sent_by: self.sent_by,
            saved_by: self.saved_by,
            content: Content {
                subject: self.subject,
                preview_text: self.preview_text,
                intro_markdown: self.intro_markdown,
                article_ids,
            },
        })
    }
}

#[derive(FromRow)]
struct SummaryRow {
    id: i64,
    public_id: String,
    state: String,
    subject: String,
    preview_text: String,
    digest_name: String,
    article_count: i64,
    send_at: Option<Moment>,
    sealed_count: Option<i64>,
    sealed_at: Option<Moment>,
    updated_at: Moment,
}

impl SummaryRow {
    fn parse(self) -> Result<EditionSummary> {
        Ok(EditionSummary {
            id: self.id,
            public_id: self.public_id,
            state: self.state.parse()?,
            subject: self.subject,
            preview_text: self.preview_text,
            digest_name: self.digest_name,
            article_count: self.article_count,
            send_at: self.send_at,
            sealed_count: self.sealed_count,
            sealed_at: self.sealed_at,
            updated_at: self.updated_at,
        })
    }
}

#[derive(FromRow)]
struct OutcomeRow {
    subscriber_id: i64,
    reader: Option<String>,
    address: String,
    state: String,
    class: Option<String>,
    attempt: i64,
    maybe_duplicate: bool,
    reply: Option<String>,
    updated_at: Moment,
}

impl From<OutcomeRow> for Outcome {
    fn from(row: OutcomeRow) -> Self {
        Self {
            subscriber_id: row.subscriber_id,
            reader: row.reader,
            address: row.address,
            state: row.state,
            class: row.class,
            attempt: row.attempt,
            maybe_duplicate: row.maybe_duplicate,
            reply: row.reply.unwrap_or_default(),
            updated_at: row.updated_at,
        }
    }
}

#[derive(FromRow)]
struct CopyRow {
    edition_id: i64,
    public_id: String,
    subject: String,
    #[sqlx(flatten)]
    outcome: OutcomeRow,
}

/// Where an edition stands: what a refused write is explained by.
pub(super) struct Stand {
    pub(super) state: EditionState,
    pub(super) revision: i64,
    pub(super) send_at: Option<Moment>,
    pub(super) updated_at: Moment,
}

pub(super) async fn digests(db: &Db) -> Result<Vec<Digest>> {
    db.all(DIGESTS, ()).await
}

pub(super) async fn add_digest(tx: &mut Tx, slug: &str, name: &str, list_id: i64, now: Moment) -> Result<()> {
    tx.exec(ADD_DIGEST, (slug, name, list_id, now)).await?;
    Ok(())
}

pub(super) async fn insert_edition(
    tx: &mut Tx,
    public_id: &str,
    digest_id: i64,
    staff_id: Option<i64>,
    now: Moment,
) -> Result<Option<i64>> {
    let created: Option<(i64,)> = tx.opt(INSERT_EDITION, (public_id, staff_id, now, digest_id)).await?;
    Ok(created.map(|(id,)| id))
}

pub(super) async fn next_revision(
    tx: &mut Tx,
    edition_id: i64,
    (based_on, state): (i64, EditionState),
    now: Moment,
) -> Result<Option<i64>> {
    let next: Option<(i64,)> = tx.opt(NEXT_REVISION, (now, edition_id, based_on, state.as_str())).await?;
    Ok(next.map(|(revision,)| revision))
}

pub(super) async fn insert_correction(
    tx: &mut Tx,
    public_id: &str,
    (wrong, revision): (i64, i64),
    staff_id: Option<i64>,
    now: Moment,
) -> Result<Option<i64>> {
    let created: Option<(i64,)> =
        tx.opt(INSERT_CORRECTION, (public_id, staff_id, now, wrong, revision)).await?;
    Ok(created.map(|(id,)| id))
}

/// The newest revision that was sealed, 0 for none, and how many were.
pub(super) async fn frozen(db: &Db, edition_id: i64) -> Result<(i64, i64)> {
    db.one(FROZEN, (edition_id,)).await
}

/// The body that is sent now, and its revision.
pub(super) async fn newest_body(tx: &mut Tx, edition_id: i64) -> Result<Option<(i64, i64)>> {
    tx.opt(NEWEST, (edition_id,)).await
}

pub(super) async fn by_revision(db: &Db, edition_id: i64) -> Result<Vec<Version>> {
    db.all(BY_REVISION, (edition_id,)).await
}

pub(super) async fn has_reached(db: &Db, edition_id: i64, revision: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(REACHED, (edition_id, revision)).await?.is_some())
}

pub(super) async fn corrected(
    tx: &mut Tx,
    (wrong, revision): (i64, i64),
    list_id: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Recipient>> {
    tx.all(CORRECTED, (wrong, revision, after, limit, list_id)).await
}

pub(super) async fn corrected_size(db: &Db, corrects: &Corrects, list_id: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(CORRECTED_SIZE, (corrects.edition_id, corrects.revision, list_id)).await?.0)
}

pub(super) async fn failed_classes(db: &Db, edition_id: i64) -> Result<Vec<FailedClass>> {
    db.all(FAILED_CLASSES, (edition_id,)).await
}

pub(super) async fn pressed_by(db: &Db, edition_id: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(Option<i64>,)>(PRESSED_BY, (edition_id,)).await?.and_then(|(staff,)| staff))
}

pub(super) async fn failed_for_pause(
    tx: &mut Tx,
    edition: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(FAILED_FOR_PAUSE, (edition, after, limit)).await
}

/// A failed copy of a reader who is still on the list.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct StillFailed {
    pub subscriber_id: i64,
    pub address: EmailAddress,
    pub class: String,
    /// Not 0 where the edition paused for it.
    pub for_pause: i64,
}

pub(super) async fn still_failed(db: &Db, edition: i64, after: i64, limit: i64) -> Result<Vec<StillFailed>> {
    db.all(STILL_FAILED, (edition, after, limit)).await
}

pub(super) async fn retryable(
    tx: &mut Tx,
    (edition_id, list_id): (i64, i64),
    class: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(RETRYABLE, (edition_id, list_id, class, after, limit)).await
}

pub(super) async fn insert_revision(
    tx: &mut Tx,
    edition_id: i64,
    revision: i64,
    content: &Content,
    staff_id: Option<i64>,
    now: Moment,
) -> Result<()> {
    let Content { subject, preview_text, intro_markdown, article_ids } = content;
    let row = (edition_id, revision, &**subject, &**preview_text, &**intro_markdown, staff_id, now);
    tx.exec(INSERT_REVISION, row).await?;
    let rows = (1_i64..).zip(article_ids).map(|(position, id)| (edition_id, revision, position, *id));
    tx.many(INSERT_ARTICLES, rows).await?;
    Ok(())
}

pub(super) async fn stand(tx: &mut Tx, edition_id: i64) -> Result<Option<Stand>> {
    let row: Option<(String, i64, Option<Moment>, Moment)> = tx.opt(STAND, (edition_id,)).await?;
    let stand = |(state, revision, send_at, updated_at): (String, i64, Option<Moment>, Moment)| {
        Ok(Stand { state: state.parse()?, revision, send_at, updated_at })
    };
    row.map(stand).transpose()
}

pub(super) async fn doubted(
    tx: &mut Tx,
    (edition_id, list_id): (i64, i64),
    since: Moment,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(DOUBTED, (edition_id, list_id, after, limit, since)).await
}

pub(super) async fn still_doubted(
    db: &Db,
    (edition_id, list_id): (i64, i64),
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, EmailAddress, Moment)>> {
    db.all(STILL_DOUBTED, (edition_id, list_id, after, limit)).await
}

pub(super) async fn paused_by_refusals(db: &Db, edition_id: i64) -> Result<bool> {
    Ok(db.one::<(i64,)>(PAUSED_BY_REFUSALS, (edition_id,)).await?.0 > 0)
}

/// `false` if it is no longer the draft that it was then.
pub(super) async fn delete_draft(tx: &mut Tx, edition: &Edition) -> Result<bool> {
    Ok(tx.exec(DELETE_DRAFT, (edition.id, edition.revision, edition.updated_at)).await? == 1)
}

pub(super) async fn hold_articles(
    tx: &mut Tx,
    edition_id: i64,
    revision: i64,
) -> Result<Vec<(ArticleId, i64)>> {
    tx.all(HOLD_ARTICLES, (edition_id, revision)).await
}

pub(super) async fn approve_articles(tx: &mut Tx, edition_id: i64, revision: i64) -> Result<()> {
    tx.exec(APPROVE_ARTICLES, (edition_id, revision)).await?;
    Ok(())
}

pub(super) async fn changed_articles(
    db: &Db,
    edition_id: i64,
    revision: i64,
) -> Result<Vec<(ArticleId, String)>> {
    db.all(CHANGED_ARTICLES, (edition_id, revision)).await
}

pub(super) async fn waiting_with(db: &Db, article: ArticleId) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = db.all(WAITING_WITH, (article,)).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn waiting_with_in(tx: &mut Tx, article: ArticleId) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = tx.all(WAITING_WITH, (article,)).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

/// With its newest revision, or another one.
pub(super) async fn edition(db: &Db, edition_id: i64, revision: Option<i64>) -> Result<Option<Edition>> {
    let Some(row) = db.opt::<EditionRow>(EDITION, (edition_id, revision)).await? else { return Ok(None) };
    let articles: Vec<(ArticleId,)> = db.all(ARTICLE_IDS, (edition_id, row.revision)).await?;
    row.with_articles(articles.into_iter().map(|(id,)| id).collect()).map(Some)
}

pub(super) async fn edition_id(db: &Db, public_id: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(EDITION_ID, (public_id,)).await?.map(|(id,)| id))
}

pub(super) async fn summaries(db: &Db, before: i64, limit: i64) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = db.all(SUMMARIES, (before, limit)).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn last_sealed(db: &Db) -> Result<Option<EditionSummary>> {
    db.opt::<SummaryRow>(LAST_SEALED, ()).await?.map(SummaryRow::parse).transpose()
}

pub(super) async fn latest_drafts(db: &Db, limit: i64) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = db.all(LATEST_DRAFTS, (limit,)).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn subjects(db: &Db, ids: &[i64]) -> Result<Vec<Subject>> {
    db.all(SUBJECTS, (db::array(ids)?,)).await
}

pub(super) async fn held(db: &Db) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = db.all(HELD, ()).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn held_in(tx: &mut Tx) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = tx.all(HELD, ()).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn drafts_in(tx: &mut Tx) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = tx.all(DRAFTS, ()).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn archive(
    db: &Db,
    (sealed_at, id): (Moment, i64),
    limit: i64,
) -> Result<Vec<EditionSummary>> {
    let rows: Vec<SummaryRow> = db.all(ARCHIVE, (sealed_at, id, limit)).await?;
    rows.into_iter().map(SummaryRow::parse).collect()
}

pub(super) async fn in_archive(db: &Db, public_id: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(IN_ARCHIVE, (public_id,)).await?.map(|(id,)| id))
}

pub(super) async fn results(
    db: &Db,
    edition_id: i64,
    pattern: &str,
    wanted: Wanted<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<Outcome>> {
    let Wanted { state, class, .. } = wanted;
    let rows: Vec<OutcomeRow> = db.all(RESULTS, (edition_id, after, pattern, state, class, limit)).await?;
    Ok(rows.into_iter().map(Outcome::from).collect())
}

pub(super) async fn copies_of(db: &Db, subscriber_id: i64, before: i64, limit: i64) -> Result<Vec<Copy>> {
    let rows: Vec<CopyRow> = db.all(COPIES, (subscriber_id, before, limit)).await?;
    let copy = |row: CopyRow| Copy {
        edition_id: row.edition_id,
        edition_public_id: row.public_id,
        subject: row.subject,
        outcome: row.outcome.into(),
    };
    Ok(rows.into_iter().map(copy).collect())
}
