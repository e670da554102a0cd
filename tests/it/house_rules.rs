//! The rules of the house that a compiler does not hold: who may import whom, and which room may use which library.
//!
//! The test reads the paths in the source text. `clippy.toml` holds the same for single functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::imports::{Map, circles};

/// What may be named where, and why. A path of `src/` allows everything below it.
const LIBRARIES: &[(&[&str], &[&str], &str)] = &[
    (&["std::env"], &["config/"], "config/ is the only reader of the environment"),
    (
        &["aws_lc_rs::rand", "SystemRandom", "getrandom"],
        &["token.rs"],
        "token.rs is the only user of randomness",
    ),
    (
        &["SystemTime", "Timestamp::now", "Zoned::now", "Instant::now"],
        &["clock.rs"],
        "only clock.rs asks the time",
    ),
    (
        &["Sqlite", "Postgres", "PgPool", "PgConnection", "PgRow", "query_as", "sqlx::query"],
        &["db/"],
        "only db/ speaks to an engine",
    ),
    (
        &["statements!", "queue!"],
        &["db/", "store.rs", "store/", "queue/sql.rs"],
        "SQL lives in each room's private store",
    ),
    (&["stripe-version"], &["payments/stripe/", "sandbox/"], "one place knows the provider"),
    (
        &["icu_normalizer::", "icu_properties::"],
        &["email_address/"],
        "one folder knows what is a letter in which script",
    ),
    (&["prometheus_client"], &["meters.rs"], "meters.rs counts, and writes what it counted"),
    (&["handlebars::"], &["mail/", "web/pages.rs", "sandbox/"], "templates are rendered in two places"),
    (&["axum::"], &["web/", "door/", "sandbox/"], "only the web speaks HTTP to browsers"),
    (
        &["axum::serve", ".accept()", "hyper::"],
        &["door/"],
        "door/ takes connections: it knows how long and how many",
    ),
    (
        &["create_dir", "DirBuilder", "fs::write", "File::create", "File::options", "OpenOptions"],
        &["private.rs"],
        "private.rs makes files and folders: nobody else may read them",
    ),
    (
        &["tokio::spawn", "spawn_blocking", "JoinSet", "thread::spawn"],
        &[
            "heavy.rs",
            "journal/mod.rs",
            "door/accept.rs",
            "delivery/engine.rs",
            "delivery/writer.rs",
            "dkim/mod.rs",
            "staff/passwords.rs",
            "jobs/mod.rs",
            "sandbox/",
            "db/reach.rs",
            "db/together.rs",
            "cli/running.rs",
            "cli/backup.rs",
            "cli/restore.rs",
        ],
        "who begins a task waits for it, keeps it (tasks.rs), or ends the process when it ends",
    ),
    (&["anyhow::", "anyhow!"], &["main.rs", "cli/"], "rooms have errors that a caller can act on"),
];

/// Names of the engines that are values, not drivers.
const HARMLESS: &[&str] = &["Engine::Sqlite", "Engine::Postgres", "hooks::stripe::"];

/// The order of import: a room may use what stands before it, and its own level only where the list says so.
const LEVELS: &[&[&str]] = &[
    &[
        "clock",
        "heavy",
        "money",
        "email_address",
        "answers",
        "network",
        "smtp_url",
        "token",
        "sealed_file",
        "links",
        "authorities",
        "dns",
        "private",
        "tasks",
        "meters",
        "door",
        "words",
        "journal",
    ],
    &["db"],
    &["site"],
    &["kept_file"],
    &["queue"],
    &["attempts", "withdrawals"],
    &["mail", "moving_in", "payments", "replies", "smtp"],
    &["audit_log"],
    &["settings"],
    &["relays", "editions", "origin", "dkim"],
    &["delivery"],
    &["bounces"],
    &["deliverability"],
    &["staff"],
    &["pictures"],
    &["subscribers", "articles"],
    &["segments"],
    &["audience"],
    &["bulk"],
    &["publishing", "donations"],
    &["dossier"],
    &["restored", "doctor"],
    &["jobs"],
    &["web"],
    &["config", "cli"],
];

