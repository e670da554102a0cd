//! `/supporter/{token}`: what a supporter gave, what goes on, and everything they may change, by a link to their mailbox. `/supporter`
//! mails that link to whoever lost it; one that has run out leads to a page that mails a fresh one.
//!
//! Opening a page changes nothing, for programs open links too. Of the dangerous things, being forgotten takes a letter and a press
//! more, and what takes more money, or takes it sooner, a link that was asked for.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        App, ClientAddress, Form, Outcome, Posted, WebError,
        answers::{invalid, too_many},
        session::see_other,
        words,
    },
    dead_link,
    giving::rests,
    told::{GiftsTold, InAddress, Told},
};
use crate::{
    clock::{Moment, Zone},
    donations::{
        self, ChangeError, LetterAsked, LinkError, NEWEST_GIFTS, RecurringState, RegularGift, Supporter,
        Wish, manage_token,
    },
    dossier::{self, AskOutcome, Asks},
    email_address::EmailAddress,
    money::{self, Money},
    payments::GiftRhythm,
    settings::Settings,
    subscribers::SubscriberError,
};

const TITLE: &str = "Your gifts";
/// `press` is the button, `gift` which regular gift it is about or which receipt. What the page showed stands beside what may have been typed.
const FIELDS: &[&str] = &[
    "press",
    "gift",
    "amount",
    "seen_amount",
    "every",
    "seen_every",
    "date",
    "seen_date",
    "until",
    "name",
    "seen_name",
    "from",
    "to",
];
/// What is typed of a regular gift, each with a button of its own.
const OF_A_GIFT: [&str; 3] = ["amount", "every", "date"];
/// Nothing longer is taken along in the address of a page: no amount is so long.
const LONGEST_TYPED: usize = 24;
/// No gift is called by more letters.
const LONGEST_NAMED: usize = 64;
/// `website` is no question, as on other forms that anybody fills in.
const ASK_FIELDS: &[&str] = &["email", "website"];
const SENT: &str = "/supporter/sent";

#[derive(Serialize)]
struct Page {
    here: String,
    /// Masked.
    email: String,
    form: Form,
    /// What was done, in a sentence.
    done: Option<&'static str>,
    /// What was not, and why.
    trouble: Option<String>,
    /// Whether something that was typed before is filled in, and not saved.
    unsaved: bool,
    /// What they gave in all, a line for each kind and currency.
    totals: Vec<String>,
    regular: Vec<Regular>,
    gifts: Vec<Gift>,
    newest: usize,
    more: bool,
    statement: Days,
    /// Whether the payment service can be asked at all; without its key we cannot.
    reachable: bool,
    contact: String,
    /// The way to give again, which knows them.
    give: String,
    /// Their name as it is.
    seen_name: String,
    /// Whether they may be named in public.
    named: bool,
    /// Whether they came by a link that they asked for, by which more can be given, and sooner.
    asked: bool,
}

#[derive(Serialize)]
struct Regular {
    id: String,
    amount: String,
    /// What is filled in, and what is so.
    figures: String,
    seen_figures: String,
    currency: String,
    every: String,
    seen_every: String,
    state: RecurringState,
    /// Whether anything can be changed of it.
    running: bool,
    rests: bool,
    next: Option<String>,
    /// The day of the next payment as browsers write it: what is filled in, and what is so.
    next_day: String,
    seen_day: String,
    ends: Option<String>,
    /// Whether a payment comes before that.
    once_more: bool,
    rests_until: Option<String>,
    card: String,
    began: Option<String>,
    ended: Option<String>,
    changing: Option<String>,
    ending: Option<String>,
    /// The page on which it is stopped.
    stop: String,
    rhythms: Vec<RhythmChoice>,
    /// The rests that are offered: what is sent, and what it says.
    until: Vec<(String, String)>,
}

