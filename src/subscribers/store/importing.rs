//! The SQL of readers who come from a file, and of those who leave as one.

use serde::de::DeserializeOwned;

use super::super::rows::{ACT_TAKEN_BACK, ConsentAction, ConsentMethod, LIST_TAKEN_BACK, SubscriptionState};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    editions::Rhythm,
    email_address::EmailAddress,
    statements,
};

statements! {
    /// Who has these addresses, for `Tx::array`.
    KNOWN = sqlite "select json_group_array(json_array(id, public_id, email_key, name)) from subscriber where email_key in (select value from json_each($1))",
        postgres "select cast(coalesce(json_agg(json_build_array(id, public_id, email_key, name)), '[]') as text) from subscriber where email_key = any (array(select json_array_elements_text(cast($1 as json))))";
    /// How these readers stand with their lists, for `Tx::array`.
    STANDINGS = sqlite "select json_group_array(json_array(subscriber_id, list_id, state)) from subscription where subscriber_id in (select value from json_each($1))",
        postgres "select cast(coalesce(json_agg(json_build_array(subscriber_id, list_id, state)), '[]') as text) from subscription
            where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// The last thing that happened to each of their lists, by which way and when.
    LAST_ACTS = sqlite "select subscriber_id, list_id, action, method, at from consent_event where id in (
            select max(id) from consent_event where subscriber_id in (select value from json_each($1)) group by subscriber_id, list_id)",
        postgres "select subscriber_id, list_id, action, method, at from consent_event where id in (
            select max(id) from consent_event where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) group by subscriber_id, list_id)";
    /// A file takes nobody back who left, and leaves alone who is there.
    ADD_SUBSCRIPTIONS = rows(10) "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at, left_at, paused_until, pause_said_at, implied_until, rhythm) values {rows}
        on conflict (subscriber_id, list_id) do nothing returning subscriber_id, list_id";
    /// The same of readers who are new, whom nobody else can have put anywhere.
    ADD_FIRST_SUBSCRIPTIONS = rows(10) "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at, left_at, paused_until, pause_said_at, implied_until, rhythm) values {rows}";
    /// Which lists these readers are off since what the team did was taken back, and since when: they never said that they leave, nor did
    /// anybody for them.
    TAKEN_BACK = sqlite "select e.subscriber_id, e.list_id, e.at from consent_event e where e.action = 'left' and e.source in ($2, $3) and e.id in (
                select max(id) from consent_event where subscriber_id in (select value from json_each($1)) group by subscriber_id, list_id)
            and not exists (select 1 from consent_event o where o.subscriber_id = e.subscriber_id and o.list_id = e.list_id
                and o.action = 'left' and o.source not in ($2, $3))",
        postgres "select e.subscriber_id, e.list_id, e.at from consent_event e where e.action = 'left' and e.source in ($2, $3) and e.id in (
                select max(id) from consent_event where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) group by subscriber_id, list_id)
            and not exists (select 1 from consent_event o where o.subscriber_id = e.subscriber_id and o.list_id = e.list_id
                and o.action = 'left' and o.source not in ($2, $3))";
    /// Whose addresses these are.
    ADDRESSES = sqlite "select id, email from subscriber where id in (select value from json_each($1))",
        postgres "select id, email from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// Whom the team puts on no list again, of a JSON array of pairs, reader and what their address is kept as: mail to that one or to a
    /// former one is stopped, or was complained of or blocked; or somebody of it asked to be forgotten or says that they never signed up,
    /// whatever came of that.
    STAY_OFF = sqlite "select r.id from (select json_extract(value, '$[0]') as id, json_extract(value, '$[1]') as hash from json_each($1)) a join subscriber r on r.id = a.id
            where exists (select 1 from suppression p where p.subscriber_id = r.id and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from suppression p where p.address_hash = a.hash and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from former_address f join suppression p on p.address_hash = f.address_hash
                    where f.subscriber_id = r.id and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from reader_request q where q.address_hash = a.hash and q.kind <> 'access')
                or exists (select 1 from former_address f join reader_request q on q.address_hash = f.address_hash
                    where f.subscriber_id = r.id and q.kind <> 'access')",
        postgres "select r.id from (select cast(value ->> 0 as bigint) as id, value ->> 1 as hash from json_array_elements(cast($1 as json))) a join subscriber r on r.id = a.id
            where exists (select 1 from suppression p where p.subscriber_id = r.id and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from suppression p where p.address_hash = a.hash and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from former_address f join suppression p on p.address_hash = f.address_hash
                    where f.subscriber_id = r.id and (p.lifted_at is null or p.reason <> 'bounced'))
                or exists (select 1 from reader_request q where q.address_hash = a.hash and q.kind <> 'access')
                or exists (select 1 from former_address f join reader_request q on q.address_hash = f.address_hash
                    where f.subscriber_id = r.id and q.kind <> 'access')";
    /// Those are on them again, as if for the first time; but whoever rests goes on resting.
    BRING_BACK = rows(7) "update subscription set state = 'confirmed', left_at = null, asked_at = cast(v.column3 as bigint), confirmed_at = cast(v.column4 as bigint),
            paused_until = case when coalesce(cast(v.column5 as bigint), 0) > coalesce(paused_until, 0) then cast(v.column5 as bigint) else paused_until end,
            implied_until = cast(v.column6 as bigint), rhythm = v.column7
        from (values {rows}) as v
        where subscription.subscriber_id = cast(v.column1 as bigint) and subscription.list_id = cast(v.column2 as bigint) and subscription.state = 'left'";
    /// What was chosen for them before, of a JSON array of pairs: list and reader.
    UNCHOOSE_ALL = sqlite "delete from subscription_topic where (list_id, subscriber_id) in
            (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each($1))",
        postgres "delete from subscription_topic where (list_id, subscriber_id) in
            (select cast(value ->> 0 as bigint), cast(value ->> 1 as bigint) from json_array_elements(cast($1 as json)))";
    /// Names for who has none.
    NAME_MANY = rows(2) "update subscriber set name = v.column2 from (values {rows}) as v where subscriber.id = cast(v.column1 as bigint) and subscriber.name = ''";
    /// What happened by a file, and what the file says of it.
    ADD_TOLD_EVENTS = rows(11) "insert into consent_event (subscriber_id, list_id, action, method, source, campaign, ip, user_agent, at, told, told_at) values {rows}";
    /// Who answered before keeps that.
    KEEP_ANSWERS = rows(3) "insert into field_value (subscriber_id, field_id, value) values {rows} on conflict (subscriber_id, field_id) do nothing returning subscriber_id, field_id";
    /// Of readers who are new.
    FIRST_ANSWERS = rows(3) "insert into field_value (subscriber_id, field_id, value) values {rows}";
    CHOOSE_MANY = rows(3) "insert into subscription_topic (list_id, subscriber_id, topic_id) values {rows} on conflict do nothing";
    /// A list that a file names, for the team alone until they say more of it; none if its short name is taken.
    ADD_PRIVATE = "insert into list (public_id, slug, name, description, visibility, created_at, position)
        select $1, $2, $3, '', 'private', cast($4 as bigint), coalesce(max(position), 0) + 1 from list where true
        on conflict (slug) do nothing returning id";
    OFFER_TOO = "insert into list_topic (list_id, topic_id) values ($1, $2) on conflict do nothing";
    /// Topics by their names, in small letters; of several the one that is not retired.
    TOPIC = "select coalesce(merged_into, id) from reader_topic where name_key = $1 order by retired_at is not null, id limit 1";
    /// Readers for a file, by their addresses.
    READERS_TO_WRITE = "select id, email_key, email, name from subscriber where email_key > $1 order by email_key limit $2";
    KNOWN_SINCE = sqlite "select id, created_at from subscriber where id in (select value from json_each($1))",
        postgres "select id, created_at from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    SUBSCRIPTIONS_TO_WRITE = sqlite "select s.subscriber_id, s.list_id, l.slug as list, s.state, s.confirmed_at, s.left_at, s.paused_until, s.implied_until, s.rhythm
            from subscription s join list l on l.id = s.list_id where s.subscriber_id in (select value from json_each($1))",
        postgres "select s.subscriber_id, s.list_id, l.slug as list, s.state, s.confirmed_at, s.left_at, s.paused_until, s.implied_until, s.rhythm
            from subscription s join list l on l.id = s.list_id where s.subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// The last thing that happened to each of their lists, as the proof has it.
    CONSENT_TO_WRITE = sqlite "select subscriber_id, list_id, action, method, source, at, told, told_at from consent_event where id in (
            select max(id) from consent_event where subscriber_id in (select value from json_each($1)) group by subscriber_id, list_id)",
        postgres "select subscriber_id, list_id, action, method, source, at, told, told_at from consent_event where id in (
            select max(id) from consent_event where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) group by subscriber_id, list_id)";
    ANSWERS_TO_WRITE = sqlite "select subscriber_id, field_id, value from field_value where subscriber_id in (select value from json_each($1))",
        postgres "select subscriber_id, field_id, value from field_value where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    TOPICS_TO_WRITE = sqlite "select c.subscriber_id, c.list_id, t.name from subscription_topic c join reader_topic t on t.id = c.topic_id
            where (c.list_id, c.subscriber_id) in (select s.list_id, s.subscriber_id from subscription s where s.subscriber_id in (select value from json_each($1)))",
        postgres "select c.subscriber_id, c.list_id, t.name from subscription_topic c join reader_topic t on t.id = c.topic_id
            where (c.list_id, c.subscriber_id) in (select s.list_id, s.subscriber_id from subscription s where s.subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))))";
}

