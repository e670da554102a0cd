//! A tree becomes the condition of a statement: texts from `store/conditions.rs`, and everything that somebody chose as parameters.
//!
//! The rule: each condition is true or false of a reader, never null. So "not" means all others on both engines.

use jiff::civil::Date;

use super::{
    store::conditions::{self as sql, READER},
    tree::{AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, SegmentTree, When},
};
use crate::{
    clock::{Moment, Zone},
    db::{Built, Engine, Result, Sql},
    delivery::StopReason,
    editions::Rhythm,
};

/// When it is asked, and where the magazine's days begin.
#[derive(Clone, Debug)]
pub struct SegmentMoment {
    pub now: Moment,
    pub zone: Zone,
}

/// Before every day and behind every day, as they are compared.
const FIRST_DAY: &str = "0000-00-00";
const LAST_DAY: &str = "9999-99-99";
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The statement over a JSON array of readers, for those of whom the tree is true.
pub(super) fn among(
    engine: Engine,
    head: Sql,
    readers: &str,
    trees: &[(bool, &SegmentTree)],
    at: &SegmentMoment,
) -> Result<Built> {
    let mut built = Built::new(engine);
    built.part(head, "", (readers,))?;
    for (is, tree) in trees {
        built.piece(if *is { " and " } else { " and not " });
        write(&mut built, tree, at)?;
    }
    Ok(built)
}

fn write(built: &mut Built, tree: &SegmentTree, at: &SegmentMoment) -> Result<()> {
    match tree {
        SegmentTree::All(trees) => write_group(built, trees, (" and ", "true"), at),
        SegmentTree::Any(trees) => write_group(built, trees, (" or ", "false"), at),
        SegmentTree::Not(tree) => {
            built.piece("(not ");
            write(built, tree, at)?;
            built.piece(")");
            Ok(())
        }
        SegmentTree::Is(condition) => {
            built.piece("coalesce((");
            write_condition(built, condition, at)?;
            built.piece("), false)");
            Ok(())
        }
    }
}

fn write_group(
    built: &mut Built,
    trees: &[SegmentTree],
    (between, of_none): (&'static str, &'static str),
    at: &SegmentMoment,
) -> Result<()> {
    built.piece("(");
    for (number, tree) in trees.iter().enumerate() {
        if number > 0 {
            built.piece(between);
        }
        write(built, tree, at)?;
    }
    if trees.is_empty() {
        built.piece(of_none);
    }
    built.piece(")");
    Ok(())
}

fn write_condition(built: &mut Built, condition: &Condition, at: &SegmentMoment) -> Result<()> {
    match condition {
        Condition::List { list, stands } => {
            let list = list.unwrap_or_default();
            match stands {
                ListStanding::On => built.part(sql::ON, READER, (list,)),
                ListStanding::Rests => built.part(sql::RESTS, READER, (list, at.now)),
                ListStanding::Waits => built.part(sql::WAITS, READER, (list,)),
                ListStanding::Left => built.part(sql::HAS_LEFT, READER, (list,)),
            }
        }
        Condition::Topic { topic, list } => {
            built.part(sql::CHOSE_TOPIC, READER, (*topic, list.unwrap_or_default()))
        }
        Condition::Rhythm { list, rhythm } => {
            let rhythm = rhythm.map_or("", Rhythm::as_str);
            built.part(sql::HAS_RHYTHM, READER, (list.unwrap_or_default(), rhythm))
        }
        Condition::Field { field, answer } => write_answer(built, *field, answer),
        Condition::Joined { when } => built.part(sql::JOINED_BETWEEN, READER, between(*when, at)),
        Condition::ConfirmedAgain { list, when } => {
            let (from, to) = between(*when, at);
            built.part(sql::CONFIRMED_AGAIN_BETWEEN, READER, (list.unwrap_or_default(), from, to))
        }
        Condition::ConfirmedBy { edition } => built.part(sql::CONFIRMED_BY, READER, (*edition,)),
        Condition::Form { form } => built.part(sql::CAME_BY_FORM, READER, (*form,)),
        Condition::Source { text } => built.part(sql::CAME_FROM, READER, (text.to_ascii_lowercase(),)),
        Condition::Domain { domain } => built.part(sql::AT_DOMAIN, READER, (domain.as_str(),)),
        Condition::Stopped { reason } => {
            built.part(sql::STOPPED, READER, (reason.map_or("", StopReason::as_str),))
        }
        Condition::Got { edition } => built.part(sql::GOT, READER, (*edition,)),
        Condition::LastMail { when } => built.part(sql::LAST_MAIL_BETWEEN, READER, between(*when, at)),
        Condition::Supporter { state } => built.part(sql::IS_SUPPORTER, READER, (*state,)),
        Condition::Gave { gifts } => write_gifts(built, gifts, at),
        Condition::LastGave { when } => built.part(sql::LAST_GAVE_BETWEEN, READER, between(*when, at)),
        Condition::NeverAsked => built.part(sql::NEVER_ASKED, READER, ()),
        Condition::Note { text } => built.part(sql::NOTED, READER, (text.to_ascii_lowercase(),)),
        // Whoever asks has put its own tree in its place: one that is gone takes nobody in.
        Condition::Segment { .. } => {
            built.piece("false");
            Ok(())
        }
    }
}

