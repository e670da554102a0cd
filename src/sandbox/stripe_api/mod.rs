//! A server that speaks the part of Stripe's API that we use, with its checkout page, portal and signed events.
//!
//! The rule: it is written from Stripe's published types and documentation, never from our own client, and it refuses what it
//! does not know. So our misunderstandings cannot pass here. A test holds what we ask and what it answers against the types that
//! Stripe publishes.
//!
//! What there is: checkout sessions (card, bank debit that arrives later, declined with any code, expired), payment intents, charges,
//! balance transactions with fees and exchange, refunds (pending, asking, failed, called off), disputes (inquiries, won, lost,
//! prevented), fraud warnings, reviews; customers, payment methods, products, prices; subscriptions (several items, quantity, coupon,
//! trial, pause, proration, all statuses) and invoices (credit, nothing due, paid outside, void, uncollectible, tries on set days); the
//! portal and its settings; payouts; the account and its restrictions; endpoints for events with kinds and versions of their own.
//! Time passes by [`StripeServer::let_time_pass`]. What goes wrong on demand: [`ApiFault`], [`Fate`], [`Forgery`], [`EventShape`]. What
//! somebody does in the dashboard stands in `by_hand`, and as buttons on `/payments`. What it all comes to: [`StripeServer::book`].
//!
//! What there is not: Connect, tax, send_invoice, credit notes, subscription schedules, promotion codes, Radar's rules, partial
//! captures, payment records, sources as objects.

mod account;
mod api;
mod balance;
mod bill;
mod book;
mod by_hand;
mod changes;
mod checkout;
mod currency;
mod customer;
mod dashboard;
mod deliver;
mod delivery;
mod dispute;
mod due;
mod endpoint;
mod error;
mod events;
mod form;
mod invoice;
mod lists;
mod mandate;
mod objects;
pub(super) mod pages;
mod payment;
mod payout;
mod portal;
mod radar;
mod record;
mod refund;
mod routes;
mod rules;
mod script;
mod shape;
mod shown;
mod state;
mod subscription;
mod supporters;
mod visit;

use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

pub use book::{BookedCurrency, GivenInAll, ProviderBook};
pub use customer::SandboxCard;
pub use deliver::signature;
pub use delivery::{Delivery, DeliveryState};
pub use dispute::DisputeKind;
pub use invoice::CardAnswer;
pub use record::RecordedCall;
pub use rules::{AfterLastTry, RefundCourse, Settlement, StripeRules};
pub use script::{ApiFault, Fate, Forgery};
pub use shape::EventShape;
pub use supporters::OldSupporter;

use crate::clock::{Clock, Moment};
use error::{ApiError, ApiResult};
use state::{Cause, State, public};

pub(super) use api::router;

/// Where events are sent, and the secret they are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// A plain `http:` address on this machine.
    pub url: String,
    /// The signing secret, as Stripe's `whsec_…`.
    pub secret: String,
}

/// Whether money is given once or every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rhythm {
    /// A single payment.
    Once,
    /// An instalment of a subscription: its first, or a later one.
    Recurring,
}

/// Money that was really taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// The charge's id.
    pub charge: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// The currency in lower case.
    pub currency: String,
    /// Once or an instalment.
    pub rhythm: Rhythm,
    /// The payment intent's id.
    pub payment_intent: String,
    /// The checkout session that led to it; the one that began the subscription, for an instalment.
    pub session: String,
    /// The subscription, for an instalment.
    pub subscription: Option<String>,
    /// The invoice, for an instalment.
    pub invoice: Option<String>,
    /// Who paid.
    pub email: String,
    pub at: Moment,
}

/// The payment provider. A clone is a handle on the same one.
#[derive(Clone, Debug)]
pub struct StripeServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    api_key: String,
    state: Mutex<State>,
    queue: mpsc::UnboundedSender<(u64, Duration)>,
    changes: watch::Sender<u64>,
    lost: Mutex<HashSet<String>>,
}

