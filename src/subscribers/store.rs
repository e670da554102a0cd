//! The SQL of readers, lists and consent.

pub mod counting;
pub mod fields;
pub mod finding;
pub mod forgotten;
pub mod forms;
pub mod importing;
pub mod imports;
pub mod imports_undone;
pub mod in_bulk;
pub mod joining;
pub mod knowing;
pub mod leaving;
pub mod lists;
pub mod moving;
mod places;
pub mod requests;
pub mod rhythms;
pub mod rush;
pub mod topics;

use std::collections::HashMap;

use super::{
    found_by::text_of,
    rows::{ConsentAction, ConsentMethod, DonorState, Event, List, Subscriber, Subscription},
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    links::Name,
    statements,
};

statements! {
    /// A new reader; a known address stays who they are.
    ADD_SUBSCRIBER = "insert into subscriber (public_id, email, email_key, name, created_at, search) values ($1, $2, $3, $4, $5, $6)
        on conflict (email_key) do nothing returning id, public_id, email, name, created_at";
    /// As `ADD_SUBSCRIBER`, for an import.
    ADD_SUBSCRIBERS = rows(6) "insert into subscriber (public_id, email, email_key, name, created_at, search) values {rows} on conflict (email_key) do nothing";
    /// The numbers of readers by their public ids, for `Tx::array`.
    NUMBERS = sqlite "select json_group_array(json_array(id, public_id)) from subscriber where public_id in (select value from json_each($1))",
        postgres "select cast(coalesce(json_agg(json_build_array(id, public_id)), '[]') as text) from subscriber where public_id = any (array(select json_array_elements_text(cast($1 as json))))";
    /// By address.
    BY_KEY = "select id, public_id, email, name, created_at from subscriber where email_key = $1";
    /// By a JSON array of public ids.
    BY_PUBLIC_IDS = sqlite "select id, public_id, email, name, created_at from subscriber where public_id in (select value from json_each($1))",
        postgres "select id, public_id, email, name, created_at from subscriber where public_id = any (array(select json_array_elements_text(cast($1 as json))))";
    /// By a JSON array of addresses.
    BY_KEYS = sqlite "select id, public_id, email, name, created_at from subscriber where email_key in (select value from json_each($1))",
        postgres "select id, public_id, email, name, created_at from subscriber where email_key in (select json_array_elements_text(cast($1 as json)))";
    /// By the number in a link of an earlier version: those given since are somebody else's.
    BY_NUMBER = "select id, public_id, email, name, created_at from subscriber
        where id = $1 and id <= (select last_id from numbered_link where kind = 'subscriber')";
    /// The list of such a link.
    LIST_BY_NUMBER = "select id from list where id = $1 and id <= (select last_id from numbered_link where kind = 'list')";
    LIST_BY_PUBLIC_ID = "select id from list where public_id = $1";
    /// By public id.
    BY_PUBLIC_ID = "select id, public_id, email, name, created_at from subscriber where public_id = $1";
    BY_ID = "select id, public_id, email, name, created_at from subscriber where id = $1";
    /// The name, as the reader wants it.
    RENAME = "update subscriber set name = $2 where id = $1";
    /// The name, for who has none.
    NAME = "update subscriber set name = $2 where id = $1 and name = ''";
    /// All of a reader's.
    SUBSCRIPTIONS = "select s.list_id, l.slug, l.name, l.visibility, l.retired_at is not null as retired, s.state, s.asked_at, s.confirmed_at, s.left_at, s.confirmation_sent_at, s.paused_until, s.implied_until, s.rhythm, l.rhythms
        from subscription s join list l on l.id = s.list_id where s.subscriber_id = $1 order by l.position, l.id";
    /// The same of a JSON array of readers.
    SUBSCRIPTIONS_OF = sqlite "select s.subscriber_id, s.list_id, l.slug, l.name, l.visibility, l.retired_at is not null as retired, s.state, s.asked_at, s.confirmed_at, s.left_at, s.confirmation_sent_at, s.paused_until, s.implied_until, s.rhythm, l.rhythms
            from subscription s join list l on l.id = s.list_id
            where s.subscriber_id in (select value from json_each($1)) order by s.subscriber_id, l.position, l.id",
        postgres "select s.subscriber_id, s.list_id, l.slug, l.name, l.visibility, l.retired_at is not null as retired, s.state, s.asked_at, s.confirmed_at, s.left_at, s.confirmation_sent_at, s.paused_until, s.implied_until, s.rhythm, l.rhythms
            from subscription s join list l on l.id = s.list_id
            where s.subscriber_id in (select value::bigint from json_array_elements_text(cast($1 as json))) order by s.subscriber_id, l.position, l.id";
    /// Holds the reader's row, so that two who ask at once are mailed one after the other.
    HOLD = "update subscriber set confirm_due_at = confirm_due_at where id = $1";
    /// Asking; somebody who has confirmed stays confirmed. So does whoever is mailed on implied consent, and waits to confirm.
    ASK = "insert into subscription (subscriber_id, list_id, state, asked_at) values ($1, $2, 'pending', $3)
        on conflict (subscriber_id, list_id) do update set asked_at = excluded.asked_at,
            state = case when subscription.state = 'confirmed' then 'confirmed' else 'pending' end,
            implied_until = case when subscription.state = 'confirmed' then subscription.implied_until end
        where subscription.state <> 'confirmed' or subscription.implied_until is not null";
    /// When the confirmation was last sent, for what was asked since a moment.
    CONFIRMATION_SENT = "update subscription set confirmation_sent_at = $2 where subscriber_id = $1 and state = 'pending' and asked_at > $3";
    /// Whether the reader confirmed anything since a moment, or what went out then asked nothing.
    ANSWERED = "select count(*) from subscription where subscriber_id = $1 and (confirmed_at >= $2
        or exists (select 1 from confirmation_mail m where m.subscriber_id = $1 and m.sent_at = $2 and (m.letter like 'already_reader:%' or m.letter like 'welcome:%' or m.letter like 'address_change:%')))";
    /// The brake holds a mail back until a moment.
    HOLD_BACK = "update subscriber set confirm_due_at = case when confirm_due_at <= $2 then confirm_due_at else $2 end where id = $1";
    /// Nothing is held back any more; of two that look at once, one finds it.
    FORGET_DUE = "update subscriber set confirm_due_at = null where confirm_due_at <= $1";
    NO_LONGER_DUE = "update subscriber set confirm_due_at = null where id = $1 and confirm_due_at <= $2";
    /// Who is due.
    DUE = "select id, public_id, email, name, created_at from subscriber where confirm_due_at <= $1 order by confirm_due_at, id limit 100";
    /// The reader confirms what they asked for; someone who left meanwhile must ask again. Whoever joins gets the list,
    /// whether or not they rested from it once.
    CONFIRM = "update subscription set state = 'confirmed', confirmed_at = $3, left_at = null, implied_until = null,
            paused_until = case when state = 'confirmed' then paused_until end
        where subscriber_id = $1 and list_id = $2 and (state = 'pending' or (state = 'confirmed' and implied_until is not null))";
    /// Joining without a confirmation mail: by the reader's own link, by staff. Whoever agreed themselves is on the list already;
    /// consent that is implied once more lasts from then on.
    JOIN = "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at, implied_until)
        values ($1, $2, 'confirmed', $3, $3, $4)
        on conflict (subscriber_id, list_id) do update set state = 'confirmed', confirmed_at = excluded.confirmed_at, left_at = null,
            implied_until = excluded.implied_until,
            paused_until = case when subscription.state = 'confirmed' then subscription.paused_until end
        where subscription.state <> 'confirmed' or subscription.implied_until is not null";
    /// The reader is greeted on the list, once.
    WELCOME = "update subscription set welcomed_at = $3 where subscriber_id = $1 and list_id = $2 and state = 'confirmed' and welcomed_at is null";
    /// Coming back after leaving by mistake, to a list that may still be joined; not who had only asked for it again.
    REJOIN = "update subscription set state = 'confirmed', left_at = null
        where subscriber_id = $1 and list_id = $2 and state = 'left' and confirmed_at >= asked_at and left_at > $3
        and exists (select 1 from list l where l.id = $2 and l.closed_at is null and l.retired_at is null)";
    /// The reader rests from the lists that they are on.
    PAUSE = "update subscription set paused_until = $2, pause_said_at = $3 where subscriber_id = $1 and state = 'confirmed' returning list_id";
    /// The same, as it was said at a moment; whatever they said later stands, and what they joined later they get.
    PAUSE_AS_WRITTEN = "update subscription set paused_until = $2, pause_said_at = $3 where subscriber_id = $1 and list_id = $4 and state = 'confirmed'
        and coalesce(pause_said_at, 0) < $3 and coalesce(confirmed_at, 0) <= $3 and coalesce(paused_until, 0) <> $2";
    /// They go on, and staff who saw a pause end that one alone.
    GO_ON = "update subscription set paused_until = null, pause_said_at = $2
        where subscriber_id = $1 and paused_until > $2 and (cast($3 as bigint) is null or paused_until = $3)";
    /// The same, as it was said at a moment; whatever they said later stands.
    GO_ON_AS_WRITTEN = "update subscription set paused_until = null, pause_said_at = $2
        where subscriber_id = $1 and paused_until > $2 and coalesce(pause_said_at, 0) < $2 and (cast($3 as bigint) is null or paused_until = $3)";
    /// Leaving.
    LEAVE = "update subscription set state = 'left', left_at = $3 where subscriber_id = $1 and list_id = $2 and state <> 'left'";
    /// A wording, once.
    ADD_WORDING = "insert into consent_wording (kind, text, text_hash, created_at) values ($1, $2, $3, $4) on conflict (text_hash) do nothing";
    /// Its id.
    WORDING_ID = "select id from consent_wording where text_hash = $1";
    /// Where consents came from, once that is kept no longer: nothing else of them is ever changed.
    pub(crate) FORGET_TRACES = "update consent_event set ip = '', user_agent = '' where id in (
        select id from consent_event where at < $1 and (ip <> '' or user_agent <> '') order by at limit $2)";
    /// What happened, never changed again.
    ADD_EVENT = "insert into consent_event (subscriber_id, list_id, action, method, wording_id, source, form_id, campaign, ip, user_agent, at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    /// The last thing that happened up to a moment; the newest has the highest key.
    NEWEST_EVENT = "select at from consent_event where at <= $1 order by id desc limit 1";
    /// The proof.
    EVENTS = "select e.action, e.method, l.name as list, w.text as wording, e.source, f.name as form, e.campaign,
            coalesce((select max(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id and s.since <= e.at),
                (select min(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id), 0) as version,
            e.ip, e.user_agent, e.at
        from consent_event e join list l on l.id = e.list_id left join consent_wording w on w.id = e.wording_id
            left join form f on f.id = e.form_id
        where e.subscriber_id = $1 order by e.id";
    LINES_OF_EXPORT = "select count(*) from subscription";
    /// Donor state, of the reader whose gifts are known by that address if there is one: who had it and moved comes before who has it.
    SET_DONOR_STATE = "insert into donor_state (subscriber_id, state, last_gift_at, updated_at)
        select id, $2, cast($3 as bigint), cast($4 as bigint) from subscriber where gives_as = $1
            or (email_key = $1 and gives_as is null and not exists (select 1 from subscriber m where m.gives_as = $1))
        on conflict (subscriber_id) do update set state = excluded.state, last_gift_at = excluded.last_gift_at, updated_at = excluded.updated_at";
    /// Readers of whose gifts nothing is known, in the order of their numbers.
    WITHOUT_DONOR_STATE = "select r.id, r.email_key, r.created_at from subscriber r where r.id > $1
        and not exists (select 1 from donor_state d where d.subscriber_id = r.id) order by r.id limit $2";
    /// What is known of a reader's gifts.
    DONOR_STATE = "select state from donor_state where subscriber_id = $1";
}

pub struct NewEvent<'a> {
    pub subscriber: i64,
    pub list: i64,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    pub wording: Option<i64>,
    pub source: &'a str,
    pub form: Option<i64>,
    pub campaign: &'a str,
    pub ip: &'a str,
    pub user_agent: &'a str,
    pub at: Moment,
}

