//! Who left a list, says the journal beside the database, and is not there: a restored backup does not know them (TRUST T10).
//!
//! The rule: what they said is kept with the hash of their address. Whoever makes a reader of that address asks [`of`] before, and says
//! it again by [`stay_off`]: so neither a file nor a form makes a reader of them as if they had never said anything.

use std::collections::HashMap;

use super::{
    By, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    rows::SubscriptionState,
    store::{
        self, forgotten as rows,
        importing::{self, NewSubscription},
    },
};
use crate::{
    audit_log,
    clock::Moment,
    db::{Result, Tx},
    delivery::Suppressions,
    site::Site,
};

/// What somebody left, by which way, and when.
pub(super) type LeftList = (i64, ConsentMethod, Moment);

/// Where it is said again, for the proof.
const SOURCE: &str = "the journal of withdrawals: they had left before a backup was restored";

/// They are not there: what they said is kept, unless they were forgotten since. `false` if it was kept before.
pub(super) async fn keep(site: &Site, hash: &str, (list, method, at): LeftList) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    // Who brings people in is inside.
    Suppressions::new(site).close(&mut tx).await?;
    let kept = rows::keep_left(&mut tx, hash, (list, method, at), site.now()).await?;
    tx.commit().await?;
    Ok(kept)
}

/// They are there, and were not on the list yet: they have left it. `false` if they stand otherwise with it by now.
pub(super) async fn leave_unseen(site: &Site, reader: i64, left: LeftList) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    // The reader first, as by everybody.
    store::hold(&mut tx, reader).await?;
    let added = stay_off(&mut tx, site, reader, &[left]).await?;
    tx.commit().await?;
    Ok(!added.is_empty())
}

/// A list that was made after the backup is there again under the names that it had, for the team alone until they say more of it.
pub(super) async fn list_again(site: &Site, public_id: &str, slug: &str) -> Result<Option<i64>> {
    let mut tx = site.db.begin().await?;
    let made = importing::add_private(&mut tx, public_id, slug, slug, site.now()).await?;
    if made.is_some() {
        audit_log::record(&mut tx, site, None, "made a list", slug, "as the journal of withdrawals names it")
            .await?;
        tx.commit().await?;
        return Ok(made);
    }
    // Somebody made it anew.
    let all = store::lists_in(&mut tx).await?;
    Ok(all.into_iter().find(|list| list.slug == slug).map(|list| list.id))
}

/// Of these hashes, what is kept of each.
pub(super) async fn of(tx: &mut Tx, hashes: &[&str]) -> Result<HashMap<String, Vec<LeftList>>> {
    let mut found: HashMap<String, Vec<LeftList>> = HashMap::new();
    for (hash, list, method, at) in rows::left_among(tx, hashes).await? {
        found.entry(hash).or_default().push((list, method, at));
    }
    Ok(found)
}

/// A reader has left these lists, but for those with which they stand otherwise; which ones.
pub(super) async fn stay_off(
    tx: &mut Tx,
    site: &Site,
    reader: i64,
    left: &[LeftList],
) -> Result<Vec<(i64, i64)>> {
    let row = |(list, _, at): &LeftList| NewSubscription {
        reader,
        list: *list,
        state: SubscriptionState::Left,
        asked_at: *at,
        confirmed_at: None,
        left_at: Some(*at),
        paused_until: None,
        implied_until: None,
        rhythm: None,
    };
    let rows: Vec<NewSubscription> = left.iter().map(row).collect();
    let added = importing::add_subscriptions(tx, &rows, site.now()).await?;
    for (list, method, at) in left.iter().filter(|(list, ..)| added.contains(&(reader, *list))) {
        let event = Happened {
            subscriber: reader,
            list: *list,
            action: ConsentAction::Left,
            method: *method,
            wording: None,
            by: By { at: Some(*at), ..By::source(SOURCE) },
            trace: Trace::default(),
        };
        consent::record(tx, site, event).await?;
    }
    Ok(added)
}
