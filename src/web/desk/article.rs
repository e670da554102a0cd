//! `/desk/articles/new` and `/desk/articles/{id}`: writing an article, and editing one that came from a feed.

use axum::extract::Path;
use serde::Serialize;

use super::super::{Desk, Form, Outcome, Posted, WebError, session::see_other};
use crate::{
    articles::{self, Article, ArticleError, ArticleId, ArticleState, Written, html},
    clock::{Moment, Zone},
    staff::{ArticlesAt, Role},
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
];

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
}

impl From<ArticleError> for WebError {
    fn from(error: ArticleError) -> Self {
        match error {
            ArticleError::NotFound => Self::NotFound,
            ArticleError::Invalid(_) => Self::BadRequest("The article cannot be saved as it is."),
            ArticleError::Database(error) => error.into(),
        }
    }
}

/// `GET /desk/articles/new`
pub(crate) async fn new(desk: Desk) -> Outcome {
    let page = page(&desk, None, Form::new(FIELDS)).await?;
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
    let page = page(&desk, Some(&article), form).await?;
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
        let page = page(desk, article, form).await?;
        return desk.page("desk/articles/edit", &page.heading, &page).await;
    }
    let written = written(&form, article, desk.site().now());
    let saved = match article {
        Some(article) => articles::update(desk.site(), article.id, &written).await,
        None => articles::create(desk.site(), &written).await,
    };
    match saved {
        Ok(saved) => Ok(see_other(&format!("/desk/articles/{}?done=saved", saved.id.0))),
        Err(ArticleError::Invalid(errors)) => {
            for error in errors {
                form.mistake(error.field, error.message);
            }
            let page = page(desk, article, form).await?;
            desk.page_again("desk/articles/edit", &page.heading, &page).await
        }
        Err(error) => Err(error.into()),
    }
}

fn written(form: &Form, article: Option<&Article>, now: Moment) -> Written {
    let was = article.map(|article| article.state).unwrap_or_default();
    // A draft is published on the day it is, not on the day it was begun.
    let published_at = (was == ArticleState::Draft && form.text("act") == "publish").then_some(now);
    let body = writes_body(article).then(|| form.raw("body_markdown").to_owned());
    Written {
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

async fn page(desk: &Desk, article: Option<&Article>, form: Form) -> Result<Page, WebError> {
    let settings = &desk.settings;
    let writes_body = writes_body(article);
    let body_html = match article {
        Some(article) if !writes_body => article.body_html.clone(),
        _ => html::markdown_to_html(form.raw("body_markdown")),
    };
    let words = html::word_count(&html::text_of(&body_html));
    Ok(Page {
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
        reading_time: format!("{words} words, {} min", html::reading_minutes(words, settings.reading_speed)),
        body_html,
    })
}

fn about(article: &Article, zone: &Zone) -> String {
    let state = match article.state {
        ArticleState::Published => format!("Published on {}.", article.published_at.date(zone)),
        ArticleState::Draft => "A draft: readers do not see it.".to_owned(),
    };
    let source = match (article.feed_id, article.edited_at) {
        (Some(_), None) => " It came from a feed and follows it until you change something here.",
        (Some(_), Some(_)) => " It came from a feed and was edited here, so the feed no longer changes it.",
        (None, _) => "",
    };
    format!("{state}{source}")
}
