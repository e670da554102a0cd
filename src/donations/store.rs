//! The statements of the donations room.

pub(super) mod attention;

use sqlx_macros::FromRow;

use super::{
    lines::{EventLine, LedgerLine, ListedDonation, Total},
    states::{DonationKind, DonationState, EventSource, EventState, Operation, RecurringState},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    money::Money,
    payments::{EventKind, ProviderEvent, ProviderSubscription},
    queue,
    queue::Due,
    statements, token,
};

statements! {
    ADD_DONATION = "insert into donation (public_id, email, name, recurring_donation_id, kind, amount_minor, currency,
        state, edition_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $9)
        on conflict (public_id) do nothing";
    ADD_RECURRING = "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, edition_id,
        created_at) values ($1, $2, $3, $4, $5, 'pending', $6, $7) on conflict (public_id) do nothing";
    /// These find a row and lock it, with one text for both engines. The order is always the same (monthly donation, donation,
    /// donor), so that two workers cannot hold each other up.
    TAKE_DONATION = "update donation set state = state where public_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    TAKE_INSTALMENT = "update donation set state = state where provider_invoice_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    TAKE_PAYMENT = "update donation set state = state where provider_payment_id = $1
        returning id, public_id, email, name, kind, state, recurring_donation_id, provider_payment_id, edition_id";
    TAKE_RECURRING = "update recurring_donation set state = state where public_id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of";
    TAKE_RECURRING_BY_SUBSCRIPTION = "update recurring_donation set state = state where provider_subscription_id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of";
    TAKE_RECURRING_BY_ID = "update recurring_donation set state = state where id = $1
        returning id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of";
    READ_RECURRING = "select id, public_id, donor_id, email, name, amount_minor, currency, state,
        provider_subscription_id, edition_id, activated_at, cancelled_at, copy_of
        from recurring_donation where public_id = $1";
    SESSION_OF = "select provider_session_id from donation where public_id = $1 and provider_session_id is not null";
    FORGOTTEN_SESSION = "select provider_session_id from donation
        where public_id = $1 and provider_session_id is not null and email = ''";
    /// Asked before the provider is: what the provider says then is no older than this.
    VERSION_OF = "select version from recurring_donation where provider_subscription_id = $1";
    /// A subscription that somebody copied at the provider.
    ADD_COPY = "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, edition_id, created_at,
        provider_subscription_id, copy_of) values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9)
        on conflict (provider_subscription_id) do nothing";
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
    FORGET_RECURRING = "update recurring_donation set email = '', name = '' where donor_id = $1 and state = 'cancelled'";
    FORGET_GIFTS = "update donation set email = '', name = '' where donor_id = $1 and (email <> '' or name <> '')";
    FORGET_DONOR = "update donor set email = '', name = '', email_key = 'forgotten ' || public_id where id = $1";
    NEWEST_GIFT = "select max(paid_at) from donation where state = 'paid' and paid_at <= $1";
    ADD_ENTRY = "insert into ledger_entry (entry_group, account, amount_minor, currency, donation_id, reference, at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    ADD_RECEIPT = "insert into receipt (public_id, number, donation_id, created_at) values ($1, $2, $3, $4)";
    /// A row follows the subscription it knows and no other, and only by whoever looked after it last followed: otherwise
    /// nothing is changed, and the provider is asked again. One that the provider has ended stays so (one that was only
    /// given up before it had a subscription does not), and one that ever was more than pending does not become pending again.
    MIRROR_SUBSCRIPTION = "update recurring_donation set provider_subscription_id = $2,
        provider_customer_id = coalesce($3, provider_customer_id), amount_minor = $4, currency = $5, version = version + 1,
        state = case when state = 'cancelled' and provider_subscription_id is not null then state
        when cast($6 as text) = 'pending' and state <> 'pending' then state else $6 end,
        cancelled_at = case when state = 'cancelled' and provider_subscription_id is not null then cancelled_at
        when cast($6 as text) = 'cancelled' then cast($7 as bigint) end
        where id = $1 and version = $8 and (provider_subscription_id is null or provider_subscription_id = $2)";
    /// It began with its earliest month, whichever was told first.
    BEGIN_RECURRING = "update recurring_donation set donor_id = coalesce(donor_id, $2),
        activated_at = case when activated_at < $3 then activated_at else $3 end,
        email = case when email = '' then $4 else email end, name = case when name = '' then $5 else name end
        where id = $1";
    CANCEL_RECURRING = "update recurring_donation set state = 'cancelled', cancelled_at = $2, version = version + 1
        where id = $1 and state <> 'cancelled'";
    ABANDON_RECURRING = "update recurring_donation set state = 'cancelled', cancelled_at = $2, email = '', name = ''
        where id = $1 and state = 'pending' and activated_at is null";

    ADD_CALL = "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at)
        values ($1, $2, $3, 'started', 0, $4, $5) on conflict (idempotency_key) do nothing";
    /// The supporter was told when it was given up, or staff have seen it.
    CHECKOUT_IS_KNOWN = "update provider_call set told_at = finished_at where idempotency_key = $1 and state = 'failed'";

    /// It was not over after all. What it was done with stays, and tells it from one that was never answered.
    REOPEN_CALL = "update provider_call set state = 'started', next_at = $2, last_error = $3, finished_at = null,
        told_at = null where idempotency_key = $1 and operation = 'cancel' and state = 'done'";
    REVIVE_RECURRING = "update recurring_donation set state = 'pending', cancelled_at = null where id = $1 and state = 'cancelled'";

    ADD_EVENT = "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, last_error,
        created_at, received_at, next_at) values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $9)
        on conflict (event_id) do nothing";
    /// What did not concern us goes after some weeks, what did when the books of its year are long closed.
    pub(crate) FORGET_IGNORED = "delete from provider_event where event_id in (select event_id from provider_event
        where state = 'ignored' and received_at < $1 order by received_at limit $2)";
    pub(crate) FORGET_DONE = "delete from provider_event where event_id in (select event_id from provider_event
        where state = 'done' and received_at < $1 order by received_at limit $2)";
    /// Only what could not be read keeps its text, for whoever is asked about it, and not for ever.
    pub(crate) BLANK_EVENTS = "update provider_event set payload = '' where event_id in (select event_id from provider_event
        where payload <> '' and received_at < $1 order by received_at limit $2)";
    /// The provider keeps a key for a day, and no key is used for another gift. What is asked to end stays, and so does what staff
    /// have not seen.
    pub(crate) FORGET_CALLS = "delete from provider_call where idempotency_key in (select idempotency_key from provider_call
        where operation = 'checkout' and finished_at < $1 and (state = 'done' or told_at is not null) order by finished_at limit $2)";

    TOTALS = "select kind, currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor from donation
        where state = 'paid' group by kind, currency order by currency, kind desc";
    /// The same of one supporter.
    TOTALS_OF = "select kind, currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from donor join donation on donation.donor_id = donor.id
        where donor.email_key = $1 and donation.state = 'paid' group by kind, currency order by currency, kind desc";
    RUNNING = "select currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from recurring_donation where state in ('active', 'past_due') and activated_at is not null group by currency order by currency";
    BOOKED = "select currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from ledger_entry where account = 'provider:stripe' group by currency order by currency";
    UNBALANCED = "select entry_group from ledger_entry group by entry_group, currency
        having sum(amount_minor) <> 0";
    WRONGLY_BOOKED = "select public_id from donation where state = 'paid' and
        ((select count(distinct entry_group) from ledger_entry where donation_id = donation.id) <> 1 or
        (select count(*) from ledger_entry where donation_id = donation.id and account = 'provider:stripe'
        and amount_minor = donation.amount_minor and currency = donation.currency) <> 1)";
    WITHOUT_RECEIPT = "select public_id from donation where state = 'paid' and
        (select count(*) from receipt where donation_id = donation.id) <> 1";
    BOOKED_UNPAID = "select public_id from donation where state <> 'paid' and
        (exists (select 1 from ledger_entry where donation_id = donation.id) or
        exists (select 1 from receipt where donation_id = donation.id))";
    RECEIPT_COUNT = "select count(*) from receipt";
    UNFINISHED = "select (select count(*) from provider_event where state = 'new') as waiting,
        (select count(*) from provider_event where state = 'dead') as dead,
        (select count(*) from provider_call where state = 'started') as calls";
    LIST_DONATIONS = "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, donation.created_at, donation.paid_at,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.id < $1 order by donation.id desc limit $2";
    ONE_DONATION = "select donation.id, donation.public_id, donation.email, donation.name, donation.kind,
        donation.amount_minor, donation.currency, donation.state, donation.created_at, donation.paid_at,
        donation.provider_session_id, donation.provider_payment_id, donation.provider_invoice_id, donation.edition_id,
        receipt.number as receipt_number, recurring_donation.state as recurring_state,
        recurring_donation.public_id as recurring_public_id
        from donation left join receipt on receipt.donation_id = donation.id
        left join recurring_donation on recurring_donation.id = donation.recurring_donation_id
        where donation.public_id = $1";
    ENTRIES_OF = "select account, amount_minor, currency, reference, at from ledger_entry where donation_id = $1 order by id";
    EVENTS_OF = "select event_id, type, source, state, attempts, last_error, created_at, received_at from provider_event
        where donation_id = $1 order by created_at, event_id";
    STUCK_EVENTS = "select event_id, type, source, state, attempts, last_error, created_at, received_at from provider_event
        where state = 'dead' order by received_at desc limit 100";
    DONOR_STANDING = "select email, created_at,
        (select count(*) from recurring_donation where donor_id = donor.id and state = 'active') as active,
        (select count(*) from recurring_donation where donor_id = donor.id and state in ('past_due', 'unpaid')) as failing,
        (select count(*) from recurring_donation where donor_id = donor.id and state = 'cancelled') as ended,
        (select max(paid_at) from donation where donor_id = donor.id and state = 'paid') as last_gift_at
        from donor where id = $1";
}

