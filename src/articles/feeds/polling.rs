//! Asking feeds: each when its turn has come, one when somebody presses, all when an edition is made.
//!
//! The rule: what waits for other people's servers is done for some feeds beside each other, and without the database; what they gave is
//! brought in one feed after the other. A feed that fails is asked again by the rules of its queue, later each time, and not before its
//! server wants to be asked.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use url::Url;

use super::{
    super::{
        cleaning::charset::ContentType,
        feed::{self, FeedError, ParsedFeed},
        fetch::{FetchError, Fetched, Fetcher, RetryAfter, Validators},
        import::{self, ArticlesImported},
        rows::FeedId,
        store::feeds::{self as store, FEEDS_IN_TURN},
    },
    rows::{Feed, FeedRead, FeedSource},
    topic_map::TopicMap,
};
use crate::{
    clock::{Moment, Stopwatch},
    db, heavy,
    queue::{self, Came, Due, Queue, Work},
    site::Site,
    words,
};

/// So many are asked beside each other.
const AT_ONCE: usize = 8;
/// After so long no more are asked in a turn of the job; the next goes on.
const A_TURN: Duration = Duration::from_secs(50);
/// And so long while somebody waits for the page.
const WHILE_SOMEBODY_WAITS: Duration = Duration::from_secs(15);
/// So many are asked while somebody waits.
const MOST_BY_HAND: i64 = 40;
/// What was asked just now has nothing new.
const JUST_NOW: Duration = Duration::from_secs(60);
/// A server that wants to be left alone for longer is asked all the same.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// So many sentences are kept about one time, each so long, in characters.
const MOST_NOTES: usize = 30;
const LONGEST_NOTE: usize = 300;

/// What asking a feed brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// It has not changed.
    NotModified,
    /// It was read and imported.
    Imported(ArticlesImported),
}

/// Why asking a feed failed.
#[derive(Debug, thiserror::Error)]
pub enum FeedPollError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl FeedPollError {
    /// In a sentence, for an editor.
    #[must_use]
    pub fn in_words(&self) -> String {
        words::in_a_sentence(&self.to_string())
    }

    /// How long its server wants to be left alone.
    fn wants_to_wait(&self, now: Moment) -> Duration {
        let Self::Fetch(FetchError::Status { after, .. }) = self else { return Duration::ZERO };
        let wait = match after {
            Some(RetryAfter::In(span)) => *span,
            Some(RetryAfter::At(moment)) => moment.since(now),
            None => Duration::ZERO,
        };
        wait.min(LONGEST_WAIT)
    }
}

/// What a feed answered.
pub(super) enum Answer {
    /// Nothing changed.
    Same {
        moved: Option<Url>,
    },
    Read {
        parsed: Box<ParsedFeed>,
        validators: Validators,
        moved: Option<Url>,
    },
}

/// Asks a feed whether it changed, and imports it if so. What came of it is kept with the feed.
///
/// # Errors
/// [`FeedPollError`].
pub async fn poll_feed(site: &Site, fetcher: &Fetcher, feed: &Feed) -> Result<Polled, FeedPollError> {
    let source = feed.source();
    let answer = ask(fetcher, &feed.url, &source).await;
    Ok(keep(site, &source, answer, true).await?.0)
}

/// The same because somebody pressed: what came of it, as it is kept with the feed.
///
/// # Errors
/// When the database fails.
pub async fn read_feed_now(site: &Site, fetcher: &Fetcher, feed: &Feed) -> db::Result<Option<i64>> {
    let source = feed.source();
    let answer = ask(fetcher, &feed.url, &source).await;
    match keep(site, &source, answer, true).await {
        Ok((_, read)) => Ok(read),
        Err(FeedPollError::Database(error)) => Err(error),
        Err(_) => Ok(store::reads(&site.db, feed.id, 1).await?.first().map(|read| read.id)),
    }
}

/// What came of asking all feeds because somebody pressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedsRead {
    /// How many were asked.
    pub asked: usize,
    /// Articles that were not known.
    pub fresh: i64,
    /// Articles that had changed.
    pub changed: i64,
    /// How many feeds could not be read.
    pub failed: usize,
}

