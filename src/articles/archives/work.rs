//! Going on with an archive by itself: looking through its file, and bringing its articles in.

use std::cell::{Cell, RefCell};

use tokio::sync::{mpsc, oneshot};

use super::{
    file, page,
    piece::{ArchiveError, Opens, Piece, Text, Wanted, What},
    read::{self, Takes},
    rows::{self, Archive, ArchiveChoices, ArchiveKind, ArchiveLeft, ArchiveReport, ArchiveState},
    store, wordpress_site,
};
use crate::{
    articles::{
        fetch::Fetcher,
        identity::{Document, link_key},
        import::{self, ARTICLES_A_TRANSACTION, Coming, Source, Taken},
        pictures::keep_described,
        read::key_waiting,
    },
    audit_log,
    clock::Moment,
    db::{self, Gate},
    heavy,
    pictures::PictureError,
    queue::{self, Came, Due, Queue, Work, Worked},
    site::Site,
};

/// Of what was left out so much is written down.
const MOST_LEFT: u64 = 10_000;
/// After so many pictures it is written down how far it is: each takes its time.
const PICTURES_A_STEP: i32 = 20;
/// What is said of one that is dated so.
const TO_COME: &str = "it is dated on a day to come, and shown from then on";
/// Nothing is brought in that nobody has seen.
const ANOTHER_PAGE: &str =
    "the page says something else by now than when you looked at it: look at it once more";
/// Of a site that is asked no more is taken.
const MOST_POSTS: u64 = 200_000;

/// Goes on with every archive that waits for it.
///
/// # Errors
/// When the database fails; each goes on where it was at its next turn.
pub async fn bring_in_archives(site: &Site, fetcher: &Fetcher) -> db::Result<Worked> {
    queue::work(site, &InTurn(fetcher)).await
}

struct InTurn<'a>(&'a Fetcher);

/// Which one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct Which {
    id: i64,
}

/// Why it does not go on now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stuck {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl Work for InTurn<'_> {
    type What = Which;

    fn queue(&self) -> &'static Queue {
        &store::ARCHIVES_IN_TURN
    }

    async fn work(&self, site: &Site, due: &Due<Which>) -> db::Result<Came> {
        let mut claim = due.next_at;
        let Some(archive) = store::by_id(&site.db, due.what.id).await? else { return Ok(Came::Done) };
        let went = match archive.state {
            ArchiveState::Reading => look_through(site, self.0, &archive, claim).await,
            ArchiveState::Running => take(site, Some(self.0), &archive, &mut claim).await,
            _ => Ok(()),
        };
        match went {
            Ok(()) => {}
            Err(Stuck::Database(error)) => return Err(error),
            Err(Stuck::Archive(error)) => {
                // Each step took the claim anew: who says that it did not work names the last.
                queue::note(site, self, &due.held_until(claim), Came::Later(error.to_string())).await?;
            }
        }
        Ok(Came::Done)
    }
}

/// Whether trying again may mend it.
fn is_of_the_machine(error: &ArchiveError) -> bool {
    matches!(error, ArchiveError::NotNow(_) | ArchiveError::Away(_))
}

async fn look_through(site: &Site, fetcher: &Fetcher, archive: &Archive, claim: Moment) -> Result<(), Stuck> {
    let choices = archive.choices()?;
    let survey = match archive.kind {
        ArchiveKind::Site => wordpress_site::look(fetcher, &archive.file, &choices).await,
        ArchiveKind::Page => page::look(fetcher, &archive.file).await,
        _ => {
            let (opens, now) = (file::kept(site, archive), site.now());
            let survey = heavy::aside(move || read::survey(&opens, &choices, now)).await;
            survey.unwrap_or_else(|broke| Err(ArchiveError::GaveUp(broke.to_string())))
        }
    };
    let (kind, survey, trouble) = match survey {
        Ok(survey) => (survey.kind, rows::written(&survey)?, String::new()),
        Err(error @ ArchiveError::NotNow(_)) => return Err(error.into()),
        Err(error) => (archive.kind, String::new(), error.to_string()),
    };
    let mut tx = site.db.begin().await?;
    store::found(&mut tx, (archive.id, claim), (kind, &survey, &trouble), site.now()).await?;
    Ok(tx.commit().await?)
}

