//! Segments that are kept: made, saved, renamed and deleted by staff, each in one transaction with its line of the log.

use super::{
    names,
    store::{self, SegmentRow, VersionRow},
    tree::{SegmentTree, TreeError},
    within::{Newest, NotWrittenOut},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db, MaybeDatabase, Tx},
    site::Site,
    token,
};

/// So many may there be.
pub const MOST_SEGMENTS: usize = 200;
/// The longest name, in characters.
pub const LONGEST_NAME: usize = 80;
/// So many uses are told by name.
const MOST_TOLD: i64 = 5;

/// A segment in its newest version.
#[derive(Clone, Debug)]
pub struct Segment {
    pub id: i64,
    /// Its name in addresses.
    pub public_id: String,
    pub name: String,
    /// Which saving of it this is.
    pub version: i64,
    pub tree: SegmentTree,
    /// When it was saved or renamed.
    pub changed_at: Moment,
    /// Who saved it.
    pub changed_by: Option<String>,
}

/// A saving of a segment.
#[derive(Clone, Debug)]
pub struct SegmentVersion {
    pub version: i64,
    pub tree: SegmentTree,
    pub saved_at: Moment,
    pub saved_by: Option<String>,
}

/// Why a segment was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error("There is no such segment any more.")]
    NotFound,
    #[error("Somebody else changed this segment meanwhile.")]
    Changed,
    #[error("Write a name of at most {LONGEST_NAME} characters, in one line.")]
    Name,
    #[error("There is a segment of that name already.")]
    NameTaken,
    #[error("There are {MOST_SEGMENTS} segments already. Delete one first.")]
    TooMany,
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("“{0}” and “{1}” would take one another in: nobody could say who is in them.")]
    Circle(String, String),
    #[error("It is used by {0}. Take it out there first.")]
    InUse(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for SegmentError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

impl From<NotWrittenOut> for SegmentError {
    fn from(why: NotWrittenOut) -> Self {
        match why {
            NotWrittenOut::Tree(error) => Self::Tree(error),
            NotWrittenOut::Circle(one, other) => Self::Circle(one, other),
        }
    }
}

fn segment(row: SegmentRow) -> db::Result<Segment> {
    let SegmentRow { id, public_id, name, version, tree, changed_at, changed_by } = row;
    let tree = SegmentTree::read(&tree).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Segment { id, public_id, name, version, tree, changed_at, changed_by })
}

/// Every segment, by name.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> db::Result<Vec<Segment>> {
    store::all(db).await?.into_iter().map(segment).collect()
}

/// The segment that pages call so; none if it was deleted.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, public_id: &str) -> db::Result<Option<Segment>> {
    store::find(db, public_id).await?.map(segment).transpose()
}

/// Its newest versions, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn versions(db: &Db, segment: i64, most: i64) -> db::Result<Vec<SegmentVersion>> {
    let read = |row: VersionRow| {
        let VersionRow { version, tree, saved_at, saved_by } = row;
        let tree = SegmentTree::read(&tree).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(SegmentVersion { version, tree, saved_at, saved_by })
    };
    store::versions(db, segment, most).await?.into_iter().map(read).collect()
}

/// A tree as it may be kept under a name: whole, and what it names is there. For a page that shows what was typed before it is saved,
/// with `id` where it is of a segment that is kept.
///
/// # Errors
/// [`SegmentError`].
pub async fn check(db: &Db, id: Option<i64>, tree: SegmentTree) -> Result<SegmentTree, SegmentError> {
    let tree = tree.checked()?;
    names::names(db, &[&tree]).await?.check(&tree)?;
    fits(Newest::of(store::newest(db).await?), (id.unwrap_or_default(), ""), &tree)?;
    Ok(tree)
}

/// Makes a segment; its public id.
///
/// # Errors
/// [`SegmentError`]; nothing was made then.
pub async fn create(
    site: &Site,
    staff: Option<i64>,
    name: &str,
    tree: SegmentTree,
) -> Result<String, SegmentError> {
    let name = written(name)?;
    let tree = tree.checked()?;
    let mut tx = site.db.begin().await?;
    let known = store::hold(&mut tx).await?;
    if known.len() >= MOST_SEGMENTS {
        return Err(SegmentError::TooMany);
    }
    // Nobody can name it yet, so it is in no circle.
    may_be_kept(&mut tx, Newest::of(known), (0, &name), &tree).await?;
    let public_id = token::public_id();
    let id = store::add(&mut tx, &public_id, (&name, &name.to_lowercase()), site.now())
        .await?
        .ok_or(SegmentError::NameTaken)?;
    store::add_version(&mut tx, (id, 1), &tree.write(), staff, site.now()).await?;
    audit_log::record(&mut tx, site, staff, "made a segment", &subject(&name), "").await?;
    tx.commit().await?;
    Ok(public_id)
}

/// Writes the next version of a segment that somebody saw. Editions that were approved keep theirs. Its number.
///
/// # Errors
/// [`SegmentError`]; nothing was saved then.
pub async fn save(
    site: &Site,
    staff: Option<i64>,
    seen: &Segment,
    tree: SegmentTree,
) -> Result<i64, SegmentError> {
    let tree = tree.checked()?;
    db::again(|| save_once(site, staff, seen, &tree)).await
}

