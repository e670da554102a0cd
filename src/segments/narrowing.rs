//! Editions that go to a segment of their list alone, or not to one of it.
//!
//! The rule: a draft goes by the newest version of its segments. Whoever presses Send approves the version that they saw, and what it asked then is
//! written down with the edition, with that of the segments in it: nobody who saves a segment later changes who gets it.

use super::{
    compile::SegmentMoment,
    count::Sifter,
    names,
    states::NarrowingRole,
    store::{self, NarrowingRow},
    tree::{SegmentTree, TreeError},
    within::{Newest, NotWrittenOut, TakenIn},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    settings::Settings,
};

/// A segment that an edition goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NarrowedBy {
    pub role: NarrowingRole,
    pub segment: i64,
    pub public_id: String,
    pub name: String,
    /// The version that was approved, else the newest.
    pub version: i64,
    pub is_approved: bool,
    /// What it asks: what was approved, written out, else as the newest version has it.
    pub tree: SegmentTree,
    /// The segments that it takes in, and those that they take in; of what was approved none, for it has them in their places.
    pub taken_in: Vec<TakenIn>,
    /// The tree with all of them in their places.
    in_full: std::result::Result<SegmentTree, NotWrittenOut>,
}

/// How an edition is narrowed down; to nothing, where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    pub only: Option<NarrowedBy>,
    pub except: Option<NarrowedBy>,
}

/// Why an edition cannot be approved with its segments.
#[derive(Debug, thiserror::Error)]
pub enum NotApproved {
    /// A segment of it was saved since, or one that it takes in.
    #[error("a segment was changed since you looked at it")]
    NotAsSeen,
    /// What it asks cannot be asked any more: the segment's name, and why.
    #[error("The segment “{0}”: {1}")]
    Tree(String, TreeError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Narrowing {
    fn of(rows: Vec<NarrowingRow>, newest: &Newest) -> Result<Self> {
        let mut narrowing = Self::default();
        for row in rows {
            let NarrowingRow { role, segment_id, public_id, name, version, approved, newest: kept } = row;
            let is_approved = approved.is_some();
            let tree = SegmentTree::read(approved.as_ref().unwrap_or(&kept))
                .map_err(|error| sqlx::Error::Decode(error.into()))?;
            let (taken_in, in_full) = (newest.taken_in(&tree), newest.written_out(&tree));
            let segment = segment_id;
            let by =
                NarrowedBy { role, segment, public_id, name, version, is_approved, tree, taken_in, in_full };
            match role {
                NarrowingRole::Only => narrowing.only = Some(by),
                NarrowingRole::Except => narrowing.except = Some(by),
            }
        }
        Ok(narrowing)
    }

    /// Each that there is.
    pub fn each(&self) -> impl Iterator<Item = &NarrowedBy> {
        self.only.iter().chain(&self.except)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.only.is_none() && self.except.is_none()
    }

    /// Which versions they are, and what they ask with every segment that they take in: what whoever looks at it and presses Send approves.
    /// Nothing where there is none.
    #[must_use]
    pub fn in_full(&self) -> String {
        let asked = |by: &NarrowedBy| {
            let tree = by.in_full.as_ref().map(SegmentTree::write).unwrap_or_default();
            format!("{} {} {} {tree}\n", by.role, by.segment, by.version)
        };
        self.each().map(asked).collect()
    }

    /// For the log: ", only to “In Berlin” (version 2)", and what that takes in: ", only to “Near” (version 1, with “In Berlin” in version 2)";
    /// nothing where there is none.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words = |by: &NarrowedBy| {
            let to = if by.role == NarrowingRole::Only { "only to" } else { "not to" };
            let with = |of: &TakenIn| format!(", with “{}” in version {}", of.name, of.version);
            let with: String = by.taken_in.iter().map(with).collect();
            format!(", {to} “{}” (version {}{with})", by.name, by.version)
        };
        self.each().map(words).collect()
    }

