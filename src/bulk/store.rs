//! The SQL of acts on many readers: rows, and a queue of those that go on.

use super::BulkPlan;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
    subscribers::{BulkDeed, BulkSums, BulkTakenBack, Weeks},
    words,
};

words! {
    /// How far an act on many readers is.
    pub enum BulkState {
        /// It is found out what would become of everybody.
        Counting = "counting",
        /// Nothing is written yet: it waits for the press.
        Ready = "ready",
        Running = "running",
        Done = "done",
        /// Somebody stopped it: what was changed before that stays.
        Stopped = "stopped",
        /// It is taken back.
        Undoing = "undoing",
        /// What it changed is as it was.
        Undone = "undone",
    }
}

impl BulkState {
    /// Whether it goes on by itself.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Counting | Self::Running | Self::Undoing)
    }
}

/// An act on many readers.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct BulkAct {
    pub(super) id: i64,
    /// In addresses.
    pub public_id: String,
    pub state: BulkState,
    pub deed: BulkDeed,
    /// Who began it.
    pub who: String,
    pub(super) staff_id: Option<i64>,
    pub created_at: Moment,
    /// When somebody, or the program, last did something with it.
    pub changed_at: Moment,
    pub list_id: Option<i64>,
    /// The name of the list; may be empty.
    pub list: String,
    pub topic_id: Option<i64>,
    /// The name of the topic; may be empty.
    pub topic: String,
    pub weeks: Option<Weeks>,
    /// Until when they rest, from the press on.
    pub until: Option<Moment>,
    /// How they agreed, or why it is done.
    pub why: String,
    pub(super) filter: String,
    /// To whom, in words.
    pub whom: String,
    pub(super) reached: i64,
    pub(super) expected: String,
    pub(super) sums: String,
    pub(super) undone: String,
    /// Why it does not go on; may be empty.
    pub trouble: String,
}

statements! {
    BEGIN = "insert into bulk_act (public_id, state, deed, staff_id, created_at, changed_at, list_id, topic_id, weeks, why, filter, whom, up_to, reached, expected, sums, trouble, attempts, next_at)
        values ($1, 'counting', $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $11, '', '', '', 0, $4)";
    ONE = "select b.id, b.public_id, b.state, b.deed, coalesce(s.name, '') as who, b.staff_id, b.created_at, b.changed_at, b.list_id, coalesce(l.name, '') as list, b.topic_id, coalesce(t.name, '') as topic,
            b.weeks, b.until, b.why, b.filter, b.whom, b.reached, b.expected, b.sums, b.undone, b.trouble
        from bulk_act b left join staff s on s.id = b.staff_id left join list l on l.id = b.list_id left join reader_topic t on t.id = b.topic_id where b.public_id = $1";
    BY_ID = "select b.id, b.public_id, b.state, b.deed, coalesce(s.name, '') as who, b.staff_id, b.created_at, b.changed_at, b.list_id, coalesce(l.name, '') as list, b.topic_id, coalesce(t.name, '') as topic,
            b.weeks, b.until, b.why, b.filter, b.whom, b.reached, b.expected, b.sums, b.undone, b.trouble
        from bulk_act b left join staff s on s.id = b.staff_id left join list l on l.id = b.list_id left join reader_topic t on t.id = b.topic_id where b.id = $1";
    /// The newest first.
    PAGE = "select b.id, b.public_id, b.state, b.deed, coalesce(s.name, '') as who, b.staff_id, b.created_at, b.changed_at, b.list_id, coalesce(l.name, '') as list, b.topic_id, coalesce(t.name, '') as topic,
            b.weeks, b.until, b.why, b.filter, b.whom, b.reached, b.expected, b.sums, b.undone, b.trouble
        from bulk_act b left join staff s on s.id = b.staff_id left join list l on l.id = b.list_id left join reader_topic t on t.id = b.topic_id where b.id < $1 order by b.id desc limit $2";
    UNFINISHED = "select count(*) from bulk_act where state in ('counting', 'ready', 'running', 'undoing')";
    /// From the beginning, if nobody did anything with it since.
    PRESS = "update bulk_act set state = 'running', changed_at = $4, next_at = $4, attempts = 0, last_error = null, until = $3, reached = up_to, sums = ''
        where id = $1 and changed_at = $2 and state = 'ready'";
    STOP = "update bulk_act set state = 'stopped', changed_at = $2, filter = '' where id = $1 and state = 'running'";
    /// Nothing of it was done.
    REMOVE = "delete from bulk_act where id = $1 and state in ('counting', 'ready')";
    /// How far the counting is, with a new claim.
    COUNTED = "update bulk_act set next_at = $3, reached = $4, sums = $5, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'counting'";
    IS_COUNTED = "update bulk_act set state = 'ready', changed_at = $4, expected = $3, sums = '' where id = $1 and next_at = $2 and state = 'counting'";
    /// How far it is, with a new claim; nothing is, if somebody stopped it or has it.
    REACHED = "update bulk_act set next_at = $3, reached = $4, sums = $5, changed_at = $6, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'running'";
    DONE = "update bulk_act set state = 'done', changed_at = $4, sums = $3, filter = '' where id = $1 and next_at = $2 and state = 'running'";
    /// The newest that was begun after it and changed somebody, or still may, and was not taken back; nobody takes one back whose topic is gone.
    LATER = "select j.public_id from bulk_act j where j.id > $1 and (j.state = 'running'
            or j.state in ('done', 'stopped', 'undoing') and (j.deed not in ('choose', 'unchoose') or j.topic_id is not null)
                and exists (select 1 from bulk_change c where c.bulk_act_id = j.id)) order by j.id desc limit 1";
    BEGIN_TAKING_BACK = "update bulk_act set state = 'undoing', changed_at = $3, next_at = $3, attempts = 0, last_error = null, reached = 0, undone = ''
        where id = $1 and changed_at > $2 and state in ('done', 'stopped')
            and not exists (select 1 from bulk_act j where j.id > bulk_act.id and (j.state = 'running'
                or j.state in ('done', 'stopped', 'undoing') and (j.deed not in ('choose', 'unchoose') or j.topic_id is not null)
                    and exists (select 1 from bulk_change c where c.bulk_act_id = j.id)))";
    TAKEN_BACK = "update bulk_act set next_at = $3, reached = $4, undone = $5, attempts = 0, last_error = null where id = $1 and next_at = $2 and state = 'undoing'";
    IS_UNDONE = "update bulk_act set state = 'undone', changed_at = $3 where id = $1 and next_at = $2 and state = 'undoing'";
    /// What a restored backup would go on with.
    STOP_ALL = "update bulk_act set state = 'stopped', changed_at = $1, trouble = $2, filter = '' where state in ('running', 'undoing')";
    REMOVE_ALL = "delete from bulk_act where state in ('counting', 'ready')";
    /// What was begun and not pressed: it may hold what was typed.
    pub(crate) FORGET_UNPRESSED = "delete from bulk_act where id in (select id from bulk_act where state in ('counting', 'ready') and changed_at < $1 order by changed_at limit $2)";
    pub(crate) FORGET_ACTS = "delete from bulk_act where id in (select id from bulk_act where state in ('done', 'stopped', 'undone') and changed_at < $1
            and not exists (select 1 from bulk_change c where c.bulk_act_id = bulk_act.id) order by changed_at limit $2)";
}