#[derive(Serialize)]
struct RhythmChoice {
    sent: String,
    says: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Gift {
    id: String,
    amount: String,
    /// Whether all of it was sent back.
    back: bool,
    /// What it was, if some of it was sent back.
    was: Option<String>,
    date: String,
    receipt: Option<String>,
    regular: bool,
}

/// The way to the payment service's page; a form may not lead there by itself.
#[derive(Serialize)]
struct CardPage {
    page: String,
    here: String,
}

/// The days of a statement, as browsers write them.
#[derive(Serialize)]
struct Days {
    from: String,
    to: String,
}

#[derive(Serialize)]
struct RunOut {
    here: String,
    email: String,
    sent: bool,
    enough: bool,
}

#[derive(Serialize)]
struct StatementPage {
    here: String,
    name: String,
    from: String,
    to: String,
    gifts: Vec<Gift>,
    sums: Vec<String>,
    more: bool,
    recipient: String,
    address: String,
    days: Days,
}

#[derive(Serialize)]
struct Ask {
    form: Form,
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Sent {
    /// What was typed; empty if that is not known any more.
    to: String,
    contact: String,
}

/// What the address of a fresh link fills in: what was typed where the one of before did not do it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    gift: String,
    amount: String,
    every: String,
    date: String,
}

/// `GET /supporter/{token}`
pub(crate) async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(typed): Query<Typed>,
    told: InAddress,
) -> Outcome {
    let here = format!("/supporter/{token}");
    let mut form = Form::new(FIELDS);
    let told = match told.read(&app.site, &here) {
        Some(Told::Gifts(told)) => Some(told),
        Some(Told::GiftsBeside { told, typed }) => {
            form = typed.into_iter().fold(form, |form, (name, value)| form.with(&name, value));
            told
        }
        _ => {
            let Typed { gift, amount, every, date } = typed;
            let typed = [("gift", gift), ("amount", amount), ("every", every), ("date", date)];
            form = typed.into_iter().fold(form, |form, (name, value)| form.with(name, value));
            None
        }
    };
    match donations::supporter_by_link(&app.site, &token).await? {
        Some(supporter) if supporter.is_fresh => {
            let said = (told.map(GiftsTold::sentence), None);
            page(&app, &supporter, here, form, said).await
        }
        Some(supporter) => run_out(&app, &supporter, here, told).await,
        None => dead_link::page(&app, dead_link::Was::Unknown).await,
    }
}

