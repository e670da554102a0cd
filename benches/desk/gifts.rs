//! The desk's pages of money with very many gifts: how long each takes.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use broadside::{db::Db, donations, site::Site};
use tower::ServiceExt as _;

use super::{BASE, FIRST, LAST, count, get, run};

/// Five years until now, evenly.
const SPAN: i64 = 5 * 365 * 86_400_000_000;
const NOW: i64 = super::NOW.0;

/// For each 1,000,000 paid gifts: 50,000 that nobody paid, 25,000 monthly donations with 24 months each, 125,000 supporters, 10,000 refunds,
/// 1,000 disputes, a payout a day, and what stands of all that in the book, of the payment service's balance and of its news.
/// `{rows}` and `{gifts}` are how many, and `{n(…)}` the numbers from one to that.
const LIVES: &[&str] = &[
    "insert into donor (id, public_id, email, email_key, name, created_at)
        select i, 'donor' || (100000000000000000 + i), 'giver.' || i || '@mail' || (i % 97) || '.example.com',
            'giver.' || i || '@mail' || (i % 97) || '.example.com', {name}, {start} from {n(donors)}",
    "insert into recurring_donation (id, public_id, donor_id, email, name, amount_minor, currency, state, provider_subscription_id,
            provider_customer_id, created_at, activated_at, cancelled_at)
        select i, 'month' || (100000000000000000 + i), i, 'giver.' || i || '@mail' || (i % 97) || '.example.com', {name}, 500 + i % 6 * 500,
            'EUR', case when i % 5 < 3 then 'active' else 'cancelled' end, 'sub_' || (100000000000000000 + i), 'cus_' || (100000000000000000 + i),
            {start} + i * ({span} / {recurring}), {start} + i * ({span} / {recurring}),
            case when i % 5 < 3 then null else {now} end from {n(recurring)}",
    "insert into donation (id, public_id, donor_id, email, name, recurring_donation_id, kind, amount_minor, currency, state,
            provider_session_id, provider_payment_id, provider_invoice_id, created_at, paid_at, version, card_brand, card_last4)
        select g.i, 'gift' || (100000000000000000 + g.i), donor.id, coalesce(donor.email, ''), coalesce(donor.name, ''),
            case when g.kind = 'instalment' then g.monthly end, g.kind,
            case when g.i % 37 = 0 then 100 + g.i % 9000 else (g.i % 10 * g.i % 7 + 1) * 500 end,
            case when g.i % 50 = 0 then 'USD' else 'EUR' end, g.state,
            case when g.kind = 'once' then 'cs_live_' || (100000000000000000 + g.i) end,
            case when g.state = 'paid' then 'pi_' || (100000000000000000 + g.i) end,
            case when g.kind = 'instalment' then 'in_' || (100000000000000000 + g.i) end,
            g.at - 60000000, case when g.state = 'paid' then g.at end,
            case when g.i % 100 = 17 or g.i % 1000 = 33 then 1 else 0 end,
            case when g.state = 'paid' then 'visa' else '' end,
            case when g.state = 'paid' then substr(cast(10000 + g.i * 7 % 10000 as text), 2) else '' end
        from (select i, {start} + i * ({span} / {rows}) as at, 1 + i % {recurring} as monthly,
                case when i % 5 < 3 then 'instalment' else 'once' end as kind,
                case when i % 21 <> 0 then 'paid' when i > {rows} - 2000 then 'pending' when i % 5 = 0 then 'failed' else 'expired' end as state,
                case when i % 5 < 3 then 1 + i % {recurring} else 1 + i * 7919 % {donors} end as giver from {n(rows)}) g
            left join donor on donor.id = g.giver and g.state = 'paid'",
    "insert into receipt (public_id, number, donation_id, created_at)
        select 'paper' || (100000000000000000 + id), (2021 + (paid_at - {start}) / 31536000000000) || '-' || substr(cast(100000000 + id as text), 2), id, paid_at
        from donation where state = 'paid' order by id",
    "insert into payout (id, provider_payout_id, amount_minor, currency, state, failure, arrives_at, created_at)
        select i, 'po_' || (100000000000000000 + i), 500000, 'EUR', 'paid', '', {start} + i * 86400000000, {start} + i * 86400000000 from {n(days)}",
    "insert into movement (provider_movement_id, type, source, amount_minor, fee_minor, currency, donation_id, payout_id, at)
        select 'txn_' || (100000000000000000 + id), 'charge', 'ch_' || (100000000000000000 + id), amount_minor, 25 + amount_minor / 70, currency, id,
            case when paid_at < {now} - 4 * 86400000000 then 1 + (paid_at - {start}) / 86400000000 end, paid_at
        from donation where state = 'paid' order by id",
    "insert into refund (provider_refund_id, donation_id, amount_minor, currency, state, reason, failure, moved_by, created_at)
        select 're_' || (100000000000000000 + id), id, case when id % 200 = 17 then amount_minor else 1 + amount_minor / 2 end, currency, 'succeeded',
            'requested_by_customer', '', 'txn_r' || (100000000000000000 + id), paid_at + 86400000000
        from donation where state = 'paid' and id % 100 = 17 order by id",
    "insert into dispute (provider_dispute_id, donation_id, amount_minor, currency, state, reason, due_at, is_answered, created_at)
        select 'dp_' || (100000000000000000 + id), id, amount_minor, currency,
            case when id % 3000 = 33 then 'lost' when id > {rows} - 20000 then 'needs_response' else 'won' end, 'fraudulent', null, true, paid_at + 172800000000
        from donation where state = 'paid' and id % 1000 = 33 order by id",
    "insert into movement (provider_movement_id, type, source, amount_minor, fee_minor, currency, donation_id, payout_id, at)
        select moved_by, 'refund', provider_refund_id, -amount_minor, 0, currency, donation_id, null, created_at from refund order by id",
    "insert into gift_day (day, kind, currency, number, minor)
        select paid_at / 86400000000, kind, currency, sum(case when back < amount_minor then 1 else 0 end), sum(amount_minor - back) from (
            select d.paid_at, d.kind, d.currency, d.amount_minor,
                case when d.version = 0 then 0 else (select s.back_minor from gift_standing s where s.donation_id = d.id) end as back
            from donation d where d.state = 'paid') gifts
        group by 1, 2, 3",
    "insert into ledger_entry (entry_group, kind, account, amount_minor, currency, donation_id, reference, at)
        select case when l.kind = 'payment' then 'gift:' || d.public_id else 'fee:txn_' || (100000000000000000 + d.id) end, l.kind,
            case when l.account <> 'income' then l.account when d.kind = 'once' then 'income:once' else 'income:monthly' end,
            l.sign * case when l.kind = 'payment' then d.amount_minor else 25 + d.amount_minor / 70 end, d.currency, d.id, d.provider_payment_id, d.paid_at
        from donation d cross join (select 'payment' as kind, 'provider:stripe' as account, 1 as sign union all select 'payment', 'income', -1
            union all select 'fee', 'fees', 1 union all select 'fee', 'provider:stripe', -1) l
        where d.state = 'paid' order by d.id",
    "insert into ledger_entry (entry_group, kind, account, amount_minor, currency, donation_id, reference, at)
        select 'refund:' || r.provider_refund_id, 'refund', l.account, l.sign * r.amount_minor, r.currency, r.donation_id, r.provider_refund_id, r.created_at
        from refund r cross join (select 'refunds' as account, 1 as sign union all select 'provider:stripe', -1) l order by r.id",
    "insert into provider_event (event_id, type, object_id, source, payload, donation_id, state, attempts, created_at, received_at, next_at)
        select 'evt_' || (100000000000000000 + id), case when kind = 'once' then 'checkout.session.completed' else 'invoice.paid' end,
            provider_payment_id, 'webhook', '', id, 'done', 0, paid_at, paid_at, paid_at from donation where state = 'paid' order by id",
    "analyze",
];

