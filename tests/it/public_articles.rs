//! Articles as readers and programs find them: pages, authors, feeds, the site map, and what is said where nothing is.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use broadside::{
    articles::{self, Article, ArticleState, WrittenArticle},
    clock::Moment,
    db::Engine,
    settings::{self, ArticlesAt, Settings},
    site::Site,
    staff::Role,
};

use crate::{
    statements::plan,
    support::{
        Browser, Fixture, TestApp, TestDb, both_engines,
        database::{change, rows},
        pages::{Answer, BASE, Web},
    },
};

const HOSTILE: &str = "C++ <vector> & \"co\" </title></script><script>alert(1)</script>\u{2028}]]>";

async fn write(site: &Site, title: &str, byline: &str, topics: &[&str]) -> Article {
    let mine = WrittenArticle {
        title: title.to_owned(),
        standfirst: format!("In short: {title}"),
        byline: byline.to_owned(),
        topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        body_markdown: Some(format!(
            "{title} began.\n\nAnd [more](https://other.example/a?b=1&c=2).\n\n> A *quotation*."
        )),
        state: ArticleState::Published,
        ..WrittenArticle::default()
    };
    articles::create(site, &mine).await.expect("an article")
}

async fn decide(site: &Site, how: impl FnOnce(&mut Settings) + Send) {
    let mut tx = site.db.begin().await.expect("a transaction");
    settings::save(&mut tx, site, None, how).await.expect("saved");
    tx.commit().await.expect("a commit");
}

/// The elements of a document with their text, after what makes it well-formed was looked at: every tag ends in its turn, every
/// attribute is quoted, and there is no entity and no letter that XML does not have.
fn xml(document: &str) -> Vec<(String, String)> {
    let document =
        document.strip_prefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>").expect("a declaration");
    let is_letter = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(document.chars().all(is_letter), "a letter that XML does not have");
    let unescaped = |text: &str| {
        let known = ["amp;", "lt;", "gt;", "quot;", "#13;"];
        for (at, _) in text.match_indices('&') {
            assert!(known.iter().any(|one| text[at + 1..].starts_with(one)), "an entity: {}", &text[at..]);
        }
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#13;", "\r");
        text.replace("&amp;", "&")
    };
    let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), document.trim_start());
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains('>') || !open.is_empty());
        let end = tag.find('>').expect("a tag ends");
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            let (opened, begun): (String, usize) = open.pop().expect("what ends has begun");
            assert_eq!(opened, name);
            let place: &mut (String, String) = &mut found[begun];
            place.1.push_str(&unescaped(text));
            continue;
        }
        assert!(text.trim().is_empty(), "words beside elements: {text}");
        let inside_of = inside.trim_end_matches('/');
        let (name, attributes) = inside_of.split_once(' ').unwrap_or((inside_of, ""));
        for attribute in attributes.split("\" ").filter(|one| !one.is_empty()) {
            let (_, value) = attribute.split_once("=\"").expect("a quoted attribute");
            unescaped(value.trim_end_matches('"'));
            found.push((
                format!("{name}@{}", attribute.split('=').next().expect("a name")),
                unescaped(value.trim_end_matches('"')),
            ));
        }
        found.push((name.to_owned(), String::new()));
        if !inside.ends_with('/') {
            open.push((name.to_owned(), found.len() - 1));
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    found
}

fn all<'a>(elements: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    elements.iter().filter(|(own, _)| own == name).map(|(_, text)| text.as_str()).collect()
}

/// What RSS 2.0 wants of a feed, and what makes one useful: <https://www.rssboard.org/rss-specification>.
fn is_rss(feed: &Answer, own: &str) -> Vec<(String, String)> {
    assert_eq!(
        (feed.status, feed.header("content-type")),
        (StatusCode::OK, "application/rss+xml; charset=utf-8")
    );
    let elements = xml(&feed.body);
    assert_eq!(elements.iter().find(|(name, _)| name == "rss@version").expect("a version").1, "2.0");
    let items = all(&elements, "item").len();
    for name in ["title", "link", "description"] {
        assert_eq!(all(&elements, name).len(), items + 1, "{name}: one of the channel and one of each item");
    }
    assert!(all(&elements, "title").iter().all(|title| !title.is_empty()));
    let guids = all(&elements, "guid");
    assert_eq!(guids.iter().collect::<BTreeSet<_>>().len(), items, "each has a guid of its own");
    for date in all(&elements, "pubDate").into_iter().chain(all(&elements, "lastBuildDate")) {
        assert!(
            Moment::from_http_date(date).is_some() && date.ends_with("+0000") && date.as_bytes()[3] == b',',
            "RFC 822: {date}"
        );
    }
    for address in all(&elements, "link").into_iter().chain(all(&elements, "atom:link@href")) {
        assert!(address.starts_with("https://"), "{address}");
    }
    assert_eq!(all(&elements, "atom:link@href"), [format!("{BASE}{own}")]);
    for html in all(&elements, "content:encoded") {
        for attribute in ["href=\"", "src=\""] {
            assert!(
                html.split(attribute)
                    .skip(1)
                    .all(|rest| rest.starts_with("http") || rest.starts_with("mailto:")),
                "{html}"
            );
        }
    }
    elements
}

