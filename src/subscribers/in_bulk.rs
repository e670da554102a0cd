//! What the team does with many readers at once: to some of them in a transaction of whoever goes through all of them (`bulk`).
//!
//! The rules: what becomes of somebody is said by one function, for the sums before and for the act. Nobody is put on a list who left it,
//! is stopped, gets nothing of us or agreed to nothing themselves; nobody gets more or less mail than they chose by a topic; whoever rests
//! already rests as they said. Whoever leaves, rests or gets other topics stands in the journal first, and nobody else is touched. A topic
//! that was merged is the one that took its place; where list or topic are gone, nothing becomes of anybody. It is taken back exactly
//! where nothing was said since, and what was the proof before is the proof again.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    coming_back::may_come_back,
    rows::{ACT_TAKEN_BACK, ConsentAction, ConsentMethod, OFF_ALREADY, SubscriptionState},
    store::{
        self,
        importing::{self, NewSubscription},
        imports_undone as undone,
        in_bulk::{self as rows, Asks, Change, Standing},
        topics,
    },
};
use crate::{
    clock::Moment,
    db::{self, Db, Tx},
    delivery::{self, Class, Suppressions},
    email_address::EmailAddress,
    site::Site,
    withdrawals::{self, LeftBy, ListChoice, Withdrawal},
    words,
};

words! {
    /// What the team does with many readers at once.
    pub enum BulkDeed {
        /// They are put on a list.
        Join = "join",
        /// They are taken off a list.
        TakeOff = "take-off",
        /// A topic of a list comes to those that they chose.
        Choose = "choose",
        /// It is no longer among them.
        Unchoose = "unchoose",
        /// They rest from all their lists.
        Pause = "pause",
    }
}

words! {
    /// What becomes of a reader by it.
    pub enum BulkOutcome {
        Changed = "changed",
        /// It was so before.
        Already = "already",
        /// They left the list.
        Left = "left",
        /// They asked for the list themselves, and have not confirmed.
        Pending = "pending",
        /// Nothing is mailed to their address.
        Stopped = "stopped",
        /// They are on no list.
        Nowhere = "nowhere",
        /// They are mailed on consent that the law implies alone.
        Implied = "implied",
        /// They are not on the list.
        NotOnIt = "not-on-it",
        /// They chose no topic, and get what is about any.
        ChoseNothing = "chose-nothing",
        /// They chose nothing else, and would get what is about any.
        ChoseThisAlone = "chose-this-alone",
        /// They rest already.
        Rests = "rests",
        /// Something happened while it was done.
        Meanwhile = "meanwhile",
        /// The list or topic is not there any more.
        Gone = "gone",
    }
}

/// How many readers there are of each outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkSums(BTreeMap<BulkOutcome, u64>);

impl BulkSums {
    /// Those of one.
    #[must_use]
    pub fn of(&self, outcome: BulkOutcome) -> u64 {
        self.0.get(&outcome).copied().unwrap_or_default()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.values().sum()
    }

    fn add(&mut self, outcome: BulkOutcome) {
        *self.0.entry(outcome).or_default() += 1;
    }

    /// With those of some more readers.
    pub fn and(&mut self, more: &Self) {
        for (outcome, count) in &more.0 {
            *self.0.entry(*outcome).or_default() += count;
        }
    }
}

/// What became of everybody when an act was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkTakenBack {
    /// How many are as they were.
    pub back: u64,
    /// How many are off the list, and stay known, for they were mailed.
    pub mailed: u64,
}

impl BulkTakenBack {
    /// With those of some more readers.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self { back: self.back + more.back, mailed: self.mailed + more.mailed }
    }

    /// Of this many whom it had changed, how many stay so: they said something since.
    #[must_use]
    pub const fn stay(self, changed: u64) -> u64 {
        changed.saturating_sub(self.back + self.mailed)
    }
}

/// An act, as those who do some of it know it.
#[derive(Clone, Copy, Debug)]
pub struct InBulk<'a> {
    /// The number of its row.
    pub act: i64,
    pub deed: BulkDeed,
    /// 0 for what is about no list.
    pub list: i64,
    /// 0 for what is about no topic.
    pub topic: i64,
    /// Until when they rest.
    pub until: Option<Moment>,
    /// How they agreed: it stands with each of them as the proof.
    pub source: &'a str,
}

