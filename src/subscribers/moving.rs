//! A reader's new address. Nothing moves before both mailboxes have said so, each by a press behind a link of its own: a mail that
//! was passed on changes nothing by itself. Where the team asks in a reader's place, it answers for the old one, and says why.
//!
//! The rules. Two readers are never made one: an address that is a reader's already is not moved to, and the answer is the same as
//! for every other (TRUST A22). What stops mail stays with the address that it stopped; whom the team blocked stays where they are.
//! Gifts stay with the address under which they were given. From the commit on nothing more is begun for the old address but word
//! of it, by which it is taken back for a week; and a restored backup mails nobody there (TRUST T10). What the old one was is kept as a
//! keyed hash, so that whoever is forgotten is forgotten there, too.

use std::time::Duration;

pub(crate) use super::store::moving::FORGET_CHANGES;
pub use super::store::moving::UnderWay;
use super::{
    ByStaff, Result, SubscriberError, Trace,
    budget::{self, Crowd, Whose, next_mail},
    consent::{self, By, ConsentAction, ConsentMethod, Happened},
    donor_state, forgotten,
    found_by::text_of,
    leave::leave_once,
    often,
    read::{Subscriber, SubscriptionState},
    store::{
        self, joining,
        moving::{self, Change},
    },
    their_choices::choices_path,
    unwanted::unwanted,
    withdrawn,
};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    audit_log,
    clock::{self, Moment},
    db::{self, Db, Tx, is_unique_violation},
    deliverability::Lookout,
    delivery::{self, Class, Suppressions},
    email_address::EmailAddress,
    links::{AddressChange, Choices, End, Name},
    mail::{
        AddressChangeNew, AddressChangeOld, AddressChanged, AddressIsKnown, AddressTakenBack, AlreadyReader,
        ChoicesLink, ConfirmSubscription, CopyOfData, EmailTemplate as _, EraseRequest, GoodBye, Paused,
        Welcome,
    },
    settings::{Letterhead, Settings},
    site::Site,
    tasks::Gap,
    token,
    withdrawals::{self, Withdrawal},
};

const DAY: Duration = Duration::from_secs(86_400);
/// How long the two links work.
const LINK_LASTS: Duration = Duration::from_secs(3 * 86_400);
/// How long it can be taken back.
const UNDO_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// Nothing of a change is of use after this, and it is forgotten with both addresses.
pub(crate) const CHANGE_LASTS: Duration = Duration::from_secs(11 * 86_400);

/// So often a day one reader may type an address: for each the DNS may be asked, and whoever was handed the link could guess theirs.
const TYPED: Limit = Limit::within("type another address", 10, DAY);

/// Letters to a reader as such, which are not for whoever has the old mailbox. Those about gifts go where the gifts are known.
const OF_READERS: &[&str] = &[
    ConfirmSubscription::NAME,
    AlreadyReader::NAME,
    Welcome::NAME,
    ChoicesLink::NAME,
    Paused::NAME,
    GoodBye::NAME,
    CopyOfData::NAME,
    EraseRequest::NAME,
    AddressChangeOld::NAME,
    AddressIsKnown::NAME,
];

/// What the button in the new mailbox's page says, as the proof keeps it.
#[must_use]
pub fn moving_wording(magazine: &str) -> String {
    format!("Send {magazine} to this address from now on.")
}

/// What a reader typed on the page for it.
#[derive(Clone, Copy, Debug)]
pub struct NewAddress<'a> {
    pub email: &'a EmailAddress,
    /// Looks whether mail can go there; none where nobody is to be asked.
    pub lookout: Option<&'a Lookout>,
    pub trace: Trace<'a>,
}

/// What came of asking, as far as whoever asked may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveAsked {
    /// It is written down, and whoever may be written to was.
    Written,
    /// Their mail goes there already.
    Same,
    /// They asked a day ago or less.
    Today {
        /// For which address, masked.
        to: String,
        /// Whether it waits for a press still.
        waits: bool,
    },
    /// Mail to the address that they have is stopped, so it cannot agree.
    OldIsStopped,
}

/// The letters that asked the owners of addresses which a reader typed, by their facts. What else went there is their owners'.
pub(crate) async fn letters_asked(tx: &mut Tx, subscriber: i64) -> db::Result<Vec<String>> {
    let changes = moving::changes_of(tx, subscriber).await?;
    Ok(changes.iter().map(|change| asks_new(change)).collect())
}

