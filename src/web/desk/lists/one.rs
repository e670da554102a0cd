//! `/desk/lists/{id}`: what a list is called, who may join it and how, and its letter of welcome.

use std::time::Duration;

use axum::extract::Path;
use serde::Serialize;

use super::list::{Pill, find};
use crate::{
    editions::Rhythm,
    mail, publishing, segments,
    subscribers::{
        self, Visibility,
        lists::{self, List, OptIn, Written},
        rhythms, topics,
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        desk::theirs::Theirs,
        session::see_other,
        words::{
            count, grouped, how_many,
            readers::{comes_at, how_often, left_because},
        },
    },
};

const FIELDS: &[&str] = &[
    "version",
    "name",
    "description",
    "visibility",
    "closed",
    "offered",
    "opt_in",
    "law",
    "welcomes",
    "welcome_subject",
    "welcome_text",
    "topic",
    "rhythm",
    "only",
    "except",
    "act",
];
const TEMPLATE: &str = "desk/lists/one";
/// Over which time the reasons of those who left are counted.
const LATELY: Duration = Duration::from_secs(90 * 86_400);
const CHANGED: &str = "Somebody else changed this list since you opened the page. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";

#[derive(Serialize)]
struct Page {
    public_id: String,
    /// As it is saved.
    name: String,
    slug: String,
    /// What mails call it in their headers.
    list_id: String,
    pills: Vec<Pill>,
    retired: bool,
    /// Whether it can be deleted.
    unused: bool,
    /// Who asked and has not confirmed: "12 readers".
    pending: Option<String>,
    form: Form,
    topics: Vec<TopicLine>,
    rhythms: Vec<RhythmLine>,
    /// The segments that new editions can begin with; empty where there are none.
    segments: Vec<SegmentLine>,
    /// Why readers left lately, and how many said so.
    left: Vec<(&'static str, String)>,
    trouble: Option<&'static str>,
    theirs: Vec<Theirs>,
    action: String,
}

#[derive(Serialize)]
struct TopicLine {
    id: i64,
    name: String,
    ticked: bool,
}

/// How often its readers may choose to get it.
#[derive(Serialize)]
struct RhythmLine {
    word: &'static str,
    label: &'static str,
    means: &'static str,
    ticked: bool,
    /// How many chose it: "12 readers".
    readers: Option<String>,
}

#[derive(Serialize)]
struct SegmentLine {
    id: i64,
    name: String,
    /// New editions go to it alone.
    only: bool,
    /// They do not go to it.
    except: bool,
}

/// `GET /desk/lists/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let list = find(&desk, &id).await?;
    let form = filled(&desk, &list).await?;
    let page = page(&desk, list, form).await?;
    desk.page(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/lists/{id}`: the button that brings it back saves what was typed, too.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let list = find(&desk, &id).await?;
    let written = read(&mut form, &list);
    let offers: Vec<i64> = form.all("topic").iter().filter_map(|id| id.parse().ok()).collect();
    let usual = (segment(&mut form, "only"), segment(&mut form, "except"));
    let (Some(written), true) = (written, form.is_valid()) else {
        let page = page(&desk, list, form).await?;
        return desk.page_again(TEMPLATE, &page.name, &page).await;
    };
    // The version that was seen, with what it was called then: the name that its series has is changed with it.
    let seen = List { version: form.text("version").parse().unwrap_or_default(), ..list };
    let who = Some(desk.who.staff.id);
    match publishing::change_list(desk.site(), &seen, &written, (&offers, usual), who).await {
        Ok(()) if form.text("act") == "back" => {
            let list = find(&desk, &id).await?;
            let done = match publishing::bring_list_back(desk.site(), &list, who).await {
                Ok(()) => "list-back",
                Err(publishing::Error::Changed) => "saved",
                Err(error) => return Err(error.into()),
            };
            Ok(see_other(&format!("/desk/lists/{id}?done={done}")))
        }
        Ok(()) => Ok(see_other(&format!("/desk/lists/{id}?done=saved"))),
        Err(publishing::Error::Changed) => stale(&desk, &id, form).await,
        Err(publishing::Error::RhythmWaits) => {
            form.mistake(
                "rhythm",
                "An edition for those who chose how often they get it waits to go out. Let it go out, or take Send back, before you change this.",
            );
            let page = page(&desk, find(&desk, &id).await?, form).await?;
            desk.page_again(TEMPLATE, &page.name, &page).await
        }
        Err(publishing::Error::Segment(_)) => {
            form.mistake("only", "A segment that you chose has been deleted. Look to whom new editions go.");
            let page = page(&desk, find(&desk, &id).await?, form).await?;
            desk.page_again(TEMPLATE, &page.name, &page).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The segment that was chosen; none for the whole list, or for nobody.
fn segment(form: &mut Form, name: &'static str) -> Option<i64> {
    if form.text(name).is_empty() {
        return None;
    }
    form.parse(name, |id| id.parse().map_err(|_| "Choose a segment."))
}

/// What was typed, and what somebody else decided since the page was opened.
async fn stale(desk: &Desk, id: &str, form: Form) -> Outcome {
    let list = find(desk, id).await?;
    let now = filled(desk, &list).await?;
    let labels = [
        ("name", "Name"),
        ("description", "What comes, and how often"),
        ("visibility", "Who sees it"),
        ("closed", "Closed"),
        ("offered", "Offered to new readers"),
        ("opt_in", "How readers join"),
        ("welcomes", "Letter of welcome"),
        ("welcome_subject", "Its subject"),
        ("welcome_text", "Its words"),
        ("only", "New editions go to"),
        ("except", "New editions leave out"),
    ];
    let all = segments::all(&desk.site().db).await?;
    // As people know them.
    let named = |form: Form| {
        [("only", "The whole list"), ("except", "Nobody")].into_iter().fold(form, |form, (name, none)| {
            let chosen = all.iter().find(|segment| segment.id.to_string() == form.text(name));
            let words = chosen.map_or(none, |segment| segment.name.as_str()).to_owned();
            form.holding(name, words)
        })
    };
    let theirs = Theirs::between(&labels, &named(now), &named(form.clone()));
    // Pressed again, the form overwrites only what it was shown beside.
    let form = form.holding("version", list.version.to_string());
    let page = Page { trouble: Some(CHANGED), theirs, ..page(desk, list, form).await? };
    desk.page(TEMPLATE, &page.name, &page).await.map(conflict)
}

fn read(form: &mut Form, list: &List) -> Option<Written> {
    let visibility = form.parse("visibility", |word| Visibility::parse(word).ok_or("Say who sees it."));
    let opt_in = form.parse("opt_in", |word| OptIn::parse(word).ok_or("Say how readers join."));
    let turns_single = opt_in == Some(OptIn::Single) && list.opt_in != OptIn::Single;
    if turns_single && !form.is_ticked("law") {
        form.mistake("law", "Say that the law of your readers allows it.");
    }
    let subject = form.optional("welcome_subject", 200);
    if subject.chars().any(char::is_control) {
        form.mistake("welcome_subject", "Use one line of text.");
    }
    for of_the_letter in ["welcome_subject", "welcome_text"] {
        if let Err(mistake) = mail::check_none(form.text(of_the_letter)) {
            form.mistake(of_the_letter, mistake);
        }
    }
    let name = form.required("name", 100, "Say what readers call it.");
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use one line of text.");
    }
    Some(Written {
        name,
        description: form.optional("description", 300),
        visibility: visibility?,
        opt_in: opt_in?,
        offered: form.is_ticked("offered"),
        closed: form.is_ticked("closed"),
        welcomes: form.is_ticked("welcomes"),
        welcome_subject: subject,
        welcome_text: form.optional("welcome_text", 5_000),
        rhythms: form.all("rhythm").iter().filter_map(|word| Rhythm::parse(word)).collect(),
    })
}

async fn filled(desk: &Desk, list: &List) -> Result<Form, WebError> {
    let tick = |form: Form, name: &str, is: bool| if is { form.with(name, "yes") } else { form };
    let form = Form::new(FIELDS)
        .with("version", list.version.to_string())
        .with("name", &list.name)
        .with("description", &list.description)
        .with("visibility", list.visibility.as_str())
        .with("opt_in", list.opt_in.as_str())
        .with("welcome_subject", &list.welcome_subject)
        .with("welcome_text", &list.welcome_text);
    let form = tick(form, "closed", list.closed_at.is_some());
    let form = tick(form, "offered", list.offered);
    let form = tick(form, "law", list.opt_in == OptIn::Single);
    let form = tick(form, "welcomes", list.welcomes);
    let form =
        Rhythm::read(&list.rhythms).into_iter().fold(form, |form, one| form.with("rhythm", one.as_str()));
    let (only, except) = segments::usual(&desk.site().db, list.id).await?;
    let chosen = |segment: Option<i64>| segment.map_or(String::new(), |id| id.to_string());
    let form = form.with("only", chosen(only)).with("except", chosen(except));
    let offered = topics::offered_by(&desk.site().db, list.id).await?;
    Ok(offered.iter().fold(form, |form, topic| form.with("topic", topic.id.to_string())))
}

async fn page(desk: &Desk, list: List, form: Form) -> Result<Page, WebError> {
    let site = desk.site();
    let pending = lists::pending(&site.db, list.id).await?;
    let ticked = form.all("topic").to_vec();
    let topics = topics::all(&site.db).await?.into_iter().filter(|topic| topic.retired_at.is_none());
    let topics = topics.map(|topic| TopicLine {
        id: topic.id,
        ticked: ticked.contains(&topic.id.to_string()),
        name: topic.name,
    });
    let chose = rhythms::readers(&site.db, list.id).await?;
    let rhythms = Rhythm::ALL.map(|one| RhythmLine {
        word: one.as_str(),
        label: how_often(Some(one)),
        means: comes_at(one),
        ticked: form.all("rhythm").iter().any(|word| word == one.as_str()),
        readers: chose.get(&one).map(|number| how_many(*number, "reader")),
    });
    let segments = segments::all(&site.db).await?.into_iter().map(|segment| SegmentLine {
        only: form.text("only") == segment.id.to_string(),
        except: form.text("except") == segment.id.to_string(),
        id: segment.id,
        name: segment.name,
    });
    let left = subscribers::leaving_sums(&site.db, list.id, site.now().minus(LATELY)).await?;
    Ok(Page {
        pills: Pill::of(&list),
        list_id: format!("{}.{}", list.slug, site.host()),
        retired: list.retired_at.is_some(),
        unused: lists::is_unused(&site.db, list.id).await?,
        pending: (pending > 0).then(|| count(pending, "reader")),
        topics: topics.collect(),
        rhythms: rhythms.into(),
        segments: segments.collect(),
        left: left.into_iter().map(|one| (left_because(one.reason), grouped(one.number))).collect(),
        trouble: None,
        theirs: Vec::new(),
        action: format!("/desk/lists/{}", list.public_id),
        form,
        public_id: list.public_id,
        name: list.name,
        slug: list.slug,
    })
}
