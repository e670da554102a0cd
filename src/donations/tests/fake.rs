//! A payment provider in memory, whose objects a test sets by hand and which can fail before or after it acted.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Moment,
    money::{Currency, Money},
    payments::{
        AccountStanding, AfterPayment, Charge, Checkout, CheckoutSession, Dispute, DisputeState, EventPage,
        EventsAsked, Every, FraudWarning, GiftChange, Invoice, Movement, NewCheckout, NewRefund, OurIds,
        Page, Payment, PaymentProvider, PaymentState, Payout, ProviderAccount, ProviderAnswer, ProviderError,
        ProviderEvent, ProviderSubscription, RecurringState, Refund, RefundState, SessionState, Span,
        SubscriptionChange, Terms,
    },
};

/// How long after it began the next payment is.
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// When supporters set out, by the provider's clock; when their money came; when what they ended was over.
pub const BEGUN: Moment = Moment::from_unix_seconds(1_799_000_000);
pub const ARRIVED: Moment = Moment::from_unix_seconds(1_799_600_000);
pub const ENDED: Moment = Moment::from_unix_seconds(1_799_700_000);

/// How the next call goes wrong.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// None: it is the call after this one that goes wrong.
    None,
    /// Nothing happened.
    Busy,
    /// It acted, and the answer was lost.
    AnswerLost,
    /// It says no.
    Refuses,
    /// What is asked for is there, and seen by the other kind of key alone.
    OtherMode,
}

#[derive(Debug, Default)]
pub struct Objects {
    pub checkouts: HashMap<String, (NewCheckout, Checkout)>,
    pub sessions: HashMap<String, CheckoutSession>,
    pub payments: HashMap<String, Payment>,
    pub invoices: HashMap<String, Invoice>,
    pub subscriptions: HashMap<String, ProviderSubscription>,
    pub events: Vec<ProviderEvent>,
    pub refunds: BTreeMap<String, Refund>,
    pub disputes: BTreeMap<String, Dispute>,
    pub warnings: BTreeMap<String, FraudWarning>,
    pub payouts: BTreeMap<String, Payout>,
    /// Movements on the balance, with the payout of each that was paid out.
    pub movements: BTreeMap<String, (Movement, Option<String>)>,
    /// Refunds by the key that they were asked for with.
    pub refund_keys: HashMap<String, (NewRefund, String)>,
    pub trouble: VecDeque<Trouble>,
    pub calls: u64,
    /// What was changed of subscriptions, by its key.
    pub changes: HashMap<String, SubscriptionChange>,
    /// Mandates that a bank has revoked, and what was paid by them.
    pub revoked: HashMap<String, String>,
    /// Addresses of customers.
    pub addresses: HashMap<String, String>,
    /// Whether the key moves real money.
    pub live: bool,
    /// Whether the account may do what we need it for.
    pub standing: AccountStanding,
}

#[derive(Debug, Default)]
pub struct Fake(Mutex<Objects>);

impl Fake {
    pub fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_trouble(&self, trouble: Trouble) {
        self.objects().trouble.push_back(trouble);
    }

    /// The one session that was made for a donation.
    pub fn session_of(&self, donation: &str) -> CheckoutSession {
        let objects = self.objects();
        let found: Vec<_> = objects
            .sessions
            .values()
            .filter(|session| session.ours.donation.as_deref() == Some(donation))
            .collect();
        assert_eq!(found.len(), 1, "one session for a gift");
        found[0].clone()
    }

    pub fn set_session(&self, session: &CheckoutSession) {
        self.objects().sessions.insert(session.id.clone(), session.clone());
    }

    /// The supporter pays once: session and payment come into the given states.
    pub fn pay_once(&self, donation: &str, state: SessionState, payment: PaymentState) -> (String, String) {
        let mut session = self.session_of(donation);
        let payment_id = format!("pi_{donation}");
        session.state = state;
        session.payment = Some(payment_id.clone());
        self.set_session(&session);
        let paid = Payment {
            id: payment_id.clone(),
            state: payment,
            amount: session.total,
            ours: session.ours.clone(),
            paid_at: (payment == PaymentState::Succeeded).then_some(ARRIVED),
            charge: None,
            in_review: false,
            refused: None,
            begins_months: false,
            asks_owner: false,
        };
        self.objects().payments.insert(payment_id.clone(), paid);
        (session.id, payment_id)
    }

