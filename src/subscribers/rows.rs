//! What the rows of readers, lists and consent say.

use serde::Serialize;

use crate::{clock::Moment, email_address::EmailAddress};

/// A reader.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Subscriber {
    /// The id inside the house.
    pub id: i64,
    /// The id in addresses of pages.
    pub public_id: String,
    /// Where their mail goes.
    pub email: EmailAddress,
    /// How they are addressed; may be empty.
    pub name: String,
    /// Since when they are known.
    pub created_at: Moment,
}

/// A reader's standing with one list.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Subscription {
    pub list_id: i64,
    /// Its short name.
    pub slug: String,
    pub name: String,
    /// `public` or `private`.
    pub visibility: String,
    /// `pending`, `confirmed` or `left`.
    pub state: String,
    /// When they last asked.
    pub asked_at: Moment,
    pub confirmed_at: Option<Moment>,
    pub left_at: Option<Moment>,
    /// When a confirmation was last sent.
    pub confirmation_sent_at: Option<Moment>,
}

/// How many readers there are.
#[derive(Clone, Copy, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Counts {
    /// Those who are on at least one list.
    pub confirmed: i64,
    /// Those of them who get nothing all the same: their address is stopped.
    pub stopped: i64,
    /// Those who asked and have not confirmed.
    pub pending: i64,
}

/// Something a reader can join.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct List {
    pub id: i64,
    /// What links call it.
    #[serde(skip)]
    pub public_id: String,
    /// Its lasting short name: the first label of List-Id.
    pub slug: String,
    /// What readers call it.
    pub name: String,
    /// A sentence on what comes, and how often.
    pub description: String,
    /// `public` lists stand on the forms, `private` ones do not.
    pub visibility: String,
}

impl List {
    /// Whether readers may join it by themselves.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.visibility == "public"
    }
}

/// One thing a reader did about a list, or somebody did in their name.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Event {
    /// asked, confirmed, left or imported.
    pub action: String,
    /// By a form, the confirmation mail, one click, …
    pub method: String,
    /// The list's name.
    pub list: String,
    /// The exact words they had before them, where they had any.
    pub wording: Option<String>,
    /// Which form, edition or file.
    pub source: String,
    /// The network address it came from.
    pub ip: String,
    /// The browser it came from.
    pub user_agent: String,
    /// When, in UTC.
    pub at: Moment,
}
