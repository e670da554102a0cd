//! A reader's new address: `/preferences/{token}/address`, where it is asked for by the link to their choices, and `/address/{token}`,
//! where each of the two mailboxes agrees. Programs open links, too: only the button does anything (TRUST A25).

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse as _,
};
use serde::Serialize;

use super::{
    super::{App, Form, Outcome, Posted, WebError, answers::too_many, session::see_other, words},
    caller::Caller,
    dead_link,
    told::{InAddress, Told},
};
use crate::{
    email_address::EmailAddress,
    links::End,
    settings::Settings,
    subscribers::{self, MoveAsked, MoveState, Moving, NewAddress, SubscriberError},
};

/// `use` says which of two was meant; `press` calls off what was asked.
const FIELDS: &[&str] = &["email", "use", "press"];
const TITLE: &str = "Your new address";

#[derive(Serialize)]
struct Ask {
    /// Where their mail goes, masked: a link is handed on more easily than an address.
    email: String,
    /// The address of the page.
    here: String,
    choices: String,
    contact: String,
    form: Form,
    /// The address that was perhaps meant.
    meant: Option<EmailAddress>,
    written: bool,
    /// The address that was asked for before and waits for a press, masked.
    pending: Option<String>,
    /// Whether mail to the address that they have is stopped: then that mailbox cannot agree, and people help.
    stopped: bool,
}

/// `GET /preferences/{token}/address`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>, told: InAddress) -> Outcome {
    match ask(&app, &token).await {
        Ok(page) => {
            let told = told.read(&app.site, &here(&token));
            let written = matches!(told, Some(Told::Moves)) && page.pending.is_some();
            let title = if written { "Look into both mailboxes" } else { TITLE };
            app.public_page("public/new_address", title, &Ask { written, ..page }).await
        }
        Err(error) => dead_end(&app, error).await,
    }
}

fn here(token: &str) -> String {
    format!("/preferences/{token}/address")
}

async fn ask(app: &App, token: &str) -> subscribers::Result<Ask> {
    let reader = subscribers::whose_choices(&app.site, token).await?;
    let pending = subscribers::move_under_way(&app.site, reader.id).await?;
    Ok(Ask {
        pending: pending.map(|pending| pending.new_email.masked()),
        stopped: subscribers::stopped(&app.site, &reader).await?.editions,
        email: reader.email.masked(),
        here: here(token),
        choices: format!("/preferences/{token}"),
        contact: Settings::load(&app.site.db).await?.contact_email,
        form: Form::new(FIELDS),
        meant: None,
        written: false,
    })
}