/// What comes from the thread that reads a file.
enum Fed {
    Begun(Document),
    Pieces(Vec<(u64, Piece)>),
    /// A picture that comes along, and who waits for its address.
    Picture(Wanted, oneshot::Sender<Result<String, String>>),
    /// Another text that one leads to, and who waits for where its article is.
    Link(Text, oneshot::Sender<Option<String>>),
    /// All came, and what comes now comes again.
    Again,
    End,
    Broke(ArchiveError),
}

/// Reads the file on a thread of its own, from behind a piece on.
fn feed(opens: Opens, choices: ArchiveChoices, after: u64) -> mpsc::Receiver<Fed> {
    let (sender, receiver) = mpsc::channel(2);
    let read = move |to: &mpsc::Sender<Fed>| {
        let (pieces, pictures) = (RefCell::new(Vec::new()), Cell::new(0));
        let send = || to.blocking_send(Fed::Pieces(pieces.take())).is_ok();
        let mut begin = |document: &Document| to.blocking_send(Fed::Begun(document.clone())).is_ok();
        let mut each = |number, piece| {
            pieces.borrow_mut().push((number, piece));
            pieces.borrow().len() < ARTICLES_A_TRANSACTION && pictures.get() < PICTURES_A_STEP
                || send() && pictures.replace(0) >= 0
        };
        let mut again = || (pieces.borrow().is_empty() || send()) && to.blocking_send(Fed::Again).is_ok();
        let mut keeps = |wanted| {
            let (asks, hears) = oneshot::channel();
            pictures.set(pictures.get() + 1);
            drop(to.blocking_send(Fed::Picture(wanted, asks)));
            hears.blocking_recv().unwrap_or_else(|_| Err("for nobody was there to keep it".to_owned()))
        };
        let mut leads = |text: &Text| {
            let (asks, hears) = oneshot::channel();
            drop(to.blocking_send(Fed::Link(text.clone(), asks)));
            hears.blocking_recv().ok().flatten()
        };
        let takes = Takes {
            begin: &mut begin,
            each: &mut each,
            again: &mut again,
            keeps: &mut keeps,
            leads: &mut leads,
            is_listened_to: &|| !to.is_closed(),
        };
        let went = read::read(&opens, (&choices, after), takes);
        if !pieces.borrow().is_empty() {
            send();
        }
        drop(to.blocking_send(went.map_or_else(Fed::Broke, |()| Fed::End)));
    };
    heavy::beside(sender, read, |ended| match ended {
        Ok(()) => Fed::End,
        Err(broke) => Fed::Broke(ArchiveError::GaveUp(broke.to_string())),
    });
    receiver
}

/// Brings in every article that was not taken yet.
pub(super) async fn take(
    site: &Site,
    fetcher: Option<&Fetcher>,
    archive: &Archive,
    claim: &mut Moment,
) -> Result<(), Stuck> {
    key_waiting(site).await?;
    let choices = archive.choices()?;
    // Who gives the address of one article wants that one.
    let brings_back = choices.brings_back || archive.kind == ArchiveKind::Page;
    let source = Source::Archive { as_drafts: !choices.publishes, brings_back };
    match (archive.kind, fetcher) {
        (ArchiveKind::Site, Some(fetcher)) => return take_site(site, source, fetcher, archive, claim).await,
        (ArchiveKind::Page, Some(fetcher)) => return take_page(site, source, fetcher, archive, claim).await,
        _ => {}
    }
    let mut report = archive.report()?;
    let after = u64::try_from(archive.at).unwrap_or_default();
    let mut fed = feed(file::kept(site, archive), choices, after);
    let (mut document, mut is_again) = (Document::default(), false);
    loop {
        match fed.recv().await {
            Some(Fed::Begun(whole)) => document = whole,
            Some(Fed::Again) => is_again = true,
            Some(Fed::Link(text, asks)) => {
                let said = (text.title.as_str(), text.day);
                let slug = import::slug_of_file(&site.db, &text.id, said, is_again).await?;
                drop(asks.send(slug.map(|slug| site.url(&format!("/articles/{slug}")))));
            }
            Some(Fed::Pieces(pieces)) => {
                let step = (archive.id, *claim, queue::renewed(*claim, site.now(), queue::ARCHIVES.lease));
                let some = Step { pieces: &pieces, is_again };
                let taken = db::again(|| take_some(site, source, &document, step, some, &report)).await?;
                // Somebody stopped it, or has it.
                let Some(now) = taken else { return Ok(()) };
                report = now;
                *claim = step.2;
            }
            Some(Fed::Picture(wanted, asks)) => {
                let alt = wanted.alt.as_str();
                let kept =
                    keep_described(site, archive.staff_id, (&wanted.file, None, alt), wanted.bytes).await;
                let kept = match kept {
                    Ok(picture) => picture.in_text().map(|size| site.url(&size.path)).ok_or_else(String::new),
                    Err(PictureError::Database(error)) => return Err(error.into()),
                    Err(why) => Err(why.to_string()),
                };
                // Whoever does not wait any more has ended.
                drop(asks.send(kept));
            }
            Some(Fed::End) => break,
            Some(Fed::Broke(error)) if is_of_the_machine(&error) => return Err(error.into()),
            Some(Fed::Broke(error)) => {
                return end(site, archive, *claim, (ArchiveState::Stopped, &error.to_string())).await;
            }
            None => {
                return Err(ArchiveError::NotNow("it was not read to its end".to_owned()).into());
            }
        }
    }
    end(site, archive, *claim, (ArchiveState::Done, "")).await
}

