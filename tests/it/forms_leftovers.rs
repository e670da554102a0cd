//! Forms that are put away or deleted, what scripts of other sites can read, networks that ask much, topics that a form offers; and
//! requests that were written down wrongly.

use std::time::Duration;

use broadside::{
    delivery::Suppressions,
    email_address::EmailAddress,
    publishing,
    settings::Settings,
    subscribers::{
        self, Crowd, NewSubscription, SubscriberError, Trace, consent, forms, requests,
        topics::{self, Topic},
    },
};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
    visitor::Page,
};

const ANN: &str = "ann@example.org";
const HERE: &str = "https://www.example.org";
const HOUR: Duration = Duration::from_secs(3_600);

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    rows::<(i64,)>(&app.site.db, sql).await[0].0
}

/// Somebody fills in the main form from an address.
async fn ask(
    app: &TestApp,
    email: &str,
    ip: &str,
    crowd: Crowd<'_>,
) -> Result<subscribers::Goes, SubscriberError> {
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    let form = forms::named(&app.site.db, forms::MAIN).await.expect("a read").expect("the form");
    let new = NewSubscription {
        email: &EmailAddress::parse(email).expect("an address"),
        name: "",
        lists: &[app.list().await],
        wording: &form.wording(&settings),
        answers: "",
        by: form.by("subscribe"),
        lookout: None,
        trace: Trace { ip, user_agent: "" },
        crowd,
    };
    subscribers::subscribe(&app.site, &settings, new).await
}

async fn on_a_site(app: &TestApp) {
    let form = forms::named(&app.site.db, forms::MAIN).await.expect("a read").expect("the form");
    forms::save_sites(&app.site, 1, (forms::MAIN, form.changes), &[HERE.to_owned()]).await.expect("saved");
}

async fn by_script(app: &TestApp, origin: &str, body: String) -> Page {
    let visitor = app.visitor();
    let request = visitor.request(Method::POST, "/api/forms/main").header(header::ORIGIN, origin);
    let request =
        request.header("Sec-Fetch-Site", "cross-site").header(header::CONTENT_TYPE, "application/json");
    visitor.send(request.body(body)).await
}

async fn offered(app: &TestApp) -> Vec<Topic> {
    topics::offered_by(&app.site.db, app.list().await).await.expect("a read")
}

async fn chosen(app: &TestApp, email: &str) -> Vec<String> {
    let (reader, list) = (app.reader_row(email).await, app.list().await);
    let chosen = topics::chosen(&app.site.db, reader, list).await.expect("a read");
    chosen.into_iter().map(|topic| topic.name).collect()
}

async fn press(app: &TestApp, email: &str) {
    app.drain().await;
    let link = app.last_mail(email).link("/confirm/");
    let token = link.rsplit('/').next().expect("a token");
    subscribers::confirm(&app.site, token, &[], Trace::default()).await.expect("the link is good");
}

