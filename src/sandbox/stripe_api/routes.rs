//! Which request does what.

use super::{
    error::{ApiError, ApiResult},
    form::Form,
    lists::LISTINGS,
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
        ("POST", ["billing_portal", "sessions"]) => state.create_portal_session(form),
        ("POST", ["billing_portal", "configurations"]) => state.create_portal_configuration(form),
        ("POST", ["billing_portal", "configurations", id]) => state.update_portal_configuration(id, form),
        ("POST", ["customers"]) => state.create_customer(form),
        ("POST", ["customers", id]) => state.update_customer(id, form),
        ("DELETE", ["customers", id]) => state.delete_customer(id, form),
        ("GET", ["customers", id, "payment_methods"]) => state.methods_of_customer(id, form),
        ("POST", ["payment_methods", id, "attach"]) => state.attach_method(id, form),
        ("POST", ["payment_methods", id, "detach"]) => state.detach_method(id, form),
        ("POST", ["invoices", id, "pay"]) => state.pay_invoice(id, form),
        ("POST", ["invoices", id, "void"]) => {
            form.allow(&["expand[]"])?;
            state.end_invoice(id, "void")
        }
        ("POST", ["invoices", id, "mark_uncollectible"]) => {
            form.allow(&["expand[]"])?;
            state.end_invoice(id, "uncollectible")
        }
        ("POST", ["payouts"]) => state.create_payout(form),
        ("POST", ["payouts", id, "cancel"]) => state.cancel_payout(id, form),
        ("POST", ["webhook_endpoints"]) => state.create_endpoint(form),
        ("POST", ["webhook_endpoints", id]) => state.update_endpoint(id, form),
        ("DELETE", ["webhook_endpoints", id]) => state.delete_endpoint(id, form),
        ("GET", ["balance"]) => {
            form.allow(&["expand[]"])?;
            Ok(state.balance())
        }
        ("GET", ["account"]) => state.account(form),
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
