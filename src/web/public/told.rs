//! What a form did, for the page that it leads to: reloading that sends nothing again, and Back finds its way.
//!
//! It stands in the address of that page, for an hour, sealed for that page alone: nobody reads there what somebody did or typed, and nobody
//! makes a page say what is not so. What may have changed since is read anew: a page says of it what still holds.

use std::{convert::Infallible, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts, response::Response};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::super::session::see_other;
use crate::{clock::Moment, dossier, site::Site, subscribers::Saved, token::Purpose};

/// For so long a page says it.
const LASTS: Duration = Duration::from_secs(3_600);
/// What is longer is not told in full: an address has an end.
const LONGEST: usize = 1_500;

/// What a form did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// What was saved on the page of somebody's choices.
    Saved(Saved),
    /// The same, where they left every list by one press.
    LeftAll(Saved),
    /// The same, and they rest.
    Paused(Saved),
    /// The same, and their pause is over.
    WentOn(Saved),
    /// They asked for what is held about them, or to be forgotten.
    Asked { erasure: bool, answer: Sent },
    /// A change of address was asked for.
    Moves,
    /// A change of address was called off.
    CalledOff,
    /// It could not be: it was done, or over.
    NotCalledOff,
    /// The lists that were joined by one press.
    Joined(Vec<i64>),
    /// A list that was offered is not there any more.
    Gone,
    /// Leaving was taken back.
    Undone,
    /// A gift was begun, with what was filled in for it: names of fields, and what they held.
    Gift { filled: Vec<(String, String)>, gift: String },
    /// Something was done on a supporter's page.
    Gifts(GiftsTold),
    /// The same, where something else was typed beside it: names of fields, and what they held.
    GiftsBeside { told: Option<GiftsTold>, typed: Vec<(String, String)> },
    /// A mail goes to the address that was typed.
    Mailed { to: String, later: bool },
}

/// What became of a letter that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sent {
    Now,
    Before,
    Stopped,
}

impl From<dossier::AskOutcome> for Sent {
    fn from(answer: dossier::AskOutcome) -> Self {
        match answer {
            dossier::AskOutcome::Mailed => Self::Now,
            dossier::AskOutcome::MailedBefore => Self::Before,
            dossier::AskOutcome::Stopped => Self::Stopped,
        }
    }
}

/// What stands in the address of a page; anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct InAddress(String);

impl<S: Sync> FromRequestParts<S> for InAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let told = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "told");
        Ok(Self(told.map(|(_, told)| told.into_owned()).unwrap_or_default()))
    }
}

impl InAddress {
    /// What was told to the page at this path, and lately.
    pub(super) fn read(&self, site: &Site, path: &str) -> Option<Told> {
        let (until, told) = self.open(site, path)?;
        let now = site.now();
        // A clock that was ahead tells nothing for longer.
        (now < until && until <= now.plus(LASTS)).then_some(told)
    }

    /// What was told to the page at this path, however long ago: what its form asks beside what it always does.
    pub(super) fn read_of_form(&self, site: &Site, path: &str) -> Option<Told> {
        self.open(site, path).map(|(_, told)| told)
    }

    fn open(&self, site: &Site, path: &str) -> Option<(Moment, Told)> {
        let sealed = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok()?;
        let open = site.keys.open(Purpose::Told, path, &sealed).ok()?;
        let (until, told) = open.split_first_chunk::<8>()?;
        let until = Moment::from_unix_seconds(i64::from_be_bytes(*until));
        Some((until, serde_json::from_slice(told).ok()?))
    }
}

impl Told {
    /// The address of the page at this path that tells it.
    pub(super) fn address(&self, site: &Site, path: &str) -> String {
        let until = site.now().plus(LASTS).unix_seconds();
        let Ok(told) = serde_json::to_vec(self) else { return path.to_owned() };
        if told.len() > LONGEST {
            return path.to_owned();
        }
        let told = [&until.to_be_bytes()[..], &told].concat();
        let sealed = site.keys.seal(Purpose::Told, path, &told);
        format!("{path}?told={}", BASE64URL_NOPAD.encode(&sealed))
    }

