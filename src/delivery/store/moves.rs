//! The SQL that moves copies from state to state, and the tallies with them.
//!
//! Nothing else writes the state of a copy. Each statement stands once beside the states that it moves copies between ([`Move`]), or
//! returns where each came to; [`Moves::run`] and its likes run it and count what it really moved. So nobody can move rows and forget
//! their tallies. They are written at the end, since tallies are locked after copies (decision 12).

use std::collections::{BTreeMap, HashMap};

use super::{
    super::states::{Class, CopyState},
    ledger::{self, Claim, Due, Key, Record, grouped, keyed},
    pace::Slowed,
};
use crate::{
    clock::Moment,
    db::{self, Params, Result, Sql, Tx},
    statements,
};

statements! {
    /// Sealing writes every row at once, already suppressed where it must be. Nobody's first copy waits for a moment, so it does
    /// not matter to them if a clock is set back.
    INSERT = sqlite "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, next_at, updated_at, attempt, marker, maybe_duplicate, parts)
            select $1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5, r.value ->> 6, 0, $2, 0, false, false, r.value ->> 7
            from json_each($3) as r where true on conflict (edition_id, subscriber_id) do nothing returning edition_id, state",
        postgres "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, next_at, updated_at, attempt, marker, maybe_duplicate, parts)
            select $1, cast(r.value ->> 0 as bigint), r.value ->> 1, r.value ->> 2, r.value ->> 3, cast(r.value ->> 4 as bigint), r.value ->> 5, r.value ->> 6, 0, $2, 0, false, false, cast(r.value ->> 7 as integer)
            from json_array_elements(cast($3 as json)) as r where true on conflict (edition_id, subscriber_id) do nothing returning edition_id, state";
    /// Takes them for one worker. The attempt number moves with it: with the worker's id it is the fence.
    CLAIM = sqlite "update delivery set state = 'claimed', lane = '', claimed_by = $1, attempt = attempt + 1, marker = false, updated_at = $2
            where edition_id = $3 and subscriber_id in (select value from json_each($4))",
        postgres "update delivery set state = 'claimed', lane = '', claimed_by = $1, attempt = attempt + 1, marker = false, updated_at = $2
            where edition_id = $3 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($4 as json)))";
    /// The commonest that becomes of attempts, for claims of one edition: the servers took them, the last of them at $5.
    ACCEPT = sqlite "update delivery set state = 'accepted', class = null, updated_at = $5, marker = false, claimed_by = null
            where edition_id = $1 and subscriber_id in (select value from json_each($2))
            and state = 'claimed' and claimed_by + 0 = $3 and attempt = $4",
        postgres "update delivery set state = 'accepted', class = null, updated_at = $5, marker = false, claimed_by = null
            where edition_id = $1 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($2 as json)))
            and state || '' = 'claimed' and claimed_by + 0 = $3 and attempt = $4";
    /// What else became of attempts. A row that is no longer the worker's own is left alone. One that was withdrawn while it was
    /// on its way would have to wait for another try, and gets none. One that waits with its domain, or was held back, has not
    /// been tried; nor does being held back say that no task breaks off at it.
    RECORD = rows(12) "update delivery set
            state = case when v.column5 = 'queued' and delivery.withdrawn is not null then 'suppressed' else v.column5 end,
            class = case when v.column5 = 'queued' then delivery.withdrawn else v.column6 end,
            next_at = cast(v.column7 as bigint), updated_at = cast(v.column8 as bigint),
            maybe_duplicate = (delivery.maybe_duplicate or cast(v.column9 as boolean)), marker = false, claimed_by = null,
            lane = v.column10, asked_at = coalesce(cast(v.column11 as bigint), delivery.asked_at),
            earlier_attempts = delivery.earlier_attempts + case when cast(v.column12 as boolean) then 0 else 1 end,
            broke_off = (delivery.broke_off and v.column5 = 'queued' and v.column11 is null and not cast(v.column12 as boolean))
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        returning edition_id, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state";
    /// Moves the parts of a worker.
    TALLY = rows(4) "insert into delivery_tally (edition_id, worker_id, state, count) values {rows}
        on conflict (edition_id, worker_id, state) do update set count = delivery_tally.count + excluded.count";
    /// What waits in the lane of a domain with which our patience is at its end, unless it has taken something since, or the
    /// edition stands still, or did so meanwhile. (`+` keeps SQLite on the primary key: the index
    /// would read the whole lane; so does `|| ''` on PostgreSQL, which chose anew for every row of it.)
    EXHAUST = sqlite "update delivery set state = 'failed', class = 'exhausted', lane = '', updated_at = $3
            where edition_id = $1 and + state = 'queued' and + lane = $2 and subscriber_id in (select subscriber_id from delivery
                where edition_id = $1 and state = 'queued' and lane = $2 order by next_at, subscriber_id limit $5)
            and exists (select 1 from edition where id = $1 and state = 'sending' and going_since < $4)
            and exists (select 1 from domain_pace where domain_key = $2 and patient_since < $4)
            returning subscriber_id",
        postgres "with chosen as materialized (select subscriber_id from delivery
                where edition_id = $1 and state = 'queued' and lane = $2 order by next_at, subscriber_id limit $5 for update skip locked)
            update delivery set state = 'failed', class = 'exhausted', lane = '', updated_at = $3 from chosen
            where delivery.edition_id = $1 and delivery.subscriber_id = chosen.subscriber_id and delivery.state || '' = 'queued' and delivery.lane || '' = $2
            and exists (select 1 from edition where id = $1 and state = 'sending' and going_since < $4)
            and exists (select 1 from domain_pace where domain_key = $2 and patient_since < $4)
            returning delivery.subscriber_id";
    /// A claim whose address was stopped: it is not begun.
    STOP = rows(5) "update delivery set state = 'suppressed', class = v.column5, claimed_by = null from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and not delivery.marker
        and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        returning edition_id, state";
    /// A reader left, or may not be mailed any more: what has not been written to a connection will not be.
    WITHDRAW_QUEUED = "update delivery set state = 'suppressed', class = $4, updated_at = $3
        where subscriber_id = $1 and state = 'queued'
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)
        returning edition_id, state";
    WITHDRAW_CLAIMED = "update delivery set state = 'suppressed', class = $4, claimed_by = null, updated_at = $3
        where subscriber_id = $1 and state = 'claimed' and not marker
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)
        returning edition_id, state";
    /// What is on its way at this moment cannot be called back, but is not tried again: `RECORD` and `GIVE_BACK` see why.
    WITHDRAW_BEGUN = "update delivery set withdrawn = $3 where subscriber_id = $1 and state = 'claimed' and marker
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)";
    /// Of how many editions a reader has open copies.
    OPEN_EDITIONS = "select count(*) from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)";
    /// A reader's open copies. They are held until the commit, so that nobody claims, begins or ends one meanwhile.
    HOLD_OPEN = sqlite "select edition_id from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
            and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)",
        postgres "select edition_id from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
            and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)
            order by edition_id for update";
    /// A reader is forgotten: their copies count on, and say no more whose they were. What was sent before a backup was restored waits
    /// for no word any more, by which it would be sent again.
    FORGET_READER = "update delivery set address = '', name = '',
        class = case when state || '' = 'unknown' and class = 'restored' then 'erased' else class end where subscriber_id = $1";
    FORGET_TRIES = "update delivery_attempt set reply = '' where subscriber_id = $1 and reply <> ''
        and edition_id in (select edition_id from delivery where subscriber_id = $1)";
    /// An edition was cancelled: the same for all its open rows.
    CANCEL_QUEUED = "update delivery set state = 'suppressed', class = 'cancelled', updated_at = $2
        where edition_id = $1 and state = 'queued'";
    /// Claimed rows of a cancelled edition that no connection has begun.
    CANCEL_CLAIMED = "update delivery set state = 'suppressed', class = 'cancelled', claimed_by = null, updated_at = $2
        where edition_id = $1 and state = 'claimed' and not marker";
    /// And those that are on their way: they are not tried again.
    CANCEL_BEGUN = "update delivery set withdrawn = 'cancelled' where edition_id = $1 and state = 'claimed' and marker";
    /// Failed copies that staff want tried again: the gaps between the tries begin anew, with the body that is sent now.
    RETRY = rows(5) "update delivery set state = 'queued', class = null, withdrawn = null, broke_off = false, variant_id = cast(v.column4 as bigint), parts = cast(v.column5 as integer),
            earlier_attempts = attempt, lane = '', asked_at = null, next_at = cast(v.column3 as bigint), updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'failed'";
    /// Copies in doubt go back in line, as staff decided; that they may come twice stays known, and so does what may have come.
    RETRY_DOUBTED = rows(3) "update delivery set state = 'queued', class = null, withdrawn = null, broke_off = false, maybe_duplicate = true,
            earlier_attempts = attempt, lane = '', asked_at = null, next_at = cast(v.column3 as bigint), updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'unknown'
        and coalesce(delivery.class, '') <> 'restored'";
    /// They left before a backup was restored in which they wait.
    HAD_BEFORE = rows(3) "update delivery set state = 'unknown', class = 'restored', maybe_duplicate = true, updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'queued'";
    /// It was said by mistake: they wait again.
    HAD_NOT_BEFORE = "update delivery set state = 'queued', class = null, maybe_duplicate = false, updated_at = $3
        where edition_id = $1 and subscriber_id in (select subscriber_id from delivery
            where edition_id = $1 and state = 'unknown' and class = 'restored' order by subscriber_id limit $2)";
    /// Copies that wait get the other body.
    REPOINT_QUEUED = "update delivery set variant_id = $2, updated_at = $5
        where edition_id = $1 and subscriber_id > $3 and subscriber_id <= $4 and state = 'queued' and variant_id <> $2";
    /// A worker holds these in memory with the old body: its claims are taken from it, and its marker finds that out.
    REPOINT_CLAIMED = "update delivery set variant_id = $2, state = 'queued', claimed_by = null, updated_at = $5
        where edition_id = $1 and subscriber_id > $3 and subscriber_id <= $4 and state = 'claimed' and not marker";
    /// The copies of a chunk that wait with that body.
    REPOINTED = "select subscriber_id from delivery
        where edition_id = $1 and subscriber_id > $3 and subscriber_id <= $4 and state = 'queued' and variant_id = $2";
    SET_PARTS = rows(3) "update delivery set parts = cast(v.column3 as integer) from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)";
    /// What a worker holds.
    HELD = "select edition_id, subscriber_id, attempt, marker from delivery where state = 'claimed' and claimed_by = $1";
    /// Before claims go back whose attempts count: those whose outcome nobody knows get a line in the log, and so do all that a task
    /// broke off at.
    LOG_BACK = rows(7) "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
        select d.edition_id, d.subscriber_id, d.attempt, d.claimed_by, case when d.marker then 'unknown' else 'broke off' end,
            case when d.marker then 'dot' else '' end, v.column6, cast(v.column7 as bigint)
        from (values {rows}) as v
        join delivery d on d.edition_id = cast(v.column1 as bigint) and d.subscriber_id = cast(v.column2 as bigint)
        where d.state = 'claimed' and d.claimed_by + 0 = cast(v.column3 as bigint) and d.attempt = cast(v.column4 as bigint)
        and (d.marker or v.column5 = 'broke off')";
    /// Claims go back, each by what is known of it, and into the lane of its domain if it waits for that. The attempt does not count
    /// where no word says why; then it was not begun. What has been in doubt three times is not sent a fourth time, whatever the
    /// policy: it may be what the workers die of, and its reader may have three copies. One that was not begun, and was in hand for
    /// the third time when a task broke off, is given up; staff's having it tried again begins a new count.
    GIVE_BACK = rows(8) "update delivery set
            state = case when marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3) then 'unknown'
                when withdrawn is not null then 'suppressed'
                when not marker and v.column7 = 'broke off' and (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'broke off' and a.attempt > delivery.earlier_attempts) >= 3 then 'failed'
                else 'queued' end,
            class = case when marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3) then v.column7
                when withdrawn is not null then withdrawn
                when not marker and v.column7 = 'broke off' and (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'broke off' and a.attempt > delivery.earlier_attempts) >= 3 then 'broke off'
                when v.column7 is null then class end,
            attempt = delivery.attempt - case when v.column7 is null then 1 else 0 end,
            broke_off = (broke_off or coalesce(v.column7 = 'broke off', false)),
            maybe_duplicate = (maybe_duplicate or marker), marker = false, claimed_by = null,
            next_at = coalesce(cast(v.column5 as bigint), delivery.next_at), lane = v.column6, updated_at = cast(v.column8 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        and (not delivery.marker or v.column7 is not null)
        returning edition_id, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state";
}

