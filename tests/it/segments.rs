//! Segments: what the database says of random trees over random readers is what a plain reading of the same rows says.

use std::{collections::HashMap, fmt::Write as _};

use broadside::{
    clock::{Moment, Zone},
    db::Db,
    delivery::StopReason,
    editions::Rhythm,
    segments::{
        self, AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, SegmentError, SegmentNames,
        SegmentTree, TreeError, When,
    },
    site::Site,
    subscribers::DonorState,
};
use jiff::civil::{Date, date};
use sqlx::AssertSqlSafe;

use crate::support::{TestDb, both_engines, seed::Seed};

const NOW: Moment = Moment(1_780_000_000_000_000);
const DAY: i64 = 86_400_000_000;
const ZONE: &str = "Australia/Sydney";

const LISTS: [(i64, &str); 3] = [(101, "weekly monthly"), (102, ""), (103, "each daily weekly monthly")];
/// The last one was merged into the first one.
const TOPICS: [i64; 4] = [111, 112, 113, 114];
const TEXT: i64 = 121;
const NUMBER: i64 = 122;
const DATE: i64 = 123;
const YES_NO: i64 = 124;
const CHOICE: i64 = 125;
const FORMS: [i64; 2] = [131, 132];
const EDITIONS: [i64; 3] = [141, 142, 143];
const GONE: i64 = 999;

/// What somebody may have written, or looks for.
const TEXTS: [&str; 14] = [
    "Berlin",
    "berlin",
    "BERLIN Mitte",
    "100%",
    "%",
    "a_b",
    "_",
    "O'Brien",
    "Ö",
    "ö",
    "'; drop table subscriber; --",
    "$1",
    "\\",
    "in",
];
const NUMBERS: [&str; 8] = ["0", "12", "12.5", "-12.5", "0.29", "0.3", "-7", "999999999999.99"];
const DATES: [&str; 5] = ["1970-01-01", "2001-05-12", "2026-02-28", "2024-02-29", "9999-12-31"];
const DOMAINS: [&str; 5] = ["example.org", "news.example.org", "example.com", "org", "xn--r8jz45g.jp"];
const CURRENCIES: [&str; 3] = ["EUR", "USD", ""];

#[derive(Debug, Default)]
struct Sub {
    list: i64,
    state: &'static str,
    paused_until: Option<i64>,
    rhythm: Option<Rhythm>,
}

#[derive(Debug)]
struct Copy {
    edition: i64,
    state: &'static str,
    maybe_duplicate: bool,
    at: i64,
}

