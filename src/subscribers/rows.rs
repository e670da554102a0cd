//! What the rows of readers, lists and consent say.

use serde::Serialize;

use crate::{answers::FieldKind, clock::Moment, editions::Rhythm, email_address::EmailAddress, words};

/// What the proof says of who was mailed by a list that was brought in, when that was taken back: they are off it, and did not leave.
pub const LIST_TAKEN_BACK: &str = "the list that was brought in was taken back, which is no leaving";
/// The same of whom the team had put on a list with many others.
pub const ACT_TAKEN_BACK: &str = "what the team did with many readers was taken back, which is no leaving";
/// How the program of before said both. It did not write down who said meanwhile that they leave: nobody is brought back by these words.
const TAKEN_BACK_BEFORE: [&str; 2] =
    ["the list that was brought in was taken back", "what the team did with many readers was taken back"];
/// How the source begins of who says that they leave a list that they are off already.
pub const OFF_ALREADY: &str = "off it already, ";

/// Whether a line of the proof says so that what the team did was taken back.
#[must_use]
pub fn says_taken_back(source: &str) -> bool {
    [LIST_TAKEN_BACK, ACT_TAKEN_BACK].contains(&source) || TAKEN_BACK_BEFORE.contains(&source)
}

words! {
    /// How a reader stands with a list. What only a newer version knows is no consent, and may be left.
    pub enum SubscriptionState else Pending {
        /// They asked, and have not confirmed.
        Pending = "pending",
        /// They get it.
        Confirmed = "confirmed",
        Left = "left",
    }
}

words! {
    /// Who sees a list.
    #[derive(Default)]
    pub enum Visibility else Private {
        /// It stands on the forms.
        Public = "public",
        /// Only those who are on it.
        #[default]
        Private = "private",
    }
}

words! {
    /// What it takes to join a list by the form.
    #[derive(Default)]
    pub enum OptIn else Double {
        /// The button in a mail that asks.
        #[default]
        Double = "double",
        /// The form alone.
        Single = "single",
    }
}

words! {
    /// What happened to a reader's consent.
    pub enum ConsentAction {
        /// They asked, or were asked.
        Asked = "asked",
        /// They agreed.
        Confirmed = "confirmed",
        Left = "left",
        /// Staff brought them from a file.
        Imported = "imported",
    }
}

words! {
    /// By which way it did.
    pub enum ConsentMethod {
        Form = "form",
        /// The confirmation mail.
        Confirmation = "confirmation",
        /// The button of a mail program (RFC 8058).
        OneClick = "one-click",
        /// A mail that a mail program wrote (RFC 2369).
        Mailto = "mailto",
        /// The page behind the link for leaving.
        UnsubscribePage = "unsubscribe-page",
        /// The page of their choices.
        Preferences = "preferences",
        /// A file.
        Import = "import",
        /// Staff, in their place.
        Staff = "staff",
        /// The button of an edition that asks.
        Edition = "edition",
    }
}

words! {
    /// Why a reader left. What only a newer version knows is something else.
    pub enum LeavingReason else Other {
        TooMuch = "too-much",
        NotExpected = "not-expected",
        NoTime = "no-time",
        NeverAsked = "never-asked",
        /// They read the magazine in another way.
        Elsewhere = "elsewhere",
        Other = "other",
    }
}

words! {
    /// Where a reader stands as a supporter.
    pub enum DonorState else Never {
        /// Never gave.
        Never = "never",
        /// Gave, not regularly.
        Once = "once",
        /// Gave regularly once, and no longer.
        Lapsed = "lapsed",
        /// Gives every month.
        Monthly = "monthly",
        /// Gives every month, but the last payment failed.
        Failing = "failing",
    }
}

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
    /// Who sees the list.
    pub visibility: Visibility,
    /// Whether nothing goes to the list any more.
    pub retired: bool,
    /// How they stand.
    pub state: SubscriptionState,
    /// When they last asked.
    pub asked_at: Moment,
    pub confirmed_at: Option<Moment>,
    pub left_at: Option<Moment>,
    /// When a confirmation was last sent.
    pub confirmation_sent_at: Option<Moment>,
    /// Until when they may be mailed on consent that the law implies; none where they agreed themselves.
    pub implied_until: Option<Moment>,
    /// Until when nothing of it comes; a moment that is over for who rested from it once.
    pub paused_until: Option<Moment>,
    /// How often they chose to get it; none for everything. It counts as long as the list offers it.
    pub rhythm: Option<Rhythm>,
    /// What the list offers of that.
    pub rhythms: String,
}

impl Subscription {
    /// Whether they asked and have not confirmed; so has whoever is mailed on implied consent alone and asked since.
    #[must_use]
    pub fn waits(&self) -> bool {
        match self.state {
            SubscriptionState::Pending => true,
            SubscriptionState::Confirmed => {
                self.implied_until.is_some() && self.confirmed_at.is_some_and(|at| self.asked_at > at)
            }
            SubscriptionState::Left => false,
        }
    }

