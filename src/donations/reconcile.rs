//! Everything that the provider lists, held against our rows, and our rows against what it lists: what differs, and what to do.
//!
//! Lists are read page by page and asked for in our rows a page at a time. Of what was listed only a number of eight bytes each is
//! remembered, to find rows of ours that were not.

use std::{collections::HashSet, time::Duration};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{
    apply::{self, ProviderPollError},
    lines::figures,
    payouts,
    states::{Compared, DonationState},
    store::reconcile::{self as rows, KnownPayment},
};
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    payments::{
        Dispute, Movement, Payment, PaymentProvider, PaymentState, Payout, ProviderSubscription, Refund, Span,
    },
    site::Site,
};

/// Something that is not the same here and there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub what: Compared,
    /// The provider's name of it.
    pub id: String,
    /// What differs, a sentence without its full stop.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// What was made or paid from then on,
    pub from: Moment,
    /// and before then.
    pub until: Moment,
    /// When it was compared.
    pub at: Moment,
    /// How many objects of ours were compared.
    pub compared: u64,
    /// How many objects at the provider are of other software.
    pub foreign: u64,
    /// How many differ.
    pub different: u64,
    /// The first of those that differ, 500 at most.
    pub differences: Vec<Difference>,
}

impl Reconciled {
    /// Whether both books say the same.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.different == 0
    }

    /// Whether there was nothing of ours to compare, here or there.
    #[must_use]
    pub const fn is_of_nothing(&self) -> bool {
        self.compared == 0 && self.different == 0
    }

    fn add(&mut self, what: Compared, id: &str, problem: String, remedy: &str) {
        self.different += 1;
        if self.differences.len() < MOST {
            let (id, remedy) = (id.to_owned(), remedy.to_owned());
            // "past_due" is how it stands in a column.
            let problem = problem.replace('_', " ");
            self.differences.push(Difference { what, id, problem, remedy });
        }
    }
}

/// What the last comparison said, for the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCompared {
    /// When it was.
    pub at: Moment,
    /// When both books were last the same; none if they never were.
    pub equal_at: Option<Moment>,
    /// What it found.
    pub found: Reconciled,
}

const MOST: usize = 500;
/// A payment may be made so long before it is paid: a bank debit takes two weeks, and the bank may ask.
const SLOWEST: Duration = Duration::from_secs(31 * 86_400);
/// What is younger may be on its way.
const SETTLED: Duration = Duration::from_secs(3_600);
/// How far back the nightly comparison looks.
pub const NIGHTLY: Duration = Duration::from_secs(35 * 86_400);
/// Whoever compares once a day may do so a little sooner.
pub(super) const A_DAY: Duration = Duration::from_secs(20 * 3_600);

const MEND: &str =
    "It can be fetched: at the desk, at The book, or by `broadside payments reconcile --mend`.";
const ASK: &str = "Nobody can mend this by a command: look at both, and ask for help.";

/// Every page of a list, one after the other: what is asked for it, and what is done with each.
macro_rules! each_page {
    ($api:ident.$list:ident($span:ident $(, $of:expr)?), $look:ident.$take:ident) => {
        let mut after: Option<String> = None;
        loop {
            let page = $api.$list(Span { after: after.as_deref(), ..$span } $(, $of)?).await?;
            $look.$take(page.items).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    };
}

/// Until when things can be compared now: what is younger may be on its way.
#[must_use]
pub fn comparable_until(now: Moment) -> Moment {
    now.minus(SETTLED)
}

/// Compares everything from one moment until before another; `mend` has followed what is missing here, and then compares no more.
///
/// # Errors
/// When the provider does not answer, or the database fails; nothing is kept of it.
pub async fn reconcile(
    site: &Site,
    provider: &dyn PaymentProvider,
    (from, until): (Moment, Moment),
    mend: bool,
) -> std::result::Result<Reconciled, ProviderPollError> {
    let until = until.min(comparable_until(site.now()));
    let mut look = Look {
        site,
        provider,
        mend,
        seen: HashSet::new(),
        found: Reconciled { from, until, at: site.now(), ..Reconciled::default() },
    };
    let wide = Span { from: Some(from.minus(SLOWEST)), until: Some(until), after: None };
    let narrow = Span { from: Some(from), ..wide };
    let api = provider.after();
    let ever = Span { from: None, ..narrow };
    each_page!(api.payments(wide), look.payments);
    each_page!(api.refunds(narrow), look.refunds);
    each_page!(api.disputes(narrow), look.disputes);
    each_page!(api.payouts(narrow), look.payouts);
    each_page!(api.movements(narrow, None), look.movements);
    each_page!(api.subscriptions(ever), look.subscriptions);
    look.months().await?;
    look.ours().await?;
    Ok(look.found)
}

/// Eight bytes of a name.
fn short(kind: Compared, id: &str) -> u64 {
    let hash = digest::digest(&digest::SHA256, format!("{kind}:{id}").as_bytes());
    hash.as_ref().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn names<'a>(ids: impl Iterator<Item = &'a str>) -> Result<String> {
    db::array(&ids.collect::<Vec<_>>())
}

struct Look<'a> {
    site: &'a Site,
    provider: &'a dyn PaymentProvider,
    mend: bool,
    seen: HashSet<u64>,
    found: Reconciled,
}

