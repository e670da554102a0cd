//! The statements of segments, and of the editions that they narrow down.

pub mod conditions;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

use super::states::NarrowingRole;

statements! {
    ALL = "select g.id, g.public_id, g.name, g.version, v.tree, g.changed_at, s.name as changed_by from segment g
        join segment_version v on v.segment_id = g.id and v.version = g.version left join staff s on s.id = v.staff_id
        where g.deleted_at is null order by g.name_key, g.id";
    FIND = "select g.id, g.public_id, g.name, g.version, v.tree, g.changed_at, s.name as changed_by from segment g
        join segment_version v on v.segment_id = g.id and v.version = g.version left join staff s on s.id = v.staff_id
        where g.public_id = $1 and g.deleted_at is null";
    VERSIONS = "select v.version, v.tree, v.saved_at, s.name as saved_by from segment_version v left join staff s on s.id = v.staff_id
        where v.segment_id = $1 order by v.version desc limit $2";
    /// Nobody saves or deletes one until the commit. (The rows are few.) What they say is read by a statement of its own: one that waited for a
    /// row would look for its version as it was before it waited.
    HOLD = sqlite "select id from segment where deleted_at is null order by id",
        postgres "select id from segment where deleted_at is null order by id for update";
    NEWEST = "select g.id, g.name, g.version, v.tree from segment g join segment_version v on v.segment_id = g.id and v.version = g.version
        where g.deleted_at is null order by g.id";
    ADD = "insert into segment (public_id, name, name_key, version, created_at, changed_at) values ($1, $2, $3, 1, $4, $4)
        on conflict do nothing returning id";
    ADD_VERSION = "insert into segment_version (segment_id, version, tree, staff_id, saved_at) values ($1, $2, $3, $4, $5)";
    SAVE = "update segment set version = version + 1, changed_at = $3 where id = $1 and version = $2 and deleted_at is null";
    RENAME = "update segment set name = $3, name_key = $4, changed_at = $5 where id = $1 and name = $2 and deleted_at is null
        and not exists (select 1 from segment o where o.name_key = $4 and o.id <> $1 and o.deleted_at is null)";
    DELETE = "update segment set deleted_at = $3 where id = $1 and version = $2 and deleted_at is null";
    /// Editions that are not over, and go by it or have a block that does.
    USED_BY = "select e.public_id, v.subject from edition e
        join edition_revision v on v.edition_id = e.id and v.revision = e.revision
        where e.id in (select edition_id from edition_segment where segment_id = $1
            union select b.edition_id from edition_block b join edition o on o.id = b.edition_id and o.revision = b.revision where b.segment_id = $1
            union select a.edition_id from edition_article a join edition o on o.id = a.edition_id and o.revision = a.revision where a.segment_id = $1)
            and e.state not in ('finished', 'cancelled') order by e.id desc limit $2";
    /// Lists whose new editions begin with it.
    LISTS_BEGINNING = "select l.name from list_segment n join list l on l.id = n.list_id where n.segment_id = $1 order by l.position, l.id limit $2";
    /// What its conditions can name, by their keys; of editions those in a JSON array.
    NAMES = sqlite "select 'list' as what, id, name, '' as kind from list
        union all select 'topic', t.id, coalesce(m.name, t.name), '' from reader_topic t left join reader_topic m on m.id = t.merged_into
        union all select 'field', f.id, f.label, f.kind from field f where f.removed_at is null
        union all select 'form', id, name, '' from form
        union all select 'segment', id, name, '' from segment where deleted_at is null
        union all select 'edition', e.id, v.subject, '' from edition e join edition_revision v on v.edition_id = e.id and v.revision = e.revision
            where e.id in (select value from json_each($1))",
        postgres "select 'list' as what, id, name, '' as kind from list
        union all select 'topic', t.id, coalesce(m.name, t.name), '' from reader_topic t left join reader_topic m on m.id = t.merged_into
        union all select 'field', f.id, f.label, f.kind from field f where f.removed_at is null
        union all select 'form', id, name, '' from form
        union all select 'segment', id, name, '' from segment where deleted_at is null
        union all select 'edition', e.id, v.subject, '' from edition e join edition_revision v on v.edition_id = e.id and v.revision = e.revision
            where e.id in (select value::bigint from json_array_elements_text(cast($1 as json)))";
    /// The first and the last key; none where there is no reader.
    SPAN = "select min(id), max(id) from subscriber";
    /// Whoever comes next, however they stand.
    NEXT = "select id from subscriber where id > $1 order by id limit $2";
    BEFORE = "select id from subscriber where id < $1 order by id desc limit $2";
    /// How an edition is narrowed down: what was approved, else the newest.
    NARROWING = "select n.role, n.segment_id, g.public_id, g.name, coalesce(n.version, g.version) as version,
            n.tree as approved, v.tree as newest
        from edition_segment n join segment g on g.id = n.segment_id
        join segment_version v on v.segment_id = g.id and v.version = g.version
        where n.edition_id = $1";
    NARROWED_BY = "select role, segment_id from edition_segment where edition_id = $1";
    CLEAR_NARROWING = "delete from edition_segment where edition_id = $1";
    /// By one that is there.
    NARROW = "insert into edition_segment (edition_id, role, segment_id) select cast($1 as bigint), $2, id from segment where id = $3 and deleted_at is null";
    /// What new editions of a list begin with.
    USUAL = "select n.role, n.segment_id, g.name from list_segment n join segment g on g.id = n.segment_id where n.list_id = $1 order by n.role desc";
    CLEAR_USUAL = "delete from list_segment where list_id = $1";
    ADD_USUAL = "insert into list_segment (list_id, role, segment_id) select cast($1 as bigint), $2, id from segment where id = $3 and deleted_at is null";
    BEGIN_AS_USUAL = "insert into edition_segment (edition_id, role, segment_id) select e.id, n.role, n.segment_id
        from edition e join list_segment n on n.list_id = e.list_id where e.id = $1";
    APPROVE = "update edition_segment set version = $3, tree = $4 where edition_id = $1 and role = $2";
    /// A body that is frozen again keeps what it was frozen with.
    KEEP_PARTS = rows(3) "insert into variant_part (variant_id, part, tree) values {rows} on conflict (variant_id, part) do nothing";
    PARTS = "select part, tree from variant_part where variant_id = $1 order by part";
    DISAPPROVE = "update edition_segment set version = null, tree = null where edition_id = $1";
}

