//! The SQL of lists that are taken back.

use super::{
    super::{
        imports::{Change, WhyItStays, each},
        rows::{ACT_TAKEN_BACK, LIST_TAKEN_BACK, SubscriptionState},
    },
    in_bulk,
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    ADD_CHANGES = rows(6) "insert into import_change (import_id, subscriber_id, kind, about, was, at) values {rows} on conflict (import_id, subscriber_id, kind, about) do nothing";
    /// The next readers that it changed.
    READERS = "select distinct subscriber_id from import_change where import_id = $1 and subscriber_id > $2 order by subscriber_id limit $3";
    CHANGES = sqlite "select subscriber_id, kind, about, was, at from import_change where import_id = $1 and subscriber_id in (select value from json_each($2))",
        postgres "select subscriber_id, kind, about, was, at from import_change where import_id = $1 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json))))";
    /// Whether it can be taken back: it changed something, which is still known.
    ANY = "select subscriber_id from import_change where import_id = $1 limit 1";
    /// Who has copies of which lists, whatever became of them: or had some when what put them on it was taken back before.
    MAILED = sqlite "select d.subscriber_id, e.list_id from delivery d join edition e on e.id = d.edition_id where d.subscriber_id in (select value from json_each($1))
            union select c.subscriber_id, c.list_id from consent_event c where c.action = 'left' and c.source in ($2, $3) and c.subscriber_id in (select value from json_each($1))",
        postgres "select d.subscriber_id, e.list_id from delivery d join edition e on e.id = d.edition_id where d.subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
            union select c.subscriber_id, c.list_id from consent_event c where c.action = 'left' and c.source in ($2, $3) and c.subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    PUBLIC_IDS = sqlite "select id, public_id from subscriber where id in (select value from json_each($1))",
        postgres "select id, public_id from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// They are held until the commit.
    HOLD = sqlite "update subscriber set confirm_due_at = confirm_due_at where id in (select value from json_each($1))",
        postgres "select id from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) order by id for update";
    /// They are not on the list, and never were: nothing happened since to what the file brought.
    UNJOIN = "delete from subscription where subscriber_id = $1 and list_id = $2";
    /// What the file said of it, which nobody was mailed by: taking the list back stands in the log.
    ERASE_IMPORTED = "delete from consent_event where subscriber_id = $1 and list_id = $2 and method = 'import' and at = $3";
    /// They had not left.
    BACK_ON = "update subscription set state = $3, left_at = null where subscriber_id = $1 and list_id = $2 and state = 'left'";
    UNNAME = "update subscriber set name = '' where id = $1 and name = $2";
    UNANSWER = "delete from field_value where subscriber_id = $1 and field_id = $2 and value = $3";
    /// Readers whom the file alone brought, and of whom nothing else is known.
    UNMEET = "delete from subscriber where id = $1 and confirm_due_at is null and moved_at is null
        and not exists (select 1 from subscription s where s.subscriber_id = $1)
        and not exists (select 1 from consent_event e where e.subscriber_id = $1)
        and not exists (select 1 from delivery d where d.subscriber_id = $1)
        and not exists (select 1 from donor_state g where g.subscriber_id = $1)
        and not exists (select 1 from reader_note n where n.subscriber_id = $1)
        and not exists (select 1 from address_change c where c.subscriber_id = $1)";
    /// Whether another took people after it: that one may say the same of them, and is taken back first.
    LATER = "select j.public_id, j.file from import i join import j on j.changed_at > i.changed_at and j.state in ('running', 'done', 'stopped', 'undoing')
        where i.id = $1 order by j.changed_at desc limit 1";
    /// What was made on the way, as long as nobody else has to do with it and nobody saved it since, and no segment that was ever saved asks
    /// for it. It is held before. Trees are kept as `SegmentTree::write` does; quotes that somebody typed have a backslash before them there.
    UNMAKE_LIST = "delete from list where id = $1 and version = 1
        and exists (select 1 from list o where o.id <> $1)
        and not exists (select 1 from subscription where list_id = $1 and state = 'confirmed')
        and not exists (select 1 from subscription where list_id = $1 and state = 'pending')
        and not exists (select 1 from subscription where list_id = $1 and state = 'left')
        and not exists (select 1 from consent_event e where e.list_id = $1)
        and not exists (select 1 from forgotten_consent f where f.list_id = $1)
        and not exists (select 1 from edition e where e.list_id = $1)
        and not exists (select 1 from form_list c where c.list_id = $1)
        and not exists (select 1 from import i where i.list_id = $1)
        and not exists (select 1 from segment_version v where v.tree like '%\"list\":' || list.id || ',%' or v.tree like '%\"list\":' || list.id || '}%')";
    /// What is left of those, and why.
    LIST_STAYS = "select list.name, case when exists (select 1 from segment_version v where v.tree like '%\"list\":' || list.id || ',%' or v.tree like '%\"list\":' || list.id || '}%') then 'segment'
            when exists (select 1 from form_list c where c.list_id = list.id) then 'form'
            when exists (select 1 from consent_event e where e.list_id = list.id) then 'readers' else 'in-use' end as why
        from list where list.id = $1";
    UNMAKE_TOPIC = "delete from reader_topic where id = $1 and merged_into is null and version = 1
        and not exists (select 1 from subscription_topic c where c.topic_id = reader_topic.id)
        and not exists (select 1 from edition_topic e where e.topic_id = reader_topic.id)
        and not exists (select 1 from reader_topic o where o.merged_into = reader_topic.id)
        and not exists (select 1 from segment_version v where v.tree like '%\"topic\":' || reader_topic.id || ',%' or v.tree like '%\"topic\":' || reader_topic.id || '}%')";
    TOPIC_STAYS = "select reader_topic.name, case when exists (select 1 from segment_version v where v.tree like '%\"topic\":' || reader_topic.id || ',%' or v.tree like '%\"topic\":' || reader_topic.id || '}%') then 'segment'
            when exists (select 1 from subscription_topic c where c.topic_id = reader_topic.id) then 'readers' else 'in-use' end as why
        from reader_topic where reader_topic.id = $1";
    HOLD_FIELD = sqlite "select id from field where id = $1",
        postgres "select id from field where id = $1 for update";
    UNMAKE_FIELD = "delete from field where id = $1 and changes = 0 and removed_at is null
        and not exists (select 1 from field_value v where v.field_id = $1)
        and not exists (select 1 from form_field a where a.field_id = $1)
        and not exists (select 1 from segment_version v where v.tree like '%\"field\":' || field.id || ',%' or v.tree like '%\"field\":' || field.id || '}%')";
    FIELD_STAYS = "select field.label, case when exists (select 1 from segment_version v where v.tree like '%\"field\":' || field.id || ',%' or v.tree like '%\"field\":' || field.id || '}%') then 'segment'
            when exists (select 1 from form_field a where a.field_id = field.id) then 'form'
            when exists (select 1 from field_value v where v.field_id = field.id) then 'readers' else 'in-use' end as why
        from field where field.id = $1 and field.removed_at is null";
    /// The press; within a day of the end, which was not seen since by somebody else.
    BEGIN = "update import set state = 'undoing', changed_at = $3, next_at = $3, attempts = 0, last_error = null, line = 0, undone = ''
        where id = $1 and changed_at > $2 and state in ('done', 'stopped')
            and not exists (select 1 from import j where j.changed_at > import.changed_at and j.state in ('running', 'done', 'stopped', 'undoing'))";
    REACHED = "update import set next_at = $3, line = $4, undone = $5, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'undoing'";
    DONE = "update import set state = 'undone', changed_at = $3, undone = $4 where id = $1 and next_at = $2 and state = 'undoing'";
    DROP_CHANGES = "delete from import_change where import_id = $1 and subscriber_id in (
        select subscriber_id from import_change where import_id = $1 order by subscriber_id limit 500)";
    /// Who says themselves that they leave stays off, whatever a file said before them.
    STAYS_OFF = "delete from import_change where subscriber_id = $1 and kind = 'left' and (about = $2 or $2 = 0)";
    /// The same of a JSON array of pairs, reader and list, but for what this import said.
    ALL_STAY_OFF = sqlite "delete from import_change where kind = 'left' and import_id <> $2 and (subscriber_id, about) in
            (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each($1))",
        postgres "delete from import_change where kind = 'left' and import_id <> $2 and (subscriber_id, about) in
            (select cast(value ->> 0 as bigint), cast(value ->> 1 as bigint) from json_array_elements(cast($1 as json)))";
    /// Who says themselves how they want a list that a file put them on stays on it.
    STAYS_ON = "delete from import_change where subscriber_id = $1 and kind = 'joined' and (about = $2 or $2 = 0)";
    /// The same of a reader whom a file brought, whose row names its lists.
    KEEPS = "insert into import_change (import_id, subscriber_id, kind, about, was, at)
        select import_id, subscriber_id, 'kept', cast($2 as bigint), '', at from import_change where subscriber_id = $1 and kind = 'reader'
        on conflict (import_id, subscriber_id, kind, about) do nothing";
    /// What cannot be taken back any more.
    pub(crate) FORGET_CHANGES = "delete from import_change where (import_id, subscriber_id, kind, about) in (
        select import_id, subscriber_id, kind, about from import_change where at < $1 order by at limit $2)";
}

