//! Regular gifts as they are at the provider, renewals that fail, what supporters change, and their page.

use super::*;
use crate::{
    clock::Zone,
    money::{Currency, Money},
    payments::{
        GiftChange, GiftRhythm, GiftRhythmUnit, PayBy, ProviderError, RefundState, SubscriptionChange,
    },
    support::database::{change, rows},
};

const DAY: Duration = Duration::from_secs(86_400);

/// How many letters of a kind there are.
async fn letters(room: &Room, template: &str) -> usize {
    let all: Vec<(String,)> = rows(&room.site.db, "select template from notice").await;
    all.iter().filter(|(one,)| one == template).count()
}

/// A monthly gift that runs: its public id here, its link, the subscription.
async fn running(room: &Room) -> (String, String, String) {
    let gift = room.gift(true).await;
    let (session, subscription, _) = room.provider.pay_monthly(&gift);
    room.tell(&format!("evt_{gift}"), "checkout.session.completed", &session).await;
    room.work().await;
    let recurring = room.listed(&gift).await.recurring_public_id.expect("a monthly donation");
    (gift, manage_token(&room.site, &recurring), subscription)
}

/// The second month fails: the invoice.
async fn fails(room: &Room, gift: &str, subscription: &str) -> String {
    let invoice = room.provider.add_invoice(gift, 2, None, None);
    {
        let mut objects = room.provider.objects();
        let waiting = objects.invoices.get_mut(&invoice).expect("it is there");
        (waiting.paid, waiting.open, waiting.paid_at) = (false, true, None);
        objects.subscriptions.get_mut(subscription).expect("it is there").state = RecurringState::PastDue;
    }
    room.tell(&format!("evt_failed_{gift}"), "invoice.payment_failed", &invoice).await;
    room.work().await;
    invoice
}

async fn monthly(room: &Room, token: &str) -> Monthly {
    monthly_of(&room.site, token).await.expect("a read").expect("it is there")
}

/// Their page by the link of their letters, or by the one that they asked for.
async fn page_of(room: &Room, was_asked_for: bool) -> Supporter {
    let donor: Vec<(String,)> = rows(&room.site.db, "select public_id from donor").await;
    let token = if was_asked_for { asked_supporter_token } else { supporter_token }(&room.site, &donor[0].0);
    supporter_by_link(&room.site, &token).await.expect("a read").expect("theirs")
}

/// The public id of the newest regular gift.
async fn newest_regular(room: &Room) -> String {
    let all: Vec<(String,)> =
        rows(&room.site.db, "select public_id from recurring_donation order by id desc").await;
    all[0].0.clone()
}

async fn wishes(room: &Room, was_asked_for: bool, wish: Wish<'_>) -> Result<(), ChangeError> {
    let (supporter, gift) = (page_of(room, was_asked_for).await, newest_regular(room).await);
    change_regular(&room.site, Some(&room.provider), &supporter, (&gift, wish)).await
}

async fn remind_all(room: &Room) {
    for _ in 0..2 {
        remind(&room.site, &room.provider).await.expect("a round");
    }
}

