//! SQL of deliveries, their attempts and tallies.

use std::collections::BTreeMap;

use super::{
    super::copy_names::CopyId,
    dkim::{self, SealedKey},
    pace::Slowed,
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    replies::Reason,
    statements,
};

statements! {
    /// Sealing writes every row at once, already suppressed where it must be. Nobody's first copy waits for a moment, so it does
    /// not matter to them if a clock is set back.
    INSERT = sqlite "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, next_at, updated_at, attempt, marker, maybe_duplicate)
            select $1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5, r.value ->> 6, 0, $2, 0, false, false
            from json_each($3) as r where true on conflict (edition_id, subscriber_id) do nothing",
        postgres "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, next_at, updated_at, attempt, marker, maybe_duplicate)
            select $1, cast(r.value ->> 0 as bigint), r.value ->> 1, r.value ->> 2, r.value ->> 3, cast(r.value ->> 4 as bigint), r.value ->> 5, r.value ->> 6, 0, $2, 0, false, false
            from json_array_elements(cast($3 as json)) as r where true on conflict (edition_id, subscriber_id) do nothing";
    /// What is to be claimed next, for `Tx::array`.
    DUE = sqlite "select json_group_array(json_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off))
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, coalesce(s.public_id, '') as public_id,
                    case when d.class = 'broke off' then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = '' and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at, d.subscriber_id limit $3)",
        postgres "select cast(coalesce(json_agg(json_build_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off)), '[]') as text)
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, coalesce(s.public_id, '') as public_id,
                    case when d.class = 'broke off' then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = '' and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at, d.subscriber_id limit $3
                for update of d skip locked) as due";
    /// The same in a lane: those that were asked for patience and have waited come before those that nobody tried.
    DUE_IN_LANE = sqlite "select json_group_array(json_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off))
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, coalesce(s.public_id, '') as public_id,
                    case when d.class = 'broke off' then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = $4 and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at desc, d.subscriber_id desc limit $3)",
        postgres "select cast(coalesce(json_agg(json_build_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off)), '[]') as text)
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, coalesce(s.public_id, '') as public_id,
                    case when d.class = 'broke off' then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = $4 and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at desc, d.subscriber_id desc limit $3
                for update of d skip locked) as due";
    /// The lanes in which copies of an edition wait, and when the first of each is due: two looks into the index for each,
    /// however many wait in it.
    LANES = "with recursive lanes (lane) as (
            select min(lane) from delivery where edition_id = $1 and state = 'queued' and lane > ''
            union all select (select min(lane) from delivery where edition_id = $1 and state = 'queued' and lane > lanes.lane)
            from lanes where lane is not null)
        select lane, (select min(next_at) from delivery where edition_id = $1 and state = 'queued' and delivery.lane = lanes.lane) as next_at
        from lanes where lane is not null";
    /// Copies of domains that asked for patience wait in their lanes, until it is their turn. Each is met here once.
    WAIT = rows(3) "update delivery set lane = v.column3 from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'queued' and delivery.lane = ''";
    /// A domain was slowed before it was known whose it is: what waits in its lane waits for its provider.
    JOIN_LANE = sqlite "update delivery set lane = $3 where edition_id = $1 and + state = 'queued' and + lane = $2
            and subscriber_id in (select subscriber_id from delivery
                where edition_id = $1 and state = 'queued' and lane = $2 order by next_at, subscriber_id limit $4)",
        postgres "with chosen as materialized (select subscriber_id from delivery
                where edition_id = $1 and state = 'queued' and lane = $2 order by next_at, subscriber_id limit $4 for update skip locked)
            update delivery set lane = $3 from chosen
            where delivery.edition_id = $1 and delivery.subscriber_id = chosen.subscriber_id and delivery.state || '' = 'queued' and delivery.lane || '' = $2";
    /// Takes them for one worker. The attempt number moves with it: with the worker's id it is the fence.
    CLAIM = sqlite "update delivery set state = 'claimed', lane = '', claimed_by = $1, attempt = attempt + 1, marker = false, updated_at = $2
            where edition_id = $3 and subscriber_id in (select value from json_each($4))",
        postgres "update delivery set state = 'claimed', lane = '', claimed_by = $1, attempt = attempt + 1, marker = false, updated_at = $2
            where edition_id = $3 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($4 as json)))";
    /// The last look before bodies may be written, for claims of one edition: still ours, not withdrawn, the edition still sending,
    /// and none of their addresses stopped: with one that is, none is marked. (`+ 0` and `|| ''` keep both engines on the primary
    /// key: the index of claims would read a worker's whole batch.)
    MARK = sqlite "update delivery set marker = true where edition_id = $1 and subscriber_id in (select value from json_each($2))
            and state = 'claimed' and claimed_by + 0 = $3 and attempt = $4
            and exists (select 1 from edition where id = $1 and state = 'sending')
            and not exists (select 1 from suppression where address_hash in (select value from json_each($5)) and lifted_at is null)",
        postgres "update delivery set marker = true where edition_id = $1 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($2 as json)))
            and state || '' = 'claimed' and claimed_by + 0 = $3 and attempt = $4
            and exists (select 1 from edition where id = $1 and state = 'sending')
            and not exists (select 1 from suppression where address_hash in (select value from json_array_elements_text(cast($5 as json))) and lifted_at is null)";
    /// Which claims are still the worker's own, whether their edition is still sending, and why their address is stopped, if it
    /// is: asked when counting told that some may not be begun.
    OURS = rows(5) "select delivery.edition_id, delivery.subscriber_id, edition.state = 'sending' as sending,
            (select reason from suppression where suppression.address_hash = v.column5 and suppression.lifted_at is null) as stopped
        from (values {rows}) as v
        join delivery on delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        join edition on edition.id = delivery.edition_id
        where delivery.state = 'claimed' and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)";
    /// The commonest that becomes of attempts, for claims of one edition: the servers took them, the last of them at $5.
    ACCEPT = sqlite "update delivery set state = 'accepted', class = null, updated_at = $5, marker = false, claimed_by = null
            where edition_id = $1 and subscriber_id in (select value from json_each($2))
            and state = 'claimed' and claimed_by + 0 = $3 and attempt = $4",
        postgres "update delivery set state = 'accepted', class = null, updated_at = $5, marker = false, claimed_by = null
            where edition_id = $1 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($2 as json)))
            and state || '' = 'claimed' and claimed_by + 0 = $3 and attempt = $4";
    /// What else became of attempts. A row that is no longer the worker's own is left alone. One that was withdrawn while it was
    /// on its way would have to wait for another try, and gets none. One that waits with its domain, or was held back, has not
    /// been tried.
    RECORD = rows(12) "update delivery set
            state = case when v.column5 = 'queued' and delivery.withdrawn is not null then 'suppressed' else v.column5 end,
            class = case when v.column5 = 'queued' and delivery.withdrawn is not null then delivery.withdrawn else v.column6 end,
            next_at = cast(v.column7 as bigint), updated_at = cast(v.column8 as bigint),
            maybe_duplicate = (delivery.maybe_duplicate or cast(v.column9 as boolean)), marker = false, claimed_by = null,
            lane = v.column10, asked_at = coalesce(cast(v.column11 as bigint), delivery.asked_at),
            earlier_attempts = delivery.earlier_attempts + case when cast(v.column12 as boolean) then 0 else 1 end
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)";
    /// Which of the rows that were to be tried again had been withdrawn.
    WITHDRAWN = rows(2) "select delivery.edition_id, delivery.subscriber_id, coalesce(delivery.class, '') = 'cancelled' from (values {rows}) as v
        join delivery on delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        where delivery.state = 'suppressed'";
    /// Which of these copies have been in doubt twice before.
    OFTEN_IN_DOUBT = rows(2) "select a.edition_id, a.subscriber_id from (values {rows}) as v
        join delivery_attempt a on a.edition_id = cast(v.column1 as bigint) and a.subscriber_id = cast(v.column2 as bigint)
        where a.outcome = 'unknown' group by a.edition_id, a.subscriber_id having count(*) >= 2";
    /// The server's own words.
    LOG = rows(9) "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at, reason) values {rows}";
    /// The log of one edition that ended before a moment. Each edition is asked by the index whether it has any left.
    pub(crate) FORGET_LOG = "delete from delivery_attempt where id in (select a.id from delivery_attempt a
        where a.edition_id = (select e.id from edition e where e.state in ('finished', 'cancelled') and e.finished_at < $1
            and (select x.id from delivery_attempt x where x.edition_id = e.id limit 1) is not null order by e.id limit 1)
        order by a.subscriber_id limit $2)";
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
    /// The words of the domain, for each of them.
    LOG_GIVEN_UP = sqlite "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select edition_id, subscriber_id, attempt, $1, 'given up', 'rcpt', $4, $5 from delivery
            where edition_id = $2 and subscriber_id in (select value from json_each($3))",
        postgres "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select edition_id, subscriber_id, attempt, $1, 'given up', 'rcpt', $4, $5 from delivery
            where edition_id = $2 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($3 as json)))";
    /// A claim whose address was stopped: it is not begun.
    STOP = rows(5) "update delivery set state = 'suppressed', class = v.column5, claimed_by = null from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and not delivery.marker
        and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        returning edition_id";
    /// A reader left, or may not be mailed any more: what has not been written to a connection will not be.
    WITHDRAW = "update delivery set state = 'suppressed', class = $4, claimed_by = null, updated_at = $3
        where subscriber_id = $1 and (state = 'queued' or (state = 'claimed' and not marker))
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)
        returning edition_id, subscriber_id";
    /// What is on its way at this moment cannot be called back, but is not tried again: `RECORD` and `TAKE_BACK` see why.
    WITHDRAW_BEGUN = "update delivery set withdrawn = $3 where subscriber_id = $1 and state = 'claimed' and marker
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)";
    /// Of how many editions a reader has open copies.
    OPEN_EDITIONS = "select count(*) from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
        and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)";
    /// A reader's open copies. They are held until the commit, so that nobody claims, begins or ends one meanwhile: each part
    /// of the tallies moves from the state that the row really had.
    OPEN_STATES = sqlite "select edition_id, state from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
            and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)",
        postgres "select edition_id, state from delivery where subscriber_id = $1 and state in ('queued', 'claimed')
            and edition_id in (select id from edition where cast($2 as bigint) is null or list_id = $2)
            order by edition_id for update";
    /// An edition was cancelled: the same for all its open rows.
    CANCEL_QUEUED = "update delivery set state = 'suppressed', class = 'cancelled', updated_at = $2
        where edition_id = $1 and state = 'queued'";
    /// Claimed rows of a cancelled edition that no connection has begun.
    CANCEL_CLAIMED = "update delivery set state = 'suppressed', class = 'cancelled', claimed_by = null, updated_at = $2
        where edition_id = $1 and state = 'claimed' and not marker";
    /// And those that are on their way: they are not tried again.
    CANCEL_BEGUN = "update delivery set withdrawn = 'cancelled' where edition_id = $1 and state = 'claimed' and marker";
    /// Failed copies that staff want tried again: the gaps between the tries begin anew, with the body that is sent now.
    RETRY = rows(4) "update delivery set state = 'queued', class = null, withdrawn = null, variant_id = cast(v.column4 as bigint),
            earlier_attempts = attempt, lane = '', asked_at = null, next_at = cast(v.column3 as bigint), updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'failed'";
    /// Copies in doubt go back in line, as staff decided; that they may come twice stays known, and so does what may have come.
    RETRY_DOUBTED = rows(3) "update delivery set state = 'queued', class = null, withdrawn = null, maybe_duplicate = true,
            earlier_attempts = attempt, lane = '', asked_at = null, next_at = cast(v.column3 as bigint), updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'unknown'
        and coalesce(delivery.class, '') <> 'restored'";
    /// Whose copy goes to an address.
    SUBSCRIBER_AT = "select subscriber_id from delivery where edition_id = $1 and lower(address) = $2";
    /// Copies that wait, in the order in which they leave.
    WAITING = "select d.subscriber_id, d.address, s.public_id from delivery d join subscriber s on s.id = d.subscriber_id
        where d.edition_id = $1 and d.subscriber_id > $2 and d.subscriber_id <= $3 and d.state = 'queued'
        order by d.subscriber_id limit $4";
    /// They left before a backup was restored in which they wait.
    HAD_BEFORE = rows(3) "update delivery set state = 'unknown', class = 'restored', maybe_duplicate = true, updated_at = cast(v.column3 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint) and delivery.state = 'queued'";
    HAD_BEFORE_COUNT = "select count(*) from delivery where edition_id = $1 and state = 'unknown' and class = 'restored'";
    /// It was said by mistake: they wait again.
    HAD_NOT_BEFORE = "update delivery set state = 'queued', class = null, maybe_duplicate = false, updated_at = $3
        where edition_id = $1 and subscriber_id in (select subscriber_id from delivery
            where edition_id = $1 and state = 'unknown' and class = 'restored' order by subscriber_id limit $2)";
    /// The end of the next chunk of copies that are to get another body.
    BEHIND = "select max(subscriber_id) from (select subscriber_id from delivery
        where edition_id = $1 and subscriber_id > $3 and state in ('queued', 'claimed') and variant_id <> $2
        order by subscriber_id limit $4) as chunk";
    /// Copies that wait get the other body.
    REPOINT_QUEUED = "update delivery set variant_id = $2, updated_at = $5
        where edition_id = $1 and subscriber_id > $3 and subscriber_id <= $4 and state = 'queued' and variant_id <> $2";
    /// A worker holds these in memory with the old body: its claims are taken from it, and its marker finds that out.
    REPOINT_CLAIMED = "update delivery set variant_id = $2, state = 'queued', claimed_by = null, updated_at = $5
        where edition_id = $1 and subscriber_id > $3 and subscriber_id <= $4 and state = 'claimed' and not marker";
    /// Copies with another body that wait, or are leaving at this moment.
    NOT_YET = "select count(*) from delivery
        where edition_id = $1 and ((state = 'queued' and variant_id <> $2) or state = 'claimed')";
    /// Everything that happened to one copy.
    ATTEMPTS = "select attempt, outcome, stage, reply, at from delivery_attempt
        where edition_id = $1 and subscriber_id = $2 order by id";
    /// Before claims are taken back: those whose outcome nobody knows get a line in the log.
    LOG_UNKNOWN = "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
        select edition_id, subscriber_id, attempt, $1, 'unknown', 'dot', 'the worker stopped before it could record the reply', $2
        from delivery where state = 'claimed' and claimed_by = $1 and marker";
    /// A worker is gone: its claims go back, by what is known of each. What has been in doubt three times is not sent a fourth
    /// time, whatever the policy: it may be what the workers die of, and its reader may have three copies.
    TAKE_BACK = "update delivery set
            state = case when marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3) then 'unknown'
                when withdrawn is not null then 'suppressed' else 'queued' end,
            class = case when marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3) then 'worker died'
                when withdrawn is not null then withdrawn else null end,
            maybe_duplicate = (maybe_duplicate or marker), marker = false, claimed_by = null, next_at = $2, updated_at = $2
        where state = 'claimed' and claimed_by = $1
        returning edition_id, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state";
    /// Before copies go back that a task had in hand when it broke off: what is known of each, for the log.
    LOG_BROKEN = rows(6) "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
        select d.edition_id, d.subscriber_id, d.attempt, d.claimed_by, case when d.marker then 'unknown' else 'broke off' end,
            case when d.marker then 'dot' else '' end, v.column5, cast(v.column6 as bigint)
        from (values {rows}) as v
        join delivery d on d.edition_id = cast(v.column1 as bigint) and d.subscriber_id = cast(v.column2 as bigint)
        where d.state = 'claimed' and d.claimed_by + 0 = cast(v.column3 as bigint) and d.attempt = cast(v.column4 as bigint)";
    /// They go back as those of a worker that is gone (`TAKE_BACK`). One that was not begun, and was in hand for the third time, is
    /// given up: it may be what the tasks break off at. Staff's having it tried again begins a new count.
    BREAK_OFF = rows(6) "update delivery set
            state = case when marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3) then 'unknown'
                when withdrawn is not null then 'suppressed'
                when not marker and (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'broke off' and a.attempt > delivery.earlier_attempts) >= 3 then 'failed'
                else 'queued' end,
            class = case when withdrawn is not null and not (marker and ((select unknown_policy from edition where id = delivery.edition_id) <> 'resend'
                    or (select count(*) from delivery_attempt a where a.edition_id = delivery.edition_id
                        and a.subscriber_id = delivery.subscriber_id and a.outcome = 'unknown') >= 3)) then withdrawn else 'broke off' end,
            maybe_duplicate = (maybe_duplicate or marker), marker = false, claimed_by = null,
            next_at = cast(v.column5 as bigint), updated_at = cast(v.column6 as bigint)
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        returning edition_id, case when state = 'suppressed' and class = 'cancelled' then 'cancelled' else state end as state";
    /// A worker stops in good order: what it did not begin goes back, and the attempt does not count.
    RELEASE = "update delivery set state = 'queued', claimed_by = null, attempt = attempt - 1, updated_at = $2
        where state = 'claimed' and claimed_by = $1 and not marker returning edition_id";
    /// A claim that cannot be sent now goes back, into the lane of its domain if it waits for that; the attempt does not count.
    DEFER = rows(6) "update delivery set state = 'queued', claimed_by = null, attempt = delivery.attempt - 1,
            next_at = case when cast(v.column5 as bigint) > 0 then cast(v.column5 as bigint) else delivery.next_at end, lane = v.column6
        from (values {rows}) as v
        where delivery.edition_id = cast(v.column1 as bigint) and delivery.subscriber_id = cast(v.column2 as bigint)
        and delivery.state = 'claimed' and not delivery.marker
        and delivery.claimed_by + 0 = cast(v.column3 as bigint) and delivery.attempt = cast(v.column4 as bigint)
        returning edition_id, subscriber_id";
    /// The frozen body.
    VARIANT = "select headers, body from variant where id = $1";
    /// The frozen body of a reader's copy, with the name that stands in it.
    BODY_OF_COPY = "select b.headers, b.body, d.name from delivery d join variant b on b.id = d.variant_id
        where d.edition_id = $1 and d.subscriber_id = $2";
    /// The newest frozen body of an edition.
    NEWEST_BODY = "select headers, body, '' as name from variant where edition_id = $1 order by revision desc, id desc limit 1";
    /// The frozen body of a revision.
    BODY_OF_REVISION = "select headers, body, '' as name from variant where edition_id = $1 and revision = $2 order by id limit 1";
    /// Freezes a body; the same revision and key never twice.
    ADD_VARIANT = "insert into variant (edition_id, revision, key, headers, body, created_at, fingerprint)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (edition_id, revision, key) do nothing";
    /// The id of a frozen body.
    VARIANT_ID = "select id from variant where edition_id = $1 and revision = $2 and key = $3";
    /// What a frozen body was made of.
    FINGERPRINT = "select fingerprint from variant where edition_id = $1 and revision = $2 and key = $3";
    /// What stands over a frozen body.
    HEADERS = "select headers from variant where id = $1";
    /// Sealing gives it its date.
    SET_HEADERS = "update variant set headers = $2 where id = $1";
    /// Bodies that no copy carries.
    DROP_UNUSED = "delete from variant where edition_id = $1
        and not exists (select 1 from delivery where edition_id = $1 and variant_id = variant.id)";
    /// Copies of an edition.
    COPIES = "select d.edition_id, d.subscriber_id, d.address, d.state, d.class, d.attempt, d.maybe_duplicate, d.updated_at,
            (select a.reply from delivery_attempt a where a.edition_id = d.edition_id and a.subscriber_id = d.subscriber_id order by a.id desc limit 1) as reply
        from delivery d where d.edition_id = $1 and d.subscriber_id > $2 order by d.subscriber_id limit $3";
    /// One copy.
    COPY = "select d.edition_id, d.subscriber_id, d.address, d.state, d.class, d.attempt, d.maybe_duplicate, d.updated_at,
            cast(null as text) as reply, b.revision
        from delivery d join variant b on b.id = d.variant_id where d.edition_id = $1 and d.subscriber_id = $2";
}

