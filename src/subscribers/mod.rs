//! Readers: the lists they join, how they ask, confirm and leave, and the proof of what they agreed to.
//!
//! The rules: nobody is mailed before they confirmed, or somebody answered for their consent; leaving works at once and by
//! one press, and withdraws what is already queued in the same transaction; consent events are only ever added. A page
//! answers the same whether or not an address is known.
//!
//! It may call the team, the ledger (`delivery`) and what stands below them; editions, the dossier and the web call it. Where much is asked of one
//! kind of thing, [`lists`], [`topics`], [`fields`], [`forms`], [`requests`], its module is open, so that `add` says what is added. Start
//! reading at [`subscribe()`], then `confirm.rs` and `leave.rs`.

use std::time::Duration;

mod budget;
mod by_staff;
mod choices_link;
mod chosen;
mod coming_back;
mod confirm;
mod confirm_again;
pub mod consent;
mod counting;
mod donor_state;
mod export;
pub mod fields;
mod find;
mod forgotten;
pub mod forms;
mod found_by;
mod good_bye;
mod implied;
mod import;
mod imports;
mod in_bulk;
mod leave;
mod left_before;
pub mod lists;
pub mod machines;
mod mail_again;
mod moving;
mod never_again;
mod often;
mod pause;
mod read;
pub mod requests;
pub mod rhythms;
mod rows;
mod rush;
mod store;
mod subscribe;
#[cfg(test)]
mod tests;
mod their_choices;
mod topic_choices;
pub mod topics;
mod unwanted;
mod welcome;
mod why_they_left;
mod withdrawn;

pub use self::{
    budget::{Crowd, Goes},
    by_staff::{
        ByStaff, Corrected, add_to_list, correct_choices, correct_name, let_go_on, note, notes, pause_reader,
        remove_note, take_off,
    },
    choices_link::{LinkSent, WHAT as CHOICES, ask_for_link, send_link},
    chosen::chosen_as_written,
    confirm::{Confirmed, confirm, join_offered, look_at_confirmation},
    confirm_again::{AgainStanding, ConfirmingAgain, confirm_again, look_at_confirming_again},
    consent::{By, ConsentAction, ConsentMethod},
    counting::{HowMany, count_large, on_lists, with_topic_alone, with_topics},
    donor_state::{
        DonorState, donor_state, gave_as, gave_under_another, gives_as, moved_without_donor_state,
        set_donor_state, without_donor_state,
    },
    export::{CsvError, Export, ExportAhead, ExportLines, export, lines_of_export},
    find::{
        LOOKED_THROUGH, Order, Wanted, among, by_ids, count_many, counts, fold_waiting, ids, newest_id, page,
        still_among,
    },
    forgotten::{
        forget, forget_address as forget_at_address, gave_before, hold as hold_to_forget,
        hold_at as hold_address_to_forget, is_forgotten, note as note_forgotten,
        supporter_is_gone as forgotten_supporter_is_gone, supporters as forgotten_supporters,
    },
    found_by::sought,
    implied::{Implied, NotImplied},
    import::{Basis, IMPLIED, ImportError, ImportReport, Plan, RowError, WasMade, import, import_as},
    imports::{
        Answers as ImportAnswers, AskedOfColumn, BringInError, ChangeKind, Import, ImportState,
        ImportTakenBack, LARGEST as LARGEST_FILE, MadeOnTheWay, Receiving, Seen, SeenColumn, SeenRow,
        SeenWord, SeenWords, Staying, WhyItStays, bring_in, find_import, go as go_on_with_import,
        has_problems, import_kept, imports, later_import, may_be_taken_back as import_may_be_taken_back,
        problems as problems_of_import, remove as remove_import, say as say_of_import,
        say_anew as say_of_import_anew, stop as stop_import, take_back as take_import_back,
    },
    in_bulk::{
        BulkDeed, BulkOutcome, BulkSums, BulkTakenBack, InBulk, any_changed_in_bulk, changed_in_bulk,
        do_in_bulk, expect_in_bulk, forget_changed_in_bulk, hold_in_bulk, take_back_in_bulk,
        write_down_in_bulk, write_down_taking_back,
    },
    leave::{
        AfterLeaving, Back, Left, after_coming_back, after_leaving, leave, leave_all, leave_as_written,
        leave_by_mail, leave_by_staff, look_at_unsubscribe, rejoin,
    },
    lists::{List, OptIn, Visibility},
    mail_again::mail_again,
    moving::{
        MoveAsked, MoveState, Moving, NewAddress, Readdressed, UnderWay, ask_to_move, call_off_move,
        call_off_own_move, correct_address, former_addresses, look_at_move, may_be_taken_back,
        move_under_way, moved_as_written, moving_wording, press_move, who_had, whose_choices,
    },
    never_again::{block, unblock},
    pause::{Weeks, go_on, go_on_as_written, pause, pause_as_written, rest_as_written},
    read::{
        Counts, Note, ReaderStanding, Stopped, Subscriber, Subscription, SubscriptionState, by_email,
        by_emails, by_public_ids, named, newest_consent, stopped, subscriber, subscriptions,
        subscriptions_of,
    },
    rows::{OFF_ALREADY, says_taken_back},
    rush::{AtTheForm, Rush, forget_sign_ups, look_at_sign_ups, sign_up_as_held},
    subscribe::{
        Adding, Asked, NewSubscription, SIGN_UPS, add_by_staff, ask_by_staff, ask_held_back,
        forget_held_back, subscribe,
    },
    their_choices::{
        Choice, Chosen, Saved, TheirChoices, choices_path, look_at_choices, save_choices, take_leaving_back,
    },
    topic_choices::{TopicChoice, TopicChoices, TopicsTicked, topic_choices},
    unwanted::{Unwanted, unwanted},
    why_they_left::{
        LeavingReason, ReasonCount, SaidOfLeaving, WhyTheyLeft, of_reader as why_they_left, say_why,
        sums as leaving_sums,
    },
};
pub(crate) use self::{
    donor_state::{gave_as_in, gives_as_in},
    imports::stop_all as stop_imports,
    moving::{former_addresses_in, letters_asked},
    read::held,
};
use crate::{
    clock::Moment,
    db::{MaybeDatabase, Sql},
    token::TokenError,
};

