//! The statements of taking over what other programs left at the provider.

use sqlx_macros::FromRow;

use super::months::Recurring;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::RecurringState,
    queue, statements, token, words,
};

words! {
    /// How far taking over has come.
    pub enum AdoptionState else Stopped {
        /// What is there is read; nothing is written but that.
        Looking = "looking",
        /// It was read, and somebody has to choose.
        Ready = "ready",
        /// What was chosen is taken over.
        Taking = "taking",
        Done = "done",
        Stopped = "stopped",
    }
}

words! {
    /// What is read or taken over now.
    pub enum AdoptionStep else Subscriptions {
        Subscriptions = "subscriptions",
        Invoices = "invoices",
        Payments = "payments",
        Taking = "taking",
        /// What was paid since it was first looked.
        LateInvoices = "late invoices",
        LatePayments = "late payments",
        TakingLate = "taking late",
        /// Standing gifts as they are by now, before any is taken.
        LateSubscriptions = "late subscriptions",
        /// What what was taken cost, and what went back of it.
        Following = "following",
    }
}

words! {
    /// What another program left.
    pub enum OldKind {
        /// A standing gift.
        Monthly = "monthly",
        /// What was paid for one.
        Instalment = "instalment",
        /// A gift given once.
        Once = "once",
    }
}

words! {
    /// What becomes of it.
    pub enum OldFate else Foreign {
        /// Nobody has chosen yet.
        Found = "found",
        /// It is ours.
        Taken = "taken",
        /// It stays the other program's.
        Foreign = "foreign",
        /// It was chosen, and cannot be ours.
        Refused = "refused",
    }
}

