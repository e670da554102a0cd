//! The three paths that the house is for, walked in a real browser: a reader's, a supporter's, an editor's. Every page on
//! the way must be for everybody: axe-core finds nothing serious or critical and nothing is cut off, on a desk and on a phone,
//! in light and in dark colours.

use broadside::{db::Engine, delivery, donations, publishing, sandbox::Rhythm, subscribers};

use crate::support::{Browser, Fixture, TestApp, TestDb, app::OWNER};

/// TRUST M3, A25, T3: a link confirms when a browser shows its page; who left gets nothing more. The sandbox's mailbox
/// page stands in for the reader's mail program.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_subscribes_reads_and_leaves() {
    let Some((app, browser)) = begin().await else { return };
    let email = "ann@example.org";
    browser.goto(&app.url("/subscribe")).await;
    browser.sound("reader-subscribe").await;
    // Without the browser's own check, so that the server's answer is looked at.
    browser
        .script(
            "const form = document.querySelector('main form'); form.noValidate = true; form.requestSubmit()",
        )
        .await;
    browser.wait_for_text("Something needs another look").await;
    browser.sound("reader-mistakes").await;

    browser.goto(&app.url("/")).await;
    browser.sound("reader-home").await;
    browser.fill("Your email address", email).await;
    browser.tick("Yes, send me The Lamplighter by email").await;
    browser.element("main form button").await.click().await.expect("a button");
    browser.wait_for_text("Check your mail").await;
    browser.sound("reader-check-your-mail").await;
    app.drain().await;

    let mailbox = format!("http://{}/?to={email}", app.sandbox.http_addr());
    browser.goto(&mailbox).await;
    browser.sound("reader-mailbox").await;
    browser.click("Please confirm: The Lamplighter by email").await;
    browser.wait_for_path("/mailbox/").await;
    browser.sound("reader-mail").await;
    browser.goto(&app.last_mail(email).link("/confirm/")).await;
    // The page presses its button for whoever sees it: nobody loses a second click.
    browser.wait_for_text("You are on the list").await;
    browser.sound("reader-welcome").await;
    assert_eq!(standing(&app, email).await, "confirmed");

    app.send_edition("The first edition").await;
    browser.goto(&mailbox).await;
    browser.click("The first edition").await;
    browser.wait_for_path("/mailbox/").await;
    browser.sound("reader-edition-in-mailbox").await;
    let mail = app.last_mail(email);
    browser.goto(&mail.link("/view/")).await;
    browser.wait_for_text("Good morning.").await;
    browser.show(&mail.html).await;
    browser.sound("reader-edition").await;
    browser.goto(&mail.link("/preferences/")).await;
    browser.sound("reader-preferences").await;
    browser.goto(&mail.link("/unsubscribe/")).await;
    browser.sound("reader-leave").await;
    browser.click("Leave The digest").await;
    browser.wait_for_text("You are off the list").await;
    browser.sound("reader-left").await;
    assert_eq!(standing(&app, email).await, "left");
    let before = app.mails(email).len();
    app.readers(1).await;
    app.send_edition("The second edition").await;
    assert_eq!(app.mails(email).len(), before, "nothing comes after leaving");
    end(app, browser).await;
}

/// TRUST T5, D5, L11: nobody is thanked before the money is there; a declined card takes nothing; a monthly donation is ended
/// by its supporter alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_supporter_gives_once_and_monthly_and_stops() {
    let Some((app, browser)) = begin().await else { return };
    let email = "bea@example.org";
    browser.goto(&app.url("/donate")).await;
    browser.sound("supporter-donate").await;
    browser.tick("€10").await;
    browser.fill("Your email address", email).await;
    browser.click("Go on to payment").await;
    browser.wait_for_path("/c/pay/").await;
    browser.sound("supporter-checkout").await;
    browser.click("Try a card that is declined").await;
    browser.wait_for_text("declined").await;
    browser.sound("supporter-declined").await;
    app.drain().await;
    assert!(app.sandbox.stripe().charges().is_empty() && app.mails(email).is_empty());

    // Back to the form: as it was filled in, with a word about the card, and the address nowhere in the open.
    browser.click("Cancel and go back").await;
    browser.wait_for_path("/donate").await;
    browser.wait_for_text("Nothing was charged").await;
    assert!(!browser.address().await.as_str().contains("bea"), "the address stands in the open");
    browser.sound("supporter-back-again").await;
    browser.click("Go on to payment").await;
    browser.wait_for_path("/c/pay/").await;

    browser.click("Pay 10.00 EUR").await;
    browser.wait_for_path("/thanks/").await;
    browser.wait_for_text("One moment").await;
    assert!(!browser.sees("Thank you").await, "the money has not arrived yet");
    browser.sound("supporter-one-moment").await;
    app.drain().await;
    // The page looks again by itself.
    browser.wait_for_text("Your donation of €10.00").await;
    browser.sound("supporter-thanks").await;
    assert_eq!(app.mails(email).len(), 1, "one receipt");

    browser.goto(&app.url("/donate?every=month")).await;
    browser.fill("Another amount", "1.750").await;
    browser.fill("Your email address", email).await;
    browser.click("Go on to payment").await;
    browser.wait_for_text("Which amount do you mean?").await;
    browser.sound("supporter-which-amount").await;
    browser.fill("Another amount", "7,50 €").await;
    browser.click("Go on to payment").await;
    // This browser gave a moment ago.
    browser.wait_for_text("Give once more?").await;
    browser.sound("supporter-once-more").await;
    browser.click("Yes, go on to payment").await;
    browser.wait_for_path("/c/pay/").await;
    browser.sound("supporter-checkout-monthly").await;
    browser.click("Pay 7.50 EUR every month").await;
    browser.wait_for_path("/thanks/").await;
    app.drain().await;
    browser.wait_for_text("Your regular donation of €7.50").await;
    browser.sound("supporter-thanks-monthly").await;
    browser.click("See or end your regular donation").await;
    browser.wait_for_path("/giving/").await;
    browser.sound("supporter-giving").await;
    browser.click("End my regular donation").await;
    browser.wait_for_text("has ended").await;
    app.drain().await;
    browser.sound("supporter-ended").await;
    browser.goto(&format!("http://{}/payments", app.sandbox.http_addr())).await;
    browser.sound("supporter-payments").await;

    let mut charged: Vec<_> =
        app.sandbox.stripe().charges().into_iter().map(|charge| (charge.rhythm, charge.amount)).collect();
    charged.sort_by_key(|(_, amount)| *amount);
    assert_eq!(charged, [(Rhythm::Recurring, 750), (Rhythm::Once, 1_000)]);
    let audit = donations::audit_money(&app.site.db).await.expect("the audit");
    assert!(audit.balances() && audit.receipts == 2, "{:?}", audit.problems);
    end(app, browser).await;
}

