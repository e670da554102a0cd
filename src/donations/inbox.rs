//! The inbox of the provider's events: stored first, worked on later, by whoever claims an event.

use std::{fmt, time::Duration};

use super::{
    apply::{self, ProviderPollError},
    brakes,
    lines::UNREADABLE,
    payouts,
    states::{EventSource, EventState},
    store::{
        self,
        events::{DueEvent, EVENTS, Told},
    },
};
use crate::{
    clock::Moment,
    db::{self, Gate, is_unique_violation},
    payments::{
        self, EventKind, EventsAsked, Genuine, PaymentProvider, ProviderError, ProviderEvent, WebhookError,
        WebhookSecrets,
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
/// The provider keeps events for thirty days, by a clock of its own.
const KEPT: Duration = Duration::from_secs(30 * 86_400 + 3_600);
/// After an outage the list is read in pieces of a day, the oldest first.
const PIECE: Duration = Duration::from_secs(86_400);
/// How far each list of kinds was read, and behind it where a round stands that did not come to the end of a piece.
const CURSOR: &str = "provider-events";

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
    match genuine {
        // A hundred that come at once wait for the disk once.
        Genuine::Event(event) => {
            store::events::keep_told(&site.db, &event, first_state(&event), now).await?;
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
            let mut tx = site.db.begin_together().await?;
            if store::events::add_event(&mut tx, &event, source, state, Some(&payload), now).await? == 1 {
                queue::add_news(&mut tx, now, News::GivenUp, EVENTS.rules.name).await?;
            }
            tx.commit().await?;
        }
    }
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
/// Only the kinds that move something here are asked for, in lists of as many as the provider takes at once. What came since the
/// last round is read in pieces of a day, the oldest first: the cursor moves with each piece. Within a piece the provider gives the
/// newest first, page by page, and each page is stored before the next is asked for: a round that ends in the middle is gone on
/// with where it ended. A list whose kinds are others than before is read from the beginning.
///
/// # Errors
/// [`ProviderPollError`]; the next round goes on where this one ended.
pub async fn poll_provider(site: &Site, provider: &dyn PaymentProvider) -> Result<u64, ProviderPollError> {
    let mut added = 0;
    let mut ended = Ok(());
    for kinds in payments::event_kinds().chunks(payments::MOST_KINDS_AT_ONCE) {
        let list = EventList::of(kinds);
        // One that cannot be read keeps no other from being read.
        match list.read(site, provider).await {
            Ok(new) => added += new,
            Err(error) => ended = Err(error),
        }
    }
    ended.map(|()| added)
}

/// Kinds that are asked for together, and how far they were read.
struct EventList<'a> {
    kinds: &'a [&'a str],
    cursor: String,
    unfinished: String,
}

impl<'a> EventList<'a> {
    fn of(kinds: &'a [&'a str]) -> Self {
        let name = token::short_name(&kinds.join(" "));
        Self { kinds, cursor: format!("{CURSOR}:{name}"), unfinished: format!("{CURSOR}:{name}:unfinished") }
    }

    async fn read(&self, site: &Site, provider: &dyn PaymentProvider) -> Result<u64, ProviderPollError> {
        let known = queue::read_cursor(&site.db, &self.cursor).await?;
        let mut known = known.and_then(|value| value.parse().ok()).map(Moment);
        let kept = site.now().minus(KEPT);
        let mut added = 0;
        loop {
            let from = known.map_or(kept, |at| at.minus(OVERLAP)).max(kept);
            // The first time, and where no more than a piece is left, to the end: whatever the provider's clock says.
            let piece = from.plus(PIECE);
            let until = (known.is_some() && piece.plus(OVERLAP) < site.now()).then_some(piece);
            added += self.read_piece(site, provider, (from, until), known).await?;
            match until {
                Some(until) => known = Some(until),
                None => return Ok(added),
            }
        }
    }

    async fn read_piece(
        &self,
        site: &Site,
        provider: &dyn PaymentProvider,
        (from, until): (Moment, Option<Moment>),
        known: Option<Moment>,
    ) -> Result<u64, ProviderPollError> {
        let mut way =
            queue::read_cursor(&site.db, &self.unfinished).await?.and_then(|value| Way::parse(&value));
        let mut added = 0;
        // It may have forgotten the event, and refuses with whatever words: then the piece is read from its beginning.
        let mut may_begin_again = way.is_some();
        loop {
            let asked = EventsAsked { kinds: self.kinds, from: Some(from), until };
            let page = match provider.events(&asked, way.as_ref().map(|way| way.after.as_str())).await {
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
            // The oldest first: in that order they are worked on.
            for event in page.events.iter().rev() {
                let state = first_state(event);
                if event.live == provider.is_live() && state == EventState::New {
                    added +=
                        store::events::add_event(&mut tx, event, EventSource::Poll, state, None, site.now())
                            .await?;
                }
            }
            way = page.next.map(|after| Way { newest: newest.unwrap_or_default(), after });
            if let Some(way) = &way {
                queue::set_cursor(&mut tx, &self.unfinished, &way.to_string(), site.now()).await?;
            } else {
                queue::remove_cursor(&mut tx, &self.unfinished).await?;
                if let Some(far) = until.or(newest).filter(|far| Some(*far) > known) {
                    queue::set_cursor(&mut tx, &self.cursor, &far.0.to_string(), site.now()).await?;
                }
            }
            tx.commit().await?;
            if way.is_none() {
                return Ok(added);
            }
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
    if worked.done > 0 {
        brakes::close_what_is_tried_out(site, provider).await?;
    }
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

async fn work_on(
    site: &Site,
    provider: &dyn PaymentProvider,
    event: &DueEvent,
) -> Result<(), ProviderPollError> {
    if event.what.news() == Some(EventKind::Payout) {
        payouts::follow(site, provider, &event.what.object_id).await?;
        let mut tx = site.db.begin().await?;
        EVENTS.done(&mut tx, (event.name.as_str(), event.next_at, EventState::Done, None::<i64>)).await?;
        tx.commit().await?;
        return Ok(());
    }
    for _ in 0..apply::MOST_LOOKS {
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
    let mut tx = site.db.begin_inside(Gate::Book).await?;
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
