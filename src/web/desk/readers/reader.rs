//! `/desk/readers/{id}`: one reader: their lists and how they came to be on them, what they agreed to, what we sent them, what the
//! team noted.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::{
    bounces::{Stopped, View, of_reader, stopped},
    meant::hint,
    on_lists::{ListView, list_views},
};
use crate::{
    clock::{Moment, Zone},
    delivery, donations, publishing,
    staff::Role,
    subscribers::{
        self, Note, Subscriber, Subscription, SubscriptionState, UnderWay, Weeks, consent, fields, topics,
    },
    web::{
        Desk, Form, Outcome, WebError,
        desk::editions::progress::Row,
        paging::{Links, List, Place},
        words::{
            OF_MONEY, OF_THE_TEAM,
            donations::given_in_all,
            editions::outcome_of,
            letter,
            readers::{
                ASKED_NOT_MAILED, ON_IT_NOT_MAILED, agreed, browser, came_from, donor, edition_of, how_often,
                left_because, standing,
            },
        },
    },
};

/// The one field of the form that stops mail to a reader for good.
pub(super) const WHY: &[&str] = &["why"];
pub(super) const NOTE: &[&str] = &["note"];
pub(super) const NAME: &[&str] = &["name", "seen_name", "name_why"];
pub(super) const HELD: &[&str] = &["held_why"];
pub(super) const ADDRESS: &[&str] = &["new_email", "use", "seen_email", "address_why"];
/// Why mail to them goes again, and what stopped it.
pub(super) const AGAIN: &[&str] = &["seen", "again_why"];
/// Why a move of address is called off, and which.
pub(super) const OFF: &[&str] = &["seen_move", "off_why"];
pub(super) const JOIN: &[&str] = &["list", "seen", "basis"];
/// Why they rest from mail, and for how many weeks; or why they go on, and the pause that was seen.
pub(super) const PAUSE: &[&str] = &["weeks", "seen_pause", "pause_why"];
/// How many copies, letters and consents the page shows at first, so that it is one that can be read on a phone.
const FIRST: usize = 5;
/// How many of them, and of notes, a page of older ones shows.
const COPIES: usize = 50;
const LETTERS: usize = 20;
const CONSENTS: usize = 50;
const NOTES: usize = 20;
/// The last times that somebody said why they left.
const REASONS: i64 = 10;

/// What the address of the page asks for: where each of its lists is read on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    copies: Place,
    letters: Place,
    consents: Place,
    notes: Place,
    bounces: Place<2>,
}

/// The forms of the page.
pub(super) struct Forms {
    /// Why mail to them is stopped for good.
    pub why: Form,
    pub again: Form,
    pub note: Form,
    pub name: Form,
    pub address: Form,
    pub join: Form,
    /// Why all that is held is taken away.
    pub held: Form,
    pub pause: Form,
    pub off: Form,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            why: Form::new(WHY),
            again: Form::new(AGAIN),
            note: Form::new(NOTE),
            name: Form::new(NAME),
            address: Form::new(ADDRESS),
            join: Form::new(JOIN),
            held: Form::new(HELD),
            pause: Form::new(PAUSE),
            off: Form::new(OFF),
        }
    }
}

#[derive(Serialize)]
struct Page {
    form: Form,
    again: Form,
    note: Form,
    /// With the name that is looked at.
    correct: Form,
    /// With the address that is looked at.
    readdress: Form,
    /// The address that was perhaps meant, until somebody says which.
    meant: Option<String>,
    /// The move of address that is asked for.
    moving: Option<MoveView>,
    /// Why that is called off.
    off: Form,
    join: Form,
    held: Form,
    /// Whether they may take everything away, and forget the reader.
    owner: bool,
    pause: Form,
    /// Until when they rest from mail, if they do: as a day, and for whoever ends it.
    rests_until: Option<(String, i64)>,
    /// For how long they may rest; none if they are on no list, or rest already.
    pauses: Vec<PauseView>,
    /// Whether the team said that they are never mailed.
    blocked: bool,
    reader: ReaderView,
    donor: &'static str,
    /// What they gave, a sentence each, for whoever may know.
    gifts: Vec<String>,
    lists: Vec<ListLine>,
    /// Whether they are on any of them.
    on_some: bool,
    /// Whether they are on a list, or were.
    may_get_link: bool,
    /// Those that they can be added to.
    others: Vec<ListView>,
    several: bool,
    /// Why they left, where they said so.
    left: Vec<LeftView>,
    /// Where a request of theirs is written down.
    request: String,
    consent: Vec<EventView>,
    /// Whether there is something that they can choose or answer.
    may_correct: bool,
    /// What they answered in forms: the question, and the answer.
    answers: Vec<(String, String)>,
    consent_pages: Links,
    letters: Vec<LetterView>,
    letters_pages: Links,
    notes: Vec<NoteView>,
    notes_pages: Links,
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
    /// Which of its topics they chose; none means everything.
    topics: String,
    /// How often they get it; empty where its readers cannot choose, or chose nothing.
    rhythm: &'static str,
    words: &'static str,
    state: &'static str,
    may_leave: bool,
}

