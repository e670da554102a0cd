//! Leaving: one press, at once, for good, and easy to take back.

use std::pin::Pin;

use super::{
    By, Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    good_bye, left_before, often,
    read::{Subscriber, Subscription, SubscriptionState, stopped},
    rows::{OFF_ALREADY, SaidOfLeaving},
    store::{
        self, imports_undone,
        knowing::{self, Numbered},
        leaving, topics,
    },
    withdrawn,
};
use crate::{
    audit_log,
    bounces::LeavingMail,
    clock::Moment,
    db::{self, Tx},
    delivery::{self, Leaving},
    links::{BY_MAIL, Name, Unsubscribe, WELCOME},
    site::Site,
    withdrawals::LeftBy,
};

/// How long leaving can be taken back by one press; after that, the form is the way.
const UNDO_LASTS: std::time::Duration = std::time::Duration::from_secs(86_400);

/// How proof of consent begins that was given back for every list by one press.
const EVERY_LIST: &str = "every list at once";

/// What an unsubscribe link is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub subscriber_id: i64,
    /// The reader's public id.
    pub public_id: String,
    pub list_id: i64,
    /// The list's name.
    pub list: String,
    /// Whether the reader gets this list's mail now, or is about to.
    pub subscribed: bool,
    /// Whether [`rejoin`] would bring them back.
    pub can_undo: bool,
    /// Whether they left so lately that they may say why.
    pub may_say_why: bool,
    /// Whether they are off it and said so themselves: whoever did not may say it still, so that nobody puts them on it again.
    pub has_said: bool,
}

/// What the page shows beside that, once somebody has left: never needed for leaving itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterLeaving {
    /// What else comes to the reader, by name.
    pub others: Vec<String>,
    /// Whether it does not come at present: mail to their address is stopped, or they rest.
    pub held_up: bool,
    /// Whether they left several lists, and nothing comes any more.
    pub left_all: bool,
    /// Whether [`rejoin`] would bring them back to this list, or to those that they left with it.
    pub can_undo: bool,
    /// Whether the list has topics that they could choose among instead.
    pub has_topics: bool,
    /// What they said of it.
    pub said: Option<SaidOfLeaving>,
}

/// Whether what somebody is on really comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// Mail to their address is stopped.
    pub stopped: bool,
    /// They rest from the list until then.
    pub rests_until: Option<Moment>,
}

/// What there is to say to who took leaving back: it does not come to everybody at once.
///
/// # Errors
/// When the database fails.
pub async fn after_coming_back(site: &Site, left: &Left) -> Result<Back> {
    let Some(reader) = store::by_id(&site.db, left.subscriber_id).await? else { return Ok(Back::default()) };
    let known = store::subscriptions(&site.db, reader.id).await?;
    let of_list = known.iter().find(|one| one.list_id == left.list_id);
    Ok(Back {
        stopped: stopped(site, &reader).await?.editions,
        rests_until: of_list.and_then(|one| one.rests_until(site.now())),
    })
}

/// What a link would leave; changes nothing, for mail programs and scanners open links too (TRUST M3).
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_unsubscribe(site: &Site, link: &str) -> Result<Left> {
    let (reader, list_id, _) = read_link(site, link).await?;
    let (subscriber_id, public_id) = (reader.id, reader.public_id);
    let known = store::subscriptions(&site.db, subscriber_id).await?;
    let subscription = known.into_iter().find(|s| s.list_id == list_id).ok_or(SubscriberError::Link)?;
    let subscribed = subscription.state != SubscriptionState::Left;
    let just_left = subscription.left_at.is_some_and(|at| at > undo_until(site));
    let lists = store::lists(&site.db).await?;
    let may_be_joined = lists.iter().any(|list| list.id == list_id && list.may_be_joined());
    // Who had only asked for it again has confirmed nothing.
    let had_it = subscription.confirmed_at.is_some_and(|at| at >= subscription.asked_at);
    let events = match subscribed {
        true => Vec::new(),
        false => knowing::newest_events(&site.db, subscriber_id).await?,
    };
    let newest = events.iter().find(|one| one.list_id == list_id);
    Ok(Left {
        subscriber_id,
        public_id,
        list_id,
        list: subscription.name,
        subscribed,
        can_undo: !subscribed && just_left && had_it && may_be_joined && newest.is_some_and(is_their_own),
        may_say_why: !subscribed && just_left,
        has_said: newest.is_some_and(|one| one.event.is_their_leaving()),
    })
}