/// Pages, and what they answer to.
const PAGES: &[(&str, &str)] = &[
    ("overview", "/desk"),
    ("gifts", "/desk/donations"),
    ("a later page", "/desk/donations?before={middle}"),
    ("once", "/desk/donations?kind=once"),
    ("monthly", "/desk/donations?kind=instalment"),
    ("paid", "/desk/donations?state=paid"),
    ("monthly, paid", "/desk/donations?kind=instalment&state=paid"),
    ("waits", "/desk/donations?state=waits"),
    ("sent back", "/desk/donations?state=sent_back"),
    ("disputed", "/desk/donations?state=disputed"),
    ("failed", "/desk/donations?state=failed"),
    ("unfinished", "/desk/donations?state=unfinished"),
    ("a month", "/desk/donations?when=2026-08"),
    ("a year", "/desk/donations?when=2025"),
    ("a year, once", "/desk/donations?when=2025&kind=once"),
    ("a year, sent back", "/desk/donations?when=2025&state=sent_back"),
    ("a common name", "/desk/donations?q=hoffmann"),
    ("a common name, a year", "/desk/donations?q=hoffmann&when=2025"),
    ("two words of a name", "/desk/donations?q=anna+hoff"),
    ("an address", "/desk/donations?q=giver.777%40mail1.example.com"),
    ("nobody", "/desk/donations?q=zzqqxx"),
    ("a common amount", "/desk/donations?q=15.00"),
    ("a common amount, a year", "/desk/donations?q=15.00&when=2025"),
    ("a rare amount", "/desk/donations?q=77.77"),
    ("a receipt", "/desk/donations?q={receipt}"),
    ("last four figures", "/desk/donations?q=4242"),
    ("a day", "/desk/donations?q=2026-03-04"),
    ("a typed month", "/desk/donations?q=2026-03"),
    ("one gift", "/desk/donations/{gift}"),
    ("the book, this month", "/desk/donations/book"),
    ("the book, a month", "/desk/donations/book?month=2026-03"),
    ("a later page of payouts", "/desk/donations/book?before=900"),
    ("a payout", "/desk/donations/payouts/{payout}"),
    ("before the file", "/desk/donations/file"),
];