/// A length of a pause.
#[derive(Serialize)]
struct PauseView {
    weeks: &'static str,
    until: String,
    chosen: bool,
}

/// A move of address that is asked for and not done.
#[derive(Serialize)]
struct MoveView {
    id: String,
    to: String,
    asked: String,
    until: String,
    by_team: bool,
    waits_for: &'static str,
}

#[derive(Serialize)]
struct LeftView {
    list: String,
    when: String,
    why: &'static str,
    words: String,
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

/// An automatic email.
#[derive(Serialize)]
struct LetterView {
    what: &'static str,
    state: &'static str,
    outcome: String,
    words: String,
    when: String,
}

#[derive(Serialize)]
struct NoteView {
    id: i64,
    text: String,
    who: String,
    when: String,
}

impl ListLine {
    fn new(subscription: Subscription, how: Option<&consent::Event>, (zone, now): (&Zone, Moment)) -> Self {
        let (words, state) = standing(&subscription, now);
        let line = match (subscription.left_at, subscription.confirmed_at) {
            (Some(at), _) if subscription.state == SubscriptionState::Left => {
                format!("Left on {}", at.date(zone))
            }
            (_, Some(at)) if subscription.state == SubscriptionState::Confirmed => {
                format!("Since {}", at.date(zone))
            }
            _ => format!("Asked on {}", subscription.asked_at.date(zone)),
        };
        let line = match how {
            Some(event) => format!("{line}, {}", agreed(event).1),
            None => line,
        };
        let until = subscription.implied_until.filter(|_| subscription.state == SubscriptionState::Confirmed);
        let line = match until {
            Some(until) if until > now => format!("{line}. Implied consent, until {}", until.date(zone)),
            Some(until) => format!(
                "{line}. Implied consent, which ran out on {}: nothing goes to them",
                until.date(zone)
            ),
            None => line,
        };
        let line = match subscription.rests_until(now) {
            Some(until) => format!("{line}. Nothing comes before {}", until.date(zone)),
            None => line,
        };
        let may_leave = subscription.may_be_taken_off(how);
        let topics = String::new();
        let rhythm = subscription.rhythm_now().map_or("", |rhythm| how_often(Some(rhythm)));
        Self {
            id: subscription.list_id,
            name: subscription.name,
            line,
            topics,
            rhythm,
            words,
            state,
            may_leave,
        }
    }
}

impl EventView {
    fn new(event: consent::Event, editions: &[publishing::Subject], zone: &Zone) -> Self {
        let (what, how) = agreed(&event);
        let named = |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name}: {value}"));
        let version = if event.version > 0 { format!(", wording {}", event.version) } else { String::new() };
        let form = event.form.map(|form| format!("{form}{version}")).unwrap_or_default();
        let proof: Vec<String> = [
            named("Form", &form),
            named("Campaign", &event.campaign),
            named("Source", &came_from(&event.source, editions, zone)),
            named("Network", &event.ip),
            named("Browser", &browser(&event.user_agent)),
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

impl MoveView {
    fn new(under_way: UnderWay, zone: &Zone) -> Self {
        Self {
            to: under_way.new_email.readable(),
            asked: under_way.asked_at.date_time(zone),
            until: under_way.until().date_time(zone),
            by_team: under_way.staff_id.is_some(),
            waits_for: match (under_way.old_agreed_at, under_way.new_agreed_at) {
                (None, None) => "the buttons in both mails",
                (None, Some(_)) => "the button in the mail to the old address",
                (Some(_), None) => "the button in the mail to the new address",
                (Some(_), Some(_)) => "one more press of either button",
            },
            id: under_way.public_id,
        }
    }
}

impl LetterView {
    fn new(sent: delivery::Sent, zone: &Zone) -> Self {
        Self {
            what: letter(&sent.template),
            state: sent.state.as_str(),
            outcome: outcome_of(sent.state, sent.class, sent.maybe_duplicate, sent.attempt),
            words: sent.reply,
            when: sent.finished_at.unwrap_or(sent.created_at).date_time(zone),
        }
    }
}

impl NoteView {
    fn new(note: Note, zone: &Zone) -> Self {
        let who = note.staff.unwrap_or_else(|| "The team".to_owned());
        Self { id: note.id, text: note.text, who, when: note.at.date_time(zone) }
    }
}

/// `GET /desk/readers/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, find(&desk, &id).await?, Forms::default(), look).await?;
    desk.page("desk/readers/reader", &page.reader.email, &page).await
}

/// The page again, for forms on it with mistakes.
pub(super) async fn again(desk: &Desk, reader: Subscriber, forms: Forms) -> Outcome {
    let page = page(desk, reader, forms, Look::default()).await?;
    desk.page_again("desk/readers/reader", &page.reader.email, &page).await
}

async fn page(desk: &Desk, reader: Subscriber, forms: Forms, look: Look) -> Result<Page, WebError> {
    // Whatever they came for, they see them.
    desk.looks(&reader.public_id, "").await?;
    let (db, zone) = (&desk.site().db, desk.zone());
    let stopped = stopped(desk, &reader).await?;
    let path = format!("/desk/readers/{}", reader.public_id);
    let list = List { path: &format!("{path}#copies"), place: "copies", kept: &[] };
    let read = |most| publishing::copies_of(db, reader.id, look.copies.id(), most);
    let (copies, copies_pages) = list
        .page(look.copies, at_once(look.copies.0.is_some(), COPIES), read, |last| [last.edition_id])
        .await?;
    let copies = copies.into_iter().map(|copy| CopyView {
        public_id: copy.edition_public_id,
        subject: copy.subject,
        row: Row::new(copy.outcome, zone),
    });
    let list = List { path: &format!("{path}#letters"), place: "letters", kept: &[] };
    let untold: Vec<&str> =
        if desk.may(Role::MONEY) { OF_THE_TEAM.into() } else { [OF_THE_TEAM, OF_MONEY].concat() };
    let read = |most| delivery::letters_to(db, (reader.id, &reader.email), &untold, look.letters.id(), most);
    let (letters, letters_pages) =
        list.page(look.letters, at_once(look.letters.0.is_some(), LETTERS), read, |last| [last.id]).await?;
    let list = List { path: &format!("{path}#consent"), place: "consents", kept: &[] };
    let read = |most| consent::page(db, reader.id, look.consents.id(), most);
    let (events, consent_pages) =
        list.page(look.consents, at_once(look.consents.0.is_some(), CONSENTS), read, |last| [last.0]).await?;
    let sources: Vec<&str> = events.iter().filter_map(|(_, event)| edition_of(&event.source)).collect();
    let named = publishing::named_subjects(db, &sources).await?;
    let list = List { path: &format!("{path}#notes"), place: "notes", kept: &[] };
    let read = |most| subscribers::notes(db, reader.id, look.notes.id(), most);
    let (notes, notes_pages) = list.page(look.notes, NOTES, read, |last| [last.id]).await?;
    let list = List { path: &format!("{path}#bounces"), place: "bounces", kept: &[] };
    let (bounces, bounces_pages) = of_reader(desk, &reader, list, look.bounces).await?;
    // Before how they stand is read: what comes between is noticed.
    let seen = consent::newest_of(db, reader.id).await?;
    let subscriptions = subscribers::subscriptions(db, reader.id).await?;
    let came_to_be = consent::newest_of_lists(db, reader.id).await?;
    let gets = |list: &ListView| {
        subscriptions.iter().any(|one| one.list_id == list.id && one.state == SubscriptionState::Confirmed)
    };
    let others: Vec<ListView> =
        list_views(desk, forms.join.text("list")).await?.into_iter().filter(|list| !gets(list)).collect();
    let mut join = match forms.join.all("seen") {
        [] => forms.join.with("seen", seen.to_string()),
        _ => forms.join,
    };
    // Another list is offered in its place: what they said of the one is not said of the other.
    if !others.iter().any(|list| list.chosen) {
        join.blank("basis");
    }
    let correct = match forms.name.all("seen_name") {
        [] => forms.name.with("name", reader.name.clone()).with("seen_name", reader.name.clone()),
        _ => forms.name,
    };
    let readdress = match forms.address.all("seen_email") {
        [] => forms.address.with("seen_email", reader.email.as_str()),
        _ => forms.address,
    };
    let meant = hint(&readdress, "new_email").map(|meant| meant.to_string());
    let now = desk.site().now();
    let moving = subscribers::move_under_way(desk.site(), reader.id).await?;
    let rests_until = subscriptions.iter().filter_map(|one| one.rests_until(now)).max();
    let on_some = subscriptions.iter().any(|one| one.state == SubscriptionState::Confirmed);
    let pause_view = |weeks: Weeks| PauseView {
        weeks: weeks.as_str(),
        until: weeks.end(zone, now).date(zone),
        chosen: forms.pause.text("weeks") == weeks.as_str(),
    };
    let pauses =
        if on_some && rests_until.is_none() { Weeks::ALL.map(pause_view).into() } else { Vec::new() };
    let is_stopped = stopped.is_some();
    let mut chosen = topics::chosen_of(db, reader.id).await?;
    let line = |one: Subscription| {
        let how = came_to_be.get(&one.list_id);
        let topics = chosen.remove(&one.list_id).unwrap_or_default();
        let topics = topics.into_iter().map(|topic| topic.name).collect::<Vec<_>>().join(", ");
        let how_far = one.state;
        let line = ListLine { topics, ..ListLine::new(one, how, (zone, now)) };
        match (is_stopped, how_far) {
            (true, SubscriptionState::Confirmed) if line.state == "good" => {
                ListLine { words: ON_IT_NOT_MAILED, state: "warn", ..line }
            }
            (true, SubscriptionState::Pending) => ListLine { words: ASKED_NOT_MAILED, ..line },
            _ => line,
        }
    };
    let may_correct = subscriptions.iter().any(|one| !one.rhythms.is_empty())
        || !topics::all(db).await?.is_empty()
        || !fields::all(db).await?.is_empty();
    let left = subscribers::why_they_left(db, reader.id, REASONS).await?.into_iter().map(|one| LeftView {
        list: one.list,
        when: one.left_at.date(zone),
        why: left_because(one.said.reason),
        words: one.said.words,
    });
    Ok(Page {
        form: forms.why,
        again: forms.again,
        note: forms.note,
        correct,
        readdress,
        meant,
        moving: moving.map(|one| MoveView::new(one, zone)),
        off: forms.off,
        join,
        held: forms.held,
        owner: desk.may(Role::OWNING),
        rests_until: rests_until.map(|until| (until.date(zone), until.0)),
        pauses,
        may_get_link: on_some || subscriptions.iter().any(|one| one.left_at.is_some()),
        on_some,
        pause: forms.pause,
        blocked: stopped.as_ref().is_some_and(|stopped| stopped.blocked),
        donor: donor(subscribers::donor_state(db, reader.id).await?),
        gifts: gifts(desk, &reader).await?,
        several: others.len() > 1,
        request: List {
            path: "/desk/requests#add-title",
            place: "",
            kept: &[("email", reader.email.as_str())],
        }
        .address::<1>(None),
        others,
        left: left.collect(),
        lists: subscriptions.into_iter().map(line).collect(),
        may_correct,
        answers: fields::of_reader(db, reader.id)
            .await?
            .into_iter()
            .map(|(field, value)| (field.label, value))
            .collect(),
        consent: events.into_iter().map(|(_, event)| EventView::new(event, &named, zone)).collect(),
        consent_pages,
        letters: letters.into_iter().map(|sent| LetterView::new(sent, zone)).collect(),
        letters_pages,
        notes: notes.into_iter().map(|note| NoteView::new(note, zone)).collect(),
        notes_pages,
        copies: copies.collect(),
        copies_pages,
        stopped,
        bounces,
        bounces_pages,
        reader: ReaderView {
            public_id: reader.public_id,
            email: reader.email.readable(),
            name: reader.name,
            since: reader.created_at.date(zone),
        },
    })
}

/// How many of a list are shown: few where nobody asked for more.
const fn at_once(asked: bool, most: usize) -> usize {
    if asked { most } else { FIRST }
}

/// What they gave in all, for the roles that see money.
async fn gifts(desk: &Desk, reader: &Subscriber) -> Result<Vec<String>, WebError> {
    if !desk.may(Role::MONEY) {
        return Ok(Vec::new());
    }
    let Some(gives_as) = subscribers::gives_as(&desk.site().db, reader.id).await? else {
        return Ok(Vec::new());
    };
    let totals = donations::totals_of(&desk.site().db, &gives_as).await?;
    let sentence = |total: &donations::Total| format!("{} {}", total.amount(), given_in_all(total));
    Ok(totals.iter().map(sentence).collect())
}

pub(super) async fn find(desk: &Desk, id: &str) -> Result<Subscriber, WebError> {
    subscribers::subscriber(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}
