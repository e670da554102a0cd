//! SQL of notices.

use std::sync::Arc;

use super::super::states::{Class, CopyState};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    dkim::{self, SealedKey},
    email_address::EmailAddress,
    statements,
};

statements! {
    /// The same fact never sends twice.
    ADD = "insert into notice (key, template, context, message, from_name, from_email, address, address_key, name, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at)
        values ($1, $2, $3, $10, $4, $5, $6, $11, $7, $8, 'queued', '', 0, false, false, $9, $9) on conflict (key) do nothing";
    /// Whether `CLAIM` would find one.
    IS_DUE = "select id from notice where state = 'queued' and next_at <= $2
        and (template = 'sign_in_link' or not exists (select 1 from worker w, origin o where w.id = $1 and (w.base_url <> o.base_url or o.doubt <> ''))) limit 1";
    /// Takes a batch for one worker; away from home only what lets people sign in and confirm the new address.
    CLAIM = sqlite "update notice set state = 'claimed', claimed_by = $1, attempt = attempt + 1, marker = false
            where id in (select id from notice where state = 'queued' and next_at <= $2
                and (template = 'sign_in_link' or not exists (select 1 from worker w, origin o where w.id = $1 and (w.base_url <> o.base_url or o.doubt <> '')))
                order by next_at, id limit $3)
            returning id, template, context, message, from_name, from_email, address, name, message_id, attempt, created_at,
                (select r.public_id from subscriber r where r.email_key = notice.address_key) as reader",
        postgres "update notice set state = 'claimed', claimed_by = $1, attempt = attempt + 1, marker = false
            where id in (select id from notice where state = 'queued' and next_at <= $2
                and (template = 'sign_in_link' or not exists (select 1 from worker w, origin o where w.id = $1 and (w.base_url <> o.base_url or o.doubt <> '')))
                order by next_at, id limit $3 for update skip locked)
            returning id, template, context, message, from_name, from_email, address, name, message_id, attempt, created_at,
                (select r.public_id from subscriber r where r.email_key = notice.address_key) as reader";
    /// The last look before the body: still ours, and the mailbox did not say meanwhile that it wants no mail; nor staff, where
    /// it asks whether it may be mailed, or greets. Who is greeted is still on one of the lists, and who is taken leave of has not come back.
    MARK = "update notice set marker = true where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3
        and not exists (select 1 from suppression where address_hash = $4 and lifted_at is null
            and (reason in ('bounced', 'complained') or reason = 'staff' and notice.template in ('confirm_subscription', 'already_reader', 'welcome', 'choices_link', 'paused', 'address_change_old', 'address_change_new', 'address_is_known', 'address_changed', 'address_taken_back', 'new_gift_address') or notice.template = 'good_bye'))
        and (notice.key not like 'welcome:%' or exists (select 1 from subscriber r join subscription s on s.subscriber_id = r.id join list l on l.id = s.list_id
            where r.public_id = substr(notice.key, 9, 26) and s.state = 'confirmed' and l.retired_at is null and notice.key like '%' || l.public_id || '%'))
        and (notice.key not like 'good_bye:%' or exists (select 1 from subscriber r join subscription s on s.subscriber_id = r.id
            where r.public_id = substr(notice.key, 10, 26) and s.state = 'left' and cast(s.left_at as text) = substr(notice.key, 37)))";
    /// Whether its reader has gone, of a welcome, or come back, of a good-bye; of another letter never.
    NO_LONGER_TRUE = "select id from notice where id = $1 and (
        notice.key like 'welcome:%' and not exists (select 1 from subscriber r join subscription s on s.subscriber_id = r.id join list l on l.id = s.list_id
            where r.public_id = substr(notice.key, 9, 26) and s.state = 'confirmed' and l.retired_at is null and notice.key like '%' || l.public_id || '%')
        or notice.key like 'good_bye:%' and not exists (select 1 from subscriber r join subscription s on s.subscriber_id = r.id
            where r.public_id = substr(notice.key, 10, 26) and s.state = 'left' and cast(s.left_at as text) = substr(notice.key, 37)))";
    /// Taken. Of whoever was forgotten meanwhile no word of a server is kept, here and below: it may name them.
    ACCEPT = "update notice set state = 'accepted', context = '', message = null, class = null, reply = case when address = '' then '' else $4 end, marker = false, claimed_by = null, finished_at = $5
        where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3";
    /// Refused for good.
    FAIL = "update notice set state = 'failed', context = '', message = null, class = $6, reply = case when address = '' then '' else $4 end, marker = false, claimed_by = null, finished_at = $5
        where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3";
    /// Not mailed: bounced or complained before.
    SUPPRESS = "update notice set state = 'suppressed', context = '', message = null, class = $6, reply = case when address = '' then '' else $4 end, marker = false, claimed_by = null, finished_at = $5
        where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3";
    /// Its mailbox said that it wants no mail: what waits for it ends. What is claimed ends at `MARK`, and so does what is spelled in
    /// capitals that the database does not know.
    WITHDRAW = "update notice set state = 'suppressed', context = '', message = null, class = 'suppressed', reply = 'the address bounced or complained before', finished_at = $2
        where state = 'queued' and (lower(address) = $1 or address = $3 or address = (select email from subscriber where email_key = $1))";
    /// Somebody left a list, or every list: the letter that greets them there ends unsent.
    WITHDRAW_WELCOME = "update notice set state = 'suppressed', context = '', message = null, class = 'suppressed', reply = 'the reader left', finished_at = $3
        where state = 'queued' and template = 'welcome'
        and key >= (select 'welcome:' || public_id || ':' from subscriber where id = $1)
        and key < (select 'welcome:' || public_id || ';' from subscriber where id = $1)
        and (key = (select 'welcome:' || r.public_id || ':' || l.public_id from subscriber r, list l where r.id = $1 and l.id = $2)
            or not exists (select 1 from subscription s where s.subscriber_id = $1 and s.state = 'confirmed'))";
    /// A reader has another address: what waits for the old one ends, of these templates. A worker that holds one finds that out at
    /// its marker.
    WITHDRAW_FROM = sqlite "update notice set state = 'suppressed', context = '', message = null, class = 'another address', reply = 'the reader has another address', claimed_by = null, finished_at = $4
            where address in ($1, $2) and (state = 'queued' or (state = 'claimed' and not marker)) and template in (select value from json_each($3))",
        postgres "update notice set state = 'suppressed', context = '', message = null, class = 'another address', reply = 'the reader has another address', claimed_by = null, finished_at = $4
            where address in ($1, $2) and (state = 'queued' or (state = 'claimed' and not marker)) and template in (select json_array_elements_text(cast($3 as json)))";
    /// Somebody came back: the letter of good-bye ends unsent.
    WITHDRAW_GOOD_BYE = "update notice set state = 'suppressed', context = '', message = null, class = 'suppressed', reply = 'the reader came back', finished_at = $2
        where state = 'queued' and template = 'good_bye'
        and key >= (select 'good_bye:' || public_id || ':' from subscriber where id = $1)
        and key < (select 'good_bye:' || public_id || ';' from subscriber where id = $1)";
    /// The same of all who were greeted on a list alone that was retired.
    WITHDRAW_WELCOMES = "update notice set state = 'suppressed', context = '', message = null, class = 'suppressed', reply = 'the list was retired', finished_at = $2
        where state = 'queued' and template = 'welcome'
        and key like 'welcome:%:' || $1";
    /// Whose address it is is forgotten: what waits ends unsent, and nothing says whose they were. Letters to the team stay as they are; one
    /// about money that waits is sent. What is on its way is not tried again.
    FORGET_ADDRESS = sqlite "update notice set address = '', address_key = '', name = '', reply = '', context = '', message = null,
            class = case when state in ('queued', 'claimed') and not marker then 'erased' else class end,
            claimed_by = case when state = 'claimed' and not marker then null else claimed_by end,
            finished_at = case when state in ('queued', 'claimed') and not marker then cast($2 as integer) else finished_at end,
            state = case when state in ('queued', 'claimed') and not marker then 'suppressed' else state end
            where (address_key = $1 or address_key = '' and lower(address) = $1 or former_of = $5) and template not in (select value from json_each($3))
            and (state in ('accepted', 'failed', 'suppressed') or template not in (select value from json_each($4)))",
        postgres "update notice set address = '', address_key = '', name = '', reply = '', context = '', message = null,
            class = case when state in ('queued', 'claimed') and not marker then 'erased' else class end,
            claimed_by = case when state = 'claimed' and not marker then null else claimed_by end,
            finished_at = case when state in ('queued', 'claimed') and not marker then cast($2 as bigint) else finished_at end,
            state = case when state in ('queued', 'claimed') and not marker then 'suppressed' else state end
            where (address_key = $1 or address_key = '' and lower(address) = $1 or former_of = $5) and template not in (select json_array_elements_text(cast($3 as json)))
            and (state in ('accepted', 'failed', 'suppressed') or template not in (select json_array_elements_text(cast($4 as json))))";
    /// The letters of these keys ask the owner of an address that a stranger typed, who is forgotten: nothing says whose it is.
    FORGET_KEYS = sqlite "update notice set address = '', address_key = '', name = '', reply = '', context = '', message = null,
            class = case when state in ('queued', 'claimed') and not marker then 'erased' else class end,
            claimed_by = case when state = 'claimed' and not marker then null else claimed_by end,
            finished_at = case when state in ('queued', 'claimed') and not marker then cast($2 as integer) else finished_at end,
            state = case when state in ('queued', 'claimed') and not marker then 'suppressed' else state end
            where key in (select value from json_each($1)) and template = $3",
        postgres "update notice set address = '', address_key = '', name = '', reply = '', context = '', message = null,
            class = case when state in ('queued', 'claimed') and not marker then 'erased' else class end,
            claimed_by = case when state = 'claimed' and not marker then null else claimed_by end,
            finished_at = case when state in ('queued', 'claimed') and not marker then cast($2 as bigint) else finished_at end,
            state = case when state in ('queued', 'claimed') and not marker then 'suppressed' else state end
            where key in (select json_array_elements_text(cast($1 as json))) and template = $3";
    /// Letters to an address that a reader had until now are that reader's, but for those of these templates; or those of them alone.
    ARE_OF_BUT = sqlite "update notice set former_of = $2 where (address_key = $1 or address_key = '' and lower(address) = $1) and former_of is null
            and template not in (select value from json_each($3))",
        postgres "update notice set former_of = $2 where (address_key = $1 or address_key = '' and lower(address) = $1) and former_of is null
            and template not in (select json_array_elements_text(cast($3 as json)))";
    ARE_OF = sqlite "update notice set former_of = $2 where (address_key = $1 or address_key = '' and lower(address) = $1) and former_of is null
            and template in (select value from json_each($3))",
        postgres "update notice set former_of = $2 where (address_key = $1 or address_key = '' and lower(address) = $1) and former_of is null
            and template in (select json_array_elements_text(cast($3 as json)))";
    /// Later.
    RETRY = "update notice set state = case when address = '' then 'suppressed' else 'queued' end, class = $6, reply = case when address = '' then '' else $4 end, next_at = $5,
            finished_at = case when address = '' then cast($5 as bigint) end, marker = false, claimed_by = null
        where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3";
    /// It may have arrived: sent again, flagged. In doubt for the third time it is not: some servers take every message and never
    /// say so, and its reader has three.
    DOUBT = "update notice set state = case when address = '' then 'suppressed' when doubts >= 2 then 'failed' else 'queued' end, context = case when doubts >= 2 then '' else context end, message = case when doubts >= 2 then null else message end,
            finished_at = case when doubts >= 2 or address = '' then cast($7 as bigint) end, class = $6, reply = case when address = '' then '' else $4 end, next_at = $5,
            doubts = doubts + 1, maybe_duplicate = true, marker = false, claimed_by = null
        where id = $1 and state = 'claimed' and claimed_by = $2 and attempt = $3";
    /// What a worker holds.
    HELD = "select id, attempt, marker from notice where state = 'claimed' and claimed_by = $1";
    /// Claims go back: sent again, flagged where they may have arrived; three times at most, as above. One that was not begun is given
    /// up when a task broke off for the third time that had it in hand. The attempt does not count where no word says why.
    GIVE_BACK = rows(7) "update notice set
            state = case when address = '' then 'suppressed' when marker and doubts >= 2 or not marker and v.column5 = 'broke off' and breaks >= 2 then 'failed' else 'queued' end,
            context = case when marker and doubts >= 2 or not marker and v.column5 = 'broke off' and breaks >= 2 then '' else context end,
            message = case when marker and doubts >= 2 or not marker and v.column5 = 'broke off' and breaks >= 2 then null else message end,
            finished_at = case when address = '' or marker and doubts >= 2 or not marker and v.column5 = 'broke off' and breaks >= 2 then cast(v.column7 as bigint) end,
            class = case when v.column5 = 'broke off' or marker and doubts >= 2 then v.column5 else class end,
            reply = case when v.column5 = 'broke off' then v.column6 else reply end, next_at = coalesce(cast(v.column4 as bigint), next_at),
            attempt = notice.attempt - case when v.column5 is null then 1 else 0 end, doubts = doubts + case when marker then 1 else 0 end,
            breaks = breaks + case when not marker and v.column5 = 'broke off' then 1 else 0 end,
            maybe_duplicate = (maybe_duplicate or marker), marker = false, claimed_by = null
        from (values {rows}) as v
        where notice.id = cast(v.column1 as bigint) and notice.state = 'claimed' and notice.claimed_by = cast(v.column2 as bigint)
        and notice.attempt = cast(v.column3 as bigint) and (not notice.marker or v.column5 is not null)";
    /// The copy of the database that holds them was restored: they are not sent.
    END_WAITING = "update notice set state = 'suppressed', class = 'restored', context = '', message = null, finished_at = $2 where state = 'queued' and created_at <= $1 returning template";
    /// What came to its end long ago; until then its key keeps the same fact from being told twice.
    pub(crate) FORGET = "delete from notice where id in (select id from notice
        where finished_at < $1 and state in ('accepted', 'failed', 'suppressed') order by finished_at limit $2)";
    /// The same of those that asked to confirm: whom nobody knows any more who did not answer.
    pub(crate) FORGET_ASKING = "delete from notice where id in (select id from notice
        where template = 'confirm_subscription' and finished_at < $1 and state in ('accepted', 'failed', 'suppressed') order by finished_at limit $2)";
    /// How many stand in each state.
    COUNTS = "select state, count(*) as count from notice group by state";
    /// Given up lately, the newest first.
    FAILED = "select template, address, class, reply, attempt, finished_at from notice
        where state = 'failed' and finished_at >= $1 order by finished_at desc, id desc limit $2";
    /// Those to a reader, at the address that they have and at those that they had, the newest first.
    TO = sqlite "select id, template, state, class, reply, attempt, maybe_duplicate, created_at, finished_at from notice
            where id in (select id from notice where (address_key = $1 or address_key = '' and lower(address) = $1) and coalesce(former_of, $5) = $5
                union select id from notice where former_of = $5)
            and id < $2 and template not in (select value from json_each($4)) order by id desc limit $3",
        postgres "select id, template, state, class, reply, attempt, maybe_duplicate, created_at, finished_at from notice
            where id in (select id from notice where (address_key = $1 or address_key = '' and lower(address) = $1) and coalesce(former_of, $5) = $5
                union select id from notice where former_of = $5)
            and id < $2 and template not in (select json_array_elements_text(cast($4 as json))) order by id desc limit $3";
    /// What was taken.
    ACCEPTED = "select message_id, maybe_duplicate from notice where state = 'accepted'";
}

