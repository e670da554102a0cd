//! Lists that are brought in by a row of their own: in three steps at the desk, through crashes, and with whoever leaves meanwhile.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
    time::Duration,
};

use axum::http::Request;
use broadside::{
    bounces::LeavingMail,
    db::Engine,
    delivery::{Leaving, StopReason, Suppressions},
    email_address::EmailAddress,
    jobs,
    moving_in::ImportChoices,
    restored,
    segments::{self, AnswerTest, Condition, SegmentTree},
    subscribers::{
        self, Basis, BringInError, ConsentMethod, Import, ImportAnswers, ImportState, Receiving, Trace,
    },
    withdrawals::{self, Withdrawal},
};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Browser, Fixture, Program, Seed, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    pages::Web,
    scratch,
    visitor::Page,
    wait,
};

const LEASE: Duration = Duration::from_secs(121);
const PATIENCE: Duration = Duration::from_secs(120);

/// A list of another program, with one who left, one whose mail came back, one of whom nobody knows, and one who is no address.
const LIST: &str = "E-Mail;Name;Town;Status;Age\r\nann@example.org;Ann Lee;Ulm;active;38\r\ngone@example.org;Gone;Bern;cancelled;41\r\n\
    dead@example.org;;;bounced;\r\nodd@example.org;Odd;;lapsed;\r\nno address;X;;active;\r\nann@example.org;Ann;;active;\r\n";

async fn begun(app: &TestApp, file: impl AsRef<[u8]>) -> Import {
    let mut receiving = Receiving::begin(&app.site, Some(1), "C:\\lists\\all.csv").await.expect("begun");
    // However it comes.
    for piece in file.as_ref().chunks(99_991) {
        receiving.push(&app.site, piece).await.expect("kept");
    }
    let id = receiving.finish(&app.site).await.expect("here");
    work(app).await;
    let import = now(app, &id).await;
    assert_eq!((import.state, import.file.as_str()), (ImportState::Asking, "all.csv"), "{import:?}");
    import
}

async fn now(app: &TestApp, id: &str) -> Import {
    subscribers::find_import(&app.site.db, id).await.expect("a read").expect("an import")
}

async fn work(app: &TestApp) {
    let site = app.site.clone();
    tokio::spawn(async move { subscribers::bring_in(&site).await })
        .await
        .expect("it works")
        .expect("it goes on");
}

async fn say(app: &TestApp, import: &Import) -> Import {
    let basis = Basis { basis: "consent".to_owned(), source: "moved house".to_owned() };
    let choices = ImportChoices::default();
    let answers =
        ImportAnswers { list: app.list().await, basis: &basis, makes_lists: false, choices: &choices };
    subscribers::say_of_import(&app.site, import, import.changed_at, &answers).await.expect("said");
    work(app).await;
    now(app, &import.public_id).await
}

/// A list, brought in to its end.
async fn pressed_of(app: &TestApp, file: &str) -> Import {
    let ready = say(app, &begun(app, file).await).await;
    subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await.expect("pressed");
    work(app).await;
    now(app, &ready.public_id).await
}

/// A file of so many readers whose sums are known.
fn many(readers: usize) -> String {
    let line = |number: usize| match number % 10 {
        0 => format!("reader{number}@example.org,Reader {number},2024-01-01\n"),
        1 => format!("no address {number},,\n"),
        _ => format!("reader{number}@example.org,Reader {number},\n"),
    };
    let rows: String = (0..readers).map(line).collect();
    format!("email,name,unsubscribed_at\n{rows}")
}

fn leaves() -> ImportChoices {
    let mut choices = ImportChoices::default();
    choices.add_column("unsubscribed_at=left-at").expect("a column");
    choices
}

/// One of [`many`], up to the press.
async fn pressed(app: &TestApp, readers: usize) -> Import {
    let import = begun(app, &many(readers)).await;
    let basis = Basis { basis: "consent".to_owned(), source: "moved house".to_owned() };
    let choices = leaves();
    let answers =
        ImportAnswers { list: app.list().await, basis: &basis, makes_lists: false, choices: &choices };
    subscribers::say_of_import(&app.site, &import, import.changed_at, &answers).await.expect("said");
    work(app).await;
    let import = now(app, &import.public_id).await;
    assert_eq!(import.state, ImportState::Ready, "{import:?}");
    let expected = import.expected().expect("sums");
    let tenth = readers as u64 / 10;
    assert_eq!(
        (expected.rows, expected.left, expected.refused),
        (readers as u64, tenth, tenth),
        "{expected:?}"
    );
    assert_eq!(
        rows::<(i64,)>(&app.site.db, "select count(*) from subscriber").await,
        [(0,)],
        "nobody before the press"
    );
    subscribers::go_on_with_import(&app.site, &import, import.changed_at, 1).await.expect("pressed");
    now(app, &import.public_id).await
}

/// Everybody of [`many`] is here once, and what is written of it adds up.
async fn all_are_here_once(app: &TestApp, id: &str, readers: usize) {
    let import = now(app, id).await;
    assert_eq!(import.state, ImportState::Done, "{import:?}");
    let report = import.report().expect("sums");
    let tenth = readers as u64 / 10;
    assert_eq!(
        (report.rows, report.added, report.left, report.refused),
        (readers as u64, 8 * tenth, tenth, tenth),
        "{report:?}"
    );
    let there = rows::<(i64, i64)>(
        &app.site.db,
        "select count(*), count(distinct subscriber_id) from consent_event where method = 'import'",
    )
    .await;
    assert_eq!(there, [(9 * readers as i64 / 10, 9 * readers as i64 / 10)], "each has one proof");
    let count = async |sql: &'static str| rows::<(i64,)>(&app.site.db, sql).await[0].0;
    assert_eq!(count("select count(*) from import_problem").await, tenth as i64);
    assert_eq!(count("select count(*) from audit_log where action = 'imported readers'").await, 1);
    assert_eq!(count("select count(*) from import_part").await, 0, "the file is gone");
}

