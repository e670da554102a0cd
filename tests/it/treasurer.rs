//! The treasurer at the desk: sends gifts back, sees what banks say, closes months and reads what was paid out.

use std::time::Duration;

use broadside::{
    clock::Moment,
    db::Engine,
    donations::{self, GiftStanding},
    sandbox::{ApiFault, DisputeKind},
};
use reqwest::StatusCode;

use crate::{
    donating::{BUYER, House},
    support::{
        Browser, Fixture as _, Program, Seed, TestApp, TestDb,
        app::OWNER,
        both_engines,
        database::{change, rows},
        wait,
    },
};

const DAY: Duration = Duration::from_secs(86_400);

both_engines! {
    /// TRUST M23: an account that is restricted, or whose news do not reach us, is told by letter: at once, again each week while it goes on,
    /// and anew when it begins anew; the desk says it and asks at a press.
    async fn an_account_in_trouble_is_told(app: TestApp) {
        let stripe = app.sandbox.stripe();
        let turns = async || {
            for _ in 0..2 {
                app.jobs().run_all_once().await;
                app.send().await;
            }
        };
        let letters = |word: &str| app.mails(OWNER.0).iter().filter(|mail| mail.subject.contains(word)).count();
        turns().await;
        assert_eq!(letters("payment service"), 0);
        stripe.restrict_account(false, true, &["company.tax_id"]).expect("it is restricted");
        for (later, told) in [(0, 1), (1, 1), (5, 1), (2, 2)] {
            app.advance(DAY * later);
            turns().await;
            assert_eq!(letters("takes no gifts for you any more"), told, "{later} days later");
        }
        let desk = app.desk().await;
        let page = desk.open("/desk/donations").await;
        page.says("takes no gifts for you any more. It waits for: company.tax_id.");
        stripe.restrict_account(true, true, &[]).expect("all is well");
        let asked = desk.submit_and_follow(&page.form("/desk/donations/account")).await;
        assert!(!asked.body.contains("takes no gifts"), "{}", asked.body);
        app.advance(DAY);
        turns().await;
        stripe.restrict_account(false, true, &[]).expect("restricted anew");
        turns().await;
        assert_eq!(letters("takes no gifts for you any more"), 3);
        stripe.restrict_account(true, true, &[]).expect("all is well");

        stripe.hold_events();
        for (later, told) in [(0, 0), (1, 1), (1, 1)] {
            app.advance(DAY * later + Duration::from_secs(60));
            let session = app.begin_to_give("ann@example.org", "15", "once").await;
            stripe.pay(&session, "ann@example.org").expect("the session is open");
            turns().await;
            assert_eq!(letters("does not tell us by itself"), told, "{later} days later");
        }
        app.leaves_work();
    }

    /// TRUST D6, D8: part of a gift is sent back once, however often the button is pressed; more than is left is refused in words; the why is
    /// kept; the provider's own book says the same.
    async fn a_gift_is_sent_back_from_the_desk(house: House) {
        let (gift, _) = house.paid("15").await;
        let desk = house.desk().await;
        let path = format!("/desk/donations/{}", gift.id);
        let page = desk.open(&path).await;
        assert!(page.body.contains("Visa ending in 4242"), "{}", page.body);
        let form = page.form(&format!("{path}/refund"));
        assert!(page.body.contains("value=\"15.00\""), "all of it is offered");
        for (amount, why, sentence) in [
            ("15.01", "by mistake", "At most €15.00 is left"),
            ("0", "by mistake", "must be more than zero"),
            ("5", "", "Say why"),
            ("five", "by mistake", "Type an amount in figures"),
        ] {
            let refused = desk.submit(&form.clone().with("amount", amount).with("why", why)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount} {why}");
            assert!(refused.body.contains(sentence), "{sentence}: {}", refused.body);
        }
        let form = form.with("amount", "5,00").with("why", "asked by telephone");
        for _ in 0..2 {
            let done = desk.submit_and_follow(&form).await;
            assert!(done.body.contains("asked by telephone") && done.body.contains("partly sent back"), "{}", done.body);
        }
        house.work().await;
        assert_eq!(house.donation(&gift).await.refunded_minor, 500);
        house.agrees("eur").await;

        let again = desk.open(&path).await;
        assert!(again.body.contains("value=\"10.00\""), "what is left is offered");
        desk.submit_and_follow(&again.form(&format!("{path}/refund")).with("why", "all of it")).await;
        house.work().await;
        assert_eq!(house.donation(&gift).await.standing, GiftStanding::Refunded);
        assert!(!desk.open(&path).await.body.contains("How much to send back"), "nothing is left");
        assert!(desk.open("/desk/donations?state=sent_back").await.body.contains(&gift.id));
        house.agrees("eur").await;
    }

    /// TRUST D6, F3: the program is killed by `kill -9` with a refund in hand: before it is asked for, on its way, done and not answered.
    /// Begun again it is made once, and both books agree.
    async fn a_refund_that_is_killed_is_made_once(house: House) {
        let mut seed = Seed::get(&format!("a refund killed on {:?}", house.site.db.engine()));
        let api = format!("http://{}", house.sandbox.http_addr());
        let settings = [
            ("STRIPE_SECRET_KEY", "sk_test_of_a_test"),
            ("STRIPE_WEBHOOK_SECRET", "whsec_of_a_test"),
            ("STRIPE_API_BASE", api.as_str()),
        ];
        let (stripe, db) = (house.stripe(), &house.site.db);
        let owner = rows::<(i64,)>(db, "select id from staff order by id").await[0].0;
        let again = "update refund_request set next_at = 0 where state = 'asked'";
        let open = "select next_at from refund_request where state = 'asked'";
        for fault in [ApiFault::Delay(Duration::from_secs(1)), ApiFault::LoseReply, ApiFault::FailAfter(503)] {
            let (gift, charge) = house.paid("15").await;
            let payment = stripe.object(&charge).expect("a charge")["payment_intent"].as_str().expect("a payment").to_owned();
            // As it is written down before it is asked for.
            let key = broadside::token::public_id();
            let request = serde_json::json!({ "idempotency_key": format!("refund:{key}"), "payment": payment, "amount_minor": 500, "ours": key });
            let asked = format!(
                "insert into refund_request (public_id, donation_id, staff_id, amount_minor, currency, why, request, state, attempts, created_at, next_at)
                select '{key}', id, {owner}, 500, 'EUR', 'given twice', '{request}', 'asked', 0, 0, 0 from donation where public_id = '{}'",
                gift.id
            );
            assert_eq!(change(db, Box::leak(asked.into_boxed_str())).await, 1);
            for _ in 0..2 {
                change(db, again).await;
                stripe.plan_request(Some("/v1/refunds"), fault, None);
                let program = Program::serve(&house, &settings);
                wait::until("the refund to be taken in hand", async || {
                    rows::<(i64,)>(db, open).await.iter().all(|(next_at,)| *next_at > 0).then_some(())
                })
                .await;
                for _ in 0..seed.within(0..3_000_000) {
                    std::hint::spin_loop();
                }
                program.kill();
                stripe.clear_plans();
            }
            change(db, again).await;
            let program = Program::serve(&house, &settings);
            wait::until("the refund to be made", async || rows::<(i64,)>(db, open).await.is_empty().then_some(())).await;
            program.kill();
            let made = house.provider.after().refunds_of(&payment).await.expect("the list");
            assert_eq!(made.iter().map(|one| one.amount.minor).collect::<Vec<_>>(), [500], "{fault:?}");
            house.work().await;
            assert_eq!(house.donation(&gift).await.refunded_minor, 500, "{fault:?}");
        }
        house.agrees("eur").await;
        house.leaves_work();
    }

    /// A dispute is at the top of the page with its day, and at the gift with what helps; nothing is sent back meanwhile.
    async fn a_dispute_is_seen_at_the_desk(house: House) {
        let (gift, charge) = house.paid("15").await;
        let dispute = house.stripe().dispute(&charge, DisputeKind::Chargeback, None, "fraudulent").expect("a dispute");
        house.work().await;
        let desk = house.desk().await;
        let list = desk.open("/desk/donations").await;
        assert!(list.body.contains("A bank takes €15.00 back. Answer at the payment service until"), "{}", list.body);
        let page = desk.open(&format!("/desk/donations/{}", gift.id)).await;
        for words in ["did not make this payment", "What helps", "earlier gifts from the same person", "waits for our answer"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains("Send it back"), "a bank has it");
        desk.open("/desk").await.says("A bank takes a gift back, or asks about it. An answer counts until");
        assert!(desk.open("/desk/donations?state=disputed").await.body.contains(&gift.id));
        house.stripe().dispute_becomes(&dispute, "won").expect("an end");
        house.work().await;
        assert!(!desk.open("/desk/donations").await.body.contains("A bank takes"));
        house.agrees("eur").await;
    }

    /// A dispute that is over before anybody was told of its beginning is one letter, of how it is.
    async fn one_happening_is_one_letter(house: House) {
        let (_, charge) = house.paid("15").await;
        let letters = || TestApp::mails(&house, OWNER.0).into_iter().map(|mail| mail.subject).filter(|subject| subject.contains("€15.00")).collect::<Vec<_>>();
        let dispute = house.stripe().dispute(&charge, DisputeKind::Chargeback, None, "fraudulent").expect("a dispute");
        house.work().await;
        house.stripe().dispute_becomes(&dispute, "lost").expect("an end");
        house.work().await;
        for _ in 0..3 {
            house.jobs().run_all_once().await;
            house.send().await;
        }
        assert_eq!(letters().len(), 1, "{:?}", letters());
        assert!(letters()[0].contains("is lost"), "{:?}", letters());
    }

    /// What rests, and what is not paid any more, is in the figures with what it would bring; its page says how it is. One that is given
    /// yearly is called monthly nowhere.
    async fn a_regular_gift_that_rests_is_seen_at_the_desk(house: House) {
        let gift = house.give("month", "7.50").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        house.work().await;
        let stripe = house.stripe();
        let subscription = stripe.subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        let recurring = house.donation(&gift).await.recurring_public_id.expect("a regular donation");
        let donor: Vec<(String,)> = rows(&house.site.db, "select public_id from donor").await;
        let link = donations::asked_supporter_token(&house.site, &donor[0].0);
        let supporter = donations::supporter_by_link(&house.site, &link).await.expect("a read").expect("theirs");
        let wishes = async |wish| {
            let provider: &dyn broadside::payments::PaymentProvider = house.provider.as_ref();
            donations::change_regular(&house.site, Some(provider), &supporter, (&recurring, wish)).await.expect("it is changed");
        };
        let yearly = broadside::payments::GiftRhythm::OFFERED[3];
        wishes(donations::Wish::Rhythm(yearly)).await;
        let desk = house.desk().await;
        let path = format!("/desk/donations/{}", gift.id);
        desk.open(&path).await.says("€7.50 every year").says("running").says("Next payment");
        desk.open("/desk/donations").await.says("every year, 1 donation running");
        let until = house.site.now().plus(40 * DAY);
        wishes(donations::Wish::Rest(Some(until))).await;
        let day = until.date(&broadside::clock::Zone::UTC);
        let page = desk.open(&path).await;
        page.says("€7.50 every year").says(&format!("rests until {day}; nothing is taken meanwhile"));
        assert!(!page.text().contains("Next payment"), "none is taken: {}", page.text());
        let list = desk.open("/desk/donations").await;
        list.says("€7.50").says("would come every year: 1 donation at rest");
        assert!(!list.text().contains("running"), "{}", list.text());
        stripe.change_subscription(&subscription, "pause_collection=").expect("it goes on");
        house.work().await;
        desk.open("/desk/donations").await.says("every year, 1 donation running");

        // The words of every page and letter that knows of it.
        house.drain().await;
        let csv = desk.submit(&desk.open("/desk/donations/file").await.form("/desk/donations/file")).await.body;
        assert!(csv.contains(",regular,paid,"), "{csv}");
        let theirs = house.page(&format!("/supporter/{link}")).await;
        let giving = house.page(&format!("/giving/{}", donations::manage_token(&house.site, &recurring))).await;
        assert!(theirs.contains("€7.50 every year") && giving.contains("€7.50 every year"));
        let thanks = house.page(&format!("/thanks/{}", donations::thanks_token(&house.site, &gift.id))).await;
        let mails: Vec<String> = TestApp::mails(&house, BUYER).into_iter().map(|mail| mail.text).collect();
        for text in [csv, desk.open("/desk").await.text(), desk.open("/desk/donations").await.text(), desk.open(&path).await.text(), giving, thanks].iter().chain(&mails) {
            assert!(!text.to_lowercase().contains("monthly"), "{text}");
        }
        stripe.cancel_subscription(&subscription).expect("an end");
        house.work().await;
        desk.open(&path).await.says("ended").says("€7.50 every year");
        assert!(!desk.open("/desk/donations").await.text().contains("donation running"));
    }

    /// A month is closed once it is over, and says by whom; it cannot be closed twice, nor one that goes on.
    async fn a_month_is_closed_at_the_desk(house: House) {
        house.paid("15").await;
        let desk = house.desk().await;
        let page = desk.open("/desk/donations/book").await;
        assert!(page.body.contains("Given once") && page.body.contains("-€15.00"), "{}", page.body);
        assert!(!page.body.contains("Close "), "it goes on");
        let month = donations_month(&house);
        house.advance(Duration::from_secs(40 * 86_400));
        // A session does not live as long as that.
        let desk = house.desk().await;
        let page = desk.open(&format!("/desk/donations/book?month={month}")).await;
        let form = page.form("/desk/donations/book");
        let closed = desk.submit_and_follow(&form).await;
        assert!(closed.body.contains("Closed on"), "{}", closed.body);
        let again = desk.submit(&form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("That month is closed"));
        let unknown = desk.submit(&form.with("month", "2026-13")).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(donations::closed_months(&house.site.db).await.expect("a read").len(), 1);
    }

    /// A month that nobody told us of is found by its invoice, for its payment has no name of ours; and is booked where that is wanted.
    async fn a_month_that_nobody_told_is_found_by_comparing(house: House) {
        let monthly = house.give("month", "7.50").await;
        house.stripe().pay(&monthly.session, BUYER).expect("a payment");
        house.work().await;
        house.advance(Duration::from_secs(30 * 86_400));
        house.stripe().hold_events();
        let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        house.stripe().renew(&subscription).expect("another month");
        let _lost = house.stripe().held_events();
        house.advance(Duration::from_secs(7_200));
        let span = (house.site.now().minus(Duration::from_secs(86_400)), house.site.now());
        let compare = async |mend| donations::reconcile(&house.site, house.provider.as_ref(), span, mend).await.expect("a comparison");
        let found = compare(false).await;
        assert!(found.differences.iter().any(|one| one.id.starts_with("in_")), "{found:?}");
        compare(true).await;
        let found = compare(false).await;
        assert!(found.is_equal(), "{found:?}");
        assert_eq!(house.sums().await, (2, 1_500));
    }

    /// TRUST D8: of more than a page of rows that nobody knows at the payment service each is found, and once.
    async fn every_row_that_is_only_here_is_found_once(house: House) {
        let rows = "insert into movement (provider_movement_id, type, amount_minor, fee_minor, currency, at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200)
            select 'txn_' || (10000 - i), 'charge', 100, 0, 'EUR', 1772528400000000 from n";
        change(&house.site.db, rows).await;
        house.advance(Duration::from_secs(7_200));
        let span = (Moment::from_unix_seconds(1_772_528_000), house.site.now());
        let found = donations::reconcile(&house.site, house.provider.as_ref(), span, false).await.expect("a comparison");
        assert_eq!(found.different, 1_200);
        let mut names: Vec<_> = found.differences.iter().map(|one| &one.id).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), found.differences.len());
        change(&house.site.db, "delete from movement").await;
    }

    /// TRUST T10: a gift that a restored backup does not know is fetched by its session, however old that is; and what was sent back
    /// meanwhile is known before more is.
    async fn what_a_restored_backup_does_not_know_is_fetched(house: House) {
        let (gift, charge) = house.paid("15").await;
        let lost = house.give("once", "25").await;
        house.stripe().hold_events();
        house.stripe().refund(&charge, Some(500)).expect("a refund");
        house.stripe().pay(&lost.session, BUYER).expect("a payment");
        change(&house.site.db, "update donation set public_id = 'another', provider_session_id = null where state <> 'paid'").await;
        house.advance(Duration::from_secs(7_200));
        let desk = house.desk().await;
        let path = format!("/desk/donations/{}/refund", gift.id);
        let form = desk.open(&format!("/desk/donations/{}", gift.id)).await.form(&path);
        let refused = desk.submit(&form.with("amount", "12").with("why", "asked for it")).await;
        assert!(refused.body.contains("At most €10.00 is left"), "{}", refused.body);
        let span = (house.site.now().minus(Duration::from_secs(86_400)), house.site.now());
        let compare = async |mend| donations::reconcile(&house.site, house.provider.as_ref(), span, mend).await.expect("a comparison");
        assert!(!compare(false).await.is_equal());
        compare(true).await;
        let found = compare(false).await;
        assert!(found.is_equal(), "{found:?}");
        assert_eq!(house.donation(&lost).await.amount_minor, 2_500);
        house.agrees("eur").await;
    }

    /// TRUST D8: a treasurer has both books compared at a press: one at a time, in the background. The page says that it is under way, what came
    /// of it, truly so where there was nothing, and that it did not work.
    async fn both_books_are_compared_at_a_press(house: House) {
        let desk = house.desk().await;
        let book = async || desk.open("/desk/donations/book").await;
        let form = book().await.form("/desk/donations/book/compare");
        let turn = async || house.jobs().run_all_once().await;
        let asked = desk.submit_and_follow(&form).await;
        asked.says("It is being compared");
        assert!(!asked.body.contains("Compare now"), "it is under way");
        desk.submit(&form).await;
        assert_eq!(rows::<(i64,)>(&house.site.db, "select count(*) from comparison").await, [(1,)]);
        turn().await;
        book().await.says("there was nothing to compare");
        assert!(book().await.body.contains("Compare now"), "it is over");
        assert!(!book().await.body.contains("Equal on"), "nothing was the same");

        house.paid("15").await;
        house.advance(Duration::from_secs(3_700));
        desk.submit(&form).await;
        turn().await;
        book().await.says("Equal on").says("say the same of all that moved from");
        desk.open("/desk/donations").await.says("Last equal: today");

        house.stripe().plan_request(Some("/v1/payment_intents"), ApiFault::Refuse(403), None);
        desk.submit(&form).await;
        turn().await;
        let failed = book().await;
        failed.says("It did not work the last time").says("tried again by itself");
        // Nobody has to wait for that: the clock stands still, and a press begins it.
        turn().await;
        book().await.says("It did not work the last time");
        house.stripe().clear_plans();
        assert!(failed.body.contains("Try again now"), "{}", failed.body);
        desk.submit_and_follow(&failed.form("/desk/donations/book/compare")).await.says("It is being compared");
        turn().await;
        let page = book().await;
        assert!(page.body.contains("Compare now") && !page.body.contains("It did not work"), "{}", page.body);
        // Nor is anything lost by whoever presses nothing.
        house.stripe().plan_request(Some("/v1/payment_intents"), ApiFault::Refuse(403), None);
        desk.submit(&page.form("/desk/donations/book/compare")).await;
        turn().await;
        house.stripe().clear_plans();
        house.advance(Duration::from_secs(120));
        turn().await;
        assert!(!book().await.body.contains("It did not work"), "it was tried again by itself");

        // Whoever compared was killed in the middle of it: another takes it up once nobody says any more that they are at it.
        let now = house.site.now();
        let until = now.plus(Duration::from_secs(240)).0;
        change(&house.site.db, format!("insert into comparison (name, asked_at, mends, attempts, next_at) values ('books', {}, 'no', 1, {until})", now.0).leak()).await;
        turn().await;
        book().await.says("It is being compared");
        house.advance(Duration::from_secs(300));
        turn().await;
        assert!(book().await.body.contains("Compare now"), "it is over");
    }

    /// TRUST D8: what differs is fetched and booked at a press, without a command, and its supporter has their receipt.
    async fn what_differs_is_fetched_at_a_press(house: House) {
        house.paid("15").await;
        let lost = house.give("once", "25").await;
        house.stripe().hold_events();
        house.stripe().pay(&lost.session, BUYER).expect("a payment");
        let _lost = house.stripe().held_events();
        house.advance(Duration::from_secs(7_200));
        let desk = house.desk().await;
        let page = desk.open("/desk/donations/book").await;
        assert!(!page.body.contains("Fetch what is missing"), "nothing differs yet");
        desk.submit(&page.form("/desk/donations/book/compare")).await;
        house.jobs().run_all_once().await;
        let page = desk.open("/desk/donations/book").await;
        page.says("€25.00 was paid, and is not in the book");
        let fetches = desk.submit_and_follow(&page.form("/desk/donations/book/compare").with("mend", "yes")).await;
        fetches.says("It is being compared");
        house.jobs().run_all_once().await;
        desk.open("/desk/donations/book").await.says("Equal on");
        assert_eq!(house.donation(&lost).await.standing, GiftStanding::Paid);
        house.drain().await;
        assert!(TestApp::mails(&house, BUYER).iter().any(|mail| mail.text.contains("€25.00")), "a receipt");
        house.agrees("eur").await;
    }

    /// TRUST D8: each night the books are compared once, by whichever process comes first.
    async fn both_books_are_compared_each_night(house: House) {
        let mut compared = 0;
        for _ in 0..48 {
            house.advance(Duration::from_secs(3_600));
            for _ in 0..2 {
                compared += donations::compare_due(&house.site, house.provider.as_ref()).await.expect("a turn").done;
            }
        }
        assert_eq!(compared, 2);
    }

    /// From which day on a month can be closed is said in the magazine's own zone, where it may be another day, month and year than in London.
    async fn when_a_month_can_be_closed_is_said_in_our_zone(house: House) {
        let new_year = Moment::from_unix_seconds(1_798_761_600);
        house.advance(new_year.since(house.site.now()).saturating_sub(Duration::from_secs(1_800)));
        let desk = house.desk().await;
        for (zone, says, of) in [
            ("UTC", "It can be closed from 1 January 2027 on.", "December 2026"),
            ("Australia/Sydney", "It can be closed from 1 February 2027 on.", "January 2027"),
            ("America/Los_Angeles", "It can be closed from 1 January 2027 on.", "December 2026"),
        ] {
            set_zone(&house, zone).await;
            let page = desk.open("/desk/donations/book").await;
            page.says(says).says(of);
            assert!(!page.body.contains("and whatever is before it</button>"), "{zone}: it goes on");
        }
        house.advance(Duration::from_secs(1_800));
        let page = desk.open("/desk/donations/book?month=2026-12").await;
        page.says("It can be closed from 1 January 2027 on.");
        set_zone(&house, "UTC").await;
        let page = desk.open("/desk/donations/book?month=2026-12").await;
        assert!(page.body.contains("Close December 2026 and whatever is before it"), "{}", page.body);
    }

    /// Treasurers read words, the same on each page and in the file, and no codes of the payment service.
    async fn a_treasurer_reads_words_and_no_codes(house: House) {
        let (gift, charge) = house.paid("15").await;
        house.stripe().refund(&charge, Some(500)).expect("a refund");
        house.work().await;
        let desk = house.desk().await;
        let page = desk.open(&format!("/desk/donations/{}", gift.id)).await;
        page.says("The payment page was gone through").says("Money is sent back").says("partly sent back");
        // The payment, and the refund, which the payment service tells of in several ways each.
        for once in ["A payment was made", "Money is sent back"] {
            assert_eq!(page.text().matches(once).count(), 1, "{once}: {}", page.text());
        }
        for code in ["checkout.session", "payment_intent.", "charge.", "refund.created", "partly_refunded"] {
            assert!(!page.text().contains(code), "{code}: {}", page.text());
        }
        desk.open("/desk/donations").await.says("partly sent back");
        let csv = desk.submit(&desk.open("/desk/donations/file").await.form("/desk/donations/file")).await;
        assert!(csv.body.contains(",once,partly sent back,"), "{}", csv.body);
    }

    /// Who gives twice is at the top of the page; a regular donation is ended from the desk, and says why in the log.
    async fn a_double_is_shown_and_ended_at_the_desk(house: House) {
        for _ in 0..2 {
            let monthly = house.give("month", "7.50").await;
            house.stripe().pay(&monthly.session, BUYER).expect("a payment");
            house.work().await;
        }
        let desk = house.desk().await;
        let page = desk.open("/desk/donations").await;
        assert!(page.body.contains("gives €7.50, and €7.50 beside it"), "{}", page.body);
        assert!(page.body.contains("every month, 2 donations running"));
        let newest = house.newest().await.public_id;
        let path = format!("/desk/donations/{newest}");
        let form = desk.open(&path).await.form(&format!("{path}/end"));
        let unsaid = desk.submit(&form).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
        desk.submit_and_follow(&form.with("why_end", "begun twice")).await;
        house.work().await;
        let page = desk.open("/desk/donations").await;
        assert!(page.body.contains("every month, 1 donation running") && !page.body.contains("beside it"), "{}", page.body);
        assert!(!desk.open(&path).await.body.contains("End it now"));
        let log = broadside::audit_log::latest(&house.site.db, 1).await.expect("a read");
        assert_eq!((log[0].action.as_str(), log[0].detail.as_str()), ("ended a regular donation", "begun twice"));
    }

    /// What was paid out is a line with the gifts that it is made of.
    async fn what_was_paid_out_is_read_at_the_desk(house: House) {
        let (gift, _) = house.paid("15").await;
        // What came in is at hand some days later.
        house.advance(Duration::from_secs(10 * 86_400));
        let payout = house.stripe().pay_out("eur").expect("a payout").expect("there is something");
        house.stripe().payout_arrives(&payout).expect("it arrives");
        house.work().await;
        donations::settle_waiting(&house.site, house.provider.as_ref()).await.expect("settled");
        let desk = house.desk().await;
        let book = desk.open("/desk/donations/book").await;
        assert!(book.body.contains(&payout) && book.body.contains("at the bank"), "{}", book.body);
        let page = desk.open(&format!("/desk/donations/payouts/{payout}")).await;
        assert!(page.body.contains(&gift.id), "{}", page.body);
        assert_eq!(desk.open("/desk/donations/payouts/po_unknown").await.status, StatusCode::NOT_FOUND);
    }
}