/// A notice that a worker claimed.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct ClaimedNotice {
    pub id: i64,
    pub template: String,
    /// The template's context, as JSON, where it is to be written yet.
    pub context: String,
    /// The message as it was written, but for its signature.
    pub message: Option<Vec<u8>>,
    /// The name in the From header.
    pub from_name: String,
    /// The address in the From header and the envelope.
    pub from_email: String,
    /// To whom.
    pub address: String,
    /// The name in the To header; may be empty.
    pub name: String,
    /// Its Message-ID, the same on every attempt.
    pub message_id: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// When it was enqueued: the Date of every attempt.
    pub created_at: Moment,
    /// The public id of the reader whose address it is, if there is one.
    pub reader: Option<String>,
    /// The keys that sign now, for whichever domain.
    #[sqlx(skip)]
    pub keys: Arc<[SealedKey]>,
}

/// An automatic email that was given up.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct FailedNotice {
    pub template: String,
    /// To whom: shown masked.
    pub address: String,
    /// Why, in a word.
    pub class: Option<Class>,
    /// What the mail service said.
    pub reply: String,
    /// How often it was tried.
    pub attempt: i64,
    /// When it was given up.
    pub finished_at: Option<Moment>,
}

/// An automatic email, and what became of it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Sent {
    pub id: i64,
    pub template: String,
    pub state: CopyState,
    /// Why it did not arrive, in a word.
    pub class: Option<Class>,
    /// What the mail service said.
    pub reply: String,
    pub attempt: i64,
    /// Whether an earlier attempt may have arrived, too.
    pub maybe_duplicate: bool,
    /// When it was enqueued.
    pub created_at: Moment,
    /// When it came to its end.
    pub finished_at: Option<Moment>,
}

