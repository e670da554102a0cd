//! SQL of bounces and complaints.

use super::super::states::{Action, BounceClass, Change, Source};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::{AttemptStage, CopyId},
    replies::Reason,
    statements,
};

statements! {
    /// One report of one copy. The same report again changes nothing.
    ADD = "insert into bounce (key, source, class, action, reason, status, reply, words, effect, edition_id, subscriber_id, address_hash, masked, received_at, counts_for, held, weighed_with)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict (key) do nothing";
    /// Reports of long ago. What a server said stays as long as the attempt it said it to, which is looked at again and again
    /// (`REFUSALS`) and would be taken in anew.
    pub(crate) FORGET = "delete from bounce where id in (select b.id from bounce b where b.received_at < $1
        and not exists (select 1 from delivery_attempt a
            where a.id = case when b.source = 'reply' then cast(substr(b.key, 7) as bigint) end)
        order by b.received_at limit $2)";
    /// Was this report taken in before?
    KNOWN = "select id from bounce where key = $1";
    /// Whose mail a report stopped that was taken in as a complaint, unless it was let go since.
    STOPPED_BY = "select address_hash from bounce b where key = $1 and effect = 'complained'
        and not exists (select 1 from suppression s where s.address_hash = b.address_hash and s.lifted_at >= b.received_at)";
    /// The frozen address of a copy, and when its row last changed.
    COPY = "select address, updated_at from delivery where edition_id = $1 and subscriber_id = $2";
    /// Failures of an address that may pass, after a moment and up to another: of how many other editions, and the first.
    SOFT = "select count(distinct coalesce(edition_id, -id)) as count, min(received_at) as first from bounce
        where address_hash = $1 and received_at > $2 and received_at <= $3 and effect = 'counted'
            and (edition_id is null or edition_id <> $4)";
    /// When staff last let mail to an address go again.
    LIFTED = "select max(lifted_at) from suppression where address_hash = $1";
    /// How many readers complained of an edition.
    COMPLAINTS = "select count(distinct address_hash) from bounce where (edition_id = $1 or counts_for = $1) and class = 'complaint' and action = 'complained'";
    /// The edition that is going out to an address, the newest of several.
    GOING_OUT = "select max(d.edition_id) from delivery d join edition e on e.id = d.edition_id and e.state in ('sending', 'paused')
        where d.subscriber_id = (select id from subscriber where email_key = $1)";
    /// The newest copy that left for an address, not long ago.
    NEWEST_COPY = "select d.edition_id, d.subscriber_id from delivery d
        where d.subscriber_id = (select id from subscriber where email_key = $1)
        and d.state in ('accepted', 'unknown', 'claimed') and d.updated_at > $2 order by d.edition_id desc limit 1";
    /// How many copies of an edition were taken, or may have been.
    ACCEPTED = "select cast(coalesce(sum(count), 0) as bigint) from delivery_tally where edition_id = $1 and state in ('accepted', 'unknown')";
    /// The newest, for the desk.
    LATEST = "select b.id, b.source, b.class, b.action, b.reason, b.status, b.words,
            case when b.effect = 'counted' and b.weighed_with is not null then 'bounced' else b.effect end as effect, b.held, b.edition_id, b.subscriber_id, b.masked, b.received_at,
            (select d.address from delivery d where d.edition_id = b.edition_id and d.subscriber_id = b.subscriber_id) as address
        from bounce b where b.id < $1 order by b.id desc limit $2";
    /// The newest that came as mail, a bounce or a letter; of what was written last, for the table grows with the readers.
    LAST_MAIL = "select max(received_at) from (
        select received_at from (select source, received_at from bounce order by id desc limit 5000) as lately where source = 'mail'
        union all select received_at from (select received_at from bounce_letter order by id desc limit 1) as letters) as mails";
    /// What came back from one reader.
    OF_ADDRESS = "select b.id, b.source, b.class, b.action, b.reason, b.status, b.words,
            case when b.effect = 'counted' and b.weighed_with is not null then 'bounced' else b.effect end as effect, b.held, b.edition_id, b.subscriber_id, b.masked, b.received_at,
            cast(null as text) as address
        from bounce b where b.address_hash = $1 and (b.received_at, b.id) < ($2, $3) order by b.received_at desc, b.id desc limit $4";
    /// Editions that somebody complained of, newest first.
    COMPLAINED = "select coalesce(edition_id, counts_for) as edition_id, count(distinct address_hash) as count from bounce
        where class = 'complaint' and action = 'complained' and coalesce(edition_id, counts_for) is not null
        group by coalesce(edition_id, counts_for) order by 1 desc limit $1";
    /// Whose mail it was is forgotten: that something came back counts on.
    FORGET_READER = "update bounce set reply = null, words = '', masked = '', subscriber_id = null
        where id in (select id from bounce where address_hash = $1 union select id from bounce where subscriber_id = $2)";
    /// How far the log of attempts has been read.
    CURSOR = "select at from bounce_cursor where name = 'attempts'";
    /// Moves it.
    MOVE_CURSOR = "insert into bounce_cursor (name, at) values ('attempts', $1)
        on conflict (name) do update set at = excluded.at where bounce_cursor.at < excluded.at";
    /// The newest attempt.
    NEWEST_ATTEMPT = "select coalesce(max(id), 0) from delivery_attempt";
    /// Final refusals of a stretch of the log that were not yet taken in.
    REFUSALS = "select a.id, a.edition_id, a.subscriber_id, a.stage, a.reply, a.reason from delivery_attempt a
        where a.id > $1 and a.id <= $2 and a.outcome = 'failed'
        and not exists (select 1 from bounce b where b.key = 'reply:' || cast(a.id as text)) order by a.id";
}