impl<'a> NewEvent<'a> {
    fn row(self) -> impl db::Params<'a> {
        let Self { subscriber, list, action, method, wording, source, form, campaign, ip, user_agent, at } =
            self;
        (subscriber, list, action, method, wording, source, form, campaign, ip, user_agent, at)
    }
}

pub async fn lists(db: &Db) -> Result<Vec<List>> {
    lists::all(db).await
}

pub async fn lists_in(tx: &mut Tx) -> Result<Vec<List>> {
    lists::all_in(tx).await
}

/// Why the team did something, for the log, with the lists that it was done to.
pub async fn about_lists(tx: &mut Tx, lists: &[i64], why: &str) -> Result<String> {
    let all = lists_in(tx).await?;
    let names: Vec<&str> =
        all.iter().filter(|list| lists.contains(&list.id)).map(|list| list.name.as_str()).collect();
    Ok(if names.is_empty() { why.to_owned() } else { format!("{}: {why}", names.join(", ")) })
}

/// The reader with that address, made if there is none; and whether they are new.
pub async fn subscriber_for(
    tx: &mut Tx,
    (public_id, email, key, name): (&str, &EmailAddress, &str, &str),
    now: Moment,
) -> Result<(Subscriber, bool)> {
    let search = text_of(email, name);
    match tx.opt(ADD_SUBSCRIBER, (public_id, email.as_str(), key, name, now, search)).await? {
        Some(new) => Ok((new, true)),
        None => Ok((tx.one(BY_KEY, (key,)).await?, false)),
    }
}