pub async fn to(
    db: &Db,
    (reader, address): (i64, &EmailAddress),
    untold: &[&str],
    before: i64,
    limit: i64,
) -> Result<Vec<Sent>> {
    db.all(TO, (address.key(), before, limit, db::array(untold)?, reader)).await
}

/// A row to be.
#[derive(Debug)]
pub struct NewRow {
    pub key: String,
    pub template: &'static str,
    pub context: String,
    pub message: Option<Vec<u8>>,
    pub from_name: String,
    pub from_email: String,
    pub address: String,
    pub address_key: String,
    pub name: String,
    pub message_id: String,
    pub created_at: Moment,
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub enum Ending {
    Accepted,
    Failed(Class),
    Suppressed(Class),
    Retry {
        class: Class,
        at: Moment,
    },
    /// It may have arrived; it is sent again at that moment, but not for the fourth time.
    Doubt {
        class: Class,
        at: Moment,
    },
}

impl Ending {
    /// The word for it, as the log of copies has them.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed(_) => "failed",
            Self::Suppressed(_) => "suppressed",
            Self::Retry { .. } => "retry",
            Self::Doubt { .. } => "unknown",
        }
    }
}

pub async fn end_waiting(tx: &mut Tx, before: Moment, now: Moment) -> Result<Vec<String>> {
    Ok(tx
        .all::<(String,)>(END_WAITING, (before, now))
        .await?
        .into_iter()
        .map(|(template,)| template)
        .collect())
}

