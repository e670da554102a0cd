//! The provider's dashboard: what happened, and buttons for what its owner, a bank or time can do.

use std::collections::HashMap;

use axum::{
    Form as Fields, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    CardAnswer, DisputeKind, Rhythm, SandboxError, StripeServer,
    currency::display,
    shown::{amount, rhythm_of},
    state::{State, text},
    subscription::period_of,
};
use crate::{
    clock::{Moment, Zone},
    sandbox::pages::{not_found, page},
};

/// So many of each kind are shown, the newest.
const SHOWN: usize = 40;

pub(super) fn router() -> Router<StripeServer> {
    Router::new()
        .route("/payments", get(payments))
        .route("/payments.json", get(payments_json))
        .route("/payments/{kind}/{id}", post(act))
}

async fn payments_json(Shared(server): Shared<StripeServer>) -> Response {
    axum::Json(server.charges()).into_response()
}

async fn payments(Shared(server): Shared<StripeServer>) -> Response {
    let charged = server.charges();
    let state = server.lock();
    let of = |kind: &'static str, show: fn(&State, &Value) -> Value| -> Vec<Value> {
        state.newest(kind).take(SHOWN).map(|own| show(&state, own)).collect()
    };
    let charges: Vec<Value> = charged
        .iter()
        .rev()
        .take(SHOWN)
        .filter_map(|own| Some(charge(state.get(&own.charge)?, own.rhythm, &own.email)))
        .collect();
    let sections = [
        section("Charged", "Nothing was charged yet.", charges),
        section("Subscriptions", "No subscriptions yet.", of("subscription", subscription)),
        section("Open invoices", "Nothing is owed.", {
            let open = state.newest("invoice").filter(|own| own["status"] == "open");
            open.take(SHOWN).map(invoice).collect()
        }),
        section("Checkouts", "No checkouts yet.", of("checkout.session", session)),
        section("Refunds", "Nothing was given back yet.", of("refund", refund)),
        section("Disputes", "Nothing is disputed.", of("dispute", dispute)),
        section("Reviews", "Nothing is held for review.", of("review", review)),
        section("Balance and payouts", "Nothing moved yet.", {
            let mut cards: Vec<Value> =
                state.summed().balances.iter().map(|(code, own)| balance(code, own.balance)).collect();
            cards.extend(of("payout", payout));
            cards
        }),
        section("Account and time", "", vec![account(&state)]),
    ];
    page("payments", &json!({ "title": "Payments", "checkout": false, "sections": sections }))
}

fn section(title: &str, empty: &str, cards: Vec<Value>) -> Value {
    json!({ "title": title, "empty": empty, "cards": cards })
}

/// One card of the page: what it is, how it stands, and what can be done, each with the word that the form sends.
fn card(
    kind: &str,
    id: &str,
    title: String,
    pills: Vec<String>,
    facts: String,
    acts: &[(&str, &str)],
) -> Value {
    let buttons: Vec<Value> =
        acts.iter().map(|(what, label)| json!({ "what": what, "label": label })).collect();
    json!({
        "id": id, "title": title, "pills": pills.iter().filter(|pill| !pill.is_empty()).collect::<Vec<_>>(), "facts": facts,
        "action": format!("/payments/{kind}/{id}"), "buttons": buttons, "input": null, "link": null, "link_text": null,
    })
}

fn when(second: &Value) -> String {
    Moment::from_unix_seconds(second.as_i64().unwrap_or_default()).date_time(&Zone::UTC)
}

fn word_if(is: bool, word: &str) -> String {
    if is { word.to_owned() } else { String::new() }
}

