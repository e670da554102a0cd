//! SQL of the brake on an edition that is refused.

use crate::{
    db::{Db, Result, Tx},
    replies::Reason,
    statements,
};

statements! {
    /// The newest hundred copies of an edition of which is known what became of them, as the log has it since somebody last let
    /// it go on: how many, how many of them finally refused, how many of those for something about us. A copy counts once, and
    /// an answer that is not final says nothing. The log is read from its end, over no more than so many lines, whatever else
    /// is being sent.
    RECENT = "select count(distinct subscriber_id) as outcomes,
            count(distinct case when reason is not null then subscriber_id end) as refused,
            count(distinct case when reason = 'policy' then subscriber_id end) as of_us
        from (select subscriber_id, reason from delivery_attempt
            where id > (select judged_after from edition where id = $1) and id > (select max(id) from delivery_attempt) - $2
            and edition_id + 0 = $1 and (outcome = 'accepted' or reason is not null) order by id desc limit 100) as recent";
    /// Copies that were refused for something about us, since then, counted up to so many.
    OF_US = "select count(*) from (select distinct subscriber_id from delivery_attempt where edition_id = $1 and reason = 'policy'
            and id > (select judged_after from edition where id = $1) limit $2) as refused";
    /// How many providers refused so many copies since then, in so many lines of the log: the refused alone are looked at.
    REFUSING_PROVIDERS = "select count(*) from (select coalesce(r.provider, d.domain_key) from (select subscriber_id from delivery_attempt
            where id > (select judged_after from edition where id = $1) and id > (select max(id) from delivery_attempt) - $2
            and edition_id + 0 = $1 and reason is not null) as a
        join delivery d on d.edition_id = $1 and d.subscriber_id = a.subscriber_id
        left join recipient_domain r on r.name = d.domain_key
        group by coalesce(r.provider, d.domain_key) having count(distinct a.subscriber_id) >= $3) as refusing";
    /// What came of the newest hundred copies at each provider that refused so many of them, the most refused first.
    BY_PROVIDER = "select provider, count(distinct subscriber_id) as outcomes,
            count(distinct case when reason is not null then subscriber_id end) as refused,
            count(distinct case when reason = 'policy' then subscriber_id end) as of_us
        from (select a.subscriber_id, a.reason, coalesce(r.provider, d.domain_key) as provider,
                row_number() over (partition by coalesce(r.provider, d.domain_key) order by a.id desc) as place
            from (select id, subscriber_id, reason from delivery_attempt
                where id > (select judged_after from edition where id = $1) and id > (select max(id) from delivery_attempt) - $2
                and edition_id + 0 = $1 and (outcome = 'accepted' or reason is not null)) as a
            join delivery d on d.edition_id = $1 and d.subscriber_id = a.subscriber_id
            left join recipient_domain r on r.name = d.domain_key) as placed
        where place <= 100 group by provider
        having count(distinct case when reason is not null then subscriber_id end) >= $3 order by refused desc, provider";
    /// Of how many domains the copies are that were refused since then, of the newest hundred.
    REFUSING_DOMAINS = "select count(distinct d.domain_key) from (select subscriber_id from delivery_attempt
            where edition_id = $1 and reason is not null and id > (select judged_after from edition where id = $1)
            order by id desc limit 100) as a
        join delivery d on d.edition_id = $1 and d.subscriber_id = a.subscriber_id";
    /// What a copy's domain has refused with the same meaning before somebody last let the edition go on, the newest first.
    SAID_BEFORE = "select a.subscriber_id, a.reply from (select subscriber_id, reply from delivery_attempt
            where edition_id = $1 and reason = $3 and id <= (select judged_after from edition where id = $1)
            order by id desc limit 1000) as a
        join delivery d on d.edition_id = $1 and d.subscriber_id = a.subscriber_id
        where d.domain_key = (select domain_key from delivery where edition_id = $1 and subscriber_id = $2) limit 100";
    /// The newest words of refusal.
    WORDS = "select reply from delivery_attempt
        where edition_id = $1 and reason is not null and id > (select judged_after from edition where id = $1)
        order by id desc limit 100";
    /// Was somebody asked about implausible refusals of this edition?
    SEEN = "select refusals_seen from edition where id = $1";
}

/// What came of the newest copies.
#[derive(Clone, Copy, Debug, Default, sqlx_macros::FromRow)]
pub struct Recent {
    pub outcomes: i64,
    pub refused: i64,
    pub of_us: i64,
}

/// What came of the newest copies at one provider.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct OfOne {
    pub provider: String,
    #[sqlx(flatten)]
    pub recent: Recent,
}

pub async fn recent(tx: &mut Tx, edition: i64, lines: i64) -> Result<Recent> {
    tx.one(RECENT, (edition, lines)).await
}

pub async fn of_us(tx: &mut Tx, edition: i64, most: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(OF_US, (edition, most)).await?.0)
}

pub async fn refusing_domains(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(REFUSING_DOMAINS, (edition,)).await?.0)
}

/// The providers that refused so many copies in the last lines of the log; nearly always none did, and little is read.
pub async fn by_provider(tx: &mut Tx, edition: i64, lines: i64, least: i64) -> Result<Vec<OfOne>> {
    if tx.one::<(i64,)>(REFUSING_PROVIDERS, (edition, lines, least)).await?.0 == 0 {
        return Ok(Vec::new());
    }
    tx.all(BY_PROVIDER, (edition, lines, least)).await
}

/// Whose copies they were, and the words.
pub async fn said_before(
    db: &Db,
    edition: i64,
    subscriber: i64,
    reason: Reason,
) -> Result<Vec<(i64, String)>> {
    db.all(SAID_BEFORE, (edition, subscriber, reason.as_str())).await
}

pub async fn words(tx: &mut Tx, edition: i64) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(WORDS, (edition,)).await?.into_iter().map(|(reply,)| reply).collect())
}

pub async fn was_seen(tx: &mut Tx, edition: i64) -> Result<bool> {
    Ok(tx.one::<(bool,)>(SEEN, (edition,)).await?.0)
}
