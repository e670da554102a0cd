//! Who judges can fail: for each oracle of the house one bug on demand, which it must find.
//!
//! The third one, the provider's charges, has its bug in `donating.rs`: `a_charge_too_few_is_noticed`.

use crate::support::{
    Program, TestApp, both_engines, database,
    verify::{Arrival, mailbox, verify},
};

/// A change behind the ledger's back: what it is, the change, how it is undone, and what `audit` says of it.
struct Bug {
    what: &'static str,
    done: &'static str,
    undone: &'static str,
    says: &'static str,
}

const BUGS: [Bug; 4] = [
    Bug {
        what: "an outcome was changed",
        done: "update delivery set state = 'failed' where subscriber_id = (select min(subscriber_id) from delivery)",
        undone: "update delivery set state = 'accepted' where state = 'failed'",
        says: "11 sealed = 10 accepted + 1 failed",
    },
    Bug {
        what: "a tally was changed",
        done: "update delivery_tally set count = count + 1 where state = 'accepted'",
        undone: "update delivery_tally set count = count - 1 where state = 'accepted'",
        says: "the tallies say otherwise: 11 sealed = 12 accepted",
    },
    Bug {
        what: "a row came in",
        done: "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt,
                marker, maybe_duplicate, next_at, updated_at)
            select edition_id, 999, address, name, domain_key, variant_id, state, attempt,
                marker, maybe_duplicate, next_at, updated_at
            from delivery where subscriber_id = (select min(subscriber_id) from delivery)",
        undone: "delete from delivery where subscriber_id = 999",
        says: "11 sealed = 12 accepted",
    },
    Bug {
        what: "a row is gone",
        done: "delete from delivery where subscriber_id = (select min(subscriber_id) from delivery)",
        undone: "",
        says: "11 sealed = 10 accepted",
    },
];

both_engines! {
    /// TRUST T1, T11: `audit` names the edition whose rows or tallies were changed, and ends with 1.
    async fn a_change_behind_the_ledgers_back_is_found_by_the_audit(app: TestApp) {
        app.import_readers(11).await;
        let edition = app.send_edition("Audited").await;
        for bug in BUGS {
            let before = Program::run(&app, &["audit"]);
            assert!(before.status.success(), "before {}: {before:?}", bug.what);
            assert_eq!(database::change(&app.site.db, bug.done).await, 1, "{}", bug.what);
            let audit = Program::run(&app, &["audit"]);
            let said = String::from_utf8_lossy(&audit.stdout);
            assert_eq!(audit.status.code(), Some(1), "{} was not found: {said}", bug.what);
            let name = format!("edition {edition}, “Audited”, DOES NOT BALANCE");
            assert!(said.contains(&name) && said.contains(bug.says), "{}: {said}", bug.what);
            if !bug.undone.is_empty() {
                assert_eq!(database::change(&app.site.db, bug.undone).await, 1, "{}", bug.what);
            }
        }
    }

    /// The comparison that judges every test of sending misses a single message that did not arrive.
    async fn a_message_that_the_mailbox_forgot_is_missed(app: TestApp) {
        app.import_readers(11).await;
        app.send_edition("Forgotten").await;
        verify(&app.site, &mailbox(&app.sandbox)).await.assert_agrees();
        app.sandbox.mailbox().forget_one();
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert!(!verdict.agrees());
        assert_eq!(verdict.lost, 1, "{verdict}");
    }

    /// And it finds every other disagreement: a second copy, a stranger's message, the wrong recipient, an outcome that is not so.
    async fn whatever_disagrees_is_found(app: TestApp) {
        app.import_readers(3).await;
        app.send_edition("Compared").await;
        let arrived = mailbox(&app.sandbox);
        let [first, second, _] = &arrived[..] else { panic!("three copies: {arrived:?}") };

        let twice = [arrived.clone(), vec![first.clone()]].concat();
        let verdict = verify(&app.site, &twice).await;
        assert!(!verdict.agrees() && verdict.duplicates == 1, "{verdict}");

        let stranger = Arrival { message_id: "unheard-of@example.org".to_owned(), ..first.clone() };
        assert!(!verify(&app.site, &[arrived.clone(), vec![stranger]].concat()).await.agrees());

        let mut crossed = arrived.clone();
        crossed[0].recipient.clone_from(&second.recipient);
        assert!(!verify(&app.site, &crossed).await.agrees());

        // Row and tally changed together: the equation holds, and only the world outside knows better.
        for sql in [
            "update delivery set state = 'failed' where subscriber_id = (select min(subscriber_id) from delivery)",
            "update delivery_tally set count = count - 1 where state = 'accepted'",
            "insert into delivery_tally (edition_id, worker_id, state, count)
                select edition_id, worker_id, 'failed', 1 from delivery_tally where state = 'accepted'",
        ] {
            assert_eq!(database::change(&app.site.db, sql).await, 1, "{sql}");
        }
        let verdict = verify(&app.site, &arrived).await;
        let found = verdict.problems.iter().any(|problem| problem.contains("is failed, and 1 copies arrived"));
        assert!(found && verdict.problems.len() == 1, "{verdict}");
    }
}
