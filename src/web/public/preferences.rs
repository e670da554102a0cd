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
    told::{InAddress, Sent, Told},
};
use crate::{
    settings::Settings,
    subscribers::{
        self, Chosen, List, Saved, Stopped, SubscriberError, TheirChoices, TopicChoice, TopicChoices,
        TopicsTicked, Weeks,
        consent::{self, phrase},
        fields::{self, Field, StandsIn},
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
    /// The address of the page, and where its form is sent.
    here: String,
    action: String,
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
    said: Vec<String>,
    /// The lists that they left all at once by the last press, to take that back.
    again: Vec<i64>,
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
    /// Whether they may leave: also who is off a list and did not say so themselves.
    may_leave: bool,
    /// Whether mail to their address is stopped, whatever they chose.
    stopped: bool,
    /// Whether even the letters are that they ask for.
    no_letters: bool,
    /// The address to which their mail goes once both mailboxes agree, masked; and whether the team asked for that.
    moves_to: Option<String>,
    moves_by_team: bool,
    /// Whether that was called off just now.
    called_off: bool,
    /// Whether it could not be any more.
    not_called_off: bool,
    /// The letter that they asked for just now.
    sent: Option<Letter>,
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
    /// What takes an answer back that is there and is not shown.
    gone_name: Option<String>,
    is_gone: bool,
}

/// A letter with a link to what is held, or to being forgotten.
#[derive(Serialize)]
struct Letter {
    erasure: bool,
    answer: Sent,
}

/// A length of a pause.
#[derive(Serialize)]
struct Pause {
    weeks: &'static str,
    until: String,
}

/// What the page shows beside how things stand.
#[derive(Default)]
struct Look {
    /// What was done just before.
    told: Option<Told>,
    /// Where the form is sent, if not simply to the page.
    action: Option<String>,
    /// For how long nothing more is changed, for too much was lately.
    wait: Option<Duration>,
    /// What was typed and is not saved, with what is wrong with it.
    typed: Option<(Form, Chosen)>,
}

/// What they do beside saving.
enum Besides {
    Nothing,
    Pause(Weeks),
    GoOn,
}

/// `GET /preferences/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>, told: InAddress) -> Outcome {
    let here = here(&token);
    let told = told.read(&app.site, &here);
    let action = told.as_ref().filter(|told| !besides(Some(told)).is_empty());
    let action = action.map(|told| told.address(&app.site, &here));
    look(&app, &token, Look { told, action, ..Look::default() }).await
}

/// `POST /preferences/{token}`: whatever button it is, what was changed on the page is saved with it, and what is wrong with that keeps
/// nobody from leaving or resting.
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    told: InAddress,
    posted: Posted,
) -> Outcome {
    let preferences = match subscribers::look_at_choices(&app.site, &token).await {
        Ok(preferences) => preferences,
        Err(error) => return dead_end(&app, error).await,
    };
    let here = here(&token);
    let also_asked = besides(told.read_of_form(&app.site, &here).as_ref());
    let asked = fields::of_their_page(&app.site.db, preferences.reader.id, &also_asked).await?;
    let mut form = posted.form_with(FIELDS, ASKED, posted_names(&asked))?;
    if form.text("press") == "undo" {
        let left: Vec<i64> = form.all("list").iter().filter_map(|id| id.parse().ok()).collect();
        return match subscribers::take_leaving_back(&app.site, &token, &left, caller.trace()).await {
            Ok(saved) => Ok(Told::Saved(saved).at(&app.site, &here, "#choices")),
            Err(SubscriberError::TooMany(wait)) => {
                look(&app, &token, Look { wait: Some(wait), ..Look::default() }).await
            }
            Err(error) => dead_end(&app, error).await,
        };
    }
    let leaves_all = form.text("press") == "leave-all";
    let does = match form.text("press") {
        "go-on" => Besides::GoOn,
        press => press.strip_prefix("pause-").and_then(Weeks::parse).map_or(Besides::Nothing, Besides::Pause),
    };
    let chosen = Chosen { also_asked, leaves_all, ..read(&mut form, &asked) };
    let is_right = form.is_valid();
    // Nothing that is typed beside it keeps anybody here.
    let leaves = Chosen { leaves_all, ..Chosen::default() };
    let done = act(&app, &token, &caller, if is_right { &chosen } else { &leaves }, does).await;
    let (told, wait) = match done {
        Ok(done) => done,
        Err(error) => return dead_end(&app, error).await,
    };
    let told = match told {
        Told::Saved(saved) if leaves_all => Told::LeftAll(saved),
        told => told,
    };
    if is_right && wait.is_none() {
        return Ok(told.at(&app.site, &here, "#choices"));
    }
    // A mistake alone is no news of having saved nothing.
    let told = Some(told).filter(|told| !matches!(told, Told::Saved(saved) if *saved == Saved::default()));
    look(&app, &token, Look { told, wait, typed: Some((form, chosen)), action: None }).await
}

