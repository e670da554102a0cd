//! What a segment asks of readers: a tree of conditions, each of a kind with operands of its kind.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    delivery::StopReason, editions::Rhythm, email_address::EmailAddress, subscribers::DonorState, words,
};

/// So many conditions may stand in one tree.
pub const MOST_CONDITIONS: usize = 30;
/// So many groups may stand in one another.
pub const DEEPEST: usize = 5;
/// So many conditions may there be with those of the segments that it takes in.
pub const MOST_IN_ALL: usize = 150;
/// What is looked for in a text has at most so many characters.
pub const LONGEST_TEXT: usize = 200;
/// So many days back one may look.
pub const MOST_DAYS: u32 = 36_500;
/// How trees are written, as kept.
const WRITTEN_AS: i64 = 1;

/// Conditions, and how they belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SegmentTree {
    /// Each of them is true; of none, everybody is meant.
    All(Vec<Self>),
    /// One of them is true at least; of none, nobody is meant.
    Any(Vec<Self>),
    /// It is not true. Whoever it cannot be asked of is meant, too.
    Not(Box<Self>),
    Is(Condition),
}

words! {
    /// How a reader stands with a list.
    pub enum ListStanding {
        /// On it, also while they rest from it.
        On = "on",
        /// On it, and it does not come for now.
        Rests = "rests",
        /// They asked, and have not confirmed.
        Waits = "waits",
        Left = "left",
    }
}

/// Something that is true of a reader or not. Rows are named by their keys: names change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Condition {
    /// How they stand with a list, or with any.
    List { list: Option<i64>, stands: ListStanding },
    /// They chose a topic, of a list or of any.
    Topic { topic: i64, list: Option<i64> },
    /// How often they get a list that they are on, or any; none for everything.
    Rhythm { list: Option<i64>, rhythm: Option<Rhythm> },
    /// What they answered to a field.
    Field { field: i64, answer: AnswerTest },
    /// Since when they are known.
    Joined { when: When },
    /// They came by a form.
    Form { form: i64 },
    /// They said by the button of an edition that a list may go on coming, or any.
    ConfirmedAgain { list: Option<i64>, when: When },
    /// They said so by the button of this edition.
    ConfirmedBy { edition: i64 },
    /// What stands with their consent as its source or campaign.
    Source { text: String },
    /// Where they have their mailbox.
    Domain { domain: String },
    /// Nothing is mailed to their address: for a reason, or for any.
    Stopped { reason: Option<StopReason> },
    /// They got an edition, or may have got it.
    Got { edition: i64 },
    /// When an edition last reached them.
    LastMail { when: When },
    /// How they stand as supporters.
    Supporter { state: DonorState },
    /// What they gave.
    Gave { gifts: Gifts },
    /// When they last gave.
    LastGave { when: When },
    /// They are not to be asked for gifts: they said so, or a gift of theirs is in dispute.
    NeverAsked,
    /// A note about them holds a text.
    Note { text: String },
    /// They are in another segment.
    Segment { segment: i64 },
}

/// A time: days are those of the magazine's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum When {
    /// Earlier than a day.
    Before(Date),
    /// On a day, or later.
    Since(Date),
    /// In the last so many days.
    Within(u32),
    /// Longer ago than so many days.
    LongerAgo(u32),
}

/// What is asked of an answer, by the kind of its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnswerTest {
    /// There is one, to a field of any kind.
    Given,
    /// Of a text: it is this, in capitals or small letters.
    Is(String),
    /// Of a text: it holds this.
    Holds(String),
    /// Of a number, in hundredths.
    Number { least: Option<i64>, most: Option<i64> },
    /// Of a date: the first and the last day.
    Date { from: Option<Date>, to: Option<Date> },
    /// Of yes or no.
    YesNo(bool),
    /// Of a choice.
    Choice(String),
}

words! {
    /// What is counted of gifts.
    pub enum GiftMeasure {
        /// What they make together, in minor units.
        Sum = "sum",
        /// How many they are.
        Number = "number",
        /// The smallest that there is to be, in minor units.
        Single = "single",
    }
}

/// Gifts that were paid in a currency, between two days, and how much they are to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gifts {
    /// The code of three letters; of a number of gifts, empty for any.
    pub currency: String,
    pub measure: GiftMeasure,
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// The first day, and the last.
    pub from: Option<Date>,
    pub to: Option<Date>,
}

