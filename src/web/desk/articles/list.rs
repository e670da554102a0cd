//! `/desk/articles`: every article, searching them, and bringing in others from a feed.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use crate::{
    articles::{self, Article, ArticleId, ArticleState, Before, Feed, FeedPollError},
    clock::{Moment, Zone},
    settings::Settings,
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::articles::line,
    },
};

const FIELDS: &[&str] = &["url"];
const PAGE: usize = 40;
const FEEDS: usize = 40;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    q: String,
    /// By date and key.
    #[serde(default)]
    before: Place<2>,
    #[serde(default)]
    feeds_after: Place,
}

#[derive(Serialize)]
struct Page {
    q: String,
    articles: Vec<Line>,
    pages: Links,
    feeds: Vec<FeedLine>,
    feeds_pages: Links,
    form: Form,
    may_write: bool,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    title: String,
    line: String,
    topics: Vec<String>,
    draft: bool,
    withdrawn: bool,
}

#[derive(Serialize)]
struct FeedLine {
    id: i64,
    title: String,
    url: String,
    line: String,
    trouble: bool,
}

impl Line {
    fn new(article: Article, settings: &Settings) -> Self {
        Self {
            id: article.id.0,
            line: line(&article, settings),
            draft: article.state == ArticleState::Draft,
            withdrawn: article.state == ArticleState::Withdrawn,
            title: article.title,
            topics: article.topics.into_iter().map(|topic| topic.name).collect(),
        }
    }
}

impl FeedLine {
    fn new(feed: Feed, zone: &Zone) -> Self {
        let line = match (&feed.last_error, feed.checked_at) {
            (Some(error), Some(at)) => format!("Asked on {}: {error}", at.date_time(zone)),
            (None, Some(at)) => format!("Asked on {}", at.date_time(zone)),
            (_, None) => "Not asked yet".to_owned(),
        };
        let title = if feed.title.is_empty() { feed.url.clone() } else { feed.title };
        Self { id: feed.id.0, title, url: feed.url, line, trouble: feed.last_error.is_some() }
    }
}

/// `GET /desk/articles`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, look, Form::new(FIELDS)).await?;
    desk.page("desk/articles/list", "Articles", &page).await
}

/// `POST /desk/articles/import`
pub(crate) async fn import(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let url = form.required("url", 2_000, "Enter the address of a feed.");
    if form.is_valid() {
        match bring_in(&desk, &url).await {
            Ok(()) => return Ok(see_other("/desk/articles?done=imported")),
            Err(FeedPollError::Database(error)) => return Err(error.into()),
            Err(error) => form.mistake("url", format_args!("That did not work: {error}.")),
        }
    }
    let page = page(&desk, Look::default(), form).await?;
    desk.page_again("desk/articles/list", "Articles", &page).await
}

async fn bring_in(desk: &Desk, url: &str) -> Result<(), FeedPollError> {
    let feed = articles::add_feed(desk.site(), &desk.app.fetcher, url).await?;
    articles::poll_feed(desk.site(), &desk.app.fetcher, &feed).await?;
    Ok(())
}

async fn page(desk: &Desk, look: Look, form: Form) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let kept = [("q", look.q.as_str())];
    let list = List { path: "/desk/articles", place: "before", kept: &kept };
    let before = look.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let read = |most| articles::desk_page(db, &look.q, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(look.before, PAGE, read, key).await?;
    let list = List { path: "/desk/articles#feeds", place: "feeds_after", kept: &kept };
    let read = |most| articles::feeds(db, look.feeds_after.id(), most);
    let (feeds, feeds_pages) = list.page(look.feeds_after, FEEDS, read, |last| [last.id.0]).await?;
    Ok(Page {
        articles: found.into_iter().map(|article| Line::new(article, &desk.settings)).collect(),
        pages,
        feeds_pages,
        feeds: feeds.into_iter().map(|feed| FeedLine::new(feed, desk.zone())).collect(),
        q: look.q,
        form,
        may_write: desk.may(Role::WRITING),
    })
}
