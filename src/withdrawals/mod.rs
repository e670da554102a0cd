//! Withdrawals, written down beside the database so that a backup that is restored knows them all the same (TRUST T10).
//!
//! The rules. An entry is on the disk before the transaction that it is about begins: one that then fails is still a
//! withdrawal that somebody asked for. What takes a withdrawal back is written after its commit, by a task that outlives whoever
//! asked for it ([`commit`]). Entries name readers, lists and gifts by public ids and addresses by their keyed hash. The database notes up to where it knows the journal for
//! certain, some minutes late; what is beyond that is asked of the rows themselves, so taking an entry twice changes nothing.
//! See `docs/decisions/0010-withdrawals-beside-the-database.md`.

mod store;
mod what;

use std::{
    collections::{HashMap, HashSet},
    fs,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::store::Known;
pub use self::{
    store::STATEMENTS,
    what::{EVERYTHING, LeftBy, ListChoice, Withdrawal},
};
use crate::{
    clock::Moment,
    db::{Engine, Result, Tx},
    journal::{JournalLine, Mark, Read},
    site::Site,
    words,
};

/// No transaction waits for so long: entries that are older are in the database, or their reader was told that it failed.
const SETTLED: Duration = Duration::from_secs(10 * 60);

/// Writes withdrawals down. It never fails: whoever leaves leaves, and what could not be written is written as soon as it can
/// be; until then the log and the doctor say so.
pub async fn write(site: &Site, withdrawals: &[Withdrawal]) {
    write_at(site, withdrawals, site.now()).await;
}

/// The same for what takes something back: it counts for what was said before `at`, the moment before its transaction began.
pub async fn write_at(site: &Site, withdrawals: &[Withdrawal], at: Moment) {
    if !withdrawals.is_empty() {
        let line = |one: &Withdrawal| JournalLine { at, text: one.to_string() };
        site.journal.append(withdrawals.iter().map(line).collect()).await;
    }
}

/// As [`commit`], where each counts for what was said up to a moment of its own.
///
/// # Errors
/// When the commit fails; then nothing is written.
pub async fn commit_each(tx: Tx, site: &Site, withdrawals: Vec<(Moment, Withdrawal)>) -> Result<()> {
    let site = site.clone();
    let line = |(at, one): (Moment, Withdrawal)| JournalLine { at, text: one.to_string() };
    let lines: Vec<JournalLine> = withdrawals.into_iter().map(line).collect();
    tx.commit_then(async move {
        if !lines.is_empty() {
            site.journal.append(lines).await;
        }
    })
    .await
}

/// Commits what takes something back, and writes that down behind it, whatever becomes of whoever waits for it; `at` is the moment
/// before the transaction began.
///
/// # Errors
/// When the commit fails; then nothing is written.
pub async fn commit(tx: Tx, site: &Site, withdrawals: Vec<Withdrawal>, at: Moment) -> Result<()> {
    let site = site.clone();
    tx.commit_then(async move { write_at(&site, &withdrawals, at).await }).await
}

/// Notes how far the database knows the journal, if this process wrote to it, and writes what could not be written before.
///
/// # Errors
/// When the database fails, or the journal still cannot be written.
pub async fn keep_up(site: &Site) -> Result<()> {
    if let Some(mark) = site.journal.mark_before(site.now().minus(SETTLED)) {
        let mut tx = site.db.begin().await?;
        let Mark { id, number, hash, at, .. } = mark;
        store::note(&mut tx, &known(id, place(site), number, hash, at)).await?;
        tx.commit().await?;
    }
    match site.journal.catch_up().await {
        true => Ok(()),
        false => Err(sqlx::Error::Configuration(
            format!("who left could not be written down: {}", site.journal.failing().unwrap_or_default())
                .into(),
        )),
    }
}

/// A withdrawal that the database may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// When somebody asked for it.
    pub at: Moment,
    pub what: Withdrawal,
    /// The number of its entry.
    pub number: u64,
    /// Of a pause: the lists, by public id, that its reader came back to since.
    pub but: Vec<String>,
}

