//! Supporters and their gifts: the way to the provider's checkout, the inbox of what it tells us, and the book of the money.
//!
//! The rules that must hold:
//! - money is never shown, counted or thanked for before the provider says `paid` (TRUST T5);
//! - what the provider tells is stored before anything is done about it, then the object is fetched again and our row follows
//!   it, in one transaction, never backwards; so it does not matter how often or in which order we are told (TRUST D1, D2);
//! - a call to the provider is stored with its key before it is made, and never made inside a transaction (TRUST D6);
//! - every paid donation has one group of entries that adds up to zero, and one receipt (TRUST T4);
//! - whatever ends badly, or does not end, is shown to a person ([`attention()`]);
//! - giving subscribes nobody to anything (TRUST L2).
//!
//! It may call `payments`, readers, the team and the ledger of letters (`delivery`); the web, the jobs and the dossier call it. Start reading at `gift.rs`, then
//! `inbox.rs` and `apply/mod.rs`.

mod apply;
mod attention;
mod book;
mod brakes;
mod by_staff;
mod calls;
mod csv_file;
mod doubles;
mod forget;
mod gift;
mod inbox;
mod letters;
mod lines;
mod manage_link;
mod monthly;
mod new_readers;
mod reports;
mod search;
mod states;
mod store;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::store::{
    brakes::{FORGET_ATTEMPTS, FORGET_TRIES},
    calls::FORGET_CALLS,
    events::{BLANK_EVENTS, FORGET_DONE, FORGET_IGNORED},
};
pub use self::{
    apply::ProviderPollError,
    attention::{
        Attention, LATELY, ask_again as ask_again_to_end, at_least, look as attention,
        news as attention_news, put_checkouts_away, put_event_away, tell_of_unended,
    },
    book::{MoneyAudit, audit_money},
    brakes::{
        GIFTS, Giver, PATIENCE as GIVERS_PATIENCE, Proof, closed_until as giving_closed_until, giver_token,
        known_supporter, last_decline,
    },
    by_staff::{GiftNote, NeverAsk, never_ask, note as note_on_gift, notes as notes_on_gift},
    calls::resume_calls,
    csv_file::{CsvOfGifts, CsvOfGiftsError, are_more_than, place_of},
    doubles::{GivenBefore, given_before, given_twice, monthly_twice},
    forget::{forget, forget_donor, supporter, supporter_named},
    gift::{FieldErrors, GiftError, GiftRequest, StartedGift, gift_of, read_gift, start_gift, thanks_token},
    inbox::{InboxWorked, ReceiveError, poll_provider, process_inbox, receive},
    lines::{
        AttentionNews, Copied, Double, EventLine, FailedCheckout, LedgerLine, ListedDonation, Total, Unended,
        figures,
    },
    manage_link::manage_token,
    monthly::{CancelError, Monthly, cancel_all, cancel_as_written, cancel_monthly, monthly_of},
    new_readers::meet_new_readers,
    reports::{
        WholeDonation, find as find_donation, newest_gift, page as donations_page, running as running_totals,
        totals, totals_of, unfinished, whole as whole_donation,
    },
    search::{FoundGifts, GiftPlace, GiftSearch, SUPPORTERS, first_gift, word_supporters},
    states::{
        DonationKind, DonationState, EventSource, EventState, Operation, PaymentOutcome, RecurringState,
    },
    store::{
        QUEUES, STATEMENTS,
        brakes::KnownSupporter,
        calls::{CANCELLATIONS, CHECKOUTS},
        events::EVENTS,
        figures::Unfinished,
    },
};