/// A row to write when an edition is sealed: subscriber, address, name, domain, variant, state, class and parts.
pub type Row<'a> = (i64, &'a str, &'a str, &'a str, i64, CopyState, Option<Class>, i64);

/// A statement that moves copies, with where they stood and where they come to.
#[derive(Clone, Copy, Debug)]
struct Move {
    sql: Sql,
    from: CopyState,
    to: CopyState,
}

macro_rules! ways {
    ($($name:ident: $from:ident => $to:ident by $sql:ident;)+) => {
        $(const $name: Move = Move { sql: $sql, from: CopyState::$from, to: CopyState::$to };)+

        /// All of them, for the test that holds them against their statements.
        #[cfg(test)]
        const WAYS: &[Move] = &[$($name),+];
    };
}

ways! {
    CLAIMED: Queued => Claimed by CLAIM;
    ACCEPTED: Claimed => Accepted by ACCEPT;
    EXHAUSTED: Queued => Failed by EXHAUST;
    CANCELLED_QUEUED: Queued => Cancelled by CANCEL_QUEUED;
    CANCELLED_CLAIMED: Claimed => Cancelled by CANCEL_CLAIMED;
    RETRIED: Failed => Queued by RETRY;
    RETRIED_DOUBTED: Unknown => Queued by RETRY_DOUBTED;
    SAID_TO_HAVE: Queued => Unknown by HAD_BEFORE;
    SAID_NOT_TO_HAVE: Unknown => Queued by HAD_NOT_BEFORE;
    TAKEN_BACK: Claimed => Queued by REPOINT_CLAIMED;
}

