//! SQL of relays: what they were given, since when they are used, and what is wrong with them.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// A relay is used for the first time.
    BEGIN = "insert into relay_history (relay, first_used_at) values ($1, $2) on conflict (relay) do nothing";
    /// When that was.
    BEGAN = "select first_used_at from relay_history where relay = $1";
    /// Up to when its slots were given away, for whoever gives away the next.
    SLOT_AT = sqlite "select slot_at from relay_history where relay = $1",
        postgres "select slot_at from relay_history where relay = $1 for update";
    /// They are given away up to a moment.
    SET_SLOT_AT = "update relay_history set slot_at = $2 where relay = $1";
    /// Opens a span of time for a relay.
    OPEN = "insert into relay_window (relay, span, reserved) values ($1, $2, 0) on conflict (relay, span) do nothing";
    /// Reserves within the span, if its limit allows all of it.
    RESERVE = "update relay_window set reserved = reserved + $3 where relay = $1 and span = $2 and reserved + $3 <= $4";
    /// How much of the span was reserved.
    RESERVED = "select reserved from relay_window where relay = $1 and span = $2";
    /// Gives back what was reserved and not used.
    GIVE_BACK = "update relay_window set reserved = case when reserved > $3 then reserved - $3 else 0 end where relay = $1 and span = $2";
    /// A worker cannot use a relay.
    TROUBLE = "insert into relay_trouble (relay, worker_id, since, words, credentials) values ($1, $2, $3, $4, $5)
        on conflict (relay, worker_id) do update set words = excluded.words, credentials = excluded.credentials";
    /// A worker can use it again.
    WELL = "delete from relay_trouble where relay = $1 and worker_id = $2";
    /// Troubles of workers that ended before a moment.
    pub(crate) FORGET_TROUBLES = "delete from relay_trouble where (relay, worker_id) in (select t.relay, t.worker_id from relay_trouble t
        where not exists (select 1 from worker w where w.id = t.worker_id and (w.stopped_at is null or w.stopped_at >= $1)) limit $2)";
    /// Spans that are over: their names hold the day in UTC, as `relays::span_names` writes it.
    pub(crate) FORGET_WINDOWS = sqlite "delete from relay_window where (relay, span) in (select relay, span from relay_window
            where substr(span, instr(span, ' ') + 1, 10) < strftime('%Y-%m-%d', $1 / 1000000, 'unixepoch') limit $2)",
        postgres "delete from relay_window where (relay, span) in (select relay, span from relay_window
            where split_part(span, ' ', 2) < to_char(to_timestamp(cast($1 as bigint) / 1000000) at time zone 'UTC', 'YYYY-MM-DD') limit $2)";
    /// What workers that are still there cannot use; refused sign-ins first, those that are refused still, whoever tried last.
    TROUBLES = "select t.relay, coalesce(s.refused_since, t.since) as since, coalesce(s.words, t.words) as words, s.credentials, s.next_try_at,
            s.told_at, (select max(o.told_at) from relay_sign_in o where o.relay = s.relay) as relay_told_at
        from relay_trouble t join worker w on w.id = t.worker_id
        left join relay_sign_in s on s.relay = t.relay and s.credentials = t.credentials and s.refused_since is not null
        where w.stopped_at is null and (t.credentials is null or s.relay is not null)
        order by case when s.relay is null then 1 else 0 end, since, t.relay, t.worker_id";
}

/// A relay that cannot be used.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Trouble {
    /// Host and port.
    pub relay: String,
    /// Since when.
    pub since: Moment,
    /// What was tried, or the server's own words.
    pub words: String,
    /// Which user and password it refuses, if that is the trouble.
    pub credentials: Option<String>,
    /// When the sign-in is tried again.
    pub next_try_at: Option<Moment>,
    /// When owners were last written to about this sign-in.
    pub told_at: Option<Moment>,
    /// The same, about any sign-in at this relay.
    pub relay_told_at: Option<Moment>,
}

/// When the relay was first used; now, if it never was.
pub async fn began(tx: &mut Tx, relay: &str, now: Moment) -> Result<Moment> {
    tx.exec(BEGIN, (relay, now)).await?;
    Ok(tx.one::<(Moment,)>(BEGAN, (relay,)).await?.0)
}

pub async fn first_used(db: &Db, relay: &str) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(BEGAN, (relay,)).await?.map(|(at,)| at))
}

pub async fn slot_at(tx: &mut Tx, relay: &str) -> Result<Option<Moment>> {
    Ok(tx.one::<(Option<Moment>,)>(SLOT_AT, (relay,)).await?.0)
}

pub async fn set_slot_at(tx: &mut Tx, relay: &str, at: Moment) -> Result<u64> {
    tx.exec(SET_SLOT_AT, (relay, at)).await
}

/// Reserves up to `wanted` messages of a span, and says how many.
pub async fn reserve(tx: &mut Tx, relay: &str, span: &str, limit: i64, wanted: i64) -> Result<i64> {
    tx.exec(OPEN, (relay, span)).await?;
    // Another worker may reserve between reading and writing; then the write finds too little room, and it is read again.
    loop {
        let reserved = tx.one::<(i64,)>(RESERVED, (relay, span)).await?.0;
        let part = wanted.min(limit - reserved);
        if part <= 0 {
            return Ok(0);
        }
        if tx.exec(RESERVE, (relay, span, part, limit)).await? == 1 {
            return Ok(part);
        }
    }
}

pub async fn give_back(tx: &mut Tx, relay: &str, span: &str, count: i64) -> Result<u64> {
    tx.exec(GIVE_BACK, (relay, span, count)).await
}

pub async fn reserved(db: &Db, relay: &str, span: &str) -> Result<i64> {
    Ok(db.opt::<(i64,)>(RESERVED, (relay, span)).await?.map_or(0, |(count,)| count))
}

pub async fn trouble(
    tx: &mut Tx,
    (relay, worker): (&str, i64),
    words: &str,
    credentials: Option<&str>,
    now: Moment,
) -> Result<u64> {
    tx.exec(TROUBLE, (relay, worker, now, words, credentials)).await
}

pub async fn well(tx: &mut Tx, relay: &str, worker: i64) -> Result<u64> {
    tx.exec(WELL, (relay, worker)).await
}

pub async fn troubles(db: &Db) -> Result<Vec<Trouble>> {
    db.all(TROUBLES, ()).await
}
