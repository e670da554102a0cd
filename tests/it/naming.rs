//! A number means one person for ever: what links, return addresses and Message-IDs say, and what they said before.

use axum::http::{Method, StatusCode, header::CONTENT_TYPE};
use broadside::{
    bounces::{self, Effect},
    delivery::{CopyId, CopyLinks, CopyNames},
    subscribers::{self, SubscriptionState, leave_by_mail},
};

use crate::support::{TestApp, both_engines, database};

const ANN: &str = "ann@example.org";

/// The old links of a reader's copy, which carry row numbers.
async fn numbered(app: &TestApp, edition: i64, reader: i64) -> (CopyLinks, CopyNames<'static>) {
    let names = CopyNames::numbered(CopyId { edition, subscriber: reader }, app.list().await);
    (CopyLinks::new(&app.site, &names), names)
}

async fn leaves(app: &TestApp, link: &str) -> bool {
    let visitor = app.visitor();
    let request =
        visitor.request(Method::POST, link).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = visitor.send(request.body("List-Unsubscribe=One-Click")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let known = subscribers::subscriptions(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
    known.iter().any(|one| one.state == SubscriptionState::Left)
}

async fn bounce(app: &TestApp, names: &CopyNames<'_>) -> Effect {
    let id = names.message_id(&app.site).expect("it has one");
    let report = format!(
        "From: fbl@example.net\r\nTo: abuse@example.org\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: T/1\r\nVersion: 1\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{id}>\r\nFrom: desk@example.org\r\n\r\nHello.\r\n--b--\r\n"
    );
    bounces::receive_mail(&app.site, report.as_bytes(), leave_by_mail).await.expect("it is taken in")
}

both_engines! {
    /// TRUST M9, M10, T10: nothing in a copy carries a row number, which a restored backup gives to somebody else.
    async fn a_copy_names_its_reader_by_a_name_that_nobody_else_gets(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.send_edition("The first").await;
        let names = app.names(edition, app.reader_row(ANN).await).await;
        let (_, old) = numbered(&app, edition, app.reader_row(ANN).await).await;
        let mail = app.last_mail(ANN);
        let id = names.message_id(&app.site).expect("it has one");
        assert_eq!(mail.header("Message-ID").expect("every mail has one"), format!("<{id}>"));
        assert_ne!(names.message_id(&app.site), old.message_id(&app.site));
        let links = CopyLinks::new(&app.site, &names);
        for link in [&links.unsubscribe, &links.preferences, &links.view, &links.give.once] {
            assert!(mail.text.contains(link.as_str()), "{link}");
        }
        assert!(leaves(&app, &links.unsubscribe).await);
    }

    /// TRUST M6: links mailed by earlier versions go on working, for those who had their numbers then.
    async fn links_with_numbers_work_for_those_who_had_them(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.send_edition("The first").await;
        let reader = app.reader_row(ANN).await;
        let (links, names) = numbered(&app, edition, reader).await;

        // Nobody had a number when this database began: the same numbers are a stranger's.
        assert!(!leaves(&app, &links.unsubscribe).await);
        for link in [&links.preferences, &links.view] {
            assert_ne!(app.visitor().open(link).await.status, StatusCode::OK, "{link}");
        }
        assert_eq!(bounce(&app, &names).await, Effect::Unproven);

        // As if all of them had been there when numbers were given up.
        database::change(&app.site.db, "update numbered_link set last_id = 1000").await;
        for link in [&links.preferences, &links.view] {
            assert_eq!(app.visitor().open(link).await.status, StatusCode::OK, "{link}");
        }
        assert!(leaves(&app, &links.unsubscribe).await);
        assert_eq!(bounce(&app, &names).await, Effect::Complained);
    }

    /// TRUST M9: an edition that was frozen by an earlier version keeps its Message-IDs, whoever sends the rest of it.
    async fn an_edition_frozen_before_keeps_its_names(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.seal_edition("The first").await;
        let reader = app.reader_row(ANN).await;
        let cut = "update variant set headers = replace(headers, '\"list\":\"', '\"was\":\"')";
        assert_eq!(database::change(&app.site.db, cut).await, 1);
        app.drain().await;
        let (links, names) = numbered(&app, edition, reader).await;
        assert_eq!(app.names(edition, reader).await, names);
        let id = names.message_id(&app.site).expect("it has one");
        let mail = app.last_mail(ANN);
        assert_eq!(mail.header("Message-ID").expect("every mail has one"), format!("<{id}>"));
        assert!(mail.text.contains(&links.unsubscribe));
    }
}
