//! What the book says is what the provider says, dates and copies included, whatever came first and however many look at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use broadside::{
    clock::Moment,
    donations::{self, DonationState, RecurringState},
    jobs,
    payments::{
        AfterPayment, Checkout, CheckoutSession, EventPage, EventsAsked, Invoice, NewCheckout, Payment,
        PaymentProvider, ProviderAccount, ProviderAnswer, ProviderSubscription, SubscriptionChange,
    },
    site::Site,
};
use tokio::sync::Notify;

use crate::{
    donating::{BUYER, House, permutations},
    support::{both_engines, database::rows},
};

const DAY: Duration = Duration::from_secs(86_400);

/// When each payment came, by the provider's list of what it took; whole seconds, as it tells time.
fn theirs(house: &House) -> BTreeMap<String, i64> {
    let charges = house.stripe().charges();
    charges.into_iter().map(|one| (one.payment_intent, one.at.unix_seconds())).collect()
}

/// When each payment came, by our donations; the book's lines and the receipt say the same.
async fn ours(house: &House) -> BTreeMap<String, i64> {
    let mut dates = BTreeMap::new();
    for listed in donations::donations_page(&house.site.db, None, 1_000).await.expect("a read") {
        let Some(at) = listed.paid_at else { continue };
        let whole = donations::whole_donation(&house.site.db, &listed.public_id)
            .await
            .expect("a read")
            .expect("it is there");
        assert!(whole.entries.iter().all(|line| line.at == at), "the book has another date");
        dates.insert(listed.provider_payment_id.expect("a payment"), at.unix_seconds());
    }
    dates
}

/// Tells the events that were held back, in that order, and works on each before the next.
async fn tell(house: &House, events: &[String]) {
    for event in events {
        assert_eq!(house.stripe().deliver(event).await, 200);
        house.work().await;
    }
}

/// The provider's client, which stops once between what it learns of a subscription and telling it.
#[derive(Debug)]
struct Slow {
    inner: Arc<dyn PaymentProvider>,
    learned: Notify,
    go_on: Notify,
}

