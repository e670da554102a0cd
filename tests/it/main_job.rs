//! The main job from end to end over real sockets: readers confirm, an edition goes out to each of them and is accounted
//! for, supporters give and get receipts.

use broadside::{delivery, donations, sandbox::Rhythm};

use crate::support::{TestApp, both_engines};

both_engines! {
    /// TRUST T1: every reader of the edition has one row with an end, and the world outside says the same.
    async fn an_edition_reaches_every_reader_once(app: TestApp) {
        app.readers(40).await;
        app.reader("ann@example.org").await;
        let edition = app.send_edition("The first edition").await;
        let audit = delivery::audit_copies(&app.site.db, edition).await.expect("the audit");
        assert!(audit.holds(), "{audit:?}");
        assert_eq!((audit.rows.sealed, audit.rows.accepted), (41, 41), "{}", audit.rows);
        let received: Vec<_> =
            app.sandbox.mailbox().messages().into_iter().filter(|mail| mail.subject == "The first edition").collect();
        assert_eq!(received.len(), 41);
        assert!(received.iter().all(|mail| mail.to.len() == 1), "one recipient a message (TRUST M21)");
        // One Message-ID each (TRUST T2): counted by it, nobody got two.
        let mut ids: Vec<_> = received.iter().map(|mail| mail.message_id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 41);
        let mail = app.last_mail("ann@example.org");
        assert!(mail.html.contains("unsubscribe") && mail.text.contains("/unsubscribe/"), "{}", mail.text);
        assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    }

    /// Nobody is mailed before they confirmed.
    async fn who_has_not_confirmed_gets_no_edition(app: TestApp) {
        app.readers(1).await;
        app.subscribe("hasty@example.org").await;
        app.send_edition("The first edition").await;
        assert_eq!(app.mails("hasty@example.org").len(), 1, "the confirmation, and nothing else");
        assert_eq!(app.last_mail("reader1@example.org").subject, "The first edition");
    }

    /// Money that the world outside says it took is what the ledger says we got, and each gift has its receipt.
    async fn a_gift_and_a_monthly_gift_are_booked_and_receipted(app: TestApp) {
        app.give("ann@example.org", "12", "once").await;
        app.give("bea@example.org", "7.50", "month").await;
        let audit = donations::audit_money(&app.site.db).await.expect("the audit");
        assert!(audit.balances(), "{:?}", audit.problems);
        assert_eq!(audit.receipts, 2);
        let mut charged: Vec<_> =
            app.sandbox.stripe().charges().into_iter().map(|charge| (charge.rhythm, charge.amount)).collect();
        charged.sort_by_key(|(_, amount)| *amount);
        assert_eq!(charged, [(Rhythm::Recurring, 750), (Rhythm::Once, 1_200)]);
        for email in ["ann@example.org", "bea@example.org"] {
            assert_eq!(app.mails(email).len(), 1, "one receipt for {email}");
        }
    }

    async fn a_declined_card_books_nothing(app: TestApp) {
        let session = app.begin_to_give("ann@example.org", "12", "once").await;
        app.sandbox.stripe().decline(&session, "ann@example.org").expect("the session is open");
        app.drain().await;
        let audit = donations::audit_money(&app.site.db).await.expect("the audit");
        assert!(audit.balances() && audit.totals.is_empty() && audit.receipts == 0, "{audit:?}");
        assert!(app.mails("ann@example.org").is_empty());
    }
}
