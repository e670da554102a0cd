//! TypedCondition condition of a segment as it is typed: what it is about, what has to be said of that, and what it asks.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    delivery::StopReason,
    editions::Rhythm,
    money::{self, Money},
    publishing::EditionSummary,
    segments::{AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, Segment, When},
    subscribers::{
        DonorState, List,
        fields::{Field, FieldKind},
        forms::SignUpForm,
        topics::Topic,
    },
    web::{Form, words::readers::how_often},
    words,
};

/// Whichever it is.
const ANY: &str = "any";

/// Every operand of a condition.
const OPERANDS: [&str; 22] = [
    "list", "stands", "topic", "rhythm", "field", "test", "text", "least", "most", "from", "to", "when",
    "day", "days", "form", "domain", "reason", "edition", "state", "measure", "currency", "segment",
];

words! {
    /// What a condition is about.
    enum What {
        List = "list",
        Topic = "topic",
        Rhythm = "rhythm",
        Field = "field",
        Joined = "joined",
        ConfirmedAgain = "confirmed-again",
        ConfirmedBy = "confirmed-by",
        Form = "form",
        Source = "source",
        Domain = "domain",
        Stopped = "stopped",
        Got = "got",
        LastMail = "last-mail",
        Supporter = "supporter",
        Gave = "gave",
        LastGave = "last-gave",
        NeverAsked = "never-asked",
        Note = "note",
        Segment = "segment",
    }
}

impl What {
    const fn label(self) -> &'static str {
        match self {
            Self::List => "a list",
            Self::Topic => "a topic that they chose",
            Self::Rhythm => "how often they get a list",
            Self::Field => "what they answered",
            Self::Joined => "since when they are known",
            Self::ConfirmedAgain => "that they confirmed again",
            Self::ConfirmedBy => "an edition by which they confirmed again",
            Self::Form => "the form by which they came",
            Self::Source => "where their consent came from",
            Self::Domain => "the domain of their address",
            Self::Stopped => "mail to them is stopped",
            Self::Got => "an edition that they got",
            Self::LastMail => "when an edition last reached them",
            Self::Supporter => "how they stand as supporters",
            Self::Gave => "what they gave",
            Self::LastGave => "when they last gave",
            Self::NeverAsked => "they are not to be asked for gifts",
            Self::Note => "a note about them",
            Self::Segment => "another segment",
        }
    }
}

words! {
    /// What is asked of an answer.
    enum Test {
        Given = "given",
        Is = "is",
        Holds = "holds",
        Number = "number",
        Date = "date",
        Yes = "yes",
        No = "no",
        Choice = "choice",
    }
}

impl Test {
    const fn label(self) -> &'static str {
        match self {
            Self::Given => "there is an answer",
            Self::Is => "it is the text",
            Self::Holds => "it holds the text",
            Self::Number => "it is a number between",
            Self::Date => "it is a day between",
            Self::Yes => "it is yes",
            Self::No => "it is no",
            Self::Choice => "it is the choice",
        }
    }
}

words! {
    enum Since {
        Before = "before",
        From = "since",
        Within = "within",
        LongerAgo = "longer-ago",
    }
}

impl Since {
    const fn label(self) -> &'static str {
        match self {
            Self::Before => "before a day",
            Self::From => "on a day or later",
            Self::Within => "within the last days",
            Self::LongerAgo => "longer ago than days",
        }
    }
}

/// What conditions can name.
pub(super) struct Named {
    pub lists: Vec<List>,
    pub topics: Vec<Topic>,
    pub fields: Vec<Field>,
    pub forms: Vec<SignUpForm>,
    pub editions: Vec<EditionSummary>,
    pub segments: Vec<Segment>,
    pub currency: String,
}

/// A condition that may be unfinished.
pub(super) struct TypedCondition {
    what: What,
    pub is_not: bool,
    values: BTreeMap<&'static str, String>,
    /// What has to be said.
    pub error: String,
}

