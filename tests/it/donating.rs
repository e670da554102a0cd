//! Giving, from the form to the receipt, over real sockets: our own web server, the sandbox's API and checkout, its signed
//! events. What the sandbox charged is the measure of what we booked (TRUST T4).

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broadside::{
    delivery,
    donations::{self, DonationState, RecurringState},
    email_address::EmailAddress,
    payments::{PaymentProvider, ProviderError, Stripe, StripeSettings},
    sandbox::{ApiFault, Fate, Forgery, StripeServer},
    subscribers::{self, DonorState, machines},
};
use reqwest::{StatusCode, header::LOCATION};

use crate::support::{Fixture, TestApp, TestDb, both_engines, database::change};

/// The house as a giver meets it, and what the provider's side is asked.
#[derive(Clone)]
pub struct House {
    app: TestApp,
    pub provider: Arc<dyn PaymentProvider>,
    pub client: reqwest::Client,
    /// For a second process on the same database.
    pub db: TestDb,
    /// Set by the test that makes the sandbox forget.
    oracle_is_spoilt: Arc<AtomicBool>,
}

impl Deref for House {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Fixture for House {
    async fn start(db: TestDb) -> Self {
        let app = TestApp::start(db.clone()).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self {
            provider: app.payments.provider.clone(),
            app,
            db,
            client: client.build().expect("a client"),
            oracle_is_spoilt: Arc::default(),
        }
    }

    async fn finish(self) {
        if !self.oracle_is_spoilt.load(Ordering::SeqCst) {
            self.balances().await;
        }
        let unfinished = donations::unfinished(&self.site.db).await.expect("a read");
        assert_eq!((unfinished.waiting, unfinished.calls), (0, 0), "work was left over");
    }
}

/// A gift on its way: our public id of it, and the sandbox's of its session.
pub struct Gift {
    pub id: String,
    pub session: String,
}

impl House {
    pub fn stripe(&self) -> &StripeServer {
        self.sandbox.stripe()
    }

