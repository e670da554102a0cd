//! Archives of WordPress, Ghost and Markdown that come in whole: at the desk, at the command line, again, and through crashes.

use std::{
    io::{Cursor, Write as _},
    time::Duration,
};

use broadside::{
    articles::{
        self, Archive, ArchiveChoices, ArchiveKind, ArchiveReport, ArchiveState, Article, ArticleState,
        BringArchiveError, Fetcher, ReceivingArchive, WrittenArticle,
    },
    clock::Stopwatch,
    db::Engine,
    jobs, publishing,
};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    Browser, Fixture as _, Program, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    scratch, wait,
};

const LEASE: Duration = Duration::from_secs(601);

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<rss version=\"2.0\" xmlns:excerpt=\"http://wordpress.org/export/1.2/excerpt/\" \
    xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:wp=\"http://wordpress.org/export/1.2/\">\n\
    <channel><title>The Gull</title><link>https://gull.example</link><wp:wxr_version>1.2</wp:wxr_version><wp:base_blog_url>https://gull.example</wp:base_blog_url>\n\
    <wp:author><wp:author_login><![CDATA[ann]]></wp:author_login><wp:author_display_name><![CDATA[Ann Lee]]></wp:author_display_name></wp:author>\n\
    <wp:author><wp:author_login><![CDATA[bo]]></wp:author_login><wp:author_display_name><![CDATA[Bo Ray]]></wp:author_display_name></wp:author>\n";

/// An item of an export.
struct Post<'a> {
    number: u32,
    title: &'a str,
    status: &'a str,
    content: &'a str,
    more: &'a str,
    site: &'a str,
    guid: Option<&'a str>,
}

impl Default for Post<'_> {
    fn default() -> Self {
        let (title, status, content) =
            ("Salt & bread", "publish", "The ovens go on at two.\n\nNobody sleeps.");
        Self { number: 1, title, status, content, more: "", site: "https://gull.example", guid: None }
    }
}

impl Post<'_> {
    fn xml(&self) -> String {
        let Self { number, title, status, content, more, site, guid } = self;
        let guid = guid.map_or_else(|| format!("{site}/?p={number}"), str::to_owned);
        let gmt = if *status == "draft" { "0000-00-00 00:00:00" } else { "2024-03-05 14:05:05" };
        format!(
            "<item><title><![CDATA[{title}]]></title><link>{site}/{number}/</link><dc:creator><![CDATA[ann]]></dc:creator>\
             <guid isPermaLink=\"false\">{guid}</guid><content:encoded><![CDATA[{content}]]></content:encoded><excerpt:encoded><![CDATA[]]></excerpt:encoded>\
             <wp:post_id>{number}</wp:post_id><wp:post_date><![CDATA[2024-03-05 15:05:05]]></wp:post_date><wp:post_date_gmt><![CDATA[{gmt}]]></wp:post_date_gmt>\
             <wp:post_name><![CDATA[post-{number}]]></wp:post_name><wp:status><![CDATA[{status}]]></wp:status><wp:post_type><![CDATA[post]]></wp:post_type>\
             <wp:post_password><![CDATA[]]></wp:post_password>{more}</item>\n"
        )
    }
}

fn export(items: &[String]) -> Vec<u8> {
    format!("{HEAD}{}</channel></rss>", items.concat()).into_bytes()
}

/// What a magazine of our own making would export: a picture behind the post that shows it, two authors, a page, a menu, a draft, the bin.
fn magazine() -> Vec<u8> {
    let whole = Post {
        content: "[caption id=\"a\"]<img src=\"/oven.jpg\" alt=\"An oven\"> Hot[/caption]\n\nThe ovens go on at two.\n\n[gallery ids=\"90\"]\n\n[vc_row]Nobody sleeps.[/vc_row]",
        more: "<category domain=\"category\" nicename=\"food\"><![CDATA[Food &amp; drink]]></category><category domain=\"post_tag\" nicename=\"night\"><![CDATA[Night]]></category>\
            <category domain=\"author\" nicename=\"cap-bo\"><![CDATA[bo]]></category><category domain=\"author\" nicename=\"guest\"><![CDATA[Cy Guest]]></category>\
            <wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value><![CDATA[90]]></wp:meta_value></wp:postmeta>",
        ..Post::default()
    };
    let kind = |post: Post<'_>, kind: &str| {
        post.xml().replace("<![CDATA[post]]></wp:post_type>", &format!("<![CDATA[{kind}]]></wp:post_type>"))
    };
    let picture = Post {
        number: 90,
        title: "oven",
        status: "inherit",
        more: "<wp:attachment_url>https://gull.example/files/oven.jpg</wp:attachment_url><wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key>\
            <wp:meta_value><![CDATA[A warm oven]]></wp:meta_value></wp:postmeta>",
        ..Post::default()
    };
    export(&[
        whole.xml(),
        Post { number: 2, title: "A draft", status: "draft", ..Post::default() }.xml(),
        Post { number: 3, title: "Private", status: "private", ..Post::default() }.xml(),
        Post { number: 4, title: "Binned", status: "trash", ..Post::default() }.xml(),
        Post { number: 5, title: "Locked", ..Post::default() }
            .xml()
            .replace("<wp:post_password><![CDATA[]]>", "<wp:post_password><![CDATA[x]]>"),
        kind(Post { number: 6, title: "About us", ..Post::default() }, "page"),
        kind(Post { number: 7, title: "Menu", ..Post::default() }, "nav_menu_item"),
        kind(picture, "attachment"),
    ])
}

fn published() -> ArchiveChoices {
    ArchiveChoices { publishes: true, ..ArchiveChoices::default() }
}

async fn begun(app: &TestApp, file: impl AsRef<[u8]>) -> Archive {
    let mut receiving = ReceivingArchive::begin(&app.site, Some(1), "C:\\old\\all.xml").await.expect("begun");
    // However it comes.
    for piece in file.as_ref().chunks(99_991) {
        receiving.push(&app.site, piece).await.expect("kept");
    }
    let id = receiving.finish(&app.site).await.expect("here");
    work(app).await;
    now(app, &id).await
}

async fn now(app: &TestApp, id: &str) -> Archive {
    articles::find_archive(&app.site.db, id).await.expect("a read").expect("an archive")
}

async fn work(app: &TestApp) {
    let site = app.site.clone();
    let fetcher = Fetcher::new(true).expect("a client");
    tokio::spawn(async move { articles::bring_in_archives(&site, &fetcher).await })
        .await
        .expect("it works")
        .expect("it goes on");
}

/// An archive, brought in to its end.
async fn come(app: &TestApp, file: impl AsRef<[u8]>, choices: &ArchiveChoices) -> ArchiveReport {
    let archive = begun(app, file).await;
    assert_eq!((archive.state, archive.trouble.as_str()), (ArchiveState::Asking, ""));
    articles::take_archive(&app.site, &archive, archive.changed_at, choices, 1).await.expect("pressed");
    work(app).await;
    let archive = now(app, &archive.public_id).await;
    assert_eq!((archive.state, archive.trouble.as_str()), (ArchiveState::Done, ""));
    assert_eq!(
        rows::<(i64,)>(
            &app.site.db,
            "select count(*) from archive_part p join archive a on a.id = p.archive_id where a.state = 'done'"
        )
        .await,
        [(0,)],
        "the file is gone"
    );
    archive.report().expect("sums")
}

async fn all(app: &TestApp) -> Vec<Article> {
    articles::desk_page(&app.site, articles::DeskLook::default(), None, 100).await.expect("articles")
}

async fn called(app: &TestApp, title: &str) -> Article {
    all(app).await.into_iter().find(|article| article.title == title).expect("an article of that title")
}

/// Files, packed.
/// The most memory that this process has had, in bytes, as Linux counts it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1_024)
}

/// An export of a gigabyte comes in whole, in memory that does not grow with it (TRUST A9). It takes minutes, so it is asked for by hand and alone:
/// `cargo test --release --test it an_export_of_a_gigabyte -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and measures the whole process"]
async fn an_export_of_a_gigabyte_comes_in() {
    export_of(1_000_000_000).await;
}

