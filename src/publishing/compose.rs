//! Drafting: an edition's words and articles, in numbered revisions.
//!
//! The rule: a revision is never edited. Each save writes the next one, and only while the edition is a draft, or as a
//! correction while it is stopped, so what was sealed is what readers got. Two people who write at once do not overwrite each other: a save names the revision
//! it was based on.

use super::{
    Content, Edition, Error, Result,
    blocks::{self, Block, Placed, one_line},
    find, home, load, store,
};
use crate::{
    db,
    editions::{self, EditionState, MoveError, MovedBy},
    segments,
    site::Site,
    token,
};

/// The longest subject kept, in characters; mail programs show about 60.
const SUBJECT_MOST: usize = 200;
/// The longest preview text kept, in characters; mail programs show about 100.
const PREVIEW_MOST: usize = 300;

/// Begins an edition of a digest with an empty first revision, for those to whom new editions of its list go, and returns its id and public
/// id.
///
/// # Errors
/// [`Error::NotFound`] when there is no such digest.
pub async fn create_draft(site: &Site, digest_id: i64, staff_id: Option<i64>) -> Result<(i64, String)> {
    begin(site, digest_id, vec![Block::Appeal.into()], staff_id).await
}

/// As [`create_draft`], laid out as the edition of the digest that went out last: with its words, buttons, lines and appeal in their
/// places, and without what belonged to that one alone: its articles, its subject and the words that it began with. None went out, and
/// it is empty.
///
/// # Errors
/// As [`create_draft`].
pub async fn create_draft_like_last(
    site: &Site,
    digest_id: i64,
    staff_id: Option<i64>,
) -> Result<(i64, String)> {
    let blocks = match store::last_sent(&site.db, digest_id).await? {
        Some(last) => blocks::standing(load(&site.db, last).await?.content.blocks),
        None => vec![Block::Appeal.into()],
    };
    begin(site, digest_id, blocks, staff_id).await
}

async fn begin(
    site: &Site,
    digest_id: i64,
    blocks: Vec<Placed>,
    staff_id: Option<i64>,
) -> Result<(i64, String)> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    let public_id = token::public_id();
    let created = editions::create(&mut tx, site, &public_id, digest_id, staff_id).await?;
    // A series is never deleted.
    let id = created.ok_or(MoveError::Retired)?;
    let content = Content { blocks, ..Content::default() };
    store::insert_revision(&mut tx, id, 1, &content, staff_id, now).await?;
    segments::begin_as_usual(&mut tx, id).await?;
    tx.commit().await?;
    Ok((id, public_id))
}

/// Deletes a draft with all its revisions, if it is still as somebody saw it. Nothing of it went out, but test copies. Its
/// articles stay.
///
/// # Errors
/// [`Error::NotAsSeen`] when it was saved, or Send was pressed, since; [`Error::Doubtful`] before somebody said what the database
/// is: whoever looks for what went out needs its drafts.
pub async fn delete_draft(site: &Site, public_id: &str, seen: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    home::check_at_home(&mut tx, site).await?;
    let as_loaded = (edition.revision, edition.updated_at);
    let by = MovedBy { staff_id, detail: &edition.content.subject };
    if edition.version() != seen || !editions::delete_draft(&mut tx, site, edition.id, as_loaded, by).await? {
        return Err(Error::NotAsSeen);
    }
    tx.commit().await?;
    Ok(())
}

/// Writes the next revision of a draft, and returns its number.
///
/// `based_on` is the revision the writer began from.
///
/// # Errors
/// [`Error::Locked`] once the edition is no longer a draft, [`Error::Changed`] when someone saved since `based_on`.
pub async fn save_revision(
    site: &Site,
    edition_id: i64,
    based_on: i64,
    content: Content,
    staff_id: Option<i64>,
) -> Result<i64> {
    save(site, edition_id, (based_on, EditionState::Draft), content, staff_id).await
}

/// Takes a block out of what somebody wrote. What they wrote is a revision of its own before, from which the block can be put back:
/// returns the number of that.
///
/// # Errors
/// As [`save_revision`].
pub async fn take_out(
    site: &Site,
    edition_id: i64,
    based_on: i64,
    (mut content, at): (Content, usize),
    staff_id: Option<i64>,
) -> Result<i64> {
    let whole = save_revision(site, edition_id, based_on, content.clone(), staff_id).await?;
    content.blocks.remove(at);
    save_revision(site, edition_id, whole, content, staff_id).await?;
    Ok(whole)
}

/// Writes the next revision of an edition that somebody stopped: the correction that the rest will get. Nobody gets it
/// before the edition is told to go on.
///
/// # Errors
/// [`Error::Locked`] unless it is paused, [`Error::Changed`] when someone saved since `based_on`.
pub async fn save_correction(
    site: &Site,
    edition_id: i64,
    based_on: i64,
    content: Content,
    staff_id: Option<i64>,
) -> Result<i64> {
    save(site, edition_id, (based_on, EditionState::Paused), content, staff_id).await
}

/// One revision more, as long as the edition stands in that state.
async fn save(
    site: &Site,
    edition_id: i64,
    (based_on, state): (i64, EditionState),
    content: Content,
    staff_id: Option<i64>,
) -> Result<i64> {
    let content = content.tidy();
    db::again(|| save_once(site, edition_id, (based_on, state), &content, staff_id)).await
}

async fn save_once(
    site: &Site,
    edition_id: i64,
    (based_on, state): (i64, EditionState),
    content: &Content,
    staff_id: Option<i64>,
) -> Result<i64> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    let Some(revision) = editions::next_revision(&mut tx, site, edition_id, (based_on, state)).await? else {
        let stand = editions::stand(&mut tx, edition_id).await?.ok_or(Error::NotFound)?;
        return Err(if stand.state == state { Error::Changed } else { Error::Locked });
    };
    store::insert_revision(&mut tx, edition_id, revision, content, staff_id, now).await?;
    if state == EditionState::Draft {
        // The edition's row is held: whoever presses Send did so before, and this was refused, or sees this revision.
        store::set_topics(&mut tx, edition_id, &content.topic_ids).await?;
        editions::set_rhythm(&mut tx, edition_id, content.rhythm).await?;
        if !segments::narrow(&mut tx, edition_id, content.only_segment, content.except_segment).await? {
            return Err(Error::Segment("a segment that was chosen has been deleted".to_owned()));
        }
    }
    tx.commit().await?;
    Ok(revision)
}

impl Edition {
    /// Whether somebody who wrote that wrote nothing new.
    #[must_use]
    pub fn reads_as(&self, written: &Content) -> bool {
        let mut written = written.clone().tidy();
        written.topic_ids.sort_unstable();
        written == self.content
    }
}

impl Content {
    /// One line for what becomes a header (TRUST A1), no article twice, nothing longer than a mail program takes.
    fn tidy(mut self) -> Self {
        self.subject = one_line(&self.subject).chars().take(SUBJECT_MOST).collect();
        self.preview_text = one_line(&self.preview_text).chars().take(PREVIEW_MOST).collect();
        self.intro_markdown = self.intro_markdown.replace("\r\n", "\n").replace(['\r', '\0'], "");
        self.blocks = blocks::tidy(self.blocks);
        self
    }
}
