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
        self, ChangeError, LetterAsked, LinkError, NEWEST_GIFTS, OwnAddressError, RecurringState,
        RegularGift, Supporter, Wish, manage_token,
    },
    dossier::{self, AskOutcome, Asks},
    email_address::EmailAddress,
    money::{self, Money},
    payments::GiftRhythm,
    settings::Settings,
    subscribers::SubscriberError,
};

const TITLE: &str = "Your gifts";
/// `press` is the button, with the regular gift or the receipt that it is about. What the page showed stands beside what may have been typed.
const FIELDS: &[&str] = &["press", "name", "seen_name", "address", "from", "seen_from", "to", "seen_to"];
/// What is asked of each regular gift.
const OF_A_GIFT: [&str; 7] = ["amount", "seen_amount", "every", "seen_every", "date", "seen_date", "until"];
/// What is typed of one, each with a button of its own.
const TYPED: [&str; 3] = ["amount", "every", "date"];
/// How their fields begin.
const GIFT: &str = "gift-";
/// Nothing longer is taken along in the address of a page: no amount is so long, and few names are.
const LONGEST_TYPED: usize = 24;
const LONGEST_NAME: usize = 100;
/// Nor is more: whoever types into more than that types it again.
const MOST_TYPED: usize = 8;
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
    /// Whether what they gave can be another address's from now on: what they give regularly takes the payment service.
    moves: bool,
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
    until: Vec<RestChoice>,
}

/// A rest that is offered.
#[derive(Serialize)]
struct RestChoice {
    until: String,
    says: String,
    chosen: bool,
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

/// `GET /supporter/{token}`
pub(crate) async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(in_link): Query<Vec<(String, String)>>,
    told: InAddress,
) -> Outcome {
    let here = format!("/supporter/{token}");
    let (told, typed) = match told.read(&app.site, &here) {
        Some(Told::Gifts(told)) => (Some(told), Vec::new()),
        Some(Told::GiftsBeside { told, typed }) => (told, typed),
        // A fresh link fills in what was typed where the one of before did not do it: amount, rhythm and day, and nothing else.
        _ => (None, in_link.into_iter().filter(|(name, _)| name.starts_with(GIFT)).collect()),
    };
    match donations::supporter_by_link(&app.site, &token).await? {
        Some(supporter) if supporter.is_fresh => {
            let form = Form::with_more(FIELDS, of_gifts(&app, &supporter).await?.fields());
            let form = typed.into_iter().fold(form, |form, (name, value)| form.with(&name, value));
            page(&app, &supporter, here, form, (told.map(GiftsTold::sentence), None)).await
        }
        Some(supporter) => run_out(&app, &supporter, here, told).await,
        None => dead_link::page(&app, dead_link::Was::Unknown).await,
    }
}

/// The regular gifts whose fields stand on a page.
struct Gifts(Vec<String>);

async fn of_gifts(app: &App, supporter: &Supporter) -> Result<Gifts, WebError> {
    let regular = donations::regular_gifts_of(&app.site, supporter).await?;
    Ok(Gifts(regular.into_iter().map(|gift| gift.public_id).collect()))
}

impl Gifts {
    fn fields(&self) -> Vec<String> {
        self.0.iter().flat_map(|gift| OF_A_GIFT.map(|field| field_of(gift, field))).collect()
    }

    /// What was typed of them and is not so: which gift, and which field.
    fn typed(&self, form: &Form) -> Vec<(&str, &'static str)> {
        let all = self.0.iter().flat_map(|gift| TYPED.map(|field| (gift.as_str(), field)));
        all.filter(|(gift, field)| is_typed(form, gift, field)).collect()
    }
}

fn field_of(gift: &str, field: &str) -> String {
    format!("{GIFT}{gift}-{field}")
}

