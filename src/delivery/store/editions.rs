//! SQL of the state of an edition. The content of an edition is the digests room's.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// The state alone.
    STATE = "select state from edition where id = $1";
    /// The same, and it stays so until the end of the transaction.
    STATE_FOR_UPDATE = sqlite "select state from edition where id = $1", postgres "select state from edition where id = $1 for update";
    /// Press Send.
    SCHEDULE = "update edition set state = 'scheduled', send_at = $2, sent_by = $3, updated_at = $4
                where id = $1 and state = 'draft'";
    /// Undo, as long as sealing has not begun.
    UNSCHEDULE = "update edition set state = 'draft', send_at = null, sent_by = null, held_because = '', updated_at = $2
                  where id = $1 and state in ('scheduled', 'held') and seal_cursor is null and sealed_at is null";
    /// Those whose time has come.
    DUE = "select id, list_id, revision, coalesce(seal_cursor, 0) as cursor, send_at, corrects_edition_id, corrects_revision from edition
           where state = 'scheduled' and send_at <= $1 order by send_at, id";
    /// The step of one chunk of sealing: only the one who knows the cursor may take it.
    ADVANCE_SEAL = "update edition set seal_cursor = $3, updated_at = $4
                    where id = $1 and state = 'scheduled' and coalesce(seal_cursor, 0) = $2";
    /// The audience is complete.
    FINISH_SEAL = "update edition set state = 'sealed', sealed_at = $2, updated_at = $2,
                       sealed_count = (select cast(coalesce(sum(count), 0) as bigint) from delivery_tally where edition_id = $1)
                   where id = $1 and state = 'scheduled'";
    /// From here on deliveries are claimed.
    START = "update edition set state = case when held_because = 'restored' then 'held' else 'sending' end, going_since = $2, updated_at = $2
        where id = $1 and state = 'sealed'";
    /// Hold back what is not yet with a connection.
    PAUSE = "update edition set state = 'paused', paused_because = $3, paused_for = $4, updated_at = $2
        where id = $1 and state = 'sending'";
    /// Why it paused by itself, if it stands still for that; and it stays so until the end of the transaction.
    PAUSED_BECAUSE = sqlite "select paused_because from edition where id = $1 and state = 'paused' and paused_because <> ''",
        postgres "select paused_because from edition where id = $1 and state = 'paused' and paused_because <> '' for update";
    /// Go on. While it stood still nobody was asked: patience with domains begins anew.
    RESUME = "update edition set state = 'sending', held_because = '', paused_because = '', paused_for = '', going_since = $2, updated_at = $2,
                  judged_after = (select coalesce(max(id), 0) from delivery_attempt)
              where id = $1 and state in ('paused', 'held') and sealed_at is not null";
    /// What was held before its audience was complete is due now, as if its moment had just come.
    RELEASE = "update edition set state = 'scheduled', held_because = '', send_at = $2, updated_at = $2
               where id = $1 and state = 'held' and sealed_at is null";
    /// The house asks staff first: what waited for its moment, and missed it by too much, or cannot be made into a mail.
    HOLD = "update edition set state = 'held', held_because = $4, updated_at = $2
            where id = $1 and state = 'scheduled' and send_at = $3";
    /// After a backup was restored: everything that would go out by itself.
    HOLD_ALL = "update edition set state = 'held', held_because = 'restored', paused_because = '', paused_for = '', updated_at = $1
                where state in ('scheduled', 'sealed', 'sending', 'paused', 'held') returning public_id";
    /// Never the same version twice, also within one moment.
    TOUCH = "update edition set updated_at = case when updated_at >= $2 then updated_at + 1 else $2 end where id = $1";
    /// Its audience is written down, and then it is held again (`START`).
    LOCK_HELD = "update edition set state = 'scheduled', send_at = $2, updated_at = $2
                 where id = $1 and state = 'held' and held_because = 'restored' and sealed_at is null";
    /// What happens to a copy whose outcome is not known; decided before anything is sealed.
    SET_POLICY = "update edition set unknown_policy = $2 where id = $1 and state in ('draft', 'scheduled')";
    /// Copies that failed are tried again, so it is not over; whoever wants that has patience anew. What an edition
    /// that still goes out, or paused, is judged by stays.
    REOPEN = "update edition set state = case when state = 'finished' then 'sending' else state end, finished_at = null, going_since = $2, updated_at = $2,
                  judged_after = case when state = 'finished' then (select coalesce(max(id), 0) from delivery_attempt) else judged_after end
              where id = $1 and state in ('finished', 'sending', 'paused')";
    /// Send no more of it.
    CANCEL = "update edition set state = 'cancelled', updated_at = $2, finished_at = $2
              where id = $1 and state in ('scheduled', 'sealed', 'sending', 'paused', 'held')";
    /// Editions whose deliveries may be claimed, and what is left of them. (`+` keeps SQLite off the primary key, which would read
    /// the whole audience.)
    SENDING = "select e.id, e.unknown_policy,
            (select min(d.next_at) from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane = '') as next_at,
            exists (select 1 from delivery d where d.edition_id = e.id and d.state = 'queued' and d.lane > '') as any_in_lanes,
            exists (select 1 from delivery d where + d.edition_id = e.id and d.state = 'claimed' and d.claimed_by > 0) as any_claimed
        from edition e where e.state = 'sending' order by e.id";
    /// The same, by their ids alone.
    SENDING_NOW = "select id from edition where state = 'sending'";
    /// Whether it seems to be over.
    SEEMS_OVER = "select id from edition where id = $1 and state = 'sending'
              and not exists (select 1 from delivery where edition_id = $1 and state = 'queued')
              and not exists (select 1 from delivery where edition_id = $1 and state = 'claimed')";
    /// Waits for whoever is reopening it.
    HOLD_ROW = sqlite "select state from edition where id = $1", postgres "select state from edition where id = $1 for update";
    /// Nothing is open any more.
    FINISH = "update edition set state = 'finished', finished_at = $2, updated_at = $2
              where id = $1 and state = 'sending'
              and not exists (select 1 from delivery where edition_id = $1 and state = 'queued')
              and not exists (select 1 from delivery where edition_id = $1 and state = 'claimed')";
    /// The parts of each state, added up over the workers.
    TALLIES = "select state, cast(sum(count) as bigint) as count from delivery_tally where edition_id = $1 group by state";
    /// The rows themselves, counted, and beside them the tallies: one statement sees one moment, whatever is sending.
    AUDIT = "select 'rows' as of, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state,
            count(*) as count from delivery where edition_id = $1 group by 2
        union all select 'tallies', state, cast(sum(count) as bigint) from delivery_tally where edition_id = $1 group by state
        union all select 'sealed', '', sealed_count from edition where id = $1 and sealed_count is not null";
    /// What was sealed.
    SEALED_COUNT = "select sealed_count from edition where id = $1";
    /// Every edition that was ever sealed.
    SEALED_EDITIONS = "select id from edition where sealed_at is not null order by id";
}