/// Brings in what a site has, page by page.
async fn take_site(
    site: &Site,
    source: Source<'_>,
    fetcher: &Fetcher,
    archive: &Archive,
    claim: &mut Moment,
) -> Result<(), Stuck> {
    let (choices, mut report) = (archive.choices()?, archive.report()?);
    let mut at = u64::try_from(archive.at).unwrap_or_default();
    let mut asked = wordpress_site::Asked::known(fetcher, &archive.survey()?.site)?;
    while at < MOST_POSTS {
        let posts = match asked.posts(at, &choices).await {
            Ok(Some(posts)) => posts,
            Ok(None) => break,
            Err(error) if is_of_the_machine(&error) => return Err(error.into()),
            Err(error) => {
                return end(site, archive, *claim, (ArchiveState::Stopped, &error.to_string())).await;
            }
        };
        let mut document = Document::default();
        let mut pieces = Vec::new();
        for piece in posts.pieces {
            if let What::Article(one) = &piece.what {
                document.add(&one.article.source_id, &link_key(one.article.canonical_url.as_deref()));
            }
            at += 1;
            pieces.push((at, piece));
        }
        for some in pieces.chunks(ARTICLES_A_TRANSACTION) {
            let step = (archive.id, *claim, queue::renewed(*claim, site.now(), queue::ARCHIVES.lease));
            let some = Step { pieces: some, is_again: false };
            let taken = db::again(|| take_some(site, source, &document, step, some, &report)).await?;
            let Some(now) = taken else { return Ok(()) };
            report = now;
            *claim = step.2;
        }
        if !posts.is_full {
            break;
        }
        wordpress_site::rest(posts.took).await;
    }
    end(site, archive, *claim, (ArchiveState::Done, "")).await
}

/// Brings in the article of a page.
async fn take_page(
    site: &Site,
    source: Source<'_>,
    fetcher: &Fetcher,
    archive: &Archive,
    claim: &mut Moment,
) -> Result<(), Stuck> {
    let article = match page::fetched(fetcher, &archive.file).await {
        Ok(article) => article,
        Err(error) if is_of_the_machine(&error) => return Err(error.into()),
        Err(error) => return end(site, archive, *claim, (ArchiveState::Stopped, &error.to_string())).await,
    };
    if article.article.body_html != archive.survey()?.preview {
        return end(site, archive, *claim, (ArchiveState::Stopped, ANOTHER_PAGE)).await;
    }
    let mut document = Document::default();
    document.add(&article.article.source_id, &link_key(article.article.canonical_url.as_deref()));
    let (title, is_page, unknown) = (article.article.title.clone(), false, Default::default());
    let pieces = [(1, Piece { title, is_page, what: What::Article(Box::new(article)), unknown })];
    let step = (archive.id, *claim, queue::renewed(*claim, site.now(), queue::ARCHIVES.lease));
    let report = ArchiveReport::default();
    let some = Step { pieces: &pieces, is_again: false };
    if db::again(|| take_some(site, source, &document, step, some, &report)).await?.is_some() {
        *claim = step.2;
        end(site, archive, *claim, (ArchiveState::Done, "")).await?;
    }
    Ok(())
}

