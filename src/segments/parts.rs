//! Parts of a body that are not for everybody: what each asks, frozen with the body, and who of some readers sees which.

use std::collections::HashMap;

use super::{compile::SegmentMoment, count::Sifter, store, tree::SegmentTree};
use crate::{
    clock::Moment,
    db::{Result, Tx},
    settings::Settings,
    site::Site,
};

/// A part, and what is true of whoever sees it, with every segment in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPart {
    /// Its number in the body: that of its bit.
    pub number: i64,
    pub tree: SegmentTree,
}

/// In the transaction that freezes a body: its parts, of a body that was frozen before those that were.
///
/// # Errors
/// When the database fails.
pub async fn keep_parts(tx: &mut Tx, variant: i64, parts: &[KeptPart]) -> Result<()> {
    store::keep_parts(tx, variant, parts.iter().map(|part| (part.number, part.tree.write()))).await
}

/// Of some readers, which parts of a body they see, as bits; whoever sees none is not among them.
///
/// # Errors
/// When the database fails, or holds a tree that cannot be read: whoever must not see a part is not shown it.
pub async fn parts_seen(
    tx: &mut Tx,
    variant: i64,
    readers: &[i64],
    now: Moment,
) -> Result<HashMap<i64, i64>> {
    let kept = store::parts(tx, variant).await?;
    let mut seen = HashMap::new();
    if kept.is_empty() || readers.is_empty() {
        return Ok(seen);
    }
    let at = SegmentMoment { now, zone: Settings::load_in(tx).await?.time_zone };
    for (number, tree) in kept {
        let tree = SegmentTree::read(&tree).map_err(|error| sqlx::Error::Decode(error.into()))?;
        for reader in Sifter::new(vec![(true, tree)], at.clone()).among_in(tx, readers).await? {
            *seen.entry(reader).or_default() |= 1 << number;
        }
    }
    Ok(seen)
}

/// The same of one reader, of parts that are not frozen yet.
///
/// # Errors
/// When the database fails.
pub async fn parts_of_reader(site: &Site, parts: &[KeptPart], reader: i64) -> Result<u32> {
    let at = SegmentMoment { now: site.now(), zone: Settings::load(&site.db).await?.time_zone };
    let mut seen = 0;
    for KeptPart { number, tree } in parts {
        let sifter = Sifter::new(vec![(true, tree.clone())], at.clone());
        if !sifter.among(&site.db, &[reader]).await?.is_empty() {
            seen |= 1 << number;
        }
    }
    Ok(seen)
}