/// TRUST T1, T11: from signing in to 100 %, with the figures on the screen those of the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn an_editor_writes_an_edition_and_sees_it_arrive() {
    let Some((app, browser)) = begin().await else { return };
    app.readers(3).await;
    app.articles().await;
    browser.goto(&app.url("/desk")).await;
    browser.wait_for_path("/desk/sign-in").await;
    browser.sound("editor-sign-in").await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Good to see you, Olive").await;
    browser.sound("editor-overview").await;

    browser.click("New edition").await;
    browser.wait_for_text("Before it can go out").await;
    browser.sound("editor-empty-composer").await;
    browser.fill("Subject", "Ladders for everyone").await;
    browser.fill("Preview text", "And a choir").await;
    browser.fill("A few words to begin with", "It rained all week.").await;
    browser.tick("The Library That Lends Ladders").await;
    browser.click("Add the ticked articles").await;
    browser.wait_for_text("Ready to send").await;
    browser.sound("editor-composer").await;
    browser.click("Send a test copy to me").await;
    browser.wait_for_text("A test copy is on its way").await;
    app.drain().await;
    assert_eq!(app.last_mail(OWNER.0).subject, "[Test] Ladders for everyone");
    browser.click("Review and send").await;
    browser.wait_for_text("This goes to 3 readers").await;
    browser.sound("editor-send").await;

    browser.click("Send to 3 readers now").await;
    browser.wait_for_text("Goes out in").await;
    browser.sound("editor-undo").await;
    app.advance(publishing::UNDO);
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
    // From here on the page follows by itself: nothing loads it again.
    browser.wait_for_text("On its way to 3 readers").await;
    browser.wait_for_text("0% done").await;
    browser.sound("editor-on-its-way").await;
    app.drain().await;
    browser.wait_for_text("Sent to 3 readers").await;
    browser.wait_for_text("100% done").await;
    browser
        .wait_for_text("3 readers = 3 taken + 0 failed + 0 not mailed + 0 may have arrived + 0 still to go")
        .await;
    browser.sound("editor-sent").await;
    let public_id = browser.address().await.path().rsplit('/').next().expect("an id").to_owned();
    let edition = publishing::find(&app.site.db, &public_id).await.expect("the edition");
    let audit = delivery::audit_copies(&app.site.db, edition.id).await.expect("the audit");
    assert!(audit.holds() && audit.rows.accepted == 3, "{}", audit.rows);
    let arrived =
        app.sandbox.mailbox().messages().into_iter().filter(|one| one.subject == "Ladders for everyone");
    assert_eq!(arrived.count(), 3);
    end(app, browser).await;
}

/// An instance and a window; nothing where there is no browser, which [`Browser::open`] says, or fails under `CI`.
async fn begin() -> Option<(TestApp, Browser)> {
    let app = TestApp::start(TestDb::migrated(Engine::Sqlite).await?).await;
    Some((app, Browser::open().await?))
}

async fn end(app: TestApp, browser: Browser) {
    browser.close().await;
    app.finish().await;
}

async fn standing(app: &TestApp, email: &str) -> &'static str {
    let reader = subscribers::by_email(&app.site.db, &email.parse().expect("an address")).await;
    let reader = reader.expect("a read").expect("somebody we know");
    let lists = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    lists.into_iter().next().expect("a list").state.as_str()
}
