//! Words that pages share: what the desk says after a form did its work.

use std::time::Duration;

/// How long to wait: "a minute", "12 minutes".
#[must_use]
pub fn wait(span: Duration) -> String {
    match span.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// The sentence for `?done=code` after a redirect. A closed set: nobody can put words of their own on our page by a link.
#[must_use]
pub fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        "saved" => "Saved.",
        "role" => "The role was changed. They need to sign in again.",
        "disabled" => "They can no longer sign in.",
        "enabled" => "They can sign in again.",
        "password" => "Your password was changed, and your other sessions have ended.",
        "imported" => "The feed was read. Its articles are below, and new ones come in by themselves.",
        "feed-removed" => "The feed was removed. Its articles stay.",
        "draft-deleted" => "The draft was deleted.",
        "tested" => "A test copy is on its way to your own address. Look at it on your phone too.",
        "undone" => "Undone. Nobody has got anything, and the edition is a draft again.",
        "paused" => "Paused.",
        "resumed" => "Going on.",
        "cancelled" => "Cancelled. Nothing more goes out.",
        "asked" => "We sent them an email with a link. They are on the list once they press it.",
        "asked-later" => {
            "An email went to this address not long ago. The next one goes out by itself as soon as it may: at most one a day, and three a week."
        }
        "asked-before" => {
            "They have not pressed the link in the email from before. It is good for this list too, so nothing new was sent. You can ask them again tomorrow."
        }
        "on-list" => "They are on that list already, so nothing was sent.",
        "blocked" => "Nothing goes to that address any more.",
        "unblocked" => "That address may be mailed again, once its owner asks for it.",
        "left" => "They are off that list, and get nothing more of it.",
        "corrected" => "The correction is saved. It goes to the rest when the edition goes on.",
        "have-it" => "They get no second copy. Let the edition go on, and the others get theirs.",
        "nobody-has-it" => "Taken back. They wait for their copy again.",
        "retried" => "They are in line again.",
        "none-to-retry" => "None of them can be tried again: they left, bounced or complained.",
        "gone" => "They are not mailed any more.",
        "more-came" => {
            "Those that you saw are not mailed any more. More came back since you opened the page: these wait below, and nobody was stopped for them."
        }
        "kept" => "They stay on the list and are mailed as before.",
        "decided" => "Somebody else decided that before.",
        "letter-read" => "The letter was taken away.",
        "moved" => "The magazine lives here now. Mail goes out again.",
        "mail-again" => "They are mailed again, from the next edition on.",
        "welcome" => "Welcome. Your magazine is set up.",
        "looked" => "Looked again.",
        "key-made" => "The key is made. Publish its record, then come back.",
        "key-signs" => "From now on mail is signed with this key.",
        "key-retired" => "The key signs no more.",
        "not-seen" => "Its record cannot be seen yet. It may take some hours after you published it.",
        "event-away" => "Put away.",
        "seen" => "Put away. The next one is shown again.",
        "ask-again" => "The payment service is asked again within a minute.",
        "again" => "It is tried again within a minute.",
        "event" => "It will be tried again within a minute.",
        _ => return None,
    })
}