both_engines! {
    /// A form is put away, brought back, and deleted if nobody came by it; one by which somebody came stays for their proof.
    async fn a_form_goes_where_nothing_hangs_on_it(app: TestApp) {
        let desk = app.desk().await;
        for name in ["Unused", "Used"] {
            let form = desk.open("/desk/forms").await.form("/desk/forms").with("name", name);
            let made = desk.submit_and_follow(&form).await;
            desk.submit_and_follow(&made.form(&format!("/desk/forms/{}", name.to_lowercase())).with("state", "open")).await.says("Saved.");
        }
        let visitor = app.visitor();
        let form = visitor.open("/subscribe/used").await.form("/subscribe/used");
        visitor.submit_and_follow(&form.clone().with("email", ANN).with("consent", "yes")).await.says("Check your mail");
        press(&app, ANN).await;
        for slug in ["unused", "used"] {
            let page = desk.open(&format!("/desk/forms/{slug}/away")).await;
            let stale = page.form("/away").with("seen", "0").with("act", "away");
            assert_eq!(desk.submit(&stale).await.status, StatusCode::CONFLICT);
            let no_sooner = page.form("/away").with("act", "delete");
            assert_eq!(desk.submit(&no_sooner).await.status, StatusCode::CONFLICT, "it is not put away yet");
            desk.submit_and_follow(&page.form("/away").with("act", "away")).await.says("put away");
            visitor.open(&format!("/subscribe/{slug}")).await.says("This form is over");
        }
        // A page that was open before.
        let late = visitor.submit(&form.with("email", "bob@example.org").with("consent", "yes")).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        let used = desk.open("/desk/forms/used/away").await;
        used.says("so it cannot be deleted");
        assert_eq!(desk.submit(&used.form("/away").with("act", "delete")).await.status, StatusCode::CONFLICT);
        let unused = desk.open("/desk/forms/unused/away").await.form("/away").with("act", "delete");
        desk.submit_and_follow(&unused).await.says("The form was deleted.");
        assert_eq!(desk.open("/desk/forms/unused").await.status, StatusCode::NOT_FOUND);
        assert_eq!(desk.open("/desk/forms/main/away").await.status, StatusCode::NOT_FOUND, "the first one stays");
        let row = desk.open("/desk/forms").await.text();
        assert!(row.contains("Used /subscribe/used 1 1 put away"), "who came stays counted: {row}");
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        assert_eq!(proof[0].form.as_deref(), Some("Used"));
        let own = desk.open("/desk/forms/used").await;
        assert!(!own.body.contains("type=\"radio\" name=\"state\""), "whether it is open is no question");
        // The button takes along what was typed.
        let at_once = own.form("/desk/forms/used").with("intro", "On Fridays.").with("sites", HERE).and("act", "back");
        let back = desk.submit_and_follow(&at_once).await;
        back.says("The form is back.").says("The code to copy");
        visitor.open("/subscribe/used").await.says("On Fridays.");
        // So does each of what is saved together: a mistake among the sites loses no words, and saves nothing.
        let wrong = back.form("/desk/forms/used").with("intro", "On Mondays.").with("sites", "no site");
        let wrong = desk.submit(&wrong).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.form("/desk/forms/used").value("intro").map(str::trim), Some("On Mondays."));
        visitor.open("/subscribe/used").await.says("On Fridays.");
        // The sites are the owner's alone: nobody else's page has them, or takes them.
        change(&app.site.db, "update staff set role = 'editor'").await;
        let editor = app.desk().await;
        let page = editor.open("/desk/forms/used").await;
        assert!(!page.body.contains("name=\"sites\""));
        let form = page.form("/desk/forms/used");
        assert_eq!(editor.submit(&form.clone().and("sites", "https://evil.example")).await.status, StatusCode::BAD_REQUEST);
        let saved = editor.submit_and_follow(&form.with("intro", "On Sundays.")).await;
        saved.says("Saved.");
        assert!(saved.body.contains(HERE), "they stay, and everybody sees them");
        visitor.open("/subscribe/used").await.says("On Sundays.");
        assert!(visitor.open("/subscribe/used").await.body.contains("name=\"consent\""));
    }

    /// What went wrong can be read by the page that sent it, if the owner named its site, and by no other.
    async fn what_went_wrong_is_read_where_it_was_sent(app: TestApp) {
        on_a_site(&app).await;
        let long = by_script(&app, HERE, json!({ "name": "x".repeat(80_000) }).to_string()).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(long.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], HERE);
        assert_eq!(long.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().count(), 1);
        assert!(long.body.starts_with("{\"error\""), "{}", long.body);
        let stranger = by_script(&app, "https://evil.example", "{}".to_owned()).await;
        assert_eq!(stranger.status, StatusCode::FORBIDDEN);
        assert!(!stranger.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    /// TRUST A24: whoever owns a /48 keeps nobody else out, neither those who are mailed at once nor those who wait.
    async fn one_block_of_networks_keeps_nobody_out(app: TestApp) {
        let mut taken = 0;
        for network in 0..10_u32 {
            for at in 0..30 {
                let ip = format!("2001:db8:7:{:x}00::{at:x}", network);
                let email = format!("n{network}a{at}@d{network}x{at}.example.net");
                match ask(&app, &email, &ip, Crowd::Waits).await {
                    Ok(_) => taken += 1,
                    Err(SubscriberError::TooMany(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!(taken, 80, "twenty sign-ups of a network, and four such networks, in a quarter of an hour");
        app.advance(HOUR / 2);
        let more = ask(&app, "more@example.net", "2001:db8:7:4400::1", Crowd::Waits).await;
        assert!(more.is_ok());
        for at in 0..60 {
            let network = 0x50 + at / 15;
            drop(ask(&app, &format!("m{at}@m{at}.example.net"), &format!("2001:db8:7:{network:x}00::1"), Crowd::Waits).await);
        }
        assert_eq!(count(&app, "select count(*) from asking").await, 120, "and no more than that in an hour");
        assert!(ask(&app, ANN, "2001:db8:8::1", Crowd::Waits).await.is_ok(), "a neighbour’s block");
        app.drain().await;
    }

    /// TRUST A24: sixty askings for one company are more than usual, and make no work for the readers of a provider of millions.
    async fn a_large_provider_makes_no_work_for_its_readers(app: TestApp) {
        for at in 0..70 {
            let asked = ask(&app, &format!("reader{at}@gmail.com"), &format!("203.0.{at}.1"), Crowd::Unasked).await;
            assert!(asked.is_ok(), "{at}: {asked:?}");
        }
        app.advance(HOUR * 2);
        for at in 0..60 {
            ask(&app, &format!("r{at}@example.net"), &format!("198.51.{at}.1"), Crowd::Unasked).await.expect("taken");
        }
        let crowded = ask(&app, "last@example.net", "198.51.99.1", Crowd::Unasked).await;
        assert!(matches!(crowded, Err(SubscriberError::Crowded)), "{crowded:?}");
        app.drain().await;
    }

    /// A form that offers topics: what somebody ticks is theirs with the press, and what a stranger ticks for a reader changes nothing.
    async fn topics_that_a_form_offers_are_theirs_with_the_press(app: TestApp) {
        let list = app.list().await;
        for name in ["Housing", "Rivers"] {
            assert!(publishing::make_topic(&app.site, (name, ""), &[list], None).await.expect("made"));
        }
        let (desk, visitor) = (app.desk().await, app.visitor());
        assert!(!visitor.open("/subscribe").await.body.contains("Housing"), "none before somebody says so");
        let form = desk.open("/desk/forms/main").await.form("/desk/forms/main").with("topics", "yes");
        desk.submit_and_follow(&form).await.says("Saved.");
        let [housing, rivers] = <[Topic; 2]>::try_from(offered(&app).await).expect("two");
        let page = visitor.open("/subscribe").await;
        assert!(page.body.contains("Housing") && page.body.contains("Tick nothing, and you get everything"), "{}", page.body);
        let form = page.form("/subscribe").with("consent", "yes");
        let typed = form.clone().with("email", ANN).with("topic", &format!("{list}:{}", housing.id)).and("topic", "99:99");
        let mistaken = visitor.submit(&typed.clone().with("email", "ann@")).await;
        assert!(mistaken.body.contains(&format!("value=\"{list}:{}\" checked", housing.id)), "what was ticked stays: {}", mistaken.body);
        visitor.submit_and_follow(&typed).await.says("Check your mail");
        assert_eq!(count(&app, "select count(*) from subscription_topic").await, 0, "nobody's before the press");
        press(&app, ANN).await;
        assert_eq!(chosen(&app, ANN).await, ["Housing"]);
        // A stranger, for a reader; and by a script, for somebody new.
        app.advance(HOUR * 200);
        let form = visitor.open("/subscribe").await.form("/subscribe").with("consent", "yes");
        visitor.submit_and_follow(&form.with("email", ANN).with("topic", &format!("{list}:{}", rivers.id))).await.says("Check your mail");
        app.drain().await;
        assert_eq!(chosen(&app, ANN).await, ["Housing"]);
        on_a_site(&app).await;
        let words = consent::known_by(&consent::wording("The Lamplighter"));
        let body = json!({ "email": "bob@example.org", "consent": true, "wording": words, "topics": { "digest": ["Rivers", "Gone"] } });
        assert_eq!(by_script(&app, HERE, body.to_string()).await.status, StatusCode::ACCEPTED);
        press(&app, "bob@example.org").await;
        assert_eq!(chosen(&app, "bob@example.org").await, ["Rivers"]);
        app.drain().await;
    }

    /// A request that was written down wrongly is put right as long as it is open, by whoever saw how it stands.
    async fn a_request_is_put_right(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/requests").await.form("/desk/requests");
        let form = form.with("kind", "access").with("email", "anne@example.org").with("came", "2026-03-01").with("detail", "By post");
        desk.submit_and_follow(&form).await.says("anne@example.org");
        let id = requests::open(&app.site.db, None, 9).await.expect("a read")[0].id;
        let path = format!("/desk/requests/{id}");
        let (form, stale) = (desk.open(&path).await.form(&path), desk.open(&path).await.form(&path));
        assert_eq!(form.value("came"), Some("2026-03-01"));
        let wrong = desk.submit(&form.clone().with("email", "ann@")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        desk.submit_and_follow(&form.with("email", ANN).with("came", "2026-02-20")).await.says("ann@example.org").says("20 March 2026");
        let late = desk.submit(&stale.with("detail", "By telephone")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        let ann = EmailAddress::parse(ANN).expect("an address");
        let hash = Suppressions::new(&app.site).hash(&ann);
        let known = requests::about(&app.site, &[hash]).await.expect("a read");
        assert_eq!((known.len(), known[0].detail.as_str()), (1, "By post"), "it is found under the right address");
        let close = desk.open("/desk/requests").await.form("/close").with("outcome", "told her");
        desk.submit(&close).await;
        assert_eq!(desk.open(&path).await.status, StatusCode::NOT_FOUND, "what is answered stays as it is");
    }

    /// Whoever closes a list is told how many asked before and may still confirm.
    async fn closing_a_list_says_who_waits(app: TestApp) {
        app.subscribe(ANN).await;
        let desk = app.desk().await;
        let lists = subscribers::lists::all(&app.site.db).await.expect("a read");
        let page = desk.open(&format!("/desk/lists/{}", lists[0].public_id)).await;
        assert!(page.body.contains("1 reader asked and have not yet") || page.body.contains("1 reader asked"), "{}", page.body);
    }
}
