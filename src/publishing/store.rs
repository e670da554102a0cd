//! The statements of digests, and of what editions say. The table of editions itself is the `editions` room's.

use std::collections::BTreeSet;

use super::{
    Content, Corrects, Digest, Edition, EditionSummary, Subject,
    blocks::{Block, BlockKind, Placed, ShownArticle},
    rows::{
        ArticleRow, AskedFor, BlockRow, CopyHistory, CopyOutcome, FailedClass, KeptAddress, Reached,
        TouchedByList, WantedCopies, WhomRow,
    },
};
use crate::{
    articles::{ArticleId, FeedId},
    clock::Moment,
    db::{self, Db, Result, Tx},
    editions::Rhythm,
    email_address::EmailAddress,
    segments, statements,
};

statements! {
    /// Every digest whose list is not retired, in the order of the lists.
    DIGESTS = "select d.id, d.slug, d.name, d.list_id, l.name as list_name,
            exists (select 1 from edition e where e.digest_id = d.id and e.sealed_at is not null
                and e.state in ('sending', 'paused', 'finished') and e.corrects_edition_id is null and not e.asks_again) as has_last
        from digest d join list l on l.id = d.list_id where l.retired_at is null order by l.position, l.id, d.id";
    ANY_DIGEST = "select id from digest limit 1";
    /// What bears the list's name bears its new one.
    RENAME_DIGESTS = "update digest set name = $3 where list_id = $1 and name = $2";
    /// What hangs on a list. A correction counts as what it is, an edition.
    TOUCHED = "select (select count(*) from subscription s where s.list_id = $1 and s.state = 'pending'
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)) as pending,
            (select count(*) from edition where list_id = $1 and state = 'draft') as drafts,
            (select count(*) from edition where list_id = $1 and state = 'scheduled') as waiting,
            (select count(*) from edition where list_id = $1 and state = 'sending') as going,
            (select count(*) from edition where list_id = $1 and state in ('paused', 'held')) as stopped,
            (select count(*) from edition where list_id = $1 and sealed_at is not null) as sent";
    /// The edition of a digest that went out last, but for corrections and what asks its readers to confirm again.
    LAST_SENT = "select id from edition where digest_id = $1 and sealed_at is not null
            and state in ('sending', 'paused', 'finished') and corrects_edition_id is null and not asks_again
        order by sealed_at desc, id desc limit 1";
    ADD_DIGEST = "insert into digest (slug, name, list_id, created_at) values ($1, $2, $3, $4)
        on conflict (slug) do nothing";
    /// Those without an edition.
    DELETE_DIGESTS = "delete from digest where list_id = $1 and not exists (select 1 from edition e where e.digest_id = digest.id)";
    ASK_FOR_APPROVAL = "insert into edition_approval (edition_id, revision, fingerprint, asked_by, asked_at) values ($1, $2, $3, $4, $5)
        on conflict (edition_id) do update set revision = excluded.revision, fingerprint = excluded.fingerprint, asked_by = excluded.asked_by,
            asked_at = excluded.asked_at, approved_by = null, approved_at = null";
    ASKED_FOR = "select a.edition_id, e.public_id, r.subject, a.revision, a.fingerprint, a.asked_by, s.name as asker, a.asked_at
        from edition_approval a
        join edition e on e.id = a.edition_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        join staff s on s.id = a.asked_by
        where a.edition_id = $1";
    /// Drafts as they were asked for.
    WAITING_FOR_APPROVAL = "select a.edition_id, e.public_id, r.subject, a.revision, a.fingerprint, a.asked_by, s.name as asker, a.asked_at
        from edition_approval a
        join edition e on e.id = a.edition_id and e.revision = a.revision
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        join staff s on s.id = a.asked_by
        where e.state = 'draft' order by a.asked_at, a.edition_id limit $1";
    DISAPPROVE = "delete from edition_approval where edition_id = $1";
    /// By somebody else than whoever asked, and as it was asked for.
    APPROVE = "update edition_approval set approved_by = cast($3 as bigint), approved_at = $4
        where edition_id = $1 and revision = $5 and fingerprint = $2 and asked_by <> coalesce(cast($3 as bigint), 0)
        returning (select name from staff where id = asked_by)";
    TEST_ADDRESSES = "select a.id, a.email, s.name as added_by, a.added_at from test_address a left join staff s on s.id = a.staff_id order by a.id";
    /// While there are fewer than that.
    KEEP_TEST_ADDRESS = "insert into test_address (email, email_key, staff_id, added_at)
        select $1, $2, cast($3 as bigint), cast($4 as bigint) where (select count(*) from test_address) < $5
        on conflict (email_key) do nothing";
    DROP_TEST_ADDRESS = "delete from test_address where id = $1 returning email";
    FORGET_TEST_ADDRESS = "delete from test_address where email_key = $1";
    INSERT_REVISION = "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, staff_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    CLEAR_TOPICS = "delete from edition_topic where edition_id = $1";
    INSERT_TOPICS = rows(2) "insert into edition_topic (edition_id, topic_id) values {rows}";
    /// A topic that was merged is the one that took its place.
    TOPIC_IDS = "select distinct coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id
        where e.edition_id = $1 order by 1";
    /// The same, held against merging until the commit.
    HOLD_TOPICS = sqlite "select t.id, coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id
            where e.edition_id = $1 order by t.id",
        postgres "select t.id, coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id
            where e.edition_id = $1 order by t.id for share of t";
    /// For which rhythm an edition is, and what its list offers. The list is held by whoever schedules.
    RHYTHM = "select e.rhythm, l.rhythms from edition e join list l on l.id = e.list_id where e.id = $1";
    /// How many editions of a list wait for their moment that are for one rhythm: what it offers stays so meanwhile.
    WAITING_FOR_A_RHYTHM = "select count(*) from edition where list_id = $1 and rhythm is not null and sealed_at is null and state in ('scheduled', 'held')";
    /// Those of a JSON array of topics that there are, each as what took its place; held until the commit.
    LIVE_TOPICS = sqlite "select t.id, coalesce(t.merged_into, t.id) from reader_topic t
            where t.id in (select value from json_each($1)) order by t.id",
        postgres "select t.id, coalesce(t.merged_into, t.id) from reader_topic t
            where t.id in (select value::bigint from json_array_elements_text(cast($1 as json))) order by t.id for share";
    INSERT_ARTICLES = rows(11) "insert into edition_article (edition_id, revision, position, article_id, look, title, standfirst, hidden, whom, readers, segment_id) values {rows}";
    INSERT_BLOCKS = rows(10) "insert into edition_block (edition_id, revision, position, kind, words, link, hidden, whom, readers, segment_id) values {rows}";
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
        where e.edition_id = $1 and e.revision = $2 and not e.hidden and e.approved_version <> a.version order by e.position";
    /// Approved editions that wait for their moment with an article in them.
    WAITING_WITH = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition_article a
        join edition e on e.id = a.edition_id and e.revision = a.revision
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where a.article_id = $1 and not a.hidden and e.state in ('scheduled', 'held') and e.sealed_at is null order by e.send_at, e.id";
    /// The same, with an article of a feed in them.
    WAITING_WITH_FEED = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state in ('scheduled', 'held') and e.sealed_at is null and exists (select 1 from edition_article a
            join article on article.id = a.article_id
            where a.edition_id = e.id and a.revision = e.revision and not a.hidden and article.feed_id = $1) order by e.send_at, e.id";
    /// The edition that last went out with an article in it.
    MAILED_WITH = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition_article a
        join edition e on e.id = a.edition_id and e.revision = a.revision
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where a.article_id = $1 and not a.hidden and e.state in ('sending', 'paused', 'finished') and e.sealed_at is not null order by e.sealed_at desc, e.id desc limit 1";
    EDITION = "select e.id, e.public_id, e.digest_id, d.name as digest_name, e.list_id, l.public_id as list_public_id, l.slug as list_slug, l.name as list_name, l.rhythms as list_rhythms, e.rhythm, e.asks_again,
            e.state, r.revision, e.send_at, e.unknown_policy,
            e.held_because, e.paused_because,
            e.corrects_revision, e.corrects_edition_id, wrong.public_id as corrects_public_id, e.sealed_count, e.seal_cursor is not null as is_begun, e.sealed_at, e.finished_at, e.updated_at,
            sent.name as sent_by, saver.name as saved_by, r.subject, r.preview_text, r.intro_markdown
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = coalesce(cast($2 as bigint), e.revision)
        left join edition wrong on wrong.id = e.corrects_edition_id
        left join staff sent on sent.id = e.sent_by
        left join staff saver on saver.id = r.staff_id
        where e.id = $1";
    /// How many said by the button of an edition that it may go on coming.
    CONFIRMED_AGAIN = "select count(*) from consent_event where method = 'edition' and source = $1";
    EDITION_ID = "select id from edition where public_id = $1";
    ARTICLES = "select position, article_id, look, title, standfirst, hidden, whom, readers, segment_id from edition_article where edition_id = $1 and revision = $2";
    BLOCKS = "select position, kind, words, link, hidden, whom, readers, segment_id from edition_block where edition_id = $1 and revision = $2";
    SUMMARIES = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision and not a.hidden) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.id < $1 order by e.id desc limit $2";
    /// For how many the edition of a list was that was sealed last before another, corrections aside.
    LAST_AUDIENCE = "select sealed_count from edition where list_id = $1 and id <> $2 and sealed_at is not null and corrects_edition_id is null
        order by sealed_at desc, id desc limit 1";
    /// When one that its readers know as an edition was sealed last before a moment.
    LAST_SEALED_AT = "select max(sealed_at) from edition where list_id = $1 and id <> $2 and sealed_at < $3 and state <> 'cancelled'
        and corrects_edition_id is null and not asks_again";
    /// The one that was sealed last, whatever was begun since.
    LAST_SEALED = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.sealed_at is not null order by e.sealed_at desc, e.id desc limit 1";
    /// The drafts that were touched last.
    SCHEDULED = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name, cast(0 as bigint) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state = 'scheduled' order by e.send_at, e.id limit $1";
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
    /// The same of a JSON array of public ids.
    NAMED_SUBJECTS = sqlite "select e.id, e.public_id, r.subject from edition e
            join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.public_id in (select value from json_each($1))",
        postgres "select e.id, e.public_id, r.subject from edition e
            join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.public_id in (select json_array_elements_text(cast($1 as json)))";
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
    /// What readers may find in the archive: sent on a public list, not cancelled on its way, and more than a question to its readers.
    ARCHIVE = "select e.id, e.public_id, e.state, e.send_at, e.sealed_count, e.sealed_at, e.updated_at,
            r.subject, r.preview_text, d.name as digest_name,
            (select count(*) from edition_article a where a.edition_id = e.id and a.revision = e.revision and not a.hidden) as article_count
        from edition e
        join digest d on d.id = e.digest_id
        join list l on l.id = e.list_id
        join edition_revision r on r.edition_id = e.id and r.revision = e.revision
        where e.state in ('sending', 'paused', 'finished') and l.visibility = 'public' and not e.asks_again and (e.sealed_at, e.id) < ($1, $2)
        order by e.sealed_at desc, e.id desc limit $3";
    IN_ARCHIVE = "select e.id from edition e join list l on l.id = e.list_id
        where e.public_id = $1 and e.state in ('sending', 'paused', 'finished') and l.visibility = 'public' and not e.asks_again";
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
    /// Who pressed Send.
    PRESSED_BY = "select sent_by from edition where id = $1";
    /// Why copies failed, the most frequent first. (The bound on the class keeps SQLite on the index of failed copies.)
    FAILED_CLASSES = "select f.class, f.copies,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = $1 and t.subscriber_id = f.example order by t.id desc limit 1), '') as example
        from (select class, count(*) as copies, min(subscriber_id) as example from delivery
            where edition_id = $1 and state = 'failed' and class >= '' group by class) f
        order by f.copies desc, f.class";
    /// Refusals stopped it, and nobody has let it go on yet.
    PAUSED_BY_REFUSALS = "select count(*) from edition where id = $1 and state = 'paused' and paused_for = 'refusals'";
    /// By what the reader is found by today, or by the address as it was then: the database knows the small letters of English alone,
    /// so all others are looked for small and large.
    RESULTS = sqlite "select v.subscriber_id, r.public_id as reader, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1), '') as reply
        from delivery v left join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and v.subscriber_id > $2 and ($3 = '' or instr(r.search, $3) > 0
                or instr(lower(v.address), $3) > 0 or instr(lower(v.address), $7) > 0 or instr(lower(v.address), $8) > 0)
            and ($4 = '' or ($4 = 'open' and v.state in ('queued', 'claimed'))
                or case when v.state = 'suppressed' and v.class = 'cancelled' then 'cancelled' else v.state end = $4)
            and ($5 = '' or v.class = $5)
        order by v.subscriber_id limit $6",
        postgres "select v.subscriber_id, r.public_id as reader, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1), '') as reply
        from delivery v left join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and v.subscriber_id > $2 and ($3 = '' or strpos(r.search, $3) > 0
                or strpos(lower(v.address), $3) > 0 or strpos(lower(v.address), $7) > 0 or strpos(lower(v.address), $8) > 0)
            and ($4 = '' or ($4 = 'open' and v.state in ('queued', 'claimed'))
                or case when v.state = 'suppressed' and v.class = 'cancelled' then 'cancelled' else v.state end = $4)
            and ($5 = '' or v.class = $5)
        order by v.subscriber_id limit $6";
    COPIES = "select v.edition_id, e.public_id as edition_public_id, r.subject, v.subscriber_id, cast(null as text) as reader, v.address, v.state, v.class, v.attempt, v.maybe_duplicate, v.updated_at,
            coalesce((select t.reply from delivery_attempt t
                where t.edition_id = v.edition_id and t.subscriber_id = v.subscriber_id order by t.id desc limit 1), '') as reply
        from delivery v
        join edition e on e.id = v.edition_id
        join variant b on b.id = v.variant_id
        join edition_revision r on r.edition_id = e.id and r.revision = b.revision
        where v.subscriber_id = $1 and v.edition_id < $2
        order by v.edition_id desc limit $3";
}