words! {
    /// Why withdrawals may be missing.
    pub enum Why {
        /// A journal that the database knows is not here, or ends before where the database knows it.
        NotHere = "not here",
        /// There was no journal yet.
        NotBegun = "not begun",
        /// A journal does not hold.
        Broken = "broken",
    }
}

impl Why {
    /// For whoever looks after the server, in a sentence without its full stop.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotHere => "the file that has them is not here, or ends too early",
            Self::NotBegun => "nothing was written down beside the database before",
            Self::Broken => "lines of the file were changed or are missing",
        }
    }
}

/// A time of which withdrawals may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalGap {
    /// From when on; none if from the beginning.
    pub since: Option<Moment>,
    /// Until when.
    pub until: Moment,
    pub why: Why,
}

/// What the journals know beyond the database.
#[derive(Clone, Debug, Default)]
pub struct Beyond {
    /// Withdrawals, in their order, but for those that were taken back; and who went on before a pause was over, for the database may
    /// know that pause.
    pub withdrawals: Vec<Unknown>,
    /// Entries that only a newer version understands.
    pub strange: usize,
    /// Where withdrawals may be missing, if this database is a backup.
    pub gaps: Vec<JournalGap>,
    /// Up to where the journals go that were found.
    found: Vec<Known>,
    /// Those that the database knows, and that were not.
    lost: Vec<Known>,
}

/// For so long it is told that a journal was lost.
const LOSS_IS_TOLD: Duration = Duration::from_secs(7 * 86_400);

/// Up to when the database knew journals of this machine that are not here any more, or end before that: also some days after nobody waits
/// for them any more. None if nothing is missing.
///
/// # Errors
/// When the database fails.
pub async fn missing(site: &Site) -> Result<Option<Moment>> {
    let here = place(site);
    let mut lost = store::lost(&site.db, site.now().minus(LOSS_IS_TOLD)).await?;
    lost.extend(beyond(site, None).await?.lost);
    Ok(lost.into_iter().filter(|one| one.place == here).map(|one| one.at).max())
}

/// Makes the journal ready to be written to, and says of one that cannot be gone on with where it was put.
///
/// # Errors
/// When the database fails. A file that cannot be made is for the log, the doctor and the next withdrawal.
pub async fn begin(site: &Site) -> Result<()> {
    let known = store::known(&site.db).await?;
    let known = known.into_iter().map(|one| (one.journal, one.number.unsigned_abs(), one.hash)).collect();
    match site.journal.begin(known, site.now()).await {
        Ok(None) => {}
        Ok(Some(aside)) => tracing::error!(
            aside = %aside.display(),
            "the journal of withdrawals is another magazine's, or ends before what this database knows of it: it was set aside, and a new one begun"
        ),
        Err(error) => {
            tracing::error!(%error, "the journal of withdrawals cannot be made: a restored backup would not know who left");
        }
    }
    Ok(())
}

/// Looks what the journals know beyond the database; `newest` is the last moment of which the database knows anything.
///
/// # Errors
/// When the database fails. A journal that cannot be read counts as one that is not here, and the log says so.
pub async fn beyond(site: &Site, newest: Option<Moment>) -> Result<Beyond> {
    if site.journal.path().is_none() {
        return Ok(Beyond::default());
    }
    let known = store::known(&site.db).await?;
    let reads = site.journal.read_all().await.unwrap_or_else(|error| {
        tracing::error!(%error, "the journal of withdrawals cannot be read");
        Vec::new()
    });
    Ok(compare(known, reads, newest, &place(site), site.now()))
}

