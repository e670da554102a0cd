//! People who act at the worst moment: while a copy is on its way, all at once, or while the database is away.

use std::time::Duration;

use broadside::{
    db::Db,
    delivery::{self, Engine},
    dossier, publishing,
    sandbox::{Hold, Rule, Stage},
    subscribers,
};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};

use crate::support::{
    TestApp, between, both_engines, database,
    verify::{mailbox, verify},
    wait,
};

/// Long enough for every copy that waits for another try.
const LATER: Duration = Duration::from_secs(15 * 3600);
const SLOW: &str = "reader2@example.org";

both_engines! {
    /// TRUST T3, F25: a reader leaves while their copy is on its way, and the server says "not now": there is no other try.
    async fn whoever_left_meanwhile_is_not_tried_again(app: TestApp) {
        let OnItsWay { edition, engine, hold } = on_its_way(&app).await;
        let links = app.links(edition, reader_id(&app).await).await;
        let token = links.unsubscribe.rsplit('/').next().expect("a link has an end").to_owned();
        subscribers::leave(&app.site, &token, subscribers::ConsentMethod::OneClick, subscribers::Trace::default()).await.expect("left");
        refused_and_later(&app, engine, &hold).await;
        assert_eq!(states(&app).await, ["accepted", "suppressed left", "accepted"]);
    }

    /// TRUST L7: a reader is forgotten while a copy and a letter are on their way, and the server answers with their address: it is not
    /// kept, and the copy counts.
    async fn what_a_server_says_of_who_was_forgotten_meanwhile_is_not_kept(app: TestApp) {
        const NEW: &str = "new@example.org";
        app.leaves_work();
        app.import_readers(3).await;
        let edition = app.seal_edition("On its way").await;
        app.subscribe_only(NEW).await;
        let hold = Hold::default();
        for email in [SLOW, NEW] {
            let answer = format!("5.1.1 <{email}> is not here");
            let rule = Rule::at(Stage::Dot).to(email).times(1).held(&hold);
            app.sandbox.smtp_script().add(rule.reply(550, &answer));
        }
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(4)).await.expect("it starts");
        wait::until("both to be on their way", async || {
            let begun = "select address from delivery where state = 'claimed' and marker union all select address from notice where state = 'claimed' and marker";
            let begun = database::rows::<(String,)>(&app.site.db, begun).await;
            [SLOW, NEW].iter().all(|email| begun.iter().any(|(to,)| to == email)).then_some(())
        })
        .await;
        for email in [SLOW, NEW] {
            let address = email.parse().expect("an address");
            let reader = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
            assert!(dossier::forget_reader(&app.site, &reader, None).await.expect("forgotten"), "{email}");
        }
        hold.let_go();
        wait::until("the server's words", async || {
            let open = "select count(*) from delivery where state in ('queued', 'claimed') union all select count(*) from notice where state = 'claimed'";
            let open = database::rows::<(i64,)>(&app.site.db, open).await;
            open.iter().all(|one| one.0 == 0).then_some(())
        })
        .await;
        engine.stop().await;
        let words = "select reply from delivery_attempt where reply like '%@%' union all select reply from notice where reply like '%@%'";
        assert_eq!(database::rows::<(String,)>(&app.site.db, words).await, []);
        let audit = delivery::audit_copies(&app.site.db, edition).await.expect("an audit");
        assert!(audit.holds() && audit.rows.accepted == 2, "{audit:?}");
    }

    /// TRUST F27: the same when the edition is cancelled.
    async fn what_was_on_its_way_when_it_was_cancelled_is_not_tried_again(app: TestApp) {
        let OnItsWay { edition, engine, hold } = on_its_way(&app).await;
        let seen = publishing::load(&app.site.db, edition).await.expect("the edition");
        publishing::cancel(&app.site, &seen.public_id, &seen.version(), None).await.expect("it was going out");
        refused_and_later(&app, engine, &hold).await;
        let states = states(&app).await;
        assert_eq!(states[1], "suppressed cancelled");
        assert!(states.iter().all(|state| state == "accepted" || state == "suppressed cancelled"), "{states:?}");
    }

    /// TRUST T11, F25: the tallies stay right when a worker claims the copy of a reader who leaves at that very moment.
    async fn leaving_and_claiming_at_the_same_moment_count_once(app: TestApp) {
        // SQLite has one writer: nothing happens there at the same moment.
        let Db::Postgres { pool, .. } = &app.site.db else { return };
        app.import_readers(1).await;
        let edition = app.seal_edition("At the same moment").await;
        let id = database::rows::<(i64,)>(&app.site.db, "select subscriber_id from delivery").await[0].0;
        let mut claiming = pool.begin().await.expect("a transaction");
        for sql in [
            "update delivery set state = 'claimed', claimed_by = 999, attempt = attempt + 1",
            "insert into delivery_tally (edition_id, worker_id, state, count) select edition_id, 999, 'queued', -1 from delivery
                union all select edition_id, 999, 'claimed', 1 from delivery",
        ] {
            sqlx::query(sql).execute(&mut *claiming).await.expect(sql);
        }
        let list = app.list().await;
        let leaving = subscribers::leave_by_staff(&app.site, id, list, "a test");
        between::overtaken_by(&app.site.db, claiming, leaving).await.expect("anybody may leave");
        let audit = delivery::audit_copies(&app.site.db, edition).await.expect("the audit");
        assert!(audit.holds() && audit.rows.suppressed == 1, "{audit:?}");
    }

    /// TRUST F25: a hundred one-click requests at once are all answered with 200, and count as one.
    async fn a_hundred_presses_at_once_are_one(app: TestApp) {
        let link = link(&app).await;
        let answers = join_all((0..100).map(|_| one_click(&app, &link))).await;
        assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");
        let left = "select count(*) from consent_event where action = 'left'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, left).await, [(1,)]);
    }

    /// TRUST F25: while the database is away a one-click request is answered with 5xx, so that it is tried again; never with a
    /// "200" that is not so.
    async fn without_a_database_nobody_is_told_that_they_left(app: TestApp) {
        let link = link(&app).await;
        app.leaves_work();
        app.site.db.close().await;
        let answer = one_click(&app, &link).await;
        assert!(answer.is_server_error(), "{answer}");
    }

    /// TRUST F27, T1: of ten who press Send at once one wins, and everybody gets one copy.
    async fn of_ten_who_press_send_at_once_one_wins(app: TestApp) {
        app.import_readers(5).await;
        let draft = app.draft("Pressed ten times").await;
        let press = || publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        let pressed = join_all((0..10).map(|_| press())).await;
        assert_eq!(pressed.iter().filter(|pressed| pressed.is_ok()).count(), 1);
        let told = |pressed: &&_| matches!(pressed, Err(publishing::Error::AlreadyPressed));
        assert_eq!(pressed.iter().filter(told).count(), 9);
        app.advance(publishing::UNDO + Duration::from_secs(1));
        let seal = || publishing::seal_due(&app.site, &app.templates);
        let sealed: usize = join_all((0..4).map(|_| seal())).await.into_iter().map(|sealed| sealed.expect("sealed")).sum();
        assert_eq!(sealed, 1, "and of four that lock it, too");
        app.drain().await;
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.duplicates), (5, 0), "{verdict}");
    }
}

