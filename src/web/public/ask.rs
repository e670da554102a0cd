//! A form that asks for an address, on whatever page it stands; and what was typed into it.

use serde::Serialize;

use super::super::{App, Form, WebError};
use crate::{
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        consent,
        fields::{Answers, Field, FieldKind},
        forms::{self, Answer, Shown},
        lists::{List, OptIn},
        machines,
        topics::Topic,
    },
};

/// `website` is no question: people do not see it, and programs that fill in every field give themselves away. `made` says when the
/// form was made, `words` which ones stood beside the box, and `use` which of two addresses was meant; `challenge`, `answer` and `later` are for a crowd.
pub(super) const FIELDS: &[&str] = &[
    "email",
    "name",
    "list",
    "topic",
    "consent",
    "from",
    "website",
    "anew",
    "made",
    "words",
    "use",
    "challenge",
    "answer",
    "later",
];

/// How the team's own fields begin in a posted form, apart from ours.
pub(super) const ASKED: &str = "field_";

/// What they are called there.
pub(super) fn posted_name(field: &Field) -> String {
    format!("{ASKED}{}", field.name)
}

/// Every name that a form may post beside [`FIELDS`].
pub(super) fn posted_names(shown: &Shown) -> Vec<String> {
    shown.fields.iter().map(|asked| posted_name(&asked.field)).collect()
}

/// Which form it is, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub slug: &'a str,
    /// In a frame of another site.
    pub embedded: bool,
}

impl At<'_> {
    /// Where it is, and where it is sent.
    pub(super) fn path(self) -> String {
        match self {
            Self { slug: forms::MAIN, embedded: false } => "/subscribe".to_owned(),
            Self { slug, embedded: false } => format!("/subscribe/{slug}"),
            Self { slug, embedded: true } => format!("/subscribe/{slug}/embedded"),
        }
    }
}

/// What a page needs that asks for an address.
#[derive(Debug, Serialize)]
pub(super) struct Ask {
    /// Whether there is a list to join.
    open: bool,
    /// Whether the form was put away, and does not come again.
    over: bool,
    /// Where it is sent.
    action: String,
    /// Which page it is, for the proof of consent.
    from: &'static str,
    /// When it was made, for us alone to read.
    made: String,
    /// The heading; may be empty.
    title: String,
    /// The words beside the box.
    wording: String,
    /// What those are known by.
    words: String,
    /// What is sent, in a sentence; may be empty.
    description: String,
    lists: Vec<Choice>,
    /// Whether there is a choice of lists.
    several: bool,
    /// Whether the form has words of its own, which may be of more than the one list that it offers by now.
    names_it: bool,
    /// Whether there is a list for which the form alone may be enough.
    at_once: bool,
    questions: Vec<Question>,
    /// What can be chosen of the lists, where the form offers that.
    topics: Vec<Topics>,
}

/// The topics of a list.
#[derive(Debug, Serialize)]
struct Topics {
    list: String,
    /// What is sent, its name, what it is about, and whether it was chosen.
    topics: Vec<(String, String, String, bool)>,
}

impl Topics {
    fn new(shown: &Shown, (list, topics): &(i64, Vec<Topic>), form: &Form) -> Self {
        let named = shown.lists.iter().find(|one| one.id == *list);
        let choice = |topic: &Topic| {
            let sent = topic_sent(*list, topic);
            let chosen = form.all("topic").contains(&sent);
            (sent, topic.name.clone(), topic.description.clone(), chosen)
        };
        Self {
            list: named.map(|list| list.name.clone()).unwrap_or_default(),
            topics: topics.iter().map(choice).collect(),
        }
    }
}

/// What a form sends for a topic of a list.
pub(super) fn topic_sent(list: i64, topic: &Topic) -> String {
    format!("{list}:{}", topic.id)
}

#[derive(Debug, Serialize)]
struct Choice {
    id: i64,
    name: String,
    description: String,
    /// Whether it is always asked for by a mail, where others may not be.
    asks: bool,
    chosen: bool,
}

/// A field of the team's, as the part `question` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Question {
    name: String,
    label: String,
    value: String,
    error: String,
    optional: bool,
    kind: &'static str,
    inputmode: &'static str,
    /// For a question with answers to choose from: what is sent, what it says, and whether it was chosen.
    choices: Vec<(String, String, bool)>,
}

