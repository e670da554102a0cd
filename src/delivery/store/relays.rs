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
    /// Opens a span of time for a relay.
    OPEN = "insert into relay_window (relay, span, reserved) values ($1, $2, 0) on conflict (relay, span) do nothing";
    /// Reserves within the span, if its limit allows all of it.
    RESERVE = "update relay_window set reserved = reserved + $3 where relay = $1 and span = $2 and reserved + $3 <= $4";
    /// How much of the span was reserved.
    RESERVED = "select reserved from relay_window where relay = $1 and span = $2";
    /// Gives back what was reserved and not used.
    GIVE_BACK = "update relay_window set reserved = case when reserved > $3 then reserved - $3 else 0 end where relay = $1 and span = $2";
    /// A worker cannot use a relay.
    TROUBLE = "insert into relay_trouble (relay, worker_id, since, words) values ($1, $2, $3, $4)
        on conflict (relay, worker_id) do update set words = excluded.words";
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
    /// What workers that are still there cannot use.
    TROUBLES = "select t.relay, t.since, t.words from relay_trouble t join worker w on w.id = t.worker_id
        where w.stopped_at is null order by t.since";
}

/// A relay that cannot be used.
#[derive(Clone, Debug, serde::Serialize, sqlx::FromRow)]
pub struct Trouble {
    /// Host and port.
    pub relay: String,
    /// Since when.
    pub since: Moment,
    /// What was tried, or the server's own words.
    pub words: String,
}

/// When the relay was first used; now, if it never was.
pub async fn began(tx: &mut Tx, relay: &str, now: Moment) -> Result<Moment> {
    tx.exec(BEGIN, (relay, now)).await?;
    Ok(tx.one::<(Moment,)>(BEGAN, (relay,)).await?.0)
}

pub async fn first_used(db: &Db, relay: &str) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(BEGAN, (relay,)).await?.map(|(at,)| at))
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

pub async fn trouble(tx: &mut Tx, relay: &str, worker: i64, words: &str, now: Moment) -> Result<u64> {
    tx.exec(TROUBLE, (relay, worker, now, words)).await
}

pub async fn well(tx: &mut Tx, relay: &str, worker: i64) -> Result<u64> {
    tx.exec(WELL, (relay, worker)).await
}

pub async fn troubles(db: &Db) -> Result<Vec<Trouble>> {
    db.all(TROUBLES, ()).await
}
