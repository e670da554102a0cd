//! The telephone rings: the treasurer finds a gift by whatever the caller says, notes it down, and takes gifts away as a file.

use std::time::Duration;

use broadside::{
    audit_log,
    clock::{Moment, Zone},
    donations::{self, Became, DonationKind, GiftSearch},
    money::Currency,
};
use reqwest::StatusCode;

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
};

/// What the program adds up gift by gift.
const DAYS: &str = "insert into gift_day (day, kind, currency, number, minor)
    select d.paid_at / 86400000000, d.kind, d.currency, count(*), sum(d.amount_minor - s.back_minor)
    from donation d join gift_standing s on s.donation_id = d.id where d.state = 'paid' group by 1, 2, 3";

/// Three supporters and their gifts: Zoë Özdemir monthly, Ann Lee once by card, and Bob, whose bank has yet to pay.
async fn supporters(app: &TestApp) {
    for text in [
        "insert into donor (id, public_id, email, email_key, name, created_at) values (1, 'zoe', 'Zoe@example.org', 'zoe@example.org', 'Zoë Özdemir', 1)",
        "insert into donor (id, public_id, email, email_key, name, created_at) values (2, 'ann', 'ann.lee@example.com', 'ann.lee@example.com', 'Ann Lee', 1)",
        "insert into recurring_donation (id, public_id, donor_id, email, name, amount_minor, currency, state, created_at, activated_at)
            values (1, 'monthly', 1, 'Zoe@example.org', 'Zoë Özdemir', 750, 'EUR', 'active', 1, 1)",
    ] {
        change(&app.site.db, text).await;
    }
    let day = |date: &str| {
        Zone::named("UTC").expect("a zone").day(date.parse().expect("a day")).expect("a day").0.0
    };
    for (id, donor, kind, minor, state, card, at) in [
        (1, "1", "instalment", 750, "paid", "", day("2026-09-03")),
        (2, "1", "instalment", 750, "paid", "", day("2026-10-03")),
        (3, "2", "once", 1_500, "paid", "4242", day("2026-10-04")),
        (4, "null", "once", 1_500, "pending", "", day("2026-10-05")),
        (5, "null", "once", 9_900, "expired", "", day("2026-10-06")),
    ] {
        let (email, name, monthly) = match id {
            1 | 2 => ("Zoe@example.org", "Zoë Özdemir", "1"),
            3 => ("ann.lee@example.com", "Ann Lee", "null"),
            4 => ("bob@example.net", "Bob", "null"),
            _ => ("", "", "null"),
        };
        let paid = if state == "paid" { at.to_string() } else { "null".to_owned() };
        let text = format!(
            "insert into donation (id, public_id, donor_id, email, name, recurring_donation_id, kind, amount_minor, currency, state, created_at, paid_at, card_last4)
                values ({id}, 'gift-{id}', {donor}, '{email}', '{name}', {monthly}, '{kind}', {minor}, 'EUR', '{state}', {at}, {paid}, '{card}')"
        );
        change(&app.site.db, text.leak()).await;
        if state == "paid" {
            let text = format!(
                "insert into receipt (public_id, number, donation_id, created_at) values ('r{id}', '2026-K{id}X9', {id}, {at})"
            );
            change(&app.site.db, text.leak()).await;
        }
    }
    change(&app.site.db, DAYS).await;
    donations::word_supporters(&app.site).await.expect("they have their words");
    // These rows never were at the provider: the book is not what is looked at here.
    app.leaves_work();
}

async fn found(app: &TestApp, typed: &str) -> Vec<i64> {
    let zone = Zone::named("UTC").expect("a zone");
    let search = GiftSearch::typed(typed, &zone, Some(Currency::EUR), app.site.now());
    let page = search.page(&app.site.db, None, 50).await.expect("a read");
    page.gifts.into_iter().map(|gift| gift.id).collect()
}

