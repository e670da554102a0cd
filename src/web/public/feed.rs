//! `/feed.xml`, and the same of each topic and author: RSS 2.0 with the whole text.
//!
//! What changed is asked of an index first: who has the newest already is told so, and nothing is read or written for them.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse as _,
};

use super::{
    super::{App, Outcome, WebError},
    head::{in_short, web_address},
    story, xml,
};
use crate::{
    articles::{self, Article, ArticleId, Of, Public, signed},
    clock::Moment,
    settings::{ArticlesAt, Settings},
    site::Site,
    token,
};

/// How many articles a feed has.
const ITEMS: i64 = 20;
/// What is written otherwise than by this makes every feed another one.
const VERSION: &str = "1";

/// Of what a feed is, and what it calls itself.
struct Channel<'a> {
    of: Of<'a>,
    /// The page that shows the same.
    page: String,
    path: String,
    title: String,
    description: String,
}

/// `GET /feed.xml`
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Outcome {
    let settings = with_feeds(&app).await?;
    let (title, description) = (settings.magazine_name.clone(), settings.tagline.clone());
    let channel =
        Channel { of: Of::All, page: "/".to_owned(), path: "/feed.xml".to_owned(), title, description };
    answer(&app, &settings, channel, &headers).await
}

/// `GET /topics/{slug}/feed.xml`
pub(crate) async fn show_topic(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Outcome {
    let settings = with_feeds(&app).await?;
    let topics = articles::topics(&app.site).await?;
    let topic = topics.into_iter().find(|topic| topic.slug == slug).ok_or(WebError::NotFound)?;
    let channel = Channel::of(Of::Topic(&slug), "topics", &slug, &topic.name, &settings);
    answer(&app, &settings, channel, &headers).await
}

/// `GET /authors/{slug}/feed.xml`
pub(crate) async fn show_author(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Outcome {
    let settings = with_feeds(&app).await?;
    let author = articles::author_by_slug(&app.site.db, &slug).await?.ok_or(WebError::NotFound)?;
    if let Some(other) = author.merged_into {
        let to = HeaderValue::from_str(&format!("/authors/{other}/feed.xml")).map_err(WebError::internal)?;
        return Ok((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response());
    }
    let channel = Channel::of(Of::Author(&slug), "authors", &slug, &author.name, &settings);
    answer(&app, &settings, channel, &headers).await
}

impl<'a> Channel<'a> {
    fn of(of: Of<'a>, folder: &str, slug: &str, name: &str, settings: &Settings) -> Self {
        let title = format!("{name} in {}", settings.magazine_name);
        let page = format!("/{folder}/{slug}");
        Self { of, path: format!("{page}/feed.xml"), page, description: title.clone(), title }
    }
}

/// The settings, where the articles are read here.
async fn with_feeds(app: &App) -> Result<Settings, WebError> {
    let settings = Settings::load(&app.site.db).await?;
    if settings.articles_at == ArticlesAt::Elsewhere { Err(WebError::NotFound) } else { Ok(settings) }
}

async fn answer(app: &App, settings: &Settings, channel: Channel<'_>, headers: &HeaderMap) -> Outcome {
    let site = &app.site;
    let newest = articles::newest(site, channel.of, None, ITEMS).await?;
    if newest.is_empty() && matches!(channel.of, Of::Author(_)) {
        return Err(WebError::NotFound);
    }
    let changed = newest.iter().map(|(_, at)| *at).max();
    let etag = etag(site, settings, &channel, &newest);
    let mut response = if is_known(headers, &etag, changed) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let ids: Vec<ArticleId> = newest.into_iter().map(|(id, _)| id).collect();
        let articles = articles::by_ids(&site.db, &ids).await?;
        let kind = [(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")];
        (kind, rss(site, settings, &channel, &articles, changed)).into_response()
    };
    let more = response.headers_mut();
    more.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(WebError::internal)?);
    if let Some(changed) = changed {
        more.insert(
            header::LAST_MODIFIED,
            HeaderValue::from_str(&changed.http_date()).map_err(WebError::internal)?,
        );
    }
    Ok(response)
}

/// All that the feed is made of, in a word.
fn etag(site: &Site, settings: &Settings, channel: &Channel<'_>, newest: &[Public]) -> String {
    let Settings { magazine_name, tagline, language, .. } = settings;
    let newest: Vec<String> = newest.iter().map(|(id, at)| format!("{}.{}", id.0, at.0)).collect();
    let parts = [
        VERSION,
        site.base_url.as_str(),
        magazine_name,
        tagline,
        language,
        &format!("{:?}", settings.articles_at),
        &channel.title,
        &newest.join(","),
    ];
    format!("\"{}\"", &token::hash(&parts.join("\u{1f}"))[..32])
}

/// Whether whoever asks has it as it is (RFC 9110 section 13.2.2): the tag counts, and the date where there is none.
fn is_known(headers: &HeaderMap, etag: &str, changed: Option<Moment>) -> bool {
    let tags: Vec<&str> =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).collect();
    if !tags.is_empty() {
        let tags = tags.iter().flat_map(|value| value.split(',')).map(str::trim);
        return tags.into_iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(Moment::from_http_date);
    changed.zip(since).is_some_and(|(changed, since)| changed.unix_seconds() <= since.unix_seconds())
}

fn rss(
    site: &Site,
    settings: &Settings,
    channel: &Channel<'_>,
    articles: &[Article],
    changed: Option<Moment>,
) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:media=\"http://search.yahoo.com/mrss/\">\n<channel>\n",
    );
    xml::element(&mut xml, "title", &channel.title);
    xml::element(&mut xml, "link", &site.url(&channel.page));
    let description = if channel.description.is_empty() { &channel.title } else { &channel.description };
    xml::element(&mut xml, "description", description);
    xml::element(&mut xml, "language", &settings.language);
    if let Some(changed) = changed {
        xml::element(&mut xml, "lastBuildDate", &changed.rfc5322());
    }
    xml.push_str(&format!(
        "<atom:link href=\"{}\" rel=\"self\" type=\"application/rss+xml\"/>\n",
        xml::text(&site.url(&channel.path))
    ));
    for article in articles {
        item(&mut xml, site, settings, article);
    }
    xml.push_str("</channel>\n</rss>\n");
    xml
}

fn item(xml: &mut String, site: &Site, settings: &Settings, article: &Article) {
    let own = site.url(&format!("/articles/{}", article.slug));
    let href = story::href(article, settings);
    let link = if href.starts_with('/') { site.url(&href) } else { href };
    xml.push_str("<item>\n");
    xml::element(xml, "title", &article.title);
    xml::element(xml, "link", &link);
    // It stays the same wherever the article is read.
    xml.push_str(&format!("<guid isPermaLink=\"{}\">{}</guid>\n", link == own, xml::text(&own)));
    xml::element(xml, "pubDate", &article.published_at.rfc5322());
    for part in signed(&article.byline).iter().filter(|part| !part.name.is_empty()) {
        xml::element(xml, "dc:creator", part.name);
    }
    for topic in &article.topics {
        xml::element(xml, "category", &topic.name);
    }
    xml::element(xml, "description", &in_short(article));
    if let Some(image) = web_address(article.image_url.as_deref()) {
        xml.push_str(&format!("<media:content url=\"{}\" medium=\"image\"/>\n", xml::text(image)));
    }
    let mut html = String::new();
    if let Some(note) = article.origin_note.as_deref().filter(|note| !note.is_empty()) {
        html.push_str(&format!("<p><em>{}</em></p>\n", xml::text(note)));
    }
    html.push_str(&xml::absolute(&article.body_html, site.base_url.as_str(), &own));
    xml::element(xml, "content:encoded", &html);
    xml.push_str("</item>\n");
}
