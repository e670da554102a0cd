//! A payment provider in memory, whose objects a test sets by hand and which can fail before or after it acted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Moment,
    money::{Currency, Money},
    payments::{
        Change, Checkout, CheckoutSession, EventPage, Every, Invoice, NewCheckout, OurIds, Payment,
        PaymentProvider, PaymentState, ProviderAnswer, ProviderError, ProviderEvent, ProviderSubscription,
        RecurringState, SessionState, SubscriptionChange, Terms,
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
    pub trouble: VecDeque<Trouble>,
    pub calls: u64,
    /// What was changed of subscriptions, by its key.
    pub changes: HashMap<String, SubscriptionChange>,
    /// Mandates that a bank has revoked, and what was paid by them.
    pub revoked: HashMap<String, String>,
    /// Whether the key moves real money.
    pub live: bool,
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
            paid_at: Some(ARRIVED),
            created: BEGUN,
            amount,
            next_try: None,
            page: None,
            first: month == 1,
            subscription: Some(format!("sub_{donation}")),
            payment: Some(payment_id.clone()),
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
            Change::Amount { minor, rhythm, .. } => {
                subscription.amount = Some(Money::new(*minor, Currency::EUR));
                subscription.terms.rhythm = *rhythm;
            }
            Change::Date { next } => subscription.terms.next = Some(*next),
            Change::Rest { until } => {
                subscription.state = RecurringState::Paused;
                subscription.terms.rests_until = *until;
            }
            Change::GoOn => {
                subscription.state = RecurringState::Active;
                subscription.terms.rests_until = None;
            }
            Change::EndLater => subscription.terms.ends_at = subscription.terms.next,
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
            None => Ok(act()),
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
    fn revoked_method<'a>(&'a self, mandate: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move { self.trouble(|| self.objects().revoked.get(mandate).cloned()) })
    }
    /// Newest first, three a page.
    fn events<'a>(&'a self, since: Option<Moment>, after: Option<&'a str>) -> ProviderAnswer<'a, EventPage> {
        Box::pin(async move {
            let mut listed = self.trouble(|| self.objects().events.clone())?;
            listed.retain(|event| since.is_none_or(|since| event.created >= since));
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