async fn end(
    site: &Site,
    archive: &Archive,
    claim: Moment,
    (state, trouble): (ArchiveState, &str),
) -> Result<(), Stuck> {
    let mut tx = site.db.begin().await?;
    if store::ended(&mut tx, (archive.id, claim), (state, trouble), site.now()).await? {
        let what = "brought articles in";
        audit_log::record(&mut tx, site, archive.staff_id, what, "", &archive.file).await?;
        tx.commit().await?;
        file::drop(site, archive.id).await?;
    }
    Ok(())
}

/// Some of it; whether it came before, and comes again because it names others that are here by now.
#[derive(Clone, Copy)]
struct Step<'a> {
    pieces: &'a [(u64, Piece)],
    is_again: bool,
}

/// One step, with how far it is, in one transaction; what came of all of them by now, if it is still ours.
async fn take_some(
    site: &Site,
    source: Source<'_>,
    document: &Document,
    (id, claim, until): (i64, Moment, Moment),
    Step { pieces, is_again }: Step<'_>,
    before: &ArchiveReport,
) -> db::Result<Option<ArchiveReport>> {
    let mut report = before.clone();
    let (mut coming, mut numbers) = (Vec::new(), Vec::new());
    let mut left: Vec<ArchiveLeft> = Vec::new();
    let mut leave = |number: u64, title: &str, why: String| {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        match left.iter_mut().find(|known| known.number == number) {
            Some(known) => known.why = format!("{}; {why}", known.why),
            None => left.push(ArchiveLeft { number, title: title.to_owned(), why }),
        }
    };
    for (number, piece) in pieces {
        for (name, times) in &piece.unknown {
            *report.shortcodes.entry(name.clone()).or_default() += times;
        }
        match &piece.what {
            What::Article(one) => {
                let (markdown, slug) = (one.markdown.as_deref(), one.slug.as_deref());
                coming.push(Coming { article: &one.article, there: one.there, markdown, slug });
                numbers.push((*number, piece.title.as_str(), one.said.as_deref()));
            }
            What::Passed(_) => {}
            What::Left(_) if is_again => {}
            What::Left(why) => {
                report.left += 1;
                leave(*number, &piece.title, why.clone());
            }
        }
    }
    let mut tx = site.db.begin().await?;
    tx.close(Gate::Articles).await?;
    let outcomes = import::take(&mut tx, source, document, &coming, site.now()).await?;
    for ((outcome, coming), (number, title, said)) in outcomes.into_iter().zip(&coming).zip(numbers) {
        if let Some(said) = said {
            leave(number, title, said.to_owned());
        }
        // What comes again was counted, and what is to be known of it otherwise was said.
        if is_again {
            continue;
        }
        if outcome == Taken::New && source.publishes() && coming.is_to_come(site.now()) {
            leave(number, title, TO_COME.to_owned());
        }
        match outcome {
            Taken::New => report.new += 1,
            Taken::Updated => report.updated += 1,
            Taken::Unchanged => report.unchanged += 1,
            Taken::Kept => {
                report.kept += 1;
                leave(number, title, "it was written here since, and stays as it is here".to_owned());
            }
            Taken::Withdrawn => {
                report.withdrawn += 1;
                leave(
                    number,
                    title,
                    "it is not shown there any more, and not here either from now on".to_owned(),
                );
            }
            Taken::Skipped(why) => {
                report.left += 1;
                leave(number, title, why);
            }
        }
    }
    let at = pieces.last().map(|(number, _)| *number).unwrap_or_default();
    if !store::reached(&mut tx, (id, claim, until), (at, &rows::written(&report)?), site.now()).await? {
        return Ok(None);
    }
    if report.left + report.kept + report.withdrawn <= MOST_LEFT {
        store::add_left(&mut tx, id, &left, site.now()).await?;
    }
    tx.commit().await?;
    Ok(Some(report))
}

/// So that whoever begins one holds it from the first moment.
pub(super) fn claimed(now: Moment) -> Moment {
    now.plus(queue::ARCHIVES.lease)
}
