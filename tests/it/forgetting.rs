//! Being forgotten: what goes, what stays, and what nobody brings back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::{Method, header::CONTENT_TYPE};
use broadside::{
    db::{Db, Engine},
    delivery::{self, StopReason, Suppressions},
    donations,
    dossier::{self, Asks},
    email_address::EmailAddress,
    journal::Journal,
    links::{Forget, Name},
    origin, publishing, restored,
    site::Site,
    subscribers::{self, Basis, Subscriber, SubscriberError, SubscriptionState, Trace},
};
use reqwest::StatusCode;
use sqlx::AssertSqlSafe;

use crate::{
    holding::{fill, tables},
    support::{
        Browser, Fixture, TestApp, TestDb,
        between::{circles, stopped_between},
        both_engines,
        database::{change, rows},
        program,
        program::Program,
        scratch, wait,
    },
};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn ann(app: &TestApp) -> Subscriber {
    known(app).await.expect("a reader")
}

async fn known(app: &TestApp) -> Option<Subscriber> {
    subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read")
}

async fn forget(app: &TestApp) {
    let reader = ann(app).await;
    assert!(dossier::forget_reader(&app.site, &reader, None).await.expect("forgotten"));
}

/// The link of the letter that they get who press on the page of their choices.
async fn link(app: &TestApp) -> String {
    let path = subscribers::choices_path(&app.site, &ann(app).await.public_id);
    let token = path.rsplit('/').next().expect("an end");
    dossier::ask(&app.site, token, Asks::Erasure).await.expect("asked");
    app.drain().await;
    app.last_mail(ANN).link("/forget-me/")
}

/// Every place of the database where a text stands.
pub async fn where_it_stands(app: &TestApp, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (table, column) in tables(app).await {
        let sql =
            format!("select cast(\"{column}\" as text) from \"{table}\" where \"{column}\" is not null");
        let values: Vec<(String,)> = match &app.site.db {
            Db::Sqlite { read, .. } => {
                sqlx::query_as(AssertSqlSafe(sql)).fetch_all(read).await.unwrap_or_default()
            }
            Db::Postgres { pool, .. } => {
                sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await.expect("a read")
            }
        };
        for text in texts {
            if values.iter().any(|(value,)| value.to_lowercase().contains(text)) {
                found.push(format!("{text} in {table}.{column}"));
            }
        }
    }
    found
}

async fn balances(app: &TestApp) {
    for edition in delivery::ever_sealed(&app.site.db).await.expect("a read") {
        assert!(
            delivery::audit_copies(&app.site.db, edition).await.expect("an audit").holds(),
            "edition {edition}"
        );
    }
    money_balances(app).await;
}

async fn money_balances(app: &TestApp) {
    let money = donations::audit_money(&app.site.db).await.expect("an audit");
    assert!(money.balances(), "{:?}", money.problems);
}

async fn import(app: &TestApp, email: &str) -> subscribers::ImportReport {
    let basis = Basis { basis: "consent".to_owned(), source: "a file".to_owned() };
    let file = format!("email\n{email}\n");
    subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("it is read")
}

async fn copies(app: &TestApp) -> Vec<(String, String, String)> {
    rows(
        &app.site.db,
        "select state, coalesce(class, ''), address from delivery order by edition_id, subscriber_id",
    )
    .await
}

const MARKS: &[&str] = &[
    "ann@example.org",
    "held-name",
    "held-source",
    "192.0.2.77",
    "held-browser",
    "held-campaign",
    "held-answer",
    "held-typed",
    "held-copy",
    "held-reply",
    "held-letter",
    "held-bounce",
    "held-masked",
    "held-subject",
    "held-words",
    "held-stop",
    "held-donor",
    "held-gift",
    "held-monthly",
    "held-note",
    "held-request",
    "held-reason",
];

