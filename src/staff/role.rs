//! What a member of the team may do. The routes table says which page each set opens.

use crate::words;

words! {
    /// The five roles, the mightiest first.
    pub enum Role {
        /// Everything, the team and the settings included.
        Owner = "owner",
        /// Writes articles, composes editions, and looks after lists and topics.
        Editor = "editor",
        /// Writes too, sends editions, and sees the readers.
        Sender = "sender",
        /// Sees supporters and money.
        Treasurer = "treasurer",
        /// Looks at articles and editions.
        Viewer = "viewer",
    }
}

impl Role {
    /// Whoever is on the team.
    pub const ANYONE: &[Self] = &Self::ALL;
    /// Who writes articles and composes editions.
    pub const WRITING: &[Self] = &[Self::Owner, Self::Editor, Self::Sender];
    /// Who may make, change and retire lists and topics.
    pub const LISTS: &[Self] = &[Self::Owner, Self::Editor];
    /// Who may send, pause and cancel an edition.
    pub const SENDING: &[Self] = &[Self::Owner, Self::Sender];
    /// Who may see the readers and their addresses.
    pub const READERS: &[Self] = &[Self::Owner, Self::Sender];
    /// Who says what forms offer and ask.
    pub const FORMS: &[Self] = &[Self::Owner, Self::Editor];
    /// Who may see supporters and money.
    pub const MONEY: &[Self] = &[Self::Owner, Self::Treasurer];
    /// Who may change the team and the settings.
    pub const OWNING: &[Self] = &[Self::Owner];

    /// The role with its article, as in "to join as an editor".
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Owner => "an owner",
            Self::Editor => "an editor",
            Self::Sender => "a sender",
            Self::Treasurer => "a treasurer",
            Self::Viewer => "a viewer",
        }
    }

    /// What the role may do, for the person who gives it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Owner => "Everything, with the team and the settings",
            Self::Editor => "Writes articles, composes editions, and looks after lists and topics",
            Self::Sender => "Writes, sends editions and sees the readers",
            Self::Treasurer => "Sees supporters and donations",
            Self::Viewer => "Looks at articles and editions",
        }
    }
}
