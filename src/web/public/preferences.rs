//! `/preferences/{token}`: a reader's own page. The link came to their mailbox, and that is all the proof it takes.
//!
//! The page says what it showed beside what was chosen, and only what somebody changed is saved: of two that are open, the older puts
//! nothing back.

use std::time::Duration;

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{
        App, Form, Outcome, Posted, WebError,
        answers::too_many,
        rhythms::{RhythmView, rhythms},
        words::{self, readers::comes_at},
    },
    ask::{ASKED, Question, posted_name},
    caller::Caller,
    dead_link,
};
use crate::{
    settings::Settings,
    subscribers::{
        self, Chosen, Saved, Stopped, SubscriberError, TheirChoices, TopicChoice, TopicChoices, TopicsTicked,
        Weeks,
        consent::{self, phrase},
        fields::{self, Field},
        forms::Answer,
    },
};

const FIELDS: &[&str] = &[
    "name",
    "seen_name",
    "list",
    "seen_list",
    "topics_of",
    "topic",
    "seen_topic",
    "rhythm",
    "seen_rhythm",
    "press",
];
const TITLE: &str = "Your choices";

#[derive(Serialize)]
struct Page {
    /// Masked: enough to recognise one's own, and nothing for whoever was handed the link.
    email: String,
    /// The address of the page.
    here: String,
    /// Where another is asked for.
    address: String,
    /// The words over the lists.
    wording: &'static str,
    lists: Vec<ListView>,
    form: Form,
    /// What they can choose of each list.
    topics: Vec<TopicsView>,
    /// How often they can get each list that lets them choose.
    rhythms: Vec<RhythmView>,
    questions: Vec<Asked>,
    /// What became otherwise by the last press, a sentence each.
    saved: Vec<String>,
    /// For how long no more is changed, for too much was.
    waits: Option<String>,
    /// Whether they began or ended a pause just now.
    paused: bool,
    went_on: bool,
    /// The day on which mail comes again, if they rest from it.
    rests_until: Option<String>,
    /// For how long they may rest.
    pauses: Vec<Pause>,
    /// Whether they get anything at all.
    on_some: bool,
    /// Whether mail to their address is stopped, whatever they chose.
    stopped: bool,
    /// Whether even the letters are that they ask for.
    no_letters: bool,
    contact: String,
}

#[derive(Serialize)]
struct ListView {
    #[serde(flatten)]
    choice: subscribers::Choice,
    ticked: bool,
}

#[derive(Serialize)]
struct TopicsView {
    list_id: i64,
    list: String,
    topics: Vec<TopicView>,
}

#[derive(Serialize)]
struct TopicView {
    #[serde(flatten)]
    choice: TopicChoice,
    ticked: bool,
}

/// A question, with the answer that the page shows.
#[derive(Serialize)]
struct Asked {
    question: Question,
    seen_name: String,
    seen: String,
}

/// A length of a pause.
#[derive(Serialize)]
struct Pause {
    weeks: &'static str,
    until: String,
}

/// What was done just now.
enum Done {
    Nothing,
    Saved(Saved),
    Paused,
    WentOn,
    /// Nothing, for too much was lately.
    Waits(Duration),
    /// Something that was typed cannot be kept.
    Mistaken(Form, Chosen),
}

/// `GET /preferences/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    look(&app, &token, Done::Nothing).await
}