fn asks_new(change: &str) -> String {
    format!("address_change:new:{change}")
}

/// Until when the links of a reader show nothing of gifts and forget nobody: the team put their address right, for which the mailbox of
/// before was not asked, and that one can take it back. None where there is nothing to wait for.
///
/// # Errors
/// When the database fails.
pub async fn may_be_taken_back(site: &Site, subscriber: i64) -> db::Result<Option<Moment>> {
    let now = site.now();
    // What a clock wrote that was far ahead holds nobody.
    let lately = (now.minus(UNDO_LASTS), now.plus(UNDO_LASTS));
    Ok(moving::put_right(&site.db, subscriber, lately).await?.map(|done| done.plus(UNDO_LASTS)))
}

/// The keyed hashes of addresses that a reader had, and until when; the first that they left comes first.
///
/// # Errors
/// When the database fails.
pub async fn former_addresses(db: &Db, subscriber: i64) -> db::Result<Vec<(String, Moment)>> {
    moving::former(db, subscriber).await
}

/// The same in a transaction.
pub(crate) async fn former_addresses_in(tx: &mut Tx, subscriber: i64) -> db::Result<Vec<String>> {
    Ok(moving::former_in(tx, subscriber).await?.into_iter().map(|(hash, _)| hash).collect())
}

/// Who had an address, of those whose mail goes to another one now.
///
/// # Errors
/// When the database fails.
pub async fn who_had(site: &Site, address: &EmailAddress) -> db::Result<Option<Subscriber>> {
    moving::who_had(&site.db, &Suppressions::new(site).hash(address)).await
}

/// Whose choices a link leads to: where their mail goes.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn whose_choices(site: &Site, link: &str) -> Result<Subscriber> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)
}

/// A reader asks that their mail goes to another address, by the link to their choices. Nothing changes by it: a letter goes to each
/// of the two mailboxes, and it is done once both have pressed. The answer tells nothing about the new address.
///
/// # Errors
/// [`SubscriberError::Link`]; [`SubscriberError::TooMany`]; [`SubscriberError::Unwanted`]; when the database fails. Then nothing
/// was kept.
pub async fn ask_to_move(
    site: &Site,
    settings: &Settings,
    link: &str,
    new: NewAddress<'_>,
) -> Result<MoveAsked> {
    let reader = whose_choices(site, link).await?;
    let _stays_counted = match Attempt::begin(site, &[TYPED.on(&reader.public_id)]).await {
        Ok(attempt) => attempt,
        Err(Refusal::TooMany(wait)) => return Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => return Err(error.into()),
    };
    if new.email.key() == reader.email.key() {
        return Ok(MoveAsked::Same);
    }
    if let Some(why) = unwanted(settings, new.lookout.is_some(), new.lookout, new.email).await {
        return Err(SubscriberError::Unwanted(why));
    }
    let whose = Whose::of(site, new.email, new.trace.ip);
    let letterhead = settings.letterhead(site);
    let (asked, wrote) = db::again(|| ask_once(site, &letterhead, reader.id, (new.email, &whose))).await?;
    // As long as for an address that gets one.
    if asked == MoveAsked::Written && !matches!(wrote, Some(ToNew::Asked | ToNew::Known)) {
        delivery::rehearse(site, &letterhead, &AddressChangeNew::sample());
    }
    Ok(asked)
}

async fn ask_once(
    site: &Site,
    letterhead: &Letterhead,
    reader: i64,
    (new, whose): (&EmailAddress, &Whose),
) -> Result<(MoveAsked, Option<ToNew>)> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    whose.hold(&mut tx, site).await?;
    store::hold(&mut tx, reader).await?;
    let reader = store::by_id_in(&mut tx, reader).await?.ok_or(SubscriberError::Link)?;
    if reader.email.key() == new.key() {
        return Ok((MoveAsked::Same, None));
    }
    // Without a word from the old mailbox nothing moves: people help, and no day is used up.
    if Suppressions::new(site).stops_letter(&mut tx, &reader.email, true).await? {
        return Ok((MoveAsked::OldIsStopped, None));
    }
    if let Some((last, to, ended)) = moving::last_asked(&mut tx, reader.id, now).await?
        && now.since(last) < DAY
    {
        return Ok((
            MoveAsked::Today { to: to.masked(), waits: ended.is_none() && to.key() != reader.email.key() },
            None,
        ));
    }
    let spent = whose.spent(&mut tx, now).await?;
    // Who has the link is known: no browser is asked for work, and a day has one asking.
    budget::turn(&mut tx, site, (whose, spent), (Crowd::Nobody, site.now())).await?;
    joining::add_asking(&mut tx, whose, false, now).await?;
    let change = begin(&mut tx, site, &reader, new, None).await?;
    let context = AddressChangeOld {
        sender: letterhead.sender.clone(),
        masked: new.masked(),
        agree_url: link_to(site, &change, End::Old, now.plus(LINK_LASTS)),
        valid_for: clock::lasting(LINK_LASTS),
    };
    let fact = format!("address_change:old:{change}");
    delivery::tell(&mut tx, site, letterhead, ("", &reader.email), &fact, &context).await?;
    let wrote = write_to_new(&mut tx, site, letterhead, &reader, (&change, new, whose)).await?;
    tx.commit().await?;
    Ok((MoveAsked::Written, Some(wrote)))
}