/// Somebody who was there before: id, public id, key and name.
pub type Known = (i64, String, String, String);

pub async fn known(tx: &mut Tx, keys: &[&str]) -> Result<Vec<Known>> {
    tx.array(KNOWN, (db::array(keys)?,)).await
}

/// The same for who only looks.
pub async fn known_now(db: &Db, keys: &[&str]) -> Result<Vec<Known>> {
    from_array(db.one(KNOWN, (db::array(keys)?,)).await?)
}

fn from_array<T: DeserializeOwned>((found,): (String,)) -> Result<Vec<T>> {
    serde_json::from_str(&found).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Reader, list and state.
pub type Standing = (i64, i64, SubscriptionState);

pub async fn standings(tx: &mut Tx, readers: &[i64]) -> Result<Vec<Standing>> {
    tx.array(STANDINGS, (db::array(readers)?,)).await
}

pub async fn standings_now(db: &Db, readers: &[i64]) -> Result<Vec<Standing>> {
    from_array(db.one(STANDINGS, (db::array(readers)?,)).await?)
}

/// Reader, list, what, by which way and when.
pub type Act = (i64, i64, ConsentAction, ConsentMethod, Moment);

pub async fn last_acts(tx: &mut Tx, readers: &[i64]) -> Result<Vec<Act>> {
    tx.all(LAST_ACTS, (db::array(readers)?,)).await
}

pub async fn last_acts_now(db: &Db, readers: &[i64]) -> Result<Vec<Act>> {
    db.all(LAST_ACTS, (db::array(readers)?,)).await
}

/// How somebody is to stand.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription {
    pub reader: i64,
    pub list: i64,
    pub state: SubscriptionState,
    pub asked_at: Moment,
    pub confirmed_at: Option<Moment>,
    pub left_at: Option<Moment>,
    pub paused_until: Option<Moment>,
    /// None where they agreed themselves.
    pub implied_until: Option<Moment>,
    pub rhythm: Option<Rhythm>,
}