/// `POST /preferences/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    let preferences = match subscribers::look_at_choices(&app.site, &token).await {
        Ok(preferences) => preferences,
        Err(error) => return dead_end(&app, error).await,
    };
    let asked = fields::of_their_page(&app.site.db, preferences.reader.id).await?;
    let mut form = posted.form_with(FIELDS, ASKED, posted_names(&asked))?;
    let press = form.text("press");
    if let Some(weeks) = press.strip_prefix("pause-").and_then(Weeks::parse) {
        return match subscribers::pause(&app.site, &token, weeks).await {
            Ok(_) => look(&app, &token, Done::Paused).await,
            Err(SubscriberError::TooMany(wait)) => look(&app, &token, Done::Waits(wait)).await,
            Err(error) => dead_end(&app, error).await,
        };
    }
    if press == "go-on" {
        return match subscribers::go_on(&app.site, &token).await {
            Ok(_) => look(&app, &token, Done::WentOn).await,
            Err(SubscriberError::TooMany(wait)) => look(&app, &token, Done::Waits(wait)).await,
            Err(error) => dead_end(&app, error).await,
        };
    }
    let chosen = read(&mut form, &asked);
    if !form.is_valid() {
        return look(&app, &token, Done::Mistaken(form, chosen)).await;
    }
    match subscribers::save_choices(&app.site, &token, &chosen, caller.trace()).await {
        Ok((_, saved)) => look(&app, &token, Done::Saved(saved)).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// What an answer is called in a posted form, and the one that the page showed. No field's own name has a dot.
fn seen_name(field: &Field) -> String {
    format!("{}.seen", posted_name(field))
}

fn posted_names(asked: &[(Field, String)]) -> Vec<String> {
    asked.iter().flat_map(|(field, _)| [posted_name(field), seen_name(field)]).collect()
}

/// What somebody changed, with the mistakes noted in the form.
fn read(form: &mut Form, asked: &[(Field, String)]) -> Chosen {
    // Nothing that is typed beside it keeps anybody here.
    if form.text("press") == "leave-all" {
        return Chosen { leaves_all: true, ..Chosen::default() };
    }
    let typed = form.optional("name", 100);
    if typed.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    let name = (form.is_ticked("name") && typed != form.text("seen_name")).then_some(typed);
    let ticked: Vec<i64> = form.all("list").iter().filter_map(|id| id.parse().ok()).collect();
    let seen: Vec<(i64, bool)> = form.all("seen_list").iter().filter_map(|text| seen_list(text)).collect();
    let is_shown = |list: i64| seen.iter().any(|(id, _)| *id == list);
    let changed = seen.iter().filter(|(list, was)| ticked.contains(list) != *was);
    let changed = changed.map(|(list, was)| (*list, !was));
    let others = ticked.iter().filter(|list| !is_shown(**list)).map(|list| (*list, true));
    let lists = changed.chain(others).collect();
    let mut answers = Vec::new();
    for (field, _) in asked {
        let name = posted_name(field);
        if !form.is_ticked(&name) || form.text(&name) == form.text(&seen_name(field)) {
            continue;
        }
        if let Some(answer) = form.parse(&name, |typed| field.read(typed)) {
            answers.push((field.id, answer));
        }
    }
    Chosen { name, lists, leaves_all: false, topics: topics(form), rhythms: rhythms(form), answers }
}

/// A list and whether it was ticked when the page was made: `7.on`, `7.off`.
fn seen_list(text: &str) -> Option<(i64, bool)> {
    let (list, was) = text.split_once('.')?;
    Some((list.parse().ok()?, was == "on"))
}

/// The lists that topics were shown of, and what was ticked: `list.topic`.
fn topics(form: &Form) -> TopicsTicked {
    let pair = |text: &String| {
        let (list, topic) = text.split_once('.')?;
        Some((list.parse().ok()?, topic.parse().ok()?))
    };
    let pairs = |name: &str| form.all(name).iter().filter_map(pair).collect();
    let shown = form.all("topics_of").iter().filter_map(|id| id.parse().ok());
    TopicsTicked { shown: shown.collect(), seen: pairs("seen_topic"), ticked: pairs("topic") }
}

/// The page as it is now.
async fn look(app: &App, token: &str, done: Done) -> Outcome {
    match subscribers::look_at_choices(&app.site, token).await {
        Ok(preferences) => page(app, token, preferences, done).await,
        Err(error) => dead_end(app, error).await,
    }
}

async fn page(app: &App, token: &str, preferences: TheirChoices, done: Done) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let zone = settings.time_zone;
    let TheirChoices { reader, lists, rests_until } = preferences;
    let Stopped { editions: stopped, letters: no_letters } = subscribers::stopped(&app.site, &reader).await?;
    let asked = fields::of_their_page(&app.site.db, reader.id).await?;
    let topics = subscribers::topic_choices(&app.site, token).await?;
    let on_any = lists.iter().any(|list| list.joined);
    let on_some = lists.iter().any(|list| list.joined && !list.retired);
    let wait = match &done {
        Done::Waits(wait) => Some(*wait),
        Done::Saved(saved) => saved.waits,
        _ => None,
    };
    let (saved, paused, went_on, mistaken) = match done {
        Done::Nothing | Done::Waits(_) => (Vec::new(), false, false, None),
        Done::Saved(saved) => (sentences(saved, on_some, stopped), false, false, None),
        Done::Paused => (Vec::new(), true, false, None),
        Done::WentOn => (Vec::new(), false, true, None),
        Done::Mistaken(form, chosen) => {
            (Vec::new(), false, false, Some((as_it_is(form, &reader.name, &asked, &chosen), chosen)))
        }
    };
    let again = mistaken.is_some();
    let (form, chosen) = mistaken.unwrap_or_else(|| {
        let form = Form::with_more(FIELDS, posted_names(&asked)).with("name", reader.name.clone());
        let answered = |form: Form, (field, answer): &(Field, String)| form.with(&posted_name(field), answer);
        (asked.iter().fold(form, answered), Chosen::default())
    });
    let pause =
        |weeks: Weeks| Pause { weeks: weeks.as_str(), until: weeks.end(&zone, app.site.now()).date(&zone) };
    let page = Page {
        here: format!("/preferences/{token}"),
        email: reader.email.masked(),
        address: format!("/preferences/{token}/address"),
        wording: consent::CHOICES_WORDING,
        questions: asked.into_iter().map(|(field, answer)| Asked::new(&field, answer, &form)).collect(),
        // What the page shows is as it is now, also beside what was typed.
        form: form.holding("seen_name", reader.name),
        topics: topics.into_iter().map(|of_list| TopicsView::new(of_list, &chosen)).collect(),
        rhythms: lists.iter().filter_map(|choice| RhythmView::new(choice.clone(), &chosen.rhythms)).collect(),
        lists: lists
            .into_iter()
            .map(|choice| ListView { ticked: chosen.wants(choice.id, choice.joined), choice })
            .collect(),
        saved,
        waits: wait.map(words::wait),
        paused,
        went_on,
        rests_until: rests_until.map(|until| until.date(&zone)),
        pauses: if on_any { Weeks::ALL.map(pause).into() } else { Vec::new() },
        on_some,
        stopped,
        no_letters,
        contact: settings.contact_email,
    };
    if again {
        return app.public_page_again("public/preferences", TITLE, &page).await;
    }
    let page = app.public_page("public/preferences", TITLE, &page).await?;
    Ok(match wait {
        Some(wait) => too_many(wait, page),
        None => page,
    })
}

