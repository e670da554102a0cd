//! What is held about somebody: whole, for them alone, and a page at a time.

use std::{collections::BTreeSet, time::Duration};

use broadside::{
    dossier::{self, Asks, Section, Whole},
    email_address::EmailAddress,
    subscribers,
};
use reqwest::{StatusCode, header};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::{TestApp, both_engines, database::rows};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

/// Where a table's rows about a reader are told, by which of its columns, and which others tell nothing; or which tables tell all that it
/// has of them; or why it has no such rows.
enum Tells {
    In(Section, &'static [&'static str], &'static [&'static str]),
    Elsewhere(&'static str),
    Nothing(&'static str),
}

use Tells::{Elsewhere, In, Nothing};

/// Every table of the schema. Whoever adds one, or a column to one that tells something, says here where a reader finds it.
const TABLES: &[(&str, Tells)] = &[
    (
        "subscriber",
        In(
            Section::Who,
            &[
                "public_id",
                "email",
                "name",
                "created_at",
                "confirm_due_at",
                "good_bye_at",
                "moved_at",
                "gives_as",
            ],
            &["id", "email_key", "search"],
        ),
    ),
    (
        "address_change",
        In(
            Section::Moved,
            &[
                "old_email",
                "new_email",
                "asked_at",
                "old_agreed_at",
                "new_agreed_at",
                "done_at",
                "undone_at",
                "ended_at",
            ],
            &["id", "public_id", "subscriber_id", "staff_id"],
        ),
    ),
    ("former_address", In(Section::Former, &["left_at", "gave_as"], &["subscriber_id", "address_hash"])),
    ("donor_state", In(Section::Who, &["state", "last_gift_at"], &["subscriber_id", "updated_at"])),
    (
        "subscription",
        In(
            Section::Lists,
            &[
                "list_id",
                "state",
                "asked_at",
                "confirmation_sent_at",
                "confirmed_at",
                "left_at",
                "welcomed_at",
                "paused_until",
                "pause_said_at",
                "implied_until",
                "rhythm",
                "chosen_at",
            ],
            &["subscriber_id"],
        ),
    ),
    ("subscription_topic", In(Section::Lists, &["topic_id"], &["subscriber_id", "list_id"])),
    (
        "consent_event",
        In(
            Section::Consent,
            &[
                "list_id",
                "action",
                "method",
                "wording_id",
                "source",
                "ip",
                "user_agent",
                "at",
                "form_id",
                "campaign",
            ],
            // What a file told stands in the source, too.
            &["id", "subscriber_id", "told", "told_at"],
        ),
    ),
    (
        "leaving_reason",
        In(Section::Reasons, &["list_id", "left_at", "reason", "words", "at"], &["subscriber_id"]),
    ),
    ("reader_look", In(Section::Looks, &["day"], &["id", "staff_id", "subject", "detail", "at"])),
    ("field_value", In(Section::Answers, &["field_id", "value"], &["subscriber_id"])),
    (
        "sign_up",
        In(
            Section::SignUps,
            &["typed", "at"],
            &["public_id", "email_key", "attempts", "next_at", "last_error"],
        ),
    ),
    ("typed", In(Section::Typed, &["name", "answers", "at"], &["subscriber_id"])),
    (
        "delivery",
        In(
            Section::Copies,
            &["edition_id", "address", "name", "state", "class", "attempt", "maybe_duplicate", "updated_at"],
            // The address has the domain; the rest is how it was queued.
            &[
                "subscriber_id",
                "domain_key",
                "variant_id",
                "parts",
                "claimed_by",
                "marker",
                "next_at",
                "withdrawn",
                "earlier_attempts",
                "lane",
                "asked_at",
                "broke_off",
            ],
        ),
    ),
    (
        "delivery_attempt",
        In(
            Section::Copies,
            &["outcome", "stage", "reply", "at"],
            &["id", "edition_id", "subscriber_id", "attempt", "worker_id", "reason"],
        ),
    ),
    (
        "notice",
        In(
            Section::Letters,
            &[
                "template",
                "address",
                "name",
                "state",
                "class",
                "reply",
                "attempt",
                "maybe_duplicate",
                "created_at",
                "finished_at",
            ],
            // A letter that waits holds links that open a door; the rest is ours, and how it was queued.
            &[
                "id",
                "key",
                "context",
                "message",
                "from_name",
                "from_email",
                "message_id",
                "claimed_by",
                "marker",
                "next_at",
                "doubts",
                "breaks",
                "address_key",
                "former_of",
            ],
        ),
    ),
    (
        "bounce",
        In(
            Section::CameBack,
            &[
                "source",
                "class",
                "action",
                "reason",
                "status",
                "reply",
                "words",
                "effect",
                "masked",
                "received_at",
            ],
            &[
                "id",
                "key",
                "edition_id",
                "subscriber_id",
                "address_hash",
                "counts_for",
                "held",
                "weighed_with",
            ],
        ),
    ),
    (
        "bounce_letter",
        In(
            Section::TheyWrote,
            &["from_address", "subject", "words", "received_at"],
            &["id", "key", "subscriber_id", "edition_id"],
        ),
    ),
    (
        "suppression",
        In(
            Section::Stops,
            &["reason", "detail", "masked", "created_at", "lifted_at"],
            &["id", "address_hash", "subscriber_id"],
        ),
    ),
    (
        "donor",
        In(
            Section::Supporter,
            &["public_id", "email", "name", "created_at", "never_ask_since", "named_since"],
            // Whether the words that they are found by are written.
            &["id", "email_key", "worded"],
        ),
    ),
    (
        "donation",
        In(
            Section::Gifts,
            &[
                "public_id",
                "email",
                "name",
                "kind",
                "amount_minor",
                "currency",
                "state",
                "created_at",
                "paid_at",
                "provider_payment_id",
                "card_brand",
                "card_last4",
            ],
            &[
                "id",
                "donor_id",
                "recurring_donation_id",
                "provider_session_id",
                "provider_invoice_id",
                "edition_id",
                "adopted_at",
                "version",
            ],
        ),
    ),
    ("donation_note", In(Section::Gifts, &["text"], &["id", "donation_id", "staff_id", "at"])),
    ("receipt", In(Section::Gifts, &["number"], &["id", "public_id", "donation_id", "created_at"])),
    (
        "recurring_donation",
        In(
            Section::Monthly,
            &[
                "public_id",
                "email",
                "name",
                "amount_minor",
                "currency",
                "state",
                "created_at",
                "activated_at",
                "cancelled_at",
                "provider_customer_id",
                "provider_subscription_id",
                "every_count",
                "every_unit",
                "next_at",
                "ends_at",
                "rests_until",
                "card_brand",
                "card_last4",
                "card_expires",
            ],
            &[
                "id",
                "donor_id",
                "edition_id",
                "version",
                "copy_of",
                "provider_method_id",
                "card_told",
                "adopted_at",
            ],
        ),
    ),
    ("reader_note", In(Section::Notes, &["text", "at"], &["id", "subscriber_id", "staff_id"])),
    (
        "reader_request",
        In(
            Section::Requests,
            &["kind", "address", "detail", "received_at", "due_at", "outcome", "closed_at"],
            &["id", "address_hash", "staff_id", "closed_by"],
        ),
    ),
    ("audit_log", In(Section::Deeds, &["action", "detail", "at"], &["id", "staff_id", "subject"])),
    (
        "staff",
        In(
            Section::Member,
            &["name", "role", "created_at", "disabled_at"],
            &["id", "public_id", "email", "email_key", "password_hash"],
        ),
    ),
    (
        "confirmation_mail",
        In(
            Section::Asked,
            &["sent_at"],
            &["subscriber_id", "mailbox", "network", "domain", "weight", "letter", "waited"],
        ),
    ),
    ("forgotten", In(Section::Forgotten, &["forgotten_at", "returned_at"], &["address_hash", "donor_id"])),
    (
        "forgotten_consent",
        In(
            Section::Kept,
            &["list_id", "action", "method", "wording_id", "at"],
            &["id", "address_hash", "forgotten_at"],
        ),
    ),
    (
        "donor_word",
        Nothing("the words of names and addresses of supporters, for finding; they go with the supporter"),
    ),
    ("consent_wording", In(Section::Consent, &["text"], &["id", "kind", "text_hash", "created_at"])),
    (
        "subscriber_found",
        Nothing("three letters in a row of names and addresses, for finding; they go with the reader"),
    ),
    ("staff_session", Nothing("who is signed in at the desk")),
    ("used_token", Nothing("hashes of links of the team")),
    ("one_time_link", Nothing("links of the team")),
    ("setting", Nothing("what the team decided")),
    ("list", Nothing("the same for everybody")),
    ("list_topic", Nothing("the same for everybody")),
    ("list_segment", Nothing("what new editions begin with")),
    ("reader_topic", Nothing("the same for everybody")),
    ("form", Nothing("the same for everybody")),
    ("form_list", Nothing("the same for everybody")),
    ("form_field", Nothing("the same for everybody")),
    ("form_wording", Nothing("the same for everybody")),
    ("field", Nothing("the same for everybody")),
    ("form_day", Nothing("counts")),
    ("counted", Nothing("counts")),
    ("folded", Nothing("how far the program has come with what readers are found by")),
    ("joined_day", Nothing("counts")),
    ("reader_count", Nothing("counts")),
    ("counted", Nothing("counts")),
    ("folded", Nothing("how far the program has come")),
    ("delivery_tally", Nothing("counts")),
    ("edition_domain", Nothing("counts by the domains of mail providers")),
    ("recipient_domain", Nothing("the domains of mail providers")),
    ("domain_pace", Nothing("how fast domains take mail")),
    ("refusal_told", Nothing("which domains the team was told of")),
    ("asking", Nothing("how often networks asked, as hashes, for two hours")),
    ("attempt", Nothing("what is limited, as hashes, until the limit is over")),
    ("gift_try", Nothing("what was begun to be given, as hashes, for a day")),
    (
        "payment_attempt",
        Nothing("cards that were declined, by the gift alone: whoever did not pay is not known by it"),
    ),
    ("limit_used_up", Nothing("which form was used up")),
    ("provider_account", Nothing("how the account at the payment service stands")),
    ("adoption", Nothing("when somebody took over what another program left at the payment service")),
    ("old_bundle", Nothing("what another program gave for, by product")),
    (
        "old_object",
        Nothing(
            "what another program left at the payment service, for two weeks at most: what is taken over stands with the gifts since",
        ),
    ),
    ("import", Nothing("which lists the team brought in, and sums")),
    ("import_part", Nothing("a file that the team brings in, until it is in, and for a week at most")),
    (
        "import_change",
        Elsewhere(
            "what such a file changed, for three days: name, answers and lists as they stand with the reader since",
        ),
    ),
    ("bulk_act", Nothing("what the team did with many readers at once, and sums")),
    (
        "bulk_change",
        Elsewhere(
            "what such an act changed, for three days: lists, topics and pauses as they stand with the reader since",
        ),
    ),
    ("import_problem", Nothing("lines of such a file that nobody could be told by, for a month")),
    ("feed", Nothing("what the magazine reads")),
    ("feed_read", Nothing("what came of reading it")),
    ("topic", Nothing("what articles are about")),
    ("archive", Nothing("which files of articles the team brought in, and sums")),
    (
        "archive_part",
        Nothing("a file of articles that the team brings in, until it is in, and for a week at most"),
    ),
    ("archive_left", Nothing("which articles were left out, and why, for a month")),
    ("article", Nothing("what the magazine published")),
    ("article_topic", Nothing("what the magazine published")),
    ("picture", Nothing("what the magazine shows, and who of the team brought it")),
    ("picture_size", Nothing("what the magazine shows")),
    ("article_revision", Nothing("what the magazine published, as it was before")),
    ("article_sitting", Nothing("what the team writes")),
    ("author", Nothing("who wrote what the magazine published, as it stands there for everybody")),
    ("article_author", Nothing("who wrote what the magazine published")),
    ("gift_article", Nothing("under which article a gift was asked for, by the gift's number")),
    ("digest", Nothing("what the magazine sends")),
    ("edition", Nothing("what the magazine sent; who got it stands in the copies")),
    ("edition_revision", Nothing("what the magazine sent")),
    ("edition_article", Nothing("what the magazine sent")),
    ("edition_block", Nothing("what the magazine sent")),
    ("edition_approval", Nothing("who of the team asked for an edition to be approved, and who approved it")),
    ("test_address", Nothing("mailboxes of the team for test copies; whoever is forgotten is taken away")),
    ("edition_topic", Nothing("what the magazine sent")),
    ("edition_segment", Nothing("to whom the magazine sent it, by what is asked of readers")),
    ("segment", Nothing("what the team asks of readers")),
    ("segment_version", Nothing("what the team asks of readers")),
    ("variant", Nothing("what the magazine sent, the same for all")),
    ("variant_part", Nothing("to whom the magazine sent it, by what is asked of readers")),
    ("bounce_mass", Nothing("counts")),
    ("bounce_cursor", Nothing("how far reports were read")),
    ("ledger_entry", Nothing("the sums of gifts, which stand with the gifts")),
    ("refund", Nothing("what was sent back of a gift, by its number")),
    ("dispute", Nothing("what a bank took back of a gift, by its number")),
    ("fraud_warning", Nothing("what a bank said about a gift, by its number")),
    ("payout", Nothing("what the payment service paid out to the magazine")),
    ("movement", Nothing("what a gift changed on the magazine's balance, by its number")),
    ("refund_request", Nothing("who of the team sent a gift back, and why, by its number")),
    ("comparison", Nothing("that the book is being compared with the payment service")),
    ("reconciliation", Nothing("how far the book and the payment service agree, by their numbers")),
    ("gift_day", Nothing("what was given on a day, by everybody together")),
    ("closed_month", Nothing("which months of the book are closed")),
    (
        "provider_event",
        Nothing(
            "word of the payment service about a gift, by its number; the text is not kept once it was read",
        ),
    ),
    (
        "provider_call",
        Nothing("what the payment service is asked about a gift; emptied once it has answered"),
    ),
    (
        "subscription_change",
        Nothing("what the payment service is asked about a gift; emptied once it has answered"),
    ),
    ("renewal_trouble", Nothing("bills of gifts that are not paid, by the payment service's number")),
    ("sync_cursor", Nothing("how far was read")),
    ("dkim_key", Nothing("keys of the magazine")),
    ("dns_check", Nothing("records of the magazine")),
    ("relay_window", Nothing("mail services")),
    ("relay_history", Nothing("mail services")),
    ("relay_trouble", Nothing("mail services")),
    ("relay_sign_in", Nothing("mail services")),
    ("worker", Nothing("processes")),
    ("worker_position", Nothing("processes")),
    ("job_trouble", Nothing("jobs")),
    ("job_turns", Nothing("jobs")),
    ("doctor_look", Nothing("what is wrong with the server")),
    ("doctor_told", Nothing("what the team was told of that")),
    ("news", Nothing("which work was given up, by its number")),
    ("origin", Nothing("where the database is at home")),
    ("former_host", Nothing("names that the magazine had")),
    ("former_host_call", Nothing("counts")),
    ("numbered_link", Nothing("three numbers")),
    ("settled_epoch", Nothing("backups")),
    ("suppression_key", Nothing("proof of a secret")),
    ("withdrawal_journal", Nothing("how far the journal is known")),
    ("leaving_mail", Nothing("hashes of mails that asked to leave a list, which stands in the proof")),
    ("_sqlx_migrations", Nothing("which migrations were run")),
];

pub async fn tables(app: &TestApp) -> Vec<(String, String)> {
    let sqlite = "select t.name, c.name from sqlite_schema t join pragma_table_info(t.name) c
        where t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' and t.name not like 'subscriber\\_found\\_%' escape '\\'";
    let postgres = "select cast(table_name as text), cast(column_name as text) from information_schema.columns where table_schema = current_schema()
        and table_name not in (select table_name from information_schema.views where table_schema = current_schema())";
    let is_sqlite = matches!(app.site.db.engine(), broadside::db::Engine::Sqlite);
    rows(&app.site.db, if is_sqlite { sqlite } else { postgres }).await
}

async fn sql(app: &TestApp, text: &str) {
    let done = match &app.site.db {
        broadside::db::Db::Sqlite { write, .. } => {
            sqlx::query(AssertSqlSafe(text.to_owned())).execute(write).await.map(|_| ())
        }
        broadside::db::Db::Postgres { pool, .. } => {
            sqlx::query(AssertSqlSafe(text.to_owned())).execute(pool).await.map(|_| ())
        }
    };
    done.unwrap_or_else(|error| panic!("{text}: {error}"));
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// All that is held about an address, and in how many pieces it came.
async fn whole(app: &TestApp, email: &str) -> (Value, usize) {
    let whose = dossier::of_address(&app.site, address(email)).await.expect("a read");
    let mut whole = Whole::new(app.site.clone(), "The Lamplighter".to_owned(), whose);
    let (mut text, mut longest) = (String::new(), 0);
    while let Some(piece) = whole.piece().await.expect("a read") {
        longest = longest.max(piece.len());
        text.push_str(&piece);
    }
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), longest)
}

