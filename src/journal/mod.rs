//! A file beside the database that says what must not be forgotten with it: lines that are on the disk before anybody is told.
//!
//! The rule: what [`Journal::append`] said yes to is in the file, whole and synced, whatever dies next. Those who come at once
//! share one write and one sync; several processes of one machine share the file by its lock. A file that cannot be written
//! keeps nobody from what they do: what it lacks is written as soon as it can be, and until then whoever asks is told.
//!
//! It calls the small types alone; `withdrawals` writes by it. Start reading at [`Journal`].

mod chain;

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io::{self, BufReader, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

pub use self::chain::{Break, Entry};
use self::chain::{End, Head, Walked};
use crate::{clock::Moment, private, token};

/// The name in `DATA_DIR` that it has unless the settings name another file.
pub const NAME: &str = "withdrawals.journal";

/// How long somebody who leaves waits for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many lines wait in memory for a disk that takes none; who leaves then is promised nothing.
const MOST_BEHIND: usize = 20_000;

/// What is asked of the disk before somebody is told that a line is there. Tests listen in, or say that it failed.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Writes where the file stands.
    ///
    /// # Errors
    /// As the system's.
    fn write(&self, file: &mut File, text: &[u8]) -> io::Result<()>;

    /// Comes back once what was written outlives a loss of power.
    ///
    /// # Errors
    /// As the system's.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The one of this machine.
#[derive(Clone, Copy, Debug)]
pub struct OwnDisk;

impl Disk for OwnDisk {
    fn write(&self, file: &mut File, text: &[u8]) -> io::Result<()> {
        file.write_all(text)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The journal of one instance; without a file it keeps nothing. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// What tells the magazine from others.
    magazine: String,
    disk: Box<dyn Disk>,
    waiting: Mutex<Vec<Waiting>>,
    held: Arc<tokio::sync::Mutex<Held>>,
    seen: Mutex<Seen>,
}

/// Lines of somebody who waits until they are on the disk.
#[derive(Debug)]
struct Waiting {
    lines: Vec<JournalLine>,
    tell: oneshot::Sender<bool>,
}

/// What an entry will say.
#[derive(Clone, Debug)]
pub struct JournalLine {
    /// When it happened.
    pub at: Moment,
    /// In words without a line break.
    pub text: String,
}

/// What whoever writes knows of the file.
#[derive(Debug, Default)]
struct Held {
    /// Which file it was, and where it ended.
    end: Option<(u64, String, End)>,
    /// What could not be written: each text once, as it was last said.
    behind: Vec<JournalLine>,
}

/// What this process has seen of its own writing.
#[derive(Debug, Default)]
struct Seen {
    failing: Option<String>,
    /// Where the journal ended, a mark a minute; the oldest first.
    marks: Vec<Mark>,
}

/// Where a journal ended at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which journal.
    pub id: String,
    /// The number of its last entry.
    pub number: u64,
    pub hash: String,
    /// Its moment.
    pub at: Moment,
    began: Moment,
}

const A_MINUTE: Duration = Duration::from_secs(60);

/// One journal that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its own name.
    pub id: String,
    /// When it was begun.
    pub since: Moment,
    pub entries: Vec<Entry>,
    /// The hash before the first entry.
    pub beginning: String,
    /// Where it does not hold.
    pub breaks: Vec<Break>,
    /// Bytes at its end of a line that was not written to its end: promised to nobody.
    pub torn: u64,
}

/// How a file of the name of a journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One of this magazine.
    Ours(Read),
    /// That of another magazine, or no journal.
    Foreign,
    /// There is none.
    Missing,
}

impl Journal {
    /// The journal in a file, which need not be there yet, of the magazine that a word tells from others.
    #[must_use]
    pub fn at(path: PathBuf, magazine: String) -> Self {
        Self::on(path, magazine, Box::new(OwnDisk))
    }

    /// The same on a disk of another's making.
    #[must_use]
    pub fn on(path: PathBuf, magazine: String, disk: Box<dyn Disk>) -> Self {
        let (waiting, held, seen) = (Mutex::default(), Arc::default(), Mutex::default());
        Self(Some(Arc::new(Inner { path, magazine, disk, waiting, held, seen })))
    }