    fn sifter(self, at: SegmentMoment) -> Sifter {
        // What is not there takes nobody in, and whoever cannot say who is left out leaves out everybody.
        let nobody = |_| SegmentTree::Any(Vec::new());
        let everybody = |_| SegmentTree::All(Vec::new());
        let only = self.only.map(|by| (true, by.in_full.unwrap_or_else(nobody)));
        let except = self.except.map(|by| (false, by.in_full.unwrap_or_else(everybody)));
        Sifter::new(only.into_iter().chain(except).collect(), at)
    }
}

/// How an edition is narrowed down.
///
/// # Errors
/// When the database fails.
pub async fn of_edition(db: &Db, edition: i64) -> Result<Narrowing> {
    let rows = store::narrowing(db, edition).await?;
    if rows.is_empty() {
        return Ok(Narrowing::default());
    }
    Narrowing::of(rows, &Newest::of(store::newest(db).await?))
}

/// A tree with every segment that it names in its place, as they are now: nobody who saves one later changes whom it means.
///
/// # Errors
/// When the database fails.
pub async fn in_full(db: &Db, tree: &SegmentTree) -> Result<SegmentTree> {
    Ok(Newest::of(store::newest(db).await?).as_far_as_there(tree))
}

/// As [`of_edition`], as a transaction sees it.
pub async fn of_edition_in(tx: &mut Tx, edition: i64) -> Result<Narrowing> {
    let rows = store::narrowing_in(tx, edition).await?;
    if rows.is_empty() {
        return Ok(Narrowing::default());
    }
    Narrowing::of(rows, &Newest::of(store::newest_in(tx).await?))
}

/// The segments by which an edition goes, by key: to which it goes alone, and to which it does not.
///
/// # Errors
/// When the database fails.
pub async fn segments_of(db: &Db, edition: i64) -> Result<(Option<i64>, Option<i64>)> {
    let known = store::narrowed_by(db, edition).await?;
    let of = |role| known.iter().find(|(known, _)| *known == role).map(|(_, segment)| *segment);
    Ok((of(NarrowingRole::Only), of(NarrowingRole::Except)))
}

/// What tells of readers whether an edition's segments let it go to them; none where it has none.
///
/// # Errors
/// When the database fails.
pub async fn sifter(db: &Db, edition: i64, now: Moment) -> Result<Option<Sifter>> {
    let narrowing = of_edition(db, edition).await?;
    if narrowing.is_none() {
        return Ok(None);
    }
    let at = SegmentMoment { now, zone: Settings::load(db).await?.time_zone };
    Ok(Some(narrowing.sifter(at)))
}

/// As [`sifter`], as a transaction sees it.
pub async fn sifter_in(tx: &mut Tx, edition: i64, now: Moment) -> Result<Option<Sifter>> {
    let narrowing = of_edition_in(tx, edition).await?;
    if narrowing.is_none() {
        return Ok(None);
    }
    let at = SegmentMoment { now, zone: Settings::load_in(tx).await?.time_zone };
    Ok(Some(narrowing.sifter(at)))
}

/// A draft goes to one segment alone, and not to another, from now on; `false` where one is not there, or not any more. For whoever holds
/// the draft.
///
/// # Errors
/// When the database fails.
pub async fn narrow(tx: &mut Tx, edition: i64, only: Option<i64>, except: Option<i64>) -> Result<bool> {
    store::narrow(tx, edition, &by((only, except))).await
}

/// To whom alone, and to whom not.
type OnlyAndExcept = (Option<i64>, Option<i64>);

fn by((only, except): OnlyAndExcept) -> Vec<(NarrowingRole, i64)> {
    let only = only.map(|segment| (NarrowingRole::Only, segment));
    let except = except.map(|segment| (NarrowingRole::Except, segment));
    only.into_iter().chain(except).collect()
}

