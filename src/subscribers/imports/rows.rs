//! A list that is brought in, as its row has it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::{clock::Moment, db, words};

words! {
    /// How far a list is that somebody brings in.
    pub enum ImportState {
        /// Its file is on the way here.
        Arriving = "arriving",
        /// It is looked through.
        Reading = "reading",
        /// Somebody has to say what its columns and words are, and who answers for it.
        Asking = "asking",
        /// It is found out what would become of everybody.
        Counting = "counting",
        /// Nothing is written yet: it waits for the press.
        Ready = "ready",
        /// Its readers are taken.
        Running = "running",
        Done = "done",
        /// Somebody stopped it: whoever was taken before that stays.
        Stopped = "stopped",
        /// It is taken back.
        Undoing = "undoing",
        /// What it changed is as it was.
        Undone = "undone",
    }
}

words! {
    /// What a list changed, as it is kept for taking it back.
    pub enum ChangeKind {
        /// The reader is new.
        Reader = "reader",
        /// How they stand with a list is new.
        Joined = "joined",
        /// They left a list.
        Left = "left",
        /// They had no name.
        Named = "named",
        /// They had not answered a field.
        Answered = "answered",
        /// Mail to them was not stopped.
        Stopped = "stopped",
        /// They said since how they want a list, or all of them: they stay on it.
        Kept = "kept",
    }
}

/// Something that a list changed.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::subscribers) struct Change {
    pub subscriber_id: i64,
    pub kind: ChangeKind,
    /// The list or the field; 0 where it is about the reader.
    pub about: i64,
    /// What was before; of what was not there, what is there since.
    pub was: String,
    pub at: Moment,
}

impl Change {
    /// What a step changed.
    pub fn new(subscriber_id: i64, kind: ChangeKind, (about, was): (i64, &str), at: Moment) -> Self {
        Self { subscriber_id, kind, about, was: was.to_owned(), at }
    }
}

/// What a list changed of a reader whom it brought: one row, for most of a file are such.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Brought {
    /// The lists that they joined by it.
    joined: BTreeSet<i64>,
    /// What it answered for them, by field.
    answered: BTreeMap<i64, String>,
}

/// Each change by itself, without what readers said since that they keep.
pub(in crate::subscribers) fn each(rows: Vec<Change>) -> db::Result<Vec<Change>> {
    let of = |kind: ChangeKind| rows.iter().filter(move |one| one.kind == kind);
    let kept: HashSet<(i64, i64)> = of(ChangeKind::Kept).map(|one| (one.subscriber_id, one.about)).collect();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.kind != ChangeKind::Kept) {
        let (reader, at) = (row.subscriber_id, row.at);
        all.push(Change::new(reader, row.kind, (row.about, &row.was), at));
        if row.kind != ChangeKind::Reader || row.was.is_empty() {
            continue;
        }
        let brought: Brought =
            serde_json::from_str(&row.was).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let is_kept = |list: i64| kept.contains(&(reader, list)) || kept.contains(&(reader, 0));
        let joined = brought.joined.into_iter().filter(|list| !is_kept(*list));
        all.extend(joined.map(|list| Change::new(reader, ChangeKind::Joined, (list, ""), at)));
        let answered = brought.answered.iter();
        all.extend(
            answered.map(|(field, text)| Change::new(reader, ChangeKind::Answered, (*field, text), at)),
        );
    }
    Ok(all)
}

/// What a step changes, on its way into rows.
#[derive(Debug, Default)]
pub(in crate::subscribers) struct Changes {
    brought: BTreeMap<i64, Brought>,
    others: Vec<Change>,
}

impl Changes {
    /// One more.
    pub fn add(&mut self, change: Change) {
        let Change { subscriber_id, kind, about, .. } = change;
        if kind == ChangeKind::Reader {
            self.brought.entry(subscriber_id).or_default();
            return;
        }
        match (self.brought.get_mut(&subscriber_id), kind) {
            (Some(brought), ChangeKind::Joined) => {
                brought.joined.insert(about);
            }
            (Some(brought), ChangeKind::Answered) => {
                brought.answered.insert(about, change.was);
            }
            _ => self.others.push(change),
        }
    }

