//! What the team does with many readers at once: the sums before, through crashes, and taken back exactly.

use std::time::Duration;

use broadside::{
    bulk::{self, BulkAct, BulkError, BulkPlan, BulkState, ReaderFilter, WayBack},
    db::Engine,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    subscribers::{
        self, BulkDeed, BulkOutcome, ByStaff, ConsentMethod, Corrected, Import, ImportState, Receiving,
        Subscriber, Trace, Weeks,
    },
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::Visitor,
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

async fn reader_of(app: &TestApp, email: &str) -> Subscriber {
    let email = EmailAddress::parse(email).expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader")
}

async fn topic(app: &TestApp, id: i64, name: &str) {
    let sql = format!(
        "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values ({id}, 'topic{id}', '{name}', '{name}', '', {id}, 1)"
    );
    change(&app.site.db, Box::leak(sql.into_boxed_str())).await;
}

/// They choose these of a list by themselves.
async fn chooses(app: &TestApp, email: &str, list: i64, topics: &[i64]) {
    let corrected = Corrected { topics: vec![(list, topics.to_vec(), Vec::new())], ..Corrected::default() };
    let reader = reader_of(app, email).await;
    let by = ByStaff { staff_id: 1, why: "asked" };
    assert!(subscribers::correct_choices(&app.site, &reader, &corrected, by).await.expect("chosen"));
}

async fn chosen(app: &TestApp) -> Vec<(String, i64)> {
    rows(&app.site.db, "select r.email, t.topic_id from subscription_topic t join subscriber r on r.id = t.subscriber_id order by r.email, t.topic_id").await
}

async fn deleted(app: &TestApp, topic: i64) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    assert!(subscribers::topics::delete(&mut tx, topic).await.expect("asked"), "nobody chose it");
    tx.commit().await.expect("a commit");
}

async fn rests(app: &TestApp, email: &str) {
    let path = subscribers::choices_path(&app.site, &reader_of(app, email).await.public_id);
    subscribers::pause(&app.site, &link(&path), Weeks::Two).await.expect("a pause");
    app.drain().await;
}

/// How each reader stands with each list, and what was agreed to of it, as files tell it.
async fn exported(app: &TestApp) -> String {
    let mut file = Vec::new();
    subscribers::export(&app.site, &mut file).await.expect("an export");
    String::from_utf8(file).expect("text")
}

async fn import_work(app: &TestApp) {
    let site = app.site.clone();
    tokio::spawn(async move { subscribers::bring_in(&site).await })
        .await
        .expect("it works")
        .expect("it goes on");
}

async fn import_now(app: &TestApp, id: &str) -> Import {
    subscribers::find_import(&app.site.db, id).await.expect("a read").expect("an import")
}

/// A file that is brought in at the desk, to its end.
async fn brought_in(app: &TestApp, desk: &Visitor, file: &str) -> Import {
    let mut receiving = Receiving::begin(&app.site, Some(1), "all.csv").await.expect("begun");
    receiving.push(&app.site, file.as_bytes()).await.expect("kept");
    let id = receiving.finish(&app.site).await.expect("here");
    import_work(app).await;
    let path = format!("/desk/imports/{id}");
    desk.submit(&desk.open(&path).await.form(&path).with("basis", "consent").with("source", "another house"))
        .await;
    import_work(app).await;
    desk.submit(&desk.open(&path).await.form("/go")).await;
    import_work(app).await;
    let import = import_now(app, &id).await;
    assert_eq!(import.state, ImportState::Done, "{import:?}");
    import
}