/// A row to write when an edition is sealed: subscriber, address, name, domain, variant, state and class.
pub type Row<'a> = (i64, &'a str, &'a str, &'a str, i64, &'static str, Option<&'static str>);

/// What stands over a frozen body, and the keys that sign now, for whichever domain.
#[derive(Clone, Debug)]
pub struct StoredHeaders {
    pub json: String,
    pub keys: Vec<SealedKey>,
}

/// One delivery that a worker claimed and may attempt.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The edition.
    pub edition_id: i64,
    /// The subscriber.
    pub subscriber_id: i64,
    /// The subscriber's public id, for links; empty when there is no such reader any more.
    pub public_id: String,
    /// The frozen address.
    pub address: String,
    /// The frozen name; may be empty.
    pub name: String,
    /// Whose servers take it: what its pace is kept by.
    pub domain_key: String,
    /// Which frozen body.
    pub variant_id: i64,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// How many of them were made before staff had it tried again.
    pub earlier_attempts: i64,
    /// Since when its servers ask for patience with it, without the time for which nobody asked them.
    pub asked_at: Option<Moment>,
    /// It was in hand when a task broke off, and may be why.
    pub broke_off: bool,
    /// From when on it could be tried.
    pub due_at: Moment,
    /// The edition's policy for an unknown outcome: hold it for staff, rather than send again.
    pub hold: bool,
}

