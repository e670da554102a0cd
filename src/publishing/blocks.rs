//! What an edition is made of, behind the words that it begins with: its articles, each as it is shown there, and what stands between
//! them.
//!
//! The rule: a revision is the whole of its blocks. What is said of an article here is said in this edition alone; the article stays as
//! it is.

use std::collections::HashSet;

use super::Whom;
use crate::{articles::ArticleId, words};

/// So many are put into one edition at the desk.
pub const MOST_BLOCKS: usize = 200;

/// A block of an edition, and for whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub block: Block,
    pub whom: Whom,
}

impl From<Block> for Placed {
    fn from(block: Block) -> Self {
        Self { block, whom: Whom::Everybody }
    }
}

/// One block of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// An article.
    Article(ShownArticle),
    /// Words of the team, as Markdown.
    Words(String),
    /// A button that leads somewhere on the web.
    Button { label: String, url: String },
    /// A line across.
    Line,
    /// The request for a gift that the settings hold; without one there, nothing. An edition without this block asks for nothing.
    Appeal,
    /// One that stays in the draft and stands in no mail.
    Hidden(Box<Block>),
}

/// An article as one edition shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownArticle {
    pub id: ArticleId,
    pub look: Look,
    /// Its title here; empty for its own.
    pub title: String,
    /// What stands below its title here; empty for its own.
    pub standfirst: String,
}

words! {
    /// How loud an article is.
    pub enum Look else Usual {
        /// The first of an edition leads, others do not.
        Usual = "usual",
        /// Large, with its picture.
        Lead = "lead",
        /// A title and a line.
        Short = "short",
    }
}

words! {
    /// What a block is that is no article.
    pub enum BlockKind {
        /// Words of the team.
        Words = "words",
        /// A button.
        Button = "button",
        /// A line across.
        Line = "line",
        /// The request for a gift.
        Appeal = "appeal",
    }
}

impl Block {
    /// Articles in a row, as they are, and the appeal below them: what an edition is when nobody decided otherwise.
    pub fn row(articles: impl IntoIterator<Item = ArticleId>) -> Vec<Placed> {
        articles.into_iter().map(Self::article).chain([Self::Appeal]).map(Placed::from).collect()
    }

    /// An article as it is.
    #[must_use]
    pub const fn article(id: ArticleId) -> Self {
        Self::Article(ShownArticle { id, look: Look::Usual, title: String::new(), standfirst: String::new() })
    }

    /// The article that it shows in the mail, if it is one.
    #[must_use]
    pub const fn article_id(&self) -> Option<ArticleId> {
        match self {
            Self::Article(article) => Some(article.id),
            _ => None,
        }
    }

    /// What it is, hidden or not.
    #[must_use]
    pub fn as_written(&self) -> &Self {
        if let Self::Hidden(block) = self { block } else { self }
    }

    /// Whether it stands in no mail.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden(_))
    }

    /// The same, hidden or not.
    #[must_use]
    pub fn hidden(self, is_hidden: bool) -> Self {
        let block = if let Self::Hidden(block) = self { *block } else { self };
        if is_hidden { Self::Hidden(Box::new(block)) } else { block }
    }

    /// As it is kept: no line that is none. What is too long is told, and not cut.
    fn tidy(self) -> Self {
        match self {
            Self::Article(article) => Self::Article(ShownArticle {
                title: one_line(&article.title),
                standfirst: one_line(&article.standfirst),
                ..article
            }),
            Self::Words(words) => Self::Words(words.replace("\r\n", "\n").replace(['\r', '\0'], "")),
            Self::Button { label, url } => Self::Button { label: one_line(&label), url: one_line(&url) },
            Self::Line | Self::Appeal => self,
            Self::Hidden(block) => block.tidy().hidden(true),
        }
    }
}

/// As they are kept: no article twice, the appeal once.
pub(super) fn tidy(blocks: Vec<Placed>) -> Vec<Placed> {
    let (mut seen, mut asks) = (HashSet::new(), false);
    let mut is_new = |block: &Block| match block.as_written() {
        Block::Article(article) => seen.insert(article.id),
        Block::Appeal => !std::mem::replace(&mut asks, true),
        _ => true,
    };
    let new = blocks.into_iter().filter(|placed| is_new(&placed.block));
    new.map(|placed| Placed { block: placed.block.tidy(), ..placed }).collect()
}

/// What an edition has in common with the next one: all but its articles. Lines that meet where articles stood become one.
pub(super) fn standing(mut blocks: Vec<Placed>) -> Vec<Placed> {
    blocks.retain(|placed| placed.block.as_written().article_id().is_none());
    blocks.dedup_by(|next, one| next.block == Block::Line && next == one);
    blocks
}

/// What becomes a line, such as a header (TRUST A1): without what ends one.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}
