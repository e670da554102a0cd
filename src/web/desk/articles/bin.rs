//! `/desk/articles/bin` and `/desk/articles/{id}/delete`: articles on their way out, and back.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    articles::{self, Article, ArticleError, ArticleId, Before, DeletedArticle},
    clock::{Moment, Zone},
    publishing::{self, Changed, EditionSummary},
    staff::Role,
    web::{
        Desk, Outcome, Posted, WebError,
        answers::conflict,
        paging::{Links, List, Place},
        session::see_other,
        words::editions::title,
    },
};

const PAGE: usize = 40;
const TITLE: &str = "Delete an article";

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    before: Place<2>,
}

#[derive(Serialize)]
struct Bin {
    articles: Vec<Line>,
    pages: Links,
    may_write: bool,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    title: String,
    byline: String,
    deleted: String,
    until: String,
}

impl Line {
    fn new(article: DeletedArticle, zone: &Zone) -> Self {
        Self {
            id: article.id.0,
            deleted: article.deleted_at.date_time(zone),
            until: article.until().date(zone),
            title: article.title,
            byline: article.byline,
        }
    }
}

/// `GET /desk/articles/bin`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let db = &desk.site().db;
    let before = look.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let list = List { path: "/desk/articles/bin", place: "before", kept: &[] };
    let read = |most| articles::bin_page(db, before, most);
    let (found, pages) = list.page(look.before, PAGE, read, |last| [last.deleted_at.0, last.id.0]).await?;
    let page = Bin {
        articles: found.into_iter().map(|article| Line::new(article, desk.zone())).collect(),
        pages,
        may_write: desk.may(Role::WRITING),
    };
    desk.page("desk/articles/bin", "The bin", &page).await
}

#[derive(Serialize)]
struct Page {
    id: i64,
    title: String,
    /// Until when it can be brought back; none while it is not deleted.
    until: Option<String>,
    version: i64,
    published: bool,
    /// Its feed would bring it again.
    from_feed: bool,
    /// Editions that go out with it as it was approved.
    waiting: Vec<Waiting>,
    /// It is not as it was when the page was opened.
    stale: bool,
}

/// An approved edition that holds what is deleted.
#[derive(Serialize)]
pub(super) struct Waiting {
    public_id: String,
    title: String,
}

impl From<EditionSummary> for Waiting {
    fn from(edition: EditionSummary) -> Self {
        Self { title: title(&edition.subject), public_id: edition.public_id }
    }
}

fn id_of(id: &str) -> Result<ArticleId, WebError> {
    id.parse().map(ArticleId).map_err(|_| WebError::NotFound)
}

/// `GET /desk/articles/{id}/delete`: what goes, before it does; of one in the bin, how it comes back.
pub(crate) async fn show_delete(desk: Desk, Path(id): Path<String>) -> Outcome {
    page(&desk, id_of(&id)?, false).await
}

async fn page(desk: &Desk, id: ArticleId, stale: bool) -> Outcome {
    let db = &desk.site().db;
    let article: Article = articles::by_id(db, id).await?.ok_or(WebError::NotFound)?;
    let deleted = articles::find_deleted(db, id).await?;
    if deleted.is_none() && !articles::deleted_among(db, &[id]).await?.is_empty() {
        return Err(WebError::NotFound);
    }
    let waiting = publishing::waiting_with(db, id).await?;
    let page = Page {
        id: id.0,
        until: deleted.map(|article| article.until().date(desk.zone())),
        version: article.version,
        published: article.state == articles::ArticleState::Published,
        from_feed: article.feed_id.is_some(),
        waiting: waiting.into_iter().map(Waiting::from).collect(),
        title: article.title,
        stale,
    };
    desk.page("desk/articles/delete", TITLE, &page).await
}

/// `POST /desk/articles/{id}/delete`: if it is still the one that the page showed.
pub(crate) async fn delete(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version", "known"])?;
    let id = id_of(&id)?;
    let version = form.text("version").parse().unwrap_or_default();
    let staff = Some(desk.who.staff.id);
    let deleted = publishing::delete_article(desk.site(), (id, version), form.all("known"), staff).await;
    let is_there = articles::find_deleted(&desk.site().db, id).await?.is_some();
    match deleted {
        Ok(()) => Ok(see_other("/desk/articles/bin?done=article-deleted")),
        Err(Changed::Article(ArticleError::Changed) | Changed::Approved(_)) => {
            page(&desk, id, true).await.map(conflict)
        }
        // Pressed twice, or by somebody else as well.
        Err(Changed::Article(ArticleError::NotFound)) if is_there => {
            Ok(see_other("/desk/articles/bin?done=article-deleted"))
        }
        Err(Changed::Article(error)) => Err(error.into()),
    }
}

/// `POST /desk/articles/{id}/back`: out of the bin.
pub(crate) async fn back(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let id = id_of(&id)?;
    if articles::bring_article_back(desk.site(), id, Some(desk.who.staff.id)).await? {
        return Ok(see_other(&format!("/desk/articles/{}?done=article-back", id.0)));
    }
    // Pressed twice, or by somebody else as well.
    let is_there = articles::deleted_among(&desk.site().db, &[id]).await?.is_empty()
        && articles::by_id(&desk.site().db, id).await?.is_some();
    if is_there {
        Ok(see_other(&format!("/desk/articles/{}?done=article-back", id.0)))
    } else {
        Err(WebError::NotFound)
    }
}