/// A reader who comes by a file.
#[derive(Debug)]
pub struct NewReader<'a> {
    pub public_id: &'a str,
    pub email: &'a EmailAddress,
    pub key: &'a str,
    pub name: &'a str,
}

/// Readers who were not there before: each with their number, but for whom somebody else brought a moment ago. (What a statement returns
/// row by row costs SQLite more than the row.)
pub async fn add_subscribers<'a>(
    tx: &mut Tx,
    mut rows: Vec<NewReader<'a>>,
    now: Moment,
) -> Result<Vec<(i64, NewReader<'a>)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    // Two files that hold the same people meet at them in the same order.
    rows.sort_unstable_by(|a, b| a.key.cmp(b.key));
    let new = rows
        .iter()
        .map(|one| (one.public_id, one.email.as_str(), one.key, one.name, now, text_of(one.email, one.name)));
    tx.many(ADD_SUBSCRIBERS, new).await?;
    let ids: Vec<&str> = rows.iter().map(|one| one.public_id).collect();
    let numbers: Vec<(i64, String)> = tx.array(NUMBERS, (db::array(&ids)?,)).await?;
    let numbers: HashMap<String, i64> = numbers.into_iter().map(|(id, public_id)| (public_id, id)).collect();
    Ok(rows.into_iter().filter_map(|one| Some((*numbers.get(one.public_id)?, one))).collect())
}

