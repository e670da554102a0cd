//! SQL of deliveries, their attempts and tallies.

use std::collections::{BTreeMap, HashMap};

use super::super::{
    copy_names::CopyId,
    states::{AttemptOutcome, AttemptStage, Class, CopyState, StopReason as Stopped},
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    dkim::{self, SealedKey},
    email_address::EmailAddress,
    replies::Reason,
    statements,
};

statements! {
    /// What is to be claimed next, for `Tx::array`.
    DUE = sqlite "select json_group_array(json_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off, parts))
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, d.parts, coalesce(s.public_id, '') as public_id,
                    case when d.broke_off then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = '' and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at, d.subscriber_id limit $3)",
        postgres "select cast(coalesce(json_agg(json_build_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off, parts)), '[]') as text)
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, d.parts, coalesce(s.public_id, '') as public_id,
                    case when d.broke_off then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = '' and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at, d.subscriber_id limit $3
                for update of d skip locked) as due";
    /// The same in a lane: those that were asked for patience and have waited come before those that nobody tried.
    DUE_IN_LANE = sqlite "select json_group_array(json_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off, parts))
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, d.parts, coalesce(s.public_id, '') as public_id,
                    case when d.broke_off then 1 else 0 end as broke_off
                from delivery d left join subscriber s on s.id = d.subscriber_id
                where d.edition_id = $1 and d.state = 'queued' and d.lane = $4 and d.next_at <= $2
                and exists (select 1 from edition where id = $1 and state = 'sending') order by d.next_at desc, d.subscriber_id desc limit $3)",
        postgres "select cast(coalesce(json_agg(json_build_array(subscriber_id, address, name, domain_key, variant_id, attempt + 1, public_id, earlier_attempts, asked_at, next_at, broke_off, parts)), '[]') as text)
            from (select d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, d.attempt, d.earlier_attempts, d.asked_at, d.next_at, d.parts, coalesce(s.public_id, '') as public_id,
                    case when d.broke_off then 1 else 0 end as broke_off
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
    /// Which of these copies have been in doubt twice before.
    OFTEN_IN_DOUBT = rows(2) "select a.edition_id, a.subscriber_id from (values {rows}) as v
        join delivery_attempt a on a.edition_id = cast(v.column1 as bigint) and a.subscriber_id = cast(v.column2 as bigint)
        where a.outcome = 'unknown' group by a.edition_id, a.subscriber_id having count(*) >= 2";
    /// Which of these copies are of readers who were forgotten.
    OF_FORGOTTEN = rows(2) "select d.edition_id, d.subscriber_id from (values {rows}) as v
        join delivery d on d.edition_id = cast(v.column1 as bigint) and d.subscriber_id = cast(v.column2 as bigint)
        where d.address = ''";
    /// The server's own words.
    LOG = rows(9) "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at, reason) values {rows}";
    /// The log of one edition that ended before a moment. Each edition is asked by the index whether it has any left.
    pub(crate) FORGET_LOG = "delete from delivery_attempt where id in (select a.id from delivery_attempt a
        where a.edition_id = (select e.id from edition e where e.state in ('finished', 'cancelled') and e.finished_at < $1
            and (select x.id from delivery_attempt x where x.edition_id = e.id limit 1) is not null order by e.id limit 1)
        order by a.subscriber_id limit $2)";
    /// The words of the domain, for each of them.
    LOG_GIVEN_UP = sqlite "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select edition_id, subscriber_id, attempt, $1, 'given up', 'rcpt', $4, $5 from delivery
            where edition_id = $2 and subscriber_id in (select value from json_each($3))",
        postgres "insert into delivery_attempt (edition_id, subscriber_id, attempt, worker_id, outcome, stage, reply, at)
            select edition_id, subscriber_id, attempt, $1, 'given up', 'rcpt', $4, $5 from delivery
            where edition_id = $2 and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($3 as json)))";
    /// Whose copy goes to an address: their reader's, or as it stood on the copy, for readers whose address is another by now. The
    /// database knows the small letters of English alone, so it is compared as it was written, too.
    SUBSCRIBER_AT = "select subscriber_id from delivery where edition_id = $1
        and (subscriber_id = (select id from subscriber where email_key = $2) or lower(address) = $2 or address = $3)";
    /// Copies that wait, in the order in which they leave.
    WAITING = "select d.subscriber_id, d.address, s.public_id from delivery d join subscriber s on s.id = d.subscriber_id
        where d.edition_id = $1 and d.subscriber_id > $2 and d.subscriber_id <= $3 and d.state = 'queued'
        order by d.subscriber_id limit $4";
    HAD_BEFORE_COUNT = "select count(*) from delivery where edition_id = $1 and state = 'unknown' and class = 'restored'";
    /// The end of the next chunk of copies that are to get another body.
    BEHIND = "select max(subscriber_id) from (select subscriber_id from delivery
        where edition_id = $1 and subscriber_id > $3 and state in ('queued', 'claimed') and variant_id <> $2
        order by subscriber_id limit $4) as chunk";
    /// Copies with another body that wait, or are leaving at this moment.
    NOT_YET = "select count(*) from delivery
        where edition_id = $1 and ((state = 'queued' and variant_id <> $2) or state = 'claimed')";
    /// Everything that happened to one copy.
    ATTEMPTS = "select attempt, outcome, stage, reply, at from delivery_attempt
        where edition_id = $1 and subscriber_id = $2 order by id";
    /// What these readers answered to these fields, as JSON arrays, of those that may stand in mails still.
    ANSWERS = sqlite "select v.subscriber_id, v.field_id, v.value from json_each($1) r
            join field_value v on v.subscriber_id = r.value and v.field_id in (select value from json_each($2))
            join field f on f.id = v.field_id where f.removed_at is null and f.stands_in = 'mails'",
        postgres "select v.subscriber_id, v.field_id, v.value from json_array_elements_text(cast($1 as json)) r
            join field_value v on v.subscriber_id = r.value::bigint
                and v.field_id in (select value::bigint from json_array_elements_text(cast($2 as json)))
            join field f on f.id = v.field_id where f.removed_at is null and f.stands_in = 'mails'";
    /// The frozen body.
    VARIANT = "select headers, body from variant where id = $1";
    /// How many other bodies its revision has: with one, not every copy of the edition carries this one.
    OTHER_BODIES = "select count(*) from variant v join variant o on o.edition_id = v.edition_id and o.revision = v.revision and o.id <> v.id
        where v.id = $1";
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