/// `POST /supporter/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, posted: Posted) -> Outcome {
    let here = format!("/supporter/{token}");
    let Some(supporter) = donations::supporter_by_link(&app.site, &token).await? else {
        return dead_link::page(&app, dead_link::Was::Unknown).await;
    };
    let gifts = of_gifts(&app, &supporter).await?;
    let form = posted.form_with(FIELDS, GIFT, gifts.fields())?;
    if !supporter.is_fresh {
        // Whatever was pressed: a page that has run out mails a fresh link, and does nothing else.
        let asked = donations::mail_fresh_link(&app.site, &supporter, &as_query(&form, &gifts)).await?;
        return Ok(Told::Gifts(written(asked, GiftsTold::Link)).at(&app.site, &here, ""));
    }
    let pressed = match form.text("press") {
        "typed" => match meant(&form, &gifts) {
            Some(meant) => meant,
            None => return again(&app, &supporter, here, form, WHICH.to_owned()).await,
        },
        pressed => pressed.to_owned(),
    };
    let (press, gift) = pressed.split_once(' ').unwrap_or((&pressed, ""));
    let typed = typed_but(&form, &gifts, (press, gift));
    let beside = |told: Option<GiftsTold>| Told::GiftsBeside { told, typed: typed.clone() };
    let told = |told: GiftsTold, part: &str| Ok(beside(Some(told)).at(&app.site, &here, part));
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    let zone = Settings::load(&app.site.db).await?.time_zone;
    let of_gift = |field: &str| form.text(&field_of(gift, field));
    let wish = match press {
        "receipt" => {
            let sent = donations::send_receipt_again(&app.site, &supporter, gift).await?;
            return told(written(sent, GiftsTold::Receipt), "#gifts");
        }
        "statement" => {
            let Some(days) = days(&form, &zone) else {
                return again(&app, &supporter, here, form, WRONG_DAYS.to_owned()).await;
            };
            let sent = donations::send_statement(&app.site, &supporter, &zone, days).await?;
            return told(written(sent, GiftsTold::Statement), "#statement");
        }
        "show" => {
            let Some(_) = days(&form, &zone) else {
                return again(&app, &supporter, here, form, WRONG_DAYS.to_owned()).await;
            };
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("from", form.text("from")).append_pair("to", form.text("to"));
            return Ok(see_other(&format!("{here}/statement?{}", query.finish())));
        }
        "address" => {
            let asked = donations::ask_for_another_address(&app.site, &supporter, form.text("address")).await;
            return match asked {
                Ok(()) => told(GiftsTold::AddressAsked, "#you"),
                // It is not what a letter fills in: whoever was handed a receipt could have typed it.
                Err(OwnAddressError::NeedsLink) => {
                    let link = donations::mail_fresh_link(&app.site, &supporter, "").await?;
                    told(written(link, GiftsTold::LinkForAddress), "#you")
                }
                Err(OwnAddressError::Enough) => told(GiftsTold::Enough, "#you"),
                Err(OwnAddressError::Database(error)) => Err(error.into()),
                Err(error) => again(&app, &supporter, here, form, error.to_string()).await,
            };
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
            let here = beside(None).address(&app.site, &here);
            let back = app.site.url(&here);
            return match donations::card_page(&app.site, provider, &supporter, (gift, &back)).await {
                Ok(page) => {
                    app.public_page(
                        "public/supporter_card",
                        "Another card or account",
                        &CardPage { page, here },
                    )
                    .await
                }
                Err(error) => {
                    refused(&app, &supporter, format!("/supporter/{token}"), (form, &gifts), error).await
                }
            };
        }
        "amount" => Some(Wish::Amount(of_gift("amount"))),
        "every" => {
            let every = rhythm(of_gift("every"));
            Some(Wish::Rhythm(
                every.ok_or(WebError::BadRequest("The form holds no rhythm that our page has."))?,
            ))
        }
        "date" => moment(of_gift("date"), &zone).map(Wish::Date),
        "rest" => moment(of_gift("until"), &zone).map(|until| Wish::Rest(Some(until))),
        "go-on" => Some(Wish::GoOn),
        "keep-on" => Some(Wish::KeepOn),
        _ => return Err(WebError::BadRequest("The form holds no button that our page has.")),
    };
    let Some(wish) = wish else {
        return again(&app, &supporter, here, form, NO_DAY.to_owned()).await;
    };
    match donations::change_regular(&app.site, provider, &supporter, (gift, wish)).await {
        Ok(()) => told(GiftsTold::Changed, ""),
        Err(error) => {
            let typed = form.clone();
            refused(&app, &supporter, here, (typed, &gifts), error).await
        }
    }
}

const NO_DAY: &str = "Nothing was changed: choose a day first, and press the button under it.";
const WHICH: &str = "Nothing was changed yet: press the button under what you want to change.";

