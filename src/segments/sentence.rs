//! A segment in words, for the people who use it.

use jiff::civil::Date;

use super::{
    names::SegmentNames,
    tree::{AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, SegmentTree, When},
};
use crate::{
    delivery::StopReason,
    editions::Rhythm,
    money::{self, Money},
    subscribers::DonorState,
};

/// Whom a tree means, in one sentence without a full stop: "Readers who are on The Weekly and gave at least €50.00".
#[must_use]
pub fn sentence(tree: &SegmentTree, names: &SegmentNames) -> String {
    match tree {
        SegmentTree::All(trees) if trees.is_empty() => "Every reader".to_owned(),
        SegmentTree::Any(trees) if trees.is_empty() => "Nobody".to_owned(),
        tree => format!("Readers who {}", clause(tree, names, true)),
    }
}

/// What they do; `is_outside` where no other words stand around it.
fn clause(tree: &SegmentTree, names: &SegmentNames, is_outside: bool) -> String {
    let inside = |tree: &SegmentTree| clause(tree, names, false);
    match tree {
        SegmentTree::Is(condition) => verb(condition, names, true),
        SegmentTree::Not(tree) => match &**tree {
            SegmentTree::Is(condition) => verb(condition, names, false),
            SegmentTree::Not(tree) => clause(tree, names, is_outside),
            group => format!("are not among those who {}", inside(group)),
        },
        SegmentTree::All(trees) if trees.is_empty() => "are anybody".to_owned(),
        SegmentTree::Any(trees) if trees.is_empty() => "are nobody".to_owned(),
        SegmentTree::All(trees) => {
            let joined = joined(trees.iter().map(inside).collect(), " and ");
            if is_outside || trees.len() < 2 { joined } else { format!("both {joined}") }
        }
        SegmentTree::Any(trees) => {
            let joined = joined(trees.iter().map(inside).collect(), " or ");
            if trees.len() < 2 { joined } else { format!("either {joined}") }
        }
    }
}

fn joined(mut clauses: Vec<String>, last_word: &str) -> String {
    match clauses.pop() {
        None => String::new(),
        Some(last) if clauses.is_empty() => last,
        Some(last) => format!("{}{last_word}{last}", clauses.join(", ")),
    }
}

/// The words for `is`, or those for the opposite.
fn verb(condition: &Condition, names: &SegmentNames, is: bool) -> String {
    let not = |yes: &'static str, no: &'static str| if is { yes } else { no };
    match condition {
        Condition::List { list, stands } => {
            let list = list.map_or_else(|| not("a list", "any list").to_owned(), |list| names.list(list));
            match stands {
                ListStanding::On => format!("{} on {list}", not("are", "are not")),
                ListStanding::Rests => format!("{} from {list}", not("rest", "do not rest")),
                ListStanding::Waits => {
                    format!("{} asked for {list} without confirming", not("have", "have not"))
                }
                ListStanding::Left => format!("{} {list}", not("left", "did not leave")),
            }
        }
        Condition::Topic { topic, list } => {
            let of = list.map_or(String::new(), |list| format!(" of {}", names.list(list)));
            format!("{} the topic {}{of}", not("chose", "did not choose"), names.topic(*topic))
        }
        Condition::Rhythm { list, rhythm } => {
            let list = list.map_or_else(|| not("a list", "any list").to_owned(), |list| names.list(list));
            format!("{} {list} {}", not("get", "do not get"), rhythm_words(*rhythm))
        }
        Condition::Field { field, answer } => answer_words(&names.field_label(*field), answer, is),
        Condition::Joined { when } => format!("{} {}", not("joined", "did not join"), when_words(*when)),
        Condition::Form { form } => {
            format!("{} by the form {}", not("came", "did not come"), names.form(*form))
        }
        Condition::ConfirmedAgain { list, when } => {
            let list = list.map_or_else(|| not("a list", "any list").to_owned(), |list| names.list(list));
            format!("{} {list} again {}", not("confirmed", "did not confirm"), when_words(*when))
        }
        Condition::ConfirmedBy { edition } => {
            format!("{} again by {}", not("confirmed", "did not confirm"), names.edition(*edition))
        }
        Condition::Source { text } => format!("{} from “{text}”", not("came", "did not come")),
        Condition::Domain { domain } => {
            format!("{} an address at {domain}", not("have", "do not have"))
        }
        Condition::Stopped { reason } => stopped_words(*reason, is),
        Condition::Got { edition } => format!("{} {}", not("got", "did not get"), names.edition(*edition)),
        Condition::LastMail { when } => {
            format!("{} their last mail {}", not("got", "did not get"), when_words(*when))
        }
        Condition::Supporter { state } => supporter_words(*state, is).to_owned(),
        Condition::Gave { gifts } => gift_words(gifts, is),
        Condition::LastGave { when } => {
            format!("{} last {}", not("gave", "did not give"), when_words(*when))
        }
        Condition::NeverAsked => not("are not to be asked for gifts", "may be asked for gifts").to_owned(),
        Condition::Note { text } => {
            format!("{} a note with “{text}”", not("have", "do not have"))
        }
        Condition::Segment { segment } => {
            format!("{} in {}", not("are", "are not"), names.segment(*segment))
        }
    }
}

const fn rhythm_words(rhythm: Option<Rhythm>) -> &'static str {
    match rhythm {
        None => "with everything in it",
        Some(Rhythm::Each) => "for every article",
        Some(Rhythm::Daily) => "daily",
        Some(Rhythm::Weekly) => "weekly",
        Some(Rhythm::Monthly) => "monthly",
    }
}

