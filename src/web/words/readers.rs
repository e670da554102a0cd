//! Readers: how they stand, what they agreed to, and what came back from them.

use crate::{bounces::record::Bounce, delivery::suppression::Reason, subscribers::Subscription};

/// What a state means to an editor, and the colour of its pill.
pub(in crate::web) fn standing(subscription: &Subscription) -> (&'static str, &'static str) {
    match subscription.state.as_str() {
        "confirmed" => ("gets it", "good"),
        "pending" => ("asked, not confirmed yet", "warn"),
        _ => ("left", ""),
    }
}

/// What an editor may know of a reader's gifts: that there are some, not how much.
pub(in crate::web) fn donor(state: &str) -> &'static str {
    match state {
        "once" => "supporter",
        "monthly" | "failing" => "monthly supporter",
        "lapsed" => "was a monthly supporter",
        _ => "",
    }
}

/// What a reader did about a list, or somebody for them, and how.
pub(in crate::web) fn agreed(action: &str, method: &str) -> (&'static str, &'static str) {
    let what = match action {
        "asked" if method == "staff" => "Were asked whether they want",
        "asked" => "Asked for",
        "confirmed" => "Agreed to get",
        "imported" => "Was imported to",
        _ => "Left",
    };
    let how = match method {
        "form" => "by the form",
        "confirmation" => "by the link we mailed",
        "one-click" => "by the button of their mail program",
        "unsubscribe-page" => "on the page for leaving",
        "preferences" => "on the page of their choices",
        "import" => "from a file",
        _ => "by the team",
    };
    (what, how)
}

/// Why an address is not mailed.
pub(in crate::web) const fn stopped_because(reason: Reason) -> &'static str {
    match reason {
        Reason::Bounced => "Mail to this address comes back",
        Reason::Complained => "They marked an edition as spam",
        Reason::Erased => "They asked to be forgotten",
        Reason::Staff => "The team decided never to mail this address again",
    }
}

/// What a report changed, and the colour of its pill.
pub(in crate::web) fn effect(bounce: &Bounce) -> (&'static str, &'static str) {
    match bounce.effect.as_str() {
        _ if bounce.held => ("waits for you", "warn"),
        "bounced" | "complained" => ("not mailed any more", "bad"),
        "counted" => ("counted", "warn"),
        "policy" => ("not their fault", ""),
        "outdated" => ("from before", ""),
        _ => ("noted", ""),
    }
}

/// Why a copy came back.
pub(in crate::web) fn bounced_because(bounce: &Bounce) -> &'static str {
    if bounce.action == "delayed" {
        return "Late: it is still being tried";
    }
    if bounce.action == "delivered" {
        return "It arrived";
    }
    match bounce.reason.as_str() {
        "no-mailbox" => "There is no such mailbox",
        "no-host" => "There is no such domain",
        "moved" => "They have moved",
        "takes-no-mail" => "Their domain takes no mail",
        "full" => "Their mailbox is full",
        "too-big" => "The email was too big for them",
        "disabled" => "Their mailbox is switched off",
        "policy" => "Their mail service refused us",
        "too-much" => "Their mail service wants less at once",
        "expired" => "It could not be delivered in time",
        "network" => "Their mail service could not be reached",
        "server" => "Something is wrong with a mail server",
        "complaint" => "They marked it as spam",
        "away" => "An automatic answer",
        _ => "It was refused",
    }
}