/// Which button the return key means: that of the one thing that was typed. Of several none is meant, for some may have been filled in by
/// the link, and so by whoever had one before.
fn meant(form: &Form, gifts: &Gifts) -> Option<String> {
    let of_gifts = gifts.typed(form).into_iter().map(|(gift, field)| format!("{field} {gift}"));
    let differs = |field: &str, seen: &str| form.text(field) != form.text(seen);
    let others = [
        ("name", differs("name", "seen_name")),
        ("address", !form.text("address").is_empty()),
        ("show", differs("from", "seen_from") || differs("to", "seen_to")),
    ];
    let others = others.into_iter().filter(|(_, typed)| *typed).map(|(press, _)| press.to_owned());
    let mut all = of_gifts.chain(others);
    all.next().filter(|_| all.next().is_none())
}

/// Whether a field of a regular gift holds something else than the page showed.
fn is_typed(form: &Form, gift: &str, field: &str) -> bool {
    let typed = field_of(gift, field);
    form.is_ticked(&typed) && form.text(&typed) != form.text(&field_of(gift, &format!("seen_{field}")))
}

/// What was typed beside a button, and is filled in on the page that it leads to.
fn typed_but(form: &Form, gifts: &Gifts, (press, of): (&str, &str)) -> Vec<(String, String)> {
    let typed = gifts.typed(form).into_iter().filter(|(gift, field)| (*field, *gift) != (press, of));
    let rests = gifts.0.iter().filter(|gift| (press, of) != ("rest", gift.as_str()));
    let of_gifts = typed.map(|(gift, field)| field_of(gift, field));
    let of_gifts = of_gifts.chain(rests.map(|gift| field_of(gift, "until")));
    let (name_is_saved, days_are_read) =
        (matches!(press, "name" | "named" | "unnamed"), matches!(press, "show" | "statement"));
    let others = [
        ("name", !name_is_saved && form.text("name") != form.text("seen_name")),
        ("address", press != "address"),
        ("from", !days_are_read && form.text("from") != form.text("seen_from")),
        ("to", !days_are_read && form.text("to") != form.text("seen_to")),
    ];
    let others = others.into_iter().filter(|(_, typed)| *typed).map(|(field, _)| field.to_owned());
    let longest = |field: &str| if field.starts_with(GIFT) { LONGEST_TYPED } else { LONGEST_NAME };
    others
        .chain(of_gifts)
        .map(|field| (form.text(&field).to_owned(), field))
        .filter(|(text, field)| !text.is_empty() && text.len() <= longest(field))
        .take(MOST_TYPED)
        .map(|(text, field)| (field, text))
        .collect()
}

/// What was typed of regular gifts, for the address of a fresh link.
fn as_query(form: &Form, gifts: &Gifts) -> String {
    let typed = gifts.typed(form).into_iter().map(|(gift, field)| field_of(gift, field));
    let typed = typed.map(|field| (form.text(&field).to_owned(), field));
    let typed = typed.filter(|(text, _)| text.len() <= LONGEST_TYPED).take(MOST_TYPED);
    let typed = typed.map(|(text, field)| (field, text));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish()
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

async fn refused(
    app: &App,
    supporter: &Supporter,
    here: String,
    (form, gifts): (Form, &Gifts),
    error: ChangeError,
) -> Outcome {
    let trouble = match error {
        ChangeError::NotYet(_) => {
            return Ok(Told::Gifts(GiftsTold::Asked).at(&app.site, &here, ""));
        }
        ChangeError::NotFound => return Ok(Told::Gifts(GiftsTold::Gone).at(&app.site, &here, "")),
        ChangeError::NeedsLink => {
            match donations::mail_fresh_link(&app.site, supporter, &as_query(&form, gifts)).await? {
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
    let is_typed = regular.iter().any(Regular::is_typed_in)
        || form.text("name") != supporter.name().trim()
        || !form.text("address").is_empty();
    let page = Page {
        unsaved: trouble.is_none() && is_typed,
        moves: app.payments.is_some() || !regular.iter().any(|gift| gift.running),
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
            let typed = form.text(&field_of(&gift.public_id, field));
            if typed.is_empty() { is.to_owned() } else { typed.to_owned() }
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
            until: rests(gift.next_at, now, zone)
                .into_iter()
                .map(|(until, says)| RestChoice {
                    chosen: until == form.text(&field_of(&gift.public_id, "until")),
                    until,
                    says,
                })
                .collect(),
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
