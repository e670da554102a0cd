//! What an import would do, or did, in sentences.

use crate::{
    subscribers::{ImportReport, ImportTakenBack, MadeOnTheWay, Staying, WhyItStays},
    web::words::{count, grouped},
};

/// Whether it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

fn of(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What becomes of everybody, each in a sentence. `to` is what they join.
pub(super) fn sentences(report: &ImportReport, to: &str, when: When) -> Vec<String> {
    let is_done = when == When::After;
    let will = |before: &'static str, after: &'static str| if is_done { after } else { before };
    let one = |number: u64, one: &'static str, many: &'static str| if number == 1 { one } else { many };
    let mut all = Vec::new();
    let joins = match is_done {
        true => "joined",
        false => one(report.added, "joins", "join"),
    };
    all.push(match report.added {
        0 => format!("Nobody {} {to}.", will("joins", "joined")),
        added if report.added_to.len() > 1 => {
            let each =
                report.added_to.iter().map(|(list, number)| format!("{} {list}", grouped(of(*number))));
            let each = each.collect::<Vec<_>>().join(", ");
            format!("{} {joins} their lists: {each}.", count(of(added), "reader"))
        }
        added => {
            let to = report.added_to.keys().next().map_or(to, String::as_str);
            format!("{} {joins} {to}.", count(of(added), "reader"))
        }
    });
    let never = report.left + report.suppressed();
    if never > 0 {
        let why = [
            (report.left, "left"),
            (report.bounced, "bounced"),
            (report.complained, "complained"),
            (report.blocked, one(report.blocked, "was blocked", "were blocked")),
        ];
        let why: Vec<String> = why
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{} {word}", grouped(of(number))))
            .collect();
        all.push(format!("{} will never be mailed: {}.", grouped(of(never)), why.join(", ")));
    }
    if report.unconfirmed > 0 {
        let number = grouped(of(report.unconfirmed));
        all.push(format!(
            "{number} never confirmed: they are neither mailed nor asked, and forgotten after two weeks."
        ));
    }
    if report.updated > 0 {
        let are = one(report.updated, "is", "are");
        let known = will("more will be known of them", "more is known of them now");
        all.push(format!("{} {are} on the list already, and {known}.", grouped(of(report.updated))));
    }
    if report.unchanged > 0 {
        let rows = count(of(report.unchanged), "row");
        all.push(format!(
            "{rows} {} nothing: they are about readers who are on the list already, left it, are stopped here, or stand in the file twice.",
            match is_done {
                true => "changed",
                false => one(report.unchanged, "changes", "change"),
            }
        ));
    }
    if report.not_taken > 0 {
        let are = will(one(report.not_taken, "is", "are"), one(report.not_taken, "was", "were"));
        all.push(format!("{} {are} left out, as you said.", grouped(of(report.not_taken))));
    }
    if report.refused > 0 {
        let rows = count(of(report.refused), "row");
        let cannot = will("cannot be taken", "could not be taken");
        all.push(format!("{rows} {cannot}: why is said of each in the file below."));
    }
    if report.incomplete > 0 {
        let rows = count(of(report.incomplete), "row");
        let are = will(one(report.incomplete, "is", "are"), one(report.incomplete, "was", "were"));
        all.push(format!(
            "{rows} {are} taken without an answer that does not fit its field: which one is said in the file below."
        ));
    }
    if !report.not_read.is_empty() {
        all.push(format!("Not read: {}.", report.not_read.join(", ")));
    }
    all.extend(report.notes.iter().cloned());
    all
}

/// What became of everybody when it was taken back who had come in by it, and what stays and why, each in a sentence.
pub(super) fn taken_back(back: &ImportTakenBack, added: u64) -> Vec<String> {
    let one = |number: u64, one: &'static str, many: &'static str| if number == 1 { one } else { many };
    let mut all = vec!["What it changed is as it was, but for what happened since.".to_owned()];
    let mut say = |number: u64, words: String| {
        if number > 0 {
            all.push(words);
        }
    };
    let readers = |number: u64| count(of(number), "reader");
    say(
        back.off,
        format!("{} {} off it again, and had no mail of it.", readers(back.off), one(back.off, "is", "are")),
    );
    say(
        back.mailed,
        format!(
            "{} had mail of it meanwhile: {} off it, and {} known. A later list may bring them back, unless they say that they leave.",
            readers(back.mailed),
            one(back.mailed, "this one is", "they are"),
            one(back.mailed, "stays", "stay"),
        ),
    );
    let left = one(back.left, "stays off it: this one", "stay off it: they");
    say(back.left, format!("{} {left} left since.", readers(back.left)));
    let on = back.stay_on(added);
    let stay = one(on, "stays on it: this one", "stay on it: they");
    say(on, format!("{} {stay} agreed, chose or paused since.", readers(on)));
    let are = one(back.gone, "is", "are");
    say(back.gone, format!("{} {are} not known any more.", readers(back.gone)));
    let on_again = one(back.back, "whom it had taken off a list is", "whom it had taken off a list are");
    say(back.back, format!("{} {on_again} on it again.", readers(back.back)));
    say(back.let_go, format!("{} whom it had stopped may be mailed again.", readers(back.let_go)));
    all.extend(back.stays.iter().map(stays));
    all
}

fn stays(one: &Staying) -> String {
    let what = match one.what {
        MadeOnTheWay::List => "list",
        MadeOnTheWay::Topic => "topic",
        MadeOnTheWay::Field => "field",
    };
    let why = match one.why {
        WhyItStays::Segment => "a segment asks for it",
        WhyItStays::Form => "a form has it",
        WhyItStays::Readers => "readers have it",
        WhyItStays::InUse => "somebody changed it or uses it since",
    };
    format!("The {what} “{}” stays: {why}.", one.name)
}

/// What came of an import in a line, for a list of them.
pub(super) fn in_short(report: &ImportReport) -> String {
    let never = report.left + report.suppressed();
    let mut parts = vec![format!("{} joined", count(of(report.added), "reader"))];
    if never > 0 {
        parts.push(format!("{} never to be mailed", grouped(of(never))));
    }
    if report.refused > 0 {
        parts.push(format!("{} not taken", grouped(of(report.refused))));
    }
    format!("{}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_said_as_people_say_it() {
        let report = ImportReport {
            added: 8_012,
            left: 1_873,
            bounced: 240,
            complained: 31,
            refused: 17,
            ..ImportReport::default()
        };
        let said = sentences(&report, "The Weekly", When::Before);
        assert_eq!(
            said,
            [
                "8,012 readers join The Weekly.",
                "2,144 will never be mailed: 1,873 left, 240 bounced, 31 complained.",
                "17 rows cannot be taken: why is said of each in the file below.",
            ]
        );
        let one = ImportReport { added: 1, refused: 1, ..ImportReport::default() };
        assert_eq!(sentences(&one, "The Weekly", When::After)[0], "1 reader joined The Weekly.");
        assert_eq!(
            sentences(&ImportReport::default(), "The Weekly", When::Before),
            ["Nobody joins The Weekly."]
        );
        let lists = [("Letters".to_owned(), 2), ("The Weekly".to_owned(), 1)];
        let several = ImportReport { added: 3, added_to: lists.into(), ..ImportReport::default() };
        assert_eq!(
            sentences(&several, "their lists", When::Before),
            ["3 readers join their lists: 2 Letters, 1 The Weekly."]
        );
    }
}
