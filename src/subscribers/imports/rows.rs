//! A list that is brought in, as its row has it.

use crate::{clock::Moment, words};

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
    pub(in crate::subscribers) pass: i64,
    pub(in crate::subscribers) line: i64,
    /// Why it does not go on; may be empty.
    pub trouble: String,
}
