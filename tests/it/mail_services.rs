//! Mail services that refuse our sign-in are tried seldom and by one, their limits hold for all processes together, and people
//! are told what they wait for.

use std::time::Duration;

use broadside::{
    clock::Clock,
    db::Engine as Database,
    delivery::{self, Engine, EngineOptions},
    doctor::Doctor,
    publishing,
    relays::{self, RelayOptions},
    sandbox::{Hold, Rule, Sandbox, SandboxConfig, Stage},
    smtp::{Relay, Timeouts},
    smtp_url::{RelayLimits, SmtpUrl},
    staff, statements,
};

use crate::support::{
    TestApp,
    app::{self, OWNER},
    both_engines, database,
    program::Program,
    scratch, wait,
};

const USER: (&str, &str) = ("lamplighter", "a good password");
const MINUTE: Duration = Duration::from_secs(60);
/// For what is not to happen.
const A_WHILE: Duration = Duration::from_secs(3);

statements! {
    /// Whoever wants to change a copy waits for this one.
    TOUCH = "update delivery set updated_at = updated_at";
}

/// A mail service that asks for a password.
async fn provider(clock: Clock) -> Sandbox {
    let mut config = SandboxConfig::new(scratch::folder(), clock);
    config.smtp_options.credentials = Some((USER.0.to_owned(), USER.1.to_owned()));
    Sandbox::start(config).await.expect("it starts")
}

fn with_password(app: &TestApp, provider: &Sandbox, password: &str) -> RelayOptions {
    let url: SmtpUrl = format!("smtp://{}?tls=none", provider.smtp_addr()).parse().expect("an address");
    let credentials = Some((USER.0.to_owned(), password.to_owned()));
    let relay =
        Relay { url: SmtpUrl { credentials, ..url }, messages_per_connection: 1, ..app.relay.clone() };
    RelayOptions::unlimited(relay, 10)
}