/// The part of the tallies that belongs to no worker: sealing, withdrawals, cancelling.
const NO_WORKER: i64 = 0;

/// Moves of copies in one transaction, for the part of the tallies of one worker.
#[derive(Debug)]
#[must_use = "the tallies move when it is written"]
pub struct Moves {
    worker: i64,
    counts: BTreeMap<(i64, CopyState), i64>,
}

impl Moves {
    /// Those of a worker.
    pub const fn of(worker: i64) -> Self {
        Self { worker, counts: BTreeMap::new() }
    }

    /// Those of nobody who claims.
    pub const fn of_nobody() -> Self {
        Self::of(NO_WORKER)
    }

    fn count(&mut self, edition: i64, from: Option<CopyState>, to: CopyState, copies: u64) {
        let copies = i64::try_from(copies).unwrap_or(i64::MAX);
        if let Some(from) = from {
            *self.counts.entry((edition, from)).or_default() -= copies;
        }
        *self.counts.entry((edition, to)).or_default() += copies;
    }

    /// Moves copies of one edition; how many.
    async fn run<'q>(
        &mut self,
        tx: &mut Tx,
        edition: i64,
        Move { sql, from, to }: Move,
        params: impl Params<'q>,
    ) -> Result<u64> {
        let moved = tx.exec(sql, params).await?;
        self.count(edition, Some(from), to, moved);
        Ok(moved)
    }

    /// The same, by a statement that has a row for each copy.
    async fn run_many<'q, P: Params<'q>>(
        &mut self,
        tx: &mut Tx,
        edition: i64,
        Move { sql, from, to }: Move,
        rows: impl IntoIterator<Item = P>,
    ) -> Result<u64> {
        let moved = tx.many(sql, rows).await?;
        self.count(edition, Some(from), to, moved);
        Ok(moved)
    }

    /// The same, by a statement that returns whose copies they were.
    async fn run_returning<'q>(
        &mut self,
        tx: &mut Tx,
        edition: i64,
        Move { sql, from, to }: Move,
        params: impl Params<'q>,
    ) -> Result<Vec<i64>> {
        let moved = tx.all::<(i64,)>(sql, params).await?;
        self.count(edition, Some(from), to, moved.len() as u64);
        Ok(moved.into_iter().map(|(subscriber,)| subscriber).collect())
    }

    /// Counts what a statement returned that moves each copy elsewhere: of each its edition, and where it came to. Where they stood is
    /// none for copies that are new. How many they were.
    fn returned(&mut self, from: Option<CopyState>, copies: &[(i64, CopyState)]) -> u64 {
        for (edition, to) in copies {
            self.count(*edition, from, *to, 1);
        }
        copies.len() as u64
    }

    /// Writes the tallies, each part one row. It is the last thing that a transaction does with copies.
    pub async fn write(self, tx: &mut Tx) -> Result<()> {
        let worker = self.worker;
        let parts = self.counts.into_iter().filter(|(_, count)| *count != 0);
        tx.many(TALLY, parts.map(|((edition, state), count)| (edition, worker, state, count))).await?;
        Ok(())
    }
}

