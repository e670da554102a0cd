//! The statements that join copies and readers with who is on a list.

use std::collections::HashSet;

use super::{AudienceReader, StillFailed};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
    statements,
};

statements! {
    /// Who gets the next edition, by key. Where several write at once, the rows are held until the copies are written: who
    /// leaves meanwhile waits, and then finds the copy to withdraw.
    AUDIENCE = sqlite "select json_group_array(json_array(id, email, name)) from (
            select r.id, r.email, r.name from subscription s join subscriber r on r.id = s.subscriber_id
            where s.list_id = $1 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4) and s.subscriber_id > $2 order by s.subscriber_id limit $3)",
        postgres "select cast(coalesce(json_agg(json_build_array(id, email, name)), '[]') as text) from (
            select r.id, r.email, r.name from subscription s join subscriber r on r.id = s.subscriber_id
            where s.list_id = $1 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4) and s.subscriber_id > $2 order by s.subscriber_id limit $3 for share of s) as audience";
    /// How many of them get it: those who paused, whose implied consent ran out, or whose address is stopped, do not. Read from small
    /// indexes alone.
    AUDIENCE_SIZE = "select (select count(*) from subscription where list_id = $1 and state = 'confirmed')
        - (select count(*) from suppression p
            join subscription s on s.subscriber_id = p.subscriber_id and s.list_id = $1 and s.state = 'confirmed'
            where p.lifted_at is null and p.subscriber_id is not null)
        - (select count(*) from subscription s where s.list_id = $1 and s.state = 'confirmed' and s.paused_until > $2
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null))
        - (select count(*) from subscription s where s.list_id = $1 and s.state = 'confirmed' and s.implied_until <= $2
            and (s.paused_until is null or s.paused_until <= $2)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null))";
    /// How many more would, but for their pause.
    PAUSED = "select count(*) from subscription s where s.list_id = $1 and s.state = 'confirmed' and s.paused_until > $2 and (s.implied_until is null or s.implied_until > $2)
        and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)";
    /// Of a JSON array of readers, who chose topics of the list, and none of the edition's. A topic that was merged counts as the one
    /// that took its place. An edition about nothing is for everybody.
    CHOSE_OTHERS = sqlite "select json_group_array(value) from json_each($3) where exists (select 1 from edition_topic where edition_id = $1)
            and exists (select 1 from subscription_topic c where c.list_id = $2 and c.subscriber_id = value)
            and not exists (select 1 from subscription_topic c where c.list_id = $2 and c.subscriber_id = value and c.topic_id in
                (select coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id where e.edition_id = $1))",
        postgres "select cast(coalesce(json_agg(r.id), '[]') as text) from (select value::bigint as id from json_array_elements_text(cast($3 as json))) as r
            where exists (select 1 from edition_topic where edition_id = $1)
            and exists (select 1 from subscription_topic c where c.list_id = $2 and c.subscriber_id = r.id)
            and not exists (select 1 from subscription_topic c where c.list_id = $2 and c.subscriber_id = r.id and c.topic_id in
                (select coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id where e.edition_id = $1))";
    /// How many of those whom we may mail that is. Looked at are those who chose anything, in their order and once.
    LEFT_OUT = "select count(*) from (select c.subscriber_id from subscription_topic c
                where c.list_id = $2 and exists (select 1 from edition_topic where edition_id = $1) group by c.subscriber_id
                having max(case when c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic e join reader_topic t on t.id = e.topic_id where e.edition_id = $1)
                    then 1 else 0 end) = 0) r
        where exists (select 1 from subscription s where s.subscriber_id = r.subscriber_id and s.list_id = $2 and s.state = 'confirmed'
                and (s.paused_until is null or s.paused_until <= $3) and (s.implied_until is null or s.implied_until > $3))
            and not exists (select 1 from suppression p where p.subscriber_id = r.subscriber_id and p.lifted_at is null)";
    /// Of a JSON array of readers, who chose another rhythm than the one that the edition is for. What the list does not offer any more
    /// counts for nobody.
    CHOSE_ANOTHER_RHYTHM = sqlite "select json_group_array(s.subscriber_id) from edition e join list l on l.id = e.list_id
                join subscription s on s.list_id = e.list_id and s.rhythm <> e.rhythm
            where e.id = $1 and s.subscriber_id in (select value from json_each($2))
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %'",
        postgres "select cast(coalesce(json_agg(s.subscriber_id), '[]') as text) from edition e join list l on l.id = e.list_id
                join subscription s on s.list_id = e.list_id and s.rhythm <> e.rhythm
            where e.id = $1 and s.subscriber_id in (select value::bigint from json_array_elements_text(cast($2 as json)))
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %'";
    /// How many of those whom we may mail that is, but for those who chose other topics. Looked at are those who chose a rhythm.
    LEFT_OUT_BY_RHYTHM = "select count(*) from edition e join list l on l.id = e.list_id
            join subscription s on s.list_id = e.list_id and s.rhythm <> e.rhythm and s.state = 'confirmed'
                and (s.paused_until is null or s.paused_until <= $2) and (s.implied_until is null or s.implied_until > $2)
        where e.id = $1 and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %'
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
            and not (exists (select 1 from edition_topic where edition_id = $1) and exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id)
                and not exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id and c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic o join reader_topic t on t.id = o.topic_id where o.edition_id = $1)))";
    /// Of a JSON array of readers, who would be mailed an edition of a list, whatever its segments say: who is on the list and does not rest from
    /// it, did not choose other topics or another rhythm, and can be mailed.
    CHOOSING = sqlite "select s.subscriber_id from subscription s where s.list_id = $2 and s.subscriber_id in (select value from json_each($3)) and s.state = 'confirmed'
            and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
            and not (exists (select 1 from edition_topic where edition_id = $1) and exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id)
                and not exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id and c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic o join reader_topic t on t.id = o.topic_id where o.edition_id = $1)))
            and not exists (select 1 from list l join edition e on e.id = $1 where l.id = s.list_id and s.rhythm <> e.rhythm
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %')",
        postgres "select s.subscriber_id from subscription s where s.list_id = $2 and s.subscriber_id in (select value::bigint from json_array_elements_text(cast($3 as json))) and s.state = 'confirmed'
            and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
            and not exists (select 1 from suppression p where p.subscriber_id = s.subscriber_id and p.lifted_at is null)
            and not (exists (select 1 from edition_topic where edition_id = $1) and exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id)
                and not exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id and c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic o join reader_topic t on t.id = o.topic_id where o.edition_id = $1)))
            and not exists (select 1 from list l join edition e on e.id = $1 where l.id = s.list_id and s.rhythm <> e.rhythm
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %')";
    /// Those of them who are still on the list: a correction goes to nobody who left, or paused since.
    CORRECTED = sqlite "select r.id as subscriber_id, r.email, r.name from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $5 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate) and v.subscriber_id > $3
        order by v.subscriber_id limit $4",
        postgres "select r.id as subscriber_id, r.email, r.name from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $5 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate) and v.subscriber_id > $3
        order by v.subscriber_id limit $4 for share of s";
    CORRECTED_SIZE = "select count(*) from delivery v
            join variant b on b.id = v.variant_id
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $3 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
        where v.edition_id = $1 and b.revision = $2 and (v.state in ('accepted', 'unknown') or v.maybe_duplicate)
            and not exists (select 1 from suppression p where p.subscriber_id = v.subscriber_id and p.lifted_at is null)";
    /// Failed copies of a class whose readers are still on the list, at the address that the copy went to.
    RETRYABLE = sqlite "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where v.edition_id = $1 and v.state = 'failed' and v.class = $3 and v.subscriber_id > $4
        order by v.subscriber_id limit $5",
        postgres "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where v.edition_id = $1 and v.state = 'failed' and v.class = $3 and v.subscriber_id > $4
        order by v.subscriber_id limit $5 for share of s";
    /// Copies in doubt since a moment at the latest, but those of which staff said that they arrived, whose readers are still on
    /// the list. They carry what is sent now, and nobody got a correction of it: who may have an older version, or has one put
    /// right, is written to and not sent it again.
    DOUBTED = sqlite "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3 and v.updated_at <= $5
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
        order by v.subscriber_id limit $4",
        postgres "select v.subscriber_id, v.address from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $6) and (s.implied_until is null or s.implied_until > $6)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3 and v.updated_at <= $5
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
        order by v.subscriber_id limit $4 for share of s";
    /// The same, and since when each is, to be looked at.
    STILL_DOUBTED = "select v.subscriber_id, v.address, v.updated_at from delivery v
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = $2 and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $5) and (s.implied_until is null or s.implied_until > $5)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where v.edition_id = $1 and v.state = 'unknown' and coalesce(v.class, '') <> 'restored' and v.subscriber_id > $3
            and v.variant_id = (select id from variant where edition_id = $1 order by revision desc, id desc limit 1)
            and not exists (select 1 from edition c where c.corrects_edition_id = $1 and (c.seal_cursor is not null or c.sealed_at is not null))
            and not (exists (select 1 from edition_topic where edition_id = $1) and exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id)
                and not exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id and c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic o join reader_topic t on t.id = o.topic_id where o.edition_id = $1)))
            and not exists (select 1 from list l join edition e on e.id = $1 where l.id = s.list_id and s.rhythm <> e.rhythm
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %')
        order by v.subscriber_id limit $4";
    /// Failed copies for which the edition paused by itself, since it was last let go on, of readers who are still on the list.
    FAILED_FOR_PAUSE = sqlite "select v.subscriber_id, v.address from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where e.id = $1 and e.paused_for in ('us', 'refusals') and exists (select 1 from delivery_attempt t
            where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
            and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big')))
        order by v.subscriber_id limit $3",
        postgres "select v.subscriber_id, v.address from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where e.id = $1 and e.paused_for in ('us', 'refusals') and exists (select 1 from delivery_attempt t
            where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
            and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big')))
        order by v.subscriber_id limit $3 for share of s";
    /// Who waits for a copy of an edition though their consent was implied and ran out since the edition was begun, and of which list. (Its moment
    /// is moved when a restored one goes on.)
    RUN_OUT = "select distinct s.subscriber_id, s.list_id from edition e
            join subscription s on s.list_id = e.list_id and s.state = 'confirmed' and s.implied_until > e.created_at and s.implied_until <= $1
            join delivery v on v.edition_id = e.id and v.subscriber_id = s.subscriber_id and (v.state = 'queued' or v.state = 'claimed' and not v.marker)
        where e.state in ('sending', 'paused', 'held') order by s.subscriber_id, s.list_id limit $2";
    /// Whether that is so still: who agreed meanwhile waits for theirs.
    HAS_RUN_OUT = sqlite "select subscriber_id from subscription where subscriber_id = $1 and list_id = $2 and state = 'confirmed' and implied_until <= $3",
        postgres "select subscriber_id from subscription where subscriber_id = $1 and list_id = $2 and state = 'confirmed' and implied_until <= $3 for share";
    /// Failed copies of readers who are still on the list, and whether the edition paused for them: to be looked at.
    STILL_FAILED = "select v.subscriber_id, v.address, v.class,
            cast(case when e.paused_for in ('us', 'refusals') and exists (select 1 from delivery_attempt t
                where t.edition_id = e.id and t.subscriber_id = v.subscriber_id and t.id > e.judged_after and t.reason is not null
                and (e.paused_for = 'refusals' or t.reason in ('policy', 'too-big'))) then 1 else 0 end as bigint) as for_pause
        from edition e
            join delivery v on v.edition_id = e.id and v.state = 'failed' and v.class >= '' and v.subscriber_id > $2
            join subscription s on s.subscriber_id = v.subscriber_id and s.list_id = e.list_id and s.state = 'confirmed' and (s.paused_until is null or s.paused_until <= $4) and (s.implied_until is null or s.implied_until > $4)
            join subscriber r on r.id = v.subscriber_id and r.email = v.address
        where e.id = $1
            and not (exists (select 1 from edition_topic where edition_id = $1) and exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id)
                and not exists (select 1 from subscription_topic c where c.list_id = s.list_id and c.subscriber_id = s.subscriber_id and c.topic_id in
                    (select coalesce(t.merged_into, t.id) from edition_topic o join reader_topic t on t.id = o.topic_id where o.edition_id = $1)))
            and not exists (select 1 from list l where l.id = s.list_id and s.rhythm <> e.rhythm
                and ' ' || l.rhythms || ' ' like '% ' || e.rhythm || ' %' and ' ' || l.rhythms || ' ' like '% ' || s.rhythm || ' %')
        order by v.subscriber_id limit $3";
}