impl StripeServer {
    /// Opens its state; the second part delivers what waits, until `stop` says so.
    pub(super) fn open(
        folder: &Path,
        clock: Clock,
        api_key: String,
        stop: watch::Receiver<bool>,
    ) -> io::Result<(Self, impl Future<Output = ()> + Send + use<>)> {
        let state = State::open(folder, clock.now())?;
        let (queue, waiting) = mpsc::unbounded_channel();
        let (changes, _) = watch::channel(0);
        let server = Self(Arc::new(Inner {
            clock,
            api_key,
            state: Mutex::new(state),
            queue,
            changes,
            lost: Mutex::default(),
        }));
        let delivering = deliver::run(server.clone(), waiting, stop);
        Ok((server, delivering))
    }

    /// Begins to serve, once it is known where this server is and where events go.
    pub(super) fn begin(&self, base_url: String, webhook: Option<Webhook>) {
        self.lock().base_url = base_url;
        self.set_webhook(webhook);
    }

    /// Sends events there from now on. Deliveries that wait, from before a restart too, are taken up again.
    pub(super) fn set_webhook(&self, webhook: Option<Webhook>) {
        let mut state = self.lock();
        state.webhook = webhook;
        if state.webhook.is_none() {
            return;
        }
        state.requeue();
        for next in std::mem::take(&mut state.to_send) {
            self.0.queue.send(next).ok();
        }
    }

    /// What was really charged, in the order it was.
    #[must_use]
    pub fn charges(&self) -> Vec<Charged> {
        let lost = self.0.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.lock();
        state.charged.iter().filter(|charged| !lost.contains(&charged.charge)).cloned().collect()
    }

    /// A bug on demand: forgets the last charge, so that a test can prove that the comparison with this list fails.
    pub fn lose_charge(&self) {
        if let Some(last) = self.charges().last() {
            self.0.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(last.charge.clone());
        }
    }

