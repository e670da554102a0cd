//! A small file beside the database that says how far it has come, so that an older copy put in its place is noticed.
//!
//! The rule: it is written before anything leaves, so it is never behind what left. A database that does not know the
//! worker, or fewer of its claims, or fewer facts than the file, is a restored backup (TRUST T10). Each process that works
//! on a shared database has a file of its own, and what it says stays true whatever the others do.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::store::origin as store;
use crate::{
    clock::Moment,
    db::{Db, Result},
};

/// How far a database had come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    /// When this was written, in microseconds since 1970.
    at: i64,
    /// The worker that wrote this; empty before the first.
    worker: String,
    /// How often it had been given something to send.
    claims: i64,
    /// Consents, deeds at the desk and suppressions.
    facts: i64,
}

/// The file.
#[derive(Debug)]
pub struct PositionFile {
    path: PathBuf,
    known: Mutex<Position>,
}

const TITLE: &str =
    "How far the database beside this file has come. Written by Broadside; do not edit or back it up.";

impl PositionFile {
    /// The file at a path, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, known: Mutex::default() }
    }

    /// Whether the file knows more than the database. What it said before `since`, when somebody last settled the database
    /// here, does not count; a file that cannot be read knows nothing, and says so in the log.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn is_ahead_of(&self, db: &Db, since: Moment) -> Result<bool> {
        let Some(position) = read(&self.path).filter(|position| position.at > since.0) else {
            return Ok(false);
        };
        if position.facts > store::facts(db).await? {
            return Ok(true);
        }
        if !position.worker.is_empty() {
            let known = store::claims(db, &position.worker).await?;
            if known.is_none_or(|claims| claims < position.claims) {
                return Ok(true);
            }
        }
        if let Ok(mut known) = self.known.lock() {
            *known = position;
        }
        Ok(false)
    }

    /// Writes down that a worker was given something to send; before it is sent.
    ///
    /// # Errors
    /// When the file cannot be written: then nothing may be sent.
    pub(super) fn claimed(&self, worker: &str, claims: i64, now: Moment) -> Result<()> {
        self.write(now, |position| {
            worker.clone_into(&mut position.worker);
            position.claims = claims;
        })
    }

    /// Writes down what else has happened; nothing is written when nothing has.
    ///
    /// # Errors
    /// When the database fails, or the file cannot be written.
    pub async fn keep_up(&self, db: &Db, now: Moment) -> Result<()> {
        let facts = store::facts(db).await?;
        if self.known.lock().is_ok_and(|known| known.facts == facts) {
            return Ok(());
        }
        self.write(now, |position| position.facts = facts)
    }

    fn write(&self, now: Moment, change: impl FnOnce(&mut Position)) -> Result<()> {
        self.replace(now, change).map_err(|error| {
            let words = format!("{} cannot be written: {error}", self.path.display());
            sqlx::Error::Configuration(words.into())
        })
    }

    fn replace(&self, now: Moment, change: impl FnOnce(&mut Position)) -> io::Result<()> {
        let mut known =
            self.known.lock().map_err(|_| io::Error::other("the position was left half written"))?;
        let mut next = known.clone();
        change(&mut next);
        next.at = now.0;
        // A new file in the place of the old one: cut off at any moment, one of them is there.
        let fresh = self.path.with_extension("new");
        let Position { at, worker, claims, facts } = &next;
        fs::write(&fresh, format!("{TITLE}\nat {at}\nworker {worker}\nclaims {claims}\nfacts {facts}\n"))?;
        fs::rename(&fresh, &self.path)?;
        *known = next;
        Ok(())
    }
}

fn read(path: &Path) -> Option<Position> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "the file that says how far the database has come cannot be read");
            return None;
        }
    };
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let number = |name: &str| value(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    let worker = value("worker").unwrap_or_default().to_owned();
    Some(Position { at: number("at"), worker, claims: number("claims"), facts: number("facts") })
}
