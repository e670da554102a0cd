//! The SQL of finding readers: by what their row is folded to, and by how they stand. Each gives ids, newest first.

use super::super::rows::{Counted, Counts, ReaderStanding, Subscriber, SubscriptionState};
use crate::{
    clock::Moment,
    db::{self, Db, Engine, Result, Tx},
    statements,
};

statements! {
    NEWEST_ID = "select coalesce(max(id), 0) from subscriber";
    /// By trigrams, as `Threes` writes them, and of those that have them all whoever holds the text; no more than `$4`.
    BY_TRIGRAMS = sqlite "select r.id from subscriber_found join subscriber r on r.id = subscriber_found.rowid
            where subscriber_found match $1 and subscriber_found.rowid < $2 and instr(r.search, $3) > 0
            order by subscriber_found.rowid desc limit $4",
        postgres "with found as materialized (select id from subscriber
                where trigrams(search) @> array(select json_array_elements_text(cast($1 as json))) and id < $2 and strpos(search, $3) > 0 limit $4)
            select id from found";
    /// By trigrams of which one is enough.
    BY_ANY_TRIGRAM = sqlite "select r.id from subscriber_found join subscriber r on r.id = subscriber_found.rowid
            where subscriber_found match $1 and subscriber_found.rowid < $2 order by subscriber_found.rowid desc limit $3",
        postgres "with found as materialized (select id from subscriber
                where trigrams(search) && array(select json_array_elements_text(cast($1 as json))) and id < $2 limit $3)
            select id from found";
    /// In the order of names, behind a key and before another: whoever holds a text and stands so.
    BY_NAME = sqlite "select r.id from subscriber r
            where substr(r.search, 2, 24) >= $1 and substr(r.search, 2, 24) < $3 and (substr(r.search, 2, 24) > $1 or r.id > $2)
            and ($4 = '' or instr(r.search, $4) > 0)
            and ($6 not in ('stopped', 'confirmed', 'paused', 'pending') or ($6 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($5 = 0 and $6 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($5 = 0 or s.list_id = $5)
                    and ($6 in ('', 'stopped') or s.state = case $6 when 'paused' then 'confirmed' else $6 end)
                    and ($6 not in ('confirmed', 'paused') or ($6 = 'paused') = (coalesce(s.paused_until, 0) > $9))))
            and ($8 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $8 and c.subscriber_id = r.id and ($5 = 0 or c.list_id = $5)))
            order by substr(r.search, 2, 24), r.id limit $7",
        postgres "select r.id from subscriber r
            where substr(r.search, 2, 24) >= $1 and substr(r.search, 2, 24) < $3 and (substr(r.search, 2, 24) > $1 or r.id > $2)
            and ($4 = '' or strpos(r.search, $4) > 0)
            and ($6 not in ('stopped', 'confirmed', 'paused', 'pending') or ($6 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($5 = 0 and $6 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($5 = 0 or s.list_id = $5)
                    and ($6 in ('', 'stopped') or s.state = case $6 when 'paused' then 'confirmed' else $6 end)
                    and ($6 not in ('confirmed', 'paused') or ($6 = 'paused') = (coalesce(s.paused_until, 0) > $9))))
            and ($8 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $8 and c.subscriber_id = r.id and ($5 = 0 or c.list_id = $5)))
            order by substr(r.search, 2, 24), r.id limit $7";
    /// In the order of addresses, behind one.
    BY_ADDRESS = sqlite "select r.id from subscriber r where r.email_key > $1 and ($2 = '' or instr(r.search, $2) > 0)
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.email_key limit $5",
        postgres "select r.id from subscriber r where r.email_key > $1 and ($2 = '' or strpos(r.search, $2) > 0)
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.email_key limit $5";
    /// What a JSON array of readers is ordered by.
    KEYS_OF = sqlite "select id, coalesce(search, '') as search, email_key from subscriber where id in (select value from json_each($1))",
        postgres "select id, coalesce(search, '') as search, email_key from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))";
    /// Of a JSON array of readers those who stand so.
    AMONG = sqlite "select r.id from subscriber r where r.id in (select value from json_each($1))
            and ($3 not in ('stopped', 'confirmed', 'paused', 'pending') or ($3 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($2 = 0 and $3 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($2 = 0 or s.list_id = $2)
                    and ($3 in ('', 'stopped') or s.state = case $3 when 'paused' then 'confirmed' else $3 end)
                    and ($3 not in ('confirmed', 'paused') or ($3 = 'paused') = (coalesce(s.paused_until, 0) > $6))))
            and ($5 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $5 and c.subscriber_id = r.id and ($2 = 0 or c.list_id = $2)))
            order by r.id desc limit $4",
        postgres "select r.id from subscriber r where r.id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
            and ($3 not in ('stopped', 'confirmed', 'paused', 'pending') or ($3 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($2 = 0 and $3 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($2 = 0 or s.list_id = $2)
                    and ($3 in ('', 'stopped') or s.state = case $3 when 'paused' then 'confirmed' else $3 end)
                    and ($3 not in ('confirmed', 'paused') or ($3 = 'paused') = (coalesce(s.paused_until, 0) > $6))))
            and ($5 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $5 and c.subscriber_id = r.id and ($2 = 0 or c.list_id = $2)))
            order by r.id desc limit $4";
    /// Of a JSON array of readers those who hold a text, or part of a public id.
    HOLDING = sqlite "select r.id from subscriber r where r.id in (select value from json_each($1))
            and (instr(coalesce(r.search, lower(r.name || ' ' || r.email_key)), $2) > 0 or ($3 <> '' and instr(r.public_id, $3) > 0))
            order by r.id desc limit $4",
        postgres "select r.id from subscriber r where r.id = any (array(select value::bigint from json_array_elements_text(cast($1 as json))))
            and (strpos(coalesce(r.search, lower(r.name || ' ' || r.email_key)), $2) > 0 or ($3 <> '' and strpos(r.public_id, $3) > 0))
            order by r.id desc limit $4";
    /// Row by row, between two ids.
    BETWEEN = sqlite "select r.id from subscriber r where r.id > $1 and r.id < $2 and instr(r.search, $3) > 0
            and ($5 not in ('stopped', 'confirmed', 'paused', 'pending') or ($5 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($4 = 0 and $5 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($4 = 0 or s.list_id = $4)
                    and ($5 in ('', 'stopped') or s.state = case $5 when 'paused' then 'confirmed' else $5 end)
                    and ($5 not in ('confirmed', 'paused') or ($5 = 'paused') = (coalesce(s.paused_until, 0) > $8))))
            and ($7 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $7 and c.subscriber_id = r.id and ($4 = 0 or c.list_id = $4)))
            order by r.id desc limit $6",
        postgres "select r.id from subscriber r where r.id > $1 and r.id < $2 and strpos(r.search, $3) > 0
            and ($5 not in ('stopped', 'confirmed', 'paused', 'pending') or ($5 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($4 = 0 and $5 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($4 = 0 or s.list_id = $4)
                    and ($5 in ('', 'stopped') or s.state = case $5 when 'paused' then 'confirmed' else $5 end)
                    and ($5 not in ('confirmed', 'paused') or ($5 = 'paused') = (coalesce(s.paused_until, 0) > $8))))
            and ($7 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $7 and c.subscriber_id = r.id and ($4 = 0 or c.list_id = $4)))
            order by r.id desc limit $6";
    /// Those that are not folded yet, as far as the database knows small letters.
    UNFOLDED = sqlite "select r.id from subscriber r
            where r.search is null and r.id < $1 and (instr(lower(r.name), $2) > 0 or instr(r.email_key, $2) > 0)
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.id desc limit $5",
        postgres "select r.id from subscriber r
            where r.search is null and r.id < $1 and (strpos(lower(r.name), $2) > 0 or strpos(r.email_key, $2) > 0)
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.id desc limit $5";
    /// Whose public id begins so: from `$1` on and before `$2`.
    BY_ID_PREFIX = "select r.id from subscriber r where r.public_id >= $1 and r.public_id < $2 and r.id < $3
            and ($5 not in ('stopped', 'confirmed', 'paused', 'pending') or ($5 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($4 = 0 and $5 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($4 = 0 or s.list_id = $4)
                    and ($5 in ('', 'stopped') or s.state = case $5 when 'paused' then 'confirmed' else $5 end)
                    and ($5 not in ('confirmed', 'paused') or ($5 = 'paused') = (coalesce(s.paused_until, 0) > $8))))
            and ($7 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $7 and c.subscriber_id = r.id and ($4 = 0 or c.list_id = $4)))
            order by r.id desc limit $6";
    /// Whose public id holds it.
    BY_ID_PART = sqlite "select r.id from subscriber r where instr(r.public_id, $1) > 0 and r.id < $2
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.id desc limit $5",
        postgres "select r.id from subscriber r where strpos(r.public_id, $1) > 0 and r.id < $2
            and ($4 not in ('stopped', 'confirmed', 'paused', 'pending') or ($4 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.id and p.lifted_at is null))
            and (($3 = 0 and $4 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.id and ($3 = 0 or s.list_id = $3)
                    and ($4 in ('', 'stopped') or s.state = case $4 when 'paused' then 'confirmed' else $4 end)
                    and ($4 not in ('confirmed', 'paused') or ($4 = 'paused') = (coalesce(s.paused_until, 0) > $7))))
            and ($6 = 0 or exists (select 1 from subscription_topic c where c.topic_id = $6 and c.subscriber_id = r.id and ($3 = 0 or c.list_id = $3)))
            order by r.id desc limit $5";
    EVERYBODY = "select id from subscriber where id < $1 order by id desc limit $2";
    /// Of one list, however they stand: from the index of each state.
    ON_LIST = "select subscriber_id from (
            select * from (select subscriber_id from subscription where list_id = $1 and state = 'confirmed' and subscriber_id < $2 order by subscriber_id desc limit $3) a
            union all select * from (select subscriber_id from subscription where list_id = $1 and state = 'pending' and subscriber_id < $2 order by subscriber_id desc limit $3) b
            union all select * from (select subscriber_id from subscription where list_id = $1 and state = 'left' and subscriber_id < $2 order by subscriber_id desc limit $3) c) d
        order by subscriber_id desc limit $3";
    /// Whoever gets it: not those who paused, nor those whose address is stopped.
    CONFIRMED_ON = "select s.subscriber_id from subscription s where s.list_id = $1 and s.state = 'confirmed' and s.subscriber_id < $2
            and (s.paused_until is null or s.paused_until <= $4)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
        order by s.subscriber_id desc limit $3";
    /// Whoever asked and can confirm: not those whose address is stopped.
    PENDING_ON = "select s.subscriber_id from subscription s where s.list_id = $1 and s.state = 'pending' and s.subscriber_id < $2
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
        order by s.subscriber_id desc limit $3";
    LEFT_ON = "select subscriber_id from subscription where list_id = $1 and state = 'left' and subscriber_id < $2 order by subscriber_id desc limit $3";
    CONFIRMED = "select distinct s.subscriber_id from subscription s where s.state = 'confirmed' and s.subscriber_id < $1
            and (s.paused_until is null or s.paused_until <= $3)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
        order by s.subscriber_id desc limit $2";
    PENDING = "select distinct s.subscriber_id from subscription s where s.state = 'pending' and s.subscriber_id < $1
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
        order by s.subscriber_id desc limit $2";
    LEFT = "select distinct subscriber_id from subscription where state = 'left' and subscriber_id < $1 order by subscriber_id desc limit $2";
    /// Whoever paused, of one list or, where it is 0, of any. The sign keeps SQLite from the index by moments, behind which it would sort.
    PAUSED = "select distinct s.subscriber_id from subscription s where s.paused_until is not null and +s.paused_until > $4 and s.state = 'confirmed' and s.subscriber_id < $2 and ($1 = 0 or s.list_id = $1)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
        order by s.subscriber_id desc limit $3";
    /// Whoever chose a topic, of one list or of any, and stands so.
    CHOSE = "select distinct r.subscriber_id from subscription_topic r where r.topic_id = $1 and ($2 = 0 or r.list_id = $2) and r.subscriber_id < $3
            and ($5 not in ('stopped', 'confirmed', 'paused', 'pending') or ($5 = 'stopped') = exists (select 1 from suppression p where p.subscriber_id = r.subscriber_id and p.lifted_at is null))
            and (($2 = 0 and $5 in ('', 'stopped')) or exists (select 1 from subscription s
                where s.subscriber_id = r.subscriber_id and ($2 = 0 or s.list_id = $2)
                    and ($5 in ('', 'stopped') or s.state = case $5 when 'paused' then 'confirmed' else $5 end)
                    and ($5 not in ('confirmed', 'paused') or ($5 = 'paused') = (coalesce(s.paused_until, 0) > $6))))
        order by r.subscriber_id desc limit $4";
    STOPPED = "select distinct p.subscriber_id from suppression p
        where p.lifted_at is null and p.subscriber_id is not null and p.subscriber_id < $2
        and exists (select 1 from subscription s where s.subscriber_id = p.subscriber_id and ($1 = 0 or s.list_id = $1))
        order by p.subscriber_id desc limit $3";
    BY_IDS = sqlite "select id, public_id, email, name, created_at from subscriber where id in (select value from json_each($1)) order by id desc",
        postgres "select id, public_id, email, name, created_at from subscriber where id = any (array(select value::bigint from json_array_elements_text(cast($1 as json)))) order by id desc";
    /// What nobody folded yet, by key.
    WAITING = "select id, public_id, email, name, created_at from subscriber where search is null and id > $1 order by id limit $2";
    /// The next to be made anew, after an update.
    AFTER = "select id, public_id, email, name, created_at from subscriber where id > $1 order by id limit $2";
    FOLDED_UP_TO = "select version, after_id from folded where what = 'reader'";
    FOLD_ON = "insert into folded (what, version, after_id) values ('reader', $1, $2)
        on conflict (what) do update set version = excluded.version, after_id = excluded.after_id";
    /// What many new readers are found by goes from the list where the server gathers it to where it is found quickly.
    TIDY = sqlite "select 0", postgres "select gin_clean_pending_list(cast('subscriber_found_idx' as regclass))";
    /// The server hears how many there are: what it plans for a table of some hundred rows, and keeps, reads all of it for each row.
    COUNT_ANEW = sqlite "select 0", postgres "analyze subscriber (id), subscription (subscriber_id), consent_event (subscriber_id), field_value (subscriber_id)";
    FOLD = "update subscriber set search = $2 where id = $1";
    /// Unless they were changed since they were read.
    FOLD_MANY = rows(4) "update subscriber set search = v.column2 from (values {rows}) as v
        where subscriber.id = cast(v.column1 as bigint) and subscriber.search is null and subscriber.email = v.column3 and subscriber.name = v.column4";
    /// The same after an update: those that are folded otherwise.
    FOLD_ANEW = rows(4) "update subscriber set search = v.column2 from (values {rows}) as v
        where subscriber.id = cast(v.column1 as bigint) and subscriber.search <> v.column2 and subscriber.email = v.column3 and subscriber.name = v.column4";
    /// On a list, and of those whoever is stopped; and whoever has not confirmed, and could. Each from an index of those alone, and no more of
    /// them than `$1`.
    COUNTS = "select (select count(*) from (select distinct subscriber_id from subscription where state = 'confirmed' order by subscriber_id limit $1) a) as confirmed,
        (select count(*) from (select distinct s.subscriber_id from suppression p
            join subscription s on s.subscriber_id = p.subscriber_id and s.state = 'confirmed'
            where p.lifted_at is null and p.subscriber_id is not null limit $1) b) as stopped,
        (select count(*) from (select distinct s.subscriber_id from subscription s where s.state = 'pending'
            and not exists (select 1 from subscription o where o.subscriber_id = s.subscriber_id and o.state = 'confirmed')
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
            order by s.subscriber_id limit $1) c) as pending";
    COUNTED = "select confirmed, stopped, pending, counted_at from reader_count";
    KEEP_COUNT = "insert into reader_count (single, confirmed, stopped, pending, counted_at) values (1, $1, $2, $3, $4)
        on conflict (single) do update set confirmed = excluded.confirmed, stopped = excluded.stopped, pending = excluded.pending, counted_at = excluded.counted_at";
}