async fn begin(
    tx: &mut Tx,
    site: &Site,
    reader: &Subscriber,
    new: &EmailAddress,
    staff: Option<i64>,
) -> Result<String> {
    let public_id = token::public_id();
    let change =
        moving::NewChange { public_id: &public_id, subscriber: reader.id, old: &reader.email, new, staff };
    moving::begin(tx, change, site.now()).await?;
    Ok(public_id)
}

fn link_to(site: &Site, change: &str, end: End, expires: Moment) -> String {
    site.url(&AddressChange { change: Name::id(change), end }.path(&site.keys, expires))
}

/// What became of the letter to the new mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ToNew {
    /// It asks whether mail may go there.
    Asked,
    /// A reader has the address: they are told so.
    Known,
    /// It is not mailed.
    Stopped,
    /// A letter went there too lately.
    TooSoon,
}

/// The one letter that it may get in a day, whoever asks and in whichever spelling; the caller holds the mailbox.
async fn write_to_new(
    tx: &mut Tx,
    site: &Site,
    letterhead: &Letterhead,
    reader: &Subscriber,
    (change, new, whose): (&str, &EmailAddress, &Whose),
) -> Result<ToNew> {
    let now = site.now();
    if Suppressions::new(site).reason_in(tx, new).await?.is_some() {
        return Ok(ToNew::Stopped);
    }
    let known = store::by_key_in(tx, &new.key()).await?;
    let whom = known.as_ref().map_or(0, |known| known.id);
    if next_mail(now, &budget::letters(tx, whose, whom, now).await?) > now {
        return Ok(ToNew::TooSoon);
    }
    let fact = asks_new(change);
    let sender = letterhead.sender.clone();
    let (wrote, whom) = if let Some(known) = known {
        let preferences_url = site.url(&choices_path(site, &known.public_id));
        let context = AddressIsKnown { sender, preferences_url };
        delivery::tell(tx, site, letterhead, ("", &known.email), &fact, &context).await?;
        (ToNew::Known, known.id)
    } else {
        let confirm_url = link_to(site, change, End::New, now.plus(LINK_LASTS));
        let context = AddressChangeNew { sender, confirm_url, valid_for: clock::lasting(LINK_LASTS) };
        delivery::tell(tx, site, letterhead, ("", new), &fact, &context).await?;
        (ToNew::Asked, reader.id)
    };
    // Of two that went to one reader in the same instant both count.
    let mut at = now;
    let letter = || joining::Letter { subscriber: whom, whose, key: &fact, waited: false };
    while joining::add_letter(tx, letter(), at).await? == 0 {
        at = at.minus(Duration::from_micros(1));
    }
    Ok(wrote)
}

/// What the team may know of an address that it put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readdressed {
    /// A letter there asks; mail goes there once it is pressed.
    Asked,
    /// Their mail goes there already.
    Same,
    /// Another reader has it, by their public id.
    Known(String),
    /// It is not mailed.
    Stopped,
    /// A letter went there a day ago or less.
    TooSoon,
}

/// The team puts a reader's address right, and answers for the old one: the new one is asked by mail. `seen` is the address that was
/// looked at.
///
/// # Errors
/// [`SubscriberError::Blocked`] where the team said that the reader is never mailed; [`SubscriberError::Changed`] when they have
/// another address by now; [`SubscriberError::Unwanted`]; [`SubscriberError::NotFound`]; when the database fails.
pub async fn correct_address(
    site: &Site,
    settings: &Settings,
    (reader, seen): (i64, &str),
    new: NewAddress<'_>,
    by: ByStaff<'_>,
) -> Result<Readdressed> {
    if let Some(why) = unwanted(settings, new.lookout.is_some(), new.lookout, new.email).await {
        return Err(SubscriberError::Unwanted(why));
    }
    let whose = Whose::of(site, new.email, "");
    let letterhead = settings.letterhead(site);
    db::again(|| correct_once(site, &letterhead, (reader, seen), (new.email, &whose), by)).await
}