queue! {
    /// What the provider told us.
    pub EVENTS = EVENTS {
        table: "provider_event", key: "event_id", since: "created_at", also: ", type, object_id",
        open: "state = 'new'",
        done: "state = $3, donation_id = $4, payload = ''",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "state = 'dead'", give_up: "state = 'dead'",
        again: "state = 'new', attempts = 0, next_at = $2, last_error = null", from: "state = 'dead' and object_id <> ''",
    }
    /// Checkouts that are to be opened. The page says no more of one that staff have seen.
    pub CHECKOUTS = CHECKOUTS {
        table: "provider_call", key: "idempotency_key", since: "created_at", also: ", request",
        open: "state = 'started' and operation = 'checkout'",
        done: "state = 'done', request = '', response_id = $3, finished_at = $4",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        over: "state = 'failed' and told_at is null", give_up: "state = 'failed', request = '', finished_at = $3",
    }
    /// Monthly donations that are to end. Each try has a key of its own, so the count of them goes on.
    pub CANCELLATIONS = CANCELLATIONS {
        table: "provider_call", key: "idempotency_key", since: "created_at", also: ", request",
        open: "state = 'started' and operation = 'cancel'",
        done: "state = 'done', request = '', response_id = $3, finished_at = $4",
        // What the provider did is done, whoever has the claim by now.
        held: "cast($2 as bigint) is not null",
        again: "next_at = $2", from: "state = 'started' and operation = 'cancel'",
    }
}

