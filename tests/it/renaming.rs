//! The magazine got another name, and some still use the old one (TRUST T10).

use axum::http::{Method, StatusCode, header::HOST};
use broadside::{
    origin::{self, Standing},
    sandbox::signature,
};

use crate::support::{TestApp, both_engines, database};

const WRITTEN_DOWN: &str = "select host, caller, calls from former_host_call order by 1, 2";

async fn written_down(app: &TestApp) -> Vec<(String, String, i64)> {
    database::rows(&app.site.db, WRITTEN_DOWN).await
}

both_engines! {
    /// Whoever calls the magazine by a name that it had, and is answered, is counted by kind, in memory until it is written
    /// down; names that were never ours, forged calls and what a browser fetches by itself count for nothing.
    async fn who_still_uses_the_old_name_stands_on_the_page_of_the_address(app: TestApp) {
        app.leaves_work();
        app.reader("ann@example.org").await;
        let edition = app.send_edition("Under the old name").await;
        let links = app.links(edition, app.reader_row("ann@example.org").await).await;
        origin::arrive(&app.site, None).await.expect("a start");
        let moved = "update origin set base_url = 'https://old.example.org/'";
        assert_eq!(database::change(&app.site.db, moved).await, 1);
        let desk = app.desk().await;
        let page = desk.open("/desk/address").await;
        page.says("What else must change if it moved").says("not redirected");
        desk.submit_and_follow(&page.form("/desk/address").with("is", "moved")).await;
        assert_eq!(origin::look(&app.site).await.expect("a look"), Standing::AtHome);
        desk.open("/desk/address").await.says("Who still uses old.example.org").says("Nobody has used it since.");

        let visitor = app.visitor();
        let call = async |method: Method, path: &str, host: &str| {
            visitor.send(visitor.request(method, path).header(HOST, host)).await.status
        };
        let unsubscribe = url::Url::parse(&links.unsubscribe).expect("an address").path().to_owned();
        for host in ["old.example.org", "OLD.example.org:443", "old.example.org."] {
            assert_eq!(call(Method::GET, &unsubscribe, host).await, StatusCode::OK, "{host}");
        }
        assert_eq!(call(Method::GET, "/", "old.example.org").await, StatusCode::OK);
        for (path, host) in [
            ("/robots.txt", "old.example.org"),
            ("/no-such-page", "old.example.org"),
            ("/", "sub.old.example.org"),
        ] {
            call(Method::GET, path, host).await;
        }
        for number in 0..50 {
            call(Method::GET, "/", &format!("stranger{number}.example.com")).await;
        }
        let at = app.site.now().unix_seconds();
        let event = format!(
            r#"{{"id":"evt_1","object":"event","type":"customer.created","created":{at},"livemode":false,"data":{{"object":{{"id":"cus_1"}}}}}}"#
        );
        for secret in ["whsec_of_a_test", "somebody else's"] {
            let proof = signature(secret, at, &event);
            let request = visitor.request(Method::POST, "/hooks/stripe").header(HOST, "old.example.org");
            visitor.send(request.header("stripe-signature", proof).body(event.clone())).await;
        }
        assert_eq!(written_down(&app).await, [], "no request writes anything");
        let page = desk.open("/desk/address").await;
        page.says("The payment service 1").says("Links in mails 3").says("Other pages for readers 1");
        page.says(&format!("change the address it calls to {}", app.url("/hooks/stripe")));
        for absent in ["stranger", "sub.old", "report bounces"] {
            assert!(!page.text().replace("mail services that report bounces,", "").contains(absent), "{absent}: {}", page.text());
        }
        app.former.keep(&app.site).await.expect("it is written down");
        assert_eq!(call(Method::GET, "/", "old.example.org").await, StatusCode::OK);
        app.former.keep(&app.site).await.expect("it is written down");
        let old = |caller: &str, calls| ("old.example.org".to_owned(), caller.to_owned(), calls);
        assert_eq!(written_down(&app).await, [old("links", 3), old("pages", 2), old("payments", 1)]);
        desk.open("/desk/address").await.says("Other pages for readers 2");

        // The name is ours again.
        let back = "insert into former_host (host, left_at) values ('127.0.0.1', 0)";
        assert_eq!(database::change(&app.site.db, back).await, 1);
        let place = origin::place(&app.site.db).await.expect("a place");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        origin::confirm(&mut tx, &app.site, &place, None).await.expect("it is said");
        tx.commit().await.expect("a commit");
        let left = database::rows::<(String,)>(&app.site.db, "select host from former_host").await;
        assert_eq!(left, [("old.example.org".to_owned(),)]);
    }
}