/// One line of the log of a copy.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Attempt {
    /// Which attempt it was, from 1.
    pub attempt: i64,
    /// `accepted`, `failed`, `retry`, `unknown`, `held back`, `broke off`, `given up`.
    pub outcome: String,
    /// How far the conversation had come.
    pub stage: String,
    /// The server's own words, or what went wrong before it said any.
    pub reply: String,
    /// When.
    pub at: Moment,
}

/// A copy that waits.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Waiting {
    /// The subscriber.
    pub subscriber_id: i64,
    /// The subscriber's public id.
    pub public_id: String,
    /// The frozen address.
    pub address: EmailAddress,
}

/// One edition to one reader, as the desk shows it.
#[derive(Clone, Debug, serde::Serialize, sqlx::FromRow)]
pub struct Copy {
    /// The edition.
    pub edition_id: i64,
    /// The subscriber.
    pub subscriber_id: i64,
    /// The frozen address.
    pub address: String,
    /// The state's word.
    pub state: String,
    /// Why, for failed, suppressed and unknown.
    pub class: Option<String>,
    /// How often it was tried.
    pub attempt: i64,
    /// An earlier attempt may have arrived.
    pub maybe_duplicate: bool,
    /// When the row last changed.
    pub updated_at: Moment,
    /// The server's last words.
    pub reply: Option<String>,
    /// The revision of its body; 0 where that was not asked for.
    #[sqlx(default)]
    pub revision: i64,
}