fn charge(own: &Value, rhythm: Rhythm, email: &str) -> Value {
    let refunded = own["amount_refunded"].as_i64().unwrap_or_default();
    let code = text(own, "currency");
    let pills = vec![
        if rhythm == Rhythm::Once { "once" } else { "instalment" }.to_owned(),
        word_if(refunded > 0, &format!("{} given back", display(refunded, code))),
        word_if(own["disputed"] == true, "disputed"),
        word_if(!own["review"].is_null(), "in review"),
    ];
    let acts = [
        ("refund", "Refund"),
        ("dispute", "Dispute"),
        ("inquire", "Let the bank ask"),
        ("warn", "Warn of fraud"),
        ("review", "Hold for review"),
    ];
    let facts = format!("{email} {}", when(&own["created"]));
    let mut shown = card("charges", text(own, "id"), amount(&own["amount"], code), pills, facts, &acts);
    shown["input"] = json!("Cents to give back or dispute; empty for all");
    shown
}

fn subscription(state: &State, own: &Value) -> Value {
    let item = &own["items"]["data"][0];
    let total: i64 = own["items"]["data"].as_array().into_iter().flatten().map(whole).sum();
    let status = text(own, "status").replace('_', " ");
    let paused = !own["pause_collection"].is_null();
    let ends = own["cancel_at_period_end"] == true;
    let living = !matches!(status.as_str(), "canceled" | "incomplete expired");
    let pills = vec![
        rhythm_of(&item["price"]),
        status.clone(),
        word_if(paused, "collection paused"),
        word_if(ends, "ends then"),
    ];
    let facts = format!(
        "{}, paid until {}",
        text(&own["_sandbox"], "email"),
        Moment::from_unix_seconds(period_of(item).end).date(&Zone::UTC)
    );
    let mut acts = vec![
        ("renew", "Move on one period"),
        ("fail", "Move on, card declined"),
        ("ask", "Move on, bank asks"),
        ("stuck", "Move on, the invoice cannot be made out"),
    ];
    if state.is_debited(own) {
        acts.push(("revoke", "Let the bank revoke the debit"));
    }
    if status == "past due" {
        acts.push(("retry", "Try the open invoice again"));
    }
    acts.push(if ends { ("keep", "Keep it going") } else { ("end", "Cancel at the end of the period") });
    acts.push(("cancel", "Cancel at once"));
    acts.push(if paused { ("resume", "Go on collecting") } else { ("pause", "Pause collecting") });
    acts.push(("quantity", "Set the quantity"));
    acts.push(("address", "Set the address"));
    acts.push(("copy", "Make another like it"));
    let acts = if living { acts } else { Vec::new() };
    let title = display(total, text(own, "currency"));
    let mut shown = card("subscriptions", text(own, "id"), title, pills, facts, &acts);
    shown["input"] = json!("Quantity, or address");
    shown
}

fn whole(item: &Value) -> i64 {
    item["price"]["unit_amount"].as_i64().unwrap_or_default() * item["quantity"].as_i64().unwrap_or(1)
}

fn invoice(own: &Value) -> Value {
    let facts = format!("{} tried {} times", text(own, "customer_email"), own["attempt_count"]);
    let acts = [
        ("outside", "Mark as paid outside"),
        ("void", "Make it void"),
        ("uncollectible", "Give it up as uncollectible"),
    ];
    let title = amount(&own["amount_due"], text(own, "currency"));
    let mut shown =
        card("invoices", text(own, "id"), title, vec![text(own, "number").to_owned()], facts, &acts);
    shown["link"] = own["hosted_invoice_url"].clone();
    shown["link_text"] = json!("Open the page to pay it");
    shown
}

fn session(state: &State, own: &Value) -> Value {
    let invoice = own["invoice"].as_str().and_then(|invoice| state.intent_of_invoice(invoice));
    let intent = invoice.or_else(|| own["payment_intent"].as_str().map(str::to_owned));
    let on_its_way =
        intent.and_then(|intent| state.get(&intent)).is_some_and(|intent| intent["status"] == "processing");
    let status = match (text(own, "status"), text(own, "payment_status")) {
        ("complete", "unpaid") => "complete, not paid".to_owned(),
        ("complete", paid) => paid.to_owned(),
        (status, _) => status.to_owned(),
    };
    let email =
        own["customer_details"]["email"].as_str().or(own["customer_email"].as_str()).unwrap_or_default();
    let acts: &[(&str, &str)] = if on_its_way {
        &[("succeed", "Let the bank debit arrive"), ("fail", "Let the bank debit fail")]
    } else {
        &[]
    };
    let pills = vec![rhythm_of(&own["_sandbox"]["lines"][0]["price"]), status];
    let title = amount(&own["amount_total"], text(own, "currency"));
    let facts = format!("{email} {}", when(&own["created"]));
    let mut shown = card("sessions", text(own, "id"), title, pills, facts, acts);
    if own["status"] == "open" {
        shown["link"] = json!(format!("/c/pay/{}", text(own, "id")));
        shown["link_text"] = json!("Open the checkout page");
    }
    shown
}