both_engines! {
    /// By any part of what somebody says, in any case and script; each word more narrows further.
    async fn a_gift_is_found_by_what_a_caller_says(app: TestApp) {
        supporters(&app).await;
        for (typed, gifts) in [
            ("", &[5, 4, 3, 2, 1][..]),
            ("OZDEMIR", &[2, 1]),
            ("özd", &[2, 1]),
            ("Zoe@Example.ORG", &[2, 1]),
            ("example.com", &[3]),
            ("lee ann", &[3]),
            ("demir", &[]),
            ("4242", &[3]),
            ("Visa ending in *4242", &[3]),
            ("15 EUR", &[4, 3]),
            ("15 ron", &[]),
            ("card 15", &[]),
            ("2026-k2x9", &[2]),
            ("#2026-K3", &[]),
            ("15", &[4, 3]),
            ("15.00 2026-10-04", &[3]),
            ("04.10.2026", &[3]),
            ("10/4/2026", &[3]),
            ("4 October 2026", &[3]),
            ("oct 4th, 2026", &[3]),
            ("October 2026", &[5, 4, 3, 2]),
            ("2026-10", &[5, 4, 3, 2]),
            ("zoë 2026-09", &[1]),
            ("bob", &[4]),
            ("bob@example.net 15", &[4]),
            ("%", &[5, 4, 3, 2, 1]),
            ("' or 1=1 --", &[]),
        ] {
            assert_eq!(found(&app, typed).await, gifts, "{typed:?}");
        }
        let mut search = GiftSearch::default();
        search.kind = Some(DonationKind::Instalment);
        let sums = search.sums(&app.site.db).await.expect("a read");
        assert_eq!((sums.len(), sums[0].number, sums[0].minor), (1, 2, 1_500));
        search.became = Some(Became::Waits);
        assert!(search.page(&app.site.db, None, 9).await.expect("a read").gifts.is_empty());
        // By key: two pages are the whole, and nothing twice.
        let all = GiftSearch::default();
        let first = all.page(&app.site.db, None, 3).await.expect("a read").gifts;
        let behind = donations::place_of(first.last().expect("a gift"));
        let rest = all.page(&app.site.db, Some(behind), 3).await.expect("a read").gifts;
        assert_eq!(first.iter().chain(&rest).map(|gift| gift.id).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    }

    /// TRUST T5: a sum is that of its gifts, wherever its time begins and ends and whatever came back; and the audit would see a day that was not.
    async fn sums_by_the_day_are_those_of_the_gifts(app: TestApp) {
        supporters(&app).await;
        let db = &app.site.db;
        let at = |text: &str| Moment(text.parse::<jiff::Timestamp>().expect("a moment").as_microsecond());
        let sums = async |kind, from: &str, until: &str| {
            let mut search = GiftSearch::default();
            search.kind = kind;
            search.between = (!from.is_empty()).then(|| (at(from), at(until)));
            let sums = search.sums(db).await.expect("a read");
            sums.iter().map(|sum| (sum.kind.expect("a kind"), sum.number, sum.minor)).collect::<Vec<_>>()
        };
        let (once, monthly) = (DonationKind::Once, DonationKind::Instalment);
        assert_eq!(sums(None, "", "").await, [(once, 1, 1_500), (monthly, 2, 1_500)]);
        assert_eq!(sums(None, "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z").await, [(monthly, 1, 750)]);
        // The gifts are of the first moment of their days.
        assert_eq!(sums(None, "2026-09-03T00:00:00Z", "2026-10-04T00:00:00Z").await, [(monthly, 2, 1_500)]);
        assert_eq!(sums(None, "2026-09-02T23:00:00Z", "2026-10-04T00:00:01Z").await, [(once, 1, 1_500), (monthly, 2, 1_500)]);
        assert_eq!(sums(None, "2026-09-03T00:00:01Z", "2026-10-03T23:59:59Z").await, [(monthly, 1, 750)]);
        assert_eq!(sums(None, "2026-10-03T00:00:00Z", "2026-10-03T00:00:01Z").await, [(monthly, 1, 750)], "within a day");
        assert_eq!(sums(None, "2026-10-03T12:00:00Z", "2026-10-03T13:00:00Z").await, [], "within a day, behind its gift");
        assert_eq!(sums(Some(once), "2026-10-02T12:00:00Z", "2026-10-04T12:00:00Z").await, [(once, 1, 1_500)], "two days in part");
        change(db, "insert into refund (provider_refund_id, donation_id, amount_minor, currency, state, reason, failure, created_at) values ('re_1', 1, 250, 'EUR', 'succeeded', '', '', 9)").await;
        for text in ["update donation set version = 1 where id = 1", "delete from gift_day", DAYS] {
            change(db, text).await;
        }
        // The day of a gift that something came back of, as a whole and in part.
        assert_eq!(sums(Some(monthly), "2026-09-02T12:00:00Z", "2026-09-03T12:00:00Z").await, [(monthly, 1, 500)]);
        assert_eq!(sums(Some(monthly), "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z").await, [(monthly, 1, 500)]);
        assert_eq!(sums(Some(monthly), "", "").await, [(monthly, 2, 1_250)]);

        let audited = async || donations::audit_money(db).await.expect("a read").problems.into_iter().filter(|problem| problem.contains("day")).count();
        assert_eq!(audited().await, 0);
        change(db, "update gift_day set minor = minor + 1 where kind = 'once'").await;
        assert_eq!(audited().await, 1);
    }

    /// Who changed their name is found by the new one, and who is forgotten by none.
    async fn words_follow_whoever_they_are_of(app: TestApp) {
        supporters(&app).await;
        change(&app.site.db, "update donor set name = 'Ann Marlowe' where id = 2").await;
        assert_eq!(found(&app, "lee@").await, [] as [i64; 0]);
        donations::word_supporters(&app.site).await.expect("they have their words");
        assert_eq!((found(&app, "marlowe").await, found(&app, "ann.lee@").await), (vec![3], vec![3]));
        let mut tx = app.site.db.begin().await.expect("a transaction");
        donations::forget_donor(&mut tx, 2).await.expect("forgotten");
        tx.commit().await.expect("a commit");
        donations::word_supporters(&app.site).await.expect("they have their words");
        for typed in ["marlowe", "ann", "4242"] {
            assert_eq!(found(&app, typed).await, [] as [i64; 0], "{typed}");
        }
    }

    /// The page, its filters, a note, "never ask", and the file. TRUST L10: what leaves is in the log. TRUST A15: no cell runs in a table program.
    async fn the_treasurer_works_at_the_telephone(app: TestApp) {
        supporters(&app).await;
        change(&app.site.db, "update donation set name = '=1+1' where id = 3").await;
        app.advance(Duration::from_secs(240 * 86_400));
        let desk = app.desk().await;
        let page = desk.open("/desk/donations?q=ann").await;
        assert!(page.body.contains("Of these, paid") && !page.body.contains("Özdemir"), "{}", page.body);
        let page = desk.open("/desk/donations?kind=instalment&when=2026-09").await;
        assert!(page.body.contains("gift-1") && !page.body.contains("gift-2"), "{}", page.body);
        assert!(["value=\"2026-10\"", "October 2026", "September 2026"].iter().all(|part| page.body.contains(part)), "every month has its name: {}", page.body);
        desk.open("/desk/donations?q=nobody").await.says("No gift matches");

        let one = desk.open("/desk/donations/gift-3").await;
        let empty = desk.submit(&one.form("/desk/donations/gift-3/note")).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
        let note = one.form("/desk/donations/gift-3/note").with("text", "Wants a paper receipt");
        let noted = desk.submit_and_follow(&note).await;
        assert!(noted.body.contains("Wants a paper receipt"));
        let never = noted.form("/desk/donations/gift-3/asking");
        let never = desk.submit_and_follow(&never).await;
        assert!(never.body.contains("May be asked again"));
        desk.submit_and_follow(&never.form("/desk/donations/gift-3/asking")).await;
        assert_eq!(donations::NeverAsk::of(&app.site.db, "gift-3").await.expect("a read"), donations::NeverAsk::MayBeAsked);
        assert!(!desk.open("/desk/donations/gift-4").await.body.contains("Never ask"), "nobody gave yet");

        let form = one.form("/desk/donations/gift-3/letter");
        for what in ["receipt", "link"] {
            desk.submit_and_follow(&form.clone().and("what", what)).await.says("It is on its way to their mailbox.");
        }
        let log = audit_log::latest(&app.site.db, 1).await.expect("a read");
        assert_eq!(log[0].action, "sent a supporter the link to their page");
        let told: Vec<(String, String)> = rows(&app.site.db, "select template, address from notice order by id").await;
        let told: Vec<(&str, &str)> = told.iter().map(|(template, to)| (template.as_str(), to.as_str())).collect();
        assert_eq!(told, [("receipt", "ann.lee@example.com"), ("gifts_link", "ann.lee@example.com")]);
        for _ in 0..10 {
            desk.submit(&form.clone().and("what", "receipt")).await;
        }
        desk.submit_and_follow(&form.and("what", "receipt")).await.says("Try again tomorrow");
        app.drain().await;

        // The account counts in dollars: what moved on it adds up to it, and not to what was given.
        change(&app.site.db, "insert into movement (provider_movement_id, type, amount_minor, fee_minor, currency, exchange_rate, donation_id, at)
            values ('txn_1', 'charge', 1650, 80, 'USD', '1.1', 3, 1), ('txn_2', 'refund', -30, 0, 'USD', '1.1', 3, 2)").await;
        let file = desk.open("/desk/donations/file?state=paid").await.form("/desk/donations/file");
        let csv = desk.submit(&file).await;
        assert_eq!(csv.status, StatusCode::OK);
        let lines: Vec<&str> = csv.body.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(lines.len(), 4, "{}", csv.body);
        assert_eq!(lines[0], "begun,paid,receipt,name,email,amount,came_back,currency,how_often,state,payment,invoice,gift,account_currency,fee,net");
        assert_eq!(lines[1], "2026-10-04,2026-10-04,2026-K3X9,'=1+1,ann.lee@example.com,15.00,0.00,EUR,once,paid,,,gift-3,USD,0.80,15.40");
        let log = audit_log::latest(&app.site.db, 1).await.expect("a read");
        assert_eq!((log[0].action.as_str(), log[0].detail.as_str()), ("exported gifts", "paid"));
        change(&app.site.db, "insert into donation (id, public_id, email, name, kind, amount_minor, currency, state, created_at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 1001) select 100 + i, 'many-' || i, '', '', 'once', 100, 'EUR', 'expired', i from n").await;
        let all = desk.open("/desk/donations/file").await.form("/desk/donations/file");
        let refused = desk.submit(&all).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("Say why you take them"));
        let csv = desk.submit(&all.with("why", "for the auditor")).await;
        assert_eq!(csv.body.lines().count(), 1 + 5 + 1_001);
        assert!(Moment(0) < app.site.now());
    }
}