/// Saves what was changed, and does what else was pressed.
async fn act(
    app: &App,
    token: &str,
    caller: &Caller,
    chosen: &Chosen,
    does: Besides,
) -> subscribers::Result<(Told, Option<Duration>)> {
    let saved = match chosen.is_nothing() {
        true => Saved::default(),
        false => subscribers::save_choices(&app.site, token, chosen, caller.trace()).await?,
    };
    if let Some(wait) = saved.waits {
        return Ok((Told::Saved(saved), Some(wait)));
    }
    let done = match does {
        Besides::Nothing => return Ok((Told::Saved(saved), None)),
        Besides::Pause(weeks) => subscribers::pause(&app.site, token, weeks).await.map(drop),
        Besides::GoOn => subscribers::go_on(&app.site, token).await.map(drop),
    };
    match done {
        Ok(()) if matches!(does, Besides::GoOn) => Ok((Told::WentOn(saved), None)),
        Ok(()) => Ok((Told::Paused(saved), None)),
        Err(SubscriberError::TooMany(wait)) => Ok((Told::Saved(saved), Some(wait))),
        Err(error) => Err(error),
    }
}

fn here(token: &str) -> String {
    format!("/preferences/{token}")
}

/// The fields that stand on the page though they would not any more: their answers were taken back just before, perhaps by mistake.
fn besides(told: Option<&Told>) -> Vec<i64> {
    told.and_then(saved_in).map(|saved| saved.answers.clone()).unwrap_or_default()
}

fn saved_in(told: &Told) -> Option<&Saved> {
    match told {
        Told::Saved(saved) | Told::LeftAll(saved) | Told::Paused(saved) | Told::WentOn(saved) => Some(saved),
        _ => None,
    }
}

/// What an answer is called in a posted form, and the one that the page showed. No field's own name has a dot.
fn seen_name(field: &Field) -> String {
    format!("{}.seen", posted_name(field))
}

/// What takes an answer back that is not shown.
fn gone_name(field: &Field) -> String {
    format!("{}.gone", posted_name(field))
}

/// The answer, as far as the page shows it: a mail is handed on, and the link in it leads here. What is for the desk alone is in the copy of
/// all that is held, for which a link is mailed.
fn shown_of<'a>(field: &Field, answer: &'a str) -> &'a str {
    if field.stands_in == StandsIn::Desk { "" } else { answer }
}

fn posted_names(asked: &[(Field, String)]) -> Vec<String> {
    asked.iter().flat_map(|(field, _)| [posted_name(field), seen_name(field), gone_name(field)]).collect()
}

/// What somebody changed, with the mistakes noted in the form.
fn read(form: &mut Form, asked: &[(Field, String)]) -> Chosen {
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
        if form.is_ticked(&gone_name(field)) {
            answers.push((field.id, String::new()));
            continue;
        }
        if !form.is_ticked(&name) || form.text(&name) == form.text(&seen_name(field)) {
            continue;
        }
        if let Some(answer) = form.parse(&name, |typed| field.answer(typed)) {
            answers.push((field.id, answer));
        }
    }
    Chosen { name, lists, topics: topics(form), rhythms: rhythms(form), answers, ..Chosen::default() }
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
async fn look(app: &App, token: &str, look: Look) -> Outcome {
    match subscribers::look_at_choices(&app.site, token).await {
        Ok(preferences) => page(app, token, preferences, look).await,
        Err(error) => dead_end(app, error).await,
    }
}