pub async fn withdraw_from(
    tx: &mut Tx,
    address: &EmailAddress,
    templates: &[&str],
    now: Moment,
) -> Result<u64> {
    tx.exec(WITHDRAW_FROM, (address.as_str(), address.key(), db::array(templates)?, now)).await
}

pub async fn withdraw_welcome(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<u64> {
    tx.exec(WITHDRAW_WELCOME, (subscriber, list, now)).await
}

pub async fn withdraw_good_bye(tx: &mut Tx, subscriber: i64, now: Moment) -> Result<u64> {
    tx.exec(WITHDRAW_GOOD_BYE, (subscriber, now)).await
}

/// Whether the reader went, or came back, since it was written.
pub async fn no_longer_true(db: &Db, id: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(NO_LONGER_TRUE, (id,)).await?.is_some())
}

pub async fn withdraw_welcomes(tx: &mut Tx, list: &str, now: Moment) -> Result<u64> {
    tx.exec(WITHDRAW_WELCOMES, (list, now)).await
}

/// `(ours, money)`: templates of letters to the team, and of those about money.
pub async fn forget_address(
    tx: &mut Tx,
    (key, reader): (&str, i64),
    (ours, money): (&[&str], &[&str]),
    now: Moment,
) -> Result<u64> {
    tx.exec(FORGET_ADDRESS, (key, now, db::array(ours)?, db::array(money)?, reader)).await
}