impl InBulk<'_> {
    const fn is_about_topic(&self) -> bool {
        matches!(self.deed, BulkDeed::Choose | BulkDeed::Unchoose)
    }

    /// Whether what it is about is not there any more.
    const fn is_gone(&self) -> bool {
        !matches!(self.deed, BulkDeed::Pause) && self.list == 0 || self.is_about_topic() && self.topic == 0
    }

    /// The same with the topic that has the place of its own, of all topics with theirs.
    fn placed(self, places: &[(i64, i64)]) -> Self {
        let place = places.iter().find(|(topic, _)| *topic == self.topic).map_or(0, |(_, place)| *place);
        Self { topic: place, ..self }
    }
}

async fn placed<'a>(tx: &mut Tx, what: &InBulk<'a>) -> db::Result<InBulk<'a>> {
    Ok(if what.is_about_topic() { what.placed(&topics::hold(tx).await?) } else { *what })
}

async fn placed_now<'a>(db: &Db, what: &InBulk<'a>) -> db::Result<InBulk<'a>> {
    Ok(if what.is_about_topic() { what.placed(&topics::with_places(db).await?) } else { *what })
}

/// What the row of a change says that is about a topic.
const OF_TOPIC: &str = "topic";
/// What the proof says of who is taken off a list; who did it and why is for the log.
const TAKEN_OFF: &str = "taken off by staff";

/// What is known of one reader.
#[derive(Default)]
struct Facts {
    standings: Vec<Standing>,
    is_stopped: bool,
    /// Since when they are off the list because something was taken back, and nobody said that they leave; where they are to be put on it,
    /// none of whom that may not be done to.
    taken_back: Option<Moment>,
    /// What they chose of the list.
    chosen: Vec<i64>,
}

impl Facts {
    fn on(&self, list: i64) -> Option<&Standing> {
        self.standings.iter().find(|one| one.list_id == list)
    }

    fn confirmed(&self) -> impl Iterator<Item = &Standing> {
        self.standings.iter().filter(|one| one.state == SubscriptionState::Confirmed)
    }
}

/// What becomes of a reader.
fn becomes(what: &InBulk<'_>, facts: &Facts, now: Moment) -> BulkOutcome {
    let on = facts.on(what.list).map(|one| one.state);
    let is_on = on == Some(SubscriptionState::Confirmed);
    match what.deed {
        _ if what.is_gone() => BulkOutcome::Gone,
        BulkDeed::Join => match on {
            Some(SubscriptionState::Confirmed) => BulkOutcome::Already,
            Some(SubscriptionState::Left) if facts.taken_back.is_none() => BulkOutcome::Left,
            Some(SubscriptionState::Pending) => BulkOutcome::Pending,
            _ if facts.is_stopped => BulkOutcome::Stopped,
            _ if facts.confirmed().next().is_none() => BulkOutcome::Nowhere,
            _ if facts.confirmed().all(|one| one.implied_until.is_some()) => BulkOutcome::Implied,
            _ => BulkOutcome::Changed,
        },
        BulkDeed::TakeOff => match on {
            Some(SubscriptionState::Left) => BulkOutcome::Already,
            Some(_) => BulkOutcome::Changed,
            None => BulkOutcome::NotOnIt,
        },
        BulkDeed::Choose | BulkDeed::Unchoose if !is_on => BulkOutcome::NotOnIt,
        BulkDeed::Choose => match &facts.chosen[..] {
            [] => BulkOutcome::ChoseNothing,
            some if some.contains(&what.topic) => BulkOutcome::Already,
            _ => BulkOutcome::Changed,
        },
        BulkDeed::Unchoose => match &facts.chosen[..] {
            some if !some.contains(&what.topic) => BulkOutcome::Already,
            [_] => BulkOutcome::ChoseThisAlone,
            _ => BulkOutcome::Changed,
        },
        BulkDeed::Pause if facts.confirmed().next().is_none() => BulkOutcome::Nowhere,
        BulkDeed::Pause => match facts.confirmed().any(|one| one.paused_until.is_some_and(|at| at > now)) {
            true => BulkOutcome::Rests,
            false => BulkOutcome::Changed,
        },
    }
}