impl Question {
    pub(super) fn new(field: &Field, answer: Answer, form: &Form) -> Self {
        let name = posted_name(field);
        let value = form.text(&name).to_owned();
        let choice = |sent: &str, says: &str| (sent.to_owned(), says.to_owned(), sent == value);
        let choices = match field.kind {
            FieldKind::YesNo => vec![choice("yes", "Yes"), choice("no", "No")],
            FieldKind::Choice => field.choices().map(|one| choice(one, one)).collect(),
            _ => Vec::new(),
        };
        Self {
            error: form.error(&name).to_owned(),
            label: field.label.clone(),
            optional: answer == Answer::Optional,
            kind: if field.kind == FieldKind::Date { "date" } else { "text" },
            inputmode: if field.kind == FieldKind::Number { "decimal" } else { "" },
            choices,
            name,
            value,
        }
    }

    /// With an answer from before that is not among the choices any more: it stays theirs.
    pub(super) fn keeping(mut self, answer: &str) -> Self {
        let is_gone = !answer.is_empty() && self.choices.iter().all(|(sent, ..)| sent != answer);
        if !self.choices.is_empty() && is_gone {
            self.choices.push((answer.to_owned(), answer.to_owned(), self.value == answer));
        }
        self
    }
}

impl Ask {
    /// The form on our own pages, in short.
    pub(super) async fn new(app: &App, settings: &Settings, from: &'static str) -> Result<Self, WebError> {
        let shown = forms::shown(&app.site.db, settings, forms::MAIN).await?.ok_or(WebError::NotFound)?;
        let at = At { slug: forms::MAIN, embedded: false };
        Ok(Self::first(app, &shown, at, from))
    }

    /// A form that nobody has filled in yet.
    pub(super) fn first(app: &App, shown: &Shown, at: At<'_>, from: &'static str) -> Self {
        Self::with(shown, at, (from, machines::stamp(&app.site)), &Form::new(FIELDS))
    }

    /// The form that was sent, once more.
    pub(super) fn again(app: &App, shown: &Shown, at: At<'_>, form: &Form) -> Self {
        Self::with(shown, at, (page_of(form), made_of(app, form)), form)
    }

    fn with(shown: &Shown, at: At<'_>, (from, made): (&'static str, String), form: &Form) -> Self {
        let chosen = form.all("list");
        let first = shown.lists.first().map(|list| list.id);
        let is_chosen = |id: i64| match chosen {
            [] => first == Some(id),
            chosen => chosen.contains(&id.to_string()),
        };
        let at_once = shown.lists.iter().any(|list| list.opt_in == OptIn::Single);
        let choice = |list: &List| Choice {
            id: list.id,
            name: list.name.clone(),
            description: list.description.clone(),
            asks: list.opt_in == OptIn::Double && at_once,
            chosen: is_chosen(list.id),
        };
        let usual = || match shown.lists.as_slice() {
            [only] => only.description.clone(),
            _ => String::new(),
        };
        let intro = &shown.form.intro;
        Self {
            open: !shown.lists.is_empty(),
            over: shown.form.retired_at.is_some(),
            action: at.path(),
            from,
            made,
            title: shown.form.title.clone(),
            wording: shown.wording.clone(),
            words: consent::known_by(&shown.wording),
            description: if intro.is_empty() { usual() } else { intro.clone() },
            several: shown.lists.len() > 1,
            names_it: !(shown.form.title.is_empty() && intro.is_empty() && shown.form.wording.is_empty()),
            at_once,
            lists: shown.lists.iter().map(choice).collect(),
            questions: shown.fields.iter().map(|one| Question::new(&one.field, one.answer, form)).collect(),
            topics: shown.topics.iter().map(|of_list| Topics::new(shown, of_list, form)).collect(),
        }
    }
}

/// When the form was made that was sent, or now if it does not say so.
pub(super) fn made_of(app: &App, form: &Form) -> String {
    let made = Some(form.text("made")).filter(|made| machines::age(&app.site, made).is_some());
    made.map_or_else(|| machines::stamp(&app.site), str::to_owned)
}

/// The page the form stood on, out of those that have one.
pub(super) fn page_of(form: &Form) -> &'static str {
    match form.text("from") {
        "home" => "home",
        "article" => "article",
        _ => "subscribe",
    }
}

