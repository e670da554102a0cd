//! Renewals that fail, and cards that run out: friendly letters at set days, which stop the moment it is paid or over.
//!
//! The first letter goes with the news of the provider. Before each later one the provider is asked how it is now, so that
//! nobody hears of a bill that is paid, or of a gift that has ended, however long we were away.

use std::time::Duration;

use super::{
    letters, regular_letters,
    store::{
        months::{self, Recurring},
        renewals as rows, returns,
    },
};
use crate::{
    clock::{Moment, Zone},
    db::{self, Tx},
    payments::{Invoice, PaymentProvider, RecurringState, Terms},
    queue::{self, Came, Due, Queue, Work},
    site::Site,
};

const DAY: Duration = Duration::from_secs(86_400);
/// So long after the first failed try the second letter goes, and the third and last.
const LATER: [Duration; 2] = [Duration::from_secs(3 * 86_400), Duration::from_secs(7 * 86_400)];
/// Two letters are never closer together than this, however late the first was.
const APART: Duration = Duration::from_secs(2 * 86_400);

/// A bill could not be paid: the first letter, and when the next goes.
pub(super) async fn failed(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    invoice: &Invoice,
    at: Moment,
) -> db::Result<()> {
    // It may have failed before, and be tried for the third time: then the letters of the first are on their way.
    let due_at = due(at, 1, site.now()).unwrap_or(at);
    let is_new =
        rows::add_trouble(tx, &invoice.id, recurring.id, (at, due_at, turn(due_at, site.now()))).await?;
    if is_new && may_be_asked(tx, recurring).await? {
        letters::send_payment_failed(tx, site, recurring, (&invoice.id, at), invoice.next_try).await?;
    }
    Ok(())
}

/// Nobody is asked for money whose bank decides about another gift of theirs; that it wants to know something from them they hear all the
/// same.
async fn may_be_asked(tx: &mut Tx, recurring: &Recurring) -> db::Result<bool> {
    Ok(match recurring.donor_id {
        Some(donor) => !returns::is_in_dispute(tx, donor).await?,
        None => true,
    })
}

/// The bank wants the payment of a bill confirmed: one letter for it, with the provider's page where that is done.
pub(super) async fn asks(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    invoice: &Invoice,
    at: Moment,
) -> db::Result<()> {
    if let Some(page) = &invoice.page {
        // That it failed, which the provider says beside, nobody hears who hears this; of the later letters it is the first.
        let due_at = due(at, 1, site.now()).unwrap_or(at);
        rows::add_trouble(tx, &invoice.id, recurring.id, (at, due_at, turn(due_at, site.now()))).await?;
        regular_letters::send_payment_action(tx, site, recurring, (&invoice.id, at), page).await?;
    }
    Ok(())
}

/// A gift that is taken once a year or less often is taken soon: its supporter hears of it first, once for each day that it is taken.
pub(super) async fn upcoming(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    terms: &Terms,
    heard: Moment,
) -> db::Result<()> {
    // News that come late are no notice; nor are they of what ends before.
    let next = terms.next.filter(|next| *next > site.now() && terms.ends_at.is_none_or(|ends| ends > *next));
    match next {
        Some(next) if terms.rhythm.is_yearly() => {
            regular_letters::send_yearly_notice(tx, site, recurring, (next, heard)).await
        }
        _ => Ok(()),
    }
}

/// What a bill and its subscription are now: whoever was written to about it is not again, unless it still waits.
pub(super) async fn follow(
    tx: &mut Tx,
    recurring: &Recurring,
    state: RecurringState,
    invoice: Option<&Invoice>,
) -> db::Result<()> {
    if let Some(invoice) = invoice.filter(|invoice| !invoice.open) {
        rows::end_trouble(tx, &invoice.id).await?;
    }
    if state == RecurringState::Cancelled {
        rows::end_all_trouble(tx, recurring.id).await?;
    }
    Ok(())
}

/// When the letter after so many goes; none after the last.
fn due(failed_at: Moment, letters: i64, now: Moment) -> Option<Moment> {
    let after = LATER.get(usize::try_from(letters - 1).ok()?)?;
    Some(failed_at.plus(*after).max(now.plus(APART)))
}