/// Fills gifts in, unless they are there.
pub async fn fill(site: &Site, gifts: i64) -> anyhow::Result<()> {
    if count(site, "select count(*) from donor").await? > 0 {
        return Ok(());
    }
    let started = Instant::now();
    let cached = async |pages: &str| match site.db {
        Db::Sqlite { .. } => run(site, format!("pragma cache_size = {pages}")).await,
        Db::Postgres { .. } => Ok(()),
    };
    cached("-400000").await?;
    for life in LIVES {
        let began = Instant::now();
        run(site, written(site, life, gifts)).await?;
        let what: String = life.split(['(', '\n']).next().unwrap_or_default().trim().to_owned();
        println!("{what:28} {:7.1} s", began.elapsed().as_secs_f64());
    }
    donations::word_supporters(site).await?;
    run(site, "analyze").await?;
    cached("-2000").await?;
    println!("{gifts} gifts filled in in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn written(site: &Site, life: &str, gifts: i64) -> String {
    let name = |names: &[&str], of: &str| {
        let cases: String =
            names.iter().enumerate().map(|(number, name)| format!(" when {number} then '{name}'")).collect();
        format!("case {of} % 16{cases} end")
    };
    let name = format!("{} || ' ' || {}", name(&FIRST, "i"), name(&LAST, "(i / 16)"));
    let mut text = life.replace("{name}", &name);
    let numbers = [
        ("rows", gifts * 21 / 20),
        ("donors", (gifts / 8).max(1)),
        ("recurring", (gifts / 40).max(1)),
        ("days", 5 * 365 + 1),
        ("start", NOW - SPAN),
        ("span", SPAN),
        ("now", NOW),
    ];
    for (what, number) in numbers {
        let series = match site.db {
            Db::Sqlite { .. } => format!(
                "(with recursive n (i) as (select 1 union all select i + 1 from n where i < {number}) select i from n) n"
            ),
            Db::Postgres { .. } => format!("generate_series(1::bigint, {number}::bigint) n (i)"),
        };
        text = text
            .replace(&format!("{{n({what})}}"), &series)
            .replace(&format!("{{{what}}}"), &number.to_string());
    }
    text
}

/// Asks each page so many times.
pub async fn measure(site: &Site, router: &Router, cookie: &str, rounds: usize) -> anyhow::Result<()> {
    let rows = count(site, "select max(id) from donation").await?;
    let middle = rows / 2 / 21 * 21 + 2;
    let at = NOW - SPAN + middle * (SPAN / rows);
    let receipt = format!(
        "{}-{}",
        2021 + (at - NOW + SPAN) / 31_536_000_000_000,
        &(100_000_000 + middle).to_string()[1..]
    );
    let replaced = [
        ("{middle}", format!("{at}.{middle}")),
        ("{receipt}", receipt),
        ("{gift}", format!("gift{}", 100_000_000_000_000_000 + middle)),
        ("{payout}", format!("po_{}", 100_000_000_000_000_000_i64 + 900)),
    ];
    let (mut all, mut quick) = (0, 0);
    let mut tell = |what: &str, mut times: Vec<f64>| {
        // The first finds nothing prepared.
        times.remove(0);
        (all, quick) = (all + times.len(), quick + times.iter().filter(|ms| **ms <= 100.0).count());
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() as f64 * part) as usize).min(times.len() - 1)];
        println!("{what:28} {:7.1} ms   {:7.1} ms (95 %)   {:7.1} ms at most", at(0.5), at(0.95), at(1.0));
    };
    for (what, path) in PAGES {
        let path = replaced.iter().fold((*path).to_owned(), |path, (mark, with)| path.replace(mark, with));
        let mut times = Vec::with_capacity(rounds + 1);
        for _ in 0..=rounds {
            let started = Instant::now();
            let status = get(router, &path, cookie).await?;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
            ensure!(status == StatusCode::OK, "{path}: {status}");
        }
        tell(what, times);
    }
    println!("within 100 ms: {:.1} %", 100.0 * quick as f64 / all as f64);
    for (what, when) in [("the file of a month", "2026-08"), ("the file of everything", "")] {
        let started = Instant::now();
        let (first, bytes) = take_file(router, cookie, when).await?;
        println!(
            "{what:28} {:7.1} ms to its beginning, {:.1} s in all, {} kB",
            first * 1_000.0,
            started.elapsed().as_secs_f64(),
            bytes / 1_000
        );
    }
    Ok(())
}

/// Seconds until the answer begins, and its length.
async fn take_file(router: &Router, cookie: &str, when: &str) -> anyhow::Result<(f64, usize)> {
    let asked = Request::get("/desk/donations/file").header(header::COOKIE, cookie).body(Body::empty())?;
    let page = to_bytes(router.clone().oneshot(asked).await?.into_body(), usize::MAX).await?;
    let page = String::from_utf8(page.to_vec())?;
    let field = page.split("name=\"csrf\"").nth(1).context("a form")?;
    let csrf = field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("its mark")?;
    let form = [("csrf", csrf), ("q", ""), ("kind", ""), ("state", ""), ("when", when), ("why", "a bench")];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let asked = Request::post("/desk/donations/file")
        .header(header::ORIGIN, BASE)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))?;
    let started = Instant::now();
    let answer = router.clone().oneshot(asked).await?;
    ensure!(answer.status() == StatusCode::OK, "the file: {}", answer.status());
    let first = started.elapsed().as_secs_f64();
    let mut stream = answer.into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
        bytes += piece?.len();
    }
    Ok((first, bytes))
}