statements! {
    BEGIN = "insert into adoption (public_id, state, step, after, staff_id, since, created_at, changed_at, attempts, next_at)
        values ($1, 'looking', 'subscriptions', '', $2, $3, $4, $4, 0, $4)";
    /// What was left foreign may be chosen this time, and so may what could not be taken.
    FIND_AGAIN = "update old_object set fate = 'found', why = '' where fate in ('foreign', 'refused')";
    NEWEST = "select id, public_id, state, step, after, since, created_at, changed_at, next_at, last_error from adoption
        order by id desc limit 1";
    ONE = "select id, public_id, state, step, after, since, created_at, changed_at, next_at, last_error from adoption where id = $1";
    /// Whoever has the claim says how far it is, and has it on.
    MOVE = "update adoption set state = $3, step = $4, after = $5, next_at = $6, changed_at = $7, attempts = 0, last_error = null
        where id = $1 and next_at = $2 and state in ('looking', 'taking')";
    PRESS = "update adoption set state = 'taking', step = 'late subscriptions', after = '', changed_at = $2, next_at = $2
        where id = $1 and state = 'ready'";
    STOP_ALL = "update adoption set state = 'stopped', changed_at = $1 where state in ('looking', 'ready', 'taking')";
    KEEP_BUNDLE = "insert into old_bundle (name, kind, what, marks, currency, rhythm, chosen) values ($1, $2, $3, $4, $5, $6, 'no')
        on conflict (name) do nothing";
    /// What was found before is told anew while nothing is decided; what is decided stays. What was chosen stays chosen, though it is given
    /// in another rhythm by now, and would be shown elsewhere.
    KEEP_OBJECT = "insert into old_object (provider_id, kind, bundle, fate, why, email, email_key, name, customer_id, subscription_id,
        payment_id, standing, amount_minor, currency, refunded_minor, elsewhere_minor, made_at, at, seen_at)
        values ($1, $2, $3, 'found', '', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        on conflict (provider_id) do update set email = excluded.email, email_key = excluded.email_key, name = excluded.name,
        bundle = case when exists (select 1 from old_bundle b where b.name = old_object.bundle and b.chosen = 'yes')
            then old_object.bundle else excluded.bundle end, payment_id = excluded.payment_id, standing = excluded.standing,
        amount_minor = excluded.amount_minor, refunded_minor = excluded.refunded_minor, at = excluded.at, seen_at = excluded.seen_at
        where old_object.fate = 'found'";
    /// The payment of an invoice is no gift of its own: it says what went back, and whose it was where the invoice does not.
    IS_OF_INVOICE = "update old_object set refunded_minor = $2, email = case when email = '' and fate = 'found' then $3 else email end,
        email_key = case when email = '' and fate = 'found' then $4 else email_key end,
        name = case when name = '' and fate = 'found' then $5 else name end
        where payment_id = $1 and kind = 'instalment'";
    /// An invoice may be read after its payment: then that was no gift of its own.
    NO_GIFT_OF_ITS_OWN = "delete from old_object where provider_id = $1 and kind = 'once' and fate = 'found'";
    SUBSCRIPTIONS_BUNDLE = "select bundle from old_object where provider_id = $1 and kind = 'monthly'";
    IS_OUR_MONTHLY = "select 1 from recurring_donation where provider_subscription_id = $1";
    IS_OUR_INVOICE = "select 1 from donation where provider_invoice_id = $1";
    IS_OUR_PAYMENT = "select 1 from donation where provider_payment_id = $1";
    /// What stands for choice, what was taken and what is left, in one line a bundle and fate.
    SUMS = "select b.name as bundle, b.kind, b.what, b.marks, b.currency, b.rhythm, b.chosen, o.kind as of_kind, o.fate,
        count(*) as number, cast(sum(o.amount_minor) as bigint) as minor, cast(sum(o.refunded_minor) as bigint) as refunded,
        cast(sum(case when o.kind = 'monthly' and o.standing in ('active', 'past_due', 'unpaid', 'paused') then 1 else 0 end) as bigint) as running,
        cast(sum(case when o.email = '' and o.fate = 'found' then 1 else 0 end) as bigint) as nameless
        from old_bundle b join old_object o on o.bundle = b.name
        group by b.name, b.kind, b.what, b.marks, b.currency, b.rhythm, b.chosen, o.kind, o.fate
        order by b.kind, b.what, b.currency, b.name, o.kind, o.fate limit 1000";
    CHOOSE_NONE = "update old_bundle set chosen = 'no' where chosen = 'yes'";
    CHOOSE_ALL = "update old_bundle set chosen = 'yes' where chosen = 'no'";
    CHOOSE = "update old_bundle set chosen = 'yes' where name = $1";
    TO_TAKE = "select o.provider_id, o.kind, o.email, o.name, o.customer_id, o.subscription_id, o.payment_id, o.standing,
        o.amount_minor, o.elsewhere_minor, o.currency, o.made_at, o.at
        from old_object o join old_bundle b on b.name = o.bundle
        where o.fate = 'found' and o.kind = $1 and b.chosen = 'yes' and o.seen_at >= $3 order by o.provider_id limit $2";
    /// What is decided needs nobody's name any more: what is ours has its own.
    DECIDE = "update old_object set fate = $2, why = $3, email = '', email_key = '', name = '' where provider_id = $1 and fate = 'found'";
    LEAVE = "update old_object set fate = 'foreign', email = '', email_key = '', name = ''
        where provider_id in (select provider_id from old_object where fate = 'found' limit $1)";
    /// Whoever is forgotten is not taken over by their old name.
    FORGET_OLD = "update old_object set email = '', email_key = '', name = '' where email_key = $1";
    /// What nobody decides within two weeks names nobody any more.
    pub(crate) BLANK_OLD = "update old_object set email = '', email_key = '', name = '' where provider_id in (select provider_id
        from old_object where (email <> '' or name <> '') and seen_at < $1 order by seen_at limit $2)";
    STANDING_TO_FOLLOW = "select id, provider_subscription_id from recurring_donation
        where adopted_at >= $1 and provider_subscription_id is not null and id > $2 order by id limit $3";
    GIFTS_TO_FOLLOW = "select id, provider_payment_id from donation
        where adopted_at >= $1 and state = 'paid' and provider_payment_id is not null and id > $2 order by id limit $3";
    ADOPT_RECURRING = "insert into recurring_donation (public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, provider_customer_id, created_at, activated_at, cancelled_at, adopted_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (provider_subscription_id) do nothing";
    /// It began with its first payment; one that had ended before it was ours is not said to have begun, so that nobody is told of its end.
    BEGAN = "update recurring_donation set activated_at = case when activated_at < $2 then activated_at else $2 end
        where id = $1 and state <> 'cancelled'";
    ADOPTED = "update donation set adopted_at = $2 where id = $1 and state <> 'paid'";
    ADOPTED_NUMBER = "select count(*) from donation where adopted_at is not null and state = 'paid'";
}

queue! {
    /// The one that goes on by itself.
    pub ADOPTIONS_IN_TURN = ADOPTIONS {
        table: "adoption", key: "public_id", since: "created_at", also: ", id",
        open: "state in ('looking', 'taking')",
    }
}

