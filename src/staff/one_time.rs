//! Links that work once: for each purpose and person one at a time, the newest.
//!
//! The link names a public id and a nonce, and works while the database holds the same nonce. Using it, a newer one, and
//! whatever changes the account make it void; so does a back-up that is restored, where another nonce stands, or none.

use super::store;
use crate::{
    db::{Db, Result, Tx},
    site::Site,
    token::{self, Purpose},
};

/// What a link is for, as the database calls it.
const fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Invite => "invite",
        Purpose::SetUp => "set-up",
        _ => "sign-in",
    }
}

/// A link that was opened: genuine, whole and not too old. Whether it still works the database knows.
pub(super) struct Link {
    purpose: Purpose,
    pub(super) subject: String,
    nonce: String,
}

impl Link {
    /// None for what we never made, for another purpose, and for what is too old.
    pub(super) fn open(site: &Site, purpose: Purpose, token: &str) -> Option<Self> {
        let scope = site.keys.verify(purpose, token, site.now()).ok()?;
        let (subject, nonce) = scope.split_once('.')?;
        Some(Self { purpose, subject: subject.to_owned(), nonce: nonce.to_owned() })
    }

    /// Whether it would work now. Changes nothing.
    pub(super) async fn works(&self, db: &Db) -> Result<bool> {
        store::link_works(db, (word(self.purpose), &self.subject, &self.nonce)).await
    }

    /// Uses it up; of two at once, one gets `true`.
    pub(super) async fn use_up(&self, tx: &mut Tx) -> Result<bool> {
        store::use_link(tx, (word(self.purpose), &self.subject, &self.nonce)).await
    }
}

/// A token for `subject`, which replaces the one made for the same purpose before.
pub(super) async fn make(
    tx: &mut Tx,
    site: &Site,
    purpose: Purpose,
    subject: &str,
    lasts: std::time::Duration,
) -> Result<String> {
    let (nonce, now) = (token::public_id(), site.now());
    store::replace_link(tx, (word(purpose), subject, &nonce), now).await?;
    Ok(site.keys.sign(purpose, &format!("{subject}.{nonce}"), Some(now.plus(lasts))))
}

/// Makes every link void that somebody was given.
pub(super) async fn void(tx: &mut Tx, subject: &str) -> Result<u64> {
    store::void_links(tx, subject).await
}
