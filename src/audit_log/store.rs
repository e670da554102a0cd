//! The statements of the log of what staff did.

use crate::{
    clock::Moment,
    db::{Db, Result, Sql, Tx},
    statements,
};

statements! {
    ADD = "insert into audit_log (staff_id, action, subject, detail, at) values ($1, $2, $3, $4, $5)";
    LATEST = "select a.id, s.name as staff_name, a.action, a.subject, a.detail, a.at
        from audit_log a left join staff s on s.id = a.staff_id order by a.id desc limit $1";
    /// From a place on, newest first, of a time. Each of the three from an index of its own.
    PAGE = "select a.id, s.name as staff_name, a.action, a.subject, a.detail, a.at
        from audit_log a left join staff s on s.id = a.staff_id
        where (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4 order by a.at desc, a.id desc limit $5";
    OF_PERSON = "select a.id, s.name as staff_name, a.action, a.subject, a.detail, a.at
        from audit_log a left join staff s on s.id = a.staff_id
        where a.staff_id = $6 and (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4 order by a.at desc, a.id desc limit $5";
    ABOUT = "select a.id, s.name as staff_name, a.action, a.subject, a.detail, a.at
        from audit_log a left join staff s on s.id = a.staff_id
        where a.subject = $6 and ($7 = 0 or a.staff_id = $7) and (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4
        order by a.at desc, a.id desc limit $5";
    HAS_LOOKED = "select id from reader_look where staff_id = $1 and subject = $2 and detail = $3 and day = $4";
    /// Two who press at once are one look.
    ADD_LOOK = "insert into reader_look (staff_id, subject, detail, day, at) values ($1, $2, $3, $4, $5)
        on conflict (staff_id, subject, detail, day) do nothing";
    /// As those of deeds, each from an index of its own.
    LOOKS = "select a.id, s.name as staff_name, case when a.subject = '' then 'looked through readers' else 'looked at a reader' end as action,
            a.subject, a.detail, a.at
        from reader_look a join staff s on s.id = a.staff_id
        where (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4 order by a.at desc, a.id desc limit $5";
    LOOKS_OF_PERSON = "select a.id, s.name as staff_name, case when a.subject = '' then 'looked through readers' else 'looked at a reader' end as action,
            a.subject, a.detail, a.at
        from reader_look a join staff s on s.id = a.staff_id
        where a.staff_id = $6 and (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4 order by a.at desc, a.id desc limit $5";
    LOOKS_AT = "select a.id, s.name as staff_name, case when a.subject = '' then 'looked through readers' else 'looked at a reader' end as action,
            a.subject, a.detail, a.at
        from reader_look a join staff s on s.id = a.staff_id
        where a.subject = $6 and ($7 = 0 or a.staff_id = $7) and (a.at, a.id) < ($1, $2) and a.at >= $3 and a.at < $4
        order by a.at desc, a.id desc limit $5";
    pub(crate) FORGET_LOOKS = "delete from reader_look where id in (select id from reader_look where at < $1 order by at limit $2)";
}

/// One line of the log.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct LogLine {
    pub id: i64,
    /// Whose doing it was; none for the command line and the program itself.
    pub staff_name: Option<String>,
    /// A verb in the past: "invited", "changed role", "exported readers".
    pub action: String,
    /// To what it was done.
    pub subject: String,
    /// More, in words.
    pub detail: String,
    pub at: Moment,
}

pub(super) async fn add(
    tx: &mut Tx,
    staff_id: Option<i64>,
    (action, subject, detail): (&str, &str, &str),
    now: Moment,
) -> Result<()> {
    tx.exec(ADD, (staff_id, action, subject, detail, now)).await.map(drop)
}

pub(super) async fn latest(db: &Db, limit: i64) -> Result<Vec<LogLine>> {
    db.all(LATEST, (limit,)).await
}

/// Which lines are looked for; what is none is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantedLines<'a> {
    /// Whose doing.
    pub staff_id: Option<i64>,
    /// To what.
    pub subject: Option<&'a str>,
    /// From one moment on and before another.
    pub within: Option<(Moment, Moment)>,
}

/// What was done.
pub(super) const DEEDS: [Sql; 3] = [PAGE, ABOUT, OF_PERSON];
/// Who was looked at.
pub(super) const OF_LOOKS: [Sql; 3] = [LOOKS, LOOKS_AT, LOOKS_OF_PERSON];

/// The lines that are looked for, by the statements for all, for those about a subject and for those of a person.
pub(super) async fn page(
    db: &Db,
    [all, about, of_person]: [Sql; 3],
    wanted: WantedLines<'_>,
    (at, id): (Moment, i64),
    limit: i64,
) -> Result<Vec<LogLine>> {
    let (from, until) = wanted.within.unwrap_or((Moment(i64::MIN), Moment(i64::MAX)));
    match wanted {
        WantedLines { subject: Some(subject), staff_id, .. } => {
            db.all(about, (at, id, from, until, limit, subject, staff_id.unwrap_or_default())).await
        }
        WantedLines { staff_id: Some(staff), .. } => {
            db.all(of_person, (at, id, from, until, limit, staff)).await
        }
        _ => db.all(all, (at, id, from, until, limit)).await,
    }
}

pub(super) async fn has_looked(db: &Db, look: (i64, &str, &str, &str)) -> Result<bool> {
    Ok(db.opt::<(i64,)>(HAS_LOOKED, look).await?.is_some())
}

pub(super) async fn add_look(
    tx: &mut Tx,
    (staff_id, subject, detail, day): (i64, &str, &str, &str),
    now: Moment,
) -> Result<()> {
    tx.exec(ADD_LOOK, (staff_id, subject, detail, day, now)).await.map(drop)
}
