//! What becomes of a payment after it was paid: refunds, disputes, early fraud warnings, payouts.

use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    super::{
        Payment, ProviderAnswer, ProviderError, ProviderSubscription,
        after::{
            AfterPayment, Dispute, DisputeState, FraudWarning, Movement, NewRefund, Page, Payout,
            PayoutState, Refund, RefundState, Span,
        },
        money_of,
    },
    Call, Fields, Metadata, Stripe,
    balance::{Expandable, Named, WireMovement, moved},
};
use crate::clock::Moment;

/// Where our id of what asked for a refund stands in its metadata.
const REFUND: &str = "broadside_refund";
/// The most that Stripe gives at once.
const A_PAGE: &str = "100";

#[derive(Deserialize)]
struct WireRefund {
    id: String,
    status: Option<String>,
    amount: i64,
    currency: String,
    reason: Option<String>,
    failure_reason: Option<String>,
    payment_intent: Option<Expandable<Named>>,
    metadata: Metadata,
    balance_transaction: Option<Expandable<WireMovement>>,
    failure_balance_transaction: Option<Expandable<WireMovement>>,
    created: i64,
}

impl WireRefund {
    fn refund(self) -> Option<Refund> {
        Some(Refund {
            // Without a status it is of an old kind that went through at once.
            state: self.status.map_or(RefundState::Succeeded, |word| {
                RefundState::parse(&word).unwrap_or(RefundState::Pending)
            }),
            amount: money_of(Some(self.amount), Some(&self.currency))?,
            id: self.id,
            reason: self.reason.unwrap_or_default(),
            failure: self.failure_reason.unwrap_or_default(),
            ours: self.metadata.and_then(|mut all| all.remove(REFUND)),
            payment: self.payment_intent.map(Expandable::name),
            moved: moved(self.balance_transaction),
            returned: moved(self.failure_balance_transaction),
            created: Moment::from_unix_seconds(self.created),
        })
    }
}

#[derive(Deserialize)]
struct WireDispute {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    reason: Option<String>,
    payment_intent: Option<Expandable<Named>>,
    evidence_details: Option<WireEvidence>,
    balance_transactions: Option<Vec<WireMovement>>,
    created: i64,
}

#[derive(Deserialize)]
struct WireEvidence {
    due_by: Option<i64>,
    submission_count: Option<i64>,
}

impl WireDispute {
    fn dispute(self) -> Option<Dispute> {
        let evidence = self.evidence_details;
        Some(Dispute {
            state: DisputeState::parse(&self.status).unwrap_or(DisputeState::NeedsResponse),
            amount: money_of(Some(self.amount), Some(&self.currency))?,
            id: self.id,
            reason: self.reason.unwrap_or_default(),
            payment: self.payment_intent.map(Expandable::name),
            due: evidence.as_ref().and_then(|known| known.due_by).map(Moment::from_unix_seconds),
            answered: evidence.and_then(|known| known.submission_count).is_some_and(|count| count > 0),
            movements: self
                .balance_transactions
                .unwrap_or_default()
                .into_iter()
                .filter_map(WireMovement::movement)
                .collect(),
            created: Moment::from_unix_seconds(self.created),
        })
    }
}

#[derive(Deserialize)]
struct WireWarning {
    id: String,
    fraud_type: Option<String>,
    actionable: Option<bool>,
    payment_intent: Option<Expandable<Named>>,
    created: i64,
}

impl From<WireWarning> for FraudWarning {
    fn from(wire: WireWarning) -> Self {
        Self {
            id: wire.id,
            reason: wire.fraud_type.unwrap_or_default(),
            actionable: wire.actionable.unwrap_or(false),
            payment: wire.payment_intent.map(Expandable::name),
            created: Moment::from_unix_seconds(wire.created),
        }
    }
}

#[derive(Deserialize)]
struct WirePayout {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    automatic: Option<bool>,
    arrival_date: i64,
    failure_code: Option<String>,
    failure_message: Option<String>,
    balance_transaction: Option<Expandable<WireMovement>>,
    failure_balance_transaction: Option<Expandable<WireMovement>>,
    created: i64,
}

impl WirePayout {
    fn payout(self) -> Option<Payout> {
        Some(Payout {
            state: PayoutState::parse(&self.status).unwrap_or(PayoutState::InTransit),
            amount: money_of(Some(self.amount), Some(&self.currency))?,
            id: self.id,
            failure: self.failure_message.or(self.failure_code).unwrap_or_default(),
            arrives: Moment::from_unix_seconds(self.arrival_date),
            automatic: self.automatic.unwrap_or(false),
            moved: moved(self.balance_transaction),
            returned: moved(self.failure_balance_transaction),
            created: Moment::from_unix_seconds(self.created),
        })
    }
}

#[derive(Deserialize)]
struct WirePage<T> {
    data: Vec<T>,
    has_more: Option<bool>,
}

fn unreadable(what: &str) -> ProviderError {
    ProviderError::Unknown(format!("{what} is in a currency that gifts cannot be taken in"))
}

