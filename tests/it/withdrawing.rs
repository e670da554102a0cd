//! Who left, complained, was blocked or ended a gift after the backup was made: a restored database knows them from the journal
//! beside it, or sends nothing and says of which time it does not know them (TRUST T10).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::{Method, StatusCode, header::CONTENT_TYPE};
use broadside::{
    bounces::{Effect, receive_mail},
    delivery::{self, Suppressions},
    donations, dossier,
    email_address::EmailAddress,
    journal::{Disk, Found, Journal, JournalLine, NAME, Read},
    moving_in::ImportChoices,
    origin::{self, Doubt, Standing},
    restored::{self, Replayed},
    settings::{self, Settings},
    site::Site,
    subscribers::{
        self, Basis, BulkDeed, BulkOutcome, Chosen, ConsentMethod, Crowd, Goes, ImportReport, InBulk, Plan,
        SubscriptionState, Trace, Weeks, consent, leave_by_mail,
    },
    withdrawals::{self, Why, Withdrawal},
};
use futures_util::future::join_all;

use crate::{
    command_line::text,
    support::{TestApp, TestDb, both_engines, database, program, program::Program, scratch, wait},
};

const DAY: Duration = Duration::from_secs(86_400);

/// What the start of a process does, as far as this goes.
async fn start(app: &TestApp) -> Replayed {
    origin::arrive(&app.site, None).await.expect("a start");
    restored::take_up(&app.site, None).await.expect("the journal is taken up")
}

/// Somebody says that it is a restored backup.
async fn restore(app: &TestApp) -> restored::RestoredReport {
    let said = restored::restored(&app.site, None, None, (None, None)).await;
    said.expect("it is said").expect("nobody said so before")
}

fn file(app: &TestApp) -> PathBuf {
    app.site.journal.path().expect("this one has a journal").to_owned()
}

async fn read(journal: &Journal) -> Read {
    match journal.read().await.expect("our own file") {
        Found::Ours(read) => read,
        other => panic!("{other:?}"),
    }
}

async fn leave(app: &TestApp, edition: i64, name: &str) -> String {
    let address = format!("{name}@example.org");
    let link = app.links(edition, app.reader_row(&address).await).await.unsubscribe;
    let path = url::Url::parse(&link).expect("an address").path().to_owned();
    let visitor = app.visitor();
    let request = visitor.request(Method::POST, &path);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(visitor.send(request.body("List-Unsubscribe=One-Click")).await.status, StatusCode::OK);
    path.rsplit('/').next().expect("a link has an end").to_owned()
}

async fn gets_the_list(app: &TestApp, name: &str) -> bool {
    let reader = app.reader_row(&format!("{name}@example.org")).await;
    let known = subscribers::subscriptions(&app.site.db, reader).await.expect("a read");
    known.iter().any(|one| one.state == SubscriptionState::Confirmed)
}

async fn who_got(app: &TestApp, names: &[&'static str]) -> Vec<&'static str> {
    names.iter().filter(|name| !app.mails(&format!("{name}@example.org")).is_empty()).copied().collect()
}

fn address(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@example.org")).expect("an address")
}

/// A disk that says in which order what was done, and may fail to keep it.
#[derive(Clone, Debug, Default)]
struct Tap {
    heard: Arc<Mutex<Vec<&'static str>>>,
    is_broken: Arc<AtomicBool>,
}

impl Tap {
    fn note(&self, what: &'static str) {
        self.heard.lock().expect("not poisoned").push(what);
    }

    /// What was heard since somebody asked last.
    fn heard(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.heard.lock().expect("not poisoned"))
    }
}

impl Disk for Tap {
    fn write(&self, file: &mut fs::File, text: &[u8]) -> io::Result<()> {
        self.note("written");
        file.write_all(text)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not keep it"));
        }
        file.sync_data()?;
        self.note("synced");
        Ok(())
    }
}

fn complaint(message_id: &str) -> String {
    format!(
        "From: feedback@example.com\r\nTo: abuse@example.org\r\nSubject: FW\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Loop/1\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\nMessage-ID: <{message_id}>\r\nTo: redacted@example.com\r\n\r\nHello\r\n--b--\r\n"
    )
}

/// A file comes in, and whatever lists it names.
async fn bring_in(app: &TestApp, file: &str) -> ImportReport {
    let (basis, choices) = (
        Basis { basis: "consent".to_owned(), source: "the list again".to_owned() },
        ImportChoices::default(),
    );
    let plan =
        Plan { list: app.list().await, basis: &basis, choices: &choices, makes_lists: true, is_dry: false };
    let report = subscribers::import_as(&app.site, &file.as_bytes(), &plan, &mut |_| Ok(())).await;
    report.expect("a file in order")
}

