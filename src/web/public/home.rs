//! `/`: the newest articles, by topic if one was chosen, and the way to get them by email.

use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, Outcome, WebError,
        paging::{Links, List, Place},
    },
    ask::Ask,
    story::Story,
};
use crate::{
    articles::{self, Article, ArticleId, ArticleTopic, Before},
    clock::Moment,
    settings::Settings,
};

/// How many articles stand on one page.
const PAGE: usize = 12;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    topic: String,
    /// By date and key.
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    /// Shown larger than the others; only on the first page.
    lead: Option<Story>,
    stories: Vec<Story>,
    topics: Vec<TopicView>,
    /// The topic that was chosen.
    topic: Option<String>,
    first_page: bool,
    pages: Links,
    ask: Ask,
}

#[derive(Serialize)]
struct TopicView {
    #[serde(flatten)]
    topic: ArticleTopic,
    current: bool,
}

/// `GET /`
pub(crate) async fn show(State(app): State<App>, Query(asked): Query<Asked>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let topics = articles::topics(&app.site.db).await?;
    let topic = match asked.topic.as_str() {
        "" => None,
        slug => Some(topics.iter().find(|topic| topic.slug == slug).cloned().ok_or(WebError::NotFound)?),
    };
    let before = asked.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let slug = topic.as_ref().map(|topic| topic.slug.as_str());
    let list = List { path: "/", place: "before", kept: &[("topic", slug.unwrap_or_default())] };
    let read = |most| articles::page(&app.site, slug, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(asked.before, PAGE, read, key).await?;
    let first_page = before.is_none() && topic.is_none();
    let mut stories = found.into_iter().map(|article| Story::new(article, &settings));
    let page = Page {
        lead: if first_page { stories.next() } else { None },
        stories: stories.collect(),
        topics: topics
            .into_iter()
            .map(|one| TopicView { current: slug == Some(one.slug.as_str()), topic: one })
            .collect(),
        topic: topic.as_ref().map(|topic| topic.name.clone()),
        first_page,
        pages,
        ask: Ask::new(&app, &settings, "home").await?,
    };
    let title = topic.as_ref().map_or(&settings.magazine_name, |topic| &topic.name);
    app.public_page("public/home", title, &page).await
}