fn compare(known: Vec<Known>, reads: Vec<Read>, newest: Option<Moment>, here: &str, now: Moment) -> Beyond {
    let mut beyond = Beyond::default();
    let is_in =
        |read: &Read, one: &Known| read.id == one.journal && read.knows(one.number.unsigned_abs(), &one.hash);
    let strangers = reads.iter().filter(|read| known.iter().all(|one| one.journal != read.id));
    let first_of_strangers = strangers.map(|read| read.since).min();
    let until = first_of_strangers.unwrap_or(now);
    if known.is_empty() && newest.is_some_and(|newest| newest < until) {
        beyond.gaps.push(JournalGap { since: newest, until, why: Why::NotBegun });
    }
    for one in &known {
        if !reads.iter().any(|read| is_in(read, one)) {
            beyond.gaps.push(JournalGap { since: newest.max(Some(one.at)), until, why: Why::NotHere });
            beyond.lost.push(one.clone());
        }
    }
    let mut all = Vec::new();
    for read in reads {
        let from = known.iter().find(|one| one.journal == read.id).map_or(0, |one| one.number.unsigned_abs());
        let broken = read.breaks.iter().filter(|one| one.after >= from);
        beyond.gaps.extend(broken.map(|one| JournalGap {
            since: Some(one.since),
            until: one.until.unwrap_or(now),
            why: Why::Broken,
        }));
        let (number, hash, at) = match read.entries.last() {
            Some(last) => (last.number, last.hash.clone(), last.at),
            None => (0, read.beginning.clone(), read.since),
        };
        beyond.found.push(self::known(read.id, here.to_owned(), number, hash, at));
        for entry in read.entries.into_iter().filter(|entry| entry.number > from) {
            match Withdrawal::parse(&entry.text) {
                Some(what) => all.push(Unknown { at: entry.at, what, number: entry.number, but: Vec::new() }),
                None => beyond.strange += 1,
            }
        }
    }
    // Of several machines: by their moments, which on PostgreSQL are the server's.
    all.sort_by_key(|one| one.at);
    beyond.withdrawals = without_what_was_taken_back(all);
    beyond
}

fn without_what_was_taken_back(mut all: Vec<Unknown>) -> Vec<Unknown> {
    // The last word of each that took something back, by what it is about.
    let mut back: HashMap<(String, String), Moment> = HashMap::new();
    for one in all.iter().filter(|one| one.what.takes_back()) {
        if let Some((who, what)) = one.what.about() {
            back.insert((who.to_owned(), what.to_owned()), one.at);
        }
    }
    // Where staff ended one pause, the rows tell which it was by then: both are said again, in their order.
    let mut went_on: HashMap<String, Moment> = HashMap::new();
    for one in &all {
        if let Withdrawal::WentOn { reader, until: None } = &one.what {
            went_on.insert(reader.clone(), one.at);
        }
    }
    join_since(&mut all);
    as_last_chosen(&mut all);
    all.retain(|one| {
        let about = one.what.about().map(|(who, what)| (who.to_owned(), what.to_owned()));
        let taken_back = about.and_then(|about| back.get(&about)).is_some_and(|back| one.at <= *back);
        let is_over = match &one.what {
            Withdrawal::Paused { reader, .. } | Withdrawal::Rests { reader, .. } => {
                went_on.get(reader).is_some_and(|went_on| one.at <= *went_on)
            }
            _ => false,
        };
        !one.what.takes_back() && !taken_back && !is_over
    });
    all
}

/// What a reader came back to after a pause began is none of its lists; who took leaving back, and rests as before, has a line that
/// says so.
fn join_since(all: &mut [Unknown]) {
    let mut back: HashMap<String, Vec<String>> = HashMap::new();
    for one in all.iter_mut().rev() {
        match &one.what {
            Withdrawal::Back { reader, list } => {
                back.entry(reader.clone()).or_default().push(list.clone());
            }
            Withdrawal::Paused { reader, .. } => one.but = back.get(reader).cloned().unwrap_or_default(),
            _ => {}
        }
    }
}

/// What somebody chose of one list is one line, as they last said it: said again in its parts, an edition that begins meanwhile would
/// find what they had chosen in between.
fn as_last_chosen(all: &mut Vec<Unknown>) {
    let about = |choice: &ListChoice| (choice.reader.clone(), choice.list.clone());
    let mut so_far: HashMap<(String, String), ListChoice> = HashMap::new();
    for one in all.iter_mut() {
        let Withdrawal::Chose(choice) = &mut one.what else { continue };
        if let Some(before) = so_far.get(&about(choice)) {
            choice.goes_on_from(before);
        }
        so_far.insert(about(choice), choice.clone());
    }
    let mut last = HashSet::new();
    all.reverse();
    all.retain(|one| match &one.what {
        Withdrawal::Chose(choice) => last.insert(about(choice)),
        _ => true,
    });
    all.reverse();
}