/// Where words begin and end in what readers are found by.
const BESIDE_A_WORD: [char; 5] = ['\n', ' ', '-', '.', '@'];

pub async fn newest_id(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(NEWEST_ID, ()).await?.0)
}

/// What is looked for, as it stands in the statements.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Folded; of public ids, as it was typed.
    pub text: &'a str,
    /// Whatever the list, 0.
    pub list: i64,
    /// However they stand, empty.
    pub standing: &'a str,
    /// Whatever they chose, 0.
    pub topic: i64,
    /// Whoever paused until then or before gets it again.
    pub now: Moment,
}

/// Who holds a text of three letters at least, however they stand: all of them, or so many that are not the newest.
pub async fn by_trigrams(db: &Db, text: &str, before: i64, most: i64) -> Result<Vec<i64>> {
    // What stands behind the sign of an address, very many have.
    let telling = match text.char_indices().find(|(_, c)| *c == '@') {
        Some((at, _)) if text[..at].chars().count() >= 3 => &text[..=at],
        _ => text,
    };
    let letters: Vec<char> = telling.chars().collect();
    let threes: Vec<String> = letters.windows(3).map(|three| three.iter().collect()).collect();
    ids(db.all(BY_TRIGRAMS, (asked(db, &threes, " ")?, before, text, most)).await?)
}

