//! The SQL of the fields that the team defined, and of what readers answered.

use crate::{
    answers::FieldKind,
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
    subscribers::rows::{Field, StandsIn},
};

statements! {
    FIELDS = "select id, name, label, kind, choices, stands_in, changes from field where removed_at is null order by id";
    FIELD = "select id, name, label, kind, choices, stands_in, changes from field where name = $1 and removed_at is null";
    /// Unless the name is taken.
    ADD_FIELD = "insert into field (name, label, kind, choices, stands_in, changes) values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id";
    /// As whoever changes it saw it.
    CHANGE_FIELD = "update field set label = $3, choices = $4, stands_in = $5, changes = changes + 1
        where id = $1 and changes = $2 and removed_at is null";
    /// Nobody sees it from then on. As whoever removes it saw it.
    REMOVE_FIELD = "update field set removed_at = $3 where id = $1 and changes = $2 and removed_at is null";
    /// Forms that asked the one ask the other.
    ASK_INSTEAD = "update form_field set field_id = $2 where field_id = $1";
    ASK_NO_MORE = "delete from form_field where field_id = $1";
    /// How many answered, and the forms that ask it.
    ANSWERED = "select count(*) from field_value where field_id = $1";
    ASKED_BY = "select f.name from form_field a join form f on f.id = a.form_id where a.field_id = $1 order by f.id";
    /// Who answered already keeps what they said.
    KEEP = "insert into field_value (subscriber_id, field_id, value)
        select cast($1 as bigint), id, $3 from field where id = $2 and removed_at is null
        on conflict (subscriber_id, field_id) do nothing";
    FIELD_BY_ID = "select id, name, label, kind, choices, stands_in, changes from field where id = $1 and removed_at is null";
    OF_READER = "select f.id, f.name, f.label, f.kind, f.choices, f.stands_in, f.changes, v.value from field_value v
        join field f on f.id = v.field_id where v.subscriber_id = $1 and f.removed_at is null order by f.id";
    /// What stands on a reader's own page: what they answered, what the form on our own pages asks, and what the forms ask by which they came.
    OF_THEIR_PAGE = "select f.id, f.name, f.label, f.kind, f.choices, f.stands_in, f.changes, coalesce(v.value, '') as value from field f
            left join field_value v on v.field_id = f.id and v.subscriber_id = $1
        where f.removed_at is null and (v.value is not null or exists (select 1 from form_field a join form m on m.id = a.form_id
            where a.field_id = f.id and (m.slug = 'main'
                or m.id in (select e.form_id from consent_event e where e.subscriber_id = $1 and e.form_id is not null)))) order by f.id";
    /// The reader answers otherwise than before, or takes their answer back.
    ANSWER = "insert into field_value (subscriber_id, field_id, value)
        select cast($1 as bigint), id, $3 from field where id = $2 and removed_at is null
        on conflict (subscriber_id, field_id) do update set value = excluded.value where field_value.value <> excluded.value";
    TAKE_BACK = "delete from field_value where subscriber_id = $1 and field_id = $2";
    /// The answers to a field that was removed.
    pub(crate) FORGET_VALUES = "delete from field_value where (subscriber_id, field_id) in (
        select v.subscriber_id, v.field_id from field f join field_value v on v.field_id = f.id
        where f.removed_at < $1 limit $2)";
    /// The field, once they are gone.
    pub(crate) FORGET_FIELDS = "delete from field where id in (select id from field where removed_at < $1
        and not exists (select 1 from field_value v where v.field_id = field.id) order by removed_at limit $2)";
}

pub async fn all(db: &Db) -> Result<Vec<Field>> {
    db.all(FIELDS, ()).await
}

pub async fn all_in(tx: &mut Tx) -> Result<Vec<Field>> {
    tx.all(FIELDS, ()).await
}

pub async fn named(tx: &mut Tx, name: &str) -> Result<Option<Field>> {
    tx.opt(FIELD, (name,)).await
}

pub async fn by_id(tx: &mut Tx, id: i64) -> Result<Option<Field>> {
    tx.opt(FIELD_BY_ID, (id,)).await
}

/// What the team says of a field.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub label: &'a str,
    pub kind: FieldKind,
    pub choices: &'a str,
    pub stands_in: StandsIn,
}

pub async fn add(tx: &mut Tx, name: &str, changes: i64, said: Said<'_>) -> Result<Option<i64>> {
    let row = (name, said.label, said.kind, said.choices, said.stands_in, changes);
    Ok(tx.opt::<(i64,)>(ADD_FIELD, row).await?.map(|(id,)| id))
}

/// `false` if somebody changed it since it was seen.
pub async fn change(tx: &mut Tx, (id, seen): (i64, i64), said: Said<'_>) -> Result<bool> {
    Ok(tx.exec(CHANGE_FIELD, (id, seen, said.label, said.choices, said.stands_in)).await? == 1)
}

/// `false` if somebody changed it since it was seen.
pub async fn remove(tx: &mut Tx, (id, seen): (i64, i64), now: Moment) -> Result<bool> {
    Ok(tx.exec(REMOVE_FIELD, (id, seen, now)).await? == 1)
}

pub async fn ask_instead(tx: &mut Tx, old: i64, new: i64) -> Result<u64> {
    tx.exec(ASK_INSTEAD, (old, new)).await
}

pub async fn ask_no_more(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(ASK_NO_MORE, (id,)).await
}

pub async fn answered(db: &Db, id: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(ANSWERED, (id,)).await?.0)
}

pub async fn asked_by(db: &Db, id: i64) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(ASKED_BY, (id,)).await?.into_iter().map(|(name,)| name).collect())
}

pub async fn keep(tx: &mut Tx, subscriber: i64, field: i64, value: &str) -> Result<u64> {
    tx.exec(KEEP, (subscriber, field, value)).await
}

/// `false` if it was so before.
pub async fn answer(tx: &mut Tx, subscriber: i64, field: i64, value: &str) -> Result<bool> {
    let changed = match value {
        "" => tx.exec(TAKE_BACK, (subscriber, field)).await?,
        value => tx.exec(ANSWER, (subscriber, field, value)).await?,
    };
    Ok(changed == 1)
}

/// A field with the answer of one reader.
#[derive(sqlx_macros::FromRow)]
pub struct Answered {
    #[sqlx(flatten)]
    pub field: Field,
    pub value: String,
}

pub async fn of_reader(db: &Db, subscriber: i64) -> Result<Vec<Answered>> {
    db.all(OF_READER, (subscriber,)).await
}

pub async fn of_their_page(db: &Db, subscriber: i64) -> Result<Vec<Answered>> {
    db.all(OF_THEIR_PAGE, (subscriber,)).await
}

pub async fn of_their_page_in(tx: &mut Tx, subscriber: i64) -> Result<Vec<Answered>> {
    tx.all(OF_THEIR_PAGE, (subscriber,)).await
}
