//! Moving a magazine from SQLite to PostgreSQL.

use std::{collections::BTreeMap, path::Path, process::Output, time::Duration};

use broadside::{
    articles::{self, ArticleText, Fetcher, Piece, WrittenArticle},
    bounces::{Effect, receive_mail},
    bulk::{self, BulkPlan, ReaderFilter},
    clock::Zone,
    db::{Db, Engine},
    delivery::{self, Lock, Suppressions},
    dkim, donations, dossier,
    email_address::EmailAddress,
    mail::Algorithm,
    origin::{self, Positions, Standing},
    pictures, publishing,
    sandbox::{Rule, Stage},
    segments::{self, Condition, ListStanding, SegmentTree},
    settings::Settings,
    staff::{self, NewMember, Role},
    subscribers::{
        self, LeavingReason, Subscriber, Trace, Weeks,
        fields::{self, FieldKind, NewField, StandsIn},
        forms::{self, Answer, Draft, FormState, Offers, OffersTopics, Words},
        lists, requests, topics,
    },
};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::{Fixture, TestApp, TestDb, database, program::Program, scratch, visitor::Page};

const DAY: Duration = Duration::from_secs(86_400);

const RUN: &str = r#"exec "$0" "$@""#;

/// Runs a command on a database, with the settings of a magazine.
fn run(app: &TestApp, database: &str, arguments: &[&str]) -> Output {
    Program::run_by(app, RUN, arguments, &[("DATABASE_URL", database)])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// TRUST T1, T4, T8: what was sent, given and agreed to is all there afterwards, in every row and to the last cent; what a database
/// holds already is not written over; and it can go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_magazine_moves_to_postgresql_with_everything() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let before = TestApp::start(file.clone()).await;
    origin::arrive(&before.site, None).await.expect("it settles");
    before.readers(30).await;
    before.reader("ann@example.org").await;
    let edition = before.send_edition("Before “we” move,\nand after; \"quoted\"").await;
    before.give("ann@example.org", "15", "month").await;
    let block = ["subscribers", "block", "reader7@example.org", "--reason", "asked by telephone"];
    let blocked = run(&before, &file.url, &block);
    assert!(blocked.status.success(), "{}", said(&blocked));
    // As a process does that sends.
    let beside = Path::new(file.url.trim_start_matches("sqlite:")).with_file_name("data").join("position");
    std::fs::create_dir_all(&beside).expect("our own folder");
    Positions::new(beside).keep_up(&before.site.db).await.expect("a file");
    let proof = delivery::audit_copies(&before.site.db, edition).await.expect("an audit");
    let newest = before.reader_row("ann@example.org").await;
    let path = file.url.strip_prefix("sqlite:").expect("a file").to_owned();

    let busy = Lock::take(format!("{path}.lock").as_ref()).expect("nobody else has it");
    let refused = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(!refused.status.success() && said(&refused).contains("Stop it first"), "{}", said(&refused));
    drop(busy);

    // What was made and looked at is empty all the same.
    for command in [&["migrate"][..], &["audit"]] {
        let made = run(&before, &server.url, command);
        assert!(made.status.success(), "{}", said(&made));
    }
    let moved = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(moved.status.success(), "{}", said(&moved));
    assert!(said(&moved).contains("delivery_attempt"), "{}", said(&moved));

    for command in [&["audit"][..], &["subscribers", "export"], &["export-proof", "ann@example.org"]] {
        let (here, there) = (run(&before, &file.url, command), run(&before, &server.url, command));
        assert!(there.status.success() && !there.stdout.is_empty(), "{command:?}: {}", said(&there));
        assert_eq!(said(&here), said(&there), "{command:?}");
    }
    let after = delivery::audit_copies(&server.db, edition).await.expect("an audit");
    assert!(after.holds() && after.rows == proof.rows && after.rows.accepted == 31, "{after:?}");
    let money = donations::audit_money(&server.db).await.expect("an audit");
    assert!(money.balances() && money.receipts == 1, "{money:?}");
    let subject =
        broadside::publishing::load(&server.db, edition).await.expect("the edition").content.subject;
    assert!(subject.contains("Before “we” move"), "{subject}");

    let again = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(!again.status.success() && said(&again).contains("not empty"), "{}", said(&again));
    let to_a_file = run(&before, &file.url, &["migrate", "--copy-from", &path]);
    assert!(said(&to_a_file).starts_with("broadside: DATABASE_URL has to name"), "{}", said(&to_a_file));
    assert_ne!(origin::look(&before.site).await.expect("a read"), Standing::AtHome, "both would send");
    before.finish().await;

    // A number that somebody had is given to nobody else, and the magazine is at home.
    let there = TestApp::without_owner(server).await;
    assert_eq!(origin::arrive(&there.site, None).await.expect("a read"), Standing::AtHome);
    let address = EmailAddress::parse("new@example.org").expect("an address");
    let list = there.list().await;
    subscribers::add_by_staff(&there.site, &address, "New", list, "a test").await.expect("staff may");
    assert!(there.reader_row("new@example.org").await > newest);
    there.finish().await;
}

