//! The statements that write the table of editions. What their revisions say is the publishing room's.

use super::{Cause, EditionState, HeldBecause, Rhythm, UnknownPolicy};
use crate::{
    clock::Moment,
    db::{Db, Params, Result, Sql, Tx},
    statements,
};

statements! {
    /// A draft, as somebody saw it. Its revisions and whatever was frozen of it go with it.
    DELETE_DRAFT = "delete from edition where id = $1 and state = 'draft' and revision = $2 and updated_at = $3 returning public_id";
    INSERT_EDITION = "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_by, created_at, updated_at)
        select $1, d.id, d.list_id, 'draft', 1, 'resend', $2, $3, $3 from digest d
            join list l on l.id = d.list_id and l.retired_at is null where d.id = $4
        returning id";
    /// The number of the next revision, taken only while the edition stands in the right state and nobody saved since.
    NEXT_REVISION = "update edition set revision = revision + 1, updated_at = $1
        where id = $2 and revision = $3 and state = $4 returning revision";
    INSERT_CORRECTION = "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_by, created_at, updated_at,
            corrects_edition_id, corrects_revision, asks_again)
        select $1, digest_id, list_id, 'draft', 1, unknown_policy, $2, $3, $3, id, $5, asks_again from edition
            where id = $4 and exists (select 1 from list l where l.id = edition.list_id and l.retired_at is null)
        returning id";
    /// Where it stands, held until the commit: what is read of it stays true while it is acted on.
    STAND = sqlite "select state, revision, send_at, updated_at from edition where id = $1",
        postgres "select state, revision, send_at, updated_at from edition where id = $1 for update";
    /// The state alone.
    STATE = "select state from edition where id = $1";
    /// The same, and it stays so until the end of the transaction.
    STATE_FOR_UPDATE = sqlite "select state from edition where id = $1", postgres "select state from edition where id = $1 for update";
    /// When its list was retired, held until the commit: nobody retires it meanwhile.
    HOLD_LIST = sqlite "select l.retired_at from edition e join list l on l.id = e.list_id where e.id = $1",
        postgres "select l.retired_at from edition e join list l on l.id = e.list_id where e.id = $1 for share of l";
    /// A list is retired: what waits for its moment, and what goes out.
    HOLD_OF_LIST = "update edition set state = 'held', updated_at = $2,
            held_because = case when held_because = 'restored' then 'restored' else 'retired' end
        where list_id = $1 and state = 'scheduled' returning public_id";
    PAUSE_OF_LIST = "update edition set state = 'paused', paused_because = '', paused_for = '', updated_at = $2
        where list_id = $1 and state = 'sending' returning public_id";
    /// Press Send.
    SCHEDULE = "update edition set state = 'scheduled', send_at = $2, sent_by = $3, updated_at = $4
                where id = $1 and state = 'draft' returning public_id";
    /// Undo, as long as sealing has not begun.
    UNSCHEDULE = "update edition set state = 'draft', send_at = null, sent_by = null, held_because = '', updated_at = $2
                  where id = $1 and state in ('scheduled', 'held') and seal_cursor is null and sealed_at is null returning public_id";
    /// Whom a draft is for.
    SET_RHYTHM = "update edition set rhythm = $2 where id = $1";
    /// Whether it asks them to confirm again.
    SET_ASKING_AGAIN = "update edition set asks_again = $2 where id = $1";
    /// Those whose time has come.
    DUE = "select id, list_id, revision, coalesce(seal_cursor, 0) as cursor, send_at, corrects_edition_id, corrects_revision,
               rhythm is not null or exists (select 1 from edition_topic t where t.edition_id = edition.id)
                or exists (select 1 from edition_segment n where n.edition_id = edition.id) as by_choice from edition
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
        where id = $1 and state = 'sending' returning public_id";
    /// Why it paused by itself, if it stands still for that; and it stays so until the end of the transaction.
    PAUSED_BECAUSE = sqlite "select paused_because from edition where id = $1 and state = 'paused' and paused_because <> ''",
        postgres "select paused_because from edition where id = $1 and state = 'paused' and paused_because <> '' for update";
    /// Go on. While it stood still nobody was asked: patience with domains begins anew.
    RESUME = "update edition set state = 'sending', held_because = '', paused_because = '', paused_for = '', going_since = $2, updated_at = $2,
                  judged_after = (select coalesce(max(id), 0) from delivery_attempt)
              where id = $1 and state in ('paused', 'held') and sealed_at is not null returning public_id";
    /// What was held before its audience was complete is due now, as if its moment had just come.
    RELEASE = "update edition set state = 'scheduled', held_because = '', send_at = $2, updated_at = $2
               where id = $1 and state = 'held' and sealed_at is null returning public_id";
    /// The house asks staff first: what waited for its moment, and missed it by too much, or cannot be made into a mail.
    HOLD = "update edition set state = 'held', held_because = $4, updated_at = $2
            where id = $1 and state = 'scheduled' and send_at = $3 returning public_id";
    /// After a backup was restored: everything that would go out by itself.
    HOLD_ALL = "update edition set state = 'held', held_because = 'restored', paused_because = '', paused_for = '', updated_at = $1
                where state in ('scheduled', 'sealed', 'sending', 'paused', 'held') returning public_id";
    /// Somebody is told of its refusals, or was.
    SEE_REFUSALS = "update edition set refusals_seen = true where id = $1";
    /// Never the same version twice, also within one moment.
    TOUCH = "update edition set updated_at = case when updated_at >= $2 then updated_at + 1 else $2 end where id = $1";
    /// Its audience is written down, and then it is held again (`START`).
    LOCK_HELD = "update edition set state = 'scheduled', send_at = $2, updated_at = $2
                 where id = $1 and state = 'held' and held_because = 'restored' and sealed_at is null returning public_id";
    /// What happens to a copy whose outcome is not known; decided before anything is sealed.
    SET_POLICY = "update edition set unknown_policy = $2 where id = $1 and state in ('draft', 'scheduled')";
    /// Copies that failed are tried again, so it is not over; whoever wants that has patience anew. What an edition
    /// that still goes out, or paused, is judged by stays.
    REOPEN = "update edition set state = case when state = 'finished' then 'sending' else state end, finished_at = null, going_since = $2, updated_at = $2,
                  judged_after = case when state = 'finished' then (select coalesce(max(id), 0) from delivery_attempt) else judged_after end
              where id = $1 and state in ('finished', 'sending', 'paused')";
    /// Send no more of it.
    CANCEL = "update edition set state = 'cancelled', updated_at = $2, finished_at = $2
              where id = $1 and state in ('scheduled', 'sealed', 'sending', 'paused', 'held') returning public_id";
    /// Waits for whoever is reopening it.
    HOLD_ROW = sqlite "select state from edition where id = $1", postgres "select state from edition where id = $1 for update";
    /// Nothing is open any more.
    FINISH = "update edition set state = 'finished', finished_at = $2, updated_at = $2
              where id = $1 and state = 'sending'
              and not exists (select 1 from delivery where edition_id = $1 and state = 'queued')
              and not exists (select 1 from delivery where edition_id = $1 and state = 'claimed')";
}