pub async fn forget_keys(tx: &mut Tx, keys: &[String], template: &str, now: Moment) -> Result<u64> {
    tx.exec(FORGET_KEYS, (db::array(keys)?, now, template)).await
}

/// All to an address but those of the templates `untold`.
pub async fn are_of_but(tx: &mut Tx, key: &str, reader: i64, untold: &[&str]) -> Result<u64> {
    tx.exec(ARE_OF_BUT, (key, reader, db::array(untold)?)).await
}

pub async fn are_of(tx: &mut Tx, key: &str, reader: i64, templates: &[&str]) -> Result<u64> {
    tx.exec(ARE_OF, (key, reader, db::array(templates)?)).await
}

pub async fn add(tx: &mut Tx, row: &NewRow) -> Result<bool> {
    let params = (
        row.key.as_str(),
        row.template,
        row.context.as_str(),
        row.from_name.as_str(),
        row.from_email.as_str(),
        row.address.as_str(),
        row.name.as_str(),
        row.message_id.as_str(),
        row.created_at,
        row.message.as_deref(),
        row.address_key.as_str(),
    );
    Ok(tx.exec(ADD, params).await? == 1)
}

pub async fn is_due(db: &Db, worker: i64, now: Moment) -> Result<bool> {
    Ok(db.opt::<(i64,)>(IS_DUE, (worker, now)).await?.is_some())
}