/// TRUST T10: what is made of a backup, or of a file in another place, is a copy, by whatever command.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_from_a_copy_is_one() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let magazine = TestApp::start(file.clone()).await;
    origin::arrive(&magazine.site, None).await.expect("it settles");
    magazine.reader("ann@example.org").await;
    database::change(&file.db, "update subscriber set name = 'Ann' || char(0) || 'a'").await;
    let elsewhere = scratch::folder().join("copy.db");
    magazine.site.db.copy_to(&elsewhere).await.expect("a copy");
    let path = elsewhere.display().to_string();
    let moved = run(&magazine, &server.url, &["migrate", "--copy-from", &path]);
    assert!(moved.status.success() && said(&moved).contains("is a copy"), "{}", said(&moved));
    assert_eq!(origin::look(&magazine.site).await.expect("a read"), Standing::AtHome);
    let there = TestApp::without_owner(server.clone()).await;
    let standing = origin::arrive(&there.site, None).await.expect("it settles");
    assert!(matches!(standing, Standing::Doubtful(_)), "{standing:?}");
    // PostgreSQL keeps no NUL, and the row is there all the same.
    let names: Vec<(String,)> = database::rows(&server.db, "select name from subscriber").await;
    assert_eq!(names, [("Anna".to_owned(),)]);
}

/// A file of another version is brought up to date by whom it belongs to, and not on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_not_copied() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let app = TestApp::start(file.clone()).await;
    let forgot = database::change(
        &file.db,
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    );
    assert_eq!(forgot.await, 1);
    let path = file.url.strip_prefix("sqlite:").expect("a file").to_owned();
    let refused = run(&app, &server.url, &["migrate", "--copy-from", &path]);
    assert!(
        !refused.status.success() && said(&refused).contains("Bring it up to date first"),
        "{}",
        said(&refused)
    );
    let missing = run(&app, &server.url, &["migrate", "--copy-from", "/nowhere/at-all.db"]);
    assert!(said(&missing).contains("there is no file /nowhere/at-all.db"), "{}", said(&missing));
}

/// Tables in which the magazine of the test may have nothing, and why.
const EMPTY: &[(&str, &[&str])] = &[
    (
        "what is counted against a limit goes with its time",
        &["asking", "attempt", "confirmation_mail", "limit_used_up", "one_time_link", "used_token", "typed"],
    ),
    (
        "what a process says of itself, or a job of its turns",
        &["job_trouble", "job_turns", "worker", "worker_position", "staff_session", "settled_epoch"],
    ),
    (
        "what was looked up outside, and what the team was told of it",
        &["dns_check", "doctor_look", "doctor_told", "former_host", "former_host_call", "news"],
    ),
    (
        "mail services and domains that give no trouble",
        &["domain_pace", "refusal_told", "relay_history", "relay_sign_in", "relay_trouble", "relay_window"],
    ),
    ("no bounces come in masses", &["bounce_mass"]),
    ("a file is gone once its readers, or its articles, are in", &["import_part", "archive_part"]),
    ("no articles came from files", &["archive", "archive_left"]),
    (
        "counts of very many, and what is folded for them",
        &["counted", "folded", "reader_count", "form_day", "joined_day"],
    ),
    ("how far was read, where nothing is read from", &["sync_cursor", "withdrawal_journal", "bounce_cursor"]),
    ("links of magazines that are older than their names", &["numbered_link"]),
];

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn reader(app: &TestApp, email: &str) -> Subscriber {
    subscribers::by_email(&app.site.db, &address(email)).await.expect("a read").expect("a reader")
}

