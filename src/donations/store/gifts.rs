//! The statements of gifts: one row each, and every move of its state.

use sqlx_macros::FromRow;

use super::{
    super::states::{DonationKind, DonationState},
    months::Recurring,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    money::Money,
    statements, token,
};

statements! {
    ADD_DONATION = "insert into donation (public_id, email, name, recurring_donation_id, kind, amount_minor, currency,
        state, edition_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $9)
        on conflict (public_id) do nothing";
    /// These find a row and lock it, with one text for both engines. The order is always the same (monthly donation, donation,
    /// donor), so that two workers cannot hold each other up.
    TAKE_DONATION = "update donation set state = state where public_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    TAKE_INSTALMENT = "update donation set state = state where provider_invoice_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    TAKE_PAYMENT = "update donation set state = state where provider_payment_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    SESSION_OF = "select provider_session_id from donation where public_id = $1 and provider_session_id is not null";
    FORGOTTEN_SESSION = "select provider_session_id from donation
        where public_id = $1 and provider_session_id is not null and email = ''";
    /// A second payment that names a gift which another has paid.
    ADD_ANOTHER_PAYMENT = "insert into donation (public_id, email, name, kind, amount_minor, currency, state, provider_payment_id,
        edition_id, created_at) values ($1, $2, $3, 'once', $4, $5, 'created', $6, $7, $8)
        on conflict (provider_payment_id) do nothing";
    /// The session is named once and for all; a row that only just began has its checkout page now.
    LINK_SESSION = "update donation set provider_session_id = $2,
        state = case when state = 'created' then 'checkout_open' else state end
        where id = $1 and provider_session_id is null";
    ADD_INSTALMENT = "insert into donation (public_id, email, name, recurring_donation_id, kind, amount_minor, currency,
        state, provider_invoice_id, edition_id, created_at)
        values ($1, $2, $3, $4, 'instalment', $5, $6, 'created', $7, $8, $9) on conflict (provider_invoice_id) do nothing";
    /// Each move names the states it may leave, so that none ever goes back.
    SET_PENDING = "update donation set state = 'pending' where id = $1 and state in ('created', 'checkout_open')";
    /// Who did not pay is forgotten, whether the bank said no or nobody tried.
    SET_FAILED = "update donation set state = 'failed', email = '', name = ''
        where id = $1 and state in ('created', 'checkout_open', 'pending')";
    SET_EXPIRED = "update donation set state = 'expired', email = '', name = ''
        where id = $1 and state in ('created', 'checkout_open', 'pending')";
    /// The one statement that makes a donation paid; it touches a row once.
    PAY = "update donation set state = 'paid', paid_at = $2, amount_minor = $3, currency = $4, donor_id = $5, email = $6,
        name = $7, provider_payment_id = $8, provider_invoice_id = coalesce($9, provider_invoice_id)
        where id = $1 and state <> 'paid'";
    /// Adds what a gift comes to, without what came back of it, to the sum of its day of UTC, so many times; a gift of which nothing is
    /// left is none. Of one that is not paid, nothing.
    ADD_TO_DAY = "insert into gift_day (day, kind, currency, number, minor)
        select d.paid_at / 86400000000, d.kind, d.currency, $2 * case when s.back_minor < d.amount_minor then 1 else 0 end,
            $2 * (d.amount_minor - s.back_minor)
        from donation d join gift_standing s on s.donation_id = d.id where d.id = $1 and d.state = 'paid'
        on conflict (day, kind, currency) do update set number = gift_day.number + excluded.number, minor = gift_day.minor + excluded.minor";
}

/// A donation as the transitions need it.
#[derive(Clone, Debug, FromRow)]
pub struct Donation {
    pub id: i64,
    pub public_id: String,
    pub email: String,
    pub name: String,
    pub kind: DonationKind,
    pub state: DonationState,
    pub recurring_donation_id: Option<i64>,
    pub provider_payment_id: Option<String>,
    pub edition_id: Option<i64>,
}

/// A new row of `donation`.
pub struct NewDonation<'a> {
    pub public_id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub recurring_donation_id: Option<i64>,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub edition_id: Option<i64>,
    pub at: Moment,
}

pub async fn add_donation(tx: &mut Tx, new: &NewDonation<'_>) -> Result<Donation> {
    let kind = match new.recurring_donation_id {
        Some(_) => DonationKind::Instalment,
        None => DonationKind::Once,
    };
    let row = (
        new.public_id,
        new.email,
        new.name,
        new.recurring_donation_id,
        kind,
        new.amount_minor,
        new.currency,
        new.edition_id,
        new.at,
    );
    tx.exec(ADD_DONATION, row).await?;
    tx.one(TAKE_DONATION, (new.public_id,)).await
}