/// A segment as it lies there.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct SegmentRow {
    pub id: i64,
    pub public_id: String,
    pub name: String,
    pub version: i64,
    pub tree: String,
    pub changed_at: Moment,
    pub changed_by: Option<String>,
}

/// The newest version of one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct NewestRow {
    pub id: i64,
    pub name: String,
    pub version: i64,
    pub tree: String,
}

#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct VersionRow {
    pub version: i64,
    pub tree: String,
    pub saved_at: Moment,
    pub saved_by: Option<String>,
}

#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct NameRow {
    pub what: String,
    pub id: i64,
    pub name: String,
    pub kind: String,
}

#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct NarrowingRow {
    pub role: NarrowingRole,
    pub segment_id: i64,
    pub public_id: String,
    pub name: String,
    pub version: i64,
    pub approved: Option<String>,
    pub newest: String,
}

pub async fn all(db: &Db) -> Result<Vec<SegmentRow>> {
    db.all(ALL, ()).await
}

pub async fn find(db: &Db, public_id: &str) -> Result<Option<SegmentRow>> {
    db.opt(FIND, (public_id,)).await
}

pub async fn versions(db: &Db, id: i64, most: i64) -> Result<Vec<VersionRow>> {
    db.all(VERSIONS, (id, most)).await
}

/// The newest of each, held until the commit.
pub async fn hold(tx: &mut Tx) -> Result<Vec<NewestRow>> {
    tx.all::<(i64,)>(HOLD, ()).await?;
    newest_in(tx).await
}

pub async fn newest(db: &Db) -> Result<Vec<NewestRow>> {
    db.all(NEWEST, ()).await
}

pub async fn newest_in(tx: &mut Tx) -> Result<Vec<NewestRow>> {
    tx.all(NEWEST, ()).await
}

pub async fn add(
    tx: &mut Tx,
    public_id: &str,
    (name, key): (&str, &str),
    now: Moment,
) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(ADD, (public_id, name, key, now)).await?.map(|(id,)| id))
}

pub async fn add_version(
    tx: &mut Tx,
    (id, version): (i64, i64),
    tree: &str,
    staff: Option<i64>,
    now: Moment,
) -> Result<()> {
    tx.exec(ADD_VERSION, (id, version, tree, staff, now)).await?;
    Ok(())
}

pub async fn save(tx: &mut Tx, (id, version): (i64, i64), now: Moment) -> Result<bool> {
    Ok(tx.exec(SAVE, (id, version, now)).await? == 1)
}

pub async fn rename(
    tx: &mut Tx,
    (id, seen): (i64, &str),
    (name, key): (&str, &str),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(RENAME, (id, seen, name, key, now)).await? == 1)
}

