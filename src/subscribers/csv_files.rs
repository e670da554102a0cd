//! Readers from and to CSV files.
//!
//! Good rows come in, bad ones are listed with their line; doing it again adds only what is missing; who left, was blocked or was
//! forgotten stays away.

use std::{
    collections::HashMap,
    io::{BufRead as _, Read, Write},
};

use super::{
    SubscriberError, consent, find, forgotten,
    formula::{guarded, unguarded},
    implied::{Implied, NotImplied},
    read::SubscriptionState,
    spreadsheet, store,
};
use crate::{
    clock::Moment, db::Db, delivery::Suppressions, editions::Rhythm, email_address::EmailAddress,
    mail::clean_name, settings::Settings, site::Site, token,
};

/// Who answers for the consent of imported readers, and where it came from.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The basis in law, such as `consent`; `implied` where they bought or gave.
    pub basis: String,
    /// Where and when it was given, such as "sign-up sheets, spring fair 2026".
    pub source: String,
}

/// The basis of whoever bought or gave and did not agree: it runs out. The day on which they did may stand in a column `date`.
pub const IMPLIED: &str = "implied";

impl Basis {
    fn is_implied(&self) -> bool {
        self.basis.trim().eq_ignore_ascii_case(IMPLIED)
    }

    /// Nobody is mailed on the word of nobody (TRUST L6).
    fn is_said(&self) -> bool {
        let is_said = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST;
        is_said(&self.basis) && is_said(&self.source)
    }
}

/// A row of a file: its line, the address, the name, and until when consent is implied, where it is.
type Row = (u64, EmailAddress, String, Option<Moment>);

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file, from 1.
    pub line: u64,
    /// Why, in words for whoever mends the file.
    pub why: String,
}

/// What an import did.
#[derive(Clone, Debug, Default)]
pub struct ImportReport {
    /// Readers who now get the list.
    pub added: u64,
    /// Readers who were on the list already, or had left it.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub errors: Vec<RowError>,
}

/// Why nothing, or no more, was read or written.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// Nobody says on what these people may be mailed, or nobody will read all of it.
    #[error(
        "say on what basis these people may be mailed, and where and when they agreed; {LONGEST} characters each at most"
    )]
    NoBasis,
    /// The first line names no column `email`.
    #[error(
        "the file has no column called email (or E-Mail, Mail, Email address); its first line must name the columns"
    )]
    NoEmailColumn,
    /// It is in another encoding than UTF-8, from its first line on.
    #[error("the file is {NOT_UTF8}")]
    NotUtf8,
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] csv::Error),
    /// The database failed; the chunks before stay imported, and doing it again adds the rest.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// There is no such list.
    #[error(transparent)]
    Reader(#[from] SubscriberError),
}

/// What is wrong with a file, or a line of it, and what mends it.
const NOT_UTF8: &str = "not in UTF-8: save the file as “CSV UTF-8”";
/// The longest basis and source, in characters: both stand with each reader.
const LONGEST: usize = 300;
/// Rows taken in one transaction.
const CHUNK: usize = 500;

/// Imports readers into a list.
///
/// # Errors
/// [`CsvError`]; rows that are wrong are no error but listed in the report.
pub async fn import(
    site: &Site,
    file: impl Read + Send,
    list_id: i64,
    basis: &Basis,
) -> Result<ImportReport, CsvError> {
    if !basis.is_said() {
        return Err(CsvError::NoBasis);
    }
    if !store::lists(&site.db).await?.iter().any(|list| list.id == list_id && list.is_mailed()) {
        return Err(SubscriberError::NotFound.into());
    }
    let mut text = spreadsheet::text(file).map_err(csv::Error::from)?;
    let named = spreadsheet::named_delimiter(&mut text).map_err(csv::Error::from)?;
    let beginning = text.fill_buf().map_err(csv::Error::from)?;
    // UTF-16 without a mark.
    if spreadsheet::first_line(beginning).contains(&0) {
        return Err(CsvError::NotUtf8);
    }
    let delimiter = named.unwrap_or_else(|| spreadsheet::delimiter(beginning));
    let line_of = |at: &csv::Position| at.line() + u64::from(named.is_some());
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).delimiter(delimiter).from_reader(text);
    let headers = match reader.headers() {
        Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => return Err(CsvError::NotUtf8),
        headers => headers?.clone(),
    };
    let column = |names: &[&str]| headers.iter().position(|header| names.contains(&plain(header).as_str()));
    let email = column(&["email", "mail", "emailaddress", "emailadresse"]).ok_or(CsvError::NoEmailColumn)?;
    let name = column(&["name", "fullname"]);
    let date = column(&["date"]).filter(|_| basis.is_implied());
    let settings = Settings::load(&site.db).await?;
    // Our own export has it: who left, or never confirmed, stays out wherever the file is taken.
    let state = column(&["state"]);
    // And where consent was implied, it is nobody's own in another list either.
    let implied = column(&["implieduntil"]);
    let mut report = ImportReport::default();
    let mut rows = Vec::with_capacity(CHUNK);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, line_of);
                let why = match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => format!("it is {NOT_UTF8}"),
                    _ => error.to_string(),
                };
                report.errors.push(RowError { line, why });
                continue;
            }
        };
        let line = record.position().map_or(0, line_of);
        if let Some(state) = state
            .and_then(|at| record.get(at))
            .filter(|state| SubscriptionState::parse(state) != Some(SubscriptionState::Confirmed))
        {
            let state: String = state.chars().take(40).collect();
            report.errors.push(RowError { line, why: format!("the reader was not on the list: {state:?}") });
            continue;
        }
        match EmailAddress::parse(unguarded(record.get(email).unwrap_or_default())) {
            Ok(address) => {
                let name = name.and_then(|at| record.get(at)).map(unguarded).unwrap_or_default().to_owned();
                let cell =
                    |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|cell| !cell.is_empty());
                let until = match cell(implied) {
                    Some(until) => as_exported(until, &settings, site.now()).map(Some),
                    None if basis.is_implied() => implied_until(&settings, cell(date), site.now()),
                    None => Ok(None),
                };
                match until {
                    Ok(until) => rows.push((line, address, name, until)),
                    Err(why) => report.errors.push(RowError { line, why }),
                }
            }
            Err(error) => report.errors.push(RowError { line, why: error.to_string() }),
        }
        if rows.len() == CHUNK {
            import_chunk(site, &rows, list_id, basis, &mut report).await?;
            rows.clear();
        }
    }
    import_chunk(site, &rows, list_id, basis, &mut report).await?;
    find::tidy(&site.db).await?;
    Ok(report)
}