pub async fn add_changes(tx: &mut Tx, import: i64, changes: Vec<Change>) -> Result<u64> {
    let row = |one: Change| (import, one.subscriber_id, one.kind, one.about, one.was, one.at);
    tx.many(ADD_CHANGES, changes.into_iter().map(row)).await
}

pub async fn readers(db: &Db, import: i64, after: i64, limit: i64) -> Result<Vec<i64>> {
    let found: Vec<(i64,)> = db.all(READERS, (import, after, limit)).await?;
    Ok(found.into_iter().map(|(reader,)| reader).collect())
}

pub async fn changes_now(db: &Db, import: i64, readers: &[i64]) -> Result<Vec<Change>> {
    each(db.all(CHANGES, (import, db::array(readers)?)).await?)
}

pub async fn changes(tx: &mut Tx, import: i64, readers: &[i64]) -> Result<Vec<Change>> {
    each(tx.all(CHANGES, (import, db::array(readers)?)).await?)
}

pub async fn any(db: &Db, import: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(ANY, (import,)).await?.is_some())
}

/// The newest that took people after it: its public id and its file.
pub async fn later(db: &Db, import: i64) -> Result<Option<(String, String)>> {
    db.opt(LATER, (import,)).await
}

/// What it is called, and why it stays.
pub type Stays = (String, WhyItStays);

