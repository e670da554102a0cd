//! Two who act at the same moment, each stopped between what it reads and what it writes: whoever must not be mailed is not.

use std::time::Duration;

use broadside::{
    db::Db,
    delivery::{self, Engine, StopReason, Suppressions},
    editions::EditionState,
    email_address::EmailAddress,
    publishing,
    sandbox::{Rule, Stage},
    subscribers::{self, Basis, ConsentMethod, Trace},
};
use futures_util::future::join_all;

use crate::support::{
    TestApp,
    between::{circles, stopped_between},
    both_engines, database, wait,
};

const ANN: &str = "reader1@example.org";
/// Long enough for every copy that waits for another try.
const LATER: Duration = Duration::from_secs(15 * 3600);

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// What every door does that learns that an address is not to be mailed.
async fn stop_mail(app: &TestApp, to: &str, reason: StopReason) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let added = Suppressions::new(&app.site).add(&mut tx, &address(to), reason, "it said so").await;
    added.expect("a suppression");
    tx.commit().await.expect("a commit");
}

/// The copies in the order of their readers: the state, and why.
async fn copies(app: &TestApp) -> Vec<String> {
    let rows = "select state, coalesce(class, '') from delivery order by edition_id, subscriber_id";
    let rows = database::rows::<(String, String)>(&app.site.db, rows).await;
    rows.into_iter().map(|(state, class)| format!("{state} {class}").trim().to_owned()).collect()
}

async fn state(app: &TestApp, edition: i64) -> EditionState {
    publishing::load(&app.site.db, edition).await.expect("the edition").state
}

async fn balanced(app: &TestApp, edition: i64) -> delivery::Progress {
    let audit = delivery::audit_copies(&app.site.db, edition).await.expect("an audit");
    assert!(audit.holds(), "{} and {}", audit.rows, audit.tallies);
    audit.rows
}

/// An edition that is finished, and whose copy to one reader failed.
async fn one_failed(app: &TestApp) -> (i64, String) {
    app.readers(3).await;
    app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(ANN).reply(554, "5.3.0 not this one"));
    let edition = app.send_edition("Once more").await;
    app.sandbox.smtp_script().clear();
    app.drain().await;
    assert_eq!(copies(app).await, ["failed trouble with a mail server", "accepted", "accepted"]);
    assert_eq!(state(app, edition).await, EditionState::Finished);
    (edition, publishing::load(&app.site.db, edition).await.expect("the edition").public_id)
}

