//! The SQL of what is held about one person: reads alone, each by an index, what may be long by its key, newest first.

use super::rows::{
    Asked, CameBack, Forgotten, FormerAddress, Gift, HeldCopy, HeldDeed, HeldLetter, HeldMember, HeldMonthly,
    HeldNote, HeldReason, HeldSupporter, HeldWho, Kept, Look, Moved, Stop, TheyWrote, Topic, Tried, Typed,
    Within, WrittenDown,
};
use crate::{
    db::{self, Db, Result},
    mail, statements,
};

statements! {
    WHO = "select r.public_id, r.email, r.name, r.created_at, r.confirm_due_at, r.good_bye_at, r.moved_at, r.gives_as, d.state as supporter, d.last_gift_at
        from subscriber r left join donor_state d on d.subscriber_id = r.id where r.id = $1";
    /// What a reader's lists keep of them, beside what everybody may know of a list.
    WITHIN = "select l.name as list, s.state, s.asked_at, s.confirmation_sent_at, s.confirmed_at, s.left_at, s.welcomed_at, s.paused_until, s.pause_said_at, s.implied_until, s.rhythm, s.chosen_at, s.list_id
        from subscription s join list l on l.id = s.list_id where s.subscriber_id = $1 order by l.position, l.id";
    MOVED = "select old_email, new_email, asked_at, old_agreed_at, new_agreed_at, done_at, undone_at, ended_at from address_change
        where subscriber_id = $1 order by asked_at desc limit 100";
    FORMER = "select left_at, gave_as from former_address where subscriber_id = $1 order by left_at desc limit 100";
    REASONS = "select l.name as list, r.left_at, r.reason, r.words, r.at from leaving_reason r join list l on l.id = r.list_id
        where r.subscriber_id = $1 order by r.at desc limit 100";
    /// On which days somebody of the team looked at them; who did is of the team.
    LOOKS = "select id, day from reader_look where subject = $1 and id < $2 order by id desc limit $3";
    TOPICS = "select c.list_id, t.name from subscription s
        join subscription_topic c on c.list_id = s.list_id and c.subscriber_id = s.subscriber_id
        join reader_topic t on t.id = c.topic_id where s.subscriber_id = $1 order by t.position, t.id";
    TYPED = "select name, answers, at from typed where subscriber_id = $1";
    /// What was typed into a form in a rush, for their address; all of it goes within a day, and there are not so many that an index would pay.
    SIGN_UPS = "select at, typed from sign_up where email_key = $1 order by at limit 100";
    COPIES = "select v.edition_id, r.subject as edition, l.name as list, v.address, v.name, v.state, v.class as why, v.attempt as tries,
            v.maybe_duplicate as perhaps_twice, v.updated_at as changed_at
        from delivery v join edition e on e.id = v.edition_id join list l on l.id = e.list_id
            join variant b on b.id = v.variant_id join edition_revision r on r.edition_id = e.id and r.revision = b.revision
        where v.subscriber_id = $1 and v.edition_id < $2 order by v.edition_id desc limit $3";
    /// The tries at some of these.
    TRIED = sqlite "select edition_id, at, outcome, stage, reply as their_server_said from delivery_attempt
            where subscriber_id = $1 and edition_id in (select value from json_each($2)) order by id",
        postgres "select edition_id, at, outcome, stage, reply as their_server_said from delivery_attempt
            where subscriber_id = $1 and edition_id in (select cast(value as bigint) from json_array_elements_text(cast($2 as json))) order by id";
    /// Those to the address, but for what went there to a reader who had it before; those to an address that they had before; and those
    /// about gifts, to where their gifts are known.
    LETTERS = sqlite "select id, template as letter, address, name, state, class as why, reply as their_server_said, attempt as tries,
                maybe_duplicate as perhaps_twice, created_at, finished_at
            from notice where id in (
                select id from notice where (address_key = $1 or address_key = '' and lower(address) = $1) and coalesce(former_of, $4) = $4
                    and template not in (select value from json_each($6))
                union select id from notice where former_of = $4
                union select id from notice where address_key in (select value from json_each($5)) and coalesce(former_of, $4) = $4
                    and template in (select value from json_each($6))) and id < $2 order by id desc limit $3",
        postgres "select id, template as letter, address, name, state, class as why, reply as their_server_said, attempt as tries,
                maybe_duplicate as perhaps_twice, created_at, finished_at
            from notice where id in (
                select id from notice where (address_key = $1 or address_key = '' and lower(address) = $1) and coalesce(former_of, $4) = $4
                    and template not in (select json_array_elements_text(cast($6 as json)))
                union select id from notice where former_of = $4
                union select id from notice where address_key in (select json_array_elements_text(cast($5 as json))) and coalesce(former_of, $4) = $4
                    and template in (select json_array_elements_text(cast($6 as json)))) and id < $2 order by id desc limit $3";
    /// What came back of mail to the address, or to one that the reader had.
    CAME_BACK = sqlite "select id, source, class, action, reason, status, reply, words, effect, masked, received_at from bounce
            where id in (select id from bounce where address_hash in (select value from json_each($1)) union select id from bounce where subscriber_id = $2)
            and id < $3 order by id desc limit $4",
        postgres "select id, source, class, action, reason, status, reply, words, effect, masked, received_at from bounce
            where id in (select id from bounce where address_hash in (select json_array_elements_text(cast($1 as json))) union select id from bounce where subscriber_id = $2)
            and id < $3 order by id desc limit $4";
    /// Letters of people are two hundred at most.
    THEY_WROTE = sqlite "select id, from_address, subject, words, received_at from bounce_letter
            where id in (select value from json_each($1)) and id < $2 order by id desc limit $3",
        postgres "select id, from_address, subject, words, received_at from bounce_letter
            where id in (select cast(value as bigint) from json_array_elements_text(cast($1 as json))) and id < $2 order by id desc limit $3";
    STOPS = sqlite "select id, reason, detail, masked, created_at, lifted_at from suppression
            where address_hash in (select value from json_each($1)) and id < $2 order by id desc limit $3",
        postgres "select id, reason, detail, masked, created_at, lifted_at from suppression
            where address_hash in (select json_array_elements_text(cast($1 as json))) and id < $2 order by id desc limit $3";
    SUPPORTER = sqlite "select public_id, email, name, created_at, never_ask_since, named_since from donor where email_key in (select value from json_each($1)) order by id",
        postgres "select public_id, email, name, created_at, never_ask_since, named_since from donor where email_key in (select json_array_elements_text(cast($1 as json))) order by id";
    GIFTS = sqlite "select d.id, d.public_id, d.email, d.name, d.kind, d.amount_minor, d.currency, d.state, d.created_at, d.paid_at,
                r.number as receipt, d.provider_payment_id as payment, d.card_brand, d.card_last4,
                (select group_concat(n.text, ' / ') from donation_note n where n.donation_id = d.id) as notes
            from donation d left join receipt r on r.donation_id = d.id
            where d.id < $2 and d.id in (
                select x.id from donor k join donation x on x.donor_id = k.id where k.email_key in (select value from json_each($1))
                union select x.id from donation x where x.donor_id is null and x.email <> '' and lower(x.email) in (select value from json_each($1)))
            order by d.id desc limit $3",
        postgres "select d.id, d.public_id, d.email, d.name, d.kind, d.amount_minor, d.currency, d.state, d.created_at, d.paid_at,
                r.number as receipt, d.provider_payment_id as payment, d.card_brand, d.card_last4,
                (select string_agg(n.text, ' / ' order by n.id) from donation_note n where n.donation_id = d.id) as notes
            from donation d left join receipt r on r.donation_id = d.id
            where d.id < $2 and d.id in (
                select x.id from donor k join donation x on x.donor_id = k.id where k.email_key in (select json_array_elements_text(cast($1 as json)))
                union select x.id from donation x where x.donor_id is null and x.email <> '' and lower(x.email) in (select json_array_elements_text(cast($1 as json))))
            order by d.id desc limit $3";
    MONTHLY = sqlite "select d.id, d.public_id, d.email, d.name, d.amount_minor, d.currency, d.state, d.created_at, d.activated_at, d.cancelled_at,
            d.provider_customer_id as customer, d.provider_subscription_id as subscription, d.every_count, d.every_unit,
            d.next_at, d.ends_at, d.rests_until, d.card_brand, d.card_last4, d.card_expires
        from recurring_donation d
        where d.id < $2 and d.id in (
            select x.id from donor k join recurring_donation x on x.donor_id = k.id where k.email_key in (select value from json_each($1))
            union select x.id from recurring_donation x where x.donor_id is null and x.email <> '' and lower(x.email) in (select value from json_each($1)))
        order by d.id desc limit $3",
        postgres "select d.id, d.public_id, d.email, d.name, d.amount_minor, d.currency, d.state, d.created_at, d.activated_at, d.cancelled_at,
            d.provider_customer_id as customer, d.provider_subscription_id as subscription, d.every_count, d.every_unit,
            d.next_at, d.ends_at, d.rests_until, d.card_brand, d.card_last4, d.card_expires
        from recurring_donation d
        where d.id < $2 and d.id in (
            select x.id from donor k join recurring_donation x on x.donor_id = k.id where k.email_key in (select json_array_elements_text(cast($1 as json)))
            union select x.id from recurring_donation x where x.donor_id is null and x.email <> '' and lower(x.email) in (select json_array_elements_text(cast($1 as json))))
        order by d.id desc limit $3";
    /// What the team noted; who noted it is of the team.
    NOTES = "select id, text, at from reader_note where subscriber_id = $1 and id < $2 order by id desc limit $3";
    /// What the team did, and why; who did it is of the team.
    DEEDS = "select id, action, detail as why, at from audit_log where subject = $1 and id < $2 order by id desc limit $3";
    MEMBER = "select name, role, created_at, disabled_at from staff where email_key = $1";
    /// When mails went that asked to confirm: for a week.
    ASKED = "select sent_at from confirmation_mail where subscriber_id = $1 order by sent_at desc limit 100";
    FORGOTTEN = "select forgotten_at, returned_at from forgotten where address_hash = $1";
    KEPT = "select k.id, l.name as list, k.action, k.method, w.text as wording, k.at from forgotten_consent k
            join list l on l.id = k.list_id left join consent_wording w on w.id = k.wording_id
        where k.address_hash = $1 and k.id < $2 order by k.id desc limit $3";
}