    /// The supporter begins to pay monthly: session, subscription and first invoice, all paid.
    pub fn pay_monthly(&self, donation: &str) -> (String, String, String) {
        let mut session = self.session_of(donation);
        let (subscription_id, invoice_id) = (format!("sub_{donation}"), format!("in_{donation}_1"));
        session.state = SessionState::Paid;
        session.subscription = Some(subscription_id.clone());
        session.invoice = Some(invoice_id.clone());
        self.set_session(&session);
        let subscription = ProviderSubscription {
            id: subscription_id.clone(),
            state: RecurringState::Active,
            customer: Some(format!("cus_{donation}")),
            amount: session.total,
            terms: Terms {
                item: Some((format!("si_{donation}"), format!("prod_{donation}"))),
                next: Some(BEGUN.plus(MONTH)),
                ..Terms::default()
            },
            ours: session.ours.clone(),
            created: BEGUN,
            ended_at: None,
        };
        self.objects().subscriptions.insert(subscription_id.clone(), subscription);
        self.add_invoice(donation, 1, session.total, session.email.clone());
        (session.id, subscription_id, invoice_id)
    }

    /// Another month's invoice, paid.
    pub fn add_invoice(
        &self,
        donation: &str,
        month: u32,
        amount: Option<Money>,
        email: Option<String>,
    ) -> String {
        let id = format!("in_{donation}_{month}");
        let payment_id = format!("pi_{donation}_{month}");
        let invoice = Invoice {
            id: id.clone(),
            paid: true,
            open: false,
            stuck: None,
            paid_at: Some(ARRIVED),
            created: BEGUN,
            amount,
            elsewhere_minor: 0,
            next_try: None,
            page: None,
            first: month == 1,
            subscription: Some(format!("sub_{donation}")),
            payment: Some(payment_id.clone()),
            waits_for: Some(payment_id.clone()),
            email,
            name: None,
        };
        let mut objects = self.objects();
        objects.invoices.insert(id.clone(), invoice);
        // What an invoice makes carries none of our ids.
        let payment = Payment {
            id: payment_id.clone(),
            state: PaymentState::Succeeded,
            amount,
            ours: OurIds::default(),
            paid_at: Some(ARRIVED),
            charge: None,
            in_review: false,
            refused: None,
            begins_months: month == 1,
            asks_owner: false,
        };
        objects.payments.insert(payment_id, payment);
        id
    }

    /// The same key changes it once, and says the same.
    fn change(&self, wanted: &SubscriptionChange, key: &str) {
        let mut objects = self.objects();
        if let Some(first) = objects.changes.get(key) {
            assert_eq!(first, wanted, "a repeat with the same key says the same");
            return;
        }
        objects.changes.insert(key.to_owned(), wanted.clone());
        let Some(subscription) = objects.subscriptions.get_mut(&wanted.subscription) else { return };
        match &wanted.change {
            GiftChange::Amount { minor, rhythm, .. } => {
                subscription.amount = Some(Money::new(*minor, Currency::EUR));
                subscription.terms.rhythm = *rhythm;
            }
            GiftChange::Date { next } => subscription.terms.next = Some(*next),
            GiftChange::Rest { until } => {
                subscription.state = RecurringState::Paused;
                subscription.terms.rests_until = *until;
            }
            GiftChange::GoOn => {
                subscription.state = RecurringState::Active;
                subscription.terms.rests_until = None;
            }
            GiftChange::EndLater => {
                subscription.terms.ends_at = subscription.terms.next;
                subscription.terms.ends_with_period = true;
            }
            GiftChange::KeepOn { .. } => {
                subscription.terms.ends_at = None;
                subscription.terms.ends_with_period = false;
            }
        }
    }

