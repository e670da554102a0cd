//! The SQL of lists that are brought in.

use super::super::{
    import::RowError,
    imports::{Import, ImportState},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    BEGIN = "insert into import (public_id, state, staff_id, created_at, changed_at, file, size, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at)
        values ($1, 'arriving', $2, $3, $3, $4, 0, '', '', $5, '', '', '', '', 0, 0, '', 0, $3) returning id";
    /// A piece of the file.
    pub(crate) ADD_PART = "insert into import_part (import_id, number, bytes, kept_at) values ($1, $2, $3, $4)";
    pub(crate) PART = "select bytes from import_part where import_id = $1 and number = $2";
    /// The file is here.
    ARRIVED = "update import set state = 'reading', size = $2, changed_at = $3, next_at = $3 where id = $1 and state = 'arriving'";
    /// The same for one of which everything was said before, and which its owner goes on with.
    ARRIVED_SAID = "update import set state = 'running', size = $2, changed_at = $3, next_at = $4, list_id = $5, basis = $6, source = $7, choices = $8 where id = $1 and state = 'arriving'";
    NUMBER = "select id from import where public_id = $1";
    /// The newest first, from a number on down; what only their own page shows where $3 is 1, and without those that are not here yet where not.
    IMPORTS = "select i.id, i.public_id, i.state, coalesce(s.name, '') as who, i.staff_id, i.created_at, i.changed_at, i.file, i.size, i.list_id, coalesce(l.name, '') as list,
            i.basis, i.source, i.makes_lists, case when cast($3 as bigint) = 1 then i.choices else '' end as choices,
            case when cast($3 as bigint) = 1 then i.survey else '' end as survey, i.expected, i.report, i.undone, i.pass, i.line, i.trouble
        from import i left join staff s on s.id = i.staff_id left join list l on l.id = i.list_id
        where i.id <= $1 and i.id >= $2 and (cast($3 as bigint) = 1 or i.state <> 'arriving') order by i.id desc limit $4";
    /// How many wait to be gone on with, each with its file; but for files that broke off on the way, which nobody sees.
    UNFINISHED = "select count(*) from import where state in ('reading', 'asking', 'counting', 'ready')";
    /// What was said of one that waits for it, if nobody said anything since.
    SAY = "update import set state = 'reading', changed_at = $3, next_at = $3, attempts = 0, last_error = null, list_id = $4, basis = $5, source = $6, makes_lists = $7, choices = $8, trouble = ''
        where id = $1 and changed_at = $2 and state in ('asking', 'ready')";
    /// Back to what is to be said.
    BACK = "update import set state = 'asking', changed_at = $2 where id = $1 and state = 'ready'";
    GO = "update import set state = 'running', changed_at = $3, next_at = $3, attempts = 0, last_error = null, report = '', pass = 0, line = 0
        where id = $1 and changed_at = $2 and state = 'ready'";
    STOP = "update import set state = 'stopped', changed_at = $2 where id = $1 and state = 'running'";
    /// Nothing of it was taken, and nobody goes on with it: what is left of it goes next.
    PUT_AWAY = "update import set state = 'arriving', changed_at = $2 where id = $1 and state in ('arriving', 'reading', 'asking', 'counting', 'ready')";
    REMOVE = "delete from import where id = $1 and state = 'arriving'";
    /// Some of its file, or of its problems.
    pub(crate) DROP_PARTS = "delete from import_part where import_id = $1 and number in (select number from import_part where import_id = $1 order by number limit 64)";
    DROP_PROBLEMS = "delete from import_problem where import_id = $1 and line in (select line from import_problem where import_id = $1 order by line limit 2000)";
    /// What a worker found out about one that is still theirs: $2 their claim, $3 the state that it was in.
    FOUND = "update import set state = $4, changed_at = $5, survey = $6, trouble = $7 where id = $1 and next_at = $2 and state = $3";
    /// How far the counting is, with a new claim.
    COUNTED = "update import set next_at = $3, report = $4, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'counting'";
    EXPECTED = "update import set state = 'ready', changed_at = $3, expected = $4, report = '' where id = $1 and next_at = $2 and state = 'counting'";
    /// How far it is, with a new claim; nothing is, if somebody stopped it or has it.
    REACHED = "update import set next_at = $3, pass = $4, line = $5, report = $6, changed_at = $7, attempts = 0, last_error = null
        where id = $1 and next_at = $2 and state = 'running'";
    DONE = "update import set state = 'done', changed_at = $3, report = $4 where id = $1 and next_at = $2 and state = 'running'";
    /// A line has one problem.
    ADD_PROBLEMS = rows(6) "insert into import_problem (import_id, line, file, file_line, why, found_at) values {rows} on conflict (import_id, line) do nothing";
    PROBLEMS = "select line, file, file_line, why from import_problem where import_id = $1 and line > $2 order by line limit $3";
    HAS_PROBLEMS = "select line from import_problem where import_id = $1 limit 1";
    /// What was begun and not gone on with.
    pub(crate) FORGET_UNFINISHED = "delete from import where id in (select id from import
        where state in ('arriving', 'reading', 'asking', 'counting', 'ready') and changed_at < $1
            and not exists (select 1 from import_part p where p.import_id = import.id) order by changed_at limit $2)";
    /// Files that broke off on the way here, with nothing of them since a moment.
    pub(crate) FORGET_BROKEN_PARTS = "delete from import_part where (import_id, number) in (
        select p.import_id, p.number from import i join import_part p on p.import_id = i.id where i.state in ('arriving', 'reading', 'asking', 'counting', 'ready') and i.state = 'arriving' and i.changed_at < $1
            and not exists (select 1 from import_part n where n.import_id = i.id and n.kept_at >= $1) order by p.import_id, p.number limit $2)";
    pub(crate) FORGET_BROKEN = "delete from import where id in (select id from import
        where state in ('arriving', 'reading', 'asking', 'counting', 'ready') and state = 'arriving' and changed_at < $1
        and not exists (select 1 from import_part p where p.import_id = import.id) order by changed_at limit $2)";
    /// Files of what nobody went on with.
    pub(crate) FORGET_PARTS = "delete from import_part where (import_id, number) in (select import_id, number from import_part where kept_at < $1 order by kept_at limit $2)";
    pub(crate) FORGET_PROBLEMS = "delete from import_problem where (import_id, line) in (select import_id, line from import_problem where found_at < $1 order by found_at limit $2)";
    /// What a restored backup would go on with, not knowing who left since.
    STOP_ALL = "update import set state = 'stopped', changed_at = $1, trouble = $2 where state in ('running', 'undoing')";
    BACK_ALL = "update import set state = 'asking', changed_at = $1 where state in ('reading', 'counting', 'ready')";
}

