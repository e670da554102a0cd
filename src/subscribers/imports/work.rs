//! Going on with a list by itself: looking through its file, finding out what would become of everybody, taking them.

use std::io;

use tokio::sync::mpsc;

use super::{
    Import, ImportState, file,
    file::{Staged, Stuck},
    seen::{self, Said, Seen},
    undo,
};
use crate::{
    audit_log,
    clock::{Moment, Stopwatch},
    db, heavy,
    moving_in::{self, FileRow, Mapping, Survey, TableError},
    queue::{self, Came, Due, Queue, Work, Worked},
    site::Site,
    subscribers::{
        find,
        import::{
            Basis, CHUNK, ImportError, ImportReport, Importing, Kept, LEASE, Line, MOST_PROBLEMS, Plan,
            RowError, is_sad,
        },
        lists::{self, List},
        store::imports as store,
    },
    token,
};

/// More columns are for the command line: a page of them is no page.
const MOST_COLUMNS: usize = 200;
const MOST_WORDS: usize = 1_000;
/// How far the counting is, is written down so often.
const NOTED_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Goes on with every list that waits for it.
///
/// # Errors
/// When the database fails; each goes on where it was at its next turn.
pub async fn bring_in(site: &Site) -> db::Result<Worked> {
    queue::work(site, &InTurn).await
}

struct InTurn;

/// Which one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct Which {
    id: i64,
}

impl Work for InTurn {
    type What = Which;

    fn queue(&self) -> &'static Queue {
        &store::IMPORTS_IN_TURN
    }

    async fn work(&self, site: &Site, due: &Due<Which>) -> db::Result<Came> {
        let mut claim = due.next_at;
        while let Some(import) = store::by_id(&site.db, due.what.id).await? {
            let went = match import.state {
                ImportState::Reading => look_through(site, &import, claim).await,
                ImportState::Counting => count(site, &import, &mut claim).await,
                ImportState::Running => take(site, &import, &mut claim).await,
                ImportState::Undoing => undo::take_back(site, &import, &mut claim).await,
                _ => break,
            };
            match went {
                Ok(true) => {}
                Ok(false) => break,
                Err(Stuck::Database(error)) => return Err(error),
                Err(Stuck::File(error)) => {
                    // Each step took the claim anew: who says that it did not work names the last.
                    queue::note(site, self, &due.held_until(claim), Came::Later(error.to_string())).await?;
                    break;
                }
            }
        }
        Ok(Came::Done)
    }
}

/// What is seen in the file; for somebody who is asked, also where nobody knows which column has the addresses.
async fn survey(site: &Site, import: &Import, is_asked: bool) -> Result<Result<Survey, TableError>, Stuck> {
    let file = Staged::of(site, import);
    let choices = seen::read::<Said>(&import.choices)?.choices();
    let look = move || match is_asked {
        true => moving_in::survey_to_ask(&file, &choices),
        false => moving_in::survey(&file, &choices),
    };
    match heavy::aside(look).await {
        Err(broke) => Err(io::Error::other(broke).into()),
        Ok(Err(TableError::File(error))) => Err(error.into()),
        Ok(survey) => Ok(survey),
    }
}

/// Whether no form of a page could ask all of it.
fn is_too_much(survey: &Survey) -> bool {
    let words = survey.words.iter().map(|column| column.words.len()).sum::<usize>();
    survey.mapping.columns.len() > MOST_COLUMNS || words > MOST_WORDS
}

/// Looks through the file; whether it goes on.
async fn look_through(site: &Site, import: &Import, claim: Moment) -> Result<bool, Stuck> {
    let (survey, trouble) = match survey(site, import, true).await? {
        Err(error) => (import.survey.clone(), error.to_string()),
        Ok(survey) if is_too_much(&survey) => (
            String::new(),
            format!(
                "the file has more than {MOST_COLUMNS} columns, or very many words that say how people stand: take out what is not needed, or bring it in at the command line"
            ),
        ),
        Ok(survey) => (seen::written(&Seen::of(&survey))?, String::new()),
    };
    let is_said = trouble.is_empty() && !import.basis.is_empty() && !seen::read::<Seen>(&survey)?.is_open;
    let to = if is_said { ImportState::Counting } else { ImportState::Asking };
    let moved = (ImportState::Reading, to);
    let mut tx = site.db.begin().await?;
    let is_ours = store::found(&mut tx, (import.id, claim), moved, (&survey, &trouble), site.now()).await?;
    tx.commit().await?;
    Ok(is_ours && is_said)
}

