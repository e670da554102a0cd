//! `/your-data/{token}`: what is held about a reader, to read and as a file. The link came to their own mailbox, made for that alone; the
//! link to their choices only asks for it.

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::IntoResponse as _,
};
use futures_util::stream;
use serde::Serialize;

use super::{
    super::{App, Outcome, Posted, WebError},
    dead_link,
    told::Told,
};
use crate::{
    clock::Zone,
    donations,
    dossier::{self, Asks, Held, HeldCopy, HeldLetter, NEWEST, Newest, Whole, Whose, Within},
    payments,
    settings::Settings,
    subscribers::{SubscriberError, consent},
    web::words::{readers::how_often, yours},
};

#[derive(Serialize)]
struct Page {
    file: String,
    /// From which day on it says what they gave, where that waits.
    gifts_from: Option<String>,
    newest: usize,
    sections: Vec<Section>,
}

/// A part of the page; one without lines is left out.
#[derive(Serialize)]
struct Section {
    title: &'static str,
    lines: Vec<Line>,
    /// Whether the file has more of it.
    more: bool,
}

#[derive(Clone, Default, Serialize)]
struct Line {
    what: String,
    when: String,
    /// Words as they stood there.
    words: String,
    detail: String,
}

impl Line {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    fn when(self, when: impl Into<String>) -> Self {
        Self { when: when.into(), ..self }
    }

    fn words(self, words: impl Into<String>) -> Self {
        Self { words: words.into(), ..self }
    }

    /// What is not empty of it, in one line.
    fn detail<const N: usize>(self, parts: [String; N]) -> Self {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Self { detail: parts.join(" · "), ..self }
    }
}

fn named(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name}: {value}") }
}

impl Section {
    fn new(title: &'static str, lines: Vec<Line>) -> Self {
        Self { title, lines, more: false }
    }

    fn of<T>(title: &'static str, newest: Newest<T>, line: impl Fn(T) -> Line) -> Self {
        Self { title, more: newest.more, lines: newest.rows.into_iter().map(line).collect() }
    }
}

/// `POST /preferences/{token}/copy`
pub(crate) async fn ask_copy(app: State<App>, token: Path<String>, posted: Posted) -> Outcome {
    ask(app, token, posted, Asks::Copy).await
}

/// `POST /preferences/{token}/forget`
pub(crate) async fn ask_erasure(app: State<App>, token: Path<String>, posted: Posted) -> Outcome {
    ask(app, token, posted, Asks::Erasure).await
}

/// Whoever has the link to a reader's choices knows the reader: they are told where no letter can go to them, and when no more go.
async fn ask(State(app): State<App>, Path(token): Path<String>, posted: Posted, asks: Asks) -> Outcome {
    posted.form(&[])?;
    match dossier::ask(&app.site, &token, asks).await {
        Ok(answer) => {
            let told = Told::Asked { erasure: asks == Asks::Erasure, answer: answer.into() };
            Ok(told.at(&app.site, &format!("/preferences/{token}"), "#your-data"))
        }
        Err(error) => dead_end(&app, error).await,
    }
}

/// `GET /your-data/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let whose = match dossier::of_link(&app.site, &token).await {
        Ok(whose) => whose,
        Err(error) => return dead_end(&app, error).await,
    };
    let zone = Settings::load(&app.site.db).await?.time_zone;
    let mut sections = sections(Held::look(&app.site, &whose).await?, &zone);
    sections.retain(|section| !section.lines.is_empty());
    let gifts_from = whose.gifts_from.map(|until| until.date(&zone));
    let page = Page { gifts_from, file: format!("/your-data/{token}/file"), newest: NEWEST, sections };
    app.public_page("public/your_data", "What we hold about you", &page).await
}

