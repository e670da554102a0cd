//! What the address of the list of gifts asks for: what is looked for, and what it is narrowed down by.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{Moment, Zone},
    donations::{Became, DonationKind, GiftSearch},
    web::{
        Desk, Form,
        paging::{List, Place},
    },
};

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    pub(super) q: String,
    pub(super) kind: String,
    pub(super) state: String,
    /// A month, `2026-11`, or a year; anything else is all the time.
    pub(super) when: String,
    pub(super) before: Place<2>,
}

impl Look {
    /// What a form says of it.
    pub(super) fn of(form: &Form) -> Self {
        let [q, kind, state, when] = ["q", "kind", "state", "when"].map(|field| form.text(field).to_owned());
        Self { q, kind, state, when, before: Place::default() }
    }

    /// Which gifts it means.
    pub(super) fn search(&self, desk: &Desk) -> GiftSearch {
        let mut search = GiftSearch::typed(
            &self.q,
            desk.zone(),
            desk.settings.gift_limits().map(|limits| limits.least.currency),
            desk.site().now(),
        );
        search.kind = DonationKind::parse(&self.kind);
        search.became = Became::parse(&self.state);
        search.between = span(&self.when, desk.zone());
        search
    }

    /// The rest of an address that means the same gifts.
    pub(super) fn kept(&self) -> [(&str, &str); 4] {
        [("q", &self.q), ("kind", &self.kind), ("state", &self.state), ("when", &self.when)]
    }

    /// An address that means the same gifts.
    pub(super) fn address(&self, path: &str) -> String {
        List { path, place: "before", kept: &self.kept() }.address::<2>(None)
    }

    /// It in words, for the log: never what was typed, which may be an address.
    pub(super) fn words(&self) -> String {
        let typed = if self.q.trim().is_empty() { "" } else { "by a search" };
        let parts = [self.kind.as_str(), self.state.as_str(), self.when.as_str(), typed];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// The time that a choice means.
fn span(when: &str, zone: &Zone) -> Option<(Moment, Moment)> {
    let (year, month) = when.split_once('-').map_or((when, None), |(year, month)| (year, Some(month)));
    let year = year.parse().ok().filter(|year| (1970..=9998).contains(year))?;
    match month {
        Some(month) => {
            let (from, _) = zone.day(Date::new(year, month.parse().ok()?, 1).ok()?)?;
            Some((from, zone.month_after(from)))
        }
        None => {
            let (from, _) = zone.day(Date::new(year, 1, 1).ok()?)?;
            let (until, _) = zone.day(Date::new(year + 1, 1, 1).ok()?)?;
            Some((from, until))
        }
    }
}

/// The last twelve months, and each year since the first gift.
pub(super) fn whens(desk: &Desk, first: Option<Moment>, chosen: &str) -> Vec<Choice> {
    let (now, zone) = (desk.site().now(), desk.zone());
    let first = first.unwrap_or(now).min(now);
    let month = |at: Moment| at.day(zone)[..7].to_owned();
    let mut values = vec![String::new()];
    for back in 0..12 {
        let at = zone.months_after(now, -back);
        values.extend((at >= first || month(at) == month(first)).then(|| month(at)));
    }
    let year = |at: Moment| at.day(zone)[..4].parse::<i32>().unwrap_or_default();
    values.extend((year(first)..=year(now)).rev().map(|year| year.to_string()));
    if span(chosen, zone).is_some() && !values.iter().any(|value| value == chosen) {
        values.push(chosen.to_owned());
    }
    let label = |value: &str| match value.split_once('-') {
        _ if value.is_empty() => "All the time".to_owned(),
        None => value.to_owned(),
        Some(_) => month_in_words(value),
    };
    values.into_iter().map(|value| Choice { label: label(&value), chosen: value == chosen, value }).collect()
}

/// A choice for each word, and one for none.
pub(super) fn choices<T: Copy>(
    all: &[T],
    chosen: &str,
    none: &str,
    say: impl Fn(T) -> (&'static str, &'static str),
) -> Vec<Choice> {
    let mut choices = vec![Choice { value: String::new(), label: none.to_owned(), chosen: false }];
    choices.extend(all.iter().map(|one| {
        let (value, label) = say(*one);
        Choice { value: value.to_owned(), label: capital(label), chosen: value == chosen }
    }));
    choices
}

/// "November 2026", of `2026-11`.
pub(super) fn month_in_words(month: &str) -> String {
    format!("{month}-01")
        .parse::<Date>()
        .map_or_else(|_| month.to_owned(), |day| day.strftime("%B %Y").to_string())
}

fn capital(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Something that the list can be narrowed down by.
#[derive(Serialize)]
pub(super) struct Choice {
    value: String,
    label: String,
    chosen: bool,
}
