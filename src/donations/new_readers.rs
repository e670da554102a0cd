//! Who gave before they were a reader is known as a supporter once they are one.

use std::time::Duration;

use super::{letters, store};
use crate::{clock::Moment, db, queue, site::Site, subscribers};

/// Up to which reader it was looked.
const LOOKED: &str = "readers asked for their gifts";
/// So many readers at once.
const CHUNK: i64 = 500;
/// A transaction that makes readers may be over later than one that made others: whoever is younger is looked at once more.
const SETTLED: Duration = Duration::from_secs(600);
/// And so long whoever moved is looked at again.
const MOVED: Duration = Duration::from_secs(86_400);

/// Looks for the gifts of readers of whom none are known, from where it left off.
///
/// # Errors
/// When the database fails; what was found stays.
pub async fn meet_new_readers(site: &Site) -> db::Result<()> {
    let began = queue::read_cursor(&site.db, LOOKED).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let settled = site.now().minus(SETTLED);
    let (mut after, mut up_to, mut is_settled) = (began, began, true);
    loop {
        let readers = subscribers::without_donor_state(&site.db, after, CHUNK).await?;
        let Some((last, ..)) = readers.last() else { break };
        after = *last;
        meet(site, &readers).await?;
        for (id, _, known_since) in &readers {
            is_settled = is_settled && *known_since < settled;
            up_to = if is_settled { *id } else { up_to };
        }
    }
    if up_to > began {
        let mut tx = site.db.begin().await?;
        queue::set_cursor(&mut tx, LOOKED, &up_to.to_string(), site.now()).await?;
        tx.commit().await?;
    }
    // Whoever has another address since may be known by it.
    meet(site, &subscribers::moved_without_donor_state(&site.db, site.now().minus(MOVED)).await?).await
}

async fn meet(site: &Site, readers: &[(i64, String, Moment)]) -> db::Result<()> {
    let keys: Vec<&str> = readers.iter().map(|(_, key, _)| key.as_str()).collect();
    for donor in store::donors::donors_at(&site.db, &db::array(&keys)?).await? {
        db::again(async || {
            let mut tx = site.db.begin().await?;
            letters::tell_donor_state(&mut tx, site, donor).await?;
            tx.commit().await
        })
        .await?;
    }
    Ok(())
}
