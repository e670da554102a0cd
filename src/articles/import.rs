//! Brings what a feed or an archive gives into the database; the same twice changes nothing.
//!
//! The rule: what the desk edited stays as it was written here; a feed changes no article of another; what an archive brings is the owner's
//! word, and follows the magazine's own site also where a feed brought it first.

use std::collections::HashMap;

use url::Url;

use super::{
    feed::{ParsedArticle, ParsedFeed},
    feeds::rows::FeedArrives,
    identity::{Document, MOST_FOLDERS, Names, link_key, of_folders, other_spellings},
    read,
    rows::{ArticleState, FeedId},
    slug,
    store::{self, Followed, Known},
    text::ArticleText,
    topic_list::topics_in_a_line,
};
use crate::{
    clock::Moment,
    db::{self, Db, Gate, Result, Tx},
    site::Site,
    token,
};

/// Keeps each transaction short, so that deliveries and sign-ups do not wait for a large import.
pub(super) const ARTICLES_A_TRANSACTION: usize = 25;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticlesImported {
    /// Articles that were not known.
    pub new: u32,
    /// Articles that had changed in the feed.
    pub updated: u32,
    /// Articles that were known as they are.
    pub unchanged: u32,
    /// Articles that changed in the feed and were left alone: the desk has edited them.
    pub kept: u32,
    /// Why others were not taken, a sentence each.
    pub skipped: Vec<String>,
    /// What was odd about the feed, a sentence each.
    pub notes: Vec<String>,
}

/// Where articles come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// A feed, its address, how what is new in it arrives, and whether its pictures are copied here.
    Feed(FeedId, &'a str, FeedArrives, bool),
    /// A document at hand.
    Document,
    /// The owner's own archive; whether what is new in it is a draft first, and what was deleted here comes back.
    Archive { as_drafts: bool, brings_back: bool },
}

impl Source<'_> {
    /// How one stands that is new here.
    fn state_of(self, there: There) -> ArticleState {
        let as_drafts = match self {
            Self::Feed(_, _, arrives, _) => arrives == FeedArrives::Draft,
            Self::Document => false,
            Self::Archive { as_drafts, .. } => as_drafts,
        };
        new(there, as_drafts)
    }

    /// Whether what is published there is published here at once.
    pub fn publishes(self) -> bool {
        self.state_of(There::Published) == ArticleState::Published
    }

    /// When the pictures of what it gives are copied here.
    fn pictures_at(self, now: Moment) -> Option<Moment> {
        matches!(self, Self::Feed(.., true)).then_some(now)
    }
}

/// How an article stands where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum There {
    Published,
    /// Written, and not shown to everybody.
    Draft,
    /// Taken off: it is not brought, and no longer shown if it was.
    Withdrawn,
}

/// An article that comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming<'a> {
    pub article: &'a ParsedArticle,
    pub there: There,
    /// What it was written as, if that was Markdown.
    pub markdown: Option<&'a str>,
    /// Its name in addresses there.
    pub slug: Option<&'a str>,
}

impl Coming<'_> {
    /// Whether it is published there, of a folder, on a day to come: no site shows it yet.
    pub fn is_to_come(&self, now: Moment) -> bool {
        self.there == There::Published
            && self.markdown.is_some()
            && self.article.published_at.is_some_and(|at| at > now)
    }
}

/// What became of one article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Updated,
    Unchanged,
    Kept,
    Withdrawn,
    Skipped(String),
}

/// Imports what was read of a feed. Articles are known by what the feed calls them, else by where they stand; what the desk edited is left
/// as it is. A feed that is removed meanwhile brings nothing more.
///
/// # Errors
/// When the database fails: then some of the articles are in, and importing again brings the rest.
pub async fn import(site: &Site, feed_id: Option<FeedId>, feed: ParsedFeed) -> Result<ArticlesImported> {
    read::key_waiting(site).await?;
    let mut report =
        ArticlesImported { skipped: feed.skipped, notes: feed.notes, ..ArticlesImported::default() };
    let (mut document, mut articles) = (Document::default(), Vec::with_capacity(feed.articles.len()));
    for article in feed.articles {
        if document.add(&article.source_id, &link_key(article.canonical_url.as_deref())) {
            articles.push(article);
        } else {
            report.skipped.push(stands_twice(&article));
        }
    }
    let link = |article: &ParsedArticle| link_key(article.canonical_url.as_deref());
    report.notes.extend(
        articles
            .iter()
            .filter(|article| document.names(&article.source_id, &link(article)).is_id_shared)
            .map(|article| shares_its_id(&article.title)),
    );
    for chunk in articles.chunks(ARTICLES_A_TRANSACTION) {
        for outcome in db::again(|| import_chunk(site, feed_id, &document, chunk)).await? {
            match outcome {
                Taken::New => report.new += 1,
                Taken::Updated | Taken::Withdrawn => report.updated += 1,
                Taken::Unchanged => report.unchanged += 1,
                Taken::Kept => report.kept += 1,
                Taken::Skipped(why) => report.skipped.push(why),
            }
        }
    }
    Ok(report)
}

