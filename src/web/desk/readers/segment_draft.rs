//! A segment as it is typed: a tree of conditions that may be unfinished, in the fields of a form.
//!
//! The form says its shape in a field of its own, `(` and `)` around a group and a dot for a condition, so that a page without a script can
//! add and take away; what stands where is in the names of the other fields.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    delivery::StopReason,
    editions::Rhythm,
    money::{self, Money},
    publishing::EditionSummary,
    segments::{
        AnswerTest, Condition, DEEPEST, GiftMeasure, Gifts, ListStanding, MOST_CONDITIONS, Segment,
        SegmentTree, When,
    },
    subscribers::{
        DonorState, List,
        fields::{Field, FieldKind},
        forms::SignUpForm,
        topics::Topic,
    },
    web::{Form, words::readers::how_often},
    words,
};

/// What the names of all fields begin with.
pub(super) const BEGIN: &str = "c";
/// Whichever it is.
const ANY: &str = "any";
/// Every operand of a condition.
const OPERANDS: [&str; 22] = [
    "list", "stands", "topic", "rhythm", "field", "test", "text", "least", "most", "from", "to", "when",
    "day", "days", "form", "domain", "reason", "edition", "state", "measure", "currency", "segment",
];

words! {
    /// How the members of a group belong together.
    enum How {
        All = "all",
        Any = "any",
        None = "none",
    }
}

