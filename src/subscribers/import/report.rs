//! What an import did, and what it did not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    answers::FieldKind,
    db,
    moving_in::{Preset, State, WithinFile},
};

/// A row that was not taken, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line, from 1: of several tables in an archive one goes on counting behind the other.
    pub line: u64,
    /// Where it stands in an archive: the file, and the line in it.
    pub within: Option<WithinFile>,
    /// Why, in words for whoever mends the file; of a row that was taken it says so.
    pub why: String,
}

impl RowError {
    /// The file in the archive, if it was one, and the line in it.
    #[must_use]
    pub fn place(&self) -> (Option<&str>, u64) {
        self.within.as_ref().map_or((None, self.line), |(file, line)| (Some(file), *line))
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They get the list from now on.
    Added,
    /// They were on it; a name, an answer or a topic came to it.
    Updated,
    Unchanged,
    /// It was written down that they stand so.
    Stands(State),
    Refused(String),
}

/// So many of them are kept to be shown; all of them are counted, and told to who wants each.
const SHOWN: usize = 1_000;

/// What an import did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// Who wrote the file, as far as it shows.
    pub preset: Option<Preset>,
    /// Lines below the headings.
    pub rows: u64,
    /// Readers who now get the list.
    pub added: u64,
    /// To which list how many of them, by its name.
    #[serde(default)]
    pub added_to: BTreeMap<String, u64>,
    /// Readers who were on the list already, of whom more is known now.
    pub updated: u64,
    /// Rows that changed nothing: they were on the list already, had left it, or stood there twice.
    pub unchanged: u64,
    /// Written down as having left.
    pub left: u64,
    /// Stopped, since their mail came back elsewhere.
    pub bounced: u64,
    /// Stopped, since they complained elsewhere.
    pub complained: u64,
    /// Stopped, since they were blocked elsewhere.
    pub blocked: u64,
    /// Written down as never having confirmed.
    pub unconfirmed: u64,
    /// Left out, since somebody said so.
    pub not_taken: u64,
    /// How many rows were not taken because something is wrong with them.
    pub refused: u64,
    /// How many were taken without an answer that is none to its field.
    #[serde(default)]
    pub incomplete: u64,
    /// The first of them.
    #[serde(skip)]
    pub errors: Vec<RowError>,
    /// Columns that were not read.
    pub not_read: Vec<String>,
    /// Lists, topics and fields that were made on the way, and what was left out, in sentences.
    pub notes: Vec<String>,
    /// What was made on the way.
    #[serde(default)]
    pub made: WasMade,
    /// The fields among these, by their questions, with what is an answer to them.
    #[serde(default)]
    pub new_fields: BTreeMap<String, FieldKind>,
}

/// Lists, topics and fields that were made on the way, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WasMade {
    pub lists: Vec<i64>,
    pub topics: Vec<i64>,
    pub fields: Vec<i64>,
}

impl WasMade {
    /// And these.
    pub(in crate::subscribers) fn and(&mut self, more: &Self) {
        self.lists.extend(&more.lists);
        self.topics.extend(&more.topics);
        self.fields.extend(&more.fields);
    }
}

impl ImportReport {
    /// Addresses that are not mailed from now on.
    #[must_use]
    pub const fn suppressed(&self) -> u64 {
        self.bounced + self.complained + self.blocked
    }

    /// Rows of which something is to be told: they were not taken, or not all of them.
    #[must_use]
    pub const fn problems(&self) -> u64 {
        self.refused + self.incomplete
    }

    /// As a row keeps it; without the rows that were not taken, which have rows of their own.
    pub(in crate::subscribers) fn written(&self) -> db::Result<String> {
        serde_json::to_string(self).map_err(|error| sqlx::Error::Encode(error.into()))
    }

    /// From a row; nothing where nothing is known yet.
    pub(in crate::subscribers) fn read(text: &str) -> db::Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    pub(super) fn count(
        &mut self,
        (line, within): (u64, Option<&WithinFile>),
        outcome: Outcome,
    ) -> Option<RowError> {
        match outcome {
            Outcome::Added => self.added += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Stands(state) => match state {
                State::OnList => self.added += 1,
                State::NotTaken => self.not_taken += 1,
                State::Unconfirmed => self.unconfirmed += 1,
                State::Left => self.left += 1,
                State::Bounced => self.bounced += 1,
                State::Complained => self.complained += 1,
                State::Blocked => self.blocked += 1,
            },
            Outcome::Refused(why) => {
                self.refused += 1;
                let error = RowError { line, within: within.cloned(), why };
                self.show(error.clone());
                return Some(error);
            }
        }
        None
    }

    /// A row was taken, but for some answers.
    pub(super) fn count_incomplete(
        &mut self,
        (line, within): (u64, Option<&WithinFile>),
        answers: &[String],
    ) -> RowError {
        self.incomplete += 1;
        let why = format!("taken without {}", answers.join("; and without "));
        let error = RowError { line, within: within.cloned(), why };
        self.show(error.clone());
        error
    }

    /// One more row that was not taken, if there is room to show it.
    pub(in crate::subscribers) fn show(&mut self, error: RowError) {
        if self.errors.len() < SHOWN {
            self.errors.push(error);
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < SHOWN && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