async fn facts(
    mut of: Asks<'_>,
    site: &Site,
    what: &InBulk<'_>,
    readers: &[i64],
) -> db::Result<HashMap<i64, Facts>> {
    let mut found: HashMap<i64, Facts> = readers.iter().map(|id| (*id, Facts::default())).collect();
    for one in of.standings(readers).await? {
        if let Some(facts) = found.get_mut(&one.subscriber_id) {
            facts.standings.push(one);
        }
    }
    if what.deed == BulkDeed::Join {
        for reader in of.stopped(readers).await? {
            if let Some(facts) = found.get_mut(&reader) {
                facts.is_stopped = true;
            }
        }
    }
    if matches!(what.deed, BulkDeed::Join | BulkDeed::TakeOff) {
        let mut off = of.taken_back(readers).await?;
        off.retain(|(_, list, _)| *list == what.list);
        if what.deed == BulkDeed::Join {
            off = may_come_back(&mut of, site, off).await?;
        }
        for (reader, _, at) in off {
            if let Some(facts) = found.get_mut(&reader) {
                facts.taken_back = Some(at);
            }
        }
    }
    if what.is_about_topic() {
        for (reader, topic) in of.chosen(what.list, readers).await? {
            if let Some(facts) = found.get_mut(&reader) {
                facts.chosen.push(topic);
            }
        }
    }
    Ok(found)
}

/// What would become of these readers.
///
/// # Errors
/// When the database fails.
pub async fn expect_in_bulk(site: &Site, what: &InBulk<'_>, readers: &[i64]) -> db::Result<BulkSums> {
    let what = &placed_now(&site.db, what).await?;
    let mut sums = BulkSums::default();
    for facts in facts(Asks::Db(&site.db), site, what, readers).await?.values() {
        sums.add(becomes(what, facts, site.now()));
    }
    Ok(sums)
}

/// Who of these readers is about to be changed: whoever leaves a list, rests or gets other topics by it stands in the journal from now on.
///
/// # Errors
/// When the database fails.
pub async fn write_down_in_bulk(site: &Site, what: &InBulk<'_>, readers: &[i64]) -> db::Result<HashSet<i64>> {
    let what = &placed_now(&site.db, what).await?;
    let facts = facts(Asks::Db(&site.db), site, what, readers).await?;
    let now = site.now();
    let meant: HashSet<i64> = readers
        .iter()
        .copied()
        .filter(|id| facts.get(id).is_some_and(|one| becomes(what, one, now) == BulkOutcome::Changed))
        .collect();
    let mut ids: Vec<i64> = meant.iter().copied().collect();
    if what.deed == BulkDeed::TakeOff {
        // Who is off it since something was taken back: from now on because the team says so.
        let off = readers.iter().filter(|id| facts.get(id).is_some_and(|one| one.taken_back.is_some()));
        ids.extend(off);
    }
    if ids.is_empty() || site.journal.path().is_none() {
        return Ok(meant);
    }
    match (what.deed, what.until) {
        (BulkDeed::TakeOff, _) => {
            let lists = store::lists(&site.db).await?;
            let Some(list) = lists.into_iter().find(|list| list.id == what.list) else {
                return Ok(HashSet::new());
            };
            let addresses: HashMap<i64, EmailAddress> =
                importing::addresses_now(&site.db, &ids).await?.into_iter().collect();
            let left = |(id, reader): (i64, String)| Withdrawal::Left {
                reader,
                list: list.public_id.clone(),
                how: ConsentMethod::Staff.as_str().to_owned(),
                known_by: addresses.get(&id).map(|address| LeftBy {
                    hash: Suppressions::new(site).hash(address),
                    slug: list.slug.clone(),
                }),
            };
            let names = undone::public_ids(&site.db, &ids).await?;
            withdrawals::write(site, &names.into_iter().map(left).collect::<Vec<_>>()).await;
        }
        (BulkDeed::Pause, Some(until)) => {
            let names = undone::public_ids(&site.db, &ids).await?;
            let paused = |(_, reader)| Withdrawal::Paused { reader, until };
            withdrawals::write(site, &names.into_iter().map(paused).collect::<Vec<_>>()).await;
        }
        (BulkDeed::Choose, _) => write_choice(site, what, &ids, true).await?,
        (BulkDeed::Unchoose, _) => write_choice(site, what, &ids, false).await?,
        _ => {}
    }
    Ok(meant)
}

