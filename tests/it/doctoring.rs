//! What the doctor says of each broken state: at the terminal, at the desk, by letter; and what the program says as it starts.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::http::Method;
use broadside::{
    bounces::receive_mail,
    clock::{Clock, Moment},
    db::Engine,
    delivery::Suppressions,
    dkim,
    doctor::{self, BroughtBy, Doctor, Finding},
    email_address::EmailAddress,
    mail::Algorithm,
    origin,
    smtp_url::SmtpUrl,
    subscribers,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::AbortHandle,
};

use crate::{
    command_line::text,
    support::{
        Fixture, TestApp, TestDb,
        app::{self, OWNER},
        both_engines,
        browser::Browser,
        database,
        dns::DnsServer,
        program::{Program, Setting},
        scratch,
        tls::{Certificate, Door, Manner},
    },
};

const DAY: Duration = Duration::from_secs(86_400);
const ANN: &str = "ann@example.org";

/// What `broadside doctor --json` says: each check with its grade and words, and how it ended.
struct Said {
    code: Option<i32>,
    findings: BTreeMap<String, (String, String)>,
}

fn doctor(app: &TestApp, settings: &[Setting<'_>]) -> Said {
    doctor_by(app, "exec \"$0\" \"$@\"", settings)
}

fn doctor_by(app: &TestApp, line: &str, settings: &[Setting<'_>]) -> Said {
    let output = Program::run_by(app, line, &["doctor", "--json"], settings);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr)));
    let list = said["findings"].as_array().expect("a list");
    let word = |one: &serde_json::Value, name: &str| one[name].as_str().expect("a word").to_owned();
    let findings =
        list.iter().map(|one| (word(one, "check"), (word(one, "grade"), word(one, "words")))).collect();
    Said { code: output.status.code(), findings }
}

impl Said {
    /// The check came out so, in words that hold these.
    #[track_caller]
    fn says(&self, check: &str, grade: &str, words: &str) -> &Self {
        let found = self.findings.get(check);
        let is_it = found.is_some_and(|(given, said)| given == grade && said.contains(words));
        assert!(is_it, "{check} is no {grade} of {words:?}: {:#?}", self.findings);
        let is_bad = self.findings.values().any(|(grade, _)| grade == "problem");
        assert_eq!(self.code, Some(i32::from(is_bad)), "the exit status is that of the worst");
        self
    }
}

/// A server that says its greeting, and to each line what the test wants.
struct Lines {
    address: SocketAddr,
    task: AbortHandle,
}

impl Lines {
    async fn start(greeting: &'static str, answer: fn(&str) -> &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound port");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut line = String::new();
                    // Whoever does not listen any more has heard enough.
                    let _ = stream.write_all(greeting.as_bytes()).await;
                    while matches!(stream.read_line(&mut line).await, Ok(1..)) {
                        let _ = stream.write_all(answer(line.trim_end()).as_bytes()).await;
                        line.clear();
                    }
                });
            }
        });
        Self { address, task: task.abort_handle() }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn suppress(app: &TestApp, address: &str) {
    let address = EmailAddress::parse(address).expect("an address");
    subscribers::block(&app.site, &address, "", None).await.expect("it is written down");
}

