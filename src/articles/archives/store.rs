//! The SQL of archives that are brought in.

use super::rows::{Archive, ArchiveKind, ArchiveLeft, ArchiveState};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    BEGIN = "insert into archive (public_id, state, kind, staff_id, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at)
        values ($1, 'arriving', 'unknown', $2, $3, $3, $4, 0, '', '', '', 0, '', 0, $3) returning id";
    /// One without a file: a site, or a page of it, that is asked itself.
    BEGIN_SITE = "insert into archive (public_id, state, kind, staff_id, created_at, changed_at, file, size, choices, survey, report, at, trouble, attempts, next_at)
        values ($1, 'reading', $5, $2, $3, $3, $4, 0, '', '', '', 0, '', 0, $3) returning id";
    /// A piece of the file.
    pub(crate) ADD_PART = "insert into archive_part (archive_id, number, bytes, kept_at) values ($1, $2, $3, $4)";
    pub(crate) PART = "select bytes from archive_part where archive_id = $1 and number = $2";
    /// The file is here.
    ARRIVED = "update archive set state = 'reading', size = $2, changed_at = $3, next_at = $3 where id = $1 and state = 'arriving'";
    /// The same for one of which everything was said before, and which its owner goes on with.
    ARRIVED_SAID = "update archive set state = 'running', size = $2, changed_at = $3, next_at = $4, kind = $5, survey = $6, choices = $7 where id = $1 and state = 'arriving'";
    NUMBER = "select id from archive where public_id = $1";
    /// The newest first, from a number on down; without those that are not here yet.
    ARCHIVES = "select a.id, a.public_id, a.state, a.kind, coalesce(s.name, '') as who, a.staff_id, a.created_at, a.changed_at, a.file, a.size, a.choices, a.survey, a.report, a.at, a.trouble
        from archive a left join staff s on s.id = a.staff_id where a.id <= $1 and a.id >= $2 and (cast($3 as bigint) = 1 or a.state <> 'arriving') order by a.id desc limit $4";
    /// How many wait to be gone on with, each with its file.
    UNFINISHED_ARCHIVES = "select count(*) from archive where state in ('reading', 'asking')";
    GO = "update archive set state = 'running', changed_at = $3, next_at = $3, attempts = 0, last_error = null, choices = $4, report = '', at = 0, trouble = ''
        where id = $1 and changed_at = $2 and state = 'asking' and survey <> ''";
    STOP = "update archive set state = 'stopped', changed_at = $2 where id = $1 and state = 'running'";
    /// Nothing of it was taken, and nobody goes on with it: what is left of it goes next.
    PUT_AWAY = "update archive set state = 'arriving', changed_at = $2 where id = $1 and state in ('arriving', 'reading', 'asking')";
    REMOVE = "delete from archive where id = $1 and state = 'arriving'";
    /// Some of its file.
    pub(crate) DROP_PARTS = "delete from archive_part where archive_id = $1 and number in (select number from archive_part where archive_id = $1 order by number limit 64)";
    /// What a worker found out about one that is still theirs: $2 their claim.
    FOUND = "update archive set state = 'asking', changed_at = $3, kind = $4, survey = $5, trouble = $6 where id = $1 and next_at = $2 and state = 'reading'";
    /// How far it is, with a new claim; nothing is, if somebody stopped it or has it.
    REACHED = "update archive set next_at = $3, at = case when at > $4 then at else $4 end, report = $5, changed_at = $6, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'running'";
    /// It broke off for a reason that trying again does not mend.
    ENDED = "update archive set state = $3, changed_at = $4, trouble = $5 where id = $1 and next_at = $2 and state = 'running'";
    /// Of one that comes again what is said then stands behind what was said before, once.
    ADD_LEFT = rows(5) "insert into archive_left (archive_id, number, title, why, found_at) values {rows} on conflict (archive_id, number) do update set
        why = case when substr(archive_left.why, length(archive_left.why) - length(excluded.why) + 1) = excluded.why then archive_left.why
            else archive_left.why || '; ' || excluded.why end";
    LEFT = "select number, title, why from archive_left where archive_id = $1 and number > $2 order by number limit $3";
    /// What was begun and not gone on with, once its file is gone.
    pub(crate) FORGET_UNFINISHED = "delete from archive where id in (select id from archive
        where state in ('arriving', 'reading', 'asking') and changed_at < $1
            and not exists (select 1 from archive_part p where p.archive_id = archive.id) order by changed_at limit $2)";
    /// Files that nobody went on with.
    pub(crate) FORGET_PARTS = "delete from archive_part where (archive_id, number) in (select archive_id, number from archive_part where kept_at < $1 order by kept_at limit $2)";
    pub(crate) FORGET_LEFT = "delete from archive_left where (archive_id, number) in (select archive_id, number from archive_left where found_at < $1 order by found_at limit $2)";
}

