//! The SQL of what the team does with many readers at once, and of taking that back.

use super::{
    super::rows::{ConsentAction, ConsentMethod, SubscriptionState},
    importing::{self, TakenBack},
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    statements,
};

statements! {
    /// How these readers stand with all their lists.
    STANDINGS = sqlite "select subscriber_id, list_id, state, paused_until, implied_until from subscription where subscriber_id in (select value from json_each($1))",
        postgres "select subscriber_id, list_id, state, paused_until, implied_until from subscription where subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// Those of them whose address is stopped.
    STOPPED = sqlite "select distinct subscriber_id from suppression where lifted_at is null and subscriber_id in (select value from json_each($1))",
        postgres "select distinct subscriber_id from suppression where lifted_at is null and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// What they chose of a list.
    CHOSEN = sqlite "select subscriber_id, topic_id from subscription_topic where list_id = $1 and subscriber_id in (select value from json_each($2))",
        postgres "select subscriber_id, topic_id from subscription_topic where list_id = $1 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json))))";
    /// Whoever writes down an audience at this moment comes before or after.
    HOLD_ON_LIST = sqlite "update subscription set state = state where list_id = $1 and subscriber_id in (select value from json_each($2))",
        postgres "select subscriber_id from subscription where list_id = $1 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json)))) order by subscriber_id for update";
    LEAVE_MANY = sqlite "update subscription set state = 'left', left_at = $3 where list_id = $1 and state <> 'left' and subscriber_id in (select value from json_each($2))",
        postgres "update subscription set state = 'left', left_at = $3 where list_id = $1 and state <> 'left' and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json))))";
    PAUSE_MANY = sqlite "update subscription set paused_until = $2, pause_said_at = $3 where state = 'confirmed' and subscriber_id in (select value from json_each($1))",
        postgres "update subscription set paused_until = $2, pause_said_at = $3 where state = 'confirmed' and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    UNCHOOSE_MANY = sqlite "delete from subscription_topic where list_id = $1 and topic_id = $2 and subscriber_id in (select value from json_each($3))",
        postgres "delete from subscription_topic where list_id = $1 and topic_id = $2 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($3 as json))))";
    /// Topics of a list were chosen at a moment, unless they were later than that.
    SAID_MANY = sqlite "update subscription set chosen_at = $3 where list_id = $1 and coalesce(chosen_at, 0) < $3 and subscriber_id in (select value from json_each($2))",
        postgres "update subscription set chosen_at = $3 where list_id = $1 and coalesce(chosen_at, 0) < $3 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json))))";
    ADD_STAFF_EVENTS = rows(9) "insert into consent_event (subscriber_id, list_id, action, method, source, campaign, ip, user_agent, at) values {rows}";
    ADD_BULK_CHANGES = rows(5) "insert into bulk_change (bulk_act_id, subscriber_id, list_id, was, at) values {rows} on conflict (bulk_act_id, subscriber_id, list_id) do nothing";
    /// The next readers whom it changed.
    CHANGED = "select distinct subscriber_id from bulk_change where bulk_act_id = $1 and subscriber_id > $2 order by subscriber_id limit $3";
    CHANGES = sqlite "select subscriber_id, list_id, was, at from bulk_change where bulk_act_id = $1 and subscriber_id in (select value from json_each($2))",
        postgres "select subscriber_id, list_id, was, at from bulk_change where bulk_act_id = $1 and subscriber_id = any (array(select value::bigint from json_array_elements_text(cast($2 as json))))";
    ANY_CHANGE = "select subscriber_id from bulk_change where bulk_act_id = $1 limit 1";
    DROP_CHANGES = "delete from bulk_change where bulk_act_id = $1 and subscriber_id in (
        select subscriber_id from bulk_change where bulk_act_id = $1 order by subscriber_id limit 500)";
    /// Who says themselves that they leave stays off, whatever the team did before.
    STAYS_OFF = "delete from bulk_change where subscriber_id = $1 and (list_id = $2 or $2 = 0) and was in ('confirmed', 'pending')";
    /// The same of a JSON array of pairs: reader and list.
    ALL_STAY_OFF = sqlite "delete from bulk_change where was in ('confirmed', 'pending') and (subscriber_id, list_id) in
            (select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each($1))",
        postgres "delete from bulk_change where was in ('confirmed', 'pending') and (subscriber_id, list_id) in
            (select cast(value ->> 0 as bigint), cast(value ->> 1 as bigint) from json_array_elements(cast($1 as json)))";
    /// Who says themselves how they want a list that they were put on stays on it.
    STAYS_ON = "delete from bulk_change where subscriber_id = $1 and (list_id = $2 or $2 = 0) and was = ''";
    /// Who chooses topics themselves keeps those.
    STAYS_CHOSEN = "delete from bulk_change where subscriber_id = $1 and list_id = $2 and was = 'topic'";
    /// What the team said of it, which nobody was mailed by: taking it back stands in the log.
    ERASE_BY_STAFF = "delete from consent_event where subscriber_id = $1 and list_id = $2 and method = 'staff' and at = $3";
    /// The pause that the act began, and no other one.
    UNPAUSE = "update subscription set paused_until = cast($5 as bigint), pause_said_at = $6
        where subscriber_id = $1 and list_id = $2 and paused_until = $3 and pause_said_at = $4 and state = 'confirmed'";
    /// What cannot be taken back any more.
    pub(crate) FORGET_BULK_CHANGES = "delete from bulk_change where (bulk_act_id, subscriber_id, list_id) in (
        select bulk_act_id, subscriber_id, list_id from bulk_change where at < $1 order by at limit $2)";
}

