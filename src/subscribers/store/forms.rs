//! The SQL of forms.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
    subscribers::rows::{Answer, Field, FormState, Offers, OffersTopics, SignUpForm},
};

statements! {
    FORMS = "select id, slug, name, title, intro, wording, offers, topics, campaign, source, sites, state, changes, retired_at from form order by id";
    FORM = "select id, slug, name, title, intro, wording, offers, topics, campaign, source, sites, state, changes, retired_at from form where slug = $1";
    /// Unless the short name is taken.
    ADD_FORM = "insert into form (slug, name, title, intro, wording, offers, campaign, source, sites, state)
        values ($1, $2, '', '', '', 'all', '', '', '', 'closed') on conflict (slug) do nothing";
    /// As whoever saves it saw it.
    SAVE = "update form set name = $3, title = $4, intro = $5, wording = $6, offers = $7, campaign = $8, source = $9, state = $10, topics = $11,
        changes = changes + 1 where slug = $1 and changes = $2";
    SAVE_SITES = "update form set sites = $3, changes = changes + 1 where slug = $1 and changes = $2";
    /// As whoever puts it away, or brings it back, saw it.
    RETIRE = "update form set retired_at = cast($3 as bigint), changes = changes + 1 where slug = $1 and changes = $2 and slug <> 'main'";
    /// One by which nobody came: what it was stands nowhere else.
    DELETE = "delete from form where slug = $1 and changes = $2 and slug <> 'main' and retired_at is not null
        and not exists (select 1 from consent_event e where e.form_id = form.id)
        and not exists (select 1 from form_day d where d.form_id = form.id)";
    /// Whether somebody came by it, or what they did is still counted.
    WAS_USED = "select count(*) from form f where f.id = $1 and (exists (select 1 from consent_event e where e.form_id = f.id)
        or exists (select 1 from form_day d where d.form_id = f.id))";
    LISTS_OF = "select list_id from form_list where form_id = $1 order by list_id";
    /// What can be joined by a form while it is open, where readers may join it at all.
    OFFERED = "select l.id from form f join list l on f.offers = 'all'
            or exists (select 1 from form_list c where c.form_id = f.id and c.list_id = l.id)
        where f.id = $1 and f.state = 'open' and f.retired_at is null order by l.id";
    /// Open forms that offer nothing, or nothing but a list; the list is 0 for the former.
    EMPTY_WITHOUT = "select f.id, f.name from form f where f.state = 'open' and f.retired_at is null
        and ($1 = 0 or (f.offers = 'all' and exists (select 1 from list o where o.id = $1 and o.visibility = 'public')) or exists (select 1 from form_list c where c.form_id = f.id and c.list_id = $1))
        and not exists (select 1 from list l where l.id <> $1 and l.visibility = 'public' and l.closed_at is null and l.retired_at is null
            and (f.offers = 'all' or exists (select 1 from form_list c where c.form_id = f.id and c.list_id = l.id)))
        order by f.name, f.id";
    FORGET_LISTS = "delete from form_list where form_id = $1";
    ADD_LIST = "insert into form_list (form_id, list_id) select cast($1 as bigint), id from list where id = $2";
    FIELDS_OF = "select f.id, f.name, f.label, f.kind, f.choices, f.stands_in, f.changes, a.answer from form_field a join field f on f.id = a.field_id
        where a.form_id = $1 and f.removed_at is null order by a.place, f.id";
    FORGET_FIELDS_OF = "delete from form_field where form_id = $1";
    /// Held, so that nobody takes it away meanwhile.
    ADD_FIELD_OF = sqlite "insert into form_field (form_id, field_id, place, answer)
            select cast($1 as bigint), id, cast($3 as bigint), $4 from field where id = $2 and removed_at is null",
        postgres "insert into form_field (form_id, field_id, place, answer)
            select cast($1 as bigint), id, cast($3 as bigint), $4 from field where id = $2 and removed_at is null for share";
    /// From now on that wording stands beside the box of a form.
    SAYS = "insert into form_wording (form_id, version, wording_id, since)
        select f.id, 1 + (select count(*) from form_wording o where o.form_id = f.id), cast($2 as bigint), cast($3 as bigint) from form f
        where f.id = $1 and coalesce((select o.wording_id from form_wording o where o.form_id = f.id order by o.version desc limit 1), 0) <> $2
        on conflict do nothing";
    /// A wording stood there that nobody saved: the usual one.
    SAW = "insert into form_wording (form_id, version, wording_id, since)
        select f.id, 1 + (select count(*) from form_wording o where o.form_id = f.id), cast($2 as bigint), cast($3 as bigint) from form f
        where f.id = $1 and not exists (select 1 from form_wording o where o.form_id = f.id and o.wording_id = $2)
        on conflict do nothing";
    /// The wordings of a form, the first first.
    WORDINGS = "select w.text, f.since from form_wording f join consent_wording w on w.id = f.wording_id
        where f.form_id = $1 order by f.version";
    /// One more who asked, or confirmed.
    ONE_MORE = "insert into form_day (form_id, began_at, part, asked, confirmed) values ($1, $2, $3, $4, $5)
        on conflict (form_id, began_at, part) do update set
            asked = form_day.asked + excluded.asked, confirmed = form_day.confirmed + excluded.confirmed";
    /// By which form, and for what, a reader last asked for a list.
    ASKED_BY_FORM = "select form_id, campaign from consent_event
        where subscriber_id = $1 and list_id = $2 and action = 'asked' order by id desc limit 1";
    COUNTS_OF_FORMS = "select form_id, cast(sum(asked) as bigint) as asked, cast(sum(confirmed) as bigint) as confirmed
        from form_day where began_at >= $1 group by form_id";
    pub(crate) FORGET_FORM_DAYS = "delete from form_day where (form_id, began_at, part) in (
        select form_id, began_at, part from form_day where began_at < $1 order by began_at limit $2)";
}