async fn save_once(
    site: &Site,
    staff: Option<i64>,
    seen: &Segment,
    tree: &SegmentTree,
) -> Result<i64, SegmentError> {
    let mut tx = site.db.begin().await?;
    let known = store::hold(&mut tx).await?;
    let name = known.iter().find(|row| row.id == seen.id).map(|row| row.name.clone());
    let name = name.ok_or(SegmentError::NotFound)?;
    may_be_kept(&mut tx, Newest::of(known), (seen.id, &name), tree).await?;
    if !store::save(&mut tx, (seen.id, seen.version), site.now()).await? {
        return Err(SegmentError::Changed);
    }
    let version = seen.version + 1;
    store::add_version(&mut tx, (seen.id, version), &tree.write(), staff, site.now()).await?;
    let detail = format!("version {version}");
    audit_log::record(&mut tx, site, staff, "changed a segment", &subject(&name), &detail).await?;
    tx.commit().await?;
    Ok(version)
}

/// Gives a segment that somebody saw another name.
///
/// # Errors
/// [`SegmentError`]; nothing was changed then.
pub async fn rename(site: &Site, staff: Option<i64>, seen: &Segment, name: &str) -> Result<(), SegmentError> {
    let name = written(name)?;
    let mut tx = site.db.begin().await?;
    let known = store::hold(&mut tx).await?;
    let now = known.iter().find(|row| row.id == seen.id).ok_or(SegmentError::NotFound)?;
    if now.name != seen.name {
        return Err(SegmentError::Changed);
    }
    let names = (name.as_str(), name.to_lowercase());
    if !store::rename(&mut tx, (seen.id, &seen.name), (names.0, &names.1), site.now()).await? {
        return Err(SegmentError::NameTaken);
    }
    audit_log::record(&mut tx, site, staff, "renamed a segment", &subject(&seen.name), &name).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a segment that somebody saw. Editions that are over still say its name.
///
/// # Errors
/// [`SegmentError::InUse`] while an edition that is not over, a list's new editions, or another segment go by it; [`SegmentError`].
pub async fn delete(site: &Site, staff: Option<i64>, seen: &Segment) -> Result<(), SegmentError> {
    let mut tx = site.db.begin().await?;
    let known = store::hold(&mut tx).await?;
    let editions = store::used_by_in(&mut tx, seen.id, MOST_TOLD).await?;
    let lists = store::lists_beginning_in(&mut tx, seen.id, MOST_TOLD).await?;
    if let Some(words) = use_in_words(&editions, &lists, &Newest::of(known).taking_in(seen.id)) {
        return Err(SegmentError::InUse(words));
    }
    if !store::delete(&mut tx, (seen.id, seen.version), site.now()).await? {
        return Err(SegmentError::Changed);
    }
    audit_log::record(&mut tx, site, staff, "deleted a segment", &subject(&seen.name), "").await?;
    tx.commit().await?;
    Ok(())
}

/// What goes by a segment, in words: editions that are not over, new ones of lists, and other segments; none if nothing does.
///
/// # Errors
/// When the database fails.
pub async fn used_by(db: &Db, segment: i64) -> db::Result<Option<String>> {
    let editions = store::used_by(db, segment, MOST_TOLD).await?;
    let lists = store::lists_beginning(db, segment, MOST_TOLD).await?;
    Ok(use_in_words(&editions, &lists, &Newest::of(store::newest(db).await?).taking_in(segment)))
}

fn use_in_words(editions: &[(String, String)], lists: &[(String,)], segments: &[String]) -> Option<String> {
    let edition = |(_, subject): &(String, String)| match subject.as_str() {
        "" => "an edition without a subject".to_owned(),
        subject => format!("the edition “{subject}”"),
    };
    let told = usize::try_from(MOST_TOLD).unwrap_or(usize::MAX);
    let list = |(name,): &(String,)| format!("new editions of the list “{name}”");
    let segment = |name: &String| format!("the segment “{name}”");
    let words = editions.iter().map(edition).chain(lists.iter().map(list));
    let words: Vec<String> = words.chain(segments.iter().map(segment)).take(told).collect();
    if words.is_empty() { None } else { Some(words.join(", ")) }
}

async fn may_be_kept(
    tx: &mut Tx,
    newest: Newest,
    (id, name): (i64, &str),
    tree: &SegmentTree,
) -> Result<(), SegmentError> {
    names::names_in(tx, &[tree]).await?.check(tree)?;
    fits(newest, (id, name), tree)
}

/// Whether it can be written out, with whatever takes it in.
fn fits(newest: Newest, (id, name): (i64, &str), tree: &SegmentTree) -> Result<(), SegmentError> {
    let itself = SegmentTree::Is(super::tree::Condition::Segment { segment: id });
    let newest = newest.with(id, name, tree);
    newest.written_out(&itself)?;
    newest.all_fit()?;
    Ok(())
}

fn written(name: &str) -> Result<String, SegmentError> {
    let name = name.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(SegmentError::Name) }
}

fn subject(name: &str) -> String {
    format!("segment {name}")
}
