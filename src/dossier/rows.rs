//! What the rows say that are held about somebody. As JSON they are read by people: times as RFC 3339 writes them, no row numbers.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sqlx_macros::FromRow;

use crate::{
    bounces::{Action, BounceClass, Change, Source},
    clock::Moment,
    delivery::{self, AttemptOutcome, AttemptStage, Class, CopyState},
    donations::{DonationKind, DonationState, RecurringState},
    editions::Rhythm,
    payments::GiftRhythmUnit,
    replies,
    staff::Role,
    subscribers::{ConsentAction, ConsentMethod, DonorState, SubscriptionState, sign_up_as_held},
};

fn at<S: Serializer>(at: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn at_last<S: Serializer>(at: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

/// The reader.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldWho {
    pub public_id: String,
    pub email: String,
    pub name: String,
    /// Since when they are known.
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    /// When a mail that asks to confirm is to go out, if one is held back.
    #[serde(serialize_with = "at_last")]
    pub confirm_due_at: Option<Moment>,
    /// When they last got a letter of good-bye.
    #[serde(serialize_with = "at_last")]
    pub good_bye_at: Option<Moment>,
    /// Since when mail goes to this address, where it went to another before.
    #[serde(serialize_with = "at_last")]
    pub moved_at: Option<Moment>,
    /// By which address their gifts are known, where it is another.
    pub gives_as: Option<String>,
    /// Where they stand as a supporter.
    pub supporter: Option<DonorState>,
    #[serde(serialize_with = "at_last")]
    pub last_gift_at: Option<Moment>,
}

/// Another address that was asked for.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Moved {
    pub old_email: String,
    pub new_email: String,
    #[serde(serialize_with = "at")]
    pub asked_at: Moment,
    /// When the old mailbox agreed.
    #[serde(serialize_with = "at_last")]
    pub old_agreed_at: Option<Moment>,
    /// When the new mailbox agreed.
    #[serde(serialize_with = "at_last")]
    pub new_agreed_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub done_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub undone_at: Option<Moment>,
    /// When it was given up.
    #[serde(serialize_with = "at_last")]
    pub ended_at: Option<Moment>,
}

/// An address that they had: what it was is kept as a code.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct FormerAddress {
    /// Since when their mail goes elsewhere.
    #[serde(serialize_with = "at")]
    pub left_at: Moment,
    /// Where gifts are known by it.
    pub gave_as: Option<String>,
}

/// How they stand with one list.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Within {
    #[serde(skip)]
    pub list_id: i64,
    pub list: String,
    pub state: SubscriptionState,
    #[serde(serialize_with = "at")]
    pub asked_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub confirmation_sent_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub confirmed_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub left_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub welcomed_at: Option<Moment>,
    /// Until when nothing of it comes, where they rest from mail.
    #[serde(serialize_with = "at_last")]
    pub paused_until: Option<Moment>,
    /// When they last said something about that.
    #[serde(serialize_with = "at_last")]
    pub pause_said_at: Option<Moment>,
    /// Until when they may be mailed since they bought or gave, where they did not agree themselves.
    #[serde(serialize_with = "at_last")]
    pub implied_until: Option<Moment>,
    /// How often they chose to get it; none for everything.
    pub rhythm: Option<Rhythm>,
    /// When they last chose that, or topics of it.
    #[serde(serialize_with = "at_last")]
    pub chosen_at: Option<Moment>,
    /// What they chose of it.
    #[sqlx(skip)]
    pub topics: Vec<String>,
}

/// Why they left a list.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldReason {
    pub list: String,
    #[serde(serialize_with = "at")]
    pub left_at: Moment,
    pub reason: String,
    /// In their own words.
    pub words: String,
    #[serde(serialize_with = "at")]
    pub at: Moment,
}

/// A day on which the team looked at them.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Look {
    #[serde(skip)]
    pub id: i64,
    pub day: String,
}

/// A topic that they chose.
#[derive(Clone, Debug, FromRow)]
pub struct Topic {
    pub list_id: i64,
    pub name: String,
}

/// What was typed into a form for their address and waits for their word.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Typed {
    pub name: String,
    pub answers: String,
    #[serde(serialize_with = "at")]
    pub at: Moment,
}

/// What was typed into a form in a rush, and nobody has looked at.
#[derive(Clone, Debug, FromRow)]
pub struct WrittenDown {
    pub at: Moment,
    /// As JSON.
    pub typed: String,
}

impl WrittenDown {
    /// As the copy of all data has it.
    pub fn told(self) -> Value {
        json!({ "at": self.at.to_string(), "typed": sign_up_as_held(&self.typed) })
    }
}

/// One edition to them.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldCopy {
    #[serde(skip)]
    pub edition_id: i64,
    /// The subject.
    pub edition: String,
    pub list: String,
    /// The address as it was then.
    pub address: String,
    /// The name as it was then.
    pub name: String,
    pub state: CopyState,
    pub why: Option<Class>,
    pub tries: i64,
    pub perhaps_twice: bool,
    #[serde(serialize_with = "at")]
    pub changed_at: Moment,
    /// What each try came to, as long as that is kept.
    #[sqlx(skip)]
    pub every_try: Vec<Tried>,
}