/// Asks the feeds that are on and were not asked within the last minute, those first that were asked longest ago: as many as can be
/// while somebody waits.
///
/// # Errors
/// When the database fails.
pub async fn read_feeds_now(site: &Site, fetcher: &Fetcher) -> db::Result<FeedsRead> {
    let feeds = store::feeds_to_read(&site.db, site.now().minus(JUST_NOW), MOST_BY_HAND).await?;
    let (mut sum, watch) = (FeedsRead::default(), Stopwatch::start());
    for some in feeds.chunks(AT_ONCE) {
        if watch.elapsed() >= WHILE_SOMEBODY_WAITS {
            break;
        }
        let sources: Vec<FeedSource> = some.iter().map(Feed::source).collect();
        let mut asking = Vec::new();
        for (feed, source) in some.iter().zip(&sources) {
            asking.push(ask(fetcher, &feed.url, source));
        }
        for (answer, source) in join_all(asking).await.into_iter().zip(&sources) {
            sum.asked += 1;
            match keep(site, source, answer, true).await {
                Ok((Polled::Imported(report), _)) => {
                    sum.fresh += i64::from(report.new);
                    sum.changed += i64::from(report.updated);
                }
                Ok((Polled::NotModified, _)) => {}
                Err(FeedPollError::Database(error)) => return Err(error),
                Err(_) => sum.failed += 1,
            }
        }
    }
    Ok(sum)
}

/// Polls the feeds whose turn has come, as many as a turn of the job has time for.
///
/// # Errors
/// When the database fails; a feed's own trouble stands with it.
pub async fn poll_due(site: &Site, fetcher: &Fetcher) -> db::Result<queue::Worked> {
    queue::work(site, &InTurn { fetcher, answers: Mutex::default() }).await
}

/// Feeds, each when its turn has come.
struct InTurn<'a> {
    fetcher: &'a Fetcher,
    /// What those answered that are claimed.
    answers: Mutex<HashMap<FeedId, Result<Answer, FeedPollError>>>,
}

impl Work for InTurn<'_> {
    type What = FeedSource;

    fn queue(&self) -> &'static Queue {
        &FEEDS_IN_TURN
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn patience(&self) -> Option<Duration> {
        Some(A_TURN)
    }

    async fn ahead(&self, due: &[Due<FeedSource>]) {
        let mut asking = Vec::new();
        for due in due {
            asking.push(heavy::caught(ask(self.fetcher, &due.name, &due.what)));
        }
        for (due, asked) in due.iter().zip(join_all(asking).await) {
            // Of one that broke off there is no answer.
            if let Ok(answer) = asked {
                self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(due.what.id, answer);
            }
        }
    }

    async fn work(&self, site: &Site, due: &Due<FeedSource>) -> db::Result<Came> {
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&due.what.id);
        let Some(answer) = answer else {
            return Ok(Came::Later("Reading it broke off: that is a mistake of this program.".to_owned()));
        };
        let later = match keep(site, &due.what, answer, false).await {
            Ok(_) | Err(FeedPollError::Fetch(FetchError::Gone)) => return Ok(Came::Done),
            Err(FeedPollError::Database(error)) => return Err(error),
            Err(error) => error,
        };
        let now = site.now();
        let gap = a_little_sooner(FEEDS_IN_TURN.rules.gap(due.attempts), due.what.id, now);
        Ok(Came::LaterIn(later.in_words(), gap.max(later.wants_to_wait(now))))
    }
}

/// Asks a feed, and reads what it gives. Nothing of it is kept.
pub(super) async fn ask(fetcher: &Fetcher, url: &str, source: &FeedSource) -> Result<Answer, FeedPollError> {
    let known = Validators { etag: source.etag.clone(), last_modified: source.last_modified.clone() };
    match fetcher.fetch(&fetcher.allowed(url)?, &known).await? {
        Fetched::NotModified { moved } => Ok(Answer::Same { moved }),
        Fetched::Content { bytes, content_type, validators, address, moved } => {
            let parsed = Box::new(parse(bytes, Some(address), content_type).await?);
            Ok(Answer::Read { parsed, validators, moved })
        }
    }
}

/// Reads a document, away from the threads that serve.
pub(super) async fn parse(
    bytes: Vec<u8>,
    address: Option<Url>,
    content_type: Option<ContentType>,
) -> Result<ParsedFeed, FeedError> {
    let named = address.as_ref().map_or("a file", Url::as_str).to_owned();
    let read = move || feed::parse(&bytes, address.as_ref(), content_type.as_ref());
    heavy::aside(read).await.unwrap_or_else(|cause| {
        tracing::warn!(feed = named, %cause, "a feed made its parser stop");
        Err(FeedError::GaveUp)
    })
}

