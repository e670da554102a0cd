//! What the team does with many readers at once: the sums before, through crashes, and taken back exactly.

use std::time::Duration;

use broadside::{
    bulk::{self, BulkAct, BulkError, BulkPlan, BulkState, ReaderFilter},
    db::Engine,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    subscribers::{self, BulkDeed, BulkOutcome, ByStaff, ConsentMethod, Trace, Weeks},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
};

/// Longer than anybody holds an act who was not heard of since.
const LEASE: Duration = Duration::from_secs(121);

async fn work(app: &TestApp) {
    let site = app.site.clone();
    tokio::spawn(async move { bulk::go_on(&site).await }).await.expect("it works").expect("it goes on");
}

async fn now(app: &TestApp, id: &str) -> BulkAct {
    bulk::find(&app.site.db, id).await.expect("a read").expect("an act")
}

fn plan(deed: BulkDeed, list: i64) -> BulkPlan<'static> {
    let weeks = (deed == BulkDeed::Pause).then_some(Weeks::Two);
    let list = (deed != BulkDeed::Pause).then_some(list);
    BulkPlan { deed, list, topic: None, weeks, why: "signed at the fair", whom: "all readers" }
}

/// Up to the sums.
async fn counted(app: &TestApp, filter: &ReaderFilter, plan: &BulkPlan<'_>) -> BulkAct {
    let id = bulk::begin(&app.site, filter, plan, 1).await.expect("begun");
    work(app).await;
    let act = now(app, &id).await;
    assert_eq!(act.state, BulkState::Ready, "{act:?}");
    act
}

async fn press(app: &TestApp, act: &BulkAct) -> BulkAct {
    bulk::press(&app.site, act, act.changed_at, 1).await.expect("pressed");
    work(app).await;
    let act = now(app, &act.public_id).await;
    assert_eq!(act.state, BulkState::Done, "{act:?}");
    act
}

async fn done(app: &TestApp, filter: &ReaderFilter, plan: &BulkPlan<'_>) -> BulkAct {
    press(app, &counted(app, filter, plan).await).await
}

async fn take_back(app: &TestApp, act: &BulkAct) {
    bulk::take_back(&app.site, &now(app, &act.public_id).await, 1).await.expect("begun");
    work(app).await;
    assert_eq!(now(app, &act.public_id).await.state, BulkState::Undone);
}

/// Another list, by its number.
async fn letters(app: &TestApp) -> i64 {
    change(&app.site.db, "insert into list (public_id, slug, name, description, visibility, created_at, position) values ('alist000000000000002', 'letters', 'Letters', '', 'private', 1, 9)").await;
    rows::<(i64,)>(&app.site.db, "select id from list where slug = 'letters'").await[0].0
}

/// Who stands how with Letters.
async fn on_letters(app: &TestApp) -> Vec<(String, String)> {
    rows(&app.site.db, "select r.email, s.state from subscriber r join subscription s on s.subscriber_id = r.id join list l on l.id = s.list_id where l.slug = 'letters' order by r.email").await
}