    /// Whether somebody may say for them that they leave, where that is the newest line of the proof: also while they are off the list since
    /// something was taken back, so that nobody puts them on it again.
    #[must_use]
    pub fn may_be_taken_off(&self, newest: Option<&Event>) -> bool {
        self.state != SubscriptionState::Left || newest.is_some_and(Event::is_taken_back)
    }

    /// Whether they are on the list, and nothing of it comes: the consent that was implied is over.
    #[must_use]
    pub fn ran_out(&self, now: Moment) -> bool {
        self.state == SubscriptionState::Confirmed && self.implied_until.is_some_and(|until| until <= now)
    }

    /// How often they get it, if not everything.
    #[must_use]
    pub fn rhythm_now(&self) -> Option<Rhythm> {
        self.rhythm.and_then(|rhythm| rhythm.of_list(&self.rhythms))
    }

    /// Until when the reader rests from the list, if they do.
    #[must_use]
    pub fn rests_until(&self, now: Moment) -> Option<Moment> {
        self.paused_until.filter(|until| self.state == SubscriptionState::Confirmed && *until > now)
    }
}

/// How readers stand, as the desk asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderStanding {
    /// With a list.
    Is(SubscriptionState),
    /// They are on a list and rest from it.
    Paused,
    /// Nothing is mailed to their address.
    Stopped,
}

impl ReaderStanding {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Is(SubscriptionState::Confirmed),
        Self::Paused,
        Self::Is(SubscriptionState::Pending),
        Self::Is(SubscriptionState::Left),
        Self::Stopped,
    ];

    /// Its word in addresses of pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is(state) => state.as_str(),
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// How many readers there are.
#[derive(Clone, Copy, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Counts {
    /// They were counted a while ago, since there are many.
    #[sqlx(skip)]
    pub is_about: bool,
    /// Those who are on at least one list.
    pub confirmed: i64,
    /// Those of them who get nothing all the same: their address is stopped.
    pub stopped: i64,
    /// Those who asked and have not confirmed.
    pub pending: i64,
}

impl Counts {
    /// Whether one of them is above that.
    pub(super) const fn any_above(self, most: i64) -> bool {
        self.confirmed > most || self.stopped > most || self.pending > most
    }
}

/// How many readers there were.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct Counted {
    #[sqlx(flatten)]
    pub counts: Counts,
    /// When.
    pub counted_at: Moment,
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
    /// Who sees it.
    pub visibility: Visibility,
    /// What it takes to join it by the form.
    pub opt_in: OptIn,
    /// Whether it is offered to whoever has just joined another one.
    pub offered: bool,
    /// Whether whoever joins gets its letter.
    pub welcomes: bool,
    /// The subject of that letter; empty for the usual one.
    pub welcome_subject: String,
    /// Its words, as typed; an empty line begins a paragraph.
    pub welcome_text: String,
    /// Since when nobody joins by themselves.
    pub closed_at: Option<Moment>,
    /// Since when nothing goes to it.
    pub retired_at: Option<Moment>,
    /// How often its readers may choose to get it, as [`Rhythm::read`] reads it.
    pub rhythms: String,
    /// Which saving of it this is.
    pub version: i64,
}

impl ConsentMethod {
    /// Whether a reader does it, and nobody in their place.
    #[must_use]
    pub const fn is_their_own(self) -> bool {
        !matches!(self, Self::Import | Self::Staff)
    }
}

impl List {
    /// Whether it stands on the forms, and anybody may join it.
    #[must_use]
    pub fn takes_sign_ups(&self) -> bool {
        self.visibility == Visibility::Public && self.may_be_joined()
    }

    /// Whether a reader who knows of it may join by themselves.
    #[must_use]
    pub const fn may_be_joined(&self) -> bool {
        self.closed_at.is_none() && self.retired_at.is_none()
    }

    /// Whether anything goes to it.
    #[must_use]
    pub const fn is_mailed(&self) -> bool {
        self.retired_at.is_none()
    }
}

/// What staff decide of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What readers call it.
    pub name: String,
    /// A sentence on what comes, and how often; may be empty.
    pub description: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// What it takes to join it by the form.
    pub opt_in: OptIn,
    /// Whether it is offered to whoever has just joined another one.
    pub offered: bool,
    /// Whether nobody joins by themselves.
    pub closed: bool,
    /// Whether whoever joins gets its letter.
    pub welcomes: bool,
    /// The subject of that letter; empty for the usual one.
    pub welcome_subject: String,
    /// Its words; may be empty.
    pub welcome_text: String,
    /// How often its readers may choose to get it; none to offer no choice.
    pub rhythms: Vec<Rhythm>,
}

