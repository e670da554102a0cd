//! The editor's path through HTTP: compose, look, press Send, undo, follow.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    publishing::{self, UNDO, tests::fill},
    staff::Role,
    support::{
        database::{Fixture, TestDb, both_engines},
        pages::{Answer, Web},
    },
};

#[derive(Clone)]
struct Desk {
    web: Web,
    cookie: String,
    csrf: String,
}

impl Fixture for Desk {
    async fn start(db: TestDb) -> Self {
        let web = Web::start(db).await;
        fill(&web.app.site, 3).await;
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        Self { web, cookie, csrf }
    }
}

impl Desk {
    async fn get(&self, path: &str) -> Answer {
        self.web.get(path, &self.cookie).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [&[("csrf", self.csrf.as_str())], fields].concat();
        self.web.post(path, &self.cookie, &fields).await
    }

    /// A new edition's path.
    async fn edition(&self) -> String {
        let answer = self.post("/desk/editions", &[("digest", "1")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.header("location").to_owned()
    }

    async fn save(&self, path: &str, based_on: &str, act: &str, subject: &str, articles: &[&str]) -> Answer {
        let mut fields = vec![("based_on", based_on), ("act", act), ("subject", subject)];
        fields.extend([("preview_text", "Thaw"), ("intro", "Dear all.")]);
        let blocks: Vec<String> = articles.iter().map(|id| format!("{id}.article-{id}")).collect();
        fields.extend(blocks.iter().map(|block| ("block", block.as_str())));
        self.post(path, &fields).await
    }

    /// Presses Send as the page offers it at this moment.
    async fn press(&self, path: &str) -> Answer {
        let page = self.get(&format!("{path}/send")).await.body;
        let fingerprint = hidden(&page, "fingerprint");
        let fields = [
            ("revision", "2"),
            ("fingerprint", &fingerprint),
            ("later", ""),
            ("policy", "resend"),
            ("act", "now"),
        ];
        self.post(&format!("{path}/send"), &fields).await
    }

    async fn undo(&self, path: &str) -> Answer {
        let version = hidden(&self.get(path).await.body, "version");
        self.post(&format!("{path}/undo"), &[("version", &version)]).await
    }

    async fn seal(&self) {
        self.web.app.site.clock.advance(UNDO);
        publishing::seal_due(&self.web.app.site, &self.web.app.templates).await.expect("sealing");
    }
}

/// What a page holds in a hidden field; empty where it has none.
fn hidden(page: &str, name: &str) -> String {
    let rest = page.split_once(&format!("name=\"{name}\" value=\"")).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

both_engines! {
    async fn an_editor_composes_without_scripts(desk: Desk) {
        let path = desk.edition().await;
        let saved = desk.save(&path, "1", "save", "Spring", &["1", "2"]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
        let moved = desk.save(&path, "2", "down:1", "Spring", &["1", "2"]).await;
        assert_eq!(moved.header("location"), format!("{path}?moved=1&to=down"));
        let page = desk.get(moved.header("location")).await.body;
        assert!(page.contains("is number 2 of 2 now."), "{page}");
        // What was ticked is not forgotten by any button.
        let fields = [("based_on", "3"), ("act", "save"), ("subject", "Spring"), ("block", "2.article-2"), ("add", "1")];
        assert_eq!(desk.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
        let public_id = path.rsplit('/').next().expect("an id");
        let edition = publishing::find(&desk.web.app.site.db, public_id).await.expect("an edition");
        assert_eq!(edition.content.article_ids().iter().map(|id| id.0).collect::<Vec<_>>(), [2, 1]);
        // Somebody who still has revision 2 on the screen is told, and keeps what was typed.
        let late = desk.save(&path, "2", "save", "My own words", &["1"]).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.body.contains("value=\"My own words\""), "{}", late.body);
        assert!(late.body.contains("name=\"based_on\" value=\"4\""));
    }

    /// TRUST F27: of two people at the desk who press Send the second is told, with status 409; undo works for a minute.
    async fn send_is_pressed_once_and_can_be_undone(desk: Desk) {
        let path = desk.edition().await;
        desk.save(&path, "1", "save", "Spring", &["1"]).await;
        let look = desk.get(&format!("{path}/send")).await;
        assert!(look.body.contains("Send to 3 readers"), "{}", look.body);
        let fingerprint = hidden(&look.body, "fingerprint");
        let press = [
            ("revision", "2"),
            ("fingerprint", &*fingerprint),
            ("later", ""),
            ("policy", "resend"),
            ("act", "now"),
        ];
        let first = desk.post(&format!("{path}/send"), &press).await;
        assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
        let second = desk.post(&format!("{path}/send"), &press).await;
        assert_eq!(second.status, StatusCode::CONFLICT);
        assert!(second.body.contains("already pressed Send"));
        assert!(desk.get(&path).await.body.contains("Goes out in"));
        let undone = desk.undo(&path).await;
        assert_eq!(undone.status, StatusCode::SEE_OTHER);
        desk.seal().await;
        assert!(desk.get(&path).await.body.contains("id=\"composer\""), "a draft again");
        desk.post(&format!("{path}/send"), &press).await;
        desk.seal().await;
        assert_eq!(desk.undo(&path).await.status, StatusCode::CONFLICT);
        let page = desk.get(&path).await.body;
        assert!(page.contains("reader2@example.org") && page.contains("On its way to 3 readers"), "{page}");
        // TRUST T6: addresses are for those who may see the readers.
        let (editor, _) = desk.web.session_of(Role::Editor).await;
        let page = desk.web.get(&path, &editor).await.body;
        assert!(page.contains("On its way to 3 readers") && !page.contains("reader2@"), "{page}");
    }

    /// TRUST T6: an editor composes and does not send; a viewer reads and sees no form.
    async fn who_may_not_send_is_not_offered_to(desk: Desk) {
        let path = desk.edition().await;
        desk.save(&path, "1", "save", "Spring", &["1"]).await;
        let (editor, csrf) = desk.web.session_of(Role::Editor).await;
        let page = desk.web.get(&path, &editor).await.body;
        assert!(page.contains("id=\"composer\"") && !page.contains("Review and send"));
        let press = [("csrf", csrf.as_str()), ("revision", "2"), ("later", "")];
        let refused = desk.web.post(&format!("{path}/send"), &editor, &press).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let (viewer, _) = desk.web.session_of(Role::Viewer).await;
        let page = desk.web.get(&path, &viewer).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<form method=\"post\" action=\"/desk/editions"), "{}", page.body);
    }

    /// TRUST A4, A5: what was typed stays text, and the mail's own HTML comes with no rights at all.
    async fn a_subject_that_is_a_script_runs_nowhere(desk: Desk) {
        let path = desk.edition().await;
        let script = "<script>alert(1)</script>";
        desk.save(&path, "1", "save", script, &["1"]).await;
        for page in [&path, "/desk/editions", &format!("{path}/send"), &format!("{path}/preview")] {
            let answer = desk.get(page).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            assert!(!answer.body.contains(script), "{page}");
        }
        let preview = desk.get(&format!("{path}/preview")).await;
        assert!(preview.header("content-security-policy").starts_with("sandbox allow-popups;"));
    }

    /// TRUST T11: what the page shows is what the tallies say.
    async fn progress_comes_as_events_and_stands_on_the_page(desk: Desk) {
        let path = desk.edition().await;
        desk.save(&path, "1", "save", "Spring", &["1"]).await;
        desk.press(&path).await;
        desk.seal().await;
        let page = desk.get(&path).await.body;
        assert!(page.contains("data-figure=\"open\">3<"), "{page}");
        let first =
            tokio::time::timeout(Duration::from_secs(10), desk.first_event(&path)).await.expect("an event");
        assert!(first.contains("event: progress"), "{first}");
        assert!(first.contains("\"state\":\"sending\"") && first.contains("\"open\":\"3\""), "{first}");
    }

    /// TRUST L1: who is added by hand is asked first, or the desk says how they asked; either stands in the proof.
    async fn a_reader_added_by_hand_is_asked_or_answered_for(desk: Desk) {
        let form = |how| [("email", "new@example.org"), ("name", "<b>New</b>"), ("list", "1"), ("how", how)];
        let asked = desk.post("/desk/readers", &form("confirm")).await;
        assert_eq!(asked.header("location"), "/desk/readers?done=asked", "{}", asked.body);
        let list = desk.get("/desk/readers?q=new%40").await.body;
        assert!(list.contains("asked, not confirmed yet") && !list.contains("<b>New"), "{list}");
        let without = desk.post("/desk/readers", &form("asked")).await;
        assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
        let with = [&form("asked")[..], &[("source", "spring fair")]].concat();
        let added = desk.post("/desk/readers", &with).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
        let path = added.header("location").trim_end_matches("?done=saved");
        let page = desk.get(path).await.body;
        assert!(page.contains("gets it") && page.contains("spring fair") && !page.contains("added by Olive Owner"), "{page}");
        let asked = desk.get(&format!("{path}/leave?list=1")).await.body;
        assert!(asked.contains("They get no edition of The weekly any more"), "{asked}");
        let tap = desk.post(&format!("{path}/leave"), &[("list", "1")]).await;
        assert_eq!(tap.status, StatusCode::CONFLICT, "{}", tap.body);
        assert!(desk.get(path).await.body.contains("gets it"), "not without having been asked");
        let form = [("list", "1"), ("seen", "confirmed"), ("why", "asked by telephone")];
        let left = desk.post(&format!("{path}/leave"), &form).await;
        assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.body);
        let page = desk.get(path).await.body;
        assert!(page.contains("Left The weekly, by the team"), "{page}");
    }
}

impl Desk {
    async fn first_event(&self, path: &str) -> String {
        use futures_util::StreamExt;
        use tower::ServiceExt;

        let request = axum::http::Request::get(format!("{path}/progress")).header("cookie", &self.cookie);
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let response = self.web.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body().into_data_stream();
        let bytes = body.next().await.expect("a first part").expect("no failure");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
