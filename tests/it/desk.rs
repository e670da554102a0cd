//! The desk through HTTP: walks over the whole routes table (roles, forged requests, headers), sessions, set-up, signing in.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use broadside::{
    db::Db,
    delivery, publishing,
    staff::{self, Role, SeenMember},
    web::{Csrf, HeaderSet, Route, Who, routes},
};

use crate::support::{
    TestDb, both_engines,
    pages::{Answer, BASE, PASSWORD, Web, csrf_of, sign_in_fails},
};

fn seen(role: Role) -> SeenMember {
    SeenMember { role, disabled: false }
}

fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

fn sent_to_sign_in(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER && answer.header("location").starts_with("/desk/sign-in")
}

impl Web {
    async fn request(&self, route: &Route, path: &str, cookie: &str, csrf: &str) -> Answer {
        match route.method {
            Method::GET => self.get(path, cookie).await,
            _ => self.post(path, cookie, &[("csrf", csrf)]).await,
        }
    }
}

const SET_UP: [(&str, &str); 11] = [
    ("magazine_name", "The Lamplighter"),
    ("time_zone", "Australia/Sydney"),
    ("articles_at", "here"),
    ("external_site_url", ""),
    ("legal_name", "Lamplighter Press"),
    ("postal_address", "1 Wick Lane\r\nTown"),
    ("contact_email", "desk@example.org"),
    ("name", "Olive Owner"),
    ("email", "olive@example.org"),
    ("password", PASSWORD),
    ("list_name", "The weekly"),
];

/// The one route behind which a session is over.
const SIGN_OUT: &str = "/desk/sign-out";

/// What is logged on this thread, at the most talkative level.
#[derive(Clone, Default)]
pub struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("not poisoned")).into_owned()
    }
}

