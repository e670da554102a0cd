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
        let saved = app.visitor().submit(&form).await;
        assert_eq!(saved.status, StatusCode::OK);
        saved.says("Saved.");
        assert!(!saved.body.contains("<b>Lamp"), "TRUST A4");
        assert_eq!(joined(&app).await, ["digest", "appeals"]);
    }

    /// TRUST L1: the proof holds the words over the boxes.
    async fn what_a_reader_joined_is_in_the_proof(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("list", &list(&app, "appeals").await);
        app.visitor().submit(&form).await;
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await;
        let id = reader.expect("a read").expect("a reader").id;
        let proof = subscribers::consent::proof(&app.site.db, id).await.expect("the proof");
        let last = proof.last().expect("an event");
        assert_eq!((last.list.as_str(), last.method.as_str()), ("Appeals", "preferences"));
        assert!(last.wording.is_some());
    }

    async fn one_press_leaves_every_list(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("press", "leave-all");
        app.visitor().submit(&form).await.says("You are on no list");
        assert_eq!(joined(&app).await, Vec::<String>::new());
    }

    /// Nothing that is wrong beside the button keeps anybody on a list.
    async fn who_leaves_every_list_is_not_held_by_another_field(app: TestApp) {
        let form = page(&app).await.form("/preferences/").with("name", &"x".repeat(300)).and("press", "leave-all");
        let left = app.visitor().submit(&form).await;
        assert_eq!(left.status, StatusCode::OK);
        left.says("You are on no list");
        assert_eq!(joined(&app).await, Vec::<String>::new());
    }

    /// TRUST A13: a list that is not offered is not joined.
    async fn a_list_that_is_not_offered_is_not_joined(app: TestApp) {
        let form = page(&app).await.form("/preferences/").and("list", "999");
        app.visitor().submit(&form).await.says("Saved.");
        assert_eq!(joined(&app).await, ["digest"]);
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