/// A form of its own, with a field that readers answered.
async fn asks(app: &TestApp) {
    let name = NewField { label: "Town", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Mails };
    fields::add(&app.site, 1, name).await.expect("made");
    forms::add(&app.site, 1, "Spring fair").await.expect("made");
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    let town = fields::all(&app.site.db).await.expect("a read")[0].id;
    let seen = forms::named(&app.site.db, "spring-fair").await.expect("a read").expect("a form").changes;
    let words = Words {
        name: "Spring fair",
        title: "News from the “fair”",
        intro: "",
        wording: "Yes, write to me about the fair; \\ and \"all\".",
        offers: Offers::All,
        campaign: "Spring 2026",
        source: "",
        state: FormState::Open,
        topics: OffersTopics::No,
    };
    let lists = [app.list().await];
    let draft = Draft { words, lists: &lists, fields: &[(town, Answer::Required)] };
    forms::save(&app.site, &settings, 1, ("spring-fair", seen), draft).await.expect("saved");
    let visitor = app.visitor();
    let form = visitor.open("/subscribe/spring-fair").await.form("/subscribe/spring-fair");
    for (email, confirms) in [("fay@example.org", true), ("who@example.org", false)] {
        let form = form
            .clone()
            .with("email", email)
            .with("field_town", "Hafen \u{fc}ber “Nord”")
            .with("consent", "yes");
        visitor.submit_and_follow(&form).await.says("Check your mail");
        app.drain().await;
        if confirms {
            press(app, &app.last_mail(email).link("/confirm/"), "/confirm/")
                .await
                .says("You are on the list");
        }
    }
}

/// Opens a link and presses its button.
async fn press(app: &TestApp, link: &str, path: &str) -> Page {
    let visitor = app.visitor();
    let pressed = visitor.submit_and_follow(&visitor.open(link).await.form(path)).await;
    app.drain().await;
    pressed
}

/// What a magazine of some years holds: whatever readers, staff, mail servers and the payment service do.
async fn years_go_by(app: &TestApp) {
    app.readers(12).await;
    for name in ["ann", "bob", "cy", "dee", "eve"] {
        app.reader(&format!("{name}@example.org")).await;
    }
    asks(app).await;
    let list = lists::all(&app.site.db).await.expect("the lists").remove(0);
    for (name, retired) in [("Rivers", false), ("Roads", true)] {
        publishing::make_topic(&app.site, (name, "all of them"), &[list.id], Some(1)).await.expect("made");
        let topic = topics::all(&app.site.db).await.expect("topics").into_iter().find(|one| one.name == name);
        let topic = topic.expect("a topic");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        topics::choose(&mut tx, app.reader_row("ann@example.org").await, list.id, &[topic.id])
            .await
            .expect("chosen");
        tx.commit().await.expect("a commit");
        if retired {
            publishing::retire_topic(&app.site, &topic, Some(1)).await.expect("it is retired");
        }
    }
    publishing::make_list(&app.site, ("harbour", "The harbour", lists::Visibility::Public), Some(1))
        .await
        .expect("a list");
    let harbour =
        lists::all(&app.site.db).await.expect("the lists").into_iter().find(|one| one.slug == "harbour");
    publishing::retire_list(&app.site, &harbour.expect("a list"), Some(1)).await.expect("it is retired");
    let fetcher = Fetcher::new(true).expect("a fetcher");
    articles::add_feed(&app.site, &fetcher, "http://127.0.0.1:1/feed.xml", articles::FeedArrives::Published)
        .await
        .expect("a feed");

    editions_go_out(app).await;
    readers_do_as_they_like(app).await;
    staff_look_after_it(app).await;
    app.give("ann@example.org", "15", "once").await;
    app.give("bob@example.org", "7", "month").await;
    app.drain().await;
    let gift = donations::donations_page(&app.site.db, None, 1).await.expect("a read").remove(0);
    assert!(donations::note_on_gift(&app.site, 1, &gift.public_id, "by letter, too").await.expect("noted"));
    many_rest(app).await;
    money_comes_and_goes(app).await;
}