/// A donation as the transitions need it.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Donation {
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

/// A recurring donation.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Recurring {
    pub id: i64,
    pub public_id: String,
    pub donor_id: Option<i64>,
    pub email: String,
    pub name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub state: RecurringState,
    pub provider_subscription_id: Option<String>,
    pub edition_id: Option<i64>,
    pub activated_at: Option<Moment>,
    pub cancelled_at: Option<Moment>,
    /// The public id of the one that it is a copy of.
    pub copy_of: Option<String>,
}

/// What there is to say of a call that was stored and has not ended.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Asked {
    pub request: String,
}

/// What there is to say of an event whose turn has come: since when it waits is when the provider made it.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Told {
    #[sqlx(rename = "type")]
    kind: String,
    pub object_id: String,
}

impl Told {
    /// What it is news of; none for what moves nothing here.
    pub fn news(&self) -> Option<EventKind> {
        EventKind::of(&self.kind)
    }
}

/// A call whose turn has come.
pub(super) type Call = Due<Asked>;

/// An event whose turn has come.
pub(super) type DueEvent = Due<Told>;

/// What a donor's gifts come to, for the state that segments read.
#[derive(Clone, Debug, FromRow)]
pub(super) struct GivenSoFar {
    pub email: String,
    pub created_at: Moment,
    pub active: i64,
    pub failing: i64,
    pub ended: i64,
    pub last_gift_at: Option<Moment>,
}

