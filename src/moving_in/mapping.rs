//! What becomes of each column and of each word in those that say how somebody stands.
//!
//! The rule: a column is understood, chosen by a person, or named as not read. One that may say that somebody is not to be mailed is
//! asked about, and so is each of its words; a row of which nobody knows how it stands is not taken.

use super::{
    headings::{self, Guess, plain},
    presets::Preset,
    records::TableError,
    roles::ColumnRole,
    state::State,
};
use crate::answers::FieldKind;

/// Who says what a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappedBy {
    /// The program that wrote the file.
    Preset,
    /// Its heading.
    Heading,
    /// A person.
    Person,
    /// Nobody.
    Nobody,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub heading: String,
    pub role: ColumnRole,
    pub by: MappedBy,
    /// What all of it is, if it is to be answers to a field.
    pub kind: FieldKind,
    /// What nobody has said yet, and has to: a guess.
    pub(super) asks: Option<Guess>,
}

impl Column {
    /// What a word in it means, as far as anybody would guess it.
    pub(super) fn meant(&self, value: &str) -> Option<State> {
        match headings::guess(&self.heading) {
            Guess::Status(yes) | Guess::SadDate(yes) => headings::meant(value, yes),
            _ => headings::meant_anywhere(value),
        }
    }

    /// Whether a word that speaks of mail that is not wanted makes people be asked.
    pub(super) fn is_watched(&self) -> bool {
        self.may_be_field() && matches!(self.by, MappedBy::Nobody)
    }

    /// Whether it is an answer to a field, or may become one.
    pub(super) fn may_be_field(&self) -> bool {
        self.role == ColumnRole::NotRead || self.role.field().is_some()
    }
}

/// What a person said beforehand.
#[derive(Clone, Debug, Default)]
pub struct ImportChoices {
    /// Which program wrote it; guessed where nobody says.
    pub preset: Option<Preset>,
    /// What columns are, by their headings.
    pub columns: Vec<(String, ColumnRole)>,
    /// What words mean, in one column or in each; in the column [`EVERYBODY`], everybody in the file.
    pub words: Vec<(Option<String>, String, State)>,
}

/// In the place of a heading: everybody in the file.
pub const EVERYBODY: &str = "everybody";

impl ImportChoices {
    /// Reads `COLUMN=FIELD`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_column(&mut self, typed: &str) -> Result<(), String> {
        let (heading, word) =
            typed.rsplit_once('=').ok_or_else(|| format!("write --map 'COLUMN=FIELD', not {typed:?}"))?;
        let role = ColumnRole::named(word.trim()).ok_or_else(|| {
            let words: Vec<&str> = ColumnRole::WORDS.iter().map(|(word, _)| *word).collect();
            format!("there is no field {word:?}; there are: {}, field:NAME and text:NAME", words.join(", "))
        })?;
        self.columns.push((heading.trim().to_owned(), role));
        Ok(())
    }

    /// Reads `VALUE=STATE` or `COLUMN:VALUE=STATE`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_word(&mut self, typed: &str) -> Result<(), String> {
        let (value, word) =
            typed.rsplit_once('=').ok_or_else(|| format!("write --status 'VALUE=STATE', not {typed:?}"))?;
        let state = State::named(word).ok_or_else(|| {
            let words: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
            format!("nobody stands {word:?}; say one of: {}", words.join(", "))
        })?;
        if value.trim() == EVERYBODY {
            self.words.push((Some(EVERYBODY.to_owned()), String::new(), state));
            return Ok(());
        }
        // A word may hold a colon: it is a heading's only where there is such a heading.
        let empty = |value: &str| if value.trim() == EMPTY { String::new() } else { value.trim().to_owned() };
        if let Some((heading, value)) = value.split_once(':') {
            self.words.push((Some(heading.trim().to_owned()), empty(value), state));
        }
        self.words.push((None, empty(value), state));
        Ok(())
    }
}

/// What a cell is called that holds nothing.
pub const EMPTY: &str = "(empty)";

/// What becomes of a file.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Who wrote it, as far as it shows.
    pub preset: Option<Preset>,
    /// In their order.
    pub columns: Vec<Column>,
    /// How everybody stands of whom no column says more; none while nobody has said it.
    pub(super) everybody: Option<State>,
    /// What the name of the file says instead.
    pub(super) everybody_perhaps: State,
    /// What is in the file beside the table.
    pub(super) others: Vec<String>,
    /// A column that is missing, and is needed.
    pub(super) lacks: Option<&'static str>,
    words: Vec<(Option<String>, String, State)>,
}

