//! Lists: what a reader can join.
//!
//! The rules: a list's short name and its public id stay for ever, for mails carry them; nobody joins a closed list by themselves;
//! nothing goes to a retired one, and its readers stay, so that it can be brought back.

pub use super::rows::{List, OptIn, Visibility, Written};
use super::store::lists as store;
use crate::{
    db::{Db, Result, Tx},
    site::Site,
    token,
};

/// The longest short name: it is the first label of a name like a domain's.
const SLUG_MOST: usize = 40;

/// Every list in its order, retired ones too.
pub async fn all(db: &Db) -> Result<Vec<List>> {
    store::all(db).await
}

/// As [`all`], within a transaction.
pub async fn all_in(tx: &mut Tx) -> Result<Vec<List>> {
    store::all_in(tx).await
}

/// The lists that stand on the forms, in their order.
pub async fn open(db: &Db) -> Result<Vec<List>> {
    Ok(all(db).await?.into_iter().filter(List::takes_sign_ups).collect())
}

/// The lists that mail goes to, in their order: those that staff add readers to.
pub async fn mailed(db: &Db) -> Result<Vec<List>> {
    Ok(all(db).await?.into_iter().filter(List::is_mailed).collect())
}

/// The list that links call so.
pub async fn by_public_id(db: &Db, public_id: &str) -> Result<Option<List>> {
    store::by_public_id(db, public_id).await
}

/// How many asked for a list and have not confirmed: they may still, though it is closed meanwhile.
pub async fn pending(db: &Db, list: i64) -> Result<i64> {
    store::pending(db, list).await
}

/// A short name as it may stand in headers for ever: small letters, figures and hyphens, a letter first.
///
/// # Errors
/// What is wrong with it, for whoever typed it.
pub fn slug(typed: &str) -> std::result::Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if typed.is_empty() || typed.len() > SLUG_MOST {
        return Err("Choose a short name of at most 40 letters.");
    }
    let starts = typed.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !typed.chars().all(fits) || typed.ends_with('-') || typed.contains("--") {
        return Err("Use small letters, figures and single hyphens, such as: friday-letter.");
    }
    Ok(typed.to_owned())
}

/// Adds a public list behind all others; `false` if the short name is taken.
pub async fn add(tx: &mut Tx, site: &Site, slug: &str, name: &str, description: &str) -> Result<bool> {
    add_seen_by(tx, site, (slug, name, description), Visibility::Public).await
}

/// The same, for whoever may see it.
pub async fn add_seen_by(
    tx: &mut Tx,
    site: &Site,
    list: (&str, &str, &str),
    seen_by: Visibility,
) -> Result<bool> {
    store::add(tx, &token::public_id(), list, seen_by, site.now()).await
}

/// Changes a list whose `version` somebody saw; `false` if somebody else saved it since.
pub async fn change(tx: &mut Tx, site: &Site, (id, version): (i64, i64), written: &Written) -> Result<bool> {
    store::change(tx, id, version, written, site.now()).await
}

/// Gives a list another name.
pub async fn rename(tx: &mut Tx, id: i64, name: &str) -> Result<()> {
    store::rename(tx, id, name).await
}

/// Moves a list one place up (-1) or down (1) among the others; at the ends nothing moves.
pub async fn shift(tx: &mut Tx, id: i64, by: isize) -> Result<()> {
    store::shift(tx, id, by).await
}

/// Nothing goes to the list of that `version` from now on; `false` if it was retired or saved since. What waits or is on its way is
/// for the caller.
pub async fn retire(tx: &mut Tx, site: &Site, seen: (i64, i64)) -> Result<bool> {
    store::retire(tx, seen, site.now()).await
}

/// Whether a list may have been made by mistake, so that [`delete`] would delete it.
pub async fn is_unused(db: &Db, id: i64) -> Result<bool> {
    store::is_unused(db, id).await
}

/// Nobody joins a list, nothing is begun for one, and none is deleted, until the commit.
pub async fn hold(tx: &mut Tx) -> Result<()> {
    store::hold(tx).await
}

/// Deletes the list of that `version` that is held, if nobody was ever on it and nothing hangs on it; `false` otherwise.
pub async fn delete(tx: &mut Tx, seen: (i64, i64)) -> Result<bool> {
    store::delete(tx, seen).await
}

/// The list of that `version` is there again, with the readers that it had; `false` if it was not retired, or saved since.
pub async fn bring_back(tx: &mut Tx, seen: (i64, i64)) -> Result<bool> {
    store::bring_back(tx, seen).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_what_a_header_takes() {
        for good in ["digest", "friday-letter", "w2", "a"] {
            assert_eq!(slug(good).as_deref(), Ok(good));
        }
        for bad in ["", "Digest", "2x", "-a", "a-", "a--b", "a b", "ä", "a.b", &"a".repeat(41)] {
            assert!(slug(bad).is_err(), "{bad}");
        }
    }
}