pub async fn donation(tx: &mut Tx, public_id: &str) -> Result<Option<Donation>> {
    tx.opt(TAKE_DONATION, (public_id,)).await
}

/// The gift that a payment paid.
pub async fn of_payment(tx: &mut Tx, payment: &str) -> Result<Option<Donation>> {
    tx.opt(TAKE_PAYMENT, (payment,)).await
}

pub async fn instalment(tx: &mut Tx, invoice_id: &str) -> Result<Option<Donation>> {
    tx.opt(TAKE_INSTALMENT, (invoice_id,)).await
}

/// The checkout session of a donation; none before it has one.
pub async fn session_of(db: &Db, donation: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(SESSION_OF, (donation,)).await?;
    Ok(found.map(|(session,)| session))
}

/// The checkout session of a donation of which it is not known any more who gave it.
pub async fn forgotten_session(db: &Db, donation: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(FORGOTTEN_SESSION, (donation,)).await?;
    Ok(found.map(|(session,)| session))
}

/// The row of a second payment of a gift, made if it is not there.
pub async fn add_another_payment(
    tx: &mut Tx,
    first: &Donation,
    payment_id: &str,
    amount: Money,
    at: Moment,
) -> Result<Donation> {
    let public_id = token::public_id();
    let row = (
        public_id.as_str(),
        first.email.as_str(),
        first.name.as_str(),
        amount.minor,
        amount.currency.code(),
        payment_id,
        first.edition_id,
        at,
    );
    tx.exec(ADD_ANOTHER_PAYMENT, row).await?;
    tx.one(TAKE_PAYMENT, (payment_id,)).await
}

pub async fn link_session(tx: &mut Tx, donation_id: i64, session_id: &str) -> Result<u64> {
    tx.exec(LINK_SESSION, (donation_id, session_id)).await
}

/// The row of a month's gift, made if it is not there.
pub async fn add_instalment(
    tx: &mut Tx,
    recurring: &Recurring,
    invoice_id: &str,
    amount_minor: i64,
    currency: &str,
    at: Moment,
) -> Result<Donation> {
    let public_id = token::public_id();
    let row = (
        public_id.as_str(),
        recurring.email.as_str(),
        recurring.name.as_str(),
        recurring.id,
        amount_minor,
        currency,
        invoice_id,
        recurring.edition_id,
        at,
    );
    tx.exec(ADD_INSTALMENT, row).await?;
    tx.one(TAKE_INSTALMENT, (invoice_id,)).await
}

/// How a donation that is not paid may move on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Pending,
    Failed,
    Expired,
}

/// Moves a donation on, unless it is there or beyond.
pub async fn advance(tx: &mut Tx, donation_id: i64, to: Move) -> Result<u64> {
    let statement = match to {
        Move::Pending => SET_PENDING,
        Move::Failed => SET_FAILED,
        Move::Expired => SET_EXPIRED,
    };
    tx.exec(statement, (donation_id,)).await
}

/// What is written when a donation is paid.
pub struct Payment<'a> {
    pub donation_id: i64,
    pub at: Moment,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub donor_id: Option<i64>,
    pub email: &'a str,
    pub name: &'a str,
    pub payment_id: Option<&'a str>,
    pub invoice_id: Option<&'a str>,
}

/// Whether this call, and no earlier one, made the donation paid.
pub async fn pay(tx: &mut Tx, paid: &Payment<'_>) -> Result<bool> {
    let row = (
        paid.donation_id,
        paid.at,
        paid.amount_minor,
        paid.currency,
        paid.donor_id,
        paid.email,
        paid.name,
        paid.payment_id,
        paid.invoice_id,
    );
    let is_paid = tx.exec(PAY, row).await? == 1;
    if is_paid {
        add_to_day(tx, paid.donation_id).await?;
    }
    Ok(is_paid)
}

/// What a gift comes to counts in the sum of its day. The caller has its row.
pub async fn add_to_day(tx: &mut Tx, donation_id: i64) -> Result<u64> {
    tx.exec(ADD_TO_DAY, (donation_id, 1_i64)).await
}

/// It counts there no more, until it is added as it stands then.
pub async fn take_off_day(tx: &mut Tx, donation_id: i64) -> Result<u64> {
    tx.exec(ADD_TO_DAY, (donation_id, -1_i64)).await
}
