//! Writing and editing articles on the desk.

use url::Url;

use super::{
    Article, ArticleId, ArticleState, cleaning::html, import, read, revisions, sittings::Piece, slug, store,
    text::ArticleText, topic_list::topics_in_a_line, writing,
};
use crate::{
    clock::Moment,
    db::{self, Db, MaybeDatabase, Tx},
    heavy,
    site::Site,
};

/// What the desk's form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenArticle {
    /// Required, up to 300 characters.
    pub title: String,
    /// Up to 1,000 characters.
    pub standfirst: String,
    /// Up to 200 characters.
    pub byline: String,
    /// Names of topics; unknown ones are made.
    pub topics: Vec<String>,
    /// Markdown; `None` leaves the body as it is.
    pub body_markdown: Option<String>,
    /// An http or https address, or empty.
    pub canonical_url: String,
    /// An http or https address, or empty.
    pub image_url: String,
    /// What that shows, for who does not see it; empty of one that only adorns; up to 500 characters.
    pub image_alt: String,
    /// May be empty.
    pub origin_note: String,
    /// Whether readers see it.
    pub state: ArticleState,
    /// Since when, or from when on; `None` means now for a new article, and no change for an old one.
    pub published_at: Option<Moment>,
    /// For the team alone; up to 10,000 characters.
    pub notes: String,
    /// It is not published before.
    pub embargo_at: Option<Moment>,
    /// What was put right, for readers; `None` says nothing, and leaves what was said before.
    pub correction: Option<String>,
    /// Who of the team writes it.
    pub by: Option<i64>,
    /// What its page called it before it was there.
    pub piece: Option<Piece>,
}

/// What is wrong with a field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleFieldError {
    /// The field's name in [`WrittenArticle`].
    pub field: &'static str,
    /// A sentence for the person who typed.
    pub message: &'static str,
}

/// Why an article was not written.
#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    /// The form comes back with these.
    #[error("the article cannot be saved as it is")]
    Invalid(Vec<ArticleFieldError>),
    /// There is no such article.
    #[error("there is no such article")]
    NotFound,
    /// Somebody else, or its feed, changed it since it was looked at.
    #[error("somebody else changed the article meanwhile")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for ArticleError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// The longest text of an article, in bytes.
const MOST_BODY: usize = 1_000_000;

/// What Markdown makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Clean HTML.
    pub html: String,
    /// How long it is.
    pub words: i64,
}

impl Body {
    /// What is clean HTML already.
    pub(super) fn of_clean(html: String) -> Self {
        let words = html::word_count(&html::text_of(&html));
        Self { html, words }
    }

    /// Reads the Markdown of a text.
    ///
    /// # Errors
    /// What to say beside the field.
    pub async fn read(markdown: &str) -> Result<Self, ArticleFieldError> {
        let mistake = |message| ArticleFieldError { field: "body_markdown", message };
        if markdown.len() > MOST_BODY {
            return Err(mistake("The text is too long: please keep it under a million characters."));
        }
        let markdown = markdown.to_owned();
        let read = heavy::aside(move || Self::of_clean(writing::markdown_to_html(&markdown)));
        read.await.map_err(|cause| {
            tracing::warn!(%cause, "an article's Markdown cannot be read");
            mistake("Something in this text cannot be read. Take out what you put in last, and try again.")
        })
    }
}

/// What was pasted, as Markdown.
///
/// # Errors
/// When it cannot be read: then its plain text is all there is.
pub async fn read_pasted(html: String) -> Result<String, heavy::GaveUp> {
    heavy::aside(move || writing::pasted_to_markdown(&html)).await
}

/// The text of an article as somebody can change it: what the writer typed, or what its feed brought, made into Markdown.
///
/// # Errors
/// When it cannot be read.
pub async fn text_to_change(article: &Article) -> Result<String, heavy::GaveUp> {
    match &article.body_markdown {
        Some(markdown) => Ok(markdown.clone()),
        None => as_markdown(article.body_html.clone()).await,
    }
}

/// Clean HTML as Markdown.
///
/// # Errors
/// When it cannot be read.
pub async fn as_markdown(html: String) -> Result<String, heavy::GaveUp> {
    heavy::aside(move || writing::html_to_markdown(&html)).await
}

/// What became of one text in another, word by word.
///
/// # Errors
/// When they cannot be compared.
pub async fn compared(old: String, new: String) -> Result<Vec<writing::WordChange>, heavy::GaveUp> {
    heavy::aside(move || writing::word_changes(&old, &new)).await
}

/// What was written, found right and read, ready to be kept.
#[derive(Clone, Debug)]
pub struct Checked {
    written: WrittenArticle,
    body: Option<Body>,
}

