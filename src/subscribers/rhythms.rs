//! How often a reader gets a list: what they chose of what it offers.
//!
//! The rules: a choice belongs to a reader and a list. Who chose nothing gets everything. What the list does not offer any more is kept
//! and counts for nothing: they get everything again, until it is offered again or they choose otherwise.
//!
//! Whoever writes down an audience holds the subscription (`audience`), so a choice is before or after that.

use std::collections::HashMap;

use super::{counting::HowMany, store::rhythms as store};
use crate::{
    db::{Db, Result, Tx},
    editions::Rhythm,
};

/// So many are counted for a page.
const COUNTED: i64 = 5_000;

/// A reader gets the list at this rhythm from now on, or everything. Whether that changed anything. It does nothing where they have no
/// subscription, or the list does not offer it by now.
pub async fn choose(tx: &mut Tx, subscriber: i64, list: i64, rhythm: Option<Rhythm>) -> Result<bool> {
    store::choose(tx, subscriber, list, rhythm).await
}

/// How many readers on a list chose each; also of those that it does not offer any more. What nobody chose is left out.
pub async fn readers(db: &Db, list: i64) -> Result<HashMap<Rhythm, HowMany>> {
    let found = store::readers(db, list, COUNTED + 1).await?.into_iter().filter(|(_, number)| *number > 0);
    let how_many = |number| if number > COUNTED { HowMany::MoreThan(COUNTED) } else { HowMany::Are(number) };
    Ok(found.map(|(rhythm, number)| (rhythm, how_many(number))).collect())
}
