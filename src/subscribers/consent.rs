//! The proof of consent (GDPR article 7(1)): who agreed to what, when, how, and what exactly they had been told.

use std::{collections::HashMap, net::IpAddr};

pub use super::rows::{ConsentAction, ConsentMethod, Event};
use super::{
    Trace,
    rows::{OFF_ALREADY, says_taken_back},
    store::{self, knowing},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    network::Network,
    site::Site,
    token,
};

impl Event {
    /// As people read it who are shown the proof, or what is held about them: times as RFC 3339 writes them, in UTC.
    #[must_use]
    pub fn told(&self) -> serde_json::Value {
        serde_json::json!({
            "at": self.at.to_string(),
            "action": self.action,
            "method": self.method,
            "list": self.list,
            "wording": self.wording,
            "source": without_names(&self.source),
            "form": self.form.as_deref().map(form_for_readers),
            "wording_version": (self.version > 0).then_some(self.version),
            "campaign": self.campaign,
            "ip": self.ip,
            "user_agent": self.user_agent,
        })
    }

    /// Whether they said themselves that they leave.
    #[must_use]
    pub fn is_their_leaving(&self) -> bool {
        self.action == ConsentAction::Left && self.method.is_their_own()
    }

    /// Whether they said so while they were off it: nothing was done by it, and there is nothing to take back.
    #[must_use]
    pub fn was_off_already(&self) -> bool {
        self.source.starts_with(OFF_ALREADY)
    }

    /// Whether they are off it since what the team did was taken back, and said nothing of it themselves.
    #[must_use]
    pub fn is_taken_back(&self) -> bool {
        self.action == ConsentAction::Left && says_taken_back(&self.source)
    }
}

/// What a form is called for whoever came by it: what the team calls the one on our own pages, unless they call it otherwise, is “your site”.
#[must_use]
pub fn form_for_readers(name: &str) -> &str {
    if name == "The form on your site" { "The form on our site" } else { name }
}

/// How somebody came, as the one may read it whom it is about: the program of before wrote down who of the team did it.
#[must_use]
pub fn without_names(source: &str) -> &str {
    const TYPED: &str = "typed at the desk";
    const TAKEN_OFF: &str = "taken off by ";
    if source.starts_with(TAKEN_OFF) {
        return "taken off by staff";
    }
    if source.starts_with(&format!("{TYPED} by ")) {
        return TYPED;
    }
    let names =
        [" (added by ", " (typed at the desk by "].into_iter().filter_map(|words| source.rfind(words));
    names.min().and_then(|at| source.get(..at)).unwrap_or(source)
}

/// The words beside the box on the subscribe form. A change of words is a new wording; the old one stays with whoever saw it.
#[must_use]
pub fn wording(magazine: &str) -> String {
    format!("Yes, send me {magazine} by email. I can stop it at any time with one click.")
}

/// What words are known by on a page, so that it can say which ones stood there.
#[must_use]
pub fn known_by(wording: &str) -> String {
    token::hash(wording)[..16].to_owned()
}

/// The words over the lists on a reader's own page.
pub const CHOICES_WORDING: &str = "Send me the lists that are ticked. I can change this at any time.";

/// The words on the page that the confirmation mail leads to: the question, and the button under it.
#[must_use]
pub fn confirmation_wording(lists: &[&str]) -> String {
    format!("{} {CONFIRM_BUTTON}.", confirmation_question(lists))
}

/// The question on that page.
#[must_use]
pub fn confirmation_question(lists: &[&str]) -> String {
    format!("You asked for {} by email. Is that right?", phrase(lists))
}

/// What the button on that page says.
pub const CONFIRM_BUTTON: &str = "Yes, send it to me";

/// The words on the page that the button of an edition leads to that asks: the question, and the button under it.
#[must_use]
pub fn again_wording(list: &str) -> String {
    format!("{} {AGAIN_BUTTON}.", again_question(list))
}

/// The question on that page.
#[must_use]
pub fn again_question(list: &str) -> String {
    format!("Do you want to keep getting {list} by email?")
}

/// What the button says there, and in the mail.
pub const AGAIN_BUTTON: &str = "Yes, keep sending it to me";

/// What the button says that joins one list more, on the page that says that they are on a list.
#[must_use]
pub fn offer_wording(list: &str) -> String {
    format!("Also get {list}")
}