/// What else there is to say to who left.
///
/// # Errors
/// When the database fails.
pub async fn after_leaving(site: &Site, left: &Left) -> Result<AfterLeaving> {
    let known = store::subscriptions(&site.db, left.subscriber_id).await?;
    let is_off = |one: &Subscription| one.state == SubscriptionState::Left;
    let several = known.iter().filter(|one| is_off(one)).count() > 1;
    let left_all = several && known.iter().all(is_off);
    let can_undo = match left.subscribed {
        true => false,
        false if left.can_undo => true,
        false => {
            let events = knowing::newest_events(&site.db, left.subscriber_id).await?;
            let others = undone_with(&events, left.list_id, undo_until(site));
            let open: Vec<i64> = store::lists(&site.db)
                .await?
                .into_iter()
                .filter(|list| list.may_be_joined())
                .map(|list| list.id)
                .collect();
            others.iter().any(|list| *list != left.list_id && open.contains(list))
        }
    };
    let stopped_now = match store::by_id(&site.db, left.subscriber_id).await? {
        Some(reader) => stopped(site, &reader).await?.editions,
        None => true,
    };
    let comes = known.into_iter().filter(|one| !is_off(one) && one.list_id != left.list_id && !one.retired);
    let rests = comes.clone().all(|one| one.rests_until(site.now()).is_some());
    let held_up = rests || stopped_now;
    Ok(AfterLeaving {
        held_up,
        others: comes.map(|one| one.name).collect(),
        left_all,
        can_undo,
        has_topics: !topics::offered_by(&site.db, left.list_id).await?.is_empty(),
        said: leaving::said(&site.db, left.subscriber_id, left.list_id).await?,
    })
}

/// Leaves; doing it again changes nothing. Whatever waits to be sent to the reader from this list is withdrawn in the same
/// transaction.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn leave(site: &Site, link: &str, method: ConsentMethod, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    // Somebody else took them off it, and might put them on it again: what they say now stays, and is written down once.
    if left.has_said {
        return Ok(left);
    }
    let (_, _, edition) = read_link(site, link).await?;
    leave_now(site, left, (link, method), (&named_source(&edition), trace), None).await?;
    look_at_unsubscribe(site, link).await
}

/// Who is off it and did not say so themselves says why they left, and with that, that they do. Nobody is taken off by it.
pub(super) async fn say_with_why(site: &Site, left: &Left, link: &str, trace: Trace<'_>) -> Result<()> {
    if left.subscribed || left.has_said {
        return Ok(());
    }
    let (_, _, edition) = read_link(site, link).await?;
    let (source, method) = (named_source(&edition), ConsentMethod::UnsubscribePage);
    withdrawn::leaves(site, &left.public_id, &[left.list_id], method).await?;
    let event = happened((left.subscriber_id, left.list_id), ConsentAction::Left, method, &source, trace);
    Ok(db::again(|| say_off(site, event)).await?)
}

async fn say_off(site: &Site, event: Happened<'_>) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, event.subscriber).await?;
    if say_all_the_same(&mut tx, site, event).await? {
        imports_undone::stays_off(&mut tx, event.subscriber, Some(event.list)).await?;
    }
    tx.commit().await
}