/// The same of a fifth, for a build that is not made to be fast.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and measures the whole process"]
async fn an_export_of_two_hundred_megabytes_comes_in() {
    export_of(200_000_000).await;
}

async fn export_of(size: u64) {
    const MOST: u64 = 128 * 1_024 * 1_024;
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let content = format!("{}\n\n", "The ovens go on at two, and nobody sleeps. ".repeat(23)).repeat(60);
    let before = peak();
    let began = Stopwatch::start();
    let mut receiving = ReceivingArchive::begin(&app.site, Some(1), "all.xml").await.expect("begun");
    receiving.push(&app.site, HEAD.as_bytes()).await.expect("kept");
    let (mut sent, mut posts) = (0_u64, 0_u32);
    while sent < size {
        posts += 1;
        let title = format!("Post {posts}");
        let item = Post { number: posts, title: &title, content: &content, ..Post::default() }.xml();
        sent += item.len() as u64;
        receiving.push(&app.site, item.as_bytes()).await.expect("kept");
    }
    receiving.push(&app.site, b"</channel></rss>").await.expect("kept");
    let id = receiving.finish(&app.site).await.expect("here");
    work(&app).await;
    let archive = now(&app, &id).await;
    let seen = archive.changed_at;
    articles::take_archive(&app.site, &archive, seen, &published(), 1).await.expect("taken");
    work(&app).await;
    let report = now(&app, &id).await.report().expect("a report");
    assert_eq!((report.new, report.left), (u64::from(posts), 0), "{report:?}");
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = after - before;
        println!(
            "{sent} bytes, {posts} posts, {:?}: {} MB more at the most",
            began.elapsed(),
            grown / 1_024 / 1_024
        );
        assert!(grown < MOST, "{grown} bytes more");
    }
    app.finish().await;
}

async fn newest(app: &TestApp) -> Archive {
    articles::archives(&app.site.db, None, 1).await.expect("a read").remove(0)
}

/// A drawing of so many pixels.
fn drawing(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let drawing = image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]));
    image::DynamicImage::ImageRgb8(drawing).write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        packed.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a name");
        packed.write_all(bytes).expect("memory");
    }
    packed.finish().expect("a ZIP").into_inner()
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a name");
        zip.write_all(text.as_bytes()).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}

