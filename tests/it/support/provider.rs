//! The payment provider with a fault in what it lists, or in opening a checkout.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use broadside::payments::{
    AfterPayment, Checkout, CheckoutSession, EventPage, EventsAsked, Invoice, NewCheckout, Payment,
    PaymentProvider, ProviderAccount, ProviderAnswer, ProviderError, ProviderSubscription,
    SubscriptionChange,
};
use tokio::sync::Notify;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// The program breaks off where nobody foresaw it.
    Panics,
    /// The provider is down.
    Fails,
    /// The page of that number, from 1, never comes.
    HangsAt(usize),
    /// It does not go on with its list from where it was left.
    RefusesToGoOn,
}

/// The provider, which lists its events a few at a time.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn PaymentProvider>,
    page: usize,
    pages: AtomicUsize,
    fault: Mutex<Fault>,
    poison: Mutex<String>,
    hangs: Notify,
}

impl Faulty {
    pub fn new(inner: Arc<dyn PaymentProvider>, page: usize) -> Arc<Self> {
        let fault = Mutex::new(Fault::Nothing);
        let (pages, poison) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Self { inner, page, pages, fault, poison, hangs: Notify::new() })
    }

    /// The program breaks off whenever it comes upon that checkout.
    pub fn poison(&self, checkout: &str) {
        checkout.clone_into(&mut self.poison.lock().expect("nobody panics here"));
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().expect("nobody panics here") = fault;
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().expect("nobody panics here")
    }

    /// How many pages were asked for.
    pub fn pages(&self) -> usize {
        self.pages.load(Ordering::SeqCst)
    }

    /// Waits until a page was asked for that never comes.
    pub async fn hangs(&self) {
        self.hangs.notified().await;
    }
}

impl PaymentProvider for Faulty {
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> ProviderAnswer<'a, Checkout> {
        Box::pin(async move {
            assert_ne!(self.fault(), Fault::Panics, "a checkout that nobody foresaw");
            self.inner.create_checkout(new).await
        })
    }
    fn checkout_session<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, CheckoutSession> {
        let poison = self.poison.lock().expect("nobody panics here").clone();
        Box::pin(async move {
            assert_ne!(id, poison, "a checkout that nobody foresaw");
            self.inner.checkout_session(id).await
        })
    }
    fn close_checkout<'a>(&'a self, id: &'a str, idempotency_key: &'a str) -> ProviderAnswer<'a, ()> {
        self.inner.close_checkout(id, idempotency_key)
    }
    fn payment<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payment> {
        self.inner.payment(id)
    }
    fn invoice<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Invoice> {
        self.inner.invoice(id)
    }
    fn subscription<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, ProviderSubscription> {
        self.inner.subscription(id)
    }
    fn session_of<'a>(&'a self, subscription: &'a str) -> ProviderAnswer<'a, Option<CheckoutSession>> {
        self.inner.session_of(subscription)
    }
    fn cancel_subscription<'a>(
        &'a self,
        id: &'a str,
        key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        self.inner.cancel_subscription(id, key)
    }
    fn events<'a>(
        &'a self,
        asked: &'a EventsAsked<'a>,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, EventPage> {
        Box::pin(async move {
            let number = self.pages.fetch_add(1, Ordering::SeqCst) + 1;
            match self.fault() {
                Fault::Nothing => {}
                Fault::Panics => panic!("a list that nobody foresaw, of ann@example.org"),
                Fault::Fails => {
                    return Err(ProviderError::Retryable { status: 503, message: "down".to_owned() });
                }
                Fault::HangsAt(page) if page == number => {
                    self.hangs.notify_one();
                    std::future::pending::<()>().await;
                }
                Fault::RefusesToGoOn if after.is_some() => {
                    let (code, message) = ("parameter_invalid".to_owned(), "no such place".to_owned());
                    return Err(ProviderError::Refused { status: 400, code, message });
                }
                Fault::HangsAt(_) | Fault::RefusesToGoOn => {}
            }
            let mut page = self.inner.events(asked, after).await?;
            if page.events.len() > self.page {
                page.events.truncate(self.page);
                page.next = page.events.last().map(|event| event.id.clone());
            }
            Ok(page)
        })
    }
    fn after(&self) -> &dyn AfterPayment {
        self.inner.after()
    }
    fn change_subscription<'a>(
        &'a self,
        wanted: &'a SubscriptionChange,
        key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        self.inner.change_subscription(wanted, key)
    }
    fn card_page<'a>(&'a self, customer: &'a str, back: &'a str) -> ProviderAnswer<'a, String> {
        self.inner.card_page(customer, back)
    }
    fn customer_email<'a>(&'a self, customer: &'a str) -> ProviderAnswer<'a, Option<String>> {
        self.inner.customer_email(customer)
    }
    fn set_customer_email<'a>(
        &'a self,
        customer: &'a str,
        email: &'a str,
        key: &'a str,
    ) -> ProviderAnswer<'a, ()> {
        self.inner.set_customer_email(customer, email, key)
    }
    fn revoked_method<'a>(&'a self, mandate: &'a str) -> ProviderAnswer<'a, Option<String>> {
        self.inner.revoked_method(mandate)
    }
    fn account(&self) -> &dyn ProviderAccount {
        self.inner.account()
    }
    fn probe(&self) -> ProviderAnswer<'_, ()> {
        self.inner.probe()
    }
    fn is_live(&self) -> bool {
        self.inner.is_live()
    }
    fn checkout_origin(&self) -> String {
        self.inner.checkout_origin()
    }
}