/// What is not finished yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Unfinished {
    /// Events that wait for their turn.
    pub waiting: i64,
    /// Events that were given up: someone must look.
    pub dead: i64,
    /// Calls to the provider whose outcome is not known yet.
    pub calls: i64,
}

/// A new row of `donation`.
pub(super) struct NewDonation<'a> {
    pub public_id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub recurring_donation_id: Option<i64>,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub edition_id: Option<i64>,
    pub at: Moment,
}

pub(super) async fn add_donation(tx: &mut Tx, new: &NewDonation<'_>) -> Result<Donation> {
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

/// A new row of `recurring_donation`.
pub(super) struct NewRecurring<'a> {
    pub public_id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub edition_id: Option<i64>,
    pub at: Moment,
}

pub(super) async fn add_recurring(tx: &mut Tx, new: &NewRecurring<'_>) -> Result<Recurring> {
    let row = (new.public_id, new.email, new.name, new.amount_minor, new.currency, new.edition_id, new.at);
    tx.exec(ADD_RECURRING, row).await?;
    tx.one(TAKE_RECURRING, (new.public_id,)).await
}

pub(super) async fn donation(tx: &mut Tx, public_id: &str) -> Result<Option<Donation>> {
    tx.opt(TAKE_DONATION, (public_id,)).await
}

pub(super) async fn instalment(tx: &mut Tx, invoice_id: &str) -> Result<Option<Donation>> {
    tx.opt(TAKE_INSTALMENT, (invoice_id,)).await
}

pub(super) async fn recurring(tx: &mut Tx, public_id: &str) -> Result<Option<Recurring>> {
    tx.opt(TAKE_RECURRING, (public_id,)).await
}

pub(super) async fn recurring_of(tx: &mut Tx, subscription_id: &str) -> Result<Option<Recurring>> {
    tx.opt(TAKE_RECURRING_BY_SUBSCRIPTION, (subscription_id,)).await
}

pub(super) async fn recurring_by_id(tx: &mut Tx, id: i64) -> Result<Recurring> {
    tx.one(TAKE_RECURRING_BY_ID, (id,)).await
}

pub(super) async fn read_recurring(db: &Db, public_id: &str) -> Result<Option<Recurring>> {
    db.opt(READ_RECURRING, (public_id,)).await
}

/// The checkout session of a donation; none before it has one.
pub(super) async fn session_of(db: &Db, donation: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(SESSION_OF, (donation,)).await?;
    Ok(found.map(|(session,)| session))
}

/// The checkout session of a donation of which it is not known any more who gave it.
pub(super) async fn forgotten_session(db: &Db, donation: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = db.opt(FORGOTTEN_SESSION, (donation,)).await?;
    Ok(found.map(|(session,)| session))
}

/// How often the row of a subscription has followed it; none while no row knows it.
pub(super) async fn version_of(db: &Db, subscription_id: &str) -> Result<Option<i64>> {
    let found: Option<(i64,)> = db.opt(VERSION_OF, (subscription_id,)).await?;
    Ok(found.map(|(version,)| version))
}

/// The row of a copied subscription, made if it is not there; `model` is the one that its metadata name.
pub(super) async fn add_copy(
    tx: &mut Tx,
    named: &str,
    model: Option<&Recurring>,
    subscription: &ProviderSubscription,
    amount: Money,
) -> Result<Recurring> {
    let public_id = token::public_id();
    let row = (
        public_id.as_str(),
        model.map_or("", |row| row.email.as_str()),
        model.map_or("", |row| row.name.as_str()),
        amount.minor,
        amount.currency.code(),
        model.and_then(|row| row.edition_id),
        subscription.created,
        subscription.id.as_str(),
        named,
    );
    tx.exec(ADD_COPY, row).await?;
    tx.one(TAKE_RECURRING_BY_SUBSCRIPTION, (subscription.id.as_str(),)).await
}

