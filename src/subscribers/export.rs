//! Readers as a CSV file: a line for each reader and list, with all that their magazine would have to know elsewhere; or a line for each
//! reader, to be read by people.
//!
//! The rule: what is written here comes in again as it was (`import`), on either engine: in the order of addresses and of the lists'
//! short names, which every instance has in common.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
};

use super::{
    consent::ConsentAction,
    fields::{self, Field},
    read::SubscriptionState,
    store::{self, importing},
};
use crate::{
    clock::Moment,
    db::Db,
    delivery::Suppressions,
    editions::Rhythm,
    email_address::EmailAddress,
    moving_in::{guarded, own_heading, write_names},
    site::Site,
    words,
};

/// Why no more was written.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] csv::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// So many readers are read at once.
const PAGE: i64 = 500;

/// What every file has; behind it stands a column for each field.
const COLUMNS: [&str; 14] = [
    "email",
    "name",
    "list",
    "state",
    "confirmed_at",
    "left_at",
    "paused_until",
    "suppression",
    "suppressed_at",
    "consent",
    "consent_at",
    "topics",
    "implied_until",
    "rhythm",
];

/// The columns of a file with a line for each reader.
const OF_READERS: [&str; 8] =
    ["email", "name", "state", "lists", "left_lists", "suppression", "suppressed_at", "known_since"];

words! {
    /// What a line of the file is about.
    #[derive(Default)]
    pub enum ExportLines {
        /// A reader and a list of theirs: it comes in again as it was.
        #[default]
        Lists = "lists",
        Readers = "readers",
    }
}

/// How many lines [`export`] would write now.
pub async fn lines_of_export(db: &Db) -> crate::db::Result<i64> {
    store::lines_of_export(db).await
}

/// Writes every reader and list as CSV, a line each; returns the number of lines.
///
/// # Errors
/// [`CsvError`]; what was written stays written.
pub async fn export(site: &Site, file: impl Write + Send) -> Result<u64, CsvError> {
    let mut file = file;
    let mut export = Export::begin(site, ExportLines::Lists).await?;
    file.write_all(&export.headings()?).map_err(csv::Error::from)?;
    while let Some(ahead) = export.ahead(site).await? {
        file.write_all(&export.lines_of(site, &ahead).await?).map_err(csv::Error::from)?;
    }
    file.flush().map_err(csv::Error::from)?;
    Ok(export.lines)
}

/// A file that is written piece by piece, as somebody takes it.
#[derive(Debug)]
pub struct Export {
    of: ExportLines,
    fields: Vec<Field>,
    after: String,
    /// How many lines were written below the headings.
    pub lines: u64,
}

/// The readers who come next.
#[derive(Debug)]
pub struct ExportAhead(Vec<importing::ReaderToWrite>);

impl ExportAhead {
    /// Their numbers.
    #[must_use]
    pub fn ids(&self) -> Vec<i64> {
        self.0.iter().map(|reader| reader.id).collect()
    }

    /// Those of them alone.
    #[must_use]
    pub fn only(mut self, kept: &[i64]) -> Self {
        let kept: HashSet<i64> = kept.iter().copied().collect();
        self.0.retain(|reader| kept.contains(&reader.id));
        self
    }
}

impl Export {
    /// From the beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(site: &Site, of: ExportLines) -> crate::db::Result<Self> {
        Ok(Self { of, fields: fields::all(&site.db).await?, after: String::new(), lines: 0 })
    }

    /// Its first line.
    ///
    /// # Errors
    /// Never, in truth.
    pub fn headings(&self) -> Result<Vec<u8>, CsvError> {
        let columns = match self.of {
            ExportLines::Lists => COLUMNS.as_slice(),
            ExportLines::Readers => OF_READERS.as_slice(),
        };
        let headings = columns.iter().map(|&name| name.to_owned());
        let fields = self.fields.iter().map(|field| own_heading(&field.name, &field.label));
        written([headings.chain(fields).collect::<Vec<_>>()])
    }

    /// Whoever comes next, in the order of addresses; none at the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ahead(&mut self, site: &Site) -> crate::db::Result<Option<ExportAhead>> {
        let readers = importing::readers_to_write(&site.db, &self.after, PAGE).await?;
        let Some(last) = readers.last() else { return Ok(None) };
        self.after = last.email_key.clone();
        Ok(Some(ExportAhead(readers)))
    }

    /// Their lines.
    ///
    /// # Errors
    /// [`CsvError`].
    pub async fn lines_of(&mut self, site: &Site, ahead: &ExportAhead) -> Result<Vec<u8>, CsvError> {
        let fields: Vec<i64> = self.fields.iter().map(|field| field.id).collect();
        let lines = match self.of {
            ExportLines::Lists => page(site, &ahead.0, &fields).await?,
            ExportLines::Readers => page_of_readers(site, &ahead.0, &fields).await?,
        };
        self.lines += lines.len() as u64;
        written(lines)
    }
}

