//! What the journal beside the database is told of readers (TRUST T10).

use super::{
    ConsentMethod, Result,
    lists::List,
    store::{self, knowing},
};
use crate::{
    clock::Moment,
    db::{self, Db, Tx},
    delivery::Suppressions,
    site::Site,
    withdrawals::{self, LeftBy, Withdrawal},
};

/// A reader leaves lists: before it is done.
pub(super) async fn leaves(site: &Site, reader: &str, lists: &[i64], how: ConsentMethod) -> Result<()> {
    if lists.is_empty() || site.journal.path().is_none() {
        return Ok(());
    }
    let known = store::by_public_id(&site.db, reader).await?;
    let hash = known.map(|reader| Suppressions::new(site).hash(&reader.email));
    let left = |list: List| Withdrawal::Left {
        reader: reader.to_owned(),
        list: list.public_id,
        how: how.as_str().to_owned(),
        known_by: hash.clone().map(|hash| LeftBy { hash, slug: list.slug }),
    };
    let all = store::lists(&site.db).await?.into_iter();
    let withdrawals: Vec<_> = all.filter(|list| lists.contains(&list.id)).map(left).collect();
    withdrawals::write(site, &withdrawals).await;
    Ok(())
}

/// A reader is on lists again that they had left: with the commit of that, and behind it. What was left since `before`, the moment
/// at which that began, stays left. Who took leaving back rests from a list as before; whoever joins one gets it.
pub(super) async fn commit_back(
    mut tx: Tx,
    site: &Site,
    reader: &str,
    lists: &[i64],
    before: Moment,
) -> db::Result<()> {
    if lists.is_empty() || site.journal.path().is_none() {
        return tx.commit().await;
    }
    let all = store::lists_in(&mut tx).await?;
    let known = match store::by_public_id_in(&mut tx, reader).await? {
        Some(reader) => store::subscriptions_in(&mut tx, reader.id).await?,
        None => Vec::new(),
    };
    let mut lines = Vec::new();
    for list in all.into_iter().filter(|list| lists.contains(&list.id)) {
        let rests = known.iter().find(|one| one.list_id == list.id).and_then(|one| one.rests_until(before));
        let (reader, list) = (reader.to_owned(), list.public_id);
        lines.push(Withdrawal::Back { reader: reader.clone(), list: list.clone() });
        lines.extend(rests.map(|until| Withdrawal::Rests { reader, list, until }));
    }
    withdrawals::commit(tx, site, lines, before).await
}

/// Whether somebody came back to a list after a moment: they left it, before or since, and are on it again. The proof knows what no row
/// does: who takes back that they left has the dates of before.
pub(super) async fn came_back(db: &Db, subscriber: i64, list: i64, since: Moment) -> db::Result<bool> {
    knowing::came_back(db, subscriber, list, since).await
}
