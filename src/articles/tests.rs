//! Importing, editing and finding articles, on both engines.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    cleaning::html,
    feed::ParsedArticle,
    import::{Taken, There},
    *,
};
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
            topics(&house.site).await.expect("topics").into_iter().map(|topic| topic.name).collect();
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
        let one = add_feed(&house.site, &fetcher, "http://one.example/feed", FeedArrives::Published).await.expect("a feed").0;
        let other = add_feed(&house.site, &fetcher, "http://other.example/feed", FeedArrives::Published).await.expect("a feed").0;
        assert_eq!(add_feed(&house.site, &fetcher, "http://one.example/feed", FeedArrives::Published).await.expect("a feed").0.id, one.id);
        let parsed = |title| feed::parse(feed(&[("1", title)]).as_bytes(), None, None).expect("a feed");
        import(&house.site, Some(one.id), parsed("High tide")).await.expect("an import");
        let report = import(&house.site, Some(other.id), parsed("Hijacked")).await.expect("an import");
        assert_eq!(report.skipped, ["“Hijacked” belongs to another feed"]);
        assert!(
            by_slug(&house.site.db, "high-tide").await.expect("a read").is_some_and(|a| a.title == "High tide")
        );
    }

    /// A site that gets https, drops its `www.` and counts its visitors has the articles that it had; so has one whose feed calls them otherwise.
    async fn a_site_that_moves_or_calls_its_articles_otherwise_doubles_none(db: TestDb) {
        let house = House::new(&db).await;
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let (own, _) = add_feed(&house.site, &fetcher, "http://gull.example/feed", FeedArrives::Published).await.expect("a feed");
        let bring = async |feed: String| {
            let parsed = feed::parse(feed.as_bytes(), None, None).expect("a feed");
            import(&house.site, Some(own.id), parsed).await.expect("an import")
        };
        let of = |base: &str, end: &str, guid: &str| {
            let item = |name: &str| match guid {
                "" => format!("<item><title>{name}</title><link>{base}/{name}{end}</link></item>"),
                guid => format!("<item><title>{name}</title><link>{base}/{name}{end}</link><guid isPermaLink='false'>{guid}:{name}</guid></item>"),
            };
            format!("<rss version='2.0'><channel><title>G</title><link>{base}/</link>{}{}</channel></rss>", item("salt"), item("bread"))
        };
        assert_eq!(bring(of("http://www.gull.example", "/", "")).await.new, 2);
        let moved = bring(of("https://gull.example", "?utm_source=rss", "")).await;
        assert_eq!((moved.new, moved.updated), (0, 2), "{moved:?}");
        let salt = by_slug(&house.site.db, "salt").await.expect("a read").expect("the article");
        assert!(salt.canonical_url.is_some_and(|url| url.starts_with("https://gull.example/salt")));
        let again = bring(of("https://gull.example", "?utm_source=rss", "")).await;
        assert_eq!(again, ArticlesImported { unchanged: 2, ..ArticlesImported::default() });
        let renamed = bring(of("https://gull.example", "?utm_source=rss", "tag")).await;
        assert_eq!(renamed, ArticlesImported { unchanged: 2, ..ArticlesImported::default() });
        // Known by their new names from now on: their addresses may change, too.
        let rebuilt = bring(of("https://gull.example/archive", "", "tag")).await;
        assert_eq!((rebuilt.new, rebuilt.updated), (0, 2), "{rebuilt:?}");
        assert_eq!(desk_page(&house.site, DeskLook::default(), None, 10).await.expect("articles").len(), 2);
    }

    /// A feed that shows its newest alone, always at one address, overwrites none of those that were there before.
    async fn a_feed_with_one_address_for_all_keeps_each(db: TestDb) {
        let house = House::new(&db).await;
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let (own, _) = add_feed(&house.site, &fetcher, "https://gull.example/feed", FeedArrives::Published).await.expect("a feed");
        let newest = async |guid: &str, title: &str, day: u8| {
            let feed = format!("<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link><item><title>{title}</title>\
                <link>https://gull.example/newsletter</link><guid isPermaLink='false'>x:{guid}</guid>\
                <pubDate>{day:02} Mar 2026 08:00:00 GMT</pubDate></item></channel></rss>");
            let feed = feed::parse(feed.as_bytes(), None, None).expect("a feed");
            import(&house.site, Some(own.id), feed).await.expect("an import")
        };
        assert_eq!(newest("1", "March winds", 1).await.new, 1);
        assert_eq!(newest("2", "A late frost", 8).await.new, 1, "the one of last week is another");
        assert_eq!(newest("2", "A very late frost", 8).await.updated, 1, "it is known by its id");
        // The program of the site was changed, and calls it otherwise.
        assert_eq!(newest("site-2", "A very late frost", 8).await.new, 0);
        let all = desk_page(&house.site, DeskLook::default(), None, 10).await.expect("articles");
        assert_eq!(all.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["A very late frost", "March winds"]);
    }

    /// A link that somebody changed at the desk, or that was here before links were compared, is compared before anything is brought in.
    async fn an_article_is_known_by_the_link_that_the_desk_gave_it(db: TestDb) {
        let house = House::new(&db).await;
        let mine = create(&house.site, &written("Ours")).await.expect("an article");
        let linked = WrittenArticle { canonical_url: "https://gull.example/ours".to_owned(), ..written("Ours") };
        house.update(&mine, &linked).await;
        let item = "<item><title>Theirs</title><link>http://www.gull.example/ours/</link></item>";
        let feed = format!("<rss version='2.0'><channel><title>G</title><link>http://gull.example/</link>{item}</channel></rss>");
        assert_eq!(house.import(&feed).await, ArticlesImported { kept: 1, ..ArticlesImported::default() });
    }

    async fn two_with_one_id_are_both_kept_and_told_apart_by_where_they_stand(db: TestDb) {
        let house = House::new(&db).await;
        let item = |name: &str| format!("<item><title>{name}</title><link>https://gull.example/{name}</link><guid>x:1</guid></item>");
        let of = |items: &[&str]| {
            let items: String = items.iter().map(|name| item(name)).collect();
            format!("<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link>{items}</channel></rss>")
        };
        let first = house.import(&of(&["salt", "bread"])).await;
        assert_eq!((first.new, first.skipped.len(), first.notes.len()), (2, 0, 2), "{first:?}");
        assert!(first.notes[0].starts_with("“salt” has the same id as another article there"), "{first:?}");
        let turned = house.import(&of(&["bread", "salt"])).await;
        assert_eq!((turned.new, turned.unchanged), (0, 2), "{turned:?}");
        let alone = house.import(&of(&["bread"])).await;
        assert_eq!((alone.new, alone.unchanged, alone.notes.len()), (0, 1, 0), "{alone:?}");
        let twice = house.import(&of(&["bread", "bread"])).await;
        assert_eq!((twice.new, twice.unchanged, twice.skipped.len()), (0, 1, 1), "{twice:?}");
        // One that was alone gets a neighbour with its id.
        let other = of(&["tide"]).replace("x:1", "x:2");
        assert_eq!(house.import(&other).await.new, 1);
        let both = of(&["tide", "ebb"]).replace("x:1", "x:2");
        let both = house.import(&both).await;
        assert_eq!((both.new, both.unchanged), (1, 1), "{both:?}");
    }

    /// TRUST A8: who links to another's articles neither rewrites nor keeps them out.
    async fn a_feed_that_names_anothers_addresses_gains_nothing(db: TestDb) {
        let house = House::new(&db).await;
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let (own, _) = add_feed(&house.site, &fetcher, "https://gull.example/feed", FeedArrives::Published).await.expect("a feed");
        let (other, _) = add_feed(&house.site, &fetcher, "https://tern.example/feed", FeedArrives::Published).await.expect("a feed");
        let item = |title: &str, name: &str| format!("<item><title>{title}</title><link>https://gull.example/{name}</link></item>");
        let bring = async |id, items: String| {
            let feed = format!("<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link>{items}</channel></rss>");
            import(&house.site, Some(id), feed::parse(feed.as_bytes(), None, None).expect("a feed")).await.expect("an import")
        };
        bring(own.id, item("Salt", "salt")).await;
        let rewriting = bring(other.id, item("Hijacked", "salt?utm_source=x")).await;
        assert_eq!(rewriting.skipped, ["“Hijacked” belongs to another feed"]);
        assert_eq!(bring(other.id, item("Squatted", "bread?utm_source=x")).await.new, 1);
        let bread = bring(own.id, item("Bread", "bread")).await;
        assert_eq!((bread.new, bread.skipped.len()), (1, 0), "{bread:?}");
    }

    /// What an archive brought in whole is not cut to what the feed gives; what changes there changes here, and the desk's word stays.
    async fn a_feed_and_an_archive_bring_one_article(db: TestDb) {
        let house = House::new(&db).await;
        let fetcher = fetch::Fetcher::new(true).expect("a client");
        let (own, _) = add_feed(&house.site, &fetcher, "https://gull.example/feed", FeedArrives::Published).await.expect("a feed");
        let feed_says = |title: &str| {
            let feed = format!("<rss version='2.0'><channel><title>G</title><link>https://gull.example/</link><item><guid>x:1</guid><title>{title}</title>\
                <link>https://gull.example/salt</link><description>The ovens.</description></item></channel></rss>");
            feed::parse(feed.as_bytes(), None, None).expect("a feed")
        };
        let text = "The ovens go on at two, and nobody sleeps. ".repeat(20);
        let whole = ParsedArticle {
            body_html: format!("<p>{text}</p>"), word_count: html::word_count(&text), ..feed_says("Salt").articles.remove(0)
        };
        let archive = async |article: &ParsedArticle, there, as_drafts| {
            let mut document = identity::Document::default();
            document.add(&article.source_id, &identity::link_key(article.canonical_url.as_deref()));
            let coming = [import::Coming { article, there, markdown: None, slug: None }];
            let mut tx = house.site.db.begin().await.expect("a transaction");
            tx.close(crate::db::Gate::Articles).await.expect("a gate");
            let source = import::Source::Archive { as_drafts, brings_back: false };
            let taken = import::take(&mut tx, source, &document, &coming, house.site.now()).await.expect("taken");
            tx.commit().await.expect("a commit");
            taken
        };
        let fed = async |title| import(&house.site, Some(own.id), feed_says(title)).await.expect("an import");
        let now = async || by_slug(&house.site.db, "salt").await.expect("a read").expect("the article");
        assert_eq!(fed("Salt").await.new, 1);
        assert_eq!(archive(&whole, There::Published, true).await, [Taken::Updated]);
        assert_eq!((now().await.body_html, now().await.state), (whole.body_html.clone(), ArticleState::Published));
        assert_eq!((fed("Salt").await.unchanged, archive(&whole, There::Published, true).await), (1, vec![Taken::Unchanged]));
        assert_eq!(fed("Salt and bread").await.updated, 1);
        assert_eq!((now().await.title.as_str(), now().await.word_count), ("Salt and bread", whole.word_count), "not cut");
        assert_eq!(archive(&whole, There::Withdrawn, false).await, [Taken::Withdrawn]);
        assert_eq!(archive(&whole, There::Withdrawn, false).await, [Taken::Unchanged]);
        assert_eq!(now().await.state, ArticleState::Withdrawn);
        assert!(latest(&house.site, 10).await.expect("articles").is_empty(), "readers do not see it");
        assert_eq!(archive(&whole, There::Published, false).await, [Taken::Updated]);
        assert_eq!(now().await.state, ArticleState::Published);
        let edited = house.update(&now().await, &written("Our own")).await;
        let changed = ParsedArticle { title: "Changed there".to_owned(), ..whole.clone() };
        assert_eq!(archive(&changed, There::Published, false).await, [Taken::Kept]);
        assert_eq!(archive(&whole, There::Withdrawn, false).await, [Taken::Kept]);
        assert_eq!(now().await, edited);
        // What came by an archive first, and as a draft, is found by the feed; it stays a draft.
        let bread = ParsedArticle {
            source_id: "x:2".to_owned(), canonical_url: Some("https://gull.example/bread".to_owned()), title: "Bread".to_owned(), ..whole
        };
        assert_eq!(archive(&bread, There::Published, true).await, [Taken::New]);
        let mut feed = feed_says("Bread");
        feed.articles[0].source_id = "x:3".to_owned();
        feed.articles[0].canonical_url = Some("http://www.gull.example/bread/".to_owned());
        let known = import(&house.site, Some(own.id), feed).await.expect("an import");
        assert_eq!((known.new, known.unchanged), (0, 1), "{known:?}");
        let bread = by_slug(&house.site.db, "bread").await.expect("a read").expect("the article");
        assert_eq!((bread.state, bread.feed_id, bread.body_html), (ArticleState::Draft, Some(own.id), changed.body_html));
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
        let report = import_source(&house.site, &fetcher, &address, FeedArrives::Published).await.expect("an import");
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