async fn get_with(web: &Web, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    web.send(request.body(Body::empty()).expect("a request")).await
}

/// What a page says of itself in `<meta>`.
fn meta<'a>(page: &'a Answer, name: &str) -> Vec<&'a str> {
    let begins =
        [format!("<meta property=\"{name}\" content=\""), format!("<meta name=\"{name}\" content=\"")];
    let found = begins.iter().flat_map(|begin| page.body.split(begin.as_str()).skip(1));
    found.map(|rest| rest.split('"').next().expect("an end")).collect()
}

fn canonical(page: &Answer) -> Option<&str> {
    page.body.split("<link rel=\"canonical\" href=\"").nth(1)?.split('"').next()
}

fn json_ld(page: &Answer) -> serde_json::Value {
    let (_, rest) = page.body.split_once("<script type=\"application/ld+json\">").expect("JSON-LD");
    serde_json::from_str(rest.split("</script>").next().expect("an end")).expect("JSON")
}

both_engines! {
    /// The page as in the magazine, and what programs are told of it.
    async fn an_article_says_who_wrote_it_and_what_it_is(web: Web) {
        let site = &web.app.site;
        let article = write(site, "The lamp that went out", "By Ann Lee, Ben Ode and Cy Wu", &["Lamps", "Night"]).await;
        write(site, "Another lamp", "Ann Lee", &["Lamps"]).await;
        let page = web.get(&format!("/articles/{}", article.slug), "").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("By <a href=\"/authors/ann-lee\" rel=\"author\">Ann Lee</a>, <a href=\"/authors/ben-ode\" rel=\"author\">Ben Ode</a> and <a "), "{}", page.body);
        assert!(page.body.contains("Reading time: 1 minute<"), "as the magazine says it");
        assert!(page.body.contains("href=\"/topics/lamps\"") && page.body.contains("More in Lamps") && page.body.contains("Another lamp"));
        assert!(page.body.contains("One-off or regular donations can be made securely here."));
        let own = format!("{BASE}/articles/{}", article.slug);
        assert_eq!(canonical(&page), Some(own.as_str()));
        assert_eq!(meta(&page, "og:type"), ["article"]);
        assert_eq!(meta(&page, "og:url"), [own.as_str()]);
        assert_eq!(meta(&page, "article:author"), ["Ann Lee", "Ben Ode", "Cy Wu"]);
        let data = json_ld(&page);
        assert_eq!(data["headline"], "The lamp that went out");
        assert_eq!(data["author"][1]["url"], format!("{BASE}/authors/ben-ode"));
        assert_eq!(data["publisher"]["name"], "The Lamplighter");
        assert_eq!(data["datePublished"], article.published_at.to_string());
    }

    /// Where the magazine has a site of its own the pages here point there, or are off.
    async fn pages_here_say_where_the_original_stands(web: Web) {
        let site = &web.app.site;
        let article = write(site, "Moved", "Ann Lee", &["Lamps"]).await;
        let there = "https://lamplighter.example/moved";
        change(&site.db, "update article set canonical_url = 'https://lamplighter.example/moved'").await;
        let path = format!("/articles/{}", article.slug);
        decide(site, |settings| {
            settings.articles_at = ArticlesAt::Mirrored;
            settings.external_site_url = "https://lamplighter.example/".into();
        })
        .await;
        assert!(web.get("/", "").await.body.contains(&format!("<h2><a href=\"{there}\"")), "titles lead there");
        let page = web.get(&path, "").await;
        assert_eq!((page.status, canonical(&page)), (StatusCode::OK, Some(there)));
        let feed = web.get("/feed.xml", "").await;
        let elements = is_rss(&feed, "/feed.xml");
        assert_eq!(all(&elements, "link")[1], there);
        assert_eq!(all(&elements, "guid@isPermaLink"), ["false"]);
        assert!(!web.get("/sitemap.xml", "").await.body.contains("articles-"), "that is for the other site's map");
        decide(site, |settings| settings.articles_at = ArticlesAt::Elsewhere).await;
        for off in [path.as_str(), "/feed.xml", "/topics/lamps/feed.xml", "/authors/ann-lee/feed.xml", "/sitemaps/articles-0.xml"] {
            assert_eq!(web.get(off, "").await.status, StatusCode::NOT_FOUND, "{off}");
        }
        assert!(!web.get("/", "").await.body.contains("/feed.xml"));
    }

    /// TRUST A4: what a title says is text in a page, its tags for other programs, a feed and the site map.
    async fn a_hostile_title_is_text_for_every_program(web: Web) {
        let site = &web.app.site;
        let article = write(site, HOSTILE, HOSTILE, &[HOSTILE.split_at(40).0]).await;
        let page = web.get(&format!("/articles/{}", article.slug), "").await;
        assert!(!page.body.contains("<script>") && !page.body.contains("</script><"), "{}", page.body);
        assert_eq!(page.body.matches("<script").count(), 1, "the one that nobody runs");
        assert_eq!(json_ld(&page)["headline"], article.title.as_str());
        assert!(meta(&page, "og:title")[0].contains("&lt;script&gt;"));
        let feed = web.get("/feed.xml", "").await;
        let elements = is_rss(&feed, "/feed.xml");
        assert_eq!(all(&elements, "title")[1], article.title);
        for path in ["/sitemap.xml", "/sitemaps/pages.xml", "/sitemaps/articles-0.xml"] {
            xml(&web.get(path, "").await.body);
        }
    }

    /// Authors come of bylines and are kept in step with them, whoever changes those.
    async fn authors_are_kept_in_step_with_bylines(web: Web) {
        let site = &web.app.site;
        let first = write(site, "One", "Ann Lee and Ben Ode", &[]).await;
        write(site, "Two", "ANN LEE", &[]).await;
        let page = web.get("/authors/ann-lee", "").await;
        assert!(page.body.contains(">One<") && page.body.contains(">Two<"), "{}", page.body);
        assert!(!web.get("/authors/ben-ode", "").await.body.contains(">Two<"));
        // Somebody who knows nothing of authors changes a byline; an older program wrote another.
        change(&site.db, "update article set byline = 'Cy Wu' where title = 'One'").await;
        change(&site.db, "update article set authors_of = null, byline = 'Dee Fox' where title = 'Two'").await;
        articles::read_waiting_bylines(site).await.expect("read");
        assert!(web.get("/authors/cy-wu", "").await.body.contains(">One<"));
        assert!(web.get("/authors/dee-fox", "").await.body.contains(">Two<"));
        assert_eq!(web.get("/authors/ann-lee", "").await.status, StatusCode::NOT_FOUND, "nothing of theirs is left");
        // Who stands in a draft alone is nobody's to read.
        change(&site.db, "update article set state = 'draft' where title = 'One'").await;
        assert_eq!(web.get("/authors/cy-wu", "").await.status, StatusCode::NOT_FOUND);
        assert_eq!(web.get("/authors/cy-wu/feed.xml", "").await.status, StatusCode::NOT_FOUND);
        assert_eq!(web.get(&format!("/articles/{}", first.slug), "").await.status, StatusCode::NOT_FOUND);
    }

    /// At the desk somebody is described, and two spellings become one person and two again.
    async fn the_desk_describes_authors_and_merges_spellings(web: Web) {
        let site = &web.app.site;
        write(site, "One", "Ann Lee", &[]).await;
        write(site, "Two", "Annie Lee", &[]).await;
        let (cookie, csrf) = web.session_of(Role::Editor).await;
        let ids: Vec<(i64, String)> = rows(&site.db, "select id, name from author order by id").await;
        let [(ann, _), (annie, _)] = &ids[..] else { panic!("two authors: {ids:?}") };
        let list = web.get("/desk/authors?q=annie", &cookie).await;
        assert!(list.body.contains("Annie Lee") && !list.body.contains(">Ann Lee<"));
        let path = format!("/desk/authors/{ann}");
        let version = |page: &Answer| page.body.split("name=\"version\" value=\"").nth(1).expect("a version").split('"').next().expect("an end").to_owned();
        let seen = version(&web.get(&path, &cookie).await);
        let typed = [
            ("csrf", csrf.as_str()), ("version", seen.as_str()), ("name", "Ann Lee"), ("bio", "Writes of lamps.\n\nLives by the sea."),
            ("picture_url", "https://lee.example/me.jpg"), ("links", "https://lee.example/"),
        ];
        let mut wrong = typed;
        wrong[4].1 = "javascript:alert(1)";
        let refused = web.post(&path, &cookie, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("begins with https://") && refused.body.contains("Lives by the sea."), "what was typed stays");
        assert_eq!(web.post(&path, &cookie, &typed).await.status, StatusCode::SEE_OTHER);
        let late = web.post(&path, &cookie, &typed).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "somebody saved it since");
        let page = web.get("/authors/ann-lee", "").await;
        for words in ["<p>Writes of lamps.</p>", "<p>Lives by the sea.</p>", "src=\"https://lee.example/me.jpg\"", ">lee.example<"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        let merge = format!("{path}/merge");
        let nobody = web.post(&merge, &cookie, &[("csrf", &csrf), ("other", "Zoe")]).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(web.post(&merge, &cookie, &[("csrf", &csrf), ("other", "annie  lee")]).await.status, StatusCode::SEE_OTHER);
        let page = web.get("/authors/ann-lee", "").await;
        assert!(page.body.contains(">One<") && page.body.contains(">Two<"));
        let old = web.get("/authors/annie-lee", "").await;
        assert_eq!((old.status, old.header("location")), (StatusCode::MOVED_PERMANENTLY, "/authors/ann-lee"));
        // What comes by the other name later is theirs, and a byline says what it says.
        let third = write(site, "Three", "Annie Lee", &[]).await;
        assert!(web.get("/authors/ann-lee", "").await.body.contains(">Three<"));
        let article = web.get(&format!("/articles/{}", third.slug), "").await;
        assert!(article.body.contains("<a href=\"/authors/ann-lee\" rel=\"author\">Annie Lee</a>"));
        assert_eq!(web.post(&format!("{path}/part"), &cookie, &[("csrf", &csrf)]).await.status, StatusCode::SEE_OTHER);
        articles::read_waiting_bylines(site).await.expect("read");
        let (ann_page, annie_page) = (web.get("/authors/ann-lee", "").await, web.get("/authors/annie-lee", "").await);
        assert!(ann_page.body.contains(">One<") && !ann_page.body.contains(">Two<"));
        assert!(annie_page.body.contains(">Two<") && annie_page.body.contains(">Three<"));
        // Two who stand for others are merged by hand alone: nobody is in a circle.
        assert_eq!(web.post(&format!("/desk/authors/{annie}/merge"), &cookie, &[("csrf", &csrf), ("other", "Annie Lee")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// The feeds of the whole, of a topic and of an author; each has what it is about, and is known again.
    async fn feeds_are_rss_by_the_rules(web: Web) {
        let site = &web.app.site;
        let empty = web.get("/feed.xml", "").await;
        assert_eq!(all(&is_rss(&empty, "/feed.xml"), "item").len(), 0);
        write(site, "First", "Ann Lee", &["Lamps"]).await;
        site.clock.advance(std::time::Duration::from_secs(60));
        let second = write(site, "Second", "Ann Lee & Ben Ode", &["Night"]).await;
        change(&site.db, "update article set body_html = '<p><a href=\"#fn1\">1</a> <a href=\"/x\">x</a></p>' where title = 'Second'").await;
        let feed = web.get("/feed.xml", "").await;
        let elements = is_rss(&feed, "/feed.xml");
        assert_eq!(all(&elements, "title"), ["The Lamplighter", "Second", "First"]);
        assert_eq!(all(&elements, "dc:creator"), ["Ann Lee", "Ben Ode", "Ann Lee"]);
        assert_eq!(all(&elements, "category"), ["Night", "Lamps"]);
        assert!(all(&elements, "content:encoded")[0].contains(&format!("{BASE}/articles/{}#fn1", second.slug)));
        assert_eq!(all(&elements, "guid@isPermaLink"), ["true", "true"]);
        for (path, title, items) in
            [("/topics/lamps", "Lamps in The Lamplighter", 1), ("/authors/ann-lee", "Ann Lee in The Lamplighter", 2)]
        {
            let own = format!("{path}/feed.xml");
            let elements = is_rss(&web.get(&own, "").await, &own);
            assert_eq!((all(&elements, "title")[0], all(&elements, "item").len()), (title, items));
            assert!(web.get(path, "").await.body.contains(&format!("title=\"{title}\" href=\"{own}\"")), "the page names it");
        }
        for nowhere in ["/topics/never/feed.xml", "/authors/never/feed.xml"] {
            assert_eq!(web.get(nowhere, "").await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(feed.header("cache-control"), "public, max-age=300");

        let (tag, date) = (feed.header("etag"), feed.header("last-modified"));
        assert!(date.ends_with(" GMT"), "{date}");
        for known in [
            [("if-none-match", tag)],
            [("if-none-match", &*format!("\"x\", W/{tag}"))],
            [("if-none-match", "*")],
            [("if-modified-since", date)],
        ] {
            let same = get_with(&web, "/feed.xml", &known).await;
            assert_eq!((same.status, same.body.as_str(), same.header("etag")), (StatusCode::NOT_MODIFIED, "", tag), "{known:?}");
        }
        // The tag counts where both are sent.
        let other = get_with(&web, "/feed.xml", &[("if-none-match", "\"x\""), ("if-modified-since", date)]).await;
        assert_eq!(other.status, StatusCode::OK);
        site.clock.advance(std::time::Duration::from_secs(60));
        change(&site.db, "update article set state = 'draft' where title = 'First'").await;
        assert_eq!(get_with(&web, "/feed.xml", &[("if-none-match", tag)]).await.status, StatusCode::OK, "one was taken back");
    }

    /// What was scheduled is news on the day that it comes out, also to who asks by date alone.
    async fn what_comes_out_later_is_news_to_who_asks_by_date(web: Web) {
        let site = &web.app.site;
        let soon = site.now().plus(std::time::Duration::from_secs(3_600));
        let later = WrittenArticle {
            title: "Later".to_owned(),
            state: ArticleState::Published,
            published_at: Some(soon),
            ..WrittenArticle::default()
        };
        articles::create(site, &later).await.expect("scheduled");
        site.clock.advance(std::time::Duration::from_secs(60));
        write(site, "First", "Ann Lee", &[]).await;
        let first = web.get("/feed.xml", "").await;
        let date = first.header("last-modified").to_owned();
        let known = [("if-modified-since", date.as_str())];
        assert_eq!(get_with(&web, "/feed.xml", &known).await.status, StatusCode::NOT_MODIFIED);
        site.clock.advance(std::time::Duration::from_secs(3_600));
        let out = get_with(&web, "/feed.xml", &known).await;
        assert_eq!(out.status, StatusCode::OK);
        assert!(out.body.contains("Later"), "{}", out.body);
    }

    /// What our own feeds say, our own reader reads.
    async fn our_feed_read_back_is_what_it_was_made_of(web: Web) {
        let site = &web.app.site;
        site.clock.advance(std::time::Duration::from_secs(400 * 86_400));
        articles::import_bytes(site, articles::SAMPLE_FEED.to_vec()).await.expect("the sample");
        write(site, "Salt & vinegar: “what’s” 2 > 1?", "Ann Lee, Ben Ode and Cy Wu", &["Food & drink"]).await;
        let own = articles::latest(site, 20).await.expect("articles");
        let feed = web.get("/feed.xml", "").await.body;
        let read = articles::parse_feed(feed.as_bytes(), None, None).expect("a feed");
        assert_eq!((read.articles.len(), read.skipped.len()), (own.len(), 0));
        for (ours, theirs) in own.iter().zip(&read.articles) {
            assert_eq!(theirs.title, ours.title);
            assert_eq!(theirs.byline, ours.byline, "{}", ours.title);
            assert_eq!(theirs.published_at.map(Moment::unix_seconds), Some(ours.published_at.unix_seconds()));
            assert_eq!(articles::plain_text(&theirs.body_html), articles::plain_text(&ours.body_html), "{}", ours.title);
            let names: Vec<&str> = ours.topics.iter().map(|topic| topic.name.as_str()).collect();
            assert_eq!(theirs.topics, names);
            assert_eq!((&theirs.origin_note, &theirs.standfirst), (&ours.origin_note, &ours.standfirst), "{}", ours.title);
        }
    }

    /// Every article that readers see is in one part of the map, once, also behind the first thousand; nothing else is.
    async fn the_site_map_has_what_is_for_everybody(web: Web) {
        let site = &web.app.site;
        assert!(!web.get("/sitemap.xml", "").await.body.contains("articles-"), "an empty part is none");
        write(site, "First", "Ann Lee", &["Lamps"]).await;
        let many: String = (0..2_500)
            .map(|n| {
                let (state, at) = if n % 5 == 0 { ("draft", 7) } else if n % 7 == 0 { ("published", i64::MAX / 2) } else { ("published", 7) };
                format!("{}({}, 'many-{n}', 'Many', '', '', '', 1, '{state}', {at}, 7, 7, '')", if n == 0 { "" } else { "," }, 48_900 + n)
            })
            .collect();
        let sql = format!("insert into article (id, slug, title, standfirst, byline, body_html, word_count, state, published_at, created_at, updated_at, content_hash) values {many}");
        change(&site.db, Box::leak(sql.into_boxed_str())).await;
        let index = xml(&web.get("/sitemap.xml", "").await.body);
        let parts: Vec<String> = all(&index, "loc").into_iter().map(|address| address.strip_prefix(BASE).expect("ours").to_owned()).collect();
        assert_eq!(parts, ["/sitemaps/pages.xml", "/sitemaps/articles-0.xml", "/sitemaps/articles-1.xml"]);
        let mut found = Vec::new();
        for part in &parts[1..] {
            let answer = web.get(part, "").await;
            assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
            let elements = xml(&answer.body);
            assert_eq!(all(&elements, "loc").len(), all(&elements, "lastmod").len());
            found.extend(all(&elements, "loc").into_iter().map(str::to_owned));
        }
        let wanted: BTreeSet<String> = (0..2_500)
            .filter(|n| n % 5 != 0 && n % 7 != 0)
            .map(|n| format!("{BASE}/articles/many-{n}"))
            .chain([format!("{BASE}/articles/first")])
            .collect();
        assert_eq!(found.len(), wanted.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
        let pages = xml(&web.get("/sitemaps/pages.xml", "").await.body);
        let pages = all(&pages, "loc");
        for path in ["/", "/archive", "/subscribe", "/donate", "/topics/lamps", "/authors/ann-lee"] {
            assert!(pages.contains(&format!("{BASE}{path}").as_str()), "{path}");
        }
        for page in pages {
            assert_eq!(web.get(page.strip_prefix(BASE).expect("ours"), "").await.status, StatusCode::OK, "{page}");
        }
        for nowhere in ["/sitemaps/articles-2.xml", "/sitemaps/articles-99999999999.xml", "/sitemaps/x"] {
            assert_eq!(web.get(nowhere, "").await.status, StatusCode::NOT_FOUND, "{nowhere}");
        }
        assert!(web.get("/robots.txt", "").await.body.contains(&format!("\nSitemap: {BASE}/sitemap.xml\n")));
    }

    /// Whoever comes to an address where nothing is finds what they may have meant; drafts are not told.
    async fn a_page_that_is_not_there_helps_on(web: Web) {
        let site = &web.app.site;
        write(site, "The lamp that went out", "Ann Lee", &[]).await;
        write(site, "Bread and butter", "Ann Lee", &[]).await;
        let draft = write(site, "The lamp that went out, again", "Ann Lee", &[]).await;
        change(&site.db, "update article set state = 'draft' where slug = 'the-lamp-that-went-out-again'").await;
        for path in ["/articles/the-lamps-that-went-out", "/2024/05/17/lamp-that-went-out/", "/the-lamp-that-went-out.html", "/articles/the-lamp-that-went-out-again"] {
            let page = web.get(path, "").await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            let (_, near) = page.body.split_once("Did you mean one of these?").unwrap_or_else(|| panic!("{path}: {}", page.body));
            let (near, newest) = near.split_once("The newest").expect("the newest");
            assert!(near.contains("/articles/the-lamp-that-went-out\"") && !near.contains("Bread"), "{path}");
            assert!(newest.contains("Bread and butter"));
            assert!(!page.body.contains("again\"") && !page.body.contains("again<"), "a draft is told: {path}");
        }
        let page = web.get("/articles/qqq", "").await;
        assert!(!page.body.contains("Did you mean") && page.body.contains("The newest") && page.body.contains("/archive"));
        let dead = web.get("/confirm/the-lamp-that-went-out", "").await;
        assert!(!dead.body.contains("The newest"), "whoever holds a link of their own is told nothing beside");
        drop(draft);
    }

    /// What the magazine took back is said to be gone (RFC 9110 section 15.5.11), everywhere.
    async fn a_withdrawn_article_is_gone(web: Web) {
        let site = &web.app.site;
        let article = write(site, "The lamp that went out", "Ann Lee", &["Lamps"]).await;
        write(site, "Bread and butter", "Ann Lee", &[]).await;
        let path = format!("/articles/{}", article.slug);
        change(&site.db, "update article set state = 'withdrawn' where title = 'The lamp that went out'").await;
        let page = web.get(&path, "").await;
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.body.contains("This article was withdrawn") && page.body.contains("Bread and butter"), "{}", page.body);
        assert!(!page.body.contains("In short: The lamp"), "nothing of it is told");
        for other in ["/", "/feed.xml", "/authors/ann-lee", "/sitemaps/articles-0.xml"] {
            assert!(!web.get(other, "").await.body.contains(&path), "{other}");
        }
        assert_eq!(web.get("/topics/lamps", "").await.status, StatusCode::NOT_FOUND);
    }

    /// The gift remembers under which article somebody was asked, and so does what follows each month.
    async fn a_gift_remembers_its_article(app: TestApp) {
        let article = write(&app.site, "The lamp that went out", "Ann Lee", &[]).await;
        let visitor = app.visitor();
        let page = visitor.open(&format!("/articles/{}", article.slug)).await;
        let link = page.body.split("href=\"").find(|part| part.starts_with("/donate?every=once&amp;amount=25")).expect("an amount to give");
        let link = link.split('"').next().expect("an end").replace("&amp;", "&");
        let form = visitor.open(&link).await.form("/donate");
        assert_eq!((form.value("a"), form.value("amount")), (Some(article.slug.as_str()), Some("25.00")));
        let checkout = visitor.submit(&form.with("email", "dora@example.org")).await;
        let url = checkout.leads_to().unwrap_or_else(|| panic!("no checkout, but: {}", checkout.text()));
        let session = url.path().split('/').find(|part| part.starts_with("cs_")).expect("a session");
        app.sandbox.stripe().pay(session, "dora@example.org").expect("open");
        app.drain().await;
        app.give("else@example.org", "7", "once").await;
        let gifts: Vec<(String, String)> = rows(&app.site.db, "select public_id, email from donation where state = 'paid' order by id").await;
        let desk = app.desk().await;
        let of = async |email: &str| {
            let (id, _) = gifts.iter().find(|(_, own)| own == email).expect("a gift");
            desk.open(&format!("/desk/donations/{id}")).await
        };
        of("dora@example.org").await.says("Came from").says("The lamp that went out").says("€25.00 in 1 gift");
        assert!(!of("else@example.org").await.body.contains("Came from"));
        // An address that somebody made up is no article; a gift is taken all the same.
        let form = visitor.open("/donate?a=never").await.form("/donate").with("own_amount", "9").with("email", "eve@example.org");
        assert!(visitor.submit(&form).await.leads_to().is_some());
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from gift_article").await, [(1,)]);
        app.leaves_work();
    }
}

both_engines! {
    /// What crawlers come for by the thousand is found in indexes, without the texts and without sorting; so is what says that
    /// nothing changed.
    async fn what_crawlers_ask_is_answered_from_indexes(db: TestDb) {
        let all = broadside::statements();
        let articles = all.iter().filter(|(room, _)| *room == "articles").flat_map(|(_, all)| all.iter());
        let wanted = ["NEWEST", "NEWEST_SLUGS", "SLUGS_FROM", "SITE_MAP", "SITE_MAP_PARTS", "HIGHEST"];
        let mut looked_at = 0;
        for sql in articles.filter(|sql| wanted.contains(&sql.name)) {
            looked_at += 1;
            let plan = plan(&db, *sql).await;
            let costs = |line: &&String| {
                line.contains("TEMP B-TREE") || line.contains("Seq Scan") || line.starts_with("SCAN article") && !line.contains("INDEX")
            };
            assert!(!plan.iter().any(|line| costs(&line)), "{}: {plan:#?}", sql.name);
            // PostgreSQL weighs by how many rows there are, which is none here.
            let is_whole = db.db.engine() == Engine::Postgres
                || sql.name == "SLUGS_FROM" || plan.iter().any(|line| line.contains("COVERING INDEX"));
            assert!(is_whole, "{}: {plan:#?}", sql.name);
        }
        assert_eq!(looked_at, wanted.len());
    }

    /// The list at the desk, narrowed and searched, finds its page without reading texts or sorting, however many articles there are.
    async fn the_list_at_the_desk_reads_no_texts(db: TestDb) {
        let all = broadside::statements();
        let articles = all.iter().filter(|(room, _)| *room == "articles").flat_map(|(_, all)| all.iter());
        let mut looked_at = 0;
        for sql in articles.filter(|sql| ["DESK_ALL", "DESK_OF_STATE", "DESK_OF_FEED", "DESK_FED", "DESK_FED_OF_STATE"].contains(&sql.name)) {
            looked_at += 1;
            let plan = plan(&db, *sql).await;
            let costs = |line: &&String| line.contains("TEMP B-TREE") || line.contains("Seq Scan on article") || line.starts_with("SCAN article");
            assert!(!plan.iter().any(|line| costs(&line)), "{}: {plan:#?}", sql.name);
            // Of one feed there are few, and which feed an article is of stands before its text; PostgreSQL keeps long texts apart from their rows.
            let is_whole = db.db.engine() == Engine::Postgres || sql.name.starts_with("DESK_FED") || sql.name == "DESK_OF_FEED"
                || plan.iter().any(|line| line.starts_with("SEARCH article USING COVERING INDEX"));
            assert!(is_whole, "{}: {plan:#?}", sql.name);
        }
        assert_eq!(looked_at, 5);
    }
}

/// The article page, an author's and that of nothing, for everybody; no policy of ours is broken by what is in them, and on paper
/// there is the text, where it came from, and nothing to press.
#[tokio::test(flavor = "multi_thread")]
async fn the_article_page_is_well_set() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
    let body = format!(
        "A first paragraph that is long enough to be set over some lines, with {long} in it and `a_very_long_name_of_code_{}`.\n\n## A heading\n\n\
         | One | Two | Three | Four | Five | Six |\n|---|---|---|---|---|---|\n| {} | b | c | d | e | f |\n\n\
         ```\nlet x = \"{}\";\n```\n\n> A quotation.\n\n1. One\n2. Two\n\nhttps://example.org/{}",
        "x".repeat(90),
        "wide ".repeat(9),
        "y".repeat(140),
        "z".repeat(120)
    );
    let mine = WrittenArticle {
        title: "The lamp that went out, and who lit it again".to_owned(),
        standfirst: "Nobody had seen it dark before.".to_owned(),
        byline: "Ann Lee and Ben Ode".to_owned(),
        topics: vec!["Lamps".to_owned()],
        body_markdown: Some(body),
        origin_note: "First published in the parish letter.".to_owned(),
        state: ArticleState::Published,
        ..WrittenArticle::default()
    };
    let article = articles::create(&app.site, &mine).await.expect("an article");
    write(&app.site, "Another lamp", "Ann Lee", &["Lamps"]).await;
    browser.goto(&app.url(&format!("/articles/{}", article.slug))).await;
    browser.sound("article").await;
    let broken = "const seen = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true }); seen.observe(); \
        return seen.takeRecords().map(one => one.body.effectiveDirective).join()";
    assert_eq!(browser.script(broken).await, "", "what nobody runs breaks no policy");
    assert_eq!(
        browser
            .script("return document.querySelectorAll('script[type=\"application/ld+json\"]').length")
            .await,
        1
    );
    browser.on_paper(true).await;
    browser.resize(800, 1100).await;
    browser.screenshot("article-print").await;
    let seen = "return [...document.querySelectorAll('.appeal, .by-mail, .more, .masthead-links, .foot, .printed')].filter(one => one.checkVisibility()).map(one => one.className).join()";
    assert_eq!(browser.script(seen).await, "printed");
    assert!(browser.sees(&format!("/articles/{}", article.slug)).await, "the address stands on the paper");
    browser.on_paper(false).await;
    for (path, name) in [
        ("/authors/ann-lee", "author"),
        ("/topics/lamps", "topic"),
        ("/articles/the-lamps-that-went-out", "lost"),
    ] {
        browser.goto(&app.url(path)).await;
        browser.sound(name).await;
    }
    browser.close().await;
    app.finish().await;
}