/// The row of a second payment of a gift, made if it is not there.
pub(super) async fn add_another_payment(
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

pub(super) async fn link_session(tx: &mut Tx, donation_id: i64, session_id: &str) -> Result<u64> {
    tx.exec(LINK_SESSION, (donation_id, session_id)).await
}

/// The row of a month's gift, made if it is not there.
pub(super) async fn add_instalment(
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
pub(super) enum Move {
    Pending,
    Failed,
    Expired,
}

/// Moves a donation on, unless it is there or beyond.
pub(super) async fn advance(tx: &mut Tx, donation_id: i64, to: Move) -> Result<u64> {
    let statement = match to {
        Move::Pending => SET_PENDING,
        Move::Failed => SET_FAILED,
        Move::Expired => SET_EXPIRED,
    };
    tx.exec(statement, (donation_id,)).await
}

/// What is written when a donation is paid.
pub(super) struct Payment<'a> {
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
pub(super) async fn pay(tx: &mut Tx, paid: &Payment<'_>) -> Result<bool> {
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
    Ok(tx.exec(PAY, row).await? == 1)
}

pub(super) async fn keep_donor(
    tx: &mut Tx,
    email: &str,
    email_key: &str,
    name: &str,
    at: Moment,
) -> Result<i64> {
    let public_id = token::public_id();
    let kept: (i64,) = tx.one(KEEP_DONOR, (public_id.as_str(), email, email_key, name, at)).await?;
    Ok(kept.0)
}

pub(super) async fn donor_of(tx: &mut Tx, email_key: &str) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(DONOR_OF, (email_key,)).await?.map(|(id,)| id))
}

pub(super) async fn donors_at(db: &Db, keys: &str) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(DONORS_AT, (keys,)).await?.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn donor_name(db: &Db, email_key: &str) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(DONOR_NAME, (email_key,)).await?.map(|(name,)| name))
}

pub(super) async fn donor_address(tx: &mut Tx, public_id: &str) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(DONOR_ADDRESS, (public_id,)).await?.map(|(email,)| email))
}

/// Forgets a supporter; `false`, and their address stays, while a monthly donation of theirs is not over.
pub(super) async fn forget_donor(tx: &mut Tx, donor_id: i64) -> Result<bool> {
    let runs = tx.exec(TAKE_RUNNING, (donor_id,)).await? > 0;
    tx.exec(FORGET_RECURRING, (donor_id,)).await?;
    tx.exec(FORGET_GIFTS, (donor_id,)).await?;
    if !runs {
        tx.exec(FORGET_DONOR, (donor_id,)).await?;
        // What was paid by them until now: nobody finds them any more who pays from here on.
        tx.exec(FORGET_GIFTS, (donor_id,)).await?;
    }
    Ok(!runs)
}

/// One line of the book.
pub(super) struct Entry<'a> {
    pub group: &'a str,
    pub account: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub donation_id: i64,
    pub reference: &'a str,
    pub at: Moment,
}

pub(super) async fn add_entry(tx: &mut Tx, entry: &Entry<'_>) -> Result<u64> {
    let row = (
        entry.group,
        entry.account,
        entry.amount_minor,
        entry.currency,
        entry.donation_id,
        entry.reference,
        entry.at,
    );
    tx.exec(ADD_ENTRY, row).await
}

pub(super) async fn add_receipt(tx: &mut Tx, donation_id: i64, number: &str, at: Moment) -> Result<u64> {
    let public_id = token::public_id();
    tx.exec(ADD_RECEIPT, (public_id.as_str(), number, donation_id, at)).await
}

/// What a subscription says of its recurring donation.
pub(super) struct Mirror<'a> {
    pub id: i64,
    pub subscription_id: &'a str,
    pub customer_id: Option<&'a str>,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub state: RecurringState,
    /// When it ended, if its state says that it has.
    pub ended_at: Moment,
    /// The row's version before the subscription was looked at.
    pub version: i64,
}

/// Whether the row followed; false when somebody else made it follow since.
pub(super) async fn mirror_subscription(tx: &mut Tx, seen: &Mirror<'_>) -> Result<bool> {
    let row = (
        seen.id,
        seen.subscription_id,
        seen.customer_id,
        seen.amount_minor,
        seen.currency,
        seen.state,
        seen.ended_at,
        seen.version,
    );
    Ok(tx.exec(MIRROR_SUBSCRIPTION, row).await? == 1)
}

pub(super) async fn begin_recurring(
    tx: &mut Tx,
    id: i64,
    donor_id: Option<i64>,
    at: Moment,
    email: &str,
    name: &str,
) -> Result<u64> {
    tx.exec(BEGIN_RECURRING, (id, donor_id, at, email, name)).await
}

pub(super) async fn cancel_recurring(tx: &mut Tx, id: i64, at: Moment) -> Result<u64> {
    tx.exec(CANCEL_RECURRING, (id, at)).await
}