pub async fn who(db: &Db, reader: i64) -> Result<Option<HeldWho>> {
    db.opt(WHO, (reader,)).await
}

pub async fn within(db: &Db, reader: i64) -> Result<Vec<Within>> {
    let mut lists: Vec<Within> = db.all(WITHIN, (reader,)).await?;
    let topics: Vec<Topic> = db.all(TOPICS, (reader,)).await?;
    for list in &mut lists {
        let chosen = topics.iter().filter(|topic| topic.list_id == list.list_id);
        list.topics = chosen.map(|topic| topic.name.clone()).collect();
    }
    Ok(lists)
}

pub async fn moved(db: &Db, reader: i64) -> Result<Vec<Moved>> {
    db.all(MOVED, (reader,)).await
}

pub async fn former(db: &Db, reader: i64) -> Result<Vec<FormerAddress>> {
    db.all(FORMER, (reader,)).await
}

pub async fn reasons(db: &Db, reader: i64) -> Result<Vec<HeldReason>> {
    db.all(REASONS, (reader,)).await
}

pub async fn looks(db: &Db, public_id: &str, before: i64, limit: i64) -> Result<Vec<Look>> {
    db.all(LOOKS, (public_id, before, limit)).await
}

pub async fn sign_ups(db: &Db, key: &str) -> Result<Vec<WrittenDown>> {
    db.all(SIGN_UPS, (key,)).await
}