/// What it changed of a reader.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Change {
    pub subscriber_id: i64,
    pub list_id: i64,
    pub was: String,
    pub at: Moment,
}

/// How a reader stands with a list.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Standing {
    pub subscriber_id: i64,
    pub list_id: i64,
    pub state: SubscriptionState,
    pub paused_until: Option<Moment>,
    pub implied_until: Option<Moment>,
}

impl Standing {
    /// Until when they rest from the list, if they do.
    pub fn rests_until(&self, now: Moment) -> Option<Moment> {
        self.paused_until.filter(|until| self.state == SubscriptionState::Confirmed && *until > now)
    }
}

/// Who asks: a transaction, or whoever only looks.
pub enum Asks<'a> {
    Tx(&'a mut Tx),
    Db(&'a Db),
}

impl Asks<'_> {
    pub async fn standings(&mut self, readers: &[i64]) -> Result<Vec<Standing>> {
        match self {
            Self::Tx(tx) => tx.all(STANDINGS, (db::array(readers)?,)).await,
            Self::Db(db) => db.all(STANDINGS, (db::array(readers)?,)).await,
        }
    }

    pub async fn stopped(&mut self, readers: &[i64]) -> Result<Vec<i64>> {
        let found: Vec<(i64,)> = match self {
            Self::Tx(tx) => tx.all(STOPPED, (db::array(readers)?,)).await?,
            Self::Db(db) => db.all(STOPPED, (db::array(readers)?,)).await?,
        };
        Ok(found.into_iter().map(|(reader,)| reader).collect())
    }

    pub async fn taken_back(&mut self, readers: &[i64]) -> Result<Vec<TakenBack>> {
        match self {
            Self::Tx(tx) => importing::taken_back(tx, readers).await,
            Self::Db(db) => importing::taken_back_now(db, readers).await,
        }
    }

    pub async fn addresses(&mut self, readers: &[i64]) -> Result<Vec<(i64, EmailAddress)>> {
        match self {
            Self::Tx(tx) => importing::addresses(tx, readers).await,
            Self::Db(db) => importing::addresses_now(db, readers).await,
        }
    }

    /// Of these readers, each with what their address is kept as, those whom the team puts on no list again.
    pub async fn stay_off(&mut self, kept_as: &[(i64, String)]) -> Result<Vec<i64>> {
        let found = match self {
            Self::Tx(tx) => importing::stay_off(tx, kept_as).await?,
            Self::Db(db) => importing::stay_off_now(db, kept_as).await?,
        };
        Ok(found.into_iter().map(|(reader,)| reader).collect())
    }

    /// Reader and topic.
    pub async fn chosen(&mut self, list: i64, readers: &[i64]) -> Result<Vec<(i64, i64)>> {
        match self {
            Self::Tx(tx) => tx.all(CHOSEN, (list, db::array(readers)?)).await,
            Self::Db(db) => db.all(CHOSEN, (list, db::array(readers)?)).await,
        }
    }
}