/// Why something is no segment, for the person who made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("Choose at least one condition.")]
    Empty,
    #[error("A group has no condition in it: add one, or take the group away.")]
    EmptyGroup,
    #[error("That are too many conditions: at most {MOST_CONDITIONS} fit.")]
    TooMany,
    #[error("With the segments that it takes in, that are too many conditions: at most {MOST_IN_ALL} fit.")]
    TooManyInAll,
    #[error("Groups stand in groups too often: at most {DEEPEST} deep.")]
    TooDeep,
    #[error("Write what is looked for: at most {LONGEST_TEXT} characters, in one line.")]
    Text,
    #[error("Write the part of an address behind the @, such as example.org.")]
    Domain,
    #[error("Write a number of days, from 1 to {MOST_DAYS}.")]
    Days,
    #[error("Say at least or at most how much, the smaller one first.")]
    Range,
    #[error("Say the days in their order, the earlier one first.")]
    DayOrder,
    #[error("Choose a currency.")]
    Currency,
    #[error("A condition asks for {0} that is not there any more: choose another one.")]
    Gone(&'static str),
    #[error("What is asked of “{0}” does not fit a field of its kind any more: choose again.")]
    OtherKind(String),
    #[error("It is written in a way that only a newer version of the program can read.")]
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct Written<T> {
    version: i64,
    tree: T,
}

impl SegmentTree {
    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string(&Written { version: WRITTEN_AS, tree: self }).unwrap_or_default()
    }

    /// What was kept.
    ///
    /// # Errors
    /// [`TreeError::Unreadable`].
    pub fn read(kept: &str) -> Result<Self, TreeError> {
        let written: Written<Self> = serde_json::from_str(kept).map_err(|_| TreeError::Unreadable)?;
        if written.version == WRITTEN_AS { Ok(written.tree) } else { Err(TreeError::Unreadable) }
    }

    /// Every condition, from left to right.
    #[must_use]
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::Is(condition) => vec![condition],
            Self::Not(tree) => tree.conditions(),
            Self::All(trees) | Self::Any(trees) => trees.iter().flat_map(Self::conditions).collect(),
        }
    }

    /// The segments that it takes in.
    #[must_use]
    pub fn takes_in(&self) -> Vec<i64> {
        let segment = |condition: &&Condition| match condition {
            Condition::Segment { segment } => Some(*segment),
            _ => None,
        };
        self.conditions().iter().filter_map(segment).collect()
    }

    fn depth(&self) -> usize {
        match self {
            Self::Is(_) => 0,
            Self::Not(tree) => tree.depth(),
            Self::All(trees) | Self::Any(trees) => 1 + trees.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    fn groups_are_filled(&self) -> bool {
        match self {
            Self::Is(_) => true,
            Self::Not(tree) => tree.groups_are_filled(),
            Self::All(trees) | Self::Any(trees) => {
                !trees.is_empty() && trees.iter().all(Self::groups_are_filled)
            }
        }
    }

    /// It, if it may be kept as it stands: with at least one condition, no empty group, and operands that mean something. Texts are
    /// trimmed, and domains written as addresses are kept.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn checked(mut self) -> Result<Self, TreeError> {
        let count = self.conditions().len();
        if count == 0 {
            return Err(TreeError::Empty);
        }
        if count > MOST_CONDITIONS {
            return Err(TreeError::TooMany);
        }
        if self.depth() > DEEPEST {
            return Err(TreeError::TooDeep);
        }
        if !self.groups_are_filled() {
            return Err(TreeError::EmptyGroup);
        }
        self.each(&mut Condition::tidy)?;
        Ok(self.without_double_nots())
    }

    /// What is not not so, is so: no tree is deeper than its groups say.
    fn without_double_nots(self) -> Self {
        let each = |trees: Vec<Self>| trees.into_iter().map(Self::without_double_nots).collect();
        match self {
            Self::Is(condition) => Self::Is(condition),
            Self::All(trees) => Self::All(each(trees)),
            Self::Any(trees) => Self::Any(each(trees)),
            Self::Not(tree) => match *tree {
                Self::Not(inner) => inner.without_double_nots(),
                other => Self::Not(Box::new(other.without_double_nots())),
            },
        }
    }

    fn each(
        &mut self,
        what: &mut impl FnMut(&mut Condition) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        match self {
            Self::Is(condition) => what(condition),
            Self::Not(tree) => tree.each(what),
            Self::All(trees) | Self::Any(trees) => trees.iter_mut().try_for_each(|tree| tree.each(what)),
        }
    }
}

impl Condition {
    fn tidy(&mut self) -> Result<(), TreeError> {
        match self {
            Self::Source { text } | Self::Note { text } => line(text),
            Self::Domain { domain } => {
                let typed = domain.trim().trim_start_matches('@');
                let email = EmailAddress::parse(&format!("a@{typed}")).map_err(|_| TreeError::Domain)?;
                *domain = email.domain().to_lowercase();
                Ok(())
            }
            Self::Joined { when }
            | Self::ConfirmedAgain { when, .. }
            | Self::LastMail { when }
            | Self::LastGave { when } => match when {
                When::Within(days) | When::LongerAgo(days) if !(1..=MOST_DAYS).contains(days) => {
                    Err(TreeError::Days)
                }
                _ => Ok(()),
            },
            Self::Field { answer, .. } => match answer {
                AnswerTest::Is(text) | AnswerTest::Holds(text) | AnswerTest::Choice(text) => line(text),
                AnswerTest::Number { least, most } => range(*least, *most),
                AnswerTest::Date { from: None, to: None } => Err(TreeError::DayOrder),
                AnswerTest::Date { from, to } => days(*from, *to),
                AnswerTest::Given | AnswerTest::YesNo(_) => Ok(()),
            },
            Self::Gave { gifts } => gifts.tidy(),
            _ => Ok(()),
        }
    }
}

impl Gifts {
    fn tidy(&mut self) -> Result<(), TreeError> {
        // Without an amount it is anything at all.
        if self.least.or(self.most).is_none() {
            self.least = Some(1);
        }
        range(self.least, self.most)?;
        days(self.from, self.to)?;
        self.currency = self.currency.trim().to_ascii_uppercase();
        match crate::money::currency(&self.currency) {
            Some(_) => Ok(()),
            None if self.currency.is_empty() && self.measure == GiftMeasure::Number => Ok(()),
            None => Err(TreeError::Currency),
        }
    }
}

fn line(text: &mut String) -> Result<(), TreeError> {
    *text = text.trim().to_owned();
    let fits =
        !text.is_empty() && text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(TreeError::Text) }
}

fn range(least: Option<i64>, most: Option<i64>) -> Result<(), TreeError> {
    match (least, most) {
        (None, None) => Err(TreeError::Range),
        (Some(least), Some(most)) if least > most => Err(TreeError::Range),
        _ => Ok(()),
    }
}

fn days(from: Option<Date>, to: Option<Date>) -> Result<(), TreeError> {
    let wrong = from.zip(to).is_some_and(|(from, to)| from > to);
    if wrong { Err(TreeError::DayOrder) } else { Ok(()) }
}
