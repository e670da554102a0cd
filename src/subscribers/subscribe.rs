//! Asking for mail. Nobody is mailed for it but by the one mail that asks to confirm, or says that they are on the list already;
//! and the brake stands before that one, whoever types the address (`budget.rs`, TRUST A24).
//!
//! What the brake holds back is not lost. A mail that was not answered yet is good for what is asked after it. After one that
//! was answered, the next goes out by itself as soon as it may, once.

use std::time::Duration;

use super::{
    By, Result, SubscriberError, Trace,
    budget::{self, Crowd, Goes, Whose, next_mail},
    consent::{self, ConsentAction, ConsentMethod, Happened},
    forgotten, forms,
    implied::Implied,
    left_before,
    lists::{List, OptIn},
    read::{Subscriber, SubscriptionState, held},
    store::{
        self,
        joining::{self, Typed},
        knowing, rush,
    },
    their_choices::choices_path,
    unwanted::unwanted,
    welcome, withdrawn,
};
use crate::{
    attempts::{self, Attempt, Limit, Refusal, Shared},
    audit_log,
    clock::{self, Moment},
    db::Tx,
    deliverability::Lookout,
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    heavy::Each,
    links::{Confirm, Name},
    mail::{AlreadyReader, ConfirmSubscription, EmailTemplate as _, clean_name},
    network::Network,
    settings::{Letterhead, Settings},
    site::Site,
    token,
};

/// How long a confirmation link works.
const LINK_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// How long an asking waits to be confirmed: for as long as the brake may hold the mail back, and the link in it works. Then it is
/// forgotten, with the address if nothing else is known of it.
pub(crate) const ASKING_LASTS: Duration = Duration::from_secs(14 * 86_400);

/// So long waits whose mail does not go at once, because more than usual go out.
const WAIT: Duration = Duration::from_secs(3_600);

/// Where nobody is counted by their network, the DNS is asked so often for everybody, and then not at all for a while.
const LOOK_UPS: Limit = Limit::in_a_quarter_of_an_hour("look for a mail server", 600);

/// The brake on the form: how many sign-ups it takes from one network. Those of everybody together close it to nobody: what is
/// limited there are mails.
pub const SIGN_UPS: Shared = Shared::new("subscribe", 20, 2_000);

/// What somebody typed into the subscribe form.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription<'a> {
    /// The address; perhaps somebody else's.
    pub email: &'a EmailAddress,
    /// The name; may be empty.
    pub name: &'a str,
    /// The lists they ticked.
    pub lists: &'a [i64],
    /// What they answered, as [`Answers::write`](super::fields::Answers::write) has it; may be empty.
    pub answers: &'a str,
    /// The exact words beside the box.
    pub wording: &'a str,
    /// How they came.
    pub by: By<'a>,
    /// Where the request came from.
    pub trace: Trace<'a>,
    /// What the browser says where more than usual come.
    pub crowd: Crowd<'a>,
    /// Looks whether mail can go to the address; none where nobody is to be asked.
    pub lookout: Option<&'a Lookout>,
}

/// Takes a request to be mailed: nothing is sent but one mail that asks to confirm it. The answer tells nothing about the
/// address, for the form may be filled in by anybody.
///
/// # Errors
/// [`SubscriberError::NotFound`] when none of the lists can be joined; [`SubscriberError::TooMany`];
/// [`SubscriberError::Unwanted`]; [`SubscriberError::Crowded`]; when the database fails. Then nothing was kept.
pub async fn subscribe(site: &Site, settings: &Settings, new: NewSubscription<'_>) -> Result<Goes> {
    // Before the DNS is asked, which is a question to somebody else.
    let is_counted = brake(site, new.trace.ip).await?;
    look_at(site, settings, new, LookedAt::Now { is_counted }).await
}

/// A sign-up that is looked at.
#[derive(Clone, Copy)]
pub(super) enum LookedAt<'a> {
    /// As it comes; whether it was counted for a network.
    Now { is_counted: bool },
    /// It was written down in a rush, and counted then: the key of its row, and the claim.
    Later { name: &'a str, claim: Moment },
}

