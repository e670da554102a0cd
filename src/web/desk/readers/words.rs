//! What the desk says of readers.

use crate::{
    subscribers::{SubscriberError, Subscription},
    web::WebError,
};

/// What a state means to an editor, and the colour of its pill.
pub(super) fn standing(subscription: &Subscription) -> (&'static str, &'static str) {
    match subscription.state.as_str() {
        "confirmed" => ("gets it", "good"),
        "pending" => ("asked, not confirmed yet", "warn"),
        _ => ("left", ""),
    }
}

/// What the desk says when something about a reader was not done.
pub(super) fn refused(error: SubscriberError) -> WebError {
    match error {
        SubscriberError::NotFound => WebError::NotFound,
        SubscriberError::NoSender => WebError::Conflict(
            "Say under Settings which address your mail comes from, so that we can write to them.".into(),
        ),
        SubscriberError::Changed => WebError::Conflict(
            "Since you opened the page, something else has stopped mail to this reader. Look at their page before you decide."
                .into(),
        ),
        error => WebError::internal(error),
    }
}