impl Mapping {
    /// Of a file with these headings and that name.
    ///
    /// # Errors
    /// When nothing can be read by it, whatever anybody says.
    pub(super) fn of(headings: &[String], file: &str, choices: &ImportChoices) -> Result<Self, TableError> {
        let preset = choices.preset.or_else(|| Preset::of(headings));
        for (heading, _) in &choices.columns {
            if !headings.iter().any(|one| is_called(one, heading)) {
                return Err(TableError::NoSuchColumn(heading.clone()));
            }
        }
        let mut columns: Vec<Column> =
            headings.iter().map(|heading| column((heading.as_str(), headings), preset, choices)).collect();
        // Of several that seem to be the same the first is; what a person says comes before what seems so.
        for at in 0..columns.len() {
            let Column { role, by, .. } = columns[at].clone();
            let same = |other: &Column| other.role == role;
            if !role.is_single() || !columns.iter().enumerate().any(|(other, one)| other != at && same(one)) {
                continue;
            }
            let weight = |by: MappedBy| match by {
                MappedBy::Person => 0,
                MappedBy::Preset => 1,
                MappedBy::Heading | MappedBy::Nobody => 2,
            };
            let first = columns
                .iter()
                .enumerate()
                .filter(|(_, one)| same(one))
                .min_by_key(|(at, one)| (weight(one.by), *at));
            if first.is_some_and(|(first, _)| first != at) {
                if by == MappedBy::Person {
                    return Err(TableError::Twice(said(&role)));
                }
                (columns[at].role, columns[at].by) = (ColumnRole::NotRead, MappedBy::Nobody);
            }
        }
        let of_everybody = choices
            .words
            .iter()
            .find(|(heading, value, _)| heading.as_deref() == Some(EVERYBODY) && value.is_empty());
        let of_everybody = of_everybody.map(|(.., state)| *state);
        let by_name = headings::of_file_name(file);
        let says_each =
            columns.iter().any(|column| matches!(column.role, ColumnRole::Status | ColumnRole::Date(_)));
        let everybody = of_everybody.or(match preset {
            Some(preset) => preset.everybody(headings, file),
            None if by_name.is_some() && !says_each => None,
            None => Some(State::OnList),
        });
        let lacks = preset.and_then(Preset::needs).filter(|(names, _)| {
            of_everybody.is_none()
                && !headings.iter().any(|heading| names.contains(&plain(heading).as_str()))
                && !columns
                    .iter()
                    .any(|column| column.by == MappedBy::Person && column.role == ColumnRole::Status)
        });
        Ok(Self {
            preset,
            columns,
            everybody,
            // Of four files that Mailchimp writes nobody guesses which it was.
            everybody_perhaps: by_name.unwrap_or(match preset {
                Some(_) => State::NotTaken,
                None => State::OnList,
            }),
            others: Vec::new(),
            lacks: lacks.map(|(_, words)| words),
            words: choices.words.clone(),
        })
    }

    /// What a word in a column says, if somebody or its program said so. Of the same word in every column a program knows better what
    /// it means in its own; and a yes in one column may be a no in another.
    pub(super) fn state(&self, column: &Column, value: &str) -> Option<State> {
        let is_said = |said: &str| said.trim().to_lowercase() == value.trim().to_lowercase();
        let of_column = |heading: &Option<String>| {
            let headings = || self.columns.iter().map(|column| column.heading.as_str());
            heading.as_ref().is_some_and(|heading| is_meant((column.heading.as_str(), headings()), heading))
        };
        let said = self.words.iter().find(|(heading, word, _)| is_said(word) && of_column(heading));
        let by_program = || self.preset.and_then(|preset| preset.state(&column.heading, value));
        let of_any = || {
            let several = self.columns.iter().filter(|column| column.role == ColumnRole::Status).count() > 1;
            let is_clear = !several || !headings::is_yes_or_no(value);
            self.words.iter().find(|(heading, word, _)| heading.is_none() && is_said(word) && is_clear)
        };
        said.map(|(.., state)| *state).or_else(by_program).or_else(|| of_any().map(|(.., state)| *state))
    }

