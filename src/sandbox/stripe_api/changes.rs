//! How a subscription is changed while it runs: its items, its next date, a pause, its end, its card.

use serde_json::{Map, Value, json};

use super::{
    currency,
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    objects::{self, Period, Price},
    state::{State, public, text},
    subscription::{FEEDBACK, next_period, note_feedback, period_of},
};

const UPDATE: &[&str] = &[
    "cancel_at",
    "cancel_at_period_end",
    "cancellation_details[comment]",
    "cancellation_details[feedback]",
    "default_payment_method",
    "description",
    "items[][deleted]",
    "items[][id]",
    "items[][price]",
    "items[][price_data][currency]",
    "items[][price_data][product]",
    "items[][price_data][recurring][interval]",
    "items[][price_data][recurring][interval_count]",
    "items[][price_data][unit_amount]",
    "items[][quantity]",
    "metadata[*]",
    "off_session",
    "pause_collection",
    "pause_collection[behavior]",
    "pause_collection[resumes_at]",
    "payment_behavior",
    "proration_behavior",
    "trial_end",
    "expand[]",
];
/// What the event of a change tells the former value of.
const TOLD: &[&str] = &[
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "canceled_at",
    "cancellation_details",
    "default_payment_method",
    "description",
    "items",
    "latest_invoice",
    "metadata",
    "pause_collection",
    "status",
    "trial_end",
    "trial_start",
];

