//! `/articles/{slug}`: one article, then the appeal. Not served when the magazine's articles live elsewhere.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, WebError},
    ask::Ask,
};
use crate::{
    articles::{self, ArticleTopic},
    mail::fields_to_everybody,
    settings::{ArticlesAt, Settings},
};

#[derive(Serialize)]
struct Page {
    title: String,
    standfirst: String,
    byline: String,
    topics: Vec<ArticleTopic>,
    date: String,
    reading_time: String,
    origin_note: Option<String>,
    /// What was put right, and on which day.
    correction: Option<String>,
    image_url: Option<String>,
    /// Clean already: the articles room makes it so when it is written.
    body_html: String,
    /// For search engines: where it stands first.
    canonical_url: Option<String>,
    description: String,
    appeal: Appeal,
    ask: Ask,
}

/// Asks for a gift.
#[derive(Serialize)]
struct Appeal {
    heading: String,
    text: String,
}

/// `GET /articles/{slug}`
pub(crate) async fn show(State(app): State<App>, Path(slug): Path<String>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    if settings.articles_at == ArticlesAt::Elsewhere {
        return Err(WebError::NotFound);
    }
    let article = articles::published_by_slug(&app.site, &slug).await?.ok_or(WebError::NotFound)?;
    let title = article.title.clone();
    let page = Page {
        reading_time: article.reading_time(settings.reading_speed),
        date: article.published_at.date(&settings.time_zone),
        image_url: article.image_url.filter(|url| url.starts_with("https://")),
        canonical_url: article
            .canonical_url
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        description: article.standfirst.clone(),
        title: article.title,
        standfirst: article.standfirst,
        byline: article.byline,
        topics: article.topics,
        origin_note: article.origin_note.filter(|note| !note.is_empty()),
        correction: article
            .corrected_at
            .filter(|_| !article.correction.is_empty())
            .map(|at| format!("Corrected on {}: {}", at.date(&settings.time_zone), article.correction)),
        body_html: article.body_html,
        appeal: Appeal {
            heading: fields_to_everybody(&settings.appeal_heading),
            text: fields_to_everybody(&settings.appeal_text),
        },
        ask: Ask::new(&app, &settings, "article").await?,
    };
    app.public_page("public/article", &title, &page).await
}
