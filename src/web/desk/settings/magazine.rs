//! `/desk/settings`: what the owner decides about the magazine.

use serde::Serialize;
use url::Url;

use crate::{
    clock::Zone,
    donations,
    email_address::EmailAddress,
    money::{
        self, Currency, Money,
        limits::{self, Limits},
    },
    staff::{ArticlesAt, Settings, settings},
    web::{
        Desk, Form, Outcome, Posted, WebError, answers::conflict, desk::theirs::Theirs, session::see_other,
    },
};

const FIELDS: &[&str] = &[
    "magazine_name",
    "tagline",
    "articles_at",
    "external_site_url",
    "legal_name",
    "postal_address",
    "contact_email",
    "from_name",
    "from_email",
    "reading_speed",
    "time_zone",
    "currency",
    "suggested_amounts",
    "gift_least",
    "gift_most",
    "appeal_heading",
    "appeal_text",
    "late_hours",
    "version",
];
const LABELS: [(&str, &str); 18] = [
    ("magazine_name", "Name"),
    ("tagline", "A line under the name"),
    ("time_zone", "Time zone"),
    ("articles_at", "Where articles live"),
    ("external_site_url", "Address of the site you already have"),
    ("reading_speed", "Reading speed"),
    ("legal_name", "Legal name"),
    ("postal_address", "Postal address"),
    ("contact_email", "Email address for readers"),
    ("from_name", "Sender’s name"),
    ("from_email", "Sender’s address"),
    ("late_hours", "Hours after which an edition is too late"),
    ("currency", "Currency"),
    ("suggested_amounts", "Suggested amounts"),
    ("gift_least", "Smallest gift"),
    ("gift_most", "Largest gift"),
    ("appeal_heading", "Heading of the appeal"),
    ("appeal_text", "The appeal"),
];
const TITLE: &str = "Settings";
const TEMPLATE: &str = "desk/settings/magazine";
const CHANGED: &str = "Somebody else changed the settings since you opened this page. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";

#[derive(Serialize)]
struct Page {
    form: Form,
    zones: Vec<String>,
    /// What the least and the most are while nothing else is decided.
    least_hint: String,
    most_hint: String,
    /// The state of the settings that the form was made of.
    version: String,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    /// What somebody else decided meanwhile, where it differs.
    theirs: Vec<Theirs>,
    /// Where that can be looked at.
    action: &'static str,
}

impl Page {
    fn new(form: Form) -> Self {
        let sensible = money::currency(form.text("currency")).and_then(limits::of);
        let hint = |limit: fn(Limits) -> Money| {
            sensible.map_or_else(String::new, |limits| format!("{} if empty.", limit(limits)))
        };
        Self {
            zones: Zone::names(),
            least_hint: hint(|limits| limits.least),
            most_hint: hint(|limits| limits.most),
            version: form.text("version").to_owned(),
            trouble: None,
            theirs: Vec::new(),
            action: "/desk/settings",
            form,
        }
    }
}

/// `GET /desk/settings`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let form = filled_now(&desk).await?;
    desk.page(TEMPLATE, TITLE, &Page::new(form)).await
}

/// `POST /desk/settings`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let new = read(&mut form);
    if !form.is_valid() {
        return desk.page_again(TEMPLATE, TITLE, &Page::new(form)).await;
    }
    let (site, id) = (desk.site(), Some(desk.who.staff.id));
    let is_as_seen = |version: i64, _: &Settings| version.to_string() == form.text("version");
    let change = |settings: &mut Settings| {
        // Decided on another page.
        let send_unproven = settings.send_unproven;
        *settings = Settings { send_unproven, ..new };
    };
    if settings::decide(site, id, is_as_seen, change).await? {
        Ok(see_other("/desk/settings?done=saved"))
    } else {
        stale(&desk, form).await
    }
}