/// `POST /supporter/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(FIELDS)?;
    let here = format!("/supporter/{token}");
    let Some(supporter) = donations::supporter_by_link(&app.site, &token).await? else {
        return dead_link::page(&app, dead_link::Was::Unknown).await;
    };
    if !supporter.is_fresh {
        // Whatever was pressed: a page that has run out mails a fresh link, and does nothing else.
        let asked = donations::mail_fresh_link(&app.site, &supporter, &as_query(&form)).await?;
        return Ok(Told::Gifts(written(asked, GiftsTold::Link)).at(&app.site, &here, ""));
    }
    let press = meant(&form).to_owned();
    let told = |told: GiftsTold, part: &str| Ok(beside(&form, &press, told).at(&app.site, &here, part));
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    let gift = form.text("gift").to_owned();
    let zone = Settings::load(&app.site.db).await?.time_zone;
    let wish = match press.as_str() {
        "receipt" => {
            let sent = donations::send_receipt_again(&app.site, &supporter, &gift).await?;
            return told(written(sent, GiftsTold::Receipt), "#gifts");
        }
        "statement" => {
            let Some(days) = days(&form, &zone) else {
                return again(&app, &supporter, here, form, WRONG_DAYS.to_owned()).await;
            };
            let sent = donations::send_statement(&app.site, &supporter, &zone, days).await?;
            return told(written(sent, GiftsTold::Statement), "#statement");
        }
        "name" => {
            return match donations::rename_supporter(&app.site, &supporter, form.text("name")).await? {
                Ok(()) => told(GiftsTold::Renamed, ""),
                Err(why) => again(&app, &supporter, here, form, why.to_owned()).await,
            };
        }
        asked @ ("named" | "unnamed") => {
            // The name stands above the button, and is the one that is meant.
            if form.text("name") != form.text("seen_name")
                && let Err(why) =
                    donations::rename_supporter(&app.site, &supporter, form.text("name")).await?
            {
                return again(&app, &supporter, here, form, why.to_owned()).await;
            }
            donations::let_be_named(&app.site, &supporter, asked == "named").await?;
            return told(if asked == "named" { GiftsTold::Named } else { GiftsTold::Unnamed }, "#you");
        }
        asked @ ("copy" | "forget") => {
            let asks = if asked == "copy" { Asks::Copy } else { Asks::Erasure };
            let answer = match dossier::ask_as_supporter(&app.site, &supporter, asks).await {
                Ok(AskOutcome::Mailed) if asks == Asks::Copy => GiftsTold::Copy,
                Ok(AskOutcome::Mailed) => GiftsTold::Forget,
                Ok(AskOutcome::MailedBefore) => GiftsTold::AskedBefore,
                Ok(AskOutcome::Stopped) => GiftsTold::TeamAsked,
                Err(SubscriberError::NotFound | SubscriberError::Link) => GiftsTold::Gone,
                Err(error) => return Err(error.into()),
            };
            return told(answer, "");
        }
        "card" => {
            let here = beside(&form, &press, None).address(&app.site, &here);
            let back = app.site.url(&here);
            return match donations::card_page(&app.site, provider, &supporter, (&gift, &back)).await {
                Ok(page) => {
                    app.public_page(
                        "public/supporter_card",
                        "Another card or account",
                        &CardPage { page, here },
                    )
                    .await
                }
                Err(error) => refused(&app, &supporter, format!("/supporter/{token}"), form, error).await,
            };
        }
        "amount" => Some(Wish::Amount(form.text("amount"))),
        "every" => {
            let every = rhythm(form.text("every"));
            Some(Wish::Rhythm(
                every.ok_or(WebError::BadRequest("The form holds no rhythm that our page has."))?,
            ))
        }
        "date" => moment(form.text("date"), &zone).map(Wish::Date),
        "rest" => moment(form.text("until"), &zone).map(|until| Wish::Rest(Some(until))),
        "go-on" => Some(Wish::GoOn),
        "keep-on" => Some(Wish::KeepOn),
        _ => return Err(WebError::BadRequest("The form holds no button that our page has.")),
    };
    let Some(wish) = wish else {
        return again(&app, &supporter, here, form, "Choose a day.".to_owned()).await;
    };
    match donations::change_regular(&app.site, provider, &supporter, (&gift, wish)).await {
        Ok(()) => told(GiftsTold::Changed, ""),
        Err(error) => {
            let typed = form.clone();
            refused(&app, &supporter, here, typed, error).await
        }
    }
}

/// Which button is meant: Return in the field of the day presses the first of the gift's buttons, which is that of the amount.
fn meant(form: &Form) -> &str {
    match form.text("press") {
        "amount" if !is_typed(form, "amount") && is_typed(form, "date") => "date",
        press => press,
    }
}

/// Whether a field of a regular gift holds something else than the page showed.
fn is_typed(form: &Form, field: &str) -> bool {
    form.is_ticked(field) && form.text(field) != form.text(&format!("seen_{field}"))
}

/// What was typed of a regular gift, but for one field.
fn typed_but(form: &Form, field: &str) -> Vec<(String, String)> {
    let typed = OF_A_GIFT.into_iter().filter(|one| *one != field && is_typed(form, one));
    let typed = typed.map(|one| (one, form.text(one))).filter(|(_, text)| text.len() <= LONGEST_TYPED);
    let typed: Vec<_> = typed.map(|(one, text)| (one.to_owned(), text.to_owned())).collect();
    if typed.is_empty() || form.text("gift").len() > LONGEST_NAMED {
        return Vec::new();
    }
    [vec![("gift".to_owned(), form.text("gift").to_owned())], typed].concat()
}

/// The same of all of them, for the address of a fresh link.
fn as_query(form: &Form) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(typed_but(form, "")).finish()
}

/// What was done, and what was typed beside the button that did it.
fn beside(form: &Form, press: &str, told: impl Into<Option<GiftsTold>>) -> Told {
    Told::GiftsBeside { told: told.into(), typed: typed_but(form, press) }
}

const WRONG_DAYS: &str = "Choose the first day and the last, the earlier one first, and at most ten years.";