both_engines! {
    /// Where all is well nothing is a problem, and the instance that answers at the public address is this one.
    async fn a_well_instance_has_nothing_to_do(app: TestApp) {
        let said = doctor(&app, &[]);
        let engine = if app.site.db.engine() == Engine::Sqlite { "SQLite 3" } else { "PostgreSQL 1" };
        said.says("database", "ok", engine).says("public address", "ok", "leads here").says("mail service", "ok", "greets us");
        said.says("SUPPRESSION_SECRET", "ok", "").says("SECRET", "ok", "").says("disk", "ok", "MB are free");
        assert_eq!(said.code, Some(0), "{:#?}", said.findings);
        assert!(!said.findings.contains_key("rows from the future"), "{:#?}", said.findings);
    }

    /// Another SUPPRESSION_SECRET than the database was written with voids the list of those who are never mailed.
    async fn secrets_are_held_against_the_database(app: TestApp) {
        Suppressions::new(&app.site).secret(true).await.expect("it is noted");
        suppress(&app, ANN).await;
        let key = dkim::create(&app.site, "example.org", Algorithm::Ed25519, Some("one")).await.expect("a key");
        dkim::activate(&app.site, &key).await.expect("it signs");
        let other = "another secret, which is long enough, too";
        let said = doctor(&app, &[("SUPPRESSION_SECRET", other)]);
        said.says("SUPPRESSION_SECRET", "problem", "none of the 1 addresses").says("SECRET", "ok", "");
        let said = doctor(&app, &[("SECRET", other)]);
        said.says("SECRET", "problem", "the DKIM key one._domainkey.example.org cannot be read");
        // A database that another instance answers for, at the address that is ours.
        said.says("public address", "problem", "another instance of Broadside");
        // Looking has changed nothing.
        doctor(&app, &[]).says("SUPPRESSION_SECRET", "ok", "").says("SECRET", "ok", "");
    }

    /// TRUST T10: an old server that still runs on a copy has the same secrets, and is found out all the same.
    async fn a_copy_at_the_public_address_is_found_out(db: TestDb) {
        let app = TestApp::start(db.clone()).await;
        let copy = app.restored_from(db.restored_copy().await).await;
        let said = doctor(&app, &[("BASE_URL", copy.site.base_url.as_str())]);
        said.says("public address", "problem", "another instance of Broadside");
        app.finish().await;
    }

    /// A copied database that was not started yet, and editions that wait for a decision.
    async fn a_copy_that_was_not_started_is_told(db: TestDb) {
        let app = TestApp::start(db.clone()).await;
        app.leaves_work();
        app.readers(2).await;
        origin::arrive(&app.site, None).await.expect("a start");
        app.seal_edition("Half of it went out").await;
        let copy = app.restored_from(db.restored_copy().await).await;
        copy.leaves_work();
        let under = [("BASE_URL", app.site.base_url.as_str())];
        doctor(&copy, &under).says("place", "problem", "was not started here yet");
        let output = Program::run_by(&copy, "exec \"$0\" \"$@\"", &["restored"], &under);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = doctor(&copy, &under);
        said.says("editions", "note", "Half of it went out");
        assert!(!said.findings.contains_key("place"), "{:#?}", said.findings);
    }

    async fn rows_from_the_future_are_told(app: TestApp) {
        database::change(&app.site.db, "insert into audit_log (action, subject, detail, at) values ('x', '', '', 4102444800000000)").await;
        doctor(&app, &[]).says("rows from the future", "note", "1 January 2100");
    }

    /// What turned bad is told to the owners once it was bad twice, in one letter, and anew only after it was well.
    async fn owners_are_told_once_what_turned_bad(app: TestApp) {
        let site = &app.site;
        let bad = |check: &str| Finding::problem(check, format!("{check} is broken. Mend it"));
        let look = async |findings: Vec<Finding>| {
            doctor::keep_look(site, "one (serve)", findings, true).await.expect("it is kept");
            app.advance(DAY);
            app.drain().await;
            let mails = app.mails(OWNER.0);
            mails.into_iter().filter(|mail| mail.subject.contains("server")).map(|mail| mail.text).collect::<Vec<_>>()
        };
        assert!(look(vec![bad("disk"), bad("payments")]).await.is_empty(), "it may have been a hiccup");
        let told = look(vec![bad("disk"), bad("payments"), bad("DNS")]).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("disk: disk is broken. Mend it.") && told[0].contains("payments is broken"), "{}", told[0]);
        assert!(!told[0].contains("DNS"), "{}", told[0]);
        let told = look(vec![bad("disk"), bad("payments"), bad("DNS")]).await;
        assert!(told.len() == 2 && told[1].contains("DNS is broken") && !told[1].contains("disk is"), "{told:?}");
        assert_eq!(look(vec![bad("disk"), bad("payments"), bad("DNS")]).await.len(), 2, "never every night");
        assert_eq!(look(Vec::new()).await.len(), 2);
        assert_eq!(look(vec![bad("disk")]).await.len(), 2);
        assert_eq!(look(vec![bad("disk")]).await.len(), 3, "it was well in between");

        // Another machine's disk is another thing; the payment service is the same for all.
        doctor::keep_look(site, "one (serve)", vec![bad("disk"), bad("payments")], true).await.expect("it is kept");
        app.advance(doctor::LOOKS_EVERY);
        assert_eq!(look(vec![bad("disk"), bad("payments")]).await.len(), 4);
        // Two processes of one machine look at the same time: that is not twice.
        for _ in 0..2 {
            doctor::keep_look(site, "two (serve)", vec![bad("disk"), bad("payments")], true).await.expect("it is kept");
        }
        app.drain().await;
        assert!(!app.last_mail(OWNER.0).text.contains("two (serve)"), "it may have been a hiccup");
        app.advance(doctor::LOOKS_EVERY);
        doctor::keep_look(site, "two (serve)", vec![bad("disk"), bad("payments")], true).await.expect("it is kept");
        app.drain().await;
        let last = app.last_mail(OWNER.0).text;
        assert!(last.contains("two (serve)") && last.contains("disk is broken") && !last.contains("payments"), "{last}");
    }

    /// It is looked at in the night of the magazine, and a quarter of an hour later once more if something turned bad.
    async fn it_is_looked_at_by_night(app: TestApp) {
        let well = Doctor { in_production: false, ..app::doctor(&app.site, &app.relay) };
        let looked = async |doctor: &Doctor| {
            doctor::look_by_night(doctor, &app.site, "one (serve)").await.expect("it is kept");
            let looks = doctor::last_looks(&app.site.db, app.site.now()).await.expect("the looks");
            looks[0].at == app.site.now()
        };
        assert!(looked(&well).await, "nobody has looked before");
        app.advance(Duration::from_secs(3_600));
        assert!(!looked(&well).await);
        // Ten in the morning; the night's hour is seventeen hours away.
        app.advance(Duration::from_secs(17 * 3_600 + 60));
        let relay = "smtp://127.0.0.1:1?tls=none".parse::<SmtpUrl>().expect("an address");
        let mut ill = Doctor { in_production: false, ..app::doctor(&app.site, &app.relay) };
        ill.relays[0].url = relay;
        assert!(looked(&ill).await);
        app.advance(Duration::from_secs(300));
        assert!(!looked(&ill).await);
        app.advance(Duration::from_secs(600));
        assert!(looked(&ill).await, "once more, before anybody is told");
        app.advance(Duration::from_secs(900));
        assert!(!looked(&ill).await, "twice is enough");
        app.drain().await;
        let told = app.last_mail(OWNER.0);
        assert!(told.subject.contains("server") && told.text.contains("mail service: cannot connect"), "{}", told.text);
        assert_eq!(told.link("/desk/doctor"), app.url("/desk/doctor"));
    }

    /// The desk shows the same list to owners, and looks again when it is asked to.
    async fn the_desk_shows_what_was_found(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/doctor").await;
        page.says("Nobody has looked yet");
        let page = desk.submit_and_follow(&page.form("/desk/doctor")).await;
        page.says("Looked again.").says("leads here").says("greets us");
        // The address of a test is http.
        page.says("Something has to be done").says("Put a proxy with a certificate before us");
        doctor::keep_look(&app.site, "two (worker)", vec![Finding::problem("disk", "2 MB are free")], true).await.expect("it is kept");
        desk.open("/desk/doctor").await.says("two (worker): Something has to be done").says("2 MB are free.");
    }

    /// Whoever brings a visitor is told from whoever comes by themselves; nobody learns more at the address.
    async fn the_instance_says_who_brought_the_question(app: TestApp) {
        let visitor = app.visitor();
        let nonce = broadside::token::public_id();
        let path = format!("/here/{nonce}");
        assert!(visitor.open(&path).await.body.contains("\"by\":\"itself\""));
        let brought = visitor.request(Method::GET, &path).header("x-forwarded-for", "192.0.2.1");
        assert!(visitor.send(brought).await.body.contains("\"by\":\"stranger\""));
        assert_eq!(visitor.open("/here/x").await.status, 404);
        let local = [127, 0, 0, 1].into();
        assert_eq!(BroughtBy::of(local, true, &[local]), BroughtBy::Proxy);
        // However often strangers ask, it costs the database nothing.
        app.leaves_work();
        app.site.db.close().await;
        assert!(visitor.open(&path).await.body.contains("\"by\":\"itself\""));
    }
}

