//! Taking a list back: exactly what it changed, and nothing that happened since.
//!
//! The rule: who left, confirmed, was asked, chose something of the list or rested since then stays as that made them; whoever was mailed
//! since is taken off the list, and stays known; who was not on any list before, and of whom nothing else is known, is gone. Whoever goes
//! off a list stands in the journal first. Who is on it again is so by what they agreed to before: what the file said of it goes.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use super::{
    file::Stuck,
    rows::{Change, ChangeKind, Import, ImportTakenBack, MadeOnTheWay, Staying, told},
};
use crate::{
    audit_log,
    clock::{Moment, Stopwatch},
    db::{self, Tx},
    delivery::{self, Suppressions},
    queue,
    site::Site,
    subscribers::{
        consent::{ConsentAction, ConsentMethod},
        find,
        import::{LEASE, LEAST},
        lists::{self, List},
        rows::{LIST_TAKEN_BACK, SubscriptionState},
        store::{
            self,
            importing::{self, Told},
            imports_undone as undone,
            in_bulk::{self, Asks},
        },
    },
    withdrawals::{self, Withdrawal},
};

/// So long after its end a list can be taken back.
pub(super) const LASTS: Duration = Duration::from_secs(86_400);
/// So many readers in a step, at most.
const MOST: usize = 200;

/// Goes on with it to its end.
pub(super) async fn take_back(site: &Site, import: &Import, claim: &mut Moment) -> Result<bool, Stuck> {
    let lists = lists::all(&site.db).await?;
    let (mut after, mut at_once) = (import.line, MOST / 4);
    let mut sums = import.taken_back()?.unwrap_or_default();
    loop {
        let readers = undone::readers(&site.db, import.id, after, at_once as i64).await?;
        let Some(last) = readers.last().copied() else { break };
        let until = queue::renewed(*claim, site.now(), LEASE);
        write_down(site, import, &readers, &lists).await?;
        let done = db::again(|| step(site, &lists, (import, *claim, until), &readers, &sums)).await?;
        let Some((held, so_far)) = done else { return Ok(false) };
        (*claim, after, sums) = (until, last, so_far);
        at_once = queue::next_step(at_once, held, (LEAST, MOST));
    }
    if !db::again(|| end(site, (import, *claim), &sums)).await? {
        return Ok(false);
    }
    loop {
        let mut tx = site.db.begin().await?;
        let gone = undone::drop_changes(&mut tx, import.id).await?;
        tx.commit().await?;
        if gone == 0 {
            break;
        }
    }
    find::tidy(&site.db).await?;
    Ok(false)
}