/// Three copies, the second of which is with a server that waits to be let go and then says "not now".
struct OnItsWay {
    edition: i64,
    engine: Engine,
    hold: Hold,
}

async fn on_its_way(app: &TestApp) -> OnItsWay {
    app.import_readers(3).await;
    let edition = app.seal_edition("On its way").await;
    let hold = Hold::default();
    let not_now = Rule::at(Stage::Dot).to(SLOW).times(1).held(&hold).reply(451, "4.3.0 not now");
    app.sandbox.smtp_script().add(not_now);
    let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(1)).await;
    wait::until("the copy to be on its way", async || {
        let begun = "select address from delivery where state = 'claimed' and marker";
        database::rows::<(String,)>(&app.site.db, begun).await.iter().any(|(to,)| to == SLOW).then_some(())
    })
    .await;
    OnItsWay { edition, engine: engine.expect("the engine starts"), hold }
}

/// Waits for the server's word, and sends whatever is due for good; the slow one must not be.
async fn refused_and_later(app: &TestApp, engine: Engine, hold: &Hold) {
    hold.let_go();
    let refusal = "select count(*) from delivery_attempt where reply like '%not now%'";
    wait::until("the server's word", async || {
        (database::rows::<(i64,)>(&app.site.db, refusal).await == [(1,)]).then_some(())
    })
    .await;
    engine.stop().await;
    for _ in 0..3 {
        app.advance(LATER);
        app.send().await;
    }
    assert!(app.sandbox.mailbox().to(SLOW).is_empty(), "it was tried again");
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    assert_eq!(verdict.assert_agrees().open, 0, "{verdict}");
}

async fn states(app: &TestApp) -> Vec<String> {
    let states = "select state, coalesce(class, '') from delivery order by subscriber_id";
    let states = database::rows::<(String, String)>(&app.site.db, states).await;
    states.into_iter().map(|(state, class)| format!("{state} {class}").trim().to_owned()).collect()
}

async fn reader_id(app: &TestApp) -> i64 {
    let id = "select subscriber_id from delivery where address = 'reader2@example.org'";
    database::rows::<(i64,)>(&app.site.db, id).await[0].0
}

/// The link in a reader's copy that leaves the list.
async fn link(app: &TestApp) -> String {
    app.import_readers(3).await;
    let edition = app.send_edition("With a link").await;
    app.links(edition, reader_id(app).await).await.unsubscribe
}

/// The request of RFC 8058.
async fn one_click(app: &TestApp, link: &str) -> StatusCode {
    let visitor = app.visitor();
    let request =
        visitor.request(Method::POST, link).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    visitor.send(request.body("List-Unsubscribe=One-Click")).await.status
}
