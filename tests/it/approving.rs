//! What a person decided is what happens: nothing that changes between looking and pressing, or between pressing and the last
//! copy, changes what readers get; and whoever acts on something names the version that they saw.

use std::time::Duration;

use broadside::{
    articles::{self, Article, ArticleState, WrittenArticle},
    db::Db,
    delivery,
    editions::EditionState,
    email_address::EmailAddress,
    publishing::{self, Edition},
    sandbox::{Rule, Stage},
    settings::{self, ArticlesAt, Settings},
    staff::{self, NewMember, Role},
    subscribers::{self, SubscriptionState},
};
use reqwest::StatusCode;

use crate::support::{TestApp, app::OWNER, both_engines, database, visitor::Visitor};

const REWRITTEN: &str = "Rewritten by its feed";

fn path(edition: &Edition) -> String {
    format!("/desk/editions/{}", edition.public_id)
}

async fn load(app: &TestApp, edition: &Edition) -> Edition {
    publishing::load(&app.site.db, edition.id).await.expect("the edition")
}

/// The articles of an edition, in its order.
async fn articles_of(app: &TestApp, edition: &Edition) -> Vec<Article> {
    articles::by_ids(&app.site.db, &edition.content.article_ids()).await.expect("its articles")
}

async fn pressed(desk: &Visitor, edition: &Edition) {
    let look = desk.open(&format!("{}/send", path(edition))).await;
    desk.submit_and_follow(&look.form("/send").with("act", "now")).await.says("Goes out in");
}

async fn seal(app: &TestApp) {
    app.advance(publishing::UNDO);
    publishing::seal_due(&app.site, &app.templates).await.expect("what is due is sealed");
}

async fn change_settings(app: &TestApp, change: impl FnOnce(&mut Settings) + Send) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    settings::save(&mut tx, &app.site, None, change).await.expect("saved");
    tx.commit().await.expect("a commit");
}

/// As somebody else at the desk would change it, who was told of every edition.
async fn change(app: &TestApp, article: &Article, title: &str, state: ArticleState) {
    let written = WrittenArticle { title: title.to_owned(), state, ..WrittenArticle::default() };
    let known: Vec<String> = publishing::waiting_with(&app.site.db, article.id)
        .await
        .expect("the editions")
        .into_iter()
        .map(|edition| edition.public_id)
        .collect();
    let version =
        articles::by_id(&app.site.db, article.id).await.expect("a read").expect("the article").version;
    let changed = publishing::change_article(&app.site, (article.id, version), &written, &known).await;
    changed.expect("nobody else is at it");
}

/// The feed that the articles came from gives another title to one of them.
async fn rewrite(app: &TestApp, article: &Article) {
    let feed = String::from_utf8(articles::SAMPLE_FEED.to_vec()).expect("a feed is text");
    let escaped = article.title.replace('&', "&amp;");
    assert!(feed.contains(&escaped), "{escaped}");
    let report = articles::import_bytes(&app.site, feed.replace(&escaped, REWRITTEN).into_bytes()).await;
    assert!(report.expect("the feed is in order").updated > 0);
}