fn write_answer(built: &mut Built, field: i64, answer: &AnswerTest) -> Result<()> {
    match answer {
        AnswerTest::Given => built.part(sql::ANSWERED, READER, (field,)),
        AnswerTest::Is(text) => built.part(sql::ANSWER_IS, READER, (field, text.to_ascii_lowercase())),
        AnswerTest::Holds(text) => built.part(sql::ANSWER_HOLDS, READER, (field, text.to_ascii_lowercase())),
        AnswerTest::Number { least, most } => {
            let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
            built.part(sql::NUMBER_BETWEEN, READER, (field, least, most))
        }
        AnswerTest::Date { from, to } => {
            let day = |day: &Option<Date>, none: &str| day.map_or(none.to_owned(), |day| day.to_string());
            built.part(sql::DATE_BETWEEN, READER, (field, day(from, FIRST_DAY), day(to, LAST_DAY)))
        }
        AnswerTest::YesNo(yes) => {
            built.part(sql::CHOSE_ANSWER, READER, (field, if *yes { "yes" } else { "no" }))
        }
        AnswerTest::Choice(choice) => built.part(sql::CHOSE_ANSWER, READER, (field, choice.as_str())),
    }
}

fn write_gifts(built: &mut Built, gifts: &Gifts, at: &SegmentMoment) -> Result<()> {
    let from = gifts.from.map_or(i64::MIN, |day| begins(day, at));
    let to = gifts.to.map_or(i64::MAX, |day| ends(day, at));
    let statement = match gifts.measure {
        GiftMeasure::Sum => sql::GAVE_SUM,
        GiftMeasure::Number => sql::GAVE_TIMES,
        GiftMeasure::Single => sql::GAVE_ONE,
    };
    let (least, most) = (gifts.least.unwrap_or(i64::MIN), gifts.most.unwrap_or(i64::MAX));
    built.part(statement, READER, (gifts.currency.as_str(), from, to, least, most))
}

/// The first and the last microsecond of a time.
pub(super) fn between(when: When, at: &SegmentMoment) -> (i64, i64) {
    match when {
        When::Before(day) => (i64::MIN, begins(day, at).saturating_sub(1)),
        When::Since(day) => (begins(day, at), i64::MAX),
        When::Within(days) => (days_ago(days, at), i64::MAX),
        When::LongerAgo(days) => (i64::MIN, days_ago(days, at).saturating_sub(1)),
    }
}

fn days_ago(days: u32, at: &SegmentMoment) -> i64 {
    at.now.0.saturating_sub(DAY.saturating_mul(i64::from(days)))
}

fn begins(day: Date, at: &SegmentMoment) -> i64 {
    let end_of_the_calendar = if day.year() < 1970 { i64::MIN } else { i64::MAX };
    at.zone.day(day).map_or(end_of_the_calendar, |(begins, _)| begins.0)
}

fn ends(day: Date, at: &SegmentMoment) -> i64 {
    at.zone.day(day).map_or_else(|| begins(day, at), |(_, next)| next.0.saturating_sub(1))
}
