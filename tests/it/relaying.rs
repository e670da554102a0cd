//! Relays and paces: one mail service steps in for another, limits are kept, and who asks for patience gets it.

use std::time::Duration;

use broadside::{
    authorities::Trust,
    delivery::{self, Engine, EngineOptions, PaceRules},
    editions::EditionState,
    email_address::EmailAddress,
    publishing,
    relays::{self, RelayOptions},
    sandbox::{Rule, Stage},
    smtp::Relay,
    smtp_url::RelayLimits,
    subscribers,
};

use crate::support::{
    TestApp, both_engines, database,
    dns::DnsServer,
    tls::{Certificate, Door, Manner},
    wait,
};

/// An edition to so many readers, locked and about to leave.
async fn locked(app: &TestApp) -> i64 {
    let draft = app.draft("On its way").await;
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
    draft.id
}

async fn start(app: &TestApp, options: EngineOptions) -> Engine {
    Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts")
}

async fn until_accepted(app: &TestApp, edition: i64, count: i64) {
    wait::until(&format!("{count} copies that were taken"), async || {
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        (progress.accepted >= count).then_some(())
    })
    .await;
}

/// The sandbox under limits of its own.
fn limited(app: &TestApp, limits: RelayLimits) -> RelayOptions {
    RelayOptions { limits, ..RelayOptions::unlimited(app.relay.clone(), 2) }
}

