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

mod account;
pub mod adopt;
mod apply;
mod attention;
mod back;
mod book;
mod brakes;
mod by_staff;
mod calls;
mod changes;
mod closing;
mod comparing;
mod csv_file;
mod doubles;
mod forget;
mod from_articles;
mod gift;
mod give_back;
mod inbox;
mod ledger;
mod letters;
mod lines;
mod manage_link;
mod money_news;
mod monthly;
mod new_address;
mod new_readers;
mod payouts;
mod reconcile;
mod regular_letters;
mod renewals;
mod reports;
mod returns;
mod search;
mod states;
mod store;
mod supporter;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::store::adopt::BLANK_OLD;
pub(crate) use self::store::{
    brakes::{FORGET_ATTEMPTS, FORGET_TRIES},
    calls::FORGET_CALLS,
    changes::FORGET_CHANGES,
    events::{BLANK_EVENTS, FORGET_DONE, FORGET_IGNORED},
    renewals::FORGET_TROUBLE,
};
pub use self::{
    account::{
        AccountTrouble, KnownAccount, look as look_at_account, note_trouble as note_account_trouble,
        trouble as account_trouble,
    },
    apply::ProviderPollError,
    attention::{
        Attention, LATELY, ask_again as ask_again_to_end, at_least, look as attention,
        news as attention_news, put_checkouts_away, put_event_away, tell_of_unended,
    },
    book::{MoneyAudit, audit_money},
    brakes::{
        GIFTS, Giver, PATIENCE as GIVERS_PATIENCE, Proof, closed_until as giving_closed_until, giver_token,
        is_new_giver_token, known_supporter, last_decline,
    },
    by_staff::{GiftNote, NeverAsk, never_ask, note as note_on_gift, notes as notes_on_gift},
    changes::{ChangeError, Wish, resume_calls},
    closing::{CloseError, book_sums, bounds as month_bounds, close_month, closed_months},
    comparing::{COMPARISONS, Mends, Underway, ask_to_compare, compare_due, comparison_underway},
    csv_file::{CsvOfGifts, CsvOfGiftsError, are_more_than, moved_for, place_of},
    doubles::{GivenBefore, given_before, given_twice, monthly_twice},
    forget::{forget, forget_donor, supporter, supporter_address, supporter_named},
    from_articles::{GiftArticle, article_of as article_of_gift, from_article as gifts_from_article},
    gift::{FieldErrors, GiftError, GiftRequest, StartedGift, gift_of, read_gift, start_gift, thanks_token},
    give_back::{RefundAsk, RefundError, RefundMade, put_refund_away, refund, resume_refunds},
    inbox::{InboxWorked, ReceiveError, poll_provider, process_inbox, receive},
    lines::{
        AttentionNews, Copied, Double, EventLine, FailedCheckout, LedgerLine, ListedDonation, OneOfDouble,
        RunningTotal, Total, Unended, figures,
    },
    manage_link::{asked_supporter_token, manage_token, supporter_token},
    money_news::{tell_of_account, tell_of_money, why_disputed},
    monthly::{CancelError, Monthly, cancel_all, cancel_as_written, cancel_monthly, monthly_of},
    new_address::{
        AskedAddress, NewAddressError, OwnAddressError, ask_for_another_address, new_gift_address,
        take_new_address,
    },
    new_readers::meet_new_readers,
    payouts::{paid_out, payouts_page, settle_waiting},
    reconcile::{
        Difference, LastCompared, NIGHTLY, Reconciled, comparable_until, keep_reconciled, last_reconciled,
        reconcile,
    },
    renewals::{remind, tell_of_cards},
    reports::{
        WholeDonation, find as find_donation, newest_gift, page as donations_page, running as running_totals,
        totals, totals_of, unfinished, whole as whole_donation,
    },
    returns::{
        DisputeLine, FailedPayout, GiftReturns, RefundLine, ReturnsToSee, WarningLine, returns_of,
        returns_to_see,
    },
    search::{Became, FoundGifts, GiftPlace, GiftSearch, SUPPORTERS, first_gift, word_supporters},
    states::{
        Account, Compared, DonationKind, DonationState, EventSource, EventState, GiftStanding, Operation,
        PaymentOutcome, PostingKind, RecurringState,
    },
    store::{
        QUEUES, STATEMENTS,
        brakes::KnownSupporter,
        calls::{CANCELLATIONS, CHECKOUTS},
        changes::CHANGES,
        closing::{ClosedMonth, MonthSum},
        events::EVENTS,
        figures::Unfinished,
        give_back::REFUNDS,
        payouts::{PaidOut, PayoutLine},
        renewals::RENEWALS,
    },
    supporter::{
        DeskLetter, GIFTS_LINKS, GivenGift, LetterAsked, LinkError, NEWEST_GIFTS, RegularGift, Statement,
        Supporter, SupporterGifts, ask_for_gifts_link, card_page, change_managed, change_regular, gifts_of,
        giver_token_of, let_be_named, mail_fresh_link, mail_link_of_gift, may_be_named, name_nobody,
        regular_gift, regular_gifts_of, rename_supporter, send_receipt_again, send_statement, statement,
        supporter_by_link, write_from_desk,
    },
};