/// What was typed, and what somebody else decided since the page was opened.
async fn stale(desk: &Desk, form: Form) -> Outcome {
    let now = filled_now(desk).await?;
    let page = Page {
        // Pressed again, the form overwrites only what it was shown beside.
        version: now.text("version").to_owned(),
        trouble: Some(CHANGED),
        theirs: Theirs::between(&LABELS, &now, &form),
        ..Page::new(form)
    };
    desk.page(TEMPLATE, TITLE, &page).await.map(conflict)
}

async fn filled_now(desk: &Desk) -> Result<Form, WebError> {
    let db = &desk.site().db;
    let version = settings::version(db).await?;
    Ok(filled(Settings::load(db).await?).with("version", version.to_string()))
}

fn filled(settings: Settings) -> Form {
    let amounts: Vec<String> = match money::currency(&settings.currency) {
        Some(currency) => {
            settings.suggested_amounts.iter().map(|minor| decimal(Money::new(*minor, currency))).collect()
        }
        None => Vec::new(),
    };
    let limit = |minor: Option<i64>| match (minor, money::currency(&settings.currency)) {
        (Some(minor), Some(currency)) => decimal(Money::new(minor, currency)),
        _ => String::new(),
    };
    let (least, most) = (limit(settings.gift_least), limit(settings.gift_most));
    let articles_at = if settings.articles_at == ArticlesAt::Here { "here" } else { "elsewhere" };
    Form::new(FIELDS)
        .with("magazine_name", settings.magazine_name)
        .with("tagline", settings.tagline)
        .with("articles_at", articles_at)
        .with("external_site_url", settings.external_site_url)
        .with("legal_name", settings.legal_name)
        .with("postal_address", settings.postal_address)
        .with("contact_email", settings.contact_email)
        .with("from_name", settings.from_name)
        .with("from_email", settings.from_email)
        .with("reading_speed", settings.reading_speed.to_string())
        .with("time_zone", settings.time_zone.name())
        .with("currency", settings.currency)
        .with("suggested_amounts", amounts.join(" "))
        .with("gift_least", least)
        .with("gift_most", most)
        .with("appeal_heading", settings.appeal_heading)
        .with("appeal_text", settings.appeal_text)
        .with("late_hours", settings.late_hours.to_string())
}

fn read(form: &mut Form) -> Settings {
    let articles_at = articles_at(form);
    let external_site_url = external_site(form, articles_at);
    let currency = form.parse("currency", |code| {
        money::currency(code)
            .filter(|known| limits::of(*known).is_some())
            .ok_or("Enter a currency code that gifts can be taken in, such as EUR, GBP or AUD.")
    });
    let (gift_least, gift_most) = (limit(form, "gift_least", currency), limit(form, "gift_most", currency));
    let suggested_amounts = suggested_amounts(form, currency, gift_least, gift_most);
    let reading_speed = form.parse("reading_speed", |speed| {
        let speed: i64 = speed.parse().map_err(|_| "Enter a number of words, such as 275.")?;
        (50..=1_000).contains(&speed).then_some(speed).ok_or("Enter a number from 50 to 1,000.")
    });
    let late_hours = form.parse("late_hours", |hours| {
        let hours: i64 = hours.parse().map_err(|_| "Enter a number of hours, such as 6.")?;
        (1..=168).contains(&hours).then_some(hours).ok_or("Enter a number from 1 to 168.")
    });
    Settings {
        magazine_name: form.required("magazine_name", 100, "Enter the name of the magazine."),
        tagline: form.optional("tagline", 200),
        legal_name: form.required("legal_name", 200, "Enter the legal name: mail law asks for it."),
        postal_address: form.required("postal_address", 500, "Enter a postal address: mail law asks for it."),
        contact_email: address(form, "contact_email", true),
        from_name: form.optional("from_name", 100),
        from_email: address(form, "from_email", false),
        articles_at,
        external_site_url,
        reading_speed: reading_speed.unwrap_or_default(),
        currency: currency.map(|known| known.code().to_owned()).unwrap_or_default(),
        suggested_amounts,
        gift_least,
        gift_most,
        appeal_heading: form.required("appeal_heading", 120, "Enter a heading for the appeal."),
        appeal_text: form.required("appeal_text", 1_000, "Say why readers should give."),
        send_unproven: false,
        late_hours: late_hours.unwrap_or_default(),
        time_zone: time_zone(form),
    }
}

