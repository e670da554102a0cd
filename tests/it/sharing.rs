//! What readers hand on: an edition in the browser, a page's address. It carries nobody's name and nobody's authority.

use broadside::subscribers;
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, mail::Mail};

const ANN: &str = "ann@example.org";

/// A reader called Annabel who got an edition; the mail.
async fn edition(app: &TestApp) -> Mail {
    app.reader(ANN).await;
    app.send_edition("The first").await;
    let mail = app.last_mail(ANN);
    let choices = app.visitor().open(&mail.link("/preferences/")).await;
    let form = choices.form("/preferences/").with("name", "Annabel Lighthouse");
    app.visitor().submit_and_follow(&form).await.says("Saved.");
    app.send_edition("The second").await;
    app.last_mail(ANN)
}

/// Every address that a page leads to.
fn links(body: &str) -> Vec<String> {
    body.split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap_or_default().replace("&amp;", "&"))
        .collect()
}

both_engines! {
    /// The link "read in your browser" is the one that readers share: behind it stands the edition and nothing of the reader.
    /// The mail itself keeps their links.
    async fn the_page_that_is_shared_has_no_name_and_no_link_that_acts(app: TestApp) {
        let mail = edition(&app).await;
        assert!(mail.text.contains("/unsubscribe/") && mail.text.contains("/preferences/"));
        assert!(mail.text.contains("Annabel Lighthouse"));
        let view = mail.link("/view/");
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await;
        let reader = reader.expect("a read").expect("a reader").public_id;
        let archive = {
            let page = app.visitor().open("/archive").await;
            let path = links(&page.body).into_iter().find(|link| link.contains("/archive/")).expect("an edition");
            app.url(path.trim_start_matches(app.site.base_url.as_str()))
        };
        for address in [&view, &archive] {
            let page = app.visitor().open(address).await;
            assert_eq!(page.status, StatusCode::OK);
            page.says("Dear reader").says("Good morning.");
            for held in ["Annabel", ANN, "a***@", &reader] {
                assert!(!page.body.contains(held), "{address} holds {held}");
            }
            let acting = ["/unsubscribe/", "/preferences/", "/confirm/", "/giving/", "/thanks/", "/desk"];
            let found: Vec<String> =
                links(&page.body).into_iter().filter(|link| acting.iter().any(|part| link.contains(part))).collect();
            assert_eq!(found, Vec::<String>::new(), "of {address}");
            let other_views: Vec<String> =
                links(&page.body).into_iter().filter(|link| link.contains("/view/") && link != address).collect();
            assert_eq!(other_views, Vec::<String>::new(), "it names itself alone");
        }
        let page = app.visitor().open(&view).await;
        assert_eq!(page.headers.get("referrer-policy").and_then(|value| value.to_str().ok()), Some("no-referrer"));
    }

    /// Pages behind a reader's own links do not spell out the address: whoever was handed one does not learn it.
    async fn pages_of_a_readers_links_mask_the_address(app: TestApp) {
        let mail = edition(&app).await;
        app.subscribe("bob@example.org").await;
        let confirm = app.last_mail("bob@example.org").link("/confirm/");
        app.visitor().open(&mail.link("/preferences/")).await.says("a***@example.org");
        for (link, address) in [
            (mail.link("/preferences/"), ANN),
            (mail.link("/unsubscribe/"), ANN),
            (confirm, "bob@example.org"),
        ] {
            let visitor = app.visitor();
            let page = visitor.open(&link).await;
            assert!(!page.body.contains(address), "{link}");
            let part = if link.contains("/unsubscribe/") { "/unsubscribe/" } else if link.contains("/confirm/") { "/confirm/" } else { "/preferences/" };
            let after = visitor.submit_and_follow(&page.form(part)).await;
            assert_eq!(after.status, StatusCode::OK);
            assert!(!after.body.contains(address), "{link}, after the press");
        }
    }
}
