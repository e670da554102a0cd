//! The mail service as a whole misbehaves: it does not know us, takes few conversations, is slow, or is not there any more.

use std::time::Duration;

use broadside::{
    delivery::{self, Engine, EngineOptions},
    editions::EditionState,
    publishing,
    relays::{self, RelayOptions},
    sandbox::{Hold, Rule, Sandbox, SandboxConfig, SmtpOptions, Stage},
    smtp::{Relay, Timeouts},
    subscribers::{self, Basis},
};

use crate::support::{
    TestApp, both_engines, database,
    proxy::{Proxy, Target},
    scratch,
    verify::{Verdict, mailbox, verify},
    wait,
};

const PATIENCE: Duration = Duration::from_secs(30);

both_engines! {
    /// TRUST F6: a mail service that refuses our password costs no reader anything; the desk is told in its own words, and
    /// with the right password everything leaves.
    async fn a_wrong_password_costs_no_reader_anything(app: TestApp) {
        app.import_readers(30).await;
        let edition = app.seal_edition("Signed in").await;
        let credentials = Some(("magazine".to_owned(), "right".to_owned()));
        let smtp_options = SmtpOptions { credentials, ..SmtpOptions::default() };
        let config = SandboxConfig { smtp_options, ..SandboxConfig::new(scratch::folder(), app.site.clock.clone()) };
        let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
        let with = |password: &str| {
            let url = format!("smtp://magazine:{password}@{}?tls=none", sandbox.smtp_addr());
            let relay = Relay { url: url.parse().expect("an SMTP address"), ..app.relay.clone() };
            EngineOptions::new(vec![RelayOptions::unlimited(relay, 2)])
        };
        let engine = start(&app, with("wrong")).await;
        let trouble = wait::until("a relay in trouble", async || relays::troubles(&app.site.db).await.expect("a read").pop()).await;
        assert!(trouble.words.contains("535"), "{trouble:?}");
        engine.stop().await;
        let rows = "select state, coalesce(class, ''), cast(attempt as bigint), count(*) from delivery group by 1, 2, 3";
        let rows = database::rows::<(String, String, i64, i64)>(&app.site.db, rows).await;
        assert_eq!(rows, [("queued".to_owned(), String::new(), 0, 30)], "no attempt counts");

        let engine = start(&app, with("right")).await;
        finished(&app, edition).await;
        engine.stop().await;
        assert!(relays::troubles(&app.site.db).await.expect("a read").is_empty());
        let verdict = verify(&app.site, &mailbox(&sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.duplicates), (30, 0), "{verdict}");
        sandbox.stop().await;
    }

    /// TRUST F7: a mail service that takes two conversations and answers 421 to all others gets two, at full speed.
    async fn a_server_that_takes_few_conversations_is_used_in_full(app: TestApp) {
        app.import_readers(300).await;
        let edition = app.seal_edition("Crowded").await;
        let proxy = Proxy::narrow(Target::Tcp(app.sandbox.smtp_addr()), 2).await;
        let engine = start(&app, through(&app, &proxy, 8, app.relay.timeouts)).await;
        finished(&app, edition).await;
        engine.stop().await;
        everybody_once(&app).await;
    }

    /// TRUST F11: one slow answer to a message holds up nobody else, and is waited for.
    async fn a_slow_answer_is_waited_for_and_holds_nobody_up(app: TestApp) {
        app.import_readers(60).await;
        let edition = app.seal_edition("Slowly").await;
        let slow = "reader7@example.org";
        let hold = Hold::default();
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(slow).times(1).held(&hold));
        let relay = Relay { timeouts: Timeouts::scaled(1.0), ..app.relay.clone() };
        let engine = start(&app, EngineOptions::new(vec![RelayOptions::unlimited(relay, 2)])).await;
        // The one behind it on the same connection waits with it.
        wait::until("all others", async || {
            let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
            (progress.accepted >= 58).then_some(())
        })
        .await;
        let waits = "select address from delivery where state = 'claimed'";
        let waits = database::rows::<(String,)>(&app.site.db, waits).await;
        assert!(waits.contains(&(slow.to_owned(),)), "{waits:?}");
        hold.let_go();
        finished(&app, edition).await;
        engine.stop().await;
        everybody_once(&app).await;
    }

    /// TRUST F13: in the middle of an edition the network swallows everything and tells nobody. The time limits end it, and
    /// once it is mended the rest leaves by itself; only what was on its way is in doubt.
    async fn a_network_that_swallows_everything_loses_nobody(app: TestApp) {
        app.import_readers(200).await;
        let edition = app.seal_edition("Swallowed").await;
        let proxy = Proxy::start(Target::Tcp(app.sandbox.smtp_addr())).await;
        let limit = Duration::from_millis(600);
        let limits = Timeouts { connect: limit, command: limit, data: limit, block: limit, dot: limit };
        let engine = start(&app, through(&app, &proxy, 4, limits)).await;
        assert!(app.sandbox.mailbox().wait_for_count(40, PATIENCE).await);
        proxy.fall_silent();
        wait::until("a relay in trouble", async || relays::troubles(&app.site.db).await.expect("a read").pop()).await;
        proxy.speak_again();
        finished(&app, edition).await;
        engine.stop().await;
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        let doubts: i64 = verdict.doubts.values().sum();
        assert_eq!((verdict.assert_agrees().accepted, verdict.open), (200, 0), "{verdict}");
        assert!(doubts <= 4 && verdict.duplicates as i64 <= doubts, "{doubts} doubts: {verdict}");
    }

    /// TRUST F22, M17, M18: hostile addresses are refused where they come in, each with a reason; one that this mail service
    /// cannot speak fails alone.
    async fn hostile_addresses_hurt_nobody(app: TestApp) {
        let long = format!("{}@example.org", "a".repeat(320));
        let hostile = [
            "", "@", "a@", "@example.org", "a b@example.org", "a@b@example.org", "a@-example.org", "a@[127.0.0.1]", "\"a\"@example.org",
            "a@localhost", "a..b@example.org", ".a@example.org", "a@exa mple.org", "a\u{202e}b@example.org", "a\0b@example.org",
            "<a@example.org>", "a@example.org>RCPT", "a\u{b}b@example.org", &long, "a(comment)@example.org", "a@example.org,b@example.org",
        ];
        let quoted = |address: &str| format!("\"{}\"\n", address.replace('"', "\"\""));
        let good = ["plain@example.org", "j\u{f6}rg@example.org", "ann@b\u{fc}cher.example"];
        let file: String = std::iter::once("email\n".to_owned())
            .chain(good.iter().chain(hostile.iter()).map(|address| quoted(address)))
            .collect();
        let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
        let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("a file");
        assert_eq!((report.added, report.errors.len()), (3, hostile.len()), "{report:?}");
        assert!(report.errors.iter().all(|error| error.line > 4 && !error.why.is_empty()), "{report:?}");

        app.seal_edition("To everybody").await;
        // A server that was never taught UTF-8.
        let strip = |said: &[u8]| Some(String::from_utf8_lossy(said).replace("250-SMTPUTF8\r\n", "").into_bytes());
        let proxy = Proxy::filtered(Target::Tcp(app.sandbox.smtp_addr()), Box::new(strip)).await;
        let options = through(&app, &proxy, 2, app.relay.timeouts);
        let sent = Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await;
        sent.expect("the engine starts");
        let rows = "select address, state, coalesce(class, '') from delivery where state <> 'accepted'";
        let rows = database::rows::<(String, String, String)>(&app.site.db, rows).await;
        assert_eq!(rows, [("j\u{f6}rg@example.org".to_owned(), "failed".to_owned(), "smtputf8 unsupported".to_owned())]);
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!(verdict.assert_agrees().accepted, 2, "{verdict}");
    }
}