/// What became of an attempt, as the ledger takes it.
#[derive(Clone, Debug)]
pub struct Record {
    pub edition_id: i64,
    pub subscriber_id: i64,
    pub attempt: i64,
    pub state: &'static str,
    pub class: Option<&'static str>,
    pub next_at: Moment,
    pub maybe_duplicate: bool,
    pub outcome: &'static str,
    pub stage: &'static str,
    pub reply: String,
    /// What a final refusal means; for everything else none.
    pub reason: Option<Reason>,
    pub at: Moment,
    /// Whose turn it waits for; empty when it waits for its own.
    pub lane: String,
    /// Since when its servers ask for patience with it; none if they do not now.
    pub asked_at: Option<Moment>,
    /// Whether it counts as a try.
    pub counts: bool,
}

impl Claim {
    pub(in super::super) const fn key(&self) -> Key {
        (self.edition_id, self.subscriber_id, self.attempt)
    }

    pub(in super::super) const fn copy(&self) -> CopyId {
        CopyId { edition: self.edition_id, subscriber: self.subscriber_id }
    }
}

impl Record {
    pub const fn key(&self) -> Key {
        (self.edition_id, self.subscriber_id, self.attempt)
    }
}

pub async fn insert(tx: &mut Tx, edition: i64, rows: &[Row<'_>], now: Moment) -> Result<u64> {
    tx.exec(INSERT, (edition, now, db::array(rows)?.as_str())).await
}

/// Claims what is due; those of domains that are slowed wait in the lanes that `lane_of` names. How many those are.
pub async fn claim(
    tx: &mut Tx,
    (worker, edition): (i64, i64),
    limit: i64,
    now: Moment,
    lane_of: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(Vec<Claim>, usize)> {
    let due: Vec<Due> = tx.array(DUE, (edition, now, limit)).await?;
    let lanes: Vec<_> = due.iter().map(|due| lane_of(&due.3)).collect();
    let waiting = due.iter().zip(&lanes).filter_map(|(due, lane)| Some((edition, due.0, lane.as_deref()?)));
    let waiting: Vec<_> = waiting.collect();
    if !waiting.is_empty() {
        tx.many(WAIT, waiting.iter().copied()).await?;
    }
    let waiting = waiting.len();
    let taken = due.into_iter().zip(lanes).filter_map(|(due, lane)| lane.is_none().then_some(due)).collect();
    Ok((take(tx, (worker, edition), taken, now).await?, waiting))
}

/// Claims what is due in a lane.
pub async fn claim_in_lane(
    tx: &mut Tx,
    (worker, edition): (i64, i64),
    lane: &str,
    limit: i64,
    now: Moment,
) -> Result<Vec<Claim>> {
    let due = tx.array(DUE_IN_LANE, (edition, now, limit, lane)).await?;
    take(tx, (worker, edition), due, now).await
}

/// The lanes in which copies of an edition wait, and when the first of each is due.
pub async fn lanes(db: &Db, edition: i64) -> Result<Vec<(String, Moment)>> {
    db.all(LANES, (edition,)).await
}

/// How many copies change their lane at a time.
const JOIN: i64 = 500;

pub async fn join_lane(tx: &mut Tx, edition: i64, (lane, provider): (&str, &str)) -> Result<u64> {
    tx.exec(JOIN_LANE, (edition, lane, provider, JOIN)).await
}

async fn take(tx: &mut Tx, (worker, edition): (i64, i64), due: Vec<Due>, now: Moment) -> Result<Vec<Claim>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = due.iter().map(|due| due.0).collect();
    tx.exec(CLAIM, (worker, now, edition, db::array(&ids)?.as_str())).await?;
    Ok(due.into_iter().map(|due| due.claim(edition)).collect())
}

/// A row of `DUE`, in its order.
#[derive(serde::Deserialize)]
struct Due(i64, String, String, String, i64, i64, String, i64, Option<i64>, i64, i64);

impl Due {
    fn claim(self, edition_id: i64) -> Claim {
        let Self(
            subscriber_id,
            address,
            name,
            domain_key,
            variant_id,
            attempt,
            public_id,
            earlier,
            asked,
            due,
            broke,
        ) = self;
        Claim {
            edition_id,
            subscriber_id,
            public_id,
            address,
            name,
            domain_key,
            variant_id,
            attempt,
            earlier_attempts: earlier,
            asked_at: asked.map(Moment),
            due_at: Moment(due),
            broke_off: broke != 0,
            hold: false,
        }
    }
}

/// Edition, subscriber and attempt: what a worker holds a claim by.
pub type Key = (i64, i64, i64);

/// Keys of one edition, at one attempt, as the statements for many of them want them. Nearly always there is one group.
#[derive(Default)]
struct Group<'a> {
    subscribers: Vec<i64>,
    words: Vec<&'a str>,
    latest: Moment,
}

