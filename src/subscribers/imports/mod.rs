//! Lists that somebody brings in, each with a row of its own: its file, what was said of it, how far it is.
//!
//! The rules: nobody is on a list before somebody has seen the sums and pressed; each step writes down how far it is in its own
//! transaction, so that whoever goes on after a crash does nothing twice; whoever left, or is stopped, here stays so, also while it runs.

mod file;
mod rows;
mod seen;
mod undo;
mod work;

use std::io::Read as _;

pub(super) use self::rows::{Change, Changes, each, told};
use self::{file::Stuck, seen::Said, work::claimed};
pub use self::{
    rows::{ChangeKind, Import, ImportState, ImportTakenBack, MadeOnTheWay, Staying, WhyItStays},
    seen::{AskedOfColumn, Seen, SeenColumn, SeenRow, SeenWord, SeenWords},
    work::bring_in,
};
use super::{
    import::{Basis, ImportError, ImportReport, Plan, RowError, import_as, look_at},
    store::{imports as store, imports_undone as undone},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db},
    kept_file::{self, ArrivingFile},
    moving_in::{ImportChoices, TableError, TableSource},
    site::Site,
    token,
};

/// A larger file is no list of readers.
pub const LARGEST: u64 = 256 * 1024 * 1024;
/// So many may wait to be gone on with, each with its file.
const MOST_UNFINISHED: i64 = 20;
/// The longest name of a file that is kept.
const LONGEST_NAME: usize = 200;
/// How long a file waits for somebody to go on with it, and problems to be looked at.
pub(crate) const KEPT: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// How long after its last piece a file is no longer on the way here; what is looked for is looked for every hour.
pub(crate) const ARRIVING_LASTS: std::time::Duration = std::time::Duration::from_secs(30 * 60);