/// An edition that is being sent.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sending {
    /// Its id.
    pub id: i64,
    /// What happens to a copy that may have arrived.
    pub unknown_policy: String,
    /// When the next copy that waits is due; none if none waits.
    pub next_at: Option<Moment>,
    /// Whether copies wait for domains that asked for patience.
    pub any_in_lanes: bool,
    /// Whether some worker holds copies of it.
    pub any_claimed: bool,
}

impl Sending {
    /// Whether a copy can be claimed.
    pub fn is_due(&self, now: Moment) -> bool {
        self.next_at.is_some_and(|at| at <= now)
    }

    /// Whether nothing of it is open any more.
    pub const fn seems_over(&self) -> bool {
        self.next_at.is_none() && !self.any_in_lanes && !self.any_claimed
    }
}

/// An edition whose time has come.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct DueEdition {
    /// Its id.
    pub id: i64,
    /// Whose members get it.
    pub list_id: i64,
    /// The revision that is sealed.
    pub revision: i64,
    /// The last subscriber whose delivery was written; 0 at the start.
    pub cursor: i64,
    /// When it was to go out.
    pub send_at: Moment,
    /// The edition it corrects, if it is a correction: then it goes to those who got one revision of that.
    pub corrects_edition_id: Option<i64>,
    /// That revision.
    pub corrects_revision: Option<i64>,
}

