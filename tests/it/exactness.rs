//! Exactly once, exactly that version, exactly here: late starts, copies of a database, stopping and correcting, trying again.

use std::time::Duration;

use broadside::{
    delivery::{self, CopyState, Engine},
    editions::{EditionState, UnknownPolicy},
    email_address::EmailAddress,
    origin::{self, Standing},
    publishing::{self, Content, Edition},
    restored::restored,
    sandbox::{Hold, Rule, Stage},
    settings,
    site::Site,
    subscribers::{self, ConsentMethod, Trace},
};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::support::{Browser, Fixture, TestApp, TestDb, app::OWNER, both_engines, visitor::Visitor, wait};

const HOUR: Duration = Duration::from_secs(3_600);

/// An edition whose Send was pressed just now.
async fn pressed(app: &TestApp, subject: &str) -> Edition {
    let draft = app.draft(subject).await;
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    pressed.await.expect("nothing is in the way");
    draft
}

async fn seal(app: &TestApp) {
    app.advance(publishing::UNDO + Duration::from_secs(1));
    publishing::seal_due(&app.site, &app.templates).await.expect("what is due is sealed");
}

async fn state(app: &TestApp, id: i64) -> EditionState {
    publishing::load(&app.site.db, id).await.expect("the edition").state
}

#[track_caller]
fn path(edition: &Edition) -> String {
    format!("/desk/editions/{}", edition.public_id)
}

async fn balanced(app: &TestApp, id: i64) -> delivery::Progress {
    let audit = delivery::audit_copies(&app.site.db, id).await.expect("an audit");
    assert!(audit.holds(), "{} and {}", audit.rows, audit.tallies);
    audit.rows
}

/// Sends with one connection until so many have arrived, then stops the edition at the desk and lets the engine end.
async fn send_and_stop(app: &TestApp, desk: &Visitor, edition: &Edition, after: usize) {
    let (hold, most) = (Hold::default(), u32::try_from(after).expect("a few"));
    let day = Duration::from_secs(86_400);
    app.sandbox.smtp_script().add(Rule::at(Stage::Dot).beyond(most, day).held(&hold));
    let options = app.engine(1);
    let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
    assert!(app.sandbox.mailbox().wait_for_count(after, Duration::from_secs(30)).await);
    let page = desk.open(&path(edition)).await;
    desk.submit_and_follow(&page.form("/pause")).await.says("Paused.");
    hold.let_go();
    engine.stop().await;
    app.sandbox.smtp_script().clear();
}

/// An edition that went out, and whose copies in doubt wait for staff.
async fn held_in_doubt(app: &TestApp, desk: &Visitor, subject: &str) -> Edition {
    let draft = app.draft(subject).await;
    let form = desk.open(&format!("{}/send", path(&draft))).await.form("/send");
    desk.submit(&form.with("policy", "hold").with("act", "now")).await;
    app.advance(publishing::UNDO + Duration::from_secs(1));
    finish(app, draft.id).await;
    draft
}

/// Sends everything, and lets the edition find out that it is over.
async fn finish(app: &TestApp, id: i64) {
    wait::until("the end of the edition", async || {
        app.drain().await;
        (state(app, id).await == EditionState::Finished).then_some(())
    })
    .await;
}

async fn subjects(app: &TestApp) -> Vec<(String, String)> {
    let mut got: Vec<_> =
        app.sandbox.mailbox().messages().into_iter().map(|one| (one.to.join(","), one.subject)).collect();
    got.sort();
    got
}

/// The same instance as somebody else's process would see it, under another public address.
fn elsewhere(app: &TestApp) -> Site {
    Site { base_url: Url::parse("https://copy.example.test").expect("an address"), ..app.site.clone() }
}

