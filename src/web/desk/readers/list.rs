//! `/desk/readers`: every reader, finding one, adding one by hand.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use super::{
    acts::by,
    meant::{hint, settled},
    on_lists::{ListView, list_views},
};
use crate::{
    bulk::ReaderFilter,
    clock::{Moment, Zone},
    delivery::Suppressions,
    email_address::EmailAddress,
    segments::{self, Segment, SegmentCount},
    subscribers::{
        self, Adding, Asked, Counts, Implied, LOOKED_THROUGH, NotImplied, Order, ReaderStanding, Subscriber,
        SubscriberError, Subscription, SubscriptionState, Wanted, lists,
        topics::{self, Topic},
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::{
            count, grouped,
            readers::{
                ASKED_NOT_MAILED, FORGOTTEN, ON_IT_NOT_MAILED, how_they_stand, in_which_order, standing,
            },
        },
    },
};

const FIELDS: &[&str] = &["email", "use", "name", "list", "how", "source", "since"];
const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    q: String,
    /// The number of a list; anything else is every list.
    #[serde(default)]
    list: String,
    /// The public id of a topic; anything else is whatever they chose.
    #[serde(default)]
    topic: String,
    #[serde(default)]
    state: String,
    /// The public id of a segment; anything else is everybody.
    #[serde(default)]
    segment: String,
    #[serde(default)]
    order: String,
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    q: String,
    /// What the list is narrowed down by.
    on_lists: Vec<Choice>,
    topics: Vec<Choice>,
    states: Vec<Choice>,
    segments: Vec<Choice>,
    /// Whom the segment means.
    sentence: Option<String>,
    orders: Vec<Choice>,
    /// Where something is done with all of them.
    to_many: String,
    /// Where they are taken away as a file.
    to_export: String,
    /// What the first page is called.
    to_first: &'static str,
    /// What is looked for is shorter than any index has.
    looked_through: Option<String>,
    /// It is narrowed down, so that an empty list does not mean that there is nobody.
    is_narrowed: bool,
    counts: String,
    /// How many there are of those that it is narrowed down to.
    matches: Option<String>,
    readers: Vec<Line>,
    /// Who had the address that is looked for, and has another by now.
    moved: Option<Moved>,
    pages: Links,
    form: Form,
    /// The address that was perhaps meant, until somebody says which.
    meant: Option<String>,
    lists: Vec<ListView>,
    several: bool,
    /// For how long implied consent lasts: "24 months"; none if it does for ever.
    implied_lasts: Option<String>,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    email: String,
    name: String,
    since: String,
    lists: Vec<Pill>,
}

#[derive(Serialize)]
struct Moved {
    public_id: String,
    email: String,
}

/// Something that the list can be narrowed down by.
#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// How a reader stands with a list, as a pill.
#[derive(Serialize)]
struct Pill {
    label: String,
    state: &'static str,
}

impl Page {
    /// What the list is narrowed down by, for the log: never what was typed, which may be an address.
    fn narrowed_by(&self) -> String {
        let choices = self.on_lists.iter().chain(&self.topics).chain(&self.states).chain(&self.segments);
        let chosen = choices.filter(|one| one.chosen).map(|one| one.label.as_str());
        let search = (!self.q.trim().is_empty()).then_some("by a search");
        chosen.chain(search).collect::<Vec<_>>().join(", ")
    }
}

impl Line {
    fn new(
        reader: Subscriber,
        subscriptions: &[Subscription],
        is_stopped: bool,
        (zone, now): (&Zone, Moment),
    ) -> Self {
        let pill = |subscription: &Subscription| {
            let (words, state) = match (standing(subscription, now), subscription.state) {
                ((_, "good"), _) if is_stopped => (ON_IT_NOT_MAILED, "warn"),
                ((_, state), SubscriptionState::Pending) if is_stopped => (ASKED_NOT_MAILED, state),
                (stands, _) => stands,
            };
            let name = &subscription.name;
            // Most get it: then the list's name says enough.
            let label = if state == "good" { name.clone() } else { format!("{name}: {words}") };
            Pill { label, state }
        };
        Self {
            public_id: reader.public_id,
            email: reader.email.readable(),
            name: reader.name,
            since: reader.created_at.date(zone),
            lists: subscriptions.iter().map(pill).collect(),
        }
    }
}

/// `GET /desk/readers`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let form = Form::new(FIELDS).with("how", "confirm");
    let page = page(&desk, look, form).await?;
    desk.page("desk/readers/list", "Readers", &page).await
}

/// The consent that is implied by what somebody did on a day.
fn implied(desk: &Desk, day: &str) -> Result<Implied, String> {
    let day = day.parse().ok().and_then(|day| desk.zone().day(day));
    let (since, _) = day.ok_or("Enter the day on which they bought or gave.")?;
    Implied::since(&desk.settings, since, desk.site().now()).map_err(|why| match why {
        NotImplied::ToCome => "That day is still to come.".to_owned(),
        NotImplied::RanOut(_) => format!("Too long ago: {why}. Ask them instead."),
    })
}

