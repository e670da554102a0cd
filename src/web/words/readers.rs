//! Readers: how they stand, what they agreed to, and what came back from them.

use crate::{
    bounces::{Action, Bounce, Change},
    clock::{Moment, Zone},
    delivery::StopReason,
    editions::Rhythm,
    publishing::Subject,
    replies,
    subscribers::{
        ConsentAction, ConsentMethod, DonorState, LeavingReason, OFF_ALREADY, Order, ReaderStanding,
        Subscription, SubscriptionState, consent::Event, fields::FieldKind, requests::RequestKind,
        says_taken_back,
    },
    web::words::in_their_time,
};

/// In the place of an address that is not known any more.
pub(in crate::web) const WAS_FORGOTTEN: &str = "A reader who was forgotten";

/// Why nobody of the team adds an address, and what its owner can do.
pub(in crate::web) const FORGOTTEN: &str = "Its owner asked to be forgotten. They can subscribe by themselves, by the form; nobody else brings them back.";

/// Beside a list that somebody is on whose address is stopped.
pub(in crate::web) const ON_IT_NOT_MAILED: &str = "on it, not mailed";

/// Beside a list that somebody asked for whose address is stopped: no mail asks them to confirm.
pub(in crate::web) const ASKED_NOT_MAILED: &str = "asked, address stopped";

/// What a state means to an editor at a moment, and the colour of its pill.
pub(in crate::web) fn standing(subscription: &Subscription, now: Moment) -> (&'static str, &'static str) {
    match subscription.state {
        SubscriptionState::Confirmed if subscription.retired => ("the list is retired", ""),
        SubscriptionState::Confirmed if subscription.implied_until.is_some_and(|until| until <= now) => {
            ("implied consent ran out", "bad")
        }
        SubscriptionState::Confirmed if subscription.rests_until(now).is_some() => ("paused", "warn"),
        SubscriptionState::Confirmed if subscription.implied_until.is_some() => {
            ("gets it for a time", "warn")
        }
        SubscriptionState::Confirmed => ("gets it", "good"),
        SubscriptionState::Pending => ("asked, not confirmed yet", "warn"),
        SubscriptionState::Left => ("left", ""),
    }
}

/// How often somebody gets a list; none for everything.
pub(in crate::web) const fn how_often(rhythm: Option<Rhythm>) -> &'static str {
    match rhythm {
        None => "Everything",
        Some(Rhythm::Each) => "Every article",
        Some(Rhythm::Daily) => "Once a day",
        Some(Rhythm::Weekly) => "Once a week",
        Some(Rhythm::Monthly) => "Once a month",
    }
}

/// What comes to a reader who chose it, beside what goes to everybody.
pub(in crate::web) const fn comes_at(rhythm: Rhythm) -> &'static str {
    match rhythm {
        Rhythm::Each => "a mail for each article",
        Rhythm::Daily => "the daily mail",
        Rhythm::Weekly => "the weekly mail",
        Rhythm::Monthly => "the monthly mail",
    }
}

/// Whom an edition at that rhythm is for.
pub(in crate::web) const fn is_at(rhythm: Rhythm) -> &'static str {
    match rhythm {
        Rhythm::Each => "It is the mail for one article.",
        Rhythm::Daily => "It is the daily mail.",
        Rhythm::Weekly => "It is the weekly mail.",
        Rhythm::Monthly => "It is the monthly mail.",
    }
}

/// What an answer to a field is.
pub(in crate::web) const fn field_kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "A line of text",
        FieldKind::Number => "A number",
        FieldKind::Date => "A day",
        FieldKind::YesNo => "Yes or no",
        FieldKind::Choice => "One of several choices",
    }
}

/// Those of the list who stand so, as a choice.
pub(in crate::web) const fn how_they_stand(standing: ReaderStanding) -> &'static str {
    match standing {
        ReaderStanding::Is(SubscriptionState::Confirmed) => "get it",
        ReaderStanding::Paused => "paused for some weeks",
        ReaderStanding::Is(SubscriptionState::Pending) => "asked, not confirmed yet",
        ReaderStanding::Is(SubscriptionState::Left) => "left",
        ReaderStanding::Stopped => "get nothing: address stopped",
    }
}

