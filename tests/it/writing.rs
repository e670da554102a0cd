//! Writing an article at the desk: by the form alone, and in a browser with what makes it pleasant.

use std::time::Duration;

use broadside::{
    articles::{self, Article, ArticleId, ArticleState, WrittenArticle},
    db::Engine,
    email_address::EmailAddress,
    publishing,
    staff::{self, NewMember, Role},
};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    pages::PASSWORD,
    visitor::{Page, Visitor},
    wait,
};

/// A list as Word puts it on the clipboard, and a word in bold as Google Docs does.
const COPIED: &str = "<html><body><!--StartFragment--><h2>Ships</h2><p class=MsoListParagraph style='mso-list:l0 level1 lfo1'>\
    <span style='mso-list:Ignore'>·<span>&nbsp;</span></span>The <span style=\"font-weight:700\">Lamp</span></p>\
    <script>alert(1)</script><p>By <a href=\"https://example.org/ann\" onclick=\"x()\">Ann</a></p><!--EndFragment--></body></html>";
const MADE: &str = "## Ships\n\n- The **Lamp**\n\nBy [Ann](https://example.org/ann)";

async fn written(app: &TestApp, title: &str, state: ArticleState) -> Article {
    let mine = WrittenArticle {
        title: title.to_owned(),
        body_markdown: Some("First words.".to_owned()),
        state,
        ..WrittenArticle::default()
    };
    articles::create(&app.site, &mine).await.expect("an article")
}

async fn now(app: &TestApp, id: ArticleId) -> Article {
    articles::by_id(&app.site.db, id).await.expect("a read").expect("the article")
}

/// Somebody else of the team, at the desk.
async fn member(app: &TestApp, name: &str) -> Visitor {
    let email = EmailAddress::parse(&format!("{}@example.org", name.to_lowercase())).expect("an address");
    let new = NewMember { name, email: &email, role: Role::Editor };
    let path = staff::add_member(&app.site, None, new).await.expect("a member").path;
    let visitor = app.visitor();
    let form = visitor.open(&path).await.form("/desk/join/").with("password", PASSWORD);
    assert!(visitor.submit(&form).await.status.is_redirection());
    // The invitation is mailed, too.
    app.drain().await;
    visitor
}

fn path(article: &Article) -> String {
    format!("/desk/articles/{}", article.id.0)
}

/// Sends what the page's own script sends.
async fn send(desk: &Visitor, to: &str, kind: &str, body: String) -> Page {
    let page = desk.open("/desk/articles/new").await;
    let csrf = page.form("/desk/articles/new").value("csrf").expect("a token").to_owned();
    let request = desk
        .request(Method::POST, to)
        .header(header::CONTENT_TYPE, kind)
        .header("Sec-Fetch-Site", "same-origin")
        .header("X-CSRF-Token", csrf)
        .body(body);
    desk.send(request).await
}

