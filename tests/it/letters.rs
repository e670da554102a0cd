//! Automatic emails come to an end, and what they carried does not outlive it.

use std::time::Duration;

use broadside::{
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    sandbox::{Rule, Stage},
    staff,
};

use crate::support::{TestApp, app::OWNER, both_engines, database};

const NEW: &str = "new@example.org";
const OLD: &str = "old@example.org";

async fn stop_mail(app: &TestApp, to: &str, reason: StopReason) {
    let address = EmailAddress::parse(to).expect("an address");
    let mut tx = app.site.db.begin().await.expect("a transaction");
    Suppressions::new(&app.site).add(&mut tx, &address, reason, "it said so").await.expect("a suppression");
    tx.commit().await.expect("a commit");
}

/// State, class, and whether anything is left of what it carried.
async fn letters(app: &TestApp) -> Vec<(String, String, bool)> {
    database::rows(
        &app.site.db,
        "select state, coalesce(class, ''), context <> '' or message is not null from notice order by id",
    )
    .await
}

fn one(state: &str, class: &str, carries: bool) -> Vec<(String, String, bool)> {
    vec![(state.to_owned(), class.to_owned(), carries)]
}

both_engines! {
    /// TRUST F10: a server that takes every automatic email and never says so gets it three times, as with copies, and not for
    /// ever; staff see that it failed.
    async fn a_server_that_never_answers_gets_no_fourth_letter(app: TestApp) {
        app.leaves_work();
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(NEW).drop_connection());
        app.subscribe(NEW).await;
        assert_eq!(letters(&app).await, one("queued", "no answer", true));
        for _ in 0..20 {
            app.advance(Duration::from_secs(15 * 3600));
            app.send().await;
        }
        assert_eq!(app.mails(NEW).len(), 3);
        assert_eq!(letters(&app).await, one("failed", "no answer", false));
    }

    /// TRUST A23: the links that an automatic email carried are not kept once it failed for good.
    async fn what_failed_carries_nothing_any_more(app: TestApp) {
        app.leaves_work();
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(NEW).reply(550, "5.1.1 no such mailbox"));
        app.subscribe(NEW).await;
        assert_eq!(letters(&app).await, one("failed", "no such mailbox", false));
    }

    /// TRUST M29, A23: an automatic email to an address that complained ends at once, waiting or not, and what it carried with it.
    async fn what_may_not_be_sent_carries_nothing_any_more(app: TestApp) {
        app.subscribe_only("NEW@example.org").await;
        assert_eq!(letters(&app).await, one("queued", "", true));
        stop_mail(&app, NEW, StopReason::Complained).await;
        assert_eq!(letters(&app).await, one("suppressed", "suppressed", false));
        app.drain().await;
        assert!(app.mails(NEW).is_empty());
        app.advance(Duration::from_secs(30 * 86_400));
        app.subscribe(NEW).await;
        let all = letters(&app).await;
        assert!(all.iter().all(|letter| *letter == one("suppressed", "suppressed", false)[0]), "{all:?}");
        assert!(app.mails(NEW).is_empty());
    }

    /// TRUST M29: what staff decided about an address stops no sign-in link.
    async fn who_was_stopped_by_staff_can_sign_in(app: TestApp) {
        let owner = EmailAddress::parse(OWNER.0).expect("an address");
        staff::send_sign_in_link(&app.site, &owner, None).await.expect("a link");
        stop_mail(&app, OWNER.0, StopReason::Staff).await;
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 1);
    }

    /// An upgrade cannot break what waits: a letter goes out as it was written when it happened, whatever became of its template,
    /// on every try under the same Message-ID and date; one that an older program left, as name and context, is written then.
    async fn what_waits_goes_out_as_it_was_written(app: TestApp) {
        app.subscribe_only(NEW).await;
        let written: Vec<(Vec<u8>, String)> =
            database::rows(&app.site.db, "select message, context from notice").await;
        let [(message, context)] = written.as_slice() else { panic!("one letter waits") };
        assert_eq!(context, "");
        database::change(&app.site.db, "update notice set template = 'of_another_time'").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(NEW).times(1).reply(451, "4.3.0 later"));
        app.advance(Duration::from_secs(60));
        app.send().await;
        app.advance(Duration::from_secs(3_600));
        app.send().await;
        let arrived = app.last_mail(NEW);
        assert_eq!(String::from_utf8_lossy(&arrived.raw), String::from_utf8_lossy(message));

        app.subscribe_only(OLD).await;
        let left = "update notice set message = null, context = '{\"sender\":{\"magazine\":\"The Lamplighter\",\"legal_name\":\"Lamplighter Press\",\"postal_address\":\"1 Lamp Street, 1000 Harbour\",\"contact_email\":\"hello@example.org\",\"site_url\":\"https://example.org/\"},\"lists\":[\"Weekly\"],\"confirm_url\":\"https://example.org/confirm/abc\",\"valid_for\":\"7 days\"}' where state = 'queued'";
        assert_eq!(database::change(&app.site.db, left).await, 1);
        app.send().await;
        let arrived = app.last_mail(OLD);
        assert_eq!(arrived.link("/confirm/"), "https://example.org/confirm/abc");
        assert_eq!(arrived.header("Reply-To").as_deref(), Some("hello@example.org"));
        let nothing = one("accepted", "", false)[0].clone();
        assert_eq!(letters(&app).await, [nothing.clone(), nothing], "and nothing is kept of either");
    }
}
