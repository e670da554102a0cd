//! The statements of the log of what staff did.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ADD = "insert into audit_log (staff_id, action, subject, detail, at) values ($1, $2, $3, $4, $5)";
    LATEST = "select s.name as staff_name, a.action, a.subject, a.detail, a.at
        from audit_log a left join staff s on s.id = a.staff_id order by a.id desc limit $1";
}

/// One line of the log.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Line {
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

pub(super) async fn latest(db: &Db, limit: i64) -> Result<Vec<Line>> {
    db.all(LATEST, (limit,)).await
}
