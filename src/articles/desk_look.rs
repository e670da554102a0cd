//! Which articles the desk looks at.

use super::{Article, ArticleState, FeedId};
use crate::clock::Moment;

/// How articles stand, as the desk tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskState {
    Draft,
    Ready,
    /// To be seen by readers from a moment to come on.
    Scheduled,
    Published,
    Withdrawn,
}

impl DeskState {
    /// All of them, in the order of their way, with the word that addresses have for each.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Draft, "draft"),
        (Self::Ready, "ready"),
        (Self::Scheduled, "scheduled"),
        (Self::Published, "published"),
        (Self::Withdrawn, "withdrawn"),
    ];

    /// How an article stands.
    #[must_use]
    pub fn of(article: &Article, now: Moment) -> Self {
        match article.state {
            ArticleState::Draft => Self::Draft,
            ArticleState::Ready => Self::Ready,
            ArticleState::Published if article.published_at > now => Self::Scheduled,
            ArticleState::Published => Self::Published,
            ArticleState::Withdrawn => Self::Withdrawn,
        }
    }

    pub(super) const fn stored(self) -> &'static str {
        match self {
            Self::Draft => ArticleState::Draft.as_str(),
            Self::Ready => ArticleState::Ready.as_str(),
            Self::Scheduled | Self::Published => ArticleState::Published.as_str(),
            Self::Withdrawn => ArticleState::Withdrawn.as_str(),
        }
    }
}

/// Which articles the desk looks at; nothing narrows the look that is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeskLook<'a> {
    /// Looked for in titles and bylines, in any script and case.
    pub search: &'a str,
    pub state: Option<DeskState>,
    /// By its name in addresses.
    pub topic: &'a str,
    pub from: From,
}

/// Where the articles come from that the desk looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Anywhere,
    /// From a feed, whichever.
    Feeds,
    Feed(FeedId),
}