impl Default for TypedCondition {
    fn default() -> Self {
        Self { what: What::List, is_not: false, values: BTreeMap::new(), error: String::new() }
    }
}

/// A field of it.
#[derive(Serialize)]
pub(super) struct Input {
    pub name: String,
    label: &'static str,
    /// Of what is chosen, not typed.
    choices: Option<Vec<Choice>>,
    kind: &'static str,
    pub value: String,
}

/// What can be chosen in one.
#[derive(Serialize)]
pub(super) struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

pub(super) fn choices<V: Into<String>, L: Into<String>>(
    of: impl IntoIterator<Item = (V, L)>,
    chosen: &str,
) -> Vec<Choice> {
    of.into_iter()
        .map(|(value, label)| {
            let value = value.into();
            Choice { chosen: value == chosen, label: label.into(), value }
        })
        .collect()
}

/// A number as people write it, in hundredths.
fn hundredths(text: &str) -> Option<i64> {
    let text = text.replace(',', ".");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > 2 || !is_number(whole) || !is_number(part) {
        return None;
    }
    format!("{whole}{part:0<2}").parse::<i64>().ok().map(|number| sign * number)
}

fn of_hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let number = number.unsigned_abs();
    match number % 100 {
        0 => format!("{sign}{}", number / 100),
        part => format!("{sign}{}.{part:02}", number / 100),
    }
}

impl TypedCondition {
    /// The names of all fields that it may have.
    pub(super) fn names(path: &str) -> impl Iterator<Item = String> {
        ["what", "not"].into_iter().chain(OPERANDS).map(move |name| format!("{path}-{name}"))
    }

    /// Takes what a form says of it.
    pub(super) fn fill(&mut self, path: &str, form: &Form) {
        self.what = What::parse(form.text(&format!("{path}-what"))).unwrap_or(What::List);
        self.is_not = form.text(&format!("{path}-not")) == "not";
        for name in OPERANDS {
            let typed = form.text(&format!("{path}-{name}"));
            if !typed.is_empty() {
                self.values.insert(name, typed.to_owned());
            }
        }
    }

