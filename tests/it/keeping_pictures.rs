//! Pictures that the team brings: through the form or a script, once, described, given back for ever.

use std::{io::Cursor, time::Duration};

use broadside::{articles, db::Engine, pictures, publishing};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::{Method, StatusCode, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    visitor::{Page, Visitor},
    wait,
};

/// Sends a file by the form of the page, as a script does where it asks for JSON.
async fn send(desk: &Visitor, accept: &str, name: &str, file: &[u8]) -> Page {
    let page = desk.open("/desk/pictures").await;
    let token = page.form("/desk/pictures").value("csrf").expect("a token").to_owned();
    let before = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
    );
    let body = [before.as_bytes(), file, b"\r\n--xyz--\r\n"].concat();
    let request = desk
        .request(Method::POST, "/desk/pictures")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz")
        .header(header::ACCEPT, accept)
        .header("Sec-Fetch-Site", "same-origin");
    desk.send(request.body(body)).await
}

/// What stands at an address, in bytes.
async fn given(app: &TestApp, path: &str) -> reqwest::Response {
    app.visitor().request(Method::GET, path).send().await.expect("an answer")
}

/// Somebody else's site, which has one picture and a feed whose article shows it, and one that is gone; its address.
async fn another_site(picture: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let fog = "Fog lay on the quay, and nobody came. ".repeat(20);
    let feed = format!(
        "<rss version=\"2.0\"><channel><title>Quays</title><link>http://{address}/</link><item><title>The quay</title><guid>q1</guid><link>http://{address}/one</link>\
         <description>&lt;p&gt;{fog}&lt;img src=\"http://{address}/quay.jpg\" alt=\"Two boats\"&gt; &lt;a href=\"http://{address}/quay.jpg\"&gt;See&lt;/a&gt; \
         &lt;img src=\"http://{address}/gone.jpg\" alt=\"\"&gt;&lt;/p&gt;</description></item></channel></rss>"
    );
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match connection.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => break,
                }
            }
            let (status, body) = match request.split(|byte| *byte == b' ').nth(1) {
                Some(b"/quay.jpg") => (200, &picture[..]),
                Some(b"/feed") => (200, feed.as_bytes()),
                _ => (404, &[][..]),
            };
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = connection.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    address
}

fn photograph(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade, u8::try_from((x * 3 + y * 5) % 250).unwrap_or_default(), 90])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Jpeg).expect("a picture");
    bytes.into_inner()
}