pub async fn typed(db: &Db, reader: i64) -> Result<Option<Typed>> {
    db.opt(TYPED, (reader,)).await
}

/// With every try that is still known.
pub async fn copies(db: &Db, reader: i64, before: i64, limit: i64) -> Result<Vec<HeldCopy>> {
    let mut copies: Vec<HeldCopy> = db.all(COPIES, (reader, before, limit)).await?;
    let editions: Vec<i64> = copies.iter().map(|copy| copy.edition_id).collect();
    let mut tried: Vec<Tried> = db.all(TRIED, (reader, db::array(&editions)?)).await?;
    for copy in &mut copies {
        copy.every_try = tried.extract_if(.., |one| one.edition_id == copy.edition_id).collect();
    }
    Ok(copies)
}

/// To an address, to those that a reader had, and about gifts to where these are known.
pub async fn letters(
    db: &Db,
    (key, reader, gives_as): (&str, i64, &[String]),
    before: i64,
    limit: i64,
) -> Result<Vec<HeldLetter>> {
    let (gives_as, money) = (db::array(gives_as)?, db::array(mail::OF_MONEY)?);
    db.all(LETTERS, (key, before, limit, reader, gives_as, money)).await
}

pub async fn came_back(
    db: &Db,
    hashes: &[String],
    reader: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<CameBack>> {
    db.all(CAME_BACK, (db::array(hashes)?, reader, before, limit)).await
}

pub async fn they_wrote(db: &Db, letters: &[i64], before: i64, limit: i64) -> Result<Vec<TheyWrote>> {
    db.all(THEY_WROTE, (db::array(letters)?, before, limit)).await
}

pub async fn stops(db: &Db, hashes: &[String], before: i64, limit: i64) -> Result<Vec<Stop>> {
    db.all(STOPS, (db::array(hashes)?, before, limit)).await
}

pub async fn supporter(db: &Db, keys: &[String]) -> Result<Vec<HeldSupporter>> {
    db.all(SUPPORTER, (db::array(keys)?,)).await
}

pub async fn gifts(db: &Db, keys: &[String], before: i64, limit: i64) -> Result<Vec<Gift>> {
    db.all(GIFTS, (db::array(keys)?, before, limit)).await
}

pub async fn monthly(db: &Db, keys: &[String], before: i64, limit: i64) -> Result<Vec<HeldMonthly>> {
    db.all(MONTHLY, (db::array(keys)?, before, limit)).await
}

pub async fn notes(db: &Db, reader: i64, before: i64, limit: i64) -> Result<Vec<HeldNote>> {
    db.all(NOTES, (reader, before, limit)).await
}

pub async fn deeds(db: &Db, public_id: &str, before: i64, limit: i64) -> Result<Vec<HeldDeed>> {
    db.all(DEEDS, (public_id, before, limit)).await
}

pub async fn member(db: &Db, key: &str) -> Result<Option<HeldMember>> {
    db.opt(MEMBER, (key,)).await
}

pub async fn asked(db: &Db, reader: i64) -> Result<Vec<Asked>> {
    db.all(ASKED, (reader,)).await
}

pub async fn forgotten(db: &Db, hash: &str) -> Result<Option<Forgotten>> {
    db.opt(FORGOTTEN, (hash,)).await
}

pub async fn kept(db: &Db, hash: &str, before: i64, limit: i64) -> Result<Vec<Kept>> {
    db.all(KEPT, (hash, before, limit)).await
}