impl NewSubscription {
    #[expect(clippy::type_complexity, reason = "the columns of a row")]
    const fn row(
        &self,
        now: Moment,
    ) -> (
        i64,
        i64,
        SubscriptionState,
        Moment,
        Option<Moment>,
        Option<Moment>,
        Option<Moment>,
        Option<Moment>,
        Option<Moment>,
        Option<Rhythm>,
    ) {
        let said_at = if self.paused_until.is_some() { Some(now) } else { None };
        (
            self.reader,
            self.list,
            self.state,
            self.asked_at,
            self.confirmed_at,
            self.left_at,
            self.paused_until,
            said_at,
            self.implied_until,
            self.rhythm,
        )
    }
}

/// Those that were not there before: reader and list.
pub async fn add_subscriptions(tx: &mut Tx, new: &[NewSubscription], now: Moment) -> Result<Vec<(i64, i64)>> {
    tx.many_returning(ADD_SUBSCRIPTIONS, new.iter().map(|one| one.row(now))).await
}

/// All of them: of readers who are new.
pub async fn add_first_subscriptions(tx: &mut Tx, new: &[NewSubscription], now: Moment) -> Result<u64> {
    tx.many(ADD_FIRST_SUBSCRIPTIONS, new.iter().map(|one| one.row(now))).await
}

