//! Gifts given back from the desk, payouts, closed months, and the comparison with the provider's lists.

use super::{
    back::{given, held, tell},
    fake::movement,
    *,
};
use crate::{
    money::{Currency, Money},
    payments::{Payout, PayoutState, RefundState},
    staff::Role,
    support::database,
};

const TREASURER: Role = Role::Treasurer;

fn ask<'a>(key: &'a str, donation: &'a str, amount_minor: i64) -> RefundAsk<'a> {
    RefundAsk { key, donation, amount_minor, why: "given twice by mistake" }
}

/// Somebody of the team.
async fn treasurer(room: &Room) -> (i64, Role) {
    let new = "insert into staff (public_id, email, email_key, name, role, created_at) values ('tess', 'tess@example.org', 'tess@example.org', 'Tess', 'treasurer', 0)";
    database::change(&room.site.db, new).await;
    let rows: Vec<(i64,)> =
        database::rows(&room.site.db, "select id from staff where public_id = 'tess'").await;
    (rows[0].0, TREASURER)
}

async fn paid(room: &Room) -> (String, String) {
    let (gift, session, payment) = given(room).await;
    room.tell(&format!("evt_{gift}"), "checkout.session.completed", &session).await;
    room.work().await;
    (gift, payment)
}

async fn asks(room: &Room, who: (i64, Role), ask: &RefundAsk<'_>) -> Result<RefundMade, RefundError> {
    refund(&room.site, &room.provider, who, ask).await
}

