//! What a column can be.

use super::{headings::plain, state::State};

/// What a column is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    Email,
    Name,
    FirstName,
    LastName,
    /// Words of how somebody stands.
    Status,
    /// A moment; whoever has one stands so since.
    Date(State),
    /// A moment; whoever has none never confirmed.
    Confirmed,
    /// When they joined.
    Joined,
    /// When they confirmed, beside when they joined, as Mailchimp says it: who has neither was never on a list.
    OptedIn,
    /// From where.
    Ip,
    /// By its short name, or its name.
    List,
    /// Of the list: names, with commas between them.
    Topics,
    /// An answer to a field of that name, of the kind that all of it is.
    Field(String),
    /// The same, whose field is one of text if it has to be made.
    TextField(String),
    /// Until when they rest, as our own export says it.
    PausedUntil,
    /// Until when their consent is implied, as our own export says it.
    ImpliedUntil,
    /// How often they get the list, as our own export says it.
    Rhythm,
    /// Why an address is not mailed, in our own words.
    Suppression,
    /// Since when.
    SuppressedAt,
    /// What a former import or our own export says of their consent.
    Consent,
    /// When that was.
    ConsentAt,
    NotRead,
}

impl ColumnRole {
    /// The one that a person chooses by a word, for [`ColumnRole::WORDS`].
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let behind = |sign: &str| {
            word.strip_prefix(sign).map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned)
        };
        if let Some(field) = behind("field:") {
            return Some(Self::Field(field));
        }
        if let Some(field) = behind("text:") {
            return Some(Self::TextField(field));
        }
        Some(match plain(word).as_str() {
            "email" => Self::Email,
            "name" => Self::Name,
            "firstname" => Self::FirstName,
            "lastname" => Self::LastName,
            "status" | "state" => Self::Status,
            "leftat" => Self::Date(State::Left),
            "bouncedat" => Self::Date(State::Bounced),
            "complainedat" => Self::Date(State::Complained),
            "blockedat" => Self::Date(State::Blocked),
            "confirmedat" => Self::Confirmed,
            "joined" => Self::Joined,
            "ip" => Self::Ip,
            "list" => Self::List,
            "topics" => Self::Topics,
            "notread" | "none" | "ignore" => Self::NotRead,
            _ => return None,
        })
    }

    /// What a person may choose, each with what it is for people; beside these `field:NAME` and `text:NAME`.
    pub const WORDS: [(&'static str, &'static str); 15] = [
        ("email", "Address"),
        ("name", "Name"),
        ("first-name", "First name"),
        ("last-name", "Last name"),
        ("status", "How they stand: ask me what its words mean"),
        ("left-at", "When they left; who has none did not"),
        ("bounced-at", "When their mail came back; who has none is fine"),
        ("complained-at", "When they complained; who has none did not"),
        ("blocked-at", "When they were blocked; who has none was not"),
        ("confirmed-at", "When they confirmed; who has none never did"),
        ("joined", "When they joined"),
        ("ip", "From which internet address"),
        ("list", "Their list"),
        ("topics", "Topics of the list"),
        ("not-read", "Not read"),
    ];

    /// Its word.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Email => "email",
            Self::Name => "name",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Status => "status",
            Self::Date(State::Bounced) => "bounced-at",
            Self::Date(State::Complained) => "complained-at",
            Self::Date(State::Blocked) => "blocked-at",
            Self::Date(_) => "left-at",
            Self::Confirmed => "confirmed-at",
            Self::Joined => "joined",
            Self::OptedIn => "opted-in",
            Self::Ip => "ip",
            Self::List => "list",
            Self::Topics => "topics",
            Self::Field(name) => return format!("field:{name}"),
            Self::TextField(name) => return format!("text:{name}"),
            Self::PausedUntil => "paused-until",
            Self::ImpliedUntil => "implied-until",
            Self::Rhythm => "rhythm",
            Self::Suppression => "suppression",
            Self::SuppressedAt => "suppressed-at",
            Self::Consent => "consent",
            Self::ConsentAt => "consent-at",
            Self::NotRead => "not-read",
        }
        .to_owned()
    }

    /// The name of the field that it is an answer to.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Field(name) | Self::TextField(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it says who is not to be mailed.
    pub(super) const fn says_how_they_stand(&self) -> bool {
        matches!(self, Self::Status | Self::Date(_) | Self::Confirmed | Self::OptedIn | Self::Suppression)
    }

    /// Whether one column alone may be it.
    pub(super) fn is_single(&self) -> bool {
        !matches!(self, Self::Status | Self::Date(_) | Self::NotRead) && self.field().is_none()
    }
}
