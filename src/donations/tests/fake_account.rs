//! The account of the provider in memory: what a test puts into it.

use super::fake::Fake;
use crate::{
    clock::Moment,
    payments::{
        AccountStanding, OldInvoice, OldPage, OldPayment, OldSubscription, ProviderAccount, ProviderAnswer,
    },
};

/// Nothing was there before us.
fn nothing<T: Send>() -> OldPage<T> {
    OldPage { items: Vec::new(), next: None }
}

impl ProviderAccount for Fake {
    fn standing(&self) -> ProviderAnswer<'_, AccountStanding> {
        let standing = self.objects().standing.clone();
        Box::pin(async move { Ok(standing) })
    }
    fn old_subscriptions<'a>(&'a self, _: Option<&'a str>) -> ProviderAnswer<'a, OldPage<OldSubscription>> {
        Box::pin(async { Ok(nothing()) })
    }
    fn old_invoices<'a>(&'a self, _: Moment, _: Option<&'a str>) -> ProviderAnswer<'a, OldPage<OldInvoice>> {
        Box::pin(async { Ok(nothing()) })
    }
    fn old_payments<'a>(&'a self, _: Moment, _: Option<&'a str>) -> ProviderAnswer<'a, OldPage<OldPayment>> {
        Box::pin(async { Ok(nothing()) })
    }
    fn product_name<'a>(&'a self, _: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }
}
