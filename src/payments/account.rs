//! Our account at the provider as a whole: whether it may take and pay out money, where its events go, and what was in it before us.
//!
//! The rule that must hold: nothing here moves money. What is listed is read; what is made or mended is where events go and what
//! the provider's own page for supporters lets them do.

use serde::Serialize;

use super::{OurIds, ProviderAnswer, RecurringState};
use crate::{clock::Moment, money::Money};

/// Whether the account may do what we need it for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStanding {
    /// The provider's id of it.
    pub id: String,
    /// Whether it may take money.
    pub may_charge: bool,
    /// Whether it pays out to the bank.
    pub may_pay_out: bool,
    /// What the provider waits for, in its own words.
    pub wants: Vec<String>,
    /// Why it is restricted, in the provider's word for it.
    pub why: Option<String>,
}

impl AccountStanding {
    /// Of one that our key may not ask about: nothing is known against it.
    #[must_use]
    pub fn unknown() -> Self {
        Self { may_charge: true, may_pay_out: true, ..Self::default() }
    }

    /// Whether money can neither come in nor go out as it should.
    #[must_use]
    pub const fn is_restricted(&self) -> bool {
        !self.may_charge || !self.may_pay_out
    }
}

/// Where the provider sends its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The provider's id.
    pub id: String,
    pub url: String,
    /// Which kinds are sent; `*` is all.
    pub kinds: Vec<String>,
    /// The version that the events are written in; none is the account's own.
    pub version: Option<String>,
    pub is_enabled: bool,
    /// What we wrote of its secret: a short name of it, never the secret.
    pub secret_name: Option<String>,
    /// Whether we made it and nobody heard its secret: the program ended in between.
    pub is_unfinished: bool,
    pub created: Moment,
}

/// What the provider's own page lets supporters do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// The provider's id.
    pub id: String,
    /// Whether we made it.
    pub is_ours: bool,
    /// Whether supporters may change how they pay.
    pub changes_method: bool,
    /// Whether they may end what they give.
    pub ends: bool,
    /// Whether they see what they paid.
    pub shows_history: bool,
    /// Whether they may change their address there, which we would not know of before they confirmed it.
    pub changes_address: bool,
    /// Whether they may change there how much they give, or rest, which our pages do.
    pub changes_gift: bool,
    /// Where it leads back to.
    pub return_url: Option<String>,
}

impl Portal {
    /// Whether it lets supporters do what our pages say they can, and nothing else.
    #[must_use]
    pub fn is_right(&self, return_url: &str) -> bool {
        self.changes_method
            && self.ends
            && self.shows_history
            && !self.changes_address
            && !self.changes_gift
            && self.return_url.as_deref() == Some(return_url)
    }
}

/// Whom the provider knows by an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldCustomer {
    /// The provider's id; none for who paid without becoming a customer.
    pub id: Option<String>,
    /// As it stands there, in whatever spelling.
    pub email: Option<String>,
    pub name: Option<String>,
}

/// How often a standing gift is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OldInterval {
    Day,
    Week,
    Month,
    Year,
}

/// A subscription that may have been there before us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldSubscription {
    pub id: String,
    pub state: RecurringState,
    pub customer: OldCustomer,
    /// What its items come to; none when the provider names no fixed amount, or one in a currency that we do not know.
    pub amount: Option<Money>,
    /// The currency's code, whether or not we know it.
    pub currency: String,
    pub interval: OldInterval,
    /// Every so many of them.
    pub every: i64,
    /// What is given for, in the other program's words: a price's name, or its product.
    pub what: String,
    /// The names of the metadata that the other program left.
    pub marks: Vec<String>,
    pub ours: OurIds,
    pub created: Moment,
    pub ended_at: Option<Moment>,
    /// Whether it belongs to a test clock.
    pub is_of_a_clock: bool,
}

/// A paid invoice that may have been there before us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldInvoice {
    pub id: String,
    pub subscription: Option<String>,
    /// The payment that paid it; none when it was paid elsewhere.
    pub payment: Option<String>,
    pub customer: OldCustomer,
    pub amount: Option<Money>,
    pub currency: String,
    /// The part of it that did not pass through the provider, in minor units.
    pub elsewhere: i64,
    pub paid_at: Moment,
    pub created: Moment,
    pub ours: OurIds,
}

/// Money that came in, and may have before us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPayment {
    /// The payment; the charge itself, where an older program made no payment for it.
    pub id: String,
    pub customer: OldCustomer,
    pub amount: Option<Money>,
    pub currency: String,
    /// What went back since, in minor units.
    pub refunded: i64,
    pub is_disputed: bool,
    /// When it was on the balance.
    pub paid_at: Moment,
    pub marks: Vec<String>,
    pub ours: OurIds,
}

/// A page of what is listed, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPage<T> {
    pub items: Vec<T>,
    /// What the next page comes after; none on the last.
    pub next: Option<String>,
}

/// The account behind a provider.
pub trait ProviderAccount: Send + Sync {
    /// Whether the account may do what we need it for.
    fn standing(&self) -> ProviderAnswer<'_, AccountStanding>;
    /// A page of all subscriptions that there ever were.
    fn old_subscriptions<'a>(
        &'a self,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldSubscription>>;
    /// A page of the invoices made out since that moment that are paid.
    fn old_invoices<'a>(
        &'a self,
        since: Moment,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldInvoice>>;
    /// A page of the money that came in since that moment.
    fn old_payments<'a>(
        &'a self,
        since: Moment,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldPayment>>;
    /// What a product is called; none if the provider knows none of that id.
    fn product_name<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Option<String>>;
}