impl Beyond {
    /// Why the journal of this machine does not fit, if it does not: for a database that lacks nothing itself.
    #[must_use]
    pub fn does_not_fit(&self, site: &Site) -> Option<Why> {
        let here = place(site);
        let is_lost = self.lost.iter().any(|one| one.place == here);
        let broken = self.gaps.iter().map(|gap| gap.why).find(|why| *why == Why::Broken);
        if is_lost { Some(Why::NotHere) } else { broken }
    }

    /// The database knows all of it now. Journals that were lost while it was in order are waited for no longer; with `all`
    /// neither are those of other machines, because somebody said so.
    pub async fn is_known(&self, tx: &mut Tx, site: &Site, all: bool) -> Result<()> {
        for one in &self.found {
            store::note(tx, one).await?;
        }
        let here = place(site);
        for one in &self.lost {
            if all {
                store::forget(tx, &one.journal).await?;
            } else if one.place == here {
                store::lose(tx, &one.journal, site.now()).await?;
            }
        }
        Ok(())
    }
}

fn known(journal: String, place: String, number: u64, hash: String, at: Moment) -> Known {
    Known { journal, place, number: i64::try_from(number).unwrap_or(i64::MAX), hash, at }
}

/// Which of several machines writes here, and where; a SQLite database has one journal.
fn place(site: &Site) -> String {
    match (site.db.engine(), site.journal.path()) {
        (Engine::Sqlite, _) | (_, None) => String::new(),
        (Engine::Postgres, Some(path)) => {
            let machine = fs::read_to_string("/etc/hostname").unwrap_or_default();
            format!("{}:{}", machine.trim(), path.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Break, Entry};

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(seconds)
    }

    /// A journal begun at a moment, with entries: their moment, and what they say.
    fn read(id: &str, since: i64, entries: &[(i64, &str)]) -> Read {
        let entry = |(place, (when, text)): (usize, &(i64, &str))| Entry {
            number: place as u64 + 1,
            at: at(*when),
            text: (*text).to_owned(),
            hash: format!("{id}{}", place + 1),
        };
        let entries = entries.iter().enumerate().map(entry).collect();
        let beginning = format!("{id}0");
        Read { id: id.to_owned(), since: at(since), entries, beginning, breaks: Vec::new(), torn: 0 }
    }

    fn knows(id: &str, number: u64, when: i64) -> Known {
        known(id.to_owned(), format!("place of {id}"), number, format!("{id}{number}"), at(when))
    }

    fn said(beyond: &Beyond) -> Vec<String> {
        beyond.withdrawals.iter().map(|one| one.what.to_string()).collect()
    }

    /// TRUST T10: of several machines each line counts by its moment, in whichever file it stands; what is known is asked no more.
    #[test]
    fn the_journals_of_several_machines_are_put_in_order() {
        let one = read(
            "a",
            1,
            &[(2, "left known l link"), (10, "left ann l link"), (21, "back lea l"), (40, "lifted h")],
        );
        let other = read(
            "b",
            1,
            &[
                (11, "back ann l"),
                (20, "left lea l link"),
                (22, "left lea l page"),
                (30, "blocked h"),
                (41, "blocked i"),
            ],
        );
        let known = vec![knows("a", 1, 2), knows("b", 0, 1)];
        for reads in [vec![one.clone(), other.clone()], vec![other, one]] {
            let beyond = compare(known.clone(), reads, Some(at(5)), "here", at(50));
            assert_eq!(said(&beyond), ["left lea l page", "blocked i"]);
            assert!(beyond.gaps.is_empty() && beyond.lost.is_empty() && beyond.strange == 0);
            assert_eq!(beyond.found.len(), 2);
        }
    }

    /// What takes back in the very moment counts, and takes back nothing of another list or reader.
    #[test]
    fn what_is_taken_back_is_the_same_thing_of_the_same_reader() {
        let all = read(
            "a",
            1,
            &[
                (7, "left ann l link"),
                (7, "back ann l"),
                (8, "left ann m link"),
                (8, "back lea m"),
                (9, "ended g"),
                (9, "of another version"),
            ],
        );
        let beyond = compare(Vec::new(), vec![all], None, "here", at(50));
        assert_eq!(said(&beyond), ["left ann m link", "ended g"]);
        assert_eq!(beyond.strange, 1);
    }

    /// A pause is over for who went on after it; staff end the one that they saw; it is of no list that was come back to since.
    #[test]
    fn a_pause_stands_until_somebody_goes_on_and_is_of_no_list_joined_since() {
        let (march, april) = ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
        let lines = [
            (1, format!("paused ann {march}")),
            (2, "went-on ann".to_owned()),
            (3, format!("paused ann {april}")),
            (4, "left ann l link".to_owned()),
            (5, "back ann l".to_owned()),
            (6, format!("rests ann l {april}")),
            (7, "back lea m".to_owned()),
            (8, format!("paused lea {march}")),
            (8, format!("paused lea {april}")),
            (9, format!("went-on lea {april}")),
        ];
        let lines: Vec<(i64, &str)> = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
        let beyond = compare(Vec::new(), vec![read("a", 1, &lines)], None, "here", at(50));
        let wanted = [
            "went-on ann".to_owned(),
            format!("paused ann {april}"),
            format!("rests ann l {april}"),
            format!("paused lea {march}"),
            format!("paused lea {april}"),
            format!("went-on lea {april}"),
        ];
        assert_eq!(said(&beyond), wanted);
        let but: Vec<_> = beyond.withdrawals.iter().map(|one| one.but.join(" ")).collect();
        assert_eq!(but, ["", "l", "", "", "", ""]);
    }

    /// What was chosen counts as it was last said, topic by topic and list by list, whatever was said of another reader's or list.
    #[test]
    fn what_was_chosen_counts_as_it_was_last_said() {
        let lines = [
            (1, "chose ann l weekly +t -u"),
            (2, "chose ann m = -t"),
            (3, "chose lea l daily +t"),
            (4, "chose ann l = -t"),
            (5, "left ann m link"),
            (6, "chose ann l everything +v"),
            (7, "chose lea l = +u"),
        ];
        let beyond = compare(Vec::new(), vec![read("a", 1, &lines)], None, "here", at(50));
        let wanted = [
            "chose ann m = -t",
            "left ann m link",
            "chose ann l everything +v -u -t",
            "chose lea l daily +t +u",
        ];
        assert_eq!(said(&beyond), wanted);
    }

    /// A file that is not here, ends too early or was changed is named, with the time of which nothing is known.
    #[test]
    fn what_is_missing_is_named_with_its_time() {
        let gaps = |beyond: &Beyond| {
            beyond.gaps.iter().map(|gap| (gap.since, gap.until, gap.why)).collect::<Vec<_>>()
        };
        let here = read("a", 1, &[(2, "left ann l link")]);
        let gone = compare(
            vec![knows("a", 1, 2), knows("b", 3, 6)],
            vec![here.clone()],
            Some(at(5)),
            "here",
            at(50),
        );
        assert_eq!(gaps(&gone), [(Some(at(6)), at(50), Why::NotHere)]);
        let early = compare(vec![knows("a", 2, 4)], vec![here.clone()], Some(at(5)), "here", at(50));
        assert_eq!(gaps(&early), [(Some(at(5)), at(50), Why::NotHere)]);
        let never = compare(Vec::new(), vec![read("a", 30, &[])], Some(at(5)), "here", at(50));
        assert_eq!(gaps(&never), [(Some(at(5)), at(30), Why::NotBegun)]);
        let broken = Break { after: 1, since: at(2), until: None };
        let broken = Read { breaks: vec![broken], ..here };
        assert_eq!(
            gaps(&compare(vec![knows("a", 1, 2)], vec![broken.clone()], Some(at(5)), "here", at(50))),
            [(Some(at(2)), at(50), Why::Broken)]
        );
        assert!(
            compare(vec![knows("a", 2, 2)], vec![read("a", 1, &[(2, "x"), (3, "y")])], None, "here", at(50))
                .gaps
                .is_empty()
        );
    }
}
