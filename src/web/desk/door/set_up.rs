//! `/set-up/{token}`: the first run. Makes the first owner and closes for good.

use axum::extract::{Path, State};
use serde::Serialize;

use super::door;
use crate::{
    clock::Zone,
    email_address::EmailAddress,
    publishing,
    staff::{self, AboutWhom, FirstOwner, Incoming, SetUpError},
    web::{
        App, Form, Outcome, Posted,
        answers::{busy, invalid},
        desk::settings::magazine::check,
        session::{see_other, with_cookie},
    },
};

const FIELDS: &[&str] = &[
    "magazine_name",
    "list_name",
    "time_zone",
    "articles_at",
    "external_site_url",
    "legal_name",
    "postal_address",
    "contact_email",
    "name",
    "email",
    "password",
];
const TITLE: &str = "Set up your magazine";
/// What the first list is called unless somebody says otherwise.
const LIST: &str = "The newsletter";

#[derive(Serialize)]
struct Page {
    form: Form,
    zones: Vec<String>,
}

impl Page {
    fn new(form: Form) -> Self {
        Self { form, zones: Zone::names() }
    }
}

/// `GET /set-up/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    staff::check_set_up(&app.site, &token).await?;
    let form = Form::new(FIELDS)
        .with("articles_at", "here")
        .with("list_name", LIST)
        .with("time_zone", Zone::UTC.name());
    door(&app, "desk/set_up", TITLE, &Page::new(form)).await
}

/// `POST /set-up/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    incoming: Incoming,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    staff::check_set_up(&app.site, &token).await?;
    let mut form = posted.form(FIELDS)?;
    let decided = check(&mut form);
    let list = form.required("list_name", 100, "Say what readers subscribe to.");
    let name = form.required("name", 100, "Enter your name.");
    let email = form.parse("email", EmailAddress::parse);
    let password = form.raw("password").to_owned();
    if let Some(email) = &email {
        let about = AboutWhom { email, name: &name, magazine: &decided.magazine_name };
        if let Err(error) = staff::check_password(&password, about) {
            form.mistake("password", error);
        }
    }
    let (true, Some(email)) = (form.is_valid(), email) else {
        form.blank("password");
        return door(&app, "desk/set_up", TITLE, &Page::new(form)).await.map(invalid);
    };
    let owner = FirstOwner { name: &name, email: &email, password: &password };
    let session = staff::set_up(&app.site, &incoming, &token, owner, |settings| {
        settings.take(|name| form.typed(name));
    })
    .await;
    match session {
        Ok(session) => {
            publishing::name_first_list(&app.site, &list).await?;
            Ok(with_cookie(&app.site, &session, see_other("/desk?done=welcome")))
        }
        Err(SetUpError::Busy(error)) => {
            form.blank("password");
            form.mistake("password", error);
            door(&app, "desk/set_up", TITLE, &Page::new(form)).await.map(busy)
        }
        Err(error) => Err(error.into()),
    }
}