pub async fn audience(
    tx: &mut Tx,
    list: i64,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<AudienceReader>> {
    let rows: Vec<(i64, String, String)> = tx.array(AUDIENCE, (list, after, limit, now)).await?;
    let recipient = |(subscriber_id, email, name)| AudienceReader {
        subscriber_id,
        email: EmailAddress::from_store(email),
        name,
    };
    Ok(rows.into_iter().map(recipient).collect())
}

pub async fn audience_size(db: &Db, list: i64, now: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(AUDIENCE_SIZE, (list, now)).await?.0)
}

/// Of these readers, who would be mailed an edition of a list, whatever its segments say.
pub async fn choosing(
    db: &Db,
    (edition, list): (i64, i64),
    readers: &[i64],
    now: Moment,
) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = db.all(CHOOSING, (edition, list, db::array(readers)?, now)).await?;
    Ok(rows.into_iter().map(|(reader,)| reader).collect())
}

pub async fn paused(db: &Db, list: i64, now: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(PAUSED, (list, now)).await?.0)
}

/// Of these readers, who chose topics of the list, and none of the edition's.
pub async fn chose_others(tx: &mut Tx, (edition, list): (i64, i64), readers: &[i64]) -> Result<HashSet<i64>> {
    let others: Vec<i64> = tx.array(CHOSE_OTHERS, (edition, list, db::array(readers)?)).await?;
    Ok(others.into_iter().collect())
}