    /// All checkout sessions, the newest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<Value> {
        self.objects("checkout.session")
    }

    /// All subscriptions, the newest first.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Value> {
        self.objects("subscription")
    }

    /// All events, the newest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.objects("event")
    }

    fn objects(&self, kind: &str) -> Vec<Value> {
        self.lock().newest(kind).map(public).collect()
    }

    /// The object with this id, as the API would show it.
    #[must_use]
    pub fn object(&self, id: &str) -> Option<Value> {
        self.lock().get(id).map(public)
    }

    /// Decides what becomes of events of this kind, or of all; `times` of them, or for ever.
    pub fn plan_event(&self, kind: Option<&str>, fate: Fate, times: Option<u32>) {
        self.lock().script.plan_event(kind, fate, times);
    }

    /// Decides what becomes of requests whose path begins so, or of all; `times` of them, or for ever.
    pub fn plan_request(&self, path: Option<&str>, fault: ApiFault, times: Option<u32>) {
        self.lock().script.plan_request(path, fault, times);
    }

    /// Forgets all plans and holds no more events.
    pub fn clear_plans(&self) {
        self.lock().script = script::Script::default();
    }

    /// Pays a session's checkout page with a card, as a visitor would.
    ///
    /// # Errors
    /// When the session is not open.
    pub fn pay(&self, session: &str, email: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.pay(session, Some(email), visit::Visit::Pay))
    }

    /// Tries to pay with a card that is declined; the session stays open.
    ///
    /// # Errors
    /// When the session is not open.
    pub fn decline(&self, session: &str, email: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.pay(session, Some(email), visit::Visit::Decline))
    }

    /// Pays by bank debit: the session is complete, and the money comes, or not, when [`StripeServer::settle`] says so.
    ///
    /// # Errors
    /// When the session is not open.
    pub fn pay_later(&self, session: &str, email: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.pay(session, Some(email), visit::Visit::PayLater))
    }

    /// Pays a monthly session and stops in the moment between: its subscription is there and paid, and the session does not
    /// name it before [`StripeServer::go_on`].
    ///
    /// # Errors
    /// When the session is not open.
    pub fn pay_halfway(&self, session: &str, email: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.pay(session, Some(email), visit::Visit::PayHalfway))
    }

    /// Lets a session that was paid halfway name its subscription.
    ///
    /// # Errors
    /// When it is not one of those.
    pub fn go_on(&self, session: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.go_on(session))
    }

    /// What was deleted in the dashboard with all test data: the object is there no more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn delete(&self, id: &str) -> Result<(), SandboxError> {
        self.visit(|state| {
            state.change(id, |object| object["object"] = "deleted".into());
            Ok(())
        })
    }

    /// From now on money that is taken is not on the balance yet: a charge says when it came only after
    /// [`StripeServer::balance_arrives`].
    pub fn slow_balance(&self) {
        self.lock().script.slow_balance = true;
    }

    /// Every charge that waits is on the balance, and said to be.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn balance_arrives(&self) -> Result<(), SandboxError> {
        self.visit(|state| {
            state.balance_arrives();
            Ok(())
        })
    }

    /// Makes the open invoice of a subscription void, as staff can in the dashboard.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn void_invoice(&self, subscription: &str) -> Result<(), SandboxError> {
        self.visit(|state| {
            state.void_invoices_of(subscription);
            Ok(())
        })
    }

    /// Lets a bank debit succeed or fail.
    ///
    /// # Errors
    /// When the session has no debit on its way.
    pub fn settle(&self, session: &str, succeeds: bool) -> Result<(), SandboxError> {
        self.visit(|state| state.settle(session, succeeds))
    }

    /// Moves a subscription on by one period: its next instalment is charged, or it ends if it was to end.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn renew(&self, subscription: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.renew(subscription, &CardAnswer::Works))
    }

    /// The same with a card that is declined: the subscription becomes past due.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn fail_renewal(&self, subscription: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.renew(subscription, &CardAnswer::Declined(String::new())))
    }

    /// Makes another subscription like that one, as staff can in the dashboard: the same metadata, and no checkout session. Gives
    /// its id.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn copy_subscription(&self, subscription: &str) -> Result<String, SandboxError> {
        self.visit(|state| state.copy_subscription(subscription))
    }

    /// Tries the last open invoice of a subscription again, with a card that works now.
    ///
    /// # Errors
    /// When there is nothing to pay.
    pub fn retry_invoice(&self, subscription: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.retry_invoice(subscription, &CardAnswer::Works))
    }

    /// Lets every session end whose time has passed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn expire_due(&self) -> Result<(), SandboxError> {
        self.visit(|_| Ok(()))
    }

    fn visit<T>(&self, what: impl FnOnce(&mut State) -> ApiResult<T>) -> Result<T, SandboxError> {
        self.act(None, None, what).map_err(|error| SandboxError(error.body()["error"]["message"].to_string()))
    }

    /// Does one operation, writes it down, and sends what it gave rise to.
    fn act<T>(
        &self,
        request: Option<&str>,
        key: Option<&str>,
        what: impl FnOnce(&mut State) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let mut state = self.lock();
        state.cause = Cause { now: self.0.clock.now(), ..Cause::default() };
        state.expire_due();
        state.cause.request = request.map(str::to_owned);
        state.cause.key = key.map(str::to_owned);
        let done = what(&mut state);
        let written = state.commit();
        for next in std::mem::take(&mut state.to_send) {
            self.0.queue.send(next).ok();
        }
        drop(state);
        self.0.changes.send_modify(|changes| *changes += 1);
        written.map_err(|error| {
            ApiError::server(500, format!("The sandbox cannot write its journal: {error}"))
        })?;
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the sandbox could not do what a test asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment sandbox refuses: {0}")]
pub struct SandboxError(String);