/// An edition, and what it corrects.
#[derive(sqlx_macros::FromRow)]
struct Loaded {
    #[sqlx(flatten)]
    edition: Edition,
    corrects_edition_id: Option<i64>,
    corrects_revision: Option<i64>,
    corrects_public_id: Option<String>,
}

pub(super) async fn digests(db: &Db) -> Result<Vec<Digest>> {
    db.all(DIGESTS, ()).await
}

pub(super) async fn last_sent(db: &Db, digest_id: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(LAST_SENT, (digest_id,)).await?.map(|(id,)| id))
}

/// `false` if another digest has that short name.
pub(super) async fn add_digest(
    tx: &mut Tx,
    slug: &str,
    name: &str,
    list_id: i64,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(ADD_DIGEST, (slug, name, list_id, now)).await? == 1)
}

pub(super) async fn delete_digests(tx: &mut Tx, list_id: i64) -> Result<u64> {
    tx.exec(DELETE_DIGESTS, (list_id,)).await
}

pub(super) async fn any_digest(db: &Db) -> Result<bool> {
    Ok(db.opt::<(i64,)>(ANY_DIGEST, ()).await?.is_some())
}

pub(super) async fn rename_digests(tx: &mut Tx, list: i64, from: &str, to: &str) -> Result<()> {
    tx.exec(RENAME_DIGESTS, (list, from, to)).await?;
    Ok(())
}