/// Taking over, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Adoption {
    pub id: i64,
    pub public_id: String,
    pub state: AdoptionState,
    pub step: AdoptionStep,
    /// Behind what its step goes on.
    pub after: String,
    /// Payments from here on are meant.
    pub since: Moment,
    pub created_at: Moment,
    pub changed_at: Moment,
    /// Whose claim it is, until then.
    pub next_at: Moment,
    /// Why it did not go on the last time.
    pub last_error: Option<String>,
}

/// A line of the sums: of one bundle, kind and fate.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OldSum {
    /// The short name of the bundle.
    pub bundle: String,
    /// What the bundle is of.
    pub kind: OldKind,
    /// What was given for, in the other program's words.
    pub what: String,
    /// The names of the metadata that the other program left.
    pub marks: String,
    pub currency: String,
    /// How often a standing gift is given.
    pub rhythm: String,
    /// Whether it is chosen: yes or no.
    pub chosen: String,
    /// What the line sums up.
    pub of_kind: OldKind,
    pub fate: OldFate,
    pub number: i64,
    /// Their sum in minor units.
    pub minor: i64,
    /// What of it went back.
    pub refunded: i64,
    /// How many standing gifts are not over.
    pub running: i64,
    /// How many have no address.
    pub nameless: i64,
}

/// What is to be taken over.
#[derive(Clone, Debug, FromRow)]
pub struct OldObject {
    pub provider_id: String,
    pub kind: OldKind,
    pub email: String,
    pub name: String,
    pub customer_id: Option<String>,
    pub subscription_id: Option<String>,
    pub payment_id: Option<String>,
    pub standing: String,
    pub amount_minor: i64,
    /// What of it came past the provider.
    pub elsewhere_minor: i64,
    pub currency: String,
    pub made_at: Moment,
    pub at: Option<Moment>,
}

/// What was found, to be kept.
pub struct Found<'a> {
    pub provider_id: &'a str,
    pub kind: OldKind,
    pub bundle: &'a str,
    pub email: &'a str,
    pub email_key: &'a str,
    pub name: &'a str,
    pub customer_id: Option<&'a str>,
    pub subscription_id: Option<&'a str>,
    pub payment_id: Option<&'a str>,
    pub standing: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub refunded_minor: i64,
    pub elsewhere_minor: i64,
    pub made_at: Moment,
    pub at: Option<Moment>,
    pub seen_at: Moment,
}

pub async fn begin(tx: &mut Tx, staff: Option<i64>, since: Moment, now: Moment) -> Result<()> {
    tx.exec(BEGIN, (token::public_id().as_str(), staff, since, now)).await?;
    tx.exec(FIND_AGAIN, ()).await?;
    tx.exec(CHOOSE_NONE, ()).await?;
    Ok(())
}

pub async fn newest(db: &Db) -> Result<Option<Adoption>> {
    db.opt(NEWEST, ()).await
}

pub async fn newest_in(tx: &mut Tx) -> Result<Option<Adoption>> {
    tx.opt(NEWEST, ()).await
}

pub async fn one(db: &Db, id: i64) -> Result<Option<Adoption>> {
    db.opt(ONE, (id,)).await
}

/// Where it stands from now on; false if somebody else has the claim.
pub async fn move_on(
    tx: &mut Tx,
    (id, claim): (i64, Moment),
    (state, step, after): (AdoptionState, AdoptionStep, &str),
    (until, now): (Moment, Moment),
) -> Result<bool> {
    Ok(tx.exec(MOVE, (id, claim, state, step, after, until, now)).await? == 1)
}

pub async fn press(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(PRESS, (id, now)).await? == 1)
}

pub async fn stop_all(tx: &mut Tx, now: Moment) -> Result<u64> {
    tx.exec(STOP_ALL, (now,)).await
}

pub async fn keep_bundle(
    tx: &mut Tx,
    name: &str,
    (kind, what, marks): (OldKind, &str, &str),
    (currency, rhythm): (&str, &str),
) -> Result<u64> {
    tx.exec(KEEP_BUNDLE, (name, kind, what, marks, currency, rhythm)).await
}

pub async fn keep(tx: &mut Tx, found: &Found<'_>) -> Result<u64> {
    let row = (
        found.provider_id,
        found.kind,
        found.bundle,
        found.email,
        found.email_key,
        found.name,
        found.customer_id,
        found.subscription_id,
        found.payment_id,
        found.standing,
        found.amount_minor,
        found.currency,
        found.refunded_minor,
        found.elsewhere_minor,
        found.made_at,
        found.at,
        found.seen_at,
    );
    tx.exec(KEEP_OBJECT, row).await
}

