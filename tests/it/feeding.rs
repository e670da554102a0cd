//! Feeds looked after at the desk: asked at their time, moved, ended, paused, brought in, put into the bin and back; and the bin of articles.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use broadside::{
    articles::{
        self, Article, ArticleState, Feed, FeedArrives, FeedId, FeedSettings, FeedState, OtherTopics,
        WrittenArticle,
    },
    db::{self, Engine},
    jobs, publishing,
    queue::{self, Came, Due, FEEDS, Queue, Work, Worked},
    site::Site,
};
use reqwest::{Method, StatusCode, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::{Page, Visitor},
    wait,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A site on this machine, which answers as a test says and remembers what it was asked.
#[derive(Clone)]
struct Harbour {
    address: String,
    world: Arc<World>,
}

/// Status, headers and body.
type Reply = (u16, Vec<(&'static str, String)>, String);

#[derive(Default)]
struct World {
    answers: Mutex<BTreeMap<String, Reply>>,
    asked: Mutex<Vec<String>>,
    /// How many are being answered, and how many there were at most.
    now: Mutex<(usize, usize)>,
    /// Answers wait until so many ask beside each other; 0 where they do not.
    waits_for: Mutex<usize>,
    arrived: Notify,
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Harbour {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let world = Arc::new(World::default());
        let serves = world.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let world = serves.clone();
                tokio::spawn(async move { world.serve(connection).await });
            }
        });
        Self { address, world }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn gives(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        held(&self.world.answers).insert(path.to_owned(), (status, headers, body.to_owned()));
    }

    /// The requests for a path, in lower case.
    fn asked(&self, path: &str) -> Vec<String> {
        let all = held(&self.world.asked);
        let start = format!("get {path} ");
        all.iter().filter(|request| request.starts_with(&start)).cloned().collect()
    }
}

impl World {
    async fn serve(&self, mut connection: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                // Who begins with encryption is at the wrong door.
                Ok(0x16) if request.is_empty() => return,
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        let request = String::from_utf8_lossy(&request).to_lowercase();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        held(&self.asked).push(request);
        {
            let mut now = held(&self.now);
            now.0 += 1;
            now.1 = now.1.max(now.0);
        }
        self.arrived.notify_waiters();
        loop {
            let arrived = self.arrived.notified();
            if held(&self.now).1 >= *held(&self.waits_for) {
                break;
            }
            arrived.await;
        }
        let (status, headers, body) =
            held(&self.answers).get(&path).cloned().unwrap_or((404, Vec::new(), "nothing".to_owned()));
        let mut head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        held(&self.now).0 -= 1;
        let _ = connection.write_all(format!("{head}\r\n{body}").as_bytes()).await;
        let _ = connection.shutdown().await;
    }
}

/// A feed of articles: what the feed calls each, its title, and the words that it is filed under.
fn feed(name: &str, items: &[(&str, &str, &[&str])]) -> String {
    let item = |(id, title, words): &(&str, &str, &[&str])| {
        let words: String = words.iter().map(|word| format!("<category>{word}</category>")).collect();
        format!(
            "<item><title>{title}</title><link>https://harbour.example/{id}</link><guid isPermaLink=\"false\">{id}</guid>\
             <pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate>{words}<description>Some words of it.</description></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{name}</title>{items}</channel></rss>"
    )
}

fn fetcher() -> articles::Fetcher {
    articles::Fetcher::new(true).expect("a fetcher")
}

async fn poll(app: &TestApp) -> Worked {
    articles::poll_due(&app.site, &fetcher()).await.expect("a round")
}

/// The feed of an address, brought in as the desk does.
async fn brought_in(app: &TestApp, url: &str) -> FeedId {
    match articles::bring_in_feed(&app.site, &fetcher(), url, (FeedArrives::Published, None))
        .await
        .expect("it can be read")
    {
        articles::BroughtIn::New(id, ..) => id,
        other => panic!("{other:?}"),
    }
}

fn parsed(document: &str) -> articles::ParsedFeed {
    articles::parse_feed(document.as_bytes(), None, None).expect("it is in order")
}

async fn look(app: &TestApp, id: FeedId) -> Feed {
    articles::find_feed(&app.site.db, id).await.expect("a read").expect("the feed")
}

async fn titles(app: &TestApp) -> Vec<String> {
    let all = articles::latest(&app.site, 100).await.expect("a read");
    all.into_iter().map(|article| article.title).collect()
}

async fn article(app: &TestApp, title: &str) -> Article {
    let look = articles::DeskLook { search: title, ..Default::default() };
    let all = articles::desk_page(&app.site, look, None, 10).await.expect("a read");
    all.into_iter().find(|article| article.title == title).unwrap_or_else(|| panic!("no article {title}"))
}

/// What stands in a form is no text of the page.
#[track_caller]
fn shows(page: &Page, words: &str) {
    let words = words.replace('&', "&amp;");
    assert!(page.body.contains(&words), "{} does not show {words:?}: {}", page.url, page.body);
}

/// Sends a file as the form of a page does.
async fn sends(desk: &Visitor, page: &Page, file: &str) -> Page {
    let form = page.form("/desk/feeds/opml");
    let csrf = form.value("csrf").expect("a token");
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"feeds.opml\"\r\nContent-Type: text/x-opml\r\n\r\n{file}\r\n--xyz--\r\n"
    );
    let request = desk
        .request(Method::POST, "/desk/feeds/opml")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
        .header("Sec-Fetch-Site", "same-origin");
    desk.send(request.body(body)).await
}

both_engines! {
    /// As often as somebody chose, with what the server said of the last time; what has not changed changes nothing.
    async fn a_feed_is_asked_as_often_as_somebody_chose(app: TestApp) {
        let harbour = Harbour::open().await;
        let first = feed("Harbour", &[("one", "High tide", &[])]);
        harbour.gives("/feed", 200, &[("etag", "\"v1\""), ("last-modified", "Mon, 02 Mar 2026 09:00:00 GMT")], &first);
        let id = brought_in(&app, &harbour.url("/feed")).await;
        assert_eq!((look(&app, id).await.title.as_str(), harbour.asked("/feed").len()), ("Harbour", 1));
        poll(&app).await;
        app.advance(50 * MINUTE);
        poll(&app).await;
        assert_eq!(harbour.asked("/feed").len(), 1, "once an hour, and not before");
        harbour.gives("/feed", 304, &[], "");
        let before = article(&app, "High tide").await;
        app.advance(10 * MINUTE);
        assert_eq!(poll(&app).await.done, 1);
        let asked = harbour.asked("/feed");
        assert!(asked[1].contains("if-none-match: \"v1\"") && asked[1].contains("if-modified-since: mon, 02 mar 2026"), "{asked:?}");
        assert_eq!((article(&app, "High tide").await, look(&app, id).await.last_error), (before, None));
        for (every, sooner, later) in [("quarter-hour", 12 * MINUTE, 3 * MINUTE), ("six-hours", 5 * HOUR, HOUR), ("daily", 21 * HOUR, 3 * HOUR)] {
            let every = articles::FeedEvery::parse(every).expect("a word");
            let set = FeedSettings { every, ..FeedSettings::default() };
            articles::set_feed(&app.site, id, &set, None).await.expect("saved");
            app.advance(DAY);
            poll(&app).await;
            let so_far = harbour.asked("/feed").len();
            app.advance(sooner);
            poll(&app).await;
            assert_eq!(harbour.asked("/feed").len(), so_far, "{every}: not yet");
            app.advance(later);
            poll(&app).await;
            assert_eq!(harbour.asked("/feed").len(), so_far + 1, "{every}: now");
        }
    }

    /// What fails is asked again later each time, at last once a day, and not before its server wants to be asked.
    async fn a_feed_that_fails_is_asked_later_each_time(app: TestApp) {
        // Owners are to be told.
        app.leaves_work();
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        harbour.gives("/feed", 500, &[], "");
        app.advance(HOUR);
        assert_eq!(poll(&app).await.later, 1);
        assert_eq!(look(&app, id).await.last_error.as_deref(), Some("The site has trouble of its own (500)."));
        for minutes in [15, 30, 60, 120] {
            let so_far = harbour.asked("/feed").len();
            app.advance(minutes * MINUTE * 8 / 10);
            poll(&app).await;
            assert_eq!(harbour.asked("/feed").len(), so_far, "not yet after {minutes} minutes");
            app.advance(minutes * MINUTE * 2 / 10);
            poll(&app).await;
            assert_eq!(harbour.asked("/feed").len(), so_far + 1, "after {minutes} minutes");
        }
        change(&app.site.db, "update feed set attempts = 40").await;
        app.advance(DAY);
        poll(&app).await;
        app.advance(DAY);
        assert_eq!(poll(&app).await.later, 1, "once a day, for ever");
        harbour.gives("/feed", 503, &[("retry-after", "7200")], "");
        change(&app.site.db, "update feed set attempts = 0").await;
        app.advance(DAY);
        poll(&app).await;
        app.advance(119 * MINUTE);
        assert_eq!(poll(&app).await, Worked::default(), "it asked for two hours");
        app.advance(MINUTE);
        assert_eq!(poll(&app).await.later, 1);
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "Low tide", &[])]));
        app.advance(2 * HOUR);
        assert_eq!(poll(&app).await.done, 1);
        let now = look(&app, id).await;
        assert_eq!((now.last_error, now.attempts), (None, 0));
        assert_eq!(titles(&app).await, ["Low tide"]);
        let reads = articles::feed_reads(&app.site.db, id, 20).await.expect("a read");
        assert_eq!((reads[0].changed, reads[1].error.as_deref()), (1, Some("The site has trouble of its own (503).")));
    }

    /// What has moved for good is asked at its new place from then on; what is elsewhere for a while is followed and not kept (RFC 9110
    /// section 15.4). An address that another feed has is not taken.
    async fn a_feed_that_moved_for_good_is_kept_where_it_is(app: TestApp) {
        let harbour = Harbour::open().await;
        let body = feed("Harbour", &[("one", "High tide", &[])]);
        for path in ["/old", "/new", "/other"] {
            harbour.gives(path, 200, &[], &body);
        }
        let id = brought_in(&app, &harbour.url("/old")).await;
        let url = async || look(&app, id).await.url.replace(&harbour.url(""), "");
        let turn = async || {
            app.advance(HOUR);
            assert_eq!(poll(&app).await.done, 1);
        };
        harbour.gives("/old", 302, &[("location", "/new")], "");
        turn().await;
        assert_eq!((url().await.as_str(), harbour.asked("/new").len()), ("/old", 1));
        // For good, and then for a while: the first is kept.
        harbour.gives("/old", 301, &[("location", "/new")], "");
        harbour.gives("/new", 307, &[("location", "/other")], "");
        turn().await;
        assert_eq!(url().await, "/new");
        harbour.gives("/new", 308, &[("location", "/dead")], "");
        app.advance(HOUR);
        assert_eq!(poll(&app).await.later, 1, "nothing is there");
        assert_eq!(url().await, "/new", "where nothing is read nothing is kept");
        brought_in(&app, &harbour.url("/other")).await;
        harbour.gives("/new", 308, &[("location", "/other")], "");
        app.advance(DAY);
        assert_eq!(poll(&app).await.done, 2);
        assert_eq!(url().await, "/new", "another has it");
        let old = harbour.asked("/old").len();
        turn_all(&app).await;
        assert_eq!(harbour.asked("/old").len(), old, "the old place is left alone");
    }

    /// A server that says 410 is not asked any more, and the desk says so; somebody can have it asked again.
    async fn a_feed_that_is_gone_is_not_asked_any_more(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        harbour.gives("/feed", 410, &[], "");
        app.advance(HOUR);
        assert_eq!(poll(&app).await, Worked { done: 1, ..Worked::default() });
        app.advance(30 * DAY);
        assert_eq!(poll(&app).await, Worked::default());
        assert_eq!((harbour.asked("/feed").len(), look(&app, id).await.state), (2, FeedState::Ended));
        let desk = app.desk().await;
        desk.open("/desk/feeds").await.says("Ended").says("there is no feed here any more (410)");
        let page = desk.open(&format!("/desk/feeds/{}", id.0)).await;
        page.says("It is not asked any more");
        shows(&page, "Ask it again");
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("two", "Low tide", &[])]));
        desk.submit_and_follow(&page.form("/go-on")).await.says("It goes on");
        assert_eq!(poll(&app).await.done, 1);
        assert_eq!(titles(&app).await.len(), 2);
    }

    /// Several processes ask each feed once.
    async fn two_processes_ask_each_feed_once(app: TestApp) {
        let harbour = Harbour::open().await;
        for name in ["/a", "/b", "/c"] {
            harbour.gives(name, 200, &[], &feed(name, &[]));
            articles::add_feed(&app.site, &fetcher(), &harbour.url(name), articles::FeedArrives::Published).await.expect("added");
        }
        let (one, other) = tokio::join!(poll(&app), poll(&app));
        assert_eq!(one.done + other.done, 3);
        for name in ["/a", "/b", "/c"] {
            assert_eq!(harbour.asked(name).len(), 1, "{name}");
        }
    }

    /// However many feeds there are, some are asked beside each other and never all at once.
    async fn many_feeds_are_asked_some_at_a_time(app: TestApp) {
        let harbour = Harbour::open().await;
        for n in 0..40 {
            let path = format!("/{n}");
            harbour.gives(&path, 200, &[], &feed(&path, &[]));
            articles::add_feed(&app.site, &fetcher(), &harbour.url(&path), articles::FeedArrives::Published).await.expect("added");
        }
        *held(&harbour.world.waits_for) = 8;
        assert_eq!(poll(&app).await.done, 40);
        assert_eq!(held(&harbour.world.now).1, 8);
        assert_eq!(held(&harbour.world.asked).len(), 40);
    }

    /// A thousand that are due at once are asked once each, with two small transactions for each and none open while a server is waited for:
    /// whoever saves something meanwhile does not wait. Then it ends.
    async fn a_thousand_feeds_hold_nobody_up(app: TestApp) {
        let harbour = Harbour::open().await;
        for n in 0..1_000 {
            harbour.gives(&format!("/{n}"), 304, &[], "");
        }
        let add = format!(
            "insert into feed (url, title, created_at) with recursive n(i) as (select 0 union all select i + 1 from n where i < 999) select '{}' || i, '', 0 from n",
            harbour.url("/")
        );
        change(&app.site.db, add.leak()).await;
        // All that are asked wait, until somebody has saved.
        *held(&harbour.world.waits_for) = 9;
        let before = app.site.db.transactions();
        let meanwhile = async {
            let all_wait = wait::at_most(MINUTE, async || (held(&harbour.world.now).0 == 8).then_some(()));
            assert!(all_wait.await.is_some(), "eight are asked beside each other");
            let mut tx = app.site.db.begin().await.expect("nobody holds the writer");
            queue::set_cursor(&mut tx, "meanwhile", "saved", app.site.now()).await.expect("a row");
            tx.commit().await.expect("a commit");
            *held(&harbour.world.waits_for) = 8;
            harbour.world.arrived.notify_waiters();
        };
        let (first, ()) = tokio::join!(poll(&app), meanwhile);
        let mut done = first.done;
        while done < 1_000 {
            let more = poll(&app).await.done;
            assert!(more > 0, "{done} of 1,000, and it stands still");
            done += more;
        }
        let begun = app.site.db.transactions() - before;
        assert!(begun <= 2_010, "{begun} transactions");
        assert_eq!(held(&harbour.world.asked).len(), 1_000);
        assert_eq!(poll(&app).await, Worked::default());
    }

    /// A turn of the job that has used up its time leaves the others to the next one, unclaimed.
    async fn a_turn_without_time_begins_nothing(app: TestApp) {
        struct Hurries;
        impl Work for Hurries {
            type What = Which;
            fn queue(&self) -> &'static Queue {
                &articles::FEEDS_IN_TURN
            }
            fn patience(&self) -> Option<Duration> {
                Some(Duration::ZERO)
            }
            async fn work(&self, _: &Site, due: &Due<Which>) -> db::Result<Came> {
                panic!("there is no time for feed {}", due.what.id)
            }
        }
        articles::add_feed(&app.site, &fetcher(), "https://tidewater.example/feed", articles::FeedArrives::Published).await.expect("added");
        assert_eq!(queue::work(&app.site, &Hurries).await.expect("a round"), Worked::default());
        assert_eq!(rows::<(i64,)>(&app.site.db, "select attempts from feed").await, [(0,)]);
        assert_eq!(FEEDS.told_after, Some(8));
    }

    /// A first try that fails is not kept: the form comes back with what was typed, and says in an editor's words what to do.
    async fn what_cannot_be_read_at_first_is_not_kept(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/page", 200, &[("content-type", "text/html")], "<!doctype html><html><head><title>Hello</title></head><body>Hello</body></html>");
        harbour.gives("/forbidden", 403, &[], "");
        for (page, names) in [("/dead", "/nowhere"), ("/empty", "/void"), ("/circle", "/page")] {
            harbour.gives(page, 200, &[], &format!("<html><link rel=alternate type=application/rss+xml href={names}></html>"));
        }
        harbour.gives("/void", 200, &[], "");
        let desk = app.desk().await;
        for (typed, words) in [
            ("http://no-such-site.invalid/feed".to_owned(), "There is no site of that name: is it spelt right?"),
            ("http://127.0.0.1:1/feed".to_owned(), "The site does not answer"),
            (harbour.url("/nowhere"), "There is nothing at that address (404)"),
            (harbour.url("/forbidden"), "The site does not let us read it (403)"),
            (harbour.url("/page"), "That is a web page, and it does not say where its feed is."),
            (harbour.url("/dead"), &format!("The page says that its feed is at {}, and that cannot be read: there is nothing at that address (404)", harbour.url("/nowhere"))),
            (harbour.url("/empty"), &format!("The page says that its feed is at {}, and that cannot be read", harbour.url("/void"))),
            (harbour.url("/circle"), &format!("The page says that its feed is at {}, and that is a web page, too", harbour.url("/page"))),
            ("ftp://harbour.example/".to_owned(), "not allowed"),
            (String::new(), "Enter the address"),
        ] {
            let form = desk.open("/desk/feeds").await.form("/desk/feeds").with("url", &typed);
            let again = desk.submit(&form).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            again.says(words);
            assert_eq!(again.form("/desk/feeds").value("url"), Some(typed.as_str()));
        }
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from feed").await, [(0,)]);
    }

    /// An ordinary page leads to its feed, whether `https://` stood before it or nothing; of several somebody chooses; one that is known
    /// leads to its own page.
    async fn a_page_leads_to_its_feed(app: TestApp) {
        let harbour = Harbour::open().await;
        let link = |path: &str, title: &str| format!("<link rel=\"alternate\" type=\"application/rss+xml\" title=\"{title}\" href=\"{path}\">");
        harbour.gives("/", 200, &[], &format!("<!doctype html><html><head>{}</head><body>Hello</body></html>", link("/feed", "Harbour")));
        harbour.gives("/both", 200, &[], &format!("<html><head>{}{}</head></html>", link("/feed", "Harbour"), link("/rivers", "Rivers & tides")));
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[])]));
        harbour.gives("/rivers", 200, &[], &feed("Rivers", &[("two", "Low tide", &[])]));
        let desk = app.desk().await;
        let form = desk.open("/desk/feeds").await.form("/desk/feeds").with("url", &harbour.address).with("arrives", "published");
        let added = desk.submit_and_follow(&form).await;
        added.says("The feed was read. Its articles are published at once").says("1 new article").says(&harbour.url("/feed")).says("In order");
        let known = desk.submit_and_follow(&form.clone().with("url", &harbour.url("/feed"))).await;
        known.says("That feed was here already");
        assert_eq!(known.url.path(), added.url.path());

        let choice = desk.submit(&form.with("url", &harbour.url("/both"))).await;
        assert_eq!(choice.status, StatusCode::OK);
        choice.says("This site has several feeds");
        shows(&choice, "Rivers & tides");
        let chosen = choice.form("/desk/feeds").with("url", &harbour.url("/rivers"));
        desk.submit_and_follow(&chosen).await.says("1 new article");
        assert_eq!(titles(&app).await, ["Low tide", "High tide"]);
    }

    /// Nothing is published unasked: a new feed, alone or of a list, brings drafts unless somebody chose otherwise, and the pages say which.
    async fn a_new_feed_publishes_nothing_unasked(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[])]));
        harbour.gives("/b", 200, &[], &feed("B", &[("two", "Low tide", &[])]));
        harbour.gives("/both", 200, &[], "<html><link rel=alternate type=application/rss+xml href=/b><link rel=alternate type=application/rss+xml href=/c></html>");
        let desk = app.desk().await;
        let form = desk.open("/desk/feeds").await.form("/desk/feeds").with("url", &harbour.url("/feed"));
        assert_eq!(form.value("arrives"), Some("draft"));
        let strange = desk.submit(&form.clone().with("arrives", "soon")).await;
        assert_eq!(strange.status, StatusCode::UNPROCESSABLE_ENTITY);
        strange.says("Say whether its articles come as drafts");
        desk.submit_and_follow(&form).await.says("as drafts: readers see each once you publish it").says("1 new article");
        assert_eq!(titles(&app).await, [""; 0]);
        assert_eq!(article(&app, "High tide").await.state, ArticleState::Draft);
        desk.open("/desk/feeds").await.says("As drafts, Every hour");

        // Published as it came, it goes on following its feed; with a word of ours it does not.
        let path = format!("/desk/articles/{}", article(&app, "High tide").await.id.0);
        desk.submit_and_follow(&desk.open(&path).await.form(&path).with("act", "publish")).await.says("Saved.").says("follows it until you change something here");
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "Higher tide", &[])]));
        app.advance(2 * 60 * MINUTE);
        poll(&app).await;
        assert_eq!(titles(&app).await, ["Higher tide"]);
        let desk = app.desk().await;
        desk.submit_and_follow(&desk.open(&path).await.form(&path).with("act", "publish").with("byline", "Ann Lee")).await.says("was edited here");
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "Highest tide", &[])]));
        app.advance(2 * 60 * MINUTE);
        poll(&app).await;
        assert_eq!(titles(&app).await, ["Higher tide"]);
        let desk = app.desk().await;
        let form = desk.open("/desk/feeds").await.form("/desk/feeds");

        // What was chosen goes along to the choice among several.
        let choice = desk.submit(&form.clone().with("url", &harbour.url("/both")).with("arrives", "published")).await;
        assert!(choice.body.contains("<input type=\"hidden\" name=\"arrives\" value=\"published\">"), "{}", choice.body);

        let page = desk.open("/desk/feeds").await;
        let list = format!("<opml version=\"2.0\"><body><outline type=\"rss\" text=\"B\" xmlUrl=\"{}\"/></body></opml>", harbour.url("/b"));
        let ticks = sends(&desk, &page, &list).await;
        desk.submit_and_follow(&ticks.form("/desk/feeds/opml/add")).await.says("Their articles come as drafts");
        assert_eq!(poll(&app).await.done, 1);
        assert_eq!(article(&app, "Low tide").await.state, ArticleState::Draft);
        // Chosen otherwise later, what is new is published; what came before stays as it is.
        let id = rows::<(i64,)>(&app.site.db, "select id from feed where title = 'B'").await.remove(0).0;
        let path = format!("/desk/feeds/{id}");
        let set = desk.open(&path).await.form("/fetch").at(&path).with("every", "hourly").with("arrives", "published").with("topic_map", "").with("other_topics", "kept");
        desk.submit_and_follow(&set).await.says("Saved.");
        harbour.gives("/b", 200, &[], &feed("B", &[("two", "Low tide", &[]), ("three", "Ebb", &[])]));
        app.advance(2 * 60 * MINUTE);
        poll(&app).await;
        assert_eq!(titles(&app).await, ["Ebb", "Higher tide"]);
    }

    /// “Fetch now” says what came where the button is, on the feed's page and beside the choice of articles of an edition.
    async fn fetching_now_says_what_came(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/feeds/{}", id.0)).await;
        desk.submit_and_follow(&page.form("/fetch")).await.says("Nothing new.");
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide, again", &[]), ("two", "Low tide", &[])]));
        let came = desk.submit_and_follow(&page.form("/fetch")).await;
        came.says("1 new article, 1 changed.");
        harbour.gives("/feed", 404, &[], "");
        desk.submit_and_follow(&page.form("/fetch")).await.says("There is nothing at that address (404)");

        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("three", "Ebb", &[])]));
        app.advance(2 * MINUTE);
        let draft = app.draft("An edition").await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let composer = desk.open(&path).await;
        let fetched = desk.submit_and_follow(&composer.form(&path).with("act", "fetch").with("subject", "Typed before")).await;
        shows(&fetched, "1 new article came in.");
        shows(&fetched, "Ebb");
        assert_eq!(fetched.form(&path).value("subject"), Some("Typed before"), "what was written is saved");
        let again = desk.submit_and_follow(&fetched.form(&path).with("act", "fetch")).await;
        shows(&again, "read within the last minute");
    }

    /// A list of feeds (OPML) is looked at before anything is added; what is ticked is added, and read at its turn. The list that is
    /// written is one that can be read.
    async fn lists_of_feeds_come_and_go(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/a", 200, &[], &feed("Tide &amp; sand", &[("one", "High tide", &[])]));
        harbour.gives("/b", 200, &[], &feed("B", &[]));
        let list = format!(
            "<?xml version=\"1.0\"?><opml version=\"2.0\"><head/><body><outline text=\"All\"><outline type=\"rss\" text=\"A\" xmlUrl=\"{}\"/>\
             <outline type=\"rss\" text=\"B\" xmlUrl=\"{}\"/></outline></body></opml>",
            harbour.url("/a"), harbour.url("/b")
        );
        let desk = app.desk().await;
        let page = desk.open("/desk/feeds").await;
        for (file, words) in [("", "Choose a file."), ("<opml/>", "There is no feed in this file."), ("<!DOCTYPE x [<!ENTITY a 'b'>]><opml/>", "There is no feed in this file.")] {
            let refused = sends(&desk, &page, file).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
            refused.says(words);
        }
        let large = sends(&desk, &page, &" ".repeat(1024 * 1024 + 1)).await;
        large.says("larger than 1 MB");
        let ticks = sends(&desk, &page, &list).await;
        assert_eq!(ticks.status, StatusCode::OK, "{}", ticks.text());
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from feed").await, [(0,)], "nothing is added by looking");
        let form = ticks.form("/desk/feeds/opml/add").with("arrives", "published").with("feed", &harbour.url("/a")).and("feed", "http://user:word@harbour.example/");
        desk.submit_and_follow(&form).await.says("read within a few minutes. Their articles are published at once").says("Not read yet").says("Published at once, Every hour");
        assert_eq!(poll(&app).await.done, 1);
        assert_eq!(titles(&app).await, ["High tide"]);
        assert_eq!(harbour.asked("/b"), [""; 0]);
        desk.submit_and_follow(&form).await.says("Nothing was added");

        let written = desk.open("/desk/feeds/opml").await;
        assert!(written.body.contains("Tide &amp; sand") && written.body.contains(&harbour.url("/a")), "{}", written.body);
        shows(&sends(&desk, &page, &written.body).await, "Tide & sand");
    }

    /// A feed goes into the bin, alone or with its articles, and comes back as it was.
    async fn a_feed_goes_and_comes_back(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &[]), ("two", "Low tide", &[])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        let desk = app.desk().await;
        let asks = format!("/desk/feeds/{}/remove", id.0);
        let page = desk.open(&asks).await;
        shows(&page, "2 articles came from it.");
        desk.submit_and_follow(&page.form(&asks)).await.says("The feed was removed. Its articles stay.").says("In the bin");
        assert_eq!(titles(&app).await.len(), 2);
        app.advance(DAY);
        assert_eq!(poll(&app).await, Worked::default(), "nobody asks it");
        let desk = app.desk().await;
        let list = desk.open("/desk/feeds").await;
        list.says("Gone for good after");
        desk.submit_and_follow(&list.form("/back")).await.says("It is back");

        // One that somebody deleted before stays where it is when the feed comes back.
        let low = article(&app, "Low tide").await;
        let delete = format!("/desk/articles/{}/delete", low.id.0);
        desk.submit_and_follow(&desk.open(&delete).await.form(&delete)).await.says("lies in the bin");
        app.advance(MINUTE);
        let page = desk.open(&asks).await;
        shows(&page, "1 article came from it.");
        desk.submit_and_follow(&page.form(&asks).with("articles", "too")).await.says("and its articles with it");
        assert_eq!(titles(&app).await, [""; 0]);
        let gone = desk.open(&format!("/desk/feeds/{}", id.0)).await;
        gone.says("with 1 article");
        desk.submit_and_follow(&gone.form("/back")).await.says("It is back");
        assert_eq!(titles(&app).await, ["High tide"]);
        assert_eq!(poll(&app).await.done, 1);
        assert_eq!(titles(&app).await, ["High tide"], "what was deleted here does not come again");
        let strange = desk.submit(&page.form(&asks).with("articles", "some")).await;
        assert_eq!(strange.status, StatusCode::BAD_REQUEST);
    }

    /// After 30 days the bin is emptied; a feed that is brought in again then brings its articles again.
    async fn what_was_deleted_stays_so_though_a_feed_has_it(app: TestApp) {
        let harbour = Harbour::open().await;
        let body = |title| feed("Harbour", &[("one", title, &[])]).replace("https://harbour.example", &harbour.url(""));
        // A document brought it, somebody deleted it, and its site's feed has it all along.
        articles::import(&app.site, None, parsed(&body("High tide"))).await.expect("it is in");
        let one = article(&app, "High tide").await;
        let by = app.desk().await;
        let page = by.open(&format!("/desk/articles/{}/delete", one.id.0)).await;
        by.submit_and_follow(&page.form("/delete")).await.says("You can bring it back");
        harbour.gives("/feed", 200, &[], &body("High tide"));
        brought_in(&app, &harbour.url("/feed")).await;
        assert_eq!(titles(&app).await, Vec::<String>::new());
        app.advance(31 * DAY);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        harbour.gives("/feed", 200, &[], &body("Higher tide"));
        poll(&app).await;
        assert_eq!(harbour.asked("/feed").len(), 2, "it was read");
        assert_eq!(titles(&app).await, Vec::<String>::new());
    }

    async fn what_is_gone_for_good_can_be_brought_in_anew(app: TestApp) {
        let harbour = Harbour::open().await;
        let body = feed("Harbour", &[("one", "High tide", &[])]);
        harbour.gives("/feed", 200, &[], &body.replace("https://harbour.example", &harbour.url("")));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        publishing::remove_feed(&app.site, (id, true), &[], None).await.expect("removed");
        app.advance(29 * DAY);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert!(look(&app, id).await.removed_at.is_some());
        app.advance(2 * DAY);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert_eq!(articles::find_feed(&app.site.db, id).await.expect("a read"), None);
        let left: Vec<(String, String)> = rows(&app.site.db, "select title, body_html from article").await;
        assert_eq!(left, [(String::new(), String::new())], "nothing is left of it");
        assert_eq!(app.desk().await.open("/desk/articles/bin").await.status, StatusCode::OK);
        brought_in(&app, &harbour.url("/feed")).await;
        assert_eq!(titles(&app).await, ["High tide"]);
    }

    /// Somebody decides something while the feed is being asked: what comes of that undoes nothing.
    async fn what_is_decided_while_a_feed_is_asked_stays(app: TestApp) {
        let harbour = Harbour::open().await;
        let body = feed("Harbour", &[("one", "High tide", &["tenants"])]);
        harbour.gives("/feed", 200, &[("etag", "\"v1\"")], &body);
        let id = brought_in(&app, &harbour.url("/feed")).await;
        harbour.gives("/feed", 200, &[("etag", "\"v2\"")], &body);
        // It answers only when somebody else asks it, too.
        *held(&harbour.world.waits_for) = 2;
        held(&harbour.world.now).1 = 0;
        app.advance(HOUR);
        let (site, asks) = (app.site.clone(), fetcher());
        let asked = tokio::spawn(async move { articles::poll_due(&site, &asks).await });
        wait::until("it is asked", async || (harbour.asked("/feed").len() == 2).then_some(())).await;
        let set = FeedSettings {
            every: broadside::articles::FeedEvery::QuarterHour,
            arrives: FeedArrives::Published,
            topic_map: "tenants = Housing".to_owned(),
            other_topics: OtherTopics::Kept,
            keeps_pictures: false,
        };
        articles::set_feed(&app.site, id, &set, None).await.expect("set");
        let mut other = TcpStream::connect(&harbour.address).await.expect("the harbour");
        other.write_all(b"GET /other HTTP/1.1\r\n\r\n").await.expect("asked");
        asked.await.expect("it works").expect("a round");
        let feed = look(&app, id).await;
        assert_eq!((feed.etag, feed.topic_map.as_str()), (None, "tenants = Housing"), "it is read whole the next time");
        *held(&harbour.world.waits_for) = 0;
        app.advance(15 * MINUTE);
        assert_eq!(poll(&app).await.done, 1, "as often as was decided");
        let tide = article(&app, "High tide").await;
        assert_eq!(tide.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Housing"]);
        assert_eq!(look(&app, id).await.etag.as_deref(), Some("\"v2\""));
    }

    /// A feed that is paused brings nothing, also what is on its way at that moment; when it goes on, everything comes.
    async fn a_feed_that_is_paused_brings_nothing(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[("etag", "\"v1\"")], &feed("Harbour", &[("one", "High tide", &[])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/feeds/{}", id.0)).await;
        let paused = desk.submit_and_follow(&page.form("/pause")).await;
        paused.says("It is paused").says("Nothing comes in until you let it go on");
        harbour.gives("/feed", 200, &[("etag", "\"v2\"")], &feed("Harbour", &[("two", "Low tide", &[])]));
        app.advance(3 * DAY);
        assert_eq!(poll(&app).await, Worked::default());
        let desk = app.desk().await;
        let paused = desk.open(&format!("/desk/feeds/{}", id.0)).await;
        let pressed = paused.form("/go-on").at(&format!("/desk/feeds/{}/fetch", id.0));
        desk.submit_and_follow(&pressed).await.says("Paused");
        assert_eq!(articles::read_feeds_now(&app.site, &fetcher()).await.expect("a round").asked, 0);
        // Somebody read it before it was paused, and comes with what it gave.
        let late = parsed(&feed("Harbour", &[("late", "Too late", &[])]));
        assert_eq!(articles::import(&app.site, Some(id), late).await.expect("it ends quietly").new, 0);
        assert_eq!((titles(&app).await.as_slice(), harbour.asked("/feed").len()), (["High tide".to_owned()].as_slice(), 1));
        desk.submit_and_follow(&paused.form("/go-on")).await.says("It goes on");
        assert_eq!(poll(&app).await.done, 1);
        assert!(!harbour.asked("/feed")[1].contains("if-none-match"), "it is asked for all that it has");
        assert_eq!(titles(&app).await.len(), 2);
    }

    /// As drafts, where somebody chose that; and filed under the topics that its words become.
    /// Drafts that feeds brought are told on the overview, with a link that shows them and nothing else; topics stand as their source named them.
    async fn drafts_of_feeds_are_told_on_the_overview(app: TestApp) {
        let site = Harbour::open().await;
        let desk = app.desk().await;
        assert!(!desk.open("/desk").await.body.contains("that a feed brought"));
        site.gives("/feed", 200, &[], &feed("Gull", &[("1", "One", &["Work", "Bread", "Salt"])]));
        articles::bring_in_feed(&app.site, &fetcher(), &site.url("/feed"), (FeedArrives::Draft, None)).await.expect("it can be read");
        desk.open("/desk").await.says("One draft that a feed brought waits for you");
        site.gives("/feed", 200, &[], &feed("Gull", &[("1", "One", &["Work", "Bread", "Salt"]), ("2", "Two", &[])]));
        app.advance(2 * HOUR);
        poll(&app).await;
        let ours = WrittenArticle { title: "Ours".to_owned(), topics: vec!["Rivers".to_owned(), "Bread".to_owned(), "Housing".to_owned()], ..WrittenArticle::default() };
        let ours = articles::create(&app.site, &ours).await.expect("written");
        let desk = app.desk().await;
        desk.open("/desk").await.says("2 drafts that feeds brought wait for you");
        let page = desk.open("/desk/articles?state=draft&feed=any").await;
        assert!(page.body.contains(">One</a>") && page.body.contains(">Two</a>") && !page.body.contains(">Ours</a>"), "{}", page.body);
        assert!(page.body.contains("<option value=\"any\" selected>From any feed</option>"));

        let named = |article: Article| article.topics.into_iter().map(|topic| topic.name).collect::<Vec<_>>();
        assert_eq!(named(article(&app, "One").await), ["Work", "Bread", "Salt"]);
        assert_eq!(named(ours), ["Rivers", "Bread", "Housing"]);
        let one = article(&app, "One").await;
        let path = format!("/desk/articles/{}", one.id.0);
        let form = desk.open(&path).await.form(&path);
        assert_eq!(form.value("topics"), Some("Work, Bread, Salt"));
        desk.submit(&form.with("topics", "Salt, Work, Air").with("act", "publish")).await;
        assert_eq!(named(article(&app, "One").await), ["Salt", "Work", "Air"]);
        desk.open("/desk").await.says("One draft that a feed brought waits for you");
    }

    async fn its_articles_arrive_as_somebody_chose(app: TestApp) {
        let harbour = Harbour::open().await;
        harbour.gives("/feed", 200, &[("etag", "\"v1\"")], &feed("Harbour", &[("one", "High tide", &["Tenants", "Various", "Lamps"])]));
        let id = brought_in(&app, &harbour.url("/feed")).await;
        let topics = async |title: &str| {
            let topics = article(&app, title).await.topics;
            topics.into_iter().map(|topic| topic.name).collect::<Vec<_>>()
        };
        assert_eq!(topics("High tide").await, ["Tenants", "Various", "Lamps"], "in the order in which the feed names them");
        let desk = app.desk().await;
        let own = format!("/desk/feeds/{}", id.0);
        let page = desk.open(&own).await;
        let form = page.form(&own);
        // The first form of the page whose address holds it is not this one.
        let form = form.at(&own).with("every", "daily").with("arrives", "draft").with("other_topics", "left-out");
        let wrong = desk.submit(&form.clone().with("topic_map", "tenants: Housing")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("Line 1 cannot be read");
        desk.submit_and_follow(&form.with("topic_map", "tenants = Housing, Rivers\nvarious =")).await.says("Saved");
        let now = look(&app, id).await;
        assert_eq!((now.arrives, now.other_topics), (FeedArrives::Draft, OtherTopics::LeftOut));
        harbour.gives("/feed", 200, &[], &feed("Harbour", &[("one", "High tide", &["Tenants", "Various", "Lamps"]), ("two", "Low tide", &["tenants"])]));
        app.advance(DAY);
        assert_eq!(poll(&app).await.done, 1);
        assert_eq!(topics("High tide").await, ["Housing", "Rivers"], "filed anew");
        assert_eq!(article(&app, "High tide").await.state, ArticleState::Published, "what was published stays so");
        let low = article(&app, "Low tide").await;
        assert_eq!((low.state, topics("Low tide").await.len()), (ArticleState::Draft, 2));
        assert_eq!(titles(&app).await, ["High tide"], "readers do not see it");
    }

    /// An article that is deleted is gone for readers and lists, is said to be gone in an edition that is being made, and comes back as it
    /// was; an edition that went out keeps what was sent.
    async fn a_deleted_article_lies_in_the_bin(app: TestApp) {
        app.reader("ann@example.org").await;
        app.advance(365 * DAY);
        app.send_edition("The first edition").await;
        let draft = app.draft("The second").await;
        let one = articles::by_ids(&app.site.db, &draft.content.article_ids()[..1]).await.expect("a read").remove(0);
        let (desk, visitor) = (app.desk().await, app.visitor());
        let public = format!("/articles/{}", one.slug);
        assert_eq!(visitor.open(&public).await.status, StatusCode::OK);
        let delete = format!("/desk/articles/{}/delete", one.id.0);
        let own = desk.open(&format!("/desk/articles/{}", one.id.0)).await;
        assert!(own.body.contains(&delete), "the article's page leads there");
        let asks = desk.open(&delete).await;
        asks.says("Readers find it no more");
        let stale = desk.submit(&asks.form(&delete).with("version", "0")).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        stale.says("Nothing was deleted");
        desk.submit_and_follow(&asks.form(&delete)).await.says("You can bring it back for 30 days").says(&one.title);
        desk.submit_and_follow(&asks.form(&delete)).await.says("You can bring it back");

        assert_eq!(visitor.open(&public).await.status, StatusCode::NOT_FOUND);
        assert!(!titles(&app).await.contains(&one.title));
        assert!(!desk.open("/desk/articles").await.body.contains(&format!("/desk/articles/{}\"", one.id.0)));
        let composer = desk.open(&format!("/desk/editions/{}", draft.public_id)).await;
        composer.says(&format!("“{}” was deleted", one.title));
        let edit = desk.submit(&own.form(&format!("/desk/articles/{}", one.id.0)).with("act", "publish")).await;
        assert_eq!(edit.status, StatusCode::CONFLICT, "a form that was left open publishes nothing that is in the bin");
        edit.says("This article was deleted meanwhile");
        let sent = visitor.open("/archive").await.body;
        let sent = sent.split("href=\"").find_map(|part| part.starts_with("/archive/").then(|| part.split('"').next()).flatten());
        visitor.open(sent.expect("an edition")).await.says(&one.title);

        let bin = desk.open(&delete).await;
        bin.says("lies in the bin");
        desk.submit_and_follow(&bin.form("/back")).await.says("It is back as it was");
        assert_eq!(visitor.open(&public).await.status, StatusCode::OK);
        assert_eq!(articles::by_id(&app.site.db, one.id).await.expect("a read").expect("it").state, ArticleState::Published);

        desk.submit_and_follow(&desk.open(&delete).await.form(&delete)).await;
        app.advance(31 * DAY);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        let gone = articles::by_id(&app.site.db, one.id).await.expect("a read").expect("its names");
        assert_eq!((gone.title.as_str(), gone.body_html.as_str()), (one.title.as_str(), ""), "an edition shows its title");
        assert_eq!(app.desk().await.open(&delete).await.status, StatusCode::NOT_FOUND);
        let known = articles::import_bytes(&app.site, articles::SAMPLE_FEED.to_vec()).await.expect("it is in order");
        assert_eq!(known.new, 1, "whoever brings it in by hand wants it");
    }

    /// Whoever deletes an article that an edition was approved with is told, and readers get what was approved.
    async fn an_approved_edition_keeps_its_deleted_article(app: TestApp) {
        app.reader("ann@example.org").await;
        app.advance(365 * DAY);
        let draft = app.draft("Approved").await;
        let one = articles::by_ids(&app.site.db, &draft.content.article_ids()[..1]).await.expect("a read").remove(0);
        let (desk, delete) = (app.desk().await, format!("/desk/articles/{}/delete", one.id.0));
        let before = desk.open(&delete).await;
        publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await.expect("pressed");
        let asked = desk.submit(&before.form(&delete)).await;
        assert_eq!(asked.status, StatusCode::CONFLICT);
        asked.says("was approved with it");
        desk.submit_and_follow(&asked.form(&delete)).await.says("lies in the bin");
        app.advance(publishing::UNDO);
        app.drain().await;
        assert!(app.last_mail("ann@example.org").text.contains(&one.title));
    }
}

/// Every feed at its next turn.
async fn turn_all(app: &TestApp) {
    app.advance(DAY);
    poll(app).await;
}

#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct Which {
    id: i64,
}

/// The feeds desk in a browser: brought in, fetched, paused, changed, removed; for everybody, on a phone and on a desk, in light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn the_feeds_desk_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let harbour = Harbour::open().await;
    harbour.gives(
        "/a-rather-long-address-of-a-feed-that-wants-to-be-broken-somewhere-on-a-phone/feed.xml",
        200,
        &[],
        &feed("The Harbour Gazette", &[("one", "High tide", &["Tenants"])]),
    );
    harbour.gives(
        "/both",
        200,
        &[],
        "<html><head><link rel=alternate type=application/rss+xml title=One href=/one>\
         <link rel=alternate type=application/rss+xml href=/a-rather-long-address-of-a-feed-that-wants-to-be-broken-somewhere-on-a-phone/feed.xml></head></html>",
    );
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/feeds")).await;
    browser.sound("feeds-none").await;
    browser.fill("Address of the site or its feed", "http://no-such-site.invalid/").await;
    browser.click("Bring them in").await;
    browser.wait_for_text("There is no site of that name").await;
    browser.sound("feeds-mistake").await;
    browser.fill("Address of the site or its feed", &harbour.url("/both")).await;
    browser.click("Bring them in").await;
    browser.wait_for_text("This site has several feeds").await;
    browser.sound("feeds-choice").await;
    let long =
        harbour.url("/a-rather-long-address-of-a-feed-that-wants-to-be-broken-somewhere-on-a-phone/feed.xml");
    browser.click(&format!("This one : {long}")).await;
    browser.wait_for_text("1 new article").await;
    browser.sound("feed").await;
    harbour.gives(
        "/a-rather-long-address-of-a-feed-that-wants-to-be-broken-somewhere-on-a-phone/feed.xml",
        503,
        &[],
        "",
    );
    browser.click("Fetch now").await;
    browser.wait_for_text("The site has trouble of its own (503).").await;
    browser.sound("feed-trouble").await;
    browser.choose("How often we look", "Once a day").await;
    browser.fill("Its words, and your topics", "tenants = Housing").await;
    browser.click("Save").await;
    browser.wait_for_text("Saved.").await;
    browser.click("Pause it").await;
    browser.wait_for_text("Nothing comes in until you let it go on").await;
    browser.goto(&app.url("/desk/feeds")).await;
    browser.sound("feeds").await;
    browser.click("The Harbour Gazette").await;
    browser.click("Remove it").await;
    browser.wait_for_text("They go into the bin, too").await;
    browser.sound("feed-remove").await;
    browser.tick("They go into the bin, too").await;
    browser.click("Remove the feed").await;
    browser.wait_for_text("and its articles with it").await;
    browser.sound("feed-removed").await;
    browser.goto(&app.url("/desk/articles/bin")).await;
    browser.wait_for_text("High tide").await;
    browser.sound("articles-bin").await;
    browser.click("Bring it back : High tide").await;
    browser.wait_for_text("It is back as it was").await;
    browser.click("Delete").await;
    browser.wait_for_text("can be brought back as it was").await;
    browser.sound("article-delete").await;
    browser.close().await;
    app.finish().await;
}