/// A row with a mark of its own in every table that tells something of a reader.
pub async fn fill(app: &TestApp, email: &str) {
    app.reader(email).await;
    app.send_edition("held-edition").await;
    app.give(email, "15", "once").await;
    app.give(email, "7", "month").await;
    app.drain().await;
    let r = app.reader_row(email).await;
    let hash = address_hash(app, email);
    for text in [
        format!("update subscriber set name = 'held-name' where id = {r}"),
        format!(
            "insert into reader_topic (public_id, name, name_key, description, position, created_at) values ('held-topic-{r}', 'held-topic', 'held-topic-{r}', '', 1, 0)"
        ),
        format!(
            "insert into subscription_topic (subscriber_id, list_id, topic_id) select {r}, s.list_id, t.id from subscription s, reader_topic t where s.subscriber_id = {r} and t.public_id = 'held-topic-{r}'"
        ),
        format!(
            "update consent_event set source = 'held-source', ip = '192.0.2.77', user_agent = 'held-browser', campaign = 'held-campaign' where subscriber_id = {r}"
        ),
        format!(
            "insert into field (name, label, kind, choices) values ('held_{r}', 'held-question', 'text', '')"
        ),
        format!(
            "insert into field_value (subscriber_id, field_id, value) select {r}, id, 'held-answer' from field where name = 'held_{r}'"
        ),
        format!(
            "insert into address_change (public_id, subscriber_id, old_email, new_email, asked_at) values ('held-change-{r}', {r}, '{email}', 'held-moved@example.net', 0)"
        ),
        format!(
            "insert into former_address (subscriber_id, address_hash, left_at, gave_as) values ({r}, 'held-hash-{r}', 0, 'held-gave@example.net')"
        ),
        format!("insert into typed (subscriber_id, name, answers, at) values ({r}, 'held-typed', '', 0)"),
        format!(
            "insert into sign_up (public_id, at, email_key, typed, next_at) values ('held-{r}', 0, '{email}', '{{\"name\":\"held-sign-up\"}}', 0)"
        ),
        format!("update delivery set name = 'held-copy' where subscriber_id = {r}"),
        format!("update delivery_attempt set reply = 'held-reply' where subscriber_id = {r}"),
        format!("update notice set reply = 'held-letter' where address = '{email}'"),
        format!(
            "insert into bounce (key, source, class, action, reason, words, effect, subscriber_id, address_hash, masked, received_at, held) values ('held-{r}', 'mail', 'soft', 'failed', 'full', 'held-bounce', 'none', {r}, '{hash}', 'held-masked', 0, false)"
        ),
        format!(
            "insert into bounce_letter (key, from_address, subject, words, subscriber_id, received_at) values ('held-{r}', '{email}', 'held-subject', 'held-words', {r}, 0)"
        ),
        format!(
            "insert into suppression (address_hash, reason, detail, created_at, lifted_at, masked, subscriber_id) values ('{hash}', 'staff', 'held-stop', 0, 1, 'held-stopped', {r})"
        ),
        format!("update donor set name = 'held-donor' where email = '{email}'"),
        format!("update donation set name = 'held-gift' where email = '{email}'"),
        format!("update donation set card_last4 = '4242' where email = '{email}'"),
        format!(
            "insert into donation_note (donation_id, text, at) select max(id), 'held-by-the-team', 0 from donation where email = '{email}'"
        ),
        format!("update recurring_donation set name = 'held-monthly' where email = '{email}'"),
        format!("insert into reader_note (subscriber_id, text, at) values ({r}, 'held-note', 0)"),
        format!(
            "insert into reader_request (kind, address, address_hash, detail, received_at, due_at) values ('access', '{email}', '{hash}', 'held-request', 0, 0)"
        ),
        format!(
            "insert into audit_log (action, subject, detail, at) select 'did something', public_id, 'held-deed', 0 from subscriber where id = {r}"
        ),
        format!(
            "insert into leaving_reason (subscriber_id, list_id, left_at, reason, words, at) select {r}, min(id), 0, 'other', 'held-reason', 0 from list"
        ),
        format!(
            "insert into staff (public_id, email, email_key, name, role, created_at) values ('held-{r}', '{email}', '{email}', 'held-member', 'viewer', 0)"
        ),
    ] {
        sql(app, &text).await;
    }
}