/// All that is known of readers and their consent.
async fn all(app: &TestApp) -> Vec<(String,)> {
    rows(&app.site.db, "select r.email || ' ' || s.list_id || ' ' || s.state || ' ' || coalesce(s.paused_until, 0) || ' ' || (select count(*) from subscription_topic t where t.subscriber_id = r.id and t.list_id = s.list_id)
        from subscriber r join subscription s on s.subscriber_id = r.id order by r.email, s.list_id").await
}

fn link(path: &str) -> String {
    path.rsplit('/').next().expect("an end").to_owned()
}

both_engines! {
    /// TRUST L6, M4: nobody is put on a list by the team who left it, is stopped, or is on none; the sums before are those after; each who joins
    /// has the proof, nobody gets a letter, and taken back it is as it was.
    async fn many_join_a_list_and_nobody_who_must_not(app: TestApp) {
        let (list, other) = (app.list().await, letters(&app).await);
        for email in ["ann", "bob", "gone", "stopped", "nowhere", "knows"] {
            app.reader(&format!("{email}@example.org")).await;
        }
        let by = ByStaff { staff_id: 1, why: "asked" };
        let reader = async |email: &str| {
            let email = EmailAddress::parse(email).expect("an address");
            subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader")
        };
        let add = |email: &'static str| {
            let email = EmailAddress::parse(email).expect("an address");
            let site = app.site.clone();
            async move { subscribers::add_by_staff(&site, &email, "", other, "asked").await.expect("added") }
        };
        add("knows@example.org").await;
        let gone = add("gone@example.org").await;
        subscribers::take_off(&app.site, &gone, other, by).await.expect("left");
        subscribers::take_off(&app.site, &reader("nowhere@example.org").await, list, by).await.expect("left");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let address = EmailAddress::parse("stopped@example.org").expect("an address");
        Suppressions::new(&app.site).add(&mut tx, &address, StopReason::Complained, "a report").await.expect("stopped");
        tx.commit().await.expect("a commit");
        app.drain().await;
        let (before, mails) = (all(&app).await, app.mails("ann@example.org").len());

        let act = counted(&app, &ReaderFilter::default(), &plan(BulkDeed::Join, other)).await;
        assert_eq!(all(&app).await, before, "nothing before the press");
        let expected = act.expected().expect("sums");
        for (outcome, number) in [(BulkOutcome::Changed, 2), (BulkOutcome::Left, 1), (BulkOutcome::Stopped, 1), (BulkOutcome::Nowhere, 1), (BulkOutcome::Already, 1)] {
            assert_eq!(expected.of(outcome), number, "{outcome} of {expected:?}");
        }
        let act = press(&app, &act).await;
        assert_eq!(act.sums().expect("sums"), expected);
        let is = |email: &str, state: &str| (format!("{email}@example.org"), state.to_owned());
        assert_eq!(on_letters(&app).await, [is("ann", "confirmed"), is("bob", "confirmed"), is("gone", "left"), is("knows", "confirmed")]);
        let proof = rows::<(String, String, String)>(&app.site.db, "select e.action, e.method, e.source from consent_event e join subscriber r on r.id = e.subscriber_id join list l on l.id = e.list_id where r.email = 'ann@example.org' and l.slug = 'letters'").await;
        assert_eq!(proof, [("confirmed".to_owned(), "staff".to_owned(), "signed at the fair".to_owned())]);
        app.drain().await;
        assert_eq!(app.mails("ann@example.org").len(), mails, "no letter");
        let log = rows::<(String, String)>(&app.site.db, "select action, detail from audit_log where action like '%many readers' order by id").await;
        assert_eq!(log.len(), 2, "{log:?}");
        assert!(log[1].1.contains("2 changed, 4 left as they were") && log.iter().all(|(_, detail)| !detail.contains('@')), "{log:?}");

        // Whoever leaves themselves meanwhile has left it.
        app.advance(Duration::from_secs(60));
        subscribers::leave_by_staff(&app.site, reader("bob@example.org").await.id, other, "asked").await.expect("left");
        take_back(&app, &act).await;
        assert_eq!(on_letters(&app).await, [is("bob", "left"), is("gone", "left"), is("knows", "confirmed")]);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from bulk_change").await, [(0,)]);
    }

    /// TRUST T10, M4: who is taken off with many stands in the journal before; copies that wait are not sent; taken back, everybody is on it again
    /// but for who said themselves that they leave.
    async fn many_leave_a_list_and_come_back(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let list = app.list().await;
        for email in ["one", "two", "three"] {
            app.reader(&format!("{email}@example.org")).await;
        }
        let edition = app.send_edition("The first").await;
        let waits = app.seal_edition("The second").await;
        let before = all(&app).await;
        let act = done(&app, &ReaderFilter { list: Some(list), ..ReaderFilter::default() }, &plan(BulkDeed::TakeOff, list)).await;
        assert_eq!(act.sums().expect("sums").of(BulkOutcome::Changed), 3);
        let path = app.site.journal.path().expect("a journal").to_owned();
        let lines = || std::fs::read_to_string(&path).expect("a journal").lines().filter(|line| line.contains("left")).count();
        assert_eq!(lines(), 3);
        let open = rows::<(i64, String)>(&app.site.db, "select edition_id, state from delivery where state in ('queued', 'claimed')").await;
        assert!(open.iter().all(|(edition, _)| *edition != waits), "{open:?}");
        assert!(broadside::delivery::audit_copies(&app.site.db, 1).await.is_ok_and(|audit| audit.holds()));

        let two = app.links(edition, app.reader_row("two@example.org").await).await.unsubscribe;
        subscribers::leave(&app.site, &link(&two), ConsentMethod::OneClick, Trace::default()).await.expect("left");
        take_back(&app, &act).await;
        let after: Vec<_> = all(&app).await;
        let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert!(changed[0].1.0.starts_with("two@example.org") && changed[0].1.0.contains("left"), "{changed:?}");
        let back = std::fs::read_to_string(&path).expect("a journal").lines().filter(|line| line.contains("back")).count();
        assert_eq!(back, 2);
        app.leaves_work();
    }

    /// TRUST F24: broken off at any moment, and gone on with by another: nobody is changed twice, and the sums add up.
    async fn an_act_that_breaks_off_goes_on_without_a_second_effect(app: TestApp) {
        const READERS: usize = 1_200;
        app.import_readers(READERS).await;
        let other = letters(&app).await;
        let act = counted(&app, &ReaderFilter::default(), &plan(BulkDeed::Join, other)).await;
        bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
        let mut broke = 0;
        loop {
            let site = app.site.clone();
            let task = tokio::spawn(async move { bulk::go_on(&site).await });
            let begun = rows::<(i64,)>(&app.site.db, "select count(*) from bulk_change").await[0].0;
            while !task.is_finished() && rows::<(i64,)>(&app.site.db, "select count(*) from bulk_change").await[0].0 < begun + 100 {
                tokio::task::yield_now().await;
            }
            let is_over = task.is_finished();
            task.abort();
            drop(task.await);
            if is_over && now(&app, &act.public_id).await.state == BulkState::Done {
                break;
            }
            broke += 1;
            assert!(broke < 100, "it does not come to an end");
            app.advance(LEASE);
        }
        let sums = now(&app, &act.public_id).await.sums().expect("sums");
        assert_eq!((sums.of(BulkOutcome::Changed), sums.all()), (READERS as u64, READERS as u64), "broke off {broke} times");
        assert!(broke > 0, "it never broke off");
        let twice = rows::<(i64,)>(&app.site.db, "select count(*) from (select subscriber_id from consent_event e join list l on l.id = e.list_id where l.slug = 'letters' group by subscriber_id having count(*) <> 1) t").await;
        assert_eq!(twice, [(0,)]);
        assert_eq!(on_letters(&app).await.len(), READERS);
    }

    /// TRUST M29: a topic comes and goes only where nobody gets less or more than they chose; what readers choose themselves stays.
    async fn topics_and_pauses_of_many_are_taken_back_but_for_what_readers_say(app: TestApp) {
        let list = app.list().await;
        for email in ["none", "other", "both", "this"] {
            app.reader(&format!("{email}@example.org")).await;
        }
        for (id, name) in [(7, "food"), (8, "sea")] {
            let sql: &'static str = Box::leak(format!("insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values ({id}, 'topic{id}', '{name}', '{name}', '', {id}, 1)").into_boxed_str());
            change(&app.site.db, sql).await;
        }
        for (email, topic) in [("other", 8), ("both", 7), ("both", 8), ("this", 7)] {
            let sql: &'static str = Box::leak(format!("insert into subscription_topic (list_id, subscriber_id, topic_id) select {list}, id, {topic} from subscriber where email = '{email}@example.org'").into_boxed_str());
            change(&app.site.db, sql).await;
        }
        let chosen = async || rows::<(String, i64)>(&app.site.db, "select r.email, t.topic_id from subscription_topic t join subscriber r on r.id = t.subscriber_id order by r.email, t.topic_id").await;
        let before = chosen().await;
        let with = |deed| BulkPlan { topic: Some(7), ..plan(deed, list) };
        let act = done(&app, &ReaderFilter::default(), &with(BulkDeed::Choose)).await;
        let sums = act.sums().expect("sums");
        assert_eq!((sums.of(BulkOutcome::Changed), sums.of(BulkOutcome::ChoseNothing), sums.of(BulkOutcome::Already)), (1, 1, 2));
        let less = done(&app, &ReaderFilter::default(), &with(BulkDeed::Unchoose)).await;
        let sums = less.sums().expect("sums");
        assert_eq!((sums.of(BulkOutcome::Changed), sums.of(BulkOutcome::ChoseThisAlone), sums.of(BulkOutcome::Already)), (2, 1, 1));
        // One of them chooses by themselves since; and the later act goes first.
        let both = EmailAddress::parse("both@example.org").expect("an address");
        let both = subscribers::by_email(&app.site.db, &both).await.expect("a read").expect("a reader");
        let corrected = subscribers::Corrected { topics: vec![(list, vec![], vec![8])], ..Default::default() };
        subscribers::correct_choices(&app.site, &both, &corrected, ByStaff { staff_id: 1, why: "asked" }).await.expect("chosen");
        let early = bulk::take_back(&app.site, &act, 1).await;
        assert!(matches!(early, Err(BulkError::Changed)), "{early:?}");
        take_back(&app, &less).await;
        take_back(&app, &act).await;
        let left: Vec<_> = before.iter().filter(|(email, _)| email != "both@example.org").cloned().collect();
        assert_eq!(chosen().await, left);

        let before = all(&app).await;
        let act = done(&app, &ReaderFilter::default(), &plan(BulkDeed::Pause, 0)).await;
        assert_eq!(act.sums().expect("sums").of(BulkOutcome::Changed), 4);
        let again = done(&app, &ReaderFilter::default(), &plan(BulkDeed::Pause, 0)).await;
        assert_eq!(again.sums().expect("sums").of(BulkOutcome::Rests), 4, "whoever rests rests as before");
        app.reader("later@example.org").await;
        app.send_edition("Meanwhile").await;
        let came = |email: &str| app.mails(email).iter().filter(|mail| mail.subject.contains("Meanwhile")).count();
        assert_eq!((came("none@example.org"), came("later@example.org")), (0, 1));
        // One goes on and rests anew.
        let path = subscribers::choices_path(&app.site, &both.public_id);
        subscribers::go_on(&app.site, &link(&path)).await.expect("on");
        app.advance(Duration::from_secs(60));
        subscribers::pause(&app.site, &link(&path), Weeks::Eight).await.expect("rests");
        app.drain().await;
        take_back(&app, &again).await;
        take_back(&app, &now(&app, &act.public_id).await).await;
        let mut after = all(&app).await;
        after.retain(|(one,)| !one.starts_with("later@"));
        let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert!(changed.len() == 1 && changed[0].1.0.starts_with("both@"), "{changed:?}");
    }

    /// TRUST T10: a restored backup goes on with nothing; a day later nothing is taken back; whoever came later is not meant, and whoever stands
    /// otherwise by then is left alone.
    async fn an_act_is_about_who_was_there_and_stands_so(app: TestApp) {
        let list = app.list().await;
        app.reader("early@example.org").await;
        app.reader("paused@example.org").await;
        let act = counted(&app, &ReaderFilter { list: Some(list), standing: "confirmed".to_owned(), ..ReaderFilter::default() }, &plan(BulkDeed::TakeOff, list)).await;
        app.reader("late@example.org").await;
        let paused = app.reader_row("paused@example.org").await;
        let paused = rows::<(String,)>(&app.site.db, "select public_id from subscriber order by id").await.into_iter().nth(usize::try_from(paused).unwrap_or(2) - 1);
        let path = subscribers::choices_path(&app.site, &paused.expect("a reader").0);
        subscribers::pause(&app.site, &link(&path), Weeks::Two).await.expect("rests");
        app.drain().await;
        let act = press(&app, &act).await;
        assert_eq!(act.sums().expect("sums").of(BulkOutcome::Changed), 1);
        let on = rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.state = 'confirmed' order by r.email").await;
        assert_eq!(on, [("late@example.org".to_owned(),), ("paused@example.org".to_owned(),)]);
        app.advance(Duration::from_secs(86_401));
        let late = bulk::take_back(&app.site, &now(&app, &act.public_id).await, 1).await;
        assert!(matches!(late, Err(BulkError::Changed)), "{late:?}");

        let act = counted(&app, &ReaderFilter::default(), &plan(BulkDeed::Pause, list)).await;
        bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
        broadside::restored::restored(&app.site, None, None, (None, None)).await.expect("said").expect("a report");
        work(&app).await;
        let act = now(&app, &act.public_id).await;
        assert_eq!((act.state, act.trouble.contains("A backup was restored")), (BulkState::Stopped, true));
    }

    /// TRUST A15, L10: the pages: what is narrowed down goes along, nothing is done before the press, and a press on a page that is out of date
    /// does nothing.
    async fn the_desk_does_something_with_many(app: TestApp) {
        let other = letters(&app).await;
        app.reader("ann@example.org").await;
        app.reader("bob@example.org").await;
        let desk = app.desk().await;
        let page = desk.open("/desk/readers?q=ann%40").await;
        let (_, to) = page.body.split_once("href=\"/desk/many/new").expect("it leads on");
        let to = to.split('"').next().expect("an end").replace("&amp;", "&").replace("&#x3D;", "=");
        let page = desk.open(&format!("/desk/many/new{to}")).await;
        page.says("found by a search (“ann@”)");
        let form = page.form("/desk/many/new");
        let again = desk.submit(&form.clone().with("deed", "join")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("Say how they agreed");
        let sent = desk.submit(&form.with("deed", "join").with("to", &other.to_string()).with("why", "signed at the fair")).await;
        let path = sent.leads_to().expect("its own page").path().to_owned();
        work(&app).await;
        let page = desk.open(&path).await;
        page.says("1 reader joins Letters.");
        assert!(on_letters(&app).await.is_empty());
        let go = page.form("/go");
        let stale = desk.submit(&go.clone().with("seen", "1")).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        assert!(on_letters(&app).await.is_empty());
        desk.submit(&go).await;
        work(&app).await;
        desk.open(&path).await.says("1 reader joined Letters.");
        assert_eq!(on_letters(&app).await, [("ann@example.org".to_owned(), "confirmed".to_owned())]);
        let kept = rows::<(String, String)>(&app.site.db, "select filter, whom from bulk_act").await;
        assert_eq!(kept, [(String::new(), "found by a search".to_owned())], "what was typed is not kept");
        desk.open("/desk/many").await.says("1 of 1 reader");
        let page = desk.open(&path).await;
        desk.submit(&page.form("/undo")).await;
        work(&app).await;
        desk.open(&path).await.says("What it changed is as it was");
        assert!(on_letters(&app).await.is_empty());
    }
}

/// TRUST U1: something is done with many readers in a browser, on a phone and on a desk, light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn many_join_a_list_by_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    letters(&app).await;
    app.readers(3).await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/readers")).await;
    browser.sound("readers-many").await;
    browser.click("Do something with these readers").await;
    browser.wait_for_text("All your readers.").await;
    browser.sound("many-new").await;
    browser.tick("Add them to a list").await;
    browser.choose("Which list?", "Letters").await;
    browser.fill("How they agreed, or why", "signed at our stall").await;
    browser.click("Show me the sums").await;
    browser.wait_for_text("Counting").await;
    app.drain().await;
    browser.wait_for_text("3 readers join Letters.").await;
    browser.sound("many-sums").await;
    browser.click("Add them").await;
    browser.wait_for_text("It is done now").await;
    app.drain().await;
    browser.wait_for_text("3 readers joined Letters.").await;
    browser.sound("many-done").await;
    browser.goto(&app.url("/desk/many")).await;
    browser.sound("many").await;
    browser.close().await;
}