async fn set_zone(house: &House, zone: &str) {
    let insert =
        "insert into setting (id, name, value, changed_at) select coalesce(max(id), 0) + 1, 'time_zone'";
    change(&house.site.db, format!("{insert}, '{zone}', 0 from setting").leak()).await;
}

/// This month, as the address of the page names it.
fn donations_month(house: &House) -> String {
    let zone = broadside::clock::Zone::named("UTC").expect("a zone");
    house.site.now().day(&zone)[..7].to_owned()
}

/// TRUST D6, D8: in a browser a treasurer sends part of a gift back and sees a dispute come and go; every page is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_treasurer_sends_a_gift_back_and_sees_a_dispute_in_a_browser() {
    let Some(browser) = Browser::open().await else { return };
    let house = House::start(TestDb::migrated(Engine::Sqlite).await.expect("SQLite is always there")).await;
    let (gift, _) = house.paid("15").await;
    let (other, charge) = house.paid("20").await;
    browser.goto(&house.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&house.url("/desk/donations")).await;
    browser.wait_for_text("Given twice").await;
    browser.sound("treasurer-given-twice").await;

    browser.goto(&house.url(&format!("/desk/donations/{}", gift.id))).await;
    browser.fill("How much to send back", "5").await;
    browser.click("Send it back").await;
    // The browser itself asks for the why.
    assert!(house.stripe().book().given["eur"].refunded == 0);
    browser.fill("Why", "asked by telephone").await;
    browser.click("Send it back").await;
    browser.wait_for_text("partly sent back").await;
    browser.wait_for_text("asked by telephone").await;
    browser.sound("treasurer-sent-back").await;
    house.drain().await;
    assert_eq!(house.stripe().book().given["eur"].refunded, 500);
    let told =
        TestApp::mails(&house, BUYER).into_iter().find(|mail| mail.subject.contains("corrected receipt"));
    assert!(told.expect("a letter").text.contains("€5.00"));

    let dispute =
        house.stripe().dispute(&charge, DisputeKind::Chargeback, None, "fraudulent").expect("a dispute");
    house.drain().await;
    browser.goto(&house.url("/desk")).await;
    browser.wait_for_text("A bank takes a gift back").await;
    browser.goto(&house.url("/desk/donations")).await;
    browser.wait_for_text("A bank takes €20.00 back").await;
    browser.sound("treasurer-dispute").await;
    browser.click("See the gift").await;
    browser.wait_for_text("What helps:").await;
    assert!(!browser.sees("Send it back").await, "a bank has it");
    browser.sound("treasurer-disputed-gift").await;
    house.stripe().dispute_becomes(&dispute, "won").expect("an end");
    house.drain().await;
    browser.goto(&house.url(&format!("/desk/donations/{}", other.id))).await;
    browser.wait_for_text("How much to send back").await;
    let regular = house.give("month", "7.50").await;
    house.stripe().pay(&regular.session, BUYER).expect("a payment");
    let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
    let resumes = house.site.now().plus(40 * DAY).unix_seconds();
    let rests = format!("pause_collection[behavior]=void&pause_collection[resumes_at]={resumes}");
    house.stripe().change_subscription(&subscription, &rests).expect("it rests");
    house.drain().await;
    browser.goto(&house.url(&format!("/desk/donations/{}", regular.id))).await;
    browser.wait_for_text("nothing is taken meanwhile").await;
    browser.sound("treasurer-regular-rests").await;
    browser.goto(&house.url("/desk/donations")).await;
    browser.wait_for_text("1 donation at rest").await;
    browser.sound("treasurer-sums").await;
    browser.close().await;
    house.agrees("eur").await;
    house.finish().await;
}
