//! Editions and their copies.

use super::grouped;
use crate::{
    delivery::{AttemptOutcome, AttemptStage, Class, CopyState, Progress},
    editions::EditionState,
};

/// What an edition is called while nobody gave it a subject.
pub(in crate::web) fn title(subject: &str) -> String {
    if subject.is_empty() { "Untitled edition".to_owned() } else { subject.to_owned() }
}

/// The word an editor would use.
pub(in crate::web) const fn state_label(state: EditionState) -> &'static str {
    match state {
        EditionState::Draft => "Draft",
        EditionState::Scheduled => "Waiting to go out",
        EditionState::Sealed => "Locked",
        EditionState::Sending => "Going out",
        EditionState::Paused => "Paused",
        EditionState::Held => "Held back",
        EditionState::Cancelled => "Cancelled",
        EditionState::Finished => "Sent",
    }
}

/// What became of a copy, in words.
pub(in crate::web) fn outcome_of(
    state: CopyState,
    class: Option<Class>,
    maybe_duplicate: bool,
    attempt: i64,
) -> String {
    let with_why = |what: &str| class.map_or_else(|| what.to_owned(), |class| format!("{what}: {class}"));
    match state {
        CopyState::Accepted if maybe_duplicate => "Taken, perhaps twice".to_owned(),
        CopyState::Accepted => "Taken".to_owned(),
        CopyState::Failed if class == Some(Class::BrokeOff) => format!("Failed: {BROKE_OFF}"),
        CopyState::Failed => with_why("Failed"),
        CopyState::Cancelled => "Not sent: the edition was cancelled".to_owned(),
        CopyState::Suppressed if class == Some(Class::Cancelled) => {
            "Not sent: the edition was cancelled".to_owned()
        }
        CopyState::Suppressed => with_why("Not mailed"),
        CopyState::Unknown => "May have arrived".to_owned(),
        CopyState::Claimed => "Being sent".to_owned(),
        CopyState::Queued if attempt > 0 => "Will be tried again".to_owned(),
        CopyState::Queued => "Still to go".to_owned(),
    }
}

/// Why a copy was set aside that may be what tasks break off at.
pub(in crate::web) const BROKE_OFF: &str = "the program broke off three times while it sent it";

/// "3,120 have it, 4,880 do not."
pub(in crate::web) fn have_and_have_not(progress: Progress) -> String {
    let Progress { sealed, accepted, unknown, .. } = progress;
    let perhaps = if unknown == 0 { String::new() } else { format!(", {} may have it", grouped(unknown)) };
    format!("{} have it{perhaps}, {} do not.", grouped(accepted), grouped(sealed - accepted - unknown))
}

/// What came of one attempt at a copy.
pub(in crate::web) const fn attempt(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Accepted => "Taken by their mail provider",
        AttemptOutcome::Failed => "Failed",
        AttemptOutcome::Retry => "To be tried again",
        AttemptOutcome::Unknown => "No answer: it may have arrived",
        AttemptOutcome::HeldBack => "Not sent",
        AttemptOutcome::BrokeOff => "Not sent: the program broke off",
        AttemptOutcome::GivenUp => "Given up: their mail provider has taken nothing for days",
    }
}

/// How far an attempt got.
pub(in crate::web) const fn stage(stage: AttemptStage) -> &'static str {
    match stage {
        AttemptStage::Connect | AttemptStage::Auth => "before the conversation began",
        AttemptStage::Mail => "at the sender’s address",
        AttemptStage::Rcpt => "at the reader’s address",
        AttemptStage::Data => "before the message was over",
        AttemptStage::Dot => "after the whole message",
        AttemptStage::Unknown | AttemptStage::Render => "",
    }
}

/// What became of all copies, without the figures that are nought.
pub(in crate::web) fn outcomes(progress: Progress) -> String {
    let Progress { accepted, failed, suppressed, cancelled, unknown, open, .. } = progress;
    let parts = [
        (accepted, "taken by their mail provider"),
        (failed, "failed"),
        (suppressed, "not mailed"),
        (cancelled, "cancelled"),
        (unknown, "may have arrived"),
        (open, "still to go"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, words)| format!("{} {words}", grouped(*number))).collect();
    if parts.is_empty() { String::new() } else { format!("{}.", parts.join(", ")) }
}
