//! `/sitemap.xml` and its parts: what is here for everybody, for search engines (sitemaps.org).
//!
//! A part of articles is those of 50,000 numbers, so that no part changes which addresses it has; it is read and sent by the
//! thousand, and nobody holds it whole.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};

use super::{
    super::{App, Outcome, WebError},
    xml,
};
use crate::{
    articles,
    clock::Moment,
    settings::{ArticlesAt, Settings},
    site::Site,
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
const SCHEMA: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
/// So many are read at once.
const CHUNK: i64 = 1_000;
/// So many authors stand in the part of pages; with everything else in it that is below the protocol's 50,000.
const AUTHORS: i64 = 20_000;
/// And so many topics.
const TOPICS: usize = 20_000;

/// `GET /sitemap.xml`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let mut parts = vec!["pages.xml".to_owned()];
    // What stands first elsewhere is for that site's map.
    if settings.articles_at == ArticlesAt::Here {
        let numbers = articles::site_map_parts(&app.site).await?;
        parts.extend(numbers.into_iter().map(|number| format!("articles-{number}.xml")));
    }
    let mut body = format!("{HEAD}<sitemapindex xmlns=\"{SCHEMA}\">\n");
    for part in parts {
        let address = app.site.url(&format!("/sitemaps/{part}"));
        body.push_str(&format!("<sitemap><loc>{}</loc></sitemap>\n", xml::text(&address)));
    }
    body.push_str("</sitemapindex>\n");
    Ok(as_xml(body))
}

/// `GET /sitemaps/{part}`
pub(crate) async fn show_part(State(app): State<App>, Path(part): Path<String>) -> Outcome {
    if part == "pages.xml" {
        return pages(&app).await;
    }
    let number = part.strip_prefix("articles-").and_then(|rest| rest.strip_suffix(".xml"));
    let number = number.and_then(|number| number.parse::<u32>().ok()).ok_or(WebError::NotFound)?;
    let settings = Settings::load(&app.site.db).await?;
    if settings.articles_at != ArticlesAt::Here {
        return Err(WebError::NotFound);
    }
    let (site, part) = (app.site.clone(), i64::from(number));
    let first = articles::site_map_part(&site, part, 0, CHUNK).await?;
    if first.is_empty() {
        return Err(WebError::NotFound);
    }
    let after = first.last().map_or(0, |(id, ..)| *id);
    let begin = Bytes::from(format!("{HEAD}<urlset xmlns=\"{SCHEMA}\">\n{}", lines(&site, &first)));
    let rest = stream::try_unfold(Some(after), move |after| {
        let site = site.clone();
        async move {
            let Some(after) = after else { return Ok::<_, sqlx::Error>(None) };
            let some = articles::site_map_part(&site, part, after, CHUNK).await?;
            Ok(Some(match some.last() {
                Some((last, ..)) => (Bytes::from(lines(&site, &some)), Some(*last)),
                None => (Bytes::from_static(b"</urlset>\n"), None),
            }))
        }
    });
    let body = stream::once(async { Ok(begin) }).chain(rest);
    Ok(as_xml(Body::from_stream(body)))
}

/// The pages that are no articles.
async fn pages(app: &App) -> Outcome {
    let site = &app.site;
    let mut paths: Vec<String> = ["/", "/archive", "/subscribe", "/donate"].map(str::to_owned).into();
    let topics = articles::topics(site).await?;
    paths.extend(topics.into_iter().take(TOPICS).map(|topic| format!("/topics/{}", topic.slug)));
    let mut after = 0;
    let mut left = AUTHORS;
    while left > 0 {
        let some = articles::public_authors(site, after, CHUNK.min(left)).await?;
        let Some((last, _)) = some.last() else { break };
        (after, left) = (*last, left - some.len() as i64);
        paths.extend(some.iter().map(|(_, slug)| format!("/authors/{slug}")));
    }
    let mut body = format!("{HEAD}<urlset xmlns=\"{SCHEMA}\">\n");
    for path in paths {
        body.push_str(&format!("<url><loc>{}</loc></url>\n", xml::text(&site.url(&path))));
    }
    body.push_str("</urlset>\n");
    Ok(as_xml(body))
}

fn lines(site: &Site, articles: &[(i64, String, Moment)]) -> String {
    let mut lines = String::with_capacity(articles.len() * 140);
    for (_, slug, changed) in articles {
        let address = site.url(&format!("/articles/{slug}"));
        lines.push_str(&format!(
            "<url><loc>{}</loc><lastmod>{changed}</lastmod></url>\n",
            xml::text(&address)
        ));
    }
    lines
}

fn as_xml(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], body).into_response()
}
