//! Who may be brought back to a list that they are off since what the team did was taken back, and for no other reason.

use std::collections::HashSet;

use super::store::{importing::TakenBack, in_bulk::Asks};
use crate::{db, delivery::Suppressions, site::Site};

/// Those of them whom a file or the team may put on the list again. Whoever complained, was blocked or asked to be forgotten, also by an
/// address that they had before, stays off.
///
/// # Errors
/// When the database fails.
pub(super) async fn may_come_back(
    of: &mut Asks<'_>,
    site: &Site,
    mut found: Vec<TakenBack>,
) -> db::Result<Vec<TakenBack>> {
    if found.is_empty() {
        return Ok(found);
    }
    let mut readers: Vec<i64> = found.iter().map(|(reader, ..)| *reader).collect();
    readers.sort_unstable();
    readers.dedup();
    let suppressions = Suppressions::new(site);
    let kept_as: Vec<(i64, String)> = of
        .addresses(&readers)
        .await?
        .into_iter()
        .map(|(reader, address)| (reader, suppressions.hash(&address)))
        .collect();
    let stay_off: HashSet<i64> = of.stay_off(&kept_as).await?.into_iter().collect();
    found.retain(|(reader, ..)| !stay_off.contains(reader));
    Ok(found)
}