    /// What it can be about.
    pub(super) fn subjects(&self) -> Vec<Choice> {
        choices(What::ALL.map(|what| (what.as_str(), what.label())), self.what.as_str())
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn id(&self, name: &str) -> Option<i64> {
        self.value(name).parse().ok()
    }

    fn day(&self, name: &str) -> Result<Option<jiff::civil::Date>, String> {
        match self.value(name) {
            "" => Ok(None),
            day => day.parse().map(Some).map_err(|_| "Enter a day, such as 2026-05-12.".to_owned()),
        }
    }

    fn when(&self) -> Result<When, String> {
        let since = Since::parse(self.value("when")).unwrap_or(Since::From);
        match since {
            Since::Before | Since::From => {
                let day = self.day("day")?.ok_or("Enter a day, such as 2026-05-12.")?;
                Ok(if since == Since::Before { When::Before(day) } else { When::Since(day) })
            }
            Since::Within | Since::LongerAgo => {
                let days = self.value("days").parse().map_err(|_| "Write a number of days.")?;
                Ok(if since == Since::Within { When::Within(days) } else { When::LongerAgo(days) })
            }
        }
    }

    /// What was chosen, or the first there is: what a browser shows is what is meant.
    fn chosen(&self, name: &str, first: Option<i64>, none: &str) -> Result<i64, String> {
        self.id(name).or(first.filter(|_| self.value(name).is_empty())).ok_or_else(|| none.to_owned())
    }

    /// What it asks.
    ///
    /// # Errors
    /// What has to be said.
    pub(super) fn condition(&self, named: &Named) -> Result<Condition, String> {
        let list = self.id("list");
        let text = || self.value("text").to_owned();
        Ok(match self.what {
            What::List => Condition::List {
                list,
                stands: ListStanding::parse(self.value("stands")).unwrap_or(ListStanding::On),
            },
            What::Topic => {
                let first = named.topics.first().map(|topic| topic.id);
                Condition::Topic { topic: self.chosen("topic", first, "Choose a topic.")?, list }
            }
            What::Rhythm => Condition::Rhythm { list, rhythm: Rhythm::parse(self.value("rhythm")) },
            What::Field => {
                let first = named.fields.first().map(|field| field.id);
                let field = self.chosen("field", first, "Choose a field.")?;
                Condition::Field { field, answer: self.answer()? }
            }
            What::Joined => Condition::Joined { when: self.when()? },
            What::ConfirmedAgain => Condition::ConfirmedAgain { list, when: self.when()? },
            What::Form => {
                let first = named.forms.first().map(|form| form.id);
                Condition::Form { form: self.chosen("form", first, "Choose a form.")? }
            }
            What::Source => Condition::Source { text: text() },
            What::Domain => Condition::Domain { domain: self.value("domain").to_owned() },
            What::Stopped => Condition::Stopped { reason: StopReason::parse(self.value("reason")) },
            What::Got => {
                let first = named.editions.first().map(|edition| edition.id);
                Condition::Got { edition: self.chosen("edition", first, "Choose an edition.")? }
            }
            What::ConfirmedBy => {
                let first = named.editions.first().map(|edition| edition.id);
                Condition::ConfirmedBy { edition: self.chosen("edition", first, "Choose an edition.")? }
            }
            What::LastMail => Condition::LastMail { when: self.when()? },
            What::Supporter => Condition::Supporter {
                state: DonorState::parse(self.value("state")).unwrap_or(DonorState::Monthly),
            },
            What::Gave => Condition::Gave { gifts: self.gifts(named)? },
            What::LastGave => Condition::LastGave { when: self.when()? },
            What::NeverAsked => Condition::NeverAsked,
            What::Note => Condition::Note { text: text() },
            What::Segment => {
                let first = named.segments.first().map(|segment| segment.id);
                Condition::Segment { segment: self.chosen("segment", first, "Choose a segment.")? }
            }
        })
    }

    fn answer(&self) -> Result<AnswerTest, String> {
        let text = || self.value("text").to_owned();
        Ok(match Test::parse(self.value("test")).unwrap_or(Test::Given) {
            Test::Given => AnswerTest::Given,
            Test::Is => AnswerTest::Is(text()),
            Test::Holds => AnswerTest::Holds(text()),
            Test::Number => AnswerTest::Number { least: self.number("least")?, most: self.number("most")? },
            Test::Date => AnswerTest::Date { from: self.day("from")?, to: self.day("to")? },
            Test::Yes => AnswerTest::YesNo(true),
            Test::No => AnswerTest::YesNo(false),
            Test::Choice => AnswerTest::Choice(text()),
        })
    }

    fn number(&self, name: &str) -> Result<Option<i64>, String> {
        match self.value(name) {
            "" => Ok(None),
            number => {
                hundredths(number).map(Some).ok_or_else(|| "Write a number, such as 12 or 12.5.".to_owned())
            }
        }
    }

    fn gifts(&self, named: &Named) -> Result<Gifts, String> {
        let measure = GiftMeasure::parse(self.value("measure")).unwrap_or(GiftMeasure::Sum);
        let code = match self.value("currency") {
            "" => named.currency.clone(),
            code => code.to_ascii_uppercase(),
        };
        let currency = money::currency(&code).ok_or("Write the code of a currency, such as EUR.")?;
        let amount = |name: &str| match (self.value(name), measure) {
            ("", _) => Ok(None),
            (text, GiftMeasure::Number) => {
                text.parse().map(Some).map_err(|_| "Write how many gifts, such as 3.".to_owned())
            }
            (text, _) => {
                Money::parse(text, currency).map(|money| Some(money.minor)).map_err(|why| why.to_string())
            }
        };
        let (least, most) = (amount("least")?, amount("most")?);
        Ok(Gifts { currency: code, measure, least, most, from: self.day("from")?, to: self.day("to")? })
    }

    pub(super) fn of(condition: &Condition) -> Self {
        let mut one = Self::default();
        let mut set = |name: &'static str, value: String| {
            if !value.is_empty() {
                one.values.insert(name, value);
            }
        };
        let id = |id: &Option<i64>| id.map_or_else(|| ANY.to_owned(), |id| id.to_string());
        let day = |day: &Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let when = |of: &When| {
            let (word, name, value) = match of {
                When::Before(day) => ("before", "day", day.to_string()),
                When::Since(day) => ("since", "day", day.to_string()),
                When::Within(days) => ("within", "days", days.to_string()),
                When::LongerAgo(days) => ("longer-ago", "days", days.to_string()),
            };
            vec![("when", word.to_owned()), (name, value)]
        };
        let mut all: Vec<(&'static str, String)> = Vec::new();
        let what = match condition {
            Condition::List { list, stands } => {
                all.extend([("list", id(list)), ("stands", stands.to_string())]);
                What::List
            }
            Condition::Topic { topic, list } => {
                all.extend([("topic", topic.to_string()), ("list", id(list))]);
                What::Topic
            }
            Condition::Rhythm { list, rhythm } => {
                let rhythm = rhythm.map_or_else(|| ANY.to_owned(), |rhythm| rhythm.to_string());
                all.extend([("list", id(list)), ("rhythm", rhythm)]);
                What::Rhythm
            }
            Condition::Field { field, answer } => {
                all.push(("field", field.to_string()));
                let test = match answer {
                    AnswerTest::Given => Test::Given,
                    AnswerTest::Is(text) => {
                        all.push(("text", text.clone()));
                        Test::Is
                    }
                    AnswerTest::Holds(text) => {
                        all.push(("text", text.clone()));
                        Test::Holds
                    }
                    AnswerTest::Choice(text) => {
                        all.push(("text", text.clone()));
                        Test::Choice
                    }
                    AnswerTest::Number { least, most } => {
                        let number = |number: &Option<i64>| number.map(of_hundredths).unwrap_or_default();
                        all.extend([("least", number(least)), ("most", number(most))]);
                        Test::Number
                    }
                    AnswerTest::Date { from, to } => {
                        all.extend([("from", day(from)), ("to", day(to))]);
                        Test::Date
                    }
                    AnswerTest::YesNo(true) => Test::Yes,
                    AnswerTest::YesNo(false) => Test::No,
                };
                all.push(("test", test.to_string()));
                What::Field
            }
            Condition::Joined { when: of } => {
                all.extend(when(of));
                What::Joined
            }
            Condition::ConfirmedAgain { list, when: of } => {
                all.push(("list", id(list)));
                all.extend(when(of));
                What::ConfirmedAgain
            }
            Condition::Form { form } => {
                all.push(("form", form.to_string()));
                What::Form
            }
            Condition::Source { text } => {
                all.push(("text", text.clone()));
                What::Source
            }
            Condition::Domain { domain } => {
                all.push(("domain", domain.clone()));
                What::Domain
            }
            Condition::Stopped { reason } => {
                all.push(("reason", reason.map_or_else(|| ANY.to_owned(), |reason| reason.to_string())));
                What::Stopped
            }
            Condition::Got { edition } => {
                all.push(("edition", edition.to_string()));
                What::Got
            }
            Condition::ConfirmedBy { edition } => {
                all.push(("edition", edition.to_string()));
                What::ConfirmedBy
            }
            Condition::LastMail { when: of } => {
                all.extend(when(of));
                What::LastMail
            }
            Condition::Supporter { state } => {
                all.push(("state", state.to_string()));
                What::Supporter
            }
            Condition::Gave { gifts } => {
                let currency = money::currency(&gifts.currency);
                let amount = |amount: &Option<i64>| match (amount, gifts.measure, currency) {
                    (None, ..) => String::new(),
                    // Anything at all.
                    (Some(1), GiftMeasure::Sum | GiftMeasure::Single, _) if gifts.most.is_none() => {
                        String::new()
                    }
                    (Some(minor), GiftMeasure::Sum | GiftMeasure::Single, Some(currency)) => {
                        Money::new(*minor, currency).figures()
                    }
                    (Some(number), ..) => number.to_string(),
                };
                all.extend([
                    ("measure", gifts.measure.to_string()),
                    ("currency", gifts.currency.clone()),
                    ("least", amount(&gifts.least)),
                    ("most", amount(&gifts.most)),
                    ("from", day(&gifts.from)),
                    ("to", day(&gifts.to)),
                ]);
                What::Gave
            }
            Condition::LastGave { when: of } => {
                all.extend(when(of));
                What::LastGave
            }
            Condition::NeverAsked => What::NeverAsked,
            Condition::Note { text } => {
                all.push(("text", text.clone()));
                What::Note
            }
            Condition::Segment { segment } => {
                all.push(("segment", segment.to_string()));
                What::Segment
            }
        };
        all.into_iter().for_each(|(name, value)| set(name, value));
        one.what = what;
        one
    }

    /// What stands beside it in the form.
    pub(super) fn inputs(&self, path: &str, named: &Named) -> Vec<Input> {
        let input = |name: &str, label, kind, choices| Input {
            name: format!("{path}-{name}"),
            label,
            choices,
            kind,
            value: self.value(name).to_owned(),
        };
        let typed = |name: &'static str, label: &'static str| input(name, label, "text", None);
        let day = |name: &'static str, label: &'static str| input(name, label, "date", None);
        let one_of = |name: &'static str, label: &'static str, of: Vec<(String, String)>| {
            input(name, label, "", Some(choices(of, self.value(name))))
        };
        let pairs = |of: &[(&str, &str)]| -> Vec<(String, String)> {
            of.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
        };
        let any_list = || {
            let lists = named.lists.iter().map(|list| (list.id.to_string(), list.name.clone()));
            one_of(
                "list",
                "List",
                std::iter::once((ANY.to_owned(), "any list".to_owned())).chain(lists).collect(),
            )
        };
        let when = || {
            let of = Since::ALL.map(|since| (since.as_str().to_owned(), since.label().to_owned()));
            let what = Since::parse(self.value("when")).unwrap_or(Since::From);
            let chosen = input("when", "When", "", Some(choices(of, what.as_str())));
            match what {
                Since::Before | Since::From => vec![chosen, day("day", "Day")],
                Since::Within | Since::LongerAgo => vec![chosen, typed("days", "Days")],
            }
        };
        match self.what {
            What::List => vec![
                any_list(),
                one_of(
                    "stands",
                    "How they stand",
                    pairs(&[
                        ("on", "are on it"),
                        ("rests", "are on it, and paused"),
                        ("waits", "asked, and have not confirmed"),
                        ("left", "left it"),
                    ]),
                ),
            ],
            What::Topic => vec![
                one_of(
                    "topic",
                    "Topic",
                    named.topics.iter().map(|topic| (topic.id.to_string(), topic.name.clone())).collect(),
                ),
                any_list(),
            ],
            What::Rhythm => {
                let every = std::iter::once((ANY.to_owned(), how_often(None).to_owned()));
                let of = Rhythm::ALL.map(|one| (one.to_string(), how_often(Some(one)).to_owned()));
                vec![any_list(), one_of("rhythm", "How often", every.chain(of).collect())]
            }
            What::Field => {
                let fields = named.fields.iter().map(|field| (field.id.to_string(), field.label.clone()));
                let kind = self
                    .id("field")
                    .and_then(|id| named.fields.iter().find(|field| field.id == id))
                    .or(named.fields.first())
                    .map(|field| field.kind);
                let of = Test::ALL.into_iter().filter(|test| fits(*test, kind));
                let of: Vec<Test> = of.collect();
                let test =
                    Test::parse(self.value("test")).filter(|test| of.contains(test)).unwrap_or(Test::Given);
                let of = of.iter().map(|test| (test.as_str().to_owned(), test.label().to_owned()));
                let mut all = vec![
                    one_of("field", "Field", fields.collect()),
                    input("test", "Answer", "", Some(choices(of, test.as_str()))),
                ];
                match test {
                    Test::Is | Test::Holds | Test::Choice => all.push(typed("text", "Text")),
                    Test::Number => all.extend([typed("least", "At least"), typed("most", "At most")]),
                    Test::Date => all.extend([day("from", "First day"), day("to", "Last day")]),
                    Test::Given | Test::Yes | Test::No => {}
                }
                all
            }
            What::Joined | What::LastMail | What::LastGave => when(),
            What::ConfirmedAgain => std::iter::once(any_list()).chain(when()).collect(),
            What::Form => vec![one_of(
                "form",
                "Form",
                named.forms.iter().map(|form| (form.id.to_string(), form.name.clone())).collect(),
            )],
            What::Source => vec![typed("text", "Holds the text")],
            What::Domain => vec![typed("domain", "Domain, such as example.org")],
            What::Stopped => vec![one_of(
                "reason",
                "Why",
                pairs(&[
                    (ANY, "for any reason"),
                    ("bounced", "mail came back"),
                    ("complained", "they marked it as spam"),
                    ("staff", "the team decided it"),
                    ("erased", "they were forgotten"),
                ]),
            )],
            What::Got | What::ConfirmedBy => {
                let subject = |edition: &EditionSummary| match edition.subject.trim() {
                    "" => "an edition without a subject".to_owned(),
                    subject => subject.to_owned(),
                };
                let mut of: Vec<_> =
                    named.editions.iter().map(|one| (one.id.to_string(), subject(one))).collect();
                let kept = self.value("edition");
                if !kept.is_empty() && !of.iter().any(|(id, _)| id == kept) {
                    of.push((kept.to_owned(), "an older edition".to_owned()));
                }
                vec![one_of("edition", "Edition", of)]
            }
            What::Supporter => vec![one_of(
                "state",
                "As supporters",
                pairs(&[
                    ("monthly", "give regularly"),
                    ("failing", "give regularly, and the last payment failed"),
                    ("lapsed", "gave regularly once"),
                    ("once", "gave, not regularly"),
                    ("never", "never gave"),
                ]),
            )],
            What::Gave => {
                let mut currency = typed("currency", "Currency");
                if currency.value.is_empty() {
                    currency.value.clone_from(&named.currency);
                }
                vec![
                    one_of(
                        "measure",
                        "What is counted",
                        pairs(&[
                            ("sum", "all together"),
                            ("number", "how many gifts"),
                            ("single", "one gift"),
                        ]),
                    ),
                    currency,
                    typed("least", "At least"),
                    typed("most", "At most"),
                    day("from", "From the day"),
                    day("to", "To the day"),
                ]
            }
            What::NeverAsked => Vec::new(),
            What::Note => vec![typed("text", "Holds the text")],
            What::Segment => vec![one_of(
                "segment",
                "Segment",
                named.segments.iter().map(|one| (one.id.to_string(), one.name.clone())).collect(),
            )],
        }
    }
}

fn fits(test: Test, kind: Option<FieldKind>) -> bool {
    match test {
        Test::Given => true,
        Test::Is | Test::Holds => kind == Some(FieldKind::Text),
        Test::Number => kind == Some(FieldKind::Number),
        Test::Date => kind == Some(FieldKind::Date),
        Test::Yes | Test::No => kind == Some(FieldKind::YesNo),
        Test::Choice => kind == Some(FieldKind::Choice),
    }
}