    /// Goes on to the page at this path, to a part of it where one is named.
    pub(super) fn at(&self, site: &Site, path: &str, part: &str) -> Response {
        see_other(&format!("{}{part}", self.address(site, path)))
    }
}

/// What was done on a supporter's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GiftsTold {
    /// A regular gift was changed.
    Changed,
    /// The payment service was asked, and has not confirmed it.
    Asked,
    /// Another change is not confirmed yet.
    Waiting,
    /// The payment service said no.
    Refused,
    /// It is as somebody wanted it.
    AsItIs,
    Renamed,
    /// They may be named in public.
    Named,
    /// They may not.
    Unnamed,
    Receipt,
    Statement,
    Link,
    /// A link to what is held about them is on its way.
    Copy,
    /// A link to being forgotten is on its way.
    Forget,
    /// Three of a kind went to them within a day.
    AskedBefore,
    /// No letter goes to their address: the team was told.
    TeamAsked,
    /// Nothing was changed by this link, and a fresh one was mailed by which it can be.
    LinkFirst,
    /// The same of another address, which travels in no link.
    LinkForAddress,
    /// A letter to another address of theirs asks whether it is theirs.
    AddressAsked,
    /// No more letters or changes today.
    Enough,
    /// An end is set: nothing else is changed before that is taken back.
    Ends,
    /// The payment service could not be asked.
    Unreachable,
    /// What it was about is not there.
    Gone,
}

impl GiftsTold {
    /// In a sentence.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Changed => "Done. We have written to you what it is now.",
            Self::Asked => {
                "We have asked the payment service, which has not confirmed it yet. We keep asking, and write to you as soon as it has."
            }
            Self::Waiting => {
                "Nothing was changed: an earlier change is not confirmed yet. Please try again in some minutes."
            }
            Self::Refused => {
                "Nothing was changed: the payment service did not take that. Please write to us if it goes on."
            }
            Self::AsItIs => "Nothing was changed: it is so already.",
            Self::Renamed => "Saved. We greet you so from now on.",
            Self::Named => "Saved. We may name you from now on.",
            Self::Unnamed => "Saved. We name you nowhere.",
            Self::Receipt => "The receipt is on its way to you.",
            Self::Statement => "The statement is on its way to you.",
            Self::Link => "A fresh link is on its way to you.",
            Self::Copy => "A link to what we hold about you is on its way to you. It works for a day.",
            Self::Forget => {
                "Nothing is deleted yet: a link is on its way to you, to a page that says what goes and what stays. It works for a day."
            }
            Self::AskedBefore => {
                "We have mailed you that link three times within a day. Please look among your mail, or come back tomorrow."
            }
            Self::TeamAsked => "We do not mail to your address, so we have told our team what you ask.",
            Self::LinkFirst => {
                "Nothing was changed yet: that is done by a fresh link alone, for mail is handed on. We have mailed it to you, and it works for a day. What you typed here is filled in there: press the button once more."
            }
            Self::LinkForAddress => {
                "Nothing was changed yet: that is done by a fresh link alone, for mail is handed on. We have mailed it to you, and it works for a day. Type the new address there once more."
            }
            Self::AddressAsked => {
                "A link is on its way to the new address. Nothing is changed before somebody presses the button behind it. It works for three days."
            }
            Self::Enough => {
                "Nothing was done: we have written to you ten times today because somebody pressed a button here. Please come back tomorrow. You can stop a gift at any time."
            }
            Self::Ends => "Nothing was changed: its end is set. If it should go on, say so first.",
            Self::Unreachable => {
                "Nothing was changed: the payment service did not answer. Try again in a few minutes."
            }
            Self::Gone => "That is not there any more. Nothing was changed.",
        }
    }
}