queue! {
    /// Those that go on by themselves.
    pub IMPORTS_IN_TURN = IMPORTS {
        table: "import", key: "public_id", since: "created_at", also: ", id",
        open: "state in ('reading', 'counting', 'running', 'undoing')",
    }
}

pub async fn begin(
    tx: &mut Tx,
    public_id: &str,
    (staff, file, makes_lists): (Option<i64>, &str, bool),
    now: Moment,
) -> Result<i64> {
    Ok(tx.one::<(i64,)>(BEGIN, (public_id, staff, now, file, makes_lists)).await?.0)
}

pub async fn arrived(tx: &mut Tx, id: i64, size: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(ARRIVED, (id, size, now)).await? == 1)
}

/// List, basis, source and choices.
pub type Said<'a> = (i64, &'a str, &'a str, &'a str);

pub async fn arrived_said(
    tx: &mut Tx,
    (id, size): (i64, i64),
    (now, claim): (Moment, Moment),
    (list, basis, source, choices): Said<'_>,
) -> Result<bool> {
    Ok(tx.exec(ARRIVED_SAID, (id, size, now, claim, list, basis, source, choices)).await? == 1)
}

pub async fn one(db: &Db, public_id: &str) -> Result<Option<Import>> {
    match db.opt::<(i64,)>(NUMBER, (public_id,)).await? {
        Some((id,)) => by_id(db, id).await,
        None => Ok(None),
    }
}

pub async fn by_id(db: &Db, id: i64) -> Result<Option<Import>> {
    db.opt(IMPORTS, (id, id, 1_i64, 1_i64)).await
}

pub async fn page(db: &Db, before: i64, limit: i64) -> Result<Vec<Import>> {
    db.all(IMPORTS, (before.saturating_sub(1), 0_i64, 0_i64, limit)).await
}

pub async fn unfinished(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(UNFINISHED, ()).await?.0)
}

pub async fn say(
    tx: &mut Tx,
    (id, seen): (i64, Moment),
    (list, basis, source, choices): Said<'_>,
    makes_lists: bool,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(SAY, (id, seen, now, list, basis, source, makes_lists, choices)).await? == 1)
}

pub async fn back(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(BACK, (id, now)).await? == 1)
}

pub async fn go(tx: &mut Tx, id: i64, seen: Moment, now: Moment) -> Result<bool> {
    Ok(tx.exec(GO, (id, seen, now)).await? == 1)
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

/// How many went; there may be more.
pub async fn drop_problems(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(DROP_PROBLEMS, (id,)).await
}

/// Whether it was still theirs who found out.
pub async fn found(
    tx: &mut Tx,
    (id, claim): (i64, Moment),
    (from, to): (ImportState, ImportState),
    (survey, trouble): (&str, &str),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(FOUND, (id, claim, from, to, now, survey, trouble)).await? == 1)
}

pub async fn counted(tx: &mut Tx, (id, claim, until): (i64, Moment, Moment), report: &str) -> Result<bool> {
    Ok(tx.exec(COUNTED, (id, claim, until, report)).await? == 1)
}

pub async fn expected(tx: &mut Tx, (id, claim): (i64, Moment), report: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(EXPECTED, (id, claim, now, report)).await? == 1)
}

/// Which time the file is read, how many of its rows were taken, and what became of everybody so far.
pub async fn reached(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    (pass, taken, report): (i64, u64, String),
    now: Moment,
) -> Result<bool> {
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    Ok(tx.exec(REACHED, (id, claim, until, pass, taken, report, now)).await? == 1)
}

pub async fn done(tx: &mut Tx, (id, claim): (i64, Moment), report: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(DONE, (id, claim, now, report)).await? == 1)
}

pub async fn add_problems(tx: &mut Tx, id: i64, problems: &[RowError], now: Moment) -> Result<u64> {
    let number = |line: u64| i64::try_from(line).unwrap_or(i64::MAX);
    let row = |one: &'_ RowError| {
        let (file, line) = one.place();
        (id, number(one.line), file.unwrap_or_default().to_owned(), number(line), one.why.clone(), now)
    };
    tx.many(ADD_PROBLEMS, problems.iter().map(row)).await
}

/// The line over all, the file in an archive and the line in that, and why.
pub type Problem = (i64, String, i64, String);

pub async fn problems(db: &Db, id: i64, after: i64, limit: i64) -> Result<Vec<Problem>> {
    db.all(PROBLEMS, (id, after, limit)).await
}

pub async fn has_problems(db: &Db, id: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(HAS_PROBLEMS, (id,)).await?.is_some())
}

pub async fn stop_all(tx: &mut Tx, why: &str, now: Moment) -> Result<u64> {
    tx.exec(BACK_ALL, (now,)).await?;
    tx.exec(STOP_ALL, (now, why)).await
}