/// Reader, list, and since when they are off it.
pub type TakenBack = (i64, i64, Moment);

pub async fn taken_back(tx: &mut Tx, readers: &[i64]) -> Result<Vec<TakenBack>> {
    tx.all(TAKEN_BACK, (db::array(readers)?, LIST_TAKEN_BACK, ACT_TAKEN_BACK)).await
}

/// The same for who only looks.
pub async fn taken_back_now(db: &Db, readers: &[i64]) -> Result<Vec<TakenBack>> {
    db.all(TAKEN_BACK, (db::array(readers)?, LIST_TAKEN_BACK, ACT_TAKEN_BACK)).await
}

pub async fn addresses(tx: &mut Tx, readers: &[i64]) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(ADDRESSES, (db::array(readers)?,)).await
}

/// The same for who only looks.
pub async fn addresses_now(db: &Db, readers: &[i64]) -> Result<Vec<(i64, EmailAddress)>> {
    db.all(ADDRESSES, (db::array(readers)?,)).await
}

/// Each reader with what their address is kept as.
pub async fn stay_off(tx: &mut Tx, kept_as: &[(i64, String)]) -> Result<Vec<(i64,)>> {
    tx.all(STAY_OFF, (db::array(kept_as)?,)).await
}

/// The same for who only looks.
pub async fn stay_off_now(db: &Db, kept_as: &[(i64, String)]) -> Result<Vec<(i64,)>> {
    db.all(STAY_OFF, (db::array(kept_as)?,)).await
}

/// Those who may come back of whom [`taken_back`] says so, held: they are confirmed again.
pub async fn bring_back(tx: &mut Tx, back: &[NewSubscription]) -> Result<()> {
    if back.is_empty() {
        return Ok(());
    }
    let row = |one: &NewSubscription| {
        let NewSubscription {
            reader, list, asked_at, confirmed_at, paused_until, implied_until, rhythm, ..
        } = *one;
        (reader, list, asked_at, confirmed_at, paused_until, implied_until, rhythm)
    };
    tx.many(BRING_BACK, back.iter().map(row)).await?;
    let pairs: Vec<(i64, i64)> = back.iter().map(|one| (one.list, one.reader)).collect();
    tx.exec(UNCHOOSE_ALL, (db::array(&pairs)?,)).await?;
    Ok(())
}

pub async fn name_many(tx: &mut Tx, names: &[(i64, &str)]) -> Result<u64> {
    tx.many(NAME_MANY, names.iter().copied()).await
}

/// What a file did to somebody's list.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    pub reader: i64,
    pub list: i64,
    pub action: ConsentAction,
    pub source: &'a str,
    pub ip: &'a str,
    pub told: &'a str,
    pub told_at: Option<Moment>,
}