/// As many workers as may share the database.
async fn start(app: &TestApp, relays: &[RelayOptions]) -> Vec<Engine> {
    let count = if app.site.db.engine() == Database::Postgres { 3 } else { 1 };
    let mut engines = Vec::new();
    for _ in 0..count {
        let options = EngineOptions::new(relays.to_vec());
        engines
            .push(Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts"));
    }
    engines
}

async fn stop(engines: Vec<Engine>) {
    for engine in engines {
        engine.stop().await;
    }
}

async fn tries(provider: &Sandbox, count: u64) {
    wait::until(&format!("{count} tries to sign in"), async || {
        (provider.smtp_script().reached(Stage::Auth) >= count).then_some(())
    })
    .await;
    let more = async || (provider.smtp_script().reached(Stage::Auth) > count).then_some(());
    assert!(wait::at_most(A_WHILE, more).await.is_none(), "more than {count} tries to sign in");
}

async fn until_accepted(app: &TestApp, edition: i64, count: i64) {
    wait::until(&format!("{count} copies that were taken"), async || {
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        (progress.accepted >= count).then_some(())
    })
    .await;
}

async fn page_of(app: &TestApp, edition: i64) -> String {
    let edition = publishing::load(&app.site.db, edition).await.expect("the edition");
    format!("/desk/editions/{}", edition.public_id)
}

both_engines! {
    /// TRUST F6: a wrong password is tried once, by one connection of all workers, again after a minute, after four more and so on, whatever
    /// is restarted meanwhile; the desk says so, and owners get one letter by another mail service.
    async fn a_wrong_password_locks_no_account(app: TestApp) {
        app.readers(20).await;
        let edition = app.seal_edition("To nobody yet").await;
        let provider = provider(app.site.clock.clone()).await;
        let relays = [with_password(&app, &provider, "a bad password")];
        let engines = start(&app, &relays).await;
        tries(&provider, 1).await;
        let page = page_of(&app, edition).await;
        let desk = app.desk().await;
        for path in ["/desk", &page] {
            let page = desk.open(path).await;
            page.says(&format!("{} refuses our sign-in since", relays[0].name()));
            page.says("535 5.7.8 Wrong user or password").says("next try 09:0");
        }
        app.advance(MINUTE);
        tries(&provider, 2).await;
        stop(engines).await;

        let engines = start(&app, &relays).await;
        app.advance(3 * MINUTE);
        tries(&provider, 2).await;
        desk.open(&page).await.says("refuses our sign-in since");
        app.advance(MINUTE);
        tries(&provider, 3).await;
        for _ in 0..2 {
            staff::tell_of_mail_services(&app.site).await.expect("a round");
        }
        stop(engines).await;

        let both = [relays[0].clone(), RelayOptions::unlimited(app.relay.clone(), 4)];
        let engines = start(&app, &both).await;
        until_accepted(&app, edition, 20).await;
        tries(&provider, 3).await;
        stop(engines).await;
        app.drain().await;
        let letters = app.mails(OWNER.0);
        let letters: Vec<_> = letters.iter().filter(|mail| mail.subject.contains("refuses our sign-in")).collect();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].subject.contains(&relays[0].name()));
    }

    /// TRUST F6: what the doctor tries counts, for itself and for whoever sends.
    async fn a_sign_in_that_the_doctor_tries_is_a_try(app: TestApp) {
        let provider = provider(app.site.clock.clone()).await;
        let relays = [with_password(&app, &provider, "a bad password")];
        let doctor = Doctor { relays: vec![relays[0].relay.clone()], ..app::doctor(&app.site, &app.relay) };
        for words in ["does not take our password: 535", "is not asked again so soon"] {
            let found = doctor.mail_services(Some(&app.site), &[]).await;
            assert!(found[0].words.contains(words), "{}", found[0]);
        }
        app.readers(3).await;
        app.seal_edition("To nobody yet").await;
        let engines = start(&app, &relays).await;
        wait::until("it is known", async || (!relays::troubles(&app.site.db).await.expect("the troubles").is_empty()).then_some(())).await;
        stop(engines).await;
        // A minute had passed until the edition was locked.
        tries(&provider, 2).await;
        app.leaves_work();
    }

    /// TRUST F6: whoever is signed in goes on, whatever becomes of the sign-in of others.
    async fn who_is_signed_in_waits_for_no_sign_in(app: TestApp) {
        app.reader("first@example.org").await;
        let provider = provider(app.site.clock.clone()).await;
        let mut relay = with_password(&app, &provider, "a good password");
        relay.relay.messages_per_connection = 100;
        let options = EngineOptions::new(vec![relay]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        let first = app.seal_edition("To one").await;
        until_accepted(&app, first, 1).await;
        // Another worker tries it for all, a minute from now, when the edition has been sealed, and does not come back.
        let tried = "update relay_sign_in set taken_at = 0, next_try_at = next_try_at + 115000000";
        assert_eq!(database::change(&app.site.db, tried).await, 1);
        app.readers(30).await;
        let second = app.seal_edition("To all of them").await;
        until_accepted(&app, second, 31).await;
        assert_eq!(provider.smtp_script().reached(Stage::Auth), 1, "nobody else signed in");
        engine.stop().await;
    }

    /// TRUST F6: another password is another sign-in: no gap of the old one is waited for, and nothing is left of the trouble.
    async fn a_password_that_was_corrected_is_tried_at_once(app: TestApp) {
        app.readers(20).await;
        let edition = app.seal_edition("To all of them").await;
        let provider = provider(app.site.clock.clone()).await;
        let engines = start(&app, &[with_password(&app, &provider, "a bad password")]).await;
        tries(&provider, 1).await;
        stop(engines).await;
        let engines = start(&app, &[with_password(&app, &provider, USER.1)]).await;
        until_accepted(&app, edition, 20).await;
        assert_eq!(relays::troubles(&app.site.db).await.expect("the troubles").len(), 0);
        stop(engines).await;
        let hidden = "select count(*) from relay_sign_in where credentials like '%password%' or words like '%a bad%'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, hidden).await, [(0,)]);
    }

    /// TRUST F6: a password that is changed at the provider in the middle of an edition costs fewer tries than lock an account; once it is
    /// taken again, all go on.
    async fn a_password_that_is_taken_no_more_is_tried_by_few(app: TestApp) {
        app.import_readers(300).await;
        let edition = app.seal_edition("In the middle").await;
        let provider = provider(app.site.clock.clone()).await;
        let script = provider.smtp_script();
        script.add(Rule::at(Stage::Auth).delay(Duration::from_millis(20)));
        let engines = start(&app, &[with_password(&app, &provider, USER.1)]).await;
        until_accepted(&app, edition, 20).await;
        script.add(Rule::at(Stage::Auth).reply(535, "5.7.8 No more"));
        let before = script.reached(Stage::Auth);
        wait::until("a refusal", async || {
            (!relays::troubles(&app.site.db).await.expect("the troubles").is_empty()).then_some(())
        })
        .await;
        let too_many = async || (script.reached(Stage::Auth) > before + 2 * engines.len() as u64).then_some(());
        assert!(wait::at_most(A_WHILE, too_many).await.is_none(), "providers lock accounts at five");
        script.clear();
        app.advance(MINUTE);
        until_accepted(&app, edition, 300).await;
        assert_eq!(relays::troubles(&app.site.db).await.expect("the troubles").len(), 0);
        stop(engines).await;
    }

    /// TRUST F6: what is refused for a while (454) is tried again soon, as a service that is down is.
    async fn a_sign_in_that_fails_for_a_while_is_tried_again_soon(app: TestApp) {
        app.readers(5).await;
        let edition = app.seal_edition("A moment later").await;
        let provider = provider(app.site.clock.clone()).await;
        provider.smtp_script().add(Rule::at(Stage::Auth).times(2).reply(454, "4.7.0 Temporary authentication failure"));
        let engines = start(&app, &[with_password(&app, &provider, USER.1)]).await;
        until_accepted(&app, edition, 5).await;
        stop(engines).await;
    }

    /// A limit of a second holds for all processes together, and over a restart: counted where the mail arrives.
    async fn a_limit_of_a_second_holds_for_all_processes(app: TestApp) {
        const PER_SECOND: usize = 20;
        const READERS: usize = 120;
        app.import_readers(READERS).await;
        app.seal_edition("Twenty a second").await;
        let outside = Sandbox::start(SandboxConfig::new(scratch::folder(), Clock::System)).await.expect("it starts");
        let url = format!("smtp://{}?tls=none&per_second={PER_SECOND}", outside.smtp_addr());
        let settings = [("SMTP_URL", url.as_str()), ("WORKER_SILENCE_SECONDS", "1")];
        let begin = || {
            if app.site.db.engine() == Database::Sqlite {
                vec![Program::serve(&app, &settings)]
            } else {
                (0..3).map(|_| Program::worker(&app, &settings)).collect()
            }
        };
        let first = begin();
        assert!(outside.mailbox().wait_for_count(READERS / 3, MINUTE).await, "{}", first[0].log());
        first.into_iter().for_each(Program::kill);
        let second = begin();
        let is_all = |one: &broadside::sandbox::Mailbox| one.by_message_id().len() >= READERS;
        assert!(outside.mailbox().wait_for(2 * MINUTE, is_all).await, "{}", second[0].log());
        let mut arrived: Vec<i64> = outside.mailbox().messages().iter().map(|one| one.received_at.0).collect();
        arrived.sort_unstable();
        let most = arrived.iter().enumerate().map(|(first, at)| arrived[first..].partition_point(|one| *one < at + 1_000_000)).max();
        let most = most.expect("some arrived");
        println!("{} arrived in {} ms, at most {most} in a second", arrived.len(), (arrived[arrived.len() - 1] - arrived[0]) / 1_000);
        // A message may be on its way for longer than the one behind it.
        assert!(most <= PER_SECOND + PER_SECOND / 5, "{most} in a second");
        app.leaves_work();
    }

    /// Ten connections have their moments and are all let in at once, a while later, as after an outage: the limit of a second holds
    /// all the same.
    async fn who_was_kept_at_the_door_does_not_make_up_for_it(app: TestApp) {
        const CONNECTIONS: u32 = 10;
        app.import_readers(CONNECTIONS as usize).await;
        app.seal_edition("All at once").await;
        let outside = Sandbox::start(SandboxConfig::new(scratch::folder(), Clock::System)).await.expect("it starts");
        // Each is let in a moment's length sooner than the one before it.
        for times in 1..=CONNECTIONS {
            outside.smtp_script().add(Rule::at(Stage::Connect).times(times).delay(Duration::from_millis(100)));
        }
        let url = format!("smtp://{}?tls=none", outside.smtp_addr()).parse().expect("an address");
        let limits = RelayLimits { per_second: Some(10), ..RelayLimits::default() };
        let relay = Relay { url, ..app.relay.clone() };
        let relay = RelayOptions { limits, ..RelayOptions::unlimited(relay, CONNECTIONS as usize) };
        let options = EngineOptions::new(vec![relay]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        assert!(outside.mailbox().wait_for_count(CONNECTIONS as usize, MINUTE).await);
        engine.stop().await;
        let mut arrived: Vec<i64> = outside.mailbox().messages().iter().map(|one| one.received_at.0).collect();
        arrived.sort_unstable();
        let most = arrived.iter().map(|at| arrived.iter().filter(|one| (*at..at + 250_000).contains(one)).count()).max();
        let most = most.expect("some arrived");
        // Two and a half may, and this machine may be busy with other tests.
        assert!(most <= 6, "{most} in a quarter of a second: {arrived:?}");
        app.drain().await;
    }

    /// What was set aside in one hour and not sent in the end is none of the next hour's.
    async fn what_an_hour_did_not_use_is_not_the_next_ones(app: TestApp) {
        app.readers(10).await;
        let edition = app.seal_edition("Two an hour").await;
        // Two wait at the door for long, and are shown out in the next hour.
        let (script, hold) = (app.sandbox.smtp_script(), Hold::default());
        script.add(Rule::at(Stage::Connect).times(2).held(&hold).reply(421, "4.3.2 Not now"));
        let limits = RelayLimits { per_hour: Some(2), ..RelayLimits::default() };
        let relay = Relay { timeouts: Timeouts::scaled(1.0), ..app.relay.clone() };
        let relay = RelayOptions { limits, ..RelayOptions::unlimited(relay, 3) };
        let options = EngineOptions::new(vec![relay]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        wait::until("two at the door", async || (script.reached(Stage::Connect) == 2).then_some(())).await;
        app.advance(Duration::from_secs(3_600));
        until_accepted(&app, edition, 2).await;
        hold.let_go();
        let more = async || {
            let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
            (progress.accepted > 2).then_some(())
        };
        assert!(wait::at_most(Duration::from_secs(8), more).await.is_none(), "two an hour, and not four");
        engine.stop().await;
        app.drain().await;
    }

    /// What an hour leaves comes back to its day, also if a connection comes to the end of the hour in the middle of its work.
    async fn what_an_hour_leaves_is_given_back_to_its_day(app: TestApp) {
        app.readers(10).await;
        let edition = app.seal_edition("From one hour to the next").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Dot).delay(Duration::from_millis(100)));
        let limits = RelayLimits { per_hour: Some(50), per_day: Some(200), ..RelayLimits::default() };
        let relay = Relay { timeouts: Timeouts::scaled(1.0), messages_per_connection: 100, ..app.relay.clone() };
        let relay = RelayOptions { limits, ..RelayOptions::unlimited(relay, 1) };
        let options = EngineOptions::new(vec![relay]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        wait::until("the second message", async || (script.reached(Stage::Data) == 2).then_some(())).await;
        app.advance(Duration::from_secs(3_600));
        until_accepted(&app, edition, 10).await;
        engine.stop().await;
        let day = "select cast(sum(reserved) as bigint) from relay_window where span like 'day%'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, day).await, [(10,)]);
        app.drain().await;
    }

    /// Two share by weight, nine to one, as long as no limit of a second is reached, however near it is.
    async fn a_limit_of_a_second_that_is_not_reached_changes_no_share(app: TestApp) {
        const READERS: usize = 200;
        app.import_readers(READERS).await;
        app.seal_edition("Nine to one").await;
        // Moments lie on a clock that goes; what is due is due on it since yesterday.
        app.advance(Clock::System.now().since(app.site.now()) - Duration::from_secs(86_400));
        let site = broadside::site::Site { clock: Clock::System, ..app.site.clone() };
        database::change(&app.site.db, "update delivery set next_at = 0").await;
        let (mut outside, mut relays) = (Vec::new(), Vec::new());
        for (weight, per_second) in [(9, Some(100)), (1, None)] {
            let sandbox = Sandbox::start(SandboxConfig::new(scratch::folder(), Clock::System)).await.expect("it starts");
            sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(50)));
            let url = format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse().expect("an address");
            let limits = RelayLimits { weight: Some(weight), per_second, ..RelayLimits::default() };
            let relay = Relay { url, messages_per_connection: 1_000, ..app.relay.clone() };
            relays.push(RelayOptions { limits, ..RelayOptions::unlimited(relay, 4) });
            outside.push(sandbox);
        }
        let options = EngineOptions::new(relays);
        let engine = Engine::start(site, app.templates.clone(), options).await.expect("it starts");
        let count = |sandbox: &Sandbox| sandbox.mailbox().by_message_id().len();
        wait::until("all of them", async || {
            (outside.iter().map(count).sum::<usize>() >= READERS).then_some(())
        })
        .await;
        engine.stop().await;
        let little = count(&outside[1]);
        println!("the one of weight 1 was given {little} of {READERS}");
        // Each of its connections may be a message ahead, and one more in hand.
        assert!(little <= READERS / 10 + 10, "{little} of {READERS} went by the one of weight 1");
        app.leaves_work();
    }

    /// The database keeps a marker waiting, a moment is waited for, and meanwhile the edition is paused: no body goes.
    async fn what_is_stopped_while_a_moment_is_waited_for_is_not_sent(app: TestApp) {
        app.readers(1).await;
        let id = app.seal_edition("Not now").await;
        let edition = publishing::load(&app.site.db, id).await.expect("the edition");
        let (script, hold) = (app.sandbox.smtp_script(), Hold::default());
        script.add(Rule::at(Stage::Data).held(&hold));
        let limits = RelayLimits { per_second: Some(1), ..RelayLimits::default() };
        let relay = Relay { timeouts: Timeouts::scaled(1.0), ..app.relay.clone() };
        let relay = RelayOptions { limits, ..RelayOptions::unlimited(relay, 1) };
        let options = EngineOptions::new(vec![relay]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        wait::until("a message at its body", async || (script.reached(Stage::Data) == 1).then_some(())).await;
        // The next moment lies five seconds from now.
        let later = "update relay_history set slot_at = slot_at + 4000000";
        assert_eq!(database::change(&app.site.db, later).await, 1);
        let mut held = app.site.db.begin().await.expect("a transaction");
        held.exec(TOUCH, ()).await.expect("every copy");
        hold.let_go();
        wait::two_seconds().await;
        held.commit().await.expect("it lets go");
        publishing::pause(&app.site, &edition.public_id, None).await.expect("it is going out");
        wait::until("it is let go", async || {
            let waiting = "select count(*) from delivery where state = 'queued' and not marker";
            (database::rows::<(i64,)>(&app.site.db, waiting).await == [(1,)]).then_some(())
        })
        .await;
        engine.stop().await;
        assert_eq!(app.sandbox.mailbox().messages().len(), 0, "no body went");
        app.leaves_work();
    }

    /// A mail service that may be given little in a second does not hold up another that has no limit.
    async fn a_slow_mail_service_does_not_hold_up_a_fast_one(app: TestApp) {
        app.import_readers(80).await;
        let edition = app.seal_edition("By two ways").await;
        let slow = Sandbox::start(SandboxConfig::new(scratch::folder(), app.site.clock.clone())).await.expect("it starts");
        let url = format!("smtp://{}?tls=none", slow.smtp_addr()).parse().expect("an address");
        let limits = RelayLimits { per_second: Some(1), ..RelayLimits::default() };
        let slow = RelayOptions { limits, ..RelayOptions::unlimited(Relay { url, ..app.relay.clone() }, 2) };
        let options = EngineOptions::new(vec![slow, RelayOptions::unlimited(app.relay.clone(), 2)]);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        // In equal shares it would take half a minute and more.
        let all = wait::at_most(Duration::from_secs(20), async || {
            let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
            (progress.accepted == 80).then_some(())
        });
        assert!(all.await.is_some(), "the fast one waits for the slow one");
        engine.stop().await;
        app.drain().await;
    }

    /// TRUST M28: what is waited for is said, in the magazine's time: for a limit that is used up, until when.
    async fn a_limit_that_is_used_up_is_said_at_the_desk(app: TestApp) {
        app.readers(3).await;
        let edition = app.seal_edition("Tomorrow, then").await;
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings");
        desk.submit_and_follow(&form.with("time_zone", "Australia/Sydney")).await.says("Saved.");
        let name = RelayOptions::unlimited(app.relay.clone(), 1).name();
        for fill in [
            format!("insert into relay_history (relay, first_used_at) values ('{name}', 0)"),
            format!("insert into relay_window (relay, span, reserved) values ('{name}', 'day 2026-03-03', 5000)"),
        ] {
            database::change(&app.site.db, fill.leak()).await;
        }
        let page = page_of(&app, edition).await;
        for path in ["/desk", &page] {
            let page = desk.open(path).await;
            page.says(&format!("Limit reached until 4 March 2026, 11:00 AEDT: {name} may be given 5,000 in a day"));
        }
        app.drain().await;
        assert!(!desk.open(&page).await.body.contains("Limit reached"), "nothing waits any more");
    }
}
