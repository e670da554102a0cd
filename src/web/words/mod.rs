//! The words for states and figures, a file for a room: what the rows say in a word of the program, pages say in a person's.

pub(super) mod articles;
pub(super) mod donations;
pub(super) mod editions;
pub(super) mod feeds;
pub(super) mod log;
pub(super) mod readers;
pub(super) mod yours;

use std::time::Duration;

pub(super) use crate::mail::{OF_MONEY, OF_THE_TEAM};
use crate::{
    clock::{Moment, Zone},
    subscribers::HowMany,
};

/// How long to wait: "a minute", "12 minutes".
#[must_use]
pub fn wait(span: Duration) -> String {
    match span.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes @ 2..=90 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes.div_ceil(60)),
    }
}

/// The sentence for `?done=code` after a redirect. A closed set: nobody can put words of their own on our page by a link.
#[must_use]
pub fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        "saved" => "Saved.",
        "form-made" => "The form is made, and closed as yet. Say what it offers and asks, then open it.",
        "form-away" => "The form is put away. Whoever came by it stays counted, and their proof too.",
        "form-back" => "The form is back.",
        "form-deleted" => "The form was deleted.",
        "field-made" => "The field is made. Say on a form that it is asked there.",
        "field-removed" => "The field is gone, and so is every answer to it.",
        "role" => "The role was changed. They need to sign in again.",
        "disabled" => "They can no longer sign in.",
        "enabled" => "They can sign in again.",
        "password" => "Your password was changed, and your other sessions have ended.",
        "correct-it" => "The article is saved. To tell those who got this edition, begin a correction below.",
        "source-taken" => "It says what its source says, and follows it again.",
        "thrown-away" => "What was not saved is thrown away.",
        "authors-merged" => "They are one person now. The other page leads here.",
        "authors-parted" => {
            "Each stands for themselves again. Whose articles are whose is read from the bylines within some minutes."
        }
        "archive-removed" => "The file is put away. Nothing of it was taken.",
        "import-removed" => "The file is put away. Nothing of it was taken.",
        "import-stopped" => "Stopped. Whoever was taken before stays.",
        "segment-deleted" => "The segment was deleted.",
        "many-removed" => "It is put away. Nothing of it was done.",
        "many-stopped" => "Stopped. What was changed before stays, and can be taken back.",
        "picture-saved" => {
            "Saved. It stands so in texts from now on; those that hold it already stay as they are."
        }
        "picture-copied" => "The picture is kept here now, and mails show it from here.",
        "picture-not-copied" => {
            "The picture could not be copied: its site does not give it to us, or it is of a kind that we cannot read. You can bring it under Pictures."
        }
        "picture-away" => "The picture is put away. What holds it goes on showing it.",
        "feed-added" => {
            "The feed was read. New articles come in by themselves from now on, as drafts: readers see each once you publish it."
        }
        "feed-added-published" => {
            "The feed was read. Its articles are published at once: those that came now, and new ones from now on."
        }
        "feed-known" => "That feed was here already: this is it.",
        "feeds-added" => "They are added, and are read within a few minutes. Their articles come as drafts.",
        "feeds-added-published" => {
            "They are added, and are read within a few minutes. Their articles are published at once."
        }
        "feeds-known" => "Nothing was added: those that you ticked were here already, or you ticked none.",
        "feed-paused" => "It is paused.",
        "feed-on" => "It goes on, and is looked at within a minute or two.",
        "feed-back" => "It is back, with what went with it.",
        "feed-removed" => "The feed was removed. Its articles stay.",
        "feed-and-articles-removed" => "The feed was removed, and its articles with it.",
        "article-deleted" => "It lies in the bin. You can bring it back for 30 days.",
        "article-back" => "It is back as it was.",
        "draft-deleted" => "The draft was deleted.",
        "like-last" => {
            "It is laid out as the last one that went out: its words, buttons and lines stand where they stood. Subject, first words and articles are yours to choose."
        }
        "tested" => "A test copy is on its way to your own address. Look at it on your phone too.",
        "asked-for-approval" => {
            "Asked. Somebody else who may send finds it on the overview, looks at it and presses Send. If you change it, ask again."
        }
        "tested-all" => "Test copies are on their way to you and to the addresses that you ticked.",
        "tested-some" => {
            "A test copy is on its way to you. Not all that you ticked get one: mail there is stopped, or somebody took the address away."
        }
        "test-address-kept" => "It is kept. Tick it beside “Send a test copy to me”.",
        "test-address-away" => "It is taken away.",
        "undone" => "Undone. Nobody has got anything, and the edition is a draft again.",
        "paused" => "Paused.",
        "resumed" => "Going on.",
        "cancelled" => "Cancelled. Nothing more goes out.",
        "asked" => "We sent them an email with a link. They are on the list once they press it.",
        "noted" => "Noted.",
        "account-asked" => "The payment service was asked: what stands here now is what it says.",
        "account-silent" => "The payment service did not answer. It is asked again by itself.",
        "letter-sent" => "It is on its way to their mailbox.",
        "letters-enough" => "They were sent as many letters today as there may be. Try again tomorrow.",
        "ended" => "It has ended. Nothing more is charged.",
        "ending" => "The payment service has not answered yet. It is asked until it has ended it.",
        "sent-back" => "It is being sent back. Their bank takes a few days.",
        "being-sent-back" => {
            "The payment service has not answered yet. It is asked until it does, and sends it back once."
        }
        "month-closed" => "The month is closed. What comes later stands in the month that is open.",
        "asked-later" => {
            "An email went to this address not long ago. The next one goes out by itself as soon as it may: at most one a day, and three a week."
        }
        "asked-before" => {
            "They have not pressed the link in the email from before. It is good for this list too, so nothing new was sent. You can ask them again tomorrow."
        }
        "on-list" => "They are on that list already, so nothing was sent.",
        "blocked" => "Nothing goes to that address any more.",
        "unblocked" => "That address may be mailed again, once its owner asks for it.",
        "forgotten" => {
            "They are forgotten. If they asked for it in writing, close the request under Requests."
        }
        "left" => "They are off that list, and get nothing more of it.",
        "link-sent" => "The link to their choices is on its way to them.",
        "link-lately" => {
            "That link was sent within the last hour. Ask them to look among the unwanted mail, too."
        }
        "link-stopped" => "Nothing was sent: mail to their address is stopped.",
        "link-no-list" => "Nothing was sent: they are on no list, and never were.",
        "note-kept" => "The note is kept. It stands under Notes.",
        "note-removed" => "The note is removed.",
        "reader-paused" => {
            "Their mail is paused. Where they may be written to, a letter tells them, one for each day on which a pause ends."
        }
        "reader-goes-on" => "Their pause is over. Editions go to them again.",
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
        "address-asked" => {
            "We sent a mail to the new address. Their mail goes there once the button in it is pressed."
        }
        "move-off" => {
            "It is called off. Their mail goes where it went, and the buttons in those mails do nothing."
        }
        "mail-again" => "They are mailed again, from the next edition on.",
        "list-made" => "The list is made. Say what comes, and how often.",
        "list-retired" => "The list is retired. Nothing goes to it, and its readers stay as they are.",
        "list-deleted" => "The list is deleted. Its short name is free.",
        "list-back" => {
            "The list is back, with its readers. What was held back waits under Editions for your word."
        }
        "topic-made" => "The topic is made.",
        "topic-retired" => "The topic is retired. Whoever chose it keeps that choice.",
        "topic-back" => "The topic is back.",
        "topic-deleted" => "The topic is deleted.",
        "topics-merged" => "They are one topic now, and every reader keeps what they chose.",
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

