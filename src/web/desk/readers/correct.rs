//! `/desk/readers/{id}/correct`: what a reader chose and answered, put right because they asked.

use axum::extract::Path;
use serde::Serialize;

use super::{acts::by, reader::find};
use crate::{
    subscribers::{
        self, Corrected, Subscriber, SubscriberError, TopicChoices,
        fields::{self, Field, FieldKind},
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        rhythms::{RhythmView, rhythms},
        session::see_other,
    },
};

const TITLE: &str = "Put right what they chose";
/// `seen` is every topic that was ticked when the page was made.
const FIELDS: &[&str] = &["topics_of", "seen", "topic", "rhythm", "seen_rhythm", "why"];
/// How answers begin in the posted form, and what they were when the page was made.
const ANSWER: &str = "answer_";
const SEEN: &str = "answer_seen_";

#[derive(Serialize)]
struct Page {
    public_id: String,
    email: String,
    form: Form,
    topics: Vec<TopicChoices>,
    /// What was ticked when the page was made first: `list.topic`.
    seen: Vec<String>,
    rhythms: Vec<RhythmView>,
    questions: Vec<Question>,
}

/// A field of the team's, as the part `question` shows it, with what was answered when the page was made.
#[derive(Serialize)]
struct Question {
    name: String,
    label: String,
    value: String,
    seen_name: String,
    seen: String,
    error: String,
    optional: bool,
    kind: &'static str,
    inputmode: &'static str,
    choices: Vec<(String, String, bool)>,
}

impl Question {
    fn new(field: &Field, answer: &str, form: &Form) -> Self {
        let name = format!("{ANSWER}{}", field.name);
        let seen_name = format!("{SEEN}{}", field.name);
        let was_sent = !form.all(&seen_name).is_empty();
        let text = |name: &str| if was_sent { form.text(name).to_owned() } else { answer.to_owned() };
        let (value, seen) = (text(&name), text(&seen_name));
        let choice = |sent: &str, says: &str| (sent.to_owned(), says.to_owned(), sent == value);
        let mut choices = match field.kind {
            FieldKind::YesNo => vec![choice("yes", "Yes"), choice("no", "No")],
            FieldKind::Choice => field.choices().map(|one| choice(one, one)).collect(),
            _ => Vec::new(),
        };
        // What they chose stays theirs when the choice is taken away.
        if field.kind == FieldKind::Choice && !value.is_empty() && !choices.iter().any(|one| one.2) {
            choices.push(choice(&value, &value));
        }
        Self {
            error: form.error(&name).to_owned(),
            label: field.label.clone(),
            optional: true,
            kind: if field.kind == FieldKind::Date { "date" } else { "text" },
            inputmode: if field.kind == FieldKind::Number { "decimal" } else { "" },
            choices,
            name,
            value,
            seen_name,
            seen,
        }
    }
}

/// `GET /desk/readers/{id}/correct`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let reader = find(&desk, &id).await?;
    desk.looks(&reader.public_id, "").await?;
    let page = page(&desk, reader, Form::new(FIELDS)).await?;
    desk.page("desk/readers/correct", TITLE, &page).await
}

/// `POST /desk/readers/{id}/correct`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let known = fields::all(&desk.site().db).await?;
    let names = known.iter().flat_map(|one| [format!("{ANSWER}{}", one.name), format!("{SEEN}{}", one.name)]);
    let mut form = posted.form_with(FIELDS, ANSWER, names.collect())?;
    let why = form.required("why", 300, "Say why: the team may ask later.");
    let mut corrected = Corrected { topics: topics(&form), rhythms: rhythms(&form), answers: Vec::new() };
    for field in &known {
        let name = format!("{ANSWER}{}", field.name);
        let typed = form.text(&name).to_owned();
        if typed != form.text(&format!("{SEEN}{}", field.name)) {
            match field.answer(&typed) {
                Ok(value) => corrected.answers.push((field.id, value)),
                Err(wrong) => form.mistake(&name, wrong),
            }
        }
    }
    if form.is_valid() {
        subscribers::correct_choices(desk.site(), &reader, &corrected, by(&desk, &why)).await?;
        return Ok(see_other(&format!("/desk/readers/{id}?done=saved")));
    }
    let page = page(&desk, reader, form).await?;
    desk.page_again("desk/readers/correct", TITLE, &page).await
}

/// What is ticked now and was not, and the other way round, of each list whose topics stood on the page.
fn topics(form: &Form) -> Vec<(i64, Vec<i64>, Vec<i64>)> {
    let pairs = |name: &str| -> Vec<(i64, i64)> {
        let pair = |text: &String| {
            let (list, topic) = text.split_once('.')?;
            Some((list.parse().ok()?, topic.parse().ok()?))
        };
        form.all(name).iter().filter_map(pair).collect()
    };
    let (seen, ticked) = (pairs("seen"), pairs("topic"));
    let only_in = |list: i64, these: &[(i64, i64)], those: &[(i64, i64)]| -> Vec<i64> {
        let of_list = these.iter().filter(|pair| pair.0 == list && !those.contains(pair));
        of_list.map(|(_, topic)| *topic).collect()
    };
    let lists = form.all("topics_of").iter().filter_map(|id| id.parse().ok());
    lists.map(|list| (list, only_in(list, &ticked, &seen), only_in(list, &seen, &ticked))).collect()
}

async fn page(desk: &Desk, reader: Subscriber, form: Form) -> Result<Page, WebError> {
    let (site, db) = (desk.site(), &desk.site().db);
    let answered = fields::of_reader(db, reader.id).await?;
    let answer = |field: &Field| answered.iter().find(|(one, _)| one.id == field.id).map_or("", |one| &one.1);
    let questions = fields::all(db).await?.iter().map(|one| Question::new(one, answer(one), &form)).collect();
    let link = subscribers::choices_path(site, &reader.public_id);
    let link = link.rsplit('/').next().unwrap_or_default();
    let mut topics = match subscribers::topic_choices(site, link).await {
        Err(SubscriberError::Link) => return Err(WebError::NotFound),
        topics => topics?,
    };
    let was_sent = !form.all("topics_of").is_empty();
    let mut seen = form.all("seen").to_vec();
    for list in &mut topics {
        for one in &mut list.topics {
            let pair = format!("{}.{}", list.list_id, one.topic.id);
            match was_sent {
                true => one.chosen = form.all("topic").contains(&pair),
                false if one.chosen => seen.push(pair),
                false => {}
            }
        }
    }
    let chosen = if form.all("seen_rhythm").is_empty() { Vec::new() } else { rhythms(&form) };
    let lists = subscribers::look_at_choices(site, link).await?.lists;
    let rhythms = lists.into_iter().filter_map(|choice| RhythmView::new(choice, &chosen)).collect();
    Ok(Page {
        public_id: reader.public_id,
        email: reader.email.to_string(),
        form,
        topics,
        seen,
        rhythms,
        questions,
    })
}
