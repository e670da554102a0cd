//! What tests of pages inside the crate stand on: the site as a service over a throwaway SQLite file. Whatever needs no
//! insides of a room is tested in `tests/it`, on both engines.

mod bodies;
mod editions;
mod giving;
mod robots;

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use tower::ServiceExt;
use url::Url;

use super::{App, router};
use crate::{
    clock::{Clock, Moment},
    db::{Db, DbOptions, Migrations},
    email_address::EmailAddress,
    site::Site,
    staff::{
        Incoming, PasswordCost, Role, accounts,
        accounts::NewMember,
        set_up::{self, FirstOwner},
    },
    token::{self, Keys, RootSecret},
};

const BASE: &str = "https://desk.example.org";
const PASSWORD: &str = "a lamp for every street";

struct Web {
    app: App,
    router: Router,
    folder: PathBuf,
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The session in `Set-Cookie`, as the browser would send it back.
    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().expect("a first part").to_owned()
    }
}

impl Web {
    /// An empty instance: no owner yet.
    async fn empty() -> Self {
        let folder = std::env::temp_dir().join(format!("broadside-web-{}", token::public_id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut options = DbOptions::new(format!("sqlite:{}/web.db", folder.display()));
        options.durable = false;
        let db = Db::open(&options).await.expect("a database");
        Migrations::apply(&db).await.expect("the schema");
        let site = Site {
            db,
            clock: Clock::manual(Moment::from_unix_seconds(1_790_000_000)),
            keys: Arc::new(Keys::new(&RootSecret { id: 1, secret: vec![7; 32] }, &[], &[9; 32])),
            base_url: Url::parse(BASE).expect("a URL"),
            bounce_address: None,
        };
        let templates = crate::mail::Templates::load().expect("email templates");
        let fetcher = crate::articles::fetch::Fetcher::new(true).expect("a fetcher");
        let mut app = App::new(site, templates, fetcher).expect("templates that parse");
        app.password_cost = PasswordCost::CHEAP;
        app.checkout_origin = Some("https://checkout.example.test".into());
        Self { router: router(app.clone()), app, folder }
    }

    /// An instance with an owner, `owner@example.org`.
    async fn new() -> Self {
        let web = Self::empty().await;
        let email = EmailAddress::parse("owner@example.org").expect("an address");
        let owner = FirstOwner { name: "Olive Owner", email: &email, password: PASSWORD };
        set_up::make_first_owner(&web.app.site, PasswordCost::CHEAP, owner, |settings| {
            settings.magazine_name = "The Lamplighter".into();
            settings.contact_email = "letters@example.org".into();
        })
        .await
        .expect("the first owner");
        web
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header("cookie", cookie);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path)
            .header("cookie", cookie)
            .header("origin", BASE)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/desk/sign-in", "", &[("email", email), ("password", password), ("next", "")]).await
    }

    /// The cookie and the form token of a fresh session of somebody with that role.
    async fn session_of(&self, role: Role) -> (String, String) {
        let email = format!("{role}@example.org");
        if sign_in_fails(&self.sign_in(&email, PASSWORD).await) {
            let address = EmailAddress::parse(&email).expect("an address");
            let new = NewMember { name: role.as_str(), email: &address, role };
            let invitation = accounts::add_member(&self.app.site, None, new).await.expect("a member");
            let link = invitation.path.rsplit('/').next().expect("a token");
            accounts::join(&self.app.site, &Incoming::at_the_terminal(PasswordCost::CHEAP), link, PASSWORD)
                .await
                .expect("joined");
        }
        let cookie = self.sign_in(&email, PASSWORD).await.cookie();
        let csrf = csrf_of(&self.get("/desk", &cookie).await);
        (cookie, csrf)
    }
}

fn sign_in_fails(answer: &Answer) -> bool {
    answer.status == StatusCode::UNPROCESSABLE_ENTITY
}

fn csrf_of(answer: &Answer) -> String {
    let (_, rest) = answer.body.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().expect("an end").to_owned()
}
