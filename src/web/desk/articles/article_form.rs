//! The form of an article: what it holds, what was typed into it, and what that means.

use super::correcting;
use crate::{
    articles::{self, Article, ArticleState, ArticleText, Piece, WrittenArticle},
    clock::{Moment, Moments, Zone},
    web::{Form, desk::theirs::Theirs},
};

pub(super) const FIELDS: &[&str] = &[
    "title",
    "standfirst",
    "byline",
    "topics",
    "body_markdown",
    "canonical_url",
    "image_url",
    "image_alt",
    "origin_note",
    "notes",
    "publish_at",
    "embargo",
    "correcting",
    "correction",
    "text",
    "act",
    "at",
    "version",
    "known",
    "piece",
    "typed",
];

/// In the field `text`: whoever writes changes the text that a feed brought.
pub(super) const MINE: &str = "mine";

/// What came from a feed is shown as HTML until somebody wants to change it.
pub(super) fn writes_body(article: Option<&Article>, form: &Form) -> bool {
    article.is_none_or(|article| article.body_markdown.is_some()) || form.text("text") == MINE
}

/// What the form means; a moment that is none becomes its field's mistake.
pub(super) fn written(
    form: &mut Form,
    article: Option<&Article>,
    (now, zone): (Moment, &Zone),
    by: i64,
) -> Option<WrittenArticle> {
    let publish_at = form.parse("publish_at", |text| moment(text, zone));
    let embargo_at = form.parse("embargo", |text| moment(text, zone));
    let (publish_at, embargo_at) = (publish_at?, embargo_at?);
    let was = article.map(|article| article.state).unwrap_or_default();
    let state = match form.text("act") {
        "publish" => ArticleState::Published,
        "ready" => ArticleState::Ready,
        "withdraw" => ArticleState::Withdrawn,
        "draft" if was != ArticleState::Withdrawn => ArticleState::Draft,
        _ => was,
    };
    let before = article.map(|article| article.published_at);
    let waits = before.is_some_and(|at| at > now);
    let published_at = match (state, publish_at) {
        (ArticleState::Published, Some(at)) => Some(at),
        // Published on the day it is, not on the day it was begun; taken back from a day to come, now.
        // What was out before, and what came with a day of its own and was not touched here, keeps its day.
        (ArticleState::Published, None) if !waits && has_its_day(article) => None,
        (ArticleState::Published, None) if was != ArticleState::Published || waits => Some(now),
        (ArticleState::Published, _) => None,
        // What is not out yet forgets when it was to be.
        _ => waits.then_some(now),
    };
    Some(WrittenArticle {
        title: form.text("title").to_owned(),
        standfirst: form.text("standfirst").to_owned(),
        byline: form.text("byline").to_owned(),
        topics: articles::topics_of_a_line(form.text("topics")),
        body_markdown: writes_body(article, form).then(|| form.raw("body_markdown").to_owned()),
        canonical_url: form.text("canonical_url").to_owned(),
        image_url: form.text("image_url").to_owned(),
        image_alt: form.text("image_alt").to_owned(),
        origin_note: form.text("origin_note").to_owned(),
        state,
        published_at,
        notes: form.text("notes").to_owned(),
        embargo_at,
        correction: correcting::words(form).map(str::to_owned),
        by: Some(by),
        piece: Piece::named(form.text("piece")).filter(|piece| piece.article().is_none()),
    })
}

/// What a `datetime-local` field sends, on the magazine's clocks; of an hour that comes twice, the first.
fn moment(text: &str, zone: &Zone) -> Result<Option<Moment>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let civil: jiff::civil::DateTime = text.parse().map_err(|_| "Enter a day and a time.")?;
    match zone.moments(civil) {
        Moments::Once(at) | Moments::Twice(at, _) => Ok(Some(at)),
        Moments::Never => {
            Err("That hour does not exist: the clocks go forward then. Choose a time an hour later.")
        }
    }
}

/// The form with the words of an article, or of a version of it.
pub(super) fn with_text(text: &ArticleText) -> Form {
    let form = Form::new(FIELDS)
        .with("title", &text.title)
        .with("standfirst", &text.standfirst)
        .with("byline", &text.byline)
        .with("topics", &text.topics)
        .with("canonical_url", &text.canonical_url)
        .with("image_url", &text.image_url)
        .with("image_alt", &text.image_alt)
        .with("origin_note", &text.origin_note)
        .with("notes", &text.notes);
    match &text.body_markdown {
        Some(markdown) => form.with("body_markdown", markdown),
        None => form,
    }
}

/// The same, with the moments of the article.
pub(super) fn filled(article: &Article, now: Moment, zone: &Zone) -> Form {
    with_moments(with_text(&ArticleText::of(article)), article, now, zone)
}

pub(super) fn with_moments(form: Form, article: &Article, now: Moment, zone: &Zone) -> Form {
    let waits = article.state == ArticleState::Published && article.published_at > now;
    let local = |at: Moment| at.local(zone);
    form.holding("publish_at", if waits { local(article.published_at) } else { String::new() })
        .holding("embargo", article.embargo_at.map(local).unwrap_or_default())
}

/// The words that were typed.
pub(super) fn typed(form: &Form, writes_body: bool) -> ArticleText {
    ArticleText {
        title: form.text("title").to_owned(),
        standfirst: form.text("standfirst").to_owned(),
        byline: form.text("byline").to_owned(),
        topics: form.text("topics").to_owned(),
        body_markdown: writes_body.then(|| form.raw("body_markdown").to_owned()),
        body_html: None,
        canonical_url: form.text("canonical_url").to_owned(),
        image_url: form.text("image_url").to_owned(),
        image_alt: form.text("image_alt").to_owned(),
        origin_note: form.text("origin_note").to_owned(),
        notes: form.text("notes").to_owned(),
    }
}

/// Whether two texts say the same.
pub(super) fn same(one: &ArticleText, other: &ArticleText) -> bool {
    let words = |text: &ArticleText| {
        let fields = [
            &text.title,
            &text.standfirst,
            &text.byline,
            &text.topics,
            &text.canonical_url,
            &text.image_url,
            &text.image_alt,
            &text.origin_note,
            &text.notes,
        ];
        let mut words: Vec<String> = fields.map(|field| field.trim().to_owned()).into();
        words.push(text.body_markdown.as_deref().unwrap_or_default().trim().to_owned());
        words
    };
    words(one) == words(other)
}

fn has_its_day(article: Option<&Article>) -> bool {
    article.is_some_and(|article| article.state == ArticleState::Withdrawn || article.edited_at.is_none())
}

/// The fields that somebody else wrote otherwise than the form holds them; the text itself is compared word by word.
pub(super) fn theirs(article: &Article, form: &Form, now: Moment, zone: &Zone) -> Vec<Theirs> {
    let labels = [
        ("title", "Title"),
        ("standfirst", "Standfirst"),
        ("byline", "Byline"),
        ("topics", "Topics"),
        ("canonical_url", "Where it stands on your own site"),
        ("image_url", "Address of its picture"),
        ("image_alt", "What the picture shows"),
        ("origin_note", "Where it was first published"),
        ("notes", "Notes"),
        ("publish_at", "Publish on"),
        ("embargo", "Embargo until"),
    ];
    Theirs::between(&labels, &filled(article, now, zone), form)
}
