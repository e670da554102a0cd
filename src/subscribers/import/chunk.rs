//! Some hundred rows, in one transaction.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use super::{
    places::{Made, Places},
    plan::Plan,
    report::{ImportReport, Outcome, RowError},
};
use crate::{
    clock::{Moment, Stopwatch},
    db::{self, Tx},
    delivery::{self, StopReason, Suppressions, ToldStop as Stopped},
    editions::Rhythm,
    mail::clean_name,
    moving_in::{FileRow, ListEntry, State, WithinFile},
    queue,
    site::Site,
    subscribers::{
        SubscriberError,
        coming_back::may_come_back,
        consent::{self, ConsentAction, ConsentMethod},
        fields::{Field, NotAnswered},
        forgotten,
        implied::{Implied, NotImplied},
        imports::{Change, ChangeKind, Changes, told as told_by},
        left_before,
        read::SubscriptionState,
        store::{
            self, NewReader,
            importing::{self, NewSubscription, TakenBack, Told},
            imports, imports_undone,
            in_bulk::Asks,
            topics,
        },
    },
    withdrawals::{self, LeftBy, Withdrawal},
};

/// A row, and what it is known by.
#[derive(Debug)]
pub(in crate::subscribers) struct Line {
    pub number: u64,
    /// Where it stands in an archive.
    within: Option<WithinFile>,
    entry: Result<ListEntry, String>,
    key: String,
    /// What the address is kept as where it is not mailed.
    hash: String,
    name: String,
    /// Whoever is new has it from now on.
    public_id: String,
}

impl Line {
    /// As a file has it. What takes long is done here, where nobody waits for the writer.
    pub fn of(row: FileRow, site: &Site, public_id: String) -> Self {
        let entry = row.entry.as_ref();
        let key = entry.map(|entry| entry.email.key()).unwrap_or_default();
        let hash = entry.map(|entry| Suppressions::new(site).hash(&entry.email)).unwrap_or_default();
        let name = entry.map(|entry| entry.name.as_str()).unwrap_or_default();
        let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
        Self { number: row.line, within: row.within, entry: row.entry, key, hash, name, public_id }
    }

    /// Whether whoever takes it closes the gate that everybody else is inside.
    pub fn closes(&self) -> bool {
        self.entry.as_ref().is_ok_and(|entry| entry.suppression.is_some() || entry.state > State::Left)
    }

    /// Who it is about, and which list; none where nothing is taken of it.
    pub fn key_and_list(&self) -> Option<u64> {
        let entry = self.entry.as_ref().ok().filter(|entry| entry.state != State::NotTaken)?;
        let mut hasher = DefaultHasher::new();
        (&self.key, entry.list.as_ref().map(|list| list.to_lowercase())).hash(&mut hasher);
        Some(hasher.finish())
    }
}

/// What became of some rows.
#[derive(Debug)]
pub(super) struct Taken {
    /// With these rows.
    pub report: ImportReport,
    /// Those that were not taken.
    pub errors: Vec<RowError>,
    /// None where nothing was written.
    pub made: Option<Made>,
    /// For how long nobody else could write.
    pub held: Duration,
}

/// Somebody and a list of theirs, as some rows tell.
struct One<'a> {
    /// Which of the rows.
    at: usize,
    entry: &'a ListEntry,
    line: &'a Line,
    /// Whether mail to the address is stopped already.
    is_stopped: bool,
    list: i64,
    state: State,
    since: Option<Moment>,
    /// Why the address is not mailed, as our own export says it, and since when: of several lines the worst.
    suppression: Option<(StopReason, Option<Moment>)>,
    /// Until when their consent is implied; none where they agreed themselves.
    implied_until: Option<Moment>,
}

impl One<'_> {
    /// Why mail to them stops, if it does.
    fn stops(&self) -> Option<(StopReason, Option<Moment>)> {
        match (self.suppression, self.state) {
            (Some(stopped), _) => Some(stopped),
            (None, State::Bounced) => Some((StopReason::Bounced, self.since)),
            (None, State::Complained) => Some((StopReason::Complained, self.since)),
            (None, State::Blocked) => Some((StopReason::Staff, self.since)),
            (None, _) => None,
        }
    }
}