fn address_hash(app: &TestApp, email: &str) -> String {
    app.site.keys.name(broadside::token::Purpose::Suppression, &address(email).key())
}

const MARKS: &[(&str, Section)] = &[
    ("held-name", Section::Who),
    ("held-moved", Section::Moved),
    ("held-gave", Section::Former),
    ("held-topic", Section::Lists),
    ("held-reason", Section::Reasons),
    ("held-source", Section::Consent),
    ("192.0.2.77", Section::Consent),
    ("held-browser", Section::Consent),
    ("held-campaign", Section::Consent),
    ("Yes, send me The Lamplighter by email", Section::Consent),
    ("held-answer", Section::Answers),
    ("held-question", Section::Answers),
    ("held-typed", Section::Typed),
    ("held-sign-up", Section::SignUps),
    ("held-copy", Section::Copies),
    ("held-reply", Section::Copies),
    ("held-edition", Section::Copies),
    ("held-letter", Section::Letters),
    ("held-bounce", Section::CameBack),
    ("held-masked", Section::CameBack),
    ("held-subject", Section::TheyWrote),
    ("held-words", Section::TheyWrote),
    ("held-stop", Section::Stops),
    ("held-donor", Section::Supporter),
    ("held-gift", Section::Gifts),
    ("held-by-the-team", Section::Gifts),
    ("held-monthly", Section::Monthly),
    ("held-note", Section::Notes),
    ("held-request", Section::Requests),
    ("held-deed", Section::Deeds),
    ("held-member", Section::Member),
];

