//! A file, looked through before anything is taken from it: who wrote it, what its columns are, and what nobody has said yet.

use std::collections::BTreeMap;

use super::{
    dates,
    formula::unguarded,
    headings::{self, Guess},
    in_order::Rows,
    mapping::{Column, EMPTY, EVERYBODY, ImportChoices, Mapping},
    packed::PackedError,
    presets::Preset,
    records::{Record, TableError},
    roles::ColumnRole,
    rows::FileRow,
    source::TableSource,
    state::State,
    table::Table,
};
use crate::answers::KindSeen;

/// So many words of a column are told; where there are more, it holds something else.
const MOST_WORDS: usize = 40;
/// So many of the first rows are shown.
const SHOWN: usize = 8;

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    pub mapping: Mapping,
    /// How many lines there are below the headings.
    pub rows: u64,
    /// The first of them, as they would be taken; where something is to be said, as anybody would guess it.
    pub first: Vec<FileRow>,
    /// What nobody has said yet: while there is any of it, nothing is taken.
    pub unsaid: Vec<Unsaid>,
    /// Of each column that says how somebody stands its words, with how many have it and what becomes of them.
    pub words: Vec<ColumnWords>,
}

/// A column's words.
#[derive(Clone, Debug)]
pub struct ColumnWords {
    pub heading: String,
    pub words: Vec<Word>,
}

/// A word that says how somebody stands.
#[derive(Clone, Debug)]
pub struct Word {
    pub value: String,
    /// How many lines have it.
    pub count: u64,
    /// What becomes of them, as a person or the program said.
    pub becomes: Option<State>,
    /// What anybody would guess.
    pub guess: Option<State>,
}

impl Word {
    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.value.is_empty() { EMPTY } else { &self.value }
    }
}

/// What a person has to say.
#[derive(Clone, Debug)]
pub enum Unsaid {
    /// What the words of a column mean.
    Words {
        heading: String,
        /// Those that nobody explained.
        words: Vec<Word>,
    },
    /// What a column is: it seems to say since when somebody is not mailed, or that they confirmed.
    Column {
        heading: String,
        /// What it seems to be.
        guess: ColumnRole,
        /// How many lines have something there.
        count: u64,
    },
    /// What a column is that may say who is not mailed: nobody understands it, or it holds very many words.
    Unclear {
        heading: String,
        /// What is to be seen there.
        example: String,
        /// What it may be, to be asked further.
        guess: ColumnRole,
    },
    /// How everybody in the file stands: its name speaks of those who are not mailed, and no column says it.
    Everybody { guess: State },
    /// Which column has the addresses. With the cells of the first line.
    Addresses { examples: Vec<String> },
    /// The file lacks the column that says who may be mailed.
    Lacks { words: &'static str },
}

impl Survey {
    /// What to add to the command, with the best guesses.
    #[must_use]
    pub fn line(&self) -> String {
        let lines = self.unsaid.iter().map(|one| one.line(self.words.len() > 1));
        lines.collect::<Vec<_>>().join(" ")
    }
}

impl Unsaid {
    /// What to add to the command, with the best guess.
    fn line(&self, of_several: bool) -> String {
        match self {
            Self::Words { heading, words } => {
                let one = |word: &Word| {
                    let becomes = word.guess.unwrap_or(State::NotTaken);
                    let value = if of_several {
                        format!("{heading}:{}", word.shown())
                    } else {
                        word.shown().to_owned()
                    };
                    format!("--status {}", quoted(&format!("{value}={becomes}")))
                };
                words.iter().map(one).collect::<Vec<_>>().join(" ")
            }
            Self::Column { heading, guess, .. } | Self::Unclear { heading, guess, .. } => {
                format!("--map {}", quoted(&format!("{heading}={}", guess.word())))
            }
            Self::Everybody { guess } => format!("--status {}", quoted(&format!("{EVERYBODY}={guess}"))),
            Self::Addresses { .. } => "--map 'COLUMN=email'".to_owned(),
            Self::Lacks { .. } => format!("--status {}", quoted(&format!("{EVERYBODY}={}", State::OnList))),
        }
    }
}

/// As a shell takes it whole.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The file by what was said of it.
///
/// # Errors
/// [`TableError`].
pub fn rows(source: &impl TableSource, mapping: &Mapping) -> Result<Rows, TableError> {
    let mut table = Table::open(source)?;
    table.set_escaped(is_escaped(mapping));
    Ok(Rows::of(table, mapping.clone()))
}

/// MailPoet alone writes a backslash before a quotation mark.
fn is_escaped(mapping: &Mapping) -> bool {
    mapping.preset == Some(Preset::MailPoet)
}

/// What is counted of a column.
#[derive(Default)]
struct Counted {
    words: BTreeMap<String, u64>,
    is_more: bool,
    filled: u64,
    sad: Option<String>,
    dates: u64,
    /// Cells that hold an address.
    addresses: u64,
}

impl Counted {
    fn count(&mut self, cell: &str) {
        let cell = cell.trim();
        if !dates::is_none(cell) {
            self.filled += 1;
            self.dates +=
                u64::from(!cell.bytes().all(|byte| byte.is_ascii_digit()) && dates::moment(cell).is_some());
        }
        self.addresses += u64::from(cell.contains('@'));
        if self.sad.is_none() && headings::sad(cell).is_some() {
            self.sad = Some(cell.to_owned());
        }
        let key: String = cell.to_lowercase().chars().take(100).collect();
        if let Some(count) = self.words.get_mut(&key) {
            *count += 1;
        } else if self.words.len() < MOST_WORDS {
            self.words.insert(key, 1);
        } else {
            self.is_more = true;
        }
    }

