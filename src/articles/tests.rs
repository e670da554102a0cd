//! Importing, editing and finding articles, on both engines.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::{
    clock::Moment,
    queue::Worked,
    site::Site,
    support::database::{TestDb, both_engines},
};

/// A site with an empty database.
struct House {
    site: Site,
}

impl House {
    async fn new(db: &TestDb) -> Self {
        // The day after the sample's newest article.
        Self { site: db.site("http://localhost", Moment::from_unix_seconds(1_794_528_000)) }
    }

    async fn update(&self, seen: &Article, written: &WrittenArticle) -> Article {
        let checked = written.checked(Moment(0)).await.expect("nothing is wrong");
        let mut tx = self.site.db.begin().await.expect("a transaction");
        update(&mut tx, &self.site, (seen.id, seen.version), &checked).await.expect("an edit");
        tx.commit().await.expect("a commit");
        by_id(&self.site.db, seen.id).await.expect("a read").expect("the article")
    }

    async fn import(&self, feed: &str) -> ArticlesImported {
        import_bytes(&self.site, feed.as_bytes().to_vec()).await.expect("an import")
    }
}

fn feed(items: &[(&str, &str)]) -> String {
    let items: String = items
        .iter()
        .map(|(id, title)| {
            format!(
                "<item><guid>{id}</guid><title>{title}</title><category>Tides</category><description>About {title}.</description></item>"
            )
        })
        .collect();
    format!(
        "<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link>{items}</channel></rss>"
    )
}

fn written(title: &str) -> WrittenArticle {
    WrittenArticle {
        title: title.to_owned(),
        body_markdown: Some("Some *new* words.".to_owned()),
        topics: vec!["Tides".to_owned(), "Harbour".to_owned()],
        state: ArticleState::Published,
        ..WrittenArticle::default()
    }
}