both_engines! {
    /// TRUST T10, listmonk #1801: an edition whose moment passed while nothing ran goes out by itself for six hours, and then
    /// waits for a person, whom a mail tells; a click releases it, another takes it back to the draft.
    async fn an_edition_that_comes_up_too_late_waits_for_a_person(app: TestApp) {
        app.readers(3).await;
        let in_time = pressed(&app, "Five hours late").await;
        app.advance(HOUR * 5);
        finish(&app, in_time.id).await;

        let late = pressed(&app, "Two days late").await;
        app.advance(HOUR * 48);
        app.drain().await;
        assert_eq!(state(&app, late.id).await, EditionState::Held);
        assert_eq!(app.sandbox.mailbox().count(), 4, "three copies of the first edition, and one mail to the owner");
        let told = app.last_mail(OWNER.0);
        assert_eq!(told.subject, "Held back: Two days late");
        assert_eq!(told.link("/desk/editions/"), app.url(&path(&late)));
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 1, "told once");

        let desk = app.desk().await;
        desk.open("/desk").await.says("“Two days late” was held back and waits for a decision.");
        let page = desk.open(&path(&late)).await;
        page.says("Held back: its moment passed while nothing was running").says("Nobody has got it");
        desk.submit_and_follow(&page.form("/undo")).await.says("is a draft again");
        assert_eq!(state(&app, late.id).await, EditionState::Draft);

        let pressed = publishing::press_send(&app.site, &app.templates, late.id, late.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(HOUR * 7);
        app.drain().await;
        let desk = app.desk().await;
        let page = desk.open(&path(&late)).await;
        desk.submit(&page.form("/resume")).await;
        finish(&app, late.id).await;
        assert_eq!(app.mails("reader1@example.org").len(), 2);
        assert_eq!(balanced(&app, late.id).await.accepted, 3);
    }

    /// TRUST T10: how late is too late is the magazine's own decision.
    async fn how_late_is_too_late_is_a_setting(app: TestApp) {
        app.readers(1).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings");
        assert_eq!(form.value("late_hours"), Some("6"));
        let mut tx = app.site.db.begin().await.expect("a transaction");
        settings::save(&mut tx, &app.site, None, |settings| settings.late_hours = 1).await.expect("saved");
        tx.commit().await.expect("a commit");
        let late = pressed(&app, "Two hours late").await;
        app.advance(HOUR * 2);
        app.drain().await;
        assert_eq!(state(&app, late.id).await, EditionState::Held);
    }

    /// TRUST F20: an edition is planned on the magazine's clocks. The hour that autumn repeats sends it once, the hour that
    /// spring leaves out is refused with what to do.
    async fn an_edition_is_planned_on_the_clocks_of_the_magazine(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings");
        assert_eq!(form.value("time_zone"), Some("UTC"));
        desk.submit(&form.clone().with("time_zone", "Mars/Olympus")).await.says("Choose a time zone from the list");
        desk.submit_and_follow(&form.with("time_zone", "Australia/Sydney")).await.says("Saved.");
        let edition = app.draft("When the clocks change").await;
        let send = format!("{}/send", path(&edition));
        let page = desk.open(&send).await;
        assert!(page.body.contains("In Sydney time: it is 20:00 AEDT now"), "{}", page.body);
        desk.submit(&page.form("/send").with("later", "2026-10-04T02:30")).await.says("the clocks go forward then");
        let asked = desk.submit(&page.form("/send").with("later", "2026-04-05T02:30")).await;
        asked.says("That time comes twice");
        assert!(asked.body.contains("5 April 2026, 02:30 AEST"), "{}", asked.body);
        let page = desk.submit_and_follow(&asked.form("/send").with("which", "first")).await;
        page.says("Goes out on 5 April 2026, 02:30 AEDT");

        let until = HOUR * (32 * 24 + 6) + Duration::from_secs(29 * 60);
        app.advance(until);
        app.drain().await;
        assert_eq!(state(&app, edition.id).await, EditionState::Scheduled, "a minute early");
        app.advance(Duration::from_secs(60));
        finish(&app, edition.id).await;
        app.advance(HOUR);
        app.drain().await;
        assert_eq!(balanced(&app, edition.id).await.accepted, 2, "at the second half past two nothing goes out again");
        assert_eq!(app.sandbox.mailbox().count(), 2);
        app.desk().await.open(&path(&edition)).await.says("5 April 2026, 02:30 AEDT");
    }

    /// TRUST T10, F30: before a restored backup is started, everything in it that would go out is held; a draft is not.
    async fn a_restored_backup_sends_nothing_by_itself(app: TestApp) {
        app.readers(3).await;
        let going = pressed(&app, "Half of it went out since").await;
        seal(&app).await;
        let waiting = pressed(&app, "For tomorrow").await;
        let draft = app.draft("A draft").await;
        let report = restored(&app.site, None, None, (None, None)).await.expect("it is said").expect("somebody says so");
        assert_eq!(report.held.len(), 2);
        assert_eq!(report.drafts.len(), 1);
        app.advance(HOUR);
        app.drain().await;
        assert_eq!(app.sandbox.mailbox().count(), 0);
        assert_eq!(state(&app, draft.id).await, EditionState::Draft);
        let desk = app.desk().await;
        let page = desk.open(&path(&going)).await;
        page.says("the database is a restored backup").says("0 have it, 3 do not");
        desk.submit(&desk.open(&format!("{}/cancel", path(&going))).await.form("/cancel")).await;
        let page = desk.open(&path(&waiting)).await;
        desk.submit(&page.form("/resume")).await;
        app.drain().await;
        assert_eq!(balanced(&app, going.id).await.cancelled, 3);
        assert_eq!(balanced(&app, waiting.id).await.accepted, 3);
    }

    /// TRUST T10: a copy of the database under another address sends nothing but sign-in links, seals nothing, and says so,
    /// while the real one goes on; once an owner confirms, it is the other way round.
    async fn a_database_under_another_address_sends_nothing(app: TestApp) {
        let copy = elsewhere(&app);
        assert_eq!(origin::arrive(&app.site, None).await.expect("the first start"), Standing::AtHome);
        let abroad = Standing::Abroad(app.url("/"));
        assert_eq!(origin::arrive(&copy, None).await.expect("another start"), abroad);
        assert_eq!(origin::arrive(&copy, None).await.expect("a third start"), abroad, "coming twice is not confirming");
        app.readers(2).await;
        let edition = pressed(&app, "Only from home").await;
        app.advance(publishing::UNDO + Duration::from_secs(1));
        assert_eq!(publishing::seal_due(&copy, &app.templates).await.expect("no failure"), 0);
        publishing::seal_due(&app.site, &app.templates).await.expect("sealed at home");
        let email = EmailAddress::parse("ann@example.org").expect("an address");
        let settings = settings::Settings::load(&app.site.db).await.expect("the settings");
        let new = subscribers::NewSubscription {
            email: &email, name: "", lists: &[app.list().await], wording: "words", answers: "", by: subscribers::By::source("a test"), lookout: None, trace: Trace::default(), crowd: subscribers::Crowd::Unasked,
        };
        subscribers::subscribe(&app.site, &settings, new).await.expect("asked");
        let owner = app.visitor();
        let form = owner.open("/desk/sign-in").await.form("/desk/sign-in-link").with("link_email", OWNER.0);
        owner.submit(&form).await.says("Look at your mail");

        let options = || app.engine(2);
        Engine::run_until_idle(copy.clone(), app.templates.clone(), options()).await.expect("it starts");
        let got: Vec<_> = subjects(&app).await.into_iter().map(|(to, _)| to).collect();
        assert_eq!(got, [OWNER.0], "the link to sign in, and nothing else");
        assert_eq!(balanced(&app, edition.id).await.open, 2, "every row waits where it was");

        let place = origin::place(&app.site.db).await.expect("a place");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        origin::confirm(&mut tx, &copy, &place, None).await.expect("confirmed");
        tx.commit().await.expect("a commit");
        Engine::run_until_idle(app.site.clone(), app.templates.clone(), options()).await.expect("it starts");
        assert_eq!(subjects(&app).await.len(), 1, "the old place is given nothing any more");
        Engine::run_until_idle(copy, app.templates.clone(), options()).await.expect("it starts");
        assert_eq!(balanced(&app, edition.id).await.accepted, 2);
        assert_eq!(subjects(&app).await.len(), 4, "two copies and the confirmation");
    }

    /// TRUST T10: the desk of a copy says what is the matter on every page, and an owner's one press settles it.
    async fn the_desk_of_a_copy_asks_whether_the_magazine_moved(app: TestApp) {
        origin::arrive(&elsewhere(&app), None).await.expect("the first start, elsewhere");
        let desk = app.desk().await;
        let page = desk.open("/desk/readers").await;
        page.says("Nothing is sent from here: this database belongs to https://copy.example.test/");
        let page = desk.open("/desk/address").await;
        page.says("Did the magazine move here?");
        desk.submit_and_follow(&page.form("/desk/address").with("is", "moved")).await.says("The magazine lives here now");
        assert_eq!(origin::look(&app.site).await.expect("a look"), Standing::AtHome);
        assert!(!desk.open("/desk/readers").await.text().contains("Nothing is sent"));
    }

    /// TRUST F27, listmonk #2313: stopped in the middle, the page says who has it and who has not; the corrected version goes
    /// to exactly the rest, a correction to exactly those who got the old one, and every row knows its revision.
    async fn a_stopped_edition_is_corrected_for_the_rest_and_for_those_who_have_it(app: TestApp) {
        const READERS: usize = 40;
        app.readers(READERS).await;
        let desk = app.desk().await;
        let edition = pressed(&app, "The wrong date").await;
        seal(&app).await;
        send_and_stop(&app, &desk, &edition, 5).await;
        let have = app.sandbox.mailbox().count();
        let had: Vec<String> = subjects(&app).await.into_iter().map(|(to, _)| to).collect();
        assert!(have < READERS, "it was stopped in the middle");
        let page = desk.open(&path(&edition)).await;
        page.says(&format!("Paused. {have} have it, {} do not.", READERS - have));

        let form = desk.open(&format!("{}/correct", path(&edition))).await.form("/correct");
        let form = form.with("subject", "The right date").with("intro", "It is on Thursday.");
        desk.submit_and_follow(&form).await.says(&format!("Going on sends it to the {} whose copy is still to go", READERS - have));
        let stale = desk.submit(&form.with("subject", "Another hand")).await;
        assert_eq!(stale.status, StatusCode::CONFLICT, "two people correcting do not overwrite each other");
        app.send().await;
        assert_eq!(app.sandbox.mailbox().count(), have, "nothing goes out before it goes on");
        let archive = app.visitor().open(&format!("/archive/{}", edition.public_id)).await;
        assert!(!archive.body.contains("The right date"), "what nobody was sent is in no archive");

        let page = desk.open(&path(&edition)).await;
        desk.submit_and_follow(&page.form("/resume")).await.says("Going on.");
        finish(&app, edition.id).await;
        let got = subjects(&app).await;
        assert_eq!(got.len(), READERS, "everybody got one");
        for (to, subject) in &got {
            let expected = if had.contains(to) { "The wrong date" } else { "The right date" };
            assert_eq!(subject, expected, "{to}");
        }
        assert_eq!(balanced(&app, edition.id).await.accepted, READERS as i64);
        let versions = publishing::reached(&app.site.db, edition.id).await.expect("the versions");
        let counts: Vec<_> = versions.iter().map(|version| (version.revision, version.readers)).collect();
        assert_eq!(counts, [(2, have as i64), (3, (READERS - have) as i64)]);

        // Each reads their own version in the browser.
        for version in ["The wrong date", "The right date"] {
            let (to, subject) = got.iter().find(|(_, subject)| subject == version).expect("somebody has it");
            let view = app.last_mail(to).link("/view/");
            let page = app.visitor().open(&view).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!(page.body.contains("It is on Thursday."), subject == "The right date", "{to}: {subject}");
        }

        // One of those who got it leaves; the correction goes to the others of them, and to nobody else.
        let gone = EmailAddress::parse(&had[0]).expect("an address");
        let id = subscribers::by_email(&app.site.db, &gone).await.expect("a read").expect("a reader").id;
        let links = app.links(edition.id, id).await;
        let token = links.unsubscribe.rsplit('/').next().expect("a token").to_owned();
        subscribers::leave(&app.site, &token, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let page = desk.open(&path(&edition)).await;
        let draft = desk.submit_and_follow(&page.form("/correction").with("revision", "2")).await;
        draft.says("It goes only to those who got");
        let send = desk.open(&format!("{}/send", draft.url.path())).await;
        send.says(&format!("This goes to {} readers who got", have - 1));
        desk.submit(&send.form("/send").with("act", "now")).await;
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        let corrected: Vec<_> = subjects(&app).await.into_iter().filter(|(_, subject)| subject == "Correction: The right date").map(|(to, _)| to).collect();
        assert_eq!(corrected, had[1..], "exactly them");
    }

    /// TRUST F27: what a worker holds in memory of an edition that was stopped and corrected is not sent in the old version.
    async fn claims_of_the_old_version_are_taken_from_their_worker(app: TestApp) {
        const READERS: usize = 30;
        app.readers(READERS).await;
        let desk = app.desk().await;
        let edition = pressed(&app, "Old").await;
        seal(&app).await;
        // The worker claims all thirty at once, and waits long at the first.
        let hold = Hold::default();
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).times(1).held(&hold));
        let options = app.engine(1);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        wait::until("the first marker", async || {
            let copies = publishing::results(&app.site.db, edition.id, publishing::WantedCopies::default(), 0, 100).await.expect("the copies");
            copies.iter().all(|copy| copy.state == CopyState::Claimed).then_some(())
        }).await;
        let page = desk.open(&path(&edition)).await;
        desk.submit(&page.form("/pause")).await;
        let form = desk.open(&format!("{}/correct", path(&edition))).await.form("/correct").with("subject", "New");
        desk.submit(&form).await;
        // While the first is leaving, going on is refused in plain words; then it goes.
        let go_on = async || {
            let page = desk.open(&path(&edition)).await;
            desk.submit(&page.form("/resume")).await
        };
        let answer = go_on().await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        answer.says("A few copies of the old version are leaving");
        hold.let_go();
        wait::until("the edition to go on", async || {
            (go_on().await.status == StatusCode::SEE_OTHER).then_some(())
        }).await;
        wait::until("the end", async || (state(&app, edition.id).await == EditionState::Finished).then_some(())).await;
        engine.stop().await;
        let got = subjects(&app).await;
        let old = got.iter().filter(|(_, subject)| subject == "Old").count();
        let versions = publishing::reached(&app.site.db, edition.id).await.expect("the versions");
        assert_eq!((got.len(), versions[0].readers, versions[1].readers), (READERS, old as i64, (READERS - old) as i64));
        assert!(old < READERS / 2, "{old}");
    }

    /// DESIGN "Sending": a mail that somebody waits for overtakes an edition that is going out, and leaves on a connection that
    /// is open already.
    async fn a_confirmation_overtakes_an_edition(app: TestApp) {
        app.import_readers(400).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(10)));
        let edition = app.seal_edition("The long one").await;
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(1)).await.expect("it starts");
        let progress = async || delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        wait::until("the first copies", async || (progress().await.accepted >= 5).then_some(())).await;
        app.subscribe_only("new@example.org").await;
        wait::until("the confirmation", async || app.mails("new@example.org").first().map(|_| ())).await;
        let open = progress().await.open;
        assert!(open > 200, "it waited for nearly all of the edition: {open} copies are left");
        engine.stop().await;
        app.sandbox.smtp_script().clear();
        app.drain().await;
    }

    /// listmonk #2313/#2070: paused and resumed again and again, nobody gets two.
    async fn pausing_again_and_again_sends_nothing_twice(app: TestApp) {
        const READERS: usize = 60;
        app.readers(READERS).await;
        let edition = pressed(&app, "Stop and go").await;
        seal(&app).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(5)));
        let options = app.engine(3);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        for _ in 0..20 {
            let before = app.sandbox.mailbox().count();
            if publishing::pause(&app.site, &edition.public_id, None).await.is_err() {
                break;
            }
            balanced(&app, edition.id).await;
            app.resume(&edition.public_id).await;
            app.sandbox.mailbox().wait_for_count((before + 2).min(READERS), Duration::from_secs(20)).await;
        }
        wait::until("the end", async || (state(&app, edition.id).await == EditionState::Finished).then_some(())).await;
        engine.stop().await;
        let counts = app.sandbox.mailbox().by_message_id();
        assert!(counts.len() == READERS && counts.values().all(|count| *count == 1), "{counts:?}");
        assert_eq!(balanced(&app, edition.id).await.accepted, READERS as i64);
    }

    /// TRUST F27: cancelled in the middle, the page says who has it, and nobody else ever gets it.
    async fn a_cancelled_edition_says_who_has_it(app: TestApp) {
        app.readers(20).await;
        let desk = app.desk().await;
        let edition = pressed(&app, "No more of it").await;
        seal(&app).await;
        send_and_stop(&app, &desk, &edition, 4).await;
        let have = app.sandbox.mailbox().count();
        let page = desk.open(&format!("{}/cancel", path(&edition))).await;
        page.says(&format!("{} of 20 readers have not got it yet. They will never get it", 20 - have));
        desk.submit_and_follow(&page.form("/cancel")).await.says(&format!("Cancelled. {have} have it, {} do not.", 20 - have));
        app.advance(HOUR);
        app.drain().await;
        assert_eq!(app.sandbox.mailbox().count(), have);
        let rows = balanced(&app, edition.id).await;
        assert_eq!((rows.accepted, rows.cancelled), (have as i64, 20 - have as i64));
    }

    /// What becomes of a copy whose answer was lost is decided on the send page.
    async fn the_sender_decides_what_happens_to_a_lost_answer(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let script = app.sandbox.smtp_script();
        for (policy, copies, words) in [("resend", 2, "Taken, perhaps twice"), ("hold", 1, "May have arrived")] {
            script.add(Rule::at(Stage::Dot).to("reader1@example.org").times(1).drop_connection());
            let subject = format!("With {policy}");
            let draft = app.draft(&subject).await;
            let form = desk.open(&format!("{}/send", path(&draft))).await.form("/send");
            assert_eq!(form.value("policy"), Some("resend"), "nobody goes without unless somebody says so");
            desk.submit(&form.with("policy", policy).with("act", "now")).await;
            assert_eq!(Some(publishing::load(&app.site.db, draft.id).await.expect("it").unknown_policy), UnknownPolicy::parse(policy));
            app.advance(publishing::UNDO + Duration::from_secs(1));
            app.drain().await;
            app.advance(HOUR);
            app.drain().await;
            let arrived = app.mails("reader1@example.org").into_iter().filter(|mail| mail.subject == subject).count();
            assert_eq!(arrived, copies, "{policy}");
            desk.open(&path(&draft)).await.says(words);
            balanced(&app, draft.id).await;
            if policy == "hold" {
                // And afterwards, too: it is asked once, and said what it means.
                desk.open(&path(&draft)).await.says("Copies that may have arrived");
                let page = desk.open(&format!("{}/doubt", path(&draft))).await;
                page.says("1 reader may have got it, and nobody knows").says("once more");
                desk.submit_and_follow(&page.form("/doubt")).await.says("They are in line again");
                app.drain().await;
                let arrived = app.mails("reader1@example.org").into_iter().filter(|mail| mail.subject == subject);
                assert_eq!(arrived.count(), 2);
                desk.open(&path(&draft)).await.says("Taken, perhaps twice");
                desk.submit_and_follow(&page.form("/doubt")).await.says("None of them can be tried again");
                balanced(&app, draft.id).await;
            }
        }
    }

    /// Who left, or takes no mail any more, is not counted among those who can be sent theirs again; and what came in doubt after
    /// somebody looked is not sent before they have seen it.
    async fn copies_in_doubt_are_counted_and_sent_as_they_were_seen(app: TestApp) {
        app.readers(4).await;
        let desk = app.desk().await;
        let drop_first = || Rule::at(Stage::Dot).to("reader1@example.org").times(1).drop_connection();
        app.sandbox.smtp_script().add(drop_first());
        for reader in [2, 3] {
            let to = format!("reader{reader}@example.org");
            app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(&to).times(1).drop_connection());
        }
        let edition = held_in_doubt(&app, &desk, "Lost answers").await;
        assert_eq!(balanced(&app, edition.id).await.unknown, 3);
        desk.open(&path(&edition)).await.says("Nobody knows what became of 3 copies");
        let (left, list) = (app.reader_row("reader2@example.org").await, app.list().await);
        subscribers::leave_by_staff(&app.site, left, list, "a letter").await.expect("left");
        let stopped = EmailAddress::parse("reader3@example.org").expect("an address");
        subscribers::block(&app.site, &stopped, "a test", None).await.expect("blocked");
        desk.open(&path(&edition)).await.says("Nobody knows what became of 1 copy:");
        let asks = format!("{}/doubt", path(&edition));
        let seen = desk.open(&asks).await;
        seen.says("1 reader may have got it, and nobody knows");

        // Pressed, and lost once more.
        app.sandbox.smtp_script().add(drop_first());
        app.advance(Duration::from_secs(60));
        desk.submit_and_follow(&seen.form("/doubt")).await.says("They are in line again");
        app.drain().await;
        assert_eq!(balanced(&app, edition.id).await.unknown, 3);
        let anew = desk.submit(&seen.form("/doubt")).await;
        assert_eq!(anew.status, StatusCode::CONFLICT);
        anew.says("Nothing was sent").says("1 reader may have got it");
        app.drain().await;
        let arrived = || app.mails("reader1@example.org").into_iter().filter(|mail| mail.subject == "Lost answers").count();
        assert_eq!(arrived(), 2);
        desk.submit_and_follow(&anew.form("/doubt")).await.says("They are in line again");
        app.drain().await;
        assert_eq!((arrived(), balanced(&app, edition.id).await.unknown), (3, 2));
        assert!(!desk.open(&path(&edition)).await.text().contains("Send these again"), "there is nobody to send it to");
        assert_eq!(desk.open(&asks).await.status, StatusCode::SEE_OTHER);
    }

    /// TRUST F27: whoever may have a wrong version is told what is right, whatever became of their copy since; and is not sent
    /// the wrong one after that.
    async fn a_correction_reaches_whoever_may_have_the_wrong_version(app: TestApp) {
        app.readers(3).await;
        let desk = app.desk().await;
        let lost = || Rule::at(Stage::Dot).to("reader1@example.org").times(1).drop_connection();
        app.sandbox.smtp_script().add(lost());
        let wrong = held_in_doubt(&app, &desk, "The wrong date").await;
        let page = desk.open(&format!("{}/doubt", path(&wrong))).await;
        desk.submit_and_follow(&page.form("/doubt")).await.says("They are in line again");
        publishing::pause(&app.site, &wrong.public_id, None).await.expect("it is sending again");
        let (revision, _) = publishing::current_revision(&app.site.db, wrong.id).await.expect("it has one");
        let correction = publishing::begin_correction(&app.site, &wrong.public_id, revision, None).await.expect("begun");
        let correction = publishing::find(&app.site.db, &correction).await.expect("it is there");
        assert_eq!(publishing::audience_size(&app.site, &correction).await.expect("a count"), 3);
        let pressed = publishing::press_send(&app.site, &app.templates, correction.id, correction.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        finish(&app, correction.id).await;
        assert_eq!(app.last_mail("reader1@example.org").subject, "Correction: The wrong date");

        app.sandbox.smtp_script().add(lost());
        app.resume(&wrong.public_id).await;
        app.drain().await;
        assert_eq!(balanced(&app, wrong.id).await.unknown, 1);
        assert!(!desk.open(&path(&wrong)).await.text().contains("Send these again"), "they have the right one");
        desk.submit_and_follow(&page.form("/doubt")).await.says("None of them can be tried again");
    }

    /// TRUST F27: a copy in doubt is of a version, and nobody is sent that one again when there is a better one.
    async fn an_old_version_in_doubt_is_not_sent_again(app: TestApp) {
        app.readers(12).await;
        let desk = app.desk().await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).times(1).drop_connection());
        let draft = app.draft("The wrong date").await;
        let form = desk.open(&format!("{}/send", path(&draft))).await.form("/send");
        desk.submit(&form.with("policy", "hold").with("act", "now")).await;
        seal(&app).await;
        send_and_stop(&app, &desk, &draft, 3).await;
        assert_eq!(balanced(&app, draft.id).await.unknown, 1);
        desk.open(&path(&draft)).await.says("Send these again");
        let form = desk.open(&format!("{}/correct", path(&draft))).await.form("/correct");
        desk.submit(&form.with("subject", "The right date")).await;
        let page = desk.open(&path(&draft)).await;
        desk.submit_and_follow(&page.form("/resume")).await.says("Going on.");
        finish(&app, draft.id).await;
        let page = desk.open(&path(&draft)).await;
        assert!(!page.text().contains("Send these again"), "{}", page.text());
        let versions = publishing::reached(&app.site.db, draft.id).await.expect("the versions");
        assert_eq!(versions.iter().map(|version| version.readers).sum::<i64>(), 12);
        assert!(page.body.contains("Write a correction to exactly them"), "{}", page.body);
    }

    /// One reader's copy, from the first try to the last, with the words of their server.
    async fn everything_that_happened_to_a_copy_can_be_looked_up(app: TestApp) {
        app.readers(3).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to("reader2@example.org").times(1).reply(450, "4.2.1 Greylisted, come back"));
        script.add(Rule::at(Stage::Dot).to("reader2@example.org").times(1).reply(452, "4.2.2 The mailbox is full"));
        app.send_edition("A long story").await;
        for _ in 0..3 {
            app.advance(HOUR);
            app.drain().await;
        }
        let desk = app.desk().await;
        let list = desk.open("/desk/editions").await;
        let edition = list.body.split("href=\"").find(|part| part.contains("\">A long story")).expect("a link");
        let edition = edition.split('"').next().expect("an end").to_owned();
        let found = desk.open(&format!("{edition}?q=reader2")).await;
        let log = found.body.split("href=\"").find(|part| part.contains("/copies/")).unwrap_or_else(|| panic!("no link to the log: {}", found.body));
        let log = desk.open(log.split('"').next().expect("an end")).await;
        log.says("Greylisted, come back").says("at the reader’s address");
        log.says("The mailbox is full").says("after the whole message").says("Taken by their mail provider");
        let other = desk.open(&format!("{edition}/copies/nobody")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
    }

    /// Mautic #7226: copies that failed for one reason go out once more, those of another do not, nor to those who left or
    /// whose address is no longer mailed; what arrived stays as it is, and the sum holds.
    async fn copies_that_failed_for_a_reason_are_tried_again(app: TestApp) {
        app.readers(6).await;
        let script = app.sandbox.smtp_script();
        for number in 1..=4 {
            script.add(Rule::at(Stage::Dot).to(&format!("reader{number}@example.org")).times(1).reply(554, "5.3.0 A bad day"));
        }
        script.add(Rule::at(Stage::Rcpt).to("reader5@example.org").times(1).reply(550, "5.1.1 No such mailbox"));
        let id = app.send_edition("Once more").await;
        finish(&app, id).await;
        let edition = publishing::load(&app.site.db, id).await.expect("the edition");
        assert_eq!(balanced(&app, id).await.failed, 5);

        // Reader 2 leaves; reader 3's address is not to be mailed any more.
        let address = |number: i64| EmailAddress::parse(&format!("reader{number}@example.org")).expect("an address");
        let left = subscribers::by_email(&app.site.db, &address(2)).await.expect("a read").expect("a reader").id;
        let links = app.links(id, left).await;
        let token = links.unsubscribe.rsplit('/').next().expect("a token").to_owned();
        subscribers::leave(&app.site, &token, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let suppressions = broadside::delivery::Suppressions::new(&app.site);
        suppressions.add(&mut tx, &address(3), broadside::delivery::StopReason::Complained, "a test").await.expect("added");
        tx.commit().await.expect("a commit");

        let desk = app.desk().await;
        let page = desk.open(&path(&edition)).await;
        page.says("Copies that failed").says("trouble with a mail server").says("no such mailbox");
        let form = page.form("/retry").with("class", "trouble with a mail server");
        desk.submit_and_follow(&form).await.says("They are in line again");
        assert_eq!((state(&app, id).await, balanced(&app, id).await.open), (EditionState::Sending, 2));
        finish(&app, id).await;
        let rows = balanced(&app, id).await;
        assert_eq!((rows.accepted, rows.failed), (3, 3));
        let mut got: Vec<_> = subjects(&app).await.into_iter().map(|(to, _)| to).collect();
        got.dedup();
        assert_eq!(got, ["reader1@example.org", "reader4@example.org", "reader6@example.org"]);
        desk.submit_and_follow(&form).await.says("None of them can be tried again");
        let forged = desk.submit(&form.with("class", "no such reason")).await;
        assert_eq!(forged.status, StatusCode::SEE_OTHER);
        assert_eq!(balanced(&app, id).await, rows);
    }

    /// TRUST F27: whatever is pressed where it cannot be done is answered with 409 in plain words, and moves nothing.
    async fn wrong_moves_are_refused(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let id = app.send_edition("It is over").await;
        finish(&app, id).await;
        let edition = publishing::load(&app.site.db, id).await.expect("the edition");
        let token = desk.open("/desk").await.form("/desk/sign-out").value("csrf").expect("a token").to_owned();
        for act in ["undo", "pause", "resume", "cancel", "correct"] {
            let request = desk.request(Method::POST, &format!("{}/{act}", path(&edition)));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = desk.send(request.body(format!("csrf={token}&{}", if act == "correct" { "based_on=2&subject=x" } else { "" }))).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{act}");
        }
        assert_eq!(balanced(&app, id).await.accepted, 2);
        let changed = publishing::save_revision(&app.site, id, edition.revision, Content::default(), None).await;
        assert!(matches!(changed, Err(publishing::Error::Locked)), "{changed:?}");
    }
}