    /// Whether all that stands there is a yes, a no or a mark, and something does.
    fn is_yes_or_no(&self) -> bool {
        !self.is_more
            && self.words.keys().all(|word| {
                headings::is_yes_or_no(word)
                    || dates::is_none(word)
                    || !word.chars().any(char::is_alphanumeric)
            })
            && self.words.keys().any(|word| !word.is_empty())
    }

    /// Whether all that stands there is a day, and something does.
    fn are_dates(&self) -> bool {
        self.filled > 0 && self.dates == self.filled
    }

    /// Whether a column that nobody understands may say who is not to be mailed: its heading speaks of mail, or it holds nothing but yes
    /// and no, or days. The columns of a program that we know are known, but for those that speak of mail.
    fn may_say_no(&self, column: &Column, mapping: &Mapping) -> bool {
        let are_addresses = self.filled > 0 && self.addresses == self.filled;
        let says_nothing = self.words.keys().all(|word| matches!(word.as_str(), "" | "-" | "–"));
        if says_nothing || are_addresses {
            return false;
        }
        let is_of_joining = headings::guess(&column.heading) == Guess::Joined;
        let are_days = self.are_dates() && !is_of_joining;
        headings::speaks_of_mail(&column.heading) && (!self.is_more || are_days) && !is_of_joining
            || mapping.preset.is_none()
                && (self.is_yes_or_no() || are_days && headings::may_be_such_a_day(&column.heading))
    }

    /// Whether each of its words can be asked about: they are few, and no sentences.
    fn has_few_words(&self) -> bool {
        !self.is_more && self.words.len() <= 12 && self.words.keys().all(|word| word.chars().count() <= 40)
    }