async fn take_import_back(app: &TestApp, import: &Import) {
    let import = import_now(app, &import.public_id).await;
    subscribers::take_import_back(&app.site, &import, 1).await.expect("begun");
    import_work(app).await;
    assert_eq!(import_now(app, &import.public_id).await.state, ImportState::Undone);
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

    /// TRUST M4, L6: whom a file says left stays off when an act is taken back that took them off before it, and whom an act takes off stays
    /// off when a file is taken back that said it before; and whoever comes back does so by the proof of before.
    async fn who_left_by_a_file_and_by_an_act_is_not_put_back(app: TestApp) {
        let list = app.list().await;
        let [act_first, file_first, act_alone, file_alone] = ["aa@example.org", "bb@example.org", "cc@example.org", "dd@example.org"];
        for email in [act_first, file_first, act_alone, file_alone] {
            app.reader(email).await;
        }
        rests(&app, act_alone).await;
        let desk = app.desk().await;
        let before = exported(&app).await;
        let off = async || rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.state = 'left' order by r.email").await;

        app.advance(Duration::from_secs(60));
        let act = done(&app, &ReaderFilter { list: Some(list), ..ReaderFilter::default() }, &plan(BulkDeed::TakeOff, list)).await;
        assert_eq!(off().await.len(), 4);
        app.advance(Duration::from_secs(60));
        brought_in(&app, &desk, &format!("email,status\n{act_first},cancelled\n")).await;
        app.advance(Duration::from_secs(60));
        take_back(&app, &act).await;
        assert_eq!(off().await, [(act_first.to_owned(),)], "they left elsewhere");
        let others = |file: &str| file.lines().filter(|line| !line.contains(act_first)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(others(&exported(&app).await), others(&before), "as if it had not been, with the proof of before");

        app.advance(Duration::from_secs(60));
        let file = brought_in(&app, &desk, &format!("email,status\n{file_first},cancelled\n{file_alone},cancelled\n")).await;
        assert_eq!(off().await.len(), 3);
        app.advance(Duration::from_secs(60));
        let again = done(&app, &ReaderFilter { search: "bb@example".to_owned(), ..ReaderFilter::default() }, &plan(BulkDeed::TakeOff, list)).await;
        assert_eq!(again.sums().expect("sums").of(BulkOutcome::Already), 1, "{again:?}");
        assert_eq!(bulk::way_back(&app.site, &again).await.expect("asked"), WayBack::Nothing);
        take_import_back(&app, &file).await;
        assert_eq!(off().await, [(act_first.to_owned(),), (file_first.to_owned(),)], "the team took them off since");
        let others = |file: &str| file.lines().filter(|line| !line.contains(act_first) && !line.contains(file_first)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(others(&exported(&app).await), others(&before), "with the proof of before");
        app.send_edition("To whom").await;
        for (email, mails) in [(act_first, 0), (file_first, 0), (act_alone, 0), (file_alone, 1)] {
            let came = app.mails(email).iter().filter(|mail| mail.subject.contains("To whom")).count();
            assert_eq!(came, mails, "{email}");
        }
    }

    /// TRUST M4, M29: whoever chose topics of a list that the team or a file put them on, or rested from it, stays on it when that is taken back;
    /// what the team did with many of it since keeps nobody.
    async fn who_chose_something_since_stays_on_the_list(app: TestApp) {
        let (list, other) = (app.list().await, letters(&app).await);
        topic(&app, 7, "food").await;
        for email in ["chose@example.org", "quiet@example.org", "rests@example.org"] {
            app.reader(email).await;
        }
        let act = done(&app, &ReaderFilter::default(), &plan(BulkDeed::Join, other)).await;
        assert_eq!(on_letters(&app).await.len(), 3);
        app.advance(Duration::from_secs(60));
        let pause = done(&app, &ReaderFilter::default(), &plan(BulkDeed::Pause, other)).await;
        take_back(&app, &pause).await;
        app.advance(Duration::from_secs(60));
        chooses(&app, "chose@example.org", other, &[7]).await;
        rests(&app, "rests@example.org").await;
        take_back(&app, &act).await;
        let is = |email: &str| (format!("{email}@example.org"), "confirmed".to_owned());
        assert_eq!(on_letters(&app).await, [is("chose"), is("rests")]);

        let desk = app.desk().await;
        let file = brought_in(&app, &desk, "email\nnew-chose@example.org\nnew-quiet@example.org\nnew-rests@example.org\n").await;
        app.advance(Duration::from_secs(60));
        chooses(&app, "new-chose@example.org", list, &[7]).await;
        rests(&app, "new-rests@example.org").await;
        take_import_back(&app, &file).await;
        let new = rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.state = 'confirmed' and r.email like 'new-%' order by r.email").await;
        assert_eq!(new, [("new-chose@example.org".to_owned(),), ("new-rests@example.org".to_owned(),)]);
    }

    /// TRUST F24: an act whose topic is deleted or merged comes to its end, whatever it was about to do; it keeps no other one from being taken
    /// back; its page says why it cannot be, and leads to the one that goes first. Nobody loses what they chose by a merge.
    async fn an_act_without_its_topic_comes_to_its_end(app: TestApp) {
        let list = app.list().await;
        for (id, name) in [(7, "food"), (8, "sea"), (9, "art"), (10, "air")] {
            topic(&app, id, name).await;
        }
        app.reader("both@example.org").await;
        app.reader("other@example.org").await;
        chooses(&app, "both@example.org", list, &[7, 8, 9]).await;
        chooses(&app, "other@example.org", list, &[8]).await;
        let is = |email: &str, topic: i64| (format!("{email}@example.org"), topic);
        let of = |deed, topic| BulkPlan { topic: Some(topic), ..plan(deed, list) };
        let way = async |act: &BulkAct| bulk::way_back(&app.site, &now(&app, &act.public_id).await).await.expect("asked");

        // Merged while it is done, and after it.
        let act = counted(&app, &ReaderFilter::default(), &of(BulkDeed::Choose, 10)).await;
        bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        assert!(subscribers::topics::merge(&mut tx, &app.site, (10, 1), 8).await.expect("asked"));
        tx.commit().await.expect("a commit");
        work(&app).await;
        let act = now(&app, &act.public_id).await;
        assert_eq!((act.state, act.sums().expect("sums").of(BulkOutcome::Already)), (BulkState::Done, 2), "{act:?}");
        let first = done(&app, &ReaderFilter::default(), &of(BulkDeed::Choose, 7)).await;
        assert_eq!(chosen(&app).await, [is("both", 7), is("both", 8), is("both", 9), is("other", 7), is("other", 8)]);

        // Deleted after it.
        let second = done(&app, &ReaderFilter::default(), &of(BulkDeed::Unchoose, 9)).await;
        assert_eq!(way(&first).await, WayBack::Later(second.public_id.clone()));
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/many/{}", first.public_id)).await;
        page.says("Another one was begun after it").says("Take that one back first");
        assert!(page.body.contains(&format!("href=\"/desk/many/{}\"", second.public_id)), "{}", page.body);
        deleted(&app, 9).await;
        assert_eq!(way(&second).await, WayBack::Gone);
        desk.open(&format!("/desk/many/{}", second.public_id)).await.says("its topic was deleted since");
        let back = bulk::take_back(&app.site, &now(&app, &second.public_id).await, 1).await;
        assert!(matches!(back, Err(BulkError::Changed)), "{back:?}");
        assert_eq!(way(&first).await, WayBack::Open);

        // Deleted while it is taken back, and while it is done.
        let third = done(&app, &ReaderFilter::default(), &of(BulkDeed::Unchoose, 7)).await;
        assert_eq!(third.sums().expect("sums").of(BulkOutcome::Changed), 2);
        bulk::take_back(&app.site, &third, 1).await.expect("begun");
        deleted(&app, 7).await;
        work(&app).await;
        assert_eq!(now(&app, &third.public_id).await.state, BulkState::Undone);
        assert_eq!(chosen(&app).await, [is("both", 8), is("other", 8)]);
        topic(&app, 11, "sun").await;
        let act = counted(&app, &ReaderFilter::default(), &of(BulkDeed::Choose, 11)).await;
        bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
        deleted(&app, 11).await;
        work(&app).await;
        let act = now(&app, &act.public_id).await;
        assert_eq!((act.state, act.sums().expect("sums").of(BulkOutcome::Gone)), (BulkState::Done, 2), "{act:?}");
        desk.open(&format!("/desk/many/{}", act.public_id)).await.says("2 are left as they were: the list or topic is not there any more.");

        // Merged after it: what they chose themselves is not told from it any more.
        topic(&app, 12, "ice").await;
        let last = done(&app, &ReaderFilter::default(), &of(BulkDeed::Choose, 12)).await;
        assert_eq!(way(&last).await, WayBack::Open);
        let mut tx = app.site.db.begin().await.expect("a transaction");
        assert!(subscribers::topics::merge(&mut tx, &app.site, (12, 1), 8).await.expect("asked"));
        tx.commit().await.expect("a commit");
        assert_eq!(way(&last).await, WayBack::Nothing);
        assert_eq!(chosen(&app).await, [is("both", 8), is("other", 8)]);

        // And a list that is deleted while readers are about to be added to it.
        let other = letters(&app).await;
        let act = counted(&app, &ReaderFilter::default(), &plan(BulkDeed::Join, other)).await;
        bulk::press(&app.site, &act, act.changed_at, 1).await.expect("pressed");
        change(&app.site.db, "delete from list where slug = 'letters'").await;
        work(&app).await;
        let act = now(&app, &act.public_id).await;
        assert_eq!((act.state, act.sums().expect("sums").of(BulkOutcome::Gone)), (BulkState::Done, 2), "{act:?}");
    }

    /// TRUST T10: a topic that is added to what many chose, or taken away, and taking that back, stands in the journal for each whom it changes and
    /// for nobody else, and the row says when, as for one reader.
    async fn topics_of_many_stand_in_the_journal(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let list = app.list().await;
        topic(&app, 7, "food").await;
        topic(&app, 8, "sea").await;
        for email in ["none@example.org", "sea@example.org"] {
            app.reader(email).await;
        }
        chooses(&app, "sea@example.org", list, &[8]).await;
        let path = app.site.journal.path().expect("a journal").to_owned();
        let name = reader_of(&app, "sea@example.org").await.public_id;
        let said = || {
            let all = std::fs::read_to_string(&path).expect("a journal");
            all.lines().filter(|line| line.contains("chose ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let chosen_at = async || rows::<(i64,)>(&app.site.db, "select coalesce(s.chosen_at, 0) from subscription s join subscriber r on r.id = s.subscriber_id order by r.email").await;
        let mut lines = said().len();
        let mut newest = chosen_at().await[1].0;
        let mut is_said = async |sign: &str| {
            let all = said();
            assert_eq!(all.len(), lines + 1, "{all:?}");
            lines = all.len();
            let last = all.last().expect("a line");
            assert!(last.contains(&name) && last.contains(&format!(" {sign}topic7")), "{last}");
            let at = chosen_at().await;
            assert!(at.len() == 2 && at[0] == (0,) && at[1].0 > newest, "{at:?} and {newest}");
            newest = at[1].0;
        };
        let with = |deed| BulkPlan { topic: Some(7), ..plan(deed, list) };
        app.advance(Duration::from_secs(60));
        let more = done(&app, &ReaderFilter::default(), &with(BulkDeed::Choose)).await;
        is_said("+").await;
        app.advance(Duration::from_secs(60));
        let less = done(&app, &ReaderFilter::default(), &with(BulkDeed::Unchoose)).await;
        is_said("-").await;
        app.advance(Duration::from_secs(60));
        take_back(&app, &less).await;
        is_said("+").await;
        app.advance(Duration::from_secs(60));
        take_back(&app, &more).await;
        is_said("-").await;
        assert_eq!(chosen(&app).await, [("sea@example.org".to_owned(), 8)]);
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
