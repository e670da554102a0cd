//! The statements by which gifts are found. What stands behind [`GIFT`] is a piece of others (`search.rs` of the room).

use sqlx_macros::FromRow;

use super::super::lines::{ListedDonation, Total};
use crate::{
    clock::Moment,
    db::{Built, Db, Result, Tx},
    statements,
};

/// How each condition begins.
pub const GIFT: &str = "select d.id from donation d where ";
/// How each word of a supporter's does.
pub const WORDED: &str = "select donor_id from donor_word where ";

statements! {
    /// The newest day first; within a moment, the newest row.
    pub(crate) FOUND = "select d.id from donation d where coalesce(d.paid_at, d.created_at) <= $1
        and (coalesce(d.paid_at, d.created_at) < $1 or d.id < $2)";
    pub(crate) AT_MOST = "select d.id from donation d where true limit $1";
    /// Without what came back of it; of what never had anything come back nothing is looked for.
    pub(crate) PAID = "select d.kind, d.currency, case when d.version = 0 then d.amount_minor else d.amount_minor
        - (coalesce((select cast(sum(b.amount_minor) as bigint) from refund b where b.donation_id = d.id and b.state not in ('canceled', 'failed')), 0)
            + coalesce((select cast(sum(b.amount_minor) as bigint) from dispute b where b.donation_id = d.id
                and b.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented')), 0)) end as amount_minor
        from donation d where d.state = 'paid'";
    pub(crate) IS_PAID = "select d.id from donation d where d.state = 'paid'";
    pub(crate) IN_STATE = "select d.id from donation d where d.state = $1 and d.state <> 'paid'";
    /// Of what never had anything come back the version is 0: an index has the others alone.
    pub(crate) SENT_BACK = "select d.id from donation d where d.version > 0
        and exists (select 1 from refund r where r.donation_id = d.id and r.state not in ('canceled', 'failed'))";
    pub(crate) IN_DISPUTE = "select d.id from donation d where d.version > 0
        and exists (select 1 from dispute x where x.donation_id = d.id)";
    pub(crate) OF_KIND = "select d.id from donation d where d.kind = $1";
    pub(crate) BETWEEN = "select d.id from donation d where coalesce(d.paid_at, d.created_at) >= $1 and coalesce(d.paid_at, d.created_at) < $2";
    pub(crate) PAID_BETWEEN = "select d.id from donation d where d.paid_at >= $1 and d.paid_at < $2";
    pub(crate) OF_AMOUNT = "select d.id from donation d where d.amount_minor = $1";
    pub(crate) BY_CARD = "select d.id from donation d where d.card_last4 <> '' and d.card_last4 = $1";
    pub(crate) BY_RECEIPT = "select d.id from donation d where d.id in
        (select donation_id from receipt where number >= $1 and number < $2)";
    /// Of two JSON arrays: supporters, and gifts of which nobody is the supporter yet.
    pub(crate) BY_WHOM = sqlite "select d.id from donation d where (d.donor_id in (select value from json_each($1)) or d.id in (select value from json_each($2)))",
        postgres "select d.id from donation d where (d.donor_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
            or d.id = any (array(select value::bigint from json_array_elements_text(cast($2 as json)))))";
    pub(crate) BEGINS_WITH = "select donor_id from donor_word where word >= $1 and word < $2";
    /// Whose bank has yet to pay is no supporter yet, and telephones to ask.
    WAITING = "select id, email, name from donation where state = 'pending' and state <> 'paid' and email <> ''
        order by coalesce(paid_at, created_at) desc, id desc limit 500";
    /// What moved on the provider's balance for each of a JSON array of gifts.
    MOVED = sqlite "select donation_id, currency, cast(sum(fee_minor) as bigint) as fee_minor,
        cast(sum(amount_minor - fee_minor) as bigint) as net_minor
        from movement where donation_id in (select value from json_each($1)) group by donation_id, currency order by donation_id, currency",
        postgres "select donation_id, currency, cast(sum(fee_minor) as bigint) as fee_minor,
        cast(sum(amount_minor - fee_minor) as bigint) as net_minor
        from movement where donation_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
        group by donation_id, currency order by donation_id, currency";
    /// Of a JSON array of gifts.
    THESE = sqlite "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, s.standing, s.refunded_minor, s.back_minor,
        donation.created_at, donation.paid_at, donation.card_brand, donation.card_last4,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation join gift_standing s on s.donation_id = donation.id left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.id in (select value from json_each($1)) order by coalesce(donation.paid_at, donation.created_at) desc, donation.id desc",
        postgres "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, s.standing, s.refunded_minor, s.back_minor,
        donation.created_at, donation.paid_at, donation.card_brand, donation.card_last4,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation join gift_standing s on s.donation_id = donation.id left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
        order by coalesce(donation.paid_at, donation.created_at) desc, donation.id desc";
    FIRST = "select min(paid_at) from donation where state = 'paid'";

    UNWORDED = "select id, email, name from donor where worded = 0 and id > $1 order by id limit $2";
    /// The words of a JSON array.
    WORD = sqlite "insert into donor_word (word, donor_id) select value, $1 from json_each($2) where true on conflict do nothing",
        postgres "insert into donor_word (word, donor_id) select value, cast($1 as bigint) from json_array_elements_text(cast($2 as json)) on conflict do nothing";
    IS_WORDED = "update donor set worded = 1 where id = $1 and worded = 0";
}

/// Who gave, in the words that they typed.
#[derive(Clone, Debug, FromRow)]
pub struct Whose {
    pub id: i64,
    pub email: String,
    pub name: String,
}

pub async fn sums(db: &Db, built: Result<Built>) -> Result<Vec<Total>> {
    db.all_built(built).await
}

/// The rows that a statement names.
pub async fn ids(db: &Db, built: Result<Built>) -> Result<Vec<i64>> {
    Ok(db.all_built::<(i64,)>(built).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn waiting(db: &Db) -> Result<Vec<Whose>> {
    db.all(WAITING, ()).await
}

pub async fn these(db: &Db, gifts: &str) -> Result<Vec<ListedDonation>> {
    db.all(THESE, (gifts,)).await
}

/// What moved on the provider's balance for a gift: taken in, given back, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Moved {
    pub donation_id: i64,
    /// Of the account, which may be another one than the gift's; ISO 4217 code.
    pub currency: String,
    /// Minor units.
    pub fee_minor: i64,
    /// What is left on the balance, in minor units.
    pub net_minor: i64,
}

pub async fn moved(db: &Db, gifts: &str) -> Result<Vec<Moved>> {
    db.all(MOVED, (gifts,)).await
}

pub async fn first(db: &Db) -> Result<Option<Moment>> {
    Ok(db.one::<(Option<Moment>,)>(FIRST, ()).await?.0)
}

pub async fn unworded(db: &Db, after: i64, limit: i64) -> Result<Vec<Whose>> {
    db.all(UNWORDED, (after, limit)).await
}

pub async fn word(tx: &mut Tx, donor_id: i64, words: &str) -> Result<()> {
    tx.exec(WORD, (donor_id, words)).await?;
    tx.exec(IS_WORDED, (donor_id,)).await?;
    Ok(())
}