pub async fn insert(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    rows: &[Row<'_>],
    now: Moment,
) -> Result<u64> {
    let written: Vec<(i64, CopyState)> = tx.all(INSERT, (edition, now, db::array(rows)?.as_str())).await?;
    Ok(moves.returned(None, &written))
}

/// Claims what is due; those of domains that are slowed wait in the lanes that `lane_of` names. How many those are.
pub async fn claim(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    limit: i64,
    now: Moment,
    lane_of: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(Vec<Claim>, usize)> {
    let due = ledger::due(tx, edition, limit, now).await?;
    let lanes: Vec<_> = due.iter().map(|due| lane_of(&due.3)).collect();
    let waiting = due.iter().zip(&lanes).filter_map(|(due, lane)| Some((edition, due.0, lane.as_deref()?)));
    let waiting = ledger::wait(tx, waiting.collect()).await?;
    let taken = due.into_iter().zip(lanes).filter_map(|(due, lane)| lane.is_none().then_some(due)).collect();
    Ok((take(tx, moves, edition, taken, now).await?, waiting))
}

/// Claims what is due in a lane.
pub async fn claim_in_lane(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    (lane, limit): (&str, i64),
    now: Moment,
) -> Result<Vec<Claim>> {
    let due = ledger::due_in_lane(tx, edition, (lane, limit), now).await?;
    take(tx, moves, edition, due, now).await
}

async fn take(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    due: Vec<Due>,
    now: Moment,
) -> Result<Vec<Claim>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = due.iter().map(|due| due.0).collect();
    let worker = moves.worker;
    moves.run(tx, edition, CLAIMED, (worker, now, edition, db::array(&ids)?.as_str())).await?;
    Ok(due.into_iter().map(|due| due.claim(edition)).collect())
}

/// Records; `false` if some were not the worker's own: then nothing of it may be committed.
pub async fn record(tx: &mut Tx, moves: &mut Moves, records: &[&Record]) -> Result<bool> {
    let worker = moves.worker;
    let (accepted, others): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.state == CopyState::Accepted);
    let mut written = 0;
    for ((edition, attempt), group) in grouped(accepted.iter().map(|record| (record.key(), "", record.at))) {
        let subscribers = db::array(&group.subscribers)?;
        let these = (edition, subscribers.as_str(), worker, attempt, group.latest);
        written += moves.run(tx, edition, ACCEPTED, these).await?;
    }
    if !others.is_empty() {
        let rows = others.into_iter().map(|r| {
            (
                r.edition_id,
                r.subscriber_id,
                worker,
                r.attempt,
                r.state,
                r.class,
                r.next_at,
                r.at,
                r.maybe_duplicate,
                r.lane.as_str(),
                r.asked_at,
                r.counts,
            )
        });
        let ended: Vec<(i64, CopyState)> = tx.many_returning(RECORD, rows).await?;
        written += moves.returned(Some(CopyState::Claimed), &ended);
    }
    Ok(written == records.len() as u64)
}