/// `GET /your-data/{token}/file`
pub(crate) async fn file(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match dossier::of_link(&app.site, &token).await {
        Ok(whose) => download(&app, whose).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// All of it as JSON, as it is read.
pub(in crate::web) async fn download(app: &App, whose: Whose) -> Outcome {
    let magazine = Settings::load(&app.site.db).await?.magazine_name;
    let whole = Whole::new(app.site.clone(), magazine, whose);
    let pieces = stream::try_unfold(whole, piece);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"what-we-hold.json\""),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

async fn piece(mut whole: Whole) -> Result<Option<(String, Whole)>, sqlx::Error> {
    Ok(whole.piece().await?.map(|piece| (piece, whole)))
}

pub(super) async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        SubscriberError::Expired => dead_link::page(app, dead_link::Was::OfYesterday).await,
        SubscriberError::Changed => dead_link::page(app, dead_link::Was::OfAnotherAddress).await,
        error => Err(WebError::from(error)),
    }
}

fn sections(held: Held, zone: &Zone) -> Vec<Section> {
    let mut you = Vec::new();
    if let Some(who) = held.who {
        you.push(Line::new(format!("Your address: {}", who.email)));
        if !who.name.is_empty() {
            you.push(Line::new(format!("Your name: {}", who.name)));
        }
        you.push(Line::new(format!("Known since {}", who.created_at.date(zone))));
        if let Some(state) = who.supporter {
            you.push(Line::new(yours::supporter(state)));
        }
    }
    if let Some(member) = held.member {
        you.push(Line::new(format!("You are on our team, as {} ({})", member.name, member.role.as_str())));
    }
    if let Some(forgotten) = held.forgotten {
        let at = forgotten.forgotten_at.date(zone);
        you.push(Line::new(format!("We were asked to forget this address on {at}, and did")));
    }
    for former in &held.former {
        you.push(Line::new(format!(
            "Another address until {}: here it is kept as a code alone; in full it still stands where something was sent to it or given from it",
            former.left_at.date(zone)
        )));
    }
    for supporter in &held.supporter {
        let who = if supporter.name.is_empty() { &supporter.email } else { &supporter.name };
        let asked =
            [("Not asked for gifts", supporter.never_ask_since), ("May be named", supporter.named_since)]
                .into_iter()
                .filter_map(|(what, since)| Some(format!("{what} since {}", since?.date(zone))));
        let line = Line::new(format!("As a supporter: {who}, since {}", supporter.created_at.date(zone)));
        you.push(line.words(asked.collect::<Vec<_>>().join(". ")));
    }
    let answer = |(question, answer)| Line::new(question).words(answer);
    let typed = held.typed.map(|typed| {
        Line::new("Somebody typed this beside your address. It is yours only once you confirm it.")
            .when(typed.at.date_time(zone))
            .words(typed.name)
            .detail([typed.answers])
    });
    let in_a_rush = held.sign_ups.into_iter().map(|sign_up| {
        Line::new("Somebody subscribed by your address in a rush. We look at it soon.")
            .when(sign_up.at.date_time(zone))
    });
    vec![
        Section::new("Who you are", you),
        Section::new("Lists", held.lists.into_iter().map(|list| within(list, zone)).collect()),
        Section::new(
            "Why you left",
            held.reasons
                .into_iter()
                .map(|one| {
                    Line::new(format!("{}: {}", one.list, one.reason))
                        .when(one.left_at.date(zone))
                        .words(one.words)
                })
                .collect(),
        ),
        Section::of("What you agreed to", held.consent, |event| happened(event, zone)),
        Section::new("What you told us", held.answers.into_iter().map(answer).collect()),
        Section::new("What is not confirmed", typed.into_iter().chain(in_a_rush).collect()),
        Section::of("Editions we sent you", held.copies, |one| copy(one, zone)),
        Section::of("Letters we sent you", held.letters, |one| letter(one, zone)),
        Section::of("What came back", held.came_back, |one| {
            let what = named("What it was", one.action.as_str());
            Line::new("Something came back of mail to you")
                .when(one.received_at.date_time(zone))
                .words(one.words)
                .detail([what, one.reply.unwrap_or_default()])
        }),
        Section::of("Letters from you that nobody has read yet", held.they_wrote, |one| {
            Line::new(one.subject).when(one.received_at.date_time(zone)).words(one.words)
        }),
        Section::of("When mail to you was stopped", held.stops, |one| {
            let until = one.lifted_at.map(|at| format!("Until {}", at.date_time(zone))).unwrap_or_default();
            Line::new(yours::stopped(one.reason))
                .when(one.created_at.date_time(zone))
                .detail([until, one.detail])
        }),
        Section::of("Gifts", held.gifts, |one| {
            let receipt = named("Receipt", one.receipt.as_deref().unwrap_or_default());
            let amount = donations::figures(one.amount_minor, &one.currency);
            let card = [one.card_brand, one.card_last4].join(" ").trim().to_owned();
            Line::new(format!("{amount}, {}", yours::gift(one.state)))
                .when(one.paid_at.unwrap_or(one.created_at).date(zone))
                .words(one.notes.map(|notes| format!("Our team noted: {notes}")).unwrap_or_default())
                .detail([receipt, named("Card", &card), named("Name", &one.name), one.email])
        }),
        Section::of("Regular gifts", held.monthly, |one| {
            let amount = donations::figures(one.amount_minor, &one.currency);
            let every = payments::GiftRhythm { count: one.every_count, unit: one.every_unit };
            let card = format!("{} {}", one.card_brand, one.card_last4);
            Line::new(format!("{amount} {}, {}", every.words(), yours::monthly(one.state)))
                .when(one.activated_at.unwrap_or(one.created_at).date(zone))
                .detail([
                    named("Name", &one.name),
                    one.email,
                    named("Card", card.trim()),
                    named("Good until", &one.card_expires),
                ])
        }),
        Section::of("What our team noted", held.notes, |one| {
            Line::new("A note").when(one.at.date_time(zone)).words(one.text)
        }),
        Section::new(
            "What you asked us by law",
            held.requests
                .into_iter()
                .map(|one| {
                    Line::new(yours::asked(one.kind))
                        .when(one.received_at.date(zone))
                        .words(one.detail)
                        .detail([named("What was done", &one.outcome)])
                })
                .collect(),
        ),
        Section::of("What our team did", held.deeds, |one| {
            Line::new(format!("Our team {}", one.action)).when(one.at.date_time(zone)).words(one.why)
        }),
    ]
}