pub async fn by_key(db: &Db, key: &str) -> Result<Option<Subscriber>> {
    db.opt(BY_KEY, (key,)).await
}

pub async fn by_key_in(tx: &mut Tx, key: &str) -> Result<Option<Subscriber>> {
    tx.opt(BY_KEY, (key,)).await
}

pub async fn by_keys(db: &Db, keys: &[String]) -> Result<Vec<Subscriber>> {
    db.all(BY_KEYS, (db::array(keys)?,)).await
}

pub async fn by_public_ids(db: &Db, ids: &[&str]) -> Result<Vec<Subscriber>> {
    db.all(BY_PUBLIC_IDS, (db::array(ids)?,)).await
}

pub async fn by_id_in(tx: &mut Tx, id: i64) -> Result<Option<Subscriber>> {
    tx.opt(BY_ID, (id,)).await
}

/// Whom a link names.
pub async fn named(db: &Db, name: &Name<'_>) -> Result<Option<Subscriber>> {
    match name {
        Name::Id(id) => by_public_id(db, id).await,
        Name::Number(number) => db.opt(BY_NUMBER, (*number,)).await,
    }
}

/// The list that a link names.
pub async fn named_list(db: &Db, name: &Name<'_>) -> Result<Option<i64>> {
    let found: Option<(i64,)> = match name {
        Name::Id(id) => db.opt(LIST_BY_PUBLIC_ID, (id.as_ref(),)).await?,
        Name::Number(number) => db.opt(LIST_BY_NUMBER, (*number,)).await?,
    };
    Ok(found.map(|(id,)| id))
}

