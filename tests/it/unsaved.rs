//! What somebody types at the desk is not lost by another button, nor by a session that ends.

use broadside::{db::Engine, email_address::EmailAddress, subscribers};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::Visitor,
};

const ANN: &str = "ann@example.org";

/// A form sent from a page whose address the browser tells.
async fn send(desk: &Visitor, to: &str, from: &str) -> crate::support::visitor::Page {
    let request = desk
        .request(Method::POST, to)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("Sec-Fetch-Site", "same-origin")
        .header(header::REFERER, from)
        .body("note=hello");
    desk.send(request).await
}

both_engines! {
    /// TRUST A10: whose session has ended is told so, and that nothing was saved, and is back on that page once they have signed in; who had
    /// none is told nothing, and no page of another site is led back to.
    async fn whose_session_ended_is_told_and_led_back(app: TestApp) {
        app.reader(ANN).await;
        let desk = app.desk().await;
        let fresh = app.visitor().open("/desk/lists").await;
        assert_eq!(fresh.leads_to().expect("the door").query(), Some("next=%2Fdesk%2Flists"));
        assert!(!app.visitor().open("/desk/sign-in?next=%2Fdesk%2Flists").await.text().contains("signed out"));
        change(&app.site.db, "delete from staff_session").await;

        let asked = desk.follow("/desk/lists").await;
        asked.says("You were signed out, as happens after a while");
        assert!(!asked.text().contains("saved"), "nothing was sent");
        let elsewhere = send(&desk, "/desk/forms/main", "https://evil.test/desk/lists").await;
        assert_eq!(elsewhere.leads_to().expect("the door").query(), Some("was=sending"));
        let sent = send(&desk, "/desk/forms/main/sites", &app.url("/desk/forms/main/sites")).await;
        assert_eq!(sent.leads_to().expect("the door").query(), Some("next=%2Fdesk%2Fforms%2Fmain&was=sending"), "where a mistake came back is no page");
        let sent = send(&desk, "/desk/forms/main/sites", &app.url("/desk/forms/main?done=saved")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        let door = desk.open(sent.leads_to().expect("the door").as_str()).await;
        door.says("You were signed out before that was saved").says("What you typed is still in your browser");
        let wrong = desk.submit(&door.form("/desk/sign-in").with("email", OWNER.0).with("password", "a lamp")).await;
        wrong.says("You were signed out before that was saved");
        let back = desk.submit(&wrong.form("/desk/sign-in").with("email", OWNER.0).with("password", OWNER.1)).await;
        assert_eq!(back.leads_to().expect("the page").path(), "/desk/forms/main");

        // Signed in again meanwhile: the page of before has the token of a session that is over.
        let stale = send(&desk, "/desk/forms/main", &app.url("/desk/forms/main")).await;
        assert_eq!(stale.status, StatusCode::FORBIDDEN);
        stale.says("Nothing was saved").says("copy what you typed");
        assert!(!stale.text().contains("reload"), "which destroys what was typed");
    }
}

/// Another button asks before it takes what was typed away; and what was sent after the session had ended comes back where it was typed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_asked_for_and_comes_back() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.reader(ANN).await;
    let address = EmailAddress::parse(ANN).expect("an address");
    let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
    let page = format!("/desk/readers/{}", ann.public_id);
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;

    browser.goto(&app.url(&page)).await;
    browser.fill("Note something", "Likes long letters.").await;
    browser.fill("Name", "Ann Özdemir").await;
    browser.script("document.querySelector('#name_why').value = 'she wrote to us'").await;
    browser.click("Save the name").await;
    let asked = browser.answer(false).await;
    assert!(asked.contains("“Notes”") && asked.contains("not saved"), "{asked}");
    let kept = "return [document.querySelector('#note').value, document.querySelector('#name').value]";
    assert_eq!(browser.script(kept).await, serde_json::json!(["Likes long letters.", "Ann Özdemir"]));
    // Its own button asks nothing; then nothing is left to ask about.
    browser.script("for (const one of ['#name', '#name_why']) document.querySelector(one).value = ''").await;
    browser.click("Keep this note").await;
    browser.wait_for_text("The note is kept").await;

    browser.fill("Note something", "Called on Monday.").await;
    change(&app.site.db, "delete from staff_session").await;
    browser.click("Keep this note").await;
    browser.wait_for_text("You were signed out before that was saved").await;
    browser.wait_for_text("What you typed comes back with it.").await;
    browser.sound("desk-signed-out").await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_path(&page).await;
    browser.wait_for_text("What you typed is back").await;
    assert_eq!(browser.script("return document.querySelector('#note').value").await, "Called on Monday.");
    browser.sound("desk-typed-is-back").await;
    browser.click("Keep this note").await;
    browser.wait_for_text("The note is kept").await;
    let notes = rows::<(i64,)>(&app.site.db, "select count(*) from reader_note").await;
    assert_eq!(notes[0].0, 2);

    // In another tab they signed out and in again: this page is out of date, and what is typed on it is not lost either.
    browser.fill("Note something", "Moved to the harbour.").await;
    browser
        .script(
            "document.querySelectorAll('input[name=csrf]').forEach((one) => { one.value = 'of-before'; })",
        )
        .await;
    browser.click("Keep this note").await;
    browser.wait_for_text("This form is out of date").await;
    browser.sound("desk-out-of-date").await;
    browser.click("Back to what you typed").await;
    browser.wait_for_text("What you typed is back").await;
    browser.click("Keep this note").await;
    browser.wait_for_text("The note is kept").await;
    browser.wait_for_text("Moved to the harbour.").await;
    browser.close().await;
    app.finish().await;
}