impl LookedAt<'_> {
    /// The row goes in this transaction; `false` if somebody else has it.
    pub(super) async fn goes(self, tx: &mut Tx) -> Result<bool> {
        match self {
            Self::Now { .. } => Ok(true),
            Self::Later { name, claim } => Ok(rush::looked_at(tx, name, claim).await?),
        }
    }
}

/// The same, once it was counted.
///
/// # Errors
/// As [`subscribe`].
pub(super) async fn look_at(
    site: &Site,
    settings: &Settings,
    new: NewSubscription<'_>,
    when: LookedAt<'_>,
) -> Result<Goes> {
    let lookout = match (new.lookout, when) {
        (Some(lookout), LookedAt::Now { is_counted: true }) => Some(lookout),
        (Some(lookout), _) if may_look(site).await? => Some(lookout),
        _ => None,
    };
    if let Some(why) = unwanted(settings, new.lookout.is_some(), lookout, new.email).await {
        return Err(SubscriberError::Unwanted(why));
    }
    let whose = Whose::of(site, new.email, new.trace.ip);
    let mut tx = site.db.begin_together().await?;
    whose.hold(&mut tx, site).await?;
    if !when.goes(&mut tx).await? {
        return Ok(Goes::Later);
    }
    let spent = whose.spent(&mut tx, site.now()).await?;
    let goes = match budget::turn(
        &mut tx,
        site,
        (&whose, spent),
        (new.crowd, new.by.at.unwrap_or_else(|| site.now())),
    )
    .await
    {
        Err(SubscriberError::Crowded) => {
            drop(tx);
            attempts::note_used_up(site, SIGN_UPS.what()).await?;
            return Err(SubscriberError::Crowded);
        }
        goes => goes?,
    };
    joining::add_asking(&mut tx, &whose, goes == Goes::Later, site.now()).await?;
    // As it is now, not as it was when the page was made.
    let by_form = match new.by.form {
        Some(form) => Some(forms::offered(&mut tx, form).await?),
        None => None,
    };
    let in_form = |list: &List| by_form.as_ref().is_none_or(|lists| lists.contains(&list.id));
    let left = match new.by.at {
        Some(at) => left_since(&mut tx, new.email, at).await?,
        None => Vec::new(),
    };
    let offered = |list: &List| {
        list.takes_sign_ups() && new.lists.contains(&list.id) && in_form(list) && !left.contains(&list.id)
    };
    let known = store::lists_in(&mut tx).await?;
    let (lists, names): (Vec<i64>, Vec<String>) =
        known.iter().filter(|list| offered(list)).map(|list| (list.id, list.name.clone())).unzip();
    let asking = Asking {
        email: new.email,
        name: new.name,
        lists: &lists,
        method: ConsentMethod::Form,
        answers: new.answers,
        wording: Some(new.wording),
        by: new.by,
        trace: new.trace,
    };
    let asked = ask(&mut tx, site, settings, (asking, &known, &whose, goes)).await?;
    if let Some(form) = new.by.form {
        forms::one_more(&mut tx, form, forms::part_of(new.email), forms::Did::Asked, site.now()).await?;
    }
    tx.commit().await?;
    if !matches!(asked, Asked::Mailed | Asked::Told) {
        let letterhead = settings.letterhead(site);
        let link = Confirm { subscriber: Name::id("nobody"), lists: Vec::new() };
        let link = link.sign(&site.keys, site.now().plus(LINK_LASTS));
        delivery::rehearse(site, &letterhead, &asking_letter(site, &letterhead, names, &link));
    }
    Ok(goes)
}

/// The lists that somebody left since they asked for them.
async fn left_since(tx: &mut Tx, email: &EmailAddress, at: Moment) -> Result<Vec<i64>> {
    let Some(reader) = store::by_key_in(tx, &email.key()).await? else { return Ok(Vec::new()) };
    let known = store::subscriptions_in(tx, reader.id).await?;
    let left = known.iter().filter(|one| one.left_at.is_some_and(|left| left >= at));
    Ok(left.map(|one| one.list_id).collect())
}