both_engines! {
    /// What is pasted comes back as Markdown that keeps what was meant; what is shown before it is saved is clean.
    async fn what_is_pasted_and_shown_is_clean(app: TestApp) {
        let desk = app.desk().await;
        let pasted = send(&desk, "/desk/articles/paste", "text/html", COPIED.to_owned()).await;
        assert_eq!((pasted.status, pasted.body.as_str()), (StatusCode::OK, MADE));
        let kind = pasted.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("text/plain; charset=utf-8"), "it is never a page of ours");
        let form = "application/x-www-form-urlencoded";
        assert_eq!(send(&desk, "/desk/articles/paste", form, String::new()).await.status, StatusCode::BAD_REQUEST);
        let large = send(&desk, "/desk/articles/paste", "text/html", "<p>x".repeat(400_000)).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("body_markdown", "*Soon* <script>alert(1)</script>\n\n[x](javascript:alert(1))")
            .finish();
        let shown = send(&desk, "/desk/articles/preview", form, body).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.body.contains("<em>Soon</em>") && !shown.body.contains("script"), "{}", shown.body);
    }

    /// The text that a feed brought can be changed in full: nothing happens to it before somebody saves, what then happens is said, and its
    /// feed leaves it alone from then on.
    async fn the_text_of_a_feed_can_be_changed(app: TestApp) {
        let (desk, article) = (app.desk().await, app.articles().await.remove(0));
        assert_eq!(article.body_markdown, None);
        let page = desk.open(&path(&article)).await;
        assert!(page.body.contains("?text=mine"), "it says where to change it");
        let saved = desk.submit_and_follow(&page.form("/desk/articles/").with("byline", "Ann Lee").with("act", "publish")).await;
        saved.says("Saved.");
        assert_eq!(now(&app, article.id).await.body_html, article.body_html, "what nobody touched stays to the letter");
        let page = desk.open(&format!("{}?text=mine", path(&article))).await;
        assert!(page.body.contains("its feed changes nothing in it any more"), "{}", page.body);
        let form = page.form("/desk/articles/");
        let text = form.value("body_markdown").expect("a text").trim().to_owned();
        assert!(!text.contains("<p>") && text.len() > 100, "{text}");
        let words = |html: &str| articles::text_of(html).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&articles::markdown_to_html(&text)), words(&article.body_html), "no word is lost");
        let wrong = desk.submit(&form.clone().with("title", "").with("act", "publish")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.form("/desk/articles/").value("body_markdown").map(str::trim), Some(text.as_str()));
        let text = format!("{text}\n\nA line of ours.");
        desk.submit_and_follow(&form.with("body_markdown", &text).with("act", "publish")).await.says("Saved.");
        let is_now = now(&app, article.id).await;
        assert!(is_now.body_html.contains("A line of ours.") && is_now.edited_at.is_some());
    }

    /// What a feed says of an article that was changed here is kept beside it, shown, and taken by a press on what was shown; then it follows its
    /// feed again.
    async fn the_version_of_a_feed_can_be_taken(app: TestApp) {
        let item = |title: &str, words: &str| {
            let feed = format!("<rss version='2.0'><channel><title>F</title><item><title>{title}</title><guid isPermaLink='false'>x:1</guid><category>Rivers</category><content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>&lt;p&gt;{words}&lt;/p&gt;</content:encoded></item></channel></rss>");
            articles::import_bytes(&app.site, feed.into_bytes())
        };
        item("Tide", "Old words.").await.expect("it comes");
        let (desk, article) = (app.desk().await, articles::latest(&app.site, 1).await.expect("a read").remove(0));
        let own = path(&article);
        let source = format!("{own}/source");
        assert!(!desk.open(&own).await.body.contains(&source), "it follows its feed");
        assert_eq!(desk.open(&source).await.status, StatusCode::NOT_FOUND);
        let form = desk.open(&format!("{own}?text=mine")).await.form("/desk/articles/");
        let saved = desk.submit_and_follow(&form.with("title", "Our tide").with("body_markdown", "Our words.").with("act", "publish")).await;
        saved.says("What its source says");
        desk.open(&source).await.says("Its source says what it said before somebody changed it here");
        assert_eq!(item("High tide", "New words.").await.expect("a read").kept, 1);
        let page = desk.open(&own).await;
        page.says("Its source says something else since").says("What was written here stays");
        assert_eq!(now(&app, article.id).await.title, "Our tide");
        let seen = desk.open(&source).await;
        assert!(seen.body.contains("<ins><span class=\"hidden\">new: </span>High </ins>tide"), "{}", seen.body);
        // It says something else again before anybody presses.
        item("Higher tide", "Newer words.").await.expect("a read");
        app.advance(Duration::from_secs(1));
        item("Highest tide", "Newest words.").await.expect("a read");
        let late = desk.submit(&seen.form(&source)).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("Nothing was changed");
        desk.submit_and_follow(&late.form(&source)).await.says("follows it again");
        let is_now = now(&app, article.id).await;
        assert_eq!((is_now.title.as_str(), is_now.body_html.as_str(), is_now.body_markdown.as_deref(), is_now.edited_at), ("Highest tide", "<p>Newest words.</p>", None, None));
        assert_eq!(is_now.topics[0].name, "Rivers");
        desk.submit_and_follow(&late.form(&source)).await.says("follows it again");
        let read = item("Highest tide", "Newest words.").await.expect("a read");
        assert_eq!((read.updated, read.kept), (0, 0), "it says what was taken");
        assert_eq!(item("Tide", "Old words.").await.expect("a read").updated, 1, "and what it said first is news again");
        let versions = articles::revisions(&app.site.db, article.id).await.expect("a read");
        assert_eq!(versions.len(), 3);
        desk.open(&format!("{own}/revisions/2")).await.says("Our words.");
        // What only the desk wrote has no source, whatever else became of it.
        let ours = written(&app, "On the quay", ArticleState::Draft).await;
        change(&app.site.db, "update article set version = version + 1 where title = 'On the quay'").await;
        let form = desk.open(&path(&ours)).await.form("/desk/articles/");
        desk.submit_and_follow(&form.with("body_markdown", "More.").with("act", "draft")).await.says("Saved.");
        assert_eq!(desk.open(&format!("{}/source", path(&ours))).await.status, StatusCode::NOT_FOUND);
    }

    /// Without a script the preview stands where it was asked for, and what was typed is kept.
    async fn the_preview_is_seen_where_it_was_pressed(app: TestApp) {
        let (desk, article) = (app.desk().await, written(&app, "On the quay", ArticleState::Draft).await);
        let page = desk.open(&path(&article)).await;
        assert!(page.body.contains(&format!("formaction=\"{}#preview\"", path(&article))), "{}", page.body);
        let form = page.form("/desk/articles/").with("body_markdown", "Second **words**.").with("act", "preview");
        let shown = desk.submit(&form).await;
        assert!(shown.body.contains("id=\"preview\"") && shown.body.contains("Second <strong>words</strong>."));
        assert_eq!(now(&app, article.id).await.body_markdown.as_deref(), Some("First words."), "nothing is saved");
    }
}

