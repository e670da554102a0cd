//! Editions that go to a segment of their list alone, or not to one of it.
//!
//! The rule: a draft goes by the newest version of its segments. Whoever presses Send approves the version that they saw, and what it asked then is
//! written down with the edition, with that of the segments in it: nobody who saves a segment later changes who gets it.

use super::{
    compile::SegmentMoment,
    count::Sifter,
    names::{self, SegmentNames},
    store::{self, NarrowingRow},
    tree::{SegmentTree, TreeError},
    within::{Newest, NotWrittenOut},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    settings::Settings,
    words,
};

words! {
    /// What a segment does with an edition.
    pub enum NarrowingRole {
        /// It goes to nobody else.
        Only = "only",
        /// It goes to none of them.
        Except = "except",
    }
}

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
    /// A segment of it was saved since.
    #[error("a segment was changed since you looked at it")]
    NotAsSeen,
    /// What it asks cannot be asked any more: the segment's name, and why.
    #[error("The segment “{0}”: {1}")]
    Tree(String, TreeError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Narrowing {
    fn of(rows: Vec<NarrowingRow>) -> Result<Self> {
        let mut narrowing = Self::default();
        for row in rows {
            let NarrowingRow { role, segment_id, public_id, name, version, approved, newest } = row;
            let is_approved = approved.is_some();
            let tree = SegmentTree::read(approved.as_ref().unwrap_or(&newest))
                .map_err(|error| sqlx::Error::Decode(error.into()))?;
            let by = NarrowedBy { role, segment: segment_id, public_id, name, version, is_approved, tree };
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

    /// Which versions they are, for whoever looks at it and presses Send.
    #[must_use]
    pub fn versions(&self) -> Vec<(i64, i64)> {
        self.each().map(|by| (by.segment, by.version)).collect()
    }

    fn sifter(self, newest: &Newest, at: SegmentMoment) -> Sifter {
        // What was approved names no other segment any more.
        let written = |by: NarrowedBy| newest.as_far_as_there(&by.tree);
        // Whoever cannot say who is left out leaves out everybody.
        let except =
            |by: NarrowedBy| newest.written_out(&by.tree).unwrap_or_else(|_| SegmentTree::All(Vec::new()));
        let only = self.only.map(|by| (true, written(by)));
        let except = self.except.map(|by| (false, except(by)));
        Sifter::new(only.into_iter().chain(except).collect(), at)
    }
}

/// How an edition is narrowed down.
///
/// # Errors
/// When the database fails.
pub async fn of_edition(db: &Db, edition: i64) -> Result<Narrowing> {
    Narrowing::of(store::narrowing(db, edition).await?)
}

/// As [`of_edition`], as a transaction sees it.
pub async fn of_edition_in(tx: &mut Tx, edition: i64) -> Result<Narrowing> {
    Narrowing::of(store::narrowing_in(tx, edition).await?)
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
    Ok(Some(narrowing.sifter(&Newest::of(store::newest(db).await?), at)))
}

/// As [`sifter`], as a transaction sees it.
pub async fn sifter_in(tx: &mut Tx, edition: i64, now: Moment) -> Result<Option<Sifter>> {
    let narrowing = of_edition_in(tx, edition).await?;
    if narrowing.is_none() {
        return Ok(None);
    }
    let at = SegmentMoment { now, zone: Settings::load_in(tx).await?.time_zone };
    Ok(Some(narrowing.sifter(&Newest::of(store::newest_in(tx).await?), at)))
}

/// A draft goes to one segment alone, and not to another, from now on. For whoever holds the draft.
///
/// # Errors
/// When the database fails, also where a segment is not there.
pub async fn narrow(tx: &mut Tx, edition: i64, only: Option<i64>, except: Option<i64>) -> Result<()> {
    let only = only.map(|segment| (NarrowingRole::Only, segment));
    let except = except.map(|segment| (NarrowingRole::Except, segment));
    let by: Vec<(NarrowingRole, i64)> = only.into_iter().chain(except).collect();
    store::narrow(tx, edition, &by).await
}

/// In the transaction that approves an edition: what its segments ask is written down with it. `seen` is what
/// [`Narrowing::versions`] said when somebody looked.
///
/// # Errors
/// [`NotApproved`]; nothing was written then.
pub async fn approve(tx: &mut Tx, edition: i64, seen: &[(i64, i64)]) -> std::result::Result<(), NotApproved> {
    if of_edition_in(tx, edition).await?.is_none() && seen.is_empty() {
        return Ok(());
    }
    // Held until the commit: nobody saves one between the look and what is written down.
    let newest = Newest::of(store::hold(tx).await?);
    let narrowing = of_edition_in(tx, edition).await?;
    if narrowing.versions() != seen {
        return Err(NotApproved::NotAsSeen);
    }
    for by in narrowing.each() {
        let told = |error| NotApproved::Tree(by.name.clone(), error);
        let tree = newest.written_out(&by.tree).map_err(|why| match why {
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
pub async fn what_is_gone(tx: &mut Tx, edition: i64) -> Result<Option<String>> {
    let narrowing = of_edition_in(tx, edition).await?;
    let trees: Vec<&SegmentTree> = narrowing.each().map(|by| &by.tree).collect();
    if trees.is_empty() {
        return Ok(None);
    }
    let names: SegmentNames = names::names_in(tx, &trees).await?;
    let told = narrowing
        .each()
        .find_map(|by| Some(format!("The segment “{}”: {}", by.name, names.check(&by.tree).err()?)));
    Ok(told)
}
