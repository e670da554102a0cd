//! The SQL of joining: what the brake counts, the names that were typed, and what nobody confirmed.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::EmailAddress,
    statements,
};

statements! {
    /// One more for the brake to count.
    ADD_LETTER = "insert into confirmation_mail (subscriber_id, sent_at, mailbox, network, domain, waited, letter)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
    /// Somebody asked.
    ADD_ASKING = "insert into asking (network, domain, waited, at, block) values ($1, $2, $3, $4, $5)";
    pub(crate) FORGET_ASKED_FROM = "delete from asking where id in (select id from asking where at < $1 order by at limit $2)";
    /// The last three to a mailbox, or to the reader, between two moments; the newest first.
    LETTERS = "select subscriber_id, sent_at from confirmation_mail
        where (mailbox = $1 or subscriber_id = $2) and sent_at > $3 and sent_at <= $4 order by sent_at desc limit 3";
    /// When a letter went to a reader, by its key.
    LETTER_AT = "select sent_at from confirmation_mail where subscriber_id = $1 and letter = $2";
    /// Whether a mail was about a reader's new address: its link is good for nothing else.
    OF_MOVING = "select count(*) from confirmation_mail where subscriber_id = $1 and sent_at = $2 and letter like 'address_change:%'";
    /// What the last hour and the last days weigh; of the hour no more rows are counted than `$8`.
    SPENT = "select
        (select count(*) from (select at from asking where network = $1 and at > $3 and at <= $4 limit $8) a)
            + (select cast(coalesce(sum(weight - 1), 0) as bigint) from confirmation_mail where network = $1 and weight > 1 and sent_at > $3 and sent_at <= $4) as network,
        (select count(*) from (select at from asking where block = $7 and at > $3 and at <= $4 limit $8) f) as block,
        (select count(*) from (select at from asking where domain = $2 and at > $3 and at <= $4 and waited = 0 limit $8) b)
            + (select cast(coalesce(sum(weight - 1), 0) as bigint) from confirmation_mail where domain = $2 and weight > 1 and sent_at > $3 and sent_at <= $4 and waited = 0) as domain,
        (select count(*) from (select sent_at from confirmation_mail where domain = $2 and sent_at > $3 and sent_at <= $4 and waited = 1 limit $8) c) as waited_of_domain,
        (select count(*) from (select at from asking where at > $3 and at <= $4 and waited = 0 limit $8) d) as whole,
        (select count(*) from (select sent_at from confirmation_mail where sent_at > $3 and sent_at <= $4 and waited = 1 limit $8) e) as waited,
        (select cast(coalesce(sum(joined), 0) as bigint) from joined_day where began_at >= $5 and began_at < $6) as joined,
        (select count(*) from subscriber where confirm_due_at is not null) as waiting";
    /// Whether `RETURNED` would find one. Where no mail failed, none of the hour's is looked at.
    IS_RETURNED = "select c.subscriber_id from (select 1 as one from notice where template in ('confirm_subscription', 'welcome') and state = 'failed' and finished_at > $1
            and class in ('refused', 'no such mailbox', 'no such domain', 'moved away', 'takes no mail', 'mailbox switched off') limit 1) f
        cross join confirmation_mail c where c.weight = 1 and c.sent_at > $1 and c.letter in (
        select key from notice where template in ('confirm_subscription', 'welcome') and state = 'failed' and finished_at > $1
        and class in ('refused', 'no such mailbox', 'no such domain', 'moved away', 'takes no mail', 'mailbox switched off')) limit 1";
    /// Those whose mailbox refused them for good count for more.
    RETURNED = "update confirmation_mail set weight = 3 where weight = 1 and sent_at > $1 and letter in (
        select key from notice where template in ('confirm_subscription', 'welcome') and state = 'failed' and finished_at > $1
        and class in ('refused', 'no such mailbox', 'no such domain', 'moved away', 'takes no mail', 'mailbox switched off'))";
    /// Whether `STOPPED` would find one.
    IS_STOPPED = "select c.subscriber_id from confirmation_mail c join suppression s on s.subscriber_id = c.subscriber_id
        where c.weight = 1 and c.sent_at > $1 and s.reason = 'bounced' and s.created_at >= c.sent_at limit 1";
    /// And those of which it came back later, by whatever way, that there is no such mailbox.
    STOPPED = "update confirmation_mail set weight = 3 where weight = 1 and sent_at > $1 and exists (select 1 from suppression s
        where s.subscriber_id = confirmation_mail.subscriber_id and s.reason = 'bounced' and s.created_at >= confirmation_mail.sent_at)";
    /// What the brake no longer counts.
    pub(crate) FORGET_LETTERS = "delete from confirmation_mail where (subscriber_id, sent_at) in (
        select subscriber_id, sent_at from confirmation_mail where sent_at < $1 order by sent_at limit $2)";
    /// Whoever typed something else later may be the addressee, or not: then neither is anybody's, and nothing typed after them.
    NOTE_TYPED = "insert into typed (subscriber_id, name, answers, at) values ($1, $2, $3, $4)
        on conflict (subscriber_id) do update set at = excluded.at,
            name = case when typed.name = excluded.name and typed.answers = excluded.answers then typed.name else '' end,
            answers = case when typed.name = excluded.name and typed.answers = excluded.answers then typed.answers else '' end";
    /// What was typed of answers; whoever reads it holds the reader.
    TYPED = "select answers from typed where subscriber_id = $1";
    TAKE_TYPED = "delete from typed where subscriber_id = $1 returning name, answers";
    /// What nobody confirmed.
    pub(crate) FORGET_TYPED = "delete from typed where subscriber_id in (select subscriber_id from typed where at < $1 order by at limit $2)";
    /// Who else may have the mailbox: the same letters without dots, alone or before a tag.
    ALIKE = "select email from subscriber where id <> $1 and (replace(email_key, '.', '') in ($2, $3)
        or (replace(email_key, '.', '') > $4 and replace(email_key, '.', '') < $5)) limit 1000";
    ONE_MORE_JOINED = "insert into joined_day (began_at, joined) values ($1, 1)
        on conflict (began_at) do update set joined = joined_day.joined + 1";
    pub(crate) FORGET_DAYS = "delete from joined_day where began_at in (
        select began_at from joined_day where began_at < $1 order by began_at limit $2)";
    /// The askings for addresses that nobody confirmed: they prove nothing.
    pub(crate) FORGET_ASKINGS = "delete from consent_event where id in (
        select e.id from subscription s join consent_event e on e.subscriber_id = s.subscriber_id
        where s.state = 'pending' and s.asked_at < $1
        and not exists (select 1 from subscription o where o.subscriber_id = s.subscriber_id
            and (o.state <> 'pending' or o.confirmed_at is not null or o.left_at is not null or o.asked_at >= $1))
        and not exists (select 1 from donor_state d where d.subscriber_id = s.subscriber_id)
        order by s.asked_at limit $2)";
    /// The addresses, once their askings are gone.
    pub(crate) FORGET_UNCONFIRMED = "delete from subscriber where id in (
        select s.subscriber_id from subscription s
        where s.state = 'pending' and s.asked_at < $1
        and not exists (select 1 from subscription o where o.subscriber_id = s.subscriber_id
            and (o.state <> 'pending' or o.confirmed_at is not null or o.left_at is not null or o.asked_at >= $1))
        and not exists (select 1 from donor_state d where d.subscriber_id = s.subscriber_id)
        and not exists (select 1 from consent_event e where e.subscriber_id = s.subscriber_id)
        order by s.asked_at limit $2)";
}

