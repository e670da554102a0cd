//! `/authors/{slug}`: who somebody is, and what they wrote.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse as _,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, Outcome, WebError,
        paging::{Links, List, Place},
    },
    head::Head,
    story::Story,
};
use crate::{
    articles::{self, Article, ArticleId, Before, Of},
    clock::Moment,
    settings::{ArticlesAt, Settings},
};

const PAGE: usize = 12;

/// What the address of the page asks for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// By date and key.
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    head: Head,
    name: String,
    /// In paragraphs.
    bio: Vec<String>,
    /// Only over https: anything else our own headers keep out.
    picture: Option<String>,
    links: Vec<Link>,
    stories: Vec<Story>,
    pages: Links,
    /// None where there are no feeds.
    feed_path: Option<String>,
}

#[derive(Serialize)]
struct Link {
    href: String,
    label: String,
}

/// `GET /authors/{slug}`
pub(crate) async fn show(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let author = articles::author_by_slug(&app.site.db, &slug).await?.ok_or(WebError::NotFound)?;
    if let Some(other) = author.merged_into {
        let to = HeaderValue::from_str(&format!("/authors/{other}")).map_err(WebError::internal)?;
        return Ok((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response());
    }
    let path = format!("/authors/{slug}");
    let list = List { path: &path, place: "before", kept: &[] };
    let before = asked.before.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let read = |most| articles::page_of(&app.site, Of::Author(&slug), before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let (found, pages) = list.page(asked.before, PAGE, read, key).await?;
    // A name alone that stands in drafts is nobody's to read.
    if found.is_empty() && articles::newest(&app.site, Of::Author(&slug), None, 1).await?.is_empty() {
        return Err(WebError::NotFound);
    }
    let feed = (settings.articles_at != ArticlesAt::Elsewhere)
        .then(|| format!("{} in {}", author.name, settings.magazine_name));
    let description = match author.bio.lines().next() {
        Some(first) if !first.is_empty() => articles::excerpt(first, 200),
        _ => format!("What {} wrote in {}", author.name, settings.magazine_name),
    };
    let page = Page {
        feed_path: feed.as_ref().map(|_| format!("{path}/feed.xml")),
        head: Head::of_list(&app.site, &settings, &path, (&author.name, description), feed),
        bio: author
            .bio
            .split("\n\n")
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect(),
        picture: Some(author.picture_url).filter(|url| url.starts_with("https://")),
        links: author.links.lines().filter_map(link).collect(),
        stories: found.into_iter().map(|article| Story::new(article, &settings)).collect(),
        pages,
        name: author.name.clone(),
    };
    app.public_page("public/author", &author.name, &page).await
}

/// An address, called as people call it.
fn link(href: &str) -> Option<Link> {
    let url = url::Url::parse(href).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?.trim_start_matches("www.");
    let label = format!("{host}{}", url.path().trim_end_matches('/'));
    Some(Link { href: href.to_owned(), label })
}