    /// The same as anybody would guess it, for showing it to whoever has to say it.
    pub(super) fn as_guessed(&self, words: impl Iterator<Item = (String, String, State)>) -> Self {
        let mut guessed = self.clone();
        guessed.everybody.get_or_insert(self.everybody_perhaps);
        guessed.words.extend(words.map(|(heading, value, state)| (Some(heading), value, state)));
        guessed
    }

    /// Whether it is our own export, which says of each reader and list all that there is.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.preset == Some(Preset::Own)
    }

    /// Whether it may say of anybody that they are not to be mailed.
    #[must_use]
    pub fn may_say_no(&self) -> bool {
        let says = |column: &Column| {
            matches!(
                column.role,
                ColumnRole::Status | ColumnRole::Date(_) | ColumnRole::Confirmed | ColumnRole::Suppression
            )
        };
        // Mailchimp's says it by two days that are missing.
        self.everybody != Some(State::OnList)
            || self.preset == Some(Preset::Mailchimp)
            || self.columns.iter().any(says)
    }

    /// What is in the file beside the table that is read: other tables of an archive, other sheets.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Whether it is known which column has the addresses.
    pub(super) fn has_addresses(&self) -> bool {
        self.columns.iter().any(|column| column.role == ColumnRole::Email)
    }

    /// The columns that nobody reads, and what else is in the file.
    #[must_use]
    pub fn not_read(&self) -> Vec<&str> {
        let columns = self
            .columns
            .iter()
            .filter(|column| column.role == ColumnRole::NotRead && !column.heading.is_empty());
        let headings = columns.map(|column| column.heading.as_str());
        headings.chain(self.others.iter().map(String::as_str)).collect()
    }

    /// Each field that a column is an answer to: its name, the heading, and its kind if it has to be made.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str, FieldKind)> {
        let kind = |column: &Column| match column.role {
            ColumnRole::Field(_) => column.kind,
            _ => FieldKind::Text,
        };
        self.columns
            .iter()
            .filter_map(move |column| Some((column.role.field()?, column.heading.as_str(), kind(column))))
    }
}

fn said(role: &ColumnRole) -> &'static str {
    let word = role.word();
    ColumnRole::WORDS.iter().find(|(one, _)| *one == word).map_or("the same", |(word, _)| word)
}

/// Whether a person means that heading.
fn is_called(heading: &str, typed: &str) -> bool {
    heading.trim() == typed.trim() || !plain(typed).is_empty() && plain(heading) == plain(typed)
}

/// Whether a person means that heading of all of these: the very one that they typed, where there is one.
fn is_meant<'a>((heading, mut all): (&str, impl Iterator<Item = &'a str>), typed: &str) -> bool {
    let is_it = |one: &str| one.trim() == typed.trim();
    is_it(heading) || is_called(heading, typed) && !all.any(is_it)
}

fn column((heading, all): (&str, &[String]), preset: Option<Preset>, choices: &ImportChoices) -> Column {
    let kind = FieldKind::Text;
    let column = |role, by, asks| Column { heading: heading.to_owned(), role, by, kind, asks };
    let is_said =
        |(typed, _): &&(String, ColumnRole)| is_meant((heading, all.iter().map(String::as_str)), typed);
    if let Some((_, role)) = choices.columns.iter().rev().find(is_said) {
        return column(role.clone(), MappedBy::Person, None);
    }
    if let Some(role) = preset.and_then(|preset| preset.role(heading)) {
        return column(role, MappedBy::Preset, None);
    }
    let guess = headings::guess(heading);
    let understood = |role| column(role, MappedBy::Heading, None);
    match guess {
        Guess::Email => understood(ColumnRole::Email),
        Guess::Name => understood(ColumnRole::Name),
        Guess::FirstName => understood(ColumnRole::FirstName),
        Guess::LastName => understood(ColumnRole::LastName),
        Guess::Joined => understood(ColumnRole::Joined),
        Guess::Ip => understood(ColumnRole::Ip),
        Guess::List => understood(ColumnRole::List),
        Guess::SadDate(state) => column(ColumnRole::Date(state), MappedBy::Nobody, Some(guess)),
        Guess::Confirmed => column(ColumnRole::Confirmed, MappedBy::Nobody, Some(guess)),
        Guess::Status(_) => column(ColumnRole::Status, MappedBy::Nobody, Some(guess)),
        Guess::Nothing => column(ColumnRole::NotRead, MappedBy::Nobody, None),
    }
}
