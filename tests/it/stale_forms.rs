//! Forms that are not any more what they were when somebody saw them, and what was typed into them by more than one.

use std::time::Duration;

use broadside::{
    db::Db,
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        self, Crowd, NewSubscription, SubscriberError, Trace, consent,
        fields::{self, Answers, FieldKind, NewField, StandsIn},
        forms::{self, Answer, Draft, FormState, Offers, OffersTopics, Words},
        lists,
    },
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{TestApp, between::overtaken_by, both_engines, database::rows, visitor::Page};

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const DAY: Duration = Duration::from_secs(86_400);
const HERE: &str = "https://www.example.org";

/// Saves the main form as it says.
async fn save(
    app: &TestApp,
    wording: &str,
    state: FormState,
    lists: Option<&[i64]>,
    fields: &[(i64, Answer)],
) {
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    let seen = main_form(app).await.changes;
    let offers = if lists.is_some() { Offers::Chosen } else { Offers::All };
    let words = Words {
        name: "Main",
        title: "",
        intro: "",
        wording,
        offers,
        campaign: "Fair",
        source: "",
        state,
        topics: OffersTopics::No,
    };
    let draft = Draft { words, lists: lists.unwrap_or_default(), fields };
    forms::save(&app.site, &settings, 1, (forms::MAIN, seen), draft).await.expect("saved");
}

async fn main_form(app: &TestApp) -> forms::SignUpForm {
    forms::named(&app.site.db, forms::MAIN).await.expect("a read").expect("the form")
}

async fn weekly(app: &TestApp) -> i64 {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    lists::add(&mut tx, &app.site, "weekly", "The weekly", "").await.expect("made");
    tx.commit().await.expect("a commit");
    lists::all(&app.site.db).await.expect("a read").pop().expect("a list").id
}

async fn field(app: &TestApp, label: &str) -> fields::Field {
    let new = NewField { label, kind: FieldKind::Text, choices: "", stands_in: StandsIn::Desk };
    fields::add(&app.site, 1, new).await.expect("made");
    fields::all(&app.site.db).await.expect("a read").pop().expect("a field")
}

/// Somebody fills in the main form.
async fn ask(
    app: &TestApp,
    (email, name, answers): (&str, &str, &str),
    ip: &str,
    lists: &[i64],
) -> Result<subscribers::Goes, SubscriberError> {
    let settings = Settings::load(&app.site.db).await.expect("the settings");
    let email = EmailAddress::parse(email).expect("an address");
    let form = main_form(app).await;
    let new = NewSubscription {
        email: &email,
        name,
        lists,
        wording: &form.wording(&settings),
        answers,
        by: form.by("subscribe"),
        lookout: None,
        trace: Trace { ip, user_agent: "" },
        crowd: Crowd::Unasked,
    };
    subscribers::subscribe(&app.site, &settings, new).await
}

/// Presses the button of the page that shows those lists.
async fn press(app: &TestApp, email: &str, shown: &[i64]) {
    app.drain().await;
    let link = app.last_mail(email).link("/confirm/");
    let token = link.rsplit('/').next().expect("a token");
    subscribers::confirm(&app.site, token, shown, Trace::default()).await.expect("the link is good");
}

async fn name_of(app: &TestApp, email: &str) -> String {
    let email = EmailAddress::parse(email).expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader").name
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    rows::<(i64,)>(&app.site.db, sql).await[0].0
}

async fn by_script(app: &TestApp, body: &Value) -> Page {
    let visitor = app.visitor();
    let request = visitor
        .request(Method::POST, "/api/forms/main")
        .header(header::ORIGIN, HERE)
        .header("Sec-Fetch-Site", "cross-site")
        .header(header::CONTENT_TYPE, "application/json");
    visitor.send(request.body(body.to_string())).await
}