/// The whole world around one instance, each thing broken in its turn.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_around_it_is_told_with_its_next_step() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let production = ("BROADSIDE_ENV", "production");

    // The public address.
    let data = scratch::folder().display().to_string();
    doctor(&app, &[production, ("BASE_URL", "http://127.0.0.1:1/"), ("DATA_DIR", &data)])
        .says("public address", "problem", "http://127.0.0.1:1/ cannot be reached from this machine")
        .says("data folder", "ok", "ours to write in");
    doctor(&app, &[("BASE_URL", "http://127.0.0.1:1/")]).says("public address", "note", "Is serve running");
    let other = format!("http://{}/", app.sandbox.http_addr());
    doctor(&app, &[production, ("BASE_URL", &other)]).says(
        "public address",
        "problem",
        "something else than",
    );
    let moved = Lines::start("", |line| match line {
        "" => "HTTP/1.1 301 Moved\r\nlocation: https://www.example.org/\r\ncontent-length: 0\r\n\r\n",
        _ => "",
    })
    .await;
    doctor(&app, &[production, ("BASE_URL", &format!("http://{}/", moved.address))]).says(
        "public address",
        "problem",
        "sends visitors on to https://www.example.org/. Write the address into BASE_URL",
    );
    let inside = app.sandbox.http_addr();
    let ended = Certificate::until("127.0.0.1", Moment::from_unix_seconds(1_772_528_400));
    let door = Door::open(Manner::Implicit, ended.clone(), inside).await;
    let https = format!("https://{}/", door.address);
    doctor(&app, &[production, ("BASE_URL", &https)])
        .says("public address", "problem", "ended on 3 March 2026, 00:00 UTC, so browsers turn away")
        .says("visitors", "note", "TRUSTED_PROXIES does not name it");
    let strange = Door::open(Manner::Implicit, Certificate::of("127.0.0.1"), inside).await;
    doctor(&app, &[production, ("BASE_URL", &format!("https://{}/", strange.address))]).says(
        "public address",
        "problem",
        "nobody vouches for the certificate",
    );
    doctor(&app, &[("TRUSTED_PROXIES", "192.0.2.1")]).says(
        "visitors",
        "problem",
        "does not say whom it brings",
    );

    // The mail service.
    let refuses = Lines::start("220 mail.example.org\r\n", |line| match line.split(' ').next() {
        Some("EHLO") => "250-mail.example.org\r\n250 AUTH PLAIN\r\n",
        Some("AUTH") => "535 5.7.8 Authentication failed\r\n",
        _ => "221 bye\r\n",
    })
    .await;
    let url = format!("smtp://ann:secret-of-ann@{}?tls=none", refuses.address);
    let said = doctor(&app, &[("SMTP_URL", &url)]);
    said.says(
        "mail service",
        "problem",
        "does not take our password: 535 5.7.8 Authentication failed. Correct",
    );
    assert!(!format!("{:?}", said.findings).contains("secret-of-ann"));
    let said = doctor(&app, &[("SMTP_URL", "smtp://127.0.0.1:1 smtp://127.0.0.1:2")]);
    said.says("mail service 127.0.0.1:1", "problem", "Is it running").says(
        "mail service 127.0.0.1:2",
        "problem",
        "",
    );
    let smtp = app.sandbox.smtp_addr();
    let door = Door::open(Manner::Implicit, ended, smtp).await;
    doctor(&app, &[("SMTP_URL", &door.url(Manner::Implicit))]).says(
        "mail service",
        "problem",
        "its certificate ended on 3 March 2026",
    );
    for manner in [Manner::Implicit, Manner::StartTls] {
        let soon = Certificate::until("127.0.0.1", Clock::System.now().plus(DAY * 3));
        let pem = soon.pem.display().to_string();
        let door = Door::open(manner, soon, smtp).await;
        doctor(&app, &[("SMTP_URL", &door.url(manner)), ("MAIL_CA_FILE", &pem)]).says(
            "mail service",
            "note",
            "its certificate ends on",
        );
    }

    // Where mail comes back to.
    let folder = scratch::folder();
    let maildir = folder.display().to_string();
    doctor(&app, &[("BOUNCE_MAILDIR", &maildir)]).says("bounce maildir", "problem", "has no folder new");
    std::fs::create_dir(folder.join("new")).expect("our own folder");
    doctor(&app, &[("BOUNCE_MAILDIR", &maildir)]).says("bounce maildir", "ok", "read and emptied");
    doctor(&app, &[("BOUNCE_IMAP_URL", "imaps://ann:secret@127.0.0.1:1/INBOX")]).says(
        "bounce mailbox",
        "problem",
        "127.0.0.1:1: the mailbox cannot be reached",
    );
    let dns = DnsServer::start().await;
    let resolver = dns.address.to_string();
    dns.txt("example.test", "v=spf1 -all");
    let settings = [
        ("DNS_RESOLVER", resolver.as_str()),
        ("SMTP_URL", "smtp://127.0.0.1:1"),
        ("BOUNCE_ADDRESS", "bounce@example.test"),
    ];
    doctor(&app, &settings).says("bounce address", "problem", "has no mail server (no MX record)");
    dns.mx("example.test", 10, "mx.example.test");
    doctor(&app, &settings).says("bounce address", "ok", "mx.example.test takes the mail");

    // TRUST L3, M24: people leave by mail to that address, which somebody has to read.
    doctor(&app, &settings).says("returned mail", "note", "no settings say how it is read");
    let read = |setting| {
        let with = [&settings[..], &[setting]].concat();
        let said = doctor(&app, &with);
        assert!(!said.findings.contains_key("returned mail"), "{:?}", said.findings.get("returned mail"));
    };
    read(("BOUNCE_MAILDIR", maildir.as_str()));
    read(("BOUNCE_IMAP_URL", "imaps://ann:secret@127.0.0.1:1/INBOX"));
    let letter =
        b"From: ann@example.org\r\nTo: bounce@example.org\r\nSubject: Hello\r\n\r\nWho reads this?\r\n";
    receive_mail(&app.site, letter, subscribers::leave_by_mail).await.expect("it is taken in");
    doctor(&app, &settings).says(
        "returned mail",
        "ok",
        "hands in the mail to bounce@example.test, last on 3 March 2026",
    );

    // The DNS, by a name that no other server knows.
    let host = ("BASE_URL", "http://localhost.example.test:1/");
    doctor(&app, &[settings[0], host]).says("DNS", "problem", "has no address, says 127.0.0.1:");
    dns.fails(true);
    doctor(&app, &[settings[0], host]).says("DNS", "problem", "(DNS_RESOLVER) gives no answer for");

    // The clock, by what the payment service says that it is.
    let late = Lines::start("", |line| match line {
        "" => "HTTP/1.1 401 No\r\ndate: Tue, 03 Mar 2020 09:00:00 GMT\r\ncontent-length: 0\r\n\r\n",
        _ => "",
    })
    .await;
    let base = format!("http://{}", late.address);
    let stripe = [
        ("STRIPE_API_BASE", base.as_str()),
        ("STRIPE_SECRET_KEY", "sk_test_x"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_x"),
    ];
    // The one that webhooks are judged by.
    let clock = if app.site.db.engine() == Engine::Sqlite { "clock" } else { "clock of the database server" };
    doctor(&app, &stripe)
        .says(clock, "problem", "days ahead of that of http://127.0.0.1")
        .says("payments", "problem", "");

    // The machine.
    let file = scratch::folder().join("file");
    std::fs::write(&file, "").expect("our own folder");
    let data = [("DATA_DIR", file.to_str().expect("our own name"))];
    doctor(&app, &data).says("data folder", "problem", "is no folder");
    doctor_by(&app, "ulimit -n 128 && exec \"$0\" \"$@\"", &[]).says(
        "open files",
        "problem",
        "LimitNOFILE=4096",
    );
    app.finish().await;
}