/// Every row about readers, but their numbers and the fields that were made.
async fn everything(app: &TestApp) -> Vec<String> {
    let all = "select 'reader ' || r.email || ' ' || r.name from subscriber r
        union all select 'on ' || r.email || ' ' || s.state || ' ' || s.list_id || ' ' || coalesce(s.left_at, 0) from subscription s join subscriber r on r.id = s.subscriber_id
        union all select 'answer ' || r.email || ' ' || v.value from field_value v join subscriber r on r.id = v.subscriber_id
        union all select 'stopped ' || p.address_hash from suppression p
        order by 1";
    rows::<(String,)>(&app.site.db, all).await.into_iter().map(|(row,)| row).collect()
}

async fn sends(desk: &crate::support::visitor::Visitor, page: &Page, name: &str, file: &str) -> Page {
    let token = page.form("/desk/imports").value("csrf").expect("a token").to_owned();
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--xyz--\r\n"
    );
    let request = desk
        .request(Method::POST, "/desk/imports")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
        .header("Sec-Fetch-Site", "same-origin");
    desk.send(request.body(body)).await
}

both_engines! {
    /// TRUST L6, L10, A29: in three steps, without a script: the file, what its columns and words are, the sums, and the press. Nobody is
    /// on a list before that, and nobody gets mail who may not.
    async fn a_list_comes_in_by_three_steps(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/imports").await;
        let empty = sends(&desk, &page, "", "").await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
        empty.says("Choose a file.");
        let sent = sends(&desk, &page, "Old list.csv", LIST).await;
        let path = sent.leads_to().expect("its own page").path().to_owned();
        desk.open(&path).await.says("Reading the file");
        app.drain().await;

        let page = desk.open(&path).await;
        // What all of a column is, is its kind as a field; text can be chosen.
        for words in ["A number, kept as the field “Age”", "A line of text, kept as the field “Age”", "A line of text, kept as the field “Town”"] {
            assert_eq!(page.body.matches(words).count(), 1, "{words}: {}", page.body);
        }
        // What stands in a form is no text of the page.
        for words in ["6 rows in all", "ann@example.org", "Nothing is written yet", "Status", "lapsed", "(1 row)", "2 columns would not be read", "Line 6"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        let form = page.form(&path).with("source", "signed up at our former newsletter");
        // Nobody is taken to have agreed because nobody said anything.
        let again = desk.submit(&form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("Say on what ground you may mail these people.");
        let form = form.with("basis", "consent");
        // Nobody guesses what it means.
        let again = desk.submit(&form.clone().with("of-word-0-3", "")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("Say what “lapsed” means in the column Status.");
        let form = form.with("of-word-0-3", "not-taken").with("of-column-2", "field").with("of-column-4", "field");
        desk.submit_and_follow(&form).await.says("Reading the file");
        app.drain().await;

        let page = desk.open(&path).await;
        page.says("1 reader joins");
        page.says("2 will never be mailed: 1 left, 1 bounced.").says("1 is left out, as you said.").says("1 row cannot be taken");
        page.says("They agreed: signed up at our former newsletter.");
        let problems = desk.open(&format!("{path}/problems")).await;
        assert!(problems.body.starts_with("\u{feff}File,Line,Problem\nOld list.csv,6,“no address”: ") && problems.body.lines().count() == 2, "{}", problems.body);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from subscriber").await, [(0,)]);
        let press = page.form(&format!("{path}/go"));
        desk.submit_and_follow(&press).await.says("They come in");
        // Pressed twice, it comes in once.
        assert_eq!(desk.submit(&press).await.status, StatusCode::CONFLICT);
        app.drain().await;

        desk.open(&path).await.says("Everybody is here").says("1 reader joined").says("The field “Town” is new: a line of text.").says("The field “Age” is new: a number.");
        desk.open("/desk/imports").await.says("Old list.csv").says("1 reader joined, 2 never to be mailed, 1 not taken.");
        let standing: Vec<(String, String)> = rows(
            &app.site.db,
            "select r.email, s.state from subscriber r join subscription s on s.subscriber_id = r.id order by r.email",
        )
        .await;
        let one = |email: &str, state: &str| (format!("{email}@example.org"), state.to_owned());
        assert_eq!(standing, [one("ann", "confirmed"), one("dead", "left"), one("gone", "left")]);
        let log: Vec<(String, Option<i64>)> =
            rows(&app.site.db, "select detail, staff_id from audit_log where action = 'imported readers'").await;
        assert!(log[0].0.contains("1 added") && log[0].1.is_some(), "{log:?}");
        app.send_edition("The first from here").await;
        let mails: BTreeMap<&str, usize> =
            ["ann", "dead", "gone", "odd"].into_iter().map(|who| (who, app.mails(&format!("{who}@example.org")).len())).collect();
        assert_eq!(mails, BTreeMap::from([("ann", 1), ("dead", 0), ("gone", 0), ("odd", 0)]));
    }

    /// TRUST L6, A29: Mailchimp's ZIP is taken whole, a row of the archive's own files for each state; a second, newer one merges: who left
    /// since then leaves, and nobody comes back. An archive that is broken is told on the page, and nobody is in it.
    async fn a_whole_zip_comes_in_and_a_newer_one_merges(app: TestApp) {
        for (left, added, sad) in [(&[][..], 2, 2), (&["bob"][..], 0, 1)] {
            let import = begun(&app, of_mailchimp(left)).await;
            let ready = say(&app, &import).await;
            assert_eq!(ready.state, ImportState::Ready, "{ready:?}");
            subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await.expect("pressed");
            work(&app).await;
            let report = now(&app, &import.public_id).await.report().expect("sums");
            assert_eq!((report.rows, report.added, report.left + report.bounced), (4, added, sad), "{report:?}");
        }
        app.send_edition("To whom").await;
        let mails = |who: &str| app.mails(&format!("{who}@example.org")).len();
        assert_eq!(["ann", "bob", "gone", "dead"].map(mails), [1, 0, 0, 0]);
        let whole = of_mailchimp(&[]);
        let broken = begun(&app, &whole[..whole.len() - 30]).await;
        assert!(broken.trouble.contains("broken"), "{broken:?}");
        app.desk().await.open(&format!("/desk/imports/{}", broken.public_id)).await.says("The file is an archive that is broken");
    }

    /// TRUST L6: lists, topics and fields that a file made go when it is taken back, unless somebody has to do with them since; and whoever
    /// may not take it back because another came after it is led to that one.
    async fn what_was_made_on_the_way_goes_with_it(app: TestApp) {
        // Whoever has no readers yet is led here.
        let desk = app.desk().await.open("/desk").await;
        assert!(desk.says("Bring your list").body.contains("href=\"/desk/imports\""), "{}", desk.text());
        let file = "email,list,Tags,Town\nann@example.org,Letters,Poems,Ulm\nbob@example.org,Old letters,Prose,Bern\n";
        let made = "select 'list ' || slug from list where slug in ('letters', 'old-letters') union all select 'topic ' || name from reader_topic union all select 'field ' || name from field order by 1";
        let all = ["field town", "list letters", "list old-letters", "topic Poems", "topic Prose"].map(|one| (one.to_owned(),));
        let mut choices = ImportChoices::default();
        for typed in ["Tags=topics", "Town=field:town"] {
            choices.add_column(typed).expect("a column");
        }
        let come = async || {
            let import = begun(&app, file).await;
            let basis = Basis { basis: "consent".to_owned(), source: "moved house".to_owned() };
            let answers = ImportAnswers { list: app.list().await, basis: &basis, makes_lists: true, choices: &choices };
            subscribers::say_of_import(&app.site, &import, import.changed_at, &answers).await.expect("said");
            work(&app).await;
            let ready = now(&app, &import.public_id).await;
            subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await.expect("pressed");
            work(&app).await;
            now(&app, &import.public_id).await
        };
        let back = async |import: &Import| {
            let began = subscribers::take_import_back(&app.site, import, 1).await;
            work(&app).await;
            began
        };
        let first = come().await;
        assert_eq!(rows::<(String,)>(&app.site.db, made).await, all);
        assert!(back(&first).await.is_ok());
        assert_eq!(rows::<(String,)>(&app.site.db, made).await, [], "it is as it was");

        let second = come().await;
        // Somebody joins the one list, and saves the field.
        let bob = "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at) select r.id, l.id, 'confirmed', 1, 1 from subscriber r, list l where r.email = 'bob@example.org' and l.slug = 'letters'";
        change(&app.site.db, bob).await;
        change(&app.site.db, "update field set changes = 1").await;
        app.advance(Duration::from_secs(1));
        let third = pressed_of(&app, "email\ncy@example.org\n").await;
        let page = app.desk().await.open(&format!("/desk/imports/{}", second.public_id)).await;
        page.says("Another list came in after it");
        assert!(page.body.contains(&format!("/desk/imports/{}", third.public_id)), "{}", page.body);
        assert!(matches!(back(&second).await, Err(BringInError::Changed)));
        assert!(back(&third).await.is_ok() && back(&second).await.is_ok());
        let stays = ["field town", "list letters"].map(|one| (one.to_owned(),));
        assert_eq!(rows::<(String,)>(&app.site.db, made).await, stays);
    }

    /// A file that breaks off on the way here is gone within the hour; one that still comes is not.
    async fn a_file_that_breaks_off_is_gone_within_the_hour(app: TestApp) {
        let piece = vec![b'x'; 200_000];
        let mut slow = Receiving::begin(&app.site, Some(1), "slow.csv").await.expect("begun");
        let mut gone = Receiving::begin(&app.site, Some(1), "gone.csv").await.expect("begun");
        for _ in 0..3 {
            slow.push(&app.site, &piece).await.expect("kept");
            gone.push(&app.site, &piece).await.expect("kept");
        }
        drop(gone);
        app.advance(Duration::from_secs(25 * 60));
        slow.push(&app.site, &piece).await.expect("kept");
        app.advance(Duration::from_secs(10 * 60));
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("tidy");
        let left = "select distinct i.file from import i join import_part p on p.import_id = i.id union select file from import";
        assert_eq!(rows::<(String,)>(&app.site.db, left).await, [("slow.csv".to_owned(),)]);
        slow.finish(&app.site).await.expect("here");
        work(&app).await;
    }

    /// TRUST F1, L6: broken off at any moment, it goes on where it was, and nobody is taken twice. Whoever leaves meanwhile stays away.
    async fn an_import_that_breaks_off_goes_on_where_it_was(app: TestApp) {
        const READERS: usize = 3_000;
        let mut seed = Seed::get(&format!("an import that breaks off on {:?}", app.site.db.engine()));
        let import = pressed(&app, READERS).await;
        let mut left = None;
        for _ in 0..6 {
            let site = app.site.clone();
            let before = now(&app, &import.public_id).await;
            let far = before.report().expect("sums").rows + seed.within(0..400) as u64;
            let running = tokio::spawn(async move { subscribers::bring_in(&site).await });
            wait::until("more rows", async || {
                let now = now(&app, &import.public_id).await;
                (now.state == ImportState::Done || now.report().expect("sums").rows > far).then_some(())
            })
            .await;
            running.abort();
            drop(running.await);
            if left.is_none() {
                let found = rows::<(i64,)>(&app.site.db, "select min(subscriber_id) from subscription where state = 'confirmed' having min(subscriber_id) is not null").await;
                if let Some((reader,)) = found.first() {
                    subscribers::leave_by_staff(&app.site, *reader, app.list().await, "asked").await.expect("left");
                    left = Some(*reader);
                }
            }
            // Nobody has it before the lease is over.
            app.advance(LEASE);
        }
        work(&app).await;
        all_are_here_once(&app, &import.public_id, READERS).await;
        let left_now = rows::<(i64,)>(&app.site.db, "select count(*) from subscription where state = 'left'").await;
        assert_eq!(left_now, [(READERS as i64 / 10 + i64::from(left.is_some()),)]);
    }

    /// TRUST F1: the same with `kill -9` of the program itself.
    async fn an_import_goes_on_after_kill_9(app: TestApp) {
        const READERS: usize = 4_000;
        let import = pressed(&app, READERS).await;
        for part in 1..=3 {
            let program = Program::serve(&app, &[]);
            let far = wait::at_most(PATIENCE, async || {
                let import = now(&app, &import.public_id).await;
                (import.state == ImportState::Done || import.report().expect("sums").rows > part * 400).then_some(())
            });
            assert!(far.await.is_some(), "{}", program.log());
            program.kill();
            // The test moves the clock: by this row the lease is over.
            change(&app.site.db, "update import set next_at = 1 where state = 'running'").await;
        }
        let last = Program::serve(&app, &[]);
        let done = wait::at_most(PATIENCE, async || {
            let done = now(&app, &import.public_id).await.state == ImportState::Done;
            let gone = rows::<(i64,)>(&app.site.db, "select count(*) from import_part").await == [(0,)];
            (done && gone).then_some(())
        });
        assert!(done.await.is_some(), "{}", last.log());
        drop(last);
        all_are_here_once(&app, &import.public_id, READERS).await;
    }

    /// Stopped, it stays as far as it is; put away, nothing of it is left; and a page that is out of date does nothing.
    async fn an_import_can_be_stopped_and_put_away(app: TestApp) {
        let import = begun(&app, "email\nann@example.org\n").await;
        let ready = say(&app, &import).await;
        assert_eq!(ready.state, ImportState::Ready);
        subscribers::say_of_import_anew(&app.site, &ready).await.expect("back");
        let late = subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await;
        assert!(matches!(late, Err(BringInError::Changed)), "{late:?}");
        subscribers::remove_import(&app.site, &ready).await.expect("put away");
        let left = "select (select count(*) from import) + (select count(*) from import_part) + (select count(*) from import_problem) + (select count(*) from subscriber)";
        assert_eq!(rows::<(i64,)>(&app.site.db, left).await, [(0,)]);

        let import = pressed(&app, 100).await;
        subscribers::stop_import(&app.site, &import, 1).await.expect("stopped");
        work(&app).await;
        let import = now(&app, &import.public_id).await;
        assert_eq!(import.state, ImportState::Stopped);
        assert!(matches!(subscribers::remove_import(&app.site, &import).await, Err(BringInError::Changed)));
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from subscriber").await, [(0,)]);
    }

    /// TRUST L6, T3: taken back, it is as it was, to the row; a list is brought in again as if the first time had not been. What happened
    /// since stays: who left, who was mailed.
    async fn a_list_is_taken_back_to_the_row(db: TestDb) {
        let app = TestApp::journalled(db).await;
        app.reader("here@example.org").await;
        app.reader("leaves@example.org").await;
        let file = "email,name,Town,status\nhere@example.org,Somebody,Ulm,active\nleaves@example.org,,,cancelled\nnew@example.org,New,Bern,active\n\
            gone@example.org,,,cancelled\nangry@example.org,,,complained\n";
        let before = everything(&app).await;
        let desk = app.desk().await;
        for round in 0..2 {
            let import = begun(&app, file).await;
            let path = format!("/desk/imports/{}", import.public_id);
            let form = desk.open(&path).await.form(&path).with("source", "a mistake").with("basis", "consent").with("of-column-2", "field");
            assert_eq!(desk.submit(&form).await.status, StatusCode::SEE_OTHER);
            work(&app).await;
            desk.submit(&desk.open(&path).await.form("/go")).await;
            work(&app).await;
            let report = now(&app, &import.public_id).await.report().expect("sums");
            assert_eq!((report.added, report.updated, report.left, report.complained), (1, 1, 2, 1), "round {round}: {report:?}");
            assert_ne!(everything(&app).await, before);
            let undo = desk.open(&path).await.form("/undo");
            desk.submit_and_follow(&undo).await.says("It is taken back");
            work(&app).await;
            desk.open(&path).await.says("What it changed is as it was");
            assert_eq!(everything(&app).await, before, "round {round}");
            // TRUST T10: what the journal says of it is over, too.
            restored::take_up(&app.site, None).await.expect("the journal is taken up");
            assert_eq!(everything(&app).await, before, "round {round}, once more started");
            assert_eq!(desk.submit(&undo).await.status, StatusCode::CONFLICT, "it is taken back once");
        }
        app.send_edition("To whom").await;
        for (who, mails) in [("here", 1), ("leaves", 1), ("new", 0), ("gone", 0), ("angry", 0)] {
            let has = app.mails(&format!("{who}@example.org")).iter().filter(|mail| mail.header("Subject").is_some_and(|subject| subject.contains("To whom"))).count();
            assert_eq!(has, mails, "{who}");
        }

        // And where something happened since.
        let import = begun(&app, "email\nmailed@example.org\nleft@example.org\nquiet@example.org\n").await;
        let ready = say(&app, &import).await;
        subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await.expect("pressed");
        work(&app).await;
        let left = app.reader_row("left@example.org").await;
        subscribers::leave_by_staff(&app.site, left, app.list().await, "asked").await.expect("left");
        change(&app.site.db, "update subscription set paused_until = 4000000000000000 where subscriber_id = (select id from subscriber where email = 'quiet@example.org')").await;
        app.send_edition("Meanwhile").await;
        subscribers::take_import_back(&app.site, &now(&app, &import.public_id).await, 1).await.expect("begun");
        work(&app).await;
        let standing: Vec<(String, String)> = rows(&app.site.db, "select r.email, s.state from subscriber r join subscription s on s.subscriber_id = r.id where r.email < 'r' and r.email > 'left@' order by r.email").await;
        let one = |email: &str| (format!("{email}@example.org"), "left".to_owned());
        assert_eq!(standing, [one("left"), one("mailed")], "who was mailed is known, and off the list");
        let mailed: Vec<(String,)> = rows(&app.site.db, "select public_id from subscriber where email = 'mailed@example.org'").await;
        let page = desk.open(&format!("/desk/readers/{}", mailed[0].0)).await;
        page.says("Left on 3 March 2026, as the list that brought them was taken back");
        let audit = broadside::delivery::audit_copies(&app.site.db, 1).await;
        assert!(audit.is_ok_and(|audit| audit.holds()));
        // A day later it is too late.
        let import = begun(&app, "email\nlate@example.org\n").await;
        let ready = say(&app, &import).await;
        subscribers::go_on_with_import(&app.site, &ready, ready.changed_at, 1).await.expect("pressed");
        work(&app).await;
        app.advance(Duration::from_secs(86_401));
        let late = subscribers::take_import_back(&app.site, &now(&app, &import.public_id).await, 1).await;
        assert!(matches!(late, Err(BringInError::Changed)), "{late:?}");
    }

    /// TRUST F25, L6, T10: whoever was mailed by a list that was taken back is off it, and did not leave: the right list brings them back. Whoever
    /// says that they leave while they are off it, by whichever way, or complains, stays off for ever; a hundred presses are one.
    async fn who_says_while_off_a_list_that_they_leave_stays_off_and_others_come_back(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let names = ["calm", "presses", "all", "page", "mails", "angry", "staff", "asks", "again"];
        let address = |name: &str| format!("{name}@example.org");
        let file: String = std::iter::once("email\n".to_owned()).chain(names.iter().map(|name| format!("{}\n", address(name)))).collect();
        let wrong = pressed_of(&app, &file).await;
        let edition = app.send_edition("The first").await;
        app.advance(Duration::from_secs(60));
        let back = async |import: &Import| {
            subscribers::take_import_back(&app.site, &now(&app, &import.public_id).await, 1).await.expect("begun");
            work(&app).await;
            app.advance(Duration::from_secs(60));
        };
        back(&wrong).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/imports/{}", wrong.public_id)).await;
        page.says("9 readers had mail of it meanwhile: they are off it, and stay known");
        let standing = async || rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.state = 'confirmed' order by r.email").await;
        assert!(standing().await.is_empty());

        let list = app.list().await;
        let link = async |name: &str| {
            let link = app.links(edition, app.reader_row(&address(name)).await).await.unsubscribe;
            link.rsplit('/').next().expect("an end").to_owned()
        };
        let presses = link("presses").await;
        for _ in 0..100 {
            subscribers::leave(&app.site, &presses, ConsentMethod::OneClick, Trace::default()).await.expect("said");
        }
        let said = rows::<(String, String)>(&app.site.db, "select e.method, e.source from consent_event e join subscriber r on r.id = e.subscriber_id where r.email = 'presses@example.org' and e.action = 'left' order by e.id").await;
        assert!(said.len() == 2 && said[1].0 == "one-click" && said[1].1.starts_with("off it already, edition "), "{said:?}");
        // There is nothing that this could take back.
        subscribers::rejoin(&app.site, &presses, Trace::default()).await.expect("nothing");
        assert!(standing().await.is_empty());
        subscribers::leave_all(&app.site, &link("all").await, Trace::default()).await.expect("said");
        let name_of = async |name: &str| {
            let id = app.reader_row(&address(name)).await;
            let sql: &'static str = format!("select public_id from subscriber where id = {id}").leak();
            rows::<(String,)>(&app.site.db, sql).await.remove(0).0
        };
        let choices = subscribers::choices_path(&app.site, &name_of("page").await);
        let chosen = subscribers::Chosen { leaves_all: true, ..subscribers::Chosen::default() };
        subscribers::save_choices(&app.site, choices.rsplit('/').next().expect("an end"), &chosen, Trace::default()).await.expect("said");
        let list_name = rows::<(String,)>(&app.site.db, "select public_id from list order by id limit 1").await.remove(0).0;
        let asked = Leaving { subscriber: name_of("mails").await, list: list_name };
        let mail = LeavingMail { key: "f00d".repeat(10), sent_at: Some(app.site.now()) };
        subscribers::leave_by_mail(&app.site, &asked, &mail).await.expect("said");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let angry = EmailAddress::parse(&address("angry")).expect("an address");
        Suppressions::new(&app.site).add(&mut tx, &angry, StopReason::Complained, "a report").await.expect("stopped");
        tx.commit().await.expect("a commit");
        change(&app.site.db, "update suppression set lifted_at = 1").await;
        subscribers::leave_by_staff(&app.site, app.reader_row(&address("staff")).await, list, "they phoned").await.expect("off");
        // Once it is answered, the address is masked.
        let asks = Suppressions::new(&app.site).hash(&EmailAddress::parse(&address("asks")).expect("an address"));
        let asked_by_law: &'static str = format!("insert into reader_request (kind, address, detail, received_at, due_at, staff_id, address_hash, closed_at) values ('never-asked', 'a***@example.org', '', 1, 2, 1, '{asks}', 3)").leak();
        change(&app.site.db, asked_by_law).await;
        app.advance(Duration::from_secs(60));
        let again = begun(&app, "email,unsubscribed_at\nagain@example.org,2024-01-01\n").await;
        let (basis, choices) = (Basis { basis: "consent".to_owned(), source: "elsewhere".to_owned() }, leaves());
        let answers = ImportAnswers { list, basis: &basis, makes_lists: false, choices: &choices };
        subscribers::say_of_import(&app.site, &again, again.changed_at, &answers).await.expect("said");
        work(&app).await;
        let again = now(&app, &again.public_id).await;
        subscribers::go_on_with_import(&app.site, &again, again.changed_at, 1).await.expect("pressed");
        work(&app).await;
        assert_eq!(now(&app, &again.public_id).await.state, ImportState::Done);
        app.advance(Duration::from_secs(60));

        // A backup from before those presses: the journal says them again.
        change(&app.site.db, "delete from consent_event where source like 'off it already%'").await;
        for _ in 0..2 {
            restored::take_up(&app.site, None).await.expect("the journal is taken up");
        }
        let right = pressed_of(&app, &file).await;
        let report = right.report().expect("sums");
        assert_eq!((report.added, report.unchanged, report.refused), (1, 8, 0), "{report:?}");
        for _ in 0..2 {
            assert_eq!(standing().await, [(address("calm"),)]);
            restored::take_up(&app.site, None).await.expect("the journal is taken up");
        }
        app.send_edition("The second").await;
        for name in names {
            let came = app.mails(&address(name)).iter().filter(|mail| mail.subject.contains("The second")).count();
            assert_eq!(came, usize::from(name == "calm"), "{name}");
        }
        // And so once more.
        app.advance(Duration::from_secs(60));
        back(&right).await;
        assert!(standing().await.is_empty());
        pressed_of(&app, &file).await;
        assert_eq!(standing().await, [(address("calm"),)]);
        let audit = broadside::delivery::audit_copies(&app.site.db, 1).await;
        assert!(audit.is_ok_and(|audit| audit.holds()));
    }

    /// TRUST L6, T10: nobody comes back whom the program of before took off, who complained under an address that they had before, of whom a
    /// file or the team says that they leave, also while mail to them is stopped, or who says so themselves and the database does not know it yet.
    async fn who_was_taken_off_comes_back_where_nothing_speaks_against_it(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let names = ["before", "calm", "held", "moved", "phones", "race"];
        let address = |name: &str| format!("{name}@example.org");
        let file: String = std::iter::once("email\n".to_owned()).chain(names.iter().map(|name| format!("{}\n", address(name)))).collect();
        let wrong = pressed_of(&app, &file).await;
        app.send_edition("The first").await;
        app.advance(Duration::from_secs(60));
        // What an undo had counted that was begun before is not counted twice.
        change(&app.site.db, "update import set undone = '{\"mailed\":7}'").await;
        subscribers::take_import_back(&app.site, &now(&app, &wrong.public_id).await, 1).await.expect("begun");
        work(&app).await;
        app.advance(Duration::from_secs(60));
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/imports/{}", wrong.public_id)).await;
        page.says("6 readers had mail of it meanwhile: they are off it, and stay known");
        change(&app.site.db, "update consent_event set source = 'the list that was brought in was taken back' where action = 'left' and subscriber_id = (select id from subscriber where email = 'before@example.org')").await;
        change(&app.site.db, "insert into former_address (subscriber_id, address_hash, left_at) select id, 'of before', 1 from subscriber where email = 'moved@example.org'").await;
        change(&app.site.db, "insert into suppression (address_hash, reason, detail, created_at, lifted_at) values ('of before', 'complained', 'a report', 1, 1)").await;

        // A file says that one of them left whose mail came back lately.
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let held = EmailAddress::parse(&address("held")).expect("an address");
        Suppressions::new(&app.site).add(&mut tx, &held, StopReason::Bounced, "no such user").await.expect("stopped");
        tx.commit().await.expect("a commit");
        let list = app.list().await;
        let again = begun(&app, "email,unsubscribed_at\nheld@example.org,2024-01-01\n").await;
        let (basis, choices) = (Basis { basis: "consent".to_owned(), source: "elsewhere".to_owned() }, leaves());
        let answers = ImportAnswers { list, basis: &basis, makes_lists: false, choices: &choices };
        subscribers::say_of_import(&app.site, &again, again.changed_at, &answers).await.expect("said");
        work(&app).await;
        let again = now(&app, &again.public_id).await;
        subscribers::go_on_with_import(&app.site, &again, again.changed_at, 1).await.expect("pressed");
        work(&app).await;
        assert_eq!(now(&app, &again.public_id).await.state, ImportState::Done);
        change(&app.site.db, "update suppression set lifted_at = 2 where reason = 'bounced'").await;

        // The team says it of another.
        let name_of = async |name: &str| {
            let id = app.reader_row(&address(name)).await;
            let sql: &'static str = format!("select public_id from subscriber where id = {id}").leak();
            rows::<(String,)>(&app.site.db, sql).await.remove(0).0
        };
        let phones = format!("/desk/readers/{}", name_of("phones").await);
        desk.open(&phones).await.says("Take off this list");
        let form = desk.open(&format!("{phones}/leave?list={list}")).await.form("/leave").with("why", "they phoned");
        assert_eq!(desk.submit(&form).await.status, StatusCode::SEE_OTHER);
        assert!(!desk.open(&phones).await.body.contains("Take off this list"), "it is said once");

        // And one presses, and the process dies before the database knows it.
        let list_name = rows::<(String,)>(&app.site.db, "select public_id from list order by id limit 1").await.remove(0).0;
        let left = Withdrawal::Left { reader: name_of("race").await, list: list_name, how: "one-click".to_owned(), known_by: None };
        withdrawals::write(&app.site, &[left]).await;
        app.advance(Duration::from_secs(60));
        let standing = async || rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.state = 'confirmed' order by r.email").await;
        let right = pressed_of(&app, &file).await;
        assert_eq!(standing().await, [(address("calm"),), (address("race"),)], "{:?}", right.report());
        for _ in 0..2 {
            restored::take_up(&app.site, None).await.expect("the journal is taken up");
            assert_eq!(standing().await, [(address("calm"),)]);
        }
        app.send_edition("The second").await;
        for name in names {
            let came = app.mails(&address(name)).iter().filter(|mail| mail.subject.contains("The second")).count();
            assert_eq!(came, usize::from(name == "calm"), "{name}");
        }
    }

    /// A field that a list made stays only where a segment asks for it; the page says what became of everybody, and what stays and why.
    async fn what_was_taken_back_is_said_in_figures(app: TestApp) {
        app.reader("here@example.org").await;
        let desk = app.desk().await;
        let file = "email,Town,Age\nnew@example.org,Ulm,38\nother@example.org,Bern,41\nleaves@example.org,Bonn,5\nhere@example.org,Rome,9\n";
        let import = begun(&app, file).await;
        let path = format!("/desk/imports/{}", import.public_id);
        let form = desk.open(&path).await.form(&path).with("source", "a mistake").with("basis", "consent");
        desk.submit(&form.with("of-column-1", "field").with("of-column-2", "field")).await;
        work(&app).await;
        desk.submit(&desk.open(&path).await.form("/go")).await;
        work(&app).await;
        let made = rows::<(i64, String)>(&app.site.db, "select id, label from field where label in ('Town', 'Age') order by label desc").await;
        let [(town, _), (_, age)] = &made[..] else { panic!("two fields: {made:?}") };
        assert_eq!(age, "Age");
        let asks = |field: i64| SegmentTree::Is(Condition::Field { field, answer: AnswerTest::Given });
        segments::create(&app.site, Some(1), "With a town", asks(*town)).await.expect("made");
        let stopped = SegmentTree::Is(Condition::Stopped { reason: None });
        segments::create(&app.site, Some(1), "Something else", stopped).await.expect("made");
        let left = app.reader_row("leaves@example.org").await;
        subscribers::leave_by_staff(&app.site, left, app.list().await, "asked").await.expect("left");
        app.advance(Duration::from_secs(60));
        desk.submit(&desk.open(&path).await.form("/undo")).await;
        work(&app).await;
        let page = desk.open(&path).await;
        page.says("2 readers are off it again, and had no mail of it.")
            .says("1 reader stays off it: this one left since.")
            .says("2 readers are not known any more.")
            .says("The field “Town” stays: a segment asks for it.");
        assert!(!page.text().contains("“Age”"), "{}", page.text());
        let fields = rows::<(String,)>(&app.site.db, "select label from field where label in ('Town', 'Age')").await;
        assert_eq!(fields, [("Town".to_owned(),)]);
    }

    /// TRUST F23: of several tables each problem is told with the file and its own line; a line that ends before the column that says how
    /// people stand is not taken for one who never confirmed.
    async fn problems_name_the_file_and_the_line_in_it(app: TestApp) {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [
            ("one.csv", "email,name,status\nann@example.org,Ann,active\n"),
            ("two.csv", "email,name,status\nbob@example.org,Bob,active\nnowhere,No,active\nshort@example.org,Short\n"),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a file");
            zip.write_all(text.as_bytes()).expect("a file");
        }
        let file = zip.finish().expect("an archive").into_inner();
        let import = begun(&app, &file).await;
        let desk = app.desk().await;
        let path = format!("/desk/imports/{}", import.public_id);
        let page = desk.open(&path).await;
        // The rows stand within a form.
        assert!(page.body.contains("Line 3 of two.csv") && !page.body.contains(".com.."), "{}", page.body);
        let mut form = page.form(&path).with("source", "moved").with("basis", "consent");
        if page.body.contains("id=\"everybody\"") {
            form = form.with("everybody", "on-list");
        }
        for name in ["of-word-0-0", "of-word-0-1", "of-word-1-0", "of-word-1-1"] {
            if page.body.contains(&format!("name=\"{name}\"")) {
                form = form.with(name, "on-list");
            }
        }
        let sent = desk.submit(&form).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        work(&app).await;
        desk.submit(&desk.open(&path).await.form("/go")).await;
        work(&app).await;
        let report = now(&app, &import.public_id).await.report().expect("sums");
        assert_eq!((report.added, report.unconfirmed, report.refused), (2, 0, 2), "{report:?}");
        let problems = desk.open(&format!("{path}/problems")).await.body;
        let lines: Vec<&str> = problems.lines().collect();
        assert_eq!(lines[0], "\u{feff}File,Line,Problem");
        assert!(lines[1].starts_with("two.csv,3,“nowhere”: ") && lines[2].starts_with("two.csv,4,\"The line ends before"), "{problems}");
    }

    /// TRUST M4, M29: who says here that they leave, or complains, after a file said the same of them, stays off when the file is taken back; and
    /// a list is taken back before those that came in ahead of it.
    async fn what_readers_say_themselves_outlives_a_list_that_is_taken_back(app: TestApp) {
        let readers = ["one@example.org", "all@example.org", "quiet@example.org", "angry@example.org", "calm@example.org"];
        for email in readers {
            app.reader(email).await;
        }
        let edition = app.send_edition("The first").await;
        let desk = app.desk().await;
        let takes = async |file: &str| {
            let import = begun(&app, file).await;
            let path = format!("/desk/imports/{}", import.public_id);
            desk.submit(&desk.open(&path).await.form(&path).with("source", "a mistake").with("basis", "consent")).await;
            work(&app).await;
            desk.submit(&desk.open(&path).await.form("/go")).await;
            work(&app).await;
            assert_eq!(now(&app, &import.public_id).await.state, ImportState::Done);
            import.public_id
        };
        let [one, all, quiet, angry, calm] = readers;
        let file = format!("email,status\n{one},cancelled\n{all},cancelled\n{quiet},cancelled\n{angry},complained\n{calm},complained\n");
        let wrong = takes(&file).await;
        let link = async |email: &str| {
            let link = app.links(edition, app.reader_row(email).await).await.unsubscribe;
            link.rsplit('/').next().expect("an end").to_owned()
        };
        subscribers::leave(&app.site, &link(one).await, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        subscribers::leave_all(&app.site, &link(all).await, Trace::default()).await.expect("left");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let address = EmailAddress::parse(angry).expect("an address");
        Suppressions::new(&app.site).add(&mut tx, &address, StopReason::Complained, "a report").await.expect("stopped");
        tx.commit().await.expect("a commit");

        app.advance(Duration::from_secs(60));
        let later = takes("email\nlater@example.org\n").await;
        let back = async |id: &str| subscribers::take_import_back(&app.site, &now(&app, id).await, 1).await;
        assert!(matches!(back(&wrong).await, Err(BringInError::Changed)), "another came in after it");
        back(&later).await.expect("begun");
        work(&app).await;
        back(&wrong).await.expect("begun");
        work(&app).await;
        app.send_edition("The second").await;
        for (email, mails) in [(one, 0), (all, 0), (quiet, 1), (angry, 0), (calm, 1)] {
            let second = app.mails(email).into_iter().filter(|mail| mail.subject.contains("The second")).count();
            assert_eq!(second, mails, "{email}");
        }
    }

    /// What cannot be read is told, and can be put away; what nobody goes on with is gone after a week.
    async fn what_cannot_be_read_is_told(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/imports").await;
        let sent = sends(&desk, &page, "evil<b>.svg", "<svg onload=\"alert(1)\"/>").await;
        let path = sent.leads_to().expect("its own page").path().to_owned();
        app.drain().await;
        let page = desk.open(&path).await;
        page.says("The file has no column called email");
        assert!(!page.body.contains("<svg") && !page.body.contains("<b>"), "{}", page.body);
        assert!(!page.body.contains("Show me the sums"));
        let later = app.site.now().plus(Duration::from_secs(8 * 86_400));
        broadside::jobs::forget_as_of(&app.site, later).await.expect("forgotten");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from import").await, [(0,)]);
    }

    /// TRUST U1: where no column is called as we would know it, or none has a heading, the page asks which one has the addresses.
    async fn which_column_has_the_addresses_is_asked(app: TestApp) {
        let desk = app.desk().await;
        for (file, column) in [
            ("Kontakt,Town\nann@example.org,Ulm\nbob@example.org,Bern\n", "of-column-0"),
            ("Cy,cy@example.org,Ulm\nDi,di@example.org,Bern\n", "of-column-1"),
            ("Our members,,\n,,\nEmail,Name,Town\neve@example.org,Eve,Ulm\nfay@example.org,Fay,Bern\n", ""),
        ] {
            let page = desk.open("/desk/imports").await;
            let sent = sends(&desk, &page, "people.csv", file).await;
            let path = sent.leads_to().expect("its own page").path().to_owned();
            app.drain().await;
            let page = desk.open(&path).await;
            let form = page.form(&path).with("source", "at our stall").with("basis", "consent");
            if column.is_empty() {
                assert!(!page.body.contains("choose which one has the addresses"), "{}", page.body);
            } else {
                assert!(page.body.contains("choose which one has the addresses"), "{}", page.body);
                assert_eq!(form.value(column), Some("email"), "the guess");
                let none = desk.submit(&form.clone().with(column, "not-read")).await;
                assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
                assert!(none.body.contains("Say which column has the addresses."), "{}", none.body);
            }
            desk.submit(&form).await;
            app.drain().await;
            desk.open(&path).await.says("2 readers join");
        }
    }

    /// TRUST T10: a restored backup goes on with no import: it does not know who left since.
    async fn a_restored_backup_goes_on_with_no_import(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let import = pressed(&app, 200).await;
        broadside::restored::restored(&app.site, None, None, (None, None)).await.expect("said").expect("a report");
        work(&app).await;
        let import = now(&app, &import.public_id).await;
        assert_eq!(import.state, ImportState::Stopped);
        assert!(import.trouble.contains("A backup was restored"), "{import:?}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from subscriber").await, [(0,)]);
    }

    /// TRUST A7, A6: a file without the token of the session, or with it behind the file, is not taken; nor is one that breaks off.
    async fn a_file_that_another_site_sends_is_not_taken(web: Web) {
        let (cookie, csrf) = web.session_of(broadside::staff::Role::Owner).await;
        let token = |value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{value}\r\n");
        let file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nemail\r\nann@example.org\r\n";
        let send = async |body: String| {
            let request = Request::post("/desk/imports").header("cookie", &cookie).header("content-type", "multipart/form-data; boundary=x");
            web.send(request.body(axum::body::Body::from(body)).expect("a request")).await.status
        };
        for body in [format!("{file}--x--\r\n"), format!("{file}{}--x--\r\n", token(&csrf)), format!("{}{file}--x--\r\n", token("x"))] {
            assert_eq!(send(body).await, StatusCode::FORBIDDEN);
        }
        assert_eq!(send(format!("{}{file}", token(&csrf))).await, StatusCode::BAD_REQUEST, "it broke off");
        assert_eq!(rows::<(i64,)>(&web.app.site.db, "select count(*) from import").await, [(0,)]);
        assert_eq!(send(format!("{}{file}--x--\r\n", token(&csrf))).await, StatusCode::SEE_OTHER);
    }
}

/// The whole of Mailchimp's export, as its ZIP holds it: a file for each state. `left` have left since the first.
fn of_mailchimp(left: &[&str]) -> Vec<u8> {
    let row = |who: &str, more: &str| format!("{who}@example.org,{who},4,2019-03-04 10:20:30,{more}1,a\n");
    let on: String =
        ["ann", "bob"].iter().filter(|who| !left.contains(who)).map(|who| row(who, "")).collect();
    let gone: String = left.iter().chain(&["gone"]).map(|who| row(who, "2022-02-02 02:02:02,")).collect();
    let files = [
        (
            "subscribed_email_audience_export_1.csv",
            format!("Email Address,First Name,MEMBER_RATING,OPTIN_TIME,LEID,EUID\n{on}"),
        ),
        (
            "unsubscribed_email_audience_export_1.csv",
            format!("Email Address,First Name,MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,LEID,EUID\n{gone}"),
        ),
        (
            "cleaned_email_audience_export_1.csv",
            format!(
                "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,LEID,EUID\n{}",
                row("dead", "2022-02-02 02:02:02,")
            ),
        ),
    ];
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a name");
        zip.write_all(text.as_bytes()).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}

/// TRUST U1: the three steps in a browser, on a phone and on a desk, light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_in_by_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let folder = scratch::folder();
    let file = folder.join("list.csv");
    std::fs::write(&file, LIST).expect("our own folder");
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/imports")).await;
    browser.sound("imports").await;
    browser.element("#file").await.send_keys(&file.display().to_string()).await.expect("a file");
    browser.click("Look at it").await;
    browser.wait_for_text("Reading the file").await;
    app.drain().await;
    // It looks again by itself.
    browser.wait_for_text("Who may be mailed?").await;
    browser.sound("import-asks").await;
    browser.choose("lapsed", "Left").await;
    browser.choose("Town", "A line of text, kept as the field “Town”").await;
    browser.choose("Age", "A number, kept as the field “Age”").await;
    browser.script("document.querySelector('#columns-title').scrollIntoView()").await;
    browser.sound("import-columns").await;
    browser.element("#basis").await.click().await.expect("a choice");
    browser.fill("Where and when they agreed", "at our stall").await;
    browser.click("Show me the sums").await;
    browser.wait_for_text("Reading the file").await;
    app.drain().await;
    browser.wait_for_text("3 will never be mailed: 2 left, 1 bounced.").await;
    browser.sound("import-sums").await;
    browser.click("Bring them in").await;
    browser.wait_for_text("They come in").await;
    app.drain().await;
    browser.wait_for_text("Everybody is here").await;
    browser.sound("import-done").await;
    browser.close().await;
}