both_engines! {
    /// TRUST A21: no method has a body without a limit.
    async fn what_a_browser_asks_first_may_not_be_large(app: TestApp) {
        let visitor = app.visitor();
        let request = visitor.request(Method::OPTIONS, "/api/forms/main").header(header::ORIGIN, HERE);
        let answer = visitor.send(request.body(vec![b'x'; 1 << 20])).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    /// TRUST A11: a page that is older than its form takes nobody to a list that the form does not offer, nor to another than they saw.
    async fn a_form_takes_what_it_offers_now_and_nothing_else(app: TestApp) {
        let (digest, visitor) = (app.list().await, app.visitor());
        let old = visitor.open("/subscribe").await.form("/subscribe").with("email", ANN).with("consent", "yes");
        let weekly = weekly(&app).await;
        save(&app, "", FormState::Open, Some(&[weekly]), &[]).await;
        let swapped = visitor.submit(&old).await;
        assert_eq!(swapped.status, StatusCode::UNPROCESSABLE_ENTITY);
        swapped.says("is not offered here any more");
        for lists in [vec![digest], vec![digest, weekly]] {
            let mut form = old.clone().without("list");
            for list in &lists {
                form = form.and("list", &list.to_string());
            }
            visitor.submit(&form).await.says("is not offered here any more");
        }
        let refused = ask(&app, (ANN, "", ""), "192.0.2.1", &[digest]).await;
        assert!(matches!(refused, Err(SubscriberError::NotFound)), "{refused:?}");
        save(&app, "", FormState::Closed, Some(&[weekly]), &[]).await;
        let late = visitor.submit(&old.with("list", &weekly.to_string())).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        let refused = ask(&app, (ANN, "", ""), "192.0.2.1", &[weekly]).await;
        assert!(matches!(refused, Err(SubscriberError::NotFound)), "{refused:?}");
        assert_eq!(count(&app, "select count(*) from consent_event").await, 0);
    }

    /// TRUST L1, L2: whoever saw other words than those of now is shown these, and ticks them or is not taken.
    async fn the_proof_names_words_that_were_seen(app: TestApp) {
        let visitor = app.visitor();
        let old = visitor.open("/subscribe").await.form("/subscribe").with("email", ANN).with("consent", "yes");
        save(&app, "Yes, write to me.", FormState::Open, None, &[]).await;
        forms::save_sites(&app.site, 1, (forms::MAIN, main_form(&app).await.changes), &[HERE.to_owned()]).await.expect("saved");
        let pressed = visitor.submit(&old).await;
        assert!(pressed.says("One more press").body.contains("Yes, write to me."), "{}", pressed.body);
        let press_form = pressed.form("/subscribe");
        assert_eq!(press_form.value("consent"), None, "nobody ticked it for them");
        let not_ticked = visitor.submit(&press_form).await;
        assert_eq!(not_ticked.status, StatusCode::UNPROCESSABLE_ENTITY);
        let mistaken = visitor.submit(&old.clone().with("email", "")).await;
        assert_eq!(mistaken.form("/subscribe").value("consent"), None, "those were other words");
        assert_eq!(count(&app, "select count(*) from consent_event").await, 0);
        visitor.submit_and_follow(&press_form.with("consent", "yes")).await.says("Check your mail");
        let wording = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read")[0].wording.clone();
        assert_eq!(wording.as_deref(), Some("Yes, write to me."));

        let old = by_script(&app, &json!({ "email": BOB, "consent": true })).await;
        assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told: Value = serde_json::from_str(&old.body).expect("JSON");
        assert_eq!(told["wording"]["text"], "Yes, write to me.");
        assert!(told["errors"]["consent"].is_string(), "{told}");
        let seen = json!({ "email": BOB, "consent": true, "wording": told["wording"]["id"] });
        assert_eq!(by_script(&app, &seen).await.status, StatusCode::ACCEPTED);
        app.drain().await;
    }

    /// Whoever's mail does not go at once loses nothing of what they typed.
    async fn what_was_typed_waits_with_whoever_waits(app: TestApp) {
        let list = app.list().await;
        app.reader(ANN).await;
        subscribers::leave_by_staff(&app.site, app.reader_row(ANN).await, list, "a call").await.expect("gone");
        let field = field(&app, "How do you read us?").await;
        let mut answers = Answers::default();
        answers.add(&field, "Print".to_owned());
        ask(&app, (ANN, "Ann", &answers.write()), "192.0.2.1", &[list]).await.expect("taken");
        app.drain().await;
        let before = app.mails(ANN).len();
        app.advance(DAY);
        press(&app, ANN, &[]).await;
        assert_eq!(app.mails(ANN).len(), before + 1, "the mail had to wait");
        assert_eq!(name_of(&app, ANN).await, "Ann");
        let answered = fields::of_reader(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        assert_eq!(answered.first().map(|(_, value)| value.as_str()), Some("Print"));
        assert_eq!(count(&app, "select count(*) from typed").await, 0, "it is theirs now");
    }

    /// TRUST A24: a name that a reader was given a moment before the press stays.
    async fn who_has_a_name_by_the_time_they_confirm_keeps_it(app: TestApp) {
        ask(&app, (ANN, "Rude Name", ""), "192.0.2.1", &[app.list().await]).await.expect("taken");
        if let Db::Postgres { pool, .. } = &app.site.db {
            let mut change = pool.begin().await.expect("a transaction");
            sqlx::query("update subscriber set name = 'Ann'").execute(&mut *change).await.expect("a name");
            app.drain().await;
            overtaken_by(&app.site.db, change, press(&app, ANN, &[])).await;
            assert_eq!(name_of(&app, ANN).await, "Ann");
        } else {
            press(&app, ANN, &[]).await;
        }
    }

    /// A question that was taken away stops no page, no script and nobody at the desk that knew it.
    async fn a_question_that_was_taken_away_stops_nobody(app: TestApp) {
        let town = field(&app, "Town").await;
        save(&app, "", FormState::Open, None, &[(town.id, Answer::Required)]).await;
        forms::save_sites(&app.site, 1, (forms::MAIN, main_form(&app).await.changes), &[HERE.to_owned()]).await.expect("saved");
        let (visitor, desk) = (app.visitor(), app.desk().await);
        let form = visitor.open("/subscribe").await.form("/subscribe").with("email", ANN).with("consent", "yes");
        let at_desk = desk.open("/desk/forms/main").await.form("/desk/forms/main").with("title", "All the news");
        fields::remove(&app.site, 1, ("town", 0)).await.expect("gone");
        visitor.submit_and_follow(&form.with("field_town", "Leeds")).await.says("Check your mail");
        let words = consent::known_by(&consent::wording("The Lamplighter"));
        let script = json!({ "email": BOB, "consent": true, "wording": words, "fields": { "town": "Leeds" } });
        assert_eq!(by_script(&app, &script).await.status, StatusCode::ACCEPTED);
        desk.submit_and_follow(&at_desk).await.says("Saved.");
        assert_eq!(main_form(&app).await.title, "All the news");
        let framed = visitor.request(Method::POST, "/subscribe/main/embedded").body("role=owner")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let failed = visitor.send(framed).await;
        assert_eq!(failed.status, StatusCode::BAD_REQUEST);
        let policy = failed.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.contains(&format!("frame-ancestors {HERE}")), "a failure is seen where the form is: {policy}");
        app.drain().await;
    }

    /// TRUST A22: what has gone to an address or not tells nothing of when a crowd begins.
    async fn a_crowd_begins_alike_for_known_and_unknown(app: TestApp) {
        let list = app.list().await;
        app.reader(ANN).await;
        let mut begins = Vec::new();
        for email in [ANN, "unknown@example.net"] {
            app.advance(DAY);
            let mut at = 0;
            while ask(&app, (email, "", ""), &format!("203.0.{at}.1"), &[list]).await.is_ok() {
                at += 1;
            }
            begins.push(at);
        }
        assert_eq!(begins, [60, 60]);
        app.drain().await;
    }

    /// Each list is booked to the form by which it was asked for.
    async fn a_confirmation_counts_for_the_form_that_asked(app: TestApp) {
        let (digest, weekly) = (app.list().await, weekly(&app).await);
        save(&app, "", FormState::Open, None, &[]).await;
        ask(&app, (ANN, "", ""), "192.0.2.1", &[digest]).await.expect("taken");
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        let ann = EmailAddress::parse(ANN).expect("an address");
        subscribers::ask_by_staff(&app.site, &settings, (&ann, ""), weekly, (None, "a call")).await.expect("asked");
        press(&app, ANN, &[digest, weekly]).await;
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        let confirmed: Vec<_> = proof.iter().filter(|one| one.action == subscribers::ConsentAction::Confirmed)
            .map(|one| (one.list.as_str(), one.form.as_deref(), one.campaign.as_str())).collect();
        assert_eq!(confirmed, [("The digest", Some("Main"), "Fair"), ("The weekly", None, "")]);
        assert_eq!(count(&app, "select cast(sum(confirmed) as bigint) from form_day").await, 1);
    }

    /// TRUST A11: whoever mends a mistake does not let back in a site that somebody else took away meanwhile.
    async fn a_mistake_among_the_sites_hides_no_newer_version(app: TestApp) {
        let desk = app.desk().await;
        let old = desk.open("/desk/forms/main").await.form("/sites");
        desk.submit_and_follow(&old.clone().with("sites", "https://a.example")).await.says("Saved");
        let answer = desk.submit(&old.with("sites", "no site")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let mended = answer.form("/sites").with("sites", "https://b.example");
        assert_eq!(desk.submit(&mended).await.status, StatusCode::CONFLICT);
    }

    /// TRUST L2: words that come back are a version of their own.
    async fn words_that_come_back_are_the_newest_version(app: TestApp) {
        for words in ["One", "Two", "One"] {
            save(&app, words, FormState::Open, None, &[]).await;
            app.advance(DAY);
        }
        let wordings = forms::wordings(&app.site.db, main_form(&app).await.id).await.expect("a read");
        assert_eq!(wordings.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["One", "Two", "One"]);
        ask(&app, (ANN, "", ""), "192.0.2.1", &[app.list().await]).await.expect("taken");
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        assert_eq!((proof[0].version, proof[0].wording.as_deref()), (3, Some("One")));
        app.drain().await;
    }

    /// A question is called nothing that a script is told of something else.
    async fn no_question_is_called_like_the_address(app: TestApp) {
        assert_eq!(field(&app, "Email").await.name, "email_2");
    }

    /// A form that is saved while a question is taken away does not ask what nobody can answer.
    async fn a_form_asks_no_question_that_is_taken_away_meanwhile(app: TestApp) {
        let town = field(&app, "Town").await;
        let asks = [(town.id, Answer::Optional)];
        let saved = save(&app, "", FormState::Open, None, &asks);
        if let Db::Postgres { pool, .. } = &app.site.db {
            let mut change = pool.begin().await.expect("a transaction");
            sqlx::query("update field set removed_at = 1").execute(&mut *change).await.expect("taken away");
            overtaken_by(&app.site.db, change, saved).await;
        } else {
            fields::remove(&app.site, 1, ("town", 0)).await.expect("gone");
            saved.await;
        }
        assert_eq!(count(&app, "select count(*) from form_field").await, 0);
    }
}