pub async fn add_told_events(tx: &mut Tx, events: &[Told<'_>], now: Moment) -> Result<u64> {
    let rows = events.iter().map(|one| {
        let method = ConsentMethod::Import;
        (one.reader, one.list, one.action, method, one.source, "", one.ip, "", now, one.told, one.told_at)
    });
    tx.many(ADD_TOLD_EVENTS, rows).await
}

/// Which answers are new: reader and field.
pub async fn keep_answers(tx: &mut Tx, answers: &[(i64, i64, &str)]) -> Result<Vec<(i64, i64)>> {
    tx.many_returning(KEEP_ANSWERS, answers.iter().copied()).await
}

/// All of them: of readers who are new.
pub async fn first_answers(tx: &mut Tx, answers: &[(i64, i64, &str)]) -> Result<u64> {
    tx.many(FIRST_ANSWERS, answers.iter().copied()).await
}

/// List, reader and topic.
pub async fn choose_many(tx: &mut Tx, chosen: &[(i64, i64, i64)]) -> Result<u64> {
    tx.many(CHOOSE_MANY, chosen.iter().copied()).await
}

pub async fn add_private(
    tx: &mut Tx,
    public_id: &str,
    slug: &str,
    name: &str,
    now: Moment,
) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(ADD_PRIVATE, (public_id, slug, name, now)).await?.map(|(id,)| id))
}

pub async fn offer_too(tx: &mut Tx, list: i64, topic: i64) -> Result<u64> {
    tx.exec(OFFER_TOO, (list, topic)).await
}

pub async fn topic(tx: &mut Tx, key: &str) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(TOPIC, (key,)).await?.map(|(id,)| id))
}

/// A reader, as a file tells them.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct ReaderToWrite {
    pub id: i64,
    pub email_key: String,
    pub email: String,
    pub name: String,
}

pub async fn readers_to_write(db: &Db, after: &str, limit: i64) -> Result<Vec<ReaderToWrite>> {
    db.all(READERS_TO_WRITE, (after, limit)).await
}

pub async fn known_since(db: &Db, readers: &[i64]) -> Result<Vec<(i64, Moment)>> {
    db.all(KNOWN_SINCE, (db::array(readers)?,)).await
}

/// How a reader stands with a list, as a file tells it.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct SubscriptionToWrite {
    pub subscriber_id: i64,
    pub list_id: i64,
    pub list: String,
    pub state: SubscriptionState,
    pub confirmed_at: Option<Moment>,
    pub left_at: Option<Moment>,
    pub paused_until: Option<Moment>,
    pub implied_until: Option<Moment>,
    pub rhythm: Option<Rhythm>,
}

pub async fn subscriptions_to_write(db: &Db, readers: &[i64]) -> Result<Vec<SubscriptionToWrite>> {
    db.all(SUBSCRIPTIONS_TO_WRITE, (db::array(readers)?,)).await
}

/// The last thing that happened to a reader's list.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct ConsentToWrite {
    pub subscriber_id: i64,
    pub list_id: i64,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    pub source: String,
    pub at: Moment,
    pub told: String,
    pub told_at: Option<Moment>,
}

pub async fn consent_to_write(db: &Db, readers: &[i64]) -> Result<Vec<ConsentToWrite>> {
    db.all(CONSENT_TO_WRITE, (db::array(readers)?,)).await
}

/// Reader, field and answer.
pub async fn answers_to_write(db: &Db, readers: &[i64]) -> Result<Vec<(i64, i64, String)>> {
    db.all(ANSWERS_TO_WRITE, (db::array(readers)?,)).await
}

/// Reader, list and the name of a topic that they chose.
pub async fn topics_to_write(db: &Db, readers: &[i64]) -> Result<Vec<(i64, i64, String)>> {
    db.all(TOPICS_TO_WRITE, (db::array(readers)?,)).await
}