both_engines! {
    /// TRUST M1: nothing is an article before somebody has pressed; what comes is what stands there, and again it changes nothing.
    async fn an_export_of_wordpress_comes_in_whole(app: TestApp) {
        let archive = begun(&app, magazine()).await;
        assert_eq!((archive.state, archive.kind, archive.file.as_str()), (ArchiveState::Asking, ArchiveKind::WordPress, "all.xml"));
        let seen = archive.survey().expect("a survey");
        assert_eq!((seen.published, seen.drafts, seen.withdrawn, seen.pages, seen.left), (1, 2, 2, 1, 0), "{seen:?}");
        assert_eq!((seen.first[0].title.as_str(), seen.first[0].byline.as_str(), seen.site.as_str()), ("Salt & bread", "Bo Ray and Cy Guest", "https://gull.example/"));
        assert!(all(&app).await.is_empty(), "nothing before the press");
        articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await.expect("pressed");
        work(&app).await;
        let report = now(&app, &archive.public_id).await.report().expect("sums");
        assert_eq!((report.new, report.left), (3, 3), "{report:?}");
        assert_eq!(report.shortcodes.get("vc_row"), Some(&1));
        let bread = called(&app, "Salt & bread").await;
        assert_eq!((bread.slug.as_str(), bread.state, bread.byline.as_str()), ("post-1", ArticleState::Published, "Bo Ray and Cy Guest"));
        assert_eq!(bread.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Food & drink", "Night"]);
        assert_eq!((bread.published_at.unix_seconds(), bread.canonical_url.as_deref()), (1_709_647_505, Some("https://gull.example/1/")));
        assert_eq!((bread.image_url.as_deref(), bread.image_alt.as_str()), (Some("https://gull.example/files/oven.jpg"), "A warm oven"));
        for part in [
            "<figure><img src=\"https://gull.example/oven.jpg\" alt=\"An oven\"><figcaption>Hot</figcaption></figure>",
            "<p>The ovens go on at two.</p>",
            "<figure><img src=\"https://gull.example/files/oven.jpg\" alt=\"A warm oven\"></figure>",
            "<p>Nobody sleeps.</p>",
        ] {
            assert!(bread.body_html.contains(part), "{part} in {}", bread.body_html);
        }
        for title in ["A draft", "Locked"] {
            let draft = called(&app, title).await;
            assert_eq!((draft.state, draft.byline.as_str()), (ArticleState::Draft, "Ann Lee"), "{title}");
        }
        let left = articles::left_of_archive(&app.site.db, &archive, 0).await.expect("a read");
        let left: Vec<_> = left.iter().map(|one| (one.title.as_str(), one.why.as_str())).collect();
        assert_eq!(left, [
            ("Private", "“Private” is private or in the bin there"),
            ("Binned", "“Binned” is private or in the bin there"),
            ("Locked", "it has a password there, and comes as a draft"),
            ("About us", "it is a page, and pages were not asked for"),
        ]);
        let before = all(&app).await;
        app.advance(Duration::from_secs(60));
        let again = come(&app, magazine(), &published()).await;
        assert_eq!((again.new, again.updated, again.unchanged, again.left), (0, 0, 3, 3), "{again:?}");
        assert_eq!(all(&app).await, before);
        let paged = come(&app, magazine(), &ArchiveChoices { pages: true, ..published() }).await;
        assert_eq!((paged.new, paged.unchanged), (1, 3), "{paged:?}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from notice").await, [(0,)], "nobody is mailed");
    }

    /// What changed there changes here; what was written here stays; what is shown there no more is withdrawn here.
    async fn a_later_export_changes_what_nobody_wrote_here(app: TestApp) {
        let items = |changed: &str| {
            export(&[
                Post { number: 1, title: "Salt", ..Post::default() }.xml(),
                Post { number: 2, title: "Bread", content: changed, ..Post::default() }.xml(),
                Post { number: 3, title: "Tide", content: changed, ..Post::default() }.xml(),
            ])
        };
        assert_eq!(come(&app, items("Old words."), &published()).await.new, 3);
        let mine = called(&app, "Tide").await;
        let written = WrittenArticle { title: "Tide".to_owned(), body_markdown: Some("Our words.".to_owned()), state: ArticleState::Published, ..WrittenArticle::default() };
        publishing::change_article(&app.site, (mine.id, mine.version), &written, &[]).await.expect("an edit");
        let later = come(&app, items("New words."), &ArchiveChoices::default()).await;
        assert_eq!((later.updated, later.unchanged, later.kept), (1, 1, 1), "{later:?}");
        assert_eq!(called(&app, "Bread").await.body_html, "<p>New words.</p>");
        assert_eq!((called(&app, "Bread").await.state, called(&app, "Tide").await.body_html.as_str()), (ArticleState::Published, "<p>Our words.</p>"));
        let gone = export(&[Post { number: 1, title: "Salt", status: "trash", ..Post::default() }.xml()]);
        assert_eq!(come(&app, &gone, &published()).await.withdrawn, 1);
        assert_eq!(called(&app, "Salt").await.state, ArticleState::Withdrawn);
        assert_eq!(come(&app, &gone, &published()).await.unchanged, 1);
    }

    /// A site that gets https, drops `www.`, or is built anew with other ids, has the articles that it had; two with one id are both kept.
    async fn an_export_of_a_site_that_moved_doubles_nothing(app: TestApp) {
        let of = |site: &str, ids: &str| {
            let guids: Vec<String> = (1..=40).map(|number| format!("{ids}{number}")).collect();
            let post = |(at, guid): (usize, &String)| Post { number: at as u32 + 1, title: &format!("Post {at}"), site, guid: Some(guid), ..Post::default() }.xml();
            export(&guids.iter().enumerate().map(post).collect::<Vec<_>>())
        };
        assert_eq!(come(&app, of("http://www.gull.example", "http://www.gull.example/?p="), &published()).await.new, 40);
        for (site, ids) in [("https://gull.example", "https://gull.example/?p="), ("https://gull.example", "urn:new:")] {
            let moved = come(&app, of(site, ids), &published()).await;
            assert_eq!((moved.new, moved.updated + moved.unchanged), (0, 40), "{moved:?}");
        }
        let shared = export(&[
            Post { number: 71, title: "One", guid: Some("x:1"), ..Post::default() }.xml(),
            Post { number: 72, title: "Other", guid: Some("x:1"), ..Post::default() }.xml(),
        ]);
        let archive = begun(&app, &shared).await;
        assert_eq!(archive.survey().expect("a survey").shared, 1);
        assert_eq!(come(&app, &shared, &published()).await.new, 2);
        assert_eq!(come(&app, &shared, &published()).await.unchanged, 2);
    }

    /// The site's own feed and its export are one.
    async fn a_feed_and_an_export_of_one_site_are_one(app: TestApp) {
        let feed = "<rss version='2.0'><channel><title>The Gull</title><link>https://gull.example</link><item><title>Salt &amp; bread</title>\
            <link>https://gull.example/1/?utm_source=rss</link><guid isPermaLink='false'>https://gull.example/?p=1</guid><description>The ovens.</description></item></channel></rss>";
        let fed = async || articles::import_bytes(&app.site, feed.as_bytes().to_vec()).await.expect("an import");
        assert_eq!(fed().await.new, 1);
        let file = export(&[Post::default().xml()]);
        assert_eq!(come(&app, &file, &published()).await.updated, 1);
        assert_eq!(called(&app, "Salt & bread").await.body_html, "<p>The ovens go on at two.</p>\n<p>Nobody sleeps.</p>");
        assert_eq!((fed().await.unchanged, come(&app, &file, &published()).await.unchanged), (1, 1));
    }

    async fn what_one_source_says_anew_is_not_unsaid_by_the_other(app: TestApp) {
        let feed = "<rss version='2.0'><channel><title>The Gull</title><link>https://gull.example</link><item><title>Salt &amp; bread</title>\
            <link>https://gull.example/1/</link><guid isPermaLink='false'>https://gull.example/?p=1</guid><description>&lt;p&gt;The ovens go on at two, and nobody sleeps.&lt;/p&gt;</description></item></channel></rss>";
        let fed = async || articles::import_bytes(&app.site, feed.as_bytes().to_vec()).await.expect("an import");
        let theirs = async || {
            let article = called(&app, "Ours").await;
            let said = articles::source_version(&app.site.db, &article).await.expect("a read").expect("a version");
            (said.text.title, said.at)
        };
        let file = |title| export(&[Post { title, ..Post::default() }.xml()]);
        fed().await;
        come(&app, file("Salt & bread"), &published()).await;
        let mine = called(&app, "Salt & bread").await;
        let written = WrittenArticle { title: "Ours".to_owned(), body_markdown: Some("Our words.".to_owned()), state: ArticleState::Published, ..WrittenArticle::default() };
        publishing::change_article(&app.site, (mine.id, mine.version), &written, &[]).await.expect("an edit");
        come(&app, file("Salt, bread and tide"), &published()).await;
        let said = theirs().await;
        assert_eq!(said.0, "Salt, bread and tide");
        // Neither has changed since.
        app.advance(std::time::Duration::from_secs(60));
        fed().await;
        assert_eq!(theirs().await, said, "the feed says what it said before");
        come(&app, file("Salt, bread and tide"), &published()).await;
        assert_eq!(theirs().await, said);
        // Of what was written here by an older version nothing was kept beside it.
        change(&app.site.db, "update article set theirs = null, theirs_hash = null, theirs_at = null").await;
        come(&app, file("Salt, bread and tide"), &published()).await;
        assert_eq!(theirs().await, ("Salt, bread and tide".to_owned(), None));
    }

    async fn an_export_of_ghost_comes_in(app: TestApp) {
        let file = r#"{"db":[{"meta":{"exported_on":1709647505000,"version":"5.80.0"},"data":{"posts":[
            {"id":"65e7000000000000000000a1","title":"Salt & bread","slug":"salt","html":"<p>The ovens. <a href=\"__GHOST_URL__/bread/\">Bread</a></p>","plaintext":"The ovens.",
             "feature_image":"__GHOST_URL__/content/images/oven.jpg","status":"published","visibility":"public","type":"post","published_at":"2024-03-05T14:05:05.000Z","custom_excerpt":"What a <bakery> knows."},
            {"id":"65e7000000000000000000a2","title":"For members","slug":"members","html":"<p>Secret.</p>","status":"published","visibility":"paid","type":"post","published_at":"2024-03-05T14:05:05.000Z"},
            {"id":"65e7000000000000000000a3","title":"Later","slug":"later","html":null,"lexical":"{\"root\":{\"children\":[{\"type\":\"paragraph\",\"children\":[{\"type\":\"extended-text\",\"text\":\"To come.\",\"format\":1}]}]}}","status":"scheduled","visibility":"public","type":"post"},
            {"id":"65e7000000000000000000a4","title":"About","slug":"about","html":"<p>Us.</p>","status":"published","type":"page"}],
            "tags":[{"id":"t1","name":"Food"},{"id":"t2","name":"Night"},{"id":"t3","name":"\#internal","visibility":"internal"}],
            "users":[{"id":"u1","name":"Ann Lee"},{"id":"u2","name":"Bo Ray"}],
            "posts_tags":[{"post_id":"65e7000000000000000000a1","tag_id":"t3","sort_order":0},{"post_id":"65e7000000000000000000a1","tag_id":"t2","sort_order":2},{"post_id":"65e7000000000000000000a1","tag_id":"t1","sort_order":1}],
            "posts_authors":[{"post_id":"65e7000000000000000000a1","author_id":"u2","sort_order":1},{"post_id":"65e7000000000000000000a1","author_id":"u1","sort_order":0}],
            "posts_meta":[{"post_id":"65e7000000000000000000a1","feature_image_alt":"An oven & a cat"}],
            "settings":[{"key":"title","value":"The Gull"}]}}]}"#.replace("\\#", "#");
        let choices = ArchiveChoices { site: "https://gull.example".to_owned(), ..published() };
        let archive = begun(&app, &file).await;
        let seen = archive.survey().expect("a survey");
        assert_eq!((archive.kind, seen.published, seen.drafts, seen.pages), (ArchiveKind::Ghost, 1, 2, 1), "{seen:?}");
        let report = come(&app, &file, &choices).await;
        assert_eq!((report.new, report.left), (3, 1), "{report:?}");
        let bread = called(&app, "Salt & bread").await;
        assert_eq!((bread.byline.as_str(), bread.standfirst.as_str(), bread.slug.as_str()), ("Ann Lee and Bo Ray", "What a <bakery> knows.", "salt"));
        assert_eq!(bread.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Food", "Night"]);
        assert_eq!((bread.canonical_url.as_deref(), bread.image_url.as_deref()), (Some("https://gull.example/salt/"), Some("https://gull.example/content/images/oven.jpg")));
        assert_eq!(bread.image_alt, "An oven & a cat");
        assert!(bread.body_html.contains("href=\"https://gull.example/bread/\""), "{}", bread.body_html);
        assert_eq!((called(&app, "For members").await.state, called(&app, "Later").await.state), (ArticleState::Draft, ArticleState::Draft));
        assert_eq!(called(&app, "Later").await.body_html, "<p><strong>To come.</strong></p>");
        // Ghost's feed calls it by its id.
        let feed = "<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link><item><title>Salt &amp; bread</title><guid isPermaLink='false'>65e7000000000000000000a1</guid></item></channel></rss>";
        let fed = articles::import_bytes(&app.site, feed.as_bytes().to_vec()).await.expect("an import");
        assert_eq!(fed.new, 0, "{fed:?}");
        assert_eq!(come(&app, &file, &choices).await.unchanged, 3);
    }

    async fn a_folder_of_markdown_comes_in_and_stays_markdown(app: TestApp) {
        let file = zip(&[
            ("blog/posts/salt.md", "---\ntitle: Salt\ndate: 2024-03-05\nauthor: Ann Lee\ntags: [Food]\n---\nThe *ovens*.\n"),
            ("blog/posts/bread.md", "+++\ntitle = \"Bread\"\ndraft = true\n+++\nWords.\n"),
            ("blog/README.md", "How it is built."),
            ("blog/posts/_index.md", "---\ntitle: All\n---\n"),
            ("../../../etc/evil.md", "# Outside\n\nNever opened."),
            ("blog/oven.jpg", "no picture"),
        ]);
        let report = come(&app, &file, &published()).await;
        assert_eq!((report.new, report.left), (3, 2), "{report:?}");
        let salt = called(&app, "Salt").await;
        assert_eq!((salt.body_markdown.as_deref(), salt.body_html.as_str()), (Some("The *ovens*."), "<p>The <em>ovens</em>.</p>"));
        assert_eq!((salt.state, salt.byline.as_str(), called(&app, "Bread").await.state), (ArticleState::Published, "Ann Lee", ArticleState::Draft));
        assert_eq!(come(&app, &file, &published()).await.unchanged, 3);
        let changed = zip(&[("blog/posts/salt.md", "---\ntitle: Salt\n---\nOther words.\n")]);
        assert_eq!(come(&app, changed, &published()).await.updated, 1);
        assert_eq!(called(&app, "Salt").await.body_markdown.as_deref(), Some("Other words."));
    }

    /// A picture that lies in the folder becomes one of ours; what names a place of the folder alone is counted before, named after, and leads to
    /// the site where its address is given. Again it changes nothing.
    async fn what_texts_name_of_their_folder_comes_or_is_said(app: TestApp) {
        let text = "---\ntitle: Salt\ncover: /images/dough.png\n---\n![An oven](oven.png \"Hot\")\n\n![Lost](lost.png) [About](/about/)\n\n<img src=\"tag.png\">\n";
        let folder = zip_of(&[
            ("blog/posts/salt.md", text.as_bytes()),
            ("blog/posts/oven.png", &drawing(700, 40)),
            ("blog/static/images/dough.png", &drawing(640, 60)),
            ("blog/posts/broken.md", b"# Broken\n\n![Never](broken.png) ![An oven](oven.png) ![Lost](lost.png)\n"),
            ("blog/posts/broken.png", b"no picture"),
        ]);
        let archive = begun(&app, &folder).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/articles/bring-in/{}", archive.public_id)).await;
        // The oven is shown by two of them, and lies there once.
        page.says("3 pictures in the file that the texts show");
        page.says("2 pictures and 1 link. Give the address of the site below");
        articles::remove_archive(&app.site, &archive).await.expect("put away");

        let report = come(&app, &folder, &published()).await;
        assert_eq!((report.new, report.left), (2, 0), "{report:?}");
        let ours = rows::<(String, String)>(&app.site.db, "select public_id, alt from picture order by alt").await;
        let [(dough, _), (oven, alt)] = ours.as_slice() else { panic!("{ours:?}") };
        assert_eq!(alt, "An oven");
        let salt = called(&app, "Salt").await;
        let oven = app.site.url(&format!("/pictures/{oven}-700.png"));
        assert!(salt.body_html.contains(&format!("<figure><img src=\"{oven}\" alt=\"An oven\"><figcaption>Hot</figcaption></figure>")), "{}", salt.body_html);
        assert!(salt.body_markdown.as_deref().is_some_and(|text| text.contains(&format!("![An oven]({oven} \"Hot\")"))));
        assert_eq!(salt.image_url, Some(app.site.url(&format!("/pictures/{dough}-640.png"))));
        let page = desk.open(&format!("/desk/articles/bring-in/{}", newest(&app).await.public_id)).await;
        page.says("2 pictures and one link not shown (lost.png, /blog/posts/tag.png, /about/), for only a place of the folder is named: bring the folder again");
        page.says("2 pictures not shown (broken.png, lost.png)").says("not kept: broken.png, This is no picture");
        assert_eq!(come(&app, &folder, &published()).await.unchanged, 2);

        let of_a_site = ArchiveChoices { site: "https://gull.example".to_owned(), ..published() };
        assert_eq!(come(&app, &folder, &of_a_site).await.updated, 2);
        let salt = called(&app, "Salt").await;
        for there in ["src=\"https://gull.example/lost.png\"", "href=\"https://gull.example/about/\"", oven.as_str()] {
            assert!(salt.body_html.contains(there), "{there}: {}", salt.body_html);
        }
        assert_eq!(rows::<(i64,)>(&app.site.db, "select id from picture").await.len(), 2);
    }

    /// However somebody types the site's address, and whatever its ids begin with by now, its drafts are what they were.
    async fn a_site_typed_otherwise_doubles_nothing(app: TestApp) {
        let ghost = r#"{"db":[{"meta":{"exported_on":1},"data":{"posts":[
            {"id":"65e7000000000000000000a1","title":"Shown","slug":"shown","html":"<p>A.</p>","status":"published","visibility":"public","published_at":"2024-03-05T14:05:05.000Z"},
            {"id":"65e7000000000000000000a2","title":"Not yet","slug":"not-yet","html":"<p>B.</p>","status":"draft"}]}}]}"#;
        let of = |site: &str| ArchiveChoices { site: site.to_owned(), ..published() };
        assert_eq!(come(&app, ghost, &of("https://gull.example")).await.new, 2);
        for site in ["http://gull.example/", "https://www.gull.example", "HTTP://WWW.Gull.example:80//", "https://gull.example/?utm_source=x"] {
            let again = come(&app, ghost, &of(site)).await;
            assert_eq!((again.new, again.left), (0, 0), "{site}: {again:?}");
        }
        let draft = |guid| export(&[Post { number: 9, title: "Later", status: "draft", guid: Some(guid), ..Post::default() }.xml()]);
        assert_eq!(come(&app, draft("http://www.gull.example/?p=9"), &published()).await.new, 1);
        for guid in ["https://gull.example/?p=9", "https://www.gull.example/?p=9", "http://gull.example/?p=9"] {
            assert_eq!(come(&app, draft(guid), &published()).await.new, 0, "{guid}");
        }
        assert_eq!(come(&app, draft("https://gull.example/?p=10"), &published()).await.new, 1, "another is another");
    }

    /// Two folders have a file at one path each: neither takes the other's place, and both are known again.
    async fn files_of_one_path_in_two_folders_are_two(app: TestApp) {
        let folder = |title: &str, day: &str, words: &str| {
            zip(&[("posts/hello.md", &format!("---\ntitle: {title}\ndate: {day}\n---\n{words}\n"))])
        };
        let harbour = |words| folder("Hello harbour", "2024-03-05", words);
        let bakery = |words| folder("Hello bakery", "2025-06-07", words);
        assert_eq!(come(&app, harbour("Ships."), &published()).await.new, 1);
        assert_eq!(come(&app, bakery("Bread."), &published()).await.new, 1);
        assert_eq!(called(&app, "Hello harbour").await.body_html, "<p>Ships.</p>");
        assert_eq!(come(&app, harbour("Ships."), &published()).await.unchanged, 1);
        assert_eq!(come(&app, bakery("Salt."), &published()).await.updated, 1);
        assert_eq!(called(&app, "Hello bakery").await.body_html, "<p>Salt.</p>");
        // Another title on the same day, and another day under the same title, are changes.
        assert_eq!(come(&app, folder("Good day, harbour", "2024-03-05", "Ships."), &published()).await.updated, 1);
        assert_eq!(come(&app, folder("Good day, harbour", "2024-03-06", "Ships."), &published()).await.updated, 1);
        // So they are of the second.
        assert_eq!(come(&app, folder("Good day, bakery", "2025-06-07", "Salt."), &published()).await.updated, 1);
        assert_eq!(come(&app, folder("Good day, bakery", "2025-06-08", "Flour."), &published()).await.updated, 1);
        assert_eq!(come(&app, folder("Hello chandler", "2023-01-02", "Ropes."), &published()).await.new, 1, "a third folder");
        assert_eq!(come(&app, folder("The chandler", "2023-01-02", "Ropes."), &published()).await.updated, 1);
        let mut titles: Vec<String> = all(&app).await.into_iter().map(|article| article.title).collect();
        titles.sort();
        assert_eq!(titles, ["Good day, bakery", "Good day, harbour", "The chandler"]);
        assert_eq!(called(&app, "Good day, harbour").await.body_html, "<p>Ships.</p>");
    }

    /// A file without a day is known by its title or its words, also where somebody wrote otherwise here, or deleted it.
    async fn a_file_without_a_day_doubles_nothing(app: TestApp) {
        let file = |title: &str, words: &str| zip(&[("posts/hello.md", &format!("---\ntitle: {title}\n---\n{words}\n"))]);
        assert_eq!(come(&app, file("Hello harbour", "Ships."), &published()).await.new, 1);
        assert_eq!(come(&app, file("Good day, harbour", "Ships."), &published()).await.updated, 1, "its title was put right");
        let one = called(&app, "Good day, harbour").await;
        let ours = WrittenArticle { title: "Ours".to_owned(), body_markdown: Some("Boats.".to_owned()), state: one.state, ..WrittenArticle::default() };
        publishing::change_article(&app.site, (one.id, one.version), &ours, &[]).await.expect("saved");
        for again in [file("Good day, harbour", "Ships and sails."), file("Fair wind, harbour", "Ships and sails.")] {
            let report = come(&app, again, &published()).await;
            assert_eq!((report.new, report.kept), (0, 1), "{report:?}");
        }
        assert_eq!(come(&app, file("Hello bakery", "Bread."), &published()).await.new, 1, "another folder's");
        let one = called(&app, "Ours").await;
        publishing::delete_article(&app.site, (one.id, one.version), &[], None).await.expect("deleted");
        app.advance(Duration::from_secs(31 * 86_400));
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        let report = come(&app, file("Good day, harbour", "Ships."), &published()).await;
        assert_eq!((report.new, report.left), (0, 1), "{report:?}");
        assert_eq!(all(&app).await.len(), 1);
    }

    /// A file that is dated on a day to come is scheduled for it, which is said before and after, and known by its day though title and words
    /// change there.
    async fn a_file_of_a_day_to_come_waits_for_it(app: TestApp) {
        let day = app.site.now().plus(Duration::from_secs(3 * 86_400)).to_string();
        let file = |title: &str, words: &str| zip(&[("posts/hello.md", &format!("---\ntitle: {title}\ndate: {day}\n---\n{words}\n"))]);
        let archive = begun(&app, file("Soon", "Ships.")).await;
        let page = app.desk().await.open(&format!("/desk/articles/bring-in/{}", archive.public_id)).await;
        page.says("1 article that readers see there").says("1 of them dated on a day to come").says("On a day to come");
        articles::remove_archive(&app.site, &archive).await.expect("put away");
        assert_eq!(come(&app, file("Soon", "Ships."), &published()).await.new, 1);
        let one = called(&app, "Soon").await;
        assert_eq!((one.state, one.published_at.to_string()), (ArticleState::Published, day.clone()));
        let address = format!("/articles/{}", one.slug);
        assert_eq!(app.visitor().open(&address).await.status, 404, "not yet");
        let page = app.desk().await.open(&format!("/desk/articles/bring-in/{}", newest(&app).await.public_id)).await;
        page.says("It is dated on a day to come, and shown from then on");
        let report = come(&app, file("Sooner", "Sails."), &published()).await;
        assert_eq!((report.new, report.updated), (0, 1), "{report:?}");
        assert_eq!(come(&app, file("Sooner", "Sails."), &published()).await.unchanged, 1);
        app.advance(Duration::from_secs(4 * 86_400));
        app.visitor().open(&address).await.says("Sails.");
        assert_eq!(come(&app, file("Here", "Boats."), &published()).await.updated, 1);
        let one = called(&app, "Here").await;
        assert_eq!((one.state, one.published_at.to_string()), (ArticleState::Published, day));
        assert_eq!(all(&app).await.len(), 1);
    }

    /// A file is known by the day that it says, whatever day the article bears here: one that was published here before its day, and one that
    /// readers see and that its folder puts off, stay one article each when title and words change there.
    async fn a_file_is_known_by_the_day_that_it_says(app: TestApp) {
        let day = |days: u64| app.site.now().plus(Duration::from_secs(days * 86_400)).to_string();
        let file = |path: &str, title: &str, day: &str| zip(&[(path, &format!("---\ntitle: {title}\ndate: {day}\n---\nOf {title}.\n"))]);
        let (soon, later) = (day(3), day(9));
        assert_eq!(come(&app, file("posts/early.md", "Early", &soon), &published()).await.new, 1);
        let one = called(&app, "Early").await;
        let now = WrittenArticle { title: "Early".to_owned(), state: ArticleState::Published, published_at: Some(app.site.now()), ..WrittenArticle::default() };
        publishing::change_article(&app.site, (one.id, one.version), &now, &[]).await.expect("published");
        let report = come(&app, file("posts/early.md", "Another", &soon), &published()).await;
        assert_eq!((report.new, report.kept), (0, 1), "{report:?}");

        assert_eq!(come(&app, file("posts/put-off.md", "Shown", "2024-03-05"), &published()).await.new, 1);
        let shown = called(&app, "Shown").await;
        for (title, day) in [("Shown", &later), ("Put off", &later)] {
            let report = come(&app, file("posts/put-off.md", title, day), &published()).await;
            assert_eq!((report.new, report.updated), (0, 1), "{report:?}");
        }
        let one = called(&app, "Put off").await;
        assert_eq!((one.id, one.state, one.published_at), (shown.id, ArticleState::Published, shown.published_at), "readers see it, and go on seeing it");
        assert_eq!(all(&app).await.len(), 2);
    }

    /// A link to a file of the folder leads to the article that comes of it, in whichever order they come and whatever it is called there, and to
    /// its own address where it has one. Again it changes nothing. A file that is not there, or is no article, is counted before and said after.
    async fn texts_of_a_folder_lead_to_each_other(app: TestApp) {
        let bread = "---\ntitle: Bread\n---\nSee [the salt](salt.md#how), [the oven](../notes/oven.md) and [our site's](own.md).\n";
        let folder = zip(&[
            ("blog/notes/oven.md", "---\ntitle: Oven\nslug: the-oven\n---\nBaked: [bread](/posts/bread.md), [lost](lost.md), [how it is built](../README.md).\n"),
            ("blog/posts/bread.md", bread),
            ("blog/posts/own.md", "---\ntitle: Own\ncanonical: https://gull.example/own\n---\n[Bread](bread.md)\n"),
            ("blog/posts/salt.md", "---\ntitle: Salt\n---\nIn [bread](bread.md), [lost](../notes/lost.md).\n"),
            ("blog/README.md", "How it is built: [bread](posts/bread.md)."),
        ]);
        let archive = begun(&app, &folder).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/articles/bring-in/{}", archive.public_id)).await;
        page.says("2 Markdown files that the texts lead to are not in the file, or no article");
        assert!(!page.body.contains("Give the address of the site below, and they lead there"), "{}", page.body);
        articles::remove_archive(&app.site, &archive).await.expect("put away");

        let report = come(&app, &folder, &published()).await;
        assert_eq!((report.new, report.updated, report.unchanged, report.left), (4, 0, 0, 1), "{report:?}");
        let at = |slug: &str| app.site.url(&format!("/articles/{slug}"));
        let text = called(&app, "Bread").await;
        for there in [format!("{}#how", at("salt")), at("the-oven"), "https://gull.example/own".to_owned()] {
            assert!(text.body_html.contains(&format!("href=\"{there}\"")), "{there}: {}", text.body_html);
        }
        assert!(text.body_markdown.as_deref().is_some_and(|text| text.contains(&format!("[the oven]({})", at("the-oven")))));
        for title in ["Oven", "Own", "Salt"] {
            assert!(called(&app, title).await.body_html.contains(&format!("href=\"{}\"", at("bread"))), "{title}");
        }
        let page = desk.open(&format!("/desk/articles/bring-in/{}", newest(&app).await.public_id)).await;
        page.says("2 links not shown (lost.md, ../README.md), for no article here is made of those files");
        page.says("One link not shown (../notes/lost.md), for no article here is made of that file");
        assert!(!page.body.contains("address of the site"), "{}", page.body);

        let again = come(&app, &folder, &published()).await;
        assert_eq!((again.new, again.updated, again.unchanged), (0, 0, 4), "{again:?}");
        // Another folder has a file of that name: each leads to its own.
        let other = zip(&[
            ("blog/posts/again.md", "---\ntitle: Again\n---\n[Bread](bread.md)\n"),
            ("blog/posts/bread.md", "---\ntitle: Other bread\ndate: 2021-02-03\n---\nRye.\n"),
        ]);
        assert_eq!(come(&app, &other, &published()).await.new, 2);
        let rye = called(&app, "Other bread").await;
        assert!(called(&app, "Again").await.body_html.contains(&at(&rye.slug)), "{}", rye.slug);
        assert!(called(&app, "Salt").await.body_html.contains(&format!("href=\"{}\"", at("bread"))));
        assert_eq!(come(&app, &folder, &published()).await.unchanged, 4);

        // What died between the two goes on there: that all came is known, and those that name others come again.
        change(&app.site.db, "update article set body_html = 'cut', body_markdown = 'cut', archive_hash = 'cut' where title = 'Salt'").await;
        let archive = begun(&app, &folder).await;
        articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await.expect("taken");
        change(&app.site.db, "update archive set at = 5 where state = 'running'").await;
        work(&app).await;
        assert_eq!(now(&app, &archive.public_id).await.state, ArchiveState::Done);
        assert!(called(&app, "Salt").await.body_html.contains(&at("bread")));
    }

    /// What somebody deleted stays deleted, however long ago that was, unless somebody asks for it back.
    async fn what_was_deleted_comes_back_only_if_it_is_asked_for(app: TestApp) {
        let file = export(&[Post::default().xml()]);
        assert_eq!(come(&app, &file, &published()).await.new, 1);
        let one = called(&app, "Salt & bread").await;
        publishing::delete_article(&app.site, (one.id, one.version), &[], None).await.expect("deleted");
        let wanted = ArchiveChoices { brings_back: true, ..published() };
        assert_eq!(come(&app, &file, &wanted).await.new, 0, "as long as it lies in the bin, it comes back from there");
        app.advance(Duration::from_secs(31 * 86_400));
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        let again = come(&app, &file, &published()).await;
        assert_eq!((again.new, again.left), (0, 1), "{again:?}");
        let newest = articles::archives(&app.site.db, None, 1).await.expect("a read").remove(0);
        let left = articles::left_of_archive(&app.site.db, &newest, 0).await.expect("a read");
        assert_eq!(left[0].why, "“Salt & bread” was deleted here");
        assert!(all(&app).await.is_empty());
        let archive = begun(&app, &file).await;
        let path = format!("/desk/articles/bring-in/{}", archive.public_id);
        let desk = app.desk().await;
        let form = desk.open(&path).await.form(&path).with("how", "published").with("deleted", "yes");
        assert!(desk.submit(&form).await.status.is_redirection());
        work(&app).await;
        assert_eq!(called(&app, "Salt & bread").await.body_html, "<p>The ovens go on at two.</p>\n<p>Nobody sleeps.</p>");
    }

    /// What a plugin lets people write beside posts is counted, said, and brought in if somebody asks for it; what WordPress keeps for itself is not.
    async fn other_kinds_of_an_export_are_said(app: TestApp) {
        let of = |number, title: &str, kind: &str| {
            let post = Post { number, title, ..Post::default() };
            post.xml().replace("<![CDATA[post]]></wp:post_type>", &format!("<![CDATA[{kind}]]></wp:post_type>"))
        };
        let file = export(&[
            Post::default().xml(),
            of(2, "Fair", "event"),
            of(3, "Market", "event"),
            of(4, "Bread <b>", "re\"cipe"),
            of(5, "Menu", "nav_menu_item"),
            of(6, "Block", "wp_block"),
        ]);
        let archive = begun(&app, &file).await;
        let path = format!("/desk/articles/bring-in/{}", archive.public_id);
        let desk = app.desk().await;
        let page = desk.open(&path).await;
        page.says("2 “event”: left out, unless you tick it below.");
        assert!(page.body.contains("What else is in it"), "{}", page.body);
        assert!(!page.body.contains("nav_menu_item") && !page.body.contains("wp_block"));
        desk.submit(&page.form(&path).with("how", "published")).await;
        work(&app).await;
        desk.open(&path).await.says("2 “event” in it, not brought in").says("1 article came that was not here");
        let wanted = ArchiveChoices { kinds: vec!["event".to_owned()], ..published() };
        assert_eq!(come(&app, &file, &wanted).await.new, 2);
        assert_eq!(called(&app, "Market").await.canonical_url.as_deref(), Some("https://gull.example/3/"));
        assert_eq!(come(&app, &file, &wanted).await.unchanged, 3);
    }

    /// Exports, files and pages of other encodings are read as they are meant.
    async fn other_encodings_are_read(app: TestApp) {
        let text = "Café “Möwe”";
        let narrow = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let wide = |text: &str| [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
        let of = |number, name: &str| {
            let file = export(&[Post { number, title: &format!("{text} {number}"), ..Post::default() }.xml()]);
            String::from_utf8(file).expect("text").replace("encoding=\"UTF-8\"", &format!("encoding=\"{name}\""))
        };
        for (number, file) in [(21, narrow(&of(21, "windows-1252"))), (22, wide(&of(22, "UTF-16"))), (23, narrow(&of(23, "UTF-8")))] {
            assert_eq!(come(&app, file, &published()).await.new, 1, "{number}");
            called(&app, &format!("{text} {number}")).await;
        }
        let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
        packed.start_file("a.md", zip::write::SimpleFileOptions::default()).expect("a name");
        packed.write_all(&narrow("---\ntitle: Tag am Café\n---\nGrüße.\n")).expect("in memory");
        assert_eq!(come(&app, packed.finish().expect("in memory").into_inner(), &published()).await.new, 1);
        assert_eq!(called(&app, "Tag am Café").await.body_html, "<p>Grüße.</p>");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/salt", listener.local_addr().expect("an address"));
        let page = narrow(&format!("<html><head><title>{text}</title></head><body><article><h1>{text}</h1><p>{}</p></article></body></html>", "Grüße aus dem Café. ".repeat(30)));
        let served = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.expect("somebody");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(connection.read_u8().await.expect("a request"));
            }
            let head = format!("HTTP/1.1 200 X\r\ncontent-type: text/html; charset=iso-8859-1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len());
            connection.write_all(&[head.as_bytes(), &page].concat()).await.expect("an answer");
        });
        let fetcher = Fetcher::new(true).expect("a client");
        let id = articles::begin_site(&app.site, &fetcher, 1, (ArchiveKind::Page, &address)).await.expect("begun");
        work(&app).await;
        served.await.expect("the page");
        let seen = now(&app, &id).await.survey().expect("a survey");
        assert!(seen.preview.contains("Grüße aus dem Café."), "{seen:?}");
        assert_eq!(seen.first[0].title, text);
    }

    /// TRUST F1: broken off at any moment, it goes on where it was, and nothing comes twice.
    async fn an_archive_that_breaks_off_goes_on_where_it_was(app: TestApp) {
        const POSTS: u32 = 600;
        let post = |number| Post { number, title: &format!("Post {number}"), ..Post::default() }.xml();
        let archive = begun(&app, export(&(1..=POSTS).map(post).collect::<Vec<_>>())).await;
        articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await.expect("pressed");
        for part in 1..=3 {
            let site = app.site.clone();
            let fetcher = Fetcher::new(true).expect("a client");
            let running = tokio::spawn(async move { articles::bring_in_archives(&site, &fetcher).await });
            wait::until("more articles", async || {
                let now = now(&app, &archive.public_id).await;
                (now.state == ArchiveState::Done || now.at > part * 75).then_some(())
            })
            .await;
            running.abort();
            drop(running.await);
            // Nobody has it before the lease is over.
            app.advance(LEASE);
        }
        work(&app).await;
        let done = now(&app, &archive.public_id).await;
        let report = done.report().expect("sums");
        assert_eq!((done.state, report.new, report.updated, report.unchanged, report.left), (ArchiveState::Done, u64::from(POSTS), 0, 0, 0), "{report:?}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from article").await, [(i64::from(POSTS),)]);
    }

    /// TRUST F1: the same with `kill -9` of the program itself.
    async fn an_archive_goes_on_after_kill_9(app: TestApp) {
        const POSTS: u32 = 1_500;
        let post = |number| Post { number, title: &format!("Post {number}"), ..Post::default() }.xml();
        let archive = begun(&app, export(&(1..=POSTS).map(post).collect::<Vec<_>>())).await;
        articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await.expect("pressed");
        let patience = Duration::from_secs(120);
        let program = Program::serve(&app, &[]);
        let far = wait::at_most(patience, async || (now(&app, &archive.public_id).await.at > 100).then_some(()));
        assert!(far.await.is_some(), "{}", program.log());
        program.kill();
        // The test moves the clock: by this row the lease is over.
        change(&app.site.db, "update archive set next_at = 1 where state = 'running'").await;
        let last = Program::serve(&app, &[]);
        let done = wait::at_most(patience, async || (now(&app, &archive.public_id).await.state == ArchiveState::Done).then_some(()));
        assert!(done.await.is_some(), "{}", last.log());
        drop(last);
        let report = now(&app, &archive.public_id).await.report().expect("sums");
        assert_eq!((report.new, report.unchanged), (u64::from(POSTS), 0), "{report:?}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from article").await, [(i64::from(POSTS),)]);
    }

    /// Stopped, it stays as far as it is; put away, nothing of it is left; a page that is out of date does nothing.
    async fn an_archive_can_be_stopped_and_put_away(app: TestApp) {
        let archive = begun(&app, magazine()).await;
        let late = articles::take_archive(&app.site, &archive, archive.created_at, &published(), 1).await;
        app.advance(Duration::from_secs(1));
        assert!(archive.created_at == archive.changed_at || matches!(late, Err(BringArchiveError::Changed)), "{late:?}");
        let archive = begun(&app, magazine()).await;
        articles::remove_archive(&app.site, &archive).await.expect("put away");
        assert!(articles::find_archive(&app.site.db, &archive.public_id).await.expect("a read").is_none());
        let archive = begun(&app, magazine()).await;
        articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await.expect("pressed");
        articles::stop_archive(&app.site, &archive, 1).await.expect("stopped");
        assert!(matches!(articles::remove_archive(&app.site, &archive).await, Err(BringArchiveError::Changed)));
        assert_eq!(now(&app, &archive.public_id).await.state, ArchiveState::Stopped);
    }

    /// TRUST A9: what cannot be read is told in a sentence, and can be put away; none of it gives the page anything to run.
    async fn what_cannot_be_read_is_told(app: TestApp) {
        let whole = String::from_utf8(magazine()).expect("text");
        let deep = format!("{HEAD}<item>{}", "<x>".repeat(100));
        let bomb = whole.replacen("<rss", "<!DOCTYPE rss [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><rss", 1);
        let zeros = {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            zip.start_file("a.md", zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)).expect("a name");
            zip.write_all(&vec![0; 20 * 1024 * 1024]).expect("in memory");
            zip.finish().expect("in memory").into_inner()
        };
        for (file, words) in [
            (b"<svg onload=\"alert(1)\"/>".to_vec(), "this is no export that is read here"),
            (whole.as_bytes()[..whole.len() / 2].to_vec(), "broken, or did not arrive whole"),
            (b"{\"db\":[{\"data\":{\"posts\":[{\"id\":1".to_vec(), "broken, or did not arrive whole"),
            (deep.into_bytes(), "nested too deeply"),
            (bomb.into_bytes(), "entities of its own"),
            (zeros, "unpacks to far more"),
            (b"PK\x03\x04 and nothing more".to_vec(), "the ZIP is broken"),
            (zip(&[("a.txt", "x")]), "this is no export"),
        ] {
            let archive = begun(&app, file).await;
            assert_eq!((archive.state, archive.kind), (ArchiveState::Asking, ArchiveKind::Unknown));
            assert!(archive.trouble.contains(words), "{words}: {}", archive.trouble);
            let pressed = articles::take_archive(&app.site, &archive, archive.changed_at, &published(), 1).await;
            assert!(matches!(pressed, Err(BringArchiveError::Changed)));
            let page = app.desk().await.open(&format!("/desk/articles/bring-in/{}", archive.public_id)).await;
            assert!(!page.body.contains("<svg") && page.body.contains("Put the file away"), "{}", page.body);
            articles::remove_archive(&app.site, &archive).await.expect("put away");
        }
    }

    /// TRUST U1: the desk shows what would come, asks how, and says what was left out, on the page and as a file.
    async fn the_desk_brings_an_archive_in(app: TestApp) {
        let archive = begun(&app, magazine()).await;
        let desk = app.desk().await;
        let path = format!("/desk/articles/bring-in/{}", archive.public_id);
        let page = desk.open(&path).await;
        for words in ["1 article that readers see there", "2 articles private or in the bin there", "1 page, such as", "Bo Ray and Cy Guest", "Food &amp; drink, Night"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        let none = desk.submit(&page.form(&path).with("how", "")).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        let sent = desk.submit(&page.form(&path).with("how", "published").with("pages", "yes")).await;
        assert_eq!(sent.leads_to().expect("its own page").path(), path);
        desk.open(&path).await.says("It is brought in");
        app.drain().await;
        let page = desk.open(&path).await;
        page.says("4 articles came that were not here");
        page.says("[vc_row] (1)");
        let file = desk.open(&format!("{path}/left")).await;
        assert!(file.body.starts_with("\u{feff}Number,Title,Why\n") && file.body.contains("Binned"), "{}", file.body);
        assert_eq!(called(&app, "About us").await.state, ArticleState::Published);
        // As drafts, it says how all of them are published.
        let other = begun(&app, export(&[Post { number: 50, title: "Not yet", ..Post::default() }.xml()])).await;
        let path = format!("/desk/articles/bring-in/{}", other.public_id);
        desk.submit(&desk.open(&path).await.form(&path)).await;
        app.drain().await;
        desk.open(&path).await.says("They are drafts. To publish all that is published there, bring the same in again");
        assert_eq!(come(&app, export(&[Post { number: 50, title: "Not yet", ..Post::default() }.xml()]), &published()).await.updated, 1);
        assert_eq!(called(&app, "Not yet").await.state, ArticleState::Published);
        desk.open("/desk/articles/bring-in").await.says("4 articles new, 0 changed");
    }

    /// A file, and a folder, at the command line: first what would come, then what came, then nothing new.
    async fn an_archive_comes_in_at_the_command_line(app: TestApp) {
        let folder = scratch::folder();
        let (file, texts) = (folder.join("all.xml"), folder.join("texts"));
        std::fs::write(&file, magazine()).expect("our own folder");
        std::fs::create_dir_all(texts.join("posts")).expect("our own folder");
        std::fs::write(texts.join("posts/tide.md"), "# Tide\n\nIt comes in.\n\n![The sea](sea.PNG)\n").expect("our own folder");
        std::fs::write(texts.join("posts/sea.PNG"), drawing(30, 20)).expect("our own folder");
        let (file, texts) = (file.display().to_string(), texts.display().to_string());
        let run = async |arguments: &[&str]| {
            let arguments = [&["articles", "import"][..], arguments].concat();
            let done = Program::run(&app, &arguments);
            assert!(done.status.success(), "{done:?}");
            String::from_utf8_lossy(&done.stdout).into_owned()
        };
        assert!(run(&[&file, "--dry-run"]).await.contains("1 published there, 2 drafts, 2 private or in the bin, 1 pages"));
        assert!(all(&app).await.is_empty());
        let came: serde_json::Value = serde_json::from_str(&run(&[&file, "--as", "published", "--json"]).await).expect("JSON");
        assert_eq!((came["came"]["new"].as_u64(), came["came"]["left"].as_u64()), (Some(3), Some(3)), "{came}");
        assert!(run(&[&file]).await.contains("0 new, 0 updated, 3 unchanged"));
        assert!(run(&[&texts, "--dry-run"]).await.contains("1 pictures of the folder come along."));
        assert!(rows::<(i64,)>(&app.site.db, "select id from picture").await.is_empty());
        assert!(run(&[&texts]).await.contains("1 new"));
        let kept = rows::<(String,)>(&app.site.db, "select file from picture where alt = 'The sea'").await;
        assert_eq!(kept, [("sea.PNG".to_owned(),)]);
        assert!(called(&app, "Tide").await.body_html.contains("/pictures/"));
        assert_eq!(called(&app, "Tide").await.state, ArticleState::Draft);
    }

    /// TRUST A8: a WordPress site is asked page by page for all that readers see, at most half of the time, and where it stops; again it
    /// changes nothing. What a page is too large for comes in smaller ones.
    async fn a_site_is_asked_for_all_that_it_has(app: TestApp) {
        let site = Site::serve(130).await;
        let address = site.address();
        let fetcher = Fetcher::new(true).expect("a client");
        let bring = async |kind, address: &str| {
            let id = articles::begin_site(&app.site, &fetcher, 1, (kind, address)).await.expect("begun");
            work(&app).await;
            now(&app, &id).await
        };
        let archive = bring(ArchiveKind::Site, &format!("{address}/blog")).await;
        let seen = archive.survey().expect("a survey");
        assert_eq!((archive.state, archive.trouble.as_str(), seen.is_cut, seen.published), (ArchiveState::Asking, "", true, 100), "{seen:?}");
        let take = async |archive: &Archive| {
            articles::take_archive(&app.site, archive, archive.changed_at, &published(), 1).await.expect("pressed");
            work(&app).await;
            let done = now(&app, &archive.public_id).await;
            assert_eq!((done.state, done.trouble.as_str()), (ArchiveState::Done, ""));
            done.report().expect("sums")
        };
        assert_eq!(take(&archive).await.new, 130);
        let one = articles::by_slug(&app.site.db, "post-7").await.expect("a read").expect("the article");
        assert_eq!((one.byline.as_str(), one.title.as_str(), one.body_html.as_str()), ("Ann Lee", "Post 7 & more", "<p>The ovens.</p>"));
        assert_eq!(one.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Food", "Night"]);
        assert_eq!(take(&bring(ArchiveKind::Site, &address).await).await.unchanged, 130);
        // Its feed and it are one.
        let feed = format!("<rss version='2.0'><channel><title>G</title><link>{address}</link><item><title>Post 7</title><guid>{address}/?p=7</guid></item></channel></rss>");
        assert_eq!(articles::import_bytes(&app.site, feed.into_bytes()).await.expect("an import").new, 0);

        let page = bring(ArchiveKind::Page, &format!("{address}/salt")).await;
        let seen = page.survey().expect("a survey");
        assert!(seen.preview.contains("The ovens go on at two") && !seen.preview.contains("Home"), "{seen:?} {}", page.trouble);
        app.desk().await.open(&format!("/desk/articles/bring-in/{}", page.public_id)).await.says("The ovens go on at two");
        assert_eq!(take(&page).await.new, 1);
        assert_eq!(called(&app, "Salt").await.canonical_url, Some(format!("{address}/salt")));
        for (kind, path, words) in [(ArchiveKind::Site, "none", "no WordPress site"), (ArchiveKind::Page, "none", "no article can be made out")] {
            let none = bring(kind, &format!("{}/{path}", Site::bare().await.address())).await;
            assert!(none.trouble.contains(words), "{}", none.trouble);
            articles::remove_archive(&app.site, &none).await.expect("put away");
        }
        let ours = Fetcher::new(false).expect("a client");
        let refused = articles::begin_site(&app.site, &ours, 1, (ArchiveKind::Site, "http://127.0.0.1/")).await;
        assert!(matches!(refused, Err(BringArchiveError::Archive(_))), "{refused:?}");
    }
}

/// A WordPress site with so many posts, on loopback.
struct Site {
    address: String,
}

impl Site {
    async fn serve(posts: u64) -> Self {
        Self::answering(move |path, address| answer(path, address, posts)).await
    }

    /// One that is none.
    async fn bare() -> Self {
        Self::answering(|_, _| (200, "<html><body><p>Hello</p></body></html>".to_owned())).await
    }

    async fn answering(answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let own = address.clone();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match connection.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                let (status, body) = answer(line.split(' ').nth(1).unwrap_or_default(), &own);
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                drop(connection.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await);
            }
        });
        Self { address }
    }

    fn address(&self) -> String {
        self.address.clone()
    }
}