queue! {
    /// Those that go on by themselves.
    pub ARCHIVES_IN_TURN = ARCHIVES {
        table: "archive", key: "public_id", since: "created_at", also: ", id",
        open: "state in ('reading', 'running')",
    }
}

pub async fn begin(
    tx: &mut Tx,
    public_id: &str,
    (staff, file): (Option<i64>, &str),
    now: Moment,
) -> Result<i64> {
    Ok(tx.one::<(i64,)>(BEGIN, (public_id, staff, now, file)).await?.0)
}

pub async fn begin_site(
    tx: &mut Tx,
    public_id: &str,
    (staff, address): (Option<i64>, &str),
    kind: ArchiveKind,
    now: Moment,
) -> Result<i64> {
    Ok(tx.one::<(i64,)>(BEGIN_SITE, (public_id, staff, now, address, kind)).await?.0)
}

pub async fn arrived(tx: &mut Tx, id: i64, size: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(ARRIVED, (id, size, now)).await? == 1)
}

/// Its kind, what was seen in it, and what was chosen.
pub type Said<'a> = (ArchiveKind, &'a str, &'a str);

pub async fn arrived_said(
    tx: &mut Tx,
    (id, size): (i64, i64),
    (now, claim): (Moment, Moment),
    (kind, survey, choices): Said<'_>,
) -> Result<bool> {
    Ok(tx.exec(ARRIVED_SAID, (id, size, now, claim, kind, survey, choices)).await? == 1)
}

pub async fn one(db: &Db, public_id: &str) -> Result<Option<Archive>> {
    match db.opt::<(i64,)>(NUMBER, (public_id,)).await? {
        Some((id,)) => by_id(db, id).await,
        None => Ok(None),
    }
}

pub async fn by_id(db: &Db, id: i64) -> Result<Option<Archive>> {
    db.opt(ARCHIVES, (id, id, 1_i64, 1_i64)).await
}

pub async fn page(db: &Db, before: i64, limit: i64) -> Result<Vec<Archive>> {
    db.all(ARCHIVES, (before.saturating_sub(1), 0_i64, 0_i64, limit)).await
}

pub async fn unfinished(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(UNFINISHED_ARCHIVES, ()).await?.0)
}

pub async fn go(tx: &mut Tx, (id, seen): (i64, Moment), choices: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(GO, (id, seen, now, choices)).await? == 1)
}

pub async fn stop(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(STOP, (id, now)).await? == 1)
}

pub async fn put_away(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(PUT_AWAY, (id, now)).await? == 1)
}

pub async fn remove(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.exec(REMOVE, (id,)).await? == 1)
}

/// Whether it was still theirs who found out.
pub async fn found(
    tx: &mut Tx,
    (id, claim): (i64, Moment),
    (kind, survey, trouble): Said<'_>,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(FOUND, (id, claim, now, kind, survey, trouble)).await? == 1)
}

pub async fn reached(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    (at, report): (u64, &str),
    now: Moment,
) -> Result<bool> {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    Ok(tx.exec(REACHED, (id, claim, until, at, report, now)).await? == 1)
}

pub async fn ended(
    tx: &mut Tx,
    (id, claim): (i64, Moment),
    (state, trouble): (ArchiveState, &str),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(ENDED, (id, claim, state, now, trouble)).await? == 1)
}

pub async fn add_left(tx: &mut Tx, id: i64, left: &[ArchiveLeft], now: Moment) -> Result<u64> {
    let row = |one: &ArchiveLeft| (id, one.number, one.title.clone(), one.why.clone(), now);
    tx.many(ADD_LEFT, left.iter().map(row)).await
}

pub async fn left(db: &Db, id: i64, after: i64, limit: i64) -> Result<Vec<ArchiveLeft>> {
    db.all(LEFT, (id, after, limit)).await
}
