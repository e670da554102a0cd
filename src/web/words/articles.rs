//! Articles.

use crate::{
    articles::{Article, DeskState},
    settings::Settings,
};

/// How an article stands, for the team.
pub(in crate::web) const fn standing(state: DeskState) -> &'static str {
    match state {
        DeskState::Draft => "Draft",
        DeskState::Ready => "Ready",
        DeskState::Scheduled => "Scheduled",
        DeskState::Published => "Published",
        DeskState::Withdrawn => "Withdrawn",
    }
}

/// Byline, date, reading time and where it was first published, in one line.
pub(in crate::web) fn line(article: &Article, settings: &Settings) -> String {
    let mut parts = Vec::new();
    if !article.byline.is_empty() {
        parts.push(article.byline.clone());
    }
    parts.push(article.published_at.date(&settings.time_zone));
    // A figure and its unit stay on one line.
    parts.push(article.reading_time(settings.reading_speed).replace(' ', "\u{a0}"));
    parts.extend(article.origin_note.clone());
    parts.join(" · ")
}