pub async fn by_public_id(db: &Db, public_id: &str) -> Result<Option<Subscriber>> {
    db.opt(BY_PUBLIC_ID, (public_id,)).await
}

pub async fn by_public_id_in(tx: &mut Tx, public_id: &str) -> Result<Option<Subscriber>> {
    tx.opt(BY_PUBLIC_ID, (public_id,)).await
}

pub async fn by_id(db: &Db, id: i64) -> Result<Option<Subscriber>> {
    db.opt(BY_ID, (id,)).await
}

pub async fn rename(tx: &mut Tx, id: i64, name: &str) -> Result<u64> {
    let renamed = tx.exec(RENAME, (id, name)).await?;
    if let Some(reader) = tx.opt::<Subscriber>(BY_ID, (id,)).await? {
        finding::fold(tx, id, &text_of(&reader.email, name)).await?;
    }
    Ok(renamed)
}

/// Who has a name keeps it, also one that they were given a moment ago.
pub async fn name(tx: &mut Tx, id: i64, name: &str) -> Result<u64> {
    tx.exec(NAME, (id, name)).await
}

pub async fn subscriptions(db: &Db, subscriber: i64) -> Result<Vec<Subscription>> {
    db.all(SUBSCRIPTIONS, (subscriber,)).await
}

#[derive(sqlx_macros::FromRow)]
struct SubscriptionOf {
    subscriber_id: i64,
    #[sqlx(flatten)]
    subscription: Subscription,
}

/// By reader; one who never asked for a list is not among them.
pub async fn subscriptions_of(db: &Db, subscribers: &[i64]) -> Result<HashMap<i64, Vec<Subscription>>> {
    let rows: Vec<SubscriptionOf> = db.all(SUBSCRIPTIONS_OF, (db::array(subscribers)?,)).await?;
    let mut found: HashMap<i64, Vec<Subscription>> = HashMap::new();
    for row in rows {
        found.entry(row.subscriber_id).or_default().push(row.subscription);
    }
    Ok(found)
}

pub async fn subscriptions_in(tx: &mut Tx, subscriber: i64) -> Result<Vec<Subscription>> {
    tx.all(SUBSCRIPTIONS, (subscriber,)).await
}

pub async fn ask(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(ASK, (subscriber, list, now)).await? == 1)
}

pub async fn hold(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(HOLD, (subscriber,)).await
}

/// A mail went out that asks to confirm whatever was asked after `since`.
pub async fn confirmation_sent(tx: &mut Tx, subscriber: i64, since: Moment, now: Moment) -> Result<u64> {
    tx.exec(HOLD_BACK, (subscriber, None::<Moment>)).await?;
    tx.exec(CONFIRMATION_SENT, (subscriber, now, since)).await
}

pub async fn answered(tx: &mut Tx, subscriber: i64, since: Moment) -> Result<bool> {
    Ok(tx.one::<(i64,)>(ANSWERED, (subscriber, since)).await?.0 > 0)
}

pub async fn hold_back(tx: &mut Tx, subscriber: i64, until: Moment) -> Result<u64> {
    tx.exec(HOLD_BACK, (subscriber, until)).await
}

pub async fn no_longer_due(tx: &mut Tx, subscriber: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(NO_LONGER_DUE, (subscriber, now)).await? == 1)
}

pub async fn due(db: &Db, now: Moment) -> Result<Vec<Subscriber>> {
    db.all(DUE, (now,)).await
}

