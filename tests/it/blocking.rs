//! Never again: an address that the team blocked is not mailed by any door, and whoever lifts it says why.

use broadside::{
    audit_log,
    db::Engine,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    staff::{self, NewMember, Role},
    subscribers::{self, Basis},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    visitor::{Page, Visitor},
};

const ANN: &str = "reader1@example.org";
const EVE: &str = "eve@example.org";

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn own_page(app: &TestApp, email: &str) -> String {
    let reader = subscribers::by_email(&app.site.db, &address(email)).await.expect("a read");
    format!("/desk/readers/{}", reader.expect("a reader").public_id)
}

async fn reason(app: &TestApp, email: &str) -> Option<StopReason> {
    Suppressions::new(&app.site).reason(&address(email)).await.expect("a read")
}

async fn stop(app: &TestApp, email: &str, reason: StopReason) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    Suppressions::new(&app.site).add(&mut tx, &address(email), reason, "a test").await.expect("added");
    tx.commit().await.expect("a commit");
}

/// The newest line of the log for a deed of the owner: subject and detail.
async fn logged(app: &TestApp, action: &str) -> (String, String) {
    let lines = audit_log::latest(&app.site.db, 50).await.expect("a read");
    let line = lines.into_iter().find(|line| line.action == action).expect(action);
    assert_eq!(line.staff_name.as_deref(), Some("Olive Owner"));
    (line.subject, line.detail)
}

async fn block_by_page(desk: &Visitor, email: &str) {
    let page = desk.open("/desk/blocked").await;
    // The forms above it lift what was blocked before.
    let below = page.body.split("id=\"block-title\"").nth(1).expect("a form that blocks").to_owned();
    let form = Page { body: below, ..page }.form("/desk/blocked");
    let form = form.with("email", email).with("why", "asked by telephone");
    desk.submit_and_follow(&form)
        .await
        .says("Nothing goes to that address any more")
        .says("asked by telephone");
}

/// The form of the page that adds a reader.
async fn adding(desk: &Visitor, email: &str, how: &str) -> crate::support::visitor::Form {
    let form = desk.open("/desk/readers?q=nobody-is-called-so").await;
    // The first form of the page searches.
    let added = form.body.split("id=\"add-title\"").nth(1).expect("a form that adds").to_owned();
    let form = Page { body: added, ..form }.form("/desk/readers");
    form.with("email", email).with("how", how).with("source", "a letter")
}

