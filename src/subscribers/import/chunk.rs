//! Some hundred rows, in one transaction.

use std::collections::{HashMap, HashSet};

use super::{
    places::{Made, Places},
    plan::Plan,
    report::Outcome,
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    delivery::{self, StopReason, Suppressions, ToldStop as Stopped},
    editions::Rhythm,
    mail::clean_name,
    moving_in::{FileRow, ListEntry, State},
    site::Site,
    subscribers::{
        SubscriberError,
        consent::{self, ConsentAction, ConsentMethod},
        forgotten,
        implied::{Implied, NotImplied},
        read::SubscriptionState,
        store::{
            self,
            importing::{self, NewSubscription, Told},
            topics,
        },
    },
    token,
    withdrawals::{self, Withdrawal},
};

/// A row, and what it is known by.
#[derive(Debug)]
pub(super) struct Line {
    pub number: u64,
    entry: Result<ListEntry, String>,
    key: String,
    name: String,
    /// Whoever is new has it from now on.
    public_id: String,
}

impl Line {
    /// As a file has it.
    pub fn of(row: FileRow) -> Self {
        let key = row.entry.as_ref().map(|entry| entry.email.key()).unwrap_or_default();
        let name = row.entry.as_ref().map(|entry| entry.name.as_str()).unwrap_or_default();
        let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
        Self { number: row.line, entry: row.entry, key, name, public_id: token::public_id() }
    }
}

/// What became of some rows.
#[derive(Debug)]
pub(super) struct Taken {
    /// In their order.
    pub outcomes: Vec<Outcome>,
    /// None where nothing was written.
    pub made: Option<Made>,
    pub notes: Vec<String>,
}

/// Somebody and a list of theirs, as some rows tell.
struct One<'a> {
    /// Which of the rows.
    at: usize,
    entry: &'a ListEntry,
    line: &'a Line,
    list: i64,
    state: State,
    since: Option<Moment>,
    /// Until when their consent is implied; none where they agreed themselves.
    implied_until: Option<Moment>,
}

impl One<'_> {
    /// Why mail to them stops, if it does.
    fn stops(&self) -> Option<(StopReason, Option<Moment>)> {
        match (&self.entry.suppression, self.state) {
            (Some((reason, since)), _) => StopReason::parse(reason).map(|reason| (reason, *since)),
            (None, State::Bounced) => Some((StopReason::Bounced, self.since)),
            (None, State::Complained) => Some((StopReason::Complained, self.since)),
            (None, State::Blocked) => Some((StopReason::Staff, self.since)),
            (None, _) => None,
        }
    }
}

/// The last thing that somebody did about each of their lists.
type Acts = HashMap<(i64, i64), (ConsentMethod, Moment)>;

fn acts(found: Vec<importing::Act>) -> Acts {
    found.into_iter().map(|(reader, list, method, at)| ((reader, list), (method, at))).collect()
}

/// Whether they agreed by themselves after what a file tells: it is out of date, and they stay.
fn agreed_since(acts: &Acts, key: (i64, i64), since: Option<Moment>) -> bool {
    let by_themselves =
        |method: ConsentMethod| !matches!(method, ConsentMethod::Import | ConsentMethod::Staff);
    acts.get(&key)
        .is_some_and(|(method, at)| by_themselves(*method) && since.is_some_and(|since| since < *at))
}

