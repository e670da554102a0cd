//! The SQL of lists.

use super::{
    super::rows::{List, Visibility, Written},
    places,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    editions::Rhythm,
    statements,
};

statements! {
    /// A list behind all others, unless its short name is taken.
    ADD = "insert into list (public_id, slug, name, description, visibility, created_at, position)
        select $1, $2, $3, $4, $6, cast($5 as bigint), coalesce(max(position), 0) + 1 from list where true
        on conflict (slug) do nothing";
    /// Every list.
    ALL = "select id, public_id, slug, name, description, visibility, opt_in, offered, welcomes, welcome_subject, welcome_text,
            closed_at, retired_at, rhythms, version
        from list order by position, id";
    BY_PUBLIC_ID = "select id, public_id, slug, name, description, visibility, opt_in, offered, welcomes, welcome_subject, welcome_text,
            closed_at, retired_at, rhythms, version
        from list where public_id = $1";
    /// What staff decided, if nobody else saved it since.
    CHANGE = "update list set name = $3, description = $4, visibility = $5, opt_in = $6, offered = $7,
            closed_at = case when $8 then coalesce(closed_at, $9) end,
            welcomes = $10, welcome_subject = $11, welcome_text = $12, rhythms = $13, version = version + 1
        where id = $1 and version = $2";
    RENAME = "update list set name = $2, version = version + 1 where id = $1";
    /// Every list with its place, held until the commit, in the order of their numbers as by everybody.
    HOLD_PLACES = sqlite "select id, position from list order by position, id",
        postgres "select id, position from list order by id for update";
    PLACE = "update list set position = $2 where id = $1";
    RETIRE = "update list set retired_at = $3, version = version + 1 where id = $1 and version = $2 and retired_at is null";
    BRING_BACK = "update list set retired_at = null, version = version + 1 where id = $1 and version = $2 and retired_at is not null";
    /// Whether one was made by mistake. Whoever was ever on it, asked for it or left it has a proof that names it, and it stays; so does
    /// the last one, and one to which a file is being brought in.
    IS_UNUSED = "select exists (select 1 from list o where o.id <> $1)
        and not exists (select 1 from subscription where list_id = $1 and state = 'confirmed')
        and not exists (select 1 from subscription where list_id = $1 and state = 'pending')
        and not exists (select 1 from subscription where list_id = $1 and state = 'left')
        and not exists (select 1 from consent_event e where e.list_id = $1)
        and not exists (select 1 from forgotten_consent f where f.list_id = $1)
        and not exists (select 1 from edition e where e.list_id = $1)
        and not exists (select 1 from import i where i.list_id = $1 and i.state in ('reading', 'asking', 'counting', 'ready', 'running', 'undoing'))";
    /// What is over of files that were meant for it.
    UNNAME = "update import set list_id = null where list_id = $1";
    DELETE = "delete from list where id = $1 and version = $2";
    /// How many asked for a list and have not confirmed, from an index of those alone.
    PENDING = "select count(*) from subscription s where s.list_id = $1 and s.state = 'pending'
        and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)";
}

pub async fn add(
    tx: &mut Tx,
    public_id: &str,
    (slug, name, description): (&str, &str, &str),
    seen_by: Visibility,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(ADD, (public_id, slug, name, description, now, seen_by)).await? == 1)
}

pub async fn all(db: &Db) -> Result<Vec<List>> {
    db.all(ALL, ()).await
}

pub async fn all_in(tx: &mut Tx) -> Result<Vec<List>> {
    tx.all(ALL, ()).await
}

pub async fn pending(db: &Db, list: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(PENDING, (list,)).await?.0)
}

pub async fn by_public_id(db: &Db, public_id: &str) -> Result<Option<List>> {
    db.opt(BY_PUBLIC_ID, (public_id,)).await
}

pub async fn change(tx: &mut Tx, id: i64, version: i64, to: &Written, now: Moment) -> Result<bool> {
    let (name, description) = (to.name.as_str(), to.description.as_str());
    let (subject, text) = (to.welcome_subject.as_str(), to.welcome_text.as_str());
    let Written { visibility, opt_in, offered, closed, welcomes, .. } = *to;
    let rhythms = Rhythm::write(&to.rhythms);
    let row = (
        id,
        version,
        name,
        description,
        visibility,
        opt_in,
        offered,
        closed,
        now,
        welcomes,
        subject,
        text,
        rhythms,
    );
    Ok(tx.exec(CHANGE, row).await? == 1)
}

pub async fn rename(tx: &mut Tx, id: i64, name: &str) -> Result<()> {
    tx.exec(RENAME, (id, name)).await?;
    Ok(())
}

pub async fn shift(tx: &mut Tx, id: i64, by: isize) -> Result<()> {
    places::shift(tx, (HOLD_PLACES, PLACE), id, by).await
}

pub async fn retire(tx: &mut Tx, (id, version): (i64, i64), now: Moment) -> Result<bool> {
    Ok(tx.exec(RETIRE, (id, version, now)).await? == 1)
}

pub async fn hold(tx: &mut Tx) -> Result<()> {
    tx.all::<(i64, i64)>(HOLD_PLACES, ()).await.map(drop)
}

pub async fn is_unused(db: &Db, id: i64) -> Result<bool> {
    Ok(db.one::<(bool,)>(IS_UNUSED, (id,)).await?.0)
}

/// Of one that is held.
pub async fn delete(tx: &mut Tx, (id, version): (i64, i64)) -> Result<bool> {
    if !tx.one::<(bool,)>(IS_UNUSED, (id,)).await?.0 {
        return Ok(false);
    }
    tx.exec(UNNAME, (id,)).await?;
    Ok(tx.exec(DELETE, (id, version)).await? == 1)
}

pub async fn bring_back(tx: &mut Tx, (id, version): (i64, i64)) -> Result<bool> {
    Ok(tx.exec(BRING_BACK, (id, version)).await? == 1)
}