async fn start(app: &TestApp, options: EngineOptions) -> Engine {
    Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("the engine starts")
}

fn through(app: &TestApp, proxy: &Proxy, connections: usize, timeouts: Timeouts) -> EngineOptions {
    let url = format!("smtp://{}?tls=none", proxy.address).parse().expect("an SMTP address");
    let relay = Relay { url, timeouts, ..app.relay.clone() };
    EngineOptions::new(vec![RelayOptions::unlimited(relay, connections)])
}

/// Waits until the edition is finished, while the clock goes on.
async fn finished(app: &TestApp, edition: i64) {
    let done = wait::at_most(PATIENCE, async || {
        app.advance(Duration::from_secs(60));
        let edition = publishing::load(&app.site.db, edition).await.expect("the edition is there");
        (edition.state == EditionState::Finished).then_some(())
    });
    if done.await.is_none() {
        let progress = delivery::progress_of(&app.site.db, edition).await;
        panic!("the edition was never finished: {progress:?}");
    }
}

async fn everybody_once(app: &TestApp) -> Verdict {
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    verdict.assert_agrees();
    assert_eq!(
        (verdict.accepted, verdict.open, verdict.duplicates, verdict.flagged),
        (verdict.rows, 0, 0, 0),
        "{verdict}"
    );
    verdict
}
