//! Forms of the team's own: what they ask, what is kept with the proof, and what other sites can do with them.

use std::time::Duration;

use axum::{Router, response::Html, routing::get};
use broadside::{
    db::Engine,
    email_address::EmailAddress,
    jobs,
    subscribers::{
        self, Trace, consent,
        fields::{self, FieldKind, NewField, StandsIn},
        forms::{self, Answer, Draft, FormError, FormState, Offers, OffersTopics, Words},
    },
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::rows,
    visitor::{Page, Visitor},
};

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const DAY: Duration = Duration::from_secs(86_400);
const HERE: &str = "https://www.example.org";

/// An open form for the spring fair, with a first name that is needed and a choice that is not, on these sites.
async fn spring_fair(app: &TestApp, wording: &str, sites: &[String]) -> String {
    let settings = broadside::settings::Settings::load(&app.site.db).await.expect("the settings");
    let fields = fields::all(&app.site.db).await.expect("a read");
    if fields.is_empty() {
        let name =
            NewField { label: "First name", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Desk };
        fields::add(&app.site, 1, name).await.expect("made");
        let how = NewField {
            label: "How do you read us?",
            kind: FieldKind::Choice,
            choices: "Print\nOnline",
            stands_in: StandsIn::Desk,
        };
        fields::add(&app.site, 1, how).await.expect("made");
        forms::add(&app.site, 1, "Spring fair").await.expect("made");
    }
    let fields = fields::all(&app.site.db).await.expect("a read");
    let asked = [(fields[0].id, Answer::Required), (fields[1].id, Answer::Optional)];
    let slug = "spring-fair";
    let seen = forms::named(&app.site.db, slug).await.expect("a read").expect("a form").changes;
    let words = Words {
        name: "Spring fair",
        title: "News from the fair",
        intro: "",
        wording,
        offers: Offers::All,
        campaign: "Spring 2026",
        source: "",
        state: FormState::Open,
        topics: OffersTopics::No,
    };
    let draft = Draft { words, lists: &[], fields: &asked };
    forms::save(&app.site, &settings, 1, (slug, seen), draft).await.expect("saved");
    forms::save_sites(&app.site, 1, (slug, seen + 1), sites).await.expect("saved");
    slug.to_owned()
}

async fn press(app: &TestApp, email: &str) {
    app.drain().await;
    let link = app.last_mail(email).link("/confirm/");
    let token = link.rsplit('/').next().expect("a token");
    subscribers::confirm(&app.site, token, &[], Trace::default()).await.expect("the link is good");
}

async fn answers_of(app: &TestApp, email: &str) -> Vec<(String, String)> {
    let email = EmailAddress::parse(email).expect("an address");
    let reader = subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader");
    let answers = fields::of_reader(&app.site.db, reader.id).await.expect("a read");
    answers.into_iter().map(|(field, value)| (field.label, value)).collect()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    rows::<(i64,)>(&app.site.db, sql).await[0].0
}

/// A sign-up by a script of a page on `origin`.
async fn by_script(visitor: &Visitor, origin: Option<&str>, body: &Value) -> Page {
    let mut request = visitor.request(Method::POST, "/api/forms/spring-fair");
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin).header("Sec-Fetch-Site", "cross-site");
    }
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    visitor.send(request).await
}

fn sign_up(email: &str) -> Value {
    let words = consent::known_by(&consent::wording("The Lamplighter"));
    json!({ "email": email, "consent": true, "wording": words, "fields": { "first_name": "Ann" } })
}