/// Whom a mail that asks to confirm counts for, as hashes.
#[derive(Clone, Debug)]
pub struct Whose {
    /// The mailbox, whichever of its spellings was typed.
    pub mailbox: String,
    /// The network that asked; none where it is not known.
    pub network: Option<String>,
    /// The block of networks that this one belongs to; none where there is nothing between it and its provider.
    pub block: Option<String>,
    /// What one provider of networks has.
    pub provider: Option<String>,
    /// The domain of the address.
    pub domain: String,
    /// Whether that is where many people have their mailbox.
    pub is_at_a_provider: bool,
}

/// What was asked and has gone out lately.
#[derive(Clone, Copy, Debug, Default, sqlx_macros::FromRow)]
pub struct Spent {
    /// How often the network asked, and what came back of it.
    pub network: i64,
    /// How often the block of networks asked.
    pub block: i64,
    /// How often somebody asked for the domain, and what came back of it; but for those who wait.
    pub domain: i64,
    /// How many went to the domain for those who waited.
    pub waited_of_domain: i64,
    /// How often somebody asked in all, but for those who wait.
    pub whole: i64,
    /// How many for those who waited.
    pub waited: i64,
    /// How many people joined in the last days before today.
    pub joined: i64,
    /// How many readers wait for a mail.
    pub waiting: i64,
}

/// A mail that went out.
pub struct Letter<'a> {
    pub subscriber: i64,
    pub whose: &'a Whose,
    /// The key of its notice.
    pub key: &'a str,
    /// Whether they waited for it.
    pub waited: bool,
}

/// What was typed into a form beside the address: the name, and what the fields were answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    pub name: &'a str,
    /// As `fields::Answers` writes them; may be empty.
    pub answers: &'a str,
}