both_engines! {
    /// TRUST F16: whoever reads waits for no writer, also where a connection has to be opened for it: inside a transaction that
    /// would be for ever.
    async fn a_connection_is_opened_while_somebody_writes(app: TestApp) {
        let tx = app.site.db.begin().await.expect("a transaction");
        let opened = tokio::time::timeout(Duration::from_secs(10), database::open(&app.database_url)).await;
        let another = opened.expect("it opens while the transaction is open");
        assert_eq!(database::rows::<(i64,)>(&another, "select count(*) from list").await, [(1,)]);
        another.close().await;
        tx.commit().await.expect("a commit");
    }

    /// TRUST M25, M26: a complaint that comes while the edition is being locked, after sealing looked at who is stopped and before
    /// the copies are there, still finds the copy.
    async fn a_complaint_while_the_copies_are_written_is_not_passed_over(app: TestApp) {
        app.readers(2).await;
        let draft = app.draft("Just being locked").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        let (sealed, ()) = stopped_between(
            &app.site.db,
            "insert into recipient_domain (name, looked_at) values ('example.org', 0)",
            publishing::seal_due(&app.site, &app.templates),
            stop_mail(&app, ANN, StopReason::Complained),
        )
        .await;
        assert_eq!(sealed.expect("sealed"), 1);
        assert_eq!(copies(&app).await[0], "suppressed complained");
        app.drain().await;
        assert!(app.mails(ANN).is_empty());
        assert_eq!(balanced(&app, draft.id).await.accepted, 1);
    }

    /// TRUST T3: the same for a reader who leaves.
    async fn leaving_while_the_copies_are_written_is_not_passed_over(app: TestApp) {
        app.readers(2).await;
        let draft = app.draft("Just being locked").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        let reader = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
        let list = app.list().await;
        let (sealed, left) = stopped_between(
            &app.site.db,
            "insert into recipient_domain (name, looked_at) values ('example.org', 0)",
            publishing::seal_due(&app.site, &app.templates),
            subscribers::leave_by_staff(&app.site, reader.id, list, "a test"),
        )
        .await;
        assert_eq!(sealed.expect("sealed"), 1);
        left.expect("anybody may leave");
        assert_eq!(copies(&app).await[0], "suppressed left");
        app.drain().await;
        assert_eq!(balanced(&app, draft.id).await.accepted, 1);
    }

    /// Two files with the same people in another order, read at once: everybody comes in once, and neither gives way.
    async fn two_files_with_the_same_people_do_not_wait_in_a_circle(app: TestApp) {
        let list = app.list().await;
        let basis = Basis { basis: "They asked".to_owned(), source: "a test".to_owned() };
        let file = |numbers: Vec<usize>| -> String {
            let rows = numbers.into_iter().map(|n| format!("reader{n}@example.org,Reader {n}\n"));
            std::iter::once("email,name\n".to_owned()).chain(rows).collect()
        };
        let (up, down) = (file((0..900).collect()), file((0..900).rev().collect()));
        let (one, other) = tokio::join!(
            subscribers::import(&app.site, up.as_bytes(), list, &basis),
            subscribers::import(&app.site, down.as_bytes(), list, &basis),
        );
        assert_eq!(one.expect("it is read").added + other.expect("it is read").added, 900);
        assert_eq!(circles(&app.site.db).await, 0);
    }

    /// TRUST M26: the same while staff have the failed copies tried again.
    async fn a_complaint_while_copies_are_tried_again_is_not_passed_over(app: TestApp) {
        let (edition, name) = one_failed(&app).await;
        let (retried, ()) = stopped_between(
            &app.site.db,
            "update edition set updated_at = updated_at",
            publishing::retry_failed(&app.site, &name, ("trouble with a mail server", 2), None),
            stop_mail(&app, ANN, StopReason::Complained),
        )
        .await;
        assert_eq!(retried.expect("tried again"), 1);
        assert_eq!(copies(&app).await[0], "suppressed complained");
        app.drain().await;
        assert!(app.mails(ANN).is_empty());
        balanced(&app, edition).await;
        assert_eq!(state(&app, edition).await, EditionState::Finished);
    }

    /// TRUST T1: an edition does not end while its failed copies are being put back in line; else they would wait in a finished
    /// edition for ever.
    async fn an_edition_does_not_end_under_copies_that_are_tried_again(app: TestApp) {
        let (edition, name) = one_failed(&app).await;
        // As it is just before a feeder finds that it is over.
        database::change(&app.site.db, "update edition set state = 'sending', finished_at = null").await;
        let (retried, ()) = stopped_between(
            &app.site.db,
            "update delivery set updated_at = updated_at where state = 'failed'",
            publishing::retry_failed(&app.site, &name, ("trouble with a mail server", 2), None),
            app.send(),
        )
        .await;
        assert_eq!(retried.expect("tried again"), 1);
        app.drain().await;
        assert_eq!(copies(&app).await, ["accepted", "accepted", "accepted"]);
        assert_eq!(state(&app, edition).await, EditionState::Finished);
        balanced(&app, edition).await;
    }

    /// TRUST T3: leaving while a failed copy is put back in line finds the copy.
    async fn leaving_while_copies_are_tried_again_is_not_passed_over(app: TestApp) {
        let (edition, name) = one_failed(&app).await;
        let reader = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
        let list = app.list().await;
        let (retried, left) = stopped_between(
            &app.site.db,
            "update edition set updated_at = updated_at",
            publishing::retry_failed(&app.site, &name, ("trouble with a mail server", 2), None),
            subscribers::leave_by_staff(&app.site, reader.id, list, "a test"),
        )
        .await;
        assert_eq!(retried.expect("tried again"), 1);
        left.expect("anybody may leave");
        assert_eq!(copies(&app).await[0], "suppressed left");
        app.drain().await;
        balanced(&app, edition).await;
    }

    /// TRUST M25, M26: whatever learns that an address is not to be mailed withdraws every copy that waits for it, in the same
    /// transaction.
    async fn who_is_stopped_has_nothing_left_in_line(app: TestApp) {
        app.readers(4).await;
        let edition = app.seal_edition("In line").await;
        for (reader, reason) in [(1, StopReason::Complained), (2, StopReason::Bounced), (3, StopReason::Staff)] {
            stop_mail(&app, &format!("READER{reader}@example.org"), reason).await;
        }
        assert_eq!(copies(&app).await, ["suppressed complained", "suppressed bounced", "suppressed staff", "queued"]);
        balanced(&app, edition).await;
        app.drain().await;
        assert_eq!(app.mails("reader4@example.org").len(), 1);
        assert_eq!(balanced(&app, edition).await.suppressed, 3);
    }

    /// The last look before a body is by the address in the envelope: a reader who has another address by now is not found by it
    /// when the old one is stopped, and the copy to the old one stays behind all the same.
    async fn the_last_look_is_by_the_address_that_the_copy_goes_to(app: TestApp) {
        app.readers(2).await;
        let edition = app.seal_edition("To the old address").await;
        let moved = "update subscriber set email = 'new@example.org', email_key = 'new@example.org' where email = 'reader1@example.org'";
        assert_eq!(database::change(&app.site.db, moved).await, 1);
        stop_mail(&app, ANN, StopReason::Complained).await;
        assert_eq!(copies(&app).await, ["queued", "queued"]);
        app.drain().await;
        assert!(app.mails(ANN).is_empty());
        assert_eq!(copies(&app).await, ["suppressed complained", "accepted"]);
        balanced(&app, edition).await;
    }

    /// TRUST F27: a worker that is writing down what became of some copies while it is to begin others, and a sender who cancels
    /// the edition, who needs both: one waits for the other, and neither has to give way.
    async fn cancelling_and_writing_down_do_not_wait_in_a_circle(app: TestApp) {
        if matches!(app.site.db, Db::Sqlite { .. }) {
            return;
        }
        app.import_readers(300).await;
        let edition = app.seal_edition("Cancelled").await;
        let seen = publishing::load(&app.site.db, edition).await.expect("the edition");
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(10)));
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(8)).await;
        assert!(app.sandbox.mailbox().wait_for_count(20, Duration::from_secs(30)).await);
        let ((), cancelled) = stopped_between(
            &app.site.db,
            "update delivery_tally set count = count where worker_id <> 0",
            async {},
            publishing::cancel(&app.site, &seen.public_id, &seen.version(), None),
        )
        .await;
        cancelled.expect("an edition that goes out can be cancelled");
        engine.expect("the engine starts").stop().await;
        assert_eq!(balanced(&app, edition).await.open, 0);
        assert_eq!(circles(&app.site.db).await, 0);
    }

    /// TRUST F25, F27, T11: readers who leave, addresses that are stopped, and an edition that is cancelled, all while three
    /// workers send it: nobody is answered with an error, nobody waits in a circle, and every account agrees.
    async fn cancelling_under_load_fails_nobody(app: TestApp) {
        const READERS: usize = 400;
        app.import_readers(READERS).await;
        for round in 0..3 {
            let edition = app.seal_edition(&format!("Cancelled, {round}")).await;
            let other = app.seal_edition(&format!("Not cancelled, {round}")).await;
            let seen = publishing::load(&app.site.db, edition).await.expect("the edition");
            let version = seen.version();
            let mut engines = Vec::new();
            // SQLite is worked on by one.
            let workers = if matches!(app.site.db, Db::Sqlite { .. }) { 1 } else { 3 };
            for _ in 0..workers {
                let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(6)).await;
                engines.push(engine.expect("the engine starts"));
            }
            let before = app.sandbox.mailbox().count();
            assert!(app.sandbox.mailbox().wait_for_count(before + 20, Duration::from_secs(30)).await);
            let ids = database::rows::<(i64,)>(&app.site.db, "select id from subscriber order by id").await;
            let ids = &ids[round * 60..round * 60 + 40];
            let mut tokens = Vec::new();
            for (id,) in ids {
                let link = app.links(edition, *id).await.unsubscribe;
                tokens.push(link.rsplit('/').next().expect("a link has an end").to_owned());
            }
            let leave =
                tokens.iter().map(|token| subscribers::leave(&app.site, token, ConsentMethod::OneClick, Trace::default()));
            let stopped: Vec<_> =
                (300..310).map(|number| format!("reader{}@example.org", number + round * 20)).collect();
            let stop = stopped.iter().map(|reader| stop_mail(&app, reader, StopReason::Bounced));
            let cancel = publishing::cancel(&app.site, &seen.public_id, &version, None);
            let (left, _, cancelled) = tokio::join!(join_all(leave), join_all(stop), cancel);
            cancelled.expect("an edition that goes out can be cancelled");
            assert!(left.iter().all(Result::is_ok), "{left:?}");
            wait::until("the other edition to end", async || {
                (state(&app, other).await == EditionState::Finished).then_some(())
            })
            .await;
            for engine in engines {
                engine.stop().await;
            }
            assert_eq!(balanced(&app, edition).await.open, 0);
            assert_eq!(balanced(&app, other).await.open, 0);
        }
        assert_eq!(circles(&app.site.db).await, 0);
    }

    /// TRUST M20: staff who have failed copies tried again get a whole run of tries for them, not the one that was left.
    async fn trying_again_is_a_whole_run_of_tries(app: TestApp) {
        app.readers(1).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(ANN).reply(450, "4.2.1 not now"));
        let edition = app.send_edition("Not now").await;
        let tries = async || {
            let tries = "select count(*) from delivery_attempt";
            database::rows::<(i64,)>(&app.site.db, tries).await[0].0
        };
        let run = async || {
            for _ in 0..20 {
                app.advance(LATER);
                app.send().await;
            }
            assert_eq!(copies(&app).await, ["failed exhausted"]);
            tries().await
        };
        let first = run().await;
        let name = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        let retried = publishing::retry_failed(&app.site, &name, ("exhausted", 2), None);
        assert_eq!(retried.await.expect("tried again"), 1);
        app.send().await;
        assert_eq!(copies(&app).await, ["queued"], "the first 'not now' is not its end");
        assert_eq!(run().await, first * 2);
        balanced(&app, edition).await;
    }
}