/// Who has a word that begins or ends with two letters, however they stand: all of them, or so many that are not the newest.
pub async fn by_two_letters(db: &Db, text: &str, before: i64, most: i64) -> Result<Vec<i64>> {
    let begin = BESIDE_A_WORD.iter().map(|sign| format!("{sign}{text}"));
    let threes: Vec<String> = begin.chain(BESIDE_A_WORD.iter().map(|sign| format!("{text}{sign}"))).collect();
    ids(db.all(BY_ANY_TRIGRAM, (asked(db, &threes, " OR ")?, before, most)).await?)
}

/// Trigrams as the engine asks for them.
fn asked(db: &Db, threes: &[String], joint: &str) -> Result<String> {
    match db.engine() {
        Engine::Sqlite => {
            let quoted = threes.iter().map(|three| format!("\"{}\"", three.replace('"', "\"\"")));
            Ok(quoted.collect::<Vec<_>>().join(joint))
        }
        Engine::Postgres => db::array(threes),
    }
}

/// What readers are ordered by.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct Keys {
    pub id: i64,
    /// Empty where it is not folded yet.
    pub search: String,
    pub email_key: String,
}

pub async fn keys_of(db: &Db, readers: &[i64]) -> Result<Vec<Keys>> {
    db.all(KEYS_OF, (db::array(readers)?,)).await
}