/// What stands over a frozen body, and the keys that sign now, for whichever domain.
#[derive(Clone, Debug)]
pub struct StoredHeaders {
    pub json: String,
    pub keys: Vec<SealedKey>,
}

/// One delivery that a worker claimed and may attempt.
#[derive(Clone, Debug)]
pub struct Claim {
    pub edition_id: i64,
    pub subscriber_id: i64,
    /// The subscriber's public id, for links; empty when there is no such reader any more.
    pub public_id: String,
    /// The frozen address.
    pub address: String,
    /// The frozen name; may be empty.
    pub name: String,
    /// What the reader answered to the fields that stand in the body, by their numbers.
    pub answers: Vec<(i64, String)>,
    /// Whose servers take it: what its pace is kept by.
    pub domain_key: String,
    /// Which frozen body.
    pub variant_id: i64,
    /// Which of its parts the reader sees that are not for everybody, as bits.
    pub parts: u32,
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
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct LoggedAttempt {
    /// Which attempt it was, from 1.
    pub attempt: i64,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// How far the conversation had come.
    pub stage: AttemptStage,
    /// The server's own words, or what went wrong before it said any.
    pub reply: String,
    pub at: Moment,
}

/// A copy that waits.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct WaitingCopy {
    pub subscriber_id: i64,
    /// The subscriber's public id.
    pub public_id: String,
    /// The frozen address.
    pub address: EmailAddress,
}

