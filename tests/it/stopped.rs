//! Readers to whom no mail goes: whoever has the link to their choices is told so, and what they ask by law is asked of the team.

use std::time::Duration;

use broadside::{
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    subscribers::{self, ConsentMethod, Trace},
};

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
    visitor::Page,
};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

async fn stop(app: &TestApp, reason: StopReason) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let ann = EmailAddress::parse(ANN).expect("an address");
    Suppressions::new(&app.site).add(&mut tx, &ann, reason, "a test").await.expect("added");
    tx.commit().await.expect("a commit");
}

async fn lift(app: &TestApp) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let ann = EmailAddress::parse(ANN).expect("an address");
    assert!(Suppressions::new(&app.site).lift(&mut tx, &ann).await.expect("lifted"));
    tx.commit().await.expect("a commit");
}

/// Kind, address, and whether somebody of the team wrote it down.
async fn requests(app: &TestApp) -> Vec<(String, String, bool)> {
    let all = "select kind, address, staff_id is not null from reader_request where closed_at is null order by kind";
    rows(&app.site.db, all).await
}

async fn press(app: &TestApp, page: &str, button: &str) -> Page {
    let visitor = app.visitor();
    visitor.submit_and_follow(&visitor.open(page).await.form(button)).await
}

both_engines! {
    /// TRUST L7, L8: who complained or bounced and asks for their data, or to be forgotten, is not told that a letter comes: it is a
    /// request at the desk, one of a kind, until it is closed. Who was blocked by the team alone gets the letter.
    async fn what_is_asked_by_law_and_cannot_be_mailed_is_asked_of_the_team(app: TestApp) {
        app.reader(ANN).await;
        app.send_edition("The first").await;
        let choices = app.last_mail(ANN).link("/preferences/");
        let before = app.mails(ANN).len();
        for reason in [StopReason::Complained, StopReason::Bounced] {
            stop(&app, reason).await;
            // Also who has used up the letters of a day.
            for _ in 0..5 {
                for (button, what) in [("/copy", "That you want to see what we hold about you"), ("/forget", "That you want to be forgotten")] {
                    let answer = press(&app, &choices, button).await;
                    answer.says("Your request is with our team").says(what).says("within a month");
                    assert!(!answer.body.contains("We sent you a letter") && !answer.body.contains(ANN), "{}", answer.text());
                }
            }
            app.drain().await;
            assert_eq!(app.mails(ANN).len(), before, "{reason:?}");
            let open = |kind: &str| (kind.to_owned(), ANN.to_owned(), false);
            assert_eq!(requests(&app).await, [open("access"), open("erasure")], "{reason:?}");
            let desk = app.desk().await;
            desk.open("/desk/requests").await.says("no letter with a link went");
            for _ in 0..2 {
                let form = desk.open("/desk/requests").await.form("/close").with("outcome", "done by telephone");
                desk.submit_and_follow(&form).await;
            }
            assert!(requests(&app).await.is_empty());
            press(&app, &choices, "/copy").await.says("Your request is with our team");
            assert_eq!(requests(&app).await, [open("access")], "what was answered may be asked anew");
            change(&app.site.db, "delete from reader_request").await;
            lift(&app).await;
        }
        app.advance(DAY);
        stop(&app, StopReason::Staff).await;
        press(&app, &choices, "/copy").await.says("We sent you a letter");
        app.drain().await;
        assert_eq!((app.mails(ANN).len(), requests(&app).await.len()), (before + 1, 0));
    }

    /// What the page of choices, and that of leaving, say of mail that comes is true: of an address that is stopped, and of who rests.
    async fn nobody_is_told_that_something_comes_which_does_not(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.send_edition("The first").await;
        let row = app.reader_row(ANN).await;
        let links = app.links(edition, row).await;
        change(&app.site.db, "insert into list (slug, name, description, visibility, created_at, public_id) values ('other', 'Appeals', '', 'public', 0, 'other-list')").await;
        let (other,) = rows::<(i64,)>(&app.site.db, "select id from list where slug = 'other'").await.remove(0);
        let visitor = app.visitor();
        let page = visitor.open(&links.preferences).await;
        page.says("Mail goes to").says("Either button sends a letter");
        let rests = page.form("#choices").with("press", "pause-2");
        visitor.submit_and_follow(&rests).await.says("Paused until");

        // Who rests and undoes leaving still rests.
        let token = links.unsubscribe.rsplit('/').next().expect("an end").to_owned();
        subscribers::leave(&app.site, &token, ConsentMethod::UnsubscribePage, Trace::default()).await.expect("left");
        let undone = visitor.submit_and_follow(&visitor.open(&links.unsubscribe).await.form("/unsubscribe/").with("press", "undo")).await;
        undone.says("You are back on the list").says("Your pause goes on");
        assert!(!undone.text().contains("comes to you as before"), "{}", undone.text());

        for reason in [StopReason::Complained, StopReason::Bounced, StopReason::Staff] {
            stop(&app, reason).await;
            let page = visitor.open(&links.preferences).await;
            page.says("No mail of ours goes to a***@example.org");
            assert!(!page.text().contains("Mail goes to"), "{}", page.text());
            let joins = page.form("#choices").and("list", &other.to_string());
            let saved = visitor.submit_and_follow(&joins).await;
            saved.says("You are now on Appeals.").says("No mail of ours goes to");
            assert!(!saved.text().contains("You now get"), "{}", saved.text());
            if reason == StopReason::Complained {
                let goes_on = visitor.submit_and_follow(&saved.form("#choices").with("press", "go-on")).await;
                goes_on.says("Your pause is over.");
                assert!(!goes_on.text().contains("Editions come again"), "{}", goes_on.text());
            }
            subscribers::leave(&app.site, &token, ConsentMethod::UnsubscribePage, Trace::default()).await.expect("left");
            let left = visitor.open(&links.unsubscribe).await;
            left.says("You are still on Appeals.");
            assert!(!left.text().contains("You still get"), "{}", left.text());
            let undone = visitor.submit_and_follow(&left.form("/unsubscribe/").with("press", "undo")).await;
            undone.says("You are back on the list").says("no mail of ours goes to your address");
            assert!(!undone.text().contains("comes to you as before"), "{}", undone.text());
            visitor.open(&format!("{}/address", links.preferences)).await.says("We help you with that");
            subscribers::leave_by_staff(&app.site, row, other, "a test").await.expect("left");
            lift(&app).await;
        }
        app.leaves_work();
    }
}