both_engines! {
    /// TRUST T6, A13: every route with every role and with none; who is not in the table's set gets nothing.
    async fn every_route_opens_to_the_roles_of_the_table_and_to_no_others(web: Web) {
        let mut sessions = web.session_of_each_role().await;
        for route in routes() {
            let Who::Staff(roles) = route.who else { continue };
            let path = filled(route.path);
            let nobody = web.request(&route, &path, "", "").await;
            assert!(sent_to_sign_in(&nobody), "{} {path} without a session: {}", route.method, nobody.status);
            for (role, cookie, csrf) in &sessions {
                let role = *role;
                let answer = web.request(&route, &path, cookie, csrf).await;
                let refused = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(
                    refused,
                    !roles.contains(&role),
                    "{} {path} as {role}: {}",
                    route.method,
                    answer.status
                );
                assert!(route.path == SIGN_OUT || !sent_to_sign_in(&answer), "{} {path} as {role}", route.method);
                assert!(!answer.status.is_server_error(), "{} {path} as {role}: {}", route.method, answer.status);
            }
            if route.path == SIGN_OUT {
                sessions = web.session_of_each_role().await;
            }
        }
    }

    /// TRUST A12: a spelling of a desk path that the table does not hold opens nothing.
    async fn other_spellings_of_a_path_do_not_open_it(web: Web) {
        for path in [
            "/desk/team/",
            "//desk/team",
            "/desk//team",
            "/Desk/team",
            "/desk/team;x",
            "/desk/%2e%2e/desk/team",
            "/x/../desk/team",
        ] {
            let answer = web.get(path, "").await;
            assert!(
                answer.status == StatusCode::NOT_FOUND || sent_to_sign_in(&answer),
                "{path}: {}",
                answer.status
            );
            assert!(!answer.body.contains("Add somebody"), "{path}");
        }
        for (method, status) in
            [(Method::TRACE, 405), (Method::OPTIONS, 405), (Method::PUT, 405), (Method::DELETE, 405)]
        {
            let request =
                Request::builder().method(&method).uri("/desk/team").header("x-http-method-override", "GET");
            let answer = web.send(request.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, status, "{method}");
            assert!(!answer.body.contains("Add somebody"), "{method}");
        }
    }

    /// TRUST A7: every route that changes something refuses what another site made a browser send; the exceptions are known.
    async fn forged_requests_change_nothing(web: Web) {
        let mut exempt = Vec::new();
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let (_, other_csrf) = web.session_of(Role::Owner).await;
        for route in routes().into_iter().filter(|route| route.method == Method::POST) {
            let path = filled(route.path);
            if matches!(route.csrf, Csrf::OneClick | Csrf::Webhook) {
                exempt.push(route.path);
                continue;
            }
            assert_ne!(route.csrf, Csrf::Safe, "{path} changes something");
            for (name, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.test"),
                ("origin", "https://desk.example.org.evil.test"),
            ] {
                for kind in ["application/x-www-form-urlencoded", "text/plain"] {
                    let request = Request::post(&path).header("cookie", &cookie).header(name, value);
                    let body = Body::from(format!("csrf={csrf}"));
                    let request = request.header("content-type", kind).body(body).expect("a request");
                    let answer = web.send(request).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {name}: {value}");
                }
            }
            if route.csrf == Csrf::Token {
                for token in ["", "x", &other_csrf] {
                    let answer = web.post(&path, &cookie, &[("csrf", token)]).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with the token {token:?}");
                }
            }
        }
        let allowed = ["/unsubscribe/{token}", "/hooks/stripe", "/hooks/bounces/{provider}"];
        assert!(exempt.iter().all(|path| allowed.contains(path)), "{exempt:?}");
    }

    /// TRUST A6: one page takes a file, which is read as a list of readers and never given back. Whoever may press a button still cannot upload by it; what one-click unsubscribing
    /// (RFC 8058) sends as multipart is read for nothing, so a file in it goes nowhere.
    async fn one_route_takes_an_uploaded_file(web: Web) {
        const FILE: &str = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.svg\"\r\n\
            Content-Type: image/svg+xml\r\n\r\n<svg onload=\"alert(1)\"/>\r\n--x--\r\n";
        let mut taken = Vec::new();
        let (mut cookie, mut csrf) = web.session_of(Role::Owner).await;
        for route in routes().into_iter().filter(|route| route.method == Method::POST) {
            let path = filled(route.path);
            let request = Request::post(&path)
                .header("cookie", &cookie)
                .header("origin", BASE)
                .header("x-csrf-token", &csrf)
                .header("content-type", "multipart/form-data; boundary=x");
            let answer = web.send(request.body(Body::from(FILE)).expect("a request")).await;
            if answer.status.is_success() || answer.status.is_redirection() {
                taken.push(route.path);
            }
            if route.path == SIGN_OUT {
                (cookie, csrf) = web.session_of(Role::Owner).await;
            }
            assert!(!answer.body.contains("<svg onload"), "{path} gives it back");
        }
        // Those that sign out, and look again, ask for no form at all.
        let known = ["/unsubscribe/{token}", "/desk/sign-out", "/desk/articles/bring-in", "/desk/imports", "/desk/deliverability", "/desk/doctor"];
        assert_eq!(taken, known);
    }

    /// TRUST A16, A14: a NUL, which PostgreSQL refuses to store or compare, is never our fault: not in an address, not in a form.
    async fn a_nul_breaks_no_page(web: Web) {
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        for route in routes() {
            let path = format!("{}?search=%00&state=%00&topic=%00&page=%00", filled(route.path).replace("/x", "/x%00y"));
            let answer = web.request(&route, &path, &cookie, &csrf).await;
            assert!(answer.status.is_client_error(), "{} {path}: {}", route.method, answer.status);
        }
        let form = [("csrf", csrf.as_str()), ("name", "No\0bis"), ("email", "nobis@example.org"), ("role", "viewer")];
        let added = web.post("/desk/team", &cookie, &form).await;
        assert_eq!(added.status, StatusCode::OK);
        assert!(added.body.contains("Nobis"));
    }

    /// TRUST 4.3: on every route, answered well or not, exactly the headers of its set.
    async fn every_answer_carries_the_headers_of_its_set(web: Web) {
        let known: Vec<String> = [
            "content-type",
            "content-length",
            "location",
            "set-cookie",
            "allow",
            "retry-after",
            "content-disposition",
            "vary",
            "etag",
        ]
        .map(str::to_owned)
        .to_vec();
        let (cookie, _) = web.session_of(Role::Owner).await;
        for route in routes() {
            let path = filled(route.path);
            for cookie in ["", &cookie] {
                let answer = web.request(&route, &path, cookie, "").await;
                let refused = answer.status.is_client_error() && answer.status != StatusCode::UNPROCESSABLE_ENTITY;
                // The page of a failure is one of ours, whatever stood there.
                let set = match route.headers {
                    HeaderSet::Hook | HeaderSet::Api => route.headers,
                    _ if refused || sent_to_sign_in(&answer) => {
                        let desk = path.starts_with("/desk") || path.starts_with("/set-up");
                        if desk { HeaderSet::Desk } else { HeaderSet::PublicForm }
                    }
                    set => set,
                };
                let token_page = route.path.contains("{token}");
                let wanted = set.all(Some("https://checkout.example.test"), token_page);
                for (name, value) in &wanted {
                    assert_eq!(answer.header(name.as_str()), value, "{name} of {} {path}", route.method);
                    assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{name} of {path}");
                }
                for name in answer.headers.keys() {
                    let expected =
                        wanted.iter().any(|(known, _)| known == name) || known.contains(&name.to_string());
                    assert!(expected, "{} {path} also sent {name}", route.method);
                }
                if !answer.body.is_empty() {
                    let kind = answer.header("content-type");
                    assert!(
                        kind.ends_with("; charset=utf-8") || matches!(kind, "image/x-icon" | "application/json"),
                        "{path}: {}",
                        answer.header("content-type")
                    );
                }
            }
        }
    }

    /// TRUST A20: the cookie's flags, and a new token at every sign-in whatever the browser sent (no fixation).
    async fn signing_in_gives_a_fresh_cookie_that_scripts_and_plain_http_never_see(web: Web) {
        let planted = "__Host-sid=planted-by-somebody-else";
        let form = [("email", "owner@example.org"), ("password", PASSWORD), ("next", "")];
        let answer = web.post("/desk/sign-in", planted, &form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/desk"));
        let cookie = answer.header("set-cookie");
        let (value, flags) = cookie.split_once(';').expect("flags");
        let token = value.strip_prefix("__Host-sid=").expect("the name");
        assert_eq!(flags, " Path=/; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).expect("base64").len(), 32);
        assert_eq!(web.get("/desk", value).await.status, StatusCode::OK);
        assert!(sent_to_sign_in(&web.get("/desk", planted).await));
        let stored: Vec<(String,)> = match &web.app.site.db {
            Db::Sqlite { read, .. } => {
                sqlx::query_as("select token_hash from staff_session").fetch_all(read).await.expect("rows")
            }
            Db::Postgres { .. } => Vec::new(),
        };
        assert!(stored.iter().all(|row| row.0 != token), "the token itself is stored nowhere");
    }

    /// TRUST A20: two hours without a request, twelve hours in all.
    async fn a_session_ends_when_idle_and_when_old(web: Web) {
        let (cookie, _) = web.session_of(Role::Viewer).await;
        let clock = &web.app.site.clock;
        clock.advance(Duration::from_secs(2 * 3_600 - 1));
        assert_eq!(web.get("/desk", &cookie).await.status, StatusCode::OK);
        clock.advance(Duration::from_secs(2 * 3_600));
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "idle");

        let (cookie, _) = web.session_of(Role::Viewer).await;
        for _ in 0..11 {
            clock.advance(Duration::from_secs(3_600));
            assert_eq!(web.get("/desk", &cookie).await.status, StatusCode::OK);
        }
        clock.advance(Duration::from_secs(3_600));
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "old");
    }

    /// TRUST A20: signing out, being disabled, another role and another password each end the session at once.
    async fn a_session_ends_with_what_it_lived_by(web: Web) {
        let site = &web.app.site;
        let (cookie, csrf) = web.session_of(Role::Editor).await;
        let out = web.post("/desk/sign-out", &cookie, &[("csrf", &csrf)]).await;
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "signed out");

        let id = |name: &'static str| async move {
            let members = staff::members(&site.db).await.expect("members");
            members.into_iter().find(|one| one.name == name).expect("the member").public_id
        };
        let (cookie, _) = web.session_of(Role::Editor).await;
        staff::change_role(site, None, &id("editor").await, seen(Role::Editor), Role::Sender).await.expect("a change");
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "another role");

        let (cookie, csrf) = web.session_of(Role::Treasurer).await;
        let form = [("csrf", csrf.as_str()), ("present", PASSWORD), ("password", "another lamp for the street")];
        let changed = web.post("/desk/account", &cookie, &form).await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER);
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "another password");
        assert_eq!(web.get("/desk", &changed.cookie()).await.status, StatusCode::OK, "a new session goes on");

        let (cookie, _) = web.session_of(Role::Viewer).await;
        staff::set_disabled(site, None, &id("viewer").await, seen(Role::Viewer)).await.expect("a change");
        assert!(sent_to_sign_in(&web.get("/desk", &cookie).await), "disabled");
        assert!(sign_in_fails(&web.sign_in("viewer@example.org", PASSWORD).await));
    }

    async fn the_last_owner_cannot_be_removed(web: Web) {
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let members = staff::members(&web.app.site.db).await.expect("members");
        let id = &members[0].public_id;
        let form = [("csrf", csrf.as_str()), ("seen", "owner")];
        let disable = web.post(&format!("/desk/team/{id}/disable"), &cookie, &form).await;
        let form = [("csrf", csrf.as_str()), ("seen", "owner"), ("role", "viewer")];
        let demote = web.post(&format!("/desk/team/{id}/role"), &cookie, &form).await;
        assert_eq!((disable.status, demote.status), (StatusCode::CONFLICT, StatusCode::CONFLICT));
        assert!(disable.body.contains("needs at least one owner") && demote.body.contains("needs at least one owner"));
        assert_eq!(web.get("/desk/team", &cookie).await.status, StatusCode::OK);
    }

    /// TRUST A22: a known address, an unknown one and one without a password get the same bytes back.
    async fn a_failed_sign_in_does_not_tell_whether_the_address_is_known(web: Web) {
        let known = web.sign_in("owner@example.org", "not the password").await;
        let unknown = web.sign_in("nobody@example.org", "not the password").await;
        assert_eq!(known.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(known.status, unknown.status);
        assert_eq!(known.body.replace("owner@", "nobody@"), unknown.body);
        assert!(!known.body.contains("not the password"), "a password does not travel back");
    }

    /// TRUST A21: guessing is slowed down, and nobody is shut out for longer than a quarter of an hour.
    async fn guessing_is_slowed_down_for_a_quarter_of_an_hour(web: Web) {
        for _ in 0..10 {
            web.sign_in("owner@example.org", "not the password").await;
        }
        let held = web.sign_in("owner@example.org", PASSWORD).await;
        assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(held.body.contains("Too many tries"), "even the right one waits");
        web.app.site.clock.advance(Duration::from_secs(901));
        assert_eq!(web.sign_in("owner@example.org", PASSWORD).await.status, StatusCode::SEE_OTHER);
    }

    /// Whoever comes while all places at the door are taken is told at once when to come back; nothing is counted, nothing that
    /// they typed is lost, and there is room again as soon as those inside are gone.
    async fn a_door_that_is_full_says_so_at_once(web: Web) {
        let inside: Vec<_> = std::iter::from_fn(|| web.app.hasher.enter(None).ok()).collect();
        for _ in 0..15 {
            let busy = web.sign_in("owner@example.org", PASSWORD).await;
            assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(busy.body.contains("Try again in a few seconds") && busy.body.contains("value=\"owner@example.org\""));
            assert_eq!((busy.header("retry-after"), busy.header("set-cookie")), ("3", ""));
        }
        drop(inside);
        assert_eq!(web.sign_in("owner@example.org", PASSWORD).await.status, StatusCode::SEE_OTHER);
        let (_, csrf) = web.session_of(Role::Owner).await;
        let cookie = web.sign_in("owner@example.org", PASSWORD).await.cookie();
        let csrf = csrf_of(&web.get("/desk", &cookie).await).replace(&csrf, "");
        let inside: Vec<_> = std::iter::from_fn(|| web.app.hasher.enter(None).ok()).collect();
        let form = [("csrf", csrf.as_str()), ("present", PASSWORD), ("password", "another lamp for the street")];
        assert_eq!(web.post("/desk/account", &cookie, &form).await.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(inside);
        assert_eq!(web.post("/desk/account", &cookie, &form).await.status, StatusCode::SEE_OTHER);
    }

    /// ASVS 7.2.4: signing in, by password or by link, ends the session that the browser brought, whoever's it is.
    async fn signing_in_ends_the_session_that_the_browser_brought(web: Web) {
        let id = staff::members(&web.app.site.db).await.expect("members").remove(0).public_id;
        let (left_open, _) = web.session_of(Role::Editor).await;
        let form = [("email", "owner@example.org"), ("password", PASSWORD), ("next", "")];
        let by_password = web.post("/desk/sign-in", &left_open, &form).await.cookie();
        assert!(sent_to_sign_in(&web.get("/desk", &left_open).await), "somebody else's, left open at this browser");
        let other_browser = web.sign_in("owner@example.org", PASSWORD).await.cookie();
        let link = staff::sign_in_link_path(&web.app.site, &id).await.expect("a link");
        let by_link = web.post(&link, &by_password, &[]).await.cookie();
        assert!(sent_to_sign_in(&web.get("/desk", &by_password).await), "the one before");
        for goes_on in [&by_link, &other_browser] {
            assert_eq!(web.get("/desk", goes_on).await.status, StatusCode::OK);
        }
    }

    /// TRUST A25 in spirit, ASVS 6.5.5: opening the link does nothing, pressing the button works once, for ten minutes.
    async fn a_sign_in_link_works_once_and_not_by_being_opened(web: Web) {
        let id = staff::members(&web.app.site.db).await.expect("members").remove(0).public_id;
        let first = staff::sign_in_link_path(&web.app.site, &id).await.expect("a link");
        for _ in 0..2 {
            let page = web.get(&first, "").await;
            assert_eq!((page.status, page.header("set-cookie")), (StatusCode::OK, ""));
            assert_eq!(page.header("referrer-policy"), "no-referrer");
        }
        let (one, two) = tokio::join!(web.post(&first, "", &[]), web.post(&first, "", &[]));
        let mut statuses = [one.status, two.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE], "two presses race, one wins");
        assert_eq!(web.get(&first, "").await.status, StatusCode::GONE);
        let late = staff::sign_in_link_path(&web.app.site, &id).await.expect("a link");
        web.app.site.clock.advance(Duration::from_secs(600));
        assert_eq!(web.post(&late, "", &[]).await.status, StatusCode::GONE);
    }

    /// TRUST A22, A21: asking for a link tells nobody whether there is such an account, mails it alone, and not without end.
    async fn a_sign_in_link_is_mailed_to_the_team_alone(web: Web) {
        let ask = async |email: &str| web.post("/desk/sign-in-link", "", &[("link_email", email)]).await;
        let queued = async || {
            let counts = delivery::letter_counts(&web.app.site.db).await.expect("counts");
            counts.iter().map(|(_, count)| count).sum::<i64>()
        };
        let unknown = ask("nobody@example.org").await;
        assert_eq!((unknown.status, queued().await), (StatusCode::OK, 0));
        let known = ask("owner@example.org").await;
        assert_eq!((known.status, queued().await), (StatusCode::OK, 1));
        assert_eq!(known.body.replace("owner@", "nobody@"), unknown.body);
        for _ in 0..5 {
            ask("owner@example.org").await;
        }
        assert_eq!(queued().await, 3, "three in a quarter of an hour");
        assert_eq!(ask("no address").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// TRUST A33: no default owner; the page opens by its token alone, makes one owner, and closes for good.
    async fn set_up_makes_one_owner_and_closes_for_good(db: TestDb) {
        let web = Web::empty(&db);
        assert!(sign_in_fails(&web.sign_in("admin@example.org", "admin").await));
        assert_eq!(web.get("/set-up/x", "").await.status, StatusCode::NOT_FOUND);
        publishing::ensure_first(&web.app.site).await.expect("a first list, as at every start");
        let path = staff::set_up_path(&web.app.site).await.expect("an answer").expect("a path while there is no owner");
        assert_eq!(web.get(&path, "").await.status, StatusCode::OK);
        let mut short = SET_UP;
        short[9].1 = "too short";
        let again = web.post(&path, "", &short).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("Lamplighter Press") && !again.body.contains("too short\""), "values stay");
        for common in ["123456789012", "The Lamplighter", "olive@example.org", "olive-owner-2026"] {
            short[9].1 = common;
            let again = web.post(&path, "", &short).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{common}");
            assert!(again.body.contains("in a row"), "it says what to do");
        }

        let (one, two) = tokio::join!(web.post(&path, "", &SET_UP), web.post(&path, "", &SET_UP));
        let mut statuses = [one.status, two.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND], "two browsers race, one wins");
        assert_eq!(staff::members(&web.app.site.db).await.expect("members").len(), 1);
        assert_eq!(staff::set_up_path(&web.app.site).await.expect("an answer"), None);
        assert_eq!(web.get(&path, "").await.status, StatusCode::NOT_FOUND);
        assert_eq!(web.post(&path, "", &SET_UP).await.status, StatusCode::NOT_FOUND);
        let winner = if one.status == StatusCode::SEE_OTHER { one } else { two };
        let desk = web.get("/desk", &winner.cookie()).await;
        assert!(desk.body.contains("The Lamplighter") && desk.body.contains("Olive"));
        let lists = broadside::subscribers::lists::all(&web.app.site.db).await.expect("the lists");
        assert_eq!(lists.iter().map(|list| list.name.as_str()).collect::<Vec<_>>(), ["The weekly"], "as it was called there");
    }

    /// TRUST A13: a form cannot set what its page does not offer.
    async fn a_form_with_a_field_of_another_page_is_refused(web: Web) {
        let (cookie, csrf) = web.session_of(Role::Viewer).await;
        let form = [("csrf", csrf.as_str()), ("present", PASSWORD), ("password", PASSWORD), ("role", "owner")];
        assert_eq!(web.post("/desk/account", &cookie, &form).await.status, StatusCode::BAD_REQUEST);
    }

    /// TRUST A4: what people type is text on every page.
    async fn names_are_shown_as_text(web: Web) {
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let name = "<script>alert(1)</script>\"'{{frame.csrf}}";
        let form =
            [("csrf", csrf.as_str()), ("name", name), ("email", "mallory@example.org"), ("role", "viewer")];
        let added = web.post("/desk/team", &cookie, &form).await;
        assert_eq!(added.status, StatusCode::OK);
        assert!(!added.body.contains("<script>alert"));
        assert!(added.body.contains("{{frame.csrf}}"), "braces are not rendered a second time");
    }

    /// TRUST A18, A32: a body above the route's limit is refused.
    async fn a_body_above_the_limit_is_refused(web: Web) {
        let large = "x".repeat(65 * 1_024);
        let answer = web.post("/desk/sign-in", "", &[("email", &large)]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    /// TRUST A31: no link, session, form token, password or address of a request reaches a log, and a cause cannot forge a line.
    async fn logs_hold_no_secret_and_no_line_of_a_stranger(web: Web) {
        let log = Log::default();
        // With one subscriber alive, tracing asks whichever thread meets an event first whether anybody listens, and remembers its no.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let listening = log.listen();
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let id = staff::members(&web.app.site.db).await.expect("members").remove(0).public_id;
        let link = staff::sign_in_link_path(&web.app.site, &id).await.expect("a link");
        let token = link.rsplit('/').next().expect("a token").to_owned();
        for path in
            [link.as_str(), "/desk/sign-in/forged-token", "/desk?email=canary@example.org", "/canary%0d%0aline"]
        {
            web.get(path, &cookie).await;
            web.post(path, &cookie, &[("csrf", "canary-csrf"), ("password", "canary-password")]).await;
        }
        web.app.site.db.close().await;
        let broken = web.get("/desk", &cookie).await;
        assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
        drop(listening);
        let text = log.text();
        assert!(text.contains("a request failed") && text.contains("a request was refused"), "it does log: {text}");
        let cause = text.split("cause=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a cause in the log");
        assert!(!broken.body.contains(cause), "a cause is never shown: {}", broken.body);
        let session = cookie.split('=').nth(1).expect("a value");
        for secret in [
            &token,
            session,
            &csrf,
            "forged-token",
            "canary-csrf",
            "canary-password",
            "canary@",
            "canary%0d",
            PASSWORD,
        ] {
            assert!(!text.contains(secret), "{secret} is in the log: {text}");
        }
    }

    /// TRUST A21: only a proxy we trust may say where a request came from, and it cannot be talked into more.
    async fn the_clients_address_is_the_peer_unless_a_trusted_proxy_says_otherwise(db: TestDb) {
        use axum::extract::{ConnectInfo, FromRequestParts};
        let web = Web::empty(&db);
        let mut app = web.app.clone();
        app.trusted_proxies = Arc::new(["10.0.0.1".parse().expect("an address")]);
        let seen = async |peer: &str, said: &str| {
            let peer: std::net::SocketAddr = peer.parse().expect("an address");
            let request = Request::get("/").header("x-forwarded-for", said).extension(ConnectInfo(peer));
            let (mut parts, ()) = request.body(()).expect("a request").into_parts();
            let broadside::web::ClientAddress(ip) =
                broadside::web::ClientAddress::from_request_parts(&mut parts, &app).await.expect("never fails");
            ip.expect("an address").to_string()
        };
        assert_eq!(seen("203.0.113.9:5000", "1.1.1.1").await, "203.0.113.9", "a stranger is not believed");
        assert_eq!(
            seen("10.0.0.1:5000", "1.1.1.1, 203.0.113.9").await,
            "203.0.113.9",
            "the proxy's own word alone"
        );
        assert_eq!(seen("10.0.0.1:5000", "203.0.113.9, 10.0.0.1").await, "203.0.113.9", "proxies in a row");
        assert_eq!(seen("10.0.0.1:5000", "").await, "10.0.0.1");
        for (said, who, why) in [
            ("203.0.113.9:5012", "203.0.113.9", "some proxies write the port"),
            ("[2001:db8::9]:5012, 10.0.0.1", "2001:db8::9", "and brackets"),
            ("caf\u{e9}, 203.0.113.9", "203.0.113.9", "what a stranger sent before is not looked at"),
            ("nonsense, 203.0.113.9,", "203.0.113.9", "nor what is missing behind"),
        ] {
            assert_eq!(seen("10.0.0.1:5000", said).await, who, "{why}");
        }
        for unreadable in ["nonsense", "unknown, 10.0.0.1", "203.0.113.9, nonsense"] {
            assert_eq!(seen("10.0.0.1:5000", unreadable).await, "0.0.0.0", "{unreadable}: all of them count as one");
        }
        assert!(broadside::network::Network::of("0.0.0.0".parse().expect("an address")).is_some(), "and are counted");
    }
}