impl WrittenArticle {
    /// Checks every field and reads the Markdown; before a transaction, for it may take a while.
    ///
    /// # Errors
    /// [`ArticleError::Invalid`] with every wrong field.
    pub async fn checked(&self, now: Moment) -> Result<Checked, ArticleError> {
        let (written, mut errors) = valid(self, now);
        let body = match &written.body_markdown {
            Some(markdown) => Body::read(markdown).await.map_err(|error| errors.push(error)).ok(),
            None => None,
        };
        if errors.is_empty() { Ok(Checked { written, body }) } else { Err(ArticleError::Invalid(errors)) }
    }
}

/// Writes a new article; once, however often the form is sent that names the piece.
///
/// # Errors
/// [`ArticleError::Invalid`] with every wrong field, or the database's.
pub async fn create(site: &Site, written: &WrittenArticle) -> Result<Article, ArticleError> {
    let now = site.now();
    let Checked { written, body } = written.checked(now).await?;
    let body = body.unwrap_or_default();
    let begun_as = written.by.zip(written.piece.as_ref()).map(|(by, piece)| begun_as(by, piece));
    let row = store::NewRow {
        feed_id: None,
        source_id: begun_as.as_deref(),
        title: &written.title,
        standfirst: &written.standfirst,
        byline: &written.byline,
        body_html: &body.html,
        body_markdown: Some(written.body_markdown.as_deref().unwrap_or_default()),
        canonical_url: given(&written.canonical_url),
        image_url: given(&written.image_url),
        image_alt: &written.image_alt,
        origin_note: given(&written.origin_note),
        word_count: body.words,
        state: written.state,
        published_at: written.published_at.unwrap_or(now),
        now,
        edited_at: Some(now),
        content_hash: "",
        notes: &written.notes,
        embargo_at: written.embargo_at,
        archive_hash: None,
        dated_there: None,
        pictures_at: None,
    };
    let id = db::again(|| create_once(site, &written, &row)).await?;
    read::by_id(&site.db, id).await?.ok_or(ArticleError::NotFound)
}

async fn create_once(
    site: &Site,
    written: &WrittenArticle,
    row: &store::NewRow<'_>,
) -> Result<ArticleId, ArticleError> {
    let mut tx = site.db.begin().await?;
    for slug in slug::candidates(&slug::slug(&written.title)) {
        if let Some(id) = store::add(&mut tx, &slug, row).await? {
            store::set_topics(&mut tx, id, &import::topics(&written.topics)).await?;
            revisions::keep(&mut tx, (id, 1), written.by, row.now, &saved(written, None)).await?;
            tx.commit().await?;
            return Ok(id);
        }
        // Sent twice at once: the other was first.
        if let Some(begun_as) = row.source_id
            && let Some(known) = store::known_as(&mut tx, &[begun_as.to_owned()]).await?.first()
        {
            return Ok(known.id);
        }
    }
    Err(invalid("title", "Please choose another title: every address made from this one is taken."))
}

/// The article that a piece has become, when somebody saved it before.
pub async fn saved_as(db: &Db, by: i64, piece: &Piece) -> db::Result<Option<Article>> {
    match store::called(db, &begun_as(by, piece)).await? {
        Some(id) => read::by_id(db, id).await,
        None => Ok(None),
    }
}

/// What the desk calls an article that was begun there: nobody else's form names it.
fn begun_as(by: i64, piece: &Piece) -> String {
    format!("desk:{by}:{}", piece.name())
}

/// Changes the version of an article that somebody saw, in the caller's transaction; its slug stays, so that links in mails
/// already sent keep leading to it. An edition may have been approved with it: the desk goes through
/// [`publishing::change_article`](crate::publishing::change_article), which asks.
///
/// # Errors
/// [`ArticleError::Changed`] when it is another version by now.
pub async fn update(
    tx: &mut Tx,
    site: &Site,
    (id, version): (ArticleId, i64),
    Checked { written, body }: &Checked,
) -> Result<(), ArticleError> {
    let now = site.now();
    let (before, topics) = store::writing::to_change(tx, id).await?.ok_or(ArticleError::NotFound)?;
    if before.version != version {
        return Err(ArticleError::Changed);
    }
    let was = ArticleText::with_topics(&before, topics);
    let saved = saved(written, Some(&was));
    // Neither a word nor its day; notes are the team's own.
    let says_the_same =
        written.published_at.is_none() && ArticleText { notes: was.notes.clone(), ..saved.clone() } == was;
    let body = body.as_ref().zip(written.body_markdown.as_deref());
    let edit = store::Edit {
        title: &written.title,
        standfirst: &written.standfirst,
        byline: &written.byline,
        body: body.map(|(body, markdown)| (body.html.as_str(), markdown, body.words)),
        canonical_url: given(&written.canonical_url),
        image_url: given(&written.image_url),
        image_alt: &written.image_alt,
        origin_note: given(&written.origin_note),
        state: written.state,
        published_at: written.published_at,
        now,
        notes: &written.notes,
        embargo_at: written.embargo_at,
        correction: written.correction.as_deref().map(|words| (words, now)),
        was: &was.to_json(),
        says_the_same,
    };
    if !store::edit(tx, (id, version), &edit).await? {
        let there = store::is_there(tx, id).await?;
        return Err(if there { ArticleError::Changed } else { ArticleError::NotFound });
    }
    // As it was before: what a feed brought, and what an older program saved, is in no version yet.
    revisions::keep(tx, (id, version), None, before.updated_at, &was).await?;
    revisions::keep(tx, (id, version + 1), written.by, now, &saved).await?;
    if let Some(staff_id) = written.by {
        store::writing::drop_copy(tx, staff_id, &id.0.to_string()).await?;
    }
    Ok(store::set_topics(tx, id, &import::topics(&written.topics)).await?)
}

