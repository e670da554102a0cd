//! `/donate`: how much, how often, who. Then on to the provider's checkout.
//!
//! Whatever is asked in between, the gift is held on the page that asks (`donate_held.rs`), and nothing typed is lost.

use std::{borrow::Cow, time::Duration};

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, ClientAddress, Form, Outcome, Posted, WebError, answers::too_many, session::see_other, words,
    },
    donate_held::{self as held, Question, TITLE, amount_of, mark_of},
    gave::{self, Gave},
    told::{InAddress, Told},
};
use crate::{
    donations::{self, GiftError, GiftRequest, Giver, KnownSupporter, Proof},
    email_address::EmailAddress,
    mail::fields_to_everybody,
    money::{self, Currency, Money},
    payments::Every,
    settings::Settings,
    subscribers::machines,
    token,
};

/// `e` is the token of an edition, `s` of a supporter, `a` the name of an article. `website` is no question: people do not see it. `made` is the mark of the form,
/// `since` of when somebody began to wait; the rest is what the pages in between ask.
const FIELDS: &[&str] = &[
    "amount",
    "own_amount",
    "every",
    "email",
    "name",
    "e",
    "s",
    "a",
    "website",
    "made",
    "anew",
    "again",
    "challenge",
    "answer",
    "since",
    "later",
];
const PATH: &str = "/donate";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// The token of the edition that led here.
    e: String,
    /// The token of a supporter, out of a letter of theirs.
    s: String,
    /// The slug of the article that led here.
    a: String,
    every: String,
    /// One of the amounts that are suggested.
    amount: String,
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
    /// Where the receipt of whoever came by their own link goes, so that they recognise it and nobody else learns it; none for whoever
    /// types an address.
    receipt_to: Option<String>,
    /// The two amounts that what was typed may mean.
    readings: Vec<Amount>,
    trouble: Option<Cow<'static, str>>,
    /// What there is to know beside.
    notice: Option<&'static str>,
}

/// An amount that is offered.
#[derive(Debug, Serialize)]
pub(super) struct Amount {
    value: String,
    label: String,
}

/// What stands on the page beside the form.
#[derive(Default)]
struct Beside {
    readings: Option<[Money; 2]>,
    trouble: Option<Cow<'static, str>>,
    notice: Option<&'static str>,
}

/// `GET /donate`
pub(crate) async fn show(State(app): State<App>, told: InAddress, Query(asked): Query<Asked>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let mut beside = Beside::default();
    let form = match told.read(&app.site, PATH) {
        // Back from the payment page, as it was filled in.
        Some(Told::Gift { filled, gift }) => {
            let declined = donations::last_decline(&app.site.db, &gift).await?;
            beside.notice = declined.map(|code| words::donations::declined(&code));
            filled.into_iter().fold(Form::new(FIELDS), |form, (name, value)| form.with(&name, value))
        }
        _ => {
            let every = if asked.every == "month" { "month" } else { "once" };
            let mut form = Form::new(FIELDS).with("every", every).with("e", asked.e).with("a", asked.a);
            if suggested(&settings).iter().any(|one| one.value == asked.amount) {
                form = form.with("amount", asked.amount);
            }
            if donations::known_supporter(&app.site, &asked.s).await?.is_some() {
                form = form.with("s", asked.s);
            } else if let Some(until) = donations::giving_closed_until(&app.site).await? {
                beside.trouble = Some(closed(until.since(app.site.now())).into());
            }
            form
        }
    };
    let page = page(&app, &settings, form, beside).await?;
    app.public_page("public/donate", TITLE, &page).await
}

