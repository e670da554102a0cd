//! The SQL of readers' new addresses.

use super::super::rows::Subscriber;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    links::End,
    statements,
};

statements! {
    ADD_CHANGE = "insert into address_change (public_id, subscriber_id, old_email, new_email, asked_at, staff_id, old_agreed_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    /// Another asking takes the place of the one before, whose links open nothing from then on.
    END_OPEN = "update address_change set ended_at = $2 where subscriber_id = $1 and done_at is null and ended_at is null";
    /// One that cannot be done.
    END_CHANGE = "update address_change set ended_at = $2 where id = $1 and done_at is null and ended_at is null";
    CHANGE = "select id, public_id, subscriber_id, old_email, new_email, staff_id, old_agreed_at, new_agreed_at, done_at, undone_at, ended_at
        from address_change where public_id = $1";
    /// A reader's, the newest first: as many as they may ask for in the days for which one is known.
    CHANGES = "select id, public_id, subscriber_id, old_email, new_email, staff_id, old_agreed_at, new_agreed_at, done_at, undone_at, ended_at
        from address_change where subscriber_id = $1 order by asked_at desc, id desc limit 50";
    /// When a reader last asked for one, and which; what a clock wrote that was ahead holds nobody.
    LAST_ASKED = "select asked_at, new_email, ended_at from address_change where subscriber_id = $1 and staff_id is null and asked_at <= $2
        order by asked_at desc limit 1";
    /// When the team put a reader's address right, between two moments, unless that was taken back.
    PUT_RIGHT = "select done_at from address_change where subscriber_id = $1 and staff_id is not null and done_at > $2 and done_at <= $3 and undone_at is null
        order by done_at desc limit 1";
    /// The one that a reader waits for, or the team.
    UNDER_WAY = "select public_id, new_email, staff_id, asked_at, old_agreed_at, new_agreed_at from address_change
        where subscriber_id = $1 and done_at is null and ended_at is null and asked_at > $2 order by asked_at desc, id desc limit 1";
    CALL_OFF = "update address_change set ended_at = $3 where public_id = $1 and subscriber_id = $2 and done_at is null and ended_at is null";
    AGREE_OLD = "update address_change set old_agreed_at = $2 where id = $1 and old_agreed_at is null and done_at is null and ended_at is null";
    AGREE_NEW = "update address_change set new_agreed_at = $2 where id = $1 and new_agreed_at is null and done_at is null and ended_at is null";
    CHANGE_DONE = "update address_change set done_at = $2 where id = $1 and done_at is null and ended_at is null";
    CHANGE_UNDONE = "update address_change set undone_at = $2 where id = $1 and done_at is not null and undone_at is null";
    /// How often a reader's mail went to another address since a moment.
    MOVED_SINCE = "select count(*) from address_change where subscriber_id = $1 and (done_at > $2 or undone_at > $2)";
    /// The reader's mail goes to another address. What is known of their gifts stays with the one under which they gave.
    READDRESS = "update subscriber set email = $2, email_key = $3, search = $4, moved_at = $5,
            gives_as = nullif(coalesce(gives_as, email_key), $3)
        where id = $1 and email_key = $6";
    /// The earlier mailbox takes it back: what is known under the other one is not of whoever reads there.
    READDRESS_BACK = "update subscriber set email = $2, email_key = $3, search = $4, moved_at = $5, gives_as = nullif(gives_as, $3)
        where id = $1 and email_key = $6";
    /// It is found anew: it was that of the address that they leave.
    FORGET_STATE_OF_HERE = "delete from donor_state where subscriber_id = $1
        and exists (select 1 from subscriber r where r.id = $1 and r.gives_as is null)";
    FORGET_STATE = "delete from donor_state where subscriber_id = $1";
    /// Who gave nothing under the old address since their gifts went to the one that they have now.
    GIVES_WHERE_GIFTS_WENT = "update subscriber set gives_as = null where id = $1
        and not exists (select 1 from donor_state d where d.subscriber_id = $1 and d.state <> 'never')";
    /// Who moved since a moment, and of whose gifts nothing is known.
    MOVED_WITHOUT_STATE = "select r.id, r.email_key, r.created_at from subscriber r
        where r.id in (select c.subscriber_id from address_change c where c.done_at > $1 or c.undone_at > $1)
        and not exists (select 1 from donor_state d where d.subscriber_id = r.id) order by r.id limit 500";
    /// Nobody leaves a list meanwhile.
    HOLD_SUBSCRIPTIONS = "update subscription set state = state where subscriber_id = $1";
    /// Who gives under their new address for the first time since they moved there is known by it, unless a monthly donation runs.
    GIVES_AS_NOW = "update subscriber set gives_as = null where email_key = $1 and gives_as is not null and moved_at <= $2
        and not exists (select 1 from donor_state d where d.subscriber_id = subscriber.id and d.state in ('monthly', 'failing'))";
    /// Whose that are, and under which address they gave until then.
    WHO_GIVES_AS_NOW = "select id, gives_as from subscriber where email_key = $1 and gives_as is not null and moved_at <= $2
        and not exists (select 1 from donor_state d where d.subscriber_id = subscriber.id and d.state in ('monthly', 'failing'))";
    GIVES_AS = "select coalesce(gives_as, email_key) from subscriber
        where id = $1 and (gives_as is not null or not exists (select 1 from subscriber m where m.gives_as = subscriber.email_key))";
    /// Who moved from an address to another, and is known by the gifts of the first.
    WHO_GAVE_BEFORE_MOVING = "select id from subscriber where gives_as = $1 and email_key = $2";
    /// Nothing is left under it.
    GIVES_AS_THEY_READ = "update subscriber set gives_as = null where id = $1";
    /// The gifts of before, where nobody else has the address, or gave under it.
    GAVE_AS = "select f.gave_as from former_address f where f.subscriber_id = $1 and f.gave_as is not null
        and not exists (select 1 from subscriber o where o.id <> $1 and (o.email_key = f.gave_as or o.gives_as = f.gave_as))";
    /// They have another address from now on.
    ADD_FORMER = "insert into former_address (subscriber_id, address_hash, left_at) values ($1, $2, $3)
        on conflict (subscriber_id, address_hash) do update set left_at = excluded.left_at";
    GAVE = "insert into former_address (subscriber_id, address_hash, left_at, gave_as) values ($1, $2, $3, $4)
        on conflict (subscriber_id, address_hash) do update set gave_as = excluded.gave_as";
    FORMER = "select address_hash, left_at from former_address where subscriber_id = $1 order by left_at, address_hash";
    /// Who moved away from it last.
    WHO_HAD = "select r.id, r.public_id, r.email, r.name, r.created_at from former_address f join subscriber r on r.id = f.subscriber_id
        where f.address_hash = $1 order by f.left_at desc limit 1";
    /// Somebody is a reader there by now: it is nobody's former one.
    TAKEN = sqlite "delete from former_address where address_hash in (select value from json_each($1))",
        postgres "delete from former_address where address_hash in (select json_array_elements_text(cast($1 as json)))";
    /// As often as a reader may ask for another in the days for which it is known.
    CHANGES_OF = "select public_id from address_change where subscriber_id = $1 order by asked_at desc limit 50";
    /// What is over: its links are, too.
    pub(crate) FORGET_CHANGES = "delete from address_change where id in (select id from address_change where asked_at < $1 order by asked_at limit $2)";
}