    fn words(&self, column: &Column, mapping: &Mapping) -> Vec<Word> {
        let word = |(value, count): (&String, &u64)| Word {
            value: value.clone(),
            count: *count,
            becomes: mapping.state(column, value),
            guess: column
                .meant(value)
                .or_else(|| headings::of_file_name(value).filter(|_| column.heading == headings::OF_TABLE)),
        };
        self.words.iter().map(word).collect()
    }
}

/// Looks through a file, to its end.
///
/// # Errors
/// [`TableError`].
pub fn survey(source: &impl TableSource, choices: &ImportChoices) -> Result<Survey, TableError> {
    let (survey, lacks) = look(source, choices)?;
    lacks.map_or(Ok(survey), Err)
}

/// The same for somebody who can say which column has the addresses, where none is called so: that is asked like everything else.
///
/// # Errors
/// [`TableError`].
pub fn survey_to_ask(source: &impl TableSource, choices: &ImportChoices) -> Result<Survey, TableError> {
    let (survey, lacks) = look(source, choices)?;
    let is_asked = survey.unsaid.iter().any(|one| matches!(one, Unsaid::Addresses { .. }));
    match lacks {
        Some(error) if !is_asked => Err(error),
        _ => Ok(survey),
    }
}

/// Looks through it; and what is wrong with it where nobody knows which column has the addresses.
fn look(
    source: &impl TableSource,
    choices: &ImportChoices,
) -> Result<(Survey, Option<TableError>), TableError> {
    let mut table = Table::open(source)?;
    let mut mapping = Mapping::of(&table.headings, &table.name, choices)?;
    mapping.others = std::mem::take(&mut table.others);
    let names_others = |name: &&String| !name.ends_with(" (empty)") && headings::of_file_name(name).is_some();
    if let Some(name) = mapping.others.iter().find(names_others) {
        return Err(PackedError::Beside(name.clone()).into());
    }
    table.set_escaped(is_escaped(&mapping));
    let mut counted: Vec<Counted> = mapping.columns.iter().map(|_| Counted::default()).collect();
    let mut kinds: Vec<KindSeen> = mapping.columns.iter().map(|_| KindSeen::new(mapping.is_own())).collect();
    let mut rows = 0;
    let (mut examples, mut has_any) = (Vec::new(), false);
    let lacks = (!mapping.has_addresses()).then(|| no_addresses(&table));
    while let Some(record) = table.next()? {
        rows += 1;
        if lacks.is_some() {
            has_any |= record.cells.iter().any(|cell| cell.contains('@'));
            if examples.is_empty() {
                examples = record.cells.iter().map(|cell| cell.trim().chars().take(60).collect()).collect();
            }
        }
        count(&record, &mapping, (&mut counted, &mut kinds));
    }
    for (column, kind) in mapping.columns.iter_mut().zip(&kinds) {
        column.kind = kind.kind();
    }
    let mut unsaid = Vec::new();
    let mut words = Vec::new();
    if has_any {
        unsaid.push(Unsaid::Addresses { examples });
    }
    for (at, counted) in counted.iter().enumerate() {
        let found = ask(&mapping.columns[at], counted, &mapping);
        unsaid.extend(found.unsaid);
        if let Some(role) = found.role {
            mapping.columns[at].role = role;
        }
        words.extend(
            found.words.map(|words| ColumnWords { heading: mapping.columns[at].heading.clone(), words }),
        );
    }
    if mapping.everybody.is_none() {
        unsaid.push(Unsaid::Everybody { guess: mapping.everybody_perhaps });
    }
    if let Some(words) = mapping.lacks {
        unsaid.push(Unsaid::Lacks { words });
    }
    let guesses = words.iter().flat_map(|column: &ColumnWords| {
        let open = column.words.iter().filter(|word| word.becomes.is_none());
        open.filter_map(|word| Some((column.heading.clone(), word.value.clone(), word.guess?)))
    });
    let mut of_the_file = self::rows(source, &mapping.as_guessed(guesses))?;
    let mut first = Vec::new();
    while let Some(row) = of_the_file.read()?.filter(|_| first.len() < SHOWN && lacks.is_none()) {
        first.push(row);
    }
    Ok((Survey { mapping, rows, first, unsaid, words }, lacks))
}

fn no_addresses(table: &Table) -> TableError {
    if table.is_headless {
        return TableError::NoHeadings;
    }
    let names = table.headings.iter().take(40).map(|heading| heading.chars().take(60).collect());
    TableError::NoEmailColumn(names.collect::<Vec<String>>().join(", "))
}

fn count(record: &Record, mapping: &Mapping, (counted, kinds): (&mut [Counted], &mut [KindSeen])) {
    if record.is_too_long {
        return;
    }
    for (at, column) in mapping.columns.iter().enumerate() {
        if column.role == ColumnRole::Status && record.missing.contains(&at) {
            // Nothing is taken of that line.
            continue;
        }
        let cell = record.cells.get(at).map_or("", String::as_str);
        if column.asks.is_some() || column.is_watched() || column.role == ColumnRole::Status {
            counted[at].count(cell);
        }
        if column.may_be_field() || column.asks.is_some() {
            kinds[at].see(unguarded(cell.trim()));
        }
    }
}

/// What a column turned out to be.
#[derive(Default)]
struct Found {
    unsaid: Option<Unsaid>,
    role: Option<ColumnRole>,
    words: Option<Vec<Word>>,
}

impl Found {
    fn unsaid(unsaid: Unsaid) -> Self {
        Self { unsaid: Some(unsaid), ..Self::default() }
    }

