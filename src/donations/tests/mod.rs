//! The rules of the room, against a provider in memory. (Against real sockets: `tests/it`.)

mod back;
mod desk;
pub(crate) mod fake;
mod fake_account;
mod regular;

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use fake::{Fake, Trouble, every, permutations};

use super::{
    InboxWorked, audit_money, cancel_monthly, manage_token, monthly_of, poll_provider, process_inbox,
    receive,
    reports::{self, ListedDonation},
    resume_calls, start_gift,
    states::{DonationState, RecurringState},
    store::{self, book::Entry, gifts::Move},
    *,
};
use crate::{
    clock::Moment,
    delivery,
    payments::{PaymentState, ProviderEvent, SessionState, WebhookSecrets},
    settings::Settings,
    site::Site,
    support::database::{TestDb, both_engines},
};

const NOW: Moment = Moment::from_unix_seconds(1_800_000_000);
const SECRET: &str = "whsec_test";

struct Room {
    site: Site,
    provider: Fake,
    settings: Settings,
}

impl Room {
    async fn open(db: &TestDb) -> Self {
        let site = db.site("https://magazine.example.org", NOW);
        let settings = Settings {
            magazine_name: "The Lamplighter".to_owned(),
            contact_email: "desk@example.org".to_owned(),
            ..Settings::default()
        };
        Self { site, provider: Fake::default(), settings }
    }

    /// On a database of its own, on the same engine.
    async fn another(db: &TestDb) -> Self {
        Self::open(&TestDb::migrated(db.db.engine()).await.expect("the engine is there")).await
    }

    async fn give(&self, amount: &str, monthly: bool) -> Result<StartedGift, GiftError> {
        let gift = crate::token::public_id();
        let request = GiftRequest {
            giver: Giver::default(),
            gift: &gift,
            back: "/donate",
            amount,
            every: every(monthly),
            email: "ann@example.org",
            name: "Ann",
            edition_token: None,
            article: None,
        };
        start_gift(&self.site, &self.provider, &self.settings, &request).await
    }

    async fn gift(&self, monthly: bool) -> String {
        self.give("15", monthly).await.expect("a gift begins").public_id
    }

    /// Tells of an object, as the provider would: signed, over the door.
    async fn tell(&self, id: &str, kind: &str, object_id: &str) {
        let created = self.site.now().unix_seconds();
        let body = format!(
            r#"{{"id":"{id}","type":"{kind}","created":{created},"livemode":false,"data":{{"object":{{"id":"{object_id}"}}}}}}"#
        );
        self.tell_body(&body).await;
    }

    async fn tell_body(&self, body: &str) {
        let created = self.site.now().unix_seconds();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let mac = HEXLOWER.encode(hmac::sign(&key, format!("{created}.{body}").as_bytes()).as_ref());
        let secrets = WebhookSecrets::new([SECRET.to_owned()]);
        let signature = format!("t={created},v1={mac}");
        receive(&self.site, &self.provider, &secrets, Some(&signature), body.as_bytes())
            .await
            .expect("a genuine event is taken in");
    }

    async fn work(&self) -> InboxWorked {
        process_inbox(&self.site, &self.provider).await.expect("the inbox is worked on")
    }

    async fn listed(&self, public_id: &str) -> ListedDonation {
        reports::find(&self.site.db, public_id).await.expect("a read").expect("the donation is there")
    }

    async fn all(&self) -> Vec<ListedDonation> {
        reports::page(&self.site.db, None, 1_000).await.expect("a read")
    }

    async fn sums(&self) -> (i64, i64) {
        let totals = reports::totals(&self.site.db).await.expect("a read");
        totals.iter().fold((0, 0), |sum, total| (sum.0 + total.number, sum.1 + total.minor))
    }

    async fn mails(&self) -> i64 {
        let counts = delivery::letter_counts(&self.site.db).await.expect("a read");
        counts.iter().map(|(_, number)| number).sum()
    }

    async fn balances(&self) {
        let audit = audit_money(&self.site.db).await.expect("a read");
        assert_eq!(audit.problems, Vec::<String>::new());
    }
}

