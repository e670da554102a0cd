//! What was seen in a file, and what was said of it, as rows keep them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    answers::FieldKind,
    db,
    moving_in::{ColumnRole, FileRow, ImportChoices, Preset, State, Survey, Unsaid},
};

/// A longer heading stands for itself: nobody chooses for it.
const LONGEST_HEADING: usize = 200;

/// What was seen when a file was looked through.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Who wrote it, as far as it shows.
    pub preset: Option<Preset>,
    /// Lines below the headings.
    pub rows: u64,
    pub columns: Vec<SeenColumn>,
    /// Of each column that says how somebody stands its words.
    pub words: Vec<SeenWords>,
    /// How everybody stands has to be said; the guess.
    pub everybody: Option<State>,
    /// A column that is missing, which says who may be mailed.
    pub lacks: Option<String>,
    /// The first lines, as they would be taken.
    pub first: Vec<SeenRow>,
    /// What else is in the file, and is not read.
    #[serde(default)]
    pub others: Vec<String>,
    /// Nobody knows which column has the addresses.
    #[serde(default)]
    pub lacks_addresses: bool,
    /// Something has to be said before anything is taken.
    pub is_open: bool,
}

/// A column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenColumn {
    pub heading: String,
    /// What it is, in the word that people choose it by.
    pub role: String,
    /// What all of it is, if it becomes a field.
    #[serde(default)]
    pub kind: FieldKind,
    /// What has to be said of it.
    pub asks: Option<AskedOfColumn>,
    /// What stands there in the first line, where nobody knows which column has the addresses.
    #[serde(default)]
    pub example: String,
}

/// What has to be said of a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AskedOfColumn {
    /// It has something in so many lines, and seems to be this.
    Column { guess: String, count: u64 },
    /// It may say who is not to be mailed, and holds things such as this.
    Unclear { example: String },
}

/// The words of a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenWords {
    pub heading: String,
    pub words: Vec<SeenWord>,
}

/// A word that says how somebody stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenWord {
    pub value: String,
    pub count: u64,
    /// What becomes of them, as its program or a person said.
    pub becomes: Option<State>,
    pub guess: Option<State>,
}

/// A line as it would be taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenRow {
    pub line: u64,
    /// The file in an archive whose line it is; empty where there is one file alone.
    #[serde(default)]
    pub file: String,
    pub email: String,
    pub name: String,
    /// As the file names it; empty where it does not.
    pub list: String,
    /// How they stand; none where nothing is taken.
    pub state: Option<State>,
    /// Why nothing is taken.
    pub problem: String,
    /// Answers and topics.
    pub more: Vec<(String, String)>,
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