/// A change of a reader's address.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Change {
    pub id: i64,
    pub public_id: String,
    pub subscriber_id: i64,
    pub old_email: EmailAddress,
    pub new_email: EmailAddress,
    /// Who of the team asked for it, and answers for the old address.
    pub staff_id: Option<i64>,
    pub old_agreed_at: Option<Moment>,
    pub new_agreed_at: Option<Moment>,
    pub done_at: Option<Moment>,
    pub undone_at: Option<Moment>,
    pub ended_at: Option<Moment>,
}

/// A change that is asked for, and neither done nor over.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct UnderWay {
    pub public_id: String,
    pub new_email: EmailAddress,
    /// Who of the team asked for it.
    pub staff_id: Option<i64>,
    pub asked_at: Moment,
    pub old_agreed_at: Option<Moment>,
    pub new_agreed_at: Option<Moment>,
}

/// A new one.
#[derive(Clone, Copy, Debug)]
pub struct NewChange<'a> {
    pub public_id: &'a str,
    pub subscriber: i64,
    pub old: &'a EmailAddress,
    pub new: &'a EmailAddress,
    pub staff: Option<i64>,
}

/// Begins a change, in the place of the one that is under way.
pub async fn begin(tx: &mut Tx, change: NewChange<'_>, now: Moment) -> Result<u64> {
    let NewChange { public_id, subscriber, old, new, staff } = change;
    tx.exec(END_OPEN, (subscriber, now)).await?;
    let agreed = staff.map(|_| now);
    tx.exec(ADD_CHANGE, (public_id, subscriber, old.as_str(), new.as_str(), now, staff, agreed)).await
}

