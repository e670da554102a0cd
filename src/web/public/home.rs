//! `/`: the newest articles, by topic if one was chosen, and the way to get them by email.

use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::{
    super::{App, Outcome, WebError},
    story::Story,
    subscribe::Ask,
};
use crate::{
    articles::{self, ArticleId, Before, Topic},
    clock::Moment,
    settings::Settings,
};

/// How many articles stand on one page.
const PAGE: u32 = 12;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    topic: String,
    /// The place to go on from, as the link "older articles" names it.
    before: String,
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
    older: Option<String>,
    ask: Ask,
}

#[derive(Serialize)]
struct TopicView {
    #[serde(flatten)]
    topic: Topic,
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
    let before = place(&asked.before);
    let slug = topic.as_ref().map(|topic| topic.slug.as_str());
    let mut found = articles::page(&app.site, slug, before, PAGE + 1).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let older = found.last().filter(|_| more).map(|last| link(slug, Before::after(last)));
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
        older,
        ask: Ask::new(&app, &settings, "home").await?,
    };
    let title = topic.as_ref().map_or(&settings.magazine_name, |topic| &topic.name);
    app.public_page("public/home", title, &page).await
}

fn place(text: &str) -> Option<Before> {
    let (at, id) = text.split_once('.')?;
    Some(Before(Moment(at.parse().ok()?), ArticleId(id.parse().ok()?)))
}

fn link(topic: Option<&str>, Before(at, id): Before) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(topic) = topic {
        query.append_pair("topic", topic);
    }
    query.append_pair("before", &format!("{}.{}", at.0, id.0));
    format!("/?{}", query.finish())
}