both_engines! {
    /// TRUST A6: what is given back is what we wrote, under the type that it has, and for ever; what is no picture is said.
    async fn a_picture_is_kept_once_described_and_given_back(app: TestApp) {
        let desk = app.desk().await;
        let sent = photograph(1_500, 500, 200);
        let page = send(&desk, "text/html", "quay.jpg", &sent).await.leads_to().expect("its own page");
        let page = desk.open(page.path()).await;
        page.says("A picture").says("quay.jpg").says("1,200 by 400 pixels");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let path = format!("/desk/pictures/{name}");
        // Nothing said of it is a mistake; that it only adorns is not.
        let said = desk.open(&path).await.form(&path).with("press", "save");
        let again = desk.submit(&said).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("Say what it shows"));
        let said = said.with("alt", "Two [boats]\nin fog").with("caption", "The quay").with("credit", "Ann Lee");
        let page = desk.submit_and_follow(&said).await;
        assert!(page.body.contains("![Two \\[boats\\] in fog](") && page.body.contains("-1200.jpg &quot;The quay · Ann Lee&quot;)"), "{}", page.body);

        let file = given(&app, &format!("/pictures/{name}-600.jpg")).await;
        assert_eq!(file.status(), StatusCode::OK);
        let header = |name: &str| file.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "image/jpeg");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("cache-control").contains("immutable"));
        let bytes = file.bytes().await.expect("bytes");
        let read = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!((read.width(), read.height()), (600, 200));
        for gone in ["nothing-600.jpg", "x.jpg", "-600.jpg", "a-b-c.jpg"] {
            assert_eq!(app.visitor().open(&format!("/pictures/{gone}")).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(app.visitor().open(&format!("/pictures/{name}-601.jpg")).await.status, StatusCode::NOT_FOUND);

        // The same file again is the same picture, put away or not.
        let away = desk.open(&path).await.form(&path).with("press", "put-away");
        desk.submit_and_follow(&away).await.says("What holds it goes on showing it");
        desk.open("/desk/pictures").await.says("None is kept yet");
        let file = given(&app, &format!("/pictures/{name}-600.jpg")).await;
        assert_eq!(file.status(), StatusCode::OK);
        let kept = pictures::keep(&app.site, None, ("a-feed.jpg", None), sent.clone()).await.expect("kept");
        assert!(kept.was_known && kept.picture.is_put_away, "whoever shows the same elsewhere brings it back to nobody");
        let kept = pictures::keep(&app.site, Some(1), ("other.jpg", None), sent).await.expect("kept");
        assert!(kept.was_known && !kept.picture.is_put_away);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(1,)]);

        let hostile = b"<html><script>alert(1)</script>";
        for accept in ["text/html", "application/json"] {
            let refused = send(&desk, accept, "page.jpg", hostile).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.body.contains("This is no picture that we can read"));
            send(&desk, accept, "", b"").await.body.contains("Choose a picture.").then_some(()).expect("words");
        }
        let brought = send(&desk, "application/json", "quay.jpg", &photograph(700, 100, 40)).await;
        let brought: serde_json::Value = serde_json::from_str(&brought.body).expect("JSON");
        let markdown = brought["markdown"].as_str().expect("text");
        assert!(markdown.starts_with("![](http") && markdown.ends_with("-700.jpg)") && brought["silent"] == true, "{brought}");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(2,)]);
    }

    /// Pictures of other sites come to us on wish, so that no mail depends on those: the text names ours, what was said of each stays, and what
    /// cannot be had is said.
    async fn pictures_of_other_sites_are_copied(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        let desk = app.desk().await;
        let (quay, gone) = (format!("http://{site}/quay.jpg"), format!("http://{site}/gone.jpg"));
        let text = format!("Look: ![Two boats]({quay} \"The quay\") and ![]({gone})");
        let new = "/desk/articles/new";
        let form = desk.open(new).await.form(new).with("title", "The quay").with("body_markdown", &text);
        let copied = desk.submit(&form.with("act", "copy-pictures")).await;
        copied.says("One picture was copied. Save the article").says("Not copied").says("there is nothing at that address (404)");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let form = copied.form(new);
        let text = form.value("body_markdown").expect("a text").trim().to_owned();
        let ours = app.site.url(&format!("/pictures/{name}-900.jpg"));
        assert_eq!(text, format!("Look: ![Two boats]({ours} \"The quay\") and ![]({gone})"));
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from article").await, [(0,)], "nothing is saved by it");
        desk.open(&format!("/desk/pictures/{name}")).await.says("900 by 300 pixels");
        assert_eq!(rows::<(String,)>(&app.site.db, "select alt from picture").await, [("Two boats".to_owned(),)]);
        assert_eq!(given(&app, &format!("/pictures/{name}-900.jpg")).await.status(), StatusCode::OK);
        let again = desk.submit(&form.with("act", "copy-pictures")).await;
        again.says("No picture was copied.");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(1,)]);
    }

    /// The picture that leads an edition is shown from here where somebody wants that, and its article stays as its source has it.
    async fn a_mail_depends_on_no_other_site(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        app.reader("ann@example.org").await;
        let draft = app.draft("The quay").await;
        let lead = articles::by_ids(&app.site.db, &draft.content.article_ids()[..1]).await.expect("a read").remove(0);
        let there = |name: &str| format!("update article set image_url = 'http://{site}/{name}' where id = {}", lead.id.0).leak() as &'static str;
        change(&app.site.db, there("gone.jpg")).await;
        let (desk, path) = (app.desk().await, format!("/desk/editions/{}", draft.public_id));
        let composer = desk.open(&path).await;
        let said = "The picture of an article that leads is on 127.0.0.1, which does not encrypt what it sends, so mails leave it out";
        assert!(composer.body.contains(said), "{}", composer.body);
        let copies = |page: &Page| page.form(&path).with("act", "copy-picture").with("subject", "Typed before");
        desk.submit_and_follow(&copies(&composer)).await.says("The picture could not be copied");
        change(&app.site.db, there("quay.jpg")).await;
        let copied = desk.submit_and_follow(&copies(&desk.open(&path).await)).await;
        copied.says("The picture is kept here now");
        assert!(!copied.body.contains("copy-picture"), "there is nothing left to do");
        assert_eq!(copied.form(&path).value("subject"), Some("Typed before"), "what was written is saved");
        let (name,): (String,) = rows(&app.site.db, "select public_id from picture").await.remove(0);
        let now = articles::by_ids(&app.site.db, &[lead.id]).await.expect("a read").remove(0);
        assert_eq!((now.image_url, now.edited_at, now.version), (Some(format!("http://{site}/quay.jpg")), lead.edited_at, lead.version));
        let edition = publishing::find(&app.site.db, &draft.public_id).await.expect("the edition");
        publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None).await.expect("pressed");
        app.advance(publishing::UNDO);
        app.drain().await;
        let mail = app.last_mail("ann@example.org").html;
        assert!(mail.contains(&app.site.url(&format!("/pictures/{name}-900.jpg"))) && !mail.contains(&site), "{mail}");
    }

    /// TRUST A8: where somebody wants that of a feed, its pictures are copied behind its polls, so that readers ask no other site for them. The
    /// article goes on following its feed, and what that changes is copied anew; what cannot be had stays where it is.
    async fn pictures_of_a_feed_are_copied_on_wish(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        let fetcher = articles::Fetcher::new(true).expect("a client");
        let copy = async || articles::copy_waiting_pictures(&app.site, &fetcher).await.expect("a turn");
        let desk = app.desk().await;
        let form = desk.open("/desk/feeds").await.form("/desk/feeds").with("url", &format!("http://{site}/feed")).with("arrives", "published");
        let path = desk.submit_and_follow(&form).await.url.path().to_owned();
        let number = rows::<(i64,)>(&app.site.db, "select id from article").await.remove(0).0;
        let article = async || articles::by_id(&app.site.db, articles::ArticleId(number)).await.expect("a read").expect("the article");
        copy().await;
        assert_eq!(rows::<(i64,)>(&app.site.db, "select id from picture").await, [], "nobody asked for it");

        let wish = desk.open(&path).await.form("/fetch").at(&path).with("every", "hourly").with("arrives", "published").with("topic_map", "").with("other_topics", "kept").with("pictures", "yes");
        desk.submit_and_follow(&wish).await.says("Saved.");
        assert!(desk.open(&path).await.body.contains("name=\"pictures\" value=\"yes\" checked"));
        copy().await;
        let (name, alt): (String, String) = rows(&app.site.db, "select public_id, alt from picture").await.remove(0);
        assert_eq!(alt, "Two boats");
        let ours = app.site.url(&format!("/pictures/{name}-900.jpg"));
        let page = app.visitor().open(&format!("/articles/{}", article().await.slug)).await;
        assert!(page.body.contains(&format!("src=\"{ours}\"")) && !page.body.contains(&format!("src=\"http://{site}/quay.jpg\"")), "{}", page.body);
        let now = article().await;
        assert!(now.body_html.contains(&format!("href=\"http://{site}/quay.jpg\"")) && now.body_html.contains(&format!("src=\"http://{site}/gone.jpg\"")), "{}", now.body_html);
        assert_eq!((now.edited_at, now.image_url), (None, Some(ours.clone())));
        assert_eq!(rows::<(Option<i64>,)>(&app.site.db, "select pictures_at from article").await, [(None,)], "it is not looked at for ever");

        let feed = async || articles::find_feed(&app.site.db, articles::FeedId(rows::<(i64,)>(&app.site.db, "select id from feed").await[0].0)).await.expect("a read").expect("the feed");
        let read = articles::poll_feed(&app.site, &fetcher, &feed().await).await.expect("read");
        assert!(matches!(read, articles::Polled::Imported(report) if report.unchanged == 1), "the copy is no change");
        assert!(article().await.body_html.contains(&ours));
        change(&app.site.db, "update article set content_hash = 'said otherwise before'").await;
        articles::poll_feed(&app.site, &fetcher, &feed().await).await.expect("read");
        assert!(!article().await.body_html.contains(&ours), "as the feed has it");
        copy().await;
        assert!(article().await.body_html.contains(&ours));
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from picture").await, [(1,)]);

        // A site that does not answer now is asked again for a day, and an article that is ours by then is left alone.
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let html = format!("update article set body_html = '<img src=\"http://{silent}/x.jpg\" alt=\"\">', pictures_at = 1, updated_at = {}", app.site.now().0).leak();
        change(&app.site.db, html).await;
        copy().await;
        let waits = async || rows::<(Option<i64>,)>(&app.site.db, "select pictures_at from article").await[0].0.is_some();
        assert!(waits().await);
        app.advance(Duration::from_secs(2 * 86_400));
        copy().await;
        assert!(!waits().await);
        let desk = app.desk().await;
        let off = desk.open(&path).await.form("/fetch").at(&path).with("every", "hourly").with("arrives", "published").with("topic_map", "").with("other_topics", "kept");
        desk.submit_and_follow(&off).await.says("Saved.");
        change(&app.site.db, "update article set content_hash = 'said otherwise before'").await;
        articles::poll_feed(&app.site, &fetcher, &feed().await).await.expect("read");
        assert!(!waits().await, "nobody wants it any more");
    }

    /// The articles of a large feed are told of the wish some at a time, by their key, and never while somebody waits for the page; what died in
    /// the middle goes on behind the last that was told. Whoever does not want it any more is heard in the same way.
    async fn a_wish_for_pictures_reaches_a_large_feed_in_steps(app: TestApp) {
        let site = another_site(photograph(900, 300, 120)).await;
        let fetcher = articles::Fetcher::new(true).expect("a client");
        let (feed, _) = articles::add_feed(&app.site, &fetcher, &format!("http://{site}/feed"), articles::FeedArrives::Published).await.expect("a feed");
        let items: String = (0..60).map(|n| format!("<item><guid>x:{n}</guid><title>Quay {n}</title><description><![CDATA[<p>Two. <img src='http://{site}/quay.jpg' alt='Two boats'></p>]]></description></item>")).collect();
        let document = format!("<rss version='2.0'><channel><title>G</title><link>http://{site}/</link>{items}</channel></rss>");
        articles::import(&app.site, Some(feed.id), articles::parse_feed(document.as_bytes(), None, None).expect("a feed")).await.expect("imported");
        let set = async |keeps_pictures| {
            let set = articles::FeedSettings { every: feed.every, arrives: feed.arrives, topic_map: String::new(), other_topics: feed.other_topics, keeps_pictures };
            assert!(articles::set_feed(&app.site, feed.id, &set, None).await.expect("set"));
        };
        let waiting = async || rows::<(i64,)>(&app.site.db, "select id from article where pictures_at is not null order by id").await.len();
        let after = async || rows::<(Option<i64>,)>(&app.site.db, "select pictures_after from feed").await[0].0;
        let ours = async || rows::<(String,)>(&app.site.db, "select coalesce(image_url, '') from article order by id").await.iter().map(|(image,)| image.contains("/pictures/")).collect::<Vec<_>>();
        set(true).await;
        assert_eq!((waiting().await, after().await), (0, Some(0)), "nothing is written while somebody waits for the page");
        set(true).await;
        assert_eq!(after().await, Some(0), "saved again, it is as it was");
        // As who died in the middle left it.
        let thirtieth = rows::<(i64,)>(&app.site.db, "select id from article order by id").await[29].0;
        change(&app.site.db, format!("update feed set pictures_after = {thirtieth}").leak()).await;
        articles::copy_waiting_pictures(&app.site, &fetcher).await.expect("a turn");
        assert_eq!((waiting().await, after().await), (0, None));
        assert_eq!(ours().await, [[false; 30], [true; 30]].concat(), "those behind it, and no others");

        set(false).await;
        change(&app.site.db, "update article set pictures_at = 1").await;
        articles::copy_waiting_pictures(&app.site, &fetcher).await.expect("a turn");
        assert_eq!((waiting().await, after().await), (0, None));
        assert!(!ours().await[0], "nobody wants it any more");
        set(true).await;
        articles::copy_waiting_pictures(&app.site, &fetcher).await.expect("a turn");
        assert_eq!(ours().await, [true; 60]);
    }

    /// Caption and credit of a picture that leads an article are read below it, in the mail and on the page.
    async fn caption_and_credit_are_read_in_a_mail(app: TestApp) {
        let kept = pictures::keep(&app.site, None, ("quay.jpg", None), photograph(900, 300, 120)).await.expect("kept").picture;
        let said = pictures::AboutPicture { alt: "Two boats".into(), caption: "The quay & its <boats>".into(), credit: "Photograph: Ann Lee".into(), ..Default::default() };
        pictures::describe(&app.site, &kept.public_id, &said).await.expect("said");
        app.reader("ann@example.org").await;
        let draft = app.draft("The quay").await;
        let lead = draft.content.article_ids()[0];
        let address = app.site.url(&format!("/pictures/{}-600.jpg", kept.public_id));
        change(&app.site.db, format!("update article set image_url = '{address}', image_alt = 'Two boats' where id = {}", lead.0).leak()).await;
        let edition = publishing::find(&app.site.db, &draft.public_id).await.expect("the edition");
        publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None).await.expect("pressed");
        app.advance(publishing::UNDO);
        app.drain().await;
        let mail = app.last_mail("ann@example.org").html;
        let below = "The quay &amp; its &lt;boats&gt; · Photograph: Ann Lee";
        let picture = mail.find(&format!("/pictures/{}-900.jpg", kept.public_id)).expect("the picture");
        let words = mail.find(below).expect("its caption and credit");
        assert!(picture < words, "they stand below it: {mail}");
        let article = articles::by_ids(&app.site.db, &[lead]).await.expect("a read").remove(0);
        let page = app.visitor().open(&format!("/articles/{}", article.slug)).await;
        assert!(page.body.contains(&format!("<figcaption>{below}</figcaption>")), "{}", page.body);
    }

    /// A picture that is kept is chosen within the article's form, without a script: all that was typed comes back, the picture in it, and
    /// nothing is saved by it.
    async fn choosing_a_picture_loses_nothing(app: TestApp) {
        let mut names = Vec::new();
        for shade in 0..26 {
            let kept = pictures::keep(&app.site, None, (&format!("quay {shade}.jpg"), None), photograph(40, 30, shade)).await.expect("kept");
            names.push(kept.picture.public_id);
        }
        let said = pictures::AboutPicture { alt: "Two boats".into(), caption: "The quay".into(), ..Default::default() };
        pictures::describe(&app.site, &names[0], &said).await.expect("said");
        let new = "/desk/articles/new";
        let desk = app.desk().await;
        let form = desk.open(new).await.form(new).with("title", "The quay").with("body_markdown", "One.\r\n\r\nTwo.").with("topics", "\"Boats, and quays\"");
        let form = form.with("publish_at", "2031-05-06T07:08").with("notes", "Ask Bo.").with("image_alt", "Fog");
        let listed = desk.submit(&form.with("act", "choose-picture")).await;
        assert!(listed.body.contains("Choose a picture for the text") && listed.body.contains("quay 25.jpg"), "{}", listed.body);
        assert!(!listed.body.contains("quay 1.jpg"), "those are older");
        let older = listed.body.split("value=\"choose-picture ").nth(1).and_then(|rest| rest.split('"').next()).expect("a button").to_owned();
        let listed = desk.submit(&listed.form(new).with("act", &format!("choose-picture {older}"))).await;
        assert!(listed.body.contains("quay 1.jpg") && listed.body.contains("Two boats"), "{}", listed.body);
        let put = desk.submit(&listed.form(new).with("act", &format!("put-picture {}", names[0])).with("at", "2")).await;
        put.says("The picture stands in the text. It is not saved yet.");
        let form = put.form(new);
        let ours = app.site.url(&format!("/pictures/{}-40.jpg", names[0]));
        let text = form.value("body_markdown").expect("a text").trim().to_owned();
        assert_eq!(text, format!("One.\n\n![Two boats]({ours} \"The quay\")\n\nTwo."));
        for (name, value) in [("title", "The quay"), ("topics", "\"Boats, and quays\""), ("publish_at", "2031-05-06T07:08"), ("image_alt", "Fog")] {
            assert_eq!(form.value(name), Some(value));
        }
        let over = desk.submit(&form.with("act", &format!("put-image {}", names[0]))).await;
        over.says("The picture stands over the text. It is not saved yet.");
        let form = over.form(new);
        assert_eq!((form.value("image_url"), form.value("image_alt")), (Some(ours.as_str()), Some("Two boats")));
        // Of which nobody said what it shows, in an article that is there, with nobody in the text.
        let saved = desk.submit_and_follow(&form.with("act", "draft").with("publish_at", "")).await;
        let path = saved.url.path().to_owned();
        assert_eq!(saved.form(&path).value("topics"), Some("\"Boats, and quays\""));
        assert_eq!(rows::<(String,)>(&app.site.db, "select t.name from topic t join article_topic x on x.topic_id = t.id join article a on a.id = x.article_id where a.title = 'The quay'").await, [("Boats, and quays".to_owned(),)]);
        let put = desk.submit(&saved.form(&path).with("act", &format!("put-picture {}", names[3])).with("title", "Other")).await;
        put.says("Write between its square brackets what it shows");
        let form = put.form(&path);
        assert!(form.value("body_markdown").expect("a text").trim().ends_with(&format!("Two.\n\n![]({})", app.site.url(&format!("/pictures/{}-40.jpg", names[3])))));
        assert_eq!(rows::<(String,)>(&app.site.db, "select title from article").await, [("The quay".to_owned(),)], "nothing is saved by it");
        let gone = desk.submit(&form.with("act", "put-picture nothing")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    }

    /// A page of the library costs the same however many there are, and goes on by key.
    async fn many_pictures_are_paged(app: TestApp) {
        change(&app.site.db, "insert into picture (public_id, file, alt, is_decorative, caption, credit, created_at)
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 100)
            select 'picture-' || i, 'file ' || i, 'shows ' || i, 0, '', '', i from n").await;
        let desk = app.desk().await;
        let first = desk.open("/desk/pictures").await;
        assert!(first.body.contains("shows 100") && first.body.contains("shows 53<") && !first.body.contains("shows 52<"));
        let next = desk.open("/desk/pictures?before=53").await;
        assert!(next.body.contains("shows 52<") && next.body.contains("shows 5<"));
    }
}

