//! Lists: what a reader can join.

pub use super::rows::List;
use super::store;
use crate::{
    db::{Db, Result, Tx},
    site::Site,
    token,
};

/// Every list, oldest first.
pub async fn all(db: &Db) -> Result<Vec<List>> {
    store::lists(db).await
}

/// As [`all`], within a transaction.
pub async fn all_in(tx: &mut Tx) -> Result<Vec<List>> {
    store::lists_in(tx).await
}

/// Adds a public list; `false` if the short name is taken.
pub async fn add(tx: &mut Tx, site: &Site, slug: &str, name: &str, description: &str) -> Result<bool> {
    store::add_list(tx, &token::public_id(), (slug, name, description, "public"), site.now()).await
}