/// A line to write.
pub struct NewBounce<'a> {
    pub key: &'a str,
    pub source: Source,
    pub class: BounceClass,
    pub action: Action,
    pub reason: Reason,
    pub status: Option<&'a str>,
    pub reply: Option<&'a str>,
    pub words: &'a str,
    pub effect: Change,
    pub edition_id: Option<i64>,
    pub subscriber_id: Option<i64>,
    pub counts_for: Option<i64>,
    pub held: bool,
    pub weighed_with: Option<i64>,
    pub address_hash: &'a str,
    pub masked: &'a str,
}

/// One line, as the desk shows it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Bounce {
    /// Its number; newer ones are higher.
    pub id: i64,
    /// How it came.
    pub source: Source,
    /// What it means.
    pub class: BounceClass,
    /// What became of the copy, as its reporter says.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The other server's words, without addresses.
    pub words: String,
    pub effect: Change,
    /// It waits for somebody's judgement, with the others of its edition.
    pub held: bool,
    /// The edition, where it is known.
    pub edition_id: Option<i64>,
    /// The subscriber, where they are known.
    pub subscriber_id: Option<i64>,
    /// The address with all but its first letter hidden.
    pub masked: String,
    /// When it came.
    pub received_at: Moment,
    /// The frozen address of the copy, where the ledger has it.
    pub address: Option<String>,
}

/// A final refusal in the log of attempts.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Refusal {
    pub id: i64,
    pub edition_id: i64,
    pub subscriber_id: i64,
    pub stage: AttemptStage,
    pub reply: String,
    /// What it means, if it was read when it came.
    pub reason: Option<Reason>,
}

pub async fn known(tx: &mut Tx, key: &str) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(KNOWN, (key,)).await?.is_some())
}

pub async fn stopped_by(tx: &mut Tx, key: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(STOPPED_BY, (key,)).await?.map(|(hash,)| hash))
}

pub async fn add(tx: &mut Tx, new: NewBounce<'_>, now: Moment) -> Result<bool> {
    let values = (
        new.key,
        new.source,
        new.class,
        new.action,
        new.reason,
        new.status,
        new.reply,
        new.words,
        new.effect,
        new.edition_id,
        new.subscriber_id,
        new.address_hash,
        new.masked,
        now,
        new.counts_for,
        new.held,
        new.weighed_with,
    );
    Ok(tx.exec(ADD, values).await? == 1)
}

pub async fn copy(tx: &mut Tx, edition: i64, subscriber: i64) -> Result<Option<(String, Moment)>> {
    tx.opt(COPY, (edition, subscriber)).await
}

pub async fn soft(
    tx: &mut Tx,
    hash: &str,
    (since, now): (Moment, Moment),
    but: Option<i64>,
) -> Result<(i64, Option<Moment>)> {
    tx.one(SOFT, (hash, since, now, but.unwrap_or(-1))).await
}

pub async fn last_mail(db: &Db) -> Result<Option<Moment>> {
    Ok(db.one::<(Option<Moment>,)>(LAST_MAIL, ()).await?.0)
}

pub async fn lifted(tx: &mut Tx, hash: &str) -> Result<Option<Moment>> {
    Ok(tx.one::<(Option<Moment>,)>(LIFTED, (hash,)).await?.0)
}

pub async fn complaints(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(COMPLAINTS, (edition,)).await?.0)
}

pub async fn going_out(tx: &mut Tx, address_key: &str) -> Result<Option<i64>> {
    Ok(tx.one::<(Option<i64>,)>(GOING_OUT, (address_key,)).await?.0)
}

pub async fn newest_copy(tx: &mut Tx, address_key: &str, since: Moment) -> Result<Option<CopyId>> {
    let copy = tx.opt::<(i64, i64)>(NEWEST_COPY, (address_key, since)).await?;
    Ok(copy.map(|(edition, subscriber)| CopyId { edition, subscriber }))
}

pub async fn accepted(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ACCEPTED, (edition,)).await?.0)
}

pub async fn latest(db: &Db, before: i64, limit: i64) -> Result<Vec<Bounce>> {
    db.all(LATEST, (before, limit)).await
}

pub async fn of_address(
    db: &Db,
    hash: &str,
    (received_at, id): (Moment, i64),
    limit: i64,
) -> Result<Vec<Bounce>> {
    db.all(OF_ADDRESS, (hash, received_at, id, limit)).await
}

pub async fn forget_reader(tx: &mut Tx, hash: &str, reader: i64) -> Result<u64> {
    tx.exec(FORGET_READER, (hash, reader)).await
}

pub async fn complained(db: &Db, limit: i64) -> Result<Vec<(i64, i64)>> {
    db.all(COMPLAINED, (limit,)).await
}

/// How far the log has been read, and how far it goes.
pub async fn cursor(db: &Db) -> Result<(i64, i64)> {
    let at = db.opt::<(i64,)>(CURSOR, ()).await?.map_or(0, |(at,)| at);
    Ok((at, db.one::<(i64,)>(NEWEST_ATTEMPT, ()).await?.0))
}

pub async fn move_cursor(tx: &mut Tx, at: i64) -> Result<()> {
    tx.exec(MOVE_CURSOR, (at,)).await?;
    Ok(())
}

pub async fn refusals(db: &Db, after: i64, until: i64) -> Result<Vec<Refusal>> {
    db.all(REFUSALS, (after, until)).await
}
