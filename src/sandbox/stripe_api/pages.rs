//! What a supporter would see at Stripe: the hosted checkout, the customer portal; and the page of all payments.

use std::collections::HashMap;

use axum::{
    Form as Fields, Router,
    extract::{Path, State as Shared},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    CardAnswer, SandboxCard, StripeServer,
    currency::display,
    error::ApiResult,
    form::Form,
    shown::{amount, rhythm_of},
    state::{State, text},
    visit::Visit,
};
use crate::{
    clock::{Moment, Zone},
    sandbox::pages::{not_found, page},
};

pub(in crate::sandbox) fn router(server: StripeServer) -> Router {
    Router::new()
        .route("/c/pay/{session}", get(checkout).post(visit))
        .route("/p/session/{session}", get(portal).post(portal_act))
        .route("/i/{invoice}", get(invoice).post(pay_invoice))
        .merge(super::book::router())
        .merge(super::dashboard::router())
        .with_state(server)
}

type Given = HashMap<String, String>;

fn given<'a>(fields: &'a Given, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

async fn checkout(Shared(server): Shared<StripeServer>, Path(id): Path<String>) -> Response {
    server.expire_due().ok();
    checkout_page(&server, &id, "", None)
}

fn checkout_page(server: &StripeServer, id: &str, email: &str, error: Option<&str>) -> Response {
    let Some(session) = kept(server, id, "checkout.session") else {
        return not_found("There is no such checkout.");
    };
    match text(&session, "status") {
        "open" => {}
        "complete" => {
            let link = success_url(&session);
            return ended("All done", "This checkout was completed.", Some(&link), "Go back to the magazine");
        }
        _ => {
            let link = session["cancel_url"].as_str();
            return ended(
                "Too late",
                "This checkout has expired. Nothing was charged.",
                link,
                "Go back to the magazine",
            );
        }
    }
    let line = &session["_sandbox"]["lines"][0];
    let fixed = session["customer_email"].as_str();
    let context = json!({
        "title": "Checkout", "checkout": true, "id": id, "error": error,
        "name": line["description"], "description": session["_sandbox"]["intent"]["description"],
        "amount": amount(&session["amount_total"], text(&session, "currency")),
        "rhythm": rhythm_of(&line["price"]), "monthly": session["mode"] == "subscription",
        "email": fixed.unwrap_or(email), "fixed_email": fixed.is_some(),
        "cancel_url": session["cancel_url"],
    });
    page("checkout", &context)
}

fn ended(heading: &str, words: &str, link: Option<&str>, link_text: &str) -> Response {
    let context = json!({ "title": heading, "checkout": true, "heading": heading, "text": words, "link": link, "link_text": link_text });
    page("ended", &context)
}

async fn visit(
    Shared(server): Shared<StripeServer>,
    Path(id): Path<String>,
    Fields(fields): Fields<Given>,
) -> Response {
    let what = match given(&fields, "what") {
        "pay" => Visit::Pay,
        "decline" => Visit::Decline,
        "later" => Visit::PayLater,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let email = given(&fields, "email");
    let done: ApiResult<()> = server.act(None, None, |state| state.pay(&id, Some(email), what));
    match (done, what) {
        (Err(error), _) if error.status == 404 => not_found("There is no such checkout."),
        (Err(error), _) => {
            let message = error.body()["error"]["message"].as_str().unwrap_or_default().to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, checkout_page(&server, &id, email, Some(&message)))
                .into_response()
        }
        (Ok(()), Visit::Decline) => {
            let words = "The card was declined. Nothing was charged. Try another way to pay.";
            (StatusCode::PAYMENT_REQUIRED, checkout_page(&server, &id, email, Some(words))).into_response()
        }
        (Ok(()), _) => match kept(&server, &id, "checkout.session") {
            Some(session) => see_other(&success_url(&session)),
            None => not_found("There is no such checkout."),
        },
    }
}