pub async fn change(db: &Db, public_id: &str) -> Result<Option<Change>> {
    db.opt(CHANGE, (public_id,)).await
}

pub async fn change_in(tx: &mut Tx, public_id: &str) -> Result<Option<Change>> {
    tx.opt(CHANGE, (public_id,)).await
}

pub async fn changes(db: &Db, subscriber: i64) -> Result<Vec<Change>> {
    db.all(CHANGES, (subscriber,)).await
}

/// When, for which address, and when it ended, if it did not come to it.
pub async fn last_asked(
    tx: &mut Tx,
    subscriber: i64,
    now: Moment,
) -> Result<Option<(Moment, EmailAddress, Option<Moment>)>> {
    tx.opt(LAST_ASKED, (subscriber, now)).await
}

pub async fn put_right(db: &Db, subscriber: i64, (after, until): (Moment, Moment)) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(PUT_RIGHT, (subscriber, after, until)).await?.map(|(at,)| at))
}

/// One of the two mailboxes agrees; `false` if it had, or the change is over.
pub async fn agree(tx: &mut Tx, change: i64, end: End, now: Moment) -> Result<bool> {
    let statement = if end == End::New { AGREE_NEW } else { AGREE_OLD };
    Ok(tx.exec(statement, (change, now)).await? == 1)
}

pub async fn end(tx: &mut Tx, change: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(END_CHANGE, (change, now)).await? == 1)
}

pub async fn under_way(db: &Db, subscriber: i64, after: Moment) -> Result<Option<UnderWay>> {
    db.opt(UNDER_WAY, (subscriber, after)).await
}

/// `false` if it was over, or is another reader's.
pub async fn call_off(tx: &mut Tx, change: &str, subscriber: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(CALL_OFF, (change, subscriber, now)).await? == 1)
}

pub async fn done(tx: &mut Tx, change: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(CHANGE_DONE, (change, now)).await? == 1)
}

pub async fn undone(tx: &mut Tx, change: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(CHANGE_UNDONE, (change, now)).await? == 1)
}

pub async fn moved_since(db: &Db, subscriber: i64, at: Moment) -> Result<bool> {
    Ok(db.one::<(i64,)>(MOVED_SINCE, (subscriber, at)).await?.0 > 0)
}

/// Their mail goes from one address to another; `search` is what they are found by there.
pub async fn readdress(
    tx: &mut Tx,
    subscriber: i64,
    (from, to): (&EmailAddress, &EmailAddress),
    search: &str,
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(READDRESS, (subscriber, to.as_str(), to.key(), search, now, from.key())).await? == 1)
}

/// The same by whoever reads at the earlier one, who takes it back.
pub async fn readdress_back(
    tx: &mut Tx,
    subscriber: i64,
    (from, to): (&EmailAddress, &EmailAddress),
    search: &str,
    now: Moment,
) -> Result<bool> {
    tx.exec(FORGET_STATE_OF_HERE, (subscriber,)).await?;
    Ok(tx.exec(READDRESS_BACK, (subscriber, to.as_str(), to.key(), search, now, from.key())).await? == 1)
}