    /// Sends the donation form; the answer is the way to the checkout, or the form again.
    pub async fn send_form(&self, every: &str, amount: &str) -> reqwest::Response {
        let made = machines::mark(&self.site);
        let form = [
            ("made", made.as_str()),
            ("own_amount", amount),
            ("every", every),
            ("email", "ann@example.org"),
            ("name", "Ann"),
            ("e", ""),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .client
            .post(self.site.url("/donate"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        request.send().await.expect("an answer")
    }

    pub async fn give(&self, every: &str, amount: &str) -> Gift {
        let answer = self.send_form(every, amount).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let to = answer.headers()[LOCATION].to_str().expect("an address").to_owned();
        let session = to.rsplit('/').next().expect("a session").to_owned();
        let id = self.newest().await.public_id;
        Gift { id, session }
    }

    pub async fn newest(&self) -> donations::ListedDonation {
        let page = donations::donations_page(&self.site.db, None, 1).await.expect("a read");
        page.into_iter().next().expect("a donation")
    }

    pub async fn donation(&self, gift: &Gift) -> donations::ListedDonation {
        donations::find_donation(&self.site.db, &gift.id).await.expect("a read").expect("it is there")
    }

    pub async fn page(&self, path: &str) -> String {
        let answer = self.client.get(self.site.url(path)).send().await.expect("an answer");
        answer.text().await.expect("a page")
    }

    /// What the page says that the checkout leads back to.
    pub async fn thanks(&self, gift: &Gift) -> String {
        self.page(&format!("/thanks/{}", donations::thanks_token(&self.site, &gift.id))).await
    }

    /// Waits until the sandbox has told all it has to tell, and works on it.
    pub async fn work(&self) {
        assert!(self.stripe().wait_until_delivered(Duration::from_secs(20)).await, "events still wait");
        donations::process_inbox(&self.site, self.provider.as_ref()).await.expect("a round of work");
    }

    /// Number and sum of paid gifts.
    pub async fn sums(&self) -> (i64, i64) {
        let totals = donations::totals(&self.site.db).await.expect("a read");
        totals.iter().fold((0, 0), |sum, total| (sum.0 + total.number, sum.1 + total.minor))
    }

    pub async fn mails(&self) -> i64 {
        let counts = delivery::letter_counts(&self.site.db).await.expect("a read");
        counts.iter().map(|(_, number)| number).sum()
    }

    /// What the book says was taken for us, and what the sandbox really charged, by currency.
    async fn both_books(&self) -> (BTreeMap<String, (i64, i64)>, BTreeMap<String, (i64, i64)>) {
        let audit = donations::audit_money(&self.site.db).await.expect("a read");
        assert_eq!(audit.problems, Vec::<String>::new());
        let ours = audit.booked.into_iter().map(|line| (line.currency, (line.number, line.minor))).collect();
        let mut theirs = BTreeMap::<String, (i64, i64)>::new();
        for charge in self.stripe().charges() {
            let line = theirs.entry(charge.currency.to_uppercase()).or_default();
            *line = (line.0 + 1, line.1 + charge.amount);
        }
        (ours, theirs)
    }

    pub async fn balances(&self) {
        let (ours, theirs) = self.both_books().await;
        assert_eq!(ours, theirs, "our book and the provider's differ");
    }
}

pub const BUYER: &str = "ann@example.org";

both_engines! {
    /// TRUST T4: once, monthly, and the month after; each booked once, each with its receipt.
    async fn gifts_are_booked_as_they_are_charged(house: House) {
        let once = house.give("once", "15").await;
        assert!(house.thanks(&once).await.contains("One moment"));
        house.stripe().pay(&once.session, BUYER).expect("a payment");
        house.work().await;
        assert!(house.thanks(&once).await.contains("Thank you"));

        let monthly = house.give("month", "7.50").await;
        house.stripe().pay(&monthly.session, BUYER).expect("a payment");
        house.work().await;
        assert!(house.donation(&monthly).await.is_paid());
        let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        house.stripe().renew(&subscription).expect("another month");
        house.work().await;

        assert_eq!(house.sums().await, (3, 1_500 + 750 + 750));
        assert_eq!(house.mails().await, 3, "a receipt for each gift");
        let newest = house.newest().await;
        assert_eq!((newest.is_paid(), newest.is_monthly(), newest.email.as_str()), (true, true, BUYER));
    }

    /// A card that is declined leaves the supporter at the checkout, and nothing in the book.
    async fn a_declined_card_gives_nothing(house: House) {
        for every in ["once", "month"] {
            let gift = house.give(every, "15").await;
            house.stripe().decline(&gift.session, BUYER).expect("a try");
            house.work().await;
            assert_eq!(house.donation(&gift).await.state, DonationState::CheckoutOpen);
            assert!(!house.thanks(&gift).await.contains("Thank you"));
        }
        assert_eq!((house.sums().await, house.mails().await), ((0, 0), 0));
        let second_try = house.give("once", "15").await;
        house.stripe().decline(&second_try.session, BUYER).expect("a try");
        house.stripe().pay(&second_try.session, BUYER).expect("a payment");
        house.work().await;
        assert_eq!((house.sums().await, house.mails().await), ((1, 1_500), 1));
    }

    /// TRUST D5, T5: by bank debit, "completed" is not "paid".
    async fn a_bank_debit_counts_when_it_arrives_and_not_before(house: House) {
        let (mut paid, mut mails) = (0, 0);
        for (every, succeeds) in [("once", true), ("once", false), ("month", true), ("month", false)] {
            let gift = house.give(every, "15").await;
            house.stripe().pay_later(&gift.session, BUYER).expect("a debit");
            house.work().await;
            assert_eq!(house.donation(&gift).await.state, DonationState::Pending);
            assert!(house.thanks(&gift).await.contains("waiting for your bank"));
            assert_eq!((house.sums().await.0, house.mails().await), (paid, mails));
            house.stripe().settle(&gift.session, succeeds).expect("an end");
            house.work().await;
            assert_eq!(house.donation(&gift).await.state, if succeeds { DonationState::Paid } else { DonationState::Failed });
            paid += i64::from(succeeds);
            // A receipt, or that it did not come.
            mails += 1;
            assert_eq!((house.sums().await.0, house.mails().await), (paid, mails));
        }
    }

    /// TRUST D1: every event five times is every event once.
    async fn doubled_events_are_one(house: House) {
        house.stripe().plan_event(None, Fate::Repeated(5), None);
        for every in ["once", "month"] {
            let gift = house.give(every, "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        house.work().await;
        assert_eq!((house.sums().await, house.mails().await), ((2, 3_000), 2));
    }

    /// TRUST D2: the first month told in every order of its four events, with the rest of them last.
    async fn events_in_any_order_are_one_gift(house: House) {
        let kinds = ["checkout.session.completed", "customer.subscription.created", "invoice.paid", "payment_intent.succeeded"];
        house.stripe().hold_events();
        for (round, order) in permutations(&kinds).into_iter().enumerate() {
            let gift = house.give("month", "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
            let held = house.stripe().held_events();
            let kind = |id: &String| house.stripe().object(id).expect("an event")["type"].as_str().unwrap_or_default().to_owned();
            let (mut told, rest): (Vec<String>, Vec<String>) = held.into_iter().partition(|id| order.contains(&kind(id).as_str()));
            assert_eq!(told.len(), 4);
            told.sort_by_key(|id| order.iter().position(|one| *one == kind(id)));
            for event in told.iter().chain(&rest) {
                assert_eq!(house.stripe().deliver(event).await, 200);
                house.work().await;
            }
            let listed = house.donation(&gift).await;
            assert_eq!((listed.state, listed.recurring_state), (DonationState::Paid, Some(RecurringState::Active)));
            let rounds = round as i64 + 1;
            assert_eq!((house.sums().await, house.mails().await), ((rounds, 1_500 * rounds), rounds));
        }
    }

    /// TRUST D3: nothing was ever delivered; the provider's own list closes the gap.
    async fn lost_events_are_found_by_asking(house: House) {
        house.stripe().plan_event(None, Fate::Dropped, None);
        for every in ["once", "month"] {
            let gift = house.give(every, "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        house.work().await;
        assert_eq!(house.sums().await, (0, 0));
        assert!(donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("a list") > 0);
        house.work().await;
        assert_eq!((house.sums().await, house.mails().await), ((2, 3_000), 2));
        assert_eq!(donations::poll_provider(&house.site, house.provider.as_ref()).await.expect("a list"), 0);
    }

    /// TRUST A18, D4: whatever the provider did not sign, now and for us, stays outside.
    async fn forged_events_move_nothing(house: House) {
        house.stripe().hold_events();
        let gift = house.give("once", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        let held = house.stripe().held_events();
        for forgery in [
            Forgery::NoSignature, Forgery::WrongSecret, Forgery::EmptySecret, Forgery::AlteredBody, Forgery::OldTimestamp,
            Forgery::FutureTimestamp, Forgery::LiveMode,
        ] {
            for event in &held {
                assert_eq!(house.stripe().forge(event, forgery).await, 400, "{forgery:?}");
            }
        }
        assert_eq!(house.stripe().forge(&held[0], Forgery::Huge).await, 413);
        house.work().await;
        assert_eq!((house.donation(&gift).await.state, house.mails().await), (DonationState::CheckoutOpen, 0));
        assert_eq!(house.stripe().forge(&held[0], Forgery::NotJson).await, 200);
        let unfinished = donations::unfinished(&house.site.db).await.expect("a read");
        assert_eq!((unfinished.waiting, unfinished.dead), (0, 1), "signed and unreadable is kept in sight");
        assert!(house.stripe().release_events().await.iter().all(|status| *status == 200));
        house.work().await;
        assert_eq!((house.sums().await, house.mails().await), ((1, 1_500), 1));
    }

    /// TRUST D6, D7: the answer is lost after the provider acted, the supporter pays all the same, and there is one of everything.
    async fn a_lost_answer_makes_nothing_twice(house: House) {
        // Lost once, the client's own second attempt with the same key finds the same session.
        house.stripe().plan_request(Some("/v1/checkout/sessions"), ApiFault::LoseReply, Some(1));
        house.give("once", "15").await;
        assert_eq!(house.stripe().sessions().len(), 1);

        // Lost each time, as if we had been killed: the stored call is made again later.
        house.stripe().plan_request(Some("/v1/checkout/sessions"), ApiFault::LoseReply, Some(3));
        assert_eq!(house.send_form("once", "20").await.status(), StatusCode::SERVICE_UNAVAILABLE);
        let sessions = house.stripe().sessions();
        assert_eq!(sessions.len(), 2);
        let session = sessions[0]["id"].as_str().expect("an id").to_owned();
        let gift = Gift { id: house.newest().await.public_id, session };
        assert_eq!(house.donation(&gift).await.state, DonationState::Created);
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        house.work().await;
        house.site.clock.advance(Duration::from_secs(61));
        donations::resume_calls(&house.site, house.provider.as_ref()).await.expect("a round");
        assert_eq!(house.stripe().sessions().len(), 2, "the same key made another session");
        let listed = house.donation(&gift).await;
        assert_eq!((listed.is_paid(), listed.provider_session_id), (true, Some(gift.session)));
        assert_eq!((house.sums().await, house.mails().await), ((1, 2_000), 1));
    }

    /// From the link in the receipt to the end: nothing is charged after the supporter was told so.
    async fn a_monthly_donation_ends_by_its_link(house: House) {
        let gift = house.give("month", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        house.work().await;
        let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();

        house.stripe().fail_renewal(&subscription).expect("a month that fails");
        house.work().await;
        assert_eq!(house.donation(&gift).await.recurring_state, Some(RecurringState::PastDue));
        assert_eq!(house.mails().await, 2, "the receipt, and word of the failed payment");
        house.stripe().retry_invoice(&subscription).expect("another try");
        house.work().await;
        assert_eq!((house.sums().await.0, house.mails().await), (2, 3));

        let recurring = house.donation(&gift).await.recurring_public_id.expect("a monthly donation");
        let path = format!("/giving/{}", donations::manage_token(&house.site, &recurring));
        assert!(house.page(&path).await.contains("You give €15.00 every month"));
        let pressed = house.client.post(house.site.url(&path)).send().await.expect("an answer");
        let leads_to = pressed.headers()["location"].to_str().expect("it leads on").to_owned();
        assert!(house.page(&leads_to).await.contains("Your regular donation has ended"));
        house.work().await;
        assert!(house.stripe().renew(&subscription).is_err(), "it can still be charged");
        assert_eq!(house.donation(&gift).await.recurring_state, Some(RecurringState::Cancelled));
        assert_eq!(house.mails().await, 4, "and one word of the end");
    }

    /// The measure can fail: a charge that the sandbox forgets is missed.
    async fn a_charge_too_few_is_noticed(house: House) {
        let gift = house.give("once", "15").await;
        house.stripe().pay(&gift.session, BUYER).expect("a payment");
        house.work().await;
        house.balances().await;
        house.stripe().lose_charge();
        let (ours, theirs) = house.both_books().await;
        assert_ne!(ours, theirs);
        house.oracle_is_spoilt.store(true, Ordering::SeqCst);
    }

    /// TRUST L2: giving subscribes nobody; who reads already is known as a supporter from then on.
    async fn giving_subscribes_nobody(house: House) {
        let email = EmailAddress::parse(BUYER).expect("an address");
        let db = &house.site.db;
        for every in ["once", "month"] {
            let gift = house.give(every, "15").await;
            house.stripe().pay(&gift.session, BUYER).expect("a payment");
        }
        house.work().await;
        assert!(subscribers::by_email(db, &email).await.expect("a read").is_none());

        let list = house.list().await;
        let added = subscribers::add_by_staff(&house.site, &email, "Ann", list, "a letter").await;
        let reader = added.expect("a reader").id;
        let state = async || subscribers::donor_state(db, reader).await.expect("a read");
        assert_eq!(state().await, DonorState::Never);
        // Who gave before they were a reader is found by themselves, at the next look, and everybody is looked at once.
        donations::meet_new_readers(&house.site).await.expect("a look");
        assert_eq!(state().await, DonorState::Monthly);
        change(db, "delete from donor_state").await;
        house.site.clock.advance(Duration::from_secs(601));
        for _ in 0..2 {
            donations::meet_new_readers(&house.site).await.expect("a look");
            assert_eq!(state().await, DonorState::Monthly, "who is younger than a transaction may be is looked at once more");
        }
        change(db, "delete from donor_state").await;
        donations::meet_new_readers(&house.site).await.expect("a look");
        assert_eq!(state().await, DonorState::Never, "and nobody else is");
        let subscription = house.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        house.stripe().renew(&subscription).expect("another month");
        house.work().await;
        assert_eq!(state().await, DonorState::Monthly);
        house.stripe().fail_renewal(&subscription).expect("a month that fails");
        house.work().await;
        assert_eq!(state().await, DonorState::Failing);
    }

    /// `doctor` can tell a key that the provider takes from one that it does not.
    async fn a_wrong_key_is_told_from_a_right_one(house: House) {
        house.provider.probe().await.expect("the provider answers");
        let wrong = StripeSettings {
            secret_key: "a key of something else".to_owned(),
            api_base: format!("http://{}", house.sandbox.http_addr()).parse().expect("the sandbox's address"),
        };
        let refused = Stripe::new(&wrong).expect("a client").probe().await.expect_err("no answer for strangers");
        assert!(matches!(refused, ProviderError::Refused { status: 401, .. }), "{refused}");
    }
}

pub fn permutations<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let rest: Vec<&str> =
            items.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, item)| *item).collect();
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}