pub(super) async fn touched(db: &Db, list: i64) -> Result<TouchedByList> {
    db.one(TOUCHED, (list,)).await
}

/// What an edition is about, held until the commit.
pub(super) async fn hold_topics(tx: &mut Tx, edition_id: i64) -> Result<BTreeSet<i64>> {
    let held: Vec<(i64, i64)> = tx.all(HOLD_TOPICS, (edition_id,)).await?;
    Ok(held.into_iter().map(|(_, topic)| topic).collect())
}

/// For which rhythm an edition is, and what its list offers.
pub(super) async fn rhythm(tx: &mut Tx, edition_id: i64) -> Result<Option<(Option<Rhythm>, String)>> {
    tx.opt(RHYTHM, (edition_id,)).await
}

pub(super) async fn waiting_for_a_rhythm(tx: &mut Tx, list: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(WAITING_FOR_A_RHYTHM, (list,)).await?.0)
}

/// The edition is about these topics and no others.
pub(super) async fn set_topics(tx: &mut Tx, edition_id: i64, topics: &[i64]) -> Result<()> {
    let live: Vec<(i64, i64)> = tx.all(LIVE_TOPICS, (db::array(topics)?,)).await?;
    let topics: BTreeSet<i64> = live.into_iter().map(|(_, topic)| topic).collect();
    tx.exec(CLEAR_TOPICS, (edition_id,)).await?;
    tx.many(INSERT_TOPICS, topics.into_iter().map(|topic| (edition_id, topic))).await?;
    Ok(())
}

