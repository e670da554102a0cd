//! What is held about a reader, as they read it themselves.

use crate::{
    delivery::{Class, CopyState, StopReason},
    donations::{DonationState, RecurringState},
    subscribers::{
        ConsentAction, ConsentMethod, DonorState, SubscriptionState, consent::Event, requests::RequestKind,
    },
};

/// How they stand with a list.
pub(in crate::web) const fn standing(state: SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::Confirmed => "You get it",
        SubscriptionState::Pending => "Asked for, and not confirmed",
        SubscriptionState::Left => "You left it",
    }
}

/// What they did about a list, or somebody for them, and how.
pub(in crate::web) fn agreed(event: &Event) -> (&'static str, &'static str) {
    let (action, method) = (event.action, event.method);
    let what = match (action, method) {
        (ConsentAction::Asked, ConsentMethod::Staff) => "We asked whether you want",
        (ConsentAction::Asked, _) => "Asked for",
        (ConsentAction::Confirmed, ConsentMethod::Edition) => "Said once more that you want",
        (ConsentAction::Confirmed, _) => "Agreed to get",
        (ConsentAction::Left, _) if event.was_off_already() => "Said, being off it already, that you leave",
        (ConsentAction::Left, _) => "Left",
        (ConsentAction::Imported, _) => "Added to",
    };
    let how = match method {
        ConsentMethod::Form => "by the form",
        ConsentMethod::Confirmation => "by the link we mailed",
        ConsentMethod::Mailto => "by a mail",
        ConsentMethod::OneClick => "by the button of a mail program",
        ConsentMethod::UnsubscribePage => "on the page for leaving",
        ConsentMethod::Preferences => "on the page of your choices",
        ConsentMethod::Import if event.is_taken_back() => {
            "by our team, for it took the list back that had you on it"
        }
        ConsentMethod::Import => "by our team, from a file",
        ConsentMethod::Staff if event.is_taken_back() => {
            "by our team, for it took back that it put you on the list"
        }
        ConsentMethod::Staff => "by our team",
        ConsentMethod::Edition => "by the button in a mail",
    };
    (what, how)
}

/// What became of something that was sent to them.
pub(in crate::web) fn sent(state: CopyState, why: Option<Class>, perhaps_twice: bool) -> String {
    let with_why = |what: &str| why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"));
    match state {
        CopyState::Accepted if perhaps_twice => "Your mail provider took it, perhaps twice".to_owned(),
        CopyState::Accepted => "Your mail provider took it".to_owned(),
        CopyState::Failed => with_why("It could not be delivered"),
        CopyState::Suppressed | CopyState::Cancelled => with_why("Not sent"),
        CopyState::Unknown => "It may have arrived".to_owned(),
        CopyState::Claimed | CopyState::Queued => "It is on its way".to_owned(),
    }
}

/// Which automatic email it was.
pub(in crate::web) fn letter(template: &str) -> &'static str {
    match template {
        "copy_of_data" => "The link to this page",
        "erase_request" => "The question whether to forget you",
        "choices_link" => "The link to your choices",
        "paused" => "Word of your pause",
        "already_reader" => "Word that you are on the list already",
        other => super::letter(other),
    }
}

/// Why nothing is mailed to them.
pub(in crate::web) const fn stopped(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Bounced => "Mail to your address came back",
        StopReason::Complained => "You told your mail provider that our mail is spam",
        StopReason::Erased => "You asked to be forgotten",
        StopReason::Staff => "Our team decided not to mail you",
    }
}

/// Where they stand as a supporter.
pub(in crate::web) const fn supporter(state: DonorState) -> &'static str {
    match state {
        DonorState::Never => "You have given nothing",
        DonorState::Once => "You have given",
        DonorState::Monthly => "You give regularly",
        DonorState::Failing => "You give regularly; the last payment did not go through",
        DonorState::Lapsed => "You gave regularly once",
    }
}

/// How far a gift has come.
pub(in crate::web) const fn gift(state: DonationState) -> &'static str {
    match state {
        DonationState::Created | DonationState::CheckoutOpen => "begun, not paid",
        DonationState::Pending => "on its way from your bank",
        DonationState::Paid => "paid",
        DonationState::Failed => "the bank did not pay",
        DonationState::Expired => "not finished",
    }
}

/// How a monthly gift stands.
pub(in crate::web) const fn monthly(state: RecurringState) -> &'static str {
    match state {
        RecurringState::Cancelled => "ended",
        RecurringState::Active => "goes on",
        RecurringState::PastDue | RecurringState::Unpaid => "goes on; the last payment did not go through",
        RecurringState::Paused => "rests",
        RecurringState::Pending => "not begun",
    }
}

/// What they asked by law.
pub(in crate::web) const fn asked(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Access => "You wanted to know what we hold about you",
        RequestKind::Erasure => "You wanted to be forgotten",
        RequestKind::NeverAsked => "You said that you never signed up",
    }
}
