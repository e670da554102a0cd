//! What the brakes count, what they hold, and what a person's answer does: of refusals while an edition goes out, and of
//! copies that come back later.

use std::time::Duration;

use broadside::{
    bounces::{
        Action, BounceClass, BounceReport, Effect, Reason, ReportedRecipient, Source, receive, receive_mail,
        receive_refusals,
    },
    delivery,
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
    subscribers::{self, Basis, leave_by_mail},
};

use crate::support::{TestApp, both_engines, database, visitor::Page};

const DAY: Duration = Duration::from_secs(86_400);

/// The address of a reader at one of so many domains.
fn at(domains: usize) -> impl Fn(usize) -> String {
    move |number| format!("reader{number}@mail{}.example.org", number % domains)
}

/// Of 60 readers 24 at two domains that one provider takes, and the others at six domains.
fn partly_at_one_provider(number: usize) -> String {
    match number {
        1..=24 => format!("reader{number}@big{}.example.org", number % 2),
        _ => format!("reader{number}@mail{}.example.org", number % 6),
    }
}

async fn readers(app: &TestApp, count: usize, address: impl Fn(usize) -> String) {
    let rows: String = (1..=count).map(|number| format!("{},Reader\n", address(number))).collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
    let file = format!("email,name\n{rows}");
    let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await;
    assert_eq!(report.expect("the file is in order").added, count as u64);
}

/// What the DNS would have said of the two domains.
async fn group(app: &TestApp) {
    let grouped = "update recipient_domain set provider = 'provider.example' where name like 'big%'";
    assert_eq!(database::change(&app.site.db, grouped).await, 2);
}

async fn edition(app: &TestApp, id: i64) -> publishing::Edition {
    publishing::load(&app.site.db, id).await.expect("the edition")
}

async fn suppressed(app: &TestApp) -> i64 {
    let stopped = "select count(*) from suppression where lifted_at is null";
    database::rows::<(i64,)>(&app.site.db, stopped).await[0].0
}

async fn progress(app: &TestApp, id: i64) -> delivery::Progress {
    let audit = delivery::audit_copies(&app.site.db, id).await.expect("an audit");
    assert!(audit.holds(), "{audit:?}");
    delivery::progress_of(&app.site.db, id).await.expect("the figures")
}

fn refuse(app: &TestApp, rule: Rule) {
    app.sandbox.smtp_script().add(rule);
}

fn mend(app: &TestApp) {
    app.sandbox.smtp_script().clear();
}

/// The newest copy of a reader comes back; `again` makes it another report of the same.
async fn bounce(app: &TestApp, reader: &str, status: &str, again: usize) -> Effect {
    let return_address = app.sandbox.mailbox().to(reader).last().expect("a copy").from.clone();
    let text = format!(
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mx.example.com>\nTo: {return_address}\nSubject: Undelivered\n\
         Message-ID: <{again}@mx.example.com>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n\
         Final-Recipient: rfc822; {reader}\nAction: failed\nStatus: {status}\n\n--b--\n"
    );
    receive_mail(&app.site, text.replace('\n', "\r\n").as_bytes(), leave_by_mail)
        .await
        .expect("it is taken in")
}

/// Whether a page has a button that says so.
fn offers(page: &Page, words: &str) {
    assert!(page.body.contains(words), "there is no button {words:?}: {}", page.body);
}

async fn gone(app: &TestApp, address: &str) -> Effect {
    bounce(app, address, "5.1.1", 1).await
}