/// `POST /donate`
pub(crate) async fn submit(
    State(app): State<App>,
    client: ClientAddress,
    Gave(gave): Gave,
    posted: Posted,
) -> Outcome {
    let form = posted.form(FIELDS)?;
    let settings = Settings::load(&app.site.db).await?;
    let Some(payments) = &app.payments else {
        return Err(WebError::Unavailable("Donations are switched off. Nothing was charged."));
    };
    let every = match form.text("every") {
        "month" => Every::Month,
        "once" => Every::Once,
        _ => return Err(WebError::BadRequest("Choose whether to give once or each month.")),
    };
    if !form.text("website").is_empty() {
        // A program filled in what people do not see, and is told what everybody is told who comes too often.
        return later(&app, &settings, form, Duration::from_secs(3_600)).await;
    }
    if form.is_ticked("anew") {
        let page = page(&app, &settings, form, Beside::default()).await?;
        return app.public_page("public/donate", TITLE, &page).await;
    }
    let known = donations::known_supporter(&app.site, form.text("s")).await?;
    let gift = token::public_id();
    let back = back_to(&app, &form, &gift);
    let typed = form.clone();
    let own = own_address(&typed, known.as_ref());
    let request = GiftRequest {
        amount: amount_of(&typed),
        every,
        email: own.map_or_else(|| typed.text("email"), |known| &known.email),
        name: own.map_or_else(|| typed.text("name"), |known| &known.name),
        giver: Giver {
            from: client.network(),
            form: mark_of(&app, &typed).unwrap_or_default(),
            known: known.as_ref(),
            proof: proof(&typed),
        },
        gift: &gift,
        back: &back,
        edition_token: Some(typed.text("e")),
        article: Some(typed.text("a")),
    };
    let (amount, email) = match donations::read_gift(&settings, &request) {
        Ok(read) => read,
        Err(error) => return refused(&app, &settings, form, error).await,
    };
    if !has_taken_its_time(&app, &form) {
        let to = if own.is_some() { email.masked() } else { email.to_string() };
        return held::ask(&app, &form, Question::Press { amount, to }).await;
    }
    if !form.is_ticked("again") {
        let is_new = donations::is_new_giver_token(&app.site, form.text("s"));
        let who = (known.as_ref(), is_new, gave.as_deref());
        if let Some(before) = donations::given_before(&app.site, who, &email, every).await? {
            return held::ask(&app, &form, Question::Again { before, zone: &settings.time_zone }).await;
        }
    }
    match donations::start_gift(&app.site, payments.provider.as_ref(), &settings, &request).await {
        Ok(gift) => Ok(gave::remembers(&app.site, &gift.public_id, see_other(&gift.checkout_url))),
        Err(error) => refused(&app, &settings, form, error).await,
    }
}

/// The page that says why there is no checkout.
async fn refused(app: &App, settings: &Settings, mut form: Form, error: GiftError) -> Outcome {
    let mut beside = Beside::default();
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    match error {
        GiftError::Invalid(fields) => {
            beside.readings = fields.readings;
            status = StatusCode::UNPROCESSABLE_ENTITY;
            for (name, error) in
                [("own_amount", fields.amount), ("email", fields.email), ("name", fields.name)]
            {
                if let Some(error) = error {
                    form.mistake(name, error);
                }
            }
        }
        GiftError::Database(error) => return Err(error.into()),
        GiftError::TooMany(wait) => return later(app, settings, form, wait).await,
        GiftError::Work => return held::ask(app, &form, Question::Work).await,
        GiftError::Closed(wait) => {
            let beside = Beside { trouble: Some(closed(wait).into()), ..beside };
            let page = page(app, settings, form, beside).await?;
            return Ok(too_many(wait, app.public_page("public/donate", TITLE, &page).await?));
        }
        GiftError::Currency(code) => {
            tracing::error!(code, "no gifts can be taken in the currency of the settings");
            let trouble = "Our donation page is not set up correctly. Nothing was charged. Please tell us.";
            beside.trouble = Some(trouble.into());
        }
        GiftError::Provider(_) => {
            let trouble = "The payment service did not answer, so nothing was charged. Please try again in a few minutes.";
            beside.trouble = Some(trouble.into());
        }
    }
    let page = page(app, settings, form, beside).await?;
    Ok((status, app.public_page("public/donate", TITLE, &page).await?).into_response())
}

