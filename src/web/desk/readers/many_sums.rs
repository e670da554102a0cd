//! What an act on many readers would do, or did, in sentences.

use crate::{
    bulk::{BulkAct, BulkState},
    subscribers::{BulkDeed, BulkOutcome, BulkSums, BulkTakenBack},
    web::{
        WebError,
        words::{count, grouped},
    },
};

/// How it stands, for people, and the look of that.
pub(super) const fn standing(state: BulkState) -> (&'static str, &'static str) {
    match state {
        BulkState::Counting => ("is counted", "sending"),
        BulkState::Ready => ("waits for your press", "warn"),
        BulkState::Running => ("goes on", "sending"),
        BulkState::Done => ("done", "good"),
        BulkState::Stopped => ("stopped", "bad"),
        BulkState::Undoing => ("is taken back", "sending"),
        BulkState::Undone => ("taken back", "draft"),
    }
}

fn list_of(act: &BulkAct) -> &str {
    if act.list.is_empty() { "a list that is gone" } else { &act.list }
}

fn topic_of(act: &BulkAct) -> &str {
    if act.topic.is_empty() { "a topic that is gone" } else { &act.topic }
}

/// What is done.
pub(super) fn title(act: &BulkAct) -> String {
    let list = list_of(act);
    let topic = if act.topic.is_empty() { "that is gone" } else { &act.topic };
    match act.deed {
        BulkDeed::Join => format!("Add readers to {list}"),
        BulkDeed::TakeOff => format!("Take readers off {list}"),
        BulkDeed::Choose => format!("Add the topic {topic} of {list}"),
        BulkDeed::Unchoose => format!("Take the topic {topic} of {list} away"),
        BulkDeed::Pause => match act.weeks {
            Some(weeks) => format!("Pause readers for {weeks} weeks"),
            None => "Pause readers".to_owned(),
        },
    }
}

fn of(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What becomes of those who are changed.
fn changed(act: &BulkAct, number: u64, is_done: bool) -> String {
    let (who, list, topic) = (count(of(number), "reader"), list_of(act), topic_of(act));
    let word = |one: &'static str, many: &'static str, after: &'static str| match (is_done, number) {
        (true, _) => after,
        (false, 1) => one,
        _ => many,
    };
    match act.deed {
        BulkDeed::Join => format!("{who} {} {list}.", word("joins", "join", "joined")),
        BulkDeed::TakeOff => format!("{who} {} off {list}.", word("comes", "come", "came")),
        BulkDeed::Choose => {
            format!("{who} also {} what is about {topic}.", word("gets", "get", "get from now on"))
        }
        BulkDeed::Unchoose => {
            format!(
                "{who} {} what is about {topic} alone.",
                word("no longer gets", "no longer get", "no longer get")
            )
        }
        BulkDeed::Pause => format!("{who} {} from all mail.", word("rests", "rest", "rest")),
    }
}

/// Why nothing becomes of the others.
fn why_not(act: &BulkAct, outcome: BulkOutcome, number: u64) -> Option<String> {
    let many = number != 1;
    let (are, have, they) =
        (if many { "are" } else { "is" }, if many { "have" } else { "has" }, grouped(of(number)));
    let (list, topic) = (list_of(act), topic_of(act));
    Some(match outcome {
        BulkOutcome::Changed => return None,
        BulkOutcome::Already => match act.deed {
            BulkDeed::Join => format!("{they} {are} on it already."),
            BulkDeed::TakeOff => format!("{they} had left it before."),
            BulkDeed::Choose => format!("{they} {have} chosen {topic} already."),
            BulkDeed::Unchoose => format!("{they} {have} not chosen {topic}."),
            BulkDeed::Pause => return None,
        },
        BulkOutcome::Left => {
            format!("{they} left {list} and {are} not put back: only they themselves can come back.")
        }
        BulkOutcome::Pending => {
            format!("{they} asked for {list} themselves and {have} not confirmed: that is for them to do.")
        }
        BulkOutcome::Stopped => format!("{they} {are} not added: their address is stopped."),
        BulkOutcome::Nowhere => match act.deed {
            BulkDeed::Join => {
                format!("{they} {are} not added: they are on no list. They left, or never confirmed.")
            }
            _ => format!("{they} {are} on no list."),
        },
        BulkOutcome::Implied => format!(
            "{they} {are} not added: they may be mailed for a time because they bought or gave, and agreed to nothing."
        ),
        BulkOutcome::NotOnIt => format!("{they} {are} not on {list}."),
        BulkOutcome::ChoseNothing => {
            format!("{they} chose no topic of {list}, and get {topic} with all else.")
        }
        BulkOutcome::ChoseThisAlone => {
            format!("{they} chose {topic} alone, and would get everything without it: they keep it.")
        }
        BulkOutcome::Rests => format!("{they} rest already, until their own day."),
        BulkOutcome::Meanwhile => {
            format!("{they} {have} changed something themselves just then, and {are} left alone.")
        }
        BulkOutcome::Gone => {
            let what = match act.deed {
                BulkDeed::Choose | BulkDeed::Unchoose => "the list or topic",
                _ => "the list",
            };
            format!("{they} {are} left as they were: {what} is not there any more.")
        }
    })
}

/// What becomes of everybody, each in a sentence.
pub(super) fn sentences(act: &BulkAct, sums: &BulkSums, is_done: bool) -> Vec<String> {
    if sums.all() == 0 {
        return vec!["Nobody is meant.".to_owned()];
    }
    let changes = match sums.of(BulkOutcome::Changed) {
        0 => "Nobody is changed.".to_owned(),
        number => changed(act, number, is_done),
    };
    let others = BulkOutcome::ALL.into_iter().filter_map(|outcome| match sums.of(outcome) {
        0 => None,
        number => why_not(act, outcome, number),
    });
    std::iter::once(changes).chain(others).collect()
}

/// The same in a line, for a list of them.
pub(super) fn in_short(act: &BulkAct) -> Result<String, WebError> {
    let sums = match act.state {
        BulkState::Ready => act.expected()?,
        BulkState::Counting | BulkState::Undone => return Ok(String::new()),
        _ => act.sums()?,
    };
    let changed = sums.of(BulkOutcome::Changed);
    Ok(format!("{} of {}", grouped(of(changed)), count(of(sums.all()), "reader")))
}

/// What became of everybody when it was taken back, of so many whom it had changed.
pub(super) fn taken_back(back: Option<BulkTakenBack>, changed: u64) -> Vec<String> {
    let mut all = vec![
        "What it changed is as it was, but for what was said since: whoever joined, left, chose or paused themselves meanwhile stays so.".to_owned(),
    ];
    let Some(back) = back else { return all };
    let mut say = |number: u64, one: &str, many: &str| {
        if number > 0 {
            all.push(format!("{} {}", count(of(number), "reader"), if number == 1 { one } else { many }));
        }
    };
    say(back.back, "is as before.", "are as before.");
    say(
        back.mailed,
        "was mailed meanwhile: this one is off the list, and stays known. The team may add them again, unless they say that they leave.",
        "were mailed meanwhile: they are off the list, and stay known. The team may add them again, unless they say that they leave.",
    );
    say(
        back.stay(changed),
        "stays as the act left them, or as they said themselves since.",
        "stay as the act left them, or as they said themselves since.",
    );
    all
}