/// Takes the rows, all of them or none.
pub(super) async fn take(site: &Site, plan: &Plan<'_>, places: &Places, lines: &[Line]) -> db::Result<Taken> {
    if !plan.is_dry {
        write_down(site, lines).await?;
    }
    let now = site.now();
    let mut made = Made::default();
    let mut outcomes: Vec<Outcome> = vec![Outcome::Unchanged; lines.len()];
    let mut tx = site.db.begin().await?;
    // Before any row is held: whoever stops mail closes the gate that everybody else is inside.
    let stops = lines
        .iter()
        .flat_map(|line| &line.entry)
        .any(|entry| entry.suppression.is_some() || entry.state > State::Left);
    match stops {
        true => Suppressions::new(site).close(&mut tx).await?,
        false => forgotten::enter(&mut tx).await?,
    }
    // Topics first, as by everybody.
    if lines.iter().flat_map(|line| &line.entry).any(|entry| !entry.topics.is_empty()) {
        topics::hold(&mut tx).await?;
    }
    let fields = if places.wanted_fields.is_empty() {
        HashMap::new()
    } else {
        places.fields(&mut tx, site, &mut made).await?
    };
    let ones = who(site, places, &mut tx, (lines, &mut made, &mut outcomes)).await?;
    let readers = readers(&mut tx, site, &ones, places.is_own, now).await?;
    let ids: Vec<i64> = readers.ids.values().copied().collect();
    let before: HashMap<(i64, i64), SubscriptionState> = if readers.known.is_empty() {
        HashMap::new()
    } else {
        importing::standings(&mut tx, &ids)
            .await?
            .into_iter()
            .map(|(reader, list, state)| ((reader, list), state))
            .collect()
    };
    let acts = match ones.iter().any(|one| one.state > State::NotTaken) && !readers.known.is_empty() {
        true => acts(importing::last_acts(&mut tx, &ids).await?),
        false => Acts::new(),
    };
    let id = |one: &One<'_>| readers.ids.get(&one.line.key).copied().unwrap_or_default();
    let mut new: Vec<NewSubscription> = ones
        .iter()
        .filter(|one| !before.contains_key(&(id(one), one.list)))
        .map(|one| subscription(one, id(one), places.is_own, now))
        .collect();
    // Who is not on the list is not touched.
    let is_on = |one: &One<'_>| {
        before.get(&(id(one), one.list)).is_none_or(|state| *state == SubscriptionState::Confirmed)
    };
    let mut names: Vec<(i64, &str)> = ones
        .iter()
        .filter(|one| {
            !one.line.name.is_empty()
                && one.state == State::OnList
                && is_on(one)
                && readers.nameless.contains(&id(one))
        })
        .map(|one| (id(one), one.line.name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup_by_key(|(reader, _)| *reader);
    importing::name_many(&mut tx, &names).await?;
    // Two files that hold the same people meet at them in the same order.
    new.sort_by_key(|one| (one.reader, one.list));
    let added: HashSet<(i64, i64)> =
        importing::add_subscriptions(&mut tx, &new, now).await?.into_iter().collect();
    let mut touched: HashSet<i64> = names.iter().map(|(reader, _)| *reader).collect();
    let mut events = Vec::new();
    let source = format!("{}: {}", plan.basis.basis, plan.basis.source);
    let said: Vec<Said> = ones.iter().map(|one| Said::of(one, &source, places.is_own)).collect();
    let mut in_order: Vec<_> = ones.iter().zip(&said).collect();
    in_order.sort_by_key(|(one, _)| (id(one), one.list));
    for (one, said) in in_order {
        let key = (id(one), one.list);
        if added.contains(&key) {
            outcomes[one.at] =
                if one.state == State::OnList { Outcome::Added } else { Outcome::Stands(one.state) };
            events.push(said.event(one, key.0));
            continue;
        }
        let waits =
            matches!(before.get(&key), Some(SubscriptionState::Confirmed | SubscriptionState::Pending));
        // Only who left there leaves here: whom mail does not reach is stopped, and stays on the list for the day it does.
        if one.state != State::Left || !waits || agreed_since(&acts, key, one.since) {
            continue;
        }
        if store::leave(&mut tx, key.0, key.1, one.since.unwrap_or(now).min(now)).await? {
            delivery::withdraw(&mut tx, site, key.0, Some(key.1)).await?;
            delivery::withdraw_welcome(&mut tx, key.0, key.1, now).await?;
            outcomes[one.at] = Outcome::Stands(State::Left);
            events.push(said.event(one, key.0));
        }
    }
    importing::add_told_events(&mut tx, &events, now).await?;
    // What they chose: of who is new to the list, for anybody else decided that themselves.
    let mut chosen = Vec::new();
    for one in ones.iter().filter(|one| !one.entry.topics.is_empty() && added.contains(&(id(one), one.list)))
    {
        let topics = places.topics(&mut tx, site, &mut made, (&one.entry.topics, one.list)).await?;
        chosen.extend(topics.into_iter().map(|topic| (one.list, id(one), topic)));
    }
    chosen.sort_unstable();
    importing::choose_many(&mut tx, &chosen).await?;
    let mut notes = Vec::new();
    let mut answers = Vec::new();
    // Of who is not to be mailed no more is kept than that.
    for one in ones.iter().filter(|one| (one.state == State::OnList || places.is_own) && is_on(one)) {
        for (name, answer) in &one.entry.answers {
            let Some(field) = fields.get(name) else { continue };
            match field.read(answer) {
                Ok(answer) => answers.push((id(one), field.id, answer)),
                Err(_) => notes.push(format!("Some of what stands in the file for the field “{}” is no answer to it, and was left out.", field.label)),
            }
        }
    }
    answers.sort_unstable_by_key(|one| (one.0, one.1));
    answers.dedup_by(|a, b| (a.0, a.1) == (b.0, b.1));
    let rows: Vec<(i64, i64, &str)> =
        answers.iter().map(|(reader, field, answer)| (*reader, *field, answer.as_str())).collect();
    touched.extend(importing::keep_answers(&mut tx, &rows).await?);
    stop(site, &mut tx, &ones, (&readers, &acts), (&mut outcomes, &plan.basis.source)).await?;
    for one in &ones {
        if outcomes[one.at] == Outcome::Unchanged
            && readers.known.contains(&id(one))
            && touched.contains(&id(one))
        {
            outcomes[one.at] = Outcome::Updated;
        }
    }
    if plan.is_dry {
        notes.extend(made.notes());
        return Ok(Taken { outcomes, made: None, notes });
    }
    tx.commit().await?;
    Ok(Taken { outcomes, made: Some(made), notes })
}

/// What is known already of a leaving or a complaint that the rows tell stands in the journal before it is done: of who is there.
async fn write_down(site: &Site, lines: &[Line]) -> db::Result<()> {
    let sad: Vec<&Line> = lines
        .iter()
        .filter(|line| {
            line.entry
                .as_ref()
                .is_ok_and(|entry| entry.state > State::Unconfirmed || entry.suppression.is_some())
        })
        .collect();
    if sad.is_empty() || site.journal.path().is_none() {
        return Ok(());
    }
    let keys: Vec<&str> = sad.iter().map(|line| line.key.as_str()).collect();
    let known = importing::known_now(&site.db, &keys).await?;
    let mut entries = Vec::new();
    if !known.is_empty() {
        let ids: Vec<i64> = known.iter().map(|(id, ..)| *id).collect();
        let acts = acts(importing::last_acts_now(&site.db, &ids).await?);
        let lists = store::lists(&site.db).await?;
        let by_id: HashMap<i64, (&str, &str)> =
            known.iter().map(|(id, public_id, key, _)| (*id, (public_id.as_str(), key.as_str()))).collect();
        for (reader, list, state) in importing::standings_now(&site.db, &ids).await? {
            let (Some((public_id, key)), Some(list)) =
                (by_id.get(&reader), lists.iter().find(|one| one.id == list))
            else {
                continue;
            };
            let leaves =
                sad.iter().filter(|line| line.key == *key).flat_map(|line| &line.entry).any(|entry| {
                    let is_theirs = entry.list.as_ref().is_none_or(|name| {
                        list.slug.to_lowercase() == name.to_lowercase()
                            || list.name.to_lowercase() == name.to_lowercase()
                    });
                    entry.state == State::Left
                        && is_theirs
                        && !agreed_since(&acts, (reader, list.id), entry.since)
                });
            if leaves && state != SubscriptionState::Left {
                let how = ConsentMethod::Import.as_str().to_owned();
                entries.push(Withdrawal::Left {
                    reader: (*public_id).to_owned(),
                    list: list.public_id.clone(),
                    how,
                });
            }
        }
    }
    let stopped = Suppressions::new(site)
        .among_now(sad.iter().flat_map(|line| &line.entry).map(|entry| &entry.email))
        .await?;
    for (entry, stopped) in sad.iter().flat_map(|line| &line.entry).zip(stopped) {
        let hash = || Suppressions::new(site).hash(&entry.email);
        match entry.state {
            State::Complained if stopped.is_none() => entries.push(Withdrawal::Complained { hash: hash() }),
            State::Blocked if stopped.is_none() => entries.push(Withdrawal::Blocked { hash: hash() }),
            _ => {}
        }
    }
    withdrawals::write(site, &entries).await;
    Ok(())
}

/// Who the rows are about, each list of theirs once; what is not taken is said beside it.
async fn who<'a>(
    site: &Site,
    places: &Places,
    tx: &mut Tx,
    (lines, made, outcomes): (&'a [Line], &mut Made, &mut [Outcome]),
) -> db::Result<Vec<One<'a>>> {
    let emails = || lines.iter().flat_map(|line| &line.entry).map(|entry| &entry.email);
    let was_forgotten = forgotten::among(tx, site, emails()).await?;
    let blocked = Suppressions::new(site).blocked_among(tx, emails()).await?;
    let mut known = was_forgotten.into_iter().zip(blocked);
    let mut ones: Vec<One<'a>> = Vec::with_capacity(lines.len());
    let mut seen: HashMap<(&str, i64), usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        let entry = match &line.entry {
            Ok(entry) => entry,
            Err(why) => {
                outcomes[at] = Outcome::Refused(why.clone());
                continue;
            }
        };
        let (was_forgotten, is_blocked) = known.next().unwrap_or_default();
        if entry.state == State::NotTaken {
            outcomes[at] = Outcome::Stands(State::NotTaken);
            continue;
        }
        if was_forgotten {
            outcomes[at] = Outcome::Refused(SubscriberError::Forgotten.to_string());
            continue;
        }
        if is_blocked && entry.suppression.is_none() {
            // What nobody wants to be mailed there is not mailed here either: there is nothing to add.
            if entry.state <= State::Unconfirmed {
                outcomes[at] = Outcome::Refused(SubscriberError::Blocked.to_string());
            }
            continue;
        }
        let unknown_reason =
            entry.suppression.as_ref().filter(|(reason, _)| StopReason::parse(reason).is_none());
        if let Some((reason, _)) = unknown_reason {
            outcomes[at] = Outcome::Refused(format!(
                "nobody knows what “{reason}” means: the address may not be mailed"
            ));
            continue;
        }
        let list = match places.list(tx, site, made, entry.list.as_deref()).await? {
            Ok(list) => list,
            Err(why) => {
                outcomes[at] = Outcome::Refused(why);
                continue;
            }
        };
        let implied_until = match implied_until(site, places, entry) {
            Ok(until) => until,
            Err(why) => {
                outcomes[at] = Outcome::Refused(why);
                continue;
            }
        };
        match seen.get(&(line.key.as_str(), list)) {
            // Of two that say different things the worse counts.
            Some(&first) => {
                let one = &mut ones[first];
                if entry.state > one.state {
                    (one.state, one.since) = (entry.state, entry.since);
                }
            }
            None => {
                seen.insert((line.key.as_str(), list), ones.len());
                let (state, since) = (entry.state, entry.since);
                ones.push(One { at, entry, line, list, state, since, implied_until });
            }
        }
    }
    Ok(ones)
}

