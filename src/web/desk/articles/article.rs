//! `/desk/articles/new` and `/desk/articles/{id}`: writing an article, and editing one that came from a feed.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    articles::{self, Article, ArticleError, ArticleId, ArticleState, Body, WrittenArticle},
    clock::{Moment, Zone},
    editions::EditionState,
    publishing::{self, Changed, EditionSummary},
    settings::ArticlesAt,
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::{conflict, invalid},
        desk::theirs::Theirs,
        session::see_other,
        words::editions::title,
    },
};

const FIELDS: &[&str] = &[
    "title",
    "standfirst",
    "byline",
    "topics",
    "body_markdown",
    "canonical_url",
    "image_url",
    "origin_note",
    "act",
    "version",
    "known",
];

const CHANGED: &str = "Somebody else changed this article, or its feed did, since you opened it. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";
const ASKED: &str = "Not saved yet. What you typed is below.";

#[derive(Serialize)]
struct Page {
    heading: String,
    action: String,
    form: Form,
    /// A line on where the article comes from and how it stands.
    about: String,
    /// Where readers read it, once it is published here.
    public_path: Option<String>,
    writes_body: bool,
    published: bool,
    may_write: bool,
    body_html: String,
    reading_time: String,
    /// The version that the form was made of.
    version: i64,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    /// What somebody else wrote meanwhile, where it differs.
    theirs: Vec<Theirs>,
    /// Editions that go out with it as it was approved.
    waiting: Vec<WaitingView>,
    /// They were told of those, and may save all the same.
    asked: bool,
}

/// An edition that was approved with this article.
#[derive(Serialize)]
struct WaitingView {
    public_id: String,
    title: String,
    when: String,
}

/// Why a form comes back without having been saved.
enum Refused {
    Invalid,
    Changed,
    Asked,
}

/// `GET /desk/articles/new`
pub(crate) async fn new(desk: Desk) -> Outcome {
    let page = page(&desk, None, Form::new(FIELDS), None).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await
}

/// `POST /desk/articles/new`
pub(crate) async fn create(desk: Desk, posted: Posted) -> Outcome {
    write(&desk, None, posted.form(FIELDS)?).await
}

/// `GET /desk/articles/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let article = find(&desk, &id).await?;
    let form = filled(&article);
    let page = page(&desk, Some(&article), form, None).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await
}

/// `POST /desk/articles/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let article = find(&desk, &id).await?;
    write(&desk, Some(&article), posted.form(FIELDS)?).await
}

async fn find(desk: &Desk, id: &str) -> Result<Article, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    articles::by_id(&desk.site().db, ArticleId(id)).await?.ok_or(WebError::NotFound)
}

async fn write(desk: &Desk, article: Option<&Article>, mut form: Form) -> Outcome {
    if form.text("act") == "preview" {
        let page = page(desk, article, form, None).await?;
        return desk.page("desk/articles/edit", &page.heading, &page).await;
    }
    let written = written(&form, article, desk.site().now());
    let saved = match article {
        Some(article) => {
            let version = form.text("version").parse().unwrap_or_default();
            publishing::change_article(desk.site(), (article.id, version), &written, form.all("known")).await
        }
        None => articles::create(desk.site(), &written).await.map_err(Changed::from),
    };
    let refused = match saved {
        Ok(saved) => return Ok(see_other(&format!("/desk/articles/{}?done=saved", saved.id.0))),
        Err(Changed::Article(ArticleError::Invalid(errors))) => {
            for error in errors {
                form.mistake(error.field, error.message);
            }
            Refused::Invalid
        }
        Err(Changed::Article(ArticleError::Changed)) => Refused::Changed,
        Err(Changed::Approved(_)) => Refused::Asked,
        Err(Changed::Article(error)) => return Err(error.into()),
    };
    // As it is now: the form may have been typed beside an older version.
    let now = match article {
        Some(article) => articles::by_id(&desk.site().db, article.id).await?,
        None => None,
    };
    let answer = match refused {
        Refused::Invalid => invalid,
        Refused::Changed | Refused::Asked => conflict,
    };
    let page = page(desk, now.as_ref(), form, Some(refused)).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await.map(answer)
}

fn written(form: &Form, article: Option<&Article>, now: Moment) -> WrittenArticle {
    let was = article.map(|article| article.state).unwrap_or_default();
    // A draft is published on the day it is, not on the day it was begun.
    let published_at = (was == ArticleState::Draft && form.text("act") == "publish").then_some(now);
    let body = writes_body(article).then(|| form.raw("body_markdown").to_owned());
    WrittenArticle {
        title: form.text("title").to_owned(),
        standfirst: form.text("standfirst").to_owned(),
        byline: form.text("byline").to_owned(),
        topics: form
            .text("topics")
            .split(',')
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
            .collect(),
        body_markdown: body,
        canonical_url: form.text("canonical_url").to_owned(),
        image_url: form.text("image_url").to_owned(),
        origin_note: form.text("origin_note").to_owned(),
        state: match form.text("act") {
            "publish" => ArticleState::Published,
            "withdraw" => ArticleState::Draft,
            _ => was,
        },
        published_at,
    }
}