    pub fn end_subscription(&self, id: &str) {
        if let Some(subscription) = self.objects().subscriptions.get_mut(id) {
            subscription.state = RecurringState::Cancelled;
            subscription.ended_at.get_or_insert(ENDED);
        }
    }

    fn look<T: Clone>(
        &self,
        id: &str,
        kind: impl FnOnce(&Objects) -> &HashMap<String, T>,
    ) -> Result<T, ProviderError> {
        self.trouble(|| ())?;
        kind(&self.objects()).get(id).cloned().ok_or_else(|| missing(id))
    }

    fn trouble<T>(&self, act: impl FnOnce() -> T) -> Result<T, ProviderError> {
        let trouble = {
            let mut objects = self.objects();
            objects.calls += 1;
            objects.trouble.pop_front()
        };
        match trouble {
            None | Some(Trouble::None) => Ok(act()),
            Some(Trouble::Busy) => Err(ProviderError::Retryable { status: 503, message: "busy".to_owned() }),
            Some(Trouble::AnswerLost) => {
                act();
                Err(ProviderError::Unknown("timeout".to_owned()))
            }
            Some(Trouble::OtherMode) => Err(ProviderError::Refused {
                status: 404,
                code: "resource_missing".to_owned(),
                message: "No such subscription; a similar object exists in the other mode".to_owned(),
            }),
            Some(Trouble::Refuses) => Err(ProviderError::Refused {
                status: 400,
                code: "amount_too_small".to_owned(),
                message: "too small".to_owned(),
            }),
        }
    }

    fn make_checkout(&self, new: &NewCheckout) -> Checkout {
        let mut objects = self.objects();
        if let Some((first, checkout)) = objects.checkouts.get(&new.idempotency_key) {
            assert_eq!(first, new, "a repeat with the same key says the same");
            return checkout.clone();
        }
        let id = format!("cs_{}", new.donation);
        let checkout = Checkout { id: id.clone(), url: format!("https://checkout.example.com/{id}") };
        objects.checkouts.insert(new.idempotency_key.clone(), (new.clone(), checkout.clone()));
        let session = CheckoutSession {
            id: id.clone(),
            state: SessionState::Open,
            every: new.every,
            ours: OurIds { donation: Some(new.donation.clone()), recurring: new.recurring.clone() },
            total: Some(Money::new(new.amount_minor, Currency::EUR)),
            payment: None,
            subscription: None,
            invoice: None,
            email: Some(new.email.clone()),
            name: None,
            created: BEGUN,
        };
        objects.sessions.insert(id, session);
        checkout
    }
}