both_engines! {
    /// TRUST L1, A24: a form made at the desk asks its fields; the answers are the reader's once they confirm; the proof names the
    /// form, the version of its wording and the campaign, and another wording leaves the older one with whoever saw it.
    async fn a_form_made_at_the_desk_keeps_its_own_proof(app: TestApp) {
        let desk = app.desk().await;
        let field = desk.open("/desk/fields").await.form("/desk/fields");
        let no_choices = desk.submit(&field.clone().with("label", "How?").with("kind", "choice")).await;
        assert_eq!(no_choices.status, StatusCode::UNPROCESSABLE_ENTITY);
        no_choices.says("Write the choices, one a line");
        desk.submit_and_follow(&field.clone().with("label", "First name").with("kind", "text")).await.says("The field is made");
        let how = field.with("label", "How do you read us?").with("kind", "choice").with("choices", "Print\nOnline");
        desk.submit_and_follow(&how).await.says("How do you read us?");
        let form = desk.open("/desk/forms").await.form("/desk/forms").with("name", "Spring fair");
        let made = desk.submit_and_follow(&form).await;
        made.says("closed as yet");
        app.visitor().open("/subscribe/spring-fair").await.says("Not open yet");
        let form = made.form("/desk/forms/spring-fair")
            .with("title", "News from the fair")
            .with("wording", "Yes, write to me about the fair.")
            .with("campaign", "Spring 2026")
            .with("ask_first_name", "required")
            .with("ask_how_do_you_read_us", "optional")
            .with("state", "open");
        let saved = desk.submit_and_follow(&form).await;
        saved.says("Saved.");

        let visitor = app.visitor();
        let page = visitor.open("/subscribe/spring-fair").await;
        page.says("News from the fair");
        assert!(page.body.contains("Yes, write to me about the fair."), "{}", page.body);
        let form = page.form("/subscribe/spring-fair").with("email", ANN).with("consent", "yes");
        let missing = visitor.submit(&form.clone().with("field_how_do_you_read_us", "By owl")).await;
        assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
        missing.says("Please answer this: First name").says("“How do you read us?”: Choose one of these.");
        let form = form.with("field_first_name", "Ann").with("field_how_do_you_read_us", "Print");
        let with_more = visitor.submit(&form.clone().with("role", "owner")).await;
        assert_eq!(with_more.status, StatusCode::BAD_REQUEST, "TRUST A13");
        visitor.submit_and_follow(&form).await.says("Check your mail");
        assert_eq!(count(&app, "select count(*) from field_value").await, 0, "nobody's before somebody confirmed");
        app.drain().await;
        let mail = app.last_mail(ANN);
        assert!(!mail.text.contains("Print") && !mail.text.contains("fair"), "what a stranger typed stands in no mail");
        press(&app, ANN).await;
        assert_eq!(answers_of(&app, ANN).await, [("First name".into(), "Ann".into()), ("How do you read us?".into(), "Print".into())]);

        // Somebody else saved it meanwhile: nobody saves over what they did not see.
        let again = desk.open("/desk/forms/spring-fair").await.form("/desk/forms/spring-fair");
        let saved = desk.submit_and_follow(&again.clone().with("wording", "Yes, all about the fair.")).await;
        assert!(saved.body.contains("Version 2"), "{}", saved.body);
        assert_eq!(desk.submit(&again).await.status, StatusCode::CONFLICT);
        let form = visitor.open("/subscribe/spring-fair").await.form("/subscribe/spring-fair");
        let form = form.with("email", BOB).with("consent", "yes").with("field_first_name", "Bob").with("field_how_do_you_read_us", "");
        visitor.submit_and_follow(&form).await.says("Check your mail");
        for (email, version, wording) in [(ANN, 1, "Yes, write to me about the fair."), (BOB, 2, "Yes, all about the fair.")] {
            let reader = app.reader_row(email).await;
            let proof = consent::proof(&app.site.db, reader).await.expect("a read");
            let asked = &proof[0];
            assert_eq!((asked.form.as_deref(), asked.version, asked.campaign.as_str()), (Some("Spring fair"), version, "Spring 2026"));
            assert_eq!((asked.wording.as_deref(), asked.source.as_str()), (Some(wording), "spring-fair"));
        }
        let list = desk.open("/desk/forms").await;
        let row = list.text();
        assert!(row.contains("Spring 2026 /subscribe/spring-fair 2 1 open"), "{row}");
        let (reader,) = rows::<(String,)>(&app.site.db, "select public_id from subscriber where email = 'ann@example.org'").await.remove(0);
        desk.open(&format!("/desk/readers/{reader}")).await
            .says("How do you read us?").says("Form: Spring fair, wording 1").says("Campaign: Spring 2026");
        app.drain().await;
    }

    /// TRUST A24: what strangers answer for an address is nobody's once two differ, and changes nothing of a reader's.
    async fn what_strangers_answered_does_not_stay(app: TestApp) {
        spring_fair(&app, "", &[]).await;
        let visitor = app.visitor();
        let ask = async |email: &str, name: &str| {
            let form = visitor.open("/subscribe/spring-fair").await.form("/subscribe/spring-fair");
            let form = form.with("email", email).with("consent", "yes").with("field_first_name", name).with("field_how_do_you_read_us", "");
            visitor.submit_and_follow(&form).await.says("Check your mail");
        };
        ask(ANN, "Rude").await;
        ask(ANN, "Ann").await;
        press(&app, ANN).await;
        assert_eq!(answers_of(&app, ANN).await, []);
        ask(BOB, "Bob").await;
        ask(BOB, "Bob").await;
        press(&app, BOB).await;
        app.advance(DAY);
        ask(BOB, "Rude").await;
        app.drain().await;
        assert_eq!(answers_of(&app, BOB).await, [("First name".to_owned(), "Bob".to_owned())]);
    }

    /// Another kind of answer, or taking a field away, says what goes with it, and asks; the answers go, and nothing else.
    async fn another_kind_takes_the_answers_away_and_says_so(app: TestApp) {
        spring_fair(&app, "", &[]).await;
        let visitor = app.visitor();
        let form = visitor.open("/subscribe/spring-fair").await.form("/subscribe/spring-fair");
        let form = form.with("email", ANN).with("consent", "yes").with("field_first_name", "Ann");
        visitor.submit_and_follow(&form.with("field_how_do_you_read_us", "Online")).await.says("Check your mail");
        press(&app, ANN).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/fields/first_name").await.form("/desk/fields/first_name").with("kind", "number");
        let asked = desk.submit(&form).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(asked.body.contains("takes what readers answered away: 1 answer"), "{}", asked.body);
        asked.says("Asked by Spring fair");
        assert_eq!(answers_of(&app, ANN).await.len(), 2, "nothing yet");
        desk.submit_and_follow(&asked.form("/desk/fields/first_name").with("kind", "number").with("sure", "yes")).await.says("Saved.");
        assert_eq!(answers_of(&app, ANN).await, [("How do you read us?".to_owned(), "Online".to_owned())]);
        let shown = visitor.open("/subscribe/spring-fair").await;
        let form = shown.form("/subscribe/spring-fair").with("email", BOB).with("consent", "yes");
        visitor.submit(&form.with("field_first_name", "Bob")).await.says(": Write a number");

        let gone = desk.open("/desk/fields/how_do_you_read_us/remove").await;
        gone.says("Its answers go with it: 1 answer").says("Spring fair");
        desk.submit_and_follow(&gone.form("/remove")).await.says("The field is gone");
        assert_eq!(answers_of(&app, ANN).await, []);
        app.advance(Duration::from_secs(1));
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("a round");
        assert_eq!(count(&app, "select count(*) from field_value").await, 0);
        assert_eq!(count(&app, "select count(*) from field").await, 1, "the number");
        assert_eq!(desk.open("/desk/fields/how_do_you_read_us").await.status, StatusCode::NOT_FOUND);
    }

    /// A form offers the lists that were chosen for it, and says so when there are none; one that is closed takes nobody.
    async fn a_form_offers_what_was_chosen(app: TestApp) {
        let slug = spring_fair(&app, "", &[]).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        subscribers::lists::add(&mut tx, &app.site, "weekly", "The weekly", "On Fridays.").await.expect("made");
        tx.commit().await.expect("a commit");
        let weekly = subscribers::lists::all(&app.site.db).await.expect("a read").pop().expect("a list");
        let desk = app.desk().await;
        let page = desk.open("/desk/forms/spring-fair").await.form("/desk/forms/spring-fair");
        let nothing = desk.submit(&page.clone().with("offers", "chosen")).await;
        nothing.says("Choose at least one list");
        let chosen = page.with("offers", "chosen").with("list", &weekly.id.to_string());
        desk.submit_and_follow(&chosen).await.says("Saved.");
        let visitor = app.visitor();
        let form = visitor.open("/subscribe/spring-fair").await;
        form.says("On Fridays.");
        let form = form.form("/subscribe/spring-fair").with("email", ANN).with("consent", "yes").with("field_first_name", "Ann");
        // Another list's number does not join it (TRUST A11).
        let other = app.list().await.to_string();
        visitor.submit(&form.clone().with("list", &other)).await.says("is not offered here any more");
        visitor.submit_and_follow(&form).await.says("Check your mail");
        press(&app, ANN).await;
        let reader = app.reader_row(ANN).await;
        let on = subscribers::subscriptions(&app.site.db, reader).await.expect("a read");
        assert_eq!(on.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["The weekly"]);
        let page = desk.open(&format!("/desk/forms/{slug}")).await.form("/desk/forms/spring-fair").with("state", "closed");
        desk.submit_and_follow(&page).await.says("Saved.");
        // Its code is copied before it is opened.
        let sites = desk.open("/desk/forms/spring-fair").await.form("/sites").with("sites", HERE);
        let code = desk.submit_and_follow(&sites).await;
        let code = code.body.replace("&quot;", "\"").replace("&lt;", "<").replace("&#x3D;", "=");
        assert!(code.contains(&format!("name=\"list\" value=\"{}\"", weekly.id)), "{code}");
        visitor.open("/subscribe/spring-fair").await.says("Not open yet");
        let late = visitor.submit(&form.with("email", BOB)).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        assert_eq!(visitor.open("/subscribe/no-such-form").await.status, StatusCode::NOT_FOUND);
    }

    /// TRUST A7: what a page of a named site sends writes nothing before it was pressed on a page of ours; every other site is
    /// refused, and no page but the one for frames can be framed, by the named sites alone.
    async fn an_embedded_form_works_on_the_named_sites_alone(app: TestApp) {
        spring_fair(&app, "", &[HERE.to_owned()]).await;
        let visitor = app.visitor();
        let send = async |path: &str, origin: &str, site: &str| {
            let words = consent::known_by(&consent::wording("The Lamplighter"));
            let body = format!("email=ann%40example.org&consent=yes&words={words}&field_first_name=Ann");
            let request = visitor.request(Method::POST, path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, origin).header("Sec-Fetch-Site", site);
            visitor.send(request.body(body)).await
        };
        let events = "select count(*) from consent_event";
        let asked = send("/subscribe/spring-fair", HERE, "cross-site").await;
        asked.says("One more press").says(ANN);
        assert_eq!(count(&app, events).await, 0, "it was not pressed here");
        for (path, origin) in [
            ("/subscribe/spring-fair", "https://evil.example"),
            ("/subscribe/spring-fair", "https://www.example.org.evil.example"),
            ("/subscribe/spring-fair", "http://www.example.org"),
            ("/subscribe/spring-fair", "null"),
            ("/subscribe/main", HERE),
            ("/subscribe/no-such-form", HERE),
            ("/subscribe", HERE),
            ("/subscribe/spring-fair/embedded", HERE),
        ] {
            assert_eq!(send(path, origin, "cross-site").await.status, StatusCode::FORBIDDEN, "{path} {origin}");
        }
        assert_eq!(count(&app, events).await, 0);
        visitor.submit_and_follow(&asked.form("/subscribe/spring-fair")).await.says("Check your mail");
        assert_eq!(count(&app, events).await, 1);

        let framed_by = |page: &Page| {
            let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
            policy.split("; ").find(|part| part.starts_with("frame-ancestors")).expect("a rule").to_owned()
        };
        let frame = visitor.open("/subscribe/spring-fair/embedded").await;
        assert_eq!(framed_by(&frame), "frame-ancestors https://www.example.org");
        let form = frame.form("/embedded").with("email", BOB).with("consent", "yes");
        let mistaken = visitor.submit(&form).await;
        assert_eq!((mistaken.status, framed_by(&mistaken)), (StatusCode::UNPROCESSABLE_ENTITY, "frame-ancestors https://www.example.org".into()));
        let sent = visitor.submit_and_follow(&form.with("field_first_name", "Bob")).await;
        assert_eq!((sent.url.path(), framed_by(&sent).as_str()), ("/subscribe/spring-fair/embedded/sent", "frame-ancestors https://www.example.org"));
        for path in ["/subscribe/spring-fair", "/subscribe/main/embedded", "/subscribe", "/", "/subscribe/sent", "/desk/sign-in"] {
            assert_eq!(framed_by(&visitor.open(path).await), "frame-ancestors 'none'", "{path}");
        }
        app.drain().await;
    }

    /// TRUST A22, A13: a script of a named site gets JSON, the same for an address that is known and one that is not; what it may not
    /// say is refused, and browsers let no other site send or read anything.
    async fn scripts_of_named_sites_alone_may_sign_people_up(app: TestApp) {
        spring_fair(&app, "", &[HERE.to_owned()]).await;
        app.reader(ANN).await;
        let visitor = app.visitor();
        let allowed = |page: &Page| page.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|to| to.to_str().expect("text").to_owned());
        let ask_first = |origin: &str| visitor.request(Method::OPTIONS, "/api/forms/spring-fair")
            .header(header::ORIGIN, origin).header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        let may = visitor.send(ask_first(HERE)).await;
        assert_eq!((may.status, allowed(&may).as_deref()), (StatusCode::NO_CONTENT, Some(HERE)));
        assert_eq!(may.headers[header::ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
        let may_not = visitor.send(ask_first("https://evil.example")).await;
        assert_eq!((may_not.status, allowed(&may_not)), (StatusCode::FORBIDDEN, None));
        for origin in [Some("https://evil.example"), None] {
            let refused = by_script(&visitor, origin, &sign_up(BOB)).await;
            assert_eq!((refused.status, allowed(&refused)), (StatusCode::FORBIDDEN, None), "{origin:?}");
        }
        let known = by_script(&visitor, Some(HERE), &sign_up(ANN)).await;
        let unknown = by_script(&visitor, Some(HERE), &sign_up(BOB)).await;
        assert_eq!((known.status, &known.body), (StatusCode::ACCEPTED, &unknown.body));
        assert_eq!((unknown.status, allowed(&unknown).as_deref()), (StatusCode::ACCEPTED, Some(HERE)));
        assert_eq!(known.headers.len(), unknown.headers.len());

        let wrong = by_script(&visitor, Some(HERE), &json!({ "email": "ann@gmial.com", "fields": { "how_do_you_read_us": "By owl" } })).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let errors: Value = serde_json::from_str(&wrong.body).expect("JSON");
        assert_eq!(errors["errors"]["email"], "Did you mean ann@gmail.com?");
        for field in ["first_name", "how_do_you_read_us", "consent"] {
            assert!(errors["errors"][field].is_string(), "{field}: {errors}");
        }
        for more in [json!({ "role": "owner" }), json!({ "fields": { "first_name": ["Ann"] } }), json!({ "lists": ["no-such-list"] })] {
            let mut body = sign_up(BOB);
            body.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            assert_eq!(by_script(&visitor, Some(HERE), &body).await.status, StatusCode::BAD_REQUEST, "{body}");
        }
        let plain = visitor.request(Method::POST, "/api/forms/spring-fair").header(header::ORIGIN, HERE)
            .header(header::CONTENT_TYPE, "text/plain").body(sign_up("carl@example.org").to_string());
        assert_eq!(visitor.send(plain).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let trapped = by_script(&visitor, Some(HERE), &json!({ "email": "carl@example.org", "consent": true, "website": "x" })).await;
        assert_eq!((trapped.status, &trapped.body), (StatusCode::ACCEPTED, &unknown.body));
        assert_eq!(count(&app, "select count(*) from subscriber where email = 'carl@example.org'").await, 0);
        press(&app, BOB).await;
        assert_eq!(answers_of(&app, BOB).await, [("First name".to_owned(), "Ann".to_owned())]);
        let asked = &consent::proof(&app.site.db, app.reader_row(BOB).await).await.expect("a read")[0];
        assert_eq!(asked.source, HERE, "where it came from");
    }

    /// TRUST A24: pages of other sites have a brake of their own, since nobody saw how long a form took there.
    async fn what_other_sites_send_has_a_brake_of_its_own(app: TestApp) {
        for at in 0..10 {
            forms::may_send_from_elsewhere(&app.site, "198.51.100.7").await.unwrap_or_else(|_| panic!("{at}"));
        }
        let more = forms::may_send_from_elsewhere(&app.site, "198.51.100.7").await;
        assert!(matches!(more, Err(subscribers::SubscriberError::TooMany(_))), "{more:?}");
        forms::may_send_from_elsewhere(&app.site, "192.0.2.1").await.expect("another network");
    }

    /// Of two who save a form at once, the second is told.
    async fn nobody_saves_a_form_over_what_they_did_not_see(app: TestApp) {
        let sites = ["https://a.example".to_owned()];
        forms::save_sites(&app.site, 1, (forms::MAIN, 0), &sites).await.expect("saved");
        let second = forms::save_sites(&app.site, 1, (forms::MAIN, 0), &[]).await;
        assert!(matches!(second, Err(FormError::Changed)), "{second:?}");
    }
}

/// A site of somebody else's, with pages that hold the form; its address.
async fn other_site(app: &TestApp) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("a port"));
    let frame = format!(
        "<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1><iframe src=\"{}\" title=\"Subscribe\" width=\"100%\" height=\"900\"></iframe>",
        app.url("/subscribe/spring-fair/embedded")
    );
    let html = format!(
        "<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1><form method=post action=\"{}\"><label>Your email address <input type=email name=email></label>
        <label>First name <input name=field_first_name></label><label><input type=checkbox name=consent value=yes> Yes</label><button>Subscribe</button></form>",
        app.url("/subscribe/spring-fair")
    );
    let site = Router::new()
        .route("/frame", get(async move || Html(frame)))
        .route("/html", get(async move || Html(html)));
    tokio::spawn(async move { axum::serve(listener, site).await });
    address
}

