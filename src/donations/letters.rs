//! What donations tell others.

use super::store::{self, Recurring};
use crate::{
    clock::Moment,
    db::{self, Tx},
    email_address::EmailAddress,
    money::Money,
    site::Site,
};

/// What a receipt says.
pub(super) struct Receipt<'a> {
    pub donation_id: i64,
    pub number: i64,
    pub amount: Money,
    pub name: &'a str,
    pub paid_at: Moment,
    pub recurring_id: Option<i64>,
}

pub(super) async fn send_receipt(
    _tx: &mut Tx,
    _site: &Site,
    _to: &EmailAddress,
    _receipt: &Receipt<'_>,
) -> db::Result<()> {
    Ok(())
}

pub(super) async fn send_monthly_ended(
    _tx: &mut Tx,
    _site: &Site,
    _recurring: &Recurring,
    _amount: &str,
) -> db::Result<()> {
    Ok(())
}

pub(super) async fn tell_donor_state(tx: &mut Tx, _site: &Site, donor_id: i64) -> db::Result<()> {
    let _ = store::standing(tx, donor_id).await?;
    Ok(())
}