impl PaymentProvider for Fake {
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> ProviderAnswer<'a, Checkout> {
        Box::pin(async move { self.trouble(|| self.make_checkout(new)) })
    }
    fn checkout_session<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, CheckoutSession> {
        Box::pin(async move { self.look(id, |objects| &objects.sessions) })
    }
    fn close_checkout<'a>(&'a self, id: &'a str, _key: &'a str) -> ProviderAnswer<'a, ()> {
        Box::pin(async move {
            self.trouble(|| {
                if let Some(session) = self.objects().sessions.get_mut(id) {
                    session.state = SessionState::Expired;
                }
            })
        })
    }
    fn payment<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payment> {
        Box::pin(async move { self.look(id, |objects| &objects.payments) })
    }
    fn invoice<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Invoice> {
        Box::pin(async move { self.look(id, |objects| &objects.invoices) })
    }
    fn subscription<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move { self.look(id, |objects| &objects.subscriptions) })
    }
    fn session_of<'a>(&'a self, subscription: &'a str) -> ProviderAnswer<'a, Option<CheckoutSession>> {
        Box::pin(async move {
            let made = |session: &&CheckoutSession| session.subscription.as_deref() == Some(subscription);
            self.trouble(|| self.objects().sessions.values().find(made).cloned())
        })
    }
    fn cancel_subscription<'a>(
        &'a self,
        id: &'a str,
        _key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move {
            self.trouble(|| self.end_subscription(id))?;
            let ended = self.objects().subscriptions.get(id).cloned();
            ended.ok_or_else(|| missing(id))
        })
    }
    fn change_subscription<'a>(
        &'a self,
        wanted: &'a SubscriptionChange,
        key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move {
            self.trouble(|| self.change(wanted, key))?;
            let changed = self.objects().subscriptions.get(&wanted.subscription).cloned();
            changed.ok_or_else(|| missing(&wanted.subscription))
        })
    }
    fn card_page<'a>(&'a self, customer: &'a str, _back: &'a str) -> ProviderAnswer<'a, String> {
        Box::pin(async move { self.trouble(|| format!("https://portal.example.com/{customer}")) })
    }
    fn customer_email<'a>(&'a self, customer: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move { self.trouble(|| self.objects().addresses.get(customer).cloned()) })
    }
    fn set_customer_email<'a>(
        &'a self,
        customer: &'a str,
        email: &'a str,
        _key: &'a str,
    ) -> ProviderAnswer<'a, ()> {
        Box::pin(async move {
            self.trouble(|| {
                self.objects().addresses.insert(customer.to_owned(), email.to_owned());
            })
        })
    }
    fn revoked_method<'a>(&'a self, mandate: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move { self.trouble(|| self.objects().revoked.get(mandate).cloned()) })
    }
    /// Newest first, three a page.
    fn events<'a>(
        &'a self,
        asked: &'a EventsAsked<'a>,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, EventPage> {
        Box::pin(async move {
            let mut listed = self.trouble(|| self.objects().events.clone())?;
            listed.retain(|event| {
                asked.kinds.contains(&event.kind.as_str())
                    && asked.from.is_none_or(|from| event.created >= from)
                    && asked.until.is_none_or(|until| event.created < until)
            });
            listed.reverse();
            let begin = match after {
                None => 0,
                Some(id) => listed.iter().position(|event| event.id == id).ok_or_else(|| missing(id))? + 1,
            };
            let rest = &listed[begin..];
            let events = rest[..rest.len().min(3)].to_vec();
            let next = events.last().filter(|_| rest.len() > 3).map(|event| event.id.clone());
            Ok(EventPage { events, next })
        })
    }
    fn after(&self) -> &dyn AfterPayment {
        self
    }

    fn account(&self) -> &dyn ProviderAccount {
        self
    }
    fn probe(&self) -> ProviderAnswer<'_, ()> {
        Box::pin(async move { self.trouble(|| ()) })
    }
    fn is_live(&self) -> bool {
        self.objects().live
    }
    fn checkout_origin(&self) -> String {
        "https://checkout.example.com".to_owned()
    }
}

/// What moves on the balance: the id says what, and the fee comes off.
pub fn movement(id: &str, kind: &str, minor: i64, fee_minor: i64) -> Movement {
    Movement {
        id: id.to_owned(),
        kind: kind.to_owned(),
        source: None,
        payment: None,
        amount: Money::new(minor, Currency::EUR),
        fee_minor,
        exchange_rate: None,
        at: ARRIVED,
    }
}

/// What becomes of a payment after it was paid.
impl Fake {
    /// The money of a payment is on the balance, without its fee.
    pub fn settle(&self, payment: &str, fee_minor: i64) {
        let mut objects = self.objects();
        let paid = objects.payments.get_mut(payment).expect("a payment");
        let minor = paid.amount.expect("an amount").minor;
        let mut moved = movement(&format!("txn_{payment}"), "charge", minor, fee_minor);
        moved.payment = Some(payment.to_owned());
        let charge = Charge {
            id: format!("ch_{payment}"),
            movement: Some(moved.clone()),
            refunded_minor: 0,
            disputed: false,
            brand: "visa".to_owned(),
            last4: "4242".to_owned(),
        };
        paid.charge = Some(charge);
        objects.movements.insert(moved.id.clone(), (moved, None));
    }

