//! Addresses that are not mailed, kept as keyed hashes so that they outlive the reader's erasure.

use std::collections::HashMap;

use super::store::suppressions as store;
pub use super::store::suppressions::InForce;
use crate::{
    db::{Result, Tx},
    email_address::EmailAddress,
    site::Site,
    token::Purpose,
};

/// Why an address is not mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Mail to it came back for good.
    Bounced,
    /// Its owner told their provider that our mail is spam.
    Complained,
    /// Its owner asked to be forgotten.
    Erased,
    /// Staff decided so.
    Staff,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Erased => "erased",
            Self::Staff => "staff",
        }
    }
}

/// The suppressions of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Suppressions<'a>(&'a Site);

impl<'a> Suppressions<'a> {
    /// Those of this instance.
    #[must_use]
    pub const fn new(site: &'a Site) -> Self {
        Self(site)
    }

    pub(super) fn hash(self, address: &EmailAddress) -> String {
        self.0.keys.name(Purpose::Suppression, &address.key())
    }

    /// Stops mail to an address; the first reason stays. `detail` is what staff read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(
        self,
        tx: &mut Tx,
        address: &EmailAddress,
        reason: Reason,
        detail: &str,
    ) -> Result<bool> {
        store::add(tx, &self.hash(address), reason.as_str(), detail, self.0.now()).await
    }

    /// Lets mail to an address go again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lift(self, tx: &mut Tx, address: &EmailAddress) -> Result<bool> {
        store::lift(tx, &self.hash(address), self.0.now()).await
    }

    /// The word for why an address is not mailed, if it is not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reason(self, address: &EmailAddress) -> Result<Option<String>> {
        store::reason(&self.0.db, &self.hash(address)).await
    }

    /// Why an address is not mailed and since when, if it is not: the word, what staff read, the moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(self, address: &EmailAddress) -> Result<Option<InForce>> {
        store::find(&self.0.db, &self.hash(address)).await
    }

    /// As [`Suppressions::reason`], for many addresses, in their order.
    pub(super) async fn among<'b>(
        self,
        tx: &mut Tx,
        addresses: impl Iterator<Item = &'b EmailAddress>,
    ) -> Result<Vec<Option<String>>> {
        let hashes: Vec<String> = addresses.map(|address| self.hash(address)).collect();
        let mut reasons: HashMap<String, String> = store::among(tx, &hashes).await?.into_iter().collect();
        Ok(hashes.iter().map(|hash| reasons.remove(hash)).collect())
    }

    /// The same, as the transaction sees it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reason_in(self, tx: &mut Tx, address: &EmailAddress) -> Result<Option<String>> {
        store::reason_in(tx, &self.hash(address)).await
    }
}