/// What becomes of money over the years; nothing of it counts any more.
async fn money_comes_and_goes(app: &TestApp) {
    for text in [
        "insert into adoption (public_id, state, step, after, since, created_at, changed_at, attempts, next_at) values ('taken-over', 'done', 'taking late', '', 0, 0, 0, 0, 0)",
        "insert into old_bundle (name, kind, what, marks, currency, rhythm, chosen) values ('gifts', 'once', 'Gifts', '', 'EUR', '', 'yes')",
        "insert into old_object (provider_id, kind, bundle, fate, why, email, email_key, name, standing, amount_minor, currency, refunded_minor, elsewhere_minor, made_at, seen_at) values ('pi_old', 'once', 'gifts', 'foreign', '', '', '', '', '', 100, 'EUR', 0, 0, 0, 0)",
        "insert into closed_month (month, until, closed_at) values ('2019-01', 1, 2)",
        "insert into refund (provider_refund_id, donation_id, amount_minor, currency, state, reason, failure, created_at) select 're_1', max(id), 100, 'EUR', 'canceled', '', '', 0 from donation",
        "insert into refund_request (public_id, donation_id, amount_minor, currency, why, request, state, attempts, created_at, next_at, finished_at, told_at) select 'asked', max(id), 100, 'EUR', 'a mistake', '', 'failed', 1, 0, 0, 0, 0 from donation",
        "insert into dispute (provider_dispute_id, donation_id, amount_minor, currency, state, reason, is_answered, created_at) select 'dp_1', max(id), 100, 'EUR', 'warning_closed', '', 1, 0 from donation",
        "insert into fraud_warning (provider_warning_id, donation_id, reason, is_actionable, created_at) select 'issfr_1', max(id), '', 0, 0 from donation",
        "insert into payout (provider_payout_id, amount_minor, currency, state, failure, arrives_at, created_at) values ('po_1', 100, 'EUR', 'canceled', '', 0, 0)",
        "insert into payment_attempt (provider_ref, outcome, decline_code, at) values ('evt_1', 'declined', 'stolen_card', 0)",
        "insert into reconciliation (id, from_at, until_at, at, compared, differences, found) values (1, 0, 0, 0, 0, 0, '{}')",
        "insert into gift_article (donation_id, article_id, title) select max(id), (select max(id) from article), 'Under it' from donation",
        "insert into renewal_trouble (provider_invoice_id, recurring_donation_id, failed_at, letters, due_at, state, attempts, next_at) select 'in_1', max(id), 0, 3, 0, 'over', 0, 0 from recurring_donation",
        "insert into subscription_change (public_id, recurring_donation_id, request, state, attempts, next_at, created_at, finished_at) select 'changed', max(id), '', 'done', 1, 0, 0, 0 from recurring_donation",
    ] {
        database::change(&app.site.db, text).await;
    }
}

/// What the team does with many readers, and what it changed.
async fn many_rest(app: &TestApp) {
    let filter = ReaderFilter { search: "dee@".to_owned(), ..ReaderFilter::default() };
    let weeks = Some(Weeks::Two);
    let plan = BulkPlan {
        deed: subscribers::BulkDeed::Pause,
        list: None,
        topic: None,
        weeks,
        why: "a fair",
        whom: "found by a search",
    };
    let id = bulk::begin(&app.site, &filter, &plan, 1).await.expect("begun");
    bulk::go_on(&app.site).await.expect("counted");
    let act = bulk::find(&app.site.db, &id).await.expect("a read").expect("an act");
    bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
    bulk::go_on(&app.site).await.expect("done");
}