/// Where an edition stands: what a refused write is explained by.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct Stand {
    pub state: EditionState,
    /// Its newest revision.
    pub revision: i64,
    /// When it goes out, once Send was pressed.
    pub send_at: Option<Moment>,
    /// When it was last changed.
    pub updated_at: Moment,
}

/// An edition whose time has come.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct DueEdition {
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
    pub corrects_revision: Option<i64>,
    /// Whether it is about topics, or for one rhythm: then it is not for who chose others.
    pub by_choice: bool,
}

/// The public id of what a statement moved.
async fn moved<'q>(tx: &mut Tx, sql: Sql, params: impl Params<'q>) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(sql, params).await?.map(|(public_id,)| public_id))
}

pub async fn state(tx: &mut Tx, id: i64) -> Result<Option<EditionState>> {
    Ok(tx.opt::<(EditionState,)>(STATE, (id,)).await?.map(|(state,)| state))
}

pub async fn set_rhythm(tx: &mut Tx, id: i64, rhythm: Option<Rhythm>) -> Result<()> {
    tx.exec(SET_RHYTHM, (id, rhythm)).await?;
    Ok(())
}

pub async fn set_asking_again(tx: &mut Tx, id: i64, asks_again: bool) -> Result<()> {
    tx.exec(SET_ASKING_AGAIN, (id, asks_again)).await?;
    Ok(())
}

/// None if there is no such edition.
pub async fn hold_list(tx: &mut Tx, id: i64) -> Result<Option<Option<Moment>>> {
    Ok(tx.opt::<(Option<Moment>,)>(HOLD_LIST, (id,)).await?.map(|(retired_at,)| retired_at))
}

pub async fn stop_of_list(tx: &mut Tx, list: i64, now: Moment) -> Result<Vec<String>> {
    let held: Vec<(String,)> = tx.all(HOLD_OF_LIST, (list, now)).await?;
    let paused: Vec<(String,)> = tx.all(PAUSE_OF_LIST, (list, now)).await?;
    Ok(held.into_iter().chain(paused).map(|(id,)| id).collect())
}

