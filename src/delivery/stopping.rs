//! An address is not mailed any more, and what waits for it goes to nobody.

use super::{
    ledger,
    store::{notices, suppressions as store},
    suppression::{StopReason, Suppressions},
};
use crate::{
    db::{Result, Tx},
    email_address::EmailAddress,
};

impl Suppressions<'_> {
    /// Stops mail to an address, and withdraws whatever waits to be sent to it; the first reason stays. `detail` is what staff
    /// read. Whether it was not stopped before. It is the first thing that a transaction changes.
    pub async fn add(
        self,
        tx: &mut Tx,
        address: &EmailAddress,
        reason: StopReason,
        detail: &str,
    ) -> Result<bool> {
        self.close(tx).await?;
        let (key, now) = (address.key(), self.0.now());
        let added = store::add(tx, &self.hash(address), reason, detail, now).await?;
        // Automatic emails stop only for what the mailbox itself said (TRUST M29).
        if matches!(reason, StopReason::Bounced | StopReason::Complained) {
            notices::withdraw(tx, address, now).await?;
        }
        if let Some(reader) = store::reader(tx, &key).await? {
            store::link(tx, &self.hash(address), reader).await?;
            ledger::withdraw_because(tx, self.0, reader, None, reason.into()).await?;
        }
        Ok(added)
    }
}
