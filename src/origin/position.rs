//! Small files beside the database that say how far it has come, so that an older copy put in its place is noticed.
//!
//! The rule: a file is written before anything leaves, so it is never behind what left. Each process has one of its own. It
//! names the place and the epoch of the database (the word it got when somebody last settled it there), the worker and how
//! often that was given something to send, and a number that grows with every consent, deed and suppression. A database
//! that does not know the epoch or the worker, or knows less than the file, is a restored backup (TRUST T10).

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{
    place::place,
    store::{self as store, Home},
};
use crate::{
    db::{Db, Engine, Result},
    private, token,
};

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    place: String,
    epoch: String,
    /// Empty before the process was given anything to send.
    worker: String,
    claims: i64,
    facts: i64,
}

/// How the files stand to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// None of them knows more.
    Agrees,
    /// One knows of things that the database does not.
    Ahead,
    /// There should be one: the database has given something out, and it is on one machine alone.
    Missing,
}

/// The folder of the files, and this process's own.
#[derive(Debug)]
pub struct Positions {
    folder: PathBuf,
    name: String,
    own: Mutex<Position>,
}

const TITLE: &str =
    "How far the database at this place has come. Written by Broadside; do not edit, copy or back it up.";

/// The end of the name while a file is being written.
const FRESH: &str = "new";

impl Positions {
    /// Those in a folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, name: token::public_id(), own: Mutex::default() }
    }

    /// Whether a file of such a folder is one of these, by its name.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let is_ours = |name: &str| token::is_public_id(name.strip_suffix(".new").unwrap_or(name));
        path.file_name().and_then(OsStr::to_str).is_some_and(is_ours)
    }

    /// How they stand to the database that is opened at a place. One that cannot be read counts as missing, and the log says so.
    pub(super) async fn judge(&self, db: &Db, place: &str, home: &Home) -> Result<Verdict> {
        let mut found = false;
        for (_, position) in self.read() {
            if position.epoch != home.epoch {
                // Another database that was used with the same folder, or what somebody has settled since.
                if position.place != place || store::is_settled(db, &position.epoch).await? {
                    continue;
                }
                return Ok(Verdict::Ahead);
            }
            let known = store::claims(db, &position.worker).await?.unwrap_or(0);
            if position.claims > known || position.facts > store::facts(db).await? {
                return Ok(Verdict::Ahead);
            }
            found |= position.place == place;
        }
        // A process that was killed at its very first claim had no time to write, and nothing had left.
        let missing = !found && db.engine() == Engine::Sqlite && store::all_claims(db).await? > 1;
        Ok(if missing { Verdict::Missing } else { Verdict::Agrees })
    }

    /// Writes down that a worker was given something to send; before it is sent. What a doubtful database sends, links for
    /// signing in, is of no account.
    ///
    /// # Errors
    /// When the file cannot be written: then nothing may be sent.
    pub(crate) async fn claimed(&self, db: &Db, worker: &str, claim: &store::Claim) -> Result<()> {
        if claim.epoch.is_empty() {
            return Ok(());
        }
        let place = if self.own().place.is_empty() { Some(place(db).await?) } else { None };
        self.change(|own| {
            if let Some(place) = place {
                own.place = place;
            }
            worker.clone_into(&mut own.worker);
            own.epoch.clone_from(&claim.epoch);
            own.claims = claim.claims;
        })
    }

    /// Writes down what else has happened, and takes away what is left of processes that ended in good order. Nothing is
    /// written when nothing has happened.
    ///
    /// # Errors
    /// When the database fails, or the file cannot be written.
    pub async fn keep_up(&self, db: &Db) -> Result<()> {
        let facts = store::facts(db).await?;
        let own = self.own();
        if own.facts == facts && !own.place.is_empty() {
            return Ok(());
        }
        let Some(home) = store::home(db).await? else { return Ok(()) };
        let place = place(db).await?;
        self.change(|own| {
            own.place = place;
            own.epoch = home.epoch;
            own.facts = facts;
        })?;
        let own = self.own();
        for (path, other) in self.read() {
            let is_theirs =
                path.file_name().is_some_and(|name| *name != *self.name) && other.place == own.place;
            let is_over = other.epoch != own.epoch
                || (other.worker.is_empty() && other.facts <= own.facts)
                || store::has_stopped(db, &other.worker).await?;
            if is_theirs && is_over {
                // It is looked at again a minute later. What it was writing when it was killed goes first.
                let _ = fs::remove_file(path.with_extension(FRESH));
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// The epochs that the files name: those of a state that was lost are known to nobody else.
    pub(super) fn epochs(&self) -> Vec<String> {
        self.read()
            .into_iter()
            .map(|(_, position)| position.epoch)
            .filter(|epoch| !epoch.is_empty())
            .collect()
    }

    fn own(&self) -> Position {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Position)) -> Result<()> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = own.clone();
        change(&mut next);
        let path = self.folder.join(&self.name);
        write(&path, &next).map_err(|error| {
            let words = format!("{} cannot be written: {error}", path.display());
            sqlx::Error::Configuration(words.into())
        })?;
        *own = next;
        Ok(())
    }

    fn read(&self) -> Vec<(PathBuf, Position)> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                tracing::error!(folder = %self.folder.display(), %error, "what says how far the database has come cannot be read");
                return Vec::new();
            }
        };
        let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_none());
        paths.filter_map(|path| Some((path.clone(), parse(&fs::read_to_string(&path).ok()?)?))).collect()
    }
}

/// A new file in the place of the old one: cut off at any moment, one of them is there.
fn write(path: &Path, position: &Position) -> io::Result<()> {
    let Position { place, epoch, worker, claims, facts } = position;
    let fresh = path.with_extension(FRESH);
    private::write(
        &fresh,
        &format!("{TITLE}\nplace {place}\nepoch {epoch}\nworker {worker}\nclaims {claims}\nfacts {facts}\n"),
    )?;
    fs::rename(&fresh, path)
}

fn parse(text: &str) -> Option<Position> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Some(Position {
        place: value("place")?.to_owned(),
        epoch: value("epoch")?.to_owned(),
        worker: value("worker")?.to_owned(),
        claims: value("claims")?.parse().ok()?,
        facts: value("facts")?.parse().ok()?,
    })
}