/// In the order of names, behind the reader with that key and id, up to a key.
pub async fn by_name(
    db: &Db,
    sought: Sought<'_>,
    (key, id, end): (&str, i64, &str),
    limit: i64,
) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    ids(db.all(BY_NAME, (key, id, end, text, list, standing, limit, topic, now)).await?)
}

/// In the order of addresses, behind one.
pub async fn by_address(db: &Db, sought: Sought<'_>, after: &str, limit: i64) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    ids(db.all(BY_ADDRESS, (after, text, list, standing, limit, topic, now)).await?)
}

/// Of these readers those who stand as it is sought.
pub async fn among(db: &Db, readers: &[i64], sought: Sought<'_>, limit: i64) -> Result<Vec<i64>> {
    ids(db
        .all(AMONG, (db::array(readers)?, sought.list, sought.standing, limit, sought.topic, sought.now))
        .await?)
}

/// The same in a transaction.
pub async fn among_in(tx: &mut Tx, readers: &[i64], sought: Sought<'_>, limit: i64) -> Result<Vec<i64>> {
    let Sought { list, standing, topic, now, .. } = sought;
    ids(tx.all(AMONG, (db::array(readers)?, list, standing, limit, topic, now)).await?)
}

/// Of these readers those who hold a text, or what may be part of a public id, if it is not empty.
pub async fn holding(db: &Db, readers: &[i64], (text, id): (&str, &str), limit: i64) -> Result<Vec<i64>> {
    ids(db.all(HOLDING, (db::array(readers)?, text, id, limit)).await?)
}

