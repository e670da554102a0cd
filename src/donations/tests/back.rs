//! What becomes of a gift after it was paid: refunds, disputes, warnings, reviews and fees, in every order.

use super::{
    fake::{movement, permutations},
    *,
};
use crate::{
    db::Db,
    money::{Currency, Money},
    payments::{DisputeState, FraudWarning, RefundState},
    support::database,
};

/// The gift of a room, whose payment is on the balance.
pub async fn given(room: &Room) -> (String, String, String) {
    let gift = room.gift(false).await;
    let (session, payment) = room.provider.pay_once(&gift, SessionState::Paid, PaymentState::Succeeded);
    room.provider.settle(&payment, 74);
    (gift, session, payment)
}

/// Tells of a payment by whatever happens to it.
pub async fn tell(room: &Room, id: &str, kind: &str, payment: &str) {
    let created = room.site.now().unix_seconds();
    let body = format!(
        r#"{{"id":"{id}","type":"{kind}","created":{created},"livemode":false,"data":{{"object":{{"id":"x_1","payment_intent":"{payment}"}}}}}}"#
    );
    room.tell_body(&body).await;
}

/// What rows, book and letters hold of a gift, without the numbers of rows.
async fn everything(room: &Room, gift: &str) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "select entry_group || ' ' || account || ' ' || currency || ' ' || cast(amount_minor as text) || ' ' || cast(at as text)
            from ledger_entry order by 1",
        "select provider_refund_id || ' ' || state || ' ' || cast(amount_minor as text) from refund order by 1",
        "select provider_dispute_id || ' ' || state || ' ' || cast(amount_minor as text) from dispute order by 1",
        "select provider_movement_id || ' ' || cast(amount_minor - fee_minor as text) from movement order by 1",
        "select d.public_id || ' ' || s.standing || ' ' || cast(s.refunded_minor as text) || ' ' || cast(s.back_minor as text)
            from gift_standing s join donation d on d.id = s.donation_id",
        "select key from notice order by 1",
    ] {
        let rows: Vec<(String,)> = database::rows(&room.site.db, sql).await;
        all.extend(rows.into_iter().filter(|(row,)| row.contains(gift)).map(|(row,)| row.replace(gift, "GIFT")));
    }
    all
}

/// What the provider holds for us, by the book.
pub async fn held(room: &Room) -> i64 {
    let sql = "select cast(coalesce(sum(amount_minor), 0) as bigint) from ledger_entry where account = 'provider:stripe'";
    let rows: Vec<(i64,)> = database::rows(&room.site.db, sql).await;
    rows[0].0
}

/// Whether the database refuses a change.
async fn refuses(db: &Db, sql: &'static str) -> bool {
    match db {
        Db::Sqlite { write, .. } => sqlx::query(sql).execute(write).await.is_err(),
        Db::Postgres { pool, .. } => sqlx::query(sql).execute(pool).await.is_err(),
    }
}