/// The library, in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_library_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    for shade in [10, 90, 200] {
        let file = (format!("quay {shade}.jpg"), photograph(900, 600, shade));
        pictures::keep(&app.site, None, (&file.0, None), file.1).await.expect("kept");
    }
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/pictures")).await;
    browser.wait_for_text("quay 90.jpg").await;
    browser.sound("pictures").await;
    browser.click("quay 90.jpg").await;
    browser.wait_for_text("What it shows").await;
    browser.fill("In words, for who does not see it (optional)", "Two boats").await;
    browser.click("Save").await;
    browser.wait_for_text("It stands so in texts from now on").await;
    browser.sound("picture").await;

    // Pasted, and dropped, into a text; what is no picture is said, and does not take the page away.
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Article", "Look:").await;
    let brings = |event: &str, name: &str, kind: &str, file: &[u8]| {
        let (class, holds) = if event == "paste" {
            ("ClipboardEvent", "clipboardData")
        } else {
            ("DragEvent", "dataTransfer")
        };
        format!(
            "const data = new DataTransfer(); data.items.add(new File([new Uint8Array({})], '{name}', {{ type: '{kind}' }}));
             return document.querySelector('#body_markdown').dispatchEvent(new {class}('{event}', {{ {holds}: data, bubbles: true, cancelable: true }}))",
            serde_json::json!(file)
        )
    };
    let text = "return document.querySelector('#body_markdown').value";
    let holds = async |pictures: usize| {
        let held = wait::at_most(Duration::from_secs(20), async || {
            let text = browser.script(text).await;
            (text.as_str()?.matches("-40.jpg)").count() == pictures).then_some(())
        });
        assert!(held.await.is_some(), "{}", browser.script(text).await);
    };
    assert_eq!(browser.script(&brings("paste", "a.jpg", "image/jpeg", &photograph(40, 30, 20))).await, false);
    browser.wait_for_text("Write between the brackets what the picture shows").await;
    holds(1).await;
    // Some systems do not say what a file is. Another stands behind the first, though the cursor waits within that to describe it.
    assert_eq!(browser.script(&brings("drop", "b.jpg", "", &photograph(40, 30, 80))).await, false);
    holds(2).await;
    let brought = browser.script(text).await;
    let brought = brought.as_str().expect("a text");
    let lines: Vec<&str> = brought.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() == 3 && lines[1..].iter().all(|line| line.starts_with("![](http")), "{brought}");
    let heic = [&b"\0\0\0\x18ftypheic"[..], &[0; 40]].concat();
    assert_eq!(browser.script(&brings("drop", "IMG_1.HEIC", "", &heic)).await, false);
    browser.wait_for_text("this one is HEIC, as iPhones take it").await;
    browser.sound("desk-writing-heic").await;

    // One that is kept comes behind the line in which somebody is, and over the text.
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Title", "Boats").await;
    browser.fill("Article", "First.\n\nLast.").await;
    browser.script("document.querySelector('#body_markdown').setSelectionRange(3, 3)").await;
    browser.click("choose one that is kept").await;
    browser.wait_for_text("Choose a picture for the text").await;
    browser.sound("desk-writing-choose").await;
    browser.click("Two boats").await;
    browser.wait_for_text("The picture stands in the text").await;
    let put = browser.script(text).await;
    let lines: Vec<&str> = put.as_str().expect("a text").lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() == 3 && lines[1].starts_with("![Two boats](http") && lines[2] == "Last.", "{put}");
    browser.click("Link, picture, where it was first published").await;
    browser.click("Choose one that is kept").await;
    browser.wait_for_text("Choose the picture over the text").await;
    browser.click("Two boats").await;
    browser.wait_for_text("The picture stands over the text").await;
    let over = "return document.querySelector('#image_url').value.endsWith('-900.jpg') && document.querySelector('#image_alt').value === 'Two boats' && document.querySelector('#title').value";
    assert_eq!(browser.script(over).await, "Boats");
    browser.click("Publish").await;
    browser.wait_for_text("Saved.").await;
    browser.close().await;
    app.finish().await;
}
