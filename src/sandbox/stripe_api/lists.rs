//! Fetching: lists page by page, and ids replaced by the objects they name.

use serde_json::Value;

use super::{
    delivery::DeliveryState,
    error::{ApiError, ApiResult},
    form::Form,
    objects::list_of,
    state::{State, list, public, text},
};

const PAGING: &[&str] = &[
    "limit",
    "starting_after",
    "ending_before",
    "expand[]",
    "created",
    "created[gt]",
    "created[gte]",
    "created[lt]",
    "created[lte]",
];
/// Deeper than this nothing is expanded.
const DEPTH: usize = 4;
/// Events can be fetched for so long.
const THIRTY_DAYS: i64 = 30 * 86_400;

/// What can be listed: its kind, its path, and the fields it can be filtered by.
pub(super) struct Listing {
    pub(super) kind: &'static str,
    pub(super) path: &'static str,
    pub(super) filters: &'static [&'static str],
}

/// Everything that can be fetched, by one id or as a list.
pub(super) const LISTINGS: &[Listing] = &[
    Listing {
        kind: "checkout.session",
        path: "checkout/sessions",
        filters: &["customer", "payment_intent", "subscription", "status"],
    },
    Listing { kind: "payment_intent", path: "payment_intents", filters: &["customer"] },
    Listing { kind: "charge", path: "charges", filters: &["customer", "payment_intent"] },
    Listing {
        kind: "invoice",
        path: "invoices",
        filters: &["customer", "status", "subscription", "collection_method"],
    },
    Listing {
        kind: "invoice_payment",
        path: "invoice_payments",
        filters: &["invoice", "status", "payment[type]", "payment[payment_intent]"],
    },
    Listing {
        kind: "subscription",
        path: "subscriptions",
        filters: &["customer", "status", "price", "collection_method"],
    },
    Listing { kind: "payout", path: "payouts", filters: &["status"] },
    Listing { kind: "product", path: "products", filters: &["active"] },
    Listing { kind: "price", path: "prices", filters: &["active", "product", "currency"] },
    Listing { kind: "coupon", path: "coupons", filters: &[] },
    Listing { kind: "webhook_endpoint", path: "webhook_endpoints", filters: &[] },
    Listing {
        kind: "billing_portal.configuration",
        path: "billing_portal/configurations",
        filters: &["active", "is_default"],
    },
    Listing { kind: "customer", path: "customers", filters: &["email"] },
    Listing { kind: "refund", path: "refunds", filters: &["charge", "payment_intent"] },
    Listing {
        kind: "balance_transaction",
        path: "balance_transactions",
        filters: &["currency", "payout", "source", "type"],
    },
    Listing { kind: "dispute", path: "disputes", filters: &["charge", "payment_intent"] },
    Listing { kind: "review", path: "reviews", filters: &[] },
    Listing {
        kind: "radar.early_fraud_warning",
        path: "radar/early_fraud_warnings",
        filters: &["charge", "payment_intent"],
    },
    Listing { kind: "payment_method", path: "payment_methods", filters: &["customer", "type"] },
    Listing { kind: "mandate", path: "mandates", filters: &[] },
    Listing { kind: "setup_intent", path: "setup_intents", filters: &["customer", "payment_method"] },
    Listing { kind: "event", path: "events", filters: &["type", "types[]", "delivery_success"] },
];

/// Whether a subscription has come to its end.
fn is_over(subscription: &Value) -> bool {
    matches!(text(subscription, "status"), "canceled" | "incomplete_expired")
}