/// The pages of an edition that was stopped, looked at on a desk and on a phone, in light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_stopped_edition_are_for_everybody() {
    let Some(db) = TestDb::migrated(broadside::db::Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.readers(12).await;
    let refusal = Rule::at(Stage::Rcpt).to("reader2@example.org").times(1);
    app.sandbox
        .smtp_script()
        .add(refusal.reply(550, "5.1.1 The email account that you tried to reach does not exist"));
    let desk = app.desk().await;
    let edition = pressed(&app, "Night walks, and who pays for the lamps").await;
    seal(&app).await;
    send_and_stop(&app, &desk, &edition, 4).await;
    let late = app.draft("A late one").await;
    let form = desk.open(&format!("{}/send", path(&late))).await.form("/send").with("act", "now");
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    let log = desk.open(&format!("{}?q=reader2@", path(&edition))).await;
    let log = log.body.split("href=\"").find(|part| part.contains("/copies/")).expect("a link to the log");
    let log = log.split('"').next().expect("an end").to_owned();
    let look = async |name: &str, path: &str| {
        browser.goto(&app.url(path)).await;
        browser.sound(&format!("exact-{name}")).await;
    };
    look("send", &format!("{}/send", path(&late))).await;
    desk.submit(&form).await;
    look("stopped", &path(&edition)).await;
    look("copy", &log).await;
    look("correct", &format!("{}/correct", path(&edition))).await;
    let form = desk.open(&format!("{}/correct", path(&edition))).await.form("/correct");
    desk.submit(&form.with("subject", "Night walks, on Thursday")).await;
    look("corrected", &path(&edition)).await;
    desk.submit(&desk.open(&path(&edition)).await.form("/resume")).await;
    finish(&app, edition.id).await;
    look("finished", &path(&edition)).await;
    app.advance(HOUR * 20);
    app.drain().await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    look("held", &path(&late)).await;
    let place = origin::place(&app.site.db).await.expect("a place");
    let mut tx = app.site.db.begin().await.expect("a transaction");
    origin::confirm(&mut tx, &elsewhere(&app), &place, None).await.expect("it is at home elsewhere");
    tx.commit().await.expect("a commit");
    look("address", "/desk/address").await;
    browser.close().await;
    app.finish().await;
}