/// `false` if they had said so before; `mail` is the key of the mail that asks for it.
async fn leave_now(
    site: &Site,
    left: Left,
    (link, method): (&str, ConsentMethod),
    (source, trace): (&str, Trace<'_>),
    mail: Option<&str>,
) -> Result<bool> {
    let Some(reader) = store::by_id(&site.db, left.subscriber_id).await? else { return Ok(false) };
    let at = site.now();
    withdrawn::leaves(site, &left.public_id, &[left.list_id], method).await?;
    let event = happened((reader.id, left.list_id), ConsentAction::Left, method, source, trace);
    let letter = good_bye::write(site, &reader, vec![left.list], (method, link), at).await?;
    let with = With { letter: letter.as_ref(), mail };
    Ok(db::again(|| leave_saying(site, event, at, None, with)).await?)
}

/// Leaves every list that the reader is on, by the same link; doing it again changes nothing.
///
/// # Errors
/// As [`leave`].
pub async fn leave_all(site: &Site, link: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let (reader, _, edition) = read_link(site, link).await?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let newest = knowing::newest_events(&site.db, reader.id).await?;
    let on = known.iter().filter(|one| one.state != SubscriptionState::Left);
    let mut lists: Vec<i64> = on.clone().map(|one| one.list_id).chain(off_unsaid(&known, &newest)).collect();
    lists.sort_unstable();
    let names = on.filter(|one| !one.retired).map(|one| one.name.clone()).collect();
    withdrawn::leaves(site, &left.public_id, &lists, ConsentMethod::UnsubscribePage).await?;
    let (source, at) = (format!("{EVERY_LIST}, {}", named_source(&edition)), site.now());
    let letter = good_bye::write(site, &reader, names, (ConsentMethod::UnsubscribePage, link), at).await?;
    db::again(|| leave_lists_once(site, (reader.id, &lists), (&source, trace), at, letter.as_ref())).await?;
    look_at_unsubscribe(site, link).await
}

/// Of these lists alone, for they stand in the journal: who joined another one meanwhile stays on that.
async fn leave_lists_once(
    site: &Site,
    (subscriber, lists): (i64, &[i64]),
    (source, trace): (&str, Trace<'_>),
    at: Moment,
    letter: Option<&good_bye::Written<'_>>,
) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    // The reader first, as by everybody.
    store::hold(&mut tx, subscriber).await?;
    imports_undone::stays_off(&mut tx, subscriber, None).await?;
    let mut left = Vec::new();
    for list in lists {
        if store::leave(&mut tx, subscriber, *list, at).await? {
            let (action, method) = (ConsentAction::Left, ConsentMethod::UnsubscribePage);
            let event = happened((subscriber, *list), action, method, source, trace);
            consent::record(&mut tx, site, event).await?;
            left.push(*list);
        } else {
            let (action, method) = (ConsentAction::Left, ConsentMethod::UnsubscribePage);
            say_all_the_same(&mut tx, site, happened((subscriber, *list), action, method, source, trace))
                .await?;
        }
    }
    // Copies after subscriptions, as by everybody; of all lists at once where nothing else comes.
    let known = store::subscriptions_in(&mut tx, subscriber).await?;
    if known.iter().all(|one| one.state == SubscriptionState::Left) {
        delivery::withdraw(&mut tx, site, subscriber, None).await?;
    } else {
        for list in &left {
            delivery::withdraw(&mut tx, site, subscriber, Some(*list)).await?;
        }
    }
    for list in &left {
        delivery::withdraw_welcome(&mut tx, subscriber, *list, site.now()).await?;
    }
    if let Some(letter) = letter.filter(|_| !left.is_empty()) {
        letter.say(&mut tx, site).await?;
    }
    tx.commit().await
}

/// By which mail somebody left, as proof of consent says it.
fn named_source(edition: &str) -> String {
    match edition {
        WELCOME => "letter of welcome".to_owned(),
        BY_MAIL => "letter of good-bye".to_owned(),
        edition => format!("edition {edition}"),
    }
}

/// Leaves because a mail asks for it that proves to be about reader and list. Neither one that was read before, whatever it did then,
/// nor one that was sent before they came back takes anybody off. `false` if nothing was to be done.
pub fn leave_by_mail<'a>(
    site: &'a Site,
    asked: &'a Leaving,
    mail: &'a LeavingMail,
) -> Pin<Box<dyn Future<Output = db::Result<bool>> + Send + 'a>> {
    Box::pin(async move {
        leave_as_mailed(site, asked, mail).await.or_else(|error| match error {
            SubscriberError::Database(error) => Err(error),
            // Reader or list are not known any more.
            _ => Ok(false),
        })
    })
}