/// Between two ids, neither of which is meant.
pub async fn between(
    db: &Db,
    sought: Sought<'_>,
    (after, before): (i64, i64),
    limit: i64,
) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    ids(db.all(BETWEEN, (after, before, text, list, standing, limit, topic, now)).await?)
}

pub async fn unfolded(db: &Db, sought: Sought<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    ids(db.all(UNFOLDED, (before, text, list, standing, limit, topic, now)).await?)
}

pub async fn by_id_prefix(db: &Db, sought: Sought<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    // No public id has a sign above it.
    let end = format!("{text}~");
    ids(db.all(BY_ID_PREFIX, (text, end, before, list, standing, limit, topic, now)).await?)
}

pub async fn by_id_part(db: &Db, sought: Sought<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Sought { text, list, standing, topic, now } = sought;
    ids(db.all(BY_ID_PART, (text, before, list, standing, limit, topic, now)).await?)
}

pub async fn everybody(db: &Db, before: i64, limit: i64) -> Result<Vec<i64>> {
    ids(db.all(EVERYBODY, (before, limit)).await?)
}

pub async fn on_list(
    db: &Db,
    list: i64,
    (standing, now): (Option<ReaderStanding>, Moment),
    before: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let statement = match standing {
        None => ON_LIST,
        Some(ReaderStanding::Is(SubscriptionState::Confirmed)) => {
            return ids(db.all(CONFIRMED_ON, (list, before, limit, now)).await?);
        }
        Some(ReaderStanding::Paused) => return ids(db.all(PAUSED, (list, before, limit, now)).await?),
        Some(ReaderStanding::Is(SubscriptionState::Pending)) => PENDING_ON,
        Some(ReaderStanding::Is(SubscriptionState::Left)) => LEFT_ON,
        Some(ReaderStanding::Stopped) => STOPPED,
    };
    ids(db.all(statement, (list, before, limit)).await?)
}

