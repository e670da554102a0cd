//! A reader's own page.

use broadside::subscribers::{self, SubscriptionState, lists};
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, visitor::Page};

const ANN: &str = "ann@example.org";

/// The page, opened by the link in an edition, of a reader of one list out of two.
async fn page(app: &TestApp) -> Page {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    lists::add(&mut tx, &app.site, "appeals", "Appeals", "Twice a year.").await.expect("a list");
    tx.commit().await.expect("a commit");
    app.reader(ANN).await;
    app.send_edition("The first edition").await;
    app.visitor().open(&app.last_mail(ANN).link("/preferences/")).await
}

/// The lists the reader is on, by short name.
async fn joined(app: &TestApp) -> Vec<String> {
    let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await;
    let reader = reader.expect("a read").expect("a reader");
    let known = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    known.into_iter().filter(|one| one.state == SubscriptionState::Confirmed).map(|one| one.slug).collect()
}

async fn list(app: &TestApp, slug: &str) -> String {
    let all = lists::all(&app.site.db).await.expect("the lists");
    all.iter().find(|list| list.slug == slug).expect("the list").id.to_string()
}

both_engines! {
    async fn a_reader_joins_another_list_and_changes_their_name(app: TestApp) {
        let page = page(&app).await;
        page.says("Mail goes to a***@example.org");
        assert!(!page.body.contains(ANN), "a link is handed on more easily than an address");
        let form = page.form("/preferences/").with("name", "Ann <b>Lamp</b>").and("list", &list(&app, "appeals").await);
        let saved = app.visitor().submit_and_follow(&form).await;
        assert_eq!(saved.status, StatusCode::OK);
        saved.says("Saved.");
        assert!(!saved.body.contains("<b>Lamp"), "TRUST A4");
        assert_eq!(joined(&app).await, ["digest", "appeals"]);
    }

    /// TRUST L1: the proof holds the words over the boxes.
    async fn what_a_reader_joined_is_in_the_proof(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("list", &list(&app, "appeals").await);
        app.visitor().submit_and_follow(&form).await;
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await;
        let id = reader.expect("a read").expect("a reader").id;
        let proof = subscribers::consent::proof(&app.site.db, id).await.expect("the proof");
        let last = proof.last().expect("an event");
        assert_eq!((last.list.as_str(), last.method.as_str()), ("Appeals", "preferences"));
        assert!(last.wording.is_some());
    }

    async fn one_press_leaves_every_list(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("press", "leave-all");
        app.visitor().submit_and_follow(&form).await.says("You are on no list");
        assert_eq!(joined(&app).await, Vec::<String>::new());
    }

    /// What was typed beside the button is saved with it, and a tick joins nothing; what is wrong there keeps nobody on a list, and is not lost.
    async fn who_leaves_every_list_takes_along_what_was_typed(app: TestApp) {
        let form = page(&app).await.form("/preferences/").with("name", "Ann").and("list", &list(&app, "appeals").await);
        let left = app.visitor().submit_and_follow(&form.and("press", "leave-all")).await;
        left.says("You no longer get The digest.").says("We greet you as Ann.").says("You are on no list");
        assert_eq!(joined(&app).await, Vec::<String>::new());
        let on = app.visitor().submit_and_follow(&left.form("#choices")).await;
        on.says("You now get The digest.");
        let long = "x".repeat(300);
        let left = app.visitor().submit_and_follow(&on.form("/preferences/").with("name", &long).and("press", "leave-all")).await;
        left.says("You are on no list").says("Use at most 100 characters.");
        assert!(left.body.contains(&format!("value=\"{long}\"")), "what was typed is still there");
        assert_eq!(joined(&app).await, Vec::<String>::new());
    }

    /// TRUST A13: a list that is not offered is not joined.
    async fn a_list_that_is_not_offered_is_not_joined(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("list", "999");
        app.visitor().submit_and_follow(&form).await.says("Saved.");
        assert_eq!(joined(&app).await, ["digest"]);
    }

    /// TRUST A24: what is kept for good of a reader, as proof, is bounded whoever has their links: sixty changes a day by all of them
    /// together, and half of that in a quarter of an hour; a sentence says so. Leaving is never refused.
    async fn the_links_of_a_mail_change_so_much_a_day_and_leaving_always_works(app: TestApp) {
        let page = page(&app).await;
        let leave = app.last_mail(ANN).link("/unsubscribe/");
        let (visitor, appeals) = (app.visitor(), list(&app, "appeals").await);
        let events = async || {
            crate::support::database::rows::<(i64,)>(&app.site.db, "select count(*) from consent_event").await[0].0
        };
        let before = events().await;
        // What leaves alone is not counted: two of three are.
        for number in 0..45 {
            let now = visitor.open(page.url.as_str()).await.form("/preferences/");
            let form = match number % 3 {
                0 => now.and("list", &appeals),
                1 => now.with("name", &format!("Ann {number}")),
                _ => now.with("list", &list(&app, "digest").await),
            };
            assert_eq!(visitor.submit_and_follow(&form).await.status, StatusCode::OK, "{number}");
        }
        let refused = visitor.submit_and_follow(&page.form("/preferences/").with("name", "Ann").and("list", &appeals)).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        refused.says("Too much was changed by the links in your mail").says("15 minutes");
        assert_eq!(joined(&app).await, ["digest"]);
        for press in ["pause-2", "go-on"] {
            let paused = visitor.submit_and_follow(&page.form("/preferences/").and("press", press)).await;
            assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS, "{press}");
        }
        assert_eq!(events().await, before + 30, "fifteen times on the list, and off it");
        let left = visitor.submit_and_follow(&page.form("/preferences/").with("name", "Nobody").without("list")).await;
        left.says("You no longer get The digest.");
        assert_eq!(joined(&app).await, Vec::<String>::new());
        app.advance(std::time::Duration::from_secs(901));
        let digest = list(&app, "digest").await;
        visitor.submit_and_follow(&visitor.open(page.url.as_str()).await.form("/preferences/").and("list", &digest)).await;
        let press = async |what: &str| {
            visitor.submit_and_follow(&visitor.open(&leave).await.form("/unsubscribe/").with("press", what)).await.status
        };
        let mut undone = 0;
        loop {
            assert_eq!(press("leave").await, StatusCode::OK);
            if press("undo").await != StatusCode::OK {
                break;
            }
            undone += 1;
            assert!(undone < 60, "leaving and coming back by turns is bounded");
        }
        assert!(events().await <= before + 30 + 2 * 31 + 1, "{before}, {}", events().await);
        assert_eq!(joined(&app).await, Vec::<String>::new(), "who left last has left");
        app.drain().await;
    }

    async fn a_link_that_is_not_ours_opens_nothing(app: TestApp) {
        let page = page(&app).await;
        let changed = page.url.as_str().replace("/preferences/", "/preferences/A");
        let visitor = app.visitor();
        let answer = visitor.open(&changed).await;
        assert_eq!(answer.status, StatusCode::GONE);
        answer.says("This link does not work");
    }
}
