//! Gifts and their receipts as a table for other programs.

use super::{
    lines::ListedDonation,
    search::{GiftPlace, GiftSearch},
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

/// Columns keep their names and their order: books are kept by them.
const COLUMNS: [&str; 12] = [
    "begun",
    "paid",
    "receipt",
    "name",
    "email",
    "amount",
    "currency",
    "how_often",
    "state",
    "payment",
    "invoice",
    "gift",
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

    /// A line for each gift.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn lines(&mut self, gifts: &[ListedDonation]) -> Result<(), CsvOfGiftsError> {
        for gift in gifts {
            let amount = money::currency(&gift.currency).map_or_else(
                || gift.amount_minor.to_string(),
                |currency| Money::new(gift.amount_minor, currency).figures(),
            );
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            self.csv.write_record([
                gift.created_at.day(self.zone),
                gift.paid_at.map(|at| at.day(self.zone)).unwrap_or_default(),
                text(&gift.receipt_number),
                guarded(&gift.name),
                guarded(&gift.email),
                amount,
                gift.currency.clone(),
                if gift.is_monthly() { "monthly" } else { "once" }.to_owned(),
                gift.state.as_str().to_owned(),
                text(&gift.provider_payment_id),
                text(&gift.provider_invoice_id),
                gift.public_id.clone(),
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