both_engines! {
    async fn the_sample_magazine_is_whole(db: TestDb) {
        let house = House::new(&db).await;
        let report = import_bytes(&house.site, SAMPLE_FEED.to_vec()).await.expect("an import");
        assert_eq!(report, ArticlesImported { new: 8, ..ArticlesImported::default() });
        let articles = latest(&house.site, 20).await.expect("articles");
        assert_eq!(articles[0].title, "The Library That Lends Ladders");
        assert_eq!(articles[0].slug, "the-library-that-lends-ladders");
        for article in &articles {
            assert!((250..=500).contains(&article.word_count), "{}: {}", article.title, article.word_count);
            assert!(!article.standfirst.is_empty() && !article.byline.is_empty() && !article.topics.is_empty());
            assert!(article.body_html.starts_with("<p>"), "{}", article.title);
            assert!(
                article.canonical_url.as_deref().is_some_and(|url| url.starts_with("https://tidewater.example/"))
            );
            assert!(["1 min", "2 min"].contains(&article.reading_time(READING_SPEED).as_str()));
        }
        let noted: Vec<&Article> = articles.iter().filter(|article| article.origin_note.is_some()).collect();
        assert_eq!(noted.len(), 1);
        assert!(!noted[0].body_html.contains("originally published") && !noted[0].body_html.contains("<strong>"));
        let names: Vec<String> =
            topics(&house.site.db).await.expect("topics").into_iter().map(|topic| topic.name).collect();
        assert_eq!(names, ["Books", "Culture", "Environment", "Everyday life", "Work"]);
        let books = page(&house.site, Some("books"), None, 20).await.expect("articles");
        assert_eq!(books.len(), 2);
        assert_eq!(books[1].byline, "Nell Aldersey and Hana Marlowe-Ito");
    }

    async fn importing_twice_changes_nothing_and_a_corrected_title_changes_one_article(db: TestDb) {
        let house = House::new(&db).await;
        let first = house.import(&feed(&[("1", "High tide"), ("2", "High tide")])).await;
        assert_eq!((first.new, first.skipped.len()), (2, 0));
        assert!(by_slug(&house.site.db, "high-tide-2").await.expect("a read").is_some());
        let again = house.import(&feed(&[("1", "High tide"), ("2", "High tide")])).await;
        assert_eq!(again, ArticlesImported { unchanged: 2, ..ArticlesImported::default() });
        let corrected = house.import(&feed(&[("1", "Low tide"), ("2", "High tide")])).await;
        assert_eq!((corrected.new, corrected.updated, corrected.unchanged), (0, 1, 1));
        let article = by_slug(&house.site.db, "high-tide").await.expect("a read").expect("the same address");
        assert_eq!((article.title.as_str(), article.topics.len()), ("Low tide", 1));
    }

    async fn what_the_desk_edited_is_not_overwritten_by_a_later_import(db: TestDb) {
        let house = House::new(&db).await;
        house.import(&feed(&[("1", "High tide")])).await;
        let article = by_slug(&house.site.db, "high-tide").await.expect("a read").expect("the article");
        let edited = house.update(&article, &written("Our own title")).await;
        assert_eq!(edited.body_html, "<p>Some <em>new</em> words.</p>");
        assert_eq!((edited.word_count, edited.topics.len()), (3, 2));
        let report = house.import(&feed(&[("1", "Very high tide")])).await;
        assert_eq!((report.kept, report.updated), (1, 0));
        let kept = by_id(&house.site.db, article.id).await.expect("a read").expect("the article");
        assert_eq!(kept, edited);
        // The body of an imported article stays HTML when only its title is edited.
        let only_title = WrittenArticle { body_markdown: None, ..written("Another title") };
        let after = house.update(&edited, &only_title).await;
        assert_eq!(after.body_html, kept.body_html);
    }

    async fn a_feed_cannot_rewrite_the_articles_of_another(db: TestDb) {
        let house = House::new(&db).await;
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let one = add_feed(&house.site, &fetcher, "http://one.example/feed").await.expect("a feed").0;
        let other = add_feed(&house.site, &fetcher, "http://other.example/feed").await.expect("a feed").0;
        assert_eq!(add_feed(&house.site, &fetcher, "http://one.example/feed").await.expect("a feed").0.id, one.id);
        let parsed = |title| feed::parse(feed(&[("1", title)]).as_bytes(), None, None).expect("a feed");
        import(&house.site, Some(one.id), parsed("High tide")).await.expect("an import");
        let report = import(&house.site, Some(other.id), parsed("Hijacked")).await.expect("an import");
        assert_eq!(report.skipped, ["“Hijacked” belongs to another feed"]);
        assert!(
            by_slug(&house.site.db, "high-tide").await.expect("a read").is_some_and(|a| a.title == "High tide")
        );
    }

    async fn drafts_and_articles_of_the_future_are_the_desks_alone(db: TestDb) {
        let house = House::new(&db).await;
        let draft = WrittenArticle { state: ArticleState::Draft, ..written("A draft") };
        create(&house.site, &draft).await.expect("an article");
        let tomorrow = house.site.now().plus(Duration::from_secs(86_400));
        create(&house.site, &WrittenArticle { published_at: Some(tomorrow), ..written("Tomorrow") })
            .await
            .expect("an article");
        create(&house.site, &written("Today 100%")).await.expect("an article");
        let titles = |articles: Vec<Article>| articles.into_iter().map(|a| a.title).collect::<Vec<_>>();
        assert_eq!(titles(latest(&house.site, 10).await.expect("articles")), ["Today 100%"]);
        assert!(published_by_slug(&house.site, "tomorrow").await.expect("a read").is_none());
        assert_eq!(desk_page(&house.site, DeskLook::default(), None, 10).await.expect("articles").len(), 3);
        assert_eq!(titles(desk_page(&house.site, DeskLook { search: "0%", ..DeskLook::default() }, None, 10).await.expect("articles")), ["Today 100%"]);
        house.site.clock.advance(Duration::from_secs(86_400));
        assert_eq!(titles(latest(&house.site, 10).await.expect("articles")), ["Tomorrow", "Today 100%"]);
    }

    async fn pages_follow_one_another_without_a_gap(db: TestDb) {
        let house = House::new(&db).await;
        let titles: Vec<String> = (0..30).map(|n| format!("Article {n}")).collect();
        let items: Vec<(&str, &str)> = titles.iter().map(|title| (title.as_str(), title.as_str())).collect();
        assert_eq!(house.import(&feed(&items)).await.new, 30);
        let (mut place, mut seen) = (None, Vec::new());
        loop {
            let articles = page(&house.site, None, place, 7).await.expect("articles");
            let Some(last) = articles.last() else { break };
            place = Some(Before(last.published_at, last.id));
            seen.extend(articles.iter().map(|article| article.id));
        }
        assert_eq!(seen.len(), 30);
        seen.dedup();
        assert_eq!(seen.len(), 30);
        let backwards: Vec<ArticleId> = seen.iter().rev().copied().collect();
        let found = by_ids(&house.site.db, &backwards).await.expect("articles");
        assert_eq!(found.iter().map(|article| article.id).collect::<Vec<_>>(), backwards);
    }

    async fn a_form_with_mistakes_names_every_one(db: TestDb) {
        let house = House::new(&db).await;
        let wrong = WrittenArticle { canonical_url: "javascript:alert(1)".to_owned(), ..written("  ") };
        let Err(ArticleError::Invalid(errors)) = create(&house.site, &wrong).await else {
            panic!("it was taken")
        };
        assert_eq!(errors.iter().map(|error| error.field).collect::<Vec<_>>(), ["title", "canonical_url"]);
        let mut tx = house.site.db.begin().await.expect("a transaction");
        let checked = written("T").checked(Moment(0)).await.expect("nothing is wrong");
        let nothing = update(&mut tx, &house.site, (ArticleId(99), 1), &checked).await;
        assert!(matches!(nothing, Err(ArticleError::NotFound)));
    }

    /// A feed over a real socket: read, then asked whether it changed, then broken; what went wrong is kept for the editor.
    async fn a_polled_feed_asks_conditionally_and_keeps_its_last_trouble(db: TestDb) {
        let house = House::new(&db).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/feed", listener.local_addr().expect("an address"));
        let body = feed(&[("1", "High tide")]);
        let answers = [
            format!(
                "HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            ),
            "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello".to_owned(),
        ];
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut connection, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(connection.read_u8().await.expect("a request"));
                }
                asked.push(String::from_utf8_lossy(&request).to_lowercase());
                connection.write_all(answer.as_bytes()).await.expect("an answer");
            }
            asked
        });
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let report = import_source(&house.site, &fetcher, &address).await.expect("an import");
        assert_eq!(report.new, 1);
        let hour = Duration::from_secs(3_600);
        let poll = async || poll_due(&house.site, &fetcher).await.expect("a poll");
        assert_eq!(poll().await, Worked::default());
        house.site.clock.advance(hour);
        assert_eq!(poll().await, Worked { done: 1, ..Worked::default() });
        house.site.clock.advance(hour);
        assert_eq!(poll().await, Worked { later: 1, ..Worked::default() });
        let kept = feeds(&house.site.db, None, 10).await.expect("feeds").remove(0);
        assert_eq!((kept.title.as_str(), kept.etag.as_deref()), ("G", Some("\"v1\"")));
        assert!(kept.last_error.is_some_and(|error| error.contains("not a feed")));
        assert!(served.await.expect("the server")[1].contains("if-none-match: \"v1\""));
    }
}