/// Until when somebody may be mailed who bought or gave; none where they agreed themselves, or are not to be mailed at all.
///
/// # Errors
/// Why they may not be mailed on it.
fn implied_until(site: &Site, places: &Places, entry: &ListEntry) -> Result<Option<Moment>, String> {
    let (settings, now) = (&places.settings, site.now());
    if entry.state != State::OnList {
        return Ok(None);
    }
    if !entry.implied_until.is_empty() {
        let until: jiff::Timestamp = entry.implied_until.parse().map_err(|_| {
            format!("{:?} is no moment: write it as 2026-05-12T00:00:00Z", entry.implied_until)
        })?;
        let until = Moment::from(until);
        let ran_out = || NotImplied::RanOut(until.date(&settings.time_zone)).to_string();
        return if until > now { Ok(Some(until)) } else { Err(ran_out()) };
    }
    if !places.is_implied {
        return Ok(None);
    }
    let day = entry.joined_as_told.as_str();
    let since = match day {
        "" => Some(now),
        day => {
            let of_a_day = || settings.time_zone.day(day.parse().ok()?).map(|(begins, _)| begins);
            of_a_day().or_else(|| day.parse::<jiff::Timestamp>().ok().map(Moment::from))
        }
    };
    let since = since.ok_or_else(|| format!("{day:?} is no day: write it as 2026-05-12"))?;
    Implied::since(settings, since, now).map(|implied| implied.0).map_err(|why| why.to_string())
}