/// The segments that new editions of a list begin with, by key: to which they go alone, and to which they do not.
///
/// # Errors
/// When the database fails.
pub async fn usual(db: &Db, list: i64) -> Result<OnlyAndExcept> {
    let known = store::usual(db, list).await?;
    let of = |role| known.iter().find(|(known, ..)| *known == role).map(|(_, segment, _)| *segment);
    Ok((of(NarrowingRole::Only), of(NarrowingRole::Except)))
}

/// New editions of a list begin with these from now on; those that were begun stay as they are. For the log: ", only to “In Berlin”"; none where
/// a segment is not there any more. For whoever holds the list.
///
/// # Errors
/// When the database fails.
pub async fn set_usual(tx: &mut Tx, list: i64, usual: OnlyAndExcept) -> Result<Option<String>> {
    let by = by(usual);
    if !by.is_empty() {
        // Nobody deletes one meanwhile.
        store::hold(tx).await?;
    }
    if !store::set_usual(tx, list, &by).await? {
        return Ok(None);
    }
    let words = |(role, _, name): (NarrowingRole, i64, String)| match role {
        NarrowingRole::Only => format!(", new editions only to “{name}”"),
        NarrowingRole::Except => format!(", new editions not to “{name}”"),
    };
    Ok(Some(store::usual_in(tx, list).await?.into_iter().map(words).collect()))
}

/// A draft that is begun goes to whom new editions of its list go; whoever writes it can choose otherwise.
///
/// # Errors
/// When the database fails.
pub async fn begin_as_usual(tx: &mut Tx, edition: i64) -> Result<()> {
    store::begin_as_usual(tx, edition).await.map(drop)
}

/// In the transaction that approves an edition: what its segments ask is written down with it. `seen` is what
/// [`Narrowing::in_full`] said when somebody looked.
///
/// # Errors
/// [`NotApproved`]; nothing was written then.
pub async fn approve(tx: &mut Tx, edition: i64, seen: &str) -> std::result::Result<(), NotApproved> {
    if of_edition_in(tx, edition).await?.is_none() && seen.is_empty() {
        return Ok(());
    }
    // Held until the commit: nobody saves one between the look and what is written down.
    let newest = Newest::of(store::hold(tx).await?);
    let narrowing = Narrowing::of(store::narrowing_in(tx, edition).await?, &newest)?;
    if narrowing.in_full() != seen {
        return Err(NotApproved::NotAsSeen);
    }
    for by in narrowing.each() {
        let told = |error| NotApproved::Tree(by.name.clone(), error);
        let tree = by.in_full.clone().map_err(|why| match why {
            NotWrittenOut::Tree(error) => told(error),
            // Nobody can save one: refused as what has too much in it.
            NotWrittenOut::Circle(..) => told(TreeError::TooManyInAll),
        })?;
        names::names_in(tx, &[&tree]).await?.check(&tree).map_err(told)?;
        store::approve(tx, (edition, by.role), by.version, &tree.write()).await?;
    }
    Ok(())
}

/// It is a draft again, and goes by the newest versions.
///
/// # Errors
/// When the database fails.
pub async fn disapprove(tx: &mut Tx, edition: i64) -> Result<()> {
    store::disapprove(tx, edition).await
}

/// Why a segment of an edition that waits cannot be asked any more; none if it can.
///
/// # Errors
/// When the database fails.
pub async fn what_is_gone(db: &Db, edition: i64) -> Result<Option<String>> {
    let narrowing = of_edition(db, edition).await?;
    for by in narrowing.each() {
        let why = match &by.in_full {
            Ok(tree) => names::names(db, &[tree]).await?.check(tree).err(),
            Err(NotWrittenOut::Tree(error)) => Some(error.clone()),
            Err(NotWrittenOut::Circle(..)) => Some(TreeError::TooManyInAll),
        };
        if let Some(why) = why {
            return Ok(Some(NotApproved::Tree(by.name.clone(), why).to_string()));
        }
    }
    Ok(None)
}