both_engines! {
    /// TRUST D6, T6: pressed twice it is one refund; more than is left, no reason and another role are refused in words.
    async fn a_gift_is_given_back_once(db: TestDb) {
        let room = Room::open(&db).await;
        let who = treasurer(&room).await;
        let (gift, _) = paid(&room).await;
        for _ in 0..2 {
            assert_eq!(asks(&room, who, &ask("one", &gift, 500)).await.expect("it is given back"), RefundMade::Done);
        }
        assert_eq!(room.provider.objects().refunds.len(), 1);
        assert_eq!(room.listed(&gift).await.standing, GiftStanding::PartlyRefunded);
        let more = asks(&room, who, &ask("two", &gift, 1_001)).await.expect_err("more than is left").to_string();
        assert!(more.contains("€10.00"), "{more}");
        assert!(matches!(asks(&room, (who.0, Role::Sender), &ask("three", &gift, 1)).await, Err(RefundError::NotAllowed)));
        let silent = RefundAsk { why: " ", ..ask("four", &gift, 1) };
        assert!(matches!(asks(&room, who, &silent).await, Err(RefundError::Why)));
        assert_eq!(asks(&room, who, &ask("five", &gift, 1_000)).await.expect("the rest"), RefundMade::Done);
        assert_eq!((room.listed(&gift).await.standing, room.sums().await), (GiftStanding::Refunded, (0, 0)));
        assert_eq!(room.mails().await, 3, "a receipt, and two corrections");
        room.balances().await;
        assert_eq!(held(&room).await, room.provider.balance());
    }

    /// TRUST D6: the answer is lost after the provider acted, or nothing came of it: it is asked again, and given back once.
    async fn an_answer_that_is_lost_gives_nothing_back_twice(db: TestDb) {
        for trouble in [Trouble::AnswerLost, Trouble::Busy] {
            let room = Room::another(&db).await;
            let who = treasurer(&room).await;
            let (gift, _) = paid(&room).await;
            // First it is looked at what is left (payment, refunds, disputes), and then sent back.
            for next in [Trouble::None, Trouble::None, Trouble::None, trouble] {
                room.provider.next_trouble(next);
            }
            assert_eq!(asks(&room, who, &ask("one", &gift, 1_500)).await.expect("it waits"), RefundMade::Waits);
            let more = asks(&room, who, &ask("two", &gift, 1)).await;
            assert!(matches!(more, Err(RefundError::TooMuch(_))), "what is on its way is not there twice: {more:?}");
            room.site.clock.advance(Duration::from_secs(2 * 86_400));
            // Whoever asks after a day looks first.
            room.provider.objects().refund_keys.clear();
            resume_refunds(&room.site, &room.provider).await.expect("a round");
            assert_eq!(room.provider.objects().refunds.len(), 1, "{trouble:?}");
            assert_eq!(room.listed(&gift).await.standing, GiftStanding::Refunded);
            room.balances().await;
        }
    }

    /// TRUST T10, F30: a restored backup does not know that a part went back. While the provider cannot say so nothing is asked for, and
    /// once it can, there is no more than what is left; pressed again, what was asked for waits as it is.
    async fn what_a_backup_does_not_know_is_not_sent_back_again(db: TestDb) {
        let room = Room::open(&db).await;
        let who = treasurer(&room).await;
        let (gift, payment) = paid(&room).await;
        room.provider.set_refund(&payment, "re_lost", 1_000, RefundState::Succeeded);
        for _ in 0..2 {
            room.provider.next_trouble(Trouble::Busy);
            let asked = asks(&room, who, &ask("one", &gift, 1_000)).await;
            assert!(matches!(asked, Err(RefundError::Unreachable)), "{asked:?}");
        }
        room.site.clock.advance(Duration::from_secs(3_600));
        resume_refunds(&room.site, &room.provider).await.expect("a round");
        assert_eq!(room.provider.objects().refunds.len(), 1, "nothing was written down");
        let more = asks(&room, who, &ask("one", &gift, 1_000)).await.expect_err("it is known by now").to_string();
        assert!(more.contains("€5.00"), "{more}");

        // The payment, its refunds and disputes; then what is asked for.
        for trouble in [Trouble::None, Trouble::None, Trouble::None, Trouble::Busy] {
            room.provider.next_trouble(trouble);
        }
        for _ in 0..2 {
            let asked = asks(&room, who, &ask("two", &gift, 500)).await.expect("it is written down");
            assert_eq!(asked, RefundMade::Waits);
        }
        resume_refunds(&room.site, &room.provider).await.expect("a round");
        room.balances().await;
    }

    /// A payout is one group, equal to the line of the bank; a failed one is undone and told.
    async fn a_payout_is_one_line_of_the_bank(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, payment) = paid(&room).await;
        let fee = movement("txn_fee", "stripe_fee", -30, 0);
        let net = 1_500 - 74 - 30;
        let set = |state: PayoutState| {
            let mut objects = room.provider.objects();
            let moved = movement("txn_po", "payout", -net, 0);
            let returned = (state == PayoutState::Failed).then(|| movement("txn_po_back", "payout_failure", net, 0));
            for one in [Some(&moved), returned.as_ref(), Some(&fee)].into_iter().flatten() {
                objects.movements.insert(one.id.clone(), (one.clone(), Some("po_1".to_owned())));
            }
            objects.movements.get_mut(&format!("txn_{payment}")).expect("the gift's").1 = Some("po_1".to_owned());
            let payout = Payout {
                id: "po_1".to_owned(),
                state,
                amount: Money::new(net, Currency::EUR),
                failure: String::new(),
                arrives: NOW,
                automatic: true,
                moved: Some(moved),
                returned,
                created: NOW,
            };
            objects.payouts.insert(payout.id.clone(), payout);
        };
        set(PayoutState::Paid);
        for id in ["evt_1", "evt_2"] {
            room.tell(id, "payout.paid", "po_1").await;
            room.work().await;
            settle_waiting(&room.site, &room.provider).await.expect("settled");
        }
        let bank = "select cast(coalesce(sum(amount_minor), 0) as bigint) from ledger_entry where account = 'bank'";
        assert_eq!(database::rows::<(i64,)>(&room.site.db, bank).await, [(net,)]);
        assert_eq!(held(&room).await, 0);
        let lines = payouts_page(&room.site.db, None, 10).await.expect("a read");
        assert_eq!((lines.len(), lines[0].gifts), (1, 1));
        let out = paid_out(&room.site.db, "po_1", None, 10).await.expect("a read");
        assert_eq!(out.iter().filter(|line| line.donation.as_deref() == Some(&gift)).count(), 1);
        room.balances().await;
        set(PayoutState::Failed);
        room.tell("evt_3", "payout.failed", "po_1").await;
        room.work().await;
        assert_eq!((database::rows::<(i64,)>(&room.site.db, bank).await, held(&room).await), (vec![(0,)], net));
        let told: Vec<(String,)> = database::rows(&room.site.db, "select subject from news").await;
        assert_eq!(told, [("payout po_1".to_owned(),)]);
        room.balances().await;
    }

    /// What comes after a month was closed stands in the open one, with the day that it happened.
    async fn a_closed_month_takes_nothing(db: TestDb) {
        let room = Room::open(&db).await;
        let who = treasurer(&room).await;
        let (gift, payment) = paid(&room).await;
        assert!(matches!(close_month(&room.site, who, "2027-01").await, Err(CloseError::NotOver)));
        assert!(matches!(close_month(&room.site, (who.0, Role::Viewer), "2026-12").await, Err(CloseError::NotAllowed)));
        room.site.clock.advance(Duration::from_secs(40 * 86_400));
        close_month(&room.site, who, "2027-01").await.expect("it is over");
        assert!(matches!(close_month(&room.site, who, "2026-12").await, Err(CloseError::Closed)));
        room.provider.set_refund(&payment, "re_1", 500, RefundState::Succeeded);
        tell(&room, "evt_late", "charge.refunded", &payment).await;
        room.work().await;
        let (_, until) = month_bounds("2027-01", &Settings::load(&room.site.db).await.expect("settings").time_zone).expect("a month");
        let whole = reports::whole(&room.site.db, &gift).await.expect("a read").expect("it is there");
        let late: Vec<_> = whole.entries.iter().filter(|line| line.kind == PostingKind::Refund).collect();
        assert!(late.len() == 2 && late.iter().all(|line| line.at == until && line.happened_at == Some(fake::ARRIVED)), "{late:?}");
        let sums = book_sums(&room.site.db, until, room.site.now()).await.expect("a read");
        assert!(sums.iter().any(|sum| sum.account == Account::Refunds && sum.minor == 500 && sum.late == 1), "{sums:?}");
        room.balances().await;
    }

    /// TRUST T4, D3: what differs from the provider's lists, either way, is found, named, and mended where it can be.
    async fn a_comparison_finds_what_differs(db: TestDb) {
        let room = Room::open(&db).await;
        let span = (NOW.minus(Duration::from_secs(60 * 86_400)), NOW.plus(Duration::from_secs(3 * 86_400)));
        let compare = async |mend: bool| reconcile(&room.site, &room.provider, span, mend).await.expect("a comparison");
        let (gift, payment) = paid(&room).await;
        for _ in 0..4 {
            paid(&room).await;
        }
        room.site.clock.advance(Duration::from_secs(2 * 86_400));
        let found = compare(false).await;
        assert!(found.is_equal() && found.compared >= 10, "{found:?}");
        // Nobody told of these.
        room.provider.set_refund(&payment, "re_1", 500, RefundState::Succeeded);
        let (unheard, _, _) = given(&room).await;
        let found = compare(false).await;
        assert!(found.differences.iter().any(|one| one.what == Compared::Refund && one.id == "re_1"), "{found:?}");
        assert!(found.differences.iter().any(|one| one.what == Compared::Payment && one.id.contains(&unheard)), "{found:?}");
        compare(true).await;
        let found = compare(false).await;
        assert!(found.is_equal(), "{found:?}");
        assert_eq!(room.listed(&gift).await.standing, GiftStanding::PartlyRefunded);
        assert!(room.listed(&unheard).await.is_paid());
        // And what the provider does not know.
        room.provider.objects().refunds.clear();
        let found = compare(false).await;
        assert_eq!((found.different, found.differences[0].what), (1, Compared::Refund), "{found:?}");
        keep_reconciled(&room.site, &found).await.expect("kept");
        let last = last_reconciled(&room.site.db).await.expect("a read").expect("a comparison");
        assert_eq!((last.equal_at, last.found), (None, found));
        room.balances().await;
    }
}