/// The newest revision that was sealed, 0 for none, and how many were.
pub(super) async fn frozen(db: &Db, edition_id: i64) -> Result<(i64, i64)> {
    db.one(FROZEN, (edition_id,)).await
}

/// The body that is sent now, and its revision.
pub(super) async fn newest_body(tx: &mut Tx, edition_id: i64) -> Result<Option<(i64, i64)>> {
    tx.opt(NEWEST, (edition_id,)).await
}

pub(super) async fn by_revision(db: &Db, edition_id: i64) -> Result<Vec<Reached>> {
    db.all(BY_REVISION, (edition_id,)).await
}

pub(super) async fn has_reached(db: &Db, edition_id: i64, revision: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(REACHED, (edition_id, revision)).await?.is_some())
}

pub(super) async fn failed_classes(db: &Db, edition_id: i64) -> Result<Vec<FailedClass>> {
    db.all(FAILED_CLASSES, (edition_id,)).await
}

pub(super) async fn pressed_by(db: &Db, edition_id: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(Option<i64>,)>(PRESSED_BY, (edition_id,)).await?.and_then(|(staff,)| staff))
}

pub(super) async fn insert_revision(
    tx: &mut Tx,
    edition_id: i64,
    revision: i64,
    content: &Content,
    staff_id: Option<i64>,
    now: Moment,
) -> Result<()> {
    let Content { subject, preview_text, intro_markdown, blocks, .. } = content;
    let row = (edition_id, revision, &**subject, &**preview_text, &**intro_markdown, staff_id, now);
    tx.exec(INSERT_REVISION, row).await?;
    let placed = || {
        let of =
            |(position, placed): (i64, &Placed)| (position, placed.block.is_hidden(), placed.whom.words());
        (1_i64..).zip(blocks).map(of).zip(blocks.iter().map(|placed| placed.block.as_written()))
    };
    let articles = placed().filter_map(|((position, hidden, (whom, readers, segment)), block)| match block {
        Block::Article(ShownArticle { id, look, title, standfirst }) => Some((
            edition_id,
            revision,
            position,
            *id,
            *look,
            &**title,
            &**standfirst,
            hidden,
            whom,
            readers,
            segment,
        )),
        _ => None,
    });
    tx.many(INSERT_ARTICLES, articles).await?;
    let others = placed().filter_map(|((position, hidden, (whom, readers, segment)), block)| {
        let (kind, words, link) = match block {
            Block::Article(_) | Block::Hidden(_) => return None,
            Block::Words(words) => (BlockKind::Words, &**words, ""),
            Block::Button { label, url } => (BlockKind::Button, &**label, &**url),
            Block::Line => (BlockKind::Line, "", ""),
            Block::Appeal => (BlockKind::Appeal, "", ""),
        };
        Some((edition_id, revision, position, kind, words, link, hidden, whom, readers, segment))
    });
    tx.many(INSERT_BLOCKS, others).await?;
    Ok(())
}

