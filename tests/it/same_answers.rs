//! What somebody can find out about an address by asking: nothing (TRUST A22). Every way to ask, for every way to stand.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header},
};
use broadside::{
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    publishing,
    subscribers::{self, consent, machines},
    web::router,
};

use crate::{
    desk::Log,
    support::{
        both_engines,
        database::change,
        pages::{Answer, BASE, Web},
    },
};

const HERE: &str = "https://www.example.org";

/// How somebody may stand with us.
const STANDINGS: [&str; 9] = [
    "new",
    "asked",
    "on-the-list",
    "told-so",
    "left",
    "complained",
    "bounced",
    "blocked",
    "blocked-stranger",
];

/// Whoever asks many times gets there from as many domains, so that none of them is a crowd.
fn address(standing: &str, way: usize) -> EmailAddress {
    EmailAddress::parse(&format!("ann@{standing}{way}.example")).expect("an address")
}

async fn stands(web: &Web, list: i64, standing: &str, way: usize) {
    let (site, email) = (&web.app.site, address(standing, way));
    let is_known = !matches!(standing, "new" | "asked" | "blocked-stranger");
    if is_known {
        subscribers::add_by_staff(site, &email, "", list, "a test").await.expect("added");
    }
    match standing {
        "left" => {
            let reader = subscribers::by_email(&site.db, &email).await.expect("a read").expect("a reader");
            subscribers::leave_by_staff(site, reader.id, list, "a test").await.expect("left");
        }
        "complained" | "bounced" => {
            let reason = if standing == "bounced" { StopReason::Bounced } else { StopReason::Complained };
            let mut tx = site.db.begin().await.expect("a transaction");
            Suppressions::new(site).add(&mut tx, &email, reason, "a test").await.expect("added");
            tx.commit().await.expect("a commit");
        }
        "blocked" | "blocked-stranger" => {
            subscribers::block(site, &email, "a test", None).await.expect("blocked");
        }
        _ => {}
    }
}

/// All of an answer but the time, and the address that was typed, which it says to whoever typed it: on the page as it was typed, in the
/// address of the page as something that is sealed anew each time.
fn seen(answer: &Answer, typed: &EmailAddress) -> (u16, Vec<(String, String)>, String) {
    // How long it is depends on the address, too.
    let varies = [header::DATE, header::CONTENT_LENGTH];
    let headers = answer.headers.iter().filter(|(name, _)| !varies.contains(name));
    let headers = headers.map(|(name, value)| {
        let value = value.to_str().expect("text");
        (name.to_string(), value.split_once("?told=").map_or(value, |(path, _)| path).to_owned())
    });
    (answer.status.as_u16(), headers.collect(), answer.body.replace(typed.as_str(), "(the address)"))
}

both_engines! {
    /// TRUST A22: whoever asks for a list gets the same bytes, and just as much work is done, whether the address is new, waits, is on
    /// the list, was told so today, left, complained, bounced or was blocked: on each page, in a frame and by a script. A letter is
    /// what takes time, so one is written each time, sent or not.
    async fn every_way_to_subscribe_answers_every_address_the_same(web: Web) {
        let log = Log::default();
        // As in the test of what the log holds: with one subscriber alive, tracing remembers what the first thread said.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        publishing::ensure_first(&web.app.site).await.expect("a list");
        change(&web.app.site.db, "update form set sites = 'https://www.example.org'").await;
        let list = subscribers::lists::all(&web.app.site.db).await.expect("a read").remove(0).id;
        let mut app = web.app.clone();
        // Nobody takes any time while the clock stands still.
        app.quickest_form = Duration::ZERO;
        let web = Web { router: router(app.clone()), app };
        let made = machines::stamp(&web.app.site);
        let words = consent::known_by(&consent::wording("The Lamplighter"));
        let ask = async |path: &str, email: &EmailAddress| {
            let request = if path.starts_with("/api/") {
                let body = serde_json::json!({ "email": email.as_str(), "consent": true, "wording": words });
                let request = Request::post(path).header("origin", HERE).header("sec-fetch-site", "cross-site");
                request.header("content-type", "application/json").body(Body::from(body.to_string()))
            } else {
                let form = [("email", email.as_str()), ("consent", "yes"), ("words", &words), ("made", &made)];
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
                let request = Request::post(path).header("origin", BASE);
                request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(body))
            };
            web.send(request.expect("a request")).await
        };
        let paths = ["/subscribe", "/subscribe/main", "/subscribe/main/embedded", "/api/forms/main"];
        // Once more where the form alone is enough to join.
        for (way, path) in paths.into_iter().chain(paths).enumerate() {
            if way == paths.len() {
                change(&web.app.site.db, "update list set opt_in = 'single'").await;
            }
            let mut first = None;
            for standing in STANDINGS {
                stands(&web, list, standing, way).await;
                let email = address(standing, way);
                if matches!(standing, "asked" | "told-so") {
                    ask(path, &email).await;
                }
                let before = written(&log);
                let listening = log.listen();
                let answer = ask(path, &email).await;
                drop(listening);
                assert_eq!(written(&log) - before, 1, "{path}, {standing}: a letter is written, or written for nobody");
                assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}, {standing}: {} {}", answer.status, answer.body);
                let then = match answer.header("location") {
                    "" => None,
                    path => Some(seen(&web.get(path, "").await, &email)),
                };
                let all = (seen(&answer, &email), then);
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{path}, {standing}");
            }
        }
    }

    /// TRUST A22: the page that mails the link to choices says and does the same for everybody.
    async fn the_link_to_choices_is_written_for_nobody_too(web: Web) {
        let log = Log::default();
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        publishing::ensure_first(&web.app.site).await.expect("a list");
        let list = subscribers::lists::all(&web.app.site.db).await.expect("a read").remove(0).id;
        let mut first = None;
        for standing in STANDINGS {
            stands(&web, list, standing, 9).await;
            let before = written(&log);
            let listening = log.listen();
            let email = address(standing, 9);
            let answer = web.post("/choices", "", &[("email", email.as_str())]).await;
            drop(listening);
            assert_eq!(written(&log) - before, 1, "{standing}: a letter is written, or written for nobody");
            assert!(answer.header("location").starts_with("/choices/sent?told="), "{standing}: {}", answer.status);
            let sent = web.get(answer.header("location"), "").await;
            assert!(sent.body.contains(email.as_str()), "{standing}: {}", sent.body);
            let all = (seen(&answer, &email), seen(&sent, &email));
            assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{standing}");
        }
    }

    /// TRUST A22: as much work is done for a link to sign in, whether there is such an account or not.
    async fn a_link_to_sign_in_is_written_for_nobody_too(web: Web) {
        let log = Log::default();
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        for email in ["owner@example.org", "nobody@example.org"] {
            let before = written(&log);
            let listening = log.listen();
            web.post("/desk/sign-in-link", "", &[("link_email", email)]).await;
            drop(listening);
            assert_eq!(written(&log) - before, 1, "{email}");
        }
    }
}

/// How many automatic emails were written on this thread, for somebody or for nobody.
fn written(log: &Log) -> usize {
    log.text().matches("an automatic email is written").count()
}
