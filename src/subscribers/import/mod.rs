//! Readers from a file.
//!
//! The rules: nobody is put on a list of whom the file, a person or the program that wrote it does not say that they may be mailed; who
//! left, bounced or complained there is written down so; who left, is stopped or was forgotten here stays so. Somebody answers for the
//! consent of the others. It goes in steps of some hundred rows, each a transaction, and whoever was refused mail first; done again,
//! after it was killed too, it adds only what is missing.

mod chunk;
mod places;
mod plan;
mod report;

use std::io;

use self::{
    chunk::{Line, take},
    places::Places,
    plan::LONGEST,
};
pub use self::{
    plan::{Basis, IMPLIED, Plan},
    report::{ImportReport, RowError},
};
use super::{SubscriberError, find, store};
use crate::{
    db,
    moving_in::{self, FileRow, ImportChoices, State, Survey, TableError, TableSource},
    settings::Settings,
    site::Site,
};

/// Rows taken in one transaction.
const CHUNK: usize = 500;

/// Why nothing, or no more, was taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nobody says on what these people may be mailed, or nobody will read all of it.
    #[error(
        "say on what basis these people may be mailed, and where and when they agreed; {LONGEST} characters each at most"
    )]
    NoBasis,
    /// Nobody says how some of them stand. Nothing was written.
    #[error("nobody said how some of the people in this file stand; nothing was written")]
    Unsaid(Box<Survey>),
    /// The file cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What is to be told of its rows cannot be written.
    #[error("the file of problems cannot be written: {0}")]
    Problems(#[source] io::Error),
    /// The database failed; the steps before stay imported, and doing it again adds the rest.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// There is no such list.
    #[error(transparent)]
    Reader(#[from] SubscriberError),
}

/// Imports readers into a list, where the file says all that there is to be said.
///
/// # Errors
/// As [`import_as`].
pub async fn import(
    site: &Site,
    file: impl TableSource,
    list_id: i64,
    basis: &Basis,
) -> Result<ImportReport, ImportError> {
    let choices = ImportChoices::default();
    let plan = Plan { list: list_id, basis, choices: &choices, makes_lists: false, is_dry: false };
    import_as(site, &file, &plan, &mut |_| Ok(())).await
}

/// Imports readers as somebody planned it; each row that is not taken is told.
///
/// # Errors
/// [`ImportError`]; rows that are wrong are no error but told, and stand in the report.
pub async fn import_as(
    site: &Site,
    file: &impl TableSource,
    plan: &Plan<'_>,
    tell: &mut (dyn FnMut(&RowError) -> io::Result<()> + Send),
) -> Result<ImportReport, ImportError> {
    if !plan.basis.is_said() {
        return Err(ImportError::NoBasis);
    }
    let lists = store::lists(&site.db).await?;
    if !lists.iter().any(|list| list.id == plan.list && list.is_mailed()) {
        return Err(SubscriberError::NotFound.into());
    }
    let survey = moving_in::survey(file, plan.choices)?;
    if !survey.unsaid.is_empty() {
        return Err(ImportError::Unsaid(Box::new(survey)));
    }
    let not_read = survey.mapping.not_read().into_iter().map(str::to_owned).collect();
    let mut report = ImportReport { preset: survey.mapping.preset, not_read, ..ImportReport::default() };
    let mut places = Places::new(&survey.mapping, plan, lists, Settings::load(&site.db).await?);
    // Whoever is refused mail first, for somebody may stand in the file twice: nobody is put on a list on the way to leaving it.
    for sad in [true, false] {
        if sad && !survey.mapping.may_say_no() {
            continue;
        }
        let mut rows = moving_in::rows(file, &survey.mapping)?;
        let mut lines = Vec::with_capacity(CHUNK);
        while let Some(row) = rows.read()? {
            if is_sad(&row) == sad {
                report.rows += 1;
                lines.push(Line::of(row));
            }
            if lines.len() == CHUNK {
                step(site, plan, &mut places, &mut lines, &mut report, tell).await?;
            }
        }
        step(site, plan, &mut places, &mut lines, &mut report, tell).await?;
    }
    places.tell(&mut report);
    if !plan.is_dry {
        find::tidy(&site.db).await?;
    }
    Ok(report)
}

fn is_sad(row: &FileRow) -> bool {
    row.entry.as_ref().is_ok_and(|entry| entry.state > State::NotTaken)
}

async fn step(
    site: &Site,
    plan: &Plan<'_>,
    places: &mut Places,
    lines: &mut Vec<Line>,
    report: &mut ImportReport,
    tell: &mut (dyn FnMut(&RowError) -> io::Result<()> + Send),
) -> Result<(), ImportError> {
    if lines.is_empty() {
        return Ok(());
    }
    let taken = db::again(|| take(site, plan, places, lines)).await?;
    places.are_made(taken.made);
    for (line, outcome) in lines.iter().zip(taken.outcomes) {
        if let Some(error) = report.count(line.number, outcome) {
            tell(&error).map_err(ImportError::Problems)?;
        }
    }
    for note in taken.notes {
        report.note(note);
    }
    lines.clear();
    Ok(())
}