/// What has to be known before anybody is taken; none if somebody has to say something first, which is written down.
async fn prepared(
    site: &Site,
    import: &Import,
    claim: Moment,
) -> Result<Option<(Mapping, Vec<List>, i64)>, Stuck> {
    let lists = lists::all(&site.db).await?;
    let list = lists.iter().find(|list| Some(list.id) == import.list_id && list.is_mailed());
    let trouble = match (survey(site, import, false).await?, list.map(|list| list.id)) {
        (Ok(survey), Some(list)) if survey.unsaid.is_empty() => {
            return Ok(Some((survey.mapping, lists, list)));
        }
        (Ok(_), None) => "nothing goes to that list any more: choose another".to_owned(),
        (Ok(_), Some(_)) => "something has to be said about the file first".to_owned(),
        (Err(error), _) => error.to_string(),
    };
    let moved = (import.state, ImportState::Asking);
    let mut tx = site.db.begin().await?;
    store::found(&mut tx, (import.id, claim), moved, (&import.survey, &trouble), site.now()).await?;
    tx.commit().await?;
    Ok(None)
}

/// What comes from the thread that reads a file.
enum Fed {
    Lines(Vec<Line>),
    End,
    Broke(TableError),
}

/// Reads the file on a thread of its own: those who are refused mail, or the others; behind so many of them, and in order, where they are to
/// be taken.
fn feed(
    site: &Site,
    import: &Import,
    mapping: &Mapping,
    sad: bool,
    behind: Option<u64>,
) -> mpsc::Receiver<Fed> {
    let (sender, receiver) = mpsc::channel(2);
    let (site, file, mapping) = (site.clone(), Staged::of(site, import), mapping.clone());
    let read = move |to: &mpsc::Sender<Fed>| {
        let last = match read(&site, (&file, &mapping), (sad, behind), to) {
            Ok(()) => Fed::End,
            Err(error) => Fed::Broke(error),
        };
        drop(to.blocking_send(last));
    };
    heavy::beside(sender, read, |ended| match ended {
        Ok(()) => Fed::End,
        Err(broke) => Fed::Broke(TableError::File(io::Error::other(broke))),
    });
    receiver
}

fn read(
    site: &Site,
    (file, mapping): (&Staged, &Mapping),
    (sad, behind): (bool, Option<u64>),
    to: &mpsc::Sender<Fed>,
) -> Result<(), TableError> {
    let wanted: fn(&FileRow) -> bool = if sad { is_sad } else { |row| !is_sad(row) };
    let mut rows = moving_in::rows(file, mapping)?;
    let mut next: Box<dyn FnMut() -> Result<Option<FileRow>, TableError>> = match behind {
        None => Box::new(move || {
            loop {
                match rows.read()? {
                    Some(row) if !wanted(&row) => {}
                    row => return Ok(row),
                }
            }
        }),
        Some(behind) => {
            let mut rows = rows.in_order(wanted);
            rows.skip(behind)?;
            Box::new(move || rows.read())
        }
    };
    loop {
        let (mut lines, mut public_id) = (Vec::with_capacity(CHUNK), token::public_ids());
        while lines.len() < CHUNK
            && let Some(row) = next()?
        {
            lines.push(Line::of(row, site, public_id()));
        }
        let is_over = lines.len() < CHUNK;
        if !lines.is_empty() && to.blocking_send(Fed::Lines(lines)).is_err() || is_over {
            return Ok(());
        }
    }
}

/// Whoever is refused mail first, for somebody may stand in the file twice. The numbers stand with how many rows of that time were taken;
/// those before were of a version that wrote down lines.
const PASSES: [(i64, bool); 2] = [(3, true), (4, false)];

/// Finds out what would become of everybody, and writes nothing but that; whether it goes on.
async fn count(site: &Site, import: &Import, claim: &mut Moment) -> Result<bool, Stuck> {
    let Some((mapping, lists, list)) = prepared(site, import, *claim).await? else { return Ok(false) };
    file::drop_problems(site, import.id).await?;
    let basis = Basis { basis: import.basis.clone(), source: import.source.clone() };
    let choices = moving_in::ImportChoices::default();
    let plan = Plan { list, basis: &basis, choices: &choices, makes_lists: import.makes_lists, is_dry: true };
    let mut importing = Importing::new(site, plan, &mapping, lists).await.map_err(database)?;
    let (mut problems, mut watch) = (Vec::new(), Stopwatch::start());
    for (_, sad) in PASSES {
        if sad && !mapping.may_say_no() {
            continue;
        }
        let mut lines = feed(site, import, &mapping, sad, None);
        loop {
            match lines.recv().await {
                Some(Fed::Lines(some)) => {
                    problems.extend(importing.take(some, None).await?.unwrap_or_default());
                }
                Some(Fed::End) => break,
                Some(Fed::Broke(TableError::File(error))) => return Err(error.into()),
                Some(Fed::Broke(error)) => return Err(io::Error::other(error).into()),
                None => return Err(io::Error::other("the file was not read to its end").into()),
            }
            if watch.elapsed() >= NOTED_EVERY {
                if !note(site, (import.id, claim), &importing.report, std::mem::take(&mut problems)).await? {
                    return Ok(false);
                }
                watch = Stopwatch::start();
            }
        }
    }
    if !note(site, (import.id, claim), &importing.report, problems).await? {
        return Ok(false);
    }
    let mut tx = site.db.begin().await?;
    let expected = importing.report.written()?;
    store::expected(&mut tx, (import.id, *claim), &expected, site.now()).await?;
    tx.commit().await?;
    Ok(false)
}