impl Seen {
    pub(super) fn of(survey: &Survey) -> Self {
        let asks = |heading: &str| {
            survey.unsaid.iter().find_map(|one| match one {
                Unsaid::Column { heading: of, guess, count } if of == heading => {
                    Some(AskedOfColumn::Column { guess: guess.word(), count: *count })
                }
                Unsaid::Unclear { heading: of, example, .. } if of == heading => {
                    Some(AskedOfColumn::Unclear { example: cut(example, 100) })
                }
                _ => None,
            })
        };
        let examples = survey.unsaid.iter().find_map(|one| match one {
            Unsaid::Addresses { examples } => Some(examples.as_slice()),
            _ => None,
        });
        let example = |at: usize| examples.and_then(|examples| examples.get(at)).cloned().unwrap_or_default();
        let columns = survey.mapping.columns.iter().enumerate().map(|(at, column)| SeenColumn {
            heading: cut(&column.heading, LONGEST_HEADING),
            role: column.role.word(),
            kind: column.kind,
            asks: asks(&column.heading),
            example: example(at),
        });
        let words = survey.words.iter().map(|column| SeenWords {
            heading: cut(&column.heading, LONGEST_HEADING),
            words: column
                .words
                .iter()
                .map(|word| SeenWord {
                    value: word.value.clone(),
                    count: word.count,
                    becomes: word.becomes,
                    guess: word.guess,
                })
                .collect(),
        });
        let place = |row: &FileRow| match &row.within {
            Some((file, line)) => (*line, cut(file, LONGEST_HEADING)),
            None => (row.line, String::new()),
        };
        let first = survey.first.iter().map(|row| match &row.entry {
            Err(problem) => SeenRow {
                line: place(row).0,
                file: place(row).1,
                email: String::new(),
                name: String::new(),
                list: String::new(),
                state: None,
                problem: problem.clone(),
                more: Vec::new(),
            },
            Ok(entry) => {
                let answers = entry.answers.iter().map(|(name, answer)| (name.clone(), cut(answer, 80)));
                let topics =
                    (!entry.topics.is_empty()).then(|| ("Topics".to_owned(), entry.topics.join(", ")));
                SeenRow {
                    line: place(row).0,
                    file: place(row).1,
                    email: entry.email.to_string(),
                    name: cut(&entry.name, 100),
                    list: cut(entry.list.as_deref().unwrap_or_default(), 100),
                    state: Some(entry.state),
                    problem: String::new(),
                    more: answers.chain(topics).take(20).collect(),
                }
            }
        });
        let everybody = survey.unsaid.iter().find_map(|one| match one {
            Unsaid::Everybody { guess } => Some(*guess),
            Unsaid::Lacks { .. } => Some(State::OnList),
            _ => None,
        });
        let lacks = survey.unsaid.iter().find_map(|one| match one {
            Unsaid::Lacks { words } => Some((*words).to_owned()),
            _ => None,
        });
        Self {
            preset: survey.mapping.preset,
            rows: survey.rows,
            columns: columns.collect(),
            words: words.collect(),
            everybody,
            lacks,
            first: first.collect(),
            others: survey.mapping.others().iter().take(50).map(|name| cut(name, LONGEST_HEADING)).collect(),
            lacks_addresses: examples.is_some(),
            is_open: !survey.unsaid.is_empty(),
        }
    }

    /// Columns that nobody reads.
    pub fn not_read(&self) -> impl Iterator<Item = &str> {
        let not_read = ColumnRole::NotRead.word();
        let columns = self.columns.iter().filter(move |column| column.role == not_read);
        columns.map(|column| column.heading.as_str()).filter(|heading| !heading.is_empty())
    }
}

/// What was said of a file, as a row keeps it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Said {
    preset: Option<Preset>,
    columns: Vec<(String, String)>,
    words: Vec<(Option<String>, String, State)>,
}

impl Said {
    pub(super) fn of(choices: &ImportChoices) -> Self {
        let columns = choices.columns.iter().map(|(heading, role)| (heading.clone(), role.word()));
        Self { preset: choices.preset, columns: columns.collect(), words: choices.words.clone() }
    }

    pub(super) fn choices(self) -> ImportChoices {
        let columns = self.columns.into_iter().filter_map(|(heading, word)| {
            let role = ColumnRole::named(&word)?;
            Some((heading, role))
        });
        ImportChoices { preset: self.preset, columns: columns.collect(), words: self.words }
    }

    /// With more that was said, which is stronger.
    pub(super) fn and(mut self, newer: &ImportChoices) -> Self {
        let newer = Self::of(newer);
        self.preset = newer.preset.or(self.preset);
        self.columns.retain(|(heading, _)| !newer.columns.iter().any(|(other, _)| other == heading));
        self.columns.extend(newer.columns);
        self.words.retain(|(heading, value, _)| {
            !newer.words.iter().any(|(other, said, _)| other == heading && said == value)
        });
        self.words.extend(newer.words);
        self
    }
}

pub(super) fn read<T: DeserializeOwned + Default>(text: &str) -> db::Result<T> {
    if text.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn written(what: &impl Serialize) -> db::Result<String> {
    serde_json::to_string(what).map_err(|error| sqlx::Error::Encode(error.into()))
}