/// In which order they are listed, as a choice.
pub(in crate::web) const fn in_which_order(order: Order) -> &'static str {
    match order {
        Order::Newest => "newest first",
        Order::Name => "by name",
        Order::Address => "by address",
    }
}

/// What an editor may know of a reader's gifts: that there are some, not how much.
pub(in crate::web) const fn donor(state: DonorState) -> &'static str {
    match state {
        DonorState::Never => "",
        DonorState::Once => "supporter",
        DonorState::Monthly | DonorState::Failing => "regular supporter",
        DonorState::Lapsed => "was a regular supporter",
    }
}

/// What a reader did about a list, or somebody for them, and how.
pub(in crate::web) fn agreed(event: &Event) -> (&'static str, &'static str) {
    let (action, method) = (event.action, event.method);
    let what = match (action, method) {
        (ConsentAction::Asked, ConsentMethod::Staff) => "Were asked whether they want",
        (ConsentAction::Asked, _) => "Asked for",
        (ConsentAction::Confirmed, ConsentMethod::Edition) => "Confirmed again",
        (ConsentAction::Confirmed, _) => "Agreed to get",
        (ConsentAction::Left, _) if event.was_off_already() => "Said, being off it already, that they leave",
        (ConsentAction::Left, _) => "Left",
        (ConsentAction::Imported, _) => "Was imported to",
    };
    let how = match method {
        ConsentMethod::Form if matches!(action, ConsentAction::Confirmed) => {
            "by the form, without a mail that asks"
        }
        ConsentMethod::Form => "by the form",
        ConsentMethod::Confirmation => "by the link we mailed",
        ConsentMethod::OneClick => "by the button of their mail program",
        ConsentMethod::Mailto => "by an email that their mail program wrote",
        ConsentMethod::UnsubscribePage => "on the page for leaving",
        ConsentMethod::Preferences => "on the page of their choices",
        ConsentMethod::Import if event.is_taken_back() => "as the list that brought them was taken back",
        ConsentMethod::Import => "from a file",
        ConsentMethod::Staff if event.is_taken_back() => {
            "as what the team did with many readers was taken back"
        }
        ConsentMethod::Staff => "by the team",
        ConsentMethod::Edition => "by the button of an edition",
    };
    (what, how)
}

/// Where a consent came from, where that says more than how it was given: an edition by its subject, moments where the magazine is.
pub(in crate::web) fn came_from(source: &str, subjects: &[Subject], zone: &Zone) -> String {
    let source = source.strip_prefix(OFF_ALREADY).unwrap_or(source);
    match source {
        "" | "preferences page" | "confirmation mail" | "taken off by staff" => String::new(),
        _ if says_taken_back(source) => String::new(),
        "undo" => "they took their leaving back".to_owned(),
        "home" => "the front page".to_owned(),
        "article" => "the page of an article".to_owned(),
        "subscribe" => "the page for subscribing".to_owned(),
        "offered after joining" => "offered after they had joined another list".to_owned(),
        "letter of welcome" => "the letter of welcome".to_owned(),
        "letter of good-bye" => "the letter of good-bye".to_owned(),
        _ if source.starts_with("mail ") => String::new(),
        _ => match source.strip_prefix("edition ") {
            Some(id) => match subjects.iter().find(|one| one.public_id == id) {
                Some(one) => format!("the edition “{}”", one.subject),
                None => "an edition".to_owned(),
            },
            None => in_their_time(source, zone),
        },
    }
}

/// The edition that a source names.
pub(in crate::web) fn edition_of(source: &str) -> Option<&str> {
    source.strip_prefix(OFF_ALREADY).unwrap_or(source).strip_prefix("edition ")
}

