//! `/desk/articles`: every article, and searching them.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use crate::{
    articles::{self, Article, ArticleId, ArticleState, Before},
    clock::Moment,
    settings::Settings,
    staff::Role,
    web::{
        Desk, Outcome, WebError,
        paging::{Links, List, Place},
        words::articles::line,
    },
};

const PAGE: usize = 40;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    q: String,
    /// By date and key.
    #[serde(default)]
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    q: String,
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
    draft: bool,
}

impl Line {
    fn new(article: Article, settings: &Settings) -> Self {
        Self {
            id: article.id.0,
            line: line(&article, settings),
            draft: article.state == ArticleState::Draft,
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
    let kept = [("q", look.q.as_str())];
    let list = List { path: "/desk/articles", place: "before", kept: &kept };
    let before = look.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let read = |most| articles::desk_page(db, &look.q, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(look.before, PAGE, read, key).await?;
    Ok(Page {
        articles: found.into_iter().map(|article| Line::new(article, &desk.settings)).collect(),
        pages,
        q: look.q,
        may_write: desk.may(Role::WRITING),
    })
}