async fn page(app: &App, token: &str, preferences: TheirChoices, look: Look) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let zone = settings.time_zone;
    let TheirChoices { reader, lists, rests_until, unsaid } = preferences;
    let Look { told, action, wait, typed } = look;
    let Stopped { editions: stopped, letters: no_letters } = subscribers::stopped(&app.site, &reader).await?;
    let asked = fields::of_their_page(&app.site.db, reader.id, &besides(told.as_ref())).await?;
    let topics = subscribers::topic_choices(&app.site, token).await?;
    let on_any = lists.iter().any(|list| list.joined);
    let on_some = lists.iter().any(|list| list.joined && !list.retired);
    let stands =
        Stands { lists: &lists, topics: &topics, asked: &asked, name: &reader.name, on_some, stopped };
    let said = match &told {
        Some(told) => stands.sentences(told, &subscribers::lists::all(&app.site.db).await?),
        None => Vec::new(),
    };
    let again = match &told {
        Some(Told::LeftAll(saved)) if !on_any => {
            lists.iter().map(|list| list.id).filter(|id| saved.left.contains(id)).collect()
        }
        _ => Vec::new(),
    };
    let is_mistaken = typed.is_some();
    let (form, chosen) = match typed {
        Some((form, chosen)) => (as_it_is(form, &reader.name, &asked, &chosen), chosen),
        None => {
            let form = Form::with_more(FIELDS, posted_names(&asked)).with("name", reader.name.clone());
            let answered = |form: Form, (field, answer): &(Field, String)| {
                form.with(&posted_name(field), shown_of(field, answer))
            };
            (asked.iter().fold(form, answered), Chosen::default())
        }
    };
    let pause =
        |weeks: Weeks| Pause { weeks: weeks.as_str(), until: weeks.end(&zone, app.site.now()).date(&zone) };
    let pending = subscribers::move_under_way(&app.site, reader.id).await?;
    let here = here(token);
    let page = Page {
        action: action.unwrap_or_else(|| here.clone()),
        address: format!("{here}/address"),
        here,
        email: reader.email.masked(),
        wording: consent::CHOICES_WORDING,
        questions: asked.into_iter().map(|(field, answer)| Asked::new(&field, &answer, &form)).collect(),
        // What the page shows is as it is now, also beside what was typed.
        form: form.holding("seen_name", reader.name),
        topics: topics.into_iter().map(|of_list| TopicsView::new(of_list, &chosen)).collect(),
        rhythms: lists.iter().filter_map(|choice| RhythmView::new(choice.clone(), &chosen.rhythms)).collect(),
        lists: lists
            .into_iter()
            .map(|choice| ListView { ticked: chosen.wants(choice.id, choice.joined), choice })
            .collect(),
        said,
        again,
        waits: wait.map(words::wait),
        paused: matches!(told, Some(Told::Paused(_))),
        went_on: matches!(told, Some(Told::WentOn(_))) && rests_until.is_none(),
        rests_until: rests_until.map(|until| until.date(&zone)),
        pauses: if on_any { Weeks::ALL.map(pause).into() } else { Vec::new() },
        on_some,
        may_leave: on_some || unsaid,
        stopped,
        no_letters,
        moves_to: pending.as_ref().map(|pending| pending.new_email.masked()),
        moves_by_team: pending.as_ref().is_some_and(|pending| pending.staff_id.is_some()),
        called_off: matches!(told, Some(Told::CalledOff)) && pending.is_none(),
        not_called_off: matches!(told, Some(Told::NotCalledOff)) && pending.is_none(),
        sent: match told {
            Some(Told::Asked { erasure, answer }) => Some(Letter { erasure, answer }),
            _ => None,
        },
        contact: settings.contact_email,
    };
    if let Some(wait) = wait {
        return Ok(too_many(wait, app.public_page("public/preferences", TITLE, &page).await?));
    }
    if is_mistaken {
        return app.public_page_again("public/preferences", TITLE, &page).await;
    }
    app.public_page("public/preferences", TITLE, &page).await
}

/// Beside what somebody changed, what they left alone is as it is by now.
fn as_it_is(form: Form, name: &str, asked: &[(Field, String)], chosen: &Chosen) -> Form {
    let form = if chosen.name.is_none() { form.holding("name", name) } else { form };
    let left_alone = asked.iter().filter(|(field, _)| {
        form.error(&posted_name(field)).is_empty() && chosen.answers.iter().all(|(id, _)| *id != field.id)
    });
    let left_alone: Vec<_> = left_alone.collect();
    left_alone
        .into_iter()
        .fold(form, |form, (field, answer)| form.holding(&posted_name(field), shown_of(field, answer)))
}