/// Of two reasons for not mailing an address the weightier counts.
fn severity(suppression: Option<(StopReason, Option<Moment>)>) -> u8 {
    match suppression {
        None => 0,
        Some((StopReason::Bounced, _)) => 1,
        Some((StopReason::Complained, _)) => 2,
        Some((StopReason::Staff, _)) => 3,
        Some((StopReason::Erased, _)) => 4,
    }
}

/// The last thing that somebody did about each of their lists.
type Acts = HashMap<(i64, i64), (ConsentAction, ConsentMethod, Moment)>;

fn acts(found: Vec<importing::Act>) -> Acts {
    found
        .into_iter()
        .map(|(reader, list, action, method, at)| ((reader, list), (action, method, at)))
        .collect()
}

/// Whether they agreed by themselves after what a file tells: it is out of date, and they stay.
fn agreed_since(acts: &Acts, key: (i64, i64), since: Option<Moment>) -> bool {
    let by_themselves =
        |method: ConsentMethod| !matches!(method, ConsentMethod::Import | ConsentMethod::Staff);
    acts.get(&key).is_some_and(|(action, method, at)| {
        *action != ConsentAction::Left && by_themselves(*method) && since.is_some_and(|since| since < *at)
    })
}

/// Where a row of the database says how far an import has come: who moves it on, and to where.
#[derive(Clone, Copy, Debug)]
pub(in crate::subscribers) struct Kept {
    /// The import.
    pub id: i64,
    /// Its turn as we claimed it; whoever changes it takes it away from us.
    pub claim: Moment,
    /// The end of the lease from now on.
    pub until: Moment,
    /// Which time the file is read.
    pub pass: i64,
    /// How many rows of it were taken.
    pub taken: u64,
}

/// How long an import is somebody's who was not heard of since.
pub(in crate::subscribers) const LEASE: Duration = queue::IMPORTS.lease;
/// Of more rows that are not taken it is not written down why.
pub(in crate::subscribers) const MOST_PROBLEMS: u64 = 100_000;

/// Takes the rows, all of them or none; none if the import is no longer ours.
pub(super) async fn take(
    site: &Site,
    plan: &Plan<'_>,
    places: &Places,
    lines: &[Line],
    (before, kept): (&ImportReport, Option<Kept>),
) -> db::Result<Option<Taken>> {
    if !plan.is_dry {
        write_down(site, plan.list, lines).await?;
    }
    let now = site.now();
    let tx = site.db.begin().await?;
    let watch = Stopwatch::start();
    let outcomes = vec![Outcome::Unchanged; lines.len()];
    let step = Step {
        site,
        plan,
        places,
        tx,
        now,
        made: Made::default(),
        outcomes,
        touched: HashSet::new(),
        changes: kept.map(|_| Changes::default()),
        joined: BTreeMap::new(),
        off: Vec::new(),
        back: Vec::new(),
        unanswered: BTreeMap::new(),
    };
    step.take(lines, (before, kept), watch).await
}

/// Some rows on their way into the database.
struct Step<'a> {
    site: &'a Site,
    plan: &'a Plan<'a>,
    places: &'a Places,
    tx: Tx,
    now: Moment,
    made: Made,
    outcomes: Vec<Outcome>,
    /// Readers of whom more is known now.
    touched: HashSet<i64>,
    /// What would have to be taken back; none where nobody can.
    changes: Option<Changes>,
    /// How many joined each list, by its name.
    joined: BTreeMap<String, u64>,
    /// Who was off a list already of whom the file says so, too: reader and list.
    off: Vec<(i64, i64)>,
    /// Who is on a list again that they were off since something was taken back.
    back: Vec<TakenBack>,
    /// What stands in rows and is no answer to its field, in words.
    unanswered: BTreeMap<usize, Vec<String>>,
}

/// Who the rows are about, and how those stood who were there before.
struct Met {
    readers: Readers,
    before: HashMap<(i64, i64), SubscriptionState>,
    /// Who is off which list since something was taken back, and never said that they leave.
    taken_back: HashSet<(i64, i64)>,
    /// Those of them who come back with this file, and since when they are off it: they stand as if they had not been there before.
    back: HashMap<(i64, i64), Moment>,
    acts: Acts,
}