/// One about a topic, one that is refused in part, stopped and corrected, and a draft; and what came back.
async fn editions_go_out(app: &TestApp) {
    let topic = topics::all(&app.site.db).await.expect("topics").into_iter().find(|one| one.name == "Rivers");
    let draft = app.draft("About rivers").await;
    let topic_ids = vec![topic.expect("a topic").id];
    let on_a_list = SegmentTree::Is(Condition::List { list: None, stands: ListStanding::On });
    segments::create(&app.site, Some(1), "On \u{201c}a list\u{201d}", on_a_list).await.expect("made");
    let only_segment = segments::all(&app.site.db).await.expect("a read").first().map(|segment| segment.id);
    let content = publishing::Content { topic_ids, only_segment, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("a draft");
    let draft = publishing::load(&app.site.db, draft.id).await.expect("the draft");
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, Some(1));
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    app.drain().await;

    let script = app.sandbox.smtp_script();
    script.add(Rule::at(Stage::Rcpt).to("reader1@example.org").reply(554, "5.3.0 not this one"));
    script.add(
        Rule::at(Stage::Rcpt).to("reader3@example.org").reply(550, "5.1.1 no such \u{201c}user\u{201d}"),
    );
    let edition = app.send_edition("The wrong date").await;
    script.clear();
    let sent = publishing::load(&app.site.db, edition).await.expect("it is there");
    let correction = publishing::begin_correction(&app.site, &sent.public_id, sent.revision, Some(1)).await;
    let correction =
        publishing::find(&app.site.db, &correction.expect("a draft")).await.expect("it is there");
    let pressed =
        publishing::press_send(&app.site, &app.templates, correction.id, correction.revision, None, Some(1));
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    app.drain().await;

    let copy = app.sandbox.mailbox().to("reader2@example.org").pop().expect("a copy");
    let to = copy.from;
    let report = format!(
        "Return-Path: <>\r\nFrom: mailer-daemon@mx.example.com\r\nTo: {to}\r\nSubject: Undelivered\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nNo.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; reader2@example.org\r\nAction: failed\r\n\
         Status: 5.1.1\r\n\r\n--b--\r\n"
    );
    let letter =
        format!("From: reader4@example.org\r\nTo: {to}\r\nSubject: Re: The date\r\n\r\nIs it Tuesday?\r\n");
    for mail in [report, letter] {
        receive_mail(&app.site, mail.as_bytes(), subscribers::leave_by_mail).await.expect("it is taken in");
    }
    let ways = app.last_mail("reader6@example.org").header("List-Unsubscribe").expect("the ways out");
    let by_mail =
        ways.split("<mailto:").nth(1).and_then(|rest| rest.split(['?', '>']).next()).expect("a way by mail");
    let leaves = format!("From: reader6@example.org\r\nTo: {by_mail}\r\nSubject: unsubscribe\r\n\r\n\r\n");
    let left = receive_mail(&app.site, leaves.as_bytes(), subscribers::leave_by_mail).await;
    assert_eq!(left.expect("it is taken in"), Effect::Left);
    let draft = app.draft("Not yet").await;
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    let seen = publishing::fingerprint(&app.site, &settings, &draft).await.expect("a fingerprint");
    publishing::ask_for_approval(&app.site, &settings, &draft, &seen, 1).await.expect("asked");
}

/// They rest, leave and say why, move, ask to be forgotten, and are forgotten.
async fn readers_do_as_they_like(app: &TestApp) {
    let choices = app.last_mail("bob@example.org").link("/preferences/");
    let token = choices.rsplit('/').next().expect("an end");
    subscribers::pause(&app.site, token, Weeks::Eight).await.expect("saved").expect("they are on a list");

    let link = app.last_mail("cy@example.org").link("/unsubscribe/");
    press(app, &link, "/unsubscribe/").await;
    let token = link.rsplit('/').next().expect("an end");
    let why = (LeavingReason::Other, "moving, “far away”");
    let said = subscribers::say_why(&app.site, token, why, Trace::default()).await;
    assert!(said.expect("a write"), "they left");

    let visitor = app.visitor();
    let page = visitor.open(&app.last_mail("dee@example.org").link("/preferences/")).await;
    let page = visitor.open(&format!("{}/address", page.url.path())).await;
    visitor.submit(&page.form("/address").with("email", "dee@other.example")).await;
    app.drain().await;
    for mailbox in ["dee@example.org", "dee@other.example"] {
        press(app, &app.last_mail(mailbox).link("/address/"), "/address/").await;
    }
    reader(app, "dee@other.example").await;

    let eve = reader(app, "eve@example.org").await;
    assert!(dossier::forget_reader(&app.site, &eve, None).await.expect("forgotten"));
}