both_engines! {
    /// TRUST M23, F9: a provider that refuses us, whoever the mail is for, stops the edition; no reader pays for it.
    async fn a_refusal_of_the_sender_pauses_the_edition(app: TestApp) {
        app.readers(20).await;
        let edition = locked(&app).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Dot).reply(550, "5.7.26 Unauthenticated mail is not accepted"));
        let engine = start(&app, app.engine(2)).await;
        wait::until("a paused edition", async || {
            let state = publishing::load(&app.site.db, edition).await.expect("the edition").state;
            (state == EditionState::Paused).then_some(())
        })
        .await;
        engine.stop().await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((progress.accepted, progress.failed, progress.open), (0, 0, 20));
        let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        let page = app.desk().await.open(&format!("/desk/editions/{public_id}")).await;
        page.says("Paused by itself").says("5.7.26 Unauthenticated mail");

        script.clear();
        app.resume(&public_id).await;
        app.drain().await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((progress.accepted, progress.open), (20, 0));
    }

    /// TRUST F5: while one relay cannot be reached the other sends everything, and the desk is told which one is in trouble.
    async fn another_relay_steps_in(app: TestApp) {
        app.readers(20).await;
        let edition = locked(&app).await;
        // Nobody listens on the port of a listener that is gone.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let url = format!("smtp://127.0.0.1:{gone}?tls=none").parse().expect("an address");
        let broken = RelayOptions::unlimited(Relay { url, ..app.relay.clone() }, 2);
        let spare = limited(&app, RelayLimits { weight: Some(0), ..RelayLimits::default() });
        let name = broken.name();
        let engine = start(&app, EngineOptions::new(vec![broken, spare])).await;
        until_accepted(&app, edition, 20).await;
        let troubles = relays::troubles(&app.site.db).await.expect("the troubles");
        assert_eq!(troubles.iter().map(|one| one.relay.as_str()).collect::<Vec<_>>(), [name.as_str()]);
        engine.stop().await;
        app.drain().await;
    }

    /// A mail service whose limit for the day is used up holds up no other.
    async fn a_limit_that_is_used_up_is_one_relays_alone(app: TestApp) {
        app.readers(40).await;
        let edition = locked(&app).await;
        let few = limited(&app, RelayLimits { per_day: Some(4), ..RelayLimits::default() });
        let other = Relay { url: app.relay.url.clone(), ..app.relay.clone() };
        let engine = start(&app, EngineOptions::new(vec![few, RelayOptions::unlimited(other, 2)])).await;
        until_accepted(&app, edition, 40).await;
        engine.stop().await;
    }

    /// TRUST F5: mail leaves under TLS, from the first byte or after STARTTLS, to a server whose certificate is believed; to
    /// any other nothing leaves, and the desk is told why.
    async fn mail_leaves_under_tls_or_not_at_all(app: TestApp) {
        app.readers(6).await;
        let elsewhere = Certificate::of("mail.example.org");
        for manner in [Manner::Implicit, Manner::StartTls] {
            let edition = locked(&app).await;
            let ours = Certificate::of("127.0.0.1");
            let to = async |certificate: &Certificate, trust: Trust| {
                let door = Door::open(manner, certificate.clone(), app.sandbox.smtp_addr()).await;
                let url = door.url(manner).parse().expect("an address");
                let relay = Relay { url, trust, ..app.relay.clone() };
                (door, start(&app, EngineOptions::new(vec![RelayOptions::unlimited(relay, 2)])).await)
            };
            let trusting = |certificate: &Certificate| Trust::and_those_of(&certificate.pem).expect("a certificate");
            let strangers = [
                (&ours, Trust::public(), "MAIL_CA_FILE"),
                (&elsewhere, trusting(&elsewhere), "not valid for name"),
            ];
            for (certificate, trust, why) in strangers {
                let (door, engine) = to(certificate, trust).await;
                wait::until("a relay in trouble", async || {
                    let troubles = relays::troubles(&app.site.db).await.expect("the troubles");
                    let port = door.address.port().to_string();
                    troubles.iter().any(|one| one.relay.contains(&port) && one.words.contains(why)).then_some(())
                })
                .await;
                engine.stop().await;
                let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
                assert_eq!((progress.accepted, progress.open), (0, 6), "{manner:?}");
            }
            let (_door, engine) = to(&ours, trusting(&ours)).await;
            until_accepted(&app, edition, 6).await;
            engine.stop().await;
        }
    }

    /// A relay's limit for a day is kept to the message, and the rest leaves the next day.
    async fn a_limit_for_the_day_is_kept(app: TestApp) {
        app.readers(7).await;
        let edition = locked(&app).await;
        let options = limited(&app, RelayLimits { per_day: Some(4), ..RelayLimits::default() });
        let forecast = relays::forecast(&app.site, std::slice::from_ref(&options), 7).await.expect("a forecast");
        assert!(forecast.is_some_and(|at| at > app.site.now()), "the last leave tomorrow: {forecast:?}");
        // It is 9 o'clock: 15 hours are left of today, or nearly.
        let seconds_left = 86_400 - app.site.now().unix_seconds() % 86_400;
        for (limits, today) in [
            (RelayLimits { per_hour: Some(10), ..RelayLimits::default() }, 150),
            (RelayLimits { per_second: Some(2), ..RelayLimits::default() }, 2 * seconds_left),
        ] {
            let slow = [limited(&app, limits)];
            let forecast = async |readers| relays::forecast(&app.site, &slow, readers).await.expect("a forecast");
            assert_eq!(forecast(today).await, None, "all of them leave today");
            assert!(forecast(today + 1).await.is_some(), "one too many");
        }
        let engine = start(&app, EngineOptions::new(vec![options])).await;
        until_accepted(&app, edition, 4).await;
        // The engine looks again and again, and may not.
        let more = wait::at_most(Duration::from_secs(2), async || {
            let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
            (progress.accepted > 4).then_some(())
        });
        assert!(more.await.is_none(), "more than the limit was sent");
        app.advance(Duration::from_secs(86_400));
        until_accepted(&app, edition, 7).await;
        engine.stop().await;
        app.drain().await;
    }

    /// Tries to connect use up none of a limit: once the mail service answers again, all of the day's is left.
    async fn a_mail_service_that_is_down_uses_up_no_limit(app: TestApp) {
        app.readers(1).await;
        let edition = locked(&app).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Connect).reply(421, "4.3.2 Not now"));
        let options = limited(&app, RelayLimits { per_day: Some(1), ..RelayLimits::default() });
        let engine = start(&app, EngineOptions::new(vec![options])).await;
        wait::until("a relay in trouble", async || {
            (!relays::troubles(&app.site.db).await.expect("the troubles").is_empty()).then_some(())
        })
        .await;
        app.sandbox.smtp_script().clear();
        until_accepted(&app, edition, 1).await;
        engine.stop().await;
    }

    /// TRUST M22: domains behind the servers of one provider are slowed together, by what was learned of any of them; and a
    /// worker that starts later knows it from its first copy on.
    async fn domains_of_one_provider_share_its_pace(app: TestApp) {
        let dns = DnsServer::start().await;
        dns.mx("one.example", 10, "mx1.provider.example").mx("two.example", 5, "mx2.provider.example");
        dns.mx("two.example", 20, "mx.elsewhere.example").mx("alone.example", 10, "mail.alone.example");
        app.reader("ann@one.example").await;
        locked(&app).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to("ann@one.example").reply(421, "4.7.0 Too much from you"));
        let rules = PaceRules { first: Duration::from_secs(3_600), longest: Duration::from_secs(3_600), ..PaceRules::default() };
        let options = || EngineOptions { pace: rules, ..app.engine(2) };
        assert_eq!(delivery::look_up_domains(&app.site, &dns.resolver()).await.expect("a look"), 1);
        let engine = start(&app, options()).await;
        wait::until("a slowed provider", async || {
            let slowed = delivery::slowed(&app.site).await.expect("the paces");
            slowed.first().map(|one| assert_eq!(one.domain_key, "provider.example"))
        })
        .await;
        engine.stop().await;

        script.clear();
        for number in 1..=5 {
            for domain in ["two.example", "alone.example"] {
                app.reader(&format!("reader{number}@{domain}")).await;
            }
        }
        let edition = locked(&app).await;
        assert_eq!(delivery::look_up_domains(&app.site, &dns.resolver()).await.expect("a look"), 2, "each is asked about once");
        let engine = start(&app, options()).await;
        // One of the provider's has its turn; the others wait for the next.
        until_accepted(&app, edition, 6).await;
        engine.stop().await;
        let alone = "select count(*) from delivery where state = 'accepted' and domain_key = 'alone.example'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, alone).await, [(5,)]);
        // Nothing was learned for long: all go.
        app.advance(Duration::from_secs(7 * 3_600));
        app.drain().await;
    }

    /// TRUST M22: a domain that says 421 is slowed, all others get their mail at once, and nothing fails.
    async fn a_domain_that_asks_for_patience_blocks_nobody(app: TestApp) {
        let list = app.list().await;
        for number in 1..=6 {
            for domain in ["slow.example.org", "quick.example.org"] {
                let address = EmailAddress::parse(&format!("reader{number}@{domain}")).expect("an address");
                let added = subscribers::add_by_staff(&app.site, &address, "", list, "a test").await;
                added.expect("staff may add readers");
            }
        }
        let edition = locked(&app).await;
        let script = app.sandbox.smtp_script();
        for number in 1..=6 {
            let slow = Rule::at(Stage::Rcpt).to(&format!("reader{number}@slow.example.org"));
            script.add(slow.reply(421, "4.7.0 Too many messages, slow down"));
        }
        let engine = start(&app, app.engine(2)).await;
        until_accepted(&app, edition, 6).await;
        let slowed = wait::until("a slowed domain", async || {
            let slowed: Vec<(String, i64)> =
                database::rows(&app.site.db, "select domain_key, gap_us from domain_pace").await;
            slowed.into_iter().next()
        })
        .await;
        assert_eq!(slowed.0, "slow.example.org");
        assert!(slowed.1 >= 1_000_000, "a second or more lies between two messages: {}", slowed.1);
        engine.stop().await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((progress.accepted, progress.failed, progress.open), (6, 0, 6));
        app.leaves_work();
    }
}