pub async fn all(db: &Db) -> Result<Vec<SignUpForm>> {
    db.all(FORMS, ()).await
}

pub async fn named(db: &Db, slug: &str) -> Result<Option<SignUpForm>> {
    db.opt(FORM, (slug,)).await
}

pub async fn named_in(tx: &mut Tx, slug: &str) -> Result<Option<SignUpForm>> {
    tx.opt(FORM, (slug,)).await
}

pub async fn add(tx: &mut Tx, slug: &str, name: &str) -> Result<bool> {
    Ok(tx.exec(ADD_FORM, (slug, name)).await? == 1)
}

/// What the team says of a form.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub intro: &'a str,
    pub wording: &'a str,
    pub offers: Offers,
    pub campaign: &'a str,
    pub source: &'a str,
    pub state: FormState,
    pub topics: OffersTopics,
}

/// `false` if somebody saved it since it was seen.
pub async fn save(tx: &mut Tx, slug: &str, seen: i64, words: Words<'_>) -> Result<bool> {
    let Words { name, title, intro, wording, offers, campaign, source, state, topics } = words;
    let row = (slug, seen, name, title, intro, wording, offers, campaign, source, state, topics);
    Ok(tx.exec(SAVE, row).await? == 1)
}

pub async fn save_sites(tx: &mut Tx, slug: &str, seen: i64, sites: &str) -> Result<bool> {
    Ok(tx.exec(SAVE_SITES, (slug, seen, sites)).await? == 1)
}

/// Since when it is put away; none brings it back. `false` if somebody saved it since it was seen.
pub async fn retire(tx: &mut Tx, slug: &str, seen: i64, since: Option<Moment>) -> Result<bool> {
    Ok(tx.exec(RETIRE, (slug, seen, since)).await? == 1)
}

pub async fn delete(tx: &mut Tx, slug: &str, seen: i64) -> Result<bool> {
    Ok(tx.exec(DELETE, (slug, seen)).await? == 1)
}

pub async fn was_used(db: &Db, form: i64) -> Result<bool> {
    Ok(db.one::<(i64,)>(WAS_USED, (form,)).await?.0 > 0)
}

pub async fn lists_of(db: &Db, form: i64) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(LISTS_OF, (form,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn empty_without(db: &Db, list: i64) -> Result<Vec<(i64, String)>> {
    db.all(EMPTY_WITHOUT, (list,)).await
}

pub async fn offered(tx: &mut Tx, form: i64) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(OFFERED, (form,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn offer(tx: &mut Tx, form: i64, lists: &[i64]) -> Result<()> {
    tx.exec(FORGET_LISTS, (form,)).await?;
    for list in lists {
        tx.exec(ADD_LIST, (form, *list)).await?;
    }
    Ok(())
}

/// A field, as a form asks it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Asked {
    #[sqlx(flatten)]
    pub field: Field,
    pub answer: Answer,
}

pub async fn fields_of(db: &Db, form: i64) -> Result<Vec<Asked>> {
    db.all(FIELDS_OF, (form,)).await
}

pub async fn ask(tx: &mut Tx, form: i64, fields: &[(i64, Answer)]) -> Result<()> {
    tx.exec(FORGET_FIELDS_OF, (form,)).await?;
    for (place, (field, answer)) in (0_i64..).zip(fields) {
        tx.exec(ADD_FIELD_OF, (form, *field, place, *answer)).await?;
    }
    Ok(())
}

pub async fn says(tx: &mut Tx, form: i64, wording: i64, now: Moment) -> Result<u64> {
    tx.exec(SAYS, (form, wording, now)).await
}

pub async fn saw(tx: &mut Tx, form: i64, wording: i64, now: Moment) -> Result<u64> {
    tx.exec(SAW, (form, wording, now)).await
}

pub async fn wordings(db: &Db, form: i64) -> Result<Vec<(String, Moment)>> {
    db.all(WORDINGS, (form,)).await
}

pub async fn one_more(
    tx: &mut Tx,
    (form, day, part): (i64, Moment, i64),
    (asked, confirmed): (i64, i64),
) -> Result<u64> {
    tx.exec(ONE_MORE, (form, day, part, asked, confirmed)).await
}

/// The form by which a reader asked; none where it was another way.
#[derive(Clone, Debug, Default, sqlx_macros::FromRow)]
pub struct AskedBy {
    pub form_id: Option<i64>,
    pub campaign: String,
}

pub async fn asked_by(tx: &mut Tx, subscriber: i64, list: i64) -> Result<AskedBy> {
    Ok(tx.opt(ASKED_BY_FORM, (subscriber, list)).await?.unwrap_or_default())
}

/// How many came by a form.
#[derive(Clone, Copy, Debug, Default, sqlx_macros::FromRow)]
pub struct CameBy {
    pub form_id: i64,
    pub asked: i64,
    pub confirmed: i64,
}

pub async fn came(db: &Db, since: Moment) -> Result<Vec<CameBy>> {
    db.all(COUNTS_OF_FORMS, (since,)).await
}