both_engines! {
    /// TRUST L7: nowhere in the database is a word left that was theirs, and every sum is as it was.
    async fn nothing_is_left_of_whoever_is_forgotten(app: TestApp) {
        fill(&app, ANN).await;
        change(&app.site.db, "delete from staff where email = 'ann@example.org'").await;
        change(&app.site.db, "update recurring_donation set state = 'cancelled', cancelled_at = 1").await;
        assert!(where_it_stands(&app, MARKS).await.len() >= MARKS.len(), "they are found where they stand");
        let receipts: Vec<(String,)> = rows(&app.site.db, "select number from receipt order by id").await;
        balances(&app).await;
        forget(&app).await;
        assert_eq!(where_it_stands(&app, MARKS).await, [""; 0]);
        assert!(known(&app).await.is_none());
        balances(&app).await;
        let after: Vec<(String, i64, String)> =
            rows(&app.site.db, "select r.number, d.amount_minor, d.state from receipt r join donation d on d.id = r.donation_id order by r.id").await;
        assert_eq!(after.iter().map(|(number, ..)| (number.clone(),)).collect::<Vec<_>>(), receipts);
        assert!(after.iter().all(|(_, minor, state)| *minor > 0 && state == "paid"), "{after:?}");
        let money = donations::totals(&app.site.db).await.expect("totals");
        assert_eq!(money.iter().map(|total| total.number).sum::<i64>(), 2);
        app.leaves_work();
    }

    /// TRUST L7, A25: the page says what goes and what stays; a program that opens it changes nothing; the button does it, once.
    async fn a_reader_is_forgotten_by_the_link_in_their_letter(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let mail = app.last_mail(ANN);
        let link = link(&app).await;
        assert_eq!(app.last_mail(ANN).subject, "Shall we forget you? The Lamplighter");
        let visitor = app.visitor();
        for _ in 0..2 {
            let page = visitor.open(&link).await;
            page.says("What goes").says("What stays").says("a***@example.org");
            assert!(known(&app).await.is_some(), "opening it changes nothing");
        }
        let form = visitor.open(&link).await.form("");
        let gone = visitor.submit_and_follow(&form).await;
        assert_eq!(gone.status, StatusCode::OK);
        gone.says("You are forgotten");
        assert!(known(&app).await.is_none());
        visitor.submit_and_follow(&form).await.says("You are forgotten");
        visitor.open(&link).await.says("You are forgotten");
        assert_eq!(visitor.open(&mail.link("/preferences/")).await.status, StatusCode::GONE);
        visitor.open(&mail.link("/unsubscribe/")).await.says("We cannot tell whose link this is");
        let before = app.mails(ANN).len();
        app.readers(1).await;
        app.send_edition("The second").await;
        assert_eq!(app.mails(ANN).len(), before);
        balances(&app).await;
    }

    /// TRUST M4: nor by any other link, nor a day later.
    async fn other_links_and_old_ones_forget_nobody(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let choices = app.last_mail(ANN).link("/preferences/");
        let link = link(&app).await;
        let form = app.visitor().open(&link).await.form("");
        let token = choices.rsplit('/').next().expect("an end");
        assert_eq!(app.visitor().submit_and_follow(&form.at(&format!("/forget-me/{token}"))).await.status, StatusCode::GONE);
        app.advance(DAY + Duration::from_secs(1));
        let form = app.visitor().open(&choices).await.form("/copy");
        let path = url::Url::parse(&link).expect("a link").path().to_owned();
        let late = app.visitor().submit_and_follow(&form.at(&path)).await;
        assert_eq!(late.status, StatusCode::GONE);
        late.says("It worked for a day");
        assert!(known(&app).await.is_some());
        app.leaves_work();
    }

    /// TRUST T3, T1: what waits for them is not sent, and counts as what it is.
    async fn what_waits_for_them_is_withdrawn(app: TestApp) {
        app.readers(1).await;
        app.reader(ANN).await;
        let edition = app.seal_edition("On its way").await;
        let path = subscribers::choices_path(&app.site, &ann(&app).await.public_id);
        dossier::ask(&app.site, path.rsplit('/').next().expect("an end"), Asks::Copy).await.expect("asked");
        let before = app.mails(ANN).len();
        forget(&app).await;
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before);
        let all = copies(&app).await;
        assert!(all.contains(&("suppressed".to_owned(), "erased".to_owned(), String::new())), "{all:?}");
        let audit = delivery::audit_copies(&app.site.db, edition).await.expect("an audit");
        assert!(audit.holds());
        assert_eq!((audit.rows.accepted, audit.rows.suppressed), (1, 1));
        let letters: Vec<(i64,)> = rows(&app.site.db, "select count(*) from notice where message is not null or state in ('queued', 'claimed')").await;
        assert_eq!(letters, [(0,)]);
    }

    /// TRUST L7: no file brings them back, nor anybody of the team, nor a stranger who types their address; they do so themselves.
    async fn only_they_themselves_come_back(app: TestApp) {
        app.reader(ANN).await;
        forget(&app).await;
        let report = import(&app, "ANN@example.org").await;
        assert_eq!((report.added, report.errors.len()), (0, 1));
        assert!(report.errors[0].why.contains("forgotten"), "{}", report.errors[0].why);
        let list = app.list().await;
        let added = subscribers::add_by_staff(&app.site, &address(ANN), "", list, "a list").await;
        assert!(matches!(added, Err(SubscriberError::Forgotten)), "{added:?}");
        assert!(known(&app).await.is_none());

        change(&app.site.db, "update list set opt_in = 'single'").await;
        app.subscribe(ANN).await;
        let standing = subscribers::subscriptions(&app.site.db, ann(&app).await.id).await.expect("a read");
        assert_eq!(standing[0].state, SubscriptionState::Pending, "the form alone is not enough, for anybody can type an address");
        assert_eq!(import(&app, ANN).await.added, 0, "nor does having typed it open the way for a file");

        let confirm = app.last_mail(ANN).link("/confirm/");
        subscribers::confirm(&app.site, confirm.rsplit('/').next().expect("an end"), &[], Trace::default()).await.expect("confirmed");
        app.drain().await;
        let before = app.mails(ANN).len();
        app.send_edition("They are back").await;
        assert_eq!(app.mails(ANN).len(), before + 1);
        assert!(import(&app, ANN).await.errors.is_empty(), "they are a reader as any other");
        forget(&app).await;
        assert_eq!(import(&app, ANN).await.added, 0, "and are forgotten once more");
    }

    /// TRUST M25, L7: who complained is not mailed though they were forgotten, and were they back; lifting the one does not lift the other.
    async fn a_complaint_outlives_being_forgotten(app: TestApp) {
        app.reader(ANN).await;
        let suppressions = Suppressions::new(&app.site);
        let mut tx = app.site.db.begin().await.expect("a transaction");
        suppressions.add(&mut tx, &address(ANN), StopReason::Complained, "it was ann").await.expect("stopped");
        tx.commit().await.expect("a commit");
        forget(&app).await;
        let stop = suppressions.find(&address(ANN)).await.expect("a read").expect("it stays");
        assert_eq!((stop.reason, stop.detail.as_str()), (StopReason::Complained, ""));
        let mut tx = app.site.db.begin().await.expect("a transaction");
        assert!(suppressions.lift(&mut tx, &address(ANN)).await.expect("lifted"));
        tx.commit().await.expect("a commit");
        assert_eq!(import(&app, ANN).await.added, 0, "they are forgotten all the same");
    }

    /// TRUST T10: a backup from before forgets them once more; who came back by themselves since stays.
    async fn a_restored_backup_forgets_them_again(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        app.reader(ANN).await;
        app.reader("bea@example.org").await;
        app.send_edition("The first").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;
        forget(&app).await;
        let written = std::fs::read_to_string(app.site.journal.path().expect("a journal")).expect("our own file");
        assert!(written.contains("erased ") && !written.contains("example.org"), "{written}");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        let said = restored::restored(&again.site, None, None, (None, None)).await;
        let report = said.expect("it is said").expect("nobody said so before");
        assert_eq!(report.replayed.erased, 1);
        assert!(known(&again).await.is_none());
        assert_eq!(where_it_stands(&again, &["ann@example.org"]).await, [""; 0]);
        assert_eq!(import(&again, ANN).await.added, 0, "the hash is there, too");
        assert_eq!(import(&again, "bea@example.org").await.unchanged, 1, "and nobody else is gone");
        balances(&again).await;
        assert_eq!(restored::take_up(&again.site, None).await.expect("a start").all(), 0, "once is enough");

        app.subscribe(ANN).await;
        let confirm = app.last_mail(ANN).link("/confirm/");
        subscribers::confirm(&app.site, confirm.rsplit('/').next().expect("an end"), &[], Trace::default()).await.expect("confirmed");
        change(&app.site.db, "delete from withdrawal_journal").await;
        restored::take_up(&app.site, None).await.expect("a start");
        assert!(known(&app).await.is_some(), "they came back after it was written down");
        assert!(import(&app, ANN).await.errors.is_empty());
        app.drain().await;
    }

    /// TRUST L7, T10: what the payment service tells a restored database anew of a gift from before they were forgotten brings no address back.
    async fn a_gift_that_is_told_anew_brings_no_address_back(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        app.reader(ANN).await;
        app.give(ANN, "10", "once").await;
        app.drain().await;
        let backup = db.restored_copy().await;
        app.give(ANN, "20", "once").await;
        app.drain().await;
        forget(&app).await;
        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        restored::restored(&again.site, None, None, (None, None)).await.expect("it is said").expect("once");
        donations::poll_provider(&again.site, again.payments.provider.as_ref()).await.expect("the whole list");
        again.drain().await;
        dossier::forget_supporters(&again.site).await.expect("a look");
        let paid: Vec<(i64,)> = rows(&again.site.db, "select count(*) from donation where state = 'paid'").await;
        assert_eq!(paid, [(2,)], "both are in the books");
        let left = where_it_stands(&again, &["ann@example.org"]).await;
        assert_eq!(left, [""; 0]);
        balances(&again).await;
    }

    /// TRUST L7: an address that was only typed as a new one is somebody else's: of what stands on record of letters there, only the letter
    /// of that change goes with whoever typed it.
    async fn an_address_that_was_only_typed_keeps_its_letters(app: TestApp) {
        let theirs = "ada@stranger.example";
        app.give(theirs, "12", "once").await;
        app.reader(ANN).await;
        let choices = subscribers::choices_path(&app.site, &ann(&app).await.public_id);
        let visitor = app.visitor();
        let form = visitor.open(&format!("{choices}/address")).await.form("/address").with("email", theirs);
        visitor.submit_and_follow(&form).await.says("Look into both mailboxes");
        app.drain().await;
        assert_eq!(app.mails(theirs).len(), 2, "a receipt, and the question");
        forget(&app).await;
        let letters = "select template, address, state from notice where template in ('receipt', 'address_change_new') order by template";
        let letters: Vec<(String, String, String)> = rows(&app.site.db, letters).await;
        let row = |template: &str, address: &str| (template.to_owned(), address.to_owned(), "accepted".to_owned());
        assert_eq!(letters, [row("address_change_new", ""), row("receipt", theirs)]);
        app.drain().await;
    }

    /// TRUST L11: a monthly donation is not ended by it, and keeps its address; once it is over, that goes, too.
    async fn a_monthly_donation_goes_on_and_its_address_goes_with_it(app: TestApp) {
        app.reader(ANN).await;
        app.give(ANN, "7", "month").await;
        app.drain().await;
        let link = link(&app).await;
        let page = app.visitor().open(&link).await;
        page.says("goes on").says("End it first");
        assert!(page.body.contains("/giving/"));
        forget(&app).await;
        let donors: Vec<(String,)> = rows(&app.site.db, "select email from donor").await;
        assert_eq!(donors, [(ANN.to_owned(),)]);
        assert_eq!(dossier::forget_supporters(&app.site).await.expect("a look"), 0);
        let (gift,): (String,) = rows(&app.site.db, "select public_id from recurring_donation").await.remove(0);
        let provider = Some(app.payments.provider.as_ref());
        donations::cancel_monthly(&app.site, provider, &donations::manage_token(&app.site, &gift)).await.expect("it is over");
        app.drain().await;
        dossier::forget_supporters(&app.site).await.expect("a look");
        let left = where_it_stands(&app, &["ann@example.org"]).await;
        assert!(left.iter().all(|place| place.contains(" in notice.")), "but for the letter that it is over: {left:?}");
        balances(&app).await;
        assert_eq!(donations::totals(&app.site.db).await.expect("totals")[0].number, 1);
        app.leaves_work();
    }

    /// TRUST L7, T10: who only gave is forgotten as well, by their address: nothing of them is left, no file brings them in, the sums hold, a
    /// monthly donation goes on, and a restored backup forgets them again.
    async fn whoever_gave_and_is_no_reader_is_forgotten(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        fill(&app, ANN).await;
        change(&app.site.db, "delete from staff where email = 'ann@example.org'").await;
        // They were a reader once, and nothing is left of that but what hangs from the address.
        for text in ["delete from delivery_attempt", "delete from delivery", "delete from consent_event", "delete from audit_log", "delete from subscriber"] {
            change(&app.site.db, text).await;
        }
        app.give("bea@example.org", "15", "once").await;
        app.drain().await;
        let backup = db.restored_copy().await;
        let why = Some(dossier::ForgottenBy { staff_id: None, why: "asked by letter" });
        let gone = dossier::forget_address(&app.site, &address("ANN@example.org"), why).await.expect("an answer");
        assert!(matches!(gone, dossier::AtAddress::Forgotten), "{gone:?}");
        let stays = where_it_stands(&app, MARKS).await;
        assert!(stays.iter().all(|place| [" in recurring_donation.", " in donor.", " in donor_word."].iter().any(|of| place.contains(of))), "but for the monthly donation: {stays:?}");
        assert_eq!(import(&app, ANN).await.added, 0);
        let given: Vec<(i64,)> = rows(&app.site.db, "select count(*) from recurring_donation where state <> 'cancelled' and email <> ''").await;
        assert_eq!(given, [(1,)], "it goes on");
        let log: Vec<(String, String, String)> = rows(&app.site.db, "select action, subject, detail from audit_log order by id desc limit 1").await;
        assert_eq!(log, [("forgot a supporter".to_owned(), String::new(), "asked by letter".to_owned())]);
        let (gift,): (String,) = rows(&app.site.db, "select public_id from recurring_donation").await.remove(0);
        let provider = Some(app.payments.provider.as_ref());
        donations::cancel_monthly(&app.site, provider, &donations::manage_token(&app.site, &gift)).await.expect("it is over");
        change(&app.site.db, "delete from notice where template = 'recurring_cancelled'").await;
        assert_eq!(dossier::forget_supporters(&app.site).await.expect("a look"), 1);
        assert_eq!(where_it_stands(&app, MARKS).await, [""; 0]);
        money_balances(&app).await;
        let again = dossier::forget_address(&app.site, &address(ANN), None).await.expect("an answer");
        assert!(matches!(again, dossier::AtAddress::Nothing), "{again:?}");
        let nobody = dossier::forget_address(&app.site, &address("nobody@example.org"), None).await.expect("an answer");
        assert!(matches!(nobody, dossier::AtAddress::Nothing), "{nobody:?}");
        assert!(!where_it_stands(&app, &["bea@example.org"]).await.is_empty(), "nobody else is gone");

        let old = app.restored_from(backup).await;
        old.leaves_work();
        origin::arrive(&old.site, None).await.expect("a start");
        let report = restored::restored(&old.site, None, None, (None, None)).await.expect("it is said").expect("once");
        assert_eq!(report.replayed.erased, 1);
        let stays = where_it_stands(&old, MARKS).await;
        assert!(stays.iter().all(|place| [" in recurring_donation.", " in donor.", " in donor_word."].iter().any(|of| place.contains(of))), "{stays:?}");
        assert_eq!(import(&old, ANN).await.added, 0);
        money_balances(&old).await;
    }

    /// TRUST L10, L7: at the desk an owner forgets a supporter on the page of a donation; whose address is a reader's, on theirs.
    async fn an_owner_forgets_a_supporter_and_says_why(app: TestApp) {
        app.reader("bea@example.org").await;
        for email in [ANN, "bea@example.org"] {
            app.give(email, "15", "once").await;
        }
        app.drain().await;
        let desk = app.desk().await;
        let page = async |email: &'static str| {
            let all: Vec<(String, String)> = rows(&app.site.db, "select email, public_id from donation").await;
            let (_, id) = all.into_iter().find(|(of, _)| of == email).expect("a donation");
            format!("/desk/donations/{id}")
        };
        let bea = page("bea@example.org").await;
        let shown = desk.follow(&format!("{bea}/forget")).await;
        shown.form("/desk/readers/");
        let ann = page(ANN).await;
        desk.open(&ann).await.says("Forget whoever gave");
        let form = desk.open(&format!("{ann}/forget")).await.form("/forget");
        assert_eq!(desk.submit(&form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a reason");
        desk.submit_and_follow(&form.with("why", "asked by letter")).await.says("They are forgotten");
        assert_eq!(where_it_stands(&app, &["ann@example.org"]).await, [""; 0]);
        assert!(!desk.open(&ann).await.body.contains("/forget"), "once is enough");
        assert_eq!(desk.open(&format!("{ann}/forget")).await.status, StatusCode::NOT_FOUND);
        balances(&app).await;
        app.leaves_work();
    }

    /// TRUST L10, T6: at the desk for owners, who say why; the log has it, and not the address.
    async fn an_owner_forgets_a_reader_and_says_why(app: TestApp) {
        app.reader(ANN).await;
        let id = ann(&app).await.public_id;
        let desk = app.desk().await;
        desk.open(&format!("/desk/readers/{id}")).await.says("See what goes and what stays");
        let form = desk.open(&format!("/desk/readers/{id}/forget")).await.form("/forget");
        let refused = desk.submit(&form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(known(&app).await.is_some());
        desk.submit_and_follow(&form.with("why", "asked by letter")).await.says("They are forgotten");
        assert!(known(&app).await.is_none());
        let log: Vec<(String, String, String)> =
            rows(&app.site.db, "select action, subject, detail from audit_log order by id desc limit 1").await;
        assert_eq!(log, [("forgot a reader".to_owned(), id, "asked by letter".to_owned())]);
    }

    /// Whoever of the team reads, too, still signs in.
    async fn letters_to_the_team_are_left_alone(app: TestApp) {
        app.reader(ANN).await;
        let new = broadside::staff::NewMember { name: "Ann", email: &address(ANN), role: broadside::staff::Role::Editor };
        broadside::staff::add_member(&app.site, None, new).await.expect("a member");
        forget(&app).await;
        app.drain().await;
        assert!(app.last_mail(ANN).subject.contains("invites you"), "{}", app.last_mail(ANN).subject);
    }

    /// TRUST L7, T10: `kill -9` in the middle of a burst: whoever was told that they are forgotten stands in the journal, and after the next start
    /// whoever stands there is gone; nobody is half gone.
    async fn whoever_was_told_is_forgotten_whenever_the_process_dies(app: TestApp) {
        const READERS: usize = 40;
        app.leaves_work();
        app.readers(READERS).await;
        app.send_edition("The first").await;
        let (path, listen) = (scratch::folder().join("forgotten.journal"), program::address_of_its_own().to_string());
        let settings = [("LISTEN", listen.as_str()), ("WITHDRAWALS_JOURNAL", path.to_str().expect("our own name"))];
        let program = Program::serve(&app, &settings);
        let ready = app.url("/").replace(app.site.base_url.authority(), &listen);
        let visitor = app.visitor();
        wait::until("the pages", async || visitor.try_open(&ready).await).await;
        let names: Vec<(i64, String, String)> =
            rows(&app.site.db, "select id, public_id, email from subscriber order by id").await;
        let told = Arc::new(AtomicUsize::new(0));
        let mut pressing = Vec::new();
        for (id, public_id, email) in names.clone() {
            let link = Forget { reader: Name::Id(public_id.into()), address: Suppressions::new(&app.site).hash(&address(&email)).into() };
            let link = link.sign(&app.site.keys, app.site.now().plus(DAY * 3_650));
            let request = visitor.request(Method::POST, &format!("http://{listen}/forget-me/{link}"));
            let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body("");
            let told = told.clone();
            pressing.push(tokio::spawn(async move {
                let well = request.send().await.is_ok_and(|answer| answer.status().is_redirection());
                told.fetch_add(usize::from(well), Ordering::SeqCst);
                well.then_some((id, email))
            }));
        }
        wait::until("some to be told", async || (told.load(Ordering::SeqCst) >= READERS / 4).then_some(())).await;
        program.kill();
        let mut told = Vec::new();
        for one in pressing {
            told.extend(one.await.expect("it came to its end"));
        }
        let written = std::fs::read_to_string(&path).expect("our own file");
        let journal = Journal::at(path, delivery::suppression_proof(&app.site.keys));
        let site = Site { journal, ..app.site.clone() };
        let after = restored::take_up(&site, None).await.expect("a start");
        println!("told {}, done after the kill {}", told.len(), after.erased);
        let left: Vec<(i64,)> = rows(&app.site.db, "select id from subscriber").await;
        let emails: Vec<&str> = names.iter().map(|(_, _, email)| email.as_str()).collect();
        let found = where_it_stands(&app, &emails).await;
        for (id, public_id, email) in &names {
            let is_written = written.contains(&format!("erased {public_id} "));
            assert!(is_written || !told.contains(&(*id, email.clone())), "{email} was told, and does not stand in the journal");
            assert_eq!(left.contains(&(*id,)), !is_written, "{email}");
            let stands = found.iter().any(|one| one.starts_with(&format!("{email} in ")));
            assert_eq!(stands, !is_written, "{email} is half gone: {found:?}");
        }
        balances(&app).await;
    }

    /// TRUST L7, T1: forgotten while the edition is being locked: their copy is found, or not written.
    async fn whoever_is_forgotten_while_the_copies_are_written_gets_none(app: TestApp) {
        app.readers(1).await;
        app.reader(ANN).await;
        let draft = app.draft("Just being locked").await;
        publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        let before = app.mails(ANN).len();
        let (sealed, ()) = stopped_between(
            &app.site.db,
            "insert into recipient_domain (name, looked_at) values ('example.org', 0) on conflict (name) do update set looked_at = 0",
            publishing::seal_due(&app.site, &app.templates),
            forget(&app),
        )
        .await;
        assert_eq!(sealed.expect("sealed"), 1);
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before);
        assert_eq!(where_it_stands(&app, &["ann@example.org"]).await, [""; 0]);
        balances(&app).await;
    }

    /// Forgotten while they confirm: one comes first, and nothing of them is left either way.
    async fn whoever_is_forgotten_while_they_confirm_is_forgotten(app: TestApp) {
        app.subscribe(ANN).await;
        let link = app.last_mail(ANN).link("/confirm/");
        let token = link.rsplit('/').next().expect("an end");
        let (confirmed, ()) = stopped_between(
            &app.site.db,
            "update subscription set state = state",
            subscribers::confirm(&app.site, token, &[], Trace::default()),
            forget(&app),
        )
        .await;
        confirmed.expect("they confirmed");
        assert!(known(&app).await.is_none());
        assert_eq!(import(&app, ANN).await.added, 0);
        assert_eq!(circles(&app.site.db).await, 0);
        app.leaves_work();
    }

    /// Forgotten while a file is read that has them: it is read to its end, and does not bring them back.
    async fn a_file_that_is_read_meanwhile_brings_nobody_back(app: TestApp) {
        app.reader(ANN).await;
        change(&app.site.db, "insert into list (slug, name, description, visibility, created_at, public_id) values ('other', 'Other', '', 'public', 0, 'other-list')").await;
        let (other,): (i64,) = rows(&app.site.db, "select id from list where slug = 'other'").await.remove(0);
        let basis = Basis { basis: "consent".to_owned(), source: "a file".to_owned() };
        let file = format!("email\nzoe@example.org\n{ANN}\n");
        let (read, ()) = stopped_between(
            &app.site.db,
            "update subscriber set name = name where email_key = 'ann@example.org'",
            forget(&app),
            async {
                subscribers::import(&app.site, file.as_bytes(), other, &basis).await.expect("it is read to its end");
            },
        )
        .await;
        let () = read;
        assert!(known(&app).await.is_none());
        assert_eq!(circles(&app.site.db).await, 0);
        app.leaves_work();
    }

    /// TRUST L1: whoever asks later why they were mailed gets what they had agreed to, for three years.
    async fn what_they_had_agreed_to_is_found_by_their_address_alone(app: TestApp) {
        app.reader(ANN).await;
        forget(&app).await;
        let kept: Vec<(String, String)> = rows(&app.site.db, "select action, method from forgotten_consent order by id").await;
        assert_eq!(kept, [("asked".to_owned(), "form".to_owned()), ("confirmed".to_owned(), "confirmation".to_owned())]);
        broadside::jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 1_000)).await.expect("tidied");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from forgotten_consent").await, [(2,)]);
        broadside::jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 1_100)).await.expect("tidied");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from forgotten_consent").await, [(0,)]);
        assert_eq!(import(&app, ANN).await.added, 0, "the hash stays");
    }
}

