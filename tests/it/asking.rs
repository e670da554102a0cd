//! What becomes of an asking: the brake on mails that ask to confirm (TRUST A24), and the real person before it.

use std::{task::Poll, time::Duration};

use broadside::subscribers::{self, SubscriptionState, Trace, consent, lists};
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, visitor::Page};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// A second public list, "Appeals".
async fn second_list(app: &TestApp) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    lists::add(&mut tx, &app.site, "appeals", "Appeals", "Twice a year.").await.expect("a list");
    tx.commit().await.expect("a commit");
}

/// Asks for a list by the form, and sends what is due. Returns the page that the form leads to.
async fn ask(app: &TestApp, email: &str, slug: &str) -> Page {
    let all = lists::all(&app.site.db).await.expect("the lists");
    let list = all.iter().find(|one| one.slug == slug).expect("the list").id.to_string();
    let visitor = app.visitor();
    let form = visitor.open("/subscribe").await.form("/subscribe");
    let form = form.with("email", email).with("consent", "yes").with("list", &list);
    let page = visitor.submit_and_follow(&form).await;
    app.drain().await;
    page
}

/// Presses the button behind a link of the newest mail; the page before it.
async fn press(app: &TestApp, link: &str) -> Page {
    let visitor = app.visitor();
    let page = visitor.open(link).await;
    visitor.submit(&page.form("/confirm/")).await.says("You are on the list");
    page
}

/// The lists that an address gets, by short name.
async fn gets(app: &TestApp, email: &str) -> Vec<String> {
    let reader =
        subscribers::by_email(&app.site.db, &email.parse().expect("an address")).await.expect("a read");
    let known = subscribers::subscriptions(&app.site.db, reader.expect("a reader").id).await.expect("a read");
    known.into_iter().filter(|one| one.state == SubscriptionState::Confirmed).map(|one| one.slug).collect()
}

async fn proof(app: &TestApp, email: &str) -> Vec<consent::Event> {
    let reader =
        subscribers::by_email(&app.site.db, &email.parse().expect("an address")).await.expect("a read");
    consent::proof(&app.site.db, reader.expect("a reader").id).await.expect("the proof")
}