pub(super) async fn abandon_recurring(tx: &mut Tx, id: i64, at: Moment) -> Result<u64> {
    tx.exec(ABANDON_RECURRING, (id, at)).await
}

pub(super) async fn standing(tx: &mut Tx, donor_id: i64) -> Result<GivenSoFar> {
    tx.one(DONOR_STANDING, (donor_id,)).await
}

pub(super) async fn add_call(
    tx: &mut Tx,
    key: &str,
    operation: Operation,
    request: &str,
    at: Moment,
    next_at: Moment,
) -> Result<u64> {
    tx.exec(ADD_CALL, (key, operation, request, at, next_at)).await
}

pub(super) async fn reopen_call(tx: &mut Tx, key: &str, why: &str, next_at: Moment) -> Result<u64> {
    tx.exec(REOPEN_CALL, (key, next_at, why)).await
}

/// The row may follow its subscription again.
pub(super) async fn revive_recurring(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec(REVIVE_RECURRING, (id,)).await
}

pub(super) async fn checkout_is_known(tx: &mut Tx, key: &str) -> Result<u64> {
    tx.exec(CHECKOUT_IS_KNOWN, (key,)).await
}

/// Puts an event into the inbox, once: the number of rows added. Of its text only what cannot be read is kept, in `unread`.
pub(super) async fn add_event(
    tx: &mut Tx,
    event: &ProviderEvent,
    source: EventSource,
    state: EventState,
    unread: Option<&str>,
    now: Moment,
) -> Result<u64> {
    let row = (
        event.id.as_str(),
        event.kind.as_str(),
        event.object_id.as_str(),
        source,
        unread.unwrap_or_default(),
        state,
        unread.map(|_| "cannot be read"),
        event.created,
        now,
    );
    tx.exec(ADD_EVENT, row).await
}

pub(super) async fn totals(db: &Db) -> Result<Vec<Total>> {
    db.all(TOTALS, ()).await
}

pub(super) async fn totals_of(db: &Db, email_key: &str) -> Result<Vec<Total>> {
    db.all(TOTALS_OF, (email_key,)).await
}

pub(super) async fn running(db: &Db) -> Result<Vec<Total>> {
    db.all(RUNNING, ()).await
}

pub(super) async fn booked(db: &Db) -> Result<Vec<Total>> {
    db.all(BOOKED, ()).await
}

/// Everything that should not be: a sentence for each, with the names of the rows.
pub(super) async fn wrong_rows(db: &Db) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (statement, sentence) in [
        (UNBALANCED, "the entries do not add up to zero in group"),
        (WRONGLY_BOOKED, "not booked exactly once: donation"),
        (WITHOUT_RECEIPT, "not exactly one receipt: donation"),
        (BOOKED_UNPAID, "booked without having been paid: donation"),
    ] {
        let rows: Vec<(String,)> = db.all(statement, ()).await?;
        problems.extend(rows.into_iter().map(|(name,)| format!("{sentence} {name}")));
    }
    Ok(problems)
}

pub(super) async fn receipt_count(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(RECEIPT_COUNT, ()).await?.0)
}

pub(super) async fn unfinished(db: &Db) -> Result<Unfinished> {
    db.one(UNFINISHED, ()).await
}

pub(super) async fn list(db: &Db, before_id: i64, limit: i64) -> Result<Vec<ListedDonation>> {
    db.all(LIST_DONATIONS, (before_id, limit)).await
}

pub(super) async fn find(db: &Db, public_id: &str) -> Result<Option<ListedDonation>> {
    db.opt(ONE_DONATION, (public_id,)).await
}

pub(super) async fn entries_of(db: &Db, donation_id: i64) -> Result<Vec<LedgerLine>> {
    db.all(ENTRIES_OF, (donation_id,)).await
}

pub(super) async fn events_of(db: &Db, donation_id: i64) -> Result<Vec<EventLine>> {
    db.all(EVENTS_OF, (donation_id,)).await
}

pub(super) async fn stuck_events(db: &Db) -> Result<Vec<EventLine>> {
    db.all(STUCK_EVENTS, ()).await
}

pub(super) async fn newest_gift(db: &Db, before: Moment) -> Result<Option<Moment>> {
    Ok(db.one::<(Option<Moment>,)>(NEWEST_GIFT, (before,)).await?.0)
}
