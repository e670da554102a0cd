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

use std::{collections::HashSet, io};

pub(super) use self::chunk::{Kept, LEASE, Line, MOST_PROBLEMS};
use self::{chunk::take, places::Places, plan::LONGEST};
pub use self::{
    plan::{Basis, IMPLIED, Plan},
    report::{ImportReport, RowError, WasMade},
};
use super::{SubscriberError, find, lists::List, store};
use crate::{
    db::{self, Engine},
    moving_in::{self, FileRow, ImportChoices, Mapping, State, Survey, TableError, TableSource},
    queue,
    settings::Settings,
    site::Site,
    token,
};

/// Rows taken in one transaction, at most and at least.
pub(super) const CHUNK: usize = 2_000;
pub(super) const LEAST: usize = 10;

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
    let (survey, lists) = look_at(site, file, plan).await?;
    let mut importing = Importing::new(site, *plan, &survey.mapping, lists).await?;
    // Whoever is refused mail first, for somebody may stand in the file twice: nobody is put on a list on the way to leaving it.
    for sad in [true, false] {
        if sad && !survey.mapping.may_say_no() {
            continue;
        }
        let mut rows = moving_in::rows(file, &survey.mapping)?;
        let (mut lines, mut public_id) = (Vec::with_capacity(CHUNK), token::public_ids());
        loop {
            let row = rows.read()?;
            let is_over = row.is_none();
            lines.extend(row.filter(|row| is_sad(row) == sad).map(|row| Line::of(row, site, public_id())));
            if is_over || lines.len() == CHUNK {
                let Some(errors) = importing.take(std::mem::take(&mut lines), None).await? else { break };
                errors.iter().try_for_each(&mut *tell).map_err(ImportError::Problems)?;
            }
            if is_over {
                break;
            }
        }
    }
    if !plan.is_dry {
        find::tidy(&site.db).await?;
    }
    Ok(importing.report)
}

/// What is to be known before anything is taken.
///
/// # Errors
/// [`ImportError`], where something has to be said first.
pub(super) async fn look_at(
    site: &Site,
    file: &impl TableSource,
    plan: &Plan<'_>,
) -> Result<(Survey, Vec<List>), ImportError> {
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
    Ok((survey, lists))
}

/// Whether it says that somebody is not to be mailed.
pub(super) fn is_sad(row: &FileRow) -> bool {
    row.entry.as_ref().is_ok_and(|entry| entry.state > State::NotTaken || entry.suppression.is_some())
}

/// A file on its way into the database, in steps that leave room for everybody else who writes.
pub(super) struct Importing<'a> {
    site: &'a Site,
    plan: Plan<'a>,
    places: Places,
    pub report: ImportReport,
    /// So many rows go in the next step.
    at_once: usize,
    /// Whether the database knows that readers are many by now.
    are_many: bool,
    /// Of whom it was said already what would become of them, where nothing is written; so many at most.
    seen: HashSet<u64>,
}

/// Where nobody waits for a step but whoever writes of the same readers, it may take so many times as long: what each costs beside its
/// rows is paid less often.
const PATIENT: u32 = 5;
/// So many who are new are others for whoever plans how they are looked for.
const MANY: u64 = 2_000;
/// The first step is small.
const FIRST: usize = 100;
/// Of so many it is known that they stood in the file before, where nothing is written: some 100 MB.
const MOST_SEEN: usize = 4_000_000;

impl<'a> Importing<'a> {
    /// Of a file, before anything is taken.
    pub async fn new(
        site: &'a Site,
        plan: Plan<'a>,
        mapping: &Mapping,
        lists: Vec<List>,
    ) -> Result<Self, ImportError> {
        let not_read = mapping.not_read().into_iter().map(str::to_owned).collect();
        let report = ImportReport { preset: mapping.preset, not_read, ..ImportReport::default() };
        let places = Places::new(mapping, &plan, lists, Settings::load(&site.db).await?);
        Ok(Self { site, plan, places, report, at_once: FIRST, are_many: plan.is_dry, seen: HashSet::new() })
    }

    /// Takes rows, in one step or several; those that were not taken. None if the import is no longer ours.
    pub async fn take(
        &mut self,
        lines: Vec<Line>,
        mut kept: Option<&mut Kept>,
    ) -> db::Result<Option<Vec<RowError>>> {
        let lines = if self.plan.is_dry { self.unseen(lines) } else { lines };
        let (mut rest, mut all) = (lines.as_slice(), Vec::new());
        while !rest.is_empty() {
            let (some, more) = rest.split_at(self.at_once.min(rest.len()));
            if let Some(kept) = &mut kept {
                kept.until = queue::renewed(kept.claim, self.site.now(), LEASE);
            }
            let from = (&self.report, kept.as_deref().copied());
            let taken = db::again(|| take(self.site, &self.plan, &self.places, some, from)).await?;
            let Some(taken) = taken else { return Ok(None) };
            self.places.are_made(taken.made);
            self.report = taken.report;
            all.extend(taken.errors);
            if !self.are_many && self.report.added >= MANY {
                find::are_many(&self.site.db).await?;
                self.are_many = true;
            }
            let held = if self.holds_others(some) { taken.held } else { taken.held / PATIENT };
            self.at_once = queue::next_step(self.at_once, held, (LEAST, CHUNK));
            if let Some(kept) = &mut kept {
                kept.claim = kept.until;
                kept.taken += some.len() as u64;
            }
            rest = more;
        }
        Ok(Some(all))
    }

    /// Whether others wait for such rows: for any on SQLite, where one writes at a time, and everywhere for those who are refused mail, which
    /// closes a gate.
    fn holds_others(&self, lines: &[Line]) -> bool {
        self.site.db.engine() == Engine::Sqlite || lines.iter().any(Line::closes)
    }

    /// Whoever stands in the file twice is no news the second time. Where it is written the database knows that.
    fn unseen(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let (seen, report) = (&mut self.seen, &mut self.report);
        let is_new = |line: &Line| {
            let Some(key) = line.key_and_list() else { return true };
            let is_new = !seen.contains(&key);
            if !is_new {
                report.rows += 1;
                report.unchanged += 1;
            } else if seen.len() < MOST_SEEN {
                seen.insert(key);
            }
            is_new
        };
        lines.into_iter().filter(is_new).collect()
    }
}