/// Of these readers, who chose another rhythm than the edition's.
pub async fn chose_another_rhythm(tx: &mut Tx, edition: i64, readers: &[i64]) -> Result<HashSet<i64>> {
    let others: Vec<i64> = tx.array(CHOSE_ANOTHER_RHYTHM, (edition, db::array(readers)?)).await?;
    Ok(others.into_iter().collect())
}

pub async fn left_out_by_rhythm(db: &Db, edition: i64, now: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(LEFT_OUT_BY_RHYTHM, (edition, now)).await?.0)
}

pub async fn left_out(db: &Db, (edition, list): (i64, i64), now: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(LEFT_OUT, (edition, list, now)).await?.0)
}

pub async fn corrected(
    tx: &mut Tx,
    (wrong, revision): (i64, i64),
    list_id: i64,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<AudienceReader>> {
    tx.all(CORRECTED, (wrong, revision, after, limit, list_id, now)).await
}

pub async fn corrected_size(
    db: &Db,
    (wrong, revision): (i64, i64),
    list_id: i64,
    now: Moment,
) -> Result<i64> {
    Ok(db.one::<(i64,)>(CORRECTED_SIZE, (wrong, revision, list_id, now)).await?.0)
}

pub async fn failed_for_pause(
    tx: &mut Tx,
    edition: i64,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(FAILED_FOR_PAUSE, (edition, after, limit, now)).await
}

pub async fn run_out(db: &Db, now: Moment, limit: i64) -> Result<Vec<(i64, i64)>> {
    db.all(RUN_OUT, (now, limit)).await
}

pub async fn has_run_out(tx: &mut Tx, (reader, list): (i64, i64), now: Moment) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(HAS_RUN_OUT, (reader, list, now)).await?.is_some())
}

pub async fn still_failed(
    db: &Db,
    edition: i64,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<StillFailed>> {
    db.all(STILL_FAILED, (edition, after, limit, now)).await
}

pub async fn retryable(
    tx: &mut Tx,
    (edition_id, list_id): (i64, i64),
    class: &str,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(RETRYABLE, (edition_id, list_id, class, after, limit, now)).await
}

pub async fn doubted(
    tx: &mut Tx,
    (edition_id, list_id): (i64, i64),
    since: Moment,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<(i64, EmailAddress)>> {
    tx.all(DOUBTED, (edition_id, list_id, after, limit, since, now)).await
}

pub async fn still_doubted(
    db: &Db,
    (edition_id, list_id): (i64, i64),
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<(i64, EmailAddress, Moment)>> {
    db.all(STILL_DOUBTED, (edition_id, list_id, after, limit, now)).await
}
