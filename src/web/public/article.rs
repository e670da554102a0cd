//! `/articles/{slug}`: one article, then the appeal. Not served when the magazine's articles live elsewhere alone.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, WebError},
    ask::Ask,
    donate::{Amount, suggested},
    head::Head,
    story::Story,
};
use crate::{
    articles::{self, Article, ArticleState, ArticleTopic, Of},
    db,
    mail::fields_to_everybody,
    settings::{ArticlesAt, Settings},
};

/// How many more are offered behind it.
const MORE: usize = 3;

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    head: Head,
    language: String,
    title: String,
    standfirst: String,
    byline: Vec<Signed>,
    topics: Vec<ArticleTopic>,
    date: String,
    /// The same for programs.
    published: String,
    reading_time: String,
    origin_note: Option<String>,
    /// What was put right, and on which day.
    correction: Option<String>,
    /// None where it stands in the text.
    image_url: Option<String>,
    image_alt: String,
    /// Its caption, and who made it.
    image_below: String,
    /// Clean already: the articles room makes it so when it is written.
    body_html: String,
    /// Where it stands, for whoever has it on paper.
    address: String,
    appeal: Appeal,
    more: More,
    ask: Ask,
}

/// A name of the byline, with what stands before it and the page of who is called so.
#[derive(Serialize)]
struct Signed {
    before: String,
    name: String,
    href: Option<String>,
}

/// Asks for a gift, which remembers where it was asked for.
#[derive(Serialize)]
struct Appeal {
    heading: String,
    text: String,
    line: String,
    /// In the donation page's address.
    article: String,
    amounts: Vec<Amount>,
}

/// Others of its topic.
#[derive(Serialize)]
struct More {
    title: String,
    stories: Vec<Story>,
}

/// `GET /articles/{slug}`
pub(crate) async fn show(State(app): State<App>, Path(slug): Path<String>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    if settings.articles_at == ArticlesAt::Elsewhere {
        return Err(WebError::NotFound);
    }
    let Some(article) = articles::published_by_slug(&app.site, &slug).await? else {
        let hidden = articles::by_slug(&app.site.db, &slug).await?;
        let withdrawn = hidden.is_some_and(|article| article.state == ArticleState::Withdrawn);
        return Err(if withdrawn { WebError::Withdrawn } else { WebError::NotFound });
    };
    let pages = articles::pages_of_authors(&app.site.db, &article.byline).await?;
    let byline: Vec<Signed> = articles::signed(&article.byline)
        .into_iter()
        .map(|part| Signed {
            before: part.before.to_owned(),
            name: part.name.to_owned(),
            href: pages.get(part.name).map(|slug| format!("/authors/{slug}")),
        })
        .collect();
    let named = byline.iter().filter(|part| !part.name.is_empty());
    let authors: Vec<_> = named.map(|part| (part.name.clone(), part.href.clone())).collect();
    let head = Head::of_article(&app.site, &settings, &article, &authors);
    let more = more(&app, &settings, &article).await?;
    let minutes = articles::reading_minutes(article.word_count, settings.reading_speed);
    let title = article.title.clone();
    let picture = articles::shown_picture(&app.site, &article).await?.filter(|_| !is_in_text(&article));
    let page = Page {
        head,
        language: settings.language.clone(),
        reading_time: format!("Reading time: {minutes} minute{}", if minutes == 1 { "" } else { "s" }),
        date: article.published_at.date(&settings.time_zone),
        published: article.published_at.to_string(),
        image_below: picture.as_ref().map(|shown| shown.below.clone()).unwrap_or_default(),
        image_url: picture.map(|shown| shown.url),
        image_alt: article.image_alt.clone(),
        title: article.title,
        standfirst: article.standfirst,
        byline,
        topics: article.topics,
        origin_note: article.origin_note.filter(|note| !note.is_empty()),
        correction: article
            .corrected_at
            .filter(|_| !article.correction.is_empty())
            .map(|at| format!("Corrected on {}: {}", at.date(&settings.time_zone), article.correction)),
        body_html: with_wide_tables(&article.body_html),
        address: app.site.url(&format!("/articles/{slug}")),
        appeal: Appeal {
            heading: fields_to_everybody(&settings.appeal_heading),
            text: fields_to_everybody(&settings.appeal_text),
            line: settings.giving_line.clone(),
            article: slug,
            amounts: if app.payments.is_some() { suggested(&settings) } else { Vec::new() },
        },
        more,
        ask: Ask::new(&app, &settings, "article").await?,
    };
    app.public_page("public/article", &title, &page).await
}

/// Whether the text has the picture of the article, which then does not stand over it too.
fn is_in_text(article: &Article) -> bool {
    let in_text =
        |url: &String| article.body_html.contains(&format!("src=\"{}\"", url.replace('&', "&amp;")));
    article.image_url.as_ref().is_some_and(in_text)
}

/// A table that is wider than a phone is moved sideways, by keys too. In clean HTML no text holds such a tag.
fn with_wide_tables(clean: &str) -> String {
    const OPEN: &str = "<div class=\"wide\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table";
    clean.replace("<table", OPEN).replace("</table>", "</table></div>")
}

/// The newest others of its first topic; of all, where it has none.
async fn more(app: &App, settings: &Settings, article: &Article) -> db::Result<More> {
    let topic = article.topics.first();
    let of = topic.map_or(Of::All, |topic| Of::Topic(&topic.slug));
    let mut others = articles::page_of(&app.site, of, None, MORE as i64 + 1).await?;
    others.retain(|other| other.id != article.id);
    others.truncate(MORE);
    Ok(More {
        title: topic.map_or_else(|| "More to read".to_owned(), |topic| format!("More in {}", topic.name)),
        stories: others.into_iter().map(|other| Story::new(other, settings)).collect(),
    })
}