pub use self::store::{imports::IMPORTS_IN_TURN, rush::SIGN_UPS_IN_TURN};

/// The statements of the queues of this room.
pub const QUEUES: &[&[&[Sql]]] = &[store::imports::QUEUES, store::rush::QUEUES];

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[
    store::STATEMENTS,
    store::finding::STATEMENTS,
    store::importing::STATEMENTS,
    store::imports::STATEMENTS,
    store::imports_undone::STATEMENTS,
    store::in_bulk::STATEMENTS,
    store::counting::STATEMENTS,
    store::joining::STATEMENTS,
    store::leaving::STATEMENTS,
    store::knowing::STATEMENTS,
    store::requests::STATEMENTS,
    store::rhythms::STATEMENTS,
    store::rush::STATEMENTS,
    store::lists::STATEMENTS,
    store::moving::STATEMENTS,
    store::topics::STATEMENTS,
    store::fields::STATEMENTS,
    store::forms::STATEMENTS,
    store::forgotten::STATEMENTS,
];

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::{
        budget::WEEK,
        fields::REMOVED_LASTS,
        forgotten::PROOF_LASTS,
        imports::{ARRIVING_LASTS, KEPT as IMPORTS_KEPT},
        moving::{CHANGE_LASTS, FORGET_CHANGES as ADDRESS_CHANGES},
        rush::KEPT as SIGN_UPS_KEPT,
        store::FORGET_TRACES as TRACES,
        store::fields::{FORGET_FIELDS as FIELDS, FORGET_VALUES as VALUES},
        store::forgotten::FORGET_KEPT as KEPT_CONSENT,
        store::forms::FORGET_FORM_DAYS as FORM_DAYS,
        store::imports::{
            FORGET_BROKEN as BROKEN_IMPORTS, FORGET_BROKEN_PARTS as BROKEN_IMPORT_PARTS,
            FORGET_PARTS as IMPORT_PARTS, FORGET_PROBLEMS as IMPORT_PROBLEMS, FORGET_UNFINISHED as IMPORTS,
        },
        store::imports_undone::FORGET_CHANGES as IMPORT_CHANGES,
        store::in_bulk::FORGET_BULK_CHANGES as BULK_CHANGES,
        store::joining::{
            FORGET_ASKED_FROM as ASKED_FROM, FORGET_ASKINGS as ASKINGS, FORGET_DAYS as DAYS,
            FORGET_LETTERS as LETTERS, FORGET_TYPED as TYPED, FORGET_UNCONFIRMED as UNCONFIRMED,
        },
        store::leaving::{FORGET_MAILS as LEAVING_MAILS, FORGET_REASONS as REASONS},
        store::rush::FORGET_SIGN_UPS as SIGN_UPS,
        subscribe::ASKING_LASTS,
    };
}

/// Why something about a reader was not done.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// The link is forged or cut short.
    #[error("the link is not valid")]
    Link,
    /// The link is genuine, but too old.
    #[error("the link has expired")]
    Expired,
    /// The reader or list is not there.
    #[error("there is no such reader or list")]
    NotFound,
    /// More people sign up than a magazine meets: someone is playing with the form (TRUST A24). How long until the next may.
    #[error("too many sign-ups in a short time")]
    TooMany(Duration),
    /// More than usual come: a browser is asked for some work first.
    #[error("more people than usual sign up")]
    Crowded,
    /// The form does not take such addresses.
    #[error(transparent)]
    Unwanted(Unwanted),
    /// Staff said that this address is never mailed.
    #[error("the team decided never to mail this address")]
    Blocked,
    /// Its owner was forgotten.
    #[error("its owner asked to be forgotten: they can subscribe by themselves, by the form")]
    Forgotten,
    /// The team put their address right lately, and until then the mailbox of before can take that back.
    #[error("the address was put right lately, which can still be taken back")]
    NotBefore(Moment),
    /// Something happened since the page was shown.
    #[error("something else stops the mail by now")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for SubscriberError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

impl From<TokenError> for SubscriberError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::Link,
            TokenError::Expired => Self::Expired,
        }
    }
}

/// What a call of this room returns.
pub type Result<T> = std::result::Result<T, SubscriberError>;

/// Where a request came from, as it is kept with a consent event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace<'a> {
    /// The address of the network.
    pub ip: &'a str,
    /// What the browser calls itself.
    pub user_agent: &'a str,
}