/// `POST /preferences/{token}/address`: the answer is the same whether the new address is known or not (TRUST A22).
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let page = match ask(&app, &token).await {
        Ok(page) => page,
        Err(error) => return dead_end(&app, error).await,
    };
    if form.text("press") == "call-off" {
        return match subscribers::call_off_own_move(&app.site, &token).await {
            Ok(false) => {
                Ok(Told::NotCalledOff.at(&app.site, &format!("/preferences/{token}"), "#your-address"))
            }
            Ok(true) => Ok(Told::CalledOff.at(&app.site, &format!("/preferences/{token}"), "#your-address")),
            Err(SubscriberError::TooMany(wait)) => {
                form.mistake(
                    "email",
                    format_args!("Too much was changed. Please try again in {}.", words::wait(wait)),
                );
                let page = app.public_page("public/new_address", TITLE, &Ask { form, ..page }).await?;
                Ok(too_many(wait, page))
            }
            Err(error) => dead_end(&app, error).await,
        };
    }
    let typed = if form.text("use").is_empty() { "email" } else { "use" };
    let email = match EmailAddress::parse(form.text(typed)) {
        Ok(email) => email,
        Err(error) => {
            form.mistake("email", error);
            return again(&app, page, form).await;
        }
    };
    if let Some(meant) = email.meant().filter(|_| typed == "email") {
        let page = Ask { form, meant: Some(meant), ..page };
        return app.public_page("public/new_address", TITLE, &page).await;
    }
    let settings = Settings::load(&app.site.db).await?;
    let new = NewAddress { email: &email, lookout: app.lookout.as_ref(), trace: caller.trace() };
    match subscribers::ask_to_move(&app.site, &settings, &token, new).await {
        Ok(MoveAsked::Written) => Ok(Told::Moves.at(&app.site, &here(&token), "")),
        Ok(MoveAsked::OldIsStopped) => {
            let page = Ask { stopped: true, ..page };
            app.public_page("public/new_address", TITLE, &page).await
        }
        Ok(MoveAsked::Same) => {
            form.mistake("email", "Your mail goes to that address already.");
            again(&app, page, form).await
        }
        Ok(MoveAsked::Today { to, waits }) => {
            let help = match page.contact.as_str() {
                "" => "ask again tomorrow".to_owned(),
                contact => format!("ask again tomorrow, or write to {contact}"),
            };
            form.mistake("email", match waits {
                true => format!("You asked for {to} within the last day. Is it right? Press the buttons in the two mails from then. Was it mistyped? Press nothing, and {help}."),
                false => format!("You asked for {to} within the last day, and once a day is all we take. Please {help}."),
            });
            again(&app, page, form).await
        }
        Err(SubscriberError::Unwanted(why)) => {
            form.mistake("email", why);
            again(&app, page, form).await
        }
        Err(SubscriberError::TooMany(wait)) => {
            form.mistake(
                "email",
                format_args!("Nothing was sent. Please try again in {}.", words::wait(wait)),
            );
            let page = Ask { form: form.holding("email", email.as_str()), ..page };
            let page = app.public_page("public/new_address", TITLE, &page).await?;
            Ok(too_many(wait, page))
        }
        Err(error) => dead_end(&app, error).await,
    }
}

async fn again(app: &App, page: Ask, form: Form) -> Outcome {
    let page = Ask { form, ..page };
    app.public_page_again("public/new_address", TITLE, &page).await
}

#[derive(Serialize)]
struct Page {
    end: &'static str,
    state: &'static str,
    other: String,
    wording: String,
    /// Whether anything comes to them.
    on_some: bool,
    contact: String,
}

/// `GET /address/{token}`
pub(crate) async fn look(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    page(&app, subscribers::look_at_move(&app.site, &token).await).await
}

/// `POST /address/{token}`
pub(crate) async fn press(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    posted.form(&[])?;
    match subscribers::press_move(&app.site, &token, caller.trace()).await {
        // What cannot be looked at again is told at once.
        Ok(Moving { state: MoveState::Waits | MoveState::Done | MoveState::Undone, .. }) => {
            Ok(see_other(&format!("/address/{token}")))
        }
        moving => page(&app, moving).await,
    }
}

async fn page(app: &App, moving: subscribers::Result<Moving>) -> Outcome {
    let moving = match moving {
        Ok(moving) => moving,
        Err(SubscriberError::Expired) => {
            let (other, wording) = (String::new(), String::new());
            Moving { end: End::Old, state: MoveState::Over, other, wording, on_some: true }
        }
        Err(error) => return dead_end(app, error).await,
    };
    let (state, title) = match moving.state {
        MoveState::Asks => ("asks", TITLE),
        MoveState::Waits => ("waits", TITLE),
        MoveState::Done => ("done", "Your mail has moved"),
        MoveState::Undone => ("undone", "It is taken back"),
        MoveState::Refused => ("refused", "That could not be done"),
        MoveState::Over => ("over", "This link does not work"),
    };
    let end = match moving.end {
        End::Old => "old",
        End::New => "new",
        End::Back => "back",
    };
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let Moving { other, wording, on_some, .. } = moving;
    let page = Page { end, state, other, wording, on_some, contact };
    let page = app.public_page("public/address", title, &page).await?;
    Ok(if state == "over" { (StatusCode::GONE, page).into_response() } else { page })
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}