/// What it answers: posts of its interface at the root, and one page.
fn answer(path: &str, address: &str, posts: u64) -> (u16, String) {
    if path == "/salt" {
        let text = "The ovens go on at two, and nobody in the street is awake to hear the doors. ".repeat(4);
        return (
            200,
            format!(
                "<html><head><title>Salt</title></head><body><nav>Home</nav><article><p>{text}</p></article></body></html>"
            ),
        );
    }
    let Some(query) = path.strip_prefix("/wp-json/wp/v2/posts?") else { return (404, "{}".to_owned()) };
    let of = |name: &str| {
        let value = query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse::<u64>().ok()).expect("a number")
    };
    let (size, page) = (of("per_page"), of("page"));
    let from = size * (page - 1);
    if from >= posts {
        return (400, "{\"code\":\"rest_post_invalid_page_number\"}".to_owned());
    }
    // The second hundred does not fit into five megabytes at once.
    let padding = if size == 100 && page == 2 { "x".repeat(6 * 1024 * 1024) } else { String::new() };
    let post = |number: u64| {
        serde_json::json!({
            "id": number, "status": "publish", "link": format!("{address}/{number}/"), "slug": format!("post-{number}"), "date_gmt": "2024-03-05T14:05:05",
            "guid": {"rendered": format!("{address}/?p={number}")}, "title": {"rendered": format!("Post {number} &amp; more")},
            "content": {"rendered": "<p>The ovens.</p>", "protected": false}, "excerpt": {"rendered": ""},
            "_embedded": {"author": [{"name": "Ann Lee"}], "wp:term": [[{"taxonomy": "category", "name": "Food"}], [{"taxonomy": "post_tag", "name": "Night"}]]},
            "padding": if number == from + 1 { padding.as_str() } else { "" },
        })
    };
    (200, serde_json::json!((from + 1..=(from + size).min(posts)).map(post).collect::<Vec<_>>()).to_string())
}

/// TRUST U1: an export comes in through the desk in a browser, on a phone and on a desk, light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_comes_in_by_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let folder = scratch::folder();
    let file = folder.join("gull.xml");
    std::fs::write(&file, magazine()).expect("our own folder");
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/articles/bring-in")).await;
    browser.sound("bring-in").await;
    browser.element("#file").await.send_keys(&file.display().to_string()).await.expect("a file");
    browser.click("Look at it").await;
    browser.wait_for_text("It is looked through").await;
    app.drain().await;
    // It looks again by itself.
    browser.wait_for_text("The first ones, as they will be").await;
    browser.sound("bring-in-asks").await;
    browser.element("#how").await.click().await.expect("a choice");
    browser.click("Bring them in").await;
    browser.wait_for_text("It is brought in").await;
    app.drain().await;
    browser.wait_for_text("3 articles came that were not here").await;
    browser.sound("bring-in-done").await;
    browser.close().await;
}