impl Met {
    fn id(&self, one: &One<'_>) -> i64 {
        self.readers.ids.get(&one.line.key).copied().unwrap_or_default()
    }

    /// Who is not on the list is not touched.
    fn is_on(&self, one: &One<'_>) -> bool {
        let before = self.before.get(&(self.id(one), one.list));
        before.is_none_or(|state| *state == SubscriptionState::Confirmed)
    }
}

impl Step<'_> {
    async fn take(
        mut self,
        lines: &[Line],
        (before, kept): (&ImportReport, Option<Kept>),
        watch: Stopwatch,
    ) -> db::Result<Option<Taken>> {
        self.pass_gates(lines).await?;
        let fields = match self.places.wanted_fields.is_empty() {
            true => HashMap::new(),
            false => self.places.fields(&mut self.tx, self.site, &mut self.made).await?,
        };
        let rows = (lines, &mut self.made, self.outcomes.as_mut_slice());
        let ones = who(self.site, self.places, &mut self.tx, rows).await?;
        let met = self.meet(&ones).await?;
        self.name(&ones, &met).await?;
        let added = self.add(&ones, &met).await?;
        self.tell(&ones, &met, &added).await?;
        self.choose(&ones, &met, &added).await?;
        self.answer(&ones, &met, &fields).await?;
        let known = (&met.readers, &met.acts);
        let told = (self.outcomes.as_mut_slice(), self.plan.basis.source.as_str(), self.changes.as_mut());
        stop(self.site, &mut self.tx, &ones, known, told).await?;
        for one in &ones {
            let reader = met.id(one);
            if self.outcomes[one.at] == Outcome::Unchanged
                && met.readers.known.contains(&reader)
                && self.touched.contains(&reader)
            {
                self.outcomes[one.at] = Outcome::Updated;
            }
        }
        self.end(lines, (before, kept), watch).await
    }

    /// Before any row is held: whoever stops mail closes the gate that everybody else is inside.
    async fn pass_gates(&mut self, lines: &[Line]) -> db::Result<()> {
        let entries = || lines.iter().flat_map(|line| &line.entry);
        match lines.iter().any(Line::closes) {
            true => Suppressions::new(self.site).close(&mut self.tx).await?,
            false => forgotten::enter(&mut self.tx).await?,
        }
        // Topics first, as by everybody.
        if entries().any(|entry| !entry.topics.is_empty()) {
            topics::hold(&mut self.tx).await?;
        }
        Ok(())
    }

    async fn meet(&mut self, ones: &[One<'_>]) -> db::Result<Met> {
        let readers = readers(&mut self.tx, self.site, ones, self.places.is_own, self.now).await?;
        let mut met = Met {
            readers,
            before: HashMap::new(),
            taken_back: HashSet::new(),
            back: HashMap::new(),
            acts: Acts::new(),
        };
        for reader in met.readers.ids.values().filter(|id| !met.readers.known.contains(id)) {
            self.changed(*reader, ChangeKind::Reader, (0, ""));
        }
        if met.readers.known.is_empty() && !met.readers.any_left {
            return Ok(met);
        }
        let ids: Vec<i64> = met.readers.ids.values().copied().collect();
        let standings = importing::standings(&mut self.tx, &ids).await?;
        met.before = standings.into_iter().map(|(reader, list, state)| ((reader, list), state)).collect();
        self.meet_taken_back(ones, &mut met).await?;
        if ones.iter().any(|one| one.state > State::NotTaken) {
            met.acts = acts(importing::last_acts(&mut self.tx, &ids).await?);
        }
        Ok(met)
    }

    /// Who is off a list since something was taken back. Whoever says at this moment that they leave comes before or after.
    async fn meet_taken_back(&mut self, ones: &[One<'_>], met: &mut Met) -> db::Result<()> {
        let key = |one: &One<'_>| (met.id(one), one.list);
        let is_off = |one: &&One<'_>| met.before.get(&key(one)) == Some(&SubscriptionState::Left);
        let mut off: Vec<i64> = ones.iter().filter(is_off).map(|one| met.id(one)).collect();
        off.sort_unstable();
        off.dedup();
        if off.is_empty() {
            return Ok(());
        }
        imports_undone::hold(&mut self.tx, &off).await?;
        let found = importing::taken_back(&mut self.tx, &off).await?;
        met.taken_back = pairs(&found);
        let may = may_come_back(&mut Asks::Tx(&mut self.tx), self.site, found).await?;
        let since: HashMap<(i64, i64), Moment> =
            may.into_iter().map(|(reader, list, at)| ((reader, list), at)).collect();
        let comes_back =
            |one: &&One<'_>| one.state == State::OnList && one.stops().is_none() && !one.is_stopped;
        let back = ones.iter().filter(comes_back).map(|one| (met.id(one), one.list));
        met.back = back.filter_map(|key| Some((key, *since.get(&key)?))).collect();
        met.before.retain(|key, _| !met.back.contains_key(key));
        Ok(())
    }

    /// Names for who has none.
    async fn name(&mut self, ones: &[One<'_>], met: &Met) -> db::Result<()> {
        let is_named_here = |one: &&One<'_>| {
            !one.line.name.is_empty()
                && one.state == State::OnList
                && met.is_on(one)
                && met.readers.nameless.contains(&met.id(one))
        };
        let named = ones.iter().filter(is_named_here);
        let mut names: Vec<(i64, &str)> = named.map(|one| (met.id(one), one.line.name.as_str())).collect();
        names.sort_unstable();
        names.dedup_by_key(|(reader, _)| *reader);
        importing::name_many(&mut self.tx, &names).await?;
        for (reader, name) in &names {
            self.changed(*reader, ChangeKind::Named, (0, name));
        }
        self.touched.extend(names.iter().map(|(reader, _)| *reader));
        Ok(())
    }

    /// Puts those on their lists, or writes down how they stand with them, who did not before: reader and list.
    async fn add(&mut self, ones: &[One<'_>], met: &Met) -> db::Result<HashSet<(i64, i64)>> {
        let mut new: Vec<NewSubscription> = ones
            .iter()
            .filter(|one| !met.before.contains_key(&(met.id(one), one.list)))
            .map(|one| subscription(one, met.id(one), self.places.is_own, self.now))
            .collect();
        // Two files that hold the same people meet at them in the same order.
        new.sort_by_key(|one| (one.reader, one.list));
        let (back, new): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|one| met.back.contains_key(&(one.reader, one.list)));
        let (others, first): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|one| met.readers.known.contains(&one.reader));
        importing::bring_back(&mut self.tx, &back).await?;
        let since = |one: &NewSubscription| {
            met.back.get(&(one.reader, one.list)).map(|at| (one.reader, one.list, *at))
        };
        self.back.extend(back.iter().filter_map(since));
        importing::add_first_subscriptions(&mut self.tx, &first, self.now).await?;
        let mut added = importing::add_subscriptions(&mut self.tx, &others, self.now).await?;
        added.extend(first.iter().chain(&back).map(|one| (one.reader, one.list)));
        for (reader, list) in &added {
            self.changed(*reader, ChangeKind::Joined, (*list, ""));
        }
        Ok(added.into_iter().collect())
    }

    /// The proof of who is new; and who left there, leaves.
    async fn tell(&mut self, ones: &[One<'_>], met: &Met, added: &HashSet<(i64, i64)>) -> db::Result<()> {
        let source = format!("{}: {}", self.plan.basis.basis, self.plan.basis.source);
        let said: Vec<Said> = ones.iter().map(|one| Said::of(one, &source, self.places.is_own)).collect();
        let mut in_order: Vec<_> = ones.iter().zip(&said).collect();
        in_order.sort_by_key(|(one, _)| (met.id(one), one.list));
        let mut events = Vec::new();
        for (one, said) in in_order {
            let key = (met.id(one), one.list);
            if added.contains(&key) {
                if one.state == State::OnList && one.stops().is_none() {
                    let list = self.places.name_of(one.list, &self.made);
                    *self.joined.entry(list).or_default() += 1;
                }
                self.outcomes[one.at] =
                    if one.state == State::OnList { Outcome::Added } else { Outcome::Stands(one.state) };
                events.push(said.event(one, key.0));
            } else if self.leave(one, key, met).await? {
                self.outcomes[one.at] = Outcome::Stands(State::Left);
                events.push(said.event(one, key.0));
            } else if one.state == State::Left && met.taken_back.contains(&key) {
                // They are off it already: from now on because they left.
                events.push(said.event(one, key.0));
            }
        }
        importing::add_told_events(&mut self.tx, &events, self.now).await?;
        Ok(())
    }

    /// Whether somebody who was here leaves by the row. Only who left there leaves here: whom mail does not reach is stopped, and stays
    /// on the list for the day it does.
    async fn leave(&mut self, one: &One<'_>, key: (i64, i64), met: &Met) -> db::Result<bool> {
        let waits =
            matches!(met.before.get(&key), Some(SubscriptionState::Confirmed | SubscriptionState::Pending));
        if one.state != State::Left || agreed_since(&met.acts, key, one.since) {
            return Ok(false);
        }
        if met.before.get(&key) == Some(&SubscriptionState::Left) {
            // Whatever took them off may be taken back: what the file says stays.
            self.off.push(key);
        }
        if !waits {
            return Ok(false);
        }
        let (reader, list) = key;
        if !store::leave(&mut self.tx, reader, list, one.since.unwrap_or(self.now).min(self.now)).await? {
            return Ok(false);
        }
        delivery::withdraw(&mut self.tx, self.site, reader, Some(list)).await?;
        delivery::withdraw_welcome(&mut self.tx, reader, list, self.now).await?;
        let was = met.before.get(&key).map_or("", |state| state.as_str());
        self.changed(reader, ChangeKind::Left, (list, was));
        Ok(true)
    }

    /// What they chose: of who is new to the list, for anybody else decided that themselves.
    async fn choose(&mut self, ones: &[One<'_>], met: &Met, added: &HashSet<(i64, i64)>) -> db::Result<()> {
        let mut chosen = Vec::new();
        let chose = |one: &&One<'_>| !one.entry.topics.is_empty() && added.contains(&(met.id(one), one.list));
        for one in ones.iter().filter(chose) {
            let named = (one.entry.topics.as_slice(), one.list);
            let topics = self.places.topics(&mut self.tx, self.site, &mut self.made, named).await?;
            chosen.extend(topics.into_iter().map(|topic| (one.list, met.id(one), topic)));
        }
        chosen.sort_unstable();
        importing::choose_many(&mut self.tx, &chosen).await?;
        Ok(())
    }

    /// What they answered. Of who is not to be mailed no more is kept than that.
    async fn answer(
        &mut self,
        ones: &[One<'_>],
        met: &Met,
        fields: &HashMap<String, Field>,
    ) -> db::Result<()> {
        let mut answers = Vec::new();
        let keeps = |one: &&One<'_>| (one.state == State::OnList || self.places.is_own) && met.is_on(one);
        for one in ones.iter().filter(keeps) {
            for (name, answer) in &one.entry.answers {
                let Some(field) = fields.get(name) else { continue };
                match field.read(&field.kind.of_file(answer)) {
                    Ok(answer) if answer.is_empty() => {}
                    Ok(answer) => answers.push((met.id(one), field.id, answer)),
                    Err(why) => self.unanswered.entry(one.at).or_default().push(none(field, answer, why)),
                }
            }
        }
        answers.sort_unstable_by_key(|one| (one.0, one.1));
        answers.dedup_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let rows = answers.iter().map(|(reader, field, answer)| (*reader, *field, answer.as_str()));
        let (others, first): (Vec<_>, Vec<_>) = rows.partition(|one| met.readers.known.contains(&one.0));
        importing::first_answers(&mut self.tx, &first).await?;
        let kept: HashSet<(i64, i64)> =
            importing::keep_answers(&mut self.tx, &others).await?.into_iter().collect();
        let kept_of_others = others.iter().filter(|one| kept.contains(&(one.0, one.1)));
        for (reader, field, answer) in first.iter().chain(kept_of_others) {
            self.changed(*reader, ChangeKind::Answered, (*field, answer));
        }
        self.touched.extend(kept.into_iter().map(|(reader, _)| reader));
        Ok(())
    }

    /// Something is otherwise than it was.
    fn changed(&mut self, reader: i64, kind: ChangeKind, what: (i64, &str)) {
        let at = self.now;
        if let Some(changes) = &mut self.changes {
            changes.add(Change::new(reader, kind, what, at));
        }
    }

    /// Counts what became of the rows, and makes it last.
    async fn end(
        mut self,
        lines: &[Line],
        (before, kept): (&ImportReport, Option<Kept>),
        watch: Stopwatch,
    ) -> db::Result<Option<Taken>> {
        let mut report = before.clone();
        let mut errors = Vec::new();
        for (at, (line, outcome)) in lines.iter().zip(self.outcomes).enumerate() {
            report.rows += 1;
            let place = (line.number, line.within.as_ref());
            errors.extend(report.count(place, outcome));
            let unanswered = self.unanswered.get(&at);
            errors.extend(unanswered.map(|answers| report.count_incomplete(place, answers)));
        }
        self.made.notes().for_each(|note| report.note(note));
        report.made.and(&self.made.new);
        report.new_fields.extend(std::mem::take(&mut self.made.new_fields));
        for (list, joined) in std::mem::take(&mut self.joined) {
            *report.added_to.entry(list).or_default() += joined;
        }
        if self.plan.is_dry {
            return Ok(Some(Taken { report, errors, made: None, held: watch.elapsed() }));
        }
        self.off.sort_unstable();
        imports_undone::all_stay_off(&mut self.tx, kept.as_ref().map_or(0, |kept| kept.id), &self.off)
            .await?;
        if let Some(kept) = kept {
            let taken = kept.taken + lines.len() as u64;
            let claim = (kept.id, kept.claim, kept.until);
            let reached = (kept.pass, taken, report.written()?);
            if !imports::reached(&mut self.tx, claim, reached, self.now).await? {
                return Ok(None);
            }
            let changes = self.changes.unwrap_or_default().rows(self.now)?;
            imports_undone::add_changes(&mut self.tx, kept.id, changes).await?;
            if report.problems() <= MOST_PROBLEMS {
                imports::add_problems(&mut self.tx, kept.id, &errors, self.now).await?;
            }
        }
        let made = Some(self.made);
        if self.back.is_empty() {
            self.tx.commit().await?;
        } else {
            let back = came_back(&mut self.tx, (self.site, self.places), &self.back).await?;
            withdrawals::commit_each(self.tx, self.site, back).await?;
        }
        Ok(Some(Taken { report, errors, made, held: watch.elapsed() }))
    }
}

/// Reader and list.
fn pairs(found: &[TakenBack]) -> HashSet<(i64, i64)> {
    found.iter().map(|(reader, list, _)| (*reader, *list)).collect()
}

/// That they are on it again stands in the journal behind the commit, which says that they are off it. It is dated as what took them off:
/// what somebody says since then of leaving stays said, also where the database does not know it yet.
async fn came_back(
    tx: &mut Tx,
    (site, places): (&Site, &Places),
    back: &[TakenBack],
) -> db::Result<Vec<(Moment, Withdrawal)>> {
    if site.journal.path().is_none() {
        return Ok(Vec::new());
    }
    let readers: Vec<i64> = back.iter().map(|(reader, ..)| *reader).collect();
    let names: HashMap<i64, String> =
        imports_undone::public_ids_in(tx, &readers).await?.into_iter().collect();
    let line = |(reader, list, at): &TakenBack| {
        let (reader, list) = (names.get(reader)?.clone(), places.public_id_of(*list)?.to_owned());
        Some((*at, Withdrawal::Back { reader, list }))
    };
    Ok(back.iter().filter_map(line).collect())
}

/// What is to be put right in an answer that is none to its field.
fn none(field: &Field, answer: &str, why: NotAnswered) -> String {
    let answer: String = answer.chars().filter(|c| !c.is_control()).take(60).collect();
    let why = why.to_string();
    let mut letters = why.trim_end_matches('.').chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
    let why: String = first.chain(letters).collect();
    format!("the answer to “{}”: instead of “{answer}” {why}", field.label)
}

/// What is known already of a leaving or a complaint that the rows tell stands in the journal before it is done: of who is there.
async fn write_down(site: &Site, to: i64, lines: &[Line]) -> db::Result<()> {
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
        let taken_back = pairs(&importing::taken_back_now(&site.db, &ids).await?);
        let lists = store::lists(&site.db).await?;
        let hashes: HashMap<&str, &str> =
            sad.iter().map(|line| (line.key.as_str(), line.hash.as_str())).collect();
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
                    let is_theirs = entry.list.as_ref().map_or(list.id == to, |name| {
                        list.slug.to_lowercase() == name.to_lowercase()
                            || list.name.to_lowercase() == name.to_lowercase()
                    });
                    entry.state == State::Left
                        && is_theirs
                        && !agreed_since(&acts, (reader, list.id), entry.since)
                });
            let is_news = state != SubscriptionState::Left || taken_back.contains(&(reader, list.id));
            if leaves && is_news {
                let how = ConsentMethod::Import.as_str().to_owned();
                entries.push(Withdrawal::Left {
                    reader: (*public_id).to_owned(),
                    list: list.public_id.clone(),
                    how,
                    known_by: hashes
                        .get(*key)
                        .map(|hash| LeftBy { hash: (*hash).to_owned(), slug: list.slug.clone() }),
                });
            }
        }
    }
    let stopped = Suppressions::new(site)
        .among_now(sad.iter().flat_map(|line| &line.entry).map(|entry| &entry.email))
        .await?;
    for (entry, stopped) in sad.iter().flat_map(|line| &line.entry).zip(stopped) {
        let hash = || Suppressions::new(site).hash(&entry.email);
        // Our own export has the reason in a column of its own.
        let reason = match (&entry.suppression, entry.state) {
            (Some((reason, _)), _) => StopReason::parse(reason),
            (None, State::Complained) => Some(StopReason::Complained),
            (None, State::Blocked) => Some(StopReason::Staff),
            (None, _) => None,
        };
        match reason {
            Some(StopReason::Complained) if stopped.is_none() => {
                entries.push(Withdrawal::Complained { hash: hash() });
            }
            Some(StopReason::Staff) if stopped.is_none() => {
                entries.push(Withdrawal::Blocked { hash: hash() });
            }
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
    let hashes: Vec<&str> =
        lines.iter().filter(|line| line.entry.is_ok()).map(|line| line.hash.as_str()).collect();
    let was_forgotten = forgotten::among(tx, &hashes).await?;
    let stopped = Suppressions::new(site).among_hashes(tx, &hashes).await?;
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
        let (was_forgotten, stopped) = (was_forgotten.contains(&line.hash), stopped.get(&line.hash));
        if entry.state == State::NotTaken {
            outcomes[at] = Outcome::Stands(State::NotTaken);
            continue;
        }
        if was_forgotten {
            outcomes[at] = Outcome::Refused(SubscriberError::Forgotten.to_string());
            continue;
        }
        if stopped == Some(&StopReason::Staff) && entry.suppression.is_none() {
            // What nobody wants to be mailed there is not mailed here either: there is nothing to add.
            if entry.state <= State::Unconfirmed {
                outcomes[at] = Outcome::Refused(SubscriberError::Blocked.to_string());
            }
            continue;
        }
        let suppression = match &entry.suppression {
            None => None,
            Some((reason, since)) => match StopReason::parse(reason) {
                Some(known) => Some((known, *since)),
                None => {
                    outcomes[at] = Outcome::Refused(format!(
                        "nobody knows what “{reason}” means: the address may not be mailed"
                    ));
                    continue;
                }
            },
        };
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
                if severity(suppression) > severity(one.suppression) {
                    one.suppression = suppression;
                }
            }
            None => {
                seen.insert((line.key.as_str(), list), ones.len());
                let (state, since) = (entry.state, entry.since);
                let is_stopped = stopped.is_some();
                ones.push(One {
                    at,
                    entry,
                    line,
                    is_stopped,
                    list,
                    state,
                    since,
                    suppression,
                    implied_until,
                });
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
    /// Whether anybody who is new had left something before a backup was restored.
    any_left: bool,
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
    let mut known = importing::known(tx, &keys).await?;
    let mut ids: HashMap<String, i64> = known.iter().map(|(id, _, key, _)| (key.clone(), *id)).collect();
    let mut new: HashMap<&str, NewReader<'_>> = HashMap::new();
    let hashes = ones.iter().filter(|one| !ids.contains_key(&one.line.key)).map(|one| one.line.hash.as_str());
    let left = left_before::of(tx, &hashes.collect::<Vec<_>>()).await?;
    for one in ones.iter().filter(|one| !ids.contains_key(&one.line.key)) {
        let keeps = is_own || one.state == State::OnList && !left.contains_key(&one.line.hash);
        let name = if keeps { one.line.name.as_str() } else { "" };
        let (public_id, email, key) = (one.line.public_id.as_str(), &one.entry.email, one.line.key.as_str());
        let first = new.entry(key).or_insert(NewReader { public_id, email, key, name });
        if first.name.is_empty() {
            first.name = name;
        }
    }
    let many = new.len();
    let hashes = ones.iter().filter(|one| new.contains_key(one.line.key.as_str()));
    forgotten::taken(tx, &hashes.map(|one| one.line.hash.as_str()).collect::<Vec<_>>()).await?;
    let added = store::add_subscribers(tx, new.into_values().collect(), now).await?;
    if added.len() < many {
        // Somebody else brought one of them a moment ago.
        let is_ours: HashSet<i64> = added.iter().map(|(id, _)| *id).collect();
        known = importing::known(tx, &keys).await?;
        known.retain(|(id, ..)| !is_ours.contains(id));
        ids.extend(known.iter().map(|(id, _, key, _)| (key.clone(), *id)));
    }
    ids.extend(added.iter().map(|(id, one)| (one.key.to_owned(), *id)));
    for (hash, left) in &left {
        let reader = ones.iter().find(|one| one.line.hash == *hash).and_then(|one| ids.get(&one.line.key));
        if let Some(reader) = reader {
            left_before::stay_off(tx, site, *reader, left).await?;
        }
    }
    let stopped: HashSet<&str> =
        ones.iter().filter(|one| one.is_stopped).map(|one| one.line.key.as_str()).collect();
    let stopped = added.iter().filter(|(_, one)| stopped.contains(one.key));
    Suppressions::new(site).link(tx, stopped.map(|(id, one)| (*id, one.email))).await?;
    let nameless = known.iter().filter(|(.., name)| name.is_empty()).map(|(id, ..)| *id).collect();
    let known = known.into_iter().map(|(id, ..)| id).collect();
    Ok(Readers { ids, known, nameless, any_left: !left.is_empty() })
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
    (outcomes, source, changes): (&mut [Outcome], &str, Option<&mut Changes>),
) -> db::Result<()> {
    let mut found = Vec::new();
    for one in ones {
        let Some((reason, since)) = one.stops() else { continue };
        let Some(reader) = readers.ids.get(&one.line.key).copied() else { continue };
        let is_known = readers.known.contains(&reader);
        if one.suppression.is_none() && agreed_since(acts, (reader, one.list), since) {
            continue;
        }
        found.push((Stopped { address: &one.entry.email, reader, is_known, reason, since }, one));
    }
    if found.is_empty() {
        return Ok(());
    }
    // An address stands there once with each of its lists: the first reason stays, so the weightiest is the first.
    found.sort_by_key(|(stopped, _)| Reverse(severity(Some((stopped.reason, stopped.since)))));
    let (told, whose): (Vec<Stopped<'_>>, Vec<&One<'_>>) = found.into_iter().unzip();
    let before = match changes {
        Some(_) => Suppressions::new(site).among(tx, told.iter().map(|one| one.address)).await?,
        None => Vec::new(),
    };
    let added = Suppressions::new(site).add_as_told(tx, &told, &told_by(source)).await?;
    if let Some(changes) = changes {
        // What took the place of another reason stays: who was stopped before is never let go by it.
        let new =
            told.iter().zip(&added).zip(before).filter(|((_, added), before)| **added && before.is_none());
        for ((one, _), _) in new {
            changes.add(Change::new(one.reader, ChangeKind::Stopped, (0, one.reason.as_str()), site.now()));
        }
    }
    for ((one, stopped), added) in whose.iter().zip(&told).zip(added) {
        if added {
            outcomes[one.at] = Outcome::Stands(match stopped.reason {
                StopReason::Bounced => State::Bounced,
                StopReason::Complained => State::Complained,
                StopReason::Erased | StopReason::Staff => State::Blocked,
            });
        }
    }
    Ok(())
}