/// Held before, as by whoever deletes one. None if it is gone.
pub async fn unmake_list(tx: &mut Tx, list: i64) -> Result<Option<Stays>> {
    tx.exec(UNMAKE_LIST, (list,)).await?;
    tx.opt(LIST_STAYS, (list,)).await
}

/// The topics are held before. None if it is gone.
pub async fn unmake_topic(tx: &mut Tx, topic: i64) -> Result<Option<Stays>> {
    tx.exec(UNMAKE_TOPIC, (topic,)).await?;
    tx.opt(TOPIC_STAYS, (topic,)).await
}

/// None if it is gone.
pub async fn unmake_field(tx: &mut Tx, field: i64) -> Result<Option<Stays>> {
    tx.opt::<(i64,)>(HOLD_FIELD, (field,)).await?;
    tx.exec(UNMAKE_FIELD, (field,)).await?;
    tx.opt(FIELD_STAYS, (field,)).await
}

/// Readers and lists.
pub async fn mailed(tx: &mut Tx, readers: &[i64]) -> Result<Vec<(i64, i64)>> {
    tx.all(MAILED, (db::array(readers)?, LIST_TAKEN_BACK, ACT_TAKEN_BACK)).await
}

pub async fn public_ids(db: &Db, readers: &[i64]) -> Result<Vec<(i64, String)>> {
    db.all(PUBLIC_IDS, (db::array(readers)?,)).await
}