/// What staff may know of an asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The mail that asks to confirm is on its way.
    Mailed,
    /// Some mail went to the address too lately; this one goes out by itself at that moment.
    Later(Moment),
    /// They have not answered the mail from before, whose link is good for this list too.
    Before,
    /// They are on the list already.
    OnTheList,
    /// They are, and typed their address into the form: a mail tells them so.
    Told,
    /// Mail to the address is stopped, so they are not asked.
    Stopped,
}

/// Staff ask somebody whether they want a list, by the mail that asks to confirm. `by` says who, and as what it is kept with the proof.
///
/// # Errors
/// [`SubscriberError::Forgotten`] when their owner asked for that; [`SubscriberError::NotFound`]; when the database fails.
pub async fn ask_by_staff(
    site: &Site,
    settings: &Settings,
    (email, name): (&EmailAddress, &str),
    list: i64,
    (staff_id, source): (Option<i64>, &str),
) -> Result<Asked> {
    let whose = Whose::of(site, email, "");
    let mut tx = site.db.begin().await?;
    forgotten::enter(&mut tx).await?;
    whose.hold(&mut tx, site).await?;
    if forgotten::is_forgotten(&mut tx, site, email).await? {
        return Err(SubscriberError::Forgotten);
    }
    if Suppressions::new(site).stops_letter(&mut tx, email, true).await? {
        return Ok(Asked::Stopped);
    }
    let known = store::lists_in(&mut tx).await?;
    let is_mailed = known.iter().any(|one| one.id == list && one.is_mailed());
    let lists: &[i64] = if is_mailed { &[list] } else { &[] };
    // Nobody saw a box, so there are no words to keep.
    let asking = Asking {
        email,
        name,
        lists,
        method: ConsentMethod::Staff,
        answers: "",
        wording: None,
        by: By::source(source),
        trace: Trace::default(),
    };
    let asked = ask(&mut tx, site, settings, (asking, &known, &whose, Goes::Now)).await?;
    let reader = store::by_key_in(&mut tx, &email.key()).await?.ok_or(SubscriberError::NotFound)?;
    let (action, detail) =
        ("asked somebody to subscribe", store::about_lists(&mut tx, &[list], source).await?);
    audit_log::record(&mut tx, site, staff_id, action, &reader.public_id, &detail).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Somebody asks, or staff in their place.
#[derive(Clone, Copy)]
struct Asking<'a> {
    email: &'a EmailAddress,
    name: &'a str,
    lists: &'a [i64],
    method: ConsentMethod,
    answers: &'a str,
    wording: Option<&'a str>,
    by: By<'a>,
    trace: Trace<'a>,
}