async fn leave_as_mailed(site: &Site, asked: &Leaving, mail: &LeavingMail) -> Result<bool> {
    let names = leaving::beginning(&site.db, &asked.subscriber, &asked.list).await?;
    let Some((reader, list)) = names else { return Ok(false) };
    let link =
        Unsubscribe { subscriber: Name::id(&reader), list: Name::id(&list), edition: Name::id(BY_MAIL) };
    let link = link.sign(&site.keys);
    let left = look_at_unsubscribe(site, &link).await?;
    let (reader, key) = (left.subscriber_id, mail.key.as_str());
    let source = format!("mail {}", key.get(..16).unwrap_or(key));
    if leaving::mail_was_read(&site.db, reader, (key, &source)).await? {
        return Ok(false);
    }
    let came_back = match mail.sent_at {
        Some(sent_at) => withdrawn::came_back(&site.db, reader, left.list_id, sent_at).await?,
        None => false,
    };
    if came_back || left.has_said {
        let mut tx = site.db.begin().await?;
        leaving::note_mail(&mut tx, key, site.now()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    leave_now(site, left, (&link, ConsentMethod::Mailto), (&source, Trace::default()), Some(key)).await
}

/// A withdrawal that stands in the journal beside the database, and that the database may not know. Changes nothing for who has
/// left, or asked for the list again or came back to it since. Of a reader who is not there it is kept by what they are `known_by`, so that
/// they are off the list when their address comes in again.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn leave_as_written(
    site: &Site,
    (reader, list, known_by): (&str, &str, Option<&LeftBy>),
    how: &str,
    at: Moment,
    source: &str,
) -> db::Result<bool> {
    let found = match (store::named_list(&site.db, &Name::id(list)).await?, known_by) {
        (None, Some(LeftBy { slug, .. })) => left_before::list_again(site, list, slug).await?,
        (found, _) => found,
    };
    let Some(list) = found else { return Ok(false) };
    let method = ConsentMethod::parse(how).unwrap_or(ConsentMethod::UnsubscribePage);
    let Some(reader) = store::by_public_id(&site.db, reader).await? else {
        return match known_by {
            Some(LeftBy { hash, .. }) => left_before::keep(site, hash, (list, method, at)).await,
            None => Ok(false),
        };
    };
    let known = store::subscriptions(&site.db, reader.id).await?;
    if known_by.is_some() && known.iter().all(|one| one.list_id != list) {
        return db::again(|| left_before::leave_unseen(site, reader.id, (list, method, at))).await;
    }
    let newest = knowing::newest_events(&site.db, reader.id).await?;
    // Of who is off it: what the database does not know that was said since.
    let is_news = |one: &Numbered| one.event.at < at || one.event.at == at && method.is_their_own();
    // Of whom the team put on it again: what was said while they were off it is no older than that.
    let was_off = knowing::was_off(&site.db, reader.id, list).await?;
    let was_off = was_off.is_some_and(|since| since < at || since == at && method.is_their_own());
    let is_meant = |one: &Subscription| {
        let asked_at = one.asked_at.max(one.confirmed_at.unwrap_or_default());
        one.list_id == list
            && match one.state {
                SubscriptionState::Left => newest.iter().any(|one| one.list_id == list && is_news(one)),
                _ => asked_at <= at || was_off,
            }
    };
    if !known.iter().any(is_meant) || withdrawn::came_back(&site.db, reader.id, list, at).await? {
        return Ok(false);
    }
    let event = Happened {
        subscriber: reader.id,
        list,
        action: ConsentAction::Left,
        method,
        wording: None,
        by: By::source(source),
        trace: Trace::default(),
    };
    db::again(|| leave_once(site, event, at, None)).await
}

/// Who of the team took a reader off, and why, for the log.
#[derive(Clone, Copy)]
pub(super) struct Deed<'a> {
    pub staff_id: i64,
    /// The public id.
    pub reader: &'a str,
    pub why: &'a str,
}