both_engines! {
    /// TRUST M23: one large provider that wrongly knows none of its readers stops the edition, once, under whatever domains; a
    /// company that closed does not.
    async fn one_large_provider_that_refuses_its_readers_stops_the_edition(app: TestApp) {
        app.leaves_work();
        readers(&app, 60, partly_at_one_provider).await;
        for domain in ["big0.example.org", "big1.example.org"] {
            refuse(&app, Rule::at(Stage::Rcpt).to_domain(domain).reply(550, "5.1.1 User unknown"));
        }
        let id = app.seal_edition("Wrongly refused").await;
        group(&app).await;
        app.send().await;
        let paused = edition(&app, id).await;
        assert_eq!(paused.state, EditionState::Paused);
        for words in ["copies to provider.example", "550 5.1.1 User unknown"] {
            assert!(paused.paused_because.contains(words), "{}", paused.paused_because);
        }
        receive_refusals(&app.site).await.expect("the log is read");
        assert_eq!(suppressed(&app).await, 0, "a person is asked first");
        // Who lets it go on without them is not asked again.
        app.resume(&paused.public_id).await;
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Finished);
        assert_eq!(progress(&app, id).await.accepted, 36);

        let company = app.seal_edition("A company closed").await;
        database::change(&app.site.db, "update edition set sealed_count = 10000 where state = 'sending'").await;
        app.send().await;
        assert_eq!(edition(&app, company).await.state, EditionState::Finished);
        app.drain().await;
    }

    /// TRUST M23: the same when it takes the copies and sends them back later.
    async fn copies_that_one_large_provider_sends_back_wait_for_a_person(app: TestApp) {
        readers(&app, 60, partly_at_one_provider).await;
        app.send_edition("Sent back").await;
        group(&app).await;
        for number in 1..=19 {
            assert_eq!(gone(&app, &partly_at_one_provider(number)).await, Effect::Bounced);
        }
        assert_eq!(suppressed(&app).await, 19);
        assert_eq!(gone(&app, &partly_at_one_provider(20)).await, Effect::Held);
        assert_eq!(suppressed(&app).await, 0);
        // What the page says is so: they go on being mailed.
        let desk = app.desk().await;
        desk.open("/desk/bounces").await.says("20 copies of Sent back").says("all of them go on being mailed");
        app.send_edition("The next").await;
        assert_eq!(app.mails(&partly_at_one_provider(1)).len(), 2);
    }

    /// TRUST M23: three reports about one copy are one copy.
    async fn copies_are_counted_and_not_reports(app: TestApp) {
        readers(&app, 10, at(2)).await;
        app.send_edition("Reported again").await;
        for again in 1..=3 {
            for number in 1..=4 {
                assert_eq!(bounce(&app, &at(2)(number), "5.1.1", again).await, Effect::Bounced);
            }
        }
        assert_eq!(suppressed(&app).await, 4);
        assert_eq!(gone(&app, &at(2)(5)).await, Effect::Held, "the fifth of ten");
        assert_eq!(suppressed(&app).await, 0);
        let page = app.desk().await.open("/desk/bounces").await;
        offers(page.says("5 copies of Reported again"), "stop mailing these 5 readers");
    }

    /// TRUST M23: what somebody says is about what they saw; what came since waits for another look.
    async fn a_press_is_about_what_its_page_showed(app: TestApp) {
        readers(&app, 60, at(7)).await;
        let id = app.send_edition("More to come").await;
        let public_id = edition(&app, id).await.public_id;
        for number in 1..=20 {
            gone(&app, &at(7)(number)).await;
        }
        let desk = app.desk().await;
        let page = desk.open("/desk/bounces").await;
        offers(&page, "They are really gone: stop mailing these 20 readers");
        for number in 21..=25 {
            gone(&app, &at(7)(number)).await;
        }
        let form = page.form(&format!("/desk/bounces/{public_id}/gone"));
        let page = desk.submit_and_follow(&form).await;
        page.says("More came back since you opened the page").says("5 copies of More to come");
        offers(&page, "these 5 readers");
        assert_eq!(suppressed(&app).await, 20);
        assert_eq!(gone(&app, &at(7)(26)).await, Effect::Held, "nothing is decided of what comes");
        // Pressed again on the old page: the same readers, and nobody else.
        desk.submit_and_follow(&form).await.says("More came back");
        assert_eq!(suppressed(&app).await, 20);
        let form = desk.open("/desk/bounces").await.form(&format!("/desk/bounces/{public_id}/gone"));
        desk.submit_and_follow(&form).await.says("They are not mailed any more.");
        assert_eq!(suppressed(&app).await, 26);
        assert_eq!(gone(&app, &at(7)(27)).await, Effect::Bounced);
    }

    /// TRUST M23, M26: readers who were stopped by one failure too many of those that pass belong to the mass as well.
    async fn readers_of_a_third_soft_failure_are_held_with_the_others(app: TestApp) {
        readers(&app, 10, at(2)).await;
        for subject in ["One", "Two"] {
            app.send_edition(subject).await;
            for number in 1..=5 {
                assert_eq!(bounce(&app, &at(2)(number), "5.2.2", 1).await, Effect::Counted);
            }
            app.advance(DAY * 4);
        }
        let id = app.send_edition("Three").await;
        for number in 1..=3 {
            assert_eq!(bounce(&app, &at(2)(number), "5.2.2", 1).await, Effect::Bounced);
        }
        assert_eq!(gone(&app, &at(2)(6)).await, Effect::Bounced);
        assert_eq!(suppressed(&app).await, 4);
        assert_eq!(bounce(&app, &at(2)(4), "5.2.2", 1).await, Effect::Held);
        assert_eq!(suppressed(&app).await, 0, "all of them are let go");
        assert_eq!(bounce(&app, &at(2)(5), "5.2.2", 1).await, Effect::Held);
        let desk = app.desk().await;
        let page = desk.open("/desk/bounces").await;
        page.says("6 copies of Three");
        let public_id = edition(&app, id).await.public_id;
        desk.submit(&page.form(&format!("/desk/bounces/{public_id}/gone"))).await;
        assert_eq!(suppressed(&app).await, 6);
        app.advance(DAY);
        app.send_edition("Four").await;
        assert_eq!(app.mails(&at(2)(4)).len(), 3);
    }

    /// TRUST M23: one copy alone stops the edition once; after somebody let it go on it fails by itself.
    async fn one_copy_alone_stops_an_edition_once(app: TestApp) {
        readers(&app, 60, at(7)).await;
        let words = "5.7.26 This mail is unauthenticated 4af12c-1b2 - gsmtp";
        refuse(&app, Rule::at(Stage::Dot).to(&at(7)(9)).reply(550, words));
        refuse(&app, Rule::at(Stage::Rcpt).to(&at(7)(58)).reply(450, "4.2.0 Greylisted, come back later"));
        let id = app.seal_edition("For all but one").await;
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Paused);
        let public_id = edition(&app, id).await.public_id;
        // The same domain says it to another reader as well; what names the message differs.
        mend(&app);
        for (number, token) in [(9, "77e0d-5c9"), (58, "b03-12")] {
            let words = format!("5.7.26 This mail is unauthenticated {token} - gsmtp");
            refuse(&app, Rule::at(Stage::Dot).to(&at(7)(number)).reply(550, &words));
        }
        app.resume(&public_id).await;
        app.advance(DAY);
        app.drain().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Finished);
        let figures = progress(&app, id).await;
        assert_eq!((figures.accepted, figures.failed), (58, 2));
        receive_refusals(&app.site).await.expect("the log is read");
        assert_eq!(suppressed(&app).await, 0, "it says nothing of the readers");
        app.desk().await.open("/desk/bounces").await.says("not their fault");
    }

    /// TRUST M23: but when it meets a share of the copies it stops again, however often somebody lets it go on.
    async fn what_meets_every_copy_stops_an_edition_again(app: TestApp) {
        app.leaves_work();
        readers(&app, 60, at(1)).await;
        refuse(&app, Rule::at(Stage::Mail).reply(550, "5.7.1 You are not welcome"));
        let id = app.seal_edition("Refused to all").await;
        app.send().await;
        let desk = app.desk().await;
        for _ in 0..3 {
            let paused = edition(&app, id).await;
            assert_eq!(paused.state, EditionState::Paused);
            let page = desk.open(&format!("/desk/editions/{}", paused.public_id)).await;
            desk.submit_and_follow(&page.form("/resume")).await.says("Going on.");
            app.send().await;
        }
        assert_eq!(edition(&app, id).await.state, EditionState::Paused);
        assert_eq!(progress(&app, id).await.accepted, 0);
    }

    /// TRUST M23: copies to readers who are said to be gone are not offered to be tried again, neither by going on nor by their
    /// reason; those to the others are.
    async fn copies_to_readers_who_are_gone_are_not_offered_again(app: TestApp) {
        readers(&app, 60, at(7)).await;
        refuse(&app, Rule::at(Stage::Rcpt).reply(550, "5.1.1 User unknown"));
        let id = app.seal_edition("All gone").await;
        app.send().await;
        mend(&app);
        receive_refusals(&app.site).await.expect("the log is read");
        let (desk, public_id) = (app.desk().await, edition(&app, id).await.public_id);
        let path = format!("/desk/editions/{public_id}");
        let failed = progress(&app, id).await.failed;
        offers(&desk.open(&path).await, &format!("try the {failed} copies again"));
        let page = desk.open("/desk/bounces").await;
        desk.submit_and_follow(&page.form(&format!("/desk/bounces/{public_id}/gone"))).await;
        // One of them wrote that they are still there.
        let back = "update suppression set lifted_at = created_at where id = (select min(id) from suppression)";
        for (lifted, words) in [(0, None), (1, Some("try the 1 copy again that failed for it"))] {
            if lifted > 0 {
                assert_eq!(database::change(&app.site.db, back).await, 1);
            }
            let page = desk.open(&path).await;
            match words {
                Some(words) => offers(&page, words),
                None => assert!(!page.body.contains("copies again"), "{}", page.body),
            }
            offers(&page, "Go on sending");
            assert_eq!(page.body.contains("Try these again"), words.is_some(), "{}", page.body);
        }
        desk.submit_and_follow(&desk.open(&path).await.form("/resume")).await.says("Going on.");
        app.drain().await;
        let after = progress(&app, id).await;
        assert_eq!((after.failed, after.accepted), (failed - 1, 60 - failed + 1));
    }

    /// TRUST M23: going on takes up again what the edition stopped for, by one press; or leaves it out, by another.
    async fn going_on_takes_up_what_failed_for_the_pause(app: TestApp) {
        readers(&app, 60, at(7)).await;
        for (subject, words) in [
            ("About us", "Service unavailable; Client host [192.0.2.1] blocked using zen.example.net"),
            ("All gone?", "5.1.1 User unknown"),
        ] {
            refuse(&app, Rule::at(Stage::Rcpt).reply(550, words));
            let id = app.seal_edition(subject).await;
            app.send().await;
            mend(&app);
            let paused = edition(&app, id).await;
            let failed = progress(&app, id).await.failed;
            assert!(paused.state == EditionState::Paused && failed > 0, "{subject}: {failed}");
            let desk = app.desk().await;
            let page = desk.open(&format!("/desk/editions/{}", paused.public_id)).await;
            offers(&page, &format!("Go on sending, and try the {failed} copies again that failed for it"));
            offers(&page, "Go on sending without them");
            let form = page.form("/resume");
            desk.submit_and_follow(&form).await.says("Going on.");
            app.drain().await;
            assert_eq!(progress(&app, id).await.accepted, 60, "{subject}");
            // Pressed again on the old page nothing happens.
            desk.submit(&form).await;
            assert_eq!(edition(&app, id).await.state, EditionState::Finished);
        }
        // And without them.
        refuse(&app, Rule::at(Stage::Rcpt).reply(550, "Sender verify failed"));
        let id = app.seal_edition("Without them").await;
        app.send().await;
        mend(&app);
        let failed = progress(&app, id).await.failed;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/editions/{}", edition(&app, id).await.public_id)).await;
        desk.submit_and_follow(&page.form("/resume").without("refused")).await.says("Going on.");
        app.drain().await;
        assert_eq!((progress(&app, id).await.failed, edition(&app, id).await.state), (failed, EditionState::Finished));
    }

    /// TRUST M23: a mail service's reports that name the address alone are weighed with those of the newest copy.
    async fn reports_without_a_copy_are_weighed(app: TestApp) {
        readers(&app, 60, at(7)).await;
        let id = app.send_edition("By webhook").await;
        for number in 1..=25 {
            let report = BounceReport {
                recipients: vec![ReportedRecipient {
                    address: at(7)(number).to_uppercase(),
                    class: BounceClass::Hard,
                    status: Some("5.1.1".to_owned()),
                    reply: None,
                    action: Action::Failed,
                    reason: Reason::NoMailbox,
                    words: "no such user".to_owned(),
                }],
                ..BounceReport::default()
            };
            let effect = receive(&app.site, Source::Postmark, &number.to_string(), &report).await.expect("it is taken in");
            assert_eq!(effect, if number < 20 { Effect::Bounced } else { Effect::Held }, "{number}");
        }
        assert_eq!(suppressed(&app).await, 0);
        // Copies of another edition wait when somebody says that they are gone: they are withdrawn.
        let next = app.seal_edition("The next").await;
        let desk = app.desk().await;
        let page = desk.open("/desk/bounces").await;
        page.says("25 copies of By webhook");
        desk.submit(&page.form(&format!("/desk/bounces/{}/gone", edition(&app, id).await.public_id))).await;
        assert_eq!(suppressed(&app).await, 25);
        app.drain().await;
        let figures = progress(&app, next).await;
        assert_eq!((figures.accepted, figures.suppressed), (35, 25));
    }

    /// TRUST M23: what was given up without a server's word says nothing of how many copies the servers ended.
    async fn copies_that_were_given_up_hide_no_failures(app: TestApp) {
        readers(&app, 60, at(7)).await;
        app.send_edition("Given up").await;
        for sql in [
            "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, attempt, marker, maybe_duplicate, next_at, updated_at)
                select d.edition_id, d.subscriber_id + 1000 * n.n, 'x' || d.address, '', d.domain_key, d.variant_id, 'failed', 'exhausted', 0, d.marker, d.marker, 0, 0
                from delivery d, (select 1 as n union all select 2 union all select 3 union all select 4 union all select 5 union all select 6) n",
            "insert into delivery_tally (edition_id, worker_id, state, count) select edition_id, 999, 'failed', count(*) from delivery where state = 'failed' group by edition_id",
            "update edition set sealed_count = sealed_count + 360",
        ] {
            database::change(&app.site.db, sql).await;
        }
        for number in 1..=20 {
            let report = BounceReport {
                recipients: vec![ReportedRecipient {
                    address: at(7)(number),
                    class: BounceClass::Hard,
                    status: Some("5.1.1".to_owned()),
                    reply: None,
                    action: Action::Failed,
                    reason: Reason::NoMailbox,
                    words: "no such user".to_owned(),
                }],
                ..BounceReport::default()
            };
            let effect = receive(&app.site, Source::Postmark, &number.to_string(), &report).await.expect("it is taken in");
            assert_eq!(effect, if number < 20 { Effect::Bounced } else { Effect::Held }, "{number}");
        }
    }

    /// An edition's domains are written down with its copies: nothing reads an audience to count them.
    async fn the_domains_of_an_edition_are_written_down(app: TestApp) {
        readers(&app, 25, at(3)).await;
        let id = app.send_edition("Three domains").await;
        let known = database::rows::<(String, i64)>(&app.site.db, "select name, copies from edition_domain order by name").await;
        let expected: Vec<_> = [8, 9, 8].into_iter().zip(0..).map(|(copies, n)| (format!("mail{n}.example.org"), copies)).collect();
        assert_eq!(known, expected);
        assert_eq!(progress(&app, id).await.accepted, 25);
    }

    /// TRUST M23: a server that asks to come back later says nothing of whether copies are refused.
    async fn a_temporary_answer_does_not_hide_that_all_are_refused(app: TestApp) {
        app.leaves_work();
        readers(&app, 60, at(7)).await;
        refuse(&app, Rule::at(Stage::Rcpt).to(&at(7)(1)).reply(450, "4.2.0 Greylisted, come back later"));
        refuse(&app, Rule::at(Stage::Rcpt).reply(550, "5.1.1 User unknown"));
        let id = app.seal_edition("All gone, or later?").await;
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Paused);
        assert!(progress(&app, id).await.failed >= 20);
    }
}