pub async fn standing(
    db: &Db,
    (standing, now): (ReaderStanding, Moment),
    before: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let statement = match standing {
        ReaderStanding::Is(SubscriptionState::Confirmed) => {
            return ids(db.all(CONFIRMED, (before, limit, now)).await?);
        }
        ReaderStanding::Paused => return ids(db.all(PAUSED, (0_i64, before, limit, now)).await?),
        ReaderStanding::Is(SubscriptionState::Pending) => PENDING,
        ReaderStanding::Is(SubscriptionState::Left) => LEFT,
        ReaderStanding::Stopped => return ids(db.all(STOPPED, (0_i64, before, limit)).await?),
    };
    ids(db.all(statement, (before, limit)).await?)
}

/// Who chose the topic that is sought, of its list or of any, and stands so.
pub async fn chose(db: &Db, sought: Sought<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Sought { list, standing, topic, now, .. } = sought;
    ids(db.all(CHOSE, (topic, list, before, limit, standing, now)).await?)
}

fn ids(rows: Vec<(i64,)>) -> Result<Vec<i64>> {
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Newest first.
pub async fn by_ids(db: &Db, ids: &[i64]) -> Result<Vec<Subscriber>> {
    db.all(BY_IDS, (db::array(ids)?,)).await
}

pub async fn waiting(db: &Db, after: i64, limit: i64) -> Result<Vec<Subscriber>> {
    db.all(WAITING, (after, limit)).await
}

pub async fn after(db: &Db, after: i64, limit: i64) -> Result<Vec<Subscriber>> {
    db.all(AFTER, (after, limit)).await
}

/// The version that readers are made anew in, and how far that has come.
pub async fn folded_up_to(db: &Db) -> Result<Option<(i64, i64)>> {
    db.opt(FOLDED_UP_TO, ()).await
}

pub async fn fold_on(tx: &mut Tx, version: i64, after: i64) -> Result<u64> {
    tx.exec(FOLD_ON, (version, after)).await
}

pub async fn tidy(tx: &mut Tx) -> Result<()> {
    tx.all::<(i64,)>(TIDY, ()).await.map(drop)
}

pub async fn count_anew(tx: &mut Tx) -> Result<()> {
    tx.exec(COUNT_ANEW, ()).await.map(drop)
}

pub async fn fold(tx: &mut Tx, id: i64, text: &str) -> Result<u64> {
    tx.exec(FOLD, (id, text)).await
}

pub async fn fold_many(tx: &mut Tx, readers: &[(&Subscriber, String)]) -> Result<u64> {
    tx.many(FOLD_MANY, readers.iter().map(fold_row)).await
}

pub async fn fold_anew(tx: &mut Tx, readers: &[(&Subscriber, String)]) -> Result<u64> {
    tx.many(FOLD_ANEW, readers.iter().map(fold_row)).await
}

fn fold_row((reader, text): &(&Subscriber, String)) -> (i64, String, String, String) {
    (reader.id, text.clone(), reader.email.as_str().to_owned(), reader.name.clone())
}

/// No more of each than `most`.
pub async fn counts(db: &Db, most: i64) -> Result<Counts> {
    db.one(COUNTS, (most,)).await
}

pub async fn counted(db: &Db) -> Result<Option<Counted>> {
    db.opt(COUNTED, ()).await
}

pub async fn keep_count(tx: &mut Tx, counts: Counts, now: Moment) -> Result<u64> {
    tx.exec(KEEP_COUNT, (counts.confirmed, counts.stopped, counts.pending, now)).await
}