/// These readers choose the topic, or do not any more: it stands in the journal from now on.
async fn write_choice(site: &Site, what: &InBulk<'_>, readers: &[i64], is_on: bool) -> db::Result<()> {
    let lists = store::lists(&site.db).await?;
    let list = lists.into_iter().find(|list| list.id == what.list).map(|list| list.public_id);
    let known = topics::names(&site.db).await?;
    let topic = known.into_iter().find(|(topic, _)| *topic == what.topic).map(|(_, name)| name);
    let (Some(list), Some(topic)) = (list, topic) else { return Ok(()) };
    let (on, off) = if is_on { (vec![topic], Vec::new()) } else { (Vec::new(), vec![topic]) };
    let chose = |(_, reader)| {
        let (list, on, off) = (list.clone(), on.clone(), off.clone());
        Withdrawal::Chose(ListChoice { reader, list, rhythm: None, on, off })
    };
    let names = undone::public_ids(&site.db, readers).await?;
    withdrawals::write(site, &names.into_iter().map(chose).collect::<Vec<_>>()).await;
    Ok(())
}

/// Holds these readers, and what of theirs the act is about: topics, then readers, then subscriptions, as by everybody.
///
/// # Errors
/// When the database fails.
pub async fn hold_in_bulk(tx: &mut Tx, what: &InBulk<'_>, readers: &[i64]) -> db::Result<()> {
    if what.is_about_topic() {
        topics::hold(tx).await?;
    }
    undone::hold(tx, readers).await?;
    if what.deed != BulkDeed::Join && what.list != 0 {
        rows::hold_on_list(tx, what.list, readers).await?;
    }
    Ok(())
}

