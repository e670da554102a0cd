//! Every statement of the house is prepared on both engines, so that a typing error fails here and not at a reader.

use std::collections::BTreeSet;

use broadside::{
    articles::{ArchiveKind, ArchiveState, ArticleState, FeedArrives, FeedEvery, FeedState, OtherTopics},
    bounces::{Action, BounceClass, Change, Source},
    bulk::BulkState,
    db::{Engine, Sql},
    delivery::{self, AttemptOutcome, AttemptStage, CopyState, MassState, StopReason},
    donations::{
        DonationKind, DonationState, EventSource, EventState, Mends, Operation, PaymentOutcome, PostingKind,
        RecurringState,
        adopt::{AdoptionState, AdoptionStep, OldFate, OldKind},
    },
    editions::{Cause, EditionState, HeldBecause, Rhythm, UnknownPolicy},
    mail::Algorithm,
    origin::Doubt,
    payments::{DisputeState, GiftRhythmUnit, PayoutState, RefundState},
    publishing::{BlockKind, Look, WhomKind},
    queue::News,
    replies,
    segments::NarrowingRole,
    staff::Role,
    subscribers::{
        BulkDeed, ChangeKind, ConsentAction, ConsentMethod, DonorState, ImportState, LeavingReason, OptIn,
        SubscriptionState, Visibility, Weeks,
        fields::{FieldKind, StandsIn},
        forms::{Answer, FormState, Offers, OffersTopics},
        requests::RequestKind,
    },
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection};

use crate::{
    house_rules::sources,
    support::{TestDb, both_engines, database},
};