/// Requests, notes, blocks, looks, a new member, a key.
async fn staff_look_after_it(app: &TestApp) {
    let ann = reader(app, "ann@example.org").await;
    let (now, email) = (app.site.now(), address("ann@example.org"));
    let asked = (requests::RequestKind::Access, &email, "by telephone");
    requests::add(&app.site, asked, (now, now), &Zone::UTC, 1).await.expect("written down");
    subscribers::note(&app.site, &ann, "writes by hand\nand on paper", 1).await.expect("noted");
    subscribers::block(&app.site, &address("reader7@example.org"), "by telephone", Some(1))
        .await
        .expect("blocked");
    let written = WrittenArticle {
        title: "A note".to_owned(),
        body_markdown: Some("Some words.".to_owned()),
        ..WrittenArticle::default()
    };
    let article = articles::create(&app.site, &written).await.expect("an article");
    let typed = ArticleText { title: "A longer note".to_owned(), ..ArticleText::of(&article) };
    articles::sit(&app.site, 1, &Piece::of(article.id), (article.version, Some(&typed))).await.expect("kept");
    publishing::keep_test_address(&app.site, &address("sieve@example.org"), 1).await.expect("kept");
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(3, 2).write_to(&mut picture, image::ImageFormat::Png).expect("a picture");
    pictures::keep(&app.site, Some(1), ("quay.png", None), picture.into_inner()).await.expect("kept");
    let nina = address("nina@example.org");
    let new = NewMember { name: "Nina \u{10348}", email: &nina, role: Role::Editor };
    staff::add_member(&app.site, Some(1), new).await.expect("a member");
    let key = dkim::create(&app.site, "example.org", Algorithm::Ed25519, None).await.expect("a key");
    dkim::activate(&app.site, &key).await.expect("it waits");
    app.advance(DAY);
    let desk = app.desk().await;
    desk.open(&format!("/desk/readers/{}", ann.public_id)).await.says("ann@example.org");
    let list = subscribers::lists::all(&app.site.db).await.expect("lists").remove(0);
    let segment = segments::all(&app.site.db).await.expect("segments").remove(0).id.to_string();
    let path = format!("/desk/lists/{}", list.public_id);
    desk.submit_and_follow(&desk.open(&path).await.form(&path).with("except", &segment)).await.says("Saved");
    let wrong = app.visitor();
    let form = wrong.open("/desk/sign-in").await.form("/desk/sign-in");
    wrong.submit(&form.with("email", "owner@example.org").with("password", "not that one")).await;
}

/// The rows of every table, as the columns of the server have them, each table in an order that both engines agree on.
async fn all_rows(server: &Db, of: &Db) -> BTreeMap<String, Vec<String>> {
    let columns = "select cast(c.table_name as text), cast(c.column_name as text), cast(c.data_type as text)
        from information_schema.columns c join pg_tables t on t.schemaname = c.table_schema and t.tablename = c.table_name
        where c.table_schema = current_schema() and c.table_name not like '\\_sqlx%' order by c.table_name, c.ordinal_position";
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (table, column, kind) in database::rows::<(String, String, String)>(server, columns).await {
        tables.entry(table).or_default().push((column, kind));
    }
    let mut all = BTreeMap::new();
    for (table, columns) in tables {
        let is_file = of.engine() == Engine::Sqlite;
        let value = |(name, kind): &(String, String)| match (kind.as_str(), is_file) {
            ("bytea", true) => format!("case when \"{name}\" is null then null else hex(\"{name}\") end"),
            ("bytea", false) => format!("upper(encode(\"{name}\", 'hex'))"),
            ("boolean", false) => format!("cast(cast(\"{name}\" as int) as text)"),
            _ => format!("cast(\"{name}\" as text)"),
        };
        let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
        let made = if is_file { "json_array" } else { "json_build_array" };
        let read = AssertSqlSafe(format!("select cast({made}({values}) as text) from \"{table}\""));
        let rows: Vec<String> = match of {
            Db::Sqlite { read: pool, .. } => sqlx::query_scalar(read).fetch_all(pool).await,
            Db::Postgres { pool, .. } => sqlx::query_scalar(read).fetch_all(pool).await,
        }
        .expect("a table can be read");
        let named = |row: String| {
            let values: Vec<Value> = serde_json::from_str(&row).expect("JSON");
            let named: BTreeMap<&str, Value> =
                columns.iter().map(|(name, _)| name.as_str()).zip(values).collect();
            serde_json::to_string(&named).expect("JSON")
        };
        let mut rows: Vec<String> = rows.into_iter().map(named).collect();
        rows.sort();
        all.insert(table, rows);
    }
    all
}