/// One reader, as the test knows them.
#[derive(Debug, Default)]
struct Known {
    id: i64,
    email: String,
    created_at: i64,
    subs: Vec<Sub>,
    /// List and topic.
    topics: Vec<(i64, i64)>,
    answers: HashMap<i64, String>,
    /// Form, source, campaign.
    events: Vec<(Option<i64>, &'static str, &'static str)>,
    /// List, when they confirmed it again, and by which edition.
    again: Vec<(i64, i64, i64)>,
    /// Why, and whether it was lifted.
    stops: Vec<(StopReason, bool)>,
    copies: Vec<Copy>,
    supporter: Option<(DonorState, Option<i64>)>,
    gives_as: Option<String>,
    gave_as: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Gift {
    donor: String,
    paid: bool,
    currency: &'static str,
    minor: i64,
    at: i64,
}

#[derive(Debug, Default)]
struct World {
    readers: Vec<Known>,
    gifts: Vec<Gift>,
    segments: HashMap<i64, SegmentTree>,
}

fn one<T: Clone>(seed: &mut Seed, of: &[T]) -> T {
    of[seed.within(0..of.len())].clone()
}

fn maybe<T>(seed: &mut Seed, what: impl FnOnce(&mut Seed) -> T) -> Option<T> {
    if seed.once_in(3) { None } else { Some(what(seed)) }
}

/// Moments near the ends of days, and others.
fn moment(seed: &mut Seed) -> i64 {
    let zone = Zone::named(ZONE).expect("a zone");
    let (begins, _) = zone.day(day(seed)).expect("a day");
    match seed.within(0..4) {
        0 => begins.0,
        1 => begins.0 - 1,
        2 => NOW.0 - DAY * i64::try_from(seed.within(0..9)).expect("small"),
        _ => begins.0 + i64::try_from(seed.within(0..86_400)).expect("small") * 1_000_000,
    }
}

fn day(seed: &mut Seed) -> Date {
    one(
        seed,
        &[
            date(2025, 12, 31),
            date(2026, 1, 1),
            date(2026, 4, 5),
            date(2026, 5, 28),
            date(2026, 5, 29),
            date(2024, 2, 29),
        ],
    )
}

fn email(seed: &mut Seed, number: i64) -> String {
    format!("reader{number}@{}", one(seed, &DOMAINS))
}

fn reader(seed: &mut Seed, id: i64, known: &[Known]) -> Known {
    let mut reader = Known { id, email: email(seed, id), created_at: moment(seed), ..Known::default() };
    for (list, _) in LISTS {
        if seed.once_in(2) {
            let state = one(seed, &["pending", "confirmed", "confirmed", "left"]);
            let paused_until = maybe(seed, |seed| one(seed, &[NOW.0 - 1, NOW.0, NOW.0 + 1, NOW.0 + DAY]));
            let rhythm = maybe(seed, |seed| one(seed, &Rhythm::ALL));
            reader.subs.push(Sub { list, state, paused_until, rhythm });
            for topic in &TOPICS[..3] {
                if seed.once_in(3) {
                    reader.topics.push((list, *topic));
                }
            }
            if seed.once_in(2) {
                let form = maybe(seed, |seed| one(seed, &FORMS));
                reader.events.push((form, one(seed, &TEXTS), one(seed, &["", "Spring", "Berlin"])));
            }
            for _ in 0..seed.within(0..3) {
                reader.again.push((list, moment(seed), one(seed, &EDITIONS)));
            }
        }
    }
    for (field, answers) in [
        (TEXT, &TEXTS[..]),
        (NUMBER, &NUMBERS[..]),
        (DATE, &DATES[..]),
        (YES_NO, &["yes", "no"][..]),
        (CHOICE, &["Red", "red", "Blue"][..]),
    ] {
        if seed.once_in(2) {
            reader.answers.insert(field, one(seed, answers).to_owned());
        }
    }
    for lifted in [true, false] {
        if seed.once_in(3) {
            reader.stops.push((one(seed, &StopReason::ALL), lifted));
        }
    }
    for edition in EDITIONS {
        if seed.once_in(2) {
            let state = one(seed, &["accepted", "accepted", "failed", "suppressed", "unknown", "queued"]);
            let maybe_duplicate = seed.once_in(5);
            reader.copies.push(Copy { edition, state, maybe_duplicate, at: moment(seed) });
        }
    }
    reader.supporter = maybe(seed, |seed| (one(seed, &DonorState::ALL), maybe(seed, moment)));
    // Some moved, and some of those from an address that another reader has now.
    if seed.once_in(5) {
        let former = match known.last() {
            Some(other) if seed.once_in(2) => other.email.clone(),
            _ => format!("former{id}@example.org"),
        };
        match seed.within(0..3) {
            0 => reader.gives_as = Some(former),
            1 => reader.gave_as = vec![former],
            _ => reader.gave_as = vec![former, format!("older{id}@example.org")],
        }
    }
    for _ in 0..seed.within(0..3) {
        reader.notes.push(format!("{}\n{}", one(seed, &TEXTS), one(seed, &TEXTS)));
    }
    reader
}

fn world(seed: &mut Seed) -> World {
    let mut world = World::default();
    // Keys with gaps between them.
    let mut id = 0;
    for _ in 0..seed.within(60..140) {
        id += i64::try_from(seed.within(1..4)).expect("small");
        let reader = reader(seed, id, &world.readers);
        for address in reader.gave_as.iter().chain(&reader.gives_as).chain([&reader.email]) {
            for _ in 0..seed.within(0..3) {
                let minor = i64::try_from(seed.within(1..40)).expect("small") * 50;
                let (paid, currency) = (!seed.once_in(4), one(seed, &CURRENCIES[..2]));
                world.gifts.push(Gift { donor: address.clone(), paid, currency, minor, at: moment(seed) });
            }
        }
        world.readers.push(reader);
    }
    for id in 151..157 {
        let tree = tree(seed, 2, id);
        world.segments.insert(id, tree);
    }
    world
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn null<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

/// The rows of a world.
fn rows(world: &World) -> String {
    let mut sql = String::new();
    let mut add = |text: String| writeln!(sql, "{text};").expect("a string");
    add(format!("insert into setting (id, name, value, changed_at) values (1, 'time_zone', '{ZONE}', 0)"));
    for (id, rhythms) in LISTS {
        add(format!(
            "insert into list (id, slug, name, description, visibility, created_at, public_id, rhythms) values ({id}, 'l{id}', 'List {id}', '', 'public', 0, 'l{id}', '{rhythms}')"
        ));
    }
    add("insert into digest (id, slug, name, list_id, created_at) values (1, 'd', 'D', 101, 0)".to_owned());
    for id in EDITIONS {
        add(format!(
            "insert into edition (id, public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at) values ({id}, 'e{id}', 1, 101, 'finished', 1, 'resend', 0, 0)"
        ));
    }
    for id in TOPICS {
        let into = if id == 114 { "111" } else { "null" };
        add(format!(
            "insert into reader_topic (id, public_id, name, name_key, description, position, created_at, retired_at, merged_into) values ({id}, 't{id}', 'Topic {id}', 'topic {id}', '', {id}, 0, {}, {into})",
            if id == 114 { "1" } else { "null" }
        ));
    }
    for (id, kind) in
        [(TEXT, "text"), (NUMBER, "number"), (DATE, "date"), (YES_NO, "yes-no"), (CHOICE, "choice")]
    {
        add(format!(
            "insert into field (id, name, label, kind, choices) values ({id}, 'f{id}', 'Field {id}', '{kind}', '')"
        ));
    }
    for id in FORMS {
        add(format!(
            "insert into form (id, slug, name, title, intro, wording, offers, campaign, source, sites, state) values ({id}, 'f{id}', 'Form {id}', '', '', '', 'all', '', '', '', 'open')"
        ));
    }
    for reader in &world.readers {
        let id = reader.id;
        let gives_as = null(reader.gives_as.as_deref().map(quoted));
        add(format!(
            "insert into subscriber (id, public_id, email, email_key, name, created_at, gives_as) values ({id}, 'r{id}', {0}, {0}, '', {1}, {gives_as})",
            quoted(&reader.email),
            reader.created_at
        ));
        for Sub { list, state, paused_until, rhythm } in &reader.subs {
            let (paused, rhythm) = (null(*paused_until), null(rhythm.map(|one| quoted(one.as_str()))));
            add(format!(
                "insert into subscription (subscriber_id, list_id, state, asked_at, paused_until, rhythm) values ({id}, {list}, '{state}', 0, {paused}, {rhythm})"
            ));
        }
        for (list, topic) in &reader.topics {
            add(format!(
                "insert into subscription_topic (subscriber_id, list_id, topic_id) values ({id}, {list}, {topic})"
            ));
        }
        for (field, answer) in &reader.answers {
            add(format!(
                "insert into field_value (subscriber_id, field_id, value) values ({id}, {field}, {})",
                quoted(answer)
            ));
        }
        for (form, source, campaign) in &reader.events {
            add(format!(
                "insert into consent_event (subscriber_id, list_id, action, method, source, campaign, ip, user_agent, at, form_id) values ({id}, 101, 'asked', 'form', {}, {}, '', '', 0, {})",
                quoted(source),
                quoted(campaign),
                null(*form)
            ));
        }
        for (list, at, edition) in &reader.again {
            add(format!(
                "insert into consent_event (subscriber_id, list_id, action, method, source, campaign, ip, user_agent, at) values ({id}, {list}, 'confirmed', 'edition', (select 'edition ' || public_id from edition where id = {edition}), '', '', '', {at})"
            ));
        }
        for (number, (reason, lifted)) in reader.stops.iter().enumerate() {
            let lifted = if *lifted { "1" } else { "null" };
            add(format!(
                "insert into suppression (address_hash, reason, detail, created_at, lifted_at, subscriber_id) values ('h{id}.{number}', '{reason}', '', 0, {lifted}, {id})"
            ));
        }
        for Copy { edition, state, maybe_duplicate, at } in &reader.copies {
            // Told apart so that both engines read it.
            let (no, yes) = ("cast(0 as MARK)", "cast(1 as MARK)");
            let maybe = if *maybe_duplicate { yes } else { no };
            add(format!(
                "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt, marker, maybe_duplicate, next_at, updated_at) values ({edition}, {id}, 'a', '', 'd', 1, '{state}', 0, {no}, {maybe}, 0, {at})"
            ));
        }
        if let Some((state, last)) = &reader.supporter {
            add(format!(
                "insert into donor_state (subscriber_id, state, last_gift_at, updated_at) values ({id}, '{state}', {}, 0)",
                null(*last)
            ));
        }
        for (number, address) in reader.gave_as.iter().enumerate() {
            add(format!(
                "insert into former_address (subscriber_id, address_hash, left_at, gave_as) values ({id}, 'h{number}', 0, {})",
                quoted(address)
            ));
        }
        for note in &reader.notes {
            add(format!(
                "insert into reader_note (subscriber_id, text, at) values ({id}, {}, 0)",
                quoted(note)
            ));
        }
    }
    let mut donors: Vec<&str> = Vec::new();
    for (number, gift) in world.gifts.iter().enumerate() {
        let donor = donors.iter().position(|known| *known == gift.donor).unwrap_or_else(|| {
            donors.push(&gift.donor);
            let id = donors.len();
            add(format!(
                "insert into donor (id, public_id, email, email_key, name, created_at, never_ask_since) values ({id}, 'd{id}', {0}, {0}, '', 0, {1})",
                quoted(&gift.donor),
                if never_asked(&gift.donor) { "1" } else { "null" }
            ));
            donors.len() - 1
        }) + 1;
        let Gift { currency, minor, at, .. } = gift;
        let (state, paid_at) =
            if gift.paid { ("paid", at.to_string()) } else { ("failed", "null".to_owned()) };
        add(format!(
            "insert into donation (public_id, donor_id, email, name, kind, amount_minor, currency, state, created_at, paid_at) values ('g{number}', {donor}, '', '', 'once', {minor}, '{currency}', '{state}', 0, {paid_at})"
        ));
    }
    for (id, tree) in &world.segments {
        add(format!(
            "insert into segment (id, public_id, name, name_key, version, created_at, changed_at) values ({id}, 's{id}', 'Segment {id}', 'segment {id}', 1, 0, 0)"
        ));
        add(format!(
            "insert into segment_version (segment_id, version, tree, saved_at) values ({id}, 1, {}, 0)",
            quoted(&tree.write())
        ));
    }
    sql
}

async fn fill(db: &Db, world: &World) {
    let sql = rows(world);
    match db {
        Db::Sqlite { write, .. } => {
            let mut tx = write.begin().await.expect("a transaction");
            let sql = sql.replace("as MARK", "as integer");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.expect("the rows");
            tx.commit().await.expect("a commit");
        }
        Db::Postgres { pool, .. } => {
            let sql = sql.replace("as MARK", "as boolean");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.expect("the rows");
        }
    }
}

fn when(seed: &mut Seed) -> When {
    match seed.within(0..4) {
        0 => When::Before(day(seed)),
        1 => When::Since(day(seed)),
        2 => When::Within(u32::try_from(seed.within(1..200)).expect("small")),
        _ => When::LongerAgo(u32::try_from(seed.within(1..200)).expect("small")),
    }
}

fn text(seed: &mut Seed) -> String {
    one(seed, &TEXTS).to_owned()
}

fn small(seed: &mut Seed, most: usize) -> i64 {
    i64::try_from(seed.within(0..most)).expect("small")
}

/// A condition; segments that it names have a smaller key.
fn condition(seed: &mut Seed, below: i64) -> Condition {
    let list = |seed: &mut Seed| maybe(seed, |seed| one(seed, &LISTS).0);
    match seed.within(0..18) {
        0 => Condition::List { list: list(seed), stands: one(seed, &ListStanding::ALL) },
        1 => Condition::Topic { topic: one(seed, &TOPICS), list: list(seed) },
        2 => Condition::Rhythm { list: list(seed), rhythm: maybe(seed, |seed| one(seed, &Rhythm::ALL)) },
        3 | 4 => {
            let (field, answer) = match seed.within(0..7) {
                0 => (one(seed, &[TEXT, NUMBER, DATE, YES_NO, CHOICE, GONE]), AnswerTest::Given),
                1 => (TEXT, AnswerTest::Is(text(seed))),
                2 => (TEXT, AnswerTest::Holds(text(seed))),
                3 => {
                    let least = maybe(seed, |seed| one(seed, &[-1250, -1249, 0, 29, 30, 1250]));
                    let most = maybe(seed, |seed| one(seed, &[-1250, 28, 29, 1200, 99_999_999_999_999]));
                    (NUMBER, AnswerTest::Number { least, most })
                }
                4 => {
                    let day = |seed: &mut Seed| {
                        let text = one(seed, &DATES);
                        text.parse().expect("a day")
                    };
                    (DATE, AnswerTest::Date { from: maybe(seed, day), to: maybe(seed, day) })
                }
                5 => (YES_NO, AnswerTest::YesNo(seed.once_in(2))),
                _ => (CHOICE, AnswerTest::Choice(one(seed, &["Red", "red", "Green"]).to_owned())),
            };
            Condition::Field { field, answer }
        }
        5 => Condition::Joined { when: when(seed) },
        6 => Condition::Form { form: one(seed, &FORMS) },
        7 => Condition::Source { text: text(seed) },
        8 => Condition::Domain { domain: one(seed, &DOMAINS).to_owned() },
        9 => Condition::Stopped { reason: maybe(seed, |seed| one(seed, &StopReason::ALL)) },
        10 if seed.once_in(2) => Condition::Got { edition: one(seed, &EDITIONS) },
        10 => Condition::ConfirmedBy { edition: one(seed, &EDITIONS) },
        11 => Condition::LastMail { when: when(seed) },
        12 => Condition::Supporter { state: one(seed, &DonorState::ALL) },
        13 => Condition::Gave {
            gifts: Gifts {
                currency: one(seed, &CURRENCIES).to_owned(),
                measure: one(seed, &GiftMeasure::ALL),
                least: maybe(seed, |seed| small(seed, 40) * 50),
                most: maybe(seed, |seed| small(seed, 90) * 50),
                from: maybe(seed, day),
                to: maybe(seed, day),
            },
        },
        14 => Condition::LastGave { when: when(seed) },
        16 => Condition::ConfirmedAgain { list: list(seed), when: when(seed) },
        15 if seed.once_in(2) => Condition::NeverAsked,
        15 => Condition::Note { text: text(seed) },
        _ if below <= 151 => Condition::Segment { segment: if seed.once_in(9) { GONE } else { 151 } },
        _ => Condition::Segment { segment: 151 + small(seed, usize::try_from(below - 151).expect("small")) },
    }
}

fn tree(seed: &mut Seed, depth: usize, below: i64) -> SegmentTree {
    let branches =
        |seed: &mut Seed| (0..seed.within(0..4)).map(|_| tree(seed, depth - 1, below)).collect::<Vec<_>>();
    match seed.within(0..5) {
        0 if depth > 0 => SegmentTree::All(branches(seed)),
        1 if depth > 0 => SegmentTree::Any(branches(seed)),
        2 if depth > 0 => SegmentTree::Not(Box::new(tree(seed, depth - 1, below))),
        _ => loop {
            let condition = condition(seed, below);
            // The first of the segments has none below it.
            if below > 151 || !matches!(condition, Condition::Segment { segment: 151 }) {
                return SegmentTree::Is(condition);
            }
        },
    }
}

/// A plain reading of the same.
impl World {
    fn is_whole(&self, tree: &SegmentTree) -> bool {
        tree.takes_in().iter().all(|id| self.segments.get(id).is_some_and(|tree| self.is_whole(tree)))
    }

    fn is(&self, tree: &SegmentTree, reader: &Known) -> bool {
        match tree {
            SegmentTree::All(trees) => trees.iter().all(|tree| self.is(tree, reader)),
            SegmentTree::Any(trees) => trees.iter().any(|tree| self.is(tree, reader)),
            SegmentTree::Not(tree) => !self.is(tree, reader),
            SegmentTree::Is(condition) => self.meets(condition, reader),
        }
    }

    fn meets(&self, condition: &Condition, reader: &Known) -> bool {
        let of = |list: &Option<i64>, sub: i64| list.is_none_or(|list| list == sub);
        match condition {
            Condition::List { list, stands } => {
                reader.subs.iter().filter(|sub| of(list, sub.list)).any(|sub| match stands {
                    ListStanding::On => sub.state == "confirmed",
                    ListStanding::Rests => {
                        sub.state == "confirmed" && sub.paused_until.is_some_and(|until| until > NOW.0)
                    }
                    ListStanding::Waits => sub.state == "pending",
                    ListStanding::Left => sub.state == "left",
                })
            }
            Condition::Topic { topic, list } => {
                let topic = if *topic == 114 { 111 } else { *topic };
                reader.topics.iter().any(|(at, chosen)| of(list, *at) && *chosen == topic)
            }
            Condition::Rhythm { list, rhythm } => {
                let on = reader.subs.iter().filter(|sub| sub.state == "confirmed" && of(list, sub.list));
                on.map(|sub| {
                    let (_, offered) = LISTS.iter().find(|(id, _)| *id == sub.list).expect("a list");
                    sub.rhythm.filter(|one| Rhythm::read(offered).contains(one))
                })
                .any(|one| one == *rhythm)
            }
            Condition::Field { field, answer } => {
                reader.answers.get(field).is_some_and(|given| answers(given, answer))
            }
            Condition::Joined { when } => is_when(reader.created_at, *when),
            Condition::ConfirmedAgain { list, when } => {
                reader.again.iter().any(|(at, moment, _)| of(list, *at) && is_when(*moment, *when))
            }
            Condition::ConfirmedBy { edition } => reader.again.iter().any(|(_, _, by)| by == edition),
            Condition::Form { form } => reader.events.iter().any(|(by, ..)| *by == Some(*form)),
            Condition::Source { text } => reader.events.iter().any(|(_, source, campaign)| {
                [source, campaign].iter().any(|one| one.eq_ignore_ascii_case(text))
            }),
            Condition::Domain { domain } => reader.email.rsplit_once('@').expect("an address").1 == domain,
            Condition::Stopped { reason } => {
                reader.stops.iter().any(|(why, lifted)| !lifted && reason.is_none_or(|reason| reason == *why))
            }
            Condition::Got { edition } => reader.copies.iter().any(|copy| {
                copy.edition == *edition
                    && (["accepted", "unknown"].contains(&copy.state) || copy.maybe_duplicate)
            }),
            Condition::LastMail { when } => reader
                .copies
                .iter()
                .filter(|copy| copy.state == "accepted")
                .map(|copy| copy.at)
                .max()
                .is_some_and(|at| is_when(at, *when)),
            Condition::Supporter { state } => {
                reader.supporter.as_ref().map_or(DonorState::Never, |(state, _)| *state) == *state
            }
            Condition::Gave { gifts } => self.gave(gifts, reader),
            Condition::LastGave { when } => {
                reader.supporter.as_ref().and_then(|(_, last)| *last).is_some_and(|at| is_when(at, *when))
            }
            Condition::NeverAsked => {
                let addresses = self.gives_as(reader);
                self.gifts
                    .iter()
                    .any(|gift| addresses.contains(&gift.donor.as_str()) && never_asked(&gift.donor))
            }
            Condition::Note { text } => {
                let text = text.to_ascii_lowercase();
                reader.notes.iter().any(|note| note.to_ascii_lowercase().contains(&text))
            }
            Condition::Segment { segment } => self.is(&self.segments[segment], reader),
        }
    }

    /// Under which addresses the gifts of a reader are theirs.
    fn gives_as<'a>(&'a self, reader: &'a Known) -> Vec<&'a str> {
        let mut all: Vec<&str> = Vec::new();
        match &reader.gives_as {
            Some(address) => all.push(address),
            None if self.readers.iter().any(|other| other.gives_as.as_ref() == Some(&reader.email)) => {}
            None => all.push(&reader.email),
        }
        for address in &reader.gave_as {
            let others = self.readers.iter().filter(|other| other.id != reader.id);
            if !others
                .into_iter()
                .any(|other| other.email == *address || other.gives_as.as_ref() == Some(address))
            {
                all.push(address);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn gave(&self, asked: &Gifts, reader: &Known) -> bool {
        let zone = Zone::named(ZONE).expect("a zone");
        let addresses = self.gives_as(reader);
        let gifts: Vec<&Gift> = self
            .gifts
            .iter()
            .filter(|gift| gift.paid && addresses.contains(&gift.donor.as_str()))
            .filter(|gift| asked.currency.is_empty() || asked.currency == gift.currency)
            .filter(|gift| asked.from.is_none_or(|day| gift.at >= zone.day(day).expect("a day").0.0))
            .filter(|gift| asked.to.is_none_or(|day| gift.at < zone.day(day).expect("a day").1.0))
            .collect();
        let fits = |value: i64| {
            asked.least.is_none_or(|least| value >= least) && asked.most.is_none_or(|most| value <= most)
        };
        match asked.measure {
            GiftMeasure::Sum => fits(gifts.iter().map(|gift| gift.minor).sum()),
            GiftMeasure::Number => fits(i64::try_from(gifts.len()).expect("few")),
            GiftMeasure::Single => gifts.iter().any(|gift| fits(gift.minor)),
        }
    }
}

/// Some supporters do not want to be asked.
fn never_asked(address: &str) -> bool {
    address.len().is_multiple_of(2)
}

fn answers(given: &str, test: &AnswerTest) -> bool {
    match test {
        AnswerTest::Given => true,
        AnswerTest::Is(text) => given.eq_ignore_ascii_case(text),
        AnswerTest::Holds(text) => given.to_ascii_lowercase().contains(&text.to_ascii_lowercase()),
        AnswerTest::Number { least, most } => {
            let (whole, part) = given.split_once('.').unwrap_or((given, "0"));
            let part: i64 = format!("{part:0<2}").parse().expect("digits");
            let whole_hundredths: i64 = whole.parse::<i64>().expect("digits") * 100;
            let value =
                if given.starts_with('-') { whole_hundredths - part } else { whole_hundredths + part };
            least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most)
        }
        AnswerTest::Date { from, to } => {
            let day: Date = given.parse().expect("a day");
            from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)
        }
        AnswerTest::YesNo(yes) => given == if *yes { "yes" } else { "no" },
        AnswerTest::Choice(choice) => given == choice,
    }
}

fn is_when(at: i64, when: When) -> bool {
    let zone = Zone::named(ZONE).expect("a zone");
    let begins = |day| zone.day(day).expect("a day").0.0;
    match when {
        When::Before(day) => at < begins(day),
        When::Since(day) => at >= begins(day),
        When::Within(days) => at >= NOW.0 - DAY * i64::from(days),
        When::LongerAgo(days) => at < NOW.0 - DAY * i64::from(days),
    }
}

/// Everybody of whom a tree is true, page by page.
async fn found(site: &Site, tree: &SegmentTree, limit: i64) -> Result<Vec<i64>, sqlx::Error> {
    let (mut all, mut after) = (Vec::new(), i64::MIN);
    loop {
        let page = segments::page(site, tree, after, limit).await?;
        all.extend(page.readers);
        match page.last {
            Some(last) => after = last,
            None => return Ok(all),
        }
    }
}

both_engines! {
    /// TRUST A14: what somebody chose of readers is a condition of a statement, and never a word of it. Random trees over random readers
    /// never fail, and mean whoever a plain reading of the same rows says; also whoever says "not".
    async fn a_segment_means_whom_it_says(db: TestDb) {
        let mut seed = Seed::get("a segment means whom it says");
        let world = world(&mut seed);
        let site = db.site("http://127.0.0.1/", NOW);
        fill(&site.db, &world).await;
        let (mut matched, mut of) = (0, 0);
        for round in 0..250 {
            let tree = tree(&mut seed, 4, 157);
            let whole = world.is_whole(&tree);
            let wanted: Vec<i64> =
                world.readers.iter().filter(|reader| whole && world.is(&tree, reader)).map(|reader| reader.id).collect();
            let limit = i64::try_from(seed.within(1..200)).expect("small");
            match found(&site, &tree, limit).await {
                Ok(found) => assert_eq!(found, wanted, "round {round}: {tree:?}"),
                Err(error) => panic!("round {round}: {error}: {tree:?}"),
            }
            if round % 10 == 0 {
                let counted = segments::count(&site, &tree).await.expect("a count");
                assert!(!counted.about && counted.n == i64::try_from(wanted.len()).expect("few"), "{counted:?}");
                let newest = segments::newest(&site, &tree, i64::MAX, 5).await.expect("a page");
                let last: Vec<i64> = wanted.iter().rev().take(5).copied().collect();
                assert_eq!(newest.readers, last, "round {round}: {tree:?}");
            }
            assert_eq!(SegmentTree::read(&tree.write()).expect("it reads"), tree, "it is kept as it is");
            assert!(!segments::sentence(&tree, &SegmentNames::default()).is_empty());
            matched += wanted.len();
            of += world.readers.len();
        }
        // Trees that mean nobody or everybody would prove little.
        assert!(matched * 10 > of && matched * 10 < of * 9, "{matched} of {of}");
    }
}

both_engines! {
    /// A condition looks at the rows of its reader by an index, and at nobody else's: else it would cost as much as there are readers, for each of
    /// them.
    async fn no_condition_looks_at_everybody(db: TestDb) {
        let mut looked_at = 0;
        let all = broadside::statements();
        let of_segments = all.iter().filter(|(room, _)| *room == "segments").flat_map(|(_, all)| all.iter());
        let conditions = of_segments.filter(|sql| sql.sqlite.starts_with("select r.id from subscriber r where ") && sql.name != "AMONG");
        for sql in conditions {
            looked_at += 1;
            let plan = crate::statements::plan(&db, *sql).await;
            let is_of_readers = |line: &str| line.starts_with("SCAN r") || ["SCAN a", "SCAN CONSTANT ROW"].contains(&line) || line.contains(" on subscriber r ");
            let costs = |line: &&String| {
                let line = line.trim();
                let is_wide = line.starts_with("SCAN ") || line.contains("Seq Scan") || line.starts_with("SEARCH ") && !line.contains("=?");
                is_wide && !is_of_readers(line)
            };
            assert!(!plan.iter().any(|line| costs(&line)), "{}: {plan:#?}", sql.name);
        }
        assert_eq!(looked_at, 28);
    }
}

const fn on_the_first_list() -> SegmentTree {
    SegmentTree::Is(Condition::List { list: Some(101), stands: ListStanding::On })
}

const fn in_segment(segment: i64) -> SegmentTree {
    SegmentTree::Is(Condition::Segment { segment })
}

both_engines! {
    /// TRUST A14: a version is never edited, nobody saves over what they did not see, and none takes itself in by way of another.
    async fn a_segment_is_kept_in_versions_and_in_no_circle(db: TestDb) {
        let site = db.site("http://127.0.0.1/", NOW);
        fill(&site.db, &World::default()).await;
        let make = |name: &'static str, tree: SegmentTree| {
            let site = site.clone();
            async move {
                let id = segments::create(&site, None, name, tree).await.expect("made");
                segments::find(&site.db, &id).await.expect("a read").expect("it is there")
            }
        };
        let one = make("Close ones", on_the_first_list()).await;
        let other = make("Others", SegmentTree::Not(Box::new(in_segment(one.id)))).await;
        assert!(matches!(
            segments::create(&site, None, " close ONES ", on_the_first_list()).await,
            Err(SegmentError::NameTaken)
        ));
        let circle = segments::save(&site, None, &one, SegmentTree::All(vec![in_segment(other.id)])).await;
        let told = circle.expect_err("a circle").to_string();
        assert!(told.contains("“Close ones”") && told.contains("“Others”"), "{told}");
        let itself = segments::save(&site, None, &one, in_segment(one.id)).await;
        assert!(matches!(itself, Err(SegmentError::Circle(..))), "{itself:?}");
        let gone = segments::save(&site, None, &one, in_segment(GONE)).await;
        assert!(matches!(gone, Err(SegmentError::Tree(TreeError::Gone(_)))), "{gone:?}");

        let rests = SegmentTree::Is(Condition::List { list: None, stands: ListStanding::Rests });
        assert_eq!(segments::save(&site, None, &one, rests.clone()).await.expect("saved"), 2);
        assert!(matches!(segments::save(&site, None, &one, rests.clone()).await, Err(SegmentError::Changed)));
        let versions = segments::versions(&site.db, one.id, 10).await.expect("a read");
        let trees: Vec<_> = versions.iter().map(|version| (version.version, version.tree.clone())).collect();
        assert_eq!(trees, [(2, rests), (1, on_the_first_list())]);

        let one = segments::find(&site.db, &one.public_id).await.expect("a read").expect("it is there");
        let told = segments::delete(&site, None, &one).await.expect_err("it is used").to_string();
        assert!(told.contains("the segment “Others”"), "{told}");
        segments::delete(&site, None, &other).await.expect("nothing uses it");
        segments::delete(&site, None, &one).await.expect("nothing uses it any more");
        assert!(segments::all(&site.db).await.expect("a read").is_empty());
    }
}

/// The sentence above a segment is one that an editor would say.
#[test]
fn a_segment_is_said_in_words() {
    let names = SegmentNames::default();
    let gave = |from, to| {
        let currency = "EUR".to_owned();
        let gifts = Gifts { currency, measure: GiftMeasure::Sum, least: Some(5000), most: None, from, to };
        SegmentTree::Is(Condition::Gave { gifts })
    };
    let not = |tree| SegmentTree::Not(Box::new(tree));
    let tree = SegmentTree::All(vec![
        SegmentTree::Is(Condition::Supporter { state: DonorState::Once }),
        gave(Some(date(2026, 1, 1)), Some(date(2026, 12, 31))),
        not(SegmentTree::Is(Condition::LastGave { when: When::Since(date(2026, 7, 1)) })),
        SegmentTree::Any(vec![
            SegmentTree::Is(Condition::Domain { domain: "example.org".to_owned() }),
            SegmentTree::Is(Condition::Joined { when: When::Within(30) }),
        ]),
    ]);
    assert_eq!(
        segments::sentence(&tree, &names),
        "Readers who gave, not regularly, gave at least €50.00 in all in 2026, did not give last on 1 July 2026 or later and \
         either have an address at example.org or joined in the last 30 days"
    );
    let currency = "EUR".to_owned();
    let any = Gifts {
        currency,
        measure: GiftMeasure::Sum,
        least: None,
        most: None,
        from: Some(date(2026, 1, 1)),
        to: Some(date(2026, 12, 31)),
    };
    let large = Gifts { least: Some(123_456_700), ..any.clone() };
    for (gifts, words) in [
        (any, "Readers who gave something in EUR in 2026"),
        (large, "Readers who gave at least €1,234,567.00 in all in 2026"),
    ] {
        let gave = SegmentTree::Is(Condition::Gave { gifts }).checked().expect("a segment");
        assert_eq!(segments::sentence(&gave, &names), words);
    }
    let again =
        SegmentTree::Is(Condition::ConfirmedAgain { list: None, when: When::Since(date(2026, 5, 12)) });
    assert_eq!(
        segments::sentence(&again, &names),
        "Readers who confirmed a list again on 12 May 2026 or later"
    );
    assert_eq!(
        segments::sentence(&not(again), &names),
        "Readers who did not confirm any list again on 12 May 2026 or later"
    );
    assert_eq!(segments::sentence(&SegmentTree::All(Vec::new()), &names), "Every reader");
}

/// What is too large, empty or out of order is refused in words, before the database is asked.
#[test]
fn what_is_no_segment_is_refused() {
    let refused = |tree: SegmentTree| tree.checked().expect_err("no segment");
    assert_eq!(refused(SegmentTree::All(Vec::new())), TreeError::Empty);
    assert_eq!(
        refused(SegmentTree::All(vec![on_the_first_list(), SegmentTree::Any(Vec::new())])),
        TreeError::EmptyGroup
    );
    assert_eq!(refused(SegmentTree::All(vec![on_the_first_list(); 31])), TreeError::TooMany);
    let deep = (0..6).fold(on_the_first_list(), |tree, _| SegmentTree::Any(vec![tree]));
    assert_eq!(refused(deep), TreeError::TooDeep);
    let domain = |domain: &str| SegmentTree::Is(Condition::Domain { domain: domain.to_owned() }).checked();
    assert_eq!(domain("no domain at all"), Err(TreeError::Domain));
    assert_eq!(
        domain(" @Example.ORG").expect("a domain"),
        SegmentTree::Is(Condition::Domain { domain: "example.org".to_owned() })
    );
    assert_eq!(refused(SegmentTree::Is(Condition::Joined { when: When::Within(0) })), TreeError::Days);
    assert!(SegmentTree::read("{\"version\":2,\"tree\":{\"all\":[]}}").is_err(), "a newer version's");
}