impl PaymentProvider for Slow {
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> ProviderAnswer<'a, Checkout> {
        self.inner.create_checkout(new)
    }
    fn checkout_session<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, CheckoutSession> {
        self.inner.checkout_session(id)
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
        Box::pin(async move {
            let seen = self.inner.subscription(id).await;
            self.learned.notify_one();
            self.go_on.notified().await;
            // Only the first look is slow.
            self.go_on.notify_one();
            seen
        })
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
        self.inner.events(asked, after)
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
    fn after(&self) -> &dyn AfterPayment {
        self.inner.after()
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

both_engines! {
    /// TRUST D2, D5: a bank debit is dated when the money comes, days after its supporter left the checkout, though the news of
    /// the beginning be read last.
    async fn a_bank_debit_is_dated_when_it_arrives(house: House) {
        house.stripe().hold_events();
        for every in ["once", "month"] {
            for turned in [false, true] {
                let gift = house.give(every, "15").await;
                house.stripe().pay_later(&gift.session, BUYER).expect("a debit");
                house.site.clock.advance(6 * DAY);
                house.stripe().settle(&gift.session, true).expect("the money");
                house.site.clock.advance(DAY);
                let mut events = house.stripe().held_events();
                if turned {
                    events.reverse();
                }
                tell(&house, &events).await;
                assert!(house.donation(&gift).await.is_paid(), "{every}");
            }
        }
        assert_eq!(theirs(&house).len(), 4);
        assert_eq!(ours(&house).await, theirs(&house));
    }

    /// TRUST D2: months that came late, failed first and recovered, told in every order, each when the other is over.
    async fn months_are_dated_when_they_are_paid_in_every_order(house: House) {
        house.stripe().hold_events();
        let kinds = ["invoice.payment_failed", "invoice.paid 1", "invoice.paid 2", "customer.subscription.updated"];
        for order in permutations(&kinds) {
            let gift = house.give("month", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            let began = house.site.now().unix_seconds();
            let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
            house.site.clock.advance(30 * DAY);
            house.stripe().fail_renewal(&subscription).expect("a month that fails");
            house.site.clock.advance(3 * DAY);
            house.stripe().retry_invoice(&subscription).expect("another try");
            house.site.clock.advance(DAY);

            let mut months = 0;
            let mut named = |id: &String| {
                let event = house.stripe().object(id).expect("an event");
                let kind = event["type"].as_str().unwrap_or_default();
                months += i32::from(kind == "invoice.paid");
                if kind == "invoice.paid" { format!("{kind} {months}") } else { kind.to_owned() }
            };
            let held: Vec<(String, String)> = house.stripe().held_events().into_iter().map(|id| (named(&id), id)).collect();
            let (mut told, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(|(kind, _)| order.contains(&kind.as_str()));
            told.sort_by_key(|(kind, _)| order.iter().position(|one| one == kind));
            let told: Vec<String> = told.into_iter().chain(rest).map(|(_, id)| id).collect();
            tell(&house, &told).await;
            let listed = house.donation(&gift).await;
            assert!(listed.is_paid(), "{order:?}");
            let token = donations::manage_token(&house.site, &listed.recurring_public_id.expect("a monthly donation"));
            let monthly = donations::monthly_of(&house.site, &token).await.expect("a read").expect("it is there");
            assert_eq!(monthly.began_at.map(Moment::unix_seconds), Some(began), "{order:?}");
        }
        assert_eq!(ours(&house).await, theirs(&house));
    }

    /// Another subscription with our ids, made at the provider, is another: its money is booked, whoever is heard of first, and
    /// neither end says anything of the other. Staff see that there are two.
    async fn a_copied_subscription_has_a_row_of_its_own(house: House) {
        house.stripe().hold_events();
        for (round, turn) in [(0, 0), (1, 3), (2, 7), (3, usize::MAX)] {
            let gift = house.give("month", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            let first = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
            let dead = house.stripe().copy_subscription(&first).expect("a copy");
            let living = house.stripe().copy_subscription(&first).expect("a copy");
            house.provider.cancel_subscription(&dead, "by hand").await.expect("an end");
            let mut events = house.stripe().held_events();
            if turn > events.len() {
                events.reverse();
            } else {
                events.rotate_left(turn);
            }
            tell(&house, &events).await;

            let sums = house.sums().await;
            let charged = 3 * (round + 1) + round;
            assert_eq!(sums, (charged, 1_500 * charged), "each was charged, and each is booked");
            let listed = house.donation(&gift).await;
            assert_eq!((listed.state, listed.recurring_state), (DonationState::Paid, Some(RecurringState::Active)));
            let token = donations::manage_token(&house.site, &listed.recurring_public_id.expect("a monthly donation"));
            let page = house.page(&format!("/giving/{token}")).await;
            assert!(page.contains("You give €15.00 every month"), "{page}");
            let needs = donations::attention(&house.site.db, house.site.now()).await.expect("a read");
            let copies: Vec<_> = needs.copies.iter().filter_map(|one| one.subscription.clone()).collect();
            assert_eq!(copies, [living.as_str()], "the dead one charges nobody: {dead}");

            // What the supporter ends by the link is the one that the link is about; the page says that the copy goes on.
            assert!(page.contains("It was copied at the payment service") && page.contains("End all of it"), "{page}");
            let link = house.site.url(&format!("/giving/{token}"));
            let pressed = house.client.post(&link).send().await.expect("an answer");
            let ended = house.page(pressed.headers()["location"].to_str().expect("it leads on")).await;
            assert!(ended.contains("Nothing more will be charged for it;") && ended.contains("€15.00 every month besides"), "{ended}");
            assert!(house.stripe().renew(&first).is_err(), "it can still be charged");
            house.stripe().renew(&living).expect("the copy goes on until it is ended too");
            let events = house.stripe().held_events();
            tell(&house, &events).await;
            assert_eq!(house.sums().await.0, 3 * (round + 1) + round + 1, "and its money is booked");
            let needs = donations::attention(&house.site.db, house.site.now()).await.expect("a read");
            assert!(needs.copies.is_empty(), "nobody is charged twice: {:?}", needs.copies);

            let form = house.client.post(&link).header("content-type", "application/x-www-form-urlencoded").body("all=yes");
            let pressed = form.send().await.expect("an answer");
            let ended = house.page(pressed.headers()["location"].to_str().expect("it leads on")).await;
            assert!(ended.contains("Nothing more will be charged;") && !ended.contains("copied"), "{ended}");
            assert!(house.stripe().renew(&living).is_err(), "it can still be charged");
            let events = house.stripe().held_events();
            tell(&house, &events).await;
        }
    }

    /// A payment that is on the balance later than it was made: nothing is booked before it says when it came, and everything as
    /// soon as it does, not when the next try happens to be.
    async fn money_is_booked_when_its_balance_transaction_is_told(house: House) {
        for every in ["once", "month"] {
            house.stripe().slow_balance();
            let gift = house.give(every, "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            house.work().await;
            // A month is dated by its invoice, which says so at once.
            assert_eq!(house.donation(&gift).await.is_paid(), every == "month");
            house.stripe().balance_arrives().expect("the balance");
            house.work().await;
            assert!(house.donation(&gift).await.is_paid(), "{every}");
        }
        assert_eq!(ours(&house).await, theirs(&house));
        house.site.clock.advance(Duration::from_secs(3_600));
        house.work().await;
    }

    /// Whose debit the bank refuses is forgotten.
    async fn who_could_not_pay_is_forgotten(house: House) {
        house.stripe().hold_events();
        let gift = house.give("once", "15").await;
        house.stripe().pay_later(&gift.session, BUYER).expect("a debit");
        house.stripe().settle(&gift.session, false).expect("the bank says no");
        let events = house.stripe().held_events();
        tell(&house, &events).await;
        let failed = house.donation(&gift).await;
        assert_eq!((failed.state, failed.email.as_str(), failed.name.as_str()), (DonationState::Failed, "", ""));
    }

    /// Nobody is asked for another card for a month that is forgiven.
    async fn no_letter_goes_out_about_a_month_that_is_void(house: House) {
        for forgiven in [false, true] {
            let gift = house.give("month", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            house.work().await;
            let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
            house.stripe().hold_events();
            house.site.clock.advance(30 * DAY);
            house.stripe().fail_renewal(&subscription).expect("a month that fails");
            if forgiven {
                house.stripe().void_invoice(&subscription).expect("it is forgiven");
            }
            let events = house.stripe().held_events();
            tell(&house, &events).await;
            house.stripe().clear_plans();
            let letters = rows::<(i64,)>(&house.site.db, "select count(*) from notice where template = 'payment_failed'").await;
            assert_eq!(letters, [(1,)], "about the one that is owed");
        }
    }

    /// A subscription that is heard of before its checkout names it waits: it is nobody's copy, whatever is told first.
    async fn a_subscription_without_its_checkout_yet_is_no_copy(house: House) {
        for kind in ["customer.subscription.created", "customer.subscription.updated", "invoice.paid"] {
            house.stripe().hold_events();
            let gift = house.give("month", "15").await;
            house.stripe().pay_halfway(&gift.session, BUYER).expect("a payment");
            let (first, rest): (Vec<_>, Vec<_>) = house.stripe().held_events().into_iter().partition(|id| {
                house.stripe().object(id).is_some_and(|event| event["type"] == kind)
            });
            tell(&house, &first).await;
            tell(&house, &rest).await;
            assert!(!house.donation(&gift).await.is_paid(), "nobody knows yet whose it is");
            house.stripe().go_on(&gift.session).expect("its checkout ends");
            house.site.clock.advance(Duration::from_secs(3_600));
            house.work().await;

            let listed = house.donation(&gift).await;
            assert_eq!((listed.state, listed.recurring_state), (DonationState::Paid, Some(RecurringState::Active)), "{kind}");
            let needs = donations::attention(&house.site.db, house.site.now()).await.expect("a read");
            assert!(needs.copies.is_empty(), "{kind}: {:?}", needs.copies);
            let events = house.stripe().held_events();
            tell(&house, &events).await;
            house.balances().await;
        }
    }

    /// With two at work the state never goes back: whoever looked first and comes last looks again.
    async fn news_that_are_older_than_the_row_are_not_written(house: House) {
        let gift = house.give("month", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        house.work().await;
        let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        house.stripe().fail_renewal(&subscription).expect("a month that fails");
        assert!(house.stripe().wait_until_delivered(Duration::from_secs(20)).await);

        // Another process learns that a payment failed, and stops there.
        let slow = Arc::new(Slow { inner: house.provider.clone(), learned: Notify::new(), go_on: Notify::new() });
        let other = Site { db: house.db.open_again().await, ..house.site.clone() };
        let working = tokio::spawn({
            let (other, slow) = (other.clone(), slow.clone());
            async move { donations::process_inbox(&other, slow.as_ref()).await }
        });
        slow.learned.notified().await;
        // Meanwhile the month is paid, and this process hears of it.
        house.stripe().retry_invoice(&subscription).expect("another try");
        house.work().await;
        assert_eq!(house.donation(&gift).await.recurring_state, Some(RecurringState::Active));
        slow.go_on.notify_one();
        working.await.expect("it ends").expect("a round of work");
        assert_eq!(house.donation(&gift).await.recurring_state, Some(RecurringState::Active), "it went back");
        other.db.close().await;
        house.work().await;
    }

    /// Of an event nothing is kept but its names; what cannot be read for a month, what was not ours for five weeks.
    async fn events_keep_nothing_of_people(house: House) {
        for every in ["once", "month"] {
            let gift = house.give(every, "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        house.stripe().hold_events();
        house.give("once", "15").await;
        house.work().await;
        let kept = async || rows::<(String, String)>(&house.site.db, "select state, payload from provider_event").await;
        assert!(kept().await.len() > 10, "all of them are there");
        assert!(kept().await.iter().all(|(_, payload)| payload.is_empty()));
        let known = house.stripe().events()[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(house.stripe().forge(&known, broadside::sandbox::Forgery::NotJson).await, 200);
        assert_eq!(kept().await.iter().filter(|(_, payload)| !payload.is_empty()).count(), 1);

        house.site.clock.advance(31 * DAY);
        jobs::forget_as_of(&house.site, house.site.now()).await.expect("a round");
        assert!(kept().await.iter().all(|(_, payload)| payload.is_empty()));
        house.site.clock.advance(5 * DAY);
        jobs::forget_as_of(&house.site, house.site.now()).await.expect("a round");
        assert!(kept().await.iter().all(|(state, _)| state != "ignored"));
        assert!(kept().await.iter().any(|(state, _)| state == "done"), "where a gift came from is still known");
        house.site.clock.advance(500 * DAY);
        jobs::forget_as_of(&house.site, house.site.now()).await.expect("a round");
        assert!(kept().await.iter().all(|(state, _)| state == "dead"));
    }
}