/// Whether the words beside the box were those that stand there now. A page may be old, or somebody else's.
pub(super) fn saw_the_words(form: &Form, shown: &Shown) -> bool {
    form.text("words") == consent::known_by(&shown.wording)
}

/// What was typed.
#[derive(Debug)]
pub(super) struct Typed {
    /// None if it is no address.
    pub email: Option<EmailAddress>,
    pub name: String,
    pub lists: Vec<i64>,
    pub answers: Answers,
}

/// What was typed into a form, with the mistakes noted in it.
pub(super) fn read(form: &mut Form, shown: &Shown) -> Typed {
    let chosen = if form.text("use").is_empty() { "email" } else { "use" };
    let email = form.parse(chosen, EmailAddress::parse);
    let name = form.optional("name", 100);
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    let offered = |id: &i64| shown.lists.iter().any(|list| list.id == *id);
    let posted = form.all("list");
    let mut lists: Vec<i64> = posted.iter().filter_map(|id| id.parse().ok()).filter(offered).collect();
    let stale = lists.len() < posted.len();
    if let ([only], []) = (shown.lists.as_slice(), posted) {
        // Where there is no choice, nobody is asked.
        lists.push(only.id);
    }
    if stale {
        form.mistake("list", "A list that you chose is not offered here any more. Look at what is.");
    } else if lists.is_empty() {
        form.mistake("list", "Choose at least one.");
    }
    let mut answers = Answers::default();
    for asked in &shown.fields {
        let name = posted_name(&asked.field);
        let Some(value) = form.parse(&name, |typed| asked.field.answer(typed)) else { continue };
        if value.is_empty() && asked.answer == Answer::Required {
            form.mistake(&name, format_args!("Please answer this: {}", asked.field.label));
        }
        answers.add(&asked.field, value);
    }
    // One that is not offered any more is left out: whoever chooses nothing gets everything.
    for (list, topics) in shown.topics.iter().filter(|(list, _)| lists.contains(list)) {
        for topic in topics.iter().filter(|topic| form.all("topic").contains(&topic_sent(*list, topic))) {
            answers.choose(*list, topic.id);
        }
    }
    if !form.is_ticked("consent") {
        form.mistake("consent", "Tick the box, so that we know you want our mail.");
    }
    Typed { email, name, lists, answers }
}

/// So many topics are carried on.
const MOST_TOPICS: usize = 100;

/// A sign-up that waits for one more press, or for some work of the browser.
#[derive(Serialize)]
pub(super) struct Held<'a> {
    /// Where it is sent.
    pub action: String,
    pub email: &'a EmailAddress,
    pub name: &'a str,
    pub lists: &'a [i64],
    pub from: &'static str,
    pub made: String,
    /// What the words are known by that stood beside the box.
    pub words: String,
    /// The words to tick, where others stood beside the box.
    pub to_tick: Option<&'a str>,
    /// What the team's fields were answered: what each is called, and what was typed.
    pub answers: Vec<(String, String)>,
}

impl<'a> Held<'a> {
    pub(super) fn new(
        app: &App,
        (shown, at): (&'a Shown, At<'_>),
        form: &Form,
        (email, name, lists): (&'a EmailAddress, &'a str, &'a [i64]),
    ) -> Self {
        let typed = |name: String| (form.text(&name).to_owned(), name);
        let answers = posted_names(shown).into_iter().map(typed).map(|(typed, name)| (name, typed));
        let topics = form.all("topic").iter().map(|sent| ("topic".to_owned(), sent.clone()));
        let answers = answers.chain(topics.take(MOST_TOPICS));
        Self {
            action: at.path(),
            email,
            name,
            lists,
            from: page_of(form),
            made: made_of(app, form),
            words: form.text("words").to_owned(),
            to_tick: None,
            answers: answers.collect(),
        }
    }

    /// The same for who saw other words than those of now: they are shown these, with a box.
    pub(super) fn with_the_words(mut self, form: &Form, shown: &'a Shown) -> Self {
        if !saw_the_words(form, shown) {
            self.words = consent::known_by(&shown.wording);
            self.to_tick = Some(&shown.wording);
        }
        self
    }
}