/// What staff call an automatic email.
pub(super) fn letter(template: &str) -> &'static str {
    match template {
        "confirm_subscription" => "The question whether to subscribe",
        "welcome" => "A welcome",
        "copy_of_data" => "The link to what we hold about them",
        "erase_request" => "The question whether to forget them",
        "address_change_old" | "address_change_new" => "The question whether mail may go to another address",
        "address_is_known" => "Word that somebody asked for mail to this address, which has a subscription",
        "address_changed" => "Word that mail goes to another address",
        "address_taken_back" => "Word that mail goes to the earlier address again",
        "choices_link" => "The link to their choices",
        "paused" => "Word of their pause",
        "good_bye" => "A good-bye",
        "receipt" => "A receipt",
        "payment_failed" => "Word of a payment that failed",
        "payment_failed_again" => "A reminder of a payment that failed",
        "payment_action" => "Word that their bank wants a payment confirmed",
        "gift_failed" => "Word of a gift that did not arrive",
        "card_expiring" => "Word of a card that runs out",
        "debit_revoked" => "Word that their bank lets nothing be taken",
        "new_gift_address" => "A question whether a new address for their gift is theirs",
        "yearly_notice" => "Word of a yearly gift that comes up",
        "monthly_changed" => "Word of what they changed of a regular gift",
        "gifts_link" => "The link to their gifts",
        "gifts_statement" => "A statement of their gifts",
        "recurring_cancelled" => "Word of the end of a regular gift",
        "gift_returned" => "Word that a gift was sent back",
        "money_news" => "Word that something happened to money",
        "monthly_not_ended" => "Word of a regular gift that should have ended",
        "sign_in_link" => "A link to sign in",
        "team_invite" => "An invitation to the team",
        "sign_in_refused" => "Word of a mail service that refuses our sign-in",
        "job_stopped" => "Word of something that stands still",
        "work_given_up" => "Word of what was given up",
        "form_closed" => "Word of a form that was closed",
        "edition_held" | "edition_paused" => "Word of an edition that waits",
        _ => "An automatic email",
    }
}

/// A text with its instants as people read them, where the magazine is: the house writes them as RFC 3339 in UTC.
pub(super) fn in_their_time(text: &str, zone: &Zone) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', '.', ':', ';', ')']);
        match bare.parse::<jiff::Timestamp>() {
            Ok(at) => format!("{}{}", Moment::from(at).date_time(zone), &word[bare.len()..]),
            Err(_) => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// `1 reader`, `1,204 readers`.
pub(super) fn count(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// `1,204 readers`, `about 1,204,000 readers`.
pub(super) fn how_many(number: HowMany, noun: &str) -> String {
    match number {
        HowMany::Are(number) => count(number, noun),
        HowMany::About(number) => format!("about {}", count(number, noun)),
        HowMany::MoreThan(number) => format!("more than {}", count(number, noun)),
    }
}

/// "1 copy", "1,204 copies".
pub(super) fn copies(number: i64) -> String {
    if number == 1 { "1 copy".to_owned() } else { format!("{} copies", grouped(number)) }
}

/// `1,204`.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_in_threes() {
        assert_eq!(count(1, "reader"), "1 reader");
        assert_eq!(count(0, "reader"), "0 readers");
        assert_eq!(count(999, "reader"), "999 readers");
        assert_eq!(count(1_204, "reader"), "1,204 readers");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