both_engines! {
    /// One list joined at 10:00, another asked for at 10:05: the mail for it comes by itself when the day is over, once; and
    /// the link from before is good for it at once.
    async fn who_joined_one_list_and_asks_for_another_gets_a_mail(app: TestApp) {
        second_list(&app).await;
        ask(&app, ANN, "digest").await;
        let first = app.last_mail(ANN).link("/confirm/");
        press(&app, &first).await;
        app.advance(FIVE_MINUTES);
        ask(&app, ANN, "appeals").await.says("the next mail comes by itself");
        assert_eq!(app.mails(ANN).len(), 1, "TRUST A24: one in 24 hours");
        app.visitor().open(&first).await.says("You asked for Appeals by email");
        app.advance(DAY - FIVE_MINUTES);
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 2, "by itself");
        press(&app, &app.last_mail(ANN).link("/confirm/")).await.says("You asked for Appeals by email");
        assert_eq!(gets(&app, ANN).await, ["digest", "appeals"]);
        for _ in 0..30 {
            app.advance(DAY);
            app.drain().await;
        }
        assert_eq!(app.mails(ANN).len(), 2, "once");
    }

    /// Who confirms by the link from before, or changes their mind, is not asked again by what was held back.
    async fn what_was_held_back_is_not_sent_to_who_answered_meanwhile(app: TestApp) {
        second_list(&app).await;
        ask(&app, ANN, "digest").await;
        let first = app.last_mail(ANN).link("/confirm/");
        press(&app, &first).await;
        ask(&app, ANN, "appeals").await;
        press(&app, &first).await;
        assert_eq!(gets(&app, ANN).await, ["digest", "appeals"]);
        app.advance(DAY);
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 1);
    }

    /// A mail that is not answered yet is good for what is asked after it; a page confirms what it showed and no more.
    async fn one_mail_is_good_for_everything_that_was_asked(app: TestApp) {
        second_list(&app).await;
        ask(&app, ANN, "digest").await;
        let link = app.last_mail(ANN).link("/confirm/");
        let opened_before = app.visitor().open(&link).await;
        app.advance(FIVE_MINUTES);
        ask(&app, ANN, "appeals").await.says("that one is good for what you asked just now");
        app.visitor().submit(&opened_before.form("/confirm/")).await.says("you get The digest.");
        assert_eq!(gets(&app, ANN).await, ["digest"], "nobody joins what their page did not name");
        press(&app, &link).await.says("You asked for Appeals by email");
        assert_eq!(gets(&app, ANN).await, ["digest", "appeals"]);
        assert_eq!(app.mails(ANN).len(), 1);
    }

    /// TRUST A24: nobody is mailed again who did not answer, but who asks again is, a day later or a year.
    async fn who_asks_again_is_mailed_again_and_nobody_else(app: TestApp) {
        ask(&app, ANN, "digest").await;
        for _ in 0..40 {
            app.advance(DAY);
            app.drain().await;
        }
        assert_eq!(app.mails(ANN).len(), 1, "not by itself");
        app.advance(DAY * 365);
        ask(&app, ANN, "digest").await;
        assert_eq!(app.mails(ANN).len(), 2, "asked a year ago, and again today");
        for _ in 0..3 {
            app.advance(DAY);
            ask(&app, ANN, "digest").await;
        }
        assert_eq!(app.mails(ANN).len(), 4, "three in a week");
        app.advance(DAY * 4);
        ask(&app, ANN, "digest").await;
        assert_eq!(app.mails(ANN).len(), 5, "and no wait is longer than a week");
        press(&app, &app.last_mail(ANN).link("/confirm/")).await;
    }

    /// TRUST A24: two hundred askings at once are one mail.
    async fn who_asks_all_at_once_is_mailed_once(app: TestApp) {
        let asked = (0..20).map(|_| app.subscribe_only(ANN));
        futures_util::future::join_all(asked).await;
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 1);
    }

    /// A link that runs out while it is worked on is as good as it was when the button was pressed: nobody is on the list and
    /// told that they are not.
    async fn a_link_that_runs_out_during_the_press_confirms(app: TestApp) {
        app.subscribe(ANN).await;
        let link = app.last_mail(ANN).link("/confirm/");
        let token = link.rsplit('/').next().expect("a token");
        app.advance(DAY * 7 - Duration::from_secs(1));
        let mut pressed = Box::pin(subscribers::confirm(&app.site, token, &[], Trace::default()));
        // It has read the link when it waits for the first time, which is for the database. A database may be so fast that
        // there is no time to wait in.
        let confirmed = match futures_util::poll!(&mut pressed) {
            Poll::Ready(done) => done,
            Poll::Pending => {
                app.advance(DAY);
                pressed.await
            }
        };
        let confirmed = confirmed.expect("the link was good when it was pressed");
        assert_eq!(confirmed.lists, ["The digest"]);
        assert_eq!(gets(&app, ANN).await, ["digest"]);
    }

    /// TRUST L1: the proof says what happened. What staff typed is theirs and has no words; what a reader pressed has the words
    /// that stood on the page, and no others.
    async fn the_proof_holds_the_words_that_were_shown_and_no_others(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/readers").await.form("/desk/readers").with("email", ANN);
        let form = form.with("how", "confirm");
        desk.submit_and_follow(&form).await.says("We sent them an email with a link");
        let asked = proof(&app, ANN).await;
        assert_eq!((asked[0].action.as_str(), asked[0].method.as_str()), ("asked", "staff"));
        assert_eq!((asked[0].wording.as_deref(), asked[0].ip.as_str()), (None, ""));
        assert_eq!(asked[0].source, "typed at the desk", "who typed is for the log");
        desk.submit_and_follow(&form).await.says("nothing new was sent");
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 1);

        let page = press(&app, &app.last_mail(ANN).link("/confirm/")).await;
        let wording = proof(&app, ANN).await.last().expect("an event").wording.clone().expect("words");
        for sentence in wording.split_inclusive(['.', '?']) {
            let shown = page.body.contains(sentence.trim().trim_end_matches('.'));
            assert!(shown, "{sentence:?} did not stand on the page: {}", page.body);
        }
        desk.submit_and_follow(&form).await.says("on that list already");

        let told: Vec<(String, bool)> = {
            ask(&app, "bob@example.org", "digest").await;
            let bob = app.last_mail("bob@example.org").link("/confirm/");
            press(&app, &bob).await;
            app.send_edition("The first").await;
            let mail = app.last_mail("bob@example.org");
            let visitor = app.visitor();
            let choices = visitor.open(&mail.link("/preferences/")).await.form("/preferences/");
            let off = visitor.submit(&choices.clone().without("list")).await;
            off.says("You are on no list");
            let list = choices.value("list").expect("it is ticked").to_owned();
            visitor.submit(&off.form("/preferences/").with("list", &list)).await.says("You now get The digest");
            let leave = visitor.open(&mail.link("/unsubscribe/")).await;
            let off = visitor.submit(&leave.form("/unsubscribe/")).await;
            visitor.submit(&off.form("/unsubscribe/")).await.says("You are back");
            let events = proof(&app, "bob@example.org").await;
            events.into_iter().map(|one| (format!("{} {}", one.action, one.method), one.wording.is_some())).collect()
        };
        let told: Vec<(&str, bool)> = told.iter().map(|(what, words)| (what.as_str(), *words)).collect();
        assert_eq!(told, [
            ("asked form", true),
            ("confirmed confirmation", true),
            ("left preferences", false),
            ("confirmed preferences", true),
            ("left unsubscribe-page", false),
            ("confirmed unsubscribe-page", false),
        ]);
    }

    /// TRUST A25: a link from before somebody left does not bring them back, whoever presses it; asking again does.
    async fn an_old_link_keeps_away_who_left(app: TestApp) {
        app.reader(ANN).await;
        let old = app.last_mail(ANN).link("/confirm/");
        app.send_edition("The first").await;
        let visitor = app.visitor();
        let leave = visitor.open(&app.last_mail(ANN).link("/unsubscribe/")).await;
        visitor.submit(&leave.form("/unsubscribe/")).await.says("You are off the list");
        let page = visitor.open(&old).await;
        assert_eq!(page.status, StatusCode::GONE);
        page.says("You have left since");
        let token = old.rsplit('/').next().expect("a token");
        let pressed = subscribers::confirm(&app.site, token, &[], Trace::default()).await.expect("an answer");
        assert_eq!(pressed.lists, Vec::<String>::new());
        assert_eq!(gets(&app, ANN).await, Vec::<String>::new());
    }
}
