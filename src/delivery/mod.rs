//! Editions on their way: the ledger of deliveries, notices, suppression, workers, SMTP.
//!
//! The rule that must hold: **never guess**. A row of the ledger says what is known, at every moment and after every crash:
//! `sealed = accepted + failed + suppressed + unknown + open`. A body is written to a connection only after the commit that
//! marks its row, so a worker that dies leaves at most one message a connection whose outcome is not known, and its row
//! says so. Every move of a row moves the tallies in the same transaction.
//!
//! It knows subscribers and lists as ids, and addresses as values; of editions it knows the state. It may call the settings, the relays
//! and what stands below them; it knows nothing of bounces, the team or readers, which call it. Start reading at `engine.rs` for how
//! copies leave, at `ledger.rs` for what a row may become, at `notices.rs` for automatic emails.

mod breaker;
mod claims;
mod copy_names;
mod domains;
mod engine;
mod figures;
mod lane;
mod ledger;
mod names;
mod notices;
mod outcome;
mod pace;
mod patience;
mod progress;
mod queue;
mod returned;
mod sender;
mod shared;
mod states;
mod stopping;
mod store;
mod suppression;
mod variant;
mod verp;
mod vitals;
mod workers;
mod writer;

pub use self::{
    breaker::RefusalRules,
    copy_names::CopyId,
    domains::look_up as look_up_domains,
    engine::{Ended, Engine, EngineError, EngineOptions},
    figures::{DeliveryFigures, read as figures},
    ledger::{
        CopyLine, LoggedAttempt, NewDelivery, WaitingCopy, attempts as attempts_of_copy,
        behind as copies_behind, cancel_open as cancel_open_copies, copies as copies_of, copy as copy_of,
        forget_reader as forget_copies_of, had_before, had_before_count, had_not_before,
        not_yet as not_yet_sent, repoint as repoint_copies, retry as retry_copies,
        retry_doubted as retry_doubted_copies, subscriber_at, waiting as waiting_copies, withdraw,
        withdraw_because, write_rows as write_copies,
    },
    names::{
        address_linked as address_by_link, address_of as address_by_name, address_of_letter,
        copy as copy_by_name, edition as edition_by_name, letter_sent, linked_copy as copy_by_link,
        of_copy as names_of_copy,
    },
    notices::{
        FailedNotice, Letter, Sent, WayOut, accepted as accepted_letters, are_of as letters_are_of,
        counts as letter_counts, end_waiting as end_waiting_letters, enqueue, failed as failed_letters,
        forget as forget_letters, forget_asked as forget_letters_asked, forget_of as forget_letters_of,
        rehearse, stay_theirs as letters_stay_theirs, tell, tell_of_list, to as letters_to,
        withdraw_from as withdraw_letters_from, withdraw_good_bye, withdraw_welcome, withdraw_welcomes,
        write as write_letter,
    },
    outcome::words as words_of_outcome,
    pace::{
        PaceRules, Refusing, Slowed, WaitingLane, readers_waiting, refusing, slowed,
        tell_of as tell_of_refusing, waiting as waiting_lanes,
    },
    progress::{CopiesAudit, Progress, audit as audit_copies, ever_sealed, of as progress_of},
    returned::{
        Decision, Mass, decide as decide_on_returned, stop_some as stop_some_returned,
        tell as tell_of_returned, tried_again as returned_tried_again, unfinished as unfinished_returned,
        untold as untold_returned, waiting as waiting_returned, words as words_of_returned,
    },
    states::{AttemptOutcome, AttemptStage, Class, CopyState, MassState, StopReason},
    store::moves::set_parts,
    suppression::{Blocked, KeptBy, Suppressions, ToldStop, proof as suppression_proof},
    variant::{
        CopyLinks, CopyNames, NO_COPY, VariantHeaders, copy_html, date as date_variant,
        fingerprint as fingerprint_of, freeze as freeze_variant, frozen as frozen_variant,
        is_whole as variant_is_whole, public_html, revision_shown, thaw as thaw_variants,
    },
    verp::{
        LEAVING_SUBJECT, Leaving, ToReader, Which, message_id, parse as parse_return_address, parse_leaving,
        parse_letter, parse_message_id,
    },
    vitals::Vitals,
    workers::{
        ClockApart, Lock, clocks_apart, host as host_name, is_anybody_alive, living_under_another_address,
        take_back_from_the_dead,
    },
};
pub(crate) use self::{
    names::reader as reader_by_key,
    returned::{Weighed, weigh as weigh_returned},
    suppression::stops_letter,
};
use crate::db::Sql;

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::store::{
        ledger::FORGET_LOG as ATTEMPTS, notices::FORGET as NOTICES, notices::FORGET_ASKING as ASKING,
        pace::FORGET as PACES, workers::FORGET as WORKERS,
    };
}

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[
    store::breaker::STATEMENTS,
    store::figures::STATEMENTS,
    store::domains::STATEMENTS,
    store::ledger::STATEMENTS,
    store::moves::STATEMENTS,
    store::names::STATEMENTS,
    store::notices::STATEMENTS,
    store::pace::STATEMENTS,
    store::progress::STATEMENTS,
    store::returned::STATEMENTS,
    store::suppressions::STATEMENTS,
    store::workers::STATEMENTS,
];
