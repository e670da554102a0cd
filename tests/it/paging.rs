//! Lists that are longer than a page: whoever goes from page to page sees every row once, and comes to an end.

use std::collections::BTreeSet;

use broadside::{articles, db::Db, email_address::EmailAddress, subscribers};

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
    visitor::{Page, Visitor},
};

/// A list of the site. Its rows show the word in `row` with a number behind it.
struct Walk {
    /// The first page, with whatever the list is searched by.
    path: String,
    /// What is searched by, as every link has to say it.
    kept: &'static [&'static str],
    /// What the address calls the place where a page begins.
    place: &'static str,
    /// How many rows a page has.
    page: usize,
    /// How many the first has.
    first: usize,
    row: &'static str,
    /// Rows that stand in it and have another name.
    others: usize,
    /// Adds the rows of the numbers in `n`; empty where the list shows the rows of the one before.
    add: &'static [&'static str],
}

const EDITIONS: &[&str] = &[
    "insert into edition (public_id, digest_id, list_id, state, revision, unknown_policy, sealed_count, sealed_at, created_at, updated_at)
        select 'edi' || n.i, d.id, d.list_id, 'finished', 1, 'resend', 1, 7, 7, 7 from n cross join digest d",
    "insert into edition_revision (edition_id, revision, subject, preview_text, intro_markdown, created_at)
        select e.id, 1, e.public_id, '', '', 7 from n join edition e on e.public_id = 'edi' || n.i",
    "insert into variant (edition_id, revision, key, headers, body, created_at)
        select e.id, 1, '', '', v.body, 7 from n join edition e on e.public_id = 'edi' || n.i
            cross join (select body from variant order by id limit 1) v",
    "insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, attempt, marker, maybe_duplicate, next_at, updated_at)
        select v.edition_id, s.id, s.email, '', 'example.org', v.id, 'accepted', 1, false, false, 7, 7
        from n join edition e on e.public_id = 'edi' || n.i join variant v on v.edition_id = e.id
            join subscriber s on s.email = 'reader1@example.org'",
];
const COPIES: &[&str] = &["insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, class, attempt, marker, maybe_duplicate, next_at, updated_at)
    select v.edition_id, 100000 + n.i, 'cpy' || n.i || '@example.org', '', 'example.org', v.id, 'failed', 'full', 1, false, false, 7, 7
    from n cross join (select * from variant order by id limit 1) v"];
const ARTICLES: &[&str] = &["insert into article (slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash)
    select 'art' || n.i, 'art' || n.i, '', '', '', 1, 'draft', 7, 7, 7, '' from n"];
const FEEDS: &[&str] = &[
    "insert into feed (url, title, created_at) select 'https://example.org/' || n.i, 'fee' || n.i, 7 from n",
];
const PUBLISHED: &[&str] = &[
    "insert into article (slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash)
        select 'pub' || n.i, 'pub' || n.i, '', '', '', 1, 'published', 7, 7, 7, '' from n",
    "insert into topic (slug, name) select 'lamps', 'Lamps' from n where n.i = 1001",
    "insert into article_topic (article_id, topic_id)
        select a.id, t.id from n join article a on a.slug = 'pub' || n.i join topic t on t.slug = 'lamps'",
];
const READERS: &[&str] = &["insert into subscriber (public_id, email, email_key, name, created_at)
    select 'rea' || n.i, 'r' || n.i || '@example.org', 'r' || n.i || '@example.org', 'rea' || n.i, 7 from n"];
const BLOCKED: &[&str] = &["insert into suppression (address_hash, reason, detail, created_at)
    select 'h' || n.i, 'staff', 'blo' || n.i, 7 from n"];
const TEAM: &[&str] = &["insert into staff (public_id, email, email_key, name, role, created_at, disabled_at)
    select 'tea' || n.i, 't' || n.i || '@example.org', 't' || n.i || '@example.org', 'tea' || n.i, 'viewer', 7,
        case when n.i % 2 = 0 then 8 end from n"];
const DONATIONS: &[&str] = &[
    "insert into donation (public_id, email, name, kind, amount_minor, currency, state, created_at)
    select 'don' || n.i, 'd' || n.i || '@example.org', 'don' || n.i, 'once', 500, 'EUR', 'expired', 7 from n",
];
const BOUNCES: &[&str] = &["insert into bounce (key, source, class, action, reason, words, effect, address_hash, masked, received_at)
    select 'k' || n.i, 'mail', 'soft', 'failed', 'full', 'bou' || n.i, 'counted', 'h' || n.i, 'b…', 7 from n"];
const OF_READER: &[&str] = &["insert into bounce (key, source, class, action, reason, words, effect, address_hash, masked, received_at)
    select 'k' || n.i, 'mail', 'soft', 'failed', 'full', 'bou' || n.i, 'counted', s.address_hash, 'b…', 7 from n cross join suppression s"];

fn walk(path: &str, row: &'static str, page: usize, add: &'static [&'static str]) -> Walk {
    Walk { path: path.to_owned(), kept: &[], place: "before", page, first: page, row, others: 0, add }
}

/// Adds rows, from one number up to another, behind the domains' backs.
async fn add(db: &Db, statements: &[&str], from: usize, to: usize) {
    for statement in statements {
        let (into, select) = statement.split_once("select ").expect("an insert of what is selected");
        let numbers = format!(
            "with recursive n(i) as (select {} union all select i + 1 from n where i < {})",
            1_001 + from,
            1_000 + to
        );
        change(db, format!("{into} {numbers} select {select}").leak()).await;
    }
}

/// What the page shows of the list.
fn shown(page: &Page, row: &str) -> BTreeSet<String> {
    let numbers = page.body.split(row).skip(1).filter_map(|rest| rest.get(..4));
    numbers.filter(|number| number.parse::<u16>().is_ok()).map(|number| format!("{row}{number}")).collect()
}

/// The only name that there is.
async fn name(app: &TestApp, look: &'static str) -> String {
    let mut names: Vec<(String,)> = rows(&app.site.db, look).await;
    assert_eq!(names.len(), 1);
    names.remove(0).0
}

/// An address as it stands in the source of a page.
fn plain(address: &str) -> String {
    address.replace("&#x3D;", "=").replace("&amp;", "&")
}

/// Where the links or buttons lead whose source goes on like that behind the address.
fn leading(page: &Page, behind: &str) -> Vec<String> {
    let until = page.body.split(behind).map(|part| part.rsplit_once('"').unwrap_or_default().1);
    let mut addresses: Vec<String> = until.map(plain).collect();
    // Behind the last of them there is only the rest of the page.
    addresses.pop();
    addresses
}

/// Goes from the first page to the last, and back to the first; how many rows each showed.
async fn go(visitor: &Visitor, walk: &Walk) -> Vec<usize> {
    let (mut path, mut seen, mut numbers) = (walk.path.clone(), BTreeSet::new(), Vec::new());
    loop {
        let page = visitor.open(&path).await;
        assert_eq!(page.status, 200, "{path}");
        let rows = shown(&page, walk.row);
        numbers.push(rows.len());
        for row in rows {
            assert!(seen.insert(row.clone()), "{row} stands on two pages of {}", walk.path);
        }
        let first = leading(&page, r#"" rel="first""#);
        let is_way_back = |link: &String| walk.kept.iter().all(|kept| link.contains(kept));
        assert_eq!(
            first.iter().any(is_way_back),
            path != walk.path,
            "the way back to the first page of {path}"
        );
        let place = format!("{}=", walk.place);
        let next = leading(&page, r#"" rel="next""#).into_iter().find(|link| link.contains(&place));
        let Some(next) = next else { return numbers };
        assert!(walk.kept.iter().all(|kept| next.contains(kept)), "{next} lost what was searched by");
        path = next;
    }
}

/// Fills the lists up to one page, one row more, and two pages, and goes through each.
async fn all_rows_once(app: &TestApp, walks: &[Walk]) {
    let desk = app.desk().await;
    let sizes = |page: usize| [0, page, page + 1, 2 * page];
    for step in 1..4 {
        for walk in walks {
            let [before, after] = [step - 1, step].map(|at| sizes(walk.page)[at].saturating_sub(walk.others));
            add(&app.site.db, walk.add, before, after).await;
        }
        for walk in walks {
            let numbers = go(&desk, walk).await;
            let total = sizes(walk.page)[step];
            let pages = 1 + total.saturating_sub(walk.first).div_ceil(walk.page);
            assert_eq!(numbers.len(), pages, "the pages of {}", walk.path);
            assert_eq!(numbers.iter().sum::<usize>(), total - walk.others, "the rows of {}", walk.path);
            assert!(numbers.iter().all(|number| number + walk.others > 0), "an empty page of {}", walk.path);
        }
    }
}

both_engines! {
    /// Full pages, a row more, and two full pages: every row stands on one of them, none of them is empty, and what was
    /// searched by goes along.
    async fn every_row_of_a_list_is_on_one_of_its_pages(app: TestApp) {
        app.readers(1).await;
        app.send_edition("Another").await;
        let reader = name(&app, "select public_id from subscriber").await;
        let edition = name(&app, "select public_id from edition").await;
        let walks = [
            Walk { others: 1, ..walk("/desk/editions", "edi", 50, EDITIONS) },
            Walk { others: 1, ..walk("/archive", "edi", 50, &[]) },
            Walk { others: 1, place: "copies", first: 5, ..walk(&format!("/desk/readers/{reader}"), "edi", 50, &[]) },
            Walk {
                kept: &["q=cpy", "state=failed", "class=full"],
                place: "after",
                ..walk(&format!("/desk/editions/{edition}?q=cpy&state=failed&class=full"), "cpy", 50, COPIES)
            },
            Walk { kept: &["q=art"], ..walk("/desk/articles?q=art", "art", 40, ARTICLES) },
            Walk { place: "after", ..walk("/desk/feeds", "fee", 40, FEEDS) },
            walk("/topics/lamps", "pub", 12, PUBLISHED),
            Walk { kept: &["q=rea1"], ..walk("/desk/readers?q=rea1", "rea", 50, READERS) },
            walk("/desk/blocked", "blo", 50, BLOCKED),
            walk("/desk/donations", "don", 50, DONATIONS),
            walk("/desk/bounces", "bou", 50, BOUNCES),
            Walk { others: 1, place: "after", ..walk("/desk/team", "tea", 50, TEAM) },
        ];
        all_rows_once(&app, &walks).await;
    }

    /// What came back from one reader, whose page has a list of copies too.
    async fn every_report_of_a_reader_is_on_one_of_the_pages(app: TestApp) {
        app.readers(1).await;
        let email = EmailAddress::parse("reader1@example.org").expect("an address");
        subscribers::block(&app.site, &email, "a test", None).await.expect("a block");
        let reader = name(&app, "select public_id from subscriber").await;
        let walk = walk(&format!("/desk/readers/{reader}"), "bou", 20, OF_READER);
        all_rows_once(&app, &[Walk { place: "bounces", ..walk }]).await;
    }

    /// The composer offers every article there is, and turning its pages saves what was typed and adds what was ticked.
    async fn an_old_article_can_be_put_into_an_edition(app: TestApp) {
        let draft = app.draft("The first").await;
        change(&app.site.db, "delete from edition_article").await;
        let known = articles::latest(&app.site, 100).await.expect("the articles").len();
        add(&app.site.db, PUBLISHED, 0, 61 - known).await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let desk = app.desk().await;
        let page = desk.open(&path).await;
        let older = r#"" name="act" value="offer">Older"#;
        let next = leading(&page, older).remove(0);
        let newest = articles::latest(&app.site, 1).await.expect("an article").remove(0);
        let form = page.form(&path).with("subject", "Half a wor").with("add", &newest.id.0.to_string());
        let page = desk.submit_and_follow(&form.with("act", "offer").at(&next)).await;
        assert_eq!(page.form(&path).value("subject"), Some("Half a wor"));
        assert_eq!(page.form(&path).value("block"), Some(format!("0.article-{}", newest.id.0).as_str()));
        let offered = page.body.split(r#"name="add" value=""#).skip(1);
        let last: Vec<&str> = offered.filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(last.len(), 1, "the oldest");
        assert!(leading(&page, older).is_empty(), "no page after the last");
        let added = desk.submit(&page.form(&path).with("act", "add").with("add", last[0])).await;
        let back = added.leads_to().expect("back to the composer");
        assert!(back.query().is_some_and(|query| query.contains("offered=")), "it stays where it was: {back}");
        let page = desk.open(back.as_str()).await;
        assert_eq!(page.body.matches(r#".article-"#).count(), 2);
    }

    /// An address that leads behind the last row, as from a page that was kept, says so and leads back.
    async fn behind_the_last_row_there_is_a_way_back(app: TestApp) {
        let visitor = app.visitor();
        visitor.open("/archive").await.says("Nothing went out yet");
        let behind = visitor.open("/archive?before=0.0").await;
        behind.says("There is nothing here any more");
        assert!(behind.body.contains(r#"href="/archive" rel="first""#) && !behind.body.contains("Nothing went out"));
        let desk = app.desk().await;
        for list in ["editions?before=0", "readers?before=0", "articles?before=0.0", "donations?before=0.0"] {
            let behind = desk.open(&format!("/desk/{list}")).await;
            assert!(behind.body.contains("There is nothing here any more"), "{list}: {}", behind.body);
        }
    }

    /// However many drafts are newer than the edition that was sent last, and however many editions than the last draft.
    async fn the_overview_finds_what_was_sent_last(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The one that went out").await;
        let desk = app.desk().await;
        add(&app.site.db, EDITIONS, 0, 30).await;
        change(&app.site.db, "update edition set state = 'draft', sealed_at = null where sealed_at = 7").await;
        desk.open("/desk").await.says("The one that went out");
        change(&app.site.db, "update edition set state = 'cancelled' where state = 'draft' and public_id <> 'edi1001'")
            .await;
        desk.open("/desk").await.says("edi1001");
    }
}
