//! Lists: what a reader can join.

use serde::Serialize;

use super::store;
use crate::{
    db::{Db, Result, Tx},
    site::Site,
    token,
};

/// Something a reader can join.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct List {
    /// Its id.
    pub id: i64,
    /// What links call it.
    #[serde(skip)]
    pub public_id: String,
    /// Its lasting short name: the first label of List-Id.
    pub slug: String,
    /// What readers call it.
    pub name: String,
    /// A sentence on what comes, and how often.
    pub description: String,
    /// `public` lists stand on the forms, `private` ones do not.
    pub visibility: String,
}

impl List {
    /// Whether readers may join it by themselves.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.visibility == "public"
    }
}

/// Every list, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<List>> {
    store::lists(db).await
}

/// As [`all`], within a transaction.
///
/// # Errors
/// When the database fails.
pub async fn all_in(tx: &mut Tx) -> Result<Vec<List>> {
    store::lists_in(tx).await
}

/// Adds a public list; `false` if the short name is taken.
///
/// # Errors
/// When the database fails.
pub async fn add(tx: &mut Tx, site: &Site, slug: &str, name: &str, description: &str) -> Result<bool> {
    store::add_list(tx, &token::public_id(), (slug, name, description, "public"), site.now()).await
}