/// TRUST A7: in a real browser, on another origin: the frame and the plain form work where the owner named the site, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_on_another_site_works_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let (named, other) = (other_site(&app).await, other_site(&app).await);
    spring_fair(&app, "", std::slice::from_ref(&named)).await;

    browser.goto(&format!("{other}/frame")).await;
    browser.enter_frame().await;
    assert!(!browser.sees("News from the fair").await, "nobody named that site");
    browser.goto(&format!("{named}/frame")).await;
    browser.enter_frame().await;
    browser.wait_for_text("News from the fair").await;
    browser.fill("Your email address", ANN).await;
    browser.fill("First name", "Ann").await;
    browser.tick("Yes, send me The Lamplighter by email").await;
    browser.click("Subscribe").await;
    browser.wait_for_text("Check your mail").await;
    press(&app, ANN).await;
    assert_eq!(answers_of(&app, ANN).await, [("First name".to_owned(), "Ann".to_owned())]);

    browser.goto(&format!("{other}/html")).await;
    browser.fill("Your email address", BOB).await;
    browser.tick("Yes").await;
    browser.click("Subscribe").await;
    browser.wait_for_text("That did not come from our pages").await;
    browser.goto(&format!("{named}/html")).await;
    browser.fill("Your email address", BOB).await;
    browser.fill("First name", "Bob").await;
    browser.tick("Yes").await;
    browser.click("Subscribe").await;
    browser.wait_for_text("One more press").await;
    browser.sound("subscribe-press").await;
    browser.tick("Yes, send me The Lamplighter by email").await;
    browser.click("Yes, send me the mail").await;
    browser.wait_for_text("Check your mail").await;
    press(&app, BOB).await;
    assert_eq!(answers_of(&app, BOB).await, [("First name".to_owned(), "Bob".to_owned())]);
    browser.close().await;
    app.finish().await;
}

/// Every page of forms and fields is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_forms_are_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    spring_fair(&app, "", &[HERE.to_owned()]).await;
    for (path, name) in
        [("/subscribe/spring-fair", "form-hosted"), ("/subscribe/spring-fair/embedded", "form-embedded")]
    {
        browser.goto(&app.url(path)).await;
        browser.sound(name).await;
    }
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Good to see you, Olive").await;
    for (path, name) in [
        ("/desk/forms", "desk-forms"),
        ("/desk/forms/spring-fair", "desk-form"),
        ("/desk/fields", "desk-fields"),
        ("/desk/fields/how_do_you_read_us", "desk-field"),
        ("/desk/fields/how_do_you_read_us/remove", "desk-field-remove"),
    ] {
        browser.goto(&app.url(path)).await;
        browser.sound(name).await;
    }
    browser.close().await;
    app.finish().await;
}