pub async fn public_ids_in(tx: &mut Tx, readers: &[i64]) -> Result<Vec<(i64, String)>> {
    tx.all(PUBLIC_IDS, (db::array(readers)?,)).await
}

pub async fn hold(tx: &mut Tx, readers: &[i64]) -> Result<u64> {
    tx.exec(HOLD, (db::array(readers)?,)).await
}

pub async fn unjoin(tx: &mut Tx, (reader, list): (i64, i64), at: Moment) -> Result<()> {
    tx.exec(UNJOIN, (reader, list)).await?;
    tx.exec(ERASE_IMPORTED, (reader, list, at)).await?;
    Ok(())
}

/// They are on it again by what was before: what the file said of it goes.
pub async fn erase_imported(tx: &mut Tx, (reader, list): (i64, i64), at: Moment) -> Result<u64> {
    tx.exec(ERASE_IMPORTED, (reader, list, at)).await
}

pub async fn back_on(tx: &mut Tx, (reader, list): (i64, i64), was: SubscriptionState) -> Result<bool> {
    Ok(tx.exec(BACK_ON, (reader, list, was)).await? == 1)
}

pub async fn unname(tx: &mut Tx, reader: i64, name: &str) -> Result<u64> {
    tx.exec(UNNAME, (reader, name)).await
}

pub async fn unanswer(tx: &mut Tx, (reader, field): (i64, i64), answer: &str) -> Result<u64> {
    tx.exec(UNANSWER, (reader, field, answer)).await
}

pub async fn unmeet(tx: &mut Tx, reader: i64) -> Result<bool> {
    Ok(tx.exec(UNMEET, (reader,)).await? == 1)
}

pub async fn begin(tx: &mut Tx, id: i64, since: Moment, now: Moment) -> Result<bool> {
    Ok(tx.exec(BEGIN, (id, since, now)).await? == 1)
}

pub async fn reached(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    reader: i64,
    sums: &str,
) -> Result<bool> {
    Ok(tx.exec(REACHED, (id, claim, until, reader, sums)).await? == 1)
}

pub async fn done(tx: &mut Tx, (id, claim): (i64, Moment), sums: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(DONE, (id, claim, now, sums)).await? == 1)
}

/// A reader leaves a list, or all of them.
pub async fn stays_off(tx: &mut Tx, reader: i64, list: Option<i64>) -> Result<u64> {
    in_bulk::stays_off(tx, reader, list).await?;
    tx.exec(STAYS_OFF, (reader, list.unwrap_or(0))).await
}

/// A reader says how they want a list, or all of them: they stay on it, whatever is taken back.
pub async fn stays_on(tx: &mut Tx, reader: i64, list: Option<i64>) -> Result<u64> {
    in_bulk::stays_on(tx, reader, list).await?;
    tx.exec(KEEPS, (reader, list.unwrap_or(0))).await?;
    tx.exec(STAYS_ON, (reader, list.unwrap_or(0))).await
}

/// Readers are off these lists, and stay so whatever is taken back, but this import.
pub async fn all_stay_off(tx: &mut Tx, but: i64, off: &[(i64, i64)]) -> Result<()> {
    if !off.is_empty() {
        let off = db::array(off)?;
        in_bulk::all_stay_off(tx, &off).await?;
        tx.exec(ALL_STAY_OFF, (off, but)).await?;
    }
    Ok(())
}

pub async fn drop_changes(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(DROP_CHANGES, (id,)).await
}
