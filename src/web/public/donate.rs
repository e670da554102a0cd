//! `/donate`: how much, how often, who. Then on to the provider's checkout.

use std::borrow::Cow;

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};

use super::super::{
    App, ClientAddress, Form, Outcome, Posted, WebError, answers::too_many, session::see_other, words,
};
use crate::{
    donations::{self, GiftError, GiftRequest},
    mail::fields_to_everybody,
    money::{self, Currency, Money},
    payments::Every,
    settings::Settings,
};

const FIELDS: &[&str] = &["amount", "own_amount", "every", "email", "name", "e"];
const TITLE: &str = "Donate";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// The token of the edition that led here.
    e: String,
    every: String,
}

#[derive(Serialize)]
struct Page {
    /// Whether gifts can be taken at all.
    open: bool,
    heading: String,
    text: String,
    /// Who gets the money.
    recipient: String,
    contact: String,
    own_label: String,
    amounts: Vec<Amount>,
    form: Form,
    trouble: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct Amount {
    value: String,
    label: String,
}

/// `GET /donate`
pub(crate) async fn show(State(app): State<App>, Query(asked): Query<Asked>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let every = if asked.every == "month" { "month" } else { "once" };
    let form = Form::new(FIELDS).with("every", every).with("e", asked.e);
    let page = page(&app, &settings, form, None);
    app.public_page("public/donate", TITLE, &page).await
}

/// `POST /donate`
pub(crate) async fn submit(State(app): State<App>, client: ClientAddress, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let settings = Settings::load(&app.site.db).await?;
    let Some(payments) = &app.payments else {
        return Err(WebError::Unavailable("Donations are switched off. Nothing was charged."));
    };
    let every = match form.text("every") {
        "month" => Every::Month,
        "once" => Every::Once,
        _ => return Err(WebError::BadRequest("Choose whether to give once or each month.")),
    };
    // An amount that was typed wins over a button that was pressed.
    let typed = form.text("own_amount");
    let request = GiftRequest {
        amount: if typed.is_empty() { form.text("amount") } else { typed },
        every,
        email: form.text("email"),
        name: form.text("name"),
        from: client.network(),
        edition_token: Some(form.text("e")),
    };
    let started = donations::start_gift(&app.site, payments.provider.as_ref(), &settings, &request).await;
    let trouble = match started {
        Ok(gift) => return Ok(see_other(&gift.checkout_url)),
        Err(GiftError::Invalid(fields)) => {
            for (name, error) in
                [("own_amount", fields.amount), ("email", fields.email), ("name", fields.name)]
            {
                if let Some(error) = error {
                    form.mistake(name, error);
                }
            }
            None
        }
        Err(GiftError::Database(error)) => return Err(error.into()),
        Err(GiftError::TooMany(wait)) => {
            let trouble = format!(
                "Nothing was charged: more gifts than usual are being begun just now. Please try again in {}.",
                words::wait(wait)
            );
            let page = page(&app, &settings, form, Some(trouble.into()));
            let page = app.public_page("public/donate", TITLE, &page).await?;
            return Ok(too_many(wait, page));
        }
        Err(GiftError::Currency(code)) => {
            tracing::error!(code, "no gifts can be taken in the currency of the settings");
            Some("Our donation page is not set up correctly. Nothing was charged. Please tell us.")
        }
        Err(GiftError::Provider(_)) => Some(
            "The payment service did not answer, so nothing was charged. Please try again in a few minutes.",
        ),
    };
    let is_ours = trouble.is_some();
    let page = page(&app, &settings, form, trouble.map(Cow::Borrowed));
    let status = if is_ours { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, app.public_page("public/donate", TITLE, &page).await?).into_response())
}

fn page(app: &App, settings: &Settings, mut form: Form, trouble: Option<Cow<'static, str>>) -> Page {
    let currency = money::currency(&settings.currency);
    let amounts: Vec<Amount> = currency.map_or_else(Vec::new, |currency| {
        settings.suggested_amounts.iter().map(|minor| amount(*minor, currency)).collect()
    });
    // Something sensible is chosen already, so that one tap is enough.
    if form.text("amount").is_empty()
        && form.text("own_amount").is_empty()
        && let Some(middle) = amounts.get(amounts.len() / 2)
    {
        form = form.with("amount", middle.value.clone());
    }
    Page {
        open: app.payments.is_some() && settings.gift_limits().is_some(),
        heading: fields_to_everybody(&settings.appeal_heading),
        text: fields_to_everybody(&settings.appeal_text),
        recipient: if settings.legal_name.is_empty() {
            settings.magazine_name.clone()
        } else {
            settings.legal_name.clone()
        },
        contact: settings.contact_email.clone(),
        own_label: format!("Another amount, in {}", settings.currency),
        amounts,
        form,
        trouble,
    }
}

/// "€15" rather than "€15.00" on a button.
fn amount(minor: i64, currency: Currency) -> Amount {
    let money = Money::new(minor, currency);
    let label = money.to_string();
    let label = label.strip_suffix(".00").map_or(label.clone(), ToOwned::to_owned);
    Amount { value: money.figures(), label }
}