/// What is said of one that stands in its document for the second time.
pub(super) fn stands_twice(article: &ParsedArticle) -> String {
    let what = if link_key(article.canonical_url.as_deref()).is_empty() {
        "has the same id as another, and no address that tells them apart"
    } else {
        "stands there twice, with the same id and address"
    };
    format!("“{}” {what}: the first was taken", article.title)
}

/// What is said of one whose id another has.
pub(super) fn shares_its_id(title: &str) -> String {
    format!("“{title}” has the same id as another article there: they are told apart by their addresses")
}

/// What is said of a file that cannot be told from those of other folders.
fn too_many_folders(title: &str) -> String {
    format!("“{title}” lies where files of {MOST_FOLDERS} other folders lay: give it another name")
}

async fn import_chunk(
    site: &Site,
    feed_id: Option<FeedId>,
    document: &Document,
    chunk: &[ParsedArticle],
) -> Result<Vec<Taken>> {
    let mut tx = site.db.begin().await?;
    tx.close(Gate::Articles).await?;
    let feed = match feed_id {
        Some(id) => match store::hold_feed(&mut tx, id).await? {
            Some((url, arrives, keeps_pictures)) => Some((id, url, arrives, keeps_pictures)),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let source = feed.as_ref().map_or(Source::Document, |(id, url, arrives, keeps_pictures)| {
        Source::Feed(*id, url, *arrives, *keeps_pictures)
    });
    let coming = |article| Coming { article, there: There::Published, markdown: None, slug: None };
    let chunk: Vec<Coming<'_>> = chunk.iter().map(coming).collect();
    let outcomes = take(&mut tx, source, document, &chunk, site.now()).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// Takes articles of a document, in a transaction that has closed [`Gate::Articles`].
///
/// # Errors
/// When the database fails.
pub(super) async fn take(
    tx: &mut Tx,
    source: Source<'_>,
    document: &Document,
    chunk: &[Coming<'_>],
    now: Moment,
) -> Result<Vec<Taken>> {
    let names: Vec<Names> = chunk
        .iter()
        .map(|coming| {
            let article = coming.article;
            document.names(&article.source_id, &link_key(article.canonical_url.as_deref()))
        })
        .collect();
    let here = Here::load(tx, &names).await?;
    let mut outcomes = Vec::with_capacity(chunk.len());
    for (coming, names) in chunk.iter().zip(&names) {
        let known = here.find(source, document, (coming, names)).cloned();
        outcomes.push(match known {
            Some(known) => again(tx, source, coming, names, &known, now).await?,
            None => match here.name_for(names) {
                Some(called) => add(tx, source, coming, &called, now).await?,
                None => Taken::Skipped(too_many_folders(&coming.article.title)),
            },
        });
    }
    Ok(outcomes)
}

/// The name in addresses of the article that a file of a folder has become, whose title and day are those. Where several lay at its path it is the
/// one that has either; the only one is it in any case, unless all of the folder `is_here` by now.
///
/// # Errors
/// When the database fails.
pub(super) async fn slug_of_file(
    db: &Db,
    id: &str,
    (title, day): (&str, Option<Moment>),
    is_here: bool,
) -> Result<Option<String>> {
    let called = store::known_now(db, &of_folders(id)).await?;
    let there: Vec<Known> = called.into_iter().filter(|known| known.deleted_at.is_none()).collect();
    let common = |known: &Known| [day == Some(known.dated_there), title == known.title];
    let is_it = |known: &&Known| common(known).contains(&true) || there.len() == 1 && !is_here;
    let likely = there.iter().filter(is_it);
    let likely = likely.min_by_key(|known| common(known).map(|is_common| !is_common));
    Ok(likely.map(|known| known.slug.clone()))
}

/// What is here of what comes.
struct Here {
    called: HashMap<String, Known>,
    standing: HashMap<String, Vec<Known>>,
}

impl Here {
    async fn load(tx: &mut Tx, names: &[Names]) -> Result<Self> {
        let sources: Vec<String> = names
            .iter()
            .flat_map(|names| {
                let mut all = vec![names.id.clone(), names.told_apart()];
                all.extend(names.of_folders());
                all.extend(other_spellings(&names.id));
                all
            })
            .collect();
        let links: Vec<&str> =
            names.iter().map(|names| names.link.as_str()).filter(|link| !link.is_empty()).collect();
        let called = store::known_as(tx, &sources).await?;
        let called = called.into_iter().filter_map(|known| Some((known.source_id.clone()?, known))).collect();
        let mut standing: HashMap<String, Vec<Known>> = HashMap::new();
        for known in store::known_at(tx, &links).await? {
            standing.entry(known.link_key.clone().unwrap_or_default()).or_default().push(known);
        }
        Ok(Self { called, standing })
    }

    /// What one is called that is new here; none where too many folders had a file at its path.
    fn name_for(&self, names: &Names) -> Option<String> {
        if names.is_file() {
            return names.of_folders().into_iter().find(|name| !self.called.contains_key(name));
        }
        Some(names.kept_as())
    }

    /// The file that it is, of those that lay at its path: two folders have their `posts/hello.md` each. It is the one that has its day, its
    /// title or its words; a folder that is written in goes on having two of these.
    fn file(&self, coming: &Coming<'_>, names: &Names) -> Option<&Known> {
        let article = coming.article;
        let common = |known: &Known| {
            let words = coming.markdown.filter(|words| !words.is_empty());
            [
                article.published_at == Some(known.dated_there),
                article.title == known.title,
                words.is_some_and(|words| known.words.as_deref() == Some(words)),
                // Nothing is left of it that could tell.
                known.emptied_at.is_some() && article.published_at.is_none(),
            ]
        };
        let there = names.of_folders().into_iter().filter_map(|name| self.called.get(&name));
        let likely = there.filter(|known| common(known).contains(&true));
        likely.min_by_key(|known| common(known).map(|is_common| !is_common))
    }

    /// The one that it is: by what it is called, or else by where it stands.
    fn find(
        &self,
        source: Source<'_>,
        document: &Document,
        (coming, names): (&Coming<'_>, &Names),
    ) -> Option<&Known> {
        if names.is_file() {
            return self.file(coming, names);
        }
        if let Some(known) = self.called.get(&names.told_apart()) {
            return Some(known);
        }
        // Of several that are called so it is the one that stands there.
        let is_it = |known: &&Known| !names.is_id_shared || known.link_key.as_deref() == Some(&names.link);
        if let Some(known) = self.called.get(&names.id).filter(is_it) {
            return Some(known);
        }
        let spelt = other_spellings(&names.id).into_iter().filter(|id| !document.has(id));
        if let Some(known) = spelt.filter_map(|id| self.called.get(&id)).find(is_it) {
            return Some(known);
        }
        if names.link.is_empty() || names.is_link_shared {
            return None;
        }
        let standing = self.standing.get(&names.link)?;
        let might_be = |known: &&Known| {
            let is_another = known.source_id.as_deref().is_some_and(|id| document.has(id));
            !is_another && !is_squatted(source, known, &names.link) && !is_the_next_one(source, coming, known)
        };
        standing.iter().find(might_be)
    }
}

/// Whether another feed, which is not at home there, has an article that stands where ours is at home: then it keeps nobody from bringing
/// their own.
fn is_squatted(source: Source<'_>, known: &Known, link: &str) -> bool {
    let (Source::Feed(own, url, ..), Some(other)) = (source, known.feed_id) else { return false };
    own != other
        && is_host_of(url, link)
        && !known.feed_url.as_deref().is_some_and(|url| is_host_of(url, link))
}

/// Whether it is another article of the same feed, which gives all of them one address, such as that of its newsletter: then neither title nor
/// date are those of the one that stood there.
fn is_the_next_one(source: Source<'_>, coming: &Coming<'_>, known: &Known) -> bool {
    let Source::Feed(own, ..) = source else { return false };
    let article = coming.article;
    known.feed_id == Some(own)
        && known.title != article.title
        && article.published_at.is_none_or(|at| at != known.published_at)
}

/// Whether a link, as it is compared, is of the host of an address.
fn is_host_of(url: &str, link: &str) -> bool {
    host(url).is_some_and(|host| link.split(['/', '?', '#', ':']).next() == Some(&host))
}

fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").unwrap_or(host).to_owned())
}

/// What becomes of one that is here.
async fn again(
    tx: &mut Tx,
    source: Source<'_>,
    coming: &Coming<'_>,
    names: &Names,
    known: &Known,
    now: Moment,
) -> Result<Taken> {
    let article = coming.article;
    // Otherwise one feed could rewrite another's articles by naming their ids, also when the other was removed.
    match (source, known.feed_id) {
        (Source::Feed(own, ..), Some(other)) if own != other => {
            return Ok(Taken::Skipped(format!("“{}” belongs to another feed", article.title)));
        }
        (Source::Feed(_, url, ..), None) if !is_at_home(known.canonical_url.as_deref(), url) => {
            return Ok(Taken::Skipped(format!("“{}” came here from elsewhere before", article.title)));
        }
        _ => {}
    }
    let is_wanted = match source {
        // What brought it then is not there any more: whoever adds this feed now wants what it has.
        Source::Feed(..) => known.feed_id.is_none(),
        // Somebody brings it in by hand.
        Source::Document => true,
        Source::Archive { brings_back, .. } => brings_back,
    };
    if known.emptied_at.is_some() && is_wanted && coming.there != There::Withdrawn {
        let state = source.state_of(coming.there);
        let arrives =
            if state == ArticleState::Published { FeedArrives::Published } else { FeedArrives::Draft };
        store::bin::revive(tx, known.id, arrives).await?;
        follow(tx, source, coming, &Known { edited_at: None, state, ..known.clone() }, now).await?;
        return Ok(Taken::New);
    }
    if known.deleted_at.is_some() {
        if let (Source::Feed(id, ..), None) = (source, known.feed_id) {
            // A feed that has it all along is no news of it when nothing is left but its names.
            store::bin::is_of(tx, known.id, id).await?;
        }
        return Ok(Taken::Skipped(format!("“{}” was deleted here", article.title)));
    }
    match source {
        Source::Archive { as_drafts, .. } => archived(tx, as_drafts, coming, known, now).await,
        Source::Feed(id, ..) => {
            if known.source_id.as_ref().is_some_and(|source_id| *source_id != names.kept_as()) {
                store::rename(tx, known.id, &names.kept_as()).await?;
            }
            fed(tx, source, Some(id), coming, known, now).await
        }
        Source::Document => fed(tx, source, None, coming, known, now).await,
    }
}

/// It stands in a feed, or in a document of that kind.
async fn fed(
    tx: &mut Tx,
    source: Source<'_>,
    feed_id: Option<FeedId>,
    coming: &Coming<'_>,
    known: &Known,
    now: Moment,
) -> Result<Taken> {
    let article = coming.article;
    let hash = content_hash(article);
    // Feeds often give the beginning alone: what an archive brought in whole is not cut to that.
    let is_cut = known.archive_hash.is_some() && article.word_count.saturating_mul(2) < known.word_count;
    if known.content_hash == hash {
        // Whatever was written here before such versions were kept beside it.
        if known.theirs_hash.is_none() && !is_cut {
            keep_beside(tx, coming, known, Said::Feed(&hash), now).await?;
        }
        return Ok(Taken::Unchanged);
    }
    if let (Some(_), "") = (&known.archive_hash, known.content_hash.as_str()) {
        store::seen_in_feed(tx, known.id, &hash, feed_id).await?;
        return Ok(Taken::Unchanged);
    }
    let followed = Followed {
        article,
        body: (!is_cut).then_some((article.body_html.as_str(), None, article.word_count)),
        published_at: article.published_at.map(|at| at.min(now)),
        content_hash: &hash,
        archive_hash: known.archive_hash.as_deref(),
        feed_id,
        state: known.state,
        pictures_at: source.pictures_at(now),
        now,
    };
    if known.edited_at.is_some() && !is_cut {
        keep_beside(tx, coming, known, Said::Feed(&hash), now).await?;
    }
    if known.edited_at.is_some() || !store::follow(tx, known.id, &followed).await? {
        return Ok(Taken::Kept);
    }
    store::set_topics(tx, known.id, &topics(&article.topics)).await?;
    Ok(Taken::Updated)
}

/// The hash of what a source says; an article may stand in a feed and in an archive, and each of them is unchanged for itself.
#[derive(Clone, Copy)]
enum Said<'a> {
    Feed(&'a str),
    Archive(&'a str),
}

/// What its source says of an article that was written otherwise here, for whoever wants it.
async fn keep_beside(
    tx: &mut Tx,
    coming: &Coming<'_>,
    known: &Known,
    said: Said<'_>,
    now: Moment,
) -> Result<()> {
    let ((fed, archived), before, hash) = match said {
        Said::Feed(hash) => ((Some(hash), None), Some(known.content_hash.as_str()), hash),
        Said::Archive(hash) => ((None, Some(hash)), known.archive_hash.as_deref(), hash),
    };
    if known.edited_at.is_none() {
        return Ok(());
    }
    // What it said when somebody first wrote here is nothing new.
    let at = (before != Some(hash)).then_some(now);
    let article = coming.article;
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let text = ArticleText {
        title: article.title.clone(),
        standfirst: article.standfirst.clone(),
        byline: article.byline.clone(),
        topics: topics_in_a_line(&article.topics),
        body_markdown: coming.markdown.map(str::to_owned),
        body_html: Some(article.body_html.clone()),
        canonical_url: given(&article.canonical_url),
        image_url: given(&article.image_url),
        image_alt: article.image_alt.clone(),
        origin_note: given(&article.origin_note),
        notes: String::new(),
    };
    store::theirs::keep(tx, known.id, &text.to_json(), (hash, fed, archived), (at, article.published_at))
        .await
}

/// It stands in an archive.
async fn archived(
    tx: &mut Tx,
    as_drafts: bool,
    coming: &Coming<'_>,
    known: &Known,
    now: Moment,
) -> Result<Taken> {
    let article = coming.article;
    let hash = archive_hash(coming);
    let state = stands(known.state, coming.there, as_drafts);
    let is_as_it_was = known.archive_hash.as_deref() == Some(hash.as_str());
    if coming.there == There::Withdrawn {
        return Ok(if known.state == ArticleState::Withdrawn {
            Taken::Unchanged
        } else if known.edited_at.is_none() && store::withdraw(tx, known.id, &hash, now).await? {
            Taken::Withdrawn
        } else {
            Taken::Kept
        });
    }
    // Whatever was written here before such versions were kept beside it, too.
    if !is_as_it_was || known.theirs_hash.is_none() {
        keep_beside(tx, coming, known, Said::Archive(&hash), now).await?;
    }
    if is_as_it_was && state == known.state {
        return Ok(Taken::Unchanged);
    }
    let followed = Followed {
        article,
        body: Some((article.body_html.as_str(), coming.markdown, article.word_count)),
        published_at: dated(coming, Some(known), now),
        content_hash: &known.content_hash,
        archive_hash: Some(&hash),
        feed_id: None,
        state,
        pictures_at: None,
        now,
    };
    if known.edited_at.is_some() || !store::follow(tx, known.id, &followed).await? {
        return Ok(Taken::Kept);
    }
    store::set_topics(tx, known.id, &topics(&article.topics)).await?;
    Ok(Taken::Updated)
}

/// Brings one up to its source, whatever it says.
async fn follow(
    tx: &mut Tx,
    source: Source<'_>,
    coming: &Coming<'_>,
    known: &Known,
    now: Moment,
) -> Result<()> {
    let article = coming.article;
    let (fed, archived, feed_id) = match source {
        Source::Feed(id, ..) => (content_hash(article), None, Some(id)),
        Source::Document => (content_hash(article), None, None),
        Source::Archive { .. } => (String::new(), Some(archive_hash(coming)), None),
    };
    let followed = Followed {
        article,
        body: Some((article.body_html.as_str(), coming.markdown, article.word_count)),
        // Nobody saw it, for it was gone.
        published_at: dated(coming, None, now),
        content_hash: &fed,
        archive_hash: archived.as_deref(),
        feed_id,
        state: known.state,
        pictures_at: source.pictures_at(now),
        now,
    };
    store::follow(tx, known.id, &followed).await?;
    store::set_topics(tx, known.id, &topics(&article.topics)).await
}

/// How one that is here stands from now on, by how it stands there.
fn stands(here: ArticleState, there: There, as_drafts: bool) -> ArticleState {
    match (there, here) {
        (There::Withdrawn, _) => ArticleState::Withdrawn,
        (There::Draft, ArticleState::Ready) => ArticleState::Ready,
        (There::Draft, _) => ArticleState::Draft,
        // It is seen here already: drafts are for what is new.
        (There::Published, ArticleState::Published) => ArticleState::Published,
        (There::Published, _) => new(there, as_drafts),
    }
}

fn new(there: There, as_drafts: bool) -> ArticleState {
    if there == There::Published && !as_drafts { ArticleState::Published } else { ArticleState::Draft }
}

/// What is shown is dated by now at the latest; a draft, and a file of a folder, may be meant for a day to come. What readers see already
/// stays, with the day that it had.
fn dated(coming: &Coming<'_>, known: Option<&Known>, now: Moment) -> Option<Moment> {
    // Without a date that can be read it stands beside those that it came with; it is of today only where nothing there has one.
    let at = coming.article.published_at.or(coming.article.placed_at)?;
    if coming.is_to_come(now) {
        let is_out =
            known.is_some_and(|known| known.state == ArticleState::Published && known.published_at <= now);
        return (!is_out).then_some(at);
    }
    Some(if coming.there == There::Published { at.min(now) } else { at })
}

/// Whether an article stands on the host that a feed comes from.
fn is_at_home(canonical_url: Option<&str>, feed_url: &str) -> bool {
    canonical_url.and_then(host).is_some_and(|own| host(feed_url) == Some(own))
}

async fn add(
    tx: &mut Tx,
    source: Source<'_>,
    coming: &Coming<'_>,
    source_id: &str,
    now: Moment,
) -> Result<Taken> {
    let article = coming.article;
    if coming.there == There::Withdrawn {
        return Ok(Taken::Skipped(format!("“{}” is private or in the bin there", article.title)));
    }
    let (feed_id, content_hash, archive_hash) = match source {
        Source::Feed(id, ..) => (Some(id), content_hash(article), None),
        Source::Document => (None, content_hash(article), None),
        Source::Archive { .. } => (None, String::new(), Some(archive_hash(coming))),
    };
    let row = store::NewRow {
        feed_id,
        source_id: Some(source_id),
        title: &article.title,
        standfirst: &article.standfirst,
        byline: &article.byline,
        body_html: &article.body_html,
        body_markdown: coming.markdown,
        canonical_url: article.canonical_url.as_deref(),
        image_url: article.image_url.as_deref(),
        image_alt: &article.image_alt,
        origin_note: article.origin_note.as_deref(),
        word_count: article.word_count,
        state: source.state_of(coming.there),
        // What a feed gives is public, whatever date it bears.
        published_at: dated(coming, None, now).unwrap_or(now),
        now,
        edited_at: None,
        content_hash: &content_hash,
        archive_hash: archive_hash.as_deref(),
        notes: "",
        embargo_at: None,
        dated_there: article.published_at,
        pictures_at: source.pictures_at(now),
    };
    let called = coming.slug.map(slug::slug).filter(|slug| !slug.is_empty());
    for slug in slug::candidates(&called.unwrap_or_else(|| slug::slug(&article.title))) {
        if let Some(id) = store::add(tx, &slug, &row).await? {
            store::set_topics(tx, id, &topics(&article.topics)).await?;
            return Ok(Taken::New);
        }
    }
    Ok(Taken::Skipped(format!("no free address for “{}”", article.title)))
}

/// Slug and name of each topic, once each.
pub(super) fn topics(names: &[String]) -> Vec<(String, String)> {
    let mut topics: Vec<(String, String)> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let slug = match slug::slug(name) {
            slug if slug.is_empty() => format!("topic-{}", &token::hash(name)[..8]),
            slug => slug,
        };
        if !topics.iter().any(|(known, _)| *known == slug) {
            topics.push((slug, name.to_owned()));
        }
    }
    topics
}

/// All that an archive says of an article.
fn archive_hash(coming: &Coming<'_>) -> String {
    let mut said = vec![
        content_hash(coming.article),
        coming.markdown.unwrap_or_default().to_owned(),
        format!("{:?}", coming.there),
    ];
    // Of a picture of which nothing is said nothing is added: what came before there was a word for it stays as it is known.
    said.extend(Some(coming.article.image_alt.clone()).filter(|alt| !alt.is_empty()));
    token::hash(&said.join("\u{1e}"))
}

fn content_hash(article: &ParsedArticle) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let published = article.published_at.map(|at| at.to_string()).unwrap_or_default();
    token::hash(
        &[
            article.title.clone(),
            article.standfirst.clone(),
            article.byline.clone(),
            article.topics.join("\u{1f}"),
            article.body_html.clone(),
            optional(&article.canonical_url),
            optional(&article.image_url),
            optional(&article.origin_note),
            published,
        ]
        .join("\u{1e}"),
    )
}
