//! What is known of a reader's gifts, in one row: donations write it, blocks and segments read it.

pub use super::rows::DonorState;
use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::EmailAddress,
    site::Site,
};

/// Writes the state down for the reader with that address; supporters who are no readers have none.
pub async fn set_donor_state(
    tx: &mut Tx,
    site: &Site,
    email: &EmailAddress,
    state: DonorState,
    last_gift_at: Option<Moment>,
) -> Result<bool> {
    Ok(store::set_donor_state(tx, &email.key(), state, last_gift_at, site.now()).await? == 1)
}

/// Where a reader stands; those without a row never gave.
pub async fn donor_state(db: &Db, subscriber_id: i64) -> Result<DonorState> {
    Ok(store::donor_state(db, subscriber_id).await?.unwrap_or(DonorState::Never))
}