async fn ask(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (asking, lists, whose, goes): (Asking<'_>, &[List], &Whose, Goes),
) -> Result<Asked> {
    if asking.lists.is_empty() {
        return Err(SubscriberError::NotFound);
    }
    let name = if asking.name.trim().is_empty() { String::new() } else { clean_name(asking.name) };
    // Whoever typed it into the form may not be the addressee: it lies apart until that one confirms (TRUST A24).
    let by_form = asking.method == ConsentMethod::Form;
    let given = if by_form { "" } else { &name };
    let (reader, is_new) = reader_held(tx, site, asking.email, given).await?;
    let typed = Typed { name: &name, answers: asking.answers };
    joining::note_typed(tx, reader.id, typed, site.now()).await?;
    let mut any_waits = false;
    for list in asking.lists {
        // Who is on the list has asked once more: that is written down too, so that it takes the same time (TRUST A22).
        any_waits |= store::ask(tx, reader.id, *list, site.now()).await?;
        let happened = Happened {
            subscriber: reader.id,
            list: *list,
            action: ConsentAction::Asked,
            method: asking.method,
            wording: asking.wording,
            by: asking.by,
            trace: asking.trace,
        };
        consent::record(tx, site, happened).await?;
    }
    if Suppressions::new(site).stops_letter(tx, &reader.email, true).await? {
        return Ok(if any_waits { Asked::Stopped } else { Asked::OnTheList });
    }
    let now = site.now();
    let sent = budget::letters(tx, whose, reader.id, now).await?;
    let next = next_mail(now, &sent);
    if !any_waits {
        if !by_form || goes == Goes::Later || next > now {
            return Ok(Asked::OnTheList);
        }
        tell_already(tx, site, settings, (&reader, whose)).await?;
        return Ok(Asked::Told);
    }
    if next <= now {
        if goes == Goes::Later {
            let later = now.plus(WAIT);
            store::hold_back(tx, reader.id, later).await?;
            return Ok(Asked::Later(later));
        }
        if is_new && sent.is_empty() && joins_at_once(tx, site, (&asking, lists), &reader).await? {
            join_at_once(tx, site, settings, (&asking, &reader, whose)).await?;
            return Ok(Asked::Mailed);
        }
        ask_to_confirm(tx, site, settings, lists, (&reader, whose, false)).await?;
        return Ok(Asked::Mailed);
    }
    match sent.first() {
        Some((to, last))
            if *to == reader.id && store::answered(tx, reader.id, *last).await?
                || joining::was_of_moving(tx, *to, *last).await? =>
        {
            store::hold_back(tx, reader.id, next).await?;
            Ok(Asked::Later(next))
        }
        // Nobody who did not answer is mailed again without being asked for again.
        _ => Ok(Asked::Before),
    }
}

/// Whether the form alone is enough: for lists whose staff decided so, and an address of which nothing was known before, in any
/// spelling. Whoever was on a list, left one, asked or gave is asked by mail, as for every other list: nobody is brought back by
/// a stranger who spells them otherwise. So is every spelling with a tag, or with dots that its provider does not read: of an
/// address that is stopped and has no reader, nothing is kept but the hash of one spelling.
async fn joins_at_once(
    tx: &mut Tx,
    site: &Site,
    (asking, lists): (&Asking<'_>, &[List]),
    reader: &Subscriber,
) -> Result<bool> {
    if asking.method != ConsentMethod::Form || reader.email.key() != reader.email.mailbox() {
        return Ok(false);
    }
    let is_single = |id: &i64| {
        lists.iter().any(|list| list.id == *id && list.opt_in == OptIn::Single && list.takes_sign_ups())
    };
    Ok(asking.lists.iter().all(is_single)
        && Suppressions::new(site).reason_in(tx, &reader.email).await?.is_none()
        && !forgotten::is_forgotten(tx, site, &reader.email).await?
        && !joining::is_known_otherwise(tx, reader.id, &reader.email).await?)
}

/// They are on the lists from now on, by the form alone: the proof says so, and one mail tells them.
async fn join_at_once(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (asking, reader, whose): (&Asking<'_>, &Subscriber, &Whose),
) -> Result<()> {
    let mut joined = Vec::new();
    for list in asking.lists {
        if store::confirm(tx, reader.id, *list, site.now()).await? {
            let happened = Happened {
                subscriber: reader.id,
                list: *list,
                action: ConsentAction::Confirmed,
                method: ConsentMethod::Form,
                wording: asking.wording,
                by: asking.by,
                trace: asking.trace,
            };
            consent::record(tx, site, happened).await?;
            joined.push(*list);
        }
    }
    forgotten::taken(tx, &[&Suppressions::new(site).hash(&reader.email)]).await?;
    if let Some(form) = asking.by.form.filter(|_| !joined.is_empty()) {
        forms::one_more(tx, form, forms::part_of(&reader.email), forms::Did::Confirmed, site.now()).await?;
    }
    welcome::tell_joined(tx, site, settings, (reader, whose), &joined).await
}

/// Sends what the brake held back and may go out now; how many mails. Whoever confirmed meanwhile, left, or must not be
/// mailed any more is not asked. While more than usual goes out, the rest waits on. What came back counts from now on.
///
/// # Errors
/// When the database fails; what was sent before stays sent.
pub async fn ask_held_back(site: &Site) -> Result<u64> {
    joining::returned(&site.db, site.now().minus(WAIT)).await?;
    let settings = Settings::load(&site.db).await?;
    let mut mailed = 0;
    let mut each = Each::default();
    loop {
        let due = store::due(&site.db, site.now()).await?;
        for reader in &due {
            if let Some(asked) = each.one(ask_one_held_back(site, &settings, reader)).await {
                mailed += u64::from(asked?);
            }
        }
        // Who is still due would be looked at for ever.
        if due.is_empty() || each.has_broken() {
            each.end();
            return Ok(mailed);
        }
    }
}

async fn ask_one_held_back(site: &Site, settings: &Settings, reader: &Subscriber) -> Result<bool> {
    let (whose, looked_at) = (Whose::of(site, &reader.email, ""), &reader.email);
    let now = site.now();
    let mut tx = site.db.begin().await?;
    whose.hold(&mut tx, site).await?;
    if !store::no_longer_due(&mut tx, reader.id, now).await? {
        return Ok(false);
    }
    // That holds the reader. Who has moved since waits for the next look, which asks at the new address.
    let Some(reader) = &store::by_id_in(&mut tx, reader.id).await? else { return Ok(false) };
    if reader.email.mailbox() != looked_at.mailbox() {
        return Ok(false);
    }
    if Suppressions::new(site).stops_letter(&mut tx, &reader.email, true).await? {
        tx.commit().await?;
        return Ok(false);
    }
    let sent = budget::letters(&mut tx, &whose, reader.id, now).await?;
    let next = next_mail(now, &sent);
    let spent = whose.spent(&mut tx, now).await?;
    let asked = if next > now {
        // When another spelling of the mailbox got one meanwhile, this one is not asked by itself any more.
        let moving = match sent.first() {
            Some((to, last)) => joining::was_of_moving(&mut tx, *to, *last).await?,
            None => false,
        };
        if moving || sent.first().is_some_and(|(to, _)| *to == reader.id) {
            store::hold_back(&mut tx, reader.id, next).await?;
        }
        false
    } else if spent.has_room_for_who_waits() {
        let lists = store::lists_in(&mut tx).await?;
        ask_to_confirm(&mut tx, site, settings, &lists, (reader, &whose, true)).await?
    } else {
        store::hold_back(&mut tx, reader.id, now.plus(WAIT)).await?;
        false
    };
    tx.commit().await?;
    Ok(asked)
}

/// Forgets what the brake held back and would have sent before a moment: a restored backup does not know that it was. How many
/// mails.
pub async fn forget_held_back(tx: &mut Tx, before: Moment) -> crate::db::Result<u64> {
    rush::forget_before(tx, before).await?;
    store::forget_due(tx, before).await
}

/// What was asked after this can be confirmed.
pub(super) fn asked_lately(site: &Site) -> Moment {
    site.now().minus(ASKING_LASTS)
}

/// Counts a sign-up for its network. Behind a proxy that the settings do not name, everybody comes from one private address: there
/// nobody is counted, and it is `false`.
async fn brake(site: &Site, ip: &str) -> Result<bool> {
    let network: Option<Network> = ip.parse().ok().and_then(Network::of);
    if network.is_none() {
        return Ok(false);
    }
    match Attempt::begin_together(site, &SIGN_UPS.apart(network)).await {
        Ok(_stays_counted) => Ok(true),
        Err(Refusal::TooMany(wait)) => Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

/// Whether the DNS may be asked once more for somebody who is not counted.
async fn may_look(site: &Site) -> Result<bool> {
    match Attempt::begin_together(site, &[LOOK_UPS.on("everybody")]).await {
        Ok(_stays_counted) => Ok(true),
        Err(Refusal::TooMany(_)) => Ok(false),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

/// The reader who has the address, held: whoever moves away from it just then, or is forgotten, is not taken for them. And whether nothing was
/// known of them before.
async fn reader_held(
    tx: &mut Tx,
    site: &Site,
    email: &EmailAddress,
    name: &str,
) -> Result<(Subscriber, bool)> {
    loop {
        let row = (token::public_id(), email.key());
        let (found, is_new) = store::subscriber_for(tx, (&row.0, email, &row.1, name), site.now()).await?;
        // Nobody else has seen who is new.
        if is_new {
            Suppressions::new(site).link(tx, [(found.id, email)].into_iter()).await?;
            let hash = Suppressions::new(site).hash(email);
            let left = left_before::of(tx, &[&hash]).await?.remove(&hash).unwrap_or_default();
            left_before::stay_off(tx, site, found.id, &left).await?;
            return Ok((found, left.is_empty()));
        }
        if let Some(reader) = held(tx, found.id).await?.filter(|reader| reader.email.key() == row.1) {
            return Ok((reader, is_new));
        }
    }
}

/// Mails the reader, and asks to confirm whatever they asked for lately; `false` if that is nothing any more. Those who
/// waited have a share of their own.
async fn ask_to_confirm(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    lists: &[List],
    (reader, whose, waited): (&Subscriber, &Whose, bool),
) -> Result<bool> {
    let since = asked_lately(site);
    let known = store::subscriptions_in(tx, reader.id).await?;
    let waits =
        |list: &List| known.iter().any(|one| one.list_id == list.id && one.waits() && one.asked_at > since);
    let waiting: Vec<&List> = lists.iter().filter(|list| list.is_mailed() && waits(list)).collect();
    if waiting.is_empty() {
        return Ok(false);
    }
    let link = Confirm {
        subscriber: Name::id(&reader.public_id),
        lists: waiting.iter().map(|list| Name::id(&list.public_id)).collect(),
    };
    let link = link.sign(&site.keys, site.now().plus(LINK_LASTS));
    let letterhead = settings.letterhead(site);
    let names = waiting.iter().map(|list| list.name.clone()).collect();
    let context = asking_letter(site, &letterhead, names, &link);
    let fact = letter_key(&link);
    // What was typed goes into no mail (TRUST A24).
    delivery::tell(tx, site, &letterhead, ("", &reader.email), &fact, &context).await?;
    let letter = joining::Letter { subscriber: reader.id, whose, key: &fact, waited };
    joining::add_letter(tx, letter, site.now()).await?;
    store::confirmation_sent(tx, reader.id, since, site.now()).await?;
    Ok(true)
}

fn asking_letter(
    site: &Site,
    letterhead: &Letterhead,
    lists: Vec<String>,
    link: &str,
) -> ConfirmSubscription {
    ConfirmSubscription {
        sender: letterhead.sender.clone(),
        lists,
        confirm_url: site.url(&format!("/confirm/{link}")),
        valid_for: clock::lasting(LINK_LASTS),
    }
}

/// What the mail with a link is known by. The fact is the link; its hash names it without giving it away.
pub(super) fn letter_key(link: &str) -> String {
    format!("confirm:{}", token::hash(link))
}

/// Mails who is on the list already, with the link to their choices.
async fn tell_already(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (reader, whose): (&Subscriber, &Whose),
) -> Result<()> {
    let on = store::subscriptions_in(tx, reader.id)
        .await?
        .into_iter()
        .filter(|one| one.state == SubscriptionState::Confirmed && !one.retired);
    let letterhead = settings.letterhead(site);
    let context = AlreadyReader {
        sender: letterhead.sender.clone(),
        lists: on.map(|one| one.name).collect(),
        preferences_url: site.url(&choices_path(site, &reader.public_id)),
    };
    let fact = format!("{}:{}:{}", AlreadyReader::NAME, reader.public_id, site.now().0);
    delivery::tell(tx, site, &letterhead, ("", &reader.email), &fact, &context).await?;
    let letter = joining::Letter { subscriber: reader.id, whose, key: &fact, waited: false };
    joining::add_letter(tx, letter, site.now()).await?;
    Ok(())
}

/// Whom a link is about, and the lists that it names.
pub(super) async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, Vec<i64>)> {
    let link = Confirm::read(&site.keys, link, site.now())?;
    let reader = store::named(&site.db, &link.subscriber).await?.ok_or(SubscriberError::Link)?;
    let mut lists = Vec::new();
    for name in &link.lists {
        lists.extend(store::named_list(&site.db, name).await?);
    }
    Ok((reader, lists))
}

/// Whom staff add to which list, and how they asked.
#[derive(Clone, Copy, Debug)]
pub struct Adding<'a> {
    pub email: &'a EmailAddress,
    /// The name; may be empty, and is left out where the reader has one.
    pub name: &'a str,
    pub list: i64,
    /// The proof.
    pub source: &'a str,
    /// Where they bought or gave and did not ask: until when they may be mailed for that.
    pub implied: Option<Implied>,
    /// The newest thing on record about their consent that staff had before them; none where they looked at nobody.
    pub seen: Option<i64>,
}

/// Staff add somebody who asked them in person or on paper; `source` says how. They are not asked to confirm.
///
/// # Errors
/// [`SubscriberError::Forgotten`] when its owner asked for that; [`SubscriberError::Blocked`] when staff said that the address is never mailed; [`SubscriberError::NotFound`] when the list is not
/// there or was retired; when the database fails.
pub async fn add_by_staff(
    site: &Site,
    email: &EmailAddress,
    name: &str,
    list: i64,
    source: &str,
) -> Result<Subscriber> {
    add(site, Adding { email, name, list, source, implied: None, seen: None }, None).await
}

/// The same; `by` is who of the team does it and why, for the log. Whoever had left and is back is written down as such, or a
/// restored backup would take them off once more (TRUST T10).
pub(super) async fn add(site: &Site, new: Adding<'_>, by: Option<(i64, &str)>) -> Result<Subscriber> {
    let Adding { email, name, list, source, implied, seen } = new;
    let before = site.now();
    let mut tx = site.db.begin().await?;
    forgotten::enter(&mut tx).await?;
    if forgotten::is_forgotten(&mut tx, site, email).await? {
        return Err(SubscriberError::Forgotten);
    }
    if !store::lists_in(&mut tx).await?.iter().any(|one| one.id == list && one.is_mailed()) {
        return Err(SubscriberError::NotFound);
    }
    if Suppressions::new(site).is_blocked(&mut tx, email).await? {
        return Err(SubscriberError::Blocked);
    }
    let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
    let (reader, _) = reader_held(&mut tx, site, email, &name).await?;
    if reader.name.is_empty() && !name.is_empty() {
        store::rename(&mut tx, reader.id, &name).await?;
    }
    let known = store::subscriptions_in(&mut tx, reader.id).await?;
    let had_left = known.iter().any(|one| one.list_id == list && one.left_at.is_some());
    let joins =
        store::join(&mut tx, reader.id, list, site.now(), implied.and_then(|implied| implied.0)).await?;
    if joins {
        // Asked only now: joining waited for whoever was about to leave.
        if let Some(seen) = seen
            && knowing::newest_event_in(&mut tx, reader.id).await? != seen
        {
            return Err(SubscriberError::Changed);
        }
        let happened = Happened {
            subscriber: reader.id,
            list,
            action: ConsentAction::Confirmed,
            method: ConsentMethod::Staff,
            wording: None,
            by: By::source(source),
            trace: Trace::default(),
        };
        consent::record(&mut tx, site, happened).await?;
        forgotten::taken(&mut tx, &[&Suppressions::new(site).hash(email)]).await?;
        if let Some((staff_id, why)) = by {
            let detail = store::about_lists(&mut tx, &[list], why).await?;
            audit_log::record(&mut tx, site, Some(staff_id), "added to a list", &reader.public_id, &detail)
                .await?;
        }
    }
    let back = if joins && had_left { &[list][..] } else { &[] };
    withdrawn::commit_back(tx, site, &reader.public_id, back, before).await?;
    Ok(reader)
}