pub(super) async fn ask_for_approval(
    tx: &mut Tx,
    (edition_id, revision): (i64, i64),
    fingerprint: &str,
    staff_id: i64,
    now: Moment,
) -> Result<()> {
    tx.exec(ASK_FOR_APPROVAL, (edition_id, revision, fingerprint, staff_id, now)).await?;
    Ok(())
}

pub(super) async fn asked_for(db: &Db, edition_id: i64) -> Result<Option<AskedFor>> {
    db.opt(ASKED_FOR, (edition_id,)).await
}

pub(super) async fn waiting_for_approval(db: &Db, limit: i64) -> Result<Vec<AskedFor>> {
    db.all(WAITING_FOR_APPROVAL, (limit,)).await
}

/// Who asked for it, if somebody else did, as it is.
pub(super) async fn approve(
    tx: &mut Tx,
    (edition_id, revision, fingerprint): (i64, i64, &str),
    staff_id: Option<i64>,
    now: Moment,
) -> Result<Option<String>> {
    let row = (edition_id, fingerprint, staff_id, now, revision);
    Ok(tx.opt::<(String,)>(APPROVE, row).await?.map(|(asker,)| asker))
}

pub(super) async fn test_addresses(db: &Db) -> Result<Vec<KeptAddress>> {
    db.all(TEST_ADDRESSES, ()).await
}