pub async fn schedule(
    tx: &mut Tx,
    id: i64,
    send_at: Moment,
    staff: Option<i64>,
    now: Moment,
) -> Result<Option<String>> {
    moved(tx, SCHEDULE, (id, send_at, staff, now)).await
}

pub async fn unschedule(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, UNSCHEDULE, (id, now)).await
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

pub async fn pause(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, PAUSE, (id, now, "", "")).await
}

/// As [`pause`], by the engine itself: why, and for what.
pub async fn pause_because(
    tx: &mut Tx,
    id: i64,
    (why, paused_for): (&str, Cause),
    now: Moment,
) -> Result<bool> {
    Ok(moved(tx, PAUSE, (id, now, why, paused_for)).await?.is_some())
}

pub async fn paused_because(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(PAUSED_BECAUSE, (id,)).await?.map(|(why,)| why))
}

pub async fn resume(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, RESUME, (id, now)).await
}

pub async fn release(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, RELEASE, (id, now)).await
}

pub async fn hold(
    tx: &mut Tx,
    id: i64,
    send_at: Moment,
    because: HeldBecause,
    now: Moment,
) -> Result<Option<String>> {
    moved(tx, HOLD, (id, now, send_at, because)).await
}

pub async fn touch(tx: &mut Tx, id: i64, now: Moment) -> Result<()> {
    tx.exec(TOUCH, (id, now)).await?;
    Ok(())
}

pub async fn lock_held(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, LOCK_HELD, (id, now)).await
}

pub async fn state_for_update(tx: &mut Tx, id: i64) -> Result<Option<EditionState>> {
    Ok(tx.opt::<(EditionState,)>(STATE_FOR_UPDATE, (id,)).await?.map(|(state,)| state))
}

pub async fn hold_all(tx: &mut Tx, now: Moment) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(HOLD_ALL, (now,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn set_policy(tx: &mut Tx, id: i64, policy: UnknownPolicy) -> Result<bool> {
    Ok(tx.exec(SET_POLICY, (id, policy)).await? == 1)
}

pub async fn reopen(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(REOPEN, (id, now)).await? == 1)
}

pub async fn cancel(tx: &mut Tx, id: i64, now: Moment) -> Result<Option<String>> {
    moved(tx, CANCEL, (id, now)).await
}

/// Ends it, if nothing is open; for what seems to be over.
pub async fn finish(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    // A statement that waited for the row would look at the copies as they were before it waited: another one looks again.
    tx.opt::<(String,)>(HOLD_ROW, (id,)).await?;
    Ok(tx.exec(FINISH, (id, now)).await? == 1)
}

pub async fn insert_edition(
    tx: &mut Tx,
    public_id: &str,
    digest_id: i64,
    staff_id: Option<i64>,
    now: Moment,
) -> Result<Option<i64>> {
    let created: Option<(i64,)> = tx.opt(INSERT_EDITION, (public_id, staff_id, now, digest_id)).await?;
    Ok(created.map(|(id,)| id))
}

pub async fn next_revision(
    tx: &mut Tx,
    edition_id: i64,
    (based_on, state): (i64, EditionState),
    now: Moment,
) -> Result<Option<i64>> {
    let next: Option<(i64,)> = tx.opt(NEXT_REVISION, (now, edition_id, based_on, state)).await?;
    Ok(next.map(|(revision,)| revision))
}

pub async fn insert_correction(
    tx: &mut Tx,
    public_id: &str,
    (wrong, revision): (i64, i64),
    staff_id: Option<i64>,
    now: Moment,
) -> Result<Option<i64>> {
    let created: Option<(i64,)> =
        tx.opt(INSERT_CORRECTION, (public_id, staff_id, now, wrong, revision)).await?;
    Ok(created.map(|(id,)| id))
}

pub async fn stand(tx: &mut Tx, edition_id: i64) -> Result<Option<Stand>> {
    tx.opt(STAND, (edition_id,)).await
}

/// None if it is no longer the draft that it was then.
pub async fn delete_draft(
    tx: &mut Tx,
    id: i64,
    (revision, updated_at): (i64, Moment),
) -> Result<Option<String>> {
    moved(tx, DELETE_DRAFT, (id, revision, updated_at)).await
}

pub async fn see_refusals(tx: &mut Tx, id: i64) -> Result<()> {
    tx.exec(SEE_REFUSALS, (id,)).await?;
    Ok(())
}