/// `false` if they had said so before.
pub(super) async fn leave_once(
    site: &Site,
    event: Happened<'_>,
    at: Moment,
    deed: Option<Deed<'_>>,
) -> db::Result<bool> {
    leave_saying(site, event, at, deed, With::default()).await
}

/// What goes with leaving.
#[derive(Clone, Copy, Default)]
struct With<'a> {
    /// Good-bye.
    letter: Option<&'a good_bye::Written<'a>>,
    /// The key of the mail that asked for it.
    mail: Option<&'a str>,
}

/// The same, with what goes with it.
async fn leave_saying(
    site: &Site,
    event: Happened<'_>,
    at: Moment,
    deed: Option<Deed<'_>>,
    With { letter, mail }: With<'_>,
) -> db::Result<bool> {
    let (subscriber, list) = (event.subscriber, event.list);
    let mut tx = site.db.begin().await?;
    // The reader first, as by everybody.
    store::hold(&mut tx, subscriber).await?;
    let left = store::leave(&mut tx, subscriber, list, at).await?;
    imports_undone::stays_off(&mut tx, subscriber, Some(list)).await?;
    let said = !left && say_all_the_same(&mut tx, site, event).await?;
    if left {
        consent::record(&mut tx, site, event).await?;
        delivery::withdraw(&mut tx, site, subscriber, Some(list)).await?;
        delivery::withdraw_welcome(&mut tx, subscriber, list, site.now()).await?;
        if let Some(letter) = letter {
            letter.say(&mut tx, site).await?;
        }
    }
    if let Some(Deed { staff_id, reader, why }) = deed.filter(|_| left || said) {
        let detail = store::about_lists(&mut tx, &[list], why).await?;
        audit_log::record(&mut tx, site, Some(staff_id), "took off a list", reader, &detail).await?;
    }
    if let Some(mail) = mail {
        leaving::note_mail(&mut tx, mail, site.now()).await?;
    }
    tx.commit().await?;
    Ok(left || said)
}

/// They are off it already, and somebody says for the first time that they leave: that is on record, so that nothing that the team does
/// brings them back. The caller holds the reader; whether it was the first time.
pub(super) async fn say_all_the_same(tx: &mut Tx, site: &Site, event: Happened<'_>) -> db::Result<bool> {
    let known = store::subscriptions_in(tx, event.subscriber).await?;
    let is_off = |one: &Subscription| one.list_id == event.list && one.state == SubscriptionState::Left;
    let newest = knowing::newest_events_in(tx, event.subscriber).await?;
    let newest = newest.iter().find(|one| one.list_id == event.list).map(|one| &one.event);
    let is_new = match newest {
        Some(newest) if newest.is_their_leaving() => false,
        // Others say it of them.
        Some(newest) => event.method.is_their_own() || newest.is_taken_back(),
        None => event.method.is_their_own(),
    };
    if !is_new || !known.iter().any(is_off) {
        return Ok(false);
    }
    let source = format!("{OFF_ALREADY}{}", event.by.source);
    let by = By { source: &source, ..event.by };
    consent::record(tx, site, Happened { by, ..event }).await?;
    Ok(true)
}

/// The lists that somebody is off, and has not said themselves that they leave.
pub(super) fn off_unsaid(known: &[Subscription], newest: &[Numbered]) -> impl Iterator<Item = i64> {
    let off = known.iter().filter(|one| one.state == SubscriptionState::Left).map(|one| one.list_id);
    let said = |list: i64| newest.iter().any(|one| one.list_id == list && one.event.is_their_leaving());
    off.filter(move |list| !said(*list))
}