fn grouped<'a>(keys: impl Iterator<Item = (Key, &'a str, Moment)>) -> BTreeMap<(i64, i64), Group<'a>> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for ((edition, subscriber, attempt), word, at) in keys {
        let group = groups.entry((edition, attempt)).or_default();
        group.subscribers.push(subscriber);
        group.words.push(word);
        group.latest = group.latest.max(at);
    }
    groups
}

/// Marks, each with the hash of its address; how many passed. With one that may not be mailed, none of its edition.
pub async fn mark(tx: &mut Tx, worker: i64, marks: &[(Key, &str)]) -> Result<u64> {
    let mut passed = 0;
    for ((edition, attempt), group) in
        grouped(marks.iter().map(|&(key, hash)| (key, hash, Moment::default())))
    {
        let (subscribers, hashes) = (db::array(&group.subscribers)?, db::array(&group.words)?);
        passed += tx.exec(MARK, (edition, subscribers.as_str(), worker, attempt, hashes.as_str())).await?;
    }
    Ok(passed)
}

/// A claim that is still the worker's own.
#[derive(Debug, sqlx::FromRow)]
pub struct Ours {
    pub edition_id: i64,
    pub subscriber_id: i64,
    pub sending: bool,
    pub stopped: Option<String>,
}

/// The claims among the keys that are still the worker's own; the hash of the address may be left out.
pub async fn ours(tx: &mut Tx, worker: i64, keys: &[(Key, &str)]) -> Result<Vec<Ours>> {
    tx.many_returning(OURS, keyed(worker, keys)).await
}