both_engines! {
    /// TRUST D1, D2, T4: a gift given once, told by several events in every order, each twice, is one gift.
    async fn a_gift_is_booked_once_whatever_the_order_of_the_news(db: TestDb) {
        let room = Room::open(&db).await;
        let kinds = ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"];
        for (round, order) in permutations(&kinds).into_iter().enumerate() {
            let gift = room.gift(false).await;
            let (session, payment) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
            for kind in order {
                let object = if kind.starts_with("checkout") { &session } else { &payment };
                for _ in 0..2 {
                    room.tell(&format!("evt_{round}_{kind}"), kind, object).await;
                    room.work().await;
                }
            }
            let listed = room.listed(&gift).await;
            assert!(listed.is_paid());
            assert_eq!(listed.provider_payment_id, Some(payment));
            assert_eq!(room.sums().await, (round as i64 + 1, 1_500 * (round as i64 + 1)));
            let whole = reports::whole(&room.site.db, &gift).await.expect("a read").expect("it is there");
            assert_eq!(whole.entries.iter().map(|line| line.amount_minor).collect::<Vec<_>>(), [1_500, -1_500]);
            assert_eq!(whole.events.len(), 2, "what moved nothing is not its history");
            assert_eq!(room.mails().await, round as i64 + 1, "one receipt for one gift");
        }
        room.balances().await;
    }

    /// TRUST D2: a monthly gift's first payment is told by five events; all 120 orders end the same.
    async fn the_first_month_is_one_gift_in_all_120_orders(db: TestDb) {
        let room = Room::open(&db).await;
        let kinds = [
            "checkout.session.completed",
            "customer.subscription.created",
            "customer.subscription.updated",
            "invoice.paid",
            "payment_intent.succeeded",
        ];
        let orders = permutations(&kinds);
        assert_eq!(orders.len(), 120);
        for (round, order) in orders.into_iter().enumerate() {
            let gift = room.gift(true).await;
            let (session, subscription, invoice) = room.provider.pay_monthly(&gift);
            for kind in order {
                let object = match kind.split('.').next() {
                    Some("checkout") => session.clone(),
                    Some("customer") => subscription.clone(),
                    Some("invoice") => invoice.clone(),
                    _ => format!("pi_{gift}_1"),
                };
                room.tell(&format!("evt_{round}_{kind}"), kind, &object).await;
                room.work().await;
            }
            let listed = room.listed(&gift).await;
            assert_eq!((listed.state, listed.recurring_state), (DonationState::Paid, Some(RecurringState::Active)));
            assert_eq!(listed.provider_invoice_id, Some(invoice));
            assert_eq!(listed.provider_session_id, Some(session));
            assert_eq!(listed.provider_payment_id, Some(format!("pi_{gift}_1")));
        }
        assert_eq!(room.sums().await, (120, 120 * 1_500));
        assert_eq!(room.all().await.len(), 120);
        assert_eq!(room.mails().await, 120, "one receipt for one gift");
        room.balances().await;
        let running = reports::running(&room.site.db).await.expect("a read");
        assert_eq!(running.iter().map(|total| (total.number, total.minor)).collect::<Vec<_>>(), [(120, 180_000)]);
    }

    /// TRUST D2: later months and the end, in every order with the beginning.
    async fn later_months_and_the_end_may_be_told_in_any_order(db: TestDb) {
        let room = Room::open(&db).await;
        let steps =
            ["checkout.session.completed", "invoice.paid", "invoice.paid 2", "customer.subscription.deleted"];
        for (round, order) in permutations(&steps).into_iter().enumerate() {
            let gift = room.gift(true).await;
            let (session, subscription, first) = room.provider.pay_monthly(&gift);
            let amount = room.provider.session_of(&gift).total;
            let second = room.provider.add_invoice(&gift, 2, amount, None);
            room.provider.end_subscription(&subscription);
            for step in order {
                let (kind, object) = match step {
                    "checkout.session.completed" => (step, &session),
                    "invoice.paid" => (step, &first),
                    "invoice.paid 2" => ("invoice.paid", &second),
                    _ => (step, &subscription),
                };
                room.tell(&format!("evt_{round}_{}", step.replace(' ', "_")), kind, object).await;
                room.work().await;
            }
            let ours: Vec<ListedDonation> = room.all().await.into_iter().take(2).collect();
            assert!(ours.iter().all(|one| one.is_paid() && one.is_monthly()));
            assert!(ours.iter().all(|one| one.recurring_state == Some(RecurringState::Cancelled)));
            assert!(ours.iter().any(|one| one.public_id == gift));
            assert_eq!(room.all().await.len(), 2 * (round + 1));
            assert_eq!(room.mails().await, 3 * (round as i64 + 1), "two receipts and one word of the end");
        }
        room.balances().await;
    }

    /// TRUST D5, T5: "completed" is not "paid". Nothing is counted before the bank has paid, and nothing ever if it does not.
    async fn a_payment_that_takes_days_counts_only_once_it_is_there(db: TestDb) {
        let room = Room::open(&db).await;
        for (round, succeeds) in [(0, true), (1, false)] {
            let gift = room.gift(false).await;
            let (session, _) = room.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::Processing);
            room.tell(&format!("evt_{round}_completed"), "checkout.session.completed", &session).await;
            room.work().await;
            assert_eq!(room.listed(&gift).await.state, DonationState::Pending);
            assert_eq!(room.sums().await.0, round, "a gift that waits for the bank was counted");
            assert_eq!((room.listed(&gift).await.receipt_number, room.mails().await), (None, round));
            let (state, payment, kind, end) = if succeeds {
                (SessionState::Paid, PaymentState::Succeeded, "checkout.session.async_payment_succeeded", DonationState::Paid)
            } else {
                (SessionState::Unpaid, PaymentState::NotPaid, "checkout.session.async_payment_failed", DonationState::Failed)
            };
            room.provider.pay_once(&gift, state, payment);
            room.tell(&format!("evt_{round}_end"), kind, &session).await;
            room.work().await;
            assert_eq!(room.listed(&gift).await.state, end);
            // The first news, told again under another name, changes nothing any more.
            room.tell(&format!("evt_{round}_again"), "checkout.session.completed", &session).await;
            room.work().await;
            assert_eq!(room.listed(&gift).await.state, end);
            // One receipt; and one word to whoever was told that there is nothing more to do.
            assert_eq!((room.sums().await.0, room.mails().await), (1, round + 1));
        }
        room.balances().await;
    }

    /// Who only looked at the checkout page is forgotten when it expires.
    async fn a_checkout_page_that_expires_leaves_no_name_behind(db: TestDb) {
        let room = Room::open(&db).await;
        for (round, monthly) in [(0, false), (1, true)] {
            let gift = room.gift(monthly).await;
            let mut session = room.provider.session_of(&gift);
            session.state = SessionState::Expired;
            room.provider.set_session(&session);
            room.tell(&format!("evt_{round}"), "checkout.session.expired", &session.id).await;
            room.work().await;
            let listed = room.listed(&gift).await;
            assert_eq!((listed.state, listed.email.as_str(), listed.name.as_str()), (DonationState::Expired, "", ""));
        }
        assert_eq!(room.sums().await, (0, 0));
        room.balances().await;
    }

    /// TRUST D1: a hundred at once are one.
    async fn an_event_told_a_hundred_times_at_once_has_one_effect(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        let told = (0..100).map(|_| room.tell("evt_1", "checkout.session.completed", &session));
        futures_util::future::join_all(told).await;
        let workers = (0..4).map(|_| room.work());
        let done: u64 = futures_util::future::join_all(workers).await.iter().map(|worked| worked.done).sum();
        assert_eq!(done, 1);
        assert_eq!((room.sums().await, room.mails().await), ((1, 1_500), 1));
        room.balances().await;
    }

    /// TRUST D6: the answer is lost after the provider acted; the stored key finds the same checkout again.
    async fn a_lost_answer_is_asked_for_again_with_the_same_key(db: TestDb) {
        let room = Room::open(&db).await;
        for trouble in [Trouble::AnswerLost, Trouble::Busy] {
            room.provider.next_trouble(trouble);
            assert!(matches!(room.give("15", false).await, Err(GiftError::Provider(_))));
        }
        assert_eq!(resume_calls(&room.site, &room.provider).await.expect("a round"), 0, "not before its turn");
        room.site.clock.advance(Duration::from_secs(61));
        assert_eq!(resume_calls(&room.site, &room.provider).await.expect("a round"), 2);
        room.site.clock.advance(Duration::from_secs(3_600));
        assert_eq!(resume_calls(&room.site, &room.provider).await.expect("a round"), 0, "done is done");
        let donations = room.all().await;
        assert_eq!(donations.len(), 2);
        for donation in donations {
            let session = room.provider.session_of(&donation.public_id);
            assert_eq!(donation.provider_session_id, Some(session.id));
            assert_eq!(donation.state, DonationState::CheckoutOpen);
        }
    }

    /// TRUST D6: after a day the provider has forgotten the key, and a repeat would act a second time.
    async fn a_call_is_not_repeated_once_the_provider_has_forgotten_its_key(db: TestDb) {
        let room = Room::open(&db).await;
        room.provider.next_trouble(Trouble::AnswerLost);
        assert!(room.give("15", true).await.is_err());
        room.site.clock.advance(Duration::from_secs(24 * 3_600));
        let calls = room.provider.objects().calls;
        assert_eq!(resume_calls(&room.site, &room.provider).await.expect("a round"), 1);
        assert_eq!(room.provider.objects().calls, calls, "the provider was asked again");
        assert_eq!(room.all().await[0].state, DonationState::Expired);
    }

    /// TRUST D7: the webhook overtakes our own commit, or our rows are gone: one donation all the same.
    async fn news_of_a_gift_we_do_not_know_makes_its_row(db: TestDb) {
        let room = Room::open(&db).await;
        // The answer with the session's id never arrived, and the supporter pays.
        room.provider.next_trouble(Trouble::AnswerLost);
        assert!(room.give("15", false).await.is_err());
        let gift = room.all().await[0].public_id.clone();
        let (session, payment) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        room.tell("evt_1", "payment_intent.succeeded", &payment).await;
        room.tell("evt_2", "checkout.session.completed", &session).await;
        room.work().await;
        room.site.clock.advance(Duration::from_secs(61));
        resume_calls(&room.site, &room.provider).await.expect("a round");
        assert!(room.listed(&gift).await.is_paid());
        assert_eq!(room.sums().await, (1, 1_500));

        // Another instance, restored from an old backup, knows nothing of these gifts.
        let restored = Room::another(&db).await;
        for (round, monthly) in [(0, false), (1, true)] {
            let other = Room::another(&db).await;
            let gift = other.gift(monthly).await;
            let events = if monthly {
                let (session, subscription, invoice) = other.provider.pay_monthly(&gift);
                vec![
                    ("invoice.paid", invoice),
                    ("customer.subscription.updated", subscription),
                    ("checkout.session.completed", session),
                ]
            } else {
                let (session, payment) =
                    other.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
                vec![("payment_intent.succeeded", payment), ("checkout.session.completed", session)]
            };
            *restored.provider.objects() = std::mem::take(&mut *other.provider.objects());
            for (kind, object) in events {
                restored.tell(&format!("evt_{round}_{kind}"), kind, &object).await;
                restored.work().await;
            }
            let listed = restored.listed(&gift).await;
            assert!(listed.is_paid());
            assert_eq!(listed.email, "ann@example.org");
        }
        assert_eq!((restored.sums().await, restored.mails().await), ((2, 3_000), 2));
        restored.balances().await;
    }

    /// TRUST D3: what the webhook never brought, the provider's own list does.
    async fn the_poller_closes_the_gap_of_an_outage(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        let event = |id: &str, kind: &str, object: &str| ProviderEvent {
            id: id.to_owned(),
            kind: kind.to_owned(),
            object_id: object.to_owned(),
            created: NOW,
            live: false,
        };
        room.provider.objects().events = vec![
            event("evt_1", "checkout.session.completed", &session),
            event("evt_2", "product.created", "prod_1"),
            ProviderEvent { live: true, ..event("evt_3", "checkout.session.completed", &session) },
        ];
        assert_eq!(poll_provider(&room.site, &room.provider).await.expect("a list"), 1);
        assert_eq!(poll_provider(&room.site, &room.provider).await.expect("a list"), 0);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        assert!(room.listed(&gift).await.is_paid());
        room.balances().await;
    }

    /// What other software does with the same account is not our business.
    async fn objects_that_other_software_made_are_left_alone(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, payment) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        room.provider.objects().sessions.values_mut().for_each(|one| one.ours = Default::default());
        room.provider.objects().payments.values_mut().for_each(|one| one.ours = Default::default());
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.tell("evt_2", "payment_intent.succeeded", &payment).await;
        room.tell("evt_3", "an.unheard.of.kind", "x_1").await;
        assert_eq!(room.work().await, InboxWorked { done: 2, failed: 0 });
        assert_eq!(room.listed(&gift).await.state, DonationState::CheckoutOpen);
        assert_eq!(room.sums().await, (0, 0));
    }

    /// An event that cannot be applied waits longer each time, is given up where staff can see it, and can be tried again.
    async fn an_event_that_keeps_failing_is_given_up_in_sight_of_staff(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        let mut tries = 0;
        while reports::unfinished(&room.site.db).await.expect("a read").waiting > 0 {
            room.provider.next_trouble(Trouble::Busy);
            tries += room.work().await.failed;
            room.provider.objects().trouble.clear();
            room.site.clock.advance(Duration::from_secs(3_600));
            assert!(tries <= 15);
        }
        assert_eq!(tries, 15);
        let stuck = reports::stuck_events(&room.site.db).await.expect("a read");
        assert_eq!(stuck.len(), 1);
        assert!(stuck[0].last_error.as_deref().is_some_and(|error| error.contains("busy")));
        assert_eq!(room.sums().await, (0, 0));
        let mut tx = room.site.db.begin().await.expect("a transaction");
        assert!(EVENTS.again(&mut tx, "evt_1", room.site.now()).await.expect("a write"));
        tx.commit().await.expect("a commit");
        room.work().await;
        assert!(room.listed(&gift).await.is_paid());
        room.balances().await;
    }

    /// TRUST A27: the server alone says what an amount is worth.
    async fn tampered_amounts_start_no_gift(db: TestDb) {
        let room = Room::open(&db).await;
        for amount in
            ["-5", "0", "0.99", "1e12", "1000000000000", "10000.01", "NaN", "5.001", "", "5;currency=JPY"]
        {
            match room.give(amount, false).await {
                Err(GiftError::Invalid(fields)) => assert!(fields.amount.is_some(), "{amount:?}"),
                other => panic!("{amount:?} gave {other:?}"),
            }
        }
        assert!(room.all().await.is_empty());
        assert_eq!(room.provider.objects().calls, 0);
        room.provider.next_trouble(Trouble::Refuses);
        assert!(matches!(room.give("1", false).await, Err(GiftError::Invalid(_))));
        let yen = Settings { currency: "JPY".to_owned(), ..room.settings.clone() };
        let gift = crate::token::public_id();
        let request = GiftRequest {
            giver: Giver::default(),
            gift: &gift,
            back: "/donate",
            amount: "1500",
            every: every(false),
            email: "ann@example.org",
            name: "",
            edition_token: None,
            article: None,
        };
        start_gift(&room.site, &room.provider, &yen, &request).await.expect("a gift in yen");
        assert_eq!(room.all().await[0].amount(), "¥1500");
        let dinar = Settings { currency: "KWD".to_owned(), ..room.settings.clone() };
        let refused = start_gift(&room.site, &room.provider, &dinar, &request).await;
        assert!(matches!(refused, Err(GiftError::Currency(_))));
    }

    /// A supporter finds the way out, and is told "cancelled" only when the provider has said so.
    async fn a_monthly_donation_ends_when_the_provider_says_so(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(true).await;
        let (session, _, _) = room.provider.pay_monthly(&gift);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        let recurring = room.listed(&gift).await.recurring_public_id.expect("a monthly donation");
        let token = manage_token(&room.site, &recurring);
        let state = async || monthly_of(&room.site, &token).await.expect("a read").expect("it is there").state;
        assert_eq!(state().await, RecurringState::Active);

        room.provider.next_trouble(Trouble::AnswerLost);
        let asked = cancel_monthly(&room.site, Some(&room.provider), &token).await;
        assert!(matches!(asked, Err(CancelError::NotYet(_))));
        assert_eq!(state().await, RecurringState::Active);
        room.site.clock.advance(Duration::from_secs(61));
        assert_eq!(resume_calls(&room.site, &room.provider).await.expect("a round"), 1);
        assert_eq!(state().await, RecurringState::Cancelled);
        cancel_monthly(&room.site, Some(&room.provider), &token).await.expect("asking twice is no error");

        let forged = cancel_monthly(&room.site, Some(&room.provider), "forged").await;
        assert!(matches!(forged, Err(CancelError::NotFound)));
    }

    /// Who could not pay is forgotten; should the money come after all, the checkout still knows whom to write to.
    async fn money_that_comes_after_all_has_its_receipt(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::NotPaid);
        room.tell("evt_1", "checkout.session.async_payment_failed", &session).await;
        room.work().await;
        let failed = room.listed(&gift).await;
        assert_eq!((failed.state, failed.email.as_str()), (DonationState::Failed, ""));
        let (_, payment) = room.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::Succeeded);
        room.tell("evt_2", "payment_intent.succeeded", &payment).await;
        room.work().await;
        let paid = room.listed(&gift).await;
        assert_eq!((paid.state, paid.email.as_str()), (DonationState::Paid, "ann@example.org"));
        room.balances().await;
    }

    /// What only a test key sees moves no money, and is over for whoever has a live one; what only a live key sees does not end by
    /// asking with a test key.
    async fn what_was_given_in_test_mode_can_be_ended_under_a_live_key(db: TestDb) {
        for live in [false, true] {
            let room = Room::another(&db).await;
            let gift = room.gift(true).await;
            let (session, _, _) = room.provider.pay_monthly(&gift);
            room.tell("evt_1", "checkout.session.completed", &session).await;
            room.work().await;
            let recurring = room.listed(&gift).await.recurring_public_id.expect("a monthly donation");
            let token = manage_token(&room.site, &recurring);
            room.provider.objects().live = live;
            room.provider.next_trouble(Trouble::OtherMode);
            let asked = cancel_monthly(&room.site, Some(&room.provider), &token).await;
            let state = monthly_of(&room.site, &token).await.expect("a read").expect("it is there").state;
            assert_eq!(
                (asked.is_ok(), state),
                if live { (true, RecurringState::Cancelled) } else { (false, RecurringState::Active) }
            );
        }
    }

    /// TRUST T4: the audit is no ornament: one wrong entry makes it fail.
    async fn the_audit_finds_a_wrong_entry(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        room.balances().await;
        let donation_id = room.listed(&gift).await.id;
        let mut tx = room.site.db.begin().await.expect("a transaction");
        let entry = Entry {
            group: "gift:wrong",
            kind: PostingKind::Payment,
            account: Account::Provider,
            amount_minor: 1,
            currency: "EUR",
            donation_id: Some(donation_id),
            reference: "",
            at: NOW,
            happened_at: None,
        };
        store::book::add_entry(&mut tx, &entry).await.expect("an entry");
        tx.commit().await.expect("a commit");
        let audit = audit_money(&room.site.db).await.expect("a read");
        assert!(!audit.balances());
        assert_eq!(audit.problems.len(), 2, "{:?}", audit.problems);
    }

    /// TRUST D2: each move leaves only the states before it, so that none ever goes back.
    async fn a_donation_never_goes_back(db: TestDb) {
        let room = Room::open(&db).await;
        for (path, end) in [
            (&[Move::Pending, Move::Failed, Move::Pending, Move::Expired][..], DonationState::Failed),
            (&[Move::Expired, Move::Pending, Move::Failed], DonationState::Expired),
            (&[Move::Pending, Move::Expired], DonationState::Expired),
        ] {
            let gift = room.gift(false).await;
            let id = room.listed(&gift).await.id;
            let mut tx = room.site.db.begin().await.expect("a transaction");
            for to in path {
                store::gifts::advance(&mut tx, id, *to).await.expect("a move");
            }
            tx.commit().await.expect("a commit");
            assert_eq!(room.listed(&gift).await.state, end);
        }
        let gift = room.gift(false).await;
        let (session, _) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        let id = room.listed(&gift).await.id;
        let mut tx = room.site.db.begin().await.expect("a transaction");
        for to in [Move::Pending, Move::Failed, Move::Expired] {
            assert_eq!(store::gifts::advance(&mut tx, id, to).await.expect("a move"), 0, "{to:?} left paid");
        }
    }

    /// TRUST T5: a subscription that counts as active while its first debit is on its way is not money yet.
    async fn a_monthly_donation_counts_once_its_first_month_is_paid(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(true).await;
        let (session, _, invoice) = room.provider.pay_monthly(&gift);
        let set = |paid: bool| {
            let mut unpaid = room.provider.session_of(&gift);
            unpaid.state = if paid { SessionState::Paid } else { SessionState::Unpaid };
            room.provider.set_session(&unpaid);
            if let Some(invoice) = room.provider.objects().invoices.get_mut(&invoice) {
                invoice.paid = paid;
            }
        };
        set(false);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        assert_eq!(room.listed(&gift).await.state, DonationState::Pending);
        assert_eq!((room.sums().await, room.mails().await), ((0, 0), 0));
        assert!(reports::running(&room.site.db).await.expect("a read").is_empty());
        set(true);
        room.tell("evt_2", "invoice.paid", &invoice).await;
        room.work().await;
        assert_eq!((room.sums().await, room.mails().await), ((1, 1_500), 1));
        assert_eq!(reports::running(&room.site.db).await.expect("a read").len(), 1);
    }
}