both_engines! {
    /// Who removes a feed with what it brought is told which editions were approved with some of that, also when one was since the page was opened.
    async fn a_feed_whose_articles_were_approved_asks(app: TestApp) {
        app.readers(1).await;
        let desk = app.desk().await;
        let edition = app.draft("As it was approved").await;
        let fetcher = articles::Fetcher::new(true).expect("a fetcher");
        let (feed, _) = articles::add_feed(&app.site, &fetcher, "https://harbour.example/feed", articles::FeedArrives::Published).await.expect("a feed");
        database::change(&app.site.db, "update article set feed_id = (select id from feed)").await;
        let remove = format!("/desk/feeds/{}/remove", feed.id.0);
        let early = desk.open(&remove).await;
        let named = "“As it was approved”</a> is approved with articles of this feed";
        assert!(!early.body.contains(named), "{}", early.body);
        pressed(&desk, &edition).await;
        let refused = desk.submit(&early.form(&remove).with("articles", "too")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("Nothing is removed yet");
        assert!(refused.body.contains(named), "{}", refused.body);
        assert!(!articles_of(&app, &edition).await.is_empty());
        assert_eq!(articles::feeds(&app.site.db, None, 10).await.expect("a read").len(), 1);
        desk.submit_and_follow(&refused.form(&remove).with("articles", "too")).await.says("removed");
        assert_eq!(articles::feeds(&app.site.db, None, 10).await.expect("a read").len(), 0);
        let ids = edition.content.article_ids();
        assert_eq!(articles::deleted_among(&app.site.db, &ids).await.expect("a read").len(), ids.len());
    }
}

both_engines! {
    /// An article changed, one taken back, one rewritten by its feed, and settings changed after Send was pressed: readers
    /// get byte for byte what the sender saw, the page of the edition says what changed, and taking Send back and pressing
    /// again sends what it is then.
    async fn what_was_approved_goes_out_whatever_changes_after_it(app: TestApp) {
        app.readers(3).await;
        let desk = app.desk().await;
        let edition = app.draft("As it was approved").await;
        let [one, two, three]: [Article; 3] = articles_of(&app, &edition).await.try_into().expect("three articles");
        let preview = format!("{}/preview", path(&edition));
        let (html, text) = (desk.open(&preview).await.body, desk.open(&format!("{preview}?part=text")).await.body);
        pressed(&desk, &edition).await;
        assert_eq!(desk.open(&preview).await.body, html, "what was approved is what was seen");

        // Whoever changes an article of it is asked.
        let form = desk.open(&format!("/desk/articles/{}", one.id.0)).await.form("/desk/articles/");
        let asked = desk.submit(&form.with("title", "Another headline").with("act", "publish")).await;
        assert_eq!(asked.status, StatusCode::CONFLICT);
        asked.says("It is in “As it was approved”, which goes out on 3 March 2026").says("Save it all the same");
        let is_now = articles::by_id(&app.site.db, one.id).await.expect("a read").expect("the article");
        assert_eq!(is_now.title, one.title, "not before they say so");
        let again = asked.form("/desk/articles/").with("act", "publish");
        assert_eq!(again.value("title"), Some("Another headline"), "nothing that was typed is lost");
        desk.submit_and_follow(&again).await.says("Saved.").says("whatever you change here");
        change(&app, &two, &two.title, ArticleState::Draft).await;
        desk.open(&path(&edition)).await.says("2 articles changed since Send was pressed");
        rewrite(&app, &three).await;
        change_settings(&app, |settings| {
            settings.from_name = "Somebody Else".to_owned();
            settings.postal_address = "2 Other Street".to_owned();
            settings.appeal_text = "Give us more.".to_owned();
        })
        .await;
        let page = desk.open(&path(&edition)).await;
        page.says("3 articles changed since Send was pressed").says("Readers get it as it was when Send was pressed");
        assert_eq!(desk.open(&preview).await.body, html);
        seal(&app).await;
        app.drain().await;
        assert_eq!(desk.open(&preview).await.body, html);
        assert_eq!(desk.open(&format!("{preview}?part=text")).await.body, text);
        for number in 1..=3 {
            let mail = app.last_mail(&format!("reader{number}@example.org"));
            for title in [&one.title, &two.title, &three.title] {
                assert!(mail.text.contains(title.as_str()), "{title}: {}", mail.text);
            }
            for later in ["Another headline", REWRITTEN, "2 Other Street", "Give us more."] {
                assert!(!mail.text.contains(later), "{later}: {}", mail.text);
            }
            let from = mail.header("From").expect("every mail has one");
            assert!(from.contains("The Lamplighter"), "{from}");
        }
        let date = app.last_mail("reader1@example.org").header("Date").expect("every mail has one").to_owned();
        assert!(date.contains("09:01:00"), "the moment of sealing: {date}");
    }

    /// What is taken back is approved no more: pressed again, it is what it is then.
    async fn send_taken_back_and_pressed_again_sends_what_it_is_then(app: TestApp) {
        app.readers(1).await;
        let desk = app.desk().await;
        let edition = app.draft("Pressed twice").await;
        let one = articles_of(&app, &edition).await.remove(0);
        pressed(&desk, &edition).await;
        change(&app, &one, "The second headline", ArticleState::Published).await;
        let page = desk.open(&path(&edition)).await;
        let undo = page.form("/undo");
        let composer = desk.submit_and_follow(&undo).await;
        assert!(composer.says("is a draft again").body.contains("The second headline"), "{}", composer.body);
        pressed(&desk, &edition).await;
        let page = desk.open(&path(&edition)).await;
        assert!(!page.text().contains("changed since Send"), "{}", page.text());
        seal(&app).await;
        app.drain().await;
        let mail = app.last_mail("reader1@example.org");
        assert!(mail.text.contains("The second headline"), "{}", mail.text);
    }

    /// Two people: what changed between looking and pressing is not what the one who presses saw.
    async fn a_press_on_what_has_changed_since_is_refused(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let edition = app.draft("Looked at").await;
        let one = articles_of(&app, &edition).await.remove(0);
        let look = async || desk.open(&format!("{}/send", path(&edition))).await.form("/send").with("act", "now");

        let seen = look().await.with("policy", "hold");
        change(&app, &one, "The other headline", ArticleState::Published).await;
        let refused = desk.submit(&seen).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("Nothing was sent: an article in it").says("The other headline");
        assert_eq!(load(&app, &edition).await.state, EditionState::Draft);
        assert_eq!(refused.form("/send").value("policy"), Some("hold"), "what was chosen is kept");

        let seen = look().await;
        change_settings(&app, |settings| settings.contact_email = "other@example.org".to_owned()).await;
        desk.submit(&seen).await.says("a setting that it shows, changed since you opened the page");

        let seen = look().await;
        let content = load(&app, &edition).await.content;
        publishing::save_revision(&app.site, edition.id, 2, content, None).await.expect("a revision");
        let refused = desk.submit(&seen).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("somebody else saved this edition since you opened the page");
        let again = desk.submit(&refused.form("/send").with("act", "now")).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    }

    /// An article that somebody is just saving is not approved unseen, nor is the press kept waiting for them; and whoever
    /// saves behind a press is asked.
    async fn an_article_saved_at_the_moment_of_the_press_is_seen_by_one_of_the_two(app: TestApp) {
        app.readers(1).await;
        let edition = app.draft("At the same moment").await;
        let one = articles_of(&app, &edition).await.remove(0);
        let written = WrittenArticle { title: "Just saved".to_owned(), state: ArticleState::Published, ..WrittenArticle::default() };
        let press = || publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None);
        // SQLite has one writer: nothing happens there at the same moment.
        if matches!(app.site.db, Db::Postgres { .. }) {
            let mut saving = app.site.db.begin().await.expect("a transaction");
            let checked = written.checked(app.site.now()).await.expect("nothing is wrong");
            articles::update(&mut saving, &app.site, (one.id, one.version), &checked).await.expect("saved");
            let pressed = press().await;
            assert!(matches!(pressed, Err(publishing::Error::NotAsSeen)), "{pressed:?}");
            drop(saving);
        }
        press().await.expect("nobody is saving now");
        let asked = publishing::change_article(&app.site, (one.id, one.version), &written, &[]).await;
        assert!(matches!(asked, Err(publishing::Changed::Approved(of)) if of.len() == 1));
    }

    /// A correction that somebody else saved, or an article in it that changed, after the sender opened the page goes to
    /// nobody unseen; nor does a stale page pause, undo or cancel what it did not show.
    async fn an_act_on_a_page_that_is_out_of_date_is_refused(app: TestApp) {
        app.readers(4).await;
        let desk = app.desk().await;
        let edition = app.draft("Stopped").await;
        pressed(&desk, &edition).await;
        let waiting = desk.open(&path(&edition)).await.form("/undo");
        desk.submit_and_follow(&waiting).await.says("is a draft again");
        app.advance(Duration::from_secs(1));
        pressed(&desk, &edition).await;
        let refused = desk.submit(&waiting).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "that press was undone before");
        refused.says("Nothing was done");
        seal(&app).await;
        publishing::pause(&app.site, &edition.public_id, None).await.expect("it is going out");

        let sender = desk.open(&path(&edition)).await;
        let mut content = load(&app, &edition).await.content;
        content.subject = "Corrected by somebody else".to_owned();
        publishing::save_correction(&app.site, edition.id, 2, content, None).await.expect("a correction");
        for act in ["/resume", "/cancel"] {
            let form = match act {
                "/cancel" => desk.open(&format!("{}/cancel", path(&edition))).await.form(act),
                _ => sender.form(act),
            };
            let version = sender.form("/resume").value("version").expect("a version").to_owned();
            let refused = desk.submit(&form.with("version", &version)).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{act}");
            refused.says("Nothing was done: the edition changed since you opened the page");
            assert_eq!(load(&app, &edition).await.state, EditionState::Paused, "{act}");
        }
        let seen = desk.open(&path(&edition)).await.form("/resume");
        let one = articles_of(&app, &edition).await.remove(0);
        change(&app, &one, "Changed under it", ArticleState::Published).await;
        let refused = desk.submit(&seen).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "the correction reads otherwise now");
        desk.submit_and_follow(&refused.form("/resume")).await.says("Going on.");
        app.drain().await;
        for number in 1..=4 {
            let mail = app.last_mail(&format!("reader{number}@example.org"));
            assert_eq!(mail.subject, "Corrected by somebody else");
            assert!(mail.text.contains("Changed under it"), "{}", mail.text);
        }
    }

    /// A stale Save neither overwrites what it did not see nor puts a withdrawn article back on the site; what was typed is
    /// kept, and the other version stands beside it.
    async fn a_stale_save_of_an_article_is_refused(app: TestApp) {
        let mine = WrittenArticle {
            title: "On the quay".to_owned(),
            body_markdown: Some("First words.".to_owned()),
            state: ArticleState::Published,
            ..WrittenArticle::default()
        };
        let article = articles::create(&app.site, &mine).await.expect("an article");
        let (desk, public) = (app.desk().await, format!("/articles/{}", article.slug));
        let open = desk.open(&format!("/desk/articles/{}", article.id.0)).await.form("/desk/articles/");
        let other = desk.open(&format!("/desk/articles/{}", article.id.0)).await.form("/desk/articles/");
        let other = other.with("standfirst", "Withdrawn: the numbers are wrong").with("act", "withdraw");
        desk.submit_and_follow(&other).await.says("Saved.");
        let refused = desk.submit(&open.with("body_markdown", "Second words.").with("act", "publish")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("Somebody else changed this article").says("Withdrawn: the numbers are wrong");
        assert_eq!(app.visitor().open(&public).await.status, StatusCode::GONE, "it stays off the site");
        let form = refused.form("/desk/articles/");
        assert_eq!(form.value("body_markdown").map(str::trim), Some("Second words."));
        desk.submit_and_follow(&form.with("act", "draft")).await.says("Saved.");
        let now = articles::by_id(&app.site.db, article.id).await.expect("a read").expect("the article");
        assert_eq!((now.state, now.body_markdown.as_deref().map(str::trim)), (ArticleState::Withdrawn, Some("Second words.")));
    }

    /// Two owners with the settings open: the second overwrites nothing unseen, keeps what they typed, and sees what the other
    /// decided; the same for who may do what.
    async fn a_stale_save_of_settings_or_of_a_role_is_refused(app: TestApp) {
        let desk = app.desk().await;
        let open = desk.open("/desk/settings").await.form("/desk/settings");
        let other = desk.open("/desk/settings").await.form("/desk/settings");
        desk.submit_and_follow(&other.with("legal_name", "Lamplighter Press Ltd").with("gift_least", "3")).await.says("Saved.");
        let refused = desk.submit(&open.with("tagline", "By the light of the quay")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("Somebody else changed the settings").says("Legal name Lamplighter Press Ltd").says("Smallest gift 3");
        let now = Settings::load(&app.site.db).await.expect("settings");
        assert_eq!((&*now.legal_name, &*now.tagline), ("Lamplighter Press Ltd", ""));
        let form = refused.form("/desk/settings");
        assert_eq!(form.value("tagline"), Some("By the light of the quay"), "what was typed is kept");
        let wrong = desk.submit(&form.clone().with("reading_speed", "fast")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let wrong = wrong.form("/desk/settings").with("reading_speed", "250");
        change_settings(&app, |settings| settings.late_hours = 9).await;
        assert_eq!(desk.submit(&wrong).await.status, StatusCode::CONFLICT, "a mistake in between makes nothing seen");
        assert_eq!(desk.submit(&form.clone().without("version")).await.status, StatusCode::CONFLICT);
        change_settings(&app, |settings| settings.send_unproven = true).await;
        let form = desk.submit(&form).await.form("/desk/settings");
        change_settings(&app, |settings| settings.send_unproven = false).await;
        desk.submit_and_follow(&form).await.says("Saved.");

        let ann = EmailAddress::parse("ann@example.org").expect("an address");
        let ann = NewMember { name: "Ann", email: &ann, role: Role::Editor };
        staff::add_member(&app.site, None, ann).await.expect("on the team");
        let page = desk.open("/desk/team").await;
        let members = async || staff::members(&app.site.db).await.expect("the team");
        let id = members().await.into_iter().find(|member| member.name == "Ann").expect("Ann").public_id;
        let form = |act: &str| page.form(&format!("{id}/{act}"));
        let promoted = desk.submit_and_follow(&form("role").with("role", "treasurer")).await;
        for stale in [form("role").with("role", "sender"), form("invite"), form("disable")] {
            let refused = desk.submit(&stale).await;
            assert_eq!(refused.status, StatusCode::CONFLICT);
            refused.says("Nothing was done: the team changed since you opened the page. Ann is treasurer and can sign in now.");
        }
        desk.submit_and_follow(&promoted.form("/disable")).await.says("disabled");
        assert_eq!(desk.submit(&promoted.form("/disable")).await.status, StatusCode::CONFLICT);
        let ann = members().await.into_iter().find(|member| member.name == "Ann").expect("Ann");
        assert_eq!((ann.role, ann.disabled_at.is_some()), (Role::Treasurer, true));
        let letters = app.mails("ann@example.org").len();
        app.drain().await;
        assert_eq!(app.mails("ann@example.org").len(), letters + 2, "added, and another role: no third");
    }

    /// Taking a reader off a list is asked; a reader who confirms meanwhile is not taken off as one who never answered.
    async fn taking_a_reader_off_a_list_is_asked(app: TestApp) {
        app.subscribe_only("nina@example.org").await;
        app.drain().await;
        let email = EmailAddress::parse("nina@example.org").expect("an address");
        let nina = subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("asked for it");
        let list = app.list().await;
        let (desk, reader) = (app.desk().await, format!("/desk/readers/{}", nina.public_id));
        desk.open(&reader).await.says("Take off this list");
        let asked = desk.open(&format!("{reader}/leave?list={list}")).await;
        asked.says("works no more then").says("cannot be undone");
        let confirm = app.last_mail("nina@example.org").link("/confirm/");
        let visitor = app.visitor();
        visitor.submit(&visitor.open(&confirm).await.form("/confirm")).await;
        let state = async || {
            let all = subscribers::subscriptions(&app.site.db, nina.id).await.expect("her lists");
            all.into_iter().find(|one| one.list_id == list).expect("the list").state
        };
        assert_eq!(state().await, SubscriptionState::Confirmed);
        for tap in [asked.form("/leave"), asked.form("/leave").without("seen")] {
            let refused = desk.submit(&tap).await;
            assert_eq!((refused.status, state().await), (StatusCode::CONFLICT, SubscriptionState::Confirmed));
            refused.says("Nothing was done yet").says("They get no edition of");
        }
        let asked = desk.open(&format!("{reader}/leave?list={list}")).await;
        let form = asked.form("/leave").with("why", "asked by telephone");
        desk.submit_and_follow(&form).await.says("They are off that list");
        assert_eq!(state().await, SubscriptionState::Left);
    }

    /// Two owners who save at the same moment wait in line: the second is told.
    async fn settings_saved_at_the_same_moment_are_not_overwritten(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/settings").await.form("/desk/settings");
        let (one, two) = (form.clone().with("tagline", "One"), form.with("tagline", "Two"));
        let (one, two) = tokio::join!(desk.submit(&one), desk.submit(&two));
        let mut statuses = [one.status, two.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    }

    /// A copy that failed before a correction and is tried again after it carries the correction, as the rest's does; and it
    /// is not tried again by somebody who was shown another version.
    async fn a_copy_that_is_tried_again_carries_the_correction(app: TestApp) {
        app.readers(5).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to("reader1@example.org").times(1).reply(554, "5.3.0 not now"));
        script.add(Rule::at(Stage::Rcpt).to("reader2@example.org").times(1).reply(450, "4.3.0 later"));
        let desk = app.desk().await;
        let edition = app.draft("The wrong date").await;
        pressed(&desk, &edition).await;
        seal(&app).await;
        app.send().await;
        publishing::pause(&app.site, &edition.public_id, None).await.expect("it is going out");
        let mut content = load(&app, &edition).await.content;
        content.subject = "The right date".to_owned();
        publishing::save_correction(&app.site, edition.id, 2, content, None).await.expect("a correction");
        let page = desk.open(&path(&edition)).await;
        page.says("Copies that failed").says("get the corrected version, as the rest does");
        let before = page.form("/retry");
        desk.submit_and_follow(&page.form("/resume")).await.says("Going on.");
        let refused = desk.submit(&before).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "it showed the first version");
        refused.says("Nothing was done");
        desk.submit_and_follow(&refused.form("/retry")).await.says("They are in line again");
        app.advance(Duration::from_secs(7_200));
        app.drain().await;
        for (reader, subject) in [(1, "The right date"), (2, "The right date"), (3, "The wrong date")] {
            assert_eq!(app.last_mail(&format!("reader{reader}@example.org")).subject, subject, "reader {reader}");
        }
        let audit = delivery::audit_copies(&app.site.db, edition.id).await.expect("an audit");
        assert!(audit.holds() && audit.rows.accepted == 5, "{} and {}", audit.rows, audit.tallies);
        let versions = publishing::reached(&app.site.db, edition.id).await.expect("the versions");
        let readers: Vec<_> = versions.iter().map(|version| version.readers).collect();
        assert_eq!(readers, [3, 2], "each row knows what it carried");
    }

    /// A correction that could not go on yet, as copies of the old version were leaving, is still what going on sends, and the
    /// button says so until somebody has it.
    async fn a_correction_that_waits_for_leaving_copies_is_still_called_one(app: TestApp) {
        app.readers(3).await;
        let desk = app.desk().await;
        let edition = app.draft("Old").await;
        pressed(&desk, &edition).await;
        seal(&app).await;
        publishing::pause(&app.site, &edition.public_id, None).await.expect("it is going out");
        assert!(desk.open(&path(&edition)).await.body.contains(">Go on sending<"));
        let mut content = load(&app, &edition).await.content;
        content.subject = "New".to_owned();
        publishing::save_correction(&app.site, edition.id, 2, content, None).await.expect("a correction");
        let leaving = "update delivery set state = 'claimed', marker = true where subscriber_id = (select min(subscriber_id) from delivery)";
        database::change(&app.site.db, leaving).await;
        let page = desk.open(&path(&edition)).await;
        assert!(page.body.contains(">Send the corrected version to the rest<"), "{}", page.text());
        let refused = desk.submit(&page.form("/resume")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("A few copies of the old version are leaving");
        database::change(&app.site.db, "update delivery set state = 'queued', marker = false").await;
        let page = desk.open(&path(&edition)).await;
        page.says("A corrected version is ready");
        assert!(page.body.contains(">Send the corrected version to the rest<"), "{}", page.text());
        desk.submit_and_follow(&page.form("/resume")).await.says("Going on.");
        app.send().await;
        assert_eq!(app.last_mail("reader1@example.org").subject, "New");
    }

    /// A test copy is of what the page showed, or there is none.
    async fn a_test_copy_is_of_the_revision_that_was_shown(app: TestApp) {
        app.readers(1).await;
        let desk = app.desk().await;
        let edition = app.draft("Tested").await;
        let look = desk.open(&format!("{}/send", path(&edition))).await;
        let mut content = load(&app, &edition).await.content;
        content.subject = "By somebody else".to_owned();
        publishing::save_revision(&app.site, edition.id, 2, content, None).await.expect("a revision");
        let refused = desk.submit(&look.form("/test")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("No test copy was sent: somebody else saved this edition").says("By somebody else");
        app.drain().await;
        assert!(app.mails(OWNER.0).is_empty());
        desk.submit(&refused.form("/test")).await;
        app.drain().await;
        assert!(app.last_mail(OWNER.0).subject.contains("By somebody else"));
    }

    /// TRUST F20: each button says what it does, and a moment that is over sends nothing.
    async fn send_it_later_means_later(app: TestApp) {
        app.readers(5).await;
        let desk = app.desk().await;
        let edition = app.draft("Planned").await;
        let page = desk.open(&format!("{}/send", path(&edition))).await;
        assert!(page.body.contains(">Send to 5 readers now<"), "{}", page.body);
        assert!(page.body.contains(">Schedule it for about 5 readers<"), "{}", page.body);
        let form = page.form("/send");
        for (later, act, words) in [
            ("2025-03-04T09:00", "later", "That moment is over: it is 3 March 2026"),
            ("2026-03-03T09:00", "later", "That moment is over"),
            ("2126-03-04T09:00", "later", "That is more than a year away. Is the year right?"),
            ("", "later", "Enter a day and a time."),
            ("2026-03-04T09:00", "now", "You chose a day, and pressed the button that sends now."),
        ] {
            let refused = desk.submit(&form.clone().with("later", later).with("act", act)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{later} {act}");
            refused.says(words);
            assert_eq!(refused.form("/send").value("later"), Some(later), "what was typed is kept");
            assert_eq!(load(&app, &edition).await.state, EditionState::Draft);
        }
        desk.submit(&form.clone().with("policy", "whatever").with("act", "now")).await.says("Choose what happens");
        let page = desk.submit_and_follow(&form.with("later", "2026-03-04T09:00").with("act", "later")).await;
        page.says("Goes out on 4 March 2026, 09:00 UTC").says("Until then it can be undone");
        let overview = desk.open("/desk").await;
        overview.says("Scheduled").says("Goes out on 4 March 2026, 09:00 UTC");
        assert!(overview.body.contains(&path(&edition)), "{}", overview.body);
    }

    /// TRUST F27, T11: cancelling asks first, in numbers; and nobody who was not sent a copy for it counts as somebody who left.
    async fn cancelling_asks_and_counts_for_itself(app: TestApp) {
        app.readers(6).await;
        let desk = app.desk().await;
        let edition = app.draft("Cancelled").await;
        pressed(&desk, &edition).await;
        seal(&app).await;
        let gone = EmailAddress::parse("reader6@example.org").expect("an address");
        let gone = subscribers::by_email(&app.site.db, &gone).await.expect("a read").expect("the reader");
        subscribers::leave_by_staff(&app.site, gone.id, app.list().await, "a test").await.expect("off the list");
        let page = desk.open(&path(&edition)).await;
        let tap = page.form("/pause");
        let tap = desk.submit(&tap.at(&format!("{}/cancel", path(&edition)))).await;
        assert_eq!(tap.status, StatusCode::CONFLICT, "one tap does nothing");
        assert_eq!(load(&app, &edition).await.state, EditionState::Sending);
        let page = desk.open(&format!("{}/cancel", path(&edition))).await;
        page.says("5 of 6 readers have not got it yet. They will never get it").says("Pause it first");
        let page = desk.submit_and_follow(&page.form("/cancel")).await;
        page.says("0 taken + 0 failed + 1 not mailed + 5 cancelled + 0 may have arrived + 0 still to go");
        let audit = delivery::audit_copies(&app.site.db, edition.id).await.expect("an audit");
        assert!(audit.holds(), "{} and {}", audit.rows, audit.tallies);
        assert_eq!((audit.rows.suppressed, audit.rows.cancelled), (1, 5));
        assert!(audit.rows.to_string().ends_with("+ 5 cancelled"), "{}", audit.rows);
        let found = desk.open(&format!("{}?state=suppressed", path(&edition))).await;
        assert!(found.text().contains("reader6@") && !found.text().contains("reader1@"), "{}", found.text());
        let found = desk.open(&format!("{}?state=cancelled", path(&edition))).await;
        found.says("reader1@example.org").says("Not sent: the edition was cancelled");
        assert!(!found.text().contains("reader6@"), "{}", found.text());
        desk.open("/desk").await.says("1 not mailed, 5 cancelled.");
    }

    /// What an older program scheduled has nothing frozen: it still goes out; and if no mail can be made of it, it is held
    /// and the owners are told, once.
    async fn an_edition_that_an_older_program_scheduled_goes_out_or_says_why_not(app: TestApp) {
        app.readers(2).await;
        let forget = async |edition: &Edition| {
            let pressed = publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None);
            pressed.await.expect("nothing is in the way");
            database::change(&app.site.db, "delete from variant").await;
        };
        let fine = app.draft("By an older program").await;
        forget(&fine).await;
        seal(&app).await;
        app.drain().await;
        assert_eq!(app.last_mail("reader1@example.org").subject, "By an older program");

        let broken = app.draft("Broken since").await;
        let pressed = publishing::press_send(&app.site, &app.templates, broken.id, broken.revision, None, None);
        pressed.await.expect("nothing is in the way");
        database::change(&app.site.db, "delete from variant where edition_id = (select max(id) from edition)").await;
        change_settings(&app, |settings| {
            settings.articles_at = ArticlesAt::Elsewhere;
            settings.external_site_url = "not an address".to_owned();
        })
        .await;
        seal(&app).await;
        seal(&app).await;
        assert_eq!(load(&app, &broken).await.state, EditionState::Held);
        app.drain().await;
        let told = app.mails(OWNER.0);
        assert_eq!(told.len(), 1, "told once");
        assert!(told[0].text.contains("No email can be made of it"), "{}", told[0].text);
        let desk = app.desk().await;
        let page = desk.open(&path(&broken)).await;
        page.says("Held back: no email can be made of it");
        desk.submit_and_follow(&page.form("/undo")).await.says("The email cannot be made");
    }
}