    /// Gives some of a payment back, or changes how far that has come.
    pub fn set_refund(&self, payment: &str, id: &str, minor: i64, state: RefundState) {
        let mut objects = self.objects();
        let moved = movement(&format!("txn_{id}"), "refund", -minor, 0);
        let returned = (state == RefundState::Failed)
            .then(|| movement(&format!("txn_{id}_back"), "refund_failure", minor, 0));
        for one in [Some(&moved), returned.as_ref()].into_iter().flatten() {
            objects.movements.insert(one.id.clone(), (one.clone(), None));
        }
        let ours = objects.refunds.get(id).and_then(|known| known.ours.clone());
        let refund = Refund {
            id: id.to_owned(),
            state,
            amount: Money::new(minor, Currency::EUR),
            reason: "requested_by_customer".to_owned(),
            failure: if state == RefundState::Failed { "lost_or_stolen_card" } else { "" }.to_owned(),
            ours,
            payment: Some(payment.to_owned()),
            moved: Some(moved),
            returned,
            created: ARRIVED,
        };
        objects.refunds.insert(id.to_owned(), refund);
        let of_payment = |one: &&Refund| one.payment.as_deref() == Some(payment) && one.state.is_away();
        let away = objects.refunds.values().filter(of_payment).map(|one| one.amount.minor).sum();
        if let Some(charge) = objects.payments.get_mut(payment).and_then(|paid| paid.charge.as_mut()) {
            charge.refunded_minor = away;
        }
    }

    /// A bank takes a payment back, or decides.
    pub fn set_dispute(&self, payment: &str, id: &str, state: DisputeState) {
        let mut objects = self.objects();
        let amount = objects.payments[payment].amount.expect("an amount");
        let mut movements = vec![movement(&format!("txn_{id}"), "adjustment", -amount.minor, 1_500)];
        if state == DisputeState::Won {
            movements.push(movement(&format!("txn_{id}_back"), "adjustment", amount.minor, -1_500));
        }
        for one in &movements {
            objects.movements.insert(one.id.clone(), (one.clone(), None));
        }
        let dispute = Dispute {
            id: id.to_owned(),
            state,
            amount,
            reason: "fraudulent".to_owned(),
            payment: Some(payment.to_owned()),
            due: Some(ENDED),
            answered: false,
            movements,
            created: ARRIVED,
        };
        objects.disputes.insert(id.to_owned(), dispute);
        if let Some(charge) = objects.payments.get_mut(payment).and_then(|paid| paid.charge.as_mut()) {
            charge.disputed = true;
        }
    }

    /// By currency, what the movements on the balance come to.
    pub fn balance(&self) -> i64 {
        self.objects().movements.values().map(|(moved, _)| moved.net_minor()).sum()
    }

    /// A page of a list that ends after so many, three at once.
    fn page<T: Clone>(&self, all: Vec<(String, T)>, span: Span<'_>) -> Result<Page<T>, ProviderError> {
        self.trouble(|| ())?;
        let begin = match span.after {
            None => 0,
            Some(id) => all.iter().position(|(known, _)| known == id).ok_or_else(|| missing(id))? + 1,
        };
        let rest = &all[begin..];
        let some = &rest[..rest.len().min(3)];
        let next = some.last().filter(|_| rest.len() > 3).map(|(id, _)| id.clone());
        Ok(Page { items: some.iter().map(|(_, item)| item.clone()).collect(), next })
    }

    fn of_payment<T: Clone>(
        &self,
        payment: &str,
        kind: impl FnOnce(&Objects) -> Vec<(Option<String>, T)>,
    ) -> Result<Vec<T>, ProviderError> {
        self.trouble(|| ())?;
        let all = kind(&self.objects());
        Ok(all.into_iter().filter(|(of, _)| of.as_deref() == Some(payment)).map(|(_, one)| one).collect())
    }
}