impl Stripe {
    async fn page<W: DeserializeOwned, T>(
        &self,
        path: &[&str],
        span: Span<'_>,
        with: &[(&str, &str)],
        read: impl Fn(W) -> Option<T>,
    ) -> Result<Page<T>, ProviderError> {
        let mut call = Call::get(path).with("limit", A_PAGE);
        for (name, value) in with {
            call = call.with(name, value);
        }
        for (name, moment) in [("created[gte]", span.from), ("created[lt]", span.until)] {
            if let Some(moment) = moment {
                call = call.with(name, &moment.unix_seconds().to_string());
            }
        }
        if let Some(after) = span.after {
            call = call.with("starting_after", after);
        }
        let page: WirePage<Value> = self.send(call).await?;
        let last = page.data.last().and_then(|object| object["id"].as_str()).map(str::to_owned);
        let mut items = Vec::new();
        for object in page.data {
            let wire: W =
                serde_json::from_value(object).map_err(|error| ProviderError::Unknown(error.to_string()))?;
            items.extend(read(wire));
        }
        Ok(Page { items, next: last.filter(|_| page.has_more.unwrap_or(false)) })
    }
}

const REFUND_MOVES: [(&str, &str); 2] =
    [("expand[]", "data.balance_transaction"), ("expand[]", "data.failure_balance_transaction")];

impl AfterPayment for Stripe {
    fn refunds_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Refund>> {
        Box::pin(async move {
            let [moved, returned] = REFUND_MOVES;
            let with = [("payment_intent", payment), moved, returned];
            Ok(self.page(&["refunds"], Span::default(), &with, WireRefund::refund).await?.items)
        })
    }

    fn disputes_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Dispute>> {
        Box::pin(async move {
            let with = [("payment_intent", payment)];
            Ok(self.page(&["disputes"], Span::default(), &with, WireDispute::dispute).await?.items)
        })
    }

    fn warnings_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<FraudWarning>> {
        Box::pin(async move {
            let with = [("payment_intent", payment)];
            let read = |wire: WireWarning| Some(wire.into());
            Ok(self.page(&["radar", "early_fraud_warnings"], Span::default(), &with, read).await?.items)
        })
    }

    fn invoice_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Paid {
                invoice: Option<Expandable<Named>>,
            }
            let with = [("payment[type]", "payment_intent"), ("payment[payment_intent]", payment)];
            let read = |wire: Paid| wire.invoice.map(Expandable::name);
            let found = self.page(&["invoice_payments"], Span::default(), &with, read).await?;
            Ok(found.items.into_iter().next())
        })
    }

    fn session_of_payment<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Session {
                id: String,
            }
            let read = |wire: Session| Some(wire.id);
            let with = [("payment_intent", payment)];
            let found = self.page(&["checkout", "sessions"], Span::default(), &with, read).await?;
            Ok(found.items.into_iter().next())
        })
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> ProviderAnswer<'a, Refund> {
        Box::pin(async move {
            let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let fields: Fields = vec![
                field("payment_intent", &new.payment),
                field("amount", &new.amount_minor.to_string()),
                field("reason", "requested_by_customer"),
                field(&format!("metadata[{REFUND}]"), &new.ours),
                field("expand[]", "balance_transaction"),
            ];
            let key = Some(new.idempotency_key.as_str());
            let made: WireRefund =
                self.send(Call { method: Method::POST, path: &["refunds"], fields, key }).await?;
            made.refund().ok_or_else(|| unreadable("the refund"))
        })
    }

    fn payout<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payout> {
        Box::pin(async move {
            let path = ["payouts", id];
            let call = Call::get(&path)
                .with("expand[]", "balance_transaction")
                .with("expand[]", "failure_balance_transaction");
            let wire: WirePayout = self.send(call).await?;
            wire.payout().ok_or_else(|| unreadable("the payout"))
        })
    }

    fn movements<'a>(
        &'a self,
        span: Span<'a>,
        payout: Option<&'a str>,
    ) -> ProviderAnswer<'a, Page<Movement>> {
        Box::pin(async move {
            let mut with = vec![("expand[]", "data.source")];
            with.extend(payout.map(|id| ("payout", id)));
            self.page(&["balance_transactions"], span, &with, WireMovement::movement).await
        })
    }

    fn refunds<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Refund>> {
        Box::pin(self.page(&["refunds"], span, &REFUND_MOVES, WireRefund::refund))
    }

    fn disputes<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Dispute>> {
        Box::pin(self.page(&["disputes"], span, &[], WireDispute::dispute))
    }

    fn payouts<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Payout>> {
        const MOVES: [(&str, &str); 2] = REFUND_MOVES;
        Box::pin(self.page(&["payouts"], span, &MOVES, WirePayout::payout))
    }

    fn payments<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Payment>> {
        const WITH: [(&str, &str); 1] = [("expand[]", "data.latest_charge.balance_transaction")];
        Box::pin(self.page(&["payment_intents"], span, &WITH, |wire: super::WirePayment| Some(wire.into())))
    }

    fn subscriptions<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<ProviderSubscription>> {
        Box::pin(self.page(
            &["subscriptions"],
            span,
            // What a coupon takes off is not given.
            &[("status", "all"), ("expand[]", "data.discounts.source.coupon")],
            |wire: super::WireSubscription| Some(wire.into()),
        ))
    }
}