/// What became of a letter, for the page.
const fn written(asked: LetterAsked, sent: GiftsTold) -> GiftsTold {
    match asked {
        LetterAsked::Sent => sent,
        LetterAsked::Enough => GiftsTold::Enough,
        LetterAsked::NotFound => GiftsTold::Gone,
    }
}

async fn refused(app: &App, supporter: &Supporter, here: String, form: Form, error: ChangeError) -> Outcome {
    let trouble = match error {
        ChangeError::NotYet(_) => {
            return Ok(Told::Gifts(GiftsTold::Asked).at(&app.site, &here, ""));
        }
        ChangeError::NotFound => return Ok(Told::Gifts(GiftsTold::Gone).at(&app.site, &here, "")),
        ChangeError::NeedsLink => {
            match donations::mail_fresh_link(&app.site, supporter, &as_query(&form)).await? {
                LetterAsked::Enough => GiftsTold::Enough.sentence().to_owned(),
                asked => {
                    let told = written(asked, GiftsTold::LinkFirst);
                    return Ok(Told::Gifts(told).at(&app.site, &here, ""));
                }
            }
        }
        ChangeError::Enough => GiftsTold::Enough.sentence().to_owned(),
        ChangeError::Ends => GiftsTold::Ends.sentence().to_owned(),
        ChangeError::Unreachable(_) => GiftsTold::Unreachable.sentence().to_owned(),
        ChangeError::Waiting => {
            "An earlier change of this gift is not confirmed yet. Please try again in some minutes.".to_owned()
        }
        ChangeError::Refused(_) => {
            "The payment service did not take that, and nothing was changed. Please write to us if it goes on."
                .to_owned()
        }
        ChangeError::Invalid(why) => why,
        ChangeError::Database(error) => return Err(error.into()),
    };
    again(app, supporter, here, form, trouble).await
}

/// The page once more, with what was typed and what is wrong with it.
async fn again(app: &App, supporter: &Supporter, here: String, form: Form, trouble: String) -> Outcome {
    page(app, supporter, here, form, (None, Some(trouble))).await.map(invalid)
}

async fn page(
    app: &App,
    supporter: &Supporter,
    here: String,
    form: Form,
    (done, trouble): (Option<&'static str>, Option<String>),
) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let zone = &settings.time_zone;
    let held = donations::gifts_of(&app.site, supporter).await?;
    let form = if form.text("name").is_empty() { form.with("name", supporter.name()) } else { form };
    let now = app.site.now();
    let regular: Vec<Regular> =
        held.regular.iter().map(|gift| Regular::new(app, gift, zone, &form)).collect();
    let page = Page {
        unsaved: trouble.is_none() && regular.iter().any(Regular::is_typed_in),
        here,
        email: supporter.masked_email(),
        done,
        trouble,
        totals: held
            .totals
            .iter()
            .map(|total| format!("{}: {}", words::donations::given(total), total.amount()))
            .collect(),
        regular,
        gifts: held.gifts.into_iter().map(|gift| Gift::new(gift, zone)).collect(),
        newest: NEWEST_GIFTS,
        more: held.more,
        statement: typed_days(&form).unwrap_or_else(|| this_year(now, zone)),
        reachable: app.payments.is_some(),
        contact: settings.contact_email.clone(),
        give: give_again(app, supporter),
        seen_name: supporter.name().to_owned(),
        named: supporter.may_be_named(),
        asked: supporter.was_asked_for,
        form,
    };
    app.public_page("public/supporter", TITLE, &page).await
}

/// The page to give, which knows whoever comes by this address.
fn give_again(app: &App, supporter: &Supporter) -> String {
    format!("/donate?every=month&s={}", donations::giver_token_of(&app.site, supporter))
}

/// A link that has run out shows nothing of what was given; it has a fresh one mailed, and still leads to the way out.
async fn run_out(app: &App, supporter: &Supporter, here: String, told: Option<GiftsTold>) -> Outcome {
    let page = RunOut {
        here,
        email: supporter.masked_email(),
        sent: told == Some(GiftsTold::Link),
        enough: told == Some(GiftsTold::Enough),
    };
    app.public_page("public/supporter_run_out", "This link has run out", &page).await
}

