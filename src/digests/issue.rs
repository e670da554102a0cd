//! An edition as a mail: what the digest template is told, and what comes of it.

use url::Url;

use super::{Edition, Result};
use crate::{
    articles::{self, Article, html},
    delivery::variant,
    mail::{
        self, Appeal, ArticleBlock, Compiled, DigestContext, Image, Personal, Sender, Templates, TestCopy,
    },
    site::Site,
    staff::{ArticlesAt, Settings},
};

/// An edition as a reader who does not exist would get it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The whole HTML page of the mail.
    pub html: String,
    /// Its text part.
    pub text: String,
}

/// What readers will get, or once it is sealed what they got, with sample personal fields; the links that act for a reader
/// lead nowhere.
///
/// # Errors
/// When the database fails or the mail cannot be made.
pub async fn preview(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
) -> Result<Preview> {
    let links = SampleLinks::new(site, edition);
    let personal = links.personal("Ada");
    if let Some((html, text)) = variant::revision_shown(site, edition.id, edition.revision, &personal).await?
    {
        return Ok(Preview { html, text });
    }
    let context = context(site, settings, edition).await?;
    Ok(Preview {
        html: mail::preview_html(templates, &context, &personal)?,
        text: mail::preview_text(templates, &context, &personal)?,
    })
}

/// The links of a copy that no reader gets. They cannot act for anybody: those that would lead to a page that says so.
pub(super) struct SampleLinks {
    explanation: String,
    view: String,
    give_once: String,
    give_monthly: String,
}

impl SampleLinks {
    pub(super) fn new(site: &Site, edition: &Edition) -> Self {
        Self {
            explanation: site.url("/sample-link"),
            view: site.url(&format!("/desk/editions/{}/preview", edition.public_id)),
            give_once: site.url("/donate?every=once"),
            give_monthly: site.url("/donate?every=month"),
        }
    }

    fn personal<'a>(&'a self, name: &'a str) -> Personal<'a> {
        Personal {
            name,
            unsubscribe_url: &self.explanation,
            preferences_url: &self.explanation,
            view_url: &self.view,
            give_once_url: &self.give_once,
            give_monthly_url: &self.give_monthly,
        }
    }
}

/// The edition as a test copy to a member of the team: its subject and its last lines say what it is.
pub(super) async fn test_copy<'a>(
    site: &Site,
    settings: &Settings,
    edition: &Edition,
    links: &'a SampleLinks,
    name: &'a str,
) -> Result<TestCopy<'a>> {
    let mut digest = context(site, settings, edition).await?;
    digest.subject = format!("[Test] {}", digest.subject).trim_end().to_owned();
    digest.why =
        "This is a test copy. Only you got it, and its links to leave and to choose do nothing.".to_owned();
    Ok(TestCopy { digest, personal: links.personal(name) })
}

/// The body of every copy.
pub(super) async fn compiled(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
) -> Result<Compiled> {
    let context = context(site, settings, edition).await?;
    Ok(mail::compile(templates, &context)?)
}

async fn context(site: &Site, settings: &Settings, edition: &Edition) -> Result<DigestContext> {
    let articles = articles::by_ids(&site.db, &edition.content.article_ids).await?;
    let content = &edition.content;
    let at = edition.send_at.or(edition.sealed_at).unwrap_or_else(|| site.now());
    Ok(DigestContext {
        sender: sender(site, settings),
        language: "en".to_owned(),
        subject: content.subject.clone(),
        title: edition.digest_name.clone(),
        date: at.date(&settings.time_zone),
        preheader: content.preview_text.clone(),
        intro: paragraphs(&content.intro_markdown),
        articles: articles.into_iter().map(|article| block(site, settings, article)).collect(),
        appeal: appeal(settings),
        why: format!("You get this because you joined {} of {}.", edition.list_name, settings.magazine_name),
    })
}

fn sender(site: &Site, settings: &Settings) -> Sender {
    let elsewhere = settings.articles_at == ArticlesAt::Elsewhere && !settings.external_site_url.is_empty();
    Sender {
        magazine: settings.magazine_name.clone(),
        legal_name: settings.legal_name.clone(),
        postal_address: settings.postal_address.clone(),
        contact_email: settings.contact_email.clone(),
        site_url: if elsewhere { settings.external_site_url.clone() } else { site.url("/") },
    }
}

fn appeal(settings: &Settings) -> Option<Appeal> {
    let said = !settings.appeal_heading.is_empty() || !settings.appeal_text.is_empty();
    said.then(|| Appeal { heading: settings.appeal_heading.clone(), text: settings.appeal_text.clone() })
}

fn block(site: &Site, settings: &Settings, article: Article) -> ArticleBlock {
    let minutes = html::reading_minutes(article.word_count, settings.reading_speed);
    ArticleBlock {
        url: address(site, settings, &article),
        // Mail programs leave a picture out that does not come over https.
        image: article
            .image_url
            .filter(|url| url.starts_with("https://"))
            .map(|url| Image { url, alt: article.title.clone() }),
        title: article.title,
        standfirst: article.standfirst,
        byline: article.byline,
        topics: article.topics.into_iter().map(|topic| topic.name).collect(),
        reading_minutes: u32::try_from(minutes).ok(),
    }
}

/// Where readers read an article: our own page when articles live here, its canonical address otherwise. Never a link that
/// tells who followed it (TRUST L9).
fn address(site: &Site, settings: &Settings, article: &Article) -> String {
    let canonical = article.canonical_url.as_deref().and_then(|url| Url::parse(url).ok());
    match (settings.articles_at, canonical) {
        (ArticlesAt::Here, _) => site.url(&format!("/articles/{}", article.slug)),
        (ArticlesAt::Elsewhere, Some(url)) if matches!(url.scheme(), "http" | "https") => url.into(),
        (ArticlesAt::Elsewhere, _) => settings.external_site_url.clone(),
    }
}

/// The letter's paragraphs. They are plain text, as typed: the mail room writes no markup that it is given, so marks and
/// addresses stand as they are, and mail programs make links of the latter.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
            Some(last) if last.is_empty() => {}
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_begins_a_paragraph_and_nothing_typed_is_lost() {
        let letter = "\nDear all,\nread *this*:\n\n \nhttps://example.org/a?b=c\n";
        assert_eq!(paragraphs(letter), ["Dear all, read *this*:", "https://example.org/a?b=c"]);
        assert!(paragraphs(" \n\n").is_empty());
    }
}