impl AfterPayment for Fake {
    fn refunds_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Refund>> {
        Box::pin(async move {
            self.of_payment(payment, |all| {
                all.refunds.values().map(|one| (one.payment.clone(), one.clone())).collect()
            })
        })
    }
    fn disputes_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Dispute>> {
        Box::pin(async move {
            self.of_payment(payment, |all| {
                all.disputes.values().map(|one| (one.payment.clone(), one.clone())).collect()
            })
        })
    }
    fn warnings_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<FraudWarning>> {
        Box::pin(async move {
            self.of_payment(payment, |all| {
                all.warnings.values().map(|one| (one.payment.clone(), one.clone())).collect()
            })
        })
    }
    fn invoice_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            let of = |one: &&Invoice| one.payment.as_deref() == Some(payment);
            self.trouble(|| self.objects().invoices.values().find(of).map(|one| one.id.clone()))
        })
    }
    fn session_of_payment<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            let of = |one: &&CheckoutSession| one.payment.as_deref() == Some(payment);
            self.trouble(|| self.objects().sessions.values().find(of).map(|one| one.id.clone()))
        })
    }
    fn refund<'a>(&'a self, new: &'a NewRefund) -> ProviderAnswer<'a, Refund> {
        Box::pin(async move {
            self.trouble(|| {
                let known = self.objects().refund_keys.get(&new.idempotency_key).cloned();
                let id = known.map_or_else(
                    || {
                        let id = format!("re_{}", self.objects().refunds.len() + 1);
                        let key = new.idempotency_key.clone();
                        self.objects().refund_keys.insert(key, (new.clone(), id.clone()));
                        self.set_refund(&new.payment, &id, new.amount_minor, RefundState::Succeeded);
                        if let Some(made) = self.objects().refunds.get_mut(&id) {
                            made.ours = Some(new.ours.clone());
                        }
                        id
                    },
                    |(first, id)| {
                        assert_eq!(first, *new, "a repeat with the same key says the same");
                        id
                    },
                );
                self.objects().refunds[&id].clone()
            })
        })
    }
    fn payout<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payout> {
        Box::pin(async move {
            self.trouble(|| ())?;
            self.objects().payouts.get(id).cloned().ok_or_else(|| missing(id))
        })
    }
    fn movements<'a>(
        &'a self,
        span: Span<'a>,
        payout: Option<&'a str>,
    ) -> ProviderAnswer<'a, Page<Movement>> {
        Box::pin(async move {
            let all = self.objects().movements.clone();
            let of = |(_, paid_out): &(Movement, Option<String>)| {
                payout.is_none() || paid_out.as_deref() == payout
            };
            let all = all.into_iter().filter(|(_, one)| of(one)).map(|(id, (one, _))| (id, one)).collect();
            self.page(all, span)
        })
    }
    fn refunds<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Refund>> {
        Box::pin(async move {
            let all = self.objects().refunds.clone();
            self.page(all.into_iter().collect(), span)
        })
    }
    fn disputes<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Dispute>> {
        Box::pin(async move {
            let all = self.objects().disputes.clone();
            self.page(all.into_iter().collect(), span)
        })
    }
    fn payouts<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Payout>> {
        Box::pin(async move {
            let all = self.objects().payouts.clone();
            self.page(all.into_iter().collect(), span)
        })
    }
    fn payments<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Payment>> {
        Box::pin(async move {
            let all: BTreeMap<_, _> = self.objects().payments.clone().into_iter().collect();
            self.page(all.into_iter().collect(), span)
        })
    }
    fn subscriptions<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<ProviderSubscription>> {
        Box::pin(async move {
            let all: BTreeMap<_, _> = self.objects().subscriptions.clone().into_iter().collect();
            self.page(all.into_iter().collect(), span)
        })
    }
}

fn missing(id: &str) -> ProviderError {
    ProviderError::Refused {
        status: 404,
        code: "resource_missing".to_owned(),
        message: format!("no such object: {id}"),
    }
}

/// Every order of the items.
pub fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        for mut tail in permutations(&rest) {
            tail.insert(0, first.clone());
            all.push(tail);
        }
    }
    all
}

/// How often, for a test's gift.
pub fn every(monthly: bool) -> Every {
    if monthly { Every::Month } else { Every::Once }
}