pub async fn state(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(STATE, (id,)).await?.map(|(state,)| state))
}

pub async fn schedule(
    tx: &mut Tx,
    id: i64,
    send_at: Moment,
    staff: Option<i64>,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(SCHEDULE, (id, send_at, staff, now)).await? == 1)
}

pub async fn unschedule(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(UNSCHEDULE, (id, now)).await? == 1)
}

pub async fn due(db: &Db, now: Moment) -> Result<Vec<DueEdition>> {
    db.all(DUE, (now,)).await
}

pub async fn advance_seal(tx: &mut Tx, id: i64, from: i64, to: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(ADVANCE_SEAL, (id, from, to, now)).await? == 1)
}

pub async fn finish_seal(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(FINISH_SEAL, (id, now)).await? == 1)
}

pub async fn start(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(START, (id, now)).await? == 1)
}

pub async fn pause(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(PAUSE, (id, now, "", "")).await? == 1)
}

/// As [`pause`], by the engine itself: why, and for what.
pub async fn pause_because(
    tx: &mut Tx,
    id: i64,
    (why, paused_for): (&str, &str),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(PAUSE, (id, now, why, paused_for)).await? == 1)
}

pub async fn paused_because(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(PAUSED_BECAUSE, (id,)).await?.map(|(why,)| why))
}

pub async fn resume(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(RESUME, (id, now)).await? == 1)
}

pub async fn release(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(RELEASE, (id, now)).await? == 1)
}

pub async fn hold(tx: &mut Tx, id: i64, send_at: Moment, because: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(HOLD, (id, now, send_at, because)).await? == 1)
}

pub async fn touch(tx: &mut Tx, id: i64, now: Moment) -> Result<()> {
    tx.exec(TOUCH, (id, now)).await?;
    Ok(())
}

pub async fn lock_held(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(LOCK_HELD, (id, now)).await? == 1)
}

pub async fn state_for_update(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(STATE_FOR_UPDATE, (id,)).await?.map(|(state,)| state))
}

pub async fn hold_all(tx: &mut Tx, now: Moment) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(HOLD_ALL, (now,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn set_policy(tx: &mut Tx, id: i64, policy: &str) -> Result<bool> {
    Ok(tx.exec(SET_POLICY, (id, policy)).await? == 1)
}

pub async fn reopen(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(REOPEN, (id, now)).await? == 1)
}

pub async fn cancel(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(CANCEL, (id, now)).await? == 1)
}

pub async fn seems_over(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(SEEMS_OVER, (id,)).await?.is_some())
}

/// Ends it, if nothing is open; for what seems to be over.
pub async fn finish(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    // A statement that waited for the row would look at the copies as they were before it waited: another one looks again.
    tx.opt::<(String,)>(HOLD_ROW, (id,)).await?;
    Ok(tx.exec(FINISH, (id, now)).await? == 1)
}

pub async fn sending(db: &Db) -> Result<Vec<Sending>> {
    db.all(SENDING, ()).await
}

/// The ids of what is being sent, inside a transaction.
pub async fn sending_now(tx: &mut Tx) -> Result<Vec<i64>> {
    Ok(tx.all::<(i64,)>(SENDING_NOW, ()).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn tallies(db: &Db, id: i64) -> Result<Vec<(String, i64)>> {
    db.all(TALLIES, (id,)).await
}

/// Of what (`rows`, `tallies`, or `sealed`), which state, how many.
pub async fn audit(db: &Db, id: i64) -> Result<Vec<(String, String, i64)>> {
    db.all(AUDIT, (id,)).await
}

pub async fn sealed_count(db: &Db, id: i64) -> Result<Option<i64>> {
    Ok(db.opt::<(Option<i64>,)>(SEALED_COUNT, (id,)).await?.and_then(|(count,)| count))
}

/// How many copies were sealed, inside a transaction.
pub async fn sealed(tx: &mut Tx, id: i64) -> Result<i64> {
    Ok(tx.opt::<(Option<i64>,)>(SEALED_COUNT, (id,)).await?.and_then(|(count,)| count).unwrap_or_default())
}

pub async fn sealed_editions(db: &Db) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(SEALED_EDITIONS, ()).await?.into_iter().map(|(id,)| id).collect())
}