both_engines! {
    async fn a_blocked_reader_is_mailed_by_no_door_until_it_is_lifted(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let own = own_page(&app, ANN).await;
        let form = desk.open(&own).await.form(&format!("{own}/block"));
        let again = desk.submit(&form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("Say why");
        desk.submit_and_follow(&form.with("why", "asked by telephone")).await.says("Nothing goes to that address any more");
        desk.open(&own).await.says("The team decided never to mail this address again").says("asked by telephone");
        app.send_edition("The first").await;
        assert_eq!((app.mails(ANN).len(), app.mails("reader2@example.org").len()), (0, 1));

        let form = desk.open(&own).await.form("/mail-again");
        let again = desk.submit(&form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reason(&app, ANN).await, Some(StopReason::Staff), "nothing without a why");
        desk.submit_and_follow(&form.with("again_why", "wrote to us")).await.says("They are mailed again");
        app.send_edition("The second").await;
        assert_eq!(app.mails(ANN).len(), 1);
        assert_eq!(logged(&app, "blocked an address").await.1, "asked by telephone");
        assert_eq!(logged(&app, "mails again").await.1, "staff: wrote to us");
    }

    /// An address that is no reader's: the form answers as ever and mails nothing; staff and files are told.
    async fn a_blocked_address_is_asked_by_nobody(app: TestApp) {
        let desk = app.desk().await;
        block_by_page(&desk, EVE).await;
        desk.open("/desk/blocked").await.says("e***@example.org");
        assert!(!desk.open("/desk/blocked").await.body.contains(EVE), "it is kept as a hash alone");

        app.subscribe(EVE).await;
        for how in ["asked", "confirm"] {
            let form = adding(&desk, EVE, how).await;
            let answer = desk.submit(&form).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{how}");
            assert!(answer.text().contains("never to mail this address") || answer.text().contains("Mail to this address is stopped"));
        }
        let basis = Basis { basis: "consent".to_owned(), source: "a sheet".to_owned() };
        let file = format!("email,name\n{EVE},Eve\nfred@example.org,Fred\n");
        let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("an import");
        assert_eq!((report.added, report.unchanged), (1, 0));
        assert_eq!((report.errors[0].line, report.errors[0].why.as_str()), (2, "the team decided never to mail this address"));
        app.send_edition("The first").await;
        assert_eq!(app.mails(EVE).len(), 0);

        let page = desk.open("/desk/blocked").await;
        let form = page.form("/lift").with("why", "wrote to us");
        desk.submit_and_follow(&form).await.says("may be mailed again").says("Nobody is blocked");
        assert_eq!(desk.submit(&form).await.status, StatusCode::NOT_FOUND, "a second press");
        let (subject, why) = logged(&app, "unblocked an address").await;
        let eve = EmailAddress::parse(EVE).expect("an address");
        let eve = subscribers::by_email(&app.site.db, &eve).await.expect("a read").expect("she asked by the form");
        assert_eq!((subject, why.as_str()), (eve.public_id, "wrote to us"));
        app.subscribe(EVE).await;
        assert_eq!(app.mails(EVE).len(), 1, "she may ask again");
    }

    /// A block that comes after the asking stops the mail that is still in line, and stands over a bounce.
    async fn a_block_is_looked_at_again_before_a_mail_leaves(app: TestApp) {
        app.subscribe_only(EVE).await;
        stop(&app, EVE, StopReason::Bounced).await;
        block_by_page(&app.desk().await, EVE).await;
        assert_eq!(reason(&app, EVE).await, Some(StopReason::Staff));
        app.drain().await;
        assert_eq!(app.mails(EVE).len(), 0);
    }

    /// TRUST M28: whoever lifts a bounce does not lift the complaint that came after the page was shown.
    async fn mail_again_lifts_what_the_page_showed_and_nothing_newer(app: TestApp) {
        app.readers(1).await;
        stop(&app, ANN, StopReason::Bounced).await;
        let desk = app.desk().await;
        let own = own_page(&app, ANN).await;
        let form = desk.open(&own).await.form("/mail-again").with("again_why", "wrote to us");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        Suppressions::new(&app.site).lift(&mut tx, &address(ANN)).await.expect("lifted");
        tx.commit().await.expect("a commit");
        stop(&app, ANN, StopReason::Complained).await;
        let answer = desk.submit(&form).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        answer.says("something else has stopped mail to this reader");
        assert_eq!(reason(&app, ANN).await, Some(StopReason::Complained));
        desk.submit_and_follow(&desk.open(&own).await.form("/mail-again").with("again_why", "asked for it")).await.says("They are mailed again");
        assert_eq!(reason(&app, ANN).await, None);
        // A page from before that is pressed now finds nothing to lift.
        assert!(desk.submit(&form).await.status.is_redirection());
    }

    /// The form answers a blocked address, one that waits for its next mail, and a new one with the same bytes.
    async fn the_form_tells_nothing_of_a_block(app: TestApp) {
        block_by_page(&app.desk().await, EVE).await;
        app.reader("waiting@example.org").await;
        let mut answers = Vec::new();
        for email in [EVE, "waiting@example.org", "new@example.org"] {
            let visitor = app.visitor();
            let form = visitor.open("/subscribe").await.form("/subscribe").with("email", email).with("consent", "yes");
            let answer = visitor.submit(&form).await;
            let after = visitor.follow(answer.leads_to().expect("it leads on").as_str()).await;
            // It names the address that was typed, and nothing else of it.
            after.says(email);
            answers.push((answer.status, answer.body, after.status, after.body.replace(email, "them")));
        }
        assert_eq!(answers[0], answers[2]);
        assert_eq!(answers[1], answers[2]);
        app.drain().await;
    }

    /// Who is invited to the team at an address that takes no mail is not said to be written to.
    async fn an_invitation_that_cannot_be_mailed_is_handed_over(app: TestApp) {
        stop(&app, "nina@example.org", StopReason::Bounced).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/team").await.form("/desk/team");
        // The first form of the page changes a role.
        let page = desk.open("/desk/team").await;
        let added = page.body.rsplit("<form").next().map(|form| format!("<form{form}")).expect("a form");
        let form = Page { body: added, ..page }.form("/desk/team").with("csrf", form.value("csrf").expect("a token"));
        let form = form.with("name", "Nina").with("email", "nina@example.org").with("role", "viewer");
        desk.submit(&form).await.says("Hand Nina this link yourself");
        app.drain().await;
        assert_eq!(app.mails("nina@example.org").len(), 0);
    }
}

/// The pages of this file, looked at on a desk and on a phone, in light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_block_are_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.readers(3).await;
    app.send_edition("Night walks, and who pays for the lamps").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    let look = async |name: &str, path: &str| {
        browser.goto(&app.url(path)).await;
        browser.sound(&format!("block-{name}")).await;
    };
    look("nobody", "/desk/blocked").await;
    let own = own_page(&app, ANN).await;
    look("reader", &own).await;
    let desk = app.desk().await;
    block_by_page(&desk, ANN).await;
    block_by_page(&desk, "somebody.with.a.rather.long.address@a-rather-long-domain.example.org").await;
    look("blocked-reader", &own).await;
    look("list", "/desk/blocked?done=blocked").await;
    look("readers", "/desk/readers?done=asked-before").await;
    stop(&app, "reader2@example.org", StopReason::Complained).await;
    look("complained", &own_page(&app, "reader2@example.org").await).await;
    let nina = address("nina@example.org");
    let new = NewMember { name: "Nina", email: &nina, role: Role::Editor };
    staff::add_member(&app.site, None, new).await.expect("a member");
    browser.goto(&app.url("/desk/team")).await;
    browser.click("Send a new link for Nina").await;
    browser.wait_for_text("An invitation to Nina").await;
    browser.sound("block-team").await;
    app.drain().await;
    browser.close().await;
    app.finish().await;
}
