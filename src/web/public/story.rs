//! An article as the public pages show it in a list: where it is read depends on where the magazine's articles live.

use serde::Serialize;
use url::Url;

use crate::{
    articles::{Article, ArticleTopic},
    settings::{ArticlesAt, Settings},
};

/// One article in a list.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// Our own page, or the article's address on the magazine's site.
    href: String,
    title: String,
    standfirst: String,
    byline: String,
    topics: Vec<ArticleTopic>,
    date: String,
    reading_time: String,
    /// Only over https: anything else our own headers keep out.
    image_url: Option<String>,
}

impl Story {
    pub(super) fn new(article: Article, settings: &Settings) -> Self {
        Self {
            href: href(&article, settings),
            reading_time: article.reading_time(settings.reading_speed),
            date: article.published_at.date(&settings.time_zone),
            image_url: article.image_url.filter(|url| url.starts_with("https://")),
            title: article.title,
            standfirst: article.standfirst,
            byline: article.byline,
            topics: article.topics,
        }
    }
}

/// A feed can say anything, so only an address of the web is linked to.
pub(super) fn href(article: &Article, settings: &Settings) -> String {
    let canonical = article.canonical_url.as_deref().and_then(|url| Url::parse(url).ok());
    match (settings.articles_at, canonical) {
        (ArticlesAt::Here, _) => format!("/articles/{}", article.slug),
        (_, Some(url)) if matches!(url.scheme(), "http" | "https") => url.into(),
        // Written here, it stands nowhere else.
        (ArticlesAt::Mirrored, _) => format!("/articles/{}", article.slug),
        (ArticlesAt::Elsewhere, _) => settings.external_site_url.clone(),
    }
}