/// Ends claims that were not begun, each with the word for why.
pub async fn stop(tx: &mut Tx, moves: &mut Moves, keys: &[(Key, &str)]) -> Result<()> {
    // Some may have been withdrawn since they were looked at: what moved is what counts.
    let stopped: Vec<(i64, CopyState)> = tx.many_returning(STOP, keyed(moves.worker, keys)).await?;
    moves.returned(Some(CopyState::Claimed), &stopped);
    Ok(())
}

/// Ends what waits in the lane of a domain; whose copies those are.
pub async fn exhaust(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    lane: &Slowed,
    (before, now): (Moment, Moment),
    limit: i64,
) -> Result<Vec<i64>> {
    let these = (edition, lane.domain_key.as_str(), now, before, limit);
    moves.run_returning(tx, edition, EXHAUSTED, these).await
}

pub async fn open_editions(tx: &mut Tx, subscriber: i64, list: Option<i64>) -> Result<i64> {
    Ok(tx.one::<(i64,)>(OPEN_EDITIONS, (subscriber, list)).await?.0)
}

/// A reader's open copies end; of those on their way it is noted. How many ended.
pub async fn withdraw(
    tx: &mut Tx,
    moves: &mut Moves,
    (subscriber, list): (i64, Option<i64>),
    class: Class,
    now: Moment,
) -> Result<u64> {
    tx.all::<(i64,)>(HOLD_OPEN, (subscriber, list)).await?;
    tx.exec(WITHDRAW_BEGUN, (subscriber, list, class)).await?;
    let these = (subscriber, list, now, class);
    let queued: Vec<(i64, CopyState)> = tx.all(WITHDRAW_QUEUED, these).await?;
    let claimed: Vec<(i64, CopyState)> = tx.all(WITHDRAW_CLAIMED, these).await?;
    Ok(moves.returned(Some(CopyState::Queued), &queued) + moves.returned(Some(CopyState::Claimed), &claimed))
}