/// Where the magazine's clocks are.
pub(in crate::web::desk) fn time_zone(form: &mut Form) -> Zone {
    let zone = form.parse("time_zone", |name| Zone::named(name).ok_or("Choose a time zone from the list."));
    zone.unwrap_or_default()
}

/// The choice of where articles live.
pub(in crate::web::desk) fn articles_at(form: &mut Form) -> ArticlesAt {
    let choice = form.parse("articles_at", |choice| match choice {
        "here" => Ok(ArticlesAt::Here),
        "elsewhere" => Ok(ArticlesAt::Elsewhere),
        _ => Err("Choose where your articles live."),
    });
    choice.unwrap_or_default()
}

/// The magazine's existing site, wanted only when articles live there.
pub(in crate::web::desk) fn external_site(form: &mut Form, articles_at: ArticlesAt) -> String {
    if articles_at == ArticlesAt::Here && form.text("external_site_url").is_empty() {
        return String::new();
    }
    let url = form.parse("external_site_url", |text| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.filter(Url::has_host).ok_or("Enter the whole address, such as https://www.example.org.")
    });
    url.map(|url| url.to_string()).unwrap_or_default()
}

/// An address in a field; empty unless it is wanted.
pub(in crate::web::desk) fn address(form: &mut Form, name: &str, wanted: bool) -> String {
    if !wanted && form.text(name).is_empty() {
        return String::new();
    }
    form.parse(name, EmailAddress::parse).map(String::from).unwrap_or_default()
}

/// A least or most of the magazine's own; none while the field is empty.
fn limit(form: &mut Form, name: &str, currency: Option<Currency>) -> Option<i64> {
    let currency = currency.filter(|_| !form.text(name).is_empty())?;
    let amount = form.parse(name, |text| {
        let amount = Money::parse(text, currency).map_err(|error| error.to_string())?;
        let most = limits::provider_most(currency);
        let takes = format!("The payment service takes at most {most} at once.");
        (amount.minor <= most.minor).then_some(amount).ok_or(takes)
    })?;
    Some(amount.minor)
}

fn suggested_amounts(
    form: &mut Form,
    currency: Option<Currency>,
    gift_least: Option<i64>,
    gift_most: Option<i64>,
) -> Vec<i64> {
    const AT_MOST: usize = 6;
    let Some(currency) = currency else { return Vec::new() };
    let decided =
        Settings { currency: currency.code().to_owned(), gift_least, gift_most, ..Settings::default() };
    let Some(Limits { least, most }) = donations::limits_of(&decided) else { return Vec::new() };
    if least.minor > most.minor {
        form.mistake("gift_most", format_args!("The largest gift is smaller than the smallest, {least}."));
        return Vec::new();
    }
    let amounts = form.parse("suggested_amounts", |text| {
        let amounts: Result<Vec<i64>, _> = text
            .split_whitespace()
            .map(|one| Money::parse(one, currency).map(|amount| amount.minor))
            .collect();
        match amounts {
            Ok(amounts) if !(1..=AT_MOST).contains(&amounts.len()) => {
                Err("Enter one to six amounts with spaces between them.".to_owned())
            }
            Ok(amounts) if amounts.iter().any(|minor| !(least.minor..=most.minor).contains(minor)) => {
                Err(format!("Suggest amounts that can be given: from {least} to {most}."))
            }
            Ok(amounts) => Ok(amounts),
            Err(error) => Err(error.to_string()),
        }
    });
    amounts.unwrap_or_default()
}

/// "15" or "15.50": as a person would type it.
fn decimal(amount: Money) -> String {
    let places = money::exponent(amount.currency);
    let unit = 10_i64.pow(places);
    let (whole, part) = (amount.minor / unit, amount.minor % unit);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:0>width$}", width = places as usize) }
}
