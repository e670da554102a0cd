//! The SQL of forgetting a reader, and of who was forgotten.

use super::super::rows::{ConsentMethod, Subscriber};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    /// Everything that hangs from a reader is held until the commit: first the reader, as for everybody who asks or confirms, then how they
    /// stand with their lists, and at last the reader against whoever writes down that something happened to them.
    HOLD_LISTS = sqlite "select list_id from subscription where subscriber_id = $1",
        postgres "select list_id from subscription where subscriber_id = $1 order by list_id for update";
    HOLD_WHOLE = sqlite "select id, public_id, email, name, created_at from subscriber where id = $1",
        postgres "select id, public_id, email, name, created_at from subscriber where id = $1 for update";
    /// What they agreed to, without where from and in what words of the team.
    KEEP_CONSENT = "insert into forgotten_consent (address_hash, list_id, action, method, wording_id, at, forgotten_at)
        select cast($2 as text), list_id, action, method, wording_id, at, cast($3 as bigint) from consent_event where subscriber_id = $1 order by id";
    /// Of who is not there and left a list, as the journal has it: once, and not of whoever was forgotten since.
    KEEP_LEFT = "insert into forgotten_consent (address_hash, list_id, action, method, at, forgotten_at)
        select cast($1 as text), cast($2 as bigint), 'left', cast($3 as text), cast($4 as bigint), cast($5 as bigint)
        where not exists (select 1 from forgotten f where f.address_hash = $1 and f.forgotten_at >= $4)
            and not exists (select 1 from forgotten_consent k where k.address_hash = $1 and k.list_id = $2 and k.action = 'left' and k.at >= $4)";
    /// What those of a JSON array of hashes left last whom only the journal knows, by which way and when. Who was forgotten is none of them.
    LEFT_AMONG = sqlite "select k.address_hash, k.list_id, k.method, k.at from forgotten_consent k
            where k.action = 'left' and k.address_hash in (select value from json_each($1))
                and not exists (select 1 from forgotten_consent o where o.address_hash = k.address_hash and o.list_id = k.list_id
                    and (o.at > k.at or o.at = k.at and o.id > k.id))
                and not exists (select 1 from forgotten f where f.address_hash = k.address_hash) order by k.id",
        postgres "select k.address_hash, k.list_id, k.method, k.at from forgotten_consent k
            where k.action = 'left' and k.address_hash = any (array(select json_array_elements_text(cast($1 as json))))
                and not exists (select 1 from forgotten_consent o where o.address_hash = k.address_hash and o.list_id = k.list_id
                    and (o.at > k.at or o.at = k.at and o.id > k.id))
                and not exists (select 1 from forgotten f where f.address_hash = k.address_hash) order by k.id";
    ERASE_CONSENT = "delete from consent_event where subscriber_id = $1";
    /// With what hangs from it: lists, topics, answers, notes.
    DROP_READER = "delete from subscriber where id = $1";
    /// A reader was there until now, whatever was known of the address before.
    FORGOTTEN = "insert into forgotten (address_hash, forgotten_at, donor_id) values ($1, $2, $3)
        on conflict (address_hash) do update set forgotten_at = excluded.forgotten_at, returned_at = null,
            donor_id = coalesce(excluded.donor_id, forgotten.donor_id)";
    /// Whoever came back since is not forgotten by what is older.
    FORGOTTEN_THEN = "insert into forgotten (address_hash, forgotten_at) values ($1, $2)
        on conflict (address_hash) do update set forgotten_at = excluded.forgotten_at, returned_at = null
        where forgotten.forgotten_at < excluded.forgotten_at and coalesce(forgotten.returned_at, 0) < excluded.forgotten_at";
    /// Its owner is back.
    RETURNED = "update forgotten set returned_at = $2 where address_hash = $1 and returned_at is null";
    IS_FORGOTTEN = "select count(*) from forgotten where address_hash = $1 and returned_at is null";
    /// Of a JSON array of hashes, for `Tx::array`.
    AMONG = sqlite "select json_group_array(address_hash) from forgotten where returned_at is null and address_hash in (select value from json_each($1))",
        postgres "select cast(coalesce(json_agg(address_hash), '[]') as text) from forgotten where returned_at is null
            and address_hash in (select json_array_elements_text(cast($1 as json)))";
    /// A gift of theirs from before becomes known again, as after a restore: it is forgotten, too.
    GAVE_BEFORE = "update forgotten set donor_id = $2 where address_hash = $1 and forgotten_at >= $3 and returned_at is null";
    /// Supporters who are forgotten once nothing of theirs goes on.
    SUPPORTERS = "select address_hash, donor_id from forgotten where donor_id > $1 order by donor_id limit 100";
    SUPPORTER_IS_GONE = "update forgotten set donor_id = null where address_hash = $1";
    /// The proof of consent, once nobody can ask for it any more.
    pub(crate) FORGET_KEPT = "delete from forgotten_consent where id in (
        select id from forgotten_consent where forgotten_at < $1 order by forgotten_at limit $2)";
}

pub async fn hold_lists(tx: &mut Tx, reader: i64) -> Result<usize> {
    Ok(tx.all::<(i64,)>(HOLD_LISTS, (reader,)).await?.len())
}

pub async fn hold_whole(tx: &mut Tx, reader: i64) -> Result<Option<Subscriber>> {
    tx.opt(HOLD_WHOLE, (reader,)).await
}

pub async fn keep_consent(tx: &mut Tx, reader: i64, hash: &str, at: Moment) -> Result<u64> {
    tx.exec(KEEP_CONSENT, (reader, hash, at)).await
}

pub async fn keep_left(
    tx: &mut Tx,
    hash: &str,
    (list, method, at): (i64, ConsentMethod, Moment),
    now: Moment,
) -> Result<bool> {
    Ok(tx.exec(KEEP_LEFT, (hash, list, method, at, now)).await? == 1)
}

pub async fn left_among(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<(String, i64, ConsentMethod, Moment)>> {
    tx.all(LEFT_AMONG, (db::array(hashes)?,)).await
}

/// The reader and all that hangs from them.
pub async fn drop_reader(tx: &mut Tx, reader: i64) -> Result<u64> {
    tx.exec(ERASE_CONSENT, (reader,)).await?;
    tx.exec(DROP_READER, (reader,)).await
}

pub async fn forgotten(tx: &mut Tx, hash: &str, at: Moment, donor: Option<i64>) -> Result<u64> {
    tx.exec(FORGOTTEN, (hash, at, donor)).await
}

pub async fn forgotten_then(tx: &mut Tx, hash: &str, at: Moment) -> Result<bool> {
    Ok(tx.exec(FORGOTTEN_THEN, (hash, at)).await? == 1)
}

pub async fn returned(tx: &mut Tx, hash: &str, now: Moment) -> Result<u64> {
    tx.exec(RETURNED, (hash, now)).await
}

pub async fn is_forgotten(tx: &mut Tx, hash: &str) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_FORGOTTEN, (hash,)).await?.0 > 0)
}

pub async fn among(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<String>> {
    tx.array(AMONG, (db::array(hashes)?,)).await
}

pub async fn gave_before(tx: &mut Tx, hash: &str, donor: i64, paid: Moment) -> Result<u64> {
    tx.exec(GAVE_BEFORE, (hash, donor, paid)).await
}

pub async fn supporters(db: &Db, after: i64) -> Result<Vec<(String, i64)>> {
    db.all(SUPPORTERS, (after,)).await
}

pub async fn supporter_is_gone(tx: &mut Tx, hash: &str) -> Result<u64> {
    tx.exec(SUPPORTER_IS_GONE, (hash,)).await
}