both_engines! {
    /// Each Save is a version, with who and what changed, also of what a feed brought before anybody touched it; going back to one is to save it
    /// anew, and no more than a hundred stay.
    async fn every_save_is_a_version_and_one_can_go_back(app: TestApp) {
        let (desk, article) = (app.desk().await, app.articles().await.remove(0));
        let page = desk.open(&format!("{}?text=mine", path(&article))).await;
        desk.submit_and_follow(&page.form("/desk/articles/").with("body_markdown", "Ours, *all* of it.").with("act", "publish")).await.says("Saved.");
        let versions = articles::revisions(&app.site.db, article.id).await.expect("a read");
        let told: Vec<_> = versions.iter().map(|one| (one.version, one.by_name.as_deref())).collect();
        assert_eq!(told, [(2, Some("Olive Owner")), (1, None)]);
        let list = desk.open(&format!("{}/revisions", path(&article))).await;
        list.says("Olive Owner").says("before anybody changed it here");
        let one = desk.open(&format!("{}/revisions/2", path(&article))).await;
        assert!(one.body.contains("<ins><span class=\"hidden\">new: </span>Ours, *all* "), "{}", one.body);
        assert_eq!(desk.open(&format!("{}/revisions/9", path(&article))).await.status, StatusCode::NOT_FOUND);

        let back = desk.open(&format!("{}?version=1", path(&article))).await;
        back.says("Nothing is changed until you save it");
        assert_eq!(now(&app, article.id).await.body_markdown.as_deref(), Some("Ours, *all* of it."), "looking changes nothing");
        desk.submit_and_follow(&back.form("/desk/articles/").with("act", "publish")).await.says("Saved.");
        let is_now = now(&app, article.id).await;
        let words = |html: &str| articles::text_of(html).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&is_now.body_html), words(&article.body_html));
        assert_eq!(articles::revisions(&app.site.db, article.id).await.expect("a read").len(), 3);
        for number in 0..110 {
            let form = desk.open(&path(&article)).await.form("/desk/articles/");
            desk.submit(&form.with("standfirst", &format!("Number {number}")).with("act", "publish")).await;
        }
        assert_eq!(articles::revisions(&app.site.db, article.id).await.expect("a read").len(), 100);
    }

    /// What is typed and not saved waits for its writer, alone; it is nobody's article, and goes once it is saved or thrown away.
    async fn what_was_not_saved_waits_for_its_writer(app: TestApp) {
        let (desk, article) = (app.desk().await, written(&app, "On the quay", ArticleState::Published).await);
        let piece = article.id.0.to_string();
        let kind = "application/x-www-form-urlencoded";
        let keep = |text: &str, piece: &str| {
            let pairs = [("piece", piece), ("version", "1"), ("title", "On the quay"), ("body_markdown", text), ("typed", "yes")];
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        let kept = send(&desk, "/desk/articles/keep", kind, keep("Second words.", &piece)).await;
        assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
        assert_eq!(now(&app, article.id).await.body_markdown.as_deref(), Some("First words."));
        let page = desk.open(&path(&article)).await;
        assert!(page.body.contains("There is newer text of yours that was not saved"), "{}", page.body);
        assert_eq!(page.form("/desk/articles/1").value("body_markdown").map(str::trim), Some("First words."), "unasked it is not taken");
        let other = member(&app, "Eve").await;
        assert!(!other.open(&path(&article)).await.body.contains("newer text of yours"), "it is its writer's alone");
        let taken = desk.open(&format!("{}?copy=mine", path(&article))).await;
        let form = taken.form("/desk/articles/1");
        assert_eq!(form.value("body_markdown").map(str::trim), Some("Second words."));
        desk.submit_and_follow(&form.with("act", "publish")).await.says("Saved.");
        assert!(!desk.open(&path(&article)).await.body.contains("newer text of yours"), "saved, it is not offered any more");

        // One that is not there yet.
        send(&desk, "/desk/articles/keep", kind, keep("A beginning.", "new-abc")).await;
        let page = desk.open("/desk/articles/new").await;
        assert!(page.body.contains("You began an article, “On the quay”, and did not save it"), "{}", page.body);
        let taken = desk.open("/desk/articles/new?copy=new-abc").await.form("/desk/articles/new");
        assert_eq!(taken.value("body_markdown").map(str::trim), Some("A beginning."));
        desk.submit_and_follow(&page.form("/desk/articles/throw-away")).await.says("thrown away");
        assert!(!desk.open("/desk/articles/new").await.body.contains("You began an article"));
        for piece in ["new-", "new-../x", "7777", ""] {
            assert_eq!(send(&desk, "/desk/articles/keep", kind, keep("x", piece)).await.status, StatusCode::NOT_FOUND, "{piece}");
        }
        for number in 0..30 {
            send(&desk, "/desk/articles/keep", kind, keep("x", &format!("new-{number}"))).await;
        }
        let counted = rows::<(i64,)>(&app.site.db, "select count(*) from article_sitting where article_id is null").await[0].0;
        assert_eq!(counted, 20, "nobody fills the desk with beginnings");
    }

    /// Two at the same article see each other; the second to save overwrites nothing unseen: the first one's text is saved, the second's is
    /// kept and shown beside it, and both are among the versions in the end.
    async fn two_at_one_article_lose_nothing(app: TestApp) {
        let (olive, article) = (app.desk().await, written(&app, "On the quay", ArticleState::Published).await);
        let eve = member(&app, "Eve").await;
        let kind = "application/x-www-form-urlencoded";
        let here = format!("piece={}&version=1", article.id.0);
        send(&eve, "/desk/articles/keep", kind, here.clone()).await;
        app.advance(Duration::from_secs(50));
        send(&eve, "/desk/articles/keep", kind, here.clone()).await;
        app.advance(Duration::from_secs(50));
        send(&eve, "/desk/articles/keep", kind, here).await;
        app.advance(Duration::from_secs(50));
        olive.open(&path(&article)).await.says("Eve has had this open for 2 minutes.");
        app.advance(Duration::from_secs(61));
        assert!(!olive.open(&path(&article)).await.text().contains("Eve"), "who has gone is not told of");

        let (hers, mine) = (eve.open(&path(&article)).await, olive.open(&path(&article)).await);
        eve.submit_and_follow(&hers.form("/desk/articles/1").with("body_markdown", "Eve's own words.").with("act", "publish")).await.says("Saved.");
        let refused = olive.submit(&mine.form("/desk/articles/1").with("body_markdown", "Olive's own words.").with("act", "publish")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("The other text and yours");
        assert!(refused.body.contains("<del><span class=\"hidden\">taken out: </span>Eve&#x27;s </del><ins><span class=\"hidden\">new: </span>Olive&#x27;s </ins>own words."), "{}", refused.body);
        assert_eq!(now(&app, article.id).await.body_markdown.as_deref(), Some("Eve's own words."));
        // She goes away: it waits for her.
        let again = olive.open(&format!("{}?copy=mine", path(&article))).await.form("/desk/articles/1");
        assert_eq!(again.value("body_markdown").map(str::trim), Some("Olive's own words."));
        assert_eq!(olive.submit(&again.with("act", "publish")).await.status, StatusCode::CONFLICT, "it was typed beside the older version");
        olive.submit_and_follow(&refused.form("/desk/articles/1").with("act", "publish")).await.says("Saved.");
        let all = articles::revisions(&app.site.db, article.id).await.expect("a read");
        assert_eq!(all.iter().map(|one| one.by_name.as_deref()).collect::<Vec<_>>(), [Some("Olive Owner"), Some("Eve"), None]);
        let hers = articles::revision(&app.site.db, article.id, 2).await.expect("a read").expect("kept");
        assert_eq!(hers.text().body_markdown.as_deref(), Some("Eve's own words."));
    }

    /// Draft, ready, scheduled, published, withdrawn: what each means to readers; nothing is published under embargo, and notes are the team's.
    async fn an_article_goes_its_way(app: TestApp) {
        let (desk, visitor) = (app.desk().await, app.visitor());
        let new = desk.open("/desk/articles/new").await.form("/desk/articles/new");
        let new = new.with("title", "On the quay").with("body_markdown", "Words.").with("notes", "Ask the harbour master.");
        let ready = desk.submit_and_follow(&new.with("act", "ready")).await;
        ready.says("Ready for the editor");
        let public = "/articles/on-the-quay";
        let seen = async || visitor.open(public).await.status == StatusCode::OK;
        assert!(!seen().await);
        let soon = app.site.now().plus(Duration::from_secs(1_800));
        let zone = broadside::settings::Settings::load(&app.site.db).await.expect("settings").time_zone;
        let local = soon.local(&zone);
        let early = desk.submit(&ready.form("/desk/articles/1").with("embargo", &local).with("act", "publish")).await;
        assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
        early.says("It may not be published before this moment");
        assert!(early.body.contains("<details open><summary>Publish it later"), "the part with the mistake is open");
        let form = early.form("/desk/articles/1").with("publish_at", &local).with("act", "publish");
        let scheduled = desk.submit_and_follow(&form).await;
        scheduled.says("Scheduled: readers see it from");
        assert!(!seen().await);
        app.advance(Duration::from_secs(1_800));
        assert!(seen().await);
        let page = visitor.open(public).await;
        assert!(!page.body.contains("harbour master"), "notes are never public");
        let page = desk.open("/desk/articles/1").await;
        page.says("Published on");
        let off = desk.submit_and_follow(&page.form("/desk/articles/1").with("act", "withdraw")).await;
        off.says("Taken off the site");
        assert!(!seen().await);
        desk.submit_and_follow(&off.form("/desk/articles/1").with("act", "publish")).await.says("Published on");
        assert!(seen().await);
    }
}

both_engines! {
    /// An article that was mailed and says something else now: whoever changes it is asked whether readers are told, and how.
    async fn a_change_of_what_was_mailed_asks(app: TestApp) {
        app.reader("ann@example.org").await;
        app.send_edition("The first").await;
        let (edition,) = rows::<(String,)>(&app.site.db, "select public_id from edition where sealed_at is not null").await.remove(0);
        let (id,) = rows::<(i64,)>(&app.site.db, "select article_id from edition_article order by position limit 1").await[0];
        let id = ArticleId(id);
        let (desk, article) = (app.desk().await, now(&app, id).await);
        let page = desk.open(&path(&article)).await;
        assert!(page.body.contains("It was mailed with") && page.body.contains("“The first”"), "{}", page.body);
        // What says the same asks nothing.
        desk.submit_and_follow(&page.form("/desk/articles/").with("notes", "Seen.").with("act", "publish")).await.says("Saved.");
        let form = desk.open(&path(&article)).await.form("/desk/articles/").with("title", "Put right").with("act", "publish");
        let asked = desk.submit(&form).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("choose whether readers are told of the change");
        assert_eq!(now(&app, id).await.title, article.title);
        let wordless = desk.submit(&form.clone().with("correcting", "noted")).await;
        wordless.says("Please say in a sentence what was put right");
        let noted = form.with("correcting", "noted").with("correction", "It was 1921, not 1912.");
        desk.submit_and_follow(&noted).await.says("Saved.");
        app.visitor().open(&format!("/articles/{}", article.slug)).await.says("Corrected on").says("It was 1921, not 1912.");
        let form = desk.open(&path(&article)).await.form("/desk/articles/").with("title", "Put right again");
        let form = form.with("correcting", "mailed").with("correction", "It was 1922, after all.");
        let on = desk.submit_and_follow(&form.with("act", "publish")).await;
        assert_eq!(on.url.path(), format!("/desk/editions/{edition}"));
        on.says("begin a correction below");
        app.visitor().open(&format!("/articles/{}", article.slug)).await.says("It was 1922, after all.");
        let (sent,) = rows::<(i64,)>(&app.site.db, "select revision from edition where sealed_at is not null").await[0];
        let draft = publishing::begin_correction(&app.site, &edition, sent, None).await.expect("a draft");
        let page = desk.open(&format!("/desk/editions/{draft}")).await;
        assert!(page.body.contains("It was 1922, after all."), "{}", page.body);
    }

    /// So does taking what its source says of it: it is a change like any other.
    async fn the_source_of_what_was_mailed_asks(app: TestApp) {
        app.reader("ann@example.org").await;
        app.send_edition("The first").await;
        let (edition,) = rows::<(String,)>(&app.site.db, "select public_id from edition where sealed_at is not null").await.remove(0);
        let (id,) = rows::<(i64,)>(&app.site.db, "select article_id from edition_article order by position limit 1").await[0];
        let id = ArticleId(id);
        let (desk, article) = (app.desk().await, now(&app, id).await);
        let source = format!("{}/source", path(&article));
        let ours = async |field: &str, words: &str| {
            let form = desk.open(&path(&article)).await.form("/desk/articles/").with(field, words).with("correcting", "silent");
            desk.submit_and_follow(&form.with("act", "publish")).await.says("Saved.");
        };
        // What readers of the article do not read asks nothing.
        ours("origin_note", "First published on the quay.").await;
        let page = desk.open(&source).await;
        assert!(!page.body.contains("It was mailed with"), "{}", page.body);
        desk.submit_and_follow(&page.form(&source)).await.says("follows it again");
        ours("title", "Ours").await;
        let page = desk.open(&source).await;
        assert!(page.body.contains("It was mailed with") && page.body.contains("“The first”"), "{}", page.body);
        let asked = desk.submit(&page.form(&source)).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("choose whether readers are told of the change");
        let wordless = desk.submit(&asked.form(&source).with("correcting", "noted")).await;
        assert_eq!(wordless.status, StatusCode::UNPROCESSABLE_ENTITY);
        wordless.says("Please say in a sentence what was put right");
        assert_eq!(now(&app, id).await.title, "Ours");
        let noted = wordless.form(&source).with("correction", "It has its first title again.");
        desk.submit_and_follow(&noted).await.says("follows it again");
        assert_eq!(now(&app, id).await.title, article.title);
        app.visitor().open(&format!("/articles/{}", article.slug)).await.says("Corrected on").says("It has its first title again.");
        ours("title", "Ours again").await;
        let form = desk.open(&source).await.form(&source).with("correcting", "mailed");
        let on = desk.submit_and_follow(&form).await;
        assert_eq!(on.url.path(), format!("/desk/editions/{edition}"));
        on.says("begin a correction below");
        assert_eq!(now(&app, id).await.title, article.title);
        // What readers do not see any more asks nothing.
        let form = desk.open(&path(&article)).await.form("/desk/articles/").with("title", "Off").with("act", "withdraw");
        desk.submit_and_follow(&form).await;
        assert!(!desk.open(&source).await.body.contains("It was mailed with"));
    }

    /// The list is narrowed by how articles stand, by topic and by feed, and keeps that from page to page.
    async fn the_list_is_narrowed(app: TestApp) {
        let all = app.articles().await;
        written(&app, "A draft of ours", ArticleState::Draft).await;
        written(&app, "Done with", ArticleState::Ready).await;
        let desk = app.desk().await;
        let titles = async |query: &str| {
            let text = desk.open(&format!("/desk/articles?{query}")).await.text();
            let known = ["A draft of ours", "Done with", all[0].title.as_str()];
            known.map(|title| text.contains(title))
        };
        assert_eq!(titles("").await, [true, true, true]);
        assert_eq!(titles("state=draft").await, [true, false, false]);
        assert_eq!(titles("state=ready").await, [false, true, false]);
        assert_eq!(titles("state=published").await, [false, false, true]);
        assert_eq!(titles("state=scheduled").await, [false; 3]);
        assert_eq!(titles(&format!("topic={}", all[0].topics[0].slug)).await, [false, false, true]);
        assert_eq!(titles("state=draft&q=ours").await, [true, false, false]);
        assert_eq!(titles("state=draft&q=done").await, [false; 3]);
        assert_eq!(titles("feed=7777").await, [false; 3]);
    }
}

both_engines! {
    /// One form makes one article, however often and however quickly it is pressed; what it says otherwise later is a change of that one,
    /// and what somebody wrote there meanwhile is not overwritten.
    async fn one_form_makes_one_article(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/articles/new").await.form("/desk/articles/new");
        let form = form.with("title", "On the quay").with("topics", "Rivers").with("body_markdown", "Words.").with("act", "draft");
        let (one, two) = tokio::join!(desk.submit(&form), desk.submit(&form));
        let three = desk.submit(&form).await;
        for page in [one, two, three] {
            assert_eq!(page.leads_to().expect("the article").path(), "/desk/articles/1");
        }
        let counted = async || {
            rows::<(i64, i64)>(&app.site.db, "select count(*), coalesce(max(version), 0) from article").await[0]
        };
        assert_eq!(counted().await, (1, 1));
        // Back, and on from there.
        let more = form.clone().with("body_markdown", "Words and more.");
        assert_eq!(desk.submit(&more).await.leads_to().expect("the article").path(), "/desk/articles/1");
        assert_eq!(counted().await, (1, 2));
        assert_eq!(now(&app, ArticleId(1)).await.body_markdown.as_deref(), Some("Words and more."));
        let late = desk.submit(&form.clone().with("body_markdown", "Other words.")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("The other text and yours");
        assert_eq!(late.form("/desk/articles/1").value("body_markdown").map(str::trim), Some("Other words."));
        // A day for it is a change, too.
        let day = desk.open("/desk/articles/new").await.form("/desk/articles/new").with("title", "Tomorrow").with("act", "publish");
        desk.submit(&day).await;
        desk.submit(&day.with("publish_at", "2030-01-01T09:00")).await;
        let out = rows::<(i64,)>(&app.site.db, "select published_at from article where title = 'Tomorrow'").await[0].0;
        assert!(out > app.site.now().0, "it waits");
        // Another page is another article; so is the same name in another's form.
        let other = desk.open("/desk/articles/new").await.form("/desk/articles/new").with("title", "On the quay").with("act", "draft");
        assert_ne!(desk.submit(&other).await.leads_to().expect("another article").path(), "/desk/articles/1");
        assert_eq!(counted().await.0, 3);
        let eve = member(&app, "Eve").await;
        let piece = form.value("piece").expect("a piece").to_owned();
        let hers = eve.open("/desk/articles/new").await.form("/desk/articles/new").with("piece", &piece).with("title", "Hers").with("act", "draft");
        assert_ne!(eve.submit(&hers).await.leads_to().expect("another article").path(), "/desk/articles/1");
        assert_eq!(counted().await.0, 4);
    }
}

/// A transaction that the server breaks off, because an import waits for the same rows, is done again: whoever pressed sees no error.
#[tokio::test(flavor = "multi_thread")]
async fn who_saves_gives_way_unseen() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    let desk = app.desk().await;
    let article = written(&app, "On the quay", ArticleState::Draft).await;
    // The first write of each act is broken off.
    for statement in [
        "create sequence broken",
        "create function break_off() returns trigger language plpgsql as $$ begin if nextval('broken') = 1 then raise exception 'deadlock detected' using errcode = '40P01'; end if; return new; end $$",
        "create trigger breaks before insert or update on article for each row execute function break_off()",
    ] {
        change(&app.site.db, statement).await;
    }
    let broken = async || {
        let (last,): (i64,) = rows(&app.site.db, "select last_value from broken").await.remove(0);
        change(&app.site.db, "alter sequence broken restart").await;
        last > 1
    };
    let form = desk.open("/desk/articles/new").await.form("/desk/articles/new").with("title", "New");
    desk.submit_and_follow(&form.with("act", "draft")).await.says("Saved.");
    assert!(broken().await);
    let form = desk.open(&path(&article)).await.form("/desk/articles/1").with("title", "By the quay");
    desk.submit_and_follow(&form.with("act", "draft")).await.says("Saved.");
    assert!(broken().await);
    assert_eq!(now(&app, article.id).await.title, "By the quay");
    let bin = format!("{}/delete", path(&article));
    let gone = desk.submit(&desk.open(&bin).await.form(&bin)).await;
    assert!(gone.status.is_redirection() && broken().await, "{}", gone.text());
    let gone = articles::deleted_among(&app.site.db, &[article.id]).await.expect("a read");
    assert_eq!(gone, [article.id]);
    app.finish().await;
}

async fn signed_in(app: &TestApp, browser: &Browser) {
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
}

const TEXT: &str = "return document.querySelector('#body_markdown').value";

/// Waits until a script says yes.
async fn until(browser: &Browser, script: &str) {
    let seen =
        wait::at_most(Duration::from_secs(20), async || (browser.script(script).await == true).then_some(()));
    assert!(seen.await.is_some(), "never: {script}; {}", browser.text().await);
}

/// Chooses a part of the text.
async fn choose(browser: &Browser, words: &str) {
    let script = format!(
        "const area = document.querySelector('#body_markdown'); const at = area.value.indexOf({0}); area.focus();
         area.setSelectionRange(at, at + {0}.length)",
        json!(words)
    );
    browser.script(&script).await;
}

/// Writing with the buttons, pasting, undoing, finding, the whole screen and the preview, in a browser; and every part of it is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn writing_is_pleasant() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    signed_in(&app, &browser).await;
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Title", "Lamps").await;
    browser.fill("Article", "One lamp and two lamps.").await;
    choose(&browser, "One lamp").await;
    browser.click("Bold").await;
    assert_eq!(browser.script(TEXT).await, "**One lamp** and two lamps.");
    browser.click("Bold").await;
    assert_eq!(browser.script(TEXT).await, "One lamp and two lamps.", "pressed again, it is taken away");
    browser.click("Italic").await;
    assert_eq!(browser.script(TEXT).await, "*One lamp* and two lamps.");
    browser.script("document.execCommand('undo')").await;
    assert_eq!(browser.script(TEXT).await, "One lamp and two lamps.", "the browser's own undo knows of it");
    until(&browser, "return document.querySelector('[data-count]').textContent.startsWith('5 words')").await;
    for (key, begins) in [("b", "**One lamp** and"), ("i", "*One lamp* and"), ("k", "[One lamp](")] {
        choose(&browser, "One lamp").await;
        let pressed = format!(
            "return document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', ctrlKey: true, bubbles: true, cancelable: true }}))"
        );
        assert_eq!(browser.script(&pressed).await, false, "the browser does nothing else with Ctrl+{key}");
        let text = browser.script(TEXT).await;
        assert!(text.as_str().is_some_and(|text| text.starts_with(begins)), "Ctrl+{key}: {text}");
        browser.script("document.execCommand('undo')").await;
        assert_eq!(browser.script(TEXT).await, "One lamp and two lamps.");
    }
    choose(&browser, "One lamp").await;
    browser.click("Heading").await;
    browser.click("Footnote").await;
    let noted = browser.script(TEXT).await;
    assert!(
        noted.as_str().is_some_and(|text| text.starts_with("## ") && text.ends_with("\n\n[^1]: ")),
        "{noted}"
    );

    // Pasted as a word processor gives it.
    browser.script("document.querySelector('#body_markdown').select()").await;
    let paste = format!(
        "const data = new DataTransfer(); data.setData('text/html', {}); data.setData('text/plain', 'Ships');
         document.querySelector('#body_markdown').dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}))",
        json!(COPIED)
    );
    browser.script(&paste).await;
    until(&browser, &format!("return document.querySelector('#body_markdown').value === {}", json!(MADE)))
        .await;
    browser.script("document.execCommand('undo')").await;
    assert_eq!(browser.script(TEXT).await, noted, "a paste is undone at once");
    browser.script("document.execCommand('redo')").await;

    browser.click("Preview").await;
    until(&browser, "return document.querySelector('[data-preview] strong')?.textContent === 'Lamp'").await;
    browser.sound("desk-writing-preview").await;
    browser.click("Preview").await;
    browser.click("Find in the text").await;
    browser.script("const seek = document.querySelector('#seek'); seek.value = 'lamp'; seek.dispatchEvent(new Event('input'))").await;
    browser.wait_for_text("1 of 1").await;
    let chosen = "const area = document.querySelector('#body_markdown'); return area.value.slice(area.selectionStart, area.selectionEnd)";
    assert_eq!(browser.script(chosen).await, "Lamp");
    browser.sound("desk-writing-find").await;
    browser.click("Whole screen").await;
    assert_eq!(browser.script("return document.querySelector('.desk-bar').inert").await, true);
    browser.sound("desk-writing-whole").await;
    browser.click("Whole screen").await;
    assert_eq!(browser.script("return document.querySelector('.desk-bar').inert").await, false);
    browser.click("Publish").await;
    browser.wait_for_text("Saved.").await;
    let all = articles::latest(&app.site, 1).await.expect("a read");
    assert_eq!(all[0].body_markdown.as_deref().map(str::trim), Some(MADE));
    browser.close().await;
    app.finish().await;
}