/// When it is looked at next: no turn of a queue is more than a day away.
fn turn(due_at: Moment, now: Moment) -> Moment {
    due_at.min(now.plus(DAY))
}

/// Writes every letter about a failed payment whose day has come. Returns how many rows ended or went on.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn remind(site: &Site, provider: &dyn PaymentProvider) -> db::Result<u64> {
    Ok(queue::work(site, &Renewals(provider)).await?.done)
}

struct Renewals<'a>(&'a dyn PaymentProvider);

impl Work for Renewals<'_> {
    type What = rows::Failed;

    fn queue(&self) -> &'static Queue {
        &rows::RENEWALS
    }

    async fn work(&self, site: &Site, failed: &Due<rows::Failed>) -> db::Result<Came> {
        let (due_at, now) = (failed.what.due_at, site.now());
        if now < due_at {
            let mut tx = site.db.begin().await?;
            let row = (
                failed.name.as_str(),
                failed.next_at,
                failed.what.letters,
                "open",
                due_at,
                turn(due_at, now),
            );
            rows::RENEWALS.done(&mut tx, row).await?;
            tx.commit().await?;
            return Ok(Came::Done);
        }
        let named = months::subscription_of(&site.db, failed.what.recurring_donation_id).await?;
        let invoice = match self.0.invoice(&failed.name).await {
            Ok(invoice) => Some(invoice),
            // What the provider has not got nobody owes.
            Err(error) if error.is_missing() => None,
            Err(error) => return Ok(Came::Later(error.for_the_record())),
        };
        let state = match named {
            None => RecurringState::Cancelled,
            Some(id) => match self.0.subscription(&id).await {
                Ok(subscription) => subscription.state,
                Err(error) if error.is_missing() => RecurringState::Cancelled,
                Err(error) => return Ok(Came::Later(error.for_the_record())),
            },
        };
        let waits = invoice.as_ref().filter(|invoice| {
            invoice.open && !matches!(state, RecurringState::Cancelled | RecurringState::Paused)
        });
        db::again(|| tell(site, failed, waits)).await?;
        Ok(Came::Done)
    }
}

/// The letter, if it still waits; and the day of the next, or the end of it.
async fn tell(site: &Site, failed: &Due<rows::Failed>, waits: Option<&Invoice>) -> db::Result<()> {
    let sent = failed.what.letters + 1;
    let next = waits.and_then(|_| due(failed.since, sent, site.now()));
    let state = if next.is_some() { "open" } else { "over" };
    let mut tx = site.db.begin().await?;
    // The monthly donation first, as everywhere.
    let recurring = months::recurring_by_id(&mut tx, failed.what.recurring_donation_id).await?;
    let due_at = next.unwrap_or(failed.what.due_at);
    let row = (failed.name.as_str(), failed.next_at, sent, state, due_at, turn(due_at, site.now()));
    let ours = rows::RENEWALS.done(&mut tx, row).await?;
    let is_asked = ours && recurring.state.runs() && may_be_asked(&mut tx, &recurring).await?;
    if let Some(invoice) = waits.filter(|_| is_asked) {
        let letter = (invoice.id.as_str(), sent, next.is_none());
        let times = (failed.since, failed.what.due_at, invoice.next_try);
        regular_letters::send_failed_again(&mut tx, site, &recurring, letter, times).await?;
    }
    tx.commit().await
}

/// Tells of every card that runs out this month and pays a regular gift, once for each. Returns how many those were.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn tell_of_cards(site: &Site) -> db::Result<u64> {
    let today = site.now();
    let month: String = today.day(&Zone::UTC).chars().take("2027-04".len()).collect();
    let expires =
        today.date(&Zone::UTC).split_once(' ').map(|(_, month)| month.to_owned()).unwrap_or_default();
    let mut told = 0;
    for id in rows::cards_of(&site.db, &month).await? {
        let mut tx = site.db.begin().await?;
        if let Some(card) = rows::tell_of_card(&mut tx, id).await? {
            // What ends before the card does needs no other card.
            if card.ends_at.is_none_or(|ends| ends > site.now().plus(31 * DAY)) {
                regular_letters::send_card_expiring(&mut tx, site, &card, (&month, expires.clone())).await?;
            }
            told += 1;
        }
        tx.commit().await?;
    }
    Ok(told)
}