/// The same, once its addressee has confirmed.
#[derive(Clone, Debug, Default, sqlx_macros::FromRow)]
pub struct TheirWords {
    pub name: String,
    pub answers: String,
}

pub async fn add_letter(tx: &mut Tx, letter: Letter<'_>, now: Moment) -> Result<u64> {
    let Letter { subscriber, whose: Whose { mailbox, network, domain, .. }, key, waited } = letter;
    let whose = (mailbox.as_str(), network.as_deref(), domain.as_str(), i64::from(waited));
    let row = (subscriber, now, whose.0, whose.1, whose.2, whose.3, key);
    tx.exec(ADD_LETTER, row).await
}

/// One more asking, whatever comes of it.
pub async fn add_asking(tx: &mut Tx, whose: &Whose, waits: bool, now: Moment) -> Result<u64> {
    let Whose { network, block, domain, .. } = whose;
    tx.exec(ADD_ASKING, (network.as_deref(), domain.as_str(), i64::from(waits), now, block.as_deref())).await
}

/// To whom and when the last three mails went that asked a mailbox to confirm, after `since` and up to `now`.
pub async fn letters(
    tx: &mut Tx,
    mailbox: &str,
    subscriber: i64,
    (since, now): (Moment, Moment),
) -> Result<Vec<(i64, Moment)>> {
    tx.all(LETTERS, (mailbox, subscriber, since, now)).await
}

/// When the letter of that key went to a reader; none once that is not counted any more.
pub async fn letter_at(db: &Db, subscriber: i64, key: &str) -> Result<Option<Moment>> {
    Ok(db.opt::<(Moment,)>(LETTER_AT, (subscriber, key)).await?.map(|(at,)| at))
}

pub async fn was_of_moving(tx: &mut Tx, subscriber: i64, sent_at: Moment) -> Result<bool> {
    Ok(tx.one::<(i64,)>(OF_MOVING, (subscriber, sent_at)).await?.0 > 0)
}

pub async fn spent(
    tx: &mut Tx,
    whose: &Whose,
    (since, now): (Moment, Moment),
    (from_day, today): (Moment, Moment),
    most: i64,
) -> Result<Spent> {
    let Whose { network, block, domain, .. } = whose;
    let days = (from_day, today);
    let whose = (network.as_deref(), domain.as_str(), block.as_deref());
    tx.one(SPENT, (whose.0, whose.1, since, now, days.0, days.1, whose.2, most)).await
}

/// Of what went out since a moment, what came back counts for more.
pub async fn returned(db: &Db, since: Moment) -> Result<u64> {
    let mut returned = 0;
    for (is_there, counts) in [(IS_RETURNED, RETURNED), (IS_STOPPED, STOPPED)] {
        if db.opt::<(i64,)>(is_there, (since,)).await?.is_some() {
            let mut tx = db.begin().await?;
            returned += tx.exec(counts, (since,)).await?;
            tx.commit().await?;
        }
    }
    Ok(returned)
}

pub async fn note_typed(tx: &mut Tx, subscriber: i64, typed: Typed<'_>, now: Moment) -> Result<u64> {
    tx.exec(NOTE_TYPED, (subscriber, typed.name, typed.answers, now)).await
}

pub async fn typed(tx: &mut Tx, subscriber: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(TYPED, (subscriber,)).await?.map(|(answers,)| answers))
}

pub async fn take_typed(tx: &mut Tx, subscriber: i64) -> Result<Option<TheirWords>> {
    tx.opt(TAKE_TYPED, (subscriber,)).await
}

/// Whether anybody else is known whose address fills the same mailbox as one without a tag. Where very many have the same letters,
/// the answer is yes.
pub async fn is_known_otherwise(tx: &mut Tx, subscriber: i64, email: &EmailAddress) -> Result<bool> {
    let mailbox = email.mailbox();
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((&mailbox, ""));
    let (local, domain) = (local.replace('.', ""), domain.replace('.', ""));
    let plain = format!("{local}@{domain}");
    // The one provider that reads no dots has two names.
    let other = if domain == "gmailcom" { format!("{local}@googlemailcom") } else { plain.clone() };
    let tagged = (format!("{local}+"), format!("{local},"));
    let row = (subscriber, plain.as_str(), other.as_str(), tagged.0.as_str(), tagged.1.as_str());
    let alike: Vec<(EmailAddress,)> = tx.all(ALIKE, row).await?;
    Ok(alike.len() >= 1000 || alike.iter().any(|(one,)| one.mailbox() == mailbox))
}

pub async fn one_more_joined(tx: &mut Tx, day: Moment) -> Result<u64> {
    tx.exec(ONE_MORE_JOINED, (day,)).await
}
