//! The inbox of the provider's events: stored first, worked on later, by whoever claims an event.

use std::{fmt, time::Duration};

use super::{
    apply::{self, ProviderPollError},
    lines::UNREADABLE,
    states::{EventSource, EventState},
    store::{
        self,
        events::{DueEvent, EVENTS, Told},
    },
};
use crate::{
    clock::Moment,
    db::{self, is_unique_violation},
    payments::{
        self, EventKind, Genuine, PaymentProvider, ProviderError, ProviderEvent, WebhookError, WebhookSecrets,
    },
    queue::{self, Came, News, Queue, Work},
    site::Site,
    token,
};

/// Why an event was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is not the provider's: answer 400, store nothing.
    #[error(transparent)]
    Refused(#[from] WebhookError),
    /// It could not be stored: answer 5xx, so that the provider sends it again (TRUST D10).
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What came of a round of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxWorked {
    /// Events that were applied, or that turned out not to concern us.
    pub done: u64,
    /// Events that will be tried again, or that were given up.
    pub failed: u64,
}

/// How far before the newest event seen the next list begins: the provider may list an event late.
const OVERLAP: Duration = Duration::from_secs(3_600);
const CURSOR: &str = "provider-events";
/// Where a round stands that did not come to the end of the list.
const UNFINISHED: &str = "provider-events-unfinished";

/// Takes an event in: checks its signature over the raw bytes and stores it, once. Nothing else happens here.
///
/// # Errors
/// [`ReceiveError`], which says how to answer.
pub async fn receive(
    site: &Site,
    provider: &dyn PaymentProvider,
    secrets: &WebhookSecrets,
    signature: Option<&str>,
    body: &[u8],
) -> Result<(), ReceiveError> {
    let now = site.now();
    let genuine = payments::verify_webhook(secrets, provider.is_live(), signature, body, now)?;
    let mut tx = site.db.begin().await?;
    match genuine {
        Genuine::Event(event) => {
            let state = first_state(&event);
            store::events::add_event(&mut tx, &event, EventSource::Webhook, state, None, now).await?;
        }
        Genuine::Unreadable(payload) => {
            tracing::error!("the payment provider signed an event that cannot be read; it is kept");
            let event = ProviderEvent {
                id: format!("unreadable:{}", token::hash(&payload)),
                kind: UNREADABLE.to_owned(),
                object_id: String::new(),
                created: now,
                live: provider.is_live(),
            };
            let (source, state) = (EventSource::Webhook, EventState::Dead);
            if store::events::add_event(&mut tx, &event, source, state, Some(&payload), now).await? == 1 {
                queue::add_news(&mut tx, now, News::GivenUp, EVENTS.rules.name).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Events of other kinds are kept and left alone.
fn first_state(event: &ProviderEvent) -> EventState {
    match EventKind::of(&event.kind) {
        Some(_) if !event.object_id.is_empty() => EventState::New,
        _ => EventState::Ignored,
    }
}

/// Reads the provider's own list of events into the same inbox, so that nothing stays lost when we could not be reached
/// (TRUST D3). Returns how many were new.
///
/// The list comes newest first, page by page, and each page is stored before the next is asked for: a round that ends in the
/// middle is gone on with where it ended. Only the last page moves the cursor.
///
/// # Errors
/// [`ProviderPollError`]; the next round goes on where this one ended.
pub async fn poll_provider(site: &Site, provider: &dyn PaymentProvider) -> Result<u64, ProviderPollError> {
    let cursor = queue::read_cursor(&site.db, CURSOR).await?.and_then(|value| value.parse().ok()).map(Moment);
    let since = cursor.map(|at| at.minus(OVERLAP));
    let mut way = queue::read_cursor(&site.db, UNFINISHED).await?.and_then(|value| Way::parse(&value));
    let mut added = 0;
    // It may have forgotten the event, and refuses with whatever words: then the list is read from its beginning.
    let mut may_begin_again = way.is_some();
    loop {
        let after = way.as_ref().map(|way| way.after.as_str());
        let page = match provider.events(since, after).await {
            Err(ProviderError::Refused { .. }) if may_begin_again => {
                (way, may_begin_again) = (None, false);
                continue;
            }
            answer => answer?,
        };
        may_begin_again = false;
        let first = page.events.iter().map(|event| event.created).max();
        let newest = way.take().map(|way| way.newest).max(first);
        let mut tx = site.db.begin().await?;
        for event in &page.events {
            let state = first_state(event);
            if event.live == provider.is_live() && state == EventState::New {
                added += store::events::add_event(&mut tx, event, EventSource::Poll, state, None, site.now())
                    .await?;
            }
        }
        way = page.next.map(|after| Way { newest: newest.unwrap_or_default(), after });
        if let Some(way) = &way {
            queue::set_cursor(&mut tx, UNFINISHED, &way.to_string(), site.now()).await?;
        } else {
            queue::remove_cursor(&mut tx, UNFINISHED).await?;
            if let Some(newest) = newest.filter(|newest| Some(*newest) > cursor) {
                queue::set_cursor(&mut tx, CURSOR, &newest.0.to_string(), site.now()).await?;
            }
        }
        tx.commit().await?;
        if way.is_none() {
            return Ok(added);
        }
    }
}

/// How far a round has come on its way down the list: everything from the newest event on is stored, down to this one.
struct Way {
    newest: Moment,
    after: String,
}

impl Way {
    fn parse(text: &str) -> Option<Self> {
        let (newest, after) = text.split_once(' ')?;
        Some(Self { newest: Moment(newest.parse().ok()?), after: after.to_owned() })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.newest.0, self.after)
    }
}

/// Works on every event whose turn has come: fetches its object again and lets our rows follow.
///
/// # Errors
/// When the database fails; what was claimed is found again after its lease.
pub async fn process_inbox(site: &Site, provider: &dyn PaymentProvider) -> db::Result<InboxWorked> {
    let worked = queue::work(site, &Inbox(provider)).await?;
    Ok(InboxWorked { done: worked.done, failed: worked.later + worked.given_up })
}

struct Inbox<'a>(&'a dyn PaymentProvider);

impl Work for Inbox<'_> {
    type What = Told;

    fn queue(&self) -> &'static Queue {
        &EVENTS
    }

    async fn work(&self, site: &Site, event: &DueEvent) -> db::Result<Came> {
        match work_on(site, self.0, event).await {
            Ok(()) => Ok(Came::Done),
            Err(ProviderPollError::Provider(error)) => Ok(Came::Later(error.for_the_record())),
            Err(ProviderPollError::Database(error)) => Err(error),
        }
    }
}

/// How often a subscription is looked at again because somebody else followed it meanwhile, before the event waits its turn.
const MOST_LOOKS: u32 = 5;

async fn work_on(
    site: &Site,
    provider: &dyn PaymentProvider,
    event: &DueEvent,
) -> Result<(), ProviderPollError> {
    for _ in 0..MOST_LOOKS {
        let seen = apply::fetch(site, provider, &event.what).await?;
        let mut attempt = 0;
        let applied = loop {
            match apply_once(site, event, &seen).await {
                Ok(applied) => break applied,
                // Two workers met at a unique key (a donor): the loser looks again.
                Err(error) if attempt < 3 && is_unique_violation(&error) => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        };
        if applied {
            return Ok(());
        }
    }
    Err(ProviderError::NotYet("how the subscription is: others follow it too").into())
}

/// The transition, its entries, receipt and mail, and the end of the event: all in one transaction. False, and nothing done,
/// when what was seen is no longer the newest.
async fn apply_once(site: &Site, event: &DueEvent, seen: &apply::Seen) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let applied = apply::apply(&mut tx, site, event, seen).await?;
    let (state, donation_id) = match applied {
        apply::Applied::Stale => return Ok(false),
        apply::Applied::NotOurs => (EventState::Ignored, None),
        apply::Applied::Ours(donation_id) => (EventState::Done, donation_id),
    };
    EVENTS.done(&mut tx, (event.name.as_str(), event.next_at, state, donation_id)).await?;
    tx.commit().await?;
    Ok(true)
}