    /// As rows have them.
    pub fn rows(self, at: Moment) -> db::Result<Vec<Change>> {
        let mut rows = self.others;
        for (reader, brought) in self.brought {
            let was = serde_json::to_string(&brought).map_err(|error| sqlx::Error::Encode(error.into()))?;
            rows.push(Change { subscriber_id: reader, kind: ChangeKind::Reader, about: 0, was, at });
        }
        Ok(rows)
    }
}

/// What became of everybody when a list was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportTakenBack {
    /// How many are off it who were not mailed meanwhile.
    pub off: u64,
    /// How many are off it, and stay known, for they were mailed.
    pub mailed: u64,
    /// How many left since by themselves, or by the team.
    pub left: u64,
    /// Readers who are not known any more.
    pub gone: u64,
    /// Whom it had taken off a list, and who are on it again.
    pub back: u64,
    /// Whom it had stopped, and who may be mailed again.
    pub let_go: u64,
    /// What it made on the way and what stays.
    pub stays: Vec<Staying>,
}

/// A list, topic or field that a list made, and that stays when it is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staying {
    pub what: MadeOnTheWay,
    pub name: String,
    pub why: WhyItStays,
}

words! {
    /// What a list makes on the way.
    pub enum MadeOnTheWay {
        List = "list",
        Topic = "topic",
        Field = "field",
    }
}

words! {
    /// Why it stays.
    pub enum WhyItStays else InUse {
        /// A segment asks for it.
        Segment = "segment",
        /// A form asks it, or leads to it.
        Form = "form",
        /// Readers have something to do with it.
        Readers = "readers",
        /// Somebody changed it since, or it is used otherwise.
        InUse = "in-use",
    }
}

impl ImportTakenBack {
    /// Of this many whom it had put on a list, how many stay on it: they agreed, chose or paused themselves since.
    #[must_use]
    pub const fn stay_on(&self, added: u64) -> u64 {
        added.saturating_sub(self.off + self.mailed + self.left)
    }

    pub(in crate::subscribers) fn written(&self) -> db::Result<String> {
        serde_json::to_string(self).map_err(|error| sqlx::Error::Encode(error.into()))
    }
}

/// What stands with an address that a file stops.
pub(in crate::subscribers) fn told(source: &str) -> String {
    format!("as told by a file: {source}")
}

impl ImportState {
    /// Whether it goes on by itself.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Reading | Self::Counting | Self::Running | Self::Undoing)
    }

    /// Whether nobody of it was taken, and it may be put away.
    #[must_use]
    pub const fn is_before(self) -> bool {
        matches!(self, Self::Arriving | Self::Reading | Self::Asking | Self::Counting | Self::Ready)
    }
}

/// A list that somebody brings in.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Import {
    pub(in crate::subscribers) id: i64,
    /// In addresses.
    pub public_id: String,
    pub state: ImportState,
    /// Who began it; empty at the command line.
    pub who: String,
    pub(in crate::subscribers) staff_id: Option<i64>,
    pub created_at: Moment,
    /// When somebody, or the program, last did something with it.
    pub changed_at: Moment,
    /// What the file is called.
    pub file: String,
    /// Its bytes.
    pub size: i64,
    /// Where those go whose list the file does not name; none while nobody has said it.
    pub list_id: Option<i64>,
    /// Its name.
    pub list: String,
    /// On what basis they may be mailed; empty while nobody has said it.
    pub basis: String,
    /// Where and when they agreed.
    pub source: String,
    pub makes_lists: bool,
    pub(in crate::subscribers) choices: String,
    pub(in crate::subscribers) survey: String,
    pub(in crate::subscribers) expected: String,
    pub(in crate::subscribers) report: String,
    pub(in crate::subscribers) undone: String,
    pub(in crate::subscribers) pass: i64,
    pub(in crate::subscribers) line: i64,
    /// Why it does not go on; may be empty.
    pub trouble: String,
}
