//! What runs by itself and does not: it is caught, told, and tried again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use broadside::{
    clock::Clock,
    donations, heavy,
    jobs::{self, Jobs, Waits},
    payments::{Payments, WebhookSecrets},
    staff::PasswordCost,
    tasks::{self, Task},
    web,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    command_line::text,
    desk::Log,
    support::{
        TestApp,
        app::OWNER,
        both_engines,
        database::change,
        program::Program,
        provider::{Fault, Faulty},
        visitor::Visitor,
    },
};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// What runs by the clock, as after a start of the process.
fn jobs(app: &TestApp, provider: &Arc<Faulty>) -> Jobs {
    Jobs { payments: Some(provider.clone()), ..app.jobs() }
}

/// The letters about it that came to the owner.
async fn letters(app: &TestApp) -> usize {
    app.send().await;
    app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains("does not work")).count()
}

const LINE: &str = "The payment service is not asked what we missed";

both_engines! {
    /// A panic costs one turn of a job. The desk and the owner hear of it once, across restarts, until it works again.
    async fn a_job_that_breaks_off_is_told_once_and_tried_again(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let desk = app.desk().await;
        jobs(&app, &provider).run_all_once().await;
        assert!(!desk.open("/desk").await.body.contains("does not work"));

        provider.set(Fault::Panics);
        let log = Log::default();
        let listening = log.listen();
        jobs(&app, &provider).run_all_once().await;
        drop(listening);
        assert!(log.text().contains("a list that nobody foresaw") && !log.text().contains("ann@example.org"), "{}", log.text());
        let page = desk.open("/desk").await;
        page.says(LINE);
        page.says("It says on one: a list that nobody foresaw");
        assert!(!page.body.contains("ann@example.org"));
        assert_eq!(letters(&app).await, 1);
        for _ in 0..3 {
            app.advance(10 * MINUTE);
            jobs(&app, &provider).run_all_once().await;
        }
        assert_eq!(letters(&app).await, 1, "nobody is told twice of the same");

        provider.set(Fault::Nothing);
        let polled = provider.pages();
        jobs(&app, &provider).run_all_once().await;
        assert!(provider.pages() > polled, "it was tried again");
        assert!(!desk.open("/desk").await.body.contains("does not work"));

        provider.set(Fault::Panics);
        app.advance(10 * MINUTE);
        jobs(&app, &provider).run_all_once().await;
        let desk = app.desk().await;
        desk.open("/desk").await.says(LINE);
        assert_eq!(letters(&app).await, 1, "what breaks again and again is no letter each time");
        provider.set(Fault::Nothing);
        jobs(&app, &provider).run_all_once().await;
        app.advance(25 * HOUR);
        provider.set(Fault::Panics);
        jobs(&app, &provider).run_all_once().await;
        assert_eq!(letters(&app).await, 2);
    }

    /// The screen says when each job had its turn and what does not work, at the desk and for a program; and so does its exit status.
    async fn what_runs_by_itself_is_on_the_screen(app: TestApp) {
        // The command goes by the machine's clock.
        app.advance(Clock::System.now().since(app.site.now()));
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let (desk, jobs) = (app.desk().await, jobs(&app, &provider));
        desk.open("/desk/jobs").await.says("No part of the program has said");
        let ask = |arguments: &[&str]| Program::run(&app, arguments);
        assert_eq!(ask(&["jobs"]).status.code(), Some(1), "nobody runs it");
        for _ in 0..2 {
            jobs.run_all_once().await;
        }
        desk.open("/desk/jobs").await.says("Everything runs").says("Sends editions at their time");
        let said = ask(&["jobs", "--json"]);
        assert!(said.status.success(), "{}", text(&said.stderr));
        let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("one object");
        let list = said["jobs"].as_array().expect("jobs");
        assert!(list.iter().all(|job| job["last_worked"] == true && job["next"].is_i64()), "{list:#?}");
        assert_eq!(said["queues"].as_array().map(Vec::len), Some(14));

        provider.set(Fault::Panics);
        jobs.run_all_once().await;
        desk.open("/desk/jobs").await.says("Something has to be done").says(LINE);
        let said = ask(&["jobs"]);
        assert_eq!(said.status.code(), Some(1));
        assert!(text(&said.stdout).contains("a list that nobody foresaw"), "{}", text(&said.stdout));
        app.drain().await;
    }

    /// What goes on all the time is told like a job, once, until it has not broken off for a while.
    async fn a_task_that_breaks_off_is_told_once_and_works_again(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let jobs = jobs(&app, &provider);
        let breaks = || async {
            let work = async { panic!("a server that nobody foresaw, of ann@example.org") };
            let broke: heavy::Broke = heavy::caught::<()>(work).await.expect_err("it breaks off");
            jobs.breaks.note(Task::Send, &broke);
            jobs.run_all_once().await;
        };
        let desk = app.desk().await;
        for _ in 0..3 {
            breaks().await;
            app.advance(10 * MINUTE);
        }
        let page = desk.open("/desk").await;
        page.says("Sending broke off where nobody foresaw it").says("a server that nobody foresaw");
        assert!(!page.body.contains("ann@example.org"));
        assert_eq!(letters(&app).await, 1);
        app.advance(tasks::CALM);
        jobs.run_all_once().await;
        assert!(!app.desk().await.open("/desk").await.body.contains("does not work"));
        breaks().await;
        app.desk().await.open("/desk").await.says("Sending broke off");
        assert_eq!(letters(&app).await, 1, "what breaks again and again is no letter each time");
    }

    /// Of several processes that share the work each tells of its own trouble, whatever the others can do and however often
    /// they start; the letter is one.
    async fn what_one_process_cannot_do_is_told_though_others_can(app: TestApp) {
        let (broken, well) = (Faulty::new(app.payments.provider.clone(), 100), Faulty::new(app.payments.provider.clone(), 100));
        let desk = app.desk().await;
        broken.set(Fault::Fails);
        let one = jobs(&app, &broken);
        let two = || Jobs { place: "two".into(), ..jobs(&app, &well) };
        for _ in 0..8 {
            one.run_all_once().await;
            two().run_all_once().await;
            app.advance(9 * MINUTE);
        }
        desk.open("/desk").await.says("It says on one:");
        assert_eq!(letters(&app).await, 1);
        well.set(Fault::Panics);
        two().run_all_once().await;
        let page = desk.open("/desk").await;
        assert_eq!(page.body.matches(LINE).count(), 1, "it is one thing that stands still");
        assert_eq!(letters(&app).await, 1);
    }

    /// Whoever cannot be written to has not been told: the letter is written once somebody can be.
    async fn what_nobody_could_be_told_is_told_once_somebody_can_be(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        change(&app.site.db, "update staff set disabled_at = 1").await;
        change(&app.site.db, "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, created_at, updated_at, paused_because, held_because)
            select 'stopped', id, list_id, 'paused', 1, 'resend', 0, 0, 'refused', 'refused' from digest limit 1").await;
        change(&app.site.db, "insert into news (key, kind, subject, at, attempts, next_at)
            select 'edition-paused:1', 'edition-paused', cast(id as text), 0, 0, 0 from edition where public_id = 'stopped'").await;
        change(&app.site.db, "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, created_at)
            select id, 1, 'Stopped', '', '', 0 from edition where public_id = 'stopped'").await;
        change(&app.site.db, "insert into recurring_donation (public_id, email, name, amount_minor, currency, state, created_at)
            values ('unended', 'ann@example.org', '', 500, 'EUR', 'active', 0)").await;
        change(&app.site.db, "insert into provider_call (idempotency_key, operation, request, state, attempts, created_at, next_at)
            values ('cancel:unended', 'cancel', '', 'started', 1, 0, 9000000000000000)").await;
        provider.set(Fault::Panics);
        jobs(&app, &provider).run_all_once().await;
        assert_eq!(jobs::tell_news(&app.site).await.expect("a round"), 0);
        assert_eq!(donations::tell_of_unended(&app.site).await.expect("a round"), 0);
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 0);

        change(&app.site.db, "update staff set disabled_at = null").await;
        app.advance(10 * MINUTE);
        jobs(&app, &provider).run_all_once().await;
        assert_eq!(letters(&app).await, 1);
        assert_eq!(app.mails(OWNER.0).len(), 3, "of the job, the edition and the monthly donation");
        app.leaves_work();
    }

    /// What does not come back is told like what fails; and it holds up no stop.
    async fn a_job_that_does_not_come_back_is_told_and_is_left_at_the_end(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let desk = app.desk().await;
        provider.set(Fault::HangsAt(1));
        let (stop, stopped) = watch::channel(false);
        let waits = Waits { hour: Duration::from_millis(300), at_the_end: Duration::from_millis(50) };
        let running = tokio::spawn(Jobs { waits, ..jobs(&app, &provider) }.run(stopped));
        provider.hangs().await;
        while !desk.open("/desk").await.body.contains(LINE) {
            tokio::task::yield_now().await;
        }
        assert!(!running.is_finished());
        stop.send(true).expect("it listens");
        running.await.expect("it ends");
        app.drain().await;
    }

    /// What merely fails may be mended by itself within the hour; after that it is told like what broke off.
    async fn a_job_that_fails_for_an_hour_is_told(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let desk = app.desk().await;
        provider.set(Fault::Fails);
        let jobs = jobs(&app, &provider);
        for _ in 0..6 {
            jobs.run_all_once().await;
            app.advance(9 * MINUTE);
        }
        assert!(!desk.open("/desk").await.body.contains("does not work"));
        assert_eq!(letters(&app).await, 0);
        app.advance(7 * MINUTE);
        jobs.run_all_once().await;
        desk.open("/desk").await.says(LINE);
        assert_eq!(letters(&app).await, 1);

        // Somebody who cannot mend a server is not shown its words, and what a process said that is gone is not shown at all.
        app.advance(3 * HOUR);
        assert!(!app.desk().await.open("/desk").await.body.contains("does not work"));
    }

    /// A page that breaks off is an answer all the same, and the next one comes over the same connection.
    async fn a_page_that_breaks_off_is_an_error_page(app: TestApp) {
        let provider = Faulty::new(app.payments.provider.clone(), 100);
        let payments = Payments {
            provider: provider.clone(),
            webhook_secrets: WebhookSecrets::new(["whsec_of_a_test".to_owned()]),
        };
        let mut other = app.bare_pages().with_payments(payments);
        other.password_cost = PasswordCost::CHEAP;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("an address");
        let service = web::router(other).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await });
        let visitor = Visitor::new(&base);
        let form = visitor.open("/donate").await.form("/donate").with("own_amount", "15").with("email", "ann@example.org");
        // Nobody fills it in in no time.
        app.advance(Duration::from_secs(5));
        provider.set(Fault::Panics);
        let answer = visitor.submit(&form).await;
        assert_eq!(answer.status, 500);
        answer.says("Something went wrong on our side");
        assert!(answer.headers.contains_key("content-security-policy"), "the headers of every page");
        visitor.open("/donate").await.says("Readers keep us going");
        server.abort();
        app.leaves_work();
    }
}