fn database(error: ImportError) -> Stuck {
    match error {
        ImportError::Database(error) => Stuck::Database(error),
        error => Stuck::File(io::Error::other(error)),
    }
}

/// How far the counting is, and what is wrong so far; whether it is still ours.
async fn note(
    site: &Site,
    (id, claim): (i64, &mut Moment),
    report: &ImportReport,
    problems: Vec<RowError>,
) -> db::Result<bool> {
    let until = queue::renewed(*claim, site.now(), LEASE);
    let mut tx = site.db.begin().await?;
    if !store::counted(&mut tx, (id, *claim, until), &report.written()?).await? {
        return Ok(false);
    }
    if report.problems() <= MOST_PROBLEMS {
        store::add_problems(&mut tx, id, &problems, site.now()).await?;
    }
    tx.commit().await?;
    *claim = until;
    Ok(true)
}

/// Takes everybody who was not taken yet; nothing goes on after that.
pub(super) async fn take(site: &Site, import: &Import, claim: &mut Moment) -> Result<bool, Stuck> {
    let Some((mapping, lists, list)) = prepared(site, import, *claim).await? else { return Ok(false) };
    let slug = lists.iter().find(|one| one.id == list).map(|list| list.slug.clone()).unwrap_or_default();
    let basis = Basis { basis: import.basis.clone(), source: import.source.clone() };
    let choices = moving_in::ImportChoices::default();
    let plan =
        Plan { list, basis: &basis, choices: &choices, makes_lists: import.makes_lists, is_dry: false };
    let mut importing = Importing::new(site, plan, &mapping, lists).await.map_err(database)?;
    if import.pass < PASSES[0].0 {
        file::drop_problems(site, import.id).await?;
        // One that an older version began is taken anew, and what that made goes with it when it is taken back.
        importing.report.made = ImportReport::read(&import.report)?.made;
    } else {
        importing.report = ImportReport::read(&import.report)?;
    }
    for (pass, sad) in PASSES {
        if pass < import.pass || sad && !mapping.may_say_no() {
            continue;
        }
        let taken = if pass == import.pass { u64::try_from(import.line).unwrap_or_default() } else { 0 };
        let mut kept = Kept { id: import.id, claim: *claim, until: *claim, pass, taken };
        let mut lines = feed(site, import, &mapping, sad, Some(taken));
        loop {
            match lines.recv().await {
                Some(Fed::Lines(some)) => {
                    let taken = importing.take(some, Some(&mut kept)).await?;
                    *claim = kept.claim;
                    if taken.is_none() {
                        return Ok(false);
                    }
                }
                Some(Fed::End) => break,
                Some(Fed::Broke(TableError::File(error))) => return Err(error.into()),
                Some(Fed::Broke(error)) => return Err(io::Error::other(error).into()),
                None => return Err(io::Error::other("the file was not read to its end").into()),
            }
        }
    }
    let mut tx = site.db.begin().await?;
    if !store::done(&mut tx, (import.id, *claim), &importing.report.written()?, site.now()).await? {
        return Ok(false);
    }
    let detail = in_the_log(&importing.report, &slug, &basis);
    audit_log::record(&mut tx, site, import.staff_id, "imported readers", "", &detail).await?;
    tx.commit().await?;
    file::drop(site, import.id).await?;
    find::tidy(&site.db).await?;
    Ok(false)
}

/// What came of it, for the log: no addresses.
fn in_the_log(report: &ImportReport, slug: &str, basis: &Basis) -> String {
    let sad = match report.left + report.suppressed() + report.unconfirmed {
        0 => String::new(),
        _ => format!(
            ", {} left, {} not to be mailed, {} never confirmed",
            report.left,
            report.suppressed(),
            report.unconfirmed
        ),
    };
    let to = match report.added_to.len() {
        0 | 1 => slug.to_owned(),
        _ => {
            let each = report.added_to.iter().take(20).map(|(list, number)| format!("{list} ({number})"));
            each.collect::<Vec<_>>().join(", ")
        }
    };
    format!(
        "{} added to {to}, {} left as they were, {} not taken{sad}. {}: {}",
        report.added,
        report.unchanged + report.updated,
        report.refused,
        basis.basis.trim(),
        basis.source.trim()
    )
}

/// So that whoever begins one holds it from the first moment.
pub(super) fn claimed(now: Moment) -> Moment {
    now.plus(LEASE)
}
