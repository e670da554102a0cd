//! What an article's form holds, as it is kept of versions and of what was not saved yet.

use serde::{Deserialize, Serialize};

use super::{Article, topic_list::topics_in_a_line};

/// The words of an article, each as it stands in its field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArticleText {
    pub title: String,
    pub standfirst: String,
    pub byline: String,
    /// In a line, as [`topics_in_a_line`] writes them.
    pub topics: String,
    /// What the writer typed; none where the text is a feed's.
    pub body_markdown: Option<String>,
    /// The feed's text, where nobody has written another.
    pub body_html: Option<String>,
    pub canonical_url: String,
    pub image_url: String,
    pub image_alt: String,
    pub origin_note: String,
    pub notes: String,
}

impl ArticleText {
    /// The words of an article as it stands.
    #[must_use]
    pub fn of(article: &Article) -> Self {
        Self::with_topics(article, topics_in_a_line(article.topics.iter().map(|topic| &topic.name)))
    }

    pub(super) fn with_topics(article: &Article, topics: String) -> Self {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            title: article.title.clone(),
            standfirst: article.standfirst.clone(),
            byline: article.byline.clone(),
            topics,
            body_markdown: article.body_markdown.clone(),
            body_html: article.body_markdown.is_none().then(|| article.body_html.clone()),
            canonical_url: given(&article.canonical_url),
            image_url: given(&article.image_url),
            image_alt: article.image_alt.clone(),
            origin_note: given(&article.origin_note),
            notes: article.notes.clone(),
        }
    }

    /// As it is stored.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was stored; what a newer program has added is left out.
    pub(super) fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}
