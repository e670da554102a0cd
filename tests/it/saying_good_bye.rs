//! The letter to whoever has just left, where the magazine says good-bye: once, and only to who is really off.

use std::time::Duration;

use broadside::{
    delivery::{StopReason, Suppressions},
    sandbox::{Hold, Rule, Stage},
    settings,
    subscribers::{self, ConsentMethod, Trace, lists},
};

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
    mail::Mail,
    wait,
};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);
const SUBJECT: &str = "You are off the list";

async fn say_good_bye(app: &TestApp) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let saved = settings::save(&mut tx, &app.site, None, |settings| settings.says_good_bye = true);
    saved.await.expect("the settings are saved");
    tx.commit().await.expect("a commit");
}

/// A reader of the first list, and what their links to leave end in.
async fn reader(app: &TestApp) -> String {
    app.reader(ANN).await;
    let edition = app.send_edition("The first edition").await;
    let link = app.links(edition, app.reader_row(ANN).await).await.unsubscribe;
    link.rsplit('/').next().expect("a token").to_owned()
}

async fn leave(app: &TestApp, link: &str) {
    subscribers::leave(&app.site, link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
}

async fn come_back(app: &TestApp, link: &str) {
    let back = subscribers::rejoin(&app.site, link, Trace::default()).await.expect("a link of ours");
    assert!(back.subscribed);
}

fn letters(app: &TestApp) -> Vec<Mail> {
    app.mails(ANN).into_iter().filter(|mail| mail.subject.starts_with(SUBJECT)).collect()
}

/// How the letters of good-bye stand.
async fn states(app: &TestApp) -> Vec<String> {
    let states =
        rows::<(String,)>(&app.site.db, "select state from notice where template = 'good_bye' order by id");
    states.await.into_iter().map(|(state,)| state).collect()
}

both_engines! {
    /// Off unless the owner switches it on; then once for who leaves by themselves, with a link that undoes it.
    async fn a_good_bye_is_said_where_it_is_switched_on(app: TestApp) {
        let link = reader(&app).await;
        leave(&app, &link).await;
        app.drain().await;
        assert_eq!(letters(&app).len(), 0, "off by default");
        come_back(&app, &link).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings").and("says_good_bye", "yes");
        desk.submit_and_follow(&form).await.says("Saved");
        for _ in 0..2 {
            leave(&app, &link).await;
            app.drain().await;
        }
        let letter = letters(&app).pop().expect("a letter");
        assert!(letter.text.contains("The digest") && letter.header("List-Unsubscribe").is_none(), "{}", letter.text);
        let visitor = app.visitor();
        let page = visitor.open(&letter.link("/unsubscribe/")).await;
        visitor.submit_and_follow(&page.form("/unsubscribe/")).await.says("You are back on the list");
        // Not twice within a day, and not for who is taken off, or chooses something else.
        leave(&app, &link).await;
        app.drain().await;
        assert_eq!(letters(&app).len(), 1);
        come_back(&app, &link).await;
        app.advance(DAY);
        let list = app.list().await;
        let row = app.reader_row(ANN).await;
        subscribers::leave_by_staff(&app.site, row, list, "they asked").await.expect("taken off");
        app.drain().await;
        assert_eq!(letters(&app).len(), 1);
        // Whom the team took off is brought back by no link.
        let ann = ANN.parse().expect("an address");
        subscribers::add_by_staff(&app.site, &ann, "", list, "they asked").await.expect("added");
        leave(&app, &link).await;
        app.drain().await;
        assert_eq!(letters(&app).len(), 2);
    }

    /// One letter for every list that is left by one press.
    async fn leaving_every_list_is_one_good_bye(app: TestApp) {
        say_good_bye(&app).await;
        let link = reader(&app).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        lists::add(&mut tx, &app.site, "appeals", "Appeals", "").await.expect("a list");
        tx.commit().await.expect("a commit");
        let appeals = lists::all(&app.site.db).await.expect("the lists").iter().find(|one| one.slug == "appeals").expect("it").id;
        let ann = ANN.parse().expect("an address");
        subscribers::add_by_staff(&app.site, &ann, "", appeals, "a test").await.expect("added");
        subscribers::leave_all(&app.site, &link, Trace::default()).await.expect("left");
        app.drain().await;
        let [letter] = letters(&app).try_into().expect("one letter");
        assert!(letter.text.contains("The digest") && letter.text.contains("Appeals"), "{}", letter.text);
    }

    /// TRUST M29: nothing of it goes to an address that is stopped, for whatever reason, nor to who is not known any more.
    async fn no_good_bye_to_an_address_that_is_stopped(app: TestApp) {
        say_good_bye(&app).await;
        let link = reader(&app).await;
        for reason in [StopReason::Complained, StopReason::Bounced, StopReason::Staff, StopReason::Erased] {
            for before in [true, false] {
                let address = ANN.parse().expect("an address");
                if !before {
                    leave(&app, &link).await;
                    assert_eq!(states(&app).await.last().map(String::as_str), Some("queued"), "{reason:?}");
                }
                let mut tx = app.site.db.begin().await.expect("a transaction");
                Suppressions::new(&app.site).add(&mut tx, &address, reason, "a test").await.expect("added");
                tx.commit().await.expect("a commit");
                if before {
                    leave(&app, &link).await;
                }
                app.drain().await;
                assert_eq!(letters(&app).len(), 0, "{reason:?}");
                let mut tx = app.site.db.begin().await.expect("a transaction");
                assert!(Suppressions::new(&app.site).lift(&mut tx, &address).await.expect("lifted"));
                tx.commit().await.expect("a commit");
                come_back(&app, &link).await;
                app.advance(DAY * 2);
            }
        }
    }

    /// Who comes back before it went gets none, and one when they leave again on the same day.
    async fn undoing_in_time_withdraws_it(app: TestApp) {
        say_good_bye(&app).await;
        let link = reader(&app).await;
        leave(&app, &link).await;
        come_back(&app, &link).await;
        app.drain().await;
        assert_eq!((letters(&app).len(), states(&app).await), (0, vec!["suppressed".to_owned()]));
        app.advance(Duration::from_secs(60));
        leave(&app, &link).await;
        app.drain().await;
        assert_eq!(letters(&app).len(), 1);
        // Back by another door, while the letter waits.
        come_back(&app, &link).await;
        app.advance(DAY * 2);
        leave(&app, &link).await;
        let ann = ANN.parse().expect("an address");
        let list = app.list().await;
        subscribers::add_by_staff(&app.site, &ann, "", list, "they asked").await.expect("added");
        app.drain().await;
        assert_eq!(letters(&app).len(), 1, "{:?}", states(&app).await);
    }

    /// TRUST T3: a letter that is in hand already is asked about once more before its body: no good-bye to who is back, no welcome to
    /// who has left.
    async fn a_letter_in_hand_is_asked_about_once_more(app: TestApp) {
        say_good_bye(&app).await;
        let link = reader(&app).await;
        change(&app.site.db, "update list set welcomes = true").await;
        let before = app.mails(ANN).len();
        for welcome in [false, true] {
            if welcome {
                // Greeted anew, as somebody who joins for the first time.
                subscribers::leave_by_staff(&app.site, app.reader_row(ANN).await, app.list().await, "a test").await.expect("left");
                change(&app.site.db, "update subscription set welcomed_at = null").await;
                let choices = app.last_mail(ANN).link("/preferences/");
                let visitor = app.visitor();
                let form = visitor.open(&choices).await.form("/preferences/").and("list", &app.list().await.to_string());
                visitor.submit_and_follow(&form).await.says("Saved");
            } else {
                leave(&app, &link).await;
            }
            // Between the claim and the body.
            let hold = Hold::default();
            app.sandbox.smtp_script().add(Rule::at(Stage::Mail).held(&hold).times(1));
            let claimed = async {
                wait::until("the letter to be in hand", async || {
                    let claimed = rows::<(i64,)>(&app.site.db, "select id from notice where state = 'claimed'").await;
                    (!claimed.is_empty()).then_some(())
                }).await;
                if welcome { leave(&app, &link).await } else { come_back(&app, &link).await }
                hold.let_go();
            };
            tokio::join!(app.drain(), claimed);
            let ended: Vec<(String, String)> = rows(&app.site.db, "select template, state from notice where template in ('good_bye', 'welcome') order by id desc").await;
            let wanted = if welcome { "welcome" } else { "good_bye" };
            assert!(ended.contains(&(wanted.to_owned(), "suppressed".to_owned())), "{ended:?}");
            assert!(app.mails(ANN).iter().skip(before).all(|mail| mail.subject.starts_with(SUBJECT) && welcome), "{ended:?}");
        }
    }
}