fn written(lines: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, CsvError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.write_record(line)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

fn at(moment: Option<Moment>) -> String {
    moment.map(|at| at.to_string()).unwrap_or_default()
}

/// The lines of some readers.
async fn page(
    site: &Site,
    readers: &[importing::ReaderToWrite],
    fields: &[i64],
) -> crate::db::Result<Vec<Vec<String>>> {
    let ids: Vec<i64> = readers.iter().map(|reader| reader.id).collect();
    let mut subscriptions: HashMap<i64, Vec<importing::SubscriptionToWrite>> = HashMap::new();
    for one in importing::subscriptions_to_write(&site.db, &ids).await? {
        subscriptions.entry(one.subscriber_id).or_default().push(one);
    }
    let consent = importing::consent_to_write(&site.db, &ids).await?;
    let consent: HashMap<_, _> =
        consent.into_iter().map(|one| ((one.subscriber_id, one.list_id), one)).collect();
    let answers = importing::answers_to_write(&site.db, &ids).await?;
    let answers: HashMap<_, _> =
        answers.into_iter().map(|(reader, field, value)| ((reader, field), value)).collect();
    let mut topics: HashMap<(i64, i64), Vec<String>> = HashMap::new();
    for (reader, list, name) in importing::topics_to_write(&site.db, &ids).await? {
        topics.entry((reader, list)).or_default().push(name);
    }
    let addresses: Vec<EmailAddress> =
        readers.iter().map(|reader| EmailAddress::from_store(reader.email.clone())).collect();
    let stopped = Suppressions::new(site).since_among(addresses.iter()).await?;
    let now = site.now();
    let mut lines = Vec::new();
    for (reader, stopped) in readers.iter().zip(stopped) {
        let mut theirs = subscriptions.remove(&reader.id).unwrap_or_default();
        theirs.sort_by(|a, b| a.list.cmp(&b.list));
        for one in theirs {
            let key = (reader.id, one.list_id);
            let (said, said_at) = consent.get(&key).map(told).unwrap_or_default();
            // What was true of a former time is not told: who is back has left nothing.
            let left_at = one.left_at.filter(|_| one.state == SubscriptionState::Left);
            let rests = |until: &Moment| one.state == SubscriptionState::Confirmed && *until > now;
            let paused_until = one.paused_until.filter(rests);
            let mut chosen = topics.remove(&key).unwrap_or_default();
            chosen.sort();
            let mut line = vec![
                guarded(&reader.email),
                guarded(&reader.name),
                one.list,
                one.state.to_string(),
                at(one.confirmed_at),
                at(left_at),
                at(paused_until),
                stopped.map(|(reason, _)| reason.to_string()).unwrap_or_default(),
                at(stopped.map(|(_, since)| since)),
                guarded(&said),
                said_at,
                guarded(&write_names(chosen.iter().map(String::as_str))),
                at(one.implied_until.filter(|_| one.state == SubscriptionState::Confirmed)),
                one.rhythm.map_or("", Rhythm::as_str).to_owned(),
            ];
            let of_reader =
                |field: &i64| answers.get(&(reader.id, *field)).map_or(String::new(), |value| guarded(value));
            line.extend(fields.iter().map(of_reader));
            lines.push(line);
        }
    }
    Ok(lines)
}

/// A line for each of some readers. How they stand stands in it as in a file of lists, so that nobody who left comes in by it.
async fn page_of_readers(
    site: &Site,
    readers: &[importing::ReaderToWrite],
    fields: &[i64],
) -> crate::db::Result<Vec<Vec<String>>> {
    let ids: Vec<i64> = readers.iter().map(|reader| reader.id).collect();
    let mut subscriptions: HashMap<i64, Vec<importing::SubscriptionToWrite>> = HashMap::new();
    for one in importing::subscriptions_to_write(&site.db, &ids).await? {
        subscriptions.entry(one.subscriber_id).or_default().push(one);
    }
    let answers = importing::answers_to_write(&site.db, &ids).await?;
    let answers: HashMap<_, _> =
        answers.into_iter().map(|(reader, field, value)| ((reader, field), value)).collect();
    let addresses: Vec<EmailAddress> =
        readers.iter().map(|reader| EmailAddress::from_store(reader.email.clone())).collect();
    let stopped = Suppressions::new(site).since_among(addresses.iter()).await?;
    let since: HashMap<i64, Moment> = importing::known_since(&site.db, &ids).await?.into_iter().collect();
    let mut lines = Vec::new();
    for (reader, stopped) in readers.iter().zip(stopped) {
        let theirs = subscriptions.remove(&reader.id).unwrap_or_default();
        let named = |state: SubscriptionState| {
            let mut names: Vec<&str> =
                theirs.iter().filter(|one| one.state == state).map(|one| one.list.as_str()).collect();
            names.sort_unstable();
            names.join(", ")
        };
        let (on, left) = (named(SubscriptionState::Confirmed), named(SubscriptionState::Left));
        let state = match (on.is_empty(), left.is_empty()) {
            (false, _) => SubscriptionState::Confirmed,
            (true, false) => SubscriptionState::Left,
            (true, true) => SubscriptionState::Pending,
        };
        let mut line = vec![
            guarded(&reader.email),
            guarded(&reader.name),
            state.to_string(),
            on,
            left,
            stopped.map(|(reason, _)| reason.to_string()).unwrap_or_default(),
            at(stopped.map(|(_, since)| since)),
            at(since.get(&reader.id).copied()),
        ];
        let of_reader =
            |field: &i64| answers.get(&(reader.id, *field)).map_or(String::new(), |value| guarded(value));
        line.extend(fields.iter().map(of_reader));
        lines.push(line);
    }
    Ok(lines)
}

/// What a file says of a consent, and of when it was given: what it was told itself, if it was.
fn told(event: &importing::ConsentToWrite) -> (String, String) {
    let at = event.told_at.unwrap_or(event.at).to_string();
    if !event.told.is_empty() {
        return (event.told.clone(), at);
    }
    let source = event.source.trim();
    let words = match (event.action, source.is_empty()) {
        (ConsentAction::Imported, _) => format!("imported: {source}"),
        (action, true) => format!("{action} by {}", event.method),
        (action, false) => format!("{action} by {}: {source}", event.method),
    };
    // A cell is one line.
    (words.split_whitespace().collect::<Vec<_>>().join(" "), at)
}