/// By the clipboard of the machine: Ctrl+C puts there what a word processor would, and Ctrl+V brings it as Markdown.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_copied_comes_by_ctrl_v() {
    const CTRL: char = '\u{e009}';
    const LET_GO: char = '\u{e000}';
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    signed_in(&app, &browser).await;
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Title", "Ships").await;
    let copies = format!(
        "document.addEventListener('copy', (event) => {{ event.clipboardData.setData('text/html', {}); event.clipboardData.setData('text/plain', 'Ships'); event.preventDefault(); }}, {{ once: true }})",
        json!(COPIED)
    );
    browser.script(&copies).await;
    let press = async |field: &str, key: char| {
        browser.element(field).await.send_keys(&format!("{CTRL}{key}{LET_GO}")).await.expect("a key");
    };
    press("#title", 'a').await;
    press("#title", 'c').await;
    press("#body_markdown", 'v').await;
    until(&browser, &format!("return document.querySelector('#body_markdown').value === {}", json!(MADE)))
        .await;
    press("#title", 'v').await;
    assert_eq!(browser.script("return document.querySelector('#title').value").await, "ShipsShips");
    browser.close().await;
    app.finish().await;
}

/// TRUST U1: what the source of a mailed article says, in a browser: what differs, what readers are told, and the way back.
#[tokio::test(flavor = "multi_thread")]
async fn what_its_source_says_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    app.reader("ann@example.org").await;
    app.send_edition("The first").await;
    let (id,) =
        rows::<(i64,)>(&app.site.db, "select article_id from edition_article order by position limit 1")
            .await[0];
    let article = now(&app, ArticleId(id)).await;
    let text = articles::text_to_change(&article).await.expect("a text");
    let ours = WrittenArticle {
        title: format!("{}, as we see it", article.title),
        byline: "Ann Lee".to_owned(),
        body_markdown: Some(text.replacen(' ', " really ", 1)),
        state: ArticleState::Published,
        ..WrittenArticle::default()
    };
    publishing::change_article(&app.site, (article.id, article.version), &ours, &[]).await.expect("saved");
    let Some(browser) = Browser::open().await else { return };
    signed_in(&app, &browser).await;
    browser.goto(&app.url(&format!("{}/source", path(&article)))).await;
    browser.wait_for_text("It was mailed with").await;
    browser.sound("desk-source").await;
    browser.click("Take its source’s version").await;
    browser.wait_for_text("choose whether readers are told").await;
    browser.sound("desk-source-asks").await;
    browser.tick("Change it without a word, as for a slip of the pen").await;
    browser.click("Take its source’s version").await;
    browser.wait_for_text("It says what its source says").await;
    assert_eq!(now(&app, article.id).await.title, article.title);
    browser.close().await;
    app.finish().await;
}

