//! Checkout sessions: made by the API, ended by it or by time.

use serde_json::{Value, json};

use super::{
    currency,
    error::{ApiError, ApiResult},
    form::Form,
    objects::{self, Checkout, Price},
    state::{State, public, text},
};

const PARAMETERS: &[&str] = &[
    "mode",
    "success_url",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "customer_creation",
    "expires_at",
    "locale",
    "submit_type",
    "ui_mode",
    "billing_address_collection",
    "allow_promotion_codes",
    "allowed_payment_method_types[]",
    "metadata[*]",
    "expand[]",
    "line_items[][quantity]",
    "line_items[][price_data][currency]",
    "line_items[][price_data][unit_amount]",
    "line_items[][price_data][product_data][name]",
    "line_items[][price_data][product_data][description]",
    "line_items[][price_data][product_data][metadata][*]",
    "line_items[][price_data][recurring][interval]",
    "line_items[][price_data][recurring][interval_count]",
    "payment_intent_data[description]",
    "payment_intent_data[metadata][*]",
    "payment_intent_data[receipt_email]",
    "payment_intent_data[statement_descriptor_suffix]",
    "subscription_data[description]",
    "subscription_data[metadata][*]",
    "custom_text[submit][message]",
    "adaptive_pricing[enabled]",
];

const HALF_AN_HOUR: i64 = 30 * 60;
const A_DAY: i64 = 24 * 60 * 60;

/// One line of a checkout, as it was asked for.
struct Line {
    currency: String,
    unit_amount: i64,
    quantity: i64,
    name: String,
    recurring: Option<(String, i64)>,
}

