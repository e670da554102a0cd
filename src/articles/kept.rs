//! The rows of what is kept of writing: versions, who is at an article, and what they typed and did not save.

use super::text::ArticleText;
use crate::clock::Moment;

/// A version in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct RevisionLine {
    /// How many changes there had been with it.
    pub version: i64,
    /// Who of the team saved it; none where a feed brought it.
    pub by_name: Option<String>,
    pub at: Moment,
}

/// A version of an article.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Revision {
    /// How many changes there had been with it.
    pub version: i64,
    /// Who of the team saved it; none where a feed brought it.
    pub by_name: Option<String>,
    pub at: Moment,
    text: String,
}

impl Revision {
    /// Its words.
    #[must_use]
    pub fn text(&self) -> ArticleText {
        ArticleText::from_json(&self.text)
    }
}

/// What somebody typed and did not save.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct KeptCopy {
    /// What it is of.
    pub piece: String,
    /// The version that they saw when they typed it.
    pub version: i64,
    text: String,
    pub typed_at: Moment,
}

impl KeptCopy {
    /// Its words.
    #[must_use]
    pub fn text(&self) -> ArticleText {
        ArticleText::from_json(&self.text)
    }
}

/// Somebody else at the same article.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Sitting {
    pub name: String,
    pub opened_at: Moment,
    /// Whether they typed something that is not saved.
    pub has_typed: bool,
}