/// Ends claims that were not begun, each with why; how many.
/// The editions of those that were stopped, one for each copy.
pub async fn stop(tx: &mut Tx, worker: i64, keys: &[(Key, &str)]) -> Result<Vec<(i64,)>> {
    tx.many_returning(STOP, keyed(worker, keys)).await
}

fn keyed<'a>(worker: i64, keys: &'a [(Key, &'a str)]) -> impl Iterator<Item = (i64, i64, i64, i64, &'a str)> {
    keys.iter()
        .map(move |&((edition, subscriber, attempt), word)| (edition, subscriber, worker, attempt, word))
}

/// Records; how many were the worker's own.
pub async fn record(tx: &mut Tx, worker: i64, records: &[&Record]) -> Result<u64> {
    let (accepted, others): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.state == "accepted");
    let mut written = 0;
    for ((edition, attempt), group) in grouped(accepted.iter().map(|record| (record.key(), "", record.at))) {
        let subscribers = db::array(&group.subscribers)?;
        written += tx.exec(ACCEPT, (edition, subscribers.as_str(), worker, attempt, group.latest)).await?;
    }
    if others.is_empty() {
        return Ok(written);
    }
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
    Ok(written + tx.many(RECORD, rows).await?)
}

pub async fn often_in_doubt(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(i64, i64)>> {
    tx.many_returning(OFTEN_IN_DOUBT, keys.iter().map(|&(edition, subscriber, _)| (edition, subscriber)))
        .await
}

pub async fn log<'a>(tx: &mut Tx, worker: i64, records: impl IntoIterator<Item = &'a Record>) -> Result<u64> {
    let rows = records.into_iter().map(|r| {
        let reason = r.reason.map(Reason::as_str);
        (r.edition_id, r.subscriber_id, r.attempt, worker, r.outcome, r.stage, r.reply.as_str(), r.at, reason)
    });
    tx.many(LOG, rows).await
}