    /// Where it is; none if nothing is kept.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref().map(|inner| inner.path.as_path())
    }

    /// What kept it from being written when that was last tried; none if it was written.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        self.0.as_deref().and_then(|inner| inner.seen().failing.clone())
    }

    /// Writes lines behind those that are there, and comes back once they are on the disk: `false` if they are not yet.
    pub async fn append(&self, lines: Vec<JournalLine>) -> bool {
        let Some(inner) = &self.0 else { return true };
        let (tell, mut told) = oneshot::channel();
        inner.waiting().push(Waiting { lines, tell });
        let written = async {
            let held = tokio::select! {
                biased;
                written = &mut told => return written.unwrap_or(false),
                held = inner.held.clone().lock_owned() => held,
            };
            // It goes on by itself, should whoever waits go away.
            drop(spawn_blocking({
                let (inner, mut held) = (inner.clone(), held);
                move || inner.write_all_that_wait(&mut held)
            }));
            told.await.unwrap_or(false)
        };
        timeout(PATIENCE, written).await.unwrap_or(false)
    }

    /// Tries again to write what could not be written.
    pub async fn catch_up(&self) -> bool {
        if self.failing().is_none() { true } else { self.append(Vec::new()).await }
    }

    /// Where it ended when this process wrote to it, at the last mark that is older than `before`; what is older is forgotten.
    #[must_use]
    pub fn mark_before(&self, before: Moment) -> Option<Mark> {
        let mut seen = self.0.as_deref()?.seen();
        let old = seen.marks.iter().take_while(|mark| mark.at < before).count();
        seen.marks.drain(..old).next_back()
    }

    /// Sees to it that there is a file that can be gone on with, and makes one that is not there. One that is another magazine's,
    /// or ends before where the database knows it, `known` by name, number and hash, is set aside; under which name.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub async fn begin(&self, known: Vec<(String, u64, String)>, now: Moment) -> io::Result<Option<PathBuf>> {
        let Some(inner) = self.0.clone() else { return Ok(None) };
        let mut held = inner.held.clone().lock_owned().await;
        off_the_thread(move || inner.begin(&mut held, &known, now)).await
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self) -> io::Result<Found> {
        let Some(inner) = self.0.clone() else { return Ok(Found::Missing) };
        off_the_thread(move || inner.read(&inner.path)).await
    }

    /// Reads it, and whatever other journals of the magazine stand beside it: those of other machines, which somebody put there.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn read_all(&self) -> io::Result<Vec<Read>> {
        let Some(inner) = self.0.clone() else { return Ok(Vec::new()) };
        off_the_thread(move || {
            let mut all = Vec::new();
            for path in inner.beside()? {
                if let Found::Ours(read) = inner.read(&path)? {
                    all.push(read);
                }
            }
            Ok(all)
        })
        .await
    }
}

async fn off_the_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Read {
    /// Whether it has an entry of that number with that hash.
    #[must_use]
    pub fn knows(&self, number: u64, hash: &str) -> bool {
        match number {
            0 => self.beginning == hash,
            _ => self
                .entries
                .binary_search_by_key(&number, |entry| entry.number)
                .is_ok_and(|at| self.entries[at].hash == hash),
        }
    }
}