/// A server that only lets read, or does not let us make tables, is told before the next update fails.
#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_missing_on_the_server_are_told() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    let only_read = "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$";
    database::change(&app.site.db, only_read).await;
    doctor(&app, &[]).says("database", "problem", "may only read there");
    app.leaves_work();
    app.finish().await;
}

/// What works and should not be left like this is said in the log at the start; what keeps it from starting is one error.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_at_its_start_what_is_not_safe_and_what_is_in_its_way() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let holds = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let taken = holds.local_addr().expect("a bound port").to_string();
    let production = ("BROADSIDE_ENV", "production");
    let serve = |settings: &[Setting<'_>]| {
        let output = Program::run_by(&app, "exec \"$0\" \"$@\"", &["serve"], settings);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let said = serve(&[production, ("LISTEN", &taken)]);
    assert!(said.contains("is http: passwords and links are for everybody"), "{said}");
    assert!(said.contains(&format!("cannot listen on {taken}: something listens there already")), "{said}");
    assert!(!said.contains("os error"), "{said}");
    let said = serve(&[production, ("LISTEN", &taken), ("BASE_URL", "https://news.example.org")]);
    assert!(said.contains("TRUSTED_PROXIES does not name it"), "{said}");
    let said = serve(&[
        production,
        ("LISTEN", &taken),
        ("BASE_URL", "https://news.example.org"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    assert!(!said.contains("TRUSTED_PROXIES"), "{said}");
    let said = serve(&[("LISTEN", &taken)]);
    assert!(!said.contains("is http"), "a developer's machine: {said}");
    drop(holds);
    app.finish().await;
}

/// The page is for everybody: axe finds nothing serious on it, before the first look and with everything to show.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_server_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/doctor")).await;
    browser.axe().await;
    let ill = Arc::new(app::doctor(&app.site, &app.relay));
    let mut findings = ill.look(&app.site).await;
    findings.push(Finding::problem("disk", "2 MB are free where the data is: soon nothing can be written down, and nothing is sent. Make room (old backups, logs), or move DATA_DIR to a larger disk"));
    doctor::keep_look(&app.site, "news-1 (serve)", findings, false).await.expect("it is kept");
    browser.goto(&app.url("/desk/doctor")).await;
    browser.wait_for_text("Something has to be done").await;
    browser.sound("doctor").await;
    browser.resize(360, 740).await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("doctor-360-{scheme}")).await;
    }
    browser.close().await;
    app.finish().await;
}
