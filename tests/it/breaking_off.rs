//! Whoever is cut off between what is written beside the database and what is done in it, or the other way round: nobody is taken off a
//! list, stopped, or mailed for that (TRUST T10).

use std::{
    fs,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use broadside::{
    bounces::{Effect, receive_mail},
    db::{Db, Tx},
    delivery::{StopReason, Suppressions},
    doctor::Grade,
    dossier,
    journal::Journal,
    origin,
    restored::{self, Replayed},
    site::Site,
    subscribers::{
        self, Chosen, ConsentMethod, Subscriber, SubscriberError, SubscriptionState, Trace, Weeks,
        leave_by_mail, lists,
    },
    token::Purpose,
    withdrawals::{self, Withdrawal},
};
use sqlx::{Postgres, Transaction};
use tokio::time::timeout;

use crate::{
    readdressing::{address, ask, link, moves, press, reader},
    support::{
        TestApp, TestDb, app, both_engines,
        database::{change, rows},
        wait,
    },
};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

/// What the start of a process does, as far as this goes.
async fn start(app: &TestApp) -> Replayed {
    origin::arrive(&app.site, None).await.expect("a start");
    restored::take_up(&app.site, None).await.expect("the journal is taken up")
}

/// Somebody says that it is a restored backup.
async fn restore(app: &TestApp) -> Replayed {
    app.leaves_work();
    start(app).await;
    let said = restored::restored(&app.site, None, None, (None, None)).await;
    let report = said.expect("it is said").expect("nobody said so before");
    assert!(report.gaps.is_empty(), "{report:?}");
    report.replayed
}

async fn begun(db: &TestDb, names: &[&str]) -> TestApp {
    let app = TestApp::journalled(db.clone()).await;
    app.leaves_work();
    start(&app).await;
    for name in names {
        app.reader(&format!("{name}@example.org")).await;
    }
    app
}

fn written(app: &TestApp) -> String {
    fs::read_to_string(app.site.journal.path().expect("this one has a journal")).expect("our own file")
}

fn lines(app: &TestApp, what: &str) -> usize {
    written(app).matches(what).count()
}

async fn state(app: &TestApp, email: &str, list: &str) -> Option<SubscriptionState> {
    let reader = reader(app, email).await;
    let known = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    known.iter().find(|one| one.slug == list).map(|one| one.state)
}

async fn gets_it(app: &TestApp, email: &str) -> bool {
    state(app, email, "digest").await == Some(SubscriptionState::Confirmed)
}

/// The end of a link, by which a page knows whose it is.
fn token(link: &str) -> String {
    link.rsplit('/').next().expect("a link has an end").to_owned()
}

async fn choices(app: &TestApp, email: &str) -> String {
    token(&subscribers::choices_path(&app.site, &reader(app, email).await.public_id))
}

async fn unsubscribe(app: &TestApp, edition: i64, email: &str) -> String {
    token(&app.links(edition, app.reader_row(email).await).await.unsubscribe)
}

async fn leaves(app: &TestApp, edition: i64, email: &str) -> String {
    let link = unsubscribe(app, edition, email).await;
    let left = subscribers::leave(&app.site, &link, ConsentMethod::UnsubscribePage, Trace::default()).await;
    assert!(!left.expect("left").subscribed);
    link
}

async fn once<T>(work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let mut work = work;
    poll_fn(|context| {
        Poll::Ready(match work.as_mut().poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    })
    .await
}

/// A step at a time, until the database has it: then whoever waits goes away, as a browser that hangs up.
async fn cut_off<T>(what: &str, work: impl Future<Output = T>, is_done: impl AsyncFn() -> bool) {
    let mut work = pin!(work);
    wait::until(what, async || {
        assert!(once(work.as_mut()).await.is_none(), "{what}: it came to its end before");
        is_done().await.then_some(())
    })
    .await;
}

/// Nobody can change a reader meanwhile.
enum Held {
    Sqlite(Tx),
    Postgres(Transaction<'static, Postgres>),
}

async fn hold_up(db: &Db) -> Held {
    let Db::Postgres { pool, .. } = db else {
        return Held::Sqlite(db.begin().await.expect("a transaction"));
    };
    let mut tx = pool.begin().await.expect("a transaction");
    sqlx::query("lock table subscriber in exclusive mode").execute(&mut *tx).await.expect("a lock");
    Held::Postgres(tx)
}

impl Held {
    async fn let_go(self) {
        match self {
            Self::Sqlite(tx) => drop(tx),
            Self::Postgres(tx) => tx.rollback().await.expect("a rollback"),
        }
    }
}

/// The database fails at one thing, for as long as it is so.
async fn fails_to_take_back(db: &Db, fails: bool) {
    let Db::Postgres { .. } = db else {
        change(db, match fails {
            true => "create trigger broken before update of undone_at on address_change begin select raise(abort, 'it fails'); end",
            false => "drop trigger broken",
        })
        .await;
        return;
    };
    if fails {
        change(db, "create function broken() returns trigger language plpgsql as 'begin raise exception ''it fails''; end'").await;
        change(db, "create trigger broken before update of undone_at on address_change for each row execute function broken()").await;
    } else {
        change(db, "drop trigger broken on address_change").await;
    }
}

async fn moved_line(app: &TestApp, reader: &Subscriber, from: &str, to: &str) {
    let hash = |email: &str| app.site.keys.name(Purpose::Suppression, email);
    let moved = Withdrawal::Moved { reader: reader.public_id.clone(), hash: hash(from), to: Some(hash(to)) };
    withdrawals::write(&app.site, &[moved]).await;
}

fn complaint(message_id: &str) -> Vec<u8> {
    let text = format!(
        "From: feedback@example.com\r\nTo: abuse@example.org\r\nSubject: FW\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Loop/1\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\nMessage-ID: <{message_id}>\r\nTo: redacted@example.com\r\n\r\nHello\r\n--b--\r\n"
    );
    text.into_bytes()
}

both_engines! {
    /// TRUST T10: a change of address that failed, that was refused, that died, or whose reader went away, takes nobody off any list,
    /// neither at the next start nor in a restored backup.
    async fn a_move_that_comes_to_nothing_takes_nobody_off(db: TestDb) {
        let app = begun(&db, &["ann", "bea", "cat", "dan"]).await;
        for name in ["ann", "bea", "dan"] {
            moves(&app, &format!("{name}@example.org"), &format!("{name}@other.example")).await;
        }
        app.advance(Duration::from_secs(3_600));
        let backup = db.restored_copy().await;

        // Ann’s way back meets a database that fails.
        let back = token(&link(&app, "ann@example.org"));
        fails_to_take_back(&app.site.db, true).await;
        let failed = subscribers::press_move(&app.site, &back, Trace::default()).await;
        assert!(matches!(failed, Err(SubscriberError::Database(_))), "{failed:?}");
        fails_to_take_back(&app.site.db, false).await;
        // Bea’s process died over hers; Cat’s way there was refused, and the process died over saying so.
        let bea = reader(&app, "bea@other.example").await;
        moved_line(&app, &bea, "bea@other.example", "bea@example.org").await;
        ask(&app, "cat@example.org", "cat@other.example").await;
        change(&app.site.db, "update address_change set old_agreed_at = asked_at, new_agreed_at = asked_at, ended_at = asked_at + 60000000 where done_at is null").await;
        moved_line(&app, &reader(&app, "cat@example.org").await, "cat@example.org", "cat@other.example").await;
        // Dan’s answer is late, and he goes away.
        let (back, before) = (token(&link(&app, "dan@example.org")), lines(&app, " moved "));
        let held = hold_up(&app.site.db).await;
        {
            let pressed = subscribers::press_move(&app.site, &back, Trace::default());
            let line = wait::until("the line", async || (lines(&app, " moved ") > before).then_some(()));
            tokio::select! { pressed = pressed => panic!("it was not held up: {pressed:?}"), () = line => {} }
        }
        let stays = lines(&app, " stays ");
        held.let_go().await;
        wait::until("what became of it", async || (lines(&app, " stays ") > stays).then_some(())).await;

        app.advance(SECOND);
        assert_eq!(start(&app).await, Replayed::default());
        for email in ["ann@other.example", "bea@example.org", "cat@example.org", "dan@example.org"] {
            assert!(gets_it(&app, email).await, "{email}");
        }
        let again = app.restored_from(backup).await;
        // Of Cat the backup knows nothing, and of her line nobody wrote down what came of it.
        assert_eq!(restore(&again).await, Replayed { moved: 1, ..Replayed::default() });
        for email in ["ann@other.example", "bea@example.org", "dan@example.org"] {
            assert!(gets_it(&again, email).await, "{email}");
        }
        assert!(press(&app, &link(&app, "ann@example.org")).await.body.contains("It is taken back"), "she may press again");
    }

    /// TRUST T10: whoever takes something back is in the journal though they go away the moment that it is done: a backup from before
    /// takes nobody off and stops nobody.
    async fn what_was_taken_back_is_written_though_nobody_waits_for_it(db: TestDb) {
        let app = begun(&db, &["ann", "bea", "cat", "dan", "eva"]).await;
        let first = app.send_edition("The first").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;
        let suppressions = Suppressions::new(&app.site);
        let staff = somebody(&app).await;
        let trace = Trace::default();

        let ann = leaves(&app, first, "ann@example.org").await;
        let dan = choices(&app, "dan@example.org").await;
        leaves(&app, first, "dan@example.org").await;
        leaves(&app, first, "eva@example.org").await;
        let bea = choices(&app, "bea@example.org").await;
        subscribers::pause(&app.site, &bea, Weeks::Two).await.expect("saved").expect("she rests");
        let copy = app.names(first, app.reader_row("cat@example.org").await).await;
        let report = complaint(&copy.message_id(&app.site).expect("it has one"));
        assert_eq!(receive_mail(&app.site, &report, leave_by_mail).await.expect("taken in"), Effect::Complained);
        subscribers::block(&app.site, &address("tom@example.org"), "never", None).await.expect("blocked");
        app.advance(SECOND);

        cut_off("Undo", subscribers::rejoin(&app.site, &ann, trace), async || gets_it(&app, "ann@example.org").await).await;
        let joins = Chosen { lists: vec![(app.list().await, true)], ..Chosen::default() };
        let saved = subscribers::save_choices(&app.site, &dan, &joins, trace);
        cut_off("a save", saved, async || gets_it(&app, "dan@example.org").await).await;
        let eva = address("eva@example.org");
        let added = subscribers::add_by_staff(&app.site, &eva, "", app.list().await, "by telephone");
        cut_off("the desk", added, async || gets_it(&app, "eva@example.org").await).await;
        let rests = async || {
            let page = subscribers::look_at_choices(&app.site, &bea).await.expect("a page");
            page.rests_until.is_some()
        };
        cut_off("going on", subscribers::go_on(&app.site, &bea), async || !rests().await).await;
        let cat = reader(&app, "cat@example.org").await;
        let stop = suppressions.find(&cat.email).await.expect("a read").expect("she complained").id;
        let lifted = subscribers::mail_again(&app.site, &cat, stop, "by mistake", staff);
        cut_off("mailing again", lifted, async || suppressions.find(&cat.email).await.expect("a read").is_none()).await;
        let tom = suppressions.blocked(i64::MAX, 1).await.expect("a read").remove(0).id;
        let unblocked = subscribers::unblock(&app.site, tom, "by mistake", None);
        cut_off("unblocking", unblocked, async || suppressions.blocked(i64::MAX, 1).await.expect("a read").is_empty()).await;

        wait::until("the lines", async || {
            let of = |what| lines(&app, what);
            (of(" back ") == 3 && of(" went-on ") == 1 && of(" lifted ") == 2).then_some(())
        }).await;
        let again = app.restored_from(backup).await;
        assert_eq!(restore(&again).await, Replayed::default(), "{}", written(&app));
    }

    /// TRUST T10: the process dies before it has written down that somebody came back: the proof of consent knows it.
    async fn the_proof_knows_who_came_back(db: TestDb) {
        let app = begun(&db, &["ann", "bea"]).await;
        let first = app.send_edition("The first").await;
        app.advance(SECOND);
        let ann = leaves(&app, first, "ann@example.org").await;
        moved_line(&app, &reader(&app, "bea@example.org").await, "bea@example.org", "bea@other.example").await;
        let bea = leaves(&app, first, "bea@example.org").await;
        app.advance(SECOND);
        let died = Site { journal: Journal::default(), ..app.site.clone() };
        for link in [&ann, &bea] {
            assert!(subscribers::rejoin(&died, link, Trace::default()).await.expect("back").subscribed);
        }
        assert_eq!(start(&app).await, Replayed::default());
        assert!(gets_it(&app, "ann@example.org").await && gets_it(&app, "bea@example.org").await);
        // Whoever leaves after that has left.
        app.advance(SECOND);
        let lists = lists::all(&app.site.db).await.expect("a read");
        let left = Withdrawal::Left {
            reader: reader(&app, "ann@example.org").await.public_id,
            list: lists[0].public_id.clone(),
            how: ConsentMethod::OneClick.to_string(),
            known_by: None,
        };
        withdrawals::write(&app.site, &[left]).await;
        assert_eq!(start(&app).await, Replayed { left: 1, ..Replayed::default() });
    }

    /// TRUST M26, T10: a complaint that is handed in again stops nobody anew whom the team let be mailed since, and one that changed
    /// nothing is none when it comes again.
    async fn a_complaint_that_comes_again_is_as_old_as_it_was(db: TestDb) {
        let app = begun(&db, &["ann", "bea"]).await;
        let first = app.send_edition("The first").await;
        let backup = db.restored_copy().await;
        let suppressions = Suppressions::new(&app.site);
        let staff = somebody(&app).await;
        let report = async |email: &str| {
            let copy = app.names(first, app.reader_row(email).await).await;
            complaint(&copy.message_id(&app.site).expect("it has one"))
        };
        let take = async |report: &[u8]| receive_mail(&app.site, report, leave_by_mail).await.expect("taken in");
        let lift = async |email: &str| {
            app.advance(SECOND);
            let one = reader(&app, email).await;
            let stop = suppressions.find(&one.email).await.expect("a read").expect("it stops").id;
            assert!(subscribers::mail_again(&app.site, &one, stop, "by mistake", staff).await.expect("lifted"));
            app.advance(SECOND);
        };
        let anns = report("ann@example.org").await;
        assert_eq!(take(&anns).await, Effect::Complained);
        assert_eq!(take(&anns).await, Effect::Known, "who brought it may not have been told");
        lift("ann@example.org").await;
        assert_eq!(take(&anns).await, Effect::Known);
        // Bea’s is about a copy from before the team let mail go again.
        let mut tx = app.site.db.begin().await.expect("a transaction");
        suppressions.add(&mut tx, &address("bea@example.org"), StopReason::Bounced, "a test").await.expect("added");
        tx.commit().await.expect("a commit");
        lift("bea@example.org").await;
        let beas = report("bea@example.org").await;
        assert_eq!([take(&beas).await, take(&beas).await], [Effect::Outdated, Effect::Known]);

        assert_eq!(start(&app).await, Replayed::default(), "{}", written(&app));
        let again = app.restored_from(backup).await;
        assert_eq!(restore(&again).await, Replayed::default(), "{}", written(&app));
    }

    /// TRUST M7, T8: a mail that asks to leave takes nobody off who came back since it was sent, whatever it did when it was read first;
    /// and a clock that is wrong keeps nobody on a list.
    async fn a_mail_to_leave_is_of_its_day(db: TestDb) {
        let app = begun(&db, &["ann", "bea"]).await;
        let first = app.send_edition("The first").await;
        let mail = async |email: &str, head: &str| {
            let names = app.names(first, app.reader_row(email).await).await;
            let uri = names.leaving_mailto(&app.site).expect("it has one");
            let to = uri.trim_start_matches("mailto:").split('?').next().expect("an address").to_owned();
            format!("From: {email}\r\nTo: {to}\r\n{head}Subject: unsubscribe\r\n\r\n")
        };
        let take = async |mail: &str| receive_mail(&app.site, mail.as_bytes(), leave_by_mail).await.expect("taken in");
        let date = async || {
            let now: jiff::Timestamp = app.site.now().to_string().parse().expect("a moment");
            format!("Date: {}\r\n", jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).expect("a date"))
        };
        // The page was faster than the mail, which did nothing then.
        let link = leaves(&app, first, ANN).await;
        let undated = mail(ANN, "").await;
        assert_eq!(take(&undated).await, Effect::Known);
        app.advance(SECOND);
        let under_way = mail(ANN, &date().await).await;
        app.advance(SECOND);
        subscribers::rejoin(&app.site, &link, Trace::default()).await.expect("by mistake");
        app.advance(DAY);
        assert_eq!(take(&undated).await, Effect::Known, "it is the same mail");
        assert_eq!(take(&under_way).await, Effect::Known, "it was under way when she came back");
        assert!(gets_it(&app, ANN).await);
        assert_eq!(take(&mail(ANN, &date().await).await).await, Effect::Left, "this one is new");
        assert!(!gets_it(&app, ANN).await);
        let slow = mail("bea@example.org", "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n").await;
        assert_eq!(take(&slow).await, Effect::Left, "she never left before");
    }

    /// TRUST T10: a journal that is gone, or was exchanged, is a problem that the doctor names until somebody has had time to make a
    /// backup; one that is put back is none.
    async fn a_journal_that_is_gone_is_told(db: TestDb) {
        let app = begun(&db, &["ann", "bea", "cat"]).await;
        let first = app.send_edition("The first").await;
        let file = app.site.journal.path().expect("it has one").to_owned();
        let kept = file.with_extension("kept");
        let told = async || {
            let doctor = app::doctor(&app.site, &app.relay);
            let all = doctor.look_into(&app.site.db, Some(&app.site)).await;
            all.into_iter().find(|one| one.check == "withdrawals").map(|one| (one.grade, one.words))
        };
        let is_bad = async |when: &str| {
            let (grade, words) = told().await.unwrap_or_else(|| panic!("nothing is said: {when}"));
            assert!(grade == Grade::Problem && words.contains("make a backup now"), "{when}: {words}");
        };
        leaves(&app, first, "ann@example.org").await;
        assert_eq!(told().await.map(|(grade, _)| grade), Some(Grade::Ok));
        app.advance(Duration::from_secs(3_600));
        withdrawals::keep_up(&app.site).await.expect("noted");
        assert_eq!(told().await.map(|(grade, _)| grade), Some(Grade::Ok));

        fs::rename(&file, &kept).expect("our own file");
        is_bad("it is gone").await;
        leaves(&app, first, "bea@example.org").await;
        is_bad("a new one was begun").await;
        let new = file.with_extension("new");
        fs::rename(&file, &new).expect("our own file");
        fs::rename(&kept, &file).expect("our own file");
        assert_eq!(told().await.map(|(grade, _)| grade), Some(Grade::Ok), "it was put back");
        fs::rename(&file, &kept).expect("our own file");
        fs::rename(&new, &file).expect("our own file");
        start(&app).await;
        is_bad("the program was started since").await;
        app.advance(DAY * 8);
        assert_eq!(told().await.map(|(grade, _)| grade), Some(Grade::Ok), "a week is enough");
        // Found after all.
        fs::rename(&kept, file.with_file_name("found.journal")).expect("our own file");
        assert_eq!(start(&app).await, Replayed::default());
        fs::remove_file(file.with_file_name("found.journal")).expect("our own file");
        is_bad("and lost again").await;
    }

    /// TRUST T10: whoever a save takes off a list stands in the journal for it, whatever comes between its look and its doing.
    async fn nobody_is_off_a_list_whose_leaving_is_not_written(db: TestDb) {
        let app = begun(&db, &[]).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        lists::add(&mut tx, &app.site, "appeals", "Appeals", "").await.expect("a list");
        tx.commit().await.expect("a commit");
        let all = lists::all(&app.site.db).await.expect("a read");
        let appeals = all.iter().find(|one| one.slug == "appeals").expect("it is there");
        let mut left = 0;
        for (leaves_all, steps) in (0..12).map(|steps| (false, steps)).chain((0..12).map(|steps| (true, steps))) {
            let email = format!("reader{steps}-{leaves_all}@example.org");
            let digest = app.list().await;
            subscribers::add_by_staff(&app.site, &address(&email), "", digest, "a test").await.expect("added");
            let link = choices(&app, &email).await;
            let lists = if leaves_all { Vec::new() } else { vec![(appeals.id, false)] };
            let chosen = Chosen { lists, leaves_all, ..Chosen::default() };
            let mut work = pin!(subscribers::save_choices(&app.site, &link, &chosen, Trace::default()));
            let mut taken = 0;
            let early = wait::until("so many steps", async || {
                if taken == steps {
                    return Some(None);
                }
                taken += 1;
                once(work.as_mut()).await.map(Some)
            }).await;
            let email = address(&email);
            let joins = subscribers::add_by_staff(&app.site, &email, "", appeals.id, "a test");
            // Whoever holds their row by then comes first.
            let joined = timeout(Duration::from_millis(300), joins).await.is_ok();
            match early {
                Some(saved) => drop(saved.expect("saved")),
                None => drop(work.await.expect("saved")),
            }
            let reader = reader(&app, email.as_str()).await;
            let is_left = state(&app, email.as_str(), "appeals").await == Some(SubscriptionState::Left);
            let line = format!(" left {} {} ", reader.public_id, appeals.public_id);
            assert!(!is_left || written(&app).contains(&line), "{email} joined after {steps} steps, and left without a line");
            left += usize::from(is_left && joined);
        }
        assert!(left > 0, "nobody came between");
    }

    /// TRUST M1, A24: who leaves every list is not asked to confirm what they had asked for before.
    async fn who_leaves_every_list_is_asked_nothing_any_more(db: TestDb) {
        let app = begun(&db, &["ann"]).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        lists::add(&mut tx, &app.site, "appeals", "Appeals", "").await.expect("a list");
        tx.commit().await.expect("a commit");
        change(&app.site.db, "insert into subscription (subscriber_id, list_id, state, asked_at)
            select s.subscriber_id, l.id, 'pending', s.asked_at from subscription s, list l where l.slug = 'appeals'").await;
        change(&app.site.db, "update subscriber set confirm_due_at = created_at").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;
        let leaves = Chosen { leaves_all: true, ..Chosen::default() };
        let link = choices(&app, "ann@example.org").await;
        let saved = subscribers::save_choices(&app.site, &link, &leaves, Trace::default()).await.expect("saved");
        assert_eq!(saved.left, [app.list().await], "what they were on");
        assert_eq!(subscribers::ask_held_back(&app.site).await.expect("asked"), 0);
        assert_eq!(state(&app, "ann@example.org", "appeals").await, Some(SubscriptionState::Left));
        let again = app.restored_from(backup).await;
        assert_eq!(restore(&again).await.left, 2);
    }

    /// TRUST L7, T10: whoever moved between the look at them and their being forgotten is forgotten by both addresses in every backup.
    async fn who_moved_meanwhile_is_forgotten_by_both_addresses(db: TestDb) {
        let app = begun(&db, &["ann"]).await;
        app.advance(DAY);
        let backup = db.restored_copy().await;
        let seen = reader(&app, "ann@example.org").await;
        moves(&app, "ann@example.org", "ann@other.example").await;
        app.advance(SECOND);
        assert!(dossier::forget_reader(&app.site, &seen, None).await.expect("forgotten"));

        let again = app.restored_from(backup).await;
        restore(&again).await;
        for email in ["ann@example.org", "ann@other.example"] {
            let added = subscribers::add_by_staff(&again.site, &address(email), "", again.list().await, "a file").await;
            assert!(matches!(added, Err(SubscriberError::Forgotten)), "{email}: {added:?}");
        }
    }
}

/// Somebody on the team.
async fn somebody(app: &TestApp) -> i64 {
    rows::<(i64,)>(&app.site.db, "select id from staff").await[0].0
}
