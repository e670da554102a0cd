//! Who is at which article, and what they typed and did not save yet.
//!
//! The rule: what is kept here is nobody's article and no reader sees it. It is its writer's alone, until they save it, throw it away or do
//! not come back for a month.

use std::time::Duration;

use super::{
    ArticleId,
    kept::{KeptCopy, Sitting},
    store::writing as store,
    text::ArticleText,
};
use crate::{
    db::{Db, Result},
    site::Site,
};

/// Whoever was not seen for so long has gone: their page tells of itself three times as often.
pub const SITTING: Duration = Duration::from_secs(60);
/// So long what was typed waits for its writer.
pub const COPY_LASTS: Duration = Duration::from_secs(30 * 86_400);
/// No name of a piece is longer.
const LONGEST_NAME: usize = 40;

/// What somebody works at: an article, or one that is not there yet, which has a name that its page made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    article: Option<ArticleId>,
    name: String,
}

impl Piece {
    /// An article.
    #[must_use]
    pub fn of(id: ArticleId) -> Self {
        Self { article: Some(id), name: id.0.to_string() }
    }

    /// As a page names it; none if no page does so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Ok(id) = name.parse() {
            return Some(Self::of(ArticleId(id)));
        }
        let new = name.strip_prefix("new-")?;
        let is_name =
            !new.is_empty() && name.len() <= LONGEST_NAME && new.bytes().all(|b| b.is_ascii_alphanumeric());
        is_name.then(|| Self { article: None, name: name.to_owned() })
    }

    /// The article, if it is there.
    #[must_use]
    pub const fn article(&self) -> Option<ArticleId> {
        self.article
    }

    /// What pages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Notes that somebody is at a piece, and keeps what they typed.
///
/// # Errors
/// When the database fails; also where the article is gone.
pub async fn sit(
    site: &Site,
    staff_id: i64,
    piece: &Piece,
    (version, text): (i64, Option<&ArticleText>),
) -> Result<()> {
    let now = site.now();
    let seat = store::Seat {
        staff_id,
        article: piece.article,
        piece: &piece.name,
        version,
        now,
        gone: now.minus(SITTING),
    };
    let text = text.map(ArticleText::to_json);
    let mut tx = site.db.begin().await?;
    store::sit(&mut tx, &seat, text.as_deref()).await?;
    tx.commit().await
}

/// What somebody typed at a piece and did not save.
pub async fn copy_of(db: &Db, staff_id: i64, piece: &Piece) -> Result<Option<KeptCopy>> {
    store::copy(db, staff_id, &piece.name).await
}

/// What somebody typed of articles that are not there yet, the newest first.
pub async fn new_copies(db: &Db, staff_id: i64) -> Result<Vec<KeptCopy>> {
    store::new_copies(db, staff_id).await
}

/// It was saved, or is not wanted.
///
/// # Errors
/// When the database fails.
pub async fn throw_away(site: &Site, staff_id: i64, piece: &Piece) -> Result<()> {
    let mut tx = site.db.begin().await?;
    store::drop_copy(&mut tx, staff_id, &piece.name).await?;
    tx.commit().await
}

/// Others who are at an article now, the first to come first.
pub async fn others_at(site: &Site, article: ArticleId, staff_id: i64) -> Result<Vec<Sitting>> {
    store::others(&site.db, article, staff_id, site.now().minus(SITTING)).await
}