/// What was made on the way goes, unless somebody else has to do with it since; whether it was still ours.
async fn end(site: &Site, (import, claim): (&Import, Moment), so_far: &ImportTakenBack) -> db::Result<bool> {
    let mut sums = so_far.clone();
    let mut stays = |what: MadeOnTheWay, found: Option<undone::Stays>| {
        sums.stays.extend(found.map(|(name, why)| Staying { what, name, why }));
    };
    let mut tx = site.db.begin().await?;
    let made = import.report()?.made;
    if !made.topics.is_empty() || !made.lists.is_empty() {
        store::topics::hold(&mut tx).await?;
    }
    if !made.lists.is_empty() {
        lists::hold(&mut tx).await?;
    }
    for list in &made.lists {
        stays(MadeOnTheWay::List, undone::unmake_list(&mut tx, *list).await?);
    }
    for topic in &made.topics {
        stays(MadeOnTheWay::Topic, undone::unmake_topic(&mut tx, *topic).await?);
    }
    for field in &made.fields {
        stays(MadeOnTheWay::Field, undone::unmake_field(&mut tx, *field).await?);
    }
    if !undone::done(&mut tx, (import.id, claim), &sums.written()?, site.now()).await? {
        return Ok(false);
    }
    let detail = format!("{}. {}: {}", import.file, import.basis, import.source);
    // Who pressed stands in the line of the press.
    audit_log::record(&mut tx, site, None, "took readers back that were brought in", "", &detail).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whoever goes off a list stands in the journal before.
async fn write_down(site: &Site, import: &Import, readers: &[i64], lists: &[List]) -> db::Result<()> {
    if site.journal.path().is_none() {
        return Ok(());
    }
    // Whoever confirms while this reads stays on the list, whatever is replayed.
    let before = site.now();
    let names: HashMap<i64, String> = undone::public_ids(&site.db, readers).await?.into_iter().collect();
    let standings = importing::standings_now(&site.db, readers).await?;
    let on: HashSet<(i64, i64)> = standings
        .into_iter()
        .filter(|(.., state)| *state != SubscriptionState::Left)
        .map(|(reader, list, _)| (reader, list))
        .collect();
    let acts = acts(importing::last_acts_now(&site.db, readers).await?);
    let changes = undone::changes_now(&site.db, import.id, readers).await?;
    let joined = changes.into_iter().filter(|one| {
        let key = (one.subscriber_id, one.about);
        one.kind == ChangeKind::Joined && on.contains(&key) && is_untouched(&acts, key, one.at)
    });
    let left = joined.filter_map(|one| {
        Some(Withdrawal::Left {
            reader: names.get(&one.subscriber_id)?.clone(),
            list: lists.iter().find(|list| list.id == one.about)?.public_id.clone(),
            how: ConsentMethod::Import.as_str().to_owned(),
            known_by: None,
        })
    });
    withdrawals::write_at(site, &left.collect::<Vec<_>>(), before).await;
    Ok(())
}

type Acts = HashMap<(i64, i64), (ConsentMethod, Moment)>;

fn acts(found: Vec<importing::Act>) -> Acts {
    found.into_iter().map(|(reader, list, _, method, at)| ((reader, list), (method, at))).collect()
}

/// Whether nothing happened to somebody's list since the file did.
fn is_untouched(acts: &Acts, key: (i64, i64), at: Moment) -> bool {
    acts.get(&key) == Some(&(ConsentMethod::Import, at))
}

/// The lists that they joined, in order.
fn lists_of(changes: &[Change]) -> BTreeSet<i64> {
    changes.iter().filter(|one| one.kind == ChangeKind::Joined).map(|one| one.about).collect()
}

/// Takes back what became of some readers; for how long that took, with what became of all so far, or none if it is no longer ours.
async fn step(
    site: &Site,
    lists: &[List],
    (import, claim, until): (&Import, Moment, Moment),
    readers: &[i64],
    so_far: &ImportTakenBack,
) -> db::Result<Option<(Duration, ImportTakenBack)>> {
    let before = site.now();
    let mut tx = site.db.begin().await?;
    let watch = Stopwatch::start();
    // Before any row is held: mail to some of them is let go again.
    Suppressions::new(site).close(&mut tx).await?;
    undone::hold(&mut tx, readers).await?;
    // Whoever chooses something of a list at this moment comes before or after.
    for list in lists_of(&undone::changes(&mut tx, import.id, readers).await?) {
        in_bulk::hold_on_list(&mut tx, list, readers).await?;
    }
    let changes = undone::changes(&mut tx, import.id, readers).await?;
    let acts = acts(importing::last_acts(&mut tx, readers).await?);
    let mailed: HashSet<(i64, i64)> = undone::mailed(&mut tx, readers).await?.into_iter().collect();
    let standings = importing::standings(&mut tx, readers).await?;
    let on: HashMap<(i64, i64), SubscriptionState> =
        standings.into_iter().map(|(reader, list, state)| ((reader, list), state)).collect();
    let of = |kind: ChangeKind| changes.iter().filter(move |one| one.kind == kind);
    let mut sums = so_far.clone();
    let mut back = Vec::new();
    for one in of(ChangeKind::Joined) {
        let key = (one.subscriber_id, one.about);
        // Who came as one who had left is none of those who are taken off.
        let is_on = u64::from(on.get(&key) == Some(&SubscriptionState::Confirmed));
        if !is_untouched(&acts, key, one.at) {
            sums.left += u64::from(on.get(&key) == Some(&SubscriptionState::Left));
            continue;
        }
        if mailed.contains(&key) {
            leave(&mut tx, site, key).await?;
            sums.mailed += is_on;
        } else {
            undone::unjoin(&mut tx, key, one.at).await?;
            sums.off += is_on;
        }
    }
    for one in of(ChangeKind::Left) {
        let key = (one.subscriber_id, one.about);
        let was = SubscriptionState::parse(&one.was).filter(|_| is_untouched(&acts, key, one.at));
        let Some(was) = was else { continue };
        if undone::back_on(&mut tx, key, was).await? {
            undone::erase_imported(&mut tx, key, one.at).await?;
            back.push(key);
            sums.back += 1;
        }
    }
    for one in of(ChangeKind::Named) {
        undone::unname(&mut tx, one.subscriber_id, &one.was).await?;
    }
    for one in of(ChangeKind::Answered) {
        undone::unanswer(&mut tx, (one.subscriber_id, one.about), &one.was).await?;
    }
    let mut lifted = Vec::new();
    for one in of(ChangeKind::Stopped) {
        let suppressions = Suppressions::new(site);
        let mailed_again =
            suppressions.take_back(&mut tx, one.subscriber_id, &one.was, &told(&import.source)).await?;
        sums.let_go += u64::from(!mailed_again.is_empty());
        lifted.extend(mailed_again.into_iter().map(|hash| Withdrawal::Lifted { hash }));
    }
    for one in of(ChangeKind::Reader) {
        sums.gone += u64::from(undone::unmeet(&mut tx, one.subscriber_id).await?);
    }
    let Some(last) = readers.last() else { return Ok(Some((watch.elapsed(), sums))) };
    if !undone::reached(&mut tx, (import.id, claim, until), *last, &sums.written()?).await? {
        return Ok(None);
    }
    commit(tx, site, (lists, &back, lifted), before).await?;
    Ok(Some((watch.elapsed(), sums)))
}

/// Whoever was mailed on it meanwhile is off it from now on, and stays known.
async fn leave(tx: &mut Tx, site: &Site, (reader, list): (i64, i64)) -> db::Result<()> {
    if store::leave(tx, reader, list, site.now()).await? {
        delivery::withdraw(tx, site, reader, Some(list)).await?;
        delivery::withdraw_welcome(tx, reader, list, site.now()).await?;
        let action = ConsentAction::Left;
        let told = Told { reader, list, action, source: LIST_TAKEN_BACK, ip: "", told: "", told_at: None };
        importing::add_told_events(tx, &[told], site.now()).await?;
    }
    Ok(())
}

/// Who is on a list again, until when they rest from it, and who may be mailed, stands in the journal behind the commit.
async fn commit(
    mut tx: Tx,
    site: &Site,
    (lists, back, lifted): (&[List], &[(i64, i64)], Vec<Withdrawal>),
    before: Moment,
) -> db::Result<()> {
    if back.is_empty() && lifted.is_empty() || site.journal.path().is_none() {
        return tx.commit().await;
    }
    let readers: Vec<i64> = back.iter().map(|(reader, _)| *reader).collect();
    let names: HashMap<i64, String> = undone::public_ids_in(&mut tx, &readers).await?.into_iter().collect();
    let standings = Asks::Tx(&mut tx).standings(&readers).await?;
    let mut written = Vec::new();
    for (reader, list) in back {
        let of_list = standings.iter().find(|one| (one.subscriber_id, one.list_id) == (*reader, *list));
        let rests = of_list.and_then(|one| one.rests_until(before));
        let list = lists.iter().find(|one| one.id == *list).map(|one| one.public_id.clone());
        let (Some(reader), Some(list)) = (names.get(reader).cloned(), list) else { continue };
        written.push(Withdrawal::Back { reader: reader.clone(), list: list.clone() });
        written.extend(rests.map(|until| Withdrawal::Rests { reader, list, until }));
    }
    written.extend(lifted);
    withdrawals::commit(tx, site, written, before).await
}