impl State {
    /// Changes what may be changed.
    pub(super) fn update_subscription(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(UPDATE)?;
        let feedback = form.choice("cancellation_details[feedback]", FEEDBACK)?;
        let metadata = form.metadata("metadata")?;
        let behaviour = form
            .choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?
            .unwrap_or("create_prorations");
        form.choice(
            "payment_behavior",
            &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"],
        )?;
        let before = self.living(id)?.clone();
        let mut after = before.clone();
        self.change_end(&mut after, form)?;
        change_pause(&mut after, form)?;
        self.change_card(&mut after, form)?;
        let trial = self.change_trial(&mut after, form)?;
        let items = self.changed_items(&before, form)?;
        note_feedback(&mut after, form, feedback);
        merge_metadata(&mut after, metadata);
        if let Some(description) = form.get("description") {
            after["description"] = if description.is_empty() { Value::Null } else { json!(description) };
        }
        let mut charge_now = false;
        if let Some(mut items) = items {
            let now = self.now();
            let restarts = interval_of(&items[0]) != interval_of(&before["items"]["data"][0]);
            if behaviour != "none" && trial.is_none() {
                note_prorations(&mut after, &before, &items, now, restarts);
            }
            if restarts {
                after["billing_cycle_anchor"] = json!(now);
                for item in &mut items {
                    item["current_period_start"] = json!(now);
                    item["current_period_end"] = json!(next_period(now, now, &item["price"]));
                }
            }
            charge_now = restarts || behaviour == "always_invoice";
            after["items"]["total_count"] = json!(items.len());
            after["items"]["data"] = json!(items);
        }
        if let Some(end) = trial {
            for item in after["items"]["data"].as_array_mut().into_iter().flatten() {
                item["current_period_end"] = json!(end);
            }
        }
        self.put(after);
        if charge_now {
            self.charge_change(id);
        }
        self.tell_changes(id, &before);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    /// What changed, against what was.
    fn tell_changes(&mut self, id: &str, before: &Value) {
        let after = self.get(id).cloned().unwrap_or_default();
        let changed = TOLD.iter().filter(|field| before[**field] != after[**field]);
        let previous: Map<String, Value> =
            changed.map(|field| ((*field).to_owned(), before[*field].clone())).collect();
        if !previous.is_empty() {
            self.emit_change("customer.subscription.updated", id, Some(Value::Object(previous)));
        }
    }

    /// What the change comes to is asked for at once: of a period that begins anew, or of what is left of the running one.
    fn charge_change(&mut self, id: &str) {
        let Some(own) = self.get(id).cloned() else { return };
        let period = period_of(&own["items"]["data"][0]);
        let anew = period.start == self.now();
        let waits = own["_sandbox"]["pending"].as_array().is_some_and(|pending| !pending.is_empty());
        if !anew && !waits {
            return;
        }
        let reason = if anew { "subscription_cycle" } else { "subscription_update" };
        let invoice = self.new_invoice(id, reason, period);
        self.change(&invoice, |invoice| invoice["billing_reason"] = json!("subscription_update"));
        self.finalize(&invoice);
        let card = self.answer_of_card(id);
        self.attempt(id, &invoice, &card);
    }

    fn change_end(&self, subscription: &mut Value, form: &Form) -> ApiResult<()> {
        let ends = form.boolean("cancel_at_period_end")?;
        let at = form.get("cancel_at");
        if ends.is_some() && at.is_some_and(|at| !at.is_empty()) {
            return Err(ApiError::param(
                "",
                "cancel_at",
                "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
            ));
        }
        let now = self.now();
        let end = match at {
            Some("") => Some(Value::Null),
            Some("max_period_end" | "min_period_end") => {
                Some(subscription["items"]["data"][0]["current_period_end"].clone())
            }
            Some(_) => {
                Some(json!(form.integer("cancel_at")?.filter(|at| *at > now).ok_or_else(|| {
                    ApiError::param("", "cancel_at", "cancel_at must be in the future.")
                })?))
            }
            None => ends.map(|ends| {
                if ends {
                    subscription["items"]["data"][0]["current_period_end"].clone()
                } else {
                    Value::Null
                }
            }),
        };
        let Some(end) = end else { return Ok(()) };
        let ending = !end.is_null();
        subscription["cancel_at_period_end"] = json!(ends.unwrap_or(false));
        subscription["cancel_at"] = end;
        subscription["canceled_at"] = if ending { json!(now) } else { Value::Null };
        subscription["cancellation_details"]["reason"] =
            if ending { json!("cancellation_requested") } else { Value::Null };
        Ok(())
    }

    fn change_card(&self, subscription: &mut Value, form: &Form) -> ApiResult<()> {
        if form.get("default_payment_method") == Some("") {
            // Its customer's pays it from then on.
            subscription["default_payment_method"] = Value::Null;
            return Ok(());
        }
        let Some(method) = form.optional("default_payment_method")? else { return Ok(()) };
        let object = self.find("payment_method", method, "default_payment_method")?;
        if object["customer"] != subscription["customer"] {
            return Err(ApiError::invalid(format!(
                "The customer does not have a payment method with the ID {method}."
            )));
        }
        subscription["default_payment_method"] = json!(method);
        subscription["_sandbox"]["method"] = json!(method);
        Ok(())
    }

    /// A trial that ends then moves the next date; it gives that date.
    fn change_trial(&self, subscription: &mut Value, form: &Form) -> ApiResult<Option<i64>> {
        let now = self.now();
        let end = match form.get("trial_end") {
            None => return Ok(None),
            Some("now") => now,
            Some(_) => form.integer("trial_end")?.unwrap_or_default(),
        };
        if end < now {
            return Err(ApiError::param(
                "",
                "trial_end",
                "Invalid timestamp: must be an integer Unix timestamp in the future.",
            ));
        }
        subscription["trial_end"] = json!(end);
        subscription["trial_start"] = json!(now);
        subscription["billing_cycle_anchor"] = json!(end);
        if end > now {
            subscription["status"] = json!("trialing");
        }
        Ok(Some(end))
    }

    /// The items as they are to be; none if the request names none.
    fn changed_items(&mut self, before: &Value, form: &Form) -> ApiResult<Option<Vec<Value>>> {
        let places = form.children("items");
        if places.is_empty() {
            return Ok(None);
        }
        let mut items = before["items"]["data"].as_array().cloned().unwrap_or_default();
        for place in places {
            let at = format!("items[{place}]");
            let named = form.optional(&format!("{at}[id]"))?;
            let known = named.and_then(|id| items.iter().position(|item| item["id"] == id));
            if let (Some(id), None) = (named, known) {
                return Err(ApiError::unknown_object("subscription_item", id, &format!("{at}[id]")));
            }
            if form.boolean(&format!("{at}[deleted]"))?.unwrap_or(false) {
                items.remove(known.ok_or_else(|| ApiError::missing(&format!("{at}[id]")))?);
                continue;
            }
            let price = self.price_of_item(form, &at, text(before, "currency"))?;
            let quantity = form.integer(&format!("{at}[quantity]"))?;
            if quantity.is_some_and(|quantity| quantity < 0) {
                return Err(ApiError::param(
                    "parameter_invalid_integer",
                    format!("{at}[quantity]"),
                    "Quantity must be positive.",
                ));
            }
            match (known, price) {
                (Some(known), price) => {
                    let old = items[known].clone();
                    let price = price.unwrap_or_else(|| old["price"].clone());
                    let quantity = quantity.or(old["quantity"].as_i64()).unwrap_or(1);
                    let created = old["created"].as_i64().unwrap_or_default();
                    items[known] = objects::subscription_item(
                        text(&old, "id"),
                        text(before, "id"),
                        &price,
                        quantity,
                        period_of(&old),
                        created,
                    );
                }
                (None, Some(price)) => {
                    let (id, now) = (self.new_id("si", 14), self.now());
                    let end =
                        items.first().map_or_else(|| next_period(now, now, &price), |own| period_of(own).end);
                    let period = Period { start: now, end };
                    items.push(objects::subscription_item(
                        &id,
                        text(before, "id"),
                        &price,
                        quantity.unwrap_or(1),
                        period,
                        now,
                    ));
                }
                (None, None) => return Err(ApiError::missing(&format!("{at}[price]"))),
            }
        }
        if items.is_empty() {
            return Err(ApiError::invalid("A subscription must have at least one active plan."));
        }
        Ok(Some(items))
    }

    fn price_of_item(&mut self, form: &Form, at: &str, wanted: &str) -> ApiResult<Option<Value>> {
        if let Some(price) = form.optional(&format!("{at}[price]"))? {
            return self.find("price", price, &format!("{at}[price]")).cloned().map(Some);
        }
        let data = format!("{at}[price_data]");
        if form.children(&data).is_empty() {
            return Ok(None);
        }
        let name = format!("{data}[currency]");
        let code = currency::check(form.require(&name)?, &name)?;
        if code != wanted {
            return Err(ApiError::invalid(format!(
                "The price specified only supports `{code}`. This doesn't match the expected currency: `{wanted}`."
            )));
        }
        let product = form.require(&format!("{data}[product]"))?.to_owned();
        self.find("product", &product, &format!("{data}[product]"))?;
        let amount = format!("{data}[unit_amount]");
        form.require(&amount)?;
        let unit_amount = form.integer(&amount)?.unwrap_or_default();
        let interval = format!("{data}[recurring][interval]");
        form.require(&interval)?;
        let interval =
            form.choice(&interval, &["day", "week", "month", "year"])?.unwrap_or("month").to_owned();
        let count = form.integer(&format!("{data}[recurring][interval_count]"))?.unwrap_or(1);
        currency::check_total(unit_amount, &code)?;
        let id = self.new_id("price", 24);
        let recurring = Some((interval.as_str(), count));
        let price =
            Price { id: &id, product: &product, currency: &code, unit_amount, recurring, now: self.now() }
                .object();
        self.put(price.clone());
        Ok(Some(price))
    }
}

fn change_pause(subscription: &mut Value, form: &Form) -> ApiResult<()> {
    if form.get("pause_collection").is_some_and(str::is_empty) {
        subscription["pause_collection"] = Value::Null;
        return Ok(());
    }
    if form.children("pause_collection").is_empty() {
        return Ok(());
    }
    form.require("pause_collection[behavior]")?;
    let behaviour =
        form.choice("pause_collection[behavior]", &["keep_as_draft", "mark_uncollectible", "void"])?;
    let resumes = form.integer("pause_collection[resumes_at]")?;
    subscription["pause_collection"] = json!({ "behavior": behaviour, "resumes_at": resumes });
    Ok(())
}

fn interval_of(item: &Value) -> (String, i64) {
    let recurring = &item["price"]["recurring"];
    (text(recurring, "interval").to_owned(), recurring["interval_count"].as_i64().unwrap_or(1))
}

fn amount_of(item: &Value) -> i64 {
    item["price"]["unit_amount"].as_i64().unwrap_or_default() * item["quantity"].as_i64().unwrap_or(1)
}

/// What is left of the running period is given back of the old items and asked for of the new ones: noted for the next invoice.
fn note_prorations(subscription: &mut Value, before: &Value, items: &[Value], now: i64, restarts: bool) {
    let old_items = before["items"]["data"].as_array().cloned().unwrap_or_default();
    let period = period_of(&old_items[0]);
    let (left, whole) = ((period.end - now).max(0), (period.end - period.start).max(1));
    let share = |amount: i64| -> i64 {
        let exact = i128::from(amount) * i128::from(left);
        i64::try_from((2 * exact + i128::from(whole)) / (2 * i128::from(whole))).unwrap_or_default()
    };
    let mut pending = subscription["_sandbox"]["pending"].as_array().cloned().unwrap_or_default();
    let mut note = |amount: i64, item: &Value, words: &str| {
        pending.push(json!({
            "amount": amount, "description": words, "price": item["price"], "item": item["id"],
            "quantity": item["quantity"], "start": now, "end": period.end,
        }));
    };
    for old in &old_items {
        let same = items.iter().any(|new| new["id"] == old["id"] && amount_of(new) == amount_of(old));
        if !same || restarts {
            note(-share(amount_of(old)), old, "Unused time");
        }
    }
    for new in items {
        let same = old_items.iter().any(|old| new["id"] == old["id"] && amount_of(new) == amount_of(old));
        // A period that begins anew is asked for whole.
        if !same && !restarts {
            note(share(amount_of(new)), new, "Remaining time");
        }
    }
    subscription["_sandbox"]["pending"] = json!(pending);
}
