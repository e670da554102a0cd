//! `/desk/articles`: every article, and searching them.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use crate::{
    articles::{self, Article, ArticleId, Before, DeskFrom, DeskLook, DeskState, FeedId},
    clock::Moment,
    settings::Settings,
    staff::Role,
    web::{
        Desk, Outcome, WebError,
        paging::{Links, List, Place},
        words::articles::{line, standing},
    },
};

const PAGE: usize = 40;
/// What the address has for all feeds.
const ANY_FEED: &str = "any";
/// So many feeds can be chosen among.
const CHOICES: i64 = 200;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    q: String,
    /// How they stand.
    #[serde(default)]
    state: String,
    /// A topic, by its name in addresses.
    #[serde(default)]
    topic: String,
    /// A feed, by its number; or all of them.
    #[serde(default)]
    feed: String,
    /// By date and key.
    #[serde(default)]
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    q: String,
    states: Vec<Choice>,
    topics: Vec<Choice>,
    from_feeds: Vec<Choice>,
    /// Whether anything narrows the list.
    narrowed: bool,
    articles: Vec<Line>,
    pages: Links,
    may_write: bool,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    title: String,
    line: String,
    topics: Vec<String>,
    /// How it stands, unless it is published.
    standing: Option<&'static str>,
}

/// What the list can be narrowed by.
#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl Line {
    fn new(article: Article, now: Moment, settings: &Settings) -> Self {
        let state = DeskState::of(&article, now);
        Self {
            id: article.id.0,
            line: line(&article, settings),
            standing: (state != DeskState::Published).then(|| standing(state)),
            title: article.title,
            topics: article.topics.into_iter().map(|topic| topic.name).collect(),
        }
    }
}

/// `GET /desk/articles`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, look).await?;
    desk.page("desk/articles/list", "Articles", &page).await
}

async fn page(desk: &Desk, look: Look) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let kept = [
        ("q", look.q.as_str()),
        ("state", look.state.as_str()),
        ("topic", look.topic.as_str()),
        ("feed", look.feed.as_str()),
    ];
    let sought = DeskLook {
        search: &look.q,
        state: DeskState::ALL.into_iter().find(|(_, word)| *word == look.state).map(|(state, _)| state),
        topic: &look.topic,
        from: match look.feed.parse() {
            Ok(number) => DeskFrom::Feed(FeedId(number)),
            Err(_) if look.feed == ANY_FEED => DeskFrom::Feeds,
            Err(_) => DeskFrom::Anywhere,
        },
    };
    let narrowed = sought != DeskLook::default();
    let list = List { path: "/desk/articles", place: "before", kept: &kept };
    let before = look.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let read = |most| articles::desk_page(desk.site(), sought, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(look.before, PAGE, read, key).await?;
    let now = desk.site().now();
    let states = DeskState::ALL.into_iter().map(|(state, word)| Choice {
        value: word.to_owned(),
        label: standing(state).to_owned(),
        chosen: look.state == word,
    });
    let topics = articles::topics(desk.site()).await?.into_iter().map(|topic| Choice {
        chosen: look.topic == topic.slug,
        value: topic.slug,
        label: topic.name,
    });
    let feeds = articles::feeds(db, None, CHOICES).await?;
    let any_feed = (!feeds.is_empty() || look.feed == ANY_FEED).then(|| Choice {
        value: ANY_FEED.to_owned(),
        label: "From any feed".to_owned(),
        chosen: look.feed == ANY_FEED,
    });
    let each_feed = feeds.into_iter().map(|feed| Choice {
        chosen: look.feed == feed.id.0.to_string(),
        value: feed.id.0.to_string(),
        label: if feed.title.is_empty() { feed.url } else { feed.title },
    });
    Ok(Page {
        narrowed,
        states: states.collect(),
        topics: topics.collect(),
        from_feeds: any_feed.into_iter().chain(each_feed).collect(),
        articles: found.into_iter().map(|article| Line::new(article, now, &desk.settings)).collect(),
        pages,
        q: look.q,
        may_write: desk.may(Role::WRITING),
    })
}
