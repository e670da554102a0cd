//! What goes wrong in the same way each time it is tried: it comes to an end, and the rest goes on.

use std::time::Duration;

use broadside::sandbox::{Rule, Stage};

use super::workers::{Mortal, options};
use crate::support::{
    TestApp, both_engines, database,
    verify::{mailbox, verify},
    wait,
};

const POISON: &str = "reader3@example.org";
const READERS: usize = 40;

both_engines! {
    /// TRUST F28, F10, Mautic #8450: a server that takes every message to one reader and never says so gets it three times and
    /// not for ever; the copy is left to staff as one that may have arrived.
    async fn a_server_that_never_answers_gets_no_fourth_copy(app: TestApp) {
        app.import_readers(READERS).await;
        app.seal_edition("No answer").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(POISON).drop_connection());
        for _ in 0..6 {
            app.send().await;
            app.advance(Duration::from_secs(120));
        }
        ends_with_three(&app, "no answer").await;
    }

    /// TRUST F28: a copy in whose course the worker dies each time is not tried a fourth time, and everybody else has theirs.
    async fn a_copy_that_workers_die_of_is_not_tried_a_fourth_time(app: TestApp) {
        app.import_readers(READERS).await;
        app.seal_edition("Deadly").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(POISON).silence());
        let options = options(app.relay.clone(), 1);
        for _ in 0..3 {
            let worker = Mortal::start(&app, options.clone());
            wait::until("the deadly copy to be on its way", async || {
                let begun = "select address from delivery where state = 'claimed' and marker";
                let begun = database::rows::<(String,)>(&app.site.db, begun).await;
                let arrived = app.sandbox.mailbox().to(POISON).len() as i64;
                let doubts = "select count(*) from delivery_attempt where outcome = 'unknown'";
                let doubts = database::rows::<(i64,)>(&app.site.db, doubts).await[0].0;
                (begun == [(POISON.to_owned(),)] && arrived > doubts).then_some(())
            })
            .await;
            worker.die();
            app.advance(options.silence * 2);
        }
        app.send().await;
        ends_with_three(&app, "worker died").await;
    }
}

async fn ends_with_three(app: &TestApp, class: &str) {
    let rows = "select state, coalesce(class, ''), count(*) from delivery group by 1, 2 order by 1";
    let rows = database::rows::<(String, String, i64)>(&app.site.db, rows).await;
    let others = READERS as i64 - 1;
    assert_eq!(
        rows,
        [("accepted".to_owned(), String::new(), others), ("unknown".to_owned(), class.to_owned(), 1)]
    );
    assert_eq!(app.sandbox.mailbox().to(POISON).len(), 3);
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    assert_eq!(verdict.assert_agrees().duplicates, 2, "{verdict}");
}
