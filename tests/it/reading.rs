//! The magazine as its readers see it: front page, articles, archive, and the copy in the browser.

use std::collections::BTreeMap;

use broadside::{
    articles::{self, ArticleState, Fetcher, WrittenArticle},
    db::{Db, Engine},
    settings::{self, ArticlesAt},
    web::{App, HeaderSet, router},
};
use reqwest::StatusCode;

use crate::{
    desk::Log,
    support::{Browser, Fixture, TestApp, TestDb, both_engines, database::rows, pages::Web},
};

/// The sample's articles are dated later than the tests begin.
const A_YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);

async fn magazine(app: &TestApp) -> Vec<articles::Article> {
    app.advance(A_YEAR);
    app.articles().await
}

both_engines! {
    async fn the_front_page_leads_to_every_article(app: TestApp) {
        let articles = magazine(&app).await;
        let visitor = app.visitor();
        let front = visitor.open("/").await;
        for article in &articles {
            front.says(&article.title);
            assert!(front.body.contains(&format!("/articles/{}", article.slug)), "{}", article.slug);
        }
        let article = &articles[0];
        let page = visitor.open(&format!("/articles/{}", article.slug)).await;
        page.says(&article.title).says(&article.standfirst).says(&article.reading_time(275));
        page.says("Give once").says("Give monthly");
        for topic in &article.topics {
            visitor.open(&format!("/?topic={}", topic.slug)).await.says(&article.title);
            visitor.open(&format!("/topics/{}", topic.slug)).await.says(&article.title);
        }
    }

    async fn what_is_not_published_is_not_there(app: TestApp) {
        app.articles().await;
        let mine = WrittenArticle {
            title: "Not yet".to_owned(),
            body_markdown: Some("Words.".to_owned()),
            state: ArticleState::Draft,
            ..WrittenArticle::default()
        };
        let draft = articles::create(&app.site, &mine).await.expect("a draft");
        let visitor = app.visitor();
        for path in [format!("/articles/{}", draft.slug), "/articles/never".to_owned(), "/?topic=never".to_owned()] {
            assert_eq!(visitor.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    /// When the magazine has a site of its own, titles lead there and no article pages are served.
    async fn articles_that_live_elsewhere_are_not_served_here(app: TestApp) {
        let articles = magazine(&app).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let change = |settings: &mut broadside::settings::Settings| {
            settings.articles_at = ArticlesAt::Elsewhere;
            settings.external_site_url = "https://lamplighter.example.org/".to_owned();
        };
        settings::save(&mut tx, &app.site, None, change).await.expect("saved");
        tx.commit().await.expect("a commit");
        let visitor = app.visitor();
        let path = format!("/articles/{}", articles[0].slug);
        assert_eq!(visitor.open(&path).await.status, StatusCode::NOT_FOUND);
        let front = visitor.open("/").await;
        assert!(!front.body.contains("href=\"/articles/"));
        let canonical = articles[0].canonical_url.as_deref().unwrap_or("https://lamplighter.example.org/");
        assert!(front.body.contains(canonical), "{canonical}");
    }

    /// TRUST A4: what a feed or a writer puts into a title is text.
    async fn a_title_is_text_wherever_it_stands(app: TestApp) {
        let mine = WrittenArticle {
            title: "<script>alert(1)</script>".to_owned(),
            standfirst: "\"><img src=x onerror=alert(1)>".to_owned(),
            body_markdown: Some("<script>alert(1)</script> fine".to_owned()),
            state: ArticleState::Published,
            ..WrittenArticle::default()
        };
        let article = articles::create(&app.site, &mine).await.expect("an article");
        let visitor = app.visitor();
        for path in ["/".to_owned(), format!("/articles/{}", article.slug)] {
            let page = visitor.open(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.body.contains("<script>") && !page.body.contains("<img src=x"), "{path}: {}", page.body);
        }
    }

    /// TRUST A5: an edition that went out stands in the archive, with the rights of a sandboxed page, addressed to nobody; a reader's own copy opens by the link in it.
    async fn editions_that_went_out_can_be_read(app: TestApp) {
        app.reader("ann@example.org").await;
        let visitor = app.visitor();
        visitor.open("/archive").await.says("Nothing went out yet");
        app.advance(A_YEAR);
        app.send_edition("The first edition").await;
        let archive = visitor.open("/archive").await;
        archive.says("The first edition");
        let path = archive.body.split("href=\"").find(|part| part.starts_with("/archive/")).expect("a link");
        let path = path.split('"').next().expect("an end").to_owned();
        let copy = app.last_mail("ann@example.org").link("/view/");
        for (address, token_page) in [(path.as_str(), false), (copy.as_str(), true)] {
            let page = visitor.open(address).await;
            assert_eq!(page.status, StatusCode::OK, "{address}");
            page.says("Good morning.");
            for (name, value) in HeaderSet::Archive.all(None, token_page) {
                assert_eq!(page.headers.get(&name).and_then(|value| value.to_str().ok()), Some(value.as_str()), "{name}");
            }
        }
        // What changes afterwards changes nothing in what was mailed.
        let desk = app.desk().await;
        let editions = desk.open("/desk/editions").await;
        let edition = editions.body.split('"').find(|part| part.starts_with("/desk/editions/")).expect("the edition").to_owned();
        let list = desk.open("/desk/articles").await;
        let article = list.body.split('"').find(|part| part.starts_with("/desk/articles/") && part.ends_with(|c: char| c.is_ascii_digit()));
        let form = desk.open(article.expect("an article")).await.form("/desk/articles/");
        let was = form.value("title").expect("a title").to_owned();
        desk.submit_and_follow(&form.with("title", "Another headline").with("correcting", "silent").with("act", "save")).await.says("Saved");
        for address in [path.as_str(), copy.as_str(), &format!("{edition}/preview"), &format!("{edition}/preview?part=text")] {
            let page = desk.open(address).await;
            assert!(page.body.contains(&was) && !page.body.contains("Another headline"), "{address}: {}", page.body);
        }
        let public = visitor.open(&path).await;
        assert!(!public.body.contains("/unsubscribe/") && !public.body.contains("/preferences/"), "nobody's links");
        assert_eq!(visitor.open(&format!("{copy}x")).await.status, StatusCode::NOT_FOUND);
    }
}

/// Every row of every table, as text.
async fn every_row(db: &Db) -> BTreeMap<String, String> {
    let is_ours = |name: &String| !name.starts_with("sqlite_") && !name.contains("_found");
    let mut all = BTreeMap::new();
    let tables = match db.engine() {
        Engine::Sqlite => "select name from sqlite_schema where type = 'table'",
        Engine::Postgres => {
            "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        }
    };
    let tables: Vec<(String,)> = rows(db, tables).await;
    for (table,) in tables.into_iter().filter(|(name,)| is_ours(name)) {
        let sql = match db.engine() {
            Engine::Sqlite => {
                let columns = format!("select name from pragma_table_info('{table}')");
                let columns = rows::<(String,)>(db, columns.leak()).await;
                let quoted: Vec<String> =
                    columns.iter().map(|(name,)| format!("quote(\"{name}\")")).collect();
                format!("select coalesce(group_concat({}, '|'), '') from {table}", quoted.join(" || ',' || "))
            }
            Engine::Postgres => {
                format!("select coalesce(string_agg(t::text, '|' order by t::text), '') from {table} t")
            }
        };
        all.insert(table, rows::<(String,)>(db, sql.leak()).await.remove(0).0);
    }
    all
}

both_engines! {
    /// TRUST L9, log check: whoever opens their copy, the archive or an article is noted nowhere: no row of any table is another one
    /// afterwards, and no line of the log says who it was, or by which link they came.
    async fn who_reads_is_noted_nowhere(app: TestApp) {
        app.reader("ann@example.org").await;
        let article = magazine(&app).await.remove(0);
        app.send_edition("The first edition").await;
        let path = |link: String| url::Url::parse(&link).expect("a link").path().to_owned();
        let copy = path(app.last_mail("ann@example.org").link("/view/"));
        let archive = app.visitor().open("/archive").await.body;
        let archived = archive.split("href=\"").find(|part| part.starts_with("/archive/")).expect("a link");
        let archived = archived.split('"').next().expect("an end");
        let readers = rows::<(String,)>(&app.site.db, "select public_id from subscriber").await;

        let fetcher = Fetcher::new(true).expect("a fetcher");
        let web = App::new(app.site.clone(), app.templates.clone(), fetcher).expect("the pages are in order");
        let web = Web { router: router(web.clone()), app: web };
        let log = Log::default();
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let before = every_row(&app.site.db).await;
        let listening = log.listen();
        let (own, topic) = (format!("/articles/{}", article.slug), format!("/topics/{}/feed.xml", article.topics[0].slug));
        for path in [&copy, archived, "/archive", "/", &own, "/feed.xml", &topic, "/sitemap.xml", "/sitemaps/articles-0.xml"] {
            let page = web.get(path, "").await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.header("set-cookie").is_empty(), "{path}");
        }
        web.get(&format!("{copy}x"), "").await;
        web.get("/articles/never", "").await;
        drop(listening);
        let after = every_row(&app.site.db).await;
        for (table, rows) in &before {
            assert_eq!(Some(rows), after.get(table), "{table}");
        }
        let text = log.text();
        assert!(text.contains("a request was refused"), "it does log: {text}");
        let token = copy.rsplit('/').next().expect("a token");
        for told in [token, "ann@example.org", &readers[0].0] {
            assert!(!text.contains(told), "{told} is in the log: {text}");
        }
    }
}

/// Every public page in a browser: no serious problem for anybody, in light and dark, and pictures to look at.
#[tokio::test(flavor = "multi_thread")]
async fn public_pages_are_sound_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let articles = magazine(&app).await;
    app.reader("ann@example.org").await;
    app.subscribe("bea@example.org").await;
    app.send_edition("Night walks, and who pays for the lamps").await;
    let mail = app.last_mail("ann@example.org");
    let token = |link: String| url::Url::parse(&link).expect("a link").path().to_owned();
    let longest = articles.iter().max_by_key(|article| article.word_count).expect("articles");
    let pages = [
        ("home", "/".to_owned()),
        ("article", format!("/articles/{}", longest.slug)),
        ("article-end", format!("/articles/{}#appeal-title", longest.slug)),
        ("subscribe", "/subscribe".to_owned()),
        ("subscribe-sent", "/subscribe/sent".to_owned()),
        ("confirm", token(app.last_mail("bea@example.org").link("/confirm/"))),
        ("unsubscribe", token(mail.link("/unsubscribe/"))),
        ("preferences", token(mail.link("/preferences/"))),
        ("archive", "/archive".to_owned()),
        ("sample-link", "/sample-link".to_owned()),
        ("dead-link", "/confirm/never".to_owned()),
    ];
    for (name, path) in pages {
        browser.resize(1280, 900).await;
        browser.goto(&app.url(&path)).await;
        browser.axe().await;
        for (width, size) in [(1280, "wide"), (360, "phone")] {
            browser.resize(width, 2000).await;
            let overflow =
                browser.script("return document.documentElement.scrollWidth - window.innerWidth").await;
            assert!(
                overflow.as_i64().is_some_and(|pixels| pixels <= 0),
                "{name} is too wide at {width}: {overflow}"
            );
            for scheme in ["light", "dark"] {
                browser.prefer(scheme).await;
                browser.screenshot(&format!("public-{name}-{size}-{scheme}")).await;
            }
        }
    }
    // The page presses its button by itself; whoever lets no scripts run sees it.
    app.subscribe("cleo@example.org").await;
    browser.without("confirm.js").await;
    browser.goto(&app.last_mail("cleo@example.org").link("/confirm/")).await;
    browser.wait_for_text("One press, and you are in").await;
    for width in [1280, 360] {
        browser.resize(width, 900).await;
        browser.axe().await;
        browser.screenshot(&format!("public-confirm-without-script-{width}")).await;
    }
    browser.close().await;
    app.finish().await;
}