pub async fn confirm(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(CONFIRM, (subscriber, list, now)).await? == 1)
}

/// `implied` is until when consent is implied; none where they agreed themselves.
pub async fn join(
    tx: &mut Tx,
    subscriber: i64,
    list: i64,
    now: Moment,
    implied: Option<Moment>,
) -> Result<bool> {
    Ok(tx.exec(JOIN, (subscriber, list, now, implied)).await? == 1)
}

pub async fn welcome(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(WELCOME, (subscriber, list, now)).await? == 1)
}

pub async fn rejoin(tx: &mut Tx, subscriber: i64, list: i64, since: Moment) -> Result<bool> {
    Ok(tx.exec(REJOIN, (subscriber, list, since)).await? == 1)
}

/// The lists that the reader rests from by it.
pub async fn pause(tx: &mut Tx, subscriber: i64, until: Moment, now: Moment) -> Result<Vec<i64>> {
    lists_of(tx.all(PAUSE, (subscriber, until, now)).await?)
}

/// Whether they rest from the list by it.
pub async fn pause_as_written(
    tx: &mut Tx,
    (subscriber, list): (i64, i64),
    until: Moment,
    at: Moment,
) -> Result<bool> {
    Ok(tx.exec(PAUSE_AS_WRITTEN, (subscriber, until, at, list)).await? == 1)
}

/// Ends pauses that were said before a moment; with `until` only the one until then.
pub async fn go_on_as_written(
    tx: &mut Tx,
    subscriber: i64,
    until: Option<Moment>,
    at: Moment,
) -> Result<u64> {
    tx.exec(GO_ON_AS_WRITTEN, (subscriber, at, until)).await
}

fn lists_of(rows: Vec<(i64,)>) -> Result<Vec<i64>> {
    Ok(rows.into_iter().map(|(list,)| list).collect())
}

/// Ends a pause that is in force; with `seen` only the one until that moment.
pub async fn go_on(tx: &mut Tx, subscriber: i64, seen: Option<Moment>, now: Moment) -> Result<bool> {
    Ok(tx.exec(GO_ON, (subscriber, now, seen)).await? > 0)
}

pub async fn leave(tx: &mut Tx, subscriber: i64, list: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(LEAVE, (subscriber, list, now)).await? == 1)
}

pub async fn wording(tx: &mut Tx, kind: &str, text: &str, hash: &str, now: Moment) -> Result<i64> {
    // Nearly always it is there.
    if let Some((id,)) = tx.opt::<(i64,)>(WORDING_ID, (hash,)).await? {
        return Ok(id);
    }
    tx.exec(ADD_WORDING, (kind, text, hash, now)).await?;
    Ok(tx.one::<(i64,)>(WORDING_ID, (hash,)).await?.0)
}

pub async fn add_event(tx: &mut Tx, event: NewEvent<'_>) -> Result<u64> {
    tx.exec(ADD_EVENT, event.row()).await
}

pub async fn forget_due(tx: &mut Tx, before: Moment) -> Result<u64> {
    tx.exec(FORGET_DUE, (before,)).await
}

pub async fn newest_event(db: &Db, before: Moment) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(NEWEST_EVENT, (before,)).await?.map(|(at,)| at))
}

pub async fn events(db: &Db, subscriber: i64) -> Result<Vec<Event>> {
    db.all(EVENTS, (subscriber,)).await
}

pub async fn lines_of_export(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(LINES_OF_EXPORT, ()).await?.0)
}

pub async fn set_donor_state(
    tx: &mut Tx,
    key: &str,
    state: DonorState,
    last_gift: Option<Moment>,
    now: Moment,
) -> Result<u64> {
    tx.exec(SET_DONOR_STATE, (key, state, last_gift, now)).await
}

pub async fn without_donor_state(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, String, Moment)>> {
    db.all(WITHOUT_DONOR_STATE, (after, limit)).await
}

pub async fn donor_state(db: &Db, subscriber: i64) -> Result<Option<DonorState>> {
    Ok(db.opt::<(DonorState,)>(DONOR_STATE, (subscriber,)).await?.map(|(state,)| state))
}