/// Whether they are known by the gifts of the address that they have now.
pub async fn gives_where_gifts_went(tx: &mut Tx, subscriber: i64) -> Result<bool> {
    Ok(tx.exec(GIVES_WHERE_GIFTS_WENT, (subscriber,)).await? == 1)
}

/// Who moved since then, and of whose gifts nothing is known, by number, address and since when they are known.
pub async fn moved_without_state(db: &Db, since: Moment) -> Result<Vec<(i64, String, Moment)>> {
    db.all(MOVED_WITHOUT_STATE, (since,)).await
}

/// What is known of their gifts is found anew.
pub async fn forget_donor_state(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(FORGET_STATE, (subscriber,)).await
}

pub async fn hold_subscriptions(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(HOLD_SUBSCRIPTIONS, (subscriber,)).await
}

/// A supporter of that address, who is one since a moment, has given.
pub async fn gives_as_now(tx: &mut Tx, key: &str, since: Moment) -> Result<u64> {
    tx.exec(GIVES_AS_NOW, (key, since)).await
}

/// Who gave under `was` and has `is` by now.
pub async fn who_gave_before_moving(tx: &mut Tx, was: &str, is: &str) -> Result<Option<i64>> {
    Ok(tx.opt::<(i64,)>(WHO_GAVE_BEFORE_MOVING, (was, is)).await?.map(|(reader,)| reader))
}

/// A reader's gifts are known by the address that they have.
pub async fn gives_as_they_read(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(GIVES_AS_THEY_READ, (subscriber,)).await
}

pub async fn gives_as_in(tx: &mut Tx, subscriber: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(GIVES_AS, (subscriber,)).await?.map(|(key,)| key))
}

/// Whose gifts are known by that address from now on, and by which they were.
pub async fn who_gives_as_now(tx: &mut Tx, key: &str, since: Moment) -> Result<Option<(i64, String)>> {
    tx.opt(WHO_GIVES_AS_NOW, (key, since)).await
}

/// They gave under that address.
pub async fn gave(tx: &mut Tx, subscriber: i64, hash: &str, key: &str, now: Moment) -> Result<u64> {
    tx.exec(GAVE, (subscriber, hash, now, key)).await
}

/// Under which addresses else they gave.
pub async fn gave_as(db: &Db, subscriber: i64) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(GAVE_AS, (subscriber,)).await?.into_iter().map(|(key,)| key).collect())
}

pub async fn gave_as_in(tx: &mut Tx, subscriber: i64) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(GAVE_AS, (subscriber,)).await?.into_iter().map(|(key,)| key).collect())
}

/// An address that they had until now, by its hash.
pub async fn add_former(tx: &mut Tx, subscriber: i64, hash: &str, now: Moment) -> Result<u64> {
    tx.exec(ADD_FORMER, (subscriber, hash, now)).await
}

/// The addresses that a reader had, as hashes, and until when; the first that they left comes first.
pub async fn former(db: &Db, subscriber: i64) -> Result<Vec<(String, Moment)>> {
    db.all(FORMER, (subscriber,)).await
}

pub async fn former_in(tx: &mut Tx, subscriber: i64) -> Result<Vec<(String, Moment)>> {
    tx.all(FORMER, (subscriber,)).await
}

/// Who had an address, of those who have another one now.
pub async fn who_had(db: &Db, hash: &str) -> Result<Option<Subscriber>> {
    db.opt(WHO_HAD, (hash,)).await
}

/// These addresses are somebody's.
pub async fn taken(tx: &mut Tx, hashes: &[&str]) -> Result<u64> {
    tx.exec(TAKEN, (db::array(hashes)?,)).await
}

/// What changes of a reader are known, by public id.
pub async fn changes_of(tx: &mut Tx, subscriber: i64) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(CHANGES_OF, (subscriber,)).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn gives_as(db: &Db, subscriber: i64) -> Result<Option<String>> {
    Ok(db.opt::<(String,)>(GIVES_AS, (subscriber,)).await?.map(|(key,)| key))
}
