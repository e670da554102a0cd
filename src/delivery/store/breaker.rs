//! SQL of the brake on an edition that is refused.

use crate::{
    db::{Result, Tx},
    statements,
};

statements! {
    /// The newest hundred outcomes of an edition since somebody last let it go on, as the log has them: how many, how many of
    /// them final refusals, how many of those about us. The log is read from its end, over no more
    /// than so many lines, whatever else is being sent.
    RECENT = "select count(*) as outcomes, count(reason) as refused, count(case when reason = 'policy' then 1 end) as of_us
        from (select reason from delivery_attempt
            where id > (select judged_after from edition where id = $1) and id > (select max(id) from delivery_attempt) - $2
            and edition_id + 0 = $1 and outcome not in ('held back', 'broke off') order by id desc limit 100) as recent";
    /// Refusals that are about us, since then, counted up to so many.
    OF_US = "select count(*) from (select 1 from delivery_attempt where edition_id = $1 and reason = 'policy'
            and id > (select judged_after from edition where id = $1) limit $2) as refused";
    /// Of how many domains the copies are that were refused since then, of the newest hundred.
    REFUSING_DOMAINS = "select count(distinct d.domain_key) from (select subscriber_id from delivery_attempt
            where edition_id = $1 and reason is not null and id > (select judged_after from edition where id = $1)
            order by id desc limit 100) as a
        join delivery d on d.edition_id = $1 and d.subscriber_id = a.subscriber_id";
    /// Of how many domains an edition's readers are, counted up to so many.
    DOMAINS = "select count(*) from (select distinct domain_key from delivery where edition_id = $1 limit $2) as of_edition";
    /// The newest words of refusal.
    WORDS = "select reply from delivery_attempt
        where edition_id = $1 and reason is not null and id > (select judged_after from edition where id = $1)
        order by id desc limit 100";
    /// Was somebody asked about implausible refusals of this edition?
    SEEN = "select refusals_seen from edition where id = $1";
    /// Somebody is.
    SEE = "update edition set refusals_seen = true where id = $1";
}

/// What came of the newest copies.
#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
pub struct Recent {
    pub outcomes: i64,
    pub refused: i64,
    pub of_us: i64,
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

pub async fn domains(tx: &mut Tx, edition: i64, most: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(DOMAINS, (edition, most)).await?.0)
}

pub async fn words(tx: &mut Tx, edition: i64) -> Result<Vec<String>> {
    Ok(tx.all::<(String,)>(WORDS, (edition,)).await?.into_iter().map(|(reply,)| reply).collect())
}

pub async fn was_seen(tx: &mut Tx, edition: i64) -> Result<bool> {
    Ok(tx.one::<(bool,)>(SEEN, (edition,)).await?.0)
}

pub async fn see(tx: &mut Tx, edition: i64) -> Result<()> {
    tx.exec(SEE, (edition,)).await?;
    Ok(())
}