queue! {
    /// Those that go on by themselves.
    pub BULK_IN_TURN = BULK {
        table: "bulk_act", key: "public_id", since: "created_at", also: ", id",
        open: "state in ('counting', 'running', 'undoing')",
    }
}

/// Sums as a row keeps them; nothing where nothing is known yet.
pub fn sums(text: &str) -> Result<BulkSums> {
    if text.is_empty() {
        return Ok(BulkSums::default());
    }
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn written(sums: &BulkSums) -> Result<String> {
    serde_json::to_string(sums).map_err(|error| sqlx::Error::Encode(error.into()))
}

pub async fn begin(
    tx: &mut Tx,
    public_id: &str,
    plan: &BulkPlan<'_>,
    (filter, up_to): (&str, i64),
    staff: i64,
    now: Moment,
) -> Result<u64> {
    let with = (plan.list, plan.topic, plan.weeks);
    tx.exec(
        BEGIN,
        (public_id, plan.deed, staff, now, with.0, with.1, with.2, plan.why, filter, plan.whom, up_to),
    )
    .await
}

pub async fn one(db: &Db, public_id: &str) -> Result<Option<BulkAct>> {
    db.opt(ONE, (public_id,)).await
}

pub async fn by_id(db: &Db, id: i64) -> Result<Option<BulkAct>> {
    db.opt(BY_ID, (id,)).await
}

pub async fn page(db: &Db, before: i64, limit: i64) -> Result<Vec<BulkAct>> {
    db.all(PAGE, (before, limit)).await
}

pub async fn unfinished(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(UNFINISHED, ()).await?.0)
}

pub async fn press(
    tx: &mut Tx,
    (id, seen): (i64, Moment),
    until: Option<Moment>,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(PRESS, (id, seen, until, now)).await? == 1)
}

pub async fn stop(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(STOP, (id, now)).await? == 1)
}

pub async fn remove(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.exec(REMOVE, (id,)).await? == 1)
}

/// Whether it is still theirs who counted.
pub async fn counted(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    (before, sums): (i64, &BulkSums),
) -> Result<bool> {
    Ok(tx.exec(COUNTED, (id, claim, until, before, written(sums)?)).await? == 1)
}

pub async fn is_counted(
    tx: &mut Tx,
    (id, claim): (i64, Moment),
    sums: &BulkSums,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(IS_COUNTED, (id, claim, written(sums)?, now)).await? == 1)
}

/// Whether it is still theirs who did it.
pub async fn reached(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    (before, sums): (i64, &BulkSums),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(REACHED, (id, claim, until, before, written(sums)?, now)).await? == 1)
}

pub async fn done(tx: &mut Tx, (id, claim): (i64, Moment), sums: &BulkSums, now: Moment) -> Result<bool> {
    Ok(tx.exec(DONE, (id, claim, written(sums)?, now)).await? == 1)
}

/// The newest that was begun after it, as addresses call it.
pub async fn later(db: &Db, id: i64) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(LATER, (id,)).await?.map(|(public_id,)| public_id))
}

pub async fn begin_taking_back(tx: &mut Tx, id: i64, since: Moment, now: Moment) -> Result<bool> {
    Ok(tx.exec(BEGIN_TAKING_BACK, (id, since, now)).await? == 1)
}

/// Whether it is still theirs who takes it back.
pub async fn taken_back(
    tx: &mut Tx,
    (id, claim, until): (i64, Moment, Moment),
    reader: i64,
    sums: &BulkTakenBack,
) -> Result<bool> {
    let sums = serde_json::to_string(sums).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(tx.exec(TAKEN_BACK, (id, claim, until, reader, sums)).await? == 1)
}

pub async fn is_undone(tx: &mut Tx, (id, claim): (i64, Moment), now: Moment) -> Result<bool> {
    Ok(tx.exec(IS_UNDONE, (id, claim, now)).await? == 1)
}

pub async fn stop_all(tx: &mut Tx, why: &str, now: Moment) -> Result<u64> {
    tx.exec(REMOVE_ALL, ()).await?;
    tx.exec(STOP_ALL, (now, why)).await
}
