//! What a member of the team may do. The routes table says which page each set opens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The five roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, the team and the settings included.
    Owner,
    /// Writes articles and composes editions.
    Editor,
    /// Writes too, sends editions, and sees the readers.
    Sender,
    /// Sees supporters and money.
    Treasurer,
    /// Looks at articles and editions.
    Viewer,
}

impl Role {
    /// All five, the mightiest first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Editor, Self::Sender, Self::Treasurer, Self::Viewer];
    /// Whoever is on the team.
    pub const ANYONE: &[Self] = &Self::ALL;
    /// Who writes articles and composes editions.
    pub const WRITING: &[Self] = &[Self::Owner, Self::Editor, Self::Sender];
    /// Who may send, pause and cancel an edition.
    pub const SENDING: &[Self] = &[Self::Owner, Self::Sender];
    /// Who may see the readers and their addresses.
    pub const READERS: &[Self] = &[Self::Owner, Self::Sender];
    /// Who may see supporters and money.
    pub const MONEY: &[Self] = &[Self::Owner, Self::Treasurer];
    /// Who may change the team and the settings.
    pub const OWNING: &[Self] = &[Self::Owner];

    /// The role of a name, as [`Role::as_str`] writes it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The name in the database, in forms and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Sender => "sender",
            Self::Treasurer => "treasurer",
            Self::Viewer => "viewer",
        }
    }

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
            Self::Editor => "Writes articles and composes editions",
            Self::Sender => "Writes, sends editions and sees the readers",
            Self::Treasurer => "Sees supporters and donations",
            Self::Viewer => "Looks at articles and editions",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// For rows of the database.
impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("no role is called {name}"))
    }
}