/// Names as a phrase: "The weekly and Appeals".
#[must_use]
pub fn phrase(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Everything on record about one reader's consent, oldest first.
pub async fn proof(db: &Db, subscriber_id: i64) -> Result<Vec<Event>> {
    store::events(db, subscriber_id).await
}

/// The same as [`proof`], newest first, before the event with that key; each with its key.
pub async fn page(db: &Db, subscriber_id: i64, before: Option<i64>, limit: i64) -> Result<Vec<(i64, Event)>> {
    let events = knowing::events_page(db, subscriber_id, before.unwrap_or(i64::MAX), limit).await?;
    Ok(events.into_iter().map(|one| (one.id, one.event)).collect())
}

/// Which event of a reader is the newest; 0 if there is none. Whoever acts on a page says which one it showed.
pub async fn newest_of(db: &Db, subscriber_id: i64) -> Result<i64> {
    knowing::newest_event_of(db, subscriber_id).await
}

/// The last thing that happened to each of a reader's lists, by its key: how they came to stand as they do.
pub async fn newest_of_lists(db: &Db, subscriber_id: i64) -> Result<HashMap<i64, Event>> {
    let events = knowing::newest_events(db, subscriber_id).await?;
    Ok(events.into_iter().map(|one| (one.list_id, one.event)).collect())
}

/// By which form somebody came, as the proof of consent keeps it.
#[derive(Clone, Copy, Debug, Default)]
pub struct By<'a> {
    /// The form; none for askings by staff.
    pub form: Option<i64>,
    /// The page, or what the team calls it.
    pub source: &'a str,
    /// What it was for; may be empty.
    pub campaign: &'a str,
    /// When they did, where that is not now: it was written down in a rush.
    pub at: Option<Moment>,
}

impl<'a> By<'a> {
    /// By no form.
    #[must_use]
    pub const fn source(source: &'a str) -> Self {
        Self { form: None, source, campaign: "", at: None }
    }
}

/// What happened, for [`record`].
#[derive(Clone, Copy)]
pub(super) struct Happened<'a> {
    pub subscriber: i64,
    pub list: i64,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    pub wording: Option<&'a str>,
    pub by: By<'a>,
    pub trace: Trace<'a>,
}

pub(super) async fn record(tx: &mut Tx, site: &Site, happened: Happened<'_>) -> Result<()> {
    let wording = match happened.wording {
        Some(text) => Some(store::wording(tx, "subscribe", text, &token::hash(text), site.now()).await?),
        None => None,
    };
    if let (Some(form), Some(wording), ConsentMethod::Form) = (happened.by.form, wording, happened.method) {
        store::forms::saw(tx, form, wording, site.now()).await?;
    }
    let at = happened.by.at.unwrap_or_else(|| site.now());
    let event = store::NewEvent {
        subscriber: happened.subscriber,
        list: happened.list,
        action: happened.action,
        method: happened.method,
        wording,
        source: happened.by.source,
        form: happened.by.form,
        campaign: happened.by.campaign,
        ip: &range(happened.trace.ip),
        user_agent: &short(happened.trace.user_agent),
        at,
    };
    store::add_event(tx, event).await?;
    Ok(())
}

/// From which network somebody came: enough to tell an office from another, and not one machine from the next
/// (`docs/decisions/0014-where-a-consent-came-from.md`). What is no address is nothing.
pub(super) fn range(ip: &str) -> String {
    let address: Option<IpAddr> = ip.trim().parse().ok();
    address.filter(|ip| !ip.is_unspecified()).map(|ip| Network::around(ip).range()).unwrap_or_default()
}

/// What a stranger's browser says is kept as text of sensible length.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST L1: where somebody came from is kept as a range, of both kinds of address.
    #[test]
    fn a_consent_keeps_the_range_and_not_the_machine() {
        for (ip, kept) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2fe::77", "2001:db8:1:200::/56"),
            ("", ""),
            ("a browser", ""),
        ] {
            assert_eq!(range(ip), kept);
        }
    }

    /// Who of the team did something is for the log: also where the program of before wrote it into the proof.
    #[test]
    fn what_readers_are_shown_names_nobody_of_the_team() {
        for (kept, shown) in [
            ("by telephone (added by Ines Okafor)", "by telephone"),
            ("a call (typed at the desk by Ines (she) Okafor)", "a call"),
            ("typed at the desk by Ines Okafor", "typed at the desk"),
            ("taken off by Ines Okafor: she asked", "taken off by staff"),
            ("taken off by staff", "taken off by staff"),
            ("typed at the desk", "typed at the desk"),
            ("spring fair (added by hand)", "spring fair"),
            ("confirmation mail", "confirmation mail"),
            ("", ""),
        ] {
            assert_eq!(without_names(kept), shown);
        }
    }

    #[test]
    fn names_read_as_a_phrase() {
        assert_eq!(phrase(&["A"]), "A");
        assert_eq!(phrase(&["A", "B"]), "A and B");
        assert_eq!(phrase(&["A", "B", "C"]), "A, B and C");
    }
}