/// Copies that a task had in hand when it broke off, and may be taken from its worker: their editions, and what became of them.
pub async fn break_off(
    tx: &mut Tx,
    worker: i64,
    broken: &[(Key, &str)],
    (now, next): (Moment, Moment),
) -> Result<Vec<(i64, String)>> {
    let logged = broken
        .iter()
        .map(|&((edition, subscriber, attempt), words)| (edition, subscriber, worker, attempt, words, now));
    tx.many(LOG_BROKEN, logged).await?;
    let keys = broken
        .iter()
        .map(|&((edition, subscriber, attempt), _)| (edition, subscriber, worker, attempt, next, now));
    tx.many_returning(BREAK_OFF, keys).await
}

pub async fn exhaust(
    tx: &mut Tx,
    edition: i64,
    lane: &Slowed,
    (before, now): (Moment, Moment),
    limit: i64,
) -> Result<Vec<i64>> {
    let ended = tx.all::<(i64,)>(EXHAUST, (edition, lane.domain_key.as_str(), now, before, limit)).await?;
    Ok(ended.into_iter().map(|(subscriber,)| subscriber).collect())
}

/// Who was given up, each a line in the log.
pub async fn log_given_up(
    tx: &mut Tx,
    (worker, edition): (i64, i64),
    subscribers: &[i64],
    words: &str,
    now: Moment,
) -> Result<()> {
    tx.exec(LOG_GIVEN_UP, (worker, edition, db::array(subscribers)?.as_str(), words, now)).await?;
    Ok(())
}

pub async fn tally(tx: &mut Tx, parts: &[(i64, i64, &str, i64)]) -> Result<u64> {
    tx.many(TALLY, parts.iter().copied()).await
}

pub async fn open_editions(tx: &mut Tx, subscriber: i64, list: Option<i64>) -> Result<i64> {
    Ok(tx.one::<(i64,)>(OPEN_EDITIONS, (subscriber, list)).await?.0)
}

pub async fn open_states(tx: &mut Tx, subscriber: i64, list: Option<i64>) -> Result<Vec<(i64, String)>> {
    tx.all(OPEN_STATES, (subscriber, list)).await
}

pub async fn withdraw(
    tx: &mut Tx,
    subscriber: i64,
    list: Option<i64>,
    now: Moment,
    class: &str,
) -> Result<Vec<(i64, i64)>> {
    tx.all(WITHDRAW, (subscriber, list, now, class)).await
}

pub async fn retry(
    tx: &mut Tx,
    (edition, variant): (i64, i64),
    subscribers: &[i64],
    now: Moment,
) -> Result<u64> {
    tx.many(RETRY, subscribers.iter().map(|subscriber| (edition, *subscriber, now, variant))).await
}

pub async fn retry_doubted(tx: &mut Tx, edition: i64, subscribers: &[i64], now: Moment) -> Result<u64> {
    tx.many(RETRY_DOUBTED, subscribers.iter().map(|subscriber| (edition, *subscriber, now))).await
}

pub async fn subscriber_at(db: &Db, edition: i64, address: &str) -> Result<Option<i64>> {
    Ok(db.opt::<(i64,)>(SUBSCRIBER_AT, (edition, address)).await?.map(|(id,)| id))
}

pub async fn waiting(tx: &mut Tx, edition: i64, (after, to): (i64, i64), limit: i64) -> Result<Vec<Waiting>> {
    tx.all(WAITING, (edition, after, to, limit)).await
}

pub async fn had_before(tx: &mut Tx, edition: i64, subscribers: &[i64], now: Moment) -> Result<u64> {
    tx.many(HAD_BEFORE, subscribers.iter().map(|subscriber| (edition, *subscriber, now))).await
}

pub async fn had_before_count(db: &Db, edition: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(HAD_BEFORE_COUNT, (edition,)).await?.0)
}

pub async fn had_not_before(tx: &mut Tx, edition: i64, limit: i64, now: Moment) -> Result<u64> {
    tx.exec(HAD_NOT_BEFORE, (edition, limit, now)).await
}

pub async fn behind(db: &Db, edition: i64, variant: i64, after: i64, limit: i64) -> Result<Option<i64>> {
    Ok(db.one::<(Option<i64>,)>(BEHIND, (edition, variant, after, limit)).await?.0)
}

/// Gives the copies of a chunk another body; how many of them a worker had claimed.
pub async fn repoint(
    tx: &mut Tx,
    (edition, variant): (i64, i64),
    (after, to): (i64, i64),
    now: Moment,
) -> Result<u64> {
    tx.exec(REPOINT_QUEUED, (edition, variant, after, to, now)).await?;
    tx.exec(REPOINT_CLAIMED, (edition, variant, after, to, now)).await
}