/// Beside what somebody changed, what they left alone is as it is by now.
fn as_it_is(form: Form, name: &str, asked: &[(Field, String)], chosen: &Chosen) -> Form {
    let form = if chosen.name.is_none() { form.holding("name", name) } else { form };
    let left_alone = asked.iter().filter(|(field, _)| {
        form.error(&posted_name(field)).is_empty() && chosen.answers.iter().all(|(id, _)| *id != field.id)
    });
    let left_alone: Vec<_> = left_alone.collect();
    left_alone.into_iter().fold(form, |form, (field, answer)| form.holding(&posted_name(field), answer))
}

impl Asked {
    fn new(field: &Field, answer: String, form: &Form) -> Self {
        let question = Question::new(field, Answer::Optional, form).keeping(&answer);
        Self { question, seen_name: seen_name(field), seen: answer }
    }
}

impl TopicsView {
    fn new(of_list: TopicChoices, chosen: &Chosen) -> Self {
        let TopicChoices { list_id, list, topics } = of_list;
        let view = |choice: TopicChoice| TopicView {
            ticked: chosen.topics.keeps((list_id, choice.topic.id), choice.chosen),
            choice,
        };
        Self { list_id, list, topics: topics.into_iter().map(view).collect() }
    }
}

/// What became otherwise, for whoever pressed. Nothing comes to who is `stopped`.
fn sentences(saved: Saved, on_some: bool, stopped: bool) -> Vec<String> {
    let names = |names: &[String]| phrase(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut said = Vec::new();
    if !saved.joined.is_empty() {
        let now = if stopped { "You are now on" } else { "You now get" };
        said.push(format!("{now} {}.", names(&saved.joined)));
    }
    if !saved.left.is_empty() {
        let now = if stopped { "You are off" } else { "You no longer get" };
        said.push(format!("{now} {}.", names(&saved.left)));
    }
    for (list, topics) in &saved.topics {
        said.push(match topics.as_slice() {
            [] if stopped => format!("Topics of {list}: everything."),
            [] => format!("Of {list} you get everything."),
            topics => format!("Topics of {list}: {}.", names(topics)),
        });
    }
    for (list, rhythm) in &saved.rhythms {
        said.push(match rhythm {
            None => format!("Of {list} you get every mail."),
            Some(rhythm) => format!("Of {list} you get {}, and what goes to everybody.", comes_at(*rhythm)),
        });
    }
    match saved.name.as_deref() {
        None => {}
        Some("") => said.push("We greet you without a name.".to_owned()),
        Some(name) => said.push(format!("We greet you as {}.", name.trim_end_matches('.'))),
    }
    if !saved.answers.is_empty() {
        said.push(format!("Your answer is kept: {}.", names(&saved.answers)));
    }
    if said.is_empty() && saved.waits.is_none() {
        said.push("Nothing has changed.".to_owned());
    }
    if !on_some {
        said.push("You are on no list, and get nothing more from us.".to_owned());
    }
    said
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}
