//! How many readers an edition is for. Where they are very many, counting them takes longer than a page may: then the pages that are
//! looked at again and again say what was counted within the last minute. Whoever presses Send is never answered by that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Edition, audience, mailed};
use crate::{clock::Moment, db, site::Site};

/// Fewer are counted for each page.
const MANY: i64 = 20_000;
/// So long a page says what was counted for another.
const LASTS: Duration = Duration::from_secs(60);
/// So many editions are kept in mind; beyond, they are forgotten.
const MOST_KEPT: usize = 64;

/// Who would get an edition if it went out now, and who of its list would not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readership {
    pub readers: i64,
    /// They chose other topics.
    pub chose_others: i64,
    /// They chose another rhythm; whoever chose other topics, too, is not among them.
    pub other_rhythm: i64,
    /// They rest from mail, whatever they chose.
    pub paused: i64,
    /// They are not in the segment that it goes to, or in the one that it does not go to.
    pub not_meant: i64,
    /// Only some of them were looked at, for they are many and segments decide: the sums are estimates.
    pub about: bool,
    /// Nobody was found among those who were looked at: they are few, if there are any.
    pub if_any: bool,
}

/// When, of which edition and list, and what.
type Counted = HashMap<(i64, i64), (Moment, Readership)>;

/// What was counted for pages; shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Readerships(Arc<Mutex<Counted>>);

impl Readerships {
    /// Counts, where nobody has within a minute.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(&self, site: &Site, edition: &Edition) -> db::Result<Readership> {
        let (key, now) = ((edition.id, edition.revision), site.now());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some((at, readership)) = known
            && at <= now
            && now < at.plus(LASTS)
        {
            return Ok(readership);
        }
        let audience = audience(edition);
        let (everybody, paused) =
            (audience.of_list(&site.db, now).await?, audience.paused(&site.db, now).await?);
        let chose_others = audience.left_out(&site.db, now).await?;
        let other_rhythm = audience.left_out_by_rhythm(&site.db, now).await?;
        let choosing = everybody - chose_others - other_rhythm;
        let meant = audience.meant(&site.db, now).await?;
        let (readers, not_meant) =
            meant.map_or((choosing, 0), |meant| (mailed(meant).min(choosing), (choosing - meant.n).max(0)));
        let about = meant.is_some_and(|meant| meant.about);
        let if_any = meant.is_some_and(|meant| meant.about && meant.n == 0) && readers > 0;
        let readership = Readership { readers, chose_others, other_rhythm, paused, not_meant, about, if_any };
        if everybody >= MANY {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(key, (now, readership));
        }
        Ok(readership)
    }
}