both_engines! {
    /// TRUST D1, D2, D8, T4: whatever the order in which the news of one gift come, each of them twice, rows, book and letters are the same,
    /// and the book holds what the provider's balance is, to the cent.
    async fn the_news_of_one_gift_end_the_same_in_every_order(db: TestDb) {
        let room = Room::open(&db).await;
        let kinds = ["checkout.session.completed", "charge.updated", "refund.created", "refund.failed", "charge.dispute.closed"];
        let mut expected: Option<Vec<String>> = None;
        for (round, order) in permutations(&kinds).into_iter().enumerate() {
            let (gift, session, payment) = given(&room).await;
            room.provider.set_refund(&payment, &format!("re_{gift}_1"), 500, RefundState::Succeeded);
            room.provider.set_refund(&payment, &format!("re_{gift}_2"), 400, RefundState::Failed);
            room.provider.set_dispute(&payment, &format!("dp_{gift}"), DisputeState::Won);
            for kind in &order {
                let id = format!("evt_{round}_{kind}");
                for _ in 0..2 {
                    match kind.starts_with("checkout") {
                        true => room.tell(&id, kind, &session).await,
                        false => tell(&room, &id, kind, &payment).await,
                    }
                    room.work().await;
                }
            }
            let all = everything(&room, &gift).await;
            match &expected {
                None => expected = Some(all),
                Some(first) => assert_eq!(&all, first, "in the order {order:?}"),
            }
        }
        let expected = expected.expect("an order");
        assert!(expected.contains(&"GIFT partly_refunded 500 500".to_owned()), "{expected:?}");
        assert_eq!(expected.iter().filter(|row| row.starts_with("refund:re_GIFT_1")).count(), 3, "two entries and a letter: {expected:?}");
        room.balances().await;
        assert_eq!(held(&room).await, room.provider.balance());
        assert_eq!(room.sums().await, (120, 120 * 1_000));
    }

    /// TRUST D3, D8, T4: the provider moves on between the news, some of which are lost: the last one that is heard puts everything right.
    async fn what_is_heard_last_puts_everything_right(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, session, payment) = given(&room).await;
        let standing = async || {
            let listed = room.listed(&gift).await;
            (listed.standing, listed.refunded_minor, listed.amount_minor - listed.back_minor)
        };
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        assert_eq!(standing().await, (GiftStanding::Paid, 0, 1_500));
        room.provider.set_refund(&payment, "re_1", 500, RefundState::Pending);
        tell(&room, "evt_2", "refund.created", &payment).await;
        room.work().await;
        assert_eq!(standing().await, (GiftStanding::PartlyRefunded, 500, 1_000));
        assert_eq!(room.mails().await, 1, "nothing has been sent back yet");
        room.provider.set_refund(&payment, "re_1", 500, RefundState::Succeeded);
        room.provider.set_refund(&payment, "re_2", 1_000, RefundState::Succeeded);
        // Only the second is told of.
        tell(&room, "evt_3", "charge.refunded", &payment).await;
        room.work().await;
        assert_eq!(standing().await, (GiftStanding::Refunded, 1_500, 0));
        assert_eq!(room.mails().await, 3, "a letter for each");
        assert_eq!(room.sums().await, (0, 0));
        room.balances().await;
        room.provider.set_refund(&payment, "re_2", 1_000, RefundState::Failed);
        tell(&room, "evt_4", "refund.failed", &payment).await;
        room.work().await;
        assert_eq!(standing().await, (GiftStanding::PartlyRefunded, 500, 1_000));
        let told: Vec<(String,)> = database::rows(&room.site.db, "select subject from news order by subject").await;
        assert_eq!(told, [("refund re_2".to_owned(),)], "the treasurer hears of it");
        room.provider.set_dispute(&payment, "dp_1", DisputeState::NeedsResponse);
        tell(&room, "evt_5", "charge.dispute.created", &payment).await;
        room.work().await;
        assert_eq!(standing().await.0, GiftStanding::Disputed);
        room.provider.set_dispute(&payment, "dp_1", DisputeState::Lost);
        tell(&room, "evt_6", "charge.dispute.closed", &payment).await;
        room.work().await;
        assert_eq!(standing().await.0, GiftStanding::DisputeLost);
        room.balances().await;
        assert_eq!(held(&room).await, room.provider.balance());
    }

    /// TRUST D2, D8: a month's payment carries none of our ids, and what is given back of it may be told before the month itself.
    async fn a_month_is_given_back_before_it_is_told(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(true).await;
        let (_, _, invoice) = room.provider.pay_monthly(&gift);
        let payment = format!("pi_{gift}_1");
        room.provider.settle(&payment, 74);
        room.provider.set_refund(&payment, "re_1", 1_500, RefundState::Succeeded);
        tell(&room, "evt_1", "charge.refunded", &payment).await;
        room.work().await;
        assert_eq!(room.listed(&gift).await.standing, GiftStanding::Refunded);
        room.tell("evt_2", "invoice.paid", &invoice).await;
        room.work().await;
        assert_eq!((room.sums().await, room.mails().await), ((0, 0), 2), "a receipt and its correction");
        room.balances().await;
    }

    /// TRUST T5: what somebody has to look at first waits without a receipt.
    async fn a_payment_in_review_waits(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, session, payment) = given(&room).await;
        let in_review = |is: bool| room.provider.objects().payments.get_mut(&payment).expect("a payment").in_review = is;
        in_review(true);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        tell(&room, "evt_2", "review.opened", &payment).await;
        room.work().await;
        assert_eq!((room.listed(&gift).await.standing, room.mails().await), (GiftStanding::Pending, 0));
        in_review(false);
        tell(&room, "evt_3", "review.closed", &payment).await;
        room.work().await;
        assert_eq!((room.listed(&gift).await.standing, room.mails().await), (GiftStanding::Paid, 1));
        room.balances().await;
    }

    /// What a bank holds for a fraud is told the treasurer, and no more once it does not help to know.
    async fn a_warning_is_told(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, session, payment) = given(&room).await;
        let warn = |actionable: bool| {
            let warning = FraudWarning {
                id: "issfr_1".to_owned(),
                reason: "unauthorized_use_of_card".to_owned(),
                actionable,
                payment: Some(payment.clone()),
                created: NOW,
            };
            room.provider.objects().warnings.insert(warning.id.clone(), warning);
        };
        warn(true);
        room.tell("evt_1", "checkout.session.completed", &session).await;
        tell(&room, "evt_2", "radar.early_fraud_warning.created", &payment).await;
        room.work().await;
        let told: Vec<(String,)> = database::rows(&room.site.db, "select subject from news").await;
        assert_eq!(told, [("warning issfr_1".to_owned(),)]);
        warn(false);
        tell(&room, "evt_3", "radar.early_fraud_warning.updated", &payment).await;
        room.work().await;
        let open: Vec<(i64,)> = database::rows(&room.site.db, "select count(*) from fraud_warning where is_actionable").await;
        assert_eq!(open, [(0,)]);
    }

    /// What staff marked as paid elsewhere lies in the bank, and not at the provider.
    async fn what_did_not_pass_through_the_provider_is_not_there(db: TestDb) {
        let room = Room::open(&db).await;
        let gift = room.gift(true).await;
        let (_, _, invoice) = room.provider.pay_monthly(&gift);
        {
            let mut objects = room.provider.objects();
            let paid = objects.invoices.get_mut(&invoice).expect("an invoice");
            (paid.elsewhere_minor, paid.payment) = (1_500, None);
        }
        room.tell("evt_1", "invoice.paid", &invoice).await;
        room.work().await;
        assert_eq!((held(&room).await, room.sums().await), (0, (1, 1_500)));
        room.balances().await;
    }

    /// Money that was paid in another currency than the account's: each currency comes to zero, and the account's is what lies there.
    async fn another_currency_is_exchanged(db: TestDb) {
        let room = Room::open(&db).await;
        let (gift, session, payment) = given(&room).await;
        {
            let mut objects = room.provider.objects();
            let paid = objects.payments.get_mut(&payment).expect("a payment");
            paid.amount = Some(Money::new(1_500, Currency::USD));
            let mut moved = movement("txn_usd", "charge", 1_380, 70);
            moved.exchange_rate = Some("0.92".to_owned());
            paid.charge.as_mut().expect("a charge").movement = Some(moved);
        }
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        let rows: Vec<(String, i64)> = database::rows(
            &room.site.db,
            "select account || ' ' || currency, cast(sum(amount_minor) as bigint) from ledger_entry group by account, currency order by 1",
        )
        .await;
        let rows: Vec<(&str, i64)> = rows.iter().map(|(account, minor)| (account.as_str(), *minor)).collect();
        assert_eq!(rows, [("exchange EUR", -1_380), ("exchange USD", 1_500), ("fees EUR", 70), ("income:once USD", -1_500),
            ("provider:stripe EUR", 1_310), ("provider:stripe USD", 0)]);
        assert_eq!(room.listed(&gift).await.amount_minor, 1_500);
        room.balances().await;
    }

    /// TRUST T4: nothing in the book is changed or taken out, not even by somebody at the database.
    async fn the_book_is_only_added_to(db: TestDb) {
        let room = Room::open(&db).await;
        let (_, session, _) = given(&room).await;
        room.tell("evt_1", "checkout.session.completed", &session).await;
        room.work().await;
        for sql in ["update ledger_entry set amount_minor = 1", "delete from ledger_entry"] {
            assert!(refuses(&room.site.db, sql).await, "{sql}");
        }
    }
}
