//! What can be taken away again at the desk, and who is counted as getting mail.

use std::time::Duration;

use broadside::{
    articles, audit_log,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    publishing,
    subscribers::{self, Basis},
};
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, database};

async fn is_logged(app: &TestApp, action: &str) -> bool {
    let lines = audit_log::latest(&app.site.db, 50).await.expect("a read");
    lines.iter().any(|line| line.action == action && line.staff_name.as_deref() == Some("Olive Owner"))
}

async fn stop(app: &TestApp, email: &str) {
    let address = EmailAddress::parse(email).expect("an address");
    let mut tx = app.site.db.begin().await.expect("a transaction");
    Suppressions::new(&app.site).add(&mut tx, &address, StopReason::Bounced, "a test").await.expect("added");
    tx.commit().await.expect("a commit");
}

both_engines! {
    /// A feed that was brought in by mistake, or has moved, is asked no more; what it brought stays.
    async fn a_feed_is_removed_and_its_articles_stay(app: TestApp) {
        let fetcher = articles::Fetcher::new(true).expect("a fetcher");
        let added = articles::add_feed(&app.site, &fetcher, "https://tidewater.example/feed.xml", articles::FeedArrives::Published).await;
        let (feed, _) = added.expect("a feed");
        let parsed = articles::parse_feed(articles::SAMPLE_FEED, None, None).expect("the sample is in order");
        let brought = articles::import(&app.site, Some(feed.id), parsed).await.expect("an import").new;
        let desk = app.desk().await;
        let asks = format!("/desk/feeds/{}/remove", feed.id.0);
        desk.open(&format!("/desk/feeds/{}", feed.id.0)).await.says("Remove");
        let page = desk.open(&asks).await;
        page.says("No new articles come in from it").says("https://tidewater.example/feed.xml");
        desk.submit_and_follow(&page.form(&asks)).await.says("The feed was removed");
        assert_eq!(articles::feeds(&app.site.db, None, 10).await.expect("a read"), []);
        let left = articles::latest(&app.site, 100).await.expect("a read");
        assert_eq!(left.len(), usize::try_from(brought).expect("a few"));
        assert!(is_logged(&app, "removed a feed").await);
        // A second press, on a page that was left open, removes nothing else.
        desk.submit_and_follow(&page.form(&asks)).await.says("The feed was removed");
    }

    /// What a feed brought is not another's to rewrite when the feed is removed; the same feed, added again, takes it up. A feed
    /// that is removed while it is read brings nothing, and nothing fails.
    async fn articles_of_a_removed_feed_are_nobody_elses(app: TestApp) {
        let fetcher = articles::Fetcher::new(true).expect("a fetcher");
        let add = async |url: &str| articles::add_feed(&app.site, &fetcher, url, articles::FeedArrives::Published).await.expect("a feed").0.id;
        let parsed = |title: &str| {
            let item = "<link>https://one.example/high-tide</link><guid isPermaLink=\"false\">tide-1</guid><description>Words.</description>";
            let feed = format!("<rss version=\"2.0\"><channel><title>A feed</title><item><title>{title}</title>{item}</item></channel></rss>");
            articles::parse_feed(feed.as_bytes(), None, None).expect("it is in order")
        };
        let title = async || {
            let article = articles::by_slug(&app.site.db, "high-tide").await.expect("a read").expect("the article");
            article.title
        };
        let (own, other) = (add("https://one.example/feed.xml").await, add("https://other.example/feed.xml").await);
        articles::import(&app.site, Some(own), parsed("High tide")).await.expect("an import");
        publishing::remove_feed(&app.site, (own, false), &[], None).await.expect("removed");

        let late = articles::import(&app.site, Some(own), parsed("Too late")).await.expect("it ends quietly");
        assert_eq!(late, articles::ArticlesImported::default());
        let report = articles::import(&app.site, Some(other), parsed("Hijacked")).await.expect("an import");
        assert_eq!(report.skipped, ["“Hijacked” came here from elsewhere before"]);
        assert_eq!(title().await, "High tide");
        let again = add("https://one.example/atom.xml").await;
        let report = articles::import(&app.site, Some(again), parsed("Low tide")).await.expect("an import");
        assert_eq!((report.updated, title().await.as_str()), (1, "Low tide"));
        let report = articles::import(&app.site, Some(other), parsed("Hijacked")).await.expect("an import");
        assert_eq!(report.skipped, ["“Hijacked” belongs to another feed"]);
    }

    /// TRUST F8: a draft goes as the page showed it, and nothing that is past a draft ever does.
    async fn a_draft_is_deleted_only_as_it_was_seen(app: TestApp) {
        let desk = app.desk().await;
        app.readers(1).await;
        let draft = app.draft("Not to be").await;
        let (own, asks) = (format!("/desk/editions/{}", draft.public_id), format!("/desk/editions/{}/delete", draft.public_id));
        assert!(desk.open(&own).await.body.contains(&asks), "the draft's page leads there");
        let seen = desk.open(&asks).await.form(&asks);
        publishing::save_revision(&app.site, draft.id, draft.revision, draft.content.clone(), None).await.expect("saved");
        let again = desk.submit(&seen).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        again.says("Nothing was deleted");
        desk.submit_and_follow(&again.form(&asks)).await.says("The draft was deleted");
        desk.submit_and_follow(&again.form(&asks)).await.says("The draft was deleted");
        assert!(matches!(publishing::find(&app.site.db, &draft.public_id).await, Err(publishing::Error::NotFound)));
        assert!(is_logged(&app, "deleted a draft").await);

        let pressed = app.draft("On its way").await;
        let asks = format!("/desk/editions/{}/delete", pressed.public_id);
        let seen = desk.open(&asks).await.form(&asks);
        publishing::press_send(&app.site, &app.templates, pressed.id, pressed.revision, None, None).await.expect("pressed");
        let refused = desk.submit(&seen).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("on its way");
        app.advance(publishing::UNDO);
        app.drain().await;
        assert_eq!(app.mails("reader1@example.org").len(), 1);
        assert_eq!(desk.open(&asks).await.status, StatusCode::SEE_OTHER, "nothing to delete");
    }

    /// Nobody is passed over while others are looked up, and a clock that was ahead holds nobody up.
    async fn whose_addresses_are_stopped_is_found_of_everybody(app: TestApp) {
        let suppressions = Suppressions::new(&app.site);
        suppressions.secret(true).await.expect("settled");
        app.readers(4).await;
        for reader in 1..=3 {
            stop(&app, &format!("reader{reader}@example.org")).await;
        }
        let mut tx = app.site.db.begin().await.expect("a transaction");
        suppressions.accept_secret(&mut tx).await.expect("nobody knows whose they are");
        tx.commit().await.expect("a commit");
        database::change(&app.site.db, "update subscriber set created_at = created_at + 3600000000 where email = 'reader1@example.org'").await;
        database::change(&app.site.db, "update subscriber set created_at = created_at - 3600000000 where email in ('reader3@example.org', 'reader4@example.org')").await;
        let size = async || publishing::audience_size(&app.site, &app.draft("To whom").await).await.expect("a count");
        suppressions.find_readers().await.expect("found");
        assert_eq!(size().await, 3, "the second is of this minute, and the third after it");
        app.advance(Duration::from_secs(120));
        suppressions.find_readers().await.expect("found");
        assert_eq!(size().await, 1);
    }

    /// Who is stopped is on the list and gets nothing: no page counts them as getting it, whether they were stopped as readers,
    /// before they were, or by a version that did not note whose the address is.
    async fn who_is_stopped_is_not_counted_as_getting_mail(app: TestApp) {
        let suppressions = Suppressions::new(&app.site);
        suppressions.secret(true).await.expect("settled");
        app.readers(4).await;
        stop(&app, "reader1@example.org").await;
        stop(&app, "reader2@example.org").await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        suppressions.accept_secret(&mut tx).await.expect("nobody knows whose they are");
        tx.commit().await.expect("a commit");
        stop(&app, "eve@example.org").await;
        let basis = Basis { basis: "consent".to_owned(), source: "a sheet".to_owned() };
        let file = "E-Mail;Name\neve@example.org;Eve\n";
        subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("an import");
        app.advance(Duration::from_secs(120));
        suppressions.find_readers().await.expect("found");

        let draft = app.draft("To two of five").await;
        assert_eq!(publishing::audience_size(&app.site, &draft).await.expect("a count"), 2);
        let desk = app.desk().await;
        desk.open(&format!("/desk/editions/{}/send", draft.public_id)).await.says("2 readers");
        desk.open("/desk/readers").await.says("2 readers on your lists. 3 more are on them and get nothing");
        desk.open("/desk").await.says("readers, 3 more whose address takes no mail");
        stop(&app, "reader3@example.org").await;
        assert_eq!(publishing::audience_size(&app.site, &draft).await.expect("a count"), 1, "at once");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let address = EmailAddress::parse("reader1@example.org").expect("an address");
        suppressions.lift(&mut tx, &address).await.expect("lifted");
        tx.commit().await.expect("a commit");
        assert_eq!(publishing::audience_size(&app.site, &draft).await.expect("a count"), 2, "at once");
        app.send_edition("The same").await;
        let got = (1..=4).filter(|at| !app.mails(&format!("reader{at}@example.org")).is_empty()).count();
        assert_eq!(got, 2, "who is counted is who gets it");
    }

    /// Whoever comes with an address that is stopped is known at once, whoever brings them: the lists, the readers and the last look before
    /// Send count the same people by the same word. Who asked by the form, and cannot confirm, is told apart from who can.
    async fn who_comes_with_a_stopped_address_is_counted_so_at_once(app: TestApp) {
        app.leaves_work();
        app.readers(2).await;
        for email in ["desk@example.org", "file@example.org", "form@example.org"] {
            stop(&app, email).await;
        }
        let desk_adds = EmailAddress::parse("desk@example.org").expect("an address");
        subscribers::add_by_staff(&app.site, &desk_adds, "", app.list().await, "on paper").await.expect("added");
        let basis = Basis { basis: "consent".to_owned(), source: "a sheet".to_owned() };
        let file = "E-Mail;Name\nfile@example.org;Eve\nother@example.org;Otto\n";
        subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("an import");
        app.subscribe_only("form@example.org").await;
        app.subscribe_only("can@example.org").await;

        let draft = app.draft("To three of five").await;
        assert_eq!(publishing::audience_size(&app.site, &draft).await.expect("a count"), 3);
        let desk = app.desk().await;
        desk.open(&format!("/desk/editions/{}/send", draft.public_id)).await.says("This goes to 3 readers");
        let readers = desk.open("/desk/readers").await;
        readers.says("3 readers on your lists. 2 more are on them and get nothing").says("1 more asked, not confirmed yet");
        readers.says("The digest: asked, address stopped").says("The digest: on it, not mailed");
        desk.open("/desk").await.says("readers, 2 more whose address takes no mail, 1 more asked, not confirmed yet");
        desk.open("/desk/lists").await.says("3 readers");
        let (list,) = database::rows::<(String,)>(&app.site.db, "select public_id from list").await.remove(0);
        desk.open(&format!("/desk/lists/{list}/retire")).await.says("3 readers").says("nor can 1 reader confirm it");
        let asked = desk.open("/desk/readers?state=pending").await;
        asked.says("can@example.org");
        assert!(!asked.body.contains("form@example.org"), "nobody asks them to confirm");
        let found = desk.open("/desk/readers?state=pending&q=example").await;
        assert!(found.body.contains("can@example.org") && !found.body.contains("form@example.org"));
        let stopped = desk.open("/desk/readers?state=stopped").await;
        stopped.says("form@example.org").says("desk@example.org").says("file@example.org");
        let (form,) = database::rows::<(String,)>(&app.site.db, "select public_id from subscriber where email = 'form@example.org'").await.remove(0);
        desk.open(&format!("/desk/readers/{form}")).await.says("asked, address stopped");
    }
}