/// `POST /desk/readers`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let email = form.parse("email", EmailAddress::parse);
    let email = email.and_then(|typed| settled(&mut form, "email", typed));
    let name = form.optional("name", 100);
    let source = form.optional("source", 300);
    let is_implied = form.text("how") == "implied";
    let at_once = is_implied || form.text("how") == "asked";
    if at_once && source.is_empty() {
        form.mistake("source", "Say how they asked, or what they bought or gave: it is kept as the proof.");
    }
    let implied = match form.text("since") {
        "" if !is_implied => None,
        _ => form.parse("since", |day| implied(&desk, day)),
    };
    let implied = implied.filter(|_| is_implied);
    let lists = lists::mailed(&desk.site().db).await?;
    let list = form.parse("list", |id| {
        lists.iter().find(|list| list.id.to_string() == id).map(|list| list.id).ok_or("Choose a list.")
    });
    if !matches!(form.text("how"), "asked" | "implied" | "confirm") {
        form.mistake("how", "Say whether they asked you themselves.");
    }
    let (Some(email), Some(list), true) = (email, list, form.is_valid()) else {
        return again(&desk, form).await;
    };
    let site = desk.site();
    if at_once {
        let new = Adding { email: &email, name: &name, list, source: "", implied, seen: None };
        return match subscribers::add_to_list(site, new, by(&desk, &source)).await {
            Ok(reader) => Ok(see_other(&format!("/desk/readers/{}?done=saved", reader.public_id))),
            Err(SubscriberError::Blocked) => {
                form.mistake(
                    "email",
                    "The team decided never to mail this address. Look under Never mailed.",
                );
                again(&desk, form).await
            }
            Err(SubscriberError::Forgotten) => {
                form.mistake("email", FORGOTTEN);
                again(&desk, form).await
            }
            Err(error) => Err(error.into()),
        };
    }
    // Readers get it when they ask what is held: who typed it is for the log.
    let source = if source.is_empty() { "typed at the desk" } else { &source };
    let by = (Some(desk.who.staff.id), source);
    let asked = subscribers::ask_by_staff(site, &desk.settings, (&email, &name), list, by).await;
    if matches!(asked, Err(SubscriberError::Forgotten)) {
        form.mistake("email", FORGOTTEN);
        return again(&desk, form).await;
    }
    let done = match asked? {
        Asked::Mailed => "asked",
        Asked::Later(_) => "asked-later",
        Asked::Before => "asked-before",
        Asked::OnTheList | Asked::Told => "on-list",
        Asked::Stopped => {
            form.mistake(
                "email",
                "Mail to this address is stopped, so they were not asked: it came back, was marked as spam, or the team blocked it.",
            );
            return again(&desk, form).await;
        }
    };
    Ok(see_other(&format!("/desk/readers?done={done}")))
}

async fn again(desk: &Desk, form: Form) -> Outcome {
    let page = page(desk, Look::default(), form).await?;
    desk.page_again("desk/readers/list", "Readers", &page).await
}

/// How many match: `shown` are on a page, and more follow.
fn how_many(counted: SegmentCount, shown: usize) -> String {
    let SegmentCount { about, n } = counted;
    // What was looked at of all of them says less than the page.
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    match (about, n) {
        (true, n) if n <= shown => format!("More than {} match.", count(shown, "reader")),
        (true, n) => format!("About {} match.", count(n, "reader")),
        (false, 1) => "1 reader matches.".to_owned(),
        (false, n) => format!("{} match.", count(n, "reader")),
    }
}

/// Who gets mail, and who does not.
fn in_words(counts: Counts) -> String {
    let mut words = format!("{} on your lists.", count(counts.confirmed - counts.stopped, "reader"));
    if counts.is_about {
        words = format!("About {words}");
    }
    if counts.stopped > 0 {
        let stopped = grouped(counts.stopped);
        words = format!("{words} {stopped} more are on them and get nothing: their address is stopped.");
    }
    if counts.pending > 0 {
        words = format!("{words} {} more asked, not confirmed yet.", grouped(counts.pending));
    }
    words
}