pub async fn delete(tx: &mut Tx, (id, version): (i64, i64), now: Moment) -> Result<bool> {
    Ok(tx.exec(DELETE, (id, version, now)).await? == 1)
}

pub async fn used_by(db: &Db, id: i64, most: i64) -> Result<Vec<(String, String)>> {
    db.all(USED_BY, (id, most)).await
}

pub async fn used_by_in(tx: &mut Tx, id: i64, most: i64) -> Result<Vec<(String, String)>> {
    tx.all(USED_BY, (id, most)).await
}

pub async fn names(db: &Db, editions: &str) -> Result<Vec<NameRow>> {
    db.all(NAMES, (editions,)).await
}

pub async fn names_in(tx: &mut Tx, editions: &str) -> Result<Vec<NameRow>> {
    tx.all(NAMES, (editions,)).await
}

pub async fn span(db: &Db) -> Result<Option<(i64, i64)>> {
    let (first, last): (Option<i64>, Option<i64>) = db.one(SPAN, ()).await?;
    Ok(first.zip(last))
}

pub async fn next(db: &Db, after: i64, limit: i64) -> Result<Vec<i64>> {
    ids(db.all(NEXT, (after, limit)).await?)
}

pub async fn before(db: &Db, before: i64, limit: i64) -> Result<Vec<i64>> {
    ids(db.all(BEFORE, (before, limit)).await?)
}

fn ids(rows: Vec<(i64,)>) -> Result<Vec<i64>> {
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub async fn narrowing(db: &Db, edition: i64) -> Result<Vec<NarrowingRow>> {
    db.all(NARROWING, (edition,)).await
}

pub async fn narrowing_in(tx: &mut Tx, edition: i64) -> Result<Vec<NarrowingRow>> {
    tx.all(NARROWING, (edition,)).await
}

pub async fn narrowed_by(db: &Db, edition: i64) -> Result<Vec<(NarrowingRole, i64)>> {
    db.all(NARROWED_BY, (edition,)).await
}

pub async fn narrow(tx: &mut Tx, edition: i64, by: &[(NarrowingRole, i64)]) -> Result<bool> {
    tx.exec(CLEAR_NARROWING, (edition,)).await?;
    for (role, segment) in by {
        if tx.exec(NARROW, (edition, *role, *segment)).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub async fn lists_beginning(db: &Db, id: i64, most: i64) -> Result<Vec<(String,)>> {
    db.all(LISTS_BEGINNING, (id, most)).await
}

pub async fn lists_beginning_in(tx: &mut Tx, id: i64, most: i64) -> Result<Vec<(String,)>> {
    tx.all(LISTS_BEGINNING, (id, most)).await
}

/// Role, key and name.
pub type UsualRow = (NarrowingRole, i64, String);

pub async fn usual(db: &Db, list: i64) -> Result<Vec<UsualRow>> {
    db.all(USUAL, (list,)).await
}

pub async fn usual_in(tx: &mut Tx, list: i64) -> Result<Vec<UsualRow>> {
    tx.all(USUAL, (list,)).await
}

/// `false` where one is not there.
pub async fn set_usual(tx: &mut Tx, list: i64, by: &[(NarrowingRole, i64)]) -> Result<bool> {
    tx.exec(CLEAR_USUAL, (list,)).await?;
    for (role, segment) in by {
        if tx.exec(ADD_USUAL, (list, *role, *segment)).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub async fn begin_as_usual(tx: &mut Tx, edition: i64) -> Result<u64> {
    tx.exec(BEGIN_AS_USUAL, (edition,)).await
}

pub async fn approve(
    tx: &mut Tx,
    (edition, role): (i64, NarrowingRole),
    version: i64,
    tree: &str,
) -> Result<()> {
    tx.exec(APPROVE, (edition, role, version, tree)).await?;
    Ok(())
}

pub async fn disapprove(tx: &mut Tx, edition: i64) -> Result<()> {
    tx.exec(DISAPPROVE, (edition,)).await?;
    Ok(())
}

pub async fn keep_parts(tx: &mut Tx, variant: i64, parts: impl Iterator<Item = (i64, String)>) -> Result<()> {
    tx.many(KEEP_PARTS, parts.map(|(part, tree)| (variant, part, tree))).await?;
    Ok(())
}

pub async fn parts(tx: &mut Tx, variant: i64) -> Result<Vec<(i64, String)>> {
    tx.all(PARTS, (variant,)).await
}