/// Staff take a reader off a list because they asked; `source` says who did and how. Doing it again changes nothing.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn leave_by_staff(site: &Site, subscriber_id: i64, list_id: i64, source: &str) -> Result<()> {
    let Some(reader) = store::by_id(&site.db, subscriber_id).await? else { return Ok(()) };
    withdrawn::leaves(site, &reader.public_id, &[list_id], ConsentMethod::Staff).await?;
    let event = Happened {
        subscriber: reader.id,
        list: list_id,
        action: ConsentAction::Left,
        method: ConsentMethod::Staff,
        wording: None,
        by: By::source(source),
        trace: Trace::default(),
    };
    db::again(|| leave_once(site, event, site.now(), None)).await?;
    Ok(())
}

/// Takes leaving back, by the same link, for a day; only for somebody who had confirmed, and who left by themselves. Who left every list
/// by one press is back on each of them.
///
/// # Errors
/// As [`leave`]; [`SubscriberError::TooMany`].
pub async fn rejoin(site: &Site, link: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    if left.subscribed {
        return Ok(left);
    }
    often::change(site, &left.public_id).await?;
    db::again(|| rejoin_once(site, &left, trace)).await?;
    look_at_unsubscribe(site, link).await
}

async fn rejoin_once(site: &Site, left: &Left, trace: Trace<'_>) -> db::Result<()> {
    let before = site.now();
    let since = undo_until(site);
    let mut back = Vec::new();
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, left.subscriber_id).await?;
    let events = knowing::newest_events_in(&mut tx, left.subscriber_id).await?;
    for list in undone_with(&events, left.list_id, since) {
        if store::rejoin(&mut tx, left.subscriber_id, list, since).await? {
            let (action, method) = (ConsentAction::Confirmed, ConsentMethod::UnsubscribePage);
            let event = happened((left.subscriber_id, list), action, method, "undo", trace);
            consent::record(&mut tx, site, event).await?;
            leaving::take_back(&mut tx, left.subscriber_id, list, since).await?;
            back.push(list);
        }
    }
    if !back.is_empty() {
        good_bye::take_back(&mut tx, left.subscriber_id, site.now()).await?;
    }
    withdrawn::commit_back(tx, site, &left.public_id, &back, before).await
}

/// What undoing is about: the link's list, and those that were left by one press.
fn undone_with(newest: &[Numbered], list: i64, since: Moment) -> Vec<i64> {
    let by_one_press = newest.iter().filter(|one| {
        let event = &one.event;
        (event.action, event.method) == (ConsentAction::Left, ConsentMethod::UnsubscribePage)
            && event.at > since
            && event.source.starts_with(EVERY_LIST)
    });
    let list = newest.iter().any(|one| one.list_id == list && is_their_own(one)).then_some(list);
    let mut lists: Vec<i64> = by_one_press.map(|one| one.list_id).chain(list).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

/// Whether they left by one of the links in a mail: what the team did for them, or they chose on their page, an older mail that was
/// passed on does not take back.
fn is_their_own(newest: &Numbered) -> bool {
    let by_link = matches!(
        newest.event.method,
        ConsentMethod::UnsubscribePage | ConsentMethod::OneClick | ConsentMethod::Mailto
    );
    newest.event.action == ConsentAction::Left && by_link && !newest.event.was_off_already()
}

/// Who left after this may still take it back.
pub(super) fn undo_until(site: &Site) -> Moment {
    site.now().minus(UNDO_LASTS)
}

fn happened<'a>(
    (subscriber, list): (i64, i64),
    action: ConsentAction,
    method: ConsentMethod,
    source: &'a str,
    trace: Trace<'a>,
) -> Happened<'a> {
    Happened { subscriber, list, action, method, wording: None, by: By::source(source), trace }
}

/// Who leaves what; and the edition, as proof of consent names it.
async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, i64, String)> {
    let link = Unsubscribe::read(&site.keys, link, site.now())?;
    let subscriber = store::named(&site.db, &link.subscriber).await?.ok_or(SubscriberError::Link)?;
    let list = store::named_list(&site.db, &link.list).await?.ok_or(SubscriberError::Link)?;
    Ok((subscriber, list, link.edition.to_string()))
}