pub async fn hold_on_list(tx: &mut Tx, list: i64, readers: &[i64]) -> Result<u64> {
    tx.exec(HOLD_ON_LIST, (list, db::array(readers)?)).await
}

pub async fn leave_many(tx: &mut Tx, list: i64, readers: &[i64], now: Moment) -> Result<u64> {
    tx.exec(LEAVE_MANY, (list, db::array(readers)?, now)).await
}

pub async fn pause_many(tx: &mut Tx, readers: &[i64], until: Moment, now: Moment) -> Result<u64> {
    tx.exec(PAUSE_MANY, (db::array(readers)?, until, now)).await
}

pub async fn unchoose_many(tx: &mut Tx, (list, topic): (i64, i64), readers: &[i64]) -> Result<u64> {
    tx.exec(UNCHOOSE_MANY, (list, topic, db::array(readers)?)).await
}

pub async fn said_many(tx: &mut Tx, list: i64, readers: &[i64], now: Moment) -> Result<u64> {
    tx.exec(SAID_MANY, (list, db::array(readers)?, now)).await
}

/// Reader, list and what happened.
pub async fn add_staff_events(
    tx: &mut Tx,
    events: &[(i64, i64, ConsentAction)],
    source: &str,
    now: Moment,
) -> Result<u64> {
    let row = |(reader, list, action): &(i64, i64, ConsentAction)| {
        (*reader, *list, *action, ConsentMethod::Staff, source, "", "", "", now)
    };
    tx.many(ADD_STAFF_EVENTS, events.iter().map(row)).await
}

pub async fn add_changes(tx: &mut Tx, act: i64, changes: &[Change]) -> Result<u64> {
    let row = |one: &Change| (act, one.subscriber_id, one.list_id, one.was.clone(), one.at);
    tx.many(ADD_BULK_CHANGES, changes.iter().map(row)).await
}

pub async fn changed(db: &Db, act: i64, after: i64, limit: i64) -> Result<Vec<i64>> {
    let found: Vec<(i64,)> = db.all(CHANGED, (act, after, limit)).await?;
    Ok(found.into_iter().map(|(reader,)| reader).collect())
}

pub async fn changes_now(db: &Db, act: i64, readers: &[i64]) -> Result<Vec<Change>> {
    db.all(CHANGES, (act, db::array(readers)?)).await
}

pub async fn changes(tx: &mut Tx, act: i64, readers: &[i64]) -> Result<Vec<Change>> {
    tx.all(CHANGES, (act, db::array(readers)?)).await
}

pub async fn any_change(db: &Db, act: i64) -> Result<bool> {
    Ok(db.opt::<(i64,)>(ANY_CHANGE, (act,)).await?.is_some())
}

/// How many went; there may be more.
pub async fn drop_changes(tx: &mut Tx, act: i64) -> Result<u64> {
    tx.exec(DROP_CHANGES, (act,)).await
}

/// A reader leaves a list, or all of them.
pub async fn stays_off(tx: &mut Tx, reader: i64, list: Option<i64>) -> Result<u64> {
    tx.exec(STAYS_OFF, (reader, list.unwrap_or(0))).await
}

pub async fn all_stay_off(tx: &mut Tx, off: &str) -> Result<u64> {
    tx.exec(ALL_STAY_OFF, (off,)).await
}

/// A reader says how they want a list, or all of them.
pub async fn stays_on(tx: &mut Tx, reader: i64, list: Option<i64>) -> Result<u64> {
    tx.exec(STAYS_ON, (reader, list.unwrap_or(0))).await
}

pub async fn stays_chosen(tx: &mut Tx, reader: i64, list: i64) -> Result<u64> {
    tx.exec(STAYS_CHOSEN, (reader, list)).await
}

pub async fn erase_by_staff(tx: &mut Tx, (reader, list): (i64, i64), at: Moment) -> Result<u64> {
    tx.exec(ERASE_BY_STAFF, (reader, list, at)).await
}

pub async fn unpause(
    tx: &mut Tx,
    (reader, list): (i64, i64),
    (until, said_at): (Moment, Moment),
    was: Option<Moment>,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(UNPAUSE, (reader, list, until, said_at, was, now)).await? == 1)
}
