//! What a page tells programs about itself: Open Graph, cards, JSON-LD, where the original stands, which feed belongs to it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    articles::{Article, excerpt, signed, text_of},
    settings::{ArticlesAt, Settings},
    site::Site,
};

/// Beside the data of a page, for the frame.
#[derive(Debug, Default, Serialize)]
pub(super) struct Head {
    description: String,
    /// Where the page stands first.
    canonical_url: Option<String>,
    social: Option<Social>,
    /// The feed of what the page lists, beside that of the whole.
    feed: Option<FeedLink>,
}

#[derive(Debug, Serialize)]
struct FeedLink {
    title: String,
    href: String,
}

/// For the card that a link to the page becomes elsewhere.
#[derive(Debug, Serialize)]
struct Social {
    kind: &'static str,
    title: String,
    url: String,
    site_name: String,
    image: Option<String>,
    card: &'static str,
    published: Option<String>,
    modified: Option<String>,
    authors: Vec<String>,
    topics: Vec<String>,
    /// For a `<script>` that no browser runs, and written so that nothing in it can end that.
    json_ld: Option<String>,
}

/// So long is what is said of a page that says nothing short of itself.
const DESCRIPTION: usize = 200;

/// An address that may stand in a link or a picture: a feed can say anything.
pub(super) fn web_address(url: Option<&str>) -> Option<&str> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

/// What an article says in short: its standfirst, or how it begins.
pub(super) fn in_short(article: &Article) -> String {
    match article.standfirst.as_str() {
        "" => excerpt(&text_of(&article.body_html), DESCRIPTION),
        standfirst => standfirst.to_owned(),
    }
}

impl Head {
    /// Of a list at that path of ours; `feed` is what its own feed is called, if it has one.
    pub(super) fn of_list(
        site: &Site,
        settings: &Settings,
        path: &str,
        (title, description): (&str, String),
        feed: Option<String>,
    ) -> Self {
        let url = site.url(path);
        Self {
            feed: feed.map(|title| FeedLink { title, href: format!("{path}/feed.xml") }),
            social: Some(Social {
                kind: "website",
                title: title.to_owned(),
                url: url.clone(),
                site_name: settings.magazine_name.clone(),
                image: None,
                card: "summary",
                published: None,
                modified: None,
                authors: Vec::new(),
                topics: Vec::new(),
                json_ld: None,
            }),
            description,
            canonical_url: Some(url),
        }
    }

    /// Of an article's page; the authors with the addresses of their pages.
    pub(super) fn of_article(
        site: &Site,
        settings: &Settings,
        article: &Article,
        authors: &[(String, Option<String>)],
    ) -> Self {
        let own = site.url(&format!("/articles/{}", article.slug));
        let original =
            web_address(article.canonical_url.as_deref()).map_or_else(|| own.clone(), str::to_owned);
        let description = in_short(article);
        let image = web_address(article.image_url.as_deref()).map(str::to_owned);
        let names = || {
            signed(&article.byline)
                .into_iter()
                .filter(|part| !part.name.is_empty())
                .map(|part| part.name.to_owned())
        };
        let topics: Vec<String> = article.topics.iter().map(|topic| topic.name.clone()).collect();
        let json_ld = json_ld(site, settings, article, (&original, &description), authors);
        Self {
            social: Some(Social {
                kind: "article",
                title: article.title.clone(),
                url: original.clone(),
                site_name: settings.magazine_name.clone(),
                card: if image.is_some() { "summary_large_image" } else { "summary" },
                image,
                published: Some(article.published_at.to_string()),
                modified: Some(article.updated_at.max(article.published_at).to_string()),
                authors: names().collect(),
                topics,
                json_ld: Some(in_script(&json_ld)),
            }),
            description,
            canonical_url: Some(original),
            feed: None,
        }
    }
}

fn json_ld(
    site: &Site,
    settings: &Settings,
    article: &Article,
    (original, description): (&str, &str),
    authors: &[(String, Option<String>)],
) -> Value {
    let publisher = json!({ "@type": "Organization", "name": settings.magazine_name, "url": match settings.articles_at {
        ArticlesAt::Here => site.url("/"),
        ArticlesAt::Mirrored | ArticlesAt::Elsewhere => settings.external_site_url.clone(),
    } });
    let persons = authors.iter().map(|(name, page)| {
        let mut person = json!({ "@type": "Person", "name": name });
        if let Some(page) = page {
            person["url"] = json!(site.url(page));
        }
        person
    });
    let persons: Vec<Value> = persons.collect();
    let mut all = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": original,
        "url": original,
        // Search engines cut a longer one.
        "headline": article.title.chars().take(110).collect::<String>(),
        "description": description,
        "datePublished": article.published_at.to_string(),
        "dateModified": article.updated_at.max(article.published_at).to_string(),
        "inLanguage": settings.language,
        "isAccessibleForFree": true,
        "wordCount": article.word_count,
        "author": if persons.is_empty() { vec![publisher.clone()] } else { persons },
        "publisher": publisher,
    });
    if let Some(image) = web_address(article.image_url.as_deref()) {
        all["image"] = json!([image]);
    }
    if !article.topics.is_empty() {
        all["articleSection"] = json!(article.topics.iter().map(|topic| &topic.name).collect::<Vec<_>>());
    }
    all
}

/// JSON as it may stand in a script: nothing in it begins or ends a tag or a comment.
fn in_script(value: &Value) -> String {
    let mut safe = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_script_cannot_leave_it() {
        let hostile = json!({ "a": "</script><script>alert(1)</script><!-- & \u{2028}" });
        let text = in_script(&hostile);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), hostile);
    }
}