impl Asked {
    fn new(field: &Field, answer: &str, form: &Form) -> Self {
        let (shown, gone_name) = (shown_of(field, answer), gone_name(field));
        Self {
            question: Question::new(field, Answer::Optional, form).keeping(shown),
            seen_name: seen_name(field),
            seen: shown.to_owned(),
            is_gone: form.is_ticked(&gone_name),
            gone_name: (shown != answer).then_some(gone_name),
        }
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

/// How it stands with somebody, for saying what became otherwise.
struct Stands<'a> {
    lists: &'a [subscribers::Choice],
    topics: &'a [TopicChoices],
    asked: &'a [(Field, String)],
    name: &'a str,
    /// Whether they get anything at all.
    on_some: bool,
    /// Nothing comes to them all the same.
    stopped: bool,
}

impl Stands<'_> {
    /// What became otherwise by a press, as far as it is still so.
    fn sentences(&self, told: &Told, all: &[List]) -> Vec<String> {
        let Some(saved) = saved_in(told) else { return Vec::new() };
        let stopped = self.stopped;
        let is_on = |id: i64| self.lists.iter().any(|list| list.id == id && list.joined);
        let of_lists = |ids: &[i64], on: bool| {
            let those = all.iter().filter(|list| ids.contains(&list.id) && is_on(list.id) == on);
            phrase(&those.map(|list| list.name.as_str()).collect::<Vec<_>>())
        };
        let mut said = Vec::new();
        let joined = of_lists(&saved.joined, true);
        if !joined.is_empty() {
            said.push(format!("{} {joined}.", if stopped { "You are now on" } else { "You now get" }));
        }
        let left = of_lists(&saved.left, false);
        if !left.is_empty() {
            said.push(format!("{} {left}.", if stopped { "You are off" } else { "You no longer get" }));
        }
        let chosen = self.lists.iter().filter(|list| list.joined && saved.topics.contains(&list.id));
        said.extend(chosen.map(|list| self.topics_of(list)));
        for list in self.lists.iter().filter(|list| list.joined && saved.rhythms.contains(&list.id)) {
            said.push(match list.rhythm {
                None => format!("Of {} you get every mail.", list.name),
                Some(rhythm) => {
                    format!("Of {} you get {}, and what goes to everybody.", list.name, comes_at(rhythm))
                }
            });
        }
        match self.name {
            _ if !saved.name => {}
            "" => said.push("We greet you without a name.".to_owned()),
            name => said.push(format!("We greet you as {}.", name.trim_end_matches('.'))),
        }
        let answered = |is_there: bool| {
            let those = self.asked.iter().filter(|(field, _)| saved.answers.contains(&field.id));
            let those = those.filter(|(_, answer)| answer.is_empty() != is_there);
            phrase(&those.map(|(field, _)| field.label.as_str()).collect::<Vec<_>>())
        };
        let (kept, taken_back) = (answered(true), answered(false));
        if !kept.is_empty() {
            said.push(format!("Your answer is kept: {kept}."));
        }
        if !taken_back.is_empty() {
            said.push(format!("Your answer is taken back: {taken_back}."));
        }
        if *saved == Saved::default() && matches!(told, Told::Saved(_)) {
            said.push("Nothing has changed.".to_owned());
        }
        if *saved == Saved::default() && matches!(told, Told::LeftAll(_)) {
            said.push("Nobody puts you on a list again that you are off.".to_owned());
        }
        if !self.on_some && !said.is_empty() {
            said.push("You are on no list, and get nothing more from us.".to_owned());
        }
        said
    }

    fn topics_of(&self, list: &subscribers::Choice) -> String {
        let of_list = self.topics.iter().find(|of_list| of_list.list_id == list.id);
        let chosen = of_list.map(|of_list| of_list.topics.iter().filter(|topic| topic.chosen));
        let names: Vec<&str> = chosen.into_iter().flatten().map(|topic| topic.topic.name.as_str()).collect();
        match names.as_slice() {
            [] if self.stopped => format!("Topics of {}: everything.", list.name),
            [] => format!("Of {} you get everything.", list.name),
            names => format!("Topics of {}: {}.", list.name, phrase(names)),
        }
    }
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}