impl Regular {
    fn new(app: &App, gift: &RegularGift, zone: &Zone, form: &Form) -> Self {
        let day = |at: Moment| at.date(zone);
        let now = app.site.now();
        let typed = |field: &str, is: &str| {
            let typed = form.text(field);
            let is_typed = form.text("gift") == gift.public_id && !typed.is_empty();
            if is_typed { typed.to_owned() } else { is.to_owned() }
        };
        // "20" is what "20.00" is.
        let currency = money::currency(&gift.currency);
        let read = |typed: &str| Money::parse(typed, currency?).ok().map(Money::figures);
        let amount = typed("amount", &gift.figures);
        let amount =
            if read(&amount).as_ref() == Some(&gift.figures) { gift.figures.clone() } else { amount };
        let seen_every = sent(gift.rhythm);
        let every = typed("every", &seen_every);
        let choice = |one: &GiftRhythm| RhythmChoice {
            sent: sent(*one),
            says: one.words(),
            chosen: sent(*one) == every,
        };
        let is_resting = gift.state == RecurringState::Paused;
        let seen_day = gift.next_at.filter(|_| !is_resting).map(|at| at.day(zone)).unwrap_or_default();
        Self {
            amount: gift.amount.clone(),
            figures: amount,
            seen_figures: gift.figures.clone(),
            currency: gift.currency.clone(),
            every: gift.rhythm.words(),
            seen_every,
            state: gift.state,
            running: gift.state.runs(),
            rests: is_resting,
            // While it rests, the date that the service goes on counting is not one of a payment.
            next: gift.next_at.filter(|at| *at > now && gift.ends_at.is_none() && !is_resting).map(day),
            next_day: typed("date", &seen_day),
            seen_day,
            ends: gift.ends_at.map(day),
            once_more: gift.ends_at.zip(gift.next_at).is_some_and(|(ends, next)| next < ends && next > now),
            rests_until: gift.rests_until.map(day),
            card: gift.card.clone(),
            began: gift.began_at.map(day),
            ended: gift.ended_at.map(day),
            changing: gift.changing_since.map(|at| at.date_time(zone)),
            ending: gift.ending_since.map(|at| at.date_time(zone)),
            stop: format!("/giving/{}", manage_token(&app.site, &gift.public_id)),
            rhythms: GiftRhythm::OFFERED.iter().map(choice).collect(),
            until: rests(gift.next_at, now, zone),
            id: gift.public_id.clone(),
        }
    }

    /// Whether something is filled in that is not so.
    fn is_typed_in(&self) -> bool {
        let chosen = self.rhythms.iter().find(|one| one.chosen).map(|one| &one.sent);
        self.running
            && self.ends.is_none()
            && (self.figures != self.seen_figures
                || self.next_day != self.seen_day
                || chosen.is_some_and(|chosen| *chosen != self.seen_every))
    }
}

impl Gift {
    fn new(gift: donations::GivenGift, zone: &Zone) -> Self {
        Self {
            id: gift.public_id,
            amount: gift.amount,
            back: gift.is_back,
            was: gift.was,
            date: gift.paid_at.date(zone),
            receipt: gift.receipt_number,
            regular: gift.is_regular,
        }
    }
}

/// A rhythm as a form sends it.
fn sent(rhythm: GiftRhythm) -> String {
    format!("{}-{}", rhythm.count, rhythm.unit)
}

fn rhythm(typed: &str) -> Option<GiftRhythm> {
    GiftRhythm::OFFERED.into_iter().find(|one| sent(*one) == typed)
}

/// The first moment of a day as browsers write one.
fn moment(typed: &str, zone: &Zone) -> Option<Moment> {
    Some(zone.day(typed.parse().ok()?)?.0)
}

/// From the first day to the last, both counted.
fn days(form: &Form, zone: &Zone) -> Option<(Moment, Moment)> {
    let (from, _) = zone.day(form.text("from").parse().ok()?)?;
    let (_, to) = zone.day(form.text("to").parse().ok()?)?;
    (from < to && to.since(from) < MOST_DAYS).then_some((from, to))
}

const MOST_DAYS: std::time::Duration = std::time::Duration::from_secs(3_660 * 86_400);