/// What came from a feed as HTML is shown, not edited as Markdown: turning it back and forth would lose some of it.
fn writes_body(article: Option<&Article>) -> bool {
    article.is_none_or(|article| article.body_markdown.is_some())
}

fn filled(article: &Article) -> Form {
    let topics: Vec<&str> = article.topics.iter().map(|topic| topic.name.as_str()).collect();
    Form::new(FIELDS)
        .with("title", &article.title)
        .with("standfirst", &article.standfirst)
        .with("byline", &article.byline)
        .with("topics", topics.join(", "))
        .with("body_markdown", article.body_markdown.as_deref().unwrap_or_default())
        .with("canonical_url", article.canonical_url.as_deref().unwrap_or_default())
        .with("image_url", article.image_url.as_deref().unwrap_or_default())
        .with("origin_note", article.origin_note.as_deref().unwrap_or_default())
}

async fn page(
    desk: &Desk,
    article: Option<&Article>,
    mut form: Form,
    refused: Option<Refused>,
) -> Result<Page, WebError> {
    let settings = &desk.settings;
    let writes_body = writes_body(article);
    let body = match article {
        Some(article) if !writes_body => Body { html: article.body_html.clone(), words: article.word_count },
        _ => Body::read(form.raw("body_markdown")).await.unwrap_or_else(|error| {
            form.mistake(error.field, error.message);
            Body::default()
        }),
    };
    let waiting = match article {
        Some(article) => publishing::waiting_with(&desk.site().db, article.id).await?,
        None => Vec::new(),
    };
    let stale = matches!(refused, Some(Refused::Changed));
    // Pressed again, the form overwrites only what it was shown beside.
    let typed = form.text("version").parse().ok().filter(|_| !stale);
    Ok(Page {
        version: typed.or(article.map(|article| article.version)).unwrap_or_default(),
        trouble: match refused {
            Some(Refused::Changed) => Some(CHANGED),
            Some(Refused::Asked) => Some(ASKED),
            Some(Refused::Invalid) | None => None,
        },
        theirs: article.filter(|_| stale).map(|article| theirs(article, &form)).unwrap_or_default(),
        asked: matches!(refused, Some(Refused::Asked)),
        waiting: waiting.into_iter().map(|edition| WaitingView::new(edition, desk.zone())).collect(),
        heading: article.map_or("A new article", |article| &article.title).to_owned(),
        action: article
            .map_or("/desk/articles/new".to_owned(), |article| format!("/desk/articles/{}", article.id.0)),
        form,
        about: article.map(|article| about(article, &settings.time_zone)).unwrap_or_default(),
        public_path: article
            .filter(|article| {
                settings.articles_at == ArticlesAt::Here && article.state == ArticleState::Published
            })
            .map(|article| format!("/articles/{}", article.slug)),
        writes_body,
        published: article.is_some_and(|article| article.state == ArticleState::Published),
        may_write: desk.may(Role::WRITING),
        reading_time: format!(
            "{} words, {} min",
            body.words,
            articles::reading_minutes(body.words, settings.reading_speed)
        ),
        body_html: body.html,
    })
}

/// The fields that somebody else wrote otherwise than the form holds them.
fn theirs(article: &Article, form: &Form) -> Vec<Theirs> {
    let labels = [
        ("title", "Title"),
        ("standfirst", "Standfirst"),
        ("byline", "Byline"),
        ("topics", "Topics"),
        ("body_markdown", "Article"),
        ("canonical_url", "Where it stands on your own site"),
        ("image_url", "Address of its picture"),
        ("origin_note", "Where it was first published"),
    ];
    Theirs::between(&labels, &filled(article), form)
}

impl WaitingView {
    fn new(edition: EditionSummary, zone: &Zone) -> Self {
        let when = match (edition.state, edition.send_at) {
            (EditionState::Scheduled, Some(at)) => format!("goes out on {}", at.date_time(zone)),
            _ => "is held back and waits for a decision".to_owned(),
        };
        Self { title: title(&edition.subject), public_id: edition.public_id, when }
    }
}

fn about(article: &Article, zone: &Zone) -> String {
    let state = match article.state {
        ArticleState::Published => format!("Published on {}.", article.published_at.date(zone)),
        ArticleState::Draft => "A draft: readers do not see it.".to_owned(),
        ArticleState::Withdrawn => "Withdrawn: readers do not see it any more.".to_owned(),
    };
    let source = match (article.feed_id, article.edited_at) {
        (Some(_), None) => " It came from a feed and follows it until you change something here.",
        (Some(_), Some(_)) => " It came from a feed and was edited here, so the feed no longer changes it.",
        (None, _) => "",
    };
    format!("{state}{source}")
}