/// Why a list does not come in.
#[derive(Debug, thiserror::Error)]
pub enum BringInError {
    /// Too many wait already.
    #[error("{MOST_UNFINISHED} lists wait to be gone on with: put some away first")]
    TooMany,
    #[error("the file is larger than {} MB", LARGEST / 1024 / 1024)]
    TooLarge,
    #[error("the file is empty")]
    Empty,
    /// Somebody did something with it since it was looked at.
    #[error("somebody went on with it since the page was shown")]
    Changed,
    /// Nobody answers for these people.
    #[error("nobody says on what basis these people may be mailed")]
    NoBasis,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A list whose file is on the way here.
#[derive(Debug)]
pub struct Receiving {
    id: i64,
    public_id: String,
    file: ArrivingFile,
}

/// The name of a file, without the folders that some browsers tell.
fn named(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

impl Receiving {
    /// Begins one.
    ///
    /// # Errors
    /// [`BringInError::TooMany`]; when the database fails.
    pub async fn begin(site: &Site, staff: Option<i64>, file: &str) -> Result<Self, BringInError> {
        Self::begin_so(site, (staff, file, false)).await
    }

    async fn begin_so(
        site: &Site,
        (staff, file, makes_lists): (Option<i64>, &str, bool),
    ) -> Result<Self, BringInError> {
        let public_id = token::public_id();
        let mut tx = site.db.begin().await?;
        // Of two who begin at once both may: it is a bound, and no exact one.
        if staff.is_some() && store::unfinished(&mut tx).await? >= MOST_UNFINISHED {
            return Err(BringInError::TooMany);
        }
        let id = store::begin(&mut tx, &public_id, (staff, &named(file), makes_lists), site.now()).await?;
        tx.commit().await?;
        Ok(Self { id, public_id, file: ArrivingFile::new(&file::TABLE, id) })
    }

    /// More of the file.
    ///
    /// # Errors
    /// [`BringInError::TooLarge`]; when the database fails.
    pub async fn push(&mut self, site: &Site, bytes: &[u8]) -> Result<(), BringInError> {
        if self.file.size() + bytes.len() as u64 > LARGEST {
            return Err(BringInError::TooLarge);
        }
        Ok(self.file.push(site, bytes).await?)
    }

    async fn kept(&mut self, site: &Site) -> Result<i64, BringInError> {
        if self.file.size() == 0 {
            return Err(BringInError::Empty);
        }
        self.file.keep(site).await?;
        Ok(i64::try_from(self.file.size()).unwrap_or(i64::MAX))
    }

    /// It is here: its public id.
    ///
    /// # Errors
    /// [`BringInError::Empty`]; when the database fails.
    pub async fn finish(&mut self, site: &Site) -> Result<String, BringInError> {
        let size = self.kept(site).await?;
        let mut tx = site.db.begin().await?;
        store::arrived(&mut tx, self.id, size, site.now()).await?;
        tx.commit().await?;
        Ok(self.public_id.clone())
    }

    /// Nothing came of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up(self, site: &Site) -> db::Result<()> {
        put_away(site, self.id).await.map(drop)
    }
}

/// Imports readers as somebody planned it, by a row that says how far it is: if this process dies, another goes on. Each row that is not
/// taken is told at the end.
///
/// # Errors
/// [`ImportError`]; where the database fails in the middle of it, it goes on by itself once it can.
pub async fn import_kept(
    site: &Site,
    source: &impl TableSource,
    plan: &Plan<'_>,
    tell: &mut (dyn FnMut(&RowError) -> std::io::Result<()> + Send),
) -> Result<ImportReport, ImportError> {
    if plan.is_dry {
        return import_as(site, source, plan, tell).await;
    }
    look_at(site, source, plan).await?;
    let begun = Receiving::begin_so(site, (None, &source.name(), plan.makes_lists)).await;
    let mut receiving = begun.map_err(of_command)?;
    let mut file = source.open().map_err(TableError::from)?;
    let mut buffer = vec![0; kept_file::PIECE];
    loop {
        let length = file.read(&mut buffer).map_err(TableError::from)?;
        if length == 0 {
            break;
        }
        // Whoever sits at the machine may bring in what they like.
        receiving.file.push(site, &buffer[..length]).await?;
    }
    let size = receiving.kept(site).await.map_err(of_command)?;
    let mut claim = claimed(site.now());
    let choices = seen::written(&Said::of(plan.choices))?;
    let said = (plan.list, plan.basis.basis.as_str(), plan.basis.source.as_str(), choices.as_str());
    let mut tx = site.db.begin().await?;
    store::arrived_said(&mut tx, (receiving.id, size), (site.now(), claim), said).await?;
    tx.commit().await?;
    let import = store::by_id(&site.db, receiving.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    work::take(site, &import, &mut claim).await.map_err(|stuck| match stuck {
        Stuck::Database(error) => ImportError::Database(error),
        Stuck::File(error) => ImportError::Table(error.into()),
    })?;
    let import = store::by_id(&site.db, receiving.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let mut report = ImportReport::read(&import.report)?;
    let mut after = 0;
    loop {
        let problems = problems(&site.db, &import, after).await?;
        let Some(last) = problems.last() else { break };
        after = last.line;
        for problem in problems {
            tell(&problem).map_err(ImportError::Problems)?;
            report.show(problem);
        }
    }
    Ok(report)
}

fn of_command(error: BringInError) -> ImportError {
    match error {
        BringInError::Database(error) => error.into(),
        error => ImportError::Table(std::io::Error::other(error).into()),
    }
}

/// The one that addresses call so.
///
/// # Errors
/// When the database fails.
pub async fn find_import(db: &Db, public_id: &str) -> db::Result<Option<Import>> {
    store::one(db, public_id).await
}

/// The newest ones, before a number; without what only their own page shows.
///
/// # Errors
/// When the database fails.
pub async fn imports(db: &Db, before: Option<i64>, limit: i64) -> db::Result<Vec<Import>> {
    store::page(db, before.unwrap_or(i64::MAX), limit).await
}

/// Its lines that are not taken, behind a line, a thousand at most.
///
/// # Errors
/// When the database fails.
pub async fn problems(db: &Db, import: &Import, after: u64) -> db::Result<Vec<RowError>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let found = store::problems(db, import.id, after, 1_000).await?;
    let told = |(line, file, in_file, why): store::Problem| {
        let within = (!file.is_empty()).then(|| (file.into(), in_file.unsigned_abs()));
        RowError { line: line.unsigned_abs(), within, why }
    };
    Ok(found.into_iter().map(told).collect())
}

/// Whether any of its lines is not taken for a reason that is kept.
///
/// # Errors
/// When the database fails.
pub async fn has_problems(db: &Db, import: &Import) -> db::Result<bool> {
    store::has_problems(db, import.id).await
}

impl Import {
    /// Its number, for pages of them.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.id
    }

    /// What was seen in its file.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn seen(&self) -> db::Result<Seen> {
        seen::read(&self.survey)
    }

    /// What would become of everybody.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn expected(&self) -> db::Result<ImportReport> {
        ImportReport::read(&self.expected)
    }

    /// What became of them so far; while it is counted, what would.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn report(&self) -> db::Result<ImportReport> {
        ImportReport::read(&self.report)
    }

    /// What became of everybody when it was taken back; none where that is not known.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn taken_back(&self) -> db::Result<Option<ImportTakenBack>> {
        if self.undone.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&self.undone).map(Some).map_err(|error| sqlx::Error::Decode(error.into()))
    }
}

/// What somebody says of a list.
#[derive(Debug)]
pub struct Answers<'a> {
    /// Where those go whose list the file does not name.
    pub list: i64,
    pub basis: &'a Basis,
    /// Whether lists and topics that the file names are made where there are none.
    pub makes_lists: bool,
    /// What its columns and words are, beside what was said before.
    pub choices: &'a ImportChoices,
}