words! {
    /// What a condition is about.
    enum What {
        List = "list",
        Topic = "topic",
        Rhythm = "rhythm",
        Field = "field",
        Joined = "joined",
        Form = "form",
        Source = "source",
        Domain = "domain",
        Stopped = "stopped",
        Got = "got",
        LastMail = "last-mail",
        Supporter = "supporter",
        Gave = "gave",
        LastGave = "last-gave",
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
            Self::Form => "the form by which they came",
            Self::Source => "where their consent came from",
            Self::Domain => "the domain of their address",
            Self::Stopped => "mail to them is stopped",
            Self::Got => "an edition that they got",
            Self::LastMail => "when an edition last reached them",
            Self::Supporter => "how they stand as supporters",
            Self::Gave => "what they gave",
            Self::LastGave => "when they last gave",
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

/// A group, with its members.
pub(super) struct Draft {
    how: How,
    members: Vec<Member>,
}

enum Member {
    Group(Draft),
    One(One),
}

struct One {
    what: What,
    is_not: bool,
    values: BTreeMap<&'static str, String>,
    error: String,
}

impl Default for One {
    fn default() -> Self {
        Self { what: What::List, is_not: false, values: BTreeMap::new(), error: String::new() }
    }
}

/// A part of the page, in its order.
#[derive(Serialize)]
pub(super) struct Part {
    /// A group begins.
    opens: bool,
    /// A group ends.
    closes: bool,
    /// It is the whole.
    is_all: bool,
    path: String,
    /// What the members of a group have to be, or what a condition is about.
    choices: Vec<Choice>,
    is_not: bool,
    inputs: Vec<Input>,
    error: String,
    may_add: bool,
    may_group: bool,
    /// Where a button leads: what it adds, or what stays where it takes away.
    to: String,
}

#[derive(Serialize)]
struct Input {
    name: String,
    label: &'static str,
    /// Of what is chosen, not typed.
    choices: Option<Vec<Choice>>,
    kind: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

fn choices<V: Into<String>, L: Into<String>>(
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

/// The names of the fields that a form of that shape has; none if it is no shape of ours.
pub(super) fn names(shape: &str) -> Option<Vec<String>> {
    let draft = of_shape(shape)?;
    let mut names = Vec::new();
    draft.each_name(BEGIN, &mut names);
    Some(names)
}

fn of_shape(shape: &str) -> Option<Draft> {
    let mut open: Vec<Draft> = Vec::new();
    let (mut whole, mut ones) = (None, 0);
    for sign in shape.chars() {
        if whole.is_some() {
            return None;
        }
        match sign {
            '(' if open.len() < DEEPEST => open.push(Draft::empty()),
            ')' => {
                let ended = open.pop()?;
                match open.last_mut() {
                    Some(outer) => outer.members.push(Member::Group(ended)),
                    None => whole = Some(ended),
                }
            }
            '.' if ones < MOST_CONDITIONS => {
                ones += 1;
                open.last_mut()?.members.push(Member::One(One::default()));
            }
            _ => return None,
        }
        // Empty groups in a row are no form of ours, either.
        if open.iter().map(|group| group.members.len()).sum::<usize>() > 2 * MOST_CONDITIONS {
            return None;
        }
    }
    whole
}

impl Draft {
    const fn empty() -> Self {
        Self { how: How::All, members: Vec::new() }
    }

    /// What a new segment begins with.
    pub(super) fn new() -> Self {
        Self { how: How::All, members: vec![Member::One(One::default())] }
    }

    /// As a form that was sent has it; none where it is no form of ours.
    pub(super) fn read(form: &Form) -> Option<Self> {
        let mut draft = of_shape(form.text("shape"))?;
        draft.fill(BEGIN, form);
        Some(draft)
    }

    pub(super) fn shape(&self) -> String {
        let member = |member: &Member| match member {
            Member::Group(group) => group.shape(),
            Member::One(_) => ".".to_owned(),
        };
        format!("({})", self.members.iter().map(member).collect::<String>())
    }

    fn each_name(&self, path: &str, names: &mut Vec<String>) {
        names.push(format!("{path}-how"));
        for (at, member) in self.members.iter().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.each_name(&path, names),
                Member::One(_) => {
                    let all = ["what", "not"].into_iter().chain(OPERANDS);
                    names.extend(all.map(|name| format!("{path}-{name}")));
                }
            }
        }
    }

    fn fill(&mut self, path: &str, form: &Form) {
        self.how = How::parse(form.text(&format!("{path}-how"))).unwrap_or(How::All);
        for (at, member) in self.members.iter_mut().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.fill(&path, form),
                Member::One(one) => {
                    one.what = What::parse(form.text(&format!("{path}-what"))).unwrap_or(What::List);
                    one.is_not = form.text(&format!("{path}-not")) == "not";
                    for name in OPERANDS {
                        let typed = form.text(&format!("{path}-{name}"));
                        if !typed.is_empty() {
                            one.values.insert(name, typed.to_owned());
                        }
                    }
                }
            }
        }
    }

    fn count(&self) -> usize {
        let of = |member: &Member| match member {
            Member::Group(group) => group.count(),
            Member::One(_) => 1,
        };
        self.members.iter().map(of).sum()
    }

    /// What a button of the page does: `add`, `group` or `remove`, and to which path. Nothing where there is no such.
    pub(super) fn press(&mut self, button: &str) {
        let Some((act, path)) = button.split_once(' ') else { return };
        let is_full = self.count() >= MOST_CONDITIONS;
        let Some(places) = path.strip_prefix(BEGIN) else { return };
        let places: Option<Vec<usize>> =
            places.split('-').filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect();
        let Some(places) = places else { return };
        match act {
            "remove" => {
                let Some((last, outer)) = places.split_last() else { return };
                if let Some(group) = self.at(outer)
                    && *last < group.members.len()
                {
                    group.members.remove(*last);
                }
            }
            "add" if !is_full => {
                if let Some(group) = self.at(&places) {
                    group.members.push(Member::One(One::default()));
                }
            }
            "group" if !is_full && places.len() + 1 < DEEPEST => {
                if let Some(group) = self.at(&places) {
                    group.members.push(Member::Group(Self { how: How::Any, ..Self::new() }));
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, places: &[usize]) -> Option<&mut Self> {
        let mut group = self;
        for place in places {
            match group.members.get_mut(*place)? {
                Member::Group(inner) => group = inner,
                Member::One(_) => return None,
            }
        }
        Some(group)
    }

    /// As a kept tree reads in the form.
    pub(super) fn of(tree: &SegmentTree) -> Self {
        match member(tree, false) {
            Member::Group(group) => group,
            one => Self { how: How::All, members: vec![one] },
        }
    }

    /// The tree, where each condition says enough; what does not, says so in the form.
    pub(super) fn tree(&mut self, named: &Named) -> Option<SegmentTree> {
        let mut trees = Vec::new();
        let mut is_whole = true;
        for member in &mut self.members {
            match member {
                Member::Group(group) => match group.tree(named) {
                    Some(tree) => trees.push(tree),
                    None => is_whole = false,
                },
                Member::One(one) => match one
                    .condition(named)
                    .and_then(|is| SegmentTree::Is(is).checked().map_err(|why| why.to_string()))
                {
                    Ok(is) => {
                        trees.push(if one.is_not { SegmentTree::Not(Box::new(is)) } else { is });
                    }
                    Err(why) => {
                        one.error = why;
                        is_whole = false;
                    }
                },
            }
        }
        is_whole.then(|| match self.how {
            How::All => SegmentTree::All(trees),
            How::Any => SegmentTree::Any(trees),
            How::None => SegmentTree::Not(Box::new(SegmentTree::Any(trees))),
        })
    }

    /// What has to be said is not said yet: somebody is still at it.
    pub(super) fn forgives(&mut self) {
        for member in &mut self.members {
            match member {
                Member::Group(group) => group.forgives(),
                Member::One(one) => one.error.clear(),
            }
        }
    }

    /// The parts of the page.
    pub(super) fn parts(&self, named: &Named, action: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        self.each_part(BEGIN, 1, self.count() < MOST_CONDITIONS, named, &mut parts);
        parts.iter_mut().for_each(|part| part.to.insert_str(0, action));
        parts
    }

    fn each_part(&self, path: &str, depth: usize, may_add: bool, named: &Named, parts: &mut Vec<Part>) {
        let how = [
            ("all", "All of these are true"),
            ("any", "One of these is true at least"),
            ("none", "None of these is true"),
        ];
        let part = |opens: bool| Part {
            opens,
            closes: !opens,
            is_all: depth == 1,
            path: path.to_owned(),
            choices: choices(how, self.how.as_str()),
            is_not: false,
            inputs: Vec::new(),
            error: String::new(),
            may_add,
            may_group: may_add && depth < DEEPEST,
            to: format!("#{path}-{}", self.members.len()),
        };
        parts.push(part(true));
        for (at, member) in self.members.iter().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.each_part(&path, depth + 1, may_add, named, parts),
                Member::One(one) => parts.push(Part {
                    opens: false,
                    closes: false,
                    is_all: false,
                    choices: choices(What::ALL.map(|what| (what.as_str(), what.label())), one.what.as_str()),
                    is_not: one.is_not,
                    inputs: one.inputs(&path, named),
                    error: one.error.clone(),
                    may_add,
                    may_group: false,
                    to: format!("#{path}-what"),
                    path,
                }),
            }
        }
        parts.push(part(false));
    }
}

fn member(tree: &SegmentTree, is_not: bool) -> Member {
    let group = |how, trees: &[SegmentTree]| Draft {
        how,
        members: trees.iter().map(|tree| member(tree, false)).collect(),
    };
    match (tree, is_not) {
        (SegmentTree::Is(condition), _) => Member::One(One { is_not, ..One::of(condition) }),
        (SegmentTree::Not(tree), _) => member(tree, !is_not),
        (SegmentTree::All(trees), false) => Member::Group(group(How::All, trees)),
        (SegmentTree::Any(trees), false) => Member::Group(group(How::Any, trees)),
        (SegmentTree::Any(trees), true) => Member::Group(group(How::None, trees)),
        (SegmentTree::All(trees), true) => {
            Member::Group(Draft { how: How::None, members: vec![Member::Group(group(How::All, trees))] })
        }
    }
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

impl One {
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
    fn condition(&self, named: &Named) -> Result<Condition, String> {
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
            What::LastMail => Condition::LastMail { when: self.when()? },
            What::Supporter => Condition::Supporter {
                state: DonorState::parse(self.value("state")).unwrap_or(DonorState::Monthly),
            },
            What::Gave => Condition::Gave { gifts: self.gifts(named)? },
            What::LastGave => Condition::LastGave { when: self.when()? },
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

    fn of(condition: &Condition) -> Self {
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
    fn inputs(&self, path: &str, named: &Named) -> Vec<Input> {
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
            What::Got => {
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
                    ("monthly", "give every month"),
                    ("failing", "give every month, and the last payment failed"),
                    ("lapsed", "gave every month once"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Named {
        Named {
            lists: Vec::new(),
            topics: Vec::new(),
            fields: Vec::new(),
            forms: Vec::new(),
            editions: Vec::new(),
            segments: Vec::new(),
            currency: "EUR".to_owned(),
        }
    }

    /// What is kept reads the same in the form, and back.
    #[test]
    fn a_tree_comes_back_as_it_was() {
        let day = "2026-05-12".parse().expect("a day");
        let is = SegmentTree::Is;
        let gifts = Gifts {
            currency: "EUR".to_owned(),
            measure: GiftMeasure::Sum,
            least: Some(1_250),
            most: None,
            from: Some(day),
            to: None,
        };
        let field = |answer| is(Condition::Field { field: 4, answer });
        let tree = SegmentTree::All(vec![
            is(Condition::List { list: Some(1), stands: ListStanding::Rests }),
            SegmentTree::Not(Box::new(is(Condition::Domain { domain: "example.org".to_owned() }))),
            SegmentTree::Any(vec![
                is(Condition::Joined { when: When::Within(30) }),
                is(Condition::LastGave { when: When::Before(day) }),
                field(AnswerTest::Number { least: Some(-250), most: Some(1_200) }),
                field(AnswerTest::YesNo(false)),
            ]),
            SegmentTree::Not(Box::new(SegmentTree::Any(vec![
                is(Condition::Gave { gifts }),
                is(Condition::Stopped { reason: None }),
                is(Condition::Rhythm { list: None, rhythm: None }),
            ]))),
        ]);
        let mut draft = Draft::of(&tree);
        assert_eq!(draft.shape(), "(..(....)(...))");
        assert_eq!(draft.tree(&named()), Some(tree));
    }

    /// TRUST A16: no shape makes a form larger than ours are.
    #[test]
    fn only_shapes_of_ours_are_read() {
        for (shape, is_ours) in [
            ("(.)", true),
            ("()", true),
            ("(.(.(.)))", true),
            ("", false),
            (".", false),
            ("(", false),
            ("(.))", false),
            ("(.)(.)", false),
            ("(x)", false),
            ("((((((.))))))", false),
        ] {
            assert_eq!(names(shape).is_some(), is_ours, "{shape}");
        }
        assert!(names(&format!("({})", ".".repeat(31))).is_none());
        assert!(names(&format!("({})", "()".repeat(5_000))).is_none());
    }

    /// What a condition may not be is said where it stands; gifts may be asked for without an amount.
    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let mut draft = of_shape("(..)").expect("a shape of ours");
        for (member, what) in draft.members.iter_mut().zip([What::Gave, What::Domain]) {
            let Member::One(one) = member else { panic!("a condition") };
            one.what = what;
            one.values.insert("from", "2026-01-01".to_owned());
        }
        assert_eq!(draft.tree(&named()), None);
        let errors: Vec<String> = draft.parts(&named(), "/here").into_iter().map(|part| part.error).collect();
        assert_eq!(errors[1], "");
        assert!(errors[2].contains("behind the @"), "{errors:?}");
        draft.press("remove c-1");
        let Some(SegmentTree::All(trees)) = draft.tree(&named()) else { panic!("it is whole") };
        let SegmentTree::Is(Condition::Gave { gifts }) = &trees[0] else { panic!("gifts") };
        assert_eq!((gifts.least, gifts.most), (Some(1), None));
        let again = Draft::of(&SegmentTree::All(trees));
        let Member::One(one) = &again.members[0] else { panic!("a condition") };
        assert_eq!(one.value("least"), "", "as it was typed");
    }

    #[test]
    fn buttons_add_and_take_away() {
        let mut draft = Draft::new();
        for (press, shape) in [
            ("add c", "(..)"),
            ("group c", "(..(.))"),
            ("add c-2", "(..(..))"),
            ("remove c-0", "(.(..))"),
            ("remove c-1-0", "(.(.))"),
            ("remove c-7", "(.(.))"),
            ("add c-0", "(.(.))"),
            ("remove c", "(.(.))"),
            ("add x", "(.(.))"),
            ("remove c-1", "(.)"),
        ] {
            draft.press(press);
            assert_eq!(draft.shape(), shape, "{press}");
        }
    }
}