/// Does it to these readers, who are held, and of whom those may be changed who are `meant`, in the transaction of whoever writes down how
/// far it is: what became of them, and what the journal is told behind the commit, each with the moment up to which it counts.
///
/// # Errors
/// When the database fails.
pub async fn do_in_bulk(
    tx: &mut Tx,
    site: &Site,
    what: &InBulk<'_>,
    (readers, meant): (&[i64], &HashSet<i64>),
) -> db::Result<(BulkSums, Vec<(Moment, Withdrawal)>)> {
    let what = &placed(tx, what).await?;
    let facts = facts(Asks::Tx(tx), site, what, readers).await?;
    let now = site.now();
    let mut sums = BulkSums::default();
    let (mut changed, mut off, mut say) = (Vec::new(), Vec::new(), Vec::new());
    for (reader, facts) in &facts {
        match becomes(what, facts, now) {
            BulkOutcome::Changed if !meant.contains(reader) => sums.add(BulkOutcome::Meanwhile),
            outcome => {
                sums.add(outcome);
                if (what.deed, outcome) == (BulkDeed::TakeOff, BulkOutcome::Already) {
                    off.push((*reader, what.list));
                    say.extend(facts.taken_back.map(|_| (*reader, what.list, ConsentAction::Left)));
                }
                changed.extend((outcome == BulkOutcome::Changed).then_some(*reader));
            }
        }
    }
    changed.sort_unstable();
    off.sort_unstable();
    // What took them off may be taken back: what the team says now stays.
    undone::all_stay_off(tx, 0, &off).await?;
    say.sort_unstable_by_key(|(reader, ..)| *reader);
    rows::add_staff_events(tx, &say, &format!("{OFF_ALREADY}{TAKEN_OFF}"), now).await?;
    let mut again = Vec::new();
    if changed.is_empty() {
        return Ok((sums, again));
    }
    let mut changes = Vec::new();
    let mut note = |subscriber_id, list_id, was: &str| {
        changes.push(Change { subscriber_id, list_id, was: was.to_owned(), at: now });
    };
    match what.deed {
        BulkDeed::Join => {
            let new = |reader: &i64| NewSubscription {
                reader: *reader,
                list: what.list,
                state: SubscriptionState::Confirmed,
                asked_at: now,
                confirmed_at: Some(now),
                left_at: None,
                paused_until: None,
                implied_until: None,
                rhythm: None,
            };
            let since = |reader: &i64| Some((*reader, facts.get(reader)?.taken_back?));
            let since: HashMap<i64, Moment> = changed.iter().filter_map(since).collect();
            let (back, first): (Vec<&i64>, Vec<&i64>) =
                changed.iter().partition(|reader| since.contains_key(*reader));
            let back: Vec<NewSubscription> = back.into_iter().map(new).collect();
            let first: Vec<NewSubscription> = first.into_iter().map(new).collect();
            importing::bring_back(tx, &back).await?;
            let mut joined = importing::add_subscriptions(tx, &first, now).await?;
            joined.extend(back.iter().map(|one| (one.reader, one.list)));
            again = on_it_again(tx, site, what.list, &since).await?;
            let events: Vec<_> =
                joined.iter().map(|(reader, list)| (*reader, *list, ConsentAction::Confirmed)).collect();
            rows::add_staff_events(tx, &events, what.source, now).await?;
            joined.iter().for_each(|(reader, list)| note(*reader, *list, ""));
        }
        BulkDeed::TakeOff => {
            for reader in &changed {
                let was = facts.get(reader).and_then(|one| one.on(what.list)).map(|one| one.state);
                note(*reader, what.list, was.unwrap_or(SubscriptionState::Confirmed).as_str());
            }
            rows::leave_many(tx, what.list, &changed, now).await?;
            let events: Vec<_> =
                changed.iter().map(|reader| (*reader, what.list, ConsentAction::Left)).collect();
            rows::add_staff_events(tx, &events, TAKEN_OFF, now).await?;
            for reader in &changed {
                delivery::withdraw(tx, site, *reader, Some(what.list)).await?;
                delivery::withdraw_welcome(tx, *reader, what.list, now).await?;
            }
        }
        BulkDeed::Choose => {
            let rows: Vec<_> = changed.iter().map(|reader| (what.list, *reader, what.topic)).collect();
            importing::choose_many(tx, &rows).await?;
            rows::said_many(tx, what.list, &changed, now).await?;
            changed.iter().for_each(|reader| note(*reader, what.list, OF_TOPIC));
        }
        BulkDeed::Unchoose => {
            rows::unchoose_many(tx, (what.list, what.topic), &changed).await?;
            rows::said_many(tx, what.list, &changed, now).await?;
            changed.iter().for_each(|reader| note(*reader, what.list, OF_TOPIC));
        }
        BulkDeed::Pause => {
            let until = what.until.ok_or(sqlx::Error::RowNotFound)?;
            for reader in &changed {
                for one in facts.get(reader).into_iter().flat_map(Facts::confirmed) {
                    let was = one.paused_until.map_or_else(|| "none".to_owned(), |at| at.0.to_string());
                    note(*reader, one.list_id, &was);
                }
            }
            rows::pause_many(tx, &changed, until, now).await?;
            for reader in &changed {
                delivery::withdraw_because(tx, site, *reader, None, Class::Paused).await?;
            }
        }
    }
    rows::add_changes(tx, what.act, &changes).await?;
    Ok((sums, again))
}

/// That they are on a list again, for the journal, which says that they are off it: dated as what took each of them off, so that what they
/// say since then of leaving stays said.
async fn on_it_again(
    tx: &mut Tx,
    site: &Site,
    list: i64,
    since: &HashMap<i64, Moment>,
) -> db::Result<Vec<(Moment, Withdrawal)>> {
    if since.is_empty() || site.journal.path().is_none() {
        return Ok(Vec::new());
    }
    let Some(list) = store::lists_in(tx).await?.into_iter().find(|one| one.id == list) else {
        return Ok(Vec::new());
    };
    let readers: Vec<i64> = since.keys().copied().collect();
    let names = undone::public_ids_in(tx, &readers).await?;
    let line = |(id, reader): (i64, String)| {
        Some((*since.get(&id)?, Withdrawal::Back { reader, list: list.public_id.clone() }))
    };
    Ok(names.into_iter().filter_map(line).collect())
}

/// The next readers, behind one, whom an act changed.
///
/// # Errors
/// When the database fails.
pub async fn changed_in_bulk(db: &Db, act: i64, after: i64, limit: i64) -> db::Result<Vec<i64>> {
    rows::changed(db, act, after, limit).await
}

/// Whether it is known of anybody what an act changed.
///
/// # Errors
/// When the database fails.
pub async fn any_changed_in_bulk(db: &Db, act: i64) -> db::Result<bool> {
    rows::any_change(db, act).await
}