impl State {
    /// Makes a session from the parameters of a request.
    pub(super) fn create_session(&mut self, form: &Form) -> ApiResult {
        form.allow(PARAMETERS)?;
        if self.account(&Form::default())?["charges_enabled"] == false {
            return Err(ApiError::invalid("Your account cannot currently make charges."));
        }
        let mode = form
            .choice("mode", &["payment", "subscription"])?
            .ok_or_else(|| ApiError::missing("mode"))?
            .to_owned();
        form.choice("ui_mode", &["hosted_page"])?;
        form.choice("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?;
        form.choice("customer_creation", &["always", "if_required"])?;
        form.choice("billing_address_collection", &["auto", "required"])?;
        check_mode(form, &mode)?;
        let success_url = url(form, "success_url")?.ok_or_else(|| ApiError::missing("success_url"))?;
        let cancel_url = url(form, "cancel_url")?;
        let lines = lines(form, &mode)?;
        let currency = lines[0].currency.clone();
        let amount = total(&lines)?;
        let email = form.optional("customer_email")?.map(str::to_owned);
        if email.as_ref().is_some_and(|email| !is_email(email)) {
            let email = email.unwrap_or_default();
            return Err(ApiError::param(
                "email_invalid",
                "customer_email",
                format!("Invalid email address: {email}"),
            ));
        }
        let customer = form.optional("customer")?.map(str::to_owned);
        if let Some(customer) = &customer {
            self.living_customer(customer)?;
        }
        let reference = form.optional("client_reference_id")?;
        if reference.is_some_and(|reference| reference.chars().count() > 200) {
            return Err(ApiError::param(
                "parameter_invalid_string",
                "client_reference_id",
                "client_reference_id can be at most 200 characters.",
            ));
        }
        let now = self.now();
        let expires_at = form.integer("expires_at")?.unwrap_or(now + A_DAY);
        // A minute of grace: the two clocks are not the same.
        if expires_at < now + HALF_AN_HOUR - 60 || expires_at > now + A_DAY + 60 {
            return Err(ApiError::param(
                "",
                "expires_at",
                "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            ));
        }
        let metadata = form.metadata("metadata")?;
        let intent_metadata = form.metadata("payment_intent_data[metadata]")?;
        let subscription_metadata = form.metadata("subscription_data[metadata]")?;

        let id = self.new_id("cs_test", 58);
        let page = format!("{}/c/pay/{id}", self.base_url);
        let checkout =
            Checkout { id: &id, url: &page, mode: &mode, amount, currency: &currency, expires_at, now };
        let mut session = objects::session(&checkout);
        session["client_reference_id"] = json!(reference);
        session["customer"] = json!(customer);
        session["customer_email"] = json!(email);
        session["metadata"] = Value::Object(metadata);
        session["success_url"] = json!(success_url);
        session["cancel_url"] = json!(cancel_url);
        for field in ["submit_type", "locale", "billing_address_collection"] {
            session[field] = json!(form.get(field));
        }
        if let Some(creation) = form.get("customer_creation") {
            session["customer_creation"] = json!(creation);
        }
        session["_sandbox"] = json!({
            "lines": self.line_items(&lines),
            "intent": { "description": form.get("payment_intent_data[description]"), "metadata": intent_metadata },
            "subscription": { "description": form.get("subscription_data[description]"), "metadata": subscription_metadata },
        });
        self.put(session.clone());
        Ok(public(&session))
    }

    fn line_items(&mut self, lines: &[Line]) -> Vec<Value> {
        let mut items = Vec::new();
        for line in lines {
            let (id, price, product) =
                (self.new_id("li", 24), self.new_id("price", 24), self.new_product(&line.name));
            let recurring = line.recurring.as_ref().map(|(interval, count)| (interval.as_str(), *count));
            let price = Price {
                id: &price,
                product: &product,
                currency: &line.currency,
                unit_amount: line.unit_amount,
                recurring,
                now: self.now(),
            };
            let price = price.object();
            self.put(price.clone());
            let amount = line.unit_amount * line.quantity;
            items.push(json!({
                "id": id, "object": "item", "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0,
                "amount_total": amount, "currency": line.currency, "description": line.name, "price": price,
                "quantity": line.quantity,
            }));
        }
        items
    }

    pub(super) fn new_product(&mut self, name: &str) -> String {
        let id = self.new_id("prod", 24);
        let product = objects::product(&id, name, self.now());
        self.put(product);
        id
    }

    /// Ends an open session by request.
    pub(super) fn expire_session(&mut self, id: &str) -> ApiResult {
        let session = self.find("checkout.session", id, "session")?;
        if text(session, "status") != "open" {
            let status = text(session, "status");
            return Err(ApiError::invalid(format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {status}."
            )));
        }
        self.end_session(id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    /// Ends the sessions whose time has passed.
    pub(super) fn expire_due(&mut self) {
        let now = self.now();
        let due = |session: &&Value| {
            session["status"] == "open" && session["expires_at"].as_i64().is_some_and(|end| end <= now)
        };
        let ids: Vec<String> =
            self.newest("checkout.session").filter(due).map(|s| text(s, "id").to_owned()).collect();
        for id in ids {
            self.end_session(&id);
        }
    }

    fn end_session(&mut self, id: &str) {
        self.change(id, |session| {
            session["status"] = json!("expired");
            session["url"] = Value::Null;
        });
        self.emit("checkout.session.expired", id);
    }
}

/// What belongs to one mode only.
fn check_mode(form: &Form, mode: &str) -> ApiResult<()> {
    let other = if mode == "payment" { "subscription_data" } else { "payment_intent_data" };
    if !form.children(other).is_empty() {
        return Err(ApiError::param("", other, format!("You can not pass `{other}` in `{mode}` mode.")));
    }
    if mode == "subscription" && form.get("customer_creation").is_some() {
        return Err(ApiError::param(
            "",
            "customer_creation",
            "`customer_creation` can only be used in `payment` mode.",
        ));
    }
    if form.get("customer").is_some() && form.get("customer_email").is_some() {
        return Err(ApiError::param(
            "",
            "customer_email",
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    Ok(())
}

fn lines(form: &Form, mode: &str) -> ApiResult<Vec<Line>> {
    let places = form.children("line_items");
    if places.is_empty() {
        return Err(ApiError::missing("line_items"));
    }
    let lines: Vec<Line> =
        places.iter().map(|place| line(form, &format!("line_items[{place}]"))).collect::<ApiResult<_>>()?;
    let recurring = lines.iter().filter(|line| line.recurring.is_some()).count();
    if mode == "payment" && recurring > 0 {
        return Err(ApiError::invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.",
        ));
    }
    if mode == "subscription" && recurring == 0 {
        return Err(ApiError::invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
        ));
    }
    if mode == "subscription" && lines.len() > 1 {
        return Err(ApiError::invalid(
            "The sandbox takes one line in `subscription` mode; Stripe would take more.",
        ));
    }
    if lines.iter().any(|line| line.currency != lines[0].currency) {
        return Err(ApiError::invalid("All line items must have the same currency."));
    }
    Ok(lines)
}

fn line(form: &Form, at: &str) -> ApiResult<Line> {
    let data = format!("{at}[price_data]");
    let code = format!("{data}[currency]");
    let currency = currency::check(form.require(&code)?, &code)?;
    let amount = format!("{data}[unit_amount]");
    form.require(&amount)?;
    let unit_amount = form.integer(&amount)?.unwrap_or_default();
    if unit_amount < 0 {
        return Err(ApiError::param(
            "parameter_invalid_integer",
            &amount,
            "This value must be greater than or equal to 0.",
        ));
    }
    let quantity = format!("{at}[quantity]");
    form.require(&quantity)?;
    let quantity_given = form.integer(&quantity)?.unwrap_or_default();
    if quantity_given < 1 {
        return Err(ApiError::param(
            "parameter_invalid_integer",
            &quantity,
            "This value must be greater than or equal to 1.",
        ));
    }
    let recurring = if form.children(&format!("{data}[recurring]")).is_empty() {
        None
    } else {
        let interval = format!("{data}[recurring][interval]");
        form.require(&interval)?;
        let interval =
            form.choice(&interval, &["day", "week", "month", "year"])?.unwrap_or_default().to_owned();
        let count = form.integer(&format!("{data}[recurring][interval_count]"))?.unwrap_or(1);
        if !(1..=36).contains(&count) {
            return Err(ApiError::invalid("The interval count must be between 1 and three years."));
        }
        Some((interval, count))
    };
    let name = form.require(&format!("{data}[product_data][name]"))?.to_owned();
    Ok(Line { currency, unit_amount, quantity: quantity_given, name, recurring })
}

fn total(lines: &[Line]) -> ApiResult<i64> {
    let amounts = lines.iter().map(|line| line.unit_amount.checked_mul(line.quantity));
    let sum = amounts.reduce(|sum, amount| sum?.checked_add(amount?)).flatten().unwrap_or(i64::MAX);
    currency::check_total(sum, &lines[0].currency)?;
    Ok(sum)
}

fn url(form: &Form, name: &str) -> ApiResult<Option<String>> {
    let Some(url) = form.optional(name)? else { return Ok(None) };
    let absolute =
        ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme) && url.len() > scheme.len());
    if !absolute || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ApiError::param("url_invalid", name, "Not a valid URL"));
    }
    Ok(Some(url.to_owned()))
}

pub(super) fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plain
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
}
