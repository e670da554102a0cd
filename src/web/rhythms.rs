//! How often a reader gets a list: the question on the page of their choices, and at the desk.
//!
//! The page says what it showed beside what was chosen; what nobody changed is not here, and stays as it is by now.

use serde::Serialize;

use super::{
    forms::Form,
    words::readers::{comes_at, how_often},
};
use crate::{editions::Rhythm, subscribers::Choice};

/// What can be chosen of one list.
#[derive(Serialize)]
pub(in crate::web) struct RhythmView {
    list_id: i64,
    list: String,
    /// The word of what they have now; empty for everything.
    seen: &'static str,
    options: Vec<RhythmOption>,
}

#[derive(Serialize)]
struct RhythmOption {
    word: &'static str,
    label: &'static str,
    /// What comes then.
    means: &'static str,
    chosen: bool,
}

impl RhythmView {
    /// None where the list offers no choice, or they are not on it. `chosen` is what somebody changed and has not saved yet.
    pub(in crate::web) fn new(list: Choice, chosen: &[(i64, Option<Rhythm>)]) -> Option<Self> {
        if list.rhythms.is_empty() {
            return None;
        }
        let wanted = chosen.iter().find(|(id, _)| *id == list.id).map_or(list.rhythm, |(_, wanted)| *wanted);
        let option = |rhythm: Option<Rhythm>| RhythmOption {
            word: word(rhythm),
            label: how_often(rhythm),
            means: rhythm.map_or("all mails of the list", comes_at),
            chosen: rhythm == wanted,
        };
        let options = std::iter::once(None).chain(list.rhythms.into_iter().map(Some)).map(option).collect();
        Some(Self { list_id: list.id, list: list.name, seen: word(list.rhythm), options })
    }
}

fn word(rhythm: Option<Rhythm>) -> &'static str {
    rhythm.map_or("", Rhythm::as_str)
}

/// What was chosen otherwise than the page showed, by list: none for everything.
pub(in crate::web) fn rhythms(form: &Form) -> Vec<(i64, Option<Rhythm>)> {
    let pairs = |name: &str| -> Vec<(i64, Option<Rhythm>)> {
        let pair = |text: &String| {
            let (list, word) = text.split_once('.')?;
            // A word that there is not is no wish for everything.
            let rhythm = if word.is_empty() { None } else { Some(Rhythm::parse(word)?) };
            Some((list.parse().ok()?, rhythm))
        };
        form.all(name).iter().filter_map(pair).collect()
    };
    let seen = pairs("seen_rhythm");
    pairs("rhythm").into_iter().filter(|wanted| !seen.contains(wanted)).collect()
}