type Looked = std::result::Result<(), ProviderPollError>;

impl Look<'_> {
    fn db(&self) -> &Db {
        &self.site.db
    }

    fn saw(&mut self, what: Compared, id: &str) {
        self.seen.insert(short(what, id));
        self.found.compared += 1;
    }

    /// Lets our rows follow a payment, if that is wanted. Whether it helped is asked of the rows.
    async fn follow(&self, payment: &str) -> std::result::Result<bool, ProviderPollError> {
        Ok(self.mend && apply::look_after(self.site, self.provider, payment).await?)
    }

    async fn payments(&mut self, page: Vec<Payment>) -> Looked {
        let known = rows::payments(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        for payment in page {
            let row = known.iter().find(|row| row.id == payment.id);
            if row.is_none() && payment.ours.donation.is_none() {
                self.found.foreign += 1;
                continue;
            }
            self.saw(Compared::Payment, &payment.id);
            if payment.state != PaymentState::Succeeded || payment.in_review {
                continue;
            }
            let Some(amount) = payment.amount else { continue };
            let is_same = |row: &KnownPayment| {
                row.state == DonationState::Paid
                    && row.booked_minor == amount.minor
                    && row.currency == amount.currency.code()
            };
            if row.is_some_and(is_same) {
                continue;
            }
            let mut row = row.cloned();
            if self.follow(&payment.id).await? {
                row = rows::payments(self.db(), &names([payment.id.as_str()].into_iter())?).await?.pop();
                if row.as_ref().is_some_and(is_same) {
                    continue;
                }
            }
            let row = row.as_ref();
            let problem = row.map_or_else(
                || format!("{amount} was paid, and is not in the book"),
                |row| {
                    format!(
                        "{amount} was paid, and the book has {}",
                        figures(row.booked_minor, &row.currency)
                    )
                },
            );
            let remedy = if row.is_some() { ASK } else { MEND };
            self.found.add(Compared::Payment, &payment.id, problem, remedy);
        }
        Ok(())
    }

    async fn refunds(&mut self, page: Vec<Refund>) -> Looked {
        let known = rows::refunds(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        let of = names(page.iter().filter_map(|one| one.payment.as_deref()))?;
        let payments = rows::payments(self.db(), &of).await?;
        for refund in page {
            let Some(payment) =
                refund.payment.as_deref().filter(|id| payments.iter().any(|row| row.id == *id))
            else {
                self.found.foreign += 1;
                continue;
            };
            self.saw(Compared::Refund, &refund.id);
            let now = (refund.state.as_str(), refund.amount.minor);
            let is_same = |row: &rows::Known| (row.state.as_str(), row.minor) == now;
            let mut here = known.iter().find(|row| row.id == refund.id).cloned();
            if !here.as_ref().is_some_and(is_same) && self.follow(payment).await? {
                here = rows::refunds(self.db(), &names([refund.id.as_str()].into_iter())?).await?.pop();
            }
            if !here.as_ref().is_some_and(is_same) {
                let problem = format!(
                    "{} given back is {} there, and {} here",
                    refund.amount,
                    refund.state,
                    here.as_ref().map_or("not known", |row| row.state.as_str())
                );
                self.found.add(Compared::Refund, &refund.id, problem, MEND);
            }
        }
        Ok(())
    }

    async fn disputes(&mut self, page: Vec<Dispute>) -> Looked {
        let known = rows::disputes(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        let of = names(page.iter().filter_map(|one| one.payment.as_deref()))?;
        let payments = rows::payments(self.db(), &of).await?;
        for dispute in page {
            let Some(payment) =
                dispute.payment.as_deref().filter(|id| payments.iter().any(|row| row.id == *id))
            else {
                self.found.foreign += 1;
                continue;
            };
            self.saw(Compared::Dispute, &dispute.id);
            let now = (dispute.state.as_str(), dispute.amount.minor);
            let is_same = |row: &rows::Known| (row.state.as_str(), row.minor) == now;
            let mut here = known.iter().find(|row| row.id == dispute.id).cloned();
            if !here.as_ref().is_some_and(is_same) && self.follow(payment).await? {
                here = rows::disputes(self.db(), &names([dispute.id.as_str()].into_iter())?).await?.pop();
            }
            if !here.as_ref().is_some_and(is_same) {
                let problem = format!(
                    "a dispute about {} is {} there, and {} here",
                    dispute.amount,
                    dispute.state,
                    here.as_ref().map_or("not known", |row| row.state.as_str())
                );
                self.found.add(Compared::Dispute, &dispute.id, problem, MEND);
            }
        }
        Ok(())
    }

    async fn payouts(&mut self, page: Vec<Payout>) -> Looked {
        let known = rows::payouts(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        for payout in page {
            self.saw(Compared::Payout, &payout.id);
            let now = (payout.state.as_str(), payout.amount.minor);
            let here =
                known.iter().find(|row| row.id == payout.id).map(|row| (row.state.as_str(), row.minor));
            if here == Some(now) {
                continue;
            }
            if self.mend {
                payouts::follow(self.site, self.provider, &payout.id).await?;
                payouts::settle_waiting(self.site, self.provider).await?;
                continue;
            }
            let problem = format!(
                "a payout of {} is {} there, and {} here",
                payout.amount,
                payout.state,
                here.map_or("not known", |(state, _)| state)
            );
            self.found.add(Compared::Payout, &payout.id, problem, MEND);
        }
        Ok(())
    }

    async fn movements(&mut self, page: Vec<Movement>) -> Looked {
        let known = rows::movements(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        let of = names(page.iter().filter_map(|one| one.payment.as_deref()))?;
        let payments = rows::payments(self.db(), &of).await?;
        for movement in page {
            let here = known.iter().find(|row| row.id == movement.id);
            let is_ours =
                movement.payment.as_deref().is_some_and(|id| payments.iter().any(|row| row.id == id));
            // What is of other software is known once it is paid out.
            if here.is_none() && !is_ours && movement.payment.is_some() {
                self.found.foreign += 1;
                continue;
            }
            self.saw(Compared::Movement, &movement.id);
            // What is known as nobody's, and is of a gift of ours, was booked before that was ours.
            let is_nobodys = here.is_some_and(|row| is_ours && row.state.is_empty());
            if !is_nobodys && here.is_some_and(|row| row.minor == movement.net_minor()) {
                continue;
            }
            if self.mend && (here.is_none() || is_nobodys) {
                match &movement.payment {
                    Some(payment) if is_nobodys => drop(self.follow(payment).await?),
                    _ => payouts::settle(self.site, self.provider, &movement, None).await?,
                }
                continue;
            }
            let (amount, kind) =
                (figures(movement.net_minor(), movement.amount.currency.code()), &movement.kind);
            let (problem, remedy) = match here {
                None => (format!("{amount} moved on the balance ({kind}), and is not in the book"), MEND),
                Some(_) if is_nobodys => {
                    (format!("{amount} moved on the balance ({kind}), and is not booked with its gift"), MEND)
                }
                Some(row) => {
                    let ours = figures(row.minor, movement.amount.currency.code());
                    (format!("{amount} moved on the balance ({kind}), and the book has {ours}"), ASK)
                }
            };
            self.found.add(Compared::Movement, &movement.id, problem, remedy);
        }
        Ok(())
    }

    async fn subscriptions(&mut self, page: Vec<ProviderSubscription>) -> Looked {
        let known = rows::subscriptions(self.db(), &names(page.iter().map(|one| one.id.as_str()))?).await?;
        for there in page {
            let here = known.iter().find(|row| row.id == there.id);
            if here.is_none() && there.ours.recurring.is_none() {
                self.found.foreign += 1;
                continue;
            }
            self.saw(Compared::Subscription, &there.id);
            // One that nobody paid for is nobody's.
            if here.is_none() && !there.state.runs() {
                continue;
            }
            let minor = there.amount.map(|amount| amount.minor);
            let is_same = here.is_some_and(|row| {
                row.state == there.state.as_str()
                    && (!there.state.runs() || minor.is_none_or(|minor| minor == row.minor))
            });
            if !is_same {
                let amount = there.amount.map_or_else(String::new, |amount| format!(" of {amount}"));
                let ours = here.map_or("not known", |row| row.state.as_str());
                let problem = format!("a regular donation{amount} is {} there, and {ours} here", there.state);
                self.found.add(
                    Compared::Subscription,
                    &there.id,
                    problem,
                    "Change anything of it at the payment service, such as a note: then it tells us of it again.",
                );
            }
        }
        Ok(())
    }

    /// What was paid for monthly donations: their payments carry no name of ours, so their invoices are looked through.
    async fn months(&mut self) -> Looked {
        let (from, until) = (self.found.from, self.found.until);
        let mut after: Option<String> = None;
        loop {
            let made_out = from.minus(SLOWEST);
            let page = self.provider.account().old_invoices(made_out, after.as_deref()).await?;
            let of = names(page.items.iter().filter_map(|one| one.subscription.as_deref()))?;
            let ours = rows::subscriptions(self.db(), &of).await?;
            let known =
                rows::invoices(self.db(), &names(page.items.iter().map(|one| one.id.as_str()))?).await?;
            for invoice in page.items {
                let is_ours = ours.iter().any(|row| invoice.subscription.as_deref() == Some(&row.id));
                let Some(amount) = invoice.amount.filter(|_| is_ours) else { continue };
                if invoice.paid_at < from || invoice.paid_at >= until {
                    continue;
                }
                self.saw(Compared::Invoice, &invoice.id);
                let mut here = known.contains(&invoice.id);
                if !here && self.mend {
                    apply::look_after_invoice(self.site, self.provider, &invoice.id).await?;
                    here = !rows::invoices(self.db(), &names([invoice.id.as_str()].into_iter())?)
                        .await?
                        .is_empty();
                }
                if !here {
                    let problem = format!("{amount} was paid for a regular donation, and is not in the book");
                    self.found.add(Compared::Invoice, &invoice.id, problem, MEND);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// What is here and was not listed there is asked for by name.
    async fn ours(&mut self) -> Looked {
        let until = self.found.until;
        for what in
            [Compared::Payment, Compared::Refund, Compared::Dispute, Compared::Payout, Compared::Movement]
        {
            let mut after = (self.found.from, 0);
            loop {
                let page = rows::ours(self.db(), what, after, until).await?;
                let Some(last) = page.last() else { break };
                after = (last.at, last.row);
                for row in page {
                    if self.seen.contains(&short(what, &row.id)) {
                        continue;
                    }
                    if what != Compared::Payment {
                        self.is_not_there(what, &row);
                        continue;
                    }
                    match self.provider.payment(&row.id).await {
                        Ok(_) => self.saw(what, &row.id),
                        Err(error) if error.is_missing() => self.is_not_there(what, &row),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(())
    }

    fn is_not_there(&mut self, what: Compared, row: &rows::Ours) {
        let problem = format!(
            "{} of {} is here, and not at the payment service",
            what,
            figures(row.minor, &row.currency)
        );
        self.found.add(what, &row.id, problem, ASK);
    }
}

/// Keeps what a comparison found, for the desk.
pub async fn keep_reconciled(site: &Site, found: &Reconciled) -> Result<()> {
    let mut tx = site.db.begin().await?;
    keep(&mut tx, found).await?;
    tx.commit().await
}

/// The same, in a transaction.
pub(super) async fn keep(tx: &mut Tx, found: &Reconciled) -> Result<()> {
    // Of a day or two, or of last year, says nothing of the rest.
    let is_short = found.until.since(found.from) < NIGHTLY.saturating_sub(A_DAY);
    if is_short || found.at.since(found.until) > A_DAY {
        return Ok(());
    }
    let text = serde_json::to_string(found).map_err(|error| sqlx::Error::Encode(error.into()))?;
    rows::keep(tx, (found.from, found.until, found.at), (found.compared, found.different), &text).await?;
    Ok(())
}

/// What the last comparison said; none before the first.
pub async fn last_reconciled(db: &Db) -> Result<Option<LastCompared>> {
    let Some((at, equal_at, found)) = rows::last(db).await? else { return Ok(None) };
    let found = serde_json::from_str(&found).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(LastCompared { at, equal_at, found }))
}