fn stopped_words(reason: Option<StopReason>, is: bool) -> String {
    let words = match (reason, is) {
        (None, true) => "cannot be mailed",
        (None, false) => "can be mailed",
        (Some(StopReason::Bounced), true) => "have an address that bounced",
        (Some(StopReason::Bounced), false) => "have no address that bounced",
        (Some(StopReason::Complained), true) => "called our mail spam",
        (Some(StopReason::Complained), false) => "did not call our mail spam",
        (Some(StopReason::Erased), true) => "asked to be forgotten",
        (Some(StopReason::Erased), false) => "did not ask to be forgotten",
        (Some(StopReason::Staff), true) => "were blocked by the team",
        (Some(StopReason::Staff), false) => "were not blocked by the team",
    };
    words.to_owned()
}

const fn supporter_words(state: DonorState, is: bool) -> &'static str {
    match (state, is) {
        (DonorState::Never, true) => "never gave",
        (DonorState::Never, false) => "gave at some time",
        (DonorState::Once, true) => "gave, not regularly",
        (DonorState::Once, false) => "are not among those who gave without giving regularly",
        (DonorState::Lapsed, true) => "gave regularly and stopped",
        (DonorState::Lapsed, false) => "did not stop giving regularly",
        (DonorState::Monthly, true) => "give regularly",
        (DonorState::Monthly, false) => "do not give regularly",
        (DonorState::Failing, true) => "give regularly with a payment that failed",
        (DonorState::Failing, false) => "have no regular payment that failed",
    }
}

fn answer_words(field: &str, answer: &AnswerTest, is: bool) -> String {
    let not = |yes: &'static str, no: &'static str| if is { yes } else { no };
    let answered = not("answered", "did not answer");
    match answer {
        AnswerTest::Given => format!("{answered} {field}"),
        AnswerTest::Is(text) | AnswerTest::Choice(text) => format!("{answered} “{text}” to {field}"),
        AnswerTest::Holds(text) => format!("{answered} something with “{text}” to {field}"),
        AnswerTest::YesNo(yes) => format!("{answered} {} to {field}", if *yes { "yes" } else { "no" }),
        AnswerTest::Number { least, most } => {
            format!("{answered} {} to {field}", range_words(least.map(hundredths), most.map(hundredths)))
        }
        AnswerTest::Date { from, to } => format!("{answered} a day {} to {field}", days_words(*from, *to)),
    }
}

/// As typed: "12", "12.5", "-0.25".
fn hundredths(value: i64) -> String {
    let (whole, part) = (value.unsigned_abs() / 100, value.unsigned_abs() % 100);
    let sign = if value < 0 { "-" } else { "" };
    let part = format!("{part:02}");
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

fn gift_words(gifts: &Gifts, is: bool) -> String {
    let money = |minor: i64| match money::currency(&gifts.currency) {
        Some(currency) => in_thousands(&Money { minor, currency }.to_string()),
        None => minor.to_string(),
    };
    let gave = if is { "gave" } else { "did not give" };
    let time = match (gifts.from, gifts.to) {
        (None, None) => String::new(),
        (from, to) => format!(" {}", days_words(from, to)),
    };
    if gifts.measure != GiftMeasure::Number && (gifts.least, gifts.most) == (Some(1), None) {
        let something = if is { "something" } else { "anything" };
        return format!("{gave} {something} in {}{time}", gifts.currency);
    }
    match gifts.measure {
        GiftMeasure::Sum => {
            format!("{gave} {} in all{time}", range_words(gifts.least.map(money), gifts.most.map(money)))
        }
        GiftMeasure::Single => {
            format!("{gave} {} at once{time}", range_words(gifts.least.map(money), gifts.most.map(money)))
        }
        GiftMeasure::Number => {
            let count = |count: i64| count.to_string();
            let times = range_words(gifts.least.map(count), gifts.most.map(count));
            let one = gifts.least.or(gifts.most) == Some(1) && gifts.most.is_none_or(|most| most == 1);
            let of =
                if gifts.currency.is_empty() { String::new() } else { format!(" in {}", gifts.currency) };
            format!("{gave} {times} {}{of}{time}", if one { "time" } else { "times" })
        }
    }
}

/// "€1,500.00" of "€1500.00".
fn in_thousands(amount: &str) -> String {
    let begins = amount.find(|sign: char| sign.is_ascii_digit()).unwrap_or(amount.len());
    let digits = amount[begins..].bytes().take_while(u8::is_ascii_digit).count();
    let mut grouped = amount.to_owned();
    for at in (1..digits).filter(|at| (digits - at).is_multiple_of(3)).rev() {
        grouped.insert(begins + at, ',');
    }
    grouped
}

fn range_words(least: Option<String>, most: Option<String>) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!("exactly {least}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "anything".to_owned(),
    }
}

fn days_words(from: Option<Date>, to: Option<Date>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => format!("on {}", day(from)),
        // A whole year is called by its number.
        (Some(from), Some(to)) if from.day_of_year() == 1 && to == from.last_of_year() => {
            format!("in {}", from.year())
        }
        (Some(from), Some(to)) => format!("from {} to {}", day(from), day(to)),
        (Some(from), None) => format!("since {}", day(from)),
        (None, Some(to)) => format!("until {}", day(to)),
        (None, None) => "at any time".to_owned(),
    }
}

fn when_words(when: When) -> String {
    match when {
        When::Before(date) => format!("before {}", day(date)),
        When::Since(date) => format!("on {} or later", day(date)),
        When::Within(1) => "in the last day".to_owned(),
        When::Within(days) => format!("in the last {days} days"),
        When::LongerAgo(1) => "more than a day ago".to_owned(),
        When::LongerAgo(days) => format!("more than {days} days ago"),
    }
}

fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}
