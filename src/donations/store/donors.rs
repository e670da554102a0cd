//! The statements of those who gave.

use sqlx_macros::FromRow;

use super::{by_staff, supporter};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements, token,
};

statements! {
    KEEP_DONOR = "insert into donor (public_id, email, email_key, name, created_at) values ($1, $2, $3, $4, $5)
        on conflict (email_key) do update set name = case when donor.name = '' then excluded.name else donor.name end
        returning id";
    /// Whoever gave is forgotten, once nothing of theirs goes on: the books keep receipt, amount and day. These hold the row, as above.
    DONOR_OF = "select id from donor where email_key = $1";
    /// Of a JSON array of addresses.
    DONORS_AT = sqlite "select id from donor where email_key in (select value from json_each($1)) order by id",
        postgres "select id from donor where email_key in (select json_array_elements_text(cast($1 as json))) order by id";
    DONOR_NAME = "select public_id from donor where email_key = $1";
    DONOR_ADDRESS = "select email from donor where public_id = $1 and email <> ''";
    TAKE_RUNNING = "update recurring_donation set state = state where donor_id = $1 and state <> 'cancelled'";
    FORGET_RECURRING = "update recurring_donation set email = '', name = '', card_brand = '', card_last4 = '', card_expires = '',
        provider_method_id = null where donor_id = $1 and state = 'cancelled'";
    FORGET_GIFTS = "update donation set email = '', name = '', card_brand = '', card_last4 = ''
        where donor_id = $1 and (email <> '' or name <> '' or card_last4 <> '')";
    FORGET_DONOR = "update donor set email = '', name = '', named_since = null, email_key = 'forgotten ' || public_id where id = $1";
    DONOR_STANDING = "select email, created_at,
        (select count(*) from recurring_donation where donor_id = donor.id and state in ('active', 'paused')) as active,
        (select count(*) from recurring_donation where donor_id = donor.id and state in ('past_due', 'unpaid')) as failing,
        (select count(*) from recurring_donation where donor_id = donor.id and state = 'cancelled') as ended,
        (select max(paid_at) from donation where donor_id = donor.id and state = 'paid'
            and amount_minor > coalesce((select cast(sum(b.minor) as bigint) from gift_back b where b.donation_id = donation.id), 0)) as last_gift_at
        from donor where id = $1";
}

/// What a donor's gifts come to, for the state that segments read.
#[derive(Clone, Debug, FromRow)]
pub struct GivenSoFar {
    pub email: String,
    pub created_at: Moment,
    pub active: i64,
    pub failing: i64,
    pub ended: i64,
    pub last_gift_at: Option<Moment>,
}

pub async fn keep_donor(tx: &mut Tx, email: &str, email_key: &str, name: &str, at: Moment) -> Result<i64> {
    let public_id = token::public_id();
    let kept: (i64,) = tx.one(KEEP_DONOR, (public_id.as_str(), email, email_key, name, at)).await?;
    Ok(kept.0)
}

pub async fn donor_of(tx: &mut Tx, email_key: &str) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(DONOR_OF, (email_key,)).await?.map(|(id,)| id))
}

pub async fn donors_at(db: &Db, keys: &str) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(DONORS_AT, (keys,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn donor_name(db: &Db, email_key: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(DONOR_NAME, (email_key,)).await?.map(|(name,)| name))
}

pub async fn donor_address(db: &Db, public_id: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(DONOR_ADDRESS, (public_id,)).await?.map(|(email,)| email))
}

pub async fn donor_address_in(tx: &mut Tx, public_id: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(DONOR_ADDRESS, (public_id,)).await?.map(|(email,)| email))
}

/// Forgets a supporter; `false`, and their address stays, while a monthly donation of theirs is not over.
pub async fn forget_donor(tx: &mut Tx, donor_id: i64) -> Result<bool> {
    let runs = tx.exec(TAKE_RUNNING, (donor_id,)).await? > 0;
    tx.exec(FORGET_RECURRING, (donor_id,)).await?;
    tx.exec(FORGET_GIFTS, (donor_id,)).await?;
    by_staff::forget_notes(tx, donor_id).await?;
    supporter::let_be_named(tx, donor_id, None).await?;
    if !runs {
        tx.exec(FORGET_DONOR, (donor_id,)).await?;
        // What was paid by them until now: nobody finds them any more who pays from here on.
        tx.exec(FORGET_GIFTS, (donor_id,)).await?;
    }
    Ok(!runs)
}

pub async fn standing(tx: &mut Tx, donor_id: i64) -> Result<GivenSoFar> {
    tx.one(DONOR_STANDING, (donor_id,)).await
}