pub async fn claim(tx: &mut Tx, worker: i64, limit: i64, now: Moment) -> Result<Vec<ClaimedNotice>> {
    let mut claimed: Vec<ClaimedNotice> = tx.all(CLAIM, (worker, now, limit)).await?;
    if !claimed.is_empty() {
        let keys: Arc<[SealedKey]> = dkim::signing_in(tx).await?.into();
        claimed.iter_mut().for_each(|notice| notice.keys = keys.clone());
    }
    Ok(claimed)
}

pub async fn mark(tx: &mut Tx, worker: i64, (id, attempt): (i64, i64), address_hash: &str) -> Result<bool> {
    Ok(tx.exec(MARK, (id, worker, attempt, address_hash)).await? == 1)
}

/// Ends what waits for an address, however it is spelled.
pub async fn withdraw(tx: &mut Tx, address: &EmailAddress, now: Moment) -> Result<u64> {
    tx.exec(WITHDRAW, (address.key(), now, address.as_str())).await
}

pub async fn record(
    tx: &mut Tx,
    worker: i64,
    (id, attempt): (i64, i64),
    ending: &Ending,
    reply: &str,
    now: Moment,
) -> Result<u64> {
    match *ending {
        Ending::Accepted => tx.exec(ACCEPT, (id, worker, attempt, reply, now)).await,
        Ending::Failed(class) => tx.exec(FAIL, (id, worker, attempt, reply, now, class)).await,
        Ending::Suppressed(class) => tx.exec(SUPPRESS, (id, worker, attempt, reply, now, class)).await,
        Ending::Retry { class, at } => tx.exec(RETRY, (id, worker, attempt, reply, at, class)).await,
        Ending::Doubt { class, at } => tx.exec(DOUBT, (id, worker, attempt, reply, at, class, now)).await,
    }
}

/// What a worker holds: id, attempt, and whether the marker stands.
pub async fn held(tx: &mut Tx, worker: i64) -> Result<Vec<(i64, i64, bool)>> {
    tx.all(HELD, (worker,)).await
}

/// A claim that goes back: its id and attempt; why and in what words, if the attempt counts; until when it waits, if not until it could
/// be claimed before.
pub type GoesBack<'a> = ((i64, i64), Option<(Class, &'a str)>, Option<Moment>);

/// Gives claims back; how many were the worker's own.
pub async fn give_back(tx: &mut Tx, worker: i64, claims: &[GoesBack<'_>], now: Moment) -> Result<u64> {
    let rows = claims.iter().map(|&((id, attempt), why, until)| {
        (id, worker, attempt, until, why.map(|(class, _)| class), why.map_or("", |(_, words)| words), now)
    });
    tx.many(GIVE_BACK, rows).await
}

pub async fn counts(db: &Db) -> Result<Vec<(CopyState, i64)>> {
    db.all(COUNTS, ()).await
}

pub async fn failed(db: &Db, since: Moment, limit: i64) -> Result<Vec<FailedNotice>> {
    db.all(FAILED, (since, limit)).await
}

pub async fn accepted(db: &Db) -> Result<Vec<(String, bool)>> {
    db.all(ACCEPTED, ()).await
}
