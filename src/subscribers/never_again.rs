//! Never again: addresses that staff blocked, of readers and of anybody else.

use super::{Result, store};
use crate::{
    audit_log,
    db::{self, Tx},
    delivery::Suppressions,
    email_address::EmailAddress,
    site::Site,
    withdrawals::{self, Withdrawal},
};

/// Staff say that an address is never mailed: no edition, and no mail that asks to confirm, whoever types it into the form.
/// `false` if they had said so before; then the reason from before stays. The log keeps who said so and why.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn block(site: &Site, email: &EmailAddress, why: &str, staff_id: Option<i64>) -> Result<bool> {
    let hash = Suppressions::new(site).hash(email);
    withdrawals::write(site, &[Withdrawal::Blocked { hash }]).await;
    let mut tx = site.db.begin().await?;
    let blocked = Suppressions::new(site).block(&mut tx, email, why).await?;
    if blocked {
        let subject = log_name(&mut tx, email).await?;
        audit_log::record(&mut tx, site, staff_id, "blocked an address", &subject, why).await?;
    }
    tx.commit().await?;
    Ok(blocked)
}

/// What the log calls whoever has an address: a reader by public id, so that it has all that was done to them; anybody else masked.
pub(super) async fn log_name(tx: &mut Tx, email: &EmailAddress) -> db::Result<String> {
    Ok(store::by_key_in(tx, &email.key()).await?.map_or_else(|| email.masked(), |reader| reader.public_id))
}

/// Staff let a blocked address be mailed again, if somebody asks for it. `false` if it is not blocked any more.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn unblock(site: &Site, id: i64, why: &str, staff_id: Option<i64>) -> Result<bool> {
    let (suppressions, before) = (Suppressions::new(site), site.now());
    let mut tx = site.db.begin().await?;
    let Some(found) = suppressions.block_in(&mut tx, id).await? else { return Ok(false) };
    let lifted = suppressions.lift_one(&mut tx, id).await?;
    if lifted {
        let reader = match found.subscriber_id {
            Some(id) => store::by_id_in(&mut tx, id).await?,
            None => None,
        };
        let subject = reader.map_or(found.masked, |reader| reader.public_id);
        audit_log::record(&mut tx, site, staff_id, "unblocked an address", &subject, why).await?;
    }
    let back = lifted.then_some(Withdrawal::Lifted { hash: found.address_hash });
    withdrawals::commit(tx, site, back.into_iter().collect(), before).await?;
    Ok(lifted)
}