/// Whether the payment is that of an invoice which is known.
pub async fn is_of_invoice(
    tx: &mut Tx,
    payment: &str,
    refunded: i64,
    (email, email_key, name): (&str, &str, &str),
) -> Result<bool> {
    Ok(tx.exec(IS_OF_INVOICE, (payment, refunded, email, email_key, name)).await? > 0)
}

pub async fn no_gift_of_its_own(tx: &mut Tx, payment: &str) -> Result<u64> {
    tx.exec(NO_GIFT_OF_ITS_OWN, (payment,)).await
}

pub async fn bundle_of(tx: &mut Tx, subscription: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(SUBSCRIPTIONS_BUNDLE, (subscription,)).await?.map(|(bundle,)| bundle))
}

/// Whether a row of ours has it already.
pub async fn is_ours(tx: &mut Tx, kind: OldKind, id: &str) -> Result<bool> {
    let statement = match kind {
        OldKind::Monthly => IS_OUR_MONTHLY,
        OldKind::Instalment => IS_OUR_INVOICE,
        OldKind::Once => IS_OUR_PAYMENT,
    };
    Ok(tx.opt::<(i32,)>(statement, (id,)).await?.is_some())
}

pub async fn sums(db: &Db) -> Result<Vec<OldSum>> {
    db.all(SUMS, ()).await
}

pub async fn choose_all(tx: &mut Tx) -> Result<u64> {
    tx.exec(CHOOSE_ALL, ()).await
}

pub async fn choose_none(tx: &mut Tx) -> Result<u64> {
    tx.exec(CHOOSE_NONE, ()).await
}

pub async fn choose(tx: &mut Tx, bundle: &str) -> Result<bool> {
    Ok(tx.exec(CHOOSE, (bundle,)).await? == 1)
}

/// What was chosen and is not decided; what was not seen since then is not what somebody chose among.
pub async fn to_take(tx: &mut Tx, kind: OldKind, most: i64, since: Moment) -> Result<Vec<OldObject>> {
    tx.all(TO_TAKE, (kind, most, since)).await
}

/// Standing gifts that were taken over since then, behind that row, with their provider's ids.
pub async fn standing_to_follow(db: &Db, since: Moment, after: i64, most: i64) -> Result<Vec<(i64, String)>> {
    db.all(STANDING_TO_FOLLOW, (since, after, most)).await
}

/// Gifts that were taken over since then, behind that row, with their payments.
pub async fn gifts_to_follow(db: &Db, since: Moment, after: i64, most: i64) -> Result<Vec<(i64, String)>> {
    db.all(GIFTS_TO_FOLLOW, (since, after, most)).await
}

pub async fn decide(tx: &mut Tx, id: &str, fate: OldFate, why: &str) -> Result<u64> {
    tx.exec(DECIDE, (id, fate, why)).await
}

pub async fn leave(tx: &mut Tx, most: i64) -> Result<u64> {
    tx.exec(LEAVE, (most,)).await
}

pub async fn forget_old(tx: &mut Tx, email_key: &str) -> Result<u64> {
    tx.exec(FORGET_OLD, (email_key,)).await
}

pub async fn adopt_recurring(
    tx: &mut Tx,
    old: &OldObject,
    donor: Option<i64>,
    state: RecurringState,
    now: Moment,
) -> Result<Option<Recurring>> {
    let over = state == RecurringState::Cancelled;
    let public_id = token::public_id();
    let row = (
        public_id.as_str(),
        donor,
        old.email.as_str(),
        old.name.as_str(),
        old.amount_minor,
        old.currency.as_str(),
        state,
        old.provider_id.as_str(),
        old.customer_id.as_deref(),
        old.made_at,
        state.runs().then_some(old.made_at),
        over.then_some(old.at.unwrap_or(now)),
        now,
    );
    if tx.exec(ADOPT_RECURRING, row).await? == 0 {
        return Ok(None);
    }
    super::months::recurring(tx, &public_id).await
}

pub async fn began(tx: &mut Tx, recurring: i64, at: Moment) -> Result<u64> {
    tx.exec(BEGAN, (recurring, at)).await
}

pub async fn adopted(tx: &mut Tx, donation: i64, now: Moment) -> Result<u64> {
    tx.exec(ADOPTED, (donation, now)).await
}

pub async fn adopted_number(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(ADOPTED_NUMBER, ()).await?.0)
}