both_engines! {
    /// TRUST L8: no table is forgotten, and no column of one that tells something of a reader.
    async fn every_table_says_where_a_reader_finds_what_it_holds_of_them(app: TestApp) {
        let found = tables(&app).await;
        let known: BTreeSet<&str> = TABLES.iter().map(|(table, _)| *table).collect();
        let there: BTreeSet<&str> = found.iter().map(|(table, _)| table.as_str()).collect();
        let missing: Vec<_> = there.difference(&known).collect();
        assert!(missing.is_empty(), "say in TABLES where a reader finds what these hold of them, or why they hold nothing: {missing:?}");
        let gone: Vec<_> = known.difference(&there).filter(|table| !["subscriber_found", "_sqlx_migrations"].contains(table)).collect();
        assert!(gone.is_empty(), "no longer there: {gone:?}");
        for (table, tells) in TABLES {
            let In(_, told, untold) = tells else { continue };
            let said: BTreeSet<&str> = told.iter().chain(*untold).copied().collect();
            let columns: BTreeSet<&str> = found.iter().filter(|(name, _)| name == table).map(|(_, column)| column.as_str()).collect();
            assert_eq!(said, columns, "{table}: which of its columns does a reader find?");
        }
        for (table, tells) in TABLES {
            let (why, may_have_readers) = match tells {
                In(..) => continue,
                Elsewhere(why) => (why, true),
                Nothing(why) => (why, false),
            };
            assert!(!why.is_empty(), "{table}");
            let of_a_reader = found.iter().any(|(name, column)| name == table && column == "subscriber_id");
            assert_eq!(of_a_reader, may_have_readers, "{table}: has it a reader in it?");
        }
    }

    /// TRUST L8: what each of these tables holds is there, under its heading, whichever case the address is asked in.
    async fn a_copy_has_all_of_it(app: TestApp) {
        fill(&app, ANN).await;
        let (held, _) = whole(&app, "ANN@Example.org").await;
        for (mark, section) in MARKS {
            let part = held[section.as_str()].to_string();
            assert!(part.contains(mark), "{mark} in {section}: {part}");
        }
        for (table, tells) in TABLES {
            if let In(section, ..) = tells && !["forgotten", "forgotten_consent", "reader_look"].contains(table) {
                assert!(held[section.as_str()].as_array().is_some_and(|rows| !rows.is_empty()), "{table}: {section} is empty");
            }
        }
        assert_eq!(held["gifts"].as_array().map(Vec::len), Some(2), "{}", held["gifts"]);
        assert_eq!(held["lists"][0]["state"], "confirmed");
        assert!(!held.to_string().contains("password"), "nothing that opens a door");
        app.leaves_work();
    }

    /// TRUST L8, A11: nothing of anybody else, however much alike they are spelled.
    async fn nobody_else_is_in_it(app: TestApp) {
        fill(&app, ANN).await;
        // Both are one mailbox, which is asked once a day.
        app.advance(DAY + Duration::from_secs(1));
        app.reader("ann+news@example.org").await;
        let (held, _) = whole(&app, "ann+news@example.org").await;
        let text = held.to_string();
        for (mark, _) in MARKS.iter().filter(|(mark, _)| !mark.starts_with("Yes")) {
            assert!(!text.contains(mark), "{mark}: {text}");
        }
        assert!(!text.contains("\"ann@example.org\""), "{text}");
        assert_eq!(held["gifts"], Value::Array(Vec::new()));
        app.leaves_work();
    }

    /// TRUST L8, L7: who moved is shown, and forgotten with, the gifts that they gave under their former address; what somebody gave under the
    /// new one before them is no part of it.
    async fn who_moved_takes_their_own_gifts_along(app: TestApp) {
        const NEW: &str = "ann.lee@example.org";
        app.reader(ANN).await;
        for giver in [ANN, NEW] {
            app.give(giver, "15", "once").await;
        }
        app.drain().await;
        sql(&app, &format!("update subscriber set email = '{NEW}', email_key = '{NEW}', gives_as = '{ANN}', moved_at = 1 where email_key = '{ANN}'")).await;
        let moved = format!("insert into address_change (public_id, subscriber_id, old_email, new_email, asked_at, done_at) values ('moved', {}, '{ANN}', '{NEW}', 0, 1)", app.reader_row(NEW).await);
        sql(&app, &moved).await;
        let former = format!("update notice set former_of = {} where address = '{ANN}'", app.reader_row(NEW).await);
        sql(&app, &former).await;
        let (held, _) = whole(&app, NEW).await;
        let gifts: Vec<&Value> = held["gifts"].as_array().expect("gifts").iter().map(|gift| &gift["email"]).collect();
        assert_eq!(gifts, [ANN], "{}", held["gifts"]);
        assert_eq!(held["supporter"][0]["email"], ANN);
        let reader = subscribers::by_email(&app.site.db, &address(NEW)).await.expect("a read").expect("a reader");
        assert!(dossier::forget_reader(&app.site, &reader, None).await.expect("forgotten"));
        let donors: Vec<(String,)> = rows(&app.site.db, "select email from donor order by id").await;
        assert_eq!(donors, [(String::new(),), (NEW.to_owned(),)]);
        let gifts: Vec<(String,)> = rows(&app.site.db, "select email from donation order by id").await;
        assert_eq!(gifts, [(String::new(),), (NEW.to_owned(),)]);
        let letters: Vec<(i64,)> = rows(&app.site.db, "select count(*) from notice where address = 'ann@example.org'").await;
        assert_eq!(letters, [(0,)], "letters to the former address");
        app.leaves_work();
    }

    /// Who of the team added somebody, or typed them in, is for the log, also in what the program of before wrote down.
    async fn nobody_of_the_team_is_named_to_readers(app: TestApp) {
        app.reader(ANN).await;
        let desk = app.desk().await;
        let ann = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
        let page = format!("/desk/readers/{}", ann.public_id);
        let list = app.list().await;
        subscribers::leave_by_staff(&app.site, ann.id, list, "taken off by Olive Owner: she asked").await.expect("left");
        let join = desk.open(&page).await.form(&format!("{page}/join"));
        desk.submit_and_follow(&join.with("basis", "held-basis")).await;
        sql(&app, &format!("insert into consent_event (subscriber_id, list_id, action, method, source, ip, user_agent, at)
            select {r}, {list}, 'confirmed', 'staff', 'by telephone (added by Olive Owner)', '', '', 7 union all
            select {r}, {list}, 'asked', 'staff', 'typed at the desk by Olive Owner', '', '', 8", r = ann.id)).await;
        sql(&app, &format!("insert into audit_log (action, subject, detail, at) values ('asked somebody to subscribe', '{}', 'a call (typed at the desk by Olive Owner)', 9)", ann.public_id)).await;
        let kept: Vec<(String,)> = rows(&app.site.db, "select source from consent_event where source like '%held-basis%'").await;
        assert_eq!(kept, [("held-basis".to_owned(),)]);
        let (held, _) = whole(&app, ANN).await;
        let page = app.visitor().open(&link_to_copy(&app).await).await;
        for text in [held.to_string(), page.text()] {
            assert!(!text.contains("Olive"), "{text}");
            for shown in ["held-basis", "by telephone", "typed at the desk", "taken off by staff", "a call"] {
                assert!(text.contains(shown), "{shown}: {text}");
            }
        }
    }

    /// A letter that went to another spelling of the address is theirs.
    async fn letters_are_found_in_whatever_case_they_were_addressed(app: TestApp) {
        app.subscribe("Ann@example.org").await;
        let (held, _) = whole(&app, ANN).await;
        assert_eq!(held["letters_sent_to_you"][0]["address"], "Ann@example.org");
    }

    /// A reader of many years costs no more memory than one of yesterday, and misses nothing.
    async fn ten_thousand_copies_come_in_pieces(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        sql(&app, "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at, finished_at)
            with recursive n (n) as (select 1 union all select n + 1 from n where n < 2500)
            select 'past-' || n, e.digest_id, e.list_id, 'finished', 1, 'resend', 0, 0, 0 from n, (select min(digest_id) as digest_id, min(list_id) as list_id from edition) e").await;
        sql(&app, "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt, marker, maybe_duplicate, next_at, updated_at, earlier_attempts, lane)
            select e.id, d.subscriber_id, d.address, d.name, d.domain_key, d.variant_id, 'accepted', 1, false, false, 0, 0, 0, ''
            from edition e, (select * from delivery limit 1) d where e.public_id like 'past-%'").await;
        sql(&app, "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, created_at)
            select id, 1, 'Past', '', '', 0 from edition where public_id like 'past-%'").await;
        sql(&app, "update variant set revision = 1").await;
        let (held, longest) = whole(&app, ANN).await;
        assert_eq!(held["editions_sent_to_you"].as_array().map(Vec::len), Some(2501));
        assert!(longest < 200_000, "{longest} bytes at a time");
        let page = app.visitor().open(&link_to_copy(&app).await).await;
        assert!(page.body.len() < 200_000, "{}", page.body.len());
        page.says("There is more of it in the file.");
        app.leaves_work();
    }

    /// TRUST L8: by mail to the reader's own address; the link to their choices shows nothing of it.
    async fn a_reader_gets_the_link_by_mail_and_reads_it(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let choices = app.last_mail(ANN).link("/preferences/");
        let visitor = app.visitor();
        let page = visitor.open(&choices).await;
        assert!(!page.body.contains(ANN) && !page.body.contains("/your-data/"), "a link that is handed on shows nothing");
        let answer = visitor.submit_and_follow(&page.form("/copy")).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.says("Look into your mailbox");
        assert!(!answer.body.contains(ANN) && !answer.body.contains("/your-data/"));
        app.drain().await;
        let mail = app.last_mail(ANN);
        assert_eq!(mail.subject, "What we hold about you: The Lamplighter");
        let link = mail.link("/your-data/");
        let held = visitor.open(&link).await;
        assert_eq!(held.headers[header::CACHE_CONTROL], "no-store", "TRUST A30");
        held.says("Your address: ann@example.org").says("“The first”, of The digest").says("Agreed to get The digest, by the link we mailed");
        held.says("Yes, send me The Lamplighter by email").says("The question whether to subscribe");
        let file = visitor.open(&format!("{link}/file")).await;
        assert_eq!(file.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"what-we-hold.json\"");
        let held: Value = serde_json::from_str(&file.body).expect("JSON");
        assert_eq!(held["who_you_are"][0]["email"], ANN);
        app.advance(DAY + Duration::from_secs(1));
        for path in [link.clone(), format!("{link}/file")] {
            let late = visitor.open(&path).await;
            assert_eq!(late.status, StatusCode::GONE);
            late.says("It worked for a day");
            assert!(!late.body.contains(ANN));
        }
        app.leaves_work();
    }

    /// TRUST M4, A23: no other link of ours opens it, nor does it open anything else.
    async fn links_for_other_things_open_nothing(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let mail = app.last_mail(ANN);
        let token = |link: &str| link.rsplit('/').next().expect("an end").to_owned();
        let copy = token(&link_to_copy(&app).await);
        let (choices, leave) = (token(&mail.link("/preferences/")), token(&mail.link("/unsubscribe/")));
        for path in [
            format!("/your-data/{choices}"), format!("/your-data/{leave}"), format!("/your-data/{choices}/file"),
            format!("/preferences/{copy}"), "/your-data/x".to_owned(),
        ] {
            let answer = app.visitor().open(&app.url(&path)).await;
            assert_eq!(answer.status, StatusCode::GONE, "{path}");
            assert!(!answer.body.contains(ANN));
        }
        app.leaves_work();
    }

    /// TRUST A24: three letters of a kind within a day, each kind by itself; whoever has the link is told when no more go.
    async fn whoever_presses_often_gets_three_letters_of_a_kind_a_day(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let choices = app.last_mail(ANN).link("/preferences/");
        let before = app.mails(ANN).len();
        let visitor = app.visitor();
        for time in 0..5 {
            let form = visitor.open(&choices).await.form("/copy");
            let asked = visitor.submit_and_follow(&form).await;
            asked.says(if time < 3 { "We sent you a letter with a link" } else { "Look among the letters of today. Three with that link went to your address" });
            assert_eq!(asked.text().contains("We sent you a letter"), time < 3, "{}", asked.text());
        }
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before + 3);
        visitor.submit_and_follow(&visitor.open(&choices).await.form("/forget")).await.says("what goes and what stays");
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before + 4, "the other kind counts by itself");
        app.advance(DAY + Duration::from_secs(1));
        visitor.submit_and_follow(&visitor.open(&choices).await.form("/copy")).await;
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before + 5);
        app.leaves_work();
    }

    /// TRUST L10, T6: at the desk for owners alone, who say why; the log has it, without the address.
    async fn an_owner_takes_it_away_and_says_why(app: TestApp) {
        app.reader(ANN).await;
        let reader = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/readers/{}", reader.public_id)).await;
        let form = page.form("/held");
        let refused = desk.submit(&form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("Say why"), "{}", refused.body);
        let file = desk.submit(&form.with("held_why", "asked by letter")).await;
        assert_eq!(file.status, StatusCode::OK);
        let held: Value = serde_json::from_str(&file.body).expect("JSON");
        assert_eq!(held["who_you_are"][0]["email"], ANN);
        let log: Vec<(String, String, String)> =
            rows(&app.site.db, "select action, subject, detail from audit_log order by id desc limit 1").await;
        assert_eq!(log, [("took away what is held about a reader".to_owned(), reader.public_id, "asked by letter".to_owned())]);
    }
}

async fn link_to_copy(app: &TestApp) -> String {
    let reader = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
    let path = subscribers::choices_path(&app.site, &reader.public_id);
    let token = path.rsplit('/').next().expect("an end");
    dossier::ask(&app.site, token, Asks::Copy).await.expect("asked");
    app.drain().await;
    app.last_mail(ANN).link("/your-data/")
}