fn success_url(session: &Value) -> String {
    text(session, "success_url").replace("{CHECKOUT_SESSION_ID}", text(session, "id"))
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn invoice(Shared(server): Shared<StripeServer>, Path(id): Path<String>) -> Response {
    let Some(own) = kept(&server, &id, "invoice") else { return not_found("There is no such invoice.") };
    let context = json!({
        "title": "Invoice", "checkout": true, "id": id, "number": own["number"], "status": own["status"],
        "amount": amount(&own["amount_remaining"], text(&own, "currency")), "open": own["status"] == "open",
    });
    page("invoice", &context)
}

async fn pay_invoice(
    Shared(server): Shared<StripeServer>,
    Path(id): Path<String>,
    Fields(fields): Fields<Given>,
) -> Response {
    let Some(own) = kept(&server, &id, "invoice") else { return not_found("There is no such invoice.") };
    let subscription = text(&own["parent"]["subscription_details"], "subscription").to_owned();
    let answer = match given(&fields, "what") {
        "pay" => CardAnswer::Works,
        _ => CardAnswer::Declined(String::new()),
    };
    let tried: ApiResult<()> = server.act(None, None, |state| {
        state.attempt(&subscription, &id, &answer);
        Ok(())
    });
    match tried {
        Ok(()) => Redirect::to(&format!("/i/{id}")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn portal(Shared(server): Shared<StripeServer>, Path(id): Path<String>) -> Response {
    let Some(session) = kept(&server, &id, "billing_portal.session") else {
        return not_found("There is no such page.");
    };
    let customer = server.object(text(&session, "customer")).unwrap_or_default();
    let state = server.lock();
    let own =
        state.newest("subscription").filter(|subscription| subscription["customer"] == session["customer"]);
    let context = json!({
        "title": "Your payments", "checkout": true, "email": customer["email"], "return_url": session["return_url"],
        "action": format!("/p/session/{id}"), "subscriptions": own.map(subscription).collect::<Vec<_>>(),
    });
    page("portal", &context)
}

async fn portal_act(
    Shared(server): Shared<StripeServer>,
    Path(id): Path<String>,
    Fields(fields): Fields<Given>,
) -> Response {
    let Some(session) = kept(&server, &id, "billing_portal.session") else {
        return not_found("There is no such page.");
    };
    let wanted = given(&fields, "subscription").to_owned();
    let own =
        kept(&server, &wanted, "subscription").is_some_and(|own| own["customer"] == session["customer"]);
    if !own {
        return not_found("There is no such subscription.");
    }
    let customer = text(&session, "customer").to_owned();
    let change = |state: &mut State| match given(&fields, "what") {
        "end" => state.update_subscription(&wanted, &Form::parse("cancel_at_period_end=true")?),
        "keep" => state.update_subscription(&wanted, &Form::parse("cancel_at_period_end=false")?),
        "card" => {
            let method = state.set_up_card(&customer, &other_card())?;
            state.update_subscription(&wanted, &Form::parse(&format!("default_payment_method={method}"))?)
        }
        _ => state.cancel_subscription(&wanted, &Form::default()),
    };
    match server.act(None, None, change) {
        Ok(_) => session["flow"]["after_completion"]["redirect"]["return_url"]
            .as_str()
            .or(session["return_url"].as_str())
            .map_or_else(|| Redirect::to(&format!("/p/session/{id}")).into_response(), see_other),
        Err(_) => not_found("This subscription has already ended."),
    }
}

fn subscription(subscription: &Value) -> Value {
    let item = &subscription["items"]["data"][0];
    let price = &item["price"];
    let total = price["unit_amount"].as_i64().unwrap_or_default() * item["quantity"].as_i64().unwrap_or(1);
    let status = text(subscription, "status");
    json!({
        "id": subscription["id"],
        "amount": display(total, text(subscription, "currency")),
        "rhythm": rhythm_of(price),
        "status": status.replace('_', " "),
        "email": subscription["_sandbox"]["email"],
        "until": Moment::from_unix_seconds(item["current_period_end"].as_i64().unwrap_or_default()).date(&Zone::UTC),
        "ends": subscription["cancel_at_period_end"] == true,
        "living": status != "canceled",
        "past_due": status == "past_due",
    })
}

/// The card that a supporter chooses on the portal.
fn other_card() -> SandboxCard {
    SandboxCard {
        brand: "mastercard".to_owned(),
        last4: "4444".to_owned(),
        expires: (11, 2035),
        answers: String::new(),
    }
}

/// An object with its private facts.
fn kept(server: &StripeServer, id: &str, kind: &str) -> Option<Value> {
    server.lock().get(id).filter(|object| object["object"] == kind).cloned()
}