/// Every source file of the program: its path below `src/`, and its text.
pub fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let name = |file: &PathBuf| file.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), fs::read_to_string(file).expect("our own file"))).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("our own folder") {
        let path = entry.expect("our own folder").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// The lines that are code of the program: no comments, and nothing of the inline tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    of_the_program(text).into_iter().map(|(at, line)| (at, line.split("//").next().unwrap_or(line)))
}

/// The lines with their numbers, without the items that `#[cfg(test)]` stands before. Such an item ends in a line that begins
/// as far from the margin as the attribute does, and ends it: `mod tests;`, `}`.
fn of_the_program(text: &str) -> Vec<(usize, &str)> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut kept = Vec::new();
    let mut of_tests = None;
    for (at, line) in text.lines().enumerate() {
        let words = line.trim();
        match of_tests {
            None if words == "#[cfg(test)]" => of_tests = Some(indent(line)),
            None => kept.push((at + 1, line)),
            Some(depth) => {
                let is_attribute = words.starts_with('#') || words.starts_with("//");
                let ends = [';', '}', ','].iter().any(|end| words.ends_with(*end));
                if indent(line) == depth && ends && !is_attribute {
                    of_tests = None;
                }
            }
        }
    }
    kept
}

#[test]
fn the_reader_of_code_leaves_out_one_item_of_tests_and_goes_on() {
    let text = "#[cfg(test)]\nmod tests;\nuse a::b;\n#[cfg(test)]\n#[path = \"odd.rs\"]\nmod odd;\nfn f() {} // c\nimpl X {\n    #[cfg(test)]\n    fn g(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n    fn h() {}\n}\n#[cfg(test)]\nmod more {\n    use super::*;\n\n    fn i() {}\n}\nuse c::d;";
    let seen: Vec<(usize, &str)> = code(text).map(|(at, line)| (at, line.trim())).collect();
    assert_eq!(
        seen,
        [
            (3, "use a::b;"),
            (7, "fn f() {}"),
            (8, "impl X {"),
            (15, "fn h() {}"),
            (16, "}"),
            (23, "use c::d;")
        ]
    );
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        for (words, rooms, why) in LIBRARIES {
            if rooms.iter().any(|room| {
                path.starts_with(room)
                    || path.ends_with(&format!("/{room}"))
                    || path.contains(&format!("/{room}")) && room.ends_with('/')
            }) {
                continue;
            }
            for (at, line) in code(text) {
                let line = HARMLESS.iter().fold(line.to_owned(), |line, harmless| line.replace(harmless, ""));
                if let Some(word) = words.iter().find(|word| names(&line, word)) {
                    wrong.push(format!("src/{path}:{at} names {word}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A domain says what happens together, and writes it down with it; a page that forgot half of it would leave no trace.
#[test]
fn no_handler_opens_a_transaction() {
    let sources = sources();
    let web = sources.iter().filter(|(path, _)| path.starts_with("web/") && !is_test(path));
    let begins = web.flat_map(|(path, text)| code(text).map(move |(at, line)| (path, at, line)));
    let wrong: Vec<String> = begins
        .filter(|(_, _, line)| line.contains(".begin()") || names(line, "Tx"))
        .map(|(path, at, _)| format!("src/{path}:{at}"))
        .collect();
    assert!(wrong.is_empty(), "transactions in the web: {}", wrong.join(", "));
}

/// Whether the line holds the word, and not as the end of a longer one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let goes_on = |c: char| c.is_alphanumeric() || c == '_';
        let open_end = word.ends_with(goes_on) && after.is_some_and(goes_on);
        !before.is_some_and(goes_on) && !open_end
    })
}

#[test]
fn rooms_import_only_what_stands_below_them() {
    let level = |room: &str| LEVELS.iter().position(|rooms| rooms.contains(&room));
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let own = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
        if own == "lib" || own == "main" {
            continue;
        }
        for (at, room) in imported(text) {
            if room == own {
                continue;
            }
            // The clock comes in, so that a test moves the sandbox's time together with the rest. How sockets are taken and
            // files made is nothing that the sandbox checks.
            if own == "sandbox" && ["clock", "door", "private"].contains(&room.as_str()) {
                continue;
            }
            if own == "sandbox" {
                wrong.push(format!(
                    "src/{path}:{at} imports {room}: the sandbox shares no code with what it checks"
                ));
                continue;
            }
            let Some(own_level) = level(own) else {
                wrong.push(format!("src/{path}: the room {own} has no place in the order of import"));
                break;
            };
            // Only the commands may start the sandbox.
            let allowed = if room == "sandbox" {
                own == "cli"
            } else {
                level(&room).is_some_and(|level| level < own_level)
            };
            // Small types may use one another: each is one file, and the compiler's own eyes are enough.
            let both_small = own_level == 0 && level(&room) == Some(0);
            let settings = own == "cli" && room == "config";
            if !allowed && !both_small && !settings {
                wrong.push(format!("src/{path}:{at} imports {room}, which does not stand below {own}"));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rooms named in `crate::room…` and in `use crate::{…}`, with the line of each.
fn imported(text: &str) -> Vec<(usize, String)> {
    let whole: String = code(text).flat_map(|(_, line)| [line, "\n"]).collect();
    let mut rooms = Vec::new();
    for (at, _) in whole.match_indices("crate::") {
        let line = whole[..at].matches('\n').count() + 1;
        let rest = &whole[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => rooms.push((line, word(rest))),
            Some(group) => {
                let mut depth = 1;
                let mut expect_name = true;
                for (offset, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => expect_name = true,
                        _ if expect_name && depth == 1 && c.is_alphanumeric() => {
                            rooms.push((line, word(&group[offset..])));
                            expect_name = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    rooms.retain(|(_, room)| room.chars().next().is_some_and(char::is_lowercase) && room != "statements");
    rooms
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let text = "use crate::{\n    db::{Db, Tx},\n    site::Site,\n};\nfn f(x: crate::mail::Templates) {} // crate::web::x\n#[cfg(test)]\nuse crate::web;\nuse crate::jobs;";
    let seen: Vec<String> = imported(text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(seen, ["db", "site", "mail", "jobs"]);
}

/// Files that use one another in a circle can only be understood together: what both need has a file of its own.
#[test]
fn no_files_use_one_another_in_a_circle() {
    let sources: Vec<(String, String)> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| {
            let code = code(&text).flat_map(|(_, line)| [line, "\n"]).collect();
            (path, code)
        })
        .collect();
    let map = Map::new(&sources);
    let uses: BTreeMap<_, _> =
        sources.iter().map(|(path, code)| (path.clone(), map.used(path, code))).collect();
    let circles = circles(&uses);
    let mut words = String::new();
    for circle in &circles {
        words.push_str("\na circle:\n");
        for file in circle {
            for (other, name) in uses[file].iter().filter(|(other, _)| circle.contains(other)) {
                words.push_str(&format!("  {file} takes {name} from {other}\n"));
            }
        }
    }
    assert!(circles.is_empty(), "{words}");
}

/// Modules that a room opens to others beside its front door, and why. Where a room has several of one kind of thing, a name such as
/// `add` wants to be said with what is added.
const OPEN_MODULES: &[(&str, &[&str], &str)] = &[
    (
        "subscribers/mod.rs",
        &["consent", "fields", "forms", "lists", "machines", "requests", "rhythms", "topics"],
        "each can be added, changed, listed and found",
    ),
    ("replies/mod.rs", &["scan"], "what is looked for in a text: an address, a status, a reply code"),
    ("donations/mod.rs", &["adopt"], "taking over an account, of which the desk and a command ask each step"),
    ("payments/mod.rs", &["setup"], "what is set up at the provider, for a command and the doctor alone"),
];

/// A room has one front door: its modules are private, and what others may use is named in its `mod.rs`.
#[test]
fn rooms_have_one_front_door() {
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    let is_inside = |path: &str| {
        path == "lib.rs" || is_test(path) || path.contains("/store") || path.starts_with("sandbox/")
    };
    for (path, text) in sources().iter().filter(|(path, _)| !is_inside(path)) {
        for (at, line) in code(text) {
            let Some(module) = line.trim().strip_prefix("pub mod ").map(word) else { continue };
            let open = OPEN_MODULES
                .iter()
                .find(|(file, modules, _)| file == path && modules.contains(&module.as_str()));
            match open {
                Some(_) => {
                    found.insert((path.clone(), module));
                }
                None => {
                    wrong.push(format!("src/{path}:{at} opens {module}: name what others may use instead"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (file, modules, why) in OPEN_MODULES {
        for module in *modules {
            assert!(
                !why.is_empty() && found.contains(&((*file).to_owned(), (*module).to_owned())),
                "{file} does not open {module} any more"
            );
        }
    }
}

/// Whoever comes to a room of several files is told where to begin.
#[test]
fn a_front_door_says_where_to_start_reading() {
    let sources = sources();
    let doors =
        sources.iter().filter(|(path, _)| path.ends_with("/mod.rs") && path.matches('/').count() == 1);
    let is_large = |room: &str| sources.iter().filter(|(path, _)| path.starts_with(room)).count() > 3;
    let silent: Vec<&String> = doors
        .filter(|(path, text)| {
            let words: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            is_large(path.trim_end_matches("mod.rs")) && !words.contains("reading at")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "say where to start reading: {silent:?}");
}

/// Types of one name at several front doors, and why it is no word for two things.
const SAME_NAMES: &[(&str, &str)] = &[
    ("CopyOfData", "the link that a letter mails, and the letter that has it"),
    ("Engine", "the database's is SQLite or PostgreSQL; the one that sends has no other word"),
    ("Finding", "the doctor takes over what was found of DNS records"),
    ("Grade", "with its finding"),
    ("Leaving", "what a return address asks, handed on to who reads it there"),
    ("Result", "what the calls of a room return"),
];

/// A type that others use has a name of its own: whoever reads it knows which room it comes from.
#[test]
fn a_name_at_a_front_door_means_one_thing() {
    let is_type = |name: &str| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let room = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
        let is_open = OPEN_MODULES.iter().any(|(file, modules, _)| {
            modules.iter().any(|module| *path == file.replace("mod.rs", &format!("{module}.rs")))
        });
        let is_door = path.matches('/').count() == usize::from(path.ends_with("/mod.rs"));
        if ["sandbox", "cli", "config", "lib", "main"].contains(&room) || !is_door && !is_open {
            continue;
        }
        let whole: String = code(text).flat_map(|(_, line)| [line, "\n"]).collect();
        let handed_on = whole.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
        let handed_on = handed_on.filter(|list| !list.starts_with("crate::")).flat_map(|list| {
            list.split([',', '{', '}']).filter_map(|one| one.trim().split([':', ' ']).next_back())
        });
        let own = ["struct ", "enum ", "trait ", "type "].iter().flat_map(|kind| {
            let begins = format!("\npub {kind}");
            whole.match_indices(&begins).map(|(at, _)| word(&whole[at + begins.len()..])).collect::<Vec<_>>()
        });
        for name in handed_on.map(str::to_owned).chain(own).filter(|name| is_type(name)) {
            owners.entry(name).or_default().insert(room.to_owned());
        }
    }
    assert!(owners.len() > 200, "{} names", owners.len());
    let several: BTreeMap<_, _> = owners.iter().filter(|(_, rooms)| rooms.len() > 1).collect();
    let new: Vec<_> =
        several.iter().filter(|(name, _)| !SAME_NAMES.iter().any(|(same, _)| same == **name)).collect();
    assert!(new.is_empty(), "a word for two things: {new:?}");
    for (name, why) in SAME_NAMES {
        assert!(!why.is_empty() && several.contains_key(&(*name).to_owned()), "{name} stands at one door");
    }
}

/// Whoever may call something finds what it promises. Fields and variants say it by their names, where they can: a compiler's
/// lint would ask a sentence of each.
#[test]
fn what_others_may_call_says_what_it_promises() {
    const ITEMS: &[&str] =
        &["fn ", "async fn ", "const fn ", "struct ", "enum ", "trait ", "type ", "const ", "static "];
    let mut wrong = Vec::new();
    // A store is its room's own: each of its functions stands beside its statement.
    let is_own = |path: &str| is_test(path) || path.contains("/store");
    for (path, text) in sources().iter().filter(|(path, _)| !is_own(path)) {
        let (mut said, mut in_attribute) = (false, false);
        for (at, line) in of_the_program(text) {
            let words = line.trim_start();
            let is_item = words
                .strip_prefix("pub ")
                .is_some_and(|rest| ITEMS.iter().any(|item| rest.starts_with(item)));
            if is_item && !said {
                wrong.push(format!("src/{path}:{at} {words}"));
            }
            // Attributes stand between, on one line or several.
            in_attribute |= words.starts_with("#[");
            said = words.starts_with("///") || said && in_attribute;
            in_attribute &= !words.ends_with(']');
        }
    }
    assert!(wrong.is_empty(), "without a word of what they promise:\n{}", wrong.join("\n"));
}

/// What more than one room writes, and why.
const SHARED_TABLES: &[(&str, &[&str], &str)] = &[(
    "bounce",
    &["bounces", "delivery"],
    "the brake stops an edition and holds its reports in one transaction",
)];

/// The rooms that write each table, as their statements say it.
fn writers() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (room, statements) in broadside::statements() {
        for sql in statements {
            let words: Vec<&str> = sql.sqlite.split_whitespace().collect();
            for at in words.windows(3) {
                let table = match at {
                    ["insert", "into", table]
                    | ["delete", "from", table]
                    | ["update", table, "set" | "as"] => table,
                    _ => continue,
                };
                owners.entry(table).or_default().insert(room);
            }
        }
    }
    owners
}

/// A table is written by one room: whoever reads its statements has read everything that can become of a row.
#[test]
fn a_table_is_written_by_one_room() {
    let owners = writers();
    assert!(owners.len() > 40, "{} tables", owners.len());
    let shared: BTreeMap<&str, BTreeSet<&str>> =
        SHARED_TABLES.iter().map(|(table, rooms, _)| (*table, rooms.iter().copied().collect())).collect();
    let several: Vec<_> = owners
        .iter()
        .filter(|(table, rooms)| rooms.len() > 1 && shared.get(**table) != Some(*rooms))
        .collect();
    assert!(several.is_empty(), "{several:?}");
    for (table, rooms) in shared {
        assert_eq!(owners.get(table), Some(&rooms), "{table} is no longer written by these rooms");
    }
}

/// Tables that a room's statements read though a room above it, or beside it, writes them; and why. Where a question is part of
/// the statement that writes, or of a lock, it cannot be asked of the room above.
const READ_FROM_BELOW: &[(&str, &[&str], &str)] = &[
    ("audit_log", &["staff"], "a line says the name of who did it"),
    ("relays", &["worker"], "a trouble counts as long as the worker lives that has it"),
    (
        "editions",
        &["list"],
        "the statement that begins one, and the lock of a move: nothing goes to a list that was retired",
    ),
    ("editions", &["digest"], "the statement that begins one: its list is its digest's"),
    (
        "editions",
        &["edition_topic", "edition_segment"],
        "sealing asks of what is due whether it is about topics, or by segments",
    ),
    (
        "editions",
        &["delivery", "delivery_tally"],
        "the moves that seal and finish it: how many copies there are, and whether one is open",
    ),
    (
        "editions",
        &["delivery_attempt"],
        "the moves that let it go on: what came before is not judged any more",
    ),
    (
        "subscribers",
        &["segment_version"],
        "what an import made stays where a segment was saved since, which may name it",
    ),
    (
        "subscribers",
        &["bulk_act"],
        "the statements that merge topics: what an act on many gave of either stays as what readers chose",
    ),
    (
        "segments",
        &["edition_article", "edition_block"],
        "a segment stays while a block of an edition that is not over is for it",
    ),
    ("origin", &["worker"], "whether somebody sends for this address"),
    ("origin", &["consent_event", "suppression"], "how far the database has come"),
    (
        "delivery",
        &["subscriber"],
        "copies show readers by their names in addresses, and are claimed with what an address is made of",
    ),
    ("delivery", &["list"], "what the links of a copy are made of"),
    (
        "delivery",
        &["field", "field_value"],
        "what readers answered is asked for a whole batch of copies that are about to leave",
    ),
    (
        "delivery",
        &["subscription"],
        "the statements that end a letter of welcome or good-bye, and its last look",
    ),
    ("bounces", &["subscriber"], "whose address came back"),
    (
        "articles",
        &["edition_article"],
        "the statement that empties the bin: a title stays where an edition shows it",
    ),
    (
        "subscribers",
        &["edition_topic"],
        "the statements that merge and delete topics: not while an edition is about one",
    ),
    (
        "segments",
        &["donor", "donation", "refund", "dispute"],
        "what readers gave, and whom nobody asks, are conditions beside others, in one statement",
    ),
    ("segments", &["edition_revision"], "editions are named by their subjects"),
    ("audience", &["edition_topic"], "whom an edition is for"),
];

/// As with imports: who is below knows nothing of who is above, but for what the list says.
#[test]
fn statements_read_only_what_stands_below_them() {
    let level =
        |room: &str| LEVELS.iter().position(|rooms| rooms.contains(&room)).expect("a room with its place");
    let owners = writers();
    let mut found = BTreeSet::new();
    for (room, statements) in broadside::statements() {
        for text in statements.iter().flat_map(|sql| [sql.sqlite, sql.postgres]) {
            let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == '(' || c == ')').collect();
            for at in words.windows(2) {
                let ["from" | "join", table] = at else { continue };
                let above = |owners: &BTreeSet<&str>| {
                    !owners.contains(room) && owners.iter().all(|owner| level(owner) >= level(room))
                };
                if owners.get(table).is_some_and(above) {
                    found.insert((room, *table));
                }
            }
        }
    }
    let known: BTreeSet<(&str, &str)> = READ_FROM_BELOW
        .iter()
        .flat_map(|(room, tables, _)| tables.iter().map(|table| (*room, *table)))
        .collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "statements read what a room above them writes: {new:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "no longer read, so not to be listed: {gone:?}");
}

/// A room that holds more than an eighth of the house is several rooms.
#[test]
fn no_room_is_larger_than_an_eighth_of_the_house() {
    const OWN_FRONT_DOORS: [&str; 5] =
        ["web/desk/", "web/public/", "sandbox/stripe_api/", "sandbox/smtp/", "subscribers/imports/"];
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let sources = sources();
    for (path, text) in &sources {
        let own = OWN_FRONT_DOORS.iter().find(|door| path.starts_with(*door)).copied();
        let room = own.or_else(|| path.split_once('/').map(|(room, _)| room)).unwrap_or("small types");
        *lines.entry(room).or_default() += text.lines().count();
    }
    let all: usize = lines.values().sum();
    let large: Vec<_> = lines.iter().filter(|(_, count)| **count * 100 > all * 12).collect();
    assert!(large.is_empty(), "of {all} lines: {large:?}");
}

/// Whoever writes where a copy stands moves its tallies: one file does both, for whoever moves one.
#[test]
fn one_file_writes_where_copies_stand() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| path.contains("store")) {
        for (at, _) in text.match_indices("update delivery ") {
            let statement = text[at..].split("\";").next().unwrap_or_default();
            let set = statement.split(" where ").next().unwrap_or_default();
            if set.contains(" state = ") && path != "delivery/store/moves.rs" {
                wrong.push(format!("src/{path}: {set}"));
            }
        }
        if text.contains("insert into delivery (") && path != "delivery/store/moves.rs" {
            wrong.push(format!("src/{path} writes copies"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// A test that sleeps is slow or wrong: it waits for a condition. The one place that polls is in `support/`.
#[test]
fn tests_do_not_sleep() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut files);
    for file in
        files.iter().filter(|file| !file.ends_with("support/wait.rs") && !file.ends_with("house_rules.rs"))
    {
        let text = fs::read_to_string(file).expect("our own file");
        assert!(!text.contains("sleep("), "{} sleeps; use support::wait", file.display());
    }
}

/// `TRUST M23, F9` in a comment, on one line or two, names rows of docs/promises.md; and no row there is named by nobody.
#[test]
fn promises_that_are_named_are_written_down() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&home.join(folder), &mut files);
    }
    let promises = fs::read_to_string(home.join("docs/promises.md")).expect("our own file");
    let rows = promises.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": "));
    let written: BTreeSet<&str> = rows.map(|(number, _)| number).collect();
    let mut named = BTreeSet::new();
    for file in files.iter().filter(|file| !file.ends_with("house_rules.rs")) {
        let text = fs::read_to_string(file).expect("our own file");
        for number in promised(&text) {
            assert!(
                written.contains(number.as_str()),
                "{} names {number}, which docs/promises.md does not have",
                file.display()
            );
            named.insert(number);
        }
    }
    let unnamed: Vec<&str> = written.into_iter().filter(|number| !named.contains(*number)).collect();
    assert_eq!(unnamed, [""; 0], "promises of docs/promises.md that no comment names");
}

/// The numbers behind each `TRUST`.
fn promised(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    for after in text.split("TRUST ").skip(1) {
        let words = after.split_whitespace().filter(|word| !word.starts_with("//") && *word != "and");
        for word in words {
            let number = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let Some(figures) = number.strip_prefix(['T', 'M', 'L', 'A', 'F', 'D']) else { break };
            if figures.is_empty() || !figures.bytes().all(|byte| byte.is_ascii_digit()) {
                break;
            }
            numbers.push(number.to_owned());
            // A full stop or a bracket ends the list.
            if !word.ends_with([',', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
                break;
            }
        }
    }
    numbers
}

#[test]
fn the_reader_of_promises_sees_lists() {
    assert_eq!(promised("(TRUST T1,\n/// F9 and L2). M3 TRUST: none"), ["T1", "F9", "L2"]);
    assert_eq!(promised("TRUST M18 and A16: x"), ["M18", "A16"]);
}

/// What the documents name, between backticks or as a link, is in the repository.
#[test]
fn documents_name_what_is_there() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |folder: &str| {
        let entries = fs::read_dir(home.join(folder)).expect("our own folder");
        entries.map(|entry| entry.expect("our own folder").path())
    };
    let documents = [home.join("README.md")].into_iter().chain(read("docs")).chain(read("docs/decisions"));
    let mut missing = Vec::new();
    for document in documents.filter(|path| path.extension().is_some_and(|kind| kind == "md")) {
        let text = fs::read_to_string(&document).expect("our own file");
        let beside = document.parent().expect("it lies in a folder");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links =
            links.filter(|link| !link.is_empty() && !link.contains(':')).map(|link| beside.join(link));
        let named = text.split('`').skip(1).step_by(2);
        let named = named.filter(|name| {
            ["src/", "docs/", "tests/", "benches/", "packaging/", "email_templates/"]
                .iter()
                .any(|start| name.starts_with(start) && !name.contains([' ', '*', '<']))
        });
        let named = named.flat_map(spelled_out).map(|name| home.join(name));
        let gone = links.chain(named).filter(|path| !path.exists());
        missing.extend(gone.map(|path| format!("{}: {}", document.display(), path.display())));
    }
    assert_eq!(missing, [""; 0]);
}

/// `src/{a,b/c}.rs` is `src/a.rs` and `src/b/c.rs`.
fn spelled_out(name: &str) -> Vec<String> {
    let braces = name.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?)));
    let Some((start, (list, end))) = braces else { return vec![name.to_owned()] };
    list.split(',').map(|one| format!("{start}{one}{end}")).collect()
}
