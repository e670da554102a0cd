//! The statements of the inbox: what the provider told us.

use sqlx_macros::FromRow;

use super::super::{
    lines::EventLine,
    states::{EventSource, EventState},
};
use crate::{
    clock::Moment,
    db::{Db, Params, Result, Tx},
    payments::{EventKind, ProviderEvent},
    queue,
    queue::Due,
    statements,
};

statements! {
    ADD_EVENT = "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, last_error,
        created_at, received_at, next_at) values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $9)
        on conflict (event_id) do nothing";
    /// What did not concern us goes after some weeks, what did when the books of its year are long closed.
    pub(crate) FORGET_IGNORED = "delete from provider_event where event_id in (select event_id from provider_event
        where state = 'ignored' and received_at < $1 order by received_at limit $2)";
    pub(crate) FORGET_DONE = "delete from provider_event where event_id in (select event_id from provider_event
        where state = 'done' and received_at < $1 order by received_at limit $2)";
    /// Only what could not be read keeps its text, for whoever is asked about it, and not for ever.
    pub(crate) BLANK_EVENTS = "update provider_event set payload = '' where event_id in (select event_id from provider_event
        where payload <> '' and received_at < $1 order by received_at limit $2)";
    EVENTS_OF = "select event_id, type, source, state, attempts, last_error, created_at, received_at from provider_event
        where donation_id = $1 order by created_at, event_id";
    STUCK_EVENTS = "select event_id, type, source, state, attempts, last_error, created_at, received_at from provider_event
        where state = 'dead' order by received_at desc limit 100";
}

queue! {
    /// What the provider told us.
    pub EVENTS = EVENTS {
        table: "provider_event", key: "event_id", since: "created_at", also: ", type, object_id",
        open: "state = 'new'",
        done: "state = $3, donation_id = $4, payload = ''",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "state = 'dead'", give_up: "state = 'dead'",
        again: "state = 'new', attempts = 0, next_at = $2, last_error = null", from: "state = 'dead' and object_id <> ''",
    }
}

/// What there is to say of an event whose turn has come: since when it waits is when the provider made it.
#[derive(Clone, Debug, FromRow)]
pub struct Told {
    #[sqlx(rename = "type")]
    kind: String,
    pub object_id: String,
}

impl Told {
    /// As if it had been told of an object.
    pub fn of(kind: &str, object_id: &str) -> Self {
        Self { kind: kind.to_owned(), object_id: object_id.to_owned() }
    }

    /// What it is news of; none for what moves nothing here.
    pub fn news(&self) -> Option<EventKind> {
        EventKind::of(&self.kind)
    }
}

/// An event whose turn has come.
pub type DueEvent = Due<Told>;

/// Puts an event that was told into the inbox, once, and lastingly.
pub async fn keep_told(db: &Db, event: &ProviderEvent, state: EventState, now: Moment) -> Result<u64> {
    db.exec_together(ADD_EVENT, row(event, EventSource::Webhook, state, None, now)).await
}

/// Puts an event into the inbox, once: the number of rows added. Of its text only what cannot be read is kept, in `unread`.
pub async fn add_event(
    tx: &mut Tx,
    event: &ProviderEvent,
    source: EventSource,
    state: EventState,
    unread: Option<&str>,
    now: Moment,
) -> Result<u64> {
    tx.exec(ADD_EVENT, row(event, source, state, unread, now)).await
}

fn row<'a>(
    event: &'a ProviderEvent,
    source: EventSource,
    state: EventState,
    unread: Option<&'a str>,
    now: Moment,
) -> impl Params<'a> {
    (
        event.id.as_str(),
        event.kind.as_str(),
        event.object_id.as_str(),
        source,
        unread.unwrap_or_default(),
        state,
        unread.map(|_| "cannot be read"),
        event.created,
        now,
    )
}

pub async fn events_of(db: &Db, donation_id: i64) -> Result<Vec<EventLine>> {
    db.all(EVENTS_OF, (donation_id,)).await
}

pub async fn stuck_events(db: &Db) -> Result<Vec<EventLine>> {
    db.all(STUCK_EVENTS, ()).await
}