/// How everybody of a list stands with it, by their addresses.
async fn standings(app: &TestApp, list: &str) -> Vec<(String, String)> {
    let sql = format!(
        "select r.email, s.state from subscription s join subscriber r on r.id = s.subscriber_id join list l on l.id = s.list_id
         where l.slug = '{list}' order by r.email"
    );
    let found = database::rows::<(String, String)>(&app.site.db, sql.leak()).await;
    found.into_iter().map(|(email, state)| (email.replace("@example.org", ""), state)).collect()
}

const ALL: [&str; 6] = ["ann", "lea", "uma", "pia", "cat", "bob"];

both_engines! {
    /// TRUST T10: whatever anybody withdrew since the backup was made holds in it, too; and nothing more than that.
    async fn a_restored_backup_forgets_no_withdrawal(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        for name in ALL {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        app.give("dan@example.org", "5", "month").await;
        app.advance(DAY);

        let backup = db.restored_copy().await;

        leave(&app, first, "lea").await;
        let umas = leave(&app, first, "uma").await;
        subscribers::rejoin(&app.site, &umas, Trace::default()).await.expect("it was by mistake");
        let pia = subscribers::by_email(&app.site.db, &address("pia")).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &pia.public_id);
        let choices = choices.rsplit('/').next().expect("a link has an end");
        let leaves = Chosen { leaves_all: true, ..Chosen::default() };
        subscribers::save_choices(&app.site, choices, &leaves, Trace::default()).await.expect("saved");
        let copy = app.names(first, app.reader_row("cat@example.org").await).await;
        let id = copy.message_id(&app.site).expect("it has one");
        let effect = receive_mail(&app.site, complaint(&id).as_bytes(), leave_by_mail).await.expect("it is taken in");
        assert_eq!(effect, Effect::Complained);
        for name in ["bob", "sue", "tom"] {
            subscribers::block(&app.site, &address(name), "never again", None).await.expect("blocked");
        }
        let tom = Suppressions::new(&app.site).blocked(i64::MAX, 1).await.expect("a read").remove(0);
        assert!(subscribers::unblock(&app.site, tom.id, "by mistake", None).await.expect("unblocked"));
        let gifts = "select public_id, state from recurring_donation";
        let (gift, _) = database::rows::<(String, String)>(&app.site.db, gifts).await.remove(0);
        let token = donations::manage_token(&app.site, &gift);
        donations::cancel_monthly(&app.site, None, &token).await.expect("it is kept");
        let written = fs::read_to_string(file(&app)).expect("our own file");
        assert!(!written.contains("example.org"), "an address stands in it: {written}");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        assert_eq!(start(&again).await, Replayed::default(), "nobody said what it is");
        assert_eq!(origin::look(&again.site).await.expect("a look"), Standing::Doubtful(Doubt::Elsewhere));
        let report = restore(&again).await;
        let replayed = Replayed { left: 2, complained: 1, blocked: 2, ended: 1, ..Replayed::default() };
        assert_eq!((report.replayed, report.gaps.len()), (replayed, 0));
        assert_eq!(origin::look(&again.site).await.expect("a look"), Standing::AtHome);
        assert_eq!(start(&again).await, Replayed::default(), "once is enough");

        again.send_edition("The next").await;
        assert_eq!(who_got(&again, &ALL).await, ["ann", "uma"]);
        let stopped = [address("cat"), address("sue"), address("tom")];
        let reasons = Suppressions::new(&again.site).among_now(stopped.iter());
        let reasons = reasons.await.expect("a read");
        assert_eq!(reasons, [Some(delivery::StopReason::Complained), Some(delivery::StopReason::Staff), None]);
        let proof = consent::proof(&again.site.db, again.reader_row("lea@example.org").await).await.expect("a read");
        let last = proof.last().expect("she joined and left");
        assert!(last.method == ConsentMethod::OneClick && last.source.contains("of the journal"), "{last:?}");
        again.advance(DAY);
        donations::resume_calls(&again.site, again.payments.provider.as_ref()).await.expect("the provider is asked");
        let gifts = database::rows::<(String, String)>(&again.site.db, gifts).await;
        assert_eq!(gifts, [(gift, "cancelled".to_owned())], "nobody is charged again");
        let desk = again.desk().await;
        desk.open("/desk/address").await.says("6 such withdrawals were taken from it");
    }

    /// TRUST T10, L7: whoever came after the backup was made, and left, complained, was blocked or forgotten, stays so when the same list is
    /// brought in again; so does who left a list that the backup does not know. Whoever left and came back comes with it, and they themselves
    /// come back by confirming.
    async fn who_came_after_the_backup_and_left_is_off_when_the_list_comes_in_again(db: TestDb) {
        const CAME: [&str; 8] = ["bob", "cat", "eva", "ivy", "joe", "lea", "rue", "sam"];
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        app.reader("ann@example.org").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;

        let row = |name: &&str| format!("{name}@example.org,Reader {name},digest\n");
        let file = format!(
            "email,name,list\nann@example.org,,essays\nnew@example.org,,essays\nsol@example.org,,essays\n{}",
            CAME.iter().map(row).collect::<String>()
        );
        assert_eq!(bring_in(&app, &file).await.added, 11);
        let first = app.send_edition("The first").await;
        app.advance(DAY);
        for name in ["lea", "ivy", "eva"] {
            leave(&app, first, name).await;
        }
        let rues = leave(&app, first, "rue").await;
        subscribers::rejoin(&app.site, &rues, Trace::default()).await.expect("it was by mistake");
        let copy = app.names(first, app.reader_row("cat@example.org").await).await;
        let id = copy.message_id(&app.site).expect("it has one");
        let effect = receive_mail(&app.site, complaint(&id).as_bytes(), leave_by_mail).await.expect("it is taken in");
        assert_eq!(effect, Effect::Complained);
        subscribers::block(&app.site, &address("bob"), "never again", None).await.expect("blocked");
        let lists = subscribers::lists::all(&app.site.db).await.expect("a read");
        let essays = lists.iter().find(|list| list.slug == "essays").expect("the file made it");
        for name in ["ann", "new"] {
            let reader = app.reader_row(&format!("{name}@example.org")).await;
            subscribers::leave_by_staff(&app.site, reader, essays.id, "by telephone").await.expect("left");
        }
        let eva = subscribers::by_email(&app.site.db, &address("eva")).await.expect("a read").expect("a reader");
        assert!(dossier::forget_reader(&app.site, &eva, None).await.expect("forgotten"));

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let report = restore(&again).await;
        let replayed = Replayed { left: 5, complained: 1, blocked: 1, ..Replayed::default() };
        assert_eq!((report.replayed, report.gaps.len()), (replayed, 0));
        assert_eq!(start(&again).await, Replayed::default(), "once is enough");
        let lists = subscribers::lists::all(&again.site.db).await.expect("a read");
        let there = lists.iter().find(|list| list.slug == "essays").expect("who left it is known");
        assert_eq!(there.public_id, essays.public_id, "links in mails that went out name it");

        for added in [5, 0] {
            // One of them signs up before the second time.
            let report = bring_in(&again, &file.replace("ivy@example.org,Reader ivy,digest\n", "")).await;
            assert_eq!((report.added, report.refused), (added, 2), "{report:?}");
            assert_eq!(
                standings(&again, "digest").await,
                [("ann", "confirmed"), ("cat", "confirmed"), ("joe", "confirmed"), ("lea", "left"), ("rue", "confirmed"), ("sam", "confirmed")]
                    .map(|(name, state)| (name.to_owned(), state.to_owned()))
            );
            assert_eq!(
                standings(&again, "essays").await,
                [("ann", "left"), ("new", "left"), ("sol", "confirmed")].map(|(name, state)| (name.to_owned(), state.to_owned()))
            );
        }
        let lea = subscribers::by_email(&again.site.db, &address("lea")).await.expect("a read").expect("a reader");
        assert_eq!(lea.name, "", "of who left no more is kept than that");
        let proof = consent::proof(&again.site.db, lea.id).await.expect("a read");
        assert!(matches!(&proof[..], [one] if one.method == ConsentMethod::OneClick && one.source.contains("journal")), "{proof:?}");
        let list = again.list().await;
        let act = InBulk { act: 0, deed: BulkDeed::Join, list, topic: 0, until: None, source: "a call" };
        let sums = subscribers::expect_in_bulk(&again.site, &act, &[lea.id]).await.expect("sums");
        assert_eq!((sums.of(BulkOutcome::Left), sums.all()), (1, 1), "{sums:?}");

        again.send_edition("The next").await;
        let got = |name: &&&str| again.mails(&format!("{name}@example.org")).iter().any(|mail| mail.subject == "The next");
        assert_eq!(CAME.iter().filter(got).collect::<Vec<_>>(), [&"joe", &"rue", &"sam"]);

        // A form that asks nobody to confirm asks who had left.
        database::change(&again.site.db, "update list set opt_in = 'single'").await;
        again.subscribe("ivy@example.org").await;
        assert!(!gets_the_list(&again, "ivy").await);
        again.advance(DAY);
        again.reader("ivy@example.org").await;
        assert!(gets_the_list(&again, "ivy").await);
    }

    /// TRUST T10, T8: by whichever way somebody left since the backup was made, they are off in it; and who stayed is not.
    async fn every_way_of_leaving_holds_in_a_restored_backup(db: TestDb) {
        const WAYS: [&str; 9] = ["page", "click", "mail", "tick", "none", "every", "staff", "desk", "stays"];
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        for name in WAYS {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;

        let end = |link: &str| link.rsplit('/').next().expect("a link has an end").to_owned();
        let of = async |name: &str| {
            let found = subscribers::by_email(&app.site.db, &address(name)).await.expect("a read");
            found.expect("a reader")
        };
        let link = async |name: &str| end(&app.links(first, of(name).await.id).await.unsubscribe);
        let how = [("page", ConsentMethod::UnsubscribePage), ("click", ConsentMethod::OneClick)];
        for (name, method) in how {
            subscribers::leave(&app.site, &link(name).await, method, Trace::default()).await.expect("left");
        }
        subscribers::leave_all(&app.site, &link("every").await, Trace::default()).await.expect("left");
        let header = app.last_mail("mail@example.org").header("List-Unsubscribe").expect("every edition has it");
        let (_, mailto) = header.split_once("<mailto:").expect("an address of mail");
        let to = mailto.split('?').next().expect("an address");
        let mail = format!("From: mail@example.org\r\nTo: {to}\r\nSubject: unsubscribe\r\n\r\n\r\n");
        assert_eq!(receive_mail(&app.site, mail.as_bytes(), leave_by_mail).await.expect("it is taken in"), Effect::Left);
        let list = app.list().await;
        let choices = async |name: &str| end(&subscribers::choices_path(&app.site, &of(name).await.public_id));
        for (name, chosen) in [
            ("tick", Chosen { lists: vec![(list, false)], ..Chosen::default() }),
            ("none", Chosen { leaves_all: true, ..Chosen::default() }),
        ] {
            subscribers::save_choices(&app.site, &choices(name).await, &chosen, Trace::default()).await.expect("saved");
        }
        subscribers::leave_by_staff(&app.site, of("staff").await.id, list, "by telephone").await.expect("left");
        app.desk().await;
        let (who,) = database::rows::<(i64,)>(&app.site.db, "select id from staff order by id").await.remove(0);
        let by = subscribers::ByStaff { staff_id: who, why: "by telephone" };
        subscribers::take_off(&app.site, &of("desk").await, list, by).await.expect("left");
        app.send_edition("Where they left").await;
        let got = |app: &TestApp, subject: &str| {
            let all = WAYS.iter().filter(|name| {
                app.mails(&format!("{name}@example.org")).iter().any(|mail| mail.subject == subject)
            });
            all.copied().collect::<Vec<_>>()
        };
        assert_eq!(got(&app, "Where they left"), ["stays"]);

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let report = restore(&again).await;
        assert_eq!((report.replayed.left, report.gaps.len()), (WAYS.len() - 1, 0));
        again.send_edition("The next").await;
        assert_eq!(got(&again, "The next"), ["stays"]);
    }

    /// TRUST T10, M29: what waited for a reader when the backup was made is not sent out of it: the mail that the brake held back, a
    /// welcome, a good-bye, word of a pause. Not while it is not known what the database is, nor from then on, however long it runs.
    async fn no_letter_that_waited_in_a_backup_goes_out_of_it(db: TestDb) {
        const EVERYBODY: [&str; 6] = ["ann", "bob", "cat", "dan", "eva", "fay"];
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        database::change(&app.site.db, "update list set welcomes = true, welcome_subject = 'Hello'").await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let saved = settings::save(&mut tx, &app.site, None, |settings| settings.says_good_bye = true);
        saved.await.expect("the settings are saved");
        tx.commit().await.expect("a commit");
        for name in ["bob", "cat"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        app.advance(DAY * 8);
        // Ann waits for the mail that asks, since more than usual came. Fay asked, and so did Dan, whose press makes a letter of welcome.
        let all_settings = Settings::load(&app.site.db).await.expect("the settings");
        let list = app.list().await;
        let asks = async |email: &str, ip: &str, crowd| {
            let email = EmailAddress::parse(email).expect("an address");
            let new = subscribers::NewSubscription {
                email: &email, name: "", lists: &[list], wording: "Yes", answers: "", by: subscribers::By::source("a test"),
                lookout: None, trace: Trace { ip, user_agent: "" }, crowd,
            };
            subscribers::subscribe(&app.site, &all_settings, new).await.expect("taken")
        };
        asks("dan@example.org", "192.0.2.1", Crowd::Unasked).await;
        app.drain().await;
        let dans = app.last_mail("dan@example.org").link("/confirm/");
        asks("fay@example.org", "192.0.2.2", Crowd::Unasked).await;
        for at in 0..118 {
            asks(&format!("victim@many{at}.example"), &format!("203.0.{at}.1"), Crowd::Unasked).await;
        }
        assert_eq!(asks("ann@example.org", "192.0.2.3", Crowd::Waits).await, Goes::Later);
        let dans = dans.rsplit('/').next().expect("a token");
        subscribers::confirm(&app.site, dans, &[], Trace::default()).await.expect("the link is good");
        leave(&app, first, "bob").await;
        let cat = subscribers::by_email(&app.site.db, &address("cat")).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &cat.public_id);
        let choices = choices.rsplit('/').next().expect("a link has an end");
        subscribers::pause(&app.site, choices, Weeks::Two).await.expect("saved").expect("they are on a list");
        let waits = "select template, count(*) from notice where state = 'queued' group by template order by template";
        let waiting: Vec<(String, i64)> = database::rows(&app.site.db, waits).await;
        let word = |template: &str, number| (template.to_owned(), number);
        assert_eq!(waiting, [word("confirm_subscription", 119), word("good_bye", 1), word("paused", 1), word("welcome", 1)]);

        let backup = db.restored_copy().await;

        // Where it happened all of it goes out; Ann confirms, and leaves again; so does Dan.
        app.advance(Duration::from_secs(3_600));
        app.drain().await;
        for name in ["ann", "bob", "cat", "dan", "fay"] {
            assert!(!app.mails(&format!("{name}@example.org")).is_empty(), "{name}");
        }
        let anns = app.last_mail("ann@example.org").link("/confirm/");
        let anns = anns.rsplit('/').next().expect("a token");
        subscribers::confirm(&app.site, anns, &[], Trace::default()).await.expect("the link is good");
        app.drain().await;
        let second = app.send_edition("The second").await;
        for name in ["ann", "dan"] {
            leave(&app, second, name).await;
        }
        app.advance(DAY);

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let nothing_new = async |when: &str| {
            again.drain().await;
            let got: Vec<_> = EVERYBODY.iter().filter(|name| !again.mails(&format!("{name}@example.org")).is_empty()).collect();
            assert!(got.is_empty(), "{when}: {got:?}");
        };
        nothing_new("nobody said what it is").await;
        again.advance(DAY);
        nothing_new("nor a day later").await;
        // Somebody new is asked as soon as it is known.
        again.subscribe_only("new@example.org").await;
        let report = restore(&again).await;
        // The welcome was withdrawn before: Dan has left.
        assert_eq!(report.letters.iter().map(|(_, number)| number).sum::<i64>(), 121, "{:?}", report.letters);
        nothing_new("it was restored").await;
        again.last_mail("new@example.org").link("/confirm/");
        for _ in 0..16 {
            again.advance(DAY);
            nothing_new("the days after").await;
        }
        again.send_edition("The next").await;
        assert_eq!(who_got(&again, &EVERYBODY).await, ["cat"], "whose pause is over");
    }

    /// TRUST T10, T3: the line is written and synced before the page says that somebody left; and a disk that takes a line and does not
    /// keep it has not got it: they are off the list, the doctor knows, and the line is written once the disk keeps it.
    async fn nobody_is_told_before_the_disk_has_the_line(db: TestDb) {
        let tap = Tap::default();
        let app = TestApp::journalled_on(db, Box::new(tap.clone())).await;
        app.leaves_work();
        start(&app).await;
        for name in ["ann", "lea", "uma"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        tap.heard();
        leave(&app, first, "ann").await;
        tap.note("answered");
        assert_eq!(tap.heard(), ["written", "synced", "answered"]);

        tap.is_broken.store(true, Ordering::SeqCst);
        leave(&app, first, "lea").await;
        assert_eq!(tap.heard(), ["written"]);
        assert!(!gets_the_list(&app, "lea").await, "they are off the list all the same");
        assert!(app.site.journal.failing().is_some(), "the doctor and the log know");
        let lines = read(&app.site.journal).await.entries.len();
        assert!(!app.site.journal.append(vec![JournalLine { at: app.site.now(), text: "left nobody nothing link".into() }]).await);
        assert_eq!(read(&app.site.journal).await.entries.len(), lines, "what is not kept is not there");
        tap.is_broken.store(false, Ordering::SeqCst);
        assert!(app.site.journal.catch_up().await && app.site.journal.failing().is_none());
        assert_eq!(read(&app.site.journal).await.entries.len(), lines + 2);
    }

    /// TRUST T10, A32: while the disk takes nothing, what waits to be written is kept once, as it was last said, however often it is said.
    async fn what_waits_for_the_disk_waits_once(db: TestDb) {
        let tap = Tap::default();
        let app = TestApp::journalled_on(db, Box::new(tap.clone())).await;
        app.leaves_work();
        start(&app).await;
        let journal = &app.site.journal;
        let before = read(journal).await.entries.len();
        tap.is_broken.store(true, Ordering::SeqCst);
        for _ in 0..50 {
            for text in ["left a b link", "back a b"] {
                app.advance(Duration::from_secs(1));
                assert!(!journal.append(vec![JournalLine { at: app.site.now(), text: text.into() }]).await);
            }
        }
        tap.is_broken.store(false, Ordering::SeqCst);
        assert!(journal.catch_up().await);
        let written = read(journal).await.entries;
        let last: Vec<_> = written[before..].iter().map(|one| (one.text.as_str(), app.site.now().since(one.at).as_secs())).collect();
        assert_eq!(last, [("left a b link", 1), ("back a b", 0)]);
    }

    /// TRUST T10: two machines with a journal each share a database. Who left by one and came back by the other is put in order by the
    /// moments, whichever file is read first; with the file of one alone, the other's time is named and nothing is sent.
    async fn the_journals_of_two_machines_are_put_in_order(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        let path = scratch::folder().join(NAME);
        let journal = Journal::at(path.clone(), delivery::suppression_proof(&app.site.keys));
        let other = Site { journal, ..app.site.clone() };
        withdrawals::begin(&other).await.expect("a journal of its own");
        for name in ["ann", "lea", "uma"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        let link = async |name: &str| {
            let link = app.links(first, app.reader_row(&format!("{name}@example.org")).await).await.unsubscribe;
            link.rsplit('/').next().expect("a link has an end").to_owned()
        };
        // Each has written once, and the database knows so far.
        let links = [link("ann").await, link("lea").await, link("uma").await];
        let goes = async |site: &Site, token: &str| {
            app.advance(Duration::from_secs(60));
            subscribers::leave(site, token, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        };
        let back = async |site: &Site, token: &str| {
            app.advance(Duration::from_secs(60));
            subscribers::rejoin(site, token, Trace::default()).await.expect("back");
        };
        for site in [&app.site, &other] {
            goes(site, &links[2]).await;
            back(site, &links[2]).await;
        }
        app.advance(DAY);
        for site in [&app.site, &other] {
            withdrawals::keep_up(site).await.expect("noted");
        }
        let (whole, half) = (db.restored_copy().await, db.restored_copy().await);
        // Ann left by the one, and came back by the other; Lea the other way round, and left once more.
        goes(&app.site, &links[0]).await;
        back(&other, &links[0]).await;
        goes(&other, &links[1]).await;
        back(&app.site, &links[1]).await;
        goes(&other, &links[1]).await;
        app.advance(DAY);

        let alone = app.restored_from(half).await;
        alone.leaves_work();
        start(&alone).await;
        let report = restore(&alone).await;
        assert_eq!(report.gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [Why::NotHere], "the other’s file is not here");
        assert_eq!(origin::look(&alone.site).await.expect("a look"), Standing::Doubtful(Doubt::Forgetful));

        let beside = file(&app).with_file_name("a-the-other-machine.journal");
        fs::copy(&path, &beside).expect("our own files");
        let again = app.restored_from(whole).await;
        again.leaves_work();
        start(&again).await;
        let report = restore(&again).await;
        assert_eq!((report.replayed.left, report.gaps.len()), (1, 0));
        assert_eq!([gets_the_list(&again, "ann").await, gets_the_list(&again, "lea").await, gets_the_list(&again, "uma").await], [true, false, true]);
    }

    /// The file is gone: nothing is sent before it is back, or somebody has said that it is lost; and the time is named.
    async fn a_backup_without_its_journal_sends_nothing_and_names_the_gap(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        for name in ["ann", "lea"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        let (backup, other) = (db.restored_copy().await, db.restored_copy().await);
        app.advance(DAY);
        leave(&app, first, "lea").await;
        let kept = file(&app).with_extension("kept");
        fs::rename(file(&app), &kept).expect("our own file");
        app.advance(DAY);

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let report = restore(&again).await;
        assert_eq!(report.gaps.iter().map(|gap| gap.why).collect::<Vec<_>>(), [Why::NotHere]);
        let forgetful = Standing::Doubtful(Doubt::Forgetful);
        assert_eq!(origin::look(&again.site).await.expect("a look"), forgetful);
        start(&again).await;
        again.subscribe_only("eva@example.org").await;
        again.drain().await;
        assert_eq!(again.sandbox.mailbox().count(), 0, "nothing is sent");
        assert!(!restored::moved(&again.site, None, None).await.expect("a look"), "that is no answer to it");
        let desk = again.desk().await;
        desk.open("/desk").await.says("it is not known who left since the backup was made");
        let page = desk.open("/desk/address").await;
        page.says("Withdrawals may be missing").says("from 3 March 2026").says("to 5 March 2026");
        let backup_again = page.form("/desk/address").with("is", "backup");
        desk.submit(&backup_again).await;
        assert_eq!(origin::look(&again.site).await.expect("a look"), forgetful, "an older answer is none");
        desk.submit(&page.form("/desk/address").with("is", "go-on")).await;
        assert_eq!(origin::look(&again.site).await.expect("a look"), Standing::AtHome);
        desk.open("/desk/address").await.says("Withdrawals may be missing from 3 March 2026");
        again.send_edition("The next").await;
        assert_eq!(who_got(&again, &["ann", "lea"]).await, ["ann", "lea"], "somebody said so");

        // Another time the file is found again, and put beside the one that was begun.
        let found = app.restored_from(other).await;
        found.leaves_work();
        start(&found).await;
        restore(&found).await;
        assert_eq!(origin::look(&found.site).await.expect("a look"), forgetful);
        fs::rename(&kept, file(&app).with_file_name("found.journal")).expect("our own file");
        assert_eq!(start(&found).await.left, 1);
        assert_eq!(origin::look(&found.site).await.expect("a look"), Standing::AtHome);
        found.send_edition("The next").await;
        assert_eq!(who_got(&found, &["ann", "lea"]).await, ["ann"]);
    }

    /// Lines were taken out of it: what is there counts, and the time of what is not is named.
    async fn a_journal_that_does_not_hold_is_named(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        for name in ["ann", "lea", "pia"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        let backup = db.restored_copy().await;
        for name in ["lea", "pia"] {
            app.advance(DAY);
            leave(&app, first, name).await;
        }
        let lines: Vec<String> =
            fs::read_to_string(file(&app)).expect("our own file").lines().map(str::to_owned).collect();
        let run = |arguments: &[&str]| {
            let path = file(&app);
            let settings = [("WITHDRAWALS_JOURNAL", path.to_str().expect("our own name"))];
            Program::run_by(&app, "exec \"$0\" \"$@\"", arguments, &settings)
        };
        let whole = run(&["withdrawals", "verify"]);
        assert!(whole.status.success(), "{}", text(&whole.stderr));
        let listed = text(&run(&["withdrawals", "list"]).stdout);
        assert!(listed.lines().count() == 2 && listed.contains("left"), "{listed}");
        fs::write(file(&app), format!("{}\n{}\n", lines[0], lines[2])).expect("our own file");
        let broken = run(&["withdrawals", "verify"]);
        assert_eq!(broken.status.code(), Some(1));
        assert!(text(&broken.stdout).contains("BROKEN behind entry 0"), "{}", text(&broken.stdout));

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let report = restore(&again).await;
        assert_eq!((report.replayed.left, report.gaps.len()), (1, 1));
        assert_eq!(report.gaps[0].why, Why::Broken);
        assert_eq!(origin::look(&again.site).await.expect("a look"), Standing::Doubtful(Doubt::Forgetful));
        assert!(gets_the_list(&again, "lea").await && !gets_the_list(&again, "pia").await);
    }

    /// The process dies between the journal and the commit, and in the middle of a line: the next start does what was written,
    /// and goes on behind it.
    async fn what_was_written_and_not_committed_is_done_at_the_next_start(db: TestDb) {
        let app = TestApp::journalled(db).await;
        start(&app).await;
        for name in ["ann", "lea"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        let first = app.send_edition("The first").await;
        let lists = subscribers::lists::all(&app.site.db).await.expect("a read");
        let ann = subscribers::by_email(&app.site.db, &address("ann")).await.expect("a read").expect("a reader");
        let left = Withdrawal::Left {
            reader: ann.public_id,
            list: lists[0].public_id.clone(),
            how: ConsentMethod::OneClick.to_string(),
            known_by: None,
        };
        withdrawals::write(&app.site, &[left]).await;
        let mut torn = OpenOptions::new().append(true).open(file(&app)).expect("our own file");
        torn.write_all(b"2 2026-03-03T09:0").expect("our own file");

        assert!(gets_the_list(&app, "ann").await);
        assert_eq!(start(&app).await.left, 1);
        assert!(!gets_the_list(&app, "ann").await);
        leave(&app, first, "lea").await;
        let read = read(&app.site.journal).await;
        assert_eq!((read.entries.len(), read.breaks.len(), read.torn), (2, 0, 0));
        assert_eq!(start(&app).await, Replayed::default());
        // Somebody who comes back is not taken off by what is older.
        app.advance(DAY);
        app.reader("ann@example.org").await;
        assert_eq!(start(&app).await, Replayed::default());
        assert!(gets_the_list(&app, "ann").await);
    }

    /// `kill -9` in the middle of a burst: whoever was told that they left stands in the journal, and the next start has done what
    /// stands there.
    async fn whoever_was_told_stands_in_the_journal_whenever_the_process_dies(app: TestApp) {
        const READERS: usize = 80;
        app.leaves_work();
        app.readers(READERS).await;
        let first = app.send_edition("The first").await;
        let (path, listen) = (scratch::folder().join(NAME), program::address_of_its_own().to_string());
        let settings = [("LISTEN", listen.as_str()), ("WITHDRAWALS_JOURNAL", path.to_str().expect("our own name"))];
        let program = Program::serve(&app, &settings);
        let ready = app.url("/").replace(app.site.base_url.authority(), &listen);
        let visitor = app.visitor();
        wait::until("the pages", async || visitor.try_open(&ready).await).await;
        let told = Arc::new(AtomicUsize::new(0));
        let mut leaving = Vec::new();
        for number in 1..=READERS {
            let reader = app.reader_row(&format!("reader{number}@example.org")).await;
            let link = url::Url::parse(&app.links(first, reader).await.unsubscribe).expect("an address");
            let request = visitor.request(Method::POST, &format!("http://{listen}{}", link.path()));
            let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let (request, told) = (request.body("List-Unsubscribe=One-Click"), told.clone());
            leaving.push(tokio::spawn(async move {
                let well = request.send().await.is_ok_and(|answer| answer.status().is_success());
                told.fetch_add(usize::from(well), Ordering::SeqCst);
                well.then_some(reader)
            }));
        }
        wait::until("some to be told", async || (told.load(Ordering::SeqCst) >= READERS / 4).then_some(())).await;
        program.kill();
        let told: Vec<i64> =
            join_all(leaving).await.into_iter().filter_map(|one| one.expect("it came to its end")).collect();

        let journal = Journal::at(path, delivery::suppression_proof(&app.site.keys));
        let read = read(&journal).await;
        assert!(read.breaks.is_empty(), "{:?}", read.breaks);
        let site = Site { journal, ..app.site.clone() };
        let after = restored::take_up(&site, None).await.expect("a start");
        println!("told {}, written {}, done after the kill {}", told.len(), read.entries.len(), after.left);
        let names = "select id, public_id from subscriber";
        for (id, name) in database::rows::<(i64, String)>(&app.site.db, names).await {
            let is_written = read.entries.iter().any(|entry| entry.text.contains(&name));
            assert!(is_written || !told.contains(&id), "{name} was told, and does not stand in the journal");
            let known = subscribers::subscriptions(&app.site.db, id).await.expect("a read");
            let has_left = known.iter().all(|one| one.state == SubscriptionState::Left);
            assert!(has_left || !is_written, "{name} stands in the journal, and is on the list");
        }
    }

    /// A journal that cannot be written keeps nobody on a list, and is written as soon as it can be.
    async fn leaving_works_without_a_journal_and_it_catches_up(db: TestDb) {
        let app = TestApp::journalled(db).await;
        app.leaves_work();
        start(&app).await;
        app.reader("lea@example.org").await;
        let first = app.send_edition("The first").await;
        let folder = file(&app).parent().expect("it lies in a folder").to_owned();
        let away = folder.with_extension("away");
        fs::rename(&folder, &away).expect("our own folder");
        leave(&app, first, "lea").await;
        assert!(!gets_the_list(&app, "lea").await);
        assert!(app.site.journal.failing().is_some());
        let failed = withdrawals::keep_up(&app.site).await.expect_err("it still cannot be written");
        assert!(failed.to_string().contains("could not be written"), "{failed}");
        fs::rename(&away, &folder).expect("our own folder");
        withdrawals::keep_up(&app.site).await.expect("it is written");
        let read = read(&app.site.journal).await;
        assert!(read.entries.len() == 1 && read.breaks.is_empty(), "{read:?}");
        // Some minutes later the database knows it for certain.
        app.advance(Duration::from_secs(3_600));
        withdrawals::keep_up(&app.site).await.expect("it is noted");
        let noted = "select number from withdrawal_journal";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, noted).await, [(1,)]);
    }
}

/// Several processes of one machine share the file, and many who come at once share its syncs: nothing is lost or twice there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_write_at_once_write_one_chain() {
    let path: &Path = &scratch::folder().join("withdrawals.journal");
    let processes: Vec<Journal> =
        (0..3).map(|_| Journal::at(path.to_owned(), "magazine".to_owned())).collect();
    let line = |text: String| JournalLine { at: broadside::clock::Moment(1_000_000), text };
    let all = processes.iter().enumerate().flat_map(|(process, journal)| {
        (0..300)
            .map(move |number| journal.append(vec![line(format!("left {process}-{number} list one-click"))]))
    });
    assert!(join_all(all).await.into_iter().all(|written| written));
    let read = read(&processes[0]).await;
    assert_eq!((read.entries.len(), read.breaks.len(), read.torn), (900, 0, 0));
    let mut texts: Vec<_> = read.entries.iter().map(|entry| &entry.text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 900);
}