both_engines! {
    /// Three letters about a month that fails, on the first day, the third and the seventh, each once; then no more.
    async fn a_failed_month_is_written_about_three_times(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        fails(&room, &gift, &subscription).await;
        remind_all(&room).await;
        assert_eq!((letters(&room, "payment_failed").await, letters(&room, "payment_failed_again").await), (1, 0));
        for (days, again) in [(2, 0), (1, 1), (3, 1), (1, 2), (30, 2), (300, 2)] {
            room.site.clock.advance(days * DAY);
            remind_all(&room).await;
            assert_eq!(letters(&room, "payment_failed_again").await, again, "{days} days later");
        }
        // Another try of the same bill fails: its letters were written.
        room.tell("evt_once_more", "invoice.payment_failed", &format!("in_{gift}_2")).await;
        room.work().await;
        assert_eq!((letters(&room, "payment_failed").await, letters(&room, "payment_failed_again").await), (1, 2));
    }

    /// Paid, forgiven, resting or ended while nobody told us: the provider is asked before each letter, and none goes.
    async fn nobody_is_written_to_about_what_is_over(db: TestDb) {
        for way in ["paid", "void", "ended", "rests", "gone"] {
            let room = Room::another(&db).await;
            let (gift, _, subscription) = running(&room).await;
            let invoice = fails(&room, &gift, &subscription).await;
            {
                let mut objects = room.provider.objects();
                let state = match way { "ended" => RecurringState::Cancelled, "rests" => RecurringState::Paused, _ => RecurringState::PastDue };
                objects.subscriptions.get_mut(&subscription).expect("it is there").state = state;
                let bill = objects.invoices.get_mut(&invoice).expect("it is there");
                (bill.paid, bill.open) = (way == "paid", !matches!(way, "paid" | "void"));
                if way == "gone" {
                    objects.invoices.remove(&invoice);
                }
            }
            room.site.clock.advance(3 * DAY);
            // What the provider does not answer is asked again, and nobody is written to meanwhile.
            room.provider.next_trouble(Trouble::Busy);
            remind_all(&room).await;
            assert_eq!(letters(&room, "payment_failed_again").await, 0, "{way}");
            for _ in 0..3 {
                room.site.clock.advance(3 * DAY);
                remind_all(&room).await;
            }
            assert_eq!(letters(&room, "payment_failed_again").await, 0, "{way}");
            let open: Vec<(i64,)> = rows(&room.site.db, "select count(*) from renewal_trouble where state = 'open'").await;
            assert_eq!(open, [(0,)], "{way}");
        }
    }

    /// Whose bank decides about another gift of theirs is not asked for money meanwhile; when that is over they are.
    async fn whoever_is_in_dispute_is_not_asked_for_money(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        change(&room.site.db, "insert into dispute (provider_dispute_id, donation_id, amount_minor, currency, state, reason, is_answered, created_at)
            select 'dp_1', id, amount_minor, currency, 'needs_response', 'fraudulent', false, 1 from donation where state = 'paid'").await;
        fails(&room, &gift, &subscription).await;
        room.site.clock.advance(4 * DAY);
        remind_all(&room).await;
        assert_eq!((letters(&room, "payment_failed").await, letters(&room, "payment_failed_again").await), (0, 0));
        change(&room.site.db, "update dispute set state = 'won'").await;
        room.site.clock.advance(4 * DAY);
        remind_all(&room).await;
        assert_eq!(letters(&room, "payment_failed_again").await, 1);
    }

    /// News of a bill that is paid ends its letters at once, without asking.
    async fn news_that_it_is_paid_end_the_letters(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        let invoice = fails(&room, &gift, &subscription).await;
        let amount = room.provider.objects().subscriptions[&subscription].amount;
        room.provider.add_invoice(&gift, 2, amount, None);
        room.tell("evt_paid", "invoice.paid", &invoice).await;
        room.work().await;
        let calls = room.provider.objects().calls;
        room.site.clock.advance(4 * DAY);
        remind_all(&room).await;
        assert_eq!(room.provider.objects().calls, calls, "nothing is left to ask about");
        assert_eq!(letters(&room, "payment_failed_again").await, 0);
        room.balances().await;
    }

    /// The bank wants a word, and the payment failed: the provider tells both, and the supporter hears one, with the page for it.
    async fn who_must_confirm_at_the_bank_hears_it_once(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        let invoice = room.provider.add_invoice(&gift, 2, None, None);
        {
            let mut objects = room.provider.objects();
            let waiting = objects.invoices.get_mut(&invoice).expect("it is there");
            (waiting.paid, waiting.open) = (false, true);
            waiting.page = Some("https://invoice.example.com/i/1".to_owned());
            objects.subscriptions.get_mut(&subscription).expect("it is there").state = RecurringState::PastDue;
        }
        for (number, kind) in ["invoice.payment_action_required", "invoice.payment_failed", "invoice.payment_action_required"].iter().enumerate() {
            room.tell(&format!("evt_{number}"), kind, &invoice).await;
            room.work().await;
        }
        assert_eq!((letters(&room, "payment_action").await, letters(&room, "payment_failed").await), (1, 0));
        // It is a letter about a bill that waits as any other: the next goes on the third day.
        room.site.clock.advance(3 * DAY);
        remind_all(&room).await;
        assert_eq!(letters(&room, "payment_failed_again").await, 1);
    }

    /// The same told the other way round: that it failed comes first, and the payment says that it waits for its owner.
    async fn who_must_confirm_at_the_bank_hears_it_once_in_any_order(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        let invoice = room.provider.add_invoice(&gift, 2, None, None);
        {
            let mut objects = room.provider.objects();
            let waiting = objects.invoices.get_mut(&invoice).expect("it is there");
            (waiting.paid, waiting.open) = (false, true);
            waiting.page = Some("https://invoice.example.com/i/1".to_owned());
            let payment = waiting.waits_for.clone().expect("a payment");
            objects.payments.get_mut(&payment).expect("it is there").asks_owner = true;
            objects.subscriptions.get_mut(&subscription).expect("it is there").state = RecurringState::PastDue;
        }
        for (number, kind) in ["invoice.payment_failed", "invoice.payment_action_required"].iter().enumerate() {
            room.tell(&format!("evt_{number}"), kind, &invoice).await;
            room.work().await;
            assert_eq!((letters(&room, "payment_action").await, letters(&room, "payment_failed").await), (1, 0), "{kind}");
        }
    }

    /// What failed is confirmed at the bank at a later try: the page on which that is done is not lost.
    async fn who_must_confirm_at_the_bank_gets_the_page_for_it(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, subscription) = running(&room).await;
        let invoice = fails(&room, &gift, &subscription).await;
        room.provider.objects().invoices.get_mut(&invoice).expect("it is there").page =
            Some("https://invoice.example.com/i/1".to_owned());
        room.tell("evt_asks", "invoice.payment_action_required", &invoice).await;
        room.work().await;
        assert_eq!((letters(&room, "payment_failed").await, letters(&room, "payment_action").await), (1, 1));
    }

    /// TRUST T5: a bank that had days and did not pay after all: whoever gave hears it, once, by whichever news comes, and is forgotten.
    async fn a_gift_that_did_not_arrive_is_told_once(db: TestDb) {
        let room = Room::open(&db).await;
        for (round, monthly) in [false, true].into_iter().enumerate() {
            let gift = room.gift(monthly).await;
            let mut session = room.provider.session_of(&gift);
            if monthly {
                session.state = SessionState::Unpaid;
                room.provider.set_session(&session);
            } else {
                room.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::Processing);
            }
            room.tell(&format!("evt_done_{round}"), "checkout.session.completed", &session.id).await;
            room.work().await;
            assert_eq!(room.listed(&gift).await.state, DonationState::Pending);
            assert_eq!(letters(&room, "gift_failed").await, round, "not before it has failed");
            if !monthly {
                room.provider.pay_once(&gift, SessionState::Unpaid, PaymentState::NotPaid);
            }
            for again in 0..2 {
                room.tell(&format!("evt_failed_{round}_{again}"), "checkout.session.async_payment_failed", &session.id).await;
                room.work().await;
            }
            let failed = room.listed(&gift).await;
            assert_eq!((failed.state, failed.email.as_str()), (DonationState::Failed, ""));
            assert_eq!(letters(&room, "gift_failed").await, round + 1);
        }
        let to: Vec<(String,)> = rows(&room.site.db, "select address from notice where template = 'gift_failed'").await;
        assert!(to.iter().all(|(to,)| to == "ann@example.org"), "{to:?}");
    }

    /// What the subscription says of itself stands in our row: rhythm, days, card.
    async fn the_row_follows_what_the_subscription_says(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, token, subscription) = running(&room).await;
        {
            let mut objects = room.provider.objects();
            let is = objects.subscriptions.get_mut(&subscription).expect("it is there");
            is.terms.rhythm = GiftRhythm { count: 1, unit: GiftRhythmUnit::Year };
            is.terms.next = Some(Moment::from_unix_seconds(1_802_000_000));
            is.terms.ends_at = Some(Moment::from_unix_seconds(1_803_000_000));
            is.terms.method = Some(PayBy { id: "pm_1".to_owned(), brand: "Visa".to_owned(), last4: "4242".to_owned(), expires: "2027-01".to_owned() });
        }
        room.tell("evt_changed", "customer.subscription.updated", &subscription).await;
        room.work().await;
        let is = monthly(&room, &token).await;
        assert_eq!(is.rhythm.words(), "every year");
        assert_eq!(is.next_at, Some(Moment::from_unix_seconds(1_802_000_000)));
        assert_eq!(is.ends_at, Some(Moment::from_unix_seconds(1_803_000_000)));
        let card: Vec<(String, String)> = rows(&room.site.db, "select card_last4, card_expires from recurring_donation").await;
        assert_eq!(card, [("4242".to_owned(), "2027-01".to_owned())]);

        // NOW is in January 2027: it runs out this month, and is told once. Another card is another fact.
        for _ in 0..2 {
            tell_of_cards(&room.site).await.expect("a round");
        }
        assert_eq!(letters(&room, "card_expiring").await, 1);
        // Before a yearly payment there is a notice, once for each.
        room.provider.objects().subscriptions.get_mut(&subscription).expect("it is there").terms.ends_at = None;
        for number in 0..2 {
            room.tell(&format!("evt_soon_{number}"), "invoice.upcoming", &subscription).await;
            room.work().await;
        }
        // The object of that event has no id of its own: the door reads whose it is, which this fake's text does not say.
        assert_eq!(letters(&room, "yearly_notice").await, 0);
        let body = format!(r#"{{"id":"evt_soon","type":"invoice.upcoming","created":{},"livemode":false,"data":{{"object":{{"id":null,"parent":{{"subscription_details":{{"subscription":"{subscription}"}}}}}}}}}}"#, room.site.now().unix_seconds());
        room.tell_body(&body).await;
        room.work().await;
        assert_eq!(letters(&room, "yearly_notice").await, 1);

        // A debit that the bank lets us take no more.
        room.provider.objects().revoked.insert("mandate_1".to_owned(), "pm_1".to_owned());
        for number in 0..2 {
            room.tell(&format!("evt_mandate_{number}"), "mandate.updated", "mandate_1").await;
            room.work().await;
        }
        assert_eq!(letters(&room, "debit_revoked").await, 1);
    }

    /// TRUST D6, A27: a change is stored before it is made, repeated with its key, made once, and told when it is so. The amount is
    /// the server's to judge.
    async fn what_a_supporter_changes_is_made_once(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, token, subscription) = running(&room).await;
        for typed in ["-5", "0", "0.99", "1e12", "NaN", "10000.01", "5;currency=JPY", ""] {
            let refused = change_managed(&room.site, Some(&room.provider), &token, Wish::Amount(typed)).await;
            assert!(matches!(refused, Err(ChangeError::Invalid(_))), "{typed:?} gave {refused:?}");
        }
        let wanted = Wish::Rest(Some(room.site.now().plus(30 * DAY)));
        room.provider.next_trouble(Trouble::AnswerLost);
        let asked = change_managed(&room.site, Some(&room.provider), &token, wanted).await;
        assert!(matches!(asked, Err(ChangeError::NotYet(_))), "{asked:?}");
        let waits = monthly(&room, &token).await;
        assert!(waits.changing_since.is_some() && waits.state == RecurringState::Active, "not so before the provider says so");
        assert_eq!(letters(&room, "monthly_changed").await, 0);
        let second = change_managed(&room.site, Some(&room.provider), &token, Wish::GoOn).await;
        assert!(matches!(second, Err(ChangeError::Waiting)), "{second:?}");
        room.site.clock.advance(Duration::from_secs(120));
        resume_calls(&room.site, &room.provider).await.expect("a round");
        let rests = monthly(&room, &token).await;
        assert_eq!((rests.state, rests.changing_since), (RecurringState::Paused, None));
        assert!(rests.rests_until.is_some());
        assert_eq!((letters(&room, "monthly_changed").await, room.provider.objects().changes.len()), (1, 1));

        change_managed(&room.site, Some(&room.provider), &token, Wish::GoOn).await.expect("it goes on");
        wishes(&room, true, Wish::Amount("20")).await.expect("another amount");
        let yearly = Wish::Rhythm(GiftRhythm { count: 1, unit: GiftRhythmUnit::Year });
        wishes(&room, true, yearly).await.expect("another rhythm");
        let is = monthly(&room, &token).await;
        assert_eq!((is.amount.as_str(), is.state, is.rhythm.words().as_str()), ("€20.00", RecurringState::Active, "every year"));
        assert_eq!(letters(&room, "monthly_changed").await, 4);
        let changes: Vec<SubscriptionChange> = room.provider.objects().changes.values().cloned().collect();
        let moved = changes.iter().find_map(|one| match &one.change { GiftChange::Amount { rhythm, next, .. } if rhythm.is_yearly() => Some(*next), _ => None });
        assert!(moved.flatten().is_some(), "another rhythm charges nothing today");
        assert_eq!(room.provider.objects().subscriptions[&subscription].amount.map(|amount| amount.minor), Some(2_000));
    }

    /// An end that is to come and cannot be set is made at once: whoever was told that nothing more is taken must be right.
    async fn an_end_that_cannot_be_set_for_later_is_made_at_once(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, token, _) = running(&room).await;
        room.provider.next_trouble(Trouble::Refuses);
        let refused = change_managed(&room.site, Some(&room.provider), &token, Wish::EndLater).await;
        assert!(matches!(refused, Err(ChangeError::Refused(ProviderError::Refused { .. }))), "{refused:?}");
        assert!(monthly(&room, &token).await.asked_at.is_some());
        room.site.clock.advance(Duration::from_secs(120));
        resume_calls(&room.site, &room.provider).await.expect("a round");
        assert_eq!(monthly(&room, &token).await.state, RecurringState::Cancelled);

        // And one that can be set ends when what is paid has passed; until then it runs.
        let (_, token, _) = running(&room).await;
        change_managed(&room.site, Some(&room.provider), &token, Wish::EndLater).await.expect("it will end");
        let is = monthly(&room, &token).await;
        assert!(is.state == RecurringState::Active && is.ends_at.is_some() && is.asked_at.is_none());
    }

    /// TRUST A22, A27: mail is handed on. What takes more, or takes it sooner, is done by the link alone that was asked for; less, later, a
    /// rest and the end by the link of any receipt.
    async fn more_is_taken_by_the_link_alone_that_was_asked_for(db: TestDb) {
        let room = Room::open(&db).await;
        running(&room).await;
        let yearly = GiftRhythm { count: 1, unit: GiftRhythmUnit::Year };
        let next = room.site.now().plus(20 * DAY);
        wishes(&room, true, Wish::Date(next)).await.expect("any day by that link");
        let sooner = Wish::Date(next.minus(5 * DAY));
        for more in [Wish::Amount("20"), sooner] {
            let refused = wishes(&room, false, more).await;
            assert!(matches!(refused, Err(ChangeError::NeedsLink)), "{more:?} gave {refused:?}");
        }
        assert_eq!(room.provider.objects().changes.len(), 1, "nothing is asked of the provider");
        wishes(&room, false, Wish::Amount("10")).await.expect("less");
        wishes(&room, false, Wish::Date(next.plus(5 * DAY))).await.expect("later");
        wishes(&room, false, Wish::Rhythm(yearly)).await.expect("more seldom");
        let oftener = wishes(&room, false, Wish::Rhythm(GiftRhythm::MONTHLY)).await;
        assert!(matches!(oftener, Err(ChangeError::NeedsLink)), "{oftener:?}");
        wishes(&room, true, Wish::Rhythm(GiftRhythm::MONTHLY)).await.expect("every month again");
        wishes(&room, true, Wish::Amount("20")).await.expect("more");
        wishes(&room, false, Wish::Rest(None)).await.expect("a rest");
        wishes(&room, false, Wish::GoOn).await.expect("what was agreed");

        // The link that was asked for is good for a day.
        let donor: Vec<(String,)> = rows(&room.site.db, "select public_id from donor").await;
        let (asked, written) = (asked_supporter_token(&room.site, &donor[0].0), supporter_token(&room.site, &donor[0].0));
        room.site.clock.advance(2 * DAY);
        assert!(!supporter_by_link(&room.site, &asked).await.expect("a read").expect("theirs once").is_fresh);
        assert!(supporter_by_link(&room.site, &written).await.expect("a read").expect("theirs").is_fresh);
    }

    /// TRUST A27: a gift in another currency than that of Settings has limits too.
    async fn every_currency_has_limits(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, _, subscription) = running(&room).await;
        room.provider.objects().subscriptions.get_mut(&subscription).expect("it is there").amount =
            Some(Money::new(1_500, Currency::USD));
        for typed in ["0.01", "5000000"] {
            let refused = wishes(&room, true, Wish::Amount(typed)).await;
            assert!(matches!(refused, Err(ChangeError::Invalid(_))), "{typed} gave {refused:?}");
        }
    }

    /// An end that is set for later can be taken back, by a link that was asked for; nothing else is changed meanwhile.
    async fn an_end_that_is_set_for_later_is_taken_back(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, token, subscription) = running(&room).await;
        let next = room.site.now().plus(20 * DAY);
        room.provider.objects().subscriptions.get_mut(&subscription).expect("it is there").terms.next = Some(next);
        wishes(&room, false, Wish::EndLater).await.expect("it will end");
        let is = monthly(&room, &token).await;
        assert_eq!((is.state, is.ends_at, is.asked_at), (RecurringState::Active, Some(next), None));

        for other in [Wish::Amount("10"), Wish::Rest(None), Wish::GoOn, Wish::EndLater] {
            let refused = wishes(&room, true, other).await;
            assert!(matches!(refused, Err(ChangeError::Ends)), "{other:?} gave {refused:?}");
        }
        let kept = wishes(&room, false, Wish::KeepOn).await;
        assert!(matches!(kept, Err(ChangeError::NeedsLink)), "{kept:?}");
        wishes(&room, true, Wish::KeepOn).await.expect("it goes on");
        assert_eq!(monthly(&room, &token).await.ends_at, None);
        let twice = wishes(&room, true, Wish::KeepOn).await;
        assert!(matches!(twice, Err(ChangeError::Invalid(_))), "{twice:?}");
        wishes(&room, false, Wish::EndLater).await.expect("and may end again");
    }

    /// TRUST T4, T6: what was sent back is no gift any more: the list says so, no sum has it, and no receipt is mailed for it again. What was
    /// taken over from another program has no receipt.
    async fn what_was_sent_back_is_taken_off(db: TestDb) {
        let room = Room::open(&db).await;
        let mut gifts = Vec::new();
        for (round, back) in [0, 500, 1_500].into_iter().enumerate() {
            let (gift, session, payment) = super::back::given(&room).await;
            if back > 0 {
                room.provider.set_refund(&payment, &format!("re_{round}"), back, RefundState::Succeeded);
            }
            room.tell(&format!("evt_{round}"), "checkout.session.completed", &session).await;
            room.work().await;
            gifts.push(gift);
        }
        let supporter = page_of(&room, false).await;
        let list = gifts_of(&room.site, &supporter).await.expect("a read").gifts;
        let mut seen: Vec<_> = list.iter().map(|gift| (gift.amount.as_str(), gift.was.as_deref(), gift.is_back)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [("€10.00", Some("€15.00"), false), ("€15.00", None, false), ("€15.00", None, true)]);
        let span = (NOW.minus(4_000 * DAY), NOW.plus(4_000 * DAY));
        let stated = statement(&room.site, &supporter, &Zone::UTC, span).await.expect("a read");
        assert_eq!((stated.gifts.len(), stated.sums), (2, vec!["€25.00".to_owned()]));
        let sent = letters(&room, "receipt").await;
        assert_eq!(send_receipt_again(&room.site, &supporter, &gifts[2]).await.expect("no letter"), LetterAsked::NotFound);
        assert_eq!(letters(&room, "receipt").await, sent);
        send_receipt_again(&room.site, &supporter, &gifts[1]).await.expect("a letter");
        let again: Vec<(Vec<u8>,)> = rows(&room.site.db, "select message from notice where template = 'receipt' order by id desc limit 1").await;
        let again = String::from_utf8_lossy(&again[0].0);
        assert!(again.contains("10.00") && !again.contains("15.00"), "{again}");

        change(&room.site.db, "delete from receipt").await;
        let stated = statement(&room.site, &supporter, &Zone::UTC, span).await.expect("a read");
        assert!(stated.gifts.len() == 2 && stated.gifts.iter().all(|gift| gift.receipt_number.is_none()));
    }

    /// Each change is a letter: of them there are ten a day. An end is never refused.
    async fn changes_are_counted_as_letters_and_an_end_is_not(db: TestDb) {
        let room = Room::open(&db).await;
        running(&room).await;
        let mut done = 0;
        for _ in 0..12 {
            for wish in [Wish::Rest(None), Wish::GoOn] {
                match wishes(&room, false, wish).await {
                    Ok(()) => done += 1,
                    // When it does not rest any more, there is nothing to go on with.
                    Err(ChangeError::Enough | ChangeError::Invalid(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!((done, letters(&room, "monthly_changed").await), (10, 10));
        wishes(&room, false, Wish::EndLater).await.expect("an end is never refused");
        room.site.clock.advance(2 * DAY);
        wishes(&room, true, Wish::KeepOn).await.expect("another day");
    }

    /// What the provider could not be asked about was not changed, and nobody keeps asking.
    async fn what_could_not_be_looked_up_is_not_asked_for_again(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, token, _) = running(&room).await;
        for trouble in [Trouble::Busy, Trouble::Refuses] {
            room.provider.next_trouble(trouble);
            let refused = wishes(&room, true, Wish::Amount("20")).await;
            assert!(matches!(refused, Err(ChangeError::Unreachable(_))), "{refused:?}");
        }
        let supporter = page_of(&room, true).await;
        let gift = newest_regular(&room).await;
        let card = card_page(&room.site, None, &supporter, (&gift, "https://magazine.example.org/")).await;
        assert!(matches!(card, Err(ChangeError::Unreachable(_))), "{card:?}");
        assert_eq!(monthly(&room, &token).await.changing_since, None);
        room.site.clock.advance(DAY);
        resume_calls(&room.site, &room.provider).await.expect("a round");
        let changes = room.provider.objects().changes.len();
        assert_eq!((changes, monthly(&room, &token).await.amount.as_str()), (0, "€15.00"));
    }

    /// An empty box changes nothing, for it is what everybody sends who did not think of it.
    async fn an_empty_name_wipes_nothing(db: TestDb) {
        let room = Room::open(&db).await;
        running(&room).await;
        let supporter = page_of(&room, false).await;
        for empty in ["", "  ", "\u{7}"] {
            assert!(rename_supporter(&room.site, &supporter, empty).await.expect("a read").is_err(), "{empty:?}");
        }
        assert_eq!(page_of(&room, false).await.name(), "Ann");
        rename_supporter(&room.site, &supporter, "Ann Lamp").await.expect("a read").expect("a name");
        assert_eq!(page_of(&room, false).await.name(), "Ann Lamp");
    }

    /// Letters about a gift that is taken once a year do not call it one of every month.
    async fn letters_say_how_often_it_is_taken(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, token, subscription) = running(&room).await;
        let yearly = GiftRhythm { count: 1, unit: GiftRhythmUnit::Year };
        room.provider.objects().subscriptions.get_mut(&subscription).expect("it is there").terms.rhythm = yearly;
        room.tell("evt_changed", "customer.subscription.updated", &subscription).await;
        room.work().await;
        send_receipt_again(&room.site, &page_of(&room, false).await, &gift).await.expect("a letter");
        fails(&room, &gift, &subscription).await;
        cancel_monthly(&room.site, Some(&room.provider), &token).await.expect("an end");
        for template in ["receipt", "payment_failed", "recurring_cancelled"] {
            let all: Vec<(String, Vec<u8>)> = rows(&room.site.db, "select template, message from notice order by id desc").await;
            let (_, message) = all.into_iter().find(|(one, _)| one == template).expect(template);
            let message = String::from_utf8_lossy(&message).replace("=\r\n", "").replace("\r\n", " ");
            assert!(message.contains("every year"), "{template}: {message}");
        }
    }

    /// TRUST A22: who asks for the link learns nothing, and a supporter gets it once a day. One that has run out says whose it was and
    /// opens nothing; a fresh one goes to the address that is known.
    async fn the_link_to_a_supporters_page(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, _, _) = running(&room).await;
        for typed in ["ann@example.org", "ANN@example.org", "nobody@example.org"] {
            let email = typed.parse().expect("an address");
            ask_for_gifts_link(&room.site, &room.settings, &email, None).await.expect("the same for all");
        }
        assert_eq!(letters(&room, "gifts_link").await, 1);
        let donor: Vec<(String,)> = rows(&room.site.db, "select public_id from donor").await;
        let token = supporter_token(&room.site, &donor[0].0);
        let fresh = supporter_by_link(&room.site, &token).await.expect("a read").expect("theirs");
        assert!(fresh.is_fresh);
        let page = gifts_of(&room.site, &fresh).await.expect("a read");
        assert_eq!((page.gifts.len(), page.regular.len(), page.more), (1, 1, false));
        assert_eq!(page.regular[0].amount, "€15.00");
        assert_eq!(send_receipt_again(&room.site, &fresh, &gift).await.expect("a letter"), LetterAsked::Sent);
        assert_eq!(send_receipt_again(&room.site, &fresh, "anothersgift00000000").await.expect("no letter"), LetterAsked::NotFound);
        assert_eq!(letters(&room, "receipt").await, 2);

        room.site.clock.advance(31 * DAY);
        let old = supporter_by_link(&room.site, &token).await.expect("a read").expect("theirs once");
        assert!(!old.is_fresh);
        for _ in 0..20 {
            mail_fresh_link(&room.site, &old, "").await.expect("an answer");
        }
        assert_eq!(letters(&room, "gifts_link").await, 11, "ten a day are all there are");
        for forged in ["", "x", "monthly", &token[1..]] {
            assert!(supporter_by_link(&room.site, forged).await.expect("a read").is_none());
        }
    }
}