/// `false` if there are as many as there may be.
pub(super) async fn keep_test_address(
    tx: &mut Tx,
    email: &EmailAddress,
    staff_id: i64,
    (most, now): (i64, Moment),
) -> Result<bool> {
    Ok(tx.exec(KEEP_TEST_ADDRESS, (email.as_str(), email.key(), staff_id, now, most)).await? == 1)
}

pub(super) async fn drop_test_address(tx: &mut Tx, id: i64) -> Result<Option<EmailAddress>> {
    Ok(tx.opt::<(EmailAddress,)>(DROP_TEST_ADDRESS, (id,)).await?.map(|(email,)| email))
}

pub(super) async fn forget_test_address(tx: &mut Tx, key: &str) -> Result<()> {
    tx.exec(FORGET_TEST_ADDRESS, (key,)).await?;
    Ok(())
}

pub(super) async fn paused_by_refusals(db: &Db, edition_id: i64) -> Result<bool> {
    Ok(db.one::<(i64,)>(PAUSED_BY_REFUSALS, (edition_id,)).await?.0 > 0)
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
    db.all(WAITING_WITH, (article,)).await
}

pub(super) async fn mailed_with(db: &Db, article: ArticleId) -> Result<Option<EditionSummary>> {
    db.opt(MAILED_WITH, (article,)).await
}

pub(super) async fn waiting_with_feed(db: &Db, feed: FeedId) -> Result<Vec<EditionSummary>> {
    db.all(WAITING_WITH_FEED, (feed,)).await
}

pub(super) async fn waiting_with_feed_in(tx: &mut Tx, feed: FeedId) -> Result<Vec<EditionSummary>> {
    tx.all(WAITING_WITH_FEED, (feed,)).await
}

pub(super) async fn waiting_with_in(tx: &mut Tx, article: ArticleId) -> Result<Vec<EditionSummary>> {
    tx.all(WAITING_WITH, (article,)).await
}

/// With its newest revision, or another one.
pub(super) async fn edition(db: &Db, edition_id: i64, revision: Option<i64>) -> Result<Option<Edition>> {
    let Some(loaded) = db.opt::<Loaded>(EDITION, (edition_id, revision)).await? else { return Ok(None) };
    let Loaded { mut edition, corrects_edition_id, corrects_revision, corrects_public_id } = loaded;
    edition.corrects = corrects_edition_id.zip(corrects_revision).map(|(edition_id, revision)| Corrects {
        edition_id,
        revision,
        public_id: corrects_public_id.unwrap_or_default(),
    });
    edition.content.blocks = blocks(db, edition_id, edition.revision).await?;
    let topics: Vec<(i64,)> = db.all(TOPIC_IDS, (edition_id,)).await?;
    edition.content.topic_ids = topics.into_iter().map(|(id,)| id).collect();
    (edition.content.only_segment, edition.content.except_segment) =
        segments::segments_of(db, edition_id).await?;
    Ok(Some(edition))
}

/// What a revision is made of, in order.
async fn blocks(db: &Db, edition_id: i64, revision: i64) -> Result<Vec<Placed>> {
    let articles: Vec<ArticleRow> = db.all(ARTICLES, (edition_id, revision)).await?;
    let others: Vec<BlockRow> = db.all(BLOCKS, (edition_id, revision)).await?;
    let articles = articles.into_iter().map(|row| {
        let ArticleRow { position, article_id: id, look, title, standfirst, hidden, whom } = row;
        (position, Block::Article(ShownArticle { id, look, title, standfirst }).hidden(hidden), whom)
    });
    let others = others.into_iter().map(|row| {
        let BlockRow { position, kind, words, link, hidden, whom } = row;
        let block = match kind {
            BlockKind::Words => Block::Words(words),
            BlockKind::Button => Block::Button { label: words, url: link },
            BlockKind::Line => Block::Line,
            BlockKind::Appeal => Block::Appeal,
        };
        (position, block.hidden(hidden), whom)
    });
    let mut placed: Vec<(i64, Block, WhomRow)> = articles.chain(others).collect();
    placed.sort_by_key(|(position, ..)| *position);
    let read = |(_, block, whom): (i64, Block, WhomRow)| {
        let unreadable =
            || sqlx::Error::Decode("a block is for readers whom this program does not know".into());
        Ok(Placed { block, whom: whom.read().ok_or_else(unreadable)? })
    };
    placed.into_iter().map(read).collect()
}