fn refund(_: &State, own: &Value) -> Value {
    let status = text(own, "status");
    let acts: &[(&str, &str)] = match status {
        "pending" => &[("arrive", "Let it arrive"), ("fail", "Let it fail")],
        "requires_action" => {
            &[("arrive", "Let it arrive"), ("fail", "Let it fail"), ("cancel", "Call it off")]
        }
        "succeeded" => &[("fail", "Let the bank send it back")],
        _ => &[],
    };
    let title = amount(&own["amount"], text(own, "currency"));
    card("refunds", text(own, "id"), title, vec![status.replace('_', " ")], when(&own["created"]), acts)
}

fn dispute(_: &State, own: &Value) -> Value {
    let acts: &[(&str, &str)] = match text(own, "status") {
        "needs_response" => &[("under_review", "Send evidence"), ("won", "Win it"), ("lost", "Lose it")],
        "under_review" | "appeal_under_review" => &[("won", "Win it"), ("lost", "Lose it")],
        "warning_needs_response" | "warning_under_review" => {
            &[("needs_response", "Let the bank take the money"), ("warning_closed", "Close the question")]
        }
        "lost" => &[("appeal_under_review", "Appeal")],
        _ => &[],
    };
    let pills = vec![text(own, "status").replace('_', " "), text(own, "reason").replace('_', " ")];
    let title = amount(&own["amount"], text(own, "currency"));
    card("disputes", text(own, "id"), title, pills, when(&own["created"]), acts)
}

fn review(state: &State, own: &Value) -> Value {
    let open = own["open"] == true;
    let pill = if open { "open".to_owned() } else { text(own, "closed_reason").replace('_', " ") };
    let acts: &[(&str, &str)] =
        if open { &[("approved", "Approve it"), ("refunded_as_fraud", "Close it as fraud")] } else { &[] };
    let charge = state.get(text(own, "charge")).cloned().unwrap_or_default();
    let title = amount(&charge["amount"], text(&charge, "currency"));
    card("reviews", text(own, "id"), title, vec![pill], when(&own["created"]), acts)
}

fn balance(code: &str, sum: i64) -> Value {
    let facts = "What came less what went. Two days after it came it can be paid out.".to_owned();
    card(
        "balances",
        code,
        display(sum, code),
        vec!["balance".to_owned()],
        facts,
        &[("pay_out", "Pay out what is available")],
    )
}

fn payout(_: &State, own: &Value) -> Value {
    let status = text(own, "status");
    let acts: &[(&str, &str)] = match status {
        "in_transit" | "pending" => &[("arrive", "Let it arrive"), ("fail", "Let it fail")],
        "paid" => &[("fail", "Let the bank send it back")],
        _ => &[],
    };
    let pills = vec!["payout".to_owned(), status.replace('_', " ")];
    let title = amount(&own["amount"], text(own, "currency"));
    card("payouts", text(own, "id"), title, pills, when(&own["created"]), acts)
}

fn account(state: &State) -> Value {
    let own = state.account(&super::form::Form::default()).unwrap_or_default();
    let free = own["charges_enabled"] == true && own["payouts_enabled"] == true;
    let pills = vec![if free { "unrestricted" } else { "restricted" }.to_owned()];
    let acts = [
        if free { ("restrict", "Restrict the account") } else { ("free", "Lift the restriction") },
        ("time", "Do what is due by now"),
    ];
    card("account", "own", text(&own, "id").to_owned(), pills, String::new(), &acts)
}