/// TRUST T1, T4, T8, L1, L8: whatever a magazine holds that was lived in, in every table and column there is, stands on the server
/// as it stood in the file, and reads the same from there. Whoever adds a table has rows in it here, or says in EMPTY why not.
#[tokio::test(flavor = "multi_thread")]
async fn a_magazine_of_some_years_is_the_same_in_every_row() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let before = TestApp::start(file.clone()).await;
    origin::arrive(&before.site, None).await.expect("it settles");
    years_go_by(&before).await;
    let beside = Path::new(file.url.trim_start_matches("sqlite:")).with_file_name("data").join("position");
    std::fs::create_dir_all(&beside).expect("our own folder");
    Positions::new(beside).keep_up(&before.site.db).await.expect("a file");
    Suppressions::new(&before.site).secret(true).await.expect("the secret proves itself");
    let waits = "insert into sign_up (public_id, at, email_key, typed, next_at)
        values ('waits', 7, 'gus@example.org', '{\"email\":\"gus@example.org\",\"name\":\"“Gus”\"}', 9000000000000000)";
    database::change(&before.site.db, waits).await;
    let compares = "insert into comparison (name, asked_at, mends, attempts, next_at) values ('books', 7, 'no', 1, 9000000000000000)";
    database::change(&before.site.db, compares).await;
    let list = scratch::folder().join("list.csv");
    std::fs::write(&list, "email,name\nfil@example.org,Fil\nnobody,No Address\n").expect("our own file");
    let list = list.to_str().expect("our own name");
    let brought = run(
        &before,
        &file.url,
        &["subscribers", "import", list, "--basis", "consent", "--source", "a letter"],
    );
    assert!(said(&brought).contains('1'), "{}", said(&brought));
    // A command looks at the file, as somebody does before they move, and one makes the other.
    for (database, command) in [(&file.url, "audit"), (&server.url, "migrate")] {
        let done = run(&before, database, &[command]);
        assert!(done.status.success(), "{}", said(&done));
    }

    let log = log(&before).await;
    let mut here = all_rows(&server.db, &file.db).await;
    let may_be = |table: &str| EMPTY.iter().any(|(_, tables)| tables.contains(&table));
    let empty = here.iter().filter(|(table, rows)| rows.is_empty() && !may_be(table)).map(|(table, _)| table);
    let empty: Vec<&String> = empty.collect();
    assert!(empty.is_empty(), "of which this does not prove that they are carried over: {empty:?}");
    let known = EMPTY.iter().flat_map(|(_, tables)| *tables);
    let gone: Vec<_> = known.filter(|table| !here.contains_key(**table)).collect();
    assert!(gone.is_empty(), "no longer there: {gone:?}");

    let path = file.url.strip_prefix("sqlite:").expect("a file");
    let moved = run(&before, &server.url, &["migrate", "--copy-from", path]);
    assert!(moved.status.success(), "{}", said(&moved));
    let mut there = all_rows(&server.db, &server.db).await;
    // It is at home there, wherever it is first started.
    let (was, is) = (here.remove("origin"), there.remove("origin"));
    assert_eq!((was.expect("a table").len(), is.expect("a table").len()), (1, 1));
    for (table, rows) in &here {
        assert_eq!(Some(rows), there.get(table), "{table}");
    }
    assert_eq!(here.len(), there.len());

    let ann = "ann@example.org";
    for command in [
        &["audit"][..],
        &["subscribers", "export"],
        &["export-proof", ann],
        &["export-proof", "fay@example.org"],
        &["export-proof", "dee@other.example"],
        &["jobs"],
    ] {
        let (one, other) = (run(&before, &file.url, command), run(&before, &server.url, command));
        // The screen of jobs ends with 1 where a feed cannot be reached.
        let ends_well = other.status.success() || *command == ["jobs"];
        assert!(ends_well && !other.stdout.is_empty(), "{command:?}: {}", said(&other));
        assert_eq!((one.status, said(&one)), (other.status, said(&other)), "{command:?}");
    }
    before.finish().await;

    let app = TestApp::without_owner(server).await;
    let there = self::log(&app).await;
    let lost: Vec<&str> = log.lines().filter(|line| !there.lines().any(|other| other == *line)).collect();
    assert!(log.lines().count() > 15 && lost.is_empty(), "{lost:?} of {log}");
}

/// The log, as an owner takes it away.
async fn log(app: &TestApp) -> String {
    let desk = app.desk().await;
    desk.submit(&desk.open("/desk/audit").await.form("/desk/audit/export")).await.body
}
