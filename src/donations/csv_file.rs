//! Gifts and their receipts as a table for other programs.

use super::{
    lines::ListedDonation,
    search::{GiftPlace, GiftSearch},
    store::{self, search::Moved},
};
use crate::{
    clock::Zone,
    db,
    money::{self, Money},
    moving_in::guarded,
    site::Site,
};

/// Why no more was written.
#[derive(Debug, thiserror::Error)]
pub enum CsvOfGiftsError {
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] csv::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Columns keep their names and their order: books are kept by them. The last three are what moved on the provider's balance, all
/// refunds and disputes counted, so that they add up to it; they are empty of what did not pass through it, and not known yet.
const COLUMNS: [&str; 16] = [
    "begun",
    "paid",
    "receipt",
    "name",
    "email",
    "amount",
    "came_back",
    "currency",
    "how_often",
    "state",
    "payment",
    "invoice",
    "gift",
    "account_currency",
    "fee",
    "net",
];

/// A piece of the file. Days are days of the magazine's zone, as `2026-11-29`; amounts have a point before the cents, and no sign; what begins
/// as a formula does is guarded, so that no program for tables runs it (OWASP, CSV injection).
#[derive(Debug)]
pub struct CsvOfGifts<'a> {
    zone: &'a Zone,
    csv: csv::Writer<Vec<u8>>,
}

impl<'a> CsvOfGifts<'a> {
    /// An empty piece.
    #[must_use]
    pub fn new(zone: &'a Zone) -> Self {
        let csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        Self { zone, csv }
    }

    /// The first line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn headings(&mut self) -> Result<(), CsvOfGiftsError> {
        Ok(self.csv.write_record(COLUMNS)?)
    }

    /// A line for each gift, with what moved for it.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn lines(&mut self, gifts: &[ListedDonation], moved: &[Moved]) -> Result<(), CsvOfGiftsError> {
        for gift in gifts {
            let mut moved = moved.iter().filter(|moved| moved.donation_id == gift.id);
            // An account that changed its currency has no one sum.
            let moved = moved.next().filter(|_| moved.next().is_none());
            let of_account = |minor: fn(&Moved) -> i64| {
                moved.map(|moved| figures(minor(moved), &moved.currency)).unwrap_or_default()
            };
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            self.csv.write_record([
                gift.created_at.day(self.zone),
                gift.paid_at.map(|at| at.day(self.zone)).unwrap_or_default(),
                text(&gift.receipt_number),
                guarded(&gift.name),
                guarded(&gift.email),
                figures(gift.amount_minor, &gift.currency),
                figures(gift.back_minor, &gift.currency),
                gift.currency.clone(),
                gift.kind.in_words().to_owned(),
                gift.standing.in_words().to_owned(),
                text(&gift.provider_payment_id),
                text(&gift.provider_invoice_id),
                gift.public_id.clone(),
                moved.map(|moved| moved.currency.clone()).unwrap_or_default(),
                of_account(|moved| moved.fee_minor),
                of_account(|moved| moved.net_minor),
            ])?;
        }
        Ok(())
    }

    /// What was written.
    ///
    /// # Errors
    /// When it could not be.
    pub fn bytes(self) -> Result<Vec<u8>, CsvOfGiftsError> {
        Ok(self.csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))?)
    }
}

/// Bare figures, with a point before the cents.
fn figures(minor: i64, currency: &str) -> String {
    money::currency(currency)
        .map_or_else(|| minor.to_string(), |currency| Money::new(minor, currency).figures())
}

/// What moved on the provider's balance for these gifts.
///
/// # Errors
/// When the database fails.
pub async fn moved_for(site: &Site, gifts: &[ListedDonation]) -> db::Result<Vec<Moved>> {
    let ids: Vec<i64> = gifts.iter().map(|gift| gift.id).collect();
    store::search::moved(&site.db, &db::array(&ids)?).await
}

/// Where the next page of a list begins that ended with this gift.
#[must_use]
pub fn place_of(gift: &ListedDonation) -> GiftPlace {
    (gift.paid_at.unwrap_or(gift.created_at), gift.id)
}

/// Whether more gifts are meant than that.
///
/// # Errors
/// When the database fails.
pub async fn are_more_than(site: &Site, search: &GiftSearch, many: u64) -> db::Result<bool> {
    let one_more = i64::try_from(many).unwrap_or(i64::MAX).saturating_add(1);
    Ok(search.page(&site.db, None, one_more).await?.gifts.len() as u64 > many)
}