/// Until when somebody may be mailed who bought or gave on a day, today where the file does not say.
fn implied_until(settings: &Settings, day: Option<&str>, now: Moment) -> Result<Option<Moment>, String> {
    let since = match day {
        None => now,
        Some(day) => {
            let shown: String = day.chars().take(40).collect();
            let day = day.parse().ok().and_then(|day| settings.time_zone.day(day));
            day.ok_or_else(|| format!("{shown:?} is no day: write it as 2026-05-12"))?.0
        }
    };
    Implied::since(settings, since, now).map(|implied| implied.0).map_err(|why| why.to_string())
}

/// Until when somebody may be mailed of whom our own export says so.
fn as_exported(until: &str, settings: &Settings, now: Moment) -> Result<Moment, String> {
    let shown: String = until.chars().take(40).collect();
    let until: jiff::Timestamp =
        until.parse().map_err(|_| format!("{shown:?} is no moment: write it as 2026-05-12T00:00:00Z"))?;
    let until = Moment::from(until);
    if until > now {
        return Ok(until);
    }
    Err(NotImplied::RanOut(until.date(&settings.time_zone)).to_string())
}

/// A heading without what people write differently: `E-Mail` is `email`.
fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

async fn import_chunk(
    site: &Site,
    rows: &[Row],
    list: i64,
    basis: &Basis,
    report: &mut ImportReport,
) -> Result<(), CsvError> {
    let mut tx = site.db.begin().await?;
    forgotten::enter(&mut tx).await?;
    let was_forgotten = forgotten::among(&mut tx, site, rows.iter().map(|(_, email, ..)| email)).await?;
    let blocked =
        Suppressions::new(site).blocked_among(&mut tx, rows.iter().map(|(_, email, ..)| email)).await?;
    let mut readers = Vec::with_capacity(rows.len());
    for (((line, email, name, _), blocked), was_forgotten) in rows.iter().zip(blocked).zip(was_forgotten) {
        if blocked || was_forgotten {
            let why = if blocked { SubscriberError::Blocked } else { SubscriberError::Forgotten };
            let why = why.to_string();
            report.errors.push(RowError { line: *line, why });
            continue;
        }
        let name = if name.is_empty() { String::new() } else { clean_name(name) };
        readers.push((token::public_id(), email, email.key(), name));
    }
    let taken = readers.len();
    let readers = store::subscribers_for(&mut tx, &readers, site.now()).await?;
    let added = store::join_new(&mut tx, &readers, list, site.now()).await?;
    if rows.iter().any(|(.., until)| until.is_some()) {
        let until: HashMap<String, Moment> =
            rows.iter().filter_map(|(_, email, _, until)| Some((email.key(), (*until)?))).collect();
        let keys = store::keys(&mut tx, &added).await?;
        let until: Vec<(i64, Moment)> =
            keys.iter().filter_map(|(id, key)| Some((*id, *until.get(key)?))).collect();
        store::implied(&mut tx, list, &until).await?;
    }
    consent::record_import(&mut tx, site, &added, list, &format!("{}: {}", basis.basis, basis.source))
        .await?;
    tx.commit().await?;
    report.added += added.len() as u64;
    report.unchanged += (taken - added.len()) as u64;
    Ok(())
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
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record([
        "email",
        "name",
        "list",
        "state",
        "confirmed_at",
        "paused_until",
        "implied_until",
        "rhythm",
    ])?;
    let now = site.now();
    let (mut after, mut lines) = (0, 0);
    loop {
        let mut rows = store::export(&site.db, after, 2_000).await?;
        // A reader's lines may be cut off at the end of a page: read that reader again, whole, with the next one.
        let full = rows.len() == 2_000;
        if let (true, Some(last)) = (full, rows.last().map(|row| row.id)) {
            rows.retain(|row| row.id != last);
        }
        let Some(last) = rows.last().map(|row| row.id) else { break };
        for row in &rows {
            let moment = |at: Option<Moment>| at.map(|at| at.to_string()).unwrap_or_default();
            let rests = |until: &Moment| row.state == SubscriptionState::Confirmed && *until > now;
            let rhythm = row.rhythm.map_or("", Rhythm::as_str);
            writer.write_record([
                &guarded(&row.email),
                &guarded(&row.name),
                &row.list,
                row.state.as_str(),
                &moment(row.confirmed_at),
                &moment(row.paused_until.filter(rests)),
                &moment(row.implied_until),
                rhythm,
            ])?;
            lines += 1;
        }
        after = last;
        if !full {
            break;
        }
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(lines)
}