/// What is typed is not lost: by a session that ends, nor by a page that goes; it is offered, and taken or thrown away.
#[tokio::test(flavor = "multi_thread")]
async fn no_keystroke_is_lost() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let article = written(&app, "On the quay", ArticleState::Published).await;
    let Some(browser) = Browser::open().await else { return };
    signed_in(&app, &browser).await;
    browser.goto(&app.url(&path(&article))).await;
    browser
        .script(
            "window.there = window.fetch; window.fetch = () => Promise.reject(new TypeError('no network'))",
        )
        .await;
    browser.fill("Article", "Typed in a tunnel.").await;
    browser.wait_for_text("The desk cannot be reached. What you type is kept in this browser").await;
    browser.script("window.fetch = window.there; dispatchEvent(new Event('online'))").await;
    browser.wait_for_text("not saved yet").await;
    assert_eq!(
        rows::<(i64,)>(&app.site.db, "select count(*) from article_sitting where text like '%in a tunnel%'")
            .await,
        [(1,)]
    );
    browser.fill("Article", "Typed while the session lasts.").await;
    browser.wait_for_text("not saved yet").await;
    change(&app.site.db, "delete from staff_session").await;
    browser.fill("Article", "Typed after it had ended.").await;
    browser.wait_for_text("You are signed out.").await;
    browser.sound("desk-writing-signed-out").await;
    // The page goes without asking anything.
    browser
        .script("window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
        .await;
    signed_in(&app, &browser).await;
    browser.goto(&app.url(&path(&article))).await;
    browser.wait_for_text("newer text of yours in this browser").await;
    browser.sound("desk-writing-offered").await;
    browser.click("Take it").await;
    assert_eq!(browser.script(TEXT).await, "Typed after it had ended.");
    browser.click("Save").await;
    browser.wait_for_text("Saved.").await;
    assert_eq!(
        now(&app, article.id).await.body_markdown.as_deref().map(str::trim),
        Some("Typed after it had ended.")
    );
    assert!(!browser.sees("newer text of yours").await);
    browser.click("Versions").await;
    browser.wait_for_text("The newest hundred are kept").await;
    browser.sound("desk-versions").await;
    browser.goto(&app.url(&format!("{}/revisions/2", path(&article)))).await;
    browser.wait_for_text("struck through is what was taken out").await;
    browser.sound("desk-version").await;
    browser.close().await;
    app.finish().await;
}