/// Says it; then the file is looked through by it. `seen` is when it last changed for whoever says it.
///
/// # Errors
/// [`BringInError`].
pub async fn say(
    site: &Site,
    import: &Import,
    seen: Moment,
    answers: &Answers<'_>,
) -> Result<(), BringInError> {
    if !answers.basis.is_said() {
        return Err(BringInError::NoBasis);
    }
    let said = seen::written(&seen::read::<Said>(&import.choices)?.and(answers.choices))?;
    let (basis, source) = (answers.basis.basis.trim(), answers.basis.source.trim());
    let said = (answers.list, basis, source, said.as_str());
    let mut tx = site.db.begin().await?;
    if !store::say(&mut tx, (import.id, seen), said, answers.makes_lists, site.now()).await? {
        return Err(BringInError::Changed);
    }
    Ok(tx.commit().await?)
}

/// Back from the sums to what is to be said.
///
/// # Errors
/// [`BringInError`].
pub async fn say_anew(site: &Site, import: &Import) -> Result<(), BringInError> {
    let mut tx = site.db.begin().await?;
    if !store::back(&mut tx, import.id, site.now()).await? {
        return Err(BringInError::Changed);
    }
    Ok(tx.commit().await?)
}

/// Somebody saw the sums, and answers for these people: they are taken from now on.
///
/// # Errors
/// [`BringInError`].
pub async fn go(site: &Site, import: &Import, seen: Moment, staff: i64) -> Result<(), BringInError> {
    let mut tx = site.db.begin().await?;
    if !store::go(&mut tx, import.id, seen, site.now()).await? {
        return Err(BringInError::Changed);
    }
    let detail = format!("{}. {}: {}", import.file, import.basis, import.source);
    audit_log::record(&mut tx, site, Some(staff), "began to bring readers in", "", &detail).await?;
    Ok(tx.commit().await?)
}

/// Stops one that runs: whoever was taken stays.
///
/// # Errors
/// [`BringInError`].
pub async fn stop(site: &Site, import: &Import, staff: i64) -> Result<(), BringInError> {
    let mut tx = site.db.begin().await?;
    if !store::stop(&mut tx, import.id, site.now()).await? {
        return Err(BringInError::Changed);
    }
    let detail = format!("{}. {}: {}", import.file, import.basis, import.source);
    audit_log::record(&mut tx, site, Some(staff), "stopped bringing readers in", "", &detail).await?;
    tx.commit().await?;
    Ok(file::drop(site, import.id).await?)
}

/// Whether it can be taken back: it ended within a day, something of what it changed is known, and no other list took people after it.
///
/// # Errors
/// When the database fails.
pub async fn may_be_taken_back(site: &Site, import: &Import) -> db::Result<bool> {
    Ok(might_be_taken_back(site, import).await? && undone::later(&site.db, import.id).await?.is_none())
}

async fn might_be_taken_back(site: &Site, import: &Import) -> db::Result<bool> {
    let is_over = matches!(import.state, ImportState::Done | ImportState::Stopped);
    let is_new = import.changed_at > site.now().minus(undo::LASTS);
    Ok(is_over && is_new && undone::any(&site.db, import.id).await?)
}

/// The one that has to be taken back before it can be: what it is called in addresses, and its file; none where it can, or is too old.
///
/// # Errors
/// When the database fails.
pub async fn later_import(site: &Site, import: &Import) -> db::Result<Option<(String, String)>> {
    match might_be_taken_back(site, import).await? {
        true => undone::later(&site.db, import.id).await,
        false => Ok(None),
    }
}

/// Takes one back, within a day, the newest first: what it changed is as it was, but for what happened since.
///
/// # Errors
/// [`BringInError::Changed`] where it is too late for that, it is not over, or another took people after it; when the database fails.
pub async fn take_back(site: &Site, import: &Import, staff: i64) -> Result<(), BringInError> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    if !undone::begin(&mut tx, import.id, now.minus(undo::LASTS), now).await? {
        return Err(BringInError::Changed);
    }
    let detail = format!("{}. {}: {}", import.file, import.basis, import.source);
    audit_log::record(&mut tx, site, Some(staff), "began to take an import back", "", &detail).await?;
    Ok(tx.commit().await?)
}

/// Puts one away of which nobody was taken.
///
/// # Errors
/// [`BringInError::Changed`] if it has begun; when the database fails.
pub async fn remove(site: &Site, import: &Import) -> Result<(), BringInError> {
    if !import.state.is_before() {
        return Err(BringInError::Changed);
    }
    if put_away(site, import.id).await? { Ok(()) } else { Err(BringInError::Changed) }
}

async fn put_away(site: &Site, id: i64) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    if !store::put_away(&mut tx, id, site.now()).await? {
        return Ok(false);
    }
    tx.commit().await?;
    file::drop_problems(site, id).await?;
    file::drop(site, id).await?;
    let mut tx = site.db.begin().await?;
    store::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(true)
}

/// A restored backup goes on with nothing that it had begun: it does not know who left since.
pub(crate) async fn stop_all(tx: &mut db::Tx, now: Moment) -> db::Result<u64> {
    let why = "A backup was restored while it ran. Whoever was taken before stays; look at the list, and bring the file in again for the rest.";
    store::stop_all(tx, why, now).await
}