/// One try at it.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Tried {
    #[serde(skip)]
    pub edition_id: i64,
    #[serde(serialize_with = "at")]
    pub at: Moment,
    pub outcome: AttemptOutcome,
    pub stage: AttemptStage,
    pub their_server_said: String,
}

/// An automatic email to them.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldLetter {
    #[serde(skip)]
    pub id: i64,
    /// Which one.
    pub letter: String,
    pub address: String,
    pub name: String,
    pub state: CopyState,
    pub why: Option<Class>,
    pub their_server_said: String,
    pub tries: i64,
    pub perhaps_twice: bool,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub finished_at: Option<Moment>,
}

/// What came back of mail to them.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct CameBack {
    #[serde(skip)]
    pub id: i64,
    pub source: Source,
    pub class: BounceClass,
    pub action: Action,
    pub reason: replies::Reason,
    pub status: Option<String>,
    pub reply: Option<String>,
    pub words: String,
    pub effect: Change,
    /// Of the address what is enough to recognise it.
    pub masked: String,
    #[serde(serialize_with = "at")]
    pub received_at: Moment,
}

/// A letter that they wrote to the address where mail comes back to, and that nobody has read yet.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct TheyWrote {
    #[serde(skip)]
    pub id: i64,
    pub from_address: String,
    pub subject: String,
    pub words: String,
    #[serde(serialize_with = "at")]
    pub received_at: Moment,
}

/// Why mail to their address was stopped.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Stop {
    #[serde(skip)]
    pub id: i64,
    pub reason: delivery::StopReason,
    pub detail: String,
    pub masked: String,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    /// Until when.
    #[serde(serialize_with = "at_last")]
    pub lifted_at: Option<Moment>,
}

/// The supporter of that address.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldSupporter {
    pub public_id: String,
    pub email: String,
    pub name: String,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    /// Since when they are not asked for gifts, if they are not.
    #[serde(serialize_with = "at_last")]
    pub never_ask_since: Option<Moment>,
    /// Since when they may be named in public, if they may.
    #[serde(serialize_with = "at_last")]
    pub named_since: Option<Moment>,
}

/// A gift.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Gift {
    #[serde(skip)]
    pub id: i64,
    pub public_id: String,
    pub email: String,
    pub name: String,
    pub kind: DonationKind,
    pub amount_minor: i64,
    pub currency: String,
    pub state: DonationState,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub paid_at: Option<Moment>,
    /// The number of its receipt.
    pub receipt: Option<String>,
    /// What the payment service calls the payment.
    pub payment: Option<String>,
    /// The card that paid: its kind and last four figures; empty where none did.
    pub card_brand: String,
    pub card_last4: String,
    /// What the team noted.
    pub notes: Option<String>,
}

/// A monthly donation.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldMonthly {
    #[serde(skip)]
    pub id: i64,
    pub public_id: String,
    pub email: String,
    pub name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub state: RecurringState,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub activated_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub cancelled_at: Option<Moment>,
    /// What the payment service calls the supporter.
    pub customer: Option<String>,
    /// What it calls the standing order.
    pub subscription: Option<String>,
    /// How often it is taken: every so many of a unit.
    pub every_count: i64,
    pub every_unit: GiftRhythmUnit,
    #[serde(serialize_with = "at_last")]
    pub next_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub ends_at: Option<Moment>,
    #[serde(serialize_with = "at_last")]
    pub rests_until: Option<Moment>,
    /// The card that pays it, as its holder knows it.
    pub card_brand: String,
    pub card_last4: String,
    pub card_expires: String,
}

/// What the team noted.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldNote {
    #[serde(skip)]
    pub id: i64,
    pub text: String,
    #[serde(serialize_with = "at")]
    pub at: Moment,
}

/// What the team did.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldDeed {
    #[serde(skip)]
    pub id: i64,
    pub action: String,
    pub why: String,
    #[serde(serialize_with = "at")]
    pub at: Moment,
}

/// Their place on the team, if they have one.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct HeldMember {
    pub name: String,
    pub role: Role,
    #[serde(serialize_with = "at")]
    pub created_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub disabled_at: Option<Moment>,
}

/// A mail that asked to confirm, as it is counted so that few of them go.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Asked {
    #[serde(serialize_with = "at")]
    pub sent_at: Moment,
}

/// That they were forgotten before.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Forgotten {
    #[serde(serialize_with = "at")]
    pub forgotten_at: Moment,
    #[serde(serialize_with = "at_last")]
    pub returned_at: Option<Moment>,
}

/// What they had agreed to before that.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct Kept {
    #[serde(skip)]
    pub id: i64,
    pub list: String,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    pub wording: Option<String>,
    #[serde(serialize_with = "at")]
    pub at: Moment,
}