/// A reader's copies, none of which is open any more but those on their way, say no more whose they were.
pub async fn forget_reader(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(FORGET_TRIES, (subscriber,)).await?;
    tx.exec(FORGET_READER, (subscriber,)).await
}

/// An edition's open copies end; of those on their way it is noted.
pub async fn cancel(tx: &mut Tx, moves: &mut Moves, edition: i64, now: Moment) -> Result<()> {
    moves.run(tx, edition, CANCELLED_QUEUED, (edition, now)).await?;
    moves.run(tx, edition, CANCELLED_CLAIMED, (edition, now)).await?;
    tx.exec(CANCEL_BEGUN, (edition,)).await?;
    Ok(())
}

pub async fn retry(
    tx: &mut Tx,
    moves: &mut Moves,
    (edition, variant): (i64, i64),
    (subscribers, parts): (&[i64], &HashMap<i64, i64>),
    now: Moment,
) -> Result<u64> {
    let parts_of = |subscriber| parts.get(subscriber).copied().unwrap_or_default();
    let rows =
        subscribers.iter().map(|subscriber| (edition, *subscriber, now, variant, parts_of(subscriber)));
    moves.run_many(tx, edition, RETRIED, rows).await
}

pub async fn retry_doubted(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    subscribers: &[i64],
    now: Moment,
) -> Result<u64> {
    let rows = subscribers.iter().map(|subscriber| (edition, *subscriber, now));
    moves.run_many(tx, edition, RETRIED_DOUBTED, rows).await
}

pub async fn had_before(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    subscribers: &[i64],
    now: Moment,
) -> Result<u64> {
    let rows = subscribers.iter().map(|subscriber| (edition, *subscriber, now));
    moves.run_many(tx, edition, SAID_TO_HAVE, rows).await
}

pub async fn had_not_before(
    tx: &mut Tx,
    moves: &mut Moves,
    edition: i64,
    limit: i64,
    now: Moment,
) -> Result<u64> {
    moves.run(tx, edition, SAID_NOT_TO_HAVE, (edition, limit, now)).await
}

/// Gives the copies of a chunk another body; those that a worker had claimed and not begun wait again. Returns whose have it now.
pub async fn repoint(
    tx: &mut Tx,
    moves: &mut Moves,
    (edition, variant): (i64, i64),
    (after, to): (i64, i64),
    now: Moment,
) -> Result<Vec<i64>> {
    let chunk = (edition, variant, after, to, now);
    tx.exec(REPOINT_QUEUED, chunk).await?;
    moves.run(tx, edition, TAKEN_BACK, chunk).await?;
    let given: Vec<(i64,)> = tx.all(REPOINTED, (edition, variant, after, to)).await?;
    Ok(given.into_iter().map(|(subscriber,)| subscriber).collect())
}

