//! Which request does what.

use serde_json::json;

use super::{
    error::{ApiError, ApiResult},
    form::Form,
    lists::LISTINGS,
    objects,
    state::{State, public},
};

pub(super) fn route(state: &mut State, method: &str, path: &str, form: &Form) -> ApiResult {
    let segments: Vec<&str> = path.split('/').collect();
    match (method, segments.as_slice()) {
        ("POST", ["checkout", "sessions"]) => state.create_session(form),
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            form.allow(&["expand[]"])?;
            state.expire_session(id)
        }
        ("GET", ["checkout", "sessions", id, "line_items"]) => {
            form.allow(&["limit", "starting_after", "ending_before", "expand[]"])?;
            let mut session = public(state.find("checkout.session", id, "session")?);
            state.expand(&mut session, &Form::parse("expand[]=line_items")?)?;
            Ok(session["line_items"].clone())
        }
        ("POST", ["subscriptions", id]) => state.update_subscription(id, form),
        ("DELETE", ["subscriptions", id]) => state.cancel_subscription(id, form),
        ("POST", ["refunds"]) => state.create_refund(form),
        ("POST", ["refunds", id]) => state.update_refund(id, form),
        ("POST", ["refunds", id, "cancel"]) => state.cancel_refund(id, form),
        ("POST", ["disputes", id]) => state.update_dispute(id, form),
        ("POST", ["disputes", id, "close"]) => state.close_dispute(id, form),
        ("POST", ["reviews", id, "approve"]) => state.approve_review(id, form),
        ("POST", ["billing_portal", "sessions"]) => portal_session(state, form),
        ("GET", ["balance"]) => {
            form.allow(&["expand[]"])?;
            Ok(state.balance())
        }
        ("GET", ["account"]) => Ok(json!({
            "id": "acct_sandbox", "object": "account", "business_profile": { "name": "Sandbox" }, "charges_enabled": true,
            "country": "NL", "default_currency": "eur", "details_submitted": true, "email": "sandbox@example.org",
            "payouts_enabled": true, "type": "standard",
        })),
        ("GET", _) => fetch(state, path, form),
        (method, _) => Err(ApiError::unknown_url(method, &format!("/v1/{path}"))),
    }
}

fn fetch(state: &State, path: &str, form: &Form) -> ApiResult {
    for listing in LISTINGS {
        let Some(rest) = path.strip_prefix(listing.path) else { continue };
        match rest.strip_prefix('/') {
            None if rest.is_empty() => return state.list(listing, form),
            Some(id) if !id.is_empty() && !id.contains('/') => {
                return state.retrieve(listing, id, form);
            }
            _ => {}
        }
    }
    Err(ApiError::unknown_url("GET", &format!("/v1/{path}")))
}

fn portal_session(state: &mut State, form: &Form) -> ApiResult {
    form.allow(&["customer", "return_url", "locale", "expand[]"])?;
    let customer = form.require("customer")?.to_owned();
    state.find("customer", &customer, "customer")?;
    let id = state.new_id("bps", 24);
    let url = format!("{}/p/session/{id}", state.base_url);
    let session = objects::portal_session(&id, &customer, form.optional("return_url")?, &url, state.now());
    state.put(session.clone());
    Ok(session)
}
