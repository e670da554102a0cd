//! What the journal beside the database is told of readers (TRUST T10).

use super::{ConsentMethod, Result, store};
use crate::{
    clock::Moment,
    site::Site,
    withdrawals::{self, Withdrawal},
};

/// A reader leaves lists: before it is done.
pub(super) async fn leaves(site: &Site, reader: &str, lists: &[i64], how: ConsentMethod) -> Result<()> {
    let left = |list| Withdrawal::Left { reader: reader.to_owned(), list, how: how.as_str().to_owned() };
    let withdrawals: Vec<_> = names(site, lists).await?.into_iter().map(left).collect();
    withdrawals::write(site, &withdrawals).await;
    Ok(())
}

/// A reader is on lists again that they had left: after it was done. What was left since `before`, the moment at which that
/// began, stays left.
pub(super) async fn is_back(site: &Site, reader: &str, lists: &[i64], before: Moment) -> Result<()> {
    let back = |list| Withdrawal::Back { reader: reader.to_owned(), list };
    let withdrawals: Vec<_> = names(site, lists).await?.into_iter().map(back).collect();
    withdrawals::write_at(site, &withdrawals, before).await;
    Ok(())
}

async fn names(site: &Site, lists: &[i64]) -> Result<Vec<String>> {
    if lists.is_empty() || site.journal.path().is_none() {
        return Ok(Vec::new());
    }
    let all = store::lists(&site.db).await?.into_iter();
    Ok(all.filter(|list| lists.contains(&list.id)).map(|list| list.public_id).collect())
}