    /// Its words say how somebody stands.
    fn words(heading: String, words: Vec<Word>) -> Self {
        let open: Vec<Word> = words.iter().filter(|word| word.becomes.is_none()).cloned().collect();
        let unsaid = (!open.is_empty()).then_some(Unsaid::Words { heading, words: open });
        Self { unsaid, role: Some(ColumnRole::Status), words: Some(words) }
    }
}

fn ask(column: &Column, counted: &Counted, mapping: &Mapping) -> Found {
    let heading = column.heading.clone();
    let date = |state: State| {
        Found::unsaid(Unsaid::Column {
            heading: heading.clone(),
            guess: ColumnRole::Date(state),
            count: counted.filled,
        })
    };
    let unclear = |example: Option<&String>| {
        let example = example.or_else(|| counted.words.keys().find(|word| !word.is_empty()));
        let guess = if counted.are_dates() {
            ColumnRole::Date(State::Left)
        } else if counted.is_more {
            ColumnRole::NotRead
        } else {
            ColumnRole::Status
        };
        let example = example.cloned().unwrap_or_default();
        Found::unsaid(Unsaid::Unclear { heading: heading.clone(), example, guess })
    };
    let says_nothing = counted.words.keys().all(String::is_empty);
    let are_dates = counted.are_dates();
    let by_words = || Found::words(heading.clone(), counted.words(column, mapping));
    match (column.asks, &column.role) {
        // Nobody has anything there that speaks against mail.
        (Some(Guess::SadDate(_)), _) if says_nothing => Found::default(),
        (Some(Guess::Status(state)), _) if says_nothing && state != State::OnList => {
            Found { role: Some(ColumnRole::NotRead), ..Found::default() }
        }
        (Some(Guess::Confirmed), _) => {
            Found::unsaid(Unsaid::Column { heading, guess: ColumnRole::Confirmed, count: counted.filled })
        }
        (Some(Guess::SadDate(state)), _) if are_dates || counted.is_more => date(state),
        (Some(Guess::Status(state)), _) if are_dates && state != State::OnList => date(state),
        (Some(_), _) | (None, ColumnRole::Status) if counted.is_more => unclear(None),
        (Some(_), _) | (None, ColumnRole::Status) => by_words(),
        _ if column.is_watched() && counted.sad.is_some() => match counted.has_few_words() {
            true => by_words(),
            false => unclear(counted.sad.as_ref()),
        },
        // Nobody can choose what it is by its heading, but what its words mean.
        _ if column.is_watched() && counted.may_say_no(column, mapping) => match heading.trim().is_empty() {
            true => by_words(),
            false => unclear(None),
        },
        _ => Found::default(),
    }
}