pub async fn not_yet(tx: &mut Tx, edition: i64, variant: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(NOT_YET, (edition, variant)).await?.0)
}

pub async fn attempts(db: &Db, edition: i64, subscriber: i64) -> Result<Vec<Attempt>> {
    db.all(ATTEMPTS, (edition, subscriber)).await
}

pub async fn withdraw_begun(tx: &mut Tx, subscriber: i64, list: Option<i64>, class: &str) -> Result<u64> {
    tx.exec(WITHDRAW_BEGUN, (subscriber, list, class)).await
}

/// Those of the keys that were suppressed instead of being put back in line.
/// With whether it was the edition that was cancelled.
pub async fn withdrawn(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(i64, i64, bool)>> {
    tx.many_returning(WITHDRAWN, keys.iter().map(|&(edition, subscriber, _)| (edition, subscriber))).await
}

pub async fn cancel_begun(tx: &mut Tx, edition: i64) -> Result<u64> {
    tx.exec(CANCEL_BEGUN, (edition,)).await
}

pub async fn cancel_queued(tx: &mut Tx, edition: i64, now: Moment) -> Result<u64> {
    tx.exec(CANCEL_QUEUED, (edition, now)).await
}

pub async fn cancel_claimed(tx: &mut Tx, edition: i64, now: Moment) -> Result<u64> {
    tx.exec(CANCEL_CLAIMED, (edition, now)).await
}

/// Takes back the claims of a worker that is gone; returns edition and new state of each.
pub async fn take_back(tx: &mut Tx, worker: i64, now: Moment) -> Result<Vec<(i64, String)>> {
    tx.exec(LOG_UNKNOWN, (worker, now)).await?;
    tx.all(TAKE_BACK, (worker, now)).await
}

pub async fn release(tx: &mut Tx, worker: i64, now: Moment) -> Result<Vec<(i64,)>> {
    tx.all(RELEASE, (worker, now)).await
}

/// Hands claims back until a moment; returns those that were still the worker's own.
/// Hands back, each until a moment of its own if it has one, and into a lane if it waits in one.
pub async fn defer(
    tx: &mut Tx,
    worker: i64,
    claims: &[(Key, Option<Moment>, &str)],
) -> Result<Vec<(i64, i64)>> {
    let rows = claims.iter().map(|&((edition, subscriber, attempt), until, lane)| {
        (edition, subscriber, worker, attempt, until.map_or(0, |until| until.0), lane)
    });
    tx.many_returning(DEFER, rows).await
}

pub async fn variant(db: &Db, id: i64) -> Result<(StoredHeaders, Vec<u8>)> {
    let (json, body) = db.one(VARIANT, (id,)).await?;
    Ok((StoredHeaders { json, keys: dkim::signing(db).await? }, body))
}

/// Headers, body and the reader's name.
pub type FrozenBody = (String, Vec<u8>, String);

pub async fn body_of_copy(db: &Db, edition: i64, subscriber: i64) -> Result<Option<FrozenBody>> {
    db.opt(BODY_OF_COPY, (edition, subscriber)).await
}

pub async fn newest_body(db: &Db, edition: i64) -> Result<Option<FrozenBody>> {
    db.opt(NEWEST_BODY, (edition,)).await
}

pub async fn body_of_revision(db: &Db, edition: i64, revision: i64) -> Result<Option<FrozenBody>> {
    db.opt(BODY_OF_REVISION, (edition, revision)).await
}

pub async fn add_variant(
    tx: &mut Tx,
    (edition, revision, key): (i64, i64, &str),
    headers: &str,
    (body, fingerprint): (&[u8], &str),
    now: Moment,
) -> Result<i64> {
    tx.exec(ADD_VARIANT, (edition, revision, key, headers, body, now, fingerprint)).await?;
    Ok(tx.one::<(i64,)>(VARIANT_ID, (edition, revision, key)).await?.0)
}

pub async fn variant_id(tx: &mut Tx, (edition, revision, key): (i64, i64, &str)) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(VARIANT_ID, (edition, revision, key)).await?.map(|(id,)| id))
}

pub async fn fingerprint(db: &Db, (edition, revision, key): (i64, i64, &str)) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(FINGERPRINT, (edition, revision, key)).await?.map(|(fingerprint,)| fingerprint))
}

pub async fn headers(tx: &mut Tx, variant: i64) -> Result<String> {
    Ok(tx.one::<(String,)>(HEADERS, (variant,)).await?.0)
}

pub async fn set_headers(tx: &mut Tx, variant: i64, headers: &str) -> Result<()> {
    tx.exec(SET_HEADERS, (variant, headers)).await?;
    Ok(())
}

pub async fn drop_unused(tx: &mut Tx, edition: i64) -> Result<()> {
    tx.exec(DROP_UNUSED, (edition,)).await?;
    Ok(())
}

pub async fn copies(db: &Db, edition: i64, after: i64, limit: i64) -> Result<Vec<Copy>> {
    db.all(COPIES, (edition, after, limit)).await
}

pub async fn copy(db: &Db, edition: i64, subscriber: i64) -> Result<Option<Copy>> {
    db.opt(COPY, (edition, subscriber)).await
}