/// Which browser it was, and on what: as much as anybody can make of what a browser says of itself.
pub(in crate::web) fn browser(says: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| says.contains(sign)).map(|(_, name)| *name)
    };
    // Each says what those before it say, too.
    let browser = known(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let on = known(&[
        ("Windows", "Windows"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("Mac OS X", "a Mac"),
        ("CrOS", "a Chromebook"),
        ("Linux", "Linux"),
    ]);
    match (browser, on) {
        (Some(browser), Some(on)) => format!("{browser} on {on}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => says.to_owned(),
    }
}

/// Why somebody left, in the words that they chose among.
pub(in crate::web) const fn left_because(reason: LeavingReason) -> &'static str {
    match reason {
        LeavingReason::TooMuch => "It comes too often",
        LeavingReason::NotExpected => "It is not what I expected",
        LeavingReason::NoTime => "I have no time to read it",
        LeavingReason::NeverAsked => "I did not ask for it",
        LeavingReason::Elsewhere => "I read you in another way",
        LeavingReason::Other => "Something else",
    }
}

/// What a reader asks by law.
pub(in crate::web) const fn asks(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Access => "What is held about them",
        RequestKind::Erasure => "To be forgotten",
        RequestKind::NeverAsked => "Says that they never signed up",
    }
}

/// The same for whoever writes it down, with what to do.
pub(in crate::web) const fn asks_for(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Access => "They want to know what we hold about them",
        RequestKind::Erasure => "They want to be forgotten",
        RequestKind::NeverAsked => "They say that they never signed up",
    }
}

/// Why an address is not mailed.
pub(in crate::web) const fn stopped_because(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Bounced => "Mail to this address comes back",
        StopReason::Complained => "They marked an edition as spam",
        StopReason::Erased => "They asked to be forgotten",
        StopReason::Staff => "The team decided never to mail this address again",
    }
}

/// What a report changed, and the colour of its pill.
pub(in crate::web) fn effect(bounce: &Bounce) -> (&'static str, &'static str) {
    match bounce.effect {
        _ if bounce.held => ("waits for you", "warn"),
        Change::Bounced | Change::Complained => ("not mailed any more", "bad"),
        Change::Counted => ("counted", "warn"),
        Change::Policy => ("not their fault", ""),
        Change::Outdated => ("from before", ""),
        Change::None => ("noted", ""),
    }
}

/// Why a copy came back.
pub(in crate::web) fn bounced_because(bounce: &Bounce) -> &'static str {
    if bounce.action == Action::Delayed {
        return "Late: it is still being tried";
    }
    if bounce.action == Action::Delivered {
        return "It arrived";
    }
    match bounce.reason {
        replies::Reason::NoMailbox => "There is no such mailbox",
        replies::Reason::NoHost => "There is no such domain",
        replies::Reason::Moved => "They have moved",
        replies::Reason::TakesNoMail => "Their domain takes no mail",
        replies::Reason::Full => "Their mailbox is full",
        replies::Reason::TooBig => "The email was too big for them",
        replies::Reason::Disabled => "Their mailbox is switched off",
        replies::Reason::Policy => "Their mail service refused us",
        replies::Reason::TooMuch => "Their mail service wants less at once",
        replies::Reason::Expired => "It could not be delivered in time",
        replies::Reason::Network => "Their mail service could not be reached",
        replies::Reason::Server => "Something is wrong with a mail server",
        replies::Reason::Complaint => "They marked it as spam",
        replies::Reason::Away => "An automatic answer",
        replies::Reason::Refused | replies::Reason::Unknown => "It was refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        for (says, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari on an iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            ("Lamp/1", "Lamp/1"),
            ("", ""),
        ] {
            assert_eq!(browser(says), name);
        }
    }

    #[test]
    fn a_source_is_told_once_and_in_words() {
        let editions = [Subject { id: 1, public_id: "e1".into(), subject: "Ladders".into() }];
        for (source, words) in [
            ("edition e1", "the edition “Ladders”"),
            ("edition e2", "an edition"),
            ("preferences page", ""),
            ("undo", "they took their leaving back"),
            ("sign-up sheet at the fair", "sign-up sheet at the fair"),
            (
                "entry 3 of the journal of withdrawals, of 2026-03-03T09:00:00Z",
                "entry 3 of the journal of withdrawals, of 3 March 2026, 09:00 UTC",
            ),
        ] {
            assert_eq!(came_from(source, &editions, &Zone::UTC), words);
        }
    }
}