/// Keeps what asking a feed brought, and what came of it; with the number of the line that says so, if there is one.
pub(super) async fn keep(
    site: &Site,
    source: &FeedSource,
    answer: Result<Answer, FeedPollError>,
    by_hand: bool,
) -> Result<(Polled, Option<i64>), FeedPollError> {
    let id = source.id;
    let (moved, read) = match answer {
        Ok(Answer::Same { moved }) => (moved, None),
        Ok(Answer::Read { mut parsed, validators, moved }) => {
            file(&mut parsed, source);
            let title = parsed.title.clone();
            (moved, Some((import::import(site, Some(id), *parsed).await?, title, validators)))
        }
        Err(FeedPollError::Database(error)) => return Err(error.into()),
        Err(error) => {
            failed(site, id, &error, by_hand).await?;
            return Err(error);
        }
    };
    let now = site.now();
    let next = now.plus(a_little_sooner(source.every.span(), id, now));
    // After the import: if that failed, the next time it must not be told that nothing changed.
    let mut tx = site.db.begin().await?;
    if let Some(moved) = moved {
        store::feed_moved(&mut tx, id, moved.as_str()).await?;
    }
    if let Some((_, title, validators)) = &read {
        store::feed_read(&mut tx, (id, source.version), title, validators).await?;
    }
    let report = read.map(|(report, ..)| report);
    let (new, changed) =
        report.as_ref().map_or((0, 0), |report| (i64::from(report.new), i64::from(report.updated)));
    let came = new + changed > 0;
    store::feed_well(&mut tx, (id, source.version), (now, next), (new, came)).await?;
    let line = if came || by_hand {
        let line = report.as_ref().map(of_report).unwrap_or_default();
        Some(store::add_read(&mut tx, id, &FeedRead { at: now, by_hand, ..line }).await?)
    } else {
        None
    };
    tx.commit().await?;
    Ok((report.map_or(Polled::NotModified, Polled::Imported), line))
}

async fn failed(site: &Site, id: FeedId, error: &FeedPollError, by_hand: bool) -> db::Result<()> {
    let (words, now) = (error.in_words(), site.now());
    let mut tx = site.db.begin().await?;
    if matches!(error, FeedPollError::Fetch(FetchError::Gone)) {
        store::feed_ended(&mut tx, id, &words, now).await?;
    } else {
        store::feed_failed(&mut tx, id, &words, now).await?;
    }
    let line = FeedRead { at: now, by_hand, error: Some(words), ..FeedRead::default() };
    store::add_read(&mut tx, id, &line).await?;
    tx.commit().await
}

/// Files its articles under the topics that its words become.
fn file(parsed: &mut ParsedFeed, source: &FeedSource) {
    // It was read when it was saved; what cannot be read by now says nothing.
    let map = TopicMap::parse(&source.topic_map).unwrap_or_default();
    for article in &mut parsed.articles {
        article.topics = map.topics(&article.topics, source.other_topics);
    }
}

fn of_report(report: &ArticlesImported) -> FeedRead {
    let notes: Vec<String> = report
        .notes
        .iter()
        .chain(&report.skipped)
        .take(MOST_NOTES)
        .map(|note| {
            words::in_a_sentence(&note.replace('\n', " ").chars().take(LONGEST_NOTE).collect::<String>())
        })
        .collect();
    FeedRead {
        fresh: report.new.into(),
        changed: report.updated.into(),
        kept: report.kept.into(),
        unchanged: report.unchanged.into(),
        notes: notes.join("\n"),
        ..FeedRead::default()
    }
}

/// Up to a tenth sooner, each feed and each time by another part of it, so that not all ask in the same minute for ever.
fn a_little_sooner(span: Duration, id: FeedId, now: Moment) -> Duration {
    let mut draw = DefaultHasher::new();
    (id.0, now.0).hash(&mut draw);
    let thousandths = u32::try_from(draw.finish() % 100).unwrap_or_default();
    span - span / 1_000 * thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_spread_and_never_late() {
        let hour = Duration::from_secs(3_600);
        let spans: Vec<_> = (0..200).map(|id| a_little_sooner(hour, FeedId(id), Moment(7))).collect();
        assert!(spans.iter().all(|span| *span <= hour && *span * 10 >= hour * 9));
        let different: std::collections::BTreeSet<_> = spans.iter().collect();
        assert!(different.len() > 50, "{}", different.len());
    }

    #[test]
    fn what_went_wrong_is_a_sentence() {
        let words = |error: FetchError| FeedPollError::from(error).in_words();
        assert_eq!(words(FetchError::NoSuchSite), "There is no site of that name: is it spelt right?");
        assert_eq!(words(FetchError::Refused), "The site does not answer: it may be down just now.");
    }

    #[test]
    fn a_server_is_waited_for_as_it_asks_and_at_most_for_a_day() {
        let now = Moment::from_unix_seconds(1_000_000);
        let wait = |after| {
            let error = FetchError::Status { status: 503, after };
            FeedPollError::from(error).wants_to_wait(now).as_secs()
        };
        assert_eq!(wait(None), 0);
        assert_eq!(wait(Some(RetryAfter::In(Duration::from_secs(7_200)))), 7_200);
        assert_eq!(wait(Some(RetryAfter::At(Moment::from_unix_seconds(1_000_600)))), 600);
        assert_eq!(wait(Some(RetryAfter::At(Moment::from_unix_seconds(9)))), 0);
        assert_eq!(wait(Some(RetryAfter::In(Duration::from_secs(9_999_999)))), 86_400);
    }
}