async fn page(desk: &Desk, look: Look, form: Form) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let lists = list_views(desk, form.text("list")).await?;
    let on = lists.iter().find(|list| list.id.to_string() == look.list);
    let topics = topics::all(db).await?;
    let topic = topics.iter().find(|topic| topic.public_id == look.topic);
    let standing = ReaderStanding::parse(&look.state);
    let order = Order::parse(&look.order).unwrap_or_default();
    let segments = segments::all(db).await?;
    let segment = segments.iter().find(|one| one.public_id == look.segment);
    let of_segment = segment.map_or("", |one| &one.public_id);
    let wanted = Wanted {
        search: &look.q,
        list: on.map(|list| list.id),
        topic: topic.map(|topic| topic.id),
        standing,
        order,
    };
    let (on_list, in_state) =
        (on.map(|list| list.id.to_string()).unwrap_or_default(), standing.map_or("", ReaderStanding::as_str));
    let of_topic = topic.map_or("", |topic| &topic.public_id);
    let in_order = if order == Order::Newest { "" } else { order.as_str() };
    let kept = [
        ("q", look.q.as_str()),
        ("list", &on_list),
        ("topic", of_topic),
        ("state", in_state),
        ("segment", of_segment),
        ("order", in_order),
    ];
    let list = List { path: "/desk/readers", place: "before", kept: &kept };
    let filter = ReaderFilter {
        search: look.q.trim().to_owned(),
        list: wanted.list,
        topic: wanted.topic,
        standing: in_state.to_owned(),
        segment: segment.map(|segment| segment.tree.clone()),
    };
    let (found, pages) = match segment {
        None => {
            let read = |most| subscribers::page(desk.site(), wanted, look.before.id(), most);
            list.page(look.before, PAGE, read, |last| [last.id]).await?
        }
        // Of a segment the newest come first, whatever the order.
        Some(_) => {
            let before = look.before.id().unwrap_or(i64::MAX);
            let (ids, next) = filter.some(desk.site(), before, PAGE as i64).await?;
            (subscribers::by_ids(db, &ids).await?, list.links(look.before, next))
        }
    };
    let sentence = match segment {
        Some(segment) => {
            let names = segments::names(db, &[&segment.tree]).await?;
            Some(format!("{}.", segments::sentence(&segment.tree, &names)))
        }
        None => None,
    };
    let ids: Vec<i64> = found.iter().map(|reader| reader.id).collect();
    let mut subscriptions = subscribers::subscriptions_of(db, &ids).await?;
    let now = desk.site().now();
    let stopped = Suppressions::new(desk.site()).among_now(found.iter().map(|reader| &reader.email)).await?;
    let line = |(reader, stopped): (Subscriber, Option<_>)| {
        let subscriptions = subscriptions.remove(&reader.id).unwrap_or_default();
        Line::new(reader, &subscriptions, stopped.is_some(), (desk.zone(), now))
    };
    let readers: Vec<Line> = found.into_iter().zip(stopped).map(line).collect();
    let moved = match EmailAddress::parse(&look.q) {
        Ok(address) if readers.is_empty() => subscribers::who_had(desk.site(), &address).await?,
        _ => None,
    };
    let moved = moved.map(|reader| Moved { public_id: reader.public_id, email: reader.email.readable() });
    let counts = subscribers::counts(db).await?;
    let of_list = |list: &ListView| Choice {
        value: list.id.to_string(),
        label: list.name.clone(),
        chosen: on_list == list.id.to_string(),
    };
    let of_one_topic = |one: &Topic| Choice {
        value: one.public_id.clone(),
        label: format!("Chose {}", one.name),
        chosen: one.public_id == of_topic,
    };
    let of_state = |one: ReaderStanding| Choice {
        value: one.as_str().to_owned(),
        label: how_they_stand(one).to_owned(),
        chosen: standing == Some(one),
    };
    let of_a_segment = |one: &Segment| Choice {
        value: one.public_id.clone(),
        label: one.name.clone(),
        chosen: one.public_id == of_segment,
    };
    let of_order = |one: Order| Choice {
        value: one.as_str().to_owned(),
        label: in_which_order(one).to_owned(),
        chosen: one == order,
    };
    let letters = look.q.trim().chars().count();
    let is_short = (1..3).contains(&letters) && counts.confirmed + counts.pending > LOOKED_THROUGH;
    let matches = match filter.is_narrowed() && !readers.is_empty() {
        true if pages.is_all() => Some(SegmentCount { about: false, n: readers.len() as i64 }),
        // Not all of them are looked for.
        true if !is_short => Some(filter.count(desk.site()).await?),
        _ => None,
    };
    let whom = [
        ("q", look.q.trim()),
        ("list", &on_list),
        ("topic", of_topic),
        ("state", in_state),
        ("segment", of_segment),
    ];
    let page = Page {
        to_many: List { path: "/desk/many/new", place: "", kept: &whom }.address::<1>(None),
        to_export: List { path: "/desk/readers/export", place: "", kept: &whom }.address::<1>(None),
        orders: Order::ALL.into_iter().map(of_order).collect(),
        to_first: if order == Order::Newest { "Newest" } else { "From the beginning" },
        looked_through: is_short.then(|| grouped(LOOKED_THROUGH)),
        on_lists: lists.iter().map(of_list).collect(),
        topics: topics.iter().map(of_one_topic).collect(),
        segments: segments.iter().map(of_a_segment).collect(),
        sentence,
        states: ReaderStanding::ALL.into_iter().map(of_state).collect(),
        is_narrowed: on.is_some()
            || topic.is_some()
            || standing.is_some()
            || segment.is_some()
            || !look.q.trim().is_empty(),
        counts: in_words(counts),
        matches: matches.map(|counted| how_many(counted, readers.len())),
        readers,
        moved,
        pages,
        meant: hint(&form, "email").map(|meant| meant.to_string()),
        form,
        several: lists.len() > 1,
        implied_lasts: Some(desk.settings.implied_consent_months)
            .filter(|months| *months > 0)
            .map(|months| count(months, "month")),
        lists,
        q: look.q,
    };
    // Whatever they came for, they see whom it shows.
    desk.looks("", &page.narrowed_by()).await?;
    Ok(page)
}