async fn correct_once(
    site: &Site,
    letterhead: &Letterhead,
    (reader, seen): (i64, &str),
    (new, whose): (&EmailAddress, &Whose),
    by: ByStaff<'_>,
) -> Result<Readdressed> {
    let mut tx = site.db.begin().await?;
    whose.hold(&mut tx, site).await?;
    store::hold(&mut tx, reader).await?;
    let reader = store::by_id_in(&mut tx, reader).await?.ok_or(SubscriberError::NotFound)?;
    if reader.email.as_str() != seen {
        return Err(SubscriberError::Changed);
    }
    if reader.email.key() == new.key() {
        return Ok(Readdressed::Same);
    }
    if Suppressions::new(site).is_blocked(&mut tx, &reader.email).await? {
        return Err(SubscriberError::Blocked);
    }
    if let Some(other) = store::by_key_in(&mut tx, &new.key()).await? {
        return Ok(Readdressed::Known(other.public_id));
    }
    let change = begin(&mut tx, site, &reader, new, Some(by.staff_id)).await?;
    match write_to_new(&mut tx, site, letterhead, &reader, (&change, new, whose)).await? {
        ToNew::Asked => {}
        ToNew::TooSoon => return Ok(Readdressed::TooSoon),
        // Nobody else became one: the address is held.
        ToNew::Stopped | ToNew::Known => return Ok(Readdressed::Stopped),
    }
    let (who, id) = (Some(by.staff_id), &reader.public_id);
    audit_log::record(&mut tx, site, who, "asked for a reader’s new address", id, by.why).await?;
    tx.commit().await?;
    Ok(Readdressed::Asked)
}

impl UnderWay {
    /// When its links work no more.
    #[must_use]
    pub fn until(&self) -> Moment {
        self.asked_at.plus(LINK_LASTS)
    }
}

/// The move of address that is asked for of a reader, and that the links in its letters may still do.
///
/// # Errors
/// When the database fails.
pub async fn move_under_way(site: &Site, reader: i64) -> db::Result<Option<UnderWay>> {
    moving::under_way(&site.db, reader, site.now().minus(LINK_LASTS)).await
}

/// A reader calls off the move that is asked for, by the link to their choices: its links do nothing from then on. `false` if it is
/// done or over by now.
///
/// # Errors
/// [`SubscriberError::Link`]; [`SubscriberError::TooMany`]; when the database fails. Then nothing was changed.
pub async fn call_off_own_move(site: &Site, link: &str) -> Result<bool> {
    let reader = whose_choices(site, link).await?;
    let Some(change) = move_under_way(site, reader.id).await? else { return Ok(false) };
    often::change(site, &reader.public_id).await?;
    Ok(db::again(async || {
        let mut tx = site.db.begin().await?;
        // Whoever presses the second button holds them, too: it is done before this, or not at all.
        store::hold(&mut tx, reader.id).await?;
        let is_off = moving::call_off(&mut tx, &change.public_id, reader.id, site.now()).await?;
        if is_off && change.staff_id.is_some() {
            let what = "called off the move of address that the team asked for";
            audit_log::record(&mut tx, site, None, what, &reader.public_id, "by the link of a mail").await?;
        }
        tx.commit().await?;
        db::Result::Ok(is_off)
    })
    .await?)
}

/// The team calls a move off that somebody looked at, whoever asked for it: its links do nothing from then on. `false` if it is done or
/// over by now.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn call_off_move(site: &Site, reader: &Subscriber, change: &str, by: ByStaff<'_>) -> Result<bool> {
    Ok(db::again(async || {
        let mut tx = site.db.begin().await?;
        // Whoever presses the second button holds them, too: it is done before this, or not at all.
        store::hold(&mut tx, reader.id).await?;
        if !moving::call_off(&mut tx, change, reader.id, site.now()).await? {
            return Ok(false);
        }
        let (who, id) = (Some(by.staff_id), &reader.public_id);
        audit_log::record(&mut tx, site, who, "called off a reader’s move of address", id, by.why).await?;
        tx.commit().await?;
        db::Result::Ok(true)
    })
    .await?)
}