pub(super) async fn confirmed_again(db: &Db, public_id: &str) -> Result<i64> {
    Ok(db.one::<(i64,)>(CONFIRMED_AGAIN, (format!("edition {public_id}"),)).await?.0)
}

pub(super) async fn edition_id(db: &Db, public_id: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(EDITION_ID, (public_id,)).await?.map(|(id,)| id))
}

pub(super) async fn summaries(db: &Db, before: i64, limit: i64) -> Result<Vec<EditionSummary>> {
    db.all(SUMMARIES, (before, limit)).await
}

pub(super) async fn last_audience(db: &Db, list: i64, except: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(Option<i64>,)>(LAST_AUDIENCE, (list, except)).await?.and_then(|(readers,)| readers))
}

pub(super) async fn disapprove(tx: &mut Tx, edition: i64) -> Result<()> {
    tx.exec(DISAPPROVE, (edition,)).await?;
    Ok(())
}

pub(super) async fn last_sealed_at(
    db: &Db,
    list: i64,
    except: i64,
    before: Moment,
) -> Result<Option<Moment>> {
    Ok(db.one::<(Option<Moment>,)>(LAST_SEALED_AT, (list, except, before)).await?.0)
}

pub(super) async fn last_sealed(db: &Db) -> Result<Option<EditionSummary>> {
    db.opt(LAST_SEALED, ()).await
}

pub(super) async fn scheduled(db: &Db, limit: i64) -> Result<Vec<EditionSummary>> {
    db.all(SCHEDULED, (limit,)).await
}

pub(super) async fn latest_drafts(db: &Db, limit: i64) -> Result<Vec<EditionSummary>> {
    db.all(LATEST_DRAFTS, (limit,)).await
}

pub(super) async fn subjects(db: &Db, ids: &[i64]) -> Result<Vec<Subject>> {
    db.all(SUBJECTS, (db::array(ids)?,)).await
}

pub(super) async fn named_subjects(db: &Db, public_ids: &[&str]) -> Result<Vec<Subject>> {
    db.all(NAMED_SUBJECTS, (db::array(public_ids)?,)).await
}

pub(super) async fn held(db: &Db) -> Result<Vec<EditionSummary>> {
    db.all(HELD, ()).await
}

pub(super) async fn held_in(tx: &mut Tx) -> Result<Vec<EditionSummary>> {
    tx.all(HELD, ()).await
}

pub(super) async fn drafts_in(tx: &mut Tx) -> Result<Vec<EditionSummary>> {
    tx.all(DRAFTS, ()).await
}

pub(super) async fn archive(
    db: &Db,
    (sealed_at, id): (Moment, i64),
    limit: i64,
) -> Result<Vec<EditionSummary>> {
    db.all(ARCHIVE, (sealed_at, id, limit)).await
}

pub(super) async fn in_archive(db: &Db, public_id: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(IN_ARCHIVE, (public_id,)).await?.map(|(id,)| id))
}

pub(super) async fn results(
    db: &Db,
    edition_id: i64,
    sought: &str,
    wanted: WantedCopies<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<CopyOutcome>> {
    let WantedCopies { state, class, search } = wanted;
    let (small, mut large) = (search.trim().to_lowercase(), search.trim().to_uppercase());
    large.make_ascii_lowercase();
    db.all(RESULTS, (edition_id, after, sought, state, class, limit, small, large)).await
}

pub(super) async fn copies_of(
    db: &Db,
    subscriber_id: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<CopyHistory>> {
    db.all(COPIES, (subscriber_id, before, limit)).await
}