impl State {
    /// One page of a list, the newest first.
    pub(super) fn list(&self, listing: &Listing, form: &Form) -> ApiResult {
        let allowed: Vec<&str> = PAGING.iter().chain(listing.filters).copied().collect();
        form.allow(&allowed)?;
        let limit = form.integer("limit")?.unwrap_or(10);
        let limit =
            usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
                ApiError::param("parameter_invalid_integer", "limit", "This value must be between 1 and 100.")
            })?;
        let types = form.values("types");
        if types.len() > 20 {
            return Err(ApiError::param("", "types", "You may pass up to 20 event types."));
        }
        let (page, has_more) = if self.is_in_order(listing.kind) && form.get("ending_before").is_none() {
            self.page_in_order(listing, form, limit)?
        } else {
            self.page_of_all(listing, form, limit)?
        };
        let mut page = list(
            &format!("/v1/{}", listing.path),
            page.iter().map(|object| self.aged(public(object))).collect(),
            has_more,
        );
        self.expand(&mut page, form)?;
        Ok(page)
    }

    /// Reads no more than it gives: a list may be very long.
    fn page_in_order(
        &self,
        listing: &Listing,
        form: &Form,
        limit: usize,
    ) -> Result<(Vec<&Value>, bool), ApiError> {
        let after = form.optional("starting_after")?;
        if let Some(id) = after {
            let known = self.get(id).filter(|object| object["object"] == listing.kind);
            if known.map(|object| self.is_wanted(listing, form, object)).transpose()? != Some(true) {
                return Err(ApiError::unknown_object(listing.kind, id, "starting_after"));
            }
        }
        let mut page = Vec::with_capacity(limit + 1);
        for object in self.newest_behind(listing.kind, after) {
            if self.is_wanted(listing, form, object)? {
                page.push(object);
            }
            if page.len() > limit {
                break;
            }
        }
        let has_more = page.len() > limit;
        page.truncate(limit);
        Ok((page, has_more))
    }

    fn page_of_all(
        &self,
        listing: &Listing,
        form: &Form,
        limit: usize,
    ) -> Result<(Vec<&Value>, bool), ApiError> {
        let mut all = Vec::new();
        for object in self.newest(listing.kind) {
            if self.is_wanted(listing, form, object)? {
                all.push(object);
            }
        }
        // What happened long ago may have been put here later.
        let created = |object: &&Value| std::cmp::Reverse(object["created"].as_i64());
        if !all.is_sorted_by_key(created) {
            all.sort_by_key(created);
        }
        let place = |name: &str| -> ApiResult<Option<usize>> {
            let Some(id) = form.optional(name)? else { return Ok(None) };
            let place = all.iter().position(|object| object["id"] == id);
            place.map(Some).ok_or_else(|| ApiError::unknown_object(listing.kind, id, name))
        };
        let (after, before) = (place("starting_after")?, place("ending_before")?);
        let (page, has_more) = match (after, before) {
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    "You may only specify one of these parameters: starting_after, ending_before.",
                ));
            }
            (None, Some(before)) => (&all[before.saturating_sub(limit)..before], before > limit),
            (after, None) => {
                let rest = &all[after.map_or(0, |after| after + 1)..];
                (&rest[..rest.len().min(limit)], rest.len() > limit)
            }
        };
        Ok((page.to_vec(), has_more))
    }

    fn is_wanted(&self, listing: &Listing, form: &Form, object: &Value) -> ApiResult<bool> {
        let created = object["created"].as_i64().unwrap_or_default();
        let bound = |name: &str| form.integer(name);
        let in_time = bound("created")?.is_none_or(|at| created == at)
            && bound("created[gt]")?.is_none_or(|after| created > after)
            && bound("created[gte]")?.is_none_or(|from| created >= from)
            && bound("created[lt]")?.is_none_or(|before| created < before)
            && bound("created[lte]")?.is_none_or(|until| created <= until);
        if !in_time {
            return Ok(false);
        }
        if listing.kind == "event" {
            return self.is_wanted_event(form, object, created);
        }
        let fits = |filter: &&&str| match (form.get(filter), **filter) {
            (None, _) => true,
            (Some("all"), "status") => true,
            (Some("ended"), "status") => is_over(object),
            (Some(wanted), "payment[type]") => object["payment"]["type"] == wanted,
            (Some(wanted), "payment[payment_intent]") => object["payment"]["payment_intent"] == wanted,
            (Some(wanted), "active" | "is_default") => object[**filter] == (wanted == "true"),
            (Some(wanted), "subscription") if listing.kind == "invoice" => {
                object["parent"]["subscription_details"]["subscription"] == wanted
            }
            (Some(wanted), "price") => object["items"]["data"][0]["price"]["id"] == wanted,
            (Some(wanted), "payout") => object["_sandbox"]["payout"] == wanted,
            (Some(wanted), field) => object[field] == wanted,
        };
        // Without a status, ended subscriptions are left out; and customers that were deleted always are.
        let ended = listing.kind == "subscription" && form.get("status").is_none() && is_over(object)
            || listing.kind == "customer" && object["deleted"] == true;
        Ok(!ended && listing.filters.iter().all(|filter| fits(&filter)))
    }

    /// The payment methods of one customer.
    pub(super) fn methods_of_customer(&self, id: &str, form: &Form) -> ApiResult {
        self.living_customer(id)?;
        let form = form.clone().and(Form::parse(&format!("customer={id}"))?);
        match LISTINGS.iter().find(|listing| listing.kind == "payment_method") {
            Some(listing) => self.list(listing, &form),
            None => Err(ApiError::invalid("Payment methods cannot be listed.")),
        }
    }

    fn is_wanted_event(&self, form: &Form, event: &Value, created: i64) -> ApiResult<bool> {
        let kind = text(event, "type");
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == pattern,
        };
        let types = form.values("types");
        let typed = form.get("type").is_none_or(fits)
            && (types.is_empty() || types.iter().any(|pattern| fits(pattern)));
        let delivered = form.boolean("delivery_success")?.is_none_or(|wanted| {
            let of_event = |delivery: &&super::Delivery| delivery.event == text(event, "id");
            let failed = |delivery: &super::Delivery| delivery.state != DeliveryState::Delivered;
            wanted != self.deliveries.values().filter(of_event).any(failed)
        });
        Ok(typed && delivered && created > self.now() - THIRTY_DAYS)
    }

    /// One object by its id.
    pub(super) fn retrieve(&self, listing: &Listing, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        let mut object = self.aged(public(self.find(listing.kind, id, "id")?));
        self.expand(&mut object, form)?;
        Ok(object)
    }

    /// Replaces ids by the objects they name, as `expand[]=a.b` asks.
    pub(super) fn expand(&self, object: &mut Value, form: &Form) -> ApiResult<()> {
        for path in form.values("expand") {
            let names: Vec<&str> = path.split('.').collect();
            if names.len() > DEPTH {
                return Err(ApiError::invalid(format!(
                    "You cannot expand more than {DEPTH} levels of a property."
                )));
            }
            self.expand_path(object, &names, path)?;
        }
        Ok(())
    }

    fn expand_path(&self, object: &mut Value, names: &[&str], whole: &str) -> ApiResult<()> {
        let Some((name, rest)) = names.split_first() else { return Ok(()) };
        if let Some(items) = object.as_array_mut() {
            return items.iter_mut().try_for_each(|item| self.expand_path(item, names, whole));
        }
        if let Some(included) = self.left_out(object, name) {
            object[*name] = included;
        }
        let cannot = || ApiError::invalid(format!("This property cannot be expanded ({whole})."));
        // What a refund has only once it failed can be asked for before.
        if *name == "failure_balance_transaction" && object.get(*name).is_none() {
            return Ok(());
        }
        let field = object.get_mut(*name).ok_or_else(cannot)?;
        match field {
            Value::Null => Ok(()),
            Value::String(id) => {
                *field = self.aged(public(self.get(id).ok_or_else(cannot)?));
                self.expand_path(field, rest, whole)
            }
            Value::Array(ids) if ids.iter().all(Value::is_string) => {
                for id in ids {
                    let found = id.as_str().and_then(|id| self.get(id)).ok_or_else(cannot)?;
                    *id = self.aged(public(found));
                    self.expand_path(id, rest, whole)?;
                }
                Ok(())
            }
            Value::Object(_) | Value::Array(_)
                if !rest.is_empty() || *name == "payments" || *name == "line_items" =>
            {
                self.expand_path(field, rest, whole)
            }
            Value::Object(inner) if inner.contains_key("object") => Ok(()),
            _ => Err(cannot()),
        }
    }

    /// The lists that an object holds only when they are asked for.
    fn left_out(&self, object: &Value, name: &str) -> Option<Value> {
        let id = text(object, "id");
        let of = |kind: &'static str, field: &'static str| -> Vec<Value> {
            self.newest(kind).filter(|other| other[field] == id).map(public).collect()
        };
        match (text(object, "object"), name) {
            ("invoice", "payments") => {
                Some(list_of(of("invoice_payment", "invoice"), "/v1/invoice_payments"))
            }
            ("charge", "refunds") => {
                Some(list_of(of("refund", "charge"), &format!("/v1/charges/{id}/refunds")))
            }
            ("customer", "subscriptions") => {
                Some(list_of(of("subscription", "customer"), "/v1/subscriptions"))
            }
            ("checkout.session", "line_items") => {
                let lines =
                    self.get(id).map(|session| session["_sandbox"]["lines"].clone()).unwrap_or_default();
                let lines = lines.as_array().cloned().unwrap_or_default();
                Some(list_of(lines, &format!("/v1/checkout/sessions/{id}/line_items")))
            }
            _ => None,
        }
    }
}
