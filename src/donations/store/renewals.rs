//! The statements of regular gifts as they are at the provider, and of renewals that fail.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::Terms,
    queue, statements,
};

statements! {
    /// What the subscription said when the row followed it, in the same transaction.
    MIRROR_TERMS = "update recurring_donation set every_count = $2, every_unit = $3, next_at = $4, ends_at = $5, rests_until = $6
        where id = $1";
    MIRROR_METHOD = "update recurring_donation set provider_method_id = $2, card_brand = $3, card_last4 = $4, card_expires = $5
        where id = $1";
    DAYS_OF = "select next_at, ends_at, rests_until from recurring_donation where id = $1";
    ADD_TROUBLE = "insert into renewal_trouble (provider_invoice_id, recurring_donation_id, failed_at, letters, due_at, state, attempts, next_at)
        values ($1, $2, $3, 1, $4, 'open', 0, $5) on conflict (provider_invoice_id) do nothing";
    END_TROUBLE = "update renewal_trouble set state = 'over' where provider_invoice_id = $1 and state = 'open'";
    END_ALL_TROUBLE = "update renewal_trouble set state = 'over' where recurring_donation_id = $1 and state = 'open'";
    /// Cards that run out in that month, of gifts that are taken, and whose supporters were not told.
    CARDS = "select id from recurring_donation where card_expires = $1 and card_expires <> '' and state = 'active'
        and card_told <> card_expires and email <> '' order by id limit 50";
    TELL_OF_CARD = "update recurring_donation set card_told = card_expires where id = $1 and card_told <> card_expires
        and state = 'active' returning email, name, amount_minor, currency, every_count, every_unit, card_brand, card_last4, public_id, ends_at";
    /// What was written about is written about no more.
    pub(crate) FORGET_TROUBLE = "delete from renewal_trouble where provider_invoice_id in (select provider_invoice_id from renewal_trouble
        where state = 'over' and failed_at < $1 order by failed_at limit $2)";
}

queue! {
    /// Payments of regular gifts that failed: the next letter about each.
    pub RENEWALS = RENEWALS {
        table: "renewal_trouble", key: "provider_invoice_id", since: "failed_at", also: ", recurring_donation_id, letters, due_at",
        open: "state = 'open'",
        done: "letters = $3, state = $4, due_at = $5, next_at = $6, attempts = 0",
    }
}

/// What there is to say of a payment that failed.
#[derive(Clone, Debug, FromRow)]
pub struct Failed {
    pub recurring_donation_id: i64,
    /// How many letters have gone.
    pub letters: i64,
    /// When the next goes.
    pub due_at: Moment,
}

/// A card that runs out.
#[derive(Clone, Debug, FromRow)]
pub struct Expiring {
    pub email: String,
    pub name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub every_count: i64,
    pub every_unit: crate::payments::GiftRhythmUnit,
    pub card_brand: String,
    pub card_last4: String,
    pub public_id: String,
    pub ends_at: Option<Moment>,
}

/// The days of a regular gift.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Days {
    pub next_at: Option<Moment>,
    pub ends_at: Option<Moment>,
    pub rests_until: Option<Moment>,
}

pub async fn days_of(db: &Db, id: i64) -> Result<Days> {
    db.one(DAYS_OF, (id,)).await
}

pub async fn mirror_terms(tx: &mut Tx, id: i64, terms: &Terms) -> Result<()> {
    let rhythm = terms.rhythm;
    tx.exec(MIRROR_TERMS, (id, rhythm.count, rhythm.unit, terms.next, terms.ends_at, terms.rests_until))
        .await?;
    if let Some(method) = &terms.method {
        let row =
            (id, method.id.as_str(), method.brand.as_str(), method.last4.as_str(), method.expires.as_str());
        tx.exec(MIRROR_METHOD, row).await?;
    }
    Ok(())
}

/// Whether nobody had written it down before.
pub async fn add_trouble(
    tx: &mut Tx,
    invoice: &str,
    recurring: i64,
    (failed_at, due_at, next_at): (Moment, Moment, Moment),
) -> Result<bool> {
    Ok(tx.exec(ADD_TROUBLE, (invoice, recurring, failed_at, due_at, next_at)).await? == 1)
}

pub async fn end_trouble(tx: &mut Tx, invoice: &str) -> Result<()> {
    tx.exec(END_TROUBLE, (invoice,)).await.map(drop)
}

pub async fn end_all_trouble(tx: &mut Tx, recurring: i64) -> Result<()> {
    tx.exec(END_ALL_TROUBLE, (recurring,)).await.map(drop)
}

pub async fn cards_of(db: &Db, month: &str) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(CARDS, (month,)).await?.into_iter().map(|(id,)| id).collect())
}

/// The card, if nobody had told of it before.
pub async fn tell_of_card(tx: &mut Tx, id: i64) -> Result<Option<Expiring>> {
    tx.opt(TELL_OF_CARD, (id,)).await
}