both_engines! {
    async fn every_statement_prepares(db: TestDb) {
        let engine = db.db.engine();
        let mut wrong = Vec::new();
        for (room, statements) in broadside::statements() {
            for sql in statements {
                let text = text(*sql, engine);
                // A connection of its own for each: a statement prepared without types stays in a connection's cache.
                let prepared = match engine {
                    Engine::Sqlite => {
                        let mut connection = SqliteConnection::connect(&db.url).await.expect("the file opens");
                        connection.prepare(AssertSqlSafe(text.clone()).into_sql_str()).await.map(drop)
                    }
                    Engine::Postgres => {
                        let mut connection = PgConnection::connect(&db.url).await.expect("the server answers");
                        connection.prepare(AssertSqlSafe(text.clone()).into_sql_str()).await.map(drop)
                    }
                };
                if let Err(error) = prepared {
                    wrong.push(format!("{room} {}: {error}\n{text}", sql.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }
}

both_engines! {
    /// A word that the database refuses fails the row that is to hold it, and whoever writes it may be nobody who is looked at.
    async fn every_word_may_stand_in_its_column(db: TestDb) {
        let (checks, start, end) = match db.db.engine() {
            Engine::Sqlite => ("select name, sql from sqlite_schema where type = 'table'", " in (", ')'),
            Engine::Postgres => (
                "select cast(cast(conrelid as regclass) as text), pg_get_constraintdef(oid) from pg_constraint where contype = 'c'",
                " = ANY (ARRAY[",
                ']',
            ),
        };
        let checks: Vec<(String, String)> = database::rows(&db.db, checks).await;
        let allowed = |table: &str, column: &str| -> Option<BTreeSet<String>> {
            let of_table = checks.iter().filter(|(name, _)| name == table);
            let list = of_table.filter_map(|(_, text)| text.split_once(&format!("({column}{start}"))).next()?.1;
            let (list, _) = list.split_once(end)?;
            Some(list.split('\'').skip(1).step_by(2).map(str::to_owned).collect())
        };
        let mut checked = 0;
        for (table, column, words) in columns() {
            let Some(allowed) = allowed(table, column) else {
                assert!(UNCHECKED.contains(&(table, column)), "the check of {table}.{column} was not found");
                continue;
            };
            checked += 1;
            let known: BTreeSet<&str> = words.into_iter().filter(|word| !NEVER_STORED.contains(&(table, word))).collect();
            // An empty word is none, unless the list has it.
            let is_word = |word: &&str| !word.is_empty() || known.contains("");
            let allowed: BTreeSet<&str> = allowed.iter().map(String::as_str).filter(is_word).collect();
            assert_eq!(known, allowed, "{table}.{column}: what the program knows, and what the database takes");
        }
        assert_eq!(checked + UNCHECKED.len(), columns().len(), "every column was found");
    }
}

/// A word that a statement misspells finds nothing, and nobody hears of it.
#[test]
fn statements_know_no_other_words() {
    let mut known = columns();
    known.extend(BY_STATEMENTS_ALONE.iter().map(|(table, column, words)| (*table, *column, words.to_vec())));
    let columns: BTreeSet<&str> = known.iter().map(|(_, column, _)| *column).collect();
    let (mut wrong, mut found) = (Vec::new(), BTreeSet::new());
    for (room, statements) in broadside::statements() {
        for (sql, text) in statements.iter().flat_map(|sql| [(sql, sql.sqlite), (sql, sql.postgres)]) {
            let names: BTreeSet<&str> = text.split(|c: char| !is_of_a_name(c)).collect();
            for column in &columns {
                let words = || {
                    let here = known.iter().filter(|(table, of, _)| of == column && names.contains(table));
                    here.flat_map(|(.., words)| words)
                };
                for word in written(text, column).into_iter().filter(|word| !word.is_empty()) {
                    found.insert((*column, word));
                    if !words().any(|one| *one == word) {
                        wrong.push(format!("{room} {}: {column} {word:?}", sql.name));
                    }
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "words that no list of their tables has:\n{}", wrong.join("\n"));
    for one in
        [("state", "claimed"), ("class", "exhausted"), ("held_because", "retired"), ("visibility", "public")]
    {
        assert!(found.contains(&one), "the test reads them: {one:?}");
    }
}

/// Words that no code of ours reads: statements write them, and look for them.
const BY_STATEMENTS_ALONE: [(&str, &str, &[&str]); 5] = [
    ("provider_call", "state", &["started", "done", "failed"]),
    ("refund_request", "state", &["asked", "done", "failed"]),
    ("renewal_trouble", "state", &["open", "over"]),
    ("subscription_change", "state", &["started", "done", "refused"]),
    ("numbered_link", "kind", &["subscriber", "list", "edition"]),
];

const fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The words that a statement compares a column with, or sets it to.
fn written<'a>(text: &'a str, column: &str) -> BTreeSet<&'a str> {
    let mut words = BTreeSet::new();
    for (at, _) in text.match_indices(column) {
        let rest = &text[at + column.len()..];
        if text[..at].ends_with(is_of_a_name) {
            continue;
        }
        let rest = rest.strip_prefix(" || ''").unwrap_or(rest);
        if let Some((word, _)) =
            [" = '", " <> '"].iter().find_map(|sign| rest.strip_prefix(sign)?.split_once('\''))
        {
            words.insert(word);
        }
        let list = [" in (", " not in ("].iter().find_map(|sign| rest.strip_prefix(sign)?.split_once(')'));
        if let Some((list, _)) = list {
            words.extend(list.split('\'').skip(1).step_by(2));
        }
        if let Some((cases, _)) = rest.strip_prefix(" = case ").and_then(|rest| rest.split_once(" end")) {
            let results = cases.split(" then '").skip(1).chain(cases.split(" else '").skip(1));
            words.extend(results.filter_map(|result| Some(result.split_once('\'')?.0)));
        }
    }
    words
}

#[test]
fn the_reader_of_words_sees_lists_and_cases() {
    let text = "update t set state = case when old_state = 'x' then 'a' else 'b' end, state || '' = 'c' where t.state in ('d', 'e') \
        and state <> 'f' and state = $1 and x.state not in ('g')";
    assert_eq!(written(text, "state").into_iter().collect::<String>(), "abcdefg");
}

/// Columns whose words the database does not check.
const UNCHECKED: [(&str, &str); 10] = [
    ("edition", "held_because"),
    ("delivery", "class"),
    ("delivery", "withdrawn"),
    ("delivery_tally", "state"),
    ("delivery_attempt", "reason"),
    ("notice", "class"),
    ("delivery_attempt", "outcome"),
    ("delivery_attempt", "stage"),
    ("bounce", "reason"),
    ("news", "kind"),
];

/// A row says of a cancelled copy that it is suppressed, and an automatic email is never left in doubt.
const NEVER_STORED: [(&str, &str); 3] =
    [("delivery", "cancelled"), ("notice", "cancelled"), ("notice", "unknown")];

/// Every column that holds words of a list, with the words that the program knows.
fn columns() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    macro_rules! columns {
        ($($table:literal . $column:literal: $words:ty),+ $(,)?) => {
            vec![$(($table, $column, <$words>::ALL.iter().map(|one| one.as_str()).collect())),+]
        };
    }
    columns! {
        "edition"."state": EditionState,
        "edition"."held_because": HeldBecause,
        "edition"."paused_for": Cause,
        "edition"."rhythm": Rhythm,
        "edition"."unknown_policy": UnknownPolicy,
        "edition_article"."look": Look,
        "edition_article"."whom": WhomKind,
        "edition_block"."whom": WhomKind,
        "edition_block"."kind": BlockKind,
        "edition_segment"."role": NarrowingRole,
        "list_segment"."role": NarrowingRole,
        "delivery"."state": CopyState,
        "delivery"."class": delivery::Class,
        "delivery"."withdrawn": delivery::Class,
        "delivery_tally"."state": CopyState,
        "delivery_attempt"."outcome": AttemptOutcome,
        "delivery_attempt"."stage": AttemptStage,
        "delivery_attempt"."reason": replies::Reason,
        "suppression"."reason": StopReason,
        "article"."state": ArticleState,
        "feed"."state": FeedState,
        "feed"."every": FeedEvery,
        "feed"."arrives": FeedArrives,
        "feed"."other_topics": OtherTopics,
        "archive"."state": ArchiveState,
        "archive"."kind": ArchiveKind,
        "staff"."role": Role,
        "subscription"."state": SubscriptionState,
        "subscription"."rhythm": Rhythm,
        "list"."visibility": Visibility,
        "list"."opt_in": OptIn,
        "consent_event"."action": ConsentAction,
        "forgotten_consent"."action": ConsentAction,
        "consent_event"."method": ConsentMethod,
        "form"."state": FormState,
        "form"."offers": Offers,
        "form"."topics": OffersTopics,
        "field"."stands_in": StandsIn,
        "form_field"."answer": Answer,
        "field"."kind": FieldKind,
        "reader_request"."kind": RequestKind,
        "import"."state": ImportState,
        "import_change"."kind": ChangeKind,
        "bulk_act"."state": BulkState,
        "bulk_act"."deed": BulkDeed,
        "bulk_act"."weeks": Weeks,
        "leaving_reason"."reason": LeavingReason,
        "donor_state"."state": DonorState,
        "donation"."kind": DonationKind,
        "gift_day"."kind": DonationKind,
        "donation"."state": DonationState,
        "ledger_entry"."kind": PostingKind,
        "refund"."state": RefundState,
        "dispute"."state": DisputeState,
        "payout"."state": PayoutState,
        "recurring_donation"."state": RecurringState,
        "recurring_donation"."every_unit": GiftRhythmUnit,
        "provider_event"."source": EventSource,
        "provider_event"."state": EventState,
        "provider_call"."operation": Operation,
        "payment_attempt"."outcome": PaymentOutcome,
        "adoption"."state": AdoptionState,
        "adoption"."step": AdoptionStep,
        "comparison"."mends": Mends,
        "old_object"."kind": OldKind,
        "old_object"."fate": OldFate,
        "bounce"."source": Source,
        "bounce"."class": BounceClass,
        "bounce"."action": Action,
        "bounce"."effect": Change,
        "bounce"."reason": replies::Reason,
        "bounce_mass"."state": MassState,
        "notice"."state": CopyState,
        "notice"."class": delivery::Class,
        "origin"."doubt": Doubt,
        "dkim_key"."algorithm": Algorithm,
        "news"."kind": News,
    }
}

/// What runs every few seconds, or stands on a page that is opened all day, and looks for the few rows that need somebody.
const NEVER_READ_WHOLE: [&str; 21] = [
    "ASKED_TO_END",
    "UNENDED",
    "FAILED_CHECKOUTS",
    "PUT_CHECKOUTS_AWAY",
    "COPIES",
    "ALSO_RUNNING",
    "NEWS",
    "CHECKOUTS due",
    "CANCELLATIONS due",
    "CHANGES due",
    "RENEWALS due",
    "CARDS",
    "PAID_BY",
    "EVENTS due",
    "STUCK_EVENTS",
    "FORGET_IGNORED",
    "FORGET_DONE",
    "BLANK_EVENTS",
    "VERSION_OF",
    "HEARD",
    "ADOPTIONS_IN_TURN due",
];

both_engines! {
    /// A table that grows for ever is not read from end to end for the few rows that wait.
    async fn what_runs_all_the_time_reads_no_table_whole(db: TestDb) {
        let mut looked_at = 0;
        let all = broadside::statements();
        let money = all.iter().filter(|(room, _)| room.contains("donations")).flat_map(|(_, all)| all.iter());
        let letters = all.iter().filter(|(room, _)| *room == "delivery").flat_map(|(_, all)| all.iter());
        let is_of_letters = |sql: &&Sql| sql.name == "NOTICES_WAITING" || sql.name == "FAILED" && sql.sqlite.contains("from notice");
        let wanted = money.filter(|sql| NEVER_READ_WHOLE.contains(&sql.name));
        for sql in wanted.chain(letters.filter(is_of_letters)) {
            looked_at += 1;
            let plan = plan(&db, *sql).await;
            let reads_whole =
                |line: &&String| line.contains("Seq Scan") || line.starts_with("SCAN ") && !line.contains("INDEX") && *line != "SCAN CONSTANT ROW";
            assert!(!plan.iter().any(|line| reads_whole(&line)), "{}: {plan:#?}", sql.name);
        }
        assert_eq!(looked_at, NEVER_READ_WHOLE.len() + 2);
    }
}

/// Pages of readers, by the order in which they are listed.
const LISTED_IN_ORDER: [&str; 9] = [
    "EVERYBODY",
    "BY_NAME",
    "BY_ADDRESS",
    "CONFIRMED_ON",
    "PENDING_ON",
    "LEFT_ON",
    "CONFIRMED",
    "PAUSED",
    "CHOSE",
];

both_engines! {
    /// A page of readers is read from an index in its order: nobody sorts a million rows, or looks at each, for fifty of them.
    async fn a_page_of_readers_sorts_nobody(db: TestDb) {
        let mut looked_at = 0;
        let all = broadside::statements();
        let readers = all.iter().filter(|(room, _)| *room == "subscribers").flat_map(|(_, all)| all.iter());
        for sql in readers.filter(|sql| LISTED_IN_ORDER.contains(&sql.name)) {
            looked_at += 1;
            let plan = plan(&db, *sql).await;
            let costs = |line: &&String| {
                // PostgreSQL sorts the rows of a table that has none; that it has an index in this order is told by its name.
                line.contains("TEMP B-TREE") || line.contains("Seq Scan")
                    || line.starts_with("SCAN ") && !line.contains("INDEX") && !line.contains("SCAN subscriber")
            };
            assert!(!plan.iter().any(|line| costs(&line)), "{}: {plan:#?}", sql.name);
            let in_order = sql.name != "BY_NAME" || plan.iter().any(|line| line.contains("subscriber_by_name_idx"));
            assert!(in_order, "{}: {plan:#?}", sql.name);
        }
        assert_eq!(looked_at, LISTED_IN_ORDER.len());
    }
}

/// How the engine would go about a statement.
pub async fn plan(db: &TestDb, sql: Sql) -> Vec<String> {
    let text = text(sql, db.db.engine());
    match db.db.engine() {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(&db.url).await.expect("the file opens");
            let asked = AssertSqlSafe(format!("explain query plan {text}"));
            let rows = sqlx::query(asked).fetch_all(&mut connection).await.expect("a plan");
            rows.iter().map(|row| row.get::<String, _>("detail")).collect()
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(&db.url).await.expect("the server answers");
            // Of an empty table every row is read for want of a reason; what is asked is whether there is another way.
            connection.execute("set enable_seqscan = off").await.expect("a setting");
            connection.execute("set plan_cache_mode = force_generic_plan").await.expect("a setting");
            connection
                .execute(AssertSqlSafe(format!("prepare asked as {text}")).into_sql_str())
                .await
                .expect("a statement");
            let most = (1..10).take_while(|place| text.contains(&format!("${place}"))).count();
            let nothing =
                if most == 0 { String::new() } else { format!("({})", vec!["null"; most].join(", ")) };
            let asked = AssertSqlSafe(format!("explain execute asked{nothing}")).into_sql_str();
            let rows = sqlx::raw_sql(asked).fetch_all(&mut connection).await.expect("a plan");
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        }
    }
}

/// `{rows}` becomes two rows, so that the comma between them is checked too.
fn text(sql: Sql, engine: Engine) -> String {
    if sql.row_columns > 0 {
        return sql.with_rows(engine, 2, sql.row_columns);
    }
    let text = if engine == Engine::Sqlite { sql.sqlite } else { sql.postgres };
    assert!(!text.contains("{rows}"), "{}: declare it with rows(n)", sql.name);
    text.to_owned()
}

/// A store whose statements nobody lists would escape the check above.
#[test]
fn every_store_lists_its_statements() {
    let listed: BTreeSet<(&str, &str)> = broadside::statements()
        .iter()
        .flat_map(|(_, statements)| statements.iter().map(|sql| (sql.name, sql.sqlite)))
        .collect();
    let mut stores = 0;
    for (path, text) in sources() {
        let Some((_, block)) = text.split_once("\nstatements! {") else { continue };
        stores += 1;
        let (block, _) = block.split_once("\n}").expect("the block ends");
        let letters = letters(block);
        let names: Vec<&str> = block.lines().filter_map(statement_name).collect();
        assert!(!names.is_empty(), "{path}: no statement was found");
        for name in names {
            assert!(
                listed.iter().any(|(listed, text)| *listed == name && letters.contains(&self::letters(text))),
                "{path}: {name} is missing from broadside::statements()"
            );
        }
    }
    assert!(stores > 3, "the stores were found");
    let mut queues = 0;
    for (path, text) in sources() {
        let Some((_, block)) = text.split_once("\nqueue! {") else { continue };
        let (block, _) = block.split_once("\n}").expect("the block ends");
        for line in block.lines() {
            let Some((name, _)) = line.strip_prefix("    pub ").and_then(|line| line.split_once(" = "))
            else {
                continue;
            };
            queues += 1;
            let claim = format!("{name} claim");
            assert!(
                listed.iter().any(|(listed, _)| *listed == claim),
                "{path}: the queue {name} is missing from broadside::statements()"
            );
        }
    }
    assert!(queues >= 5, "the queues were found");
}

/// The text without what a line break in a string literal adds or drops.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
}

/// `NAME = …` at the first level of the block.
fn statement_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("    ")?.split_once(" = ")?;
    let name = name.strip_prefix("pub(crate) ").unwrap_or(name);
    let is_constant = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(is_constant)).then_some(name)
}