/// TRUST A20: whose session has ended goes on with the next one only where it is their own; and what is not saved stays in the browser while the
/// page shows the very same.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_goes_on_as_somebody_else() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let article = written(&app, "On the quay", ArticleState::Draft).await;
    member(&app, "Eve").await;
    let Some(browser) = Browser::open().await else { return };
    signed_in(&app, &browser).await;
    browser.goto(&app.url(&path(&article))).await;
    browser.fill("Article", "Olive's words.").await;
    browser.wait_for_text("not saved yet").await;
    // A preview by the form alone: the page shows what is kept, and it is not saved.
    browser.script("document.querySelector('form.writing').requestSubmit(Object.assign(document.querySelector('form.writing').appendChild(document.createElement('button')), { name: 'act', value: 'preview' }))").await;
    until(&browser, "return document.querySelector('form.writing')?.dataset.holds === 'sent'").await;
    let kept = "return Object.keys(localStorage).filter((one) => one.startsWith('article:') && localStorage[one].includes('Olive')).length";
    assert_eq!(browser.script(kept).await, 1, "what is not saved is kept");
    assert!(!browser.sees("newer text of yours").await, "and is not offered beside itself");

    // In another tab Eve signs in.
    change(&app.site.db, "delete from staff_session").await;
    let sign_in = |email: &str, password: &str| {
        format!(
            "return (async () => {{
                const page = new DOMParser().parseFromString(await (await fetch('/desk/sign-in')).text(), 'text/html');
                const form = new URLSearchParams(new FormData(page.querySelector('form')));
                form.set('email', '{email}'); form.set('password', '{password}');
                return (await fetch('/desk/sign-in', {{ method: 'POST', body: form }})).ok;
            }})()"
        )
    };
    let token = "return document.querySelector('form.writing').elements.csrf.value";
    let mine = browser.script(token).await;
    assert_eq!(browser.script(&sign_in("eve@example.org", PASSWORD)).await, true);
    browser.fill("Article", "Olive's words, and more.").await;
    browser.wait_for_text("Somebody else is signed in here now").await;
    browser.sound("desk-writing-another").await;
    assert_eq!(browser.script(token).await, mine, "what she types is not sent as Eve's");
    let sat = rows::<(i64,)>(&app.site.db, "select count(*) from article_sitting s join staff on staff.id = s.staff_id where staff.name = 'Eve' and s.text is not null").await[0].0;
    assert_eq!(sat, 0);
    change(&app.site.db, "delete from staff_session").await;
    assert_eq!(browser.script(&sign_in(OWNER.0, OWNER.1)).await, true);
    browser.fill("Article", "Olive's words, and the end.").await;
    browser.wait_for_text("not saved yet").await;
    assert_ne!(browser.script(token).await, mine);
    browser.close().await;
    app.finish().await;
}