impl Held {
    /// Whoever says again what waits already says it anew: what came of the first time is over.
    fn adds(&mut self, line: JournalLine) -> io::Result<()> {
        if let Some(known) = self.behind.iter().position(|one| one.text == line.text) {
            self.behind.remove(known);
        }
        if self.behind.len() >= MOST_BEHIND {
            return Err(io::Error::other(
                "more waits to be written than is kept in memory: what came last is not in the journal",
            ));
        }
        self.behind.push(line);
        Ok(())
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_that_wait(&self, held: &mut Held) {
        let waiting = std::mem::take(&mut *self.waiting());
        let mut tell = Vec::new();
        let mut most = Ok(());
        for one in waiting {
            for line in one.lines {
                most = most.and(held.adds(line));
            }
            tell.push(one.tell);
        }
        let written = self.write(held).and(most);
        // Once, however many leave meanwhile.
        if let Err(error) = &written
            && self.seen().failing.is_none()
        {
            tracing::error!(file = %self.path.display(), %error, waiting = held.behind.len(), "who leaves is not mailed any more, but that could not be written to the journal beside the database: until it can be, a restored backup would not know");
        }
        self.seen().failing = written.as_ref().err().map(ToString::to_string);
        for one in tell {
            // Whoever does not wait any more has gone on without it.
            let _ = one.send(written.is_ok());
        }
    }

    /// Writes what is behind, and forgets it once it is on the disk.
    fn write(&self, held: &mut Held) -> io::Result<()> {
        let Some(first) = held.behind.first() else { return Ok(()) };
        let mut file = self.open(first.at)?;
        let (id, mut end) = self.end_of(&mut file, held)?;
        let bytes = end.bytes;
        let mut text = String::new();
        for line in &held.behind {
            let entry = Entry::after(&end, line.at, &line.text);
            let line = entry.line();
            end = end.with(&entry, line.len());
            text.push_str(&line);
        }
        file.seek(SeekFrom::Start(bytes))?;
        let written = self.disk.write(&mut file, text.as_bytes());
        if let Err(error) = written.and_then(|()| self.disk.sync(&file)) {
            // Half a line is cut by whoever writes next, should this fail too.
            let _ = file.set_len(bytes);
            held.end = None;
            return Err(error);
        }
        held.behind.clear();
        let mark =
            Mark { id: id.clone(), number: end.number, hash: end.hash.clone(), at: end.at, began: end.at };
        self.seen().mark(mark);
        held.end = Some((which(&file)?, id, end));
        Ok(())
    }

    /// The file with its lock, made if it is not there.
    fn open(&self, now: Moment) -> io::Result<File> {
        loop {
            let mut file =
                private::options().read(true).write(true).create(true).truncate(false).open(&self.path)?;
            file.lock()?;
            // Somebody may have put another in its place meanwhile.
            if which(&file)? != fs::metadata(&self.path).and_then(|about| which_of(&about)).unwrap_or(0) {
                continue;
            }
            if is_new(&mut file)? {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(Head::new(token::public_id(), &self.magazine, now).line().as_bytes())?;
                file.sync_all()?;
                let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            }
            return Ok(file);
        }
    }

    /// Where the file ends, with what was not written to its end cut off.
    fn end_of(&self, file: &mut File, held: &Held) -> io::Result<(String, End)> {
        let length = file.metadata()?.len();
        let known = held.end.clone().filter(|(which_one, _, end)| {
            end.bytes <= length && which(file).is_ok_and(|which| which == *which_one)
        });
        let (id, from) = match known {
            Some((_, id, end)) if end.bytes == length => return Ok((id, end)),
            // Another process went on with it.
            Some((_, id, end)) => (id, end),
            None => {
                file.seek(SeekFrom::Start(0))?;
                let head = chain::read_head(&mut BufReader::new(&*file))?;
                let head = head.filter(|head| head.magazine == self.magazine).ok_or_else(foreign)?;
                (head.id.clone(), head.end())
            }
        };
        file.seek(SeekFrom::Start(from.bytes))?;
        let Walked { end, torn, .. } = chain::walk(&mut BufReader::new(&*file), from, |_| {})?;
        if torn > 0 {
            tracing::warn!(file = %self.path.display(), bytes = torn, "the last line of the journal was not written to its end, which was promised to nobody: it is cut");
            file.set_len(end.bytes)?;
        }
        Ok((id, end))
    }

    fn begin(
        &self,
        held: &mut Held,
        known: &[(String, u64, String)],
        now: Moment,
    ) -> io::Result<Option<PathBuf>> {
        let goes_on = match self.read(&self.path)? {
            Found::Missing => true,
            Found::Foreign => false,
            Found::Ours(read) => {
                known.iter().all(|(id, number, hash)| *id != read.id || read.knows(*number, hash))
            }
        };
        let aside = (!goes_on).then(|| {
            let name = format!("withdrawals-until-{}-{}.journal", now.unix_seconds(), token::public_id());
            self.path.with_file_name(name)
        });
        if let Some(aside) = &aside {
            fs::rename(&self.path, aside)?;
        }
        let mut file = self.open(now)?;
        held.end = None;
        let (id, end) = self.end_of(&mut file, held)?;
        held.end = Some((which(&file)?, id, end));
        Ok(aside)
    }

    fn read(&self, path: &Path) -> io::Result<Found> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(error) => return Err(error),
        };
        if is_new(&mut &file)? {
            return Ok(Found::Missing);
        }
        (&mut &file).seek(SeekFrom::Start(0))?;
        let mut from = BufReader::new(file);
        let head = chain::read_head(&mut from)?.filter(|head| head.magazine == self.magazine);
        let Some(head) = head else { return Ok(Found::Foreign) };
        let mut entries = Vec::new();
        let Walked { breaks, torn, .. } = chain::walk(&mut from, head.end(), |entry| entries.push(entry))?;
        Ok(Found::Ours(Read { id: head.id, since: head.since, entries, beginning: head.hash, breaks, torn }))
    }

    /// The journals in the folder, this one first.
    fn beside(&self) -> io::Result<Vec<PathBuf>> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut all = vec![self.path.clone()];
        for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
            let path = entry?.path();
            let is_journal = path.extension() == Some(OsStr::new("journal"));
            if is_journal && path.file_name() != self.path.file_name() && path.is_file() {
                all.push(path);
            }
        }
        Ok(all)
    }
}

impl Seen {
    fn mark(&mut self, mut mark: Mark) {
        match self.marks.last_mut() {
            Some(last) if last.id == mark.id && mark.at.since(last.began) < A_MINUTE => {
                mark.began = last.began;
                *last = mark;
            }
            _ => self.marks.push(mark),
        }
    }
}

fn foreign() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no journal of this magazine")
}

/// Whether nothing was ever promised of it: it has no whole first line.
fn is_new(file: &mut (impl io::Read + io::Seek)) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut line = Vec::new();
    io::BufRead::read_until(&mut BufReader::new(io::Read::take(file, 1_000)), b'\n', &mut line)?;
    Ok(chain::is_half_a_head(&line))
}

/// What tells a file from another one that has its name later.
fn which(file: &File) -> io::Result<u64> {
    file.metadata().and_then(|about| which_of(&about))
}

#[cfg(unix)]
fn which_of(about: &fs::Metadata) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(about))
}

#[cfg(not(unix))]
fn which_of(_: &fs::Metadata) -> io::Result<u64> {
    Ok(0)
}