async fn act(
    Shared(server): Shared<StripeServer>,
    Path((kind, id)): Path<(String, String)>,
    Fields(fields): Fields<HashMap<String, String>>,
) -> Response {
    let given = |name: &str| fields.get(name).map_or("", String::as_str);
    match do_act(&server, (&kind, given("what")), &id, given("value").trim()) {
        Ok(()) => Redirect::to("/payments").into_response(),
        Err(error) => (StatusCode::CONFLICT, not_found(&error.to_string()).into_body()).into_response(),
    }
}

fn do_act(server: &StripeServer, what: (&str, &str), id: &str, value: &str) -> Result<(), SandboxError> {
    let cents = value.parse::<i64>().ok();
    match what {
        ("sessions", what) => server.settle(id, what == "succeed"),
        ("subscriptions", what) => act_on_subscription(server, what, id, value),
        ("charges", "refund") => server.refund(id, cents).map(drop),
        ("charges", "dispute") => server.dispute(id, DisputeKind::Chargeback, cents, "fraudulent").map(drop),
        ("charges", "inquire") => server.dispute(id, DisputeKind::Inquiry, cents, "unrecognized").map(drop),
        ("charges", "warn") => server.warn_of_fraud(id).map(drop),
        ("charges", "review") => server.open_review(id).map(drop),
        ("refunds", "arrive") => server.refund_arrives(id),
        ("refunds", "cancel") => server.cancel_refund(id),
        ("refunds", "fail") => server.refund_fails(id, "lost_or_stolen_card"),
        ("disputes", status) => server.dispute_becomes(id, status),
        ("reviews", why) => server.close_review(id, why),
        ("invoices", "outside") => server.mark_paid_outside(id),
        ("invoices", "void") => server.visit(|state| state.end_invoice(id, "void").map(drop)),
        ("invoices", "uncollectible") => server.mark_uncollectible(id),
        ("balances", "pay_out") => server.pay_out(id).map(drop),
        ("payouts", "arrive") => server.payout_arrives(id),
        ("payouts", "fail") => server.payout_fails(id, "account_closed"),
        ("account", "restrict") => server.restrict_account(false, false, &["company.tax_id"]),
        ("account", "free") => server.restrict_account(true, true, &[]),
        ("account", "time") => server.let_time_pass().map(drop),
        _ => Err(SandboxError("there is no such button".to_owned())),
    }
}

fn act_on_subscription(server: &StripeServer, what: &str, id: &str, value: &str) -> Result<(), SandboxError> {
    let item = || {
        let own = server.object(id).unwrap_or_default();
        text(&own["items"]["data"][0], "id").to_owned()
    };
    match what {
        "renew" => server.renew(id),
        "fail" => server.fail_renewal(id),
        "ask" => server.renew_with(id, &CardAnswer::AsksOwner),
        "stuck" => server.finalization_fails(id, "customer_tax_location_invalid").map(drop),
        "revoke" => server.revoke_mandate(id).map(drop),
        "address" => {
            let address: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            server.change_customer(&server.customer_of(id).unwrap_or_default(), &format!("email={address}"))
        }
        "retry" => server.retry_invoice(id),
        "end" => server.change_subscription(id, "cancel_at_period_end=true"),
        "keep" => server.change_subscription(id, "cancel_at_period_end=false"),
        "cancel" => server.cancel_subscription(id),
        "pause" => server.change_subscription(id, "pause_collection[behavior]=void"),
        "resume" => server.change_subscription(id, "pause_collection="),
        "quantity" => {
            let form = format!("items[0][id]={}&items[0][quantity]={value}&proration_behavior=none", item());
            server.change_subscription(id, &form)
        }
        "copy" => server.copy_subscription(id).map(drop),
        _ => Err(SandboxError("there is no such button".to_owned())),
    }
}