/// As it is saved; where the text itself was left as it is, it is that of the article before.
fn saved(written: &WrittenArticle, before: Option<&ArticleText>) -> ArticleText {
    let body_markdown =
        written.body_markdown.clone().or_else(|| before.and_then(|before| before.body_markdown.clone()));
    let body_html = before.and_then(|before| before.body_html.clone());
    ArticleText {
        title: written.title.clone(),
        standfirst: written.standfirst.clone(),
        byline: written.byline.clone(),
        topics: topics_in_a_line(&written.topics),
        body_html: body_html.filter(|_| body_markdown.is_none()),
        body_markdown,
        canonical_url: written.canonical_url.clone(),
        image_url: written.image_url.clone(),
        image_alt: written.image_alt.clone(),
        origin_note: written.origin_note.clone(),
        notes: written.notes.clone(),
    }
}

fn invalid(field: &'static str, message: &'static str) -> ArticleError {
    ArticleError::Invalid(vec![ArticleFieldError { field, message }])
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What readers are told was put right, in a line.
pub(super) fn put_right(words: &str) -> Result<String, ArticleFieldError> {
    let words = line(words);
    let mistake = |message| Err(ArticleFieldError { field: "correction", message });
    match words.chars().count() {
        0 => mistake("Please say in a sentence what was put right."),
        1..=1_000 => Ok(words),
        _ => mistake("Please keep it under 1,000 characters."),
    }
}

/// Trims, makes single lines of what must be one, and checks all but the text.
fn valid(written: &WrittenArticle, now: Moment) -> (WrittenArticle, Vec<ArticleFieldError>) {
    let (correction, unsaid) = match written.correction.as_deref().map(put_right).transpose() {
        Ok(correction) => (correction, None),
        Err(error) => (None, Some(error)),
    };
    let written = WrittenArticle {
        title: line(&written.title),
        standfirst: line(&written.standfirst),
        byline: line(&written.byline),
        topics: written.topics.iter().map(|name| line(name)).collect(),
        canonical_url: written.canonical_url.trim().to_owned(),
        image_url: written.image_url.trim().to_owned(),
        image_alt: line(&written.image_alt),
        origin_note: line(&written.origin_note),
        notes: written.notes.trim().to_owned(),
        correction,
        ..written.clone()
    };
    let longer = |text: &str, most: usize| text.chars().count() > most;
    let no_address = |text: &str| {
        !text.is_empty() && !Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    let embargo = written.embargo_at.filter(|_| written.state == ArticleState::Published);
    let too_early = embargo.is_some_and(|embargo| embargo > written.published_at.unwrap_or(now));
    let checks = [
        (written.title.is_empty(), "title", "Please give the article a title."),
        (longer(&written.title, 300), "title", "Please keep the title under 300 characters."),
        (
            longer(&written.standfirst, 1_000),
            "standfirst",
            "Please keep the standfirst under 1,000 characters.",
        ),
        (longer(&written.byline, 200), "byline", "Please keep the byline under 200 characters."),
        (
            written.topics.len() > 12 || written.topics.iter().any(|name| longer(name, 60)),
            "topics",
            "Please choose at most 12 topics, each under 60 characters.",
        ),
        (
            no_address(&written.canonical_url),
            "canonical_url",
            "Please give an address that begins with https://.",
        ),
        (no_address(&written.image_url), "image_url", "Please give an address that begins with https://."),
        (longer(&written.image_alt, 500), "image_alt", "Please keep it under 500 characters."),
        (longer(&written.origin_note, 300), "origin_note", "Please keep the note under 300 characters."),
        (longer(&written.notes, 10_000), "notes", "Please keep the notes under 10,000 characters."),
        (
            too_early,
            "embargo",
            "It may not be published before this moment. Publish it later, or change the embargo.",
        ),
    ];
    let errors = checks
        .into_iter()
        .filter(|(wrong, _, _)| *wrong)
        .map(|(_, field, message)| ArticleFieldError { field, message })
        .chain(unsaid)
        .collect();
    (written, errors)
}
