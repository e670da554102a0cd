//! `/` and `/topics/{slug}`: the newest articles, of one topic or all, and the way to get them by email.

use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, Outcome, WebError,
        paging::{Links, List, Place},
    },
    ask::Ask,
    head::Head,
    story::Story,
};
use crate::{
    articles::{self, Article, ArticleId, ArticleTopic, Before, Of},
    clock::Moment,
    settings::{ArticlesAt, Settings},
};

/// How many articles stand on one page.
const PAGE: usize = 12;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// Where links of an earlier version name a topic.
    topic: String,
    /// By date and key.
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    head: Head,
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
    let topic = asked.topic.clone();
    list(&app, &topic, asked.before).await
}

/// `GET /topics/{slug}`
pub(crate) async fn show_topic(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Outcome {
    list(&app, &slug, asked.before).await
}

async fn list(app: &App, asked: &str, place: Place<2>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let topics = articles::topics(&app.site).await?;
    let topic = match asked {
        "" => None,
        slug => Some(topics.iter().find(|topic| topic.slug == slug).cloned().ok_or(WebError::NotFound)?),
    };
    let before = place.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let slug = topic.as_ref().map(|topic| topic.slug.as_str());
    let path = slug.map_or_else(|| "/".to_owned(), |slug| format!("/topics/{slug}"));
    let list = List { path: &path, place: "before", kept: &[] };
    let of = slug.map_or(Of::All, Of::Topic);
    let read = |most| articles::page_of(&app.site, of, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(place, PAGE, read, key).await?;
    let first_page = before.is_none() && topic.is_none();
    let title = topic.as_ref().map_or(settings.magazine_name.clone(), |topic| topic.name.clone());
    let description = topic.as_ref().map_or_else(
        || settings.tagline.clone(),
        |topic| format!("{} in {}", topic.name, settings.magazine_name),
    );
    let own_feed = topic.as_ref().filter(|_| settings.articles_at != ArticlesAt::Elsewhere);
    let own_feed = own_feed.map(|topic| format!("{} in {}", topic.name, settings.magazine_name));
    let mut stories = found.into_iter().map(|article| Story::new(article, &settings));
    let page = Page {
        head: Head::of_list(&app.site, &settings, &path, (&title, description), own_feed),
        lead: if first_page { stories.next() } else { None },
        stories: stories.collect(),
        topics: topics
            .into_iter()
            .map(|one| TopicView { current: slug == Some(one.slug.as_str()), topic: one })
            .collect(),
        topic: topic.as_ref().map(|topic| topic.name.clone()),
        first_page,
        pages,
        ask: Ask::new(app, &settings, "home").await?,
    };
    app.public_page("public/home", &title, &page).await
}