/// The days as they were typed, right or wrong.
fn typed_days(form: &Form) -> Option<Days> {
    let [from, to] = ["from", "to"].map(|field| form.text(field).to_owned());
    (!from.is_empty() || !to.is_empty()).then_some(Days { from, to })
}

fn this_year(now: Moment, zone: &Zone) -> Days {
    let to = now.day(zone);
    let year: String = to.chars().take(4).collect();
    Days { from: format!("{year}-01-01"), to }
}

/// The days that the address of a statement names.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Between {
    from: String,
    to: String,
}

/// `GET /supporter/{token}/statement`: what was given between two days, to print.
pub(crate) async fn statement(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(between): Query<Between>,
) -> Outcome {
    let supporter = match donations::supporter_by_link(&app.site, &token).await? {
        Some(supporter) if supporter.is_fresh => supporter,
        Some(_) => return Ok(see_other(&format!("/supporter/{token}"))),
        None => return dead_link::page(&app, dead_link::Was::Unknown).await,
    };
    let settings = Settings::load(&app.site.db).await?;
    let zone = &settings.time_zone;
    let form = Form::new(FIELDS).with("from", between.from).with("to", between.to);
    let here = format!("/supporter/{token}");
    let Some(span) = days(&form, zone) else {
        return again(&app, &supporter, here, form, WRONG_DAYS.to_owned()).await;
    };
    let stated = donations::statement(&app.site, &supporter, zone, span).await?;
    let page = StatementPage {
        here,
        name: supporter.name().to_owned(),
        from: stated.from,
        to: stated.to,
        gifts: stated.gifts.into_iter().map(|gift| Gift::new(gift, zone)).collect(),
        sums: stated.sums,
        more: stated.more,
        recipient: if settings.legal_name.is_empty() {
            settings.magazine_name.clone()
        } else {
            settings.legal_name.clone()
        },
        address: settings.postal_address.lines().collect::<Vec<_>>().join(", "),
        days: Days { from: form.text("from").to_owned(), to: form.text("to").to_owned() },
    };
    app.public_page("public/supporter_statement", "What you gave", &page).await
}

/// `GET /supporter`
pub(crate) async fn ask(State(app): State<App>) -> Outcome {
    app.public_page("public/supporter_ask", TITLE, &Ask { form: Form::new(ASK_FIELDS), trouble: None }).await
}

/// `POST /supporter`
pub(crate) async fn ask_submit(State(app): State<App>, client: ClientAddress, posted: Posted) -> Outcome {
    let mut form = posted.form(ASK_FIELDS)?;
    if !form.text("website").is_empty() {
        return Ok(sent_to(&app, EmailAddress::parse(form.text("email")).ok().as_ref()));
    }
    let email = match EmailAddress::parse(form.text("email")) {
        Ok(email) => email,
        Err(error) => {
            form.mistake("email", error);
            return app.public_page_again("public/supporter_ask", TITLE, &Ask { form, trouble: None }).await;
        }
    };
    let settings = Settings::load(&app.site.db).await?;
    match donations::ask_for_gifts_link(&app.site, &settings, &email, client.network()).await {
        Ok(()) => Ok(sent_to(&app, Some(&email))),
        Err(LinkError::TooMany(wait)) => {
            let trouble = Some(format!(
                "Nothing was sent: more people than usual ask for it just now. Please try again in {}.",
                words::wait(wait)
            ));
            let page = app.public_page("public/supporter_ask", TITLE, &Ask { form, trouble }).await?;
            Ok(too_many(wait, page))
        }
        Err(LinkError::Database(error)) => Err(error.into()),
    }
}

/// The same for every address (TRUST A22).
fn sent_to(app: &App, typed: Option<&EmailAddress>) -> Response {
    match typed {
        Some(email) => Told::Mailed { to: email.to_string(), later: false }.at(&app.site, SENT, ""),
        None => see_other(SENT),
    }
}

/// `GET /supporter/sent`: true of every address, and so of none in particular.
pub(crate) async fn sent_page(State(app): State<App>, told: InAddress) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let to = match told.read(&app.site, SENT) {
        Some(Told::Mailed { to, .. }) => to,
        _ => String::new(),
    };
    app.public_page("public/supporter_sent", "Check your mail", &Sent { to, contact }).await
}