/// The form again for whoever came too often.
async fn later(app: &App, settings: &Settings, form: Form, wait: Duration) -> Outcome {
    let trouble = format!(
        "Nothing was charged: more gifts than usual are being begun just now. Please try again in {}.",
        words::wait(wait)
    );
    let beside = Beside { trouble: Some(trouble.into()), ..Beside::default() };
    let page = page(app, settings, form, beside).await?;
    let page: Response = app.public_page("public/donate", TITLE, &page).await?;
    Ok(too_many(wait, page))
}

/// What strangers are told while it is closed to them.
fn closed(wait: Duration) -> String {
    format!(
        "Somebody is trying out cards on this page, so it takes no gifts from whoever it does not know, for {} more. Nothing was charged. \
         If you have given before, the link to give again in your receipt works now.",
        words::wait(wait)
    )
}

/// Whether the form has been here for as long as people take, by its own word that it bears our mark; in the sandbox no money moves.
fn has_taken_its_time(app: &App, form: &Form) -> bool {
    let age = mark_of(app, form).and_then(|mark| machines::age(&app.site, mark));
    app.sandbox.is_some() || age.is_some_and(|age| age >= app.quickest_form)
}

/// What the browser did that was asked for some work.
fn proof(form: &Form) -> Proof<'_> {
    match (form.text("challenge"), form.text("answer"), form.text("since")) {
        (_, _, since) if form.is_ticked("later") && !since.is_empty() => Proof::Waited(since),
        ("", ..) | (_, "", _) => Proof::None,
        (challenge, answer, _) => Proof::Worked(challenge, answer),
    }
}

/// Where the payment page leads whoever turns back: here, with what they filled in, sealed.
fn back_to(app: &App, form: &Form, gift: &str) -> String {
    const KEPT: [&str; 8] = ["amount", "own_amount", "every", "email", "name", "e", "s", "a"];
    let filled = KEPT.map(|name| (name.to_owned(), form.text(name).to_owned()));
    let filled = filled.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Told::Gift { filled, gift: gift.to_owned() }.address(&app.site, PATH)
}

/// Whoever came by their own link and typed no other address: what they are known by stands in no form.
fn own_address<'a>(form: &Form, known: Option<&'a KnownSupporter>) -> Option<&'a KnownSupporter> {
    known.filter(|_| form.text("email").is_empty())
}

async fn page(app: &App, settings: &Settings, mut form: Form, beside: Beside) -> Result<Page, WebError> {
    let known = donations::known_supporter(&app.site, form.text("s")).await?;
    // The payment service may not take it: then they type another.
    let own = own_address(&form, known.as_ref()).filter(|_| form.error("email").is_empty());
    let receipt_to = own.and_then(|known| EmailAddress::parse(&known.email).ok()).map(|email| email.masked());
    let amounts = suggested(settings);
    // Something sensible is chosen already, so that one tap is enough.
    if form.text("amount").is_empty()
        && form.text("own_amount").is_empty()
        && let Some(middle) = amounts.get(amounts.len() / 2)
    {
        form = form.with("amount", middle.value.clone());
    }
    if mark_of(app, &form).is_none() {
        form = form.holding("made", machines::mark(&app.site));
    }
    let reading = |money: Money| amount(money.minor, money.currency);
    Ok(Page {
        receipt_to,
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
        readings: beside.readings.map(|both| both.map(reading).into()).unwrap_or_default(),
        trouble: beside.trouble,
        notice: beside.notice,
    })
}

/// The amounts that the magazine thinks sensible.
pub(super) fn suggested(settings: &Settings) -> Vec<Amount> {
    money::currency(&settings.currency).map_or_else(Vec::new, |currency| {
        settings.suggested_amounts.iter().map(|minor| amount(*minor, currency)).collect()
    })
}

/// "€15" rather than "€15.00" on a button.
fn amount(minor: i64, currency: Currency) -> Amount {
    let money = Money::new(minor, currency);
    let label = money.to_string();
    let label = label.strip_suffix(".00").map_or(label.clone(), ToOwned::to_owned);
    Amount { value: money.figures(), label }
}
