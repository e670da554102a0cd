//! Segments with very many readers: how long a page waits for the count and for the first of them, and how long everybody takes.

use std::time::Instant;

use anyhow::Context as _;
use broadside::{
    audience::Audience,
    db::Engine,
    publishing::{self, Content},
    segments::{
        self, AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, SegmentCount, SegmentTree, When,
    },
    site::Site,
    subscribers::{DonorState, lists},
};

/// Once for a database: what readers answered and gave.
const ONCE: [&str; 6] = [
    "insert into field (id, name, label, kind, choices) values (901, 'town', 'Town', 'text', '')",
    "insert into field_value (subscriber_id, field_id, value)
        select id, 901, case id % 4 when 0 then 'Berlin' when 1 then 'Paris' when 2 then 'Rome' else 'Lyon' end from subscriber where id % 2 = 0",
    "insert into donor (public_id, email, email_key, name, created_at) select 'donor' || id, email, email_key, name, 1 from subscriber where id % 20 = 0",
    "insert into donation (public_id, donor_id, email, name, kind, amount_minor, currency, state, created_at, paid_at)
        select 'gift' || d.id || '.' || t.id, d.id, '', '', 'once', 500 + d.id % 90 * 100, 'EUR', 'paid', 1, 1790000000000000 - (d.id * 7 + t.id * 101) % 700 * 86400000000 from donor d join reader_topic t on t.id <= 3",
    "insert into donor_state (subscriber_id, state, last_gift_at, updated_at)
        select id, case id % 60 when 0 then 'monthly' when 20 then 'lapsed' else 'once' end, 1790000000000000 - id * 7 % 700 * 86400000000, 1 from subscriber where id % 20 = 0",
    "analyze",
];
const FIRST_COPIES: i64 = 100_000;

fn trees(list: i64) -> Vec<(&'static str, SegmentTree)> {
    let is = SegmentTree::Is;
    let not = |condition| SegmentTree::Not(Box::new(SegmentTree::Is(condition)));
    let on = || SegmentTree::Is(Condition::List { list: Some(list), stands: ListStanding::On });
    let gifts = || {
        let (currency, measure) = ("EUR".to_owned(), GiftMeasure::Sum);
        Condition::Gave {
            gifts: Gifts { currency, measure, least: Some(5_000), most: None, from: None, to: None },
        }
    };
    let got = |number: i64| Condition::Got { edition: FIRST_COPIES + number };
    let town = || Condition::Field { field: 901, answer: AnswerTest::Is("Berlin".to_owned()) };
    vec![
        ("on the list", on()),
        ("chose a topic", is(Condition::Topic { topic: 1, list: None })),
        ("in Berlin", is(town())),
        ("bounced", is(Condition::Stopped { reason: None })),
        ("gives every month", is(Condition::Supporter { state: DonorState::Monthly })),
        ("gave EUR 50 in all", is(gifts())),
        ("last mail this month", is(Condition::LastMail { when: When::Within(30) })),
        (
            "on it, gave, not lately",
            SegmentTree::All(vec![on(), is(gifts()), not(Condition::LastGave { when: When::Within(180) })]),
        ),
        (
            "twelve conditions",
            SegmentTree::Any(
                (1..=2)
                    .map(|number| {
                        SegmentTree::All(vec![
                            on(),
                            not(got(number)),
                            is(Condition::LastMail { when: When::Within(90) }),
                            is(town()),
                            not(gifts()),
                            not(Condition::Topic { topic: 2, list: None }),
                        ])
                    })
                    .collect(),
            ),
        ),
    ]
}

/// Fills in what segments ask for, unless it is there, and measures.
pub async fn measure(site: &Site, copies: i64, rounds: usize) -> anyhow::Result<()> {
    if super::count(site, "select count(*) from field where id = 901").await? == 0 {
        let started = Instant::now();
        for sql in ONCE {
            super::run(site, sql).await?;
        }
        for number in 1..=copies {
            let (no, edition) =
                (if site.db.engine() == Engine::Sqlite { "0" } else { "false" }, FIRST_COPIES + number);
            let sql = format!(
                "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt, marker, maybe_duplicate, next_at, updated_at)
                 select {edition}, id, email, name, 'd', 1, case when (id + {number}) % 50 = 0 then 'failed' else 'accepted' end, 1, {no}, {no}, 0, 1790000000000000 - {number} * 7 * 86400000000 from subscriber"
            );
            super::run(site, sql).await?;
        }
        println!("answers, gifts and {copies} copies a reader in {:.1} s", started.elapsed().as_secs_f64());
    }
    let list = lists::all(&site.db).await?.first().context("a list")?.id;
    println!(
        "{:28} {:>10}  {:>22}  {:>9}  {:>20}",
        "segment", "page", "count (slowest)", "first 20", "everybody"
    );
    for (what, tree) in trees(list) {
        let (mut counts, mut firsts) = (Vec::new(), Vec::new());
        let mut counted = SegmentCount { about: false, n: 0 };
        for _ in 0..=rounds {
            let started = Instant::now();
            counted = segments::count(site, &tree).await?;
            counts.push(started.elapsed().as_secs_f64() * 1_000.0);
            let started = Instant::now();
            segments::newest(site, &tree, i64::MAX, 20).await?;
            firsts.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        let started = Instant::now();
        let exactly = segments::count_all(site, &tree).await?;
        let all = started.elapsed().as_secs_f64();
        let (counts, firsts) = (median(counts), median(firsts));
        let about = if counted.about { "about " } else { "" };
        println!(
            "{what:28} {about:>6}{:<8} {:7.1} ms ({:5.1})  {:6.1} ms  {exactly:9} in {all:5.1} s",
            counted.n, counts.0, counts.1, firsts.0
        );
    }
    seal(site, list).await
}

/// What sealing reads: everybody of a list, a thousand at a time, without a segment and with one.
async fn seal(site: &Site, list: i64) -> anyhow::Result<()> {
    let digest = publishing::digests(&site.db).await?.remove(0);
    let (edition, _) = publishing::create_draft(site, digest.id, None).await?;
    let name = format!("Bench {edition}");
    let tree = trees(list).remove(7).1;
    segments::create(site, None, &name, tree).await?;
    let segment = segments::all(&site.db)
        .await?
        .into_iter()
        .find(|segment| segment.name == name)
        .context("a segment")?;
    let content = Content { subject: name, only_segment: Some(segment.id), ..Content::default() };
    publishing::save_revision(site, edition, 1, content, None).await?;
    for (what, audience) in
        [("a list", Audience::List(list)), ("a segment of it", Audience::Choosing { edition, list })]
    {
        let started = Instant::now();
        let (mut after, mut found, mut slowest) = (0, 0, 0.0_f64);
        loop {
            let chunk_started = Instant::now();
            let mut tx = site.db.begin().await?;
            let chunk = audience.next(&mut tx, after, publishing::CHUNK, site.now()).await?;
            drop(tx);
            slowest = slowest.max(chunk_started.elapsed().as_secs_f64() * 1_000.0);
            found += chunk.members.len();
            let Some(last) = chunk.last else { break };
            after = last;
        }
        println!(
            "reading who gets an edition of {what}: {found} readers in {:.1} s, a thousand in {slowest:.1} ms at most",
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> (f64, f64) {
    // The first finds nothing prepared.
    times.remove(0);
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() - 1])
}