/// How a change stands, for whoever has one of its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveState {
    /// It waits for a press here.
    Asks,
    /// It waits for the other mailbox.
    Waits,
    /// Mail goes to the new address.
    Done,
    /// It was taken back: mail goes to the old one.
    Undone,
    /// It cannot be done: a reader has the address, or it is not mailed.
    Refused,
    /// The link is good for nothing any more.
    Over,
}

/// A change, as one of the two mailboxes sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    pub end: End,
    pub state: MoveState,
    /// The other address, masked: the new one for the old mailbox. The new mailbox is not told the old one.
    pub other: String,
    /// The words over the button of the new mailbox.
    pub wording: String,
    /// Whether they are on a list: a restored database may have them on none.
    pub on_some: bool,
}

/// What a link would do; changes nothing, for programs open links, too (TRUST A25).
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`].
pub async fn look_at_move(site: &Site, link: &str) -> Result<Moving> {
    let (change, end) = read_link(site, link).await?;
    let settings = Settings::load(&site.db).await?;
    seen(site, &change, (end, state_of(&change, end)), &settings).await
}

async fn seen(
    site: &Site,
    change: &Change,
    (end, state): (End, MoveState),
    settings: &Settings,
) -> Result<Moving> {
    let other = if end == End::New { String::new() } else { change.new_email.masked() };
    let known = store::subscriptions(&site.db, change.subscriber_id).await?;
    let on_some = known.iter().any(|one| one.state == SubscriptionState::Confirmed && !one.retired);
    Ok(Moving { end, state, other, wording: moving_wording(&settings.magazine_name), on_some })
}

fn state_of(change: &Change, end: End) -> MoveState {
    let pressed = match end {
        End::Old => change.old_agreed_at,
        End::New => change.new_agreed_at,
        End::Back => change.undone_at,
    };
    match (end, change.done_at, change.undone_at) {
        (End::Back, _, Some(_)) => MoveState::Undone,
        (End::Back, Some(_), None) => MoveState::Asks,
        (End::Back, None, None) | (_, _, Some(_)) => MoveState::Over,
        (_, Some(_), None) => MoveState::Done,
        _ if change.ended_at.is_some() => MoveState::Over,
        // Where it broke off at the second press, whoever comes presses once more.
        _ if pressed.is_some() && !change.is_agreed() => MoveState::Waits,
        _ => MoveState::Asks,
    }
}

async fn read_link(site: &Site, link: &str) -> Result<(Change, End)> {
    let AddressChange { change: Name::Id(change), end } = AddressChange::read(&site.keys, link, site.now())?
    else {
        return Err(SubscriberError::Link);
    };
    // What is not there any more was forgotten, or its reader was.
    let change = moving::change(&site.db, &change).await?.ok_or(SubscriberError::Expired)?;
    Ok((change, end))
}

/// One of the two mailboxes agrees, or takes it back; doing it again changes nothing. With the second press it is done.
///
/// # Errors
/// As [`look_at_move`], and then nothing was changed.
pub async fn press_move(site: &Site, link: &str, trace: Trace<'_>) -> Result<Moving> {
    let (change, end) = read_link(site, link).await?;
    let settings = Settings::load(&site.db).await?;
    let state = match end {
        _ if !matches!(state_of(&change, end), MoveState::Asks | MoveState::Waits) => state_of(&change, end),
        End::Back => go(site, &settings, &change, Way::Back, trace).await?,
        End::Old | End::New => {
            let mut tx = site.db.begin().await?;
            moving::agree(&mut tx, change.id, end, site.now()).await?;
            tx.commit().await?;
            match moving::change(&site.db, &change.public_id).await? {
                Some(now) if now.is_agreed() => go(site, &settings, &now, Way::There, trace).await?,
                Some(now) => state_of(&now, end),
                None => MoveState::Over,
            }
        }
    };
    seen(site, &change, (end, state), &settings).await
}

impl Change {
    /// Whether both have pressed, and it is not done yet.
    fn is_agreed(&self) -> bool {
        let pressed = self.old_agreed_at.is_some() && self.new_agreed_at.is_some();
        pressed && self.done_at.is_none() && self.ended_at.is_none()
    }
}

/// What the database knows of a line in the journal.
enum Known {
    /// It is to be done.
    Begun(Way),
    /// They stayed where they were, and it was over then.
    CameToNothing,
}

impl Change {
    /// What this change knows of a line of that moment, of an address and of where mail was to go instead; none if the line is about
    /// another. Lines of an earlier version do not say where to, and are of the way there.
    fn known_by(
        &self,
        suppressions: Suppressions<'_>,
        (from, to): (&str, Option<&str>),
        at: Moment,
    ) -> Option<Known> {
        let (old, new) = (suppressions.hash(&self.old_email), suppressions.hash(&self.new_email));
        if old == from && to.is_none_or(|to| to == new) {
            let came_to_nothing = self.done_at.is_none() && self.ended_at.is_some_and(|ended| ended >= at);
            return match self.is_agreed() {
                true => Some(Known::Begun(Way::There)),
                false => came_to_nothing.then_some(Known::CameToNothing),
            };
        }
        let is_done = self.done_at.is_some() && self.undone_at.is_none();
        (is_done && new == from && to.is_some_and(|to| to == old)).then_some(Known::Begun(Way::Back))
    }
}

/// From the old address to the new one, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// How often it is asked where a reader's mail is, while the database does not answer: for ten minutes.
const ASKED: u32 = 18;

/// Does it to its end, whatever becomes of whoever pressed: the journal has said by then that nothing goes to the one address any more.
async fn go(
    site: &Site,
    settings: &Settings,
    change: &Change,
    way: Way,
    trace: Trace<'_>,
) -> Result<MoveState> {
    let (site, settings, change) = (site.clone(), settings.clone(), change.clone());
    let (ip, user_agent) = (trace.ip.to_owned(), trace.user_agent.to_owned());
    db::to_its_end(async move {
        let trace = Trace { ip: &ip, user_agent: &user_agent };
        go_and_say(&site, &settings, (&change, way), trace, ASKED).await
    })
    .await
}

/// The journal is told before the transaction that nothing goes to the one address any more, and after it what holds.
async fn go_and_say(
    site: &Site,
    settings: &Settings,
    (change, way): (&Change, Way),
    trace: Trace<'_>,
    asked: u32,
) -> Result<MoveState> {
    let Some(reader) = store::by_id(&site.db, change.subscriber_id).await? else {
        return Ok(MoveState::Over);
    };
    let (from, to) = match way {
        Way::There => (&change.old_email, &change.new_email),
        Way::Back => (&change.new_email, &change.old_email),
    };
    let hash = |address: &EmailAddress| Suppressions::new(site).hash(address);
    let before = site.now();
    let moved = Withdrawal::Moved { reader: reader.public_id.clone(), hash: hash(from), to: Some(hash(to)) };
    withdrawals::write_at(site, &[moved], before).await;
    let went = match db::again(|| go_once(site, settings, &change.public_id, way, trace)).await {
        // Another has it since it was looked at: the address is held by whoever was first.
        Err(SubscriberError::Database(error)) if is_unique_violation(&error) => refuse(site, change).await,
        went => went,
    };
    // Nothing of it moved them away from where they are, whatever came of it.
    match is_at(site, reader.id, asked).await {
        Ok(Some(is_at)) if [from.key(), to.key()].contains(&is_at.key()) => {
            let stays = Withdrawal::Stays { reader: reader.public_id, hash: hash(&is_at) };
            withdrawals::write_at(site, &[stays], before).await;
        }
        Ok(_) => {}
        Err(error) => {
            tracing::error!(reader = reader.public_id, %error, "where a reader’s mail is after a change of address could not be asked, so the journal of withdrawals does not have it: the next start asks again");
        }
    }
    went
}

async fn refuse(site: &Site, change: &Change) -> Result<MoveState> {
    let mut tx = site.db.begin().await?;
    moving::end(&mut tx, change.id, site.now()).await?;
    tx.commit().await?;
    Ok(MoveState::Refused)
}

/// Where a reader's mail is; asked so often while the database fails.
async fn is_at(site: &Site, reader: i64, mut asked: u32) -> db::Result<Option<EmailAddress>> {
    let mut gap = Gap::default();
    loop {
        asked = asked.saturating_sub(1);
        match is_at_once(site, reader).await {
            Err(_) if asked > 0 => tokio::time::sleep(gap.grow()).await,
            answer => return answer,
        }
    }
}

async fn is_at_once(site: &Site, reader: i64) -> db::Result<Option<EmailAddress>> {
    let mut tx = site.db.begin().await?;
    // A commit that is still under way, though nobody heard of it any more, is waited for.
    store::hold(&mut tx, reader).await?;
    Ok(store::by_id_in(&mut tx, reader).await?.map(|reader| reader.email))
}

async fn go_once(
    site: &Site,
    settings: &Settings,
    change: &str,
    way: Way,
    trace: Trace<'_>,
) -> Result<MoveState> {
    let suppressions = Suppressions::new(site);
    let mut tx = site.db.begin().await?;
    // Whoever writes copies down, or puts them back in line, has ended or begins after this.
    suppressions.close(&mut tx).await?;
    let Some(looked) = moving::change_in(&mut tx, change).await? else { return Ok(MoveState::Over) };
    let (from, to) = match way {
        Way::There => (&looked.old_email, &looked.new_email),
        Way::Back => (&looked.new_email, &looked.old_email),
    };
    Whose::of(site, to, "").hold(&mut tx, site).await?;
    store::hold(&mut tx, looked.subscriber_id).await?;
    let now = moving::change_in(&mut tx, change).await?;
    let (Some(now), Some(reader)) = (now, store::by_id_in(&mut tx, looked.subscriber_id).await?) else {
        return Ok(MoveState::Over);
    };
    let waits = match way {
        Way::There => now.is_agreed(),
        Way::Back => now.done_at.is_some() && now.undone_at.is_none(),
    };
    if !waits {
        let end = if way == Way::There { End::Old } else { End::Back };
        return Ok(state_of(&now, end));
    }
    let is_there = reader.email.key() == from.key();
    let refused = suppressions.is_blocked(&mut tx, from).await?
        || suppressions.reason_in(&mut tx, to).await?.is_some()
        || store::by_key_in(&mut tx, &to.key()).await?.is_some();
    if !is_there || refused {
        moving::end(&mut tx, now.id, site.now()).await?;
        tx.commit().await?;
        return Ok(if is_there { MoveState::Refused } else { MoveState::Over });
    }
    match way {
        Way::There => moving::done(&mut tx, now.id, site.now()).await?,
        Way::Back => moving::undone(&mut tx, now.id, site.now()).await?,
    };
    let search = text_of(to, &reader.name);
    let went = match way {
        Way::There => moving::readdress(&mut tx, reader.id, (from, to), &search, site.now()).await?,
        Way::Back => moving::readdress_back(&mut tx, reader.id, (from, to), &search, site.now()).await?,
    };
    if !went {
        return Ok(MoveState::Over);
    }
    if way == Way::There {
        donor_state::comes_after_gifts(&mut tx, site, reader.id, (from, to)).await?;
    }
    record(&mut tx, site, settings, (&reader, &now, way), trace).await?;
    delivery::withdraw_because(&mut tx, site, reader.id, None, Class::Readdressed).await?;
    delivery::withdraw_letters_from(&mut tx, from, OF_READERS, site.now()).await?;
    suppressions.leave_behind(&mut tx, reader.id).await?;
    tell_left(&mut tx, site, settings, (&now, way), from).await?;
    leave_address(&mut tx, site, reader.id, (from, to)).await?;
    tx.commit().await?;
    Ok(if way == Way::There { MoveState::Done } else { MoveState::Undone })
}

/// Their consent goes with them: the proof says of every list that they are on from where their mail moved, and how.
async fn record(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (reader, change, way): (&Subscriber, &Change, Way),
    trace: Trace<'_>,
) -> Result<()> {
    let wording = moving_wording(&settings.magazine_name);
    let (source, wording) = match (way, change.staff_id) {
        (Way::There, None) => ("address changed, agreed to by both mailboxes; before", Some(&*wording)),
        (Way::There, Some(_)) => {
            ("address put right by the team, agreed to by the new mailbox; before", Some(&*wording))
        }
        (Way::Back, _) => ("change of address taken back by the earlier mailbox; before", None),
    };
    let source = format!("{source} {}", reader.email.masked());
    // In this order: who leaves meanwhile has left, or leaves afterwards.
    moving::hold_subscriptions(tx, reader.id).await?;
    for one in store::subscriptions_in(tx, reader.id).await? {
        if one.state == SubscriptionState::Confirmed {
            let happened = Happened {
                subscriber: reader.id,
                list: one.list_id,
                action: ConsentAction::Confirmed,
                method: ConsentMethod::Confirmation,
                wording,
                by: By::source(&source),
                trace,
            };
            consent::record(tx, site, happened).await?;
        }
    }
    if let (Way::There, Some(staff)) = (way, change.staff_id) {
        audit_log::record(tx, site, Some(staff), "moved a reader’s mail", &reader.public_id, "").await?;
    }
    Ok(())
}

/// They are at another address: what hangs from the one that they had stays theirs, and the new one is theirs, whatever was known of it.
async fn leave_address(
    tx: &mut Tx,
    site: &Site,
    reader: i64,
    (from, to): (&EmailAddress, &EmailAddress),
) -> Result<()> {
    let (suppressions, now) = (Suppressions::new(site), site.now());
    let gave = moving::gave_as_in(tx, reader).await?.contains(&to.key());
    forgotten::returned(tx, site, to).await?;
    moving::add_former(tx, reader, &suppressions.hash(from), now).await?;
    if gave {
        moving::gave(tx, reader, &suppressions.hash(to), &to.key(), now).await?;
    }
    delivery::letters_stay_theirs(tx, from, reader).await?;
    Ok(())
}

/// Word to the mailbox that they leave; to the old one with the way back.
async fn tell_left(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    (change, way): (&Change, Way),
    left: &EmailAddress,
) -> Result<()> {
    if Suppressions::new(site).reason_in(tx, left).await?.is_some() {
        return Ok(());
    }
    let letterhead = settings.letterhead(site);
    if way == Way::Back {
        let sender = letterhead.sender.clone();
        let context = AddressTakenBack { sender, subscribe_url: site.url("/subscribe") };
        let fact = format!("address_change:undone:{}", change.public_id);
        delivery::tell(tx, site, &letterhead, ("", left), &fact, &context).await?;
        return Ok(());
    }
    let context = AddressChanged {
        sender: letterhead.sender.clone(),
        masked: change.new_email.masked(),
        undo_url: link_to(site, &change.public_id, End::Back, site.now().plus(UNDO_LASTS)),
        valid_for: clock::lasting(UNDO_LASTS),
    };
    let fact = format!("address_change:done:{}", change.public_id);
    delivery::tell(tx, site, &letterhead, ("", left), &fact, &context).await?;
    Ok(())
}

/// A move that stands in the journal beside the database, and that the database may not know: nothing goes to the address that the
/// reader had, so they are taken off their lists until they ask anew. Changes nothing for who has another address, came back to this
/// one, or asked since; nor where the database knows what came of it. Where it has the change, with the presses that it took, the
/// process died over it or the database failed, and it is done now, there or back.
///
/// # Errors
/// When the database fails; what was done before stays done.
pub async fn moved_as_written(
    site: &Site,
    reader: &str,
    (from, to): (&str, Option<&str>),
    at: Moment,
    source: &str,
) -> db::Result<bool> {
    let Some(reader) = store::by_public_id(&site.db, reader).await? else { return Ok(false) };
    if Suppressions::new(site).hash(&reader.email) != from
        || moving::moved_since(&site.db, reader.id, at).await?
    {
        return Ok(false);
    }
    let changes = moving::changes(&site.db, reader.id).await?;
    let known = changes.into_iter().find_map(|change| {
        let known = change.known_by(Suppressions::new(site), (from, to), at)?;
        Some((change, known))
    });
    let begun = match known {
        Some((_, Known::CameToNothing)) => return Ok(false),
        Some((change, Known::Begun(way))) => Some((change, way)),
        None => None,
    };
    if let Some((change, way)) = begun {
        let settings = Settings::load(&site.db).await?;
        // Nothing else begins before the journal is known, so nothing is waited for.
        let went = go_and_say(site, &settings, (&change, way), Trace::default(), 1).await;
        match went {
            // Refused, they stay where they are, as whoever pressed was told.
            Ok(_) => return Ok(false),
            Err(SubscriberError::Database(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a change of address that was begun could not be gone on with");
            }
        }
    }
    let mut left = false;
    for one in store::subscriptions(&site.db, reader.id).await? {
        let asked_at = one.asked_at.max(one.confirmed_at.unwrap_or_default());
        let is_back = asked_at > at || withdrawn::came_back(&site.db, reader.id, one.list_id, at).await?;
        if one.state == SubscriptionState::Left || is_back {
            continue;
        }
        let event = Happened {
            subscriber: reader.id,
            list: one.list_id,
            action: ConsentAction::Left,
            method: ConsentMethod::Preferences,
            wording: None,
            by: By::source(source),
            trace: Trace::default(),
        };
        left |= db::again(|| leave_once(site, event, at, None)).await?;
    }
    Ok(left)
}
