//! What the provider's account is like: its fees, the currency it settles in, and what becomes of refunds and disputes.

use std::collections::BTreeMap;

/// How a refund goes on after it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefundCourse {
    /// It has succeeded at once.
    #[default]
    Succeeds,
    /// It has left the balance, and the bank has yet to say whether it arrived.
    Pending,
    /// It waits for money on the balance: nothing has left it yet.
    AwaitsFunds,
    /// The supporter must first say where the money is to go: nothing has left the balance yet.
    RequiresAction,
}

/// The currency that all others are exchanged to when they come onto the balance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Its code in lower case.
    pub currency: String,
    /// For each other currency, how many millionths of this one's smallest unit its smallest unit is worth.
    pub rates: BTreeMap<String, i64>,
}

/// What becomes of a subscription when its last try was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterLastTry {
    /// It ends.
    #[default]
    Cancel,
    /// It stays, and nobody pays.
    Unpaid,
    /// It stays past due.
    PastDue,
}

/// The rules of the account. They are set by a test, hold from then on, and are forgotten with the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeRules {
    /// What is kept of each charge, in hundredths of a per cent.
    pub fee_share: i64,
    /// What is kept of each charge besides, in the smallest unit of the currency it settles in.
    pub fee_fixed: i64,
    /// What a dispute costs, in the same unit.
    pub dispute_fee: i64,
    /// Whether a dispute that is won gives its fee back. Stripe's documents do not say.
    pub won_gives_fee_back: bool,
    /// The one currency of the balance; without it every currency has a balance of its own.
    pub settlement: Option<Settlement>,
    /// What becomes of refunds.
    pub refunds: RefundCourse,
    /// How many days after each refused try of an instalment the next one is made.
    pub retries: Vec<i64>,
    /// What becomes of a subscription after the last.
    pub after_last_try: AfterLastTry,
    /// Whether `amount_paid` of an invoice holds what was paid outside of the provider. Stripe's documents do not say.
    pub paid_holds_outside: bool,
    /// Whether a declined first instalment leaves an incomplete subscription behind. Stripe's documents do not say.
    pub declined_first_leaves: bool,
}

impl Default for StripeRules {
    fn default() -> Self {
        Self {
            fee_share: 290,
            fee_fixed: 30,
            dispute_fee: 1_500,
            won_gives_fee_back: false,
            settlement: None,
            refunds: RefundCourse::Succeeds,
            retries: vec![3, 5, 7],
            after_last_try: AfterLastTry::Cancel,
            paid_holds_outside: true,
            declined_first_leaves: false,
        }
    }
}

impl StripeRules {
    /// What is kept of a charge of this amount.
    pub(super) fn fee_of(&self, settled: i64) -> i64 {
        (settled * self.fee_share / 10_000 + self.fee_fixed).min(settled)
    }

    /// What an amount is on the balance: how much, of which currency, and at which rate if it was exchanged. A currency without a
    /// rate keeps a balance of its own.
    pub(super) fn settled<'a>(&'a self, amount: i64, currency: &'a str) -> (i64, &'a str, Option<f64>) {
        let settlement = self.settlement.as_ref().filter(|settlement| settlement.currency != currency);
        let rate = settlement.and_then(|settlement| Some((settlement, *settlement.rates.get(currency)?)));
        let Some((settlement, millionths)) = rate else { return (amount, currency, None) };
        let exact = i128::from(amount) * i128::from(millionths);
        let half = if exact < 0 { -500_000 } else { 500_000 };
        let settled = i64::try_from((exact + half) / 1_000_000).unwrap_or(i64::MAX);
        let rate = millionths as f64 / 1_000_000.0;
        (settled, &settlement.currency, Some(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exchanged_to_the_currency_of_the_balance_and_rounded_both_ways_alike() {
        let rates = BTreeMap::from([("usd".to_owned(), 923_400), ("jpy".to_owned(), 6_125_000)]);
        let rules = StripeRules {
            settlement: Some(Settlement { currency: "eur".to_owned(), rates }),
            ..StripeRules::default()
        };
        assert_eq!(rules.settled(1_999, "usd"), (1_846, "eur", Some(0.9234)));
        assert_eq!(rules.settled(-1_999, "usd"), (-1_846, "eur", Some(0.9234)));
        assert_eq!(rules.settled(100, "jpy"), (613, "eur", Some(6.125)));
        assert_eq!(rules.settled(1_999, "eur"), (1_999, "eur", None));
        assert_eq!(rules.settled(1_999, "gbp"), (1_999, "gbp", None));
    }

    #[test]
    fn a_fee_is_never_more_than_the_charge() {
        assert_eq!(StripeRules::default().fee_of(1_500), 73);
        assert_eq!(StripeRules::default().fee_of(10), 10);
        let rules = StripeRules { fee_share: 150, fee_fixed: 25, ..StripeRules::default() };
        assert_eq!(rules.fee_of(1_999), 54);
    }
}