fn within(list: Within, zone: &Zone) -> Line {
    let day = |what: &str, at: Option<crate::clock::Moment>| {
        at.map(|at| format!("{what} {}", at.date(zone))).unwrap_or_default()
    };
    let topics =
        named("You chose", &consent::phrase(&list.topics.iter().map(String::as_str).collect::<Vec<_>>()));
    Line::new(format!("{}: {}", list.list, yours::standing(list.state))).detail([
        day("asked on", Some(list.asked_at)),
        day("confirmed on", list.confirmed_at),
        day("left on", list.left_at),
        day("nothing comes before", list.paused_until),
        day("we may mail you since you bought or gave, until", list.implied_until),
        topics,
        named("How often", list.rhythm.map_or("", |rhythm| how_often(Some(rhythm)))),
    ])
}

fn happened(event: consent::Event, zone: &Zone) -> Line {
    let (what, how) = yours::agreed(&event);
    Line::new(format!("{what} {}, {how}", event.list))
        .when(event.at.date_time(zone))
        .words(event.wording.unwrap_or_default())
        .detail([
            named("Form", event.form.as_deref().map(consent::form_for_readers).unwrap_or_default()),
            named("Campaign", &event.campaign),
            named("Source", consent::without_names(&event.source)),
            named("Internet address", &event.ip),
            named("Browser", &event.user_agent),
        ])
}

fn copy(copy: HeldCopy, zone: &Zone) -> Line {
    let outcome = yours::sent(copy.state, copy.why, copy.perhaps_twice);
    let said = copy.every_try.last().map(|one| one.their_server_said.clone()).unwrap_or_default();
    let subject =
        if copy.edition.is_empty() { "An edition".to_owned() } else { format!("“{}”", copy.edition) };
    Line::new(format!("{subject}, of {}", copy.list)).when(copy.changed_at.date_time(zone)).detail([
        outcome,
        copy.address,
        copy.name,
        named("Your mail server said", &said),
    ])
}

fn letter(letter: HeldLetter, zone: &Zone) -> Line {
    Line::new(yours::letter(&letter.letter))
        .when(letter.finished_at.unwrap_or(letter.created_at).date_time(zone))
        .detail([
            yours::sent(letter.state, letter.why, letter.perhaps_twice),
            letter.address,
            named("Your mail server said", &letter.their_server_said),
        ])
}