/// TRUST L7, L8: in a real browser, in both colours, wide and narrow: asked for, read, taken along; asked for, pressed, gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_what_is_held_and_is_forgotten() {
    let Some(browser) = Browser::open().await else { return };
    let app = TestApp::start(TestDb::migrated(Engine::Sqlite).await.expect("SQLite is everywhere")).await;
    app.reader(ANN).await;
    app.send_edition("The first edition").await;
    let choices = app.last_mail(ANN).link("/preferences/");
    browser.goto(&choices).await;
    browser.sound("data-choices").await;
    browser.click("See what you hold about me").await;
    browser.wait_for_text("Look into your mailbox").await;
    browser.sound("data-sent").await;
    app.drain().await;
    let link = app.last_mail(ANN).link("/your-data/");
    browser.goto(&link).await;
    browser.wait_for_text("The first edition").await;
    browser.sound("data-held").await;
    let file = browser.script("return document.querySelector('a[download]').href").await;
    let file = app.visitor().open(file.as_str().expect("a link")).await;
    assert!(file.body.contains("\"what_you_agreed_to\""), "{}", file.body);
    browser.goto(&choices).await;
    browser.click("Forget me").await;
    browser.wait_for_text("what goes and what stays").await;
    app.drain().await;
    let link = app.last_mail(ANN).link("/forget-me/");
    browser.goto(&link).await;
    browser.sound("forget-asks").await;
    browser.click("Forget me").await;
    browser.wait_for_text("You are forgotten").await;
    browser.sound("forget-gone").await;
    assert!(known(&app).await.is_none());
    browser.close().await;
    app.finish().await;
}