/// The readers that rows are about.
struct Readers {
    /// By the keys of their addresses.
    ids: HashMap<String, i64>,
    /// Those who were there before.
    known: HashSet<i64>,
    /// Those of them who have no name.
    nameless: HashSet<i64>,
}

async fn readers(
    tx: &mut Tx,
    site: &Site,
    ones: &[One<'_>],
    is_own: bool,
    now: Moment,
) -> db::Result<Readers> {
    let mut keys: Vec<&str> = ones.iter().map(|one| one.line.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let known = importing::known(tx, &keys).await?;
    let nameless = known.iter().filter(|(.., name)| name.is_empty()).map(|(id, ..)| *id).collect();
    let mut ids: HashMap<String, i64> = known.iter().map(|(id, _, key, _)| (key.clone(), *id)).collect();
    let mut new: HashMap<&str, (&One<'_>, &str)> = HashMap::new();
    for one in ones.iter().filter(|one| !ids.contains_key(&one.line.key)) {
        let keeps = is_own || one.state == State::OnList;
        let name = if keeps { one.line.name.as_str() } else { "" };
        let first = new.entry(one.line.key.as_str()).or_insert((one, name));
        if first.1.is_empty() {
            first.1 = name;
        }
    }
    let rows: Vec<_> = new
        .iter()
        .map(|(key, (one, name))| (one.line.public_id.clone(), &one.entry.email, *key, *name))
        .collect();
    forgotten::taken(tx, site, rows.iter().map(|(_, email, ..)| *email)).await?;
    store::add_subscribers(tx, &rows, now).await?;
    if !new.is_empty() {
        let keys: Vec<&str> = new.keys().copied().collect();
        ids.extend(importing::known(tx, &keys).await?.into_iter().map(|(id, _, key, _)| (key, id)));
    }
    Ok(Readers { ids, known: known.into_iter().map(|(id, ..)| id).collect(), nameless })
}

/// How somebody stands with a list who did not before.
fn subscription(one: &One<'_>, reader: i64, is_own: bool, now: Moment) -> NewSubscription {
    // Who bought or gave on a day agreed to nothing then.
    let joined = one.entry.joined.filter(|_| one.implied_until.is_none() || is_own).map(|at| at.min(now));
    let asked_at = joined.unwrap_or(now);
    let state = match one.state {
        State::OnList | State::NotTaken => SubscriptionState::Confirmed,
        State::Unconfirmed => SubscriptionState::Pending,
        State::Left | State::Bounced | State::Complained | State::Blocked => SubscriptionState::Left,
    };
    let left_at = (state == SubscriptionState::Left).then(|| one.since.unwrap_or(now).min(now));
    let confirmed_at = match state {
        SubscriptionState::Confirmed => Some(asked_at),
        SubscriptionState::Left => joined,
        SubscriptionState::Pending => joined.filter(|_| is_own),
    };
    // Who never confirmed is forgotten some days from now, whenever they asked elsewhere.
    let asked_at = if state == SubscriptionState::Pending { now } else { asked_at };
    let paused_until = one.entry.paused_until.filter(|_| state == SubscriptionState::Confirmed);
    let implied_until = one.implied_until.filter(|_| state == SubscriptionState::Confirmed);
    let rhythm = Rhythm::parse(&one.entry.rhythm);
    let list = one.list;
    NewSubscription {
        reader,
        list,
        state,
        asked_at,
        confirmed_at,
        left_at,
        paused_until,
        implied_until,
        rhythm,
    }
}

/// What the proof says of somebody.
struct Said {
    source: String,
    ip: String,
    told: String,
    told_at: Option<Moment>,
}

impl Said {
    fn of(one: &One<'_>, basis: &str, is_own: bool) -> Self {
        let entry = one.entry;
        let joined = match (entry.joined, entry.joined_as_told.as_str()) {
            (Some(at), _) => at.to_string(),
            (None, told) => told.to_owned(),
        };
        // Whoever reads the proof finds there what is kept beside it for the next file.
        let source = match (is_own, joined.as_str(), entry.consent.as_str()) {
            (true, _, "") | (false, "", _) => basis.to_owned(),
            (true, _, consent) => {
                let at = entry.consent_at.map(|at| format!(", {at}")).unwrap_or_default();
                format!("{basis} (as told by the file: {consent}{at})")
            }
            (false, joined, _) => {
                format!("{basis} (joined {joined}, wording unknown, as told by the file)")
            }
        };
        let told_at = if is_own { entry.consent_at } else { entry.joined };
        Self { source, ip: consent::range(&entry.ip), told: entry.consent.clone(), told_at }
    }

    fn event<'a>(&'a self, one: &One<'_>, reader: i64) -> Told<'a> {
        let action = match one.state {
            State::OnList | State::NotTaken => ConsentAction::Imported,
            State::Unconfirmed => ConsentAction::Asked,
            State::Left | State::Bounced | State::Complained | State::Blocked => ConsentAction::Left,
        };
        let Self { source, ip, told, told_at } = self;
        Told { reader, list: one.list, action, source, ip, told, told_at: *told_at }
    }
}

/// Stops mail to whom the rows say.
async fn stop(
    site: &Site,
    tx: &mut Tx,
    ones: &[One<'_>],
    (readers, acts): (&Readers, &Acts),
    (outcomes, source): (&mut [Outcome], &str),
) -> db::Result<()> {
    let mut told = Vec::new();
    let mut whose = Vec::new();
    for one in ones {
        let Some((reason, since)) = one.stops() else { continue };
        let Some(reader) = readers.ids.get(&one.line.key).copied() else { continue };
        let is_known = readers.known.contains(&reader);
        if one.entry.suppression.is_none() && agreed_since(acts, (reader, one.list), since) {
            continue;
        }
        told.push(Stopped { address: &one.entry.email, reader, is_known, reason, since });
        whose.push(one);
    }
    if told.is_empty() {
        return Ok(());
    }
    let detail = format!("as told by a file: {source}");
    let added = Suppressions::new(site).add_as_told(tx, &told, &detail).await?;
    for (one, added) in whose.iter().zip(added) {
        if added && one.state > State::Left {
            outcomes[one.at] = Outcome::Stands(one.state);
        }
    }
    Ok(())
}