/// Some of what is known of what an act changed goes; how much. There may be more.
///
/// # Errors
/// When the database fails.
pub async fn forget_changed_in_bulk(tx: &mut Tx, act: i64) -> db::Result<u64> {
    rows::drop_changes(tx, act).await
}

type Acts = HashMap<(i64, i64), (ConsentMethod, Moment)>;

fn acts(found: Vec<importing::Act>) -> Acts {
    found.into_iter().map(|(reader, list, _, method, at)| ((reader, list), (method, at))).collect()
}

/// Whether nothing happened to somebody's list since.
fn is_untouched(acts: &Acts, one: &Change) -> bool {
    acts.get(&(one.subscriber_id, one.list_id)) == Some(&(ConsentMethod::Staff, one.at))
}

/// Whose choice of the topic becomes what it was when these changes are taken back. Whoever is off the list by now has nothing to choose of
/// it, and nobody loses the only one that they have: they would get everything.
async fn chosen_back(
    (of, site): (Asks<'_>, &Site),
    what: &InBulk<'_>,
    changes: &[Change],
) -> db::Result<Vec<i64>> {
    if what.is_gone() {
        return Ok(Vec::new());
    }
    let readers: Vec<i64> = changes.iter().map(|one| one.subscriber_id).collect();
    let facts = facts(of, site, what, &readers).await?;
    let is_back = |reader: &i64| {
        facts.get(reader).is_some_and(|facts| match what.deed {
            BulkDeed::Choose => facts.chosen.len() > 1 && facts.chosen.contains(&what.topic),
            _ => facts.on(what.list).is_some() && !facts.chosen.contains(&what.topic),
        })
    };
    Ok(readers.into_iter().filter(is_back).collect())
}

/// Before an act is taken back of these readers: whoever goes off a list by that, or gets other topics, stands in the journal.
///
/// # Errors
/// When the database fails.
pub async fn write_down_taking_back(site: &Site, what: &InBulk<'_>, readers: &[i64]) -> db::Result<()> {
    if site.journal.path().is_none() {
        return Ok(());
    }
    if what.is_about_topic() {
        let what = &placed_now(&site.db, what).await?;
        let changes = rows::changes_now(&site.db, what.act, readers).await?;
        let back = chosen_back((Asks::Db(&site.db), site), what, &changes).await?;
        return write_choice(site, what, &back, what.deed == BulkDeed::Unchoose).await;
    }
    if what.deed != BulkDeed::Join {
        return Ok(());
    }
    let lists = store::lists(&site.db).await?;
    let Some(list) = lists.into_iter().find(|list| list.id == what.list) else { return Ok(()) };
    let names: HashMap<i64, String> = undone::public_ids(&site.db, readers).await?.into_iter().collect();
    let acts = acts(importing::last_acts_now(&site.db, readers).await?);
    let left = rows::changes_now(&site.db, what.act, readers).await?.into_iter().filter_map(|one| {
        is_untouched(&acts, &one).then_some(())?;
        Some(Withdrawal::Left {
            reader: names.get(&one.subscriber_id)?.clone(),
            list: list.public_id.clone(),
            how: ConsentMethod::Staff.as_str().to_owned(),
            known_by: None,
        })
    });
    withdrawals::write(site, &left.collect::<Vec<_>>()).await;
    Ok(())
}

/// Takes an act back of these readers, but for what happened since: what became of them, and what the journal is told behind the commit.
///
/// # Errors
/// When the database fails.
pub async fn take_back_in_bulk(
    tx: &mut Tx,
    site: &Site,
    what: &InBulk<'_>,
    readers: &[i64],
) -> db::Result<(BulkTakenBack, Vec<Withdrawal>)> {
    let now = site.now();
    let mut sums = BulkTakenBack::default();
    hold_in_bulk(tx, what, readers).await?;
    let what = &placed(tx, what).await?;
    if what.deed == BulkDeed::Join {
        // Whoever chooses something of it at this moment comes before or after.
        rows::hold_on_list(tx, what.list, readers).await?;
    }
    let changes = rows::changes(tx, what.act, readers).await?;
    let of: Vec<i64> = changes.iter().map(|one| one.subscriber_id).collect();
    let names: HashMap<i64, String> = undone::public_ids_in(tx, &of).await?.into_iter().collect();
    let mut back = Vec::new();
    match what.deed {
        BulkDeed::Join => {
            let acts = acts(importing::last_acts(tx, readers).await?);
            let mailed: HashSet<(i64, i64)> = undone::mailed(tx, readers).await?.into_iter().collect();
            for one in changes.iter().filter(|one| is_untouched(&acts, one)) {
                let key = (one.subscriber_id, one.list_id);
                if !mailed.contains(&key) {
                    undone::unjoin(tx, key, one.at).await?;
                    rows::erase_by_staff(tx, key, one.at).await?;
                    sums.back += 1;
                } else if store::leave(tx, key.0, key.1, now).await? {
                    delivery::withdraw(tx, site, key.0, Some(key.1)).await?;
                    delivery::withdraw_welcome(tx, key.0, key.1, now).await?;
                    rows::add_staff_events(tx, &[(key.0, key.1, ConsentAction::Left)], ACT_TAKEN_BACK, now)
                        .await?;
                    sums.mailed += 1;
                }
            }
        }
        BulkDeed::TakeOff => {
            let acts = acts(importing::last_acts(tx, readers).await?);
            let list = store::lists_in(tx).await?.into_iter().find(|list| list.id == what.list);
            let mut again = Vec::new();
            for one in changes.iter().filter(|one| is_untouched(&acts, one)) {
                let key = (one.subscriber_id, one.list_id);
                let Some(was) = SubscriptionState::parse(&one.was) else { continue };
                if !undone::back_on(tx, key, was).await? {
                    continue;
                }
                // What they agreed to before answers for their mail, and not that the team was wrong.
                rows::erase_by_staff(tx, key, one.at).await?;
                again.push(key.0);
                sums.back += 1;
            }
            for one in Asks::Tx(tx).standings(&again).await? {
                let Some(list) = list.as_ref().filter(|list| list.id == one.list_id) else { continue };
                let Some(reader) = names.get(&one.subscriber_id).cloned() else { continue };
                let list = list.public_id.clone();
                let rests = one.rests_until(now);
                back.push(Withdrawal::Back { reader: reader.clone(), list: list.clone() });
                // Whoever rested from it rests as before.
                back.extend(rests.map(|until| Withdrawal::Rests { reader, list, until }));
            }
        }
        BulkDeed::Choose => {
            let back = chosen_back((Asks::Tx(tx), site), what, &changes).await?;
            sums.back += back.len() as u64;
            rows::unchoose_many(tx, (what.list, what.topic), &back).await?;
            rows::said_many(tx, what.list, &back, now).await?;
        }
        BulkDeed::Unchoose => {
            let back = chosen_back((Asks::Tx(tx), site), what, &changes).await?;
            sums.back += back.len() as u64;
            let rows: Vec<_> = back.iter().map(|reader| (what.list, *reader, what.topic)).collect();
            importing::choose_many(tx, &rows).await?;
            rows::said_many(tx, what.list, &back, now).await?;
        }
        BulkDeed::Pause => {
            let until = what.until.ok_or(sqlx::Error::RowNotFound)?;
            let mut went_on = HashSet::new();
            for one in &changes {
                let was = one.was.parse().ok().map(Moment);
                let key = (one.subscriber_id, one.list_id);
                if rows::unpause(tx, key, (until, one.at), was, now).await? && went_on.insert(key.0) {
                    sums.back += 1;
                    let name = names.get(&key.0).cloned();
                    back.extend(name.map(|reader| Withdrawal::WentOn { reader, until: Some(until) }));
                }
            }
        }
    }
    Ok((sums, back))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: i64 = 1;
    const TOPIC: i64 = 9;

    fn standing(list_id: i64, state: SubscriptionState, implied: bool, paused: i64) -> Standing {
        Standing {
            subscriber_id: 1,
            list_id,
            state,
            paused_until: (paused != 0).then_some(Moment(paused)),
            implied_until: implied.then_some(Moment(1_000)),
        }
    }

    /// TRUST L6: whom the team may put on a list, and what nobody gets by a topic or a pause that they did not ask for.
    #[test]
    fn what_becomes_of_a_reader_is_said_by_how_they_stand() {
        use BulkDeed::{Choose, Join, Pause, TakeOff, Unchoose};
        use BulkOutcome::{
            Already, Changed, ChoseNothing, ChoseThisAlone, Implied, Left, NotOnIt, Nowhere, Pending, Rests,
            Stopped,
        };
        use SubscriptionState as Is;
        let own = standing(2, Is::Confirmed, false, 0);
        let on = standing(LIST, Is::Confirmed, false, 0);
        let of = |one: &Standing| vec![one.clone()];
        type Case = (BulkDeed, Vec<Standing>, bool, Vec<i64>, BulkOutcome);
        // Who is off the list since something was taken back, and never said that they leave, may come back.
        for (others, is_stopped, outcome) in [
            (vec![own.clone()], false, Changed),
            (vec![own.clone()], true, Stopped),
            (vec![], false, Nowhere),
        ] {
            let standings = others.into_iter().chain([standing(LIST, Is::Left, false, 0)]).collect();
            let facts = Facts { standings, is_stopped, taken_back: Some(Moment(1)), chosen: vec![] };
            let what = InBulk { act: 1, deed: Join, list: LIST, topic: 0, until: None, source: "" };
            assert_eq!(becomes(&what, &facts, Moment(100)), outcome);
        }
        let cases: Vec<Case> = vec![
            (Join, of(&own), false, vec![], Changed),
            (Join, of(&own), true, vec![], Stopped),
            (Join, vec![], false, vec![], Nowhere),
            (Join, of(&standing(2, Is::Left, false, 0)), false, vec![], Nowhere),
            (Join, of(&standing(2, Is::Pending, false, 0)), false, vec![], Nowhere),
            (Join, of(&standing(2, Is::Confirmed, true, 0)), false, vec![], Implied),
            (Join, vec![own.clone(), standing(LIST, Is::Left, false, 0)], false, vec![], Left),
            (Join, vec![own.clone(), standing(LIST, Is::Pending, false, 0)], false, vec![], Pending),
            (Join, of(&on), false, vec![], Already),
            (TakeOff, of(&on), true, vec![], Changed),
            (TakeOff, of(&standing(LIST, Is::Pending, false, 0)), false, vec![], Changed),
            (TakeOff, of(&standing(LIST, Is::Left, false, 0)), false, vec![], Already),
            (TakeOff, of(&own), false, vec![], NotOnIt),
            (Choose, of(&on), false, vec![], ChoseNothing),
            (Choose, of(&on), false, vec![8], Changed),
            (Choose, of(&on), false, vec![8, TOPIC], Already),
            (Choose, of(&own), false, vec![8], NotOnIt),
            (Unchoose, of(&on), false, vec![8, TOPIC], Changed),
            (Unchoose, of(&on), false, vec![TOPIC], ChoseThisAlone),
            (Unchoose, of(&on), false, vec![], Already),
            (Pause, of(&on), false, vec![], Changed),
            (Pause, vec![own, standing(LIST, Is::Confirmed, false, 101)], false, vec![], Rests),
            (Pause, of(&standing(LIST, Is::Confirmed, false, 99)), false, vec![], Changed),
            (Pause, of(&standing(LIST, Is::Left, false, 0)), false, vec![], Nowhere),
        ];
        // Without their list or topic nothing becomes of anybody.
        for deed in BulkDeed::ALL {
            let facts = Facts { standings: of(&on), chosen: vec![8], ..Facts::default() };
            let what = InBulk { act: 1, deed, list: 0, topic: TOPIC, until: None, source: "" };
            let is_gone = |what: &InBulk<'_>| becomes(what, &facts, Moment(100)) == BulkOutcome::Gone;
            assert_eq!(is_gone(&what), deed != Pause, "{deed:?}");
            let what = InBulk { list: LIST, topic: 0, ..what };
            assert_eq!(is_gone(&what), matches!(deed, Choose | Unchoose), "{deed:?}");
        }
        for (deed, standings, is_stopped, chosen, outcome) in cases {
            let what = InBulk { act: 1, deed, list: LIST, topic: TOPIC, until: None, source: "" };
            let facts = Facts { standings, is_stopped, chosen, taken_back: None };
            let told = format!("{deed:?} {:?} {:?}", facts.standings, facts.chosen);
            assert_eq!(becomes(&what, &facts, Moment(100)), outcome, "{told}");
        }
    }
}