/// What readers of a list can choose among.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct Topic {
    pub id: i64,
    /// The id in addresses of pages.
    #[serde(skip)]
    pub public_id: String,
    pub name: String,
    /// A sentence on what it is about; may be empty.
    pub description: String,
    /// Since when no edition is about it and nobody chooses it.
    #[serde(skip)]
    pub retired_at: Option<Moment>,
    /// Which saving of it this is.
    #[serde(skip)]
    pub version: i64,
}

/// One thing a reader did about a list, or somebody did in their name.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Event {
    /// What happened.
    pub action: ConsentAction,
    /// By which way.
    pub method: ConsentMethod,
    /// The list's name.
    pub list: String,
    /// The exact words they had before them, where they had any.
    pub wording: Option<String>,
    /// Which form, edition or file.
    pub source: String,
    /// What the team calls the form, where it was one.
    pub form: Option<String>,
    /// What it was for; may be empty.
    pub campaign: String,
    /// Which of the form's wordings it was, the first being 1; 0 for those of no form.
    pub version: i64,
    /// The network address it came from.
    pub ip: String,
    /// The browser it came from.
    pub user_agent: String,
    /// When, in UTC.
    pub at: Moment,
}

/// What a reader said of a leaving.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct SaidOfLeaving {
    pub reason: LeavingReason,
    /// In their own words; may be empty.
    pub words: String,
}

/// The same, for whoever looks at the reader.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct WhyTheyLeft {
    /// The list's name.
    pub list: String,
    pub left_at: Moment,
    #[sqlx(flatten)]
    pub said: SaidOfLeaving,
}

/// How often a reason was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct ReasonCount {
    pub reason: LeavingReason,
    pub number: i64,
}

words! {
    /// Where answers to a field stand.
    #[derive(Default)]
    pub enum StandsIn else Desk {
        /// At the desk alone.
        #[default]
        Desk = "desk",
        /// In mails to whoever answered, too.
        Mails = "mails",
    }
}

/// Something that the team asks readers.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct Field {
    pub id: i64,
    /// What forms of other sites call it.
    pub name: String,
    /// The question.
    pub label: String,
    pub kind: FieldKind,
    /// Of a choice: one a line.
    pub choices: String,
    pub stands_in: StandsIn,
    /// How often it was changed.
    pub changes: i64,
}

words! {
    /// Whether a form takes sign-ups.
    pub enum FormState else Closed {
        Open = "open",
        Closed = "closed",
    }
}

words! {
    /// What a form offers.
    pub enum Offers else Chosen {
        /// Every public list.
        All = "all",
        /// Those that were chosen for it.
        Chosen = "chosen",
    }
}

words! {
    /// Whether a form takes a sign-up without an answer to a field.
    pub enum Answer else Optional {
        Optional = "optional",
        Required = "required",
    }
}

words! {
    /// Whether a form offers the topics of its lists.
    #[derive(Default)]
    pub enum OffersTopics else No {
        /// Readers choose them on the page of their choices.
        #[default]
        No = "no",
        Yes = "yes",
    }
}

/// A form to subscribe.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow)]
pub struct SignUpForm {
    pub id: i64,
    /// Its part of an address, for ever.
    pub slug: String,
    /// What the team calls it.
    pub name: String,
    /// The heading; may be empty.
    pub title: String,
    /// The sentence under it; may be empty.
    pub intro: String,
    /// The words beside the box; empty for the usual ones.
    pub wording: String,
    pub offers: Offers,
    pub topics: OffersTopics,
    pub campaign: String,
    pub source: String,
    /// The sites whose pages may hold it, as origins: one a line.
    pub sites: String,
    pub state: FormState,
    /// How often it was saved.
    pub changes: i64,
    /// Since when it is put away.
    pub retired_at: Option<Moment>,
}

/// What somebody of the team noted about a reader.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Note {
    pub id: i64,
    /// Who noted it, by name.
    pub staff: Option<String>,
    pub text: String,
    pub at: Moment,
}

words! {
    /// What a reader asks by law.
    pub enum RequestKind {
        /// To know what is held about them.
        Access = "access",
        /// To be forgotten.
        Erasure = "erasure",
        /// They say that they never signed up.
        NeverAsked = "never-asked",
    }
}

/// Something that a reader asks by law, and what came of it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Request {
    pub id: i64,
    pub kind: RequestKind,
    /// Masked once it is closed.
    pub address: String,
    /// What they wrote, in a few words.
    pub detail: String,
    pub received_at: Moment,
    /// By when the law wants an answer.
    pub due_at: Moment,
    /// What was done; empty while it is open.
    pub outcome: String,
    pub closed_at: Option<Moment>,
}
