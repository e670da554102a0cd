//! `/desk/sign-in`: by password; and going out again.

use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use url::Url;

use super::door;
use crate::{
    email_address::EmailAddress,
    staff::{self, Incoming, SignInError},
    web::{
        App, ClientAddress, Desk, Form, Outcome, Posted, WebError,
        answers::{busy, invalid, too_many},
        session::{see_other, with_cookie, without_cookie},
    },
};

const FIELDS: &[&str] = &["email", "password", "next"];
const TITLE: &str = "Sign in";

const LINK_FIELDS: &[&str] = &["link_email"];

#[derive(Serialize)]
struct Page {
    form: Form,
    link: Form,
}

#[derive(Serialize)]
struct Sent {
    email: String,
}

/// The query of the sign-in page.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /desk/sign-in`
pub(crate) async fn show(State(app): State<App>, Query(query): Query<Next>) -> Outcome {
    let form = Form::new(FIELDS).with("next", query.next);
    door(&app, "desk/sign_in", TITLE, &Page { form, link: Form::new(LINK_FIELDS) }).await
}

/// `POST /desk/sign-in`
pub(crate) async fn submit(State(app): State<App>, incoming: Incoming, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let session =
        staff::sign_in_by_password(&app.site, &incoming, form.text("email"), form.raw("password")).await;
    let error = match session {
        Ok(session) => {
            let to = see_other(&local_path(form.text("next")));
            return Ok(with_cookie(&app.site, &session, to));
        }
        Err(SignInError::Database(error)) => return Err(error.into()),
        Err(error) => error,
    };
    form.blank("password");
    form.mistake("email", &error);
    let page = Page { form, link: Form::new(LINK_FIELDS) };
    let page = door(&app, "desk/sign_in", TITLE, &page).await?;
    Ok(match error {
        SignInError::TooMany(wait) => too_many(wait, page),
        SignInError::Busy(_) => busy(page),
        _ => invalid(page),
    })
}

/// `POST /desk/sign-in-link`: the answer is the same whether or not there is such an account.
pub(crate) async fn send_link(State(app): State<App>, client: ClientAddress, posted: Posted) -> Outcome {
    let mut link = posted.form(LINK_FIELDS)?;
    let Some(email) = link.parse("link_email", EmailAddress::parse) else {
        return door(&app, "desk/sign_in", TITLE, &Page { form: Form::new(FIELDS), link }).await.map(invalid);
    };
    staff::send_sign_in_link(&app.site, &email, client.network()).await?;
    door(&app, "desk/sign_in_sent", "Look at your mail", &Sent { email: email.to_string() }).await
}

/// `POST /desk/sign-out`
pub(crate) async fn sign_out(desk: Desk) -> Result<axum::response::Response, WebError> {
    staff::end_session(desk.site(), &desk.who.session).await?;
    Ok(without_cookie(desk.site(), see_other("/desk/sign-in")))
}

/// A page of the desk to go on to; anything that could lead elsewhere becomes the overview (TRUST A10).
fn local_path(next: &str) -> String {
    desk_page(next).unwrap_or_else(|| "/desk".to_owned())
}

/// The address as a browser will read it, with its dots walked: where it leads is judged, not how it is written.
fn desk_page(next: &str) -> Option<String> {
    // Browsers drop tabs and line ends, and read a backslash as a slash: no page of ours is written with one.
    let plain = next.starts_with('/') && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let here = Url::parse("http://desk.invalid/").ok()?;
    let url = here.join(next).ok().filter(|url| plain && url.origin() == here.origin())?;
    let path = url.path();
    let inside = path == "/desk" || path.starts_with("/desk/");
    // A slash, a dot or a control character in disguise is undone by some proxies, and then leads elsewhere.
    let disguised = path.contains("//") || path.contains('%');
    // Going in once more, or out again, is nowhere to go on to.
    let door = path.starts_with("/desk/sign-") || path.starts_with("/desk/join/");
    (inside && !disguised && !door).then(|| match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::local_path;

    /// TRUST A10.
    #[test]
    fn signing_in_never_leads_off_the_desk() {
        for page in
            ["/desk", "/desk/editions?state=draft", "/desk/readers?q=%2F..%2Fann&page=2", "/desk/articles/12"]
        {
            assert_eq!(local_path(page), page);
        }
        assert_eq!(local_path("/desk/editions/7/../8"), "/desk/editions/8");
        for elsewhere in [
            "",
            "//evil.test",
            "https://evil.test",
            "/\\evil.test",
            "/desk/\r\nx",
            "/deskevil",
            "/desk/sign-in",
            "/desk/sign-in/a-token",
            "/desk/sign-out",
            "/desk/join/a-token",
            "desk/editions",
            "/",
            "/donate",
            "/\t/evil.test",
            "\\\\evil.test",
            "/desk\\..\\..\\evil.test",
            "/desk/../unsubscribe/a-token",
            "/desk/..//evil.test",
            "/desk/.%2e/set-up/a-token",
            "/desk/%2e%2e/%2e%2e/evil.test",
            "/desk/%2f%2fevil.test",
            "/desk/%5c%5cevil.test",
            "/desk/%0d%0aset-cookie:x=y",
            "/desk/%252e%252e/evil.test",
            "/desk//evil.test",
            "/desk@evil.test",
            "/desk/\u{ff0f}\u{ff0f}evil.test",
            "/desk/\u{0}",
            "javascript:alert(1)",
            "///evil.test/desk/",
            "http:/desk/",
        ] {
            assert_eq!(local_path(elsewhere), "/desk", "{elsewhere:?}");
        }
    }
}