/// One edition to one reader, as the desk shows it.
#[derive(Clone, Debug, serde::Serialize, sqlx_macros::FromRow)]
pub struct CopyLine {
    pub edition_id: i64,
    pub subscriber_id: i64,
    /// The frozen address.
    pub address: String,
    /// Where it stands.
    pub state: CopyState,
    /// Why, for failed, suppressed and unknown.
    pub class: Option<Class>,
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
    pub state: CopyState,
    pub class: Option<Class>,
    pub next_at: Moment,
    pub maybe_duplicate: bool,
    pub outcome: AttemptOutcome,
    pub stage: AttemptStage,
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

/// What is to be claimed next.
pub async fn due(tx: &mut Tx, edition: i64, limit: i64, now: Moment) -> Result<Vec<Due>> {
    tx.array(DUE, (edition, now, limit)).await
}

/// The same in a lane.
pub async fn due_in_lane(
    tx: &mut Tx,
    edition: i64,
    (lane, limit): (&str, i64),
    now: Moment,
) -> Result<Vec<Due>> {
    tx.array(DUE_IN_LANE, (edition, now, limit, lane)).await
}

/// Copies wait in lanes from now on, each by edition, subscriber and lane; how many.
pub async fn wait(tx: &mut Tx, waiting: Vec<(i64, i64, &str)>) -> Result<usize> {
    let count = waiting.len();
    if count > 0 {
        tx.many(WAIT, waiting).await?;
    }
    Ok(count)
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

/// A row of `DUE`, in its order.
#[derive(serde::Deserialize)]
pub struct Due(pub i64, String, String, pub String, i64, i64, String, i64, Option<i64>, i64, i64, u32);

impl Due {
    pub fn claim(self, edition_id: i64) -> Claim {
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
            parts,
        ) = self;
        Claim {
            edition_id,
            subscriber_id,
            public_id,
            address,
            name,
            answers: Vec::new(),
            domain_key,
            variant_id,
            parts,
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
pub struct Group<'a> {
    pub subscribers: Vec<i64>,
    words: Vec<&'a str>,
    pub latest: Moment,
}

pub fn grouped<'a>(keys: impl Iterator<Item = (Key, &'a str, Moment)>) -> BTreeMap<(i64, i64), Group<'a>> {
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
#[derive(Debug, sqlx_macros::FromRow)]
pub struct Ours {
    pub edition_id: i64,
    pub subscriber_id: i64,
    pub sending: bool,
    pub stopped: Option<Stopped>,
}

/// The claims among the keys that are still the worker's own; the hash of the address may be left out.
pub async fn ours(tx: &mut Tx, worker: i64, keys: &[(Key, &str)]) -> Result<Vec<Ours>> {
    tx.many_returning(OURS, keyed(worker, keys)).await
}

pub fn keyed<'a>(
    worker: i64,
    keys: &'a [(Key, &'a str)],
) -> impl Iterator<Item = (i64, i64, i64, i64, &'a str)> {
    keys.iter()
        .map(move |&((edition, subscriber, attempt), word)| (edition, subscriber, worker, attempt, word))
}

pub async fn often_in_doubt(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(i64, i64)>> {
    tx.many_returning(OFTEN_IN_DOUBT, keys.iter().map(|&(edition, subscriber, _)| (edition, subscriber)))
        .await
}

pub async fn of_forgotten(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(i64, i64)>> {
    tx.many_returning(OF_FORGOTTEN, keys.iter().map(|&(edition, subscriber, _)| (edition, subscriber))).await
}

pub async fn log<'a>(tx: &mut Tx, worker: i64, records: impl IntoIterator<Item = &'a Record>) -> Result<u64> {
    let rows = records.into_iter().map(|r| {
        (
            r.edition_id,
            r.subscriber_id,
            r.attempt,
            worker,
            r.outcome,
            r.stage,
            r.reply.as_str(),
            r.at,
            r.reason,
        )
    });
    tx.many(LOG, rows).await
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

pub async fn subscriber_at(db: &Db, edition: i64, address: &EmailAddress) -> Result<Option<i64>> {
    let values = (edition, address.key(), address.as_str());
    Ok(db.opt::<(i64,)>(SUBSCRIBER_AT, values).await?.map(|(id,)| id))
}

pub async fn waiting(
    tx: &mut Tx,
    edition: i64,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<WaitingCopy>> {
    tx.all(WAITING, (edition, after, to, limit)).await
}

pub async fn had_before_count(db: &Db, edition: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(HAD_BEFORE_COUNT, (edition,)).await?.0)
}

pub async fn behind(db: &Db, edition: i64, variant: i64, after: i64, limit: i64) -> Result<Option<i64>> {
    Ok(db.one::<(Option<i64>,)>(BEHIND, (edition, variant, after, limit)).await?.0)
}

pub async fn not_yet(tx: &mut Tx, edition: i64, variant: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(NOT_YET, (edition, variant)).await?.0)
}

pub async fn attempts(db: &Db, edition: i64, subscriber: i64) -> Result<Vec<LoggedAttempt>> {
    db.all(ATTEMPTS, (edition, subscriber)).await
}

/// What these readers answered to these fields, by reader.
pub async fn answers(db: &Db, readers: &[i64], fields: &[i64]) -> Result<HashMap<i64, Vec<(i64, String)>>> {
    let rows: Vec<(i64, i64, String)> = db.all(ANSWERS, (db::array(readers)?, db::array(fields)?)).await?;
    let mut answers: HashMap<i64, Vec<(i64, String)>> = HashMap::new();
    for (reader, field, value) in rows {
        answers.entry(reader).or_default().push((field, value));
    }
    Ok(answers)
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

pub async fn copies(db: &Db, edition: i64, after: i64, limit: i64) -> Result<Vec<CopyLine>> {
    db.all(COPIES, (edition, after, limit)).await
}

pub async fn copy(db: &Db, edition: i64, subscriber: i64) -> Result<Option<CopyLine>> {
    db.opt(COPY, (edition, subscriber)).await
}

pub async fn has_other_bodies(db: &Db, variant: i64) -> Result<bool> {
    Ok(db.one::<(i64,)>(OTHER_BODIES, (variant,)).await?.0 > 0)
}
