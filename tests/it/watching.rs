//! What the desk says while an edition goes out: what holds it back, why copies failed, when it will be over; and whom it
//! tells when it stops by itself.

use std::time::Duration;

use broadside::{
    delivery::Engine,
    jobs, publishing, relays,
    sandbox::{Rule, Stage},
};

use crate::support::{TestApp, app::OWNER, both_engines, wait};

both_engines! {
    /// TRUST M22, F8: copies that were put off are named with their domain and the moment of the next try.
    async fn the_page_says_who_waits_and_until_when(app: TestApp) {
        app.import_readers(5).await;
        app.reader("ann@slow.example").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("ann@slow.example").reply(451, "4.2.1 Come back later"));
        let edition = app.seal_edition("Some wait").await;
        app.send().await;
        let page = app.desk().await.open(&path(&app, edition).await).await;
        page.says("1 copy to slow.example waits for another try, the next at 09:06 UTC.");
        assert!(!page.text().contains("asks for patience"), "{}", page.text());

        app.sandbox.smtp_script().clear();
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("ann@slow.example").reply(421, "4.7.28 Too much from you"));
        app.advance(Duration::from_secs(6 * 60));
        app.send().await;
        let page = app.desk().await.open(&path(&app, edition).await).await;
        page.says("slow.example asks for patience and takes nothing just now; it is tried every second. 1 copy waits for it.");

        app.sandbox.smtp_script().clear();
        app.advance(Duration::from_secs(3_600));
        app.send().await;
        let page = app.desk().await.open(&path(&app, edition).await).await;
        page.says("Sent to 6 readers.");
        assert!(!page.text().contains("waits for another try"), "{}", page.text());
    }

    /// TRUST F5: a mail service that cannot be reached is named, with what was tried, and mail waits.
    async fn the_page_says_which_mail_service_is_in_trouble(app: TestApp) {
        app.import_readers(3).await;
        let edition = app.seal_edition("Nobody at the door").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Connect).reply(554, "5.7.0 Not you"));
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(1)).await.expect("it starts");
        wait::until("a trouble", async || {
            let troubles = relays::troubles(&app.site.db).await.expect("the troubles");
            (!troubles.is_empty()).then_some(())
        })
        .await;
        let page = app.desk().await.open(&path(&app, edition).await).await;
        page.says("cannot be used since 09:01 UTC").says("Not you").says("Nothing is lost");
        engine.stop().await;
        app.sandbox.smtp_script().clear();
        app.advance(Duration::from_secs(3_600));
        app.drain().await;
    }

    /// TRUST M23, T6: why copies failed, each reason with the words of a server but no address, and the way to exactly those readers.
    async fn each_reason_stands_with_an_example_and_its_readers(app: TestApp) {
        app.import_readers(6).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to("reader2@example.org").reply(550, "5.1.1 <reader2@example.org>: no such user here"));
        script.add(Rule::at(Stage::Rcpt).to("reader4@example.org").reply(552, "5.2.2 Over quota"));
        let edition = app.send_edition("Some fail").await;
        let (desk, path) = (app.desk().await, path(&app, edition).await);
        let page = desk.open(&path).await;
        page.says("no such mailbox").says("One server said: 550 5.1.1 <…>: no such user here");
        page.says("One server said: 552 5.2.2 Over quota");
        let link = page.body.split('"').find(|text| text.contains("no+such+mailbox")).expect("a link");
        let listed = desk.open(&link.replace("&amp;", "&").replace("&#x3D;", "=")).await;
        listed.says("reader2@example.org");
        assert!(listed.body.contains("only: no such mailbox"), "the choice can be taken back: {}", listed.body);
        assert!(!listed.text().contains("reader4@example.org"), "{}", listed.text());
    }

    /// TRUST T11, issue of every warm-up: before Send is pressed the page says when the last reader will have it.
    async fn the_last_reader_has_a_day_before_send_is_pressed(app: TestApp) {
        app.import_readers(4_500).await;
        let draft = app.draft("For a day").await;
        let (desk, send) = (app.desk().await, format!("/desk/editions/{}/send", draft.public_id));
        let page = desk.open(&send).await;
        assert!(!page.text().contains("the last reader"), "all of it goes out today: {}", page.text());
        app.more_readers(4_500, 13_500).await;
        // Five thousand a day: the 3rd, the 4th, and the rest on the 5th.
        desk.open(&send).await.says("the last reader will have it on 5 March 2026.");
    }

    /// TRUST M23: an edition that paused by itself tells the owners, once for each pause, and the desk says so on every page.
    async fn owners_are_told_when_an_edition_pauses_by_itself(app: TestApp) {
        app.import_readers(8).await;
        let edition = app.seal_edition("Refused").await;
        let refusal = Rule::at(Stage::Dot).to("reader3@example.org").reply(550, "5.7.26 Unauthenticated mail");
        app.sandbox.smtp_script().add(refusal);
        app.send().await;
        let path = path(&app, edition).await;
        wait::until("the pause", async || {
            (jobs::tell_news(&app.site).await.expect("told") == 1).then_some(())
        })
        .await;
        assert_eq!(jobs::tell_news(&app.site).await.expect("told"), 0, "once is enough");
        app.drain().await;
        let told = app.last_mail(OWNER.0);
        assert_eq!(told.subject, "Paused: Refused");
        assert!(told.text.contains("550 5.7.26 Unauthenticated mail"), "{}", told.text);
        assert_eq!(told.link("/desk/editions/"), app.url(&path));
        let desk = app.desk().await;
        desk.open("/desk").await.says("“Refused” paused by itself and waits for a decision.");

        // Told anew of another one.
        app.advance(Duration::from_secs(60));
        let other = app.seal_edition("Refused again").await;
        app.send().await;
        wait::until("the next pause", async || {
            (jobs::tell_news(&app.site).await.expect("told") == 1).then_some(())
        })
        .await;
        app.sandbox.smtp_script().clear();
        for edition in [edition, other] {
            let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
            app.resume(&public_id).await;
        }
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 2);
        let page = desk.open("/desk").await;
        assert!(!page.text().contains("paused by itself"), "{}", page.text());
    }
}

async fn path(app: &TestApp, edition: i64) -> String {
    let edition = publishing::load(&app.site.db, edition).await.expect("the edition");
    format!("/desk/editions/{}", edition.public_id)
}