/// Which parts of their body copies show; none where nothing is said of one.
pub async fn set_parts(
    tx: &mut Tx,
    edition: i64,
    subscribers: &[i64],
    parts: &HashMap<i64, i64>,
) -> Result<()> {
    let parts_of = |subscriber| parts.get(subscriber).copied().unwrap_or_default();
    let rows = subscribers.iter().map(|subscriber| (edition, *subscriber, parts_of(subscriber)));
    tx.many(SET_PARTS, rows).await?;
    Ok(())
}

/// What a worker holds: edition, subscriber, attempt, and whether the marker stands.
pub async fn held(tx: &mut Tx, worker: i64) -> Result<Vec<(i64, i64, i64, bool)>> {
    tx.all(HELD, (worker,)).await
}

/// A claim that goes back: its key; why and in what words, if the attempt counts; until when it waits, if not until it could be
/// claimed before; in which lane.
pub type GoesBack<'a> = (Key, Option<(Class, &'a str)>, Option<Moment>, &'a str);

/// Gives claims back; how many were the worker's own.
pub async fn give_back(tx: &mut Tx, moves: &mut Moves, claims: &[GoesBack<'_>], now: Moment) -> Result<u64> {
    let worker = moves.worker;
    let logged = claims.iter().filter_map(|&((edition, subscriber, attempt), why, ..)| {
        let (class, words) = why?;
        Some((edition, subscriber, worker, attempt, class, words, now))
    });
    tx.many(LOG_BACK, logged).await?;
    let rows = claims.iter().map(|&((edition, subscriber, attempt), why, until, lane)| {
        (edition, subscriber, worker, attempt, until, lane, why.map(|(class, _)| class), now)
    });
    let given: Vec<(i64, CopyState)> = tx.many_returning(GIVE_BACK, rows).await?;
    Ok(moves.returned(Some(CopyState::Claimed), &given))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statements that return where each copy came to.
    const RETURN_IT: [&str; 6] =
        ["INSERT", "RECORD", "STOP", "WITHDRAW_QUEUED", "WITHDRAW_CLAIMED", "GIVE_BACK"];

    /// What a statement does to rows, and what its tallies are moved by, cannot differ.
    #[test]
    fn each_move_says_what_its_statement_does() {
        for Move { sql, from, to } in WAYS {
            for text in [sql.sqlite, sql.postgres] {
                let (_, set) = text.split_once("update delivery set ").expect("an update");
                let (set, which) = set.split_once(" where ").unwrap_or((set, text));
                let comes_to = match to {
                    CopyState::Cancelled => "state = 'suppressed', class = 'cancelled'".to_owned(),
                    other => format!("state = '{other}'"),
                };
                assert!(set.contains(&comes_to), "{}: {set}", sql.name);
                // `CLAIM` takes what was chosen as due before.
                let stood = which.contains(&format!("state = '{from}'"))
                    || which.contains(&format!("state || '' = '{from}'"));
                assert!(stood || sql.name == "CLAIM", "{}: {which}", sql.name);
            }
        }
    }

    /// A statement that is in neither list would be run by something that counts nothing.
    #[test]
    fn every_statement_that_moves_copies_is_counted() {
        let mut seen = 0;
        for sql in STATEMENTS {
            let set = sql
                .sqlite
                .split_once("update delivery set")
                .map(|(_, rest)| rest.split(" where ").next().unwrap_or_default());
            let writes = sql.sqlite.starts_with("insert into delivery (")
                || set.is_some_and(|set| set.contains("state ="));
            if !writes {
                continue;
            }
            seen += 1;
            let has_way = WAYS.iter().any(|way| way.sql.name == sql.name);
            let returns = RETURN_IT.contains(&sql.name);
            assert!(has_way != returns, "{}", sql.name);
            let says_it = |text: &str| {
                text.rsplit_once("returning edition_id, ").is_some_and(|(_, what)| what.ends_with("state"))
            };
            assert!(!returns || says_it(sql.sqlite) && says_it(sql.postgres), "{}", sql.name);
        }
        assert_eq!(seen, WAYS.len() + RETURN_IT.len());
    }
}
