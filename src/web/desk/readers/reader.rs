//! `/desk/readers/{id}`: one reader: their lists, what they agreed to, what we sent them.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::bounces::{Stopped, View, of_reader, stopped};
use crate::{
    clock::Zone,
    publishing,
    subscribers::{self, Subscriber, Subscription, SubscriptionState, consent, donor_state, fields},
    web::{
        Desk, Form, Outcome, WebError,
        desk::editions::progress::Row,
        paging::{Links, List, Place},
        words::readers::{agreed, donor, standing},
    },
};

/// The one field of the forms that stop mail to a reader for good, and let it go again.
pub(super) const WHY: &[&str] = &["why"];
/// How many copies the page shows.
const COPIES: usize = 50;

/// What the address of the page asks for: where what we sent them, and what came back, are read on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    copies: Place,
    bounces: Place<2>,
}

#[derive(Serialize)]
struct Page {
    /// Why mail to them is stopped for good, or goes again.
    form: Form,
    /// Whether the team said that they are never mailed.
    blocked: bool,
    reader: ReaderView,
    donor: &'static str,
    lists: Vec<ListLine>,
    consent: Vec<EventView>,
    /// What they answered in forms: the question, and the answer.
    answers: Vec<(String, String)>,
    copies: Vec<CopyView>,
    copies_pages: Links,
    stopped: Option<Stopped>,
    bounces: Vec<View>,
    bounces_pages: Links,
}

#[derive(Serialize)]
struct ReaderView {
    public_id: String,
    email: String,
    name: String,
    since: String,
}

#[derive(Serialize)]
struct ListLine {
    id: i64,
    name: String,
    line: String,
    words: &'static str,
    state: &'static str,
    may_leave: bool,
}

#[derive(Serialize)]
struct EventView {
    what: String,
    when: String,
    wording: Option<String>,
    proof: String,
}

#[derive(Serialize)]
struct CopyView {
    public_id: String,
    subject: String,
    #[serde(flatten)]
    row: Row,
}

impl ListLine {
    fn new(subscription: Subscription, zone: &Zone) -> Self {
        let (words, state) = standing(&subscription);
        let line = match (subscription.left_at, subscription.confirmed_at) {
            (Some(at), _) if subscription.state == SubscriptionState::Left => {
                format!("Left on {}", at.date(zone))
            }
            (_, Some(at)) if subscription.state == SubscriptionState::Confirmed => {
                format!("Since {}", at.date(zone))
            }
            _ => format!("Asked on {}", subscription.asked_at.date(zone)),
        };
        let may_leave = subscription.state != SubscriptionState::Left;
        Self { id: subscription.list_id, name: subscription.name, line, words, state, may_leave }
    }
}

impl EventView {
    fn new(event: consent::Event, zone: &Zone) -> Self {
        let (what, how) = agreed(event.action, event.method);
        let named = |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name}: {value}"));
        let version = if event.version > 0 { format!(", wording {}", event.version) } else { String::new() };
        let form = event.form.map(|form| format!("{form}{version}")).unwrap_or_default();
        let proof: Vec<String> = [
            named("Form", &form),
            named("Campaign", &event.campaign),
            named("Source", &event.source),
            named("Internet address", &event.ip),
            named("Browser", &event.user_agent),
        ]
        .into_iter()
        .flatten()
        .collect();
        Self {
            what: format!("{what} {}, {how}", event.list),
            when: event.at.date_time(zone),
            wording: event.wording,
            proof: proof.join(" · "),
        }
    }
}

/// `GET /desk/readers/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, find(&desk, &id).await?, Form::new(WHY), look).await?;
    desk.page("desk/readers/reader", &page.reader.email, &page).await
}

/// The page again, for a form on it with mistakes.
pub(super) async fn again(desk: &Desk, reader: Subscriber, form: Form) -> Outcome {
    let page = page(desk, reader, form, Look::default()).await?;
    desk.page_again("desk/readers/reader", &page.reader.email, &page).await
}

async fn page(desk: &Desk, reader: Subscriber, form: Form, look: Look) -> Result<Page, WebError> {
    let (db, zone) = (&desk.site().db, desk.zone());
    let stopped = stopped(desk, &reader).await?;
    let path = format!("/desk/readers/{}", reader.public_id);
    let list = List { path: &format!("{path}#copies"), place: "copies", kept: &[] };
    let read = |most| publishing::copies_of(db, reader.id, look.copies.id(), most);
    let (copies, copies_pages) = list.page(look.copies, COPIES, read, |last| [last.edition_id]).await?;
    let copies = copies.into_iter().map(|copy| CopyView {
        public_id: copy.edition_public_id,
        subject: copy.subject,
        row: Row::new(copy.outcome, zone),
    });
    let list = List { path: &format!("{path}#bounces"), place: "bounces", kept: &[] };
    let (bounces, bounces_pages) = of_reader(desk, &reader, list, look.bounces).await?;
    Ok(Page {
        form,
        blocked: stopped.as_ref().is_some_and(|stopped| stopped.blocked),
        donor: donor(donor_state::donor_state(db, reader.id).await?),
        lists: subscribers::subscriptions(db, reader.id)
            .await?
            .into_iter()
            .map(|one| ListLine::new(one, zone))
            .collect(),
        consent: consent::proof(db, reader.id)
            .await?
            .into_iter()
            .map(|event| EventView::new(event, zone))
            .collect(),
        answers: fields::of_reader(db, reader.id)
            .await?
            .into_iter()
            .map(|(field, value)| (field.label, value))
            .collect(),
        copies: copies.collect(),
        copies_pages,
        stopped,
        bounces,
        bounces_pages,
        reader: ReaderView {
            public_id: reader.public_id,
            email: reader.email.to_string(),
            name: reader.name,
            since: reader.created_at.date(zone),
        },
    })
}

pub(super) async fn find(desk: &Desk, id: &str) -> Result<Subscriber, WebError> {
    subscribers::subscriber(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}
