//! The pages as a service, without a socket: for walks over many of them, and for what only a handler can be given.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use broadside::{
    articles::Fetcher,
    clock::Moment,
    email_address::EmailAddress,
    mail::Templates,
    staff::{self, FirstOwner, Incoming, NewMember, PasswordCost, Role},
    web::{App, router},
};
use tower::ServiceExt;

use super::database::{Fixture, TestDb};

pub const BASE: &str = "https://desk.example.org";
pub const PASSWORD: &str = "a lamp for every street";

/// The site as a service, with an owner, `owner@example.org`.
#[derive(Clone)]
pub struct Web {
    pub app: App,
    pub router: Router,
}

impl Fixture for Web {
    async fn start(db: TestDb) -> Self {
        let web = Self::empty(&db);
        let email = EmailAddress::parse("owner@example.org").expect("an address");
        let owner = FirstOwner { name: "Olive Owner", email: &email, password: PASSWORD };
        staff::make_first_owner(&web.app.site, PasswordCost::CHEAP, owner, |settings| {
            settings.magazine_name = "The Lamplighter".into();
            settings.contact_email = "letters@example.org".into();
        })
        .await
        .expect("the first owner");
        web
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The session in `Set-Cookie`, as the browser would send it back.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().expect("a first part").to_owned()
    }
}

impl Web {
    /// An instance without an owner.
    pub fn empty(db: &TestDb) -> Self {
        let site = db.site(BASE, Moment::from_unix_seconds(1_790_000_000));
        let templates = Templates::load().expect("email templates that parse");
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let mut app = App::new(site, templates, fetcher).expect("page templates that parse");
        app.password_cost = PasswordCost::CHEAP;
        app.checkout_origin = Some("https://checkout.example.test".into());
        Self { router: router(app.clone()), app }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header("cookie", cookie);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path)
            .header("cookie", cookie)
            .header("origin", BASE)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/desk/sign-in", "", &[("email", email), ("password", password), ("next", "")]).await
    }

    /// The cookie and the form token of a fresh session of somebody with that role.
    pub async fn session_of(&self, role: Role) -> (String, String) {
        let email = format!("{role}@example.org");
        if sign_in_fails(&self.sign_in(&email, PASSWORD).await) {
            let address = EmailAddress::parse(&email).expect("an address");
            let new = NewMember { name: role.as_str(), email: &address, role };
            let invitation = staff::add_member(&self.app.site, None, new).await.expect("a member");
            let link = invitation.path.rsplit('/').next().expect("a token");
            staff::join(&self.app.site, &Incoming::at_the_terminal(PasswordCost::CHEAP), link, PASSWORD)
                .await
                .expect("joined");
        }
        let cookie = self.sign_in(&email, PASSWORD).await.cookie();
        let csrf = csrf_of(&self.get("/desk", &cookie).await);
        (cookie, csrf)
    }

    /// The same of each role.
    pub async fn session_of_each_role(&self) -> Vec<(Role, String, String)> {
        let mut sessions = Vec::new();
        for role in Role::ALL {
            let (cookie, csrf) = self.session_of(role).await;
            sessions.push((role, cookie, csrf));
        }
        sessions
    }
}

/// Whether the form to sign in came back.
pub fn sign_in_fails(answer: &Answer) -> bool {
    answer.status == StatusCode::UNPROCESSABLE_ENTITY
}

/// The form token of a page.
pub fn csrf_of(answer: &Answer) -> String {
    let (_, rest) = answer.body.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().expect("an end").to_owned()
}
