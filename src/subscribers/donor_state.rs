//! What is known of a reader's gifts, in one row: donations write it, blocks and segments read it.

use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::EmailAddress,
    site::Site,
};

/// Where a reader stands as a supporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DonorState {
    /// Never gave.
    Never,
    /// Gave, not regularly.
    Once,
    /// Gave regularly once, and no longer.
    Lapsed,
    /// Gives every month.
    Monthly,
    /// Gives every month, but the last payment failed.
    Failing,
}

impl DonorState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Once => "once",
            Self::Lapsed => "lapsed",
            Self::Monthly => "monthly",
            Self::Failing => "failing",
        }
    }
}

/// Writes the state down for the reader with that address; supporters who are no readers have none.
pub async fn set_donor_state(
    tx: &mut Tx,
    site: &Site,
    email: &EmailAddress,
    state: DonorState,
    last_gift_at: Option<Moment>,
) -> Result<bool> {
    Ok(store::set_donor_state(tx, &email.key(), state.as_str(), last_gift_at, site.now()).await? == 1)
}

/// The word for where a reader stands; `never` for those without a row.
pub async fn donor_state(db: &Db, subscriber_id: i64) -> Result<String> {
    Ok(store::donor_state(db, subscriber_id).await?.unwrap_or_else(|| "never".to_owned()))
}
